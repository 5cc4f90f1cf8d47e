"""What is taken away from a project: labels, predictions, bundles, and a model's use elsewhere."""

import json
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from conftest import (
    HOSTILE,
    N_ROWS,
    SMALL_FOREST,
    TRUTH,
    answer,
    begin,
    known,
    make_table,
    small_setup,
    survey_config,
    survey_values,
)

from al_engine.__main__ import main
from al_engine.background import BACKGROUND
from al_engine.curating.models import checkpoint
from al_engine.data.curated import How
from al_engine.data.labels import CURATED, Event
from al_engine.data.readers import open_table
from al_engine.data.splits import OUT, TEST, VALIDATION
from al_engine.errors import (
    NotEnoughLabelsError,
    ProjectError,
    UnknownColumnError,
    UnusableModelError,
    WorkCancelled,
)
from al_engine.exchange.applying import parse_renamed
from al_engine.exchange.labels import answers_in_force
from al_engine.exchange.saved import load, open_saved
from al_engine.exchange.writers import FORMATS, Outgoing
from al_engine.jobs import Job
from al_engine.projects.creating import create_project
from al_engine.projects.opening import delete_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ClassifierSetup, MemberSetup
from al_engine.sharing import exporting

ROOT = Path(__file__).resolve().parent.parent
NAMES = survey_values()["name"].to_pylist()
COMMITTEE = (SMALL_FOREST, MemberSetup("knn", "margin"), MemberSetup("svm", "margin"))


def rows_of(table: Outgoing) -> list[dict[str, Any]]:
    return pa.Table.from_batches(list(table.batches)).to_pylist()


def written(session: LabellingSession, table: Outgoing, form: str) -> Path:
    return exporting.write_export(session, table, FORMATS[form])


# -- labels ----------------------------------------------------------------------------------------


def test_the_labelled_set_says_who_gave_what_when_and_why(project: Project) -> None:
    session = begin(project)
    state = session.state("QSO")
    assert state.question is not None
    asked, p = state.question.row, float(state.fit.proba[state.question.row])  # type: ignore[union-attr]
    answer(session)
    clicked = next(known(session, VALIDATION, "STAR"))
    answer(session, row=clicked, label="QSO")
    rows = rows_of(exporting.labels_of(session, ["huge"]))
    given, person, corrected = rows[:5], rows[5], rows[6]
    assert {row["status"] for row in given} == {"catalogue"}
    assert {row["how"] for row in given} == {"initial"}
    assert [row["label"] for row in given] == [row["catalogue_label"] for row in given]
    at = person.pop("answered_at")
    assert abs(time.time() - at.timestamp()) < 10 * 86_400  # UTC, read as local time
    assert person == {
        "name": NAMES[asked], "huge": survey_values()["huge"][asked].as_py(),
        "classifier": "QSO", "label": TRUTH[asked], "label_name": TRUTH[asked].title(),
        "status": "verified", "catalogue_label": survey_values()["class"][asked].as_py(),
        "conflict": None, "how": "query", "set": "train", "who": "Ada", "round": 1,
        "probability": pytest.approx(p), "seconds": 1.5,
        "confidence": None,
    }  # fmt: skip
    assert (corrected["label"], corrected["catalogue_label"]) == ("QSO", "STAR")
    assert (corrected["set"], corrected["how"]) == ("validation", "click")


def test_an_object_stands_once_for_each_classifier(project: Project) -> None:
    session = begin(project)
    answer(session)
    row = project.log.events("QSO")[-1].row_number
    assert row is not None
    answer(session, row=row, label="STAR")
    answer(session, row=row, label="GALAXY")
    rows = [each for each in rows_of(exporting.labels_of(session)) if each["name"] == NAMES[row]]
    assert [each["label"] for each in rows] == ["GALAXY"]


