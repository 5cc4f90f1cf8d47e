"""The simulations of a project: begun, stopped, resumed and deleted, whoever looks on.

Owns the folder they are kept in and the processes that run them.  Each goes on while nobody looks,
and ends with its project; what was finished then is gone on with.
"""

import os
import shutil
import subprocess
import sys
import threading
import uuid
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from al_engine.errors import ProjectError, SettingsError, WorkCancelled, disk_said
from al_engine.exchange.simulations import FINISHED, FOLDER, MOST_KEPT
from al_engine.files import partial_beside
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.projects.project import Project
from al_engine.public import refuse_overuse, refuse_simulation
from al_engine.simulating.drawing import draw_split
from al_engine.simulating.folder import (
    FAILED,
    LOG,
    check_rounds,
    count_on,
    is_locked,
    read_failure,
    read_on,
    read_plan,
    read_rounds,
    read_seconds,
    read_versions,
    write_plan,
)
from al_engine.simulating.gathering import gather
from al_engine.simulating.material import Material, is_there, load_outline, save_material
from al_engine.simulating.performing import Curve, Finished, n_training, rounds_of, settled
from al_engine.simulating.savings import Json
from al_engine.simulating.settings import SimulationPlan, check_plan
from al_engine.simulating.summary import as_json, summarise

MOST_NAME = 80
MOST_READ = 4  # simulations whose rounds are held, by as many tabs
State = Literal["running", "stopped", "finished", "failed"]
_ROOT = Path(__file__).resolve().parents[2]
_ONE_THREAD = {
    f"{name}_THREADS": "1"
    for name in ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "NUMBA_NUM", "VECLIB_MAXIMUM")
}
_END_WAIT_S = 5.0


@dataclass(frozen=True)
class Kept:
    """A simulation as a list shows it: ``n_done`` of about ``of`` rounds, in ``seconds``.

    ``failure`` says in a sentence why it came to an end before its time.  Only one that
    ``can_go_on`` has what it is run on: a project's file brings none of that along.
    """

    key: str
    name: str
    made: datetime
    state: State
    plan: SimulationPlan
    n_done: int
    of: int
    seconds: float
    failure: str = ""
    can_go_on: bool = True

    @property
    def left_s(self) -> float | None:
        """About how long it still takes; None before the first seed is through."""
        if self.n_done * self.plan.n_seeds < self.of or not self.of:
            return None
        return self.seconds * max(0, self.of - self.n_done) / self.n_done


@dataclass(frozen=True)
class Unshown:
    """A simulation that cannot be shown, and the sentence that says why."""

    key: str
    why: str


@dataclass
class _Outline:
    """What never changes of a simulation, and how many of its rounds were counted in how much."""

    name: str
    made: datetime
    plan: SimulationPlan
    of: int
    n_done: int = 0
    n_bytes: int = 0


@dataclass
class _Read:
    """The rounds of a simulation that is looked at, as far as they were read, and their numbers.

    ``ends`` are as ``check_rounds`` has them, ``over`` as ``summarise`` does.
    """

    rounds: list[Finished] = field(default_factory=list)
    n_bytes: int = 0
    moment: Any = None
    numbers: Json = field(default_factory=dict)
    ends: dict[Curve, tuple[int, int]] = field(default_factory=dict)
    over: dict[tuple[Curve, int], Json] = field(default_factory=dict)


