"""VOTable: rows as TABLEDATA, which streams texts of any length and alphabet, and NULLs.

Owns the XML and the types of its columns.  An unsigned 64-bit integer, for which VOTable has no
type, is written as text.
"""

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pyarrow.compute as pc

from al_engine.data.table import Column
from al_engine.exchange.writers.outgoing import (
    Meanwhile,
    Outgoing,
    few_rows,
    lines,
    unit_in,
    with_plain_times,
)

_TYPES = {
    pa.bool_(): "boolean",
    pa.uint8(): "unsignedByte",
    pa.int8(): "short",
    pa.int16(): "short",
    pa.uint16(): "int",
    pa.int32(): "int",
    pa.uint32(): "long",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
}
# What no XML document may hold.
_FORBIDDEN = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x{fffe}\\x{ffff}]"


def write(path: Path, table: Outgoing, meanwhile: Meanwhile) -> None:
    """Write a table as a VOTable document of version 1.4."""
    table = with_plain_times(table)
    with path.open("wb") as file:
        file.write(_head(table).encode())
        for batch in few_rows(table.batches, len(table.columns)):
            cells = [_cell(values) for values in batch.columns]
            file.write(lines(cells, "<TR><TD>", "</TD><TD>", "</TD></TR>\n"))
        file.write(b"</TABLEDATA>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n")


def _head(table: Outgoing) -> str:
    about = [
        f"<INFO name={_attribute(name)} value={_attribute(value)}/>"
        for name, value in table.about.items()
    ]
    fields = [_field(column, table.ucds.get(column.name, "")) for column in table.columns]
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
        '<RESOURCE type="results">',
        *about,
        f"<TABLE name={_attribute(table.name)}>",
        *fields,
        "<DATA>",
        "<TABLEDATA>",
    ]
    return "\n".join(parts) + "\n"


def _field(column: Column, ucd: str) -> str:
    kind = _TYPES.get(column.type)
    attributes = {
        "name": column.name,
        "datatype": kind or "unicodeChar",
        "arraysize": "" if kind else "*",
        "unit": unit_in("vounit", column.unit),
        "ucd": ucd,
    }
    listed = " ".join(f"{name}={_attribute(text)}" for name, text in attributes.items() if text)
    if not column.description:
        return f"<FIELD {listed}/>"
    return f"<FIELD {listed}><DESCRIPTION>{_text(column.description)}</DESCRIPTION></FIELD>"


def _cell(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_boolean(kind):
        return pc.if_else(values, "T", "F")
    if pa.types.is_floating(kind):
        return _number(values)
    if not pa.types.is_string(kind):
        return values.cast(pa.string())
    return _escaped(values)


def _number(values: pa.Array) -> pa.Array:
    text = values.cast(pa.string())
    if pc.all(pc.is_finite(values)).as_py() is not False:
        return text
    for said, meant in (("-inf", "-Inf"), ("inf", "+Inf"), ("nan", "NaN"), ("-nan", "NaN")):
        text = pc.if_else(pc.equal(text, said), meant, text)
    return text


def _escaped(values: pa.Array) -> pa.Array:
    text = pc.replace_substring_regex(values, _FORBIDDEN, "\ufffd")
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = pc.replace_substring(text, letter, entity)
    return text


def _text(text: str) -> str:
    return escape(_allowed(text))


def _attribute(text: str) -> str:
    breaks = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
    return quoteattr(_allowed(text), breaks)


def _allowed(text: str) -> str:
    allowed: str = pc.replace_substring_regex(pa.scalar(text), _FORBIDDEN, "\ufffd").as_py()
    return allowed
