"""Share: what was worked out in a project, as files and in other programs."""

import streamlit as st

from pages.components.page import page
from pages.components.share import exports

with page("Share") as session:
    st.title("Share")
    exports.draw(session)
