"""The plane a panel shows: where every object lies on two axes, and how those are drawn.

Owns the step from two columns, a diagram's quantities or a position on the sky to coordinates, and
which objects lie where in them.  Must not know colours, pictures or pages.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from al_engine.data.features import plottable
from al_engine.data.grid import Grid, Places, look_through
from al_engine.errors import SettingsError
from al_engine.loop.truth import Rows
from al_engine.projects.project import Project
from al_engine.settings.panels import Panel
from al_engine.settings.quantities import Quantities
from al_engine.showing.maps import REACHES_PX, Drawn
from al_engine.showing.quantities import quantities_of
from al_engine.views.diagrams import DIAGRAMS, Line, log10, log_flux, log_ratio
from al_engine.views.raster import Range, View, around, default_range, nearest

Floats = npt.NDArray[np.float32]
Scale = Literal["linear", "log", "minus"]

PLACES_KEPT = 6  # pairs of coordinates that were computed, of diagrams
RANGE_FROM = 100_000  # objects are enough to tell where nearly all lie
_FURTHEST = 300.0  # decades


@dataclass(frozen=True)
class Axis:
    """An axis: what it is called, and whether it shows log10, or minus, of what is called so."""

    title: str
    scale: Scale = "linear"

    def drawn(self, values: Floats) -> Floats:
        """Values as they lie on the axis; NaN for those that have no place on it."""
        if self.scale == "log":
            return log10(values)
        return -values if self.scale == "minus" else values

    def values(self, ends: Range) -> Range:
        """The range of values that a range on the axis shows."""
        if self.scale == "log":
            low, high = (10.0 ** float(np.clip(end, -_FURTHEST, _FURTHEST)) for end in ends)
            return low, high
        return (-ends[1], -ends[0]) if self.scale == "minus" else ends


@dataclass(frozen=True)
class Plane:
    """Every object on two axes; ``of`` tells one plane from another.

    ``raw_x`` and ``raw_y`` are the values, shape (n_rows,), in the order of the rows; ranges and
    places are what lies on the axes.  ``fixed`` are the ranges of a diagram's home view.
    ``index`` gives which objects lie where once that is known; until then all are looked through.
    """

    of: tuple[str, ...]
    x_axis: Axis
    y_axis: Axis
    raw_x: Floats
    raw_y: Floats
    index: Callable[[], Grid | None]
    lines: tuple[Line, ...] = ()
    fixed: tuple[Range, Range] | None = None

    def at(self, rows: Any) -> tuple[Floats, Floats]:
        """Where some objects lie; all, of a slice."""
        return self.x_axis.drawn(self.raw_x[rows]), self.y_axis.drawn(self.raw_y[rows])

    def count(self, x_range: Range, y_range: Range) -> int:
        """How many objects :meth:`within` gives."""
        index = self.index()
        if index is None:
            return len(self.raw_x)
        return index.count(self.x_axis.values(x_range), self.y_axis.values(y_range))

    def within(self, x_range: Range, y_range: Range) -> Places:
        """Every object of a part of the plane, and a few beside it."""
        index, ranges = self.index(), (self.x_axis.values(x_range), self.y_axis.values(y_range))
        if index is None:
            found = look_through(self.raw_x, self.raw_y, *ranges)
        else:
            found = index.within(*ranges)
        return Places(found.rows, self.x_axis.drawn(found.x), self.y_axis.drawn(found.y))

    def home(self, width_px: int, height_px: int, keep: list[int]) -> View:
        """The view that shows nearly everything, and the objects that matter."""
        if self.fixed is not None:
            return View(*self.fixed, width_px, height_px)
        step = max(1, len(self.raw_x) // RANGE_FROM)
        x, y = self.at(slice(None, None, step))
        kept_x, kept_y = self.at(keep)
        return View(default_range(x, kept_x), default_range(y, kept_y), width_px, height_px)

    def nearest_row(
        self, x: float, y: float, view: View, is_drawn: Callable[[Rows], npt.NDArray[np.bool_]]
    ) -> int | None:
        """The object that a click means, of those that are drawn; None where none is near.

        Of objects that are equally near it is the one of the lowest row.
        """
        for reach_px in REACHES_PX:
            # A pixel more, so that rounding leaves none out that lies just within reach.
            places = self.within(*around(x, y, view, reach_px + 1))
            drawn = np.flatnonzero(is_drawn(places.rows.astype(np.intp)))
            drawn = drawn[np.argsort(places.rows[drawn], kind="stable")]
            found = nearest(places.x[drawn], places.y[drawn], x, y, view, reach_px)
            if found is not None:
                return int(places.rows[drawn[found]])
        return None

    def rows_inside(self, outline: list[tuple[float, float]]) -> Rows:
        """The objects inside an outline on the axes, by row."""
        if len(outline) < 3:
            return np.empty(0, np.intp)
        xs, ys = zip(*outline, strict=True)
        places = self.within((min(xs), max(xs)), (min(ys), max(ys)))
        inside = inside_outline(places.x, places.y, outline)
        return np.sort(places.rows[inside].astype(np.intp))


def inside_outline(
    x: Floats, y: Floats, outline: list[tuple[float, float]]
) -> npt.NDArray[np.bool_]:
    """Which points lie inside a polygon, by how often its sides pass to their left.

    Parameters
    ----------
    x, y : shape (n,); a point without a place lies outside
    outline : the corners; the last is joined to the first
    """
    order = np.argsort(y, kind="stable")
    sorted_x, sorted_y = x[order].astype(np.float64), y[order].astype(np.float64)
    odd = np.zeros(len(x), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if y0 == y1:
            continue
        low, high = min(y0, y1), max(y0, y1)
        # A side concerns only the points beside it: each is looked at as often as sides pass it.
        some = slice(*np.searchsorted(sorted_y, [low, high], "left"))
        crossing = x0 + (sorted_y[some] - y0) * ((x1 - x0) / (y1 - y0))
        odd[some] ^= sorted_x[some] > crossing
    inside = np.empty(len(x), dtype=np.bool_)
    inside[order] = odd
    return inside & np.isfinite(x) & np.isfinite(y)


# -- which plane a panel shows -------------------------------------------------------------------


def absent_columns(project: Project, panel: Panel) -> list[str]:
    """What a panel was given to show and is neither a column nor a feature now."""
    config = project.config
    given = {
        "plot": [panel.x, panel.y],
        "density": [panel.x, panel.y],
        "histogram": [panel.x],
    }.get(panel.kind, [])
    if panel.colour == "column" and panel.kind in ("plot", "histogram", "sky", "diagram"):
        given = [*given, panel.colour_column]
    known = {*project.catalogue.names(), *plottable(config.features)}
    return [name for name in dict.fromkeys(given) if name and name not in known]


def plane_of(project: Project, drawn: Drawn, panel: Panel) -> Plane:
    """The plane of a panel of points.

    Raises
    ------
    UnknownColumnError, UnsuitableColumnError : a column that is not there, or holds no numbers
    SettingsError : no axes, no position, or a diagram whose quantities are not known yet
    """
    config = project.config
    if panel.kind == "diagram":
        return _diagram(project, drawn, panel.of, quantities_of(project))
    if panel.kind == "sky":
        ra, dec = config.columns.ra, config.columns.dec
        if not (ra and dec):
            raise SettingsError("No columns of positions are set.", "Choose them in Settings.")
        # East is to the left where one looks up.
        return _columns(project, ra, dec, Axis(f"{ra} (deg)", "minus"), Axis(f"{dec} (deg)"))
    x, y = panel.x or config.x_axis, panel.y or config.y_axis
    if not (x and y):
        raise SettingsError("The plot has no axes yet.", "Choose two columns.")
    scales: dict[bool, Scale] = {False: "linear", True: "log"}
    axes = Axis(x, scales[panel.x_log]), Axis(y, scales[panel.y_log])
    return _columns(project, x, y, *axes)


def _columns(project: Project, x: str, y: str, x_axis: Axis, y_axis: Axis) -> Plane:
    config = project.config
    raw_x, raw_y = project.axis(x, config), project.axis(y, config)
    made_of = (project.axis_sql(x, config), project.axis_sql(y, config))

    def index() -> Grid | None:
        return project.index(made_of, raw_x, raw_y)

    return Plane((*made_of, x_axis.scale, y_axis.scale), x_axis, y_axis, raw_x, raw_y, index)


def _diagram(project: Project, drawn: Drawn, name: str, quantities: Quantities) -> Plane:
    if name not in DIAGRAMS:
        raise SettingsError(f"There is no diagram '{name[:40]}'.", "Choose another plot.")
    diagram, config = DIAGRAMS[name], project.config
    lacking = [each for each in diagram.quantities if each not in quantities.known]
    if lacking:
        raise SettingsError(
            f"{diagram.title} needs {len(lacking)} more columns.", "Say which they are."
        )
    known = {each: quantities.known[each] for each in diagram.quantities}
    sqls = (project.axis_sql(q.column, config) for q in known.values())
    made_of = ("diagram", name, repr(known), *sqls)

    def places() -> tuple[Floats, Floats]:
        logs = {
            each: log_flux(project.axis(q.column, config), q.scale, q.jy)
            for each, q in known.items()
        }
        x = log_ratio(logs[diagram.x.over], logs[diagram.x.under])
        return x, log_ratio(logs[diagram.y.over], logs[diagram.y.under])

    key: Hashable = made_of
    raw_x, raw_y = drawn.once(drawn.places, PLACES_KEPT, key, places)
    return Plane(
        made_of,
        Axis(diagram.x.title),
        Axis(diagram.y.title),
        raw_x,
        raw_y,
        lambda: project.index(made_of, raw_x, raw_y),
        diagram.lines,
        (diagram.x_range, diagram.y_range),
    )
