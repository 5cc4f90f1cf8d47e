"""People: who answered, how far they agree, and what is to be settled between them."""

import streamlit as st

from pages.components import state
from pages.components.page import link, page
from pages.components.people.dealing import TITLE
from pages.components.people.rules import rules, switch
from pages.components.people.view import people_view
from pages.components.words import plain

with page(TITLE) as session:
    started = tuple(c for c in session.config.train_labels if session.is_started(c))
    if not session.config.people.several:
        st.title(TITLE)
        switch(session)
        st.stop()
    label = started[0] if started else ""
    with st.container(horizontal=True, vertical_alignment="center", key="people-top"):
        if len(started) > 1:
            label = st.segmented_control(
                "Classifier",
                started,
                default=state.classifier(started),
                required=True,
                format_func=lambda value: plain(session.config.label_name(value)),
                key=f"people-{session.project.slug}",
                label_visibility="collapsed",
            )
        with st.popover("How people work together", icon=":material/group:"):
            rules(session)
    if not label:
        st.info("Start training a classifier first: it decides what to ask.")
        link("pages/2_Training.py", "Go to Training", icon=":material/model_training:")
        st.stop()
    state.choose_classifier(label)
    people_view(session, label)
