"""Several people on one project: whose label counts, what each sees, and settling the rest."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from conftest import CLASSES, TRUTH, answer, begin, known, small_setup

from al_engine.curating.agreeing import (
    agreements,
    disputes,
    settle,
    unsettle,
)
from al_engine.data.history import fold
from al_engine.data.labels import Event
from al_engine.data.people import AGAIN_EVERY, counted, history_of, what_was_said
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import AnswerRefusedError
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Counting, People
from al_engine.sharing.exporting import (
    labels_of,
)
from al_engine.showing.maps import standing_of
from al_engine.showing.objects import object_card

TOGETHER = People(several=True, again_every=0)


def said(who: str, row: int, label: str, how: str = "query", part: str = "train") -> Event:
    return Event("answer", who, "QSO", row, f"J{row}", label, how, part)


def numbered(*events: Event) -> list[Event]:
    return [replace(event, seq=i) for i, event in enumerate(events, 1)]


def trained(*events: Event, counting: Counting = "majority") -> dict[int, str]:
    return history_of(numbered(*events), "Ada", replace(TOGETHER, counting=counting)).trained


def together(project: Project, **changes: Any) -> tuple[LabellingSession, LabellingSession]:
    """Two people on the QSO classifier."""
    ada = begin(project)
    ada.change_settings(replace(ada.config, people=replace(TOGETHER, **changes)))
    return ada, LabellingSession(project, "Ben")


def differ(ada: LabellingSession, ben: LabellingSession) -> int:
    """Have two people give different labels to one object, which is returned."""
    row = next(r for r in known(ada, TRAIN) if r not in ada.project.history("QSO").trained)
    answer(ada, row=row, label="QSO")
    answer(ben, row=row, label="STAR")
    return row


# -- which label counts --------------------------------------------------------------------------


def test_the_label_of_more_people_counts_and_of_two_who_differ_neither_does() -> None:
    ada, ben, cy = said("Ada", 1, "A"), said("Ben", 1, "B"), said("Cy", 1, "B")
    assert trained(ada) == {1: "A"}
    assert trained(ada, ben) == {}
    assert trained(ada, ben, cy) == {1: "B"}
    assert trained(ada, ben, said("Ben", 1, "A")) == {1: "A"}, "one label a person"


def test_the_latest_label_counts_where_that_is_set() -> None:
    ada, ben = said("Ada", 1, "A"), said("Ben", 1, "B")
    assert trained(ada, ben, counting="latest") == {1: "B"}
    assert trained(ben, ada, counting="latest") == {1: "A"}


@pytest.mark.parametrize("counting", ["majority", "latest"])
def test_what_was_settled_counts_before_all_else_until_it_is_taken_back(counting: Counting) -> None:
    settled = replace(said("Cy", 1, "C"), kind="settled")
    events = [said("Ada", 1, "A"), said("Ben", 1, "B"), settled, said("Ben", 1, "A")]
    assert trained(*events, counting=counting) == {1: "C"}
    undo = Event("undo", "Cy", "QSO", 1, undoes=3)
    assert trained(*events, undo, counting=counting) == {1: "A"}


def test_unsure_and_later_are_one_s_own() -> None:
    unsure = Event("unsure", "Ben", "QSO", 1, how="query", part="train")
    later = replace(unsure, kind="later", row_number=2)
    events = numbered(said("Ada", 1, "A"), unsure, later)
    ada, ben = (history_of(events, who, TOGETHER) for who in ("Ada", "Ben"))
    assert ada.trained == ben.trained == {1: "A"}
    assert (ada.unsure, ben.unsure) == (frozenset(), {1})
    assert (set(ada.later), set(ben.later)) == (set(), {2})
    own = numbered(said("Ada", 1, "A"), replace(unsure, who="Ada"))
    assert history_of(own, "Ada", TOGETHER).trained == {}, "one's own label is taken back"
    assert 1 not in history_of(own, "Ben", TOGETHER).asked, "and Ben may be asked"


def test_what_was_chosen_never_validates_and_what_was_drawn_at_random_never_trains() -> None:
    chosen, drawn = said("Ada", 1, "A"), said("Ben", 1, "A", "random", "validation")
    for first, second, validates in ((chosen, drawn, False), (drawn, chosen, True)):
        for who in ("Ada", "Ben", "Cy"):
            history = history_of(numbered(first, second), who, TOGETHER)
            assert (1 in history.validated) == validates
            assert (1 in history.trained) != validates
    again = said("Cy", 1, "B", "again", "validation")
    undo = Event("undo", "Ben", "QSO", 1, undoes=1)
    history = history_of(numbered(drawn, again, undo), "Cy", TOGETHER)
    assert history.validated == {1: "B"}


def test_rounds_are_the_same_for_everybody() -> None:
    rows = [(who, row, CLASSES[(row + len(who)) % 3]) for row in range(9) for who in ("Ada", "Ben")]
    events = numbered(*(said(who, row % 7, label) for who, row, label in rows))
    people = [history_of(events, who, TOGETHER) for who in ("Ada", "Ben", "Cy", "")]
    assert len({history.sets for history in people}) == 1
    assert len({frozenset(history.trained.items()) for history in people}) == 1


def test_one_person_who_works_alone_has_what_they_would_have_had(project: Project) -> None:
    session = begin(project)
    for i in range(24):
        answer(session, kind=("answer", "answer", "unsure", "later")[i % 4])
    session.undo("QSO", token=session.state("QSO").token)
    events = project.log.events("QSO")
    alone, among = fold(events), history_of(events, "Ada", TOGETHER)
    for name in ("trained", "validated", "given", "unsure", "later", "n_passed", "sets", "last"):
        assert getattr(among, name) == getattr(alone, name), name
    assert history_of(events, "Ben", People()) == alone, "names say nothing then"
    assert what_was_said(events).keys() == fold(events).trained.keys() - alone.given


def test_a_disputed_object_is_asked_of_nobody_who_labelled_it() -> None:
    events = numbered(said("Ada", 1, "A"), said("Ben", 1, "B"))
    ada, cy = (history_of(events, who, TOGETHER) for who in ("Ada", "Cy"))
    assert ada.disputed == cy.disputed == {1}
    assert (ada.unheard, cy.unheard) == (frozenset(), {1})
    assert [event.label for event in counted(events, "majority")] == ["A", None]


# -- a session each ------------------------------------------------------------------------------


def test_each_takes_back_only_their_own_last_answer(project: Project) -> None:
    ada, ben = together(project)
    a = answer(ada).history.last
    b = answer(ben).history.last
    assert a is not None
    assert b is not None
    assert (a.who, b.who) == ("Ada", "Ben")
    ada.undo("QSO", token=ada.state("QSO").token)
    assert project.history("QSO", "Ben").last == b
    with pytest.raises(AnswerRefusedError, match="nothing to undo"):
        ada.undo("QSO", token=ada.state("QSO").token)
    token = ben.state("QSO").token
    answer(ada)
    ben.undo("QSO", token=token)
    assert project.history("QSO", "Ben").last is None, "what Ada did meanwhile is no matter"


def test_both_may_answer_the_same_question_and_a_second_press_is_refused(project: Project) -> None:
    ada, ben = together(project)
    first, second = ada.state("QSO"), ben.state("QSO")
    assert first.question == second.question
    assert first.question is not None
    row = first.question.row
    for session, state in ((ada, first), (ben, second)):
        session.answer("QSO", row, "answer", TRUTH[row], token=state.token)
        with pytest.raises(AnswerRefusedError, match="answered meanwhile"):
            session.answer("QSO", row, "answer", TRUTH[row], token=state.token)
    assert set(what_was_said(project.log.events("QSO"))[row].answers) == {"Ada", "Ben"}


def test_two_who_answer_at_once_lose_no_answer(project: Project) -> None:
    people = together(project, again_every=3)
    wrong: list[BaseException] = []
    given: dict[str, list[tuple[int, str]]] = {"Ada": [], "Ben": []}

    def work(session: LabellingSession) -> None:
        try:
            for i in range(100):
                state = session.state("QSO")
                assert state.question is not None
                row = state.question.row
                label = TRUTH[row] if i % 9 else CLASSES[i % 3]
                session.answer("QSO", row, "answer", label, token=state.token)
                given[session.who].append((row, label))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(session,)) for session in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    events = [event for event in project.log.events("QSO") if event.kind == "answer"]
    assert len(events) == 200
    for who, answers in given.items():
        assert [(e.row_number, e.label) for e in events if e.who == who] == answers
    states = [session.state("QSO") for session in people]
    assert states[0].history.sets == states[1].history.sets
    assert states[0].fit is not None
    assert states[1].fit is not None
    assert states[0].fit.proba.tobytes() == states[1].fit.proba.tobytes()
    assert agreements(people[0], "QSO")[0].kappa.n > 10, "some were asked of both"


def test_the_models_of_both_are_made_again_when_something_is_settled(project: Project) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    before = [session.state("QSO") for session in (ada, ben)]
    assert all(row not in state.history.trained for state in before)
    (dispute,), n_hidden = disputes(ben, "QSO")
    assert (dispute.row, dispute.labels, dispute.counts) == (
        row,
        {"Ada": "QSO", "Ben": "STAR"},
        None,
    )
    assert n_hidden == 0
    settle(ben, "QSO", row, "QSO", token=dispute.token)
    after = [session.state("QSO") for session in (ada, ben)]
    for then, now in zip(before, after, strict=True):
        assert now.history.trained[row] == "QSO"
        assert then.fit is not None
        assert now.fit is not None
        assert now.fit.n_labelled == then.fit.n_labelled + 1
        assert now.fit.key != then.fit.key
    assert disputes(ada, "QSO")[0][0].settled_by == "Ben"
    unsettle(ben, "QSO", token=disputes(ben, "QSO")[0][0].token)
    assert [s.state("QSO").history.trained.get(row) for s in (ada, ben)] == [None, None]
    assert disputes(ada, "QSO")[0][0].settled_by == ""


def test_settling_is_refused_where_there_is_nothing_to_settle_or_it_changed(
    project: Project,
) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    (dispute,), _ = disputes(ada, "QSO")
    with pytest.raises(AnswerRefusedError, match="nothing to settle"):
        settle(ada, "QSO", row + 1, "QSO", token=dispute.token)
    with pytest.raises(AnswerRefusedError, match="not a label"):
        settle(ada, "QSO", row, "BLAZAR", token=dispute.token)
    settle(ben, "QSO", row, "QSO", token=dispute.token)
    with pytest.raises(AnswerRefusedError, match="meanwhile"):
        settle(ada, "QSO", row, "STAR", token=dispute.token)
    with pytest.raises(AnswerRefusedError, match="settled nothing"):
        unsettle(ada, "QSO", token=disputes(ada, "QSO")[0][0].token)


# -- asked twice ---------------------------------------------------------------------------------


def test_every_nth_question_is_about_an_object_that_somebody_else_labelled(
    project: Project,
) -> None:
    ada, ben = together(project, again_every=4)
    for _ in range(12):
        answer(ada)
    theirs = set(what_was_said(project.log.events("QSO")))
    came = []
    for _ in range(12):
        question = ben.state("QSO").question
        assert question is not None
        assert (question.how == "again") == (question.row in theirs)
        came.append(question.how)
        answer(ben)
    assert [i for i, how in enumerate(came, 1) if how == "again"] == [4, 8, 12]
    assert agreements(ben, "QSO")[0].share.n == 3
    events = [e for e in project.log.events("QSO") if e.how == "again"]
    assert len(events) == 3
    assert {event.who for event in events} == {"Ben"}


def test_nobody_alone_is_asked_twice(project: Project) -> None:
    ada, _ = together(project, again_every=None)
    for _ in range(AGAIN_EVERY + 2):
        question = ada.state("QSO").question
        assert question is not None
        assert question.how != "again"
        answer(ada)


def test_an_object_asked_again_does_not_show_what_was_said_of_it(project: Project) -> None:
    ada, ben = together(project, again_every=1)
    row = next(r for r in range(len(TRUTH)) if project.dataset().codes[r] < 0)
    answer(ada, row=row, label="STAR")
    state = ben.state("QSO")
    assert state.question is not None
    assert (state.question.row, state.question.how) == (row, "again")
    card = object_card(ben, state, row)
    assert (card.verified_label, card.probabilities, card.is_kept_back) == (None, (), True)
    assert row not in state.history.verified
    put_off = answer(ben, kind="later")
    assert put_off.question is None or put_off.question.row != row
    after = answer(ben, row=row, label="STAR")
    card = object_card(ben, after, row)
    assert card.probabilities
    assert (card.verified_label, card.is_own, card.is_kept_back) == ("Star", True, False)


# -- what stays as it is -------------------------------------------------------------------------


def test_a_look_ahead_changes_nothing_of_what_each_is_asked(project: Project) -> None:
    ada, ben = together(project, again_every=3)
    for i in range(8):
        session = (ada, ben)[i % 2]
        session.look_ahead("QSO")
        session._maker.wait("QSO")
        made = answer(session)
        fresh = LabellingSession(project, session.who).state("QSO")
        assert made.question == fresh.question
        assert made.scores == fresh.scores
        assert made.history == fresh.history


def test_answers_about_what_validates_are_counted_alike(project: Project) -> None:
    ada, ben = together(project)
    row = next(known(ada, VALIDATION, "STAR"))
    answer(ada, row=row, label="QSO")
    assert project.history("QSO").corrected == {row: "QSO"}
    answer(ben, row=row, label="STAR")
    assert project.history("QSO").corrected == {}
    (dispute,), _ = disputes(ada, "QSO")
    settle(ada, "QSO", row, "STAR", token=dispute.token)
    assert project.history("QSO").corrected == {row: "STAR"}


def test_scores_and_maps_of_a_third_person_leave_out_what_two_differ_about(
    project: Project,
) -> None:
    ada, ben = together(project)
    cleo, dataset = LabellingSession(project, "Cleo"), project.dataset()
    before = cleo.state("QSO")
    row = next(known(ada, VALIDATION, "STAR"))
    answer(ada, row=row, label="QSO")
    answer(ben, row=row, label="STAR")
    after, fresh = cleo.state("QSO"), LabellingSession(project, "Cleo").state("QSO")
    assert after.history.disputed == {row}
    assert after.scores is not None
    assert before.scores is not None
    assert after.scores.validation.n == before.scores.validation.n - 1  # type: ignore[union-attr]
    assert after.scores == fresh.scores
    assert standing_of(after, dataset) != standing_of(before, dataset)


def test_people_who_share_answers_between_classifiers_are_counted_over_all_of_them(
    project: Project,
) -> None:
    ada, ben = together(project)
    ada.start("STAR", small_setup())
    ada.change_settings(replace(ada.config, asking=replace(ada.config.asking, shared=True)))
    row = next(r for r in known(ada, TRAIN) if r not in ada.project.history("QSO").trained)
    answer(ada, row=row, label="QSO")
    answer(ben, "STAR", row=row, label="STAR")
    for classifier in ("QSO", "STAR"):
        assert project.history(classifier, "Ada").disputed == {row}
        assert row not in project.history(classifier, "Ada").trained
    cy = LabellingSession(project, "Cy")
    answer(cy, "STAR", row=row, label="QSO")
    for classifier in ("QSO", "STAR"):
        assert project.history(classifier, "Ada").trained[row] == "QSO"
    [written] = [
        labels
        for batch in labels_of(ada).batches
        for labels in batch.to_pylist()
        if labels["label"] and labels["status"] == "verified"
    ]
    assert (written["label"], written["who"]) == ("QSO", "Ada, Cy")
    cy.undo("QSO", token=cy.state("QSO").token)
    assert project.history("STAR", "Ada").disputed == {row}
