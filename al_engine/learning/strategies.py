"""Query strategies: which objects of the pool to ask about next.

Utilities are always "higher = ask sooner".  The registered strategies work from
probabilities; each also has modAL's call form, and any function of that form can be used.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import SettingsError
from al_engine.learning.foreign import QueryFunction, call_strategy
from al_engine.learning.scoring import (
    FloatArray,
    Scored,
    consensus,
    decision_margin,
    member_probabilities,
    with_probabilities,
)
from al_engine.learning.selection import IntArray, check_pool, pick, row_keys, tie_keys
from al_engine.mixing import Keys
from al_engine.origin import Origin, named_instead

__all__ = [
    "COMMITTEE_STRATEGIES",
    "STRATEGIES",
    "CommitteeStrategy",
    "Strategy",
    "find_committee_strategy",
    "find_strategy",
    "pick",
    "rank",
    "run_strategy",
    "tie_keys",
    "utilities",
]


FromProba: TypeAlias = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Strategy:
    """A query strategy for one model.

    ``from_proba`` maps (n, n_classes) to utilities (n,); ``function`` is the same in modAL's
    call form ``f(classifier, X, n_instances=1, **kwargs) -> (indices, their utilities)``.  Where
    an extension gives the function alone, ``from_proba`` is None.
    """

    name: str
    title: str
    file_name: str
    from_proba: FromProba | None
    function: QueryFunction
    help: str = ""
    origin: Origin | None = None


@dataclass(frozen=True)
class CommitteeStrategy:
    """A query strategy for a committee: ``from_proba`` takes (n_members, n, n_classes)."""

    name: str
    title: str
    file_name: str
    from_proba: FromProba | None
    function: QueryFunction
    help: str = ""
    origin: Origin | None = None


def least_confidence(proba: FloatArray) -> FloatArray:
    """1 - the largest probability of each row.

    >>> least_confidence(np.array([[0.75, 0.25], [0.5, 0.5]]))
    array([0.25, 0.5 ])
    """
    # Two columns are compared many times quicker than rows of two.
    largest = np.maximum(*proba.T) if proba.shape[1] == 2 else proba.max(axis=1)
    return np.asarray(1 - largest)


def smallest_margin(proba: FloatArray) -> FloatArray:
    """1 - (largest - second largest probability) of each row.

    >>> smallest_margin(np.array([[0.75, 0.25], [0.5, 0.5]]))
    array([0.5, 1. ])
    """
    if proba.shape[1] < 2:
        return np.zeros(len(proba))
    if proba.shape[1] == 2:
        return np.asarray(1 - np.abs(proba[:, 0] - proba[:, 1]))
    top = np.partition(proba, -2, axis=1)
    return np.asarray(1 - (top[:, -1] - top[:, -2]))


def entropy(proba: FloatArray) -> FloatArray:
    """Entropy of each row, in nats."""
    # Sorted, so that permuted rows have one and the same rounded sum and count as equal.
    ordered = np.sort(proba, axis=1)
    return np.asarray(0 - _x_log(ordered, ordered).sum(axis=1))


def all_equal(proba: FloatArray) -> FloatArray:
    """Zero for every row: the tie-break alone decides."""
    return np.zeros(len(proba))


def vote_entropy(proba_members: FloatArray) -> FloatArray:
    """Entropy in nats of the members' votes, (n_members, n, n_classes) to (n,)."""
    n_members, _, n_classes = proba_members.shape
    if n_classes == 2:
        # As many entropies as there are numbers of votes, however many rows.
        n_second = (proba_members[:, :, 1] > proba_members[:, :, 0]).sum(axis=0, dtype=np.intp)
        n_votes = np.arange(n_members + 1)
        shares = np.column_stack([n_members - n_votes, n_votes]) / n_members
        return np.asarray(entropy(shares)[n_second])
    votes = proba_members.argmax(axis=2)
    shares = np.stack([(votes == c).sum(axis=0) for c in range(n_classes)], axis=1) / n_members
    return entropy(shares)


def consensus_entropy(proba_members: FloatArray) -> FloatArray:
    """Entropy in nats of the members' mean probability."""
    return entropy(consensus(proba_members))


def max_disagreement(proba_members: FloatArray) -> FloatArray:
    """Largest Kullback-Leibler divergence (nats) of a member from the mean."""
    mean = consensus(proba_members)
    divergences = [
        (_x_log(member, member) - _x_log(member, mean)).sum(axis=1) for member in proba_members
    ]
    return np.asarray(np.max(divergences, axis=0).clip(min=0))


def _x_log(weight: FloatArray, value: FloatArray) -> FloatArray:
    """Weight times log(value), 0 where the weight is 0."""
    return np.asarray(weight * np.log(value, where=weight > 0, out=np.zeros_like(value)))


def for_one_model(from_proba: FromProba) -> QueryFunction:
    """A function of one model's probabilities, in modAL's call form."""

    def query(
        classifier: Any, X: Any, n_instances: int = 1, **kwargs: Any
    ) -> tuple[IntArray, FloatArray]:
        utilities = from_proba(np.asarray(classifier.predict_proba(X, **kwargs), dtype=float))
        chosen = pick(utilities, n_instances, row_keys(len(utilities)))
        return chosen, utilities[chosen]

    return query


def for_committee(from_proba: FromProba) -> QueryFunction:
    """A function of the members' probabilities, in modAL's call form."""

    def query(
        committee: Any, X: Any, n_instances: int = 1, **kwargs: Any
    ) -> tuple[IntArray, FloatArray]:
        members = np.moveaxis(np.asarray(committee.vote_proba(X, **kwargs), dtype=float), 1, 0)
        utilities = from_proba(members)
        secondary = smallest_margin(consensus(members))
        chosen = pick(utilities, n_instances, row_keys(len(utilities)), secondary)
        return chosen, utilities[chosen]

    return query


