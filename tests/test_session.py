"""The loop: answers first on disk, then everything made of them, and always the same."""

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import (
    CLASSES,
    ROOT,
    SMALL_FOREST,
    TRUTH,
    Open,
    answer,
    begin,
    known,
    small_setup,
    survey_config,
    survey_values,
)

from al_engine.background import BACKGROUND
from al_engine.curating.models import checkpoint, scores_of_test_set
from al_engine.data.history import LATER_AFTER
from al_engine.data.splits import TEST, TRAIN, VALIDATION
from al_engine.errors import (
    AnswerRefusedError,
    NotEnoughLabelsError,
    ProjectError,
    SettingsError,
)
from al_engine.exchange.models import find_models
from al_engine.home import list_projects
from al_engine.learning import learners as learning
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.loop.answering import answered_rows
from al_engine.loop.fitting import fit_round
from al_engine.loop.truth import parts_in_force, truth_in_force
from al_engine.projects.opening import close_project, delete_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import Asking, ClassifierSetup, MemberSetup, Splits
from al_engine.showing.maps import Kind, Maps, Shown
from al_engine.showing.objects import object_card

KINDS: tuple[Kind, ...] = ("training", "validation", "metric", "labels")


def seen(state: State) -> Any:
    """Everything of a state that must not depend on how it was reached."""
    fit = state.fit
    return (
        state.question,
        state.scores,
        state.before,
        [(r.labelled.key, r.labelled.n_labelled, r.scores) for r in state.rounds],
        state.history.trained,
        state.history.validated,
        state.n_pool,
        fit and (fit.key, fit.strategy, fit.proba.tobytes(), fit.utility.tobytes()),
    )


# -- starting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_initial_points_hold_both_sides_with_the_labels_of_the_catalogue(
    project: Project, seed: int
) -> None:
    project.save_config(survey_config(splits=Splits(seed=seed)), "Ada")
    trained = begin(project).state("QSO").history.trained
    assert len(trained) == 5
    assert {label == "QSO" for label in trained.values()} == {True, False}
    assert all(TRUTH[row] == label for row, label in trained.items())
    assert set(project.dataset().parts[list(trained)]) == {TRAIN}


def test_given_labels_are_recorded_as_such(project: Project) -> None:
    state = begin(project).state("QSO")
    events = project.log.events("QSO")
    assert {(e.kind, e.who, e.how, e.part) for e in events} == {
        ("given", "catalogue", "initial", "train")
    }
    names = survey_values()["name"].to_pylist()
    assert all(e.object_id == names[e.row_number or 0] for e in events)
    assert state.history.given == frozenset(state.history.trained)
    assert len(state.rounds) == 1
    assert state.question is not None
    assert state.question.how == "query"


def test_a_set_up_and_the_labels_it_gives_are_kept_together(project: Project) -> None:
    begin(project)
    written = project.log.events()[1:]
    assert [event.kind for event in written] == ["settings"] + ["given"] * 5
    assert len({event.happened_at for event in written}) == 1, "one transaction"


def test_starting_again_gives_no_labels_twice(project: Project) -> None:
    session = begin(project)
    session.start("QSO", small_setup(n_initial=20))
    assert len(project.log.events("QSO")) == 5
    state = session.state("QSO")
    assert state.question is not None
    assert state.question.how == "initial", "the fifteen that are wanted now are asked for"


def test_initial_labels_can_be_asked_for(project: Project) -> None:
    session = begin(project, initial_labels="ask")
    state = session.state("QSO")
    assert (state.fit, state.scores, state.history.trained) == (None, None, {})
    expected = list(session._maker.initial_rows("QSO", session.config))
    asked = []
    for _ in range(5):
        assert state.question is not None
        assert state.question.how == "initial"
        asked.append(state.question.row)
        state = answer(session)
    assert asked == expected
    assert {TRUTH[row] == "QSO" for row in asked} == {True, False}
    assert state.question is not None
    assert state.question.how == "query"


def test_known_objects_come_first_where_few_are_known(project: Project) -> None:
    few = replace(survey_config(), splits=Splits("counts", 3, 0, 0))
    project.save_config(few, "Ada")
    assert len(list(known(LabellingSession(project, "Ada"), TRAIN))) == 3
    state = begin(project).state("QSO")
    assert sorted(state.history.trained.values()) == ["GALAXY", "QSO", "STAR"]
    assert state.question is not None
    assert state.question.how == "initial", "the other two are asked for"


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_initial_points_are_enough(project: Project, n: int) -> None:
    state = begin(project, n_initial=n).state("QSO")
    assert len(state.history.given) <= n
    assert state.question is not None


