"""Pictures and histograms of a panel: its plane, in its colours.

Owns which objects a panel draws and how it paints them.  Takes a session's state, gives PNG bytes
or bars; must not know the browser or Streamlit.
"""

import contextlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.errors import AlEngineError, SettingsError
from al_engine.loop.truth import Rows
from al_engine.session import LabellingSession, State
from al_engine.settings.panels import Panel
from al_engine.showing.colouring import Colouring, colouring_of
from al_engine.showing.covering import by_coverage
from al_engine.showing.maps import KEPT, MOST_PICKED, Drawn
from al_engine.showing.planes import RANGE_FROM, Axis, Floats, Plane, Scale, plane_of
from al_engine.views.palette import NEUTRAL
from al_engine.views.raster import (
    Range,
    View,
    category_counts,
    default_range,
    paint_categories,
    paint_density,
    paint_values,
)

MOST_BINS = 60


@dataclass(frozen=True)
class Bars:
    """A histogram: bin edges as they lie on the axis, and counts of each series, bin by bin."""

    axis: Axis
    edges: tuple[float, ...]
    names: tuple[str, ...]
    colours: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    n_outside: int

    @property
    def highest(self) -> int:
        """How many objects the fullest bin holds."""
        return max((sum(bins) for bins in zip(*self.counts, strict=True)), default=0)


@dataclass(frozen=True)
class Look:
    """How a panel is looked at: ``view`` is None where that is home, ``size_px`` its size."""

    panel: Panel
    view: View | None
    size_px: tuple[int, int]
    colours: str
    value_colours: str


class Plotting:
    """The plots of one session's panels; pictures are kept where the maps' are."""

    def __init__(self, session: LabellingSession, drawn: Drawn) -> None:
        self._session = session
        self._drawn = drawn
        # By classifier: of which moment, and what was looked at then.
        self._looks: dict[str, tuple[str, set[Look]]] = {}

    def look(self, state: State | None, look: Look) -> None:
        """Somebody looks at a panel: ``draw_ahead`` then knows what to draw."""
        if state is None:
            return
        with self._drawn.lock:
            moment, looks = self._looks.get(state.classifier, ("", set()))
            self._looks[state.classifier] = (
                state.token,
                {look} if moment != state.token else {*looks, look},
            )

    def draw_ahead(self, state: State, is_wanted: Callable[[], bool]) -> None:
        """Draw for a state that may come the panels being looked at now, for as long as it may."""
        with self._drawn.lock:
            looks = self._looks.get(state.classifier, ("", set()))[1]
        for look in looks:
            if is_wanted():
                # What cannot be drawn says so where it is looked at.
                with contextlib.suppress(AlEngineError):
                    self._draw_ahead(state, look)

    def _draw_ahead(self, state: State, look: Look) -> None:
        panel = look.panel
        by = None if panel.kind == "density" else self.colouring(panel, state, look.colours)
        if panel.kind == "histogram":
            self.histogram(panel, by)
            return
        plane = self.plane(panel)
        view = look.view or self.home(plane, *look.size_px, kept_in_view(state))
        self.picture(plane, by, view, look.value_colours)

    def plane(self, panel: Panel) -> Plane:
        """The plane of a panel of points; raises where it cannot be drawn."""
        return plane_of(self._session.project, self._drawn, panel)

    def colouring(self, panel: Panel, state: State | None, colours: str) -> Colouring:
        """The colouring of a panel; raises where it cannot be had."""
        if panel.colour == "coverage":
            return by_coverage(self._session, state)
        return colouring_of(self._session.project, self._drawn, panel, state, colours)

    def home(self, plane: Plane, width_px: int, height_px: int, keep: list[int]) -> View:
        """The view that shows nearly everything, and the objects that matter."""
        key = ("plane home", plane.of, tuple(keep))
        made: View = self._drawn.once(self._drawn.facts, KEPT, key, lambda: plane.home(1, 1, keep))
        return View(made.x_range, made.y_range, width_px, height_px)

    def picture(
        self, plane: Plane, colouring: Colouring | None, view: View, value_colours: str
    ) -> bytes:
        """A PNG of a plane with transparent ground; of how many there are without a colouring."""
        return self._drawn.once(
            self._drawn.pictures,
            KEPT,
            _picture_key(plane, colouring, view, value_colours),
            lambda: _painted(plane, colouring, view, value_colours),
        )

    def at_hand(
        self, plane: Plane, colouring: Colouring | None, view: View, value_colours: str
    ) -> bytes | None:
        """The same where it was painted before, perhaps ahead; None where it has to be."""
        with self._drawn.lock:
            return self._drawn.pictures.get(_picture_key(plane, colouring, view, value_colours))

    def nearest_row(
        self, plane: Plane, colouring: Colouring | None, x: float, y: float, view: View
    ) -> int | None:
        """The object that a click on a panel means: the nearest one drawn there, or None."""

        def is_drawn(rows: Rows) -> npt.NDArray[np.bool_]:
            if colouring is not None and colouring.values is not None:
                return np.asarray(np.isfinite(colouring.values[rows]))
            return np.ones(len(rows), dtype=np.bool_)

        return plane.nearest_row(x, y, view, is_drawn)

    def histogram(self, panel: Panel, colouring: Colouring | None) -> Bars:
        """Counts of one column's values, of each category for itself.

        Raises
        ------
        UnknownColumnError, UnsuitableColumnError, SettingsError : no such column of numbers
        """
        axis, values = self._values(panel)
        config = self._session.config
        by = None if colouring is None else colouring.of
        of = (panel.x or config.x_axis, axis, repr(config.columns.missing), repr(config.features))
        key = ("bars", *of, by)
        made: Bars = self._drawn.once(
            self._drawn.facts, KEPT, key, lambda: _bars(axis, values, colouring)
        )
        return made

    def value_at(self, panel: Panel, row: int) -> float:
        """Where an object lies on the axis of a histogram; NaN where it has no value."""
        axis, values = self._values(panel)
        return float(axis.drawn(values[row : row + 1])[0])

    def counts_of(self, panel: Panel, bars: Bars, rows: Rows) -> tuple[int, ...]:
        """How many of some objects lie in each bin of a histogram."""
        axis, values = self._values(panel)
        drawn = axis.drawn(values[rows])
        return tuple(int(n) for n in np.histogram(drawn[np.isfinite(drawn)], bars.edges)[0])

    def rows_between(self, panel: Panel, low: float, high: float) -> Rows:
        """The objects whose value lies between two places on the axis of a histogram."""
        axis, values = self._values(panel)
        drawn = axis.drawn(values)
        return np.flatnonzero((drawn >= low) & (drawn <= high))

    def _values(self, panel: Panel) -> tuple[Axis, Floats]:
        config = self._session.config
        name = panel.x or config.x_axis
        if not name:
            raise SettingsError("The histogram has no column yet.", "Choose one.")
        scale: Scale = "log" if panel.x_log else "linear"
        return Axis(name, scale), self._session.project.axis(name, config)


