"""Several classifiers on the pages: the answer offered, what undo says, and the tab of all."""

from dataclasses import replace

import pytest
from conftest import CLASSES, small_setup
from paging import LABELLING, SETTINGS, TRAINING, bar, fine, read, show
from streamlit.testing.v1 import AppTest
from test_pages import press

from al_engine.loop.answering import Offer, offer
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, MemberSetup
from pages.components.overview import TITLE
from pages.components.state.forms import Unsaved
from pages.components.words import plain


@pytest.fixture
def begun(survey_begun: LabellingSession) -> LabellingSession:
    """The small project with its QSO and STAR classifiers started."""
    survey_begun.start("STAR", small_setup())
    return survey_begun


def share(session: LabellingSession) -> None:
    asking = replace(session.config.asking, shared=True)
    session.change_settings(replace(session.config, asking=asking))


def tab_of(session: LabellingSession, label: str, page: str = TRAINING) -> AppTest:
    """Open a page on one classifier, or on all of them."""
    slug = session.project.slug
    at = show(page, slug)
    key, shown = (
        (f"labelling-{slug}", label)
        if page == LABELLING
        else (f"classifier-{slug}", session.config.label_name(label))
    )
    at.session_state[key] = shown
    return at.run()


def answered_in_qso(session: LabellingSession, label: str = "GALAXY") -> int:
    """Call the object that STAR is going to ask about something in the tab of QSO."""
    row = session.state("STAR").question.row
    token = f"{session.state('QSO').history.last_seq}::"
    session.answer("QSO", row, "answer", label, token=token)
    return row


# -- the answer offered --


@pytest.mark.parametrize("page", [TRAINING, LABELLING])
def test_what_was_said_in_another_tab_is_offered_and_accepted_with_one_key(
    begun: LabellingSession, page: str
) -> None:
    row = answered_in_qso(begun)
    at = tab_of(begun, "STAR", page)
    fine(at)
    assert bar(at)["accept"] == {
        "value": "GALAXY",
        "name": "Galaxy",
        "why": "You called it Galaxy in the tab Qso.",
        "verb": "Accept",
    }
    assert row not in begun.state("STAR").history.asked, "never accepted by itself"
    press(at, "answer", bar(at)["accept"]["value"])
    fine(at)
    assert begun.state("STAR").history.trained[row] == "GALAXY"
    assert bar(at)["accept"] is None


def test_nothing_is_offered_that_was_taken_back_or_was_unsure_in_the_end(
    begun: LabellingSession,
) -> None:
    row = answered_in_qso(begun)
    begun.undo("QSO", token=begun.state("QSO").token)
    assert bar(tab_of(begun, "STAR"))["accept"] is None
    answered_in_qso(begun)
    begun.answer("QSO", row, "unsure", token=f"{begun.state('QSO').history.last_seq}::")
    assert bar(tab_of(begun, "STAR"))["accept"] is None


def test_what_somebody_else_said_is_not_offered(begun: LabellingSession) -> None:
    row = answered_in_qso(begun)
    history = begun.state("STAR").history
    mine = offer(begun.project, history, "STAR", row, "Ada")
    assert mine == Offer("GALAXY", "QSO")
    assert offer(begun.project, history, "STAR", row, "Ben") is None
    assert offer(begun.project, begun.state("QSO").history, "QSO", row, "Ada") is None


def test_a_label_that_takes_no_part_any_more_is_not_offered(begun: LabellingSession) -> None:
    row = answered_in_qso(begun)
    begun.project.save_config(replace(begun.config, leave_out_other_labels=True), "Ada")
    assert offer(begun.project, begun.project.history("STAR"), "STAR", row, "Ada") is None


def test_where_answers_are_shared_none_has_to_be_offered(begun: LabellingSession) -> None:
    row = answered_in_qso(begun)
    share(begun)
    at = tab_of(begun, "STAR")
    assert bar(at)["accept"] is None
    assert begun.state("STAR").question.row != row


# -- undo --


def test_undo_says_what_it_took_back_and_from_which_tab(begun: LabellingSession) -> None:
    share(begun)
    row = answered_in_qso(begun)
    at = tab_of(begun, "STAR")
    press(at, "undo")
    fine(at)
    expected = f"Taken back: Galaxy in the tab Qso, {begun.object_id(row)}"
    assert bar(at)["confirmation"] == expected
    assert row not in begun.state("QSO").history.trained


# -- the tab of all --


def test_one_classifier_alone_needs_no_tab_of_all(survey_begun: LabellingSession) -> None:
    survey_begun.change_settings(replace(survey_begun.config, train_labels=("QSO",)))
    at = show(TRAINING, survey_begun.project.slug)
    fine(at)
    assert [each.label for each in at.tabs] == ["Qso"]


