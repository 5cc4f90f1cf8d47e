"""Labelling: the object that is asked about, all that is known of it, and the answer."""

import streamlit as st

from pages.components.classifiers import choose_classifier, lead_to_training, started_classifiers
from pages.components.labelling_view import labelling_view
from pages.components.page import page

with page("Labelling") as session:
    started = started_classifiers(session)
    if not started:
        st.title("Labelling")
        lead_to_training(session)
        st.stop()
    labelling_view(session, choose_classifier(session, started, "labelling"))
