"""One classifier over all labels: what it learns, tells, scores, draws and hands over."""

import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import (
    CLASSES,
    ROOT,
    SMALL_FOREST,
    TRUTH,
    answer,
    known,
    make_table,
    small_setup,
    survey_values,
)
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from al_engine.background import BACKGROUND
from al_engine.curating import relabelling
from al_engine.curating.answers import answers, only
from al_engine.curating.models import scores_of_test_set
from al_engine.data.splits import TEST, TRAIN, VALIDATION
from al_engine.errors import ConfigurationError, SettingsError
from al_engine.exchange.applying import apply_model
from al_engine.exchange.astronomical_writing import write_theirs
from al_engine.exchange.configuration import read_configuration, write_configuration
from al_engine.exchange.saved import open_saved
from al_engine.learning.cross_validation import cross_validated_scores
from al_engine.learning.learners import LearnerSpec, Member, fit_preparation
from al_engine.learning.metrics import (
    Scores,
    confusion_of,
    scores_of_confusion,
    scores_of_matrix,
)
from al_engine.loop.firsts import initial_rows
from al_engine.loop.fitting import class_probabilities
from al_engine.loop.partitioned.layout import lay_out
from al_engine.loop.recording import record
from al_engine.loop.truth import parts_in_force, truth_in_force
from al_engine.projects.creating import create_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, Label, MemberSetup, ProjectConfig
from al_engine.settings.label import check_labels
from al_engine.settings.panels import ColourBy, Panel
from al_engine.sharing.exporting import bundles_of, predictions_of, write_model
from al_engine.sharing.packing import pack
from al_engine.sharing.replay import replay
from al_engine.showing.colouring import colouring_of
from al_engine.showing.drawn import Drawn
from al_engine.showing.maps import Maps, Shown
from al_engine.showing.objects import object_card
from al_engine.showing.overview import Overview
from al_engine.starting import import_file

COMMITTEE = small_setup(members=(SMALL_FOREST, MemberSetup("logistic_regression", "margin")))
NAMES = ("a", "b", "c")


@pytest.fixture
def session(project: Project) -> LabellingSession:
    """The small project with one classifier over all labels beside one for QSO."""
    session = LabellingSession(project, "Ada")
    session.change_settings(replace(session.config, train_labels=("QSO", ALL_LABELS)))
    session.start(ALL_LABELS, small_setup())
    return session


def fit_of(session: LabellingSession) -> Any:
    fit = session.state(ALL_LABELS).fit
    assert fit is not None
    return fit


# -- what it learns ------------------------------------------------------------------------------


def test_it_begins_with_an_object_of_each_label_and_learns_which_is_which(session) -> None:
    state = session.state(ALL_LABELS)
    assert set(state.history.trained.values()) == set(CLASSES)
    for _ in range(10):
        state = answer(session, ALL_LABELS)
    fit, dataset = fit_of(session), session.project.dataset()
    assert fit.classes == CLASSES
    assert Counter(state.history.trained.values()) == dict(
        zip(fit.classes, fit.n_of_class, strict=True)
    )
    rows = np.flatnonzero(np.isfinite(fit.proba))
    proba = class_probabilities(dataset, fit, rows)
    assert np.allclose(proba.sum(axis=1), 1)
    assert np.array_equal(proba.argmax(axis=1), fit.predicted[rows])
    assert np.array_equal(proba.max(axis=1).astype(np.float32), fit.proba[rows])
    assert state.scores.validation.accuracy.value > 0.6


def test_of_more_labels_than_points_to_begin_with_some_begin(session) -> None:
    dataset = session.project.dataset()
    for n in (2, 3, 7):
        rows = initial_rows(dataset, ALL_LABELS, small_setup(n_initial=n), "spread", 0)
        assert (len(rows), len({TRUTH[row] for row in rows})) == (n, min(n, 3))


