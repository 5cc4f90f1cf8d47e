"""The panel of records: some objects as lines, of which one is clicked to select it."""

from functools import partial

import streamlit as st

from al_engine.showing.records import records
from pages.components import state as tab
from pages.components.paged import paged
from pages.components.panels.spot import Spot
from pages.components.words import counted

SHOWN = 100  # lines at a time


def records_panel(spot: Spot) -> None:
    """The objects selected together, else the whole catalogue, some lines at a time."""
    n_rows = spot.session.project.catalogue.n_rows
    together = tab.exploring().together
    n = n_rows if together is None else together.n
    of = "catalogue" if together is None else str(together.number)
    with st.container(horizontal=True, vertical_alignment="center", key=f"{spot.key}-head"):
        said = "The catalogue" if together is None else "Selected together"
        st.caption(f"**{said}**: {counted(n, 'object')}")
        at = paged(f"{spot.key}-{of}", n, SHOWN, "object")
    rows = range(n)[at] if together is None else together.rows[at]
    listed = [int(row) for row in rows]
    # Its key counts the clicks: a line that was chosen is chosen again by another click on it.
    key = f"{spot.key}-lines-{of}-{at.start}-{tab.clicks(spot.key)}"
    st.dataframe(
        records(spot.session, spot.state, listed),
        key=key,
        on_select=partial(_select, spot, key, listed),
        selection_mode="single-row",
        hide_index=True,
        row_height=26,
        placeholder="–",
        height="stretch",
    )


def _select(spot: Spot, key: str, listed: list[int]) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    if chosen and chosen[0] < len(listed):
        tab.select(spot.classifier, listed[chosen[0]])
        tab.count_click(spot.key)
