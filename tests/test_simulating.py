"""Simulations: curves over seeds, their numbers, the command, and going on after a kill."""

import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, survey_config
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from test_people import differ, together

from al_engine.__main__ import main
from al_engine.errors import AlEngineError, NotEnoughLabelsError, PublicServerError, SettingsError
from al_engine.learning.strategies import STRATEGIES
from al_engine.projects.opening import close_project, open_project
from al_engine.settings.config import Splits
from al_engine.settings.target import Target
from al_engine.simulating.arrays import simulate
from al_engine.simulating.drawing import draw_first, draw_split
from al_engine.simulating.folder import ROUNDS, appending, is_locked, lock, read_rounds
from al_engine.simulating.gathering import gather, known_labels
from al_engine.simulating.kept import simulations_of
from al_engine.simulating.material import (
    Features,
    Material,
    learning,
    load_material,
    save_material,
)
from al_engine.simulating.performing import FULL, curves_of, perform, settled
from al_engine.simulating.running import Learning, Split, Task, run_curve
from al_engine.simulating.settings import (
    PlannedMember,
    PlannedModel,
    SimulationPlan,
    check_plan,
    parse_split,
)
from al_engine.simulating.summary import as_json, summarise
from al_engine.simulating.tally import Tally, score

LOGISTIC = (PlannedModel((PlannedMember("logistic_regression"),)),)
N = 400


@pytest.fixture(scope="module")
def material() -> Material:
    """Three classes in a plane; the third is rare."""
    rng = np.random.default_rng(3)
    y = np.array([0] * 200 + [1] * 160 + [2] * 40)
    centre = np.array([[0, 0], [2, 0], [0, 3]])
    X = (centre[y] + rng.normal(size=(N, 2))).astype(np.float32)
    keys = rng.permutation(N).astype(np.uint64) * np.uint64(7919)
    return Material(("A", "B", "C"), y, keys, np.arange(N) + 1000, X)


def plan_of(**changes) -> SimulationPlan:
    usual = SimulationPlan(LOGISTIC, ("margin",), batch_size=10, budget=60, n_seeds=2)
    return replace(usual, **changes)


def run(plan, material, done=()):
    plan, material = settled(plan, material)
    return [*done, *perform(plan, material, done)]


def numbers(plan, material, finished):
    return summarise(*settled(plan, material), finished)


# -- what is compared with what ------------------------------------------------------------------


def test_random_choice_and_full_supervision_are_run_beside_on_the_same_objects(material):
    plan = plan_of()
    finished = run(plan, material)
    assert [c[1] for c in curves_of(plan)] == [FULL, "random", "margin"] * 2
    first = {each.curve: each.round for each in reversed(finished)}
    for seed in (0, 1):
        of_seed = [first["logistic_regression", name, seed] for name in ("random", "margin")]
        assert of_seed[0].queried == of_seed[1].queried
        assert of_seed[0].tested == of_seed[1].tested
    seeds = [set(first["logistic_regression", "random", seed].queried) for seed in (0, 1)]
    assert seeds[0] != seeds[1]


def test_full_supervision_is_the_model_on_the_whole_training_set(material):
    plan = plan_of(n_seeds=1, scale=False)
    made = numbers(plan, material, run(plan, material))
    split = draw_split(material.y, material.keys, None, plan.splits, 0)
    X = material.X.astype(np.float64)
    model = LogisticRegression(max_iter=1000).fit(X[split.train], material.y[split.train])
    wanted = float(np.mean(model.predict(X[split.test]) == material.y[split.test]))
    (full,) = made["full"]
    assert (full["n_labelled"], full["accuracy"]) == (len(split.train), wanted)


def test_given_any_of_its_rounds_a_simulation_goes_on_to_the_same(material):
    plan = plan_of(strategies=("margin", "entropy"))
    whole = run(plan, material)
    for n in (1, 4, 9, len(whole) - 1, len(whole)):
        assert run(plan, material, whole[:n]) == whole