@pytest.mark.parametrize("strategy", ["uncertainty", "margin", "entropy", "random"])
def test_it_asks_what_its_strategy_finds_among_all_classes(session, strategy) -> None:
    member = replace(SMALL_FOREST, strategy=strategy)
    state = session.start(ALL_LABELS, small_setup(members=(member,)))
    fit, dataset = fit_of(session), session.project.dataset()
    pool = np.setdiff1d(
        np.flatnonzero(parts_in_force(dataset, state.history) == TRAIN), list(state.history.asked)
    )
    proba = np.sort(class_probabilities(dataset, fit, pool), axis=1)
    safe = np.where(proba > 0, proba, 1)
    wanted = {
        "uncertainty": 1 - proba[:, -1],
        "margin": 1 - (proba[:, -1] - proba[:, -2]),
        "entropy": -(safe * np.log(safe)).sum(axis=1),
        "random": np.zeros(len(pool)),
    }[strategy]
    asked = int(np.flatnonzero(pool == state.question.row)[0])
    assert wanted[asked] == pytest.approx(wanted.max(), abs=1e-6)


def test_the_reason_names_the_two_likeliest_labels(session) -> None:
    state = session.state(ALL_LABELS)
    fit, row = fit_of(session), np.array([state.question.row])
    (proba,) = class_probabilities(session.project.dataset(), fit, row)
    first, second = np.argsort(-proba, kind="stable")[:2]
    names = [CLASSES[code].title() for code in (first, second)]
    said = f"{proba[first]:.2f} likely {names[0]}, {proba[second]:.2f} {names[1]}; of "
    assert state.question.why.startswith(said)


def test_a_committee_votes_over_all_labels(session) -> None:
    state = session.start(ALL_LABELS, COMMITTEE)
    fit = fit_of(session)
    assert fit.secondary is not None
    assert fit.predicted.max() == 2
    assert "the models disagree on most" in state.question.why


def test_with_one_label_given_it_says_that_and_learns_with_the_second(project) -> None:
    session = LabellingSession(project, "Ada")
    session.change_settings(replace(session.config, train_labels=(ALL_LABELS,)))
    state = session.start(ALL_LABELS, small_setup(initial_labels="ask", n_initial=1))
    state = answer(session, ALL_LABELS)
    assert state.fit.is_constant
    assert state.question.why.endswith("all labels so far are the same one.")
    (given,) = state.history.trained.values()
    other = next(row for row in known(session, TRAIN) if TRUTH[row] != given)
    assert not answer(session, ALL_LABELS, row=other).fit.is_constant


def test_what_is_made_ahead_is_what_is_made_without(session) -> None:
    state = session.state(ALL_LABELS)
    session.look_ahead(ALL_LABELS)
    session._maker.wait(ALL_LABELS)
    again = LabellingSession(session.project, "Ada")
    for label in CLASSES:
        made = answer(session, ALL_LABELS, label=label)
        plain = again._maker.make(ALL_LABELS, again.config, session.project.history(ALL_LABELS))
        assert made.fit.proba.tobytes() == plain.fit.proba.tobytes()
        assert (made.question, made.scores) == (plain.question, plain.scores)
        state = session.undo(ALL_LABELS, token=made.token)
    assert state.question is not None


# -- what it is worth ----------------------------------------------------------------------------


def test_its_scores_are_those_of_scikit_learn_over_what_it_predicts(session) -> None:
    for _ in range(5):
        state = answer(session, ALL_LABELS)
    dataset, fit = session.project.dataset(), fit_of(session)
    truth = truth_in_force(dataset, state.history, ALL_LABELS)
    parts = parts_in_force(dataset, state.history)
    for part, scores in ((TRAIN, state.scores.training), (VALIDATION, state.scores.validation)):
        over = (parts == part) & (truth >= 0)
        y, said = truth[over], fit.predicted[over]
        expected = precision_recall_fscore_support(y, said, average="macro", zero_division=0)
        found = [scores.precision.value, scores.recall.value, scores.f1.value]
        assert found == pytest.approx(list(expected[:3]))
        assert scores.accuracy.value == pytest.approx(np.mean(y == said))
        for code in range(3):
            own = scores.of_class(code)
            assert own.confusion[1][1] == np.sum((y == code) & (said == code))
            assert own.recall.n == np.sum(y == code)
    tested = scores_of_test_set(session, ALL_LABELS)
    assert tested.n == np.sum((dataset.parts == TEST) & (dataset.codes >= 0))


