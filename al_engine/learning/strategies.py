"""Asking by a query strategy: utilities of a pool's rows, and which of them to ask about next.

Utilities are always "higher = ask sooner".  A registered strategy works from probabilities; any
function in modAL's call form can be used in its place.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_engine.learning import batches
from al_engine.learning.foreign import QueryFunction, call_strategy
from al_engine.learning.params import complete
from al_engine.learning.points import Features
from al_engine.learning.pools import Pool, Told, pool_of
from al_engine.learning.registered import (
    COMMITTEE_STRATEGIES,
    STRATEGIES,
    CommitteeStrategy,
    FromProba,
    Strategy,
    default_strategy,
    find_committee_strategy,
    find_strategy,
    for_committee,
    for_one_model,
    strategy_in_force,
)
from al_engine.learning.scoring import (
    FloatArray,
    Scored,
    consensus,
    decision_margin,
    member_probabilities,
    with_probabilities,
)
from al_engine.learning.selection import IntArray, check_pool, pick, row_keys, tie_keys
from al_engine.learning.uncertainty import all_equal, least_confidence, smallest_margin
from al_engine.mixing import Keys

__all__ = [
    "COMMITTEE_STRATEGIES",
    "STRATEGIES",
    "CommitteeStrategy",
    "FromProba",
    "Pool",
    "Strategy",
    "Told",
    "choose_batch",
    "chooses_itself",
    "default_strategy",
    "find_committee_strategy",
    "find_strategy",
    "for_committee",
    "for_one_model",
    "pick",
    "rank",
    "run_strategy",
    "stage_of",
    "strategy_in_force",
    "tie_keys",
    "utilities",
]


def stage_of(strategy: str, n_by_class: Sequence[int]) -> str:
    """What a strategy that changes over goes by while labels are few, in words; else ""."""
    choose = strategy_in_force(strategy).choose
    words = {batches.typical_first: "typical objects", batches.spread_first: "objects spread out"}
    if choose not in words or not batches.is_few(n_by_class):
        return ""
    each = "2x5 labels" if len(n_by_class) == 2 else f"{batches.FEW} labels of each class"
    return f"few labels so far: {words[choose]} first; from {each} on: margin"


def chooses_itself(strategy: str) -> QueryFunction | None:
    """The function of a registered strategy that gives no utilities; None of all others."""
    found = strategy_in_force(strategy)
    return found.function if found.from_proba is None else None


def rank(
    strategy: str,
    learner: Any,
    X: Features,
    classes: NDArray[Any],
    proba: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray | None]:
    """Utilities of all rows under a registered strategy, and what orders equal ones.

    An estimator without probabilities is ranked by its decision function itself: the nearer
    the boundary the sooner, whichever of the three uncertainty strategies is chosen.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_rows, n_features)
    proba : ndarray of shape (n_members, n_rows, n_classes), if already known
    """
    found = strategy_in_force(strategy)
    if found.from_proba is all_equal:
        return np.zeros(X.shape[0]), None
    if isinstance(found, Strategy) and found.choose is None:
        margin = decision_margin(learner, X)
        if margin is not None:
            return -margin, None
    proba = member_probabilities(learner, X, classes) if proba is None else proba
    return utilities(strategy, Scored(proba))


def utilities(strategy: str, scored: Scored) -> tuple[FloatArray, FloatArray | None]:
    """Utilities under a registered strategy of what is scored, and what orders equal ones.

    Both are as long as ``scored.members``; ``scored.by_row`` gives every row its own.  Of a
    strategy that chooses itself they are those of uncertainty: something to look at.
    """
    proba = scored.members
    of_committee = COMMITTEE_STRATEGIES.get(strategy)
    if of_committee is not None and of_committee.from_proba is not None:
        return of_committee.from_proba(proba), smallest_margin(consensus(proba))
    of_one = None if of_committee else find_strategy(strategy)
    from_proba = of_one.from_proba if of_one else least_confidence
    # What weighs rows against each other needs utilities that are not below 0.
    if scored.margin is not None and from_proba is not all_equal and not (of_one and of_one.choose):
        return -scored.margin, None
    return (from_proba or least_confidence)(consensus(proba)), None


def run_strategy(
    strategy: str | QueryFunction,
    learner: Any,
    X_pool: Features,
    classes: NDArray[Any],
    n: int,
    keys: Keys,
    *,
    proba: FloatArray | None = None,
    tie_break: str = "hash",
    told: Told | None = None,
) -> tuple[IntArray, FloatArray]:
    """Choose n rows of the pool by a registered strategy or a modAL-style function.

    Parameters
    ----------
    strategy : registry name, or f(classifier, X, n_instances=1) -> indices, or with utilities
    learner : modAL ActiveLearner or Committee
    X_pool : ndarray or CSR of shape (n_pool, n_features)
    proba : ndarray of shape (n_members, n_pool, n_classes), if already known
    tie_break : "hash" orders equals by ``keys``, "first" by row
    told : what a strategy that chooses its batches itself is told besides

    Returns
    -------
    indices : ndarray of int, shape (n,), most useful first; fewer where a strategy says so
    utilities : ndarray of float, as many; NaN where a function gives none

    Raises
    ------
    EmptyPoolError : fewer rows than asked for
    SettingsError : an unknown name, a function that fails or answers with no such rows, or
        something that the strategy has to be told and was not
    """
    check_pool(X_pool.shape[0], n)
    function = strategy if callable(strategy) else chooses_itself(strategy)
    if function is not None:
        return call_strategy(function, with_probabilities(learner), X_pool, n)
    assert isinstance(strategy, str), "a function was called"
    if strategy_in_force(strategy).choose is not None:
        proba = member_probabilities(learner, X_pool, classes) if proba is None else proba
        useful = utilities(strategy, Scored(proba))
        pool = pool_of(learner, X_pool, classes, useful, consensus(proba), keys, told or Told())
        chosen = choose_batch(strategy, pool, n)
        return chosen, useful[0][chosen]
    found, secondary = rank(strategy, learner, X_pool, classes, proba)
    keys = row_keys(X_pool.shape[0]) if tie_break == "first" else keys
    chosen = pick(found, n, keys, secondary)
    return chosen, found[chosen]


def choose_batch(strategy: str, pool: Pool, n: int) -> IntArray:
    """Choose n rows, or as many as a registered strategy says, of a pool that is ranked by it.

    Raises
    ------
    EmptyPoolError : fewer rows than asked for
    SettingsError : the strategy has to be told something and was not, or a setting is out of bounds
    """
    check_pool(len(pool), n)
    found = strategy_in_force(strategy)
    if found.choose is None:
        return pick(pool.utilities, n, pool.keys, pool.secondary)
    params = complete(found.title, found.params, pool.told.params)
    return found.choose(replace(pool, told=replace(pool.told, params=params)), n)
