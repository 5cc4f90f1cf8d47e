"""The Simulation page: begun with what is offered, seen as it goes, and kept."""

import json
import shutil
import threading
from dataclasses import replace

import pytest
from conftest import N_ROWS, SMALL_FOREST, begin, small_setup, survey_config
from paging import SIMULATION, fine, read, show

from al_engine.errors import ProjectError, WorkCancelled
from al_engine.jobs import Job
from al_engine.projects.opening import open_project
from al_engine.public import limits
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, MemberSetup, Splits
from al_engine.showing.simulated import asked, bands, curve_of, ground, levels, table, verdicts
from al_engine.simulating import kept as kept_module
from al_engine.simulating import process, summary
from al_engine.simulating.folder import ROUNDS
from al_engine.simulating.kept import Simulations, simulations_of
from al_engine.simulating.performing import rounds_of
from al_engine.simulating.settings import (
    PlannedMember,
    PlannedModel,
    SimulationPlan,
    check_plan,
)
from al_engine.simulating.summary import as_json
from al_engine.simulating.usual import usual_plan, usual_splits
from pages.components.simulation import figures

QUICK = SimulationPlan(
    (PlannedModel((PlannedMember("logistic_regression"),)),), ("margin",), batch_size=10,
    budget=30, n_seeds=2, positive="QSO",
)  # fmt: skip


@pytest.fixture
def at_once(monkeypatch):
    """Each runs where it is begun: a process of its own takes seconds to start."""
    monkeypatch.setattr(Simulations, "_start", lambda self, folder: process._run(folder))


def labels_of(at):
    return [button.label for button in at.button]


@pytest.fixture
def simulated(survey_begun, at_once):
    """The small project with one finished simulation."""
    simulations_of(survey_begun.project).begin(survey_begun.project, QUICK, "First")
    return survey_begun


def test_a_project_without_known_labels_says_what_is_needed(home, survey_folder):
    session = LabellingSession(open_project(survey_folder), "Ada")
    config = survey_config()
    session.change_settings(replace(config, columns=replace(config.columns, label=None)))
    at = fine(show(SIMULATION, "survey"))
    assert "10 at least, of two labels. Here 0 objects" in read(at)
    assert "Begin" not in labels_of(at)


def test_the_form_begins_with_the_classifier_s_own_set_up_and_runs_it(survey_begun, at_once):
    at = fine(show(SIMULATION, "survey"))
    assert at.multiselect[0].value == ["random_forest"]
    assert at.multiselect[1].value == ["uncertainty"]
    at.multiselect[0].set_value(["knn"])
    for label, value in (("Budget", 20), ("Seeds", 1), ("Batch", 10)):
        next(each for each in at.number_input if each.label == label).set_value(value)
    fine(at.run())
    fine(at.button(key="begin-simulation").click().run())
    (one,) = simulations_of(survey_begun.project).kept()
    assert (one.state, one.plan.models[0].name, one.plan.budget) == ("finished", "knn", 20)
    assert one.plan.models[0].members[0].params == {}
    assert one.name == "Qso: Uncertainty"
    said = read(at)
    assert "run more to tell" in said or "Neither" in said or "saves no" in said


def test_a_classifier_over_all_labels_is_simulated_as_it_is_set_up(survey_begun, at_once):
    config = replace(survey_begun.config, train_labels=(ALL_LABELS,))
    survey_begun.change_settings(config)
    survey_begun.start(ALL_LABELS, small_setup(members=(MemberSetup("knn", "entropy"),)))

    at = fine(show(SIMULATION, "survey"))

    told_apart = next(each for each in at.selectbox if each.label == "What is told apart")
    assert told_apart.value == ""
    assert at.multiselect[0].value == ["knn"]
    assert at.multiselect[1].value == ["entropy"]


