"""Labelling's two views in place of the question: every answer, and the labels themselves."""

from dataclasses import replace

import pytest
from conftest import answer, known, small_setup
from paging import LABELLING, SETTINGS, TRAINING, bar, click, fine, read, show
from streamlit.testing.v1 import AppTest

from al_engine.curating.noting import keep_note
from al_engine.curating.relabelling import (
    add_label,
    edit_label,
    last_change,
    merge_labels,
    undo_change,
)
from al_engine.data.labels import Event
from al_engine.data.splits import TRAIN
from al_engine.session import LabellingSession
from al_engine.settings.config import People
from pages.components.answers import SHOWN


@pytest.fixture
def ada(survey_begun: LabellingSession) -> LabellingSession:
    return survey_begun


def open_view(name: str, who: str = "") -> AppTest:
    at = show(LABELLING, "survey")
    if who:
        at.session_state["sextant.name"] = who
        at.run()
    return click(at, f"to-{name}")


def choose(at: AppTest, key: str, place: int) -> AppTest:
    """Click on a row of the table whose key begins so."""
    keys = [table.proto.id.split("-", 2)[2] for table in at.dataframe]
    (own,) = [each for each in keys if each.startswith(key)]
    at.session_state[own] = {"selection": {"rows": [place], "columns": [], "cells": []}}
    return fine(at.run())


def button(at: AppTest, label: str):
    (found,) = [each for each in at.button if each.label == label]
    return found


def field(at: AppTest, label: str):
    return next(each for each in at.text_input if each.label == label)


# -- every answer --------------------------------------------------------------------------------


def test_without_an_answer_the_list_says_so_and_leads_back(ada) -> None:
    at = open_view("Answers")
    assert "There is no answer yet" in read(at)
    assert not at.get("bidi_component"), "no key answers what is not seen"
    click(at, "from-answers")
    assert bar(at)["question"] == "Is it a Qso?"


def test_every_answer_is_listed_with_what_they_come_to(ada) -> None:
    for _ in range(3):
        answer(ada, label="STAR")
    answer(ada, kind="unsure")
    at = open_view("Answers")
    (table,) = at.dataframe
    assert table.value["label"].tolist() == ["Unsure", "Star", "Star", "Star"]
    assert "**4 answers listed**" in read(at)
    assert "**40.0** objects a minute, median 1.5 s" in read(at)
    assert "**25%** Unsure (5 to 70%)" in read(at)
    assert "| Star | 3 | 75% |" in read(at)
    at.selectbox[1].set_value(2).run()
    fine(at)
    assert at.dataframe[0].value["label"].tolist() == ["Unsure"]


def test_of_thousands_of_answers_a_page_is_listed_and_all_are_summed_up(ada) -> None:
    made = [
        Event(
            "answer", "Ada", "QSO", i % 300, f"J{i % 300}", "STAR", how="query", part="train",
            seconds=2.0,
        )
        for i in range(1200)
    ]  # fmt: skip
    ada.project.log.append(*made)
    at = open_view("Answers")
    at.toggle[0].set_value(True).run()
    assert "**1200 answers listed**" in read(at).replace(",", "")
    assert len(at.dataframe[0].value) == SHOWN
    assert "of 3" in read(at)
    (page,) = [each for each in at.number_input if each.label == "Page of 3"]
    fine(page.set_value(3).run())
    assert len(at.dataframe[0].value) == 1200 - 2 * SHOWN
    choose(at, "answers", 7)
    row = (1199 - 2 * SHOWN - 7) % 300
    assert f"**J{row}**" in read(at)


def test_an_answer_is_corrected_in_the_list_taken_back_and_opened(ada) -> None:
    answer(ada, label="STAR")
    row = ada.state("QSO").history.last.row_number
    answer(ada, label="STAR")
    at = open_view("Answers")
    choose(at, "answers", 1)
    assert f"**{ada.object_id(row)}** · Star" in read(at)
    (correct,) = [each for each in at.selectbox if each.label == "It is"]
    correct.set_value("QSO").run()
    click(at, "correct-answer")
    assert ada.state("QSO").history.trained[row] == "QSO"
    assert "· Qso" in read(at)
    click(at, "undo-answer")
    assert ada.state("QSO").history.trained[row] == "STAR"
    click(at, "open-answer")
    assert bar(at)["object_id"] == ada.object_id(row)


def test_the_list_shows_notes_and_confidence_and_of_a_chosen_answer_the_object(ada) -> None:
    row = ada.state("QSO").question.row
    answer(ada, label="STAR", confidence=2)
    answer(ada, label="STAR")
    keep_note(ada, row, "a double", ("odd",))
    at = open_view("Answers")
    assert at.dataframe[0].value["sure"].tolist() == ["", "●●"]
    assert at.dataframe[0].value["note"].tolist() == ["", "[odd] a double"]
    (matter,) = [box for box in at.selectbox if box.label == "Only those"]
    fine(matter.set_value("noted").run())
    assert at.dataframe[0].value["object"].tolist() == [ada.object_id(row)]
    choose(at, "answers-", 0)
    assert "P(Qso)" in read(at)
    assert "a double" in read(at)


def test_a_correction_is_refused_where_the_object_was_answered_meanwhile(ada) -> None:
    answer(ada, label="STAR")
    row = ada.state("QSO").history.last.row_number
    at = open_view("Answers")
    choose(at, "answers", 0)
    (correct,) = [each for each in at.selectbox if each.label == "It is"]
    correct.set_value("QSO").run()
    answer(ada, row=row, label="GALAXY")
    click(at, "correct-answer")
    assert ada.state("QSO").history.trained[row] == "GALAXY"
    assert "was answered meanwhile" in read(at)


