"""The first objects to label of a data set in partitions.

Owns the draw where the rows lie: the rows are those that ``rounds.initial_rows`` draws of the same
data, imported.  Must not know answers.
"""

import numpy as np
import numpy.typing as npt

from al_engine.config import ClassifierSetup
from al_engine.data.parquet_rows import Partition
from al_engine.data.partitions import Run
from al_engine.data.ranks import Level, keys_by_rank
from al_engine.data.splits import TRAIN
from al_engine.fitting import Rows
from al_engine.learning.initial import draw_initial, spread_initial
from al_engine.learning.strategies import tie_keys
from al_engine.mixing import Keys
from al_engine.partitioned.layout import Layout, Reading, chunks, features_of
from al_engine.rounds import _START, SPREAD_OVER


def initial_rows(
    run: Run, layout: Layout, classifier: str, setup: ClassifierSetup, start: str, seed: int
) -> Rows:
    """The objects to begin with: those that ``rounds.initial_rows`` draws of the same data."""
    own = layout.values.index(classifier)
    job = (layout.reading(), own, setup.n_initial, seed)
    sent = list(run(_draw_firsts, layout.partitions, job, lambda: True))
    n_pool = sum(n for n, _ in sent)
    rows, known, keys = (np.concatenate([columns[i] for _, columns in sent]) for i in range(3))
    n = min(setup.n_initial, n_pool)
    n_known = int((known >= 0).sum())
    if n >= 2 and len(np.unique(known[known >= 0])) == 2:
        drawn = draw_initial(known, min(n, n_known), keys)
        others = np.setdiff1d(np.arange(len(rows)), drawn)
        filling = others[np.argsort(keys[others])[: n - len(drawn)]]
        chosen: Rows = rows[np.concatenate([drawn, filling])]
        return chosen
    if start == "random" or n_known:
        return rows[np.argsort(keys)[:n]]
    sample = _sample(run, layout, n_pool, seed)
    found = features_of(run, layout, sample.tolist())
    return sample[spread_initial(np.stack([found[row] for row in sample.tolist()]), n, seed)]


def _draw_firsts(
    partition: Partition, job: tuple[Reading, int, int, int]
) -> tuple[int, tuple[Rows, npt.NDArray[np.int8], Keys]]:
    """The first of the draw in a partition: as many as may be wanted, of each side and unknown."""
    reading, own, n, seed = job
    n_pool = 0
    rows, known, keys = np.empty(0, np.intp), np.empty(0, np.int8), np.empty(0, np.uint64)
    for chunk in chunks(partition, reading):
        pool = np.flatnonzero(chunk.parts == TRAIN)
        n_pool += len(pool)
        rows = np.concatenate([rows, pool + chunk.first_row])
        sides = np.where(chunk.codes[pool] < 0, -1, chunk.codes[pool] == own)
        known = np.concatenate([known, sides.astype(np.int8)])
        keys = np.concatenate([keys, tie_keys(chunk.keys[pool], seed, _START)])
        order = np.argsort(keys)
        kept = np.concatenate([order[known[order] == side][:n] for side in (-1, 0, 1)])
        rows, known, keys = rows[kept], known[kept], keys[kept]
    return n_pool, (rows, known, keys)


def _sample(run: Run, layout: Layout, n_pool: int, seed: int) -> Rows:
    """The first rows of the draw, as many as an even spread is looked for among."""
    reading, n = layout.reading(), min(SPREAD_OVER, n_pool)
    bound = 2**64
    if n < n_pool:

        def count(level: Level) -> npt.NDArray[np.int64]:
            total = level.zeros().astype(np.int64)
            for counts in run(_count_pool, layout.partitions, (reading, seed, level), lambda: True):
                total += counts
            return total

        bound = keys_by_rank(count, 1, 64, lambda sizes: [[n]], bounds=True)[0][0]
    sent = list(run(_below, layout.partitions, (reading, seed, bound), lambda: True))
    rows, keys = (np.concatenate([columns[i] for columns in sent]) for i in range(2))
    return np.asarray(rows[np.argsort(keys)])


def _count_pool(partition: Partition, job: tuple[Reading, int, Level]) -> npt.NDArray[np.uint32]:
    reading, seed, level = job
    counts = level.zeros()
    for chunk in chunks(partition, reading):
        level.tally(counts, 0, tie_keys(chunk.keys[chunk.parts == TRAIN], seed, _START))
    return counts


def _below(partition: Partition, job: tuple[Reading, int, int]) -> tuple[Rows, Keys]:
    reading, seed, bound = job
    rows, keys = [], []
    for chunk in chunks(partition, reading):
        pool = np.flatnonzero(chunk.parts == TRAIN)
        own = tie_keys(chunk.keys[pool], seed, _START)
        first = own <= np.uint64(bound - 1)
        rows.append(pool[first] + chunk.first_row)
        keys.append(own[first])
    return np.concatenate(rows), np.concatenate(keys)
