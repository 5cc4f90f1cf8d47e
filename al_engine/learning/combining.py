"""One prediction of several one-vs-rest classifiers, each calibrated by a sigmoid.

Takes arrays of probabilities; knows no catalogue, and nothing of which objects may be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]

NONE = -1
_STEPS = 100  # of Newton's; it takes about ten
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
    z = _logit(proba)
    slope, intercept = _likeliest(z, target)
    if slope <= 0 or np.ptp(z) == 0:
        base = float(target.mean())
        return Sigmoid(0.0, float(np.log(base / (1 - base))))
    return Sigmoid(slope, intercept)


def _likeliest(z: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of the likeliest sigmoid, by Newton's steps.

    The likelihood has one maximum, and Platt's targets keep it finite.  A step that would lead
    downhill is halved.

    References
    ----------
    Lin, Lin and Weng 2007, Mach. Learn. 68, 267 (the line search)
    """
    if np.ptp(z) == 0:
        return 0.0, 0.0
    X = np.stack([z, np.ones_like(z)])
    at = np.array([0.0, float(np.log(target.mean() / (1 - target.mean())))])
    loss = _loss(at @ X, target)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(at @ X)))
        gradient, weight = X @ (p - target), p * (1 - p)
        hessian = (X * weight) @ X.T
        step = np.linalg.solve(hessian + 1e-12 * np.trace(hessian) * np.eye(2), gradient)
        size, slack = 1.0, 1e-4 * float(gradient @ step)
        while (now := _loss((at - size * step) @ X, target)) > loss - size * slack and size > 1e-6:
            size /= 2
        at, gained, loss = at - size * step, loss - now, now
        if gained <= 1e-12 * abs(loss):
            break
    return float(at[0]), float(at[1])


def _loss(z: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> float:
    """Minus the logarithm of the likelihood of log odds."""
    return float((np.logaddexp(0, z) - target * z).sum())


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
