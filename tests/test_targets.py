"""A target: reached by the lower end of an interval, said once, kept with the settings."""

from dataclasses import replace
from typing import Any

import pytest
from conftest import Open, answer, begin, small_setup
from paging import LABELLING, TRAINING, bar, fine, read, show
from streamlit.testing.v1 import AppTest
from test_curation import label_some, use
from test_pages import press
from test_trust_page import opened_menu

from al_engine.background import BACKGROUND
from al_engine.curating.models import scores_of_test_set
from al_engine.curating.test_set import Curator
from al_engine.data.history import LabelledSet
from al_engine.errors import SettingsError
from al_engine.exchange.configuration import read_configuration, write_configuration
from al_engine.learning.metrics import scores_of_confusion
from al_engine.loop.recording import record
from al_engine.loop.scores import RoundScores
from al_engine.loop.state import ScoredRound, State
from al_engine.projects.opening import close_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, ProjectConfig
from al_engine.settings.keys import round_key
from al_engine.settings.target import Target
from al_engine.showing.targets import approach, newly_reached, set_target

F1 = Target("f1", 0.8)
LOW, BETWEEN, HIGH = 150, 163, 190  # true positives of 200: F1 below, about and above the target


def scored(tp: int, n_positive: int = 200, **more: Any) -> RoundScores:
    missed = n_positive - tp
    return RoundScores(None, scores_of_confusion(n_positive - missed, missed, missed, tp), **more)


def after(state: State, *tps: int, first: int = 30, **more: Any) -> State:
    """The state after as many rounds, a label apart, each with so many true positives."""
    rounds = tuple(
        ScoredRound(i, LabelledSet(str(i), first + i, i), scored(tp, **more))
        for i, tp in enumerate(tps)
    )
    assert state.fit is not None
    fit = replace(state.fit, n_labelled=first + len(tps) - 1)
    return replace(state, fit=fit, scores=rounds[-1].scores, rounds=rounds)


@pytest.fixture
def session(project: Project) -> LabellingSession:
    session = begin(project)
    set_target(session, "QSO", F1, "validation")
    return session


def test_a_target_is_reached_when_the_lower_end_of_the_interval_is_there(
    session: LabellingSession,
) -> None:
    state = session.state("QSO")
    found = approach(session, after(state, LOW, BETWEEN))
    assert found is not None
    assert found.score is not None
    assert found.score.value is not None
    assert found.score.low is not None
    assert found.score.low < 0.8 < found.score.value
    assert not found.is_reached
    for tps, n_reached in (
        ((LOW, HIGH, HIGH), 31),
        ((LOW, HIGH, BETWEEN, HIGH, BETWEEN), 31),  # it is not under it again
        ((LOW, HIGH, LOW, HIGH), 33),
        ((LOW, HIGH, LOW, BETWEEN), None),
    ):
        found = approach(session, after(state, *tps))
        assert found is not None
        assert found.n_reached == n_reached


def test_it_is_said_once_and_again_only_after_the_score_fell_back(
    session: LabellingSession,
) -> None:
    state = session.state("QSO")
    said = [newly_reached(session, after(state, LOW)) is not None]
    tps = [LOW, HIGH, BETWEEN, HIGH, LOW, HIGH, HIGH]
    for n in range(2, len(tps) + 1):
        said.append(newly_reached(session, after(state, *tps[:n])) is not None)
    assert said == [False, True, False, False, False, True, False]


def test_an_undo_and_the_answer_after_it_do_not_say_it_again(session: LabellingSession) -> None:
    state = session.state("QSO")
    assert newly_reached(session, after(state, LOW, HIGH)) is not None
    assert newly_reached(session, after(state, LOW)) is None
    assert newly_reached(session, after(state, LOW, HIGH)) is None
    # Undone further, and reached sooner by other answers.
    assert newly_reached(session, after(state, LOW, first=28)) is None
    assert newly_reached(session, after(state, LOW, HIGH, first=28)) is None


