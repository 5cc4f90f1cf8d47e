"""Maps of a data set in partitions: Datashader on Dask frames, where the rows lie.

Owns which objects a map counts in which category, as ``maps`` says it of a catalogue; gives counts
and highest values by pixel, which ``views`` paints.  Must not know how a frame is computed.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from al_engine.data.history import History
from al_engine.data.parquet_rows import Partition
from al_engine.data.partitions import IsWanted, Workers
from al_engine.data.splits import OUT, TRAIN, VALIDATION
from al_engine.learning.learners import Learner
from al_engine.loop.partitioned.rounds import PartitionedPlan
from al_engine.loop.partitioned.scoring import ScoredChunk, Scoring, answers_of, scored_chunks
from al_engine.views.raster import View

Kind = Literal["training", "validation", "labels"]

CORRECT, INCORRECT, UNLABELLED = 0, 1, 2


@dataclass(frozen=True)
class _Drawing:
    scoring: Scoring
    kind: Kind | Literal["metric"]
    n_categories: int


def category_counts(
    workers: Workers,
    plan: PartitionedPlan,
    history: History,
    learner: Learner | None,
    kind: Kind,
    axes: tuple[str, str],
    view: View,
    is_wanted: IsWanted = lambda: True,
) -> npt.NDArray[np.uint32]:
    """Objects of each category in each pixel, as ``views.raster.category_counts`` gives them.

    Categories are correct, incorrect and unlabelled, for ``training`` and ``validation``, or the
    labels in the order of the settings and then unknown.

    Returns
    -------
    uint32, shape (height_px, width_px, n_categories); row 0 is the top of the picture
    """
    import datashader as ds

    n = len(plan.layout.values) + 1 if kind == "labels" else 3
    drawing = _Drawing(_scoring(plan, history, learner, axes), kind, n)
    counted = ds.count_cat("code")
    counts = _aggregate(workers, plan, drawing, view, counted, is_wanted)
    return np.asarray(counts[::-1], dtype=np.uint32)


def highest_utility(
    workers: Workers,
    plan: PartitionedPlan,
    history: History,
    learner: Learner,
    axes: tuple[str, str],
    view: View,
    is_wanted: IsWanted = lambda: True,
) -> npt.NDArray[np.float64]:
    """The highest utility in each pixel, NaN where there is none; row 0 is the top."""
    import datashader as ds

    drawing = _Drawing(_scoring(plan, history, learner, axes), "metric", 0)
    highest = _aggregate(workers, plan, drawing, view, ds.max("value"), is_wanted)
    return np.asarray(highest[::-1], dtype=np.float64)


def _scoring(
    plan: PartitionedPlan, history: History, learner: Learner | None, axes: tuple[str, str]
) -> Scoring:
    return Scoring(
        plan.layout.reading(*axes),
        answers_of(plan.layout, history, plan.classifier),
        plan.own,
        learner,
        plan.spec.strategy,
    )


def _aggregate(
    workers: Workers,
    plan: PartitionedPlan,
    drawing: _Drawing,
    view: View,
    reduction: Any,
    is_wanted: IsWanted,
) -> npt.NDArray[Any]:
    import datashader as ds

    canvas = ds.Canvas(view.width_px, view.height_px, view.x_range, view.y_range)
    none = np.empty(0, dtype=np.float32)

    def draw(frame: Any) -> Any:
        return canvas.points(frame, "x", "y", reduction)

    return workers.aggregate(
        _place, plan.layout.partitions, drawing, _frame(drawing, none, none, none), draw, is_wanted
    )


# -- on a worker -------------------------------------------------------------------------------


def _place(partition: Partition, drawing: _Drawing) -> pd.DataFrame:
    """The objects of a partition that a map draws: where they lie, and what is drawn of them."""
    x, y, shown = [], [], []
    for scored in scored_chunks(partition, drawing.scoring):
        values, drawn = _drawn(drawing, scored)
        across, along = scored.chunk.others
        x.append(across[drawn])
        y.append(along[drawn])
        shown.append(values[drawn])
    return _frame(drawing, np.concatenate(x), np.concatenate(y), np.concatenate(shown))


def _drawn(
    drawing: _Drawing, scored: ScoredChunk
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    if drawing.kind == "metric":
        return scored.utility, np.isfinite(scored.utility)
    if drawing.kind == "labels":
        unknown = drawing.n_categories - 1
        codes = np.where(scored.codes < 0, unknown, scored.codes)
        return codes, scored.parts != OUT
    inside = scored.parts == (TRAIN if drawing.kind == "training" else VALIDATION)
    judged = np.where(scored.predicted == (scored.truth == 1), CORRECT, INCORRECT)
    is_judged = (scored.truth >= 0) & (drawing.scoring.learner is not None)
    return np.where(is_judged, judged, UNLABELLED), inside


def _frame(
    drawing: _Drawing, x: npt.NDArray[Any], y: npt.NDArray[Any], shown: npt.NDArray[Any]
) -> pd.DataFrame:
    if drawing.kind == "metric":
        return pd.DataFrame({"x": x, "y": y, "value": shown.astype(np.float32)}, copy=False)
    categories = pd.RangeIndex(drawing.n_categories)
    codes = pd.Categorical.from_codes(shown.astype(np.int16), categories=categories)
    return pd.DataFrame({"x": x, "y": y, "code": codes}, copy=False)
