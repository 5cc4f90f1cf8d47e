"""The query strategies there are, by name: which utilities they go by, and what they are called.

Owns the two registries and the looking up.  Utilities are always "higher = ask sooner".  Each
strategy also has modAL's call form, and any function of that form can be registered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np

from al_engine.errors import SettingsError
from al_engine.learning import batches
from al_engine.learning.foreign import QueryFunction
from al_engine.learning.params import Param, complete
from al_engine.learning.points import Features
from al_engine.learning.pools import Choose, Told, members_of, pool_of
from al_engine.learning.scoring import FloatArray, consensus, member_probabilities
from al_engine.learning.selection import IntArray, check_pool, pick, row_keys
from al_engine.learning.uncertainty import (
    all_equal,
    consensus_entropy,
    entropy,
    least_confidence,
    max_disagreement,
    smallest_margin,
    vote_entropy,
)
from al_engine.mixing import mix64
from al_engine.origin import Origin, named_instead

FromProba: TypeAlias = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Strategy:
    """A query strategy for one model.

    ``from_proba`` maps (n, n_classes) to utilities (n,); ``function`` is the same in modAL's
    call form ``f(classifier, X, n_instances=1, **kwargs) -> (indices, their utilities)``.  Where
    an extension gives the function alone, ``from_proba`` is None.

    ``choose`` chooses a batch where that is more than the most useful rows, ``params`` are its
    settings, and ``least`` is the smallest batch that it makes sense for.  One that ``leaks`` needs
    labels that nobody has yet: it is for simulations alone.
    """

    name: str
    title: str
    file_name: str
    from_proba: FromProba | None
    function: QueryFunction
    help: str = ""
    origin: Origin | None = None
    choose: Choose | None = None
    params: tuple[Param, ...] = ()
    least: int = 1
    leaks: bool = False


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
    choose: Choose | None = None
    params: tuple[Param, ...] = ()
    least: int = 1
    leaks: bool = False


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


def _own_probability(proba: FloatArray) -> FloatArray:
    """The probability of the last class: of two, the classifier's own label."""
    return np.asarray(proba[:, -1])


def in_batches(
    from_proba: FromProba, choose: Choose, params: Sequence[Param] = (), *, committee: bool = False
) -> QueryFunction:
    """A strategy that chooses its batches itself, in modAL's call form."""

    def query(learner: Any, X: Features, n_instances: int = 1) -> tuple[IntArray, FloatArray]:
        check_pool(X.shape[0], n_instances)
        classes = members_of(learner)[0].estimator.classes_
        proba = member_probabilities(learner, X, classes)
        useful = from_proba(proba if committee else consensus(proba))
        told = Told(params=complete("The strategy", params, {}))
        keys = mix64(row_keys(X.shape[0]))
        pool = pool_of(learner, X, classes, (useful, None), consensus(proba), keys, told)
        chosen = choose(pool, n_instances)
        return chosen, useful[chosen]

    return query


def _choosing(
    name: str,
    title: str,
    file_name: str,
    from_proba: FromProba,
    choose: Choose,
    text: str,
    *,
    params: tuple[Param, ...] = (),
    least: int = 1,
    leaks: bool = False,
) -> Strategy:
    """A strategy for one model that chooses its batches itself."""
    return Strategy(
        name,
        title,
        file_name,
        from_proba,
        in_batches(from_proba, choose, params),
        text,
        choose=choose,
        params=params,
        least=least,
        leaks=leaks,
    )


STRATEGIES |= {
    each.name: each
    for each in (
        _choosing(
            "margin_clusters",
            "Margin, clustered",
            "MarginClusters",
            smallest_margin,
            batches.clustered,
            "Of the closest margins, ten times as many as are asked about, the middle of each of "
            "as many groups: unsure, and unlike each other.",
            least=2,
        ),
        _choosing(
            "margin_power",
            "Margin, drawn",
            "MarginPower",
            smallest_margin,
            batches.power,
            "Drawn at random, the closer the margin the likelier: spread out at no cost.",
            params=(batches.POWER,),
            least=2,
        ),
        _choosing(
            "ranked_batch",
            "Ranked batch",
            "RankedBatch",
            least_confidence,
            batches.ranked,
            "One by one the object that is uncertain and unlike what is labelled or chosen.",
            least=2,
        ),
        _choosing(
            "typical_start",
            "Typical first, then margin",
            "TypicalStart",
            smallest_margin,
            batches.typical_first,
            "While labels are few the typical object of each large group without a label; from 5 "
            "labels of each class on by margin.",
        ),
        _choosing(
            "spread_start",
            "Spread first, then margin",
            "SpreadStart",
            smallest_margin,
            batches.spread_first,
            "While labels are few the object amid each large group without a label; from 5 labels "
            "of each class on by margin.",
        ),
        _choosing(
            "density",
            "Margin and density",
            "MarginDensity",
            smallest_margin,
            batches.dense,
            "The object whose two likeliest classes are close and that much of the pool is like.",
            params=(batches.WEIGHT,),
        ),
        _choosing(
            "entropy_threshold",
            "Entropy above a threshold",
            "EntropyThreshold",
            entropy,
            batches.above_threshold,
            "All objects of an entropy above a threshold, up to the size of the batch: it is "
            "smaller where fewer are in doubt.",
            params=(batches.THRESHOLD,),
            least=2,
        ),
        _choosing(
            "relevant",
            "Most relevant",
            "Relevant",
            _own_probability,
            batches.relevant,
            "The object likeliest to have the wanted label, for rare ones, with a share of random "
            "objects; of more than two classes the one with fewest labels is wanted.",
            params=(batches.RANDOM_SHARE,),
        ),
        _choosing(
            "ratio",
            "Ratio of errors",
            "Ratio",
            least_confidence,
            batches.ratio,
            "More of the class that is missed more often in validation, of objects predicted to be "
            "of that class, least certain first.",
        ),
        _choosing(
            "ratio_tutorial",
            "Ratio of errors, as in the tutorial",
            "RatioTutorial",
            least_confidence,
            batches.ratio_of_tutorial,
            "As published, for simulations only: it looks at errors on the test set and at labels "
            "of the pool, so its scores are too good to believe.",
            least=2,
            leaks=True,
        ),
    )
}

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


COMMITTEE_STRATEGIES["vote_clusters"] = replace(
    COMMITTEE_STRATEGIES["vote_entropy"],
    name="vote_clusters",
    title="Vote entropy, clustered",
    file_name="VoteClusters",
    function=in_batches(vote_entropy, batches.clustered, committee=True),
    help="Of the objects on which votes are most divided, ten times as many as are asked about, "
    "the middle of each of as many groups.",
    choose=batches.clustered,
    least=2,
)


def default_strategy(batch_size: int, *, is_committee: bool = False) -> str:
    """The name of the strategy to begin with for batches of a size."""
    if is_committee:
        return "vote_clusters" if batch_size > 1 else "vote_entropy"
    return "margin_clusters" if batch_size > 1 else "uncertainty"


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