@dataclass
class Simulations:
    """Those of one project, by its folder; ``simulations_of`` hands them out."""

    home: Path
    folder: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _outlines: dict[str, _Outline] = field(default_factory=dict)
    _read: dict[str, _Read] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        _ALL.add(self)

    def __hash__(self) -> int:
        return id(self)

    # -- looking --

    def kept(self) -> list[Kept]:
        """All that can be shown, the latest first."""
        return self.listed()[0]

    def listed(self) -> tuple[list[Kept], list[Unshown]]:
        """All there are, the latest first; those that cannot be shown by themselves."""
        found, unshown = [], []
        for folder in self._folders():
            try:
                found.append(self._look(folder))
            except ProjectError as error:
                if folder.is_dir():  # it may have been deleted just now
                    unshown.append(Unshown(folder.name, f"{error.message} {error.hint}".strip()))
        return sorted(found, key=lambda each: (each.made, each.key), reverse=True), unshown

    def look(self, key: str) -> Kept:
        """One of them; ProjectError where it is gone."""
        return self._look(self._find(key))

    def finished(self, key: str) -> list[Finished]:
        """The rounds that are finished."""
        return read_rounds(self._find(key))

    def numbers(self, key: str, metric: str | None = None) -> dict[str, Any]:
        """All numbers of what is finished, counted by a score; as ``summary.summarise``.

        Raises
        ------
        ProjectError : it is gone, or its rounds are damaged
        """
        folder = self._find(key)
        with self._reading:
            read = self._read.pop(key, None) or _Read()  # what is damaged is not put back
            rounds, read.n_bytes = read_on(folder, read.n_bytes)
            read.rounds += rounds
            computed_by = read_versions(folder)
            moment = (read.n_bytes, metric, computed_by)
            if read.moment != moment:  # a page is drawn again and again
                _, _, plan = read_plan(folder)
                plan, outline = settled(plan, load_outline(folder))
                check_rounds(plan, outline, rounds, read.ends)
                made = summarise(plan, outline, read.rounds, metric, read.over)
                read.numbers = made if computed_by is None else {**made, "versions": computed_by}
                read.moment = moment
            self._read[key] = read
            if len(self._read) > MOST_READ:
                del self._read[next(iter(self._read))]
            return read.numbers

    def result(self, key: str) -> str | None:
        """The JSON of one that is finished, as the command writes it."""
        if read_versions(self._find(key)) is None:
            return None
        return as_json(self.numbers(key))

    # -- doing --

    def begin(
        self,
        project: Project,
        plan: SimulationPlan,
        name: str,
        cancelled: Cancelled = lambda: False,
    ) -> str:
        """Write down what is to be done and on what, and have a process begin; returns its key.

        Raises
        ------
        SettingsError, NotEnoughLabelsError : the plan does not fit the project
        PublicServerError : more than a public server lends
        ProjectError : the disk is full
        WorkCancelled : ``cancelled`` said so; nothing of it is kept
        """
        name = " ".join(name.split())[:MOST_NAME]
        if not name:
            raise SettingsError("The simulation has no name.", "Give it one.")
        if len(self._folders()) >= MOST_KEPT:
            raise SettingsError(
                f"The project keeps {MOST_KEPT} simulations already.", "Delete one of them."
            )
        check_plan(plan)
        material = gather(project)
        _stop_where(cancelled)
        plan, told = settled(plan, material)
        split = draw_split(told.y, told.keys, None, plan.splits, 0)
        n_used = sum(map(len, (split.train, split.validation, split.test)))
        n_fits = rounds_of(plan, len(split.train))
        refuse_simulation(_n_running(), n_used, n_fits)
        refuse_overuse(self.home, _n_bytes(material))
        made = datetime.now(UTC)
        key = f"{made:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        try:
            self.folder.mkdir(exist_ok=True)
            partial = partial_beside(self.folder / key)
            partial.mkdir()
            try:
                save_material(partial, material)
                write_plan(partial, name, made.isoformat(), plan)
                _stop_where(cancelled)
                partial.rename(self.folder / key)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise ProjectError(
                f"The simulation could not be written: {disk_said(error)}.",
                "See to the free space and the permissions of the project's folder.",
            ) from error
        self._start(self.folder / key)
        return key

    def resume(self, key: str) -> None:
        """Go on from the last finished round; one that runs or is finished is left alone."""
        found = self.look(key)
        if found.state in ("running", "finished"):
            return
        if not found.can_go_on:
            raise ProjectError(
                "What this simulation was run on is not here.", "Begin another one like it."
            )
        refuse_simulation(_n_running(), 0, 0)
        folder = self._find(key)
        (folder / FAILED).unlink(missing_ok=True)
        self._start(folder)

    def stop(self, key: str) -> None:
        """End its process; its finished rounds stay."""
        with self._lock:
            process = self._running.pop(key, None)
        if process is not None:
            _end(process)

    def delete(self, key: str) -> None:
        self.stop(key)
        folder = self._find(key)
        with self._lock:
            self._outlines.pop(key, None)
        with self._reading:
            self._read.pop(key, None)
        gone = partial_beside(folder)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def stop_all(self) -> None:
        """End every process: the project is closed."""
        with self._lock:
            processes = list(self._running.values())
            self._running.clear()
        for process in processes:
            _end(process)

    def is_running(self) -> bool:
        return self.n_running > 0

    @property
    def n_running(self) -> int:
        with self._lock:
            return sum(process.poll() is None for process in self._running.values())

    def _start(self, folder: Path) -> None:
        with self._lock:
            if is_locked(folder):
                return  # never two on one
            with (folder / LOG).open("wb") as log:
                self._running[folder.name] = subprocess.Popen(
                    [sys.executable, "-m", "al_engine.simulating.process", str(folder.resolve())],
                    cwd=_ROOT,
                    env={**os.environ, **_ONE_THREAD},
                    # It ends when this end is closed, which the system sees to.
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    creationflags=getattr(subprocess, "IDLE_PRIORITY_CLASS", 0),
                )

    def _find(self, key: str) -> Path:
        folder = self.folder / key
        if not key or key != folder.name or key.startswith(".") or not folder.is_dir():
            raise ProjectError("There is no such simulation any more.", "Choose another one.")
        return folder

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [f for f in self.folder.iterdir() if f.is_dir() and not f.name.startswith(".")]

    def _look(self, folder: Path) -> Kept:
        """What the list shows; of rounds only those are read that are new."""
        with self._lock:
            one = self._outlines.get(folder.name)
            if one is None:
                name, made, plan = read_plan(folder)
                about = load_outline(folder).about
                one = _Outline(name, made, plan, rounds_of(plan, n_training(plan, about)))
                self._outlines[folder.name] = one
            n_new, one.n_bytes = count_on(folder, one.n_bytes)
            one.n_done += n_new
            n_done = one.n_done
        state = self._state(folder)
        return Kept(
            folder.name,
            one.name,
            one.made,
            state,
            one.plan,
            n_done,
            one.of,
            read_seconds(folder),
            read_failure(folder),
            state == "running" or is_there(folder),
        )

    def _state(self, folder: Path) -> State:
        if (folder / FINISHED).is_file():
            return "finished"
        with self._lock:
            process = self._running.get(folder.name)
        if (process is not None and process.poll() is None) or is_locked(folder):
            return "running"
        if (folder / FINISHED).is_file():  # it came to its end in between
            return "finished"
        return "failed" if (folder / FAILED).is_file() else "stopped"


