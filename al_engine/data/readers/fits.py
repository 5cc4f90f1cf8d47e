"""FITS binary and ASCII tables, read by rows straight from the file.

Owns the choice of the HDU and the FITS rules for missing, scaled and unsigned values.  Headers
are astropy's work; the rows are cut here, so that a table of any size, gzipped or not, costs
the memory of one batch.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits
from numpy.typing import NDArray

from al_engine.data.readers.arrays import BATCH_ROWS, Arranged, Found, arrange, as_text
from al_engine.data.readers.parts import choose
from al_engine.data.readers.source import (
    DOWNLOAD_AGAIN,
    Head,
    Part,
    is_gzipped,
    open_bytes,
    refusal,
)
from al_engine.data.table import Table

_BLOCK_BYTES = 2_880
_MAX_CHUNK_BYTES = 64_000_000
_BINARY_FORMAT = re.compile(r"^\s*(\d*)([LXBIJKAEDCMPQ])(\d*)")
_ASCII_FORMAT = re.compile(r"^\s*([AIFED])(\d+)")
_BYTES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16}
_NUMPY = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_STORED = {"B": pa.uint8(), "I": pa.int16(), "J": pa.int32(), "K": pa.int64()}
# The offsets by which FITS stores the integers it has no type for.
_SHIFTED: dict[tuple[str, float], pa.DataType] = {
    ("B", -(2**7)): pa.int8(),
    ("I", 2**15): pa.uint16(),
    ("J", 2**31): pa.uint32(),
    ("K", 2**63): pa.uint64(),
}
# Comments that writers put beside every TTYPE say nothing about the column.
_IDLE_COMMENT = re.compile(r"^(label for (field|column)|name of (field|column)|$)", re.IGNORECASE)


@dataclass(frozen=True)
class _Field:
    """One column of a table in a file: where its bytes are and what they mean."""

    found: Found
    offset: int
    n_bytes: int
    code: str
    scale: float = 1
    zero: float = 0
    null: int | str | None = None


@dataclass(frozen=True)
class _TableHDU:
    name: str
    number: int
    n_rows: int
    row_bytes: int
    data_offset: int
    is_ascii: bool
    fields: tuple[_Field, ...]

    @property
    def n_usable(self) -> int:
        return sum(field.found.type is not None for field in self.fields)


def matches(head: Head) -> bool:
    return head.bytes.startswith(b"SIMPLE  =")


def list_tables(path: Path) -> list[Part]:
    return [_part(hdu) for hdu in _table_hdus(path)]


def open_fits(path: Path, part: str | None) -> Table:
    """Open one table of a FITS file; ``part`` is a name or the number of the HDU."""
    hdus = _table_hdus(path)
    parts = [_part(hdu) for hdu in hdus]
    if not hdus and _n_bytes(path) % _BLOCK_BYTES:
        raise refusal(path, "is cut short before its first table", DOWNLOAD_AGAIN)
    if not hdus:
        raise refusal(path, "holds no table, only images or headers", "Choose a catalogue.")
    index, notes = choose(path, parts, [str(hdu.number) for hdu in hdus], part)
    hdu = hdus[index]
    if hdu.n_rows == 0:
        raise refusal(path, f"has no rows in its table {parts[index].name}")
    _check_size(path, hdu, parts[index].name)
    arranged = arrange(path, [field.found for field in hdu.fields], notes)
    return Table(
        reader="fits",
        columns=arranged.columns,
        batches=lambda: _batches(path, hdu, arranged),
        n_rows=hdu.n_rows,
        set_aside=arranged.set_aside,
        part=parts[index].name,
        notes=arranged.notes,
    )


def _part(hdu: _TableHDU) -> Part:
    kind = "ASCII table" if hdu.is_ascii else "binary table"
    return Part(hdu.name, hdu.n_rows, hdu.n_usable, f"{kind} in HDU {hdu.number}")


def _check_size(path: Path, hdu: _TableHDU, name: str) -> None:
    there = (_n_bytes(path) - hdu.data_offset) // hdu.row_bytes if hdu.row_bytes else 0
    if there < hdu.n_rows:
        raise refusal(
            path,
            f"is cut short: {max(there, 0):,} of the {hdu.n_rows:,} rows of table {name} are there",
            DOWNLOAD_AGAIN,
        )


def _n_bytes(path: Path) -> int:
    """Measure a file out of gzip, which finds out whether the gzip is whole."""
    if not is_gzipped(path):
        return path.stat().st_size
    n_bytes = 0
    with open_bytes(path) as stream:
        while piece := stream.read(1_000_000):
            n_bytes += len(piece)
    return n_bytes


def _headers(path: Path) -> list[tuple[fits.Header, int]]:
    """Walk from header to header; each comes with the place where its data begin.

    The walk is our own because astropy's does not end on some damaged sizes.
    """
    headers = []
    n_bytes = _n_bytes(path)
    place = 0
    with open_bytes(path) as stream:
        while place < n_bytes:
            stream.seek(place)
            if stream.read(8) not in (b"SIMPLE  ", b"XTENSION"):
                break
            stream.seek(place)
            header = fits.Header.fromfile(stream)
            data_offset = stream.tell()
            headers.append((header, data_offset))
            n_blocks = -(-_data_bytes(header) // _BLOCK_BYTES)
            place = data_offset + n_blocks * _BLOCK_BYTES
    return headers


def _data_bytes(header: fits.Header) -> int:
    sizes = [int(header[f"NAXIS{axis}"]) for axis in range(1, int(header["NAXIS"]) + 1)]
    if header.get("GROUPS") is True and sizes[:1] == [0]:
        sizes = sizes[1:]
    values = math.prod(sizes) if sizes else 0
    n_bytes = abs(int(header["BITPIX"])) // 8 * int(header.get("GCOUNT", 1))
    n_bytes *= int(header.get("PCOUNT", 0)) + values
    if n_bytes < 0 or any(size < 0 for size in sizes):
        raise ValueError(f"a header declares data of a negative size, {sizes}")
    return n_bytes


def _table_hdus(path: Path) -> list[_TableHDU]:
    tables = []
    headers = _headers(path)
    names = [str(header.get("EXTNAME", "")).strip() for header, _ in headers]
    for number, (header, data_offset) in enumerate(headers):
        kind = str(header.get("XTENSION", "")).strip()
        # Compressed images are tables only underneath.
        if kind not in ("BINTABLE", "TABLE") or header.get("ZIMAGE") is True:
            continue
        is_ascii = kind == "TABLE"
        row_bytes = int(header["NAXIS1"])
        fields = tuple((_ascii_fields if is_ascii else _binary_fields)(header))
        if any(field.offset < 0 or field.offset + field.n_bytes > row_bytes for field in fields):
            raise ValueError(f"HDU {number} has columns beyond the {row_bytes} bytes of its rows")
        is_only = names[number] and names.count(names[number]) == 1
        tables.append(
            _TableHDU(
                name=names[number] if is_only else str(number),
                number=number,
                n_rows=int(header["NAXIS2"]),
                row_bytes=row_bytes,
                data_offset=data_offset,
                is_ascii=is_ascii,
                fields=fields,
            )
        )
    return tables


def _labels(header: Any, number: int) -> tuple[str, str, str]:
    name = str(header.get(f"TTYPE{number}", ""))
    unit = str(header.get(f"TUNIT{number}", "")).strip()
    comment = str(header.comments[f"TTYPE{number}"]).strip() if name else ""
    description = str(header.get(f"TCOMM{number}", "")).strip() or comment
    return name, unit, "" if _IDLE_COMMENT.match(description) else description


def _binary_fields(header: Any) -> Iterator[_Field]:
    offset = 0
    for number in range(1, int(header["TFIELDS"]) + 1):
        declared = str(header[f"TFORM{number}"])
        match = _BINARY_FORMAT.match(declared)
        if match is None:
            raise ValueError(f"TFORM{number} = {declared!r} is not a FITS format")
        repeat = int(match[1] or 1)
        code = match[2]
        n_bytes = _width(code, repeat)
        scale, zero = header.get(f"TSCAL{number}", 1), header.get(f"TZERO{number}", 0)
        dim = [int(size) for size in re.findall(r"\d+", str(header.get(f"TDIM{number}", "")))]
        reason = _reason(code, repeat, dim, match[3])
        name, unit, description = _labels(header, number)
        kind = None if reason else _binary_type(code, scale, zero)
        null = header.get(f"TNULL{number}")
        yield _Field(
            Found(name, kind, unit, description, reason), offset, n_bytes, code, scale, zero, null
        )
        offset += n_bytes


def _width(code: str, repeat: int) -> int:
    if code == "X":
        return (repeat + 7) // 8
    if code in "PQ":
        return repeat * (8 if code == "P" else 16)
    return repeat * _BYTES[code]


def _reason(code: str, repeat: int, dim: list[int], substring: str) -> str:
    if code in "PQ":
        return "variable length"
    if repeat == 0:
        return "zero width"
    if code == "X":
        return f"multi-dimensional ({repeat} bits)"
    if code in "CM":
        return "complex numbers"
    if code == "A":
        several = len(dim) > 1 or (substring and int(substring) < repeat)
        return "multi-dimensional (several texts a row)" if several else ""
    if repeat > 1 or len(dim) > 1:
        shape = " x ".join(map(str, dim)) if dim else f"{repeat} values a row"
        return f"multi-dimensional ({shape})"
    return ""


def _binary_type(code: str, scale: float, zero: float) -> pa.DataType:
    if code == "A":
        return pa.string()
    if code == "L":
        return pa.bool_()
    if code in "ED":
        return pa.float32() if code == "E" and scale == 1 and zero == 0 else pa.float64()
    if scale == 1:
        return _STORED[code] if zero == 0 else _SHIFTED.get((code, zero), pa.float64())
    return pa.float64()


def _ascii_fields(header: Any) -> Iterator[_Field]:
    for number in range(1, int(header["TFIELDS"]) + 1):
        declared = str(header[f"TFORM{number}"])
        match = _ASCII_FORMAT.match(declared)
        if match is None:
            raise ValueError(f"TFORM{number} = {declared!r} is not a FITS ASCII format")
        code = match[1]
        scale, zero = header.get(f"TSCAL{number}", 1), header.get(f"TZERO{number}", 0)
        name, unit, description = _labels(header, number)
        whole = code == "I" and scale == 1 and zero == 0
        kind = pa.string() if code == "A" else pa.int64() if whole else pa.float64()
        null = header.get(f"TNULL{number}")
        yield _Field(
            Found(name, kind, unit, description),
            int(header[f"TBCOL{number}"]) - 1,
            int(match[2]),
            code,
            scale,
            zero,
            None if null is None else str(null).strip(),
        )


def _batches(path: Path, hdu: _TableHDU, arranged: Arranged) -> Iterator[pa.RecordBatch]:
    fields = [hdu.fields[i] for i in arranged.kept]
    convert: Callable[[NDArray[np.uint8], _Field], pa.Array]
    convert = _ascii_values if hdu.is_ascii else _binary_values
    per_chunk = max(1, min(BATCH_ROWS, _MAX_CHUNK_BYTES // hdu.row_bytes))
    with open_bytes(path) as stream:
        stream.seek(hdu.data_offset)
        for start in range(0, hdu.n_rows, per_chunk):
            n_rows = min(per_chunk, hdu.n_rows - start)
            raw = stream.read(n_rows * hdu.row_bytes)
            if len(raw) < n_rows * hdu.row_bytes:
                there = start + len(raw) // hdu.row_bytes
                raise refusal(
                    path,
                    f"is cut short: {there:,} of the {hdu.n_rows:,} rows of table "
                    f"{hdu.name} are there",
                    DOWNLOAD_AGAIN,
                )
            rows = np.frombuffer(raw, np.uint8).reshape(n_rows, hdu.row_bytes)
            yield arranged.batch([convert(rows, field) for field in fields])


def _cut(rows: NDArray[np.uint8], field: _Field, dtype: str) -> NDArray[Any]:
    """Take one column's bytes out of the rows."""
    block = np.ascontiguousarray(rows[:, field.offset : field.offset + field.n_bytes])
    return block.view(dtype)[:, 0]


