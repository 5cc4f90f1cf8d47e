"""Columns and ranges in, a picture out: the maps' pixels.

Datashader counts the objects in each pixel, numpy colours the counts and Pillow writes a
palette PNG.  Knows nothing of catalogues, learners or pages.
"""

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from al_engine.views.palette import colour_table, rgb

Array = npt.NDArray[Any]
Range = tuple[float, float]
Number = TypeVar("Number", np.uint8, np.uint32)

HIDDEN = 255  # a category code that is painted nowhere
FAINTEST_ALPHA = 150  # of 255: the emptiest pixel must still be seen
# Numbers of categories that are counted: Datashader compiles for each number anew.
COUNTED = (3, 8, 32, 128)
SAMPLE_ROWS = 500_000  # enough for the 0.1 and 99.9 percentiles
NEAR_PX = 24.0  # how far from a click an object may be


@dataclass(frozen=True)
class View:
    """The part of the plane that a picture shows, and its size."""

    x_range: Range
    y_range: Range
    width_px: int
    height_px: int


def default_range(values: Array, keep: Array | Sequence[float] | None = None) -> Range:
    """The range that shows almost all values and every one of ``keep``.

    Percentiles 0.1 to 99.9 and 5% on each side; missing and infinite values do not count.
    A constant column gets room around its value; nothing finite at all gives (0, 1).
    """
    values = np.asarray(values)
    sample = values[:: -(-values.size // SAMPLE_ROWS) or 1]
    sample = sample[np.isfinite(sample)]
    ends = np.percentile(sample.astype(np.float64), [0.1, 99.9]) if sample.size else np.empty(0)
    wanted = np.asarray([] if keep is None else keep, dtype=np.float64)
    ends = np.concatenate([ends, wanted[np.isfinite(wanted)]])
    if not ends.size:
        return 0.0, 1.0
    low, high = float(ends.min()), float(ends.max())
    margin = 0.05 * (high - low) or 0.05 * abs(low) or 0.5
    return low - margin, high + margin


def category_counts(
    x: Array, y: Array, codes: npt.NDArray[np.uint8], n_categories: int, view: View
) -> npt.NDArray[np.uint32]:
    """Objects of each category in each pixel.

    Parameters
    ----------
    x, y : float, shape (n,); objects with a missing coordinate are left out
    codes : uint8, shape (n,); objects with a code of ``n_categories`` or more are hidden

    Returns
    -------
    uint32, shape (height_px, width_px, n_categories); row 0 is the top of the picture
    """
    if not len(x):
        return np.zeros((view.height_px, view.width_px, n_categories), dtype=np.uint32)
    import datashader as ds  # two seconds, which the first page need not wait for

    n_counted = next((n for n in COUNTED if n >= n_categories), n_categories)
    # Hidden objects are counted too, and dropped after it: cheaper than masking rows.
    shown = np.minimum(codes, n_counted).astype(np.int16)
    categories = pd.Categorical.from_codes(shown, categories=pd.RangeIndex(n_counted + 1))
    frame = pd.DataFrame({"x": x, "y": y, "category": categories}, copy=False)
    counts = _canvas(view).points(frame, "x", "y", ds.count_cat("category")).to_numpy()
    return counts[::-1, :, :n_categories]  # type: ignore[no-any-return]


def paint_categories(
    counts: npt.NDArray[np.uint32],
    colours: Sequence[str],
    mixed: str | None = None,
    spread_px: int | None = None,
) -> bytes:
    """A palette PNG of :func:`category_counts`: colour by category, opacity by crowding.

    Parameters
    ----------
    counts : uint32, shape (h, w, n)
    colours : n colours ``#rrggbb``
    mixed : colour of a pixel that holds both of the first two categories; without it the most
        frequent category gives the colour
    spread_px : each object is painted this many pixels wide; by default 1, more where the
        picture is sparse.  Spreading never changes a pixel that holds an object.
    """
    total, category = _totals(counts, mixed is not None)
    filled = total > 0
    width = _spread_for(filled) if spread_px is None else spread_px
    if width > 1:
        _, around = _totals(_spread(counts, filled, width, np.add), mixed is not None)
        category = np.where(filled, category, around)
        # A mark is as opaque as its object's own pixel, so that lonely ones stay strong.
        total = np.where(filled, total, _spread(total, filled, width, np.maximum))
    palette = [rgb(colour) for colour in (*colours, *([mixed] if mixed else []))]
    n_levels = max(255 // max(len(palette), 1), 1)
    first_of = (1 + np.arange(len(palette)) * n_levels).astype(np.uint8)
    index = (first_of[category] + _equalised(total, n_levels)) * (total > 0)
    alphas = np.linspace(FAINTEST_ALPHA, 255, n_levels) if n_levels > 1 else np.array([255.0])
    table = np.repeat(np.array(palette, dtype=np.uint8).reshape(-1, 3), n_levels, axis=0)
    return _palette_png(index, table, np.tile(np.rint(alphas), len(palette)).astype(np.uint8))


def paint_values(
    x: Array,
    y: Array,
    values: Array,
    view: View,
    colour_map: str = "viridis",
    value_range: Range | None = None,
    spread_px: int | None = None,
) -> bytes:
    """A palette PNG of the highest value in each pixel.

    Objects whose value is missing or infinite are left out.

    ``value_range`` is what the ends of ``colour_map`` stand for; by default the lowest and
    highest value in the picture.  Values outside take the colour of the nearer end.
    """
    highest = _highest(x, y, values, view)
    filled = np.isfinite(highest)
    seen = highest[filled].astype(np.float64)
    if value_range is None:
        value_range = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    low, high = value_range
    share = (seen - low) / ((high - low) or 1.0)
    index = np.zeros(filled.shape, np.uint8)
    index[filled] = 1 + np.rint(254 * np.clip(share, 0, 1))
    width = _spread_for(filled) if spread_px is None else spread_px
    if width > 1:
        index = np.where(filled, index, _spread(index, filled, width, np.maximum))
    table = colour_table(colour_map)[np.rint(np.linspace(0, 255, 255)).astype(int)]
    return _palette_png(index, table, np.full(255, 255, dtype=np.uint8))


def paint_density(counts: npt.NDArray[np.uint32], colour_map: str = "viridis") -> bytes:
    """A palette PNG of how many objects lie in each pixel, by rank among the filled pixels.

    Parameters
    ----------
    counts : uint32, shape (h, w)
    """
    filled = counts > 0
    width = _spread_for(filled) if filled.any() else 1
    if width > 1:
        counts = np.where(filled, counts, _spread(counts, filled, width, np.maximum))
    index = (1 + _equalised(counts, 255).astype(np.uint16)) * (counts > 0)
    table = colour_table(colour_map)[np.rint(np.linspace(0, 255, 255)).astype(int)]
    opaque = np.full(255, 255, dtype=np.uint8)
    return _palette_png(np.minimum(index, 255).astype(np.uint8), table, opaque)


def nearest(
    x: Array, y: Array, x0: float, y0: float, view: View, limit_px: float = NEAR_PX
) -> int | None:
    """The object that stands nearest to (x0, y0) on the screen, within ``limit_px``.

    Of two equally near objects the earlier one is taken.
    """
    (low, high), _ = around(x0, y0, view, limit_px)
    rows = np.flatnonzero((x >= low) & (x <= high))
    x_px, y_px = _scale(view)
    across = (x[rows].astype(np.float64) - x0) * x_px
    along = (y[rows].astype(np.float64) - y0) * y_px
    distance = np.nan_to_num(np.hypot(across, along), nan=np.inf)
    if not rows.size or distance.min() > limit_px:
        return None
    return int(rows[distance.argmin()])


def around(x0: float, y0: float, view: View, reach_px: float) -> tuple[Range, Range]:
    """The ranges of x and y that reach so far around a place on the screen."""
    x_px, y_px = _scale(view)
    return (
        (x0 - reach_px / x_px, x0 + reach_px / x_px),
        (y0 - reach_px / y_px, y0 + reach_px / y_px),
    )


def warm_up() -> None:
    """Compile what the pictures need (some seconds, once a process); safe in a thread."""
    try:
        view = View((0.0, 1.0), (0.0, 1.0), 8, 8)
        x = np.linspace(0, 1, 10, dtype=np.float32)
        for n in COUNTED[:2]:
            counts = category_counts(x, x, np.zeros(10, np.uint8), n, view)
            paint_categories(counts, ("#000000",) * n)
        paint_values(x, x, x, view)
    finally:
        _WARM.set()  # where it failed as well: then the first picture says what is wrong


def is_warm() -> bool:
    """Whether a picture is a matter of milliseconds by now."""
    return _WARM.is_set()


_WARM = threading.Event()


def _scale(view: View) -> tuple[float, float]:
    """Pixels to a unit of x and of y."""
    (left, right), (low, high) = view.x_range, view.y_range
    return view.width_px / ((right - left) or 1.0), view.height_px / ((high - low) or 1.0)


def _canvas(view: View) -> Any:
    import datashader as ds

    return ds.Canvas(view.width_px, view.height_px, view.x_range, view.y_range)


def _highest(x: Array, y: Array, values: Array, view: View) -> npt.NDArray[np.floating[Any]]:
    if not len(x):
        return np.full((view.height_px, view.width_px), np.nan)
    import datashader as ds

    values = np.asarray(values, np.float32)
    if np.isinf(values).any():  # it would hide the others of its pixel
        values = np.where(np.isinf(values), np.float32(np.nan), values)
    frame = pd.DataFrame({"x": x, "y": y, "value": values}, copy=False)
    picture = _canvas(view).points(frame, "x", "y", ds.max("value")).to_numpy()
    return picture[::-1]  # type: ignore[no-any-return]


def _totals(
    counts: npt.NDArray[np.uint32], mark_mixed: bool
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """Objects in each pixel, and its category: the most frequent one, or one more for mixed."""
    # Plane by plane: NumPy is slow along an axis of a few entries.
    planes = [counts[:, :, i] for i in range(counts.shape[2])]
    total, most = planes[0].copy(), planes[0].copy()
    category = np.zeros(total.shape, np.uint8)
    for i, plane in enumerate(planes[1:], 1):
        total += plane
        category[plane > most] = i
        np.maximum(most, plane, out=most)
    if mark_mixed:
        category[(planes[0] > 0) & (planes[1] > 0)] = len(planes)
    return total, category


def _equalised(total: npt.NDArray[np.uint32], n_levels: int) -> npt.NDArray[np.uint8]:
    """Levels 0 to ``n_levels - 1`` by the rank of each filled pixel's count among all."""
    clipped = np.minimum(total, 65_535).astype(np.uint16)
    histogram = np.bincount(clipped.ravel())
    histogram[0] = 0
    filled = np.flatnonzero(histogram)
    if len(filled) < 2:
        return np.full(total.shape, n_levels - 1, np.uint8)
    rank = np.cumsum(histogram) / histogram.sum()
    share = (rank - rank[filled[0]]) / (1 - rank[filled[0]])
    levels = np.rint(np.clip(share, 0, 1) * (n_levels - 1)).astype(np.uint8)
    return np.asarray(levels[clipped])


def _spread_for(filled: npt.NDArray[np.bool_]) -> int:
    """How many pixels wide to paint: more, the fewer there are and the fewer of them touch."""
    n_filled = int(filled.sum())
    if n_filled * 500 < filled.size:
        return 7 if n_filled * 3000 < filled.size else 5
    padded = np.pad(filled, 1)
    touching = np.zeros_like(filled)
    height, width = filled.shape
    for down, across in _stamp(3):
        if (down, across) != (0, 0):
            touching |= padded[1 + down : 1 + down + height, 1 + across : 1 + across + width]
    share = int((filled & touching).sum()) / n_filled
    return 3 if share < 0.5 else 2 if share < 0.9 else 1


def _stamp(width: int) -> list[tuple[int, int]]:
    """Steps (down, across) from an object's pixel to those it is painted on: a rounded square."""
    steps, radius = range(-(width // 2), width - width // 2), width // 2
    return [(d, a) for d in steps for a in steps if d * d + a * a <= radius * radius + 1]


def _spread(
    values: npt.NDArray[Number],
    filled: npt.NDArray[np.bool_],
    width: int,
    join: Callable[..., npt.NDArray[Number]],
) -> npt.NDArray[Number]:
    """Paint each filled pixel's values on its stamp, joined where stamps meet; 0 elsewhere.

    ``values`` has shape (h, w) or (h, w, n).
    """
    margin = width // 2
    height, across = filled.shape[0] + 2 * margin, filled.shape[1] + 2 * margin
    out = np.zeros((height * across, *values.shape[2:]), values.dtype)
    rows, columns = np.nonzero(filled)
    painted = values[rows, columns]
    place = (rows + margin) * across + columns + margin
    for down, right in _stamp(width):
        to = place + (down * across + right)
        out[to] = join(out[to], painted)  # no pixel comes twice within one step
    inside = slice(margin, -margin or None)
    return out.reshape(height, across, *values.shape[2:])[inside, inside]


def _palette_png(
    index: npt.NDArray[np.uint8], table: npt.NDArray[np.uint8], alphas: npt.NDArray[np.uint8]
) -> bytes:
    """PNG of ``index``: 0 is transparent, i is row i - 1 of ``table`` with its opacity."""
    image = Image.fromarray(np.ascontiguousarray(index))
    image.putpalette(bytes(3) + table.tobytes())
    out = io.BytesIO()
    transparency = bytes(1) + alphas.tobytes()
    image.save(out, format="PNG", transparency=transparency, compress_level=1)
    return out.getvalue()
