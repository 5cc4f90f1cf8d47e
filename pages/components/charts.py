"""The small charts that are clicked: confusion matrices and the score plot.

They go through streamlit-plotly-events.  Figures are plain data in plotly.js's own form: building
them from plotly's Python objects takes a tenth of a second each time, and their typed arrays are
drawn empty or wrong by the plotly.js of that component, without an error.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit_plotly_events import plotly_events

from al_engine.learning.metrics import Scores
from al_engine.session import ScoredRound
from pages.components import state

METRICS = ("accuracy", "precision", "recall", "f1")
MATRIX_HEIGHT_PX, SCORES_HEIGHT_PX = 136, 206
TITLES = {"accuracy": "Accuracy", "precision": "Precision", "recall": "Recall", "f1": "F1"}
# Told apart by dash as well as by colour.
_COLOURS = {"accuracy": "#999999", "precision": "#56B4E9", "recall": "#CC79A7", "f1": "#D55E00"}


@dataclass(frozen=True)
class _Figure:
    """What plotly.js draws, as its documentation calls it."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]

    def to_json(self) -> str:
        return json.dumps({"data": self.data, "layout": self.layout}, allow_nan=False)


def _clicked(figure: _Figure, key: str, height_px: int) -> dict[str, Any] | None:
    """Draw a figure; the point that was clicked, once.

    The key counts handled clicks: the component's value stays for ever otherwise, and a second
    click on the same point would be taken for the first.
    """
    found = plotly_events(
        figure,
        click_event=True,
        override_height=height_px,
        key=f"{key}-{state.clicks(key)}",
    )
    if not found:
        return None
    state.count_click(key)
    point: dict[str, Any] = found[0]
    return point


def _layout(height_px: int, margin: dict[str, int], **more: Any) -> dict[str, Any]:
    text = "#c8ccd0" if _is_dark() else "#31363b"
    return {
        "height": height_px,
        "margin": margin,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": text, "size": 11},
        "hovermode": "closest",
        "modebar": dict.fromkeys(("bgcolor", "color", "activecolor"), "rgba(0,0,0,0)"),
        **more,
    }


def _axis(**more: Any) -> dict[str, Any]:
    lines = "#283442" if _is_dark() else "#e6ebf1"
    drawn = {"gridcolor": lines, "zerolinecolor": lines, "ticks": ""}
    return {**drawn, "automargin": True, **more}


def _is_dark() -> bool:
    return st.context.theme.type == "dark"


def confusion_matrix(
    scores: Scores,
    former: Scores | None,
    name: str,
    part: str,
    key: str,
    chosen: tuple[int, int] | None,
) -> tuple[int, int] | None:
    """The 2x2 matrix of one set, with the changes since the round before.

    Returns the cell (actual, predicted) that was clicked, once.
    """
    counts = [list(row) for row in scores.confusion]
    other = "other"
    labels = [other, _clip(name)]
    # Rows are shares of the actual class, so that a rare class is as visible as a common one.
    shades = [[n / (sum(row) or 1) for n in row] for row in counts]
    cells = {
        "type": "heatmap",
        "z": shades,
        "x": [0, 1],
        "y": [0, 1],
        "zmin": 0.0,
        "zmax": 1.0,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "colorscale": [[0.0, "#20313b"], [1.0, "#0B6E99"]]
        if _is_dark()
        else [[0.0, "#eef3f6"], [1.0, "#58B4D9"]],
        "hoverinfo": "none",
    }
    written = []
    for actual, row in enumerate(counts):
        for predicted, n in enumerate(row):
            mark = "▸ " if chosen == (actual, predicted) else ""
            change = n - former.confusion[actual][predicted] if former else 0
            # Two lines: side by side they would not fit where there are many objects.
            text = f"{mark}{n:,}" + (f"<br>{change:+,}" if former else "")
            place = {"x": predicted, "y": actual, "showarrow": False, "font": {"size": 12}}
            written.append({**place, "text": text})
    said = [f"predicted {_clip(text, 8)}" for text in (other, name)]
    fixed = {"tickvals": [0, 1], "fixedrange": True, "showgrid": False, "zeroline": False}
    layout = _layout(
        MATRIX_HEIGHT_PX,
        {"l": 62, "r": 4, "t": 24, "b": 28},
        annotations=written,
        xaxis=_axis(ticktext=said, tickangle=0, **fixed),
        yaxis=_axis(ticktext=labels, **fixed),
        # The title stands where plotly's tool bar would lie over the cells.
        title={
            "text": f"{part.capitalize()}: click a cell",
            "x": 0,
            "y": 0.99,
            "yanchor": "top",
            "font": {"size": 12},
        },
    )
    figure = _Figure([cells], layout)
    point = _clicked(figure, key, MATRIX_HEIGHT_PX)
    if point is None:
        return None
    return round(float(point["y"])), round(float(point["x"]))


