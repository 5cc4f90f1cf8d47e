"""Semi-supervised models: the unlabelled pool takes part in the fit.

Owns spreading over a graph of neighbours, what it makes of rows that were in the graph and of
others, self-training around another model, and their entries in the registry.  Takes prepared
arrays, dense or CSR; knows no files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from al_engine.errors import SettingsError
from al_engine.learning.model import Beside, Model, Pool
from al_engine.learning.params import Param, Params, complete
from al_engine.mixing import Keys, mix64

FloatArray: TypeAlias = NDArray[np.float64]

# Rows of the graph, labelled and not.  Measured on one core, 10 to 64 features: 5,000 with all
# pairs take 2 s and 0.6 GB (8,000: 4 s and 1.5 GB); 20,000 with neighbours 2 s (50,000: 12 s).
MOST_PAIRED, MOST_NEIGHBOURS = 5_000, 20_000
# Of a larger pool so many are drawn.  Five iterations took under 1 s around logistic regression and
# 7 to 11 s around a forest of 100 trees.
MOST_SELF_TRAINED = 50_000
_PAIRS_AT_ONCE, _ROWS_AT_ONCE = 8_000_000, 65_536


# -- spreading over a graph --


class Transductive(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted graph model that remembers what the fit made of each row that took part.

    ``plain`` is scikit-learn's own, which says of every row what its neighbours in the graph come
    to; that is all that is saved.  Rows are known again by their values: where several are alike,
    each is given the mean of what the fit made of them.
    """

    def __init__(self, plain: Any) -> None:
        self.plain = plain
        self._remember()

    def _remember(self) -> None:
        self._keys, places = np.unique(row_keys(self.plain.X_), return_inverse=True)
        sums = np.zeros((len(self._keys), len(self.plain.classes_)))
        np.add.at(sums, places.ravel(), self.plain.label_distributions_)
        self._proba = shares(sums)

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes among the labels."""
        classes: NDArray[Any] = self.plain.classes_
        return classes

    @property
    def n_features_in_(self) -> int:
        return int(self.plain.n_features_in_)

    def fit(self, X: Any, y: Any) -> "Transductive":
        """Spread again, from other rows, without a pool."""
        self.plain.fit(X, y)
        self._remember()
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each row."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: Any) -> FloatArray:
        """Label distributions of the rows that took part, the inductive prediction of others."""
        keys = row_keys(X)
        at = np.searchsorted(self._keys, keys).clip(max=len(self._keys) - 1)
        took_part = self._keys[at] == keys
        proba: FloatArray = self._proba[at]
        if not took_part.all():
            proba[~took_part] = inductive(self.plain, X[~took_part])
        return proba

    def __sklearn_is_fitted__(self) -> bool:
        return True


def spread(estimator: Any, X: Any, y: NDArray[Any], X_pool: Any) -> Transductive:
    """Fit scikit-learn's label spreading or propagation on labelled rows and a pool.

    Parameters
    ----------
    estimator : unfitted LabelSpreading or LabelPropagation
    X : ndarray or CSR of shape (n_labelled, n_features)
    X_pool : the same of the pool, or None where it is empty
    """
    rows = together(X, X_pool)
    classes, codes = np.unique(y, return_inverse=True)
    labels = np.full(rows.shape[0], -1)
    labels[: len(codes)] = codes
    # Tied to all others alike, a few rows would all come to the same.
    most = max(1, rows.shape[0] // 2)
    estimator.set_params(n_neighbors=min(estimator.n_neighbors, most))
    estimator.fit(rows, labels)
    estimator.classes_ = classes
    estimator.transduction_ = classes[estimator.transduction_]
    return Transductive(estimator)


def inductive(model: Any, X: Any) -> FloatArray:
    """What a fitted graph model makes of rows that were not in its graph, (n, n_classes).

    As its own ``predict_proba``, some rows at a time; equal shares where nothing labelled is
    within reach.
    """
    n_fitted, n_classes = model.label_distributions_.shape
    proba = np.empty((X.shape[0], n_classes))
    step = max(1, min(_ROWS_AT_ONCE, _PAIRS_AT_ONCE // n_fitted))
    for start in range(0, X.shape[0], step):
        some = X[start : start + step]
        if model.kernel == "rbf":
            sums = rbf_kernel(some, model.X_, gamma=model.gamma) @ model.label_distributions_
        else:
            nearest = model.nn_fit.kneighbors(some, return_distance=False)
            sums = model.label_distributions_[nearest].sum(axis=1)
        proba[start : start + step] = shares(sums)
    return proba


def shares(sums: FloatArray) -> FloatArray:
    """Rows that add up to 1; equal shares where there is nothing to share.

    >>> shares(np.array([[1.0, 3.0], [0.0, 0.0]]))
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    total = sums.sum(axis=1, keepdims=True)
    nothing = np.full_like(sums, 1 / sums.shape[1])
    return np.asarray(np.divide(sums, total, out=nothing, where=total > 0))


