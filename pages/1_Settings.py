"""Settings: catalogue, columns, features, classifiers, one step after the other."""

import streamlit as st

from pages.components import state
from pages.components.page import page
from pages.components.settings import STEPS
from pages.components.settings.form import Way

with page("Settings") as session:
    at = state.put_back(session.project.slug, state.step(len(STEPS)))
    chosen = st.segmented_control(
        "Step",
        range(len(STEPS)),
        format_func=lambda number: f"{number + 1} {STEPS[number].title}",
        default=at,
        required=True,
        # Counts what was chosen: a step that cannot be left yet must not be chosen for ever.
        key=f"step-{at}-{state.clicks('step')}",
        label_visibility="collapsed",
    )
    if chosen != at:
        state.count_click("step")
    # The step that is left is drawn once more: its edits are kept, or asked about.
    STEPS[at].draw(session, Way(at, chosen if chosen != at else None))
