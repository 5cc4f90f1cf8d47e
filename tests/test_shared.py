"""Several classifiers on one project: whose answer counts where, and what follows from it."""

from dataclasses import replace

import pytest
from conftest import TRUTH, answer, begin, known, small_setup
from test_history import log
from test_replay import Make, fresh, outcome, saved  # noqa: F401 (a fixture)
from test_session import seen

from al_engine.background import BACKGROUND
from al_engine.data.history import fold, in_effect
from al_engine.data.labels import Event
from al_engine.data.merging import as_merged
from al_engine.data.sight import in_sight
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import AnswerRefusedError
from al_engine.exchange.labels import answers_in_force
from al_engine.exchange.models import find_models
from al_engine.loop.answering import answered_rows
from al_engine.loop.truth import parts_in_force
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Asking
from al_engine.sharing.replay import replay


def event(kind, classifier, row=None, label=None, how="query", undoes=None) -> Event:
    part = "curated" if classifier is None else "validation" if how == "random" else "train"
    return Event(kind, "Ada", classifier, row, label=label, how=how, part=part, undoes=undoes)


def both(project: Project, *, shared: bool = True, **asking) -> LabellingSession:
    """A session with classifiers for QSO and STAR begun, answers shared or not."""
    session = begin(project)
    session.start("STAR", small_setup())
    share(session, shared, **asking)
    return session


def share(session: LabellingSession, shared: bool, **asking) -> None:
    changed = replace(session.config.asking, shared=shared, **asking)
    session.change_settings(replace(session.config, asking=changed))


# -- which events are a classifier's --


def test_a_classifier_has_its_own_events_alone_unless_answers_are_shared() -> None:
    events = log(event("answer", "QSO", 1, "QSO"), event("answer", "STAR", 2, "STAR"))
    assert in_sight(events, "STAR", shared=False) == events[1:]
    assert in_sight(events, "STAR", shared=True) == events


def test_answers_and_unsure_are_shared_and_what_is_put_off_or_the_catalogues_is_not() -> None:
    events = log(
        event("given", "QSO", 1, "QSO", "initial"),
        event("answer", "QSO", 2, "STAR"),
        event("unsure", "QSO", 3),
        event("later", "QSO", 4),
        event("undo", "QSO", 4, undoes=4),
        event("undo", "QSO", 2, undoes=2),
        event("answer", None, 5, "STAR"),
    )
    there = in_sight(events, "STAR", shared=True)
    assert [e.seq for e in there] == [2, 3, 6]
    assert fold(there).asked == {3}
    assert [e.seq for e in in_sight(events, None, shared=True)] == [7]


def test_the_catalogues_label_never_outranks_what_was_answered_for_another_classifier() -> None:
    answered = event("answer", "QSO", 1, "GALAXY")
    begun = event("given", "STAR", 1, "STAR", "initial")
    assert fold(in_sight(log(answered, begun), "STAR", shared=True)).trained == {1: "GALAXY"}
    assert fold(in_sight(log(begun, answered), "STAR", shared=True)).trained == {1: "GALAXY"}
    taken_back = log(answered, begun, event("undo", "QSO", 1, undoes=1))
    assert fold(in_sight(taken_back, "STAR", shared=True)).trained == {1: "STAR"}


def test_nor_does_it_where_the_classifier_that_began_with_it_was_merged() -> None:
    answered = event("answer", "QSO", 1, "GALAXY")
    begun = event("given", "STAR", 1, "STAR", "initial")
    events = as_merged(log(answered, begun), {"STAR": "QSO"})
    history = fold(in_sight(events, "QSO", shared=False))
    assert (history.trained, history.given) == ({1: "GALAXY"}, frozenset())
    undone = as_merged(log(answered, begun, event("undo", "QSO", 1, undoes=1)), {"STAR": "QSO"})
    assert fold(in_sight(undone, "QSO", shared=False)).trained == {1: "QSO"}


