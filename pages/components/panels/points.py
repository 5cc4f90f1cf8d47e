"""Panels of points and bars: any two columns, densities, diagrams, the sky, histograms, an SED.

All go through the map of the browser; no object but the marked ones is sent to it.
"""

import math

import streamlit as st

from al_engine.settings.panels import Panel
from al_engine.showing.colouring import Colouring
from al_engine.showing.plotting import Bars, Look, kept_in_view
from al_engine.showing.records import sed_of
from al_engine.views.diagrams import DIAGRAMS, SedPoint
from al_engine.views.palette import colour_table
from al_engine.views.raster import View, default_range, is_warm
from pages.components import loop
from pages.components import state as tab
from pages.components.panels import kinds
from pages.components.panels.columns import ask_for_bands, ask_for_columns, lacks_columns
from pages.components.panels.dealing import POSTED
from pages.components.panels.measuring import is_measured
from pages.components.panels.spot import Spot
from pages.components.scatter_map import (
    BarSeries,
    LegendEntry,
    Line,
    Overlay,
    entries,
    scatter_map,
    view_to_draw,
)

MENU_PX = 30  # the panel's own menu stands beside the buttons of its map
MARKED = 1500  # objects of a selection, evenly through it
LISTED = 12  # categories in a legend
_SELECTED_COLOUR = {"dark": "#FFD166", "light": "#B5179E"}


def points(spot: Spot) -> None:
    """A plane with every object in it; a click selects one, box and lasso many."""
    panel, plots = spot.panel, tab.plotting()
    if panel.kind == "diagram" and lacks_columns(spot):
        ask_for_columns(spot)
        return
    if not is_measured(spot):
        return
    plane = plots.plane(panel)
    by = None if panel.kind == "density" else _colouring(spot)
    home = plots.home(plane, 480, spot.least_px, kept_in_view(spot.state))
    titles = (
        _axis_title(plane.x_axis.title, panel.x_log),
        _axis_title(plane.y_axis.title, panel.y_log),
    )
    view = view_to_draw(spot.key, home, titles)
    _look(spot, view, home)
    painted = (plane, by, view, loop.value_colours())
    # There whether it is filled or not: what stands below must not be another element then.
    waiting = st.empty()
    png = plots.at_hand(*painted) if is_warm() else None
    if is_warm() and png is None:
        with waiting, st.spinner("Drawing", show_time=True):
            png = plots.picture(*painted)
    marks = _marks(spot, lambda rows: plane.at(rows))
    drawn = [*_legend(by), *entries(marks, titles)]
    scatter_map(
        spot.key,
        png=png,
        of=f"{hash((plane.of, None if by is None else by.of, loop.value_colours())):x}",
        view=view,
        home=home,
        x_title=titles[0],
        y_title=titles[1],
        overlays=marks,
        legend=drawn,
        height_px=spot.least_px,
        fill=spot.fill,
        title=_title(panel, by),
        is_coming=png is None,
        lines=[Line(each.x, each.y, "", each.is_dashed) for each in plane.lines],
        scales=(plane.x_axis.scale, plane.y_axis.scale),
        selects=spot.page == "Explore",
        aside_px=MENU_PX,
        on_event=_post(spot),
    )


def histogram(spot: Spot) -> None:
    """Counts of one column's values, stacked by category; a box selects a range."""
    panel, plots = spot.panel, tab.plotting()
    if not is_measured(spot):
        return
    by = _colouring(spot)
    bars = plots.histogram(panel, by)
    top = max(bars.highest, 1)
    y_range = (math.log10(0.7), math.log10(top) + 0.1) if panel.y_log else (0.0, top * 1.06)
    home = View((bars.edges[0], bars.edges[-1]), y_range, 480, spot.least_px)
    _look(spot, home, home)
    lines = []
    if spot.row is not None:
        at = plots.value_at(panel, spot.row)
        if math.isfinite(at):
            lines = [Line((at, at), y_range)]
    together = tab.exploring().together
    drawn, legend = _stacked(bars, is_log=panel.y_log), []
    if len(bars.names) > 1:
        legend = _listed(bars.names, bars.colours)
    if together is not None:
        chosen = plots.counts_of(panel, bars, together.rows)
        bare = Bars(bars.axis, bars.edges, ("",), (_selected_colour(),), (chosen,), 0)
        drawn += _stacked(bare, is_log=panel.y_log)
        legend = [*legend, LegendEntry("selected together", _selected_colour())]
    outside = f", {bars.n_outside:,} beyond" if bars.n_outside else ""
    scatter_map(
        spot.key,
        png=None,
        view=home,
        home=home,
        x_title=_axis_title(bars.axis.title, panel.x_log),
        y_title=_axis_title("objects", panel.y_log),
        legend=legend,
        height_px=spot.least_px,
        fill=spot.fill,
        title=f"{kinds.title((panel.kind, ''))}: {bars.axis.title}{outside}",
        lines=lines,
        bars=drawn,
        scales=(bars.axis.scale, "log" if panel.y_log else "linear"),
        selects=spot.page == "Explore",
        aside_px=MENU_PX,
        on_event=_post(spot),
    )


def _stacked(bars: Bars, *, is_log: bool) -> list[BarSeries]:
    """Each category's bars on those before it, as they lie on the axis."""
    foot = [0] * (len(bars.edges) - 1)
    made = []
    for colour, counts in zip(bars.colours, bars.counts, strict=True):
        top = [a + b for a, b in zip(foot, counts, strict=True)]
        made.append(BarSeries(colour, bars.edges, _placed(foot, is_log), _placed(top, is_log)))
        foot = top
    return made