def score_plot(
    rounds: Sequence[ScoredRound], metrics: Sequence[str], key: str, past: int | None
) -> int | None:
    """Scores by number of labels; the number of the round that was clicked, once."""
    scored = [r for r in rounds if r.scores is not None]
    curves, drawn = [], []
    for metric in metrics:
        name = TITLES[metric]
        for part, dash, symbol in (("validation", "solid", "circle"), ("training", "dot", "x")):
            points = _points(scored, part, metric)
            drawn.append([r.number for r, _ in points])
            curves.append(
                {
                    "type": "scatter",
                    "x": [r.labelled.n_labelled for r, _ in points],
                    "y": [value for _, value in points],
                    "text": [f"round {r.number}" for r, _ in points],
                    "name": name,
                    "showlegend": part == "validation",
                    "mode": "lines+markers",
                    "line": {"color": _COLOURS[metric], "dash": dash, "width": 1.6},
                    "marker": {"size": 6, "symbol": symbol},
                    "hovertemplate": f"%{{text}}: %{{y:.3f}}<extra>{name}, {part}</extra>",
                }
            )
    numbers = [r.labelled.n_labelled for r in scored] or [0]
    step = max(1, -(-(max(numbers) - min(numbers)) // 8))
    layout = _layout(
        SCORES_HEIGHT_PX,
        {"l": 44, "r": 8, "t": 22, "b": 34},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 10}},
        shapes=[_upright(r.labelled.n_labelled) for r in scored if r.number == past],
        xaxis=_axis(
            title={"text": "labels trained on", "standoff": 8},
            dtick=step,
            range=[min(numbers) - 0.5 * step, max(numbers) + 0.5 * step],
        ),
        yaxis=_axis(range=[-0.02, 1.03]),
    )
    figure = _Figure(curves, layout)
    point = _clicked(figure, key, SCORES_HEIGHT_PX)
    return None if point is None else round_of_point(drawn, point)


def _points(
    scored: Sequence[ScoredRound], part: str, metric: str
) -> list[tuple[ScoredRound, float | None]]:
    """A curve's rounds and values; one of no value where those after it are over other objects."""
    points: list[tuple[ScoredRound, float | None]] = []
    for r in scored:
        found = getattr(r.scores, part)
        if found is None:
            continue
        if points and is_break(points[-1][0], r):
            points.append((r, None))
        points.append((r, getattr(found, metric).value))
    return points


def is_break(before: ScoredRound, after: ScoredRound) -> bool:
    """Are the scores of two rounds over other objects, because others test?"""
    both = before.scores is not None and after.scores is not None
    return both and before.scores.over != after.scores.over  # type: ignore[union-attr]


def _upright(x: float) -> dict[str, Any]:
    """A dashed line over the whole height."""
    colour = "#c8ccd0" if _is_dark() else "#31363b"
    line = {"dash": "dash", "width": 1, "color": colour}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def round_of_point(drawn: Sequence[Sequence[int]], point: Mapping[str, Any]) -> int | None:
    """The round of a clicked point by its curve and its place in it.

    Not by its number of labels: a label that was changed makes a round of as many.
    """
    curve, place = int(point["curveNumber"]), int(point["pointNumber"])
    known = 0 <= curve < len(drawn) and 0 <= place < len(drawn[curve])
    return drawn[curve][place] if known else None


def _clip(text: str, limit: int = 12) -> str:
    """Short enough for an axis; plotly reads angle brackets as markup."""
    text = text.replace("<", "‹").replace(">", "›")
    return text if len(text) <= limit else text[: limit - 1] + "…"
