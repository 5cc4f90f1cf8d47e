"""Which rows each strategy asks for, how equals are ordered, and what functions may return."""

import numpy as np
import pytest
from modAL import disagreement, uncertainty
from modAL.batch import uncertainty_batch_sampling

from al_engine.errors import EmptyPoolError, SettingsError
from al_engine.learning.contracts import check_committee_strategy, check_strategy
from al_engine.learning.learners import LearnerSpec, Member, fit_learner, fit_preparation
from al_engine.learning.scoring import consensus, member_probabilities
from al_engine.learning.selection import pick, row_keys, tie_keys
from al_engine.learning.strategies import (
    COMMITTEE_STRATEGIES,
    STRATEGIES,
    rank,
    run_strategy,
)
from al_engine.learning.uncertainty import (
    entropy,
    least_confidence,
    max_disagreement,
    smallest_margin,
    vote_entropy,
)

rng = np.random.default_rng(2)
X = rng.normal(size=(150, 3))
Y = np.digitize(X[:, 0], [-0.5, 0.5])
CLASSES = np.array([0, 1, 2])
# Those that ask about the most useful objects one by one; tests of batches try the others.
PLAIN = [name for name, strategy in STRATEGIES.items() if strategy.choose is None]
PLAIN_OF_COMMITTEES = [n for n, found in COMMITTEE_STRATEGIES.items() if found.choose is None]
KEYS = tie_keys(np.arange(150, dtype=np.uint64), 0, 1)


def learner_of(*models, y=Y, classes=CLASSES, strategy="margin"):
    spec = LearnerSpec(tuple(Member(model, {}, strategy) for model in models))
    return fit_learner(spec, X[:40], y[:40], fit_preparation(X, scale=False), classes)


FOREST = learner_of("random_forest")
SVM = learner_of("svm", y=(Y == 1).astype(int), classes=CLASSES[:2])
COMMITTEE = learner_of("random_forest", "knn", "logistic_regression")


def test_hand_worked_utilities():
    proba = np.array([[0.875, 0.125], [0.5, 0.5], [1.0, 0.0]])
    assert least_confidence(proba).tolist() == [0.125, 0.5, 0]
    assert smallest_margin(proba).tolist() == [0.25, 1, 0]
    np.testing.assert_allclose(entropy(proba), [0.3767702, np.log(2), 0], rtol=1e-6)


def test_hand_worked_committee_utilities():
    # Three members, two rows: votes 2 to 1 and 3 to 0.
    members = np.array([[[0.9, 0.1], [0.8, 0.2]], [[0.6, 0.4], [0.9, 0.1]], [[0.0, 1], [1, 0]]])
    two_to_one = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    np.testing.assert_allclose(vote_entropy(members), [two_to_one, 0])
    # Row 0: the mean is (0.5, 0.5); the third member strays by log 2.
    np.testing.assert_allclose(max_disagreement(members)[0], np.log(2))


def test_permuted_probabilities_are_exactly_equal():
    proba = rng.dirichlet(np.ones(4), size=200)
    permuted = rng.permuted(proba, axis=1)
    for from_proba in (STRATEGIES[name].from_proba for name in PLAIN):
        np.testing.assert_array_equal(from_proba(permuted), from_proba(proba))


def test_with_two_classes_uncertainty_margin_and_entropy_rank_alike():
    surer = rng.permutation(np.linspace(0.51, 0.99, 197))
    proba = rng.permuted(np.column_stack([surer, 1 - surer]), axis=1)
    for name in ("uncertainty", "margin", "entropy"):
        ranked = np.argsort(-STRATEGIES[name].from_proba(proba))
        np.testing.assert_array_equal(ranked, np.argsort(surer))


def test_margin_asks_the_closest_pair_first():
    proba = np.array([[[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]]])
    chosen, utilities = run_strategy("margin", FOREST, X[:3], CLASSES[:2], 3, KEYS[:3], proba=proba)
    assert chosen.tolist() == [1, 2, 0]
    np.testing.assert_allclose(utilities, [1, 0.8, 0.2])


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("learner", [FOREST, SVM], ids=["forest", "svm"])
def test_every_strategy_names_distinct_rows_and_repeats_itself(name, learner):
    classes = CLASSES if learner is FOREST else CLASSES[:2]
    chosen, utilities = run_strategy(name, learner, X, classes, 150, KEYS)
    assert sorted(chosen) == list(range(150))
    assert np.all(np.diff(utilities) <= 0)
    first, _ = run_strategy(name, learner, X, classes, 10, KEYS)
    assert first.tolist() == chosen[:10].tolist()
    for n, pool in ((1, X[:0]), (4, X[:3])):
        with pytest.raises(EmptyPoolError, match=f"{len(pool)} objects left, {n} requested"):
            run_strategy(name, learner, pool, classes, n, KEYS[: len(pool)])
    given = member_probabilities(learner, X, classes)
    assert run_strategy(name, learner, X, classes, 1, KEYS, proba=given)[0] == chosen[0]


