"""One round: what a history leads to, and what is asked next.

Owns the choice of the next question, as pure functions: the same answers give the same round,
whoever asks.  Must not know files, DuckDB or pages.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.splits import OUT, TRAIN, Parts
from al_engine.learning.foreign import QueryFunction, call_strategy
from al_engine.learning.initial import draw_initial, spread_initial
from al_engine.learning.learners import LearnerSpec
from al_engine.learning.scoring import with_probabilities
from al_engine.learning.selection import pick_one, tie_keys
from al_engine.learning.strategies import chooses_itself, strategy_in_force
from al_engine.loop.fitting import (
    ENOUGH_TO_VALIDATE,
    Fit,
    RoundScores,
    Rows,
    Truth,
    blaming_extensions,
    fit_round,
    labelled_set,
    parts_in_force,
    score_round,
    truth_in_force,
)
from al_engine.mixing import Keys
from al_engine.projects.dataset import Dataset
from al_engine.settings.config import ClassifierSetup

SPREAD_OVER = 50_000
HANDED_OVER = 50_000  # objects, to a strategy that looks at the pool itself

# Draws of different purposes must not be the same draw.
_RANDOM_QUESTION, _START, _AGAIN, _REPEAT = 0x52, 0x53, 0x56, 0x57

REPEAT_EVERY = 50  # questions, where some are repeated: 2%
REPEAT_AFTER = 20  # questions, by when one no longer knows what one said
UNTOLD = "What the models make of it is not shown: some questions are asked twice."


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
    """All that the rounds of a classifier depend on beside its answers.

    ``among`` are the objects that are asked about, None for the whole pool.
    """

    dataset: Dataset
    classifier: str
    spec: LearnerSpec
    name: str
    initial: Rows
    n_initial: int
    every: int
    again_every: int = 0
    among: Rows | None = None
    repeat_every: int = 0


def make_round(
    plan: Plan,
    history: History,
    *,
    fit: Fit | None = None,
    scores: RoundScores | None = None,
    folded: RoundScores | None = None,
    n_threads: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Round:
    """Make a round: a pure function of plan and history.

    Parameters
    ----------
    fit, scores : those of this very history, if at hand
    folded : scores of this labelled set, if at hand, for what was cross-validated over it
    n_threads : to score on; as many as there are processors by default
    is_wanted : asked now and then; Overtaken is raised once it says no
    """
    dataset, classifier, spec = plan.dataset, plan.classifier, plan.spec
    with blaming_extensions(spec):
        if fit is None and len(labelled_set(dataset, history, classifier)[0]):
            fit = fit_round(dataset, history, classifier, spec, n_threads, is_wanted)
        if fit is None:
            scores = None
        elif scores is None:
            scores = score_round(dataset, history, classifier, spec, fit, folded)
    in_training = parts_in_force(dataset, history) == TRAIN
    known = in_training & (truth_in_force(dataset, history, classifier) >= 0)
    in_pool = in_training if plan.among is None else in_training & _only(plan.among, dataset)
    n_asked = np.count_nonzero(in_pool[list(history.asked)])
    n_pool = int(np.count_nonzero(in_pool)) - int(n_asked)
    question = next_question(
        dataset,
        history,
        fit,
        initial=plan.initial,
        n_initial=plan.n_initial,
        every=plan.every,
        again_every=plan.again_every,
        repeat_every=plan.repeat_every,
        seed=spec.seed,
        name=plan.name,
        among=plan.among,
    )
    share = len(history.trained) / max(1, int(np.count_nonzero(known)))
    return Round(fit, scores, question, n_pool, share)


def _only(rows: Rows, dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Which objects are among some, shape (n_rows,)."""
    mask = np.zeros(dataset.n_rows, dtype=np.bool_)
    mask[rows] = True
    return mask


# -- the first objects --


def initial_rows(
    dataset: Dataset,
    classifier: str,
    setup: ClassifierSetup,
    start: str,
    seed: int,
    without: Collection[int] = (),
) -> Rows:
    """The objects to begin with, by a seeded draw ``without`` some rows.

    At least one of each side where labels of both are known, and known ones before unknown;
    else objects spread over the features (nearest to k-means centres), or random ones.
    """
    is_open = dataset.parts == TRAIN
    is_open[list(without)] = False
    pool = np.flatnonzero(is_open)
    keys = start_keys(dataset.keys[pool], seed)
    drawn = first_places(dataset.truth(classifier)[pool], keys, setup.n_initial, start)
    if drawn is not None:
        return np.asarray(pool[drawn])
    sample = pool[np.argsort(keys)[:SPREAD_OVER]]
    n = min(setup.n_initial, len(pool))
    return sample[spread_initial(dataset.rows(sample), n, seed)]


