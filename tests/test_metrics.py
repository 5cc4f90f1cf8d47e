"""Scores worked by hand, their intervals, and scores by cross-validation."""

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from al_engine.errors import SettingsError
from al_engine.learning.cross_validation import cross_validated_scores
from al_engine.learning.learners import LearnerSpec, Member, fit_preparation
from al_engine.learning.metrics import (
    Score,
    Scores,
    binary_scores,
    macro_scores,
    scores_of_confusion,
    share,
)

CLASSES = np.array([0, 1])


def test_hand_worked_scores_of_ten_objects():
    y_true = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    y_pred = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    scores = binary_scores(y_true, y_pred)
    assert (scores.n, scores.confusion) == (10, ((5, 1), (1, 3)))
    assert (scores.accuracy.value, scores.accuracy.n) == (0.8, 10)
    assert (scores.precision.value, scores.precision.n) == (0.75, 4)
    assert (scores.recall.value, scores.recall.n) == (0.75, 4)
    assert (scores.f1.value, scores.f1.n) == (pytest.approx(0.75), 5)


def test_wilson_interval_of_eight_in_ten():
    # Centre (0.8 + 3.8415/20) / 1.38415 = 0.71674, half width 0.22658.
    score = share(8, 10)
    assert (score.low, score.high) == (
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )


def test_interval_of_f1_is_that_of_the_jaccard_share_mapped():
    scores = scores_of_confusion(tn=90, fp=1, fn=1, tp=8)
    jaccard = share(8, 10)
    assert scores.f1.value == pytest.approx(16 / 18)
    assert scores.f1.low == pytest.approx(2 * jaccard.low / (1 + jaccard.low))
    assert scores.f1.high == pytest.approx(2 * jaccard.high / (1 + jaccard.high))


@pytest.mark.parametrize(("part", "n"), [(0, 1), (1, 1), (0, 7), (7, 7), (3, 7), (999, 1000)])
def test_an_interval_holds_its_value_and_stays_within_0_and_1(part, n):
    score = share(part, n)
    assert 0 <= score.low <= score.value <= score.high <= 1
    assert score.high - score.low > 0


def test_shares_of_nothing_are_none_and_not_zero():
    scores = binary_scores(np.zeros(4), np.zeros(4))
    assert scores.accuracy.value == 1
    assert scores.precision == scores.recall == scores.f1 == Score(None, None, None, 0)
    assert binary_scores(np.array([]), np.array([])).accuracy == Score(None, None, None, 0)


def test_whatever_is_not_the_positive_class_is_negative():
    y_true = np.array(["star", "quasar", "galaxy"])
    scores = binary_scores(y_true, np.array(["star", "star", "quasar"]), positive="star")
    assert scores.confusion == ((1, 1), (0, 1))


def test_scores_survive_json():
    for scores in (scores_of_confusion(5, 1, 1, 3), scores_of_confusion(0, 0, 0, 0)):
        assert Scores.from_dict(json.loads(json.dumps(scores.to_dict()))) == scores


def test_different_lengths_are_refused():
    with pytest.raises(SettingsError, match="3 true labels, but 2 predictions"):
        binary_scores(np.zeros(3), np.zeros(2))


def test_macro_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    classes = np.array(["a", "b", "c", "never"])
    y_true, y_pred = rng.choice(classes[:3], 60), rng.choice(classes[:2], 60)
    scores = macro_scores(y_true, y_pred, classes)
    assert scores["accuracy"] == np.mean(y_true == y_pred)
    for name, score in (
        ("precision", precision_score),
        ("recall", recall_score),
        ("f1", f1_score),
    ):
        expected = score(y_true, y_pred, average="macro", zero_division=0)
        assert scores[name] == pytest.approx(expected)


def cross_validated(y):
    rng = np.random.default_rng(3)
    X = y[:, None] + rng.normal(scale=0.1, size=(len(y), 2))
    spec = LearnerSpec((Member("knn", {"n_neighbors": 1}),))
    return cross_validated_scores(spec, X, y, fit_preparation(X, scale=False), CLASSES)


def test_cross_validation_scores_every_labelled_object_once():
    scores, reason = cross_validated(np.array([0] * 7 + [1] * 5))
    assert reason == ""
    assert scores.confusion == ((7, 0), (0, 5))


def test_cross_validation_has_no_more_folds_than_the_smaller_class_has_objects():
    scores, _ = cross_validated(np.array([0] * 9 + [1] * 2))
    assert scores.confusion == ((9, 0), (0, 2))


def test_cross_validation_says_why_it_cannot_be_done():
    assert cross_validated(np.array([0] * 5 + [1])) == (
        None,
        "Cross-validation needs two objects of each side; one side has one.",
    )
    assert cross_validated(np.zeros(5, dtype=int))[0] is None


def test_cross_validation_holds_objects_out():
    # Labels at random: a learner that had seen the objects would be right about all.
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(60, 2)), np.arange(60) % 2
    spec = LearnerSpec((Member("knn", {"n_neighbors": 1}),))
    scores, _ = cross_validated_scores(spec, X, y, fit_preparation(X, scale=False), CLASSES)
    assert scores.accuracy.value < 0.8
