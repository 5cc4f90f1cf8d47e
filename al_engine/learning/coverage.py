"""Where there is no training data: how far objects lie from everything labelled.

Owns the distance and what it is measured against.  Takes arrays of prepared features, dense or
sparse; knows no catalogue and no labels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize

X: TypeAlias = Any  # ndarray of shape (n, n_features), or a CSR matrix of it
Floats = NDArray[np.float32]

NEIGHBOURS = 3  # labelled objects: one alone may be an odd one out
ENOUGH = 20  # labelled objects: with fewer nothing can lie among the furthest 5%
FAR = 0.05
MOST_COMPARED = 1000  # labelled objects whose own distances are the measure, evenly through all
AT_ONCE = 65_536
DISTANCES_HELD = 1_000_000


@dataclass(frozen=True)
class Reach:
    """How far labelled objects lie from each other, and so what is far.

    ``usual`` are the distances of labelled objects from their nearest labelled neighbours, in
    order, shape (at most ``MOST_COMPARED``,).
    """

    labelled: X
    usual: Floats

    @property
    def n(self) -> int:
        """How many objects are labelled."""
        return int(self.labelled.shape[0])

    def share_as_far(self, distances: Floats) -> Floats:
        """The share of labelled objects that lie as far or further from their neighbours.

        It counts each object as one of them, as a conformal p-value does: it is never 0.  Where the
        labelled are a fair sample of the pool it is under 0.05 for 5% of objects like them.

        Parameters
        ----------
        distances : shape (n,), as ``distances`` gives them

        References
        ----------
        Laxhammar and Falkman 2010, SIGKDD MDM, 8 (conformal anomaly detection by distances).
        """
        n_nearer = np.searchsorted(self.usual, distances, side="left")
        n_as_far = len(self.usual) - n_nearer + 1
        return np.asarray(n_as_far / (len(self.usual) + 1), dtype=np.float32)


def reach_of(labelled: X) -> Reach | None:
    """What is far from some labelled objects; None where they are too few to tell.

    Parameters
    ----------
    labelled : their prepared features, shape (n_labelled, n_features)
    """
    n = labelled.shape[0]
    if n < ENOUGH:
        return None
    step = -(-n // MOST_COMPARED)
    usual = distances(labelled[::step], labelled, without_itself=True)
    return Reach(labelled, np.sort(usual))


def distances(rows: X, labelled: X, *, without_itself: bool = False) -> Floats:
    """The mean distance of each row to its three nearest labelled objects.

    Straight-line distance of dense features, one minus the cosine of sparse ones, whose length is
    that of a text.

    Parameters
    ----------
    rows, labelled : prepared features, (n_rows, n_features) and (n_labelled, n_features)
    without_itself : each row is one of the labelled, and no neighbour of itself

    Returns
    -------
    ndarray of float32, shape (n_rows,)
    """
    found = nearest(rows, labelled, without_itself=without_itself)
    return np.asarray(found.mean(axis=1), dtype=np.float32)


def nearest(rows: X, labelled: X, *, without_itself: bool = False) -> Floats:
    """The distances to the nearest labelled objects, in order, shape (n_rows, 3) or fewer."""
    n = min(NEIGHBOURS + without_itself, labelled.shape[0])
    found = np.empty((rows.shape[0], n), dtype=np.float32)
    far_apart = _by_words(labelled) if sparse.issparse(labelled) else partial(cdist, XB=labelled)
    step = max(1, DISTANCES_HELD // labelled.shape[0])
    for start in range(0, rows.shape[0], step):
        each = far_apart(rows[start : start + step])
        each.partition(n - 1, axis=1)
        found[start : start + step] = np.sort(each[:, :n], axis=1)
    # What lies in one place with another is no further from it than that: the first is one of them.
    return found[:, 1:] if without_itself else found


def _by_words(labelled: X) -> Callable[[X], NDArray[np.floating[Any]]]:
    """A function that gives one minus the cosine of every row with every labelled one."""
    against = normalize(labelled).T.tocsc()

    def far_apart(rows: X) -> NDArray[np.floating[Any]]:
        alike = (normalize(rows) @ against).toarray()
        return np.asarray(np.maximum(1 - alike, 0))

    return far_apart


def in_chunks(
    take: Callable[[NDArray[np.intp]], X],
    n_rows: int,
    labelled: X,
    is_wanted: Callable[[int], bool] = lambda n_done: True,
) -> Floats | None:
    """``nearest`` of many rows, some at a time.

    Parameters
    ----------
    take : gives the prepared features of some rows
    is_wanted : asked before each chunk with how many are done

    Returns
    -------
    ndarray of float32, shape (n_rows, 3) or fewer columns; None once it was no longer wanted
    """
    found = np.empty((n_rows, min(NEIGHBOURS, labelled.shape[0])), dtype=np.float32)
    for start in range(0, n_rows, AT_ONCE):
        if not is_wanted(start):
            return None
        rows = np.arange(start, min(start + AT_ONCE, n_rows))
        found[rows] = nearest(take(rows), labelled)
    return found


def with_more(found: Floats, further: Floats) -> Floats:
    """The nearest among two sets of labelled objects, from the nearest of each.

    Parameters
    ----------
    found, further : as ``nearest`` gives them, for the same rows
    """
    both = np.concatenate([found, further], axis=1)
    both.sort(axis=1)
    return both[:, :NEIGHBOURS]
