"""Objects to compare with: the labelled ones most alike, and typical ones of each label.

Owns what alike and typical mean: nearness in the features as the models get them, prepared; of
texts alone that is the cosine between their words.  Must
not know pages, nor show a label that the person who looks may not see.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse

from al_engine.data.splits import TRAIN
from al_engine.loop.answering import labels_offered
from al_engine.projects.dataset import Dataset
from al_engine.session import LabellingSession, State
from al_engine.showing.drawn import KEPT, drawn_of

NEAREST, TYPICAL = 5, 3
LABELS_SHOWN = 8
_FURTHEST = 10.0  # quartile ranges: one wild value must not decide who is near
_CONSIDERED = 2000  # objects of one label, where the catalogue knows more
_ROWS_HELD = 50_000  # whose prepared features are at hand for the next question

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

    @property
    def rows(self) -> tuple[int, ...]:
        """All of them, each once."""
        listed = (self.nearest, *self.typical)
        return tuple(dict.fromkeys(each.row for some in listed for each in some))


def references(session: LabellingSession, state: State, row: int) -> References:
    """Choose what to compare the object in ``row`` with.

    Nearest are labelled objects alone.  Typical are those nearest to the median of their label;
    where fewer are labelled than are shown, objects of the training set whose label the catalogue
    knows stand in.
    """
    dataset, history = session.project.dataset(), state.history
    drawn, of = drawn_of(session.project), repr(state.config)
    kept = drawn.once(drawn.facts, KEPT, ("prepared", of), lambda: _Prepared(dataset))
    labels = {**history.trained, **history.verified}
    labelled = {at: label for at, label in labels.items() if label and at != row}
    of_label: dict[str, list[int]] = {}
    for at, label in labelled.items():
        of_label.setdefault(label, []).append(at)
    nearest: Sequence[int] = ()
    if labelled:
        place = kept.of(np.array([row]))
        place = (place.toarray() if issparse(place) else place)[0]
        nearest = _nearest(kept, np.fromiter(labelled, np.intp), place, NEAREST)
    by_label: dict[str, Sequence[int]] = {}
    for each in labels_offered(dataset, state.config, state.classifier)[:LABELS_SHOWN]:
        value = each.value
        rows = np.array(of_label.get(value, ()), dtype=np.intp)
        if len(rows) < TYPICAL:
            known = drawn.once(
                drawn.facts, KEPT, ("known", of, value), partial(_known, dataset, value)
            )
            rows = np.union1d(rows, known[known != row][:_CONSIDERED])
        if len(rows):
            # Of most labels the same from question to question.
            by_label[value] = drawn.once(
                drawn.facts,
                KEPT,
                ("typical", of, rows.tobytes()),
                partial(_typical, kept, rows),
            )
    known_labels = {at: value for value, rows in by_label.items() for at in rows} | labelled
    given = set(known_labels) - set(labelled) | history.given
    shown = _Shown(session, known_labels, given)
    return References(shown.of(nearest), tuple(shown.of(rows) for rows in by_label.values()))


def _known(dataset: Dataset, value: str) -> Rows:
    """Objects of the training set with a label of the catalogue's: one more than are looked at.

    They come in the order of their keys.
    """
    rows: Rows = np.flatnonzero(
        (dataset.codes == dataset.values.index(value)) & (dataset.parts == TRAIN)
    )
    if len(rows) > _CONSIDERED + 1:
        rows = rows[np.argpartition(dataset.keys[rows], _CONSIDERED + 1)[: _CONSIDERED + 1]]
    return rows[np.argsort(dataset.keys[rows])]


class _Prepared:
    """Features as the models get them; those of objects that were asked for before are at hand."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._place: dict[int, int] = {}
        self._values = np.empty((0, len(self.dataset.features)))

    def of(self, rows: Rows) -> Any:
        """Those of some objects, shape (n, n_features); of texts as a sparse matrix."""
        if self.dataset.has_texts:
            return self.dataset.rows(rows).astype(np.float64)
        with self._lock:
            if len(self._place) > _ROWS_HELD:
                self._forget()
            new = list(dict.fromkeys(row for row in rows.tolist() if row not in self._place))
            if new:
                made = self._make(np.array(new))
                self._place.update(
                    zip(new, range(len(self._values), len(self._values) + len(new)), strict=True)
                )
                self._values = np.concatenate([self._values, made])
            return self._values[[self._place[row] for row in rows.tolist()]]

    def _make(self, rows: Rows) -> npt.NDArray[np.float64]:
        preparation = self.dataset.preparation
        made = preparation.transform(self.dataset.rows(rows).astype(np.float64))
        furthest = _FURTHEST if preparation.scaler else np.inf
        return np.asarray(np.clip(made, -furthest, furthest), dtype=np.float64)


def _typical(kept: _Prepared, rows: Rows) -> Sequence[int]:
    """Those of some rows that are nearest to the middle of all of them."""
    features = kept.of(rows)
    middle = features.mean(axis=0) if issparse(features) else np.median(features, axis=0)
    return _nearest(kept, rows, np.asarray(middle).ravel(), TYPICAL)


def _nearest(kept: _Prepared, rows: Rows, place: npt.NDArray[np.float64], n: int) -> Sequence[int]:
    """Those of some rows that are nearest to a place in the features; ties by their keys."""
    features = kept.of(rows)
    if issparse(features):  # the distance, without the part that is the same for all
        own = np.asarray(features.multiply(features).sum(axis=1)).ravel()
        distance = own - 2 * (features @ place)
    else:
        distance = ((features - place) ** 2).sum(axis=1)
    return [int(at) for at in rows[np.lexsort((kept.dataset.keys[rows], distance))[:n]]]


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
