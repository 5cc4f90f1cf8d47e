"""ASCII tables that describe themselves: ECSV, and the forms of the CDS and of IPAC.

Owns how each is recognised; astropy reads them whole, with guessing off.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import ascii as astropy_ascii
from astropy.table.serialize import represent_mixins_as_columns

from al_engine.data.readers.arrays import (
    BATCH_ROWS,
    Arranged,
    Found,
    arrange,
    from_numpy,
    numpy_type,
)
from al_engine.data.readers.source import Head, in_brief, read_text, refusal
from al_engine.data.table import Table
from al_engine.jobs import Cancelled

_IPAC_HEADER = re.compile(r"^(?:\\[^\n]*\n)*\|[^\n]*\|[ \t\r]*\n\|[^\n]*\|[ \t\r]*\n")


def is_ecsv(head: Head) -> bool:
    return head.text.lstrip().startswith("# %ECSV")


def is_cds(head: Head) -> bool:
    return "Byte-by-byte Description of file" in head.text


def is_ipac(head: Head) -> bool:
    return _IPAC_HEADER.match(head.text) is not None


def _open(form: str, path: Path, part: str | None, cancelled: Cancelled) -> Table:
    content, notes = read_text(path)
    try:
        table = astropy_ascii.read(content, format=form, guess=False, fast_reader=False)
    except astropy_ascii.InconsistentTableError as error:
        raise refusal(
            path,
            f"does not keep to its own header ({in_brief(str(error))})",
            "Look for a line that is cut short or has a value too many.",
        ) from error
    # Positions and times take several plain columns each.
    table = represent_mixins_as_columns(table)
    if len(table) == 0:
        raise refusal(path, "has no rows", "Choose a table with at least one row.")
    columns = [table[name] for name in table.colnames]
    arranged = arrange(path, [_found(column) for column in columns], notes)
    kept = [columns[i] for i in arranged.kept]
    return Table(
        reader=form,
        columns=arranged.columns,
        batches=lambda: _batches(kept, arranged),
        n_rows=len(table),
        set_aside=arranged.set_aside,
        notes=arranged.notes,
    )


open_ecsv = partial(_open, "ecsv")
open_cds = partial(_open, "cds")
open_ipac = partial(_open, "ipac")


def _found(column: Any) -> Found:
    name = str(column.info.name)
    unit = "" if column.unit is None else str(column.unit).strip("'")
    description = " ".join(str(column.info.description or "").split())
    if column.ndim > 1:
        shape = " x ".join(map(str, column.shape[1:]))
        return Found(name, None, unit, description, f"multi-dimensional ({shape})")
    kind = pa.string() if _is_long_integers(column) else numpy_type(column.dtype)
    reasons = {"O": "nested or variable length", "c": "complex numbers"}
    reason = reasons.get(column.dtype.kind, f"type {column.dtype} is not supported")
    return Found(name, kind, unit, description, "" if kind is not None else reason)


def _is_long_integers(column: Any) -> bool:
    """Whether these are whole numbers too long for any integer type, which stay text."""
    return bool(column.dtype.kind == "O") and all(
        isinstance(item, int) or item is np.ma.masked for item in column
    )


def _batches(columns: list[Any], arranged: Arranged) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(columns[0]), BATCH_ROWS):
        yield arranged.batch([_values(column[start : start + BATCH_ROWS]) for column in columns])


def _values(column: Any) -> pa.Array:
    if column.dtype.kind != "O":
        return from_numpy(column)
    return pa.array([None if item is np.ma.masked else str(item) for item in column], pa.string())
