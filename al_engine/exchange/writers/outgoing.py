"""A table on its way out, and what every format needs of it.

Owns the shape in which tables reach the writers, and values as the few types that files can hold.
Must not know any file format but the header that ECSV and Parquet share.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy import table as astropy_table
from astropy import units

from al_engine.data.table import Column

# Rows are turned into text some at a time: of all columns together, as many values as this.
VALUES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Outgoing:
    """A table that is ready to be written, once.

    ``batches`` yields record batches whose columns are those of ``columns``, in order.  ``about``
    is what a file says of itself, by words that fit a FITS header (eight capital letters);
    ``ucds`` are the meanings of columns in the words of the Virtual Observatory.  ``n_rows`` is
    None where the number is known only at the end.
    """

    name: str
    columns: tuple[Column, ...]
    batches: Iterable[pa.RecordBatch]
    about: Mapping[str, str] = field(default_factory=dict)
    ucds: Mapping[str, str] = field(default_factory=dict)
    n_rows: int | None = None

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])


@dataclass(frozen=True)
class Meanwhile:
    """What a writer tells beside taking rows; whoever hears it may raise, and so stop it.

    ``wrote`` hears how many rows it has been through where it goes through them a second time,
    ``will_have`` how many bytes the file is going to have where that is known before.
    """

    wrote: Callable[[int], None] = lambda n_rows: None
    will_have: Callable[[int], None] = lambda n_bytes: None


def unit_in(form: str, unit: str) -> str:
    """A unit as a standard spells it (``fits``, ``vounit``); as it is where that knows it not.

    >>> unit_in("fits", "Å"), unit_in("fits", "erg / (s cm²)"), unit_in("fits", "furlongs")
    ('Angstrom', 'erg s-1 cm-2', 'furlongs')
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of units that a standard would rather not have
        try:
            return str(units.Unit(unit).to_string(form)) or unit
        except (ValueError, TypeError, AttributeError):
            return unit


def with_plain_times(table: Outgoing) -> Outgoing:
    """The same table with dates and times as ISO 8601 text, for files that know no times."""
    columns = tuple(
        Column(c.name, pa.string(), c.unit, c.description) if pa.types.is_temporal(c.type) else c
        for c in table.columns
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches:
            yield pa.RecordBatch.from_arrays(
                [_iso(values) if pa.types.is_temporal(values.type) else values
                 for values in batch.columns],
                names=[column.name for column in columns],
            )  # fmt: skip

    return Outgoing(table.name, columns, batches(), table.about, table.ucds, table.n_rows)


def _iso(values: pa.Array) -> pa.Array:
    text = values.cast(pa.string())
    return pc.replace_substring(text, " ", "T", max_replacements=1)


def few_rows(batches: Iterable[pa.RecordBatch], n_columns: int) -> Iterator[pa.RecordBatch]:
    """Batches cut so that a wide table takes no more memory than a narrow one."""
    n = max(1024, VALUES_AT_ONCE // max(1, n_columns))
    for batch in batches:
        for start in range(0, batch.num_rows, n):
            yield batch.slice(start, n)


def lines(cells: Sequence[pa.Array], before: str, between: str, after: str) -> bytes:
    """Rows of text cells as the bytes of a file; NULL is an empty cell."""
    parts: list[pa.Array | pa.Scalar] = [pa.scalar(before)]
    for i, cell in enumerate(cells):
        parts += [pa.scalar(between), cell] if i else [cell]
    joined = pc.binary_join_element_wise(
        *parts, pa.scalar(after), "", null_handling="replace", null_replacement=""
    )
    return b"".join(joined.cast(pa.binary()).to_pylist())


def astropy_header(table: Outgoing) -> list[str]:
    """Names, types, units and descriptions in the YAML that astropy keeps beside a table."""
    empty = astropy_table.Table(masked=True)
    for column in table.columns:
        made = astropy_table.MaskedColumn(
            np.empty(0, _numpy_type(column.type)), description=column.description or None
        )
        made.unit = units.Unit(column.unit, parse_strict="silent") if column.unit else None
        empty[column.name] = made
    empty.meta = dict(table.about)
    return list(astropy_table.meta.get_yaml_from_table(empty))


def _numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    if pa.types.is_string(kind) or pa.types.is_temporal(kind):
        return np.dtype("U1")
    made: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
    return made
