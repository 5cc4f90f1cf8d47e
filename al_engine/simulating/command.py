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
from al_engine.simulating.curves import score_rounds
from al_engine.simulating.gathering import read_material
from al_engine.simulating.material import Material
from al_engine.simulating.performing import FULL, Finished, perform, settled
from al_engine.simulating.running import RANDOM
from al_engine.simulating.settings import (
    Initial,
    PlannedMember,
    PlannedModel,
    SimulationPlan,
    check_plan,
    parse_split,
    parse_target,
)
from al_engine.simulating.summary import as_json, said, summarise

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
        said(name, level_name(level, made["settings"]), saved)
        for name, numbers in made["summary"].items()
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
    plan = SimulationPlan(
        models=_models(names, options["param"]),
        strategies=tuple(name for name in _listed(options["strategy"]) if name != RANDOM),
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


def _models(names: Sequence[str], settings: Sequence[str]) -> tuple[PlannedModel, ...]:
    pairs = [text.partition("=") for text in settings]
    used: set[str] = set()
    made = []
    for name in names:
        members = []
        for member in name.split("+"):
            params = {param.name: param for param in find_model(member).params}
            own = {key: _value(params[key], value) for key, _, value in pairs if key in params}
            used |= set(own)
            members.append(PlannedMember(member, own))
        made.append(PlannedModel(tuple(members)))
    for key, _, _ in pairs:
        if key not in used:
            known = sorted(
                {p.name for n in names for m in n.split("+") for p in find_model(m).params}
            )
            raise SettingsError(
                f"'{key}' is a setting of no model here.", f"There are {', '.join(known)}."
            )
    return tuple(made)


def _value(param: Param, text: str) -> Any:
    """What was typed, as the kind of value that a setting has."""
    if isinstance(param.default, str):
        return text
    try:
        return type(param.default)(text)
    except ValueError as error:
        raise SettingsError(f"{param.name} is '{text}'.", "It has to be a number.") from error


def _progress(plan: SimulationPlan, material: Material, each: Finished) -> str:
    scores = score_rounds(replace(plan, keep_best=False), len(material.classes), [each.round])[0]
    value = scores[plan.metric]
    shown = "undefined" if value is None else f"{value:.4f}"
    what = "full supervision" if each.strategy == FULL else each.strategy
    return (
        f"Seed {each.seed + 1} of {plan.n_seeds}, {each.model}, {what}: {plan.metric} {shown} "
        f"with {each.round.n_labelled:,} labels"
    )
