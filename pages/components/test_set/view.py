"""The Test set page: the object, what is searched, and the answer; drawn again by itself."""

from typing import Any

import streamlit as st

from al_engine.curating.test_set import Curator, Matches, Shown, known_to_within
from al_engine.data.curated import CuratedSet
from al_engine.data.search import faults
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig
from al_engine.settings.criteria import Search, unfinished
from al_engine.showing.objects import object_card
from al_engine.views.palette import NEUTRAL
from al_engine.views.raster import is_warm
from pages.components import pictures
from pages.components import state as tab
from pages.components.answer_bar import BarEvent, Choice, answer_bar
from pages.components.labelling import card_body, find
from pages.components.notes import note_menu
from pages.components.page import link, view
from pages.components.scatter_map import LegendEntry, Overlay, scatter_map, view_to_draw
from pages.components.test_set import dealing
from pages.components.test_set.criteria_editor import criteria_editor
from pages.components.test_set.use import file_menu, use_menu
from pages.components.words import counted, plain

MAP_HEIGHT_PX = 200
TAKEN_PX, ROW_PX, GROUP_PX, EDITOR_PX = 260, 31, 28, 170  # of the height: the map has the rest
MARKED = 2000  # objects of the test set, those answered last

_UNFINISHED = "Left out until it has its values."
_DRAWS = {"criteria": "From the criteria", "audit": "Audit of the whole catalogue"}
_SUPPORTS = {
    "criteria": "A random match that nobody has labelled. Scores hold for objects like these only.",
    "audit": "A random object of all there are. Scores hold for the whole catalogue.",
}
_HOW = {
    "criteria": "drawn by the criteria",
    "audit": "drawn by the audit",
    "chosen": "chosen by you",
    "file": "read from a file",
}


@view
def test_set_view(session: LabellingSession) -> None:
    """The curated test set and the object that may come into it."""
    fault = session.project.fault()
    if fault is not None:
        st.error(plain(fault), icon=":material/error:")
        st.markdown("Every label is kept. Choose other features, and go on from here.")
        link("pages/1_Settings.py", "Go to Settings", icon=":material/tune:")
        return
    curator, looking = tab.curator(), tab.looking().curating
    config, curated = session.config, curator.curated
    search = dealing.usable(curator, looking)
    if looking.selected is not None and looking.selected >= session.project.catalogue.n_rows:
        looking.selected = None
    shown = curator.next_object(config.curation.draw, search, looking.selected)
    _top_line(curator, curated)
    left, right = st.columns([1, 1], gap="medium")
    with left, st.container(height=520, border=False, key="card"):
        _object(session, curated, shown)
    with right:
        matches = _what_is_drawn(curator, curated)
        _map(session, curated, matches, shown)
    _ask(session, curated, matches, shown)


def _top_line(curator: Curator, curated: CuratedSet) -> None:
    """How many there are, of which labels, and what is done with them."""
    config = curator.session.config
    n, target = len(curated.labels), config.curation.target
    with st.container(horizontal=True, vertical_alignment="center", key="top-line"):
        counts = curated.counts()
        said = [f"**{n:,} of {target:,} labelled**"]
        said += [f"{plain(c.name)}: {counts.get(c.value, 0):,}" for c in config.labels[:12]]
        n_others = n - sum(counts.get(c.value, 0) for c in config.labels)
        if n_others:
            said.append(f"{n_others:,} with a label that is no longer set")
        if curated.unsure:
            said.append(f"{len(curated.unsure):,} unsure")
        within = known_to_within(n)
        st.markdown(
            " · ".join(said),
            help="Objects of the curated test set, in all and of each label you gave; Unsure ones "
            "are in no score. "
            + (f"{n:,} objects tell an accuracy near 0.9 to within ±{within:.3f}." if n else "")
            + f" The target is {target:,}.",
        )
        use_menu(curator, curated)
        file_menu(curator, curated)
    with st.container(key="test-progress"):
        st.progress(min(1.0, n / target))


