"""What may be answered, and in which order it is offered."""

import pyarrow as pa
from conftest import survey_config

from al_engine.loop.answering import labels_offered
from al_engine.loop.state import seen_by
from al_engine.projects.dataset import build_dataset
from al_engine.settings.config import Columns, Features, Label


def many_labels(n: int) -> tuple[Label, ...]:
    return tuple(Label(f"type {i:02d}", f"Type {i:02d}", "#0072B2") for i in range(n))


def test_up_to_ten_labels_stand_in_the_order_of_the_settings(project):
    offered = labels_offered(project.dataset(), project.config, "STAR")
    assert [label.value for label in offered] == ["GALAXY", "QSO", "STAR"]


def test_beyond_ten_the_one_asked_about_and_the_frequent_ones_get_the_keys(catalogue_of, tmp_path):
    # Of label i there are i + 1 objects: the last one is the most frequent.
    values = pa.array([f"type {i:02d}" for i in range(14) for _ in range(i + 1)])
    catalogue = catalogue_of({"g": pa.array(range(len(values)), pa.float64()), "t": values})
    config = survey_config(
        labels=many_labels(14),
        columns=Columns(label="t"),
        features=Features(("g",)),
        train_labels=("type 03",),
    )
    dataset = build_dataset(catalogue, config, tmp_path)
    offered = [label.value for label in labels_offered(dataset, config, "type 03")]
    assert offered[:4] == ["type 03", "type 13", "type 12", "type 11"]
    assert sorted(offered) == [label.value for label in config.labels]


def test_without_known_labels_the_one_asked_about_still_comes_first(catalogue_of, tmp_path):
    catalogue = catalogue_of({"g": pa.array([1.0, 2.0, 3.0])})
    config = survey_config(
        labels=many_labels(12),
        columns=Columns(),
        features=Features(("g",)),
        train_labels=("type 07",),
    )
    dataset = build_dataset(catalogue, config, tmp_path)
    offered = [label.value for label in labels_offered(dataset, config, "type 07")]
    assert offered[:3] == ["type 07", "type 00", "type 01"]


def test_a_token_that_is_none_of_ours_has_seen_nothing():
    assert seen_by("12:7:query") == 12
    assert {seen_by(text) for text in ("", "x:1:query", "9" * 5000 + ":1:query", "-3")} == {-1}
