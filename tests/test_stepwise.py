"""Models that learn in steps: when they stop, which weights they keep, what they keep of it."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import SGDClassifier

from al_engine.learning.learners import (
    LearnerSpec,
    Member,
    epochs_by_member,
    fit_learner,
    fit_preparation,
)
from al_engine.learning.models import MODELS, Beside, check_params
from al_engine.learning.scoring import member_probabilities
from al_engine.learning.stepwise import ENOUGH_TO_HOLD_BACK, epochs_of, train_in_steps

NAMES = ("sgd", "mlp_steps")
TWO = np.array([0, 1])


def overlapping(n, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return 0.7 * y[:, None] + rng.normal(size=(n, 5)), y


def trained(name, n=200, validation=None, before=None, **params):
    X, y = overlapping(n)
    spec = LearnerSpec((Member(name, params),), seed=4)
    preparation = fit_preparation(X, scale=True)
    return fit_learner(spec, X, y, preparation, TWO, validation=validation, before=before)


class Falling:
    """Its loss falls, and rises again after the fourth epoch."""

    classes_ = TWO
    n_features_in_ = 1

    def __init__(self):
        self.epoch = 0

    def partial_fit(self, X, y, classes):
        self.epoch += 1
        return self

    def predict_proba(self, X):
        sure = 0.5 + 0.1 * min(self.epoch, 8 - self.epoch)
        return np.column_stack([np.full(len(X), 1 - sure), np.full(len(X), sure)])


def test_it_ends_when_patience_does_and_keeps_the_best_epoch():
    X, y = np.zeros((10, 1)), np.arange(10) % 2
    judge = (np.zeros((4, 1)), np.ones(4, dtype=int))
    kept = train_in_steps(Falling(), X, y, judge, epochs=50, patience=3, seed=0)
    epochs = epochs_of(kept)
    assert (kept.epoch, epochs.best, len(epochs.validation_loss)) == (4, 3, 7)
    assert epochs.validation_loss.argmin() == 3
    assert (epochs.judged_on, epochs.n_judged) == ("the validation set", 4)
    short = train_in_steps(Falling(), X, y, judge, epochs=2, patience=3, seed=0)
    assert (short.epoch, len(epochs_of(short).training_loss)) == (2, 2)


@pytest.mark.parametrize("name", NAMES)
def test_curves_are_kept_for_every_epoch_and_over_the_objects_they_name(name):
    X, y = overlapping(80, seed=1)
    (epochs,) = epochs_by_member(
        trained(name, validation=(X, y), epochs=12, patience=12, learning_rate=0.01)
    )
    assert epochs.n_judged == 80
    for curve in (epochs.training_loss, epochs.validation_loss, epochs.validation_accuracy):
        assert curve.shape == (12,)
        assert np.isfinite(curve).all()
    assert epochs.training_loss[-1] < epochs.training_loss[0]
    proba = member_probabilities(
        trained(name, validation=(X, y), epochs=12, patience=12, learning_rate=0.01), X, TWO
    )
    loss = -np.log(proba[0][np.arange(80), y]).mean()
    assert loss == pytest.approx(epochs.validation_loss[epochs.best])


def test_without_validation_a_stratified_fifth_is_held_back_and_none_of_a_few():
    (epochs,) = epochs_by_member(trained("sgd", n=100))
    assert (epochs.judged_on, epochs.n_judged) == ("a fifth of the labelled objects", 20)
    (few,) = epochs_by_member(trained("sgd", n=ENOUGH_TO_HOLD_BACK - 2))
    assert (few.judged_on, few.n_judged) == ("", 0)
    assert np.isnan(few.validation_loss).all()
    assert epochs_by_member(trained("logistic_regression")) == [None]


@pytest.mark.parametrize("name", NAMES)
def test_carried_weights_go_on_from_the_round_before_and_fresh_ones_do_not(name):
    validation = overlapping(200, seed=2)
    settings = {"epochs": 15, "patience": 15, "learning_rate": 0.01}
    first = trained(name, validation=validation, **settings)
    fresh = trained(name, validation=validation, **settings)
    (was,), (again,) = epochs_by_member(first), epochs_by_member(fresh)
    np.testing.assert_array_equal(was.training_loss, again.training_loss)
    (carried,) = epochs_by_member(trained(name, validation=validation, before=first, **settings))
    assert carried.training_loss[0] < was.training_loss[0]
    (unchanged,) = epochs_by_member(first)
    np.testing.assert_array_equal(unchanged.training_loss, was.training_loss)


def test_weights_of_another_kind_or_of_other_classes_are_not_carried():
    X, y = overlapping(60)
    other = fit_learner(LearnerSpec((Member("knn"),)), X, y, fit_preparation(X, scale=True), TWO)
    (fresh,), (passed_over,) = (
        epochs_by_member(trained("sgd", before=before)) for before in (None, other)
    )
    np.testing.assert_array_equal(fresh.training_loss, passed_over.training_loss)
    three = SGDClassifier(loss="log_loss").fit(X, np.arange(60) % 3)
    made = train_in_steps(
        SGDClassifier(loss="log_loss"), X, y, epochs=3, patience=3, seed=0, before=three
    )
    assert made.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("name", NAMES)
def test_sparse_rows_are_taken(name):
    X, y = overlapping(120)
    X[X < 0] = 0
    entry, params = MODELS[name], check_params(name, {"epochs": 30})
    proba = [
        entry.train(params, 0, form(X), y, Beside(validation=(form(X), y))).predict_proba(form(X))
        for form in (np.asarray, sp.csr_matrix)
    ]
    # Not alike: scikit-learn moves the intercept of a linear model less where rows are sparse.
    assert min(np.mean(each.argmax(axis=1) == y) for each in proba) > 0.6


def test_a_class_among_the_validation_objects_that_nobody_labelled_is_no_error():
    X, _ = overlapping(90)
    (epochs,) = epochs_by_member(trained("sgd", validation=(X, np.arange(90) % 3)))
    assert np.isfinite(epochs.validation_loss).all()
    assert epochs.validation_accuracy.max() < 0.75