def test_a_model_that_goes_on_from_the_one_before_does_so_after_a_stop_too():
    class Counting:
        """Predicts by how many fits there were before it."""

        def __init__(self, before):
            self.depth = 0 if before is None else before.depth + 1

    y, rows = np.arange(60) % 2, np.arange(60)
    learns = Learning(
        lambda labelled, pool, before: Counting(before),
        lambda learner, some: ((y[some] + (some % 7 < learner.depth)) % 2, None),
        carries_on=True,
    )
    task = Task(
        y.reshape(-1, 1).astype(float), y, np.array([0, 1]), rows.astype(np.uint64),
        Split(rows[:40], rows[:0], rows[40:]), rows[:2], learns, "random", 0, 5, 20,
    )  # fmt: skip
    whole = list(run_curve(task))
    assert len({each.tested for each in whole}) == len(whole) == 5
    for n in range(6):
        assert [*whole[:n], *run_curve(task, whole[:n])] == whole


def test_the_same_simulation_twice_gives_the_same_text_and_no_nan(material):
    plan = plan_of(positive="C", target=Target("f1", 0.5))
    texts = [as_json(numbers(plan, material, run(plan, material))) for _ in range(2)]
    assert texts[0] == texts[1]
    assert "NaN" not in texts[0]
    made = json.loads(texts[0])
    assert set(made) == {"curves", "full", "summary", "settings", "versions"}
    assert set(made["summary"]) == {"random", "margin"}
    wanted = {"aubc", "labels_to_90", "labels_to_95", "labels_to_99", "labels_to_target"}
    for each in made["summary"].values():
        assert wanted <= set(each)
        assert all({"mean", "low", "high"} <= set(each[name]) for name in wanted)


def test_queried_objects_are_named_by_their_row_in_the_catalogue(material):
    made = numbers(plan_of(), material, run(plan_of(), material))
    rows = [row for part in made["curves"][0]["queried"] for row in part]
    assert len(set(rows)) == len(rows) == made["curves"][0]["n_labelled"][-1]
    assert min(rows) >= 1000


def test_without_a_test_set_scores_are_over_what_is_not_labelled_yet(material):
    plan = plan_of(splits=Splits(train=100, validation=0, test=0), n_seeds=1)
    finished = run(plan, material)
    assert all(each.strategy != FULL for each in finished)
    assert [each.round.tested.n + each.round.n_labelled for each in finished] == [N] * 14
    made = numbers(plan, material, finished)
    assert made["full"] == []
    assert made["summary"]["margin"]["labels_to_95"]["mean"] is None


SMALL = PlannedMember("random_forest", {"n_estimators": 5})


@pytest.mark.parametrize("members", [(SMALL,), (SMALL, PlannedMember("knn"))])
@pytest.mark.parametrize("n_initial", [40, N])
def test_without_a_test_set_a_curve_ends_while_there_is_something_to_score_over(
    material, members, n_initial
):
    plan = plan_of(
        models=(PlannedModel(members),), splits=Splits(train=100, validation=0, test=0),
        strategies=(), initial="first", n_initial=n_initial, batch_size=90, budget=None, n_seeds=1,
    )  # fmt: skip
    material = replace(material, y=material.y[::-1])
    rounds = [each.round for each in run(plan, material)]
    wanted = [40, 130, 220, 310] if n_initial == 40 else [N]
    assert [each.n_labelled for each in rounds] == wanted
    assert [each.tested.n for each in rounds] == [N - n for n in wanted]
    assert [each.is_last for each in rounds] == [False] * (len(wanted) - 1) + [True]


def test_a_committee_that_fails_to_predict_is_a_sentence():
    def fail(learner, rows):
        raise ValueError("no such luck")

    y, rows = np.arange(20) % 2, np.arange(20)
    task = Task(
        y.reshape(-1, 1).astype(float), y, np.array([0, 1]), rows.astype(np.uint64),
        Split(rows[:10], rows[:0], rows[10:]), rows[:4], Learning(lambda *_: object(), fail),
        "random", 0, 5, 5,
    )  # fmt: skip
    with pytest.raises(SettingsError, match="failed with 4 labelled objects: no such luck"):
        list(run_curve(task))


