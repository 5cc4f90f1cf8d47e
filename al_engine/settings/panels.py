"""Panels as data: what stands beside each other on a page, and what each of them shows.

Owns the kinds of panels, how many fit, and what every page begins with.  Must not know how a panel
is drawn, nor whether its columns are there.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

MAX_COLUMNS, MAX_IN_COLUMN = 4, 6
WIDTHS, HEIGHTS = (1, 6), (1, 3)  # smallest and largest size of a column, and of a panel in it

Kind = Literal[
    "choose", "plot", "density", "histogram", "sky", "diagram", "sed", "extension",
    "card", "compare", "question", "records", "map", "rounds", "scores",
    "certain", "epochs", "calibration",
]  # fmt: skip
ColourBy = Literal[
    "label",
    "verified",
    "correctness",
    "predicted",
    "confidence",
    "probability",
    "coverage",
    "column",
]


@dataclass(frozen=True)
class Panel:
    """One panel; ``of`` names the map, diagram or plot of an extension that it shows.

    ``x``, ``y`` and ``colour_column`` are columns or features; "" are those of the settings.
    ``height`` is its part of the column's height, beside those of the others.
    """

    kind: Kind = "choose"
    of: str = ""
    x: str = ""
    y: str = ""
    x_log: bool = False
    y_log: bool = False
    colour: ColourBy = "label"
    colour_column: str = ""
    height: int = 2


@dataclass(frozen=True)
class Arrangement:
    """Panels in columns, each from top to bottom; ``widths`` are the columns' parts of the page."""

    columns: tuple[tuple[Panel, ...], ...] = ((Panel(),),)
    widths: tuple[int, ...] = (3,)


OVER_ALL = "Training-all"  # the tab of the classifier over all labels, arranged for itself

DEFAULTS: Final[Mapping[str, Arrangement]] = {
    "Training": Arrangement(
        (
            (Panel("map", "training"), Panel("map", "validation")),
            (Panel("map", "metric"), Panel("rounds")),
            (Panel("scores"),),
        ),
        (5, 5, 5),
    ),
    OVER_ALL: Arrangement(
        (
            (Panel("map", "training"), Panel("map", "predicted")),
            (Panel("map", "certainty"), Panel("rounds")),
            (Panel("scores"),),
        ),
        (5, 5, 5),
    ),
    "Labelling": Arrangement(((Panel("card"),), (Panel("map", "labels"),)), (3, 3)),
    "Explore": Arrangement(
        ((Panel("plot"), Panel("records", height=1)), (Panel("card"), Panel("histogram"))), (3, 2)
    ),
}


# Of these a page shows each once: they hold a choice, a list or a chart of their own.
ONCE: Final = (
    "card", "compare", "question", "records", "map", "rounds", "scores", "extension",
    "certain", "epochs", "calibration",
)  # fmt: skip
MAPS: Final = ("training", "validation", "metric", "labels", "predicted", "certainty")


def sound(arrangement: Arrangement) -> Arrangement:
    """The same within what a page can show: no empty page, sizes and numbers in their ranges."""
    seen: set[tuple[str, str]] = set()
    arrangement = replace(
        arrangement,
        columns=tuple(tuple(_once(p, seen) for p in column) for column in arrangement.columns),
    )
    columns = [
        tuple(replace(p, height=_within(p.height, HEIGHTS)) for p in column[:MAX_IN_COLUMN])
        for column in arrangement.columns[:MAX_COLUMNS]
    ]
    widths = [*arrangement.widths, *[3] * len(columns)]
    kept = [(c, _within(w, WIDTHS)) for c, w in zip(columns, widths, strict=False) if c]
    if not kept:
        return Arrangement()
    return Arrangement(tuple(c for c, _ in kept), tuple(w for _, w in kept))


def holds(arrangement: Arrangement, kind: Kind) -> bool:
    """Does a panel of this kind stand among them?"""
    return any(panel.kind == kind for column in arrangement.columns for panel in column)


