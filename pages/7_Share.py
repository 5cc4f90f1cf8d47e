"""Share: the project as a configuration, to be taken away and loaded again."""

import streamlit as st

from pages.components.page import page
from pages.components.share import configuration

with page("Share") as session:
    st.title("Share")
    configuration.draw(session)
