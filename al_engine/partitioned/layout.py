"""What learners see of a data set that stays where it lies: all but the rows.

Owns the step from settings and Parquet files to features, draw and preparation, equal to those of
an imported catalogue, and the arrays of one batch of rows.  Must not know answers, nor who does the
work: it is given a function that does a task for each partition.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.config import ProjectConfig, Splits, check
from al_engine.data.features import Feature, axis_feature, feature_sql, list_features
from al_engine.data.matrix import Matrix, single
from al_engine.data.parquet_rows import (
    ROWS_AT_ONCE,
    Extract,
    Partition,
    columns_of,
    cut,
    extract,
    read,
)
from al_engine.data.partitions import MOST_RETURNED, IsWanted, Run
from al_engine.data.ranks import Level, keys_by_rank, ordered_keys, ordered_values
from al_engine.data.readers.columnar import ParquetSet, look_over
from al_engine.data.splits import TRAIN, Parts, draw_keys, part_sizes, parts_of
from al_engine.errors import SettingsError, UnsuitableColumnError
from al_engine.learning.learners import Preparation, fit_preparation
from al_engine.mixing import Keys

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Draw:
    """How the parts are drawn; ``bounds`` stand for the draw among all objects (``parts_of``)."""

    splits: Splits
    bounds: dict[int, tuple[int, ...]]
    leave_out_unknown: bool


@dataclass(frozen=True)
class Reading:
    """How to make arrays of a partition's rows: features, label and key, then further numbers."""

    extract: Extract
    n_features: int
    draw: Draw


@dataclass(frozen=True)
class Chunk:
    """Arrays over some rows that follow each other, as ``Dataset`` has them over all.

    ``X`` has shape (n_features, n); ``others`` are further numbers, each of shape (n,).
    """

    first_row: int
    X: Matrix
    codes: npt.NDArray[np.int16]
    keys: Keys
    parts: Parts
    others: tuple[npt.NDArray[np.float32], ...]


@dataclass(frozen=True)
class Layout:
    """A data set in partitions: what ``Dataset`` is of a catalogue, without arrays over rows.

    ``n_by_value`` counts the objects of each of ``values``; ``n_validation`` those of validation.
    """

    found: ParquetSet
    partitions: tuple[Partition, ...]
    config: ProjectConfig
    features: tuple[Feature, ...]
    values: tuple[str, ...]
    left_out: frozenset[str]
    draw: Draw
    n_by_value: tuple[int, ...]
    n_validation: int
    preparation: Preparation

    @property
    def n_rows(self) -> int:
        return sum(partition.n_rows for partition in self.partitions)

    def reading(self, *axes: str) -> Reading:
        """How to read features, labels and keys, and the numbers on some axes besides."""
        others = [axis_feature(name, self.config.features) for name in axes]
        return _reading(self.found, self.config, self.features, self.draw, others)


def lay_out(
    run: Run,
    path: Path,
    config: ProjectConfig,
    rows_at_once: int = ROWS_AT_ONCE,
    is_wanted: IsWanted = lambda: True,
) -> Layout:
    """Find out all that settings make of a data set, in a few passes over it.

    Raises
    ------
    UnreadableFileError : no Parquet file, or files that do not fit together
    SettingsError : no feature, no label, or nothing left to train on
    UnknownColumnError, UnsuitableColumnError : a column that is not there, or does not serve
    """
    check(config)
    found = look_over(path)
    partitions = cut(found, rows_at_once)
    features = tuple(list_features(config.features))
    if not features:
        raise SettingsError("No feature is chosen.", "Choose at least one numeric column.")
    values = tuple(label.value for label in config.labels)
    go = partial(_count, run, partitions, is_wanted)
    draw = Draw(config.splits, {}, leave_out_unknown=False)
    draw, n_by_value, n_validation = _draw(
        go, _reading(found, config, (), draw), config, sum(p.n_rows for p in partitions)
    )
    preparation = _preparation(
        go, _reading(found, config, features, draw), scale=config.features.scale
    )
    used = {label.value for label in config.labels_in_use}
    return Layout(
        found,
        partitions,
        config,
        features,
        values,
        frozenset(value for value in values if value not in used),
        draw,
        n_by_value,
        n_validation,
        preparation,
    )


