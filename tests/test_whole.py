"""A whole project as one file: what comes back, and what a stranger's file may not do."""

import io
import json
import stat
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import (
    N_ROWS,
    answer,
    begin,
    make_table,
    survey_values,
)
from PIL import Image

from al_engine.data import catalogue as catalogue_module
from al_engine.data.labels import Event
from al_engine.data.selections import list_selections, load_selection, save_selection
from al_engine.errors import AlEngineError, SettingsError, UnreadableFileError, WorkCancelled
from al_engine.exchange import whole as whole_writing
from al_engine.exchange import whole_reading
from al_engine.exchange.configuration import Layout
from al_engine.exchange.said import Said
from al_engine.exchange.whole import MEMBERS, _event_fields, is_whole, lets_in
from al_engine.exchange.whole_reading import read_whole
from al_engine.lookahead import LOOKAHEAD
from al_engine.loop.recording import change_layout, layout_of
from al_engine.projects.creating import create_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig
from al_engine.settings.panels import Arrangement, Panel
from al_engine.settings.sky import Cutout, Sky
from al_engine.sharing.packing import begin_packing, pack, packed
from al_engine.simulating import process
from al_engine.simulating.folder import appending
from al_engine.simulating.kept import Simulations, simulations_of
from al_engine.simulating.material import load_material
from al_engine.simulating.performing import perform, settled
from al_engine.simulating.settings import PlannedMember, PlannedModel, SimulationPlan
from al_engine.starting import import_file, list_tables

Open = Callable[[Path], Project]


@pytest.fixture
def worked_on(project: Project) -> LabellingSession:
    """The small project with every kind of event in its log, and a picture."""
    session = begin(project)
    for kind in ("answer", "answer", "unsure", "later", "answer"):
        answer(session, kind=kind)
    session.undo("QSO", token=session.state("QSO").token)
    answer(session, row=150)
    begin(project, "STAR", initial_labels="ask")
    answer(session, "STAR")
    picture = project.folder / "images" / "deep" / "J1 10:20.png"
    picture.parent.mkdir(parents=True)
    Image.new("L", (3, 3), 90).save(picture)
    return session


@pytest.fixture
def whole(worked_on: LabellingSession) -> Path:
    """That project as one file."""
    return pack(worked_on.project)


# -- what comes back -------------------------------------------------------------------------------


def test_the_file_holds_parquet_json_and_pictures_and_nothing_that_could_run(whole: Path) -> None:
    with zipfile.ZipFile(whole) as archive:
        assert sorted(archive.namelist()) == sorted([*MEMBERS, "images/deep/J1 10:20.png"])
        table = pq.read_table(io.BytesIO(archive.read("catalogue.parquet")))
        assert table.column_names == list(survey_values())
        for name in ("events.jsonl", "rounds.jsonl"):
            assert all(json.loads(line) for line in archive.read(name).splitlines())
        about = json.loads(archive.read("project.json"))
    assert about["versions"]["scikit-learn"]
    assert about["n_rows"] == N_ROWS


def test_a_project_opened_from_its_file_is_the_same_to_the_next_question(
    worked_on: LabellingSession, whole: Path, tmp_path: Path, opened: Open
) -> None:
    folder, imported = import_file(tmp_path / "elsewhere", whole)
    project = opened(folder)
    assert imported.n_rows == N_ROWS
    assert not list(folder.glob("models/*"))
    session = LabellingSession(project, "Ada")
    session.restore_models()
    original = worked_on.project
    assert project.catalogue.fingerprint == original.catalogue.fingerprint
    assert project.catalogue.columns == original.catalogue.columns
    assert project.config == original.config
    assert project.log.events() == original.log.events()
    assert project.log.kept_rounds() == original.log.kept_rounds()
    assert (project.about.name, project.about.n_answers) == ("Survey", original.about.n_answers)
    for classifier in ("QSO", "STAR"):
        before, after = worked_on.state(classifier), session.state(classifier)
        assert after.question == before.question
        assert after.token == before.token
        assert (after.history, after.rounds, after.scores) == (
            before.history, before.rounds, before.scores,
        )  # fmt: skip
        if before.fit is not None and after.fit is not None:
            np.testing.assert_array_equal(after.fit.proba, before.fit.proba)
            assert session._saved.is_current(after)
    assert (folder / "images" / "deep" / "J1 10:20.png").is_file()
    assert answer(session).question == answer(worked_on).question


