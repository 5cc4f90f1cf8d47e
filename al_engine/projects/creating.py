"""Creating a project: its folder is made whole or not at all.

Owns the way from a table to a project's folder.  Must not know who reads the table, nor pages.
"""

import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from al_engine.data.catalogue import Catalogue
from al_engine.data.history import count_answers
from al_engine.data.importing import Imported, import_table
from al_engine.data.labels import AnswerLog, Event
from al_engine.data.table import Table
from al_engine.errors import ProjectError, WorkCancelled
from al_engine.home import (
    CATALOGUE_FILE,
    IMPORTING,
    About,
    at_home,
    free_name,
    free_slug,
    refuse_existing,
    sweep,
    write_about,
)
from al_engine.projects.project import ANSWERS_FILE
from al_engine.public import in_folder, refuse_overuse, refuse_size, without_paths
from al_engine.settings.config import ProjectConfig, check

_NAMING = threading.Lock()  # two imports of one name at once become two folders


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
            n_answers = count_answers(log.events())
        finally:
            log.close()
        now = datetime.now(UTC)
        about = About("", free_name(home, name), imported.n_rows, n_answers, now, source, notice)
        write_about(work, about)
        refuse_overuse(home)
        if cancelled():
            raise WorkCancelled("The import was cancelled.", "Nothing of it was kept.")
        with _NAMING:
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
