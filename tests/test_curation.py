"""The curated test set: how objects are drawn, what answers do, and what it changes in use."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import (
    CLASSES,
    HOSTILE,
    N_ROWS,
    SMALL_FOREST,
    TRUTH,
    Open,
    answer,
    begin,
    known,
    small_setup,
    survey_config,
)

from al_engine.background import BACKGROUND
from al_engine.curating.models import scores_of_test_set
from al_engine.curating.test_set import Curator, Shown, known_to_within
from al_engine.data.history import fold
from al_engine.data.labels import CURATED, Event
from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION
from al_engine.errors import AnswerRefusedError, SettingsError
from al_engine.exchange.models import find_models
from al_engine.home import list_projects
from al_engine.loop import scores
from al_engine.loop.firsts import initial_rows
from al_engine.loop.partitioned import layout
from al_engine.loop.truth import parts_in_force, truth_in_force
from al_engine.projects.opening import close_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import Asking, Label, MemberSetup, Splits
from al_engine.settings.criteria import Criterion, Group, Search, in_words
from al_engine.settings.keys import round_key
from al_engine.showing.match_map import MatchMap
from al_engine.showing.objects import object_card
from al_engine.views.raster import View
from pages.components import charts
from pages.components.charts import is_break

LOW = Search((Group((Criterion("g", "<", ("0",)),)),))


@pytest.fixture
def curator(project: Project) -> Curator:
    return Curator(LabellingSession(project, "Ada"))


def next_one(curator: Curator, draw: Any = "criteria", search: Search = LOW) -> Shown:
    shown = curator.next_object(draw, search)
    assert shown is not None
    return shown


def label_it(
    curator: Curator, shown: Shown, label: str | None = None, search: Search = LOW
) -> None:
    value = label or TRUTH[shown.row]
    curator.answer(shown.row, "answer", value, token=shown.token, search=search, seconds=2.0)


def label_some(curator: Curator, n: int, draw: Any = "criteria", search: Search = LOW) -> list[int]:
    rows = []
    for _ in range(n):
        shown = next_one(curator, draw, search)
        label_it(curator, shown, search=search)
        rows.append(shown.row)
    return rows


def choose(curator: Curator, row: int, label: str | None = None) -> None:
    shown = curator.next_object("criteria", LOW, row)
    assert shown is not None
    label_it(curator, shown, label)


def use(session: LabellingSession, wanted: bool = True) -> None:
    splits = replace(session.config.splits, curated=wanted)
    session.change_settings(replace(session.config, splits=splits))


def token(curator: Curator) -> str:
    return f"{curator.curated.last_seq}::"


# -- drawing -------------------------------------------------------------------------------------


def test_new_draws_a_match_that_has_no_answer_and_the_same_one_each_time(curator: Curator) -> None:
    shown = next_one(curator)
    assert shown.how == "criteria"
    assert curator.found(LOW).is_match[shown.row]
    assert next_one(Curator(curator.session)) == shown
    rows = label_some(curator, 10)
    assert len(set(rows)) == 10
    assert set(rows) <= set(np.flatnonzero(curator.found(LOW).is_match))


def test_another_seed_draws_others_and_every_match_comes_up_in_the_end(curator: Curator) -> None:
    session = curator.session
    first = next_one(curator).row
    session.change_settings(replace(session.config, splits=Splits(seed=3)))
    assert next_one(curator).row != first
    narrow = Search((Group((Criterion("g", "<", ("-1",)), Criterion("r", "<", ("0.5",)))),))
    n = curator.found(narrow).n
    assert 0 < n < 40
    rows = label_some(curator, n, search=narrow)
    assert set(rows) == set(np.flatnonzero(curator.found(narrow).is_match))
    assert curator.next_object("criteria", narrow) is None


def test_what_a_classifier_has_trained_on_is_not_drawn_by_criteria(project: Project) -> None:
    session = begin(project, n_initial=100)
    curator = Curator(session)
    everything = Search()
    rows = label_some(curator, 30, search=everything)
    assert not set(rows) & set(project.history("QSO").trained)


def test_what_a_person_labelled_for_a_classifier_is_not_drawn_by_criteria(
    project: Project,
) -> None:
    session = begin(project)
    clicked = list(known(session, VALIDATION))[:40]
    for row in clicked:
        answer(session, row=row)
    assert set(project.history("QSO").corrected) == set(clicked)
    curator, drawn = Curator(session), set()
    while (shown := curator.next_object("criteria", LOW)) is not None:
        label_it(curator, shown)
        drawn.add(shown.row)
    assert drawn
    assert not drawn & set(clicked)


def test_a_search_that_does_not_find_the_object_is_not_kept_with_it(curator: Curator) -> None:
    shown = next_one(curator)
    high = Search((Group((Criterion("g", ">=", ("0",)),)),))
    label_it(curator, shown, search=high)
    (event,) = curator.session.project.log.curated_events()
    assert (event.how, event.payload) == ("chosen", None)


def test_without_a_search_that_can_be_carried_out_nobody_is_drawn(curator: Curator) -> None:
    assert curator.next_object("criteria", None) is None
    assert curator.found(None).n == 0
    assert curator.next_object("criteria", None, 5) is not None, "a selected object is shown"
    assert curator.next_object("audit", None) is not None


def test_an_audit_draws_from_the_whole_catalogue_whatever_the_seed_is_later(
    curator: Curator,
) -> None:
    session = curator.session
    before = label_some(curator, 3, "audit")
    payloads = [event.payload for event in session.project.log.curated_events()]
    assert payloads == [{"met": [], "seed": 0}, {"met": []}, {"met": []}]
    expected = Curator(session)._order("audit").argsort()[:8].tolist()
    session.change_settings(replace(session.config, splits=Splits(seed=9)))
    assert before + label_some(curator, 5, "audit") == expected
    assert curator.curated.audit == frozenset(expected)


def test_an_audit_counts_what_the_criteria_drew_before_it_came_there(curator: Curator) -> None:
    order = curator._order("audit").argsort().tolist()
    for row in (order[1], order[4], order[200]):
        choose(curator, row)
    assert label_some(curator, 3, "audit") == [order[0], order[2], order[3]]
    # Without them the sample would hold too few of what was chosen.
    assert curator.curated.audit == frozenset(order[:4])
    assert label_some(curator, 1, "audit") == [order[5]]
    assert curator.curated.audit == frozenset(order[:6])
    curator.undo(token=token(curator))
    assert curator.curated.audit == frozenset(order[:4])


def misfit_of_prefixes(orders: list[list[int]], n: int) -> float:
    """How far the labels of the first n of each order are from the catalogue's: chi-squared.

    Over k labels and many orders it is near k - 1, the labels of each order being a fair sample.
    """
    expected = n / len(CLASSES)
    found = [Counter(TRUTH[row] for row in order[:n]) for order in orders]
    chi2 = [sum((each[c] - expected) ** 2 / expected for c in CLASSES) for each in found]
    return float(np.mean(chi2)) / (1 - (n - 1) / (N_ROWS - 1))  # drawn without putting back


@pytest.mark.parametrize("draw", ["audit", "criteria"])
def test_the_first_of_a_draw_are_a_fair_sample_of_the_catalogue(
    curator: Curator, draw: Any
) -> None:
    session, orders = curator.session, []
    for seed in range(200):
        session.project.save_config(survey_config(splits=Splits(seed=seed)), "Ada")
        orders.append(curator._order(draw).argsort().tolist())
    for n in (20, 60, 150):
        # The mean of 200 has a standard deviation of 0.14: five of them either way.
        assert misfit_of_prefixes(orders, n) == pytest.approx(2.0, abs=0.7)
    by_label = [sorted(range(N_ROWS), key=lambda row: TRUTH[row])] * 200
    evened_out = [list(range(N_ROWS))] * 200
    assert misfit_of_prefixes(by_label, 60) > 50, "sorted by label"
    assert misfit_of_prefixes(evened_out, 60) < 0.1, "each label in turn"


def test_an_audit_is_another_draw_than_that_by_criteria(curator: Curator) -> None:
    audit, by_criteria = (curator._order(draw).argsort()[:30] for draw in ("audit", "criteria"))
    assert len(set(audit.tolist()) & set(by_criteria.tolist())) < 12


def test_more_objects_tell_an_accuracy_better() -> None:
    assert known_to_within(500) == pytest.approx(0.026, abs=0.001)
    assert known_to_within(0) == 1.0
    assert known_to_within(2000) < known_to_within(500)


# -- answers -------------------------------------------------------------------------------------


def test_an_answer_is_kept_with_what_it_was_drawn_from(survey_folder: Path, opened: Open) -> None:
    curator = Curator(LabellingSession(opened(survey_folder), "Ada"))
    shown = next_one(curator)
    label_it(curator, shown)
    close_project(survey_folder)
    project = opened(survey_folder)
    (event,) = project.log.curated_events()
    assert (event.kind, event.who, event.classifier, event.part) == ("answer", "Ada", None, CURATED)
    assert (event.row_number, event.label) == (shown.row, TRUTH[shown.row])
    assert (event.how, event.seconds) == ("criteria", 2.0)
    assert event.payload is not None
    assert event.payload["search"]["groups"][0]["criteria"][0]["column"] == "g"
    curated = project.curated()
    assert curated.labels == {shown.row: TRUTH[shown.row]}
    assert curated.how == {shown.row: "criteria"}
    assert list_projects(survey_folder.parent)[0].n_answers == 1


def test_no_label_collides_with_the_events_of_the_test_set(project: Project) -> None:
    strange = tuple(Label(v, f"name {i}", "#000000") for i, v in enumerate((CURATED, "", "None")))
    config = survey_config()
    project.save_config(
        replace(config, labels=(*config.labels, *strange), train_labels=("QSO", CURATED)), "Ada"
    )
    session = begin(project)
    curator = Curator(session)
    choose(curator, 5, CURATED)
    assert curator.curated.labels == {5: CURATED}
    assert project.log.events(CURATED) == []
    assert project.history(CURATED).last is None
    answer(session)
    assert curator.curated.labels == {5: CURATED}


def test_unsure_is_kept_and_can_be_revisited_and_answered(curator: Curator) -> None:
    rows = label_some(curator, 2)
    shown = next_one(curator)
    curator.answer(shown.row, "unsure", token=shown.token, search=LOW)
    assert curator.curated.unsure == {shown.row}
    assert curator.curated.rows == [*rows, shown.row]
    assert next_one(curator).row != shown.row
    card = object_card(curator.session, None, shown.row, curator.curated.labels)
    assert card.verified_label is None
    choose(curator, shown.row, "STAR")
    assert curator.curated.unsure == frozenset()
    assert curator.curated.labels[shown.row] == "STAR"
    assert curator.curated.how[shown.row] == "criteria", "as it came first"
    assert curator.curated.rows == [*rows, shown.row], "it keeps its place"


def test_undo_takes_back_one_thing_after_another_and_the_log_keeps_it_all(
    curator: Curator,
) -> None:
    rows = label_some(curator, 2)
    choose(curator, rows[0], "STAR")
    assert curator.curated.labels[rows[0]] == "STAR"
    curator.undo(token=token(curator))
    assert curator.curated.labels == {row: TRUTH[row] for row in rows}
    curator.undo(token=token(curator))
    assert curator.curated.rows == rows[:1]
    assert next_one(curator).row == rows[1], "it comes up again"
    curator.undo(token=token(curator))
    assert curator.curated.rows == []
    with pytest.raises(AnswerRefusedError, match="nothing to undo"):
        curator.undo(token=token(curator))
    kinds = [event.kind for event in curator.session.project.log.curated_events()]
    assert kinds == ["answer", "answer", "answer", "undo", "undo", "undo"]


def test_two_tabs_do_not_answer_about_one_object_unseen(project: Project) -> None:
    ada = Curator(LabellingSession(project, "Ada"))
    ben = Curator(LabellingSession(project, "Ben"))
    shown = next_one(ada)
    assert next_one(ben) == shown
    label_it(ada, shown)
    with pytest.raises(AnswerRefusedError, match="meanwhile"):
        label_it(ben, shown, "STAR")
    with pytest.raises(AnswerRefusedError, match="another tab"):
        ben.undo(token=shown.token)
    assert ben.curated.labels == {shown.row: TRUTH[shown.row]}


@pytest.mark.parametrize("row", [-1, N_ROWS])
def test_an_answer_that_fits_nothing_is_refused(curator: Curator, row: int) -> None:
    with pytest.raises(AnswerRefusedError, match="no object in row"):
        curator.answer(row, "answer", "STAR", token="0::")
    with pytest.raises(AnswerRefusedError, match="not a label"):
        curator.answer(0, "answer", "Comet", token="0::")
    assert curator.curated.rows == []


def test_counts_are_of_each_label(curator: Curator) -> None:
    for row in range(7):
        choose(curator, row)
    assert curator.curated.counts() == {"GALAXY": 3, "QSO": 2, "STAR": 2}
    assert in_words(LOW) == "g < 0"


# -- in use --------------------------------------------------------------------------------------


@pytest.fixture
def in_use(project: Project) -> Iterator[tuple[LabellingSession, Curator, list[int]]]:
    """A classifier with twelve labels, and a test set in use with two of its objects in it."""
    session = begin(project, n_initial=12)
    for _ in range(3):
        answer(session)
    curator = Curator(session)
    rows = label_some(curator, 20)
    trained = list(session.state("QSO").history.trained)
    for row in (trained[0], trained[-1]):
        choose(curator, row)
    use(session)
    yield session, curator, [*rows, trained[0], trained[-1]]
    BACKGROUND.wait(project)


def test_what_is_curated_never_trains_whatever_came_first(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, _, rows = in_use
    state, dataset = session.state("QSO"), session.project.dataset()
    parts = parts_in_force(dataset, state.history)
    assert set(np.flatnonzero(parts == TEST)) == set(rows)
    assert not set(rows) & set(state.history.trained)
    assert not set(rows) & set(state.history.asked)
    assert len(state.history.trained) == 13
    assert state.fit is not None
    assert state.fit.n_labelled == 13
    trained = session.project.log.events("QSO")
    assert {e.row_number for e in trained} > set(state.history.trained), "the log keeps them"
    BACKGROUND.wait(session.project)
    saved = find_models(session.project.folder / "models", "QSO-RandomForest_Uncertainty")
    assert saved is not None
    assert saved[1]["round_key"] == state.fit.key


def test_the_random_test_share_validates_while_the_test_set_is_in_use(
    project: Project,
) -> None:
    session = begin(project)
    drawn = project.dataset().parts.copy()
    choose(Curator(session), 5)
    use(session)
    now = project.dataset().parts
    np.testing.assert_array_equal(now == VALIDATION, (drawn == VALIDATION) | (drawn == TEST))
    np.testing.assert_array_equal(now == TRAIN, drawn == TRAIN)
    sizes = project.split_sizes(session.config)
    n_tested = sum(test for _, (_, _, test, _) in (*sizes.by_label, ("", sizes.unknown)))
    assert n_tested == 1, "row 5"
    use(session, False)
    np.testing.assert_array_equal(project.dataset().parts, drawn)


def test_a_classifier_does_not_begin_with_objects_of_the_test_set(project: Project) -> None:
    session = LabellingSession(project, "Ada", {})
    setup = small_setup(n_initial=5)
    drawn = initial_rows(project.dataset(), "QSO", setup, "spread", project.config.splits.seed)
    curator = Curator(session)
    for row in drawn[:2]:
        choose(curator, int(row))
    use(session)
    state = session.start("QSO", setup)
    assert len(state.history.trained) == 5
    assert not set(drawn[:2].tolist()) & set(state.history.trained)
    assert state.question is not None
    assert state.question.how == "query"


def test_a_first_label_that_is_put_to_the_test_is_not_asked_for_again(project: Project) -> None:
    session = begin(project, n_initial=5)
    row = next(iter(session.state("QSO").history.given))
    choose(Curator(session), row)
    use(session)
    state = session.state("QSO")
    assert len(state.history.trained) == 4
    assert state.question is not None
    assert state.question.how == "query"


def test_the_labels_of_the_test_set_are_its_truth(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, curator, rows = in_use
    wrong = {row: "STAR" if TRUTH[row] == "QSO" else "QSO" for row in rows}
    before = scores_of_test_set(session, "QSO")
    for row, label in wrong.items():
        choose(curator, row, label)
    history = session.state("QSO").history
    truth = truth_in_force(session.project.dataset(), history, "QSO")
    assert all(truth[row] == (label == "QSO") for row, label in wrong.items())
    after = scores_of_test_set(session, "QSO")
    assert before is not None
    assert after is not None
    assert before.n == after.n == len(rows)
    # Every prediction that was right is wrong now.
    (tn, fp), (fn, tp) = before.confusion
    assert after.confusion == ((fn, tp), (tn, fp))


def test_test_scores_are_over_those_that_count(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, _, rows = in_use
    some = scores_of_test_set(session, "QSO", rows[:7])
    assert some is not None
    assert some.n == 7
    assert scores_of_test_set(session, "QSO", []) is None
    # An object outside the test set never counts.
    outside = next(r for r in range(N_ROWS) if r not in rows)
    assert scores_of_test_set(session, "QSO", [outside]) is None


def test_test_scores_agree_with_predictions_by_hand(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, _, rows = in_use
    state = session.state("QSO")
    assert state.fit is not None
    scores = scores_of_test_set(session, "QSO")
    assert scores is not None
    said = state.fit.learner.predict(session.project.dataset().rows(np.array(rows)))
    right = sum(bool(p) == (TRUTH[row] == "QSO") for p, row in zip(said, rows, strict=True))
    assert scores.accuracy.value == pytest.approx(right / len(rows))


def test_switching_loses_rounds_and_says_so_and_switching_back_finds_them(
    project: Project,
) -> None:
    session = begin(project)
    answer(session)
    curator = Curator(session)
    choose(curator, 5)
    config = session.config
    edited = replace(config, splits=replace(config.splits, curated=True))
    assert session.rounds_lost(edited) == {"QSO": 2}
    before = session.state("QSO")
    use(session)
    assert session.state("QSO").rounds[-1].scores is not None
    assert session.state("QSO").rounds[0].scores is None
    use(session, False)
    after = session.state("QSO")
    assert [r.scores for r in after.rounds] == [r.scores for r in before.rounds]
    assert after.question == before.question
    assert after.history.trained == before.history.trained


def test_rounds_from_before_there_was_a_switch_keep_their_keys() -> None:
    config = survey_config(splits=Splits(seed=4))
    old = {k: v for k, v in config.to_dict().items() if k != "curation"}
    del old["splits"]["curated"]
    assert type(config).from_dict(old) == config
    assert round_key(config, "QSO", "data") == "1a6a2ebf3a6f0dad"


def test_an_object_that_trains_loses_its_rounds_alone_when_it_comes_into_the_test_set(
    project: Project,
) -> None:
    session = begin(project)
    curator = Curator(session)
    choose(curator, next(r for r in range(N_ROWS) if r not in project.history("QSO").trained))
    use(session)
    for _ in range(3):
        answer(session)
    rounds = session.state("QSO").rounds
    trained = list(session.state("QSO").history.trained)
    outside = next(
        r for r in np.flatnonzero(project.dataset().parts == VALIDATION) if r not in trained
    )
    choose(curator, int(outside))
    kept = session.state("QSO").rounds
    assert [r.labelled for r in kept] == [r.labelled for r in rounds]
    assert all(r.scores is not None for r in kept), "what trains is the same"
    choose(curator, trained[-2])
    fewer = session.state("QSO").rounds
    assert fewer[:2] == kept[:2], "it came with the third"
    assert [r.labelled.n_labelled for r in fewer] == [5, 6, 7]
    assert fewer[-1].labelled.key != kept[-1].labelled.key


def test_labels_of_the_catalogue_still_make_one_round_without_what_is_curated(
    project: Project,
) -> None:
    session = begin(project)
    given = list(project.history("QSO").trained)
    curator = Curator(session)
    choose(curator, given[-1])
    use(session)
    history = session.state("QSO").history
    assert [labelled.n_labelled for labelled in history.sets] == [4]
    assert sorted(history.trained) == sorted(given[:-1])


def test_an_answer_on_the_labelling_page_about_a_curated_object_is_refused(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, _, rows = in_use
    with pytest.raises(AnswerRefusedError, match="curated test set"):
        answer(session, row=rows[0], label="STAR")
    card = object_card(session, session.state("QSO"), rows[0])
    assert card.part == "test"
    assert card.probabilities[0][1] is None, "nobody is led by the classifier"


def test_questions_and_undo_go_on_as_before(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, _, rows = in_use
    for _ in range(5):
        state = session.state("QSO")
        assert state.question is not None
        assert state.question.row not in rows
        answer(session)
    before = session.state("QSO")
    answer(session)
    session.undo("QSO", token=session.state("QSO").token)
    assert session.state("QSO").question == before.question


def seen(state: State) -> Any:
    assert state.fit is not None
    return (
        state.question, state.scores, state.n_pool, state.trained_share, state.history.trained,
        state.fit.key, state.fit.proba.tobytes(), state.fit.utility.tobytes(),
    )  # fmt: skip


def test_a_state_is_the_same_however_the_test_set_came_about(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, curator, rows = in_use
    other = next(r for r in np.flatnonzero(session.project.dataset().parts == TRAIN)
                 if r not in session.project.history("QSO").asked and r not in rows)  # fmt: skip
    before = seen(session.state("QSO"))
    choose(curator, int(other))
    held = seen(session.state("QSO"))
    assert held == seen(LabellingSession(session.project, "Ben").state("QSO"))
    assert held[2] == before[2] - 1, "one fewer in the pool"
    curator.undo(token=token(curator))
    assert seen(session.state("QSO")) == before
    assert seen(LabellingSession(session.project, "Ben").state("QSO")) == before


@pytest.mark.parametrize("part", ["corrected", "validated"])
def test_an_object_that_tests_leaves_the_validation_scores_whatever_was_said_of_it_before(
    in_use: tuple[LabellingSession, Curator, list[int]], part: str
) -> None:
    session, curator, _ = in_use
    if part == "corrected":
        row = next(known(session, VALIDATION))
        answer(session, row=row)
    else:
        session.change_settings(replace(session.config, asking=Asking(random_every=1)))
        state = session.state("QSO")
        assert state.question is not None
        row = state.question.row
        answer(session)
    before = session.state("QSO")
    assert row in getattr(before.history, part)
    # With the label that it has already, so that nothing but its set changes.
    choose(curator, row)
    after = session.state("QSO")
    assert before.scores is not None
    assert after.scores is not None
    assert before.scores.validation is not None
    assert after.scores.validation is not None
    assert after.scores.validation.n == before.scores.validation.n - 1
    assert seen(after) == seen(LabellingSession(session.project, "Ben").state("QSO"))
    curator.undo(token=token(curator))
    assert seen(session.state("QSO")) == seen(before)


def test_scores_over_other_objects_are_told_apart_and_no_change_is_made_of_them(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, curator, _ = in_use
    answer(session)
    assert session.state("QSO").before is not None
    choose(curator, next(known(session, VALIDATION)))
    state = session.state("QSO")
    assert state.before is None, "one object fewer validates: that is no change of the model"
    former, present = state.rounds[-2:]
    assert is_break(former, present)
    assert charts._points([former, present], "validation", "f1")[1] == (present, None)
    answer(session)
    now = session.state("QSO")
    assert now.before == present.scores
    assert not is_break(*now.rounds[-2:])


def test_the_saved_model_and_the_configuration_follow_what_is_curated(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, curator, _ = in_use
    for row in list(known(session, VALIDATION))[:3]:
        choose(curator, row)
    BACKGROUND.wait(session.project)
    folder = session.project.folder
    saved = find_models(folder / "models", "QSO-RandomForest_Uncertainty")
    scores = session.state("QSO").scores
    assert saved is not None
    assert scores is not None
    assert saved[1]["scores"] == scores.to_dict()
    kept = json.loads((folder / "configuration.json").read_text())
    assert sum(e.get("part") == CURATED for e in kept["events"]) == len(
        session.project.log.curated_events()
    )


def test_a_model_saved_with_former_scores_is_saved_again(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, _, _ = in_use
    BACKGROUND.wait(session.project)
    path = session.project.folder / "models" / "QSO-RandomForest_Uncertainty.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, "scores": {**about["scores"], "over": "others"}}))
    session.restore_models()
    BACKGROUND.wait(session.project)
    assert json.loads(path.read_text())["scores"] == about["scores"]


def test_folds_are_not_trained_again_for_a_test_object(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = Splits("counts", 200, 10, 10)
    project.save_config(survey_config(splits=splits), "Ada")
    session = begin(project, n_initial=20)
    curator = Curator(session)
    choose(curator, next(known(session, TEST)))
    use(session)
    before = session.state("QSO").scores
    assert before is not None
    assert before.by_folds
    monkeypatch.setattr(scores, "cross_validated_scores", lambda *_: pytest.fail("trained again"))
    choose(curator, next(r for r in known(session, TRAIN)
                         if r not in session.state("QSO").history.asked))  # fmt: skip
    after = session.state("QSO").scores
    assert after is not None
    assert after.validation == before.validation
    assert after.over != before.over
    monkeypatch.undo()
    assert LabellingSession(project, "Ben").state("QSO").scores == after


def test_what_is_made_ahead_is_of_the_test_set_there_is(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, curator, _ = in_use
    state = session.state("QSO")
    assert state.question is not None
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    made_ahead = answer(session)
    assert seen(made_ahead) == seen(LabellingSession(session.project, "Ben").state("QSO"))
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    # The next of the pool comes into the test set between looking ahead and the answer.
    parts = parts_in_force(session.project.dataset(), made_ahead.history)
    assert made_ahead.question is not None
    open_ = [r for r in np.flatnonzero(parts == TRAIN)
             if r not in made_ahead.history.asked and r != made_ahead.question.row]  # fmt: skip
    choose(curator, int(open_[0]))
    late = answer(session)
    assert seen(late) == seen(LabellingSession(session.project, "Ben").state("QSO"))
    assert not set(curator.curated.labels) & set(late.history.trained)


def test_what_is_made_ahead_scores_no_object_that_came_to_test_meanwhile(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, curator, _ = in_use
    row = next(known(session, VALIDATION))
    before = answer(session, row=row)
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    choose(curator, row)
    late = answer(session)
    assert before.scores is not None
    assert late.scores is not None
    assert before.scores.validation is not None
    assert late.scores.validation is not None
    assert late.scores.validation.n == before.scores.validation.n - 1
    assert seen(late) == seen(LabellingSession(session.project, "Ben").state("QSO"))


def test_an_earlier_round_is_looked_at_with_the_test_set_there_is(
    in_use: tuple[LabellingSession, Curator, list[int]],
) -> None:
    session, _, rows = in_use
    past = session.past_state("QSO", 0)
    assert past.fit is not None
    assert not set(rows) & set(past.history.trained)
    assert past.fit.n_labelled == past.history.sets[-1].n_labelled


def test_labels_that_are_left_out_take_no_part_in_the_test_set_either(project: Project) -> None:
    config = survey_config(leave_out_other_labels=True)
    project.save_config(config, "Ada")
    session = begin(project)
    curator = Curator(session)
    galaxy, star = TRUTH.index("GALAXY"), TRUTH.index("STAR")
    choose(curator, galaxy)
    choose(curator, star)
    choose(curator, galaxy + 3, "STAR")  # the catalogue says otherwise
    use(session)
    parts = parts_in_force(project.dataset(), session.state("QSO").history)
    assert (parts[galaxy], parts[star], parts[galaxy + 3]) == (OUT, TEST, TEST)
    scores = scores_of_test_set(session, "QSO")
    assert scores is not None
    assert scores.n == 2


def test_unknown_objects_that_are_left_out_can_be_in_the_test_set(project: Project) -> None:
    project.save_config(survey_config(leave_out_unknown=True), "Ada")
    session = begin(project)
    row = 7  # has no label in the catalogue
    choose(Curator(session), row)
    use(session)
    assert parts_in_force(project.dataset(), session.state("QSO").history)[row] == TEST
    assert scores_of_test_set(session, "QSO") is not None


def test_every_classifier_tests_on_the_same_objects(project: Project) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    rows = label_some(Curator(session), 6)
    use(session)
    for classifier in ("QSO", "STAR"):
        scores = scores_of_test_set(session, classifier)
        assert scores is not None
        assert scores.n == 6
        assert not set(rows) & set(session.state(classifier).history.trained)


def test_a_committee_is_trained_without_it_too(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    nearest = MemberSetup("knn", "uncertainty", {})
    session.start("QSO", replace(small_setup(), members=(SMALL_FOREST, nearest)))
    given = list(project.history("QSO").trained)
    choose(Curator(session), given[0])
    use(session)
    state = session.state("QSO")
    assert state.fit is not None
    assert state.fit.n_labelled == 4


def test_without_use_the_test_set_changes_nothing(project: Project) -> None:
    session = begin(project)
    before = seen(session.state("QSO"))
    label_some(Curator(session), 5)
    assert seen(session.state("QSO")) == before
    assert seen(LabellingSession(project, "Ben").state("QSO")) == before


def test_a_fold_leaves_curated_objects_out_whatever_was_answered_about_them() -> None:
    def event(seq: int, kind: Any, row: int, label: str | None = None, **more: Any) -> Event:
        return Event(kind, "Ada", "QSO", row, label=label, part="train", seq=seq, **more)

    events = [
        event(1, "given", 1, "A"),
        event(2, "given", 2, "B"),
        event(3, "answer", 3, "A", how="query"),
        event(4, "unsure", 4, how="query"),
        event(5, "later", 5, how="query"),
        event(6, "answer", 6, "B", how="random"),
        event(7, "answer", 7, "B", how="query"),
    ]
    curated = {2: "B", 3: "A", 4: "A", 5: "A", 6: "A"}
    history = fold(events, curated, 99)
    assert history.trained == {1: "A", 7: "B"}
    assert (history.validated, history.unsure, history.later) == ({}, frozenset(), {})
    assert [labelled.n_labelled for labelled in history.sets] == [1, 2]
    assert history.verified == {**curated, 7: "B"}
    whole = fold(events)
    assert (history.n_passed, history.n_questions, history.last) == (
        whole.n_passed, whole.n_questions, whole.last,
    )  # fmt: skip
    assert history.curated_seq == 99


def test_a_data_set_in_partitions_refuses_a_curated_test_set(tmp_path: Path) -> None:
    config = survey_config(splits=Splits(curated=True))
    with pytest.raises(SettingsError, match="no curated test set"):
        layout.lay_out(lambda *_: iter(()), tmp_path, config)


# -- the map -------------------------------------------------------------------------------------


def test_the_map_shows_matches_in_the_colour_of_their_label_over_the_rest(
    project: Project,
) -> None:
    colours = ("#FF0000", "#00FF00", "#0000FF")
    labels = tuple(Label(v, v, c) for v, c in zip(CLASSES, colours, strict=True))
    project.save_config(replace(survey_config(), labels=labels, x_axis="g", y_axis="r"), "Ada")
    curator, drawn = Curator(LabellingSession(project, "Ada")), MatchMap(project)
    search = Search((Group((Criterion("name", "missing"),)),))
    home = drawn.home(60, 40, None)
    none = drawn.picture(curator.found(search), curator.curated, home, "#CCCCCC")
    assert painted(none) == {"#CCCCCC"}
    everything = drawn.picture(curator.found(Search()), curator.curated, home, "#CCCCCC")
    assert painted(everything) >= set(colours)
    assert "#CCCCCC" not in painted(everything)
    x, y = drawn.place([0])
    close = View((x[0] - 1e-4, x[0] + 1e-4), (y[0] - 1e-4, y[0] + 1e-4), 9, 9)
    one = Search((Group((Criterion("name", "==", ("J000",)),)),))
    assert painted(drawn.picture(curator.found(one), curator.curated, close, "#CCCCCC")) == {
        colours[0]
    }
    choose(curator, 0, "STAR")
    assert painted(drawn.picture(curator.found(one), curator.curated, close, "#CCCCCC")) == {
        colours[2]
    }
    assert drawn.nearest_row(curator.found(one), x[0], y[0], close) == 0
    assert drawn.nearest_row(curator.found(search), x[0], y[0], close) == 0, "no match is near"


def painted(png: bytes) -> set[str]:
    import io

    from PIL import Image

    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    seen_colours = image[image[:, :, 3] > 0][:, :3]
    return {"#" + bytes(colour).hex().upper() for colour in np.unique(seen_colours, axis=0)}


def test_a_column_of_any_name_serves_as_a_criterion_and_on_the_card(curator: Curator) -> None:
    search = Search((Group((Criterion(HOSTILE, "==", ("3",)),)),))
    assert curator.found(search).n == N_ROWS // 5
    names = curator.searched().names()
    assert HOSTILE in names
    assert f"g-{HOSTILE}" in names
