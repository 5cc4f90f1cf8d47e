"""The labels, in place of the question: added, renamed, defined, recoloured, merged, and back."""

from collections.abc import Mapping
from urllib.parse import quote

import streamlit as st

from al_engine.curating.relabelling import (
    Use,
    add_label,
    begin_merge,
    begin_undo,
    edit_label,
    last_change,
    merged,
    next_colour,
    use_of,
)
from al_engine.session import LabellingSession
from al_engine.settings.config import Label
from al_engine.settings.label import MAX_DEFINITION
from pages.components import state as tab
from pages.components.guard import guard
from pages.components.waiting import finished
from pages.components.words import counted, plain

LABELS = "Labels"
_NAME_CHARS = 60


def draw(session: LabellingSession, label: str) -> None:
    """All labels on the left; the chosen one, and a new one, on the right."""
    with guard():
        _finish_change(session)
    _head(session)
    use = use_of(session)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        chosen = _table(session, use)
    with right, st.container(height=560, border=False, key="label-side"):
        _edit(session, chosen)
        _merge(session, chosen, use)
        _add(session)


def _job_of(session: LabellingSession) -> str:
    return f"labels-{session.project.slug}"


def _finish_change(session: LabellingSession) -> None:
    """Wait for a change that trains again, with a way to stop it."""
    job = finished(_job_of(session), "Training again", before="Reading the labels", unit="step")
    if job is not None:
        job.result()
        st.rerun()


def _head(session: LabellingSession) -> None:
    change = last_change(session)
    with st.container(horizontal=True, vertical_alignment="center", key="labels-top"):
        st.button(
            "Back to the question", key="from-labels", icon=":material/arrow_back:",
            on_click=tab.look_aside, args=("",),
        )  # fmt: skip
        st.markdown(
            f"**{LABELS}**",
            help="A label is a name for values of the catalogue: these never change, nor do the "
            "answers that were given. Each change here can be taken back.",
        )
        if change is not None:
            title = f"Undo: {plain(change.said)}"
            if st.button(title, key=f"undo-label-{change.seq}", icon=":material/undo:"):
                with guard():
                    tab.keep_job(_job_of(session), begin_undo(session, change.seq))
                    st.rerun()


def _table(session: LabellingSession, use: Mapping[str, Use]) -> Label:
    """Every label with what it means and how much it is used; the one that is chosen."""
    labels = session.config.labels
    chosen = st.dataframe(
        {
            "colour": [_swatch(label.colour) for label in labels],
            "name": [label.name for label in labels],
            "values": [_values(label) for label in labels],
            "catalogue": [use[label.value].n_catalogue for label in labels],
            "answers": [use[label.value].n_answers for label in labels],
            "definition": [label.definition for label in labels],
        },
        hide_index=True,
        row_height=28,
        height=min(40 + 28 * len(labels), 560),
        on_select="rerun",
        selection_mode="single-row",
        key=f"labels-{session.project.slug}-{hash(labels)}",
        column_config={
            "colour": st.column_config.ImageColumn("", width=30),
            "name": st.column_config.TextColumn(width=110),
            "values": st.column_config.TextColumn(
                width=120, help="The catalogue's values that mean this label, merged ones too"
            ),
            "catalogue": st.column_config.NumberColumn(
                width=80, help="Objects with this label in the catalogue"
            ),
            "answers": st.column_config.NumberColumn(
                width=70, help="Objects that were answered so, in force, whatever the classifier"
            ),
        },
    )
    rows = chosen["selection"]["rows"]
    if rows and rows[0] < len(labels):
        tab.aside().label = labels[rows[0]].value
    held = tab.aside().label
    return next((label for label in labels if label.value == held), labels[0])


def _values(label: Label) -> str:
    added = "" if label.in_catalogue else "(added)"
    return ", ".join(filter(None, [added or label.value, *(m.name for m in label.merged)]))


def _swatch(colour: str) -> str:
    """A small square of a colour, as a picture."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">'
        f'<rect width="16" height="16" rx="3" fill="{colour}"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"


def _edit(session: LabellingSession, label: Label) -> None:
    # Named after the label as it is: fields of another label must not stand for this one.
    key = f"{session.project.slug}-{hash(label)}"
    st.markdown(f"**{plain(label.name)}**", help="Another is chosen by a click in the table.")
    with st.form(f"edit-label-{key}", border=False):
        colour_, name_ = st.columns([1, 6], vertical_alignment="bottom")
        colour = colour_.color_picker(
            "Colour", label.colour, key=f"colour-{key}", label_visibility="collapsed"
        )
        name = name_.text_input("Name", label.name, _NAME_CHARS, key=f"name-{key}")
        definition = st.text_input(
            "Definition", label.definition, MAX_DEFINITION, key=f"definition-{key}",
            placeholder="when to give it, in one line", help="Shown over its button.",
        )  # fmt: skip
        if st.form_submit_button("Save label", help="Models and rounds stay as they are."):
            with guard():
                edit_label(session, label.value, name=name, colour=colour, definition=definition)
                st.rerun()


def _merge(session: LabellingSession, label: Label, use: Mapping[str, Use]) -> None:
    config = session.config
    others = [other.value for other in config.labels if other.value != label.value]
    if len(others) < 2:
        st.caption("Labels can be merged where there are three or more.")
        return
    key = f"{session.project.slug}-{hash(label)}"
    with st.popover(
        f"Merge {plain(label.name)} into another",
        icon=":material/merge:",
        key=f"merge-menu-{key}",
        on_change="rerun",
    ) as menu:
        into: str = st.selectbox(
            "It counts as", others, format_func=config.label_name, key=f"into-{key}"
        )
        kept, n = plain(config.label_name(into)), use[label.value]
        lost = session.rounds_lost(merged(config, label.value, into)) if menu.open else {}
        st.markdown(
            f"{counted(n.n_catalogue, 'object')} of the catalogue and "
            f"{counted(n.n_answers, 'answer')} then count as {kept}. No value and no answer is "
            "changed, no object moves to another set, and it can be undone."
        )
        if label.value in config.setups:
            st.caption(f"The classifier for {plain(label.name)} goes on in that for {kept}.")
        if lost:
            names = ", ".join(plain(config.label_name(c)) for c in lost)
            st.caption(f"Trained again: {names}. Scores of its earlier rounds leave the plot.")
        if st.button("Merge", key=f"merge-{key}", type="primary"):
            with guard():
                tab.keep_job(_job_of(session), begin_merge(session, label.value, into))
                tab.aside().label = into
                st.rerun()


def _add(session: LabellingSession) -> None:
    config = session.config
    key = f"{session.project.slug}-{len(config.labels)}"
    with st.popover("Add a label", icon=":material/add:"), st.form(f"add-{key}", border=False):
        colour_, name_ = st.columns([1, 5], vertical_alignment="bottom")
        colour = colour_.color_picker(
            "Colour", next_colour(config), key=f"new-colour-{key}", label_visibility="collapsed"
        )
        name = name_.text_input("Name", "", _NAME_CHARS, key=f"new-name-{key}")
        definition = st.text_input(
            "Definition", "", MAX_DEFINITION, key=f"new-definition-{key}",
            placeholder="when to give it, in one line",
        )  # fmt: skip
        if st.form_submit_button("Add", type="primary"):
            with guard():
                add_label(session, name, colour, definition)
                tab.aside().label = session.config.labels[-1].value
                st.rerun()
