"""How far probabilities are to be believed: stated shares against observed ones.

Takes arrays of probabilities of objects whose truth is known; knows no catalogue, and no
calibration.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_engine.learning.metrics import Score, share

Floats32: TypeAlias = npt.NDArray[np.float32]
Bools: TypeAlias = npt.NDArray[np.bool_]

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Objects whose probability lies in one of ten equal ranges.

    ``stated`` is the mean of their probabilities, ``observed`` the share that is positive.
    """

    stated: float
    observed: Score


@dataclass(frozen=True)
class Reliability:
    """Stated against observed shares; ranges without an object have no bin.

    ``ece`` is the expected calibration error: the mean over objects of |stated - observed| of
    their bins.  ``by_chance`` is what it would be in the mean, over as many objects with these
    probabilities, if every one of them were right: few objects never come out at 0.

    References
    ----------
    Naeini, Cooper and Hauskrecht 2015, AAAI, 2901.  Broecker and Smith 2007, Weather Forecast. 22,
    651 (what a right forecast would show).
    """

    bins: tuple[Bin, ...]
    ece: float
    n: int
    by_chance: float


def reliability(proba: Floats32, is_positive: Bools) -> Reliability:
    """How far probabilities are to be believed, over objects whose truth is known.

    Parameters
    ----------
    proba : shape (n,), n >= 1
    is_positive : shape (n,)

    >>> found = reliability(np.float32([0.1, 0.15, 0.9]), np.array([False, True, True]))
    >>> [(round(b.stated, 3), b.observed.value) for b in found.bins], round(found.ece, 3)
    ([(0.125, 0.5), (0.9, 1.0)], 0.283)
    """
    which = np.minimum((proba * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(which, minlength=BINS)
    stated = np.bincount(which, weights=proba.astype(np.float64), minlength=BINS)
    positive = np.bincount(which, weights=is_positive, minlength=BINS)
    bins = tuple(
        Bin(float(stated[i] / counts[i]), share(int(positive[i]), int(counts[i])))
        for i in np.flatnonzero(counts)
    )
    ece = float(np.abs(stated - positive).sum() / len(proba))
    return Reliability(bins, ece, len(proba), _by_chance(proba, which))


def _by_chance(proba: Floats32, which: npt.NDArray[np.intp]) -> float:
    """The mean expected calibration error of probabilities that are right.

    How many of a bin are positive is then nearly normal, by as many draws as there are objects: the
    mean of what it is off by follows, without drawing.
    """
    p = proba.astype(np.float64)
    variance = np.bincount(which, weights=p * (1 - p), minlength=BINS)
    return float(np.sqrt(2 / math.pi * variance).sum() / len(proba))
