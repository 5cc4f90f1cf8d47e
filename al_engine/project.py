"""A project: a folder with a catalogue, a log of answers, and what can be made from them again.

Owns the folder: creating it whole or not at all, opening it once in a process, deleting it.  Must
not know learners or pages.
"""

import contextlib
import os
import shutil
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from al_engine.background import BACKGROUND
from al_engine.config import ProjectConfig, check
from al_engine.data.catalogue import Catalogue
from al_engine.data.curated import CuratedSet, fold_curated
from al_engine.data.features import axis_feature, feature_sql
from al_engine.data.grid import Grid, open_grid
from al_engine.data.history import History, fold, in_effect
from al_engine.data.importing import Imported, import_table
from al_engine.data.labels import AnswerLog, Event
from al_engine.data.matrix import open_column
from al_engine.data.table import Table
from al_engine.dataset import Dataset, SplitSizes, build_dataset, split_sizes
from al_engine.errors import ImportCancelled, ProjectError, ProjectInUseError
from al_engine.home import (
    CATALOGUE_FILE,
    DELETED,
    IMPORTING,
    About,
    free_name,
    free_slug,
    read_about,
    refuse_existing,
    sweep,
    write_about,
)

Made = TypeVar("Made")

ANSWERS_FILE = "answers.duckdb"
DATASETS_KEPT = 2  # the one in force, and one that is being tried
AXES_HELD, GRIDS_HELD = 8, 4


