"""Settling what people differ about: what is refused, taken back, and no dispute at all."""

from dataclasses import replace

import pytest
from conftest import answer, known, small_setup
from test_people import differ, numbered, said, together

from al_engine.background import BACKGROUND
from al_engine.curating.agreeing import agreements, disputes, last_settled, settle, unsettle
from al_engine.curating.test_set import Curator
from al_engine.data.people import what_was_said
from al_engine.data.splits import OUT, TRAIN
from al_engine.errors import AnswerRefusedError
from al_engine.exchange.models import find_models, model_stem
from al_engine.learning.agreement import agreement_of_many
from al_engine.loop.fitting import learner_spec
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import People


def settled(session: LabellingSession, row: int, label: str, classifier: str = "QSO") -> None:
    token = next(d.token for d in disputes(session, classifier)[0] if d.row == row)
    settle(session, classifier, row, label, token=token)


def share(session: LabellingSession, shared: bool) -> None:
    asking = replace(session.config.asking, shared=shared)
    session.change_settings(replace(session.config, asking=asking))


def test_what_was_settled_in_one_tab_and_taken_back_in_another_stays_taken_back(
    project: Project,
) -> None:
    ada, ben = together(project)
    ada.start("STAR", small_setup())
    share(ada, True)
    row = differ(ada, ben)
    settled(ada, row, "GALAXY")
    unsettle(ada, "STAR", token=disputes(ada, "STAR")[0][0].token)
    for shared in (True, False):
        share(ada, shared)
        (dispute,), _ = disputes(ada, "QSO")
        assert (dispute.settled_by, dispute.counts) == ("", None)
        assert last_settled(ada, "QSO") is None


def test_settling_is_not_taken_back_where_one_did_something_since_it_was_shown(
    project: Project,
) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    settled(ada, row, "GALAXY")
    (dispute,), _ = disputes(ada, "QSO")
    answer(ada)
    with pytest.raises(AnswerRefusedError, match="another tab"):
        unsettle(ada, "QSO", token=dispute.token)
    answer(ben)
    unsettle(ada, "QSO", token=disputes(ada, "QSO")[0][0].token)
    assert disputes(ada, "QSO")[0][0].settled_by == ""


def test_settling_something_keeps_nobody_from_taking_their_answer_back(project: Project) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    answer(ada)
    token = ada.state("QSO").token
    settled(ada, row, "GALAXY")
    last = project.history("QSO", "Ada").last
    ada.undo("QSO", token=token)
    assert project.history("QSO", "Ada").last != last
    token = ada.state("QSO").token
    settled(ada, row, "STAR")
    ada.answer("QSO", row, "answer", "STAR", token=token)
    assert project.history("QSO").trained[row] == "STAR"


def test_nothing_is_settled_where_one_person_answers(project: Project) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    (dispute,), _ = disputes(ada, "QSO")
    ada.change_settings(replace(ada.config, people=People()))
    with pytest.raises(AnswerRefusedError, match="One person answers here"):
        settle(ada, "QSO", row, "QSO", token=dispute.token)
    assert not [event for event in project.log.events("QSO") if event.kind == "settled"]


def test_alone_undo_takes_back_what_was_settled_while_several_answered(project: Project) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    settled(ada, row, "GALAXY")
    ada.change_settings(replace(ada.config, people=People()))
    assert project.history("QSO").trained[row] == "GALAXY"
    for left in ("STAR", "QSO", None):
        ada.undo("QSO", token=ada.state("QSO").token)
        assert project.history("QSO").trained.get(row) == left


def test_what_the_curated_test_set_says_is_not_to_be_settled(project: Project) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    ada.change_settings(replace(ada.config, splits=replace(ada.config.splits, curated=True)))
    curator = Curator(ada)
    shown = curator.next_object("audit", None, selected=row)
    assert shown is not None
    assert [dispute.row for dispute in disputes(ada, "QSO")[0]] == [row]
    curator.answer(row, "answer", "STAR", token=shown.token)
    assert disputes(ada, "QSO") == ([], 0)


