"""Labels that were merged: the events of the log, read by what their labels count as by now.

Owns that step, and nothing else of what events mean.  The log itself is never changed: merging can
be undone, and an answer is then what it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from al_engine.data.labels import Event

_FIELDS = [field.name for field in fields(Event)]


@dataclass(frozen=True)
class _Merged(Event):
    """An event that is read by what its labels count as; ``written`` is the one in the log.

    A round is found again by that, whatever was merged since, and an undo names it.
    """

    written: Event | None = None


def as_merged(events: Iterable[Event], into: Mapping[str, str]) -> list[Event]:
    """Events as if labels had always been what they are merged into; classifiers as well.

    Parameters
    ----------
    into : by the value of each merged label, that of the label that it counts as
    """
    if not into:
        return list(events)
    return [
        _as_merged(event, into) if event.label in into or event.classifier in into else event
        for event in events
    ]


def _as_merged(event: Event, into: Mapping[str, str]) -> Event:
    label, classifier = event.label, event.classifier
    read = {name: getattr(event, name) for name in _FIELDS}
    read["label"] = None if label is None else into.get(label, label)
    read["classifier"] = None if classifier is None else into.get(classifier, classifier)
    return _Merged(**read, written=event)


def as_written(event: Event) -> Event:
    """An event as the log has it."""
    return event.written or event if isinstance(event, _Merged) else event
