"""The Test set page as a person meets it, and what it changes on the others."""

import itertools
import json
from dataclasses import replace

import pytest
from conftest import CLASSES, HOSTILE, TRUTH, answer, known
from paging import (
    LABELLING,
    SETTINGS,
    TEST_SET,
    TRAINING,
    bar,
    click,
    drawn_maps,
    fine,
    pressed,
    project,
    read,
    show,
)
from streamlit.testing.v1 import AppTest

from al_engine.curating.test_set import Curator
from al_engine.data.splits import VALIDATION
from al_engine.session import LabellingSession
from al_engine.settings.config import Label, ProjectConfig
from al_engine.settings.criteria import Criterion, Group, Search
from al_engine.views import raster

LOW = Search((Group((Criterion("g", "<", ("0",)),)),))
_nonces = itertools.count(1)


def editor(at: AppTest) -> dict:
    """What the criteria editor was given to show."""
    sent = [json.loads(each.proto.json or "{}") for each in at.get("bidi_component")]
    (found,) = [each for each in sent if "operations" in each]
    return found


def press(at: AppTest, action: str, label: str | None = None, **changes: str) -> AppTest:
    """Do in the answer bar what its buttons do."""
    event = {**pressed(at, action, label), **changes}
    at.session_state[f"answers-test-{project(at)}"] = {"event": event}
    at.run().run()
    fine(at)
    return at


def type_search(at: AppTest, search: dict, *, is_done: bool) -> AppTest:
    sent = {"search": search, "is_done": is_done, "nonce": next(_nonces)}
    at.session_state[f"criteria-{project(at)}"] = {"search": sent}
    at.run().run()
    fine(at)
    return at


def low(value: str, column: str = "g", operation: str = "<") -> dict:
    criterion = {"column": column, "operation": operation, "values": [value]}
    return {"join": "or", "groups": [{"join": "and", "criteria": [criterion]}]}


@pytest.fixture
def curator(ready: LabellingSession) -> Curator:
    return Curator(ready)


def test_it_opens_before_anything_is_trained_and_says_how_far_one_is(ready):
    at = show(TEST_SET, "survey")
    fine(at)
    assert [each.value for each in at.error] == []
    assert "**0 of 500 labelled**" in read(at)
    assert "Scores hold for objects like these only" in read(at)
    assert editor(at)["said"] == "Without criteria all 300 objects match."
    assert [column for column, _ in editor(at)["columns"]][:2] == ["name", "class"]
    assert HOSTILE in [column for column, _ in editor(at)["columns"]]
    assert bar(at)["question"] == "What is it?"
    assert [choice["name"] for choice in bar(at)["choices"]] == ["Galaxy", "Qso", "Star"]
    assert bar(at)["fixed"] == ["unsure", "undo"]


def test_without_features_it_points_to_the_settings(ready):
    ready.project.save_config(ProjectConfig(), "Ada")
    at = show(TEST_SET, "survey")
    fine(at)
    assert "Choose features and the labels you will give first." in read(at)


def test_what_is_found_follows_as_one_types_and_is_kept_once_done(curator):
    at = show(TEST_SET, "survey")
    type_search(at, low(""), is_done=False)
    assert editor(at)["said"] == "Without criteria all 300 objects match."
    type_search(at, low("0"), is_done=False)
    n = curator.found(LOW).n
    assert editor(at)["said"] == f"{n} of 300 objects match."
    assert curator.session.config.curation.search == Search(), "nothing is kept half typed"
    type_search(at, low("0"), is_done=True)
    assert curator.session.config.curation.search == LOW
    assert editor(show(TEST_SET, "survey"))["search"]["groups"][0]["criteria"][0]["column"] == "g"


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (low("abc"), "'abc' is no number, and 'g' holds numbers."),
        (low("1", column="<b>x</b>"), "Column '<b>x</b>' is not in the catalogue."),
    ],
)
def test_a_fault_is_said_beside_its_criterion_and_nobody_is_drawn_until_it_is_mended(
    curator, search, said
):
    at = show(TEST_SET, "survey")
    type_search(at, low("0"), is_done=True)
    search["groups"].append(low("3")["groups"][0])
    type_search(at, search, is_done=True)
    assert editor(at)["faults"] == {"0.0": said}
    assert editor(at)["said"] == "No object is drawn until every criterion can be carried out."
    assert bar(at)["question"] == "Nothing is drawn: a criterion cannot be carried out."
    assert curator.session.config.curation.search == LOW, "what could be carried out last"
    assert [each.value for each in at.error] == []
    type_search(at, low("0"), is_done=True)
    assert bar(at)["question"] == "What is it?"


