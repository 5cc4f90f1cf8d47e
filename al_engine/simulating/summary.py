"""What a simulation came to, in numbers: curves, full supervision, and how many labels were saved.

Owns every number that the page and the command show, as plain JSON without NaN.  Curves that are
still under way are shown and count for nothing.  Must not know models or files.
"""

import json
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy
import sklearn

from al_engine.settings.target import METRICS
from al_engine.simulating.curves import score_rounds, tested
from al_engine.simulating.material import Material
from al_engine.simulating.performing import FULL, Curve, Finished
from al_engine.simulating.running import RANDOM, Round
from al_engine.simulating.savings import (
    Json,
    Reach,
    area,
    is_more,
    labels_over_seeds,
    over_seeds,
    reach,
    saved_over_seeds,
)
from al_engine.simulating.settings import SimulationPlan
from al_engine.simulating.titles import leaks, pair_title

LEVELS = {f"labels_to_{share}": share for share in (90, 95, 99)}
TARGET = "labels_to_target"
LEVELS_AND_TARGET = (*LEVELS, TARGET)
SCORES = (*METRICS, "false_positives", "false_negatives")
_LIST, _BREAK = re.compile(r"\[\n\s*([^\[\]{}]*?)\n\s*\]"), re.compile(r"\n\s*")


def summarise(
    plan: SimulationPlan,
    material: Material,
    finished: Sequence[Finished],
    metric: str | None = None,
    over: dict[tuple[Curve, int], Json] | None = None,
) -> Json:
    """All numbers of a simulation, or of as much of it as is finished.

    Parameters
    ----------
    plan, material : as ``performing.settled`` gives them
    metric : the score that area and labels are counted by, where not the plan's
    over : what was made before of curves that are over, with their rounds; is added to
    """
    metric = metric or plan.metric
    by_curve: dict[Curve, list[Round]] = {}
    for each in finished:
        by_curve.setdefault(each.curve, []).append(each.round)
    over = {} if over is None else over
    full: list[Json] = []
    curves: list[Json] = []
    for curve, rounds in by_curve.items():
        is_full, at = curve[1] == FULL, (curve, len(rounds))
        made = over.get(at) or (_full if is_full else _curve)(plan, material, curve, rounds)
        if rounds[-1].is_last:
            over[at] = made
        (full if is_full else curves).append(made)
    return {
        "curves": curves,
        "full": full,
        "summary": _summary(plan, curves, full, metric),
        "settings": {
            **plan.to_dict(),
            "metric": metric,
            "classes": list(material.classes),
            "data": dict(material.about),
        },
        "versions": versions(),
    }


def as_json(made: Mapping[str, Any]) -> str:
    """One text for one outcome: null for no number, one line for a list of plain values.

    >>> as_json({"a": [1, None], "b": {}}).splitlines()
    ['{', ' "a": [1, null],', ' "b": {}', '}']
    """
    text = json.dumps(made, indent=1, allow_nan=False, ensure_ascii=False)
    # Line breaks inside strings are escaped: those that stand here are of the layout.
    return _LIST.sub(lambda found: f"[{_BREAK.sub(' ', found[1])}]", text) + "\n"


