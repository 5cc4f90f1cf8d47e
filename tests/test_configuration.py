"""Configurations: everything that makes a project in one file, and one sentence for a bad one."""

import json
import os
import shutil
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import duckdb
import pytest
from conftest import Open, answer, begin, known, small_setup, survey_config
from test_config import EVERYTHING

from al_engine.background import BACKGROUND
from al_engine.curating.auditing import confirm
from al_engine.curating.noting import keep_note
from al_engine.data.labels import Event, EventKind
from al_engine.data.splits import TEST, VALIDATION
from al_engine.errors import ConfigurationError, ContractError
from al_engine.exchange import strict_json
from al_engine.exchange.configuration import (
    FORMAT,
    Configuration,
    Layout,
    private,
    read_configuration,
    write_configuration,
)
from al_engine.exchange.strict_json import file_bytes
from al_engine.home import About
from al_engine.loop.answering import answered_rows
from al_engine.loop.making import RoundMaker
from al_engine.loop.recording import (
    CONFIGURATION_FILE,
    LAYOUT_FILE,
    change_layout,
    layout_of,
    record,
)
from al_engine.loop.rounds import Round
from al_engine.projects.opening import close_project, delete_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Curation, ProjectConfig
from al_engine.settings.criteria import Criterion, Group, Search
from al_engine.settings.panels import Arrangement
from al_engine.settings.sky import Cutout, Sky

NOW = datetime(2026, 11, 21, 12, 0, 0, 5)


def eventful(project: Project) -> LabellingSession:
    """A session in which everything happened that can: every kind, four ways to come up."""
    session = begin(project)
    for kind in ("answer", "unsure", "later", "answer", "answer"):
        answer(session, kind=kind)
    session.undo("QSO", token=session.state("QSO").token)
    answer(session, row=next(known(session, VALIDATION)))
    row = next(known(session, TEST))
    settled = Event("settled", "Ada", "QSO", row, session.object_id(row), "STAR", "settled", "test")
    project.log.append(settled)
    keep_note(session, row, "two nuclei", ("merger",))
    trained = next(iter(session.state("QSO").history.trained))
    confirm(session, "QSO", trained, token=session.state("QSO").token)
    return session


def read_back(configuration: Configuration) -> Configuration:
    return read_configuration(write_configuration(configuration).encode())


# -- what stands in it ---------------------------------------------------------------------------


def test_every_setting_travels() -> None:
    everything = replace(EVERYTHING, author="Ada", doi="10.1/x")
    default = ProjectConfig()
    same = [
        f.name for f in fields(default) if getattr(default, f.name) == getattr(everything, f.name)
    ]
    assert same == ["version"], "the example has to differ from the defaults in every field"
    configuration = Configuration(everything)
    assert read_back(configuration) == configuration
    head = json.loads(write_configuration(configuration))
    assert (head["author"], head["doi"], head["version"]) == ("Ada", "10.1/x", 1)


def other_than_default(field: Any) -> Any:
    """A value that says something, for whatever field an event comes to have."""
    made = {"kind": "undo", "seq": 2, "undoes": 1, "payload": {"a": [1, None]}, "happened_at": NOW}
    kinds: list[tuple[type, Any]] = [(str, f"some {field.name}"), (int, 3), (float, 0.1)]
    return made.get(field.name) or next(v for kind, v in kinds if kind in get_args(field.type))


def test_every_field_of_an_event_travels_but_the_row() -> None:
    first = Event("unsure", object_id="x", classifier="QSO", seq=1)
    event = Event(**{f.name: other_than_default(f) for f in fields(Event) if f.name != "who"})
    silent = [f.name for f in fields(Event) if f.name != "who" and getattr(event, f.name) is None]
    assert silent == []
    settings = replace(ProjectConfig(), labels=replace(survey_config()).labels)
    event = replace(event, label="QSO", classifier="QSO", who="Ada")
    found = read_back(Configuration(settings, events=(first, event)))
    assert found.events == (first, replace(event, row_number=None))


def test_events_of_every_kind_travel_whatever_part_they_are_of(project: Project) -> None:
    assert get_origin(EventKind) is Literal
    events = []
    for kind in get_args(EventKind):
        undoes = {"undo": 1}.get(kind)
        payload = survey_config().to_dict() if kind == "settings" else {"drawn": ["g > 1"]}
        events.append(
            Event(kind, "Ada", "QSO", None, "J001", None, "query", "some part", payload=payload)
        )
        events[-1] = replace(events[-1], seq=len(events), undoes=undoes)
        if kind in ("given", "answer", "settled", "confirmed"):
            events[-1] = replace(events[-1], label="QSO")
        if kind == "note":
            events[-1] = replace(events[-1], classifier=None, part=None, payload={"text": "odd"})
    configuration = Configuration(survey_config(), events=tuple(events))
    assert read_back(configuration).events == configuration.events