def _placed(counts: list[int], is_log: bool) -> list[float]:
    return [math.log10(max(n, 0.5)) if is_log else float(n) for n in counts]


def sed(spot: Spot) -> None:
    """The spectral energy distribution of the object on the screen."""
    if ask_for_bands(spot):
        return
    if spot.row is None:
        st.caption("No object is selected.")
        return
    found = sed_of(spot.session, spot.row)
    is_flux = spot.panel.y == "jy"
    places = [_sed_place(point, is_flux) for point in found]
    x = [math.log10(point.wavelength_um) for point in found]
    reach = [end for place in places for end in place]
    x_range = default_range(x, [])  # type: ignore[arg-type]
    view = View(x_range, default_range(reach, []), 480, spot.least_px)  # type: ignore[arg-type]
    colour = "#56B4E9" if st.context.theme.type == "dark" else "#0072B2"
    lines = [Line(x, [place[0] for place in places], colour)] if len(found) > 1 else []
    for at, (_, low, high) in zip(x, places, strict=True):
        if high > low:
            lines.append(Line((at, at), (low, high), colour))
    scatter_map(
        spot.key,
        png=None,
        view=view,
        home=view,
        x_title="wavelength (µm)",
        y_title="flux density (Jy)" if is_flux else "AB magnitude",
        overlays=[
            Overlay("dot", point.band, (at,), (place[0],), colour, 9, True)
            for point, at, place in zip(found, x, places, strict=True)
        ],
        height_px=spot.least_px,
        fill=spot.fill,
        title=f"SED of {spot.session.object_id(spot.row)}",
        note="" if found else "This object has no flux in any band.",
        lines=lines,
        scales=("log", "log" if is_flux else "minus"),
        aside_px=MENU_PX,
        on_event=lambda event: None,
    )


def _sed_place(point: SedPoint, is_flux: bool) -> tuple[float, float, float]:
    """Where a band stands on the axis, and the ends of its error bar."""
    unit = 1.0 if is_flux else 2.5
    zero = 0.0 if is_flux else math.log10(3631.0)

    def at(jy: float) -> float:
        return unit * (math.log10(jy) - zero)

    place = at(point.jy)
    if point.jy_high is None:
        return place, place, place
    # A flux that may be 0 has an error bar that leaves the plot.
    low = at(point.jy_low) if point.jy_low is not None else place - unit
    return place, low, at(point.jy_high)


# -- what plots have in common -------------------------------------------------------------------


def _look(spot: Spot, view: View, home: View) -> None:
    """Have the panel drawn ahead as it is looked at now."""
    size = (view.width_px, view.height_px)
    is_home = (view.x_range, view.y_range) == (home.x_range, home.y_range)
    seen = Look(spot.panel, None if is_home else view, size, tab.colours(), loop.value_colours())
    tab.plotting().look(spot.state, seen)


def _colouring(spot: Spot) -> Colouring:
    return tab.plotting().colouring(spot.panel, spot.state, tab.colours())


def _post(spot: Spot):  # type: ignore[no-untyped-def]
    slug, classifier = spot.session.project.slug, spot.classifier
    return lambda event: tab.post(POSTED, slug, classifier, (spot.place, spot.panel, event))


def _axis_title(name: str, is_log: bool) -> str:
    return f"{name} (log)" if is_log else name


def _title(panel: Panel, by: Colouring | None) -> str:
    if panel.kind == "diagram":
        return DIAGRAMS[panel.of].title
    name = kinds.title((panel.kind, panel.of))
    return name if by is None else f"{name}, by {by.title}"


def _legend(by: Colouring | None) -> list[LegendEntry]:
    if by is None:
        table = colour_table(loop.value_colours())
        few, many = ("#" + bytes(table[end]).hex() for end in (0, -1))
        return [LegendEntry("few objects", few), LegendEntry("many", many)]
    if by.values is not None:
        table = colour_table(loop.value_colours())
        low, high = ("#" + bytes(table[end]).hex() for end in (0, -1))
        return [LegendEntry(f"{by.ends[0]:.4g}", low), LegendEntry(f"{by.ends[1]:.4g}", high)]
    return _listed(by.names, by.colours)


def _listed(names: tuple[str, ...], colours: tuple[str, ...]) -> list[LegendEntry]:
    """The first categories, and always the last, which stands for the rest."""
    entries = [LegendEntry(*each) for each in zip(names, colours, strict=True)]
    return entries if len(entries) <= LISTED else [*entries[: LISTED - 1], entries[-1]]


def _marks(spot: Spot, at) -> list[Overlay]:  # type: ignore[no-untyped-def]
    """The selection, the queried object and the selected one, as on every map."""
    marks = []
    together = tab.exploring().together
    if together is not None:
        some = together.rows[:: max(1, -(-together.n // MARKED))]
        marks.append(_mark("dot", "selected together", *at(some), _selected_colour(), 4, True))
    asked = None if spot.state is None else spot.state.question
    if asked is not None:
        marks.append(_mark("star", "queried", *at([asked.row]), "", 16, True))
    row = tab.selected(spot.classifier)
    if row is not None and (asked is None or row != asked.row):
        marks.append(_mark("bracket", "selected", *at([row]), "", 18, False))
    return marks


def _selected_colour() -> str:
    return _SELECTED_COLOUR["dark" if st.context.theme.type == "dark" else "light"]


def _mark(shape, name, x, y, colour, size, filled) -> Overlay:  # type: ignore[no-untyped-def]
    return Overlay(shape, name, [float(v) for v in x], [float(v) for v in y], colour, size, filled)
