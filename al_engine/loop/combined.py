"""One prediction for each object from all classifiers of a project together.

Owns who takes part, on which objects each is calibrated, and over which the whole is scored.  The
arithmetic is ``learning.combining``'s; must not know sessions, files or pages.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.splits import TRAIN, VALIDATION, Parts
from al_engine.errors import NotEnoughLabelsError
from al_engine.learning.calibration import Sigmoid, fit_sigmoid
from al_engine.learning.combining import NONE, combine
from al_engine.learning.metrics import Score, share
from al_engine.loop.calibrating import FOLDS, Known, fold_of, keys_of, known_of
from al_engine.loop.fitting import SCORED_AT_ONCE, Fit, Floats32
from al_engine.loop.state import State
from al_engine.loop.truth import Rows, parts_in_force
from al_engine.projects.dataset import Dataset
from al_engine.settings.config import ProjectConfig


@dataclass(frozen=True)
class Calibration:
    """On what a classifier is calibrated: validation objects with a known label.

    ``sigmoid`` is None where they are too few: its probabilities stand as they are.
    """

    n: int
    n_positive: int
    sigmoid: Sigmoid | None


@dataclass(frozen=True)
class Combined:
    """The combined prediction of some classifiers, and what it is worth.

    Attributes
    ----------
    classifiers : those that take part, in the order of the settings; of equally likely labels the
        first is predicted
    none_below : where every probability lies under it, none of these is predicted
    n_predicted : of all objects that train or validate for every classifier, how many get which
        of the labels; the last number is of none of these
    confusion : actual label (row) by predicted label, over validation; last is none of these
    accuracy : over the same objects, each predicted by sigmoids that have not seen it
    absent : started classifiers that cannot take part yet: they have labels of one side, or none
    n_disputed : validation objects with different answers, in two tabs or by two people whose
        labels do not count: they are in no score
    """

    classifiers: tuple[str, ...]
    calibrations: tuple[Calibration, ...]
    none_below: float
    n_predicted: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: Score
    absent: tuple[str, ...]
    n_disputed: int

    @property
    def predicts(self) -> "Predict":
        """The prediction itself, for probabilities of any objects."""
        return Predict(tuple(c.sigmoid for c in self.calibrations), self.none_below)


@dataclass(frozen=True)
class Predict:
    """From each classifier's probabilities to calibrated ones, and to the label predicted."""

    sigmoids: Sequence[Sigmoid | None]
    none_below: float

    def __call__(self, probas: Sequence[Floats32]) -> tuple[list[Floats32], npt.NDArray[np.int16]]:
        calibrated = [
            proba if sigmoid is None else sigmoid(proba)
            for proba, sigmoid in zip(probas, self.sigmoids, strict=True)
        ]
        return calibrated, combine(calibrated, self.none_below)


def takes_part(state: State) -> bool:
    """Has the classifier learned anything that a combined prediction could use?"""
    return state.fit is not None and not state.fit.is_constant


def none_below_of(config: ProjectConfig, classifiers: Collection[str]) -> float:
    """Under which probability of all of these classifiers none of their labels is predicted."""
    if config.none_below is not None:
        return config.none_below
    is_every_label = {label.value for label in config.labels_in_use} <= set(classifiers)
    return 0.0 if is_every_label else 0.5


def combined(dataset: Dataset, states: Sequence[State]) -> Combined:
    """Calibrate the classifiers that can take part, and predict with them together.

    Each is calibrated on its own validation objects; scored are those that validate for all.

    Parameters
    ----------
    states : the present states of all started classifiers, in the order of the settings, with
        everybody's answers: what one person may not see has trained all the same

    Raises
    ------
    NotEnoughLabelsError : fewer than two classifiers have labels of both sides
    """
    taking = [state for state in states if takes_part(state)]
    fits = [state.fit for state in taking if state.fit is not None]
    if len(fits) < 2:
        raise NotEnoughLabelsError(
            "A combined prediction needs two classifiers with labels of both sides; there "
            f"{'is one' if fits else 'is none'}.",
            "Start another, or answer until both sides are labelled.",
        )
    names = tuple(state.classifier for state in taking)
    none_below = none_below_of(taking[0].config, names)
    known = [known_of(dataset, state, fit) for state, fit in zip(taking, fits, strict=True)]
    calibrations = tuple(map(_calibration, known))
    predict = Predict(tuple(c.sigmoid for c in calibrations), none_below)
    actual, n_disputed = _actual(dataset, taking, fits)
    confusion = _cross_fitted(known, calibrations, fits, actual, none_below)
    n = int(confusion.sum())
    return Combined(
        names,
        calibrations,
        none_below,
        _n_predicted(fits, [parts_in_force(dataset, s.history) for s in taking], predict),
        tuple(tuple(int(count) for count in row) for row in confusion),
        share(int(np.trace(confusion)), n),
        tuple(state.classifier for state in states if not takes_part(state)),
        n_disputed,
    )


