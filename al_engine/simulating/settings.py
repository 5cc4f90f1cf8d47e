"""What a simulation is to do: a frozen plan, JSON both ways, and words for what is not allowed.

Owns the choices and their limits.  Must not know data: whether a set has enough objects is found
out where they are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from al_engine.errors import SettingsError
from al_engine.learning.learners import LearnerSpec, Member
from al_engine.learning.params import complete
from al_engine.learning.strategies import (
    COMMITTEE_STRATEGIES,
    find_strategy,
    strategy_in_force,
)
from al_engine.settings.config import Splits
from al_engine.settings.target import Target, check_target, metric_named
from al_engine.settings.typed import plain, read_as
from al_engine.simulating.running import RANDOM

Initial = Literal["random", "balanced", "kmeans", "first"]
Weights = Literal["fresh", "carried"]
MOST_SEEDS, MOST_CURVES = 1000, 64
HELD_FOR = 2  # rounds after the one that reaches a score and must reach it too


@dataclass(frozen=True)
class PlannedMember:
    """A model by its registry name, with its settings; what is left out has its default."""

    model: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedModel:
    """What is trained: one model, or a committee of several.

    >>> PlannedModel((PlannedMember("knn"), PlannedMember("naive_bayes"))).name
    'knn+naive_bayes'
    """

    members: tuple[PlannedMember, ...]

    @property
    def name(self) -> str:
        return "+".join(member.model for member in self.members)

    def spec(self, seed: int) -> LearnerSpec:
        """What the learning package needs; a SettingsError names what it does not know."""
        return LearnerSpec(
            tuple(Member(member.model, dict(member.params)) for member in self.members), seed=seed
        )


@dataclass(frozen=True)
class SimulationPlan:
    """Everything that decides what a simulation comes to, the data aside.

    Random choice is run beside whatever ``strategies`` are named.  ``n_initial`` None means two of
    each class and ten at least.  ``budget`` is the objects asked beyond the initial ones; None goes
    on until the pool is empty.  Seeds are 0 to ``n_seeds`` - 1, each with a split of its own that
    all strategies share.  ``metric`` is the score whose labels and area are counted; ``target`` is
    one that is wanted on the test set.
    ``keep_best`` scores the best model so far by validation in place of the present one;
    ``patience`` stops a curve after so many rounds without a better one, 0 never; with
    ``stops_at_target`` it stops once the target is reached and held.  ``weights`` of a model that
    learns in steps begin afresh in each round, or are carried on from the one before.
    ``strategy_params`` are the settings of strategies by name; what is left out has its default.
    """

    models: tuple[PlannedModel, ...] = (PlannedModel((PlannedMember("random_forest"),)),)
    strategies: tuple[str, ...] = ("margin",)
    batch_size: int = 10
    initial: Initial = "random"
    n_initial: int | None = None
    budget: int | None = 200
    n_seeds: int = 5
    splits: Splits = field(default_factory=Splits)
    positive: str | None = None
    scale: bool = True
    metric: str = "accuracy"
    target: Target | None = None
    stops_at_target: bool = False
    keep_best: bool = False
    weights: Weights = "fresh"
    patience: int = 0
    strategy_params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def compared(self) -> tuple[str, ...]:
        """The strategies of all curves: random choice first."""
        return (RANDOM, *(name for name in self.strategies if name != RANDOM))

    @property
    def n_curves(self) -> int:
        return len(self.models) * len(self.compared) * self.n_seeds

    @property
    def is_transductive(self) -> bool:
        """Is there no test set, so that scores are over what is not labelled yet?"""
        return not self.splits.test

    def to_dict(self) -> dict[str, Any]:
        made: dict[str, Any] = plain(self)
        for unused in ("seed", "curated"):
            del made["splits"][unused]
        return made

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SimulationPlan":
        """Read a plan; a bad one costs a SettingsError that names key and value."""
        made: SimulationPlan = read_as(cls, data, "simulation")
        check_plan(made)
        return made


def check_plan(plan: SimulationPlan) -> None:
    """Raise SettingsError where a plan cannot be carried out, whatever the data."""
    if not plan.models:
        raise SettingsError("The simulation has no model.", "Choose at least one.")
    names = [model.name for model in plan.models]
    if len(set(names)) < len(names):
        raise SettingsError(f"The simulation has {', '.join(names)}.", "Choose each model once.")
    for model in plan.models:
        spec = model.spec(0)
        for strategy in plan.compared:
            if strategy in COMMITTEE_STRATEGIES:
                if not spec.is_committee:
                    raise SettingsError(
                        f"The strategy '{strategy}' is for a committee, but {model.name} is one "
                        "model.",
                        "Choose another strategy, or several models that vote.",
                    )
            else:
                find_strategy(strategy)
    if len(set(plan.strategies)) < len(plan.strategies):
        raise SettingsError(
            f"The strategies are {', '.join(plan.strategies)}.", "Choose each of them once."
        )
    for name, params in plan.strategy_params.items():
        if name not in plan.compared:
            raise SettingsError(
                f"There are settings for '{name}', which is not compared.",
                f"Compared are {', '.join(plan.compared)}.",
            )
        found = strategy_in_force(name)
        complete(found.title, found.params, params)
    for name, value, least, most in (
        ("batch size", plan.batch_size, 1, None),
        ("number of initial objects", plan.n_initial, 1, None),
        ("budget", plan.budget, 0, None),
        ("number of seeds", plan.n_seeds, 1, MOST_SEEDS),
        ("patience", plan.patience, 0, None),
    ):
        if value is not None and (value < least or (most is not None and value > most)):
            upto = "on" if most is None else f"to {most:,}"
            raise SettingsError(f"The {name} is {value}.", f"Use a number from {least} {upto}.")
    if len(plan.models) * len(plan.compared) > MOST_CURVES:
        raise SettingsError(
            f"{len(plan.models)} models with {len(plan.compared)} strategies are too many.",
            f"Compare {MOST_CURVES} pairs at most.",
        )
    _check_splits(plan)
    metric_named(plan.metric)
    if plan.target is not None:
        check_target(plan.target)
    if plan.stops_at_target and plan.target is None:
        raise SettingsError("There is no target to stop at.", "Set one, as in accuracy=0.9.")


def _check_splits(plan: SimulationPlan) -> None:
    splits = plan.splits
    shares = (splits.train, splits.validation, splits.test)
    if not all(math.isfinite(share) and share >= 0 for share in shares) or splits.train <= 0:
        raise SettingsError(
            f"The split is {', '.join(f'{share:g}' for share in shares)}.",
            "None may be below 0, and some objects have to train.",
        )
    if splits.mode == "shares" and sum(shares) > 100 + 1e-6:
        raise SettingsError(f"The shares add up to {sum(shares):g}%.", "Make them 100% or less.")
    needs = "keeping the best model" if plan.keep_best else "patience" if plan.patience else ""
    if needs and not splits.validation:
        raise SettingsError(
            f"There is no validation set, which {needs} goes by.", "Give it a share of the objects."
        )
    if plan.keep_best and plan.is_transductive:
        raise SettingsError(
            "There is no test set, so there are no scores for a model that is kept.",
            "Give the test set a share of the objects.",
        )


def parse_target(text: str) -> Target:
    """A target as one writes it.

    >>> parse_target("accuracy=0.858")
    Target(metric='accuracy', value=0.858)
    """
    metric, _, value = text.partition("=")
    named = metric_named(metric.strip())
    try:
        return Target(named, float(value))
    except ValueError as error:
        raise SettingsError(
            f"The target is '{text}'.", "Write a score and its value, as in accuracy=0.9."
        ) from error


def parse_split(text: str) -> Splits:
    """Training, validation and test as one writes them.

    Numbers that add up to 1 or less are shares, to 100 or less are shares in percent, and to more
    are numbers of objects.

    >>> split = parse_split("0.6,0.2,0.2")
    >>> split.mode, split.train
    ('shares', 60.0)
    >>> parse_split("40000,5000,5000").mode
    'counts'
    """
    try:
        train, validation, test = (float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(
            f"The split is '{text}'.",
            "Write three numbers, as in 60,20,20 or 40000,5000,5000.",
        ) from error
    total = train + validation + test
    if total <= 1 + 1e-9:
        train, validation, test = (round(100 * n, 9) for n in (train, validation, test))
    is_share = total <= 100 + 1e-9
    if not is_share and not all(n.is_integer() for n in (train, validation, test)):
        raise SettingsError(
            f"The split is '{text}', which adds up to {total:g}.",
            "Shares add up to 100 or less, and numbers of objects are whole.",
        )
    return Splits("shares" if is_share else "counts", train, validation, test)


def balanced(splits: Splits) -> Splits:
    """The same split with as many objects of each class."""
    return replace(splits, draw="balanced")
