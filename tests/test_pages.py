"""Every page as a person meets it: real projects, real engine, what is read and what is kept."""

import csv
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import ROOT, SMALL_FOREST, answer, small_setup
from modAL.models import ActiveLearner, Committee
from paging import (
    LABELLING,
    PAGES,
    SETTINGS,
    TRAINING,
    bar,
    drawn_maps,
    fine,
    pressed,
    project,
    read,
    show,
)
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from al_engine.curating.models import scores_of_test_set
from al_engine.data.demo import DEMOS
from al_engine.data.labels import Event
from al_engine.data.splits import TEST, VALIDATION
from al_engine.home import list_projects
from al_engine.projects.opening import delete_project, open_project
from al_engine.session import LabellingSession
from al_engine.settings.config import WITHIN, ClassifierSetup, MemberSetup, ProjectConfig
from al_engine.starting import start_demo
from pages.components import loop
from pages.components.answer_bar import BarEvent
from pages.components.charts import round_of_point
from pages.components.looking import Posted
from pages.components.loop import make_token, split_token

HOSTILE_NAMES = ("<b>x</b>", "![a](http://x/y.png)", 'a"b')
_nonces = itertools.count(1)


def press(at: AppTest, action: str, label: str | None = None, **changes: str) -> AppTest:
    """Do in the answer bar what its buttons do."""
    slug, classifier = project(at), split_token(bar(at)["token"])[1]
    event = {**pressed(at, action, label), **changes}
    at.session_state[f"answers-{slug}-{classifier}"] = {"event": event}
    # Twice: what is set here comes out when the bar is drawn, a browser's before the page runs.
    at.run().run()
    fine(at)
    return at


def answers(session: LabellingSession, *kinds: str) -> list[Event]:
    wanted = kinds or ("answer",)
    return [event for event in session.project.log.events() if event.kind in wanted]


