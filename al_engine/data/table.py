"""What a reader hands over: named, typed columns and a stream of record batches.

Owns the one shape in which tables reach the catalogue, whatever file they came from.
Must not know DuckDB or any file format.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from al_engine.data.joined import JoinedTable


@dataclass(frozen=True)
class Column:
    """One column of a table: its name as the file gives it, and what it means."""

    name: str
    type: pa.DataType
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class SetAside:
    """A column that cannot be imported, and why, in a few words."""

    name: str
    reason: str


@dataclass(frozen=True)
class Table:
    """A table that is ready to be streamed.

    ``batches`` may be called more than once; each call starts from the first row and yields
    record batches whose schema is that of ``columns``, in order.  ``n_rows`` is None where the
    number is known only at the end.  ``copy_of`` is set on what Sextant itself wrote: the
    fingerprint that its values have, and the one that the catalogue goes by; ``joined`` are the
    tables that some of its columns came from.
    """

    reader: str
    columns: tuple[Column, ...]
    batches: Callable[[], Iterator[pa.RecordBatch]]
    n_rows: int | None = None
    set_aside: tuple[SetAside, ...] = ()
    part: str = ""
    notes: tuple[str, ...] = field(default=())
    copy_of: tuple[str, str] | None = None
    joined: tuple[JoinedTable, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])
