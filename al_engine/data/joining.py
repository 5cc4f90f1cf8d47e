"""Joins a further table's columns to a catalogue, one row for each object, and takes them away.

Owns the way from a table to columns of the catalogue's file, all or nothing.  Must not know file
formats, settings in force, or answers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import ROW, CatalogueColumn, CatalogueColumns, Missing
from al_engine.data.importing import (
    column_checksum,
    fingerprint_of,
    give_back_memory,
    joined_as,
    keep_joined,
    kind_of,
    stored_names,
)
from al_engine.data.joined import MAX_ARCSEC, MAX_NAME, JoinedTable, joined_names, key_of
from al_engine.data.matching import Places, match_positions
from al_engine.data.schema import quote
from al_engine.data.table import Table
from al_engine.errors import (
    SettingsError,
    UnknownColumnError,
    UnreadableFileError,
    UnsuitableColumnError,
    WorkCancelled,
)
from al_engine.jobs import Cancelled, Progress

_TABLE, _PAIRS = quote("sextant joining"), quote("sextant pairs")
_OBJECT, _COUNTERPART, _SEPARATION = "object", "counterpart", "separation"
_SEVERAL, _SHARED = "has_several", "is_shared"
UPDATED_AT_ONCE = 1_000_000  # rows; after so many it is asked whether to go on


@dataclass
class _Steps:
    """How far a join is, counted in rows read, compared and written."""

    progress: Progress
    cancelled: Cancelled
    of: int | None
    n_done: int = 0

    def go_on(self, n: int) -> None:
        """Count ``n`` more rows, or stop."""
        if self.cancelled():
            raise WorkCancelled("The join was cancelled.", "Nothing of it was kept.")
        self.n_done += n
        self.progress(self.n_done, self.of)


def join_table(
    catalogue: Catalogue,
    table: Table,
    wanted: JoinedTable,
    missing: Missing,
    progress: Progress = lambda n_done, of: None,
    cancelled: Cancelled = lambda: False,
) -> JoinedTable:
    """Add columns of a table to the catalogue; an object without a counterpart has NULLs.

    Parameters
    ----------
    wanted : what is to be joined; the facts in it are filled in
    missing : values of the catalogue's columns that stand for missing

    Returns
    -------
    the table as the catalogue keeps it, with the names of its columns and how many matched

    Raises
    ------
    SettingsError : contradictory, or no object has a counterpart
    UnknownColumnError, UnsuitableColumnError : a column that is not there, or cannot be compared
    UnreadableFileError : the table broke half way
    WorkCancelled : ``cancelled`` said so
    ProjectError : the disk would not have it
    """
    _check(catalogue, table, wanted)
    n_read = table.n_rows
    steps = _Steps(progress, cancelled, None if n_read is None else n_read + 2 * catalogue.n_rows)
    with catalogue.changing() as cursor:
        theirs, fingerprint, n_rows = _read(cursor, table, wanted, steps)
        steps.of = n_rows + 2 * catalogue.n_rows
        _pair(cursor, catalogue, theirs, wanted, missing, steps)
        n_matched, n_several, n_shared = cursor.execute(
            f"SELECT count(*), count_if({_SEVERAL}), count_if({_SHARED}) FROM {_PAIRS}"
        ).fetchall()[0]
        if not n_matched:
            raise SettingsError(
                f"No object has a counterpart in '{wanted.name}' {wanted.how}.",
                "Check the columns that are compared, and the unit of positions: degrees."
                if wanted.within_arcsec is not None
                else "Check the columns that are compared.",
            )
        names = joined_names(wanted, catalogue.names())
        compared = [catalogue.column(name).stored_as for name in wanted.ours]
        used = [sorted(missing.get(name, ())) for name in wanted.ours]
        arcsec = wanted.within_arcsec
        facts = [fingerprint, compared, used, wanted.theirs, arcsec, wanted.taken, names]
        joined = replace(
            wanted,
            columns=names,
            n_rows=n_rows,
            n_matched=int(n_matched),
            n_several=int(n_several),
            n_shared=int(n_shared),
            fingerprint=fingerprint,
            key=key_of(facts),
        )
        _add(cursor, catalogue, theirs, joined, steps)
        keep_joined(cursor, joined)
        for made in (_TABLE, _PAIRS):
            cursor.execute(f"DROP TABLE {made}")
    give_back_memory()
    return joined


@contextmanager
def dropping_joined(catalogue: Catalogue, name: str) -> Iterator[None]:
    """Take a joined table's columns away again; what is stored of them is gone.

    That is so once what is done meanwhile is well done; to whoever reads, they are there until
    then.  Where either fails, they stay.

    Raises
    ------
    SettingsError : no table of that name is joined
    ProjectError : somebody else is at the columns, or the disk would not have it
    """
    joined = find_joined(catalogue, name)
    with catalogue.changing() as cursor:
        for column in joined.columns:
            stored = catalogue.column(column).stored_as
            cursor.execute(f"ALTER TABLE catalogue DROP COLUMN {quote(stored)}")
            cursor.execute("DELETE FROM catalogue_column WHERE stored_as = ?", [stored])
        at = [table.name for table in catalogue.joined].index(name)
        cursor.execute(
            "DELETE FROM joined_table WHERE position = "
            "(SELECT position FROM joined_table ORDER BY position LIMIT 1 OFFSET ?)",
            [at],
        )
        yield


def find_joined(catalogue: Catalogue, name: str) -> JoinedTable:
    """The joined table of that name."""
    for joined in catalogue.joined:
        if joined.name == name:
            return joined
    known = ", ".join(joined.name for joined in catalogue.joined)
    raise SettingsError(f"No table '{name}' is joined.", f"Joined: {known or 'none'}.")


def _check(catalogue: Catalogue, table: Table, wanted: JoinedTable) -> None:
    """Raise where a join cannot be made as it is asked for."""
    if not wanted.name.strip() or len(wanted.name) > MAX_NAME:
        raise SettingsError(
            f"The table is to be called '{wanted.name[:60]}'.", f"Use 1 to {MAX_NAME} letters."
        )
    if wanted.name in {joined.name for joined in catalogue.joined}:
        raise SettingsError(f"A table '{wanted.name}' is joined already.", "Give this its own.")
    arcsec, n = wanted.within_arcsec, 1 if wanted.within_arcsec is None else 2
    if arcsec is not None and not 0 < arcsec <= MAX_ARCSEC:
        raise SettingsError(f"The radius is {arcsec:g} arcsec.", f"Use up to {MAX_ARCSEC:g}.")
    if (len(wanted.ours), len(wanted.theirs)) != (n, n):
        raise SettingsError(
            "It is not said which columns are compared.",
            "Choose an id on both sides, or right ascension and declination.",
        )
    known = {column.name: column for column in table.columns}
    for name in (*wanted.theirs, *wanted.taken):
        if name not in known:
            raise UnknownColumnError(
                f"Column '{name}' is not in the table '{wanted.name}'.", "Choose one of its own."
            )
    for name in wanted.ours:
        catalogue.column(name)
    if arcsec is not None:
        numeric = [catalogue.column(name).is_numeric for name in wanted.ours]
        numeric += [kind_of(known[name].type) in ("integer", "real") for name in wanted.theirs]
        for name, is_number in zip((*wanted.ours, *wanted.theirs), numeric, strict=True):
            if not is_number:
                raise UnsuitableColumnError(
                    f"Column '{name}' holds no numbers.", "Choose positions in degrees."
                )


# -- the table, as it is read --------------------------------------------------------------------


class _Theirs(CatalogueColumns):
    """The columns of the table that are needed, as they stand in the file while it is joined."""


def _read(
    cursor: duckdb.DuckDBPyConnection, table: Table, wanted: JoinedTable, steps: _Steps
) -> tuple[_Theirs, str, int]:
    """Write what is needed of the table; its columns, its fingerprint and its number of rows."""
    needed = dict.fromkeys((*wanted.theirs, *wanted.taken))
    at = [i for i, column in enumerate(table.columns) if column.name in needed]
    columns = [table.columns[i] for i in at]
    stored = stored_names([column.name for column in columns])
    theirs = _Theirs(
        CatalogueColumn(c.name, name, kind_of(c.type), c.unit, c.description)
        for c, name in zip(columns, stored, strict=True)
    )
    schema = pa.schema(
        [(ROW, pa.int64()), *((n, c.type) for n, c in zip(stored, columns, strict=True))]
    )
    with _registered(cursor, schema.empty_table()) as incoming:
        cursor.execute(f"CREATE TABLE {_TABLE} AS SELECT * FROM {incoming}")
    checksums, n_rows = [0] * len(columns), 0
    for batch in table.batches():
        arrays = [batch.column(i) for i in at]
        rows = pa.array(np.arange(n_rows, n_rows + batch.num_rows))
        numbered = pa.Table.from_arrays([rows, *arrays], names=schema.names)
        with _registered(cursor, numbered) as incoming:
            cursor.execute(f"INSERT INTO {_TABLE} SELECT * FROM {incoming}")
        for i, array in enumerate(arrays):
            checksums[i] = (checksums[i] + column_checksum(array, n_rows)) % 2**64
        n_rows += batch.num_rows
        steps.go_on(batch.num_rows)
    if not n_rows:
        raise UnreadableFileError(f"The table '{wanted.name}' has no rows.", "Choose another.")
    return theirs, fingerprint_of(n_rows, [c.name for c in columns], checksums), n_rows


@contextmanager
def _registered(cursor: duckdb.DuckDBPyConnection, rows: pa.Table) -> Iterator[str]:
    """A table of Arrow's under a name, for as long as it is read."""
    cursor.register("incoming", rows)
    try:
        yield "incoming"
    finally:
        cursor.unregister("incoming")


