"""Choosing rows by utility: the most useful first, equals in an order that a seed decides.

Takes arrays; knows no learner.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import EmptyPoolError, SettingsError
from al_engine.mixing import Keys, mix64

IntArray: TypeAlias = NDArray[np.int64]


def tie_keys(object_keys: Keys, seed: int, round_number: int) -> Keys:
    """A pseudo-random order of objects for one round: distinct keys stay distinct.

    Depends on the object's own key and not on its row, so that chunks, partitions and
    platforms choose alike.  Lower comes first.
    """
    salt = mix64(np.array([seed % 2**64], dtype=np.uint64))
    salt = mix64(salt ^ np.array([round_number % 2**64], dtype=np.uint64))
    return mix64(np.asarray(object_keys).astype(np.uint64) ^ salt)


def row_keys(n: int) -> Keys:
    """Keys that put the first row first."""
    return np.arange(n, dtype=np.uint64)


def pick(
    utilities: NDArray[np.floating[Any]],
    n: int,
    keys: Keys,
    secondary: NDArray[np.floating[Any]] | None = None,
) -> IntArray:
    """The n most useful rows, most useful first.

    Parameters
    ----------
    utilities : ndarray of shape (n_pool,); NaN comes last
    keys : ndarray of uint64, shape (n_pool,); among equals the lower comes first
    secondary : ndarray of shape (n_pool,), orders equals before the keys do; higher first

    Raises
    ------
    EmptyPoolError : fewer rows than asked for
    """
    check_pool(len(utilities), n)
    levels = [_nan_last(utilities)] + ([] if secondary is None else [_nan_last(secondary)])
    sure: list[IntArray] = []
    tied, need = np.arange(len(utilities)), n
    for values in levels:
        here = values[tied]
        # One maximum, or one partition: a pool of millions is never sorted.
        limit = here.max() if need == 1 else np.partition(here, len(here) - need)[-need]
        above = tied[here > limit]
        sure.append(above)
        tied, need = tied[here == limit], need - len(above)
    if need < len(tied):
        tied = tied[np.argpartition(keys[tied], need - 1)[:need]]
    rows = np.concatenate([*sure, tied])
    order = np.lexsort((keys[rows], *(-values[rows] for values in reversed(levels))))
    return rows[order]


def pick_one(
    utilities: NDArray[np.floating[Any]],
    in_pool: NDArray[np.bool_],
    keys_of: Callable[[IntArray], Keys],
    secondary: NDArray[np.floating[Any]] | None = None,
) -> int:
    """The most useful row of a pool: what ``pick`` finds first, without a copy of the pool.

    Parameters
    ----------
    utilities, secondary : ndarrays of shape (n_rows,), as in ``pick``
    in_pool : ndarray of shape (n_rows,)
    keys_of : the keys of some rows: only equals are asked for theirs

    Raises
    ------
    EmptyPoolError : no row is in the pool
    """
    check_pool(int(np.count_nonzero(in_pool)), 1)
    best = np.fmax.reduce(utilities, where=in_pool, initial=-np.inf)
    if best == -np.inf:  # nothing has a utility: all are equal
        tied = np.flatnonzero(in_pool)
    else:
        tied = np.flatnonzero((utilities == best) & in_pool)
    if secondary is not None:
        second = _nan_last(secondary[tied])
        tied = tied[second == second.max()]
    return int(tied[keys_of(tied).argmin()])


def check_pool(n_pool: int, n: int) -> None:
    """Refuse to ask for more objects than the pool holds."""
    if n < 1:
        raise SettingsError(f"{n} objects were asked for.", "Ask for at least one.")
    if n_pool == 0:
        raise EmptyPoolError(f"The pool is empty: 0 objects left, {n} requested.")
    if n > n_pool:
        raise EmptyPoolError(f"Pool exhausted: {n_pool} objects left, {n} requested.")


def _nan_last(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.where(np.isnan(values), -np.inf, values)