def test_begin_pressed_again_while_one_is_written_down_begins_no_second_one(survey_begun, at_once):
    project = survey_begun.project
    kept = simulations_of(project)
    at = fine(show(SIMULATION, "survey"))
    may_go_on = threading.Event()
    first = Job(lambda *_: may_go_on.wait(30) and kept.begin(project, QUICK, "First"))
    at.session_state["sextant.jobs"] = {"begin-simulation-survey": first}
    threading.Timer(0.7, may_go_on.set).start()
    fine(at.button(key="begin-simulation").click().run())
    assert [one.name for one in kept.kept()] == ["First"]
    assert "New" in labels_of(at), "it is the one looked at"


@pytest.mark.parametrize("n_asked", [1, 2])
def test_one_that_is_cancelled_while_it_is_written_down_leaves_nothing(survey_begun, n_asked):
    kept = simulations_of(survey_begun.project)
    asked = iter(range(1, 3))
    with pytest.raises(WorkCancelled):
        kept.begin(survey_begun.project, QUICK, "First", lambda: next(asked) == n_asked)
    assert kept.listed() == ([], [])
    assert not list(kept.folder.glob("*"))


def test_what_is_finished_is_shown_with_its_numbers_and_its_json(simulated):
    at = fine(show(SIMULATION, "survey"))
    assert [each.value for each in at.error] == []
    assert "logistic" in read(at).lower()
    assert {"New", "Delete for good"} <= set(labels_of(at))
    assert len(at.get("plotly_chart")) == 2
    (drawn,) = at.get("component_instance")
    assert "Margin" in drawn.proto.json_args
    assert [each.proto.label for each in at.get("download_button")] == ["JSON"]
    (frame,) = at.dataframe
    assert frame.value["Strategy"].tolist() == ["Random", "Margin"]


def test_the_page_and_the_file_have_the_same_numbers(simulated):
    kept = simulations_of(simulated.project)
    key = kept.kept()[0].key
    assert as_json(kept.numbers(key)) == kept.result(key)
    assert kept.numbers(key)["settings"]["classes"] == ["not QSO", "QSO"]


def test_another_score_counts_everything_anew(simulated):
    at = fine(show(SIMULATION, "survey"))
    key = simulations_of(simulated.project).kept()[0].key
    before = at.dataframe[0].value["Area under the curve"].tolist()
    at.session_state[f"score-{key}"] = "recall"
    assert fine(at.run()).dataframe[0].value["Area under the curve"].tolist() != before


def test_one_that_is_stopped_is_resumed_where_it_was(survey_begun):
    kept = simulations_of(survey_begun.project)
    plan = replace(QUICK, batch_size=2)
    key = kept.begin(survey_begun.project, plan, "Long")
    kept.stop(key)
    at = fine(show(SIMULATION, "survey"))
    assert "Resume goes on from there" in read(at)
    (resume,) = (button for button in at.button if button.label == "Resume")
    fine(resume.click().run())
    assert kept.look(key).state == "finished"


def test_one_is_deleted_and_the_next_is_shown(simulated):
    at = fine(show(SIMULATION, "survey"))
    key = simulations_of(simulated.project).kept()[0].key
    fine(at.button(key=f"delete-{key}").click().run())
    assert simulations_of(simulated.project).kept() == []
    assert "Begin" in labels_of(at)


def test_a_choice_that_cannot_be_costs_a_sentence(survey_begun):
    at = fine(show(SIMULATION, "survey"))
    fine(at.multiselect[0].set_value([]).run())
    fine(at.button(key="begin-simulation").click().run())
    assert "no model" in at.error[0].value


def test_a_page_draws_what_a_simulation_came_to(simulated):
    project = simulated.project
    (one,) = simulations_of(project).kept()
    numbers = simulations_of(project).numbers(one.key)
    random, margin = bands(one.plan, numbers, "accuracy")
    assert (random.is_random, margin.n_seeds) == (True, 2)
    assert len(margin.mean) == len(margin.n_labelled) == 4
    assert next(iter(levels(numbers).values())) == "90% of full supervision"
    assert len(verdicts(numbers, "labels_to_90")) == 1
    assert {row["strategy"] for row in table(numbers)} == {"Random", "Margin"}
    found = asked(project, curve_of(numbers, (one.plan.models[0].name, "margin"), 0)["queried"], 1)
    assert (len(found.ids), set(found.round)) == (20, {0, 1})
    assert ground(project, 100, 80).picture.startswith(b"\x89PNG")


