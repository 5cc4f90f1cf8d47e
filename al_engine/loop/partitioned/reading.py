"""Rows of a data set in partitions as arrays, a chunk at a time.

Owns what is read of a partition's rows, equal to what an import makes of them, and how much is sent
back at a time.  Must not know answers, nor who does the work.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.features import Feature, feature_sql
from al_engine.data.matrix import Columns, single
from al_engine.data.operations import find_operation
from al_engine.data.parquet_rows import Extract, Partition, columns_of, extract, read
from al_engine.data.partitions import MOST_RETURNED
from al_engine.data.readers.columnar import ParquetSet
from al_engine.data.splits import Parts, parts_of
from al_engine.errors import SettingsError
from al_engine.learning.models import Model
from al_engine.mixing import Keys
from al_engine.settings.config import ProjectConfig, Splits


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
    label_of: tuple[int, ...]


@dataclass(frozen=True)
class Chunk:
    """Arrays over some rows that follow each other, as ``Dataset`` has them over all.

    ``X`` has shape (n_features, n); ``others`` are further numbers, each of shape (n,).
    """

    first_row: int
    X: Columns
    codes: npt.NDArray[np.int16]
    keys: Keys
    parts: Parts
    others: tuple[npt.NDArray[np.float32], ...]


def reading_of(
    found: ParquetSet,
    config: ProjectConfig,
    features: Sequence[Feature],
    draw: Draw,
    others: Sequence[Feature] = (),
) -> Reading:
    """How to read these features, labels and keys, and some numbers besides."""
    refuse_extensions(find_operation(f.operation) for f in (*features, *others) if f.operation)
    columns, parts_played = columns_of(found), config.columns
    values = tuple(value for value, _ in config.catalogue_values)
    label_of = (*(place for _, place in config.catalogue_values), -1)
    label = parts_played.label
    sqls = [feature_sql(feature, columns, parts_played.missing) for feature in features]
    sqls.append(columns.label_sql(label, values) if label else "CAST(-1 AS SMALLINT)")
    sqls.append(columns.key_sql(parts_played.id))
    sqls += [feature_sql(feature, columns, parts_played.missing) for feature in others]
    needed = {name for feature in (*features, *others) for name in feature.columns}
    needed |= {name for name in (label, parts_played.id) if name is not None}
    bound = values if label else ()
    return Reading(extract(found, sorted(needed), sqls, bound), len(features), draw, label_of)


def refuse_extensions(used: Iterable[Any]) -> None:
    """Refuse what an extension brought: no worker has its file.

    Raises
    ------
    SettingsError : one of these entries of registries is an extension's
    """
    for entry in used:
        if entry.origin is not None:
            raise SettingsError(
                f"{entry.title} ({entry.origin.file}) is an extension's, which a data set in "
                "partitions cannot use.",
                "Choose another, or import the data set.",
            )


def refuse_what_takes_more(models: Iterable[Model]) -> None:
    """Refuse models whose fit takes objects that are not labelled: no worker hands them over.

    Raises
    ------
    SettingsError : one learns from the pool too, or stops by the validation set
    """
    for model in models:
        if model.needs_pool or model.learns_in_steps:
            raise SettingsError(
                f"{model.title} learns from more than the labelled objects, which a data set in "
                "partitions cannot hand over.",
                "Choose another, or import the data set.",
            )


def chunks(partition: Partition, reading: Reading) -> Iterator[Chunk]:
    """Stream a partition as arrays, exactly those that an import would make of its rows."""
    n = reading.n_features
    label_of = np.array(reading.label_of, dtype=np.int16)
    for first_row, made in read(partition, reading.extract):
        codes, keys = label_of[made[n].astype(np.int16)], made[n + 1].astype(np.uint64)
        X = np.empty((n, len(keys)), dtype=np.float32)
        for column, numbers in zip(X, made[:n], strict=True):
            column[:] = single(numbers.astype(np.float64))
        X.flags.writeable = False  # as what is mapped from disk: what is compiled for that serves
        draw = reading.draw
        parts = parts_of(
            codes, keys, draw.splits, draw.bounds, leave_out_unknown=draw.leave_out_unknown
        )
        others = tuple(single(numbers.astype(np.float64)) for numbers in made[n + 2 :])
        yield Chunk(first_row, X, codes, keys, parts, others)


def pieces(*arrays: npt.NDArray[Any]) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Arrays of the same length, in pieces that may be sent back one by one."""
    n_bytes = sum(array.nbytes for array in arrays)
    n = max(1, math.ceil(n_bytes / (MOST_RETURNED // 2)))
    return zip(*(np.array_split(array, n) for array in arrays), strict=True)
