"""The People page and what several people see on the others."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from conftest import ROOT, TRUTH, answer, known
from streamlit.testing.v1 import AppTest
from test_pages import bar, fine, read

from al_engine.curating.agreeing import disputes
from al_engine.curating.noting import note_of
from al_engine.curating.test_set import Curator
from al_engine.data.splits import TRAIN
from al_engine.session import LabellingSession
from al_engine.settings.config import People
from al_engine.settings.criteria import Search
from al_engine.showing.maps import Shown
from pages.components.answer_bar import BarEvent
from pages.components.looking import Posted
from pages.components.overview import TITLE as ALL
from pages.components.people.dealing import BAR
from pages.components.test_set.dealing import BAR as TEST_SET_BAR

PEOPLE, TRAINING, LABELLING, SHARE, TEST_SET = (
    f"pages/{name}.py"
    for name in ("8_People", "2_Training", "3_Labelling", "7_Share", "4_Test_set")
)


@pytest.fixture
def ada(survey_begun: LabellingSession) -> LabellingSession:
    """The small project with its QSO classifier started, by Ada."""
    return survey_begun


def work_together(session: LabellingSession, **changes: Any) -> LabellingSession:
    """Have several people answer; another person's session."""
    people = replace(People(several=True, again_every=0), **changes)
    session.change_settings(replace(session.config, people=people))
    return LabellingSession(session.project, "Ben")


def differ(ada: LabellingSession, ben: LabellingSession, n: int) -> list[int]:
    free = (r for r in known(ada, TRAIN, "STAR") if r not in ada.project.history("QSO").trained)
    rows = [next(free) for _ in range(n)]
    for row in rows:
        answer(ada, row=row, label="QSO")
        answer(ben, row=row, label="GALAXY")
    return rows


def show(page: str, who: str = "", held: Mapping[str, Any] = MappingProxyType({})) -> AppTest:
    """A page as somebody opens it, with what a tab holds beside."""
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    at.query_params["project"] = "survey"
    if who:
        at.session_state["sextant.name"] = who
    for key, value in held.items():
        at.session_state[key] = value
    at.switch_page(page).run()
    fine(at)
    return at


def press(at: AppTest, action: Any, label: str | None = None) -> AppTest:
    """Do in the bar what its buttons do."""
    shown = bar(at)
    event = BarEvent(action, label, shown["object_id"], shown["token"], 1.0)
    at.session_state["sextant.posted"] = [Posted(BAR, "People", "survey", "QSO", event)]
    at.run()
    fine(at)
    return at


def everything_sent(at: AppTest) -> str:
    """All that reached the browser, as text."""
    sent = [str(each.proto) for each in at.main]
    sent += [each.proto.json for each in at.get("bidi_component")]
    return "\n".join(sent)


def test_one_person_alone_is_asked_nothing_and_told_what_there_would_be(ada) -> None:
    answer(ada)
    at = show(PEOPLE)
    assert "Answers so far are signed Ada" in read(at)
    assert not at.get("bidi_component")
    at.button(key="people-several").click().run()
    fine(at)
    assert ada.config.people == People(several=True)
    assert "give the name" in read(at), "nobody has said yet who looks"


def test_nobody_answers_without_a_name_where_several_do(ada) -> None:
    work_together(ada)
    at = show(LABELLING)
    assert not at.get("bidi_component")
    at.text_input(key="who-answers-name").set_value("Cy")
    at.button[0].click().run()
    fine(at)
    assert at.session_state["sextant.session"].who == "Cy"
    assert bar(at)["question"] == "Is it a Qso?"


def test_rules_are_kept_as_they_are_changed(ada) -> None:
    work_together(ada)
    at = show(PEOPLE, "Ada")
    at.toggle(key="people-blind-survey-False").set_value(True).run()
    fine(at)
    at.number_input[0].set_value(7).run()
    fine(at)
    at.radio[0].set_value("latest").run()
    fine(at)
    assert ada.config.people == People(True, True, "latest", 7)


