"""A ZIP file from a stranger: looked over before anything of it is used, and unpacked by counting.

Owns what names, kinds and sizes of members are let in.  Must not know what the members mean.
"""

import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from al_engine.data.readers.packed import too_much
from al_engine.data.readers.source import (
    DOWNLOAD_AGAIN,
    boundary,
    go_on,
    in_brief,
    refusal,
)
from al_engine.jobs import Cancelled

# A directory of all that a file holds is read into memory, at many times its size.
MAX_DIRECTORY_BYTES = 16_000_000
MAX_LINE_BYTES = 16_000_000
_AT_ONCE_BYTES = 1 << 20


class Archive:
    """An open ZIP file whose members have been looked over; made by ``open_archive``."""

    def __init__(self, path: Path, opened: zipfile.ZipFile, most_bytes: int) -> None:
        self.path = path
        self._opened, self._most_bytes = opened, most_bytes
        self.n_bytes = 0
        self.names = [info.filename for info in opened.infolist() if not info.is_dir()]

    def read(self, name: str) -> bytes:
        """A small member as a whole."""
        with self._opened.open(name) as member:
            return self._counted(name, member.read(MAX_LINE_BYTES + 1), MAX_LINE_BYTES)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member, one at a time."""
        with self._opened.open(name) as member:
            while line := member.readline(MAX_LINE_BYTES + 1):
                yield self._counted(name, line, MAX_LINE_BYTES)

    def extract(self, name: str, to: Path, cancelled: Cancelled) -> None:
        """Write a member to a file that must not be there yet."""
        with self._opened.open(name) as member, to.open("xb") as file:
            while piece := member.read(_AT_ONCE_BYTES):
                go_on(cancelled)
                file.write(self._counted(name, piece, len(piece)))

    def _counted(self, name: str, piece: bytes, most: int) -> bytes:
        """What was unpacked, as long as it is not too much: a directory may lie about sizes."""
        self.n_bytes += len(piece)
        if len(piece) > most:
            raise refusal(self.path, f"holds a '{name}' with too long a line", DOWNLOAD_AGAIN)
        if self.n_bytes > self._most_bytes:
            raise too_much(self.path, self._most_bytes)
        return piece


@contextmanager
def open_archive(
    path: Path, lets_in: Callable[[str], bool], most_bytes: int, most_members: int | None = None
) -> Iterator[Archive]:
    """Open a ZIP file of which nothing is used unless all of it may be.

    Parameters
    ----------
    lets_in : whether a member of that name belongs there
    most_bytes : how much all members together may unpack to
    most_members : how many there may be; None where only the directory's length counts

    Raises
    ------
    UnreadableFileError : damaged; or a member is named twice, encrypted, a link, none that is let
        in; or there is too much; raised for damage found inside the ``with`` as well
    """
    with zip_boundary(path):
        if _directory_bytes(path) > MAX_DIRECTORY_BYTES:
            raise refusal(path, "holds far more files than a project has", "Choose another file.")
        with zipfile.ZipFile(path) as opened:
            n_members = len(opened.infolist())
            if most_members is not None and n_members > most_members:
                raise refusal(
                    path,
                    f"holds {n_members:,} files, and {most_members:,} are taken here",
                    "Leave pictures out, or open it on your own computer.",
                )
            _look_over(path, opened.infolist(), lets_in, most_bytes)
            yield Archive(path, opened, most_bytes)


def is_archive_with(path: Path, name: str) -> bool:
    """Is it a ZIP file with a member of that name, or one whose first member is called so?"""
    try:
        with path.open("rb") as file:
            head = file.read(30 + len(name.encode()))
        if not head.startswith(b"PK\x03\x04"):
            return False
        # Seen in one that is cut short too, which has lost its directory.
        if head[30:] == name.encode():
            return True
        if _directory_bytes(path) > MAX_DIRECTORY_BYTES:
            return False
        with zipfile.ZipFile(path) as opened:
            return any(Path(each).name == name for each in opened.namelist())
    # Of a damaged directory zipfile raises more than its own: a name that is no text, a version
    # that it does not know, a field that is cut short.  None of these is an archive of ours.
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile, struct.error):
        return False


def _look_over(
    path: Path, members: list[zipfile.ZipInfo], lets_in: Callable[[str], bool], most_bytes: int
) -> None:
    seen: set[str] = set()
    for info in members:
        name = info.filename
        shown = f"'{in_brief(ascii(name)[1:-1], 80)}'"
        kind = info.external_attr >> 16
        if kind and stat.S_IFMT(kind) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise refusal(path, f"holds a link or a device, {shown}", "Choose another file.")
        # What unpacks to nothing and holds nothing: some programs write folders too.
        if info.is_dir() and not info.file_size and lets_in(f"{name}a.png"):
            continue
        if not lets_in(name):
            raise refusal(
                path,
                f"holds {shown}, which is no part of a project",
                "Choose a file that Sextant wrote, as it was written.",
            )
        if name in seen:
            raise refusal(path, f"holds {shown} twice", DOWNLOAD_AGAIN)
        if info.flag_bits & 1:
            raise refusal(path, f"is encrypted ({shown})", "Unpack it with its password first.")
        seen.add(name)
    for name in seen:
        for above in Path(name).parents:
            if above.as_posix() in seen:
                shown = f"'{in_brief(ascii(above.as_posix())[1:-1], 80)}'"
                raise refusal(path, f"holds {shown} as a file and as a folder", DOWNLOAD_AGAIN)
    if sum(info.file_size for info in members) > most_bytes:
        raise too_much(path, most_bytes)


@contextmanager
def zip_boundary(path: Path) -> Iterator[None]:
    """Turn whatever a ZIP file provokes into one sentence."""
    try:
        with boundary(path, "Sextant project"):
            yield
    except (zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise refusal(path, f"is damaged ({in_brief(str(error))})", DOWNLOAD_AGAIN) from error
    except RuntimeError as error:  # of the zipfile module, for members that want a password
        raise refusal(path, f"cannot be read ({in_brief(str(error))})", DOWNLOAD_AGAIN) from error


def _directory_bytes(path: Path) -> int:
    """The length of the directory at the end of a ZIP file, before anything reads it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        tail = _tail(file, size)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            raise zipfile.BadZipFile("its end is missing")
        (n_bytes,) = struct.unpack_from("<L", tail, at + 12)
        locator = tail.rfind(b"PK\x06\x07", 0, at)
        if locator < 0:
            return int(n_bytes)
        (place,) = struct.unpack_from("<Q", tail, locator + 8)
        if not 0 <= place < size:
            raise zipfile.BadZipFile("its end points nowhere")
        file.seek(place)
        record = file.read(56)
    if len(record) < 56 or not record.startswith(b"PK\x06\x06"):
        return int(n_bytes)
    return int(struct.unpack_from("<Q", record, 40)[0])


def _tail(file: IO[bytes], size: int) -> bytes:
    file.seek(max(0, size - 66_000), os.SEEK_SET)
    return file.read()
