"""Values by their rank among numbers that lie in many places, from counts alone.

Owns the narrowing down: numbers are counted in bins, then again within the bins that hold the ranks
wanted, until each is found exactly.  Takes arrays; must not know where they lie.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.mixing import Keys

Counts = npt.NDArray[np.int64]

MOST_COUNTS = 200_000  # at a time, of four bytes each


@dataclass(frozen=True)
class Level:
    """What to count: of each interval, a group and the leading bits of its keys, the next bits.

    ``below`` bits follow the leading ones, of which ``bits`` tell the bins apart.
    """

    intervals: tuple[tuple[int, int], ...]
    below: int
    bits: int
    is_first: bool

    def zeros(self) -> npt.NDArray[np.uint32]:
        return np.zeros((len(self.intervals), 2**self.bits), dtype=np.uint32)

    def tally(self, counts: npt.NDArray[np.uint32], group: int, keys: Keys) -> None:
        """Add some keys of a group to the counts of its intervals."""
        for i, (own, leading) in enumerate(self.intervals):
            if own == group:
                # All 64 bits cannot be shifted out: the first interval holds every key.
                inside = keys if self.is_first else keys[keys >> np.uint64(self.below) == leading]
                bins = inside >> np.uint64(self.below - self.bits) & np.uint64(2**self.bits - 1)
                counts[i] += np.bincount(bins.astype(np.intp), minlength=2**self.bits).astype(
                    np.uint32
                )


@dataclass
class _Target:
    group: int
    leading: int
    within: int  # keys of the interval that come before
    value: int | None = None


def keys_by_rank(
    count: Callable[[Level], Counts],
    n_groups: int,
    key_bits: int,
    ranks_of: Callable[[Sequence[int]], Sequence[Sequence[int]]],
    *,
    bounds: bool = False,
) -> list[list[int]]:
    """The keys of given ranks in each group, in the order asked.

    Parameters
    ----------
    count : counts keys of all groups, wherever they are; shape (n_intervals, 2**bits)
    key_bits : how many bits keys have, at most 64
    ranks_of : from the groups' sizes to the ranks wanted, each below its group's size
    bounds : any number below which exactly as many keys lie will do; found sooner

    Raises
    ------
    ValueError : a bound between equal keys
    """
    intervals = [(group, 0) for group in range(n_groups)]
    below, targets = key_bits, list[_Target]()
    while intervals:
        is_first = below == key_bits
        bits = min(below, max(1, int(np.log2(MOST_COUNTS / len(intervals)))))
        counts = count(Level(tuple(intervals), below, bits, is_first))
        if is_first:
            wanted = ranks_of([int(n) for n in counts.sum(axis=1)])
            targets = [_Target(group, 0, r) for group, ranks in enumerate(wanted) for r in ranks]
        below -= bits
        for target in targets:
            if target.value is None:
                ends = counts[intervals.index((target.group, target.leading))].cumsum()
                place = int(np.searchsorted(ends, target.within, side="right"))
                target.within -= int(ends[place - 1]) if place else 0
                target.leading = target.leading << bits | place
                if below == 0 or (bounds and target.within == 0):
                    target.value = target.leading << below
                    if bounds and target.within:
                        raise ValueError("equal keys lie on both sides of a bound")
        open_ = {(t.group, t.leading) for t in targets if t.value is None}
        intervals = sorted(open_)
    found: list[list[int]] = [[] for _ in range(n_groups)]
    for target in targets:
        assert target.value is not None, "narrowed down until it is found"
        found[target.group].append(target.value)
    return found


def ordered_keys(values: npt.NDArray[np.float32]) -> Keys:
    """Keys of 32 bits that are in the order of finite single-precision values."""
    bits = (values + np.float32(0)).view(np.uint32)  # minus zero is zero
    negative = bits >> np.uint32(31) == 1
    return np.where(negative, ~bits, bits | np.uint32(2**31)).astype(np.uint64)


def ordered_values(keys: Keys) -> npt.NDArray[np.float32]:
    """The values that ``ordered_keys`` made keys of."""
    bits = np.asarray(keys, dtype=np.uint64).astype(np.uint32)
    negative = bits < np.uint32(2**31)
    return np.where(negative, ~bits, bits ^ np.uint32(2**31)).astype(np.uint32).view(np.float32)
