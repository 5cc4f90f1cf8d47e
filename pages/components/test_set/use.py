"""What is done with the curated test set: putting it in use, and its file."""

from dataclasses import replace

import streamlit as st

from al_engine.curating.costs import Cost
from al_engine.curating.test_set import Curator
from al_engine.data.curated import CuratedSet
from al_engine.exchange.curated import CuratedFile, check_labels
from al_engine.settings.config import WITHIN
from pages.components import state as tab
from pages.components.costs import said
from pages.components.guard import guard
from pages.components.page import draw_again
from pages.components.words import counted, plain

_LISTED = 20


def use_menu(curator: Curator, curated: CuratedSet) -> None:
    """Putting it in use and out of it, with what that costs; and the target."""
    config = curator.session.config
    in_use = config.splits.curated
    key = f"use-{curator.session.project.slug}"
    # Its key counts what was changed: with a new key it stands closed, as things are by then.
    with st.popover("In use" if in_use else "Use as test set", key=f"{key}-{tab.clicks(key)}"):
        st.markdown(
            "In use, these objects are the test set of every classifier. They never train, "
            "whatever came first; the share drawn for testing at random validates instead. One "
            "passed as unsure is not in it: a label it has from elsewhere goes on training."
        )
        _change_use(curator, curated, key)
        target = st.number_input(
            "Target", *WITHIN["curation.target"], config.curation.target, 50, key=f"{key}-target",
            help="Labelled objects to aim for. AstronomicAL recommends more than 500.",
        )  # fmt: skip
        if int(target) != config.curation.target:
            curation = replace(config.curation, target=int(target))
            edited = replace(config, curation=curation)
            curator.session.change_settings(edited, made_from=config)
            draw_again()


def _change_use(curator: Curator, curated: CuratedSet, key: str) -> None:
    """What it would cost, and the button that does it."""
    session = curator.session
    config = session.config
    is_used, n = config.splits.curated, len(curated.labels)
    if not is_used and not n:
        st.caption("Label an object first.")
        return
    edited = replace(config, splits=replace(config.splits, curated=not is_used))
    if lost := session.rounds_lost(edited):
        kept = "The next round is trained on those that may train."
        st.warning(f"{said(session, Cost(lost))} {kept}", icon=":material/info:")
    title = "Stop using it" if is_used else f"Use {counted(n, 'object')} as the test set"
    if not st.button(title, key=f"{key}-do", type="secondary" if is_used else "primary"):
        return
    with st.spinner("Training again"):
        session.change_settings(edited, made_from=config)
    tab.count_click(key)
    tab.looking().curating.notice = "No longer in use" if is_used else "The test set is in use"
    draw_again()


def file_menu(curator: Curator, curated: CuratedSet) -> None:
    """Reading and writing the test set in AstronomicAL's form."""
    slug = curator.session.project.slug
    key = f"test-file-{slug}"
    with st.popover("File"):
        with guard():
            check_labels(label.value for label in curator.session.config.labels)
            st.download_button(
                f"Download test_set.json ({counted(len(curated.how), 'object')})",
                curator.file,
                "test_set.json",
                "application/json",
                key=f"{key}-write",
                disabled=not curated.how,
                on_click="ignore",
                help="Ids and labels as AstronomicAL reads them; -1 stands for Unsure.",
            )
        field, offered = f"{key}-read-{tab.clicks(key)}", f"{key}-offered"
        st.file_uploader(
            "Read a test_set.json",
            "json",
            key=field,
            help="Adds to the test set; what the file says otherwise is changed. Undo takes all "
            "of a file back.",
            on_change=lambda: tab.keep_draft(offered, st.session_state[field]),
        )
        uploaded = tab.draft(offered)
        if uploaded is not None:
            tab.keep_draft(offered, None)  # what is refused is not tried again by itself
            tab.keep_draft(key, None)
            with guard(), st.spinner("Reading"):
                tab.keep_draft(key, curator.read_file(uploaded.getvalue(), uploaded.name))
                tab.count_click(key)
                draw_again()
        if tab.draft(key) is not None:
            _report(*tab.draft(key))


def _report(read: CuratedFile, n_changed: int) -> None:
    """What the last file brought, and what of it could not be used."""
    st.markdown(f"Read {counted(read.n_read, 'object')}; {n_changed:,} new or changed.")
    for title, lines in (
        ("not in the catalogue", read.not_found),
        ("standing twice; the last counts", read.repeated),
        ("with a label that is not this project's", [f"{i}: {label}" for i, label in read.unknown]),
    ):
        if lines:
            more = ", …" if len(lines) > _LISTED else ""
            listed = plain(", ".join(lines[:_LISTED])) + more
            st.warning(f"{counted(len(lines), 'id')} {title}: {listed}", icon=":material/info:")