def start_keys(object_keys: Keys, seed: int) -> Keys:
    """The order in which the first objects are drawn."""
    return tie_keys(object_keys, seed, _START)


def first_places(known: Truth, keys: Keys, n: int, start: str) -> Rows | None:
    """Places of the objects to begin with, or None where they are to be spread over features.

    Parameters
    ----------
    known : shape (n_pool,); 1 on the classifier's side, 0 on the other, -1 unknown
    keys : shape (n_pool,), their order; of each side, and of the unknown, nobody matters beyond
        the first n
    """
    n = min(n, len(known))
    n_known = int(np.count_nonzero(known >= 0))
    if n >= 2 and (known == 0).any() and (known == 1).any():
        drawn = draw_initial(known, min(n, n_known), keys)
        if len(drawn) == n:
            return drawn
        others = np.setdiff1d(np.arange(len(known)), drawn)
        filling = others[np.argsort(keys[others])[: n - len(drawn)]]
        return np.concatenate([drawn, filling])
    if start == "random" or n_known:
        return np.argsort(keys)[:n]
    return None


# -- the next question --


def random_every(n_validation: int, setting: int | None) -> int:
    """How often a question is a random one; 0 means never."""
    if setting is not None:
        return setting
    return 5 if n_validation < ENOUGH_TO_VALIDATE else 0


def next_question(
    dataset: Dataset,
    history: History,
    fit: Fit | None,
    *,
    initial: Rows,
    n_initial: int,
    every: int,
    again_every: int = 0,
    repeat_every: int = 0,
    seed: int,
    name: str,
    among: Rows | None = None,
) -> Question | None:
    """What to ask now: a pure function of the answers, or None when nothing is left.

    ``among`` are the objects that are asked about; random questions are of the whole pool, for
    they measure the classifier on all of it.
    """
    parts = parts_in_force(dataset, history)
    open_ = parts == TRAIN
    open_[list(history.asked | history.later.keys())] = False
    open_anywhere = open_
    if among is not None:
        asked_about = _only(among, dataset)
        open_ = open_ & asked_about
        initial = initial[asked_about[initial]]

    def pick(how: str) -> int:
        def keys_of(rows: Rows) -> Keys:
            return tie_keys(dataset.keys[rows], *order_of(how, history, seed))

        if how == "query" and fit is not None:
            function = chooses_itself(fit.strategy)
            if function is not None and not fit.is_constant:
                return _chosen_by(function, dataset, fit, np.flatnonzero(open_), keys_of)
            return pick_one(fit.utility, open_, keys_of, fit.secondary)
        pool = np.flatnonzero(open_anywhere if how == "random" else open_)
        return int(pool[keys_of(pool).argmin()])

    def say_why(row: int, n_pool: int) -> str:
        assert fit is not None
        if repeat_every:
            return UNTOLD
        likely, is_committee = float(fit.proba[row]), fit.secondary is not None
        return why_queried(likely, name, n_pool, fit.strategy, is_committee, fit.is_constant)

    return decide(
        history,
        parts,
        initial,
        int(np.count_nonzero(open_)),
        pick,
        None if fit is None else say_why,
        n_initial,
        every,
        # What one said oneself first: it is asked more seldom, and would never have its turn.
        _repeated(dataset, history, parts, seed, repeat_every)
        or _again(dataset, history, parts, seed, again_every),
    )


def _again(
    dataset: Dataset, history: History, parts: Parts, seed: int, every: int
) -> Question | None:
    """About an object that somebody else labelled, where it is time to ask about one: by a draw."""
    if not _is_time(history, every):
        return None
    row = _drawn(dataset, history, parts, history.unheard, seed ^ _AGAIN)
    why = "Somebody else labelled this one too; what do you say?"
    return None if row is None else Question(row, "again", why)


def _repeated(
    dataset: Dataset, history: History, parts: Parts, seed: int, every: int
) -> Question | None:
    """About an object that the person labelled a while ago, where it is time: by a draw.

    It says of itself what every question does, so that nobody knows it by that.
    """
    if not _is_time(history, every):
        return None
    by_now = history.n_passed - REPEAT_AFTER
    rows = {row for row, passed in history.repeatable.items() if passed <= by_now}
    row = _drawn(dataset, history, parts, rows, seed ^ _REPEAT)
    return None if row is None else Question(row, "again", UNTOLD)


