"""The small charts that are clicked: confusion matrices and the score plot.

They go through streamlit-plotly-events, whose old plotly.js draws typed arrays empty or wrong
without an error: figures are handed to it with plain lists.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
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


class _Lists:
    """A figure whose JSON holds lists in place of typed arrays."""

    def __init__(self, figure: go.Figure) -> None:
        self._figure = figure

    def to_json(self) -> str:
        return json.dumps(_with_lists(json.loads(self._figure.to_json())))


def _with_lists(value: Any) -> Any:
    if isinstance(value, dict):
        if "bdata" in value and "dtype" in value:
            array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
            shape = str(value.get("shape", "")).split(",")
            return array.reshape([int(n) for n in shape] if shape != [""] else -1).tolist()
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, list) else value


def _clicked(figure: go.Figure, key: str, height_px: int) -> dict[str, Any] | None:
    """Draw a figure; the point that was clicked, once.

    The key counts handled clicks: the component's value stays for ever otherwise, and a second
    click on the same point would be taken for the first.
    """
    found = plotly_events(
        _Lists(figure),
        click_event=True,
        override_height=height_px,
        key=f"{key}-{state.clicks(key)}",
    )
    if not found:
        return None
    state.count_click(key)
    point: dict[str, Any] = found[0]
    return point


def _layout(figure: go.Figure, height_px: int) -> None:
    text = "#c8ccd0" if _is_dark() else "#31363b"
    figure.update_layout(
        template="plotly_dark" if _is_dark() else "plotly_white",
        height=height_px,
        margin={"l": 44, "r": 8, "t": 8, "b": 34},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": text, "size": 11},
        showlegend=False,
        modebar=dict.fromkeys(("bgcolor", "color", "activecolor"), "rgba(0,0,0,0)"),
    )


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
    figure = go.Figure(
        go.Heatmap(
            z=shades,
            x=[0, 1],
            y=[0, 1],
            zmin=0.0,
            zmax=1.0,
            showscale=False,
            xgap=2,
            ygap=2,
            colorscale=[[0.0, "#20313b"], [1.0, "#0B6E99"]]
            if _is_dark()
            else [[0.0, "#eef3f6"], [1.0, "#58B4D9"]],
            hoverinfo="none",
        )
    )
    for actual, row in enumerate(counts):
        for predicted, n in enumerate(row):
            mark = "▸ " if chosen == (actual, predicted) else ""
            change = n - former.confusion[actual][predicted] if former else 0
            figure.add_annotation(
                x=predicted,
                y=actual,
                # Two lines: side by side they would not fit where there are many objects.
                text=f"{mark}{n:,}" + (f"<br>{change:+,}" if former else ""),
                showarrow=False,
                font={"size": 12},
            )
    _layout(figure, MATRIX_HEIGHT_PX)
    said = [f"predicted {_clip(text, 8)}" for text in (other, name)]
    figure.update_xaxes(
        tickvals=[0, 1], ticktext=said, tickangle=0, fixedrange=True, showgrid=False
    )
    figure.update_yaxes(tickvals=[0, 1], ticktext=labels, fixedrange=True, showgrid=False)
    # The title stands where plotly's tool bar would lie over the cells.
    figure.update_layout(
        margin={"l": 62, "r": 4, "t": 24, "b": 22},
        title={"text": f"{part.capitalize()}: click a cell", "x": 0, "y": 0.99, "yanchor": "top"},
        title_font_size=12,
    )
    point = _clicked(figure, key, MATRIX_HEIGHT_PX)
    if point is None:
        return None
    return round(float(point["y"])), round(float(point["x"]))


def score_plot(
    rounds: Sequence[ScoredRound], metrics: Sequence[str], key: str, past: int | None
) -> int | None:
    """Scores by number of labels; the number of the round that was clicked, once."""
    scored = [r for r in rounds if r.scores is not None]
    figure, drawn = go.Figure(), []
    for metric in metrics:
        for part, dash, symbol in (("validation", "solid", "circle"), ("training", "dot", "x")):
            points = [
                (r, getattr(found, metric).value)
                for r in scored
                if r.scores is not None and (found := getattr(r.scores, part)) is not None
            ]
            drawn.append([r.number for r, _ in points])
            figure.add_scatter(
                x=[r.labelled.n_labelled for r, _ in points],
                y=[value for _, value in points],
                text=[f"round {r.number}" for r, _ in points],
                name=TITLES[metric],
                showlegend=part == "validation",
                mode="lines+markers",
                line={"color": _COLOURS[metric], "dash": dash, "width": 1.6},
                marker={"size": 6, "symbol": symbol},
                hovertemplate=f"%{{text}}: %{{y:.3f}}<extra>{TITLES[metric]}, {part}</extra>",
            )
    if past is not None:
        marked = [r for r in scored if r.number == past]
        for r in marked:
            figure.add_vline(x=r.labelled.n_labelled, line={"dash": "dash", "width": 1})
    _layout(figure, SCORES_HEIGHT_PX)
    numbers = [r.labelled.n_labelled for r in scored] or [0]
    step = max(1, -(-(max(numbers) - min(numbers)) // 8))
    figure.update_xaxes(
        title="labels trained on",
        dtick=step,
        range=[min(numbers) - 0.5 * step, max(numbers) + 0.5 * step],
    )
    figure.update_yaxes(range=[-0.02, 1.03])
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 10}},
        margin={"l": 44, "r": 8, "t": 22, "b": 34},
    )
    point = _clicked(figure, key, SCORES_HEIGHT_PX)
    return None if point is None else round_of_point(drawn, point)


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
