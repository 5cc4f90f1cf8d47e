"""The classifier over all labels on the pages: chosen, set up, asked by, and looked into."""

from dataclasses import replace

import pytest
from conftest import small_setup
from paging import LABELLING, SETTINGS, TRAINING, bar, click, drawn_maps, fine, read, show
from streamlit.testing.v1 import AppTest
from test_pages import press

from al_engine.curating.models import scores_of_test_set
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS
from pages.components.charts import MOST_CLASSES, _folded, _frequent


@pytest.fixture
def begun(ready: LabellingSession) -> LabellingSession:
    """The small project with one classifier over all its labels, started."""
    ready.change_settings(replace(ready.config, train_labels=(ALL_LABELS,)))
    ready.start(ALL_LABELS, small_setup())
    return ready


def tables(at: AppTest) -> list[str]:
    return [m.value for m in at.markdown if m.value.startswith("| |")]


def test_it_is_chosen_in_settings_beside_the_others_and_set_up_with_a_point_a_label(ready):
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "4"
    at.run()
    at.toggle(key="over-all-survey").set_value(True).run()
    fine(at)
    assert "told apart" in read(at)
    click(at, "next-3")
    assert ready.project.config.train_labels == (ALL_LABELS, "QSO", "STAR")
    at = show(TRAINING, "survey")
    assert "One classifier over all 3 labels" in read(at)
    said = read(at)
    assert "entropy where the probabilities are spread most" in said
    assert "ask about the same objects" not in said
    click(at, f"start-{ALL_LABELS}")
    assert bar(at)["question"] == "What is it?"


@pytest.mark.parametrize("page", [TRAINING, LABELLING])
def test_it_asks_what_the_object_is_and_learns_the_label_given(begun, page):
    at = show(page, "survey")
    shown = bar(at)
    assert shown["question"] == "What is it?"
    assert " likely " in shown["why"]
    press(at, "answer", "STAR")
    assert bar(at)["object_id"] != shown["object_id"]
    (event,) = [e for e in begun.project.log.events() if e.kind == "answer"]
    assert (event.classifier, event.label) == (ALL_LABELS, "STAR")
    assert event.probability is not None


def test_the_card_shows_how_likely_each_label_is(begun):
    at = show(LABELLING, "survey")
    assert "all others 0.00" in read(at)
    assert read(at).count("P(") >= 3
    assert "Macro F1" in read(at)


def test_its_scores_are_macro_means_and_of_one_label_where_that_is_chosen(begun):
    at = show(TRAINING, "survey")
    scores = begun.state(ALL_LABELS).scores.validation
    (table,) = tables(at)
    assert f"**{scores.f1.value:.3f}**" in table
    at.selectbox(key="class-survey").select("QSO").run()
    fine(at)
    (table,) = tables(at)
    own = scores.of_class(scores.classes.index("QSO"))
    assert f"**{own.precision.value:.3f}**" in table
    assert f" n {own.precision.n:,}]" in table


def test_a_mistake_of_the_list_is_shown_as_the_objects_that_it_was_made_of(begun):
    at = show(TRAINING, "survey")
    matrix = begun.state(ALL_LABELS).scores.validation.confusion
    n, actual, said = max((matrix[a][s], a, s) for a in range(3) for s in range(3) if a != s)
    names = [label.name for label in begun.config.labels]
    at.selectbox(key="mistake-survey-validation-0").select(
        f"{names[actual]} taken for {names[said]}: {n:,}"
    ).run()
    fine(at)
    found = [c.value for c in at.caption if f"{names[actual]}, predicted {names[said]}" in c.value]
    assert found[0].startswith(f"{n} object")
    picker = next(s for s in at.selectbox if str(s.key).startswith("cell-"))
    picker.select(picker.options[0]).run()
    fine(at)
    assert "is selected by you" in bar(at)["why"]


def test_maps_of_the_label_predicted_and_of_certainty_stand_there_at_first(begun):
    at = show(TRAINING, "survey")
    titles = [given["title"] for given, _ in drawn_maps(at)]
    assert titles == ["Training set", "Predicted label", "Certainty of the prediction"]


def test_test_results_tell_purity_and_completeness_of_each_label(begun):
    at = show(TRAINING, "survey")
    click(at, f"test-{ALL_LABELS}")
    scores = scores_of_test_set(begun, ALL_LABELS)
    (listed,) = [d.value for d in at.dataframe if "purity" in d.value.columns]
    assert list(listed["label"]) == [label.name for label in begun.config.labels]
    assert listed["objects"].tolist() == [sum(row) for row in scores.confusion]


def test_of_many_classes_the_frequent_have_rows_and_the_others_share_one():
    n = MOST_CLASSES + 3
    confusion = tuple(tuple(10 * i if i == j else 1 for j in range(n)) for i in range(n))
    scores = type("Of", (), {"confusion": confusion})
    shown = _frequent(scores)
    assert shown == list(range(3, n))
    folded = _folded(confusion, shown)
    assert sum(map(sum, folded)) == sum(map(sum, confusion))
    assert folded[-1][-1] == sum(confusion[i][j] for i in range(3) for j in range(3))
    assert folded[0][0] == confusion[3][3]
