"""The loop with known labels: what it asks, what it returns, what it refuses."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from modAL.uncertainty import margin_sampling
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from al_engine import simulate
from al_engine.errors import AlEngineError, SettingsError

sys.path.append(str(Path(__file__).resolve().parent.parent / "bench"))

import al_benchmark
import sdss17

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
Y = np.where(X[:, 0] + 0.3 * X[:, 1] > 0, "star", "galaxy")
X_TEST = rng.normal(size=(40, 3))
Y_TEST = np.where(X_TEST[:, 0] + 0.3 * X_TEST[:, 1] > 0, "star", "galaxy")


def run(**changes):
    settings = {"initial": 4, "model": "logistic_regression", "strategy": "margin"} | changes
    data = [settings.pop(name, value) for name, value in DATA.items()]
    return simulate(*data, **settings)


DATA = {"X_train": X, "y_train": Y, "X_test": X_TEST, "y_test": Y_TEST}


def test_scores_have_a_row_for_the_start_and_one_for_each_query():
    simulation = run(budget=6)
    assert list(simulation.scores) == ["n_labelled", "accuracy", "precision", "recall", "f1"]
    assert simulation.scores["n_labelled"].tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert len(set(simulation.queried.tolist())) == 6


def test_without_a_budget_every_object_is_asked_once():
    initial = [3, 50, 7, 20]
    simulation = run(initial=initial, model="knn")
    assert sorted([*simulation.queried.tolist(), *initial]) == list(range(80))
    assert simulation.scores["n_labelled"].iloc[-1] == 80


def test_batches_are_one_row_of_scores_each_and_the_last_may_be_smaller():
    simulation = run(batch_size=4, budget=10)
    assert simulation.scores["n_labelled"].tolist() == [4, 8, 12, 14]
    assert len(simulation.queried) == 10


def test_budget_of_nothing_scores_the_start():
    simulation = run(budget=0)
    assert len(simulation.queried) == 0
    assert len(simulation.scores) == 1


def test_the_last_scores_are_those_of_the_model_on_all_labels():
    scores = run(model=LogisticRegression()).scores.iloc[-1]
    y_pred = LogisticRegression().fit(X, Y).predict(X_TEST)
    assert scores["accuracy"] == np.mean(y_pred == Y_TEST)
    said, true = y_pred == "star", Y_TEST == "star"
    assert scores["precision"] == np.mean(true[said])
    assert scores["recall"] == np.mean(said[true])


def test_positive_chooses_the_class_that_is_scored():
    star, galaxy = run(budget=0).scores, run(budget=0, positive="galaxy").scores
    assert star["recall"][0] == run(budget=0, positive="star").scores["recall"][0]
    assert star["accuracy"][0] == galaxy["accuracy"][0]
    assert star["recall"][0] != galaxy["recall"][0]


def test_above_two_classes_scores_are_averages_unless_positive_is_named():
    y_train, y_test = (np.digitize(x[:, 0], [-0.5, 0.5]) for x in (X, X_TEST))
    averaged = run(y_train=y_train, y_test=y_test).scores.iloc[-1]
    each = [run(y_train=y_train, y_test=y_test, positive=c).scores.iloc[-1] for c in (0, 1, 2)]
    for name in ("precision", "recall", "f1"):
        assert averaged[name] == pytest.approx(np.mean([scores[name] for scores in each]))
    assert {scores["accuracy"] for scores in each} == {averaged["accuracy"]}


def test_the_same_seed_repeats_a_run_and_another_does_not():
    def queried(seed):
        return run(model="random_forest", strategy="random", seed=seed, budget=10).queried.tolist()

    assert queried(1) == queried(1)
    assert queried(1) != queried(2)


def test_random_state_of_an_estimator_is_set_where_it_is_unset():
    runs = [
        run(model=RandomForestClassifier(5, random_state=state), seed=seed, budget=8)
        for state, seed in ((None, 3), (3, 3), (None, 3))
    ]
    assert runs[0].scores.equals(runs[1].scores)
    assert runs[0].queried.tolist() == runs[2].queried.tolist()
    inside = make_pipeline(StandardScaler(), RandomForestClassifier(5))
    assert run(model=inside, budget=5).scores.equals(run(model=inside, budget=5).scores)
    assert inside.steps[-1][1].random_state is None, "the estimator given is left alone"


def test_first_tie_break_takes_the_first_row_among_equals():
    # One class labelled: every row is as certain as any other.
    galaxies = np.flatnonzero(Y == "galaxy")
    simulation = run(initial=galaxies[:2].tolist(), model="knn", tie_break="first", budget=1)
    assert simulation.queried[0] == np.setdiff1d(np.arange(80), galaxies[:2])[0]


def test_one_labelled_class_is_enough_to_start():
    stars = np.flatnonzero(Y == "star")[:2].tolist()
    scores = run(initial=stars, budget=30).scores
    assert scores["accuracy"][0] == np.mean(Y_TEST == "star")
    assert scores["accuracy"].iloc[-1] > 0.8


def test_the_order_of_initial_rows_makes_no_difference():
    runs = [run(initial=rows, budget=5, model="mlp") for rows in ([2, 40, 9, 30], [40, 30, 9, 2])]
    assert runs[0].queried.tolist() == runs[1].queried.tolist()


@pytest.mark.parametrize("model", ["svm", SVC(), SGDClassifier()])
def test_a_model_without_probabilities_is_asked_nearest_to_its_boundary(model):
    simulation = run(model=model, initial=10, budget=15, scale=True)
    assert len(set(simulation.queried.tolist())) == 15
    assert len(run(model=model, initial=10, budget=3, strategy=margin_sampling).queried) == 3


def test_missing_values_are_taken_by_every_model():
    gaps = X.copy()
    gaps[::5, 2] = np.nan
    for model in ("random_forest", "knn", KNeighborsClassifier(1), RandomForestClassifier(5)):
        assert len(run(X_train=gaps, model=model, budget=2).queried) == 2


def test_tables_and_lists_do_as_well_as_arrays():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    tables = run(X_train=frame, y_train=pd.Series(Y, index=frame.index[::-1]), budget=3)
    assert tables.queried.tolist() == run(budget=3).queried.tolist()
    assert len(run(X_train=X.tolist(), y_train=Y.tolist(), budget=1).queried) == 1
    objects = {"y_train": (Y == "star").astype(object), "y_test": Y_TEST == "star"}
    assert run(**objects, budget=3).queried.tolist() == run(budget=3).queried.tolist()


def test_a_function_may_ignore_probabilities():
    def last_row(classifier, X_pool):
        return len(X_pool) - 1

    assert run(strategy=last_row, initial=[0, 1, 2, 3], budget=3).queried.tolist() == [79, 78, 77]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"X_train": X[:70]}, r"X_train has 70 rows, but y_train has the shape \(80,\)"),
        ({"X_test": X_TEST[:, :2]}, "X_train has 3 features, but X_test has 2"),
        ({"X_train": X[:, 0]}, r"X_train has the shape \(80,\)"),
        ({"X_test": X_TEST[:0], "y_test": Y_TEST[:0]}, r"X_test has the shape \(0, 3\)"),
        ({"X_train": [["a"] * 3] * 80}, "X_train holds something that is not a number"),
        ({"X_train": np.where(X > 2, np.inf, X)}, "X_train is infinite in row"),
        ({"y_train": np.full(80, "star")}, "y_train holds one class, .*star"),
        ({"y_train": np.where(Y == "star", None, "galaxy")}, "y_train has no label in row"),
        ({"y_train": np.arange(80) % 2}, "y_train holds .*0.*, but y_test holds .*"),
        ({"y_train": np.array([1, "star"] * 40, dtype=object)}, "y_train mixes text with other"),
        ({"initial": [1, 2, 1]}, "initial names row 1 more than once"),
        ({"initial": [1, 80]}, "initial names row 80, but X_train has rows 0 to 79"),
        ({"initial": [-1, 3]}, "initial names row -1"),
        ({"initial": []}, r"initial is \[\]"),
        ({"initial": 1}, "1 initial objects cannot hold one of each of 2 classes"),
        ({"initial": 0}, "initial is 0"),
        ({"initial": 81}, "81 initial objects were asked for, but only 80"),
        ({"initial": 2.5}, "initial is 2.5"),
        ({"initial": "five"}, "initial is 'five'"),
        ({"model": "random_forrest"}, "no model 'random_forrest'.*random_forest"),
        ({"model": 3}, "model is 3"),
        ({"model": LogisticRegression}, "model is <class"),
        ({"model": StandardScaler()}, "StandardScaler has neither"),
        ({"model": KNeighborsClassifier(50)}, "failed with 4 labelled objects"),
        ({"strategy": "margins"}, "no query strategy 'margins'.*margin"),
        ({"strategy": 3}, "strategy is 3"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"budget": -1}, "budget is -1"),
        ({"budget": 1.5}, "budget is 1.5"),
        ({"tie_break": "last"}, "tie_break is 'last'"),
        ({"positive": "quasar"}, "positive is 'quasar'"),
    ],
)
def test_bad_arguments_cost_one_clear_sentence(changes, said):
    with pytest.raises(AlEngineError, match=said):
        run(**changes)


def test_a_failing_strategy_is_named():
    def broken(classifier, X_pool, n_instances=1):
        raise KeyError("no")

    with pytest.raises(SettingsError, match="broken failed: KeyError"):
        run(strategy=broken)


@pytest.mark.parametrize("name", al_benchmark.NAMES)
def test_published_results_are_met_seed_by_seed(name, shared_data):
    X, y, published = al_benchmark.load(shared_data, name)
    for seed in range(8):
        area = al_benchmark.area_under_budget_curve(X, y, seed)
        assert area == pytest.approx(published[seed], abs=2e-4), f"{name}, seed {seed}"


def test_published_results_are_met_by_modals_margin_sampling(shared_data):
    X, y, published = al_benchmark.load(shared_data, "appendicitis")
    area = al_benchmark.area_under_budget_curve(X, y, 3, margin_sampling)
    assert area == pytest.approx(published[3], abs=2e-4)


def test_sixty_labels_of_sdss_photometry_find_most_quasars(shared_data):
    X, y = sdss17.load(shared_data)
    assert X.shape == (35_182, 15)
    for seed in range(2):
        data = sdss17.split(X, y, "QSO", seed)
        assert sdss17.accuracy(data, 60, seed) > 0.90
