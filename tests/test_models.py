"""Saved models: found under their names, opened by joblib alone, whole or not at all."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from conftest import SMALL_FOREST, small_setup, survey_values

from al_engine.background import BACKGROUND
from al_engine.curating.models import checkpoint, is_checkpointed
from al_engine.exchange.models import (
    checkpoint_stem,
    find_models,
    model_stem,
    safe_name,
    save_model,
)
from al_engine.learning.learners import LearnerSpec, Member
from al_engine.loop.fitting import learner_spec
from al_engine.projects.opening import close_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ClassifierSetup, MemberSetup

Open = Callable[[Path], Project]
COMMITTEE = small_setup(members=(SMALL_FOREST, MemberSetup("knn", "margin")))


def begin(project: Project, setup: ClassifierSetup | None = None) -> LabellingSession:
    session = LabellingSession(project, "Ada")
    session.start("QSO", setup or small_setup())
    BACKGROUND.wait(project)
    return session


def answer(session: LabellingSession, kind: Any = "answer") -> State:
    state = session.state("QSO")
    assert state.question is not None
    label = ("GALAXY", "QSO", "STAR")[state.question.row % 3] if kind == "answer" else None
    after = session.answer("QSO", state.question.row, kind, label, token=state.token)
    BACKGROUND.wait(session.project)
    return after


def files(project: Project) -> list[str]:
    return sorted(str(p.relative_to(project.folder / "models"))
                  for p in (project.folder / "models").rglob("*") if p.is_file())  # fmt: skip


# -- names ---------------------------------------------------------------------------------------


def test_a_model_is_named_after_label_classifier_and_strategy() -> None:
    one = LearnerSpec((Member("random_forest", {}, "uncertainty"),))
    two = LearnerSpec((Member("random_forest", {}, "uncertainty"), Member("knn", {}, "margin")))
    assert model_stem("QSO", one) == "QSO-RandomForest_Uncertainty"
    assert model_stem("0", two) == "0-RandomForest_Uncertainty_KNN_Margin"


def test_a_checkpoint_says_points_score_and_time() -> None:
    when = datetime(2026, 3, 4, 5, 6, 7)
    assert (
        checkpoint_stem("QSO-KNN_Margin", 25, 87, when) == "QSO-KNN_Margin-25-87-20260304_05:06:07"
    )
    assert checkpoint_stem("s", 5, None, when) == "s-5-na-20260304_05:06:07"


def test_a_checkpoint_on_windows_has_a_name_without_colons(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as windows:
        windows.setattr("os.name", "nt")
        stem = checkpoint_stem("QSO-KNN_Margin", 25, 87, datetime(2026, 3, 4, 5, 6, 7))
    assert stem == "QSO-KNN_Margin-25-87-20260304_05-06-07"


@pytest.mark.parametrize("label", ["QSO", "0", "2.5", "a_b", "M+N"])
def test_a_plain_label_is_its_own_name(label: str) -> None:
    assert safe_name(label) == label


def test_labels_that_no_file_can_be_called_are_made_safe_and_kept_apart() -> None:
    labels = ["a/b", "a\\b", "a:b", "-1", "..", ".", "", "Hα", "Hβ", "x" * 300, "x" * 301, "a b"]
    names = [safe_name(label) for label in labels]
    assert len(set(names)) == len(labels)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_+][A-Za-z0-9._+]*~[0-9a-f]{6}", name)
        assert len(name) < 70


# -- files ---------------------------------------------------------------------------------------


def test_the_model_of_the_present_round_is_saved_after_each(project: Project) -> None:
    session = begin(project)
    names = ["QSO-RandomForest_Uncertainty.joblib", "QSO-RandomForest_Uncertainty.json"]
    assert files(project) == names
    for n in (6, 7):
        answer(session)
        assert files(project) == names
        beside = json.loads((project.folder / "models" / names[1]).read_text())
        assert beside["n_labelled"] == n


def test_a_committee_is_a_folder_of_its_members(project: Project) -> None:
    session = begin(project, COMMITTEE)
    stem = "QSO-RandomForest_Uncertainty_KNN_Margin"
    expected = [f"{stem}.json", f"{stem}/0-random_forest.joblib", f"{stem}/1-knn.joblib"]
    assert files(project) == expected
    state = answer(session)
    assert files(project) == expected
    X = project.dataset().rows(np.arange(project.dataset().n_rows))
    members = [joblib.load(project.folder / "models" / name) for name in expected[1:]]
    mean = np.mean([member.predict_proba(X)[:, 1] for member in members], axis=0)
    assert state.fit is not None
    scored = ~np.isnan(state.fit.proba)
    np.testing.assert_allclose(mean[scored], state.fit.proba[scored], rtol=1e-6, atol=1e-30)


LOADED_ALONE = """
import sys
import joblib, numpy
pipeline = joblib.load(sys.argv[1])
assert not any(name.split(".")[0] in ("al_engine", "modAL", "streamlit") for name in sys.modules)
numpy.save(sys.argv[3], pipeline.predict_proba(numpy.load(sys.argv[2])))
"""


@pytest.mark.parametrize("model", ["random_forest", "logistic_regression"])
def test_a_saved_model_needs_joblib_and_scikit_learn_only(
    project: Project, tmp_path: Path, model: str
) -> None:
    params = {"n_estimators": 10} if model == "random_forest" else {}
    session = begin(project, small_setup(members=(MemberSetup(model, "uncertainty", params),)))
    state = answer(session)
    (path,) = (project.folder / "models").glob("*.joblib")
    rows = np.flatnonzero(~np.isnan(state.fit.proba))  # type: ignore[union-attr]
    np.save(tmp_path / "X.npy", project.dataset().rows(rows).astype(np.float64))
    subprocess.run(
        [sys.executable, "-I", "-c", LOADED_ALONE, path, tmp_path / "X.npy", tmp_path / "p.npy"],
        cwd=tmp_path,
        check=True,
    )
    proba = np.load(tmp_path / "p.npy")[:, 1]
    # What the model file says and what the page showed, but for the last place of float32.
    np.testing.assert_array_max_ulp(proba.astype(np.float32), state.fit.proba[rows], 1)  # type: ignore[union-attr]


def test_the_json_says_everything_about_the_model(project: Project) -> None:
    session = begin(project)
    state = answer(session)
    found = find_models(project.folder / "models", "QSO-RandomForest_Uncertainty")
    assert found is not None
    path, about = found
    assert path.name == "QSO-RandomForest_Uncertainty.joblib"
    assert about["classes"] == {"0": "not Qso", "1": "Qso"}
    assert [(f["name"], f["formula"]) for f in about["features"]][:5] == [
        ("g", "g"), ("r", "r"), ("G", "G"),
        ('a"b; DROP TABLE catalogue', 'a"b; DROP TABLE catalogue'), ("g-r", "g - r"),
    ]  # fmt: skip
    assert about["values_read_as_missing"] == {"z": [-9999.0]}
    assert about["members"] == [
        {"model": "random_forest", "strategy": "uncertainty", "params": {"n_estimators": 10}}
    ]
    assert state.scores is not None
    assert about["scores"] == json.loads(json.dumps(state.scores.to_dict()))
    names = survey_values()["name"].to_pylist()
    assert {used["id"]: used["label"] for used in about["labels_used"]} == {
        names[row]: label for row, label in state.history.trained.items()
    }
    assert (about["seed"], about["n_labelled"]) == (0, 6)
    assert about["data_fingerprint"] == project.catalogue.fingerprint
    assert set(about["versions"]) == {"python", "scikit-learn", "numpy", "joblib"}
    assert list(about["sha256"]) == [path.name]
    assert datetime.fromisoformat(about["saved_at"]).tzinfo is not None


def test_the_scores_beside_a_model_follow_a_correction(project: Project) -> None:
    session = begin(project)
    dataset = project.dataset()
    row = int(np.flatnonzero((dataset.parts == 1) & (dataset.codes == 1))[0])
    state = session.answer("QSO", row, "answer", "STAR", token=session.state("QSO").token)
    BACKGROUND.wait(project)
    found = find_models(project.folder / "models", "QSO-RandomForest_Uncertainty")
    assert found is not None
    assert state.scores is not None
    assert found[1]["scores"] == json.loads(json.dumps(state.scores.to_dict()))


# -- checkpoints ---------------------------------------------------------------------------------


def test_a_checkpoint_stays_when_later_rounds_are_saved(project: Project) -> None:
    session = begin(project)
    state = answer(session)
    path = checkpoint(session, "QSO")
    f1 = state.scores.validation.f1.value  # type: ignore[union-attr]
    pattern = rf"QSO-RandomForest_Uncertainty-6-{round(100 * f1)}-\d{{8}}_\d\d:\d\d:\d\d\.joblib"  # type: ignore[operator]
    assert re.fullmatch(pattern, path.name)
    kept = path.read_bytes()
    answer(session)
    assert path.read_bytes() == kept
    assert len(files(project)) == 4


def test_a_round_knows_whether_it_has_a_checkpoint(survey_folder: Path, opened: Open) -> None:
    project = opened(survey_folder)
    session = begin(project)
    state = session.state("QSO")
    assert not is_checkpointed(session, state)
    checkpoint(session, "QSO")
    assert is_checkpointed(session, state)
    assert is_checkpointed(session, answer(session, "unsure")), "still the same round"
    after = answer(session)
    assert not is_checkpointed(session, after)
    assert is_checkpointed(session, session.undo("QSO", token=after.token))
    close_project(survey_folder)
    again = LabellingSession(opened(survey_folder), "Ada")
    assert is_checkpointed(again, again.state("QSO"))


def test_a_large_committee_is_saved_and_checkpointed_under_a_name_of_its_own(
    project: Project,
) -> None:
    ten = tuple(
        MemberSetup("hist_gradient_boosting", "uncertainty", {"max_iter": 1}) for _ in range(9)
    )
    setups = [small_setup(members=(*ten, MemberSetup("knn", s, {}))) for s in ("margin", "entropy")]
    specs = [learner_spec(setup, 0) for setup in setups]
    stems = {model_stem("QSO", spec) for spec in specs}
    assert len(stems) == 2
    assert stems == {model_stem("QSO", spec) for spec in specs}
    assert model_stem("STAR", specs[0]) not in stems
    session = begin(project, setups[0])
    path = checkpoint(session, "QSO")
    assert path.name.startswith(f"{model_stem('QSO', specs[0])}-5-")
    assert len(list(path.iterdir())) == 10
    assert is_checkpointed(session, session.state("QSO"))


# -- whole or not at all -------------------------------------------------------------------------


class Unpicklable:
    def __reduce__(self) -> Any:
        raise RuntimeError("the disk is full")


@pytest.mark.parametrize("n_members", [1, 2])
def test_a_write_that_fails_leaves_the_former_model(tmp_path: Path, n_members: int) -> None:
    good: Any = [(f"m{i}", {"weights": np.arange(1000.0)}) for i in range(n_members)]
    path = save_model(tmp_path, "stem", good, {"round_key": "1"})
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    bad: Any = [*good[:-1], ("bad", [np.arange(1e6), Unpicklable()])]
    with pytest.raises(RuntimeError, match="disk is full"):
        save_model(tmp_path, "stem", bad, {"round_key": "2"})
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    found = find_models(tmp_path, "stem")
    assert found == (path, {"round_key": "1", "sha256": found[1]["sha256"]})  # type: ignore[index]


@pytest.mark.parametrize("setup", [small_setup(), COMMITTEE])
def test_missing_torn_and_outdated_models_are_remade_at_opening(
    survey_folder: Path, opened: Open, setup: ClassifierSetup
) -> None:
    project = opened(survey_folder)
    session = begin(project, setup)
    models = project.folder / "models"
    old = {p: p.read_bytes() for p in models.rglob("*") if p.is_file()}
    answer(session)
    wanted = sorted(files(project))
    (beside,) = models.glob("*.json")
    key = json.loads(beside.read_text())["round_key"]

    def remake() -> None:
        close_project(survey_folder)
        LabellingSession(opened(survey_folder), "Ada").restore_models()
        BACKGROUND.wait()
        assert sorted(files(project)) == wanted
        assert json.loads(beside.read_text())["round_key"] == key
        for file in models.rglob("*.joblib"):
            assert joblib.load(file).predict_proba(np.zeros((1, 10))).shape == (1, 2)

    for file in list(models.rglob("*.joblib")):
        file.unlink()
    remake()
    beside.unlink()
    remake()
    beside.write_text('{"round_key": ')
    remake()
    for file, content in old.items():
        file.write_bytes(content)
    remake()
    next(models.rglob("*.joblib")).write_bytes(b"torn")
    remake()


def test_a_good_model_is_not_written_again_at_opening(survey_folder: Path, opened: Open) -> None:
    session = begin(opened(survey_folder))
    answer(session)
    times = [p.stat().st_mtime_ns for p in sorted((survey_folder / "models").iterdir())]
    close_project(survey_folder)
    LabellingSession(opened(survey_folder), "Ada").restore_models()
    BACKGROUND.wait()
    assert [p.stat().st_mtime_ns for p in sorted((survey_folder / "models").iterdir())] == times


class Killed(BaseException):
    """Stands for a process that ends there and then."""


@pytest.mark.parametrize("n_members", [1, 2])
def test_a_model_never_stands_without_its_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_members: int
) -> None:
    members: Any = [(f"m{i}", {"weights": np.arange(9.0)}) for i in range(n_members)]
    replace_file = os.replace

    def kill_after_the_first(source: Path, target: Path) -> None:
        replace_file(source, target)
        raise Killed

    monkeypatch.setattr(os, "replace", kill_after_the_first)
    with pytest.raises(Killed):
        save_model(tmp_path, "stem", members, {"round_key": "1"})
    assert [path.name for path in tmp_path.iterdir()] == ["stem.json"]
    assert find_models(tmp_path, "stem") is None


def test_what_a_killed_save_left_is_swept_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".0123abcd.part", tmp_path / ".4567abcd.part"
    folder, foreign = tmp_path / ".89ab0123.part", tmp_path / ".mine"
    folder.mkdir()
    for path in (old, fresh, foreign, folder / "0-knn.joblib"):
        path.write_bytes(b"x")
    two_hours_ago = time.time() - 7200
    for path in (old, folder, foreign):
        os.utime(path, (two_hours_ago, two_hours_ago))
    save_model(tmp_path, "stem", [("m", {"a": 1})], {})  # type: ignore[list-item]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {fresh.name, foreign.name, "stem.joblib", "stem.json"}