def test_a_restart_does_not_say_it_again(session: LabellingSession, opened: Open) -> None:
    assert newly_reached(session, after(session.state("QSO"), LOW, HIGH)) is not None
    folder = session.project.folder
    BACKGROUND.wait(session.project)
    close_project(folder)
    again = LabellingSession(opened(folder), "Ada")
    assert again.config.setups["QSO"].target == F1
    assert newly_reached(again, after(again.state("QSO"), LOW, HIGH)) is None
    assert newly_reached(again, after(again.state("QSO"), LOW, HIGH, LOW)) is None
    assert newly_reached(again, after(again.state("QSO"), LOW, HIGH, LOW, HIGH)) is not None


def test_another_target_is_said_for_itself(session: LabellingSession) -> None:
    assert newly_reached(session, after(session.state("QSO"), LOW, HIGH)) is not None
    set_target(session, "QSO", Target("recall", 0.8), "validation")
    assert newly_reached(session, after(session.state("QSO"), LOW, HIGH)) is not None
    assert newly_reached(session, after(session.state("QSO"), LOW, HIGH)) is None


def test_cross_validated_scores_reach_no_target(session: LabellingSession) -> None:
    found = approach(session, after(session.state("QSO"), HIGH, HIGH, by_folds=True))
    assert found is not None
    assert (found.score, found.n_reached) == (None, None)
    assert "fewer than 30 objects" in found.reason


def test_a_target_changes_no_round_and_goes_along_in_configurations(
    session: LabellingSession,
) -> None:
    project = session.project
    before, key = session.state("QSO"), round_key(session.config, "QSO", "")
    set_target(session, "QSO", Target("precision", 0.95), "audit")
    assert session.state("QSO").fit is before.fit
    assert round_key(session.config, "QSO", "") == key
    written = write_configuration(record(project, session.moment()))
    setup = read_configuration(written.encode()).settings.setups["QSO"]
    assert (setup.target, setup.target_over) == (Target("precision", 0.95), "audit")
    set_target(session, "QSO", None, "validation")
    assert approach(session, session.state("QSO")) is None


@pytest.mark.parametrize(
    "wrong", [{"metric": "f1", "value": 0}, {"metric": "f1", "value": 1.2},
              {"metric": "luck", "value": 0.5}, {"metric": "f1"}]
)  # fmt: skip
def test_what_no_score_can_be_is_refused(session: LabellingSession, wrong: dict) -> None:
    data = session.config.to_dict()
    data["setups"]["QSO"]["target"] = wrong
    with pytest.raises(SettingsError):
        ProjectConfig.from_dict(data)


# -- on the audit sample ---------------------------------------------------------------------------


def test_on_the_audit_sample_the_score_is_that_of_the_test_results(project: Project) -> None:
    session = begin(project, n_initial=60)
    set_target(session, "QSO", Target("accuracy", 0.5), "audit")
    found = approach(session, session.state("QSO"))
    assert found is not None
    assert "draw one on the page Test set" in found.reason
    curator = Curator(session)
    label_some(curator, 25, "audit")
    label_some(curator, 10, "criteria")  # these are of no fair sample
    assert approach(session, session.state("QSO")) == found, "it is not in use yet"
    use(session)
    found = approach(session, session.state("QSO"))
    expected = scores_of_test_set(session, "QSO", curator.curated.audit)
    assert expected is not None
    assert found is not None
    assert found.score == expected.accuracy
    assert found.score.n == 25
    assert found.n_reached == session.state("QSO").n_trained
    assert newly_reached(session, session.state("QSO")) is not None
    first = found.n_reached
    answer(session)
    found = approach(session, session.state("QSO"))
    assert found is not None
    assert found.n_reached == first
    label_some(curator, 1, "audit")
    found = approach(session, session.state("QSO"))
    assert found is not None
    assert found.score is not None
    assert found.score.n == 26, "the sample that there is now"


