"""The least and the most certain objects of the pool, side by side; and curves by epoch."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from conftest import Open, answer, begin
from paging import EXPLORE, LABELLING, TRAINING, drawn_maps, fine, read, show

from al_engine.data.splits import TRAIN
from al_engine.loop.truth import parts_in_force
from al_engine.projects.project import Project
from al_engine.settings.config import Asking, MemberSetup
from al_engine.settings.panels import Arrangement, Panel
from al_engine.showing.certain import EACH, certain
from al_engine.showing.objects import beginning

_nonces = itertools.count(8 * 10**6)


def test_they_are_the_ends_of_what_the_model_is_sure_of_in_the_pool(project: Project) -> None:
    session = begin(project)
    for _ in range(3):
        answer(session)
    state = session.state("QSO")
    assert state.fit is not None
    found = certain(session, state)
    assert (len(found.least), len(found.most)) == (EACH, EACH)
    dataset = project.dataset()
    pool = np.flatnonzero(parts_in_force(dataset, state.history) == TRAIN)
    pool = np.setdiff1d(pool, list(state.history.asked))
    sure = np.sort(np.maximum(state.fit.proba[pool], 1 - state.fit.proba[pool]))
    assert [each.probability for each in found.least] == pytest.approx(sure[:EACH])
    assert [each.probability for each in found.most] == pytest.approx(sure[::-1][:EACH])
    assert set(found.rows) <= set(pool.tolist())
    for each in (*found.least, *found.most):
        assert each.label == ("Qso" if state.fit.predicted[each.row] else "other")
        assert each.object_id == session.object_id(each.row)


def test_an_object_of_which_nothing_may_be_told_is_not_among_them(project: Project) -> None:
    session = begin(project)
    asked = session.state("QSO").question
    assert asked is not None
    assert asked.row == certain(session, session.state("QSO")).least[0].row
    session.change_settings(replace(session.config, asking=Asking(repeat_every=10)))
    state = session.state("QSO")
    assert state.question is not None
    assert state.untold == {state.question.row}
    assert state.question.row not in certain(session, state).rows


def test_with_labels_of_one_side_the_model_is_certain_of_nothing(
    survey_folder, opened: Open
) -> None:
    project = opened(survey_folder)
    session = begin(project, initial_labels="ask")
    assert not certain(session, session.state("QSO")).rows
    answer(session, label="STAR")
    assert not certain(session, session.state("QSO")).rows


def test_a_text_is_shortened_to_one_line() -> None:
    assert beginning("A  short\none", 90) == "A short one"
    assert len(beginning("word " * 100, 90)) == 90
    assert beginning("word " * 100, 90).endswith("…")
    assert beginning(None, 90) == beginning(" ", 90) == "–"


# -- pages -----------------------------------------------------------------------------------------


def with_panel(at, page: str, panel: Panel):
    held = Arrangement(((panel,), (Panel("card"),)), (3, 3))
    at.session_state["sextant.looking"].exploring.panels[page] = held
    return fine(at.run())


def grid(at) -> dict:
    (head,) = [head for head, _ in drawn_maps(at) if "groups" in head]
    return head


@pytest.mark.parametrize(
    ("name", "page"), [("Labelling", LABELLING), ("Training", TRAINING), ("Explore", EXPLORE)]
)
def test_both_ends_stand_side_by_side_on_each_page_and_a_click_selects(
    survey_begun, name, page
) -> None:
    at = with_panel(show(page, "survey"), name, Panel("certain"))
    head = grid(at)
    assert head["beside"]
    assert [group["title"] for group in head["groups"]] == ["Least certain", "Most certain"]
    assert all("Objects of the pool" in group["help"] for group in head["groups"])
    cell = head["groups"][1]["cells"][0]
    assert cell["label"].split()[0] in ("Qso", "other")
    assert cell["values"][0].startswith("g ")
    event = {"kind": "click", "row": cell["row"], "nonce": next(_nonces)}
    at.session_state["certain-survey"] = {"event": event}
    fine(at.run().run())
    assert cell["id"] in [each.value for each in at.subheader]


def test_curves_by_epoch_say_which_is_kept_and_over_what(survey_begun) -> None:
    at = with_panel(show(TRAINING, "survey"), "Training", Panel("epochs"))
    assert "No model of this round learned in steps" in read(at)
    members = (MemberSetup("sgd", "margin", {"epochs": 8}),)
    survey_begun.start("QSO", replace(survey_begun.config.setups["QSO"], members=members))
    at = with_panel(show(TRAINING, "survey"), "Training", Panel("epochs"))
    assert "of 8 is kept, of least loss over" in read(at)
    assert "the validation set" in read(at)
