"""VOTable documents, read whole by astropy after a first look at their outline.

Owns the outline (tables, what the server says of the query, what lies outside the file), so
that an error document is quoted, and nothing outside the file is ever fetched.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

import numpy as np
import pyarrow as pa
from astropy.io import votable

from al_engine.data.readers.arrays import BATCH_ROWS, Found, arrange, from_numpy, numpy_type
from al_engine.data.readers.packed import too_much
from al_engine.data.readers.parts import choose
from al_engine.data.readers.source import (
    DOWNLOAD_AGAIN,
    Head,
    Part,
    go_on,
    in_brief,
    open_bytes,
    refusal,
)
from al_engine.data.table import Table
from al_engine.jobs import Cancelled

_SAYS_ERROR = ("ERROR", "FAILED", "FAIL")
MOST_VALUES = 1_000_000  # of one column in one row: astropy makes them all, whatever is written
_WIDTHS = {"char": 1, "unsignedbyte": 1, "boolean": 1, "bit": 1, "short": 2, "int": 4, "float": 4,
           "unicodechar": 4, "doublecomplex": 16}  # fmt: skip


@dataclass
class _TableOutline:
    name: str = ""
    id: str = ""
    n_fields: int = 0
    n_rows: int | None = 0
    description: str = ""
    declared_rows: int = 0
    row_bytes: int = 0


@dataclass
class _Outline:
    """What is found in a document without reading its values."""

    tables: list[_TableOutline] = field(default_factory=list)
    error: str = ""
    overflow: bool = False
    outside: str = ""
    too_wide: str = ""


def matches(head: Head) -> bool:
    return "<votable" in head.text.lower() or ":votable" in head.text.lower()


def list_tables(path: Path) -> list[Part]:
    return _parts(_outline(path))


def open_votable(path: Path, part: str | None, cancelled: Cancelled) -> Table:
    """Open one table of a VOTable; ``part`` is a name or a number from 1."""
    outline = _outline(path)
    if outline.error:
        raise refusal(
            path,
            f"is an error message in place of a table: {outline.error!r}",
            "Mend the query that made it, and download the result again.",
        )
    if outline.outside:
        raise refusal(
            path,
            f"keeps its rows outside itself, in {outline.outside!r}, which is not followed",
            "Save the table with its rows inside, or open that file.",
        )
    _refuse_wide(path, outline)
    parts = _parts(outline)
    if not parts:
        raise refusal(path, "is a VOTable without any table", DOWNLOAD_AGAIN)
    index, notes = choose(path, parts, [str(n) for n in range(1, len(parts) + 1)], part)
    if outline.overflow:
        notes = (*notes, "The server cut the result at its limit of rows (OVERFLOW).")
    with open_bytes(path) as stream:
        document = votable.parse(
            Cancellable(stream, cancelled), table_number=index, verify="ignore"
        )
    table = document.get_table_by_index(index)
    array = table.array
    if len(array) == 0:
        raise refusal(path, f"has no rows in its table {parts[index].name}")
    columns = [array[name] for name in array.dtype.names or ()]
    found = [_found(spec, column) for spec, column in zip(table.fields, columns, strict=True)]
    arranged = arrange(path, found, notes)
    kept = [columns[i] for i in arranged.kept]

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(array), BATCH_ROWS):
            yield arranged.batch([_values(column[start : start + BATCH_ROWS]) for column in kept])

    return Table(
        reader="votable",
        columns=arranged.columns,
        batches=batches,
        n_rows=len(array),
        set_aside=arranged.set_aside,
        part=parts[index].name,
        notes=arranged.notes,
    )


def refuse_unpacked(path: Path, most_bytes: int, cancelled: Cancelled) -> None:
    """Refuse a document whose tables take more once every value of every row has its place."""
    outline = _outline(path)
    _refuse_wide(path, outline)
    for table in outline.tables:
        if max(table.n_rows or 0, table.declared_rows) * table.row_bytes > most_bytes:
            raise too_much(path, most_bytes)


def _refuse_wide(path: Path, outline: _Outline) -> None:
    if outline.too_wide:
        raise refusal(
            path,
            f"has a column '{in_brief(outline.too_wide, 60)}' of more than {MOST_VALUES:,} values "
            "a row",
            "Save the table without it.",
        )


class Cancellable:
    """A stream to read from, until somebody has had enough."""

    def __init__(self, stream: BinaryIO, cancelled: Cancelled) -> None:
        self._stream, self._cancelled = stream, cancelled

    def read(self, size: int = -1) -> bytes:
        go_on(self._cancelled)
        return self._stream.read(size)


def _parts(outline: _Outline) -> list[Part]:
    # Some servers put a sentence into the name; the ID is then the handier one.
    names = [
        min(filter(None, (table.name, table.id)), key=len, default="") for table in outline.tables
    ]
    return [
        Part(
            name if name and names.count(name) == 1 else str(number),
            table.n_rows,
            table.n_fields,
            in_brief(table.description or table.name) if table.description or table.name else "",
        )
        for number, (name, table) in enumerate(zip(names, outline.tables, strict=True), start=1)
    ]


def _found(spec: Any, column: Any) -> Found:
    name = str(spec.name or spec.ID or "")
    unit = "" if spec.unit is None else str(spec.unit)
    description = " ".join(str(spec.description or "").split())
    dtype = column.dtype
    kind = numpy_type(dtype) if column.ndim == 1 else None
    if dtype.kind == "O" and spec.datatype in ("char", "unicodeChar"):
        kind = None if "x" in str(spec.arraysize or "") else pa.string()
    if kind is not None:
        return Found(name, kind, unit, description)
    if column.ndim > 1:
        shape = " x ".join(map(str, column.shape[1:]))
        reason = f"multi-dimensional ({shape})"
    elif dtype.kind == "c":
        reason = "complex numbers"
    else:
        reason = "variable length"
    return Found(name, None, unit, description, reason)


def _values(column: Any) -> pa.Array:
    if column.dtype.kind != "O":
        return from_numpy(column)
    data, mask = np.ma.getdata(column), np.ma.getmaskarray(column)
    texts = [
        None if hidden else item if isinstance(item, bytes) else str(item).encode()
        for item, hidden in zip(data, mask, strict=True)
    ]
    return pa.array(texts, pa.binary())


_SIZES = re.compile(r"\d+")


def _whole(digits: str) -> int:
    """A whole number that a document declares; what is longer than any table is cut."""
    digits = digits.strip()
    return int(digits[:19]) if digits.isascii() and digits.isdecimal() else 0


def _outline(path: Path) -> _Outline:
    """Walk through the document once, counting tables and hearing what the server says."""
    outline = _Outline()
    path_down: list[str] = []
    heard: list[str] = []
    speaking: list[str] = []
    remark = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = tag.rpartition(":")[2].upper()
        path_down.append(element)
        if element == "TR":
            if outline.tables and outline.tables[-1].n_rows is not None:
                outline.tables[-1].n_rows += 1
        elif element == "TABLE":
            # A table may borrow its fields from another.
            lender = [t for t in outline.tables if t.id and t.id == attributes.get("ref")]
            outline.tables.append(
                _TableOutline(
                    attributes.get("name", ""),
                    attributes.get("ID", ""),
                    lender[0].n_fields if lender else 0,
                    declared_rows=_whole(attributes.get("nrows", "")),
                    row_bytes=lender[0].row_bytes if lender else 0,
                )
            )
        elif element == "FIELD" and outline.tables:
            n_values = math.prod(map(_whole, _SIZES.findall(attributes.get("arraysize", ""))))
            if n_values > MOST_VALUES:
                outline.too_wide = attributes.get("name") or attributes.get("ID", "") or "?"
            width = _WIDTHS.get(attributes.get("datatype", "").lower(), 8)
            outline.tables[-1].n_fields += 1
            outline.tables[-1].row_bytes += n_values * width
        elif element in ("BINARY", "BINARY2", "FITS", "PARQUET") and outline.tables:
            outline.tables[-1].n_rows = None
        elif element == "STREAM" and attributes.get("href"):
            outline.outside = attributes["href"]
        elif element == "INFO":
            speaking[:] = [attributes.get("name", ""), attributes.get("value", "")]
            heard.clear()
        elif element == "DESCRIPTION":
            heard.clear()

    def text(data: str) -> None:
        if path_down and path_down[-1] in ("INFO", "DESCRIPTION"):
            heard.append(data)

    def end(tag: str) -> None:
        nonlocal remark
        element = path_down.pop()
        said = "".join(heard).strip()
        if element == "INFO" and speaking:
            name, value = speaking[0].upper(), speaking[1].strip()
            if name == "QUERY_STATUS" and value.upper() in _SAYS_ERROR:
                outline.error = in_brief(said or value)
            elif name == "ERROR":
                remark = in_brief((said or value).strip(' "'))
            elif name == "QUERY_STATUS" and value.upper() == "OVERFLOW":
                outline.overflow = True
            speaking.clear()
        elif element == "DESCRIPTION" and path_down[-1:] == ["TABLE"]:
            outline.tables[-1].description = said

    # No handler for outside entities is set, so expat fetches none.
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        with open_bytes(path) as stream:
            parser.ParseFile(stream)
    except expat.ExpatError as error:
        # A server may break off with a message: quote it rather than the broken XML.
        if not (outline.error or remark):
            raise refusal(
                path,
                f"is cut short or damaged: {expat.ErrorString(error.code)} in line {error.lineno}",
                DOWNLOAD_AGAIN,
            ) from error
    # Beside rows, an INFO called ERROR is only a remark.
    if all(table.n_rows == 0 for table in outline.tables):
        outline.error = outline.error or remark
    return outline
