"""The folder of one simulation: what it is to do, what it is run on, and its finished rounds.

Owns the files and that they are whole: rounds are lines appended one by one, and one that a killed
process left torn counts for nothing.  Must not know projects or who runs it.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from al_engine.errors import AlEngineError, ProjectError, SettingsError, disk_said
from al_engine.files import whole_file
from al_engine.simulating.performing import Finished
from al_engine.simulating.running import Round
from al_engine.simulating.settings import SimulationPlan
from al_engine.simulating.tally import Tally

PLAN, ROUNDS, RESULT, FAILED, TIMES, LOCK, LOG = (
    "plan.json",
    "rounds.jsonl",
    "result.json",
    "failed.json",
    "times.json",
    "lock",
    "log.txt",
)
_SYNC_EVERY_S = 1.0


# -- what it is to do --------------------------------------------------------------------------


def write_plan(folder: Path, name: str, made: str, plan: SimulationPlan) -> None:
    """Write the plan with the simulation's name and the time it was made."""
    _write(folder / PLAN, {"name": name, "made": made, "plan": plan.to_dict()})


def read_plan(folder: Path) -> tuple[str, str, SimulationPlan]:
    """Name, time and plan; ProjectError where they are lost."""
    try:
        found = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        return str(found["name"]), str(found["made"]), SimulationPlan.from_dict(found["plan"])
    except (OSError, ValueError, KeyError, TypeError, SettingsError) as error:
        raise ProjectError("The plan of the simulation is damaged.", "Delete it.") from error


# -- finished rounds ---------------------------------------------------------------------------


def read_rounds(folder: Path) -> list[Finished]:
    """The rounds that are finished, in order; a torn last line is none."""
    return [_read_line(line) for line in _whole_lines(folder)]


def count_rounds(folder: Path) -> int:
    return len(_whole_lines(folder))


def _whole_lines(folder: Path) -> list[bytes]:
    try:
        written = (folder / ROUNDS).read_bytes()
    except FileNotFoundError:
        return []
    return written[: written.rfind(b"\n") + 1].splitlines()


def _read_line(line: bytes) -> Finished:
    try:
        found = json.loads(line)
        made = found["round"]
        validated = made["validated"]
        return Finished(
            found["model"],
            found["strategy"],
            found["seed"],
            Round(
                made["number"],
                made["n_labelled"],
                tuple(made["queried"]),
                _tally(made["tested"]),
                None if validated is None else _tally(validated),
                made["is_last"],
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ProjectError("The rounds of the simulation are damaged.", "Delete it.") from error


def _tally(found: Mapping[str, Any]) -> Tally:
    return Tally(tuple((int(a), int(b), int(n)) for a, b, n in found["cells"]))


@contextmanager
def appending(folder: Path) -> Iterator[Callable[[Finished], None]]:
    """A function that appends a round; what a killed process left torn goes before.

    Every round is written at once, and given to the disk for good at most once a second.
    """
    path = folder / ROUNDS
    kept = sum(len(line) + 1 for line in _whole_lines(folder))
    try:
        with path.open("ab") as file:
            file.truncate(kept)
            synced = time.monotonic()

            def append(finished: Finished) -> None:
                nonlocal synced
                line = json.dumps(asdict(finished), separators=(",", ":"), allow_nan=False)
                file.write(line.encode() + b"\n")
                file.flush()
                if time.monotonic() - synced > _SYNC_EVERY_S:
                    os.fsync(file.fileno())
                    synced = time.monotonic()

            yield append
            os.fsync(file.fileno())
    except OSError as error:
        raise ProjectError(
            f"The rounds of the simulation could not be written: {disk_said(error)}.",
            "See to the free space and the permissions of the project's folder.",
        ) from error


# -- how it went -------------------------------------------------------------------------------


def write_failure(folder: Path, error: AlEngineError) -> None:
    _write(folder / FAILED, {"message": error.message, "hint": error.hint})


def read_failure(folder: Path) -> str:
    """Why it came to an end before its time, as a sentence; "" where it did not."""
    found = _read(folder / FAILED)
    return f"{found.get('message', '')} {found.get('hint', '')}".strip()


def write_seconds(folder: Path, seconds: float) -> None:
    """Note how long it has computed so far, at most a reminder."""
    with contextlib.suppress(ProjectError), whole_file(folder / TIMES, is_reminder=True) as file:
        file.write_text(json.dumps({"seconds": round(seconds, 1)}), encoding="utf-8")


def read_seconds(folder: Path) -> float:
    found = _read(folder / TIMES).get("seconds", 0.0)
    return float(found) if isinstance(found, int | float) else 0.0


def write_result(folder: Path, text: str) -> None:
    with whole_file(folder / RESULT) as file:
        file.write_text(text, encoding="utf-8")


def _write(path: Path, found: Mapping[str, Any]) -> None:
    with whole_file(path) as file:
        file.write_text(json.dumps(found), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# -- who runs it -------------------------------------------------------------------------------


@contextmanager
def lock(folder: Path, wait_s: float = 0.0) -> Iterator[bool]:
    """Hold a simulation's lock, if nobody else does; whether it is held.

    The system gives it back when a process ends, however it ends.  The file says which one had it.
    """
    until = time.monotonic() + wait_s
    with (folder / LOCK).open("a+", encoding="utf-8") as file:
        while not (is_held := _try_to_lock(file.fileno())) and time.monotonic() < until:
            time.sleep(0.05)
        yield is_held


def is_locked(folder: Path) -> bool:
    """Does a process run it?"""
    if not (folder / LOCK).is_file():
        return False
    with lock(folder) as is_free:
        return not is_free


def _try_to_lock(file: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
