"""The registry of operations: what may be done with some base features to make another.

Owns their SQL: Sextant's own are signs between columns, an extension's is a function of NumPy
arrays that DuckDB calls, so that a feature is one SQL expression wherever it is needed.  Must not
know which features a project has.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from al_engine.data.schema import quote, safe_options
from al_engine.errors import AlEngineError, ContractError, SettingsError
from al_engine.origin import Origin, named_instead
from al_engine.settings.config import MAX_COMBINED, OPERATION_SIGNS

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Operation:
    """What makes one feature of ``fewest`` to ``most`` others, in their order.

    One of Sextant's own has a ``sign``; one of an extension a ``function`` of as many arrays of
    float64, shape (n,), NaN where missing, to one such array.
    """

    name: str
    title: str
    sign: str = ""
    function: Callable[..., Any] | None = None
    fewest: int = 2
    most: int = MAX_COMBINED
    help: str = ""
    origin: Origin | None = None

    @property
    def how_many(self) -> str:
        """How many features it takes, in words."""
        return f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"

    def sql(self, numbers: Sequence[str]) -> str:
        """SQL of SQL numbers, from the left: ``a-b-c`` is ``(a-b)-c``."""
        if self.origin is not None:
            return f"{quote(self._called(len(numbers)))}({', '.join(numbers)})"
        sql = numbers[0]
        for number in numbers[1:]:
            sql = f"({sql} {self.sign} {number})"
        return sql

    def apply(self, *columns: Floats) -> Floats:
        """What the function makes of some rows.

        Raises
        ------
        ContractError : it fails, or gives anything but a number for each row
        """
        assert self.function is not None, "signs are left to DuckDB"
        assert self.origin is not None, "only an extension has a function"
        rows = [column.view() for column in columns]
        for column in rows:
            column.flags.writeable = False
        hint = f"It is called with {len(columns)} arrays of float64, NaN where missing."
        with self.origin.blamed(f"The operation {self.title}", hint), np.errstate(all="ignore"):
            made = self.function(*rows)
        values = np.asarray(made)
        if values.dtype.kind not in "fiub" or values.shape != rows[0].shape:
            raise ContractError(
                f"The operation {self.title} ({self.origin.file}) returned {_shape(made, values)} "
                f"for {len(rows[0])} rows.",
                "It has to return one number for each row, NaN where there is none.",
            )
        return values.astype(np.float64)

    def _called(self, n: int) -> str:
        """Its name in SQL: another file of the same name is another function."""
        assert self.origin is not None, "signs have no name in SQL"
        return f"{self.name}_{n}_{self.origin.sha256[:16]}"

    def add_to(self, connection: duckdb.DuckDBPyConnection, failures: list[AlEngineError]) -> None:
        """Let a connection call the function; DuckDB keeps of a failure its text alone."""

        def call(*columns: pa.ChunkedArray) -> pa.Array:
            try:
                return pa.array(self.apply(*(c.to_numpy(zero_copy_only=False) for c in columns)))
            except AlEngineError as error:
                failures.append(error)
                raise

        for n in range(self.fewest, self.most + 1):
            connection.create_function(  # type: ignore[call-overload]
                self._called(n), _with_arguments(call, n), ["DOUBLE"] * n, "DOUBLE", type="arrow",
                null_handling="special",
            )  # fmt: skip


def _with_arguments(call: Callable[..., Any], n: int) -> Callable[..., Any]:
    """The same function with as many arguments by name: DuckDB counts them."""

    def counted(*columns: Any) -> Any:
        return call(*columns)

    named = [inspect.Parameter(f"c{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(n)]
    counted.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    return counted


OPERATIONS: dict[str, Operation] = {
    name: Operation(name, f"{name} (a {sign} b)", sign) for name, sign in OPERATION_SIGNS.items()
}


def find_operation(name: str) -> Operation:
    """Look an operation up by its registry name; a SettingsError names the closest ones."""
    if name not in OPERATIONS:
        raise SettingsError(
            f"There is no operation '{name}' to make features by.",
            named_instead(name, OPERATIONS),
        )
    return OPERATIONS[name]


def add_functions(connection: duckdb.DuckDBPyConnection) -> list[AlEngineError]:
    """Let a connection make the features of extensions.

    Returns
    -------
    where each failure of one of them is put, for whoever asked to raise
    """
    failures: list[AlEngineError] = []
    for operation in OPERATIONS.values():
        if operation.origin is not None:
            operation.add_to(connection, failures)
    return failures


def check_operation(operation: Operation) -> None:
    """Try an operation on numbers, none of which may make it fail.

    Raises
    ------
    ContractError : what it does that an operation must not
    """
    if not 1 <= operation.fewest <= operation.most <= MAX_COMBINED:
        raise ContractError(
            f"The operation {operation.title} takes {operation.how_many} features.",
            f"It has to take 1 to {MAX_COMBINED}.",
        )
    for n in range(operation.fewest, operation.most + 1):
        columns = _awkward(n)
        whole = _made(operation, columns)
        again = _made(operation, columns)
        pieces = [
            _made(operation, [column[rows] for column in columns])
            for rows in (slice(0, 7), slice(7, None))
        ]
        if not np.array_equal(whole, again, equal_nan=True):
            raise ContractError(
                f"The operation {operation.title} makes other numbers of the same rows.",
                "Leave nothing in it to chance.",
            )
        if not np.allclose(whole, np.concatenate(pieces), rtol=1e-9, atol=0, equal_nan=True):
            raise ContractError(
                f"The operation {operation.title} makes other numbers of a row when it sees fewer "
                "rows with it.",
                "Rows come some at a time: make each row's number of that row alone.",
            )


def _made(operation: Operation, columns: Sequence[Floats]) -> Floats:
    """What DuckDB makes of some rows, as it does for a project."""
    names = [f"c{i}" for i in range(len(columns))]
    with duckdb.connect(config=safe_options()) as connection:
        failures: list[AlEngineError] = []
        if operation.origin is not None:
            operation.add_to(connection, failures)
        connection.register("rows", pa.Table.from_arrays([pa.array(c) for c in columns], names))
        try:
            made = connection.execute(f"SELECT {operation.sql(names)} AS v FROM rows").fetchnumpy()
        except duckdb.Error:
            if failures:
                raise failures[0] from failures[0].__cause__
            raise
    return np.asarray(np.ma.filled(np.ma.asarray(made["v"], dtype=np.float64), np.nan))


def _awkward(n: int) -> list[Floats]:
    """Columns of 300 rows: ordinary numbers, zeros, negative, huge and missing ones, all alike."""
    rng = np.random.default_rng(11)
    columns = rng.normal(18, 2, (n, 300))
    columns[:, 40:60] = -columns[:, 40:60]
    columns[:, 60:80] = 0.0
    columns[:, 80:100] *= 1e300
    columns[rng.random((n, 300)) < 0.1] = np.nan
    columns[:, 100:110] = np.nan
    return list(columns)


def _shape(made: Any, values: npt.NDArray[Any]) -> str:
    if values.dtype.kind not in "fiub":
        return f"a {type(made).__name__}" if values.ndim == 0 else f"an array of {values.dtype}"
    return "one number" if values.ndim == 0 else f"an array of the shape {values.shape}"
