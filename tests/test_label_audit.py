"""The label audit: planted wrong labels come first, and what is said of them is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import answer, begin, known, small_setup
from scipy import sparse
from sklearn.datasets import make_blobs

from al_engine.curating.auditing import (
    Audited,
    Suspect,
    begin_audit,
    confirm,
    is_stale,
    last_done,
    queue,
    undo_last,
)
from al_engine.curating.relabelling import merge_labels
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import AnswerRefusedError, ConfigurationError, NotEnoughLabelsError
from al_engine.exchange.configuration import read_configuration, write_configuration
from al_engine.exchange.labels import answers_in_force
from al_engine.learning.label_audit import judged, normalized_margin
from al_engine.learning.learners import LearnerSpec, Member, fit_preparation
from al_engine.loop.recording import record
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Asking, People

BINARY = np.array([0, 1])
N = 300


def in_first_tenth(
    X: np.ndarray, y: np.ndarray, model: str, seed: int, n_classes: int = 2
) -> float:
    """Of 5% of the labels that are flipped, the share in the first tenth of the queue."""
    rng = np.random.default_rng(100 + seed)
    flipped = rng.choice(len(y), round(0.05 * len(y)), replace=False)
    given = y.copy()
    given[flipped] = (given[flipped] + rng.integers(1, n_classes, len(flipped))) % n_classes
    params = {"n_estimators": 20} if model == "random_forest" else {}
    spec = LearnerSpec((Member(model, params),), seed=seed)
    classes = np.arange(n_classes)
    proba = judged(spec, X, given, fit_preparation(X, scale=True), classes)
    assert proba is not None
    order = np.argsort(normalized_margin(proba, given), kind="stable")
    return float(np.isin(flipped, order[: len(y) // 10]).mean())


@pytest.mark.parametrize("model", ["random_forest", "logistic_regression", "svm"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_of_5_percent_flipped_labels_70_percent_come_in_the_first_tenth(
    model: str, n_classes: int
) -> None:
    centres = [[0, 0], [4, 4], [0, 6], [6, 0]]
    for seed in range(2):
        X, cluster = make_blobs(N, centers=centres, cluster_std=1.0, random_state=seed)
        assert in_first_tenth(X, cluster % n_classes, model, seed, n_classes) >= 0.7


def test_flipped_labels_of_sdss17_come_first_too(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "sdss17" / "sdss17.csv.gz", nrows=8_000)
    bands = ["u", "g", "r", "i", "z"]
    colours = [table[a] - table[b] for i, a in enumerate(bands) for b in bands[i + 1 :]]
    X = np.column_stack([*(table[band] for band in bands), *colours])
    y = (table["class"] == "QSO").to_numpy(dtype=int)
    found = []
    for seed in range(3):
        rows = np.random.default_rng(seed).choice(np.flatnonzero(table["u"] > -9999), N, False)
        found += [in_first_tenth(X[rows], y[rows], m, seed) for m in ("random_forest", "svm")]
    assert np.mean(found) >= 0.75
    assert min(found) >= 0.6  # of 15: a few lie among the other side


def test_the_margin_is_the_label_less_the_likeliest_other() -> None:
    proba = np.array([[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]])
    assert normalized_margin(proba, np.array([1, 2])).tolist() == pytest.approx([0.2, -0.2])


def test_no_label_is_judged_by_a_model_that_learned_from_it() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    y = rng.integers(0, 2, 60)  # nothing to learn: who has seen a label knows it all the same
    spec = LearnerSpec((Member("knn", {"n_neighbors": 1}),), seed=0)
    preparation = fit_preparation(X, scale=False)
    proba = judged(spec, X, y, preparation, BINARY)
    assert proba is not None
    assert 0.25 < (proba.argmax(axis=1) == y).mean() < 0.75
    again = judged(spec, X, y, preparation, BINARY)
    np.testing.assert_array_equal(proba, again)
    assert judged(spec, X, y, preparation, BINARY, lambda n_done: n_done < 3) is None


def test_texts_are_judged_as_they_come() -> None:
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 30)
    X = rng.poisson(0.3, (60, 40)).astype(float)
    X[y == 1, :10] += rng.poisson(1.5, (30, 10))
    spec, preparation = LearnerSpec((Member("knn"),)), fit_preparation(X, scale=False)
    dense = judged(spec, X, y, preparation, BINARY)
    assert dense is not None
    assert (dense.argmax(axis=1) == y).mean() > 0.8
    assert sparse.csr_matrix(X)[np.array([1, 2])].shape == (2, 40)  # rows are taken alike


@pytest.mark.parametrize("y", [[0] * 8, [0] * 7 + [1], [0, 1]])
def test_labels_of_one_side_are_judged_by_nothing(y: list[int]) -> None:
    X = np.arange(2.0 * len(y)).reshape(-1, 2)
    with pytest.raises(NotEnoughLabelsError):
        judged(
            LearnerSpec((Member("knn"),)), X, np.array(y), fit_preparation(X, scale=False), BINARY
        )


def test_of_many_classes_one_with_a_single_object_is_judged_too() -> None:
    X, y = make_blobs(31, centers=[[0, 0], [8, 8]], random_state=0)
    y[0] = 2
    spec = LearnerSpec((Member("naive_bayes"),))
    proba = judged(spec, X, y, fit_preparation(X, scale=False), np.arange(3))
    assert proba is not None
    assert int(normalized_margin(proba, y).argmin()) == 0


# -- the queue of a project ------------------------------------------------------------------------


def audit(session: LabellingSession, classifier: str = "QSO") -> Audited:
    job = begin_audit(session, classifier)
    job.wait(60)
    return job.result()


def listed(session: LabellingSession, audited: Audited, classifier: str = "QSO") -> list[Suspect]:
    return queue(session, session.state(classifier), audited)


def moment(session: LabellingSession) -> str:
    return f"{session.project.log.last_seq}::"


@pytest.fixture
def wrong(project: Project) -> tuple[LabellingSession, int]:
    """A session with thirty labels of the catalogue's, three answers, and one that is wrong."""
    session = begin(project, n_initial=30)
    fit = session.state("QSO").fit
    assert fit is not None
    for _ in range(2):
        answer(session)
    fitting = [r for r in known(session, TRAIN, "GALAXY") if fit.proba[r] < 0.05]
    trained = session.state("QSO").history.trained
    row = next(r for r in fitting if r not in trained)
    answer(session, row=row, label="QSO")
    return session, row


