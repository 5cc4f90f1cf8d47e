"""Probabilities: their order, their stand-ins, and scoring in chunks."""

import numpy as np

from al_engine.learning.learners import LearnerSpec, Member, fit_learner, fit_preparation
from al_engine.learning.scoring import (
    consensus,
    decision_margin,
    member_probabilities,
    predict,
    with_probabilities,
)

rng = np.random.default_rng(1)
X = rng.normal(size=(100, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
CLASSES = np.array([0, 1])


def learner_of(*models, y=Y, classes=CLASSES):
    spec = LearnerSpec(tuple(Member(model) for model in models))
    return fit_learner(spec, X[:30], y[:30], fit_preparation(X, scale=False), classes)


def test_chunks_change_nothing():
    learner = learner_of("random_forest", "svm")
    whole = member_probabilities(learner, X, CLASSES)
    np.testing.assert_array_equal(member_probabilities(learner, X, CLASSES, chunk_rows=7), whole)


def test_memory_mapped_columns_score_alike(tmp_path):
    np.save(tmp_path / "X.npy", np.asfortranarray(X))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    learner = learner_of("random_forest")
    np.testing.assert_array_equal(
        member_probabilities(learner, mapped, CLASSES), member_probabilities(learner, X, CLASSES)
    )


def test_columns_follow_the_classes_given_and_not_the_learner():
    y = np.where(Y == 0, "star", "galaxy")
    proba = member_probabilities(
        learner_of("knn", y=y, classes=np.array(["star", "quasar", "galaxy"])),
        X,
        np.array(["star", "quasar", "galaxy"]),
    )[0]
    star = predict(proba, np.array(["star", "quasar", "galaxy"])) == "star"
    assert np.all(proba[:, 1] == 0)
    assert np.mean(star == (Y == 0)) > 0.8


def test_logistic_stands_in_for_probabilities_of_a_support_vector_machine():
    learner = learner_of("svm")
    decision = learner.estimator.decision_function(X)
    proba = member_probabilities(learner, X, CLASSES)[0]
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)))
    np.testing.assert_allclose(decision_margin(learner, X, chunk_rows=9), np.abs(decision))
    np.testing.assert_array_equal(predict(proba, CLASSES), learner.predict(X))
    np.testing.assert_array_equal(with_probabilities(learner).predict_proba(X), proba)


def test_decision_margin_of_three_classes_is_the_gap_between_the_two_highest():
    classes = np.array([0, 1, 2])
    learner = learner_of("svm", y=np.digitize(X[:, 0], [-0.5, 0.5]), classes=classes)
    decision = np.sort(learner.estimator.decision_function(X), axis=1)
    np.testing.assert_allclose(decision_margin(learner, X), decision[:, 2] - decision[:, 1])
    np.testing.assert_allclose(member_probabilities(learner, X, classes).sum(axis=2), 1)


def test_there_is_no_decision_margin_where_there_are_probabilities():
    assert decision_margin(learner_of("random_forest"), X) is None
    assert decision_margin(learner_of("svm", "knn"), X) is None


def test_identical_labelled_rows_leave_naive_bayes_undecided_but_finite():
    same = np.ones((4, 3), dtype=np.float32)
    learner = fit_learner(
        LearnerSpec((Member("naive_bayes"),)),
        same,
        np.array([0, 0, 1, 1]),
        fit_preparation(X, scale=False),
        CLASSES,
    )
    assert np.all(member_probabilities(learner, same, CLASSES)[0] == 0.5)


def test_equal_probabilities_go_to_the_first_class():
    proba = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert predict(proba, np.array(["galaxy", "star"])).tolist() == ["galaxy", "star"]


def test_consensus_is_the_mean_over_members():
    members = np.array([[[1.0, 0.0]], [[0.5, 0.5]]])
    assert consensus(members).tolist() == [[0.75, 0.25]]
