"""One round as pure functions: same labels, same round."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import CLASSES, SMALL_FOREST, survey_config

from al_engine.data.history import History, Postponed, fold
from al_engine.data.labels import Event
from al_engine.data.matrix import Matrix
from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION
from al_engine.learning.learners import fit_preparation
from al_engine.loop.asking import random_every
from al_engine.loop.firsts import initial_rows
from al_engine.loop.fitting import Fit, fit_round, learner_spec
from al_engine.loop.rounds import Plan, next_question
from al_engine.loop.scores import score_round, scores_over
from al_engine.loop.scores import test_round as scores_of_test_set
from al_engine.loop.truth import labelled_set, part_in_force, parts_in_force, truth_in_force
from al_engine.mixing import mix64
from al_engine.projects.dataset import Dataset
from al_engine.projects.project import Project
from al_engine.settings.config import ClassifierSetup

SETUP = ClassifierSetup((SMALL_FOREST,))


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return project.dataset()


def hand_made(codes: list[int], parts: list[int]) -> Dataset:
    """A data set of one feature whose value is the row."""
    X = np.arange(len(codes), dtype=np.float32)[None, :]
    return Dataset(
        (),
        CLASSES,
        Matrix(X, np.arange(len(codes), dtype=np.int32), np.arange(len(codes), dtype=np.int32)),
        np.array(codes, dtype=np.int16),
        np.array(parts, dtype=np.uint8),
        mix64(np.arange(len(codes), dtype=np.uint64)),
        fit_preparation(X.T, scale=True),
    )


def turned_round(X: Matrix) -> Matrix:
    """The same objects with the last row first."""
    last = len(X.row_at) - 1
    return Matrix(X.columns, last - X.row_at, X.place_of[::-1])


def trained_on(dataset: Dataset, n: int) -> History:
    rows = [int(r) for r in np.flatnonzero((dataset.parts == TRAIN) & (dataset.codes >= 0))[:n]]
    return fold(
        [
            Event("answer", row_number=row, label=dataset.values[dataset.codes[row]], part="train",
                  how="query", seq=i)
            for i, row in enumerate(rows, start=1)
        ]
    )  # fmt: skip


def ask(dataset: Dataset, history: History, fit: Fit | None, **changes: object) -> object:
    options = {"initial": np.array([], dtype=np.intp), "n_initial": 0, "every": 0, **changes}
    spec = learner_spec(SETUP, int(options.pop("seed", 0)))  # type: ignore[call-overload]
    return next_question(Plan(dataset, "QSO", spec, "Quasar", **options), history, fit)  # type: ignore[arg-type]


def test_what_trained_and_what_validated_stay_where_they_were() -> None:
    dataset = hand_made([0, 1, 2, 0], [TRAIN, VALIDATION, TEST, OUT])
    history = History(trained={1: "QSO", 3: "STAR"}, validated={0: "QSO"}, corrected={2: "QSO"})
    assert parts_in_force(dataset, history).tolist() == [VALIDATION, TRAIN, TEST, TRAIN]
    assert [part_in_force(dataset, history, row) for row in range(4)] == [
        VALIDATION, TRAIN, TEST, TRAIN,
    ]  # fmt: skip
    assert dataset.parts.tolist() == [TRAIN, VALIDATION, TEST, OUT]


def test_the_truth_is_the_catalogue_until_someone_looked() -> None:
    dataset = hand_made([0, 1, 2, -1, -1], [TRAIN] * 5)
    history = History(trained={0: "QSO", 3: "STAR"}, corrected={1: "STAR"}, given=frozenset())
    assert truth_in_force(dataset, History(), "QSO").tolist() == [0, 1, 0, -1, -1]
    assert truth_in_force(dataset, history, "QSO").tolist() == [1, 0, 0, 0, -1]


def test_the_labelled_set_is_in_row_order() -> None:
    dataset = hand_made([0] * 10, [TRAIN] * 10)
    rows, y = labelled_set(dataset, History(trained={9: "QSO", 2: "STAR", 5: "QSO"}), "QSO")
    assert rows.tolist() == [2, 5, 9]
    assert y.tolist() == [0, 1, 1]


def test_a_fit_scores_training_and_validation_and_leaves_the_test_set_alone(
    dataset: Dataset,
) -> None:
    fit = fit_round(dataset, trained_on(dataset, 12), "QSO", learner_spec(SETUP, 0))
    test = dataset.parts == TEST
    assert np.isnan(fit.proba[test]).all()
    assert not np.isnan(fit.proba[~test]).any()
    np.testing.assert_array_equal(np.isnan(fit.utility), dataset.parts != TRAIN)
    np.testing.assert_array_equal(fit.predicted[~test], fit.proba[~test] > 0.5)
    np.testing.assert_allclose(
        fit.utility[dataset.parts == TRAIN],
        np.minimum(fit.proba, 1 - fit.proba)[dataset.parts == TRAIN],
        rtol=1e-5,
    )


def test_scores_are_over_what_is_known_of_each_set(dataset: Dataset) -> None:
    history, spec = trained_on(dataset, 12), learner_spec(SETUP, 0)
    fit = fit_round(dataset, history, "QSO", spec)
    scores = score_round(dataset, history, "QSO", spec, fit)
    assert scores.training is not None
    assert scores.validation is not None
    assert (scores.training.n, scores.validation.n, scores.by_folds) == (162, 54, False)
    own = dataset.codes == CLASSES.index("QSO")
    validation = dataset.parts == VALIDATION
    hits = int((fit.predicted[validation] == own[validation]).sum())
    assert scores.validation.accuracy.value == hits / 54
    assert type(scores).from_dict(scores.to_dict()) == scores


def test_the_test_set_is_scored_by_the_same_model(dataset: Dataset) -> None:
    history = trained_on(dataset, 12)
    fit = fit_round(dataset, history, "QSO", learner_spec(SETUP, 0))
    scores = scores_of_test_set(dataset, history, "QSO", learner_spec(SETUP, 0), fit, None)
    rows = np.flatnonzero(dataset.parts == TEST)
    predicted = fit.learner.predict(dataset.rows(rows))
    own = dataset.codes[rows] == CLASSES.index("QSO")
    assert scores is not None
    assert scores.confusion[1] == (
        int((own & (predicted == 0)).sum()),
        int((own & (predicted == 1)).sum()),
    )
    none = replace(dataset, parts=np.zeros_like(dataset.parts))
    assert scores_of_test_set(none, history, "QSO", learner_spec(SETUP, 0), fit, None) is None


def test_no_objects_have_no_scores(dataset: Dataset) -> None:
    fit = fit_round(dataset, trained_on(dataset, 4), "QSO", learner_spec(SETUP, 0))
    truth = truth_in_force(dataset, History(), "QSO")
    assert scores_over(np.zeros(dataset.n_rows, dtype=bool), truth, fit) is None


@pytest.mark.parametrize(
    ("codes", "n", "n_known"),
    [
        ([0, 1, 0, 1, 0, 1, -1, -1], 5, 5),
        ([0, 0, 0, 0, 0, 1, -1, -1], 2, 2),
        ([0, 1, -1, -1, -1, -1, -1, -1], 5, 2),
        ([0, 1, -1], 5, 2),
    ],
)
def test_initial_points_hold_both_sides_and_known_ones_first(
    codes: list[int], n: int, n_known: int
) -> None:
    dataset = hand_made(codes, [TRAIN] * len(codes))
    for seed in range(5):
        rows = initial_rows(dataset, "QSO", replace(SETUP, n_initial=n), "spread", seed)
        assert len(set(rows.tolist())) == min(n, len(codes))
        drawn = dataset.codes[rows]
        assert {0, 1} <= set(drawn.tolist())
        assert int((drawn >= 0).sum()) == n_known


def test_initial_points_come_from_the_training_pool_only() -> None:
    dataset = hand_made([0, 1] * 20, [TRAIN, TRAIN, VALIDATION, TEST] * 10)
    rows = initial_rows(dataset, "QSO", replace(SETUP, n_initial=9), "spread", 0)
    assert set(dataset.parts[rows]) == {TRAIN}


def test_initial_points_go_by_object_and_not_by_row(dataset: Dataset) -> None:
    backward = replace(
        dataset, X=turned_round(dataset.X), codes=dataset.codes[::-1], parts=dataset.parts[::-1],
        keys=dataset.keys[::-1],
    )  # fmt: skip
    rows = initial_rows(dataset, "QSO", SETUP, "spread", 3)
    turned = initial_rows(backward, "QSO", SETUP, "spread", 3)
    assert (dataset.n_rows - 1 - turned).tolist() == rows.tolist()
    assert initial_rows(dataset, "QSO", SETUP, "spread", 4).tolist() != rows.tolist()


@pytest.mark.parametrize(("n_validation", "expected"), [(29, 5), (30, 0)])
def test_random_questions_come_where_validation_is_small(n_validation: int, expected: int) -> None:
    dataset = hand_made([0] * 40, [VALIDATION] * n_validation + [TRAIN] * (40 - n_validation))
    assert random_every(dataset.n_validation, None) == expected
    assert random_every(dataset.n_validation, 7) == 7
    assert random_every(dataset.n_validation, 0) == 0


def test_what_is_due_comes_first_and_the_oldest_of_it() -> None:
    dataset = hand_made([0, 1, 0, 1], [TRAIN] * 4)
    later = {0: Postponed(12, "query"), 1: Postponed(11, "random"), 2: Postponed(13, "query")}
    question = ask(dataset, History(later=later, n_passed=12), None)
    assert (question.row, question.how) == (1, "random")  # type: ignore[attr-defined]
    waiting = ask(dataset, History(later=later, n_passed=10), None, n_initial=1)
    assert waiting.row == 3  # type: ignore[attr-defined]


def test_no_question_is_about_an_object_asked_before_or_outside_the_pool(
    dataset: Dataset,
) -> None:
    history = trained_on(dataset, 10)
    fit = fit_round(dataset, history, "QSO", learner_spec(SETUP, 0))
    asked = set(history.asked)
    for every in (0, 2):
        now = history
        for _ in range(30):
            question = ask(dataset, now, fit, every=every)
            assert question.row not in asked | now.unsure  # type: ignore[attr-defined]
            assert dataset.parts[question.row] == TRAIN  # type: ignore[attr-defined]
            now = replace(
                now,
                unsure=now.unsure | {question.row},  # type: ignore[attr-defined]
                n_questions=now.n_questions + 1,
            )


def test_equals_are_drawn_anew_in_each_round_and_with_each_seed() -> None:
    dataset = hand_made([-1] * 200, [TRAIN] * 200)
    same = np.zeros(200, dtype=np.float32)
    fit = Fit("", None, "margin", ("", "QSO"), same, same > 0, same, None, 2, (1, 1))  # type: ignore[arg-type]
    history = History(sets=(object(),))  # type: ignore[arg-type]
    rows = {
        (seed, n): ask(dataset, replace(history, sets=history.sets * n), fit, seed=seed).row  # type: ignore[attr-defined]
        for seed in range(3)
        for n in (1, 2, 3)
    }
    assert len(set(rows.values())) >= 7
    assert rows[0, 1] == ask(dataset, history, fit, seed=0).row  # type: ignore[attr-defined]


def test_members_of_a_committee_keep_their_order() -> None:
    config = survey_config()
    assert config.setups == {}
    spec = learner_spec(replace(SETUP, members=(SMALL_FOREST, SMALL_FOREST)), 4)
    assert spec.is_committee
    assert (spec.strategy, spec.seed) == ("vote_entropy", 4)
