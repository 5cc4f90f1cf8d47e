"""A project: a folder with a catalogue, a log of answers, and what can be made from them again.

Owns the folder: creating it whole or not at all, opening it once in a process, deleting it.  Must
not know learners or pages.
"""

import contextlib
import os
import shutil
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from al_engine.arrays import Arrays
from al_engine.background import BACKGROUND
from al_engine.config import ProjectConfig, check
from al_engine.data.catalogue import Catalogue
from al_engine.data.curated import CuratedSet, fold_curated, renumbered
from al_engine.data.grid import Grid
from al_engine.data.history import History, in_effect
from al_engine.data.importing import Imported, import_table
from al_engine.data.labels import AnswerLog, Event
from al_engine.data.people import history_of
from al_engine.data.sight import in_sight
from al_engine.data.table import Table
from al_engine.dataset import Dataset, SplitSizes
from al_engine.errors import (
    ProjectError,
    ProjectInUseError,
    PublicServerError,
    WorkCancelled,
)
from al_engine.files import PARTIAL, left_behind
from al_engine.home import (
    CATALOGUE_FILE,
    DELETED,
    IMPORTING,
    About,
    at_home,
    free_name,
    free_slug,
    read_about,
    refuse_existing,
    sweep,
    write_about,
)
from al_engine.public import (
    idle_visitors,
    in_folder,
    is_idle,
    is_public,
    limits,
    refuse_overuse,
    refuse_size,
    without_paths,
)

ANSWERS_FILE = "answers.duckdb"
AT_WORK_S = 120.0  # a project used since then is not closed to make room for another


