"""Which objects make a batch: what every strategy keeps to, and what each one is for."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from al_engine.errors import EmptyPoolError, SettingsError
from al_engine.learning.learners import LearnerSpec, Member, fit_learner, fit_preparation
from al_engine.learning.points import points
from al_engine.learning.pools import Pool
from al_engine.learning.scoring import consensus, member_probabilities
from al_engine.learning.selection import tie_keys
from al_engine.learning.strategies import (
    COMMITTEE_STRATEGIES,
    STRATEGIES,
    Told,
    choose_batch,
    default_strategy,
    rank,
    run_strategy,
    stage_of,
)

rng = np.random.default_rng(4)
N = 150
X = rng.normal(size=(N, 3)).astype(np.float32)
X[::9, 1] = np.nan
CLASSES = np.array([0, 1, 2, 3])
Y = np.digitize(X[:, 0], [-0.6, 0.0, 0.6])
OBJECTS = np.arange(N, dtype=np.uint64)
KEYS = tie_keys(OBJECTS, 0, 1)
FEWER = ("entropy_threshold", "ratio_tutorial")  # may choose fewer than they are asked for
NAMES = [*STRATEGIES, *COMMITTEE_STRATEGIES]


def learner_for(name: str, classes: np.ndarray = CLASSES):
    models = ("random_forest",) if name in STRATEGIES else ("knn", "logistic_regression")
    spec = LearnerSpec(tuple(Member(model) for model in models))
    y = np.minimum(Y, len(classes) - 1)[:40]
    return fit_learner(spec, X[:40], y, fit_preparation(X, scale=True), classes)


LEARNERS = {(name, n): learner_for(name, CLASSES[:n]) for name in NAMES for n in (2, 4)}


def told_for(name: str, n_classes: int, n_pool: int = N) -> Told:
    if name != "ratio_tutorial":
        return Told(missed=range(1, n_classes + 1))
    return Told(missed=[30, 10], known=np.minimum(Y, 1)[:n_pool])


def batch_of(name: str, n: int, n_classes: int = 2, X=X, keys=KEYS, **more) -> list[int]:
    if "told" not in more:
        more["told"] = told_for(name, n_classes, X.shape[0])
    learner = LEARNERS[name, n_classes]
    rows, useful = run_strategy(name, learner, X, CLASSES[:n_classes], n, keys, **more)
    assert len(useful) == len(rows)
    return rows.tolist()


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_holds_distinct_rows_and_is_the_same_once_more(name, n_classes):
    if name == "ratio_tutorial" and n_classes > 2:
        with pytest.raises(SettingsError, match="of two classes, and there are 4"):
            batch_of(name, 20, 4)
        return
    rows = batch_of(name, 20, n_classes)
    assert len(set(rows)) == len(rows)
    assert 1 <= len(rows) <= 20 if name in FEWER else len(rows) == 20
    assert all(0 <= row < N for row in rows)
    assert batch_of(name, 20, n_classes) == rows
    assert len(batch_of(name, 1, n_classes)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_the_whole_pool_is_the_whole_pool(name):
    rows = batch_of(name, N)
    assert len(set(rows)) == len(rows)
    if name not in FEWER:
        assert sorted(rows) == list(range(N))


@pytest.mark.parametrize("name", NAMES)
def test_no_batch_comes_of_an_empty_pool_or_one_too_small(name):
    for n, n_pool in ((1, 0), (4, 3)):
        with pytest.raises(EmptyPoolError, match=f"{n_pool} objects left, {n} requested"):
            batch_of(name, n, X=X[:n_pool], keys=KEYS[:n_pool])
    with pytest.raises(SettingsError, match="0 objects were asked for"):
        batch_of(name, 0)


@pytest.mark.parametrize("n_features", [7, 300])
@pytest.mark.parametrize("name", NAMES)
def test_sparse_features_make_a_batch_as_dense_ones_do(name, n_features):
    words = sparse.random(N, n_features, 0.1, "csr", np.float32, random_state=0)
    proba = member_probabilities(LEARNERS[name, 2], X, CLASSES[:2])
    told = replace(told_for(name, 2), X=words[:40], y=np.minimum(Y, 1)[:40])
    rows = batch_of(name, 12, X=words, proba=proba, told=told)
    assert len(set(rows)) == len(rows)
    assert 1 <= len(rows) <= 12 if name in FEWER else len(rows) == 12


@pytest.mark.parametrize("name", NAMES)
def test_among_equals_the_draw_decides_and_another_seed_draws_others(name):
    same = np.ones((N, 3), dtype=np.float32)
    n_members = 1 if name in STRATEGIES else 2
    proba = np.full((n_members, N, 2), 0.5)
    by_seed = [
        set(batch_of(name, 10, X=same, keys=tie_keys(OBJECTS, seed, 1), proba=proba))
        for seed in (0, 1)
    ]
    assert all(len(rows) == 10 or name in FEWER for rows in by_seed)
    if name != "ratio_tutorial":  # which takes rows in their order
        assert by_seed[0] != by_seed[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_goes_by_objects_and_not_by_their_rows(name):
    if name == "ratio_tutorial":
        return  # taken in the order of the pool, as published
    turned = batch_of(name, 12, X=X[::-1], keys=KEYS[::-1])
    assert sorted(N - 1 - row for row in turned) == sorted(batch_of(name, 12))


@pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if s.choose is not None])
def test_a_strategy_of_batches_works_inside_modal(name):
    learner, strategy = LEARNERS[name, 2], STRATEGIES[name]
    if strategy.leaks:
        with pytest.raises(SettingsError, match="for simulations only"):
            strategy.function(learner, X, n_instances=5)
        return
    rows, useful = strategy.function(learner, X, n_instances=5)
    assert len(set(rows.tolist())) == len(rows) <= 5
    np.testing.assert_array_equal(useful, rank(name, learner, X, CLASSES[:2])[0][rows])


# -- what each one is for --


def pool_of(useful, at, **more) -> Pool:
    n = len(useful)
    useful, at = np.asarray(useful, float), np.asarray(at, float)
    more = {
        "predicted": np.zeros(n, int),
        "certainty": 1 - useful / 2,
        "told": Told(y=np.repeat([0, 1], 10), X=np.zeros((20, at.shape[1]))),
        **more,
    }
    keys = tie_keys(np.arange(n, dtype=np.uint64), 0, 0)
    return Pool(
        useful, None, more["predicted"], more["certainty"], 2, keys, lambda rows: at[rows],
        more["told"],
    )  # fmt: skip


def test_clusters_keep_a_batch_from_being_one_object_over_and_over():
    useful = [*[1.0] * 10, 0.9, 0.8, *[0.1] * 8]
    at = [*[[0, 0]] * 10, [4, 0], [0, 4], *[[2, 2]] * 8]
    assert choose_batch("margin", pool_of(useful, at), 3).max() < 10
    chosen = choose_batch("margin_clusters", pool_of(useful, at), 3).tolist()
    assert len([row for row in chosen if row < 10]) == 1


def test_clusters_look_at_no_more_than_ten_times_as_many():
    useful = np.linspace(1, 0, 400)
    chosen = choose_batch("margin_clusters", pool_of(useful, rng.normal(size=(400, 2))), 7)
    assert chosen.max() < 70


def test_power_draws_the_useful_ones_oftener_but_not_alone():
    useful = np.where(np.arange(1000) < 100, 1.0, 0.1)
    chosen = choose_batch("margin_power", pool_of(useful, np.zeros((1000, 1))), 100)
    n_useful = int(np.sum(chosen < 100))
    assert 30 < n_useful < 95
    strong = pool_of(useful, np.zeros((1000, 1)), told=Told(params={"power": 10}))
    assert np.sum(choose_batch("margin_power", strong, 100) < 100) == 100


def test_a_ranked_batch_keeps_away_from_what_is_labelled_and_chosen():
    at = np.array([[0, 0], [0.1, 0], [5, 0], [5.1, 0], [0, 5]])
    told = Told(X=np.zeros((4, 2)), y=np.array([0, 0, 1, 1]))
    chosen = choose_batch("ranked_batch", pool_of([0.5] * 5, at, told=told), 2).tolist()
    assert 4 in chosen
    assert len({2, 3} & set(chosen)) == 1


def test_density_leaves_a_lonely_object_for_later():
    at = [*rng.normal(scale=0.1, size=(60, 2)), [50, 50]]
    useful = [*[0.9] * 60, 1.0]
    assert choose_batch("margin", pool_of(useful, at), 1).tolist() == [60]
    assert choose_batch("density", pool_of(useful, at), 1)[0] < 60


def test_the_entropy_threshold_gives_all_above_it_and_one_at_least():
    most = np.log(2)
    pool = pool_of([most, 0.8 * most, 0.6 * most, 0.4 * most], np.zeros((4, 1)))
    assert choose_batch("entropy_threshold", pool, 4).tolist() == [0, 1, 2]
    assert choose_batch("entropy_threshold", pool, 2).tolist() == [0, 1]
    high = replace(pool, told=Told(params={"threshold": 1.0}), utilities=pool.utilities / 2)
    assert choose_batch("entropy_threshold", high, 4).tolist() == [0]
    with pytest.raises(SettingsError, match=r"Entropy from .* is 2"):
        choose_batch("entropy_threshold", replace(pool, told=Told(params={"threshold": 2})), 1)


def test_the_most_relevant_come_with_their_share_of_random_ones():
    certainty = np.linspace(0.99, 0.51, 500)
    predicted = (np.arange(500) < 50).astype(int)
    pool = pool_of(np.zeros(500), np.zeros((500, 1)), predicted=predicted, certainty=certainty)
    chosen = choose_batch("relevant", pool, 20)
    assert chosen[:18].tolist() == list(range(18))
    assert sum(row >= 18 for row in chosen.tolist()) >= 1
    alone = [
        choose_batch("relevant", replace(pool, keys=tie_keys(pool.keys, seed, 0)), 1)[0]
        for seed in range(200)
    ]
    assert 5 < sum(row != 0 for row in alone) < 45  # a tenth of single ones, too, are random


def test_of_many_classes_the_one_with_fewest_labels_is_wanted():
    predicted = np.repeat([0, 1, 2], 10)
    pool = replace(
        pool_of(np.zeros(30), np.zeros((30, 1)), predicted=predicted, certainty=np.full(30, 0.9)),
        n_classes=3,
        told=Told(y=np.array([0, 0, 1, 2, 2]), params={"random_share": 0.0}),
    )
    assert set(predicted[choose_batch("relevant", pool, 5)]) == {1}


def test_the_ratio_asks_for_more_of_what_is_missed():
    predicted = np.repeat([0, 1], 50)
    useful = np.tile(np.linspace(0.5, 0, 50), 2)
    told = Told(missed=[10, 30])  # 10 false positives, 30 false negatives
    pool = pool_of(useful, np.zeros((100, 1)), predicted=predicted, told=told)
    chosen = choose_batch("ratio", pool, 20)
    assert np.bincount(predicted[chosen]).tolist() == [5, 15]
    assert sorted(chosen) == [*range(5), *range(50, 65)]  # the least certain of each
    even = replace(pool, told=Told())
    assert np.bincount(predicted[choose_batch("ratio", even, 20)]).tolist() == [10, 10]
    few = replace(pool, predicted=(np.arange(100) < 5).astype(int))
    assert len(set(choose_batch("ratio", few, 20).tolist())) == 20


def test_the_ratio_of_single_questions_is_kept_in_the_long_run():
    told = Told(missed=[10, 30])
    pool = pool_of(np.zeros(100), np.zeros((100, 1)), predicted=np.repeat([0, 1], 50), told=told)
    asked = [
        choose_batch("ratio", replace(pool, keys=tie_keys(pool.keys, seed, 0)), 1)[0] >= 50
        for seed in range(400)
    ]
    assert 0.67 < np.mean(asked) < 0.83


@pytest.mark.parametrize(
    ("missed", "n", "expected"),
    [([30, 10], 20, (15, 5)), ([1, 2], 5, (1, 3)), ([0, 9], 20, (10, 10)), ([7, 0], 5, (2, 2))],
)
def test_the_tutorials_ratio_takes_rows_in_order_by_their_labels(missed, n, expected):
    known = np.tile([0, 1], 50)
    told = Told(missed=missed, known=known)
    pool = pool_of(np.zeros(100), np.zeros((100, 1)), told=told)
    chosen = choose_batch("ratio_tutorial", pool, n).tolist()
    n_positive, n_negative = expected
    assert sorted(chosen) == sorted(
        [*range(1, 100, 2)][:n_positive] + [*range(0, 100, 2)][:n_negative]
    )


def test_a_start_asks_about_each_group_that_has_no_label():
    centres = np.repeat([[0, 0], [9, 0], [0, 9]], [60, 30, 20], axis=0)
    at = centres + rng.normal(scale=0.2, size=(110, 2))
    told = Told(X=np.zeros((2, 2)), y=np.array([0, 1]))
    for name in ("typical_start", "spread_start"):
        pool = pool_of(np.zeros(110), at, told=told)
        asked = choose_batch(name, pool, 3)
        assert {1, 2} <= set(np.searchsorted([60, 90], asked, "right").tolist())
        done = replace(pool, told=Told(y=np.repeat([0, 1], 5)), utilities=np.eye(110)[7])
        assert choose_batch(name, done, 1).tolist() == [7]


def test_the_change_from_a_start_to_margin_is_said_in_words():
    said = "few labels so far: typical objects first; from 2x5 labels on: margin"
    assert stage_of("typical_start", [3, 9]) == said
    assert stage_of("typical_start", [5, 5]) == ""
    assert stage_of("margin", [0, 1]) == ""
    assert "5 labels of each class" in stage_of("spread_start", [1, 2, 3])


def test_larger_batches_begin_with_a_strategy_of_their_own():
    assert default_strategy(1) == "uncertainty"
    for is_committee in (False, True):
        registry = COMMITTEE_STRATEGIES if is_committee else STRATEGIES
        assert registry[default_strategy(5, is_committee=is_committee)].choose is not None


def test_points_are_robustly_scaled_and_finite():
    at = points(np.array([[0, np.nan, 1], [1, np.nan, 1], [2, np.nan, 1], [1e9, np.nan, 1]]))
    assert np.isfinite(at).all()
    assert np.abs(at).max() <= 5


def test_utilities_of_a_model_without_probabilities_are_never_below_zero():
    spec = LearnerSpec((Member("svm"),))
    y = (Y > 1).astype(int)[:40]
    svm = fit_learner(spec, X[:40], y, fit_preparation(X, scale=True), CLASSES[:2])
    useful, _ = rank("margin_power", svm, X, CLASSES[:2])
    assert useful.min() >= 0
    likely = consensus(member_probabilities(svm, X, CLASSES[:2]))
    np.testing.assert_allclose(useful, 1 - np.abs(likely[:, 0] - likely[:, 1]))
