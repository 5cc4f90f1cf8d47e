"""Arrays that are made once, kept on disk and mapped into memory.

Owns the files of a project's ``matrix`` folder: their names, that they are whole or not there, and
which are kept.  A file's name is the hash of all that its array is made of, so that a stale one is
never read.  Must not know what the arrays mean.
"""

import contextlib
import hashlib
import math
import os
import tokenize
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_engine.errors import ProjectError, PublicServerError, disk_said

Array: TypeAlias = npt.NDArray[Any]
New: TypeAlias = Callable[[tuple[int, ...]], Array]
Room: TypeAlias = Callable[[int], None]  # raises where there is none for so many bytes

_AT_ONCE_BYTES = 1 << 26


@dataclass(frozen=True)
class Sort:
    """Files of one sort: how their names end, the kind of number, how many are kept.

    Those that were used last are kept.
    """

    suffix: str
    dtype: type
    n_kept: int


def open_mapped(
    folder: Path,
    sort: Sort,
    made_of: Sequence[str],
    fits: Callable[[Array], bool],
    write: Callable[[New], None],
    room: Room = lambda n_bytes: None,
) -> Array:
    """Map an array, making its file first where there is none that is whole.

    Parameters
    ----------
    folder : made where it is missing, but not the project's around it
    made_of : all that the array depends on
    fits : whether what a file holds is of the right shape
    write : fills the array that it asks for, once, by its shape
    room : asked before; arrays that can be made again go where it says that there is none

    Returns
    -------
    read-only ndarray

    Raises
    ------
    ProjectError, PublicServerError : no room on the disk, or the project is gone
    """
    path = _path(folder, sort, made_of)
    found = _map(path, sort, fits)
    if found is None:
        partial = path.with_name(f"{path.name}.part")
        try:
            folder.mkdir(exist_ok=True)
            _make_room(folder, sort)

            def new(shape: tuple[int, ...]) -> Array:
                _ask_for_room(folder, np.dtype(sort.dtype).itemsize * math.prod(shape), room)
                return _new(partial, sort, shape)

            write(new)
            with partial.open("r+b") as file:
                os.fsync(file.fileno())  # whole before it has its name
            os.replace(partial, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise ProjectError(
                f"A file of the project could not be written: {disk_said(error)}.",
                "See to the free space and the permissions of the projects' folder.",
            ) from error
        found = _map(path, sort, fits)
    assert found is not None, "a file that was just written can be read"
    with contextlib.suppress(OSError):
        os.utime(path)
    return found


def is_mapped(folder: Path, sort: Sort, made_of: Sequence[str]) -> bool:
    """Is there such a file already?  Whether it is sound is seen when it is opened."""
    return _path(folder, sort, made_of).is_file()


def find_mapped(
    folder: Path, sort: Sort, made_of: Sequence[str], fits: Callable[[Array], bool]
) -> Array | None:
    """Map an array whose file is there and whole; it counts as used."""
    path = _path(folder, sort, made_of)
    found = _map(path, sort, fits)
    if found is not None:
        with contextlib.suppress(OSError):
            os.utime(path)
    return found


def _path(folder: Path, sort: Sort, made_of: Sequence[str]) -> Path:
    digest = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:24]
    return folder / f"{digest}{sort.suffix}"


def _new(path: Path, sort: Sort, shape: tuple[int, ...]) -> Array:
    """An array to write into, with all its room taken on the disk.

    A mapped file with holes ends the process where the disk is full: no error can be raised.
    """
    array = np.lib.format.open_memmap(path, mode="w+", dtype=sort.dtype, shape=shape)
    size = path.stat().st_size
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.seek(size - array.nbytes)
            for start in range(0, array.nbytes, _AT_ONCE_BYTES):
                file.write(bytes(min(_AT_ONCE_BYTES, array.nbytes - start)))
    return array


def _ask_for_room(folder: Path, n_bytes: int, room: Room) -> None:
    """Ask, giving up what was used longest ago until there is room or nothing is left to give."""
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
    while True:
        try:
            room(n_bytes)
            break
        except PublicServerError:
            if not files:
                raise
            with contextlib.suppress(OSError):
                files.pop(0).unlink()


def _make_room(folder: Path, sort: Sort) -> None:
    """Remove what a killed process left, and what was used longest ago."""
    # A project is open in one process at a time: what is half written here was left by a dead one,
    # and what ends in .npy by an earlier version.
    for left_behind in (*folder.glob("*.part"), *folder.glob("*.npy")):
        left_behind.unlink()
    files = sorted(folder.glob(f"*{sort.suffix}"), key=lambda file: file.stat().st_mtime)
    for file in files[: 1 - sort.n_kept] if sort.n_kept > 1 else files:
        # Where a file that is mapped cannot be removed, it goes another time.
        with contextlib.suppress(OSError):
            file.unlink()


def _map(path: Path, sort: Sort, fits: Callable[[Array], bool]) -> Array | None:
    """Map a file, or None where it is absent, cut short, or of another shape or kind."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        return array if array.dtype == sort.dtype and fits(array) else None
    except (OSError, ValueError, EOFError, tokenize.TokenError):
        # What NumPy makes of a torn header depends on where it is torn.
        return None