def test_what_people_differ_about_is_settled_by_one_key_and_taken_back(ada) -> None:
    ben = work_together(ada)
    first, second = differ(ada, ben, 2)
    at = show(PEOPLE, "Ada")
    assert "**2 to settle**" in read(at)
    assert "Ada: **Qso** · Ben: **Galaxy**" in read(at)
    assert bar(at)["object_id"] == ada.object_id(first)
    press(at, "answer", "STAR")
    assert ben.state("QSO").history.trained[first] == "STAR"
    assert bar(at)["object_id"] == ada.object_id(second)
    assert "settled as Star; undo Z" in bar(at)["confirmation"]
    press(at, "undo")
    assert first not in ben.state("QSO").history.trained
    assert bar(at)["object_id"] == ada.object_id(first)
    press(at, "key", "ArrowRight")
    assert bar(at)["object_id"] == ada.object_id(second)
    press(at, "answer", "QSO")
    press(at, "answer", "GALAXY")
    assert "**0 to settle** · 2 settled" in read(at)
    assert not bar(at)["asks"]
    press(at, "undo")
    assert "**1 to settle** · 1 settled" in read(at)


def test_where_nobody_else_has_answered_the_page_says_how_they_come_to(ada) -> None:
    ben = work_together(ada)
    trained = ada.project.history("QSO").trained
    row = next(r for r in known(ada, TRAIN, "STAR") if r not in trained)
    answer(ada, row=row, label="QSO")
    at = show(PEOPLE, "Ada")
    assert "Fewer than two people have answered" in read(at)
    assert "Go to Labelling" in [each.proto.label for each in at.get("page_link")]
    answer(ben, row=row, label="QSO")
    assert "Fewer than two people" not in read(show(PEOPLE, "Ada"))


def test_buttons_go_through_what_was_settled_as_the_arrow_keys_do(ada) -> None:
    ben = work_together(ada)
    differ(ada, ben, 2)
    at = show(PEOPLE, "Ada")
    assert at.button(key="settle-previous").disabled
    first = bar(at)["object_id"]
    at.button(key="settle-next").click().run()
    fine(at)
    assert bar(at)["object_id"] != first
    assert at.button(key="settle-next").disabled
    at.button(key="settle-previous").click().run()
    fine(at)
    assert bar(at)["object_id"] == first


def test_an_object_that_people_differ_about_is_found_and_noted(ada) -> None:
    rows = differ(ada, work_together(ada), 3)
    at = fine(show(PEOPLE, "Ada"))
    assert len(rows) == 3

    def look_for(object_id: str) -> AppTest:
        field = next(each for each in at.text_input if each.label == "Id")
        field.set_value(object_id)
        return fine(next(each for each in at.button if each.label == "Show it").click().run())

    look_for(ada.object_id(rows[2]))
    assert bar(at)["object_id"] == ada.object_id(rows[2])
    look_for(ada.object_id(ada.state("QSO").question.row))
    assert "is none of the objects listed here" in read(at)
    assert bar(at)["object_id"] == ada.object_id(rows[2])
    next(each for each in at.text_area if each.label == "Note").set_value("two of them")
    fine(next(each for each in at.button if each.label == "Save").click().run())
    assert note_of(ada, rows[2]).text == "two of them"
    assert "two of them" in read(at)


def test_what_another_settled_meanwhile_is_refused_in_the_bar(ada) -> None:
    ben = work_together(ada)
    differ(ada, ben, 1)
    one, other = show(PEOPLE, "Ada"), show(PEOPLE, "Ben")
    press(one, "answer", "STAR")
    press(other, "answer", "QSO")
    assert "Something was said of" in bar(other)["confirmation"]
    assert disputes(ada, "QSO")[0][0].counts == "STAR"