_Entry = TypeVar("_Entry", Strategy, CommitteeStrategy)


def _registry(
    kind: type[_Entry],
    in_modal_form: Callable[[FromProba], QueryFunction],
    entries: Sequence[tuple[str, str, str, FromProba, str]],
) -> dict[str, _Entry]:
    """Strategies by name, of name, title, file name, function of probabilities and help."""
    return {
        name: kind(name, title, file_name, from_proba, in_modal_form(from_proba), text)
        for name, title, file_name, from_proba, text in entries
    }


STRATEGIES: dict[str, Strategy] = _registry(
    Strategy,
    for_one_model,
    (
        (
            "uncertainty",
            "Uncertainty",
            "Uncertainty",
            least_confidence,
            "The object whose likeliest class is least likely.",
        ),
        (
            "margin",
            "Margin",
            "Margin",
            smallest_margin,
            "The object whose two likeliest classes are closest.",
        ),
        (
            "entropy",
            "Entropy",
            "Entropy",
            entropy,
            "The object whose class probabilities are most spread out.",
        ),
        (
            "random",
            "Random",
            "Random",
            all_equal,
            "Any object of the pool: the yardstick for the others.",
        ),
    ),
)

COMMITTEE_STRATEGIES: dict[str, CommitteeStrategy] = _registry(
    CommitteeStrategy,
    for_committee,
    (
        (
            "vote_entropy",
            "Vote entropy",
            "VoteEntropy",
            vote_entropy,
            "The object on which the models' votes are most divided.",
        ),
        (
            "consensus_entropy",
            "Consensus entropy",
            "ConsensusEntropy",
            consensus_entropy,
            "The object whose mean probability is most spread out.",
        ),
        (
            "max_disagreement",
            "Maximum disagreement",
            "MaxDisagreement",
            max_disagreement,
            "The object on which one model strays furthest from the mean of all.",
        ),
    ),
)


def find_strategy(name: str) -> Strategy:
    """Look a strategy up by its registry name; a SettingsError names the closest ones."""
    return _find(STRATEGIES, name, "query strategy")


def find_committee_strategy(name: str) -> CommitteeStrategy:
    """Look a committee's strategy up by its registry name."""
    return _find(COMMITTEE_STRATEGIES, name, "committee strategy")


def _find(registry: Mapping[str, _Entry], name: str, kind: str) -> _Entry:
    if name not in registry:
        raise SettingsError(f"There is no {kind} '{name}'.", named_instead(str(name), registry))
    return registry[name]


def strategy_in_force(name: str) -> Strategy | CommitteeStrategy:
    """Look up the strategy of a committee or of one model."""
    return COMMITTEE_STRATEGIES.get(name) or find_strategy(name)


def chooses_itself(strategy: str) -> QueryFunction | None:
    """The function of a registered strategy that gives no utilities; None of all others."""
    found = strategy_in_force(strategy)
    return found.function if found.from_proba is None else None


def rank(
    strategy: str,
    learner: Any,
    X: NDArray[np.floating[Any]],
    classes: NDArray[Any],
    proba: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray | None]:
    """Utilities of all rows under a registered strategy, and what orders equal ones.

    An estimator without probabilities is ranked by its decision function itself: the nearer
    the boundary the sooner, whichever of the three uncertainty strategies is chosen.

    Parameters
    ----------
    proba : ndarray of shape (n_members, n_rows, n_classes), if already known
    """
    is_random = strategy in STRATEGIES and STRATEGIES[strategy].from_proba is all_equal
    if is_random:
        return np.zeros(len(X)), None
    if strategy not in COMMITTEE_STRATEGIES:
        find_strategy(strategy)
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
    from_proba = least_confidence if of_committee else find_strategy(strategy).from_proba
    if scored.margin is not None and from_proba is not all_equal:
        return -scored.margin, None
    return (from_proba or least_confidence)(consensus(proba)), None


def run_strategy(
    strategy: str | QueryFunction,
    learner: Any,
    X_pool: NDArray[np.floating[Any]],
    classes: NDArray[Any],
    n: int,
    keys: Keys,
    *,
    proba: FloatArray | None = None,
    tie_break: str = "hash",
) -> tuple[IntArray, FloatArray]:
    """Choose n rows of the pool by a registered strategy or a modAL-style function.

    Parameters
    ----------
    strategy : registry name, or f(classifier, X, n_instances=1) -> indices, or with utilities
    learner : modAL ActiveLearner or Committee
    proba : ndarray of shape (n_members, n_pool, n_classes), if already known
    tie_break : "hash" orders equals by ``keys``, "first" by row

    Returns
    -------
    indices : ndarray of int, shape (n,), most useful first
    utilities : ndarray of float, shape (n,); NaN where a function gives none

    Raises
    ------
    EmptyPoolError : fewer rows than asked for
    SettingsError : an unknown name, or a function that fails or answers with no such rows
    """
    check_pool(len(X_pool), n)
    function = strategy if callable(strategy) else chooses_itself(strategy)
    if function is not None:
        return call_strategy(function, with_probabilities(learner), X_pool, n)
    assert isinstance(strategy, str), "a function was called"
    utilities, secondary = rank(strategy, learner, X_pool, classes, proba)
    keys = row_keys(len(X_pool)) if tie_break == "first" else keys
    chosen = pick(utilities, n, keys, secondary)
    return chosen, utilities[chosen]
