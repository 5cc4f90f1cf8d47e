"""Where to draw the line: purity and completeness against the threshold of a probability.

Takes probabilities of objects whose truth is known; knows no catalogue, and nothing of which
objects may be used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.errors import SettingsError
from al_engine.learning.calibration import (
    Calibrator,
    IsotonicOfEach,
    Temperature,
    calibrator_from_dict,
    calibrator_to_dict,
)
from al_engine.learning.metrics import Score, Scores, scores_of_confusion

THRESHOLDS = 101  # from 0 to 1 by hundredths


@dataclass(frozen=True)
class Line:
    """How a classifier's probabilities are written: calibrated, and positive above a threshold.

    Of one over all labels there is no threshold: it predicts the likeliest.
    """

    calibrator: Calibrator | None = None
    threshold: float = 0.5

    @property
    def is_plain(self) -> bool:
        """Is everything as the model itself says it?"""
        return self.calibrator is None and self.threshold == 0.5

    @property
    def method(self) -> str:
        """The kind of calibration, "" for none."""
        return "" if self.calibrator is None else str(calibrator_to_dict(self.calibrator)["method"])

    def __call__(
        self, proba: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Calibrated probabilities and what is predicted by them, both of shape (n,)."""
        proba = proba if self.calibrator is None else self.calibrator(proba)
        return proba, proba > np.float32(self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """The line as plain JSON values."""
        return {"calibration": calibrator_to_dict(self.calibrator), "threshold": self.threshold}

    def of_many(
        self, proba: npt.NDArray[np.float32], predicted: npt.NDArray[np.integer[Any]]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.integer[Any]]]:
        """Calibrated probabilities of each class, shape (n, n_classes), and the place predicted."""
        if self.calibrator is None:
            return proba, predicted
        proba = self.calibrator(proba)
        # A temperature leaves the order, and only rounding could make another first of equals.
        if isinstance(self.calibrator, Temperature):
            return proba, predicted
        return proba, proba.argmax(axis=1)

    def suits(self, n_classes: int) -> bool:
        """Can it be that of a classifier over so many labels, or with 0 of one label?"""
        if isinstance(self.calibrator, Temperature | IsotonicOfEach) != (
            bool(n_classes) and self.calibrator is not None
        ):
            return False
        if isinstance(self.calibrator, IsotonicOfEach):
            return len(self.calibrator.steps) == n_classes and self.threshold == 0.5
        return not n_classes or self.threshold == 0.5

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Line":
        """The line that ``to_dict`` wrote, from a file that may say anything; plain without one.

        Raises
        ------
        SettingsError : it is none
        """
        if "calibration" not in said and "threshold" not in said:
            return cls()
        threshold = said.get("threshold", 0.5)
        is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
        if not is_number or not 0 <= threshold <= 1:
            raise SettingsError(
                f"The threshold is {str(threshold)[:40]!r}.", "It must be a number from 0 to 1."
            )
        calibration = said.get("calibration", {"method": "none"})
        return cls(calibrator_from_dict(calibration), float(threshold))


@dataclass(frozen=True)
class AtThreshold:
    """What is predicted where every probability above ``threshold`` counts as positive.

    Purity is ``scores.precision``, completeness ``scores.recall``.
    """

    threshold: float
    scores: Scores


def at_threshold(
    proba: npt.NDArray[np.float32], is_positive: npt.NDArray[np.bool_], threshold: float
) -> AtThreshold:
    """The scores of one threshold, over objects of shape (n,)."""
    # In single precision, as whoever predicts compares.
    said = proba > np.float32(threshold)
    tp = int(np.count_nonzero(said & is_positive))
    fp = int(np.count_nonzero(said)) - tp
    fn = int(np.count_nonzero(is_positive)) - tp
    return AtThreshold(threshold, scores_of_confusion(len(proba) - tp - fp - fn, fp, fn, tp))


def thresholds(
    proba: npt.NDArray[np.float32], is_positive: npt.NDArray[np.bool_]
) -> tuple[AtThreshold, ...]:
    """The scores of every threshold from 0 to 1 by hundredths, over objects of shape (n,)."""
    return tuple(at_threshold(proba, is_positive, i / 100) for i in range(THRESHOLDS))


def best(
    curve: Sequence[AtThreshold], highest: str, least_of: str = "", least: float = 0.0
) -> AtThreshold | None:
    """The threshold at which a score is highest, of those where another is high enough.

    Of equals the nearest to one half; None where there is none.  The scores themselves are
    compared, not the ends of their intervals.

    Parameters
    ----------
    highest, least_of : names of scores, as "recall" where "precision" is at least ``least``
    """

    def value(point: AtThreshold, name: str) -> float | None:
        score: Score = getattr(point.scores, name)
        return score.value

    def suits(point: AtThreshold) -> bool:
        reached = value(point, least_of) if least_of else least
        return value(point, highest) is not None and reached is not None and reached >= least

    suiting = [point for point in curve if suits(point)]
    return max(
        suiting,
        key=lambda p: (value(p, highest) or 0.0, -abs(p.threshold - 0.5)),
        default=None,
    )
