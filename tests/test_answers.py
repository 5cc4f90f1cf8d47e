"""Every answer as a list: what is in it, for whom, what it comes to, and repeats."""

from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import answer, begin, known, small_setup

from al_engine.curating.answers import Wanted, answers, figures, listed, only, repeats
from al_engine.curating.noting import keep_note
from al_engine.curating.relabelling import merge_labels
from al_engine.curating.test_set import Curator
from al_engine.data.labels import Event
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.loop.asking import REPEAT_AFTER, UNTOLD
from al_engine.loop.state import State
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Asking, People
from al_engine.showing.objects import object_card
from al_engine.showing.overview import Overview


def repeat_every(session: LabellingSession, every: int) -> None:
    asking = replace(session.config.asking, repeat_every=every, random_every=0)
    session.change_settings(replace(session.config, asking=asking))


def until_repeat(session: LabellingSession, label: str | None = None) -> State:
    """Answer until an object comes up for the second time."""
    for _ in range(3 * REPEAT_AFTER):
        state = session.state("QSO")
        assert state.question is not None
        if state.question.how == "again":
            return state
        answer(session, label=label)
    pytest.fail("nothing was asked twice")


# -- the list ------------------------------------------------------------------------------------


def test_the_list_holds_every_answer_once_the_latest_first(project: Project) -> None:
    session = begin(project)
    first = answer(session).history.last
    answer(session, kind="unsure")
    answer(session, kind="later")
    assert first is not None
    answer(session, row=first.row_number, label="STAR")
    found = answers(session)
    assert [a.label for a in found] == ["STAR", None, first.label]
    assert [a.stands for a in found] == [True, True, False]
    assert [a.how for a in found] == ["click", "query", "query"]
    assert len(listed(found, Wanted())) == 2
    assert len(listed(found, Wanted(former=True))) == 3


def test_what_was_taken_back_is_not_in_the_list(project: Project) -> None:
    session = begin(project)
    state = answer(session)
    session.undo("QSO", token=state.token)
    assert answers(session) == []


def test_the_list_is_filtered_by_everything_it_shows(project: Project) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    answer(session, label="QSO")
    answer(session, "STAR", label="STAR")
    answer(session, kind="unsure")
    answer(session, row=next(known(session, VALIDATION)), label="GALAXY")
    found = answers(session)

    def n(**wanted: object) -> int:
        return len(listed(found, Wanted(**wanted)))  # type: ignore[arg-type]

    assert (n(), n(classifier="QSO"), n(classifier="STAR")) == (4, 3, 1)
    assert (n(label="STAR"), n(label=""), n(label="GALAXY")) == (1, 1, 1)
    assert (n(how="click"), n(how="query"), n(part="validation")) == (1, 3, 1)
    assert (n(who="Ada"), n(who="Ben")) == (4, 0)
    assert (n(since=timedelta(hours=1)), n(since=timedelta(0))) == (4, 0)


def test_those_with_which_something_is_the_matter_are_found(project: Project) -> None:
    session = begin(project)
    dataset = session.project.dataset()
    row = next(known(session, VALIDATION))
    true = dataset.values[dataset.codes[row]]
    wrong = next(value for value in dataset.values if value != true)
    answer(session, row=row, label=wrong)
    state = answer(session, label="QSO", confidence=1)
    last = state.history.last
    assert last is not None
    assert last.row_number is not None
    keep_note(session, last.row_number, "a double", ("odd",))
    found = answers(session)
    assert [a.row for a in only(session, found, "doubted")] == [last.row_number]
    assert [a.row for a in only(session, found, "noted")] == [last.row_number]
    assert row in [a.row for a in only(session, found, "catalogue")]
    assert state.fit is not None
    p = state.fit.proba[row]
    is_against = (p >= 0.5) != (wrong == "QSO")
    assert (row in [a.row for a in only(session, found, "model")]) == is_against


def test_an_answer_about_the_curated_test_set_is_listed_and_corrected_where_it_was_given(
    project: Project,
) -> None:
    session = begin(project)
    row = next(known(session, TRAIN))
    Curator(session).answer(row, "answer", "STAR", token=f"0:{row}:chosen")
    (found,) = answers(session)
    assert (found.classifier, found.part, found.is_own) == (None, "curated", False)
    assert listed([found], Wanted(classifier="curated")) == [found]


def test_an_answer_for_another_classifier_takes_the_place_where_answers_are_shared(
    project: Project,
) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    row = next(known(session, TRAIN))
    answer(session, row=row, label="STAR")
    answer(session, "STAR", row=row, label="GALAXY")
    assert [a.stands for a in answers(session)] == [True, True]
    session.change_settings(replace(session.config, asking=Asking(shared=True)))
    assert [a.stands for a in answers(session)] == [True, False]


def test_merged_labels_are_listed_as_what_they_are_by_now(project: Project) -> None:
    session = begin(project)
    answer(session, row=next(known(session, TRAIN, "GALAXY")), label="GALAXY")
    merge_labels(session, "GALAXY", "STAR")
    assert [a.label for a in answers(session)] == ["STAR"]


def test_ten_thousand_answers_are_listed_filtered_and_summed_up(project: Project) -> None:
    session = begin(project)
    made = [
        Event(
            "answer", "Ada", "QSO", i % 300, f"J{i % 300}", ("QSO", "STAR")[i % 2], how="query",
            part="train", seconds=2.0,
        )
        for i in range(10_000)
    ]  # fmt: skip
    project.log.append(*made)
    found = answers(session)
    assert len(found) == 10_000
    assert len(listed(found, Wanted())) == 300
    assert figures(found).by_label == (("STAR", 5000), ("QSO", 5000))


# -- for whom ------------------------------------------------------------------------------------


