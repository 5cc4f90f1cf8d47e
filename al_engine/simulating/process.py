"""One simulation in a process of its own, below everyone else's priority.

``python -m al_engine.simulating.process FOLDER`` goes on with what stands in the folder, from its
last finished round.  It opens nothing else of the project, and ends with whoever began it.
"""

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

from al_engine.errors import AlEngineError, PublicServerError
from al_engine.extensions.loading import load_extensions
from al_engine.home import home_folder
from al_engine.public import most_simulation_s
from al_engine.simulating.folder import (
    appending,
    check_rounds,
    lock,
    read_plan,
    read_rounds,
    read_seconds,
    write_failure,
    write_finished,
    write_seconds,
)
from al_engine.simulating.material import drop_material, load_material
from al_engine.simulating.performing import perform, settled
from al_engine.simulating.summary import versions

ORPHANED, TAKEN = 3, 4
_NICENESS = 15  # below what is done ahead of a question
_LOCK_WAIT_S = 5.0  # whoever looks whether it runs holds the lock for a moment
_NOTE_EVERY_S = 1.0


def main(folder: Path) -> int:
    """Run to the end; what goes wrong stands in the folder as a sentence."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    load_extensions(home_folder())
    with lock(folder, _LOCK_WAIT_S) as is_held:
        if not is_held:
            return TAKEN
        try:
            _run(folder)
        except AlEngineError as error:
            write_failure(folder, error)
            return 2
        except Exception as fault:
            write_failure(
                folder,
                AlEngineError(
                    f"Something went wrong in the simulation: {type(fault).__name__}.",
                    "Its log says more.",
                ),
            )
            raise
    return 0


def _run(folder: Path) -> None:
    _, _, plan = read_plan(folder)
    plan, material = settled(plan, load_material(folder))
    done = read_rounds(folder)
    check_rounds(plan, material, done)
    n_rounds = len(done)
    before, began, noted = read_seconds(folder), time.monotonic(), 0.0
    most_s = most_simulation_s()
    with appending(folder) as append:
        for each in perform(plan, material, done):
            append(each)
            n_rounds += 1
            seconds = before + time.monotonic() - began
            if time.monotonic() - noted > _NOTE_EVERY_S:
                write_seconds(folder, seconds)
                noted = time.monotonic()
            if most_s is not None and seconds > most_s:
                raise PublicServerError(
                    f"This public server lends a simulation {most_s / 60:.0f} minutes.",
                    "What is finished is shown. Run Sextant on your own computer for more.",
                )
    write_seconds(folder, before + time.monotonic() - began)
    write_finished(folder, n_rounds, versions())
    drop_material(folder)


def _end_with_parent() -> None:
    """End where the other end of standard input is closed: whoever began this is gone."""
    if sys.stdin is None:
        return
    with contextlib.suppress(OSError, ValueError):
        while sys.stdin.buffer.read(1):
            pass
    # At once, in mid-round as well: what is half written is not there the next time.
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
