"""Home: start, open or resume a project; demo data; what is going on in each."""

import streamlit as st

from pages.components import extensions, opening
from pages.components.guard import guard
from pages.components.page import page
from pages.components.share import choosing

with page("Home", needs_project=False):
    st.title("Sextant")
    st.markdown(
        "Finds the few dozen objects of your catalogue whose labels teach a classifier most, "
        "asks you about them one by one, and shows honestly how good the classifier has become."
    )
    extensions.warn()
    with guard():
        opening.importing()
    opening.say_to_keep_the_address()
    opening.start_cards()
    choosing.open_on_home()
    opening.project_list()
    extensions.listed()
