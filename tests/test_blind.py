"""Several people who answer blind: nothing shows one person what another answered."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import CLASSES, TRUTH, answer, known, small_setup
from test_people import together

from al_engine.curating.agreeing import disputes, people_of, settle
from al_engine.curating.answers import own_answers
from al_engine.curating.test_set import Curator
from al_engine.data.people import events_shown_to
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import AnswerRefusedError, ProjectError
from al_engine.exchange.writers import FORMATS
from al_engine.loop.answering import answered_rows
from al_engine.loop.recording import as_file, in_their_form
from al_engine.loop.truth import labelled_set
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.panels import Panel
from al_engine.sharing.exporting import (
    exported,
    labels_of,
    predictions_of,
    write_export,
    write_model,
)
from al_engine.sharing.packing import pack
from al_engine.showing.maps import Drawn, Maps, Shown
from al_engine.showing.objects import object_card
from al_engine.showing.overview import Overview
from al_engine.showing.plotting import Plotting
from al_engine.views.raster import View


@pytest.fixture
def blind(project: Project) -> tuple[LabellingSession, LabellingSession, list[int]]:
    """Ada has labelled five objects that nobody knows, all wrongly; Ben looks on, blind."""
    ada, ben = together(project, blind=True)
    unknown = unknown_rows(project)[:5]
    for row in unknown:
        answer(ada, row=row, label="STAR")
    return ada, ben, unknown


def unknown_rows(project: Project) -> list[int]:
    """Objects whose label the catalogue does not know."""
    return [row for row in range(len(TRUTH)) if project.dataset().codes[row] < 0]


def test_blind_no_state_holds_what_another_answered_yet_models_learn_from_it(blind: Any) -> None:
    ada, ben, rows = blind
    state = ben.state("QSO")
    held = pickle.loads(pickle.dumps(state.history))
    assert not set(rows) & {*held.verified, *held.trained, *held.own.verified}
    assert held.last is None
    assert state.fit is not None
    assert state.fit.n_labelled == 10
    ada_sees = ada.state("QSO")
    assert set(rows) <= set(ada_sees.history.trained)
    past = ben.past_state("QSO", len(state.rounds) - 2)
    assert not set(rows) & set(past.history.verified)


def test_blind_neither_card_nor_map_nor_number_by_object_tells(blind: Any) -> None:
    ada, ben, rows = blind
    state = ben.state("QSO")
    for kind in ("unsure", "later"):
        state = answer(ben, row=rows[0], kind=kind)
        for row in rows:
            card = object_card(ben, state, row)
            assert (card.verified_label, card.probabilities) == (None, ())
    maps = Maps(ben)
    ben.change_settings(replace(ben.config, x_axis="g", y_axis="r"))
    state = ben.state("QSO")
    view = maps.home(state, 200, 150)
    there = maps.picture("labels", state, view, Shown())
    # The same map once Ada has said otherwise of the same objects.
    for row in rows:
        answer(ada, row=row, label="GALAXY")
    assert maps.picture("labels", ben.state("QSO"), view, Shown()) == there
    assert maps.picture("labels", ada.state("QSO"), view, Shown()) != there
    numbers = [(each.name, each.n_labels, each.n_unsure) for each in people_of(ben, "QSO")]
    assert numbers == [("Ada", 5, 0), ("Ben", 0, 1)]
    assert [(each.row, each.label) for each in own_answers(ben, "QSO")] == [(rows[0], None)]
    assert own_answers(ada, "QSO")[0].label == "GALAXY"
    assert disputes(ben, "QSO") == ([], 0)
    assert answered_rows(ben.project, "QSO", ben.who) == [
        *(r for r in answered_rows(ada.project, "QSO", ada.who) if r not in rows),
        rows[0],
    ]


def test_blind_exports_hold_one_s_own_answers_or_are_refused(blind: Any) -> None:
    ada, ben, rows = blind
    project = ben.project
    answer(ben, row=rows[0], label="GALAXY")
    ids = ben.object_ids(rows)
    path = write_export(ben, labels_of(ben), FORMATS["parquet"])
    table = pq.read_table(path).to_pylist()
    assert {line["who"] for line in table} == {"Ben", "catalogue"}
    assert [line["label"] for line in table if line["name"] in ids] == ["GALAXY"]
    predicted = pq.read_table(
        write_export(ben, predictions_of(ben), FORMATS["parquet"])
    ).to_pylist()
    labels = [line for line in predicted if line["name"] in ids[1:]]
    assert labels
    assert not [v for line in labels for k, v in line.items() if "label" in k and v == "STAR"]
    write_export(ada, labels_of(ada), FORMATS["parquet"])
    assert [file.path.parent for file in exported(ben)] == [path.parent] * 2, "not Ada's file"
    refused = (
        lambda: pack(project),
        lambda: as_file(project, ben.moment(), is_private=False),
        lambda: in_their_form(project, ben.config),
        lambda: write_model(ben, "any"),
    )
    for take in refused:
        with pytest.raises(ProjectError, match="blind"):
            take()
    assert not any(name in as_file(project, ben.moment(), is_private=True) for name in ids)


def test_blind_only_who_labelled_an_object_sees_that_others_differ(blind: Any) -> None:
    ada, ben, rows = blind
    answer(ben, row=rows[0], label="GALAXY")
    cy = LabellingSession(ben.project, "Cy")
    for session in (ada, ben):
        (dispute,), n_hidden = disputes(session, "QSO")
        assert dispute.labels == {"Ada": "STAR", "Ben": "GALAXY"}
        assert n_hidden == 0
    assert disputes(cy, "QSO") == ([], 1)
    with pytest.raises(AnswerRefusedError, match="nothing to settle"):
        settle(cy, "QSO", rows[0], "STAR", token=dispute.token)
    settle(ada, "QSO", rows[0], "STAR", token=dispute.token)
    assert ben.state("QSO").history.trained[rows[0]] == "GALAXY", "Ben goes on to see his own"
    history = ben.project.history("QSO")
    assert history.trained[rows[0]] == "STAR"
    found, _ = labelled_set(ben.project.dataset(), history, "QSO")
    assert rows[0] in found
    assert disputes(cy, "QSO") == ([], 0), "what is settled is to settle no more"


@pytest.mark.parametrize("is_blind", [False, True])
def test_no_label_of_any_kind_is_shown_of_an_object_that_is_asked_again(
    project: Project, is_blind: bool
) -> None:
    ada, ben = together(project, again_every=1, blind=is_blind)
    free = project.history("QSO").asked
    drawn, chosen = [row for row in unknown_rows(project) if row not in free][:2]
    validating = next(known(ada, VALIDATION))
    for row, how in ((drawn, "random"), (chosen, "query"), (validating, "click")):
        token = f"{ada.state('QSO').history.last_seq}:{row}:{how}"
        ada.answer("QSO", row, "answer", "QSO", token=token)
    whole = project.history("QSO")
    assert (drawn in whole.validated, chosen in whole.trained) == (True, True)
    assert validating in whole.corrected
    asked = []
    for _ in range(3):
        state = ben.state("QSO")
        assert state.question is not None
        assert state.question.how == "again"
        row, shown = state.question.row, state.history
        assert row not in {**shown.trained, **shown.validated, **shown.corrected}
        in_sight = {drawn, chosen, validating} & {*shown.verified} - set(asked)
        assert in_sight == (set() if is_blind else {drawn, chosen, validating} - {row, *asked})
        asked.append(row)
        answer(ben)
    assert set(asked) == {drawn, chosen, validating}


# -- what is kept back of the models ---------------------------------------------------------------


@pytest.mark.parametrize("is_blind", [False, True])
def test_the_overview_says_nothing_of_an_object_that_is_asked_again(
    project: Project, is_blind: bool
) -> None:
    ada, ben = together(project, again_every=1, blind=is_blind)
    answer(ada, row=unknown_rows(project)[0], label="STAR")
    state = ben.state("QSO")
    assert state.question is not None
    assert state.question.how == "again"
    shown = Overview(ben).standing("QSO")
    assert (shown.asks, shown.probability) == (ben.object_id(state.question.row), None)
    assert Overview(ada).standing("QSO").probability is not None


@pytest.mark.parametrize("shared", [False, True])
def test_a_card_of_an_object_that_is_asked_again_shows_no_classifier_that_heard_of_it(
    project: Project, shared: bool
) -> None:
    ada, ben = together(project, again_every=2)
    ada.start("STAR", small_setup())
    ada.change_settings(replace(ada.config, asking=replace(ada.config.asking, shared=shared)))
    row = unknown_rows(project)[0]
    for classifier in ("QSO",) if shared else ("QSO", "STAR"):
        answer(ada, classifier, row=row, label="STAR")
    state = answer(ben, kind="later" if shared else "answer")
    assert state.question is not None
    assert (state.question.row, state.question.how) == (row, "again")
    assert ben.state("STAR").question != state.question
    card = object_card(ben, state, row)
    assert (card.probabilities, card.is_kept_back) == ((), True)
    after = answer(ben, row=row, label="STAR")
    assert len(object_card(ben, after, row).probabilities) == 2


@pytest.mark.parametrize("colour", ["probability", "confidence", "correctness"])
def test_no_panel_is_coloured_by_what_a_model_makes_of_what_is_kept_back(
    blind: Any, colour: str
) -> None:
    ada, ben, rows = blind
    of_ada, of_ben = (
        Plotting(session, Drawn()).colouring(
            Panel(colour=colour), session.state("QSO"), "blue_orange"
        )
        for session in (ada, ben)
    )
    if of_ben.values is not None and of_ada.values is not None:
        assert np.isnan(of_ben.values[rows]).all()
        assert np.isfinite(of_ada.values[rows]).all()
    else:
        assert of_ben.codes is not None
        assert of_ada.codes is not None
        neither = len(of_ben.names) - 1
        assert set(of_ben.codes[rows]) == {neither}
        assert set(of_ada.codes[rows]) != {neither}


def test_blind_maps_and_lists_leave_out_what_others_labelled(blind: Any) -> None:
    ada, ben, _ = blind
    ada.change_settings(replace(ada.config, x_axis="g", y_axis="r"))
    heard = [next(known(ada, part, label)) for part in (TRAIN, VALIDATION) for label in CLASSES]
    for row in heard:
        answer(ada, row=row, label="QSO" if TRUTH[row] == "STAR" else "STAR")
    for session, n in ((ada, 0), (ben, len(heard))):
        state, maps = session.state("QSO"), Maps(session)
        listed = {
            int(row)
            for part in ("training", "validation")
            for actual in (0, 1)
            for predicted in (0, 1)
            for row in maps.cell_rows(state, (part, actual, predicted))
        }
        assert len(set(heard) - listed) == n
        assert maps.metric_range(state) > (0.0, 0.0)
        view = maps.home(state, 200, 150)
        x, y = maps.place(heard[:1])
        only = View((x[0] - 1e-4, x[0] + 1e-4), (y[0] - 1e-4, y[0] + 1e-4), 20, 20)
        judged = Shown(unlabelled=False)
        is_there = maps.nearest_row("training", state, x[0], y[0], only, judged) == heard[0]
        assert is_there == (n == 0), "neither right nor wrong"
        is_there = maps.nearest_row("metric", state, x[0], y[0], only, judged) == heard[0]
        assert is_there == (n == 0)
        assert maps.picture("training", state, view, Shown())


def test_blind_a_label_of_the_catalogue_stays_in_sight_whatever_another_said_of_it(
    blind: Any,
) -> None:
    ada, ben, _ = blind
    given = dict(ben.state("QSO").history.trained)
    assert len(given) == 5
    row, label = next(iter(given.items()))
    answer(ada, row=row, label="STAR" if label == "QSO" else "QSO")
    shown = ben.state("QSO").history
    assert shown.trained == given
    assert shown.given == given.keys()
    answer(ben, row=row, label="GALAXY")
    shown = ben.state("QSO").history
    assert shown.trained == {**given, row: "GALAXY"}
    assert shown.given == given.keys() - {row}
    assert answer(ben, row=list(given)[1], kind="unsure").history.trained.keys() == (
        given.keys() - {list(given)[1]}
    )


def test_blind_the_test_set_page_counts_no_rounds_of_what_another_labelled(blind: Any) -> None:
    ada, ben, rows = blind
    ada.change_settings(replace(ada.config, splits=replace(ada.config.splits, curated=True)))
    answer(ben, row=rows[0], label="STAR")
    assert [Curator(ada).trains(row) for row in rows[:2]] == [("QSO",)] * 2
    assert [Curator(ben).trains(row) for row in rows[:2]] == [("QSO",), ()]
    assert all(Curator(ada).rounds_lost(row)["QSO"] for row in rows)
    assert [bool(Curator(ben).rounds_lost(row)) for row in rows[:2]] == [True, False]


# -- what a person takes away ----------------------------------------------------------------------


def test_blind_predictions_of_what_others_labelled_are_empty(blind: Any) -> None:
    ada, ben, rows = blind
    ada.change_settings(replace(ada.config, none_below=0.0))
    ada.start("STAR", small_setup())
    for row in (*rows[1:], next(known(ada, TRAIN, "QSO"))):
        answer(ada, "STAR", row=row, label="STAR")
    answer(ben, row=rows[0], label="STAR")
    n_hidden = {"QSO": 4, "STAR": 5, "together": 5}
    for session, n in ((ada, dict.fromkeys(n_hidden, 0)), (ben, n_hidden)):
        written = write_export(session, predictions_of(session), FORMATS["parquet"])
        table = pq.read_table(written)
        for name in table.column_names:
            kind, _, of = name.partition("_")
            if kind in ("probability", "predicted", "calibrated"):
                assert table[name].null_count == n[of or "together"], name
    hidden = table.to_pylist()[rows[1]]
    told = {name for name, value in hidden.items() if value is not None and "_" in name}
    assert told == {"set_QSO", "set_STAR"}
    for form in FORMATS.values():
        write_export(ben, predictions_of(ben), form)


def test_blind_no_file_holds_a_number_that_answers_can_be_told_from(blind: Any) -> None:
    ada, ben, _ = blind
    before = predictions_of(ben).about["MODEL1"]
    assert before == "QSO: 10 labels"
    row = next(known(ada, TRAIN, "QSO"))
    answer(ada, row=row, label="GALAXY")
    assert predictions_of(ben).about["MODEL1"] == "QSO: 11 labels"
    state = ben.state("QSO")
    kept = [*state.history.sets, *(each.labelled for each in state.rounds)]
    assert {labelled.key for labelled in kept} == {""}
    assert ben.past_state("QSO", 1).fit is not None
    people = replace(ada.config.people, blind=False)
    ada.change_settings(replace(ada.config, people=people))
    assert ", round " in predictions_of(ben).about["MODEL1"]


def test_blind_everybody_takes_the_curated_test_set_away(blind: Any) -> None:
    ada, ben, _ = blind
    curator = Curator(ada)
    shown = curator.next_object("audit", None)
    assert shown is not None
    curator.answer(shown.row, "answer", "GALAXY", token=shown.token)
    told = events_shown_to(ben.project.log.events(), "Ben", ben.config.people)
    assert [(e.part, e.row_number) for e in told if e.who == "Ada"] == [("curated", shown.row)]


def test_blind_nobody_s_answers_are_handed_out_because_of_a_name(blind: Any) -> None:
    _, ben, rows = blind
    answer(LabellingSession(ben.project, "catalogue"), row=rows[0], label="QSO")
    told = events_shown_to(ben.project.log.events(), "Ben", ben.config.people)
    assert {event.kind for event in told if event.who == "catalogue"} == {"given"}
    assert rows[0] not in answered_rows(ben.project, "QSO", "Ben")


def test_blind_the_number_of_labels_that_train_is_everybody_s(blind: Any) -> None:
    ada, ben, rows = blind
    answer(ben, row=rows[0], label="GALAXY")  # as nobody agrees, it trains no more
    for session in (ada, ben):
        assert session.state("QSO").n_trained == 9
        assert Overview(session).standing("QSO").n_trained == 9
    assert sum(n for _, n in Overview(ben).standing("QSO").n_by_label) == 6
    nothing = LabellingSession(ben.project, "Cy").start("STAR", small_setup(initial_labels="ask"))
    assert nothing.n_trained == 0
