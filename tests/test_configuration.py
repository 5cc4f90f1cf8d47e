"""Configurations: everything that makes a project in one file, and one sentence for a bad one."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import duckdb
import pytest
from conftest import answer, begin, known, survey_config
from test_config import EVERYTHING

from al_engine.background import BACKGROUND
from al_engine.config import ProjectConfig
from al_engine.data.labels import Event, EventKind
from al_engine.data.splits import VALIDATION
from al_engine.errors import AlEngineError, ConfigurationError
from al_engine.exchange import strict_json
from al_engine.exchange.configuration import (
    Configuration,
    Layout,
    private,
    read_configuration,
    write_configuration,
)
from al_engine.exchange.strict_json import file_bytes
from al_engine.home import About
from al_engine.project import Project, close_project, delete_project, open_project
from al_engine.recording import CONFIGURATION_FILE, record
from al_engine.session import LabellingSession

NOW = datetime(2026, 11, 21, 12, 0, 0, 5)


def eventful(project: Project) -> LabellingSession:
    """A session in which everything happened that can: six kinds, four ways to come up."""
    session = begin(project)
    for kind in ("answer", "unsure", "later", "answer", "answer"):
        answer(session, kind=kind)
    session.undo("QSO", token=session.state("QSO").token)
    answer(session, row=next(known(session, VALIDATION)))
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
    first = Event("unsure", object_id="x", classifier="some classifier", seq=1)
    event = Event(**{f.name: other_than_default(f) for f in fields(Event) if f.name != "who"})
    silent = [f.name for f in fields(Event) if f.name != "who" and getattr(event, f.name) is None]
    assert silent == []
    settings = replace(ProjectConfig(), labels=replace(survey_config()).labels)
    event = replace(event, label="QSO", who="Ada")
    found = read_back(Configuration(settings, events=(first, event)))
    assert found.events == (first, replace(event, row_number=None))


def test_events_of_every_kind_travel_whatever_part_they_are_of(project: Project) -> None:
    assert get_origin(EventKind) is Literal
    events = []
    for kind in get_args(EventKind):
        undoes = {"undo": 1}.get(kind)
        payload = survey_config().to_dict() if kind == "settings" else {"drawn": ["g > 1"]}
        events.append(
            Event(kind, "Ada", None, None, "J001", None, "audit", "curated", payload=payload)
        )
        events[-1] = replace(events[-1], seq=len(events), undoes=undoes)
        if kind in ("given", "answer"):
            events[-1] = replace(events[-1], label="QSO")
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


def test_a_project_travels_whole(project: Project) -> None:
    session = eventful(project)
    session.layout = Layout("red_green", {"QSO": {"correct": False}})
    configuration = record(project, session.moment())
    found = read_back(configuration)
    assert replace(found, events=()) == replace(configuration, events=())
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
    for row in session.answered_rows("QSO"):
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
    session._record_soon()
    BACKGROUND.wait(project)
    monkeypatch.undo()
    assert (project.folder / CONFIGURATION_FILE).read_bytes() == before


def test_a_deleted_project_is_not_written_to(project: Project) -> None:
    session = begin(project)
    delete_project(project.folder)
    session._record_soon()
    BACKGROUND.wait(project)
    assert not project.folder.exists()


# -- what was edited by hand, or is something else -----------------------------------------------

Edit = Callable[[dict[str, Any]], Any]


def at(*path: Any, to: Any) -> Edit:
    def edit(file: dict[str, Any]) -> None:
        held: Any = file
        for step in path[:-1]:
            held = held[step]
        held[path[-1]] = to

    return edit


def lose(*path: Any) -> Edit:
    def edit(file: dict[str, Any]) -> None:
        held: Any = file
        for step in path[:-1]:
            held = held[step]
        del held[path[-1]]

    return edit


EDITED: dict[str, tuple[Edit, str]] = {
    "another format": (at("format", to="Sextant model"), "neither"),
    "no format": (lose("format"), "neither"),
    "a newer version": (at("version", to=2), "version 2"),
    "a version that is text": (at("version", to="1"), "version is '1'"),
    "an unknown key": (at("colour", to="red"), "'colour' is not a setting"),
    "an unknown setting": (at("settings", "speed", to=3), "'speed' is not a setting"),
    "settings that are a list": (at("settings", to=[]), "settings is []"),
    "an author that is a number": (at("author", to=7), "settings.author is 7"),
    "a share that is text": (at("settings", "splits", "train", to="all"), "splits.train is 'all'"),
    "shares beyond all": (at("settings", "splits", "train", to=90), "add up to 130%"),
    "a huge seed": (at("settings", "splits", "seed", to=10**30), "31 digits"),
    "a number of 5000 digits": (at("data", "n_rows", to="HUGE"), "thousands of digits"),
    "a number beyond doubles": (at("data", "n_rows", to="1e999"), "1e999 is too large"),
    "a part of a row": (at("data", "n_rows", to=0.5), "data.n_rows is 0.5"),
    "not a number": (at("settings", "splits", "train", to=float("nan")), "NaN is no number"),
    "infinity": (at("rounds", 0, "scores", to=float("inf")), "Infinity is no number"),
    "deep nesting": (at("events", 0, "payload", to="DEEP"), "40 levels"),
    "a colour that is code": (
        at("settings", "labels", 0, "colour", to="red;background:url(//x)"), "Write it as #rrggbb"
    ),
    "a colour scheme": (at("layout", "colours", to="pink"), "layout.colours is 'pink'"),
    "an event of no kind": (at("events", 3, "kind", to="delete"), "events[3].kind is 'delete'"),
    "an event without a kind": (lose("events", 3, "kind"), "'kind' is missing"),
    "an event that is text": (at("events", 3, to="QSO"), "events[3] is 'QSO'"),
    "a label there is not": (at("events", 3, "label", to="QS0"), "events[3].label is 'QS0'"),
    "an answer without a label": (lose("events", 3, "label"), "events[3].label is missing"),
    "an answer without an object": (lose("events", 3, "object_id"), "object_id is missing"),
    "an id that is a number": (at("events", 3, "object_id", to=7), "events[3].object_id is 7"),
    "an event twice": (at("events", 3, "seq", to=3), "events[3].seq is 3 after 3"),
    "an undo of what comes": (at("events", -2, "undoes", to=99), "undoes is 99"),
    "a time that is none": (at("events", 3, "happened_at", to="noon"), "happened_at is 'noon'"),
    "former settings": (
        at("events", 0, "payload", to={"splits": {"train": -1}}), "events[0].payload"
    ),
    "half a letter": (at("events", 3, "who", to="\ud800"), "events[3].who holds characters"),
    "a zero byte": (at("events", 3, "object_id", to="J\x00"), "object_id holds characters"),
    "events that are one": (at("events", to={"kind": "answer"}), "events is {"),
    "a model there is not": (at("settings", "setups", to={"QSO": {"members": []}}), "no model"),
}  # fmt: skip


@pytest.fixture(scope="module")
def file_text(survey_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of an eventful project, made once."""
    folder = Path(shutil.copytree(survey_template, tmp_path_factory.mktemp("made") / "survey"))
    project = open_project(folder)
    text = write_configuration(record(project, eventful(project).moment()))
    close_project(folder)
    return text


