"""Selections of objects that were saved under a name, each in a file of its own.

Owns those files: rows of the catalogue, which stay what they are.  A selection is never changed:
what was asked of it, or drawn from it, can be told later.  Must not know what was selected by.
"""

import hashlib
import json
import threading
import zipfile
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.errors import ProjectError, SettingsError
from al_engine.files import whole_file
from al_engine.public import refuse_overuse

FOLDER, SUFFIX = "selections", ".npz"
MAX_NAME = 80

_SAVING = threading.Lock()

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Saved:
    """What a list of selections shows; ``how`` says what it was selected by.

    ``key`` goes by the objects: another selection of the same name has another.
    """

    name: str
    n: int
    how: str
    saved_at: str
    key: str


def save_selection(project_folder: Path, name: str, rows: Rows, how: str) -> Saved:
    """Keep a selection under a new name.

    Raises
    ------
    SettingsError : no name, too long a name, or one that is taken
    ProjectError, PublicServerError : the disk would not have it, or not so much of it
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise SettingsError(
            "The selection has no name." if not name else "The name is too long.",
            f"Use 1 to {MAX_NAME} characters.",
        )
    path, now = _path(project_folder, name), datetime.now(UTC).isoformat(timespec="seconds")
    saved = Saved(name, len(rows), how, now, _key(rows))
    refuse_overuse(project_folder.parent, len(rows) * 8)
    about = json.dumps(list(astuple(saved))).encode()
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"The folder '{FOLDER}' could not be made: {error.strerror}.",
            "See to the free space and the permissions of the project's folder.",
        ) from error
    with _SAVING:  # of two tabs that choose one name the second is told
        if path.exists():
            raise SettingsError(f"There is a selection called '{name}'.", "Choose another name.")
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file, rows=np.asarray(rows, np.int64), about=np.frombuffer(about, np.uint8)
            )
    return saved


def list_selections(project_folder: Path) -> list[Saved]:
    """What was saved, by name; a damaged file is left out."""
    found = []
    for path in (project_folder / FOLDER).glob(f"*{SUFFIX}"):
        try:
            found.append(_read(path, with_rows=False)[0])
        except SettingsError:
            continue
    return sorted(found, key=lambda saved: saved.name)


def load_selection(project_folder: Path, name: str, n_rows: int, *, key: str | None = None) -> Rows:
    """The rows of a selection, in order.

    Parameters
    ----------
    key : of the selection that is meant; None for whatever is called so

    Raises
    ------
    SettingsError : there is none of that name, it is another, or its file is damaged
    """
    path = _path(project_folder, name)
    if not path.is_file():
        raise SettingsError(f"There is no selection called '{name}'.", "Select its objects again.")
    rows = _read(path)[1]
    if key not in (None, _key(rows)):
        raise SettingsError(
            f"The selection called '{name}' is another by now.", "Choose it anew, if it is meant."
        )
    return np.asarray(rows[(rows >= 0) & (rows < n_rows)], dtype=np.intp)


def remove_selection(project_folder: Path, name: str) -> None:
    """Forget a selection; its objects and their labels stay."""
    try:
        _path(project_folder, name).unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"The selection '{name}' could not be removed: {error.strerror}.",
            "See to the permissions of the project's folder.",
        ) from error


def _key(rows: npt.NDArray[np.integer[Any]]) -> str:
    return hashlib.sha256(np.asarray(rows, np.int64).tobytes()).hexdigest()[:16]


def _path(project_folder: Path, name: str) -> Path:
    """Names may hold anything: the file's is a hash of it."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    return project_folder / FOLDER / f"{digest}{SUFFIX}"


def _read(path: Path, *, with_rows: bool = True) -> tuple[Saved, npt.NDArray[np.int64]]:
    try:
        with np.load(path, allow_pickle=False) as held:
            name, n, how, saved_at, key = json.loads(held["about"].tobytes())
            listed = held["rows"] if with_rows else ()
            rows = np.asarray(listed, dtype=np.int64).ravel()
        return Saved(str(name), int(n), str(how), str(saved_at), str(key)), rows
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SettingsError(
            f"The file of a selection is damaged: {path.name}.", "Select its objects again."
        ) from error
