"""The frame of every page: title, links, the project in the address, and errors as sentences.

Pages say what they show; the frame says where one is.
"""

import atexit
import functools
import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import streamlit as st
from streamlit.config import set_option
from streamlit.errors import StreamlitAPIException

from al_engine.data import nearness
from al_engine.data.people import NAME_CHARS, clean_name
from al_engine.home import home_folder
from al_engine.learning import kernels
from al_engine.projects.opening import sweep_visitors
from al_engine.public import is_public, limits
from al_engine.session import LabellingSession
from al_engine.views import raster
from pages.components import batch, extensions, loop, pictures, state
from pages.components.auditing import dealing as auditing
from pages.components.counting import count_texts
from pages.components.guard import guard
from pages.components.panels import dealing as panels
from pages.components.people import dealing as people
from pages.components.remember import remember_name
from pages.components.test_set import dealing as test_set
from pages.components.words import counted, plain

P = ParamSpec("P")

PAGES = (
    ("pages/1_Settings.py", "Settings", ":material/tune:"),
    ("pages/2_Training.py", "Training", ":material/model_training:"),
    ("pages/3_Labelling.py", "Labelling", ":material/label:"),
    ("pages/4_Test_set.py", "Test set", ":material/checklist:"),
    ("pages/5_Explore.py", "Explore", ":material/scatter_plot:"),
    ("pages/6_Simulation.py", "Simulation", ":material/insights:"),
    ("pages/8_People.py", "People", ":material/group:"),
    ("pages/7_Share.py", "Share", ":material/ios_share:"),
)
HOME, SETTINGS = "app.py", "Settings"
_LOG = logging.getLogger(__name__)

# GROUND stands in it for the colour of the page, which Streamlit gives to no style sheet.
_STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


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
    ground = str(st.get_option(f"theme.{theme}.backgroundColor"))
    st.html(f"<style>{_STYLE.replace('GROUND', ground)}</style>")
    _warm_up()
    with guard():
        state.visit()
        if is_public():
            _look_after_visitors()
    extensions.loaded()
    state.open_page(title)
    if title != SETTINGS:
        _go_back_for_unsaved(title)
    _deal_with_posted()
    session = None
    if needs_project:
        with guard():
            session = state.session()
            if session is None:
                st.title(title)
                st.info("Open a project first.")
    _links(session, session is not None if needs_project else _is_one_at_hand())
    if needs_project and session is None:
        link(HOME, "Go to Home", icon=":material/home:")
        st.stop()
    if session is not None and _is_name_wanting(session):
        st.title(title)
        _who(session)
        st.stop()
    if session is not None and title != SETTINGS and not session.project.is_counted:
        st.title(title)
        count_texts(session)
    with guard():
        yield session  # type: ignore[misc]


def _go_back_for_unsaved(title: str) -> None:
    """Where the settings were left before their last change was saved, have them save it first."""
    held = state.unsaved()
    if held is None:
        return
    if held.back_to or not held.can_be_put_back:
        state.forget_unsaved()
        st.warning(
            "What was changed last in Settings was not saved: the page was left before.",
            icon=":material/info:",
        )
        return
    here = next((target for target, name, _ in PAGES if name == title), HOME)
    place = state.go_back_for_unsaved(here)
    st.switch_page(
        PAGES[0][0], query_params={**state.address(), state.PROJECT_IN_ADDRESS: held.slug, **place}
    )


def _deal_with_posted() -> None:
    """Do what was asked for since the last run, whatever page it was asked on."""
    if _is_counting_due():
        return  # an answer would count on the page's thread: it waits until that is done in sight
    queue = state.posted()
    with state.dealing():
        while queue:
            known: list[Any] = [test_set, people, panels, auditing, batch]
            owners = [each for each in known if queue[0].kind in each.KINDS]
            if pictures.is_zoom(queue[0]):
                owners = [pictures]
            with guard():
                (owners[0] if owners else loop).deal_with_first(queue)


def _is_counting_due() -> bool:
    """Are texts among the features of the project at hand whose words are not counted?"""
    session = state.session_at_hand()
    if session is None or not (state.is_project_there() and state.is_project_open()):
        return False
    return not session.project.is_counted


def _tell_trouble() -> None:
    """Say what went wrong behind the page, once."""
    session = state.session_at_hand()
    with guard():
        if session is not None and (trouble := session.trouble()) is not None:
            raise trouble


def view(draw: Callable[P, None]) -> Callable[P, None]:
    """A part of a page that is drawn again by itself, inside the same frame for errors."""

    @functools.wraps(draw)
    def framed(*args: P.args, **kwargs: P.kwargs) -> None:
        _deal_with_posted()
        if not (state.is_project_there() and state.is_project_open()):
            st.rerun()  # the whole page, which opens it, or says so and leads home
        session = state.session_at_hand()
        if session is not None and _is_name_wanting(session):
            st.rerun()  # switched on since, in another tab: the whole page asks for a name
        if _is_counting_due():
            st.rerun()  # other texts were chosen in another tab: the whole page counts them
        _tell_trouble()
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


def link(target: str, label: str, **options: Any) -> None:
    """A link to a page that keeps in the address what stands there; Home shows no project."""
    query = state.address(project=target != HOME)
    st.page_link(target, label=label, query_params=query or None, **options)


def _is_one_at_hand() -> bool:
    return bool(state.project_slug()) and state.is_project_there()


