"""Rows of a Parquet data set where it lies, a partition at a time.

Owns the cut of a data set into partitions and the reading of one, as DuckDB makes features, labels
and keys of its columns for an imported catalogue too.  Must not know who reads: this process or a
worker of a cluster.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from al_engine.data.columns import ROW, CatalogueColumn, CatalogueColumns
from al_engine.data.computed import compute
from al_engine.data.importing import kind_of, stored_names
from al_engine.data.readers.arrays import BATCH_ROWS, Arranged
from al_engine.data.readers.columnar import ParquetSet, parquet_batches, runs
from al_engine.data.readers.source import boundary, guarded, refusal

ROWS_AT_ONCE = 1_000_000
# Of all columns together.  DuckDB holds a batch several times over: 0.1 GB at this size, 0.3 GB at
# four times this size, which is a fifth quicker.
VALUES_AT_ONCE = 262_144
READ_AHEAD_BYTES = 65_536  # of each column: without a limit a row group is read as a whole


@dataclass(frozen=True)
class Partition:
    """Row groups of one file that follow each other; ``size`` is the file's, in bytes."""

    file: str
    size: int
    row_groups: tuple[int, ...]
    first_row: int
    n_rows: int


@dataclass(frozen=True)
class Extract:
    """What is read of every row: SQL expressions, and no more columns than they are made of.

    ``names`` are the columns' in the files and ``stored`` those in SQL; ``bound`` are the values
    of the expressions' question marks.
    """

    arranged: Arranged
    names: tuple[str, ...]
    stored: tuple[str, ...]
    expressions: tuple[str, ...]
    bound: tuple[str, ...]


def cut(found: ParquetSet, rows_at_once: int = ROWS_AT_ONCE) -> tuple[Partition, ...]:
    """Cut a data set into runs of row groups of about so many rows, in the order of an import.

    A row group is never cut, so a partition may be larger: it is read in batches all the same.
    """
    partitions, first_row = [], 0
    for file, sizes in zip(found.files, found.row_groups, strict=True):
        with boundary(file, "Parquet"):
            path, n_bytes = str(file.resolve()), file.stat().st_size
        for run in runs(sizes, rows_at_once):
            n_rows = sum(sizes[group] for group in run)
            if n_rows:
                partitions.append(Partition(path, n_bytes, tuple(run), first_row, n_rows))
            first_row += n_rows
    return tuple(partitions)


def columns_of(found: ParquetSet) -> CatalogueColumns:
    """The columns of a data set, as a catalogue that is made of it has them."""
    columns = found.arranged.columns
    stored = stored_names([column.name for column in columns])
    return CatalogueColumns(
        CatalogueColumn(c.name, name, kind_of(c.type), c.unit, c.description)
        for c, name in zip(columns, stored, strict=True)
    )


def extract(
    found: ParquetSet, names: Sequence[str], expressions: Sequence[str], bound: Sequence[str]
) -> Extract:
    """What to read for SQL expressions that are made of the columns of these names."""
    columns = columns_of(found).columns
    # Rows are counted by some column, also where the expressions need none.
    kept = [i for i, column in enumerate(columns) if column.name in names] or [0]
    arranged = replace(
        found.arranged,
        kept=tuple(found.arranged.kept[i] for i in kept),
        columns=tuple(found.arranged.columns[i] for i in kept),
    )
    return Extract(
        arranged,
        tuple(found.names[i] for i in kept),
        tuple(columns[i].stored_as for i in kept),
        tuple(expressions),
        tuple(bound),
    )


def read(partition: Partition, wanted: Extract) -> Iterator[tuple[int, list[npt.NDArray[Any]]]]:
    """Stream what is wanted of a partition: the first row of each batch, and its arrays.

    NULL is NaN.  Of the partition only a batch is in memory, and what the files' own pages need.

    Raises
    ------
    UnreadableFileError : a file that is not there, damaged, or another than was cut
    """
    names = [ROW, *wanted.stored]
    row = partition.first_row
    for batch in _batches(partition, wanted):
        rows = pa.array(range(row, row + batch.num_rows), pa.int64())
        numbered = pa.Table.from_arrays([rows, *batch.columns], names=names)
        yield row, compute(numbered, wanted.expressions, wanted.bound)
        row += batch.num_rows


def _batches(partition: Partition, wanted: Extract) -> Iterator[pa.RecordBatch]:
    file = Path(partition.file)
    n_columns = max(len(wanted.names), len(wanted.expressions))
    batch_rows = min(BATCH_ROWS, max(1024, VALUES_AT_ONCE // n_columns))

    def batches() -> Iterator[pa.RecordBatch]:
        if file.stat().st_size != partition.size:
            raise refusal(file, "has changed since it was looked over", "Open the data set again.")
        with pq.ParquetFile(file, buffer_size=READ_AHEAD_BYTES, pre_buffer=False) as opened:
            for group in partition.row_groups:
                yield from parquet_batches(
                    opened, wanted.arranged, wanted.names, [group], batch_rows
                )

    return guarded(file, "Parquet", batches)()
