"""Files that are there whole or not at all.

Owns the partial file, what dead processes left of such, and what the disk refuses, as one sentence.
Must not know what is written.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from al_engine.errors import ProjectError, disk_said

PARTIAL = ".part"


@contextmanager
def whole_file(path: Path, *, is_reminder: bool = False) -> Iterator[Path]:
    """A name beside ``path`` to write under, which becomes ``path`` once all is well.

    A file that stands there is replaced; whatever goes wrong, it stays as it was.

    Parameters
    ----------
    is_reminder : what it says is known elsewhere, so that nobody waits until the disk has it

    Raises
    ------
    ProjectError : the disk is full, or may not be written to
    """
    partial = partial_beside(path)
    try:
        try:
            yield partial
            if not is_reminder:
                with partial.open("r+b") as file:
                    os.fsync(file.fileno())  # whole before it has its name
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"The file '{path.name}' could not be written: {disk_said(error)}.",
            "See to the free space and the permissions of its folder.",
        ) from error


def partial_beside(path: Path) -> Path:
    """A name to write under beside a path; what is called so and left behind can be swept."""
    return path.with_name(f".{uuid.uuid4().hex[:12]}{PARTIAL}")


def left_behind(folder: Path) -> list[Path]:
    """What was begun in a folder, or in one below, and has not got its name."""
    return list(folder.rglob(f".*{PARTIAL}*"))
