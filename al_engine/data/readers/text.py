"""CSV and its relatives: comma, tab, semicolon or pipe between values, gzipped or not.

Owns the guess of the layout and the types of the columns.  The file is streamed twice: once to
find types that hold for every row, once to hand the rows over.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from al_engine.data.readers.arrays import Found, arrange, slices
from al_engine.data.readers.source import (
    DOWNLOAD_AGAIN,
    LATIN_1_NOTE,
    Head,
    is_gzipped,
    open_bytes,
    peek,
    refusal,
)
from al_engine.data.table import Table
from al_engine.errors import UnreadableFileError

_BLOCK_BYTES = 8_000_000
_DELIMITERS = (",", "\t", ";", "|")
_NUMBER = re.compile(r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")


@dataclass(frozen=True)
class _Layout:
    """How a file is to be cut into values."""

    delimiter: str
    encoding: str
    names: tuple[str, ...]
    n_comment_lines: int
    has_header: bool
    notes: tuple[str, ...] = ()


def matches(head: Head) -> bool:
    rows = _sample(head.text)
    return len(rows[1]) >= 2 and len(rows[1][0]) >= 2 and len(rows[1][0]) == len(rows[1][1])


def open_csv(path: Path, part: str | None) -> Table:
    """Open delimited text; the types of its columns hold for every row."""
    layout = _layout(path)
    try:
        columns, n_rows = _infer(path, layout)
    except (pa.ArrowInvalid, UnicodeError) as error:
        # pyarrow says neither in which line it was nor whether it was the encoding.
        if _is_utf8(path, layout):
            raise _irregular(path, layout) or error from error
        notes = (*layout.notes, LATIN_1_NOTE)
        layout = replace(_layout(path, "latin-1"), notes=notes)
        try:
            columns, n_rows = _infer(path, layout)
        except pa.ArrowInvalid as again:
            raise _irregular(path, layout) or again from again
    if n_rows == 0:
        raise refusal(path, "has no rows below its header", "Choose a table with rows.")
    found = [
        Found(name, column.settled) for name, column in zip(layout.names, columns, strict=True)
    ]
    long = [name for name, c in zip(layout.names, columns, strict=True) if c.kept_as_text]
    notes = layout.notes
    if long:
        notes = (*notes, f"Kept as text, being too long for exact numbers: {', '.join(long[:5])}.")
    arranged = arrange(path, found, notes)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in _stream(path, layout):
            arrays = [
                _settle(values, column)
                for values, column in zip(batch.columns, columns, strict=True)
            ]
            if any(array is None for array in arrays):
                raise refusal(path, "changed while it was being read", "Start again.")
            yield from slices(arranged.batch(arrays))

    return Table(
        reader="csv",
        columns=arranged.columns,
        batches=batches,
        n_rows=n_rows,
        notes=arranged.notes,
    )


def _sample(text: str) -> tuple[str, list[list[str]], list[str]]:
    """Cut the first lines: the delimiter, up to 20 rows, and the comment lines above them."""
    lines = text.splitlines(keepends=True)
    if len(lines) > 1 and not lines[-1].endswith(("\n", "\r")):
        lines = lines[:-1]
    comments = []
    while lines and lines[0].startswith("#"):
        comments.append(lines.pop(0))
    best: tuple[tuple[int, int], str, list[list[str]]] = ((-1, -1), ",", [])
    for delimiter in _DELIMITERS:
        rows = []
        try:
            for row in csv.reader(io.StringIO("".join(lines[:200])), delimiter=delimiter):
                if row:
                    rows.append(row)
                if len(rows) == 20:
                    break
        except csv.Error:
            continue
        if not rows:
            continue
        width = len(rows[0])
        alike = sum(len(row) == width for row in rows) if width > 1 else 0
        score = (alike, width)
        if score > best[0]:
            best = (score, delimiter, rows)
    return best[1], best[2], comments


def _layout(path: Path, encoding: str = "utf-8") -> _Layout:
    head = peek(path)
    if head.bytes.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    text = head.bytes.decode("latin-1") if encoding == "latin-1" else head.text
    delimiter, rows, comments = _sample(text)
    if not rows:
        raise refusal(path, "has no rows", "Choose a table with rows.")
    first = rows[0]
    if len(first) == 1 and len(rows) > 1 and all(len(row[0].split()) > 1 for row in rows[1:]):
        raise refusal(
            path,
            "has no comma, tab, semicolon or pipe between its values",
            "Save it again with one of these between the values.",
        )
    notes: list[str] = []
    has_header = _is_header(first)
    if has_header:
        names = [name.strip() for name in first]
    else:
        above = (
            [name.strip() for name in comments[-1].lstrip("# ").split(delimiter)]
            if comments
            else []
        )
        if len(above) == len(first) > 1:
            names = above
            notes.append("The column names were taken from the comment above the first row.")
        else:
            names = [f"column_{i}" for i in range(1, len(first) + 1)]
            notes.append(
                f"The first row holds values, not names: the columns are called column_1 to "
                f"column_{len(first)}."
            )
    return _Layout(delimiter, encoding, tuple(names), len(comments), has_header, tuple(notes))


def _is_header(first: list[str]) -> bool:
    """A row is a header unless a number stands in it; 0, 1, 2, ... are names pandas gives."""
    if [cell.strip() for cell in first] == [str(i) for i in range(len(first))] and len(first) > 1:
        return True
    return not any(_NUMBER.match(cell) for cell in first)


def _stream(path: Path, layout: _Layout) -> Iterator[pa.RecordBatch]:
    """Yield blocks of the file with every value as text and empty ones as NULL."""
    source = pa.input_stream(str(path), compression="gzip" if is_gzipped(path) else None)
    # The columns go by their positions: names in a file may repeat.
    places = [str(i) for i in range(len(layout.names))]
    try:
        with closing(source):
            reader = arrow_csv.open_csv(
                source,
                read_options=arrow_csv.ReadOptions(
                    column_names=places,
                    skip_rows=layout.n_comment_lines,
                    skip_rows_after_names=int(layout.has_header),
                    block_size=_BLOCK_BYTES,
                    encoding=layout.encoding,
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=layout.delimiter,
                    newlines_in_values=True,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types={place: pa.string() for place in places},
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
            yield from reader
    except OSError as error:
        if not is_gzipped(path):
            raise
        raise refusal(path, "is compressed, and is cut short or damaged", DOWNLOAD_AGAIN) from error


def _irregular(path: Path, layout: _Layout) -> UnreadableFileError | None:
    """Look, in plain Python, for the first row of another length; None if there is none."""
    n_columns = len(layout.names)
    with open_bytes(path) as stream:
        text = io.TextIOWrapper(stream, encoding=layout.encoding, errors="replace", newline="")
        for _ in range(layout.n_comment_lines):
            text.readline()
        rows = csv.reader(text, delimiter=layout.delimiter)
        try:
            row = next((row for row in rows if row and len(row) != n_columns), None)
        except csv.Error:
            return None
    if row is None:
        return None
    values = "1 value" if len(row) == 1 else f"{len(row)} values"
    line = layout.n_comment_lines + rows.line_num
    return refusal(
        path,
        f"has {values} in line {line}, where {n_columns} belong",
        "Mend that line, or save the table again with all its columns.",
    )


def _is_utf8(path: Path, layout: _Layout) -> bool:
    if layout.encoding != "utf-8":
        return True
    with open_bytes(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8")
        try:
            while text.read(1_000_000):
                pass
        except UnicodeDecodeError:
            return False
    return True
