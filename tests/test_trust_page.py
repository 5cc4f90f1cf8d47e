"""When to stop, labels to look at again, and what has no training data near, on their pages."""

from dataclasses import replace

import pytest
from conftest import SMALL_FOREST, TRUTH, answer, known, small_setup
from paging import EXPLORE, LABELLING, TRAINING, bar, click, fine, read, show
from streamlit.testing.v1 import AppTest

from al_engine.curating.auditing import begin_audit
from al_engine.data.labels import Event
from al_engine.data.splits import TRAIN
from al_engine.learning.stopping import as_text
from al_engine.loop.state import WATCHED
from al_engine.session import LabellingSession
from pages.components.answer_bar import BarEvent
from pages.components.auditing.dealing import BAR
from pages.components.looking import Looking, Posted


@pytest.fixture
def ada(ready: LabellingSession) -> LabellingSession:
    """The small project with 30 labels of the catalogue's."""
    ready.start("QSO", small_setup(n_initial=30))
    return ready


def opened_menu(at: AppTest, key: str) -> AppTest:
    at.session_state[key] = True
    return fine(at.run())


# -- when to stop ----------------------------------------------------------------------------------


def test_the_three_signs_stand_side_by_side_and_say_what_they_lack(ada: LabellingSession) -> None:
    said = read(opened_menu(show(TRAINING, "survey"), "stop-QSO"))
    for name in ("Models agree", "Classes change", "Score levels off"):
        assert f"**{name}** :gray-badge[not known]" in said
    assert "**100 labels more** not known" in said
    assert "Too early to tell**: none of 3 signs" in said
    assert "Go on" not in said, "nothing is known that would say so"
    assert "It takes 12 rounds with a validation score" in said
    assert "of the pool (" in said


def test_once_two_signs_agree_the_menu_is_named_so(ada: LabellingSession) -> None:
    """Rounds as if 45 answers had changed neither predictions nor score."""
    rows = [r for r in known(ada, TRAIN) if r not in ada.state("QSO").history.trained][:45]
    log, ids = ada.project.log, ada.object_ids(rows)
    given = zip(rows, ids, strict=True)
    log.append(
        *(
            Event("answer", "Ada", "QSO", r, i, TRUTH[r], how="query", part="train")
            for r, i in given
        )
    )
    state = ada.state("QSO")
    assert state.fit is not None
    assert state.scores is not None
    codes = state.fit.predicted[ada.project.dataset().watched]
    scores = {**state.scores.to_dict(), WATCHED: as_text(codes)}
    for labelled in state.history.sets:
        log.note_round("QSO", ada.round_key("QSO", labelled), scores)
    at = show(TRAINING, "survey")
    said = read(opened_menu(at, "stop-QSO"))
    assert "signs say that more labels change little" in said
    assert ":green-badge[enough] kappa 1.000" in said


# -- labels to look at again -----------------------------------------------------------------------


def press(at: AppTest, action: str, label: str | None = None) -> AppTest:
    """Do in the bar what its buttons and keys do."""
    shown = bar(at)
    event = BarEvent(action, label, shown["object_id"], shown["token"], 1.0)  # type: ignore[arg-type]
    at.session_state["sextant.posted"] = [Posted(BAR, "Labelling", "survey", "QSO", event)]
    return fine(at.run())


def audited(ada: LabellingSession) -> AppTest:
    """The audit's view, with what the models said."""
    at = click(show(LABELLING, "survey"), "to-Check labels")
    assert "Nothing is changed unless you change it" in read(at)
    click(at, "audit-begin")
    for _ in range(20):
        if "at odds" in read(at):
            return at
        fine(at.run())
    raise AssertionError(read(at))


