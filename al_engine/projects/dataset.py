"""What learners see of a project: features, labels, parts and keys of every object, as arrays.

Owns the step from settings and catalogue to arrays.  One data set serves every classifier and
every browser session of a project; must not know answers.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue
from al_engine.data.features import Feature, feature_sql, list_features
from al_engine.data.mapped import Room
from al_engine.data.matrix import Matrix, open_matrix
from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION, Parts, split
from al_engine.errors import SettingsError
from al_engine.learning.preparation import NOTHING_TO_PREPARE, Preparation, fit_preparation
from al_engine.mixing import Keys
from al_engine.projects.texts import TextMatrix, Texts
from al_engine.settings.config import ALL_LABELS, ProjectConfig

Truth = npt.NDArray[np.int8] | npt.NDArray[np.int16]

WATCHED = 1000  # objects of the training set, whose predictions are kept from round to round
PREPARED_FROM = 100_000  # objects of the training set, by their keys, tell medians and quartiles


@dataclass(frozen=True)
class Dataset:
    """Arrays over all rows of the catalogue, in its order.

    ``X`` alone keeps an order of its own; ``codes`` are positions in ``values``, -1 where the
    catalogue has no known label; ``keys`` depend on object ids alone; ``left_out`` are the labels
    that take no part.  ``preparation`` is of the objects drawn for training, whose labels it does
    not see; of those, some may test once the curated test set is in use.
    """

    features: tuple[Feature, ...]
    values: tuple[str, ...]
    X: Matrix | TextMatrix
    codes: npt.NDArray[np.int16]
    parts: Parts
    keys: Keys
    preparation: Preparation
    left_out: frozenset[str] = frozenset()

    @property
    def n_rows(self) -> int:
        return len(self.codes)

    @cached_property
    def n_by_value(self) -> list[int]:
        """How many objects of the catalogue have each of ``values``."""
        known = self.codes[self.codes >= 0]
        return [int(n) for n in np.bincount(known, minlength=len(self.values))]

    @cached_property
    def n_validation(self) -> int:
        """How many objects of the validation set have a label in the catalogue."""
        return int(np.count_nonzero((self.parts == VALIDATION) & (self.codes >= 0)))

    @cached_property
    def told_apart(self) -> tuple[str, ...]:
        """The classes of the classifier over all labels: those in use, in their order."""
        return tuple(value for value in self.values if value not in self.left_out)

    @cached_property
    def watched(self) -> npt.NDArray[np.intp]:
        """A fixed random sample of the objects drawn for training, by their keys; rows in order."""
        rows = np.flatnonzero(self.parts == TRAIN)
        if len(rows) > WATCHED:
            rows = rows[np.argpartition(self.keys[rows], WATCHED)[:WATCHED]]
        return np.sort(rows)

    @cached_property
    def _truths(self) -> dict[str, Truth]:
        return {}

    def truth(self, classifier: str) -> Truth:
        """1 where the catalogue has the classifier's label, 0 where another, -1 where none.

        Over all labels it is the place in ``told_apart``, -1 where the label is none of those.
        """
        if classifier not in self._truths:
            truth: Truth
            if classifier == ALL_LABELS:
                places = [
                    self.told_apart.index(v) if v in self.told_apart else -1 for v in self.values
                ]
                truth = np.array([*places, -1], dtype=np.int16)[self.codes]
            else:
                truth = (self.codes == self.values.index(classifier)).view(np.int8)
                truth[self.codes < 0] = -1
            truth.flags.writeable = False
            self._truths[classifier] = truth
        return self._truths[classifier]

    @property
    def has_texts(self) -> bool:
        return isinstance(self.X, TextMatrix)

    def rows(self, rows: npt.NDArray[np.intp]) -> Any:
        """Features of some rows, shape (n, n_features): an ndarray, NaN where missing.

        Where there are texts, a CSR matrix of float32 in which the numbers are prepared.
        """
        return self.X.take(rows)


def build_dataset(
    catalogue: Catalogue,
    config: ProjectConfig,
    matrix_folder: Path,
    room: Room = lambda n_bytes: None,
    former: tuple[ProjectConfig, Dataset] | None = None,
    texts: Texts | None = None,
) -> Dataset:
    """Make or map everything that settings ask for.

    What does not depend on what was changed since ``former`` is taken from that.  ``texts`` are
    those of the settings; nothing is counted in them here.

    Raises
    ------
    SettingsError : no feature, no label, or nothing left to train on
    UnknownColumnError, UnsuitableColumnError : a column that is not there, or is not numeric
    """
    columns = config.columns
    features = tuple(list_features(config.features))
    if not features and texts is None:
        raise SettingsError("No feature is chosen.", "Choose a numeric column or one of texts.")
    was, held = former or (config, None)
    if was.columns.id != columns.id:
        held = None
    codes, keys, parts = share_out(catalogue, config, None if held is None else held.keys)
    train = np.flatnonzero(parts == TRAIN)
    if not len(train):
        raise SettingsError(
            "These settings leave no object to train on.",
            "Keep unknown objects in the pool, or train for more labels.",
        )
    are_alike = (was.features, was.columns.missing) == (config.features, columns.missing)
    if held is not None and are_alike and np.array_equal(held.parts, parts):
        X, preparation = held.X, held.preparation
    else:
        sqls = [feature_sql(feature, catalogue, columns.missing) for feature in features]
        X = open_matrix(matrix_folder, catalogue, sqls, room)
        some = train
        if len(train) > PREPARED_FROM:
            some = train[np.argpartition(keys[train], PREPARED_FROM)[:PREPARED_FROM]]
        preparation = NOTHING_TO_PREPARE
        if features:
            preparation = fit_preparation(X.take(some), scale=config.features.scale)
        if texts is not None:
            X = TextMatrix(X, texts, train, preparation)
            preparation = replace(NOTHING_TO_PREPARE, n_numbers=len(features))
    values = tuple(label.value for label in config.labels)
    used = {label.value for label in config.labels_in_use}
    left_out = frozenset(value for value in values if value not in used)
    return Dataset(features, values, X, codes, parts, keys, preparation, left_out)


def share_out(
    catalogue: Catalogue, config: ProjectConfig, keys: Keys | None = None
) -> tuple[npt.NDArray[np.int16], Keys, Parts]:
    """The label, the key and the set of every object, in the order of the catalogue's rows.

    ``keys`` are the objects' where they are at hand.

    The draw goes by the catalogue's values, so that merging labels moves no object from one set
    to another.  Where the test set is a curated one, nothing is drawn for it: its share validates.
    """
    columns = config.columns
    values = tuple(value for value, _ in config.catalogue_values)
    label_of = np.array([*(place for _, place in config.catalogue_values), -1], dtype=np.int16)
    codes = (
        catalogue.label_codes(columns.label, values)
        if columns.label
        else np.full(catalogue.n_rows, -1, dtype=np.int16)
    )
    keys = catalogue.object_keys(columns.id) if keys is None else keys
    used = {label.value for label in config.labels_in_use}
    left_out = [
        i for i, place in enumerate(label_of[:-1]) if config.labels[place].value not in used
    ]
    leave_out_unknown = config.leave_out_unknown and bool((codes >= 0).any())
    parts = split(
        codes, keys, config.splits, left_out=left_out, leave_out_unknown=leave_out_unknown
    )
    if config.splits.curated:
        parts[parts == TEST] = VALIDATION
    return label_of[codes], keys, parts


@dataclass(frozen=True)
class SplitSizes:
    """How many objects each set holds: those of each label (by value), and the unknown ones."""

    by_label: tuple[tuple[str, tuple[int, int, int, int]], ...]
    unknown: tuple[int, int, int, int]


def split_sizes(
    catalogue: Catalogue, config: ProjectConfig, tested: Collection[int] = ()
) -> SplitSizes:
    """What settings make of the catalogue: training, validation, test and left out.

    ``tested`` are the rows of the curated test set, where that is in use.
    """
    codes, _, parts = share_out(catalogue, config)
    rows = np.array(sorted(tested), dtype=np.intp)
    parts[rows[parts[rows] != OUT]] = TEST

    def sizes(code: int) -> tuple[int, int, int, int]:
        train, validation, test, out = np.bincount(parts[codes == code], minlength=4)
        return int(train), int(validation), int(test), int(out)

    named = tuple((label.value, sizes(i)) for i, label in enumerate(config.labels))
    return SplitSizes(named, sizes(-1))