def test_macro_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    errors = np.full((4, 4), 0.04) + np.diag([0.84] * 4)
    cells = shares[:, None] * errors
    hits, actual, said = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
    true = {"recall": hits / actual, "precision": hits / said, "f1": 2 * hits / (actual + said)}
    covered = Counter[str]()
    for _ in range(400):
        scores = scores_of_matrix(rng.multinomial(600, cells.ravel()).reshape(4, 4), "abcd")
        for name, values in true.items():
            score = getattr(scores, name)
            covered[name] += score.low <= values.mean() <= score.high
    assert all(0.93 <= covered[name] / 400 <= 0.995 for name in true)


def test_a_class_that_is_nowhere_is_in_no_mean_and_one_never_said_is_undefined() -> None:
    scores = scores_of_matrix(np.array([[8, 0, 0], [2, 0, 0], [0, 0, 0]]), NAMES)
    assert (scores.precision.n, scores.recall.n, scores.f1.n) == (2, 2, 2)
    assert scores.precision.value == pytest.approx(0.4)
    assert scores.precision.high > 0.4, "of what was never said nobody knows"
    assert scores.of_class(1).precision.value is None
    assert scores.of_class(2).f1.value is None
    nothing = scores_of_matrix(np.zeros((3, 3), dtype=int), NAMES)
    assert (nothing.accuracy.value, nothing.f1.value) == (None, None)


def test_scores_of_every_kind_are_read_back_as_written() -> None:
    y, said = np.array([0, 1, 2, 2, 1]), np.array([0, 2, 2, 2, 1])
    many = scores_of_matrix(confusion_of(y, said, 3), NAMES)
    for scores in (many, scores_of_confusion(5, 1, 2, 3)):
        assert Scores.from_dict(scores.to_dict()) == scores
    assert many.confusion == ((1, 0, 0), (0, 1, 1), (0, 0, 2))
    assert many.to_dict()["cells"] == [[0, 0, 1], [1, 1, 1], [1, 2, 1], [2, 2, 2]]
    with pytest.raises(ValueError, match="classes that there are not"):
        Scores.from_dict({**many.to_dict(), "cells": [[3, 0, 1]]})


def test_folds_bear_labels_that_one_object_has() -> None:
    rng = np.random.default_rng(1)
    y = np.array([0] * 8 + [1] * 7 + [2])
    X = rng.normal(size=(16, 2)) + 4 * y[:, None]
    spec = LearnerSpec((Member("random_forest", {"n_estimators": 10}),))
    preparation, codes = fit_preparation(X, scale=False), np.arange(3)
    scores, reason = cross_validated_scores(spec, X, y, preparation, codes, names=NAMES)
    assert (scores.n, reason) == (16, "")
    assert scores.of_class(2).recall.value == 0
    for alone in ([0] * 5, [0, 1, 2]):
        y = np.array(alone)
        found = cross_validated_scores(spec, X[: len(y)], y, preparation, codes, names=NAMES)
        assert found[0] is None
        assert found[1].startswith("Cross-validation needs")


def test_a_round_that_was_scored_stands_in_the_plot_when_opened_again(session) -> None:
    answer(session, ALL_LABELS)
    BACKGROUND.wait(session.project)
    again = LabellingSession(session.project, "Ada").state(ALL_LABELS)
    assert [past.scores for past in again.rounds] == [
        past.scores for past in session.state(ALL_LABELS).rounds
    ]
    assert again.before is not None
    assert again.before.training.classes == CLASSES


# -- what is shown -------------------------------------------------------------------------------


def test_the_cells_of_its_matrix_hold_as_many_objects_as_it_says(session) -> None:
    state, maps = answer(session, ALL_LABELS), Maps(session)
    for part in ("training", "validation"):
        matrix = getattr(state.scores, part).confusion
        for actual in range(3):
            for said in range(3):
                rows = maps.cell_rows(state, (part, actual, said))
                assert len(rows) == matrix[actual][said]
                assert set(fit_of(session).predicted[rows]) <= {said}


