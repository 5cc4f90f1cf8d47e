"""The log of everything a person did: appended, never overwritten.

Owns ``answers.duckdb``: events, and the scores that each round was given.  What the events amount
to is for ``history``; must not know learners or pictures.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import pyarrow as pa

from al_engine.data.schema import ANSWER_STEPS, connect
from al_engine.errors import ProjectError

CURATED = "curated"  # the part of events about the curated test set
SUREST = 3

EventKind = Literal[
    "settings", "given", "answer", "unsure", "later", "settled", "undo", "note", "confirmed"
]
BY_HAND = ("answer", "unsure", "later")


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    ``given`` is a label taken from the catalogue to start with; ``answer`` is a person's;
    ``settled`` is the label that counts where several people differed; ``note`` is what a person
    wrote down about an object, in its ``payload``, and is of no classifier; ``confirmed`` says that
    they looked at a label again and found it right, which changes nothing that is learned.
    ``row_number`` is the object's row in the catalogue, ``object_id`` its id as text.  ``how``
    says how the object came up (query, random, click, initial, again, selection), ``part`` which
    set it was in (train, validation, test), ``probability`` is that of the classifier's own label
    at the time (over all labels, of the likeliest), ``confidence`` is how sure the person said to
    be of an answer, from 1 to SUREST, ``undoes`` the ``seq`` of the event taken back;
    ``happened_at`` is UTC.

    Events about the curated test set have the part CURATED and no classifier; their ``how`` is
    criteria, audit, chosen or file, and their ``payload`` says from what was drawn.
    """

    kind: EventKind
    who: str = ""
    classifier: str | None = None
    row_number: int | None = None
    object_id: str | None = None
    label: str | None = None
    how: str | None = None
    part: str | None = None
    strategy: str | None = None
    round_number: int | None = None
    probability: float | None = None
    seconds: float | None = None
    undoes: int | None = None
    payload: Mapping[str, Any] | None = None
    seq: int = 0
    happened_at: datetime = datetime.min
    confidence: int | None = None


@dataclass(frozen=True)
class KeptRound:
    """The scores of one round as the log keeps them, under the round's key."""

    classifier: str
    key: str
    happened_at: datetime
    n_labelled: int
    scores: Mapping[str, Any]


_NAMES = ("seq", *(f.name for f in fields(Event) if f.name != "seq"))
MANY = 50  # rows, from which on they are written as one table


