"""The labelling loop with known labels for answers: one curve, a finished round at a time.

Owns the order of things in a round: fit, score, choose, label.  Pure: the same task gives the same
rounds, and given the first of them it goes on with the rest.  Takes arrays or sparse rows; must
not know files, plans or processes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import SettingsError
from al_engine.learning.foreign import QueryFunction
from al_engine.learning.pools import Told
from al_engine.learning.scoring import FloatArray
from al_engine.learning.selection import IntArray, tie_keys
from al_engine.learning.strategies import run_strategy, strategy_in_force
from al_engine.mixing import Keys
from al_engine.simulating.tally import Tally, count, missed

Labels: TypeAlias = NDArray[Any]
RANDOM = "random"  # the strategy that every other is compared with
Predicted: TypeAlias = tuple[Labels, FloatArray | None]


@dataclass(frozen=True)
class Split:
    """Rows of each set, ascending.  Without a test set scores are over what is unlabelled yet."""

    train: IntArray
    validation: IntArray
    test: IntArray


@dataclass(frozen=True)
class Learning:
    """How a model is trained on some rows and what it makes of others.

    ``fit`` takes the labelled rows and those of the pool, both ascending, and the learner of the
    round before, None in the first; ``predict`` takes a learner and rows, and gives their predicted
    labels with, where they are at hand, the members' probabilities, shape (n_members, n_rows,
    n_classes); ``gives_probabilities`` says that they mostly are.  A model that ``carries_on`` goes
    on from the learner before: to go on from a round all fits before it are made again.
    """

    fit: Callable[[IntArray, IntArray, Any], Any]
    predict: Callable[[Any, IntArray], Predicted]
    gives_probabilities: bool = True
    carries_on: bool = False


@dataclass(frozen=True)
class Task:
    """All that one curve depends on.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,), values of ``classes``
    keys : ndarray of uint64, shape (n_rows,); with seed and round they order equals
    initial : rows of the training set that are labelled at the start, in any order
    budget : objects asked beyond the initial ones; None goes on until the pool is empty or,
        without a test set, until its last batch: there is always something to score over
    strategy_params : the strategy's own settings; what is left out has its default
    """

    X: Any
    y: Labels
    classes: Labels
    keys: Keys
    split: Split
    initial: IntArray
    learning: Learning
    strategy: str | QueryFunction
    seed: int
    batch_size: int
    budget: int | None
    tie_break: str = "hash"
    strategy_params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Round:
    """What was labelled since the round before, and how good the model is that was then trained.

    ``tested`` is over the test set or, where there is none, over what was not labelled yet.
    ``is_last`` says that the curve ends here.
    """

    number: int
    n_labelled: int
    queried: tuple[int, ...]
    tested: Tally
    validated: Tally | None = None
    is_last: bool = False


def run_curve(
    task: Task,
    done: Sequence[Round] = (),
    is_enough: Callable[[Sequence[Round]], bool] = lambda rounds: False,
) -> Iterator[Round]:
    """The rounds of one curve beyond those that are ``done``, each once it is finished.

    Parameters
    ----------
    is_enough : asked after each round whether to stop

    Raises
    ------
    SettingsError : the model or the strategy fails
    """
    rounds = list(done)
    if rounds and rounds[-1].is_last:
        return
    labelled = np.zeros(len(task.y), dtype=np.bool_)
    learner = None
    for past in rounds:
        if task.learning.carries_on and labelled.any():
            learner = _fitted(task, labelled, learner)
        labelled[list(past.queried)] = True
    queried = None if rounds else np.asarray(task.initial, dtype=np.int64)
    while True:
        if queried is not None:
            labelled[queried] = True
        pool = _pool(task, labelled)
        n_labelled = int(np.count_nonzero(labelled))
        n = _n_to_ask(task, len(pool), n_labelled)
        learner = _fitted(task, labelled, learner)
        tested, validated, of_pool = _look(task, learner, pool, n_labelled)
        if queried is not None:
            rows = tuple(int(row) for row in queried)
            rounds.append(Round(len(rounds), n_labelled, rows, tested, validated))
            rounds[-1] = replace(rounds[-1], is_last=n == 0 or is_enough(rounds))
            yield rounds[-1]
            if rounds[-1].is_last:
                return
        chosen, _ = run_strategy(
            task.strategy,
            learner,
            task.X[pool],
            task.classes,
            n,
            tie_keys(task.keys[pool], task.seed, len(rounds)),
            proba=of_pool,
            tie_break=task.tie_break,
            told=_told(task, pool, tested, validated),
        )
        queried = pool[chosen]


def full_supervision(task: Task) -> Tally:
    """The same model trained on every label of the training set, over the test set."""
    labelled = np.zeros(len(task.y), dtype=np.bool_)
    labelled[task.split.train] = True
    learner = _fitted(task, labelled, None)
    y_pred, _ = task.learning.predict(learner, task.split.test)
    return count(task.y[task.split.test], y_pred, task.classes)


def _told(task: Task, pool: IntArray, tested: Tally, validated: Tally | None) -> Told:
    """What a strategy is told beside pool and model; one that leaks sees what nobody could."""
    n_classes, params = len(task.classes), task.strategy_params
    if isinstance(task.strategy, str) and strategy_in_force(task.strategy).leaks:
        known = np.searchsorted(task.classes, task.y[pool])
        return Told(missed=missed(tested, n_classes), known=known, params=params)
    counts = None if validated is None else missed(validated, n_classes)
    return Told(missed=counts, params=params)


def _n_to_ask(task: Task, n_pool: int, n_labelled: int) -> int:
    n = min(task.batch_size, n_pool)
    if task.budget is not None:
        n = min(n, task.budget + len(task.initial) - n_labelled)
    # Without a test set the last of them are left: over what else would a model be scored?
    return 0 if n == n_pool and not len(task.split.test) else n


def _pool(task: Task, labelled: NDArray[np.bool_]) -> IntArray:
    return task.split.train[~labelled[task.split.train]]


def _fitted(task: Task, labelled: NDArray[np.bool_], before: Any) -> Any:
    rows = np.flatnonzero(labelled)
    try:
        carried = before if task.learning.carries_on else None
        return task.learning.fit(rows, _pool(task, labelled), carried)
    except ValueError as error:
        raise _failed(len(rows), error) from error


def _failed(n_labelled: int, error: ValueError) -> SettingsError:
    return SettingsError(
        f"The model failed with {n_labelled} labelled objects: {error}",
        "Give it more initial objects, or settings that so few can support.",
    )


def _look(
    task: Task, learner: Any, pool: IntArray, n_labelled: int
) -> tuple[Tally, Tally | None, Any]:
    """Counts over the test set and over validation, and the pool's probabilities."""
    split = task.split
    # Together, in one pass: of what is predicted at once the fixed costs come once.
    is_asked = task.learning.gives_probabilities and task.strategy != RANDOM
    wants_pool = is_asked or not len(split.test)
    parts = [split.test, split.validation, pool if wants_pool else pool[:0]]
    rows = np.concatenate(parts)
    if not len(rows):
        return Tally(()), None, None  # many models refuse to predict nothing
    try:
        y_pred, proba = task.learning.predict(learner, rows)
    except ValueError as error:
        raise _failed(n_labelled, error) from error
    ends = np.cumsum([len(part) for part in parts])
    test, validation, of_pool = np.split(y_pred, ends[:-1])
    over, said = (split.test, test) if len(split.test) else (pool, of_pool)
    tested = count(task.y[over], said, task.classes)
    validated = None
    if len(split.validation):
        validated = count(task.y[split.validation], validation, task.classes)
    if proba is None or not wants_pool:
        return tested, validated, None
    return tested, validated, proba[:, ends[1] :]
