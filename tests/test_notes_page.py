"""Notes beside the question, and the way to an object by where it is."""

import json
from dataclasses import replace

import pytest
from paging import LABELLING, bar, fine, read, show

from al_engine.curating.noting import keep_note, note_of
from al_engine.session import LabellingSession
from pages.components.loop import split_token


@pytest.fixture
def placed(survey_begun: LabellingSession) -> LabellingSession:
    """The small project, begun, with two of its columns taken for positions."""
    columns = replace(survey_begun.config.columns, ra="g", dec="r")
    survey_begun.change_settings(replace(survey_begun.config, columns=columns))
    return survey_begun


def test_a_note_is_saved_shown_and_undone(survey_begun: LabellingSession) -> None:
    row = survey_begun.state("QSO").question.row
    at = show(LABELLING, "survey")
    next(each for each in at.text_area if each.label == "Note").set_value("see *Chandra*")
    at = fine(next(each for each in at.button if each.label == "Save").click().run())
    (event,) = [e for e in survey_begun.project.log.events() if e.kind == "note"]
    assert (event.row_number, event.payload["text"]) == (row, "see *Chandra*")
    assert r"see \*Chandra\*" in read(at)
    at = fine(
        next(each for each in at.button if each.label == "Undo the last change").click().run()
    )
    assert "Chandra" not in read(at)
    assert survey_begun.state("QSO").question.row == row


def test_what_was_noted_is_not_told_while_some_questions_are_asked_twice(
    survey_begun: LabellingSession,
) -> None:
    asking = replace(survey_begun.config.asking, repeat_every=5)
    survey_begun.change_settings(replace(survey_begun.config, asking=asking))
    at = show(LABELLING, "survey")
    row = int(split_token(bar(at)["token"])[2])
    own = at.session_state["sextant.session"]
    keep_note(own, row, "broad lines", ("odd",))
    keep_note(own, row + 1, "", ("merger",))
    at = fine(at.run())
    text = next(each for each in at.text_area if each.label == "Note")
    tags = next(each for each in at.text_input if each.label == "Tags")
    assert (text.value, tags.value) == ("", "")
    assert "Undo the last change" not in [each.label for each in at.button]
    assert {"Note", "Noted"} & {each.proto.popover.label for each in at.get("popover")} == {"Note"}
    text.set_value("blended")
    tags.set_value("merger")
    at = fine(next(each for each in at.button if each.label == "Save").click().run())
    note = note_of(own, row)
    assert (note.text, note.tags) == ("broad lines\nblended", ("odd", "merger"))
    assert next(each for each in at.text_area if each.label == "Note").value == ""


def test_an_object_is_shown_by_its_position(placed: LabellingSession) -> None:
    values = placed.project.catalogue.values(17, ["g", "r"])
    at = show(LABELLING, "survey")
    field = next(each for each in at.text_input if each.label == "Id or position")
    field.set_value(f"{values['g']:.7f} {values['r']:.7f}")
    at = fine(next(each for each in at.button if each.label == "Show it").click().run())
    assert placed.object_id(17) in [each.value for each in at.subheader]
    assert "simbad.cds.unistra.fr" in read(at)


def test_tags_are_typed_with_commas_between_them_and_those_in_use_are_told(
    survey_begun: LabellingSession,
) -> None:
    keep_note(survey_begun, 3, "", ("merger", "a]b"))
    row = survey_begun.state("QSO").question.row
    at = show(LABELLING, "survey")
    tags = next(each for each in at.text_input if each.label == "Tags")
    assert r"In use: a\]b, merger" in read(at)
    tags.set_value(" merger, two  nuclei,, merger")
    fine(next(each for each in at.button if each.label == "Save").click().run())
    event = survey_begun.project.log.events()[-1]
    assert (event.row_number, event.payload["tags"]) == (row, ["merger", "two nuclei"])


def test_a_text_to_read_stands_on_the_card_as_itself(survey_begun: LabellingSession) -> None:
    columns = replace(survey_begun.config.columns, texts=("note",))
    survey_begun.change_settings(replace(survey_begun.config, columns=columns))
    at = show(LABELLING, "survey")
    sent = [json.loads(each.proto.json or "{}") for each in at.get("bidi_component")]
    (found,) = [each["texts"] for each in sent if "texts" in each]
    assert "same" in json.dumps(found)
