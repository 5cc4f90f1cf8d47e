"""Which events are a classifier's: its own, and where answers are shared those of all.

Owns that choice, and nothing of what the events amount to, which is for ``history``.
"""

from collections.abc import Iterable
from dataclasses import replace

from al_engine.data.history import BATCH, OBJECTS, SIZE
from al_engine.data.labels import Event

_OWN = (
    "settings",
    "given",
    "later",
    "undo",
    "confirmed",
)  # whatever else is said of an object is shared


def in_sight(events: Iterable[Event], classifier: str | None, *, shared: bool) -> list[Event]:
    """The events that count for a classifier, in their order.

    Shared is what a person said of an object, Unsure included, and the undo of it: what is so of
    an object is so whoever asked.  What was only put off, and what a classifier took from the
    catalogue to begin with, stays its own; and that never outranks a person's earlier word, which
    it comes after where another classifier was merged into this one as well.  A batch is of the
    classifier that asked about it alone.

    Parameters
    ----------
    events : those of all classifiers, oldest first
    classifier : None for those that are about no classifier
    """
    events = list(events)
    if not shared or classifier is None:
        events = [event for event in events if event.classifier == classifier]
    theirs = {e.seq for e in events if e.classifier is not None and e.kind not in _OWN}
    undone = {e.undoes for e in events if e.kind == "undo"}
    seen = []
    answered: set[int | None] = set()
    for event in events:
        is_own = event.classifier == classifier
        if not (is_own or event.seq in theirs or event.undoes in theirs):
            continue
        if event.kind == "given" and event.row_number in answered:
            continue
        if event.seq in theirs and event.seq not in undone:
            answered.add(event.row_number)
        seen.append(event if is_own else _without_batch(event))
    return seen


def _without_batch(event: Event) -> Event:
    if not event.payload or BATCH not in event.payload:
        return event
    of_batch = (BATCH, SIZE, OBJECTS)
    payload = {name: said for name, said in event.payload.items() if name not in of_batch}
    return replace(event, payload=payload)
