"""One round: what a history leads to, and what is asked next.

Owns the choice of the next question, as pure functions: the same answers give the same round,
whoever asks.  Must not know files, DuckDB or pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History, LabelledSet, as_learned
from al_engine.data.splits import TRAIN
from al_engine.learning.learners import LearnerSpec
from al_engine.learning.selection import pick_one, tie_keys
from al_engine.learning.strategies import chooses_itself, stage_of
from al_engine.loop.asking import (
    UNTOLD,
    Question,
    decide,
    likeliest,
    order_of,
    question_again,
    question_repeated,
    why_queried,
)
from al_engine.loop.batching import (
    chosen_rows,
    is_chosen_together,
    is_owed,
    may_go_on,
    needs_errors,
)
from al_engine.loop.fitting import Fit, blaming_extensions, class_probabilities, fit_round
from al_engine.loop.scores import RoundScores, score_round
from al_engine.loop.truth import (
    Rows,
    classes_of,
    labelled_set,
    named,
    parts_in_force,
    truth_in_force,
)
from al_engine.mixing import Keys
from al_engine.projects.dataset import Dataset

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Round:
    """Where a history leaves a classifier: its model, scores, and the next question.

    ``n_pool`` counts the objects that may be asked about; ``trained_share`` is the part of the
    training set's known labels that the model learned from.  ``trained`` is the history that the
    model is of: in mid-batch that of before the batch.
    """

    fit: Fit | None
    scores: RoundScores | None
    question: Question | None
    n_pool: int
    trained_share: float
    trained: History

    @property
    def sets(self) -> tuple[LabelledSet, ...]:
        """The labelled sets up to the one that the model is of."""
        return self.trained.sets


@dataclass(frozen=True)
class Plan:
    """All that the rounds of a classifier depend on beside its answers.

    ``among`` are the objects that are asked about, None for the whole pool; ``names`` are those of
    labels, by value.
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
    batch_size: int = 1
    strategy_params: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that a fit tells apart."""
        return classes_of(self.dataset, self.classifier)


@dataclass(frozen=True)
class AtHand:
    """What is at hand already of the round of a history.

    ``folded`` are scores of its labelled set, for what was cross-validated over it.
    """

    fit: Fit | None = None
    scores: RoundScores | None = None
    folded: RoundScores | None = None


@dataclass(frozen=True)
class Begun:
    """A batch that may go on: the history that it was made of, and what is at hand of that."""

    former: History
    rows: Rows | None = None
    at_hand: AtHand = AtHand()


def make_round(
    plan: Plan,
    history: History,
    *,
    begun: Begun | None = None,
    at_hand: AtHand = AtHand(),
    n_threads: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Round:
    """Make a round: a pure function of plan and history.

    Parameters
    ----------
    begun : the batch of ``goes_back_to``: as long as objects of it are left to ask about, the
        model is that of before it
    at_hand : what is, of the round of this very history
    n_threads : to score on; as many as there are processors by default
    is_wanted : asked now and then; Overtaken is raised once it says no
    """
    dataset, classifier, spec = plan.dataset, plan.classifier, plan.spec

    def fit_of(of: History, found: Fit | None) -> Fit | None:
        if found is not None or not len(labelled_set(dataset, of, classifier)[0]):
            return found
        return fit_round(dataset, of, classifier, spec, n_threads, is_wanted)

    trained, fit = history, at_hand.fit
    rows: Rows | None = None
    waiting: list[int] = []
    with blaming_extensions(spec):
        if begun is not None:
            rows, former_fit = begun.rows, begun.at_hand.fit
            if rows is None and (former_fit := fit_of(begun.former, former_fit)) is not None:
                rows = _batch(plan, begun.former, former_fit)
            waiting = [] if rows is None else _waiting(plan, history, rows)
            if waiting:
                trained, fit, at_hand = begun.former, former_fit, begun.at_hand
        fit = fit_of(trained, fit)
        learned = as_learned(history, trained)
        scores = at_hand.scores if fit is not None else None
        if fit is not None and scores is None:
            scores = score_round(dataset, learned, classifier, spec, fit, at_hand.folded)
    in_training = parts_in_force(dataset, history) == TRAIN
    in_pool = in_training if plan.among is None else in_training & _only(plan.among, dataset)
    n_asked = np.count_nonzero(in_pool[list(history.asked)])
    n_pool = int(np.count_nonzero(in_pool)) - int(n_asked)
    question: Question | None
    if waiting and fit is not None and rows is not None and history.batch is not None:
        batch = tuple(rows.tolist())
        of_former = int(np.count_nonzero(_open(plan, trained)[0])) + len(trained.later)
        why = _say_why(plan, trained, fit, waiting[0], of_former, batch)
        question = Question(waiting[0], "query", why, batch, history.batch.made_at)
    else:
        question = next_question(plan, history, fit, scores)
    share = _trained_share(dataset, learned, classifier, fit)
    return Round(fit, scores, question, n_pool, share, trained)


def _trained_share(dataset: Dataset, learned: History, classifier: str, fit: Fit | None) -> float:
    """The part of the training set's known labels that a fit learned from; 0 without one."""
    if fit is None:
        return 0.0
    known = truth_in_force(dataset, learned, classifier) >= 0
    known &= parts_in_force(dataset, learned) == TRAIN
    return fit.n_labelled / max(1, int(np.count_nonzero(known)))


