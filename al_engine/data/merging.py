"""Labels that were merged: the events of the log, read by what their labels count as by now.

Owns that step, and nothing else of what events mean.  The log itself is never changed: merging can
be undone, and an answer is then what it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from al_engine.data.labels import Event

# In the payload of an event that is read so: what stands in the log.  A round is found again by it,
# whatever was merged since, and an undo names it.
_WRITTEN = "written"


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
    return replace(
        event,
        label=None if label is None else into.get(label, label),
        classifier=None if classifier is None else into.get(classifier, classifier),
        payload={**(event.payload or {}), _WRITTEN: (label, classifier, event.payload)},
    )


def as_written(event: Event) -> Event:
    """An event as the log has it."""
    if event.payload is None or _WRITTEN not in event.payload:
        return event
    label, classifier, payload = event.payload[_WRITTEN]
    return replace(event, label=label, classifier=classifier, payload=payload)
