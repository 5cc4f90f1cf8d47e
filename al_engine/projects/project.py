"""A project: a folder with a catalogue, a log of answers, and what can be made from them again.

Owns what belongs to it and must agree: settings in force, events, histories, arrays.  Must not know
learners or pages; ``opening`` hands it out, ``creating`` makes its folder.
"""

import contextlib
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from al_engine.background import BACKGROUND
from al_engine.data.catalogue import Catalogue
from al_engine.data.curated import CuratedSet, renumbered
from al_engine.data.grid import Floats, Grid
from al_engine.data.history import History, count_answers
from al_engine.data.labels import CURATED, AnswerLog, Event
from al_engine.data.nearby import SkyOrder
from al_engine.data.people import labels_given
from al_engine.errors import (
    AlEngineError,
    ProjectError,
    SettingsError,
    UnknownColumnError,
    UnsuitableColumnError,
    disk_said,
)
from al_engine.files import PARTIAL, left_behind, whole_file
from al_engine.home import CATALOGUE_FILE, read_about, write_about
from al_engine.jobs import Cancelled, Progress
from al_engine.projects.arrays import Arrays
from al_engine.projects.dataset import Dataset, SplitSizes
from al_engine.projects.histories import Histories
from al_engine.projects.texts import Texts
from al_engine.public import refuse_overuse, without_paths
from al_engine.settings.config import ProjectConfig, check

ANSWERS_FILE = "answers.duckdb"
OFFLINE_FILE = "offline"  # where it is, no other server is asked


