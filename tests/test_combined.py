"""The combined prediction: arithmetic worked out by hand, and what a project makes of it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from conftest import CLASSES, TRUTH, answer, begin, known, small_setup, survey_config
from sklearn.linear_model import LogisticRegression

from al_engine.curating.test_set import Curator
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.learning.calibration import Sigmoid, fit_sigmoid
from al_engine.learning.combining import NONE, combine
from al_engine.loop.calibrating import ENOUGH_OF_A_SIDE
from al_engine.loop.combined import (
    Combined,
    Predict,
    combined,
    none_below_of,
)
from al_engine.loop.truth import parts_in_force
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import People, ProjectConfig, Splits
from al_engine.sharing.exporting import predictions_of
from al_engine.showing.overview import Overview


def three(project: Project, *, n_answers: int = 6) -> LabellingSession:
    """A session with a classifier for each label, every one with some answers."""
    config = replace(project.config, train_labels=CLASSES)
    project.save_config(config, "Ada")
    session = begin(project, CLASSES[0], n_initial=12)
    for label in CLASSES[1:]:
        session.start(label, small_setup(n_initial=12))
    for _ in range(n_answers):
        for label in CLASSES:
            answer(session, label)
    return session


def made(session: LabellingSession) -> Combined:
    states = [session.state(c) for c in session.config.train_labels if session.is_started(c)]
    return combined(session.project.dataset(), states)


# -- the sigmoid --


def test_a_probability_that_is_right_stays_as_it_is() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.02, 0.98, 40_000).astype(np.float32)
    fitted = fit_sigmoid(p, rng.uniform(size=len(p)) < p)
    assert fitted.slope == pytest.approx(1, abs=0.05)
    assert fitted.intercept == pytest.approx(0, abs=0.05)
    assert np.abs(fitted(p) - p).max() < 0.02


def test_a_probability_that_is_too_sure_is_drawn_in() -> None:
    rng = np.random.default_rng(1)
    right = rng.uniform(0.1, 0.9, 20_000)
    odds = (right / (1 - right)) ** 3
    said = (odds / (1 + odds)).astype(np.float32)
    fitted = fit_sigmoid(said, rng.uniform(size=len(said)) < right)
    assert fitted.slope == pytest.approx(1 / 3, abs=0.03)
    assert np.abs(fitted(said) - right).max() < 0.03


def test_a_sigmoid_with_the_slope_1_changes_nothing_and_keeps_the_ends_finite() -> None:
    p = np.float32([0.0, 0.25, 0.5, 1.0])
    assert Sigmoid(1.0, 0.0)(p) == pytest.approx([0.001, 0.25, 0.5, 0.999], abs=1e-6)


def test_the_order_of_a_classifier_is_never_turned_round() -> None:
    p = np.linspace(0.1, 0.9, 50, dtype=np.float32)
    fitted = fit_sigmoid(p, p < 0.5)
    assert fitted.slope == 0
    assert fitted(p) == pytest.approx(np.full(50, 0.5), abs=1e-6)


def test_a_classifier_that_says_the_same_of_all_gets_their_share() -> None:
    fitted = fit_sigmoid(np.full(98, 0.7, dtype=np.float32), np.arange(98) < 24)
    # Platt's targets: 25/26 for each of 24, 1/76 for each of 74.
    assert fitted(np.float32([0.7]))[0] == pytest.approx((24 * 25 / 26 + 74 / 76) / 98, abs=1e-6)


def test_objects_that_are_told_apart_perfectly_are_not_calibrated_to_certainty() -> None:
    p = np.array([0.05] * 20 + [0.95] * 20, dtype=np.float32)
    fitted = fit_sigmoid(p, p > 0.5)
    # Two points, two parameters: Platt's targets themselves, 1/22 and 21/22.
    assert fitted(p[[0, -1]]) == pytest.approx([1 / 22, 21 / 22], abs=1e-4)


@pytest.mark.parametrize("rate", [0.5, 0.02, 0.0005])
@pytest.mark.parametrize("n", [30, 20_000])
def test_the_sigmoid_is_the_likeliest_for_common_and_for_rare_labels(n: int, rate: float) -> None:
    rng = np.random.default_rng(n)
    is_positive = rng.random(n) < rate
    is_positive[:2] = True
    z = rng.normal(np.where(is_positive, 2, -4), 2)
    p = (1 / (1 + np.exp(-z))).round(2).astype(np.float32)
    fitted = fit_sigmoid(p, is_positive)
    target = np.where(
        is_positive, 1 - 1 / (is_positive.sum() + 2), 1 / (np.count_nonzero(~is_positive) + 2)
    )
    # A target between 0 and 1 is both labels, each with its share of the weight.
    clipped = np.clip(p.astype(float), 1e-3, 1 - 1e-3)
    X = np.log(clipped / (1 - clipped)).reshape(-1, 1)
    theirs = LogisticRegression(C=np.inf, max_iter=10_000, tol=1e-10).fit(
        np.concatenate([X, X]), np.repeat([1, 0], n), np.concatenate([target, 1 - target])
    )
    assert fitted.slope == pytest.approx(theirs.coef_[0, 0], rel=1e-3)
    assert fitted.intercept == pytest.approx(theirs.intercept_[0], rel=1e-3)


# -- the rules --


def test_the_likeliest_is_predicted_of_equals_the_first_and_none_where_all_are_under() -> None:
    a = np.float32([0.9, 0.7, 0.6, 0.49, 0.5])
    b = np.float32([0.1, 0.8, 0.6, 0.2, 0.2])
    assert combine([a, b], 0.5).tolist() == [0, 1, 0, NONE, 0]
    assert combine([a, b], 0.0).tolist() == [0, 1, 0, 0, 0]
    assert combine([a, b], 1.0).tolist() == [NONE] * 5


def test_by_itself_none_is_predicted_only_where_an_object_can_be_something_else() -> None:
    config = survey_config(train_labels=("QSO", "STAR"))
    assert none_below_of(config, ("QSO", "STAR")) == 0.5
    assert none_below_of(config, CLASSES) == 0
    assert none_below_of(replace(config, leave_out_other_labels=True), ("QSO", "STAR")) == 0
    assert none_below_of(replace(config, none_below=0.3), CLASSES) == 0.3


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_a_limit_that_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(SettingsError, match="none_below"):
        ProjectConfig.from_dict({"none_below": wrong})


# -- in a project --


def test_all_classifiers_together_are_scored_over_what_validates_for_each(
    project: Project,
) -> None:
    session = three(project)
    found = made(session)
    parts = project.dataset().parts
    n = sum(parts[row] == VALIDATION for row in known(session, VALIDATION))
    assert found.classifiers == CLASSES
    assert sum(map(sum, found.confusion)) == found.accuracy.n == n
    assert [sum(row) for row in found.confusion[:-1]] == [
        sum(TRUTH[row] == label for row in known(session, VALIDATION)) for label in CLASSES
    ]
    assert sum(found.confusion[-1]) == 0, "there is no fourth label"
    assert found.accuracy.value > 0.5
    scored = np.isfinite(session.state("QSO").fit.proba).sum()
    assert sum(found.n_predicted) == scored


def test_an_object_is_scored_by_sigmoids_that_have_not_seen_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = three(project, n_answers=1)
    n_validating = len(list(known(session, VALIDATION)))
    fitted_on: list[int] = []

    def noted(proba, is_positive):
        fitted_on.append(len(proba))
        return fit_sigmoid(proba, is_positive)

    monkeypatch.setattr("al_engine.loop.combined.fit_sigmoid", noted)
    made(session)
    folds = fitted_on[len(CLASSES) :]
    assert fitted_on[: len(CLASSES)] == [n_validating] * len(CLASSES)
    assert sum(folds) == len(CLASSES) * 4 * n_validating, "each fold leaves out itself alone"


def test_no_object_is_scored_by_a_sigmoid_of_its_own_fold(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = three(project, n_answers=0)
    states = []
    for i, label in enumerate(CLASSES):
        state = session.state(label)
        told_apart = np.linspace(0.1 + 0.2 * i, 0.2 + 0.2 * i, len(TRUTH), dtype=np.float32)
        states.append(replace(state, fit=replace(state.fit, proba=told_apart)))
    learned_from: list[tuple[Sigmoid, set[float]]] = []
    n_scored: list[int] = []

    def noted(proba, is_positive):
        learned_from.append((Sigmoid(1.0, len(learned_from) / 1000), set(proba.tolist())))
        return learned_from[-1][0]

    class Noted(Predict):
        def __call__(self, probas):
            for sigmoid, proba in zip(self.sigmoids, probas, strict=True):
                number = [each for each, _ in learned_from].index(sigmoid)
                if number >= len(CLASSES):  # the first are those of all folds, for other objects
                    assert not learned_from[number][1] & set(proba.tolist())
                    n_scored.append(len(proba))
            return super().__call__(probas)

    monkeypatch.setattr("al_engine.loop.combined.fit_sigmoid", noted)
    monkeypatch.setattr("al_engine.loop.combined.Predict", Noted)
    found = combined(project.dataset(), states)
    assert sum(n_scored) == len(CLASSES) * found.accuracy.n > 0


def test_the_same_answers_give_the_same_combined_prediction(project: Project) -> None:
    session = three(project)
    assert made(session) == made(LabellingSession(project, "Ben"))


def test_a_label_without_a_classifier_is_rightly_none_of_these(project: Project) -> None:
    session = begin(project, "QSO", n_initial=12)
    session.start("STAR", small_setup(n_initial=12))
    found = made(session)
    n_galaxies = len(list(known(session, VALIDATION, "GALAXY")))
    assert sum(found.confusion[-1]) == n_galaxies
    assert found.confusion[-1][-1] > 0


def test_a_classifier_with_too_few_validation_labels_stays_uncalibrated_and_is_named_so(
    project: Project,
) -> None:
    project.save_config(survey_config(splits=Splits(train=90, validation=5, test=5)), "Ada")
    session = three(project, n_answers=1)
    found = made(session)
    assert {c.sigmoid for c in found.calibrations} == {None}
    assert all(c.n < 30 for c in found.calibrations)
    calibrated, _ = found.predicts([session.state(c).fit.proba for c in CLASSES])
    assert np.array_equal(calibrated[0], session.state(CLASSES[0]).fit.proba, equal_nan=True)


def test_a_side_with_too_few_validation_labels_is_not_calibrated_on(project: Project) -> None:
    session = three(project, n_answers=1)
    rows = list(known(session, VALIDATION, "QSO"))
    for row in rows[ENOUGH_OF_A_SIDE - 1 :]:
        answer(session, "QSO", row=row, label="STAR")
    found = made(session)
    of = dict(zip(found.classifiers, found.calibrations, strict=True))
    assert of["QSO"].n_positive == ENOUGH_OF_A_SIDE - 1
    assert of["QSO"].sigmoid is None
    assert of["GALAXY"].sigmoid is not None


def test_fewer_than_two_classifiers_that_know_both_sides_are_refused(project: Project) -> None:
    session = begin(project)
    with pytest.raises(NotEnoughLabelsError, match="there is one"):
        made(session)
    session.start("STAR", small_setup(initial_labels="ask"))
    answer(session, "STAR", label="QSO")
    with pytest.raises(NotEnoughLabelsError, match="there is one"):
        made(session)
    assert "two classifiers" in str(Overview(session).lacking())


def test_a_classifier_that_knows_one_side_alone_is_named_and_takes_no_part(
    project: Project,
) -> None:
    session = begin(project, "QSO")
    config = replace(session.config, train_labels=("STAR", "GALAXY", "QSO"))
    session.change_settings(config)
    session.start("GALAXY", small_setup())
    session.start("STAR", small_setup(initial_labels="ask"))
    answer(session, "STAR", label="QSO")
    found = made(session)
    assert (found.classifiers, found.absent) == (("GALAXY", "QSO"), ("STAR",))


def test_objects_that_two_tabs_disagree_on_are_in_no_score_and_are_counted(
    project: Project,
) -> None:
    session = three(project, n_answers=0)
    before = made(session)
    row = next(known(session, VALIDATION))
    answer(session, "QSO", row=row, label="QSO")
    answer(session, "STAR", row=row, label="STAR")
    found = made(session)
    assert (before.n_disputed, found.n_disputed) == (0, 1)
    assert found.accuracy.n == before.accuracy.n - 1


def test_what_trained_any_classifier_scores_none_together(project: Project) -> None:
    session = three(project, n_answers=0)
    session.change_settings(replace(session.config, splits=Splits(seed=9)))
    drawn = set(known(session, VALIDATION))
    trained = {row for label in CLASSES for row in session.state(label).history.trained}
    assert drawn & trained, "the draw has put some of them into validation"
    assert made(session).accuracy.n == len(drawn - trained)


def test_what_trained_one_classifier_alone_scores_none_together(project: Project) -> None:
    session = three(project, n_answers=0)
    drawn = replace(session.config, splits=Splits(seed=9))
    validates = project.prepare(drawn).parts == VALIDATION
    trained = {row for label in CLASSES for row in session.state(label).history.trained}
    rows = [r for r in known(session, TRAIN) if validates[r] and r not in trained][:3]
    for row, label in zip(rows, CLASSES, strict=True):
        answer(session, label, row=row)
    session.change_settings(drawn)
    drawn_now = set(known(session, VALIDATION))
    assert set(rows) < drawn_now
    for dropped in (set(), {rows[0]}, {rows[1]}, {rows[2]}):
        kept = [label for label, row in zip(CLASSES, rows, strict=True) if row not in dropped]
        states = [session.state(label) for label in kept]
        used = {row for state in states for row in state.history.trained}
        found = combined(project.dataset(), states)
        assert found.accuracy.n == len(drawn_now - used)


def test_curated_objects_are_in_no_count_of_what_is_predicted(project: Project) -> None:
    session = three(project, n_answers=1)
    curated = replace(session.config.splits, curated=True)
    session.change_settings(replace(session.config, splits=curated))
    before = sum(made(session).n_predicted)
    curator = Curator(session)
    for row in list(known(session, TRAIN))[:4] + list(known(session, VALIDATION))[:3]:
        shown = curator.next_object("audit", None, selected=row)
        curator.answer(row, "answer", TRUTH[row], token=shown.token)
    found = made(session)
    parts = [parts_in_force(project.dataset(), session.state(c).history) for c in CLASSES]
    assert before - sum(found.n_predicted) == 7
    assert sum(found.n_predicted) == np.count_nonzero(
        (parts[0] == TRAIN) | (parts[0] == VALIDATION)
    )


def test_blind_everybody_gets_the_same_combined_prediction_scored_on_what_trained_nothing(
    project: Project,
) -> None:
    ada = three(project, n_answers=8)
    people = People(several=True, blind=True, again_every=0)
    ada.change_settings(replace(ada.config, people=people))
    trained = {row for label in CLASSES for row in ada.state(label).history.trained}
    ada.change_settings(replace(ada.config, splits=Splits(seed=9)))
    ben = LabellingSession(project, "Ben")
    validating = set(known(ada, VALIDATION))
    assert validating & trained - set(ben.state("QSO").history.given)
    theirs = Overview(ben).combined()
    assert theirs == Overview(ada).combined()
    assert theirs.accuracy.n == len(validating - trained)


def test_what_two_people_differ_about_is_in_no_score_and_is_counted(project: Project) -> None:
    ada = three(project, n_answers=0)
    ada.change_settings(replace(ada.config, people=People(several=True, again_every=0)))
    before = made(ada)
    row = next(known(ada, VALIDATION, "STAR"))
    answer(ada, "QSO", row=row, label="QSO")
    answer(LabellingSession(project, "Ben"), "QSO", row=row, label="GALAXY")
    found = made(ada)
    assert (before.n_disputed, found.n_disputed) == (0, 1)
    assert found.accuracy.n == before.accuracy.n - 1
    of = dict(zip(found.classifiers, found.calibrations, strict=True))
    assert of["QSO"].n == of["STAR"].n - 1


# -- the overview --


def test_the_overview_says_of_each_classifier_where_it_stands(project: Project) -> None:
    session = three(project, n_answers=2)
    session.change_settings(replace(session.config, train_labels=CLASSES[:2]))
    answer(session, "QSO", kind="unsure")
    state, standing = session.state("QSO"), Overview(session).standing("QSO")
    assert sum(n for _, n in standing.n_by_label) == len(state.history.trained)
    assert (standing.n_given, standing.n_unsure) == (12, 1)
    assert standing.asks == session.object_id(state.question.row)
    assert standing.probability == pytest.approx(float(state.fit.proba[state.question.row]))
    assert standing.scores == state.scores


def test_the_overview_follows_an_answer(project: Project) -> None:
    session = three(project, n_answers=1)
    overview = Overview(session)
    first = overview.combined()
    assert overview.combined() is first, "a page is drawn many times for one round"
    answer(session, "QSO", row=next(known(session, VALIDATION, "QSO")), label="STAR")
    assert overview.combined().confusion != first.confusion


# -- taken away --


def predicted_rows(session: LabellingSession) -> Iterator[dict]:
    for batch in predictions_of(session).batches:
        yield from batch.to_pylist()


def test_exported_predictions_hold_the_combined_one_for_every_object(project: Project) -> None:
    session = three(project)
    found = made(session)
    rows = list(predicted_rows(session))
    assert len(rows) == project.catalogue.n_rows
    fits = [session.state(c).fit for c in CLASSES]
    _, predicted = found.predicts([fit.proba for fit in fits])
    for number, row in enumerate(rows):
        calibrated = [row[f"calibrated_{label}"] for label in CLASSES]
        assert all(0 <= p <= 1 for p in calibrated)
        best = CLASSES[int(np.argmax(calibrated))]
        assert row["predicted"] == best
        if np.isfinite(fits[0].proba[number]):
            assert row["predicted"] == CLASSES[predicted[number]]
    assert {row["predicted"] for row in rows} == set(CLASSES)


def test_an_object_of_none_of_these_has_no_predicted_label(project: Project) -> None:
    session = three(project, n_answers=1)
    session.change_settings(replace(session.config, none_below=0.6))
    rows = list(predicted_rows(session))
    for row in rows:
        highest = max(row[f"calibrated_{label}"] for label in CLASSES)
        assert (row["predicted"] is None) == (highest < np.float32(0.6))
    assert None in {row["predicted"] for row in rows}


def test_exported_columns_say_what_is_calibrated(project: Project) -> None:
    session = three(project, n_answers=1)
    session.change_settings(replace(session.config, none_below=0.5))
    described = {c.name: c.description for c in predictions_of(session).columns}
    assert "by a sigmoid" in described["calibrated_QSO"]
    assert "under 0.5" in described["predicted"]


def test_one_classifier_alone_exports_no_combined_column(project: Project) -> None:
    names = [column.name for column in predictions_of(begin(project)).columns]
    assert "predicted" not in names
    assert not [name for name in names if name.startswith("calibrated")]
