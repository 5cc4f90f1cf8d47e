"""The charts of a simulation, as plain data in plotly.js's own form."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from al_engine.showing.simulated import Asked, Band, Ground

HEIGHT_PX = 330
CONFIG = {"displaylogo": False, "displayModeBar": False}
_SAFE = str.maketrans("<>", "‹›")  # plotly reads angle brackets as markup


def _is_dark() -> bool:
    return st.context.theme.type == "dark"


def _layout(**more: Any) -> dict[str, Any]:
    return {
        "height": HEIGHT_PX,
        "margin": {"l": 50, "r": 10, "t": 8, "b": 40},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        **more,
    }


def curves_traces(
    bands: Sequence[Band], full: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Means over seeds by number of labels, each in its interval; full supervision across."""
    traces: list[dict[str, Any]] = []
    ends = [n for band in bands for n in (band.n_labelled[:1] + band.n_labelled[-1:])] or [0, 1]
    across = [min(ends), max(ends)]
    ink = "#c8ccd0" if _is_dark() else "#31363b"
    for name, found in full:
        if found["mean"] is None:
            continue
        shown = f"full supervision, {name}" if len(full) > 1 else "full supervision"
        shown = shown.translate(_SAFE)
        traces += _area(across, [found["low"]] * 2, [found["high"]] * 2, ink, shown)
        traces.append(_line(across, [found["mean"]] * 2, shown, ink, "dot"))
    for band in bands:
        name = band.name.translate(_SAFE)
        x = list(band.n_labelled)
        traces += _area(x, list(band.low), list(band.high), band.colour, name)
        traces.append(
            _line(x, list(band.mean), name, band.colour, "dash" if band.is_random else "solid")
        )
    return traces


def _line(x: Sequence[Any], y: Sequence[Any], name: str, colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines" if len(x) > 1 else "markers", "x": list(x),
        "y": list(y), "name": name, "marker": {"size": 8},
        "legendgroup": name, "line": {"color": colour, "dash": dash, "width": 2},
        "hovertemplate": f"{name}: %{{y:.4~g}}<extra></extra>",
    }  # fmt: skip


def _area(
    x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], colour: str, name: str
) -> list[dict[str, Any]]:
    known = [(a, b, c) for a, b, c in zip(x, low, high, strict=True) if b is not None]
    if not known:
        return []
    at, bottom, top = (list(part) for part in zip(*known, strict=True))
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return [
        {
            "type": "scatter", "mode": "lines", "x": at + at[::-1], "y": top + bottom[::-1],
            "fill": "toself", "fillcolor": f"rgba({red},{green},{blue},0.16)",
            "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "legendgroup": name,
        }
    ]  # fmt: skip


def queries_figure(ground: Ground, asked: Asked, last: int) -> dict[str, Any]:
    """All objects in grey, those asked about on top: coloured by round, the last ones ringed."""
    source = "data:image/png;base64," + base64.b64encode(ground.picture).decode()
    (x0, x1), (y0, y1) = ground.x_range, ground.y_range
    ink = "#ffffff" if _is_dark() else "#000000"
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": list(asked.x),
        "y": list(asked.y),
        "text": [text.translate(_SAFE) for text in asked.ids],
        "customdata": list(asked.round),
        "marker": {
            "size": [11 if number == last else 8 for number in asked.round],
            "color": list(asked.round),
            "cmin": 0,
            "cmax": max(1, last),
            "colorscale": "Viridis",
            "colorbar": {"title": {"text": "batch"}, "thickness": 10, "len": 0.9},
            "line": {"width": [2 if n == last else 0.5 for n in asked.round], "color": ink},
        },
        "hovertemplate": "%{text}, batch %{customdata}<extra></extra>",
    }
    image = {
        "source": source, "xref": "x", "yref": "y", "x": x0, "y": y1, "sizex": x1 - x0,
        "sizey": y1 - y0, "sizing": "stretch", "layer": "below",
    }  # fmt: skip
    x_axis, y_axis = (name.translate(_SAFE) for name in ground.axes)
    layout = _layout(
        images=[image],
        showlegend=False,
        xaxis={"range": [x0, x1], "title": {"text": x_axis}, "showgrid": False, "zeroline": False},
        yaxis={"range": [y0, y1], "title": {"text": y_axis}, "showgrid": False, "zeroline": False},
    )
    return {"data": [points], "layout": layout}


def matrix_figure(cells: Sequence[Sequence[int]], names: Sequence[str]) -> dict[str, Any]:
    """Counts of actual against predicted, shaded by the share of each actual class."""
    whole = [name.translate(_SAFE) for name in names]
    cut = [name[:14] for name in whole]
    # Each is a place on an axis: two that were cut alike would be one.
    shown = [
        name if cut.count(short) > 1 else short for name, short in zip(whole, cut, strict=True)
    ]
    shades = [[n / (sum(row) or 1) for n in row] for row in cells]
    is_small = len(names) <= 12
    heat = {
        "type": "heatmap", "z": shades, "x": shown, "y": shown, "zmin": 0.0, "zmax": 1.0,
        "showscale": False, "xgap": 2, "ygap": 2, "customdata": [list(row) for row in cells],
        "text": [[f"{n:,}" for n in row] for row in cells] if is_small else None,
        "texttemplate": "%{text}" if is_small else "",
        "hovertemplate": "%{y} taken for %{x}: %{customdata:,}<extra></extra>",
        "colorscale": [[0.0, "#20313b"], [1.0, "#0B6E99"]]
        if _is_dark()
        else [[0.0, "#eef3f6"], [1.0, "#58B4D9"]],
    }  # fmt: skip
    layout = _layout(
        margin={"l": 10, "r": 10, "t": 8, "b": 10},
        xaxis={"title": {"text": "predicted"}, "type": "category", "automargin": True},
        yaxis={
            "title": {"text": "actual"},
            "type": "category",
            "autorange": "reversed",
            "automargin": True,
        },
    )
    return {"data": [{k: v for k, v in heat.items() if v is not None}], "layout": layout}