def test_what_was_undone_or_put_off_is_left_out(project: Project) -> None:
    session = begin(project)
    before = rows_of(exporting.labels_of(session))
    state = answer(session)
    session.undo("QSO", token=state.token)
    answer(session, kind="later")
    assert rows_of(exporting.labels_of(session)) == before
    answer(session, kind="unsure")
    unsure = rows_of(exporting.labels_of(session))[-1]
    assert (unsure["status"], unsure["label"], unsure["who"]) == ("unsure", None, "Ada")


def test_classifiers_that_disagree_are_named_beside_each_other(project: Project) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    answer(session)
    row = project.log.events("QSO")[-1].row_number
    assert row is not None
    answer(session, row=row, label="QSO")
    answer(session, "STAR", row=row, label="STAR")
    rows = [each for each in rows_of(exporting.labels_of(session)) if each["name"] == NAMES[row]]
    assert [(each["classifier"], each["label"], each["conflict"]) for each in rows] == [
        ("QSO", "QSO", "STAR (STAR)"),
        ("STAR", "STAR", "QSO (QSO)"),
    ]


def test_labels_and_predictions_agree_on_the_set_of_every_object(project: Project) -> None:
    session = begin(project)
    rows = [answer(session).history.last.row_number for _ in range(2)]  # type: ignore[union-attr]
    asked = Event("answer", "Ada", "QSO", 150, NAMES[150], "QSO", how="random", part="train")
    project.log.append(asked)
    curate = Event("answer", "Ada", None, rows[0], NAMES[rows[0]], "QSO", how="chosen",
                   part=CURATED)  # fmt: skip
    project.log.append(curate)

    def sets() -> dict[tuple[str, str | None], str]:
        labels = rows_of(exporting.labels_of(session))
        return {(each["name"], each["classifier"]): each["set"] for each in labels}

    def agree() -> bool:
        predicted = {each["name"]: each["set_QSO"] for each in
                     rows_of(exporting.predictions_of(session))}  # fmt: skip
        of_qso = {name: found for (name, c), found in sets().items() if c == "QSO"}
        return of_qso == {name: predicted[name] for name in of_qso}

    first = NAMES[rows[0]]
    assert (sets()[first, "QSO"], sets()[first, None]) == ("train", "test set, not in use")
    assert sets()[NAMES[150], "QSO"] == "validation"
    assert agree()
    config = session.config
    project.save_config(replace(config, splits=replace(config.splits, curated=True)), "Ada")
    session.state("QSO")
    assert (sets()[first, "QSO"], sets()[first, None]) == ("test", "test")
    assert agree()


def test_every_word_that_an_answer_may_have_is_named_in_what_its_column_is_about(
    project: Project,
) -> None:
    session = begin(project)
    answer(session)
    answer(session, row=next(known(session, VALIDATION)))
    for row, how in enumerate(get_args(How), start=100):
        project.log.append(
            Event("answer", "Ada", None, row, NAMES[row], "QSO", how=how, part=CURATED)
        )
    project.log.append(
        Event("settled", "Ada", "QSO", 120, NAMES[120], "QSO", how="settled", part="train")
    )
    table = exporting.labels_of(session)
    rows = rows_of(table)
    about = {column.name: column.description for column in table.columns}
    for name in ("status", "how", "set"):
        said = {row[name] for row in rows}
        assert len(said) > 2
        assert [word for word in said if word not in about[name]] == []
    assert any(row["classifier"] is None for row in rows)
    assert "empty for the curated test set" in about["classifier"]
    header = fits.getheader(written(session, table, "fits"), 1)
    assert about["how"] in header.values()


def test_answers_are_counted_anew_once_there_is_another(project: Project) -> None:
    session = begin(project)
    before = exporting.n_answers(session)
    assert before == len(rows_of(exporting.labels_of(session)))
    answer(session)
    assert exporting.n_answers(session) == before + 1


def test_an_answer_of_a_kind_that_is_not_known_here_travels_too() -> None:
    strange: Any = "curated"
    event = Event(strange, "Ada", None, 3, "3", "QSO", how="audit", part="curated", seq=1)
    (given,) = answers_in_force([event])
    assert (given.event.part, given.event.label, given.conflict) == ("curated", "QSO", None)