def _once(panel: Panel, seen: set[tuple[str, str]]) -> Panel:
    """The panel, or the choice of another where its like stands before it, or there is none."""
    if panel.kind not in ONCE:
        return panel
    like = (panel.kind, panel.of if panel.kind in ("map", "extension") else "")
    if like in seen or (panel.kind == "map" and panel.of not in MAPS):
        return Panel(height=panel.height)
    seen.add(like)
    return panel


def n_showing(arrangements: Iterable[Arrangement], columns: Collection[str]) -> int:
    """How many panels show one of some columns of the catalogue."""
    panels = [p for each in arrangements for column in each.columns for p in column]
    return sum(any(n in columns for n in (p.x, p.y, p.colour_column)) for p in panels)


def _within(number: int, ends: tuple[int, int]) -> int:
    return max(ends[0], min(ends[1], number))


Place = tuple[int, int]  # the column, and the place in it from the top


def panel_at(arrangement: Arrangement, place: Place) -> Panel | None:
    """The panel of a place, None where there is none by now."""
    column, row = place
    if not 0 <= column < len(arrangement.columns):
        return None
    panels = arrangement.columns[column]
    return panels[row] if 0 <= row < len(panels) else None


def with_panel(arrangement: Arrangement, place: Place, panel: Panel) -> Arrangement:
    """The same with another panel in a place."""
    column, row = place
    panels = list(arrangement.columns[column])
    panels[row] = panel
    return _with_column(arrangement, column, panels)


def without(arrangement: Arrangement, place: Place) -> Arrangement:
    """The same without a panel; a column that it leaves empty goes too."""
    column, row = place
    panels = list(arrangement.columns[column])
    del panels[row]
    return sound(_with_column(arrangement, column, panels))


def added(arrangement: Arrangement, column: int, panel: Panel = Panel()) -> Arrangement:
    """The same with a panel more at the foot of a column, or in a new one after the last."""
    if column < len(arrangement.columns):
        return sound(_with_column(arrangement, column, [*arrangement.columns[column], panel]))
    return sound(
        replace(
            arrangement,
            columns=(*arrangement.columns, (panel,)),
            widths=(*arrangement.widths, 3),
        )
    )


def moved(arrangement: Arrangement, place: Place, right: int, down: int) -> Arrangement:
    """The same with a panel one place further; past the last column it opens one of its own."""
    column, row = place
    panel = arrangement.columns[column][row]
    to_row = row + down
    if not right:
        panels = list(arrangement.columns[column])
        if not 0 <= to_row < len(panels):
            return arrangement
        panels[row], panels[to_row] = panels[to_row], panels[row]
        return _with_column(arrangement, column, panels)
    to, n = column + right, len(arrangement.columns)
    alone = len(arrangement.columns[column]) == 1
    if to < 0 or (to >= n and (alone or n == MAX_COLUMNS)):
        return arrangement
    if to < n and len(arrangement.columns[to]) == MAX_IN_COLUMN:
        return arrangement
    columns = [list(each) for each in arrangement.columns]
    widths = list(arrangement.widths)
    if to == n:
        columns.append([])
        widths.append(3)
    del columns[column][row]
    columns[to].insert(min(row, len(columns[to])), panel)
    return sound(Arrangement(tuple(map(tuple, columns)), tuple(widths)))


def widened(arrangement: Arrangement, column: int, by: int) -> Arrangement:
    """The same with a column wider, or narrower where ``by`` is negative."""
    widths = list(arrangement.widths)
    widths[column] += by
    return sound(replace(arrangement, widths=tuple(widths)))


def _with_column(arrangement: Arrangement, column: int, panels: list[Panel]) -> Arrangement:
    columns = list(arrangement.columns)
    columns[column] = tuple(panels)
    return replace(arrangement, columns=tuple(columns))
