"""Waiting until the words of texts are counted, which every page but Settings does.

What was stopped is not begun again by itself.
"""

import streamlit as st

from al_engine.errors import WorkCancelled
from al_engine.jobs import Job
from al_engine.session import LabellingSession
from pages.components import state
from pages.components.guard import guard
from pages.components.waiting import finished
from pages.components.words import plain


def count_texts(session: LabellingSession) -> None:
    """Count the words of the texts among the features, with a bar; then draw the page anew."""
    project = session.project
    name, columns = f"texts-{project.slug}", ", ".join(session.config.features.texts)
    stopped = f"{name}-{columns}-stopped"
    if state.draft(stopped, False):
        st.info(f"The words of {plain(columns)} are not counted yet, and there is no model before.")
        st.caption("Choose other features in Settings, or count them: it is done once.")
        if st.button("Count the words", key=f"count-{name}", type="primary"):
            state.keep_draft(stopped, False)
            st.rerun()
        st.stop()
    if state.job(name) is None:
        state.keep_job(name, Job(project.count_texts))
    job = finished(
        name,
        f"Counting the words of {plain(columns)}",
        after="All texts are read; finding which words stand side by side",
        unit="text",
    )
    with guard():
        try:
            if job is not None:
                job.result()
                session.restore_models()
                st.rerun()
        except WorkCancelled:
            state.keep_draft(stopped, True)
            st.rerun()
    st.stop()
