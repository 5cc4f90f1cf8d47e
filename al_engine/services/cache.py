"""Pictures on disk: a folder of bounded size, from which the one looked at longest ago goes first.

Owns the files and their count, and for a while, in memory, the sentences why there are none.
Whatever the disk does, nothing is raised: what is not kept is fetched again.  Where disk is lent,
pictures take what is left.  Must not know what a picture shows or where it came from.
"""

import contextlib
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from al_engine.errors import ProjectError
from al_engine.files import left_behind, whole_file
from al_engine.public import PICTURE, has_room, is_public

MOST_MB = "SEXTANT_PICTURES_MB"
_USUAL_MB, _LENT_MB = 500, 40  # for each project; on a public server
_BLOCK = 4096  # what a file takes at least
_LOOK_AGAIN_S = 60.0  # at what others have written: each look is at every file
_SENTENCES_KEPT = 10_000


@dataclass(frozen=True)
class Kept:
    """What is known of a picture: its bytes, or why there is none."""

    picture: bytes = b""
    sentence: str = ""


def most_bytes() -> int:
    """How much disk the pictures of one project may take."""
    text = os.environ.get(MOST_MB, "").strip()
    usual = _LENT_MB if is_public() else _USUAL_MB
    return 1_000_000 * (int(text[:9]) if text.isascii() and text.isdecimal() else usual)


class PictureCache:
    """The pictures of one project; any number of threads may ask and keep.

    The folder above ``folder``, the project's, must be there: of a deleted one none is made anew.
    """

    def __init__(self, folder: Path, most: int | None = None) -> None:
        self._folder = folder
        self._most = most_bytes() if most is None else most
        self._lock = threading.RLock()
        self._sizes: OrderedDict[str, int] | None = None  # by name, looked at longest ago first
        self._n_bytes = 0
        self._has_room, self._look_again_at = True, 0.0
        self._none: OrderedDict[str, tuple[float, str]] = OrderedDict()  # until when, and why

    @property
    def n_bytes(self) -> int:
        """What all files take on the disk."""
        with self._lock:
            self._look()
            return self._n_bytes

    def get(self, key: str) -> Kept | None:
        """What is known of the picture with this key, or None."""
        name = f"{key}{PICTURE}"
        with self._lock:
            until, sentence = self._none.get(key, (0.0, ""))
            if until > time.monotonic():
                return Kept(sentence=sentence)
            self._none.pop(key, None)
            if name not in self._look():
                return None
            path = self._folder / name
            try:
                picture = path.read_bytes()
                os.utime(path)
            except OSError:
                self._forget(name)
                return None
            self._look().move_to_end(name)
            return Kept(picture)

    def keep(self, key: str, picture: bytes) -> None:
        """Keep a picture, in place of the sentence there may be."""
        is_there_room = self._is_there_room()  # a look that nobody who draws a page waits for
        with self._lock:
            self._none.pop(key, None)
            if is_there_room:
                self._write(f"{key}{PICTURE}", picture)

    def keep_none(self, key: str, sentence: str, seconds: float) -> None:
        """Know for some time that there is no picture, and why."""
        with self._lock:
            self._none[key] = (time.monotonic() + seconds, sentence)
            self._none.move_to_end(key)
            if len(self._none) > _SENTENCES_KEPT:
                self._none.popitem(last=False)

    def forget(self, key: str) -> None:
        """Know nothing of a picture any more."""
        with self._lock:
            self._none.pop(key, None)
            self._remove(f"{key}{PICTURE}")

    def _look(self) -> OrderedDict[str, int]:
        """The files there are, looked for once."""
        if self._sizes is not None:
            return self._sizes
        found: list[tuple[float, str, int]] = []
        with contextlib.suppress(OSError):
            for path in left_behind(self._folder):
                path.unlink()
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(PICTURE) and entry.is_file(follow_symlinks=False):
                    facts = entry.stat()
                    found.append((facts.st_mtime, entry.name, _on_disk(facts.st_size)))
        self._sizes = OrderedDict((name, size) for _, name, size in sorted(found))
        self._n_bytes = sum(self._sizes.values())
        return self._sizes

    def _write(self, name: str, content: bytes) -> None:
        sizes, size = self._look(), _on_disk(len(content))
        self._remove(name)
        if size > self._most:
            return
        while sizes and self._n_bytes + size > self._most:
            self._remove(next(iter(sizes)))
        # A full disk is no reason to show nothing.
        with contextlib.suppress(OSError, ProjectError):
            self._folder.mkdir(exist_ok=True)
            with whole_file(self._folder / name, is_reminder=True) as partial:
                partial.write_bytes(content)
            sizes[name] = size
            self._n_bytes += size

    def _is_there_room(self) -> bool:
        """Is there room beside other projects, on a server that lends it?"""
        if (now := time.monotonic()) >= self._look_again_at:
            self._has_room = has_room(self._folder.parent.parent)
            self._look_again_at = now + _LOOK_AGAIN_S
        return self._has_room

    def _remove(self, name: str) -> None:
        if self._look().get(name) is not None:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._n_bytes -= self._look().pop(name, 0)


def _on_disk(n_bytes: int) -> int:
    return -(-n_bytes // _BLOCK) * _BLOCK
