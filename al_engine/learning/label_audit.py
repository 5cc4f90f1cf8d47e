"""Which labels are most at odds with a model that did not learn from them.

Owns the order in which labels are worth a second look.  Takes arrays; knows no catalogue.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from al_engine.errors import NotEnoughLabelsError
from al_engine.learning.learners import LearnerSpec, Preparation, fit_learner
from al_engine.learning.scoring import FloatArray, consensus, member_probabilities

FOLDS = 10  # of 5 the models learn from a tenth less, and find fewer


def n_fits(y: NDArray[Any]) -> int:
    """How many models it takes to judge every label by one that did not learn from it.

    Ten, or as many as the rarest class of more than one has objects.
    """
    _, counts = np.unique(y, return_counts=True)
    return min(FOLDS, int(counts[counts > 1].min(initial=FOLDS)))


def out_of_fold(
    spec: LearnerSpec,
    X: Any,
    y: NDArray[Any],
    preparation: Preparation,
    classes: NDArray[Any],
    is_wanted: Callable[[int], bool] = lambda n_done: True,
    X_pool: Any = None,
) -> FloatArray | None:
    """Each labelled object's probabilities by a learner that was trained on the other folds.

    Parameters
    ----------
    X, y : the labelled rows, dense or CSR (n_labelled, n_features), and (n_labelled,)
    classes : every class there is, in the order of the columns
    is_wanted : asked before each fit with how many are done
    X_pool : unlabelled rows that take part in each fit of a semi-supervised model

    Returns
    -------
    ndarray of shape (n_labelled, n_classes); None once it was no longer wanted

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
    proba = np.zeros((len(y), len(classes)))
    folds = StratifiedKFold(n_fits(y), shuffle=True, random_state=spec.seed)
    with warnings.catch_warnings():
        # The only object of a class is judged by a model that has never met the class.
        warnings.simplefilter("ignore", UserWarning)
        parts = list(folds.split(np.zeros(len(y)), y))
    for i, (train, held_out) in enumerate(parts):
        if not is_wanted(i):
            return None
        learner = fit_learner(spec, X[train], y[train], preparation, classes, X_pool=X_pool)
        proba[held_out] = consensus(member_probabilities(learner, X[held_out], classes))
    return proba


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
