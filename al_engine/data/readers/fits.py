"""FITS binary and ASCII tables, read by rows straight from the file.

Owns the walk over the HDUs and the choice among them.  Headers are astropy's work; the rows are
cut here, so that a table of any size, gzipped or not, costs the memory of one batch.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.io import fits
from numpy.typing import NDArray

from al_engine.data.readers.arrays import BATCH_ROWS, Arranged, arrange
from al_engine.data.readers.fits_columns import (
    Field,
    ascii_fields,
    ascii_values,
    binary_fields,
    binary_values,
)
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
from al_engine.errors import UnreadableFileError
from al_engine.jobs import Cancelled

_BLOCK_BYTES = 2_880
_MAX_CHUNK_BYTES = 64_000_000


@dataclass(frozen=True)
class _TableHDU:
    name: str
    number: int
    n_rows: int
    row_bytes: int
    data_offset: int
    is_ascii: bool
    fields: tuple[Field, ...]

    @property
    def n_usable(self) -> int:
        return sum(field.found.type is not None for field in self.fields)


def matches(head: Head) -> bool:
    return head.bytes.startswith(b"SIMPLE  =")


def list_tables(path: Path) -> list[Part]:
    return [_part(hdu) for hdu in _table_hdus(path)]


def open_fits(path: Path, part: str | None, cancelled: Cancelled) -> Table:
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
        raise _cut_short(path, max(there, 0), hdu.n_rows, name)


def _cut_short(path: Path, there: int, n_rows: int, name: str) -> UnreadableFileError:
    rows = "row" if n_rows == 1 else "rows"
    are = "is" if n_rows == 1 else "are"
    return refusal(
        path,
        f"is cut short: {there:,} of the {n_rows:,} {rows} of table {name} {are} there",
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
        fields = tuple((ascii_fields if is_ascii else binary_fields)(header))
        if any(field.offset < 0 or field.offset + field.n_bytes > row_bytes for field in fields):
            raise ValueError(f"HDU {number} has columns beyond its {row_bytes}-byte rows")
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


def _batches(path: Path, hdu: _TableHDU, arranged: Arranged) -> Iterator[pa.RecordBatch]:
    fields = [hdu.fields[i] for i in arranged.kept]
    convert: Callable[[NDArray[np.uint8], Field], pa.Array]
    convert = ascii_values if hdu.is_ascii else binary_values
    per_chunk = max(1, min(BATCH_ROWS, _MAX_CHUNK_BYTES // hdu.row_bytes))
    with open_bytes(path) as stream:
        stream.seek(hdu.data_offset)
        for start in range(0, hdu.n_rows, per_chunk):
            n_rows = min(per_chunk, hdu.n_rows - start)
            raw = stream.read(n_rows * hdu.row_bytes)
            if len(raw) < n_rows * hdu.row_bytes:
                there = start + len(raw) // hdu.row_bytes
                raise _cut_short(path, there, hdu.n_rows, hdu.name)
            rows = np.frombuffer(raw, np.uint8).reshape(n_rows, hdu.row_bytes)
            yield arranged.batch([convert(rows, field) for field in fields])
