"""Which objects train, which validate, which test.

Owns the one partition of a catalogue's objects.  Takes arrays; must not know DuckDB or answers.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from al_engine.errors import SettingsError
from al_engine.mixing import Keys, mix64
from al_engine.settings.config import Splits

TRAIN, VALIDATION, TEST, OUT = 0, 1, 2, 3
PART_NAMES = ("train", "validation", "test", "out")

Parts = npt.NDArray[np.uint8]


def split(
    codes: npt.NDArray[np.int16],
    keys: Keys,
    splits: Splits,
    *,
    left_out: Sequence[int] = (),
    leave_out_unknown: bool = False,
) -> Parts:
    """Share objects out by a seeded draw that goes by object id, not by row order.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,); position of each object's label, -1 where unknown
    keys : ndarray of shape (n_rows,); a number for each object that depends on its id alone
    left_out : labels whose objects take no part

    Returns
    -------
    parts : ndarray of uint8, shape (n_rows,); TRAIN, VALIDATION, TEST or OUT.  An unknown object
        is TRAIN (the pool), or OUT; so is what a balanced draw leaves over.

    Raises
    ------
    SettingsError : counts that add up to more than there are objects with a known label
    """
    parts = np.full(len(codes), OUT, dtype=np.uint8)
    if not leave_out_unknown:
        parts[codes < 0] = TRAIN
    known = (codes >= 0) & ~np.isin(codes, np.asarray(left_out, dtype=codes.dtype))
    n_by_code = np.bincount(codes[known])
    groups = [np.flatnonzero(known & (codes == code)) for code in np.flatnonzero(n_by_code)]
    sizes = part_sizes([len(group) for group in groups], splits)
    for group, numbers in zip(groups, sizes, strict=True):
        ends = np.cumsum(numbers)
        # Parted at the ends of the sets, not sorted: who comes where within a set is no matter.
        at = np.unique(np.minimum(ends, len(group) - 1))
        group = group[np.argpartition(draw_keys(keys[group], splits), at)]
        for part, start, end in zip((TRAIN, VALIDATION, TEST), (0, *ends[:-1]), ends, strict=True):
            parts[group[start:end]] = part
    return parts


def draw_keys(keys: Keys, splits: Splits) -> Keys:
    """The order of the draw: the lowest of each label train, the next validate, the next test."""
    return mix64(keys ^ mix64(np.array([splits.seed % 2**64], dtype=np.uint64)))


def part_sizes(groups: Sequence[int], splits: Splits) -> list[tuple[int, int, int]]:
    """How many objects train, validate and test, of labels that have so many objects each.

    Raises
    ------
    SettingsError : counts that add up to more than there are objects
    """
    if splits.draw == "balanced" and groups:
        groups = [min(groups)] * len(groups)
    return (_by_share if splits.mode == "shares" else _by_count)(groups, splits)


def parts_of(
    codes: npt.NDArray[np.int16],
    keys: Keys,
    splits: Splits,
    bounds: Mapping[int, Sequence[int]],
    *,
    leave_out_unknown: bool = False,
) -> Parts:
    """What ``split`` gives some of the objects, by the bounds that it draws among all.

    Parameters
    ----------
    bounds : for each label that takes part the lowest of ``draw_keys`` that validates, that
        tests, and that is left over; those that would lie beyond the last object are left out
    """
    parts = np.full(len(codes), OUT, dtype=np.uint8)
    if not leave_out_unknown:
        parts[codes < 0] = TRAIN
    drawn = draw_keys(keys, splits)
    for code, ends in bounds.items():
        own = codes == code
        # A part's number is the number of bounds below.
        parts[own] = np.searchsorted(np.array(ends, dtype=np.uint64), drawn[own], side="right")
    return parts


def _by_share(groups: Sequence[int], splits: Splits) -> list[tuple[int, int, int]]:
    """Numbers for each group: rounded, the training set first where there are few."""
    train, validation, test = splits.train / 100, splits.validation / 100, splits.test / 100
    whole = train + validation + test > 1 - 1e-9
    sizes = []
    for n in groups:
        n_train = min(n, max(1, round(n * train)))
        n_validation = min(n - n_train, round(n * validation))
        n_test = min(n - n_train - n_validation, round(n * test))
        # Of a whole nobody is left over by rounding: the last part that is wanted takes them.
        rest = n - n_train - n_validation - n_test if whole else 0
        if test:
            n_test += rest
        elif validation:
            n_validation += rest
        else:
            n_train += rest
        sizes.append((n_train, n_validation, n_test))
    return sizes


def _by_count(groups: Sequence[int], splits: Splits) -> list[tuple[int, int, int]]:
    """Numbers for each group: in proportion, and adding up to what was asked for exactly."""
    wanted = [round(n) for n in (splits.train, splits.validation, splits.test)]
    n_known = sum(groups)
    if sum(wanted) > n_known and n_known:
        raise SettingsError(
            f"The splits ask for {sum(wanted):,} objects; {n_known:,} can be drawn.",
            "Use smaller counts, or shares.",
        )
    left = np.array(groups, dtype=np.int64)
    sizes: list[npt.NDArray[np.int64]] = []
    for n in wanted:
        exact = n * np.array(groups) / max(n_known, 1)
        part = np.minimum(np.floor(exact).astype(np.int64), left)
        if not sizes and n >= len(groups):
            # A label that is rare still trains.
            part = np.maximum(part, np.minimum(left, 1))
        while part.sum() > n:
            part[part.argmax()] -= 1
        while part.sum() < min(n, n_known):
            part[np.where(part < left, exact - part, -np.inf).argmax()] += 1
        left -= part
        sizes.append(part)
    return [(int(a), int(b), int(c)) for a, b, c in zip(*sizes, strict=True)]