def test_scores_over_the_unlabelled_are_those_of_python_s_simulate(material):
    X, y = material.X, material.y
    found = simulate(
        X, y, None, None, initial=range(0, N, 20), model="logistic_regression",
        strategy="entropy", batch_size=5, budget=20,
    )  # fmt: skip
    labelled = sorted([*range(0, N, 20), *found.queried.tolist()])
    rest = np.setdiff1d(np.arange(N), labelled)
    model = LogisticRegression(max_iter=1000).fit(X[labelled].astype(float), y[labelled])
    wanted = np.mean(model.predict(X[rest].astype(float)) == y[rest])
    assert found.scores["n_labelled"].tolist() == [20, 25, 30, 35, 40]
    assert found.scores["accuracy"].iloc[-1] == pytest.approx(wanted)


def test_the_digits_run_is_that_of_the_tutorial():
    X, y = load_digits(return_X_y=True)
    order = np.arange(len(X))
    np.random.RandomState(0).shuffle(order)
    rows = np.arange(330)
    plan = SimulationPlan(
        (PlannedModel((PlannedMember("label_spreading", DIGITS),)),), scale=False
    )  # fmt: skip
    seen = Features(
        Material(tuple("0123456789"), y[order[:330]], rows, rows, X[order[:330]]), plan.scale
    ).under(Split(rows, rows[:0], rows[:0]))
    digits, classes = y[order[:330]].astype(np.int64), np.arange(10)
    task = Task(
        seen.X, digits, classes, rows.astype(np.uint64), Split(rows, rows[:0], rows[:0]),
        rows[:40], learning(plan.models[0].spec(0), seen, digits, classes, rows[:0]),
        "entropy", 0, 5, 20,
    )  # fmt: skip
    found = [score(each.tested, 10, None)["accuracy"] for each in run_curve(task)]
    assert [round(value, 3) for value in found] == [0.869, 0.902, 0.921, 0.949, 0.956]


DIGITS = {"kernel": "rbf", "gamma": 0.25, "max_iter": 20}


@pytest.mark.parametrize("name", ["self_training", "sgd"])
def test_models_that_look_at_more_than_labels_go_on_to_the_same(material, name):
    plan = plan_of(
        models=(PlannedModel((PlannedMember(name),)),), n_seeds=1, budget=30, weights="carried"
    )
    whole = run(plan, material)
    assert run(plan, material, whole[:5]) == whole


@pytest.mark.parametrize("name", sorted({*STRATEGIES} - {"random"}))
def test_every_strategy_can_be_simulated_and_gone_on_with(material, name):
    plan = plan_of(strategies=(name,), n_seeds=1, budget=40, positive="B")
    whole = run(plan, material)
    assert {each.strategy for each in whole} == {FULL, "random", name}
    assert run(plan, material, whole[:8]) == whole


def test_the_tutorial_s_ratio_is_kept_to_the_row(material):
    plan = plan_of(strategies=("ratio_tutorial",), n_seeds=1, budget=40, positive="B")
    rounds = [each.round for each in run(plan, material) if each.strategy == "ratio_tutorial"]
    for before, after in itertools.pairwise(rounds):
        cells = before.tested.matrix(2)
        positives, negatives = int(cells[0, 1]) or 1, int(cells[1, 0]) or 1
        if not (cells[0, 1] and cells[1, 0]):
            positives = negatives = 1
        n = min(10, 50 - before.n_labelled)
        shares = [n * each // (positives + negatives) for each in (negatives, positives)]
        if not sum(shares):
            break  # a last batch that is too small to share out
        y = (material.y[list(after.queried)] == 1).astype(int)
        assert np.bincount(y, minlength=2).tolist() == shares


# -- splits and starts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mode", "train"),
    [("60,20,20", "shares", 60), ("0.5,0.25,0.25", "shares", 50), ("300,0,100", "counts", 300)],
)
def test_a_split_is_written_as_shares_or_as_numbers(text, mode, train):
    assert (parse_split(text).mode, parse_split(text).train) == (mode, train)


def test_a_balanced_split_has_as_many_of_each_class(material):
    splits = replace(parse_split("60,20,20"), draw="balanced")
    split = draw_split(material.y, material.keys, None, splits, 1)
    for rows in (split.train, split.validation, split.test):
        assert len(set(np.bincount(material.y[rows]).tolist())) == 1


