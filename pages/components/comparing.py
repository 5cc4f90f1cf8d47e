"""Objects to compare with, in a panel with their pictures or in one line under the map.

A click shows one in place of the object.
"""

import streamlit as st

from al_engine.session import LabellingSession, State
from al_engine.showing.reference import Reference, References
from pages.components import state as tab
from pages.components.compared import Cell, Group, compared
from pages.components.guard import guard
from pages.components.panels.spot import Spot
from pages.components.words import plain

NEAREST_HELP = (
    "The labelled objects nearest in the features, as the models see them. N leads back to the "
    "queried object."
)


def compare_panel(spot: Spot) -> None:
    """The labelled objects most alike, and typical ones of each label, with their pictures."""
    if spot.state is None or spot.row is None:
        st.caption("No object is selected.")
        return
    found = tab.comparing().references(spot.state, spot.row)
    _grid(spot.session, spot.classifier, spot.row, found)


@st.fragment
def _grid(session: LabellingSession, classifier: str, row: int, found: References) -> None:
    """The grid, drawn again by itself as pictures arrive."""
    if not (tab.is_project_there() and tab.is_project_open()):
        return  # the page around it says so
    if tab.selected(classifier) not in (None, row):
        st.rerun()  # one of them was clicked: all of the page shows it
    with guard():
        pictures = tab.comparing().pictures(found.rows)
        values = {} if pictures else tab.comparing().values(found.rows)

        def cells(listed: tuple[Reference, ...], *, has_label: bool) -> list[Cell]:
            made = []
            for each in listed:
                shown = pictures.get(each.row)
                made.append(
                    Cell(
                        each.row,
                        each.object_id,
                        each.label if has_label else "",
                        each.colour,
                        _said(each),
                        shown.image if shown else b"",
                        shown.sentence if shown else "",
                        values.get(each.row, ()),
                    )
                )
            return made

        none = "" if found.nearest else "None is labelled yet."
        alike = Group(
            "To compare with: most alike",
            cells(found.nearest, has_label=True),
            NEAREST_HELP,
            note=none,
        )
        typical = [
            Group(
                listed[0].label,
                cells(listed, has_label=False),
                "Three objects in the middle of those with this label.",
                listed[0].colour,
            )
            for listed in found.typical
        ]
        compared(
            f"compared-{session.project.slug}",
            [alike, *typical],
            of=f"{session.project.slug} {classifier} {row}",
            on_click=lambda clicked: tab.select(classifier, clicked),
        )


def compare(state: State, row: int) -> None:
    """The labelled objects most alike, and typical ones of each label behind a button."""
    found = tab.comparing().references(state, row)
    with st.container(horizontal=True, vertical_alignment="center", key="references"):
        st.caption(
            "Most alike",
            help=NEAREST_HELP,
        )
        if not found.nearest:
            st.caption("none is labelled yet")
        for i, each in enumerate(found.nearest):
            _button(state, each, f"alike-{i}", _short(each.label, 12))
        with st.popover(
            "Typical",
            help="Three typical objects of each label.",
            key=f"typical-{tab.project_slug()}-{state.classifier}",
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


def _said(each: Reference) -> str:
    said = "the catalogue's label" if each.is_given else "labelled by a person"
    return f"{each.object_id}: {each.label}, {said}"


def _button(state: State, each: Reference, key: str, title: str) -> None:
    st.button(
        plain(title),
        key=key,
        help=plain(_said(each)),
        on_click=tab.select,
        args=(state.classifier, each.row),
    )
