"""What people noted about objects: a text and tags, each person's own.

Owns what note events amount to, and what may stand in one.  Takes events; must not know DuckDB or
who may see which.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from al_engine.data.labels import Event

MAX_TEXT, MAX_TAGS, MAX_TAG = 2000, 20, 40
TEXT, TAGS = "text", "tags"


@dataclass(frozen=True)
class Note:
    """What one person noted about one object last; ``seq`` is its event."""

    text: str = ""
    tags: tuple[str, ...] = ()
    who: str = ""
    happened_at: datetime = datetime.min
    seq: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.tags)


def notes_in_force(events: Iterable[Event]) -> dict[tuple[int, str], Note]:
    """By row and person the note that stands, empty ones included: what was undone never was."""
    events = list(events)
    undone = {event.undoes for event in events if event.kind == "undo"}
    return {
        (event.row_number, event.who): _note(event)
        for event in events
        if event.kind == "note" and event.row_number is not None and event.seq not in undone
    }


def _note(event: Event) -> Note:
    said = event.payload or {}
    return Note(
        said.get(TEXT, ""), tuple(said.get(TAGS, ())), event.who, event.happened_at, event.seq
    )


def note_fault(event: Event) -> tuple[str, str] | None:
    """The field of a note that cannot be so, and what it must be; or None.

    Whoever reads events of elsewhere asks: what folds them takes them as they are.
    """
    said = event.payload or {}
    text, tags = said.get(TEXT, ""), said.get(TAGS, [])
    if event.classifier is not None or event.label is not None or event.part is not None:
        return "classifier", "a note is about an object, and about no label of it"
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        return "payload", f"its '{TEXT}' must be a text of up to {MAX_TEXT:,} letters"
    if (
        not isinstance(tags, list | tuple)
        or len(tags) > MAX_TAGS
        or not all(isinstance(tag, str) and 0 < len(tag.strip()) <= MAX_TAG for tag in tags)
    ):
        return "payload", f"its '{TAGS}' must be up to {MAX_TAGS} texts of up to {MAX_TAG} letters"
    return None
