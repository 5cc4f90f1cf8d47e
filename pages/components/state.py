"""The one owner of session keys: what a browser tab holds besides widgets.

Everything here is a cache or a choice of view.  Cleared, it is made again from the project and
the address; no answer lives here.
"""

import getpass
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import streamlit as st

from al_engine.curating.agreeing import checked_name
from al_engine.curating.test_set import Curator
from al_engine.exchange.configuration import Layout
from al_engine.home import find_project, home_folder
from al_engine.jobs import Job
from al_engine.loop.fitting import Fit
from al_engine.loop.recording import change_layout
from al_engine.projects.opening import open_project
from al_engine.public import is_key, is_public, new_key, note_visit, visitor_folder
from al_engine.session import LabellingSession
from al_engine.settings.label import ALL_LABELS
from al_engine.settings.panels import DEFAULTS, OVER_ALL, Arrangement, holds
from al_engine.showing.album import Album
from al_engine.showing.comparing import Comparing
from al_engine.showing.maps import Maps, Shown, drawn_of
from al_engine.showing.match_map import MatchMap
from al_engine.showing.overview import Overview
from al_engine.showing.plotting import Plotting
from pages.components.looking import Aside, Chosen, Exploring, Looking, Posted, Selected
from pages.components.remember import remembered_name

MARKS = ("correct", "incorrect", "unlabelled", "trained_on", "queried")
PROJECT_IN_ADDRESS, STEP_IN_ADDRESS, KEY_IN_ADDRESS = "project", "step", "key"
EDITING = "editing"  # the draft of a step of the settings, for as long as it is open
JOINED = "joined"  # what came of a join, for as long as the page is open
# What is of one project, and is put away with it; events not dealt with yet are not.
_OF_A_PROJECT = (
    "session", "maps", "curator", "match_map", "learners", "looking", "classifier", "drafts",
    "export_note", "overview", "album", "comparing", "plotting",
)  # fmt: skip


def _get(key: str, default: Any = None) -> Any:
    return st.session_state.get(f"sextant.{key}", default)


def _set(key: str, value: Any) -> None:
    st.session_state[f"sextant.{key}"] = value


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
    held, named = _get("key"), str(st.query_params.get(KEY_IN_ADDRESS, ""))
    if named != held and is_key(named) and visitor_folder(home_folder(), named).is_dir():
        _put_away()
        _set("project", None)
        held = named
    if held is None:
        held = new_key()
    if held != _get("key"):
        _set("key", held)
    return str(held)


def address(*, project: bool = True) -> dict[str, str]:
    """What every link keeps in the address: the visitor's key and the project."""
    kept = {KEY_IN_ADDRESS: _key()} if is_public() else {}
    slug = project_slug() if project else None
    return {**kept, PROJECT_IN_ADDRESS: slug} if slug else kept


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
    _put_away()
    st.session_state.pop("sextant.project", None)
    st.query_params.pop(PROJECT_IN_ADDRESS, None)


def _put_away() -> None:
    for key in _OF_A_PROJECT:
        st.session_state.pop(f"sextant.{key}", None)


def session() -> LabellingSession | None:
    """The session on the project of the browser tab; None without a project.

    It is opened where it is not yet.  The learners stand in ``st.session_state`` and are made
    again when they are not there.
    """
    slug = project_slug()
    if slug is None:
        return None
    project = open_project(find_project(home(), slug))
    held = _get("session")
    if held is None or held.project is not project:
        # The address may name another project than the one at hand: the browser's Back does that.
        _put_away()
        who = name_given() or last_name(project.log.events())
        held = LabellingSession(project, who, _learners())
        _set("session", held)
        _set("maps", Maps(held, drawn_of(project)))
        _set("curator", Curator(held))
        _set("match_map", MatchMap(project))
        _set("overview", Overview(held))
        _set("album", Album(held))
        _set("comparing", Comparing(held, _get("album")))
        _set("plotting", Plotting(held, drawn_of(project)))
        _look_as(held.layout)
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


def curator() -> Curator:
    held: Curator = _get("curator")
    return held


def match_map() -> MatchMap:
    held: MatchMap = _get("match_map")
    return held


def album() -> Album:
    held: Album = _get("album")
    return held


def comparing() -> Comparing:
    held: Comparing = _get("comparing")
    return held


def overview() -> Overview:
    held: Overview = _get("overview")
    return held


def plotting() -> Plotting:
    held: Plotting = _get("plotting")
    return held


def session_at_hand() -> LabellingSession | None:
    """The session last opened, whatever the address names by now."""
    held: LabellingSession | None = _get("session")
    return held


def is_project_there() -> bool:
    """Is the project at hand still on disk?  Another tab may have deleted it."""
    at_hand = session_at_hand()
    return at_hand is None or at_hand.project.folder.is_dir()


def is_project_open() -> bool:
    """Is the project at hand still open?  A public server closes what was not used for a while."""
    at_hand = session_at_hand()
    return at_hand is None or not at_hand.project.is_closed


def name_given() -> str:
    """The name a person gave, in this tab or this browser before; "" until then."""
    return str(_get("name", "")) or remembered_name()


def was_name_given_here() -> bool:
    """Was the name given in this tab, and not by the browser?"""
    return bool(_get("name", ""))


