"""A score that is wanted: which, and how high.

Owns what a score is called in settings, and what a target may be.  Must not know over which objects
it is measured, nor when it counts as reached: in a project that is another thing than in a
simulation, which knows the truth of its test set.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from al_engine.errors import SettingsError

Metric = Literal["accuracy", "precision", "recall", "f1"]
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True)
class Target:
    """A score that is wanted; ``value`` is a share, above 0 and at most 1."""

    metric: Metric
    value: float


def check_target(target: Target) -> None:
    """Raise SettingsError where no score can be so."""
    metric_named(target.metric)
    if not 0 < target.value <= 1:
        raise SettingsError(
            f"The target is {target.metric} {target.value:g}.",
            "A score is above 0 and at most 1.",
        )


def metric_named(name: str) -> Metric:
    """The score of a name; a SettingsError where there is none."""
    for metric in METRICS:
        if metric == name:
            return metric
    raise SettingsError(f"There is no score '{name[:60]}'.", f"There are {', '.join(METRICS)}.")