def chunks(partition: Partition, reading: Reading) -> Iterator[Chunk]:
    """Stream a partition as arrays, exactly those that an import would make of its rows."""
    n = reading.n_features
    for first_row, made in read(partition, reading.extract):
        codes, keys = made[n].astype(np.int16), made[n + 1].astype(np.uint64)
        X = np.empty((n, len(keys)), dtype=np.float32)
        for i, numbers in enumerate(made[:n]):
            X[i] = single(numbers.astype(np.float64))
        draw = reading.draw
        parts = parts_of(
            codes, keys, draw.splits, draw.bounds, leave_out_unknown=draw.leave_out_unknown
        )
        others = tuple(single(numbers.astype(np.float64)) for numbers in made[n + 2 :])
        yield Chunk(first_row, X, codes, keys, parts, others)


def features_of(
    run: Run, layout: Layout, rows: Sequence[int], is_wanted: IsWanted = lambda: True
) -> dict[int, npt.NDArray[np.float32]]:
    """Features of some rows, by row: each of shape (n_features,)."""
    wanted = np.unique(np.asarray(rows, dtype=np.intp))
    at_once = max(1, MOST_RETURNED // 2 // (4 * len(layout.features) + 8))
    found: dict[int, npt.NDArray[np.float32]] = {}
    for start in range(0, len(wanted), at_once):
        some = wanted[start : start + at_once]
        holding = [p for p in layout.partitions if len(_within(some, p.first_row, p.n_rows))]
        for own, X in run(_read_rows, holding, (layout.reading(), some), is_wanted):
            found.update(zip(own.tolist(), X, strict=True))
    return found


def _read_rows(partition: Partition, job: tuple[Reading, Rows]) -> tuple[Rows, Matrix]:
    reading, wanted = job
    own = _within(wanted, partition.first_row, partition.n_rows)
    X = np.empty((len(own), reading.n_features), dtype=np.float32)
    for chunk in chunks(partition, reading):
        here = _within(own, chunk.first_row, len(chunk.keys))
        X[np.searchsorted(own, here)] = chunk.X[:, here - chunk.first_row].T
        if own[-1] < chunk.first_row + len(chunk.keys):
            break
    return own, X


def _within(rows: Rows, first_row: int, n_rows: int) -> Rows:
    """Those of ascending rows that are among ``n_rows`` from the first."""
    start, stop = np.searchsorted(rows, [first_row, first_row + n_rows])
    return rows[start:stop]


def _reading(
    found: ParquetSet,
    config: ProjectConfig,
    features: Sequence[Feature],
    draw: Draw,
    others: Sequence[Feature] = (),
) -> Reading:
    columns, parts_played = columns_of(found), config.columns
    values = tuple(label.value for label in config.labels)
    label = parts_played.label
    sqls = [feature_sql(feature, columns, parts_played.missing) for feature in features]
    sqls.append(columns.label_sql(label, values) if label else "CAST(-1 AS SMALLINT)")
    sqls.append(columns.key_sql(parts_played.id))
    sqls += [feature_sql(feature, columns, parts_played.missing) for feature in others]
    needed = {name for feature in (*features, *others) for name in feature.columns}
    needed |= {name for name in (label, parts_played.id) if name is not None}
    bound = values if label else ()
    return Reading(extract(found, sorted(needed), sqls, bound), len(features), draw)


# -- what all objects have a say in --------------------------------------------------------------


def _count(
    run: Run,
    partitions: Sequence[Partition],
    is_wanted: IsWanted,
    task: Any,
    reading: Reading,
    level: Level,
) -> npt.NDArray[np.int64]:
    total = level.zeros().astype(np.int64)
    for counts in run(task, partitions, (reading, level), is_wanted):
        total += counts
    return total


def _count_draws(partition: Partition, job: tuple[Reading, Level]) -> npt.NDArray[np.uint32]:
    reading, level = job
    counts = level.zeros()
    for chunk in chunks(partition, reading):
        drawn = draw_keys(chunk.keys, reading.draw.splits)
        for code in np.unique(chunk.codes[chunk.codes >= 0]):
            level.tally(counts, int(code), drawn[chunk.codes == code])
    return counts


def _count_features(partition: Partition, job: tuple[Reading, Level]) -> npt.NDArray[np.uint32]:
    reading, level = job
    counts = level.zeros()
    for chunk in chunks(partition, reading):
        train = chunk.parts == TRAIN
        for i, column in enumerate(chunk.X):
            values = column[train]
            level.tally(counts, i, ordered_keys(values[~np.isnan(values)]))
    return counts


def _draw(
    go: Any, reading: Reading, config: ProjectConfig, n_rows: int
) -> tuple[Draw, tuple[int, ...], int]:
    """The bounds between parts, the number of objects of each label, and of validation."""
    values = [label.value for label in config.labels]
    takes_part = [
        not config.leave_out_other_labels or value in config.train_labels for value in values
    ]
    n_by_value: list[int] = []
    sizes: dict[int, tuple[int, int, int]] = {}

    def ranks(counts: Sequence[int]) -> list[list[int]]:
        n_by_value.extend(counts)
        groups = [code for code, n in enumerate(counts) if n and takes_part[code]]
        sizes.update(
            zip(groups, part_sizes([counts[g] for g in groups], config.splits), strict=True)
        )
        # The bound of a part that takes all the rest would lie beyond the last object.
        return [
            [rank for rank in np.cumsum(sizes[code]).tolist() if rank < n] if code in sizes else []
            for code, n in enumerate(counts)
        ]

    try:
        bounds = keys_by_rank(
            partial(go, _count_draws, reading), len(values), 64, ranks, bounds=True
        )
    except ValueError as error:
        raise UnsuitableColumnError(
            f"`{config.columns.id}` has the same value in several rows.",
            "Choose another column, or number the rows.",
        ) from error
    n_unknown = n_rows - sum(n_by_value)
    leave_out_unknown = config.leave_out_unknown and any(n_by_value)
    if not any(train for train, _, _ in sizes.values()) and (leave_out_unknown or not n_unknown):
        raise SettingsError(
            "These settings leave no object to train on.",
            "Keep unknown objects in the pool, or train for more labels.",
        )
    by_code = {code: tuple(bounds[code]) for code in sizes}
    draw = Draw(config.splits, by_code, leave_out_unknown)
    return draw, tuple(n_by_value), sum(n for _, n, _ in sizes.values())


def _preparation(go: Any, reading: Reading, *, scale: bool) -> Preparation:
    """The preparation that the whole training set gives, from a few of its values.

    Median and quartiles come from the values on either side of them alone, so a short column that
    holds those values at the same places gives the same.
    """
    places: list[list[tuple[int, int]]] = []

    def ranks(counts: Sequence[int]) -> list[list[int]]:
        places.extend(places_and_ranks(n) for n in counts)
        return [[rank for _, rank in column] for column in places]

    keys = keys_by_rank(partial(go, _count_features, reading), reading.n_features, 32, ranks)
    # As many rows as NumPy takes no other way for than for a long column.
    X = np.full((1000, reading.n_features), np.nan, dtype=np.float32)
    for i, (column, found) in enumerate(zip(places, keys, strict=True)):
        for (place, _), value in zip(
            column, ordered_values(np.array(found, np.uint64)), strict=True
        ):
            X[place, i] = value
    return fit_preparation(X, scale=scale)


def places_and_ranks(n: int) -> list[tuple[int, int]]:
    """Places in a short column, and the ranks among n values of what is to stand there.

    The short column has 8 to 11 values: as many as leave the same rest when divided by four, so
    that quartiles lie as far between two values; places between take the next lower value.
    """
    if n < 8:
        return [(i, i) for i in range(n)]
    m = 8 + n % 4
    at: dict[int, int] = {}
    for quarter in (1, 2, 3):
        place, rank = quarter * (m - 1) // 4, quarter * (n - 1) // 4
        at[place], at[place + 1] = rank, rank + 1
    listed, rank = [], 0
    for place in range(m):
        rank = at.get(place, rank)
        listed.append((place, rank))
    return listed
