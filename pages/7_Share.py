"""Share: what was worked out in a project, as files and in other programs."""

import streamlit as st

from al_engine.public import is_public
from pages.components.page import page
from pages.components.share import configuration, exports, whole

with page("Share") as session:
    st.title("Share")
    parts = [exports.draw, configuration.draw, whole.draw]
    # What one came for stands first: a configuration that waits, or a way to keep one's work.
    if configuration.comes_first():
        parts = [configuration.draw, exports.draw, whole.draw]
    elif is_public():
        parts = [whole.draw, exports.draw, configuration.draw]
    for draw in parts:
        draw(session)