def test_a_slip_of_the_key_comes_first_with_what_is_said_of_it(
    wrong: tuple[LabellingSession, int],
) -> None:
    session, row = wrong
    found = listed(session, audit(session))
    first = found[0]
    assert (first.row, first.label, first.who) == (row, "QSO", "Ada")
    assert (first.is_at_odds, first.says, first.trains) == (True, "", True)
    assert first.p_given + first.p_says == pytest.approx(1)
    assert len(found) == len(session.state("QSO").history.trained)
    assert {each.who for each in found} == {"", "Ada"}
    assert [each.margin for each in found] == sorted(each.margin for each in found)


def test_a_confirmed_label_leaves_the_queue_until_it_changes_and_changes_nothing_else(
    wrong: tuple[LabellingSession, int],
) -> None:
    session, row = wrong
    audited, before = audit(session), session.state("QSO")
    assert confirm(session, "QSO", row, token=moment(session)) == "QSO"
    after = session.state("QSO")
    assert row not in [each.row for each in listed(session, audited)]
    assert not is_stale(after, audited)
    assert (after.history.trained, after.history.sets) == (
        before.history.trained,
        before.history.sets,
    )
    assert (after.fit, after.question, after.scores) == (before.fit, before.question, before.scores)
    assert session.project.log.events()[-1].kind == "confirmed"
    answer(session, row=row, label="GALAXY")
    answer(session, row=row, label="STAR")
    assert row in [each.row for each in listed(session, audit(session))]
    answer(session, row=row, label="QSO")
    assert row not in [each.row for each in listed(session, audit(session))]


def test_a_confirmation_is_taken_back_and_then_the_answer_before_it(
    wrong: tuple[LabellingSession, int],
) -> None:
    session, row = wrong
    audited = audit(session)
    confirm(session, "QSO", row, token=moment(session))
    last = last_done(session, "QSO")
    assert last is not None
    assert last.kind == "confirmed"
    undo_last(session, "QSO", token=moment(session))
    assert listed(session, audited)[0].row == row
    assert undo_last(session, "QSO", token=moment(session)).label == "QSO"
    assert row not in session.state("QSO").history.trained


def test_a_correction_is_an_answer_and_marks_the_audit_as_stale(
    wrong: tuple[LabellingSession, int],
) -> None:
    session, row = wrong
    audited = audit(session)
    state = answer(session, row=row, label="GALAXY")
    assert state.history.trained[row] == "GALAXY"
    assert is_stale(state, audited)
    assert row not in [each.row for each in listed(session, audited)], "it was looked at"
    state = session.undo("QSO", token=state.token)
    assert not is_stale(state, audited)
    assert listed(session, audited)[0].row == row


def test_what_was_said_meanwhile_is_not_confirmed_unseen(
    wrong: tuple[LabellingSession, int],
) -> None:
    session, row = wrong
    token = moment(session)
    answer(session, row=row, label="STAR")
    with pytest.raises(AnswerRefusedError, match="meanwhile"):
        confirm(session, "QSO", row, token=token)
    unlabelled = next(
        r for r in known(session, TRAIN) if r not in session.state("QSO").history.asked
    )
    with pytest.raises(AnswerRefusedError, match="no label"):
        confirm(session, "QSO", unlabelled, token=moment(session))


