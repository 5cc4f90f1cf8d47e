"""The map of what a search finds: the whole catalogue, and on it the matches by their label.

Owns which object is drawn in which colour.  Must not know the browser, nor what a match is.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from al_engine.curating.test_set import Matches
from al_engine.data.curated import CuratedSet
from al_engine.loop.truth import Rows
from al_engine.projects.project import Project
from al_engine.showing.maps import MOST_PICKED, RANGE_FROM, REACHES_PX
from al_engine.views.palette import NEUTRAL
from al_engine.views.raster import (
    View,
    around,
    category_counts,
    default_range,
    nearest,
    paint_categories,
)

Codes = npt.NDArray[np.uint8]
Made = TypeVar("Made")

PICTURES_KEPT = 8


class MatchMap:
    """The map of one browser tab; what it drew last is kept."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._codes: tuple[Hashable, Codes] | None = None

    def home(self, width_px: int, height_px: int, row: int | None) -> View:
        """The view that shows nearly everything, and the object on the screen."""
        x, y = self._coordinates()
        step = max(1, len(x) // RANGE_FROM)
        keep = [] if row is None else [row]
        x_range, y_range = (default_range(values[::step], values[keep]) for values in (x, y))
        return View(x_range, y_range, width_px, height_px)

    def picture(self, matches: Matches, curated: CuratedSet, view: View, ground: str) -> bytes:
        """A PNG with transparent ground: matches in the colour of their label, over the rest.

        Parameters
        ----------
        ground : the colour of what is no match
        """
        codes, of = self._codes_of(matches, curated)
        key = (of, view, ground)
        if key not in self._kept:
            self._kept[key] = self._painted(codes, view, ground)
            while len(self._kept) > PICTURES_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def nearest_row(self, matches: Matches, x: float, y: float, view: View) -> int | None:
        """The object that a click means: the nearest match, else the nearest of all, or None."""
        grid = self._project.grid(self._project.config)
        accepted: tuple[Callable[[Rows], npt.NDArray[np.bool_]], ...] = (
            lambda rows: matches.is_match[rows],
            lambda rows: np.ones(len(rows), dtype=np.bool_),
        )
        for accept in accepted:
            for reach_px in REACHES_PX:
                # A pixel more, so that rounding leaves none out that lies just within reach.
                places = grid.within(*around(x, y, view, reach_px + 1))
                rows = places.rows.astype(np.int64)
                some = np.flatnonzero(accept(rows))
                some = some[np.argsort(rows[some], kind="stable")]
                found = nearest(places.x[some], places.y[some], x, y, view, reach_px)
                if found is not None:
                    return int(rows[some[found]])
        return None

    def place(self, rows: list[int]) -> tuple[list[float], list[float]]:
        """Where some objects lie on the axes."""
        x, y = self._coordinates()
        return [float(v) for v in x[rows]], [float(v) for v in y[rows]]

    def _codes_of(self, matches: Matches, curated: CuratedSet) -> tuple[Codes, Hashable]:
        """Each object's colour by number: its label's, then those of no label and of no match."""
        config = self._project.config
        # A table that is joined anew may have other values under the same names.
        joined = tuple(table.key for table in self._project.catalogue.joined)
        of = (repr(config), joined, matches.of, curated.last_seq)
        if self._codes is None or self._codes[0] != of:
            dataset = self._project.dataset()
            n = len(dataset.values)
            codes = np.where(dataset.codes < 0, n, dataset.codes).astype(np.uint8)
            codes[~matches.is_match] = n + 1
            for row, label in curated.labels.items():
                if codes[row] <= n and label in dataset.values:
                    codes[row] = dataset.values.index(label)
            self._codes = of, codes
        return self._codes[1], of

    def _painted(self, codes: Codes, view: View, ground: str) -> bytes:
        project, config = self._project, self._project.config
        grid = project.grid(config)
        if grid.count(view.x_range, view.y_range) > MOST_PICKED[1] * len(codes):
            x, y = self._coordinates()
        else:
            places = grid.within(view.x_range, view.y_range)
            x, y, codes = places.x, places.y, codes[places.rows]
        colours = [*(label.colour for label in config.labels), NEUTRAL, ground]
        counts = category_counts(x, y, codes, len(colours), view)
        # A match is what one looks for: it stands out, however many others share its pixel.
        counts = counts.copy()
        counts[:, :, -1][counts[:, :, :-1].any(axis=2)] = 0
        return paint_categories(counts, colours)

    def _coordinates(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        config = self._project.config
        return self._project.axis(config.x_axis), self._project.axis(config.y_axis)
