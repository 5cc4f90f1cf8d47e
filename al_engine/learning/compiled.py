"""A fitted pipeline as a compiled function of feature columns, equal to its own ``predict_proba``.

Owns which models can be compiled, and how their arrays are read.  A new compiled model is one
function and one entry in ``_COMPILERS``; every other model is scored by itself, in chunks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.special import expit
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.extmath import softmax

from al_engine.learning.kernels import (
    LEAF,
    NOTHING,
    TEST,
    decide_linear,
    in_preorder,
    raw_thresholds,
    sum_leaves,
    sum_nearest,
)
from al_engine.learning.spreading import inductive

FloatArray: TypeAlias = NDArray[np.float64]
Columns: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.intp]
Levels: TypeAlias = NDArray[np.uint16]

MOST_NODES = 1000  # a tree on average: beyond, following each row alone is quicker
SEARCHED_AT_ONCE = 65_536
MOST_NEAREST = 30_000  # numbers in the labelled set: beyond, a search tree is quicker


@dataclass(frozen=True)
class Proba:
    """Probabilities of rows, in the order of the model's own classes.

    ``table`` has shape (n_rows, n_classes); where many rows have the same, each different one
    stands there once, and ``of``, shape (n_rows,), says which a row has.
    """

    table: FloatArray
    of: Levels | None = None

    def by_row(self) -> FloatArray:
        """Shape (n_rows, n_classes), however it is held."""
        return self.table if self.of is None else self.table[self.of]


Score: TypeAlias = Callable[[Columns, Rows], Proba]


@dataclass(frozen=True)
class Seen:
    """How the steps before a model change each feature: fill what is missing, centre, scale."""

    fill: FloatArray | None
    centre: FloatArray
    scale: FloatArray


def compile_pipeline(pipeline: Any) -> Score | None:
    """A compiled twin of a fitted pipeline, or None where there is none.

    The twin takes columns of shape (n_features, n_rows) and the rows wanted, and is quickest
    where near rows stand together.  Its probabilities are those of ``pipeline.predict_proba`` on
    the same rows in double precision: exactly where all leaves are pure, else to 1e-12; of
    neighbours that weigh by their distance less near to 0, where scikit-learn's own distances are
    rounded.
    """
    if not isinstance(pipeline, Pipeline):
        return None
    model = pipeline.steps[-1][1]
    seen = _seen(pipeline.steps[:-1], getattr(model, "n_features_in_", None))
    compiler = _COMPILERS.get(type(model))
    return None if seen is None or compiler is None else compiler(model, seen)


def _seen(steps: list[tuple[str, Any]], n_features: int | None) -> Seen | None:
    """What the steps do to features one by one, or None for steps of another kind."""
    if n_features is None:
        return Seen(None, np.zeros(0), np.ones(0))
    fill, centre, scale = None, np.zeros(n_features), np.ones(n_features)
    for _, step in steps:
        step = getattr(step, "estimator", step)
        if isinstance(step, SimpleImputer) and fill is None:
            fill = np.asarray(step.statistics_, dtype=np.float64)
        elif isinstance(step, RobustScaler):
            centre = np.asarray(step.center_, dtype=np.float64)
            scale = np.asarray(step.scale_, dtype=np.float64)
        else:
            return None
    whole = all(np.isfinite(part).all() for part in (centre, scale, () if fill is None else fill))
    return Seen(fill, centre, scale) if whole and (scale > 0).all() else None


# -- trees --


@dataclass(frozen=True)
class _Trees:
    """Trees in the form that the kernel takes; ``node`` is the place of each node before."""

    columns: NDArray[np.int64]
    first: NDArray[np.int64]
    feature: NDArray[np.int64]
    edge: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    right: NDArray[np.int64]
    deepest: int
    node: NDArray[np.int64]

    @property
    def leaf(self) -> NDArray[np.bool_]:
        return self.right < 0

    def sum(self, value: NDArray[Any]) -> Callable[[Columns, Rows, NDArray[Any]], None]:
        """A function that adds to sums what leaves hold: ``value``, (n_outputs, n_places)."""
        value = np.ascontiguousarray(value)
        holds = (value != 0).any(axis=0)
        kind = np.where(~self.leaf, TEST, np.where(holds, LEAF, NOTHING)).astype(np.int8)

        def add(X: Columns, rows: Rows, sums: NDArray[Any]) -> None:
            sum_leaves(
                X, rows, self.columns, self.first, self.feature, self.edge, self.missing_left,
                self.right, self.deepest, kind, value, sums,
            )  # fmt: skip

        return add


def _trees(estimators: list[Any], seen: Seen) -> _Trees | None:
    trees = [estimator.tree_ for estimator in estimators]
    counts = [tree.node_count for tree in trees]
    if not trees or np.mean(counts) > MOST_NODES:
        return None
    left, right, feature, threshold = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold")
    )
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    feature = feature.astype(np.int64)
    edges = raw_thresholds(feature, threshold, seen.centre, seen.scale)
    if seen.fill is None:
        missing_left = np.concatenate([tree.missing_go_to_left for tree in trees]) != 0
    else:
        missing_left = seen.fill[np.maximum(feature, 0)] <= edges  # a leaf has no feature
    node, to_right, deepest = in_preorder(first, left.astype(np.int64), right.astype(np.int64))
    columns, within = np.unique(feature[feature >= 0], return_inverse=True)
    place = np.zeros(len(feature), dtype=np.int64)
    place[feature >= 0] = within
    return _Trees(
        columns.astype(np.int64),
        first[:-1],
        place[node],
        edges[node],
        np.ascontiguousarray(missing_left[node]),
        to_right,
        int(deepest),
        node,
    )


def _forest(model: Any, seen: Seen) -> Score | None:
    estimators = list(getattr(model, "estimators_", [model]))
    trees = _trees(estimators, seen)
    if trees is None or model.n_outputs_ != 1:
        return None
    values = np.concatenate([tree.tree_.value[:, 0, :] for tree in estimators])[trees.node]
    n_trees = len(estimators)
    if values.shape[1] == 2 and np.isin(values[trees.leaf], (0.0, 1.0)).all() and n_trees < 2**16:
        count = trees.sum(np.where(trees.leaf, values[:, 1], 0).astype(np.uint16)[None])
        votes = np.arange(n_trees + 1)
        table = np.column_stack([(n_trees - votes) / n_trees, votes / n_trees])

        def by_votes(X: Columns, rows: Rows) -> Proba:
            counted = np.zeros((1, len(rows)), dtype=np.uint16)
            count(X, rows, counted)
            return Proba(table, counted[0])

        return by_votes
    add = trees.sum(values.T)

    def by_sums(X: Columns, rows: Rows) -> Proba:
        sums = np.zeros((values.shape[1], len(rows)))
        add(X, rows, sums)
        return Proba(np.asarray(sums.T / n_trees))

    return by_sums


def _adaboost(model: Any, seen: Seen) -> Score | None:
    n_classes = len(model.classes_)
    if not all(isinstance(tree, DecisionTreeClassifier) for tree in model.estimators_):
        return None
    trees = _trees(list(model.estimators_), seen)
    if trees is None or n_classes < 2:
        return None
    weights = np.asarray(model.estimator_weights_[: len(model.estimators_)], dtype=np.float64)
    counts = [tree.tree_.node_count for tree in model.estimators_]
    # A tree met the classes of its own rows: they need not be all of them.
    said = np.concatenate(
        [
            np.searchsorted(model.classes_, tree.classes_)[tree.tree_.value[:, 0, :].argmax(axis=1)]
            for tree in model.estimators_
        ]
    )[trees.node]
    weight = np.repeat(weights, counts)[trees.node]
    held = np.zeros((n_classes, len(said)))
    held[said, np.arange(len(said))] = weight
    total = weights.sum()
    if n_classes == 2:
        held = held[1:]
    add = trees.sum(held)

    def score(X: Columns, rows: Rows) -> Proba:
        sums = np.zeros((len(held), len(rows)))
        add(X, rows, sums)
        # A tree gives its class its weight, and takes as much from the others together.
        decision = (sums - (total - sums) / (n_classes - 1)) / total
        if n_classes == 2:
            half = decision[0]
            return Proba(softmax(np.column_stack([-half, half]), copy=False))
        return Proba(softmax(decision.T / (n_classes - 1), copy=False))

    return score


def _gradient_boosting(model: Any, seen: Seen) -> Score | None:
    n_outputs = model.estimators_.shape[1]
    estimators = list(model.estimators_.ravel())
    trees = _trees(estimators, seen)
    if trees is None or model.init_ == "zero" or not isinstance(model.init_, DummyClassifier):
        return None
    begin = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0]
    counts = [tree.tree_.node_count for tree in estimators]
    values = np.concatenate([tree.tree_.value[:, 0, 0] for tree in estimators])
    output = np.repeat(np.arange(len(estimators)) % n_outputs, counts)[trees.node]
    held = np.zeros((n_outputs, len(output)))
    held[output, np.arange(len(output))] = model.learning_rate * values[trees.node]
    add = trees.sum(held)

    def score(X: Columns, rows: Rows) -> Proba:
        sums = np.repeat(begin[:, None], len(rows), axis=1)
        add(X, rows, sums)
        if n_outputs > 1:
            return Proba(softmax(np.ascontiguousarray(sums.T), copy=False))
        positive = expit(sums[0])
        return Proba(np.column_stack([1 - positive, positive]))

    return score


# -- other models --


def _nearest(model: Any, seen: Seen) -> Score | None:
    if issparse(model._fit_X):
        return None
    is_euclidean = model.effective_metric_ == "euclidean"
    weighs = model.weights in ("uniform", "distance")
    trained = np.ascontiguousarray(model._fit_X, dtype=np.float64)
    if not (is_euclidean and weighs) or trained.size > MOST_NEAREST:
        return None
    label = np.asarray(model._y, dtype=np.int64)
    fill = _filled(seen)

    def score(X: Columns, rows: Rows) -> Proba:
        sums, tied = np.zeros((len(model.classes_), len(rows))), np.zeros(len(rows), np.bool_)
        sum_nearest(
            X, rows, fill, seen.centre, seen.scale, trained, label, model.n_neighbors,
            model.weights == "distance", sums, tied,
        )  # fmt: skip
        proba = np.asarray((sums / sums.sum(axis=0)).T)
        # Which of equals is near is the model's own choice: it depends on how it searches.
        again = np.flatnonzero(tied)
        for some in np.array_split(again, len(again) // SEARCHED_AT_ONCE + 1):
            if len(some):
                raw = X[:, rows[some]].T.astype(np.float64)
                raw = np.where(np.isnan(raw), fill, raw)
                proba[some] = model.predict_proba((raw - seen.centre) / seen.scale)
        return Proba(proba)

    return score


def _logistic(model: Any, seen: Seen) -> Score | None:
    weight = np.ascontiguousarray(model.coef_, dtype=np.float64)
    intercept = np.asarray(model.intercept_, dtype=np.float64)
    fill = _filled(seen)

    def score(X: Columns, rows: Rows) -> Proba:
        decision = np.empty((len(weight), len(rows)))
        decide_linear(X, rows, fill, seen.centre, seen.scale, weight, intercept, decision)
        if len(weight) > 1:
            return Proba(softmax(np.ascontiguousarray(decision.T), copy=False))
        positive = expit(decision[0])
        return Proba(np.column_stack([1 - positive, positive]))

    return score


def _stochastic(model: Any, seen: Seen) -> Score | None:
    # Above two classes its probabilities are no softmax.
    is_logistic = model.loss == "log_loss" and len(model.classes_) == 2
    return _logistic(model, seen) if is_logistic else None


def _constant(model: Any, seen: Seen) -> Score | None:
    if model.strategy != "most_frequent":
        return None
    shares = np.zeros(len(model.classes_))
    shares[np.argmax(model.class_prior_)] = 1.0

    def score(X: Columns, rows: Rows) -> Proba:
        return Proba(shares[None], np.zeros(len(rows), dtype=np.uint16))

    return score


def _graph(model: Any, seen: Seen) -> Score | None:
    """Not compiled, but some rows at a time: its own would hold a weight for each pair."""
    fill = _filled(seen)

    def score(X: Columns, rows: Rows) -> Proba:
        raw = X[:, rows].T.astype(np.float64)
        raw = np.where(np.isnan(raw), fill, raw)
        return Proba(inductive(model, (raw - seen.centre) / seen.scale))

    return score


def _filled(seen: Seen) -> FloatArray:
    return np.full(len(seen.centre), np.nan) if seen.fill is None else seen.fill


_COMPILERS: dict[type, Callable[[Any, Seen], Score | None]] = {
    RandomForestClassifier: _forest,
    ExtraTreesClassifier: _forest,
    DecisionTreeClassifier: _forest,
    AdaBoostClassifier: _adaboost,
    GradientBoostingClassifier: _gradient_boosting,
    KNeighborsClassifier: _nearest,
    LogisticRegression: _logistic,
    SGDClassifier: _stochastic,
    LabelSpreading: _graph,
    LabelPropagation: _graph,
    DummyClassifier: _constant,
}
