"""The partition into training, validation and test set."""

from collections import Counter
from typing import Literal

import numpy as np
import pytest

from al_engine.data.splits import OUT, PART_NAMES, TEST, TRAIN, VALIDATION, Parts, split
from al_engine.errors import SettingsError
from al_engine.mixing import mix64
from al_engine.settings.config import Splits

rng = np.random.default_rng(1)
all_keys = mix64(np.arange(1000, dtype=np.uint64))
all_codes = rng.choice([0, 1, 2], 1000, p=[0.7, 0.2, 0.1]).astype(np.int16)


def counts(parts: Parts, chosen: object = slice(None)) -> dict[str, int]:
    return dict(Counter(PART_NAMES[part] for part in parts[chosen]))  # type: ignore[index]


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    first, again = (split(all_codes, all_keys, Splits(seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (split(all_codes, all_keys, Splits(seed=4)) != first).any()


@pytest.mark.parametrize("draw", ["stratified", "balanced"])
def test_the_draw_goes_by_object_and_not_by_row(draw: Literal["stratified", "balanced"]) -> None:
    shuffled = rng.permutation(1000)
    parts = split(all_codes, all_keys, Splits(draw=draw))
    after = split(all_codes[shuffled], all_keys[shuffled], Splits(draw=draw))
    np.testing.assert_array_equal(after, parts[shuffled])


def test_shares_hold_within_each_label_when_stratified() -> None:
    parts = split(all_codes, all_keys, Splits())
    for code in range(3):
        n = int((all_codes == code).sum())
        found = counts(parts, all_codes == code)
        assert abs(found["train"] - 0.6 * n) <= 0.5
        assert abs(found["validation"] - 0.2 * n) <= 0.5
        assert sum(found.values()) == n


@pytest.mark.parametrize("asked", [(101, 37, 53), (97, 33, 7), (4, 4, 4), (998, 1, 1)])
def test_counts_are_numbers_of_objects_exactly(asked: tuple[int, int, int]) -> None:
    parts = split(all_codes, all_keys, Splits("counts", *asked))
    assert [int((parts == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == list(asked)
    train = all_codes[parts == TRAIN]
    for code in range(3):
        n = int((train == code).sum())
        assert abs(n - asked[0] * (all_codes == code).mean()) < 1.5
        assert n, "a rare label trains too"


def test_counts_beyond_what_is_known_are_refused() -> None:
    codes = all_codes.copy()
    codes[:900] = -1
    with pytest.raises(SettingsError, match="ask for 101 objects; 100 can be drawn"):
        split(codes, all_keys, Splits("counts", 61, 20, 20))
    assert counts(split(codes, all_keys, Splits("counts", 60, 20, 20)))["test"] == 20


def test_unknown_objects_are_in_the_pool_only() -> None:
    codes = all_codes.copy()
    codes[::3] = -1
    parts = split(codes, all_keys, Splits())
    assert set(parts[::3]) == {TRAIN}
    left = split(codes, all_keys, Splits(), leave_out_unknown=True)
    assert set(left[::3]) == {OUT}
    np.testing.assert_array_equal(parts[codes >= 0], left[codes >= 0])


def test_knowing_one_object_less_moves_few_others() -> None:
    codes = all_codes.copy()
    codes[0] = -1
    moved = split(all_codes, all_keys, Splits())[1:] != split(codes, all_keys, Splits())[1:]
    assert moved.sum() <= 2


def test_one_object_a_label_is_enough_and_trains() -> None:
    codes = np.array([0, 1, -1, -1], dtype=np.int16)
    assert split(codes, all_keys[:4], Splits()).tolist() == [TRAIN] * 4
    assert split(codes, all_keys[:4], Splits("counts", 2, 0, 0)).tolist() == [TRAIN] * 4


def test_a_catalogue_without_labels_is_all_pool() -> None:
    codes = np.full(50, -1, dtype=np.int16)
    assert set(split(codes, all_keys[:50], Splits())) == {TRAIN}
    assert set(split(codes, all_keys[:50], Splits("counts", 60, 20, 20))) == {TRAIN}


def test_left_out_labels_take_no_part_and_change_nothing_for_the_others() -> None:
    parts = split(all_codes, all_keys, Splits(), left_out=[0])
    assert set(parts[all_codes == 0]) == {OUT}
    np.testing.assert_array_equal(
        parts[all_codes != 0], split(all_codes, all_keys, Splits())[all_codes != 0]
    )


def test_shares_below_the_whole_leave_the_rest_out() -> None:
    parts = split(all_codes, all_keys, Splits(train=10, validation=10, test=0))
    assert counts(parts, all_codes == 0)["out"] == pytest.approx(
        0.8 * (all_codes == 0).sum(), abs=1
    )
    assert TEST not in parts


@pytest.mark.parametrize(
    "shares", [(50, 50, 0), (70, 30, 0), (100, 0, 0), (50, 0, 50), (33.3, 33.3, 33.4)]
)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 11])
def test_shares_that_are_the_whole_leave_nobody_out(
    shares: tuple[float, float, float], n: int
) -> None:
    parts = split(np.zeros(n, dtype=np.int16), all_keys[:n], Splits("shares", *shares))
    assert OUT not in parts
    assert TRAIN in parts
    for part, share in zip((VALIDATION, TEST), shares[1:], strict=True):
        assert share or part not in parts


def test_a_balanced_draw_takes_equally_many_of_each_label_and_leaves_the_rest_out() -> None:
    codes = np.repeat(np.array([0, 1, -1], dtype=np.int16), [60, 10, 5])
    keys = np.arange(len(codes), dtype=np.uint64)
    parts = split(codes, keys, Splits(draw="balanced"))
    for part, wanted in ((TRAIN, 6), (VALIDATION, 2), (TEST, 2), (OUT, None)):
        per_label = [int(((parts == part) & (codes == code)).sum()) for code in (0, 1)]
        assert per_label == ([50, 0] if wanted is None else [wanted, wanted])
    assert (parts[codes < 0] == TRAIN).all()


def test_balanced_counts_are_shared_out_between_the_labels() -> None:
    codes = np.repeat(np.array([0, 1], dtype=np.int16), [60, 30])
    keys = np.arange(len(codes), dtype=np.uint64)
    parts = split(codes, keys, Splits("counts", 20, 10, 6, draw="balanced"))
    counted = [
        [int(((parts == p) & (codes == c)).sum()) for p in (TRAIN, VALIDATION, TEST)]
        for c in (0, 1)
    ]
    assert counted == [[10, 5, 3], [10, 5, 3]]
