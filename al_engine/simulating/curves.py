"""Curves: the scores of rounds by number of labels, and where they reach something.

Owns what a round counts for: its own model, or the best one so far.  Must not know models or files.
"""

from collections.abc import Sequence
from typing import Any

from al_engine.settings.target import Target
from al_engine.simulating.running import Round
from al_engine.simulating.settings import HELD_FOR, SimulationPlan
from al_engine.simulating.tally import Tally, score


def place_of_positive(plan: SimulationPlan) -> int | None:
    """The place of the class that scores are of: all others come before it."""
    return None if plan.positive is None else 1


def tested(plan: SimulationPlan, n_classes: int, rounds: Sequence[Round]) -> list[Tally]:
    """What counts as each round's test: its model's, or that of the best one so far."""
    if not plan.keep_best:
        return [each.tested for each in rounds]
    return [rounds[best].tested for best in best_so_far(plan, n_classes, rounds)]


def score_rounds(
    plan: SimulationPlan, n_classes: int, rounds: Sequence[Round]
) -> list[dict[str, Any]]:
    """The scores of each round, by name."""
    positive = place_of_positive(plan)
    return [score(tally, n_classes, positive) for tally in tested(plan, n_classes, rounds)]


def best_so_far(plan: SimulationPlan, n_classes: int, rounds: Sequence[Round]) -> list[int]:
    """At each round the number of the best one until then by validation; of equals the first."""
    best: list[int] = []
    highest = -1.0
    for each in rounds:
        value = -1.0
        if each.validated is not None:
            found = score(each.validated, n_classes, place_of_positive(plan))[plan.metric]
            value = -1.0 if found is None else float(found)
        if not best or value > highest:
            highest = value
            best.append(each.number)
        else:
            best.append(best[-1])
    return best


def reached_at(scores: Sequence[float | None], least: float, *, is_whole: bool) -> int | None:
    """The first round whose score is at least that much, and is so in the next two rounds.

    ``is_whole`` says that the curve ends for want of objects: then there may be fewer after it.

    >>> reached_at([0.5, 0.9, 0.8, 0.9, 0.9, 0.9], 0.9, is_whole=False)
    3
    >>> reached_at([0.5, 0.9, 0.9], 0.9, is_whole=False) is None
    True
    """
    is_there = [value is not None and value >= least for value in scores]
    for start in range(len(scores)):
        held = is_there[start : start + HELD_FOR + 1]
        if all(held) and (len(held) == HELD_FOR + 1 or is_whole):
            return start
    return None


def is_over(plan: SimulationPlan, n_classes: int, rounds: Sequence[Round]) -> bool:
    """Has a curve gone far enough: has patience run out, or was the target reached and held?"""
    if plan.patience:
        best = best_so_far(plan, n_classes, rounds)[-1]
        if len(rounds) - 1 - best >= plan.patience:
            return True
    if plan.stops_at_target and plan.target is not None:
        scores = values(score_rounds(plan, n_classes, rounds), plan.target)
        return reached_at(scores, plan.target.value, is_whole=False) is not None
    return False


def values(scores: Sequence[dict[str, Any]], target: Target) -> list[float | None]:
    return [each[target.metric] for each in scores]
