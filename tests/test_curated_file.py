"""AstronomicAL's ``test_set.json``: read or refused whole, and written so that it reads back."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Open, make_table

from al_engine.curating.test_set import Curator
from al_engine.errors import SettingsError, UnreadableFileError
from al_engine.exchange import curated
from al_engine.home import list_projects
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project
from al_engine.session import LabellingSession
from al_engine.settings.config import Columns, Features, Label, ProjectConfig
from al_engine.starting import import_file

LABELS = (
    Label("0", "Star", "#0072B2"),
    Label("1", "Galaxy", "#E69F00"),
    Label("2", "QSO", "#009E73"),
)


@pytest.fixture
def curator(tmp_path: Path, opened: Open) -> Curator:
    """A project of six objects whose ids are long numbers."""
    values = {
        "id": pa.array([10**18 + i for i in range(6)]),
        "labels": pa.array([0, 1, 2, -1, 0, 1]),
        "g": pa.array([float(i) for i in range(6)]),
    }
    config = ProjectConfig(
        labels=LABELS, columns=Columns(id="id", label="labels"), features=Features(("g",))
    )
    folder, _ = create_project(tmp_path / "home", "Six", make_table(values), config)
    return Curator(LabellingSession(opened(folder), "Ada"))


def file_of(labels: dict[str, Any]) -> bytes:
    return json.dumps(labels).encode()


def test_a_file_that_is_too_large_is_refused(
    curator: Curator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curated, "MAX_BYTES", 10)
    with pytest.raises(UnreadableFileError, match="is larger than"):
        curator.read_file(file_of({str(10**18): 1}), "large.json")


def test_whole_number_ids_are_found_by_their_text(curator: Curator) -> None:
    read, n_changed = curator.read_file(
        file_of(
            {str(10**18): 1, str(10**18 + 1): "QSO", str(10**18 + 2): 0.0, str(10**18 + 3): -1}
        ),
        "test_set.json",
    )
    assert (read.n_read, n_changed) == (4, 4)
    assert curator.curated.labels == {0: "1", 1: "2", 2: "0"}
    assert curator.curated.unsure == {3}
    assert set(curator.curated.how.values()) == {"file"}


def test_what_cannot_be_used_is_listed_and_the_rest_is_read(curator: Curator) -> None:
    first, second = str(10**18), str(10**18 + 1)
    content = (
        f'{{"{first}": 1, "nobody": 2, "\\ud800": 1, "x\'; DROP TABLE event; --": 0,'
        f' "{second}": 7, "{first}": 2}}'
    )
    read, n_changed = curator.read_file(content.encode(), "test_set.json")
    assert read.not_found == ("nobody", "\ufffd" * 3, "x'; DROP TABLE event; --")
    assert read.unknown == ((second, "7"),)
    assert read.repeated == (first,)
    assert (read.labels, n_changed) == ({0: "2"}, 1), "the last one counts"


def test_a_file_of_strangers_changes_nothing(curator: Curator) -> None:
    read, n_changed = curator.read_file(file_of({"a": 1, "b": 0}), "test_set.json")
    assert (read.not_found, read.n_read, n_changed) == (("a", "b"), 0, 0)
    assert curator.session.project.log.curated_events() == []


def test_reading_a_file_again_changes_nothing_and_an_undo_takes_all_of_it_back(
    curator: Curator,
) -> None:
    shown = curator.next_object("criteria", curator.session.config.curation.search)
    assert shown is not None
    search = curator.session.config.curation.search
    curator.answer(shown.row, "answer", "2", token=shown.token, search=search)
    content = file_of({str(10**18 + i): 1 for i in range(6)})
    assert curator.read_file(content, "a.json")[1] == 6
    assert curator.read_file(content, "a.json")[1] == 0
    assert list(curator.curated.labels.values()) == ["1"] * 6
    undone = curator.undo(token=f"{curator.curated.last_seq}::")
    assert len(undone) == 6
    assert curator.curated.labels == {shown.row: "2"}
    assert curator.curated.how == {shown.row: "criteria"}


def test_what_is_written_reads_back_the_same(curator: Curator) -> None:
    content = file_of({str(10**18 + 4): 2, str(10**18): 1, str(10**18 + 3): -1})
    curator.read_file(content, "a.json")
    written = curator.file()
    assert json.loads(written) == json.loads(content)
    assert list(json.loads(written)) == [str(10**18 + 4), str(10**18), str(10**18 + 3)]
    assert all(isinstance(label, int) for label in json.loads(written).values())
    before = curator.curated
    curator.undo(token=f"{before.last_seq}::")
    assert curator.curated.rows == []
    curator.read_file(b"\xef\xbb\xbf" + written, "b.json")
    after = curator.curated
    assert (after.labels, after.unsure, after.how) == (before.labels, before.unsure, before.how)


def test_a_label_that_looks_like_unsure_is_not_written_and_minus_one_is_read_as_unsure() -> None:
    with pytest.raises(SettingsError, match="stands for Unsure; here it is a label"):
        curated.write_test_set([("a", "1"), ("b", "-1")])
    config = ProjectConfig(labels=(Label("-1", "no", "#000000"),), columns=Columns(unknown=("",)))
    rows = {"a": 0, "b": 1, "c": 2}
    read = curated.read_test_set(b'{"a": -1, "b": "-1", "c": "no"}', config, lambda ids: rows)
    assert (read.labels, read.unsure) == ({2: "-1"}, {0, 1})


@pytest.mark.parametrize(
    "label", ["007", "-0", "1e5", "²", "QSO", " 1", "1.0", "-7", "--1", "9" * 19]
)
def test_a_label_is_written_as_a_number_only_where_it_reads_back_as_the_same(label: str) -> None:
    (written,) = json.loads(curated.write_test_set([("a", label)])).values()
    assert str(written) == label


def test_without_an_id_column_objects_are_known_by_their_row(tmp_path: Path, opened: Open) -> None:
    values = {"g": pa.array([1.0, 2.0, 3.0])}
    config = ProjectConfig(labels=LABELS, features=Features(("g",)))
    folder, _ = create_project(tmp_path / "home", "Rows", make_table(values), config)
    curator = Curator(LabellingSession(opened(folder), "Ada"))
    read, _ = curator.read_file(file_of({"0": 1, "2": 2, "3": 1, "-1": 1, "1_0": 0, "²": 1}), "a")
    assert read.labels == {0: "1", 2: "2"}
    assert read.not_found == ("3", "-1", "1_0", "²")
    assert json.loads(curator.file()) == {"0": 1, "2": 2}


def test_the_incumbents_own_file_is_read_but_for_the_id_that_is_not_there(
    shared_data: Path, tmp_path: Path, opened: Open
) -> None:
    form = shared_data / "astronomical_form"
    folder, _ = import_file(
        tmp_path / "home", form / "sdss_3000.fits", id_column="ID", label_column="labels"
    )
    session = LabellingSession(opened(folder), "Ada")
    curator = Curator(session)
    content = (form / "test_set.json").read_bytes()
    theirs: dict[str, int] = json.loads(content)
    read, n_changed = curator.read_file(content, "test_set.json")
    assert len(read.not_found) == 1
    assert (read.repeated, read.unknown) == ((), ())
    assert n_changed == read.n_read == len(theirs) - 1
    missing = read.not_found[0]
    ours = json.loads(curator.file())
    assert ours == {each: label for each, label in theirs.items() if each != missing}
    close_project(folder)
    assert list_projects(tmp_path / "home")[0].n_answers == sum(v != -1 for v in ours.values())
