"""The index of two axes: nothing in view is missed, and never a stale or torn file is read."""

from pathlib import Path

import numpy as np
import pytest

from al_engine.data.grid import _GRIDS, Grid, open_grid
from al_engine.views.raster import View, category_counts

N_ROWS = 70_000  # more than are sorted at once


def columns() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Two axes of many shapes, float32."""
    rng = np.random.default_rng(3)
    even, clumped = rng.random((2, N_ROWS)), rng.normal(0, 1e-3, (2, N_ROWS))
    clumped[:, ::10] = rng.normal(50, 20, (2, N_ROWS // 10))
    holes = rng.normal(size=(2, N_ROWS))
    holes[0, rng.random(N_ROWS) < 0.3] = np.nan
    holes[1, rng.random(N_ROWS) < 0.3] = np.nan
    wild = rng.normal(size=(2, N_ROWS))
    wild[0, ::50], wild[1, ::70], wild[1, 7] = -9999, 1e30, -1e30
    line = np.sort(rng.normal(size=N_ROWS))
    whole = rng.integers(0, 4, (2, N_ROWS))
    nothing = np.full(N_ROWS, np.nan)
    made = {
        "even": even,
        "clumped": clumped,
        "with holes": holes,
        "with wild values": wild,
        "on a line": (line, line),
        "whole numbers": whole,
        "one constant": (np.full(N_ROWS, 7.0), even[0]),
        "all alike": (np.full(N_ROWS, 7.0), np.full(N_ROWS, -2.0)),
        "nowhere": (nothing, even[0]),
        "few": even[:, :5],
        "none": even[:, :0],
    }
    return {k: (np.float32(x), np.float32(y)) for k, (x, y) in made.items()}


COLUMNS = columns()


def index(folder: Path, x: np.ndarray, y: np.ndarray, data: str = "data") -> Grid:
    return open_grid(folder, [data, '"x"', '"y"'], x, y)


def views(x: np.ndarray, y: np.ndarray) -> list[View]:
    """The whole plane, an empty part, windows wide and narrow, windows from object to object."""
    made = [((-1e31, 1e31), (-1e31, 1e31)), ((3e8, 4e8), (3e8, 4e8))]
    rng = np.random.default_rng(4)
    placed = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    for _ in range(15 if len(placed) else 0):
        one, other = rng.choice(placed, 2)
        x0, y0 = float(x[one]), float(y[one])
        span = 10.0 ** rng.uniform(-5, 3)
        made.append(((x0 - span, x0 + span / 3), (y0 - span / 2, y0 + span)))
        to_other = [sorted((float(v[one]), float(v[other]))) for v in (x, y)]
        if all(low < high for low, high in to_other):
            made.append((tuple(to_other[0]), tuple(to_other[1])))
    return [View(x_range, y_range, 30, 20) for x_range, y_range in made]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_picture_of_what_the_index_finds_in_view_is_the_picture_of_all(
    name: str, tmp_path: Path
) -> None:
    x, y = COLUMNS[name]
    codes = (np.arange(len(x)) % 4).astype(np.uint8)  # one in four is hidden
    grid = index(tmp_path, x, y)
    for view in views(x, y):
        found = grid.within(view.x_range, view.y_range)
        counts = category_counts(found.x, found.y, codes[found.rows], 3, view)
        np.testing.assert_array_equal(counts, category_counts(x, y, codes, 3, view))
        assert grid.count(view.x_range, view.y_range) == len(found.rows)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_object_that_has_a_place_stands_in_the_index_once_with_its_place(
    name: str, tmp_path: Path
) -> None:
    x, y = COLUMNS[name]
    held = index(tmp_path, x, y).places
    np.testing.assert_array_equal(np.sort(held.rows), np.flatnonzero(np.isfinite(x + y)))
    np.testing.assert_array_equal(held.x, x[held.rows])
    np.testing.assert_array_equal(held.y, y[held.rows])


@pytest.mark.parametrize("name", ["even", "clumped", "with wild values", "on a line"])
def test_what_lies_close_together_is_found_without_reading_much(name: str, tmp_path: Path) -> None:
    x, y = COLUMNS[name]
    grid = index(tmp_path, x, y)
    (left, right), (low, high) = (np.quantile(v[:1000], [0.4, 0.401]) for v in (x, y))
    asked = (float(left), float(right)), (float(low), float(high))
    inside = (x >= left) & (x <= right) & (y >= low) & (y <= high)
    assert grid.count(*asked) <= inside.sum() + N_ROWS // 20


def test_an_index_is_made_once_and_leaves_one_file(tmp_path: Path) -> None:
    x, y = COLUMNS["even"]
    index(tmp_path, x, y)
    (file,) = tmp_path.iterdir()
    made = file.stat().st_ino
    index(tmp_path, x, y)
    assert [f.stat().st_ino for f in tmp_path.iterdir()] == [made]


def test_other_data_or_other_axes_get_an_index_of_their_own(tmp_path: Path) -> None:
    x, y = COLUMNS["even"]
    index(tmp_path, x, y)
    other = index(tmp_path, x + 1, y, "other data")
    turned = open_grid(tmp_path, ["data", '"y"', '"x"'], y, x)
    assert len(list(tmp_path.iterdir())) == 3
    assert other.places.x.min() >= 1
    np.testing.assert_array_equal(turned.places.x, y[turned.places.rows])


@pytest.mark.parametrize("n_bytes", [0, 3, 60, 128, 131, 200, 5000, -4])
def test_a_torn_file_is_made_again(n_bytes: int, tmp_path: Path) -> None:
    x, y = COLUMNS["with holes"]
    expected = np.array(index(tmp_path, x, y).places.rows)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:n_bytes])
    np.testing.assert_array_equal(index(tmp_path, x, y).places.rows, expected)


@pytest.mark.parametrize(
    "strange",
    [
        np.zeros((2, 8), np.uint32),
        np.zeros(100),
        np.zeros(0, np.uint32),
        np.zeros(3, np.uint32),
        np.array([N_ROWS, 0, 0, 1, 0, 0, 0, 0, 0], np.uint32),
        np.array([N_ROWS, 2**32 - 1, 2**32 - 1, 1, 0, 0, 0, 0, 0], np.uint32),
        np.array([5, 0, 0, 0, 0, 0], np.uint32),
    ],
)
def test_a_file_that_is_no_index_of_these_data_is_made_again(
    strange: np.ndarray, tmp_path: Path
) -> None:
    x, y = COLUMNS["even"]
    expected = np.array(index(tmp_path, x, y).places.rows)
    (file,) = tmp_path.iterdir()
    with file.open("wb") as written:
        np.save(written, strange)
    np.testing.assert_array_equal(index(tmp_path, x, y).places.rows, expected)


def test_indexes_of_axes_long_not_looked_at_are_removed(tmp_path: Path) -> None:
    x, y = COLUMNS["few"]
    for i in range(_GRIDS.n_kept + 3):
        index(tmp_path, x, y, f"data {i}")
    assert len(list(tmp_path.iterdir())) == _GRIDS.n_kept


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    half = tmp_path / "0123.grid.part"
    half.write_bytes(b"half")
    index(tmp_path, *COLUMNS["few"])
    assert not half.exists()