class AnswerLog:
    """The open log of one project.

    Every method may be called from any thread; ``lock`` makes a look at the log and the event
    that follows from it one step.
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, ANSWER_STEPS)
        self.lock = threading.RLock()
        self._rounds_cursor, self._rounds_lock = self._connection.cursor(), threading.Lock()
        self._is_closed = False
        self._events = [
            _event(dict(zip(_NAMES, row, strict=True)))
            for row in self._connection.execute(
                f"SELECT {', '.join(_NAMES)} FROM event ORDER BY seq"
            ).fetchall()
        ]
        self._rounds: dict[str, dict[str, dict[str, Any]]] = {}
        for classifier, key, scores in self._connection.execute(
            "SELECT classifier, key, scores FROM scored_round"
        ).fetchall():
            self._rounds.setdefault(classifier, {})[key] = json.loads(scores)

    def close(self) -> None:
        with self._rounds_lock, self.lock:
            self._is_closed = True
            self._rounds_cursor.close()
            self._connection.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ProjectError("The project was closed or deleted.", "Choose one on the Home page.")

    @property
    def n_events(self) -> int:
        return len(self._events)

    @property
    def last_seq(self) -> int:
        """The number of the last event; 0 where there is none."""
        with self.lock:
            return self._events[-1].seq if self._events else 0

    def events(self, classifier: str | None = None) -> list[Event]:
        """All events in order, or those of one classifier."""
        with self.lock:
            if classifier is None:
                return list(self._events)
            return [event for event in self._events if event.classifier == classifier]

    def curated_events(self) -> list[Event]:
        """All events about the curated test set, in order."""
        with self.lock:
            return [event for event in self._events if event.part == CURATED]

    def append(self, *events: Event) -> list[Event]:
        """Write events; they are on disk when this returns, all of them or none.

        One that says when it happened keeps that; the others happen now.
        """
        with self.lock:
            self._check_open()
            first = self.last_seq + 1
            now = _now()
            written = [
                replace(
                    event,
                    seq=first + i,
                    happened_at=event.happened_at if event.happened_at > datetime.min else now,
                )
                for i, event in enumerate(events)
            ]
            self._write(written, ())
            return written

    def restore(self, events: Sequence[Event], rounds: Sequence[KeptRound]) -> None:
        """Fill an empty log with what another held: all of it, as it was, or none."""
        with self.lock:
            self._check_open()
            assert not self._events, "only an empty log is filled"
            self._write(events, rounds)
            for kept in rounds:
                self._rounds.setdefault(kept.classifier, {})[kept.key] = dict(kept.scores)

    def _write(self, events: Sequence[Event], rounds: Sequence[KeptRound]) -> None:
        last = {(kept.classifier, kept.key): kept for kept in rounds}
        self._connection.begin()
        try:
            self._insert("event", _EVENT_TYPES, [[_cell(e, n) for n in _NAMES] for e in events])
            self._insert("scored_round", _ROUND_TYPES, list(map(_round_cells, last.values())))
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        self._events.extend(events)

    def _insert(self, table: str, types: pa.Schema, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a table: many as one, for each alone takes milliseconds."""
        into = f"INSERT INTO {table} ({', '.join(types.names)})"
        if len(rows) < MANY:
            for row in rows:
                self._connection.execute(f"{into} VALUES ({', '.join('?' * len(row))})", row)
            return
        columns = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(types.types)]
        self._connection.register("many_rows", pa.Table.from_arrays(columns, schema=types))
        try:
            self._connection.execute(f"{into} SELECT * FROM many_rows")
        finally:
            self._connection.unregister("many_rows")

    # -- scores of rounds: a record of what was measured, found again by what it was measured on

    def save_round(
        self, classifier: str, key: str, n_labelled: int, scores: Mapping[str, Any]
    ) -> None:
        """Write the scores of a round to disk; nobody who looks at the log waits for that.

        Those that ``note_round`` made known stay so: newer ones may be known by now.
        """
        with self._rounds_lock:
            self._check_open()
            kept = KeptRound(classifier, key, _now(), n_labelled, scores)
            self._rounds_cursor.execute(_INSERT_ROUND, _round_cells(kept))

    def note_round(self, classifier: str, key: str, scores: Mapping[str, Any]) -> None:
        """Know the scores of a round from now on; ``save_round`` is what writes them."""
        with self.lock:
            self._rounds.setdefault(classifier, {})[key] = dict(scores)

    def forget_round(self, classifier: str, key: str) -> None:
        """Know no scores of a round any more."""
        with self.lock:
            self._rounds.get(classifier, {}).pop(key, None)

    def rounds(self, classifier: str) -> dict[str, dict[str, Any]]:
        """Scores by the key of the round."""
        with self.lock:
            return dict(self._rounds.get(classifier, {}))

    def kept_rounds(self) -> list[KeptRound]:
        """Every round whose scores are on disk, in the order in which they were kept."""
        with self._rounds_lock:
            self._check_open()
            found = self._rounds_cursor.execute(
                "SELECT classifier, key, happened_at, n_labelled, scores FROM scored_round "
                "ORDER BY happened_at, classifier, key"
            ).fetchall()
        return [
            KeptRound(classifier, key, happened_at, n_labelled, json.loads(scores))
            for classifier, key, happened_at, n_labelled, scores in found
        ]


_INSERT_ROUND = "INSERT OR REPLACE INTO scored_round VALUES (?, ?, ?, ?, ?)"


def _arrow_type(annotated: Any) -> pa.DataType:
    kinds = {int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us")}
    named = [kinds[kind] for kind in (annotated, *get_args(annotated)) if kind in kinds]
    return named[0] if named else pa.string()


_EVENT_TYPES = pa.schema([(n, _arrow_type(get_type_hints(Event)[n])) for n in _NAMES])
_ROUND_TYPES = pa.schema([(f.name, _arrow_type(f.type)) for f in fields(KeptRound)])


def _round_cells(kept: KeptRound) -> list[Any]:
    scores = json.dumps(kept.scores)
    return [kept.classifier, kept.key, kept.happened_at, kept.n_labelled, scores]


def _now() -> datetime:
    """UTC, without a zone: DuckDB needs another package to hand zones back."""
    return datetime.now(UTC).replace(tzinfo=None)


def _cell(event: Event, name: str) -> Any:
    value = getattr(event, name)
    return json.dumps(value) if name == "payload" and value is not None else value


def _event(row: dict[str, Any]) -> Event:
    if row["payload"] is not None:
        row["payload"] = json.loads(row["payload"])
    return Event(**row)
