"""The objects that a classifier begins with: a seeded draw, the same wherever they lie.

Takes arrays; must not know answers, nor what is asked afterwards.
"""

from collections.abc import Collection

import numpy as np

from al_engine.data.splits import TRAIN
from al_engine.learning.initial import draw_initial, spread_initial
from al_engine.learning.selection import tie_keys
from al_engine.loop.truth import Rows
from al_engine.mixing import Keys
from al_engine.projects.dataset import Dataset, Truth
from al_engine.settings.config import ClassifierSetup

SPREAD_OVER = 50_000
_START = 0x53  # draws of different purposes must not be the same draw


def initial_rows(
    dataset: Dataset,
    classifier: str,
    setup: ClassifierSetup,
    start: str,
    seed: int,
    without: Collection[int] = (),
) -> Rows:
    """The objects to begin with, by a seeded draw ``without`` some rows.

    At least one of each side where labels of both are known, and known ones before unknown;
    else objects spread over the features (nearest to k-means centres), or random ones.
    """
    is_open = dataset.parts == TRAIN
    is_open[list(without)] = False
    pool = np.flatnonzero(is_open)
    keys = start_keys(dataset.keys[pool], seed)
    drawn = first_places(dataset.truth(classifier)[pool], keys, setup.n_initial, start)
    if drawn is not None:
        return np.asarray(pool[drawn])
    sample = pool[np.argsort(keys)[:SPREAD_OVER]]
    n = min(setup.n_initial, len(pool))
    return sample[spread_initial(dataset.rows(sample), n, seed)]


def start_keys(object_keys: Keys, seed: int) -> Keys:
    """The order in which the first objects are drawn."""
    return tie_keys(object_keys, seed, _START)


def first_places(known: Truth, keys: Keys, n: int, start: str) -> Rows | None:
    """Places of the objects to begin with, or None where they are to be spread over features.

    Parameters
    ----------
    known : shape (n_pool,); the code of the class, 1 on the classifier's own side and 0 on the
        other, or one of many; -1 unknown
    keys : shape (n_pool,), their order; of each side, and of the unknown, nobody matters beyond
        the first n
    """
    n = min(n, len(known))
    n_known = int(np.count_nonzero(known >= 0))
    if n >= 2 and n_known and known[known >= 0].min() < known.max():
        drawn = draw_initial(_no_more_classes(known, keys, n), min(n, n_known), keys)
        if len(drawn) == n:
            return drawn
        others = np.setdiff1d(np.arange(len(known)), drawn)
        filling = others[np.argsort(keys[others])[: n - len(drawn)]]
        return np.concatenate([drawn, filling])
    if start == "random" or n_known:
        return np.argsort(keys)[:n]
    return None


def _no_more_classes(known: Truth, keys: Keys, n: int) -> Truth:
    """What is known of those ``n`` classes whose first object comes first; of others nothing."""
    codes = np.unique(known[known >= 0])
    if len(codes) <= n:
        return known
    firsts = [keys[known == code].min() for code in codes]
    kept = codes[np.argsort(firsts)[:n]]
    return np.where(np.isin(known, kept), known, known.dtype.type(-1))
