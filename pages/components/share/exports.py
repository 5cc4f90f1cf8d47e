"""Labels, predictions and models as files, and as tables in other programs of this machine."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from al_engine.exchange.saved import WARNING
from al_engine.exchange.writers import FORMATS, Format
from al_engine.public import is_public
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS
from al_engine.sharing import exporting
from al_engine.sharing.exporting import Exported
from pages.components import loop
from pages.components import state as tab
from pages.components.guard import guard
from pages.components.share.configuration import SWITCH_OFF
from pages.components.waiting import finished
from pages.components.words import counted, plain

# What Streamlit sends it holds in memory, once, for as long as the page is open.
MOST_DOWNLOADED_BYTES = 500_000_000
_PROGRAMS = "share-programs-found"


def draw(session: LabellingSession) -> None:
    """Everything that can be taken away, and what was."""
    with guard():
        _finish(session)
    n_answers = exporting.n_answers(session)
    trained = [c for c in session.config.train_labels if session.is_started(c)]
    if not n_answers and not trained:
        st.info("No labels or models to take away yet: label some objects first.")
    else:
        tables, models = st.columns([3, 2], gap="medium")
        with tables, st.container(border=True, height="stretch"), guard():
            _tables(session, n_answers, trained)
        with models, st.container(border=True, height="stretch"):
            with guard():
                _models(session)
            if _is_here():
                st.divider()
                with guard():
                    _programs(session, n_answers)
    _files(session)


def _tables(session: LabellingSession, n_answers: int, trained: list[str]) -> None:
    st.subheader("Labels and predictions", anchor=False)
    name = st.segmented_control(
        "Format",
        list(FORMATS),
        default="fits",
        required=True,
        format_func=lambda name: FORMATS[name].title,
        key="share-format",
    )
    form = FORMATS[name]
    st.caption(form.help)
    columns = session.config.columns
    shown = {columns.id, columns.ra, columns.dec}
    extra = st.multiselect(
        "Columns of the catalogue besides id and position",
        [n for n in session.project.catalogue.names() if n not in shown],
        [n for n in columns.info if n not in shown],
        key=f"share-columns-{session.project.slug}",
        placeholder="None",
        help="They go with every row, with their units.",
    )
    _offer(
        session,
        form,
        "Write the labels",
        f"{_whose(session, n_answers)}: who gave it, when, how the object came up, and "
        "where classifiers disagree.",
        lambda: exporting.labels_of(session, extra),
        disabled=not n_answers,
    )
    names = ", ".join(plain(session.config.label_name(c)) for c in trained)
    of_a_label = [c for c in trained if c != ALL_LABELS]
    together = "; what they predict together" if len(of_a_label) > 1 else ""
    _offer(
        session,
        form,
        "Write the predictions",
        f"All {counted(session.project.catalogue.n_rows, 'object')}, the test set's too: "
        f"probability, prediction, set and label for {names}{together}."
        if trained
        else "No classifier is trained yet.",
        lambda: exporting.predictions_of(session, extra),
        disabled=not trained,
    )


def _whose(session: LabellingSession, n_answers: int) -> str:
    people = session.config.people
    if people.is_blind:
        return f"{counted(n_answers, 'row')}, yours alone, for people answer blind here"
    kept = "label that counts" if people.several else "answer in force"
    return f"{counted(n_answers, 'row')}, one for each {kept}, Unsure and first labels too"


def _offer(
    session: LabellingSession,
    form: Format,
    title: str,
    what: str,
    make: Callable[[], Any],
    *,
    disabled: bool,
) -> None:
    button, said = st.columns([2, 5], vertical_alignment="center")
    said.caption(what)
    if button.button(
        title, key=f"share-{title}", type="primary", disabled=disabled, width="stretch"
    ):
        with guard():
            tab.keep_job(_job_of(session), exporting.begin_export(session, make(), form))
            st.rerun()


def _models(session: LabellingSession) -> None:
    st.subheader("Models", anchor=False)
    if session.config.people.is_blind:
        st.caption("A model holds the labels of all, and people answer blind here. " + SWITCH_OFF)
        return
    stems = exporting.bundles_of(session)
    if not stems:
        st.caption("No model is saved yet.")
        return
    stem = st.selectbox(
        "Model",
        stems,
        format_func=lambda stem: exporting.bundle_title(session, stem),
        key=f"share-model-{session.project.slug}",
        help="Those of the present round come first, then those of the best round by validation "
        "where that is an earlier one (best), then checkpoints.",
    )
    st.caption(f"The bundle is a zip with the model, what it is, and how to use it. {WARNING}")
    if st.button("Write the bundle", key="share-model-write", type="primary"):
        with guard():
            tab.note_export(f"Written: {exporting.write_model(session, stem).name}.")
            st.rerun()


def _programs(session: LabellingSession, n_answers: int) -> None:
    """TOPCAT, Aladin and others, which read a file from this machine's disk."""
    st.subheader("TOPCAT and Aladin", anchor=False)
    # A hub that hangs is waited for: it is asked when somebody wants that, not at every drawing.
    if st.button("Look for programs", key="share-look", help="At the SAMP hub of this machine."):
        tab.keep_draft(_PROGRAMS, None)
        tab.keep_draft(_PROGRAMS, exporting.programs())
    programs = tab.draft(_PROGRAMS)
    if programs is None:
        return
    if not programs:
        st.caption("None is running here. Start TOPCAT or Aladin, then look again.")
        return
    to = st.selectbox(
        "Send to",
        [None, *programs],
        format_func=lambda program: "all that take tables" if program is None else program.name,
        key="share-program",
        help="Programs at the SAMP hub of this machine that load tables.",
    )
    with st.container(horizontal=True):
        labels = st.button("Send the labels", key="share-send-labels", disabled=not n_answers)
        row = _row_on_screen(session)
        one = st.button(
            "Send the object",
            key="share-send-object",
            disabled=row is None,
            help="The one that is selected or asked about, with every column.",
        )
    if labels:
        sent = exporting.send(session, exporting.labels_of(session), to)
        st.caption(f"Sent to {plain(', '.join(sent))}.")
    if one and row is not None:
        sent = exporting.send(session, exporting.objects_of(session, [row]), to)
        st.caption(f"Sent to {plain(', '.join(sent))}.")


