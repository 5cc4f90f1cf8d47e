"""What is asked next: in which order things come up, and the line that says why.

Owns that choice as pure functions, wherever the objects are.  Must not know files, DuckDB, pages,
or how a model is fitted.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from al_engine.data.history import History
from al_engine.data.splits import OUT, TRAIN, Parts
from al_engine.learning.scoring import FloatArray
from al_engine.learning.selection import tie_keys
from al_engine.learning.strategies import strategy_in_force
from al_engine.loop.batching import is_owed
from al_engine.loop.fitting import Fit
from al_engine.loop.truth import ENOUGH_TO_VALIDATE, Rows
from al_engine.projects.dataset import Dataset

# Draws of different purposes must not be the same draw.
_RANDOM_QUESTION, _AGAIN, _REPEAT = 0x52, 0x56, 0x57

REPEAT_EVERY = 50  # questions, where some are repeated: 2%
REPEAT_AFTER = 20  # questions, by when one no longer knows what one said
UNTOLD = "What the models make of it is not shown: some questions are asked twice."


@dataclass(frozen=True)
class Question:
    """The object to ask about: its row, how it came up, and why in one line.

    ``batch`` are the rows of the batch that it is of, in their order, those passed included; empty
    where objects come one by one.  ``made_at`` is the last event there was when that was made, None
    for a batch of this very moment.
    """

    row: int
    how: str
    why: str
    batch: tuple[int, ...] = ()
    made_at: int | None = None


def random_every(n_validation: int, setting: int | None) -> int:
    """How often a question is a random one; 0 means never."""
    if setting is not None:
        return setting
    return 5 if n_validation < ENOUGH_TO_VALIDATE else 0


def question_again(
    dataset: Dataset, history: History, parts: Parts, seed: int, every: int, in_batches: bool
) -> Question | None:
    """About an object that somebody else labelled, where it is time to ask about one: by a draw."""
    if not _is_time(history, every, in_batches):
        return None
    row = _drawn(dataset, history, parts, history.unheard, seed ^ _AGAIN)
    why = "Somebody else labelled this one too; what do you say?"
    return None if row is None else Question(row, "again", why)


def question_repeated(
    dataset: Dataset, history: History, parts: Parts, seed: int, every: int, in_batches: bool
) -> Question | None:
    """About an object that the person labelled a while ago, where it is time: by a draw.

    It says of itself what every question does, so that nobody knows it by that.
    """
    if not _is_time(history, every, in_batches):
        return None
    by_now = history.n_passed - REPEAT_AFTER
    rows = {row for row, passed in history.repeatable.items() if passed <= by_now}
    row = _drawn(dataset, history, parts, rows, seed ^ _REPEAT)
    return None if row is None else Question(row, "again", UNTOLD)


def is_repeat(history: History, question: Question) -> bool:
    """Is a question about an object that the person labelled before?"""
    return question.how == "again" and question.row in history.repeatable


def _is_time(history: History, every: int, in_batches: bool) -> bool:
    if in_batches:
        return is_owed(history, every, again=True)
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
    is_random: bool | None = None,
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
    is_random : whether it is time for a random one; by default by the number of questions
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
    if is_random is None:
        is_random = bool(every) and (history.n_questions + 1) % every == 0
    if is_random:
        why = "A random object: its answer is kept to check the classifier, and never trains it."
        return Question(pick("random"), "random", why)
    row = pick("query")
    return Question(row, "query", say_why(row, n_open + len(put_off)))


def likeliest(proba: FloatArray, fit: Fit, names: Mapping[str, str]) -> str:
    """The two likeliest classes of an object in words: "0.52 likely Quasar, 0.47 Star"."""
    first, second = np.argsort(-proba, kind="stable")[:2]
    one, other = (names.get(fit.classes[code], fit.classes[code]) for code in (first, second))
    return f"{proba[first]:.2f} likely {one}, {proba[second]:.2f} {other}"


def why_queried(
    likely: str,
    n_pool: int,
    strategy: str,
    is_committee: bool,
    is_constant: bool,
    place: tuple[int, int] | None = None,
    stage: str = "",
) -> str:
    """Why an object is the most useful of the pool, in one line.

    Parameters
    ----------
    likely : what the model makes of it, in words
    place : which one it is of a batch of how many, None where objects come one by one
    stage : what a strategy that changes over goes by at first, "" afterwards
    """
    among = f"of {n_pool:,} in the pool"
    found = strategy_in_force(strategy)
    by = found.title.lower()
    if place is not None:
        drawn = "all labels so far are on one side" if is_constant else by
        which = f"{place[0]} of a batch of {place[1]} {among.replace('of', 'from', 1)}"
        return f"{likely}; {which} ({stage or drawn})."
    if is_constant:
        return f"Drawn at random {among}: all labels so far are on one side."
    if stage:
        return f"{likely}; {among} ({stage})."
    if strategy == "random":
        return f"{likely}; drawn at random {among}."
    if found.origin is not None:
        return f"{likely}; {among}, the one that {found.title} asks for."
    if found.choose is not None:
        return f"{likely}; {among} ({by})."
    if is_committee:
        return f"{likely}; {among}, the one the models disagree on most."
    return f"{likely}; {among}, the one the model is least sure of."
