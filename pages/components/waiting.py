"""Waiting for a job with a bar and a way to stop it.

It is waited for in the run itself: a timer of Streamlit's that runs out while it changes to
another page leaves that page empty.
"""

import streamlit as st

from al_engine.jobs import Job
from pages.components import state
from pages.components.words import counted

AT_ONCE_S = 0.5  # what is done by then is done before a bar could be read


def finished(
    name: str, doing: str, *, before: str = "", after: str = "", unit: str = "row"
) -> Job | None:
    """The job of a name once it is done, which is no longer kept then; None where there is none.

    Until then draw how far it is, in ``unit``s; ``before`` stands there until one is counted, and
    ``after`` once all are, where there is more to do.
    """
    job = state.job(name)
    if job is None:
        return None
    if not job.wait(AT_ONCE_S):
        shown = st.empty()
        with shown.container():
            _draw(job, name, doing, before or f"{doing}, just begun", after, unit)
        shown.empty()
    state.keep_job(name, None)
    return job


def _draw(job: Job, name: str, doing: str, before: str, after: str, unit: str) -> None:
    bar = st.progress(0.0)
    st.button("Cancel", key=f"cancel-{name}", on_click=job.cancel)
    while True:
        share, said = 0.0, before
        if job.n_done and job.of:
            share = min(job.n_done / job.of, 1.0)
            said = f"{doing}: {job.n_done:,} of {counted(job.of, unit)}"
            said = after if after and job.n_done >= job.of else said
        elif job.n_done:
            said = f"{doing}: {counted(job.n_done, unit)}"
        bar.progress(share, said)
        if job.wait(0.3):
            return