def test_a_curve_that_is_under_way_leaves_the_line_of_the_others_whole():
    def curve(seed, n, is_over):
        return {
            "model": "logistic_regression",
            "strategy": "margin",
            "seed": seed,
            "n_labelled": n,
            "f1": [0.5] * len(n),
            "is_over": is_over,
        }

    first, second = curve(0, [10, 20, 30], True), curve(1, [10], False)
    assert bands(QUICK, {"curves": [first, second]}, "f1")[0].n_labelled == (10, 20, 30)
    assert bands(QUICK, {"curves": [second]}, "f1")[0].n_labelled == (10,)
    second = curve(1, [10, 20], True)
    assert bands(QUICK, {"curves": [first, second]}, "f1")[0].n_labelled == (10, 20)


def test_where_a_seed_has_no_score_a_line_has_a_gap():
    curves = [
        {
            "model": "logistic_regression",
            "strategy": "random",
            "seed": seed,
            "n_labelled": [10, 20],
            "precision": scores,
            "is_over": True,
        }
        for seed, scores in enumerate(([None, 0.5], [0.9, 0.7]))
    ]
    assert bands(QUICK, {"curves": curves}, "precision")[0].mean == (None, 0.6)


def test_the_usual_plan_is_of_a_size_that_ends(project):
    session = begin(project)
    plan = usual_plan(session.config, "QSO", N_ROWS - 30)
    assert (plan.strategies, plan.budget, plan.batch_size) == (("uncertainty",), 81, 1)
    assert usual_splits(10**6, Splits()).mode == "counts"
    assert usual_splits(1000, Splits(train=80, validation=20, test=0)) == Splits()
    assert usual_plan(session.config, None, 270).positive is None


def test_the_usual_plan_has_the_classifier_s_batches_and_the_settings_of_its_strategy(project):
    setup = small_setup(
        members=(replace(SMALL_FOREST, strategy="entropy_threshold"),),
        batch_size=7,
        strategy_params={"threshold": 0.3},
    )
    config = replace(project.config, setups={"QSO": setup})
    plan = usual_plan(config, "QSO", N_ROWS - 30)
    assert plan.models[0].members[0].params == SMALL_FOREST.params
    assert plan.batch_size == 7
    assert plan.strategy_params == {"entropy_threshold": {"threshold": 0.3}}
    check_plan(plan)


