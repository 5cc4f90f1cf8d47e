"""The folder of one simulation: what it is to do, what it is run on, and its finished rounds.

Owns the files and that they are whole: rounds are lines appended one by one, and one that a killed
process left torn counts for nothing.  Must not know projects or who runs it.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from al_engine.errors import AlEngineError, ProjectError, SettingsError, disk_said
from al_engine.exchange.simulations import FINISHED, PLAN, ROUNDS
from al_engine.files import whole_file
from al_engine.simulating.material import Material
from al_engine.simulating.performing import Curve, Finished, curves_of
from al_engine.simulating.running import Round
from al_engine.simulating.settings import SimulationPlan
from al_engine.simulating.tally import Tally

FAILED, TIMES, LOCK, LOG = "failed.json", "times.json", "lock", "log.txt"
_SYNC_EVERY_S = 1.0


# -- what it is to do --------------------------------------------------------------------------


def write_plan(folder: Path, name: str, made: str, plan: SimulationPlan) -> None:
    """Write the plan with the simulation's name and the time it was made."""
    _write(folder / PLAN, {"name": name, "made": made, "plan": plan.to_dict()})


def read_plan(folder: Path) -> tuple[str, datetime, SimulationPlan]:
    """Name, time and plan; ProjectError where they are lost, or are of what is not here."""
    try:
        found = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        name, made = str(found["name"]), datetime.fromisoformat(found["made"])
        if made.tzinfo is None:
            raise ValueError("a time without its zone")
        return name, made, SimulationPlan.from_dict(found["plan"])
    except SettingsError as error:
        raise ProjectError(
            f"The simulation '{name[:80]}' cannot be shown: {error.message}",
            "Bring back what it was made with, or delete it.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectError(
            f"The plan of the simulation {folder.name} is damaged.", "Delete it."
        ) from error


# -- finished rounds ---------------------------------------------------------------------------


def read_rounds(folder: Path) -> list[Finished]:
    """The rounds that are finished, in order; a torn last line is none."""
    return read_on(folder, 0)[0]


def read_on(folder: Path, start: int) -> tuple[list[Finished], int]:
    """The rounds that stand behind so many bytes, and the bytes up to the end of the last."""
    lines = _whole_lines(folder, start)
    return [_read_line(line) for line in lines.splitlines()], start + len(lines)


def count_on(folder: Path, start: int) -> tuple[int, int]:
    """How many rounds stand behind so many bytes, and the bytes up to the end of the last."""
    lines = _whole_lines(folder, start)
    return lines.count(b"\n"), start + len(lines)


def _whole_lines(folder: Path, start: int) -> bytes:
    try:
        with (folder / ROUNDS).open("rb") as file:
            file.seek(start)
            written = file.read()
    except FileNotFoundError:
        return b""
    return written[: written.rfind(b"\n") + 1]


def _read_line(line: bytes) -> Finished:
    try:
        found = json.loads(line)
        made = found["round"]
        validated = made["validated"]
        return Finished(
            str(found["model"]),
            str(found["strategy"]),
            int(found["seed"]),
            Round(
                int(made["number"]),
                int(made["n_labelled"]),
                tuple(int(row) for row in made["queried"]),
                _tally(made["tested"]),
                None if validated is None else _tally(validated),
                bool(made["is_last"]),
            ),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _damaged() from error


def _tally(found: Mapping[str, Any]) -> Tally:
    return Tally(tuple((int(a), int(b), int(n)) for a, b, n in found["cells"]))


def _damaged() -> ProjectError:
    return ProjectError("The rounds of the simulation are damaged.", "Delete it.")


def check_rounds(
    plan: SimulationPlan,
    material: Material,
    rounds: Sequence[Finished],
    ends: dict[Curve, tuple[int, int]] | None = None,
) -> None:
    """Raise ProjectError where rounds are not those of a plan: a file may say anything.

    Parameters
    ----------
    plan, material : as ``performing.settled`` gives them
    ends : how many rounds of each curve come before these, and the labels of its last; is brought
        up to date
    """
    ends = {} if ends is None else ends
    planned, n_objects, n_classes = set(curves_of(plan)), len(material.rows), len(material.classes)
    for each in rounds:
        (n_before, n_labelled), found = ends.get(each.curve, (0, 0)), each.round
        cells = (*found.tested.cells, *(found.validated.cells if found.validated else ()))
        if (
            each.curve not in planned
            or found.number != n_before
            or not n_labelled < found.n_labelled <= n_objects
            or not all(0 <= row < n_objects for row in found.queried)
            or not all(0 <= a < n_classes and 0 <= b < n_classes for a, b, _ in cells)
            or not all(0 < n < 2**53 for _, _, n in cells)
        ):
            raise _damaged()
        ends[each.curve] = n_before + 1, found.n_labelled


@contextmanager
def appending(folder: Path) -> Iterator[Callable[[Finished], None]]:
    """A function that appends a round; what a killed process left torn goes before.

    Every round is written at once, and given to the disk for good at most once a second.
    """
    path = folder / ROUNDS
    kept = len(_whole_lines(folder, 0))
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
    return float(found) if isinstance(found, int | float) and 0 <= found < 1e9 else 0.0


def write_finished(folder: Path, n_rounds: int, versions: Mapping[str, str]) -> None:
    """Note that all of its rounds are there, and what computed them."""
    _write(folder / FINISHED, {"n_rounds": n_rounds, "versions": versions})


def read_versions(folder: Path) -> dict[str, str] | None:
    """What computed one that is finished; None of one that is not."""
    if not (folder / FINISHED).is_file():
        return None
    found = _read(folder / FINISHED).get("versions")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


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
    """Does a process run it?

    Whoever looks shares the lock with others who look, and so is not taken for one that runs it.
    """
    try:
        with (folder / LOCK).open("rb") as file:
            return not _try_to_lock(file.fileno(), is_shared=True)
    except FileNotFoundError:
        return False


def _try_to_lock(file: int, *, is_shared: bool = False) -> bool:
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
        fcntl.flock(file, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
