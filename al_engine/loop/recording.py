"""A project as its configuration: put together when asked for, and kept beside it at each round.

Owns which parts of a project stand in the file, whose form is ``exchange.configuration``'s, and how
the project is looked at, which all its sessions share.  Must not know sessions: what they have at
hand is handed in.
"""

import json
import threading
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from al_engine.background import BACKGROUND
from al_engine.data.history import in_effect
from al_engine.data.labels import Event
from al_engine.data.people import refuse_while_blind
from al_engine.data.selections import list_selections
from al_engine.errors import ConfigurationError, SettingsError
from al_engine.exchange.astronomical_writing import check_theirs, write_theirs
from al_engine.exchange.configuration import (
    Configuration,
    Data,
    DataColumn,
    Layout,
    Next,
    PastRound,
    private,
    sound_layout,
    write_configuration,
)
from al_engine.files import whole_file
from al_engine.loop.saving import versions
from al_engine.loop.state import State
from al_engine.projects.project import Project
from al_engine.settings.config import ProjectConfig
from al_engine.settings.typed import plain, read_as

CONFIGURATION_FILE, LAYOUT_FILE = "configuration.json", "layout.json"


@dataclass(frozen=True)
class Moment:
    """A project at one moment: settings, all events, and the states that are of that moment."""

    settings: ProjectConfig
    events: Sequence[Event]
    states: Sequence[State]
    layout: Layout
    who: str


def moment(project: Project, states: Iterable[State], layout: Layout, who: str) -> Moment:
    """The present moment, with those of one person's states that are of it."""
    with project.log.lock:
        config, events = project.config, project.log.events()
        now = {c: project.histories.moment(c) for c in config.setups}
    of_now = [
        s for s in states
        if s.config == config
        and (s.history.last_seq, s.history.curated_seq) == now.get(s.classifier)
    ]  # fmt: skip
    return Moment(config, events, of_now, layout, who)


def record(project: Project, of: Moment) -> Configuration:
    """Put together the configuration of a moment."""
    id_column = of.settings.columns.id
    asks = of.who if of.settings.people.several else ""
    about, catalogue = project.about, project.catalogue
    rows = {e.row_number for e in of.events if e.row_number is not None}
    rows |= {state.question.row for state in of.states if state.question is not None}
    listed = sorted(rows)
    ids = dict(zip(listed, catalogue.object_ids(id_column, listed), strict=True))
    return Configuration(
        settings=of.settings,
        data=Data(
            about.source,
            catalogue.n_rows,
            catalogue.fingerprint,
            tuple(DataColumn(column.name, column.kind) for column in catalogue.columns),
            catalogue.joined,
            tuple(saved.name for saved in list_selections(project.folder)),
        ),
        layout=of.layout,
        # By the ids in force: where the id column was chosen late, earlier events know it too.
        events=tuple(
            event if event.row_number is None else replace(event, object_id=ids[event.row_number])
            for event in of.events
        ),
        rounds=tuple(
            PastRound(
                state.classifier,
                past.number,
                past.labelled.n_labelled,
                past.scores.to_dict() if past.scores else None,
            )
            for state in of.states
            for past in state.rounds
        ),
        next={
            state.classifier: Next(ids[state.question.row], state.question.how, asks)
            for state in of.states
            if state.question is not None
        },
        saved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
    )


def as_file(project: Project, of: Moment, *, is_private: bool) -> str:
    """The text of a configuration that a person takes away.

    Raises
    ------
    ProjectError : people answer blind, and it holds the answers of all
    """
    if not is_private:
        refuse_while_blind(of.settings.people, "A configuration with its answers")
    made = record(project, of)
    return write_configuration(private(made) if is_private else made)


def record_soon(project: Project, of: Moment) -> None:
    """Have the configuration of a moment written into the project's folder, whole or not at all.

    It is written in the background: of several moments the last one is.
    """

    def write() -> None:
        if project.is_closed:
            return  # deleted meanwhile, or closed: the next round writes it
        text = write_configuration(record(project, of))
        with project.files_lock, whole_file(project.folder / CONFIGURATION_FILE) as file:
            file.write_text(text, encoding="utf-8")

    BACKGROUND.do(project, CONFIGURATION_FILE, write)


def not_in_their_form(settings: ProjectConfig) -> ConfigurationError | None:
    """Why settings cannot be written in AstronomicAL's form, or None."""
    try:
        check_theirs(settings)
    except ConfigurationError as error:
        return error
    return None


_LAYOUTS: "weakref.WeakKeyDictionary[Project, Layout]" = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()


def layout_of(project: Project) -> Layout:
    """How a project is looked at: as it was last, and by every session alike."""
    with _LOCK:
        layout = _LAYOUTS.get(project)
        if layout is None:
            layout = _LAYOUTS[project] = _kept_layout(project)
        return layout


def change_layout(project: Project, **changes: Any) -> None:
    """Look at a project otherwise, now and when it is opened again.

    It is written in the background: of several changes the last one is.

    Parameters
    ----------
    changes : fields of ``Layout``
    """

    def write() -> None:
        if project.is_closed:
            return  # deleted meanwhile
        with project.files_lock:
            keep_layout(project.folder, layout_of(project))

    with _LOCK:
        held = layout_of(project)
        changed = _LAYOUTS[project] = replace(held, **changes)
    if changed != held:
        BACKGROUND.do(project, LAYOUT_FILE, write)


def keep_layout(folder: Path, layout: Layout) -> None:
    """Write down how the project in a folder is looked at."""
    with whole_file(folder / LAYOUT_FILE, is_reminder=True) as file:
        file.write_text(json.dumps(plain(layout), ensure_ascii=False), encoding="utf-8")


def _kept_layout(project: Project) -> Layout:
    """How the project was looked at last; as every project begins where nothing sound is kept."""
    try:
        found = json.loads((project.folder / LAYOUT_FILE).read_text(encoding="utf-8"))
        return sound_layout(read_as(Layout, found, "layout"))
    except (OSError, ValueError, RecursionError, SettingsError):
        return Layout()


def in_their_form(project: Project, settings: ProjectConfig) -> tuple[str, tuple[str, ...]]:
    """The settings and labels in AstronomicAL's form, and what has no counterpart in it.

    Raises
    ------
    ProjectError : people answer blind, and it holds the labels of all
    """
    refuse_while_blind(settings.people, "A configuration with its labels")
    is_integer = (
        settings.columns.id is not None
        and project.catalogue.column(settings.columns.id).kind == "integer"
    )
    answers: dict[str, list[tuple[str | int, str | None]]] = {}
    n_others = 0
    for classifier in settings.setups:
        history = project.history(classifier)
        events = in_effect(project.events(classifier))
        order = dict.fromkeys(e.row_number for e in events if e.row_number is not None)
        rows = [row for row in order if row in history.trained or row in history.unsure]
        ids = project.catalogue.object_ids(settings.columns.id, rows)
        answers[classifier] = [
            (int(text) if is_integer else text, history.trained.get(row))
            for row, text in zip(rows, ids, strict=True)
        ]
        n_others += len(history.validated) + len(history.corrected)
    text, notes = write_theirs(settings, answers, project.about.source)
    if n_others:
        notes = (*notes, f"{n_others:,} answers about objects that validate or test.")
    if project.curated().how:
        notes = (*notes, "The curated test set: the Test set page writes it as test_set.json.")
    return text, notes
