"""The feature matrix on disk: equal to numpy's, and never a stale or torn one."""

import errno
import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import HOSTILE, N_ROWS, survey_config, survey_values

from al_engine.data import matrix as matrix_module
from al_engine.data.catalogue import Catalogue
from al_engine.data.features import feature_sql, list_features
from al_engine.data.matrix import open_column, open_matrix
from al_engine.errors import ProjectError, PublicServerError

Build = Callable[..., Catalogue]


def open_columns(folder: Path, catalogue: Catalogue, expressions: list[str]) -> np.ndarray:
    """The matrix in the order of the catalogue's rows."""
    X = open_matrix(folder, catalogue, expressions)
    return X.columns[:, X.place_of]


def test_the_matrix_equals_numpy_in_double_precision_then_float32(
    survey: Catalogue, tmp_path: Path
) -> None:
    columns = [
        survey_values()[name].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in ("g", "r", "G", HOSTILE)
    ]
    differences = [a - b for a, b in combinations(columns, 2)]
    expected = np.array([*columns, *differences]).astype(np.float32)
    features = list_features(survey_config().features)
    X = open_columns(tmp_path, survey, [feature_sql(f, survey, {}) for f in features])
    np.testing.assert_array_equal(X, expected)
    assert X.dtype == np.float32
    assert X.shape == (10, N_ROWS)
    for i, feature in enumerate(features[:2]):
        column = open_column(tmp_path, survey, feature_sql(feature, survey, {}))
        np.testing.assert_array_equal(column, expected[i])
        assert not column.flags.writeable


def test_what_is_not_finite_is_missing(catalogue_of: Build, tmp_path: Path) -> None:
    catalogue = catalogue_of(
        {"a": pa.array([1.0, 0.0, 1e200, float("inf"), None]), "zero": pa.array([0.0] * 5)}
    )
    X = open_columns(tmp_path, catalogue, ['"a" / "zero"', '"a"', '"a" * "a"'])
    assert np.isnan(X[0]).all()
    np.testing.assert_array_equal(np.isfinite(X[1]), [True, True, False, False, False])
    np.testing.assert_array_equal(np.isfinite(X[2]), [True, True, False, False, False])


def test_a_matrix_is_made_once_and_leaves_one_file(survey: Catalogue, tmp_path: Path) -> None:
    open_columns(tmp_path, survey, ['"g"'])
    (file,) = tmp_path.iterdir()
    made = file.stat().st_ino
    open_columns(tmp_path, survey, ['"g"'])
    assert [f.stat().st_ino for f in tmp_path.iterdir()] == [made]


@pytest.mark.parametrize("n_bytes", [0, 3, 60, 128, 200, -1])
def test_a_torn_file_is_made_again(survey: Catalogue, tmp_path: Path, n_bytes: int) -> None:
    expected = np.array(open_columns(tmp_path, survey, ['"g"', '"r"']))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:n_bytes])
    np.testing.assert_array_equal(open_columns(tmp_path, survey, ['"g"', '"r"']), expected)


@pytest.mark.parametrize(
    "content", [b"garbage" * 100, b"\x93NUMPY\x01\x00\x10\x00{'descr': ((((( "]
)
def test_a_file_that_is_no_matrix_is_made_again(
    survey: Catalogue, tmp_path: Path, content: bytes
) -> None:
    expected = np.array(open_columns(tmp_path, survey, ['"g"']))
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    np.testing.assert_array_equal(open_columns(tmp_path, survey, ['"g"']), expected)


def test_a_file_of_another_shape_or_kind_is_made_again(survey: Catalogue, tmp_path: Path) -> None:
    expected = np.array(open_columns(tmp_path, survey, ['"g"']))
    (file,) = tmp_path.iterdir()
    for strange in (np.zeros((2, N_ROWS), np.float32), np.zeros((3, N_ROWS))):
        with file.open("wb") as torn:
            np.save(torn, strange)
        np.testing.assert_array_equal(open_columns(tmp_path, survey, ['"g"']), expected)


