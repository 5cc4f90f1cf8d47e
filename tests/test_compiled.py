"""Compiled scoring equals scikit-learn's own, for every model it takes."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from al_engine.data.nearness import order_by_nearness
from al_engine.learning.compiled import MOST_NODES, compile_pipeline
from al_engine.learning.kernels import BLOCK, raw_thresholds
from al_engine.learning.learners import (
    build_pipeline,
    fit_pipeline,
    fit_preparation,
    prepared_pipeline,
)
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import find_strategy

COMPILED = (
    "knn",
    "decision_tree",
    "random_forest",
    "extra_trees",
    "adaboost",
    "gradient_boosting",
    "logistic_regression",
    "label_spreading",
    "label_propagation",
    "self_training",
)
N = 8 * BLOCK + 77


def columns(n_classes: int, *, missing: bool) -> tuple[np.ndarray, np.ndarray]:
    """Features of very different sizes, one of them constant, and classes that overlap."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, n_classes, N)
    X = rng.normal(size=(6, N)) + y * rng.uniform(0.2, 1.0, size=(6, 1))
    X *= np.array([1, 1e-6, 1e5, 1, 3, 1])[:, None]
    X[2] += 1e7
    X[3] = 4.0
    X[4] = np.round(X[4])  # many equal values
    if missing:
        X[:, rng.random(N) < 0.1] = np.nan
        X[rng.random(X.shape) < 0.1] = np.nan
    # As in the matrix: near ones together, so that whole blocks fall on one side of a test.
    order = order_by_nearness(X.astype(np.float32))
    return np.ascontiguousarray(X[:, order], dtype=np.float32), y[order]


def fitted(name: str, params: dict, n_classes: int, *, missing: bool, scale: bool) -> tuple:
    X, y = columns(n_classes, missing=missing)
    labelled = np.random.default_rng(4).choice(N, 200, replace=False)
    preparation = fit_preparation(np.ascontiguousarray(X.T), scale=scale)
    pipeline = build_pipeline(name, params, 7, preparation, len(labelled))
    strategy = find_strategy("uncertainty").function
    learner = fit_pipeline(pipeline, np.ascontiguousarray(X[:, labelled].T), y[labelled], strategy)
    return X, learner.estimator


def assert_equal_to_sklearn(X: np.ndarray, pipeline: Pipeline, tolerance: float) -> None:
    score = compile_pipeline(pipeline)
    assert score is not None
    rows = np.sort(np.random.default_rng(5).choice(N, N - 300, replace=False))
    expected = pipeline.predict_proba(X[:, rows].T.astype(np.float64))
    found = score(X, rows).by_row()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", COMPILED)
def test_probabilities_are_those_of_scikit_learn(name, n_classes, missing, scale):
    X, pipeline = fitted(name, {}, n_classes, missing=missing, scale=scale)
    pure = name in ("decision_tree", "random_forest", "extra_trees") and not missing
    exact = pure and n_classes == 2
    assert_equal_to_sklearn(X, pipeline, 0.0 if exact else 1e-12)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("random_forest", {"n_estimators": 1}),
        ("random_forest", {"n_estimators": 300}),
        ("random_forest", {"max_depth": 2}),
        ("random_forest", {"min_samples_leaf": 20, "class_weight": "balanced"}),
        ("extra_trees", {"n_estimators": 300, "class_weight": "balanced"}),
        ("decision_tree", {"max_depth": 1}),
        ("adaboost", {"n_estimators": 300, "max_depth": 3}),
        ("adaboost", {"n_estimators": 1}),
        ("gradient_boosting", {"n_estimators": 1}),
        ("gradient_boosting", {"n_estimators": 300, "max_depth": 5}),
        ("knn", {"n_neighbors": 1}),
        ("knn", {"n_neighbors": 10, "weights": "distance"}),
        ("logistic_regression", {"class_weight": "balanced"}),
    ],
)
def test_settings_of_a_model_are_scored_as_set(name, params):
    X, pipeline = fitted(name, params, 2, missing=True, scale=True)
    assert_equal_to_sklearn(X, pipeline, 1e-12)


def test_missing_values_unknown_to_the_labelled_set_go_where_scikit_learn_sends_them():
    X, _ = columns(2, missing=True)
    known = np.flatnonzero(np.isfinite(X).all(axis=0))[:150]
    y = (X[0] > 0.5).astype(int)
    model = RandomForestClassifier(50, random_state=0)
    pipeline = Pipeline([("model", model)]).fit(X[:, known].T.astype(np.float64), y[known])
    assert_equal_to_sklearn(X, pipeline, 0.0)


@pytest.mark.parametrize("name", COMPILED)
def test_a_point_that_lies_on_a_labelled_one_is_scored_alike(name):
    X, y = columns(2, missing=False)
    preparation = fit_preparation(np.ascontiguousarray(X.T), scale=True)
    pipeline = build_pipeline(name, {}, 0, preparation, 100)
    strategy = find_strategy("uncertainty").function
    learner = fit_pipeline(pipeline, np.ascontiguousarray(X[:, :100].T), y[:100], strategy)
    score = compile_pipeline(learner.estimator)
    rows = np.arange(100)
    expected = learner.estimator.predict_proba(X[:, :100].T.astype(np.float64))
    assert np.abs(score(X, rows).by_row() - expected).max() <= 1e-12


