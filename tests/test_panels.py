"""Panels as data: they can be added, moved, sized and taken away, and a page is never empty."""

from dataclasses import replace

import pytest

from al_engine.exchange.configuration import Configuration, Layout, read_configuration
from al_engine.exchange.configuration import write_configuration as write
from al_engine.settings.panels import (
    DEFAULTS,
    HEIGHTS,
    MAX_COLUMNS,
    MAX_IN_COLUMN,
    WIDTHS,
    Arrangement,
    Panel,
    added,
    moved,
    panel_at,
    sound,
    widened,
    with_panel,
    without,
)

A, B, C = (Panel("plot", x=name) for name in "abc")
TWO = Arrangement(((A, B), (C,)), (3, 2))


def test_a_layout_travels_in_a_configuration():
    layout = Layout(panels={"Explore": TWO, **DEFAULTS})
    assert read_configuration(write(Configuration(layout=layout)).encode()).layout == layout


def test_every_page_begins_with_panels_that_fit():
    for arrangement in DEFAULTS.values():
        assert sound(arrangement) == arrangement


def test_a_panel_is_added_below_or_in_a_column_of_its_own():
    assert added(TWO, 0, C).columns == ((A, B, C), (C,))
    wider = added(TWO, 2, B)
    assert wider.columns == ((A, B), (C,), (B,))
    assert len(wider.widths) == 3


def test_no_more_panels_are_added_than_fit():
    arrangement = TWO
    for _ in range(10):
        arrangement = added(added(arrangement, 0), len(arrangement.columns))
    assert len(arrangement.columns) == MAX_COLUMNS
    assert max(map(len, arrangement.columns)) == MAX_IN_COLUMN


def test_an_empty_column_goes_and_an_emptied_page_asks_for_a_plot():
    assert without(TWO, (1, 0)) == Arrangement(((A, B),), (3,))
    assert without(Arrangement(((A,),), (3,)), (0, 0)) == Arrangement()
    assert Arrangement().columns == ((Panel("choose"),),)


@pytest.mark.parametrize(
    ("place", "right", "down", "columns"),
    [
        ((0, 0), 0, 1, ((B, A), (C,))),
        ((0, 0), 0, -1, TWO.columns),
        ((0, 1), 0, 1, TWO.columns),
        ((0, 1), 1, 0, ((A,), (C, B))),
        ((1, 0), -1, 0, ((C, A, B),)),
        ((1, 0), 1, 0, TWO.columns),
        ((0, 0), -1, 0, TWO.columns),
    ],
)
def test_a_panel_moves_one_place_and_never_off_the_page(place, right, down, columns):
    assert moved(TWO, place, right, down).columns == columns


def test_a_panel_moved_past_the_last_column_opens_another():
    assert moved(Arrangement(((A, B),), (3,)), (0, 1), 1, 0).columns == ((A,), (B,))


def test_sizes_stay_in_their_ranges():
    assert widened(widened(TWO, 0, 50), 1, -50).widths == (WIDTHS[1], WIDTHS[0])
    tall = with_panel(TWO, (0, 0), replace(A, height=99))
    assert sound(tall).columns[0][0].height == HEIGHTS[1]
    assert sound(Arrangement(((A,), (B,)), ())).widths == (3, 3)


def test_what_a_page_can_show_once_is_shown_once_whatever_a_file_says():
    twice = [Panel("card"), Panel("card", "again"), Panel("map", "labels"), Panel("map", "nowhere")]
    found = sound(Arrangement((tuple(twice), (Panel("map", "labels"), A, A)), (3, 3)))
    kinds = [[panel.kind for panel in column] for column in found.columns]
    assert kinds == [["card", "choose", "map", "choose"], ["choose", "plot", "plot"]]


def test_a_place_that_is_gone_holds_nothing():
    assert [panel_at(TWO, place) for place in ((0, 1), (0, 2), (2, 0), (-1, 0))] == [
        B, None, None, None,
    ]  # fmt: skip