def test_labels_are_judged_confirmed_corrected_and_taken_back_by_keys(
    ada: LabellingSession,
) -> None:
    at = audited(ada)
    first = bar(at)
    table = at.dataframe[0]
    ids = table.value["object"].tolist()
    assert first["object_id"] == ids[0]
    assert first["accept"]["verb"] == "Confirm"
    assert set(table.value["by"]) == {"the catalogue"}
    row = ada.project.catalogue.object_ids("name", list(range(300))).index(ids[0])
    label = ada.state("QSO").history.trained[row]

    press(at, "key", "Y")
    assert ids[0] not in at.dataframe[0].value["object"].tolist()
    assert bar(at)["object_id"] == ids[1]
    assert "confirmed; undo Z" in bar(at)["confirmation"]
    assert ada.state("QSO").history.trained[row] == label

    press(at, "undo")
    assert bar(at)["object_id"] == ids[0]
    name = ada.config.label_name(label)
    assert bar(at)["confirmation"] == f"Taken back: {name} confirmed, {ids[0]}"
    press(at, "answer", label)  # Enter gives the label that it has
    assert "confirmed" in bar(at)["confirmation"]
    press(at, "undo")

    other = "STAR" if label != "STAR" else "GALAXY"
    press(at, "answer", other)
    assert ada.state("QSO").history.trained[row] == other
    assert "labels changed since" in read(at)
    assert bar(at)["object_id"] == ids[1]
    press(at, "key", "ArrowRight")
    assert bar(at)["object_id"] == ids[2]
    press(at, "key", "ArrowLeft")
    press(at, "unsure")
    assert ids[1] not in at.dataframe[0].value["object"].tolist()
    press(at, "queried")
    assert bar(at)["question"] == "Is it a Qso?"


def test_an_undo_in_the_audit_says_how_many_objects_it_takes_back(
    ready: LabellingSession,
) -> None:
    member = replace(SMALL_FOREST, strategy="margin_clusters")
    ready.start("QSO", small_setup(members=(member,), batch_size=4, n_initial=30))
    at = audited(ready)
    state = ready.state("QSO")
    ready.answer_some("QSO", state.batch[:3], "answer", "STAR", token=state.token)
    press(fine(at.run()), "undo")
    said = f"Taken back: {ready.config.label_name('STAR')}, 3 objects"
    assert bar(at)["confirmation"] == said
    assert len(ready.state("QSO").batch) == 4


def test_a_confirmation_of_what_was_answered_meanwhile_is_refused_in_the_bar(
    ada: LabellingSession,
) -> None:
    at = audited(ada)
    shown = bar(at)["object_id"]
    row = ada.project.catalogue.object_ids("name", list(range(300))).index(shown)
    token = bar(at)["token"]
    answer(ada, row=row, label="STAR")
    event = BarEvent("key", "Y", shown, token, 1.0)
    at.session_state["sextant.posted"] = [Posted(BAR, "Labelling", "survey", "QSO", event)]
    fine(at.run())
    assert "meanwhile" in bar(at)["confirmation"]


def test_when_every_label_was_looked_at_nothing_is_left(ada: LabellingSession) -> None:
    job = begin_audit(ada, "QSO")
    job.wait(60)
    made = job.result()
    made = type(made)(**{**vars(made), "place": {}})
    at = show(LABELLING, "survey")
    looking = Looking()
    looking.audits["QSO"] = made
    at.session_state["sextant.looking"] = looking
    click(at, "to-Check labels")
    assert "Every label was looked at again" in read(at)
    assert not bar(at)["asks"]


# -- no training data near -------------------------------------------------------------------------


def test_the_card_says_how_near_training_data_is(ada: LabellingSession) -> None:
    assert "Nearness to training data" in read(show(LABELLING, "survey"))


def test_what_has_no_training_data_near_is_selected_on_explore(ada: LabellingSession) -> None:
    at = show(EXPLORE, "survey")
    opened_menu(at, "saved-0")
    click(at, "select-far")
    said = read(at)
    assert "selected with no training data near" in said or "near everywhere" in said