@pytest.mark.parametrize("name", COMPILED)
def test_one_feature_is_enough(name):
    X, y = columns(2, missing=True)
    X = np.ascontiguousarray(X[:1])
    preparation = fit_preparation(X.T, scale=True)
    pipeline = build_pipeline(name, {}, 0, preparation, 100)
    strategy = find_strategy("uncertainty").function
    learner = fit_pipeline(pipeline, X[:, :100].T, y[:100], strategy)
    assert_equal_to_sklearn(X, learner.estimator, 1e-12)


def test_with_one_class_labelled_every_row_has_it():
    X, _ = columns(2, missing=True)
    preparation = fit_preparation(np.ascontiguousarray(X.T), scale=True)
    pipeline = build_pipeline("random_forest", {}, 0, preparation, 3)
    strategy = find_strategy("uncertainty").function
    learner = fit_pipeline(
        pipeline, np.ascontiguousarray(X[:, :3].T), np.array([1, 1, 1]), strategy
    )
    score = compile_pipeline(learner.estimator)
    assert (score(X, np.arange(N)).by_row() == 1).all()


def test_a_linear_model_that_learned_in_steps_is_compiled_for_two_classes():
    X, pipeline = fitted("sgd", {}, 2, missing=True, scale=True)
    assert_equal_to_sklearn(X, pipeline, 1e-12)
    assert compile_pipeline(fitted("sgd", {}, 3, missing=True, scale=True)[1]) is None


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(COMPILED) - {"sgd"}))
def test_other_models_are_left_to_themselves(name):
    _, pipeline = fitted(name, {}, 2, missing=False, scale=True)
    assert compile_pipeline(pipeline) is None


def test_what_is_better_followed_row_by_row_is_not_compiled():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4 * MOST_NODES, 3)), rng.integers(0, 2, 4 * MOST_NODES)
    preparation = fit_preparation(X, scale=False)
    for name in ("decision_tree", "knn"):
        pipeline = prepared_pipeline(
            MODELS[name].build({p.name: p.default for p in MODELS[name].params}, 0),
            preparation,
            impute=True,
        ).fit(np.tile(X, (4, 1)) if name == "knn" else X, np.tile(y, 4) if name == "knn" else y)
        assert compile_pipeline(pipeline) is None


COMPILED_BEFORE = """
import numpy as np
from al_engine.learning import kernels
from al_engine.learning.compiled import compile_pipeline
from al_engine.learning.learners import build_pipeline, fit_preparation
functions = [f for f in vars(kernels).values() if hasattr(f, "signatures")]
kernels.warm_up()
before = [f.signatures for f in functions]
X = np.load("X.npy", mmap_mode="r")
y = np.arange(200) % 2
preparation = fit_preparation(np.ascontiguousarray(X.T), scale=True)
for name, params in {models}:
    pipeline = build_pipeline(name, params, 0, preparation, 200)
    pipeline.fit(X[:, :200].T.astype(np.float64), y)
    compile_pipeline(pipeline)(X, np.flatnonzero(np.arange(X.shape[1]) % 3))
assert [f.signatures for f in functions] == before
"""


def test_all_that_a_round_needs_is_compiled_by_warming_up(tmp_path):
    X, _ = columns(2, missing=True)
    np.save(tmp_path / "X.npy", X)
    models = [*((name, {}) for name in COMPILED), ("random_forest", {"min_samples_leaf": 20})]
    program = COMPILED_BEFORE.replace("{models}", repr(models))
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )


def test_an_edge_between_raw_values_is_the_edge_that_the_scaled_ones_have():
    rng = np.random.default_rng(1)
    n = 2000
    feature = np.zeros(n, dtype=np.int64)
    for centre, scale in ((0.0, 1.0), (1e7, 1e5), (-3.0, 1e-6), (1e-30, 7.0), (12345.678, 0.001)):
        threshold = rng.normal(size=n) * rng.choice([1e-3, 1.0, 1e3], n)
        edge = raw_thresholds(feature, threshold, np.array([centre]), np.array([scale]))
        above = np.nextafter(edge, np.float32(np.inf))

        def seen(value, centre=centre, scale=scale):
            return ((value.astype(np.float64) - centre) / scale).astype(np.float32)

        assert (seen(edge) <= threshold).all()
        assert (seen(above) > threshold).all()


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", [name for name in COMPILED if name != "logistic_regression"])
def test_what_a_row_gets_does_not_depend_on_the_rows_beside_it(name, missing):
    X, pipeline = fitted(name, {}, 2, missing=missing, scale=True)
    score = compile_pipeline(pipeline)
    together = score(X, np.arange(N)).by_row()
    alone = np.random.default_rng(6).permutation(N)
    assert np.array_equal(score(X, alone).by_row(), together[alone])
