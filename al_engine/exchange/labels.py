"""The labels of a project as a table: who gave which, when, and how the object came up.

Owns the columns of that table, one row an object and classifier.  Takes the log's events whatever
their kind; must not know models or pages.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from al_engine.data.catalogue import Catalogue
from al_engine.data.labels import Event
from al_engine.data.sight import in_sight
from al_engine.data.table import Column
from al_engine.errors import NotEnoughLabelsError
from al_engine.exchange.carried import carried
from al_engine.exchange.writers.outgoing import Outgoing
from al_engine.settings.config import ProjectConfig

_NO_ANSWER = ("settings", "undo", "later", "note", "confirmed")


@dataclass(frozen=True)
class Given:
    """The answer in force about one object for one classifier; ``conflict`` names other labels."""

    event: Event
    conflict: str | None = None


def answers_in_force(events: Sequence[Event], *, shared: bool = False) -> list[Given]:
    """The last answer for each object and classifier, in the order in which they were given.

    What was undone is left out, and so are objects that were only put off.  Where answers are
    ``shared`` between classifiers, the last one about an object is in force for all of them.
    """
    last: dict[int, Event] = {}
    for name in {event.classifier for event in events if event.row_number is not None}:
        seen = in_sight(events, name, shared=shared)
        undone = {event.undoes for event in seen if event.kind == "undo"}
        counting = [e for e in seen if e.kind not in _NO_ANSWER and e.seq not in undone]
        in_force = {e.row_number: e for e in counting if e.row_number is not None}
        last.update((event.seq, event) for event in in_force.values())
    in_order = [last[seq] for seq in sorted(last)]
    by_row: dict[int | None, list[Event]] = defaultdict(list)
    for event in in_order:
        by_row[event.row_number].append(event)
    return [Given(event, _conflict(event, by_row)) for event in in_order]


def _conflict(event: Event, by_row: Mapping[int | None, Sequence[Event]]) -> str | None:
    """Other labels that stand for the same object, with the classifier each was given for."""
    if event.label is None:
        return None
    others = [
        f"{other.label} ({other.classifier})" if other.classifier else str(other.label)
        for other in by_row[event.row_number]
        if other.label is not None and other.label != event.label
    ]
    return "; ".join(others) or None


_STATUS = {"given": "catalogue", "unsure": "unsure", "settled": "settled"}

# Name, type, unit, description, and how it is taken from an answer.
_COLUMNS: tuple[tuple[str, pa.DataType, str, str], ...] = (
    (
        "classifier",
        pa.string(),
        "",
        "Label whose classifier it was given for, (all labels) for the one over all; empty for the "
        "curated test set",
    ),
    ("label", pa.string(), "", "Label in force, as the catalogue writes it; empty for Unsure"),
    ("label_name", pa.string(), "", "Its name in the project"),
    (
        "status",
        pa.string(),
        "",
        "verified by a person, catalogue, unsure, settled or disputed",
    ),
    ("catalogue_label", pa.string(), "", "Label in the catalogue; empty where it has none"),
    ("conflict", pa.string(), "", "Other labels given to the same object (for which classifier)"),
    (
        "how",
        pa.string(),
        "",
        "How the object came up: query, random, click, initial, again, selection or settled; for "
        "the curated test set criteria, audit, chosen or file",
    ),
    (
        "set",
        pa.string(),
        "",
        "Set of the object by now: train, validation, test or left out; test set, not in use",
    ),
    ("who", pa.string(), "", "Who answered"),
    ("answered_at", pa.timestamp("us"), "", "When, in UTC"),
    ("round", pa.int32(), "", "How many rounds there had been when it was answered"),
    (
        "probability",
        pa.float64(),
        "",
        "What the classifier gave to its own label, or the likeliest of all",
    ),
    ("seconds", pa.float64(), "s", "From the showing of the object to the answer"),
    ("confidence", pa.int32(), "", "How sure the person said to be, from 1 to 3"),
)


def labels_table(
    catalogue: Catalogue,
    config: ProjectConfig,
    events: Sequence[Event],
    set_of: Callable[[Event], str],
    extra: Sequence[str] = (),
    about: Mapping[str, str] | None = None,
) -> Outgoing:
    """Every answer in force, with the object's id, position and ``extra`` columns.

    Parameters
    ----------
    set_of : the set that the object of an answer is in for its classifier

    Raises
    ------
    NotEnoughLabelsError : nothing has been answered
    UnknownColumnError : an extra column that is not there
    """
    given = answers_in_force(events, shared=config.asking.shared)
    if not given:
        raise NotEnoughLabelsError("No object is labelled yet.", "Label at least one object.")
    rows = [answer.event.row_number or 0 for answer in given]
    ours = [Column(*column) for column in _COLUMNS]
    objects = carried(catalogue, config, extra, [column.name for column in ours])
    known = _catalogue_labels(catalogue, config, rows)
    found: dict[str, list[Any]] = {
        name: [
            _value(name, answer, config, set_of, label)
            for answer, label in zip(given, known, strict=True)
        ]
        for name, *_ in _COLUMNS
    }
    batch = pa.RecordBatch.from_arrays(
        [
            *objects.picked(catalogue, rows),
            *(pa.array(found[column.name], column.type) for column in ours),
        ],
        names=[column.name for column in (*objects.columns, *ours)],
    )
    return Outgoing(
        "labels", (*objects.columns, *ours), [batch], about or {}, objects.ucds, len(rows)
    )


def _value(
    name: str,
    answer: Given,
    config: ProjectConfig,
    set_of: Callable[[Event], str],
    known: str | None,
) -> Any:
    event = answer.event
    match name:
        case "label_name":
            return None if event.label is None else config.label_name(event.label)
        case "status":
            is_disputed = event.kind == "settled" and event.label is None
            return "disputed" if is_disputed else _STATUS.get(event.kind, "verified")
        case "catalogue_label":
            return known
        case "conflict":
            return answer.conflict
        case "set":
            return set_of(event)
        case "answered_at":
            return event.happened_at
        case "round":
            return event.round_number
        case _:
            return getattr(event, name)


def _catalogue_labels(
    catalogue: Catalogue, config: ProjectConfig, rows: Sequence[int]
) -> Iterable[str | None]:
    """What the catalogue says of some rows, nothing where it says that it does not know."""
    if config.columns.label is None:
        return [None] * len(rows)
    texts = catalogue.texts(config.columns.label, rows)
    return [None if text in config.columns.unknown else text for text in texts]
