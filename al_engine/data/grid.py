"""The index of two axes: which objects lie in a part of the plane, without looking at all.

Owns the order of objects by the cell of a grid that they lie in.  Must not know files, or what is
drawn of an object.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from al_engine.data.mapped import New, Room, Sort, open_mapped

Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]
Range = tuple[float, float]

_GRIDS = Sort(".grid", np.uint32, 12)
OBJECTS_A_CELL = 32  # finer cells read a little less of a deep zoom and take longer to look up
MOST_CELLS_ACROSS = 1024
_FURTHEST = float(np.finfo(np.float32).max)
SAMPLE_ROWS = 200_000  # tell where the edges of cells should be
ROWS_AT_ONCE = 65_536

_FORM = "1"  # of the file; another one gets other names
_NOWHERE = np.uint64(2**64 - 1)  # sorts behind every cell


@dataclass(frozen=True)
class Places:
    """Some objects, by row, and where they lie; three arrays of shape (n,)."""

    rows: Words
    x: Floats
    y: Floats


@dataclass(frozen=True)
class Grid:
    """All objects that have a place, cell after cell and by row within each.

    Cells are counted row by row of the grid from the lowest y, each row from the lowest x.
    A value lies in the cell whose number is how many ``edges`` are not above it; edges follow the
    values themselves, so that neither clumps nor wild values crowd into a few cells.  The places
    of cell ``i`` begin at ``starts[i]`` and end before ``starts[i + 1]``.
    """

    x_edges: Floats
    y_edges: Floats
    starts: Words
    places: Places

    def count(self, x_range: Range, y_range: Range) -> int:
        """How many objects :meth:`within` gives."""
        first, last = self._spans(x_range, y_range)
        return int((last - first).sum())

    def within(self, x_range: Range, y_range: Range) -> Places:
        """Every object of a part of the plane, both ends counted in, and a few beside it."""
        spans = [slice(*span) for span in zip(*self._spans(x_range, y_range), strict=True)]
        held = self.places
        return Places(
            *(np.concatenate([of[s] for s in spans]) for of in (held.rows, held.x, held.y))
        )

    def _spans(
        self, x_range: Range, y_range: Range
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """First place, and the one after the last, in each row of cells that is touched."""
        left, right = np.searchsorted(self.x_edges, np.asarray(x_range, np.float64), "right")
        low, high = np.searchsorted(self.y_edges, np.asarray(y_range, np.float64), "right")
        row = np.arange(low, high + 1) * (len(self.x_edges) + 1)
        first, last = self.starts[row + left], self.starts[row + right + 1]
        return first.astype(np.int64), last.astype(np.int64)


def look_through(x: Floats, y: Floats, x_range: Range, y_range: Range) -> Places:
    """Every object of a part of the plane, by row, both ends counted in: a look at all of them."""
    # As numbers of the arrays' own kind, rounded: of a few million, each look counts.
    (left, right), (low, high) = np.clip([x_range, y_range], -_FURTHEST, _FURTHEST).astype("f4")
    inside = (x >= left) & (x <= right) & (y >= low) & (y <= high)
    rows = np.flatnonzero(inside)
    return Places(rows.astype(np.uint32), x[rows], y[rows])


def open_grid(
    folder: Path,
    made_of: Sequence[str],
    x: Floats,
    y: Floats,
    room: Room = lambda n_bytes: None,
) -> Grid:
    """Map the index of two axes, making its file first where there is none.

    Parameters
    ----------
    made_of : the fingerprint of the data, the SQL of x and of y
    x, y : shape (n_rows,); an object without both has no place
    """
    words = open_mapped(
        folder,
        _GRIDS,
        (_FORM, *made_of),
        lambda a: _is_whole(a, len(x)),
        lambda new: _write(new, x, y),
        room,
    )
    x_edges, y_edges, starts, rows, places_x, places_y = _parts(words)
    real = np.float32
    places = Places(rows, places_x.view(real), places_y.view(real))
    return Grid(np.array(x_edges.view(real)), np.array(y_edges.view(real)), starts, places)


# -- the file: one array of 32-bit words, how much there is of everything first ------------------

_HEAD = 4


def _parts(words: Words) -> tuple[Words, ...]:
    """Edges of x and y, starts, rows, x and y, all as words."""
    _, n_x, n_y, n_places = (int(n) for n in words[:_HEAD])
    sizes = (n_x, n_y, (n_x + 1) * (n_y + 1) + 1, n_places, n_places, n_places)
    if len(words) != _HEAD + sum(sizes):
        raise ValueError("Not an index, or not all of it.")
    return tuple(np.split(words[_HEAD:], np.cumsum(sizes)[:-1]))


def _is_whole(words: Words, n_rows: int) -> bool:
    if words.ndim != 1 or len(words) < _HEAD or words[0] != n_rows:
        return False
    _, _, starts, rows, _, _ = _parts(words)
    return bool(starts[-1] == len(rows))


def _write(new: New, x: Floats, y: Floats) -> None:
    n_across = min(MOST_CELLS_ACROSS, max(1, int((len(x) / OBJECTS_A_CELL) ** 0.5)))
    edges = [_edges(values, n_across) for values in (x, y)]
    keys = _sorted_keys(x, y, *edges)
    n_places = int(np.searchsorted(keys, _NOWHERE))
    n_cells = (len(edges[0]) + 1) * (len(edges[1]) + 1)
    size = _HEAD + sum(map(len, edges)) + n_cells + 1 + 3 * n_places
    words = new((size,))
    words[:_HEAD] = len(x), len(edges[0]), len(edges[1]), n_places
    x_edges, y_edges, starts, rows, places_x, places_y = _parts(words)
    x_edges[:], y_edges[:] = (of.view(np.uint32) for of in edges)
    starts[:] = np.searchsorted(keys, np.arange(n_cells + 1, dtype=np.uint64) << np.uint64(32))
    rows[:] = keys[:n_places].astype(np.uint32)  # the lower half
    del keys
    places_x.view(np.float32)[:] = x[rows]
    places_y.view(np.float32)[:] = y[rows]


def _edges(values: Floats, n_across: int) -> Floats:
    """Values that share a column out evenly, ascending, each once."""
    sample = values[:: max(1, len(values) // SAMPLE_ROWS)]
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return np.empty(0, np.float32)
    shares = np.arange(1, n_across) / n_across
    return np.unique(np.quantile(sample, shares, method="lower")).astype(np.float32)


def _sorted_keys(x: Floats, y: Floats, x_edges: Floats, y_edges: Floats) -> npt.NDArray[np.uint64]:
    """Cell and row of each object in one number, in order; those without a place at the end."""
    keys = np.empty(len(x), np.uint64)

    def fill(first: int) -> None:
        some = slice(first, first + ROWS_AT_ONCE)
        cell = np.searchsorted(y_edges, y[some], "right") * (len(x_edges) + 1)
        cell += np.searchsorted(x_edges, x[some], "right")
        key = (cell.astype(np.uint64) << np.uint64(32)) + np.arange(
            first, first + len(cell), dtype=np.uint64
        )
        key[~(np.isfinite(x[some]) & np.isfinite(y[some]))] = _NOWHERE
        keys[some] = key

    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="grid") as pool:
        for _ in pool.map(fill, range(0, len(x), ROWS_AT_ONCE)):
            pass  # what went wrong in a thread is raised here
    keys.sort()
    return keys
