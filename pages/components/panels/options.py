"""What can be chosen about a panel beside its kind: columns, scales, colours.

Draws the fields in the panel's menu; what is chosen is the panel's own data.
"""

from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.data.features import plottable
from al_engine.session import LabellingSession
from al_engine.settings.panels import Panel
from pages.components import state as tab
from pages.components.page import draw_again
from pages.components.panels.columns import ask_anew
from pages.components.panels.spot import Spot

_COLOURS = {
    "label": "label",
    "verified": "verified label",
    "correctness": "correctness",
    "predicted": "predicted label",
    "confidence": "certainty",
    "probability": "probability",
    "coverage": "training data near",
    "column": "a column",
}
_OF_A_MODEL = ("correctness", "predicted", "confidence", "probability", "coverage")


def options(spot: Spot) -> Panel | None:
    """The fields of a panel's kind; the panel as it is to be, None where that is as it was."""
    panel, session = spot.panel, spot.session
    wanted = panel
    if panel.kind in ("plot", "density"):
        wanted = _axes(spot, wanted, ("x", "y"))
    elif panel.kind == "histogram":
        wanted = _axes(spot, wanted, ("x",))
        is_log = st.checkbox("Log counts", panel.y_log, key=f"{spot.key}-y-log")
        wanted = replace(wanted, y_log=is_log)
    elif panel.kind == "sed":
        is_flux = st.checkbox(
            "Flux density in place of magnitude", panel.y == "jy", key=f"{spot.key}-jy"
        )
        wanted = replace(wanted, y="jy" if is_flux else "")
    if panel.kind in ("plot", "histogram", "sky", "diagram"):
        wanted = _colour(spot, wanted, session)
    if panel.kind in ("diagram", "sed") and st.button(
        "Which column is which…", key=f"{spot.key}-columns"
    ):
        ask_anew(spot)
        tab.count_click("panels")
        draw_again()
    return None if wanted == panel else wanted


def numeric_names(session: LabellingSession) -> list[str]:
    """Features, or the axes of texts, then columns of numbers."""
    features = plottable(session.config.features)
    return list(dict.fromkeys([*features, *session.project.catalogue.names(numeric=True)]))


def _axes(spot: Spot, wanted: Panel, axes: tuple[str, ...]) -> Panel:
    names = numeric_names(spot.session)
    config = spot.session.config
    for axis in axes:
        held = getattr(wanted, axis) or (config.x_axis if axis == "x" else config.y_axis)
        field, log = st.columns([3, 1], vertical_alignment="bottom")
        chosen = field.selectbox(
            axis.upper() if len(axes) > 1 else "Column",
            names,
            names.index(held) if held in names else None,
            key=f"{spot.key}-{axis}-{held}",
        )
        was_log = getattr(wanted, f"{axis}_log")
        is_log = log.checkbox(
            "Log", was_log, key=f"{spot.key}-{axis}-log-{was_log}",
            help="Values that are not above 0 have no place on a log axis.",
        )  # fmt: skip
        changes: dict[str, Any] = {f"{axis}_log": is_log}
        if chosen is not None and chosen != held:
            changes[axis] = chosen
        wanted = replace(wanted, **changes)
    return wanted


def _colour(spot: Spot, wanted: Panel, session: LabellingSession) -> Panel:
    has_model = spot.state is not None and spot.state.fit is not None
    listed = [name for name in _COLOURS if has_model or name not in _OF_A_MODEL]
    held = wanted.colour if wanted.colour in listed else "label"
    chosen = st.selectbox(
        "Coloured by",
        listed,
        listed.index(held),
        format_func=lambda name: _COLOURS[name],
        key=f"{spot.key}-colour-{held}",
        help="Correctness, prediction, certainty and probability are of the classifier that is "
        "looked at; test objects have none. Training data near: how far its labelled objects are.",
    )
    wanted = replace(wanted, colour=chosen) if chosen != held else wanted
    if wanted.colour != "column":
        return wanted
    names = list(dict.fromkeys([*numeric_names(session), *session.project.catalogue.names()]))
    column = st.selectbox(
        "Column of the colours",
        names,
        names.index(wanted.colour_column) if wanted.colour_column in names else None,
        key=f"{spot.key}-colour-column-{wanted.colour_column}",
        placeholder="Column or feature",
    )
    return replace(wanted, colour_column=column or "")
