"""What a probability is worth: the calibrations that mend it.

Owns sigmoids, isotonic steps and temperatures, all plain numbers that can be written down.  Takes
arrays of probabilities of objects whose truth is known; knows no catalogue, and nothing of which
objects may be used.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.isotonic import IsotonicRegression

from al_engine.errors import SettingsError

Floats32: TypeAlias = npt.NDArray[np.float32]
Bools: TypeAlias = npt.NDArray[np.bool_]

MOST_STEPS = 10_000
_STEPS = 100  # of Newton's; it takes about ten
_SURE = 1e-3  # what a forest is sure of has no finite logit; nothing is surer than this
ENOUGH_OF_A_CLASS = 5
COLDEST, HOTTEST = 0.02, 50.0  # far beyond what any model here was seen to want


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


@dataclass(frozen=True)
class Isotonic:
    """What a probability is worth, as a rising line through the points (``at``, ``worth``)."""

    at: tuple[float, ...]
    worth: tuple[float, ...]

    def __call__(self, proba: Floats32) -> Floats32:
        """Calibrated probabilities, of the same shape."""
        return np.interp(proba, self.at, self.worth).astype(np.float32)


@dataclass(frozen=True)
class Temperature:
    """What the probabilities of several classes are worth: each to the power 1 / ``temperature``.

    Over 1 it takes certainty away, under 1 it adds some.  The order of an object's classes stays:
    it predicts what the model predicts.
    """

    temperature: float

    def __call__(self, proba: Floats32) -> Floats32:
        """Calibrated probabilities of shape (n, n_classes), which add up to 1."""
        cooled = _log_shares(proba) / self.temperature
        cooled -= cooled.max(axis=1, keepdims=True)
        shares = np.exp(cooled)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)


def fit_temperature(proba: Floats32, truth: npt.NDArray[np.integer[Any]]) -> Temperature:
    """Fit a temperature to what is known of some objects, by maximum likelihood.

    As in Platt's targets nothing is taken to be quite certain: of n objects each counts with
    1 / (n + 2) as one that might as well be of any class, which keeps the likelihood's one maximum
    finite.

    Parameters
    ----------
    proba : shape (n, n_classes), n >= 1
    truth : shape (n,), the place of each object's class

    References
    ----------
    Guo, Pleiss, Sun and Weinberger 2017, ICML, 1321
    """
    z = _log_shares(proba)
    doubt = 1 / (len(z) + 2)
    wanted = (1 - doubt) * z[np.arange(len(z)), truth] + doubt * z.mean(axis=1)

    def loss(log_temperature: float) -> float:
        cold = math.exp(-log_temperature)
        return float((logsumexp(cold * z, axis=1) - cold * wanted).sum())

    # In 1 / temperature it has one minimum, and so in its logarithm.
    found = minimize_scalar(loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded")
    return Temperature(math.exp(float(found.x)))


@dataclass(frozen=True)
class IsotonicOfEach:
    """What the probabilities of several classes are worth: rising steps of each, made to add up.

    Another class than before may come out likeliest.
    """

    steps: tuple[Isotonic, ...]

    def __call__(self, proba: Floats32) -> Floats32:
        """Calibrated probabilities of shape (n, n_classes), which add up to 1.

        An object that no class is left for keeps what it had.
        """
        made = [each(proba[:, i]) for i, each in enumerate(self.steps)]
        shares = np.stack(made, axis=1).astype(np.float64)
        total = shares.sum(axis=1, keepdims=True)
        return np.where(total > 0, shares / np.where(total > 0, total, 1), proba).astype(np.float32)


def fit_isotonic_of_each(proba: Floats32, truth: npt.NDArray[np.integer[Any]]) -> IsotonicOfEach:
    """Fit rising steps to each class against all others.

    A class with under five objects is left as it is: steps from so few would rule it out.

    Parameters
    ----------
    proba : shape (n, n_classes), n >= 1
    truth : shape (n,), the place of each object's class

    References
    ----------
    Zadrozny and Elkan 2002, KDD, 694 (one against the rest, made to add up)
    """
    as_it_is = Isotonic((0.0, 1.0), (0.0, 1.0))
    return IsotonicOfEach(
        tuple(
            as_it_is
            if np.count_nonzero(truth == i) < ENOUGH_OF_A_CLASS
            else fit_isotonic(proba[:, i], truth == i)
            for i in range(proba.shape[1])
        )
    )


def _log_shares(proba: Floats32) -> npt.NDArray[np.float64]:
    """Logarithms of probabilities, none of which is surer than ``_SURE`` leaves it.

    So many classes share that rest that an object of many is no less sure than one of few.
    """
    return np.asarray(np.log(np.maximum(proba.astype(np.float64), _SURE / proba.shape[1])))


Calibrator: TypeAlias = Sigmoid | Isotonic | Temperature | IsotonicOfEach


def fit_isotonic(proba: Floats32, is_positive: Bools) -> Isotonic:
    """Fit the rising steps that are nearest to what is known of some objects.

    The order of a classifier is kept, but for equals that it makes of what it cannot tell apart.

    Parameters
    ----------
    proba : shape (n,), n >= 1
    is_positive : shape (n,)

    References
    ----------
    Zadrozny and Elkan 2002, KDD, 694
    """
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fitted.fit(proba.astype(np.float64), is_positive.astype(np.float64))
    return Isotonic(
        tuple(np.asarray(fitted.X_thresholds_).tolist()),
        tuple(np.asarray(fitted.y_thresholds_).tolist()),
    )


# Of one label against all others, and of several that are told apart.
FITS: dict[str, Callable[[Floats32, Bools], Calibrator]] = {
    "sigmoid": fit_sigmoid,
    "isotonic": fit_isotonic,
}
FITS_OF_MANY: dict[str, Callable[[Floats32, npt.NDArray[Any]], Calibrator]] = {
    "temperature": fit_temperature,
    "isotonic": fit_isotonic_of_each,
}


def calibrator_to_dict(calibrator: Calibrator | None) -> dict[str, Any]:
    """A calibration as plain JSON values."""
    if calibrator is None:
        return {"method": "none"}
    if isinstance(calibrator, Sigmoid):
        numbers = {"slope": calibrator.slope, "intercept": calibrator.intercept}
        return {"method": "sigmoid", **numbers}
    if isinstance(calibrator, Temperature):
        return {"method": "temperature", "temperature": calibrator.temperature}
    if isinstance(calibrator, IsotonicOfEach):
        steps = [{"at": list(each.at), "worth": list(each.worth)} for each in calibrator.steps]
        return {"method": "isotonic", "classes": steps}
    return {"method": "isotonic", "at": list(calibrator.at), "worth": list(calibrator.worth)}


def calibrator_from_dict(said: Mapping[str, Any]) -> Calibrator | None:
    """The calibration that ``calibrator_to_dict`` wrote, from a file that may say anything.

    Raises
    ------
    SettingsError : it is none
    """
    try:
        method = said["method"]
        if method == "none":
            return None
        if method == "sigmoid":
            slope, intercept = float(said["slope"]), float(said["intercept"])
            if slope >= 0 and math.isfinite(slope) and math.isfinite(intercept):
                return Sigmoid(slope, intercept)
        if method == "temperature":
            temperature = float(said["temperature"])
            if COLDEST <= temperature <= HOTTEST:
                return Temperature(temperature)
        if method == "isotonic":
            found = [_steps(each) for each in said.get("classes", [said])]
            steps = tuple(each for each in found if each is not None)
            if len(steps) == len(found):
                return IsotonicOfEach(steps) if "classes" in said else steps[0]
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise SettingsError(
        "The calibration is neither a sigmoid of rising slope, nor steps that rise from 0 to 1, "
        f"nor a temperature from {COLDEST:g} to {HOTTEST:g}.",
        "Use the files as Sextant saved them.",
    )


def _steps(said: Mapping[str, Any]) -> Isotonic | None:
    at, worth = (tuple(float(v) for v in said[name]) for name in ("at", "worth"))
    is_sound = 0 < len(at) == len(worth) <= MOST_STEPS and _rises(at) and _rises(worth)
    return Isotonic(at, worth) if is_sound else None


def _rises(values: tuple[float, ...]) -> bool:
    within = all(0 <= value <= 1 for value in values)  # and no NaN
    return within and all(a <= b for a, b in pairwise(values))


def cross_fitted(
    proba: Floats32,
    truth: npt.NDArray[Any],
    fold: npt.NDArray[np.integer[Any]],
    fit: Callable[[Floats32, Any], Calibrator],
) -> Floats32:
    """Each object's calibrated probability by a calibration that has not seen its fold.

    Parameters
    ----------
    proba : shape (n,), or (n, n_classes) for a temperature
    truth, fold : shape (n,); which are positive, or the place of each one's class
    """
    made = np.empty_like(proba)
    for number in np.unique(fold):
        held_out = fold == number
        others = ~held_out
        made[held_out] = (
            fit(proba[others], truth[others])(proba[held_out]) if others.any() else proba[held_out]
        )
    return made


def _logit(proba: Floats32) -> npt.NDArray[np.float64]:
    p = np.clip(proba.astype(np.float64), _SURE, 1 - _SURE)
    return np.asarray(np.log(p / (1 - p)))
