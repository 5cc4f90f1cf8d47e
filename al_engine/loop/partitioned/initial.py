"""The first objects to label of a data set in partitions.

Owns the draw where the rows lie: the rows are those that ``firsts.initial_rows`` draws of the same
data, imported.  Must not know answers.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.parquet_rows import Partition
from al_engine.data.partitions import Run, Task
from al_engine.data.splits import TRAIN
from al_engine.learning.initial import spread_initial
from al_engine.loop.firsts import SPREAD_OVER, first_places, start_keys
from al_engine.loop.partitioned.draws import first_of_training
from al_engine.loop.partitioned.layout import Layout
from al_engine.loop.partitioned.reading import Reading, chunks
from al_engine.loop.truth import Rows
from al_engine.mixing import Keys
from al_engine.projects.dataset import Truth
from al_engine.settings.config import ClassifierSetup


def initial_rows(
    run: Run, layout: Layout, classifier: str, setup: ClassifierSetup, start: str, seed: int
) -> Rows:
    """The objects to begin with: those that ``firsts.initial_rows`` draws of the same data."""

    def go(task: Task, job: Any) -> Iterator[Any]:
        return run(task, layout.partitions, job, lambda: True)

    of_keys, own = layout.reading_of_keys(), layout.values.index(classifier)
    sent = zip(*go(_draw_firsts, (of_keys, own, setup.n_initial, seed)), strict=True)
    rows, known, keys = (np.concatenate(some) for some in sent)
    drawn = first_places(known, keys, setup.n_initial, start)
    if drawn is not None:
        return np.asarray(rows[drawn])
    order = partial(start_keys, seed=seed)
    n, n_sample = (min(most, layout.n_training) for most in (setup.n_initial, SPREAD_OVER))
    sample, X = first_of_training(go, of_keys, layout.reading(), order, n_sample, layout.n_training)
    return sample[spread_initial(X, n, seed)]


def _draw_firsts(
    partition: Partition, job: tuple[Reading, int, int, int]
) -> Iterator[tuple[Rows, Truth, Keys]]:
    """The first of the draw in a partition: as many as may be wanted, of each side and unknown."""
    reading, own, n, seed = job
    rows, known, keys = np.empty(0, np.intp), np.empty(0, np.int8), np.empty(0, np.uint64)
    for chunk in chunks(partition, reading):
        pool = np.flatnonzero(chunk.parts == TRAIN)
        rows = np.concatenate([rows, pool + chunk.first_row])
        sides: npt.NDArray[Any] = np.where(chunk.codes[pool] < 0, -1, chunk.codes[pool] == own)
        known = np.concatenate([known, sides.astype(np.int8)])
        keys = np.concatenate([keys, start_keys(chunk.keys[pool], seed)])
        order = np.argsort(keys)
        kept = np.concatenate([order[known[order] == side][:n] for side in (-1, 0, 1)])
        rows, known, keys = rows[kept], known[kept], keys[kept]
    yield rows, known, keys
