"""The best round so far by validation, and for how long there was no better one.

Owns which rounds can be compared, for whoever compares them.  Takes scores; must not know how they
came about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from al_engine.learning.metrics import Scores
from al_engine.loop.scores import RoundScores
from al_engine.settings.config import BestBy

ALIKE = 0.1  # validation sets that differ in size by no more hold nearly the same objects


class Scored(Protocol):
    """A round with its scores, None where it was never scored."""

    @property
    def number(self) -> int: ...

    @property
    def scores(self) -> RoundScores | None: ...


AScored = TypeVar("AScored", bound=Scored)


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


def validation_of(scores: RoundScores | None) -> Scores | None:
    """The scores of a round over validation, None where there are none.

    Cross-validated scores, which stand in their place while validation is small, are over the
    labelled set: another one at each round.
    """
    return None if scores is None or scores.by_folds else scores.validation


def comparable(rounds: Sequence[AScored]) -> list[AScored]:
    """The rounds that were scored over nearly the objects of the last one, itself among them.

    That is beside the same test set, and over a validation set within a tenth of its size, for
    random questions add to it.  None of them while validation is too small to score.
    """
    last = rounds[-1].scores if rounds else None
    validation = validation_of(last)
    if last is None or validation is None:
        return []
    over, n = last.over, validation.n
    return [
        each
        for each in rounds
        if each.scores is not None
        and each.scores.over == over
        and (found := validation_of(each.scores)) is not None
        and abs(found.n - n) <= ALIKE * n
    ]


def best_of(rounds: Sequence[Scored], by: BestBy) -> Best | None:
    """The comparable round of the highest validation score, the first of equals.

    None while validation is too small to score.
    """
    found = [
        (each.number, validation.n, value)
        for each in comparable(rounds)
        if (validation := validation_of(each.scores)) is not None
        and (value := getattr(validation, by).value) is not None
    ]
    if not found:
        return None
    number, n_objects, value = max(found, key=lambda each: (each[2], -each[0]))
    n_since = sum(each[0] > number for each in found)
    return Best(number, value, n_objects, len(found), n_since)


def is_out_of_patience(best: Best | None, patience: int) -> bool:
    """Were there as many rounds without a better one as the set-up has patience for?"""
    return best is not None and 0 < patience <= best.n_since
