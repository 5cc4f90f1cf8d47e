"""Simulating on arrays, from Python: one curve, any scikit-learn model, any modAL-style strategy.

Owns the checks of its arguments and the table that comes out; the loop is ``running``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from al_engine.errors import SettingsError
from al_engine.learning.foreign import QueryFunction
from al_engine.learning.initial import draw_initial
from al_engine.learning.learners import (
    build_pipeline,
    check_params,
    fit_pipeline,
    fit_preparation,
    prepared_pipeline,
)
from al_engine.learning.models import seeded
from al_engine.learning.selection import IntArray, tie_keys
from al_engine.learning.strategies import find_strategy
from al_engine.settings.target import METRICS
from al_engine.simulating.running import Learning, Split, Task, run_curve
from al_engine.simulating.tally import score

_TIE_BREAKS = {"random": "hash", "first": "first"}


@dataclass(frozen=True)
class Simulation:
    """What was asked, and how good each learner on the way was.

    ``queried`` holds rows of X_train in the order asked, the initial ones left out;
    ``scores`` has a row after the initial fit and one after each query or batch, with
    ``n_labelled``, ``accuracy``, ``precision``, ``recall`` and ``f1`` on the test set or, without
    one, over the objects not labelled yet.
    """

    queried: NDArray[np.int64]
    scores: pd.DataFrame


def simulate(
    X_train: ArrayLike,
    y_train: ArrayLike,
    X_test: ArrayLike | None,
    y_test: ArrayLike | None,
    *,
    initial: int | Sequence[int],
    model: Any,
    strategy: str | QueryFunction,
    batch_size: int = 1,
    budget: int | None = None,
    seed: int = 0,
    positive: Any = None,
    scale: bool = False,
    tie_break: str = "random",
) -> Simulation:
    """Run the labelling loop with the labels of ``y_train`` for answers.

    Parameters
    ----------
    X_train, X_test : array-like of shape (n, n_features), NaN where missing
    y_train, y_test : array-like of shape (n,), labels of any one type.  Where both of the test set
        are None, each model is scored over the objects that are not labelled yet
    initial : rows of X_train labelled at the start, or how many to draw (each class once)
    model : registry name, or a scikit-learn estimator, whose ``random_state`` is set from
        ``seed`` where it is unset; one without ``predict_proba`` is ranked by its
        ``decision_function``
    strategy : registry name, or f(classifier, X, n_instances=1) -> indices, or with utilities
    batch_size : objects asked between two fits
    budget : objects asked beyond the initial ones; None goes on until the pool is empty or,
        without a test set, until its last batch: there is always something to score over
    positive : the class that precision, recall and F1 are of; None means the second of two
        classes, and averages over classes above two
    scale : whether a robust scaler, fitted on X_train, comes first
    tie_break : "random" (by seed, round and row) or "first" (the first row) among equals

    Raises
    ------
    SettingsError : an argument outside what is allowed, named with its value

    Notes
    -----
    Every fit gets the labelled rows in row order, so that a learner depends on which
    objects are labelled and not on the order of the answers.  Precision is NaN where the
    positive class is never predicted.
    """
    X, y = _table(X_train, y_train, "train")
    n_train = len(y)
    if (X_test is None) != (y_test is None):
        raise SettingsError(
            "Of X_test and y_test one is None.", "Give both, or None for both to have no test set."
        )
    if X_test is not None and y_test is not None:
        X, y = _with_test_set(X, y, *_table(X_test, y_test, "test"))
    classes = _classes(y[:n_train], y[n_train:], positive)
    _at_least("batch_size", batch_size, 1)
    if budget is not None:
        _at_least("budget", budget, 0)
    if tie_break not in _TIE_BREAKS:
        raise SettingsError(f"tie_break is {tie_break!r}, but must be 'random' or 'first'.")
    query = find_strategy(strategy).function if isinstance(strategy, str) else strategy
    if not callable(query):
        raise SettingsError(
            f"strategy is {strategy!r}, but must be a registry name or a function "
            "f(classifier, X, n_instances=1)."
        )
    build = _builder(model, X[:n_train], scale, seed)
    rows = np.arange(len(y))
    task = Task(
        X,
        y,
        classes,
        keys=rows.astype(np.uint64),
        split=Split(rows[:n_train], rows[:0], rows[n_train:]),
        initial=_initial_rows(initial, y[:n_train], classes, seed),
        learning=Learning(
            lambda rows, pool, before: fit_pipeline(build(len(rows)), X[rows], y[rows], query),
            lambda learner, some: (learner.predict(X[some]) if len(some) else y[some], None),
            gives_probabilities=False,
        ),
        strategy=strategy,
        seed=seed,
        batch_size=batch_size,
        budget=budget,
        tie_break=_TIE_BREAKS[tie_break],
    )
    rounds = list(run_curve(task))
    place = None
    if positive is not None or len(classes) == 2:
        place = 1 if positive is None else classes.tolist().index(positive)
    scores = [score(each.tested, len(classes), place) for each in rounds]
    table = pd.DataFrame(
        {"n_labelled": [each.n_labelled for each in rounds]}
        | {name: np.array([each[name] for each in scores], dtype=np.float64) for name in METRICS}
    )
    queried = [row for each in rounds[1:] for row in each.queried]
    return Simulation(np.array(queried, dtype=np.int64), table)


def _with_test_set(
    X: NDArray[np.floating[Any]],
    y: NDArray[Any],
    X_test: NDArray[np.floating[Any]],
    y_test: NDArray[Any],
) -> tuple[NDArray[np.floating[Any]], NDArray[Any]]:
    if X.shape[1] != X_test.shape[1]:
        raise SettingsError(
            f"X_train has {X.shape[1]} features, but X_test has {X_test.shape[1]}.",
            "Give both the same columns.",
        )
    # Put together, numpy would turn the numbers into text without a word.
    if (y.dtype.kind in "US") != (y_test.dtype.kind in "US"):
        raise SettingsError(
            f"y_train holds {y.tolist()[0]!r}, but y_test holds {y_test.tolist()[0]!r}.",
            "Give labels of one type.",
        )
    return np.concatenate([X, X_test]), np.concatenate([y, y_test])


def _table(X: ArrayLike, y: ArrayLike, name: str) -> tuple[NDArray[np.floating[Any]], NDArray[Any]]:
    """Features as a float matrix and labels as a vector of the same length."""
    try:
        features = np.asarray(X)
        if features.dtype != np.float32:
            features = features.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"X_{name} holds something that is not a number: {error}.",
            "Leave columns of text out, and write NaN where a value is missing.",
        ) from error
    labels = np.asarray(y)
    if features.ndim != 2 or 0 in features.shape:
        raise SettingsError(
            f"X_{name} has the shape {features.shape}, but must be (n_rows, n_features)."
        )
    if labels.ndim != 1 or len(labels) != len(features):
        raise SettingsError(
            f"X_{name} has {len(features)} rows, but y_{name} has the shape {labels.shape}.",
            "Give one label a row.",
        )
    if np.isinf(features).any():
        row, column = np.argwhere(np.isinf(features))[0]
        raise SettingsError(
            f"X_{name} is infinite in row {row}, column {column}.", "Write NaN for missing values."
        )
    missing = pd.isna(labels)
    if missing.any():
        raise SettingsError(
            f"y_{name} has no label in row {int(np.argmax(missing))}.",
            "A simulation needs every label: leave unknown ones out.",
        )
    if labels.dtype == object:
        plain = np.array(labels.tolist())
        if plain.dtype.kind in "US" and not all(isinstance(label, str) for label in labels):
            raise SettingsError(
                f"y_{name} mixes text with other values: {np.unique(plain).tolist()[:5]}.",
                "Give labels of one type.",
            )
        labels = plain
    return features, labels


def _classes(y_train: NDArray[Any], y_test: NDArray[Any], positive: Any) -> NDArray[Any]:
    known = np.unique(y_train)
    classes = np.unique(np.concatenate([known, np.unique(y_test)]))
    if len(known) < 2:
        raise SettingsError(
            f"y_train holds one class, {known.tolist()[0]!r}.", "A classifier needs at least two."
        )
    if positive is not None and positive not in classes.tolist():
        raise SettingsError(
            f"positive is {positive!r}, which is none of the classes {classes.tolist()}."
        )
    return classes


def _at_least(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SettingsError(f"{name} is {value!r}, but must be a whole number from {least}.")


def _initial_rows(
    initial: int | Sequence[int], y: NDArray[Any], classes: NDArray[Any], seed: int
) -> IntArray:
    if np.ndim(initial) == 0:
        _at_least("initial", initial, 1)
        keys = tie_keys(np.arange(len(y), dtype=np.uint64), seed, 0)
        return draw_initial(np.searchsorted(classes, y), int(initial), keys)  # type: ignore[arg-type]
    rows = np.asarray(initial)
    if rows.ndim != 1 or len(rows) == 0 or rows.dtype.kind not in "iu":
        raise SettingsError(
            f"initial is {initial!r}, but must be a number or a list of rows of X_train."
        )
    values, counts = np.unique(rows, return_counts=True)
    if counts.max() > 1:
        raise SettingsError(f"initial names row {values[counts.argmax()]} more than once.")
    if values[0] < 0 or values[-1] >= len(y):
        wrong = values[0] if values[0] < 0 else values[-1]
        raise SettingsError(f"initial names row {wrong}, but X_train has rows 0 to {len(y) - 1}.")
    return rows.astype(np.int64)


def _builder(model: Any, X: NDArray[np.floating[Any]], scale: bool, seed: int) -> Any:
    """A function of the number of labelled rows that makes the unfitted pipeline."""
    if isinstance(model, str):
        check_params(model, {})  # an unknown name is refused before anything is computed
    elif not (hasattr(model, "fit") and hasattr(model, "get_params")) or isinstance(model, type):
        raise SettingsError(
            f"model is {model!r}, but must be a registry name or a scikit-learn estimator."
        )
    elif not (hasattr(model, "predict_proba") or hasattr(model, "decision_function")):
        raise SettingsError(
            f"{type(model).__name__} has neither predict_proba nor decision_function.",
            "Use a classifier.",
        )
    preparation = fit_preparation(X, scale=scale)

    def build(n_labelled: int) -> Pipeline:
        if isinstance(model, str):
            return build_pipeline(model, {}, seed, preparation, n_labelled)
        estimator = seeded(model, seed)
        takes_missing = get_tags(estimator).input_tags.allow_nan
        return prepared_pipeline(estimator, preparation, impute=not takes_missing)

    return build
