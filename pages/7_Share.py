"""Share: the project to take along, as a file that opens again."""

import streamlit as st

from pages.components.page import page
from pages.components.share import whole

with page("Share") as session:
    st.title("Share")
    whole.draw(session)