def test_blind_the_list_holds_ones_own_answers_alone(ada) -> None:
    ada.change_settings(replace(ada.config, people=People(True, True, again_every=0)))
    answer(ada, label="STAR")
    ben = LabellingSession(ada.project, "Ben")
    answer(ben, label="QSO")
    at = open_view("Answers", "Ben")
    assert at.dataframe[0].value["who"].tolist() == ["Ben"]


def test_self_agreement_is_shown_once_something_was_asked_twice(ada) -> None:
    asking = replace(ada.config.asking, repeat_every=5, random_every=0)
    ada.change_settings(replace(ada.config, asking=asking))
    answer(ada)
    assert "Nothing was asked twice yet" in read(open_view("Answers"))
    for _ in range(60):
        again = ada.state("QSO").question.how == "again"
        answer(ada)
        if again:
            break
    assert "**Asked twice**: 1 object, 100% the same (21 to 100%)" in read(open_view("Answers"))


def test_the_switch_for_asking_twice_asks_two_per_cent(ada) -> None:
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "4"
    fine(at.run())
    at.toggle(key="twice-survey").set_value(True).run()
    fine(at)
    assert ada.config.asking.repeat_every == 50
    at.toggle(key="twice-survey").set_value(False).run()
    assert ada.config.asking.repeat_every == 0


# -- the labels ----------------------------------------------------------------------------------


def test_a_label_is_renamed_and_defined_and_its_button_says_so(ada) -> None:
    at = open_view("Labels")
    choose(at, "labels", 1)
    assert field(at, "Name").value == "Qso"
    field(at, "Name").set_value("Quasar")
    field(at, "Definition").set_value("Broad lines, any redshift")
    button(at, "Save label").click().run()
    fine(at)
    assert ada.config.label_name("QSO") == "Quasar"
    click(at, "from-labels")
    choice = next(c for c in bar(at)["choices"] if c["value"] == "QSO")
    assert (choice["name"], choice["help"]) == ("Quasar", "Broad lines, any redshift")
    assert bar(at)["question"] == "Is it a Quasar?"


def test_a_label_is_added_and_can_be_given(ada) -> None:
    at = open_view("Labels")
    fields = [each for each in at.text_input if each.label == "Name"]
    fields[1].set_value("Lens")
    button(at, "Add").click().run()
    fine(at)
    click(at, "from-labels")
    assert "Lens" in [c["name"] for c in bar(at)["choices"]]


def test_a_name_that_is_taken_costs_a_sentence_and_changes_nothing(ada) -> None:
    at = open_view("Labels")
    fields = [each for each in at.text_input if each.label == "Name"]
    fields[1].set_value("Star")
    button(at, "Add").click().run()
    fine(at)
    assert "There is a label named" in read(at)
    assert len(ada.config.labels) == 3


def test_labels_are_merged_and_that_is_taken_back(ada) -> None:
    answer(ada, row=next(known(ada, TRAIN, "GALAXY")), label="GALAXY")
    at = open_view("Labels")
    assert "1 answer then count as Qso" in read(at)
    button(at, "Merge").click().run()
    fine(at)
    assert [label.value for label in ada.config.labels] == ["QSO", "STAR"]
    change = last_change(ada)
    assert at.button(key=f"undo-label-{change.seq}").label == "Undo: Galaxy merged into Qso"
    click(at, f"undo-label-{change.seq}")
    assert [label.value for label in ada.config.labels] == ["GALAXY", "QSO", "STAR"]


def test_merging_away_the_classifier_on_the_screen_leads_to_the_one_it_goes_on_in(ada) -> None:
    ada.start("STAR", small_setup())
    answer(ada)
    at = open_view("Labels")
    choose(at, "labels", 1)
    (into,) = [each for each in at.selectbox if each.label == "It counts as"]
    into.set_value("STAR").run()
    button(at, "Merge").click().run()
    fine(at)
    assert ada.config.train_labels == ("STAR",)
    click(at, "from-labels")
    assert bar(at)["question"] == "Is it a Star?"
    assert not at.error


def test_a_look_at_the_settings_changes_no_label(ada) -> None:
    edit_label(ada, "QSO", name="Quasar", colour="#112233", definition="Broad lines")
    add_label(ada, "Lens", definition="Two images")
    merge_labels(ada, "GALAXY", "STAR")
    before = ada.config
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "2"
    fine(at.run())
    assert "merged into Star" in read(at)
    assert ada.config == before


def test_of_three_classifiers_the_two_that_are_left_go_on_where_one_was_looked_at(ada) -> None:
    ada.change_settings(replace(ada.config, train_labels=("GALAXY", "QSO", "STAR")))
    for classifier in ("GALAXY", "STAR"):
        ada.start(classifier, small_setup())
    at = show(LABELLING, "survey")
    at.session_state["labelling-survey"] = "QSO"
    fine(at.run())
    assert bar(at)["question"] == "Is it a Qso?"
    add_label(ada, "Lens")
    click(at, "to-Labels")
    choose(at, "labels", 1)
    (into,) = [each for each in at.selectbox if each.label == "It counts as"]
    into.set_value("STAR").run()
    button(at, "Merge").click().run()
    fine(at)
    assert not at.error
    assert ada.config.train_labels == ("GALAXY", "STAR")
    click(at, "from-labels")
    assert bar(at)["question"] in ("Is it a Galaxy?", "Is it a Star?")
    at.switch_page(TRAINING).run()
    fine(at)
    assert not at.error
    add_label(ada, "Arc")
    change = last_change(ada)
    assert change is not None
    undo_change(ada, change.seq)
    fine(at.run())