def test_blind_everybody_lists_their_own_answers_alone(project: Project) -> None:
    ada = begin(project)
    ada.change_settings(replace(ada.config, people=People(several=True, again_every=0)))
    ben = LabellingSession(project, "Ben")
    answer(ada)
    answer(ben)
    assert {a.who for a in answers(ben)} == {"Ada", "Ben"}
    assert [(a.who, a.is_own) for a in answers(ben)] == [("Ben", True), ("Ada", False)]
    people = replace(ada.config.people, blind=True)
    ada.change_settings(replace(ada.config, people=people))
    assert {a.who for a in answers(ben)} == {"Ben"}


def test_what_another_said_of_the_object_one_is_asked_about_is_not_listed(
    project: Project,
) -> None:
    ada = begin(project)
    ada.change_settings(replace(ada.config, people=People(several=True, again_every=1)))
    ben = LabellingSession(project, "Ben")
    row = next(r for r in known(ada, TRAIN) if r not in project.history("QSO").trained)
    answer(ada, row=row)
    state = ben.state("QSO")
    assert state.question is not None
    assert (state.question.how, state.question.row) == ("again", row)
    assert answers(ben) == []
    answer(ben)
    assert len(answers(ben)) == 2


# -- what it comes to ----------------------------------------------------------------------------


def test_objects_a_minute_leave_pauses_out_and_say_over_how_many(project: Project) -> None:
    session = begin(project)
    for seconds in (2.0, 4.0, 6.0, 1000.0, None):
        state = session.state("QSO")
        assert state.question is not None
        session.answer(
            "QSO", state.question.row, "answer", "STAR", token=state.token, seconds=seconds
        )
    answer(session, kind="unsure")
    found = figures(answers(session))
    assert (found.n, found.n_timed) == (6, 4)
    assert found.a_minute == pytest.approx(60 * 4 / 13.5)
    assert found.median_s == 3.0
    assert found.by_label == (("STAR", 5),)
    assert (found.unsure.value, found.unsure.n) == (pytest.approx(1 / 6), 6)


# -- asked twice ---------------------------------------------------------------------------------


def test_nothing_is_asked_twice_unless_it_is_switched_on(project: Project) -> None:
    session = begin(project)
    for _ in range(REPEAT_AFTER + 10):
        state = answer(session)
        assert state.question is not None
        assert state.question.how != "again"


def test_a_repeat_says_of_itself_what_every_question_does_and_shows_no_former_answer(
    project: Project,
) -> None:
    session = begin(project)
    repeat_every(session, 5)
    before = session.state("QSO")
    assert before.question is not None
    assert before.question.why == UNTOLD
    assert object_card(session, before, before.question.row).probabilities == ()
    state = until_repeat(session)
    assert state.question is not None
    row = state.question.row
    full = project.history("QSO")
    assert row in full.trained
    assert state.question.why == UNTOLD
    assert row not in state.history.trained
    assert state.n_trained == len(full.trained), "the count gives nothing away"
    card = object_card(session, state, row)
    assert (card.verified_label, card.probabilities) == (None, ())


def test_no_number_and_no_list_tells_that_a_question_is_a_repeat(project: Project) -> None:
    session = begin(project)
    ada_alone = session.config
    for people in (ada_alone.people, People(several=True)):
        session.change_settings(replace(session.config, people=people))
        repeat_every(session, 5)
        state = until_repeat(session)
        assert state.question is not None
        full = project.history("QSO", session.who)
        shown = Overview(session).standing("QSO")
        assert sum(n for _, n in shown.n_by_label) == shown.n_trained == len(full.trained)
        assert state.counted.verified == full.verified
        assert (state.counted.own is None) == (full.own is None)
        assert state.question.row not in {a.row for a in answers(session)}
        answer(session, row=state.question.row)
        assert state.question.row in {a.row for a in answers(session)}


def test_self_agreement_is_over_the_objects_asked_twice_with_its_interval(
    project: Project,
) -> None:
    session = begin(project)
    repeat_every(session, 5)
    assert repeats(session).found.share.value is None
    state = until_repeat(session)
    assert state.question is not None
    former = project.history("QSO").trained[state.question.row]
    answer(session, row=state.question.row, label=former)
    assert repeats(session).found.share.value == 1.0
    until_repeat(session)
    answer(session, label="STAR" if former != "STAR" else "QSO")
    until_repeat(session)
    answer(session, kind="unsure")
    found = repeats(session)
    assert (found.found.share.n, found.n_unsure) == (2, 1)
    assert found.found.share.low is not None
    assert found.found.share.low < 1.0


def test_no_object_is_asked_a_third_time_and_an_undo_asks_again(project: Project) -> None:
    session = begin(project)
    repeat_every(session, 5)
    state = until_repeat(session)
    assert state.question is not None
    row = state.question.row
    after = answer(session)
    back = session.undo("QSO", token=after.token)
    assert back.question == state.question
    answer(session)
    seen = []
    for _ in range(25):
        state = answer(session)
        assert state.question is not None
        if state.question.how == "again":
            seen.append(state.question.row)
    assert seen
    assert row not in seen
    assert len(set(seen)) == len(seen)


def test_what_validates_still_validates_when_it_is_asked_twice(project: Project) -> None:
    session = begin(project)
    asking = replace(session.config.asking, repeat_every=5, random_every=2)
    session.change_settings(replace(session.config, asking=asking))
    for _ in range(60):
        state = session.state("QSO")
        assert state.question is not None
        row, how = state.question.row, state.question.how
        was = row in project.history("QSO").validated
        answer(session)
        if how == "again" and was:
            assert row in project.history("QSO").validated
            return
    pytest.fail("no random question was asked twice")
