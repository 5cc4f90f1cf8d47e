"""The project's folder: whole or not at all, opened once, nothing lost by settings."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import (
    CLASSES,
    HOSTILE,
    N_ROWS,
    ROOT,
    make_table,
    survey_config,
    survey_values,
)

from al_engine.background import BACKGROUND
from al_engine.curating.relabelling import merged
from al_engine.data.catalogue import Catalogue
from al_engine.data.labels import AnswerLog, Event
from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION
from al_engine.data.table import Table
from al_engine.errors import (
    ProjectError,
    SettingsError,
    UnknownColumnError,
    UnreadableFileError,
    UnsuitableColumnError,
    WorkCancelled,
)
from al_engine.files import partial_beside
from al_engine.home import find_project, home_folder, list_projects, make_slug
from al_engine.projects.creating import create_project
from al_engine.projects.dataset import build_dataset
from al_engine.projects.opening import close_project, delete_project, open_project
from al_engine.projects.project import Project
from al_engine.settings.config import Columns, Features, ProjectConfig, Splits

Open = Callable[[Path], Project]


def small_table() -> Table:
    return make_table({"a": pa.array(range(10))}, batch_rows=3)


def everything_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


# -- creating ------------------------------------------------------------------------------------


def test_a_project_appears_whole(tmp_path: Path, opened: Open) -> None:
    folder, imported = create_project(
        tmp_path, "My Survey!", small_table(), survey_config(), source="a.csv", notice="simulated"
    )
    assert folder == tmp_path / "my-survey"
    assert imported.n_rows == 10
    assert everything_under(tmp_path) == [
        "answers.duckdb", "catalogue.duckdb", "my-survey", "project.json",
    ]  # fmt: skip
    (about,) = list_projects(tmp_path)
    assert (about.slug, about.name) == ("my-survey", "My Survey!")
    assert (about.n_objects, about.n_answers) == (10, 0)
    assert (about.source, about.notice) == ("a.csv", "simulated")
    assert opened(folder).config == survey_config()


def broken_table() -> Table:
    def batches() -> Iterator[pa.RecordBatch]:
        yield next(small_table().batches())
        raise UnreadableFileError("It ends early.")

    return Table("made", small_table().columns, batches)


def refuse(catalogue: Catalogue, config: ProjectConfig) -> ProjectConfig:
    raise UnsuitableColumnError("No.")


def a_bug(catalogue: Catalogue, config: ProjectConfig) -> ProjectConfig:
    raise duckdb.BinderException("Referenced column not found")


def full_disk(catalogue: Catalogue, config: ProjectConfig) -> ProjectConfig:
    raise duckdb.IOException("Could not write: no space left on device")


@pytest.mark.parametrize(
    ("table", "options", "error"),
    [
        (broken_table(), {}, UnreadableFileError),
        (make_table({"a": pa.array([], pa.int64())}), {}, UnreadableFileError),
        (small_table(), {"cancelled": lambda: True}, WorkCancelled),
        (small_table(), {"finish": refuse}, UnsuitableColumnError),
        (small_table(), {"progress": lambda n: 1 / 0}, ZeroDivisionError),
        (small_table(), {"finish": full_disk}, ProjectError),
        (small_table(), {"finish": a_bug}, duckdb.BinderException),
    ],
)
def test_whatever_goes_wrong_nothing_is_left(
    tmp_path: Path, table: Table, options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        create_project(tmp_path / "made" / "home", "x", table, survey_config(), **options)  # type: ignore[arg-type]
    assert everything_under(tmp_path) == []
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(error):
        create_project(there, "x", table, survey_config(), **options)  # type: ignore[arg-type]
    assert everything_under(tmp_path) == ["there"]


def test_a_cancelled_import_can_be_stopped_half_way(tmp_path: Path) -> None:
    heard: list[int] = []
    with pytest.raises(WorkCancelled):
        create_project(
            tmp_path,
            "x",
            small_table(),
            survey_config(),
            progress=heard.append,
            cancelled=lambda: len(heard) == 2,
        )
    assert heard == [3, 6]
    assert everything_under(tmp_path) == []


def test_two_projects_of_one_name_have_folders_and_names_of_their_own(tmp_path: Path) -> None:
    folders = [create_project(tmp_path, "X", small_table(), survey_config())[0] for _ in range(3)]
    assert [folder.name for folder in folders] == ["x", "x-2", "x-3"]
    with pytest.raises(ProjectError, match="'x' is there already"):
        create_project(tmp_path, "X", small_table(), survey_config(), folder_name="x")
    assert sorted(about.name for about in list_projects(tmp_path)) == ["X", "X 2", "X 3"]


def test_what_a_killed_process_had_begun_to_write_goes_when_its_project_is_opened(
    survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    begun = []
    for folder in ("", "exports", "exports/of-ada", "whole", "models", "selections"):
        (survey_folder / folder).mkdir(exist_ok=True)
        partial = partial_beside(survey_folder / folder / "x.fits")
        begun += [partial, partial.with_name(f"{partial.name}.rows")]
        partial.write_bytes(b"x")
    for path in begun[1::2]:
        path.write_bytes(b"x")
    (committee := partial_beside(survey_folder / "models" / "QSO")).mkdir()
    (committee / "0-Rfc.joblib").write_bytes(b"x")
    (kept := survey_folder / "exports" / "mine.part").write_bytes(b"x")
    opened(survey_folder)
    assert not [path for path in (*begun, committee) if path.exists()]
    assert kept.exists()


def test_leftovers_of_a_dead_process_are_swept_and_others_are_not(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = tmp_path / f".importing-{gone.pid}-abc"
    alive = tmp_path / f".importing-{os.getppid()}-abc"
    own = tmp_path / f".importing-{os.getpid()}-abc"
    strange = tmp_path / ".importing-99999999999999999999-abc"
    for folder in (dead, alive, own, strange):
        folder.mkdir()
        (folder / "catalogue.duckdb").write_bytes(b"half")
    create_project(tmp_path, "x", small_table(), survey_config())
    assert not dead.exists()
    assert alive.exists()
    assert own.exists()
    assert [about.slug for about in list_projects(tmp_path)] == ["x"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("SDSS DR17 – Quasars", "sdss-dr17-quasars"),
        ("Étoiles", "etoiles"),
        ("../../etc", "etc"),
        ("星", "project"),
        ("x" * 200, "x" * 60),
        (".hidden", "hidden"),
    ],
)
def test_a_name_is_made_safe(name: str, slug: str) -> None:
    assert make_slug(name) == slug


# -- finding and opening -------------------------------------------------------------------------


def test_home_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path))
    assert home_folder() == tmp_path
    monkeypatch.delenv("SEXTANT_HOME")
    assert home_folder() == Path.home() / ".sextant"


@pytest.mark.parametrize("slug", ["", "..", ".", "a/b", "/etc", ".importing-1", "../x"])
def test_an_address_cannot_leave_home(tmp_path: Path, slug: str) -> None:
    with pytest.raises(ProjectError, match="no project's name"):
        find_project(tmp_path, slug)


def test_a_project_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no project 'lost'"):
        open_project(find_project(tmp_path, "lost"))


def test_a_project_is_opened_once_in_a_process(survey_folder: Path, opened: Open) -> None:
    first = opened(survey_folder)
    assert opened(survey_folder.parent / "." / "survey") is first
    close_project(survey_folder)
    assert opened(survey_folder) is not first


def test_a_project_open_elsewhere_is_named(survey_folder: Path, project: Project) -> None:
    script = f"""