def row_keys(X: Any) -> Keys:
    """A number for each row that stands for its values, the same for a dense row and a CSR one."""
    keys = np.zeros(X.shape[0], dtype=np.uint64)
    if sp.issparse(X):
        cells = X.tocoo()
        held = cells.data != 0
        marks = _marks(cells.col[held], cells.data[held])
        np.add.at(keys, cells.row[held], marks)
        return keys
    for column in range(X.shape[1]):
        values = np.asarray(X[:, column], dtype=np.float64)
        keys += np.where(values != 0, _marks(np.array([column]), values), np.uint64(0))
    return keys


def _marks(columns: NDArray[Any], values: NDArray[Any]) -> Keys:
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    return mix64(mix64(columns.astype(np.uint64)) ^ bits)


def together(X: Any, X_pool: Any) -> Any:
    """Labelled rows with those of the pool below them; CSR where either is."""
    if X_pool is None or not X_pool.shape[0]:
        return X
    if sp.issparse(X) or sp.issparse(X_pool):
        return sp.csr_matrix(sp.vstack([X, X_pool], format="csr"))
    return np.concatenate([X, X_pool])


# -- self-training --


def self_train(
    fit: Callable[[Any, NDArray[Any]], Any],
    X: Any,
    y: NDArray[Any],
    X_pool: Any,
    *,
    threshold: float,
    most: int,
    iterations: int,
) -> Any:
    """Train a model on the labels, then again and again with its own surest guesses among them.

    Parameters
    ----------
    fit : trains on rows and labels, and returns the fitted estimator
    X_pool : unlabelled rows, or None
    threshold : the least probability at which a guess counts as a label
    most : so many guesses are added at a time, of each class the surest, and as large a part as it
        is of all guesses
    iterations : how often guesses are added

    Returns
    -------
    the estimator of the last fit
    """
    model = fit(X, y)
    n_pool = 0 if X_pool is None else X_pool.shape[0]
    open_ = np.arange(n_pool)
    for _ in range(iterations):
        if not len(open_):
            break
        best, guess = _guesses(model, X_pool, open_)
        sure = _surest(best, guess, model.classes_, threshold, most)
        if not len(sure):
            break
        X = together(X, X_pool[open_[sure]])
        y = np.concatenate([y, guess[sure]])
        open_ = np.delete(open_, sure)
        model = fit(X, y)
    return model