def test_the_tab_of_all_says_where_every_classifier_stands(begun: LabellingSession) -> None:
    at = tab_of(begun, TITLE)
    fine(at)
    said = read(at)
    for label in ("QSO", "STAR"):
        state = begun.state(label)
        assert begun.object_id(state.question.row).replace("-", "\\-") in said
        assert f"{state.scores.validation.f1.value:.3f}" in said
        assert f"{float(state.fit.proba[state.question.row]):.2f} likely" in said
    assert "Each tab has only its own answers." in said
    assert "none of these" in said
    assert not at.get("bidi_component"), "there is no question on it"


def test_from_the_tab_of_all_one_gets_to_each_classifier(begun: LabellingSession) -> None:
    at = tab_of(begun, TITLE)
    at.button(key="open-tab-1").click().run()
    fine(at)
    assert bar(at)["question"] == "Is it a Star?"


def test_one_that_is_not_started_says_so_and_leads_to_its_set_up(
    survey_begun: LabellingSession,
) -> None:
    at = tab_of(survey_begun, TITLE)
    fine(at)
    assert "Not started." in read(at)
    assert "needs two classifiers" in read(at)
    at.button(key="open-tab-1").click().run()
    fine(at)
    assert "A classifier for Star" in read(at)


def test_a_fault_of_one_classifier_leaves_the_others_in_view(begun: LabellingSession) -> None:
    gone = small_setup(members=(MemberSetup("gone_model"),))
    config = replace(begun.config, setups={**begun.config.setups, "STAR": gone})
    begun.project.save_config(config, "Ada")
    at = tab_of(begun, TITLE)
    fine(at)
    assert "Cannot be trained now" in read(at)
    assert "likely Qso" in read(at)


def test_the_combined_prediction_states_its_rules_and_on_what_it_is_calibrated(
    begun: LabellingSession,
) -> None:
    said = read(tab_of(begun, TITLE))
    assert "of equals the first in the order of Settings" in said
    assert "Where all are under 0.5: none of these." in said
    assert "Qso is calibrated on 54 validation labels" in said
    begun.change_settings(replace(begun.config, train_labels=CLASSES))
    begun.start("GALAXY", small_setup())
    said = read(tab_of(begun, TITLE))
    assert "One is always predicted: every label has a classifier." in said


# -- the settings --


def test_both_settings_are_saved_from_the_settings_page(begun: LabellingSession) -> None:
    slug = begun.project.slug
    at = show("", slug)
    at.query_params["step"] = "4"
    at.switch_page(SETTINGS).run()
    at.toggle(key=f"shared-{slug}").set_value(True).run()
    at.number_input(key=f"none-below-{slug}").set_value(0.25).run()
    fine(at)
    assert begun.config.asking.shared
    assert begun.config.none_below == 0.25
    at.number_input(key=f"none-below-{slug}").set_value(None).run()
    assert begun.config.none_below is None


def test_sharing_answers_says_whose_labels_change_and_waits_for_the_button(
    begun: LabellingSession,
) -> None:
    answered_in_qso(begun)
    slug, n = begun.project.slug, len(begun.project.history("STAR").trained)
    at = show("", slug)
    at.query_params["step"] = "4"
    at.switch_page(SETTINGS).run()
    at.toggle(key=f"shared-{slug}").set_value(True).run()
    fine(at)
    (warning,) = at.warning
    assert f"Star: {n + 1} labels in place of {n}" in warning.value
    assert "Every label is kept" in warning.value
    assert not begun.config.asking.shared, "it waits for the button"
    fine(at.button(key="next-3").click().run())
    assert begun.config.asking.shared


@pytest.mark.parametrize("name", ["<b>x</b>", "![a](http://x/y.png)", ":material/home: All"])
def test_names_from_the_data_reach_the_tab_of_all_as_themselves(
    begun: LabellingSession, name: str
) -> None:
    labels = tuple(
        replace(label, name=name) if label.value == "STAR" else label
        for label in begun.config.labels
    )
    begun.change_settings(replace(begun.config, labels=labels))
    answered_in_qso(begun, "STAR")
    at = tab_of(begun, TITLE)
    fine(at)
    assert name not in read(at)
    assert plain(name) in read(at)
    at.button(key="open-tab-1").click().run()
    fine(at)
    assert bar(at)["accept"]["why"] == f"You called it {name} in the tab Qso."


def test_an_edit_that_the_page_was_left_with_is_saved_before_another_is_drawn(survey_begun):
    at = show(TRAINING, "survey")
    at.session_state["sextant.unsaved"] = Unsaved("survey", 3, {"over-all-survey": True})
    fine(at.run())
    assert ALL_LABELS in survey_begun.config.train_labels
    assert "sextant.unsaved" not in at.session_state or at.session_state["sextant.unsaved"] is None


def test_an_edit_of_a_table_that_the_page_was_left_with_is_said_to_be_lost(survey_begun):
    at = show(TRAINING, "survey")
    at.session_state["sextant.unsaved"] = Unsaved("survey", 2, {"features-survey-9": {}})
    fine(at.run())
    assert "was not saved" in read(at)
    fine(at.run())
    assert "was not saved" not in read(at)
