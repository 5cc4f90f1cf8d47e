"""Streams a Table into a new catalogue file, with progress, and all or nothing.

Owns the writing of ``catalogue.duckdb``; must not know file formats, settings or answers.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pandas.util import hash_array

from al_engine.data.columns import ROW
from al_engine.data.joined import JoinedTable
from al_engine.data.schema import connect
from al_engine.data.table import Table
from al_engine.errors import ProjectError, UnreadableFileError, WorkCancelled
from al_engine.mixing import mix64
from al_engine.public import without_paths
from al_engine.settings.typed import plain

CATALOGUE_STEPS = (
    (
        "columns",
        """
        CREATE TABLE catalogue_column (
            position INTEGER PRIMARY KEY,
            name VARCHAR NOT NULL,
            stored_as VARCHAR NOT NULL,
            kind VARCHAR NOT NULL,
            unit VARCHAR NOT NULL,
            description VARCHAR NOT NULL
        )
        """,
    ),
    (
        "facts",
        """
        CREATE TABLE catalogue_fact (
            n_rows BIGINT NOT NULL,
            fingerprint VARCHAR NOT NULL,
            reader VARCHAR NOT NULL,
            set_aside VARCHAR[] NOT NULL,
            notes VARCHAR[] NOT NULL
        )
        """,
    ),
    (
        "joined tables",
        """
        CREATE TABLE joined_table (
            position INTEGER PRIMARY KEY,
            said JSON NOT NULL
        )
        """,
    ),
)


@dataclass(frozen=True)
class Imported:
    """What an import put in: rows, columns, and the columns it set aside with the reason."""

    n_rows: int
    n_columns: int
    set_aside: tuple[str, ...]
    notes: tuple[str, ...]


def import_table(
    table: Table,
    path: Path,
    progress: Callable[[int], None] = lambda n_rows: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Imported:
    """Write every row of ``table`` to a new file at ``path``.

    Rows keep their order and are numbered from 0.  ``progress`` hears the number of rows
    written so far after each batch; ``cancelled`` is asked before each.

    Raises
    ------
    WorkCancelled : ``cancelled`` said so
    UnreadableFileError : the table has no rows, or its source broke half way
    ProjectError : the disk is full, or may not be written to
    """
    if not table.columns:
        raise UnreadableFileError(
            "The table has no column that can be imported.", "Choose another table or file."
        )
    key_of = {name: joined.key for joined in table.joined for name in joined.columns}
    stored = stored_names([joined_as(c.name, key_of.get(c.name)) for c in table.columns])
    with boundary(), closing(_connect_new(path)) as connection:
        connection.begin()
        n_rows, fingerprint = _write_rows(connection, table, stored, progress, cancelled)
        if n_rows == 0:
            raise UnreadableFileError("The table has no rows.", "Choose another table or file.")
        if table.copy_of is not None:
            written, known_as = table.copy_of
            if fingerprint != written:
                raise UnreadableFileError(
                    "The rows of the catalogue are not those that were written.",
                    "Copy the file again.",
                )
            # The same but for what the database keeps shorter, such as a nanosecond of a time.
            fingerprint = known_as
        set_aside = tuple(f"{column.name}: {column.reason}" for column in table.set_aside)
        connection.executemany(
            "INSERT INTO catalogue_column VALUES (?, ?, ?, ?, ?, ?)",
            [
                (i, column.name, stored[i], kind_of(column.type), column.unit, column.description)
                for i, column in enumerate(table.columns)
            ],
        )
        connection.execute(
            "INSERT INTO catalogue_fact VALUES (?, ?, ?, ?, ?)",
            [n_rows, fingerprint, table.reader, list(set_aside), list(table.notes)],
        )
        for joined in table.joined:
            keep_joined(connection, joined)
        connection.commit()
    give_back_memory()
    return Imported(n_rows, len(table.columns), set_aside, table.notes)


def give_back_memory() -> None:
    """Have Arrow give back what it keeps for the next table: 1.4 GB after ten million rows."""
    pa.default_memory_pool().release_unused()


def keep_joined(connection: duckdb.DuckDBPyConnection, joined: JoinedTable) -> None:
    """Keep the record of a joined table behind those that are there."""
    connection.execute(
        "INSERT INTO joined_table SELECT coalesce(max(position), 0) + 1, ? FROM joined_table",
        [json.dumps(plain(joined))],
    )


@contextmanager
def boundary() -> Iterator[None]:
    """Turn what the database cannot write into one sentence."""
    try:
        yield
    except duckdb.Error as error:
        first = next(iter(str(error).splitlines()), "no reason given")
        reason = without_paths(first)[:160].rstrip(".")
        raise ProjectError(
            f"The catalogue could not be written: {reason}.",
            "See to the free space and the permissions of the projects' folder.",
        ) from error


def _connect_new(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return connect(path, CATALOGUE_STEPS)
    except ProjectError as error:
        # A file that did not exist cannot be damaged: what the database said is the reason.
        if isinstance(error.__cause__, duckdb.Error):
            raise error.__cause__ from None
        raise


def _write_rows(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    stored: Sequence[str],
    progress: Callable[[int], None],
    cancelled: Callable[[], bool],
) -> tuple[int, str]:
    """Append the batches; return the number of rows and a fingerprint of names and values."""
    names = [ROW, *stored]
    empty = pa.schema(
        [pa.field(ROW, pa.int64())]
        + [pa.field(n, c.type) for n, c in zip(stored, table.columns, strict=True)]
    ).empty_table()
    connection.register("incoming", empty)
    connection.execute("CREATE TABLE catalogue AS SELECT * FROM incoming")
    connection.unregister("incoming")
    checksums = [0] * len(table.columns)
    n_rows = 0
    batches = table.batches()
    # The database writes a batch while the next is read and this one summed beside it.
    with ThreadPoolExecutor(1, thread_name_prefix="import") as beside:
        batch = next(batches, None)
        while batch is not None:
            if cancelled():
                raise WorkCancelled("The import was cancelled.", "Nothing of it was kept.")
            summed = beside.submit(_checksums, batch, n_rows)
            following = beside.submit(next, batches, None)
            rows = pa.array(np.arange(n_rows, n_rows + batch.num_rows))
            numbered = pa.Table.from_arrays([rows, *batch.columns], names=names)
            connection.register("incoming", numbered)
            connection.execute("INSERT INTO catalogue SELECT * FROM incoming")
            connection.unregister("incoming")
            checksums = [(a + b) % 2**64 for a, b in zip(checksums, summed.result(), strict=True)]
            n_rows += batch.num_rows
            progress(n_rows)
            batch = following.result()
    return n_rows, fingerprint_of(n_rows, [column.name for column in table.columns], checksums)


def fingerprint_of(n_rows: int, names: Sequence[str], checksums: Sequence[int]) -> str:
    """What a catalogue goes by: 32 hexadecimal digits from its names and values."""
    described = repr(list(zip(names, checksums, strict=True)))
    return hashlib.sha256(f"{n_rows} {described}".encode()).hexdigest()[:32]


def _checksums(batch: pa.RecordBatch, first_row: int) -> list[int]:
    return [column_checksum(column, first_row) for column in batch.columns]


def column_checksum(column: pa.Array, first_row: int) -> int:
    """Sum over rows of a hash of row number and value, modulo 2**64.

    It does not depend on how the rows were cut into batches; what lies under a NULL is not part
    of the data.
    """
    bits = _bits(column)
    if column.null_count:
        bits = np.where(column.is_null().to_numpy(zero_copy_only=False), _NULL_BITS, bits)
    rows = np.arange(first_row, first_row + len(column), dtype=np.uint64)
    with np.errstate(over="ignore"):
        return int(mix64(bits ^ mix64(rows)).sum(dtype=np.uint64))


_NULL_BITS = np.uint64(0xA5A5_5A5A_0F0F_F0F0)


def _bits(column: pa.Array) -> npt.NDArray[np.uint64]:
    """64 bits that stand for each value; equal values have equal bits in any integer or float."""
    kind = column.type
    if pa.types.is_floating(kind):
        return np.ascontiguousarray(
            column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        ).view(np.uint64)
    if pa.types.is_uint64(kind):
        return np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.uint64)
    if pa.types.is_integer(kind):
        values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(values).view(np.uint64)
    text = column.cast(pa.string()).fill_null("").dictionary_encode()
    words = text.dictionary.to_numpy(zero_copy_only=False).astype(object)
    hashes = hash_array(words, categorize=False)
    return np.asarray(hashes[text.indices.to_numpy(zero_copy_only=False)], dtype=np.uint64)


def joined_as(name: str, key: str | None) -> str:
    """What a column is stored as: of a joined table's, no two of other values are named alike.

    So arrays made of a column that was undone are never taken for those of the next.
    """
    return name if key is None else f"{name} {key}"


def stored_names(names: Sequence[str], known: Iterable[str] = ()) -> list[str]:
    """Names under which DuckDB, for which ``g`` and ``G`` are one, can tell columns apart.

    ``known`` are the names that others have already.
    """
    taken = {ROW, *(name.lower() for name in known)}
    stored = []
    for name in names:
        candidate, n = name or "column", 2
        while candidate.lower() in taken:
            candidate, n = f"{name}_{n}", n + 1
        taken.add(candidate.lower())
        stored.append(candidate)
    return stored


def kind_of(arrow_type: pa.DataType) -> str:
    """What the rest of the engine needs to know of a type."""
    if pa.types.is_integer(arrow_type):
        return "integer"
    if pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type):
        return "real"
    if pa.types.is_boolean(arrow_type):
        return "boolean"
    if pa.types.is_temporal(arrow_type):
        return "time"
    return "text"
