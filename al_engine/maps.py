"""What each map shows of a classifier's state, and its picture.

Owns which objects a map draws and in which category.  Takes a session's state, gives PNG bytes;
must not know the browser or Streamlit.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from al_engine.data.splits import OUT, TRAIN, VALIDATION
from al_engine.fitting import Rows, parts_in_force, truth_in_force
from al_engine.session import LabellingSession, State
from al_engine.views.palette import CORRECTNESS, NEUTRAL
from al_engine.views.raster import (
    HIDDEN,
    Range,
    View,
    category_counts,
    default_range,
    nearest,
    paint_categories,
    paint_values,
)

Kind = Literal["training", "metric", "validation", "labels"]
Codes = npt.NDArray[np.uint8]

CORRECT, INCORRECT, UNLABELLED = 0, 1, 2
PICTURES_KEPT = 48
RANGE_FROM = 100_000  # objects are enough to tell where nearly all lie


@dataclass(frozen=True)
class Shown:
    """What of a map is shown; ``cell`` keeps one cell (actual, predicted) of a matrix only."""

    correct: bool = True
    incorrect: bool = True
    unlabelled: bool = True
    trained_on: bool = True
    queried: bool = True
    cell: tuple[str, int, int] | None = None


class Maps:
    """The maps of one session; keeps the last pictures, for a page is drawn again and again."""

    def __init__(self, session: LabellingSession) -> None:
        self._session = session
        self._home: tuple[object, tuple[Range, Range]] | None = None
        self._kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    @property
    def axes(self) -> tuple[str, str]:
        config = self._session.config
        return config.x_axis, config.y_axis

    def home(self, state: State, width_px: int, height_px: int) -> View:
        """The view that shows nearly everything, and all that was trained on or is asked."""
        kept = list(state.history.trained)
        if state.question is not None:
            kept.append(state.question.row)
        key = (self.axes, self._session.config, tuple(kept))
        if self._home is None or self._home[0] != key:
            x, y = self._coordinates()
            rows = np.flatnonzero(self._session.project.dataset().parts != OUT)
            rows = rows[:: max(1, len(rows) // RANGE_FROM)]
            ranges = default_range(x[rows], x[kept]), default_range(y[rows], y[kept])
            self._home = (key, ranges)
        return View(*self._home[1], width_px, height_px)

    def picture(
        self,
        kind: Kind,
        state: State,
        view: View,
        shown: Shown,
        colours: str = "blue_orange",
        value_colours: str = "viridis",
    ) -> bytes:
        """A PNG of one map with transparent ground, ``view.width_px`` by ``view.height_px``."""
        # A strategy changes the metric and nothing else; settings change what there is to draw.
        fitted = (state.fit.key, state.fit.strategy) if state.fit else self._session.config
        moment = (repr(fitted), state.history.last_seq, state.past)
        look = (self.axes, self._session.config.labels, colours, value_colours)
        key = (kind, state.classifier, moment, view, shown, look)
        if key not in self._kept:
            draw: dict[Kind, Callable[[], bytes]] = {
                "training": lambda: self._correctness(state, view, shown, colours, TRAIN),
                "validation": lambda: self._correctness(state, view, shown, colours, VALIDATION),
                "metric": lambda: self._metric(state, view, value_colours),
                "labels": lambda: self._labels(state, view),
            }
            self._kept[key] = draw[kind]()
            while len(self._kept) > PICTURES_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def metric_range(self, state: State) -> tuple[float, float]:
        """Lowest and highest utility in the training set; (0, 0) where there is none."""
        if state.fit is None:
            return 0.0, 0.0
        values = state.fit.utility[np.isfinite(state.fit.utility)]
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)

    def has_unlabelled(self, state: State) -> bool:
        """Does the training set hold objects whose label nobody knows?"""
        return bool((self._codes(state, TRAIN) == UNLABELLED).any())

    def nearest_row(
        self, kind: Kind, state: State, x: float, y: float, view: View, shown: Shown
    ) -> int | None:
        """The object that a click on a map means: the nearest one drawn there, or None."""
        xs, ys = self._coordinates()
        return nearest(xs, ys, x, y, view, np.flatnonzero(self._drawn(kind, state, shown)))

    def place(self, rows: Rows | list[int]) -> tuple[list[float], list[float]]:
        """Where some objects lie on the axes."""
        x, y = self._coordinates()
        return [float(v) for v in x[rows]], [float(v) for v in y[rows]]

    def cell_rows(self, state: State, cell: tuple[str, int, int]) -> Rows:
        """The objects of one cell of a confusion matrix: set, actual, predicted."""
        part, actual, predicted = cell
        wanted = TRAIN if part == "training" else VALIDATION
        codes = self._codes(state, wanted)
        dataset = self._session.project.dataset()
        truth = truth_in_force(dataset, state.history, state.classifier)
        assert state.fit is not None, "a matrix is only shown once there is a model"
        return np.flatnonzero(
            (codes != HIDDEN) & (truth == actual) & (state.fit.predicted == bool(predicted))
        )

    def _coordinates(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        x_axis, y_axis = self.axes
        return self._session.project.axis(x_axis), self._session.project.axis(y_axis)

    def _codes(self, state: State, part: int) -> Codes:
        """CORRECT, INCORRECT or UNLABELLED for the objects of one set, HIDDEN for others."""
        dataset = self._session.project.dataset()
        parts = parts_in_force(dataset, state.history)
        codes = np.full(dataset.n_rows, HIDDEN, dtype=np.uint8)
        inside = parts == part
        codes[inside] = UNLABELLED
        if state.fit is not None:
            truth = truth_in_force(dataset, state.history, state.classifier)
            known = inside & (truth >= 0)
            wrong = state.fit.predicted[known] != (truth[known] == 1)
            codes[known] = np.where(wrong, INCORRECT, CORRECT)
        return codes

    def _drawn(self, kind: Kind, state: State, shown: Shown) -> npt.NDArray[np.bool_]:
        if kind == "metric" and state.fit is not None:
            return np.isfinite(state.fit.utility)
        if kind in ("metric", "labels"):
            dataset = self._session.project.dataset()
            return np.asarray(parts_in_force(dataset, state.history) != OUT)
        codes = self._shown_codes(state, TRAIN if kind == "training" else VALIDATION, shown)
        return np.asarray(codes != HIDDEN)

    def _shown_codes(self, state: State, part: int, shown: Shown) -> Codes:
        codes = self._codes(state, part)
        for code, wanted in (
            (CORRECT, shown.correct),
            (INCORRECT, shown.incorrect),
            (UNLABELLED, shown.unlabelled),
        ):
            if not wanted:
                codes[codes == code] = HIDDEN
        of_this_set = shown.cell is not None and (shown.cell[0] == "training") == (part == TRAIN)
        if shown.cell is not None and of_this_set and state.fit is not None:
            keep = self.cell_rows(state, shown.cell)
            outside = np.ones(len(codes), dtype=bool)
            outside[keep] = False
            codes[outside] = HIDDEN
        return codes

    def _correctness(
        self, state: State, view: View, shown: Shown, colours: str, part: int
    ) -> bytes:
        x, y = self._coordinates()
        scheme = CORRECTNESS[colours]
        counts = category_counts(x, y, self._shown_codes(state, part, shown), 3, view)
        if state.fit is None:
            return paint_categories(counts, (scheme.correct, scheme.incorrect, NEUTRAL))
        return paint_categories(
            counts, (scheme.correct, scheme.incorrect, NEUTRAL), mixed=scheme.mixed
        )

    def _metric(self, state: State, view: View, value_colours: str) -> bytes:
        x, y = self._coordinates()
        if state.fit is None:
            return self._correctness(state, view, Shown(), "blue_orange", TRAIN)
        drawn = np.flatnonzero(np.isfinite(state.fit.utility))
        low, high = self.metric_range(state)
        return paint_values(
            x[drawn],
            y[drawn],
            state.fit.utility[drawn],
            view,
            value_colours,
            (low, high if high > low else low + 1.0),
        )

    def _labels(self, state: State, view: View) -> bytes:
        """Every object that takes part, in the colour of its label; unknown ones neutral."""
        x, y = self._coordinates()
        dataset, config = self._session.project.dataset(), self._session.config
        codes = np.where(dataset.codes < 0, len(dataset.values), dataset.codes).astype(np.uint8)
        for row, label in state.history.verified.items():
            if label in dataset.values:
                codes[row] = dataset.values.index(label)
        codes[parts_in_force(dataset, state.history) == OUT] = HIDDEN
        colours = [label.colour for label in config.labels] + [NEUTRAL]
        return paint_categories(category_counts(x, y, codes, len(colours), view), colours)
