"""Settings: catalogue, columns, features, classifiers, one step after the other."""

import streamlit as st

from pages.components import settings_steps, state
from pages.components.page import page

with page("Settings") as session:
    steps = settings_steps.STEPS
    chosen = st.segmented_control(
        "Step",
        range(len(steps)),
        format_func=lambda number: f"{number + 1} {steps[number].title}",
        default=state.step(),
        required=True,
        key=f"step-{state.step()}",
        label_visibility="collapsed",
    )
    if chosen != state.step():
        state.go_to_step(chosen)
        st.rerun()
    steps[chosen].draw(session)
