"""Waiting for a job with a bar and a way to stop it.

It is waited for in the run itself: a timer of Streamlit's that runs out while it changes to
another page leaves that page empty.
"""

import streamlit as st

from al_engine.jobs import Job


def wait_for(job: Job, doing: str, before: str, cancel: str) -> None:
    """Draw how far a job is until it is done; ``before`` stands there until rows are counted."""
    bar = st.progress(0.0)
    st.button(cancel, key=f"cancel-{doing}", on_click=job.cancel)
    while True:
        of = f" of {job.of:,}" if job.of else ""
        bar.progress(
            min(job.n_rows / job.of, 1.0) if job.of else 0.0,
            f"{doing}: {job.n_rows:,}{of} rows" if job.n_rows else before,
        )
        if job.wait(0.3):
            return