def _object(session: LabellingSession, curated: CuratedSet, shown: Shown | None) -> None:
    rows = curated.rows
    at = rows.index(shown.row) if shown is not None and shown.row in curated.how else None
    with st.container(horizontal=True, vertical_alignment="center", key="card-top"):
        title = "–" if shown is None else session.object_id(shown.row)
        st.subheader(plain(title), anchor=False)
        find(session, f"find-test-{session.project.slug}", _select)
        if shown is not None:
            note_menu(session, shown.row, title)
    with st.container(horizontal=True, vertical_alignment="center", key="card-walk"):
        here = len(rows) if at is None else at
        _step("first", ":material/first_page:", "First answered (Home)", "Home", not rows)
        _step("previous", ":material/chevron_left:", "The one before (←)", "ArrowLeft", not here)
        _step("next", ":material/chevron_right:", "The next one (→)", "ArrowRight", at is None)
        is_new = shown is None or shown.how != "chosen"
        _step("new", "", "Draw an object that has no answer yet (N)", "", is_new, "New")
        st.caption(_where(session.config, curated, shown, at))
    if shown is None:
        st.caption("Change the criteria, or find an object by its id.")
        return
    card_body(session, object_card(session, None, shown.row, curated.labels))
    here = len(rows) if at is None else at
    tab.album().fetch_soon([*rows[max(0, here - 1) : here], *rows[here + 1 : here + 2]])


def _where(config: ProjectConfig, curated: CuratedSet, shown: Shown | None, at: int | None) -> str:
    """Where among the answered objects one is."""
    if shown is None:
        return ""
    if at is None:
        return f"New, {_HOW[shown.how]}"
    label = curated.labels.get(shown.row)
    said = "Unsure" if label is None else plain(config.label_name(label))
    return f"{at + 1:,} of {len(curated.how):,} · **{said}**, {_HOW[curated.how[shown.row]]}"


def _select(row: int) -> None:
    tab.looking().curating.selected = row


def _step(name: str, icon: str, help_text: str, key: str, disabled: bool, title: str = "") -> None:
    """A button that does what a key does; dealt with before the view is drawn."""
    action: Any = "key" if key else "queried"
    event = BarEvent(action, key, "", "", 0.0)
    st.button(
        title,
        key=f"walk-{name}",
        icon=icon or None,
        help=help_text,
        disabled=disabled,
        on_click=tab.post,
        args=(dealing.BAR, str(tab.project_slug()), "", event),
    )


def _what_is_drawn(curator: Curator, curated: CuratedSet) -> Matches:
    """The way of drawing and its criteria, with what they find."""
    session, looking = curator.session, tab.looking().curating
    slug, draw = session.project.slug, session.config.curation.draw
    key = f"draw-{slug}-{draw}"
    st.segmented_control(
        "Draw",
        list(_DRAWS),
        default=draw,
        required=True,
        format_func=lambda name: _DRAWS[name],
        key=key,
        on_change=lambda: tab.post(dealing.DRAW, slug, "", st.session_state[key]),
        label_visibility="collapsed",
    )
    st.caption(_SUPPORTS[draw] + (_audit_so_far(curated) if draw == "audit" else ""))
    search = dealing.usable(curator, looking)
    matches = curator.found(search)
    if draw == "criteria":
        typed, searched = dealing.typed(curator, looking), curator.searched()
        left_out = unfinished(typed)
        criteria_editor(
            f"criteria-{slug}",
            search=typed,
            columns=searched.names(),
            faults=dict.fromkeys(left_out, _UNFINISHED) | faults(typed, searched),
            said=_found(matches, session.project.catalogue.n_rows, search, len(left_out)),
            on_event=lambda event: tab.post(dealing.SEARCH, slug, "", event),
        )
    return matches


def _found(matches: Matches, n_rows: int, search: Search | None, n_left_out: int) -> str:
    if search is None:
        return "No object is drawn until every criterion can be carried out."
    without = f", without {_these_criteria(n_left_out)} not finished" if n_left_out else ""
    if not search.n_criteria:
        return f"Without criteria all {counted(n_rows, 'object')} match."
    if not matches.n:
        return f"No object matches{without}."
    return f"{matches.n:,} of {counted(n_rows, 'object')} match{without}."


def _these_criteria(n: int) -> str:
    return "1 criterion that is" if n == 1 else f"{n:,} criteria that are"


def _audit_so_far(curated: CuratedSet) -> str:
    n, n_unsure = len(curated.audit), len(curated.audit & curated.unsure)
    if not n:
        return ""
    passed = f", {n_unsure:,} passed as unsure, which the scores leave out" if n_unsure else ""
    return f" So far: {counted(n, 'object')}{passed}."


