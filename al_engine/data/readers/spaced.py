"""Text with blanks between the values and names above them, as `.dat` and `.txt` often are.

Owns what passes for such a table.  It is the least certain form: no line may contradict it.
"""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from al_engine.data.readers.inference import NUMBER, batches_of_texts, table_of_texts
from al_engine.data.readers.source import LATIN_1_NOTE, Head, open_bytes, peek, refusal
from al_engine.data.readers.text import irregular
from al_engine.data.table import Table
from al_engine.jobs import Cancelled

# A value that itself holds blanks stands in quotation marks.
_VALUE = re.compile(r'"([^"]*)"|(\S+)')
_N_SAMPLE = 20


def matches(head: Head) -> bool:
    return b"\0" not in head.bytes and _header(head.text) is not None


def open_spaced(path: Path, part: str | None, cancelled: Cancelled) -> Table:
    """Open text whose lines all have as many values as there are names."""
    try:
        return _open(path, "utf-8-sig", (), cancelled)
    except UnicodeDecodeError:
        return _open(path, "latin-1", (LATIN_1_NOTE,), cancelled)


def _open(path: Path, encoding: str, notes: tuple[str, ...], cancelled: Cancelled) -> Table:
    header = _header(peek(path).bytes.decode(encoding, errors="replace"))
    if header is None:
        raise refusal(
            path,
            "has no line of names that fits the values below it",
            "Write the names of the columns above the values, or save the table as CSV.",
        )
    names, n_header_rows = header

    def rows() -> Iterator[list[str]]:
        with open_bytes(path) as stream:
            n_skipped = 0
            for number, line in enumerate(io.TextIOWrapper(stream, encoding=encoding), start=1):
                if _is_aside(line):
                    continue
                if n_skipped < n_header_rows:
                    n_skipped += 1
                    continue
                values = _values(line)
                if len(values) != len(names):
                    raise irregular(path, number, len(values), len(names))
                if any(value.startswith('"') for value in values):
                    raise refusal(
                        path, f"opens a quotation mark in line {number} and never shuts it"
                    )
                yield values

    def texts() -> Iterator[pa.RecordBatch]:
        return batches_of_texts(rows(), len(names))

    return table_of_texts(path, "ascii", names, notes, texts, cancelled)


def _header(text: str) -> tuple[list[str], int] | None:
    """Find the names, in the first row or the comment above it; and how many rows they take."""
    lines = [line for line in text.splitlines(keepends=True) if line.endswith(("\n", "\r"))]
    rows = [_values(line) for line in lines if not _is_aside(line)][: _N_SAMPLE + 1]
    if _is_table(rows):
        return rows[0], 1
    first = next((i for i, line in enumerate(lines) if not _is_aside(line)), 0)
    named = [_values(line.lstrip("# ")) for line in lines[:first] if line.strip("# \t\r\n")]
    if named and _is_table([named[-1], *rows]):
        return named[-1], 0
    return None


def _is_table(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the others, a column of numbers among them."""
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    names, *values = rows
    are_names = len(set(names)) == len(names) and not any(
        NUMBER.match(name) or re.search(r"[,;|]|^$", name) for name in names
    )
    return are_names and any(all(map(NUMBER.match, column)) for column in zip(*values, strict=True))


def _is_aside(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _values(line: str) -> list[str]:
    return [quoted or plain for quoted, plain in _VALUE.findall(line)]
