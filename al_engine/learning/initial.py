"""The first objects to label: at random among known labels, or spread over the features.

Takes arrays; knows no catalogue.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from al_engine.errors import EmptyPoolError, NotEnoughLabelsError, SettingsError
from al_engine.learning.learners import fit_preparation
from al_engine.learning.selection import IntArray
from al_engine.mixing import Keys

# Beyond this many quartile ranges from the median an outlier draws a centre to itself alone.
_CLIP = 5.0


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


def spread_initial(
    X: NDArray[np.floating[Any]], n: int, seed: int, max_rows: int = 50_000
) -> IntArray:
    """The rows nearest to n k-means centres, those of the largest groups first.

    Distances are taken between robustly scaled features, missing values at their median; of
    a larger catalogue a random sample of ``max_rows`` is looked at.

    Raises
    ------
    EmptyPoolError : fewer rows than n
    """
    if n < 1:
        raise SettingsError(f"{n} initial objects were asked for.", "Ask for at least one.")
    if len(X) < n:
        raise EmptyPoolError(f"The pool has {len(X)} objects, {n} requested.")
    rows = np.arange(len(X))
    if len(X) > max_rows:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(len(X), max(max_rows, n), replace=False))
    sample = np.asarray(X[rows], dtype=np.float64)
    scaled = fit_preparation(sample, scale=True).transform(sample)
    scaled = np.clip(scaled, -_CLIP, _CLIP)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than centres
        groups = KMeans(n, n_init=3, random_state=seed).fit(scaled)
    sizes = np.bincount(groups.labels_, minlength=n)
    chosen: list[int] = []
    for centre in np.argsort(-sizes, kind="stable"):
        distance = ((scaled - groups.cluster_centers_[centre]) ** 2).sum(axis=1)
        distance[chosen] = np.inf  # no row twice, not even among rows that are all alike
        chosen.append(int(distance.argmin()))
    return rows[chosen].astype(np.int64)
