"""Whose projects a tab shows, which of them, and what is held with it while it is open.

The session and all that is drawn of it are opened together, and put away together.
"""

from collections.abc import MutableMapping
from pathlib import Path

import streamlit as st

from al_engine.curating.test_set import Curator
from al_engine.home import find_project, home_folder
from al_engine.loop.fitting import Fit
from al_engine.projects.opening import open_project
from al_engine.public import is_key, is_public, new_key, note_visit, visitor_folder
from al_engine.session import LabellingSession
from al_engine.showing.album import Album
from al_engine.showing.comparing import Comparing
from al_engine.showing.maps import Maps, drawn_of
from al_engine.showing.match_map import MatchMap
from al_engine.showing.overview import Overview
from al_engine.showing.plotting import Plotting
from pages.components.state.keys import drop, get, put
from pages.components.state.names import last_name, name_given
from pages.components.state.view import look_as

PROJECT_IN_ADDRESS, KEY_IN_ADDRESS = "project", "key"
# What is of one project, and is put away with it; events not dealt with yet are not.
_OF_A_PROJECT = (
    "session", "maps", "curator", "match_map", "learners", "looking", "classifier", "drafts",
    "export_note", "overview", "album", "comparing", "plotting",
)  # fmt: skip


# -- whose projects --


def home() -> Path:
    """Where the projects of whoever looks live: on a public server each browser has its own."""
    return visitor_folder(home_folder(), _key()) if is_public() else home_folder()


def visit() -> None:
    """Know whose projects are shown, keep that in the address, and remember the visit."""
    if is_public():
        note_visit(home())
        if st.query_params.get(KEY_IN_ADDRESS) != _key():
            st.query_params[KEY_IN_ADDRESS] = _key()


def _key() -> str:
    """The visitor's key: the one this tab has, or one in the address that has projects.

    Any other key is none: a stranger's address cannot choose where one's projects will lie.
    """
    held, named = get("key"), str(st.query_params.get(KEY_IN_ADDRESS, ""))
    if named != held and is_key(named) and visitor_folder(home_folder(), named).is_dir():
        _put_away()
        put("project", None)
        held = named
    if held is None:
        held = new_key()
    if held != get("key"):
        put("key", held)
    return str(held)


def address(*, project: bool = True) -> dict[str, str]:
    """What every link keeps in the address: the visitor's key and the project."""
    kept = {KEY_IN_ADDRESS: _key()} if is_public() else {}
    slug = project_slug() if project else None
    return {**kept, PROJECT_IN_ADDRESS: slug} if slug else kept


# -- which project --


def project_slug() -> str | None:
    """The project that the address names, else the one this tab had open."""
    slug = st.query_params.get(PROJECT_IN_ADDRESS) or get("project")
    return str(slug) if slug else None


def choose_project(folder: Path) -> None:
    """Make a project the one that every page shows."""
    forget_project()
    put("project", folder.name)
    st.query_params[PROJECT_IN_ADDRESS] = folder.name


def forget_project() -> None:
    _put_away()
    drop("project")
    st.query_params.pop(PROJECT_IN_ADDRESS, None)


def _put_away() -> None:
    drop(*_OF_A_PROJECT)


def session() -> LabellingSession | None:
    """The session on the project of the browser tab; None without a project.

    It is opened where it is not yet.  The learners stand in ``st.session_state`` and are made
    again when they are not there.
    """
    slug = project_slug()
    if slug is None:
        return None
    project = open_project(find_project(home(), slug))
    held = get("session")
    if held is None or held.project is not project:
        # The address may name another project than the one at hand: the browser's Back does that.
        _put_away()
        who = name_given() or last_name(project.log.events())
        held = LabellingSession(project, who, _learners())
        put("session", held)
        put("maps", Maps(held, drawn_of(project)))
        put("curator", Curator(held))
        put("match_map", MatchMap(project))
        put("overview", Overview(held))
        put("album", Album(held))
        put("comparing", Comparing(held, get("album")))
        put("plotting", Plotting(held, drawn_of(project)))
        look_as(held.layout)
        put("project", slug)
        held.restore_models()
    held.learners = _learners()
    if st.query_params.get(PROJECT_IN_ADDRESS) != slug:
        st.query_params[PROJECT_IN_ADDRESS] = slug
    return held


def _learners() -> MutableMapping[str, Fit]:
    learners: MutableMapping[str, Fit] | None = get("learners")
    if learners is None:
        learners = {}
        put("learners", learners)
    return learners


# -- what is held with it --


def maps() -> Maps:
    held: Maps = get("maps")
    return held


def curator() -> Curator:
    held: Curator = get("curator")
    return held


def match_map() -> MatchMap:
    held: MatchMap = get("match_map")
    return held


def album() -> Album:
    held: Album = get("album")
    return held


def comparing() -> Comparing:
    held: Comparing = get("comparing")
    return held


def overview() -> Overview:
    held: Overview = get("overview")
    return held


def plotting() -> Plotting:
    held: Plotting = get("plotting")
    return held
