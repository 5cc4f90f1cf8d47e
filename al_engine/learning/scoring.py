"""Scoring: what a learner thinks of every row, once a round, in chunks.

Owns the one array that queries, scores and plots are derived from.  Takes arrays, which may
be memory-mapped; knows no files and no catalogue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from modAL.models import ActiveLearner, Committee
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from al_engine.learning.compiled import Columns, FloatArray, Levels, Rows, compile_pipeline
from al_engine.learning.compiled_texts import compile_for_texts
from al_engine.learning.mixed import Mixed

__all__ = [
    "FloatArray",
    "Scored",
    "column_scorer",
    "consensus",
    "decision_margin",
    "estimator_scorer",
    "member_probabilities",
    "predict",
    "with_probabilities",
]

TEXTS_AT_ONCE = 8192  # of a model that has to see their words laid out


def member_probabilities(
    learner: ActiveLearner | Committee,
    X: Any,
    classes: NDArray[Any],
    chunk_rows: int = 65536,
) -> FloatArray:
    """Each member's probability of each class for each row.

    An estimator without ``predict_proba`` gives the logistic of its decision function
    (softmax above two classes): a stand-in that keeps the order, not a calibrated value.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features), may be memory-mapped
    classes : ndarray of shape (n_classes,); a class the learner has not met has probability 0

    Returns
    -------
    ndarray of float64, shape (n_members, n_rows, n_classes)
    """
    members = _estimators(learner)
    proba = np.zeros((len(members), X.shape[0], len(classes)))
    columns = [_columns(member, classes) for member in members]
    for start in range(0, X.shape[0], chunk_rows):
        chunk = _chunk(X, start, chunk_rows)
        for i, member in enumerate(members):
            proba[i, start : start + chunk.shape[0], columns[i]] = _probabilities(member, chunk).T
    return proba


def decision_margin(
    learner: ActiveLearner | Committee, X: Any, chunk_rows: int = 65536
) -> FloatArray | None:
    """How far each row lies from the boundary, where the decision function is all there is.

    Returns
    -------
    ndarray of shape (n_rows,): |decision| of two classes, else the gap between the two highest;
    None for a committee and for an estimator that has probabilities
    """
    estimator = None if isinstance(learner, Committee) else learner.estimator
    if estimator is None or hasattr(estimator, "predict_proba"):
        return None
    margin = np.empty(X.shape[0])
    for start in range(0, X.shape[0], chunk_rows):
        decision = estimator.decision_function(_chunk(X, start, chunk_rows))
        margin[start : start + chunk_rows] = _margin(decision)
    return margin


@dataclass(frozen=True)
class Scored:
    """What the members of a learner make of some rows.

    ``members`` has shape (n_members, n_rows, n_classes); ``margin`` is how far each row lies from
    the boundary, shape (n_rows,), where a single model has its decision function only.  Where
    many rows have the same probabilities ``members`` holds each different one once: what follows
    from it is worked out so often, and ``by_row`` gives every row its own.
    """

    members: FloatArray
    margin: FloatArray | None = None
    of: Levels | None = None

    def by_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values that follow from ``members``, (len of ``members``,), as (n_rows,)."""
        return values if self.of is None else values[self.of]


def column_scorer(
    learner: ActiveLearner | Committee, classes: NDArray[Any]
) -> Callable[[Columns | Mixed, Rows], Scored]:
    """A function that scores rows of feature columns, each once, compiled where a model can be.

    Its probabilities are those of ``member_probabilities`` on the same rows in double precision.
    It takes columns of shape (n_features, n_rows), or numbers with words beside them, which may be
    memory-mapped, and the rows wanted; threads may call it at once.
    """
    return estimator_scorer(_estimators(learner), classes)


def estimator_scorer(
    estimators: Sequence[Any], classes: NDArray[Any]
) -> Callable[[Columns | Mixed, Rows], Scored]:
    """``column_scorer`` for fitted estimators that no learner holds: one, or a committee's."""
    compiled = [compile_pipeline(estimator) for estimator in estimators]
    of_texts = [compile_for_texts(estimator) for estimator in estimators]
    places = [_columns(estimator, classes) for estimator in estimators]

    def score(X: Columns | Mixed, rows: Rows) -> Scored:
        if isinstance(X, Mixed):
            return score_texts(X, rows)
        if len(estimators) == 1 and compiled[0] is not None:
            proba = compiled[0](X, rows)
            members = np.zeros((1, len(proba.table), len(classes)))
            members[0, :, places[0]] = _or_unknown(proba.table).T
            return Scored(members, of=proba.of)
        members = np.zeros((len(estimators), len(rows), len(classes)))
        margin = seen = None
        for i, (estimator, twin) in enumerate(zip(estimators, compiled, strict=True)):
            if twin is not None:
                made = _or_unknown(twin(X, rows).by_row())
            else:
                seen = np.ascontiguousarray(X[:, rows].T, np.float64) if seen is None else seen
                made, distance = _by_itself(estimator, seen)
                margin = distance if len(estimators) == 1 else None
            members[i, :, places[i]] = made.T
        return Scored(members, margin)

    def score_texts(X: Mixed, rows: Rows) -> Scored:
        members = np.zeros((len(estimators), len(rows), len(classes)))
        margin = np.empty(len(rows))
        has_margin = False
        for start in range(0, len(rows), TEXTS_AT_ONCE):
            some, seen = rows[start : start + TEXTS_AT_ONCE], None
            to = slice(start, start + len(some))
            for i, (estimator, twin) in enumerate(zip(estimators, of_texts, strict=True)):
                if twin is not None:
                    made, distance = twin(X, some)
                else:
                    seen = X.take(some).astype(np.float64) if seen is None else seen
                    made, distance = _by_itself(estimator, seen)
                members[i, to, places[i]] = _or_unknown(made).T
                if len(estimators) == 1 and distance is not None:
                    margin[to], has_margin = distance, True
        return Scored(members, margin if has_margin else None)

    return score


