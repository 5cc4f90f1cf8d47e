"""The features of a project: which there are, in which order, and their SQL.

Owns naming and order of base and combined features, and the names of what can be plotted.  Must not
compute anything itself: DuckDB does, in double precision; what texts come to is counted elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

from al_engine.data.columns import CatalogueColumns, Missing
from al_engine.data.operations import OPERATIONS, find_operation
from al_engine.errors import SettingsError
from al_engine.settings.config import OPERATION_SIGNS, Combination, Features

TEXT_AXES = ("text 1", "text 2")
TEXT_AXIS = "text axis"  # stands as the operation of an axis that no SQL makes


@dataclass(frozen=True)
class Feature:
    """A feature: its name, the base columns it comes from, and the operation between them."""

    name: str
    columns: tuple[str, ...]
    operation: str = ""

    @property
    def formula(self) -> str:
        """How the feature is made, e.g. ``g - r``; the name alone for a base column."""
        if not self.operation:
            return self.name
        return feature_name(self.operation, self.columns, " ")


def feature_name(operation: str, columns: Sequence[str], space: str = "") -> str:
    """An operation between columns as people write it: by its sign, or as a function of them."""
    sign = OPERATION_SIGNS.get(operation)
    if sign is None:
        return f"{operation}({f',{space}'.join(columns)})"
    return f"{space}{sign}{space}".join(columns)


def n_combined(n_base: int, combination: Combination) -> int:
    """How many features a combination makes of ``n_base`` base features."""
    return comb(n_base, combination.n)


def list_features(features: Features) -> list[Feature]:
    """Base features, then each combination of them, in feature order.

    A combined feature whose name is already taken is left out, so that a column named ``g-r``
    in the catalogue stays what it is.
    """
    listed = {name: Feature(name, (name,)) for name in features.base}
    for combination in features.combinations:
        if combination.n > len(features.base):
            raise SettingsError(
                f"{combination.n} features cannot be combined: {len(features.base)} are chosen.",
                "Choose more features, or combine fewer.",
            )
        operation = find_operation(combination.operation)
        if not operation.fewest <= combination.n <= operation.most:
            raise SettingsError(
                f"The operation {operation.title} does not take {combination.n} features.",
                f"It takes {operation.how_many}.",
            )
        for columns in combinations(features.base, combination.n):
            name = feature_name(operation.name, columns)
            listed.setdefault(name, Feature(name, columns, combination.operation))
    return list(listed.values())


def features_there(features: Features) -> Features:
    """The same without combinations by operations that are not there."""
    there = tuple(made for made in features.combinations if made.operation in OPERATIONS)
    return replace(features, combinations=there)


def feature_sql(feature: Feature, catalogue: CatalogueColumns, missing: Missing) -> str:
    """SQL for a feature in double precision: ``a-b-c`` is ``(a-b)-c``."""
    numbers = [catalogue.number_sql(column, missing) for column in feature.columns]
    return find_operation(feature.operation).sql(numbers) if feature.operation else numbers[0]


def plottable(features: Features) -> list[str]:
    """The names of all features, and of the two axes along which texts differ most."""
    names = [feature.name for feature in list_features(features)]
    return names + [name for name in TEXT_AXES if features.texts and name not in names]


def axis_feature(name: str, features: Features) -> Feature:
    """The feature of that name, or an axis of the texts, or the plain column of that name."""
    found = next((f for f in list_features(features) if f.name == name), None)
    if found is None and features.texts and name in TEXT_AXES:
        return Feature(name, features.texts, TEXT_AXIS)
    return found or Feature(name, (name,))
