"""Models in whose fit the unlabelled pool takes part: what they make of it and refuse of it."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits

from al_engine.errors import SettingsError
from al_engine.extensions.used import hashes
from al_engine.learning.learners import (
    LearnerSpec,
    Member,
    fit_learner,
    fit_preparation,
    pipelines,
    pool_taking_part,
)
from al_engine.learning.models import MODELS, Beside, check_params
from al_engine.learning.scoring import column_scorer, member_probabilities, predict
from al_engine.learning.self_training import MOST_SELF_TRAINED, self_train, surest
from al_engine.learning.spreading import MOST_NEIGHBOURS, MOST_PAIRED, row_keys
from al_engine.learning.strategies import run_strategy
from al_engine.learning.uncertainty import entropy
from al_engine.origin import Origin
from al_engine.settings.config import ClassifierSetup, MemberSetup, ProjectConfig

GRAPHS = ("label_spreading", "label_propagation")
TWO = np.array([0, 1])


def bars(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two rows of points, longer than they are apart: neighbours tell the classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = np.column_stack([rng.uniform(0, 3, n), 1.5 * y + rng.normal(0, 0.1, n)])
    return X, y


def fitted(name, X, y, labelled, classes=TWO, strategy="entropy", seed=0, scale=False, **params):
    spec = LearnerSpec((Member(name, params, strategy),), seed=seed)
    pool = np.setdiff1d(np.arange(X.shape[0]), labelled)
    preparation = fit_preparation(X, scale=scale)
    return fit_learner(spec, X[labelled], y[labelled], preparation, classes, X_pool=X[pool]), pool


# -- the published run on digits --


def test_label_spreading_on_digits_reaches_the_published_accuracies():
    """Active learning with label propagation, scikit-learn's example by C. Feng and Z. Lu."""
    digits = load_digits()
    order = np.arange(len(digits.data))
    np.random.RandomState(0).shuffle(order)
    X, y, classes = digits.data[order[:330]], digits.target[order[:330]], np.arange(10)
    settings = {"kernel": "rbf", "gamma": 0.25, "max_iter": 20}

    def spread_from(labelled):
        learner, pool = fitted("label_spreading", X, y, labelled, classes, **settings)
        proba = member_probabilities(learner, X[pool], classes)
        return learner, pool, float(np.mean(predict(proba[0], classes) == y[pool]))

    labelled, accuracies = np.arange(40), []
    for _ in range(5):
        learner, pool, accuracy = spread_from(labelled)
        accuracies.append(round(accuracy, 3))
        keys = pool.astype(np.uint64)
        asked, _ = run_strategy("entropy", learner, X[pool], classes, 5, keys)
        labelled = np.sort(np.concatenate([labelled, pool[asked]]))
    assert accuracies == [0.869, 0.902, 0.921, 0.949, 0.956]
    assert round(spread_from(np.arange(60))[2], 3) == 0.900


# -- the graph --


@pytest.mark.parametrize("name", GRAPHS)
def test_what_took_part_has_its_label_distribution_and_what_did_not_a_prediction(name):
    X, y = bars()
    others, _ = bars(40, seed=1)
    learner, pool = fitted(name, X, y, np.arange(6), kernel="rbf", gamma=20.0)
    plain = pipelines(learner)[0].steps[-1][1]
    proba = member_probabilities(learner, X, TWO)[0]
    np.testing.assert_allclose(proba[np.arange(6)], plain.label_distributions_[:6], atol=1e-12)
    np.testing.assert_allclose(proba[pool], plain.label_distributions_[6:], atol=1e-12)
    np.testing.assert_allclose(
        member_probabilities(learner, others, TWO)[0], plain.predict_proba(others), atol=1e-12
    )


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("label_propagation", {"max_iter": 1000}),
        ("label_propagation", {"kernel": "rbf", "gamma": 20.0}),
        ("label_spreading", {"kernel": "rbf", "gamma": 20.0, "alpha": 0.9}),
    ],
)
def test_the_pool_helps_where_labels_alone_would_not_do(name, params):
    X, y = bars()
    ends = np.array([int(np.argmin(X[:, 0] + 9 * y)), int(np.argmax(X[:, 0] + 9 * y))])
    learner, pool = fitted(name, X, y, ends, **params)
    alone, _ = fitted("knn", X, y, ends)
    right, right_alone = (np.mean(x.predict(X[pool]) == y[pool]) for x in (learner, alone))
    assert right > 0.75 > 0.65 > right_alone


