"""A project packed as one file in its own folder, beside the page that waits for it.

Owns where that file lies and what was answered since it was written.  The file's format is
``exchange.whole``'s; must not know pages.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from al_engine.background import BACKGROUND
from al_engine.data.people import refuse_while_blind
from al_engine.errors import ProjectError, disk_said
from al_engine.exchange.simulations import FOLDER, simulation_lines
from al_engine.exchange.whole import Name, write_whole
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.loop.saving import versions
from al_engine.projects.project import Project
from al_engine.public import refuse_packing


@dataclass(frozen=True)
class Packed:
    """A project's file as it lies there; ``n_newer`` events happened since it was written."""

    path: Path
    n_bytes: int
    n_newer: int


def packed(project: Project) -> Packed | None:
    """The file that a project was packed as last, or None."""
    path = _place(project)
    try:
        found = path.stat()
    except OSError:
        return None
    then = datetime.fromtimestamp(found.st_mtime, UTC).replace(tzinfo=None)
    n_newer = sum(event.happened_at > then for event in project.log.events())
    return Packed(path, found.st_size, n_newer)


def begin_packing(project: Project) -> Job[Path]:
    """Pack beside the page that waits for it."""

    def work(progress: Progress, cancelled: Cancelled) -> Path:
        with project.at_work():
            return pack(project, progress, cancelled)

    return Job(work)


def pack(
    project: Project,
    progress: Progress = lambda n_rows, of: None,
    cancelled: Cancelled = lambda: False,
) -> Path:
    """Write a project as one file into its folder, in place of the one before, or nothing.

    Models and checkpoints are not in it: models are trained again where it is opened.

    Raises
    ------
    ProjectError, PublicServerError : there is no room, or people answer blind
    WorkCancelled : ``cancelled`` said so
    """
    home, n_rows = project.folder.parent, project.catalogue.n_rows
    found = packed(project)
    n_before = found.n_bytes if found else 0  # it goes once the new one is whole

    def heard(n: int) -> None:
        refuse_packing(home, -n_before)
        progress(n, n_rows)

    refuse_while_blind(project.config.people, "The whole project")
    refuse_packing(home, -n_before)
    BACKGROUND.wait(project)  # the scores of the last round are on their way to the disk
    path, began_at = _place(project), datetime.now(UTC).timestamp()
    about = project.about
    name = Name(about.name, about.source, about.notice)
    _make_folder(path.parent)
    write_whole(
        path,
        name,
        project.catalogue,
        project.log,
        project.folder,
        versions(),
        heard,
        cancelled,
        simulation_lines(project.folder / FOLDER),
    )
    os.utime(path, (began_at, began_at))
    return path


def remove_packed(project: Project) -> None:
    """Remove the file that a project was packed as; the project stays."""
    try:
        _place(project).unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"'{project.slug}.zip' could not be removed: {disk_said(error)}.",
            "See to the permissions of the project's folder.",
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"The folder '{folder.name}' could not be made: {disk_said(error)}.",
            "See to the free space and the permissions of the project's folder.",
        ) from error


def _place(project: Project) -> Path:
    return project.folder / "whole" / f"{project.slug}.zip"