def test_maps_draw_the_label_predicted_in_its_colour_and_how_sure_it_is(session) -> None:
    labels = zip(session.config.labels, ("#E69F00", "#56B4E9", "#009E73"), strict=True)
    coloured = tuple(replace(label, colour=colour) for label, colour in labels)
    session.change_settings(replace(session.config, labels=coloured, x_axis="g", y_axis="r"))
    state, maps = session.state(ALL_LABELS), Maps(session)
    view = maps.home(state, 400, 300)
    png = Image.open(io.BytesIO(maps.picture("predicted", state, view, Shown())))
    painted = np.asarray(png.convert("RGBA")).reshape(-1, 4)
    opaque = np.unique(painted[painted[:, 3] > 0, :3], axis=0).astype(int)
    for label in coloured:
        wanted = np.array(list(bytes.fromhex(label.colour[1:])))
        assert np.abs(opaque - wanted).sum(axis=1).min() < 10
    assert maps.picture("certainty", state, view, Shown()) != maps.picture(
        "predicted", state, view, Shown()
    )
    row = int(np.flatnonzero(np.isfinite(state.fit.proba))[0])
    (x,), (y,) = maps.place([row])
    assert maps.nearest_row("certainty", state, x, y, view, Shown()) is not None


def test_the_card_tells_the_likeliest_labels_and_each_classifier_its_own(session) -> None:
    session.start("QSO", small_setup())
    state = session.state(ALL_LABELS)
    row = state.question.row
    card = object_card(session, state, row)
    (proba,) = class_probabilities(session.project.dataset(), fit_of(session), np.array([row]))
    assert [p for _, p in card.likeliest] == sorted(proba.tolist(), reverse=True)
    assert [name for name, _ in card.probabilities] == ["Qso"]
    tested = int(np.flatnonzero(session.project.dataset().parts == TEST)[0])
    assert object_card(session, state, tested).likeliest == ()


def test_the_overview_tells_what_it_takes_its_question_for_and_combines_without_it(
    session,
) -> None:
    session.start("QSO", small_setup())
    overview = Overview(session)
    standing, state = overview.standing(ALL_LABELS), session.state(ALL_LABELS)
    row = state.question.row
    assert standing.likely == CLASSES[state.fit.predicted[row]]
    assert standing.probability == pytest.approx(float(state.fit.proba[row]))
    assert "there is one" in overview.lacking().message
    session.change_settings(replace(session.config, train_labels=("QSO", "STAR", ALL_LABELS)))
    session.start("STAR", small_setup())
    assert overview.combined().classifiers == ("QSO", "STAR")


def test_an_answer_that_it_says_otherwise_of_is_listed_as_against_the_model(session) -> None:
    state = session.state(ALL_LABELS)
    row = int(
        np.flatnonzero(parts_in_force(session.project.dataset(), state.history) == VALIDATION)[0]
    )
    said = CLASSES[state.fit.predicted[row]]
    for label in CLASSES:
        answer(session, ALL_LABELS, row=row, label=label)
        against = only(session, [a for a in answers(session) if a.stands], "model")
        assert [a.row for a in against] == ([] if label == said else [row])


# -- labels that change --------------------------------------------------------------------------


def test_an_added_label_costs_no_round_and_is_told_apart_once_given(session) -> None:
    answer(session, ALL_LABELS)
    before = session.state(ALL_LABELS)
    relabelling.add_label(session, "Blazar")
    state = session.state(ALL_LABELS)
    assert state.fit.classes == (*CLASSES, "Blazar")
    assert state.fit.proba.tobytes() == before.fit.proba.tobytes()
    assert all(past.scores is not None for past in state.rounds)
    given = answer(session, ALL_LABELS, label="Blazar")
    assert given.fit.n_of_class[3] == 1


def test_scores_tell_an_added_label_apart_and_the_batch_is_that_of_a_restart(session) -> None:
    member = MemberSetup("random_forest", "ratio", {"n_estimators": 10})
    session.start(ALL_LABELS, small_setup(batch_size=9, members=(member,)))
    relabelling.add_label(session, "Blazar")
    state = session.state(ALL_LABELS)
    again = LabellingSession(session.project, "Ada").state(ALL_LABELS)
    assert state.scores.validation.classes == state.fit.classes
    assert state.scores == again.scores
    assert state.batch == again.batch