from pathlib import Path
from al_engine.errors import ProjectInUseError
from al_engine.projects.opening import open_project
try:
    open_project(Path({str(survey_folder)!r}))
except ProjectInUseError as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("The project 'survey' is open in another program.")


def test_a_damaged_log_does_not_keep_the_catalogue_open(survey_folder: Path, opened: Open) -> None:
    log = survey_folder / "answers.duckdb"
    content = log.read_bytes()
    log.write_bytes(b"damaged" * 1000)
    with pytest.raises(ProjectError, match=r"answers\.duckdb"):
        open_project(survey_folder)
    log.write_bytes(content)
    assert opened(survey_folder).catalogue.n_rows == N_ROWS


def test_settings_of_a_newer_sextant_are_refused_and_the_files_let_go(survey_folder: Path) -> None:
    log = AnswerLog(survey_folder / "answers.duckdb")
    log.append(Event("settings", payload={"version": 99}))
    log.close()
    with pytest.raises(SettingsError, match="version 99"):
        open_project(survey_folder)
    script = f"""
from pathlib import Path
from al_engine.data.labels import AnswerLog
print(AnswerLog(Path({str(survey_folder / "answers.duckdb")!r})).n_events)
"""
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == "2\n"


def test_a_project_never_begins_with_settings_that_cannot_be_read_back(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NOVA"):
        create_project(
            tmp_path, "x", small_table(), ProjectConfig(),
            finish=lambda *_: ProjectConfig(train_labels=("NOVA",)),
        )  # fmt: skip
    assert everything_under(tmp_path) == []


def test_a_lost_or_damaged_note_costs_no_project(survey_folder: Path) -> None:
    for text in ("", "[]", '{"name": "x"}', "null"):
        (survey_folder / "project.json").write_text(text)
        assert [about.slug for about in list_projects(survey_folder.parent)] == ["survey"]
    (survey_folder / "project.json").unlink()
    assert list_projects(survey_folder.parent)[0].name == "survey"


def test_projects_are_listed_last_used_first(tmp_path: Path, opened: Open) -> None:
    folders = [create_project(tmp_path, n, small_table(), survey_config())[0] for n in "ab"]
    assert [about.slug for about in list_projects(tmp_path)] == ["b", "a"]
    log = opened(folders[0]).log
    log.append(*(Event("answer", "Ada", "QSO", row, str(row), "QSO") for row in range(3)))
    open_project(folders[0]).touch()
    assert [(about.slug, about.n_answers) for about in list_projects(tmp_path)] == [
        ("a", 3),
        ("b", 0),
    ]
    delete_project(folders[0])
    assert [about.slug for about in list_projects(tmp_path)] == ["b"]
    assert list_projects(tmp_path / "nowhere") == []


# -- settings and arrays -------------------------------------------------------------------------


def test_settings_are_kept_and_former_ones_stay_in_the_log(
    survey_folder: Path, opened: Open
) -> None:
    project = opened(survey_folder)
    changed = survey_config(x_axis="g")
    project.save_config(changed, "Ada")
    project.save_config(changed, "Ada")
    close_project(survey_folder)
    project = opened(survey_folder)
    assert project.config == changed
    kept = [event.payload for event in project.log.events() if event.kind == "settings"]
    assert kept == [survey_config().to_dict(), changed.to_dict()]


def test_settings_that_are_refused_are_not_kept(project: Project) -> None:
    with pytest.raises(SettingsError):
        project.save_config(survey_config(train_labels=("NOVA",)), "Ada")
    assert project.config == survey_config()
    assert project.log.n_events == 1


def test_the_data_set_has_features_labels_and_parts(project: Project) -> None:
    dataset, values = project.dataset(), survey_values()
    assert [feature.name for feature in dataset.features] == [
        "g", "r", "G", HOSTILE, "g-r", "g-G", f"g-{HOSTILE}", "r-G", f"r-{HOSTILE}", f"G-{HOSTILE}",
    ]  # fmt: skip
    X = dataset.rows(np.arange(dataset.n_rows))
    np.testing.assert_array_equal(X[:, 0], values["g"].to_numpy().astype(np.float32))
    labels = [dataset.values[code] if code >= 0 else None for code in dataset.codes]
    assert labels == [v if v in CLASSES else None for v in values["class"].to_pylist()]
    for code in range(3):
        found = dataset.parts[dataset.codes == code]
        assert [int((found == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [54, 18, 18]
    assert set(dataset.parts[dataset.codes < 0]) == {TRAIN}
    rows = np.array([3, 0])
    np.testing.assert_array_equal(dataset.rows(rows), X[[3, 0]])


def test_the_data_set_is_made_again_only_where_settings_change_it(project: Project) -> None:
    first = project.dataset()
    for changes in ({"x_axis": "g"}, {"train_labels": ("STAR",)}, {"pictures": False}):
        project.save_config(survey_config(**changes), "Ada")
        assert project.dataset() is first
    project.save_config(survey_config(splits=Splits(seed=1)), "Ada")
    assert project.dataset() is not first


def test_other_labels_and_unknowns_can_be_left_out(project: Project) -> None:
    project.save_config(survey_config(leave_out_other_labels=True), "Ada")
    dataset = project.dataset()
    assert set(dataset.parts[dataset.codes == CLASSES.index("GALAXY")]) == {OUT}
    project.save_config(survey_config(leave_out_unknown=True), "Ada")
    dataset = project.dataset()
    assert set(dataset.parts[dataset.codes < 0]) == {OUT}
    assert OUT not in dataset.parts[dataset.codes >= 0]


def test_unknowns_stay_where_nothing_is_known(project: Project) -> None:
    columns = replace(survey_config().columns, label=None)
    project.save_config(survey_config(columns=columns, leave_out_unknown=True), "Ada")
    assert set(project.dataset().parts) == {TRAIN}


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"features": Features()}, SettingsError, "No feature"),
        ({"features": Features(("q",))}, UnknownColumnError, "'q'"),
        ({"features": Features(("note",))}, UnsuitableColumnError, "'note' holds text"),
        ({"columns": Columns(id="name", label="klass")}, UnknownColumnError, "Closest: class"),
        (
            {"leave_out_other_labels": True, "leave_out_unknown": True, "train_labels": ()},
            SettingsError,
            "no object to train on",
        ),
    ],
)
def test_settings_that_fit_no_data_are_refused(
    project: Project, changes: dict[str, object], error: type[Exception], sentence: str
) -> None:
    project.save_config(survey_config(**changes), "Ada")
    with pytest.raises(error, match=sentence):
        project.dataset()
    project.save_config(survey_config(), "Ada")
    assert project.dataset().n_rows == N_ROWS


