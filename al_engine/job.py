"""Work that a page waits for: beside the page, with progress, and a way to stop it.

Owns the thread of one piece of work, and what came of it.  Knows nothing of what is done.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")
Progress = Callable[[int, int], None]
Work = Callable[[Progress, Callable[[], bool]], Made]


class Job(Generic[Made]):
    """``work(progress, cancelled)`` in a thread; ``n_done`` of ``of`` is how far it is."""

    def __init__(self, work: Work[Made]) -> None:
        self.n_done, self.of = 0, 0
        self._stop = threading.Event()
        self._made: list[Made] = []
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True, name="job")
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait a little; whether it is done."""
        self._thread.join(seconds)
        return self.is_done

    def cancel(self) -> None:
        self._stop.set()

    def result(self) -> Made:
        """What came of it, once done; raises what went wrong."""
        if self._failure is not None:
            raise self._failure
        return self._made[0]

    def _run(self, work: Work[Made]) -> None:
        try:
            self._made.append(work(self._note, self._stop.is_set))
        except BaseException as failure:
            # A thread's exception would vanish; the page that waits raises it instead.
            self._failure = failure

    def _note(self, n_done: int, of: int) -> None:
        self.n_done, self.of = n_done, of
