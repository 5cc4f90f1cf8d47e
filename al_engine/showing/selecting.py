"""What a selection of objects holds, beside all the others: labels and features.

Owns the figures of that comparison.  Must not know how objects were selected, nor pages.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.features import plottable
from al_engine.loop.truth import Rows
from al_engine.session import LabellingSession, State
from al_engine.settings.panels import Panel
from al_engine.showing.colouring import colouring_of
from al_engine.showing.maps import Drawn

COMPARED = 100_000  # objects of either side are enough for medians and quartiles
MOST_FEATURES = 40


@dataclass(frozen=True)
class LabelCount:
    """How many objects have a label: of the selection, and of all others."""

    name: str
    n_selected: int
    n_others: int


@dataclass(frozen=True)
class FeatureContrast:
    """A feature's median and quartiles in the selection, and its median among the others.

    ``shift`` is the difference of the medians in interquartile ranges of the others; None where
    either side has no values, or the others have but one.
    """

    name: str
    median: float | None
    quartiles: tuple[float, float] | None
    median_others: float | None
    shift: float | None


@dataclass(frozen=True)
class Summary:
    """A selection against the rest; features come by how far they are shifted."""

    n: int
    n_others: int
    labels: tuple[LabelCount, ...]
    features: tuple[FeatureContrast, ...]


def summary(session: LabellingSession, drawn: Drawn, state: State | None, rows: Rows) -> Summary:
    """Compare a selection with all other objects.

    Parameters
    ----------
    state : of the classifier whose verified labels outrank the catalogue's, None for none
    rows : each once, in order
    """
    project = session.project
    n_rows = project.catalogue.n_rows
    by_label = colouring_of(project, drawn, Panel(colour="label"), state, "blue_orange")
    assert by_label.codes is not None, "labels are categories"
    everywhere = np.bincount(by_label.codes, minlength=len(by_label.names))
    here = np.bincount(by_label.codes[rows], minlength=len(by_label.names))
    labels = tuple(
        LabelCount(name, int(n), int(of - n))
        for name, n, of in zip(by_label.names, here, everywhere, strict=True)
        if of
    )
    others = _others(rows, n_rows)
    some = rows[:: max(1, -(-len(rows) // COMPARED))]
    names = plottable(session.config.features)[:MOST_FEATURES]
    contrasts = [_contrast(name, project.axis(name), some, others) for name in names]
    contrasts.sort(key=lambda c: -abs(c.shift or 0.0))
    return Summary(len(rows), n_rows - len(rows), labels, tuple(contrasts))


def _others(rows: Rows, n_rows: int) -> Rows:
    """Some of the objects that are not selected, evenly through the catalogue."""
    step = max(1, n_rows // COMPARED)
    every = np.arange(0, n_rows, step)
    return every[~np.isin(every, rows, assume_unique=True)]


def _contrast(
    name: str, values: npt.NDArray[np.float32], rows: Rows, others: Rows
) -> FeatureContrast:
    here, there = _finite(values[rows]), _finite(values[others])
    if not len(here):
        median_there = float(np.median(there)) if len(there) else None
        return FeatureContrast(name, None, None, median_there, None)
    low, middle, high = (float(q) for q in np.percentile(here, [25, 50, 75]))
    if not len(there):
        return FeatureContrast(name, middle, (low, high), None, None)
    first, median_there, third = (float(q) for q in np.percentile(there, [25, 50, 75]))
    shift = (middle - median_there) / (third - first) if third > first else None
    return FeatureContrast(name, middle, (low, high), median_there, shift)


def _finite(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
