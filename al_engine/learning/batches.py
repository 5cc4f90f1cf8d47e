"""Batches: several objects at once, which tell more together than the most useful ones would.

Each function chooses n rows of a pool, or says in its help that it may choose fewer.  They look at
a bounded number of candidates, so that a pool of millions costs little more than its utilities.
What they draw follows from the objects' keys: chunks and partitions choose alike.  They take
arrays; know no learner, no catalogue and no registry.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.metrics import pairwise_distances_argmin_min

from al_engine.errors import SettingsError
from al_engine.learning.params import Param
from al_engine.learning.points import Points, groups_of, points, stacked
from al_engine.learning.pools import Pool, evenly
from al_engine.learning.scoring import FloatArray
from al_engine.learning.selection import IntArray, pick

CANDIDATES_EACH = 10  # for one that is chosen
MOST_CANDIDATES = 5_000
LEAST_FOR_DENSITY = 1_000
MOST_GROUPS = 256
LOOKED_AT = 2_000  # objects of the pool, by a draw, where all of it is to be described
NEIGHBOURS = 20
LEAST_GROUP = 5  # objects: smaller groups are outliers, and come last
FEW = 5  # labels of a class
FEW_IN_ALL = 20  # labels for each class, after which a class that is hardly met holds nobody up


# -- most uncertain, and unlike each other --


def clustered(pool: Pool, n: int) -> IntArray:
    """The most useful of each of n groups among the ten times as many most useful rows.

    Source: Zhdanov 2019, "Diverse mini-batch active learning", arXiv:1901.05954.
    """
    rows = pool.most_useful(max(n, min(CANDIDATES_EACH * n, MOST_CANDIDATES)))
    if len(rows) == n:
        return rows
    at = points(pool.features(rows))
    weights = np.nan_to_num(pool.utilities[rows]).astype(np.float64) + 1e-9
    group, centres = groups_of(at, min(n, MOST_GROUPS), pool.seed, weights)
    distance = ((at - centres[group]) ** 2).sum(axis=1)
    order = _in_turns(group, distance, np.arange(len(centres)))
    return rows[np.sort(order[:n])]


def power(pool: Pool, n: int) -> IntArray:
    """Rows drawn by their utility: the logarithm of each with a Gumbel-distributed number added.

    Source: Kirsch et al. 2023, "Stochastic batch acquisition", TMLR.
    """
    strength = float(pool.told.params.get("power", 1.0))
    useful = np.nan_to_num(pool.utilities).astype(np.float64)
    gumbel = -np.log(-np.log(evenly(pool.keys)))
    return pick(strength * np.log(np.maximum(useful, 1e-300)) + gumbel, n, pool.keys)


def ranked(pool: Pool, n: int) -> IntArray:
    """One by one the row that is useful and unlike what is labelled or chosen already.

    The fewer are labelled, the more it is unlikeness that counts.

    Source: Cardoso et al. 2017, "Ranked batch-mode active learning", Information Sciences 379.
    """
    n_candidates = min(CANDIDATES_EACH * n, MOST_CANDIDATES)
    rows = pool.most_useful(max(n, n_candidates))
    # Far from the boundary, too, there may be what nothing labelled is like.
    drawn = pool.drawn(n_candidates)
    rows = np.concatenate([rows, drawn[~np.isin(drawn, rows)]])
    at, labelled = pool.with_labelled(rows)
    nearest = np.full(len(rows), np.inf)
    if len(labelled):
        _, nearest = pairwise_distances_argmin_min(at, labelled)
    useful = np.nan_to_num(pool.utilities[rows]).astype(np.float64)
    n_known = sum(pool.n_by_class)
    chosen: list[int] = []
    for _ in range(n):
        n_left = len(rows) - len(chosen)
        share = n_left / (n_left + n_known + len(chosen))
        worth = share * (1 - 1 / (1 + nearest)) + (1 - share) * useful
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))  # of equals the more useful one
        nearest = np.minimum(nearest, np.sqrt(((at - at[chosen[-1]]) ** 2).sum(axis=1)))
    return rows[chosen]


def dense(pool: Pool, n: int) -> IntArray:
    """The rows whose utility times likeness to the pool is largest.

    Source: Settles and Craven 2008, "An analysis of active learning strategies for sequence
    labeling tasks", EMNLP (information density).
    """
    n_candidates = min(max(LEAST_FOR_DENSITY, CANDIDATES_EACH * n), MOST_CANDIDATES)
    rows = pool.most_useful(max(n, n_candidates))
    others = pool.drawn(LOOKED_AT)
    at = points(stacked([pool.features(rows), pool.features(others)]))
    at, rest = at[: len(rows)], at[len(rows) :]
    likeness = np.concatenate(
        [
            (1 / (1 + _distances(at[start : start + 500], rest))).mean(axis=1)
            for start in range(0, len(at), 500)
        ]
    )
    strength = float(pool.told.params.get("weight", 1.0))
    useful = np.nan_to_num(pool.utilities[rows]).astype(np.float64)
    return rows[pick(useful * likeness**strength, n, pool.keys[rows])]


def above_threshold(pool: Pool, n: int) -> IntArray:
    """The rows whose entropy is above a share of the highest there can be, up to n; at least 1."""
    least = float(pool.told.params.get("threshold", 0.5)) * np.log(max(2, pool.n_classes))
    n_above = int(np.count_nonzero(pool.utilities >= least))
    return pool.most_useful(max(1, min(n, n_above)))


# -- rare classes, and classes that are missed --


def relevant(pool: Pool, n: int) -> IntArray:
    """The rows likeliest to be of the wanted class, and a share of random ones.

    Wanted is the classifier's own label; of more than two classes the one with fewest labels.

    Source: van de Schoot et al. 2021, "An open source machine learning framework for efficient and
    transparent systematic reviews", Nature Machine Intelligence 3.
    """
    wanted = 1 if pool.n_classes == 2 else int(np.argmin(pool.n_by_class))
    is_wanted = pool.predicted == wanted
    likely = np.where(is_wanted, pool.certainty, 1 - pool.certainty)
    if pool.n_classes > 2:  # what is left beside the predicted class is of all others together
        likely = likely + is_wanted
    share = float(pool.told.params.get("random_share", 0.1))
    _, n_random = _shared_out(n, [1 - share, share], pool.draw)
    rows = pick(likely, n - n_random, pool.keys) if n > n_random else np.empty(0, dtype=np.int64)
    others = pool.drawn(n)  # as many as there may have to be, whichever were chosen
    return np.concatenate([rows, others[~np.isin(others, rows)][:n_random]])


def ratio(pool: Pool, n: int) -> IntArray:
    """Of each class a share as it is missed, of rows predicted to be of it, least certain first.

    Where nothing is missed, or nobody counted, each class has the same share.
    """
    missed = pool.told.missed
    if missed is None or len(missed) != pool.n_classes or not sum(missed):
        missed = [1] * pool.n_classes
    shares = [each / sum(missed) for each in missed]
    wanted = _shared_out(n, shares, pool.draw)
    found = []
    for place, n_wanted in enumerate(wanted):
        rows = np.flatnonzero(pool.predicted == place)
        n_here = min(n_wanted, len(rows))
        if n_here:
            found.append(rows[pick(pool.utilities[rows], n_here, pool.keys[rows])])
    chosen = np.concatenate([*found, np.empty(0, np.int64)]).astype(np.int64)
    if len(chosen) < n:  # a class of which too few are predicted leaves its places to all
        rest = np.setdiff1d(np.arange(len(pool)), chosen)
        more = rest[pick(pool.utilities[rest], n - len(chosen), pool.keys[rest])]
        chosen = np.concatenate([chosen, more])
    return chosen[pick(pool.utilities[chosen], n, pool.keys[chosen])]


def ratio_of_tutorial(pool: Pool, n: int) -> IntArray:
    """Of positives n FP / (FP + FN) and of negatives n FN / (FP + FN), by known labels, in order.

    As published, with the errors of the test set, and half of each where either is zero.

    Source: Darshan Deshpande 2021, "Review classification using active learning", keras.io.
    """
    known, missed = pool.told.known, pool.told.missed
    if pool.n_classes != 2:
        raise SettingsError(
            f"The tutorial's ratio is of two classes, and there are {pool.n_classes}.",
            "Use the ratio by validation, which takes any number.",
        )
    if known is None or missed is None:
        raise SettingsError(
            "The tutorial's ratio goes by errors on the test set and by the pool's labels.",
            "It is for simulations only; use the ratio by validation.",
        )
    false_positives, false_negatives = (int(each) for each in missed)
    if not false_positives or not false_negatives:
        false_positives = false_negatives = 1
    both = false_positives + false_negatives
    rows = np.concatenate(
        [
            np.flatnonzero(known == side)[: n * errors // both]
            for side, errors in ((1, false_positives), (0, false_negatives))
        ]
    )
    return rows if len(rows) else np.zeros(1, dtype=np.int64)  # where n is too small to share out


# -- while labels are few --


def is_few(n_by_class: Sequence[int]) -> bool:
    """Are labels too few for a model's uncertainty to say much?  From 5 of each class on no more.

    >>> is_few([7, 2]), is_few([7, 5]), is_few([70, 2])
    (True, False, False)
    """
    return min(n_by_class) < FEW and sum(n_by_class) < FEW_IN_ALL * len(n_by_class)


def typical_first(pool: Pool, n: int) -> IntArray:
    """While labels are few a typical row of each large group without one, then as ``clustered``.

    Source: Hacohen, Dekel and Weinshall 2022, "Active learning on a budget", ICML (TypiClust).
    """

    def from_neighbours(at: Points, centre: Points) -> FloatArray:
        n_near = min(NEIGHBOURS, len(at) - 1)
        if not n_near:
            return np.zeros(len(at))
        near = np.partition(_distances(at, at), n_near, axis=1)[:, : n_near + 1]  # and itself
        return np.asarray(near.sum(axis=1) / n_near)

    return _first_of_groups(pool, n, from_neighbours)


def spread_first(pool: Pool, n: int) -> IntArray:
    """While labels are few the row amid each large group without one, then as ``clustered``."""
    return _first_of_groups(pool, n, lambda at, centre: ((at - centre) ** 2).sum(axis=1))


def _first_of_groups(
    pool: Pool, n: int, distance_of: Callable[[Points, Points], FloatArray]
) -> IntArray:
    """The nearest of each group, those groups first that have fewest labels, then the largest.

    ``distance_of`` takes the points of a group and its centre.
    """
    if not is_few(pool.n_by_class):
        return clustered(pool, n)
    rows = pool.drawn(max(n, LOOKED_AT))
    at, labelled = pool.with_labelled(rows)
    together = np.concatenate([at, labelled])
    n_groups = min(n + len(labelled), MOST_GROUPS, len(together))
    group, centres = groups_of(together, n_groups, pool.seed)
    of_pool = group[: len(rows)]
    sizes = np.bincount(of_pool, minlength=n_groups)
    n_labels = np.bincount(group[len(rows) :], minlength=n_groups)
    places = np.lexsort((-sizes, n_labels, sizes < LEAST_GROUP))
    distance = np.zeros(len(rows))
    for each in places[sizes[places] > 0][:n]:  # no other group has its turn
        here = np.flatnonzero(of_pool == each)
        distance[here] = distance_of(at[here], centres[each])
    return rows[_in_turns(of_pool, distance, np.argsort(places))[:n]]


# -- shared steps --


def _in_turns(group: IntArray, distance: FloatArray, turn: IntArray) -> IntArray:
    """All rows: the nearest of each group, groups in their turn, then the next of each, and so on.

    Parameters
    ----------
    group, distance : of each row
    turn : of each group
    """
    by_group = np.lexsort((distance, group))
    starts = np.searchsorted(group[by_group], np.arange(len(turn)))
    place = np.empty(len(group), dtype=np.int64)
    place[by_group] = np.arange(len(group)) - starts[group[by_group]]
    return np.asarray(np.lexsort((turn[group], place)))


def _shared_out(n: int, shares: Sequence[float], draw: float) -> list[int]:
    """How many of n each share gets: its part, rounded up or down by one draw for all.

    >>> _shared_out(10, [0.25, 0.75], 0.4), _shared_out(10, [0.25, 0.75], 0.6)
    ([2, 8], [3, 7])
    """
    ends = np.floor(np.cumsum([0, *shares]) * n + draw).astype(int)
    ends[0], ends[-1] = 0, n
    return [int(each) for each in np.diff(ends)]


def _distances(at: Points, others: Points) -> FloatArray:
    """From each point to each other, shape (n, n_others)."""
    squared = (at**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * at @ others.T
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


POWER = Param("power", "Power", 1.0, 0.1, 10.0, help="Higher comes nearer to the plain margin.")
WEIGHT = Param("weight", "Weight of density", 1.0, 0.0, 5.0, help="0 is the plain margin.")
THRESHOLD = Param(
    "threshold", "Entropy from", 0.5, 0.0, 1.0, help="As a share of the highest there can be."
)
RANDOM_SHARE = Param(
    "random_share", "Share of random", 0.1, 0.0, 1.0, help="So that no corner is never looked at."
)
