"""A whole simulation: every curve of a plan, in the order in which numbers come in soonest.

Owns which curve comes when, when one is over, and the step from a plan and its material to tasks.
Pure: given what is finished it goes on with the rest, and comes to the same.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from al_engine.errors import WorkCancelled
from al_engine.simulating.curves import is_over
from al_engine.simulating.drawing import draw_first, draw_split, shuffled, usual_number
from al_engine.simulating.material import Features, Material, learning
from al_engine.simulating.running import Round, Task, full_supervision, run_curve
from al_engine.simulating.settings import SimulationPlan

FULL = ""  # stands as the strategy of full supervision, which asks for everything at once
Curve: TypeAlias = tuple[str, str, int]  # model, strategy, seed
Cancelled: TypeAlias = Callable[[], bool]


@dataclass(frozen=True)
class Finished:
    """A round of one curve; full supervision is a curve of one round."""

    model: str
    strategy: str
    seed: int
    round: Round

    @property
    def curve(self) -> Curve:
        return self.model, self.strategy, self.seed


def settled(plan: SimulationPlan, material: Material) -> tuple[SimulationPlan, Material]:
    """The plan with every number in it, and the material with the classes that are told apart.

    Raises
    ------
    SettingsError : the plan does not fit the material
    """
    if plan.positive is not None:
        material = material.against_the_rest(plan.positive)
    if plan.n_initial is None:
        plan = replace(plan, n_initial=usual_number(len(material.classes)))
    return plan, material


def curves_of(plan: SimulationPlan) -> list[Curve]:
    """Every curve in its order: seed by seed, full supervision and random choice first."""
    return [
        (model.name, strategy, seed)
        for seed in range(plan.n_seeds)
        for model in plan.models
        for strategy in (*(() if plan.is_transductive else (FULL,)), *plan.compared)
    ]


def rounds_of(plan: SimulationPlan, n_train: int) -> int:
    """How many rounds a plan has at most, with a training set of so many."""
    n_asked = n_train if plan.budget is None else min(plan.budget, n_train)
    of_curve = 1 + -(-n_asked // plan.batch_size)
    return sum(1 if strategy == FULL else of_curve for _, strategy, _ in curves_of(plan))


def n_training(plan: SimulationPlan, about: Mapping[str, Any]) -> int:
    """About how many objects train, of the material that ``about`` tells of."""
    n_objects = about.get("n_objects", 0)
    if not isinstance(n_objects, int):
        return 0
    if plan.splits.mode == "shares":
        return round(n_objects * plan.splits.train / 100)
    return min(n_objects, round(plan.splits.train))


def perform(
    plan: SimulationPlan,
    material: Material,
    done: Iterable[Finished] = (),
    cancelled: Cancelled = lambda: False,
) -> Iterator[Finished]:
    """Every round of a plan beyond those that are ``done``, each once it is finished.

    Parameters
    ----------
    plan, material : as ``settled`` gives them

    Raises
    ------
    SettingsError : what the objects at hand cannot support, or a model that fails
    WorkCancelled : ``cancelled`` said so
    """
    finished: dict[Curve, list[Round]] = defaultdict(list)
    for each in done:
        finished[each.curve].append(each.round)
    features = Features(material, plan.scale)
    for seed in range(plan.n_seeds):
        wanted = [curve for curve in curves_of(plan) if curve[2] == seed]
        wanted = [c for c in wanted if not finished[c] or not finished[c][-1].is_last]
        if wanted:
            yield from _perform_seed(plan, material, features, seed, wanted, finished, cancelled)


def _perform_seed(
    plan: SimulationPlan,
    material: Material,
    features: Features,
    seed: int,
    wanted: Sequence[Curve],
    finished: dict[Curve, list[Round]],
    cancelled: Cancelled,
) -> Iterator[Finished]:
    y, keys, n_classes = material.y, material.keys, len(material.classes)
    split = draw_split(y, keys, features.groups, plan.splits, seed)
    seen = features.under(split)
    n_initial = usual_number(n_classes) if plan.n_initial is None else plan.n_initial
    initial = draw_first(plan.initial, n_initial, seen.X, y, keys, split.train, seed)
    classes = np.arange(n_classes)
    for model in plan.models:
        learns = learning(
            model.spec(seed),
            seen,
            y,
            classes,
            shuffled(split.validation, keys, seed),
            carries_on=plan.weights == "carried",
        )
        for name, strategy, _ in (curve for curve in wanted if curve[0] == model.name):
            if cancelled():
                raise _stopped()
            task = Task(
                seen.X,
                y,
                classes,
                keys,
                split,
                initial,
                learns,
                strategy,
                seed,
                plan.batch_size,
                plan.budget,
                strategy_params=plan.strategy_params.get(strategy, {}),
            )
            if strategy == FULL:
                tally = full_supervision(task)
                made = Round(0, len(split.train), (), tally, is_last=True)
                yield Finished(name, FULL, seed, made)
                continue
            past = finished[name, strategy, seed]
            for each in run_curve(task, past, lambda rounds: is_over(plan, n_classes, rounds)):
                yield Finished(name, strategy, seed, each)
                if cancelled():
                    raise _stopped()


def _stopped() -> WorkCancelled:
    return WorkCancelled("The simulation was stopped.", "Its finished rounds stay.")
