"""The set-up of batches, and the view of one, on the pages."""

import re
from dataclasses import replace

import pytest
from conftest import SMALL_FOREST, answer, small_setup
from test_pages import TRAINING, fine, read, show

from al_engine.session import LabellingSession
from al_engine.settings.config import Columns
from al_engine.settings.target import Target
from al_engine.showing.batch import MOST_LETTERS, in_batch
from al_engine.showing.targets import set_target

LABELLING = "pages/3_Labelling.py"


@pytest.fixture
def in_batches(ready: LabellingSession) -> LabellingSession:
    member = replace(SMALL_FOREST, strategy="margin_clusters")
    ready.start("QSO", small_setup(members=(member,), batch_size=4))
    return ready


def test_a_larger_batch_begins_with_a_strategy_of_its_own(ready):
    at = show(TRAINING, "survey")
    strategy = at.selectbox(key="setup-survey-QSO-1-0-strategy")
    assert "Margin, clustered" not in strategy.options
    assert not {"Ratio of errors, as in the tutorial", "Ranked batch"} & set(strategy.options)
    at.number_input(key="setup-survey-QSO-batch").set_value(6).run()
    strategy = at.selectbox(key="setup-survey-QSO-1-0-strategy-batch")
    assert strategy.value == "margin_clusters"
    assert "Ratio of errors, as in the tutorial" not in strategy.options
    strategy.set_value("margin_power").run()
    at.number_input(key="setup-survey-QSO-margin_power-power").set_value(2.5).run()
    at.button(key="start-QSO").click().run()
    fine(at)
    setup = ready.config.setups["QSO"]
    assert (setup.batch_size, setup.members[0].strategy) == (6, "margin_power")
    assert setup.strategy_params == {"power": 2.5}
    assert len(ready.state("QSO").batch) == 6


def test_single_questions_again_take_a_strategy_that_serves_them(in_batches):
    at = show(TRAINING, "survey")
    at.number_input(key="setup-survey-QSO-batch").set_value(1).run()
    assert at.selectbox(key="setup-survey-QSO-1-0-strategy").value == "uncertainty"
    at.button(key="change-QSO").click().run()
    fine(at)
    setup = in_batches.config.setups["QSO"]
    assert (setup.batch_size, setup.members[0].strategy) == (1, "uncertainty")
    assert in_batches.state("QSO").batch == ()


def test_a_committee_asks_in_batches_by_a_strategy_of_its_own(ready):
    at = show(TRAINING, "survey")
    at.number_input(key="setup-survey-QSO-batch").set_value(5).run()
    at.button(key="setup-survey-QSO-add-1").click().run()
    assert at.selectbox(key="setup-survey-QSO-committee-batch").value == "vote_clusters"


def test_the_batch_is_shown_in_place_of_the_question_and_left_again(in_batches):
    at = show(LABELLING, "survey")
    at.button(key="to-Batch").click().run()
    fine(at)
    assert "4 of 4 left" in read(at)
    assert "A batch of 4 from" in read(at)
    answer(in_batches)
    at.run()
    assert "3 of 4 left" in read(at)
    at.button(key="from-batch").click().run()
    assert not any(each.key == "from-batch" for each in at.button)


def test_beside_a_batch_stands_that_the_target_is_reached(in_batches):
    at = show(LABELLING, "survey")
    at.button(key="to-Batch").click().run()
    assert "target reached" not in read(at)
    set_target(in_batches, "QSO", Target("accuracy", 0.1), "validation")
    fine(at.run())
    said = read(at)
    assert ":green-badge[target reached]" in said
    assert "4 of 4 left" in said


def test_without_a_batch_the_way_to_it_is_not_there_or_leads_back(in_batches):
    at = show(LABELLING, "survey")
    at.button(key="to-Batch").click().run()
    in_batches.start("QSO", small_setup())
    at.run()
    fine(at)
    assert "No batch is asked about now" in read(at)
    at.button(key="from-batch").click().run()
    assert not any(each.key == "to-Batch" for each in at.button)


# -- what is told of each ------------------------------------------------------------------------


def test_each_object_says_what_was_answered_and_what_the_model_makes_of_it(in_batches):
    before = in_batches.state("QSO")
    answer(in_batches, label="STAR")
    answer(in_batches, kind="unsure")
    answer(in_batches, kind="later")
    state = in_batches.state("QSO")
    found = in_batch(in_batches, state, has_pictures=False)
    assert [each.row for each in found] == list(before.batch)
    assert [each.said for each in found] == [
        in_batches.config.label_name("STAR"),
        "Unsure",
        "Later",
        "",
    ]
    assert all(re.fullmatch(r"[01]\.\d\d Qso", each.guess) for each in found)
    assert found[0].text.splitlines()[0].startswith("g ")


def test_a_guess_is_kept_back_where_some_questions_are_asked_twice(in_batches):
    asking = replace(in_batches.config.asking, repeat_every=50)
    in_batches.change_settings(replace(in_batches.config, asking=asking))
    found = in_batch(in_batches, in_batches.state("QSO"), has_pictures=True)
    assert len(found) == 4
    assert {(each.guess, each.text) for each in found} == {("", "")}


def test_texts_are_shortened_and_extra_columns_told_where_there_are_no_pictures(in_batches):
    columns = in_batches.config.columns
    assert isinstance(columns, Columns)
    changed = replace(columns, info=("g", "name"))
    in_batches.change_settings(replace(in_batches.config, columns=changed))
    [first, *_] = in_batch(in_batches, in_batches.state("QSO"), has_pictures=False)
    assert [line.split(" ")[0] for line in first.text.splitlines()] == ["g", "name"]
    changed = replace(columns, texts=("name",))
    in_batches.change_settings(replace(in_batches.config, columns=changed))
    [first, *_] = in_batch(in_batches, in_batches.state("QSO"), has_pictures=True)
    assert 0 < len(first.text) <= MOST_LETTERS
