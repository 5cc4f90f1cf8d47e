"""The one owner of session keys: what a browser tab holds besides widgets.

Everything here is a cache or a choice of view.  Cleared, it is made again from the project and
the address; no answer lives here.
"""

import getpass
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import streamlit as st

from al_engine.maps import Maps, Shown
from al_engine.project import find_project, home_folder, open_project
from al_engine.rounds import Fit
from al_engine.session import LabellingSession
from al_engine.starting import ImportJob

PROJECT_IN_ADDRESS = "project"


def _get(key: str, default: Any = None) -> Any:
    return st.session_state.get(f"sextant.{key}", default)


def _set(key: str, value: Any) -> None:
    st.session_state[f"sextant.{key}"] = value


# -- which project --


def project_slug() -> str | None:
    """The project that the address names, else the one this tab had open."""
    slug = st.query_params.get(PROJECT_IN_ADDRESS) or _get("project")
    return str(slug) if slug else None


def choose_project(folder: Path) -> None:
    """Make a project the one that every page shows."""
    forget_project()
    _set("project", folder.name)
    st.query_params[PROJECT_IN_ADDRESS] = folder.name


def forget_project() -> None:
    for key in ("project", "session", "maps", "learners", "selected", "past", "classifier", "cell"):
        st.session_state.pop(f"sextant.{key}", None)
    st.query_params.pop(PROJECT_IN_ADDRESS, None)


def session() -> LabellingSession | None:
    """The session on the project of the browser tab; None without a project.

    It is opened where it is not yet.  The learners stand in ``st.session_state`` and are made
    again when they are not there.
    """
    slug = project_slug()
    if slug is None:
        return None
    project = open_project(find_project(home_folder(), slug))
    held = _get("session")
    if held is None or held.project is not project:
        held = LabellingSession(project, _last_name(project.log.events()), _learners())
        _set("session", held)
        _set("maps", Maps(held))
        _set("project", slug)
        held.restore_models()
    held.learners = _learners()
    if st.query_params.get(PROJECT_IN_ADDRESS) != slug:
        st.query_params[PROJECT_IN_ADDRESS] = slug
    return held


def _learners() -> MutableMapping[str, Fit]:
    learners: MutableMapping[str, Fit] | None = _get("learners")
    if learners is None:
        learners = {}
        _set("learners", learners)
    return learners


def maps() -> Maps:
    held: Maps = _get("maps")
    return held


def _last_name(events: Any) -> str:
    """Who answered last in this project, else the name of the account Sextant runs under."""
    for event in reversed(events):
        if event.who and event.kind in ("answer", "unsure", "later"):
            return str(event.who)
    try:
        return getpass.getuser()
    except OSError:
        return "me"


# -- where one looks --


def selected(classifier: str) -> int | None:
    """The row that was clicked, None while the queried object is the one shown."""
    row = _get("selected", {}).get(classifier)
    return None if row is None else int(row)


def select(classifier: str, row: int | None) -> None:
    _set("selected", {**_get("selected", {}), classifier: row})


def past_round(classifier: str) -> int | None:
    number = _get("past", {}).get(classifier)
    return None if number is None else int(number)


def look_at_round(classifier: str, number: int | None) -> None:
    _set("past", {**_get("past", {}), classifier: number})


def classifier(labels: tuple[str, ...]) -> str:
    """The classifier last looked at, else the first."""
    held = _get("classifier")
    return held if held in labels else labels[0]


def choose_classifier(label: str) -> None:
    _set("classifier", label)


def shown(label: str) -> Shown:
    held: Shown = _get("shown", {}).get(label, Shown())
    return held


def show(label: str, what: Shown) -> None:
    _set("shown", {**_get("shown", {}), label: what})


def colours() -> str:
    return str(_get("colours", "blue_orange"))


def choose_colours(name: str) -> None:
    _set("colours", name)


# -- what a person just did, for the next run to deal with --


def post(kind: str, event: Any) -> None:
    """Keep an event that came before a run, so that the page's own frame deals with it."""
    _set("posted", [*_get("posted", []), (kind, event)])


def take_posted() -> list[tuple[str, Any]]:
    posted = _get("posted", [])
    _set("posted", [])
    return list(posted)


def notice(classifier: str) -> str:
    """The quiet confirmation of the last answer."""
    return str(_get("notice", {}).get(classifier, ""))


def note(classifier: str, text: str) -> None:
    _set("notice", {**_get("notice", {}), classifier: text})


def clicks(key: str) -> int:
    """How many clicks a chart has had: part of its key, so that the same spot counts again."""
    return int(_get("clicks", {}).get(key, 0))


def count_click(key: str) -> None:
    _set("clicks", {**_get("clicks", {}), key: clicks(key) + 1})


# -- forms under way --


def job() -> ImportJob | None:
    held: ImportJob | None = _get("job")
    return held


def set_job(started: ImportJob | None) -> None:
    _set("job", started)


def step() -> int:
    return int(_get("step", 0))


def go_to_step(number: int) -> None:
    _set("step", number)


def draft(key: str, default: Any = None) -> Any:
    """Something being put together in a form, before it is saved."""
    return _get("drafts", {}).get(key, default)


def keep_draft(key: str, value: Any) -> None:
    _set("drafts", {**_get("drafts", {}), key: value})


def drop_drafts() -> None:
    _set("drafts", {})