def test_a_classifier_must_be_wanted_and_set_up(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    with pytest.raises(SettingsError, match="for 'Star' is not set up yet"):
        session.state("STAR")
    with pytest.raises(SettingsError, match="no classifier for 'GALAXY'"):
        session.start("GALAXY", small_setup())
    with pytest.raises(SettingsError, match="no model 'oracle'"):
        session.start("QSO", ClassifierSetup((MemberSetup("oracle"),)))
    assert not session.is_started("QSO")


# -- answers -------------------------------------------------------------------------------------


def test_an_answer_trains_and_everything_about_it_is_kept(project: Project) -> None:
    session = begin(project)
    before = session.state("QSO")
    assert before.question is not None
    assert before.fit is not None
    row = before.question.row
    after = answer(session)
    event = project.log.events("QSO")[-1]
    assert (event.kind, event.who, event.classifier, event.row_number) == (
        "answer", "Ada", "QSO", row,
    )  # fmt: skip
    assert event.object_id == survey_values()["name"][row].as_py()
    assert (event.label, event.how, event.part) == (TRUTH[row], "query", "train")
    assert (event.strategy, event.round_number, event.seconds) == ("uncertainty", 1, 1.5)
    assert event.probability == pytest.approx(float(before.fit.proba[row]))
    assert after.history.trained[row] == TRUTH[row]
    assert after.fit is not None
    assert (after.fit.n_labelled, len(after.rounds), after.n_pool) == (6, 2, before.n_pool - 1)
    assert after.before == before.scores
    assert after.question != before.question


def test_the_question_is_the_most_useful_of_the_pool(project: Project) -> None:
    state = begin(project).state("QSO")
    assert state.fit is not None
    assert state.question is not None
    pool = parts_in_force(project.dataset(), state.history) == TRAIN
    pool[list(state.history.asked)] = False
    assert state.fit.utility[state.question.row] == state.fit.utility[pool].max()
    assert int(pool.sum()) == state.n_pool
    scored = ~np.isnan(state.fit.proba)
    np.testing.assert_array_equal(scored, project.dataset().parts != TEST)


def test_an_answer_is_on_disk_before_anything_is_computed(
    survey_folder: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(opened(survey_folder))
    row = session.state("QSO").question.row  # type: ignore[union-attr]

    def broken(*_: Any) -> Any:
        raise RuntimeError("no forest today")

    with monkeypatch.context() as patch:
        patch.setitem(MODELS, "random_forest", replace(MODELS["random_forest"], build=broken))
        with pytest.raises(RuntimeError, match="no forest today"):
            answer(session)
    close_project(survey_folder)
    state = LabellingSession(opened(survey_folder), "Ada").state("QSO")
    assert state.history.trained[row] == TRUTH[row]
    assert state.fit is not None
    assert state.fit.n_labelled == 6


def test_unsure_asks_the_next_without_fitting_again(project: Project) -> None:
    session = begin(project)
    before = session.state("QSO")
    after = answer(session, kind="unsure")
    assert after.fit is before.fit
    assert after.scores == before.scores
    assert len(after.rounds) == 1
    assert after.n_pool == before.n_pool - 1
    assert before.question is not None
    assert after.question is not None
    assert before.fit is not None
    pool = parts_in_force(project.dataset(), after.history) == TRAIN
    pool[list(after.history.asked)] = False
    assert not pool[before.question.row]
    assert before.fit.utility[after.question.row] == before.fit.utility[pool].max()


def test_later_stays_in_the_pool_and_is_asked_after_ten_others(project: Project) -> None:
    session = begin(project)
    before = session.state("QSO")
    assert before.question is not None
    row = before.question.row
    state = answer(session, kind="later")
    assert state.fit is before.fit
    assert state.n_pool == before.n_pool
    for i in range(LATER_AFTER):
        assert state.question is not None
        assert state.question.row != row
        state = answer(session, kind="unsure" if i < 7 else "answer")
    assert state.question is not None
    assert (state.question.row, state.question.how) == (row, "query")
    assert answer(session).history.trained[row] == TRUTH[row]


def test_an_object_put_off_that_settings_leave_out_is_not_asked(project: Project) -> None:
    session = begin(project)
    galaxy = next(row for row in known(session, TRAIN, "GALAXY")
                  if row not in session.state("QSO").history.asked)  # fmt: skip
    answer(session, row=galaxy, kind="later")
    for _ in range(LATER_AFTER):
        answer(session, kind="unsure")
    assert session.state("QSO").question.row == galaxy  # type: ignore[union-attr]
    project.save_config(replace(project.config, leave_out_other_labels=True), "Ada")
    state = session.state("QSO")
    assert state.question is not None
    assert state.question.row != galaxy
    answer(session)


def test_undo_gives_back_the_question_the_scores_and_the_labels(project: Project) -> None:
    session = begin(project)
    answer(session)
    for kind in ("answer", "unsure", "later"):
        before = session.state("QSO")
        changed = answer(session, kind=kind)
        assert seen(changed) != seen(before)
        after = session.undo("QSO", token=changed.token)
        assert seen(after) == seen(before)
        assert after.fit is before.fit
    assert [e.kind for e in project.log.events("QSO")[6:]] == [
        "answer", "undo", "unsure", "undo", "later", "undo",
    ]  # fmt: skip


def test_undo_goes_back_to_the_start_and_no_further(project: Project) -> None:
    session = begin(project)
    start = session.state("QSO")
    for _ in range(3):
        answer(session)
    for _ in range(3):
        session.undo("QSO", token=session.state("QSO").token)
    assert seen(session.state("QSO")) == seen(start)
    with pytest.raises(AnswerRefusedError, match="nothing to undo"):
        session.undo("QSO", token=session.state("QSO").token)


def test_an_undo_pressed_twice_takes_one_answer_back(project: Project) -> None:
    session = begin(project)
    answer(session)
    token = answer(session).token
    session.undo("QSO", token=token)
    with pytest.raises(AnswerRefusedError, match="meanwhile"):
        session.undo("QSO", token=token)
    assert len(session.state("QSO").history.trained) == 6


def test_a_correction_changes_the_scores_and_not_the_model(project: Project) -> None:
    session = begin(project)
    answer(session)
    before = session.state("QSO")
    row = next(known(session, VALIDATION, "QSO"))
    after = answer(session, row=row, label="STAR")
    event = project.log.events("QSO")[-1]
    assert (event.how, event.part, event.label) == ("click", "validation", "STAR")
    assert after.fit is before.fit
    assert after.question == before.question
    assert len(after.rounds) == len(before.rounds)
    assert before.scores is not None
    assert after.scores is not None
    assert before.scores.validation is not None
    assert after.scores.validation is not None
    (tn, fp), (fn, tp) = before.scores.validation.confusion
    said = bool(before.fit.predicted[row])  # type: ignore[union-attr]
    moved = ((tn, fp + 1), (fn, tp - 1)) if said else ((tn + 1, fp), (fn - 1, tp))
    assert after.scores.validation.confusion == moved
    assert after.rounds[-1].scores == after.scores
    assert seen(session.undo("QSO", token=after.token)) == seen(before)


def test_a_correction_of_the_test_set_shows_in_the_test_scores_only(project: Project) -> None:
    session = begin(project)
    before, scores = session.state("QSO"), scores_of_test_set(session, "QSO")
    after = answer(session, row=next(known(session, TEST, "STAR")), label="QSO")
    assert after.scores == before.scores
    assert after.fit is before.fit
    assert scores is not None
    changed = scores_of_test_set(session, "QSO")
    assert changed is not None
    assert sum(changed.confusion[1]) == sum(scores.confusion[1]) + 1
    assert changed.n == scores.n == 54


def test_a_verified_label_outranks_the_catalogue(project: Project) -> None:
    session = begin(project)
    row = next(row for row in known(session, TRAIN, "QSO")
               if row not in session.state("QSO").history.trained)  # fmt: skip
    state = answer(session, row=row, label="GALAXY")
    assert state.history.trained[row] == "GALAXY"
    assert truth_in_force(project.dataset(), state.history, "QSO")[row] == 0
    unknown = next(i for i in range(300) if i % 20 == 7)
    assert truth_in_force(project.dataset(), state.history, "QSO")[unknown] == -1
    state = answer(session, row=unknown)
    assert truth_in_force(project.dataset(), state.history, "QSO")[unknown] == (
        TRUTH[unknown] == "QSO"
    )


def test_a_training_label_can_be_corrected(project: Project) -> None:
    session = begin(project)
    row = next(iter(session.state("QSO").history.given))
    other = "STAR" if TRUTH[row] == "QSO" else "QSO"
    state = answer(session, row=row, label=other)
    assert state.history.trained[row] == other
    assert (len(state.history.trained), len(state.rounds)) == (5, 2)


# -- refused answers -----------------------------------------------------------------------------


def test_a_key_pressed_twice_answers_once(project: Project) -> None:
    session = begin(project)
    state = session.state("QSO")
    row = state.question.row  # type: ignore[union-attr]
    session.answer("QSO", row, "answer", "QSO", token=state.token)
    with pytest.raises(AnswerRefusedError, match=r"answered meanwhile \(Qso\)") as refusal:
        session.answer("QSO", row, "answer", "STAR", token=state.token)
    assert survey_values()["name"][row].as_py() in str(refusal.value)
    with pytest.raises(AnswerRefusedError):
        session.answer("QSO", row, "unsure", token="not a token")
    assert session.state("QSO").history.trained[row] == "QSO"


def test_of_two_tabs_the_second_is_told_and_sees_the_next(project: Project) -> None:
    first = begin(project)
    second = LabellingSession(project, "Ben")
    shown = second.state("QSO")
    row = shown.question.row  # type: ignore[union-attr]
    assert first.state("QSO").question == shown.question
    answer(first, label="QSO")
    with pytest.raises(AnswerRefusedError, match="meanwhile"):
        second.answer("QSO", row, "answer", "STAR", token=shown.token)
    assert seen(second.state("QSO")) == seen(first.state("QSO"))
    other = next(r for r in known(first, TRAIN) if r not in first.state("QSO").history.asked)
    late = second.answer("QSO", other, "answer", TRUTH[other], token=shown.token)
    assert late.history.trained[other] == TRUTH[other], "another object is not in anyone's way"
    assert {e.who for e in project.log.events("QSO")} == {"catalogue", "Ada", "Ben"}


def test_what_cannot_be_answered_is_refused(project: Project) -> None:
    session = begin(project)
    n_events = project.log.n_events
    for label in ("NOVA", None, "Unknown"):
        with pytest.raises(AnswerRefusedError, match="not a label that takes part"):
            session.answer("QSO", 1, "answer", label, token=session.state("QSO").token)
    for row in (-1, 300):
        with pytest.raises(AnswerRefusedError, match=f"no object in row {row}"):
            session.answer("QSO", row, "answer", "QSO", token=session.state("QSO").token)
    project.save_config(replace(project.config, leave_out_other_labels=True), "Ada")
    n_events += 1
    galaxy = next(r for r in range(300) if survey_values()["class"][r].as_py() == "GALAXY"
                  and r not in session.state("QSO").history.trained)  # fmt: skip
    for kind in ("answer", "unsure", "later"):
        with pytest.raises(AnswerRefusedError, match="left out by the settings"):
            answer(session, row=galaxy, kind=kind, label="STAR")
    assert project.log.n_events == n_events


# -- the same whatever happens -------------------------------------------------------------------


def work(session: LabellingSession, classifier: str, n: int) -> State:
    for i in range(n):
        answer(session, classifier, kind="unsure" if i % 4 == 2 else "answer")
    return session.state(classifier)


def test_interleaved_classifiers_make_the_rounds_of_one_after_the_other(
    survey_folder: Path, opened: Open, tmp_path: Path, survey_template: Path
) -> None:
    together = begin(opened(survey_folder))
    together.start("STAR", small_setup())
    for i in range(8):
        for classifier in ("QSO", "STAR"):
            answer(together, classifier, kind="unsure" if i % 4 == 2 else "answer")
    apart = begin(opened(Path(shutil.copytree(survey_template, tmp_path / "apart"))))
    first = work(apart, "QSO", 8)
    apart.start("STAR", small_setup())
    second = work(apart, "STAR", 8)
    assert seen(together.state("QSO")) == seen(first)
    assert seen(together.state("STAR")) == seen(second)


def test_a_refresh_a_lost_cache_and_a_restart_show_the_same(
    survey_folder: Path, opened: Open
) -> None:
    learners: dict[str, Any] = {}
    session = LabellingSession(opened(survey_folder), "Ada", learners)
    session.start("QSO", small_setup())
    for kind in ("answer", "later", "answer", "unsure", "answer"):
        answer(session, kind=kind)
    answer(session, row=next(known(session, VALIDATION, "QSO")), label="STAR")
    session.undo("QSO", token=session.state("QSO").token)
    shown = seen(session.state("QSO"))
    assert list(learners) == ["QSO"]
    learners.clear()
    assert seen(session.state("QSO")) == shown
    assert seen(LabellingSession(session.project, "Ada").state("QSO")) == shown
    close_project(survey_folder)
    reopened = LabellingSession(opened(survey_folder), "Ada", {})
    assert seen(reopened.state("QSO")) == shown
    assert seen(answer(reopened)) == seen(reopened.state("QSO"))


KILLED_IN_A_ROUND = """
import os, signal, sys
from pathlib import Path
import al_engine.loop.rounds as module
from al_engine.projects.opening import open_project
from al_engine.session import LabellingSession

session = LabellingSession(open_project(Path(sys.argv[1])), "Ada")
state = session.state("QSO")
module.fit_round = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
session.answer("QSO", state.question.row, "answer", sys.argv[2], token=state.token)
"""


def test_a_kill_in_the_middle_of_a_round_loses_nothing(
    survey_folder: Path, opened: Open, tmp_path: Path
) -> None:
    session = begin(opened(survey_folder))
    answer(session)
    label = TRUTH[session.state("QSO").question.row]  # type: ignore[union-attr]
    close_project(survey_folder)
    twin = Path(shutil.copytree(survey_folder, tmp_path / "twin"))
    undisturbed = answer(LabellingSession(opened(twin), "Ada"))

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_A_ROUND, str(survey_folder), label],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr.decode()
    reopened = LabellingSession(opened(survey_folder), "Ada")
    reopened.restore_models()
    assert seen(reopened.state("QSO")) == seen(undisturbed)
    assert len(reopened.state("QSO").history.trained) == 7


# -- ahead ---------------------------------------------------------------------------------------


@pytest.fixture
def made_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The thread that trained each model since."""
    threads: list[str] = []

    def noted(*args: Any) -> Any:
        threads.append(threading.current_thread().name)
        return fit_round(*args)

    monkeypatch.setattr("al_engine.loop.rounds.fit_round", noted)
    return threads


@pytest.mark.parametrize("label", ["QSO", "STAR", "GALAXY"])
def test_an_answer_finds_its_round_made_ahead(
    project: Project, made_by: list[str], label: str
) -> None:
    session = begin(project)
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    made_by.clear()
    state = answer(session, label=label)
    assert made_by == []
    assert seen(state) == seen(LabellingSession(project, "Bea").state("QSO"))


@pytest.mark.parametrize("kind", ["unsure", "later"])
def test_to_pass_an_object_trains_nothing_even_ahead(
    project: Project, made_by: list[str], kind: Any
) -> None:
    session = begin(project)
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    assert made_by.count("look-ahead") == 2
    made_by.clear()
    assert seen(answer(session, kind=kind)) == seen(LabellingSession(project, "B").state("QSO"))
    assert made_by == ["MainThread"], "the second session has to train, the first has not"


def test_an_early_answer_and_one_about_another_object_are_made_at_once(
    project: Project, made_by: list[str]
) -> None:
    session = begin(project)
    made_by.clear()
    session.look_ahead("QSO")
    answer(session)
    session.look_ahead("QSO")
    answer(session, row=next(known(session, TRAIN, "STAR")), label="STAR")
    assert made_by == ["MainThread"] * 2


def test_what_is_made_ahead_for_one_classifier_outlives_an_answer_to_another(
    project: Project, made_by: list[str]
) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    answer(session, classifier="STAR")
    session.past_state("QSO", 0)
    made_by.clear()
    answer(session)
    assert made_by == []


@pytest.mark.parametrize("why", ["switched off", "no memory for it"])
def test_nothing_is_made_ahead_where_it_is_switched_off_or_has_no_memory(
    project: Project, made_by: list[str], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    session = begin(project)
    made_by.clear()
    if why == "switched off":
        monkeypatch.setenv("SEXTANT_LOOKAHEAD", "0")
    else:
        asking = replace(project.config.asking, ahead_mb=0)
        project.save_config(replace(project.config, asking=asking), "Ada")
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    assert made_by == []
    answer(session)
    assert made_by == ["MainThread"]


def test_where_there_is_memory_for_one_side_only_the_likelier_one_is_made_ahead(
    project: Project, made_by: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    state = session.state("QSO")
    assert state.fit is not None
    assert state.question is not None
    likely = "QSO" if state.fit.predicted[state.question.row] else "STAR"
    asking = replace(project.config.asking, ahead_mb=1)
    project.save_config(replace(project.config, asking=asking), "Ada")
    monkeypatch.setattr(
        "al_engine.loop.making.BYTES_AN_OBJECT", 600_000 // project.catalogue.n_rows
    )
    made_by.clear()
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    assert len(made_by) == 1
    answer(session, label=likely)
    assert len(made_by) == 1


def test_fifty_answers_are_the_same_with_and_without_looking_ahead(
    survey_folder: Path, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [survey_folder, Path(shutil.copytree(survey_folder, tmp_path / "twin"))]
    runs = []
    for folder, ahead in zip(folders, ("1", "0"), strict=True):
        monkeypatch.setenv("SEXTANT_LOOKAHEAD", ahead)
        session = begin(opened(folder))
        session.project.save_config(replace(session.config, x_axis="g", y_axis="r"), "Ada")
        drawing = Maps(session)
        clicked = known(session, TRAIN, "QSO")
        run = []
        for i in range(50):
            session.look_ahead("QSO")
            if i % 3 == 0:
                session._maker.wait("QSO")
            if i % 4 == 1:
                run.append(selected(session, drawing, row=5 * i))
            if i % 11 == 7:
                session.undo("QSO", token=session.state("QSO").token)
            elif i % 13 == 5:
                answer(session, row=next(clicked), label="QSO")
            else:
                kind = "unsure" if i % 9 == 4 else "later" if i % 7 == 3 else "answer"
                answer(session, kind=kind)
            state = session.state("QSO")
            assert state.fit is not None
            view = drawing.home(state, 80, 60)
            pictures = [drawing.picture(kind, state, view, Shown()) for kind in KINDS]
            run.append((seen(state), replace(state.history, last=None), pictures))
        # All that is in the log but for when it was written.
        events = session.project.log.events("QSO")
        runs.append((run, [replace(event, happened_at=None) for event in events]))
    assert runs[0] == runs[1]


def selected(session: LabellingSession, drawing: Maps, row: int) -> Any:
    """What a click at the place of an object shows of the one found there."""
    state = session.state("QSO")
    (x,), (y,) = drawing.place([row])
    found = drawing.nearest_row("labels", state, x, y, drawing.home(state, 80, 60), Shown())
    assert found is not None
    return object_card(session, state, found)


# -- no labels at all ----------------------------------------------------------------------------


def unlabelled(start: Any = "spread", every: int | None = None) -> Any:
    return survey_config(
        columns=replace(survey_config().columns, label=None), asking=Asking(every, start)
    )


@pytest.mark.parametrize("start", ["spread", "random"])
def test_a_catalogue_without_labels_asks_for_the_first_ones(project: Project, start: str) -> None:
    project.save_config(unlabelled(start), "Ada")
    session = begin(project)
    assert project.log.events("QSO") == []
    rows = [int(row) for row in session._maker.initial_rows("QSO", session.config)]
    assert len(set(rows)) == 5
    if start == "spread":
        assert {TRUTH[row] for row in rows} == set(CLASSES), "clusters are what they look like"
    for row in rows:
        question = session.state("QSO").question
        assert question is not None
        assert (question.row, question.how) == (row, "initial")
        state = answer(session)
    assert state.fit is not None
    assert state.fit.n_labelled == 5


def test_every_fifth_question_is_random_and_kept_for_validation(project: Project) -> None:
    project.save_config(unlabelled(), "Ada")
    session = begin(project)
    for _ in range(5):
        state = answer(session)
    hows = []
    for _ in range(15):
        assert state.question is not None
        hows.append(state.question.how)
        row, fit = state.question.row, state.fit
        state = answer(session)
        if hows[-1] == "random":
            assert state.history.validated[row] == TRUTH[row]
            assert row not in state.history.trained
            assert state.fit is fit, "what is kept for validation is not learned from"
            assert project.log.events("QSO")[-1].part == "validation"
    assert [i for i, how in enumerate(hows, start=1) if how == "random"] == [5, 10, 15]
    assert set(hows) == {"random", "query"}


def test_scores_are_cross_validated_until_thirty_objects_validate(project: Project) -> None:
    project.save_config(unlabelled(every=1), "Ada")
    session = begin(project, members=(MemberSetup("naive_bayes"),))
    for _ in range(5):
        state = answer(session)
    while len(state.history.validated) < 29:
        state = answer(session)
        assert state.scores is not None
        assert state.scores.by_folds
        assert state.scores.validation is None or state.scores.validation.n == 5
        assert state.scores.validation is not None or state.scores.reason
    state = answer(session)
    assert state.scores is not None
    assert not state.scores.by_folds
    assert state.scores.validation is not None
    assert state.scores.validation.n == 30


def test_random_questions_can_be_switched_off(project: Project) -> None:
    project.save_config(unlabelled(every=0), "Ada")
    session = begin(project, members=(MemberSetup("naive_bayes"),))
    for _ in range(12):
        answer(session)
    assert session.state("QSO").history.validated == {}


def test_no_question_is_random_where_the_catalogue_validates(project: Project) -> None:
    session = begin(project, members=(MemberSetup("naive_bayes"),))
    for _ in range(11):
        answer(session)
    assert {e.how for e in project.log.events("QSO")} == {"initial", "query"}


def test_one_label_so_far_predicts_that_one(project: Project) -> None:
    project.save_config(unlabelled(), "Ada")
    session = begin(project)
    state = answer(session, label="QSO")
    assert state.fit is not None
    assert state.fit.is_constant
    assert set(state.fit.proba) == {1.0}
    assert state.scores is not None
    assert state.scores.validation is None
    assert "both sides" in state.scores.reason
    for _ in range(4):
        state = answer(session, label="QSO")
    assert state.question is not None
    assert "one side" in state.question.why
    state = answer(session, label="STAR")
    assert state.fit is not None
    assert not state.fit.is_constant


# -- every model and strategy --------------------------------------------------------------------


QUICK = {"n_estimators": 5, "max_iter": 20}


@pytest.mark.parametrize("model", [name for name, model in MODELS.items() if model.takes_numbers])
def test_every_model_goes_through_a_round(project: Project, model: str) -> None:
    names = {param.name for param in MODELS[model].params}
    params = {name: value for name, value in QUICK.items() if name in names}
    session = begin(project, members=(MemberSetup(model, "margin", params),))
    state = answer(session)
    assert state.fit is not None
    assert len(state.rounds) == 2
    scored = state.fit.proba[~np.isnan(state.fit.proba)]
    assert ((scored >= 0) & (scored <= 1)).all()
    assert seen(LabellingSession(project, "Ada").state("QSO")) == seen(state)


@pytest.mark.parametrize("strategy", [n for n, found in STRATEGIES.items() if not found.leaks])
def test_every_strategy_asks_its_question(project: Project, strategy: str) -> None:
    session = begin(project, members=(replace(SMALL_FOREST, strategy=strategy),))
    state = answer(session)
    assert state.fit is not None
    assert state.fit.strategy == strategy
    assert project.log.events("QSO")[-1].strategy == strategy


@pytest.mark.parametrize("strategy", COMMITTEE_STRATEGIES)
def test_every_committee_strategy_asks_its_question(project: Project, strategy: str) -> None:
    members = (SMALL_FOREST, MemberSetup("naive_bayes", "random"), MemberSetup("knn", "margin"))
    session = begin(project, members=members, committee_strategy=strategy)
    state = answer(session)
    assert state.fit is not None
    assert state.fit.strategy == strategy
    assert state.fit.secondary is not None
    X = project.dataset().rows(np.arange(project.dataset().n_rows))
    member_proba = np.array(
        [pipeline.predict_proba(X)[:, 1] for pipeline in learning.pipelines(state.fit.learner)]
    )
    scored = ~np.isnan(state.fit.proba)
    np.testing.assert_allclose(
        state.fit.proba[scored], member_proba.mean(axis=0)[scored], rtol=1e-6, atol=1e-30
    )
    assert seen(LabellingSession(project, "Ada").state("QSO")) == seen(state)


# -- the end, and changes on the way -------------------------------------------------------------


def test_an_empty_pool_asks_nothing(project: Project) -> None:
    project.save_config(
        survey_config(splits=Splits("counts", 9, 45, 45), leave_out_unknown=True), "Ada"
    )
    session = begin(project)
    answer(session, kind="later")
    for _ in range(3):
        state = answer(session)
    assert state.question is not None, "what was put off is asked when nothing else is left"
    assert "no other is left" in state.question.why
    state = answer(session)
    assert (state.question, state.n_pool) == (None, 0)
    assert state.fit is not None
    assert seen(LabellingSession(project, "Ada").state("QSO")) == seen(state)


def test_settings_changed_later_lose_no_label(project: Project) -> None:
    session = begin(project)
    for _ in range(6):
        answer(session)
    corrected = next(known(session, VALIDATION, "QSO"))
    before = answer(session, row=corrected, label="STAR")
    project.save_config(replace(project.config, splits=Splits(seed=99)), "Ada")
    after = session.state("QSO")
    assert after.history == before.history
    dataset = project.dataset()
    drawn = dataset.parts[list(after.history.trained)]
    assert (drawn != TRAIN).any(), "the new draw would have put some of them elsewhere"
    parts = parts_in_force(dataset, after.history)
    assert set(parts[list(after.history.trained)]) == {TRAIN}
    assert after.fit is not None
    assert after.fit.n_labelled == before.fit.n_labelled  # type: ignore[union-attr]
    assert truth_in_force(dataset, after.history, "QSO")[corrected] == 0
    assert corrected not in after.history.trained
    assert [r.scores is None for r in after.rounds] == [True] * 6 + [False]
    project.save_config(replace(project.config, splits=Splits()), "Ada")
    assert seen(session.state("QSO")) == seen(before), "the way back finds the former rounds"


def test_another_strategy_keeps_the_rounds_and_asks_at_once(project: Project) -> None:
    session = begin(project)
    before = answer(session)
    after = session.start("QSO", small_setup(members=(replace(SMALL_FOREST, strategy="random"),)))
    assert [r.scores for r in after.rounds] == [r.scores for r in before.rounds]
    assert after.fit is not None
    assert after.fit.strategy == "random"
    assert seen(LabellingSession(project, "Ada").state("QSO")) == seen(after)
    back = session.start("QSO", small_setup())
    assert seen(back) == seen(before)


def test_another_model_scores_this_round_anew(project: Project) -> None:
    session = begin(project)
    answer(session)
    state = session.start("QSO", small_setup(members=(MemberSetup("naive_bayes"),)))
    assert [r.scores is None for r in state.rounds] == [True, False]
    assert len(state.history.trained) == 6


def test_a_classifier_no_longer_wanted_is_refused_in_a_sentence(project: Project) -> None:
    session = begin(project)
    labels = tuple(label for label in project.config.labels if label.value != "QSO")
    project.save_config(replace(project.config, labels=labels, train_labels=("STAR",)), "Ada")
    with pytest.raises(SettingsError, match="no classifier for 'QSO'"):
        session.state("QSO")
    session.restore_models()
    assert len(project.log.events("QSO")) == 5


def test_a_past_round_shows_what_it_showed(project: Project) -> None:
    session = begin(project)
    shown = [session.state("QSO")]
    for kind in ("answer", "answer", "unsure", "answer"):
        state = answer(session, kind=kind)
        if kind == "answer":
            shown.append(state)
    present = seen(session.state("QSO"))
    for number, then in enumerate(shown):
        past = session.past_state("QSO", number)
        assert past.past == number
        assert past.fit is not None
        assert then.fit is not None
        np.testing.assert_array_equal(past.fit.proba, then.fit.proba)
        assert past.scores == then.scores
        assert past.history.trained == then.history.trained
    assert seen(session.state("QSO")) == present
    with pytest.raises(SettingsError, match="no round 9"):
        session.past_state("QSO", 9)


def test_the_list_of_projects_counts_answers_that_stand(
    survey_folder: Path, project: Project
) -> None:
    session = begin(project)
    for _ in range(3):
        answer(session)
    answer(session, kind="unsure")
    assert list_projects(survey_folder.parent)[0].n_answers == 3
    for _ in range(2):
        session.undo("QSO", token=session.state("QSO").token)
    assert list_projects(survey_folder.parent)[0].n_answers == 2


def test_there_is_nothing_to_test_or_save_before_the_first_label(project: Project) -> None:
    session = begin(project, initial_labels="ask")
    with pytest.raises(NotEnoughLabelsError):
        scores_of_test_set(session, "QSO")
    with pytest.raises(NotEnoughLabelsError):
        checkpoint(session, "QSO")


# -- settings, and anything in any order ---------------------------------------------------------


def test_it_is_known_which_rounds_a_change_would_invalidate(project: Project) -> None:
    session = begin(project)
    answer(session)
    assert session.rounds_lost(replace(project.config, x_axis="r")) == {}
    edited = replace(project.config, splits=Splits(seed=5))
    assert session.rounds_lost(edited) == {"QSO": 2}
    before = session.state("QSO")
    session.change_settings(edited)
    after = session.state("QSO")
    assert after.history == before.history
    assert after.fit is not None
    BACKGROUND.wait(project)
    found = find_models(project.folder / "models", "QSO-RandomForest_Uncertainty")
    assert found is not None
    assert found[1]["round_key"] == after.fit.key != before.fit.key  # type: ignore[union-attr]


def test_answered_objects_are_listed_first_one_first(project: Project) -> None:
    session = begin(project)
    first = list(session.state("QSO").history.trained)
    rows = [session.state("QSO").question.row]  # type: ignore[union-attr]
    rows.append(answer(session).question.row)  # type: ignore[union-attr]
    answer(session, kind="unsure")
    answer(session, kind="later")
    session.undo("QSO", token=answer(session).token)
    assert answered_rows(session.project, "QSO", session.who) == first + rows


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_a_fresh_session_sees_the_same(project: Project, seed: int) -> None:
    config = unlabelled(every=3) if seed else survey_config()
    project.save_config(replace(config, splits=Splits(seed=seed)), "Ada")
    session = begin(project, members=(MemberSetup("naive_bayes"),))
    draw = np.random.default_rng(seed)
    for step in range(60):
        kind = draw.choice(
            ["answer", "unsure", "later", "click", "undo"], p=[0.5, 0.1, 0.1, 0.15, 0.15]
        )
        state = session.state("QSO")
        if kind == "undo":
            if state.history.last is not None:
                session.undo("QSO", token=state.token)
        elif kind == "click":
            answer(session, row=int(draw.integers(300)), label=str(draw.choice(CLASSES)))
        else:
            answer(session, kind=kind)
        if step % 6 == 5:
            fresh = LabellingSession(project, "Ben").state("QSO")
            assert seen(fresh) == seen(session.state("QSO"))


def test_a_label_whose_objects_are_left_out_is_no_answer(project: Project) -> None:
    config = replace(project.config, train_labels=("QSO", "STAR"), leave_out_other_labels=True)
    project.save_config(config, "me")
    session = begin(project)
    state = session.state("QSO")
    assert state.question is not None
    with pytest.raises(AnswerRefusedError, match="'GALAXY' is not a label that takes part"):
        session.answer("QSO", state.question.row, "answer", "GALAXY", token=state.token)
    assert {label.value for label in project.config.labels_in_use} == {"QSO", "STAR"}


# -- two tabs at once --


def test_answers_in_one_tab_and_settings_in_another_never_wait_for_each_other(
    project: Project,
) -> None:
    first, second = begin(project), LabellingSession(project, "Ben")

    def answer_on() -> None:
        for _ in range(25):
            answer(first, kind="unsure")

    def set_on() -> None:
        for i in range(50):
            second.change_settings(replace(project.config, x_axis="g" if i % 2 else "r"))

    threads = [threading.Thread(target=work, daemon=True) for work in (answer_on, set_on)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(first.state("QSO").history.unsure) == 25


def test_start_pressed_in_two_tabs_starts_once(survey_folder: Path, opened: Open) -> None:
    project = opened(survey_folder)
    gate = threading.Barrier(2)

    def press(who: str) -> None:
        session = LabellingSession(project, who)
        gate.wait()
        session.start("QSO", small_setup())

    threads = [threading.Thread(target=press, args=(who,)) for who in ("Ada", "Ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    given = [event for event in project.log.events("QSO") if event.kind == "given"]
    assert len(given) == small_setup().n_initial
    close_project(survey_folder)
    reopened = LabellingSession(opened(survey_folder), "Ada")
    reopened.restore_models()
    assert reopened.state("QSO").fit is not None


def test_an_answer_from_a_cold_tab_is_written_before_anything_is_trained(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = begin(project).state("QSO")
    assert state.question is not None
    cold = LabellingSession(project, "Ben")

    def killed(*_: Any) -> None:
        raise RuntimeError("killed while training")

    monkeypatch.setattr("al_engine.loop.rounds.fit_round", killed)
    with pytest.raises(RuntimeError, match="killed"):
        cold.answer("QSO", state.question.row, "answer", "QSO", token=state.token)
    monkeypatch.undo()
    assert (
        LabellingSession(project, "Ada").state("QSO").history.trained[state.question.row] == "QSO"
    )


def test_how_an_object_came_up_is_what_was_shown_and_not_what_is_asked_by_now(
    project: Project,
) -> None:
    first, second = begin(project), LabellingSession(project, "Ben")
    shown = first.state("QSO")
    assert shown.question is not None
    answer(second)
    undone = second.undo("QSO", token=second.state("QSO").token)
    other = next(row for row in known(second, TRAIN, "STAR") if row != shown.question.row)
    state = second.answer("QSO", other, "answer", "STAR", token=undone.token)
    assert project.log.events("QSO")[-1].how == "click"
    first.answer("QSO", state.question.row, "answer", "STAR", token=state.token)
    assert project.log.events("QSO")[-1].how == "query"


def test_a_project_deleted_under_a_tab_is_a_sentence_there(project: Project) -> None:
    session = begin(project)
    state = session.state("QSO")
    assert state.question is not None
    delete_project(project.folder)
    with pytest.raises(ProjectError, match="closed or deleted"):
        session.answer("QSO", state.question.row, "answer", "QSO", token=state.token)
    assert not project.folder.exists()


def test_objects_of_a_label_that_is_left_out_later_stop_training(project: Project) -> None:
    session = begin(project)
    state = session.state("QSO")
    galaxies = {row for row, label in state.history.trained.items() if label == "GALAXY"}
    row = next(row for row in known(session, TRAIN, "GALAXY") if row not in galaxies)
    answer(session, row=row, label="GALAXY")
    n_before = session.state("QSO").fit.n_labelled
    session.change_settings(replace(project.config, leave_out_other_labels=True))
    state = session.state("QSO")
    galaxies = {row for row, label in state.history.trained.items() if label == "GALAXY"}
    assert row in galaxies, "the answer is kept"
    assert state.fit.n_labelled == n_before - len(galaxies)
