"""Scores: confusion matrices, and shares with their 95% intervals.

A share that is undefined is None, never 0.  Takes arrays of labels; knows no catalogue.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support
from sklearn.model_selection import StratifiedKFold

from al_engine.errors import SettingsError
from al_engine.learning.learners import LearnerSpec, Preparation, fit_learner
from al_engine.learning.scoring import consensus, member_probabilities, predict

Z_95 = 1.959963984540054  # half a 95% interval of a normal distribution, in deviations


@dataclass(frozen=True)
class Score:
    """A share, its 95% interval and the number of objects it is a share of."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Scores:
    """What one set of predictions is worth; ``confusion`` is ((tn, fp), (fn, tp))."""

    n: int
    confusion: tuple[tuple[int, int], tuple[int, int]]
    accuracy: Score
    precision: Score
    recall: Score
    f1: Score

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain JSON values."""
        return asdict(self) | {"confusion": [list(row) for row in self.confusion]}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Scores":
        """The scores that ``to_dict`` wrote."""
        (tn, fp), (fn, tp) = saved["confusion"]
        shares = (Score(**saved[name]) for name in ("accuracy", "precision", "recall", "f1"))
        return cls(saved["n"], ((tn, fp), (fn, tp)), *shares)


def share(part: float, n: int) -> Score:
    """A share with its Wilson interval; undefined over nothing.

    >>> wilson = share(8, 10)
    >>> wilson.value, round(wilson.low, 4), round(wilson.high, 4)
    (0.8, 0.4902, 0.9433)

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22, 209
    """
    if n == 0:
        return Score(None, None, None, 0)
    p, z2 = part / n, Z_95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # At the ends rounding must not leave the value outside its own interval.
    return Score(p, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)), n)


def scores_of_confusion(tn: int, fp: int, fn: int, tp: int) -> Scores:
    """All scores that follow from the four counts.

    F1 is 2J / (1 + J) of J = TP / (TP + FP + FN), which is a share and so has an interval;
    F1's is that one mapped, and its n is TP + FP + FN.
    """
    n = tn + fp + fn + tp
    jaccard = share(tp, tp + fp + fn)
    f1 = Score(_f1(jaccard.value), _f1(jaccard.low), _f1(jaccard.high), jaccard.n)
    return Scores(
        n, ((tn, fp), (fn, tp)), share(tp + tn, n), share(tp, tp + fp), share(tp, tp + fn), f1
    )


def _f1(jaccard: float | None) -> float | None:
    return None if jaccard is None else 2 * jaccard / (1 + jaccard)


def binary_scores(y_true: NDArray[Any], y_pred: NDArray[Any], positive: Any = 1) -> Scores:
    """Score predictions of one class against all others.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n,); whatever is not ``positive`` is negative
    """
    _same_length(y_true, y_pred)
    true, said = np.asarray(y_true) == positive, np.asarray(y_pred) == positive
    tp, fp = int(np.sum(true & said)), int(np.sum(~true & said))
    fn = int(np.sum(true)) - tp
    return scores_of_confusion(len(true) - tp - fp - fn, fp, fn, tp)


def macro_scores(
    y_true: NDArray[Any], y_pred: NDArray[Any], classes: NDArray[Any]
) -> dict[str, float]:
    """Accuracy, and the unweighted means over classes of precision, recall and F1.

    A class that is never predicted counts with precision 0, one that never occurs with
    recall 0, as in scikit-learn's averages; a class of neither kind is left out.
    """
    _same_length(y_true, y_pred)
    present = [c for c in classes if np.any(y_true == c) or np.any(y_pred == c)]
    precision, recall, f1, _ = precision_recall_fscore_support(
        y_true, y_pred, labels=present, average="macro", zero_division=0
    )
    return {
        "accuracy": float(np.mean(np.asarray(y_true) == np.asarray(y_pred))),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def cross_validated_scores(
    spec: LearnerSpec,
    X: NDArray[np.floating[Any]],
    y: NDArray[Any],
    preparation: Preparation,
    classes: NDArray[Any],
    seed: int,
    folds: int = 5,
    positive: Any = 1,
) -> tuple[Scores | None, str]:
    """Score every labelled object by a learner that was trained on the others.

    Folds are stratified; there are no more of them than the smaller class has objects.

    Parameters
    ----------
    X, y : the labelled rows, (n_labelled, n_features) and (n_labelled,)

    Returns
    -------
    scores : over all labelled objects, or None where that is not possible
    reason : why there are none; empty where there are
    """
    labels, counts = np.unique(y, return_counts=True)
    if len(labels) < 2:
        return None, "Cross-validation needs objects of both sides; so far there is one side."
    smallest = int(counts.min())
    if smallest < 2:
        # Labels are codes here: they mean nothing to a person.
        return None, "Cross-validation needs two objects of each side; one side has one."
    y_pred = np.empty_like(y)
    splitter = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=seed)
    for train, held_out in splitter.split(X, y):
        learner = fit_learner(spec, X[train], y[train], preparation, classes)
        proba = consensus(member_probabilities(learner, X[held_out], classes))
        y_pred[held_out] = predict(proba, classes)
    return binary_scores(y, y_pred, positive), ""


def _same_length(y_true: NDArray[Any], y_pred: NDArray[Any]) -> None:
    if len(y_true) != len(y_pred):
        raise SettingsError(f"{len(y_true)} true labels, but {len(y_pred)} predictions.")