def test_other_data_under_the_same_settings_get_a_matrix_of_their_own(
    catalogue_of: Build, tmp_path: Path
) -> None:
    first, second = (catalogue_of({"a": pa.array([value])}) for value in (1.0, 2.0))
    assert open_columns(tmp_path, first, ['"a"']).tolist() == [[1.0]]
    assert open_columns(tmp_path, second, ['"a"']).tolist() == [[2.0]]


def test_what_a_killed_process_left_half_written_is_removed(
    survey: Catalogue, tmp_path: Path
) -> None:
    half = tmp_path / "0123.features.part"
    half.write_bytes(b"half")
    open_columns(tmp_path, survey, ['"g"'])
    assert not half.exists()


# -- sorted by nearness --


def test_the_matrix_holds_every_object_once_wherever_it_stands(
    survey: Catalogue, tmp_path: Path
) -> None:
    expected = np.array([open_column(tmp_path, survey, name) for name in ('"g"', '"r"')])
    X = open_matrix(tmp_path, survey, ['"g"', '"r"'])
    np.testing.assert_array_equal(X.columns, expected[:, X.row_at])
    np.testing.assert_array_equal(X.columns[:, X.place_of], expected)
    rows = np.array([7, 0, N_ROWS - 1])
    np.testing.assert_array_equal(X.take(rows), expected[:, rows].T)
    assert not X.columns.flags.writeable


def test_runs_are_sorted_each_by_itself(
    survey: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix_module, "RUN_ROWS", 100)
    X = open_matrix(tmp_path, survey, ['"g"', '"r"'])
    expected = np.array([open_column(tmp_path, survey, name) for name in ('"g"', '"r"')])
    np.testing.assert_array_equal(X.columns[:, X.place_of], expected)
    assert all((X.row_at[i : i + 100] // 100 == i // 100).all() for i in range(0, N_ROWS, 100))


@pytest.mark.parametrize("n_bytes", [0, 60, 128, 1000, -1])
def test_a_sorted_matrix_cut_short_is_made_again(
    survey: Catalogue, tmp_path: Path, n_bytes: int
) -> None:
    expected = np.array(open_matrix(tmp_path, survey, ['"g"', '"r"']).columns)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:n_bytes])
    X = open_matrix(tmp_path, survey, ['"g"', '"r"'])
    np.testing.assert_array_equal(X.columns, expected)
    assert sorted(X.row_at) == list(range(N_ROWS))


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    survey: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(ProjectError, match="No space left"):
        open_matrix(tmp_path, survey, ['"g"'])
    assert list(tmp_path.iterdir()) == []


def test_all_room_is_taken_before_anything_is_written(survey: Catalogue, tmp_path: Path) -> None:
    open_matrix(tmp_path, survey, ['"g"'])
    (file,) = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= file.stat().st_size


def test_where_the_system_cannot_take_room_the_file_is_filled(
    survey: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = np.array(open_columns(tmp_path, survey, ['"g"']))
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    (tmp_path / "twin").mkdir()
    np.testing.assert_array_equal(open_columns(tmp_path / "twin", survey, ['"g"']), expected)


def test_nothing_is_made_for_a_project_that_is_gone(survey: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(ProjectError):
        open_matrix(tmp_path / "gone" / "matrix", survey, ['"g"'])
    assert not (tmp_path / "gone").exists()


def test_an_array_that_there_is_no_room_for_is_refused_before_it_is_written(
    tmp_path: Path, survey: Catalogue
) -> None:
    asked: list[int] = []

    def none(n_bytes: int) -> None:
        asked.append(n_bytes)
        raise PublicServerError("There is no room.")

    with pytest.raises(PublicServerError):
        open_matrix(tmp_path, survey, ['"g"', '"r"'], none)
    assert asked == [4 * 4 * survey.n_rows]
    assert list(tmp_path.iterdir()) == []


def test_arrays_that_can_be_made_again_go_for_one_that_is_wanted(
    tmp_path: Path, survey: Catalogue
) -> None:
    for name in ("g", "r", "z"):
        open_column(tmp_path, survey, f'"{name}"')

    def room(n_bytes: int) -> None:
        if len(list(tmp_path.iterdir())) > 1:
            raise PublicServerError("There is no room.")

    column = open_column(tmp_path, survey, '"g" - "r"', room)
    assert len(column) == survey.n_rows
    assert len(list(tmp_path.iterdir())) == 2
