"""One server for strangers: whose folder is whose, and how much each may take.

Owns ``SEXTANT_PUBLIC``, visitors' keys and every limit that comes with them.  Must not know
projects or pages: it is handed folders and numbers.
"""

import contextlib
import hashlib
import os
import re
import secrets
import time
from dataclasses import dataclass, fields
from pathlib import Path

from al_engine.errors import PublicServerError

VISITORS = "visitors"  # under the home; each visitor's folder is named by a hash of the key
PICTURE = ".picture"  # ends the names of what is fetched again, and goes before all else
_KEY = re.compile(r"[A-Za-z0-9_-]{32}")
_MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What a public server lends; ``SEXTANT_PUBLIC_ROWS`` and so on change a number.

    ``rows`` and ``columns`` are of one catalogue, ``upload_mb`` of one file, packed, and
    ``unpacked_mb`` of what a compressed one holds, ``members`` of the files in a whole project;
    ``configuration_mb`` is of one configuration, ``memory_mb`` what the database of one project
    holds in memory; ``visitor_mb`` is the disk of one visitor and ``total_mb`` that of all; a
    visitor's folder goes after ``idle_hours`` without a visit.  Of all visitors ``simulations`` run
    at once; ``simulation_objects`` and ``simulation_fits`` are of one, as is how many minutes it
    may compute.
    """

    rows: int = 200_000
    columns: int = 1_000
    upload_mb: int = 50
    unpacked_mb: int = 300
    members: int = 5_000
    configuration_mb: int = 5
    memory_mb: int = 500
    visitor_mb: int = 200
    total_mb: int = 2_000
    open_projects: int = 10
    idle_hours: int = 6
    simulations: int = 1
    simulation_objects: int = 20_000
    simulation_fits: int = 1_000
    simulation_minutes: int = 15


def is_public() -> bool:
    """Does this process serve strangers?  Whatever the variable holds but 0 counts as yes."""
    return os.environ.get("SEXTANT_PUBLIC", "").strip() not in ("", "0")


def limits() -> Limits:
    """The limits in force; PublicServerError names a variable that is no whole number above 0."""
    found = {}
    for limit in fields(Limits):
        name = f"SEXTANT_PUBLIC_{limit.name.upper()}"
        text = os.environ.get(name, "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdecimal() and 0 < int(text[:19]) < 10**12):
            raise PublicServerError(
                f"{name} is '{text[:40]}'.", "Set it to a whole number above 0, or leave it out."
            )
        found[limit.name] = int(text)
    return Limits(**found)


# -- whose folder ------------------------------------------------------------------------------


def new_key() -> str:
    """A key that nobody guesses: 24 random bytes, fit for an address."""
    return secrets.token_urlsafe(24)


def is_key(text: str) -> bool:
    """Can this be a visitor's key?"""
    return _KEY.fullmatch(text) is not None


def visitor_folder(home: Path, key: str) -> Path:
    """Where the projects of the visitor with that key live; it is made with the first of them.

    The folder's name tells nothing of the key, and no key can name another folder.
    """
    if not is_key(key):
        raise PublicServerError("The address holds no visitor's key.", "Open Home anew.")
    return home / VISITORS / hashlib.sha256(key.encode()).hexdigest()[:40]


def note_visit(folder: Path) -> None:
    """Remember that a visitor was here just now."""
    if folder.is_dir():
        os.utime(folder)


def idle_visitors(home: Path) -> list[Path]:
    """The folders of visitors who have not been here for long."""
    there = home / VISITORS
    return [folder for folder in there.iterdir() if is_idle(folder)] if there.is_dir() else []


def is_idle(folder: Path) -> bool:
    """Has nobody been in a visitor's folder for some hours?"""
    try:
        return time.time() - folder.stat().st_mtime > 3600 * limits().idle_hours
    except OSError:
        return False


# -- how much ----------------------------------------------------------------------------------


def refuse_size(n_rows: int, n_columns: int) -> None:
    """Refuse a catalogue that is larger than a public server takes."""
    if not is_public():
        return
    for n, most, what in (
        (n_rows, limits().rows, "objects"),
        (n_columns, limits().columns, "columns"),
    ):
        if n > most:
            raise PublicServerError(
                f"The catalogue has more {what} than this public server takes, which is {most:,}.",
                "Cut it, or run Sextant on your own computer.",
            )


def refuse_upload(home: Path, n_bytes: int) -> None:
    """Refuse a file before it is written, for its own size or for the room there is."""
    if is_public() and n_bytes > limits().upload_mb * _MB:
        raise PublicServerError(
            f"The file has {n_bytes / _MB:,.0f} MB; this public server takes "
            f"{limits().upload_mb:,} MB.",
            "Choose a smaller one, or run Sextant on your own computer.",
        )
    refuse_overuse(home, n_bytes)