_ALL: weakref.WeakSet[Simulations] = weakref.WeakSet()
_OF: weakref.WeakKeyDictionary[Project, Simulations] = weakref.WeakKeyDictionary()


def simulations_of(project: Project) -> Simulations:
    """The simulations of an open project; they end when it is closed."""
    if project not in _OF:
        made = _OF.setdefault(project, Simulations(project.folder.parent, project.folder / FOLDER))
        project.at_close(made.stop_all)
        project.at_work_while(made.is_running)
    return _OF[project]


def begin_simulation(project: Project, plan: SimulationPlan, name: str) -> Job[str]:
    """``Simulations.begin`` beside the page that waits for it."""

    def work(progress: Progress, cancelled: Cancelled) -> str:
        with project.at_work():
            return simulations_of(project).begin(project, plan, name, cancelled)

    return Job(work)


def _stop_where(cancelled: Cancelled) -> None:
    if cancelled():
        raise WorkCancelled("The simulation was not begun: you stopped it.")


def _n_running() -> int:
    return sum(each.n_running for each in _ALL)


def _n_bytes(material: Material) -> int:
    n_bytes = 24 * material.n_objects + sum(len(text) for text in material.texts or ())
    return n_bytes + (0 if material.X is None else int(material.X.nbytes))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_END_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


__all__: Sequence[str] = (
    "Kept",
    "Simulations",
    "Unshown",
    "begin_simulation",
    "simulations_of",
)
