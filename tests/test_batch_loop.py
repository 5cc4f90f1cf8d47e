"""Batches in the loop: one fit a batch, made again alike, whatever comes between its objects."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import SMALL_FOREST, TRUTH, answer, begin, known, small_setup

from al_engine.curating.test_set import Curator
from al_engine.data.history import BATCH, OBJECTS, SIZE, TOGETHER, History, act_fault, fold
from al_engine.data.labels import Event
from al_engine.data.people import history_of
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import AnswerRefusedError, SettingsError
from al_engine.learning.strategies import STRATEGIES
from al_engine.loop import answering
from al_engine.loop.fitting import fit_round
from al_engine.loop.saving import SavedModels
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ClassifierSetup, People, ProjectConfig
from al_engine.showing.maps import Maps

N = 4
CLUSTERS = replace(SMALL_FOREST, strategy="margin_clusters")


def begun(project: Project, **changes: Any) -> LabellingSession:
    return begin(project, **{"batch_size": N, "members": (CLUSTERS,), **changes})


def count(state: State) -> int:
    """How many labels of the training set are known to what the model learned from."""
    assert state.scores is not None
    assert state.scores.training is not None
    return state.scores.training.n


def told(state: State) -> Any:
    """What a person sees, and the model, whoever made it."""
    fit, history = state.fit, state.history
    return (
        fit and (fit.key, fit.proba.tobytes(), fit.n_labelled),
        state.question,
        state.batch,
        state.scores,
        [(each.labelled, each.scores) for each in state.rounds],
        (history.trained, history.unsure, history.later, history.n_questions),
    )


def again(session: LabellingSession) -> State:
    """The state as it is made after a restart."""
    return LabellingSession(session.project, session.who).state("QSO")


def events_of(batch: int, *rows: int, who: str = "Ada", first: int = 1, **more: Any) -> list[Event]:
    payload = {BATCH: batch, SIZE: N, OBJECTS: N}
    made = Event("answer", who, "QSO", label="QSO", how="query", part="train", strategy="margin")
    return [
        replace(made, row_number=row, seq=first + i, payload=payload, **more)
        for i, row in enumerate(rows)
    ]


# -- one after the other -------------------------------------------------------------------------


def test_a_batch_is_asked_about_to_its_end_and_leads_to_one_fit(project: Project) -> None:
    session = begun(project)
    before = session.state("QSO")
    assert before.question is not None
    batch = before.batch
    assert len(batch) == N
    said = f"1 of a batch of {N} from {before.n_pool} in the pool (margin, clustered)."
    assert before.question.why.endswith(said)
    asked = []
    for i in range(N):
        state = session.state("QSO")
        assert state.fit is before.fit
        assert len(state.rounds) == 1
        assert state.batch == batch[i:]
        assert state.question is not None
        asked.append(state.question.row)
        answer(session)
    after = session.state("QSO")
    assert tuple(asked) == batch
    assert after.fit is not None
    assert before.fit is not None
    assert after.fit.n_labelled == before.fit.n_labelled + N
    assert [each.labelled.n_labelled for each in after.rounds] == [5, 5 + N]
    assert set(after.batch).isdisjoint(batch)
    payloads = [event.payload for event in project.log.events("QSO")[-N:]]
    made_at = project.log.events("QSO")[-N - 1].seq
    assert payloads == [{BATCH: made_at, SIZE: N, OBJECTS: N}] * N
    assert [event.round_number for event in project.log.events("QSO")[-N:]] == [1] * N
    assert all(event.probability is not None for event in project.log.events("QSO")[-N:])


def test_a_batch_is_the_same_after_a_restart_at_any_object(project: Project) -> None:
    session = begun(project)
    for i in range(2 * N + 2):
        answer(session, kind="unsure" if i == 2 else "later" if i == N + 1 else "answer")
        assert told(again(session)) == told(session.state("QSO"))


def test_looking_ahead_changes_nothing_of_a_batch(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, made = begun(project), []

    def counted_fit(*args: Any) -> Any:
        made.append(1)
        return fit_round(*args)

    monkeypatch.setattr("al_engine.loop.rounds.fit_round", counted_fit)
    for i in range(N + 1):
        session.look_ahead("QSO")
        session._maker.wait("QSO")
        assert bool(made) == (i >= N - 1), "only the last object of a batch leads to another fit"
        n_made = len(made)
        state = answer(session)
        assert len(made) == n_made, "it was made ahead"
    assert told(again(session)) == told(state)


def test_an_undo_brings_the_object_back_into_the_same_batch(project: Project) -> None:
    session = begun(project)
    states = [session.state("QSO")]
    for _ in range(N + 2):
        states.append(answer(session))
    for before in states[-2::-1]:
        state = session.undo("QSO", token=session.state("QSO").token)
        assert state.batch == before.batch
        assert state.fit is not None
        assert before.fit is not None
        assert state.fit.key == before.fit.key
        assert told(again(session)) == told(state)


def test_unsure_and_later_pass_an_object_and_what_is_put_off_waits_for_the_end(
    project: Project,
) -> None:
    session = begun(project, batch_size=12)
    first = session.state("QSO").batch[0]
    answer(session, kind="later")
    answer(session, kind="unsure")
    for _ in range(10):
        state = session.state("QSO")
        assert state.question is not None
        assert state.question.row != first
        state = answer(session)
    assert state.question is not None
    assert state.question.row == first, "due in mid-batch, it comes once that is over"
    assert state.n_trained == 5 + 10
    assert told(again(session)) == told(state)


def test_random_questions_come_between_batches_as_often_as_they_should(project: Project) -> None:
    session = begun(project)
    asking = replace(session.config.asking, random_every=3)
    session.change_settings(replace(session.config, asking=asking))
    hows = []
    for _ in range(24):
        state = session.state("QSO")
        assert state.question is not None
        hows.append(state.question.how[0])
        answer(session)
    # Two of four are owed after a batch: every third question is random.
    assert "".join(hows) == "qqqqrr" * 4
    assert told(again(session)) == told(session.state("QSO"))


def test_an_object_answered_by_a_click_leaves_the_batch_and_does_not_end_it(
    project: Project,
) -> None:
    session = begun(project)
    before = session.state("QSO")
    answer(session)
    others = [row for row in known(session, TRAIN) if row not in before.history.trained]
    answer(session, row=next(row for row in others if row not in before.batch))
    state = answer(session, row=before.batch[2])
    assert project.log.events("QSO")[-1].how == "query", "any of a batch may be answered first"
    assert state.fit is before.fit
    assert state.batch == (before.batch[1], before.batch[3])
    answer(session)
    state = answer(session)
    assert [each.labelled.n_labelled for each in state.rounds] == [5, 5 + N + 1]
    assert told(again(session)) == told(state)


def test_another_size_or_strategy_ends_a_batch_at_once(project: Project) -> None:
    session = begun(project)
    answer(session)
    answer(session)
    state = session.start("QSO", small_setup(members=(CLUSTERS,), batch_size=3))
    assert state.n_trained == 5 + 2
    assert len(state.batch) == 3
    answer(session)
    state = session.start("QSO", small_setup(batch_size=3))
    assert (state.n_trained, len(state.batch)) == (5 + 3, 3)
    answer(session)
    state = session.start("QSO", small_setup())
    assert (state.n_trained, state.batch) == (5 + 4, ())
    assert told(again(session)) == told(state)


def test_a_batch_goes_on_after_another_size_was_only_looked_at(project: Project) -> None:
    session = begun(project)
    answer(session)
    before = session.state("QSO")
    assert session.start("QSO", small_setup(members=(CLUSTERS,), batch_size=3)).n_trained == 5 + 1
    state = session.start("QSO", small_setup(members=(CLUSTERS,), batch_size=N))
    assert (state.batch, state.n_trained) == (before.batch, 5)


def test_a_batch_is_over_once_something_was_asked_about_alone(project: Project) -> None:
    session = begun(project)
    answer(session)
    session.start("QSO", small_setup(members=(CLUSTERS,)))
    answer(session)
    answer(session)
    rounds = [each.labelled.n_labelled for each in session.state("QSO").rounds]
    assert rounds == [5, 6, 7, 8]
    state = session.start("QSO", small_setup(members=(CLUSTERS,), batch_size=N))
    assert [each.labelled.n_labelled for each in state.rounds] == rounds, "no round is taken back"
    assert (state.n_trained, len(state.batch)) == (8, N)
    answer(session)
    assert [each.labelled.n_labelled for each in session.state("QSO").rounds] == rounds
    assert told(again(session)) == told(session.state("QSO"))


def test_a_map_shows_the_model_that_a_batch_cut_short_led_to(project: Project) -> None:
    session = begun(project)
    maps = Maps(session)
    before = maps.standing(session.state("QSO"))
    for _ in range(2):
        answer(session, label="STAR")
    in_mid_batch = session.state("QSO")
    assert np.array_equal(maps.standing(in_mid_batch), before), "as the scores are"
    state = session.start("QSO", small_setup())
    assert state.history.trained == in_mid_batch.history.trained
    assert np.array_equal(maps.standing(state), Maps(session).standing(state))


def test_an_earlier_round_is_looked_at_in_mid_batch_too(project: Project) -> None:
    session = begun(project)
    states = [session.state("QSO")]
    for _ in range(N + 1):
        states.append(answer(session))
    past = session.past_state("QSO", 0)
    assert past.fit is not None
    assert states[0].fit is not None
    assert past.fit.proba.tobytes() == states[0].fit.proba.tobytes()
    assert session.state("QSO").batch == states[-1].batch


def test_the_saved_model_of_mid_batch_names_what_it_was_trained_on(project: Project) -> None:
    session = begun(project)
    state = answer(session)
    about = session._saved._about(state, session.standing("QSO").trained)
    assert len(about["labels_used"]) == about["n_labelled"] == 5


def test_in_mid_batch_nothing_is_saved_or_scored_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begun(project)
    saved: list[int] = []
    monkeypatch.setattr(
        SavedModels, "save", lambda self, state, history: saved.append(state.n_trained)
    )
    kept = dict(project.log.rounds("QSO"))
    scores = session.state("QSO").scores
    for i in range(2 * N):
        # Against what the catalogue says: counted at once, it would change the training scores.
        state = answer(session, label="STAR" if i % 2 else "QSO")
        if i < N - 1:
            assert state.scores == scores
            assert project.log.rounds("QSO") == kept
            assert state.trained_share == pytest.approx(5 / count(state))
    assert saved == [5 + N, 5 + 2 * N], "once for each round that was trained"


def test_a_correction_of_what_validates_counts_in_mid_batch_too(project: Project) -> None:
    session = begun(project)
    answer(session)
    before = session.state("QSO")
    assert before.fit is not None
    row = next(known(session, VALIDATION))
    other = "STAR" if TRUTH[row] == "QSO" else "QSO"
    state = answer(session, label=other, row=row)
    assert state.scores != before.scores
    assert (state.batch, state.n_trained) == (before.batch, before.n_trained)
    assert told(again(session)) == told(state)


def test_a_short_batch_is_fitted_once_whatever_is_asked_after_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = replace(SMALL_FOREST, strategy="entropy_threshold")
    session = begun(project, members=(member,), strategy_params={"threshold": 1.0}, batch_size=40)
    asking = replace(session.config.asking, random_every=2)
    session.change_settings(replace(session.config, asking=asking))
    n = len(session.state("QSO").batch)
    assert 2 <= n < 40, "fewer than were wanted"
    made: list[int] = []

    def counted_fit(dataset: Any, history: History, *args: Any) -> Any:
        made.append(len(history.trained))
        return fit_round(dataset, history, *args)

    monkeypatch.setattr("al_engine.loop.rounds.fit_round", counted_fit)
    session.answer_some(
        "QSO", session.state("QSO").batch, "answer", "QSO", token=session.state("QSO").token
    )
    assert made == [5 + n]
    for _ in range(2):
        asked = session.state("QSO").question
        assert asked is not None
        assert asked.how == "random"
        answer(session)
    assert made == [5 + n], "a random answer trains nothing"
    assert again(session).n_trained == 5 + n
    assert made == [5 + n] * 2, "what was there before the batch is not wanted any more"


def test_a_batch_of_which_nothing_is_left_in_the_pool_is_fitted_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begun(project)
    ben = LabellingSession(project, "Ben")
    session.change_settings(replace(session.config, people=People(several=True, again_every=0)))
    batch = session.state("QSO").batch
    answer(session)
    for row in batch[1:]:
        answer(ben, row=row)
    made: list[int] = []

    def counted_fit(dataset: Any, history: History, *args: Any) -> Any:
        made.append(len(history.trained))
        return fit_round(dataset, history, *args)

    monkeypatch.setattr("al_engine.loop.rounds.fit_round", counted_fit)
    state = session.state("QSO")
    assert (state.n_trained, made) == (5 + N, [5 + N])
    answer(session, row=next(known(session, VALIDATION)))
    assert made == [5 + N], "found at hand, though the batch was never answered in full"


def test_a_pool_smaller_than_the_batch_is_asked_about_to_its_end(project: Project) -> None:
    session = begun(project, batch_size=200, n_initial=5)
    state = session.state("QSO")
    n_open = state.n_pool
    assert len(state.batch) == min(200, n_open)
    few = begin(project, "STAR", batch_size=3, members=(CLUSTERS,)).state("STAR")
    assert len(few.batch) == 3


@pytest.mark.parametrize(
    "strategy", [n for n, found in STRATEGIES.items() if found.choose and not found.leaks]
)
def test_every_strategy_of_batches_goes_through_one(project: Project, strategy: str) -> None:
    session = begun(project, members=(replace(SMALL_FOREST, strategy=strategy),), batch_size=3)
    batch = session.state("QSO").batch
    assert 1 <= len(batch) <= 3
    for _ in batch:
        state = answer(session)
        assert told(again(session)) == told(state)
    assert state.n_trained == 5 + len(batch)


def test_the_change_from_a_start_to_margin_stands_in_the_line_of_the_question(
    project: Project,
) -> None:
    setup = {"members": (replace(SMALL_FOREST, strategy="typical_start"),), "batch_size": 2}
    state = begun(project, **setup).state("QSO")
    assert state.question is not None
    assert "few labels so far: typical objects first; from 2x5 labels on" in state.question.why


# -- several at once -----------------------------------------------------------------------------


def test_several_objects_get_one_label_as_one_act(project: Project) -> None:
    session = begun(project)
    before = session.state("QSO")
    some = before.batch[1:3]
    state = session.answer_some("QSO", some, "answer", "STAR", token=before.token, seconds=4.0)
    assert state.batch == (before.batch[0], before.batch[3])
    assert state.fit is before.fit
    written = project.log.events("QSO")[-2:]
    assert len({event.payload[TOGETHER] for event in written if event.payload}) == 1
    assert [event.seconds for event in written] == [2.0, 2.0]
    assert state.history.n_questions == 2
    assert state.history.n_passed == 2
    state = session.undo("QSO", token=state.token)
    assert state.batch == before.batch
    state = session.answer_some("QSO", before.batch, "unsure", token=state.token)
    assert set(state.history.unsure) == set(before.batch)
    assert told(again(session)) == told(state)


def test_what_several_objects_take_is_looked_up_once_for_all_of_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begun(project)
    state = session.state("QSO")
    calls: list[str] = []

    def counted(owner: Any, name: str) -> None:
        does = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given: (calls.append(name), does(*given))[1])

    for name in ("acts_of", "learner_spec", "seen_by"):
        counted(answering, name)
    counted(session._maker, "key")
    counted(project.catalogue, "object_ids")
    monkeypatch.setattr(session, "_after", lambda *_: state)
    session.answer_some("QSO", state.batch, "answer", "STAR", token=state.token)
    assert sorted(calls) == ["acts_of", "key", "learner_spec", "object_ids", "seen_by"]
    assert [e.row_number for e in project.log.events("QSO")[-N:]] == list(state.batch)


def test_what_is_of_no_batch_or_was_answered_meanwhile_is_not_answered_together(
    project: Project,
) -> None:
    session = begun(project)
    state = session.state("QSO")
    other = next(row for row in known(session, TRAIN) if row not in state.batch)
    n = project.log.n_events
    for rows, said in (([], "No object was chosen"), ([state.batch[0], other], "not of the batch")):
        with pytest.raises(AnswerRefusedError, match=said):
            session.answer_some("QSO", rows, "answer", "QSO", token=state.token)
    assert project.log.n_events == n
    answer(session)
    with pytest.raises(AnswerRefusedError, match="answered meanwhile"):
        session.answer_some("QSO", state.batch, "answer", "QSO", token=state.token)
    assert project.log.n_events == n + 1


# -- several people and classifiers --------------------------------------------------------------


def test_each_person_has_a_batch_and_what_another_answers_drops_out_of_it(
    project: Project,
) -> None:
    ada = begun(project)
    ada.change_settings(replace(ada.config, people=People(several=True, again_every=0)))
    ben = LabellingSession(project, "Ben")
    ours = ada.state("QSO").batch
    answer(ada)
    theirs = ben.state("QSO").batch
    answer(ben)
    answer(ben, row=ours[2])
    mine = ada.state("QSO")
    assert mine.batch == (ours[1], ours[3])
    answer(ada)
    state = answer(ada)
    assert state.n_trained == 5 + N + 1, "what another said trains too"
    assert ben.state("QSO").n_trained == 5 + 1, "their batch goes on with its model"
    assert set(ben.state("QSO").batch) == set(theirs[1:]) - state.history.asked
    for session in (ada, ben):
        assert told(again(session)) == told(session.state("QSO"))


def test_a_batch_of_one_classifier_is_none_of_another_that_shares_its_answers(
    project: Project,
) -> None:
    session = begun(project)
    session.start("STAR", small_setup(n_initial=4, batch_size=N, members=(CLUSTERS,)))
    asking = replace(session.config.asking, shared=True)
    session.change_settings(replace(session.config, asking=asking))
    batch = session.state("QSO").batch
    answer(session, "STAR")
    assert session.state("QSO").history.batch is None
    answer(session)
    of_stars = session.state("STAR").batch
    answer(session, "STAR")
    assert session.state("STAR").batch == of_stars[1:]
    assert len(session.state("QSO").batch) >= N - 2
    assert len(batch) == N
    assert told(again(session)) == told(session.state("QSO"))


def test_an_object_that_tests_by_now_leaves_the_batch(project: Project) -> None:
    session = begun(project)
    splits = replace(session.config.splits, curated=True)
    session.change_settings(replace(session.config, splits=splits))
    batch = session.state("QSO").batch
    answer(session)
    row = batch[-1]
    Curator(session).answer(row, "answer", TRUTH[row], token=f"0:{row}:chosen")
    session.follow_test_set()
    state = session.state("QSO")
    assert row not in state.batch
    assert told(again(session)) == told(state)


# -- what events amount to -----------------------------------------------------------------------


def test_the_labels_of_a_batch_make_one_set_whatever_lies_between() -> None:
    click = Event("answer", "Ada", "QSO", 90, label="QSO", how="click", part="train", seq=3)
    events = [*events_of(0, 1, 2), click, *events_of(0, 3, first=4), *events_of(4, 4, 5, first=5)]
    history = fold(events)
    assert [(each.n_labelled, each.seq) for each in history.sets] == [(4, 4), (6, 6)]
    assert history.batch is not None
    assert (history.batch.made_at, history.batch.size, history.batch.n_passed) == (4, N, 2)


def test_what_is_put_off_last_does_not_keep_a_batch_from_being_a_set() -> None:
    put_off = [replace(each, kind="later", label=None) for each in events_of(0, 3, first=3)]
    assert [each.seq for each in fold([*events_of(0, 1, 2), *put_off]).sets] == [2]
    assert [each.seq for each in fold(events_of(0, 1, 2), {2: "QSO"}).sets] == [1]


def test_batches_of_two_people_that_run_side_by_side_are_told_apart() -> None:
    ada, ben = events_of(0, 1, 2, 3), events_of(0, 11, 12, 13, who="Ben")
    mixed = [each for pair in zip(ada, ben, strict=True) for each in pair]
    events = [replace(each, seq=i) for i, each in enumerate(mixed, start=1)]
    history = history_of(events, "Ben", People(several=True))
    assert [(each.n_labelled, each.seq) for each in history.sets] == [(5, 5), (6, 6)]
    assert history.batch is not None
    assert history.batch.n_passed == 3


@pytest.mark.parametrize(
    "payload", [{BATCH: -1}, {BATCH: "1"}, {SIZE: 0}, {BATCH: True}, {OBJECTS: 0}]
)
def test_events_of_elsewhere_name_batches_by_numbers(payload: dict[str, Any]) -> None:
    [event] = events_of(0, 1)
    assert act_fault(event) is None
    assert act_fault(replace(event, payload=payload)) is not None


def test_events_that_are_taken_over_name_their_batches_anew(project: Project) -> None:
    session = begun(project)
    for _ in range(N + 2):
        answer(session)
    events = [event for event in project.log.events() if event.kind != "settings"]
    before, n = project.log.last_seq, len(events)
    project.take_over(project.log.events())
    moved = [e.payload[BATCH] for e in project.log.events() if e.kind == "answer" and e.payload]
    assert moved[n - 5 :] == [made_at + before for made_at in moved[: n - 5]]


# -- settings ------------------------------------------------------------------------------------


def test_settings_of_before_there_were_batches_ask_one_by_one() -> None:
    old = {"setups": {"QSO": {"members": [{"model": "knn"}]}}, "train_labels": []}
    read = ProjectConfig.from_dict(old).setups["QSO"]
    assert (read.batch_size, read.strategy_params) == (1, {})
    made = ProjectConfig(setups={"QSO": ClassifierSetup(batch_size=7)})
    assert ProjectConfig.from_dict(made.to_dict()) == made


@pytest.mark.parametrize("size", [0, 201])
def test_a_batch_has_a_bounded_size(project: Project, size: int) -> None:
    with pytest.raises(SettingsError, match=f"asks about {size} objects at a time"):
        begun(project, batch_size=size)


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ({"strategy": "ratio_tutorial"}, "labels that nobody has given yet"),
        ({"strategy": "relevant", "params": {"random_share": 2}}, "random_share.* is 2"),
        ({"strategy": "margin", "params": {"power": 1}}, "has no setting 'power'"),
    ],
)
def test_a_strategy_that_cannot_serve_is_refused(
    project: Project, setup: dict[str, Any], said: str
) -> None:
    member = replace(SMALL_FOREST, strategy=setup["strategy"])
    with pytest.raises(SettingsError, match=said):
        begun(project, members=(member,), strategy_params=setup.get("params", {}))
