"""The simulations of a project as lines of its file: what they were to do, and finished rounds.

Owns which of their files go along, the names of these, and how much a stranger's lines may hold.
What a plan or a round means is checked by those who read the folder; must not know it.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from al_engine.data.readers.source import refusal
from al_engine.exchange.said import Said
from al_engine.exchange.whole import ROWS_A_LINE

FOLDER = "simulations"
PLAN, ABOUT, ROWS, ROUNDS, FINISHED = (
    "plan.json",
    "about.json",
    "rows.npy",
    "rounds.jsonl",
    "finished.json",
)
MOST_KEPT = 100
_YEARS = range(2000, 3000)  # at the ends of what there is a moment is in no other time zone
_KEY = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


def simulation_lines(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The simulations in a project's folder: a head each, then its rows, then its rounds.

    What a simulation is run on stays behind, and so does one that cannot be read.
    """
    for one in sorted(folder.glob("*/")):
        if _KEY.fullmatch(one.name) is None:
            continue
        try:
            head = {name: _read(one / name) for name in (PLAN, ABOUT)}
            head[FINISHED] = _read(one / FINISHED) if (one / FINISHED).is_file() else None
            rows = np.load(one / ROWS, allow_pickle=False).tolist()
        except (OSError, ValueError, EOFError):
            continue
        yield {"simulation": one.name, **head}
        for i in range(0, len(rows), ROWS_A_LINE):
            yield {"rows": rows[i : i + ROWS_A_LINE]}
        if (one / ROUNDS).is_file():
            yield from ({"round": found} for found in _rounds(one / ROUNDS))


def _rounds(path: Path) -> Iterator[Any]:
    """Those that are whole: one that is being written, or was left torn, has no end."""
    with path.open("rb") as file:
        for line in itertools.takewhile(lambda each: each.endswith(b"\n"), file):
            try:
                yield json.loads(line)
            except ValueError:
                return


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def unpack_simulations(lines: Iterator[Said], to: Path, n_rows: int) -> None:
    """Write the folders that some lines tell of into one that is not there yet.

    Raises
    ------
    UnreadableFileError : a line that says what it must not
    """
    first = next(lines, None)
    while first is not None:
        if len(list(to.iterdir()) if to.is_dir() else ()) >= MOST_KEPT:
            raise refusal(first.path, f"holds more than {MOST_KEPT} simulations")
        folder = to / _key(first)
        if folder.exists():
            raise first.wrong("simulation", "must stand there once")
        folder.mkdir(parents=True)
        _write_head(first, folder, n_rows)
        first = _unpack_one(lines, folder, n_rows)


def _key(head: Said) -> str:
    key = head.text("simulation")
    if _KEY.fullmatch(key) is None:
        raise head.wrong("simulation", "must be a time and six digits, as Sextant writes it")
    return key


def _write_head(head: Said, folder: Path, n_rows: int) -> None:
    plan = Said(head.path, f"{head.where}, {PLAN}", head.value(PLAN, dict))
    plan.text("name")
    plan.value("plan", dict)
    try:
        made = datetime.fromisoformat(plan.text("made"))
        if made.tzinfo is None or made.year not in _YEARS:
            raise ValueError
    except ValueError as error:
        raise plan.wrong("made", "must be a moment of our time with its time zone") from error
    about = Said(head.path, f"{head.where}, {ABOUT}", head.value(ABOUT, dict))
    about.texts("classes")
    told = Said(head.path, f"{about.where}, about", about.value("about", dict))
    if "n_objects" in told.found:
        told.number("n_objects", 0, n_rows)
    _write(folder / PLAN, plan.found)
    _write(folder / ABOUT, about.found)
    if (finished := head.value(FINISHED, dict | None)) is not None:
        _write(folder / FINISHED, finished)


def _write(path: Path, found: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(found), encoding="utf-8")


def _unpack_one(lines: Iterator[Said], folder: Path, n_rows: int) -> Said | None:
    """Write rows and rounds of one simulation; the head of the next, None where there is none."""
    rows: list[int] = []
    following = None
    with (folder / ROUNDS).open("x", encoding="utf-8") as file:
        for line in lines:
            if "simulation" in line.found:
                following = line
                break
            if "rows" in line.found:
                rows += _rows(line, rows, n_rows)
            else:
                file.write(json.dumps(line.value("round", dict), separators=(",", ":")) + "\n")
    np.save(folder / ROWS, np.array(rows, dtype=np.int64), allow_pickle=False)
    return following


def _rows(line: Said, before: list[int], n_rows: int) -> list[int]:
    listed = line.found["rows"]
    if (
        not isinstance(listed, list)
        or not 0 < len(listed) <= ROWS_A_LINE
        or not all(type(row) is int for row in listed)
    ):
        raise line.wrong("rows", f"must be a list of up to {ROWS_A_LINE:,} rows")
    grown = [*before[-1:], *listed]
    if grown[0] < 0 or grown[-1] >= n_rows or any(b <= a for a, b in itertools.pairwise(grown)):
        raise line.wrong("rows", f"must grow, and be of the {n_rows:,} there are")
    return listed