def test_nothing_that_a_project_keeps_is_left_out(project: Project) -> None:
    # A new table of answers, or a new note of a project, has to find its place in the file first.
    eventful(project)
    close_project(project.folder)
    with duckdb.connect(str(project.folder / "answers.duckdb")) as log:
        tables = {name for (name,) in log.execute("SHOW TABLES").fetchall()}
    assert tables == {"event", "scored_round", "schema_step"}
    noted = {"slug", "name", "n_objects", "n_answers", "last_used", "source", "notice"}
    assert {f.name for f in fields(About)} == noted
    remade = {"catalogue.duckdb", "matrix", "models", CONFIGURATION_FILE}
    assert {p.name for p in project.folder.iterdir()} == {"answers.duckdb", "project.json", *remade}


def test_another_look_is_kept_soon_and_is_no_event(survey_folder: Path, opened: Open) -> None:
    project = opened(survey_folder)
    session = begin(project)
    BACKGROUND.wait(project)
    n_events = len(project.log.events())
    written = (survey_folder / CONFIGURATION_FILE).read_bytes()
    sky = Sky((Cutout("first", 90.0),))
    change_layout(project, sky=sky)
    other = LabellingSession(project, "Ben")
    assert other.layout.sky == session.layout.sky == sky
    close_project(survey_folder)
    assert (survey_folder / CONFIGURATION_FILE).read_bytes() == written
    again = opened(survey_folder)
    assert layout_of(again).sky == sky
    assert len(again.log.events()) == n_events


def test_a_look_at_the_sky_that_cannot_be_is_made_sound_when_it_is_read(
    project: Project,
) -> None:
    strange = {
        "cutouts": [
            {"service": "sdss", "field_arcsec": 1e9},
            {"service": ""},
            {"service": "hips2fits", "survey": "a\nb"},
            *({"service": f"s{i}"} for i in range(20)),
        ],
        "percent": -3.0,
    }
    sound = Sky((Cutout("sdss", 36_000.0), *(Cutout(f"s{i}") for i in range(7))), percent=50.0)
    head = {"format": FORMAT, "version": 1, "layout": {"sky": strange}}
    assert read_configuration(json.dumps(head).encode()).layout.sky == sound
    (project.folder / LAYOUT_FILE).write_text(json.dumps({"sky": strange}))
    assert layout_of(project).sky == sound


@pytest.mark.parametrize("text", ["", "[]", '{"sky": {"online": false}}', '{"sky": 5}', "[" * 9999])
def test_a_layout_that_cannot_be_read_is_that_of_a_new_project(project: Project, text: str) -> None:
    (project.folder / LAYOUT_FILE).write_text(text)
    assert layout_of(project) == Layout()


def test_a_project_travels_whole(project: Project) -> None:
    session = eventful(project)
    sky = Sky((Cutout("hips2fits", 90.0, "CDS/P/2MASS/color"),), "log", 98.0, True, False)
    look = Layout("red_green", {"QSO": {"correct": False}}, {"Explore": Arrangement()}, sky)
    change_layout(project, **vars(look))
    configuration = record(project, session.moment())
    found = read_back(configuration)
    assert replace(found, events=()) == replace(configuration, events=())
    assert found.layout == look
    assert [replace(e, row_number=None) for e in configuration.events] == list(found.events)
    assert {e.kind for e in found.events} == set(get_args(EventKind))
    assert {e.how for e in found.events} >= {"query", "initial", "click"}
    state = session.state("QSO")
    assert [past.number for past in found.rounds] == list(range(len(state.rounds)))
    assert state.question is not None
    assert found.next["QSO"].object_id == session.object_id(state.question.row)
    assert found.data.fingerprint == project.catalogue.fingerprint
    assert found.versions["scikit-learn"]


def test_no_value_of_a_feature_and_no_row_number_stands_in_it(project: Project) -> None:
    session = eventful(project)
    text = write_configuration(record(project, session.moment()))
    assert "row_number" not in text
    catalogue = project.catalogue
    for row in answered_rows(session.project, "QSO", session.who):
        values = catalogue.values(row, ["g", "G", "r", "z"])
        assert not [v for v in values.values() if v is not None and v != -9999 and repr(v) in text]


