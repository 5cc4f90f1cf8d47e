"""What is to be seen of a simulation: curves with their bands, a table, and where it asked.

Owns the step from its numbers to what a page draws.  Must not know the browser or Streamlit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from al_engine.projects.project import Project
from al_engine.settings.target import METRICS
from al_engine.simulating.command import level_name
from al_engine.simulating.running import RANDOM
from al_engine.simulating.savings import over_seeds, said, said_of_area
from al_engine.simulating.settings import SimulationPlan
from al_engine.simulating.summary import LEVELS_AND_TARGET, TARGET
from al_engine.simulating.titles import model_titles, pair_title
from al_engine.views.palette import NEUTRAL, OKABE_ITO
from al_engine.views.raster import View, category_counts, default_range, paint_categories

Pair: TypeAlias = tuple[str, str]  # model, strategy


@dataclass(frozen=True)
class Band:
    """A mean over seeds by number of labels, with its interval; None where there is none."""

    name: str
    colour: str
    n_labelled: tuple[int, ...]
    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    n_seeds: int
    is_random: bool = False


def bands(plan: SimulationPlan, numbers: Mapping[str, Any], score: str) -> list[Band]:
    """A band for each pair of model and strategy, as far as each of its seeds goes.

    A curve that is under way counts only where its pair has no other: a line would shrink at every
    new seed.  Where the score of a seed is undefined there is no mean.
    """
    most = 1.0 if score in METRICS else None
    found = []
    for place, pair in enumerate(pairs(plan)):
        every = [c for c in numbers["curves"] if (c["model"], c["strategy"]) == pair]
        curves = [c for c in every if c["is_over"]] or every
        if not curves:
            continue
        at = sorted({n for curve in curves for n in curve["n_labelled"]})
        first = max(curve["n_labelled"][0] for curve in curves)
        last = min(curve["n_labelled"][-1] for curve in curves)
        # Where batches differ in size a curve stands where it was at its last round.
        at = [n for n in at if first <= n <= last]
        points = [over_seeds([_score_at(c, score, n) for c in curves], 0.0, most) for n in at]
        mean, low, high = (
            tuple(None if point["n_without"] else point[end] for point in points)
            for end in ("mean", "low", "high")
        )
        is_random = pair[1] == RANDOM
        colour = NEUTRAL if is_random else OKABE_ITO[(place - 1) % len(OKABE_ITO)]
        name = pair_title(plan, *pair)
        found.append(Band(name, colour, tuple(at), mean, low, high, len(curves), is_random))
    return found


def pairs(plan: SimulationPlan) -> list[Pair]:
    """All that is compared, model by model, random choice first."""
    return [(model.name, strategy) for model in plan.models for strategy in plan.compared]


def _score_at(curve: Mapping[str, Any], score: str, n: int) -> float | None:
    place = int(np.searchsorted(curve["n_labelled"], n, side="right")) - 1
    value: float | None = curve[score][place]
    return value


def full_supervision(
    plan: SimulationPlan, numbers: Mapping[str, Any], score: str
) -> list[tuple[str, dict[str, Any]]]:
    """By model, the score with every label of the training set: the mean and its interval."""
    most = 1.0 if score in METRICS else None
    found = []
    for name, title in model_titles(plan).items():
        scores = [each[score] for each in numbers["full"] if each["model"] == name]
        if scores:
            found.append((title, over_seeds(scores, 0.0, most)))
    return found


def curve_of(numbers: Mapping[str, Any], pair: Pair, seed: int) -> Mapping[str, Any] | None:
    """One curve that is over; None where it is not there yet."""
    wanted = (*pair, seed)
    found = (c for c in numbers["curves"] if (c["model"], c["strategy"], c["seed"]) == wanted)
    return next((curve for curve in found if curve["is_over"]), None)


# -- in words and in a table -------------------------------------------------------------------


def verdicts(numbers: Mapping[str, Any], level: str) -> list[str]:
    """For each strategy how many labels it saves on the way to a level, in a sentence."""
    said_of = level_name(level, numbers["settings"])
    return [
        said(found["title"], said_of, found["over_random"][level])
        for found in numbers["summary"].values()
        if "over_random" in found
    ]


def gains(numbers: Mapping[str, Any], score: str) -> list[str]:
    """For each strategy how its mean score over all labels differs from that of random choice."""
    return [
        said_of_area(found["title"], score, found["over_random"]["aubc"])
        for found in numbers["summary"].values()
        if "over_random" in found
    ]


def levels(numbers: Mapping[str, Any]) -> dict[str, str]:
    """The levels that labels are counted to, by name: those of full supervision, and a target."""
    settings = numbers["settings"]
    kept = [name for name in LEVELS_AND_TARGET if name != TARGET or settings["target"]]
    if not numbers["full"]:
        kept = [name for name in kept if name == TARGET]
    return {name: level_name(name, settings) for name in kept}


def range_compared(numbers: Mapping[str, Any]) -> tuple[int, int] | None:
    """The labels that all curves go through, of which areas are; None before one is over."""
    for found in numbers["summary"].values():
        return found["aubc"]["from"], found["aubc"]["to"]
    return None


def ends_differ(numbers: Mapping[str, Any]) -> bool:
    """Do curves end at different numbers of labels, as at a target or for want of patience?"""
    return len({c["n_labelled"][-1] for c in numbers["curves"] if c["is_over"]}) > 1


def table(numbers: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for each pair of model and strategy, every cell a mean with its interval."""
    rows = []
    for found in numbers["summary"].values():
        row = {"strategy": found["title"], "area": _interval(found["aubc"], ".3f")}
        for level in levels(numbers):
            row[level] = _labels(found[level])
            if "over_random" in found:
                row[f"saved_{level}"] = _saved(found["over_random"][level])
        for count in ("n_labelled", "false_positives", "false_negatives"):
            row[count] = _interval(found["at_end"][count], ",.0f")
        rows.append(row)
    return rows


