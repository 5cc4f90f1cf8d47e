"""A project whose features are texts: from its file to a model that reads other files."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Open, make_table

from al_engine.background import BACKGROUND
from al_engine.curating.models import scores_of_test_set
from al_engine.data.catalogue import Catalogue
from al_engine.data.features import plottable
from al_engine.data.partitions import in_process
from al_engine.data.splits import TEST, TRAIN
from al_engine.errors import SettingsError, UnknownColumnError, UnsuitableColumnError, WorkCancelled
from al_engine.exchange.applying import apply_model
from al_engine.exchange.configuration import read_configuration, write_configuration
from al_engine.exchange.saved import open_saved
from al_engine.guesses import guess_config, guess_setup
from al_engine.learning.learners import pipelines
from al_engine.learning.models import MODELS
from al_engine.learning.scoring import member_probabilities
from al_engine.loop.partitioned.layout import lay_out
from al_engine.loop.recording import record
from al_engine.loop.truth import BINARY
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import (
    ClassifierSetup,
    Columns,
    Features,
    Label,
    MemberSetup,
    ProjectConfig,
    round_key,
)
from al_engine.sharing.exporting import predictions_of
from al_engine.sharing.replay import replay
from al_engine.showing.objects import object_card
from al_engine.showing.reference import references

N = 240
TEXT_MODELS = [model.name for model in MODELS.values() if model.takes_sparse]


@pytest.fixture(scope="session")
def reviews(shared_data: Path) -> dict[str, pa.Array]:
    """Some reviews with what they say, their rating among it, of which some are missing."""
    table = pq.read_table(shared_data / "imdb" / "imdb_50k.parquet").slice(0, N)
    columns = {name: table[name].combine_chunks() for name in ("id", "review", "sentiment")}
    length = pa.array(
        [len(text.as_py()) if i % 9 else None for i, text in enumerate(table["review"])]
    )
    return {**columns, "length": length, "title": pa.array([f"title {i % 3}" for i in range(N)])}


def text_config(**changes: Any) -> ProjectConfig:
    config = ProjectConfig(
        labels=(Label("negative", "negative", "#0072B2"), Label("positive", "positive", "#E69F00")),
        columns=Columns(id="id", label="sentiment", texts=("review",)),
        features=Features(texts=("review",)),
        train_labels=("positive",),
    )
    return replace(config, **changes)


def text_setup(*models: str) -> ClassifierSetup:
    return ClassifierSetup(tuple(MemberSetup(name) for name in models), n_initial=20)


@pytest.fixture
def folder(reviews: dict[str, pa.Array], tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return create_project(home, "Reviews", make_table(reviews), text_config())[0]


def asked(project: Project, *models: str) -> LabellingSession:
    """A session of a classifier that was trained and answered about once."""
    session = LabellingSession(project, "Ada")
    session.start("positive", text_setup(*models))
    state = session.state("positive")
    row = state.question.row
    label = project.dataset().values[project.dataset().codes[row]]
    session.answer("positive", row, "answer", label, token=state.token, seconds=1.0)
    return session


@pytest.mark.parametrize("model", TEXT_MODELS)
def test_a_model_learns_from_texts_and_its_scores_are_its_own_probabilities(
    model: str, folder: Path, opened: Open
):
    project = opened(folder)
    state = asked(project, model).state("positive")

    dataset = project.dataset()
    rows = np.flatnonzero(np.isfinite(state.fit.proba))
    own = member_probabilities(state.fit.learner, dataset.rows(rows).astype(float), BINARY)
    np.testing.assert_allclose(state.fit.proba[rows], own[0, :, 1], atol=2e-6)
    assert state.fit.n_labelled == 21
    assert len(rows) == N * 4 // 5


def test_texts_and_numbers_are_learned_from_together(reviews, tmp_path: Path, opened: Open):
    config = text_config(features=Features(base=("length",), texts=("review", "title")))
    project = opened(create_project(tmp_path, "Both", make_table(reviews), config)[0])
    state = asked(project, "linear_svm").state("positive")

    dataset = project.dataset()
    X = dataset.rows(np.arange(N))
    numbers = X[:, 0].toarray().ravel()
    length = reviews["length"].to_numpy(zero_copy_only=False)
    there = np.isfinite(length)
    assert X.shape[1] == 1 + len(dataset.X.vocabulary.terms)
    assert np.corrcoef(numbers[there], length[there])[0, 1] > 0.9999
    assert len(set(numbers[~there])) == 1  # the median, scaled
    assert {"title", "title 1"} <= set(dataset.X.vocabulary.terms)
    rows = np.flatnonzero(np.isfinite(state.fit.proba))
    own = member_probabilities(state.fit.learner, X[rows].astype(float), BINARY)
    np.testing.assert_allclose(state.fit.proba[rows], own[0, :, 1], atol=1e-5)


def test_a_committee_of_models_of_texts_asks_by_their_disagreement(folder: Path, opened: Open):
    state = asked(opened(folder), "linear_svm", "naive_bayes", "knn").state("positive")

    assert state.question.how == "query"
    assert state.fit.secondary is not None
    assert len(state.fit.learner.learner_list) == 3


def test_a_model_that_cannot_learn_from_texts_says_which_can(folder: Path, opened: Open):
    session = LabellingSession(opened(folder), "Ada")
    with pytest.raises(SettingsError, match="Random forest cannot learn from texts") as refused:
        session.start("positive", text_setup("random_forest"))
    assert "Linear support vector machine" in refused.value.hint


def test_naive_bayes_learns_from_texts_alone(reviews, tmp_path: Path, opened: Open):
    config = text_config(features=Features(base=("length",), texts=("review",)))
    project = opened(create_project(tmp_path, "Both", make_table(reviews), config)[0])
    with pytest.raises(SettingsError, match="texts and numbers together") as refused:
        LabellingSession(project, "Ada").start("positive", text_setup("naive_bayes"))
    assert "Naive Bayes" not in refused.value.hint


# -- what is counted ---------------------------------------------------------------------------


def test_words_of_validation_and_test_texts_alone_are_no_features(folder: Path, opened: Open):
    dataset = opened(folder).dataset()
    training = dataset.parts == TRAIN
    known = set(dataset.X.vocabulary.terms)
    n_with = np.bincount(dataset.X.words[training].indices, minlength=len(known))
    assert n_with.min() >= 2


def test_nothing_is_counted_before_it_is_needed_and_then_once(
    folder: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
):
    project = opened(folder)
    project.dataset()
    project.split_sizes(project.config)
    assert not project.is_counted

    project.count_texts(lambda n_done, of: None, lambda: False)
    close_project(folder)
    again = opened(folder)
    monkeypatch.setattr(Catalogue, "text_batches", None)  # nobody reads them again
    assert again.is_counted
    assert again.dataset().X.words.shape[0] == N
    assert again.axis("text 1").shape == (N,)


def test_counting_says_how_far_it_is_and_leaves_nothing_once_stopped(folder: Path, opened: Open):
    project, heard = opened(folder), []
    with pytest.raises(WorkCancelled, match="not counted"):
        project.count_texts(lambda *said: heard.append(said), lambda: True)
    assert not project.is_counted
    assert not list((folder / "matrix").glob("*.counts*"))
    project.count_texts(lambda *said: heard.append(said), lambda: False)
    assert heard[-1] == (N, N)


@pytest.mark.parametrize("damage", ["cut", "scribbled", "empty"])
def test_a_damaged_file_of_words_is_made_again(damage: str, folder: Path, opened: Open):
    project = opened(folder)
    before = project.dataset().X.words.copy()
    close_project(folder)
    for file in (folder / "matrix").glob("*.[cw]o*"):
        content = file.read_bytes()
        scribbled = content[:128] + b"\xff" * 200 + content[328:]
        file.write_bytes({"cut": content[:-99], "scribbled": scribbled, "empty": b""}[damage])

    again = opened(folder).dataset().X.words
    assert (again != before).nnz == 0


def test_a_model_is_the_same_after_the_project_was_closed(folder: Path, opened: Open):
    session = asked(opened(folder), "logistic_regression")
    before = session.state("positive")
    close_project(folder)

    after = LabellingSession(opened(folder), "Ada").state("positive")
    assert after.question == before.question
    np.testing.assert_array_equal(after.fit.proba, before.fit.proba)


def test_a_column_of_numbers_is_no_text(reviews, tmp_path: Path, opened: Open):
    config = text_config(features=Features(texts=("length",)))
    project = opened(create_project(tmp_path, "Wrong", make_table(reviews), config)[0])
    with pytest.raises(UnsuitableColumnError, match="holds integer where a text is needed"):
        project.dataset()


def test_a_column_cannot_be_a_number_and_a_text():
    data = text_config(features=Features(base=("review",))).to_dict()
    data["features"]["texts"] = ["review"]
    with pytest.raises(SettingsError, match="'review' is named twice"):
        ProjectConfig.from_dict(data)


def test_rounds_without_texts_keep_the_keys_they_had():
    config = text_config(features=Features(base=("length",)))
    with_texts = replace(config, features=Features(base=("length",), texts=("review",)))
    keys = [round_key(each, "positive", "data") for each in (config, with_texts)]
    assert keys[0] == "fb69816513fe6153"
    assert keys[0] != keys[1]


# -- what is shown -----------------------------------------------------------------------------


def test_the_maps_have_two_axes_along_which_texts_differ(folder: Path, opened: Open):
    project = opened(folder)
    assert plottable(project.config.features) == ["text 1", "text 2"]
    first, second = project.axis("text 1"), project.axis("text 2")
    assert first.var() > second.var() > 0
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert abs(first.mean()) < 1e-3


def test_a_card_marks_the_words_that_weigh_most_for_the_model(folder: Path, opened: Open):
    session = asked(opened(folder), "logistic_regression")
    state = session.state("positive")
    (text,) = object_card(session, state, state.question.row).texts

    dataset = session.project.dataset()
    coefficients = pipelines(state.fit.learner)[0].steps[-1][1].estimators_[0].coef_[0]
    words = dataset.X.words[[state.question.row]]
    terms = dataset.X.vocabulary.terms[words.indices]
    share = dict(zip(terms, coefficients[words.indices] * words.data, strict=True))
    heaviest = max(share, key=lambda term: abs(share[term]))
    assert any(f"“{heaviest}” speaks" in mark.said for mark in text.marks)
    for mark in text.marks:
        letters = text.lines[mark.line][mark.start : mark.end].lower()
        terms = re.findall("“([^”]+)” speaks (for|against) positive", mark.said)
        assert all((share[term] > 0) == (way == "for") for term, way in terms)
        assert any(letters in term or term in letters for term, _ in terms)


def test_a_card_says_that_a_model_weighs_no_single_words(folder: Path, opened: Open):
    session = asked(opened(folder), "knn")
    state = session.state("positive")
    (text,) = object_card(session, state, state.question.row).texts
    assert (text.marks, text.note) == (
        (), "No words are marked by this model: it does not weigh them one by one.",
    )  # fmt: skip


def test_a_card_says_how_many_words_are_known_not_which(folder: Path, opened: Open):
    session = asked(opened(folder), "linear_svm")
    card = object_card(session, session.state("positive"), 5)
    assert [value.name for value in card.features] == ["terms"]
    assert int(card.features[0].text.replace(",", "")) == session.project.dataset().X.words[[5]].nnz


def test_the_texts_most_alike_have_the_most_words_in_common(folder: Path, opened: Open):
    session = asked(opened(folder), "linear_svm")
    state = session.state("positive")
    row, words = state.question.row, session.project.dataset().X.words
    labelled = np.array(sorted(state.history.trained))
    cosine = (words[labelled] @ words[[row]].T).toarray().ravel()

    shown = references(session, state, row)
    assert [each.row for each in shown.nearest] == labelled[np.argsort(-cosine)][:5].tolist()


def test_a_card_tells_nothing_of_a_model_where_questions_come_twice(folder: Path, opened: Open):
    session = asked(opened(folder), "linear_svm")
    asking = replace(session.config.asking, repeat_every=50)
    session.change_settings(replace(session.config, asking=asking))
    state = session.state("positive")
    (text,) = object_card(session, state, state.question.row).texts
    assert text.marks == ()


# -- what leaves -------------------------------------------------------------------------------


def test_a_saved_model_reads_the_texts_of_another_file(
    reviews, folder: Path, tmp_path: Path, opened: Open
):
    project = opened(folder)
    state = asked(project, "logistic_regression").state("positive")
    BACKGROUND.wait(project)
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"said": reviews["review"], "n": pa.array(range(N))}), other)
    (model,) = (folder / "models").glob("*.joblib")

    with pytest.raises(UnknownColumnError, match="has no column `review`"):
        apply_model(open_saved(model), other, tmp_path / "out.csv")
    saved = open_saved(model)
    apply_model(saved, other, tmp_path / "out.parquet", renamed={"review": "said"})

    made = pq.read_table(tmp_path / "out.parquet")
    proba = made[made.column_names[2]].to_numpy()
    rows = np.flatnonzero(np.isfinite(state.fit.proba))
    np.testing.assert_allclose(proba[rows], state.fit.proba[rows], atol=1e-6)
    # And by itself, in rows as another program has them.
    texts = np.array(reviews["review"].to_pylist(), dtype=object)[:, None]
    own = joblib.load(model).predict_proba(texts)[:, 1]
    np.testing.assert_allclose(own, proba, atol=1e-6)


def test_a_configuration_carries_the_texts_and_its_labels_lead_to_the_same_model(
    reviews, folder: Path, opened: Open, tmp_path: Path
):
    session = asked(opened(folder), "linear_svm")
    text = write_configuration(record(session.project, session.moment()))
    copy = create_project(tmp_path, "Copy", make_table(reviews), text_config())[0]
    target = LabellingSession(opened(copy), "Ada")

    made = replay(target.project, read_configuration(text.encode()), "Ada")

    assert made.difference == ""
    before, after = session.state("positive"), target.state("positive")
    np.testing.assert_array_equal(after.fit.proba, before.fit.proba)
    assert after.question.row == before.question.row


def test_a_data_set_in_partitions_refuses_texts(reviews, tmp_path: Path):
    pq.write_table(pa.table(reviews), tmp_path / "part.parquet")
    with pytest.raises(SettingsError, match="no features of texts"):
        lay_out(in_process, tmp_path, text_config())


def test_a_column_of_long_texts_is_guessed_to_be_what_is_learned_from(
    reviews, catalogue_of: Callable[..., Catalogue]
):
    config = guess_config(catalogue_of(reviews))
    assert config.features == Features(texts=("review",))
    assert config.columns.texts == ("review",)
    assert (config.x_axis, config.y_axis) == ("text 1", "text 2")
    (member,) = guess_setup(config.features).members
    assert (member.model, member.params) == ("logistic_regression", {"C": 10.0})
    assert guess_setup(Features(("length",))) == ClassifierSetup()


def test_exported_predictions_and_test_scores_are_of_the_same_model(folder: Path, opened: Open):
    session = asked(opened(folder), "logistic_regression")
    state, dataset = session.state("positive"), session.project.dataset()
    exported = predictions_of(session)
    table = pa.Table.from_batches(list(exported.batches))
    (name,) = [n for n in table.column_names if n.startswith("probability_")]
    proba = table[name].to_numpy()

    own = member_probabilities(state.fit.learner, dataset.rows(np.arange(N)).astype(float), BINARY)
    np.testing.assert_allclose(proba, own[0, :, 1], atol=2e-6)
    scores = scores_of_test_set(session, "positive")
    tests = dataset.parts == TEST
    said, true = own[0, tests, 1] > 0.5, dataset.truth("positive")[tests] == 1
    assert scores.accuracy.value == pytest.approx(np.mean(said == true))