def test_over_all_labels_too(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    session.change_settings(replace(session.config, train_labels=(ALL_LABELS,)))
    session.start(ALL_LABELS, small_setup(n_initial=60))
    set_target(session, ALL_LABELS, Target("f1", 0.3), "validation")
    state = session.state(ALL_LABELS)
    found = approach(session, state)
    assert found is not None
    assert state.scores is not None
    assert state.scores.validation is not None
    assert found.score == state.scores.validation.f1
    curator = Curator(session)
    label_some(curator, 25, "audit")
    use(session)
    set_target(session, ALL_LABELS, Target("recall", 0.3), "audit")
    found = approach(session, session.state(ALL_LABELS))
    expected = scores_of_test_set(session, ALL_LABELS, curator.curated.audit)
    assert found is not None
    assert expected is not None
    assert found.score == expected.recall


# -- on the pages ----------------------------------------------------------------------------------


def is_said_quietly(at: AppTest) -> bool:
    """By a badge on Labelling, on Training by the name of the menu."""
    badges = "\n".join(m.value for m in at.markdown if "-badge[" in m.value)
    menus = [menu.proto.popover.label for menu in at.get("popover")]
    return "target reached" in badges or "Target reached" in menus


def test_it_is_set_beside_the_advice_shown_with_the_scores_and_taken_away(
    survey_begun: LabellingSession,
) -> None:
    at = opened_menu(show(TRAINING, "survey"), "stop-QSO")
    (metric,) = [box for box in at.selectbox if box.label == "Score"]
    fine(metric.select("recall").run())
    (value,) = [box for box in at.number_input if box.label == "Value"]
    fine(value.set_value(0.97).run())
    (set_it,) = [b for b in at.button if b.label == "Set the target"]
    fine(set_it.click().run())
    assert survey_begun.config.setups["QSO"].target == Target("recall", 0.97)
    assert "Target Recall 0.97 on validation: 0." in read(at)
    assert "not yet" in read(at)
    assert not is_said_quietly(at)
    (metric,) = [box for box in at.selectbox if box.label == "Score"]
    fine(metric.select("none").run())
    (away,) = [b for b in at.button if b.label == "Take the target away"]
    fine(away.click().run())
    assert survey_begun.config.setups["QSO"].target is None
    assert "Target Recall" not in read(at)


@pytest.mark.parametrize("value", [0.0001, 1.0])
def test_a_target_that_came_with_settings_and_cannot_be_typed_is_shown_all_the_same(
    survey_begun: LabellingSession, value: float
) -> None:
    set_target(survey_begun, "QSO", Target("f1", value), "audit")
    said = read(opened_menu(show(TRAINING, "survey"), "stop-QSO"))
    assert f"Target F1 {value:.3g} on audit: not known" in said
    assert "looked at in every round" in said


@pytest.mark.parametrize("page", [TRAINING, LABELLING])
def test_the_answer_that_reaches_it_is_confirmed_with_it_and_the_next_is_not(
    survey_begun: LabellingSession, page: str
) -> None:
    set_target(survey_begun, "QSO", Target("recall", 0.01), "validation")
    at = show(page, "survey")
    assert "target reached: Recall" in bar(at)["confirmation"]
    assert is_said_quietly(at)
    press(at, "answer", "STAR")
    assert "target reached" not in bar(at)["confirmation"]
    assert is_said_quietly(at)
    press(at, "undo")
    press(at, "answer", "QSO")
    assert "target reached" not in bar(at)["confirmation"]


def test_a_score_over_chosen_labels_is_called_so_where_one_labels(ready: LabellingSession) -> None:
    splits = replace(ready.config.splits, train=98.0, validation=1.0, test=1.0)
    ready.change_settings(replace(ready.config, splits=splits))
    ready.start("QSO", small_setup(n_initial=20))
    set_target(ready, "QSO", F1, "validation")
    said = read(show(LABELLING, "survey"))
    assert ", cross-validated" in said
    said = read(show(TRAINING, "survey"))
    assert "Target F1 0.8: not known" in said
