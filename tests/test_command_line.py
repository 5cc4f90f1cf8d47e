"""The terminal: one line of JSON where it worked, one sentence where it did not."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from conftest import ROOT

from al_engine.__main__ import main
from al_engine.errors import ProjectError
from al_engine.home import list_projects
from al_engine.projects.project import Project
from al_engine.starting import DEMOS, begin_import, start_demo

Open = Callable[[Path], Project]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "Quasars near.csv"
    rows = [f"{i},{i % 3},{i * 0.5},{i * 0.25},{'AB'[i % 2]}" for i in range(40)]
    path.write_text("\n".join(["objid,u,g,r,class", *rows]) + "\n")
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "al_engine", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_import_prints_one_line_and_makes_the_project(
    csv: Path, tmp_path: Path, opened: Open
) -> None:
    folder = tmp_path / "home" / "My project"
    done = run("import", csv, "--project", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"rows": 40, "columns": 5, "set_aside": []}
    assert done.stdout.count("\n") == 1
    (about,) = list_projects(tmp_path / "home")
    assert (about.slug, about.name, about.n_objects) == ("My project", "My project", 40)
    config = opened(folder).config
    assert (config.columns.id, config.columns.label) == ("objid", "class")


def test_columns_can_be_chosen(csv: Path, tmp_path: Path, opened: Open) -> None:
    folder = tmp_path / "p"
    assert main(["import", str(csv), "--project", str(folder), "--id", "g", "--label", "u"]) == 0
    config = opened(folder).config
    assert (config.columns.id, config.columns.label) == ("g", "u")
    assert [label.value for label in config.labels] == ["0", "1", "2"]


def test_what_was_set_aside_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table({"a": [1, 2], "spectrum": np.zeros((2, 3))})
    table.write(tmp_path / "t.fits")
    assert main(["import", str(tmp_path / "t.fits"), "--project", str(tmp_path / "p")]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["rows"], line["columns"], len(line["set_aside"])) == (2, 1, 1)
    assert line["set_aside"][0].startswith("spectrum: ")


REFUSED = {
    "nothing is there": ("lost.csv", None, []),
    "the file is empty": ("empty.csv", "", []),
    "there are no rows": ("none.csv", "a,b\n", []),
    "it is a web page": ("page.csv", "<!DOCTYPE html><html><title>Error 404</title></html>", []),
    "the id repeats": ("twice.csv", "a,b\n1,2\n1,3\n", ["--id", "a"]),
    "the id is no column": ("a.csv", "a,b\n1,2\n", ["--id", "c"]),
    "the label is no column": ("a.csv", "a,b\n1,2\n", ["--label", "c"]),
    "there is no such part": ("a.csv", "a,b\n1,2\n", ["--hdu", "7"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_one_sentence_and_leaves_nothing(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, text, options = REFUSED[case]
    if text is not None:
        (tmp_path / name).write_text(text)
    folder = tmp_path / "new" / "home" / "p"
    assert main(["import", str(tmp_path / name), "--project", str(folder), *options]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "Traceback" not in told.err
    assert len(told.err) > 20
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not Path("/proc/version").is_file(), reason="needs Linux")
def test_a_place_where_nothing_can_be_written_is_one_sentence(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    for folder in ("/proc/nowhere/p", tmp_path / "file" / "p", tmp_path / "home" / ("p" * 300)):
        assert main(["import", str(csv), "--project", str(folder)]) == 2
        told = capsys.readouterr().err
        assert told.startswith("No project could be made in ")
        assert told.count("\n") == 1
    assert not (tmp_path / "home").exists()


def test_a_full_disk_is_one_sentence_and_leaves_nothing(csv: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def allow_small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-m", "al_engine", "import", csv, "--project", tmp_path / "home" / "p"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=allow_small_files_only,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "could not be written" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_page_that_waits_hears_the_same_sentence(csv: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    job = begin_import(tmp_path / "file", csv)
    assert job.wait(30)
    with pytest.raises(ProjectError, match="No project could be made"):
        job.result()
    with pytest.raises(ProjectError, match="No project could be made"):
        start_demo(tmp_path / "file", next(iter(DEMOS)))


def test_a_label_column_of_many_values_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["a,b", *(f"{i + 0.5},1" for i in range(600))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    arguments = ["import", str(tmp_path / "a.csv"), "--project", str(tmp_path / "p")]
    assert main([*arguments, "--label", "a"]) == 2
    assert "`a` has 600 different values" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


def test_a_repeated_id_is_refused_in_the_promised_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["objid,g", *["1.24E+18,1"] * 1500, "1.25E+18,2"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    main(["import", str(tmp_path / "a.csv"), "--project", str(tmp_path / "p"), "--id", "objid"])
    assert capsys.readouterr().err == (
        "`objid` repeats: 1.24E+18 stands 1,500 times. Choose another column, or number the rows.\n"
    )


def test_an_existing_folder_is_refused_and_left_alone(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    assert main(["import", str(csv), "--project", str(folder)]) == 2
    assert "'there' is there already" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_refusal_has_exit_status_2_in_a_real_terminal(tmp_path: Path) -> None:
    done = run("import", tmp_path / "lost.fits", "--project", tmp_path / "p")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "p").exists()
    assert run().returncode == 2
