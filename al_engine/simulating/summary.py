"""What a simulation came to, in numbers: curves, full supervision, and how many labels were saved.

Owns every number that the page and the command show, as plain JSON without NaN.  Intervals are
over seeds: the mean of so few with Student's t.  Must not know models or files.
"""

import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy
import sklearn
from scipy.stats import t as student

from al_engine.settings.target import METRICS, Target
from al_engine.simulating.curves import reached_at, score_rounds, tested
from al_engine.simulating.material import Material
from al_engine.simulating.performing import FULL, Curve, Finished
from al_engine.simulating.running import RANDOM, Round
from al_engine.simulating.settings import SimulationPlan

LEVELS = (90, 95, 99)
SCORES = (*METRICS, "false_positives", "false_negatives")
TARGET = "labels_to_target"
_LIST, _BREAK = re.compile(r"\[\n\s*([^\[\]{}]*?)\n\s*\]"), re.compile(r"\n\s*")
Number: TypeAlias = float | int | None
Json: TypeAlias = dict[str, Any]


def summarise(
    plan: SimulationPlan,
    material: Material,
    finished: Sequence[Finished],
    metric: str | None = None,
) -> Json:
    """All numbers of a simulation, or of as much of it as is finished.

    Parameters
    ----------
    plan, material : as ``performing.settled`` gives them
    metric : the score that area and labels are counted by, where not the plan's
    """
    metric = metric or plan.metric
    by_curve: dict[Curve, list[Round]] = {}
    for each in finished:
        by_curve.setdefault(each.curve, []).append(each.round)
    full = [
        {
            "model": model,
            "seed": seed,
            "n_labelled": rounds[0].n_labelled,
            **score_rounds(plan, len(material.classes), rounds)[0],
        }
        for (model, strategy, seed), rounds in by_curve.items()
        if strategy == FULL
    ]
    curves = [
        _curve(plan, material, curve, rounds)
        for curve, rounds in by_curve.items()
        if curve[1] != FULL
    ]
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


def _curve(plan: SimulationPlan, material: Material, curve: Curve, rounds: list[Round]) -> Json:
    """One curve; ``queried`` are rows of the catalogue, ``confusion`` is of its end."""
    model, strategy, seed = curve
    n_classes = len(material.classes)
    scored = score_rounds(plan, n_classes, rounds)
    return {
        "model": model,
        "strategy": strategy,
        "seed": seed,
        "n_labelled": [each.n_labelled for each in rounds],
        **{name: [each[name] for each in scored] for name in SCORES},
        "confusion": tested(plan, n_classes, rounds)[-1].matrix(n_classes).tolist(),
        "queried": [material.rows[list(each.queried)].tolist() for each in rounds],
    }


# -- over seeds --------------------------------------------------------------------------------


def over_seeds(
    values: Sequence[Number], least: float | None = None, most: float | None = None
) -> Json:
    """The mean with its 95% interval; what is None counts in ``n_without`` alone.

    The interval is mean +- t s / sqrt(n), with Student's t of n - 1 degrees of freedom, as far as
    it lies between the ``least`` and the ``most`` there can be; there is none over one value.
    """
    known = [float(value) for value in values if value is not None]
    n = len(known)
    mean = math.fsum(known) / n if n else None
    low = high = None
    if mean is not None and n > 1:
        spread = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (n - 1))
        half = float(student.ppf(0.975, n - 1)) * spread / math.sqrt(n)
        low = mean - half if least is None else max(least, mean - half)
        high = mean + half if most is None else min(most, mean + half)
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "n": n,
        "n_without": len(values) - n,
        "by_seed": list(values),
    }


def area(n_labelled: Sequence[int], scores: Sequence[Number]) -> float | None:
    """The mean height of a curve over its labels, by trapezoids; undefined scores count as 0.

    >>> area([10, 20, 40], [0.0, 1.0, 1.0])
    0.8333333333333334
    """
    heights = [0.0 if value is None else float(value) for value in scores]
    if len(heights) < 2:
        return heights[0] if heights else None
    whole = float(np.trapezoid(heights, n_labelled))
    return whole / (n_labelled[-1] - n_labelled[0])


def _summary(
    plan: SimulationPlan, curves: Sequence[Json], full: Sequence[Json], metric: str
) -> Json:
    best = {(each["model"], each["seed"]): each for each in full}
    made: Json = {}
    labels: dict[tuple[str, str], dict[str, list[Number]]] = {}
    found: dict[tuple[str, str], list[Json]] = {}
    for curve in curves:
        found.setdefault((curve["model"], curve["strategy"]), []).append(curve)
    for (model, strategy), same in found.items():
        targets = {f"labels_to_{level}": _level(level, metric) for level in LEVELS}
        counts = {
            name: [_labels_to(curve, best, least) for curve in same]
            for name, least in targets.items()
        }
        counts[TARGET] = [_labels_to_target(curve, best, plan.target) for curve in same]
        labels[model, strategy] = counts
        made[_name(plan, model, strategy)] = {
            "model": model,
            "strategy": strategy,
            "aubc": over_seeds([area(curve["n_labelled"], curve[metric]) for curve in same], 0, 1),
            **{name: over_seeds(values, 0) for name, values in counts.items()},
            "at_end": {
                name: over_seeds([c[name][-1] for c in same], 0, 1 if name in METRICS else None)
                for name in SCORES
            },
        }
    for (model, strategy), same in found.items():
        if strategy != RANDOM and (model, RANDOM) in found:
            by_seed = {curve["seed"]: curve for curve in found[model, RANDOM]}
            made[_name(plan, model, strategy)]["over_random"] = _over_random(
                same, by_seed, labels[model, strategy], labels[model, RANDOM], metric
            )
    return made


