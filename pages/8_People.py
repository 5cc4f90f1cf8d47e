"""People: who answered, how far they agree, and what is to be settled between them."""

import streamlit as st

from pages.components.classifiers import choose_classifier, lead_to_training, started_classifiers
from pages.components.page import page
from pages.components.people.dealing import TITLE
from pages.components.people.rules import rules, switch
from pages.components.people.view import people_view

with page(TITLE) as session:
    if not session.config.people.several:
        st.title(TITLE)
        switch(session)
        st.stop()
    started = started_classifiers(session)
    with st.container(horizontal=True, vertical_alignment="center", key="people-top"):
        label = choose_classifier(session, started, "people") if started else ""
        with st.popover("How people work together", icon=":material/group:"):
            rules(session)
    if not label:
        lead_to_training(session)
        st.stop()
    people_view(session, label)
