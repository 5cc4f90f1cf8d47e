"""Tables of texts made into tables of numbers, texts, dates: types that hold for every row.

Owns the finding of the types and the words for a missing number.  Must not know how a file was
cut into texts: it is given a stream of them, and runs through it twice.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from al_engine.data.readers.arrays import BATCH_ROWS, Found, arrange, slices
from al_engine.data.readers.source import go_on, refusal
from al_engine.data.table import Table
from al_engine.jobs import Cancelled

NUMBER = re.compile(r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")
_BATCH_VALUES = 1_000_000
_MISSING_NUMBERS = pa.array(
    ["", "-", "--", "N/A", "n/a", "NA", "NULL", "Null", "null", "None", "none", "NaN", "nan", "NAN"]
)
_EXACT_IN_FLOAT = 2**53
_CANDIDATES = (
    pa.int64(),
    pa.uint64(),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("us"),
)
# What a column that has been of one type so far may become when a later value does not fit.
_WIDER: dict[pa.DataType, tuple[pa.DataType, ...]] = {
    pa.int64(): (pa.uint64(), pa.float64()),
    pa.date32(): (pa.timestamp("us"),),
}


def table_of_texts(
    path: Path,
    reader: str,
    names: Sequence[str],
    notes: Sequence[str],
    texts: Callable[[], Iterator[pa.RecordBatch]],
    cancelled: Cancelled,
) -> Table:
    """Make a table of a stream of texts; empty ones come as NULL.

    Raises
    ------
    UnreadableFileError : there are no rows
    WorkCancelled : ``cancelled``, which is asked before each batch of the first pass, said so
    """
    columns, n_rows = _infer(texts(), len(names), cancelled)
    if n_rows == 0:
        raise refusal(path, "has no rows below its header", "Choose a table with rows.")
    found = [Found(name, column.settled) for name, column in zip(names, columns, strict=True)]
    long = [name for name, column in zip(names, columns, strict=True) if column.kept_as_text]
    if long:
        notes = (*notes, f"Kept as text, being too long for exact numbers: {', '.join(long[:5])}.")
    arranged = arrange(path, found, notes)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in texts():
            arrays = [
                _settle(values, column)
                for values, column in zip(batch.columns, columns, strict=True)
            ]
            if any(array is None for array in arrays):
                raise refusal(path, "changed while it was being read", "Start again.")
            yield from slices(arranged.batch(arrays))

    return Table(
        reader=reader,
        columns=arranged.columns,
        batches=batches,
        n_rows=n_rows,
        notes=arranged.notes,
    )


def batches_of_texts(rows: Iterator[list[str]], n_columns: int) -> Iterator[pa.RecordBatch]:
    """Turn rows of ``n_columns`` texts, cut in plain Python, into batches."""
    names = [str(i) for i in range(n_columns)]
    n_rows = max(1, min(BATCH_ROWS, _BATCH_VALUES // n_columns))
    while block := list(islice(rows, n_rows)):
        columns = zip(*block, strict=True)
        arrays = [pa.array([value or None for value in column], pa.string()) for column in columns]
        yield pa.RecordBatch.from_arrays(arrays, names=names)


@dataclass
class _ColumnGuess:
    """The type of a column as far as it has been read; None where no value was met."""

    type: pa.DataType | None = None
    largest: int = 0
    has_words: bool = False
    kept_as_text: bool = False

    @property
    def settled(self) -> pa.DataType:
        if self.type is None:
            return pa.float64() if self.has_words else pa.string()
        return self.type

    def take(self, values: pa.Array) -> None:
        """Widen the type until every value fits."""
        if self.type == pa.string() or values.null_count == len(values):
            return
        tries = _CANDIDATES if self.type is None else (self.type, *_WIDER.get(self.type, ()))
        for kind in tries:
            # A failing cast is slow, as it words an error for every value: try a few first.
            if _convert(values[:50], kind) is None:
                continue
            converted = _convert(values, kind)
            if converted is None:
                continue
            if converted.null_count == len(converted):
                self.has_words = True
                return
            if pa.types.is_integer(kind):
                ends = pc.min_max(converted).as_py()
                if kind == pa.uint64() and self.type == pa.int64() and self.largest < 0:
                    continue
                self.largest = _larger(self.largest, ends)
            elif pa.types.is_floating(kind) and self._loses_digits(values, converted):
                self.kept_as_text = True
                break
            self.type = kind
            return
        self.type = pa.string()

    def _loses_digits(self, values: pa.Array, converted: pa.Array) -> bool:
        if abs(self.largest) > _EXACT_IN_FLOAT:
            return True
        size = pc.max(pc.abs(converted)).as_py()
        if size is None or size < _EXACT_IN_FLOAT:
            return False
        return bool(pc.any(pc.match_substring_regex(values, r"^\s*[+-]?\d{16,}\s*$")).as_py())


def _larger(so_far: int, ends: dict[str, int]) -> int:
    """Keep the value of largest size; a negative one always stays known as negative."""
    low, high = ends["min"], ends["max"]
    size = max(abs(so_far), abs(low), abs(high))
    return -size if so_far < 0 or low < 0 else size


def _infer(
    texts: Iterable[pa.RecordBatch], n_columns: int, cancelled: Cancelled
) -> tuple[list[_ColumnGuess], int]:
    guesses = [_ColumnGuess() for _ in range(n_columns)]
    n_rows = 0
    for batch in texts:
        go_on(cancelled)
        n_rows += batch.num_rows
        for guess, values in zip(guesses, batch.columns, strict=True):
            guess.take(values)
    return guesses, n_rows


def _settle(values: pa.Array, column: _ColumnGuess) -> pa.Array | None:
    if column.type is None:
        return pa.nulls(len(values))
    return _convert(values, column.type)


def _convert(values: pa.Array, wanted: pa.DataType) -> pa.Array | None:
    """Read texts as values of a type; None where one does not fit."""
    if pa.types.is_string(wanted):
        return pc.utf8_trim_whitespace(values)
    try:
        return values.cast(wanted)
    except pa.ArrowInvalid:
        pass
    trimmed = pc.utf8_trim_whitespace(values)
    missing = pc.is_in(trimmed, _MISSING_NUMBERS)
    plain = pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)
    try:
        return plain.cast(wanted)
    except pa.ArrowInvalid:
        pass
    if not (pa.types.is_integer(wanted) and pc.any(pc.starts_with(plain, "+")).as_py()):
        return None
    try:
        return pc.replace_substring_regex(plain, r"^\+", "").cast(wanted)
    except pa.ArrowInvalid:
        return None