def versions() -> dict[str, str]:
    """Of what computed the numbers."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _full(plan: SimulationPlan, material: Material, curve: Curve, rounds: list[Round]) -> Json:
    """Full supervision of one seed."""
    model, _, seed = curve
    scores = score_rounds(plan, len(material.classes), rounds)[0]
    return {"model": model, "seed": seed, "n_labelled": rounds[0].n_labelled, **scores}


def _curve(plan: SimulationPlan, material: Material, curve: Curve, rounds: list[Round]) -> Json:
    """One curve; ``queried`` are rows of the catalogue, ``confusion`` is of its last round."""
    model, strategy, seed = curve
    n_classes = len(material.classes)
    scored = score_rounds(plan, n_classes, rounds)
    return {
        "model": model,
        "strategy": strategy,
        "seed": seed,
        "leaks": leaks(strategy),
        "is_over": rounds[-1].is_last,
        "n_labelled": [each.n_labelled for each in rounds],
        **{name: [each[name] for each in scored] for name in SCORES},
        "confusion": tested(plan, n_classes, rounds)[-1].matrix(n_classes).tolist(),
        "queried": [material.rows[list(each.queried)].tolist() for each in rounds],
    }


# -- over seeds --------------------------------------------------------------------------------


def _summary(
    plan: SimulationPlan, curves: Sequence[Json], full: Sequence[Json], metric: str
) -> Json:
    """By pair of model and strategy, of the curves that are over."""
    best = {(each["model"], each["seed"]): each for each in full}
    found: dict[tuple[str, str], dict[int, Json]] = {}
    for curve in curves:
        if curve["is_over"]:
            found.setdefault((curve["model"], curve["strategy"]), {})[curve["seed"]] = curve
    over = [curve for by_seed in found.values() for curve in by_seed.values()]
    # Of curves that end at different labels only what they have in common can be compared.
    start = max((curve["n_labelled"][0] for curve in over), default=0)
    stop = max(start, min((curve["n_labelled"][-1] for curve in over), default=0))
    made: Json = {}
    for (model, strategy), by_seed in found.items():
        areas = {
            seed: area(curve["n_labelled"], curve[metric], start, stop)
            for seed, curve in by_seed.items()
        }
        one: Json = {
            "model": model,
            "strategy": strategy,
            "title": pair_title(plan, model, strategy),
            "leaks": leaks(strategy),
            "aubc": {**over_seeds(list(areas.values()), 0, 1), "from": start, "to": stop},
        }
        reached = {
            name: {seed: _reach(curve, best, plan, name, metric) for seed, curve in by_seed.items()}
            for name in LEVELS_AND_TARGET
        }
        one |= {name: labels_over_seeds(list(each.values())) for name, each in reached.items()}
        one["at_end"] = {
            "n_labelled": over_seeds([curve["n_labelled"][-1] for curve in by_seed.values()], 0),
            **{
                name: over_seeds(
                    [curve[name][-1] for curve in by_seed.values()],
                    0,
                    1 if name in METRICS else None,
                )
                for name in SCORES
            },
        }
        if strategy != RANDOM and (other := found.get((model, RANDOM))):
            # The same seed has the same objects and begins with the same labels.
            seeds = [seed for seed in by_seed if seed in other]
            gains = [
                _difference(areas[s], area(other[s]["n_labelled"], other[s][metric], start, stop))
                for s in seeds
            ]
            gained = over_seeds(gains)
            one["over_random"] = {
                "aubc": {**gained, "is_better": is_more(gained), "from": start, "to": stop},
                **{
                    name: saved_over_seeds(
                        [(each[s], _reach(other[s], best, plan, name, metric)) for s in seeds]
                    )
                    for name, each in reached.items()
                },
            }
        made[_name(plan, model, strategy)] = one
    return made


def _difference(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs


def _name(plan: SimulationPlan, model: str, strategy: str) -> str:
    """The key of a pair: its strategy where there is one model."""
    return strategy if len(plan.models) == 1 else f"{model}/{strategy}"


def _reach(
    curve: Json, best: Mapping[Any, Json], plan: SimulationPlan, name: str, metric: str
) -> Reach | None:
    """How a curve gets to a level; None where there is no such level."""
    full = best.get((curve["model"], curve["seed"]))
    least = None
    if name == TARGET:
        if plan.target is not None:
            metric, least = plan.target.metric, plan.target.value
    elif full is not None and full[metric] is not None:
        least = full[metric] * LEVELS[name] / 100
    if least is None:
        return None
    n_labelled = curve["n_labelled"]
    is_whole = full is not None and n_labelled[-1] == full["n_labelled"]
    return reach(n_labelled, curve[metric], least, is_whole=is_whole)
