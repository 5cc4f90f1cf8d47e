"""The frame of every page: title, links, the project in the address, and errors as sentences.

Owns the only ``except`` of the interface.  Pages say what they show; the frame says where one is.
"""

import atexit
import functools
import gc
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import streamlit as st
from streamlit.errors import StreamlitAPIException

from al_engine.errors import AlEngineError
from al_engine.session import LabellingSession
from al_engine.views.raster import warm_up
from pages.components import loop, state

P = ParamSpec("P")

PAGES = (
    ("pages/1_Settings.py", "Settings", ":material/tune:"),
    ("pages/2_Training.py", "Training", ":material/model_training:"),
    ("pages/3_Labelling.py", "Labelling", ":material/label:"),
)
HOME = "app.py"

# Room for the work: Streamlit's own margins are made for reading, not for an instrument.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 1.1rem 1.4rem .4rem; max-width: 2200px; }
[data-testid="stHeader"] { height: 2rem; min-height: 2rem; background: transparent;
  pointer-events: none; }
[data-testid="stHeader"] * { pointer-events: auto; }
[data-testid="stSidebar"] { min-width: 190px; max-width: 206px; }
[data-testid="stSidebarHeader"] { height: 2.2rem; margin-bottom: 0; padding-bottom: 0; }
[data-testid="stMain"] [data-testid="stVerticalBlock"] { gap: .5rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-answer-bar) { position: sticky; bottom: 0;
  z-index: 90; background: GROUND; padding: .2rem 0 .45rem; border-top: 1px solid #8884; }
.st-key-card, [data-testid="stLayoutWrapper"]:has(> .st-key-card) {
  height: max(520px, calc(100vh - 176px)) !important; }
.st-key-scores [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-position pre { padding: .25rem .6rem; font-size: .8rem; }
.st-key-scores table { font-variant-numeric: tabular-nums; font-size: .8rem; margin: 0; }
.st-key-scores table td, .st-key-scores table th { padding: .12rem .22rem; white-space: nowrap;
  line-height: 1.15; }
.st-key-scores table td > span { display: block; font-size: .66rem; }
.st-key-top-line button, .st-key-status button { min-height: 1.9rem; padding: .1rem .7rem; }
.st-key-scores-drawn button { min-height: 1.7rem; padding: 0 .5rem; font-size: .8rem; }
[data-testid="stMain"] [data-testid="stCaptionContainer"] { font-size: .82rem; margin-bottom: 0; }
[data-testid="stMain"] [data-testid="stCaptionContainer"] p { margin: 0; }
[data-testid="stTab"][aria-selected="true"] p { color: light-dark(#0B6E99, #7CC6E4); }
[data-testid="stMain"] [data-testid="stHeading"] { margin-bottom: .3rem; }
</style>"""


@contextmanager
def page(title: str, *, needs_project: bool = True) -> Iterator[LabellingSession]:
    """Draw the frame; what is drawn inside it may raise AlEngineError.

    A page that needs a project says so, with the way to one, where none is open.
    """
    st.set_page_config(
        page_title=f"{title} · Sextant",
        layout="wide",
        page_icon=str(Path(__file__).with_name("icon.svg")),
    )
    theme = st.context.theme.type or "light"
    st.html(_STYLE.replace("GROUND", str(st.get_option(f"theme.{theme}.backgroundColor"))))
    _warm_up()
    state.open_page(title)
    _deal_with_posted()
    session = None
    if needs_project:
        with guard():
            session = state.session()
            if session is None:
                st.title(title)
                st.info("Open a project first.")
    _links(session)
    if needs_project and session is None:
        st.page_link(HOME, label="Go to Home", icon=":material/home:")
        st.stop()
    with guard():
        yield session  # type: ignore[misc]


def _deal_with_posted() -> None:
    """Do what was asked for since the last run, whatever page it was asked on."""
    queue = state.posted()
    while queue:
        with guard():
            loop.deal_with_first(queue)


@contextmanager
def guard() -> Iterator[None]:
    """What is drawn inside may raise AlEngineError; what comes after is drawn all the same."""
    try:
        yield
    except AlEngineError as error:
        st.error(f"{plain(error.message)} {plain(error.hint)}".strip(), icon=":material/error:")


def view(draw: Callable[P, None]) -> Callable[P, None]:
    """A part of a page that is drawn again by itself, inside the same frame for errors."""

    @functools.wraps(draw)
    def framed(*args: P.args, **kwargs: P.kwargs) -> None:
        _deal_with_posted()
        with guard():
            draw(*args, **kwargs)

    drawn: Callable[P, None] = st.fragment(framed)
    return drawn


def draw_again() -> None:
    """Draw the view again at once; the whole page where all of it is being drawn anyway."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        # A click that fell together with a run of the whole page is dealt with in that run.
        st.rerun()


def plain(text: Any) -> str:
    """Text from data as itself: no Markdown, no HTML, no picture from elsewhere."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:^&@=])", r"\\\1", str(text)).replace("\n", " ")


def link(target: str, label: str, **options: Any) -> None:
    """A link to a page that keeps the project in the address."""
    slug = state.project_slug()
    query = {state.PROJECT_IN_ADDRESS: slug} if slug else None
    st.page_link(target, label=label, query_params=query, **options)


def _links(session: LabellingSession | None) -> None:
    with st.sidebar:
        st.page_link(HOME, label="**Sextant**", icon=":material/explore:")
        slug = state.project_slug()
        if not slug:
            st.caption("No project is open.")
            return
        for target, label, icon in PAGES:
            link(target, label, icon=icon)
        if session is not None:
            st.divider()
            st.caption(f"{plain(session.project.name)}")
            st.caption(f"{session.project.catalogue.n_rows:,} objects")
            _signature(session)


def _signature(session: LabellingSession) -> None:
    """Who answers: asked once in a browser session, then a word that can be opened."""
    # Named after the name: it may be changed elsewhere too.
    key, help_text = f"signed-{session.who}", "Stands beside each of your answers."
    if not state.name_given():
        # A project that nobody has begun asks at the set-up of its first classifier.
        if session.config.setups:
            who = st.text_input("Your name", session.who, max_chars=60, key=key, help=help_text)
            if st.button("Save", key="save-name", help="Answers are signed so from now on."):
                state.give_name(session, who)
                st.rerun()
        return
    with st.popover(f"Signed {plain(session.who)[:40]}", width="stretch"):
        who = st.text_input("Your name", session.who, max_chars=60, key=key, help=help_text)
        if who.strip() not in ("", session.who):
            state.give_name(session, who)
            st.rerun()


@st.cache_resource(show_spinner=False)
def _warm_up() -> None:
    """Compile what draws maps, once a process, beside the first page."""
    threading.Thread(target=_compile, daemon=True, name="warm-up").start()


def _compile() -> None:
    warm_up()
    # Streamlit collects garbage after every run, before the last messages leave: what stands
    # after warm-up need not be looked at again each time.
    gc.collect()
    gc.freeze()
    # Frozen objects are never given back: at the end DuckDB's binding would complain of leaks.
    atexit.register(gc.unfreeze)
