"""Work that a person waits for, in a thread beside the page that shows how far it is.

Owns the thread, progress, and the way of an error to whoever waits.  Must not know what work it
is.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from al_engine.errors import AlEngineError

Progress: TypeAlias = Callable[[int, int | None], None]
Cancelled: TypeAlias = Callable[[], bool]


class Job:
    """Work that makes a file or folder, begun at once.

    ``n_rows`` of ``of`` rows are done (``of`` None where nobody knows); once ``is_done``, either
    ``folder`` or ``error`` is there, unless it was cancelled.

    Parameters
    ----------
    work : takes a function to call with progress and one that says whether to stop; gives a path
    """

    def __init__(self, work: Callable[[Progress, Cancelled], Path]) -> None:
        self.n_rows = 0
        self.of: int | None = None
        self.folder: Path | None = None
        self.error: AlEngineError | None = None
        self._fault: BaseException | None = None
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

    def result(self) -> Path:
        """What was made, once done; raises what went wrong."""
        if self.error is not None:
            raise self.error
        if self._fault is not None:
            raise self._fault
        assert self.folder is not None, "asked for before it was done"
        return self.folder

    def _run(self, work: Callable[[Progress, Cancelled], Path]) -> None:
        try:
            self.folder = work(self._note, self._stop.is_set)
        except AlEngineError as error:
            self.error = error
        except BaseException as fault:
            # A thread's exception would vanish; the page that waits raises it instead.
            self._fault = fault

    def _note(self, n_rows: int, of: int | None) -> None:
        self.n_rows, self.of = n_rows, of
