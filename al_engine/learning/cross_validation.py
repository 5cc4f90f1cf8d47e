"""Labelled objects judged by learners that were trained on the others.

Owns the folds, for the scores while validation is small as for the audit of labels.  Takes arrays;
knows no catalogue.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from al_engine.learning.learners import LearnerSpec, Preparation, fit_learner
from al_engine.learning.metrics import (
    Scores,
    binary_scores,
    confusion_of,
    scores_of_matrix,
)
from al_engine.learning.scoring import FloatArray, consensus, member_probabilities, predict

SCORING_FOLDS = 5


def out_of_fold(
    spec: LearnerSpec,
    X: Any,
    y: NDArray[Any],
    preparation: Preparation,
    classes: NDArray[Any],
    n_folds: int,
    *,
    X_pool: Any = None,
    is_wanted: Callable[[int], bool] = lambda n_done: True,
) -> FloatArray | None:
    """Each labelled object's probabilities by a learner that was trained on the other folds.

    Folds are stratified, by the learners' seed.  The only object of a class is judged by a learner
    that has not met the class.

    Parameters
    ----------
    X, y : the labelled rows, dense or CSR (n_labelled, n_features), and (n_labelled,)
    classes : every class there is, in the order of the columns
    n_folds : no more than the most frequent class has objects
    X_pool : unlabelled rows that take part in each fit of a semi-supervised model
    is_wanted : asked before each fit with how many are done

    Returns
    -------
    ndarray of shape (n_labelled, n_classes); None once it was no longer wanted
    """
    proba = np.zeros((len(y), len(classes)))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=spec.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class of fewer objects than folds
        parts = list(folds.split(np.zeros(len(y)), y))
    for i, (train, held_out) in enumerate(parts):
        if not is_wanted(i):
            return None
        learner = fit_learner(spec, X[train], y[train], preparation, classes, X_pool=X_pool)
        proba[held_out] = consensus(member_probabilities(learner, X[held_out], classes))
    return proba


def cross_validated_scores(
    spec: LearnerSpec,
    X: Any,
    y: NDArray[Any],
    preparation: Preparation,
    classes: NDArray[Any],
    *,
    positive: Any = 1,
    names: Sequence[str] = (),
    X_pool: Any = None,
) -> tuple[Scores | None, str]:
    """Score every labelled object by a learner that was trained on the others.

    Of one class against the others there are no more folds than the smaller side has objects.

    Parameters
    ----------
    X, y : the labelled rows, (n_labelled, n_features) and (n_labelled,)
    names : of many classes, whose codes from 0 are ``classes``
    X_pool : unlabelled rows that take part in each fit

    Returns
    -------
    scores : over all labelled objects, or None where that is not possible
    reason : why there are none; empty where there are
    """
    labels, counts = np.unique(y, return_counts=True)
    # Labels are codes here: they mean nothing to a person.
    if len(labels) < 2:
        said = (
            "two labels; so far there is one" if names else "both sides; so far there is one side"
        )
        return None, f"Cross-validation needs objects of {said}."
    smallest = int(counts.max() if names else counts.min())
    if smallest < 2:
        said = "some label; each has one" if names else "each side; one side has one"
        return None, f"Cross-validation needs two objects of {said}."
    n_folds = min(SCORING_FOLDS, smallest)
    proba = out_of_fold(spec, X, y, preparation, classes, n_folds, X_pool=X_pool)
    assert proba is not None, "nobody ended it"
    y_pred = predict(proba, classes)
    if names:
        return scores_of_matrix(confusion_of(y, y_pred, len(names)), names), ""
    return binary_scores(y, y_pred, positive), ""
