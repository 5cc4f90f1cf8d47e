"""The pictures: which object ends in which pixel, and in which colour."""

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from al_engine.views.palette import (
    CORRECTNESS,
    OKABE_ITO,
    colour_table,
    label_colours,
    rgb,
)
from al_engine.views.raster import (
    HIDDEN,
    View,
    category_counts,
    default_range,
    nearest,
    paint_categories,
    paint_values,
)

RED, GREEN, BLUE = "#FF0000", "#00FF00", "#0000FF"
CLEAR = (0, 0, 0, 0)
TWO_BY_TWO = View((0.0, 2.0), (0.0, 2.0), 2, 2)


def f32(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def u8(values: Sequence[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint8)


def pixels(png: bytes) -> np.ndarray:
    """RGBA of a picture, uint8 of shape (h, w, 4)."""
    return np.array(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_counts_have_the_top_row_first_and_one_plane_a_category():
    x, y = f32([0.5, 0.5, 1.5, 1.5]), f32([0.5, 0.5, 1.5, 0.5])
    counts = category_counts(x, y, u8([0, 1, 1, 0]), 2, TWO_BY_TWO)
    assert counts.dtype == np.uint32
    assert counts[:, :, 0].tolist() == [[0, 0], [1, 1]]
    assert counts[:, :, 1].tolist() == [[0, 1], [1, 0]]


def test_hidden_missing_and_outside_objects_are_not_counted():
    x = f32([0.5, np.nan, 0.5, np.inf, 5.0, 0.5])
    y = f32([0.5, 0.5, np.nan, 0.5, 0.5, 0.5])
    counts = category_counts(x, y, u8([HIDDEN, 0, 0, 0, 0, 2]), 2, TWO_BY_TWO)
    assert counts.sum() == 0


def test_the_upper_ends_of_the_ranges_belong_to_the_picture():
    counts = category_counts(f32([0, 2]), f32([0, 2]), u8([0, 0]), 1, TWO_BY_TWO)
    assert counts[:, :, 0].tolist() == [[0, 1], [1, 0]]


def test_memory_mapped_columns_are_counted_like_any_other(tmp_path):
    np.save(tmp_path / "x.npy", f32([0.5, 1.5]))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    counts = category_counts(x, x, u8([0, 0]), 1, TWO_BY_TWO)
    assert counts[:, :, 0].tolist() == [[0, 1], [1, 0]]


def test_no_rows_make_an_empty_picture_of_the_right_size():
    none = f32([])
    view = View((0.0, 1.0), (0.0, 1.0), 5, 3)
    counts = category_counts(none, none, u8([]), 2, view)
    assert counts.shape == (3, 5, 2)
    for png in (paint_categories(counts, [RED, GREEN]), paint_values(none, none, none, view)):
        assert pixels(png).shape == (3, 5, 4)
        assert (pixels(png)[:, :, 3] == 0).all()


def test_a_pixel_with_right_and_wrong_objects_takes_the_mixed_colour():
    counts = np.zeros((2, 2, 2), dtype=np.uint32)
    counts[0, 0], counts[0, 1], counts[1, 0] = (1, 0), (0, 1), (99, 1)
    picture = pixels(paint_categories(counts, [GREEN, RED], mixed=BLUE, spread_px=1))
    assert picture[:, :, :3].tolist() == [
        [list(rgb(GREEN)), list(rgb(RED))],
        [list(rgb(BLUE)), [0, 0, 0]],
    ]
    assert (picture[:, :, 3] > 0).tolist() == [[True, True], [True, False]]


def test_without_a_mixed_colour_the_most_frequent_category_wins():
    counts = np.array([[[1, 5, 2], [3, 0, 4]]], dtype=np.uint32)
    picture = pixels(paint_categories(counts, [RED, GREEN, BLUE], spread_px=1))
    assert picture[0, :, :3].tolist() == [list(rgb(GREEN)), list(rgb(BLUE))]


def test_a_crowded_pixel_is_more_opaque_than_a_lonely_one_and_the_lonely_one_is_seen():
    counts = np.array([[[1], [10], [1000], [0]]], dtype=np.uint32)
    alpha = pixels(paint_categories(counts, [RED], spread_px=1))[0, :, 3]
    assert 100 < alpha[0] < alpha[1] < alpha[2] == 255
    assert alpha[3] == 0


def test_equal_counts_are_painted_at_full_strength():
    counts = np.array([[[1], [0], [1]]], dtype=np.uint32)
    assert pixels(paint_categories(counts, [RED], spread_px=1))[0, :, 3].tolist() == [255, 0, 255]


def test_the_picture_is_a_palette_png():
    png = paint_categories(np.ones((2, 2, 1), dtype=np.uint32), [RED])
    assert Image.open(io.BytesIO(png)).mode == "P"


def test_a_lonely_object_is_painted_three_pixels_wide():
    counts = np.zeros((5, 5, 1), dtype=np.uint32)
    counts[2, 2, 0] = 1
    seen = pixels(paint_categories(counts, [RED]))[:, :, 3] > 0
    assert seen.sum() == 9
    assert seen[1:4, 1:4].all()


def test_the_only_object_of_a_large_picture_is_a_round_mark_cut_at_the_edge():
    counts = np.zeros((40, 40, 1), dtype=np.uint32)
    counts[20, 20, 0] = 1
    seen = pixels(paint_categories(counts, [RED]))[:, :, 3] > 0
    assert seen[18:23, 18:23].sum() == seen.sum() == 21  # five wide without the corners
    counts = np.roll(counts, (20, 20), axis=(0, 1))  # to the corner
    assert (pixels(paint_categories(counts, [RED]))[:, :, 3] > 0).sum() == 8


def test_lonely_marks_that_overlap_are_all_painted_at_full_strength():
    counts = np.zeros((3, 5, 1), dtype=np.uint32)
    counts[1, 1, 0] = counts[1, 3, 0] = 1
    alpha = pixels(paint_categories(counts, [RED], spread_px=3))[:, :, 3]
    assert (alpha == 255).all()


def test_a_spread_value_covers_its_lower_neighbours_but_no_pixel_of_its_own():
    x = f32([0.5, 2.5])
    view = View((0.0, 5.0), (0.0, 1.0), 5, 1)
    picture = pixels(paint_values(x, f32([0.5] * 2), f32([0, 1]), view, spread_px=3))
    table = colour_table("viridis")
    low, high = table[0].tolist(), table[255].tolist()
    assert picture[0, :4, :3].tolist() == [low, high, high, high]
    assert picture[0, 4, 3] == 0


def test_a_full_picture_is_not_spread():
    counts = np.zeros((6, 6, 1), dtype=np.uint32)
    counts[:, :3] = 1
    seen = pixels(paint_categories(counts, [RED]))[:, :, 3] > 0
    assert seen.tolist() == [[True] * 3 + [False] * 3] * 6


def test_spreading_a_success_never_covers_the_pixel_of_an_error():
    counts = np.zeros((3, 4, 2), dtype=np.uint32)
    counts[1, 1], counts[1, 2] = (7, 0), (0, 1)
    picture = pixels(paint_categories(counts, [GREEN, RED], mixed=BLUE, spread_px=3))
    assert picture[1, 1, :3].tolist() == list(rgb(GREEN))
    assert picture[1, 2, :3].tolist() == list(rgb(RED))
    assert picture[0, 1, :3].tolist() == list(rgb(BLUE))  # under both marks, holding neither


def test_more_labels_than_palette_entries_are_still_painted():
    colours = label_colours(250)
    counts = np.zeros((1, 250, 250), dtype=np.uint32)
    counts[0, np.arange(250), np.arange(250)] = 1
    picture = pixels(paint_categories(counts, colours, spread_px=1))
    assert picture[0, :, :3].tolist() == [list(rgb(colour)) for colour in colours]


def test_a_pixel_shows_its_highest_value_and_leaves_out_missing_ones():
    x, y = f32([0.5, 0.5, 1.5, 1.5]), f32([0.5, 0.5, 1.5, 0.5])
    values = f32([0.0, 1.0, 0.0, np.nan])
    picture = pixels(paint_values(x, y, values, TWO_BY_TWO, value_range=(0, 1), spread_px=1))
    table = colour_table("viridis")
    assert picture[1, 0].tolist() == [*table[255], 255]
    assert picture[0, 1].tolist() == [*table[0], 255]
    assert tuple(picture[0, 0]) == tuple(picture[1, 1]) == CLEAR


def test_values_beyond_the_range_take_the_end_colours():
    x = f32([0.5, 1.5])
    png = paint_values(
        x,
        f32([0.5, 0.5]),
        f32([-9, 9]),
        TWO_BY_TWO,
        "viridis_on_light",
        value_range=(0, 1),
        spread_px=1,
    )
    table = colour_table("viridis_on_light")
    assert pixels(png)[1, :, :3].tolist() == [table[0].tolist(), table[255].tolist()]


def test_an_infinite_value_hides_no_other_of_its_pixel():
    x, values = f32([0.5, 0.5, 1.5]), f32([1.0, np.inf, -np.inf])
    picture = pixels(paint_values(x, x, values, TWO_BY_TWO, value_range=(0, 1), spread_px=1))
    assert picture[1, 0].tolist() == [*colour_table("viridis")[255], 255]
    assert tuple(picture[0, 1]) == CLEAR


def test_one_value_everywhere_is_painted():
    png = paint_values(f32([0.5]), f32([0.5]), f32([3.0]), TWO_BY_TWO, spread_px=1)
    assert pixels(png)[1, 0, 3] == 255


# Ten pixels a unit across, one a unit up: what is near on the screen is far in y.
ANISOTROPIC = View((0.0, 10.0), (0.0, 100.0), 100, 100)


def test_nearest_measures_on_the_screen_and_not_in_data():
    x, y = f32([5.0, 5.9]), f32([55.0, 50.0])
    assert nearest(x, y, 5.0, 50.0, ANISOTROPIC) == 0  # 5 pixels away, the other 9


def test_nearest_takes_nothing_further_than_the_limit():
    x, y = f32([5.0]), f32([75.0])
    assert nearest(x, y, 5.0, 50.0, ANISOTROPIC) is None
    assert nearest(x, y, 5.0, 50.0, ANISOTROPIC, limit_px=25) == 0
    assert nearest(f32([7.5]), f32([50.0]), 5.0, 50.0, ANISOTROPIC) is None


def test_nearest_looks_past_missing_coordinates():
    x, y = f32([np.nan, 5.0, 5.5]), f32([50.0, np.nan, 50.0])
    assert nearest(x, y, 5.0, 50.0, ANISOTROPIC) == 2
    assert nearest(x[:2], y[:2], 5.0, 50.0, ANISOTROPIC) is None


def test_of_equally_near_objects_the_first_is_taken():
    assert nearest(f32([5.2, 5.1, 5.1]), f32([50.0] * 3), 5.0, 50.0, ANISOTROPIC) == 1


def test_nearest_of_no_objects_is_none():
    assert nearest(f32([]), f32([]), 0, 0, ANISOTROPIC) is None


def test_the_default_range_shows_the_bulk_with_a_margin():
    assert default_range(np.array([0.0, 100.0, 50.0] * 3)) == pytest.approx((-5.0, 105.0), abs=1)


def test_the_default_range_leaves_out_a_few_wild_values_and_all_missing_ones():
    values = np.concatenate([np.linspace(0, 1, 10_000), [-9999, np.nan, np.inf, -np.inf]])
    low, high = default_range(values.astype(np.float32))
    assert -0.1 < low < 0 < 1 < high < 1.1


def test_the_default_range_holds_what_must_be_kept():
    low, high = default_range(np.linspace(0, 1, 1000), keep=[7.0, np.nan])
    assert low < 0.01
    assert high > 7


@pytest.mark.parametrize(("value", "expected"), [(20.0, (19.0, 21.0)), (0.0, (-0.5, 0.5))])
def test_a_constant_column_gets_room_around_its_value(value, expected):
    assert default_range(np.full(5, value)) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [np.inf]])
def test_a_column_without_values_has_the_unit_range(values):
    assert default_range(np.array(values, dtype=np.float32)) == (0.0, 1.0)


def test_integer_columns_have_a_range():
    assert default_range(np.array([0, 10])) == pytest.approx((-0.5, 10.5), abs=0.1)


@pytest.mark.parametrize("n", [0, 1, 8, 9, 60])
def test_label_colours_are_all_different(n):
    colours = label_colours(n)
    assert len(colours) == len(set(colours)) == n
    assert colours[:7] == list(OKABE_ITO[:n])


def luminance(colours: np.ndarray) -> np.ndarray:
    """Relative luminance as the contrast of WCAG takes it."""
    share = np.asarray(colours) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("name", "ground"), [("viridis_on_dark", "#0E1418"), ("viridis_on_light", "#FFFFFF")]
)
def test_a_value_table_can_be_seen_on_its_ground_and_moves_away_from_it(name, ground):
    table, behind = luminance(colour_table(name)), luminance(np.array(rgb(ground)))
    lighter, darker = np.maximum(table, behind), np.minimum(table, behind)
    contrast = (lighter + 0.05) / (darker + 0.05)
    assert contrast.min() >= 3
    assert (np.diff(contrast) > -0.2).all()
    assert contrast[-1] > 2 * contrast[0]


@pytest.mark.parametrize("scheme", CORRECTNESS.values(), ids=CORRECTNESS)
def test_the_three_colours_of_a_correctness_scheme_differ(scheme):
    assert len({rgb(scheme.correct), rgb(scheme.incorrect), rgb(scheme.mixed)}) == 3
