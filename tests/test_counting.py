"""What an object's labels are used for, when people, tabs and settings change in between."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from conftest import answer, begin, known
from test_people import TOGETHER, numbered, said, together

from al_engine.curating.agreeing import disputes, settle
from al_engine.data.history import History, fold
from al_engine.data.labels import Event
from al_engine.data.people import history_of
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.loop.answering import answer_event
from al_engine.loop.truth import parts_in_force, truth_in_force
from al_engine.projects.project import Project
from al_engine.session import LabellingSession


def everybodys(events: Sequence[Event]) -> list[History]:
    """What the events amount to for one who works alone, and for several."""
    return [fold(events), *(history_of(events, who, TOGETHER) for who in ("Ada", "Ben", "Cy"))]


# -- what was chosen never validates, and what validates never trains --


def test_what_was_chosen_never_validates_whoever_asks_about_it_at_random_later() -> None:
    chosen = said("Ada", 1, "STAR")
    drawn = replace(said("Ada", 1, "STAR", "random", "validation"), classifier="STAR")
    for history in everybodys(numbered(chosen, drawn)):
        assert (history.trained, history.validated, history.corrected) == ({1: "STAR"}, {}, {})
    for history in everybodys(numbered(drawn, chosen)):
        assert (history.trained, history.validated, history.corrected) == ({}, {1: "STAR"}, {})


def test_a_label_of_the_catalogues_leaves_an_object_free_to_validate() -> None:
    given = Event("given", "catalogue", "QSO", 1, "J1", "STAR", "initial", "train")
    for history in everybodys(numbered(given, said("Ada", 1, "QSO", "random", "validation"))):
        assert (history.trained, history.validated) == ({}, {1: "QSO"})


@pytest.mark.parametrize("how", ["query", "initial"])
def test_what_was_asked_of_two_at_once_trains_when_the_random_question_is_taken_back(
    how: str,
) -> None:
    drawn = said("Ada", 1, "QSO", "random", "validation")
    asked = said("Ben", 1, "QSO", how, "validation")  # its part once Ada had answered
    undo = Event("undo", "Ada", "QSO", 1, undoes=1)
    assert history_of(numbered(drawn, asked), "Ben", TOGETHER).validated == {1: "QSO"}
    for history in everybodys(numbered(drawn, asked, undo)):
        assert (history.trained, history.validated, history.corrected) == ({1: "QSO"}, {}, {})


def test_a_click_on_what_validates_by_a_random_question_keeps_the_set_of_the_draw(
    project: Project,
) -> None:
    session = begin(project)
    row = next(r for r in known(session, TRAIN) if r not in session.state("QSO").history.asked)
    token = f"{project.log.last_seq}:{row}:random"
    session.answer("QSO", row, "answer", "QSO", token=token)
    assert row in project.history("QSO").validated
    event = answer_event(project, session.config, "QSO", row, "answer", "QSO", "", "Ada")
    assert (event.how, event.part) == ("click", "train")
    answer(session, row=row, label="STAR")
    assert project.history("QSO").validated == {row: "STAR"}


@pytest.fixture
def moved(project: Project) -> tuple[LabellingSession, LabellingSession, int]:
    """Two people differ about a training object, and another draw would have it validate."""
    ada, ben = together(project)
    drawn = replace(ada.config, splits=replace(ada.config.splits, seed=9))
    validates = project.prepare(drawn).parts == VALIDATION
    history = project.history("QSO")
    row = next(r for r in known(ada, TRAIN) if validates[r] and r not in history.asked)
    answer(ada, row=row, label="QSO")
    answer(ben, row=row, label="STAR")
    ada.change_settings(drawn)
    return ada, ben, row


def test_what_people_differ_about_stays_in_the_set_that_it_was_labelled_for(moved) -> None:
    ada, _, row = moved
    history = ada.project.history("QSO")
    assert history.disputed == {row}
    assert parts_in_force(ada.project.dataset(), history)[row] == TRAIN


def test_a_third_answer_or_settling_leaves_a_chosen_object_in_training(moved) -> None:
    ada, _, row = moved
    project = ada.project
    cy = LabellingSession(project, "Cy")
    answer(cy, row=row, label="QSO")
    assert project.history("QSO").trained[row] == "QSO"
    assert row not in project.history("QSO").corrected
    cy.undo("QSO", token=cy.state("QSO").token)
    (dispute,), _ = disputes(ada, "QSO")
    settle(ada, "QSO", row, "STAR", token=dispute.token)
    assert project.history("QSO").trained[row] == "STAR"
    assert row not in project.history("QSO").corrected


def test_answers_that_were_written_as_validating_do_not_make_a_chosen_object_validate() -> None:
    events = [said("Ada", 1, "A"), said("Ben", 1, "B"), said("Cy", 1, "A", "click", "validation")]
    history = history_of(numbered(*events), "Ada", TOGETHER)
    assert (history.trained, history.corrected) == ({1: "A"}, {})


def test_what_came_up_at_random_and_is_disputed_does_not_train_meanwhile(project: Project) -> None:
    ada, ben = together(project)
    row = next(r for r in known(ada, TRAIN) if r not in project.history("QSO").asked)
    token = f"{project.log.last_seq}:{row}:random"
    ada.answer("QSO", row, "answer", "QSO", token=token)
    answer(ben, row=row, label="STAR")
    history = project.history("QSO")
    assert history.disputed == {row}
    assert parts_in_force(project.dataset(), history)[row] == VALIDATION


# -- which label is the truth --


def test_what_people_differ_about_scores_nothing_rather_than_by_the_catalogue(
    project: Project,
) -> None:
    ada, ben = together(project)
    row = next(known(ada, VALIDATION, "STAR"))
    before = ada.state("QSO").scores.validation
    answer(ada, row=row, label="QSO")
    answer(ben, row=row, label="GALAXY")
    history = project.history("QSO")
    assert history.disputed == {row}
    assert truth_in_force(project.dataset(), history, "QSO")[row] == -1
    assert ada.state("QSO").scores.validation.n == before.n - 1


# -- Unsure is one's own --


def test_one_person_s_unsure_leaves_the_catalogue_s_label_in_everybodys_model() -> None:
    given = [
        Event("given", "catalogue", "QSO", row, f"J{row}", "STAR", "initial", "train")
        for row in (1, 2)
    ]
    unsure = Event("unsure", "Ben", "QSO", 1, "J1", None, "click", "train")
    events = numbered(*given, unsure)
    ada, ben = (history_of(events, who, TOGETHER) for who in ("Ada", "Ben"))
    assert ada.trained == ben.trained == {1: "STAR", 2: "STAR"}
    assert ada.given == ben.given == {1, 2}
    assert (ada.unsure, ben.unsure) == (frozenset(), {1})
    assert len(ada.sets) == 1


def test_who_passes_as_unsure_after_all_gives_the_catalogue_s_label_back() -> None:
    given = [
        Event("given", "catalogue", "QSO", row, f"J{row}", "STAR", "initial", "train")
        for row in (1, 2)
    ]
    changed = [said("Ben", row, "QSO") for row in (1, 2)]
    unsure = [Event("unsure", "Ben", "QSO", row, f"J{row}", None, "click") for row in (1, 2)]
    history = history_of(numbered(*given, *changed, *unsure), "Ada", TOGETHER)
    assert (history.trained, history.given) == ({1: "STAR", 2: "STAR"}, {1, 2})
    assert [each.n_labelled for each in history.sets] == [2, 2, 2, 2, 2], "a round for each answer"
    assert history.sets[-1].key == history.sets[0].key
    other = [said("Cy", 1, "GALAXY")]
    history = history_of(numbered(*given, changed[0], *other, unsure[0]), "Ada", TOGETHER)
    assert history.trained == {1: "GALAXY", 2: "STAR"}, "another's label is no catalogue's"
