"""Batches in the loop: when one goes on, which objects make it, and what comes between two.

Owns that as pure functions of settings and history, so that a batch is made again alike after a
restart, an undo or a crash.  Must not know files, DuckDB or pages.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.learning import batches
from al_engine.learning.foreign import QueryFunction, call_strategy, takes_n
from al_engine.learning.pools import Pool, Told
from al_engine.learning.scoring import with_probabilities
from al_engine.learning.selection import IntArray
from al_engine.learning.strategies import choose_batch, chooses_itself, strategy_in_force
from al_engine.loop.fitting import Fit
from al_engine.loop.scores import RoundScores
from al_engine.loop.truth import Rows, labelled_set, named
from al_engine.mixing import Keys
from al_engine.projects.dataset import Dataset

HANDED_OVER = 50_000  # objects, to a strategy that looks at the pool itself

KeysOf = Callable[[Rows], Keys]


def may_go_on(history: History, size: int, strategy: str) -> bool:
    """Is the person's last batch of this size and strategy, and not answered about in full?"""
    batch = history.batch
    if size < 2 or batch is None or (batch.size, batch.strategy) != (size, strategy):
        return False
    return batch.n_passed < batch.n_objects


def is_owed(history: History, every: int, *, again: bool) -> bool:
    """Is it time for a question that comes every so often, between two batches?

    As many come as the batch before has room for: every fifth question, where 20 were asked about
    together, means five after them.
    """
    batch = history.batch
    if not every or batch is None:
        return False
    if every == 1:
        return True
    n_since = batch.n_again if again else batch.n_random
    n_others = history.n_questions - (batch.n_random if again else history.n_random)
    return n_others // (every - 1) - (n_others - batch.n_passed) // (every - 1) > n_since


def is_chosen_together(strategy: str) -> bool:
    """Does a strategy look at several objects together, so that utilities alone do not tell?"""
    return strategy_in_force(strategy).choose is not None


def needs_errors(strategy: str) -> bool:
    """Does a strategy go by what the model misses in validation?"""
    return strategy_in_force(strategy).choose is batches.ratio


def chosen_rows(
    dataset: Dataset,
    history: History,
    classifier: str,
    fit: Fit,
    scores: RoundScores | None,
    open_: npt.NDArray[np.bool_],
    n: int,
    keys_of: KeysOf,
    params: Mapping[str, Any],
) -> Rows:
    """The rows to ask about: n of those that are open, fewer where the strategy or the pool ends.

    Parameters
    ----------
    fit, scores : of that history
    open_ : ndarray of shape (n_rows,): what may be asked about
    """
    pool = np.flatnonzero(open_)
    n = min(n, len(pool))
    function = chooses_itself(fit.strategy)
    if function is not None and not fit.is_constant:
        return _chosen_by(function, dataset, fit, pool, n, keys_of)
    labelled, y = labelled_set(dataset, history, classifier)
    missed = None
    if scores is not None and scores.validation is not None:
        confusion = np.array(scores.validation.confusion)
        missed = tuple((confusion.sum(axis=1) - np.diag(confusion)).tolist())
    predicted, certainty = _as_predicted(fit, pool)

    def features(rows: IntArray) -> Any:
        return dataset.rows(pool[rows])

    known = Pool(
        fit.utility[pool],
        None if fit.secondary is None else fit.secondary[pool],
        predicted,
        certainty,
        len(fit.classes),
        keys_of(pool),
        features,
        Told(dataset.rows(labelled), y, missed, params=params),
    )
    return pool[choose_batch(fit.strategy, known, n)]


def _as_predicted(fit: Fit, pool: Rows) -> tuple[Rows, npt.NDArray[np.float32]]:
    """The place of the class that is predicted for some rows, and its probability."""
    predicted, proba = fit.predicted[pool].astype(np.intp), fit.proba[pool]
    if named(fit.classes):
        return predicted, proba
    return predicted, np.where(predicted == 1, proba, 1 - proba)


def _chosen_by(
    function: QueryFunction, dataset: Dataset, fit: Fit, pool: Rows, n: int, keys_of: KeysOf
) -> Rows:
    """What a strategy that looks at the pool itself asks about; of a large pool it sees a draw."""
    if len(pool) > HANDED_OVER:
        pool = np.sort(pool[np.argpartition(keys_of(pool), HANDED_OVER)[:HANDED_OVER]])
    X = dataset.rows(pool).astype(np.float64)
    n = n if takes_n(function) else 1
    chosen, _ = call_strategy(function, with_probabilities(fit.learner), X, n)
    return pool[chosen]
