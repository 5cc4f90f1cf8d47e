"""An order of objects in which those alike in their features follow each other.

Owns the sorting of one run of rows.  Models are scored a block of rows at a time: where the rows
of a block are alike, most tests of most trees come out the same for all of them, and most
labelled objects are too far from all of them to matter.  Knows arrays only.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

CELL = 256  # rows that are left in no order of their own
SEEN_A_CELL = 16  # rows that a cell's edges are found from
_DEEPEST = 16  # cells are numbered in 16 bits
_FURTHEST = 5.0  # interquartile ranges: what lies further out must not claim all the cuts


def order_by_nearness(columns: NDArray[np.float32]) -> NDArray[np.int32]:
    """Places of rows such that rows near each other in most features stand together.

    The space is halved at the median of its most spread feature, again and again, until a cell
    holds some 256 rows; a missing value lies beyond all others.

    Parameters
    ----------
    columns : shape (n_features, n_rows)

    Returns
    -------
    order : shape (n_rows,); a permutation, which depends on the values alone
    """
    n_rows = columns.shape[1]
    depth = min(_DEEPEST, max(0, int(np.ceil(np.log2(max(1, n_rows) / CELL)))))
    if not depth or not len(columns):
        return np.arange(n_rows, dtype=np.int32)
    sample = columns[:, :: max(1, n_rows // (SEEN_A_CELL << depth))]
    centre, scale = _centre_and_scale(sample)
    seen = np.clip((sample - centre[:, None]) / scale[:, None], -_FURTHEST, _FURTHEST)
    feature, cut = grow_cells(np.nan_to_num(seen.astype(np.float32), nan=_FURTHEST), depth)
    cell = np.empty(n_rows, dtype=np.uint16)
    assign_cells(columns, feature, cut * scale[feature] + centre[feature], depth, cell)
    # A stable sort of 16-bit numbers counts them; it does not compare.
    return np.argsort(cell, kind="stable").astype(np.int32)


def _centre_and_scale(
    sample: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    nowhere_known = np.asarray(np.isnan(sample).all(axis=1))
    filled = np.where(nowhere_known[:, None], np.float32(0), sample)
    low, centre, high = np.nanpercentile(filled, [25, 50, 75], axis=1).astype(np.float32)
    # Halved before they are subtracted: the largest values there are have a finite range then.
    scale = 2 * (high / 2 - low / 2)
    usable = np.isfinite(scale) & (scale > 0)
    return centre, np.where(usable, scale, np.float32(1))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def grow_cells(
    sample: NDArray[np.float32], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The cuts of a tree of cells, each at the median of the feature that varies most.

    Parameters
    ----------
    sample : shape (n_features, n); finite

    Returns
    -------
    feature, cut : shape (2**depth,), the children of cut i at 2i and 2i + 1, the first at 1
    """
    n_features, n = sample.shape
    feature = np.zeros(1 << depth, np.int64)
    cut = np.zeros(1 << depth, np.float32)
    rows, aside = np.arange(n), np.empty(n, np.int64)
    begin = np.zeros(2 << depth, np.int64)
    end = np.zeros(2 << depth, np.int64)
    end[1] = n
    for node in range(1, 1 << depth):
        first, last = begin[node], end[node]
        middle = first
        if last - first > 1:
            widest = -1.0
            for f in range(n_features):
                total = squares = 0.0
                for j in range(first, last):
                    value = sample[f, rows[j]]
                    total += value
                    squares += value * value
                mean = total / (last - first)
                variance = squares / (last - first) - mean * mean
                if variance > widest:
                    widest = variance
                    feature[node] = f
            values = sample[feature[node]][rows[first:last]]
            half = (last - first) // 2
            cut[node] = np.partition(values, half)[half]
            waiting = 0
            for j in range(first, last):
                row = rows[j]
                if sample[feature[node], row] < cut[node]:
                    rows[middle] = row
                    middle += 1
                else:
                    aside[waiting] = row
                    waiting += 1
            rows[middle:last] = aside[:waiting]
        begin[2 * node], end[2 * node] = first, middle
        begin[2 * node + 1], end[2 * node + 1] = middle, last
    return feature, cut


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def assign_cells(
    columns: NDArray[np.float32],
    feature: NDArray[np.int64],
    cut: NDArray[np.float32],
    depth: int,
    cell: NDArray[np.uint16],
) -> None:
    """The number of the cell that each row of ``columns`` lies in, into ``cell``."""
    for j in range(cell.size):
        node = 1
        for _ in range(depth):
            goes_left = columns[feature[node], j] < cut[node]
            node = 2 * node + (0 if goes_left else 1)
        cell[j] = node - (1 << depth)


def warm_up() -> None:
    """Compile everything here, or load it from the cache on disk."""
    columns: Any = np.zeros((1, 2 * CELL), np.float32)
    order_by_nearness(columns)