def test_labels_have_the_position_with_its_meaning(tmp_path: Path, opened: Any) -> None:
    values = {**survey_values(), "RAJ2000": pa.array(np.linspace(0, 359, N_ROWS)),
              "label": pa.array(["mine"] * N_ROWS)}  # fmt: skip
    config = survey_config()
    config = replace(config, columns=replace(config.columns, ra="RAJ2000", dec="z"))
    folder, _ = create_project(tmp_path / "h", "S", make_table(values), config)
    session = begin(opened(folder))
    answer(session)
    table = exporting.labels_of(session, ["label"])
    assert [column.name for column in table.columns[:5]] == [
        "name", "RAJ2000", "z", "label_2", "classifier",
    ]  # fmt: skip
    assert [column.unit for column in table.columns[1:3]] == ["deg", "deg"]
    assert table.ucds["RAJ2000"] == "pos.eq.ra;meta.main"
    read = Table.read(written(session, table, "fits"))
    assert set(read["label_2"].tolist()) == {"mine"}
    assert str(read["RAJ2000"].unit) == "deg"
    assert str(read["seconds"].unit) == "s"


def test_rows_number_objects_that_have_no_id(tmp_path: Path, opened: Any) -> None:
    config = survey_config()
    config = replace(config, columns=replace(config.columns, id=None))
    folder, _ = create_project(tmp_path / "h", "S", make_table(survey_values()), config)
    session = begin(opened(folder))
    events = project_rows(session)
    assert [row["row"] for row in rows_of(exporting.labels_of(session))] == events
    predicted = rows_of(exporting.predictions_of(session))
    assert [row["row"] for row in predicted] == list(range(N_ROWS))


def project_rows(session: LabellingSession) -> list[int | None]:
    return [given.event.row_number for given in answers_in_force(session.project.log.events())]