def test_a_list_of_too_many_ids_is_said_and_nobody_is_drawn(curator):
    at = show(TEST_SET, "survey")
    ids = [f"J{i}" for i in range(1003)]
    criterion = {"column": "name", "operation": "one of", "values": ids}
    groups = [{"join": "and", "criteria": [criterion]}]
    type_search(at, {"join": "or", "groups": groups}, is_done=True)
    assert "1,003 values" in editor(at)["faults"]["0.0"]
    assert bar(at)["question"] == "Nothing is drawn: a criterion cannot be carried out."


def test_a_criterion_that_is_not_finished_is_marked_and_counted_as_left_out(curator):
    at = show(TEST_SET, "survey")
    search = low("0")
    half = {"column": "r", "operation": "between", "values": ["abc", ""]}
    search["groups"][0]["criteria"].append(half)
    type_search(at, search, is_done=True)
    assert editor(at)["faults"] == {"0.1": "Left out until it has its values."}
    n = curator.found(LOW).n
    said = f"{n} of 300 objects match, without 1 criterion that is not finished."
    assert editor(at)["said"] == said
    assert bar(at)["question"] == "What is it?"


def test_where_no_object_matches_the_bar_says_so(curator):
    at = show(TEST_SET, "survey")
    type_search(at, low("-99"), is_done=True)
    assert bar(at)["question"] == "Nothing is drawn: no object matches."


def test_a_label_that_a_file_has_for_unsure_is_said_in_place_of_the_file(curator):
    labels = (Label("-1", "no", "#112233"), *curator.session.config.labels)
    columns = replace(curator.session.config.columns, unknown=("Unknown",))
    edited = replace(curator.session.config, labels=labels, columns=columns)
    curator.session.project.save_config(edited, "Ada")
    at = show(TEST_SET, "survey")
    fine(at)
    assert ["stands for Unsure; here it is a label" in each.value for each in at.error] == [True]


def test_what_is_no_search_at_all_is_refused_in_a_sentence(curator):
    at = show(TEST_SET, "survey")
    before = curator.session.config
    at.session_state["criteria-survey"] = {
        "search": {"search": {"groups": "all"}, "is_done": True, "nonce": next(_nonces)}
    }
    at.run()
    fine(at)
    at.run()
    fine(at)
    assert curator.session.config == before


def test_an_answer_goes_into_the_test_set_and_the_next_object_comes(curator):
    curator.session.change_settings(
        replace(
            curator.session.config,
            curation=replace(curator.session.config.curation, search=LOW),
        )
    )
    at = show(TEST_SET, "survey")
    first = curator.next_object("criteria", LOW)
    assert bar(at)["object_id"] == curator.session.object_id(first.row)
    press(at, "answer", TRUTH[first.row])
    assert curator.curated.labels == {first.row: TRUTH[first.row]}
    assert curator.curated.how == {first.row: "criteria"}
    (event,) = curator.session.project.log.curated_events()
    assert list(event.payload["search"]["groups"][0]["criteria"][0]["values"]) == ["0"]
    assert "**1 of 500 labelled**" in read(at)
    assert bar(at)["confirmation"] == f"{TRUTH[first.row].title()}, 1 in the test set; undo Z"
    second = curator.next_object("criteria", LOW)
    assert bar(at)["object_id"] == curator.session.object_id(second.row)
    press(at, "unsure")
    assert curator.curated.unsure == {second.row}
    press(at, "undo")
    assert curator.curated.unsure == frozenset()
    assert bar(at)["object_id"] == curator.session.object_id(second.row), "it is shown again"


def test_one_walks_through_what_was_answered_and_changes_it(curator):
    at = show(TEST_SET, "survey")
    rows = []
    for _ in range(3):
        rows.append(curator.next_object("criteria", Search()).row)
        press(at, "answer", TRUTH[rows[-1]])
    ids = curator.session.object_ids(rows)
    for key, expected in (("previous", 2), ("previous", 1), ("first", 0), ("next", 1)):
        click(at, f"walk-{key}")
        assert bar(at)["object_id"] == ids[expected]
        assert f"{expected + 1} of 3" in read(at)
    press(at, "key", "Home")
    assert bar(at)["object_id"] == ids[0]
    press(at, "answer", "STAR")
    assert curator.curated.labels[rows[0]] == "STAR"
    assert bar(at)["object_id"] == ids[0], "whoever looks through stays there"
    assert bar(at)["back"] == "New"
    press(at, "queried")
    assert bar(at)["object_id"] not in ids
    assert bar(at)["back"] == ""


def test_an_object_is_found_by_its_id_and_counts_as_chosen(curator):
    at = show(TEST_SET, "survey")
    (field,) = [each for each in at.text_input if each.label == "Id"]
    wanted = curator.session.object_id(200)
    field.set_value(wanted)
    (button,) = [each for each in at.button if each.label == "Show it"]
    button.click().run().run()
    fine(at)
    assert bar(at)["object_id"] == wanted
    press(at, "answer", "STAR")
    assert curator.curated.how == {200: "chosen"}


