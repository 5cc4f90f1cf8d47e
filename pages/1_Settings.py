"""Settings: catalogue, columns, features, classifiers, one step after the other."""

import streamlit as st

from pages.components import state
from pages.components.page import page
from pages.components.settings import STEPS

with page("Settings") as session:
    chosen = st.segmented_control(
        "Step",
        range(len(STEPS)),
        format_func=lambda number: f"{number + 1} {STEPS[number].title}",
        default=state.step(),
        required=True,
        key=f"step-{state.step()}",
        label_visibility="collapsed",
    )
    if chosen != state.step():
        state.go_to_step(chosen)
        st.rerun()
    STEPS[chosen].draw(session)
