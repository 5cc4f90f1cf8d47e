"""What every model and query strategy must do, whoever brings it: tried out on a small sample.

Owns the tries and the sentence for each that fails; Sextant's own are held to them by their tests,
an extension's before it is registered.  Takes arrays; knows no registry and no files.
"""

import pickle
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from modAL.models import ActiveLearner, Committee
from modAL.uncertainty import uncertainty_sampling
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier

from al_engine.errors import AlEngineError, ContractError
from al_engine.learning.foreign import call_strategy, takes_n
from al_engine.learning.learners import (
    Preparation,
    fit_model,
    fit_pipeline,
    fit_preparation,
    prepared_pipeline,
)
from al_engine.learning.mixed import Mixed
from al_engine.learning.models import Beside, Model
from al_engine.learning.params import LARGEST, Param, complete
from al_engine.learning.preparation import NOTHING_TO_PREPARE
from al_engine.learning.scoring import FloatArray, column_scorer, member_probabilities
from al_engine.learning.strategies import CommitteeStrategy, Strategy
from al_engine.origin import in_words

TWO, THREE = np.array([0, 1]), np.array([0, 1, 2])
N_ROWS, N_FEATURES = 120, 4


def check_model(model: Model) -> None:
    """Train a model as a project would: on a handful of labels, on one class, twice over.

    Raises
    ------
    ContractError : what it does that a model must not
    """
    for param in model.params:
        _check_param(model, param)
    if len({param.name for param in model.params}) < len(model.params):
        raise ContractError(f"The model {model.title} has two settings of one name.")
    if model.takes_sparse:
        _check_texts(model)
    if model.takes_numbers:
        _check_numbers(model)


def _check_numbers(model: Model) -> None:
    X, y = _sample()
    sides = (y > 0).astype(np.int64)
    few = np.sort(np.concatenate([np.flatnonzero(sides == side)[:3] for side in (0, 1)]))
    _proba(model, X[few], sides[few], TWO, "6 labelled objects")
    _proba(model, X[:60], y[:60], THREE, "three classes")
    first, again = (_proba(model, X[:60], sides[:60], TWO, "60 labelled objects") for _ in range(2))
    if not np.array_equal(first, again):
        raise ContractError(
            f"The model {model.title} gives other probabilities for the same labels and seed.",
            "Pass the seed on to everything in it that draws at random.",
        )


def _check_param(model: Model, param: Param) -> None:
    limits = [limit for limit in (param.minimum, param.maximum) if limit is not None]
    if not param.name.isidentifier() or not all(abs(limit) <= LARGEST for limit in limits):
        raise ContractError(
            f"The model {model.title} has a setting '{param.name}' with the limits {limits}.",
            "Name it as an argument of Python, and give it limits that are numbers.",
        )
    try:
        complete(model.title, [param], {})
    except AlEngineError as error:
        raise ContractError(
            f"The model {model.title}: {error.message}", "Choose a default within the limits."
        ) from error


def _proba(
    model: Model, X: NDArray[Any], y: NDArray[Any], classes: NDArray[Any], of: str
) -> FloatArray:
    """Probabilities of a model that was trained, taken apart and put together again."""
    sample, _ = _sample()
    seen = sample.astype(np.float64)  # as rounds see it
    try:
        beside = Beside(sample[100:])
        learner = fit_model(model, {}, 3, _preparation(), X, y, uncertainty_sampling, beside)
        proba: FloatArray = member_probabilities(learner, seen, classes)[0]
    except Exception as error:
        raise ContractError(
            f"The model {model.title} failed with {of}: {in_words(error)}.",
            "It has to be a classifier of scikit-learn's kind that a handful of labels can train.",
        ) from error
    made = column_scorer(learner, classes)(np.ascontiguousarray(sample.T), np.arange(N_ROWS))
    if not np.allclose(made.by_row(made.members[0]), proba, atol=1e-6):
        raise ContractError(
            f"The model {model.title} is scored otherwise than by its predict_proba.",
            "Derive a class of your own from scikit-learn's, and use that.",
        )
    if not np.allclose(proba.sum(axis=1), 1) or proba.min() < 0:
        raise ContractError(
            f"The model {model.title} gives probabilities that do not add up to 1.",
            "predict_proba has to give one from 0 to 1 for each class.",
        )
    try:
        # Ours to write and read: nothing from elsewhere is ever opened so.
        copy = pickle.loads(pickle.dumps(learner.estimator))
        saved = member_probabilities(ActiveLearner(copy), seen, classes)[0]
    except Exception as error:
        raise ContractError(
            f"The model {model.title} cannot be saved: {in_words(error)}.",
            "Use classes and functions at the top of the file, no lambdas.",
        ) from error
    if not np.array_equal(proba, saved):
        raise ContractError(f"The model {model.title} gives other probabilities once saved.")
    return proba