def test_texts_that_repeat_stand_in_no_set_but_training_and_sizes_stay():
    rng = np.random.default_rng(0)
    y, groups = np.arange(300) % 2, rng.integers(0, 1500, 300)
    keys = np.arange(300).astype(np.uint64)
    for seed in range(5):
        split = draw_split(y, keys, groups, parse_split("200,50,50"), seed)
        n_of = np.bincount(groups)
        assert [len(part) for part in (split.train, split.validation, split.test)] == [200, 50, 50]
        assert n_of[groups[np.concatenate([split.validation, split.test])]].max() == 1


def test_a_text_differs_from_another_by_its_words_alone():
    texts = ("A <b>fine</b> film", "a  fine film", "dull", "a fine film.")
    y = np.zeros(4, dtype=np.int64)
    made = Material(("x", "y"), y, y.astype(np.uint64), y, texts=texts)
    groups = Features(made, scale=True).groups.tolist()
    assert [groups[0] == other for other in groups] == [True, True, False, False]


@pytest.mark.parametrize("how", ["random", "balanced", "kmeans"])
def test_the_start_depends_on_the_seed_and_lies_in_the_training_set(material, how):
    train = np.arange(0, N, 2)

    def first(seed):
        return draw_first(how, 12, material.X, material.y, material.keys, train, seed).tolist()

    assert first(0) == first(0) != first(1)
    assert len(set(first(0))) == 12
    assert set(first(0)) <= set(train.tolist())
    if how == "balanced":
        assert np.bincount(material.y[first(0)]).tolist() == [4, 4, 4]


def test_a_start_as_the_catalogue_has_it_takes_the_first_of_the_training_set(material):
    train = np.arange(1, N, 2)

    def first(n):
        return draw_first("first", n, material.X, material.y, material.keys, train, 0).tolist()

    assert first(3) == [1, 3, 5]
    with pytest.raises(NotEnoughLabelsError, match=f"only {len(train)} train"):
        first(len(train) + 1)


# -- numbers -------------------------------------------------------------------------------------


def test_scores_follow_from_the_counts():
    tally = Tally(((0, 0, 50), (0, 1, 10), (1, 0, 5), (1, 1, 35)))
    assert score(tally, 2, 1) == {
        "accuracy": 0.85, "precision": 35 / 45, "recall": 35 / 40, "f1": 70 / 85,
        "false_positives": 10, "false_negatives": 5,
    }  # fmt: skip
    assert score(Tally(((0, 0, 3),)), 2, 1)["precision"] is None
    assert score(tally, 2, None)["recall"] == pytest.approx((50 / 60 + 35 / 40) / 2)


def test_the_best_model_by_validation_is_kept_and_patience_ends_a_curve(material):
    plan = plan_of(keep_best=True, n_seeds=1, budget=100)
    finished = run(plan, material)
    kept = numbers(plan, material, finished)["curves"][1]["accuracy"]
    plain = numbers(replace(plan, keep_best=False), material, finished)["curves"][1]["accuracy"]
    assert set(kept) <= set(plain)
    assert kept != plain
    impatient = run(replace(plan, patience=2), material)
    assert len(impatient) < len(finished)


def test_a_simulation_can_stop_at_its_target(material):
    plan = plan_of(target=Target("accuracy", 0.5), stops_at_target=True, n_seeds=1)
    made = numbers(plan, material, run(plan, material))
    assert [len(each["n_labelled"]) for each in made["curves"]] == [3, 3]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"models": ()}, "no model"),
        ({"strategies": ("margins",)}, "no query strategy 'margins'"),
        ({"strategies": ("vote_entropy",)}, "is for a committee"),
        ({"batch_size": 0}, "batch size is 0"),
        ({"n_seeds": 0}, "number of seeds is 0"),
        ({"splits": Splits(train=0)}, "some objects have to train"),
        ({"splits": Splits(train=90, validation=0, test=20)}, "add up to 110%"),
        ({"patience": 3, "splits": Splits(validation=0)}, "no validation set"),
        ({"metric": "auc"}, "no score 'auc'"),
        ({"target": Target("f1", 1.5)}, "at most 1"),
        ({"stops_at_target": True}, "no target"),
    ],
)
def test_a_plan_that_cannot_be_costs_one_sentence(changes, told):
    with pytest.raises(AlEngineError, match=told):
        check_plan(plan_of(**changes))


