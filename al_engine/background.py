"""Work that must be done but need not be waited for, on one thread below everyone else's priority.

Owns the thread, which work is still due, and what went wrong with it: of two pieces under one name
the newer takes the other's place.  Knows nothing of models or files.  Whoever depends on the
outcome waits for it; whoever speaks to a person asks for failures.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from al_engine.errors import AlEngineError
from al_engine.lookahead import give_way

BEGIN_AFTER_S = 0.3  # at once it would compete with drawing what was just made
_LOG = logging.getLogger(__name__)


@dataclass
class _Due:
    begin_at: float
    work: Callable[[], object]


@dataclass
class Background:
    """Work of any number of owners, each piece under a name of its owner's."""

    _due: dict[tuple[Hashable, Hashable], _Due] = field(default_factory=dict)
    _running: Hashable | None = None
    _failed: dict[Hashable, AlEngineError] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None

    def do(
        self,
        owner: Hashable,
        name: Hashable,
        work: Callable[[], object],
        after_s: float = BEGIN_AFTER_S,
    ) -> None:
        """Do this soon, in place of what is still due under the same name."""
        with self._changed:
            begin_at = time.monotonic() + after_s
            former = self._due.get((owner, name))
            # Work that is replaced again and again is done at its first time nevertheless.
            begin_at = min(begin_at, former.begin_at) if former else begin_at
            self._due[owner, name] = _Due(begin_at, work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="background")
                self._thread.start()
                atexit.register(self.wait)
            self._changed.notify_all()

    def wait(self, owner: Hashable | None = None) -> None:
        """Have what is due for an owner, or for all, done now, and wait for it."""
        with self._changed:
            for (whose, _), due in self._due.items():
                if owner is None or whose == owner:
                    due.begin_at = 0.0
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._is_busy(owner))

    def drop(self, owner: Hashable) -> None:
        """Forget what is due for an owner, and wait for what is under way."""
        with self._changed:
            self._due = {key: due for key, due in self._due.items() if key[0] != owner}
            self._changed.wait_for(lambda: not self._is_busy(owner))
            self._failed.pop(owner, None)

    def failure(self, owner: Hashable) -> AlEngineError | None:
        """What went wrong with an owner's work since this was asked last; the last of several."""
        with self._changed:
            return self._failed.pop(owner, None)

    def _is_busy(self, owner: Hashable | None) -> bool:
        at_work = {whose for whose, _ in self._due} | {self._running} - {None}
        return bool(at_work) if owner is None else owner in at_work

    def _next(self) -> tuple[Hashable, Callable[[], object]] | None:
        """What is to be done now; waits for some, but not for ever."""
        if not self._due:
            self._changed.wait()
            return None
        key = min(self._due, key=lambda key: self._due[key].begin_at)
        early_s = self._due[key].begin_at - time.monotonic()
        if early_s > 0:
            self._changed.wait(early_s)
            return None
        return key[0], self._due.pop(key).work

    def _run(self) -> None:
        give_way()
        while True:
            with self._changed:
                found = self._next()
                if found is None:
                    continue
                self._running, work = found
            failed = None
            try:
                work()
            except AlEngineError as error:
                _LOG.warning("Work in the background failed.", exc_info=True)
                failed = error.with_traceback(None)  # which would keep all that it was made of
            except Exception as fault:  # a bug, but the thread has other people's work to do
                _LOG.exception("Work in the background failed.")
                failed = AlEngineError(
                    f"Something went wrong while saving: {type(fault).__name__}.",
                    "What was answered is safe. The server's log says more.",
                )
            del found, work  # nothing of it is held once it counts as done
            with self._changed:
                if failed is not None:
                    self._failed[self._running] = failed
                self._running = None
                self._changed.notify_all()
            del failed


BACKGROUND = Background()