def write_csv(path: Path, rows: list[dict]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def small_rows(n: int = 120, names: tuple[str, str, str] = ("STAR", "QSO", "GALAXY")) -> list[dict]:
    """Objects of three classes that two magnitudes tell apart."""
    return [
        {
            "objid": 10**18 + i,
            "ra": 10 + i / 100,
            "dec": -5 + i / 100,
            "g": 18 + (i * 7 % 13) / 10,
            "r": 17 + (i % 3) + (i * 5 % 11) / 20,
            "i": 16 + 2 * (i % 3) + (i * 3 % 7) / 20,
            "class": names[i % 3],
        }
        for i in range(n)
    ]


def import_by_path(path: Path) -> AppTest:
    at = show("")
    at.text_input(key="path").set_value(str(path)).run()
    fine(at)
    return at


# -- every page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_a_project_says_so_with_the_way_to_one(home, page):
    at = show(page)
    fine(at)
    assert [each.value for each in at.info] == ["Open a project first."]
    (link,) = at.main.get("page_link")
    assert link.proto.label == "Go to Home"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_with_a_project_and_every_link_keeps_it_in_the_address(survey_begun, page):
    at = show(page, "survey")
    fine(at)
    assert [each.value for each in at.error] == []
    links = {each.proto.label: each.proto.query_string for each in at.sidebar.get("page_link")}
    assert {links[name] for name in ("Settings", "Training", "Labelling")} == {"project=survey"}


def test_labelling_before_training_points_to_training(ready):
    at = show(LABELLING, "survey")
    assert "Start training a classifier first" in read(at)
    (link,) = at.main.get("page_link")
    assert (link.proto.label, link.proto.query_string) == ("Go to Training", "project=survey")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("slug", ["nowhere", "..", "a/b"])
def test_an_address_without_a_project_behind_it_gives_a_sentence(home, page, slug):
    at = show(page, slug)
    fine(at)
    (error,) = at.error
    assert "Choose one on the Home page" in error.value


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("broken", ["catalogue.duckdb", "answers.duckdb"])
def test_a_damaged_project_gives_a_sentence_and_home_still_lists_it(
    home, survey_folder, page, broken
):
    (survey_folder / broken).write_bytes(b"not a database " * 1000)
    at = show(page, "survey")
    fine(at)
    assert len(at.error) == 1
    assert not show("").exception
    assert "open-survey" in [button.key for button in show("").button]


# -- Home ----------------------------------------------------------------------------------------


def test_home_lists_what_a_project_is_and_opens_it(home, survey_begun):
    session = survey_begun
    row = session.state("QSO").question.row
    session.answer("QSO", row, "answer", "STAR", token=session.state("QSO").token)
    at = show("")
    assert "**Survey**" in read(at)
    assert "300 objects" in read(at)
    assert re.search(r"\b1 answers? given", read(at))
    at.button(key="open-survey").click().run()
    assert project(at) == "survey"
    assert bar(at)["question"] == "Is it a Qso?"


@pytest.mark.parametrize("name", DEMOS)
def test_a_newcomer_reaches_the_first_question_of_a_demo_by_two_clicks(home, name):
    at = show("")
    at.button(key=f"demo-{name}").click().run()
    (start,) = [button for button in at.button if button.label == "Start training"]
    start.click().run()
    fine(at)
    assert re.match("Is it (an? |')", bar(at)["question"])
    assert bar(at)["object_id"]
    (about,) = list_projects(home)
    assert project(at) == about.slug


def test_deleting_asks_first_and_then_leaves_nothing(home, survey_folder):
    at = show("")
    (popover,) = [each for each in at.get("popover") if "Delete for good" in _labels(each)]
    assert popover.proto.popover.label == "Delete"
    assert "Delete **Survey** with its 0 answers" in " ".join(m.value for m in popover.markdown)
    assert survey_folder.exists()
    at.button(key="delete-survey").click().run()
    assert not survey_folder.exists()
    assert "None yet" in read(at)


def _labels(block) -> list[str]:
    return [button.label for button in block.button]


def test_a_file_named_by_its_path_becomes_a_project_in_settings(home, tmp_path):
    path = write_csv(tmp_path / "mine.csv", small_rows())
    at = import_by_path(path)
    assert project(at) == "mine"
    assert "120 objects" in read(at)
    config = open_project(home / "mine").config
    assert (config.columns.id, config.columns.label) == ("objid", "class")
    assert (config.columns.ra, config.columns.dec) == ("ra", "dec")


REFUSED = {
    "empty.csv": (b"", "empty.csv"),
    "headers.csv": (b"objid,g,r\n", "no rows"),
    "error.fits": (b"<html><body>503 Service Unavailable</body></html>", "web page"),
    "cut.csv.gz": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01\x02", "cut.csv.gz"),
    "holiday.xyz": (b"\x00\x01\x02\x03" * 64, "holiday.xyz"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_file_costs_one_sentence_and_leaves_no_project(home, tmp_path, name):
    content, said = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    at = show("")
    at.text_input(key="path").set_value(str(tmp_path / name)).run()
    for _ in range(20):
        if at.error:
            break
        at.run()
    fine(at)
    (error,) = at.error
    assert said.lower() in error.value.replace("\\", "").lower()
    assert "Traceback" not in error.value
    assert list(home.iterdir()) == []


def test_a_path_without_a_file_costs_one_sentence(home, tmp_path):
    at = show("")
    at.text_input(key="path").set_value(str(tmp_path / "none.csv")).run()
    fine(at)
    assert "is not there" in at.error[0].value


# -- Settings ------------------------------------------------------------------------------------


def test_the_guesses_are_good_enough_to_say_next_three_times_and_save(home, tmp_path):
    at = import_by_path(write_csv(tmp_path / "mine.csv", small_rows()))
    for step in range(4):
        at.button(key=f"next-{step}").click().run()
        fine(at)
        assert not at.error
    config = open_project(home / "mine").config
    assert config.features.base == ("g", "r", "i")
    assert len(config.train_labels) == 1
    next(button for button in at.button if button.label == "Start training").click().run()
    assert bar(at)["question"].startswith("Is it a")


def test_a_repeated_id_is_named_with_its_value_and_is_not_saved(home, tmp_path):
    rows = [{**row, "plate": 7 if i < 90 else i} for i, row in enumerate(small_rows())]
    at = import_by_path(write_csv(tmp_path / "mine.csv", rows))
    at.button(key="next-0").click().run()
    ids = at.selectbox(key="id-mine")
    ids.set_value(ids.options.index("plate")).run()
    sentence = at.error[0].value.replace("\\", "")
    assert "plate" in sentence
    assert "7 stands 90 times" in sentence
    assert len(at.error) == 1
    assert open_project(home / "mine").config.columns.id == "objid"


def test_a_change_that_costs_rounds_says_which_and_loses_no_label(survey_begun):
    session = survey_begun
    before = dict(session.state("QSO").history.trained)
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "4"
    at.run()
    assert [each.value for each in at.warning] == []
    at.number_input(key="seed-survey").set_value(7).run()
    (warning,) = at.warning
    assert "1 of Qso" in warning.value
    assert "Every label is kept" in warning.value
    assert session.config.splits.seed == 0
    at.button(key="next-3").click().run()
    fine(at)
    assert session.config.splits.seed == 7
    assert session.state("QSO").history.trained == before


def test_a_change_of_a_label_s_name_costs_no_round(survey_begun):
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "2"
    at.run()
    at.text_input(key="name-survey-class-QSO").set_value("Quasar").run()
    assert [each.value for each in at.warning] == []
    at.button(key="next-1").click().run()
    assert bar(show(TRAINING, "survey"))["question"] == "Is it a Quasar?"


def test_a_setting_that_cannot_be_gives_a_sentence_and_changes_nothing(survey_begun):
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "4"
    at.run()
    at.multiselect(key="train-survey").set_value([]).run()
    at.button(key="next-3").click().run()
    fine(at)
    assert "No classifier is chosen" in at.error[0].value
    assert survey_begun.config.train_labels == ("QSO", "STAR")


def leave_for(at: AppTest, step: int) -> AppTest:
    """Choose a step of the settings by its tab."""
    (steps,) = at.segmented_control
    return steps.set_value(step - 1).run()


def test_a_step_left_by_its_tab_or_by_a_link_keeps_its_edits(survey_begun):
    at = show(SETTINGS, "survey")
    leave_for(at, 2)
    assert at.query_params["step"] == "2"
    at.text_input(key="name-survey-class-QSO").set_value("Quasar").run()
    leave_for(at, 3)
    fine(at)
    assert survey_begun.config.label_name("QSO") == "Quasar"
    leave_for(at, 2)
    at.text_input(key="name-survey-class-QSO").set_value("Quasi-star").run()
    at.switch_page(TRAINING).run()
    assert bar(at)["question"] == "Is it a Quasi-star?"


def test_edits_that_cost_rounds_are_saved_by_the_button_alone(survey_begun):
    at = show(SETTINGS, "survey")
    for leave in (lambda: leave_for(at, 1), lambda: at.switch_page(TRAINING).run()):
        leave_for(at.switch_page(SETTINGS).run(), 4)
        at.number_input(key="seed-survey").set_value(7).run()
        assert "saved by the button" in at.warning[0].value
        leave()
        fine(at)
        assert survey_begun.config.splits.seed == 0
    leave_for(at.switch_page(SETTINGS).run(), 4)
    assert at.number_input(key="seed-survey").value == 0
    assert not at.warning


def test_an_edit_does_not_undo_what_another_tab_has_set_since(survey_begun):
    at = show(SETTINGS, "survey")
    leave_for(at, 4)
    now = survey_begun.config
    labels = tuple(replace(label, name=f"{label.name} 2") for label in now.labels)
    survey_begun.change_settings(replace(now, labels=labels, x_axis="r"))
    at.selectbox(key="y-survey").set_value("G").run()
    fine(at)
    config = survey_begun.config
    assert (config.y_axis, config.x_axis, config.labels) == ("G", "r", labels)


def test_an_edit_that_cannot_be_says_so_and_nothing_else_is_held_back(home, tmp_path):
    rows = [{**row, "plate": 7 if i < 90 else i} for i, row in enumerate(small_rows())]
    at = import_by_path(write_csv(tmp_path / "mine.csv", rows))
    leave_for(at, 2)
    ids = at.selectbox(key="id-mine")
    ids.set_value(ids.options.index("plate")).run()
    at.text_input(key="name-mine-class-QSO").set_value("Quasar").run()
    assert len(at.error) == 1
    config = open_project(home / "mine").config
    assert (config.columns.id, config.label_name("QSO")) == ("objid", "Quasar")


def test_shares_that_add_up_to_too_much_are_said_and_not_saved(ready):
    at = show(SETTINGS, "survey")
    leave_for(at, 4)
    at.number_input(key="split-train-shares-survey").set_value(90.0).run()
    fine(at)
    assert "130" in at.error[0].value
    leave_for(at, 1)
    assert at.query_params["step"] == "4"
    assert ready.config.splits.train == 60.0


def test_a_row_of_the_feature_table_does_not_move_when_it_is_ticked(ready):
    at = show(SETTINGS, "survey")
    leave_for(at, 3)
    before = list(at.data_editor[0].value["column"])
    ready.change_settings(
        replace(ready.config, features=replace(ready.config.features, base=("G", "z")))
    )
    assert list(at.run().data_editor[0].value["column"]) == before


def test_a_step_opens_again_at_its_address(survey_begun):
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "3"
    at.run()
    assert "What the classifiers see" in read(at)
    for nonsense in ("0", "99", "x", ""):
        at.query_params["step"] = nonsense
        at.run()
        fine(at)
        assert "The first rows:" in read(at)


def test_without_labels_the_last_step_says_where_they_come_from(home, tmp_path):
    rows = [{k: v for k, v in row.items() if k != "class"} for row in small_rows()]
    at = import_by_path(write_csv(tmp_path / "mine.csv", rows))
    leave_for(at, 4)
    assert "step 2" in at.info[0].value
    leave_for(at, 2)
    at.text_input(key="typed-labels-mine").set_value("STAR, QSO").run()
    leave_for(at, 4)
    assert not at.info
    assert at.multiselect(key="train-mine").options == ["STAR", "QSO"]


def test_a_missing_value_of_the_position_is_not_offered_and_untouched_nothing_changes(
    home, tmp_path
):
    rows = [
        {**row, "ra": -9999 if i == 4 else row["ra"], "g": -9999 if i % 9 == 0 else row["g"]}
        for i, row in enumerate(small_rows())
    ]
    at = import_by_path(write_csv(tmp_path / "mine.csv", rows))
    before = open_project(home / "mine").config
    assert [(toggle.label, toggle.value) for toggle in at.toggle] == [
        ("Read -9999 as missing in g", True)
    ]
    at.button(key="next-0").click().run()
    assert open_project(home / "mine").config == before


def test_labels_that_were_renamed_outlive_their_column(ready):
    values = {label.value for label in ready.config.labels}
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "2"
    at.run()
    assert re.search(r"\d+ objects with a known label, \d+ unknown", read(at))
    at.text_input(key="name-survey-class-QSO").set_value("Quasar").run()
    at.button(key="next-1").click().run()
    at.query_params["step"] = "2"
    at.run()
    at.selectbox(key="label-survey").set_value(0).run()
    assert "asking you for the first ones" in read(at)
    at.button(key="next-1").click().run()
    fine(at)
    assert ready.config.columns.label is None
    assert {label.value for label in ready.config.labels} == values
    assert ready.config.label_name("QSO") == "Quasar"


# -- Training ------------------------------------------------------------------------------------


def test_two_models_make_a_committee_and_the_page_says_whose_strategy_counts(ready):
    at = show(TRAINING, "survey")
    assert "uncertainty, margin and entropy ask about the same objects" in read(at)
    assert "A committee asks by its own strategy" not in read(at)
    at.button(key="setup-survey-QSO-add-1").click().run()
    assert "A committee asks by its own strategy" in read(at)
    assert at.selectbox(key="setup-survey-QSO-2-0-strategy").disabled
    at.selectbox(key="setup-survey-QSO-2-0-model").set_value("decision_tree").run()
    at.text_input(key="who-QSO").set_value("Vera").run()
    at.button(key="start-QSO").click().run()
    fine(at)
    setup = ready.config.setups["QSO"]
    assert [member.model for member in setup.members] == ["decision_tree", "logistic_regression"]
    learner = at.session_state["sextant.learners"]["QSO"].learner
    assert isinstance(learner, Committee)
    press(at, "answer", "STAR")
    assert answers(at.session_state["sextant.session"])[-1].who == "Vera"


def test_the_learner_stands_in_session_state_and_is_rebuilt_when_absent(survey_begun):
    at = show(TRAINING, "survey")
    before = at.session_state["sextant.learners"]["QSO"]
    assert isinstance(before.learner, ActiveLearner)
    del at.session_state["sextant.learners"]
    at.run()
    after = at.session_state["sextant.learners"]["QSO"]
    assert isinstance(after.learner, ActiveLearner)
    assert after.key == before.key


def test_a_checkpoint_is_saved_once_a_round(survey_begun):
    models = survey_begun.project.folder / "models"
    at = show(TRAINING, "survey")
    assert [p.name for p in models.glob("*.joblib")] == ["QSO-RandomForest_Uncertainty.joblib"]
    at.button(key="checkpoint-QSO").click().run()
    saved = [p.name for p in models.glob("QSO-RandomForest_Uncertainty-5-*.joblib")]
    assert len(saved) == 1
    assert at.button(key="checkpoint-QSO").disabled
    press(at, "answer", "QSO")
    assert not at.button(key="checkpoint-QSO").disabled


def test_test_results_are_shown_only_after_their_own_step(survey_begun):
    at = show(TRAINING, "survey")
    assert "Test set |" not in read(at)
    at.button(key="test-QSO").click().run()
    (table,) = [m.value for m in at.markdown if "Test set |" in m.value]
    scores = scores_of_test_set(survey_begun, "QSO")
    assert f" n {scores.precision.n:,}]" in table
    assert f"**{scores.accuracy.value:.3f}**" in table


def test_the_scores_shown_are_the_engine_s_with_their_n_and_interval(survey_begun):
    at = show(TRAINING, "survey")
    scores = survey_begun.state("QSO").scores
    (table,) = [m.value for m in at.markdown if m.value.startswith("| |")]
    for name in ("accuracy", "precision", "recall", "f1"):
        found = getattr(scores.validation, name)
        low, high = (f"{end:.3f}".removeprefix("0") for end in (found.low, found.high))
        assert f"**{found.value:.3f}** :small[{low}–{high} n {found.n:,}]" in table
    found = scores.validation.accuracy
    press(at, "answer", "QSO")
    (table,) = [m.value for m in at.markdown if m.value.startswith("| |")]
    after = survey_begun.state("QSO").scores.validation.accuracy
    assert f"{after.value - found.value:+.3f}" in table


def test_the_score_plot_draws_validation_beside_training_at_every_round(survey_begun, monkeypatch):
    figures = []

    def drawn(figure, **options):
        figures.append(json.loads(figure.to_json()))
        return []

    monkeypatch.setattr("pages.components.charts.plotly_events", drawn)
    at = show(TRAINING, "survey")
    for label in ("QSO", "STAR"):
        press(at, "answer", label)
    figures.clear()
    at.run()
    (curves,) = [each["data"] for each in figures if each["data"][0]["type"] == "scatter"]
    rounds = survey_begun.state("QSO").rounds
    assert [len(curve["y"]) for curve in curves] == [3] * 4
    for curve, part in zip(curves, ("validation", "training") * 2, strict=True):
        metric = curve["name"].lower()
        assert curve["y"] == [getattr(getattr(r.scores, part), metric).value for r in rounds]
    assert [curve["line"]["dash"] for curve in curves] == ["solid", "dot"] * 2


def test_scores_over_labels_that_were_chosen_are_marked_as_biased(survey_begun):
    for _ in range(6):
        answer(survey_begun)
    said = read(show(TRAINING, "survey"))
    assert "biased" not in said, "the catalogue knows most labels of the training set"
    assert "Training includes the labels trained on, which flatters it" in said
    columns = replace(survey_begun.config.columns, label=None)
    survey_begun.change_settings(replace(survey_begun.config, columns=columns))
    assert "| Training, biased |" in read(show(TRAINING, "survey"))


def test_points_trained_on_are_counted_without_unsure_ones(survey_begun):
    at = show(TRAINING, "survey")
    press(at, "answer", "STAR")
    press(at, "unsure")
    assert "**6 labels trained on** · " in read(at)
    assert "1 unsure" in read(at)


def test_another_set_up_is_said_to_be_used_and_offers_no_model_twice(survey_begun):
    at = show(TRAINING, "survey")
    for n in (1, 2):
        at.button(key=f"setup-survey-QSO-add-{n}").click().run()
    at.button(key="change-QSO").click().run()
    fine(at)
    models = [member.model for member in survey_begun.config.setups["QSO"].members]
    assert len(set(models)) == 3
    assert bar(at)["confirmation"] == "Trained a committee of 3 on 5 labels"


def test_labels_all_on_one_side_are_pointed_out(ready):
    ready.start("QSO", replace(small_setup(n_initial=1), initial_labels="ask"))
    at = show(TRAINING, "survey")
    assert "on one side of the question" not in read(at)
    press(at, "answer", "STAR")
    assert "on one side of the question" in read(at)


@pytest.mark.parametrize("end", [0, 1])
def test_every_page_opens_with_settings_at_their_limits(survey_begun, end):
    # Streamlit shows a bug where a field's value lies outside of what the field takes.
    config = survey_begun.config
    for path, ends in WITHIN.items():
        *group, name = path.split(".")
        if group:
            part = replace(getattr(config, group[0]), **{name: ends[end]})
            if name in ("train", "validation", "test"):
                continue  # there are not so many objects
            config = replace(config, **{group[0]: part})
        else:
            config = replace(config, **{name: ends[end]})
    config = replace(config, people=replace(config.people, several=True))
    survey_begun.change_settings(ProjectConfig.from_dict(config.to_dict()))
    at = show("", "survey")
    at.session_state["sextant.name"] = "Ada"
    for page in sorted((ROOT / "pages").glob("*.py")):
        fine(at.switch_page(f"pages/{page.name}").run())
    at.switch_page(SETTINGS)
    for step in "1234":
        at.query_params["step"] = step
        fine(at.run())


# -- answering -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [TRAINING, LABELLING])
def test_an_answer_reaches_the_log_before_the_next_object_is_shown(survey_begun, page):
    at = show(page, "survey")
    shown = bar(at)
    press(at, "answer", "STAR")
    (answer,) = answers(survey_begun)
    assert (answer.object_id, answer.label, answer.classifier) == (
        shown["object_id"],
        "STAR",
        "QSO",
    )
    assert (answer.how, answer.seconds) == ("query", 1.5)
    assert bar(at)["object_id"] != shown["object_id"]
    assert bar(at)["confirmation"].startswith("Star")
    held = at.session_state["sextant.session"].state("QSO").history.trained
    assert held[answer.row_number] == "STAR"


@pytest.mark.parametrize("page", [TRAINING, LABELLING])
def test_an_answer_taken_back_asks_the_same_object_again(survey_begun, page):
    at = show(page, "survey")
    first = bar(at)["object_id"]
    assert not bar(at)["can_undo"]
    press(at, "answer", "STAR")
    press(at, "undo")
    assert bar(at)["object_id"] == first
    assert [event.kind for event in answers(survey_begun, "answer", "undo")] == ["answer", "undo"]


def test_unsure_asks_another_without_a_new_round_and_later_keeps_it_in_the_pool(survey_begun):
    at = show(LABELLING, "survey")
    rounds, pool = len(survey_begun.state("QSO").rounds), survey_begun.state("QSO").n_pool
    unsure = bar(at)["object_id"]
    press(at, "unsure")
    later = bar(at)["object_id"]
    press(at, "later")
    assert len({unsure, later, bar(at)["object_id"]}) == 3
    state = survey_begun.state("QSO")
    assert len(state.rounds) == rounds
    assert [survey_begun.object_id(row) for row in state.history.unsure] == [unsure]
    assert [survey_begun.object_id(row) for row in state.history.later] == [later]
    assert state.n_pool == pool - 1


def test_a_key_pressed_twice_never_answers_an_object_nobody_has_seen(survey_begun):
    at = show(LABELLING, "survey")
    shown = bar(at)
    press(at, "answer", "STAR")
    asked = bar(at)["object_id"]
    press(at, "answer", "STAR", token=shown["token"], object_id=shown["object_id"])
    assert not at.error
    assert "was answered meanwhile" in bar(at)["confirmation"]
    assert [event.object_id for event in answers(survey_begun)] == [shown["object_id"]]
    assert bar(at)["object_id"] == asked


def test_of_two_tabs_on_one_object_the_second_is_told_and_shown_the_next(survey_begun):
    first, second = show(LABELLING, "survey"), show(LABELLING, "survey")
    press(first, "answer", "STAR")
    press(second, "answer", "GALAXY")
    assert "was answered meanwhile" in bar(second)["confirmation"]
    assert bar(second)["object_id"] == bar(first)["object_id"]
    assert [event.label for event in answers(survey_begun)] == ["STAR"]


def test_an_object_clicked_on_a_map_can_be_answered_and_left_again(survey_begun):
    at = show(LABELLING, "survey")
    queried = bar(at)["object_id"]
    at.session_state["map-labels-survey-QSO-"] = {"event": _click_on(survey_begun, row=12)}
    at.run().run()
    assert bar(at)["object_id"] != queried
    assert "not the queried object" in bar(at)["why"]
    assert bar(at)["back"] == "Back to the queried object"
    press(at, "queried")
    assert bar(at)["object_id"] == queried
    assert "is queried" in bar(at)["why"]
    assert bar(at)["back"] == ""


def test_the_selected_object_is_marked_on_every_map(survey_begun):
    at = show(TRAINING, "survey")
    x, y = (float(survey_begun.project.axis(name)[12]) for name in ("g", "r"))
    at.session_state["sextant.looking"].selected["QSO"] = 12
    at.run()
    fine(at)
    maps = [told for told, _ in drawn_maps(at)]
    assert len(maps) == 3
    for told in maps:
        marks = {mark["name"]: mark for mark in told["overlays"]}
        assert marks["selected"]["x"] == pytest.approx([x], rel=1e-6)
        assert marks["selected"]["y"] == pytest.approx([y], rel=1e-6)
        assert "queried" in marks


@pytest.mark.parametrize("part", ["validation", "test"])
def test_it_is_said_before_an_answer_that_the_object_never_trains(survey_begun, part):
    at = show(LABELLING, "survey")
    code = {"validation": VALIDATION, "test": TEST}[part]
    row = int((survey_begun.project.dataset().parts == code).argmax())
    at.session_state["sextant.looking"].selected["QSO"] = row
    at.run()
    assert f"An answer corrects the {part} set, and never trains" in bar(at)["why"]
    assert bar(at)["corrects"], "and it stands out"
    press(at, "answer", "STAR")
    assert answers(survey_begun)[-1].part == part
    assert bar(at)["confirmation"] == f"Star: corrects the {part} set; undo Z"
    assert "never trains" not in bar(at)["why"]
    assert not bar(at)["corrects"]


def test_going_back_shows_what_was_said_and_a_correction_goes_on_from_there(survey_begun):
    at = show(LABELLING, "survey")
    first = bar(at)["object_id"]
    press(at, "answer", "QSO", confidence=2)
    second = bar(at)["object_id"]
    press(at, "unsure")
    press(at, "key", "ArrowLeft")
    assert bar(at)["why"].startswith(f"{second}: you said Unsure.")
    press(at, "key", "ArrowLeft")
    assert bar(at)["why"].startswith(f"{first}: you said {_named(survey_begun, 'QSO')} ●●○.")
    assert bar(at)["said"] == "QSO"
    press(at, "answer", "STAR")
    assert bar(at)["object_id"] == first, "one stays where one was, to go on from there"
    assert (bar(at)["said"], bar(at)["corrects"]) == ("STAR", False)
    press(at, "key", "ArrowRight")
    assert bar(at)["object_id"] == second
    press(at, "queried")
    assert (bar(at)["said"], bar(at)["back"]) == (None, "")


def _named(session: LabellingSession, value: str) -> str:
    return session.config.label_name(value)


def test_until_maps_can_be_drawn_they_say_so_and_the_question_can_be_answered(
    survey_begun, monkeypatch
):
    monkeypatch.setattr(loop, "is_warm", lambda: False)
    at = show(TRAINING, "survey")
    fine(at)
    said = [(head["note"], head["picture"], png) for head, png in drawn_maps(at)]
    assert said == [("Preparing the maps…", None, b"")] * 3
    press(at, "answer", "QSO")
    assert answers(survey_begun)[-1].label == "QSO"
    monkeypatch.setattr(loop, "is_warm", lambda: True)
    at.run()
    assert [head["note"] for head, _ in drawn_maps(at)] == [""] * 3
    assert all(head["picture"] and png.startswith(b"\x89PNG") for head, png in drawn_maps(at))


def _click_on(session: LabellingSession, row: int) -> dict:
    """A click on the map's middle with the object exactly under it."""
    config, project = session.config, session.project
    x, y = (float(project.axis(name)[row]) for name in (config.x_axis, config.y_axis))
    ranges = {"x": [x - 1, x + 1], "y": [y - 1, y + 1], "width_px": 400, "height_px": 400}
    return {"kind": "click", "at_x": x, "at_y": y, "nonce": next(_nonces), **ranges}


def test_labelling_shows_the_object_s_id_values_and_probability(survey_begun):
    at = show(LABELLING, "survey")
    state = survey_begun.state("QSO")
    row = state.question.row
    assert at.subheader[0].value == bar(at)["object_id"] == survey_begun.object_id(row)
    assert f"P(Qso) {state.fit.proba[row]:.2f}" in read(at)
    shown = at.dataframe[0].value
    assert list(shown["column"]) == ["g", "r", "G", 'a"b; DROP TABLE catalogue']
    assert shown["value"][0] == f"{survey_begun.project.catalogue.values(row, ['g'])['g']:.7g}"


def find(at: AppTest, wanted: str) -> None:
    field = next(each for each in at.text_input if each.label == "Id")
    field.set_value(wanted)
    next(button for button in at.button if button.label == "Show it").click().run()


def test_an_object_is_found_by_its_id_and_an_unknown_id_gives_a_sentence(survey_begun):
    at = show(LABELLING, "survey")
    wanted = survey_begun.object_id(41)
    find(at, wanted)
    assert bar(at)["object_id"] == wanted
    find(at, "J-nobody")
    fine(at)
    assert "No object has the id" in at.error[0].value


# -- answers that come at odd moments ------------------------------------------------------------


def wait_in_queue(at: AppTest, token: str) -> None:
    """What a browser's answer leaves behind before the page is run."""
    slug, classifier, *_ = split_token(token)
    event = BarEvent("answer", "STAR", "", token, 1.0)
    at.session_state["sextant.posted"] = [Posted("bar", "Training", slug, classifier, event)]


@pytest.mark.parametrize("label", ["STAR", "a|b", "|", "7|8"])
def test_a_token_gives_back_what_it_was_made_of(label):
    assert split_token(make_token("survey", label, 7, "12")) == ("survey", label, "7", "12")
    assert split_token(make_token("survey", label, None, "0")) == ("survey", label, "", "0")


@pytest.mark.parametrize("page", [SETTINGS, LABELLING, "app.py"])
def test_an_answer_given_while_leaving_the_page_is_taken_by_the_next_one(survey_begun, page):
    at = show(TRAINING, "survey")
    shown = bar(at)
    wait_in_queue(at, shown["token"])
    at.switch_page(page).run()
    fine(at)
    (answer,) = answers(survey_begun)
    assert (answer.object_id, answer.label) == (shown["object_id"], "STAR")
    assert at.session_state["sextant.posted"] == []


def test_an_answer_reaches_its_own_classifier_while_another_one_is_open(survey_begun):
    at = show(LABELLING, "survey")
    token = bar(at)["token"]
    survey_begun.start("STAR", small_setup())
    at.session_state["sextant.classifier"] = "STAR"
    wait_in_queue(at, token)
    at.run()
    assert split_token(bar(at)["token"])[1] == "STAR"
    assert [event.classifier for event in answers(survey_begun)] == ["QSO"]


def test_another_project_in_the_address_gets_no_answer_and_no_selection(home, survey_begun):
    at = show(TRAINING, "survey")
    shown = bar(at)
    at.session_state["sextant.looking"].selected["STAR"] = 12
    other = start_demo(home, "digits")
    wait_in_queue(at, shown["token"])
    at.query_params["project"] = other.name
    at.run()
    fine(at)
    assert "answer" not in [event.kind for event in open_project(other).log.events()]
    assert [event.object_id for event in answers(survey_begun)] == [shown["object_id"]]
    assert at.session_state["sextant.looking"].selected == {}


def test_an_answer_for_a_project_that_is_gone_costs_one_sentence_once(survey_begun):
    at = show(TRAINING, "survey")
    wait_in_queue(at, make_token("gone", "QSO", 3, "1"))
    at.run()
    fine(at)
    assert "There is no project" in at.error[0].value
    assert [each.value for each in at.run().error] == []
    assert answers(survey_begun) == []


def test_a_round_that_was_taken_back_elsewhere_is_not_looked_at_any_longer(survey_begun):
    at = show(TRAINING, "survey")
    press(at, "answer", "STAR")
    press(at, "answer", "QSO")
    at.session_state["sextant.looking"].past["QSO"] = 1
    at.session_state["sextant.looking"].selected["QSO"] = 10**6
    at.run()
    assert "is being looked at" in bar(at)["why"]
    for _ in range(2):
        survey_begun.undo("QSO", token=survey_begun.state("QSO").token)
    at.run()
    fine(at)
    assert not at.error
    assert (bar(at)["busy"], bar(at)["back"]) == (False, "")


def test_n_leads_back_from_an_earlier_round_too(survey_begun):
    at = show(TRAINING, "survey")
    press(at, "answer", "STAR")
    at.session_state["sextant.looking"].past["QSO"] = 0
    at.run()
    assert (bar(at)["busy"], bar(at)["back"]) == (True, "Back to the present")
    press(at, "queried")
    assert (bar(at)["busy"], bar(at)["back"]) == (False, "")


def test_a_name_that_the_browser_kept_is_not_asked_again(survey_begun, monkeypatch):
    monkeypatch.setattr(ContextProxy, "cookies", {"sextant_name": "Vera%20R.%3B"})
    at = show(LABELLING, "survey")
    assert "save-name" not in [button.key for button in at.sidebar.button]
    press(at, "answer", "STAR")
    assert answers(survey_begun)[-1].who == "Vera R.;"


@pytest.mark.parametrize("kept", ["", "%20", "a%00b", "x%0Ay", "%ED%A0%80%1b"])
def test_a_cookie_that_cannot_be_a_name_is_none(survey_begun, monkeypatch, kept):
    monkeypatch.setattr(ContextProxy, "cookies", {"sextant_name": kept})
    at = show(LABELLING, "survey")
    fine(at)
    assert "save-name" in [button.key for button in at.sidebar.button]


def test_a_name_may_have_any_letter(survey_begun, monkeypatch):
    name = "A\u00a0\u200d👩\u200d🚀"
    monkeypatch.setattr(ContextProxy, "cookies", {"sextant_name": quote(name)})
    press(show(LABELLING, "survey"), "answer", "STAR")
    assert answers(survey_begun)[-1].who == name.replace("\u00a0", " ")


def test_an_answer_refused_while_another_page_is_open_is_said_there(survey_begun):
    at = show(LABELLING, "survey")
    shown = bar(at)
    press(at, "answer", "STAR")
    wait_in_queue(at, shown["token"])
    at.switch_page(SETTINGS).run()
    fine(at)
    assert "was answered meanwhile" in at.error[0].value
    assert len(answers(survey_begun)) == 1


def test_a_project_deleted_in_another_tab_leads_home(home, survey_begun):
    at = show(LABELLING, "survey")
    delete_project(home / "survey")
    at.run()
    fine(at)
    assert len(at.error) == 1
    assert "There is no project" in at.error[0].value
    assert "Open a project first" not in read(at)


def test_a_name_is_asked_once_and_never_stands_before_an_answer(survey_begun):
    at = show(LABELLING, "survey")
    press(at, "answer", "STAR")
    at.sidebar.text_input[0].set_value("Vera").run()
    at.sidebar.button(key="save-name").click().run()
    assert "save-name" not in [button.key for button in at.sidebar.button]
    press(at, "answer", "QSO")
    assert answers(survey_begun)[-1].who == "Vera"


def test_a_clicked_point_is_a_round_by_its_place_not_by_its_number_of_labels():
    drawn = [[0, 2, 3], [0, 1, 2, 3]]
    assert round_of_point(drawn, {"curveNumber": 0, "pointNumber": 1, "x": 6}) == 2
    assert round_of_point(drawn, {"curveNumber": 1, "pointNumber": 1, "x": 6}) == 1
    assert round_of_point(drawn, {"curveNumber": 2, "pointNumber": 0, "x": 6}) is None


# -- what is kept --------------------------------------------------------------------------------


def test_a_new_tab_or_an_emptied_one_has_the_same_question_and_history(survey_begun):
    at = show(LABELLING, "survey")
    for label in ("STAR", "QSO", "GALAXY"):
        press(at, "answer", label)
    before = {key: bar(at)[key] for key in ("question", "object_id", "token")}
    history = at.session_state["sextant.session"].state("QSO").history
    held = at.session_state._state.filtered_state
    assert "sextant.session" in held
    for key in (key for key in held if key.startswith("sextant.")):
        del at.session_state[key]
    for tab in (at.run(), show(LABELLING, "survey")):
        assert {key: bar(tab)[key] for key in before} == before
        assert tab.session_state["sextant.session"].state("QSO").history == history


# -- names that mean something to a browser ------------------------------------------------------


def test_hostile_names_of_labels_columns_and_objects_are_shown_as_text(home, tmp_path):
    rows = [
        {
            HOSTILE_NAMES[0]: 18 + (i * 7 % 13) / 10,
            HOSTILE_NAMES[1]: 16 + 2 * (i % 3) + (i * 3 % 7) / 20,
            HOSTILE_NAMES[2]: 1.5 * (i % 3),
            "name": f"{HOSTILE_NAMES[i % 3]}{i}",
            "class": HOSTILE_NAMES[i % 3],
        }
        for i in range(120)
    ]
    at = import_by_path(write_csv(tmp_path / "odd.csv", rows))
    seen = [_said(at)]
    for step in range(4):
        at.button(key=f"next-{step}").click().run()
        fine(at)
        assert not at.error
        seen.append(_said(at))
    session = at.session_state["sextant.session"]
    assert session.config.columns.label == "class"
    assert set(session.config.features.base) == set(HOSTILE_NAMES)
    session.change_settings(replace(session.config, train_labels=HOSTILE_NAMES))
    for label in HOSTILE_NAMES:
        session.start(label, ClassifierSetup((SMALL_FOREST, MemberSetup("decision_tree"))))
    for page in (TRAINING, LABELLING, SETTINGS):
        at = show(page, "odd")
        fine(at)
        seen.append(_said(at))
        # plotly reads angle brackets as markup.
        figures = [json.loads(c.proto.json_args)["plot_obj"] for c in at.get("component_instance")]
        assert bool(figures) == (page == TRAINING)
        assert "<b>x" not in json.dumps(figures)
        if page != SETTINGS:
            assert [choice["name"] for choice in bar(at)["choices"]] == sorted(HOSTILE_NAMES)
            seen.append(_said(press(at, "answer", HOSTILE_NAMES[1])))
    everything = "\n".join(seen)
    assert "![a](" not in everything
    assert "<b>x" not in everything
    assert r"\\!\\[a\\]\\(" in everything  # it was shown, and as text


# What these hold beside label and help is shown as it is.
SHOWN_AS_IT_IS = {
    "text_input",
    "selectbox",
    "multiselect",
    "code",
    "arrow_data_frame",
    "dataframe",
    "bidi_component",
    "component_instance",
}


def _said(at: AppTest) -> str:
    """All text of a page that the browser would read as Markdown."""
    said, waiting = [], [at._tree]
    while waiting:
        node = waiting.pop()
        waiting.extend(getattr(node, "children", {}).values())
        proto = getattr(node, "proto", "")
        if node.type in SHOWN_AS_IT_IS:
            said += [str(getattr(proto, name, "")) for name in ("label", "help")]
        else:
            # Ids of widgets hold their keys; nobody sees them.
            lines = str(proto).splitlines()
            said += [line for line in lines if not line.lstrip().startswith(("id:", "form_id:"))]
    return "\n".join(said)