class Project:
    """An open project, shared by every session of this process; opened by ``opening``.

    ``parts`` are catalogue and log where they are open already, and closed by who opened them.
    """

    def __init__(self, folder: Path, parts: tuple[Catalogue, AnswerLog] | None = None) -> None:
        self.folder = folder
        self.slug = folder.name
        self.catalogue, self.log = parts or _open_parts(folder)
        self._config = latest_config(self.log)
        # The log's lock rules events and the settings in force.
        self.files_lock = threading.RLock()
        self._about_lock = threading.RLock()
        self._arrays = Arrays(
            self.catalogue,
            folder / "matrix",
            partial(refuse_overuse, folder.parent),
            partial(BACKGROUND.do, self),
        )
        self.histories = Histories(self.log, lambda: self._config)
        self.is_closed = False
        self.used_at = time.monotonic()
        self.n_at_work = 0
        self._running: list[weakref.WeakMethod[Callable[[], bool]]] = []
        self._at_close: list[_Method] = []
        self._at_forget: list[_Method] = []
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

    def at_work_while(self, is_running: Callable[[], bool]) -> None:
        """Have a method asked whether it is at work; its object is not kept for that."""
        self._running = [*_alive(self._running), weakref.WeakMethod(is_running)]

    @property
    def is_at_work(self) -> bool:
        """Would closing it end what somebody waits for, or what runs by itself?"""
        asked = [method() for method in self._running]
        return self.n_at_work > 0 or any(ask() for ask in asked if ask is not None)

    def close(self) -> None:
        BACKGROUND.wait(self)
        self.is_closed = True
        self.catalogue.close()
        self.log.close()
        # A browser that was left open keeps its session, and with it this: but not the memory.
        self.histories.put_away()
        self.forget_arrays()
        _call(self._at_close)

    def forget_arrays(self) -> None:
        """Forget all that was made of columns, some of which may be gone or others by now."""
        self._arrays.put_away()
        _call(self._at_forget)

    def at_close(self, close: Callable[[], None]) -> None:
        """Have a method called once the project is closed; its object is not kept for that."""
        self._at_close = [*_alive(self._at_close), weakref.WeakMethod(close)]

    def at_forget(self, put_away: Callable[[], None]) -> None:
        """Have a method called once columns are forgotten, which closing the project does too."""
        self._at_forget = [*_alive(self._at_forget), weakref.WeakMethod(put_away)]

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def config(self) -> ProjectConfig:
        return self._config

    @property
    def is_online(self) -> bool:
        """May anything be asked of other servers?  A matter of this machine, and of no file that
        travels; looked up at each use, for whoever switched it off means everybody's requests.
        """
        return not (self.folder / OFFLINE_FILE).exists()

    def switch_network(self, is_online: bool) -> None:
        """Let other servers be asked, or nobody; kept beside what is written and taken away."""
        if not is_online:
            with whole_file(self.folder / OFFLINE_FILE) as file:
                file.touch()
            return
        try:
            (self.folder / OFFLINE_FILE).unlink(missing_ok=True)
        except OSError as error:
            raise ProjectError(
                f"The network could not be switched on: {disk_said(error)}.",
                "See to the permissions of the project's folder.",
            ) from error

    def save_config(
        self,
        config: ProjectConfig,
        who: str,
        *together: Event,
        how: str | None = None,
        undoes: int | None = None,
    ) -> None:
        """Make settings the ones in force; the former ones stay in the log.

        Events that go ``together`` with them are kept with them or not at all.  ``how`` and
        ``undoes`` are those of the event.
        """
        check(config)
        with self.log.lock:
            events = list(together)
            if config != self._config:
                made = Event("settings", who, how=how, undoes=undoes, payload=config.to_dict())
                events.insert(0, made)
            if events:
                self.log.append(*events)
            self._config = config

    def change_config(
        self,
        edited: ProjectConfig,
        made_from: ProjectConfig,
        who: str,
        *together: Event,
        how: str | None = None,
        undoes: int | None = None,
    ) -> None:
        """Put settings in force in place of those they were made from.

        Raises
        ------
        SettingsError : others are in force by now, or a label is left out that answers have
        """
        with self.log.lock:
            if self._config != made_from:
                raise SettingsError(
                    "The settings were changed meanwhile, in another tab.",
                    "Look at them, then change them again.",
                )
            self._refuse_lost_labels(edited)
            self.save_config(edited, who, *together, how=how, undoes=undoes)

    def _refuse_lost_labels(self, edited: ProjectConfig) -> None:
        """Refuse settings without a label that answers have; merged, it is still there.

        The curated test set counts apart what has a label that is no longer set.
        """
        kept = {value for label in edited.labels for value in label.values}
        held = [each for label in self._config.labels for each in label.with_merged]
        gone = [each for each in held if each.value not in kept]
        if not gone:
            return
        people = self._config.people
        given = labels_given([e for e in self.log.events() if e.part != CURATED], people)
        for label in gone:
            n = sum(value == label.value for _, value in given)
            if n:
                has = f"{n:,} object{'s have' if n > 1 else ' has'} that answer"
                # Blind, nobody is told how many.
                raise SettingsError(
                    f"{label.name} cannot be left out: "
                    f"{'there are such answers' if people.is_blind else has}.",
                    "Merge it into another label, or correct the answers first.",
                )

    def take_over(self, events: Sequence[Event]) -> None:
        """Append events from elsewhere, numbered one by one from any number on; all or none.

        The last settings among them come into force.
        """
        with self.log.lock:
            shift = self.log.last_seq + 1 - events[0].seq
            self.log.append(*(renumbered(e, lambda seq: seq + shift) for e in events))
            self._config = latest_config(self.log)

    def history(self, classifier: str, who: str = "") -> History:
        """What the events of a classifier amount to by now, for one person or for nobody."""
        return self.histories.history(classifier, who)

    def events(self, classifier: str) -> list[Event]:
        """The events that count for a classifier by the settings in force, in order."""
        return self.histories.events(classifier)

    def all_events(self) -> list[Event]:
        """The events of the log by the labels in force: what is merged counts as one."""
        return self.histories.all_events()

    def curated(self) -> CuratedSet:
        """The curated test set by now, in use or not."""
        return self.histories.curated()

    def dataset(self) -> Dataset:
        """The arrays for the settings in force, made once."""
        return self.prepare(self._config)

    def fault(self) -> AlEngineError | None:
        """Why there are no arrays: the settings in force name what is not there."""
        try:
            self.dataset()
        except AlEngineError as error:
            return error
        return None

    def prepare(self, config: ProjectConfig) -> Dataset:
        """The arrays for settings that may come into force; raises where they fit no data."""
        self._check_open()
        return self._arrays.prepare(config)

    def split_sizes(self, config: ProjectConfig) -> SplitSizes:
        """How many objects of each label every set would hold under some settings."""
        self._check_open()
        return self._arrays.split_sizes(config, frozenset(self.histories.tested(config)))

    def axis(self, name: str, config: ProjectConfig | None = None) -> npt.NDArray[np.float32]:
        """A feature or numeric column over all rows as float32, for plotting."""
        self._check_open()
        return self._arrays.axis(name, config or self._config)

    def axis_sql(self, name: str, config: ProjectConfig) -> str:
        """What an axis is made of; with other values of a column it is another."""
        return self._arrays.axis_sql(name, config)

    def grid(self, config: ProjectConfig) -> Grid:
        """Which objects lie where on the two axes of the maps."""
        self._check_open()
        return self._arrays.grid(config)

    def index(self, made_of: Sequence[str], x: Floats, y: Floats) -> Grid | None:
        """The same by two arrays over all rows, which ``made_of`` tells apart.

        None until it is made, in the background, where it was not asked for before.
        """
        self._check_open()
        return self._arrays.index(made_of, x, y)

    def sky_order(self, ra: str, dec: str) -> SkyOrder:
        """All objects by declination, for their neighbours; waited for where it is not made."""
        self._check_open()
        return self._arrays.sky_order(ra, dec, self._config.columns.missing)

    def texts(self) -> Texts | None:
        """The texts among the features in force; None where there are none."""
        self._check_open()
        return self._arrays.texts(self._config.features.texts)

    @property
    def is_counted(self) -> bool:
        """Are the terms of the texts among the features counted, if there are any?"""
        try:
            texts = self.texts()
        except (UnknownColumnError, UnsuitableColumnError):
            return True  # there is nothing to count; who asks for the arrays is told why
        return texts is None or texts.is_counted

    def count_texts(self, progress: Progress, cancelled: Cancelled) -> None:
        """Make all that is made of texts alone; WorkCancelled leaves nothing behind.

        Raises
        ------
        SettingsError : no word stands in two texts
        """
        texts = self.texts()
        if texts is not None:
            with self.at_work():
                texts.count(progress, cancelled)
                texts.axes()

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
        now, counted = datetime.now(UTC), count_answers(self.log.events())
        with self._about_lock:
            self.about = replace(self.about, last_used=now, n_answers=counted)
            if self.folder.is_dir():
                write_about(self.folder, self.about)


# -- the folder --------------------------------------------------------------------------------


_Asked = TypeVar("_Asked", bound=Callable[..., Any])
_Method: TypeAlias = "weakref.WeakMethod[Callable[[], None]]"


def _alive(methods: Sequence[weakref.WeakMethod[_Asked]]) -> list[weakref.WeakMethod[_Asked]]:
    return [method for method in methods if method() is not None]


def _call(methods: Sequence[_Method]) -> None:
    for call in filter(None, [method() for method in methods]):
        call()


def _sweep(folder: Path) -> None:
    """Remove what a killed process had begun to write: nobody else has the project open."""
    begun = list(folder.glob(f".*{PARTIAL}*"))
    for name in ("exports", "whole", "models", "selections", "simulations"):
        begun += left_behind(folder / name)
    for path in begun:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


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
        latest_config(log)
        opened.pop_all()
    return catalogue, log


def latest_config(log: AnswerLog) -> ProjectConfig:
    settings = [event for event in log.events() if event.kind == "settings"]
    return ProjectConfig.from_dict(settings[-1].payload or {}) if settings else ProjectConfig()