def _surest(
    best: FloatArray, guess: NDArray[Any], classes: NDArray[Any], threshold: float, most: int
) -> NDArray[np.intp]:
    """The surest guesses, of each class as large a part as it is of all guesses.

    Taken by sureness alone they would soon be of the commonest class alone, and so would be what
    the model says.
    """
    of_class = [np.flatnonzero(guess == each) for each in classes]
    shares_of = [len(rows) / len(guess) for rows in of_class]
    sure = [rows[best[rows] >= threshold] for rows in of_class]
    n = min(
        [most, *(len(rows) / share for rows, share in zip(sure, shares_of, strict=True) if share)]
    )
    chosen = [
        rows[np.argsort(-best[rows], kind="stable")[: round(n * share)]]
        for rows, share in zip(sure, shares_of, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def _guesses(model: Any, X_pool: Any, rows: NDArray[np.intp]) -> tuple[FloatArray, NDArray[Any]]:
    """The likeliest class of some rows of the pool, and its probability or what stands in."""
    best, guess = np.empty(len(rows)), np.empty(len(rows), dtype=model.classes_.dtype)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        proba = _probabilities(model, X_pool[rows[some]])
        likeliest = proba.argmax(axis=1)
        best[some] = proba[np.arange(len(proba)), likeliest]
        guess[some] = model.classes_[likeliest]
    return best, guess


def _probabilities(model: Any, X: Any) -> FloatArray:
    if hasattr(model, "predict_proba"):
        with np.errstate(all="ignore"):  # a model of rows that are all alike divides by zero
            proba = np.asarray(model.predict_proba(X), dtype=np.float64)
        return np.nan_to_num(proba, nan=0.0)  # which is sure of nothing
    decision = np.asarray(model.decision_function(X), dtype=np.float64)
    if decision.ndim == 1:
        return np.column_stack([expit(-decision), expit(decision)])
    return np.asarray(softmax(decision, axis=1))


# -- entries of the registry --

_KERNEL = Param(
    "kernel",
    "Graph",
    "knn",
    choices=("knn", "rbf"),
    help=f"knn: each object is tied to its nearest neighbours (up to {MOST_NEIGHBOURS:,} objects). "
    f"rbf: to all, the nearer the more (up to {MOST_PAIRED:,}).",
)
_GAMMA = Param(
    "gamma",
    "Kernel width (gamma)",
    0.25,
    1e-9,
    1e9,
    help="For rbf: how fast a tie weakens with distance, exp(-gamma d²), in scaled features.",
)
_NEIGHBOURS = Param("n_neighbors", "Neighbours", 7, 1, 1000, help="For knn.")


def _rounds(default: int) -> Param:
    return Param("max_iter", "Iterations", default, 1, 10_000)


def _graph_settings(params: Params) -> dict[str, Any]:
    return {name: params[name] for name in ("kernel", "gamma", "n_neighbors", "max_iter")}


def _spreading(params: Params, seed: int) -> Any:
    return LabelSpreading(alpha=params["alpha"], **_graph_settings(params))


def _propagation(params: Params, seed: int) -> Any:
    return LabelPropagation(**_graph_settings(params))


def _train_spreading(
    params: Params, seed: int, X: Any, y: NDArray[Any], beside: Beside
) -> Transductive:
    return spread(_spreading(params, seed), X, y, beside.X_pool)


def _train_propagation(
    params: Params, seed: int, X: Any, y: NDArray[Any], beside: Beside
) -> Transductive:
    return spread(_propagation(params, seed), X, y, beside.X_pool)


_GRAPH_POOL = Pool(
    lambda params: MOST_PAIRED if params["kernel"] == "rbf" else MOST_NEIGHBOURS,
    beyond=f"Choose the graph knn (up to {MOST_NEIGHBOURS:,} objects), self-training (any number) "
    "or another model, or a smaller training set in Settings.",
)

GRAPH_MODELS = (
    Model(
        "label_spreading",
        "Label spreading",
        "LabelSpreading",
        _spreading,
        (
            _KERNEL,
            _GAMMA,
            _NEIGHBOURS,
            Param(
                "alpha",
                "Share from neighbours (alpha)",
                0.2,
                0.001,
                0.999,
                help="How much an object takes from its neighbours, given labels included.",
            ),
            _rounds(30),
        ),
        help="Semi-supervised: labels spread to all of the pool from neighbour to neighbour. For "
        "few labels and objects that lie in groups. Wants scaled features. Of an object of the "
        "pool it says what the spreading ended with.",
        train=_train_spreading,
        pool=_GRAPH_POOL,
    ),
    Model(
        "label_propagation",
        "Label propagation",
        "LabelPropagation",
        _propagation,
        (_KERNEL, _GAMMA, _NEIGHBOURS, _rounds(1000)),
        help="Semi-supervised: as label spreading, but labels that were given never yield. For "
        "labels without mistakes.",
        train=_train_propagation,
        pool=_GRAPH_POOL,
    ),
)


class BaseModels(Sequence[str]):
    """The names of the models that self-training can go around, as they are in the registry."""

    def __init__(self, registry: Mapping[str, Model]) -> None:
        self._registry = registry

    def _names(self) -> list[str]:
        return [name for name, model in self._registry.items() if not model.needs_pool]

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __getitem__(self, place: Any) -> Any:
        return self._names()[place]


def self_training(registry: Mapping[str, Model]) -> Model:
    """The entry of self-training around any model of a registry, which may grow."""

    def build(params: Params, seed: int) -> Any:
        base = registry[str(params["base"])]
        return base.build(complete(base.title, base.params, {}), seed)

    def build_for_texts(params: Params, seed: int) -> Any:
        base = registry[str(params["base"])]
        settings = complete(base.title, base.params, base.for_texts)
        return (base.build_for_texts or base.build)(settings, seed)

    def train(params: Params, seed: int, X: Any, y: NDArray[Any], beside: Beside) -> Any:
        base = registry[str(params["base"])]
        has_texts = sp.issparse(X)
        if has_texts and not base.takes_sparse:
            raise SettingsError(
                f"{base.title} cannot learn from texts.", "Choose another model to go around."
            )
        usual = complete(base.title, base.params, base.for_texts if has_texts else {})

        def fit(X: Any, y: NDArray[Any]) -> Any:
            settings = base.adapt(usual, len(y))
            if base.train is not None:
                return base.train(settings, seed, X, y, Beside())
            build = (base.build_for_texts if has_texts else None) or base.build
            return build(settings, seed).fit(X, y)

        return self_train(
            fit,
            X,
            y,
            beside.X_pool,
            threshold=float(params["threshold"]),
            most=int(params["most"]),
            iterations=int(params["iterations"]),
        )

    return Model(
        "self_training",
        "Self-training",
        "SelfTraining",
        build,
        (
            Param(
                "base",
                "Around",
                "logistic_regression",
                choices=BaseModels(registry),
                help="The model that learns from its own surest guesses, with its usual settings.",
                name_of=lambda name: registry[str(name)].title,
            ),
            Param(
                "threshold",
                "Least probability",
                0.9,
                0.5,
                1.0,
                help="A guess this sure counts as a label.",
            ),
            Param(
                "most",
                "Most at a time",
                500,
                1,
                MOST_SELF_TRAINED,
                help="So many guesses are added in each iteration: the surest of each class, and "
                "of each in proportion to how often it is predicted.",
            ),
            Param(
                "iterations",
                "Iterations",
                5,
                1,
                100,
                help="It is trained once more after each; it ends when no guess is sure enough.",
            ),
        ),
        help="Semi-supervised: a model is trained again with its own surest guesses about the "
        f"pool as labels. A pool of over {MOST_SELF_TRAINED:,} takes part by a draw of so many.",
        train=train,
        takes_sparse=True,
        build_for_texts=build_for_texts,
        pool=Pool(lambda params: MOST_SELF_TRAINED, is_drawn=True),
    )
