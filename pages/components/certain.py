"""The objects that a model is least and most certain of, side by side, with their pictures.

A click shows one in place of the object.
"""

import streamlit as st

from al_engine.session import LabellingSession, State
from al_engine.showing.certain import Certain, Predicted
from pages.components import state as tab
from pages.components.compared import Cell, Group, compared
from pages.components.guard import guard
from pages.components.panels.spot import Spot

_LEAST_HELP = (
    "Objects of the pool whose predicted class is least probable to this round's model: what an "
    "uncertainty strategy asks about. Each stands with that class and its probability."
)
_MOST_HELP = (
    "Objects of the pool whose predicted class is most probable to this round's model. A wrong one "
    "here is worth a label: the model would not ask. Probabilities are the model's own."
)


def certain_panel(spot: Spot) -> None:
    """Five objects at each end of what the model is sure of."""
    if spot.state is None:
        return
    found = tab.comparing().certain(spot.state)
    if not found.rows:
        st.caption(_why_none(spot.state))
        return
    _grid(spot.session, spot.state.classifier, tab.selected(spot.state.classifier), found)


def _why_none(state: State) -> str:
    if state.fit is None or state.fit.is_constant:
        return "It is certain of nothing yet: that takes labels of both sides."
    return "No object is left in the pool."


@st.fragment
def _grid(session: LabellingSession, classifier: str, selected: int | None, found: Certain) -> None:
    """The grid, drawn again by itself as pictures arrive."""
    if not (tab.is_project_there() and tab.is_project_open()):
        return  # the page around it says so
    if tab.selected(classifier) != selected:
        st.rerun()  # one of them was clicked: all of the page shows it
    with guard():
        pictures = tab.comparing().pictures(found.rows)
        values = {} if pictures else tab.comparing().values(found.rows)

        def cell(each: Predicted) -> Cell:
            shown = pictures.get(each.row)
            said = f"{each.label} {each.probability:.2f}"
            return Cell(
                each.row,
                each.object_id,
                said,
                each.colour,
                f"{each.object_id}: predicted {each.label}, probability {each.probability:.3f}",
                shown.image if shown else b"",
                shown.sentence if shown else "",
                values.get(each.row, ()),
            )

        compared(
            f"certain-{session.project.slug}",
            [
                Group("Least certain", [cell(each) for each in found.least], _LEAST_HELP),
                Group("Most certain", [cell(each) for each in found.most], _MOST_HELP),
            ],
            of=f"{session.project.slug} {classifier} {found.rows}",
            on_click=lambda clicked: tab.select(classifier, clicked),
            beside=True,
        )