def test_every_strategy_keeps_the_contract_that_extensions_are_held_to():
    for strategy in STRATEGIES.values():
        check_strategy(strategy)
    for of_committee in COMMITTEE_STRATEGIES.values():
        check_committee_strategy(of_committee)


@pytest.mark.parametrize("name", PLAIN_OF_COMMITTEES)
def test_every_committee_strategy_names_distinct_rows_and_repeats_itself(name):
    chosen, utilities = run_strategy(name, COMMITTEE, X, CLASSES, 150, KEYS)
    assert sorted(chosen) == list(range(150))
    assert np.all(np.diff(utilities) <= 0)
    assert run_strategy(name, COMMITTEE, X, CLASSES, 1, KEYS)[0] == chosen[0]
    with pytest.raises(EmptyPoolError):
        run_strategy(name, COMMITTEE, X[:0], CLASSES, 1, KEYS[:0])


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("uncertainty", uncertainty.classifier_uncertainty),
        ("margin", lambda classifier, X: 1 - uncertainty.classifier_margin(classifier, X)),
        ("entropy", uncertainty.classifier_entropy),
    ],
)
def test_utilities_agree_with_modal(name, measure):
    ours, _ = rank(name, FOREST, X, CLASSES)
    np.testing.assert_allclose(ours, measure(FOREST, X), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("vote_entropy", disagreement.vote_entropy),
        ("consensus_entropy", disagreement.consensus_entropy),
        ("max_disagreement", disagreement.KL_max_disagreement),
    ],
)
def test_committee_utilities_agree_with_modal(name, measure):
    ours, _ = rank(name, COMMITTEE, X, CLASSES)
    np.testing.assert_allclose(ours, measure(COMMITTEE, X), atol=1e-12)


def test_registered_functions_work_inside_modal():
    for name in PLAIN:
        learner = learner_of("random_forest", strategy=name)
        assert learner.query_strategy is STRATEGIES[name].function
        rows, _, utilities = learner.query(X, n_instances=3, return_metrics=True)
        np.testing.assert_array_equal(utilities, rank(name, learner, X, CLASSES)[0][rows])
    for name in PLAIN_OF_COMMITTEES:
        rows, utilities = COMMITTEE_STRATEGIES[name].function(COMMITTEE, X, n_instances=2)
        np.testing.assert_array_equal(utilities, rank(name, COMMITTEE, X, CLASSES)[0][rows])


def test_equal_votes_are_ordered_by_consensus_margin():
    members = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.2, 0.8], [0.45, 0.55]]])
    chosen, utilities = run_strategy(
        "vote_entropy", COMMITTEE, X[:2], CLASSES[:2], 2, row_keys(2), proba=members
    )
    # Consensus (0.55, 0.45) and (0.525, 0.475): both are one vote each, the second is closer.
    assert chosen.tolist() == [1, 0]
    np.testing.assert_allclose(utilities, np.log(2))


def test_equals_are_ordered_by_key_or_by_row():
    proba = np.full((1, 150, 2), 0.5)
    by_hash, _ = run_strategy("margin", FOREST, X, CLASSES[:2], 4, KEYS, proba=proba)
    assert by_hash.tolist() == np.argsort(KEYS)[:4].tolist()
    by_row, _ = run_strategy(
        "margin", FOREST, X, CLASSES[:2], 4, KEYS, proba=proba, tie_break="first"
    )
    assert by_row.tolist() == [0, 1, 2, 3]


def test_random_asks_other_objects_in_each_round_and_with_each_seed():
    objects = np.arange(150, dtype=np.uint64)
    orders = {
        tuple(run_strategy("random", FOREST, X, CLASSES, 5, tie_keys(objects, *when))[0])
        for when in ((0, 1), (0, 2), (1, 1), (-1, 1))
    }
    assert len(orders) == 4


def test_tie_keys_depend_on_the_object_and_not_on_its_row():
    objects = np.array([10, 2**63, 3], dtype=np.uint64)
    keys = tie_keys(objects, 5, 9)
    assert keys[::-1].tolist() == tie_keys(objects[::-1], 5, 9).tolist()
    assert len(np.unique(tie_keys(np.arange(100_000, dtype=np.uint64), 0, 0))) == 100_000
    # The same on every platform: a project opened elsewhere asks for the same objects.
    first_two = [2_558_736_989_570_252_433, 3_400_964_856_525_257_824]
    assert tie_keys(np.array([0, 1], dtype=np.uint64), 0, 0).tolist() == first_two


def test_pick_orders_by_utility_then_secondary_then_key():
    utilities = np.array([1.0, 2.0, 2.0, 2.0, np.nan])
    secondary = np.array([9.0, 1.0, 5.0, 5.0, 9.0])
    keys = np.array([0, 1, 8, 7, 0], dtype=np.uint64)
    assert pick(utilities, 5, keys, secondary).tolist() == [3, 2, 1, 0, 4]
    for n in range(1, 5):
        assert pick(utilities, n, keys, secondary).tolist() == [3, 2, 1, 0, 4][:n]
    with pytest.raises(SettingsError):
        pick(utilities, 0, keys)