def test_nobody_is_asked_again_about_what_the_settings_leave_out(project: Project) -> None:
    ada, ben = together(project, again_every=1)
    row = next(r for r in known(ada, TRAIN, "GALAXY") if r not in ada.state("QSO").history.asked)
    answer(ada, row=row)
    question = ben.state("QSO").question
    assert question is not None
    assert (question.row, question.how) == (row, "again")
    ada.change_settings(replace(ada.config, leave_out_other_labels=True))
    assert project.dataset().parts[row] == OUT
    question = ben.state("QSO").question
    assert question is not None
    assert question.row != row


# -- agreement is by what people said on their own --


def test_who_takes_over_another_s_label_after_seeing_it_does_not_agree_any_better(
    project: Project,
) -> None:
    ada, ben = together(project, blind=True)
    free = [r for r in known(ada, TRAIN) if r not in project.history("QSO").asked][:12]
    for i, row in enumerate(free):
        answer(ada, row=row, label=("QSO", "STAR")[i % 2])
        answer(ben, row=row, label=("QSO", "STAR", "STAR")[i % 3])
    before = agreements(ada, "QSO")
    assert before[0].kappa.value < 1
    for dispute in disputes(ben, "QSO")[0]:
        answer(ben, row=dispute.row, label=dispute.labels["Ada"])
    assert disputes(ben, "QSO") == ([], 0)
    assert agreements(ada, "QSO") == before


def test_a_slip_that_is_corrected_before_another_has_answered_counts_as_corrected() -> None:
    unsure = replace(said("Ada", 1, ""), kind="unsure", label=None)
    slip, corrected, other = said("Ada", 1, "A"), said("Ada", 1, "B"), said("Ben", 1, "B")
    for events, compared in (
        ((slip, corrected, other), {"Ada": "B", "Ben": "B"}),
        ((slip, unsure, other), {"Ben": "B"}),
        ((slip, other, corrected), {"Ada": "A", "Ben": "B"}),
        ((slip, other, unsure), {"Ada": "A", "Ben": "B"}),
        ((slip, unsure, corrected, other, said("Cy", 1, "C")), {"Ada": "B", "Ben": "B", "Cy": "C"}),
    ):
        assert what_was_said(numbered(*events))[1].at_first == compared


def test_agreement_is_compared_once_until_something_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = together(project)
    row = differ(ada, ben)
    compared = []
    monkeypatch.setattr(
        "al_engine.curating.agreeing.agreement_of_many",
        lambda labels: compared.append(labels) or agreement_of_many(labels),
    )
    assert agreements(ada, "QSO") == agreements(ben, "QSO") == agreements(ada, "QSO")
    assert len(compared) == 1, "a page is drawn many times"
    before = agreements(ada, "QSO")
    ben.undo("QSO", token=ben.state("QSO").token)
    answer(ben, row=row, label="QSO")
    assert agreements(ada, "QSO") != before
    assert len(compared) == 2


def test_a_round_that_is_done_late_takes_no_later_round_s_place_on_disk(project: Project) -> None:
    ada, ben = together(project)
    answer(ada)
    late, history = ada.state("QSO"), project.history("QSO", "Ada")
    answer(ben)
    newest = ben.state("QSO")
    stem = model_stem("QSO", learner_spec(newest.setup, newest.config.splits.seed))
    for is_written in (False, True):
        if is_written:
            BACKGROUND.wait(project)
        ada._saved.save(late, history)
        BACKGROUND.wait(project)
        _, about = find_models(project.folder / "models", stem)
        assert about["round_key"] == newest.fit.key
    ben.undo("QSO", token=ben.state("QSO").token)
    BACKGROUND.wait(project)
    _, about = find_models(project.folder / "models", stem)
    assert about["round_key"] == ben.state("QSO").fit.key != newest.fit.key
