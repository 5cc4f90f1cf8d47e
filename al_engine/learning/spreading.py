"""Label spreading and propagation: labels go over a graph of neighbours, unlabelled rows included.

Owns the spreading, what it makes of rows that were in the graph and of others, and both entries in
the registry.  Takes prepared arrays, dense or CSR; knows no files.
"""

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from al_engine.learning.model import Beside, Model, Pool
from al_engine.learning.params import Param, Params
from al_engine.mixing import Keys, mix64

FloatArray: TypeAlias = NDArray[np.float64]

# Rows of the graph, labelled and not.  Measured on one core, 10 to 64 features: 5,000 with all
# pairs take 2 s and 0.6 GB (8,000: 4 s and 1.5 GB); 20,000 with neighbours 2 s (50,000: 12 s).
MOST_PAIRED, MOST_NEIGHBOURS = 5_000, 20_000
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
