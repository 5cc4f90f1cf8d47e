"""The projects that this process has open, each once, whoever asks for it.

Owns opening, closing and deleting.  Must not know what is inside a project.
"""

import shutil
import threading
import time
import uuid
from pathlib import Path

from al_engine.background import BACKGROUND
from al_engine.errors import ProjectError, ProjectInUseError, PublicServerError
from al_engine.home import CATALOGUE_FILE, DELETED
from al_engine.projects.project import Project
from al_engine.public import idle_visitors, is_idle, is_public, limits

AT_WORK_S = 120.0  # a project used since then is not closed to make room for another

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
        folder, oldest = min(_OPEN.items(), key=lambda item: (item[1].is_at_work, item[1].used_at))
        if oldest.is_at_work or time.monotonic() - oldest.used_at < AT_WORK_S:
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
