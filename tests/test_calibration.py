"""What probabilities are worth, what mends them, and where the line is drawn."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, begin, small_setup, survey_values
from paging import TRAINING, fine, read, show

from al_engine.background import BACKGROUND
from al_engine.errors import SettingsError
from al_engine.exchange.applying import apply_model
from al_engine.exchange.saved import open_saved
from al_engine.learning.calibration import (
    FITS,
    Isotonic,
    Sigmoid,
    calibrator_from_dict,
    calibrator_to_dict,
    cross_fitted,
    fit_isotonic,
)
from al_engine.learning.reliability import reliability
from al_engine.learning.thresholds import Line, at_threshold, best, thresholds
from al_engine.loop.calibrating import calibrated, line_in_force
from al_engine.session import LabellingSession
from al_engine.settings.panels import Arrangement, Panel
from al_engine.sharing.exporting import predictions_of


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities that are too sure of themselves, the truth, and folds."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0, 1, n)
    stated = true**3 / (true**3 + (1 - true) ** 3)
    return stated.astype(np.float32), rng.uniform(0, 1, n) < true, np.arange(n) % 5


@pytest.mark.parametrize("method", FITS)
def test_a_calibration_brings_stated_and_observed_shares_together(method):
    proba, is_positive, fold = drawn(20_000)

    mended = cross_fitted(proba, is_positive, fold, FITS[method])

    assert reliability(proba, is_positive).ece > 0.1
    assert reliability(mended, is_positive).ece < 0.015


@pytest.mark.parametrize("method", FITS)
def test_an_object_is_judged_by_a_calibration_that_has_not_seen_it(method):
    proba, is_positive, fold = drawn(200)
    before = cross_fitted(proba, is_positive, fold, FITS[method])

    turned = is_positive.copy()
    turned[fold == 2] ^= True
    after = cross_fitted(proba, turned, fold, FITS[method])

    np.testing.assert_array_equal(before[fold == 2], after[fold == 2])
    assert not np.array_equal(before[fold == 3], after[fold == 3])


@pytest.mark.parametrize("method", FITS)
def test_a_calibration_never_turns_the_order_round(method):
    proba, is_positive, _ = drawn(300)

    mended = FITS[method](proba, is_positive)(np.sort(proba))

    assert (np.diff(mended) >= 0).all()
    assert ((mended >= 0) & (mended <= 1)).all()


@pytest.mark.parametrize("calibrator", [None, Sigmoid(0.7, -1.2), Isotonic((0.1, 0.8), (0.0, 0.9))])
def test_a_calibration_is_read_as_it_was_written(calibrator):
    assert calibrator_from_dict(calibrator_to_dict(calibrator)) == calibrator


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"method": "other"},
        {"method": "sigmoid", "slope": -1.0, "intercept": 0.0},
        {"method": "sigmoid", "slope": "nan", "intercept": 0.0},
        {"method": "sigmoid", "slope": 10**400, "intercept": 0.0},
        {"method": "isotonic", "at": [], "worth": []},
        {"method": "isotonic", "at": [0.1, 0.2], "worth": [0.2, 0.1]},
        {"method": "isotonic", "at": [0.1], "worth": [float("nan")]},
        {"method": "isotonic", "at": [0.1], "worth": 3},
    ],
)
def test_what_is_no_calibration_is_refused_in_a_sentence(said):
    with pytest.raises(SettingsError, match="The calibration is neither"):
        calibrator_from_dict(said)


def test_isotonic_steps_of_one_object_say_what_it_says():
    assert fit_isotonic(np.float32([0.3]), np.array([True]))(np.float32([0.0, 0.9])).tolist() == [
        1,
        1,
    ]


def test_ranges_without_an_object_have_no_bin_and_bins_hold_every_object_once():
    found = reliability(np.float32([0.0, 0.05, 1.0]), np.array([False, False, True]))

    assert [bin_.observed.n for bin_ in found.bins] == [2, 1]
    assert found.ece == pytest.approx(0.05 / 3)


def test_a_higher_threshold_is_less_complete_and_ends_without_a_prediction():
    proba, is_positive, _ = drawn(500)

    curve = thresholds(proba, is_positive)

    completeness = [point.scores.recall.value for point in curve]
    assert completeness == sorted(completeness, reverse=True)
    assert completeness[0] == 1
    assert curve[-1].scores.precision.value is None  # nothing lies above 1


def test_a_threshold_means_above_and_not_at():
    proba = np.float32([0.3, 0.30000001192092896, 0.4])

    assert at_threshold(proba, np.ones(3, bool), 0.3).scores.confusion == ((0, 0), (2, 1))


def test_the_most_complete_prediction_that_is_pure_enough_is_found():
    proba = np.float32([0.9, 0.8, 0.6, 0.55, 0.2])
    is_positive = np.array([True, True, True, False, True])
    curve = thresholds(proba, is_positive)

    found = best(curve, "recall", "precision", 0.95)

    assert found is not None
    assert found.threshold == 0.55
    assert found.scores.recall.value == 0.75
    assert best(curve, "recall", "precision", 1.01) is None


def test_over_objects_of_one_side_nothing_undefined_is_chosen():
    curve = thresholds(np.float32([0.2, 0.7]), np.array([False, False]))

    assert best(curve, "recall") is None
    assert best([], "f1") is None


# -- of a classifier --


def test_a_classifier_is_judged_on_its_validation_objects_alone(project):
    session = begin(project)
    state = session.whole_state("QSO")

    found = calibrated(project.dataset(), state, small_setup(calibration="sigmoid"))

    assert found is not None
    assert found.n == state.scores.validation.n
    assert found.at.scores.n == found.n
    assert found.stated.n == found.mended.n == found.n


def test_without_a_calibration_the_line_at_one_half_gives_the_scores_of_the_round(project):
    session = begin(project)
    state = session.whole_state("QSO")

    found = calibrated(project.dataset(), state, state.setup)

    assert found.mended is None
    assert found.at.scores == state.scores.validation


def test_too_few_validation_objects_are_said_and_nothing_is_drawn(project):
    session = LabellingSession(project, "Ada")
    splits = replace(session.config.splits, train=98.0, validation=1.0, test=1.0)
    session.change_settings(replace(session.config, splits=splits))
    session.start("QSO", small_setup(calibration="isotonic"))
    state = session.whole_state("QSO")

    found = calibrated(project.dataset(), state, state.setup)

    assert found is not None
    assert not found.is_enough
    assert found.curve == ()
    assert line_in_force(project.dataset(), state).calibrator is None


def test_a_threshold_outside_0_to_1_is_refused(project):
    session = begin(project)

    with pytest.raises(SettingsError, match=r"threshold 1\.5"):
        session.start("QSO", small_setup(threshold=1.5))


def test_neither_calibration_nor_threshold_makes_another_model(project):
    session = begin(project)
    before = session.state("QSO")

    after = session.start("QSO", small_setup(calibration="sigmoid", threshold=0.3))

    assert after.fit is before.fit
    assert after.question == before.question


# -- in what is taken away --


def test_a_saved_model_draws_the_line_that_was_chosen(project, tmp_path, monkeypatch):
    session = begin(project)
    session.choose_threshold("QSO", small_setup(calibration="sigmoid", threshold=0.25))
    BACKGROUND.wait(project)
    (path,) = (project.folder / "models").glob("*.joblib")
    saved = open_saved(path)
    assert saved.line == line_in_force(project.dataset(), session.whole_state("QSO"))
    assert saved.line.method == "sigmoid"

    catalogue = tmp_path / "objects.csv"
    table = pd.DataFrame({name: survey_values()[name].to_pandas() for name in saved.columns})
    table.to_csv(catalogue, index=False)
    apply_model(saved, catalogue, tmp_path / "out.parquet", say=lambda sentence: None)
    scored = pd.read_parquet(tmp_path / "out.parquet")

    fit = session.state("QSO").fit
    seen = np.isfinite(fit.proba)
    expected = saved.line.calibrator(fit.proba[seen])
    np.testing.assert_allclose(scored["probability_QSO"][seen], expected, atol=1e-6)
    np.testing.assert_array_equal(
        scored["predicted_QSO"], scored["probability_QSO"].to_numpy() > np.float32(0.25)
    )


def test_exported_predictions_are_those_of_the_saved_model_and_say_so(project):
    session = begin(project)
    session.choose_threshold("QSO", small_setup(calibration="isotonic", threshold=0.25))

    table = predictions_of(session)

    about = {column.name: column.description for column in table.columns}
    assert about["probability_QSO"].endswith("calibrated on validation (isotonic)")
    assert about["predicted_QSO"].endswith("over 0.25")
    (batch,) = table.batches
    proba = batch.column("probability_QSO").to_numpy()
    said = batch.column("predicted_QSO").to_numpy(zero_copy_only=False)
    np.testing.assert_array_equal(said, proba > np.float32(0.25))


@pytest.mark.parametrize("method", FITS)
def test_the_manual_calibrates_as_the_command_does(method):
    proba, is_positive, _ = drawn(500)
    line = Line(FITS[method](proba, is_positive), 0.3)
    manual = (ROOT / "docs" / "using_a_model.md").read_text(encoding="utf-8")
    *_, block = re.findall(r"```python\n(.*?)```", manual, re.S)
    about = {**line.to_dict(), "classes": {"0": "not a Quasar", "1": "Quasar"}}
    names = {"np": np, "about": about, "probability": proba}

    exec(block, names)

    expected, said = line(proba)
    np.testing.assert_allclose(names["probability"], expected, atol=1e-6)
    assert (names["prediction"] == "Quasar").tolist() == said.tolist()


@pytest.mark.parametrize("threshold", [-0.1, 2, "half", True, float("nan")])
def test_a_model_with_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(SettingsError, match="The threshold is"):
        Line.from_dict({"threshold": threshold})


# -- on the page --


def with_panel(at):
    panels = at.session_state["sextant.looking"].exploring.panels
    panels["Training"] = Arrangement(((Panel("calibration"),),), (3,))
    return fine(at.run())


def test_a_threshold_is_tried_and_put_in_force(survey_begun):
    at = with_panel(show(TRAINING, "survey"))
    assert "ECE" in read(at)
    assert "predicts above 0.50, as the model says" in read(at)

    (rule,) = [box for box in at.selectbox if box.label == "Choose it for"]
    fine(rule.select("Highest F1").run())
    (method,) = [box for box in at.button_group if box.label == "Calibration"]
    fine(method.set_value("sigmoid").run())
    (use,) = [b for b in at.button if b.label == "Use for the saved model"]
    fine(use.click().run())

    setup = survey_begun.config.setups["QSO"]
    assert setup.calibration == "sigmoid"
    assert f"predicts above {setup.threshold:.2f}, sigmoid" in read(at)


def test_a_project_with_too_few_validation_objects_says_how_many_it_wants(ready):
    splits = replace(ready.config.splits, train=98.0, validation=1.0, test=1.0)
    ready.change_settings(replace(ready.config, splits=splits))
    ready.start("QSO", small_setup())

    said = read(with_panel(show(TRAINING, "survey")))

    assert "Calibration needs 30 validation objects" in said


def test_a_threshold_that_came_with_other_settings_reaches_the_saved_model(project):
    session = begin(project)
    BACKGROUND.wait(project)
    setups = {"QSO": small_setup(calibration="sigmoid", threshold=0.3)}

    session.change_settings(replace(session.config, setups=setups))

    BACKGROUND.wait(project)
    (path,) = (project.folder / "models").glob("*.joblib")
    line = open_saved(path).line
    assert (line.threshold, line.method) == (0.3, "sigmoid")


def test_a_rule_that_was_followed_leaves_what_is_typed_afterwards_alone(survey_begun):
    at = with_panel(show(TRAINING, "survey"))
    for _ in range(2):  # the second time it leads to where the threshold is already
        (rule,) = [box for box in at.selectbox if box.label == "Choose it for"]
        fine(rule.select("Highest F1").run())
    (number,) = [box for box in at.number_input if box.label == "Threshold"]

    fine(number.set_value(0.77).run())

    assert "Above 0.77" in read(at)