def _links(session: LabellingSession | None, can_open: bool) -> None:
    with st.sidebar:
        link(HOME, "**Sextant**", icon=":material/explore:")
        if not can_open:
            st.caption("No project is open.")
            _say_that_the_disk_is_temporary(can_open)
            return
        for target, label, icon in PAGES:
            link(target, label, icon=icon)
        _say_that_the_disk_is_temporary(can_open)
        if session is not None:
            st.divider()
            st.caption(f"{plain(session.project.name)}")
            st.caption(counted(session.project.catalogue.n_rows, "object"))
            _underway(session)
            _network(session)
            _signature(session)


def _underway(session: LabellingSession) -> None:
    """What waits on Share, said on every other page."""
    replaying = state.job(state.replay_name(session.project.slug))
    if state.page() == "Share" or not (replaying or state.chosen_configuration()):
        return
    said, way = "A configuration is open, and not loaded yet.", "Compare and load it"
    if replaying:
        is_done = replaying.is_done
        said = "A configuration was replayed." if is_done else "A configuration is being replayed."
        way = "See what came of it" if is_done else "See how far it is"
    with st.container(key="underway"):
        st.caption(said)
        link("pages/7_Share.py", way, icon=":material/arrow_forward:")


def _network(session: LabellingSession) -> None:
    """The one switch of all that is asked of other servers, always in view."""
    album, was_on = state.album(), session.project.is_online
    if album.network() == "none":
        st.caption("Network: off", help="Whoever runs this server asks no other (SEXTANT_NETWORK).")
        return
    is_on = st.toggle(
        "Network",
        was_on,
        # Named after its state: it may be switched elsewhere too.
        key=f"network-{session.project.slug}-{was_on}",
        help="Lets Sextant fetch pictures and spectra from other servers, which learn the "
        "positions asked for. Off, nothing is sent anywhere: only what is here already is shown.",
    )
    if is_on != was_on:
        album.switch_network(is_on)
        st.rerun()


def _say_that_the_disk_is_temporary(can_open: bool) -> None:
    """One line on every page of a public server, with the way to keep one's work."""
    if not is_public():
        return
    with st.container(key="temporary"):
        st.caption(
            "Public server: its disk is temporary.",
            help="Your projects are removed some hours after your last visit, and with every "
            "restart. Whoever has this address has your projects.",
        )
        if can_open:
            link("pages/7_Share.py", "Download it", icon=":material/download:")


def _is_name_wanting(session: LabellingSession) -> bool:
    """Do several people answer here, and nobody has said who looks?"""
    return session.config.people.several and not state.name_given()


def _who(session: LabellingSession) -> None:
    """Ask for a name before anything is shown or answered that goes by it."""
    st.info("Several people answer in this project: give the name that your answers are signed by.")
    with st.form("who-answers", border=False):
        who = st.text_input("Your name", "", NAME_CHARS, key="who-answers-name")
        if st.form_submit_button("Go on", type="primary") and who.strip():
            _give(session, who)


def _signature(session: LabellingSession) -> None:
    """Who answers: asked once in a browser, then a word that can be opened."""
    # Named after the name: it may be changed elsewhere too.
    key = f"signed-{session.who}"
    help_text = "Stands beside each of your answers; kept in this browser."
    if _is_name_wanting(session):
        return  # the page asks
    if not state.name_given():
        # A project that nobody has begun asks at the set-up of its first classifier.
        if session.config.setups:
            who = st.text_input("Your name", session.who, NAME_CHARS, key=key, help=help_text)
            if st.button("Save", key="save-name", help="Answers are signed so from now on."):
                _give(session, who)
        return
    if state.was_name_given_here():
        remember_name(session.who)
    with st.popover(f"Signed {plain(session.who[:40])}", width="stretch"):
        who = st.text_input("Your name", session.who, NAME_CHARS, key=key, help=help_text)
        if clean_name(who) not in ("", clean_name(session.who)):
            _give(session, who)


def _give(session: LabellingSession, name: str) -> None:
    """Take a name and draw the page anew, or say why it can be none."""
    with guard():
        state.give_name(session, name)
        st.rerun()


@st.cache_resource(show_spinner=False)
def _warm_up() -> None:
    """Compile what sorts, draws and scores, once a process, beside the first page."""
    threading.Thread(target=_compile, daemon=True, name="warm-up").start()


@st.cache_resource(show_spinner=False, ttl=600)
def _look_after_visitors() -> None:
    """Take no more at once than is lent, and now and then remove what nobody came back for."""
    # Of the server, not of the page: what is too large is refused before it is in memory.
    set_option("server.maxUploadSize", limits().upload_mb)
    home = home_folder()
    threading.Thread(target=sweep_visitors, args=(home,), daemon=True, name="sweep").start()


def _compile() -> None:
    for module in (nearness, raster, kernels):  # as a newcomer needs them
        try:
            module.warm_up()
        except Exception:
            # What is not compiled by now is when it is needed.
            _LOG.exception("%s could not be compiled ahead.", module.__name__)
    # Streamlit collects garbage after every run, before the last messages leave: what stands
    # after warm-up need not be looked at again each time.
    gc.collect()
    gc.freeze()
    # Frozen objects are never given back: at the end DuckDB's binding would complain of leaks.
    atexit.register(gc.unfreeze)
