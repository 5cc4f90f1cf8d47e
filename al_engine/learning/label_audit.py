"""Which labels are most at odds with a model that did not learn from them.

Owns the order in which labels are worth a second look.  Takes arrays; knows no catalogue.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import NotEnoughLabelsError
from al_engine.learning.cross_validation import out_of_fold
from al_engine.learning.learners import LearnerSpec, Preparation
from al_engine.learning.scoring import FloatArray

FOLDS = 10  # of 5 the models learn from a tenth less, and find fewer


def n_fits(y: NDArray[Any]) -> int:
    """How many models it takes to judge every label by one that did not learn from it.

    Ten, or as many as the rarest class of more than one has objects.
    """
    _, counts = np.unique(y, return_counts=True)
    return min(FOLDS, int(counts[counts > 1].min(initial=FOLDS)))


def judged(
    spec: LearnerSpec,
    X: Any,
    y: NDArray[Any],
    preparation: Preparation,
    classes: NDArray[Any],
    is_wanted: Callable[[int], bool] = lambda n_done: True,
    X_pool: Any = None,
) -> FloatArray | None:
    """Each labelled object's probabilities by a learner that did not learn from it.

    Parameters and result are those of ``out_of_fold``.

    Raises
    ------
    NotEnoughLabelsError : fewer than two classes with two objects
    """
    if np.count_nonzero(np.unique(y, return_counts=True)[1] > 1) < 2:
        raise NotEnoughLabelsError(
            "Each label is judged by a model that learned from the others: that takes two objects "
            "of each side.",
            "Label more of them.",
        )
    return out_of_fold(
        spec, X, y, preparation, classes, n_fits(y), X_pool=X_pool, is_wanted=is_wanted
    )


def normalized_margin(proba: FloatArray, given: NDArray[np.integer[Any]]) -> FloatArray:
    """How far the given class is ahead of the likeliest other: under 0 the model says otherwise.

    The probability of the given class (its self-confidence) less the highest of the others; the
    lower, the more a label is at odds.  Of two classes it orders labels as self-confidence does.

    >>> normalized_margin(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0])).round(3).tolist()
    [0.8, -0.6]

    Parameters
    ----------
    proba : shape (n, n_classes), by models that did not learn from these labels
    given : shape (n,), positions of the given classes

    References
    ----------
    Northcutt, Jiang and Chuang 2021, J. Artif. Intell. Res. 70, 1373 (confident learning).
    """
    at = np.arange(len(given))
    others = proba.copy()
    others[at, given] = -np.inf
    return np.asarray(proba[at, given] - others.max(axis=1))