# -- which row is whose --------------------------------------------------------------------------


def _pair(
    cursor: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    theirs: _Theirs,
    wanted: JoinedTable,
    missing: Missing,
    steps: _Steps,
) -> None:
    """Write which object has which row of the table, one row for each object that has one."""
    if wanted.within_arcsec is None:
        ours, other = catalogue.text_sql(wanted.ours[0]), theirs.text_sql(wanted.theirs[0])
        cursor.execute(
            f"CREATE TABLE {_PAIRS} AS WITH ids AS (SELECT {other} AS id, min({ROW}) AS first_row,"
            f" count(*) AS n FROM {_TABLE} GROUP BY id) SELECT o.{ROW} AS {_OBJECT}, ids.first_row "
            f"AS {_COUNTERPART}, NULL::DOUBLE AS {_SEPARATION}, ids.n > 1 AS {_SEVERAL}, FALSE AS "
            f"{_SHARED} FROM (SELECT {ROW}, {ours} AS id FROM catalogue) o JOIN ids USING (id)"
        )
        steps.go_on(catalogue.n_rows)
        return
    our_numbers = [catalogue.number_sql(name, missing) for name in wanted.ours]
    their_numbers = [theirs.number_sql(name, {}) for name in wanted.theirs]
    found = match_positions(
        _places(cursor, "catalogue", our_numbers),
        _places(cursor, _TABLE, their_numbers),
        wanted.within_arcsec,
        _counting(steps),
    )
    pairs = pa.table(
        {
            _OBJECT: found.rows,
            _COUNTERPART: found.theirs,
            _SEPARATION: found.separation_arcsec,
            _SEVERAL: found.has_several,
            _SHARED: found.is_shared,
        }
    )
    with _registered(cursor, pairs) as incoming:
        cursor.execute(f"CREATE TABLE {_PAIRS} AS SELECT * FROM {incoming}")


