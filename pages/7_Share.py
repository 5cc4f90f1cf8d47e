"""Share: what was worked out in a project, as files and in other programs."""

import streamlit as st

from pages.components.guard import guard
from pages.components.page import page
from pages.components.share import configuration, exports, whole

with page("Share") as session:
    st.title("Share")
    # What cannot be taken away now keeps nothing else from it.
    for part in (exports, configuration, whole):
        with guard():
            part.draw(session)
