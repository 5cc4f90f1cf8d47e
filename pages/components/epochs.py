"""How a model that learns in steps came to its weights: loss and accuracy, epoch by epoch."""

from typing import Any

import streamlit as st

from al_engine.learning.learners import Epochs, epochs_by_member
from al_engine.learning.models import MODELS
from al_engine.session import State
from pages.components.panels.spot import Spot
from pages.components.words import counted

_DRAWN = {"loss": "Loss", "accuracy": "Accuracy"}
_HELP = (
    "Loss is the mean negative logarithm of the probability of an object's true class, accuracy "
    "the share of right predictions. An epoch is once through the labelled objects."
)


def epochs_panel(spot: Spot) -> None:
    """The curves of this round's fit, one of its members at a time."""
    if spot.state is None:
        return
    found = _members(spot.state)
    if not found:
        st.caption(
            "No model of this round learned in steps: those are "
            + " and ".join(f"'{model.title}'" for model in MODELS.values() if model.learns_in_steps)
            + ", in the set-up. With labels of one side alone nothing is learned yet."
        )
        return
    name = next(iter(found))
    with st.container(horizontal=True, vertical_alignment="center", key="epochs-drawn"):
        drawn = st.segmented_control(
            "Curve", list(_DRAWN), default="loss", required=True, format_func=lambda n: _DRAWN[n],
            key=f"{spot.key}-drawn", label_visibility="collapsed",
        )  # fmt: skip
        if len(found) > 1:
            name = st.selectbox(
                "Model", list(found), key=f"{spot.key}-member", label_visibility="collapsed"
            )
    epochs = found[name]
    st.caption(_said(epochs), help=_HELP)
    st.plotly_chart(
        _figure(epochs, drawn, max(150, spot.least_px - 110)),
        key=f"{spot.key}-curves",
        config={"displaylogo": False, "displayModeBar": False},
    )


def _members(state: State) -> dict[str, Epochs]:
    """The curves by model, numbered where one takes part twice."""
    if state.fit is None:
        return {}
    titles = [MODELS[member.model].title for member in state.setup.members]
    return {
        f"{i + 1}: {title}" if titles.count(title) > 1 else title: epochs
        for i, (title, epochs) in enumerate(
            zip(titles, epochs_by_member(state.fit.learner), strict=True)
        )
        if epochs is not None
    }


def _said(epochs: Epochs) -> str:
    n = len(epochs.training_loss)
    kept = f"Epoch {epochs.best + 1} of {n} is kept, of least loss over"
    if not epochs.judged_on:
        return f"Dotted training. {kept} the labelled objects themselves."
    judged = f"{counted(epochs.n_judged, 'object')} ({epochs.judged_on})"
    return f"Solid validation, dotted training. {kept} {judged}."


def _figure(epochs: Epochs, drawn: str, height_px: int) -> dict[str, Any]:
    numbers = list(range(1, len(epochs.training_loss) + 1))
    parts = [("validation", "solid")] if epochs.judged_on else []
    data = [
        {
            "type": "scatter",
            "x": numbers,
            "y": getattr(epochs, f"{part}_{drawn}").tolist(),
            "name": part,
            "mode": "lines+markers",
            "line": {"color": "#D55E00", "dash": dash, "width": 1.6},
            "marker": {"size": 4, "symbol": "circle" if part == "validation" else "x"},
            "hovertemplate": f"epoch %{{x}}: %{{y:.4g}}<extra>{part}</extra>",
        }
        for part, dash in (*parts, ("training", "dot"))
    ]
    text = "#c8ccd0" if st.context.theme.type == "dark" else "#31363b"
    best = epochs.best + 1
    kept = {"type": "line", "x0": best, "x1": best, "y0": 0, "y1": 1, "yref": "paper"}
    return {
        "data": data,
        "layout": {
            "height": height_px,
            "margin": {"l": 50, "r": 8, "t": 6, "b": 36},
            "showlegend": False,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": text, "size": 11},
            "shapes": [{**kept, "line": {"dash": "dash", "width": 1, "color": text}}],
            "xaxis": {"title": {"text": "epoch", "standoff": 6}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": _DRAWN[drawn].lower(), "standoff": 6}},
        },
    }