def test_a_row_that_no_label_reaches_has_equal_shares_and_no_warning_is_shown():
    X = np.concatenate([bars(60)[0], [[1e6, 1e6], [-1e6, 3.0]]])
    y = np.append(bars(60)[1], [0, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learner, _ = fitted("label_spreading", X, y, np.arange(6), kernel="rbf", gamma=20.0)
        proba = member_probabilities(learner, np.append(X, [[5e6, 0]], axis=0), TWO)[0]
    np.testing.assert_array_equal(proba[60:], np.full((3, 2), 0.5))
    assert entropy(proba)[60:].min() == entropy(proba).max(), "asked about first"


def test_a_round_scores_the_columns_of_a_matrix_as_it_scores_rows():
    X, y = bars(100)
    X[3, 0] = X[50, 1] = np.nan
    learner, _ = fitted("label_spreading", X.astype(np.float32), y, np.arange(8), scale=True)
    columns = np.ascontiguousarray(X.T.astype(np.float32))
    made = column_scorer(learner, TWO)(columns, np.arange(100)[::-1])
    rows = X.astype(np.float32).astype(np.float64)
    expected = member_probabilities(learner, rows, TWO)[0][::-1]
    np.testing.assert_array_equal(made.by_row(made.members[0]), expected)
    took_part = pipelines(learner)[0].steps[-1][1].label_distributions_
    np.testing.assert_allclose(expected[::-1][:8], took_part[:8], atol=1e-12)


def test_rows_are_known_again_whether_they_are_dense_or_sparse():
    X = np.round(np.random.default_rng(0).normal(size=(200, 6))) * 0.1
    keys = row_keys(X)
    np.testing.assert_array_equal(keys, row_keys(sp.csr_matrix(X)))
    np.testing.assert_array_equal(keys, row_keys(-0.0 + np.where(X == 0, -0.0, X)))
    alike = len(np.unique(X, axis=0))
    assert len(np.unique(keys)) == alike


def said(estimator, X):
    has_probabilities = hasattr(estimator, "predict_proba")
    return estimator.predict_proba(X) if has_probabilities else estimator.decision_function(X)


@pytest.mark.parametrize("name", [*GRAPHS, "self_training"])
def test_sparse_features_give_what_dense_ones_give(name):
    X, y = bars(120)
    X[X < 0.3] = 0
    entry = MODELS[name]
    # Around a model whose settings are the same for texts.
    settings = {"kernel": "rbf", "gamma": 5.0} if name in GRAPHS else {"base": "linear_svm"}
    params = check_params(name, settings)
    dense, sparse = (
        said(entry.train(params, 0, form(X[:10]), y[:10], Beside(form(X[10:]))), form(X))
        for form in (np.asarray, sp.csr_matrix)
    )
    np.testing.assert_allclose(sparse, dense, atol=1e-3 if name == "self_training" else 1e-6)


# -- self-training --


def test_self_training_learns_from_its_own_surest_guesses():
    X, y = bars()
    labelled = np.array([0, 1, 2, 3])
    alone, _ = fitted("svm", X, y, labelled)
    settings = {"base": "svm", "threshold": 0.6, "most": 50, "iterations": 20}
    trained, pool = fitted("self_training", X, y, labelled, **settings)
    right = [np.mean(learner.predict(X[pool]) == y[pool]) for learner in (alone, trained)]
    assert right[0] < 0.9 < right[1]


def test_self_training_takes_sure_guesses_of_each_class_in_proportion():
    seen = []

    class Recorder:
        classes_ = TWO

        def predict_proba(self, rows):
            return np.column_stack([1 - rows[:, 0] / 3, rows[:, 0] / 3])

    def fit(rows, labels, weights):
        seen.append(labels.tolist())
        return Recorder()

    # Of the pool three quarters are guessed to be of the first class.
    pool = np.array([[0.01], [0.02], [0.03], [1.0], [1.1], [1.2], [2.99], [2.0]])
    given = (fit, np.array([[0.0], [3.0]]), TWO, pool)
    self_train(*given, threshold=0.95, most=4, iterations=1)
    assert seen[-1] == [0, 1, 0, 0, 0, 1], "three of the one and one of the other"
    self_train(*given, threshold=0.995, most=4, iterations=9)
    assert seen[-1] == [0, 1, 0], "beside one of the one there is no whole one of the other"
    self_train(*given, threshold=1.0, most=3, iterations=9)
    assert seen[-1] == [0, 1], "nothing was that sure: it is not trained again"


def test_a_class_of_which_nothing_is_sure_holds_up_no_other():
    proba = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.2, 0.2, 0.6], [0.95, 0.05, 0.0]])
    rows, classes = surest(proba, 0.8, 4, "predicted")
    assert (rows.tolist(), classes.tolist()) == ([0, 1, 3], [0, 1, 0])
    alone, _ = surest(proba[[0, 2, 3]], 0.8, 4, "predicted")
    assert len(alone) == 0, "one class alone teaches nothing of where it ends"


