"""A simulation from a terminal: what was typed as a plan, what comes of it as JSON.

Owns the defaults of the command and the words of its progress.  Must not know streams.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from al_engine.errors import SettingsError
from al_engine.learning.models import find_model
from al_engine.learning.params import Param
from al_engine.learning.strategies import strategy_in_force
from al_engine.simulating.curves import score_rounds
from al_engine.simulating.gathering import read_material
from al_engine.simulating.material import Material
from al_engine.simulating.performing import FULL, Finished, perform, settled
from al_engine.simulating.running import RANDOM
from al_engine.simulating.savings import said
from al_engine.simulating.settings import (
    Initial,
    PlannedMember,
    PlannedModel,
    SimulationPlan,
    check_plan,
    parse_split,
    parse_target,
)
from al_engine.simulating.summary import as_json, summarise
from al_engine.simulating.titles import model_titles, strategy_title

Say = Callable[[str], None]
_EVERY_S = 5.0


def run(options: Mapping[str, Any], say: Say) -> str:
    """The JSON of what was asked for; ``options`` are named as the command's own are.

    Raises
    ------
    AlEngineError : a choice that cannot be, or data that do not serve it
    """
    plan = plan_of(options)
    say(f"Reading {Path(options['catalogue']).name}.")
    material = read_material(
        Path(options["catalogue"]),
        options["label"],
        id_column=options["id"],
        features=_listed(options["features"]),
        text=options["text"],
        part=options["hdu"],
    )
    plan, material = settled(plan, material)
    finished: list[Finished] = []
    said_at = time.monotonic()
    for each in perform(plan, material):
        finished.append(each)
        if each.round.is_last or time.monotonic() - said_at > _EVERY_S:
            say(_progress(plan, material, each))
            said_at = time.monotonic()
    made = summarise(plan, material, finished)
    for sentence in sentences(made):
        say(sentence)
    return as_json(made)


def sentences(made: Mapping[str, Any]) -> list[str]:
    """What was saved over random choice, level by level."""
    return [
        said(numbers["title"], level_name(level, made["settings"]), saved)
        for numbers in made["summary"].values()
        for level, saved in numbers.get("over_random", {}).items()
        if "saves" in saved and (level != "labels_to_target" or made["settings"]["target"])
    ]


def level_name(level: str, settings: Mapping[str, Any]) -> str:
    """A level of the summary in words."""
    if level == "labels_to_target":
        return f"{settings['target']['metric']} {settings['target']['value']:g}"
    return f"{level.removeprefix('labels_to_')}% of full supervision"


def plan_of(options: Mapping[str, Any]) -> SimulationPlan:
    """What was typed as a plan; a bad one costs a SettingsError."""
    splits = parse_split(options["split"])
    if options["balanced"]:
        splits = replace(splits, draw="balanced")
    target = parse_target(options["target"]) if options["target"] else None
    names = _listed(options["model"]) or [
        "logistic_regression" if options["text"] else "random_forest"
    ]
    if options["start"] not in get_args(Initial):
        raise SettingsError(
            f"The start is '{options['start']}'.", "There are random, balanced, kmeans and first."
        )
    strategies = tuple(name for name in _listed(options["strategy"]) if name != RANDOM)
    models, of_strategies = _with_settings(names, strategies, options["param"])
    plan = SimulationPlan(
        models=models,
        strategies=strategies,
        strategy_params=of_strategies,
        batch_size=options["batch_size"],
        initial=options["start"],
        n_initial=options["initial"],
        budget=options["budget"],
        n_seeds=options["seeds"],
        splits=splits,
        positive=options["positive"],
        scale=not options["no_scale"],
        metric=options["metric"] or (target.metric if target else "accuracy"),
        target=target,
        stops_at_target=options["stop_at_target"],
        keep_best=options["keep_best"],
        weights="carried" if options["carry_weights"] else "fresh",
        patience=options["patience"],
    )
    check_plan(plan)
    return plan


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _with_settings(
    models: Sequence[str], strategies: Sequence[str], settings: Sequence[str]
) -> tuple[tuple[PlannedModel, ...], dict[str, dict[str, Any]]]:
    """Models, and what is set of strategies: each with those of some settings that it has."""
    given = {key: value for key, _, value in (text.partition("=") for text in settings)}
    known: set[str] = set()

    def own(params: Sequence[Param]) -> dict[str, Any]:
        known.update(param.name for param in params)
        return {p.name: _value(p, given[p.name]) for p in params if p.name in given}

    made = tuple(
        PlannedModel(tuple(PlannedMember(m, own(find_model(m).params)) for m in name.split("+")))
        for name in models
    )
    of_strategies = {name: own(strategy_in_force(name).params) for name in strategies}
    for key in given:
        if key not in known:
            raise SettingsError(
                f"'{key}' is a setting of no model and no strategy here.",
                f"There are {', '.join(sorted(known)) or 'none'}.",
            )
    return made, {name: params for name, params in of_strategies.items() if params}


def _value(param: Param, text: str) -> Any:
    """What was typed, as the kind of value that a setting has."""
    if isinstance(param.default, str):
        return text
    try:
        return type(param.default)(text)
    except ValueError as error:
        kind = "a whole number" if isinstance(param.default, int) else "a number"
        raise SettingsError(f"{param.name} is '{text[:40]}'.", f"It has to be {kind}.") from error


def _progress(plan: SimulationPlan, material: Material, each: Finished) -> str:
    scores = score_rounds(replace(plan, keep_best=False), len(material.classes), [each.round])[0]
    value = scores[plan.metric]
    shown = "undefined" if value is None else f"{value:.4f}"
    what = "full supervision" if each.strategy == FULL else strategy_title(each.strategy)
    model = model_titles(plan)[each.model]
    return (
        f"Seed {each.seed + 1} of {plan.n_seeds}, {model}, {what}: {plan.metric} {shown} "
        f"with {each.round.n_labelled:,} labels"
    )