def test_nobody_sees_what_a_classifier_makes_of_the_object(survey_begun):
    assert "P(" not in read(show(TEST_SET, "survey"))
    assert "P(" in read(show(LABELLING, "survey"))


def test_an_audit_says_what_its_scores_support(curator):
    at = show(TEST_SET, "survey")
    at.segmented_control[0].set_value("audit").run().run()
    fine(at)
    assert curator.session.config.curation.draw == "audit"
    assert "Scores hold for the whole catalogue" in read(at)
    expected = curator.next_object("audit", Search())
    assert bar(at)["object_id"] == curator.session.object_id(expected.row)
    press(at, "answer", TRUTH[expected.row])
    assert curator.curated.audit == {expected.row}
    press(at, "unsure")
    assert "So far: 2 objects, 1 passed as unsure" in read(at)


def test_the_map_shows_matches_and_a_click_chooses_one(curator):
    raster.warm_up()
    at = show(TEST_SET, "survey")
    ((head, png),) = drawn_maps(at)
    assert png
    assert [entry["name"] for entry in head["legend"]][-3:] == ["unknown", "no match", "new"]
    drawn = curator.session.project
    x, y = (float(drawn.axis(name)[42]) for name in ("g", "r"))
    view = head["view"]
    event = {
        "kind": "click", "at_x": x, "at_y": y, "x": view["x_range"], "y": view["y_range"],
        "width_px": view["width_px"], "height_px": view["height_px"], "nonce": next(_nonces),
    }  # fmt: skip
    at.session_state["map-test-survey"] = {"event": event}
    at.run().run()
    fine(at)
    assert bar(at)["object_id"] == curator.session.object_id(42)


def upload(at: AppTest, content: str) -> AppTest:
    """Put a file where a test_set.json is read."""
    (uploader,) = [u for u in at.file_uploader if u.label == "Read a test_set.json"]
    uploader.set_value(("test_set.json", content.encode(), "application/json"))
    return fine(at.run())


def test_a_test_set_file_is_read_at_once_and_what_could_not_be_used_is_listed(curator):
    ids = curator.session.object_ids([3, 4, 5])
    labels = {ids[0]: "QSO", ids[1]: -1, ids[2]: "NOVA", "J<b>x</b>": "QSO"}
    at = upload(show(TEST_SET, "survey"), json.dumps(labels))
    assert (curator.curated.labels, curator.curated.unsure) == ({3: "QSO"}, {4})
    said = read(at).replace("\\", "")
    assert "Read 2 objects; 2 new or changed." in said
    assert "1 id not in the catalogue: J<b>x</b>" in said
    assert f"1 id with a label that is not this project's: {ids[2]}: NOVA" in said
    assert "**1 of 500 labelled**" in said
    press(at, "undo")
    assert curator.curated.rows == []
    assert bar(at)["confirmation"] == "Taken back: 2 answers from the file"


@pytest.mark.parametrize("content", ["", '{"J001"', "[1]", '{"J001": {"label": 2}}'])
def test_a_malformed_test_set_file_costs_one_sentence_and_is_not_tried_again(curator, content):
    at = upload(show(TEST_SET, "survey"), content)
    (error,) = at.error
    assert error.value.startswith("The file ")
    assert curator.session.project.log.curated_events() == []
    assert "new or changed" not in read(at)
    assert not fine(at.run()).error
    at = upload(at, json.dumps({curator.session.object_id(3): "QSO"}))
    assert curator.curated.labels == {3: "QSO"}, "another one is read in its place"


def test_one_button_makes_it_the_test_set_and_says_before_what_that_costs(survey_begun):
    session = survey_begun
    curator = Curator(session)
    at = show(TEST_SET, "survey")
    buttons = [each.key for each in at.button]
    assert "use-survey-do" not in buttons, "there is nothing to test on yet"
    for _ in range(6):
        press(at, "answer", TRUTH[curator.next_object("criteria", Search()).row])
    assert not session.config.splits.curated
    assert "1 of Qso" in read(at)
    assert at.button(key="use-survey-do").label == "Use 6 objects as the test set"
    click(at, "use-survey-do")
    assert session.config.splits.curated
    at.run()
    assert bar(at)["confirmation"] == "The test set is in use"
    training = show(TRAINING, "survey")
    click(training, "test-QSO")
    said = read(training)
    assert "| | Chosen objects |" in said.replace("  ", " ")
    assert "hold only for objects like them" in said
    assert "n 6" in said
    assert "Audit sample" not in said
    settings = show(SETTINGS, "survey")
    settings.query_params["step"] = "4"
    settings.run()
    fine(settings)
    assert "The curated test set is in use" in read(settings)
    at.run()
    click(at, "use-survey-do")
    assert not session.config.splits.curated


