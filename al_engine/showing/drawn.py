"""What was drawn of a project and may be wanted again: pictures, and the arrays behind them.

Owns how much is kept, and that each is made once whoever asks.  Must not know what is drawn.
"""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from al_engine.projects.project import Project

Floats = npt.NDArray[np.float32]
Made = TypeVar("Made")

KEPT = 64  # pictures of a project, and as many small facts
ARRAYS_KEPT = 12  # with a byte for each object, or four


class Drawn:
    """The last pictures and what they were made of, under names that say all they depend on."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.n_put_away = 0
        self.making: dict[Hashable, threading.RLock] = {}
        self.pictures: OrderedDict[Hashable, bytes] = OrderedDict()
        self.facts: OrderedDict[Hashable, Any] = OrderedDict()
        self.arrays: OrderedDict[Hashable, npt.NDArray[Any]] = OrderedDict()
        self.places: OrderedDict[Hashable, tuple[Floats, Floats]] = OrderedDict()

    def put_away(self) -> None:
        """Give back the memory."""
        with self.lock:
            self.n_put_away += 1
            self.making.clear()
            for held in (self.pictures, self.facts, self.arrays, self.places):
                held.clear()

    def once(
        self,
        kept: OrderedDict[Hashable, Made],
        most: int,
        key: Hashable,
        make: Callable[[], Made],
    ) -> Made:
        """What is kept under a key, made once where it is not; the last used are kept."""
        with self.lock:
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
            n_put_away = self.n_put_away
            making = self.making.setdefault(key, threading.RLock())
        with making:  # who wants another thing does not wait for this one
            made = kept.get(key)
            if made is None:
                made = make()
            with self.lock:
                if self.n_put_away != n_put_away:
                    return made  # of what was there before: it serves who asked, and nobody else
                kept[key] = made
                kept.move_to_end(key)
                self.making.pop(key, None)
                while len(kept) > most:
                    kept.popitem(last=False)
        return made


_DRAWN: weakref.WeakKeyDictionary[Project, Drawn] = weakref.WeakKeyDictionary()


def drawn_of(project: Project) -> Drawn:
    """What all sessions on a project share: a page is drawn again and again, and in many tabs."""
    if project not in _DRAWN:
        project.at_forget(_DRAWN.setdefault(project, Drawn()).put_away)
    return _DRAWN[project]