def test_merging_and_parting_labels_trains_it_anew_on_what_they_are_by_then(session) -> None:
    for _ in range(4):
        before = answer(session, ALL_LABELS)
    relabelling.merge_labels(session, "STAR", "GALAXY")
    state = session.state(ALL_LABELS)
    assert state.fit.classes == ("GALAXY", "QSO")
    n = Counter(before.history.trained.values())
    assert state.fit.n_of_class == (n["GALAXY"] + n["STAR"], n["QSO"])
    assert state.scores.validation.classes == ("GALAXY", "QSO")
    last = relabelling.last_change(session)
    relabelling.undo_change(session, last.seq)
    after = session.state(ALL_LABELS)
    assert after.fit.proba.tobytes() == before.fit.proba.tobytes()
    assert after.scores == before.scores


def test_labels_that_are_left_out_are_no_class_of_it(session) -> None:
    config = replace(
        session.config, train_labels=("QSO", "STAR", ALL_LABELS), leave_out_other_labels=True
    )
    session.change_settings(config)
    state = session.state(ALL_LABELS)
    assert state.fit.classes == ("QSO", "STAR")
    assert sum(state.fit.n_of_class) < len(state.history.trained)


def test_settings_that_cannot_be_are_refused_in_a_sentence(session) -> None:
    config = session.config
    with pytest.raises(SettingsError, match="cannot be a label"):
        check_labels((Label(ALL_LABELS, "x", "#000000"),), (), ())
    with pytest.raises(SettingsError, match="and so is the classifier over all labels"):
        check_labels((Label("1", "All labels", "#000000"),), (), (ALL_LABELS,))
    alone = replace(config, train_labels=("QSO", ALL_LABELS), leave_out_other_labels=True)
    with pytest.raises(SettingsError, match="has 1 label to tell apart"):
        ProjectConfig.from_dict(alone.to_dict())
    none_left_out = replace(config, train_labels=(ALL_LABELS,), leave_out_other_labels=True)
    assert ProjectConfig.from_dict(none_left_out.to_dict()).labels_in_use == config.labels
    with pytest.raises(SettingsError, match="in partitions has no classifier over all labels"):
        lay_out(
            lambda *_: iter(()),
            Path("nowhere"),
            replace(config, splits=replace(config.splits, seed=1)),
        )


# -- what is taken away --------------------------------------------------------------------------


def read_predictions(session: LabellingSession) -> dict[str, list[Any]]:
    table = pa.Table.from_batches(list(predictions_of(session).batches))
    return {name: table.column(name).to_pylist() for name in table.column_names}


def test_exported_predictions_hold_the_label_its_probability_and_every_class(session) -> None:
    session.start("QSO", small_setup())
    made, fit = read_predictions(session), fit_of(session)
    each = np.array([made[f"probability_all_labels_{value}"] for value in CLASSES]).T
    assert made["predicted_all_labels"] == [CLASSES[code] for code in each.argmax(axis=1)]
    assert np.allclose(each.max(axis=1), made["probability_all_labels"])
    scored = np.isfinite(fit.proba)
    assert np.array_equal(
        np.array(made["probability_all_labels"], np.float32)[scored], fit.proba[scored]
    )
    given = {row: label for row, label in enumerate(made["label_all_labels"]) if label}
    assert given == session.state(ALL_LABELS).history.trained
    assert "probability_QSO" in made
    assert "predicted" not in made, "one classifier of a label alone is no combination"


@pytest.mark.parametrize("setup", [small_setup(), COMMITTEE])
def test_a_saved_model_says_the_same_of_another_catalogue(session, tmp_path, setup) -> None:
    session.start(ALL_LABELS, setup)
    BACKGROUND.wait(session.project)
    stem = next(s for s in bundles_of(session) if "all_labels" in s)
    bundle = write_model(session, stem)
    values = {name: column for name, column in survey_values().items() if name != "class"}
    pq.write_table(pa.table(values), tmp_path / "other.parquet")
    saved = open_saved(bundle)
    assert [c.value for c in saved.classes] == list(CLASSES)
    apply_model(saved, tmp_path / "other.parquet", tmp_path / "scored.parquet")
    scored = pq.read_table(tmp_path / "scored.parquet")
    made = read_predictions(session)
    for name in ("predicted_all_labels", "probability_all_labels", "probability_all_labels_QSO"):
        assert scored.column(name).to_pylist() == made[name]


