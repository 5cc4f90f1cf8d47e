"""Who comes first among all objects of a data set in partitions, from counts and a few keys.

Owns the search for the key of a rank, and the features of those below.  Must not know what the
order is for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_engine.data.parquet_rows import Partition
from al_engine.data.partitions import Task
from al_engine.data.splits import TRAIN
from al_engine.errors import UnsuitableColumnError
from al_engine.loop.partitioned.reading import Chunk, Reading, chunks, pieces
from al_engine.mixing import Keys

# Does a task with a job for every partition, and yields what they send back.
Go: TypeAlias = Callable[[Task, Any], Iterator[Any]]
# The keys of a chunk, by the number of the group that they are ranked in.
KeysOf: TypeAlias = Callable[[Chunk], Iterable[tuple[int, Keys]]]
# From objects' keys to others, of which the lowest come first.
Order: TypeAlias = Callable[[Keys], Keys]

Rows = npt.NDArray[np.intp]

MOST_COUNTS = 200_000  # at a time, of four bytes each


def keys_at(
    go: Go,
    reading: Reading,
    keys_of: KeysOf,
    n_groups: int,
    ranks_of: Callable[[list[int]], Sequence[Sequence[int]]],
) -> list[list[int]]:
    """The keys at some ranks in each group, in the order asked: so many keys are lower.

    Keys look random, so the few that share their leading bits with the one wanted are sent here.

    Parameters
    ----------
    ranks_of : from the groups' sizes to the ranks wanted, each below its group's size

    Raises
    ------
    UnsuitableColumnError : equal keys near one that is wanted
    """
    bits = int(np.log2(MOST_COUNTS / max(1, n_groups)))
    counts = np.zeros((n_groups, 2**bits), dtype=np.int64)
    for some in go(_count, (reading, keys_of, n_groups, bits)):
        counts += some
    ends = counts.cumsum(axis=1)
    asked = ranks_of(ends[:, -1].tolist())
    wanted = [(group, rank) for group, ranks in enumerate(asked) for rank in ranks]
    bins = [(g, int(np.searchsorted(ends[g], rank, side="right"))) for g, rank in wanted]
    found: list[list[int]] = [[] for _ in range(n_groups)]
    if not bins:
        return found
    held = zip(*go(_held, (reading, keys_of, bits, bins)), strict=True)
    for (group, rank), own, some_keys in zip(wanted, bins, held, strict=True):
        keys = np.unique(np.concatenate(some_keys))
        if len(keys) < counts[own]:
            raise UnsuitableColumnError(
                "The id column has the same value in several rows.",
                "Choose another column, or number the rows.",
            )
        found[group].append(int(keys[rank - (ends[own] - counts[own])]))
    return found


def first_of_training(
    go: Go, of_keys: Reading, reading: Reading, order: Order, n: int, n_training: int
) -> tuple[Rows, npt.NDArray[np.float32]]:
    """The first n objects of the training set, in order: rows, and features (n, n_features).

    ``of_keys`` reads no features, which is quicker where they are not needed.
    """
    end = None
    if n < n_training:
        [[end]] = keys_at(go, of_keys, partial(_training, order), 1, lambda sizes: [[n]])
    sent = zip(*go(_below, (reading, order, end)), strict=True)
    rows, keys, X = (np.concatenate(some) for some in sent)
    in_order = np.argsort(keys)
    return rows[in_order], X[in_order]


# -- on a worker --


def _count(
    partition: Partition, job: tuple[Reading, KeysOf, int, int]
) -> Iterator[npt.NDArray[np.uint32]]:
    """How many keys of each group have each number in their leading bits."""
    reading, keys_of, n_groups, bits = job
    counts = np.zeros((n_groups, 2**bits), dtype=np.uint32)
    for chunk in chunks(partition, reading):
        for group, keys in keys_of(chunk):
            places = _leading(keys, bits)
            counts[group] += np.bincount(places, minlength=2**bits).astype(np.uint32)
    yield counts


def _held(
    partition: Partition, job: tuple[Reading, KeysOf, int, Sequence[tuple[int, int]]]
) -> Iterator[list[Keys]]:
    """The different keys that a few groups hold at some numbers of the leading bits."""
    reading, keys_of, bits, bins = job
    held = [np.empty(0, dtype=np.uint64) for _ in bins]
    for chunk in chunks(partition, reading):
        for group, keys in keys_of(chunk):
            places = _leading(keys, bits)
            for i, (own, place) in enumerate(bins):
                if own == group:
                    held[i] = np.union1d(held[i], keys[places == place])
    yield held


def _below(
    partition: Partition, job: tuple[Reading, Order, int | None]
) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Rows, keys and features of the training set's objects before an end, in pieces."""
    reading, order, end = job
    found = []
    for chunk in chunks(partition, reading):
        pool = np.flatnonzero(chunk.parts == TRAIN)
        keys = order(chunk.keys[pool])
        if end is not None:
            pool, keys = pool[keys < np.uint64(end)], keys[keys < np.uint64(end)]
        found.append((pool + chunk.first_row, keys, chunk.X[:, pool].T))
    return pieces(*(np.concatenate(some) for some in zip(*found, strict=True)))


def _training(order: Order, chunk: Chunk) -> Iterator[tuple[int, Keys]]:
    yield 0, order(chunk.keys[chunk.parts == TRAIN])


def _leading(keys: Keys, bits: int) -> Rows:
    return (keys >> np.uint64(64 - bits)).astype(np.intp)
