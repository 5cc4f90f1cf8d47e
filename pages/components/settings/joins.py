"""Further tables: those that are joined, with a way to undo each, and the form for another."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from al_engine.curating.joining import (
    OpenedTable,
    begin_join,
    criteria_of,
    features_of,
    open_to_join,
    propose,
    refuse_undo,
    tables_in,
    undo_join,
    without,
)
from al_engine.data.joined import MAX_ARCSEC, MAX_NAME, JoinedTable, is_same
from al_engine.public import is_public, limits
from al_engine.session import LabellingSession
from al_engine.settings.panels import n_showing
from al_engine.sharing.prospect import absent_tables
from pages.components import state
from pages.components.guard import guard
from pages.components.opening import describe_part, forget_upload, uploaded
from pages.components.settings.form import index_of, present
from pages.components.waiting import finished
from pages.components.words import counted, plain

BY_POSITION, BY_ID = "By position", "By id"
_OFFERED, _OPENED, _WANTED = "join-offered", "join-opened", "join-wanted"


def deal_with_done(session: LabellingSession) -> None:
    """Show how far a join is; once it is done, say what came of it."""
    with guard():
        job = finished(_job_of(session), "Joining", before="Reading the table")
        if job is None:
            return
        wanted: JoinedTable | None = state.draft(_WANTED)
        joined: JoinedTable = job.result()
        # What was found out about columns is found out anew.
        _put_away()
        state.drop_drafts()
        said = [f"Joined {plain(joined.name)}: {_matched(session, joined)}."]
        if wanted is not None and wanted.fingerprint and not is_same(wanted, joined):
            said.append("It is not the table of the configuration: its values or names differ.")
        state.keep_draft(state.JOINED, " ".join(said))


def draw(session: LabellingSession) -> None:
    """The tables that are joined, and a place to join another."""
    st.subheader("Further tables", anchor=False)
    catalogue = session.project.catalogue
    if not catalogue.joined:
        st.caption(
            "None yet. A table that is joined adds columns to these objects, to be read, searched "
            "or learned from."
        )
    for joined in catalogue.joined:
        _row(session, joined)
    if done := state.draft(state.JOINED):
        st.success(done, icon=":material/check:")
    _choose_file()
    with guard():
        _form(session)


def _row(session: LabellingSession, joined: JoinedTable) -> None:
    said, undo = st.columns([8, 1], vertical_alignment="center")
    source = f"{plain(joined.source)}, " if joined.source else ""
    said.markdown(
        f"**{plain(joined.name)}**: {source}{plain(joined.how)}; {_matched(session, joined)}.",
        help=f"Columns: {plain(', '.join(joined.columns))}",
    )
    with (
        undo,
        st.popover("Undo", key=f"ask-undo-join-{session.project.slug}-{joined.key}"),
        guard(),
    ):
        _undo(session, joined)


def _undo(session: LabellingSession, joined: JoinedTable) -> None:
    """What undoing would take away, and the button that does."""
    refuse_undo(session, joined)
    lines = [f"Its {counted(len(joined.columns), 'column')} go from the catalogue."]
    panels = session.layout.panels.values()
    n_criteria, n_panels = criteria_of(session.config, joined), n_showing(panels, joined.columns)
    if n_criteria:
        lines.append(f"Taken out of the test set's search: {_counted_criteria(n_criteria)}.")
    if n_panels:
        lines.append(f"Without its columns: {counted(n_panels, 'panel')}, until it is back.")
    used = features_of(session.config, joined)
    if used:
        lines.append(f"Left out of the features: **{plain(', '.join(used))}**.")
        lost = session.rounds_lost(without(session, joined))
        listed = ", ".join(
            f"{n} of {plain(session.config.label_name(label))}" for label, n in lost.items()
        )
        if listed:
            lines.append(f"Earlier rounds become incomparable ({listed}). Every label is kept.")
    st.markdown(" ".join(lines))
    title = "Leave them out and undo" if used else "Undo the join"
    if st.button(title, key=f"undo-join-{joined.key}", type="primary"):
        undo_join(session, joined.name, leave_out=True)
        state.drop_drafts()
        state.keep_draft(state.JOINED, f"{plain(joined.name)} is no longer joined.")
        st.rerun()


def _counted_criteria(n: int) -> str:
    return "1 criterion" if n == 1 else f"{n:,} criteria"


def _matched(session: LabellingSession, joined: JoinedTable) -> str:
    """How many objects have a counterpart, and how sure that is."""
    n = session.project.catalogue.n_rows
    said = [f"{joined.n_matched:,} of {counted(n, 'object')} ({100 * joined.n_matched / n:.3g}%)"]
    if joined.within_arcsec is None:
        if joined.n_several:
            said.append(f"{joined.n_several:,} with several rows, of which the first was taken")
        return "; ".join(said)
    if joined.n_several:
        said.append(f"{joined.n_several:,} with several within it, of which the nearest was taken")
    if joined.n_shared:
        said.append(f"{joined.n_shared:,} share theirs with another object")
    if not (joined.n_several or joined.n_shared):
        said.append("none ambiguous")
    return "; ".join(said)


# -- joining another -----------------------------------------------------------------------------


def _choose_file() -> None:
    """A file from here or there; once it is read, a draft holds its table."""
    n = state.clicks(_OFFERED)
    with st.expander("Join another table", icon=":material/add:", key=f"join-{n}"):
        if is_public():
            _upload(n, limits().upload_mb)
            return
        on_disk, upload = st.tabs(["From this computer's disk", "Upload"])
        with on_disk:
            st.text_input(
                "Path of a table",
                key=f"join-path-{n}",
                placeholder="/data/wise.fits",
                help="Any file that opens as a catalogue, on the computer that Sextant runs on; "
                "Enter opens it.",
                on_change=lambda: _offer(st.session_state[f"join-path-{n}"].strip()),
            )
        with upload:
            _upload(n, None)


def _upload(n: int, most_mb: int | None) -> None:
    st.file_uploader(
        "A table",
        key=f"join-upload-{n}",
        label_visibility="collapsed",
        max_upload_size=most_mb,
        on_change=lambda: _offer(st.session_state[f"join-upload-{n}"]),
    )


def _offer(what: Any) -> None:
    state.keep_draft(_OFFERED, what)
    state.keep_draft(_OPENED, None)
    state.keep_draft(state.JOINED, "")


def _put_away() -> None:
    forget_upload()
    for key in (_OFFERED, _OPENED, _WANTED):
        state.keep_draft(key, None)
    state.count_click(_OFFERED)


def _form(session: LabellingSession) -> None:
    opened = _opened()
    if opened is None:
        return
    with st.container(border=True):
        facts = [f"**{plain(opened.path.name)}**"]
        if opened.table.n_rows is not None:
            facts.append(counted(opened.table.n_rows, "row"))
        facts.append(counted(len(opened.columns.columns), "column"))
        st.markdown(" · ".join(facts))
        wanted = _as_configured(session) or _asked(session, opened)
        is_shown = st.checkbox(
            "Show its columns beside each object",
            True,
            key=f"join-shown-{state.clicks(_OFFERED)}",
            help="They can be chosen in step 2 as well. To learn from them, tick them in step 3.",
        )
        with st.container(horizontal=True):
            if st.button("Join", key="join-now", type="primary"):
                wanted = replace(wanted, source=opened.path.name, part=opened.part)
                state.keep_draft(_WANTED, wanted)
                job = begin_join(session, opened, wanted, is_shown=is_shown)
                state.keep_job(_job_of(session), job)
                st.rerun()
            if st.button("Put it away", key="join-put-away"):
                _put_away()
                st.rerun()


def _opened() -> OpenedTable | None:
    """The table that was chosen, read once."""
    held: OpenedTable | None = state.draft(_OPENED)
    offered = state.draft(_OFFERED)
    if held is not None or not offered:
        return held
    path = Path(offered).expanduser() if isinstance(offered, str) else uploaded(offered)
    is_read = False
    try:
        with st.spinner("Looking at the file"):
            parts = tables_in(state.home(), path)
        part = None
        if len(parts) > 1:
            described = {each.name: each for each in parts}
            part = st.selectbox(
                "Which table of the file",
                list(described),
                index=None,
                format_func=lambda key: describe_part(described[key]),
                key=f"join-part-{state.clicks(_OFFERED)}",
            )
            if part is None:
                is_read = True
                return None
        with st.spinner("Looking at its columns"):
            held = open_to_join(state.home(), path, part)
        is_read = True
    finally:
        if not is_read:
            _put_away()  # a file that is refused is not tried again by itself
    state.keep_draft(_OPENED, held)
    return held


def _as_configured(session: LabellingSession) -> JoinedTable | None:
    """A table as the configuration at hand joined it, where the person wants that."""
    chosen = state.chosen_configuration()
    absent = absent_tables(session.project.catalogue, chosen.configuration) if chosen else []
    if not absent or chosen is None:
        return None
    named: Any = st.selectbox(
        f"As in {plain(chosen.name)}",
        [*range(len(absent)), None],
        format_func=lambda i: (
            "No, otherwise" if i is None else f"{absent[i].name}, {absent[i].how}"
        ),
        key=f"join-as-{state.clicks(_OFFERED)}",
        help="The configuration that is open on the Share page says how each table was joined.",
    )
    return None if named is None else absent[named]


def _asked(session: LabellingSession, opened: OpenedTable) -> JoinedTable:
    """How the table is to be joined, by what the person says."""
    n = state.clicks(_OFFERED)
    here, there = session.project.catalogue, opened.columns
    can_place = all(len(columns.names(numeric=True)) >= 2 for columns in (here, there))
    likely = propose(session, opened, by_position=True)
    is_likely = len(likely.ours) == len(likely.theirs) == 2
    way = st.segmented_control(
        "The same object is found",
        [BY_POSITION, BY_ID] if can_place else [BY_ID],
        default=BY_POSITION if can_place and is_likely else BY_ID,
        required=True,
        key=f"join-way-{n}",
    )
    by_position = way == BY_POSITION
    if not by_position:
        likely = propose(session, opened, by_position=False)
    kinds = ("RA", "Dec") if by_position else ("Id",)
    ours, theirs = [], []
    for i, (kind, column) in enumerate(zip(kinds, st.columns(max(2, len(kinds))), strict=False)):
        with column:
            for side, names, held, into in (
                ("of the catalogue", here.names(numeric=by_position), likely.ours, ours),
                ("of the table", there.names(numeric=by_position), likely.theirs, theirs),
            ):
                chosen = st.selectbox(
                    f"{kind} {side}" + (", degrees" if by_position else ""),
                    names,
                    index_of(names, held[i]) if i < len(held) else None,
                    key=f"join-{kind}-{side}-{n}",
                )
                into.extend([chosen] if chosen else [])
    arcsec = None
    name_, arcsec_ = st.columns(2)
    if by_position:
        arcsec = arcsec_.number_input(
            "Within, arcsec",
            0.001,
            MAX_ARCSEC,
            likely.within_arcsec,
            step=0.5,
            format="%.3g",
            key=f"join-arcsec-{n}",
            help="The nearest within this radius is taken; its separation is kept as a column. "
            "Where several are that near, the object is marked as ambiguous, and counted.",
        )
    name = name_.text_input(
        "Name of the table",
        likely.name,
        MAX_NAME,
        key=f"join-name-{n}",
        help="Stands in front of columns whose names are taken.",
    )
    free = [each for each in there.names() if each not in theirs]
    taken = st.multiselect(
        "Columns to add", free, present(likely.taken, free), key=f"join-taken-{n}-{way}"
    )
    return replace(
        likely,
        name=name.strip(),
        ours=tuple(ours),
        theirs=tuple(theirs),
        taken=tuple(taken),
        within_arcsec=arcsec,
    )


def _job_of(session: LabellingSession) -> str:
    return f"join-{session.project.slug}"
