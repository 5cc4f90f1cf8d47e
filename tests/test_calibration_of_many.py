"""What the probabilities of a classifier over all labels are worth, and the temperature for it."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, answer, small_setup, survey_values
from paging import TRAINING, fine, read, show

from al_engine.background import BACKGROUND
from al_engine.errors import SettingsError, UnusableModelError
from al_engine.exchange.applying import apply_model
from al_engine.exchange.saved import open_saved
from al_engine.learning.calibration import (
    FITS_OF_MANY,
    Isotonic,
    IsotonicOfEach,
    Sigmoid,
    Temperature,
    cross_fitted,
    fit_isotonic_of_each,
    fit_temperature,
)
from al_engine.learning.reliability import reliability
from al_engine.learning.thresholds import Line
from al_engine.loop.calibrating import calibrated, line_in_force
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, ProjectConfig
from al_engine.settings.panels import OVER_ALL, Arrangement, Panel
from al_engine.sharing.exporting import predictions_of


def drawn(
    n: int, n_classes: int, temperature: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that a model would state which needs a temperature, and the truth."""
    rng = np.random.default_rng(seed)
    right = rng.dirichlet(np.full(n_classes, 0.5), n)
    right = np.maximum(right, 0.02)
    right /= right.sum(axis=1, keepdims=True)
    truth = (right.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    stated = right**temperature
    return (stated / stated.sum(axis=1, keepdims=True)).astype(np.float32), truth


def ece(proba: np.ndarray, truth: np.ndarray) -> float:
    said = proba.argmax(axis=1)
    return reliability(proba[np.arange(len(said)), said], said == truth).ece


STEPS = Isotonic((0.1,), (0.2,))


@pytest.mark.parametrize("n_classes", [3, 12])
@pytest.mark.parametrize("temperature", [0.5, 2.5])
def test_the_temperature_that_was_planted_is_found_and_mends_what_it_did(
    n_classes: int, temperature: float
) -> None:
    proba, truth = drawn(20_000, n_classes, temperature)
    found = fit_temperature(proba, truth)
    assert found.temperature == pytest.approx(temperature, rel=0.07)
    assert ece(proba, truth) > 0.08
    assert ece(found(proba), truth) < 0.02


def test_it_leaves_the_label_predicted_and_shares_that_add_up_to_one() -> None:
    proba, _ = drawn(500, 5, 3.0)
    for temperature in (0.02, 0.7, 3.0, 50.0):
        made = Temperature(temperature)(proba)
        # At the ends shares may be as good as equal: none may be above the one that was highest.
        own = made[np.arange(500), proba.argmax(axis=1)]
        assert (own >= made.max(axis=1) - 1e-6).all()
        np.testing.assert_allclose(made.sum(axis=1), 1, atol=1e-5)


def test_a_model_that_is_right_about_all_it_validates_on_is_not_made_quite_certain() -> None:
    proba, _ = drawn(40, 4, 1.0)
    made = fit_temperature(proba, proba.argmax(axis=1))(proba)
    assert proba.max(axis=1).mean() + 0.1 < made.max(axis=1).mean() < 0.99


def test_sixty_objects_of_ten_labels_are_enough_not_to_make_it_worse() -> None:
    found = []
    for seed in range(20):
        proba, truth = drawn(5_060, 10, 1.6, seed)
        made = fit_temperature(proba[:60], truth[:60])(proba[60:])
        found.append((ece(proba[60:], truth[60:]), ece(made, truth[60:])))
    before, after = np.mean(found, axis=0)
    assert after < before / 2


def test_what_right_probabilities_show_by_chance_is_what_draws_of_them_show() -> None:
    proba = drawn(150, 4, 1.0)[0].max(axis=1)
    rng = np.random.default_rng(1)
    shown = [reliability(proba, rng.uniform(size=150) < proba).ece for _ in range(400)]
    assert reliability(proba, proba > 0.5).by_chance == pytest.approx(np.mean(shown), rel=0.08)


# -- in a project ----------------------------------------------------------------------------------


@pytest.fixture
def session(project: Project) -> LabellingSession:
    """The small project with a classifier over all labels beside one for QSO."""
    session = LabellingSession(project, "Ada")
    session.change_settings(replace(session.config, train_labels=("QSO", ALL_LABELS)))
    session.start(ALL_LABELS, small_setup())
    for _ in range(3):
        answer(session, ALL_LABELS)
    return session


def test_it_is_judged_by_how_often_the_label_predicted_is_right(session: LabellingSession) -> None:
    state, dataset = session.whole_state(ALL_LABELS), session.project.dataset()
    assert state.scores is not None
    assert state.scores.validation is not None
    found = calibrated(dataset, state, small_setup(calibration="temperature"))
    assert found is not None
    assert found.stated is not None
    assert found.mended is not None
    assert found.n == state.scores.validation.n
    right = found.n_positive / found.n
    assert right == pytest.approx(state.scores.validation.accuracy.value)
    for each in (found.stated, found.mended):
        of_bins = sum(b.observed.value * b.observed.n for b in each.bins)  # type: ignore[operator]
        assert of_bins == pytest.approx(found.n_positive)
    assert (found.curve, found.at) == ((), None)


def test_each_object_is_judged_by_a_temperature_that_has_not_seen_it() -> None:
    proba, truth = drawn(200, 3, 2.0)
    fold = np.arange(200) % 5
    before = cross_fitted(proba, truth, fold, fit_temperature)
    turned = np.where(fold == 2, (truth + 1) % 3, truth)
    after = cross_fitted(proba, turned, fold, fit_temperature)
    np.testing.assert_array_equal(before[fold == 2], after[fold == 2])
    assert not np.array_equal(before[fold == 3], after[fold == 3])


def test_it_changes_no_round_and_no_question(session: LabellingSession) -> None:
    before = session.state(ALL_LABELS)
    after = session.choose_threshold(ALL_LABELS, small_setup(calibration="temperature"))
    assert after.fit is before.fit
    assert after.question == before.question
    assert after.scores == before.scores


@pytest.mark.parametrize("method", FITS_OF_MANY)
def test_a_saved_model_and_exported_predictions_are_calibrated_alike(
    session: LabellingSession, tmp_path, method
) -> None:
    session.choose_threshold(ALL_LABELS, small_setup(calibration=method))
    BACKGROUND.wait(session.project)
    (path,) = (session.project.folder / "models").glob("*.joblib")
    saved = open_saved(path)
    assert saved.line == line_in_force(session.project.dataset(), session.whole_state(ALL_LABELS))
    assert saved.line.method == method

    catalogue = tmp_path / "objects.csv"
    columns = {name: survey_values()[name].to_pandas() for name in saved.columns}
    pd.DataFrame(columns).to_csv(catalogue, index=False)
    apply_model(saved, catalogue, tmp_path / "out.parquet", say=lambda sentence: None)
    scored = pd.read_parquet(tmp_path / "out.parquet")
    table = predictions_of(session)
    (batch,) = table.batches
    about = {column.name: column.description for column in table.columns}
    every = [f"probability_all_labels_{c.value}" for c in saved.classes]
    for name in ("probability_all_labels", *every):
        assert about[name].endswith(f"calibrated on validation ({method})")
        np.testing.assert_allclose(scored[name], batch.column(name).to_numpy(), atol=1e-5)
    np.testing.assert_allclose(scored[every].sum(axis=1), 1, atol=1e-5)
    likeliest = scored[every].to_numpy().max(axis=1)
    np.testing.assert_allclose(scored["probability_all_labels"], likeliest, atol=1e-6)
    values = np.array([c.value for c in saved.classes])
    said = values[scored[every].to_numpy().argmax(axis=1)].tolist()
    assert scored["predicted_all_labels"].tolist() == said
    assert batch.column("predicted_all_labels").to_pylist() == said
    if method != "temperature":
        return
    session.choose_threshold(ALL_LABELS, small_setup())
    (plain,) = predictions_of(session).batches
    assert plain.column("predicted_all_labels").to_pylist() == said, "the label predicted stays"


@pytest.mark.parametrize("method", FITS_OF_MANY)
def test_the_manual_calibrates_many_as_the_command_does(method: str) -> None:
    proba, truth = drawn(300, 4, 2.0)
    line = Line(FITS_OF_MANY[method](proba, truth))
    manual = (ROOT / "docs" / "using_a_model.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", manual, re.S) if "temperature" in b]
    names = {"np": np, "about": {**line.to_dict(), "classes": dict.fromkeys("0123", "x")}}
    names |= {"probabilities": proba, "model": SimpleNamespace(classes_=np.arange(4))}
    exec(block, names)
    np.testing.assert_allclose(names["probabilities"], line.calibrator(proba), atol=1e-6)