def test_numbers_say_what_they_are_over_and_each_has_its_help(ada) -> None:
    ben = work_together(ada)
    differ(ada, ben, 2)
    for row in [r for r in known(ada, TRAIN) if r not in ada.project.history("QSO").asked][2:14]:
        for session in (ada, ben):
            answer(session, row=row)
    at = show(PEOPLE, "Ben")
    said = read(at)
    assert "over 14 objects" in said
    assert at.metric[0].value == "86%"
    assert all(metric.help for metric in at.metric)
    assert all(frame.value.shape[0] for frame in at.dataframe)
    own = at.dataframe[-1].value
    assert len(own) == 14
    assert set(own["label"]) <= {"Galaxy", "Star", "Qso"}


def test_three_people_are_compared_two_by_two(ada) -> None:
    ben = work_together(ada)
    cy = LabellingSession(ada.project, "Cy <b>")
    (row,) = differ(ada, ben, 1)
    answer(cy, row=row, label="QSO")
    at = show(PEOPLE, "Ada")
    pairs = next(frame.value for frame in at.dataframe if "people" in frame.value)
    assert pairs["people"].tolist() == ["Ada, Ben", "Ada, Cy <b>", "Ben, Cy <b>"]
    assert pairs["objects"].tolist() == [1, 1, 1]
    assert r"Cy \<b\>: **Qso**" in read(at)
    assert "What counts: Qso" in read(at), "two of three"


@pytest.mark.parametrize("page", [TRAINING, f"{TRAINING}#all", LABELLING, TEST_SET, PEOPLE, SHARE])
@pytest.mark.parametrize("again_every", [0, 1])
def test_blind_no_page_sends_what_another_labelled(ada, page: str, again_every: int) -> None:
    ben = work_together(ada, blind=True, again_every=again_every)
    rows = unknown(ada)[:4]
    for row in rows:
        answer(ada, row=row, label="STAR")
    question = ben.state("QSO").question
    assert question is not None
    assert (question.row in rows) == bool(again_every)
    sent = everything_sent(show_tab(page, "Ben"))
    there = [name for name in ada.object_ids(rows) if name in sent]
    asks = page not in (TEST_SET, PEOPLE, SHARE)
    assert there == ([ben.object_id(question.row)] if again_every and asks else [])
    if again_every:
        assert "P(Qso)" not in sent
        assert "likely Qso" not in sent
    hers = everything_sent(show(PEOPLE, "Ada"))
    assert all(name in hers for name in ada.object_ids(rows)), "she sees her own"
    assert disputes(ben, "QSO") == ([], 0)


def test_blind_a_card_tells_nothing_of_an_object_that_another_labelled(ada) -> None:
    work_together(ada, blind=True)
    row = next(r for r in range(len(TRUTH)) if ada.project.dataset().codes[r] < 0)
    told = []
    for label in ("GALAXY", "STAR"):
        answer(ada, row=row, label=label)
        at = show(LABELLING, "Ben")
        at.session_state["sextant.looking"].selected["QSO"] = row
        at.run()
        fine(at)
        assert bar(at)["object_id"] == ada.object_id(row)
        assert "Others labelled it" in read(at)
        assert "P(" not in read(at)
        told.append([line for line in read(at).splitlines() if "F1" not in line])
    assert told[0] == told[1]


def test_blind_what_holds_everybody_s_answers_is_not_offered(ada) -> None:
    work_together(ada, blind=True)
    answer(ada)
    at = show(SHARE, "Ben")
    said = read(at)
    assert said.count("people answer blind here") == 4
    assert len(at.get("download_button")) == 0


def test_another_person_s_answers_are_undone_by_no_key(ada) -> None:
    work_together(ada)
    answer(ada)
    at = show(LABELLING, "Ben")
    assert not bar(at)["can_undo"]


