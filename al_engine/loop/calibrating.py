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
    FITS_OF_MANY,
    Calibrator,
    Floats32,
    cross_fitted,
)
from al_engine.learning.reliability import Reliability, reliability
from al_engine.learning.selection import tie_keys
from al_engine.learning.thresholds import AtThreshold, Line, at_threshold, thresholds
from al_engine.loop.fitting import Fit, class_probabilities
from al_engine.loop.state import State
from al_engine.loop.truth import ENOUGH_TO_VALIDATE, Rows, parts_in_force, truth_in_force
from al_engine.mixing import Keys
from al_engine.projects.dataset import Dataset, Truth
from al_engine.settings.config import ALL_LABELS, ClassifierSetup

ENOUGH_OF_A_SIDE = 5
FOLDS = 5
CALIBRATED_ON = 50_000  # objects at most: a sigmoid has two numbers
SHARES_HELD = 500_000  # of several classes: those of every class are held for each object
_FOLDED = 0x46  # draws of different purposes must not be the same draw


@dataclass(frozen=True)
class Known:
    """Validation objects of a classifier: rows, its probabilities, the truth, and a fold each.

    ``truth`` are the places of their classes.  ``is_positive`` says whether what the probability is
    of came true: the own label, or over all labels the one predicted.
    """

    rows: Rows
    proba: Floats32
    truth: Truth
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
    is_of_many = state.classifier == ALL_LABELS
    most = min(CALIBRATED_ON, SHARES_HELD // len(fit.classes)) if is_of_many else CALIBRATED_ON
    if len(rows) > most:
        chosen = np.sort(np.argpartition(keys, most)[:most])
        rows, keys = rows[chosen], keys[chosen]
    comes_true = truth[rows] == (fit.predicted[rows] if is_of_many else 1)
    return Known(rows, fit.proba[rows], truth[rows], comes_true, fold_of(keys))


def shares_of(dataset: Dataset, fit: Fit, known: Known) -> Floats32:
    """What a classifier over all labels gives to each class, shape (n, n_classes)."""
    return class_probabilities(dataset, fit, known.rows).astype(np.float32)


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
    n, n_positive : the objects it is over, and of how many the probability came true: those of the
        own label, or over all labels those whose label was predicted
    stated : reliability of the probabilities as they are; None where there are too few objects
    mended : the same once calibrated, each object by the others; None without a calibration
    curve : the scores of every threshold of the probabilities that will be written, each object
        calibrated by the others; empty where there are too few, and over all labels, where the
        likeliest is predicted
    at : the threshold in force, None where there is no curve
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
    has_line, method = state.classifier != ALL_LABELS, setup.calibration
    proba, mended = known.proba, None
    if method != "none" and has_line:
        proba = cross_fitted(known.proba, known.is_positive, known.fold, FITS[method])
        mended = reliability(proba, known.is_positive)
    elif method != "none":
        shares = shares_of(dataset, state.fit, known)
        shares = cross_fitted(shares, known.truth, known.fold, FITS_OF_MANY[method])
        mended = reliability(shares.max(axis=1), shares.argmax(axis=1) == known.truth)
    return Calibrated(
        len(known.rows),
        known.n_positive,
        reliability(known.proba, known.is_positive),
        mended,
        thresholds(proba, known.is_positive) if has_line else (),
        at_threshold(proba, known.is_positive, setup.threshold) if has_line else None,
    )


def line_in_force(dataset: Dataset, state: State) -> Line:
    """What is written with a model: its threshold, and a calibration learned from validation.

    There is no calibration where none is wanted or too few objects validate; over all labels the
    likeliest is predicted, and there is no threshold.
    """
    if state.fit is None:
        return Line()
    method = state.setup.calibration
    calibrator: Calibrator | None = None
    if method != "none" and (known := known_of(dataset, state, state.fit)).is_enough:
        if state.classifier == ALL_LABELS:
            shares = shares_of(dataset, state.fit, known)
            calibrator = FITS_OF_MANY[method](shares, known.truth)
        else:
            calibrator = FITS[method](known.proba, known.is_positive)
    if state.classifier == ALL_LABELS:
        return Line(calibrator)
    return Line(calibrator, state.setup.threshold)
