"""The map: a picture of many objects, with marks, zoom, pan and click.

The browser draws axes, marks and the picture at hand; Python is asked for a sharper picture
when the view changes.  Knows nothing of objects, labels or rasters.
"""

import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from al_engine.views.raster import View
from pages.components.events import reported, take
from pages.components.mounting import component

Scale = Literal["linear", "log", "minus"]
Shape = Literal["dot", "ring", "square", "diamond", "star", "target", "cross", "bracket"]

_mount = component("scatter_map", Path(__file__).parent, "scatter_map_draw.js")


@dataclass(frozen=True)
class Overlay:
    """Marks drawn in the browser over the picture, told apart by shape and colour."""

    shape: Shape
    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str = ""  # "" is the theme's text colour
    size: float = 10  # px across
    filled: bool = False


@dataclass(frozen=True)
class LegendEntry:
    """One line of the legend under the map."""

    name: str
    colour: str = ""
    shape: Shape = "dot"
    filled: bool = False  # a dot always is


@dataclass(frozen=True)
class Line:
    """A line through some points over the picture; "" is the theme's text colour."""

    x: Sequence[float]
    y: Sequence[float]
    colour: str = ""
    is_dashed: bool = False


@dataclass(frozen=True)
class BarSeries:
    """Bars side by side, from ``low`` to ``high``, each between two of the ``edges``."""

    colour: str
    edges: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class MapEvent:
    """What the person did on a map; ranges and positions in data coordinates.

    A click has its place in ``x`` and ``y`` and the view it was made in as ranges; a viewport is
    the view now shown, and its centre.  An area was enclosed by box or lasso: ``outline`` are its
    corners.
    """

    kind: Literal["click", "viewport", "area"]
    x: float
    y: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    width_px: int
    height_px: int
    nonce: int
    outline: tuple[tuple[float, float], ...] = ()

    @property
    def view(self) -> View:
        """The ranges and the size in pixels together, as the raster takes them."""
        return View(self.x_range, self.y_range, self.width_px, self.height_px)


def scatter_map(
    key: str,
    *,
    png: bytes | None,
    of: str = "",
    view: View,
    x_title: str,
    y_title: str,
    home: View | None = None,
    overlays: Sequence[Overlay] = (),
    legend: Sequence[LegendEntry] = (),
    height_px: int = 420,
    fill: tuple[float, int] | None = None,
    group: str = "",
    title: str = "",
    note: str = "",
    is_coming: bool = False,
    lines: Sequence[Line] = (),
    bars: Sequence[BarSeries] = (),
    scales: tuple[Scale, Scale] = ("linear", "linear"),
    selects: bool = False,
    aside_px: int = 0,
    on_event: Callable[[MapEvent], None] | None = None,
) -> MapEvent | None:
    """Draw a map; what the person did on it, once.

    Parameters
    ----------
    key : fixed for as long as it is the same map, or the browser forgets its zoom
    png : the picture, with transparent ground; None where there is none yet
    of : what it is a picture of; former ones of the same serve until a sharp one is there
    view : what ``png`` shows, usually from :func:`view_to_draw`
    x_title, y_title : titles of the axes; when they change, the map goes back to ``home``
    home : what "fit" shows; the ``view`` unless given
    height_px, fill : at least so high; where the window has more room, the share ``fill[0]`` of
        its height less ``fill[1]`` pixels, and less the question's bar
    group : maps of one group share their zoom; they belong in one fragment
    title : shown over the map, and its name for screen readers
    note : a line in place of the picture, which says why there is none
    is_coming : there will be a picture: the browser asks for it again until it is there
    lines, bars : drawn over the picture; bars need none
    scales : what coordinates are of the values that the axes show: they themselves, log10, minus
    selects : whether box and lasso are offered
    aside_px : room to be left at the right of the buttons
    on_event : called with the event before the page runs again (one run where a returned
        event takes two); nothing is returned then
    """
    group = group or key
    fit = home or view
    picture = None
    if png is not None:
        shows = f"{zlib.crc32(png)} {view} {of}"
        picture = {"x": view.x_range, "y": view.y_range, "of": of, "id": shows}
    head = {
        "picture": picture,
        "view": asdict(view),
        "home": {"x": fit.x_range, "y": fit.y_range},
        "axes": [x_title, y_title],
        "overlays": [_drawable(overlay) for overlay in overlays],
        "legend": [asdict(entry) for entry in legend],
        "least_px": height_px,
        "fill": fill,
        "group": group,
        "title": title,
        "note": "Preparing the maps…" if is_coming else note,
        "is_coming": is_coming,
        "lines": [asdict(line) for line in lines],
        "bars": [asdict(each) for each in bars],
        "scales": scales,
        "selects": selects,
        "aside_px": aside_px,
    }
    packed = json.dumps(head, allow_nan=False).encode()
    data = b"".join([struct.pack("<I", len(packed)), packed, png or b""])

    def before_the_run() -> None:
        event = _event(key, group, reported(key, "event"), reported(key, "viewport"))
        if event and on_event:
            on_event(event)
        elif event:
            st.session_state[f"{key}:waiting"] = event

    result = _mount(
        key=key, data=data, on_event_change=before_the_run, on_viewport_change=before_the_run
    )
    event = _event(key, group, result.event, result.viewport)
    waiting: MapEvent | None = st.session_state.pop(f"{key}:waiting", None)
    if event and on_event:
        on_event(event)
        return None
    return event or waiting


