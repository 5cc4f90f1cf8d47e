"""Selections: what they hold, how they are kept, and one label for all of one."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from conftest import N_ROWS, answer, begin, known

from al_engine.curating.together import answer_all, begin_answer_all
from al_engine.data import selections
from al_engine.data.history import in_effect
from al_engine.data.selections import (
    FOLDER,
    list_selections,
    load_selection,
    remove_selection,
    save_selection,
)
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import AlEngineError, AnswerRefusedError, SettingsError, WorkCancelled
from al_engine.exchange.configuration import read_configuration, write_configuration
from al_engine.exchange.labels import answers_in_force
from al_engine.jobs import Job
from al_engine.loop import rounds, together
from al_engine.loop.recording import record
from al_engine.loop.together import at_once
from al_engine.projects.opening import close_project, open_project
from al_engine.session import LabellingSession
from al_engine.settings.config import Asking
from al_engine.sharing.prospect import fitting_settings
from al_engine.showing.maps import Drawn
from al_engine.showing.selecting import summary


def training_rows(session, n: int) -> np.ndarray:
    asked = session.project.history("QSO").asked
    return np.array([row for row in known(session, TRAIN) if row not in asked][:n], np.intp)


def label_all(session, rows, label="QSO"):
    return answer_all(session, "QSO", rows, label, token=session.state("QSO").token)


# -- one label for many --------------------------------------------------------------------------


def test_labelling_a_selection_is_one_round_and_one_undo(project):
    session = begin(project)
    before = session.state("QSO")
    rows = training_rows(session, 60)
    after = label_all(session, rows)
    assert len(after.rounds) == len(before.rounds) + 1
    assert set(rows.tolist()) <= set(after.history.trained)
    undone = session.undo("QSO", token=after.token)
    assert undone.history.trained == before.history.trained
    assert undone.question == before.question
    assert undone.fit.key == before.fit.key


def begun(session, rows, label="QSO") -> Job:
    token = session.state("QSO").token
    return begin_answer_all(session, "QSO", rows, label, token=token)


def test_labelling_that_is_begun_trains_once_and_comes_to_what_is_made_anew(project, monkeypatch):
    session = begin(project)
    session.state("QSO")
    rows = training_rows(session, 60)
    trained = []
    fit_round = rounds.fit_round
    monkeypatch.setattr(
        rounds, "fit_round", lambda *a, **k: trained.append(1) or fit_round(*a, **k)
    )
    job = begun(session, rows)
    job.wait(60)
    after = job.result()
    assert len(trained) == 1
    assert set(rows.tolist()) <= set(after.history.trained)
    expected = LabellingSession(project, "Ada").state("QSO")
    assert (after.question, after.scores) == (expected.question, expected.scores)
    np.testing.assert_array_equal(after.fit.proba, expected.fit.proba)


def test_labelling_that_is_cancelled_while_it_trains_labels_nothing(project, monkeypatch):
    session = begin(project)
    before, written = session.state("QSO"), project.log.events()
    is_training, go_on = threading.Event(), threading.Event()
    fit_round = rounds.fit_round

    def slowly(*arguments, **named):
        is_training.set()
        go_on.wait(60)
        return fit_round(*arguments, **named)

    monkeypatch.setattr(rounds, "fit_round", slowly)
    job = begun(session, training_rows(session, 60))
    assert is_training.wait(60)
    job.cancel()
    go_on.set()
    job.wait(60)
    with pytest.raises(WorkCancelled):
        job.result()
    assert project.log.events() == written
    assert session.state("QSO") == before
    answer(session)


def test_an_undo_after_another_answer_takes_that_back_first(project):
    session = begin(project)
    rows = training_rows(session, 5)
    bulk = label_all(session, rows)
    answered = answer(session)
    back = session.undo("QSO", token=answered.token)
    assert back.history.trained == bulk.history.trained
    assert not set(rows.tolist()) & set(session.undo("QSO", token=back.token).history.trained)


def test_two_selections_are_two_rounds(project):
    session = begin(project)
    rows = training_rows(session, 8)
    n = len(session.state("QSO").rounds)
    label_all(session, rows[:4])
    state = label_all(session, rows[4:], "STAR")
    assert len(state.rounds) == n + 2
    assert session.undo("QSO", token=state.token).history.trained[int(rows[0])] == "QSO"


def test_a_selection_leaves_answers_given_by_hand_as_they_are(project):
    session = begin(project)
    state = answer(session, label="STAR")
    (row,) = state.history.verified
    rows = np.append(training_rows(session, 3), row)
    assert at_once(project, state.history, rows).n_answered == 1
    state = label_all(session, rows, "QSO")
    assert state.history.trained[row] == "STAR"


def test_objects_of_the_validation_set_are_corrected_and_never_train(project):
    session = begin(project)
    row = next(known(session, VALIDATION))
    found = at_once(project, session.state("QSO").history, np.array([row, row]))
    assert (len(found.rows), found.n_training) == (1, 0)
    state = label_all(session, np.array([row]), "STAR")
    assert state.history.corrected == {row: "STAR"}


def test_what_was_put_off_is_not_due_sooner_for_a_selection(project):
    session = begin(project)
    put_off = answer(session, kind="later").history.later
    state = label_all(session, training_rows(session, 40))
    assert state.history.later.keys() == put_off.keys()
    assert state.question.row not in put_off


@pytest.mark.parametrize("case", ["no label", "nothing", "too many", "stale"])
def test_a_selection_that_cannot_be_labelled_is_refused_and_nothing_is_kept(
    project, case, monkeypatch
):
    session = begin(project)
    rows, label = training_rows(session, 3), "QSO"
    token = session.state("QSO").token
    if case == "no label":
        label = "nonsense"
    elif case == "nothing":
        rows = np.array(list(answer(session).history.verified))
        token = session.state("QSO").token
    elif case == "too many":
        monkeypatch.setattr(together, "MOST_AT_ONCE", 2)
    else:
        answer(session)
    n = project.log.n_events
    with pytest.raises(AnswerRefusedError) as refused:
        answer_all(session, "QSO", rows, label, token=token)
    assert refused.value.hint
    assert project.log.n_events == n


def test_the_labels_of_a_selection_survive_and_leave_like_any_others(project, opened):
    session = begin(project)
    state = label_all(session, training_rows(session, 60))
    given = answers_in_force(project.log.events())
    assert sum(each.event.how == "selection" for each in given) == 60
    written = record(project, session.moment())
    events = read_configuration(write_configuration(written).encode()).events
    assert len(in_effect(events)) == len(in_effect(project.log.events()))
    folder = project.folder
    close_project(folder)
    again = LabellingSession(open_project(folder), "Ada")
    assert again.state("QSO").history.trained == state.history.trained
    assert len(again.state("QSO").rounds) == len(state.rounds)


# -- the pool restricted to a selection ----------------------------------------------------------


def among(session, name):
    there = {saved.name: saved.key for saved in list_selections(session.project.folder)}
    asking = replace(session.config.asking, among=name, among_key=there.get(name, ""))
    session.change_settings(replace(session.config, asking=asking))
    return session.state("QSO")


def test_only_a_selection_is_asked_about_until_the_whole_pool_is_again(project):
    session = begin(project)
    before = session.state("QSO")
    rows = training_rows(session, 6)
    save_selection(project.folder, "few", rows, "lasso")
    state = among(session, "few")
    assert state.n_pool == 6
    assert state.fit.key == before.fit.key
    asked = []
    while state.question is not None:
        asked.append(state.question.row)
        state = answer(session)
    assert sorted(asked) == rows.tolist()
    assert among(session, "").question is not None


def test_random_questions_are_of_the_whole_pool_all_the_same(project):
    session = begin(project)
    config = replace(session.config, asking=Asking(random_every=2))
    session.change_settings(config)
    rows = training_rows(session, 10)
    save_selection(project.folder, "few", rows, "lasso")
    state, randomly = among(session, "few"), []
    for _ in range(8):
        if state.question.how == "random":
            randomly.append(state.question.row)
        else:
            assert state.question.row in rows
        state = answer(session)
    assert set(randomly) - set(rows.tolist())


def test_a_lost_selection_is_said_and_can_be_lifted(project):
    session = begin(project)
    rows = training_rows(session, 3)
    save_selection(project.folder, "gone", rows, "lasso")
    among(session, "gone")
    remove_selection(project.folder, "gone")
    fresh = LabellingSession(project, "Ada")
    assert "Explore" in fresh.fault("QSO").hint
    among(fresh, "")
    assert fresh.fault("QSO") is None


def test_another_selection_of_the_same_name_is_not_asked_about(project):
    session = begin(project)
    rows, others = np.split(training_rows(session, 20), 2)
    save_selection(project.folder, "mine", rows, "lasso")
    assert among(session, "mine").question.row in rows
    remove_selection(project.folder, "mine")
    save_selection(project.folder, "mine", others, "lasso")
    fresh = LabellingSession(project, "Ada")
    assert "'mine' is asked about, and it is not there as it was" in fresh.fault("QSO").message
    assert among(session, "mine").question.row in others
    assert among(fresh, "mine").question.row in others


def fitting(session):
    text = write_configuration(record(session.project, session.moment()))
    written = read_configuration(text.encode())
    return fitting_settings(session.project, written, written.settings)


def test_a_configuration_asks_about_no_other_selection_that_happens_to_be_called_so(project):
    session = begin(project)
    save_selection(project.folder, "mine", training_rows(session, 20), "lasso")
    among(session, "mine")
    asking = session.config.asking
    assert fitting(session).asking == asking
    remove_selection(project.folder, "mine")
    save_selection(project.folder, "mine", np.arange(5), "lasso")
    assert fitting(session).asking == replace(asking, among="", among_key="")


# -- what a selection holds ----------------------------------------------------------------------


def test_a_summary_counts_labels_and_finds_the_feature_that_differs(project):
    session = LabellingSession(project, "Ada")
    codes = project.dataset().codes
    rows = np.flatnonzero(codes == 1)  # QSO
    found = summary(session, Drawn(), None, rows)
    assert (found.n, found.n_others) == (len(rows), N_ROWS - len(rows))
    counts = {each.name: (each.n_selected, each.n_others) for each in found.labels}
    assert counts["Qso"] == (len(rows), 0)
    assert sum(n for n, _ in counts.values()) == len(rows)
    assert sum(n for _, n in counts.values()) == N_ROWS - len(rows)
    g = project.axis("g")
    contrast = next(each for each in found.features if each.name == "g")
    assert contrast.median == pytest.approx(np.median(g[rows]), abs=1e-6)
    assert contrast.shift > 0.5
    assert abs(found.features[0].shift) == max(abs(c.shift) for c in found.features if c.shift)


@pytest.mark.parametrize("n", [0, N_ROWS])
def test_a_selection_of_nothing_or_of_everything_has_a_summary(project, n):
    found = summary(LabellingSession(project, "Ada"), Drawn(), None, np.arange(n))
    assert found.n == n
    assert all(each.shift is None for each in found.features)


# -- kept under a name ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quasars", "../../etc", 'a"b', "Ünïcode ☄", "x" * 80])
def test_a_selection_is_found_again_under_any_name(tmp_path, name):
    saved = save_selection(tmp_path, name, np.array([3, 5, 8]), "lasso")
    assert list_selections(tmp_path) == [saved]
    assert load_selection(tmp_path, name, 10).tolist() == [3, 5, 8]
    assert load_selection(tmp_path, name, 6).tolist() == [3, 5]
    assert [path.parent for path in tmp_path.rglob("*.npz")] == [tmp_path / FOLDER]
    remove_selection(tmp_path, name)
    assert list_selections(tmp_path) == []


def test_of_two_tabs_that_choose_one_name_the_second_is_told(tmp_path, monkeypatch):
    write, second, told = selections.whole_file, [], []

    def meanwhile():
        try:
            save_selection(tmp_path, "mine", np.arange(50), "lasso")
        except SettingsError as error:
            told.append(error.message)

    def slowly(path):
        if not second:
            second.append(threading.Thread(target=meanwhile))
            second[0].start()
            second[0].join(0.3)
        return write(path)

    monkeypatch.setattr(selections, "whole_file", slowly)
    save_selection(tmp_path, "mine", np.arange(5), "lasso")
    second[0].join()
    assert told == ["There is a selection called 'mine'."]
    assert load_selection(tmp_path, "mine", 100).tolist() == list(range(5))


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "taken"])
def test_a_name_that_will_not_do_is_refused(tmp_path, name):
    save_selection(tmp_path, "taken", np.array([1]), "box")
    with pytest.raises(SettingsError):
        save_selection(tmp_path, name, np.array([2]), "box")
    assert load_selection(tmp_path, "taken", 10).tolist() == [1]


def test_a_damaged_or_lost_selection_is_a_sentence(tmp_path):
    save_selection(tmp_path, "a", np.array([1]), "box")
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_bytes(path.read_bytes()[:50])
    for name in ("a", "b"):
        with pytest.raises(AlEngineError) as error:
            load_selection(tmp_path, name, 10)
        assert error.value.hint
    assert list_selections(tmp_path) == []
