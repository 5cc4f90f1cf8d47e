"""Work that a person waits for, in a thread beside the page that shows how far it is.

Owns the thread, progress, and the way of an error to whoever waits.  Must not know what work it
is.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from al_engine.errors import AlEngineError

Made = TypeVar("Made")
Progress: TypeAlias = Callable[[int, int | None], None]
Cancelled: TypeAlias = Callable[[], bool]
Work: TypeAlias = Callable[[Progress, Cancelled], Made]


class Job(Generic[Made]):
    """Work that makes something, begun at once.

    ``n_done`` of ``of`` are done, in whatever the work counts; ``of`` is None where nobody knows.

    Parameters
    ----------
    work : takes a function to call with progress and one that says whether to stop, upon which it
        raises WorkCancelled; gives what was made
    """

    def __init__(self, work: Work[Made]) -> None:
        self.n_done = 0
        self.of: int | None = None
        self._made: list[Made] = []
        self._failure: BaseException | None = None
        self._stop = threading.Event()
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
        """What was made, once it is done; raises what went wrong."""
        if self._failure is not None:
            raise self._failure
        return self._made[0]

    def _run(self, work: Work[Made]) -> None:
        try:
            self._made.append(work(self._note, self._stop.is_set))
        except AlEngineError as error:
            self._failure = error.with_traceback(None)  # which would keep all that it was made of
        except BaseException as fault:
            # A thread's exception would vanish; the page that waits raises it instead.
            self._failure = fault

    def _note(self, n_done: int, of: int | None) -> None:
        self.n_done, self.of = n_done, of