def test_equal_parts_help_a_model_that_sees_one_class_everywhere():
    proba = np.column_stack([np.linspace(0.55, 0.95, 9), np.linspace(0.45, 0.05, 9)])
    assert len(surest(proba, 0.0, 4, "predicted")[0]) == 0
    rows, classes = surest(proba, 0.0, 4, "equal")
    assert (rows.tolist(), classes.tolist()) == ([0, 1, 7, 8], [1, 1, 0, 0])


def test_an_object_that_two_classes_claim_is_a_guess_for_neither():
    proba = np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [0.2, 0.3, 0.5]])
    assert surest(proba, 0.0, 3, "equal")[0].tolist() == [1]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_guesses_that_count_little_move_a_model_little(form):
    X, y = bars()
    labelled, pool = np.arange(12), np.arange(12, 300)
    base = {"base": "logistic_regression", "iterations": 1, "threshold": 0.5}
    coefs = []
    for params in ({"iterations": 1, "threshold": 1.0}, {"weight": 0.001}, {"weight": 1.0}):
        made = MODELS["self_training"].train(
            check_params("self_training", base | params),
            0,
            form(X[labelled]),
            y[labelled],
            Beside(form(X[pool])),
        )
        linear = made.estimators_[0] if hasattr(made, "estimators_") else made
        coefs.append(linear.coef_.ravel())
    alone, little, whole = coefs
    assert 0 < np.abs(little - alone).max() < 0.3 * np.abs(whole - alone).max()


@pytest.mark.parametrize("base", ["knn", "mlp_steps"])
def test_a_model_without_weights_is_refused_where_guesses_count_less(base):
    X, y = bars(60)
    with pytest.raises(SettingsError, match="cannot count a guess for less than a label"):
        fitted("self_training", X, y, np.arange(12), base=base, weight=0.5, threshold=0.5)


@pytest.mark.parametrize("base", ["svm", "random_forest", "sgd", "knn", "hist_gradient_boosting"])
def test_self_training_goes_around_other_models_with_probabilities_or_without(base):
    X, y = bars(80)
    learner, pool = fitted("self_training", X, y, np.arange(12), base=base)
    assert np.mean(learner.predict(X[pool]) == y[pool]) > 0.8