def _binary_values(rows: NDArray[np.uint8], field: _Field) -> pa.Array:
    if field.code == "A":
        return pa.array(_cut(rows, field, f"S{field.n_bytes}"))
    stored = _cut(rows, field, _NUMPY[field.code])
    if field.code == "L":
        known = (stored == ord("T")) | (stored == ord("F"))
        return pa.array(stored == ord("T"), mask=~known)
    values = stored.astype(stored.dtype.newbyteorder("="))
    mask = None
    if field.code in "BIJK" and field.null is not None:
        mask = values == int(field.null)
    if field.scale == 1 and (field.code, field.zero) in _SHIFTED:
        # Turning the top bit over is the exact form of adding half the range.
        unsigned = values.view(f"u{values.itemsize}")
        top = unsigned.dtype.type(1 << (8 * values.itemsize - 1))
        values = (unsigned ^ top).view(_SHIFTED[field.code, field.zero].to_pandas_dtype())
    elif field.scale != 1 or field.zero != 0:
        values = values * np.float64(field.scale) + np.float64(field.zero)
    return pa.array(values, mask=mask)


def _ascii_values(rows: NDArray[np.uint8], field: _Field) -> pa.Array:
    text = as_text(pa.array(_cut(rows, field, f"S{field.n_bytes}")))
    if field.code == "A":
        return text
    text = pc.utf8_trim_whitespace(text)
    missing = pc.equal(text, "")
    if field.null is not None:
        missing = pc.or_(missing, pc.equal(text, str(field.null)))
    text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    text = pc.replace_substring_regex(pc.replace_substring_regex(text, "[Dd]", "E"), r"^\+", "")
    if pa.types.is_integer(field.found.type):
        return text.cast(pa.int64())
    values = text.cast(pa.float64())
    if field.scale == 1 and field.zero == 0:
        return values
    return pc.add(pc.multiply(values, float(field.scale)), float(field.zero))
