"""Objects to compare with, in one line under the map: a click shows one in place of the object."""

import streamlit as st

from al_engine.session import LabellingSession, State
from al_engine.showing.reference import Reference, references
from pages.components import state as tab
from pages.components.words import plain


def compare(session: LabellingSession, state: State, row: int) -> None:
    """The labelled objects most alike, and typical ones of each label behind a button."""
    found = references(session, state, row)
    with st.container(horizontal=True, vertical_alignment="center", key="references"):
        st.caption(
            "Most alike",
            help="The labelled objects nearest in the features, as the models see them. N leads "
            "back to the queried object.",
        )
        if not found.nearest:
            st.caption("none is labelled yet")
        for i, each in enumerate(found.nearest):
            _button(state, each, f"alike-{i}", _short(each.label, 12))
        with st.popover(
            "Typical",
            help="Three typical objects of each label.",
            key=f"typical-{session.project.slug}-{state.classifier}",
            on_change="rerun",
        ) as menu:
            if not menu.open:
                return
            for n, listed in enumerate(found.typical):
                st.caption(plain(listed[0].label))
                with st.container(horizontal=True, key=f"typical-{n}"):
                    for i, each in enumerate(listed):
                        _button(state, each, f"typical-{n}-{i}", _short(each.object_id, 24))
            if not found.typical:
                st.caption("No object has a known label yet.")


def _short(text: str, n: int) -> str:
    return text if len(text) <= n else f"{text[: n - 1]}…"


def _button(state: State, each: Reference, key: str, title: str) -> None:
    said = "the catalogue's label" if each.is_given else "labelled by a person"
    st.button(
        plain(title),
        key=key,
        help=plain(f"{each.object_id}: {each.label}, {said}"),
        on_click=tab.select,
        args=(state.classifier, each.row),
    )
