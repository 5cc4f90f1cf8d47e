"""When to stop: three signs that further labels change little, and what more of them may bring.

Owns what each sign is worked out from and when it says so.  Takes numbers and arrays of predicted
classes; knows no catalogue, and decides nothing: a person does.
"""

import base64
import binascii
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from al_engine.learning.agreement import agreement_of_codes
from al_engine.learning.metrics import share

Codes = npt.NDArray[np.uint8]

STEP = 10  # labels between two models that are compared: one label more hardly changes a model
COMPARED = 3  # comparisons, of four models
STABLE_KAPPA = 0.99
CHANGED = 0.005
PLATEAU_LABELS, PLATEAU_ROUNDS = 40, 8  # the last of either, whichever reaches further back
PER, RISE = 50, 0.01  # a score that rises by less than this in so many labels has levelled off
MORE = 100
GAIN_ROUNDS, GAIN_LABELS = 12, 20  # with fewer there is nothing to extrapolate from
SIGNS_WANTED = 2
_NO_TREND = 1e-12


@dataclass(frozen=True)
class Past:
    """What is known of one round.

    ``codes`` are the classes that its model gave the objects of the fixed sample, None where that
    was not kept; ``score`` is its validation score, None where there is none.
    """

    n_labelled: int
    codes: Codes | None = None
    score: float | None = None