def _map(
    session: LabellingSession, curated: CuratedSet, matches: Matches, shown: Shown | None
) -> None:
    """What matches in the colour of its label, over the whole catalogue."""
    drawn, config, slug = tab.match_map(), session.config, session.project.slug
    is_audit = config.curation.draw == "audit"
    key = f"map-test-{slug}"
    row = None if shown is None else shown.row
    home = drawn.home(480, MAP_HEIGHT_PX, row)
    at = view_to_draw(key, home, (config.x_axis, config.y_axis))
    ground = "#3A464D" if st.context.theme.type == "dark" else "#D3DADE"
    png = drawn.picture(matches, curated, at, ground) if is_warm() else None
    rows = list(curated.labels)[-MARKED:]
    marks = [Overlay("ring", "in the test set", *drawn.place(rows), "", 9)] if rows else []
    if row is not None:
        mark = ("bracket", 18, False) if shown and shown.how == "chosen" else ("star", 16, True)
        name = "selected" if mark[0] == "bracket" else "new"
        marks.append(Overlay(mark[0], name, *drawn.place([row]), "", mark[1], mark[2]))  # type: ignore[arg-type]
    labels = [LegendEntry(label.name, label.colour) for label in config.labels[:12]]
    labels.append(LegendEntry("unknown", NEUTRAL))
    if not is_audit:
        labels.append(LegendEntry("no match", ground))
    labels += [LegendEntry(mark.name, mark.colour, mark.shape, mark.filled) for mark in marks]
    scatter_map(
        key,
        png=png,
        of=f"{matches.of} {curated.last_seq} {ground}",
        view=at,
        home=home,
        x_title=config.x_axis,
        y_title=config.y_axis,
        overlays=marks,
        legend=labels,
        height_px=MAP_HEIGHT_PX,
        fill=(1.0, TAKEN_PX + _editor_px(config)),
        title="Catalogue, by label" if is_audit else "What matches, by label",
        is_coming=png is None,
        on_event=lambda event: tab.post(dealing.MAP, slug, "", event),
    )


def _editor_px(config: ProjectConfig) -> int:
    """How high the criteria stand."""
    groups = dealing.typed(tab.curator(), tab.looking().curating).groups
    if config.curation.draw == "audit":
        return 0
    n_rows = sum(len(group.criteria) for group in groups)
    return min(EDITOR_PX, ROW_PX * n_rows + GROUP_PX * max(0, len(groups) - 1) + 3 * len(groups))


def _ask(
    session: LabellingSession, curated: CuratedSet, matches: Matches, shown: Shown | None
) -> None:
    """The question with its buttons and keys, at the place it has on every page."""
    slug, looking = session.project.slug, tab.looking().curating
    row = None if shown is None else shown.row
    moment = shown.token if shown is not None else f"{curated.last_seq}::"
    with st.container(key="answer-bar"):
        answer_bar(
            f"answers-test-{slug}",
            question="What is it?" if row is not None else _nothing(matches),
            object_id="" if row is None else session.object_id(row),
            token=dealing.make_token(slug, row, moment),
            choices=[
                Choice(c.value, c.name, c.colour, c.definition) for c in session.config.labels
            ],
            can_undo=bool(curated.last),
            why=_why(session, curated, shown),
            back="New" if shown is not None and shown.how == "chosen" else "",
            confirmation=looking.notice,
            asks=row is not None,
            extra_keys={
                "Home": "the first answered",
                "ArrowLeft": "the one before",
                "ArrowRight": "the next one",
                **pictures.keys(),
            },
            fixed=("unsure", "undo"),
            on_event=lambda event: tab.post(dealing.BAR, slug, "", event),
        )


def _nothing(matches: Matches) -> str:
    """Why there is no object to answer about."""
    stuck = dealing.usable(tab.curator(), tab.looking().curating) is None
    if stuck:
        return "Nothing is drawn: a criterion cannot be carried out."
    return "Nothing is left to draw." if matches.n else "Nothing is drawn: no object matches."


def _why(session: LabellingSession, curated: CuratedSet, shown: Shown | None) -> str:
    """What an answer to this object does."""
    if shown is None:
        return ""
    trains = [session.config.label_name(c) for c in tab.curator().trains(shown.row)]
    lost = tab.curator().rounds_lost(shown.row)
    if lost:
        name = session.config.label_name
        listed = " and ".join(f"{counted(n, 'round')} of {name(c)}" for c, n in lost.items())
        return (
            f"It trains {', '.join(trains)}: with a label here it only tests, and {listed} leave "
            "the score plot."
        )
    if trains:
        return f"It trains {', '.join(trains)}, and goes on doing so until the test set is in use."
    if shown.row in curated.how:
        return "It has an answer already; another one takes its place."
    return f"{session.object_id(shown.row)}, {_HOW[shown.how]}, goes into the test set."
