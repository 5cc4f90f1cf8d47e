"""How far people agree who labelled the same objects: a share, and Cohen's kappa with an interval.

What is undefined is None, with the reason in words, never 0.  Takes labels; knows no names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.learning.metrics import Score, share

Z_95 = 1.959963984540054
ENOUGH = 10  # objects, for an interval that rests on there being many
RESAMPLES = 1000

NONE_SHARED = "No object has labels of both."
ONE_LABEL = "All gave one and the same label, so that chance agrees as well as they do."
TOO_FEW = f"An interval takes {ENOUGH} objects."
NO_SPREAD = "With no disagreement at all the formula gives no interval."


@dataclass(frozen=True)
class Kappa:
    """Agreement beyond chance, its 95% interval, and over how many objects.

    1 is full agreement, 0 what chance gives, below 0 less.  ``reason`` says why value or interval
    is None.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str = ""


@dataclass(frozen=True)
class Agreement:
    """The share of objects that were given the same label, and kappa."""

    share: Score
    kappa: Kappa


def agreement(one: Sequence[str], other: Sequence[str]) -> Agreement:
    """Compare two people's labels of the same objects, in the same order.

    >>> found = agreement(list("aabbb") * 4, list("aabba") * 4)
    >>> found.share.value, round(found.kappa.value, 3)
    (0.8, 0.615)
    """
    counts = _table(one, other)
    n = len(one)
    return Agreement(share(int(np.trace(counts)), n), kappa_of(counts))


def kappa_of(counts: npt.NDArray[Any]) -> Kappa:
    """Cohen's kappa of a square table of counts, with its large-sample interval.

    No interval is given over fewer than 10 objects, or where nobody disagreed: the formula would
    say that nothing is left in doubt.

    Parameters
    ----------
    counts : ndarray of shape (n_labels, n_labels), one person's labels by the other's

    References
    ----------
    Cohen 1960, Educ. Psychol. Meas. 20, 37.
    Fleiss, Cohen and Everitt 1969, Psychol. Bull. 72, 323 (the standard error).
    """
    n = int(counts.sum())
    if not n:
        return Kappa(None, None, None, 0, NONE_SHARED)
    p = counts / n
    rows, columns, observed = p.sum(axis=1), p.sum(axis=0), float(np.trace(p))
    by_chance = float(rows @ columns)
    if by_chance > 1 - 1e-12:
        return Kappa(None, None, None, n, ONE_LABEL)
    value = (observed - by_chance) / (1 - by_chance)
    if n < ENOUGH:
        return Kappa(value, None, None, n, TOO_FEW)
    if np.trace(counts) == n:
        return Kappa(value, None, None, n, NO_SPREAD)
    both = columns[:, None] + rows[None, :]  # for a cell (i, j): how often j by one, i by the other
    same = np.diag(p) @ ((1 - by_chance) - np.diag(both) * (1 - observed)) ** 2
    different = (1 - observed) ** 2 * float((p * both**2).sum() - np.diag(p) @ np.diag(both) ** 2)
    rest = (observed * by_chance - 2 * by_chance + observed) ** 2
    variance = max(0.0, float(same) + different - rest) / (n * (1 - by_chance) ** 4)
    half = Z_95 * math.sqrt(variance)
    return Kappa(value, max(-1.0, value - half), min(1.0, value + half), n)


def agreement_of_many(labels: Sequence[Sequence[str | None]], seed: int = 0) -> Agreement:
    """Compare several people at once: every two of them, by the objects that both labelled.

    The share is of all pairs of labels; kappa is the mean of the pairs' kappas, each weighted by
    its number of objects.  For more than two people the interval is of resampled objects (a seeded
    bootstrap, 2.5 to 97.5 per cent); ``n`` are the objects with two labels and more.

    Parameters
    ----------
    labels : for each person a label for each object, None where they gave none

    References
    ----------
    Light 1971, Psychol. Bull. 76, 365 (the mean of pairs).  Efron 1979, Ann. Stat. 7, 1.
    """
    if len(labels) < 3:
        both = [pair for pair in zip(*labels, strict=True) if len(pair) == 2 and None not in pair]
        return agreement([str(one) for one, _ in both], [str(other) for _, other in both])
    names = sorted({label for each in labels for label in each if label is not None})
    codes = np.array(
        [[-1 if label is None else names.index(label) for label in each] for each in labels]
    )
    codes = codes[:, (codes >= 0).sum(axis=0) > 1]
    pairs = [
        _Pair.of(codes[i], codes[j], len(names))
        for i in range(len(codes))
        for j in range(i + 1, len(codes))
    ]
    n = codes.shape[1]
    tables = [pair.table(np.ones(n)) for pair in pairs]
    same, of = (int(sum(f(t) for t in tables)) for f in (np.trace, np.sum))
    value = _mean_kappa(tables)
    whole = share(same, of)
    if value is None:
        return Agreement(whole, Kappa(None, None, None, n, ONE_LABEL if n else NONE_SHARED))
    if n < ENOUGH or same == of:
        reason = TOO_FEW if n < ENOUGH else NO_SPREAD
        return Agreement(whole, Kappa(value, None, None, n, reason))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    found = [_mean_kappa([pair.table(weights) for pair in pairs]) for weights in drawn]
    low, high = np.quantile([k for k in found if k is not None], (0.025, 0.975))
    return Agreement(whole, Kappa(value, min(value, float(low)), max(value, float(high)), n))


@dataclass(frozen=True)
class _Pair:
    """What two people said, by the objects that both labelled."""

    objects: npt.NDArray[np.intp]
    cells: npt.NDArray[np.intp]
    n_labels: int

    @classmethod
    def of(cls, one: npt.NDArray[Any], other: npt.NDArray[Any], n_labels: int) -> "_Pair":
        objects = np.flatnonzero((one >= 0) & (other >= 0))
        return cls(objects, (one * n_labels + other)[objects], n_labels)

    def table(self, weights: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Counts of one's labels by the other's, with each object counted so many times."""
        k = self.n_labels
        counts = np.bincount(self.cells, weights[self.objects], k * k).reshape(k, k)
        return counts.astype(np.float64)


def _mean_kappa(tables: Sequence[npt.NDArray[Any]]) -> float | None:
    found = []
    for counts in tables:
        n = float(counts.sum())
        by_chance = float(counts.sum(axis=1) @ counts.sum(axis=0)) / n**2 if n else 1.0
        if by_chance < 1 - 1e-12:
            found.append((n, (float(np.trace(counts)) / n - by_chance) / (1 - by_chance)))
    total = sum(n for n, _ in found)
    return sum(n * kappa for n, kappa in found) / total if total else None


def _table(one: Sequence[str], other: Sequence[str]) -> npt.NDArray[np.int64]:
    names = {label: i for i, label in enumerate(sorted({*one, *other}))}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for a, b in zip(one, other, strict=True):
        counts[names[a], names[b]] += 1
    return counts