def test_selections_layout_and_fits_files_travel(
    worked_on: LabellingSession, tmp_path: Path, opened: Open
) -> None:
    project = worked_on.project
    save_selection(project.folder, "the wedge", np.array([2, 3, 5]), "on g over r")
    save_selection(project.folder, "nothing", np.array([], dtype=np.intp), "by hand")
    panels = {"Explore": Arrangement(((Panel("histogram"),),), (3,))}
    look = Layout("red_green", panels=panels, sky=Sky((Cutout("first", 90.0),), inverted=True))
    change_layout(project, **vars(look))
    project.switch_network(False)
    (project.folder / "images" / "spectrum.fits").write_bytes(b"SIMPLE")
    folder, _ = import_file(tmp_path / "elsewhere", pack(project))
    again = opened(folder)
    told = [(each.name, each.n, each.how) for each in list_selections(folder)]
    assert told == [("nothing", 0, "by hand"), ("the wedge", 3, "on g over r")]
    assert load_selection(folder, "the wedge", N_ROWS).tolist() == [2, 3, 5]
    assert layout_of(again) == look
    assert again.is_online, "what this machine may ask is no part of what travels"
    assert (folder / "images" / "spectrum.fits").is_file()


# -- simulations -----------------------------------------------------------------------------------

SIMULATED = SimulationPlan(
    (PlannedModel((PlannedMember("naive_bayes"),)),), ("margin",), budget=20, n_seeds=2,
    positive="QSO",
)  # fmt: skip