def test_axes_are_features_or_columns(project: Project) -> None:
    values = survey_values()
    g, r = values["g"].to_numpy(), values["r"].to_numpy().astype(np.float64)
    np.testing.assert_array_equal(project.axis("g-r"), (g - r).astype(np.float32))
    assert np.isnan(project.axis("z")[1]), "values to treat as missing are missing here too"
    assert project.axis("z")[0] == np.float32(values["z"][0].as_py())


def test_the_sizes_shown_before_saving_are_those_of_the_sets_made(project: Project) -> None:
    edited = replace(
        project.config, splits=Splits("counts", 30, 15, 9), leave_out_other_labels=True
    )
    sizes = project.split_sizes(edited)
    dataset = project.prepare(edited)
    for code, (value, counts) in enumerate(sizes.by_label):
        assert value == edited.labels[code].value
        made = np.bincount(dataset.parts[dataset.codes == code], minlength=4)
        assert counts == tuple(made.tolist())
    assert sum(map(sum, (counts for _, counts in sizes.by_label))) + sum(sizes.unknown) == 300
    assert project.config != edited, "looking at settings does not put them in force"


def test_a_late_step_of_a_deleted_project_neither_brings_it_back_nor_harms_the_next(
    survey_folder: Path, opened: Open
) -> None:
    gone = opened(survey_folder)
    gone.axis("g")
    gone.axis("r")
    delete_project(survey_folder)
    with pytest.raises(ProjectError, match="closed or deleted"):
        gone.grid(replace(gone.config, x_axis="g", y_axis="r"))
    with pytest.raises(ProjectError, match="closed or deleted"):
        gone.keep_round("QSO", "key", 5, {})
    assert not survey_folder.exists()