class Project:
    """An open project, shared by every session of this process; open it with open_project.

    ``parts`` are catalogue and log where they are open already, and closed by who opened them.
    """

    def __init__(self, folder: Path, parts: tuple[Catalogue, AnswerLog] | None = None) -> None:
        self.folder = folder
        self.slug = folder.name
        self.catalogue, self.log = parts or _open_parts(folder)
        self._config = _latest_config(self.log)
        # The log's lock rules events and the settings in force.
        self.files_lock = threading.RLock()
        self._about_lock = threading.RLock()
        self._arrays = Arrays(
            self.catalogue, folder / "matrix", partial(refuse_overuse, folder.parent)
        )
        self._histories: dict[tuple[str, str], tuple[Hashable, History]] = {}
        self._curated = CuratedSet()
        self.is_closed = False
        self.used_at = time.monotonic()
        self.n_at_work = 0
        self._at_close: list[weakref.WeakMethod[Callable[[], None]]] = []
        self.about = replace(read_about(folder), n_objects=self.catalogue.n_rows)
        if parts is None:
            _sweep(folder)
            self.touch()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Work that somebody waits for: meanwhile the project is not closed for another."""
        with self._about_lock:
            self.n_at_work += 1
        try:
            yield
        finally:
            with self._about_lock:
                self.n_at_work -= 1
                self.used_at = time.monotonic()

    def close(self) -> None:
        BACKGROUND.wait(self)
        self.is_closed = True
        self.catalogue.close()
        self.log.close()
        # A browser that was left open keeps its session, and with it this: but not the memory.
        self._arrays.put_away()
        self._histories.clear()
        for put_away in filter(None, [method() for method in self._at_close]):
            put_away()

    def at_close(self, put_away: Callable[[], None]) -> None:
        """Have a method called once the project is closed; its object is not kept for that."""
        alive = [method for method in self._at_close if method() is not None]
        self._at_close = [*alive, weakref.WeakMethod(put_away)]

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def config(self) -> ProjectConfig:
        return self._config

    def save_config(self, config: ProjectConfig, who: str, *together: Event) -> None:
        """Make settings the ones in force; the former ones stay in the log.

        Events that go ``together`` with them are kept with them or not at all.
        """
        check(config)
        with self.log.lock:
            events = list(together)
            if config != self._config:
                events.insert(0, Event("settings", who, payload=config.to_dict()))
            if events:
                self.log.append(*events)
            self._config = config

    def take_over(self, events: Sequence[Event]) -> None:
        """Append events from elsewhere, numbered one by one from any number on; all or none.

        The last settings among them come into force.
        """
        with self.log.lock:
            shift = self.log.last_seq + 1 - events[0].seq
            self.log.append(*(renumbered(e, lambda seq: seq + shift) for e in events))
            self._config = _latest_config(self.log)

    def history(self, classifier: str, who: str = "") -> History:
        """What the events of a classifier amount to by now, for one person or for nobody."""
        with self.log.lock:
            events, config = self.events(classifier), self._config
            key = (classifier, who if config.people.several else "")
            last_seq = events[-1].seq if events else 0
            moment = (
                last_seq,
                self._curated_in_use().last_seq,
                config.people,
                config.asking.shared,
            )
            held = self._histories.get(key)
            if held is None or held[0] != moment:
                held = self._histories[key] = (moment, self.fold(events, who))
            return held[1]

    def events(self, classifier: str) -> list[Event]:
        """The events that count for a classifier by the settings in force, in order."""
        with self.log.lock:
            return in_sight(self.log.events(), classifier, shared=self._config.asking.shared)

    def fold(
        self, events: Sequence[Event], who: str = "", *, testing: int | None = None
    ) -> History:
        """What some events of a classifier amount to for one person, beside the test set.

        ``testing`` is the row of an object that is taken to test as well.
        """
        curated = self._curated_in_use()
        labels = curated.labels if testing is None else {**curated.labels, testing: ""}
        return history_of(events, who, self._config.people, labels, curated.last_seq)

    def curated(self) -> CuratedSet:
        """The curated test set by now, in use or not."""
        with self.log.lock:
            events = self.log.curated_events()
            if self._curated.last_seq != (events[-1].seq if events else 0):
                self._curated = fold_curated(events)
            return self._curated

    def _curated_in_use(self) -> CuratedSet:
        return self.curated() if self._config.splits.curated else CuratedSet()

    def dataset(self) -> Dataset:
        """The arrays for the settings in force, made once."""
        return self.prepare(self._config)

    def prepare(self, config: ProjectConfig) -> Dataset:
        """The arrays for settings that may come into force; raises where they fit no data."""
        self._check_open()
        return self._arrays.prepare(config)

    def split_sizes(self, config: ProjectConfig) -> SplitSizes:
        """How many objects of each label every set would hold under some settings."""
        self._check_open()
        return self._arrays.split_sizes(config)

    def axis(self, name: str, config: ProjectConfig | None = None) -> npt.NDArray[np.float32]:
        """A feature or numeric column over all rows as float32, for plotting."""
        self._check_open()
        return self._arrays.axis(name, config or self._config)

    def grid(self, config: ProjectConfig) -> Grid:
        """Which objects lie where on the two axes of the maps."""
        self._check_open()
        return self._arrays.grid(config)

    def _check_open(self) -> None:
        if self.is_closed:
            raise ProjectError("The project was closed or deleted.", "Choose one on the Home page.")

    def keep_round(
        self, classifier: str, key: str, n_labelled: int, scores: Mapping[str, Any]
    ) -> None:
        """Keep the scores of a round: known at once, on disk soon after."""
        self._check_open()
        self.log.note_round(classifier, key, scores)

        def write() -> None:
            try:
                self.log.save_round(classifier, key, n_labelled, scores)
            except duckdb.Error as error:
                self.log.forget_round(classifier, key)  # so that it is tried again
                raise ProjectError(
                    f"The scores of a round could not be saved: "
                    f"{without_paths(str(error).splitlines()[0])}.",
                    "See to the free space and the permissions of the project's folder.",
                ) from error

        BACKGROUND.do(self, ("round", classifier, key), write, after_s=0.0)

    def touch(self) -> None:
        """Note in the folder what the list of projects shows: the log knows, the note reminds."""
        n_answers = _n_answers(self.log)
        with self._about_lock:
            self.about = replace(self.about, last_used=datetime.now(UTC), n_answers=n_answers)
            if self.folder.is_dir():
                write_about(self.folder, self.about)


# -- the folder --------------------------------------------------------------------------------


def create_project(
    home: Path,
    name: str,
    table: Table,
    config: ProjectConfig,
    *,
    source: str = "",
    notice: str = "",
    folder_name: str | None = None,
    progress: Callable[[int], None] = lambda n_rows: None,
    cancelled: Callable[[], bool] = lambda: False,
    finish: Callable[[Catalogue, ProjectConfig], ProjectConfig] = lambda catalogue, config: config,
    restore: Callable[[Path, AnswerLog], None] | None = None,
) -> tuple[Path, Imported]:
    """Import a table into a new project folder under ``home``.

    ``finish`` sees the imported catalogue and returns the settings to begin with; where the
    project has been before, ``restore`` fills its folder and its empty log instead.  Whatever goes
    wrong, nothing is left behind.

    Returns
    -------
    folder : where the project is
    imported : what was imported
    """
    if folder_name:
        refuse_existing(home / folder_name)

    def heard(n_rows: int) -> None:
        refuse_size(n_rows, len(table.columns))
        refuse_overuse(home)
        progress(n_rows)

    with at_home(home), _new_folder(home) as work:
        refuse_size(table.n_rows or 0, len(table.columns))
        imported = import_table(table, work / CATALOGUE_FILE, heard, cancelled)
        catalogue = Catalogue(work / CATALOGUE_FILE)
        try:
            config = finish(catalogue, config)
        finally:
            catalogue.close()
        check(config)
        log = AnswerLog(work / ANSWERS_FILE)
        try:
            if restore is None:
                log.append(Event("settings", "", payload=config.to_dict()))
            else:
                restore(work, log)
            n_answers = _n_answers(log)
        finally:
            log.close()
        now = datetime.now(UTC)
        about = About("", free_name(home, name), imported.n_rows, n_answers, now, source, notice)
        write_about(work, about)
        refuse_overuse(home)
        if cancelled():
            raise WorkCancelled("The import was cancelled.", "Nothing of it was kept.")
        with _OPEN_LOCK:
            folder = home / (folder_name or free_slug(home, name))
            refuse_existing(folder)
            work.rename(folder)
    return folder, imported


@contextmanager
def _new_folder(home: Path) -> Iterator[Path]:
    """A folder to make a project in, which goes where that fails; the disk's word as a sentence."""
    sweep(home)
    work = home / f"{IMPORTING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    work.mkdir()
    try:
        yield work
    except BaseException as error:
        shutil.rmtree(work, ignore_errors=True)
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise ProjectError(
                f"No project could be made{in_folder(home)}: "
                f"{without_paths(str(error).splitlines()[0]).rstrip('.')}.",
                "See to its permissions, the free space and the memory.",
            ) from error
        raise