def test_without_ids_labels_and_notes_none_of_them_stands_in_it(project: Project) -> None:
    session = eventful(project)
    made = record(project, session.moment())
    text = write_configuration(private(made))
    assert not [e.object_id for e in made.events if e.object_id and e.object_id in text]
    found = read_configuration(text.encode())
    assert (found.events, found.rounds, found.next) == ((), (), {})
    assert found.is_private
    assert found.settings == project.config
    assert "Ada" not in text


def test_without_ids_no_search_that_names_one_stands_in_it_either(project: Project) -> None:
    session = begin(project)
    one = session.object_id(5)
    search = Search((Group((Criterion("name", "==", (one,)),)),))
    curation = replace(session.config.curation, search=search, target=30)
    session.change_settings(replace(session.config, curation=curation))
    made = record(project, session.moment())
    assert one in write_configuration(made)
    text = write_configuration(private(made))
    assert one not in text
    assert read_configuration(text.encode()).settings.curation == Curation(target=30)


def test_a_classifier_that_cannot_be_made_now_keeps_no_configuration_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    make = RoundMaker.make

    def fail(maker: RoundMaker, classifier: str, *args: Any, **options: Any) -> Round:
        if classifier == "STAR":
            raise ContractError("The model of an extension failed.", "Mend it.")
        return make(maker, classifier, *args, **options)

    monkeypatch.setattr(RoundMaker, "make", fail)
    session = LabellingSession(project, "Ada")
    made = record(project, session.moment())
    assert {past.classifier for past in made.rounds} == {"QSO"}
    assert {e.classifier for e in made.events if e.kind == "given"} == {"QSO", "STAR"}


# -- kept beside the project ---------------------------------------------------------------------


def test_each_round_writes_it_whole(project: Project) -> None:
    session = begin(project)
    for _ in range(3):
        answer(session)
        BACKGROUND.wait(project)
        kept = read_configuration(file_bytes(project.folder / CONFIGURATION_FILE))
        assert kept.n_answers == sum(e.kind == "answer" for e in project.log.events())
        assert kept.next["QSO"] == record(project, session.moment()).next["QSO"]
    answer(session, kind="unsure")
    BACKGROUND.wait(project)
    kept = read_configuration(file_bytes(project.folder / CONFIGURATION_FILE))
    assert kept.events[-1].kind == "unsure", "not only once a model was trained"


def test_one_that_cannot_be_written_leaves_the_last_one_and_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    BACKGROUND.wait(project)
    before = (project.folder / CONFIGURATION_FILE).read_bytes()

    write = Path.write_text

    def full(path: Path, *args: Any, **options: Any) -> int:
        if '"saved_at"' in str(args[0]):
            write(path, "half")
            raise OSError(28, "No space left on device")
        return write(path, *args, **options)

    monkeypatch.setattr(Path, "write_text", full)
    answer(session)
    BACKGROUND.wait(project)
    monkeypatch.undo()
    trouble = session.trouble()
    assert trouble is not None
    assert "No space left on device" in trouble.message
    assert (project.folder / CONFIGURATION_FILE).read_bytes() == before
    assert not list(project.folder.glob(".*"))


def test_one_cut_short_while_writing_is_never_under_its_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    BACKGROUND.wait(project)
    before = (project.folder / CONFIGURATION_FILE).read_bytes()
    monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(OSError(5, "gone")))
    session.record_soon()
    BACKGROUND.wait(project)
    monkeypatch.undo()
    assert (project.folder / CONFIGURATION_FILE).read_bytes() == before


def test_a_deleted_project_is_not_written_to(project: Project) -> None:
    session = begin(project)
    delete_project(project.folder)
    session.record_soon()
    BACKGROUND.wait(project)
    assert not project.folder.exists()


# -- files as they come --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file_text(survey_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of an eventful project, made once."""
    folder = Path(shutil.copytree(survey_template, tmp_path_factory.mktemp("made") / "survey"))
    project = open_project(folder)
    text = write_configuration(record(project, eventful(project).moment()))
    close_project(folder)
    return text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_whatever_unicode_a_text_editor_saved_is_read(file_text: str, encoding: str) -> None:
    assert read_configuration(file_text.encode(encoding)) == read_configuration(file_text.encode())


def test_where_a_file_lay_elsewhere_is_no_path_here() -> None:
    for source in ("../../etc/passwd", "C:\\data\\passwd", "/etc/passwd"):
        configuration = Configuration()
        text = write_configuration(configuration).replace(
            '"source": ""', f'"source": {json.dumps(source)}'
        )
        assert read_configuration(text.encode()).data.source == "passwd"


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(strict_json.MAX_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    with pytest.raises(ConfigurationError, match="are read at most"):
        file_bytes(path)
