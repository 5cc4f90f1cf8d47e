"""Columns as they come from a file, made into the few Arrow types the catalogue takes.

Owns what counts as missing (NaN, blank text), bytes as text, and the naming of columns.  Must
not know any file format.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from al_engine.data.readers.source import refusal
from al_engine.data.table import Column, SetAside

BATCH_ROWS = 65_536
BATCH_BYTES = 32_000_000  # of values; memory holds a batch several times over


@dataclass(frozen=True)
class Found:
    """A column as a file declares it; ``type`` is None where it cannot be imported."""

    name: str
    type: pa.DataType | None
    unit: str = ""
    description: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Arranged:
    """The usable columns with their positions in the file, and the others with reasons."""

    kept: tuple[int, ...]
    columns: tuple[Column, ...]
    set_aside: tuple[SetAside, ...]
    notes: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])

    def batch(self, arrays: Sequence[pa.Array]) -> pa.RecordBatch:
        """Make a record batch of the usable columns, in order, tidying each."""
        tidied = [
            tidy(values, column.type) for values, column in zip(arrays, self.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(tidied, schema=self.schema)


def arrange(path: Path, found: Sequence[Found], notes: Sequence[str] = ()) -> Arranged:
    """Name the columns apart and set the unusable ones aside.

    Raises
    ------
    UnreadableFileError : no column is usable
    """
    names, name_notes = unique_names([field.name for field in found])
    kept = tuple(i for i, field in enumerate(found) if field.type is not None)
    set_aside = tuple(
        SetAside(name, field.reason)
        for name, field in zip(names, found, strict=True)
        if field.type is None
    )
    if not kept:
        named = ", ".join(f"{column.name}: {column.reason}" for column in set_aside[:3])
        raise refusal(
            path,
            "has no column with one value a row" + (f" ({named})" if named else ""),
            "Choose another table, or one with a number or a text in each row.",
        )
    columns = tuple(
        Column(names[i], found[i].type, found[i].unit, found[i].description) for i in kept
    )
    return Arranged(kept, columns, set_aside, (*notes, *name_notes))


def unique_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Make every name non-blank and distinct, and say which were changed.

    Names that differ only in case are different names: g and G are two bands.

    >>> unique_names(["g", "G", "g", ""])[0]
    ['g', 'G', 'g_2', 'column_4']
    """
    stripped = [name.strip(" \t\r\n\0") for name in names]
    taken: set[str] = set()
    # A first name keeps its place even where a later column is called like its suffixed form.
    given = set(stripped)
    result: list[str] = []
    repeated: list[str] = []
    for position, plain in enumerate(stripped, start=1):
        name = base = plain or f"column_{position}"
        count = 1
        while name in taken or (count > 1 and name in given):
            count += 1
            name = f"{base}_{count}"
        if count > 1:
            repeated.append(f"{base} became {name}")
        taken.add(name)
        result.append(name)
    notes = [f"Column names that repeat were numbered: {_few(repeated)}."] if repeated else []
    return result, notes


def _few(items: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


def settled_type(kind: pa.DataType) -> pa.DataType | None:
    """Give the type a column is imported as, or None where it has none."""
    if pa.types.is_dictionary(kind):
        return settled_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return settled_type(kind.storage_type)
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_date(kind):
        return pa.date32()
    if is_texty(kind) or pa.types.is_time(kind) or pa.types.is_null(kind):
        return pa.string()
    plain = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_timestamp(kind)
    )
    return kind if plain else None


def reason_against(kind: pa.DataType) -> str:
    """Say in a few words why a type is set aside."""
    if pa.types.is_fixed_size_list(kind):
        return f"multi-dimensional ({kind.list_size} value{'s' * (kind.list_size != 1)} a row)"
    if pa.types.is_nested(kind):
        return f"nested ({'list' if 'list' in str(kind) else 'structure'})"
    return f"type {kind} is not supported"


def is_texty(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or is_bytes(kind)
    )


def is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def tidy(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Give the values in their settled type, NaN and blank text as NULL.

    Raises
    ------
    pyarrow.ArrowInvalid : a value does not fit the type, a long integer in a float included
    """
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), wanted)
    if is_texty(values.type):
        values = as_text(values)
    if values.type != wanted:
        values = values.cast(wanted)
    if pa.types.is_floating(wanted):
        nan = pc.is_nan(values)
        if pc.any(nan).as_py():
            values = pc.if_else(nan, pa.scalar(None, wanted), values)
    elif pa.types.is_string(wanted):
        blank = pc.equal(pc.utf8_trim_whitespace(values), "")
        if pc.any(blank).as_py():
            values = pc.if_else(blank, pa.scalar(None, wanted), values)
    return values


def as_text(values: pa.Array) -> pa.Array:
    """Decode bytes as UTF-8, else value by value as Latin-1; drop their padding.

    Text is looked at as well, because a file may hold anything under that name.
    """
    padded = is_bytes(values.type)
    binary = values.cast(pa.binary())
    try:
        text = binary.cast(pa.string())
    except pa.ArrowInvalid:
        decoded = [None if item is None else _decode(item) for item in binary.to_pylist()]
        text = pa.array(decoded, pa.string())
    return pc.utf8_rtrim(text, " \0") if padded else text


def _decode(item: bytes) -> str:
    try:
        return item.decode("utf-8")
    except UnicodeDecodeError:
        return item.decode("latin-1")


def numpy_type(dtype: np.dtype[Any]) -> pa.DataType | None:
    """Give the Arrow type for one value a row of a numpy type, or None."""
    if dtype.shape:
        return None
    if dtype.kind in "SU":
        return pa.string()
    if dtype.kind == "f":
        return pa.float32() if dtype.itemsize <= 4 else pa.float64()
    if dtype.kind in "biuM":
        return pa.from_numpy_dtype(dtype.newbyteorder("="))
    return None


def from_numpy(values: NDArray[Any]) -> pa.Array:
    """Make an Arrow array of a one-dimensional numpy array; masked values become NULL."""
    data = np.ma.getdata(values)
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    if data.dtype.kind == "f" and data.dtype.itemsize > 8:
        data = data.astype(np.float64)
    return pa.array(data.astype(data.dtype.newbyteorder("="), copy=False), mask=mask)


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into batches of the usual number of rows, or fewer where they are long."""
    n_bytes = sum(map(value_bytes, batch.columns))
    n = max(1, min(BATCH_ROWS, batch.num_rows * BATCH_BYTES // max(1, n_bytes)))
    for start in range(0, batch.num_rows, n):
        yield batch.slice(start, n)


def value_bytes(column: pa.Array) -> int:
    """What the values of a column take once each stands for itself."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_dictionary(kind):
        lengths = _lengths(column.dictionary)
        if lengths is None:
            is_plain = pa.types.is_primitive(kind.value_type)
            width = kind.value_type.bit_width // 8 if is_plain else 0
            return int(column.nbytes) + width * len(column)
        return int(pc.sum(lengths.take(column.indices)).as_py() or 0) + 4 * len(column)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        # Views may all look at the same bytes.
        return int(pc.sum(_lengths(column)).as_py() or 0) + 4 * len(column)
    return int(column.nbytes)


def _lengths(texts: pa.Array) -> pa.Array | None:
    """The length of every text in bytes; None where the values are no texts."""
    if pa.types.is_string_view(texts.type) or pa.types.is_binary_view(texts.type):
        views = np.frombuffer(texts.buffers()[1] or b"", np.int32)[::4]
        return pa.array(views[texts.offset : texts.offset + len(texts)])
    return pc.binary_length(texts) if is_texty(texts.type) else None
