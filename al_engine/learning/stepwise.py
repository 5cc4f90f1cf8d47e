"""Models that learn in steps: epoch by epoch, until validation is no longer better for a while.

Owns the epochs, when they end, the curves that are kept of them, and the models' entries in the
registry.  Takes prepared arrays, dense or CSR; knows no files.
"""

import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_class_weight

from al_engine.learning.model import Beside, Model
from al_engine.learning.params import Param, Params

FloatArray: TypeAlias = NDArray[np.float64]

HELD_BACK = 0.2  # of the labelled objects, where there is no validation set
ENOUGH_TO_HOLD_BACK = 50  # labelled objects, five of each class among them
MOST_JUDGING = 10_000  # validation objects: what an epoch is worth shows in fewer
_SMALLEST = 1e-15


@dataclass(frozen=True)
class Epochs:
    """Curves of one fit, an entry an epoch; loss is the mean negative log of a true class's share.

    ``best`` is the place of the epoch whose weights are kept; ``judged_on`` says over what
    ``n_judged`` objects that was decided, "" where there were none but those trained on.
    """

    training_loss: FloatArray
    training_accuracy: FloatArray
    validation_loss: FloatArray
    validation_accuracy: FloatArray
    best: int
    judged_on: str
    n_judged: int


def train_in_steps(
    estimator: Any,
    X: Any,
    y: NDArray[Any],
    validation: tuple[Any, NDArray[Any]] | None = None,
    *,
    epochs: int,
    patience: int,
    seed: int,
    before: Any = None,
    balanced: bool = False,
    batch_size: int | None = None,
) -> Any:
    """Fit by ``partial_fit``, an epoch at a time; what is returned has the best epoch's weights.

    The best is the one of least loss over ``validation``; where that is missing, over a stratified
    fifth of the labelled rows, which then do not train; with under 50 of those, over what it
    trains on.

    Parameters
    ----------
    estimator : unfitted, with ``partial_fit`` and ``predict_proba``
    X, y : the labelled rows, ndarray or CSR of shape (n, n_features), and (n,)
    epochs : so many at most
    patience : it ends after so many epochs without a better one
    before : a fitted estimator of the same kind whose weights to go on from; passed over where its
        classes or features are others
    balanced : whether classes count alike; only for estimators with ``class_weight``
    batch_size : rows before each step, for estimators that have one

    Returns
    -------
    the fitted estimator; its curves stand in plain arrays as its ``epochs_``
    """
    judged_on = "the validation set"
    if validation is None or not len(validation[1]):
        X, y, validation = _held_back(X, y, seed)
        judged_on = "a fifth of the labelled objects" if validation else ""
    classes = np.unique(y)
    goes_on = _goes_on(before, estimator, X, classes)
    model = copy.deepcopy(before) if goes_on else estimator
    weights = np.ones(len(classes))
    if balanced:
        weights = compute_class_weight("balanced", classes=classes, y=y)
        model.set_params(class_weight=dict(zip(classes.tolist(), weights.tolist(), strict=True)))
    if batch_size is not None:
        model.set_params(batch_size=min(batch_size, len(y)))  # too few rows make one batch
    rng = np.random.default_rng(seed)
    curves: list[tuple[float, float, float, float]] = []
    best, kept = 0, model
    for epoch in range(epochs):
        order = rng.permutation(len(y))
        model.partial_fit(X[order], y[order], classes=classes)
        training = _loss_and_accuracy(model, X, y, weights)
        judged = training
        if validation is not None:
            judged = _loss_and_accuracy(model, *validation, weights)
        curves.append((*training, *judged))
        if epoch == 0 or curves[epoch][2] < curves[best][2]:
            best, kept = epoch, copy.deepcopy(model)
        elif epoch - best >= patience:
            break
    columns = np.array(curves).T
    nothing = np.full(len(curves), np.nan)
    kept.epochs_ = {
        "training_loss": columns[0],
        "training_accuracy": columns[1],
        "validation_loss": nothing if validation is None else columns[2],
        "validation_accuracy": nothing if validation is None else columns[3],
        "best": best,
        "judged_on": judged_on,
        "n_judged": 0 if validation is None else len(validation[1]),
    }
    return kept


def epochs_of(estimator: Any) -> Epochs | None:
    """The curves of a fitted estimator, None of one that did not learn in steps."""
    kept = getattr(estimator, "epochs_", None)
    return None if kept is None else Epochs(**kept)


def _held_back(
    X: Any, y: NDArray[Any], seed: int
) -> tuple[Any, NDArray[Any], tuple[Any, NDArray[Any]] | None]:
    """Rows to train on and rows to judge by; all of them train where there are too few."""
    if len(y) < ENOUGH_TO_HOLD_BACK or np.unique(y, return_counts=True)[1].min() < 5:
        return X, y, None
    rows = np.arange(len(y))
    train, judge = train_test_split(rows, test_size=HELD_BACK, stratify=y, random_state=seed)
    train, judge = np.sort(train), np.sort(judge)
    return X[train], y[train], (X[judge], y[judge])


