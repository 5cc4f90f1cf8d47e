"""One prediction of several one-vs-rest classifiers, each calibrated by a sigmoid.

Takes arrays of probabilities; knows no catalogue, and nothing of which objects may be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Floats32 = npt.NDArray[np.float32]

NONE = -1
_SURE = 1e-3  # what a forest is sure of has no finite logit; nothing is surer than this


@dataclass(frozen=True)
class Sigmoid:
    """What a probability is worth: 1 / (1 + exp(-(slope * logit(p) + intercept)))."""

    slope: float
    intercept: float

    def __call__(self, proba: Floats32) -> Floats32:
        """Calibrated probabilities, of the same shape."""
        z = self.slope * _logit(proba) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-z)), dtype=np.float32)


def fit_sigmoid(proba: Floats32, is_positive: npt.NDArray[np.bool_]) -> Sigmoid:
    """Fit a sigmoid to what is known of some objects, by maximum likelihood on Platt's targets.

    A sigmoid never turns the classifier's order round: where that would fit best, every object
    gets the same probability.

    Parameters
    ----------
    proba : shape (n,), n >= 1
    is_positive : shape (n,)

    References
    ----------
    Platt 1999, "Probabilistic outputs for support vector machines", Advances in Large Margin
    Classifiers
    """
    n_positive = int(np.count_nonzero(is_positive))
    n_negative = len(is_positive) - n_positive
    target = np.where(is_positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    X = _logit(proba).reshape(-1, 1)
    # A target between 0 and 1 is both labels, each with its share of the weight.
    model = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8)
    sides = np.repeat([1, 0], len(target))
    model.fit(np.concatenate([X, X]), sides, np.concatenate([target, 1 - target]))
    slope = float(model.coef_[0, 0])
    if slope <= 0 or np.ptp(X) == 0:
        base = float(target.mean())
        return Sigmoid(0.0, float(np.log(base / (1 - base))))
    return Sigmoid(slope, float(model.intercept_[0]))


def combine(calibrated: Sequence[Floats32], none_below: float) -> npt.NDArray[np.int16]:
    """The classifier whose label is likeliest, for each object.

    Of equals the first; NONE where every probability lies under ``none_below``.

    Parameters
    ----------
    calibrated : the probabilities of each classifier's label, each of shape (n,)

    Returns
    -------
    predicted : shape (n,), positions in ``calibrated``

    Examples
    --------
    >>> ours = [np.float32([0.9, 0.6, 0.2]), np.float32([0.1, 0.6, 0.3])]
    >>> combine(ours, 0.5).tolist()
    [0, 0, -1]
    """
    together = np.stack(calibrated)
    predicted: npt.NDArray[np.int16] = together.argmax(axis=0).astype(np.int16)
    predicted[together.max(axis=0) < none_below] = NONE
    return predicted


def _logit(proba: Floats32) -> npt.NDArray[np.float64]:
    p = np.clip(proba.astype(np.float64), _SURE, 1 - _SURE)
    return np.asarray(np.log(p / (1 - p)))