_OPEN: dict[Path, Project] = {}
_OPEN_LOCK = threading.RLock()


def open_project(folder: Path) -> Project:
    """Open a project, or hand out the one that this process has open already.

    Raises
    ------
    ProjectError : no project there, or a damaged one
    ProjectInUseError : another process has it open
    PublicServerError : a public server has as many open as it can, all at work
    """
    folder = folder.resolve()
    with _OPEN_LOCK:
        if folder not in _OPEN:
            if not (folder / CATALOGUE_FILE).is_file():
                raise ProjectError(
                    f"There is no project '{folder.name}'.", "Choose one on the Home page."
                )
            if is_public():
                _make_room(limits().open_projects)
            _OPEN[folder] = Project(folder)
        _OPEN[folder].used_at = time.monotonic()
        return _OPEN[folder]


def _make_room(most: int) -> None:
    """Close what was used longest ago, until one more can be opened."""
    while len(_OPEN) >= most:
        folder, oldest = min(
            _OPEN.items(), key=lambda item: (item[1].n_at_work > 0, item[1].used_at)
        )
        if oldest.n_at_work or time.monotonic() - oldest.used_at < AT_WORK_S:
            raise PublicServerError(
                f"This public server has {most:,} projects open, which is all it can.",
                "Try again in a few minutes, or run Sextant on your own computer.",
            )
        close_project(folder)


def close_project(folder: Path) -> None:
    """Give back a project's files; sessions that still hold it must not use it again."""
    with _OPEN_LOCK:
        project = _OPEN.pop(folder.resolve(), None)
        if project is not None:
            project.close()


def delete_project(folder: Path) -> None:
    """Remove a project for good, answers and models included.

    Sessions that have it open are told so at their next step.

    Raises
    ------
    ProjectInUseError : another process has it open
    """
    with _OPEN_LOCK:
        try:
            open_project(folder)
        except ProjectInUseError:
            raise
        except ProjectError:
            pass  # a damaged project can be removed as well
        if (project := _OPEN.get(folder.resolve())) is not None:
            BACKGROUND.drop(project)
        close_project(folder)
        # It is gone from the list at once, even where a file of it cannot be removed yet.
        gone = folder.with_name(f"{DELETED}{uuid.uuid4().hex[:8]}")
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed process had begun to write: nobody else has the project open."""
    for name in ("", "exports", "whole", "models"):
        for path in left_behind(folder / name) if name else folder.glob(f".*{PARTIAL}*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _open_parts(folder: Path) -> tuple[Catalogue, AnswerLog]:
    if not (folder / ANSWERS_FILE).is_file():
        raise ProjectError(
            f"The project '{folder.name}' has lost its answers: {ANSWERS_FILE} is not there.",
            "Restore it from a copy; the catalogue alone is a new project.",
        )
    # Where one of these fails, those before it are closed: files left open would stay locked.
    with contextlib.ExitStack() as opened:
        catalogue = Catalogue(folder / CATALOGUE_FILE)
        opened.callback(catalogue.close)
        log = AnswerLog(folder / ANSWERS_FILE)
        opened.callback(log.close)
        _latest_config(log)
        opened.pop_all()
    return catalogue, log


def sweep_visitors(home: Path) -> None:
    """Remove the folders of visitors who have not been here for some hours, projects and all."""
    for folder in idle_visitors(home):
        with _OPEN_LOCK:
            if not is_idle(folder):
                continue  # came back just now
            for path in [path for path in _OPEN if path.is_relative_to(folder.resolve())]:
                BACKGROUND.drop(_OPEN[path])
                close_project(path)
            shutil.rmtree(folder, ignore_errors=True)


def _n_answers(log: AnswerLog) -> int:
    """How many objects have an answer of a person in force, each classifier's counted."""
    events = in_effect(log.events())
    return len({(e.classifier, e.row_number) for e in events if e.kind == "answer"})


def _latest_config(log: AnswerLog) -> ProjectConfig:
    settings = [event for event in log.events() if event.kind == "settings"]
    return ProjectConfig.from_dict(settings[-1].payload or {}) if settings else ProjectConfig()
