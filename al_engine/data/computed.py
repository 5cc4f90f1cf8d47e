"""SQL over rows that are at hand, so that a file's rows give what an imported catalogue's do.

Owns a database without tables.  Must not know where the rows come from.
"""

from collections.abc import Sequence
from contextlib import closing
from functools import cache
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from al_engine.data.operations import OPERATIONS, Operation, add_functions
from al_engine.data.schema import safe_options
from al_engine.errors import AlEngineError


def compute(
    rows: pa.Table, expressions: Sequence[str], bound: Sequence[str] = ()
) -> list[npt.NDArray[Any]]:
    """SQL expressions over the columns of some rows, in their order; NULL is NaN.

    ``bound`` are the values of the expressions' question marks.
    """
    listed = ", ".join(f"{sql} AS e{i}" for i, sql in enumerate(expressions))
    database, failures = _database(tuple(o for o in OPERATIONS.values() if o.origin is not None))
    with closing(database.cursor()) as connection:
        connection.register("catalogue", rows)
        try:
            made = connection.execute(f"SELECT {listed} FROM catalogue", list(bound)).fetchnumpy()
        except duckdb.Error:
            if failures:
                failure = failures.pop()
                raise failure from failure.__cause__
            raise
        connection.unregister("catalogue")
    return [_plain(made[f"e{i}"]) for i in range(len(expressions))]


@cache
def _database(
    extensions: tuple[Operation, ...],
) -> tuple[duckdb.DuckDBPyConnection, list[AlEngineError]]:
    """An empty database that knows some operations, and where failures of these are put.

    There is one a process: opening one takes as long as reading 100,000 rows.

    It has one thread: as many partitions are under way as there are processors, and rows that are
    only projected stay in order.
    """
    connection = duckdb.connect(config={**safe_options(), "threads": 1})
    return connection, add_functions(connection)


def _plain(values: Any) -> npt.NDArray[Any]:
    return np.asarray(values.filled(np.nan) if np.ma.isMaskedArray(values) else values)
