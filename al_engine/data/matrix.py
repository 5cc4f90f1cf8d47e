"""The feature matrix: one contiguous float32 column for each feature, mapped from disk.

Owns the order in which objects stand in it.  Must not know labels, learners or files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue
from al_engine.data.mapped import New, Room, Sort, open_mapped
from al_engine.data.nearness import order_by_nearness

Columns = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]

_FEATURES = Sort(".features", np.float32, 8)
_AXIS = Sort(".axis", np.float32, 32)
# Rows are sorted within runs: what is found for a run is then written near together as well.
RUN_ROWS = 1 << 20
_RUN_BYTES = 128_000_000


@dataclass(frozen=True)
class Matrix:
    """Features of all objects, those alike in them near together.

    ``columns`` has shape (n_features, n_rows), read-only float32, NaN where there is no finite
    value.  Its place p holds the catalogue's row ``row_at[p]``; row r stands at ``place_of[r]``.
    """

    columns: Columns
    row_at: Places
    place_of: Places

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> Columns:
        """The features of some rows of the catalogue, shape (n, n_features)."""
        return np.ascontiguousarray(self.columns[:, self.place_of[rows]].T)


def open_matrix(
    folder: Path,
    catalogue: Catalogue,
    expressions: Sequence[str],
    room: Room = lambda n_bytes: None,
) -> Matrix:
    """Map the matrix of these SQL expressions, making its file first where there is none."""
    if not expressions:  # nothing tells objects apart, so they stay where they are
        as_they_are = np.arange(catalogue.n_rows, dtype=np.int32)
        return Matrix(np.empty((0, catalogue.n_rows), np.float32), as_they_are, as_they_are)
    shape = (len(expressions) + 2, catalogue.n_rows)

    def write(new: New) -> None:
        to = new(shape)
        _write_sorted(_batches(catalogue, expressions), to[:-2], *to[-2:].view(np.int32))

    # The two orders are the last rows of the file: a matrix is whole or not there at all.
    made_of = (catalogue.fingerprint, *expressions)
    held = open_mapped(folder, _FEATURES, made_of, lambda a: a.shape == shape, write, room)
    row_at, place_of = held[-2:].view(np.int32)
    return Matrix(held[:-2], row_at, place_of)


def open_column(
    folder: Path, catalogue: Catalogue, expression: str, room: Room = lambda n_bytes: None
) -> Columns:
    """Map one SQL expression in the order of the catalogue's rows.

    Returns
    -------
    read-only ndarray of shape (n_rows,), float32; NaN where there is no finite value (missing,
    divided by zero, beyond float32)
    """
    shape = (catalogue.n_rows,)

    def write(new: New) -> None:
        to, start = new(shape), 0
        for (column,) in _batches(catalogue, [expression]):
            to[start : start + len(column)] = column
            start += len(column)

    made_of = (catalogue.fingerprint, expression)
    return open_mapped(folder, _AXIS, made_of, lambda a: a.shape == shape, write, room)


def _batches(catalogue: Catalogue, expressions: Sequence[str]) -> Iterator[Columns]:
    """All rows in order, some at a time, shape (n_expressions, n)."""
    for batch in catalogue.number_batches(expressions):
        columns = np.empty((len(batch), len(batch[0])), np.float32)
        for column, values in zip(columns, batch, strict=True):
            column[:] = single(values)
        yield columns


def _write_sorted(
    batches: Iterator[Columns], columns: Columns, row_at: Places, place_of: Places
) -> None:
    """Write rows run by run, and where each of them went."""
    n_features, n_rows = columns.shape
    run_rows = max(1, min(RUN_ROWS, n_rows, _RUN_BYTES // (4 * max(1, n_features))))
    run, held, start = np.empty((n_features, run_rows), np.float32), 0, 0
    for batch in batches:
        while batch.shape[1]:
            some = batch[:, : run_rows - held]
            run[:, held : held + some.shape[1]] = some
            held, batch = held + some.shape[1], batch[:, some.shape[1] :]
            if held == run_rows or start + held == n_rows:
                order = order_by_nearness(run[:, :held])
                for column, values in zip(columns, run, strict=True):
                    column[start : start + held] = values[order]
                row_at[start : start + held] = start + order
                place_of[start + order] = np.arange(start, start + held, dtype=np.int32)
                start, held = start + held, 0


def single(values: npt.NDArray[np.float64]) -> Columns:
    """Values in single precision, NaN where there is no finite one."""
    with np.errstate(over="ignore"):
        column = values.astype(np.float32)
    column[~np.isfinite(column)] = np.nan
    return column
