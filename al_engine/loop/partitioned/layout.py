"""What learners see of a data set that stays where it lies: all but the rows.

Owns the step from settings and Parquet files to features, draw and preparation, equal to those of
an imported catalogue.  Must not know answers, nor who does the work: it is given a function that
does a task for each partition.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.features import Feature, axis_feature, list_features
from al_engine.data.parquet_rows import ROWS_AT_ONCE, Partition, cut
from al_engine.data.partitions import IsWanted, Run, Task
from al_engine.data.readers.columnar import ParquetSet, look_over
from al_engine.data.splits import draw_keys, part_sizes
from al_engine.errors import SettingsError
from al_engine.learning.learners import Preparation, fit_preparation
from al_engine.loop.partitioned.draws import Go, first_of_training, keys_at
from al_engine.loop.partitioned.reading import Chunk, Draw, Reading, chunks, pieces, reading_of
from al_engine.mixing import Keys
from al_engine.projects.dataset import PREPARED_FROM
from al_engine.settings.config import ALL_LABELS, ProjectConfig, check

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Layout:
    """A data set in partitions: what ``Dataset`` is of a catalogue, without arrays over rows.

    ``n_by_value`` counts the objects of each of ``values``; ``n_training`` those of the training
    set, known or not, and ``n_validation`` those of validation that are known.
    """

    found: ParquetSet
    partitions: tuple[Partition, ...]
    config: ProjectConfig
    features: tuple[Feature, ...]
    values: tuple[str, ...]
    left_out: frozenset[str]
    draw: Draw
    n_by_value: tuple[int, ...]
    n_training: int
    n_validation: int
    preparation: Preparation

    @property
    def n_rows(self) -> int:
        return sum(partition.n_rows for partition in self.partitions)

    def reading(self, *axes: str) -> Reading:
        """How to read features, labels and keys, and the numbers on some axes besides."""
        others = [axis_feature(name, self.config.features) for name in axes]
        return reading_of(self.found, self.config, self.features, self.draw, others)

    def reading_of_keys(self) -> Reading:
        """How to read labels and keys alone."""
        return reading_of(self.found, self.config, (), self.draw)


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
    if config.splits.curated:
        raise SettingsError(
            "splits.curated is true, and a data set in partitions has no curated test set.",
            "Import it, or draw the test set at random.",
        )
    if any(label.merged for label in config.labels):
        raise SettingsError(
            "Labels are merged, and a data set in partitions has its labels as they are.",
            "Import it, or undo the merging.",
        )
    if config.asking.among:
        raise SettingsError(
            f"Only the selection '{config.asking.among[:60]}' is asked about, and a data set in "
            "partitions has no selections.",
            "Import it, or ask about the whole pool.",
        )
    if config.features.texts:
        raise SettingsError(
            f"'{config.features.texts[0][:60]}' is a text among the features, and a data set in "
            "partitions has no features of texts.",
            "Import it, or choose numeric columns alone.",
        )
    if config.asking.repeat_every:
        raise SettingsError(
            f"asking.repeat_every is {config.asking.repeat_every}, and a data set in partitions "
            "asks about no object once more.",
            "Import it, or set it to 0.",
        )
    if ALL_LABELS in config.train_labels:
        raise SettingsError(
            "A data set in partitions has no classifier over all labels.",
            "Import it, or train one for each label.",
        )
    for value, setup in config.setups.items():
        if setup.batch_size > 1:
            raise SettingsError(
                f"The classifier for '{value}' asks about {setup.batch_size} objects at a time, "
                "and a data set in partitions about one.",
                "Import it, or set its batch size to 1.",
            )
    found = look_over(path)
    partitions = cut(found, rows_at_once)
    features = tuple(list_features(config.features))
    if not features:
        raise SettingsError("No feature is chosen.", "Choose at least one numeric column.")
    n_rows = sum(partition.n_rows for partition in partitions)

    def go(task: Task, job: Any) -> Iterator[Any]:
        return run(task, partitions, job, is_wanted)

    whole = reading_of(found, config, (), Draw(config.splits, {}, leave_out_unknown=False))
    draw, n_by_value, n_training, n_validation = _draw(go, whole, config, n_rows)
    _, X = first_of_training(
        go,
        reading_of(found, config, (), draw),
        reading_of(found, config, features, draw),
        _by_own_key,
        PREPARED_FROM,
        n_training,
    )
    values = tuple(label.value for label in config.labels)
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
        n_training,
        n_validation,
        fit_preparation(X, scale=config.features.scale),
    )


def _draw(
    go: Go, reading: Reading, config: ProjectConfig, n_rows: int
) -> tuple[Draw, tuple[int, ...], int, int]:
    """The bounds between parts; how many objects have each label, train, and validate."""
    takes_part = [label in config.labels_in_use for label in config.labels]
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

    by_label = partial(_by_label, partial(draw_keys, splits=config.splits))
    bounds = keys_at(go, reading, by_label, len(takes_part), ranks)
    leave_out_unknown = config.leave_out_unknown and any(n_by_value)
    n_training = sum(train for train, _, _ in sizes.values())
    if not leave_out_unknown:
        n_training += n_rows - sum(n_by_value)
    if not n_training:
        raise SettingsError(
            "These settings leave no object to train on.",
            "Keep unknown objects in the pool, or train for more labels.",
        )
    by_code = {code: tuple(bounds[code]) for code in sizes}
    draw = Draw(config.splits, by_code, leave_out_unknown)
    n_validation = sum(validation for _, validation, _ in sizes.values())
    return draw, tuple(n_by_value), n_training, n_validation


def features_of(
    run: Run, layout: Layout, rows: Sequence[int], is_wanted: IsWanted = lambda: True
) -> dict[int, npt.NDArray[np.float32]]:
    """Features of some rows, by row: each of shape (n_features,)."""
    wanted = np.unique(np.asarray(rows, dtype=np.intp))
    holding = [p for p in layout.partitions if len(_within(wanted, p.first_row, p.n_rows))]
    found: dict[int, npt.NDArray[np.float32]] = {}
    for own, X in run(_read_rows, holding, (layout.reading(), wanted), is_wanted):
        found.update(zip(own.tolist(), X, strict=True))
    return found


# -- on a worker --


def _by_label(order: Any, chunk: Chunk) -> Iterator[tuple[int, Keys]]:
    for code in np.unique(chunk.codes[chunk.codes >= 0]):
        yield int(code), order(chunk.keys[chunk.codes == code])


def _by_own_key(keys: Keys) -> Keys:
    return keys


def _read_rows(
    partition: Partition, job: tuple[Reading, Rows]
) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    reading, wanted = job
    own = _within(wanted, partition.first_row, partition.n_rows)
    X = np.empty((len(own), reading.n_features), dtype=np.float32)
    for chunk in chunks(partition, reading):
        here = _within(own, chunk.first_row, len(chunk.keys))
        X[np.searchsorted(own, here)] = chunk.X[:, here - chunk.first_row].T
        if own[-1] < chunk.first_row + len(chunk.keys):
            break
    return pieces(own, X)


def _within(rows: Rows, first_row: int, n_rows: int) -> Rows:
    """Those of ascending rows that are among ``n_rows`` from the first."""
    start, stop = np.searchsorted(rows, [first_row, first_row + n_rows])
    return rows[start:stop]