def test_each_shared_round_is_what_the_events_up_to_it_amount_to() -> None:
    events = in_sight(
        log(
            event("answer", "QSO", 1, "QSO"),
            event("given", "STAR", 1, "STAR", "initial"),
            event("given", "STAR", 2, "STAR", "initial"),
            event("answer", "STAR", 3, "STAR"),
            event("unsure", "QSO", 1),
            event("answer", "QSO", 3, "QSO", "random"),
        ),
        "STAR",
        shared=True,
    )
    whole = fold(events)
    for number, labelled in enumerate(whole.sets):
        prefix = fold([e for e in in_effect(events) if e.seq <= labelled.seq])
        assert prefix.sets == whole.sets[: number + 1]


# -- the loop --


def test_without_the_setting_each_tab_stays_as_it_was(project: Project) -> None:
    session = both(project, shared=False)
    before = seen(session.state("STAR"))
    answer(session, "QSO")
    assert seen(session.state("STAR")) == before


def test_an_answer_given_in_one_tab_trains_all_and_is_asked_in_none(project: Project) -> None:
    session = both(project)
    asked = session.state("QSO").question.row
    answer(session, "QSO", label="STAR")
    star = session.state("STAR")
    assert star.history.trained[asked] == session.state("QSO").history.trained[asked] == "STAR"
    assert asked in star.history.asked
    assert star.fit.n_labelled == 6
    assert answered_rows(session.project, "STAR", session.who)[-1] == asked


def test_the_same_seed_and_answers_make_the_same_rounds_in_any_session(project: Project) -> None:
    session = both(project, random_every=3)
    for i in range(8):
        answer(session, ("QSO", "STAR", "STAR")[i % 3])
    fresh_look = LabellingSession(project, "Ben")
    for classifier in ("QSO", "STAR"):
        assert fresh_look.state(classifier).question == session.state(classifier).question
        assert (
            fresh_look.state(classifier).fit.proba.tobytes()
            == session.state(classifier).fit.proba.tobytes()
        )


def test_what_is_made_ahead_changes_no_shared_round(project: Project) -> None:
    session = both(project)
    for _ in range(3):
        session.look_ahead("STAR")
        answer(session, "QSO")  # what was made ahead for STAR is of another moment by now
        session.look_ahead("STAR")
        session._maker.wait("STAR")
        answer(session, "STAR")
    present = [outcome(session.state(classifier)) for classifier in ("QSO", "STAR")]
    anew = LabellingSession(project, "Ada")
    assert [outcome(anew.state(classifier)) for classifier in ("QSO", "STAR")] == present


def test_a_random_question_of_one_classifier_validates_all_and_trains_none(
    project: Project,
) -> None:
    session = both(project, random_every=2)
    while session.state("QSO").question.how != "random":
        answer(session, "QSO")
    row = session.state("QSO").question.row
    answer(session, "QSO")
    for classifier in ("QSO", "STAR"):
        history = session.state(classifier).history
        assert row in history.validated
        assert row not in history.trained
        assert parts_in_force(project.dataset(), history)[row] == VALIDATION


def test_what_trained_one_and_came_up_at_random_in_another_trains_both_once_answers_are_shared(
    project: Project,
) -> None:
    session = both(project, shared=False, random_every=1)
    row = session.state("QSO").question.row
    clicked = f"{session.state('STAR').history.last_seq}::"
    session.answer("STAR", row, "answer", "STAR", token=clicked)
    answer(session, "QSO")
    assert row in session.state("STAR").history.trained
    assert row in session.state("QSO").history.validated
    share(session, True)
    for classifier in ("QSO", "STAR"):
        assert row in session.state(classifier).history.trained, "it was chosen first"
        assert row not in session.state(classifier).history.validated


def test_switched_on_and_off_again_every_round_is_as_before(project: Project) -> None:
    session = both(project, shared=False)
    for classifier in ("QSO", "STAR", "QSO"):
        answer(session, classifier)
    before = seen(session.state("STAR"))
    share(session, True)
    assert len(session.state("STAR").history.trained) == 8
    share(session, False)
    assert seen(session.state("STAR")) == before


