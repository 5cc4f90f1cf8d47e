"""How far people agree who labelled the same objects: a share, and Cohen's kappa with an interval.

What is undefined is None, with the reason in words, never 0.  Takes labels; knows no names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.learning.metrics import Z_95, Score, confusion_of, share

ENOUGH = 10  # objects, for an interval that rests on there being many
RESAMPLES = 1000
MOST_UNDEFINED = 0.05  # of the resamples: with more, those that are left are no fair draw
_AT_ONCE = 4_000_000  # numbers of resampled objects that are held at a time
_NOTHING = 1e-12

NONE_SHARED = "No object has labels of both."
ONE_LABEL = "All gave one and the same label, so that chance agrees as well as they do."
TOO_FEW = f"An interval takes {ENOUGH} objects."
NO_SPREAD = "With no disagreement at all the formula gives no interval."
ONE_SIDED = "One of them gave one and the same label: the formula gives no interval."
NO_WIDTH = "The interval would have no width, as if nothing were left in doubt."
RARELY_DEFINED = "Too few objects differ from the rest for an interval."


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
    place = {label: i for i, label in enumerate(sorted({*one, *other}))}
    a, b = (np.array([place[label] for label in each], dtype=np.intp) for each in (one, other))
    return agreement_of_codes(a, b)


def agreement_of_codes(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> Agreement:
    """The same of labels by their codes from 0, each of shape (n,)."""
    n_labels = int(max(one.max(), other.max())) + 1 if len(one) else 0
    counts = confusion_of(one, other, n_labels)
    return Agreement(share(int(np.trace(counts)), len(one)), kappa_of(counts))


def kappa_of(counts: npt.NDArray[Any]) -> Kappa:
    """Cohen's kappa of a square table of counts, with its large-sample interval.

    No interval is given over fewer than 10 objects, where nobody disagreed, or where one person
    gave one label alone: the formula would say that nothing is left in doubt.

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
    value = float(_kappas(counts[None])[0])
    if math.isnan(value):
        return Kappa(None, None, None, n, ONE_LABEL)
    if n < ENOUGH:
        return Kappa(value, None, None, n, TOO_FEW)
    if np.trace(counts) == n:
        return Kappa(value, None, None, n, NO_SPREAD)
    p = counts / n
    rows, columns, observed = p.sum(axis=1), p.sum(axis=0), float(np.trace(p))
    if min(np.count_nonzero(rows), np.count_nonzero(columns)) < 2:
        return Kappa(value, None, None, n, ONE_SIDED)
    by_chance = float(rows @ columns)
    both = columns[:, None] + rows[None, :]  # for a cell (i, j): how often j by one, i by the other
    same = np.diag(p) @ ((1 - by_chance) - np.diag(both) * (1 - observed)) ** 2
    different = (1 - observed) ** 2 * float((p * both**2).sum() - np.diag(p) @ np.diag(both) ** 2)
    rest = (observed * by_chance - 2 * by_chance + observed) ** 2
    variance = max(0.0, float(same) + different - rest) / (n * (1 - by_chance) ** 4)
    if variance < _NOTHING:
        return Kappa(value, None, None, n, NO_WIDTH)
    half = Z_95 * math.sqrt(variance)
    return Kappa(value, max(-1.0, value - half), min(1.0, value + half), n)