def test_the_manual_predicts_the_same_label_by_name(session) -> None:
    BACKGROUND.wait(session.project)
    folder = session.project.folder / "models"
    (beside,) = (path for path in folder.glob("*.json") if "all_labels" in path.name)
    about = json.loads(beside.read_text(encoding="utf-8"))
    manual = (ROOT / "docs" / "using_a_model.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", manual, re.S)[2]
    rows = np.arange(300)
    names: dict[str, Any] = {
        "model": joblib.load(beside.with_suffix(".joblib")),
        "about": about,
        "X": session.project.dataset().rows(rows).astype(np.float64),
    }
    exec(block, names)
    expected = read_predictions(session)["predicted_all_labels"]
    assert [name.upper() for name in names["prediction"]] == expected
    assert about["label_values"] == {str(i): [value] for i, value in enumerate(CLASSES)}


def test_its_configuration_is_replayed_to_the_same_end(session, tmp_path, opened) -> None:
    for kind in ("answer", "unsure", "answer", "later", "answer"):
        answer(session, ALL_LABELS, kind=kind)
    text = write_configuration(record(session.project, session.moment()))
    folder, _ = create_project(
        tmp_path / "again", "Again", make_table(survey_values()), ProjectConfig()
    )
    fresh = opened(folder)
    outcome = replay(fresh, read_configuration(text.encode()), "Ada")
    assert (outcome.difference, outcome.n_compared > 2) == ("", True)
    here, there = (LabellingSession(p, "Ada").state(ALL_LABELS) for p in (fresh, session.project))
    assert (here.question, here.scores) == (there.question, there.scores)


def test_the_whole_project_taken_away_and_opened_goes_on_with_the_same_question(
    session, tmp_path, opened
) -> None:
    for _ in range(3):
        answer(session, ALL_LABELS)
    BACKGROUND.wait(session.project)
    folder, _ = import_file(tmp_path / "elsewhere", pack(session.project))
    again = LabellingSession(opened(folder), "Ada")
    here, there = session.state(ALL_LABELS), again.state(ALL_LABELS)
    assert (there.question, there.scores) == (here.question, here.scores)
    assert [past.scores for past in there.rounds] == [past.scores for past in here.rounds]


def test_blind_nothing_is_told_that_it_makes_of_what_others_labelled(session) -> None:
    people = replace(session.config.people, several=True, blind=True)
    session.change_settings(replace(session.config, people=people))
    row = session.state(ALL_LABELS).question.row
    answer(session, ALL_LABELS)
    made = read_predictions(LabellingSession(session.project, "Ben"))
    for name in ("predicted_all_labels", "probability_all_labels", "probability_all_labels_QSO"):
        assert made[name][row] is None
        assert made[name].count(None) == 1


def test_what_has_no_counterpart_in_the_other_form_is_said(session) -> None:
    numbers = tuple(replace(label, value=str(i)) for i, label in enumerate(session.config.labels))
    config = replace(session.config, labels=numbers, train_labels=("1", ALL_LABELS))
    text, notes = write_theirs(config, {}, "survey.csv")
    assert ALL_LABELS not in text
    assert any("over all labels" in note for note in notes)
    with pytest.raises(ConfigurationError):
        write_theirs(session.config, {}, "survey.csv")


@pytest.mark.parametrize("colour", get_args(ColourBy))
def test_plots_are_coloured_by_whatever_it_makes_of_objects(session, colour) -> None:
    state, drawn = session.state(ALL_LABELS), Drawn()
    panel = Panel("plot", colour=colour, colour_column="g")
    made = colouring_of(session.project, drawn, panel, state, "blue_orange")
    if colour == "predicted":
        assert made.names == ("Galaxy", "Qso", "Star", "not judged")
        scored = np.isfinite(state.fit.proba)
        assert np.array_equal(made.codes[scored], state.fit.predicted[scored])
    if colour == "confidence":
        assert made.ends == (pytest.approx(1 / 3), 1.0)
    if colour in ("confidence", "probability"):
        assert np.array_equal(made.values, state.fit.proba, equal_nan=True)
    if colour == "correctness":
        truth = truth_in_force(session.project.dataset(), state.history, ALL_LABELS)
        right = (truth == state.fit.predicted) & np.isfinite(state.fit.proba)
        assert np.array_equal(made.codes == 0, right)