@pytest.fixture
def simulated(worked_on: LabellingSession, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same project with a finished simulation, and one that was stopped."""
    monkeypatch.setattr(Simulations, "_start", lambda self, folder: process._run(folder))
    project = worked_on.project
    simulations_of(project).begin(project, SIMULATED, "Finished")
    monkeypatch.setattr(Simulations, "_start", lambda self, folder: None)
    key = simulations_of(project).begin(project, SIMULATED, "Stopped")
    first = next(perform(*settled(SIMULATED, load_material(project.folder / "simulations" / key))))
    with appending(project.folder / "simulations" / key) as append:
        append(first)
    return project


def test_simulations_travel_with_their_rounds_and_without_what_they_run_on(
    simulated: Project, tmp_path: Path, opened: Open
) -> None:
    folder, _ = import_file(tmp_path / "elsewhere", pack(simulated))
    before, after = simulations_of(simulated), simulations_of(opened(folder))
    assert [(k.key, k.name, k.state, k.n_done) for k in after.kept()] == [
        (k.key, k.name, k.state, k.n_done) for k in before.kept()
    ]
    stopped, finished = after.kept()
    assert after.result(finished.key) == before.result(finished.key)
    assert after.finished(stopped.key) == before.finished(stopped.key)
    assert not stopped.can_go_on
    with pytest.raises(AlEngineError, match="was run on is not here"):
        after.resume(stopped.key)
    there = {path.name for path in (folder / "simulations").rglob("*") if path.is_file()}
    assert there == {"plan.json", "about.json", "rows.npy", "rounds.jsonl", "finished.json"}


def test_one_that_cannot_be_read_stays_behind(simulated: Project, tmp_path: Path) -> None:
    stopped = simulations_of(simulated).kept()[0].key
    (simulated.folder / "simulations" / stopped / "plan.json").write_text("{")
    folder, _ = import_file(tmp_path / "elsewhere", pack(simulated))
    assert len(list((folder / "simulations").iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda head: head | {"simulation": "../../20260101-000000-aaaaaa"}, "a time and six"),
        (lambda head: head | {"plan.json": []}, "an object of names"),
        (lambda head: head | {"plan.json": head["plan.json"] | {"made": "now"}}, "a moment"),
        *(
            (
                lambda head, made=made: head | {"plan.json": head["plan.json"] | {"made": made}},
                "a moment",
            )
            for made in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-14:00")
        ),
        *(
            (
                lambda head, n=n: (
                    head | {"about.json": {"classes": ["QSO", "STAR"], "about": {"n_objects": n}}}
                ),
                "n_objects is",
            )
            for n in (10**400, N_ROWS + 1, -1000, "many", None, True)
        ),
        (lambda head: head | {"about.json": {"classes": [1], "about": {}}}, "a list of texts"),
        (lambda head: head | {"finished.json": "yes"}, "an object of names"),
        (lambda head: {"rows": [1]}, "must be text"),
    ],
)
def test_a_simulation_that_says_what_it_must_not_is_refused(
    simulated: Project, tmp_path: Path, change: Callable[[dict[str, Any]], Any], told: str
) -> None:
    def rewrite(members: dict[str, bytes]) -> None:
        first, *others = members["simulations.jsonl"].splitlines()
        lines = [json.dumps(change(json.loads(first))).encode(), *others]
        members["simulations.jsonl"] = b"\n".join(lines) + b"\n"

    path = rewritten(pack(simulated), tmp_path, rewrite)
    with pytest.raises(UnreadableFileError, match=told):
        import_file(tmp_path / "elsewhere", path)
    assert not list(tmp_path.glob("elsewhere/*"))


@pytest.mark.parametrize("rows", [[3, 3], [-1, 2], [N_ROWS], ["1"], [1.5], [True], []])
def test_rows_of_a_simulation_are_those_of_the_catalogue(
    simulated: Project, tmp_path: Path, rows: list[Any]
) -> None:
    def rewrite(members: dict[str, bytes]) -> None:
        lines = [json.loads(line) for line in members["simulations.jsonl"].splitlines()]
        lines[1] = {"rows": rows}
        members["simulations.jsonl"] = b"".join(json.dumps(x).encode() + b"\n" for x in lines)

    path = rewritten(pack(simulated), tmp_path, rewrite)
    with pytest.raises(UnreadableFileError, match=r"in simulations\.jsonl, line 2, rows"):
        import_file(tmp_path / "elsewhere", path)


@pytest.mark.parametrize(
    "change",
    [
        {"queried": [10**6]},
        {"queried": [-1]},
        {"number": 3},
        {"n_labelled": 0},
        {"n_labelled": N_ROWS + 1},
        {"n_labelled": 10**400},
        {"tested": {"cells": [[0, 9, 1]]}},
        {"tested": {"cells": [[0, 1]]}},
        {"tested": None},
    ],
)
def test_rounds_that_are_none_of_the_plan_are_a_sentence_where_they_are_looked_at(
    simulated: Project, tmp_path: Path, opened: Open, change: dict[str, Any]
) -> None:
    def rewrite(members: dict[str, bytes]) -> None:
        lines = [json.loads(line) for line in members["simulations.jsonl"].splitlines()]
        rounds = (line["round"]["round"] for line in lines if "round" in line)
        for last in (found for found in rounds if found["is_last"]):
            last |= change
        members["simulations.jsonl"] = b"".join(json.dumps(x).encode() + b"\n" for x in lines)

    folder, _ = import_file(tmp_path / "elsewhere", rewritten(pack(simulated), tmp_path, rewrite))
    kept = simulations_of(opened(folder))
    with pytest.raises(AlEngineError, match="rounds of the simulation are damaged"):
        kept.numbers(kept.kept()[1].key)


def test_a_selection_of_more_rows_than_a_line_holds_comes_back(
    worked_on: LabellingSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_writing, "ROWS_A_LINE", 7)
    rows = np.arange(0, N_ROWS, 3)
    save_selection(worked_on.project.folder, "every third", rows, "by hand")
    folder, _ = import_file(tmp_path / "elsewhere", pack(worked_on.project))
    assert load_selection(folder, "every third", N_ROWS).tolist() == rows.tolist()


def test_a_second_opening_is_a_project_of_its_own(whole: Path, tmp_path: Path) -> None:
    folders = [import_file(tmp_path / "elsewhere", whole)[0].name for _ in range(2)]
    assert folders == ["survey", "survey-2"]
    assert sorted(each.name for each in (tmp_path / "elsewhere").iterdir()) == folders


def test_every_type_a_catalogue_has_comes_back_with_unit_and_fingerprint(
    tmp_path: Path, opened: Open
) -> None:
    when = [datetime(2020, 1, 2, 3, 4, 5, 678901), None, datetime(1900, 1, 1)]
    values = {
        "a.b": pa.array([1, None, -(2**31)], pa.int32()),
        "A.B": pa.array([0, 2**64 - 1, None], pa.uint64()),
        'odd "name"': pa.array(["a\u00e9\0b", "", None]),
        "flag": pa.array([True, None, False]),
        "half": pa.array([1.5, float("inf"), None], pa.float32()),
        "day": pa.array([date(2020, 2, 29), None, date(1969, 12, 31)]),
        "seconds": pa.array([when[0].replace(microsecond=0), None, when[2]], pa.timestamp("s")),
        "nanos": pa.array([1_600_000_000_123_456_789, None, 1], pa.timestamp("ns")),
        "zoned": pa.array([1_600_000_000_123_456_789, None, 7], pa.timestamp("ns", "UTC")),
        "micros": pa.array(when, pa.timestamp("us")),
        "nothing": pa.array([None] * 3, pa.string()),
    }
    table = make_table(values, units={"half": "mag", "A.B": "µJy"}, batch_rows=2)
    folder, _ = create_project(tmp_path / "home", "Types", table, ProjectConfig())
    original = opened(folder)
    copy = opened(import_file(tmp_path / "elsewhere", pack(original))[0])
    assert copy.catalogue.fingerprint == original.catalogue.fingerprint
    assert copy.catalogue.columns == original.catalogue.columns
    for row in range(3):
        names = original.catalogue.names()
        assert copy.catalogue.values(row, names) == original.catalogue.values(row, names)
    again = opened(import_file(tmp_path / "third", pack(copy))[0])
    assert again.catalogue.fingerprint == original.catalogue.fingerprint


def test_rows_are_streamed_a_slice_at_a_time_both_ways(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_module, "ROWS_AT_ONCE", 2048)
    n = 600_000
    values = {"x": pa.array(np.random.default_rng(1).random(n)), "t": pa.array(["word"] * n)}
    table = make_table(values, batch_rows=65_536)
    folder, _ = create_project(tmp_path / "home", "Long", table, ProjectConfig())
    project = opened(folder)
    assert {batch.num_rows for batch in project.catalogue.rows()} == {2048, n % 2048}
    heard: list[tuple[int, int | None]] = []
    path = pack(project, lambda n_rows, of: heard.append((n_rows, of)))
    assert heard[0] == (2048, n)
    assert heard[-1] == (n, n)
    (work := tmp_path / "work").mkdir()
    whole = read_whole(path, work, 10**9)
    held = [pa.total_allocated_bytes() for _ in whole.table.batches()]
    assert len(held) > 200
    assert max(held) - min(held) < 2_000_000  # all values together have 9.6 MB


def test_a_cancelled_file_leaves_the_one_before_and_nothing_half_written(
    worked_on: LabellingSession, whole: Path
) -> None:
    before = whole.read_bytes()
    with pytest.raises(WorkCancelled):
        pack(worked_on.project, cancelled=lambda: True)
    assert whole.read_bytes() == before
    assert [each.name for each in whole.parent.iterdir()] == [whole.name]


def test_a_full_disk_costs_a_sentence_and_leaves_nothing(
    worked_on: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("al_engine.exchange.whole._deflated", full)
    with pytest.raises(AlEngineError, match="No space left"):
        pack(worked_on.project)
    assert list((worked_on.project.folder / "whole").iterdir()) == []


def test_what_was_answered_since_the_file_was_written_is_counted(
    worked_on: LabellingSession, whole: Path
) -> None:
    found = packed(worked_on.project)
    assert found is not None
    assert (found.path, found.n_newer) == (whole, 0)
    answer(worked_on)
    found = packed(worked_on.project)
    assert found is not None
    assert found.n_newer == 1


def test_two_files_of_one_project_are_never_alike(worked_on: LabellingSession) -> None:
    # A server may name a download by its contents: nobody is to guess that name.
    first = pack(worked_on.project).read_bytes()
    assert pack(worked_on.project).read_bytes() != first


def test_a_job_packs_beside_the_page(worked_on: LabellingSession) -> None:
    job = begin_packing(worked_on.project)
    job.wait(60)
    assert is_whole(job.result())
    assert (job.n_done, job.of) == (N_ROWS, N_ROWS)


def test_columns_cannot_be_chosen_for_a_whole_project(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="whole project"):
        import_file(tmp_path / "elsewhere", whole, id_column="g")


# -- what a stranger's file may not do -------------------------------------------------------------


def rewritten(
    whole: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], name: str = "x.zip"
) -> Path:
    """The file again with other contents of its members."""
    with zipfile.ZipFile(whole) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    change(members)
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    return path


def about(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["project.json"] = json.dumps(
            {**json.loads(members["project.json"]), **changes}
        ).encode()

    return change


def event(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    """Change the last event."""

    def change(members: dict[str, bytes]) -> None:
        lines = members["events.jsonl"].splitlines()
        lines[-1] = json.dumps({**json.loads(lines[-1]), **changes}).encode()
        members["events.jsonl"] = b"\n".join(lines)

    return change


def settings(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    """Change the settings in force."""

    def change(members: dict[str, bytes]) -> None:
        events = [json.loads(line) for line in members["events.jsonl"].splitlines()]
        last = [each for each in events if each["kind"] == "settings"][-1]
        last["payload"].update(changes)
        members["events.jsonl"] = b"\n".join(json.dumps(each).encode() for each in events)

    return change


def scores(found: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        lines = members["rounds.jsonl"].splitlines()
        kept = json.loads(lines[0])
        kept["scores"] = found(kept["scores"])
        members["rounds.jsonl"] = b"\n".join([json.dumps(kept).encode(), *lines[1:]])

    return change


def parquet(make: Callable[[pa.Table], pa.Table]) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        table = make(pq.read_table(io.BytesIO(members["catalogue.parquet"])))
        file = io.BytesIO()
        pq.write_table(table, file)
        members["catalogue.parquet"] = file.getvalue()

    return change


def selected(name: str = "the wedge", rows: Sequence[int] = (3,)) -> bytes:
    """The line of a selection."""
    return json.dumps({"name": name, "how": "on g over r", "rows": list(rows)}).encode()


def selection(**said: Any) -> Callable[[dict[str, bytes]], None]:
    return put("selections.jsonl", selected(**said))


def put(name: str, content: bytes = b"x") -> Callable[[dict[str, bytes]], None]:
    return lambda members: members.update({name: content})


def swapped(table: pa.Table) -> pa.Table:
    return table.take([1, 0, *range(2, table.num_rows)])


def not_a_number(scores: dict[str, Any]) -> dict[str, Any]:
    scores["training"]["f1"]["value"] = "0.9"
    return scores


HOSTILE = {
    "a path that leads out": (put("images/../../evil.png"), "no part of a project"),
    "an absolute path": (put("/etc/passwd.png"), "no part of a project"),
    "backslashes": (put("images/..\\..\\evil.png"), "no part of a project"),
    "a model": (put("models/QSO.joblib"), "no part of a project"),
    "a database": (put("catalogue.duckdb"), "no part of a project"),
    "a script among the pictures": (put("images/run.sh"), "no part of a project"),
    "a hidden end of line": (put("images/a\nb.png"), "no part of a project"),
    "a file that is a folder too": (
        lambda m: m.update({"images/a.png": b"x", "images/a.png/b.png": b"x"}),
        "'images/a.png' as a file and as a folder",
    ),
    "a missing member": (lambda members: members.pop("events.jsonl"), "no 'events.jsonl'"),
    "another format": (about(format="Other"), "must be 'Sextant project'"),
    "a newer version": (about(version=2), "newer Sextant"),
    "text for a number": (about(n_rows="300"), "n_rows is '300'"),
    "too many rows": (about(n_rows=2**40), "whole number"),
    "other rows than there are": (about(n_rows=299), "number of rows of"),
    "a huge number": (about(n_rows=int("9" * 400)), "whole number"),
    "no list of columns": (about(columns="g"), "list of columns"),
    "a column less": (lambda m: about(columns=[])(m), "must be those of"),
    "another checksum": (about(checksum="0" * 32), "not those that were written"),
    "half a character": (about(name="\ud800"), "must be text"),
    "no JSON": (put("project.json", b"{"), "damaged 'project.json'"),
    "bottomless JSON": (put("project.json", b"[" * 100_000), "damaged 'project.json'"),
    "a list for an object": (put("project.json", b"[]"), "no object"),
    "UTF-16": (put("project.json", '{"format": 1}'.encode("utf-16")), "damaged 'project.json'"),
    "an event that is none": (put("events.jsonl", b"7\n"), "line 1"),
    "an unknown kind of event": (event(kind="hack"), "must be one of"),
    "an unknown field": (event(evil=1), "evil is 1"),
    "a row outside": (event(row_number=300), "one of the 300 rows"),
    "a row before the first": (event(row_number=-1), "one of the 300 rows"),
    "a number that goes back": (event(seq=1), "must grow"),
    "NaN": (event(probability=float("nan")), "must be a number"),
    "no moment": (event(happened_at="soon"), "moment in UTC"),
    "a moment elsewhere": (event(happened_at="2020-01-01T00:00:00+05:00"), "moment in UTC"),
    "an act that is none": (event(kind="answer", payload={"together": [1]}), "'together' must be"),
    "a list for settings": (event(payload=[1]), "object of names"),
    "a column that is not there": (settings(features={"base": ["none"]}), "'none' is not in"),
    "an unknown setting": (settings(evil=1), "'evil' is not a setting"),
    "scores that are text": (scores(not_a_number), "what stands as scores"),
    "scores that are none": (scores(lambda found: {}), "what stands as scores"),
    "a selection of rows outside": (selection(rows=[3, 300]), "of the 300 rows"),
    "a selection that goes back": (selection(rows=[3, 2]), "must grow"),
    "a selection of too much": (selection(rows=list(range(100_001))), "up to 100,000"),
    "a selection of no name": (selection(name=" "), "1 to 80 letters"),
    "two selections of a name": (
        put("selections.jsonl", b"\n".join(map(selected, ("a", "b", "a")))), "of one selection",
    ),
    "no Parquet": (put("catalogue.parquet", b"PAR1 and nothing more"), "damaged"),
    "rows in another order": (parquet(swapped), "not those that were written"),
    "a row less": (parquet(lambda table: table.slice(1)), "number of rows of"),
    "a column of lists": (
        parquet(lambda t: t.set_column(0, "name", pa.array([[1]] * t.num_rows))), "type list",
    ),
    "a column of bytes": (
        parquet(lambda t: t.set_column(0, "name", pa.array([b"\xff"] * t.num_rows))), "binary",
    ),
    "another name of a column": (
        parquet(lambda t: t.rename_columns([*t.column_names[:-1], "g"])), "name of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_malformed_file_costs_one_sentence_and_leaves_nothing(
    whole: Path, tmp_path: Path, what: str
) -> None:
    change, said = HOSTILE[what]
    refused(rewritten(whole, tmp_path, change), tmp_path, said)


def refused(path: Path, tmp_path: Path, said: str) -> None:
    home = tmp_path / "stranger" / "home"
    assert is_whole(path)
    with pytest.raises(AlEngineError) as caught:
        import_file(home, path)
    message = str(caught.value)
    assert said in message
    assert "Traceback" not in message
    assert "\n" not in message
    assert len(message) < 400
    assert not (tmp_path / "stranger").exists()
    assert not list(tmp_path.rglob("evil*"))


def rezipped(whole: Path, path: Path, *more: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w") as out:
        for each in archive.infolist():
            out.writestr(each, archive.read(each))
        for info, content in more:
            out.writestr(info, content)
    return path


def test_a_link_is_refused(whole: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("images/evil.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    refused(rezipped(whole, tmp_path / "x.zip", (link, b"/etc/passwd")), tmp_path, "a link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(whole: Path, tmp_path: Path) -> None:
    twice = zipfile.ZipInfo("events.jsonl")
    refused(rezipped(whole, tmp_path / "x.zip", (twice, b"")), tmp_path, "'events.jsonl' twice")


def test_an_encrypted_member_is_refused(whole: Path, tmp_path: Path) -> None:
    content = bytearray(whole.read_bytes())
    # The flags of the first member, in its own header and in the directory.
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + at] |= 1
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    refused(path, tmp_path, "encrypted")


@pytest.mark.parametrize("share", [0.0005, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_said_to_be_damaged(whole: Path, tmp_path: Path, share: float) -> None:
    path, content = tmp_path / "x.zip", whole.read_bytes()
    path.write_bytes(content[: max(60, int(share * len(content)))])
    refused(path, tmp_path, "damaged")


def test_flipped_bytes_never_pass_for_the_project(whole: Path, tmp_path: Path) -> None:
    content, rng = whole.read_bytes(), np.random.default_rng(3)
    for i, at in enumerate(rng.integers(60, len(content), 25)):
        flipped = bytearray(content)
        flipped[at] ^= 0xFF
        path = tmp_path / "x.zip"
        path.write_bytes(flipped)
        home = tmp_path / f"home-{i}"
        try:
            import_file(home, path)
        except AlEngineError:
            assert not home.exists()


def test_what_declares_too_much_is_refused_before_it_is_unpacked(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("al_engine.starting.most_unpacked_bytes", lambda: 1_000_000)
    bomb = rewritten(whole, tmp_path, put("images/evil.png", bytes(50_000_000)))
    assert bomb.stat().st_size < 200_000
    refused(bomb, tmp_path, "more than the 1 MB")


def countless_lines(members: dict[str, bytes]) -> None:
    last = json.loads(members["events.jsonl"].splitlines()[-1])
    later = {name: last[name] for name in ("happened_at",)} | {"kind": "later"}
    members["events.jsonl"] += b"\n" * (members["events.jsonl"][-1:] != b"\n") + b"".join(
        json.dumps({**later, "seq": last["seq"] + i}).encode() + b"\n" for i in range(1, 50)
    )


def test_more_events_than_anybody_gives_are_refused(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = rewritten(whole, tmp_path, countless_lines)
    import_file(tmp_path / "elsewhere", file)
    monkeypatch.setattr(whole_reading, "EVENTS_PER_ROW", 0)
    monkeypatch.setattr(whole_reading, "EVENTS_BESIDE", 30)
    refused(file, tmp_path, "'events.jsonl' of more than 30 lines")


def test_the_reading_of_events_can_be_cancelled(whole: Path, tmp_path: Path) -> None:
    (work := tmp_path / "work").mkdir()
    asked = 0

    def in_the_midst() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(WorkCancelled):
        read_whole(whole, work, 10**9, in_the_midst)
    assert list(work.iterdir()) == []


def test_the_look_ahead_goes_on_while_a_stranger_s_file_is_read(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = []

    def heard(*of_the_file: Any) -> Any:
        paused.append(LOOKAHEAD._n_pauses)
        return read_whole(*of_the_file)

    monkeypatch.setattr("al_engine.starting.read_whole", heard)
    import_file(tmp_path / "elsewhere", whole)
    assert paused == [0]


def test_a_directory_that_lies_about_sizes_is_found_out(whole: Path, tmp_path: Path) -> None:
    bomb = rewritten(whole, tmp_path, put("images/evil.png", bytes(5_000_000)))
    content = bomb.read_bytes()
    size = (5_000_000).to_bytes(4, "little")
    assert content.count(size) == 2
    bomb.write_bytes(content.replace(size, (500).to_bytes(4, "little")))
    refused(bomb, tmp_path, "damaged")


def test_values_that_unpack_to_too_much_are_refused_while_they_are_read(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = parquet(lambda t: t.set_column(0, "name", pa.array(["x" * 100_000] * t.num_rows)))
    bomb = rewritten(whole, tmp_path, long)
    assert bomb.stat().st_size < 100_000
    monkeypatch.setattr("al_engine.starting.most_unpacked_bytes", lambda: 2_000_000)
    refused(bomb, tmp_path, "more than the 2 MB")


def test_a_directory_of_countless_members_is_not_read(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("al_engine.exchange.archive.MAX_DIRECTORY_BYTES", 20)
    with pytest.raises(UnreadableFileError, match="far more files"):
        import_file(tmp_path / "stranger", whole)


def test_another_zip_is_no_project(tmp_path: Path) -> None:
    path = tmp_path / "holiday.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.png", b"x")
    assert not is_whole(path)
    with pytest.raises(UnreadableFileError, match="ZIP archive"):
        list_tables(tmp_path, path)


@pytest.mark.parametrize(
    "name",
    ["images/a.png", "images/deep/b c.JPG", "images/J1 10:20.webp", "images/é.gif", *MEMBERS],
)
def test_what_belongs_to_a_project_is_let_in(name: str) -> None:
    assert lets_in(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "images/", "images/a", "images//a.png", "images/./a.png", "images/.. /a.png",
        "images/.../a.png", "images", "a.png", "Images/a.png", "images/a.png/", "images/\0.png",
        f"images/{'a' * 300}.png", "project.json/", "models/a.png",
    ],
)  # fmt: skip
def test_what_does_not_belong_to_a_project_is_kept_out(name: str) -> None:
    assert not lets_in(name)


def test_every_field_of_an_event_travels() -> None:
    # A field that is added to events is read back by its type, or this says that it is not.
    full = Event(
        "settings", "Ada", "QSO", 3, "J1", "QSO", "query", "train", "margin", 2, 0.5, 1.5, 1,
        {"a": [1, None]}, 7, datetime(2020, 1, 2, tzinfo=UTC).replace(tzinfo=None),
    )  # fmt: skip
    line = json.loads(json.dumps(_event_fields(full)))
    said = Said(Path("x.zip"), "events.jsonl", line)
    hints = get_type_hints(Event)
    assert Event(**{name: said.value(name, kind) for name, kind in hints.items()}) == full
