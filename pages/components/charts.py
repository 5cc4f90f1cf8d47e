"""The small charts that are clicked: confusion matrices, the score plot, thresholds.

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
from al_engine.learning.reliability import Reliability
from al_engine.learning.thresholds import AtThreshold
from al_engine.session import ScoredRound
from al_engine.settings.target import Target
from pages.components import state

MATRIX_HEIGHT_PX, SCORES_HEIGHT_PX = 136, 206
# A matrix of more classes than two: one row each, and room for the names below.
ROW_HEIGHT_PX, NAMES_PX = 24, 84
_FRAME_PX = 8  # that the component leaves around what it draws
FULL_NUMBERS = 5  # classes, of which cells have room for a number in full
MOST_CLASSES = 12  # that have a row of their own; the others share one
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


def curves(traces: list[dict[str, Any]], titles: tuple[str, str], key: str, height_px: int) -> None:
    """Lines by a number, which stay as they were zoomed and chosen while they grow.

    Parameters
    ----------
    titles : of both axes
    key : what is drawn under another one is drawn anew
    """
    across, up = ({"title": {"text": title}} for title in titles)
    layout = _layout(
        height_px - 2 * _FRAME_PX,
        {"l": 56, "r": 10, "t": 8, "b": 44},
        xaxis=_axis(**across),
        yaxis=_axis(**up),
        hovermode="x unified",
        hoverlabel={"bgcolor": "#1b2129" if _is_dark() else "#ffffff"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision=key,
    )
    plotly_events(_Figure(traces, layout), click_event=False, override_height=height_px, key=key)


def confusion_matrix(
    scores: Scores,
    former: Scores | None,
    names: Sequence[str],
    part: str,
    key: str,
    chosen: tuple[int, int] | None,
) -> tuple[int, int] | None:
    """The matrix of one set, of two sides with the changes since the round before.

    Of more than ``MOST_CLASSES`` the most frequent have rows of their own.

    Parameters
    ----------
    names : of the classes

    Returns the cell (actual, predicted) that was clicked, once.
    """
    shown = _frequent(scores)
    counts = _folded(scores.confusion, shown)
    many = len(counts) > 2
    labels = [_clip(names[code]) for code in shown] + ["others"] * (len(counts) - len(shown))
    places = list(range(len(counts)))
    # Rows are shares of the actual class, so that a rare class is as visible as a common one.
    shades = [[n / (sum(row) or 1) for n in row] for row in counts]
    cells = {
        "type": "heatmap",
        "z": shades,
        "x": places,
        "y": places,
        "zmin": 0.0,
        "zmax": 1.0,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "colorscale": [[0.0, "#20313b"], [1.0, "#0B6E99"]]
        if _is_dark()
        else [[0.0, "#eef3f6"], [1.0, "#58B4D9"]],
        **(_hovered(counts, labels) if many else {"hoverinfo": "none"}),
    }
    at = tuple(shown.index(code) for code in chosen or () if code in shown)
    before = _folded(former.confusion, shown) if former and not many else None
    written = []
    for actual, row in enumerate(counts):
        for predicted, n in enumerate(row):
            if many and not n:
                continue
            mark = "▸ " if at == (actual, predicted) else ""
            text = mark + (_brief(n) if len(counts) > FULL_NUMBERS else f"{n:,}")
            if before:
                # Two lines: side by side they would not fit where there are many objects.
                text += f"<br>{n - before[actual][predicted]:+,}"
            font = {"size": 9 if len(counts) > FULL_NUMBERS else 12}
            place = {"x": predicted, "y": actual, "showarrow": False, "font": font}
            written.append({**place, "text": text})
    said = labels if many else [f"predicted {_clip(names[code], 8)}" for code in shown]
    fixed = {"tickvals": places, "fixedrange": True, "showgrid": False, "zeroline": False}
    height = NAMES_PX + ROW_HEIGHT_PX * len(counts) if many else MATRIX_HEIGHT_PX
    layout = _layout(
        height,
        {"l": 62, "r": 4, "t": 24, "b": 28},
        annotations=written,
        xaxis=_axis(ticktext=said, tickangle=-45 if len(counts) > 4 else 0, **fixed),
        # Many read from the top, as a table does.
        yaxis=_axis(ticktext=labels, **({"autorange": "reversed"} if many else {}), **fixed),
        # The title stands where plotly's tool bar would lie over the cells.
        title={
            "text": "Actual by row, predicted by column"
            if many
            else f"{part.capitalize()}: click a cell",
            "x": 0,
            "y": 0.99,
            "yanchor": "top",
            "font": {"size": 12},
        },
    )
    figure = _Figure([cells], layout)
    point = _clicked(figure, key, height)
    if point is None:
        return None
    cell = round(float(point["y"])), round(float(point["x"]))
    if max(cell) >= len(shown):
        return None  # of several classes together, which have no list of their own
    return shown[cell[0]], shown[cell[1]]


def _frequent(scores: Scores) -> list[int]:
    """The codes of the classes that have rows of their own, in order: those with most objects."""
    codes = list(range(len(scores.confusion)))
    if len(codes) <= MOST_CLASSES:
        return codes
    sizes = [sum(row) for row in scores.confusion]
    return sorted(sorted(codes, key=lambda code: -sizes[code])[:MOST_CLASSES])


def _folded(confusion: Sequence[Sequence[int]], shown: Sequence[int]) -> list[list[int]]:
    """The matrix of some classes, all others together behind them where there are any."""
    if len(shown) == len(confusion):
        return [list(row) for row in confusion]
    at = {code: place for place, code in enumerate(shown)}
    folded = [[0] * (len(shown) + 1) for _ in range(len(shown) + 1)]
    for actual, row in enumerate(confusion):
        into = folded[at.get(actual, len(shown))]
        for predicted, n in enumerate(row):
            into[at.get(predicted, len(shown))] += n
    return folded


def _hovered(counts: list[list[int]], labels: list[str]) -> dict[str, Any]:
    """What a cell says of itself under the pointer."""
    text = [
        [f"is {is_}, predicted {said}: {n:,}" for said, n in zip(labels, row, strict=True)]
        for is_, row in zip(labels, counts, strict=True)
    ]
    return {"text": text, "hoverinfo": "text"}


def _brief(n: int) -> str:
    """A number that fits a small cell, rounded down; the pointer shows it in full.

    >>> _brief(940), _brief(12_300), _brief(1_240_000)
    ('940', '12k', '1M')
    """
    if n < 1000:
        return str(n)
    return f"{n // 1000}k" if n < 1_000_000 else f"{n // 1_000_000}M"


def score_plot(
    rounds: Sequence[ScoredRound],
    metrics: Sequence[str],
    key: str,
    past: int | None,
    best: tuple[int, str] | None = None,
    target: Target | None = None,
) -> int | None:
    """Scores by number of labels; the number of the round that was clicked, once.

    ``best`` are the round that did best on validation, and the score by which it did; ``target`` is
    drawn as a line where its score is among those drawn.
    """
    scored = [r for r in rounds if r.scores is not None]
    curves, drawn = [], []
    for metric in metrics:
        name = TITLES[metric]
        for part, dash, symbol in (("validation", "solid", "circle"), ("training", "dot", "x")):
            points = _points(scored, part, metric)
            numbers_drawn = [r.number for r, _ in points]
            drawn.append(numbers_drawn)
            starred = [part == "validation" and best == (n, metric) for n in numbers_drawn]
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
                    "marker": {
                        "size": [13 if is_best else 6 for is_best in starred],
                        "symbol": ["star" if is_best else symbol for is_best in starred],
                    },
                    "hovertemplate": f"%{{text}}: %{{y:.3f}}<extra>{name}, {part}</extra>",
                }
            )
    numbers = [r.labelled.n_labelled for r in scored] or [0]
    step = max(1, -(-(max(numbers) - min(numbers)) // 8))
    wanted = [target] if target is not None and target.metric in metrics else []
    layout = _layout(
        SCORES_HEIGHT_PX,
        {"l": 44, "r": 8, "t": 22, "b": 34},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 10}},
        shapes=[
            *(_upright(r.labelled.n_labelled) for r in scored if r.number == past),
            *map(_level, wanted),
        ],
        annotations=list(map(_named_level, wanted)),
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


def reliability_plot(stated: Reliability, mended: Reliability | None, key: str) -> None:
    """Observed against stated shares, as the model says them and once calibrated."""
    both = [("as the model says", stated, "#999999", "circle")]
    if mended is not None:
        both.append(("calibrated", mended, "#0072B2", "diamond"))
    curves: list[dict[str, Any]] = [_line((0.0, 1.0), (0.0, 1.0), "right", "#999999", "dot")]
    for name, found, colour, symbol in both:
        bins = [b for b in found.bins if b.observed.value is not None]
        curves.append(
            {
                "type": "scatter",
                "x": [b.stated for b in bins],
                "y": [b.observed.value for b in bins],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [b.observed.high - b.observed.value for b in bins],
                    "arrayminus": [b.observed.value - b.observed.low for b in bins],
                    "thickness": 1,
                    "width": 2,
                },
                "text": [f"n {b.observed.n:,}" for b in bins],
                "name": name,
                "mode": "lines+markers",
                "line": {"color": colour, "width": 1.6},
                "marker": {"size": 6, "symbol": symbol},
                "hovertemplate": f"said %{{x:.2f}}, is %{{y:.2f}}, %{{text}}<extra>{name}</extra>",
            }
        )
    _clicked(
        _Figure(curves, _of_shares("probability said", "share that is")), key, SCORES_HEIGHT_PX
    )


def threshold_plot(curve: Sequence[AtThreshold], chosen: float, key: str) -> float | None:
    """Purity and completeness by threshold; the threshold that was clicked, once."""
    curves: list[dict[str, Any]] = []
    for metric, name, dash in (
        ("precision", "purity", "solid"),
        ("recall", "completeness", "dash"),
    ):
        drawn = [p for p in curve if getattr(p.scores, metric).value is not None]
        at = [p.threshold for p in drawn]
        scores = [getattr(p.scores, metric) for p in drawn]
        colour = _COLOURS[metric]
        band = _line(
            [*at, *at[::-1]],
            [*(s.low for s in scores), *(s.high for s in scores[::-1])],
            "",
            colour,
        )
        curves.append(
            {
                **band,
                "mode": "none",
                "fill": "toself",
                "fillcolor": f"{colour}33",
                "hoverinfo": "skip",
            }
        )
        line = _line(at, [s.value for s in scores], name, colour, dash)
        curves.append({**line, "showlegend": True, "hovertemplate": "%{x:.2f}: %{y:.3f}"})
    layout = _of_shares("threshold", "")
    layout["shapes"] = [_upright(chosen)]
    point = _clicked(_Figure(curves, layout), key, SCORES_HEIGHT_PX)
    return None if point is None else round(float(point["x"]), 2)


def _line(
    x: Sequence[float], y: Sequence[float], name: str, colour: str, dash: str = "solid"
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": list(x),
        "y": list(y),
        "name": name,
        "mode": "lines",
        "showlegend": False,
        "line": {"color": colour, "dash": dash, "width": 1.6},
    }


def _of_shares(x: str, y: str) -> dict[str, Any]:
    """The layout of a plot of one share by another."""
    return _layout(
        SCORES_HEIGHT_PX,
        {"l": 44, "r": 8, "t": 22, "b": 46},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 10}},
        xaxis=_axis(title={"text": x, "standoff": 8}, range=[-0.02, 1.02]),
        yaxis=_axis(title={"text": y, "standoff": 4}, range=[-0.02, 1.03]),
    )


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


def _level(target: Target) -> dict[str, Any]:
    """A line at a score that is wanted, over the whole width."""
    line = {"dash": "dashdot", "width": 1.2, "color": _COLOURS[target.metric]}
    at = {"x0": 0, "x1": 1, "xref": "paper", "y0": target.value, "y1": target.value}
    return {"type": "line", "layer": "below", **at, "line": line}


def _named_level(target: Target) -> dict[str, Any]:
    """What stands at that line: below it, for the curve comes from there."""
    place = {"x": 1, "xref": "paper", "xanchor": "right", "y": target.value, "yanchor": "top"}
    return {**place, "text": "target", "showarrow": False, "font": {"size": 10}}


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
