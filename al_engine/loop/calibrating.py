"""What a classifier's probabilities are worth on validation, and where to draw the line.

Owns on which objects a classifier is calibrated, and in which folds: none is judged by a
calibration that has seen it.  The arithmetic is ``learning.calibration``'s and
``learning.thresholds``'; must not know sessions, files or pages.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.splits import VALIDATION
from al_engine.learning.calibration import (
    FITS,
    Floats32,
    Reliability,
    cross_fitted,
    reliability,
)
from al_engine.learning.selection import tie_keys
from al_engine.learning.thresholds import AtThreshold, Line, at_threshold, thresholds
from al_engine.loop.fitting import Fit
from al_engine.loop.state import State
from al_engine.loop.truth import ENOUGH_TO_VALIDATE, Rows, parts_in_force, truth_in_force
from al_engine.mixing import Keys
from al_engine.projects.dataset import Dataset
from al_engine.settings.config import ALL_LABELS, ClassifierSetup

ENOUGH_OF_A_SIDE = 5
FOLDS = 5
CALIBRATED_ON = 50_000  # objects at most: a sigmoid has two numbers
_FOLDED = 0x46  # draws of different purposes must not be the same draw


@dataclass(frozen=True)
class Known:
    """Validation objects of a classifier: rows, its probabilities, the truth, and a fold each."""

    rows: Rows
    proba: Floats32
    is_positive: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.uint8]

    @property
    def n_positive(self) -> int:
        return int(np.count_nonzero(self.is_positive))

    @property
    def is_enough(self) -> bool:
        """Are there enough of them, and of each side, to learn a calibration from?"""
        n, n_positive = len(self.rows), self.n_positive
        return n >= ENOUGH_TO_VALIDATE and min(n_positive, n - n_positive) >= ENOUGH_OF_A_SIDE


def known_of(dataset: Dataset, state: State, fit: Fit) -> Known:
    """The validation objects whose label is known and that the model has seen."""
    truth = truth_in_force(dataset, state.history, state.classifier)
    is_known = (parts_in_force(dataset, state.history) == VALIDATION) & (truth >= 0)
    rows = np.flatnonzero(is_known & np.isfinite(fit.proba))
    keys = keys_of(dataset, rows, state.config.splits.seed)
    if len(rows) > CALIBRATED_ON:
        chosen = np.sort(np.argpartition(keys, CALIBRATED_ON)[:CALIBRATED_ON])
        rows, keys = rows[chosen], keys[chosen]
    # Over all labels the probability is that of the label predicted: it comes true where that is.
    is_of_many = state.classifier == ALL_LABELS
    comes_true = truth[rows] == (fit.predicted[rows] if is_of_many else 1)
    return Known(rows, fit.proba[rows], comes_true, fold_of(keys))


def keys_of(dataset: Dataset, rows: Rows, seed: int) -> Keys:
    """By what objects are dealt to folds: by the object alone, so that all classifiers agree."""
    return tie_keys(dataset.keys[rows], seed, _FOLDED)


def fold_of(keys: Keys) -> npt.NDArray[np.uint8]:
    """The fold of each object."""
    return np.asarray(keys % np.uint64(FOLDS), dtype=np.uint8)


# -- one classifier, looked at --


@dataclass(frozen=True)
class Calibrated:
    """What a classifier's probabilities are worth, over validation.

    Attributes
    ----------
    n, n_positive : the objects it is over
    stated : reliability of the probabilities as they are; None where there are too few objects
    mended : the same once calibrated, each object by the others; None without a calibration
    curve : the scores of every threshold of the probabilities that will be written, each object
        calibrated by the others; empty where there are too few
    at : the threshold in force, None where there are too few
    """

    n: int
    n_positive: int
    stated: Reliability | None
    mended: Reliability | None
    curve: tuple[AtThreshold, ...]
    at: AtThreshold | None

    @property
    def is_enough(self) -> bool:
        return self.stated is not None


def calibrated(dataset: Dataset, state: State, setup: ClassifierSetup) -> Calibrated | None:
    """How a set-up's calibration and threshold do on validation; None without a model.

    Parameters
    ----------
    state : with everybody's answers: what one person may not see validates all the same
    setup : whose calibration and threshold are tried, in force or not
    """
    if state.fit is None:
        return None
    known = known_of(dataset, state, state.fit)
    if not known.is_enough:
        return Calibrated(len(known.rows), known.n_positive, None, None, (), None)
    proba, mended = known.proba, None
    if setup.calibration != "none":
        fit = FITS[setup.calibration]
        proba = cross_fitted(known.proba, known.is_positive, known.fold, fit)
        mended = reliability(proba, known.is_positive)
    return Calibrated(
        len(known.rows),
        known.n_positive,
        reliability(known.proba, known.is_positive),
        mended,
        thresholds(proba, known.is_positive),
        at_threshold(proba, known.is_positive, setup.threshold),
    )


def line_in_force(dataset: Dataset, state: State) -> Line:
    """What is written with a model: its threshold, and a calibration learned from validation.

    There is none where none is wanted or too few objects validate; over all labels neither.
    """
    if state.fit is None or state.classifier == ALL_LABELS:
        return Line()
    calibrator = None
    if state.setup.calibration != "none":
        known = known_of(dataset, state, state.fit)
        if known.is_enough:
            calibrator = FITS[state.setup.calibration](known.proba, known.is_positive)
    return Line(calibrator, state.setup.threshold)
