"""Share: what was worked out in a project, as files and in other programs."""

import streamlit as st

from pages.components.page import page
from pages.components.share import configuration, exports, whole

with page("Share") as session:
    st.title("Share")
    exports.draw(session)
    configuration.draw(session)
    whole.draw(session)
