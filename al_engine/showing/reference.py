"""Objects to compare with: the labelled ones most alike, and typical ones of each label.

Owns what alike and typical mean: nearness in the features as the models get them, prepared.  Must
not know pages, nor show a label that the person who looks may not see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.splits import TRAIN
from al_engine.dataset import Dataset
from al_engine.loop.answering import labels_offered
from al_engine.session import LabellingSession, State

NEAREST, TYPICAL = 5, 3
LABELS_SHOWN = 8
_FURTHEST = 10.0  # quartile ranges: one wild value must not decide who is near
_CONSIDERED = 2000  # objects of one label, where the catalogue knows more

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Reference:
    """An object to compare with, by row and id, and its label by name and colour.

    ``is_given`` says that the label is the catalogue's, and no person's.
    """

    row: int
    object_id: str
    label: str
    colour: str
    is_given: bool


@dataclass(frozen=True)
class References:
    """The labelled objects nearest to one, the nearest first, and typical ones of each label."""

    nearest: tuple[Reference, ...]
    typical: tuple[tuple[Reference, ...], ...]


def references(session: LabellingSession, state: State, row: int) -> References:
    """Choose what to compare the object in ``row`` with.

    Nearest are labelled objects alone.  Typical are those nearest to the median of their label;
    where fewer are labelled than are shown, objects of the training set whose label the catalogue
    knows stand in.
    """
    dataset, history = session.project.dataset(), state.history
    labels = {**history.trained, **history.verified}
    labelled = {at: label for at, label in labels.items() if label and at != row}
    nearest: Sequence[int] = ()
    if labelled:
        rows = np.fromiter(labelled, np.intp)
        nearest = _nearest(dataset, rows, _prepared(dataset, np.array([row]))[0], NEAREST)
    by_label: dict[str, list[int]] = {}
    for label in labels_offered(dataset, state.config, state.classifier)[:LABELS_SHOWN]:
        found = [at for at, value in labelled.items() if value == label.value]
        rows = np.array(found, dtype=np.intp)
        if len(rows) < TYPICAL:
            rows = np.union1d(rows, _known(dataset, label.value, row))
        if len(rows):
            middle = np.median(_prepared(dataset, rows), axis=0)
            by_label[label.value] = list(_nearest(dataset, rows, middle, TYPICAL))
    known = {at: value for value, rows in by_label.items() for at in rows} | labelled
    given = set(known) - set(labelled) | history.given
    shown = _Shown(session, known, given)
    return References(shown.of(nearest), tuple(shown.of(rows) for rows in by_label.values()))


def _known(dataset: Dataset, value: str, but: int) -> Rows:
    """Objects of the training set with a label of the catalogue's: as many as are looked at."""
    rows: Rows = np.flatnonzero(
        (dataset.codes == dataset.values.index(value)) & (dataset.parts == TRAIN)
    )
    rows = rows[rows != but]
    if len(rows) > _CONSIDERED:
        rows = rows[np.argpartition(dataset.keys[rows], _CONSIDERED)[:_CONSIDERED]]
    return rows


def _prepared(dataset: Dataset, rows: Rows) -> npt.NDArray[np.float64]:
    made = dataset.preparation.transform(dataset.rows(rows).astype(np.float64))
    furthest = _FURTHEST if dataset.preparation.scaler else np.inf
    return np.asarray(np.clip(made, -furthest, furthest), dtype=np.float64)


def _nearest(dataset: Dataset, rows: Rows, place: npt.NDArray[np.float64], n: int) -> Sequence[int]:
    """Those of some rows that are nearest to a place in the features; ties by their keys."""
    distance = ((_prepared(dataset, rows) - place) ** 2).sum(axis=1)
    return [int(at) for at in rows[np.lexsort((dataset.keys[rows], distance))[:n]]]


@dataclass(frozen=True)
class _Shown:
    """Makes references of rows whose labels are known."""

    session: LabellingSession
    labels: Mapping[int, str]
    given: set[int]

    def of(self, rows: Sequence[int]) -> tuple[Reference, ...]:
        config = self.session.config
        colours = {label.value: label.colour for label in config.labels}
        return tuple(
            Reference(
                row,
                object_id,
                config.label_name(self.labels[row]),
                colours.get(self.labels[row], ""),
                row in self.given,
            )
            for row, object_id in zip(rows, self.session.object_ids(rows), strict=True)
        )