@dataclass(frozen=True)
class Sign:
    """One sign: its value, its 95% interval where it has one, and whether it says to stop.

    ``n`` is how many objects or rounds it is over; ``says`` and ``value`` are None where it cannot
    be told, for the ``reason`` given.
    """

    value: float | None
    says: bool | None
    n: int = 0
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Gain:
    """What ``MORE`` labels more may add to the score, with its 95% interval; or why that is open.

    ``n`` is how many rounds it is worked out from.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str = ""


@dataclass(frozen=True)
class Advice:
    """The three signs side by side, and the expected gain."""

    stable: Sign
    unchanged: Sign
    level: Sign
    gain: Gain

    @property
    def signs(self) -> tuple[Sign, Sign, Sign]:
        return self.stable, self.unchanged, self.level

    @property
    def n_saying(self) -> int:
        """How many of the signs say to stop."""
        return sum(sign.says is True for sign in self.signs)

    @property
    def is_too_early(self) -> bool:
        """Are fewer signs known than would have to agree?"""
        return sum(sign.says is not None for sign in self.signs) < SIGNS_WANTED

    @property
    def is_to_stop(self) -> bool:
        """Do two of the three agree that further labels change little?

        Not while the score is still expected to rise, by the lower end of the expected gain:
        models may agree with each other long before they are right.
        """
        is_rising = self.gain.low is not None and self.gain.low > RISE
        return self.n_saying >= SIGNS_WANTED and not is_rising


def advise(rounds: Sequence[Past], n_elsewhere: int = 0) -> Advice:
    """What all rounds so far say, the oldest first.

    ``n_elsewhere`` of them have scores over other objects, which are not among these.
    """
    scored = [each for each in rounds if each.score is not None]
    n = np.array([each.n_labelled for each in scored], dtype=np.float64)
    scores = np.array([each.score for each in scored], dtype=np.float64)
    compared, reason = _compared(rounds)
    level, gain = plateau(n, scores), expected_gain(n, scores)
    if n_elsewhere:
        were = "round was" if n_elsewhere == 1 else "rounds were"
        apart = f" {n_elsewhere:,} earlier {were} scored over other objects and cannot be compared."
        level = replace(level, reason=level.reason and level.reason + apart)
        gain = replace(gain, reason=gain.reason and gain.reason + apart)
    return Advice(
        stabilising(compared) if compared else Sign(None, None, reason=reason),
        changing(compared) if compared else Sign(None, None, reason=reason),
        level,
        gain,
    )


# -- predictions -------------------------------------------------------------------------------


def _compared(rounds: Sequence[Past]) -> tuple[list[Codes], str]:
    """The predictions of the last model and of those ``STEP`` labels apart before it, oldest first.

    None of them where they do not reach back far enough, with the reason.
    """
    known = [each for each in rounds if each.codes is not None]
    chosen: list[Past] = []
    for each in reversed(known):
        if not chosen or each.n_labelled <= chosen[-1].n_labelled - STEP:
            chosen.append(each)
        if len(chosen) > COMPARED:
            break
    codes = [each.codes for each in reversed(chosen) if each.codes is not None]
    if len(chosen) <= COMPARED:
        wanted = f"It compares {COMPARED + 1} models, each {STEP} labels apart from the next"
        if len(known) < len(rounds):
            wanted += "; what models said is not known for rounds made before it was kept"
        return [], f"{wanted}."
    if len({len(each) for each in codes}) > 1:
        return [], "The models were asked about different objects."
    if all(bool(np.all(each == codes[0][0])) for each in codes):
        return [], "All models say the same of every object so far."
    return codes, ""


def stabilising(codes: Sequence[Codes]) -> Sign:
    """Do successive models agree: is the mean of Cohen's kappa between them at least 0.99?

    Parameters
    ----------
    codes : the classes that each model gave the same objects, shape (n_objects,), oldest first

    References
    ----------
    Bloodgood and Vijay-Shanker 2009, CoNLL, 39 (a stop set, mean kappa over the last three).
    """
    pairs = list(pairwise(codes))
    kappas = [agreement_of_codes(*pair).kappa.value for pair in pairs]
    known = [kappa for kappa in kappas if kappa is not None]
    if len(known) < len(pairs) or not known:
        return Sign(None, None, reason="Some models say the same of every object.")
    mean = float(np.mean(known))
    return Sign(mean, mean >= STABLE_KAPPA, len(codes[0]))


def changing(codes: Sequence[Codes]) -> Sign:
    """Did the last model change the class of hardly any object, of under 0.5%?

    The interval is Wilson's; what says enough is the share itself, as published.

    Parameters
    ----------
    codes : as in ``stabilising``

    References
    ----------
    Zhu, Wang, Hovy and Ma 2010, ACM Trans. Speech Lang. Process. 6, 3 (classification change).
    """
    n = len(codes[-1])
    changed = share(int(np.count_nonzero(codes[-1] != codes[-2])), n)
    assert changed.value is not None, "there are objects"
    return Sign(changed.value, changed.value < CHANGED, n, changed.low, changed.high)


# -- scores ------------------------------------------------------------------------------------


def plateau(n_labelled: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> Sign:
    """Has the score levelled off: is even the upper end of its rise under 0.01 in 50 labels?

    The rise is the slope of a straight line through the last 40 labels' rounds, 8 at least, with
    its 95% interval.  Scores of successive rounds are over the same objects and wander together:
    the interval is widened by their autocorrelation.

    Parameters
    ----------
    n_labelled, scores : shape (n_rounds,), the oldest first

    References
    ----------
    Bartlett 1935, J. R. Stat. Soc. 98, 536 (how many independent values there are).
    """
    window = slice(0, 0)
    if len(n_labelled):
        # Back to the first round that is so many labels away or more: batches need not divide it.
        reaches = int(np.count_nonzero(n_labelled > n_labelled[-1] - PLATEAU_LABELS)) + 1
        window = slice(-max(reaches, PLATEAU_ROUNDS), None)
    x, y = n_labelled[window], scores[window]
    if len(x) < PLATEAU_ROUNDS or np.ptp(x) < PLATEAU_LABELS:
        return Sign(
            None,
            None,
            reason=f"It takes {PLATEAU_ROUNDS} rounds with a validation score, over "
            f"{PLATEAU_LABELS} labels.",
        )
    slope, error, freedom = _slope(x, y)
    half = float(student.ppf(0.975, freedom)) * error
    low, rise, high = (PER * each for each in (slope - half, slope, slope + half))
    return Sign(rise, high < RISE, len(x), low, high)


def expected_gain(
    n_labelled: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], more: int = MORE
) -> Gain:
    """What more labels may add, where the score goes on as over the later half of the labels.

    There it is taken to rise by as much at each doubling of the labels: a straight line of the
    score on the logarithm of their number, with the interval of its slope, widened as for
    ``plateau``.  Learning curves flatten: what it says of many labels is rather too much.

    Parameters
    ----------
    n_labelled, scores : shape (n_rounds,), the oldest first

    References
    ----------
    Viering and Loog 2023, IEEE Trans. Pattern Anal. Mach. Intell. 45, 7799 (learning curves).
    """
    late = n_labelled >= n_labelled[-1] / 2 if len(n_labelled) else np.zeros(0, dtype=np.bool_)
    x, y = n_labelled[late], scores[late]
    if len(x) < GAIN_ROUNDS or np.ptp(x) < GAIN_LABELS:
        reason = (
            f"It takes {GAIN_ROUNDS} rounds with a validation score, over {GAIN_LABELS} labels."
        )
        return Gain(None, None, None, len(x), reason)
    slope, error, freedom = _slope(np.log(x), y)
    half = float(student.ppf(0.975, freedom)) * error
    further = math.log1p(more / x[-1])
    # No score passes 1, whatever the line says.
    room = 1.0 - float(y[-1])
    low, gain, high = (min(room, further * each) for each in (slope - half, slope, slope + half))
    return Gain(gain, low, high, len(x))


def _slope(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Slope of a straight line, its standard error, and its degrees of freedom.

    Both are those of as many independent values as there are, by the residuals' correlation with
    the ones before them.
    """
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    residuals = y - y.mean() - slope * away
    squares = float(residuals @ residuals)
    if squares < _NO_TREND:
        return slope, 0.0, float(len(x) - 2)
    alike = min(0.9, max(0.0, float(residuals[1:] @ residuals[:-1]) / squares))
    n = max(4.0, len(x) * (1 - alike) / (1 + alike))
    error = math.sqrt(squares / (n - 2) / float(away @ away) * len(x) / n)
    return slope, error, n - 2


# -- how predictions are kept ------------------------------------------------------------------


def as_text(codes: npt.NDArray[Any]) -> str:
    """Predicted classes as short text, for a round to be kept with.

    >>> [int(code) for code in from_text(as_text(np.array([0, 1, 2], np.uint8)), 3)]
    [0, 1, 2]
    """
    return base64.b64encode(zlib.compress(codes.astype(np.uint8).tobytes(), 9)).decode()


@lru_cache(4096)  # a page is drawn again and again, and rounds stay what they are
def from_text(text: str, n: int) -> Codes | None:
    """The classes of ``n`` objects that ``as_text`` wrote; None for anything else."""
    unpack = zlib.decompressobj()
    try:
        held = unpack.decompress(base64.b64decode(text, validate=True), n + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    return np.frombuffer(held, np.uint8) if len(held) == n else None