def _calibration(known: Known) -> Calibration:
    return Calibration(
        len(known.rows), known.n_positive, _sigmoid(known) if known.is_enough else None
    )


def _sigmoid(known: Known, without: int | None = None) -> Sigmoid:
    chosen = slice(None) if without is None else known.fold != without
    return fit_sigmoid(known.proba[chosen], known.is_positive[chosen])


# -- what it is worth --


@dataclass(frozen=True)
class _Actual:
    """Objects that validate for all classifiers, and which classifier's label each really has."""

    rows: Rows
    side: npt.NDArray[np.int16]
    fold: npt.NDArray[np.uint8]


def _actual(dataset: Dataset, states: Sequence[State], fits: Sequence[Fit]) -> tuple[_Actual, int]:
    """The objects to score over, and how many were left out because tabs or people differ."""
    names = [state.classifier for state in states]
    side = np.array([names.index(v) if v in names else NONE for v in dataset.values], np.int16)
    # One more, which the code -1 of unknown objects stands for.
    actual = np.append(side, np.int16(NONE))[dataset.codes]
    is_scored = dataset.codes >= 0
    said: defaultdict[int, set[str]] = defaultdict(set)
    for state in states:
        for row, label in state.history.verified.items():
            said[row].add(label)
    for row, labels in said.items():
        label = next(iter(labels))
        actual[row] = names.index(label) if label in names else NONE
        is_scored[row] = True
    for state, fit in zip(states, fits, strict=True):
        is_scored &= parts_in_force(dataset, state.history) == VALIDATION
        is_scored &= np.isfinite(fit.proba)
    differing = {row for row, labels in said.items() if len(labels) > 1}
    differing.update(*(state.history.disputed for state in states))
    disputed = [row for row in differing if is_scored[row]]
    is_scored[disputed] = False
    rows = np.flatnonzero(is_scored)
    keys = keys_of(dataset, rows, states[0].config.splits.seed)
    return _Actual(rows, actual[rows], fold_of(keys)), len(disputed)


def _cross_fitted(
    known: Sequence[Known],
    calibrations: Sequence[Calibration],
    fits: Sequence[Fit],
    actual: _Actual,
    none_below: float,
) -> npt.NDArray[np.int64]:
    """The confusion of actual and predicted, each fold by sigmoids that were fitted without it."""
    n = len(fits) + 1
    confusion = np.zeros((n, n), dtype=np.int64)
    for fold in range(FOLDS):
        held_out = actual.fold == fold
        if not held_out.any():
            continue
        sigmoids = [
            None if calibration.sigmoid is None else _sigmoid(of, without=fold)
            for of, calibration in zip(known, calibrations, strict=True)
        ]
        rows = actual.rows[held_out]
        _, predicted = Predict(sigmoids, none_below)([fit.proba[rows] for fit in fits])
        # NONE is -1, which is the last row and the last column.
        np.add.at(confusion, (actual.side[held_out], predicted), 1)
    return confusion


def _n_predicted(fits: Sequence[Fit], parts: Sequence[Parts], predict: Predict) -> tuple[int, ...]:
    counts = np.zeros(len(fits) + 1, dtype=np.int64)
    n_rows = len(fits[0].proba)
    for start in range(0, n_rows, SCORED_AT_ONCE):
        some = slice(start, start + SCORED_AT_ONCE)
        probas = [fit.proba[some] for fit in fits]
        is_scored = np.logical_and.reduce([np.isfinite(proba) for proba in probas])
        for of_one in parts:
            is_scored &= (of_one[some] == TRAIN) | (of_one[some] == VALIDATION)
        _, predicted = predict([proba[is_scored] for proba in probas])
        counts += np.bincount(predicted % len(counts), minlength=len(counts))
    return tuple(int(count) for count in counts)
