"""The report on a project: made on request, then offered as HTML and as Markdown."""

import streamlit as st

from al_engine.session import LabellingSession
from al_engine.sharing.report.making import Made, begin_report, report_of
from pages.components import state
from pages.components.guard import guard
from pages.components.waiting import finished
from pages.components.words import counted


def draw(session: LabellingSession) -> None:
    """Offer the report there is, and make it where there is none or it is out of date."""
    started = [c for c in session.config.train_labels if session.is_started(c)]
    if not started:
        return  # the exports say what to do first
    slug = session.project.slug
    st.subheader("Report", anchor=False)
    st.markdown(
        "The methods as a paper has them, data, labels, settings, scores with intervals, "
        "calibration, when to stop, simulations, software and references: an HTML file to attach "
        "or print, and Markdown for notes. It names no object and holds no single answer."
    )
    if session.config.people.is_blind:
        st.caption(
            "People answer blind here: labels are counted as far as you may see them, scores and "
            "curves are over everybody's."
        )
    with guard():
        job = finished(_job_of(session), "Making the report", unit="classifier")
        if job is not None:
            job.result()
    made = report_of(session)
    with_test = st.checkbox(
        "With the scores over the test set",
        key=f"report-test-{slug}",
        help="The test set is for the end: every look at it while you still choose makes its "
        "scores worth less.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Make the report" if made is None else "Make it again"
        kind = "primary" if made is None else "secondary"
        if st.button(label, key="report-make", type=kind):
            state.keep_job(_job_of(session), begin_report(session, with_test=with_test))
            st.rerun()
        if made is not None:
            _offer(made)


def _offer(made: Made) -> None:
    for path, title, mime in (
        (made.html, "HTML", "text/html"),
        (made.markdown, "Markdown", "text/markdown"),
    ):
        st.download_button(
            f"Download {title}",
            path.read_bytes,
            path.name,
            mime,
            key=f"report-{path.suffix[1:]}",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )
    said = f"Made {made.made_at.astimezone():%d %b %Y, %H:%M}"
    if made.n_newer:
        said += f"; since then {counted(made.n_newer, 'event')}, answers or settings"
    st.caption(f"{said}.")


def _job_of(session: LabellingSession) -> str:
    return f"report-{session.project.slug}"
