"""What one model of a simulation said of the objects it was tested on: counts, and their scores.

Owns the counts that a round keeps and every score that follows from them.  Counts are whole
numbers, so that what is written and read again gives the same scores to the last bit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tally:
    """How many objects of each class were taken for which: (actual, predicted, n), none of n 0."""

    cells: tuple[tuple[int, int, int], ...]

    @property
    def n(self) -> int:
        """How many objects there are."""
        return sum(n for _, _, n in self.cells)

    def matrix(self, n_classes: int) -> NDArray[np.int64]:
        """Shape (n_classes, n_classes); a row for each actual class."""
        made = np.zeros((n_classes, n_classes), dtype=np.int64)
        for actual, predicted, n in self.cells:
            made[actual, predicted] = n
        return made


def count(y_true: NDArray[Any], y_pred: NDArray[Any], classes: NDArray[Any]) -> Tally:
    """Count labels against predictions, both of shape (n,) and of values of ``classes``."""
    k = len(classes)
    actual, predicted = (np.searchsorted(classes, labels) for labels in (y_true, y_pred))
    found = np.bincount(actual * k + predicted, minlength=k * k)
    return Tally(tuple((int(at) // k, int(at) % k, int(found[at])) for at in np.flatnonzero(found)))


def missed(tally: Tally, n_classes: int) -> tuple[int, ...]:
    """For each class how many of it were taken for another: of two, false positives, negatives."""
    cells = tally.matrix(n_classes)
    return tuple(int(n) for n in cells.sum(axis=1) - np.diag(cells))


def score(tally: Tally, n_classes: int, positive: int | None) -> dict[str, float | int | None]:
    """Accuracy, precision, recall, F1, false positives and false negatives.

    With ``positive``, a class by its place, they are of that class; None is what is undefined.
    Without, they are unweighted means over the classes that occur or are predicted; one that is
    never predicted counts with precision 0, one that never occurs with recall 0; and every wrong
    prediction is a false positive of one class and a false negative of another.
    """
    cells = tally.matrix(n_classes)
    n, right = int(cells.sum()), np.diag(cells)
    actual, predicted = cells.sum(axis=1), cells.sum(axis=0)
    accuracy = _share(int(right.sum()), n)
    if positive is not None:
        tp, fp, fn = (
            int(right[positive]),
            int(predicted[positive] - right[positive]),
            int(actual[positive] - right[positive]),
        )
        return {
            "accuracy": accuracy,
            "precision": _share(tp, tp + fp),
            "recall": _share(tp, tp + fn),
            "f1": _share(2 * tp, 2 * tp + fp + fn),
            "false_positives": fp,
            "false_negatives": fn,
        }
    present = np.flatnonzero(actual + predicted)
    wrong = n - int(right.sum())
    return {
        "accuracy": accuracy,
        "precision": _mean(right[present], predicted[present]),
        "recall": _mean(right[present], actual[present]),
        "f1": _mean(2 * right[present], (actual + predicted)[present]),
        "false_positives": wrong,
        "false_negatives": wrong,
    }


def _share(part: int, n: int) -> float | None:
    return part / n if n else None


def _mean(parts: NDArray[np.int64], of: NDArray[np.int64]) -> float | None:
    shares = [int(part) / int(n) if n else 0.0 for part, n in zip(parts, of, strict=True)]
    return sum(shares) / len(shares) if shares else None