def test_a_project_without_answers_says_so(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    with pytest.raises(NotEnoughLabelsError, match="No object is labelled yet"):
        exporting.labels_of(session)
    with pytest.raises(NotEnoughLabelsError, match="No classifier has a model yet"):
        exporting.predictions_of(session)
    with pytest.raises(UnknownColumnError, match="'gg' is not in the catalogue"):
        exporting.labels_of(begin(project), ["gg"])


# -- predictions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("members", [(SMALL_FOREST,), COMMITTEE])
def test_predictions_are_the_pages_own_in_the_catalogues_order(
    project: Project, members: tuple[MemberSetup, ...]
) -> None:
    session = begin(project, members=members)
    session.start("STAR", small_setup())
    state = answer(session)
    assert state.fit is not None
    rows = rows_of(exporting.predictions_of(session, ["G"]))
    assert [row["name"] for row in rows] == NAMES
    assert list(rows[0]) == [
        "name", "G", "probability_QSO", "predicted_QSO", "set_QSO", "label_QSO",
        "probability_STAR", "predicted_STAR", "set_STAR", "label_STAR",
        "calibrated_QSO", "calibrated_STAR", "predicted",
    ]  # fmt: skip
    seen = ~np.isnan(state.fit.proba)
    proba = np.array([row["probability_QSO"] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(proba[seen], state.fit.proba[seen])
    assert [rows[i]["predicted_QSO"] for i in np.flatnonzero(seen)] == [
        bool(p) for p in state.fit.predicted[seen]
    ]
    assert {i: row["label_QSO"] for i, row in enumerate(rows) if row["label_QSO"]} == (
        state.history.trained
    )


def test_what_no_round_looks_at_is_scored_as_well(project: Project) -> None:
    session = begin(project)
    state, dataset = answer(session), project.dataset()
    assert state.fit is not None
    rows = rows_of(exporting.predictions_of(session))
    (pipeline,) = [state.fit.learner.estimator]
    hidden = np.flatnonzero(np.isnan(state.fit.proba))
    assert {int(p) for p in dataset.parts[hidden]} == {TEST}
    proba = pipeline.predict_proba(dataset.rows(hidden).astype(np.float64))[:, 1]
    np.testing.assert_array_almost_equal_nulp(
        np.array([rows[i]["probability_QSO"] for i in hidden], np.float32),
        proba.astype(np.float32),
        2,
    )
    assert {rows[i]["set_QSO"] for i in hidden} == {"test"}


def test_objects_that_are_left_out_are_scored_and_named_so(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    session.change_settings(
        replace(session.config, leave_out_other_labels=True, train_labels=("QSO", "STAR"))
    )
    session.start("QSO", small_setup())
    rows = rows_of(exporting.predictions_of(session))
    out = np.flatnonzero(project.dataset().parts == OUT)
    assert len(out)
    assert {rows[i]["set_QSO"] for i in out} == {"left out"}
    assert all(rows[i]["probability_QSO"] is not None for i in out)


@pytest.mark.parametrize("form", FORMATS)
def test_predictions_are_written_in_every_format(project: Project, form: str) -> None:
    session = begin(project)
    path = written(session, exporting.predictions_of(session), form)
    assert path == project.folder / "exports" / f"survey-predictions{FORMATS[form].suffixes[0]}"
    read = Table.read(path, format={"csv": "ascii.csv", "ecsv": "ascii.ecsv"}.get(form))
    assert read.colnames[0] == "name"
    assert len(read) == N_ROWS
    assert [file.path for file in exporting.exported(session)] == [path]


def test_predictions_are_made_some_rows_at_a_time(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    whole = rows_of(exporting.predictions_of(session))
    monkeypatch.setattr("al_engine.exchange.predictions.ROWS_AT_ONCE", 64)
    batches = list(exporting.predictions_of(session).batches)
    assert [batch.num_rows for batch in batches] == [64, 64, 64, 64, 44]
    assert pa.Table.from_batches(batches).to_pylist() == whole


def test_an_export_can_be_cancelled_and_leaves_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    monkeypatch.setattr("al_engine.exchange.predictions.ROWS_AT_ONCE", 1)
    monkeypatch.setattr(Job, "_note", lambda job, n_done, of: job.cancel())
    job = exporting.begin_export(session, exporting.predictions_of(session), FORMATS["fits"])
    assert job.wait(30)
    with pytest.raises(WorkCancelled):
        job.result()
    assert exporting.exported(session) == []


def test_an_export_of_a_project_that_was_deleted_is_one_sentence(project: Project) -> None:
    session = begin(project)
    table = exporting.predictions_of(session)
    delete_project(project.folder)
    job = exporting.begin_export(session, table, FORMATS["csv"])
    assert job.wait(30)
    with pytest.raises(ProjectError):
        job.result()
    assert not project.folder.exists()


# -- bundles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("members", [(SMALL_FOREST,), COMMITTEE])
def test_a_bundle_holds_the_model_its_json_and_how_to_use_it(
    project: Project, members: tuple[MemberSetup, ...]
) -> None:
    session = begin(project, members=members)
    BACKGROUND.wait(project)
    (stem,) = exporting.bundles_of(session)
    path = exporting.write_model(session, stem)
    with zipfile.ZipFile(path) as bundle:
        names = bundle.namelist()
        assert names[:2] == ["README.md", f"{stem}.json"]
        assert len(names) == 2 + len(members)
        about = json.loads(bundle.read(f"{stem}.json"))
        assert "python -m al_engine score" in bundle.read("README.md").decode()
    saved = open_saved(path)
    assert (saved.label, saved.name, saved.hashes) == ("QSO", "Qso", about["sha256"])
    assert len(load(saved)) == len(members)


def test_the_present_rounds_models_come_before_checkpoints(project: Project) -> None:
    session = begin(project)
    answer(session)
    checkpoint(session, "QSO")
    BACKGROUND.wait(project)
    first, second = exporting.bundles_of(session)
    assert second.startswith(f"{first}-6-")
    assert open_saved(exporting.write_model(session, second)).stem == second
    with pytest.raises(UnusableModelError, match=r"There is no saved model '\.\./x'"):
        exporting.write_model(session, "../x")


# -- a saved model on another catalogue ------------------------------------------------------------


@pytest.fixture
def model(project: Project, tmp_path: Path) -> Path:
    """A saved forest, away from its project."""
    session = begin(project)
    answer(session)
    return taken(session, tmp_path / "model")


def taken(session: LabellingSession, folder: Path) -> Path:
    BACKGROUND.wait(session.project)
    shutil.copytree(session.project.folder / "models", folder)
    (stem,) = exporting.bundles_of(session)
    path = folder / stem
    return path if path.is_dir() else folder / f"{stem}.joblib"


def catalogue_file(folder: Path, name: str = "other.parquet", **renamed: str) -> Path:
    table = pa.table({renamed.get(n, n): v for n, v in survey_values().items()})
    path = folder / name
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pacsv.write_csv(table, path)
    else:
        Table({n: np.ma.masked_invalid(v.to_numpy()) if pa.types.is_floating(v.type)
               else v.to_pandas().fillna("").to_numpy().astype(str) if pa.types.is_string(v.type)
               else v.to_numpy() for n, v in zip(table.column_names, table.columns, strict=True)}
              ).write(path)  # fmt: skip
    return path


def score(*arguments: Any) -> int:
    return main(["score", *(str(each) for each in arguments)])


@pytest.mark.parametrize("name", ["other.parquet", "other.csv", "other.fits"])
def test_a_saved_model_gives_what_the_project_gives(
    project: Project, model: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scored.parquet"
    assert score(model, "--catalogue", catalogue_file(tmp_path, name), "--out", out) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"rows": N_ROWS, "out": str(out), "probability_of": "Qso"}
    assert "runs code from that file" in told.err
    expected = rows_of(exporting.predictions_of(LabellingSession(project, "Bob")))
    read = pq.read_table(out).to_pylist()
    for key in ("probability_QSO", "predicted_QSO"):
        assert [row[key] for row in read] == [row[key] for row in expected]
    assert [row["name"] for row in read] == NAMES


@pytest.mark.parametrize("model_name", ["svm", "naive_bayes", "committee", "one class"])
def test_any_model_gives_what_the_project_gives(
    project: Project, model_name: str, tmp_path: Path
) -> None:
    members = COMMITTEE if model_name == "committee" else (MemberSetup(model_name, "margin"),)
    if model_name == "one class":
        session = LabellingSession(project, "Ada")
        session.start("QSO", ClassifierSetup((SMALL_FOREST,), initial_labels="ask"))
        answer(session, label="STAR")
    else:
        session = begin(project, members=members)
    path, out = taken(session, tmp_path / "model"), tmp_path / "scored.csv"
    assert score(path, "--catalogue", catalogue_file(tmp_path), "--out", out) == 0
    expected = rows_of(exporting.predictions_of(session))
    read = pacsv.read_csv(out)["probability_QSO"].to_pylist()
    assert np.array(read, np.float32).tolist() == [row["probability_QSO"] for row in expected]


def test_columns_of_other_names_are_mapped(model: Path, tmp_path: Path) -> None:
    same = tmp_path / "same.csv"
    assert score(model, "--catalogue", catalogue_file(tmp_path), "--out", same) == 0
    other = catalogue_file(tmp_path, "b.parquet", g="r", r="g=mag", **{HOSTILE: "n"})
    out = tmp_path / "mapped.csv"
    # What is called r there is the model's g.
    renamed = f"g=r,r=g=mag,{HOSTILE}=n"
    assert score(model, "--catalogue", other, "--out", out, "--map", renamed) == 0
    column = "probability_QSO"
    assert pacsv.read_csv(out)[column].equals(pacsv.read_csv(same)[column])


def test_missing_columns_are_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = catalogue_file(tmp_path, "b.parquet", g="gmag", r="rmag")
    out = tmp_path / "out.csv"
    assert score(model, "--catalogue", other, "--out", out) == 2
    told = capsys.readouterr().err
    assert told.startswith("The catalogue 'b.parquet' has no columns `g`, `r`. Say which")
    assert "--map OURS=THEIRS" in told
    assert (told.count("\n"), out.exists()) == (1, False)
    assert score(model, "--catalogue", other, "--out", out, "--map", "g=gmag,r=rrr") == 2
    assert "no column `rrr`. " in capsys.readouterr().err
    assert score(model, "--catalogue", other, "--out", out, "--map", "u=gmag") == 2
    assert "'u=gmag' names no column of the model before its '='" in capsys.readouterr().err
    assert score(model, "--catalogue", other, "--out", out, "--map", "g=name,r=rmag") == 2
    assert "holds text where a number is needed" in capsys.readouterr().err


def test_only_the_columns_asked_for_are_kept(model: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out.csv", catalogue_file(tmp_path)
    assert score(model, "--catalogue", other, "--out", out, "--keep", "huge,name") == 0
    assert pacsv.read_csv(out).column_names == [
        "huge", "name", "probability_QSO", "predicted_QSO",
    ]  # fmt: skip
    assert score(model, "--catalogue", other, "--out", out, "--keep", "hugo") == 2


def test_a_catalogue_is_never_written_over(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = catalogue_file(tmp_path)
    before = other.read_bytes()
    assert score(model, "--catalogue", other, "--out", other) == 2
    assert "is the catalogue itself" in capsys.readouterr().err
    assert other.read_bytes() == before


def test_a_catalogue_is_scored_as_a_stream(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_small_batches(path: Path, **options: Any) -> Any:
        table = open_table(path, **options)
        return replace(
            table,
            batches=lambda: (b.slice(i, 100) for b in table.batches() for i in (0, 100, 200)),
        )

    other, whole, out = catalogue_file(tmp_path), tmp_path / "whole.csv", tmp_path / "out.parquet"
    assert score(model, "--catalogue", other, "--out", whole) == 0
    monkeypatch.setattr("al_engine.exchange.applying.open_table", in_small_batches)
    assert score(model, "--catalogue", other, "--out", out) == 0
    assert pq.ParquetFile(out).num_row_groups == 3
    same = "predicted_QSO"
    assert pq.read_table(out)[same].to_pylist() == pacsv.read_csv(whole)[same].to_pylist()


def test_a_command_that_is_stopped_leaves_nothing(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    other, out = catalogue_file(tmp_path), tmp_path / "out.fits"
    monkeypatch.setattr("al_engine.exchange.applying.compute", stop)
    assert score(model, "--catalogue", other, "--out", out) == 130
    assert capsys.readouterr().err.endswith("Stopped; nothing was written.\n")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["other.parquet"]


def test_pairs_of_names_may_hold_signs_of_equality() -> None:
    assert parse_renamed("a=b=c, x=y", ["a=b", "x"]) == {"a=b": "c", "x": "y"}
    assert parse_renamed("", ["a"]) == {}


# -- models that are not what they say -------------------------------------------------------------


class Bomb:
    """Runs code when it is loaded."""

    def __reduce__(self) -> Any:
        return (Path(BURST).touch, ())


BURST = "/nonexistent/burst"


def _edit(**changes: Any) -> Callable[[Path], None]:
    def edit(model: Path) -> None:
        path = model.with_suffix(".json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def _forget(key: str) -> Callable[[Path], None]:
    def edit(model: Path) -> None:
        path = model.with_suffix(".json")
        about = json.loads(path.read_text())
        del about[key]
        path.write_text(json.dumps(about))

    return edit


def _write(text: str) -> Callable[[Path], None]:
    return lambda model: model.with_suffix(".json").write_text(text)  # type: ignore[return-value]


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no JSON": (lambda model: model.with_suffix(".json").unlink(), "has no '.*json' beside it"),
    "a JSON cut short": (_write('{"format": '), "is damaged"),
    "a JSON of another program": (_write("[1, 2]"), "is not of the format"),
    "deep nesting": (_write("[" * 100_000), "is damaged"),
    "no hash": (_forget("sha256"), "holds no SHA-256"),
    "an empty list of hashes": (_edit(sha256={}), "holds no SHA-256"),
    "a hash that is none": (_edit(sha256={"a": 5}), "holds no SHA-256"),
    "a path for a name": (_edit(sha256={"../../a": "0" * 64}), "holds no SHA-256"),
    "an absolute path": (_edit(sha256={"/etc/passwd": "0" * 64}), "holds no SHA-256"),
    "a file that is not there": (_edit(sha256={"lost.joblib": "0" * 64}), "cannot be read"),
    "another model": (lambda model: joblib.dump(Bomb(), model), "its SHA-256 is not the one"),
    "no features": (_edit(features=[]), "lists no features"),
    "features of another form": (_edit(features=["g"]), "does not say what it must"),
    "an operation that is none": (
        _edit(features=[{"name": "a", "columns": ["g", "r"], "operation": "; DROP"}]),
        "does not say what it must",
    ),
    "stand-ins that are no numbers": (
        _edit(values_read_as_missing={"g": ["x"]}),
        "does not say what it must",
    ),
    "fewer features than the model takes": (
        _edit(features=[{"name": "g", "columns": ["g"], "operation": ""}]),
        "is not of the 1 features",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_model_that_is_not_what_it_says_is_not_applied(
    case: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    burst = tmp_path / "burst"
    monkeypatch.setattr(sys.modules[__name__], "BURST", str(burst))
    spoil, said = REFUSED[case]
    spoil(model)
    out = tmp_path / "out.csv"
    assert score(model, "--catalogue", catalogue_file(tmp_path), "--out", out) == 2
    told = capsys.readouterr()
    assert re.search(said, told.err)
    assert "Traceback" not in told.err
    assert not burst.exists()
    assert not out.exists()


def test_a_file_that_is_no_bundle_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and no more")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as bundle:
        bundle.writestr("x.txt", "x")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as bundle:
        bundle.writestr("x.json", json.dumps(
            {"format": "Sextant model 1", "sha256": {"x.joblib": "0" * 64}}))  # fmt: skip
    for name in ("a.zip", "b.zip", "c.zip", "lost.zip", "lost.joblib"):
        assert score(tmp_path / name, "--catalogue", "x.csv", "--out", tmp_path / "o.csv") == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "model" in told


# -- the manual ------------------------------------------------------------------------------------


def blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S)


def test_the_manual_gives_the_projects_own_probabilities(
    project: Project, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue_file(model.parent, "other.fits")
    monkeypatch.chdir(model.parent)
    first, *_ = blocks(ROOT / "docs" / "using_a_model.md")
    names: dict[str, Any] = {}
    exec(first, names)
    expected = rows_of(exporting.predictions_of(LabellingSession(project, "Bob")))
    np.testing.assert_array_almost_equal_nulp(
        names["probability"].astype(np.float32),
        np.array([row["probability_QSO"] for row in expected], np.float32),
        2,
    )
    assert (names["prediction"] == "Qso").tolist() == [row["predicted_QSO"] for row in expected]


def test_the_manual_averages_a_committee(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project, members=(SMALL_FOREST, MemberSetup("knn", "margin")))
    folder = taken(session, tmp_path / "model")
    monkeypatch.chdir(folder.parent)
    _, second, *_ = blocks(ROOT / "docs" / "using_a_model.md")
    X = project.dataset().rows(np.arange(N_ROWS)).astype(np.float64)
    about = json.loads(folder.with_name(f"{folder.name}.json").read_text())
    names: dict[str, Any] = {
        "stem": folder.name, "about": about, "X": X, "joblib": joblib, "np": np,
    }  # fmt: skip
    exec(second, names)
    expected = rows_of(exporting.predictions_of(session))
    np.testing.assert_allclose(
        names["probability"], [row["probability_QSO"] for row in expected], rtol=1e-6, atol=1e-12
    )