class Project:
    """An open project, shared by every session of this process; open it with open_project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slug = folder.name
        if not (folder / ANSWERS_FILE).is_file():
            raise ProjectError(
                f"The project '{folder.name}' has lost its answers: {ANSWERS_FILE} is not there.",
                "Restore it from a copy; the catalogue alone is a new project.",
            )
        # Where one of these fails, those before it are closed: files left open would stay locked.
        with contextlib.ExitStack() as opened:
            self.catalogue = Catalogue(folder / CATALOGUE_FILE)
            opened.callback(self.catalogue.close)
            self.log = AnswerLog(folder / ANSWERS_FILE)
            opened.callback(self.log.close)
            self._config = _latest_config(self.log)
            opened.pop_all()
        # The log's lock rules events and the settings in force.  Whoever holds the arrays' lock
        # takes no other, so that no two threads can wait for each other.
        self._arrays_lock = threading.RLock()
        self.files_lock = threading.RLock()
        self._about_lock = threading.RLock()
        self._datasets: list[tuple[ProjectConfig, Dataset]] = []
        self._sizes: tuple[ProjectConfig, SplitSizes] | None = None
        self._histories: dict[str, History] = {}
        self._curated = CuratedSet()
        self._axes: OrderedDict[Hashable, npt.NDArray[np.float32]] = OrderedDict()
        self._grids: OrderedDict[Hashable, Grid] = OrderedDict()
        self._held_lock = threading.Lock()
        self.is_closed = False
        self.about = replace(read_about(folder), n_objects=self.catalogue.n_rows)
        self.touch()

    def close(self) -> None:
        BACKGROUND.wait(self)
        self.is_closed = True
        self.catalogue.close()
        self.log.close()

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

    def history(self, classifier: str) -> History:
        """What the events of a classifier amount to by now."""
        with self.log.lock:
            events = self.log.events(classifier)
            held, curated = self._histories.get(classifier), self._curated_in_use()
            moment = (events[-1].seq if events else 0, curated.last_seq)
            if held is None or (held.last_seq, held.curated_seq) != moment:
                held = self._histories[classifier] = self.fold(events)
            return held

    def fold(self, events: Sequence[Event]) -> History:
        """What some events of a classifier amount to, beside the test set in force."""
        curated = self._curated_in_use()
        return fold(events, curated.labels, curated.last_seq)

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
        check(config)
        wanted = _of_the_data(config)
        held = self._prepared(wanted)
        if held is not None:
            return held
        with self._arrays_lock:
            held = self._prepared(wanted)
            if held is None:
                held = build_dataset(self.catalogue, wanted, self.folder / "matrix")
                self._datasets = [*self._datasets, (wanted, held)][-DATASETS_KEPT:]
            return held

    def _prepared(self, wanted: ProjectConfig) -> Dataset | None:
        return next((made for key, made in self._datasets if key == wanted), None)

    def split_sizes(self, config: ProjectConfig) -> SplitSizes:
        """How many objects of each label every set would hold under some settings."""
        check(config)
        wanted, held = _of_the_data(config), self._sizes
        if held is None or held[0] != wanted:
            # Under no lock: maps need not wait for it.
            held = self._sizes = (wanted, split_sizes(self.catalogue, wanted))
        return held[1]

    def axis(self, name: str, config: ProjectConfig | None = None) -> npt.NDArray[np.float32]:
        """A feature or numeric column over all rows as float32, for plotting."""
        sql = self._axis_sql(name, config or self._config)
        folder = self.folder / "matrix"
        return self._held(
            self._axes, AXES_HELD, sql, lambda: open_column(folder, self.catalogue, sql)
        )

    def grid(self, config: ProjectConfig) -> Grid:
        """Which objects lie where on the two axes of the maps."""
        x, y = self.axis(config.x_axis, config), self.axis(config.y_axis, config)
        sqls = [self._axis_sql(name, config) for name in (config.x_axis, config.y_axis)]
        made_of = (self.catalogue.fingerprint, *sqls)
        return self._held(
            self._grids,
            GRIDS_HELD,
            made_of,
            lambda: open_grid(self.folder / "matrix", made_of, x, y),
        )

    def _held(
        self,
        held: OrderedDict[Hashable, Made],
        most: int,
        key: Hashable,
        make: Callable[[], Made],
    ) -> Made:
        """What is held under a key, made where it is not; whoever finds it waits for nobody."""
        self._check_open()
        with self._held_lock:
            if key in held:
                held.move_to_end(key)
                return held[key]
        with self._arrays_lock:
            made = held[key] if key in held else make()
        with self._held_lock:
            held[key] = made
            while len(held) > most:
                held.popitem(last=False)
        return made

    def _axis_sql(self, name: str, config: ProjectConfig) -> str:
        feature = axis_feature(name, config.features)
        return feature_sql(feature, self.catalogue, config.columns.missing)

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
                    f"The scores of a round could not be saved: {str(error).splitlines()[0]}.",
                    "See to the free space and the permissions of the project's folder.",
                ) from error

        BACKGROUND.do(self, ("round", classifier, key), write, after_s=0.0)

    def touch(self) -> None:
        """Note in the folder what the list of projects shows: the log knows, the note reminds."""
        answered = {
            (event.classifier, event.row_number)
            for event in in_effect(self.log.events())
            if event.kind == "answer"
        }
        with self._about_lock:
            self.about = replace(self.about, last_used=datetime.now(UTC), n_answers=len(answered))
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
) -> tuple[Path, Imported]:
    """Import a table into a new project folder under ``home``.

    ``finish`` sees the imported catalogue and returns the settings to begin with.  Whatever goes
    wrong, nothing is left behind.

    Returns
    -------
    folder : where the project is
    imported : what was imported
    """
    if folder_name:
        refuse_existing(home / folder_name)
    made = [path for path in (home, *home.parents) if not path.exists()]
    home.mkdir(parents=True, exist_ok=True)
    sweep(home)
    work = home / f"{IMPORTING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    work.mkdir()
    try:
        imported = import_table(table, work / CATALOGUE_FILE, progress, cancelled)
        catalogue = Catalogue(work / CATALOGUE_FILE)
        try:
            config = finish(catalogue, config)
        finally:
            catalogue.close()
        check(config)
        log = AnswerLog(work / ANSWERS_FILE)
        log.append(Event("settings", "", payload=config.to_dict()))
        log.close()
        about = About(
            "", free_name(home, name), imported.n_rows, 0, datetime.now(UTC), source, notice
        )
        write_about(work, about)
        if cancelled():
            raise ImportCancelled("The import was cancelled.", "Nothing of it was kept.")
        with _OPEN_LOCK:
            folder = home / (folder_name or free_slug(home, name))
            refuse_existing(folder)
            work.rename(folder)
    except BaseException as error:
        shutil.rmtree(work, ignore_errors=True)
        with contextlib.suppress(OSError):
            # Only those that are empty: another import may have begun there meanwhile.
            for path in made:
                path.rmdir()
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise ProjectError(
                f"No project could be made in '{home}': {str(error).splitlines()[0]}",
                "See to its permissions, the free space and the memory.",
            ) from error
        raise
    return folder, imported


_OPEN: dict[Path, Project] = {}
_OPEN_LOCK = threading.RLock()


def open_project(folder: Path) -> Project:
    """Open a project, or hand out the one that this process has open already.

    Raises
    ------
    ProjectError : no project there, or a damaged one
    ProjectInUseError : another process has it open
    """
    folder = folder.resolve()
    with _OPEN_LOCK:
        if folder not in _OPEN:
            if not (folder / CATALOGUE_FILE).is_file():
                raise ProjectError(
                    f"There is no project '{folder.name}'.", "Choose one on the Home page."
                )
            _OPEN[folder] = Project(folder)
        return _OPEN[folder]


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


def _latest_config(log: AnswerLog) -> ProjectConfig:
    settings = [event for event in log.events() if event.kind == "settings"]
    return ProjectConfig.from_dict(settings[-1].payload or {}) if settings else ProjectConfig()


def _of_the_data(config: ProjectConfig) -> ProjectConfig:
    """The settings that change arrays, the rest at their defaults."""
    labels = tuple(replace(label, name=label.value, colour="") for label in config.labels)
    return replace(
        ProjectConfig(),
        labels=labels,
        columns=replace(config.columns, info=(), images=(), ra=None, dec=None, pixels=()),
        features=config.features,
        splits=config.splits,
        train_labels=config.train_labels if config.leave_out_other_labels else (),
        leave_out_other_labels=config.leave_out_other_labels,
        leave_out_unknown=config.leave_out_unknown,
    )