def test_what_the_objects_cannot_support_costs_one_sentence(material):
    for changes, told in (
        ({"positive": "D"}, "'D' is none of the labels"),
        ({"n_initial": 500}, "500 initial objects were asked for"),
        ({"n_initial": 2}, "cannot hold one of each of 3"),
        ({"splits": Splits("counts", 500, 0, 100)}, "ask for 600 objects; 400"),
    ):
        with pytest.raises(AlEngineError, match=told):
            run(plan_of(**changes), material)


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    lines = ["objid,u,g,review,class"]
    for i in range(120):
        kind = i % 3
        u, g = rng.normal(kind), rng.normal(-kind)
        words = ["good film", "bad film", "odd film"][kind] + f" number {i}"
        lines.append(f"{i},{u:.3f},{g:.3f},{words},{'ABC'[kind]}")
    path = tmp_path / "objects.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def simulated(capsys, *arguments):
    code = main(["simulate", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


QUICK = ("--model", "logistic_regression", "--seeds", 2, "--budget", 20, "--batch-size", 5)


def test_the_command_writes_json_and_says_how_far_it_is(csv, tmp_path, capsys):
    given = ("--catalogue", csv, "--label", "class", "--features", "u,g", *QUICK)
    code, out, err = simulated(capsys, *given, "--positive", "A", "--target", "accuracy=0.7")
    assert code == 0
    made = json.loads(out)
    assert {(c["strategy"], c["seed"]) for c in made["curves"]} == {
        (name, seed) for name in ("random", "margin") for seed in (0, 1)
    }
    assert made["settings"]["data"]["features"] == ["u", "g"]
    assert made["settings"]["classes"] == ["not A", "A"]
    assert "Seed 2 of 2" in err
    out_file = tmp_path / "out.json"
    again, nothing, _ = simulated(
        capsys, *given, "--positive", "A", "--target", "accuracy=0.7", "--out", out_file
    )
    assert (again, nothing) == (0, "")
    assert out_file.read_text() == out


def test_the_command_reads_words_and_several_strategies_and_committees(csv, capsys):
    code, out, _ = simulated(
        capsys, "--catalogue", csv, "--label", "class", "--text", "review", "--seeds", 1,
        "--budget", 20, "--strategy", "entropy,margin", "--param", "C=10",
        "--model", "logistic_regression,logistic_regression+naive_bayes",
    )  # fmt: skip
    assert code == 0
    made = json.loads(out)
    assert set(made["summary"]) >= {
        "logistic_regression/margin", "logistic_regression+naive_bayes/random",
    }  # fmt: skip
    params = made["settings"]["models"][0]["members"][0]["params"]
    assert params == {"C": 10.0}
    best = made["full"][0]["accuracy"]
    assert best > 0.9


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--label", "klass"), "klass"),
        (("--label", "class", "--features", "u,h"), "h"),
        (("--label", "class", "--text", "words"), "words"),
        (("--label", "class", "--positive", "Z"), "'Z' is none of the labels"),
        (("--label", "class", "--model", "forest"), "no model 'forest'"),
        (("--label", "class", "--strategy", "margins"), "no query strategy"),
        (("--label", "class", "--split", "60,40"), "three numbers"),
        (("--label", "class", "--split", "150.5,0,10"), "whole"),
        (("--label", "class", "--target", "accuracy"), "accuracy=0.9"),
        (("--label", "class", "--param", "depth=3"), "setting of no model"),
        (("--label", "class", "--features", "u,class"), "'class' is the label"),
        (("--label", "class", "--budget", "many"), "'many' is no whole number"),
        (("--label", "class", "--features", "u", "--text", "review"), "not allowed with"),
        (("--label", "class", "--param", "n_estimators=many"), "has to be a whole number"),
        (("--label", "class", "--initial", "2"), "cannot hold one of each"),
    ],
)
def test_the_command_refuses_in_one_sentence_and_writes_nothing(csv, tmp_path, capsys, more, told):
    out_file = tmp_path / "out.json"
    try:
        code, out, err = simulated(capsys, "--catalogue", csv, "--out", out_file, *more)
    except SystemExit as refused:
        code, (out, err) = refused.code, capsys.readouterr()
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert told in last
    assert "usage" not in err
    assert "Traceback" not in err
    assert not out_file.exists()


