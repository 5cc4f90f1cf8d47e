"""Self-training: a model learns again with its own surest guesses about the pool among its labels.

Owns which guesses count, how much they count, and the entry in the registry.  Takes prepared
arrays, dense or CSR; knows no files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn import config_context
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils.validation import has_fit_parameter

from al_engine.errors import SettingsError
from al_engine.learning.model import Beside, Model, Pool
from al_engine.learning.params import Param, Params, complete
from al_engine.learning.spreading import together

FloatArray: TypeAlias = NDArray[np.float64]
Fit: TypeAlias = Callable[[Any, NDArray[Any], FloatArray], Any]

# Of a larger pool so many are drawn.  Five iterations took under 1 s around logistic regression and
# 7 to 11 s around a forest of 100 trees.
MOST_SELF_TRAINED = 50_000
_ROWS_AT_ONCE = 65_536


def self_train(
    fit: Fit,
    X: Any,
    y: NDArray[Any],
    X_pool: Any,
    *,
    threshold: float = 0.9,
    most: int = 500,
    iterations: int = 5,
    shares: str = "predicted",
    weight: float = 1.0,
) -> Any:
    """Train a model on the labels, then again and again with its own surest guesses among them.

    Parameters
    ----------
    fit : trains on rows, labels and what each row counts, and returns the fitted estimator
    X_pool : unlabelled rows, or None
    threshold : the least probability at which a guess counts as a label
    most : so many guesses are added at a time, of each class the surest
    iterations : how often guesses are added
    shares : how large a part of them each class is: as large as of all guesses ("predicted"), or
        as large as any other ("equal")
    weight : what a guess counts; a label counts 1

    Returns
    -------
    the estimator of the last fit

    References
    ----------
    Yarowsky 1995, "Unsupervised word sense disambiguation rivaling supervised methods", ACL, 189;
    Nigam et al. 2000, "Text classification from labeled and unlabeled documents using EM", Machine
    Learning 39, 103 (the weight)
    """
    weights = np.ones(len(y))
    model = fit(X, y, weights)
    n_pool = 0 if X_pool is None else X_pool.shape[0]
    open_ = np.arange(n_pool)
    for _ in range(iterations):
        if not len(open_):
            break
        proba = _probabilities(model, X_pool, open_)
        sure, guess = surest(proba, threshold, most, shares)
        if not len(sure):
            break
        X = together(X, X_pool[open_[sure]])
        y = np.concatenate([y, model.classes_[guess]])
        weights = np.concatenate([weights, np.full(len(sure), weight)])
        open_ = np.delete(open_, sure)
        model = fit(X, y, weights)
    return model


def surest(
    proba: FloatArray, threshold: float, most: int, shares: str
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows that are surest to be of each class, ascending, and which class each is of.

    Taken by sureness alone they would soon be of the commonest class alone, and so would be what
    the model says.  Each class therefore has a fixed part; one of which nothing is sure has none
    and holds up no other, but guesses of one class alone teach nothing of where it ends: then
    there are none.

    Parameters
    ----------
    proba : ndarray of shape (n_rows, n_classes)
    threshold, most, shares : as for ``self_train``

    >>> surest(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]), 0.6, 4, "predicted")
    (array([0, 1, 2, 3]), array([0, 0, 1, 0]))
    >>> surest(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]), 0.0, 2, "equal")
    (array([0, 2]), array([0, 1]))
    """
    n_rows, n_classes = proba.shape
    parts = np.ones(n_classes) / n_classes
    if shares == "predicted":
        parts = np.bincount(proba.argmax(axis=1), minlength=n_classes) / n_rows
    n_sure = np.count_nonzero(proba >= threshold, axis=0)
    takes_part = (n_sure > 0) & (parts > 0)
    nothing = np.empty(0, dtype=np.intp)
    if np.count_nonzero(takes_part) < 2:
        return nothing, nothing
    n = min(most, n_rows, float((n_sure[takes_part] / parts[takes_part]).min()))
    claims = [
        np.argsort(-proba[:, each], kind="stable")[: round(n * parts[each])]
        for each in np.flatnonzero(takes_part)
    ]
    rows = np.concatenate(claims)
    classes = np.repeat(np.flatnonzero(takes_part), [len(claim) for claim in claims])
    claimed_once = np.bincount(rows, minlength=n_rows)[rows] == 1  # by two: it is neither's surest
    rows, classes = rows[claimed_once], classes[claimed_once]
    order = np.argsort(rows)
    return rows[order], classes[order]


