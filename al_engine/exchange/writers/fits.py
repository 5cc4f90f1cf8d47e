"""FITS binary tables: rows of known width and number, so they are measured before they are written.

Owns the types of FITS columns and their header.  The stream is measured on its way to a file beside
the new one; memory never holds more than a batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits

from al_engine.data.table import Column
from al_engine.errors import SettingsError
from al_engine.exchange.writers.outgoing import Meanwhile, Outgoing, unit_in, with_plain_times

MOST_COLUMNS = 999  # the standard numbers columns in three digits
_BLOCK_BYTES = 2880
_INTEGERS: dict[str, np.dtype[Any]] = {
    "I": np.dtype(">i2"),
    "J": np.dtype(">i4"),
    "K": np.dtype(">i8"),
}
_HALF = 2**63
# The longest text gives its length to every row: past these the padding is most of the file.
MOST_TEXT_BYTES, MOST_PADDED_BYTES = 1_000, 100_000_000
_AT_ONCE_BYTES = 16_000_000


@dataclass
class _Measured:
    """What has been seen of a column: NULLs, extremes, and the longest text in bytes."""

    has_null: bool = False
    low: int | None = None
    high: int | None = None
    n_bytes: int = 1

    def see(self, values: pa.Array) -> None:
        self.has_null = self.has_null or values.null_count > 0
        if pa.types.is_string(values.type):
            self.n_bytes = max(self.n_bytes, pc.max(pc.binary_length(values)).as_py() or 0)
        elif pa.types.is_integer(values.type):
            ends = pc.min_max(values).as_py()
            for value in (ends["min"], ends["max"]):
                if value is not None:
                    self.low = value if self.low is None else min(self.low, value)
                    self.high = value if self.high is None else max(self.high, value)


@dataclass(frozen=True)
class _Field:
    """How a column is stored; ``null`` stands for NULL in it, ``zero`` is added when it is read."""

    form: str
    dtype: np.dtype[Any]
    null: int | None = None
    zero: int = 0


def write(path: Path, table: Outgoing, meanwhile: Meanwhile) -> None:
    """Write a table as the first extension of a FITS file.

    Raises
    ------
    SettingsError : more columns than the standard numbers, or texts that would fill it with blanks
    """
    table = with_plain_times(table)
    if len(table.columns) > MOST_COLUMNS:
        raise SettingsError(
            f"The table has {len(table.columns):,} columns, and FITS takes {MOST_COLUMNS}.",
            "Choose another format, or fewer columns.",
        )
    spool = path.with_name(f"{path.name}.rows")
    try:
        n_rows, measured = _spool(spool, table)
        stored = [_field(c.type, m) for c, m in zip(table.columns, measured, strict=True)]
        _refuse_padding(table, stored, n_rows)
        row = np.dtype([(f"c{i}", field.dtype) for i, field in enumerate(stored)])
        meanwhile.will_have(n_rows * row.itemsize)
        with path.open("wb") as file:
            file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
            file.write(_header(table, stored, row.itemsize, n_rows).tostring().encode("ascii"))
            n_written = 0
            for batch in _spooled(spool, max(1, _AT_ONCE_BYTES // row.itemsize)):
                meanwhile.wrote(n_written)
                rows = np.zeros(batch.num_rows, row)
                for i, (values, field) in enumerate(zip(batch.columns, stored, strict=True)):
                    rows[f"c{i}"] = _values(values, field)
                file.write(rows.data)
                n_written += batch.num_rows
            meanwhile.wrote(n_written)
            file.write(bytes(-n_rows * row.itemsize % _BLOCK_BYTES))
    finally:
        spool.unlink(missing_ok=True)


def _spool(path: Path, table: Outgoing) -> tuple[int, list[_Measured]]:
    """Put the rows aside on the disk, and measure them meanwhile."""
    n_rows, measured = 0, [_Measured() for _ in table.columns]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.batches:
            for values, seen in zip(batch.columns, measured, strict=True):
                seen.see(values)
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=table.schema))
            n_rows += batch.num_rows
    return n_rows, measured


def _spooled(path: Path, most_rows: int) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path), "rb") as source:
        for batch in pa.ipc.open_stream(source):
            for start in range(0, batch.num_rows, most_rows):
                yield batch.slice(start, most_rows)


def _refuse_padding(table: Outgoing, stored: list[_Field], n_rows: int) -> None:
    for column, field in zip(table.columns, stored, strict=True):
        width = field.dtype.itemsize
        if width > MOST_TEXT_BYTES and width * n_rows > MOST_PADDED_BYTES:
            raise SettingsError(
                f"A text in '{column.name}' has {width:,} bytes, and FITS would give as many to "
                f"each of the {n_rows:,} rows.",
                "Choose another format, or leave the column out.",
            )


def _field(kind: pa.DataType, seen: _Measured) -> _Field:
    if pa.types.is_boolean(kind):
        # Readers take the standard's missing logical for false: as numbers none is lost.
        return (
            _Field("I", np.dtype(">i2"), -32768) if seen.has_null else _Field("L", np.dtype("S1"))
        )
    if pa.types.is_floating(kind):
        is_single = kind.bit_width <= 32
        return _Field("E", np.dtype(">f4")) if is_single else _Field("D", np.dtype(">f8"))
    if pa.types.is_integer(kind):
        return _integer(kind, seen)
    return _Field(f"{seen.n_bytes}A", np.dtype(f"S{seen.n_bytes}"))


def _integer(kind: pa.DataType, seen: _Measured) -> _Field:
    """The type that holds every value, and one value more where some are missing."""
    low, high = seen.low or 0, seen.high or 0
    if kind == pa.uint8() and not seen.has_null:
        return _Field("B", np.dtype("u1"))
    # The column's own width where that serves: a file's types should not hang on its values.
    least = {pa.int8(): 2, pa.uint8(): 2, pa.int16(): 2, pa.uint16(): 4, pa.int32(): 4}.get(kind, 8)
    for form, dtype in _INTEGERS.items():
        ends = np.iinfo(dtype)
        if dtype.itemsize < least or low < ends.min or high > ends.max:
            continue
        if not seen.has_null:
            return _Field(form, dtype)
        if low > ends.min or high < ends.max:
            return _Field(form, dtype, int(ends.min if low > ends.min else ends.max))
    if kind == pa.uint64() and not seen.has_null:
        return _Field("K", np.dtype(">i8"), zero=_HALF)
    return _Field("20A", np.dtype("S20"))  # all 64 bits are in use, and a missing value besides


def _values(values: pa.Array, field: _Field) -> npt.NDArray[Any]:
    if field.form == "L":
        return np.where(values.to_numpy(zero_copy_only=False), b"T", b"F")
    if field.form.endswith("A"):
        texts = values.cast(pa.string()).cast(pa.binary()).fill_null(b"")
        return np.array(texts.to_numpy(zero_copy_only=False), dtype=field.dtype)
    if field.dtype.kind == "f":
        return np.asarray(values.to_numpy(zero_copy_only=False))
    if field.zero:
        bits = values.to_numpy(zero_copy_only=False) ^ np.uint64(_HALF)
        return np.asarray(bits.view(np.int64))
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int16())
    values = values.cast(pa.int64())
    if field.null is not None:
        values = values.fill_null(field.null)
    return np.asarray(values.to_numpy(zero_copy_only=False))


def _header(table: Outgoing, stored: list[_Field], row_bytes: int, n_rows: int) -> fits.Header:
    header = fits.Header()
    for key, value in (
        ("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", row_bytes),
        ("NAXIS2", n_rows), ("PCOUNT", 0), ("GCOUNT", 1), ("TFIELDS", len(stored)),
        ("EXTNAME", ascii_only(table.name)),
    ):  # fmt: skip
        header[key] = value
    for i, (column, field) in enumerate(zip(table.columns, stored, strict=True), start=1):
        for key, value in _cards(column, field, table.ucds.get(column.name, "")).items():
            header[f"{key}{i}"] = value
    for key, value in table.about.items():
        header[key] = ascii_only(value)
    return header


def _cards(column: Column, field: _Field, ucd: str) -> dict[str, Any]:
    cards: dict[str, Any] = {"TTYPE": ascii_only(column.name), "TFORM": field.form}
    if column.unit:
        cards["TUNIT"] = ascii_only(unit_in("fits", column.unit))
    if field.null is not None:
        cards["TNULL"] = field.null
    if field.zero:
        cards |= {"TSCAL": 1, "TZERO": field.zero}
    if column.description:
        cards["TCOMM"] = ascii_only(column.description)
    if ucd:
        cards["TUCD"] = ucd
    return cards


def ascii_only(text: str) -> str:
    r"""Spell out what a FITS header cannot hold, so that no two names become one.

    >>> print(ascii_only("log α"))
    log \u03b1
    """
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" for c in text)
