"""The first objects: drawn among known labels, or spread over the features."""

import numpy as np
import pytest
from scipy import sparse

from al_engine.errors import EmptyPoolError, NotEnoughLabelsError, SettingsError
from al_engine.learning.initial import draw_balanced, draw_initial, spread_initial
from al_engine.learning.selection import tie_keys

KEYS = tie_keys(np.arange(100, dtype=np.uint64), 0, 0)
Y = np.full(100, -1)
Y[:60] = 0
Y[60] = 1


def test_a_draw_holds_one_of_each_class_and_no_unknown():
    rows = draw_initial(Y, 5, KEYS)
    assert len(set(rows.tolist())) == 5
    assert 60 in rows
    assert np.all(Y[rows] >= 0)


def test_a_draw_follows_the_keys():
    y = np.array([0, 0, 1, 0, 1])
    keys = np.array([5, 1, 9, 2, 7], dtype=np.uint64)
    # Firsts of their class: rows 1 and 4; then row 3, the next key; in the order of the keys.
    assert draw_initial(y, 3, keys).tolist() == [1, 3, 4]
    assert draw_initial(y, 5, keys).tolist() == [1, 3, 0, 4, 2]
    assert draw_initial(Y, 5, KEYS).tolist() == draw_initial(Y, 5, KEYS).tolist()


def test_a_balanced_draw_has_as_many_of_each_class_as_there_are():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 2, -1])
    keys = np.arange(9, dtype=np.uint64)
    assert np.bincount(y[draw_balanced(y, 6, keys)]).tolist() == [3, 2, 1]
    assert np.bincount(y[draw_balanced(y, 8, keys)]).tolist() == [4, 3, 1]
    with pytest.raises(NotEnoughLabelsError, match="9 initial"):
        draw_balanced(y, 9, keys)


def test_a_draw_of_one_known_class_is_possible():
    assert len(draw_initial(np.where(Y == 0, 0, -1), 1, KEYS)) == 1


def test_a_draw_too_small_or_too_large_is_refused_with_both_numbers():
    with pytest.raises(SettingsError, match="1 initial objects cannot hold one of each of 2"):
        draw_initial(Y, 1, KEYS)
    with pytest.raises(NotEnoughLabelsError, match=r"62 initial .* only 61 have"):
        draw_initial(Y, 62, KEYS)
    with pytest.raises(SettingsError):
        draw_initial(np.full(100, -1), 0, KEYS)


def test_spread_finds_each_of_three_groups_largest_first():
    rng = np.random.default_rng(0)
    centres = np.repeat([[0, 0], [9, 0], [0, 9]], [50, 30, 20], axis=0)
    X = (centres + rng.normal(scale=0.2, size=(100, 2))).astype(np.float32)
    X[3, 1] = np.nan
    rows = spread_initial(X, 3, seed=0)
    assert [int(np.searchsorted([50, 80], row, side="right")) for row in rows] == [0, 1, 2]
    assert spread_initial(X, 3, seed=0).tolist() == rows.tolist()


def test_spread_over_sparse_features_goes_by_their_direction():
    words = sparse.csr_matrix(np.repeat(np.eye(3), [5, 3, 2], axis=0) * np.arange(1, 11)[:, None])
    assert [int(np.searchsorted([5, 8], r, "right")) for r in spread_initial(words, 3, 0)] == [
        0,
        1,
        2,
    ]


def test_spread_never_names_a_row_twice():
    assert sorted(spread_initial(np.ones((6, 2)), 6, seed=0)) == list(range(6))


def test_spread_of_a_large_catalogue_looks_at_a_sample():
    X = np.random.default_rng(0).normal(size=(500, 2))
    rows = spread_initial(X, 4, seed=1, max_rows=50)
    assert len(set(rows.tolist())) == 4
    assert rows.tolist() == spread_initial(X, 4, seed=1, max_rows=50).tolist()


def test_spread_over_too_few_rows_is_refused():
    with pytest.raises(EmptyPoolError, match="2 objects, 3 requested"):
        spread_initial(np.ones((2, 2)), 3, seed=0)