def _counting(steps: _Steps) -> Callable[[int], None]:
    """Tell how many more objects were compared, of how many there were before."""
    before = 0

    def heard(n_done: int) -> None:
        nonlocal before
        steps.go_on(n_done - before)
        before = n_done

    return heard


def _places(cursor: duckdb.DuckDBPyConnection, table: str, numbers: Sequence[str]) -> Places:
    ra, dec = numbers
    found = cursor.execute(f"SELECT {ra} AS ra, {dec} AS dec FROM {table} ORDER BY {ROW}")
    arrays = cast(dict[str, Any], found.fetchnumpy())  # masked where there are NULLs
    return Places(*(np.ma.filled(arrays[name].astype(float), np.nan) for name in ("ra", "dec")))


# -- the columns, as they are added --------------------------------------------------------------


def _add(
    cursor: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    theirs: _Theirs,
    joined: JoinedTable,
    steps: _Steps,
) -> None:
    """Add the columns to the catalogue and fill in the rows that have a counterpart."""
    known = [column.stored_as for column in catalogue.columns]
    stored = stored_names([joined_as(name, joined.key) for name in joined.columns], known)
    types = dict(
        cursor.execute(f"SELECT column_name, column_type FROM (DESCRIBE {_TABLE})").fetchall()
    )
    made: list[tuple[str, str, str, str, str]] = []  # SQL, type, kind, unit, description
    for name in joined.taken:
        column = theirs.column(name)
        sql, kind = f"t.{quote(column.stored_as)}", types[column.stored_as]
        made.append((sql, kind, column.kind, column.unit, column.description))
    ambiguous = (f"p.{_SEVERAL} OR p.{_SHARED}", "BOOLEAN", "boolean")
    own = [ambiguous] if joined.within_arcsec is None else [
        (f"p.{_SEPARATION}", "DOUBLE", "real"), ambiguous
    ]  # fmt: skip
    for (sql, kind, ours), (_, unit, description) in zip(own, joined.added, strict=True):
        made.append((sql, kind, ours, unit, description))
    for name, (_, kind, *_rest) in zip(stored, made, strict=True):
        cursor.execute(f"ALTER TABLE catalogue ADD COLUMN {quote(name)} {kind}")
    filled = ", ".join(
        f"{quote(name)} = {sql}" for name, (sql, *_rest) in zip(stored, made, strict=True)
    )
    for first in range(0, catalogue.n_rows, UPDATED_AT_ONCE):
        cursor.execute(
            f"UPDATE catalogue SET {filled} FROM {_PAIRS} p JOIN {_TABLE} t "
            f"ON t.{ROW} = p.{_COUNTERPART} WHERE p.{_OBJECT} = catalogue.{ROW} "
            f"AND p.{_OBJECT} >= {first} AND p.{_OBJECT} < {first + UPDATED_AT_ONCE}"
        )
        steps.go_on(min(UPDATED_AT_ONCE, catalogue.n_rows - first))
    last = cursor.execute("SELECT max(position) FROM catalogue_column").fetchall()[0][0]
    cursor.executemany(
        "INSERT INTO catalogue_column VALUES (?, ?, ?, ?, ?, ?)",
        [
            (last + 1 + i, name, stored[i], kind, unit, description)
            for i, (name, (_, _, kind, unit, description)) in enumerate(
                zip(joined.columns, made, strict=True)
            )
        ],
    )