def _goes_on(before: Any, estimator: Any, X: Any, classes: NDArray[Any]) -> bool:
    return (
        type(before) is type(estimator)
        and np.array_equal(getattr(before, "classes_", ()), classes)
        and getattr(before, "n_features_in_", -1) == X.shape[1]
    )


def _loss_and_accuracy(
    model: Any, X: Any, y: NDArray[Any], weights: FloatArray
) -> tuple[float, float]:
    """Mean negative log of the true class's share, classes weighted, and the share of right ones.

    A class that nobody labelled yet is given nothing, and weighs 1.
    """
    proba = np.asarray(model.predict_proba(X), dtype=np.float64)
    at = np.searchsorted(model.classes_, y).clip(max=len(model.classes_) - 1)
    is_known = model.classes_[at] == y
    share = np.where(is_known, proba[np.arange(len(y)), at], 0.0)
    weight = np.where(is_known, weights[at], 1.0)
    right = model.classes_[proba.argmax(axis=1)] == y
    loss = np.average(-np.log(share.clip(min=_SMALLEST)), weights=weight)
    return float(loss), float(right.mean())


# -- entries of the registry --


def _linear(params: Params, seed: int) -> Any:
    # At a constant rate: scikit-learn's own schedule begins with steps so large that on scaled
    # features the probabilities of the best epoch are 0 and 1.
    return SGDClassifier(
        loss="log_loss",
        alpha=params["alpha"],
        learning_rate="constant",
        eta0=params["learning_rate"],
        random_state=seed,
    )


def _network(params: Params, seed: int) -> Any:
    return MLPClassifier(
        hidden_layer_sizes=(params["hidden_units"],),
        alpha=params["alpha"],
        learning_rate_init=params["learning_rate"],
        solver="adam",
        shuffle=False,  # each epoch has an order of its own, drawn by the seed
        random_state=seed,
    )


def _train_linear(params: Params, seed: int, X: Any, y: NDArray[Any], beside: Beside) -> Any:
    return train_in_steps(
        _linear(params, seed),
        X,
        y,
        beside.validation,
        epochs=int(params["epochs"]),
        patience=int(params["patience"]),
        seed=seed,
        before=beside.before,
        balanced=params["class_weight"] == "balanced",
    )


def _train_network(params: Params, seed: int, X: Any, y: NDArray[Any], beside: Beside) -> Any:
    return train_in_steps(
        _network(params, seed),
        X,
        y,
        beside.validation,
        epochs=int(params["epochs"]),
        patience=int(params["patience"]),
        seed=seed,
        before=beside.before,
        batch_size=int(params["batch_size"]),
    )


def _epochs(default: int) -> Param:
    return Param(
        "epochs", "Epochs at most", default, 1, 10_000, help="Once through all labels is an epoch."
    )


_PATIENCE = Param(
    "patience",
    "Patience (epochs)",
    10,
    1,
    10_000,
    help="It stops after so many epochs without a lower loss on validation; the weights of the "
    "best epoch are kept. Without 30 validation objects a fifth of the labelled ones is held back "
    f"for this; with fewer than {ENOUGH_TO_HOLD_BACK} labels the loss is of what it trains on.",
)
_JUDGED = (
    "Stops by the validation set, so that its validation scores flatter it a little. Each round "
    "starts from fresh weights; a simulation can carry them on."
)

STEP_MODELS = (
    Model(
        "sgd",
        "Linear model, in steps",
        "SGD",
        _linear,
        (
            Param("alpha", "Regularisation (alpha)", 1e-4, 1e-12, 1e3),
            Param("learning_rate", "Learning rate", 0.1, 1e-6, 100.0),
            _epochs(100),
            _PATIENCE,
            Param(
                "class_weight",
                "Class weights",
                "none",
                choices=("none", "balanced"),
                help="Balanced: each class counts alike, however few of its objects are labelled.",
            ),
        ),
        help="Logistic regression by stochastic gradient: for very many labels or features. "
        f"Wants scaled features. {_JUDGED}",
        train=_train_linear,
        takes_sparse=True,
        learns_in_steps=True,
    ),
    Model(
        "mlp_steps",
        "Multi-layer perceptron, in steps",
        "MLPSteps",
        _network,
        (
            Param("hidden_units", "Hidden units", 100, 1, 2000),
            Param("alpha", "Regularisation (alpha)", 1e-4, 0.0, 1e3),
            Param("learning_rate", "Learning rate", 0.005, 1e-6, 1.0),
            Param("batch_size", "Mini-batch", 64, 1, 100_000, help="Objects before each step."),
            _epochs(200),
            _PATIENCE,
        ),
        help=f"A small neural network by mini-batches (adam). Wants scaled features. {_JUDGED}",
        train=_train_network,
        takes_sparse=True,
        learns_in_steps=True,
    ),
)