def test_pick_agrees_with_a_full_sort():
    for n in (1, 2, 17, 400):
        utilities = rng.integers(0, 5, 400).astype(float)
        secondary = rng.integers(0, 5, 400).astype(float)
        keys = tie_keys(np.arange(400, dtype=np.uint64), n, 0)
        expected = np.lexsort((keys, -secondary, -utilities))[:n]
        assert pick(utilities, n, keys, secondary).tolist() == expected.tolist()


def test_a_support_vector_machine_is_ranked_by_its_decision_function():
    nearest = np.argsort(np.abs(SVM.estimator.decision_function(X)))[:5]
    for name in ("uncertainty", "margin", "entropy"):
        assert run_strategy(name, SVM, X, CLASSES[:2], 5, KEYS)[0].tolist() == nearest.tolist()
    by_function, _ = run_strategy(uncertainty.margin_sampling, SVM, X, CLASSES[:2], 1, KEYS)
    assert by_function[0] == nearest[0]


def test_modal_functions_pass_for_learners_and_committees():
    rows, utilities = run_strategy(uncertainty.entropy_sampling, FOREST, X, CLASSES, 3, KEYS)
    assert len(set(rows.tolist())) == 3
    np.testing.assert_allclose(utilities, uncertainty.classifier_entropy(FOREST, X)[rows])
    mixed = learner_of("svm", "knn")
    function = disagreement.max_disagreement_sampling
    rows, _ = run_strategy(function, mixed, X, CLASSES, 1, KEYS)
    assert rows[0] == run_strategy("max_disagreement", mixed, X, CLASSES, 1, KEYS)[0][0]


@pytest.mark.parametrize("model", ["svm", "random_forest", "knn"])
def test_ranked_batches_measure_distances_in_the_prepared_space(model):
    gaps = X.copy()
    gaps[::7, 1] = np.nan
    spec = LearnerSpec((Member(model),))
    preparation = fit_preparation(gaps, scale=True)
    learner = fit_learner(spec, gaps[1:6], Y[1:6], preparation, CLASSES)
    pool = gaps if model != "random_forest" else X  # a forest's own space keeps the gaps
    rows, _ = run_strategy(uncertainty_batch_sampling, learner, pool, CLASSES, 4, KEYS)
    assert len(set(rows.tolist())) == 4


@pytest.mark.parametrize(
    ("answer", "n", "rows"),
    [
        (7, 1, [7]),
        (np.int64(7), 1, [7]),
        ([7, 3], 2, [7, 3]),
        (np.array([7, 3]), 2, [7, 3]),
        ((7, 3), 2, [7, 3]),
        ((7, 0.5), 1, [7]),
        (([7, 3], [0.5, 0.25]), 2, [7, 3]),
        ((np.array([[7], [3]]), X[[7, 3]]), 2, [7, 3]),
    ],
)
def test_rows_are_understood_alone_or_with_utilities(answer, n, rows):
    chosen, utilities = run_strategy(
        lambda classifier, X, n_instances=1: answer, FOREST, X, CLASSES, n, KEYS
    )
    assert chosen.tolist() == rows
    assert len(utilities) == n


def test_utilities_of_a_function_are_kept_and_missing_ones_are_nan():
    _, given = run_strategy(lambda *_, **__: ([7, 3], [0.5, 0.25]), FOREST, X, CLASSES, 2, KEYS)
    assert given.tolist() == [0.5, 0.25]
    _, none = run_strategy(lambda *_, **__: [7, 3], FOREST, X, CLASSES, 2, KEYS)
    assert np.isnan(none).all()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([7, 7], r"\[7, 7\]"),
        ([7], r"\[7\]"),
        ([7, 150], "150.*the pool has 150"),
        ([-1, 3], "-1"),
        ([0.5, 1.5], "0.5"),
        (None, "None"),
        ("ab", "ab"),
        ([[1], [2, 3]], r"\[\[1\]"),
    ],
)
def test_answers_that_are_not_rows_are_refused_and_quoted(answer, said):
    def odd_strategy(classifier, X, n_instances=1):
        return answer

    with pytest.raises(SettingsError, match=f"odd_strategy returned .*{said}"):
        run_strategy(odd_strategy, FOREST, X, CLASSES, 2, KEYS)


def test_a_failing_function_is_called_once_and_named():
    calls = []

    def broken(classifier, X):
        calls.append(len(X))
        raise ValueError("no luck")

    with pytest.raises(SettingsError, match="broken failed: ValueError: no luck"):
        run_strategy(broken, FOREST, X, CLASSES, 1, KEYS)
    assert calls == [150]


def test_single_and_committee_probabilities_are_told_apart():
    proba = member_probabilities(COMMITTEE, X, CLASSES)
    utilities, secondary = rank("consensus_entropy", COMMITTEE, X, CLASSES, proba)
    np.testing.assert_array_equal(utilities, entropy(consensus(proba)))
    np.testing.assert_array_equal(secondary, smallest_margin(consensus(proba)))