def test_what_cannot_be_written_is_said_before_anything_is_computed(csv, tmp_path, capsys):
    for out, told in ((tmp_path, "is a folder"), (tmp_path / "nowhere" / "x.json", "could not be")):
        code, _, err = simulated(
            capsys, "--catalogue", csv, "--label", "class", "--out", out, *QUICK
        )
        assert code == 2
        assert told in err
        assert "Seed 1" not in err


# -- files ---------------------------------------------------------------------------------------


def test_what_is_run_on_is_read_as_it_was_written(material, tmp_path):
    texts = Material(material.classes, material.y, material.keys, material.rows, texts=("ä",) * N)
    for i, made in enumerate((material, texts)):
        folder = tmp_path / str(i)
        folder.mkdir()
        save_material(folder, made)
        found = load_material(folder)
        assert (found.classes, found.texts) == (made.classes, made.texts)
        assert found.y.tolist() == made.y.tolist()
        assert made.X is None or np.array_equal(found.X, made.X)


def test_numbers_and_words_are_simulated_on_together(material, tmp_path):
    words = np.array(["calm", "wild", "odd"])[material.y]
    both = replace(material, texts=tuple(f"{w} thing {i}" for i, w in enumerate(words)))
    save_material(tmp_path, both)
    plan = plan_of(n_seeds=1)
    whole = run(plan, load_material(tmp_path))
    (full,) = numbers(plan, both, whole)["full"]
    assert full["accuracy"] > 0.97
    assert run(plan, both, whole[:6]) == whole


def test_whoever_looks_whether_one_runs_is_not_taken_for_its_process(tmp_path):
    with lock(tmp_path):
        pass
    with (tmp_path / "lock").open("rb") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        assert not is_locked(tmp_path)


def test_the_settings_of_a_strategy_reach_it(material):
    few = plan_of(strategies=("entropy_threshold",), n_seeds=1)
    few = replace(few, strategy_params={"entropy_threshold": {"threshold": 0.9}})
    asked = [each.round for each in run(few, material) if each.strategy == "entropy_threshold"]
    default = run(replace(few, strategy_params={}), material)
    assert asked != [each.round for each in default if each.strategy == "entropy_threshold"]
    for params, told in (({"margin": {}}, "not compared"), ({"random": {"beta": 1}}, "no setting")):
        with pytest.raises(SettingsError, match=told):
            check_plan(replace(few, strategy_params=params))


def test_a_torn_last_line_counts_for_nothing(material, tmp_path):
    plan = plan_of(n_seeds=1)
    whole = run(plan, material)
    with appending(tmp_path) as append:
        for each in whole[:5]:
            append(each)
    written = (tmp_path / ROUNDS).read_bytes()
    (tmp_path / ROUNDS).write_bytes(written[:-20])
    assert read_rounds(tmp_path) == whole[:4]
    with appending(tmp_path) as append:
        for each in whole[4:]:
            append(each)
    assert read_rounds(tmp_path) == whole


def test_no_two_processes_hold_one_simulation(tmp_path):
    with lock(tmp_path) as is_held:
        assert is_held
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


# -- in a project --------------------------------------------------------------------------------


