"""How many labels a curve needs and how many are saved over random choice, over seeds.

Owns what may be said where some seeds never get there: what was measured is a mean with an
interval, what is only known from one side is a bound, and the two are never mixed.  Takes plain
numbers; must not know models or files.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.stats import t as student

from al_engine.simulating.curves import reached_at

Number: TypeAlias = float | int | None
Json: TypeAlias = dict[str, Any]


def over_seeds(
    values: Sequence[Number], least: float | None = None, most: float | None = None
) -> Json:
    """The mean with its 95% interval; what is None counts in ``n_without`` alone.

    The interval is mean +- t s / sqrt(n), with Student's t of n - 1 degrees of freedom, as far as
    it lies between the ``least`` and the ``most`` there can be; there is none over one value.
    """
    known = [float(value) for value in values if value is not None]
    n = len(known)
    mean = math.fsum(known) / n if n else None
    low = high = None
    if mean is not None and n > 1:
        spread = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (n - 1))
        half = float(student.ppf(0.975, n - 1)) * spread / math.sqrt(n)
        low = mean - half if least is None else max(least, mean - half)
        high = mean + half if most is None else min(most, mean + half)
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "n": n,
        "n_without": len(values) - n,
        "by_seed": list(values),
    }


# -- one curve ---------------------------------------------------------------------------------


def area(
    n_labelled: Sequence[int], scores: Sequence[Number], start: int, stop: int
) -> float | None:
    """The mean height of a curve between two numbers of labels, by trapezoids.

    Undefined scores count as 0.

    >>> area([10, 20, 40], [0.0, 1.0, 1.0], 10, 40), area([10, 20, 40], [0.0, 1.0, 1.0], 15, 20)
    (0.8333333333333334, 0.75)
    """
    if not n_labelled:
        return None
    heights = [0.0 if value is None else float(value) for value in scores]
    if stop <= start:
        return float(np.interp(start, n_labelled, heights))
    at = [start, *(n for n in n_labelled if start < n < stop), stop]
    return float(np.trapezoid(np.interp(at, n_labelled, heights), at)) / (stop - start)


@dataclass(frozen=True)
class Reach:
    """The labels ``at`` which something is reached and held; None where it is not.

    Then it takes ``at_least`` as many as the curve was given, or fewer by those rounds at its end
    that are there and were not seen to hold.
    """

    at: int | None
    at_least: int


def reach(
    n_labelled: Sequence[int], scores: Sequence[Number], least: float, *, is_whole: bool
) -> Reach:
    """How many labels a curve takes to a score.

    Parameters
    ----------
    is_whole : whether the curve ends for want of objects

    Examples
    --------
    >>> reach([10, 20, 30, 40], [0.5, 0.9, 0.9, 0.9], 0.9, is_whole=False)
    Reach(at=20, at_least=20)
    >>> reach([10, 20, 30, 40], [0.5, 0.9, 0.5, 0.9], 0.9, is_whole=False)
    Reach(at=None, at_least=40)
    >>> reach([10, 20, 30, 40], [0.5, 0.5, 0.9, 0.9], 0.9, is_whole=False)
    Reach(at=None, at_least=30)
    """
    at = reached_at(scores, least, is_whole=is_whole)
    if at is not None:
        return Reach(n_labelled[at], n_labelled[at])
    first = len(scores)
    while first > 0 and (value := scores[first - 1]) is not None and value >= least:
        first -= 1
    return Reach(None, n_labelled[min(first, len(scores) - 1)])


def labels_over_seeds(reached: Sequence[Reach | None]) -> Json:
    """Labels to something, over the seeds that get there; None is what nothing is known of.

    Where some do not, ``at_least`` is what the mean over all seeds is at least.
    """
    found = over_seeds([None if each is None else each.at for each in reached], 0)
    known = [each.at_least for each in reached if each is not None]
    is_bound = found["n_without"] and len(known) == len(reached)
    return {**found, "at_least": math.fsum(known) / len(known) if is_bound else None}


# -- against random choice ---------------------------------------------------------------------


def saved_over_seeds(pairs: Sequence[tuple[Reach | None, Reach | None]]) -> Json:
    """How many labels fewer than random choice, seed by seed: (the strategy's, random choice's).

    Mean and interval are over the seeds in which both get there.  Where in all others it is random
    choice that does not (``n_at_least``), the saving over all seeds is ``at_least`` the mean of
    what is known of each, and ``low`` of that is the lower end of its interval; there is no upper
    one.  ``at_most`` is the same where it is the strategy that does not (``n_at_most``).  ``saves``
    says whether the interval over all seeds lies above 0; None where that cannot be told.
    """
    measured: list[Number] = []
    lows: list[Number] = []
    highs: list[Number] = []
    n_at_least = n_at_most = 0
    for ours, theirs in pairs:
        low = high = None
        if ours is not None and theirs is not None:
            low = theirs.at_least - ours.at if ours.at is not None else None
            high = theirs.at - ours.at_least if theirs.at is not None else None
        is_measured = low is not None and high is not None
        measured.append(low if is_measured else None)
        lows.append(low)
        highs.append(high)
        n_at_least += low is not None and not is_measured
        n_at_most += high is not None and not is_measured
    found = over_seeds(measured)
    at_least = at_most = saves = None
    if not found["n_without"]:
        saves = is_more(found)
    elif None not in lows:
        bound = over_seeds(lows)
        at_least = {"mean": bound["mean"], "low": bound["low"]}
        saves = is_more(bound)
    elif None not in highs:
        bound = over_seeds(highs)
        at_most = {"mean": bound["mean"], "high": bound["high"]}
        saves = None if bound["mean"] is None or bound["mean"] > 0 else False
    return {
        **found,
        "n_at_least": n_at_least,
        "n_at_most": n_at_most,
        "at_least": at_least,
        "at_most": at_most,
        "saves": saves,
    }


def is_more(found: Mapping[str, Any]) -> bool | None:
    """Does the whole interval lie above 0?  None where there is none to tell by."""
    if found["low"] is None:
        return False if found["mean"] is not None and found["mean"] <= 0 else None
    return bool(found["low"] > 0)


def said(name: str, level: str, saved: Mapping[str, Any]) -> str:
    """How many labels a strategy saves over random choice, in a sentence or two.

    >>> pairs = [(Reach(20, 20), Reach(n, n)) for n in (60, 80, 70)]
    >>> said("Margin", "95% of full supervision", saved_over_seeds(pairs))
    'Margin saves 50 labels on the way to 95% of full supervision (95% interval 25 to 75).'
    >>> pairs[2] = (Reach(20, 20), Reach(None, 90))
    >>> said("Margin", "accuracy 0.9", saved_over_seeds(pairs)).partition(": ")[2]
    'random choice does not get there in 1 of 3 seeds.'
    """
    way, n_seeds = f"on the way to {level}", saved["n"] + saved["n_without"]
    if not n_seeds:
        return _not_compared(name)
    if not saved["n_without"]:
        return _said_of_all(name, way, saved)
    if saved["at_least"] is not None:
        return _said_at_least(name, way, saved["at_least"], saved["n_at_least"], n_seeds)
    if saved["at_most"] is not None:
        more = saved["at_most"]["mean"]
        seeds = _of(saved["n_at_most"], n_seeds)
        needs = f", so that it needs at least {-more:,.0f} labels more" if more < 0 else ""
        return f"{name} does not get to {level} in {seeds}, where random choice does{needs}."
    n_ours, n_theirs = (saved["n"] + saved[key] for key in ("n_at_least", "n_at_most"))
    if not n_ours and not n_theirs:
        return f"Neither {name} nor random choice gets to {level} within the budget."
    told = (
        f"{name} gets to {level} in {_of(n_ours, n_seeds)}, random choice in {n_theirs}: what is "
        "saved over all seeds cannot be told."
    )
    if saved["n"]:
        fewer = "fewer" if saved["mean"] > 0 else "more"
        takes = f"{abs(saved['mean']):,.0f} labels {fewer}" if saved["mean"] else "as many labels"
        told += (
            f" Where both get there ({_of(saved['n'], n_seeds)}), it takes {takes}"
            f"{_between(saved)}."
        )
    return told


def said_of_area(name: str, score: str, gained: Mapping[str, Any]) -> str:
    """How the mean score of a strategy differs from that of random choice, in a sentence.

    >>> gained = over_seeds([0.016, 0.02, 0.024]) | {"from": 10, "to": 30}
    >>> said_of_area("Margin", "accuracy", gained)
    'Margin: accuracy 0.020 higher on average over 10 to 30 labels (95% interval 0.010 to 0.030).'
    """
    if gained["mean"] is None:
        return _not_compared(name)
    higher = "higher" if gained["mean"] >= 0 else "lower"
    interval, shown = "one seed tells no interval", ""
    if gained["low"] is not None:
        interval = f"95% interval {gained['low']:.3f} to {gained['high']:.3f}"
        shown = "" if gained["low"] > 0 or gained["high"] < 0 else ", which may be chance"
    return (
        f"{name}: {score} {abs(gained['mean']):.3f} {higher} on average over {gained['from']:,} to "
        f"{gained['to']:,} labels ({interval}){shown}."
    )


def _not_compared(name: str) -> str:
    return f"{name} has no seed yet to compare with random choice."


def _said_of_all(name: str, way: str, saved: Mapping[str, Any]) -> str:
    amount, interval = f"{abs(saved['mean']):,.0f}", _between(saved)
    if saved["saves"]:
        return f"{name} saves {amount} labels {way}{interval}."
    if saved["saves"] is None:
        return f"{name} took {amount} labels fewer {way} with one seed: run more to tell."
    if saved["high"] is not None and saved["high"] < 0:
        return f"{name} saves none {way}: it needs {amount} more than random choice{interval}."
    if saved["low"] is None:
        return f"{name} saves no labels {way} with the one seed there is."
    return f"{name} saves no labels {way} that these seeds could show{interval}."


def _said_at_least(name: str, way: str, least: Mapping[str, Any], n: int, n_seeds: int) -> str:
    where = f": random choice does not get there in {_of(n, n_seeds)}."
    amount = f"{max(0.0, least['mean']):,.0f}"
    if least["low"] is None:
        return f"{name} took at least {amount} labels fewer {way} with one seed{where}"
    interval = f" (95% interval from {least['low']:,.0f} on)"
    if least["low"] > 0:
        return f"{name} saves at least {amount} labels {way}{interval}{where}"
    return f"{name} saves no labels {way} that these seeds could show{interval}{where}"


def _between(found: Mapping[str, Any]) -> str:
    if found["low"] is None:
        return ""
    return f" (95% interval {found['low']:,.0f} to {found['high']:,.0f})"


def _of(n: int, n_seeds: int) -> str:
    return f"{n} of {n_seeds} seed{'s' if n_seeds > 1 else ''}"