def entries(marks: Sequence[Overlay], axes: tuple[str, str]) -> list[LegendEntry]:
    """The legend of marks; of one that stands for a single object, what it lacks to be here."""
    return [LegendEntry(_named(m, axes), m.colour, m.shape, m.filled) for m in marks]


def _named(mark: Overlay, axes: tuple[str, str]) -> str:
    if len(mark.x) != 1:
        return mark.name
    values = (mark.x[0], mark.y[0])
    lacks = [axis for axis, v in zip(axes, values, strict=True) if not math.isfinite(v)]
    return f"{mark.name}: not on this plot, no {' nor '.join(lacks)}" if lacks else mark.name


def view_to_draw(key: str, home: View, axes: tuple[str, str], group: str = "") -> View:
    """The view to make the next picture for, at the size the map has in the browser.

    Where the person has zoomed on these ``axes`` (titles of x and y), on this map or on
    another of its ``group``, it is what they look at; else it is ``home``.
    """
    size = st.session_state.get(f"{key}:viewport") or asdict(home)
    shared = st.session_state.get(f"{group or key}:shared-viewport")
    if shared is None or shared["fit"] or shared["axes"] != list(axes):
        return replace(home, width_px=size["width_px"], height_px=size["height_px"])
    return View(tuple(shared["x"]), tuple(shared["y"]), size["width_px"], size["height_px"])


def _drawable(overlay: Overlay) -> dict[str, Any]:
    """The overlay without marks that have no place; JSON knows no NaN."""
    placed = [
        (float(x), float(y))
        for x, y in zip(overlay.x, overlay.y, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    ]
    return {
        "shape": overlay.shape,
        "name": overlay.name,
        "colour": overlay.colour,
        "size": overlay.size,
        "filled": overlay.filled,
        "x": [x for x, _ in placed],
        "y": [y for _, y in placed],
    }


def _event(
    key: str, group: str, sent: Mapping[str, Any] | None, moved: Mapping[str, Any] | None
) -> MapEvent | None:
    """The newest event that the page has not had; a click goes before a viewport."""
    if moved:
        _remember(key, group, moved)
    found = take(key, sent)
    shown = take(f"{key}:viewport", moved)
    if found is None:
        found = shown
    return None if found is None else _map_event(found)


def _remember(key: str, group: str, moved: Mapping[str, Any]) -> None:
    """Copies of our own: a component's state is lost when the person leaves the page."""
    st.session_state[f"{key}:viewport"] = dict(moved)
    if moved["moved"]:
        shared = st.session_state.get(f"{group}:shared-viewport")
        if shared is None or shared["nonce"] < moved["nonce"]:
            st.session_state[f"{group}:shared-viewport"] = dict(moved)


def _map_event(sent: Mapping[str, Any]) -> MapEvent:
    (x_low, x_high), (y_low, y_high) = sent["x"], sent["y"]
    return MapEvent(
        kind=sent["kind"],
        x=sent.get("at_x", (x_low + x_high) / 2),
        y=sent.get("at_y", (y_low + y_high) / 2),
        x_range=(x_low, x_high),
        y_range=(y_low, y_high),
        width_px=sent["width_px"],
        height_px=sent["height_px"],
        nonce=sent["nonce"],
        outline=tuple((float(x), float(y)) for x, y in sent.get("outline", ())),
    )