def test_blind_the_list_of_a_cell_says_how_many_objects_it_leaves_out(ada) -> None:
    work_together(ada, blind=True)
    row = next(known(ada, TRAIN, "STAR"))
    answer(ada, row=row, label="QSO")
    for who, is_listed in (("Ada", True), ("Ben", False)):
        at = show(TRAINING, who)
        picked = []
        for cell in ((actual, predicted) for actual in (0, 1) for predicted in (0, 1)):
            at.session_state["sextant.looking"].shown["QSO"] = Shown(cell=("training", *cell))
            at.run()
            fine(at)
            assert ("1 that others labelled, of all cells, not listed" in read(at)) != is_listed
            picked += at.selectbox(
                key=next(b.key for b in at.selectbox if b.key.startswith("cell-"))
            ).options
        assert (ada.object_id(row) in picked) == is_listed


@pytest.mark.parametrize("page", [LABELLING, TEST_SET])
def test_an_answer_without_a_name_is_refused_once_several_people_answer(ada, page: str) -> None:
    answer(ada)
    at = show(page)
    shown = bar(at)
    work_together(ada)
    n_events = ada.project.log.n_events
    event = BarEvent("answer", "STAR", shown["object_id"], shown["token"], 1.0)
    kind, title = ("bar", "Labelling") if page == LABELLING else (TEST_SET_BAR, "Test set")
    at.session_state["sextant.posted"] = [Posted(kind, title, "survey", "QSO", event)]
    at.run()
    fine(at)
    assert ada.project.log.n_events == n_events, "and not signed Ada"
    assert "give the name" in read(at)


def test_what_can_be_no_name_is_refused_where_it_is_given(ada) -> None:
    answer(ada)
    work_together(ada)
    at = show(LABELLING)
    for typed, said in (
        ("Ada, Ben", "has a comma in it"),
        ("\u200b", "nobody can see"),
        ("ada", "Give 'Ada' if that is you"),
    ):
        at.text_input(key="who-answers-name").set_value(typed)
        at.button[0].click().run()
        assert not at.exception
        (error,) = at.error
        assert said in error.value.replace("\\", "")
        assert "sextant.name" not in at.session_state
    at.text_input(key="who-answers-name").set_value(" Cy  D ")
    at.button[0].click().run()
    fine(at)
    assert at.session_state["sextant.session"].who == "Cy D"
    at.text_input(key="signed-Cy D").set_value("Cy  D").run()
    fine(at)
    at.text_input(key="signed-Cy D").set_value("Cy, D").run()
    assert "has a comma in it" in at.error[0].value
    assert at.session_state["sextant.session"].who == "Cy D"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (TRAINING, "**7 labels trained on**"),
        (LABELLING, "**7 labels**"),
        (f"{TRAINING}#all", "7 labels, of everybody"),
    ],
)
def test_blind_every_page_says_how_many_labels_train(ada, page: str, said: str) -> None:
    work_together(ada, blind=True)
    for row in list(unknown(ada))[:2]:
        answer(ada, row=row, label="STAR")
    for who in ("Ada", "Ben"):
        assert said in read(show_tab(page, who))


def unknown(session: LabellingSession) -> list[int]:
    """Objects whose label the catalogue does not know."""
    return [r for r in range(len(TRUTH)) if session.project.dataset().codes[r] < 0]


def show_tab(page: str, who: str) -> AppTest:
    """A page, or the tab of all classifiers on it."""
    name, _, tab = page.partition("#")
    return show(name, who, {"classifier-survey": ALL} if tab else {})


def test_the_test_set_is_nobody_s_own_answers(ada) -> None:
    work_together(ada)
    curator = Curator(ada)
    shown = curator.next_object("audit", None)
    assert shown is not None
    curator.answer(shown.row, "answer", "QSO", token=shown.token, search=Search(), seconds=1.0)
    splits = replace(ada.config.splits, curated=True)
    ada.change_settings(replace(ada.config, splits=splits))
    answer(ada)
    assert "1 yours" in read(show(LABELLING, "Ada"))
    assert "0 yours" in read(show(LABELLING, "Ben"))
