"""Notes and tags: what a person writes down about an object beside its label.

Owns who sees which, and the events that keep and undo them.  Must not know pages.
"""

from al_engine.data.labels import Event
from al_engine.data.notes import (
    MAX_TAG,
    MAX_TAGS,
    MAX_TEXT,
    TAGS,
    TEXT,
    Note,
    note_fault,
    notes_in_force,
)
from al_engine.errors import SettingsError
from al_engine.session import LabellingSession

__all__ = ["MAX_TAG", "MAX_TAGS", "MAX_TEXT", "Note"]


def note_of(session: LabellingSession, row: int) -> Note:
    """What this person noted about an object; an empty note where that is nothing."""
    return notes_in_force(_events(session)).get((row, session.who), Note())


def notes_shown(
    session: LabellingSession, row: int, *, is_kept_back: bool = False
) -> tuple[Note, ...]:
    """What is noted about an object, as far as this person may see it, the oldest first.

    Others' notes are kept back as their answers are: they may tell.
    """
    only_own = is_kept_back or session.config.people.is_blind
    found = (
        note
        for (at, who), note in notes_in_force(_events(session)).items()
        if at == row and not note.is_empty and (who == session.who or not only_own)
    )
    return tuple(sorted(found, key=lambda note: note.seq))


def tags_in_use(session: LabellingSession) -> list[str]:
    """Every tag that stands, as far as this person may see it, the most frequent first."""
    is_blind = session.config.people.is_blind
    counts: dict[str, int] = {}
    for (_, who), note in notes_in_force(_events(session)).items():
        for tag in note.tags if who == session.who or not is_blind else ():
            counts[tag] = counts.get(tag, 0) + 1
    return sorted(counts, key=lambda tag: (-counts[tag], tag))


def keep_note(session: LabellingSession, row: int, text: str, tags: tuple[str, ...] = ()) -> Note:
    """Write down what a person notes about an object, in place of what they noted before.

    Raises
    ------
    SettingsError : a text or a tag that is too long, or too many tags
    """
    tags = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    before, text = note_of(session, row), text.strip()
    if (text, tags) == (before.text, before.tags):
        return before
    payload = {TEXT: text, TAGS: list(tags)}
    object_id = session.object_id(row)
    event = Event("note", session.who, None, row, object_id, payload=payload)
    if (fault := note_fault(event)) is not None:
        _, rule = fault
        raise SettingsError(f"The note about {object_id} is too long.", f"Shorten it: {rule}.")
    session.project.log.append(event)
    session.record_soon()
    return note_of(session, row)


def add_to_note(session: LabellingSession, row: int, text: str, tags: tuple[str, ...] = ()) -> Note:
    """Write down more about an object, where what was noted before is not shown."""
    before = note_of(session, row)
    texts = [each for each in (before.text, text.strip()) if each]
    return keep_note(session, row, "\n".join(texts), (*before.tags, *tags))


def undo_note(session: LabellingSession, row: int) -> Note:
    """Take back the last change of one's own note about an object; the log keeps both."""
    last = note_of(session, row)
    if not last.seq:
        raise SettingsError("You have noted nothing about it.", "There is nothing to undo.")
    undo = Event("undo", session.who, None, row, session.object_id(row), undoes=last.seq)
    session.project.log.append(undo)
    session.record_soon()
    return note_of(session, row)


def _events(session: LabellingSession) -> list[Event]:
    return [event for event in session.project.log.events() if event.classifier is None]