def is_repeat(history: History, question: Question) -> bool:
    """Is a question about an object that the person labelled before?"""
    return question.how == "again" and question.row in history.repeatable


def _is_time(history: History, every: int) -> bool:
    n_asked = history.n_questions + history.n_again
    return bool(every) and (n_asked + 1) % every == 0


def _drawn(
    dataset: Dataset, history: History, parts: Parts, among: Collection[int], seed: int
) -> int | None:
    """The first of a draw among objects that may be asked about again."""
    passed = history.unsure | history.later.keys()
    listed = sorted(row for row in among if row not in passed and parts[row] != OUT)
    if not listed:
        return None
    rows = np.array(listed, dtype=np.intp)
    return int(rows[tie_keys(dataset.keys[rows], seed, history.n_again).argmin()])


def _chosen_by(
    function: QueryFunction,
    dataset: Dataset,
    fit: Fit,
    pool: Rows,
    keys_of: Callable[[Rows], Keys],
) -> int:
    """What a strategy that looks at the pool itself asks about; of a large pool it sees a draw."""
    if len(pool) > HANDED_OVER:
        pool = np.sort(pool[np.argpartition(keys_of(pool), HANDED_OVER)[:HANDED_OVER]])
    X = dataset.rows(pool).astype(np.float64)
    chosen, _ = call_strategy(function, with_probabilities(fit.learner), X, 1)
    return int(pool[chosen[0]])


def order_of(how: str, history: History, seed: int) -> tuple[int, int]:
    """What ``tie_keys`` takes besides objects to order those that come up in a certain way."""
    if how == "query":
        return seed, len(history.sets)
    # A draw is the same whatever else is open before it.
    return (seed ^ _RANDOM_QUESTION, history.n_questions) if how == "random" else (seed, 0)


def decide(
    history: History,
    parts: Parts | Mapping[int, int],
    initial: Rows,
    n_open: int,
    pick: Callable[[str], int],
    say_why: Callable[[int, int], str] | None,
    n_initial: int,
    every: int,
    again: Question | None = None,
) -> Question | None:
    """What to ask now, wherever the objects are.

    In this order: a postponed object whose turn has come, the objects to begin with, every so
    often one that was labelled already, or a random one, else the pool's most useful.

    Parameters
    ----------
    parts : those in force by row, at least of what was put off and what to begin with
    n_open : how many objects of the pool may be asked about now
    pick : from "initial", "random" or "query" to an open row: the first of the draw, or the most
        useful
    say_why : from a queried row and the size of the pool to a line; None where there is no model
    again : the question about what was labelled already, where it is time for one
    """
    # What settings have left out since cannot be answered.
    put_off = sorted((p.due, row) for row, p in history.later.items() if parts[row] != OUT)
    if put_off and put_off[0][0] <= history.n_passed:
        row = put_off[0][1]
        return Question(row, history.later[row].how, "You put this one off; ten others are done.")
    begins = say_why is None or history.n_begun < n_initial
    if again is not None and not begins:
        return again
    if not n_open:
        if not put_off:
            return None
        row = put_off[0][1]
        return Question(row, history.later[row].how, "You put this one off; no other is left.")
    if say_why is None or begins:
        closed = history.asked | history.later.keys()
        waiting = [r for r in initial.tolist() if parts[r] == TRAIN and r not in closed]
        done = f"{history.n_begun} of {n_initial}"
        why = f"One of the first objects to label: {done} are done."
        return Question(waiting[0] if waiting else pick("initial"), "initial", why)
    if every and (history.n_questions + 1) % every == 0:
        why = "A random object: its answer is kept to check the classifier, and never trains it."
        return Question(pick("random"), "random", why)
    row = pick("query")
    return Question(row, "query", say_why(row, n_open + len(put_off)))


def why_queried(
    likely: float, name: str, n_pool: int, strategy: str, is_committee: bool, is_constant: bool
) -> str:
    """Why an object is the most useful of the pool, in one line."""
    among = f"of {n_pool:,} in the pool"
    if is_constant:
        return f"Drawn at random {among}: all labels so far are on one side."
    if strategy == "random":
        return f"{likely:.2f} likely {name}; drawn at random {among}."
    found = strategy_in_force(strategy)
    if found.origin is not None:
        return f"{likely:.2f} likely {name}; {among}, the one that {found.title} asks for."
    if is_committee:
        return f"{likely:.2f} likely {name}; {among}, the one the models disagree on most."
    return f"{likely:.2f} likely {name}; {among}, the one the model is least sure of."