def _name(plan: SimulationPlan, model: str, strategy: str) -> str:
    """What a pair is called: by its strategy where there is one model."""
    return strategy if len(plan.models) == 1 else f"{model}/{strategy}"


def _level(level: int, metric: str) -> Any:
    def least(full: Mapping[str, Any]) -> float | None:
        value = full[metric]
        return None if value is None else value * level / 100

    return metric, least


def _labels_to(curve: Json, best: Mapping[Any, Json], level: Any) -> Number:
    metric, least = level
    full = best.get((curve["model"], curve["seed"]))
    wanted = None if full is None else least(full)
    return None if wanted is None else _first_held(curve, metric, wanted, full)


def _labels_to_target(curve: Json, best: Mapping[Any, Json], target: Target | None) -> Number:
    if target is None:
        return None
    full = best.get((curve["model"], curve["seed"]))
    return _first_held(curve, target.metric, target.value, full)


def _first_held(curve: Json, metric: str, least: float, full: Json | None) -> int | None:
    """The labels at which a score is reached and held; None where it is not."""
    n_labelled = curve["n_labelled"]
    is_whole = full is not None and n_labelled[-1] == full["n_labelled"]
    at = reached_at(curve[metric], least, is_whole=is_whole)
    return None if at is None else int(n_labelled[at])


# -- against random choice ---------------------------------------------------------------------


def _over_random(
    curves: Sequence[Json],
    random: Mapping[int, Json],
    labels: Mapping[str, Sequence[Number]],
    random_labels: Mapping[str, Sequence[Number]],
    metric: str,
) -> Json:
    """Paired differences: the same seed has the same objects and begins with the same labels."""
    seeds = [curve["seed"] for curve in curves]
    places = {seed: i for i, seed in enumerate(random)}
    gains: list[Number] = []
    for curve in curves:
        other = random.get(curve["seed"])
        ours = area(curve["n_labelled"], curve[metric])
        theirs = None if other is None else area(other["n_labelled"], other[metric])
        gains.append(None if ours is None or theirs is None else ours - theirs)
    made: Json = {"aubc": {**over_seeds(gains), "is_better": _is_more(over_seeds(gains))}}
    for name, counts in labels.items():
        saved: list[Number] = []
        n_at_least = n_at_most = 0
        for curve, ours in zip(curves, counts, strict=True):
            place = places.get(curve["seed"])
            if place is None:
                saved.append(None)
                continue
            theirs, other = random_labels[name][place], random[curve["seed"]]
            if ours is not None and theirs is not None:
                saved.append(theirs - ours)
            elif ours is not None:
                # Random choice did not get there: it needs more labels than it was given.
                saved.append(max(0, other["n_labelled"][-1] - ours))
                n_at_least += 1
            elif theirs is not None:
                saved.append(min(0, theirs - curve["n_labelled"][-1]))
                n_at_most += 1
            else:
                saved.append(None)
        found = over_seeds(saved)
        made[name] = {
            **found,
            "n_at_least": n_at_least,
            "n_at_most": n_at_most,
            "saves": _is_more(found),
        }
    assert len(seeds) == len(gains), "one of each seed"
    return made


def _is_more(found: Mapping[str, Any]) -> bool | None:
    """Does the whole interval lie above 0?  None where there is none to tell by."""
    if found["low"] is None:
        return False if found["mean"] is not None and found["mean"] <= 0 else None
    return bool(found["low"] > 0)


def said(name: str, level: str, saved: Mapping[str, Any]) -> str:
    """How many labels a strategy saves over random choice, in a sentence.

    >>> found = over_seeds([40, 60, 50]) | {"n_at_least": 0, "n_at_most": 0, "saves": True}
    >>> said("margin", "95% of full supervision", found)
    'margin saves 50 labels on the way to 95% of full supervision (95% interval 25 to 75).'
    """
    way = f"on the way to {level}"
    if saved["mean"] is None:
        return f"Neither {name} nor random choice reaches {level} within the budget."
    interval = "one seed tells no interval"
    if saved["low"] is not None:
        interval = f"95% interval {saved['low']:,.0f} to {saved['high']:,.0f}"
    amount = abs(round(saved["mean"]))
    if saved["saves"]:
        least = "at least " if saved["n_at_least"] else ""
        return f"{name} saves {least}{amount:,} labels {way} ({interval})."
    if saved["saves"] is None:
        return f"{name} took {amount:,} labels fewer {way} with one seed: run more to tell."
    if saved["high"] is not None and saved["high"] < 0:
        return f"{name} saves none {way}: it needs {amount:,} more than random ({interval})."
    return f"{name} saves no labels {way} that these seeds could show ({interval})."