def give_name(session: LabellingSession, name: str) -> None:
    """Sign answers with a name from now on; an empty one keeps the name there is.

    Raises
    ------
    SettingsError : it cannot be a name, or can hardly be told from another's
    """
    session.who = checked_name(session, name) if name.strip() else session.who
    _set("name", session.who)


def last_name(events: Any) -> str:
    """Who answered last in this project, else the name of the account Sextant runs under."""
    for event in reversed(events):
        if event.who and event.kind in ("answer", "unsure", "later"):
            return str(event.who)
    try:
        return "visitor" if is_public() else getpass.getuser()
    except OSError:
        return "me"


# -- where one looks --


def looking() -> Looking:
    held: Looking | None = _get("looking")
    if held is None:
        held = Looking()
        _set("looking", held)
    return held


def page() -> str:
    """The title of the page that is open."""
    return str(_get("page", ""))


def open_page(title: str) -> None:
    if title != page():
        for draft in (EDITING, JOINED):
            keep_draft(draft, None)
        aside().view = ""
        _set("classifier_at_opening", None)
    _set("page", title)


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
    held = _get("classifier")
    return held if held in labels else labels[0]


def classifier_at_opening(labels: tuple[str, ...]) -> str:
    """The classifier that was looked at when the page was opened."""
    held = _get("classifier_at_opening")
    if held not in labels:
        held = classifier(labels)
        _set("classifier_at_opening", held)
    return str(held)


def open_tab(tabs: str, name: str) -> None:
    """Have tabs show one of them; for callbacks, which run before they are drawn."""
    st.session_state[tabs] = name


def choose_classifier(label: str) -> None:
    _set("classifier", label)


def shown(label: str) -> Shown:
    return looking().shown.get(label, Shown())


def show(label: str, what: Shown) -> None:
    looking().shown[label] = what
    marks = {name: getattr(what, name) for name in MARKS}
    _keep_layout(lambda layout: {"marks": {**layout.marks, label: marks}})


def colours() -> str:
    return str(_get("colours", "blue_orange"))


def choose_colours(name: str) -> None:
    _set("colours", name)
    _keep_layout(lambda _: {"colours": name})


def take_layout(layout: Layout) -> None:
    """Show things as a configuration says."""
    _keep_layout(lambda ours: {**vars(layout), "panels": layout.panels or ours.panels})
    exploring().full.clear()  # another panel may stand there
    _look_as(layout)


def _look_as(layout: Layout) -> None:
    """Have this tab show things so."""
    _set("colours", layout.colours)
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
    is_over_all = page() == "Training" and _get("classifier") == ALL_LABELS
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


# -- what a person just did, for the next run to deal with --


def post(kind: str, slug: str, classifier: str, event: Any) -> None:
    """Keep an event that came before a run, so that the page's own frame deals with it."""
    posted().append(Posted(kind, page(), slug, classifier, event))


def posted() -> list[Posted]:
    """The list itself: whoever has dealt with an event takes it out."""
    held: list[Posted] | None = _get("posted")
    if held is None:
        held = []
        _set("posted", held)
    return held


def notice(classifier: str) -> str:
    """The quiet confirmation of the last answer."""
    return looking().notice.get(classifier, "")


def note(classifier: str, text: str) -> None:
    looking().notice[classifier] = text


def clicks(key: str) -> int:
    """How many clicks a chart has had: part of its key, so that the same spot counts again."""
    return int(_get("clicks", {}).get(key, 0))


def count_click(key: str) -> None:
    _set("clicks", {**_get("clicks", {}), key: clicks(key) + 1})


# -- forms under way --


def job(name: str) -> Job[Any] | None:
    """The job that is waited for under a name; what is of one project has its slug in it."""
    held: Job[Any] | None = _get("jobs", {}).get(name)
    return held


def replay_name(slug: str) -> str:
    """The name under which a replay into a project is waited for."""
    return f"replay-{slug}"


def keep_job(name: str, begun: Job[Any] | None) -> None:
    others = {key: job for key, job in _get("jobs", {}).items() if key != name}
    _set("jobs", others if begun is None else {**others, name: begun})


def chosen_configuration() -> Chosen | None:
    """The configuration that was opened, until it is loaded or put away."""
    held: Chosen | None = _get("configuration")
    return held


def choose_configuration(chosen: Chosen | None) -> None:
    _set("configuration", chosen)


def export_note() -> str:
    """What became of the last export."""
    return str(_get("export_note", ""))


def note_export(text: str) -> None:
    _set("export_note", text)


def upload() -> tuple[str, Path] | None:
    """The upload that was written to disk, by its id, until it is imported or refused."""
    held: tuple[str, Path] | None = _get("upload")
    return held


def keep_upload(written: tuple[str, Path] | None) -> None:
    _set("upload", written)


def step(n_steps: int) -> int:
    """The step of the settings, from 0, that the address names; else the first."""
    named = st.query_params.get(STEP_IN_ADDRESS, "")
    number = int(named) if named.isascii() and named.isdecimal() and len(named) < 3 else 1
    return number - 1 if 1 <= number <= n_steps else 0


def go_to_step(number: int) -> None:
    st.query_params[STEP_IN_ADDRESS] = str(number + 1)


def draft(key: str, default: Any = None) -> Any:
    """Something being put together in a form, before it is saved."""
    return _get("drafts", {}).get(key, default)


def keep_draft(key: str, value: Any) -> None:
    _set("drafts", {**_get("drafts", {}), key: value})


def drop_drafts() -> None:
    _set("drafts", {})
