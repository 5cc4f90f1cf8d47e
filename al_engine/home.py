"""Home: the folder that projects live in, and what stands in each for a list of them.

Owns names and addresses of projects, their notes, and what dead processes left behind.  Opens no
project; must not know catalogues or answers.
"""

import contextlib
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from al_engine.errors import ProjectError
from al_engine.files import whole_file

CATALOGUE_FILE, ABOUT_FILE = "catalogue.duckdb", "project.json"
MAX_NAME_BYTES = 255  # of a folder, on any disk
# Folders that are no projects; the last two are followed by the process that they belong to.
EXTENSIONS = "extensions"  # the user's own files of Python
DELETED, IMPORTING, UPLOADS = ".deleted-", ".importing-", ".uploads-"


@dataclass(frozen=True)
class About:
    """What a list of projects shows; ``slug`` is the folder's name."""

    slug: str
    name: str
    n_objects: int
    n_answers: int
    last_used: datetime
    source: str = ""
    notice: str = ""

    @property
    def is_demo(self) -> bool:
        return self.source.startswith("demo:")


def home_folder() -> Path:
    """Where projects live: ``SEXTANT_HOME``, else ``~/.sextant``.

    On a public server each visitor has a home of their own below it (``public.visitor_folder``).
    """
    return Path(os.environ.get("SEXTANT_HOME") or Path.home() / ".sextant").expanduser()


def find_project(home: Path, slug: str) -> Path:
    """The folder of a project by the name that stands in an address."""
    is_plain = slug.isprintable() and len(slug.encode()) <= MAX_NAME_BYTES if slug else False
    if not is_plain or slug != Path(slug).name or slug.startswith("."):
        raise ProjectError(f"{slug[:60]!a} is no project's name.", "Choose one on the Home page.")
    return home / slug


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """Have the folder of all projects there; what was made of it goes again where this fails."""
    made = [path for path in (home, *home.parents) if not path.exists()]
    home.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            # Only those that are empty: another import may have begun there meanwhile.
            for path in made:
                path.rmdir()
        raise


def list_projects(home: Path) -> list[About]:
    """The projects under ``home``, last used first."""
    if not home.is_dir():
        return []
    folders = [f for f in home.iterdir() if (f / CATALOGUE_FILE).is_file() and f.name[0] != "."]
    return sorted(map(read_about, folders), key=lambda about: about.last_used, reverse=True)


def make_slug(name: str) -> str:
    """A name made safe for a folder and an address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60] or "project"


def free_name(home: Path, name: str) -> str:
    """The name with a number where a project has it already: a list of one name tells nothing."""
    taken = {about.name for about in list_projects(home)}
    free, n = name, 2
    while free in taken:
        free, n = f"{name} {n}", n + 1
    return free


def free_slug(home: Path, name: str) -> str:
    slug, n = make_slug(name), 2
    while (home / slug).exists() or slug == EXTENSIONS:
        slug, n = f"{make_slug(name)}-{n}", n + 1
    return slug


def refuse_existing(folder: Path) -> None:
    if folder.exists() or folder.name == EXTENSIONS:
        raise ProjectError(f"'{folder.name}' is there already.", "Choose another folder.")


def sweep(home: Path) -> None:
    """Remove what dead processes and deletions left behind."""
    for folder in home.glob(f"{DELETED}*"):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (*home.glob(f"{IMPORTING}*"), *home.glob(f"{UPLOADS}*")):
        pid = folder.name.split("-")[1]
        if pid.isdecimal() and int(pid) != os.getpid() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def write_about(folder: Path, about: About) -> None:
    fields: dict[str, Any] = {
        "name": about.name,
        "n_objects": about.n_objects,
        "n_answers": about.n_answers,
        "last_used": about.last_used.isoformat(),
        "source": about.source,
        "notice": about.notice,
    }
    with whole_file(folder / ABOUT_FILE, is_reminder=True) as file:  # written at every answer
        file.write_text(json.dumps(fields, indent=1), encoding="utf-8")


def read_about(folder: Path) -> About:
    """What the folder says of itself; a lost or damaged note costs no project."""
    try:
        found = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        return About(
            folder.name,
            str(found["name"]),
            int(found["n_objects"]),
            int(found["n_answers"]),
            datetime.fromisoformat(found["last_used"]),
            str(found.get("source", "")),
            str(found.get("notice", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        changed = datetime.fromtimestamp((folder / CATALOGUE_FILE).stat().st_mtime, UTC)
        return About(folder.name, folder.name, 0, 0, changed)
