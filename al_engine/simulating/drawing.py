"""Which objects train, validate and test in one run of a simulation, and which are labelled first.

Owns the draws: each depends on the seed and on object ids, and on no strategy, so that what two
strategies come to is compared on the same objects.  Takes arrays; must not know learners or files.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION, draw_keys, split
from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.learning.initial import draw_balanced, draw_initial, spread_initial
from al_engine.learning.selection import IntArray, tie_keys
from al_engine.mixing import Keys
from al_engine.settings.config import Splits
from al_engine.simulating.running import Split
from al_engine.simulating.settings import Initial

FEWEST_INITIAL, INITIAL_OF_EACH = 10, 2


def draw_split(
    y: NDArray[np.integer[Any]],
    keys: Keys,
    groups: IntArray | None,
    splits: Splits,
    seed: int,
) -> Split:
    """Share objects of known classes out, by one seed.

    Parameters
    ----------
    y : ndarray of shape (n,), the class of each by its place
    groups : ndarray of shape (n,), equal for objects that are the same but for their ids; where
        there are several of a group none of them validates or tests
    splits : shares or counts, stratified or balanced

    Raises
    ------
    SettingsError : counts that add up to more than there are, or a training set of one class
    """
    seeded = replace(splits, seed=seed)
    parts = split(y.astype(np.int16), keys, seeded)
    if groups is not None:
        _train_on_repeated(parts, y, draw_keys(keys, seeded), groups)
    rows = [np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION, TEST)]
    if len(np.unique(y[rows[0]])) < 2:
        raise SettingsError(
            f"The training set of {len(rows[0]):,} holds one class.",
            "Give it more objects, or choose another label.",
        )
    for name, share, drawn in zip(
        ("validation", "test"), (splits.validation, splits.test), rows[1:], strict=True
    ):
        if share and not len(drawn):
            raise SettingsError(
                f"The {name} set is empty: there are {len(y):,} objects with a known label.",
                "Give it a larger share.",
            )
    return Split(*rows)


def _train_on_repeated(
    parts: NDArray[np.uint8], y: NDArray[np.integer[Any]], order: Keys, groups: IntArray
) -> None:
    """Have whatever stands there twice in no set but training, as many in each set as before.

    One that would validate or test changes places with one of its class that trains.
    """
    is_repeated = np.bincount(groups)[groups] > 1
    for part in (VALIDATION, TEST):
        for place in np.unique(y):
            of_class = y == place
            repeated = np.flatnonzero(of_class & is_repeated & (parts == part))
            single = np.flatnonzero(of_class & ~is_repeated & (parts == TRAIN))
            single = single[np.argsort(order[single])][: len(repeated)]
            parts[repeated[: len(single)]] = TRAIN
            parts[repeated[len(single) :]] = OUT
            parts[single] = part


def shuffled(rows: IntArray, keys: Keys, seed: int) -> IntArray:
    """The same rows in an order that a seed draws: the first of them are a sample of all."""
    return np.asarray(rows[np.argsort(tie_keys(keys[rows], seed, 0))])


def usual_number(n_classes: int) -> int:
    """How many objects are labelled first where nothing is said: some of each class."""
    return max(FEWEST_INITIAL, INITIAL_OF_EACH * n_classes)


def draw_first(
    how: Initial,
    n: int,
    X: Any,
    y: NDArray[np.integer[Any]],
    keys: Keys,
    train: IntArray,
    seed: int,
) -> IntArray:
    """The rows of the training set that are labelled at the start.

    ``random`` has one of each class at least and draws the others from all; ``balanced`` has as
    many of each class as there are; ``kmeans`` looks at no label and takes what lies nearest to as
    many centres.  ``first`` takes them as the catalogue has them.

    Raises
    ------
    SettingsError, NotEnoughLabelsError, EmptyPoolError : there are not as many
    """
    if how == "kmeans":
        return np.asarray(train[spread_initial(X[train], n, seed)])
    if how == "first":
        if n > len(train):
            raise NotEnoughLabelsError(
                f"{n} initial objects were asked for, but only {len(train)} train.",
                "Ask for fewer, or have more of them train.",
            )
        return train[:n]
    order = tie_keys(keys[train], seed, 0)
    labels = np.unique(y[train], return_inverse=True)[1]
    draw = draw_balanced if how == "balanced" else draw_initial
    return np.asarray(train[draw(labels, n, order)])
