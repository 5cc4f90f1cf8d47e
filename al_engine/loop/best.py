"""The best round so far by validation, and for how long there was no better one.

Owns which rounds can be compared.  Takes scores; must not know how they came about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from al_engine.loop.scores import RoundScores
from al_engine.settings.config import BestBy

ALIKE = 0.1  # validation sets that differ in size by no more hold nearly the same objects


class Scored(Protocol):
    """A round with its scores, None where it was never scored."""

    @property
    def number(self) -> int: ...

    @property
    def scores(self) -> RoundScores | None: ...


@dataclass(frozen=True)
class Best:
    """The best round: its number, its validation score, and that score's objects.

    ``n_compared`` rounds were, itself among them; ``n_since`` of those came after it.
    """

    number: int
    value: float
    n_objects: int
    n_compared: int
    n_since: int


def best_of(rounds: Sequence[Scored], by: BestBy) -> Best | None:
    """The round of the highest validation score, the first of equals.

    Compared are rounds that were scored over nearly the objects of the last one: the same test set,
    and a validation set within a tenth of its size, for random questions add to it.  None while
    validation is too small to score.
    """
    found = [
        (each.number, scores.over, validation.n, value)
        for each in rounds
        if (scores := each.scores) is not None
        and not scores.by_folds
        and (validation := scores.validation) is not None
        and (value := getattr(validation, by).value) is not None
    ]
    last = rounds[-1].scores if rounds else None
    if last is None or last.by_folds or last.validation is None:
        return None
    over, n = last.over, last.validation.n
    compared = [each for each in found if each[1] == over and abs(each[2] - n) <= ALIKE * n]
    if not compared:
        return None
    number, _, n_objects, value = max(compared, key=lambda each: (each[3], -each[0]))
    n_since = sum(each[0] > number for each in compared)
    return Best(number, value, n_objects, len(compared), n_since)


def is_out_of_patience(best: Best | None, patience: int) -> bool:
    """Were there as many rounds without a better one as the set-up has patience for?"""
    return best is not None and 0 < patience <= best.n_since
