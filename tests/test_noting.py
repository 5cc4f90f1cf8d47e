"""Notes, tags and the history of answers: what stands, who may see it, and how it travels."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import answer, begin, small_setup

from al_engine.curating.noting import keep_note, note_of, notes_shown, tags_in_use, undo_note
from al_engine.data.labels import Event
from al_engine.errors import AnswerRefusedError, ConfigurationError, SettingsError
from al_engine.exchange.configuration import private, read_configuration, write_configuration
from al_engine.exchange.labels import answers_in_force
from al_engine.loop.recording import record
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import People
from al_engine.sharing.packing import pack
from al_engine.showing.objects import object_card
from al_engine.starting import import_file


def test_a_note_stands_until_it_is_changed_or_undone(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    assert note_of(session, 7).is_empty
    keep_note(session, 7, "  two nuclei ", ("merger", "merger", " odd "))
    assert (note_of(session, 7).text, note_of(session, 7).tags) == ("two nuclei", ("merger", "odd"))
    keep_note(session, 7, "three nuclei", ())
    assert note_of(session, 7).text == "three nuclei"
    n_events = project.log.n_events
    keep_note(session, 7, "three nuclei", ())
    assert project.log.n_events == n_events
    assert undo_note(session, 7).text == "two nuclei"
    assert undo_note(session, 7).is_empty
    with pytest.raises(SettingsError, match="noted nothing"):
        undo_note(session, 7)


def test_a_note_trains_nothing_and_is_no_answer(project: Project) -> None:
    session = begin(project)
    state = answer(session)
    keep_note(session, 7, "odd", ("odd",))
    undo_note(session, 7)
    keep_note(session, 8, "odd", ("odd",))
    assert session.state("QSO").history == state.history
    assert 8 not in {given.event.row_number for given in answers_in_force(project.log.events())}
    assert session.undo("QSO", token=session.state("QSO").token).history.n_by_hand == 0


@pytest.mark.parametrize("tags", [("x" * 41,), tuple(map(str, range(21)))])
def test_a_note_that_is_too_long_is_refused(project: Project, tags: tuple[str, ...]) -> None:
    session = LabellingSession(project, "Ada")
    with pytest.raises(SettingsError, match="too long"):
        keep_note(session, 7, "", tags)
    with pytest.raises(SettingsError, match="too long"):
        keep_note(session, 7, "x" * 2001)
    assert note_of(session, 7).is_empty


def test_tags_in_use_are_listed_the_most_frequent_first(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    for row, tags in ((1, ("a", "b")), (2, ("b",)), (3, ("c",))):
        keep_note(session, row, "", tags)
    keep_note(session, 3, "no tag any more")
    assert tags_in_use(session) == ["b", "a"]


def test_notes_and_answers_of_others_are_seen_unless_people_answer_blind(project: Project) -> None:
    ada = begin(project)
    ada.change_settings(replace(ada.config, people=People(several=True)))
    row = ada.state("QSO").question.row
    answer(ada)
    keep_note(ada, row, "broad lines", ("AGN",))
    ben = LabellingSession(project, "Ben")
    assert [note.who for note in notes_shown(ben, row)] == ["Ada"]
    card = object_card(ben, ben.state("QSO"), row)
    assert [told.who for told in card.told] == ["Ada"]
    ben.change_settings(replace(ben.config, people=People(several=True, blind=True)))
    card = object_card(ben, ben.state("QSO"), row)
    assert (card.told, card.notes, tags_in_use(ben)) == ((), (), [])
    card = object_card(ada, ada.state("QSO"), row)
    assert [note.text for note in card.notes] == ["broad lines"]


def test_the_history_of_an_object_holds_what_was_taken_back_too(project: Project) -> None:
    session = begin(project)
    row = session.state("QSO").question.row
    answer(session, label="STAR")
    session.undo("QSO", token=session.state("QSO").token)
    answer(session, row=row, kind="later")
    told = object_card(session, session.state("QSO"), row).told
    assert [(t.who, t.what, t.where, t.is_undone) for t in told] == [
        ("Ada", "Star", "Qso", True),
        ("Ada", "Later", "Qso", False),
    ]
    first = next(iter(session.state("QSO").history.given))
    assert object_card(session, None, first).told[0].who == "the catalogue"


def test_notes_travel_in_configurations_and_whole_projects(
    project: Project, tmp_path: Path, opened
) -> None:
    session = begin(project)
    answer(session)
    keep_note(session, 7, "odd", ("odd",))
    configuration = record(project, session.moment())
    read = read_configuration(write_configuration(configuration).encode())
    (note,) = [event for event in read.events if event.kind == "note"]
    assert (note.object_id, note.payload) == (
        session.object_id(7), {"text": "odd", "tags": ["odd"]},
    )  # fmt: skip
    assert "odd" not in write_configuration(private(configuration))
    folder, _ = import_file(tmp_path / "elsewhere", pack(project))
    assert note_of(LabellingSession(opened(folder), "Ada"), 7).text == "odd"


@pytest.mark.parametrize(
    "changes", [{"payload": {"text": 5}}, {"payload": {"tags": "x"}}, {"classifier": "QSO"}]
)
def test_a_note_that_was_edited_wrongly_is_refused(project: Project, changes: dict) -> None:
    session = LabellingSession(project, "Ada")
    session.start("QSO", small_setup())
    note = Event("note", "Ada", None, 7, session.object_id(7), payload={"text": "x"})
    project.log.append(note)
    said = json.loads(write_configuration(record(project, session.moment())))
    (event,) = [each for each in said["events"] if each["kind"] == "note"]
    event.update(changes)
    with pytest.raises(ConfigurationError):
        read_configuration(json.dumps(said).encode())


# -- how sure one is -----------------------------------------------------------------------------


def test_an_answer_says_how_sure_the_person_was(project: Project) -> None:
    session = begin(project)
    state = session.state("QSO")
    row = state.question.row
    session.answer("QSO", row, "answer", "QSO", token=state.token, confidence=2)
    assert project.log.events()[-1].confidence == 2
    assert object_card(session, session.state("QSO"), row).told[-1].confidence == 2
    configuration = record(project, session.moment())
    read = read_configuration(write_configuration(configuration).encode())
    assert read.events[-1].confidence == 2


@pytest.mark.parametrize(("kind", "confidence"), [("answer", 0), ("answer", 4), ("unsure", 1)])
def test_a_confidence_that_is_none_is_refused(project: Project, kind: str, confidence: int) -> None:
    session = begin(project)
    state = session.state("QSO")
    label = "QSO" if kind == "answer" else None
    with pytest.raises(AnswerRefusedError, match="from 1 to 3"):
        session.answer(
            "QSO", state.question.row, kind, label, token=state.token, confidence=confidence
        )