def refuse_overuse(home: Path, n_bytes: int = 0) -> None:
    """Refuse where a visitor's folder, or all of them, would take more disk than there is to lend.

    Pictures in them go first.

    Parameters
    ----------
    n_bytes : about to be written, beside what is there
    """
    for folder, most_mb, whose in _lent(home):
        if _has_room(folder, n_bytes, most_mb):
            continue
        for picture in folder.rglob(f"*{PICTURE}"):
            with contextlib.suppress(OSError):
                picture.unlink()
        if not _has_room(folder, n_bytes, most_mb):
            raise PublicServerError(
                f"{whose} would take more disk than this public server lends, which is {most_mb:,} "
                "MB.",
                "Delete a project, come back later, or run Sextant on your own computer.",
            )


def has_room(home: Path) -> bool:
    """Is there room for what can be done without?"""
    return all(_has_room(folder, 0, most_mb) for folder, most_mb, _ in _lent(home))


def _lent(home: Path) -> list[tuple[Path, int, str]]:
    """The folders of bounded size on a public server: each, its megabytes, and whose it is."""
    if not is_public():
        return []
    return [
        (home, limits().visitor_mb, "Your projects"),
        (home.parent, limits().total_mb, "All visitors' projects together"),
    ]


def _has_room(folder: Path, n_bytes: int, most_mb: int) -> bool:
    return used_bytes(folder) + n_bytes <= most_mb * _MB


def refuse_packing(home: Path, n_bytes: int = 0) -> None:
    """Refuse to pack a project where its visitor would take half as much again as is lent.

    Whoever fills the server, work done on it can be taken away: all visitors' limit does not count.
    """
    if is_public() and used_bytes(home) + n_bytes > 1.5 * limits().visitor_mb * _MB:
        raise PublicServerError(
            "The project as one file would take more disk than this public server lends.",
            "Delete another project, or files on this page.",
        )


def refuse_simulation(n_running: int, n_objects: int, n_fits: int) -> None:
    """Refuse a simulation where others run, or one that is larger than a public server takes."""
    if not is_public():
        return
    found = limits()
    if n_running >= found.simulations:
        raise PublicServerError(
            "This public server is busy with another simulation.",
            "Try again in a few minutes, or run Sextant on your own computer.",
        )
    for n, most, what, less in (
        (n_objects, found.simulation_objects, "objects", "Split by counts that add up to less"),
        (n_fits, found.simulation_fits, "fits", "Choose fewer seeds, strategies or rounds"),
    ):
        if n > most:
            raise PublicServerError(
                f"The simulation takes {n:,} {what}; this public server takes up to {most:,}.",
                f"{less}, or run Sextant on your own computer.",
            )


def most_simulation_s() -> float | None:
    """How long one simulation may compute, in seconds; None where no server is shared."""
    return 60.0 * limits().simulation_minutes if is_public() else None


def most_unpacked_bytes() -> int | None:
    """How much a compressed file may hold, in bytes; None where only the disk sets a limit."""
    return limits().unpacked_mb * _MB if is_public() else None


def most_members() -> int | None:
    """How many files a whole project may hold; None where only the disk sets a limit."""
    return limits().members if is_public() else None


def most_configuration_bytes() -> int | None:
    """How long a configuration may be, in bytes; None where no server is shared."""
    return limits().configuration_mb * _MB if is_public() else None


def most_memory_mb() -> int | None:
    """What a project's database may hold in memory; None where no server is shared."""
    return limits().memory_mb if is_public() else None


def refuse_server_file(home: Path, path: Path) -> None:
    """Refuse a path on the server's disk: strangers open what they upload, and nothing else."""
    if is_public() and not path.resolve().is_relative_to(home.resolve()):
        raise PublicServerError(
            "A public server opens no paths on its own disk.", "Upload the file."
        )


def in_folder(home: Path) -> str:
    """Where projects are, for a sentence; a public server's disk is nobody's business."""
    return "" if is_public() else f" in '{home}'"


def without_paths(said: str) -> str:
    """What a library says of a file, without the paths of a public server."""
    return _PATH.sub("a file", said) if is_public() else said


_PATH = re.compile(r"""(["'])(?:(?!\1).)*/(?:(?!\1).)*\1|(?<!\S)/\S+""")


def used_bytes(folder: Path) -> int:
    """What all that is below a folder takes on the disk; what vanishes meanwhile takes nothing.

    Counted in blocks: ten thousand files of a byte take forty megabytes.
    """
    n_bytes = 0
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            with contextlib.suppress(OSError):
                n_bytes += _on_disk(os.lstat(os.path.join(place, name)))
    return n_bytes


def _on_disk(found: os.stat_result) -> int:
    blocks: int | None = getattr(found, "st_blocks", None)  # which Windows does not count
    return found.st_size if blocks is None else 512 * blocks
