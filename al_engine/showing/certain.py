"""The objects of the pool that a model is least and most certain of.

Owns which they are, and what is told of each.  Must not know pages, nor choose an object of which
nothing may be shown.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.splits import TRAIN
from al_engine.learning.selection import tie_keys
from al_engine.loop.asking import order_of
from al_engine.loop.fitting import Fit
from al_engine.loop.truth import named, parts_in_force
from al_engine.session import LabellingSession, State

EACH = 5

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Predicted:
    """An object by row and id, the class that is predicted for it, and how probable that is."""

    row: int
    object_id: str
    label: str
    colour: str
    probability: float


@dataclass(frozen=True)
class Certain:
    """The least certain objects, the least certain first, and the most certain, likewise."""

    least: tuple[Predicted, ...] = ()
    most: tuple[Predicted, ...] = ()

    @property
    def rows(self) -> tuple[int, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(each.row for each in (*self.least, *self.most)))


def certain(session: LabellingSession, state: State) -> Certain:
    """Choose the objects of the pool at both ends; none before there is something to learn."""
    fit = state.fit
    if fit is None or fit.is_constant:
        return Certain()
    dataset, history = session.project.dataset(), state.history
    in_pool = (parts_in_force(dataset, history) == TRAIN) & np.isfinite(fit.proba)
    in_pool[list(history.asked)] = False
    in_pool[list(state.untold)] = False
    rows = np.flatnonzero(in_pool)
    sure = certainty(fit, rows)
    # Equals as the question orders them, which then stands first where it goes by certainty.
    keys = tie_keys(dataset.keys[rows], *order_of("query", history, state.config.splits.seed))
    least = _first(rows, sure, keys)
    most = _first(rows, -sure, keys)
    return Certain(_told(session, state, fit, least), _told(session, state, fit, most))


def certainty(fit: Fit, rows: Rows) -> npt.NDArray[np.float32]:
    """The probability of the predicted class of some objects, shape (n,)."""
    proba = fit.proba[rows]
    return proba if named(fit.classes) else np.maximum(proba, 1 - proba)


def _first(rows: Rows, values: npt.NDArray[np.float32], keys: npt.NDArray[np.uint64]) -> Rows:
    """The rows of the lowest values, equals in the order of their keys."""
    n = min(EACH, len(rows))
    if not n:
        return rows
    # One partition: a pool of millions is never sorted.
    limit = np.partition(values, n - 1)[n - 1]
    near = np.flatnonzero(values <= limit)
    return np.asarray(rows[near[np.lexsort((keys[near], values[near]))[:n]]])


def _told(session: LabellingSession, state: State, fit: Fit, rows: Rows) -> tuple[Predicted, ...]:
    labels = {label.value: label for label in state.config.labels}
    # The other side of a question is no label.
    said = [labels.get(fit.classes[code]) for code in fit.predicted[rows]]
    sure = certainty(fit, rows)
    ids = session.object_ids(rows)
    return tuple(
        Predicted(
            int(row),
            object_id,
            label.name if label else "other",
            label.colour if label else "",
            float(probability),
        )
        for row, object_id, label, probability in zip(rows, ids, said, sure, strict=True)
    )