@pytest.mark.parametrize(
    ("classifier", "method"),
    [(ALL_LABELS, "sigmoid"), ("QSO", "temperature")],
)
def test_a_calibration_that_is_not_for_its_kind_is_refused(
    session: LabellingSession, classifier: str, method: str
) -> None:
    data = session.config.to_dict()
    data["setups"][classifier] = {"calibration": method}
    with pytest.raises(SettingsError, match=f"is {method}"):
        ProjectConfig.from_dict(data)


@pytest.mark.parametrize(
    ("line", "n_classes"),
    [
        (Line(Temperature(2.0)), 0),
        (Line(IsotonicOfEach((STEPS, STEPS))), 0),
        (Line(IsotonicOfEach((STEPS, STEPS))), 3),
        (Line(Sigmoid(1.0, 0.0)), 3),
        (Line(STEPS), 3),
        (Line(None, 0.3), 3),
        (Line(Temperature(2.0), 0.3), 3),
    ],
)
def test_a_line_of_the_other_kind_of_model_is_none(line: Line, n_classes: int) -> None:
    assert not line.suits(n_classes)


@pytest.mark.parametrize(
    ("line", "n_classes"),
    [
        (Line(), 0),
        (Line(Sigmoid(1.0, 0.0), 0.3), 0),
        (Line(), 2),
        (Line(Temperature(2.0)), 2),
        (Line(IsotonicOfEach((STEPS, STEPS))), 2),
    ],
)
def test_a_line_of_its_own_kind_is_read_as_it_was_written(line: Line, n_classes: int) -> None:
    assert line.suits(n_classes)
    assert Line.from_dict(json.loads(json.dumps(line.to_dict()))) == line


