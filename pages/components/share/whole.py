"""The whole project as one file: made on request, then offered for download."""

import streamlit as st

from al_engine.public import is_public
from al_engine.session import LabellingSession
from al_engine.sharing.packing import Packed, begin_packing, packed, remove_packed
from pages.components import state
from pages.components.guard import guard
from pages.components.share.configuration import SWITCH_OFF
from pages.components.share.exports import MOST_DOWNLOADED_BYTES
from pages.components.waiting import finished
from pages.components.words import counted, plain


def draw(session: LabellingSession) -> None:
    """Offer the file there is, and make it where there is none or it is out of date."""
    st.subheader("The whole project, as one file", anchor=False)
    st.markdown(
        "The catalogue, the settings, every answer, the scores of every round and simulations, as "
        "Parquet and JSON in a ZIP. It opens again on Home, here or on another computer; models "
        "are trained again there. Checkpoints are not in it."
    )
    if session.config.people.is_blind:
        st.caption("It holds everybody's answers, and people answer blind here. " + SWITCH_OFF)
        return
    with guard():
        job = finished(_job_of(session), "Writing")
        if job is not None:
            job.result()
    found = packed(session.project)
    if found is not None:
        _offer(session, found)
    if found is None or found.n_newer:
        label = "Make the file" if found is None else "Make it again"
        if st.button(label, key="pack", type="primary" if found is None else "secondary"):
            state.keep_job(_job_of(session), begin_packing(session.project))
            st.rerun()
    if found is not None and st.button(
        "Remove the file", key="unpack", help="The project stays; the file can be made again."
    ):
        with guard():
            remove_packed(session.project)
            st.rerun()


def _job_of(session: LabellingSession) -> str:
    return f"whole-{session.project.slug}"


def _offer(session: LabellingSession, found: Packed) -> None:
    size = f"{max(found.n_bytes / 1e6, 0.1):,.1f} MB"
    if found.n_bytes <= MOST_DOWNLOADED_BYTES or is_public():
        st.download_button(
            f"Download {plain(found.path.name)}, {size}",
            data=found.path.read_bytes,
            file_name=found.path.name,
            mime="application/zip",
            key="download-whole",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )
    if not is_public():
        st.caption(f"{size}, on the disk of the computer that Sextant runs on:")
        st.code(str(found.path), language=None, wrap_lines=True)
    if found.n_newer:
        st.caption(f"Since it was written: {counted(found.n_newer, 'event')}, answers or settings.")
