"""Columns of FITS tables, binary and ASCII: what a header declares, and values out of bytes.

Owns the FITS rules for missing, scaled and unsigned values.  Must not know files: it is given
headers and rows of bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from al_engine.data.readers.arrays import Found, as_text

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
class Field:
    """One column of a table in a file: where its bytes are and what they mean."""

    found: Found
    offset: int
    n_bytes: int
    code: str
    scale: float = 1
    zero: float = 0
    null: int | str | None = None


def _labels(header: Any, number: int) -> tuple[str, str, str]:
    name = str(header.get(f"TTYPE{number}", ""))
    unit = str(header.get(f"TUNIT{number}", "")).strip()
    comment = str(header.comments[f"TTYPE{number}"]).strip() if name else ""
    description = str(header.get(f"TCOMM{number}", "")).strip() or comment
    return name, unit, "" if _IDLE_COMMENT.match(description) else description


def binary_fields(header: Any) -> Iterator[Field]:
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
        yield Field(
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
        return f"multi-dimensional ({repeat} bit{'s' * (repeat != 1)})"
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


def ascii_fields(header: Any) -> Iterator[Field]:
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
        yield Field(
            Found(name, kind, unit, description),
            int(header[f"TBCOL{number}"]) - 1,
            int(match[2]),
            code,
            scale,
            zero,
            None if null is None else str(null).strip(),
        )


def _cut(rows: NDArray[np.uint8], field: Field, dtype: str) -> NDArray[Any]:
    """Take one column's bytes out of the rows."""
    block = np.ascontiguousarray(rows[:, field.offset : field.offset + field.n_bytes])
    return block.view(dtype)[:, 0]


def binary_values(rows: NDArray[np.uint8], field: Field) -> pa.Array:
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


def ascii_values(rows: NDArray[np.uint8], field: Field) -> pa.Array:
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
