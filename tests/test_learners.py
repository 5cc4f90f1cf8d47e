"""What every registered model must do, and how learners are built and kept."""

import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from modAL.models import ActiveLearner, Committee

from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.learning.contracts import check_model
from al_engine.learning.learners import (
    MODELS,
    LearnerSpec,
    Member,
    build_pipeline,
    check_params,
    fit_learner,
    fit_preparation,
    pipelines,
)
from al_engine.learning.scoring import consensus, member_probabilities, predict

NAMES = [name for name, model in MODELS.items() if model.takes_numbers]
rng = np.random.default_rng(7)
X = rng.normal(size=(120, 4)).astype(np.float32)
SIDE = (X[:, 0] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
X[rng.random(X.shape) < 0.1] = np.nan
TWO_CLASSES = np.array([0, 1])


def learner_of(name, rows, y=SIDE, classes=TWO_CLASSES, scale=True, seed=0, **params):
    spec = LearnerSpec((Member(name, params),), seed=seed)
    return fit_learner(spec, X[rows], y[rows], fit_preparation(X, scale=scale), classes)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_learns_from_five_rows_with_missing_values(name):
    rows = np.sort(np.concatenate([np.flatnonzero(SIDE == 0)[:2], np.flatnonzero(SIDE == 1)[:3]]))
    assert np.isnan(X[rows]).any()
    proba = member_probabilities(learner_of(name, rows), X, TWO_CLASSES)
    assert proba.shape == (1, 120, 2)
    np.testing.assert_allclose(proba.sum(axis=2), 1)
    assert len(np.unique(predict(proba[0], TWO_CLASSES))) == 2


@pytest.mark.parametrize("name", NAMES)
def test_every_model_learns_three_classes(name):
    classes = np.array([0, 1, 2, 3])
    rows = np.arange(60)
    proba = member_probabilities(learner_of(name, rows, THREE, classes), X, classes)[0]
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert np.all(proba[:, 3] == 0), "a class nobody has labelled yet has no probability"
    assert np.mean(predict(proba, classes) == THREE) > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_one_known_class_is_predicted_everywhere(name):
    rows = np.flatnonzero(SIDE == 1)[:3]
    proba = member_probabilities(learner_of(name, rows), X, TWO_CLASSES)[0]
    assert np.all(proba == [0, 1])


@pytest.mark.parametrize("name", MODELS)
def test_every_model_keeps_the_contract_that_extensions_are_held_to(name):
    check_model(MODELS[name])


def test_saved_pipelines_open_without_this_package(tmp_path):
    for name in NAMES:
        joblib.dump(pipelines(learner_of(name, np.arange(30)))[0], tmp_path / f"{name}.joblib")
    np.save(tmp_path / "X.npy", X)
    script = (
        "import sys, pathlib, joblib, numpy\n"
        "X = numpy.load('X.npy')\n"
        "n = [len(joblib.load(p).predict(X)) for p in pathlib.Path('.').glob('*.joblib')]\n"
        "print(n, [m for m in sys.modules if m.split('.')[0] in ('al_engine', 'modAL')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == f"{[120] * len(NAMES)} []", done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_params_are_completed_and_each_bound_is_checked(name):
    defaults = check_params(name, {})
    assert defaults == {param.name: param.default for param in MODELS[name].params}
    for param in MODELS[name].params:
        for choice in param.choices:
            assert check_params(name, {param.name: choice})[param.name] == choice
        bad = "no such choice" if param.choices else param.minimum - 1
        with pytest.raises(SettingsError, match=param.name):
            check_params(name, {param.name: bad})


def test_bad_params_are_named_with_value_and_limits():
    with pytest.raises(SettingsError, match=r"n_estimators\) is 0, but must be .* from 1 to 5000"):
        check_params("random_forest", {"n_estimators": 0})
    with pytest.raises(SettingsError, match=r"2\.5, but must be a whole number"):
        check_params("knn", {"n_neighbors": 2.5})
    with pytest.raises(SettingsError, match="no setting 'depth'"):
        check_params("random_forest", {"depth": 3})
    with pytest.raises(SettingsError, match=r"'random_forrest'.*random_forest"):
        check_params("random_forrest", {})
    with pytest.raises(SettingsError, match="nan"):
        check_params("svm", {"C": float("nan")})


WEIGHTED = [name for name in NAMES if "class_weight" in check_params(name, {})]


@pytest.mark.parametrize("name", WEIGHTED)
def test_balanced_class_weights_let_a_rare_class_count_as_much(name):
    generator = np.random.default_rng(1)
    y = np.array([0] * 180 + [1] * 20)
    overlapping = (y[:, None] * 0.8 + generator.normal(size=(200, 2))).astype(np.float32)
    # Limits that keep a model from learning the overlap by heart.
    limits = {"max_depth": 2, "n_estimators": 20, "max_iter": 10, "min_samples_leaf": 20}
    params = {p.name: limits[p.name] for p in MODELS[name].params if p.name in limits}

    def mean_of_rare(weights):
        member = Member(name, params | {"class_weight": weights})
        preparation = fit_preparation(overlapping, scale=True)
        learner = fit_learner(LearnerSpec((member,)), overlapping, y, preparation, TWO_CLASSES)
        return member_probabilities(learner, overlapping, TWO_CLASSES)[0, :, 1].mean()

    assert mean_of_rare("balanced") > mean_of_rare("none") + 0.01


def test_balanced_naive_bayes_holds_both_classes_equally_likely():
    learner = learner_of("naive_bayes", np.arange(30), class_weight="balanced")
    np.testing.assert_allclose(pipelines(learner)[0].steps[-1][1].class_prior_, [0.5, 0.5])


@pytest.mark.parametrize("name", WEIGHTED)
def test_balanced_weights_of_a_single_class_are_no_error(name):
    learner = learner_of(name, np.flatnonzero(SIDE == 1)[:5], class_weight="balanced")
    assert set(learner.predict(X)) == {1}


def test_whole_numbers_read_from_json_as_floats_are_taken():
    assert check_params("knn", {"n_neighbors": 5.0})["n_neighbors"] == 5


def test_neighbours_are_limited_to_the_labelled_objects():
    knn = pipelines(learner_of("knn", np.arange(2)))[0].steps[-1][1]
    assert knn.n_neighbors == 2
    assert pipelines(learner_of("knn", np.arange(30)))[0].steps[-1][1].n_neighbors == 3


def test_preparation_is_fitted_on_the_training_set_and_not_on_the_labelled_rows():
    train = np.array([[1.0, np.nan], [3.0, np.nan], [5.0, np.nan], [np.nan, np.nan]])
    preparation = fit_preparation(train, scale=True)
    pipeline = build_pipeline("logistic_regression", {}, 0, preparation, 2)
    pipeline.fit(np.array([[100.0, 1.0], [200.0, 2.0]]), [0, 1])
    # Median 3, quartiles 2 and 4; a feature missing everywhere becomes 0 and stays finite.
    np.testing.assert_array_equal(
        pipeline[:-1].transform(np.array([[5.0, np.nan], [np.nan, 0.0]])), [[1, 0], [0, 0]]
    )


def test_a_model_that_takes_missing_values_is_given_them():
    steps = pipelines(learner_of("random_forest", np.arange(9), scale=True))[0].named_steps
    assert list(steps) == ["scaler", "model"]
    assert list(pipelines(learner_of("knn", np.arange(9), scale=False))[0].named_steps) == [
        "imputer",
        "model",
    ]


def test_a_committee_is_modals_and_its_members_have_their_own_seeds():
    spec = LearnerSpec((Member("random_forest"), Member("random_forest"), Member("svm")), seed=5)
    committee = fit_learner(spec, X[:30], SIDE[:30], fit_preparation(X, scale=True), TWO_CLASSES)
    assert isinstance(committee, Committee)
    assert all(isinstance(member, ActiveLearner) for member in committee)
    assert [p.steps[-1][1].random_state for p in pipelines(committee)] == [5, 6, 7]
    proba = member_probabilities(committee, X, TWO_CLASSES)
    assert proba.shape == (3, 120, 2)
    np.testing.assert_allclose(consensus(proba), proba.mean(axis=0))


def test_spec_refuses_what_is_not_registered():
    with pytest.raises(SettingsError, match=r"'margins'.*margin"):
        Member("knn", {}, "margins")
    with pytest.raises(SettingsError, match="'votes'"):
        LearnerSpec((Member("knn"),), "votes")
    with pytest.raises(SettingsError, match="at least one model"):
        LearnerSpec(())


def test_fit_without_rows_or_with_a_strange_label_is_refused():
    with pytest.raises(NotEnoughLabelsError):
        learner_of("knn", np.arange(0))
    with pytest.raises(SettingsError, match="2 is none of the classes"):
        learner_of("knn", np.arange(30), THREE)


def test_no_warning_is_shown_while_fitting(recwarn):
    for name in NAMES:
        learner_of(name, np.arange(40), scale=False)
    assert [str(w.message) for w in recwarn] == []


def test_the_engine_does_not_load_scikit_learn_before_it_is_needed():
    root = Path(__file__).resolve().parent.parent
    script = "import sys, al_engine; print('sklearn' in sys.modules, callable(al_engine.simulate))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