def test_labels_that_validate_are_judged_by_the_model_that_never_saw_them(
    project: Project,
) -> None:
    session = begin(project, n_initial=20)
    row = next(known(session, VALIDATION, "QSO"))
    state = answer(session, row=row, label="STAR")
    (found,) = [each for each in listed(session, audit(session)) if each.row == row]
    assert not found.trains
    assert state.fit is not None
    assert found.p_given == pytest.approx(1 - float(state.fit.proba[row]), abs=1e-6)


def test_without_a_model_or_of_one_side_alone_the_audit_says_what_it_takes(
    project: Project,
) -> None:
    session = begin(project)
    for row in known(session, TRAIN, "QSO"):
        if row in session.state("QSO").history.trained:
            answer(session, row=row, label="STAR")
    with pytest.raises(NotEnoughLabelsError):
        audit(session)


# -- for whom --------------------------------------------------------------------------------------


def work_together(session: LabellingSession, **changes: bool) -> LabellingSession:
    people = replace(People(several=True, again_every=0), **changes)  # type: ignore[arg-type]
    session.change_settings(replace(session.config, people=people))
    return LabellingSession(session.project, "Ben")


def test_of_several_people_each_confirms_for_themselves(
    wrong: tuple[LabellingSession, int],
) -> None:
    ada, row = wrong
    ben = work_together(ada)
    audited = audit(ben)
    first = listed(ben, audited)[0]
    assert (first.row, first.who, first.is_own) == (row, "Ada", False)
    confirm(ada, "QSO", row, token=moment(ada))
    assert row not in [each.row for each in listed(ada, audited)]
    assert listed(ben, audited)[0].row == row
    with pytest.raises(AnswerRefusedError):
        undo_last(ben, "QSO", token=moment(ben))


def test_blind_nobody_sees_a_label_of_another_in_the_queue(
    wrong: tuple[LabellingSession, int],
) -> None:
    ada, row = wrong
    ben = work_together(ada, blind=True)
    state = ben.state("QSO")
    assert state.question is not None
    own = state.question.row
    answer(ben, label="QSO")
    found = listed(ben, audit(ben))
    assert {each.who for each in found} == {"", "Ben"}
    assert own in [each.row for each in found]
    assert row not in [each.row for each in found]
    with pytest.raises(AnswerRefusedError, match="no label"):
        confirm(ben, "QSO", row, token=moment(ben))


def test_what_is_being_asked_for_the_second_time_is_not_in_the_queue(project: Project) -> None:
    session = begin(project, n_initial=20)
    asking = replace(session.config.asking, repeat_every=5, random_every=0)
    session.change_settings(replace(session.config, asking=asking))
    for _ in range(60):
        state = session.state("QSO")
        assert state.question is not None
        if state.question.how == "again":
            break
        answer(session)
    assert state.question.how == "again"
    assert state.question.row not in [each.row for each in listed(session, audit(session))]


# -- where else it goes ----------------------------------------------------------------------------


def test_a_confirmation_is_no_answer_where_answers_are_shared(project: Project) -> None:
    session = begin(project, n_initial=10)
    session.start("STAR", small_setup(n_initial=6))
    session.change_settings(replace(session.config, asking=Asking(shared=True)))
    row = next(iter(session.state("STAR").history.given))
    before = session.state("STAR").history
    confirm(session, "STAR", row, token=moment(session))
    assert session.state("STAR").history.given == before.given
    assert row not in session.state("QSO").history.verified
    said = answers_in_force(session.project.log.events(), shared=True)
    assert {each.event.kind for each in said} == {"given"}


def test_a_confirmation_goes_along_in_configurations_and_is_refused_without_its_label(
    wrong: tuple[LabellingSession, int], tmp_path: Path
) -> None:
    session, row = wrong
    confirm(session, "QSO", row, token=moment(session))
    text = write_configuration(record(session.project, session.moment()))
    read = read_configuration(text.encode())
    assert read.events[-1].kind == "confirmed"
    assert read.events[-1].label == "QSO"
    damaged = text[: text.rindex('"label": "QSO"')] + text[text.rindex('"label": "QSO"') :].replace(
        '"label": "QSO"', '"label": null', 1
    )
    with pytest.raises(ConfigurationError):
        read_configuration(damaged.encode())


def test_a_merged_label_stays_confirmed_as_what_it_is_now(
    wrong: tuple[LabellingSession, int],
) -> None:
    session, _ = wrong
    row = next(r for r, v in session.state("QSO").history.trained.items() if v == "GALAXY")
    confirm(session, "QSO", row, token=moment(session))
    merge_labels(session, "GALAXY", "STAR")
    assert row not in [each.row for each in listed(session, audit(session))]
