"""What was said of one object, by whom and when, as far as the person who looks may know.

Owns the words for it.  Must not know pages.
"""

from dataclasses import dataclass
from datetime import datetime

from al_engine.data.history import COUNTED
from al_engine.data.labels import CURATED, Event
from al_engine.session import LabellingSession


@dataclass(frozen=True)
class Told:
    """One answer about an object: who gave it, what it said, where, when (UTC), if it stands."""

    who: str
    what: str
    where: str
    when: datetime
    is_undone: bool
    confidence: int | None = None


def told_of(session: LabellingSession, row: int, *, is_kept_back: bool = False) -> tuple[Told, ...]:
    """Every answer about an object, the oldest first, those taken back included.

    Blind, and where others' answers are kept back, only one's own.
    """
    config = session.config
    only_own = is_kept_back or config.people.is_blind
    events = session.project.all_events()
    undone = {event.undoes for event in events if event.kind == "undo"}
    told = []
    for event in events:
        if event.row_number != row or event.kind not in COUNTED:
            continue
        if only_own and event.who != session.who and event.kind != "given":
            continue
        where = config.label_name(event.classifier or "")
        told.append(
            Told(
                "the catalogue" if event.kind == "given" else event.who,
                _what(session, event),
                "the test set" if event.part == CURATED else where,
                event.happened_at,
                event.seq in undone,
                event.confidence,
            )
        )
    return tuple(told)


def _what(session: LabellingSession, event: Event) -> str:
    label = None if event.label is None else session.config.label_name(event.label)
    if event.kind == "settled":
        return f"settled as {label}" if label else "settled as none"
    return label or {"unsure": "Unsure", "later": "Later"}.get(event.kind, event.kind)