def test_a_public_server_offers_a_plan_that_it_lends(project, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC", "1")
    plan = usual_plan(begin(project).config, "QSO", 2000)
    assert rounds_of(plan, 1200) <= limits().simulation_fits


def test_what_leaks_labels_is_marked_wherever_it_is_named(survey_begun, at_once):
    kept = simulations_of(survey_begun.project)
    plan = replace(QUICK, strategies=("ratio_tutorial",), n_seeds=1, budget=20)
    key = kept.begin(survey_begun.project, plan, "Leaks")
    title = "Ratio of errors, as in the tutorial (leaks labels)"
    made = json.loads(kept.result(key))
    assert made["summary"]["ratio_tutorial"]["title"] == title
    assert [c["leaks"] for c in made["curves"]] == [False, True]
    at = fine(show(SIMULATION, "survey"))
    assert at.dataframe[0].value["Strategy"].tolist() == ["Random", title]
    assert title in next(s for s in at.selectbox if s.label == "Where it asked").options
    said = read(at)
    assert "leaks labels" in said
    assert "ratio_tutorial" not in said


def test_one_that_is_damaged_is_a_sentence_and_hides_no_other(simulated):
    kept = simulations_of(simulated.project)
    good = kept.kept()[0].key
    for name, plan in (
        ("20260101-000000-aaaaaa", "{"),
        ("20260101-000000-bbbbbb", '{"name": "B", "made": "yesterday", "plan": {}}'),
        (
            "20260101-000000-cccccc",
            json.dumps({
                "name": "C", "made": "2026-01-01T00:00:00+00:00",
                "plan": {**QUICK.to_dict(), "strategies": ["her_own"]},
            }),
        ),
    ):  # fmt: skip
        (kept.folder / name).mkdir()
        (kept.folder / name / "plan.json").write_text(plan)
    at = fine(show(SIMULATION, "survey"))
    warned = "\n".join(each.value for each in at.warning)
    assert warned.count("damaged") == 2
    assert "'C' cannot be shown: There is no query strategy" in warned.replace("\\", "")
    assert len(at.get("plotly_chart")) == 2
    fine(at.button(key="delete-unshown-20260101-000000-aaaaaa").click().run())
    found, unshown = kept.listed()
    assert ([each.key for each in found], len(unshown)) == ([good], 2)


def test_damaged_rounds_are_a_sentence_with_the_way_to_delete(simulated):
    kept = simulations_of(simulated.project)
    key = kept.kept()[0].key
    rounds = kept.folder / key / "rounds.jsonl"
    lines = rounds.read_text().splitlines()
    rounds.write_text(lines[0] + "\n" + lines[1].replace('"number":0', '"number":7') + "\n")
    at = fine(show(SIMULATION, "survey"))
    assert "rounds of the simulation are damaged" in at.error[0].value
    assert "Delete for good" in labels_of(at)


def test_numbers_of_a_simulation_that_goes_on_are_made_of_what_is_new(simulated, monkeypatch):
    kept = simulations_of(simulated.project)
    first = kept.kept()[0].key
    whole = (kept.folder / first / ROUNDS).read_bytes().splitlines(keepends=True)
    under_way = "20260101-000000-aaaaaa"
    shutil.copytree(kept.folder / first, kept.folder / under_way)
    file = kept.folder / under_way / ROUNDS
    asked_from, scored = [], []
    read_on, score_rounds = kept_module.read_on, summary.score_rounds
    monkeypatch.setattr(
        kept_module, "read_on",
        lambda folder, start: asked_from.append((folder.name, start)) or read_on(folder, start),
    )  # fmt: skip
    monkeypatch.setattr(
        summary, "score_rounds",
        lambda *of: scored.append(len(of[2])) or score_rounds(*of),
    )  # fmt: skip
    file.write_bytes(b"".join(whole[:-1]))
    kept.numbers(under_way)
    kept.numbers(first)
    n_curves = len(scored) // 2
    file.write_bytes(b"".join(whole))
    asked_from.clear()
    scored.clear()
    found = kept.numbers(under_way)
    assert found == kept.numbers(first)
    assert asked_from == [
        (under_way, sum(map(len, whole[:-1]))), (first, sum(map(len, whole))),
    ]  # fmt: skip
    assert len(scored) == 1 < n_curves, "only the curve that was not over"


def test_rounds_that_come_to_be_damaged_stay_damaged(simulated):
    kept = simulations_of(simulated.project)
    key = kept.kept()[0].key
    kept.numbers(key)
    file = kept.folder / key / ROUNDS
    file.write_bytes(file.read_bytes() + file.read_bytes().splitlines(keepends=True)[0])
    for _ in range(2):
        with pytest.raises(ProjectError, match="damaged"):
            kept.numbers(key)


def test_a_list_of_simulations_reads_of_rounds_only_what_is_new(simulated, monkeypatch):
    kept = simulations_of(simulated.project)
    (before,) = kept.kept()
    asked_from = []
    counted = kept_module.count_on
    monkeypatch.setattr(
        kept_module, "count_on",
        lambda folder, start: asked_from.append(start) or counted(folder, start),
    )  # fmt: skip
    assert kept.kept() == [before]
    assert asked_from == [(kept.folder / before.key / "rounds.jsonl").stat().st_size]


def test_labels_that_begin_alike_stay_apart_in_the_matrix(monkeypatch):
    monkeypatch.setattr(figures, "_is_dark", lambda: False)
    names = ["RR Lyrae type ab", "RR Lyrae type c", "a star of another kind"]

    (heat,) = figures.matrix_figure([[1, 2, 3], [4, 5, 6], [7, 8, 9]], names)["data"]

    assert heat["x"] == heat["y"] == [*names[:2], "a star of anot"]
