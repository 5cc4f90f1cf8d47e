"""The first objects to label: at random among known labels, or spread over the features.

Takes arrays; knows no catalogue.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import EmptyPoolError, NotEnoughLabelsError, SettingsError
from al_engine.learning.points import Features, groups_of, points
from al_engine.learning.selection import IntArray
from al_engine.mixing import Keys


def draw_initial(y_known: NDArray[np.integer[Any]], n: int, keys: Keys) -> IntArray:
    """Draw n rows in the order of their keys, at least one of each class.

    Parameters
    ----------
    y_known : ndarray of int, shape (n_rows,); -1 where unknown: never drawn
    keys : ndarray of uint64, shape (n_rows,), e.g. from ``tie_keys``

    Raises
    ------
    NotEnoughLabelsError : fewer known labels than n
    SettingsError : n is smaller than the number of classes
    """
    known = np.flatnonzero(y_known >= 0)
    if len(known) < n:
        raise NotEnoughLabelsError(
            f"{n} initial objects were asked for, but only {len(known)} have a known label.",
            "Ask for fewer, or label the first ones yourself.",
        )
    # Nobody else can be drawn than the first of each class and the first n of all.
    of_each = [np.flatnonzero(y_known == c) for c in range(int(y_known.max(initial=-1)) + 1)]
    firsts = [int(rows[keys[rows].argmin()]) for rows in of_each if len(rows)]
    if n < max(len(firsts), 1):
        raise SettingsError(
            f"{n} initial objects cannot hold one of each of {len(firsts)} classes.",
            f"Ask for at least {len(firsts)}.",
        )
    first_n = known[np.argpartition(keys[known], n - 1)[:n]]
    others = np.setdiff1d(first_n, firsts)
    others = others[np.argsort(keys[others])][: n - len(firsts)]
    drawn = np.concatenate([np.array(firsts, dtype=np.intp), others])
    ordered: IntArray = drawn[np.argsort(keys[drawn])]
    return ordered


def draw_balanced(y_known: NDArray[np.integer[Any]], n: int, keys: Keys) -> IntArray:
    """Draw n rows as ``draw_initial`` does, but as many of each class as there are.

    Classes take turns; one that has no row left is passed over.
    """
    draw_initial(y_known, n, keys)  # says what is wrong with the number
    known = np.flatnonzero(y_known >= 0)
    turn = np.empty(len(known), dtype=np.int64)
    for place in np.unique(y_known[known]):
        of_class = np.flatnonzero(y_known[known] == place)
        turn[of_class[np.argsort(keys[known[of_class]])]] = np.arange(len(of_class))
    drawn: IntArray = known[np.lexsort((keys[known], turn))[:n]]
    return drawn


def spread_initial(X: Features, n: int, seed: int, max_rows: int = 50_000) -> IntArray:
    """The rows nearest to n k-means centres, those of the largest groups first.

    Distances are taken between robustly scaled features, missing values at their median; of
    a larger catalogue a random sample of ``max_rows`` is looked at.

    Raises
    ------
    EmptyPoolError : fewer rows than n
    """
    n_rows = X.shape[0]
    if n < 1:
        raise SettingsError(f"{n} initial objects were asked for.", "Ask for at least one.")
    if n_rows < n:
        raise EmptyPoolError(f"The pool has {n_rows} objects, {n} requested.")
    rows = np.arange(n_rows)
    if n_rows > max_rows:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(n_rows, max(max_rows, n), replace=False))
    at = points(X[rows])
    group, centres = groups_of(at, n, seed, n_tries=3)
    sizes = np.bincount(group, minlength=n)
    chosen: list[int] = []
    for centre in np.argsort(-sizes, kind="stable"):
        distance = ((at - centres[centre]) ** 2).sum(axis=1)
        distance[chosen] = np.inf  # no row twice, not even among rows that are all alike
        chosen.append(int(distance.argmin()))
    return rows[chosen].astype(np.int64)
