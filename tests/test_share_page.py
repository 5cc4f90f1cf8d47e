"""The Share page and Home's way to it: what is offered, told before, and kept."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import answer, make_table, small_setup, survey_values
from paging import EXPLORE, LABELLING, SHARE, TRAINING, fine, read, show
from streamlit.testing.v1 import AppTest

from al_engine.background import BACKGROUND
from al_engine.data.demo import DEMOS
from al_engine.exchange.configuration import Configuration, Data, write_configuration
from al_engine.jobs import Job
from al_engine.loop.recording import record
from al_engine.projects.creating import create_project
from al_engine.projects.opening import open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, ProjectConfig
from al_engine.sharing import exporting


@pytest.fixture
def begun(home: Path, survey_folder: Path) -> LabellingSession:
    """The small project with some answers."""
    session = LabellingSession(open_project(survey_folder), "Ada")
    session.change_settings(replace(session.config, x_axis="g", y_axis="r"))
    session.start("QSO", small_setup())
    for _ in range(3):
        answer(session)
    return session


@pytest.fixture
def file(begun: LabellingSession, tmp_path: Path) -> Path:
    """Its configuration, as it was downloaded."""
    path = tmp_path / "taken.json"
    path.write_text(write_configuration(record(begun.project, begun.moment())), encoding="utf-8")
    return path


@pytest.fixture
def fresh(home: Path) -> Project:
    """The same catalogue, imported once more."""
    table = make_table(survey_values())
    folder, _ = create_project(home, "Fresh", table, ProjectConfig(), source="again.csv")
    return open_project(folder)


def open_path(at: AppTest, path: Path | str) -> AppTest:
    (field,) = [each for each in at.text_input if each.label == "Path of a configuration"]
    return fine(field.set_value(str(path)).run())


def said(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.warning, at.error, at.success)
    return "\n".join(str(each.value).replace("\\", "") for kind in kinds for each in kind)


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [each for each in at.button if each.label == label]
    return fine(button.click().run())


def test_settings_and_labels_load_and_are_replayed_to_the_same_question(file, begun, fresh):
    at = open_path(show(SHARE, "fresh"), file)
    assert "These are the very data it was made on." in said(at)
    assert "3 answers" in said(at)
    assert [e.kind for e in fresh.log.events()] == ["settings"], "nothing before the button"
    at = press(at, "Load")
    assert "3 answers replayed. 4 rounds compared: the same scores" in said(at)
    there, here = begun.state("QSO"), LabellingSession(fresh, "Bob").state("QSO")
    assert (here.question, here.scores) == (there.question, there.scores)


def test_predictions_together_are_told_of_where_two_labels_have_a_classifier_alone(begun):
    begun.change_settings(replace(begun.config, train_labels=("QSO", ALL_LABELS)))
    begun.start(ALL_LABELS, small_setup())
    assert "predict together" not in said(show(SHARE, "survey"))
    begun.change_settings(replace(begun.config, train_labels=("QSO", "STAR", ALL_LABELS)))
    begun.start("STAR", small_setup())
    assert "predict together" in said(show(SHARE, "survey"))


def test_author_and_doi_stay_as_they_were_loaded(begun, fresh, tmp_path):
    cited = {"author": "Ada", "doi": "10.21105/joss.03635"}
    begun.change_settings(replace(begun.config, **cited))
    path = tmp_path / "cited.json"
    path.write_text(write_configuration(record(begun.project, begun.moment())), encoding="utf-8")
    at = press(open_path(show(SHARE, "fresh"), path), "Load")
    at.run()
    assert (fresh.config.author, fresh.config.doi) == tuple(cited.values())
    (field,) = [each for each in at.text_input if each.label == "Author"]
    field.set_value("Ada and Bob").run()
    assert fresh.config.author == "Ada and Bob"


def test_what_differs_is_told_first_and_what_cannot_be_loaded_is_not_offered(file, home, begun):
    values = survey_values()
    del values["g"]
    table = make_table(values)
    folder, _ = create_project(home, "Other", table, ProjectConfig())
    at = open_path(show(SHARE, "other"), file)
    assert "Columns that are no longer there: g." in said(at)
    assert "Only its layout can be loaded: Column 'g' is not in the catalogue" in said(at)
    (levels,) = [each for each in at.radio if each.label == "Load"]
    assert levels.options == ["Layout"]
    press(at, "Load")
    assert [e.kind for e in open_project(folder).log.events()][1:] in ([], ["settings"])


def test_settings_over_rounds_say_what_they_cost(file, begun):
    begun.change_settings(replace(begun.config, leave_out_unknown=True))
    answer(begun)
    at = open_path(show(SHARE, "survey"), file)
    assert "answers of its own already" in said(at)
    assert "Earlier rounds become incomparable (5 of Qso)" in said(at)
    press(at, "Load")
    assert begun.config.leave_out_unknown is False
    assert len(begun.project.history("QSO").trained) == 9


def test_settings_say_which_tabs_and_labels_they_take_and_go_back_again(begun, tmp_path):
    file = tmp_path / "one.json"
    both = begun.config.train_labels
    begun.change_settings(replace(begun.config, train_labels=("QSO",)))
    file.write_text(write_configuration(record(begun.project, begun.moment())), encoding="utf-8")
    begun.change_settings(replace(begun.config, train_labels=both))
    begun.start("STAR", small_setup())
    answer(begun, "STAR")
    shared = replace(begun.config.asking, shared=True)
    begun.change_settings(replace(begun.config, asking=shared))
    before, question = begun.config, begun.state("QSO").question
    now, star = begun.project.history("QSO"), begun.project.history("STAR")
    at = open_path(show(SHARE, "survey"), file)
    told = said(at)
    assert "The tabs of these classifiers go: Star." in told
    n_now = len(now.trained) + len(now.validated)
    assert f"(Qso: {n_now - 1} labels in place of {n_now})" in told
    at = press(at, "Load")
    assert begun.config.train_labels == ("QSO",)
    at = press(at, "Back to the settings before")
    assert (begun.config, begun.state("QSO").question) == (before, question)
    assert begun.project.history("STAR") == star
    assert "Back to the settings before" not in [each.label for each in at.button]


def test_a_configuration_loaded_shows_its_own_panels_and_none_of_them_alone(file, begun):
    at = show(EXPLORE, "survey")
    exploring = at.session_state["sextant.looking"].exploring
    exploring.full["Explore"] = (0, 1)
    press(open_path(at.switch_page(SHARE).run(), file), "Load")
    assert exploring.full == {}


def test_settings_that_were_changed_since_are_not_taken_back_with_those_loaded(file, begun):
    begun.change_settings(replace(begun.config, leave_out_unknown=True))
    at = press(open_path(show(SHARE, "survey"), file), "Load")
    assert "Back to the settings before" in [each.label for each in at.button]
    begun.change_settings(replace(begun.config, x_axis="r"))
    assert "Back to the settings before" not in [each.label for each in fine(at.run()).button]


def test_the_file_without_labels_has_a_name_of_its_own(begun):
    at = show(SHARE, "survey")
    names = set()
    for form in ("whole", "private"):
        (chosen,) = [each for each in at.radio if each.label == "What stands in it"]
        at = fine(chosen.set_value(form).run())
        (found,) = [b for b in at.get("download_button") if b.label == "Download"]
        names.add(found.key)
    assert names == {
        "download-configuration-survey",
        "download-configuration-without-labels-survey",
    }


@pytest.mark.parametrize(
    "text", ["{", '{"a": 1}', "", "[[[[", '{"format": "Sextant configuration"}']
)
def test_a_bad_file_costs_one_sentence_and_changes_nothing(begun, tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    n_events = len(begun.project.log.events())
    at = open_path(show(SHARE, "survey"), path)
    assert len(at.error) == 1
    assert "Load" not in [each.label for each in at.button]
    assert len(begun.project.log.events()) == n_events
    assert len(fine(at.run()).error) == 0, "and is not tried again by itself"


def test_an_uploaded_configuration_is_read_at_once(file, fresh):
    at = show(SHARE, "fresh")
    at.file_uploader[0].set_value(("taken.json", file.read_bytes(), "application/json"))
    at = fine(at.run())
    assert "taken.json" in said(at)


def test_author_and_doi_stand_in_what_is_kept(begun):
    at = show(SHARE, "survey")
    (author,) = [each for each in at.text_input if each.label == "Author"]
    (doi,) = [each for each in at.text_input if each.label == "DOI"]
    author.set_value("<b>Ada</b>")
    fine(doi.set_value("10.1/x").run())
    BACKGROUND.wait()
    kept = json.loads((begun.project.folder / "configuration.json").read_text())
    assert (kept["author"], kept["doi"]) == ("<b>Ada</b>", "10.1/x")


def test_what_astronomical_cannot_say_is_said_in_words(begun):
    at = show(SHARE, "survey")
    (form,) = [each for each in at.radio if each.label == "What stands in it"]
    assert form.options == ["Everything", "Without ids, labels and notes"]
    assert "whole numbers as labels; 'GALAXY' is none" in said(at)


def test_a_model_is_listed_by_the_name_of_its_label(begun):
    BACKGROUND.wait()
    (model,) = [each for each in show(SHARE, "survey").selectbox if each.label == "Model"]
    stems = exporting.bundles_of(begun)
    assert model.options == [f"Qso: {stem}" for stem in stems]


def test_what_cannot_be_a_doi_is_kept_and_said(begun):
    at = show(SHARE, "survey")

    def doi_field():
        (field,) = [each for each in at.text_input if each.label == "DOI"]
        return field

    at = fine(doi_field().set_value("not a doi").run())
    assert "'not a doi' does not look like a DOI" in said(at)
    assert begun.config.doi == "not a doi"
    at = fine(doi_field().set_value("doi:10.21105/joss.03635").run())
    assert "does not look like a DOI" not in said(at)


def test_what_one_came_for_stands_first(file, begun):
    usual, at = show(SHARE, "survey"), open_path(show(SHARE, "survey"), file)
    first = [each.subheader[0].value for each in (usual, at)]
    assert first == ["Labels and predictions", "Configuration"]
    at = press(at, "Load")
    assert at.subheader[0].value == "Configuration", "what came of it stands where it was asked for"


def test_home_leads_a_configuration_to_its_project(file, begun, fresh):
    at = open_path(show(""), file)
    assert "taken.json" in said(at)
    (projects,) = [each for each in at.selectbox if each.label == "Load it into"]
    # The one whose source the configuration names comes first.
    assert [option.split(":")[0] for option in projects.options] == ["Survey", "Fresh"]
    projects.select_index(1)
    at = press(at, "Go on")
    assert at.query_params["project"] in ("fresh", ["fresh"])
    assert at.title[0].value == "Share"
    assert "taken.json" in said(at)
    at = press(at, "Put it away")
    assert "taken.json" not in said(at)


def test_an_import_goes_on_to_the_configuration_that_waits_for_it(file, begun, tmp_path):
    source = tmp_path / "objects.csv"
    source.write_text("name,class,g\n" + "\n".join(f"J{i},QSO,{i}.5" for i in range(20)))
    at = open_path(show(""), file)
    (path,) = [each for each in at.text_input if each.label.startswith("Path of a file")]
    at = fine(path.set_value(str(source)).run())
    for _ in range(3):
        if at.title[0].value == "Share":
            break
        at = fine(at.run())
    assert at.title[0].value == "Share"
    assert "Only its layout can be loaded" in said(at)


def test_a_demo_started_for_a_configuration_leads_to_the_comparison(file, begun, home):
    at = open_path(show(""), file)
    at = fine(at.button(key="demo-digits").click().run())
    for _ in range(3):
        if at.title[0].value == "Share":
            break
        at = fine(at.run())
    assert at.title[0].value == "Share"
    assert "taken.json" in said(at)
    at = fine(at.switch_page(TRAINING).run())
    assert "A configuration is open, and not loaded yet." in said(at), "wherever one goes"


def test_a_demo_that_a_configuration_was_made_on_is_called_as_on_its_card(home, tmp_path):
    made = Configuration(data=Data(source="demo:digits"))
    path = tmp_path / "demo.json"
    path.write_text(write_configuration(made), encoding="utf-8")
    at = open_path(show(""), path)
    assert f"Open '{DEMOS['digits'].title}' above" in said(at)
    assert "demo:digits" not in said(at)


@pytest.mark.parametrize("page", [TRAINING, LABELLING, EXPLORE])
def test_every_page_says_that_a_replay_is_going_on(file, begun, fresh, page):
    end = threading.Event()
    at = show(page, "fresh")
    job = Job(lambda progress, cancelled: end.wait(30))
    at.session_state["sextant.jobs"] = {"replay-fresh": job}
    try:
        at = fine(at.run())
        assert "A configuration is being replayed" in said(at) + read(at)
        assert "Start training a classifier first" not in read(at)
        assert [b for b in at.button if b.label == "Start training"] == []
    finally:
        end.set()
