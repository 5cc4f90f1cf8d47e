"""Labelling: the object that is asked about, all that is known of it, and the answer."""

import streamlit as st

from pages.components import labelling, state
from pages.components.page import link, page
from pages.components.words import plain

with page("Labelling") as session:
    started = tuple(c for c in session.config.train_labels if session.is_started(c))
    if not started:
        st.title("Labelling")
        st.info("Start training a classifier first: it decides what to ask.")
        link("pages/2_Training.py", "Go to Training", icon=":material/model_training:")
        st.stop()
    label = started[0]
    if len(started) > 1:
        label = st.segmented_control(
            "Classifier",
            started,
            default=state.classifier(started),
            required=True,
            format_func=lambda value: plain(session.config.label_name(value)),
            key=f"labelling-{session.project.slug}",
            label_visibility="collapsed",
        )
    state.choose_classifier(label)
    labelling.labelling_view(session, label)
