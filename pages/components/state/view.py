"""Where a tab looks: which page, classifier, object and round, in which colours and panels.

What a project remembers of it is written with the project; the rest is gone with the tab.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from al_engine.exchange.configuration import Layout
from al_engine.loop.recording import change_layout
from al_engine.settings.label import ALL_LABELS
from al_engine.settings.panels import DEFAULTS, OVER_ALL, Arrangement, holds
from al_engine.showing.maps import Shown
from pages.components.looking import Aside, Exploring, Looking, Selected
from pages.components.state.at_hand import session_at_hand
from pages.components.state.forms import EDITING, JOINED, keep_draft
from pages.components.state.keys import get, put

MARKS = ("correct", "incorrect", "unlabelled", "trained_on", "queried")


def looking() -> Looking:
    held: Looking | None = get("looking")
    if held is None:
        held = Looking()
        put("looking", held)
    return held


def page() -> str:
    """The title of the page that is open."""
    return str(get("page", ""))


def open_page(title: str) -> None:
    if title != page():
        for draft in (EDITING, JOINED):
            keep_draft(draft, None)
        aside().view = ""
        put("classifier_at_opening", None)
    put("page", title)


def aside() -> Aside:
    """What is looked at on Labelling in place of the question."""
    return looking().aside


def look_aside(view: str) -> None:
    """Look at one of the views beside the question, or with "" at the question."""
    aside().view = view
    looking().notice.clear()  # what was said of an answer there is old news here


def selected(classifier: str) -> int | None:
    """The row that was clicked, None while the queried object is the one shown."""
    return looking().selected.get(classifier)


def select(classifier: str, row: int | None) -> None:
    _put(looking().selected, classifier, row)


def past_round(classifier: str) -> int | None:
    return looking().past.get(classifier)


def look_at_round(classifier: str, number: int | None) -> None:
    _put(looking().past, classifier, number)


def _put(held: dict[str, int], classifier: str, number: int | None) -> None:
    if number is None:
        held.pop(classifier, None)
    else:
        held[classifier] = number


def classifier(labels: tuple[str, ...]) -> str:
    """The classifier last looked at, else the first."""
    held = get("classifier")
    return held if held in labels else labels[0]


def classifier_at_opening(labels: tuple[str, ...]) -> str:
    """The classifier that was looked at when the page was opened."""
    held = get("classifier_at_opening")
    if held not in labels:
        held = classifier(labels)
        put("classifier_at_opening", held)
    return str(held)


def open_tab(tabs: str, name: str) -> None:
    """Have tabs show one of them; for callbacks, which run before they are drawn."""
    st.session_state[tabs] = name


def choose_classifier(label: str) -> None:
    put("classifier", label)


def shown(label: str) -> Shown:
    return looking().shown.get(label, Shown())


def show(label: str, what: Shown) -> None:
    looking().shown[label] = what
    marks = {name: getattr(what, name) for name in MARKS}
    _keep_layout(lambda layout: {"marks": {**layout.marks, label: marks}})


def colours() -> str:
    return str(get("colours", "blue_orange"))


def choose_colours(name: str) -> None:
    put("colours", name)
    _keep_layout(lambda _: {"colours": name})


def take_layout(layout: Layout) -> None:
    """Show things as a configuration says."""
    _keep_layout(lambda ours: {**vars(layout), "panels": layout.panels or ours.panels})
    exploring().full.clear()  # another panel may stand there
    look_as(layout)


def look_as(layout: Layout) -> None:
    """Have this tab show things so."""
    put("colours", layout.colours)
    for label, marks in layout.marks.items():
        what = Shown(**{name: is_on for name, is_on in marks.items() if name in MARKS})
        looking().shown[label] = what
    if layout.panels:
        exploring().panels = dict(layout.panels)


def _keep_layout(changes: Callable[[Layout], Mapping[str, Any]]) -> None:
    """Change how the project is looked at, by what it is looked at now."""
    held = session_at_hand()
    if held is not None:
        change_layout(held.project, **changes(held.layout))


def exploring() -> Exploring:
    return looking().exploring


def arrangement(page: str) -> Arrangement:
    """The panels of a page: as they were arranged, else as every project begins."""
    return exploring().panels.get(page, DEFAULTS[page])


def panels() -> str:
    """Under which name the panels of the page that is open are arranged."""
    is_over_all = page() == "Training" and get("classifier") == ALL_LABELS
    return OVER_ALL if is_over_all else page()


def compares() -> bool:
    """Stand objects to compare with in a panel of the page that is open?"""
    return panels() in DEFAULTS and holds(arrangement(panels()), "compare")


def arrange(page: str, panels: Arrangement) -> None:
    """Have a page show panels from now on, and whenever the project is opened."""
    exploring().panels[page] = panels
    exploring().full.pop(page, None)
    _keep_layout(lambda layout: {"panels": {**layout.panels, page: panels}})


def select_together(rows: Any, how: str) -> None:
    """Keep objects as the ones selected together; none empties the selection."""
    held = exploring()
    held.n_selections += 1
    held.notice, held.labelled, held.written = "", False, ""
    held.together = Selected(rows, how, held.n_selections) if len(rows) else None
