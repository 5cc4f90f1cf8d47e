"""What the events about the curated test set amount to: a fold, and nothing else.

Owns which objects are in it, under which label and how they were drawn.  Takes events, gives plain
data; must not know settings, arrays or pages.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from al_engine.data.history import BATCH, in_effect
from al_engine.data.labels import CURATED, Event

How = Literal["criteria", "audit", "chosen", "file"]

# In an audit's payload: the events by which objects that it met had an answer already.  Not their
# rows, which are others wherever the catalogue is imported in another order.
MET = "met"


@dataclass(frozen=True)
class CuratedSet:
    """The curated test set as it stands, in the order in which objects were first answered about.

    ``how`` says of each row how it was first drawn; ``audit`` are the rows that an audit of the
    whole catalogue met, those included that had come otherwise before.  ``last`` are the events
    that an undo takes back together: one answer, or all that one file brought.
    """

    labels: dict[int, str] = field(default_factory=dict)
    unsure: frozenset[int] = frozenset()
    how: dict[int, How] = field(default_factory=dict)
    audit: frozenset[int] = frozenset()
    last: tuple[Event, ...] = ()
    last_seq: int = 0

    @property
    def rows(self) -> list[int]:
        """Every object answered about, labelled or unsure, the first one first."""
        return list(self.how)

    def counts(self) -> dict[str, int]:
        """How many objects have each label."""
        return dict(Counter(self.labels.values()))


def fold_curated(events: Sequence[Event]) -> CuratedSet:
    """Fold the events about the curated test set, oldest first, into what they amount to."""
    labels: dict[int, str] = {}
    unsure: set[int] = set()
    how: dict[int, How] = {}
    audit: set[int] = set()
    counted = [event for event in in_effect(events) if event.row_number is not None]
    rows = {event.seq: event.row_number for event in counted}
    for event in counted:
        row = event.row_number
        assert row is not None, "left out above"
        came: How = event.how or "chosen"  # type: ignore[assignment]
        how.setdefault(row, came)
        if came == "audit":
            met = (rows.get(seq) for seq in (event.payload or {}).get(MET, ()))
            audit.update((row, *(other for other in met if other is not None)))
        unsure.discard(row)
        if event.kind == "unsure":
            labels.pop(row, None)
            unsure.add(row)
        else:
            labels[row] = event.label or ""
    last_seq = events[-1].seq if events else 0
    # Objects keep their place when they are answered about again.
    in_order = {row: labels[row] for row in how if row in labels}
    return CuratedSet(
        in_order, frozenset(unsure), how, frozenset(audit), tuple(_last_act(counted)), last_seq
    )


def curated_fault(event: Event) -> tuple[str, str] | None:
    """The field of an event about the test set that cannot be so, and what it must be; or None.

    Whoever reads events of elsewhere asks: what folds them takes them as they are.
    """
    payload = event.payload or {}
    if event.kind not in ("answer", "unsure", "undo"):
        return "kind", "it must be answer, unsure or undo in the curated test set"
    if event.classifier is not None:
        return "classifier", "the curated test set is of no classifier"
    if event.kind != "undo" and event.how not in get_args(How):
        return "how", f"it must be one of {', '.join(get_args(How))}"
    if (event.label is not None) != (event.kind == "answer"):
        return "label", "an answer has one, and nothing else"
    met = payload.get(MET, [])
    if not isinstance(met, list) or not all(_is_whole(seq) for seq in met):
        return "payload", f"its '{MET}' must be a list of events by their seq"
    if not _is_whole(payload.get("seed", 0)):
        return "payload", "its 'seed' must be a whole number"
    return None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def renumbered(event: Event, number: Callable[[int], int | None]) -> Event:
    """An event that names others by the numbers that they have now; None where one is gone."""
    if event.undoes is not None:
        event = replace(event, undoes=number(event.undoes))
    if event.payload and MET in event.payload:
        met = [seq for seq in map(number, event.payload[MET]) if seq is not None]
        event = replace(event, payload={**event.payload, MET: met})
    if event.part != CURATED and event.payload and BATCH in event.payload:
        named = {name: said for name, said in event.payload.items() if name != BATCH}
        made_at = number(event.payload[BATCH])
        event = replace(event, payload=named if made_at is None else {**named, BATCH: made_at})
    return event


def _last_act(counted: Sequence[Event]) -> list[Event]:
    """The last event, and what was read from the same file together with it."""
    if not counted:
        return []
    last = counted[-1]
    if last.how != "file":
        return [last]
    return [e for e in counted if e.how == "file" and e.happened_at == last.happened_at]
