"""Linear models of texts, scored word by word: no row of terms is laid out, nor copied.

Owns which models are linear in what they see, and how their arrays are read.  A new one is one
function and one entry in ``_LINEAR``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from al_engine.learning.kernels import decide_linear, decide_words
from al_engine.learning.mixed import Mixed

FloatArray: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]
Score: TypeAlias = Callable[[Mixed, Rows], tuple[FloatArray, FloatArray | None]]


@dataclass(frozen=True)
class Linear:
    """A fitted model as weights of its features, (n_outputs, n_features), and intercepts.

    Of two classes there may be one output, for the second.  ``answer`` makes of decisions, shape
    (n_outputs, n), the probabilities, and the margin where there are no true ones.
    """

    weight: FloatArray
    intercept: FloatArray
    answer: Callable[[FloatArray], tuple[FloatArray, FloatArray | None]]


def as_linear(pipeline: Any) -> Linear | None:
    """A fitted pipeline of prepared features as a linear model, or None where it is none."""
    if not isinstance(pipeline, Pipeline) or len(pipeline.steps) != 1:
        return None
    model = pipeline.steps[0][1]
    read = _LINEAR.get(type(model))
    return None if read is None else read(model)


def logistic_shares(decision: FloatArray) -> FloatArray:
    """Probabilities of decisions of shape (n_outputs, n): one output, or one for each class."""
    positive = expit(decision)
    if len(positive) == 1:
        return np.column_stack([1 - positive[0], positive[0]])
    # Where every class is ruled out beyond what numbers can tell, none is likelier.
    total = positive.sum(axis=0)
    shares = np.full(positive.shape, 1 / len(positive))
    np.divide(positive, total, out=shares, where=total > 0)
    return np.asarray(shares.T)


def compile_for_texts(pipeline: Any) -> Score | None:
    """A quick twin of a fitted pipeline for numbers and words, or None where there is none.

    It gives probabilities, shape (n, n_classes), in the order of the model's own classes, and the
    margin of models that have none.
    """
    linear = as_linear(pipeline)
    if linear is None:
        return None

    def score(X: Mixed, rows: Rows) -> tuple[FloatArray, FloatArray | None]:
        n_numbers = len(X.numbers)
        decision = np.empty((len(linear.weight), len(rows)))
        fill, centre, scale = _steps(X, n_numbers)
        of_numbers = np.ascontiguousarray(linear.weight[:, :n_numbers])
        decide_linear(X.numbers, rows, fill, centre, scale, of_numbers, linear.intercept, decision)
        words = X.words
        of_words = np.ascontiguousarray(linear.weight[:, n_numbers:])
        at = X.row_at[rows].astype(np.intp)
        decide_words(words.indptr, words.indices, words.data, at, of_words, decision)
        return linear.answer(decision)

    return score


def _steps(X: Mixed, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What is done to numbers: what fills them, their centre and their scale."""
    imputer, scaler = X.preparation.imputer, X.preparation.scaler
    return (
        np.zeros(n) if imputer is None else np.asarray(imputer.statistics_, dtype=np.float64),
        np.zeros(n) if scaler is None else np.asarray(scaler.center_, dtype=np.float64),
        np.ones(n) if scaler is None else np.asarray(scaler.scale_, dtype=np.float64),
    )


def _logistic(model: OneVsRestClassifier) -> Linear | None:
    if not all(type(each) is LogisticRegression for each in model.estimators_):
        return None  # a class that all or none of the labelled rows have
    return Linear(
        np.concatenate([each.coef_ for each in model.estimators_]),
        np.concatenate([each.intercept_ for each in model.estimators_]),
        lambda decision: (logistic_shares(decision), None),
    )


def _svm(model: LinearSVC) -> Linear:
    def answer(decision: FloatArray) -> tuple[FloatArray, FloatArray]:
        if len(decision) == 1:
            return logistic_shares(decision), np.abs(decision[0])
        top = np.partition(decision, -2, axis=0)
        return softmax(decision.T, axis=1), top[-1] - top[-2]

    return Linear(model.coef_, model.intercept_, answer)


def _naive_bayes(model: ComplementNB) -> Linear:
    weight = model.feature_log_prob_
    if len(weight) == 2:
        # What tells the classes apart, as one output.
        return Linear(
            np.diff(weight, axis=0),
            np.zeros(1),
            lambda decision: (np.column_stack([expit(-decision[0]), expit(decision[0])]), None),
        )
    return Linear(weight, np.zeros(len(weight)), lambda d: (softmax(d.T, axis=1), None))


_LINEAR: dict[type, Callable[[Any], Linear | None]] = {
    OneVsRestClassifier: _logistic,
    LinearSVC: _svm,
    ComplementNB: _naive_bayes,
}
