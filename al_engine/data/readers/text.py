"""CSV and its relatives: comma, tab, semicolon or pipe between values, gzipped or not.

Owns the guess of the layout and the cutting into texts: in blocks by pyarrow, and row by row
where that fails.  The types of the columns are found elsewhere.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from al_engine.data.readers.arrays import BATCH_ROWS
from al_engine.data.readers.inference import NUMBER, batches_of_texts, table_of_texts
from al_engine.data.readers.source import (
    DOWNLOAD_AGAIN,
    LATIN_1_NOTE,
    Head,
    go_on,
    is_gzipped,
    open_bytes,
    peek,
    refusal,
)
from al_engine.data.table import Table
from al_engine.errors import UnreadableFileError
from al_engine.jobs import Cancelled

_BLOCK_BYTES = 8_000_000
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class _Layout:
    """How a file is to be cut into values."""

    delimiter: str
    encoding: str
    names: tuple[str, ...]
    n_lines_above: int
    has_header: bool
    by_row: bool = False
    notes: tuple[str, ...] = ()


def matches(head: Head) -> bool:
    rows = _sample(head.text)
    return len(rows[1]) >= 2 and len(rows[1][0]) >= 2 and len(rows[1][0]) == len(rows[1][1])


def open_csv(path: Path, part: str | None, cancelled: Cancelled) -> Table:
    """Open delimited text; the types of its columns hold for every row."""
    return _open(path, _layout(path), cancelled)


def _open(path: Path, layout: _Layout, cancelled: Cancelled) -> Table:
    """Open by a layout; where the file resists, look again for its encoding and short rows."""
    texts = partial(_by_row if layout.by_row else _in_blocks, path, layout)
    try:
        return table_of_texts(path, "csv", layout.names, layout.notes, texts, cancelled)
    except (pa.ArrowInvalid, UnicodeError):
        # pyarrow says neither in which line it was nor whether it was the encoding.
        if not _is_utf8(path, layout):
            again = replace(_layout(path, "latin-1"), notes=(*layout.notes, LATIN_1_NOTE))
        elif not layout.by_row:
            notes = (*layout.notes, *_notes_on_short_rows(path, layout, cancelled))
            again = replace(layout, by_row=True, notes=notes)
        else:
            raise
    return _open(path, again, cancelled)


def _sample(text: str) -> tuple[str, list[list[str]], list[str]]:
    """Cut the first lines: the delimiter, up to 20 rows, and the comments and blanks above."""
    lines = text.splitlines(keepends=True)
    if len(lines) > 1 and not lines[-1].endswith(("\n", "\r")):
        lines = lines[:-1]
    above = []
    while lines and (lines[0].startswith("#") or not lines[0].strip(" \r\n")):
        above.append(lines.pop(0))
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
    return best[1], best[2], above


def _layout(path: Path, encoding: str = "utf-8") -> _Layout:
    head = peek(path)
    if head.bytes.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    text = head.bytes.decode("latin-1") if encoding == "latin-1" else head.text
    delimiter, rows, above = _sample(text)
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
        comments = [line.lstrip("# ") for line in above if line.startswith("#")]
        named = [name.strip() for name in comments[-1].split(delimiter)] if comments else []
        if len(named) == len(first) > 1:
            names = named
            notes.append("The column names were taken from the comment above the first row.")
        else:
            names = [f"column_{i}" for i in range(1, len(first) + 1)]
            notes.append(
                f"The first row holds values, not names: the columns are called column_1 to "
                f"column_{len(first)}."
                if len(first) > 1
                else "The first row holds a value, not a name: the column is called column_1."
            )
    return _Layout(delimiter, encoding, tuple(names), len(above), has_header, notes=tuple(notes))


def _is_header(first: list[str]) -> bool:
    """A row is a header unless a number stands in it; 0, 1, 2, ... are names pandas gives."""
    if [cell.strip() for cell in first] == [str(i) for i in range(len(first))] and len(first) > 1:
        return True
    return not any(NUMBER.match(cell) for cell in first)


def _in_blocks(path: Path, layout: _Layout) -> Iterator[pa.RecordBatch]:
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
                    skip_rows=layout.n_lines_above,
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


def _by_row(path: Path, layout: _Layout) -> Iterator[pa.RecordBatch]:
    """Yield what ``_in_blocks`` would, in plain Python, with short rows filled up."""
    n_columns = len(layout.names)
    rows = (values + [""] * (n_columns - len(values)) for _, values, _ in _rows(path, layout))
    yield from batches_of_texts(rows, n_columns)


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[int, list[str], str]]:
    """Yield each row below the header: the line it begins in, its values, and its text."""
    encoding = "utf-8-sig" if layout.encoding == "utf-8" else layout.encoding
    with open_bytes(path) as stream:
        lines = io.TextIOWrapper(stream, encoding=encoding, newline="")
        for _ in range(layout.n_lines_above):
            lines.readline()
        taken: list[str] = []
        cut = csv.reader(_noting(lines, taken), delimiter=layout.delimiter)
        n_lines = layout.n_lines_above
        try:
            if layout.has_header:
                next(cut, None)
            while True:
                n_lines += len(taken)
                taken.clear()
                values = next(cut, None)
                if values is None:
                    return
                is_blank = not values or (len(values) == 1 and not values[0].strip())
                if not is_blank or len(values) == len(layout.names):
                    yield n_lines + 1, values, "".join(taken)
        except csv.Error as error:
            raise refusal(
                path,
                f"cannot be cut into values from line {n_lines + 1} on",
                "Look for a quotation mark there that is never closed.",
            ) from error


def _noting(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _notes_on_short_rows(path: Path, layout: _Layout, cancelled: Cancelled) -> list[str]:
    """Count the rows that end early, as spreadsheets write them when last values are missing.

    Raises
    ------
    UnreadableFileError : a row is too long, is a comment, or is cut short; or none is whole
    """
    n_columns = len(layout.names)
    n_rows = n_short = 0
    first = (0, 0)
    for line, values, text in _rows(path, layout):
        if n_rows % BATCH_ROWS == 0:
            go_on(cancelled)
        n_rows += 1
        if len(values) == n_columns:
            continue
        if len(values) > n_columns or values[0].startswith("#"):
            raise irregular(path, line, len(values), n_columns)
        if not _is_ended(text, layout.delimiter):
            hint = f"The file seems to be cut short there. {DOWNLOAD_AGAIN}"
            raise irregular(path, line, len(values), n_columns, hint)
        n_short += 1
        first = first if first[0] else (line, len(values))
    if n_short == 0:
        return []
    if n_short == n_rows:
        raise irregular(path, *first, n_columns)
    above = "the header" if layout.has_header else "the first"
    if n_short == 1:
        return [
            f"1 row is shorter than {above}; its last columns are missing: it is line {first[0]}."
        ]
    return [
        f"{n_short:,} rows are shorter than {above}; their last columns are missing: "
        f"the first is line {first[0]}."
    ]


def _is_ended(text: str, delimiter: str) -> bool:
    """Whether a row has its end of line, outside of quotation marks."""
    if not text.endswith(("\n", "\r")):
        return False
    try:
        list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def irregular(
    path: Path, line: int, n_values: int, n_columns: int, hint: str = ""
) -> UnreadableFileError:
    """Say which line has too few values or too many."""
    values = "1 value" if n_values == 1 else f"{n_values} values"
    belong = "1 belongs" if n_columns == 1 else f"{n_columns} belong"
    return refusal(
        path,
        f"has {values} in line {line}, where {belong}",
        hint or "Mend that line, or save the table again with all its columns.",
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