def goes_back_to(plan: Plan, history: History) -> int | None:
    """The event up to which a batch was made that may go on; None where none may."""
    if may_go_on(history, plan.batch_size, plan.spec.strategy) and history.batch is not None:
        return history.batch.made_at
    return None


def _batch(plan: Plan, former: History, fit: Fit) -> Rows:
    """The batch that was made of a history."""
    scores = None
    if needs_errors(fit.strategy):
        scores = score_round(plan.dataset, former, plan.classifier, plan.spec, fit)
    open_, _ = _open(plan, former)
    return _chosen(plan, former, fit, scores, open_)


def _waiting(plan: Plan, history: History, batch: Rows) -> list[int]:
    """What of a batch is left to ask about: as many as it had, made again under other settings."""
    assert history.batch is not None, "there is one that may go on"
    open_, _ = _open(plan, history)
    n_left = history.batch.n_objects - history.batch.n_passed
    return [row for row in batch.tolist() if open_[row]][:n_left]


def _open(plan: Plan, history: History) -> tuple[Mask, Mask]:
    """What may be asked about of the objects that are to be, and of the whole pool."""
    open_anywhere = parts_in_force(plan.dataset, history) == TRAIN
    open_anywhere[list(history.asked | history.later.keys())] = False
    if plan.among is None:
        return open_anywhere, open_anywhere
    return open_anywhere & _only(plan.among, plan.dataset), open_anywhere


def _chosen(
    plan: Plan, history: History, fit: Fit, scores: RoundScores | None, open_: Mask
) -> Rows:
    """The rows of the batch that is to be asked about; one where they come one by one."""
    seed = plan.spec.seed

    def keys_of(rows: Rows) -> Keys:
        return tie_keys(plan.dataset.keys[rows], *order_of("query", history, seed))

    function, is_one = chooses_itself(fit.strategy), plan.batch_size == 1
    itself = (function is not None and not fit.is_constant) or is_chosen_together(fit.strategy)
    if is_one and not itself:  # without a copy of the pool
        return np.array([pick_one(fit.utility, open_, keys_of, fit.secondary)])
    return chosen_rows(
        plan.dataset,
        history,
        plan.classifier,
        fit,
        scores,
        open_,
        plan.batch_size,
        keys_of,
        plan.strategy_params,
    )


def _only(rows: Rows, dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Which objects are among some, shape (n_rows,)."""
    mask = np.zeros(dataset.n_rows, dtype=np.bool_)
    mask[rows] = True
    return mask


def next_question(
    plan: Plan, history: History, fit: Fit | None, scores: RoundScores | None = None
) -> Question | None:
    """What to ask now: a pure function of the answers, or None when nothing is left.

    Random questions are of the whole pool, for they measure the classifier on all of it, whatever
    objects are asked about.  ``scores`` are those of the fit.
    """
    dataset, seed = plan.dataset, plan.spec.seed
    parts = parts_in_force(dataset, history)
    open_, open_anywhere = _open(plan, history)
    initial = plan.initial
    if plan.among is not None:
        initial = initial[_only(plan.among, dataset)[initial]]
    rows: tuple[int, ...] = ()

    def pick(how: str) -> int:
        nonlocal rows
        if how == "query" and fit is not None:
            rows = tuple(_chosen(plan, history, fit, scores, open_).tolist())
            return rows[0]
        pool = np.flatnonzero(open_anywhere if how == "random" else open_)
        return int(pool[tie_keys(dataset.keys[pool], *order_of(how, history, seed)).argmin()])

    def say_why(row: int, n_pool: int) -> str:
        assert fit is not None
        return _say_why(plan, history, fit, row, n_pool, rows)

    in_batches = plan.batch_size > 1
    question = decide(
        history,
        parts,
        initial,
        int(np.count_nonzero(open_)),
        pick,
        None if fit is None else say_why,
        plan.n_initial,
        plan.every,
        # What one said oneself first: it is asked more seldom, and would never have its turn.
        question_repeated(dataset, history, parts, seed, plan.repeat_every, in_batches)
        or question_again(dataset, history, parts, seed, plan.again_every, in_batches),
        is_owed(history, plan.every, again=False) if in_batches else None,
    )
    if question is None or question.how != "query" or not in_batches or question.row not in rows:
        return question
    return replace(question, batch=rows)


def _say_why(
    plan: Plan, history: History, fit: Fit, row: int, n_pool: int, batch: tuple[int, ...]
) -> str:
    """Why a queried object is asked about, in one line: of a batch, which of it this is."""
    if plan.repeat_every:
        return UNTOLD
    place = (batch.index(row) + 1, len(batch)) if plan.batch_size > 1 else None
    likely, is_committee = f"{fit.proba[row]:.2f} likely {plan.name}", fit.secondary is not None
    if named(fit.classes):
        if fit.is_constant and place is None:
            return f"Drawn at random of {n_pool:,} in the pool: all labels so far are the same one."
        (proba,) = class_probabilities(plan.dataset, fit, np.array([row]))
        likely = likeliest(proba, fit, plan.names)
    stage = stage_of(fit.strategy, fit.n_of_class)
    return why_queried(likely, n_pool, fit.strategy, is_committee, fit.is_constant, place, stage)
