"""The feature matrix: one contiguous float32 column for each feature, mapped from disk.

Owns the ``matrix`` folder of a project.  A file's name is the hash of the data and the SQL that
made it, so a stale one is never read; must not know labels or learners.
"""

import contextlib
import hashlib
import os
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue
from al_engine.data.nearness import order_by_nearness

Columns = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]

FILES_KEPT = 16  # sets of columns, those that were used last
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


def open_matrix(folder: Path, catalogue: Catalogue, expressions: Sequence[str]) -> Matrix:
    """Map the matrix of these SQL expressions, making its file first where there is none."""

    def write(to: Columns) -> None:
        _write_sorted(_batches(catalogue, expressions), to[:-2], *to[-2:].view(np.int32))

    # The two orders are the last rows of the file: a matrix is whole or not there at all.
    path = _path(folder, catalogue, "by nearness", *expressions)
    held = _open(path, (len(expressions) + 2, catalogue.n_rows), write)
    row_at, place_of = held[-2:].view(np.int32)
    return Matrix(held[:-2], row_at, place_of)


def open_columns(folder: Path, catalogue: Catalogue, expressions: Sequence[str]) -> Columns:
    """Map columns of these SQL expressions in the order of the catalogue's rows.

    Returns
    -------
    read-only ndarray of shape (n_expressions, n_rows), float32; NaN where there is no finite
    value (missing, divided by zero, beyond float32)
    """

    def write(to: Columns) -> None:
        start = 0
        for batch in _batches(catalogue, expressions):
            to[:, start : start + batch.shape[1]] = batch
            start += batch.shape[1]

    path = _path(folder, catalogue, "by row", *expressions)
    return _open(path, (len(expressions), catalogue.n_rows), write)


def _batches(catalogue: Catalogue, expressions: Sequence[str]) -> Iterator[Columns]:
    """All rows in order, some at a time, shape (n_expressions, n)."""
    for batch in catalogue.number_batches(expressions) if expressions else ():
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


# -- files --


def _path(folder: Path, catalogue: Catalogue, *made_of: str) -> Path:
    text = "\n".join([catalogue.fingerprint, *made_of])
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.npy"


def _open(path: Path, shape: tuple[int, int], write: Callable[[Columns], None]) -> Columns:
    """Map a file, writing it first where there is none that is whole."""
    found = _map(path, shape)
    if found is None:
        _make_room(path.parent)
        partial = path.with_suffix(f".{os.getpid()}.part")
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=shape)
        write(array)
        array.flush()
        del array  # what is mapped cannot be renamed everywhere
        os.replace(partial, path)
        found = _map(path, shape)
    assert found is not None, "a file that was just written can be read"
    os.utime(path)
    return found


def _make_room(folder: Path) -> None:
    """Remove what a killed process left, and what was used longest ago."""
    folder.mkdir(parents=True, exist_ok=True)
    # A project is open in one process at a time: what is half written here was left by a dead one.
    for left_behind in folder.glob("*.part"):
        left_behind.unlink()
    files = sorted(folder.glob("*.npy"), key=lambda file: file.stat().st_mtime)
    for file in files[:-FILES_KEPT]:
        # Where a file that is mapped cannot be removed, it goes another time.
        with contextlib.suppress(OSError):
            file.unlink()


def single(values: npt.NDArray[np.float64]) -> Columns:
    """Values in single precision, NaN where there is no finite one."""
    with np.errstate(over="ignore"):
        column = values.astype(np.float32)
    column[~np.isfinite(column)] = np.nan
    return column


def _map(path: Path, shape: tuple[int, int]) -> Columns | None:
    """Map a file, or None where it is absent, cut short or of another shape."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, tokenize.TokenError):
        # What NumPy makes of a torn header depends on where it is torn.
        return None
    return array if array.shape == shape and array.dtype == np.float32 else None