def test_what_an_object_that_trains_costs_is_said_before_it_is_answered_about(survey_begun):
    session = survey_begun
    for _ in range(3):
        answer(session)
    history = session.state("QSO").history
    second = [row for row in history.trained if row not in history.given][1]
    outside = next(known(session, VALIDATION))
    at = show(TEST_SET, "survey")

    def find(row):
        (field,) = [each for each in at.text_input if each.label == "Id"]
        field.set_value(session.object_id(row))
        (button,) = [each for each in at.button if each.label == "Show it"]
        button.click().run().run()
        fine(at)

    find(second)
    assert "goes on doing so until the test set is in use" in bar(at)["why"]
    find(outside)
    press(at, "answer", "STAR")
    session.change_settings(
        replace(session.config, splits=replace(session.config.splits, curated=True))
    )
    for _ in range(2):
        answer(session)
    find(second)
    # Of the rounds of 5 to 10 labels those from the second answer on.
    assert "it only tests, and 4 rounds of Qso leave the score plot" in bar(at)["why"]
    before = {labelled.key for labelled in session.state("QSO").history.sets}
    press(at, "answer", "STAR")
    after = {labelled.key for labelled in session.state("QSO").history.sets}
    assert len(before - after) == 4


def test_objects_with_a_label_that_is_no_longer_set_are_counted_apart(curator):
    at = show(TEST_SET, "survey")
    for label in ("STAR", "QSO", "STAR"):
        press(at, "answer", label)
    config = curator.session.config
    labels = tuple(label for label in config.labels if label.value != "STAR")
    edited = replace(config, labels=labels, train_labels=("QSO",))
    curator.session.change_settings(edited)
    said = read(show(TEST_SET, "survey"))
    assert "2 with a label that is no longer set" in said
    assert "**3 of 500 labelled**" in said


def test_scores_of_an_audit_stand_apart_from_those_of_chosen_objects(survey_begun):
    session = survey_begun
    curator = Curator(session)
    for draw, n in (("criteria", 4), ("audit", 5)):
        for _ in range(n):
            shown = curator.next_object(draw, LOW)
            curator.answer(shown.row, "answer", TRUTH[shown.row], token=shown.token, search=LOW)
    session.change_settings(
        replace(session.config, splits=replace(session.config.splits, curated=True))
    )
    at = show(TRAINING, "survey")
    click(at, "test-QSO")
    said = read(at)
    assert "Audit sample | Chosen objects" in said.replace("  ", " ")
    assert "these hold for all of it" in said
    audit = curator.curated.audit & curator.curated.labels.keys()
    assert f"n {len(audit)}" in said
    assert f"n {9 - len(audit)}" in said


def test_the_labelling_page_says_that_a_curated_object_is_answered_about_elsewhere(survey_begun):
    session = survey_begun
    curator = Curator(session)
    shown = curator.next_object("criteria", LOW)
    curator.answer(shown.row, "answer", "STAR", token=shown.token, search=LOW)
    session.change_settings(
        replace(session.config, splits=replace(session.config.splits, curated=True))
    )
    at = show(LABELLING, "survey")
    (field,) = [each for each in at.text_input if each.label == "Id"]
    field.set_value(session.object_id(shown.row))
    (button,) = [each for each in at.button if each.label == "Show it"]
    button.click().run().run()
    fine(at)
    assert "its label is given on the Test set page" in bar(at)["why"]


def test_names_from_the_data_reach_the_page_as_themselves(curator):
    strange = tuple(
        Label(value, name, "#112233")
        for value, name in zip(CLASSES, ("<b>x</b>", "![a](http://x)", 'a"b'), strict=True)
    )
    curator.session.project.save_config(replace(curator.session.config, labels=strange), "Ada")
    at = show(TEST_SET, "survey")
    fine(at)
    press(at, "answer", "QSO")
    said = read(at)
    assert "<b>x</b>" not in said
    assert "![a]" not in said


def test_an_answer_is_kept_though_another_page_is_open_by_then(curator):
    at = show(TEST_SET, "survey")
    shown = bar(at)
    event = {
        "action": "answer", "label": "STAR", "object_id": shown["object_id"],
        "token": shown["token"], "seconds": 1.0, "nonce": next(_nonces),
    }  # fmt: skip
    at.session_state["answers-test-survey"] = {"event": event}
    at.run()
    at.switch_page(SETTINGS).run()
    fine(at)
    assert list(curator.curated.labels.values()) == ["STAR"]
