"""How far people agree: against scikit-learn, published figures, and where nothing can be said."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from al_engine.learning.agreement import (
    NO_SPREAD,
    NO_WIDTH,
    NONE_SHARED,
    ONE_LABEL,
    ONE_SIDED,
    RARELY_DEFINED,
    TOO_FEW,
    agreement,
    agreement_of_many,
    kappa_of,
)
from al_engine.learning.metrics import Z_95


def drawn(seed: int, n: int = 80, labels: str = "xyz", same: float = 0.6) -> list[list[str]]:
    """Labels of two people who agree beyond chance, so often."""
    rng = np.random.default_rng(seed)
    one = rng.choice(list(labels), n)
    other = np.where(rng.random(n) < same, one, rng.choice(list(labels), n))
    return [one.tolist(), other.tolist()]


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_scikit_learn_s(seed: int) -> None:
    one, other = drawn(seed, same=seed / 20, n=10 + 7 * seed)
    found = agreement(one, other)
    assert found.kappa.value == pytest.approx(cohen_kappa_score(one, other))
    assert found.share.value == np.mean(np.array(one) == np.array(other))
    assert found.kappa.n == found.share.n == len(one)


def test_the_interval_is_that_of_the_paper_s_own_example() -> None:
    # Fleiss, Cohen and Everitt 1969: 200 objects, kappa 0.429, its variance 0.002885.
    kappa = kappa_of(np.array([[106, 10, 4], [22, 28, 10], [2, 12, 6]]))
    assert kappa.value == pytest.approx(0.429, abs=5e-4)
    assert kappa.low is not None
    assert kappa.high is not None
    assert ((kappa.high - kappa.low) / 2 / Z_95) ** 2 == pytest.approx(0.002885, abs=5e-7)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    kappas = [agreement(*drawn(seed, n=200, labels="xy")).kappa for seed in range(400)]
    held = [k.low <= 0.6 <= k.high for k in kappas if k.low is not None and k.high is not None]
    assert len(held) == 400
    assert 0.92 < np.mean(held) < 0.98


@pytest.mark.parametrize(
    ("one", "other", "value", "reason"),
    [
        ("", "", None, NONE_SHARED),
        ("a" * 30, "a" * 30, None, ONE_LABEL),
        ("ab", "ab", 1.0, TOO_FEW),
        ("ab" * 15, "ab" * 15, 1.0, NO_SPREAD),
        ("a" * 30, "a" * 29 + "b", 0.0, ONE_SIDED),
        ("aab" * 50, "b" * 150, 0.0, ONE_SIDED),
        ("ab" * 15, "ba" * 15, -1.0, NO_WIDTH),
        ("ab" * 15, "ab" * 14 + "ba", 1 - 2 * 2 / 30, ""),
    ],
)
def test_what_cannot_be_told_is_none_and_says_why(one, other, value, reason) -> None:
    kappa = agreement(one, other).kappa
    assert kappa.value == (None if value is None else pytest.approx(value))
    assert kappa.reason == reason
    assert (kappa.low is None) == bool(reason)
    if kappa.low is not None and kappa.high is not None:
        assert -1 <= kappa.low < kappa.high <= 1


def test_of_many_it_is_the_mean_of_the_pairs_by_their_objects() -> None:
    one, other = drawn(1)
    third = drawn(2)[0]
    partly = [label if i % 2 else None for i, label in enumerate(third)]
    found = agreement_of_many([one, other, partly])
    pairs = [(one, other), (one[1::2], third[1::2]), (other[1::2], third[1::2])]
    kappas = [cohen_kappa_score(a, b) for a, b in pairs]
    assert found.kappa.value == pytest.approx(np.average(kappas, weights=[80, 40, 40]))
    assert (found.share.n, found.kappa.n) == (160, 80)
    assert found.kappa.low is not None
    assert found.kappa.high is not None
    assert found.kappa.low < found.kappa.value < found.kappa.high
    assert agreement_of_many([one, other, partly]) == found, "the same draw each time"


def test_of_two_it_is_that_of_the_pair_over_what_both_labelled() -> None:
    one, other = drawn(3)
    assert agreement_of_many([one, other]) == agreement(one, other)
    assert agreement_of_many([[*one, None, "x"], [*other, "x", None]]) == agreement(one, other)
    assert agreement_of_many([]).kappa.reason == NONE_SHARED
    assert agreement_of_many([["a"], [None], [None]]).kappa.reason == NONE_SHARED
    assert agreement_of_many([["a"] * 20] * 3).kappa.reason == ONE_LABEL
    assert agreement_of_many([["a", "b"] * 20] * 3).kappa.reason == NO_SPREAD
    found = agreement_of_many([["a"] * 29 + ["b"], ["a"] * 29 + ["b"], ["a"] * 30])
    assert found.kappa.reason == RARELY_DEFINED
    assert (found.kappa.low, found.kappa.high) == (None, None)


def several(seed: int, n_people: int, n: int = 120) -> list[list[str | None]]:
    """Labels of people who all tell the easier half of the objects and guess the harder half."""
    rng = np.random.default_rng([seed, n_people])
    truth, is_hard = rng.random(n) < 0.5, rng.random(n) < 0.5
    right = rng.random((n_people, n)) < np.where(is_hard, 0.5, 1.0)
    return [np.where(row, truth, ~truth).astype(str).tolist() for row in right]


@pytest.mark.parametrize("n_people", [3, 4, 8])
def test_over_many_people_both_intervals_hold_the_truth_as_often_as_they_say(n_people: int) -> None:
    # A half of the objects all tell, of the other half every label is a throw of a coin: two people
    # agree in 0.75 of the cases, and kappa is (0.75 - 0.5) / 0.5.
    found = [agreement_of_many(several(seed, n_people)) for seed in range(250)]
    share = np.mean([f.share.low <= 0.75 <= f.share.high for f in found])
    kappa = np.mean([f.kappa.low <= 0.5 <= f.kappa.high for f in found])
    assert 0.91 < share < 0.985
    assert 0.91 < kappa < 0.985


def test_over_many_people_the_intervals_are_of_as_many_objects_as_there_are() -> None:
    one, other = drawn(5, n=400)
    pair = agreement(one, other)
    # Three of whom the third labelled but one object: all but the same as the first two alone.
    found = agreement_of_many([one, other, [one[0], *[None] * 399]])
    for mine, theirs in ((found.share, pair.share), (found.kappa, pair.kappa)):
        assert mine.high - mine.low == pytest.approx(theirs.high - theirs.low, rel=0.1)


def test_with_no_disagreement_the_share_of_many_is_as_sure_as_its_objects_are_many() -> None:
    found = agreement_of_many([["a", "b"] * 20] * 5)
    assert found.share.low == pytest.approx(agreement(["a"] * 40, ["a"] * 40).share.low)
    assert (found.share.value, found.share.n) == (1.0, 400)
