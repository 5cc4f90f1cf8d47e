"""What is known of a pool when a batch is chosen from it.

Owns what strategies that look at several objects together are handed.  Takes arrays and a fitted
learner; knows no catalogue and no strategy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from al_engine.learning.points import Features, Points, points, stacked
from al_engine.learning.scoring import FloatArray
from al_engine.learning.selection import IntArray, pick
from al_engine.mixing import Keys, mix64

LABELLED_LOOKED_AT = 2_000


@dataclass(frozen=True)
class Told:
    """What a strategy is told beside pool and model; all of it may be missing.

    ``X`` are the features of the labelled rows and ``y`` the places of their labels among the
    classes, shape (n_labelled,); None means what the learner was trained on.  ``missed`` counts
    for each class the objects of it that the model takes for another: with two classes the false
    positives and the false negatives.  ``known`` are the places of the pool's labels, shape
    (n_pool,), which only a simulation knows.  ``params`` are the strategy's own settings.
    """

    X: Features = None
    y: NDArray[np.integer[Any]] | None = None
    missed: Sequence[int] | None = None
    known: NDArray[np.integer[Any]] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pool:
    """What is known of the objects that may be asked about, all by their place in the pool.

    ``predicted`` are places among ``n_classes`` classes, ``certainty`` the probability of that
    class; ``features`` gives the features of some rows.
    """

    utilities: NDArray[np.floating[Any]]
    secondary: NDArray[np.floating[Any]] | None
    predicted: NDArray[np.integer[Any]]
    certainty: NDArray[np.floating[Any]]
    n_classes: int
    keys: Keys
    features: Callable[[IntArray], Features]
    told: Told

    def __len__(self) -> int:
        return len(self.utilities)

    @property
    def seed(self) -> int:
        """A number to draw by, the same wherever these objects are in these rows."""
        return int(mix64(self.keys.min(keepdims=True))[0] % np.uint64(2**31))

    @property
    def draw(self) -> float:
        """A number from 0 to 1, drawn once."""
        return float(evenly(mix64(self.keys.min(keepdims=True)))[0])

    @property
    def n_by_class(self) -> list[int]:
        """How many labels there are of each class."""
        y = np.empty(0, np.int64) if self.told.y is None else self.told.y
        return [int(n) for n in np.bincount(y, minlength=self.n_classes)]

    def most_useful(self, n: int) -> IntArray:
        """The n most useful rows, or all of them."""
        return pick(self.utilities, min(n, len(self)), self.keys, self.secondary)

    def drawn(self, n: int) -> IntArray:
        """Rows drawn at random, n or all of them, in the order of their keys."""
        n = min(n, len(self))
        rows = np.arange(len(self))
        if n < len(self):
            rows = np.argpartition(self.keys, n - 1)[:n]
        return rows[np.argsort(self.keys[rows])]

    def with_labelled(self, rows: IntArray) -> tuple[Points, Points]:
        """Some rows, and some of what is labelled, as points of one space."""
        X = self.features(rows)
        known = self.told.X
        if known is None or not known.shape[0]:
            at = points(X)
            return at, at[:0]
        step = -(-known.shape[0] // LABELLED_LOOKED_AT)
        at = points(stacked([X, known[::step]]))
        return at[: len(rows)], at[len(rows) :]


Choose: TypeAlias = Callable[[Pool, int], IntArray]


def pool_of(
    learner: Any,
    X: Features,
    classes: NDArray[Any],
    useful: tuple[FloatArray, FloatArray | None],
    proba: FloatArray,
    keys: Keys,
    told: Told,
) -> Pool:
    """A pool of rows with their utilities, what orders equal ones, and probabilities.

    Where the labelled rows are not told they are those that the learner was trained on.
    """
    if told.y is None:
        member = members_of(learner)[0]
        y = np.searchsorted(classes, np.asarray(member.y_training))
        told = replace(told, X=member.X_training if told.X is None else told.X, y=y)
    predicted, certainty = proba.argmax(axis=1), proba.max(axis=1)
    return Pool(*useful, predicted, certainty, len(classes), keys, lambda rows: X[rows], told)


def members_of(learner: Any) -> Sequence[Any]:
    """The learners of a committee, or the one there is."""
    return learner.learner_list if hasattr(learner, "learner_list") else [learner]


def evenly(keys: Keys) -> FloatArray:
    """Keys as numbers between 0 and 1, evenly spread; neither end is reached."""
    return np.asarray((keys >> np.uint64(11)) * 2.0**-53 + 2.0**-54)
