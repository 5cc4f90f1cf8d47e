"""What a panel's colours take seconds to measure: waited for with a bar, and never unasked."""

import streamlit as st

from al_engine.showing.covering import begin_measuring, is_quick
from pages.components import state as tab
from pages.components.page import draw_again
from pages.components.panels.spot import Spot
from pages.components.waiting import finished
from pages.components.words import counted


def is_measured(spot: Spot) -> bool:
    """Can a panel be drawn at once?  Where it cannot, its place says so, with the way to it."""
    if spot.panel.colour != "coverage" or spot.state is None:
        return True
    job = finished(_name(spot), "Measuring", unit="object")
    if job is not None:
        job.result()
    if is_quick(spot.session, spot.state):
        return True
    n = counted(spot.session.project.catalogue.n_rows, "object")
    st.caption(
        f"How far {n} lie from the labelled ones is measured once; then each label adds to it."
    )
    if st.button("Measure", key=f"measure-{spot.key}", icon=":material/straighten:"):
        tab.keep_job(_name(spot), begin_measuring(spot.session, spot.state))
        draw_again()
    return False


def _name(spot: Spot) -> str:
    return f"coverage-{spot.session.project.slug}-{spot.classifier}"
