"""What the events about the curated test set amount to: a fold, and nothing else.

Owns which objects are in it, under which label and how they were drawn.  Takes events, gives plain
data; must not know settings, arrays or pages.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from al_engine.data.history import in_effect
from al_engine.data.labels import Event

How = Literal["criteria", "audit", "chosen", "file"]

ALSO = "also"  # in an audit's payload: rows that it met and that had a label already


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
    for event in counted:
        row = event.row_number
        assert row is not None, "left out above"
        came: How = event.how or "chosen"  # type: ignore[assignment]
        how.setdefault(row, came)
        if came == "audit":
            audit.update((row, *(event.payload or {}).get(ALSO, ())))
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


def _last_act(counted: Sequence[Event]) -> list[Event]:
    """The last event, and what was read from the same file together with it."""
    if not counted:
        return []
    last = counted[-1]
    if last.how != "file":
        return [last]
    return [e for e in counted if e.how == "file" and e.happened_at == last.happened_at]