@pytest.mark.parametrize("name", EDITED)
def test_a_file_edited_wrongly_gets_one_sentence_that_names_the_key(
    file_text: str, name: str
) -> None:
    edit, said = EDITED[name]
    file = json.loads(file_text)
    edit(file)
    text = json.dumps(file)
    text = text.replace('"HUGE"', "9" * 5000).replace('"1e999"', "1e999")
    text = text.replace('"DEEP"', "[" * 60 + "]" * 60)
    with pytest.raises(AlEngineError) as caught:
        read_configuration(text.encode())
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda whole: b"", "no whole JSON"),
    "cut short": (lambda whole: whole[: len(whole) // 2], "no whole JSON: line"),
    "Latin-1": (lambda whole: whole.replace(b'"author": ""', b'"author": "\xe9"'), "UTF-8"),
    "a list": (lambda whole: b"[1, 2]", "neither"),
    "a pickle": (lambda whole: b"\x80\x04\x95cos\nsystem\n(S'x'\ntR.", "UTF-8"),
    "a web page": (lambda whole: b"<html>no</html>", "no whole JSON: line 1, column 1"),
    "one key twice": (lambda whole: b'{"format": 1, "format": 2}', "'format' stands twice"),
    "100,000 brackets": (lambda whole: b"[" * 100_000, "40 levels"),
    "65 MB": (lambda whole: b" " * 65_000_000, "64 MB are read at most"),
    "only a number": (lambda whole: b"7", "neither"),
}


@pytest.mark.parametrize("name", BYTES)
def test_what_is_no_configuration_gets_one_sentence(file_text: str, name: str) -> None:
    make, said = BYTES[name]
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_configuration(make(file_text.encode()))
    assert "\n" not in str(caught.value)


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


@pytest.mark.parametrize(
    ("name", "said"), [("", "is a folder"), ("x.json", "is not there"), ("a\x00b", "is not there")]
)
def test_a_path_without_a_file_gets_one_sentence(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        file_bytes(tmp_path / name)


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(strict_json.MAX_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    with pytest.raises(ConfigurationError, match="are read at most"):
        file_bytes(path)