def until(condition, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


LONG = plan_of(
    models=(PlannedModel((PlannedMember("random_forest", {"n_estimators": 10}),)),),
    positive="QSO", batch_size=1, budget=30, n_seeds=2,
)  # fmt: skip


def test_a_person_s_answers_outrank_the_catalogue_s_labels(survey_begun):
    session = survey_begun
    state = session.state("QSO")
    row = state.question.row
    session.answer("QSO", row, "answer", "STAR", token=state.token, seconds=1.0)
    codes = known_labels(session.project)
    assert session.config.labels[codes[row]].value == "STAR"
    assert gather(session.project).n_objects == int(np.count_nonzero(codes >= 0))


def test_of_an_object_that_people_differ_on_no_label_is_known(project):
    ada, ben = together(project)
    before = known_labels(project)
    row = differ(ada, ben)
    after = known_labels(project)
    assert before[row] >= 0 > after[row]
    assert np.flatnonzero(before != after).tolist() == [row]


def test_a_project_without_known_labels_says_what_is_needed(project):
    project.save_config(
        replace(survey_config(), columns=replace(survey_config().columns, label=None)), ""
    )
    with pytest.raises(NotEnoughLabelsError, match="0 objects have a known label"):
        simulations_of(project).begin(project, plan_of(), "one")


def test_killed_at_any_moment_it_goes_on_and_comes_to_the_same(survey_folder):
    """The server is killed, then the process itself; neither is seen in the JSON."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from al_engine.projects.opening import open_project\n"
        "from al_engine.simulating.kept import simulations_of\n"
        "from al_engine.simulating.settings import SimulationPlan\n"
        "project = open_project(Path(sys.argv[1]))\n"
        "plan = SimulationPlan.from_dict(__import__('json').loads(sys.argv[2]))\n"
        "print(simulations_of(project).begin(project, plan, 'long'), flush=True)\n"
        "time.sleep(600)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", script, str(survey_folder), json.dumps(LONG.to_dict())],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        key = server.stdout.readline().strip()
        folder = survey_folder / "simulations" / key
        until(lambda: len(read_rounds(folder)) > 3)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    until(lambda: not is_locked(folder))
    n_first = len(read_rounds(folder))
    project = open_project(survey_folder)
    try:
        kept = simulations_of(project)
        assert [(each.key, each.state) for each in kept.kept()] == [(key, "stopped")]
        kept.resume(key)
        until(lambda: len(read_rounds(folder)) > n_first + 3)
        assert kept.look(key).state == "running"
        os.kill(kept._running[key].pid, signal.SIGKILL)
        until(lambda: kept.look(key).state == "stopped")
        assert len(read_rounds(folder)) < 2 * (1 + 2 * 31)
        kept.resume(key)
        until(lambda: kept.look(key).state != "running")
        plan, material = settled(LONG, gather(project))
        whole = list(perform(plan, material))
        assert kept.finished(key) == whole
        assert kept.result(key) == as_json(summarise(plan, material, whole))
    finally:
        close_project(survey_folder)


def test_closing_the_project_ends_its_process_and_deleting_removes_all(survey_folder):
    project = open_project(survey_folder)
    kept = simulations_of(project)
    key = kept.begin(project, LONG, "  a  name ")
    folder = survey_folder / "simulations" / key
    assert kept.look(key).name == "a name"
    process = kept._running[key]
    close_project(survey_folder)
    assert process.poll() is not None
    project = open_project(survey_folder)
    again = simulations_of(project)
    assert again.look(key).state == "stopped"
    again.delete(key)
    assert again.kept() == []
    assert not folder.exists()
    close_project(survey_folder)


def test_a_public_server_bounds_what_is_begun(project, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC", "1")
    for name, told in (("OBJECTS", "objects; this public"), ("FITS", "fits; this public")):
        monkeypatch.setenv(f"SEXTANT_PUBLIC_SIMULATION_{name}", "3")
        with pytest.raises(PublicServerError, match=told):
            simulations_of(project).begin(project, LONG, "one")
        monkeypatch.delenv(f"SEXTANT_PUBLIC_SIMULATION_{name}")
    assert simulations_of(project).kept() == []


def test_a_name_that_leads_elsewhere_is_no_simulation(project):
    for key in ("..", "a/b", ".part", "", "nowhere"):
        with pytest.raises(AlEngineError, match="no such simulation"):
            simulations_of(project).look(key)


def test_a_simulation_needs_a_name(project):
    with pytest.raises(SettingsError, match="no name"):
        simulations_of(project).begin(project, LONG, "   ")