def test_isotonic_steps_of_each_label_mend_what_no_temperature_can() -> None:
    rng = np.random.default_rng(2)
    right = rng.dirichlet(np.full(3, 0.7), 20_000)
    truth = (right.cumsum(axis=1) < rng.uniform(size=(20_000, 1))).sum(axis=1)
    stated = right * [1.0, 4.0, 1.0]  # one label is said too often
    stated = (stated / stated.sum(axis=1, keepdims=True)).astype(np.float32)
    half = slice(0, 10_000), slice(10_000, None)
    made = [
        ece(FITS_OF_MANY[name](stated[half[0]], truth[half[0]])(stated[half[1]]), truth[half[1]])
        for name in ("temperature", "isotonic")
    ]
    assert made[0] > 0.03
    assert made[1] < made[0] / 2
    steps = fit_isotonic_of_each(stated, truth)
    np.testing.assert_allclose(steps(stated).sum(axis=1), 1, atol=1e-5)


def test_a_label_that_validation_hardly_knows_is_left_as_it_is() -> None:
    proba, truth = drawn(400, 3, 1.0)
    truth[truth == 2] = 0
    truth[:4] = 2
    made = fit_isotonic_of_each(proba, truth)
    assert made.steps[2] == Isotonic((0.0, 1.0), (0.0, 1.0))
    assert made(proba)[:, 2].max() > 0.3
    nothing = IsotonicOfEach((Isotonic((0.5,), (0.0,)),) * 3)
    np.testing.assert_array_equal(nothing(proba), proba)


def test_a_saved_model_with_the_calibration_of_another_kind_is_not_opened(
    session: LabellingSession,
) -> None:
    BACKGROUND.wait(session.project)
    (path,) = (session.project.folder / "models").glob("*.json")
    text = path.read_text(encoding="utf-8")
    assert '"threshold": 0.5' in text
    path.write_text(text.replace('"threshold": 0.5', '"threshold": 0.4'), encoding="utf-8")
    with pytest.raises(UnusableModelError, match="does not say what it must"):
        open_saved(path)


def test_on_the_page_a_temperature_is_tried_and_put_in_force(ready: LabellingSession) -> None:
    ready.change_settings(replace(ready.config, train_labels=(ALL_LABELS,)))
    ready.start(ALL_LABELS, small_setup())
    at = show(TRAINING, "survey")
    panels = at.session_state["sextant.looking"].exploring.panels
    panels[OVER_ALL] = Arrangement(((Panel("calibration"),),), (3,))
    at = fine(at.run())
    assert "by chance" in read(at)
    (method,) = [box for box in at.button_group if box.label == "Calibration"]
    assert list(method.options) == ["As the model says", "Temperature", "Isotonic"]
    assert not [box for box in at.number_input if box.label == "Threshold"]
    fine(method.set_value("temperature").run())
    (use,) = [b for b in at.button if b.label == "Use for the saved model"]
    fine(use.click().run())
    assert ready.config.setups[ALL_LABELS].calibration == "temperature"
    assert "over all labels: temperature" in read(at)