def _row_on_screen(session: LabellingSession) -> int | None:
    started = tuple(c for c in session.config.train_labels if session.is_started(c))
    return loop.on_screen(session.state(tab.classifier(started))) if started else None


def _files(session: LabellingSession) -> None:
    files = exporting.exported(session)
    if not files and not session.config.setups:
        return
    st.subheader("Files", anchor=False)
    if tab.export_note():
        st.caption(plain(tab.export_note()))
    if not files:
        st.caption("None yet.")
        return
    if not is_public():
        st.caption(f"In the folder {plain(session.project.folder / exporting.FOLDER)}")
    for file in files:
        _file(session, file)


def _file(session: LabellingSession, file: Exported) -> None:
    name, size, made, actions = st.columns([5, 2, 3, 3], vertical_alignment="center")
    name.markdown(plain(file.path.name))
    size.caption(_size(file.n_bytes))
    made.caption(f"{file.made_at.astimezone():%d %b %Y, %H:%M}")
    with actions, st.container(horizontal=True, horizontal_alignment="right"):
        download(file, f"download-{file.path.name}")
        if st.button(
            "", key=f"remove-{file.path.name}", icon=":material/delete:", help="Remove this file"
        ):
            exporting.remove(session, file)
            tab.note_export(f"Removed: {file.path.name}.")
            st.rerun()


def download(file: Exported, key: str) -> None:
    """The button that hands over a file; read when it is asked for: ten offered hold none."""
    if file.n_bytes > MOST_DOWNLOADED_BYTES:
        st.caption("Too large for a browser")
        return
    st.download_button(
        "Download",
        file.path.read_bytes,
        file.path.name,
        mime="application/octet-stream",
        on_click="ignore",
        key=key,
    )


def _size(n_bytes: int) -> str:
    """A size as a person says it.

    >>> _size(900), _size(12_345_678)
    ('1 kB', '12.3 MB')
    """
    return f"{max(1, round(n_bytes / 1e3))} kB" if n_bytes < 1e6 else f"{n_bytes / 1e6:,.1f} MB"


def _finish(session: LabellingSession) -> None:
    """Show how far an export is until it is done, or raise what went wrong with it."""
    job = finished(_job_of(session), "Writing")
    if job is not None:
        tab.note_export("")
        tab.note_export(f"Written: {job.result().name}.")


def _job_of(session: LabellingSession) -> str:
    return f"export-{session.project.slug}"


def _is_here() -> bool:
    """Does Sextant run on the machine whose browser shows it?"""
    host = urlsplit(st.context.url or "").hostname
    is_local = host in ("localhost", "127.0.0.1", "::1")
    return is_local and not is_public() and st.context.ip_address is None