def _picture_key(
    plane: Plane, colouring: Colouring | None, view: View, value_colours: str
) -> Hashable:
    of = colouring.of if colouring is not None else "density"
    return "plane", plane.of, of, view, value_colours


def kept_in_view(state: State | None) -> list[int]:
    """The objects that a panel's home view shows, wherever they lie."""
    return [] if state is None or state.question is None else [state.question.row]


def _painted(plane: Plane, colouring: Colouring | None, view: View, value_colours: str) -> bytes:
    if colouring is None:
        x, y, codes = _in_view(plane, view, None)
        return paint_density(category_counts(x, y, codes, 1, view)[:, :, 0], value_colours)
    if colouring.values is not None:
        x, y, values = _in_view(plane, view, colouring.values)
        return paint_values(x, y, values, view, value_colours, colouring.ends)
    x, y, codes = _in_view(plane, view, colouring.codes)
    n = len(colouring.colours)
    counts = category_counts(x, y, codes, n, view)
    if colouring.is_ground:
        # What has a category is what one looks for: it stands out from the rest.
        counts = counts.copy()
        counts[:, :, -1][counts[:, :, :-1].any(axis=2)] = 0
    return paint_categories(counts, colouring.colours, colouring.mixed)


def _in_view(
    plane: Plane, view: View, values: npt.NDArray[Any] | None
) -> tuple[Floats, Floats, npt.NDArray[Any]]:
    """Coordinates and values of all objects in view, and perhaps of others."""
    n_rows = len(plane.raw_x)
    size = 1 if values is None else values.itemsize
    if plane.count(view.x_range, view.y_range) > MOST_PICKED[size] * n_rows:
        everything = np.zeros(n_rows, np.uint8) if values is None else values
        return *plane.at(slice(None)), everything
    places = plane.within(view.x_range, view.y_range)
    if values is None:
        return places.x, places.y, np.zeros(len(places.rows), np.uint8)
    return places.x, places.y, values[places.rows]


def _bars(axis: Axis, values: Floats, colouring: Colouring | None) -> Bars:
    drawn = axis.drawn(values)
    ends = default_range(drawn[:: max(1, len(drawn) // RANGE_FROM)])
    low, high, n_bins = _whole_bins(values, axis, ends)
    width = (high - low) / n_bins
    inside = np.flatnonzero((drawn >= low) & (drawn <= high))
    bins = ((drawn[inside].astype(np.float64) - low) / width).astype(np.int64)
    bins = np.minimum(bins, n_bins - 1)
    names: tuple[str, ...] = ("objects",)
    colours: tuple[str, ...] = (NEUTRAL,)
    codes = np.zeros(len(inside), np.int64)
    if colouring is not None and colouring.codes is not None:
        names, colours = colouring.names, colouring.colours
        codes = colouring.codes[inside].astype(np.int64)
    found = np.bincount(codes * n_bins + bins, minlength=len(names) * n_bins)
    counts = found.reshape(len(names), n_bins)
    n_finite = int(np.count_nonzero(np.isfinite(drawn)))
    edges = tuple(low + width * i for i in range(n_bins + 1))
    return Bars(
        axis,
        edges,
        names,
        colours,
        tuple(tuple(int(n) for n in row) for row in counts),
        n_finite - len(inside),
    )


def _whole_bins(values: Floats, axis: Axis, ends: Range) -> tuple[float, float, int]:
    """Ends and number of bins: of few whole numbers one bin each."""
    low, high = ends
    n_bins = MOST_BINS
    if axis.scale == "linear" and high - low < MOST_BINS:
        sample = values[:: max(1, len(values) // RANGE_FROM)]
        sample = sample[np.isfinite(sample)]
        if len(sample) and (sample == np.rint(sample)).all():
            low, high = float(np.floor(low + 0.5)) - 0.5, float(np.ceil(high - 0.5)) + 0.5
            n_bins = max(1, round(high - low))
    return low, high, n_bins
