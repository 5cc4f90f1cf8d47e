"""Texts on the pages: chosen, counted in sight, read and answered about."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import make_table, small_setup
from paging import LABELLING, SETTINGS, TRAINING, bar, fine, pressed, read, show
from streamlit.testing.v1 import AppTest

from al_engine.errors import WorkCancelled
from al_engine.guesses import guess_config
from al_engine.jobs import Cancelled, Progress
from al_engine.projects.creating import create_project
from al_engine.projects.opening import open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ClassifierSetup, Features, MemberSetup, ProjectConfig
from al_engine.showing.album import Album
from al_engine.showing.batch import in_batch
from al_engine.showing.certain import certain
from al_engine.showing.comparing import Comparing
from pages.components.answer_bar import BarEvent
from pages.components.looking import Posted

GOOD = "A warm and clever film, and I would gladly see it again <b>tomorrow</b> & the day after."
BAD = "A cold and dull film, and nobody should have to see it <script>alert(1)</script> ever again."
SETUP = ClassifierSetup((MemberSetup("linear_svm"),), n_initial=10)


@pytest.fixture
def told(home: Path) -> Path:
    """A project of 60 short texts with settings as guessed."""
    values = {
        "id": pa.array([f"r{i:02d}" for i in range(60)]),
        "told": pa.array([f"{(GOOD, BAD)[i % 2]} So much for number {i}." for i in range(60)]),
        "length": pa.array([float(i % 7) for i in range(60)]),
        "sentiment": pa.array([("good", "bad")[i % 2] for i in range(60)]),
    }
    return create_project(
        home,
        "told",
        make_table(values),
        ProjectConfig(),
        finish=lambda catalogue, _: replace(guess_config(catalogue), train_labels=("good",)),
    )[0]


def texts_shown(at: AppTest) -> list[dict]:
    """What the frame for reading was given to show."""
    sent = [json.loads(each.proto.json or "{}") for each in at.get("bidi_component")]
    (found,) = [each for each in sent if "texts" in each]
    return found["texts"]


def test_texts_are_chosen_among_the_features_and_kept(told):
    at = fine(show(f"{SETTINGS}", "told"))
    at.segmented_control(key="step-0-0").set_value(2).run()
    chosen = at.multiselect(key="text-features-told")
    assert (chosen.options, chosen.value) == (["told"], ["told"])
    assert "The words of **told**" in read(at)

    chosen.set_value([]).run()
    assert "Long enough to be read: told" in read(at)
    assert open_project(told).config.features.texts == ("told",)  # none is left: it is not saved
    at.multiselect(key="text-features-told").set_value(["told"]).run()
    fine(at)
    assert open_project(told).config.features == Features(texts=("told",))


def test_the_words_are_counted_in_sight_before_training_begins(told):
    at = fine(show(TRAINING, "told"))
    assert open_project(told).is_counted
    assert at.button(key="start-good").label == "Start training"
    offered = at.selectbox(key="setup-told-good-1-0-model")
    assert offered.value == "logistic_regression"
    assert "Naive Bayes" in offered.options
    assert "Random forest" not in offered.options

    at.button(key="start-good").click().run()
    fine(at)
    assert LabellingSession(open_project(told), "Ada").state("good").n_trained == 20


def test_counting_that_was_stopped_is_begun_again_by_a_button_alone(told, monkeypatch):
    counted = Project.count_texts

    def stopped(self: Project, progress: Progress, cancelled: Cancelled) -> None:
        raise WorkCancelled("The texts were not counted: you stopped it.")

    monkeypatch.setattr(Project, "count_texts", stopped)
    at = fine(show(TRAINING, "told"))
    assert "The words of told are not counted yet" in read(at)
    fine(at.run())
    assert "The words of told are not counted yet" in read(at)

    monkeypatch.setattr(Project, "count_texts", counted)
    at.button(key="count-texts-told").click().run()
    fine(at)
    assert at.button(key="start-good").label == "Start training"


def test_an_answer_waits_until_words_are_counted_in_sight_that_another_tab_chose(told, monkeypatch):
    session = LabellingSession(open_project(told), "Ada")
    session.start("good", SETUP)
    at = fine(show(LABELLING, "told"))
    was_counted = []
    count = Project.count_texts

    def watched(self: Project, progress: Progress, cancelled: Cancelled) -> None:
        was_counted.append(self.is_counted)
        count(self, progress, cancelled)

    monkeypatch.setattr(Project, "count_texts", watched)
    asked = bar(at)
    event = BarEvent("answer", "good", asked["object_id"], asked["token"], 1.5)
    session.change_settings(replace(session.config, features=Features(texts=("told", "id"))))

    at.session_state["sextant.posted"] = [Posted("bar", "Labelling", "told", "good", event)]
    fine(at.run())
    assert was_counted == [False]
    (answered,) = [e for e in session.project.log.events() if e.kind == "answer"]
    assert answered.label == "good"


def test_texts_without_a_word_in_common_are_refused_in_a_sentence(home):
    values = {
        "told": pa.array([" ".join(f"w{i}x{k}" for k in range(9)) for i in range(20)]),
        "label": pa.array(["a", "b"] * 10),
    }
    table = make_table(values)
    create_project(
        home, "odd", table, ProjectConfig(), finish=lambda catalogue, _: guess_config(catalogue)
    )
    at = fine(show(TRAINING, "odd"))
    assert "No word stands in two of these texts" in read(at)


def test_a_text_is_read_with_what_weighs_marked_and_answered_about(told):
    session = LabellingSession(open_project(told), "Ada")
    session.start("good", SETUP)
    at = fine(show(LABELLING, "told"))

    (text,) = texts_shown(at)
    row = session.state("good").question.row
    assert [line["text"] for line in text["lines"]] == [
        f"{(GOOD, BAD)[row % 2]} So much for number {row}."
    ]
    (line,) = text["lines"]
    ends = [end for mark in line["marks"] for end in (mark["from"], mark["to"])]
    assert ends == sorted(ends)
    assert 0 <= ends[0] < ends[-1] <= len(line["text"])
    assert all("good" in mark["said"] for mark in line["marks"])

    event = pressed(at, "answer", ("good", "bad")[row % 2])
    at.session_state["answers-told-good"] = {"event": event}
    at.run().run()
    fine(at)
    assert LabellingSession(open_project(told), "Ada").state("good").n_trained == 11
    assert texts_shown(at)[0]["lines"] != text["lines"]
    assert bar(at)["question"]


def test_texts_that_are_features_alone_are_read_side_by_side_too(told):
    session = LabellingSession(open_project(told), "Ada")
    columns = replace(session.config.columns, texts=())
    session.change_settings(
        replace(session.config, columns=columns, features=Features(texts=("told",)))
    )
    session.start("good", replace(SETUP, batch_size=3))
    state = session.state("good")
    beginnings = [GOOD[:20], BAD[:20]]
    found = in_batch(session, state, has_pictures=False)
    assert [each.text[:20] for each in found] == [beginnings[each.row % 2] for each in found]

    ends = certain(session, state)
    told_of = Comparing(session, Album(session)).values(ends.rows)
    assert [told_of[row][0][:20] for row in ends.rows] == [beginnings[r % 2] for r in ends.rows]


def test_a_set_up_from_before_there_were_texts_says_what_it_cannot_do(told):
    session = LabellingSession(open_project(told), "Ada")
    length = replace(session.config, features=Features(base=("length",)))
    session.change_settings(replace(length, x_axis="length", y_axis="length"))
    session.start("good", small_setup())
    session.change_settings(replace(session.config, features=Features(texts=("told",))))

    at = fine(show(TRAINING, "told"))
    assert "Random forest cannot learn from texts" in read(at).replace("\\", "")
    assert (
        "random_forest (not for these features)"
        in at.selectbox(key="setup-told-good-1-0-model").options
    )
