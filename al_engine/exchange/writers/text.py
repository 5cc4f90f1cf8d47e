"""CSV and ECSV: text that any program reads; ECSV with a header of units and descriptions.

Owns the quoting: text stands in quotes, a number does not, and an empty cell is a missing value.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from al_engine.data.readers.arrays import unique_names
from al_engine.exchange.writers.outgoing import (
    Meanwhile,
    Outgoing,
    astropy_header,
    few_rows,
    lines,
    with_plain_times,
)


def write_csv(path: Path, table: Outgoing, meanwhile: Meanwhile) -> None:
    """Write a table as CSV with a line of names."""
    _write(path, _ready(table), [])


def write_ecsv(path: Path, table: Outgoing, meanwhile: Meanwhile) -> None:
    """Write a table as ECSV, version 1.0."""
    ready = _ready(table)
    _write(path, ready, ["%ECSV 1.0", "---", "delimiter: ','", *astropy_header(ready)])


def _ready(table: Outgoing) -> Outgoing:
    """The table with times as text, and with names that stand on one line."""
    plain = with_plain_times(table)
    names, _ = unique_names([" ".join(column.name.splitlines()) for column in plain.columns])
    columns = [replace(c, name=name) for c, name in zip(plain.columns, names, strict=True)]
    return replace(plain, columns=tuple(columns))


def _write(path: Path, table: Outgoing, header: Sequence[str]) -> None:
    names = io.StringIO()
    csv.writer(names, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(
        [column.name for column in table.columns]
    )
    with path.open("wb") as file:
        file.write("".join([*(f"# {line}\n" for line in header), names.getvalue()]).encode())
        for batch in few_rows(table.batches, len(table.columns)):
            file.write(lines([_cell(values) for values in batch.columns], "", ",", "\n"))


def _cell(values: pa.Array) -> pa.Array:
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "True", "False")
    if not pa.types.is_string(values.type):
        return values.cast(pa.string())
    return pc.binary_join_element_wise('"', pc.replace_substring(values, '"', '""'), '"', "")
