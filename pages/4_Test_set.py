"""Test set: objects found by criteria or by an audit, labelled to measure the classifiers by."""

import streamlit as st

from pages.components.page import link, page
from pages.components.test_set.dealing import TITLE
from pages.components.test_set.view import test_set_view

with page(TITLE) as session:
    if not session.config.labels or not session.config.features.columns:
        st.title(TITLE)
        st.info("Choose features and the labels you will give first.")
        link("pages/1_Settings.py", "Go to Settings", icon=":material/tune:")
        st.stop()
    test_set_view(session)
