"""The pictures of an object on its card: drawn at once, and by themselves again as they arrive.

The same on every page that shows a card.  What a person asks of them goes to the album.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from al_engine.session import LabellingSession
from al_engine.settings.panels import DEFAULTS, panel_at
from al_engine.settings.sky import MOST_CUTOUTS, MOST_SURVEY_CHARS
from al_engine.showing.album import Album, Frame
from pages.components import state as tab
from pages.components.guard import guard
from pages.components.looking import Posted
from pages.components.picture_row import Plate, RowEvent, picture_row

PAGES_OF_A_CARD = ("Test set", "People")  # they have no panels, and always one
KEYS = {"+": "less sky", "-": "more sky"}
STRETCHES = {"auto": "As sent", "linear": "Linear", "asinh": "Asinh", "log": "Log"}
PERCENTS = (100.0, 99.9, 99.5, 99.0, 98.0, 95.0)


def keys() -> dict[str, str]:
    """The keys that pictures of the sky listen to on this page, and what they do."""
    return dict(KEYS) if tab.album().has_sky and _has_a_card(tab.panels()) else {}


def _has_a_card(page: str) -> bool:
    """Does the object's card stand on the page, as its panels are arranged?"""
    if page not in DEFAULTS:
        return page in PAGES_OF_A_CARD
    held = tab.arrangement(page)
    full = tab.exploring().full.get(page)
    alone = None if full is None else panel_at(held, full)
    shown = [alone] if alone else [panel for column in held.columns for panel in column]
    return any(panel.kind == "card" for panel in shown)


def is_zoom(posted: Posted) -> bool:
    """Was one of those keys pressed?"""
    return getattr(posted.event, "action", "") == "key" and posted.event.label in KEYS


def deal_with_first(queue: list[Posted]) -> None:
    """Show more or less of the sky, as a key asked for."""
    posted = queue.pop(0)
    if posted.page == tab.page() and posted.slug == tab.project_slug() and tab.session():
        tab.album().zoom(-1 if posted.event.label == "+" else 1)


@st.fragment
def pictures(session: LabellingSession, row: int) -> None:
    """The pictures of an object, and how they are to be shown."""
    if not (tab.is_project_there() and tab.is_project_open()):
        return  # the page around them says so
    album, slug = tab.album(), session.project.slug
    with guard():
        _deal_with_asked(album)
        frames = album.frames(row)
        if frames:
            picture_row(
                f"pictures-{slug}",
                [_plate(i, frame) for i, frame in enumerate(frames)],
                of=f"{slug} {row}",
                has_marks=album.sky.marks,
                on_event=partial(_ask, [frame.cutout for frame in frames]),
            )
        if album.has_sky or frames:
            _choices(session, album)


def _plate(number: int, frame: Frame) -> Plate:
    shown = frame.shown
    name = f"column {number}" if frame.cutout is None else f"{frame.cutout} {frame.title}"
    return Plate(
        name,
        frame.title,
        shown.image,
        shown.sentence,
        frame.help,
        frame.field_arcsec,
        frame.can_zoom_in,
        frame.can_zoom_out,
        [(each.east_arcsec, each.north_arcsec) for each in frame.neighbours],
    )


def _ask(cutouts: list[int | None], event: RowEvent) -> None:
    """Keep what the browser asked for until the pictures are drawn again; a look is just that."""
    number = event.name.split(" ")[0]
    if event.kind == "zoom" and number.isdecimal() and int(number) in cutouts:
        tab.keep_draft("zoom", (event.step, int(number)))


def _deal_with_asked(album: Album) -> None:
    zoom, sky = tab.draft("zoom"), tab.draft("sky")
    tab.keep_draft("zoom", None)
    tab.keep_draft("sky", None)
    if zoom is not None:
        album.zoom(*zoom)
    if sky is not None:
        album.change(sky)


def _choices(session: LabellingSession, album: Album) -> None:
    """Which pictures, and how they are shown."""
    sky, slug = album.sky, session.project.slug

    def keep(name: str, key: str) -> None:
        value = st.session_state[key]
        changed = {name: value}
        made = album.chosen(value) if name == "cutouts" else replace(album.sky, **changed)
        tab.keep_draft("sky", made)

    def widget(name: str) -> dict[str, Any]:
        # Named after what is chosen: that may be changed elsewhere too.
        key = f"{name}-{slug}-{hash(getattr(sky, name))}"
        return {"key": key, "on_change": keep, "args": (name, key)}

    with st.popover(
        "Pictures",
        icon=":material/tune:",
        type="tertiary",
        help="Which pictures, and how they are shown.",
        key="picture-choices",
    ):
        if album.has_sky:
            names = album.offered()
            st.multiselect(
                "Of the sky",
                list(names),
                [name for name in names if names[name].is_chosen],
                format_func=lambda name: names[name].title if name in names else name,
                accept_new_options=True,
                max_selections=MOST_CUTOUTS,
                help="From left to right. Any other survey: type the id of its HiPS, such as "
                f"CDS/P/GALEXGR6/AIS/color, in up to {MOST_SURVEY_CHARS} characters.",
                **widget("cutouts"),
            )
        left, right = st.columns(2)
        left.selectbox(
            "Stretch",
            list(STRETCHES),
            list(STRETCHES).index(sky.stretch),
            format_func=STRETCHES.__getitem__,
            help="As sent: as each service draws it, and FITS by asinh.",
            **widget("stretch"),
        )
        percents = sorted({*PERCENTS, sky.percent}, reverse=True)
        right.selectbox(
            "Limits",
            percents,
            percents.index(sky.percent),
            format_func=lambda percent: f"{percent:g}%",
            help="The share of a FITS picture's pixels between black and white; the rest is cut "
            "off at both ends.",
            **widget("percent"),
        )
        st.checkbox("Invert", sky.inverted, help="Dark on bright.", **widget("inverted"))
        if album.has_sky:
            st.checkbox(
                "Marks",
                sky.marks,
                help="Crosshair, scale, and a circle around each other object of the catalogue.",
                **widget("marks"),
            )