def _check_texts(model: Model) -> None:
    """It learns from words as from numbers, and is scored by them."""
    rng = np.random.default_rng(8)
    there = rng.random((N_ROWS, 30)) < 0.2
    words = csr_matrix(there * rng.random((N_ROWS, 30)), dtype=np.float32)
    y = np.arange(N_ROWS) % 3
    numbers, preparation = np.empty((0, N_ROWS), np.float32), NOTHING_TO_PREPARE
    if model.takes_both:
        numbers = rng.normal(size=(1, N_ROWS)).astype(np.float32)
        preparation = fit_preparation(numbers.T, scale=True)
    mixed = Mixed(numbers, words, np.arange(N_ROWS), preparation)
    X = mixed.take(np.arange(N_ROWS))
    for n, classes in ((6, TWO), (60, THREE)):
        of = f"{n} labelled texts"
        try:
            labels = np.minimum(y[:n], len(classes) - 1)
            learner = fit_model(
                model, {}, 3, NOTHING_TO_PREPARE, X[:n], labels, uncertainty_sampling, Beside(X[n:])
            )
            proba = member_probabilities(learner, X.astype(np.float64), classes)[0]
        except Exception as error:
            raise ContractError(
                f"The model {model.title} failed with {of}: {in_words(error)}.",
                "It says that it takes sparse features: they come as a CSR matrix.",
            ) from error
        made = column_scorer(learner, classes)(mixed, np.arange(N_ROWS))
        if not np.allclose(made.by_row(made.members[0]), proba, atol=1e-6):
            raise ContractError(
                f"The model {model.title} is scored otherwise than by its predict_proba.",
                "Derive a class of your own from scikit-learn's, and use that.",
            )


def check_strategy(strategy: Strategy) -> None:
    """Have a strategy for one model ask about a pool, with and without probabilities at hand.

    Raises
    ------
    ContractError : what it does that a strategy must not
    """
    X, _ = _sample()
    proba = member_probabilities(_learner(), X, THREE)
    if strategy.from_proba is not None:
        _check_utilities(strategy, proba[0], 0)
        _check_utilities(strategy, proba[0][:, :2] / proba[0][:, :2].sum(axis=1)[:, None], 0)
    if strategy.choose is None:  # those are Sextant's own, and tried on more than this
        _check_choices(strategy, _learner())


def check_committee_strategy(strategy: CommitteeStrategy) -> None:
    """Have a committee's strategy ask about a pool; ContractError says what it must not do."""
    X, _ = _sample()
    if strategy.from_proba is not None:
        _check_utilities(strategy, member_probabilities(_committee(), X, THREE), 1)
    if strategy.choose is None:
        _check_choices(strategy, _committee())


def _check_utilities(strategy: Strategy | CommitteeStrategy, proba: FloatArray, axis: int) -> None:
    """Utilities are numbers, one for each row and of that row alone; rows lie along ``axis``."""
    assert strategy.from_proba is not None, "a strategy of probabilities"
    given = proba.copy()
    n = proba.shape[axis]

    def utilities(rows: slice) -> FloatArray:
        assert strategy.from_proba is not None, "a strategy of probabilities"
        some = proba[rows] if axis == 0 else proba[:, rows]
        try:
            made = np.asarray(strategy.from_proba(some))
        except AlEngineError:
            raise
        except Exception as error:
            raise ContractError(
                f"The query strategy {strategy.title} failed: {in_words(error)}.",
                "It is called with probabilities, classes along the last axis.",
            ) from error
        if made.shape != (some.shape[axis],) or made.dtype.kind not in "fiub":
            raise ContractError(
                f"The query strategy {strategy.title} returned {made.dtype} of the shape "
                f"{made.shape} for {some.shape[axis]} rows.",
                "It has to return one number for each row.",
            )
        if not np.isfinite(made).all():
            raise ContractError(
                f"The query strategy {strategy.title} gives a utility that is no finite number.",
                "Higher is asked sooner; give every row a number.",
            )
        return made

    whole = utilities(slice(None))
    if not np.array_equal(proba, given):
        raise ContractError(
            f"The query strategy {strategy.title} changes the probabilities it is given.",
            "Work on a copy.",
        )
    pieces = [utilities(rows) for rows in (slice(0, 7), slice(7, n))]
    if not np.allclose(whole, np.concatenate(pieces), rtol=1e-9, atol=1e-12):
        raise ContractError(
            f"The query strategy {strategy.title} gives other utilities to a row when it sees "
            "fewer rows with it, or sees them again.",
            "Rows come some at a time; a strategy that compares them takes the form "
            "f(classifier, X, n_instances=1).",
        )


def _check_choices(
    strategy: Strategy | CommitteeStrategy, learner: ActiveLearner | Committee
) -> None:
    """It chooses rows of the pool, the same ones when asked again."""
    X, _ = _sample()
    for n in (1, 5) if takes_n(strategy.function) else (1,):
        first, again = (_chosen(strategy, learner, X, n) for _ in range(2))
        if first != again:
            raise ContractError(
                f"The query strategy {strategy.title} asks about other objects when it is asked "
                "again.",
                "The same labels have to lead to the same question: leave nothing to chance.",
            )


def _chosen(
    strategy: Strategy | CommitteeStrategy,
    learner: ActiveLearner | Committee,
    X: NDArray[Any],
    n: int,
) -> Sequence[int]:
    try:
        rows, _ = call_strategy(strategy.function, learner, X.astype(np.float64), n)
    except AlEngineError as error:
        raise ContractError(error.message, error.hint) from (error.__cause__ or error)
    return [int(row) for row in rows]


# -- what they are tried on --


@cache
def _sample() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows of three classes that one feature tells apart; a tenth of the values are missing."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    X[rng.random(X.shape) < 0.1] = np.nan
    X.flags.writeable = False
    return X, y


@cache
def _preparation() -> Preparation:
    return fit_preparation(_sample()[0], scale=True)


def _forest(seed: int) -> ActiveLearner:
    X, y = _sample()
    forest = RandomForestClassifier(10, random_state=seed)
    return fit_pipeline(
        prepared_pipeline(forest, _preparation(), impute=True), X[:40], y[:40], uncertainty_sampling
    )


@cache
def _learner() -> ActiveLearner:
    return _forest(0)


@cache
def _committee() -> Committee:
    return Committee([_forest(1), _forest(2), _forest(3)])