def _probabilities(model: Any, X_pool: Any, rows: NDArray[np.intp]) -> FloatArray:
    """The probabilities of some rows of the pool, or what stands in for them."""
    proba = np.empty((len(rows), len(model.classes_)))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        proba[some] = _probabilities_of(model, X_pool[rows[some]])
    return proba


def _probabilities_of(model: Any, X: Any) -> FloatArray:
    if hasattr(model, "predict_proba"):
        with np.errstate(all="ignore"):  # a model of rows that are all alike divides by zero
            proba = np.asarray(model.predict_proba(X), dtype=np.float64)
        return np.nan_to_num(proba, nan=0.0)  # which is sure of nothing
    decision = np.asarray(model.decision_function(X), dtype=np.float64)
    if decision.ndim == 1:
        return np.column_stack([expit(-decision), expit(decision)])
    return np.asarray(softmax(decision, axis=1))


def _fit_weighed(title: str, estimator: Any, X: Any, y: NDArray[Any], weights: FloatArray) -> Any:
    """Fit an estimator of scikit-learn in which some rows count less than others."""
    if np.all(weights == 1):
        return estimator.fit(X, y)
    of_classes = isinstance(estimator, OneVsRestClassifier)
    if not has_fit_parameter(estimator.estimator if of_classes else estimator, "sample_weight"):
        raise _has_no_weights(title)
    if not of_classes:
        return estimator.fit(X, y, sample_weight=weights)
    with config_context(enable_metadata_routing=True):  # else it hands on no weights
        estimator.estimator.set_fit_request(sample_weight=True)
        return estimator.fit(X, y, sample_weight=weights)


def _has_no_weights(title: str) -> SettingsError:
    return SettingsError(
        f"{title} cannot count a guess for less than a label.",
        "Set what a guess counts to 1, or choose another model to go around.",
    )


# -- the entry of the registry --


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

        def fit(X: Any, y: NDArray[Any], weights: FloatArray) -> Any:
            settings = base.adapt(usual, len(y))
            if base.train is not None:
                if np.any(weights != 1):
                    raise _has_no_weights(base.title)
                return base.train(settings, seed, X, y, Beside())
            build = (base.build_for_texts if has_texts else None) or base.build
            return _fit_weighed(base.title, build(settings, seed), X, y, weights)

        return self_train(
            fit,
            X,
            y,
            beside.X_pool,
            threshold=float(params["threshold"]),
            most=int(params["most"]),
            iterations=int(params["iterations"]),
            shares=str(params["shares"]),
            weight=float(params["weight"]),
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
                0.0,
                1.0,
                help="A guess this sure counts as a label. 0: the surest count, however sure.",
            ),
            Param(
                "most",
                "Most at a time",
                500,
                1,
                MOST_SELF_TRAINED,
                help="So many guesses are added in each iteration: the surest of each class.",
            ),
            Param(
                "shares",
                "Part of each class",
                "predicted",
                choices=("predicted", "equal"),
                help="predicted: as large a part of the guesses added as it is of all predictions. "
                "equal: as many of each class, for classes that are about as common; it also mends "
                "a model that at first sees one class everywhere.",
            ),
            Param(
                "weight",
                "A guess counts",
                1.0,
                0.001,
                1.0,
                help="Beside a label, which counts 1. Where many guesses are added, 0.1 keeps them "
                "from outvoting the labels. Some models, as nearest neighbours, know 1 alone.",
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
