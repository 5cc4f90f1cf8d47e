"""Work that is done before it is asked for, on one thread below everyone else's priority.

Owns the thread, the order of work, and giving it up.  Knows nothing of rounds: work is a key and
a function, and belongs to an owner, who alone gets its results.  Whatever happens here, a result
that is not ready is made by whoever wants it: nothing ever depends on it.
"""

import contextlib
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

# Takes a function that says whether the work is still wanted; raises Overtaken where it is not.
Work: TypeAlias = Callable[[Callable[[], bool]], Any]

BEGIN_AFTER_S = 0.3  # at once it would compete with drawing what was just made
_NICENESS = 10
_LOOK_ROUND_S = 5.0  # for owners that are gone
_LOG = logging.getLogger(__name__)


class Overtaken(Exception):
    """Raised inside work that is no longer wanted, and seen by nobody."""


@dataclass
class _Task:
    key: Hashable
    work: Work
    begin_at: float
    rank: int
    stage: Literal["waiting", "running", "done", "failed"] = "waiting"
    is_wanted: bool = True
    result: Any = None


@dataclass
class Lookahead:
    """Work of any number of owners; the owner whose work was begun first goes first."""

    _tasks: dict[Hashable, list[_Task]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _n_pauses: int = 0
    _gone: deque[Hashable] = field(default_factory=deque)

    def begin(
        self,
        owner: Hashable,
        work: Sequence[tuple[Hashable, Work]],
        afterwards: Sequence[tuple[Hashable, Work]] = (),
        after_s: float = BEGIN_AFTER_S,
    ) -> None:
        """Do this for an owner, in this order, in place of what was begun for the owner before.

        What is to be done ``afterwards`` comes after the work of all owners.  The same keys again
        change nothing: a page is drawn many times for one question.
        """
        with self._changed:
            self._forget_gone()
            held = self._tasks.get(owner, [])
            if held and [t.key for t in held] == [key for key, _ in (*work, *afterwards)]:
                return
            self._give_up(owner)
            begin_at = time.monotonic() + after_s
            self._tasks[owner] = [
                _Task(key, function, begin_at, rank)
                for rank, pieces in enumerate((work, afterwards))
                for key, function in pieces
            ]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="look-ahead")
                self._thread.start()
            self._changed.notify_all()

    def go_on(
        self,
        owner: Hashable,
        is_wanted: Callable[[], bool],
        work: Sequence[tuple[Hashable, Work]],
        afterwards: Sequence[tuple[Hashable, Work]] = (),
    ) -> None:
        """Put work in place of that which found out what is to be done, if it is still wanted."""
        with self._changed:
            if is_wanted():
                self.begin(owner, work, afterwards, after_s=0.0)

    def take(self, owner: Hashable, key: Hashable) -> Any:
        """What the owner's work under a key gave, or None where it was not even begun.

        Work under way is waited for.  The owner's other work is given up: it was for other answers.
        """
        with self._changed:
            found = next((t for t in self._tasks.get(owner, []) if t.key == key), None)
            if found is not None and found.stage == "waiting":
                found = None
            self._give_up(owner, keep=found)
            if found is None:
                return None
            self._changed.wait_for(lambda: found.stage in ("done", "failed"))
            return found.result

    def drop(self, owner: Hashable) -> None:
        """Forget an owner: what was done, and what is still to be done."""
        with self._changed:
            self._forget_gone()
            self._give_up(owner)

    def drop_soon(self, owners: Collection[Hashable]) -> None:
        """Forget owners that are gone; takes no lock, so that a finaliser may call it anywhere."""
        self._gone.extend(owners)

    def _forget_gone(self) -> None:
        while self._gone:
            self._give_up(self._gone.popleft())

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Begin no further work meanwhile."""
        with self._changed:
            self._n_pauses += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_pauses -= 1
                self._changed.notify_all()

    def wait(self, owner: Hashable) -> None:
        """Wait until nothing is left to do for an owner."""
        with self._changed:
            self._changed.wait_for(
                lambda: all(t.stage in ("done", "failed") for t in self._tasks.get(owner, []))
            )

    def _give_up(self, owner: Hashable, keep: _Task | None = None) -> None:
        for task in self._tasks.pop(owner, []):
            task.is_wanted = task is keep
        self._changed.notify_all()

    def _next(self) -> _Task | None:
        """The next task whose time has come; waits for one, but not for ever."""
        self._forget_gone()
        tasks = [task for owned in list(self._tasks.values()) for task in owned]
        waiting = [task for task in tasks if task.stage == "waiting"]
        if not waiting or self._n_pauses:
            self._changed.wait(_LOOK_ROUND_S)
            return None
        early_s = min(task.begin_at for task in waiting) - time.monotonic()
        if early_s > 0:
            self._changed.wait(early_s)
            return None
        due = [task for task in waiting if task.begin_at <= time.monotonic()]
        return min(due, key=lambda task: task.rank)  # of equals the first

    def _run(self) -> None:
        give_way()
        while True:
            with self._changed:
                task = self._next()
                if task is None:
                    continue
                task.stage = "running"
            result, stage = None, "failed"
            try:
                result = task.work(lambda task=task: task.is_wanted)  # type: ignore[misc]
                stage = "done"
            except Overtaken:
                pass  # nobody wants it any more
            except Exception:
                # Where it is wanted it fails again, and is told there.  Where it does not, the
                # look-ahead is at fault, and nothing but the log would ever say so.
                _LOG.warning("Work done ahead failed.", exc_info=True)
            with self._changed:
                task.result, task.stage = result, stage  # type: ignore[assignment]
                self._changed.notify_all()
            del task, result


def give_way() -> None:
    """Put the calling thread below all others, where the system can do that for one thread."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


LOOKAHEAD = Lookahead()


def is_on() -> bool:
    """Whether anything is done ahead; SEXTANT_LOOKAHEAD=0 switches it off."""
    return os.environ.get("SEXTANT_LOOKAHEAD", "1") != "0"
