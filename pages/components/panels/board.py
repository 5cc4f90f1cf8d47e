"""The panels of a page: in columns, each as large as it was made, with a menu of its own.

Owns where panels stand and how they are added, moved, sized and taken away.  What each shows is
drawn elsewhere.
"""

from collections.abc import Callable

import streamlit as st

from al_engine.session import LabellingSession, State
from al_engine.settings.panels import (
    DEFAULTS,
    HEIGHTS,
    MAX_COLUMNS,
    MAX_IN_COLUMN,
    Arrangement,
    Panel,
    Place,
    added,
    moved,
    panel_at,
    widened,
    with_panel,
    without,
)
from al_engine.showing.planes import absent_columns
from pages.components import loop
from pages.components import state as tab
from pages.components.certain import certain_panel
from pages.components.comparing import compare_panel
from pages.components.epochs import epochs_panel
from pages.components.guard import guard
from pages.components.labelling import card_panel, plot_panel
from pages.components.page import draw_again, link
from pages.components.panels import kinds
from pages.components.panels.calibration import calibration_panel
from pages.components.panels.maps import map_panel
from pages.components.panels.options import options
from pages.components.panels.points import histogram, points, sed
from pages.components.panels.spot import Spot
from pages.components.panels.table import records_panel
from pages.components.scores import draw_score_plot, draw_scores
from pages.components.words import plain

LEAST_PX = (360, 214, 130)  # of a panel alone in its column, of one of two, of one of more
HEAD_PX = 70  # of a map's title and legend
QUESTION_PX = 122  # which is as high as it is, whatever else stands in its column
BACK_PX = 48  # of the way back from a panel that has the whole page

Draw = Callable[[Spot], None]


def board(
    session: LabellingSession,
    state: State | None,
    page: str,
    taken_px: int,
) -> None:
    """Draw the panels of a page.

    Parameters
    ----------
    taken_px : of the window's height by what else is on the page, but the question's bar, which
        says itself how high it is
    """
    arrangement = tab.arrangement(page)
    full = tab.exploring().full.get(page)
    alone = None if full is None else panel_at(arrangement, full)
    if alone is not None and full is not None:
        if st.button(
            "Back to all panels", icon=":material/close_fullscreen:", key=f"from-full-{page}",
            shortcut="Escape",
        ):  # fmt: skip
            tab.exploring().full.pop(page, None)
            tab.count_click("panels")
            draw_again()
        taken = taken_px + BACK_PX + HEAD_PX
        _panel(session, state, page, full, alone, (1.0, taken), is_full=True)
        return
    columns = st.columns(arrangement.widths, gap="small")
    for i, (column, panels) in enumerate(zip(columns, arrangement.columns, strict=True)):
        sized = [panel for panel in panels if panel.kind != "question"]
        taken = taken_px + HEAD_PX * len(sized) + QUESTION_PX * (len(panels) - len(sized))
        total = max(1, sum(panel.height for panel in sized))
        with column:
            for j, panel in enumerate(panels):
                fill = (panel.height / total, taken)
                _panel(session, state, page, (i, j), panel, fill)


def _panel(
    session: LabellingSession,
    state: State | None,
    page: str,
    place: Place,
    panel: Panel,
    fill: tuple[float, int],
    *,
    is_full: bool = False,
) -> None:
    n_others = 0 if is_full else len(tab.arrangement(page).columns[place[0]]) - 1
    least = LEAST_PX[min(n_others, len(LEAST_PX) - 1)]
    spot = Spot(session, state, page, place, panel, least, fill)
    name = f"{page.lower()}-{place[0]}-{place[1]}"
    # Some panels are as high as what is in them, and are cut off where they are higher.
    if panel.kind in _BOUNDED and not (panel.kind == "card" and _is_alone(spot)):
        _room(name, least, fill)
    with st.container(key=f"panel-{name}"):
        with st.container(key=f"panelmenu-{name}"):
            _menu(spot, is_full=is_full)
        with guard():
            _draw(spot, name)


def _is_alone(spot: Spot) -> bool:
    """Has the panel all the height of its page?"""
    page, (column, _) = spot.page, spot.place
    return page in tab.exploring().full or len(tab.arrangement(page).columns[column]) == 1


