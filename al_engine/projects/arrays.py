"""The arrays that an open project holds, each made once and mapped from disk.

Owns which of them are kept in memory and for whom one waits.  Must not know answers or learners.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import Missing
from al_engine.data.features import TEXT_AXES, TEXT_AXIS, axis_feature, feature_sql
from al_engine.data.grid import Floats, Grid, open_grid
from al_engine.data.mapped import Room
from al_engine.data.matrix import open_column
from al_engine.data.nearby import SkyOrder, open_sky_order
from al_engine.errors import AlEngineError
from al_engine.projects.dataset import Dataset, SplitSizes, build_dataset, split_sizes
from al_engine.projects.texts import Texts
from al_engine.settings.config import MergedLabel, ProjectConfig, check

Made = TypeVar("Made")
Soon: TypeAlias = Callable[[Hashable, Callable[[], object]], None]

DATASETS_KEPT = 2  # the one in force, and one that is being tried
AXES_HELD, GRIDS_HELD = 24, 8  # as many panels as a page can show go through them
SKIES_HELD = 2


class Arrays:
    """The arrays of one catalogue, whose files lie in ``folder`` as far as there is ``room``.

    ``soon`` has work done under a name that nobody waits for.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        folder: Path,
        room: Room = lambda n_bytes: None,
        soon: Soon = lambda name, work: None,
    ) -> None:
        self._catalogue, self._folder, self._room = catalogue, folder, room
        self._soon = soon
        # Whoever holds the first takes no lock but the second, so that no two threads can wait
        # for each other.
        self._making, self._lock = threading.RLock(), threading.Lock()
        self._datasets: list[tuple[ProjectConfig, Dataset]] = []
        self._sizes: tuple[tuple[ProjectConfig, frozenset[int]], SplitSizes] | None = None
        self._axes: OrderedDict[Hashable, npt.NDArray[np.float32]] = OrderedDict()
        self._grids: OrderedDict[Hashable, Grid] = OrderedDict()
        self._without: set[Hashable] = set()  # planes for whose index there is no room
        self._skies: OrderedDict[Hashable, SkyOrder] = OrderedDict()
        self._texts: Texts | None = None

    def put_away(self) -> None:
        """Give back the memory of all that is held."""
        with self._making, self._lock:
            self._datasets, self._sizes, self._texts = [], None, None
            self._axes.clear()
            self._grids.clear()
            self._without.clear()
            self._skies.clear()

    def prepare(self, config: ProjectConfig) -> Dataset:
        """The arrays for settings that may come into force; raises where they fit no data."""
        check(config)
        wanted = of_the_data(config)
        held = self._prepared(wanted)
        if held is not None:
            return held
        with self._making:
            held = self._prepared(wanted)
            if held is None:
                former = self._datasets[-1] if self._datasets else None
                texts = self.texts(wanted.features.texts)
                held = build_dataset(
                    self._catalogue, wanted, self._folder, self._room, former, texts
                )
                self._datasets = [*self._datasets, (wanted, held)][-DATASETS_KEPT:]
            return held

    def texts(self, columns: Sequence[str]) -> Texts | None:
        """Columns of text, read as one; None where there are none.  Nothing is counted yet."""
        if not columns:
            return None
        with self._lock:
            if self._texts is None or self._texts.columns != tuple(columns):
                self._texts = Texts(
                    self._catalogue, columns, self._folder, self._room, self._making
                )
            return self._texts

    def _prepared(self, wanted: ProjectConfig) -> Dataset | None:
        return next((made for key, made in self._datasets if key == wanted), None)

    def split_sizes(self, config: ProjectConfig, tested: frozenset[int]) -> SplitSizes:
        """How many objects of each label every set would hold under some settings.

        ``tested`` are the rows of the curated test set, where that is in use.
        """
        check(config)
        wanted, held = (of_the_data(config), tested), self._sizes
        if held is None or held[0] != wanted:
            # Under no lock: maps need not wait for it.
            held = self._sizes = (wanted, split_sizes(self._catalogue, *wanted))
        return held[1]

    def axis(self, name: str, config: ProjectConfig) -> npt.NDArray[np.float32]:
        """A feature, an axis of the texts or a numeric column over all rows, for plotting."""
        feature, sql = axis_feature(name, config.features), self.axis_sql(name, config)
        if feature.operation == TEXT_AXIS:
            # Under no lock of ours: it may have to count first.
            texts = self.texts(feature.columns)
            assert texts is not None, "an axis of texts is of some"
            along: npt.NDArray[np.float32] = texts.axes()[TEXT_AXES.index(name)]
            return along
        return self._held(
            self._axes,
            AXES_HELD,
            sql,
            lambda: open_column(self._folder, self._catalogue, sql, self._room),
        )

    def grid(self, config: ProjectConfig) -> Grid:
        """Which objects lie where on the two axes of the maps."""
        axes = (config.x_axis, config.y_axis)
        x, y = (self.axis(name, config) for name in axes)
        key = (self._catalogue.fingerprint, *(self.axis_sql(name, config) for name in axes))
        return self._held(
            self._grids, GRIDS_HELD, key, lambda: open_grid(self._folder, key, x, y, self._room)
        )

    def index(self, made_of: Sequence[str], x: Floats, y: Floats) -> Grid | None:
        """Which objects lie where by two arrays over all rows, which ``made_of`` tells apart.

        None where that is not at hand: it is made soon, and nobody waits for it.  It is kept on
        disk: names of columns do not tell, for tables come and go.  SQL does.
        """
        key = (self._catalogue.fingerprint, *made_of)
        with self._lock:
            if key in self._grids:
                self._grids.move_to_end(key)
                return self._grids[key]
            if key in self._without:
                return None

        def make() -> Grid:
            return open_grid(self._folder, key, x, y, self._room)

        def work() -> None:
            try:
                self._held(self._grids, GRIDS_HELD, key, make)
            except AlEngineError:
                self._without.add(key)  # slower, and nothing else: nobody needs to hear of it

        self._soon(("index", key), work)
        return None

    def sky_order(self, ra: str, dec: str, missing: Missing) -> SkyOrder:
        """All objects by declination, for their neighbours."""
        return self._held(
            self._skies,
            SKIES_HELD,
            tuple(self._catalogue.number_sql(name, missing) for name in (ra, dec)),
            lambda: open_sky_order(self._folder, self._catalogue, ra, dec, missing, self._room),
        )

    def _held(
        self,
        held: OrderedDict[Hashable, Made],
        most: int,
        key: Hashable,
        make: Callable[[], Made],
    ) -> Made:
        """What is held under a key, made where it is not; whoever finds it waits for nobody."""
        with self._lock:
            if key in held:
                held.move_to_end(key)
                return held[key]
        with self._making:
            found = held.get(key)  # another thread may drop it between a look and a step
            made = make() if found is None else found
        with self._lock:
            held[key] = made
            while len(held) > most:
                held.popitem(last=False)
        return made

    def axis_sql(self, name: str, config: ProjectConfig) -> str:
        """What an axis is made of; with other values of a column it is another."""
        feature = axis_feature(name, config.features)
        if feature.operation == TEXT_AXIS:
            return f"-- {name} of {self._catalogue.whole_text_sql(feature.columns)}"
        return feature_sql(feature, self._catalogue, config.columns.missing)


def of_the_data(config: ProjectConfig) -> ProjectConfig:
    """The settings that change arrays, the rest at their defaults."""
    labels = tuple(
        replace(
            label,
            name=label.value,
            colour="",
            definition="",
            merged=tuple(
                MergedLabel(merged.value, "", "", in_catalogue=merged.in_catalogue)
                for merged in label.merged
            ),
        )
        for label in config.labels
    )
    return replace(
        ProjectConfig(),
        labels=labels,
        columns=replace(
            config.columns,
            info=(),
            images=(),
            texts=(),
            ra=None,
            dec=None,
            pixels=(),
            curves=(),
            redshift=None,
        ),
        features=config.features,
        splits=config.splits,
        train_labels=config.train_labels if config.leave_out_other_labels else (),
        leave_out_other_labels=config.leave_out_other_labels,
        leave_out_unknown=config.leave_out_unknown,
    )
