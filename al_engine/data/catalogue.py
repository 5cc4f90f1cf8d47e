"""The catalogue: the objects and their columns, in a DuckDB file.

Owns every question about its rows; what a column looks like as a whole is ``profile``'s.  Its rows
never change; columns of further tables come and go (``joining``).  Must not know answers, learners
or pictures; settings reach it as plain arguments.
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from weakref import WeakSet

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from al_engine.data.columns import ROW, CatalogueColumn, CatalogueColumns, Missing
from al_engine.data.importing import CATALOGUE_STEPS, boundary, give_back_memory
from al_engine.data.joined import JoinedTable, key_of
from al_engine.data.operations import add_functions
from al_engine.data.recent import Recent
from al_engine.data.schema import connect, quote
from al_engine.data.table import Column
from al_engine.errors import ProjectError, UnsuitableColumnError
from al_engine.settings.typed import read_as

Floats = npt.NDArray[np.float64]

ROWS_AT_ONCE, VALUES_AT_ONCE = 122_880, 4_000_000  # a row group of DuckDB's, or fewer rows
TEXTS_AT_ONCE = 1000
CLOSING_S = 20.0  # a question that DuckDB cannot break off is waited for
IDS_KEPT = 20_000  # looked up last; each answer asks for those of the whole labelled set


class Catalogue(CatalogueColumns):
    """An open catalogue file; a cursor of its own for each question, so threads may ask."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, CATALOGUE_STEPS)
        # All of it is taken: DuckDB lets no function in while something is left to be fetched.
        found = self._connection.execute("SELECT * FROM catalogue_fact").fetchall()
        if not found:
            self._connection.close()
            raise ProjectError(
                f"The project '{path.parent.name}' has an unfinished catalogue.",
                "Import the file again.",
            )
        n_rows, fingerprint, reader, set_aside, notes, *_ = found[0]
        self.n_rows, self.fingerprint, self.reader = int(n_rows), str(fingerprint), str(reader)
        self.set_aside, self.notes = tuple(set_aside), tuple(notes)
        self._failures = add_functions(self._connection)
        self._changing, self._handing_out = threading.Lock(), threading.Lock()
        self._asking_now: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()
        self._is_closed = False
        self._look()

    def _look(self) -> None:
        """Know which columns there are, and forget what was found out about them."""
        with self._asking() as cursor:
            described = cursor.execute(
                "SELECT name, stored_as, kind, unit, description FROM catalogue_column "
                "ORDER BY position"
            ).fetchall()
            joined = cursor.execute("SELECT said FROM joined_table ORDER BY position").fetchall()
        super().__init__(CatalogueColumn(*row) for row in described)
        self.joined: tuple[JoinedTable, ...] = tuple(
            read_as(JoinedTable, json.loads(said), "joined table") for (said,) in joined
        )
        self._ids: dict[str, dict[int, str]] = {}
        self._recent = Recent()
        self._good_ids: set[str] = set()

    def close(self) -> None:
        """Close the file; whatever is being asked ends with ``ProjectError``."""
        with self._handing_out:
            self._is_closed = True
            deadline = time.monotonic() + CLOSING_S
            while True:
                for cursor in list(self._asking_now):
                    with contextlib.suppress(duckdb.Error):  # it may have ended by itself
                        cursor.interrupt()
                try:
                    self._connection.close()
                    return
                except duckdb.Error:  # DuckDB closes nothing that a cursor is at work with
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.005)

    @contextmanager
    def _asking(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one question, closed after it."""
        closed = ProjectError("The project was closed or deleted.", "Choose one on the Home page.")
        # One thread at a time: DuckDB refuses a connection that another thread is at work with.
        with self._handing_out:
            if self._is_closed:
                raise closed
            cursor = self._connection.cursor()
            self._asking_now.add(cursor)
        try:
            yield cursor
        except duckdb.Error as error:
            if self._is_closed:
                raise closed from error
            raise
        finally:
            cursor.close()

    @contextmanager
    def changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for who adds columns or takes some away: all is kept at the end, or nothing.

        Raises
        ------
        ProjectError : somebody else is at it, or the disk would not have it
        """
        if not self._changing.acquire(blocking=False):
            raise ProjectError(
                "Another table is being joined to this catalogue.", "Wait until that is done."
            )
        try:
            with boundary(), self._asking() as cursor:
                cursor.begin()
                try:
                    yield cursor
                except BaseException:
                    cursor.rollback()
                    raise
                cursor.commit()
            self._look()
        finally:
            self._changing.release()

    def fingerprint_with(self, names: Iterable[str]) -> str:
        """What the catalogue goes by where these of its columns count.

        Its own fingerprint, whatever was joined; where one of a joined table is among them,
        another for each that it could have been.
        """
        of_joined = {name for joined in self.joined for name in joined.columns}
        counted = sorted(self.column(name).stored_as for name in names if name in of_joined)
        return key_of([self.fingerprint, *counted]) if counted else self.fingerprint

    # -- columns as arrays ----------------------------------------------------------------

    def number_batches(self, expressions: Sequence[str]) -> Iterator[list[Floats]]:
        """Stream SQL expressions over all rows in order, NULL as NaN.

        Raises
        ------
        ContractError : a feature of an extension fails
        """
        listed = ", ".join(f"{sql} AS e{i}" for i, sql in enumerate(expressions))
        try:
            with self._asking() as cursor:
                result = cursor.sql(f"SELECT {listed} FROM catalogue ORDER BY {ROW}")
                for batch in result.to_arrow_reader(131_072):
                    yield [
                        np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
                        for column in batch.columns
                    ]
        except duckdb.Error:
            if self._failures:
                failure = self._failures.pop()
                raise failure from failure.__cause__
            raise
        finally:
            give_back_memory()

    def numbers(self, name: str, missing: Missing) -> Floats:
        """One numeric column over all rows, float64, NaN where missing."""
        parts = [batch[0] for batch in self.number_batches([self.number_sql(name, missing)])]
        return np.concatenate(parts)

    def text_batches(self, names: Sequence[str]) -> Iterator[list[str]]:
        """Stream columns of text over all rows in order, those of a row joined by line ends.

        A slice of rows is asked for at a time, so that whoever reads may stop soon.  What is
        missing is empty.

        Raises
        ------
        UnsuitableColumnError : a column that holds no text
        """
        sql = self.whole_text_sql(names)
        for first in range(0, self.n_rows, TEXTS_AT_ONCE):
            found = self.fetch(
                f"SELECT {sql} FROM catalogue "
                f"WHERE {ROW} >= {first} AND {ROW} < {first + TEXTS_AT_ONCE} ORDER BY {ROW}"
            )
            yield [text for (text,) in found]
        give_back_memory()

    def label_codes(self, name: str, values: Sequence[str]) -> npt.NDArray[np.int16]:
        """For each row the position of its label in ``values``; -1 where it is none of them."""
        sql = self.label_sql(name, values)
        found = self.fetch_arrays(f"SELECT {sql} AS code FROM catalogue ORDER BY {ROW}", values)
        return np.asarray(found["code"], dtype=np.int16)

    def object_keys(self, id_column: str | None) -> npt.NDArray[np.uint64]:
        """A 64-bit number for each row from its id alone: what draws and ties go by."""
        sql = self.key_sql(id_column)
        found = self.fetch_arrays(f"SELECT {sql} AS key FROM catalogue ORDER BY {ROW}")
        return np.asarray(found["key"], dtype=np.uint64)

    # -- columns as they leave --------------------------------------------------------------

    def outgoing(self, names: Sequence[str]) -> tuple[Column, ...]:
        """Columns with the types in which ``records`` and ``picked`` hand them out."""
        types = self._arrow(names, f"WHERE {ROW} < 0").schema.types
        return tuple(
            Column(column.name, kind, column.unit, column.description)
            for column, kind in zip(map(self.column, names), types, strict=True)
        )

    def records(self, names: Sequence[str], start: int, stop: int) -> list[pa.Array]:
        """Columns over the rows from ``start`` up to ``stop``, in order; times as text."""
        # By a range of rows, which touches only what is in it: a stream over all rows in order
        # would hold more the more there are.
        where = f"WHERE {ROW} >= {int(start)} AND {ROW} < {int(stop)}"
        return _arrays(self._arrow(names, where))

    def picked(self, names: Sequence[str], rows: Sequence[int]) -> list[pa.Array]:
        """Columns over some rows, in the order asked; times as text."""
        wanted, places = np.unique(np.asarray(rows, dtype=np.int64), return_inverse=True)
        found = self._arrow(
            names, f"WHERE {ROW} IN (SELECT unnest(?::BIGINT[]))", [wanted.tolist()]
        )
        return _arrays(found.take(pa.array(places)))

    def _arrow(self, names: Sequence[str], where: str, values: Sequence[Any] = ()) -> pa.Table:
        # Under names of our own: those of the file may be one and the same to DuckDB.
        listed = ", ".join(f"{self._shown_sql(name)} AS c{i}" for i, name in enumerate(names))
        with self._asking() as cursor:
            return cursor.sql(
                f"SELECT {listed} FROM catalogue {where} ORDER BY {ROW}", params=list(values)
            ).to_arrow_table()

    def rows(self) -> Iterator[pa.RecordBatch]:
        """Stream every column as it is stored, in the order of the rows, by the file's names.

        A slice of rows is asked for at a time: memory does not grow with the catalogue.
        """
        stored = ", ".join(quote(column.stored_as) for column in self.columns)
        names = [column.name for column in self.columns]
        at_once = max(1024, min(ROWS_AT_ONCE, VALUES_AT_ONCE // len(names)))
        for first in range(0, self.n_rows, at_once):
            with self._asking() as cursor:
                found = cursor.sql(
                    f"SELECT {stored} FROM catalogue "
                    f"WHERE {ROW} >= {first} AND {ROW} < {first + at_once} ORDER BY {ROW}"
                ).to_arrow_table()
            for batch in found.to_batches():
                yield pa.RecordBatch.from_arrays(batch.columns, names=names)
        give_back_memory()

    # -- objects --------------------------------------------------------------------------

    def values(self, row: int, names: Sequence[str]) -> dict[str, Any]:
        """The values of one object, as Python knows them, NULL as None."""
        return self._look_up(row, {name: self._shown_sql(name) for name in names})

    def id_and_values(
        self, id_column: str | None, row: int, names: Sequence[str]
    ) -> tuple[str, dict[str, Any]]:
        """The id of one object as text, and its values, by one question."""
        key = ("the id by", id_column)
        sqls: dict[Any, str] = {name: self._shown_sql(name) for name in names}
        sqls[key] = self.text_sql(id_column) if id_column else f"CAST({ROW} AS VARCHAR)"
        found = self._look_up(row, sqls)
        return found.pop(key, None) or "", found

    def _look_up(self, row: int, sqls: Mapping[Any, str]) -> dict[Any, Any]:
        """Expressions over one object, by their names; not asked again of the latest objects."""
        recent = self._recent  # columns that come or go meanwhile put another in its place
        held = recent.get(row, sqls)
        if held is None and sqls:
            sql = f"SELECT {', '.join(sqls.values())} FROM catalogue WHERE {ROW} = ?"
            found = self.fetch(sql, [int(row)])
            held = dict(zip(sqls, found[0], strict=True)) if found else {}
            recent.keep(row, held)
        return held or {}

    def _shown_sql(self, name: str) -> str:
        column = self.column(name)
        stored = quote(column.stored_as)
        return f"CAST({stored} AS VARCHAR)" if column.kind == "time" else stored

    def preview(self, n_rows: int) -> pa.Table:
        """The first rows as they are, under the names that the file gave."""
        names = [column.name for column in self.columns]
        return self._arrow(names, f"WHERE {ROW} < {int(n_rows)}").rename_columns(names)

    def object_ids(self, id_column: str | None, rows: Sequence[int]) -> list[str]:
        """The ids of some rows, as text, in the order asked."""
        wanted = [int(row) for row in rows]
        if id_column is None:
            return [str(row) for row in wanted]
        known = self._ids.setdefault(id_column, {})
        unknown = [row for row in wanted if row not in known]
        if unknown:
            found = zip(unknown, self.texts(id_column, unknown), strict=True)
            if len(known) > IDS_KEPT:
                known = self._ids[id_column] = {row: known[row] for row in wanted if row in known}
            known.update((row, text if text is not None else "") for row, text in found)
        return [known[row] for row in wanted]

    def texts(self, name: str, rows: Sequence[int]) -> list[str | None]:
        """One column in some rows, as the text under which a label is known, in the order asked."""
        wanted = [int(row) for row in rows]
        found = self.fetch(
            f"SELECT {ROW}, {self.text_sql(name)} FROM catalogue "
            f"WHERE {ROW} IN (SELECT unnest(?::BIGINT[]))",
            [wanted],
        )
        by_row = dict(found)
        return [by_row[row] for row in wanted]

    def find_row(self, id_column: str | None, object_id: str) -> int | None:
        """The row of an object, or None where no object has that id."""
        if id_column is None:
            is_number = object_id.isascii() and object_id.isdecimal() and len(object_id) < 20
            is_row = is_number and str(int(object_id)) == object_id and int(object_id) < self.n_rows
            return int(object_id) if is_row else None
        found = self.fetch(
            f"SELECT {ROW} FROM catalogue WHERE {self.text_sql(id_column)} = ? LIMIT 1",
            [object_id],
        )
        return int(found[0][0]) if found else None

    def find_rows(self, id_column: str | None, object_ids: Sequence[str]) -> dict[str, int]:
        """The rows of the objects among these ids; those that no object has are left out."""
        if id_column is None:
            found = ((text, self.find_row(None, text)) for text in object_ids)
            return {text: row for text, row in found if row is not None}
        text = self.text_sql(id_column)
        rows = self.fetch(
            f"SELECT {text}, min({ROW}) FROM catalogue "
            f"WHERE {text} IN (SELECT unnest(?::VARCHAR[])) GROUP BY {text}",
            [list(object_ids)],
        )
        return {text: int(row) for text, row in rows}

    def rows_where(self, condition: str, values: Sequence[Any]) -> npt.NDArray[np.bool_]:
        """Which rows meet an SQL condition, shape (n_rows,); ``values`` are bound to its places."""
        found = self.fetch_arrays(f"SELECT {ROW} AS r FROM catalogue WHERE {condition}", values)
        meets = np.zeros(self.n_rows, dtype=np.bool_)
        meets[np.asarray(found["r"], dtype=np.int64)] = True
        return meets

    # -- what a column looks like -----------------------------------------------------------

    def check_id(self, name: str) -> None:
        """Raise UnsuitableColumnError where a column does not tell objects apart."""
        if name in self._good_ids:
            return
        text, stored = self.text_sql(name), quote(self.column(name).stored_as)
        n_missing = int(self.fetch(f"SELECT count(*) FROM catalogue WHERE {stored} IS NULL")[0][0])
        if n_missing:
            raise UnsuitableColumnError(
                f"`{name}` is missing in {n_missing:,} row{'s' * (n_missing > 1)}.",
                "Choose another column, or number the rows.",
            )
        found = self.fetch(
            f"SELECT {text} AS value, any_value({stored}), count(*) AS n FROM catalogue "
            f"GROUP BY value HAVING n > 1 ORDER BY n DESC, value LIMIT 1"
        )
        if found:
            value = found[0][1]
            shown = f"{value:.15G}" if isinstance(value, float) else str(value)
            shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
            raise UnsuitableColumnError(
                f"`{name}` repeats: {shown} stands {found[0][2]:,} times.",
                "Choose another column, or number the rows.",
            )
        self._good_ids.add(name)

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a question about ``catalogue`` finds; names in it are quoted, values bound."""
        with self._asking() as cursor:
            return cursor.execute(sql, list(values)).fetchall()

    def fetch_arrays(self, sql: str, values: Sequence[Any] = ()) -> dict[str, npt.NDArray[Any]]:
        """The same as an array for each column; a masked one where there are NULLs."""
        with self._asking() as cursor:
            return cast(dict[str, npt.NDArray[Any]], cursor.execute(sql, list(values)).fetchnumpy())


def _arrays(table: pa.Table) -> list[pa.Array]:
    """The columns of a table, each in one piece."""
    return [
        column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(
            column.chunks or [pa.array([], column.type)]
        )
        for column in table.columns
    ]  # fmt: skip
