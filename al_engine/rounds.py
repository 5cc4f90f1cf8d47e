"""One round: what a history leads to, and what is asked next.

Owns the choice of the next question, as pure functions: the same answers give the same round,
whoever asks.  Must not know files, DuckDB or pages.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.config import ClassifierSetup
from al_engine.data.history import History
from al_engine.data.splits import OUT, TRAIN
from al_engine.dataset import Dataset
from al_engine.fitting import (
    ENOUGH_TO_VALIDATE,
    Fit,
    RoundScores,
    Rows,
    fit_round,
    labelled_set,
    parts_in_force,
    score_round,
    truth_in_force,
)
from al_engine.learning.initial import draw_initial, spread_initial
from al_engine.learning.learners import LearnerSpec
from al_engine.learning.selection import pick_one, tie_keys
from al_engine.mixing import Keys

SPREAD_OVER = 50_000

# Draws of different purposes must not be the same draw.
_RANDOM_QUESTION, _START = 0x52, 0x53


@dataclass(frozen=True)
class Question:
    """The object to ask about: its row, how it came up, and why in one line."""

    row: int
    how: str
    why: str


@dataclass(frozen=True)
class Round:
    """Where a history leaves a classifier: its model, scores, and the next question.

    ``n_pool`` counts the objects that may be asked about; ``chosen_share`` is the part of the
    training set's known labels that were chosen by asking.
    """

    fit: Fit | None
    scores: RoundScores | None
    question: Question | None
    n_pool: int
    chosen_share: float


@dataclass(frozen=True)
class Plan:
    """All that the rounds of a classifier depend on beside its answers."""

    dataset: Dataset
    classifier: str
    spec: LearnerSpec
    name: str
    initial: Rows
    n_initial: int
    every: int


def make_round(
    plan: Plan,
    history: History,
    *,
    fit: Fit | None = None,
    scores: RoundScores | None = None,
    n_threads: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Round:
    """Make a round: a pure function of plan and history.

    Parameters
    ----------
    fit, scores : those of this very history, if at hand
    n_threads : to score on; as many as there are processors by default
    is_wanted : asked now and then; Overtaken is raised once it says no
    """
    dataset, classifier, spec = plan.dataset, plan.classifier, plan.spec
    if fit is None and len(labelled_set(dataset, history, classifier)[0]):
        fit = fit_round(dataset, history, classifier, spec, n_threads, is_wanted)
    if fit is None:
        scores = None
    elif scores is None:
        scores = score_round(dataset, history, classifier, spec, fit)
    in_training = parts_in_force(dataset, history) == TRAIN
    known = in_training & (truth_in_force(dataset, history, classifier) >= 0)
    n_asked = np.count_nonzero(in_training[list(history.asked)])
    n_pool = int(np.count_nonzero(in_training)) - int(n_asked)
    question = next_question(
        dataset,
        history,
        fit,
        initial=plan.initial,
        n_initial=plan.n_initial,
        every=plan.every,
        seed=spec.seed,
        name=plan.name,
    )
    share = len(history.trained) / max(1, int(np.count_nonzero(known)))
    return Round(fit, scores, question, n_pool, share)


# -- the next question --


def initial_rows(
    dataset: Dataset, classifier: str, setup: ClassifierSetup, start: str, seed: int
) -> Rows:
    """The objects to begin with, by a seeded draw.

    At least one of each side where labels of both are known, and known ones before unknown;
    else objects spread over the features (nearest to k-means centres), or random ones.
    """
    pool = np.flatnonzero(dataset.parts == TRAIN)
    keys = tie_keys(dataset.keys[pool], seed, _START)
    n = min(setup.n_initial, len(pool))
    known = dataset.truth(classifier)[pool]
    n_known = int(np.count_nonzero(known >= 0))
    if n >= 2 and (known == 0).any() and (known == 1).any():
        drawn = draw_initial(known, min(n, n_known), keys)
        if len(drawn) == n:
            return np.asarray(pool[drawn])
        others = np.setdiff1d(np.arange(len(pool)), drawn)
        filling = others[np.argsort(keys[others])[: n - len(drawn)]]
        return np.asarray(pool[np.concatenate([drawn, filling])])
    if start == "random" or n_known:
        return pool[np.argsort(keys)[:n]]
    sample = pool[np.argsort(keys)[:SPREAD_OVER]]
    return sample[spread_initial(dataset.rows(sample), n, seed)]


def random_every(dataset: Dataset, setting: int | None) -> int:
    """How often a question is a random one; 0 means never."""
    if setting is not None:
        return setting
    return 5 if dataset.n_validation < ENOUGH_TO_VALIDATE else 0


def next_question(
    dataset: Dataset,
    history: History,
    fit: Fit | None,
    *,
    initial: Rows,
    n_initial: int,
    every: int,
    seed: int,
    name: str,
) -> Question | None:
    """What to ask now: a pure function of the answers, or None when nothing is left.

    In this order: a postponed object whose turn has come, the objects to begin with, every so
    often a random one, else the pool's most useful.
    """
    parts = parts_in_force(dataset, history)
    # What settings have left out since cannot be answered.
    put_off = sorted((p.due, row) for row, p in history.later.items() if parts[row] != OUT)
    if put_off and put_off[0][0] <= history.n_passed:
        row = put_off[0][1]
        return Question(row, history.later[row].how, "You put this one off; ten others are done.")
    open_ = parts == TRAIN
    open_[list(history.asked | history.later.keys())] = False
    n_open = int(np.count_nonzero(open_))
    if not n_open:
        if not put_off:
            return None
        row = put_off[0][1]
        return Question(row, history.later[row].how, "You put this one off; no other is left.")
    if fit is None or len(history.trained) < n_initial:
        waiting = [int(row) for row in initial if open_[row]]
        row = waiting[0] if waiting else _draw(dataset, open_, seed, 0)
        done = f"{len(history.trained)} of {n_initial}"
        return Question(row, "initial", f"One of the first objects to label: {done} are done.")
    if every and (history.n_questions + 1) % every == 0:
        row = _draw(dataset, open_, seed ^ _RANDOM_QUESTION, history.n_questions)
        why = "A random object: its answer is kept to check the classifier, and never trains it."
        return Question(row, "random", why)

    def keys_of(rows: Rows) -> Keys:
        return tie_keys(dataset.keys[rows], seed, len(history.sets))

    row = pick_one(fit.utility, open_, keys_of, fit.secondary)
    return Question(row, "query", _why(fit, row, n_open + len(put_off), name))


def _draw(dataset: Dataset, open_: npt.NDArray[np.bool_], seed: int, number: int) -> int:
    """One of the open objects by a seeded draw, the same whatever else is open before it."""
    pool = np.flatnonzero(open_)
    return int(pool[tie_keys(dataset.keys[pool], seed, number).argmin()])


def _why(fit: Fit, row: int, n_pool: int, name: str) -> str:
    likely = f"{fit.proba[row]:.2f} likely {name}"
    among = f"of {n_pool:,} in the pool"
    if fit.is_constant:
        return f"Drawn at random {among}: all labels so far are on one side."
    if fit.strategy == "random":
        return f"{likely}; drawn at random {among}."
    if fit.secondary is not None:
        return f"{likely}; {among}, the one the models disagree on most."
    return f"{likely}; {among}, the one the model is least sure of."