def test_undo_takes_back_the_last_that_counts_here_whichever_tab_it_came_from(
    project: Project,
) -> None:
    session = both(project)
    answer(session, "STAR")
    before = seen(session.state("STAR"))
    given = session.state("QSO").question.row
    answer(session, "QSO")
    session.undo("STAR", token=session.state("STAR").token)
    assert seen(session.state("STAR")) == before
    assert given not in session.state("QSO").history.trained
    share(session, False)
    assert given not in session.state("QSO").history.trained, "the undo is the answer's own"


def test_undo_in_one_tab_leaves_what_another_put_off(project: Project) -> None:
    session = both(project)
    answer(session, "STAR")
    row = session.state("QSO").question.row
    answer(session, "QSO", kind="later")
    session.undo("STAR", token=session.state("STAR").token)
    assert row in session.state("QSO").history.later
    assert row not in session.state("STAR").history.later


def test_a_tab_that_has_not_seen_what_another_was_told_is_refused(project: Project) -> None:
    session = both(project)
    stale = session.state("STAR").token
    row = session.state("STAR").question.row
    answer(session, "QSO", row=row)
    with pytest.raises(AnswerRefusedError, match="answered meanwhile"):
        session.answer("STAR", row, "answer", "STAR", token=stale)
    with pytest.raises(AnswerRefusedError, match="another tab"):
        session.undo("STAR", token=stale)


def test_the_model_on_disk_follows_the_answers_of_every_tab(project: Project) -> None:
    session = both(project)
    answer(session, "QSO")
    star = session.state("STAR")
    BACKGROUND.wait(project)
    stem = next(p.stem for p in (project.folder / "models").glob("*.json") if "STAR" in p.stem)
    found = find_models(project.folder / "models", stem)
    assert found is not None
    assert found[1]["round_key"] == star.fit.key


def test_the_label_table_has_one_row_for_an_answer_that_counts_everywhere(
    project: Project,
) -> None:
    session = both(project, shared=False)
    row = next(known(session, TRAIN, "GALAXY"))
    answer(session, "QSO", row=row, label="QSO")
    answer(session, "STAR", row=row, label="STAR")
    events = project.log.events()
    apart = [g for g in answers_in_force(events) if g.event.row_number == row]
    assert [g.event.label for g in apart if g.event.kind == "answer"] == ["QSO", "STAR"]
    (together,) = [g for g in answers_in_force(events, shared=True) if g.event.row_number == row]
    assert (together.event.label, together.conflict) == ("STAR", None)


def test_a_configuration_of_shared_answers_replays_to_the_same_rounds(
    project: Project,
    fresh: Make,  # noqa: F811
) -> None:
    session = both(project, random_every=3)
    for i in range(9):
        answer(session, ("QSO", "QSO", "STAR")[i % 3], kind="unsure" if i == 4 else "answer")
    session.undo("STAR", token=session.state("STAR").token)
    answer(session, "QSO")
    configuration = saved(session)
    assert configuration.settings.asking == Asking(random_every=3, shared=True)
    again = fresh()
    made = replay(again, configuration, "Ben")
    assert made.difference == ""
    here, there = LabellingSession(project, "Ada"), LabellingSession(again, "Ada")
    for classifier in ("QSO", "STAR"):
        ours, theirs = here.state(classifier), there.state(classifier)
        assert ours.question == theirs.question
        assert ours.fit.proba.tobytes() == theirs.fit.proba.tobytes()
        assert ours.scores == theirs.scores


def test_a_classifier_that_is_begun_later_knows_what_was_answered_before(
    project: Project,
) -> None:
    session = begin(project)
    share(session, True)
    rows = [row for _, row in zip(range(4), known(session, TRAIN, "STAR"), strict=False)]
    for row in rows:
        answer(session, "QSO", row=row, label="GALAXY")
    state = session.start("STAR", small_setup())
    assert [state.history.trained[row] for row in rows] == ["GALAXY"] * 4
    assert TRUTH[rows[0]] == "STAR"
    own = {e.row_number for e in project.log.events("STAR") if e.kind == "given"}
    assert len(own) == small_setup().n_initial
    assert {state.history.trained[row] for row in own - {*rows}} > {"STAR"}
