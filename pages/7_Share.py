"""Share: what was worked out in a project, as files and in other programs."""

import streamlit as st

from al_engine.public import is_public
from pages.components.guard import guard
from pages.components.page import page
from pages.components.share import configuration, exports, report, whole

with page("Share") as session:
    st.title("Share")
    parts = [exports, report, configuration, whole]
    # What one came for stands first: a configuration that waits, or a way to keep one's work.
    if configuration.comes_first():
        parts = [configuration, exports, report, whole]
    elif is_public():
        parts = [whole, exports, report, configuration]
    for part in parts:
        with guard():  # what cannot be taken away now keeps nothing else from it
            part.draw(session)