def _room(name: str, least_px: int, fill: tuple[float, int]) -> None:
    """Give a panel its share of the window's height: the browser alone knows that."""
    share, taken = fill
    free = f"(100vh - var(--sextant-bar, 70px) - {taken}px)"
    high = f"max({least_px}px, calc({free} * {share:.4f} + {HEAD_PX - 8}px))"
    held = f".st-key-held-{name}"
    st.html(
        f"<style>{held}, [data-testid=stLayoutWrapper]:has(> {held}) "
        f"{{ height: {high} !important; }}</style>"
    )


def _draw(spot: Spot, name: str) -> None:
    kind, state = spot.panel.kind, spot.state
    absent = absent_columns(spot.session.project, spot.panel)
    if absent:
        _say_absent(absent)
        return
    if kind == "choose":
        _choose(spot, f"choose-{name}")
        return
    if kind in kinds.OF_A_CLASSIFIER and state is None:
        st.caption("This panel is of a classifier, and none is started yet.")
        return
    if kind == "card" and _is_alone(spot):
        with st.container(height=520, border=False, key="card"):
            card_panel(spot)
    elif kind in _BOUNDED:
        with st.container(height=spot.least_px + HEAD_PX, border=False, key=f"held-{name}"):
            _BOUNDED[kind](spot)
    elif kind == "map" and state is not None:
        map_panel(spot, state)
    elif kind == "rounds" and state is not None:
        draw_score_plot(spot.session, state)
    elif kind == "question" and state is not None:
        _question(spot, state)
    else:
        _PLAIN[kind](spot)


def _question(spot: Spot, state: State) -> None:
    if spot.page == kinds.ASKS_IN_A_PANEL:
        loop.ask(spot.session, state, in_panel=True)
    else:
        st.caption("The question is at the foot of this page.")


def _say_absent(names: list[str]) -> None:
    """A panel outlives its columns: a table may be joined again that brings them."""
    n = "Column" if len(names) == 1 else "Columns"
    st.caption(
        f"{n} not here now: {plain(', '.join(names))}. Choose others in the menu ⋮ of this panel, "
        "or join the table that brings them."
    )
    link("pages/1_Settings.py", "Further tables", icon=":material/table_chart:")


def _scores(spot: Spot) -> None:
    if spot.state is not None:
        draw_scores(spot.session, spot.state)


_PLAIN: dict[str, Draw] = {
    "plot": points,
    "density": points,
    "sky": points,
    "diagram": points,
    "histogram": histogram,
    "sed": sed,
    "scores": _scores,
    "extension": plot_panel,
    "epochs": epochs_panel,
}
_BOUNDED: dict[str, Draw] = {
    "card": card_panel, "records": records_panel, "compare": compare_panel,
    "certain": certain_panel,
    "calibration": calibration_panel,
}  # fmt: skip


# -- a panel's menu ------------------------------------------------------------------------------


def _menu(spot: Spot, *, is_full: bool) -> None:
    """Plot type, size and place, options; drawn only while it is open."""
    key = f"menu-{spot.page}-{spot.place[0]}-{spot.place[1]}-{tab.clicks('panels')}"
    with st.popover(
        # Not after what the panel shows: a menu of another name would be shut by each choice in it.
        f"Menu of panel {spot.place[1] + 1} in column {spot.place[0] + 1}",
        type="tertiary",
        key=key,
        on_change="rerun",
        help="Plot type, columns, size and place of this panel",
    ) as menu:
        if menu.open:
            _choose(spot, f"{key}-type")
            _places(spot, key, is_full=is_full)
            changed = options(spot)
            if changed is not None:
                _change(spot, changed)


def _choose(spot: Spot, key: str) -> None:
    arrangement, panel = tab.arrangement(spot.page), spot.panel
    listed = kinds.choices(
        spot.session, spot.page, arrangement, panel, has_state=spot.state is not None
    )
    held = (panel.kind, panel.of)
    chosen = st.selectbox(
        "Choose plot type", listed, listed.index(held), format_func=kinds.title, key=f"{key}-{held}"
    )
    if chosen != held:
        kind, of = chosen
        _change(spot, Panel(kind, of, height=panel.height))  # type: ignore[arg-type]


def _change(spot: Spot, panel: Panel) -> None:
    _arrange(spot.page, with_panel(tab.arrangement(spot.page), spot.place, panel), closes=False)