def _chunk(X: Any, start: int, n: int) -> Any:
    """Some rows of a matrix; of a dense one in one piece."""
    chunk = X[start : start + n]
    return chunk if issparse(chunk) else np.ascontiguousarray(chunk)


def consensus(proba_members: FloatArray) -> FloatArray:
    """Mean over members: (n_members, n_rows, n_classes) to (n_rows, n_classes)."""
    if len(proba_members) == 1:
        return np.asarray(proba_members[0])
    return np.asarray(proba_members.mean(axis=0))


def predict(proba: FloatArray, classes: NDArray[Any]) -> NDArray[Any]:
    """The likeliest class of each row of (n_rows, n_classes); equals go to the first class."""
    return np.asarray(np.asarray(classes)[np.argmax(proba, axis=1)])


def with_probabilities(learner: ActiveLearner | Committee) -> ActiveLearner | Committee:
    """The same learner, in which every fitted member answers ``predict_proba``.

    modAL-style strategies ask for probabilities; members that have none get the stand-in of
    ``member_probabilities``.  The learner given is not changed.
    """
    if isinstance(learner, Committee):
        if all(hasattr(member.estimator, "predict_proba") for member in learner):
            return learner
        members = [with_probabilities(member) for member in learner]
        return Committee(members, learner.query_strategy, learner.on_transformed)
    if hasattr(learner.estimator, "predict_proba"):
        return learner
    *steps, (name, model) = learner.estimator.steps
    stand_in = Pipeline([*steps, (name, LogisticOfDecision(model))])
    twin = ActiveLearner(stand_in, learner.query_strategy, on_transformed=learner.on_transformed)
    twin.X_training, twin.y_training = learner.X_training, learner.y_training
    return twin


class LogisticOfDecision(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted estimator without probabilities, with a stand-in for them; never saved."""

    def __init__(self, fitted: Any) -> None:
        self.fitted = fitted

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes of the fitted estimator."""
        classes: NDArray[Any] = self.fitted.classes_
        return classes

    def fit(self, X: Any, y: Any) -> "LogisticOfDecision":
        """Refit the estimator inside."""
        self.fitted.fit(X, y)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """What the fitted estimator predicts."""
        labels: NDArray[Any] = self.fitted.predict(X)
        return labels

    def predict_proba(self, X: Any) -> FloatArray:
        """Logistic (two classes) or softmax (more) of the decision function."""
        return _logistic(self.fitted.decision_function(X))

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _estimators(learner: ActiveLearner | Committee) -> list[Any]:
    members = learner.learner_list if isinstance(learner, Committee) else [learner]
    return [member.estimator for member in members]


def _columns(estimator: Any, classes: NDArray[Any]) -> list[int]:
    order = list(np.asarray(classes).tolist())
    return [order.index(label) for label in np.asarray(estimator.classes_).tolist()]


def _probabilities(estimator: Any, X: Any) -> FloatArray:
    return _by_itself(estimator, X)[0]


def _by_itself(estimator: Any, X: Any) -> tuple[FloatArray, FloatArray | None]:
    """Probabilities and, where a decision function is all there is, the margin."""
    if hasattr(estimator, "predict_proba"):
        with np.errstate(all="ignore"):
            return _or_unknown(np.asarray(estimator.predict_proba(X), dtype=np.float64)), None
    decision = estimator.decision_function(X)
    return _or_unknown(_logistic(decision)), _margin(decision)


def _or_unknown(proba: FloatArray) -> FloatArray:
    """Equal shares where a model has no answer."""
    # Labelled rows that are all alike leave naive Bayes dividing by zero: it cannot tell.
    unknown = np.asarray(~np.isfinite(proba).all(axis=1))
    if unknown.any():
        proba = np.where(unknown[:, None], 1 / proba.shape[1], proba)
    return proba


def _logistic(decision: NDArray[np.floating[Any]]) -> FloatArray:
    decision = np.asarray(decision, dtype=np.float64)
    if decision.ndim == 1:
        return np.column_stack([expit(-decision), expit(decision)])
    proba: FloatArray = softmax(decision, axis=1)
    return proba


def _margin(decision: NDArray[np.floating[Any]]) -> FloatArray:
    return np.abs(decision) if decision.ndim == 1 else _gap(decision)


def _gap(values: NDArray[np.floating[Any]]) -> FloatArray:
    top = np.partition(values, -2, axis=1)
    return np.asarray(top[:, -1] - top[:, -2], dtype=np.float64)