def by_labels(found: Sequence[Band]) -> list[dict[str, str]]:
    """A row for each number of labels, with the mean of each band there."""
    means = {band.name: dict(zip(band.n_labelled, band.mean, strict=True)) for band in found}
    return [
        {"Labels": f"{n:,}"}
        | {name: "" if of.get(n) is None else f"{of[n]:.3f}" for name, of in means.items()}
        for n in sorted({n for band in found for n in band.n_labelled})
    ]


def _interval(found: Mapping[str, Any], form: str) -> str:
    if found["mean"] is None:
        return "–"
    mean = format(found["mean"], form)
    if found["low"] is None:
        return mean
    return f"{mean} ({format(found['low'], form)} to {format(found['high'], form)})"


def _labels(found: Mapping[str, Any]) -> str:
    """A mean over all seeds, or what it is at least where some do not get there."""
    n_seeds = found["n"] + found["n_without"]
    if not found["n"]:
        return "not reached"
    if found["at_least"] is not None:
        return f"≥ {found['at_least']:,.0f}; reached in {found['n']} of {n_seeds}"
    return _interval(found, ",.0f")


def _saved(found: Mapping[str, Any]) -> str:
    """What is known of the saving over all seeds."""
    if not found["by_seed"]:
        return "–"
    if not found["n_without"]:
        return _interval(found, ",.0f") + ("" if found["saves"] else "; none shown")
    if (least := found["at_least"]) is not None:
        low = "" if least["low"] is None else f" (from {least['low']:,.0f} on)"
        return f"≥ {least['mean']:,.0f}{low}" + ("" if found["saves"] else "; none shown")
    if (most := found["at_most"]) is not None:
        return f"≤ {most['mean']:,.0f}; none shown"
    return "cannot be told"


# -- where it asked ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Objects that were asked about: where they lie, and in which round, from 0."""

    x: tuple[float | None, ...]
    y: tuple[float | None, ...]
    round: tuple[int, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Ground:
    """All objects on the project's axes, as a picture, and the ranges it shows."""

    picture: bytes
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    axes: tuple[str, str]


def ground(project: Project, width_px: int, height_px: int) -> Ground | None:
    """Where all objects lie; None where the project has no axes."""
    config = project.config
    if not (config.x_axis and config.y_axis):
        return None
    x, y = project.axis(config.x_axis), project.axis(config.y_axis)
    view = View(default_range(x), default_range(y), width_px, height_px)
    counts = category_counts(x, y, np.zeros(len(x), dtype=np.uint8), 1, view)
    picture = paint_categories(counts, [NEUTRAL])
    return Ground(picture, view.x_range, view.y_range, (config.x_axis, config.y_axis))


MOST_DRAWN = 5_000


def asked(project: Project, queried: Sequence[Sequence[int]], up_to: int) -> Asked:
    """The objects of the rounds up to one, by their rows in the catalogue; the last ones of many.

    What is not in the catalogue any more is left out.
    """
    config = project.config
    x, y = project.axis(config.x_axis), project.axis(config.y_axis)
    pairs = [(row, i) for i, rows in enumerate(queried[: up_to + 1]) for row in rows]
    pairs = [(row, i) for row, i in pairs if row < len(x)][-MOST_DRAWN:]
    rows = [row for row, _ in pairs]
    places = [[None if np.isnan(v) else float(v) for v in axis[rows]] for axis in (x, y)]
    ids = project.catalogue.object_ids(config.columns.id, rows) if rows else []
    return Asked(tuple(places[0]), tuple(places[1]), tuple(i for _, i in pairs), tuple(ids))
