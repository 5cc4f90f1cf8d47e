"""A batch side by side: each object with what tells it from the others, and the model's guess.

Owns what may be told of an object before it is answered.  Must not know pages; pictures are the
album's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from al_engine.data.history import History
from al_engine.loop.truth import named
from al_engine.session import LabellingSession, State
from al_engine.showing.objects import beginning, show_number, texts_shown

MOST_LETTERS = 180  # of a text that is read before the object itself is looked at
MOST_VALUES = 4


@dataclass(frozen=True)
class InBatch:
    """An object of a batch: ``said`` is what was answered about it, "" while it is left to ask.

    ``guess`` is the probability of a label by the model, "" where that is not to be told; ``text``
    what there is to read of it.
    """

    row: int
    object_id: str
    said: str
    colour: str
    guess: str
    text: str


def in_batch(session: LabellingSession, state: State, *, has_pictures: bool) -> list[InBatch]:
    """The objects of the batch that is asked about, in its order; none where there is no batch.

    Where objects have pictures, and no text to read, those alone tell them apart.
    """
    rows = list(state.question.batch) if state.question is not None else []
    if not rows:
        return []
    texts = _texts(session, rows, has_pictures=has_pictures)
    left = set(state.batch)
    return [
        InBatch(
            row,
            object_id,
            "" if row in left else _said(session, state.history, row),
            _colour(session, state.history, row),
            _guess(session, state, row),
            text,
        )
        for row, object_id, text in zip(rows, session.object_ids(rows), texts, strict=True)
    ]


def _guess(session: LabellingSession, state: State, row: int) -> str:
    """What the model makes of an object; nothing where some questions are asked twice.

    Then nobody is to know by it which ones those are.
    """
    fit = state.fit
    if fit is None or state.config.asking.repeat_every or row in state.untold:
        return ""
    # Over all labels the probability is that of the label predicted.
    told_apart = named(fit.classes)
    label = told_apart[fit.predicted[row]] if told_apart else state.classifier
    # The number first: a long name is cut where a tile ends.
    return f"{float(fit.proba[row]):.2f} {session.config.label_name(label)}"


def _said(session: LabellingSession, history: History, row: int) -> str:
    label = {**history.trained, **history.verified}.get(row)
    if label is not None:
        return session.config.label_name(label)
    if row in history.unsure:
        return "Unsure"
    return "Later" if row in history.later else "Not asked any more"


def _colour(session: LabellingSession, history: History, row: int) -> str:
    label = {**history.trained, **history.verified}.get(row)
    return next((each.colour for each in session.config.labels if each.value == label), "")


def _texts(session: LabellingSession, rows: Sequence[int], *, has_pictures: bool) -> list[str]:
    """The beginning of each object's text, else some of its values."""
    columns, project = session.config.columns, session.project
    if texts := texts_shown(session.config):
        [found] = project.catalogue.picked(texts[:1], rows)
        return [beginning(value, MOST_LETTERS) for value in found.to_pylist()]
    if has_pictures:
        return [""] * len(rows)
    if columns.info:
        names = columns.info[:MOST_VALUES]
        listed = [list(column) for column in project.catalogue.picked(names, rows)]
        return [
            "\n".join(_values(names, [v.as_py() for v in own])) for own in zip(*listed, strict=True)
        ]
    axes = [name for name in (session.config.x_axis, session.config.y_axis) if name]
    values = [project.axis(name)[rows].astype(float).tolist() for name in axes]
    return ["\n".join(_values(axes, own)) for own in zip(*values, strict=True)] or [""] * len(rows)


def _values(names: Sequence[str], values: Sequence[Any]) -> list[str]:
    def told(value: Any) -> str:
        return beginning(value, MOST_LETTERS) if isinstance(value, str) else show_number(value)

    return [f"{name} {told(value)}" for name, value in zip(names, values, strict=True)]