def _places(spot: Spot, key: str, *, is_full: bool) -> None:
    page, place, panel = spot.page, spot.place, spot.panel
    held = tab.arrangement(page)
    high = st.segmented_control(
        "Height beside the panels of its column",
        list(range(HEIGHTS[0], HEIGHTS[1] + 1)),
        default=panel.height,
        required=True,
        key=f"{key}-height-{panel.height}",
    )
    if high != panel.height:
        _change(spot, Panel(**{**vars(panel), "height": high}))
    with st.container(horizontal=True, gap="xsmall", key=f"{key}-places"):
        for name, said, to in (
            ("Left", "Move this panel one column to the left", moved(held, place, -1, 0)),
            ("Right", "Move this panel one column to the right", moved(held, place, 1, 0)),
            ("Up", "Move this panel up in its column", moved(held, place, 0, -1)),
            ("Down", "Move this panel down in its column", moved(held, place, 0, 1)),
            ("Narrower", "Give its column less of the page's width", widened(held, place[0], -1)),
            ("Wider", "Give its column more of the page's width", widened(held, place[0], 1)),
        ):
            if st.button(name, help=said, key=f"{key}-{name}", disabled=to == held):
                _arrange(page, to)
    with st.container(horizontal=True, key=f"{key}-whole"):
        if not is_full and st.button(
            "Full page", icon=":material/open_in_full:", key=f"{key}-full"
        ):
            tab.exploring().full[page] = place
            tab.count_click("panels")
            draw_again()
        if st.button("Remove", icon=":material/delete:", key=f"{key}-remove"):
            _arrange(page, without(held, place))


def _arrange(page: str, arrangement: Arrangement, *, closes: bool = True) -> None:
    """Put panels in place; menus that ``closes`` are shut by a new key."""
    full = tab.exploring().full.get(page)
    tab.arrange(page, arrangement)
    if full is not None and not closes:
        tab.exploring().full[page] = full
    if closes:
        tab.count_click("panels")
    draw_again()


def panels_menu(page: str) -> None:
    """A panel more, or all of them as they were at first."""
    key = f"panels-{page}-{tab.clicks('panels')}"
    held, session = tab.arrangement(page), tab.session_at_hand()
    with st.popover("Panels", icon=":material/dashboard:", key=key, on_change="rerun") as menu:
        if not menu.open or session is None:
            return
        column = _column_to_add_to(held, key)
        if column is not None:
            _add(session, page, column, key)
        together = tab.exploring().together
        if together is not None and st.button(
            "Select nothing together", key=f"{key}-clear", width="stretch",
            help="Take away the marks of the objects that were selected together on Explore.",
        ):  # fmt: skip
            tab.select_together((), "")
            tab.count_click("panels")
            draw_again()
        if st.button(
            "As at first",
            icon=":material/restart_alt:",
            key=f"{key}-reset",
            disabled=held == DEFAULTS[page],
            width="stretch",
            help="Put the panels back that this page begins with.",
        ):
            _arrange(page, DEFAULTS[page])


def _add(session: LabellingSession, page: str, column: int, key: str) -> None:
    held = tab.arrangement(page)
    has_state = any(session.is_started(c) for c in session.config.train_labels)
    _, *listed = kinds.choices(session, page, held, Panel(), has_state=has_state)
    chosen = st.selectbox(
        "Add",
        listed,
        None,
        format_func=kinds.title,
        key=f"{key}-add",
        placeholder="What to show",
        help="Each panel has a menu at its upper right.",
    )
    if chosen is not None:
        kind, of = chosen
        _arrange(page, added(held, column, Panel(kind, of)))  # type: ignore[arg-type]


def _column_to_add_to(held: Arrangement, key: str) -> int | None:
    """Where the next panel goes: in a new column, or at the foot of one; None without room."""
    n = len(held.columns)
    room = [i for i, column in enumerate(held.columns) if len(column) < MAX_IN_COLUMN]
    places = [*room, n] if n < MAX_COLUMNS else room
    if not places:
        st.caption("There is room for no more panels: remove one first.")
        return None
    # Where there is most room for it.
    likely = n if n < 2 else min(places[::-1], key=lambda i: len(held.columns[i]) if i < n else 9)
    column: int = st.segmented_control(
        "In column",
        places,
        default=likely,
        required=True,
        format_func=lambda i: "new" if i == n else str(i + 1),
        key=f"{key}-column",
    )
    return column