def test_scores_that_could_not_be_written_are_tried_again_and_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise duckdb.IOException("IO Error: no space left")

    with monkeypatch.context() as patch:
        patch.setattr(project.log, "save_round", fail)
        project.keep_round("QSO", "key", 5, {"training": None})
        BACKGROUND.wait(project)
    failure = BACKGROUND.failure(project)
    assert failure is not None
    assert "no space left" in str(failure)
    assert project.log.rounds("QSO") == {}


def test_what_is_held_is_found_while_other_arrays_are_being_made(project: Project) -> None:
    held = project.axis("g")
    found = []
    with project._arrays._making:
        reader = threading.Thread(target=lambda: found.append(project.axis("g")))
        reader.start()
        reader.join(5)
    assert found
    assert found[0] is held


@pytest.mark.parametrize(
    "change",
    [
        lambda c: replace(c, splits=replace(c.splits, seed=c.splits.seed + 1)),
        lambda c: replace(c, columns=replace(c.columns, id=None)),
        lambda c: replace(c, columns=replace(c.columns, missing={"g": (18.0,)})),
        lambda c: replace(c, features=Features(("r", "g"), scale=False)),
        lambda c: merged(c, "GALAXY", "STAR"),
    ],
)
def test_what_is_taken_from_former_arrays_is_what_would_be_made_anew(
    project, tmp_path, change
) -> None:
    before = project.config
    project.prepare(before)
    config = change(before)
    made = project.prepare(config)
    fresh = build_dataset(project.catalogue, config, tmp_path / "fresh")
    assert (made.values, made.features) == (fresh.values, fresh.features)
    for name in ("codes", "parts", "keys"):
        np.testing.assert_array_equal(getattr(made, name), getattr(fresh, name))
    X = fresh.rows(np.arange(50)).astype(float)
    np.testing.assert_array_equal(made.preparation.transform(X), fresh.preparation.transform(X))
