"""The plan to begin with: a classifier's own set-up, beside random choice, at a size that ends.

Owns the defaults of a project's simulations.  Everything can be changed.
"""

from collections.abc import Sequence
from dataclasses import replace

from al_engine.guesses import guess_setup
from al_engine.learning.strategies import COMMITTEE_STRATEGIES
from al_engine.public import is_public, limits
from al_engine.settings.config import ALL_LABELS, ClassifierSetup, ProjectConfig, Splits
from al_engine.simulating.performing import rounds_of
from al_engine.simulating.running import RANDOM
from al_engine.simulating.settings import PlannedMember, PlannedModel, SimulationPlan

LARGE, SMALL_BUDGET = 50_000, 200
LARGER_BATCHES = (2, 5, 10, 20, 50, SMALL_BUDGET)
_COUNTS = Splits(
    "counts", 20_000, 5_000, 5_000
)  # of a large catalogue: enough for any curve, and soon done


def planned_model(setup: ClassifierSetup) -> PlannedModel:
    """What a classifier trains."""
    return PlannedModel(tuple(PlannedMember(m.model, dict(m.params)) for m in setup.members))


def models_at_hand(config: ProjectConfig) -> dict[str, PlannedModel]:
    """By name, what the classifiers of a project train as they are set up, each once."""
    found = (planned_model(setup) for setup in config.setups.values())
    return {model.name: model for model in found}


def usual_plan(config: ProjectConfig, classifier: str | None, n_known: int) -> SimulationPlan:
    """A plan for one label against the rest, or for all labels at once (None).

    Parameters
    ----------
    n_known : objects whose label is known
    """
    setup = config.setups.get(classifier or ALL_LABELS) or guess_setup(config.features)
    strategy = setup.committee_strategy if len(setup.members) > 1 else setup.members[0].strategy
    splits = usual_splits(n_known, config.splits)
    n_train = splits.train if splits.mode == "counts" else n_known * splits.train / 100
    own = {strategy: dict(setup.strategy_params)} if setup.strategy_params else {}
    plan = SimulationPlan(
        models=(planned_model(setup),),
        strategies=() if strategy == RANDOM else (strategy,),
        batch_size=setup.batch_size,
        budget=max(1, min(SMALL_BUDGET, int(n_train // 2))),
        n_seeds=5 if not is_public() else 3,
        splits=splits,
        positive=classifier,
        scale=config.features.scale,
        strategy_params=own,
        initial=setup.initial_draw,
    )
    if is_public():  # which lends so many fits and no more
        for size in LARGER_BATCHES:
            if rounds_of(plan, int(n_train)) <= limits().simulation_fits:
                break
            plan = replace(plan, batch_size=max(size, plan.batch_size))
    return plan


def usual_splits(n_known: int, own: Splits) -> Splits:
    """The project's shares where they test; numbers of objects where there are very many."""
    if is_public() and n_known > (most := limits().simulation_objects):
        return Splits("counts", most * 3 // 5, most // 5, most // 5)
    if n_known > LARGE:
        return _COUNTS
    if own.mode == "shares" and own.test and not own.curated:
        return Splits("shares", own.train, own.validation, own.test, own.draw)
    return Splits()


def fitting(models: Sequence[PlannedModel], strategy: str) -> bool:
    """Can every one of some models be asked by a strategy?"""
    return strategy not in COMMITTEE_STRATEGIES or all(len(m.members) > 1 for m in models)