def test_self_training_goes_around_a_model_that_came_later(monkeypatch):
    origin = Origin("mine.py", "0" * 64)
    mine = replace(MODELS["knn"], name="mine", title="Mine", origin=origin)
    monkeypatch.setitem(MODELS, "mine", mine)
    X, y = bars(80)
    learner, _ = fitted("self_training", X, y, np.arange(12), base="mine")
    assert pipelines(learner)[0].steps[-1][1].n_neighbors == 3
    spec = LearnerSpec((Member("self_training", {"base": "mine"}),))
    assert mine in spec.models, "its file is blamed where it fails"
    setup = ClassifierSetup((MemberSetup("self_training", params={"base": "mine"}),))
    used = hashes(ProjectConfig(setups={"1": setup}), "1")
    assert used == {"model mine": origin.sha256}, "another file makes other rounds"


def test_self_training_names_no_model_that_needs_the_pool_itself():
    with pytest.raises(SettingsError, match=r"base\) is 'label_spreading'"):
        Member("self_training", {"base": "label_spreading"})


# -- few labels, no pool, too much of it --


@pytest.mark.parametrize("name", [*GRAPHS, "self_training"])
def test_one_label_one_class_and_an_empty_pool_are_no_error(name):
    X, y = bars(30)
    X[4, 0] = np.nan
    for labelled in ([4], [1, 3, 5], np.arange(30)):
        learner, _ = fitted(name, X, y, np.asarray(labelled))
        proba = member_probabilities(learner, X, TWO)[0]
        np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_a_committee_may_hold_models_that_need_the_pool():
    X, y = bars(100)
    members = [Member("label_spreading"), Member("self_training"), Member("knn")]
    spec = LearnerSpec(tuple(members), "vote_entropy")
    preparation = fit_preparation(X, scale=True)
    learner = fit_learner(spec, X[:10], y[:10], preparation, TWO, X_pool=X[10:])
    proba = member_probabilities(learner, X, TWO)
    assert proba.shape == (3, 100, 2)
    asked, _ = run_strategy("vote_entropy", learner, X[10:], TWO, 4, np.arange(90, dtype=np.uint64))
    assert len(set(asked.tolist())) == 4


def test_a_pool_too_large_for_a_graph_is_refused_with_what_to_choose():
    spec = LearnerSpec((Member("label_spreading", {"kernel": "rbf"}),))
    assert len(pool_taking_part(spec, np.arange(MOST_PAIRED - 10), 10)) == MOST_PAIRED - 10
    with pytest.raises(SettingsError, match=r"up to 5,000 objects.*are 5,001") as refused:
        pool_taking_part(spec, np.arange(MOST_PAIRED - 9), 10)
    assert "self-training" in refused.value.hint
    wide = LearnerSpec((Member("label_propagation"),))
    with pytest.raises(SettingsError, match=r"up to 20,000"):
        pool_taking_part(wide, np.arange(MOST_NEIGHBOURS), 1)


def test_labels_alone_may_be_too_many_for_a_graph_too():
    X, y = np.zeros((MOST_PAIRED + 1, 1)), np.arange(MOST_PAIRED + 1) % 2
    spec = LearnerSpec((Member("label_spreading", {"kernel": "rbf"}),))
    with pytest.raises(SettingsError, match="up to 5,000 objects"):
        fit_learner(spec, X, y, fit_preparation(X, scale=False), TWO)


def test_of_a_pool_of_any_size_self_training_draws_what_it_can_take():
    spec = LearnerSpec((Member("self_training"),), seed=3)
    rows = np.arange(3 * MOST_SELF_TRAINED)
    drawn = pool_taking_part(spec, rows, 5)
    assert len(drawn) == MOST_SELF_TRAINED
    fewer = pool_taking_part(spec, np.delete(rows, drawn[0]), 6)
    assert len(np.setdiff1d(drawn[1:], fewer)) == 0, "a label more leaves the others drawn"
    assert len(pool_taking_part(LearnerSpec((Member("knn"),)), rows, 5)) == 0