def agreement_of_many(labels: Sequence[Sequence[str | None]], seed: int = 0) -> Agreement:
    """Compare several people at once: every two of them, by the objects that both labelled.

    The share is of all pairs of labels; kappa is the mean of the pairs' kappas, each weighted by
    its number of objects.  For more than two people both intervals are of resampled objects (a
    seeded bootstrap, 2.5 to 97.5 per cent): the pairs of one object are no independent draws.
    Where resampling cannot tell, as over few objects or with no disagreement, the share has
    Wilson's interval over objects, and kappa none.  ``n`` of kappa are the objects with two labels
    and more, that of the share are the pairs of labels.

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
    names = {
        label: i
        for i, label in enumerate(sorted({x for each in labels for x in each if x is not None}))
    }
    codes = np.array([[-1 if x is None else names[x] for x in each] for each in labels], np.int64)
    codes = codes[:, (codes >= 0).sum(axis=0) > 1]
    n = codes.shape[1]
    if not n:
        return Agreement(share(0, 0), Kappa(None, None, None, 0, NONE_SHARED))
    # Objects that everybody labelled alike are drawn as one, with the weight of them all.
    kinds, n_alike = np.unique(codes, axis=1, return_counts=True)
    pairs = [_Pair.of(one, other, len(names)) for one, other in combinations(kinds, 2)]
    pairs = [pair for pair in pairs if len(pair.cells)]
    shares, kappas = _over_pairs(pairs, n_alike[None])
    of = int(sum(n_alike[pair.kinds].sum() for pair in pairs))
    value, same = float(kappas[0]), float(shares[0])
    # Averaged over its pairs, an object varies no more than one pair does.
    over_objects = share(same * n, n)
    whole = replace(over_objects, n=of)
    if math.isnan(value):
        return Agreement(whole, Kappa(None, None, None, n, ONE_LABEL))
    if n < ENOUGH or same == 1:
        reason = TOO_FEW if n < ENOUGH else NO_SPREAD
        return Agreement(whole, Kappa(value, None, None, n, reason))
    shares, kappas = _resampled(pairs, n_alike, seed)
    if np.ptp(shares) > _NOTHING:
        whole = Score(same, *_ends(shares, same), of)
    defined = kappas[~np.isnan(kappas)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(kappas):
        return Agreement(whole, Kappa(value, None, None, n, RARELY_DEFINED))
    if np.ptp(defined) < _NOTHING:
        return Agreement(whole, Kappa(value, None, None, n, NO_WIDTH))
    return Agreement(whole, Kappa(value, *_ends(defined, value), n))


def _resampled(
    pairs: "Sequence[_Pair]", n_alike: npt.NDArray[np.int64], seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Share and kappa over so many draws of as many objects as there are, with replacement."""
    rng, n = np.random.default_rng(seed), int(n_alike.sum())
    at_once = max(1, _AT_ONCE // len(n_alike))
    found = [
        _over_pairs(pairs, rng.multinomial(n, n_alike / n, size=min(at_once, RESAMPLES - start)))
        for start in range(0, RESAMPLES, at_once)
    ]
    shares, kappas = (np.concatenate(each) for each in zip(*found, strict=True))
    return shares[~np.isnan(shares)], kappas


def _ends(drawn: npt.NDArray[np.float64], value: float) -> tuple[float, float]:
    """The percentiles of what was drawn; a value is never outside its own interval."""
    low, high = np.quantile(drawn, (0.025, 0.975))
    return min(value, float(low)), max(value, float(high))


@dataclass(frozen=True)
class _Pair:
    """What two people said, by the kinds of objects that both labelled."""

    kinds: npt.NDArray[np.intp]
    cells: npt.NDArray[np.int64]
    n_labels: int

    @classmethod
    def of(cls, one: npt.NDArray[Any], other: npt.NDArray[Any], n_labels: int) -> "_Pair":
        kinds = np.flatnonzero((one >= 0) & (other >= 0))
        return cls(kinds, (one * n_labels + other)[kinds], n_labels)

    def tables(self, weights: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Counts of one's labels by the other's for each draw, each kind counted so many times.

        Parameters
        ----------
        weights : shape (n_draws, n_kinds)

        Returns
        -------
        tables : shape (n_draws, n_labels, n_labels)
        """
        n_cells, n_draws = self.n_labels**2, len(weights)
        places = np.arange(n_draws)[:, None] * n_cells + self.cells
        counts = np.bincount(places.ravel(), weights[:, self.kinds].ravel(), n_draws * n_cells)
        return counts.astype(np.float64).reshape(n_draws, self.n_labels, self.n_labels)


def _over_pairs(
    pairs: Sequence[_Pair], weights: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each draw the share of all pairs of labels, and the mean kappa; NaN where undefined."""
    same, of, total, summed = np.zeros((4, len(weights)))
    for pair in pairs:
        tables = pair.tables(weights)
        n, kappas = tables.sum(axis=(1, 2)), _kappas(tables)
        same += np.trace(tables, axis1=1, axis2=2)
        of += n
        total += np.where(np.isnan(kappas), 0, n)
        summed += np.where(np.isnan(kappas), 0, n * kappas)
    with np.errstate(invalid="ignore"):
        return same / of, summed / total


def _kappas(tables: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Cohen's kappa of each table, shape (n_tables, n_labels, n_labels); NaN where undefined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        p = tables / tables.sum(axis=(1, 2))[:, None, None]
        by_chance = (p.sum(axis=2) * p.sum(axis=1)).sum(axis=1)
        kappas = (np.trace(p, axis1=1, axis2=2) - by_chance) / (1 - by_chance)
    return np.where(by_chance < 1 - _NOTHING, kappas, np.nan)
