"""Features: which there are, in which order, under which names, and what they come to."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from al_engine.data.catalogue import Catalogue
from al_engine.data.features import (
    Feature,
    axis_feature,
    feature_sql,
    list_features,
    n_combined,
)
from al_engine.data.operations import OPERATIONS, check_operation
from al_engine.errors import SettingsError, UnknownColumnError, UnsuitableColumnError
from al_engine.settings.config import OPERATION_SIGNS, Combination, Features

Build = Callable[..., Catalogue]


def names(base: str, *combinations: Combination) -> list[str]:
    return [feature.name for feature in list_features(Features(tuple(base), combinations))]


def values(catalogue: Catalogue, feature: Feature) -> np.ndarray:
    return next(catalogue.number_batches([feature_sql(feature, catalogue, {})]))[0]


def test_base_features_come_first_then_combinations_in_feature_order() -> None:
    assert names("ugri", Combination("subtract", 2)) == [
        *"ugri", "u-g", "u-r", "u-i", "g-r", "g-i", "r-i",
    ]  # fmt: skip
    assert names("gu", Combination("subtract", 2)) == ["g", "u", "g-u"]


def test_several_combinations_follow_each_other() -> None:
    assert names("abc", Combination("divide", 2), Combination("multiply", 3)) == [
        *"abc", "a/b", "a/c", "b/c", "a*b*c",
    ]  # fmt: skip


@pytest.mark.parametrize(("operation", "sign"), OPERATION_SIGNS.items())
def test_each_operation_names_by_its_sign(operation: str, sign: str) -> None:
    assert names("ab", Combination(operation, 2))[-1] == f"a{sign}b"  # type: ignore[arg-type]


@pytest.mark.parametrize(("n", "count"), [(2, 21), (3, 35), (4, 35), (5, 21)])
def test_every_n_of_seven_are_combined(n: int, count: int) -> None:
    assert n_combined(7, Combination("add", n)) == count
    assert len(names("abcdefg", Combination("add", n))) == 7 + count


def test_the_same_combination_twice_changes_nothing() -> None:
    once = names("abc", Combination("add", 2))
    assert names("abc", Combination("add", 2), Combination("add", 2)) == once


def test_more_cannot_be_combined_than_are_chosen() -> None:
    with pytest.raises(SettingsError, match="3 features cannot be combined: 2 are chosen"):
        names("ab", Combination("add", 3))


def test_a_formula_says_how_a_feature_is_made() -> None:
    assert Feature("g", ("g",)).formula == "g"
    assert Feature("a-b-c", ("a", "b", "c"), "subtract").formula == "a - b - c"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [("subtract", (8 - 4) - 3), ("add", 15), ("multiply", 96), ("divide", (8 / 4) / 3)],
)
def test_operations_fold_from_the_left(
    catalogue_of: Build, operation: str, expected: float
) -> None:
    catalogue = catalogue_of({"a": pa.array([8]), "b": pa.array([4]), "c": pa.array([3])})
    assert values(catalogue, Feature("abc", ("a", "b", "c"), operation)).tolist() == [expected]


@pytest.mark.parametrize("name", OPERATION_SIGNS)
def test_every_operation_keeps_the_contract_that_extensions_are_held_to(name: str) -> None:
    check_operation(OPERATIONS[name])


def test_an_operation_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"no operation 'power'.*the extension that brings it"):
        names("ab", Combination("power", 2))


def test_integers_are_combined_in_double_precision(catalogue_of: Build) -> None:
    catalogue = catalogue_of(
        {"a": pa.array([127, 1], pa.int8()), "b": pa.array([127, 2], pa.int8()),
         "u": pa.array([1, 1], pa.uint8())}
    )  # fmt: skip
    assert values(catalogue, Feature("", ("a", "b"), "multiply")).tolist() == [127.0 * 127, 2.0]
    assert values(catalogue, Feature("", ("a", "b"), "divide")).tolist() == [1.0, 0.5]
    assert values(catalogue, Feature("", ("u", "b"), "subtract")).tolist() == [-126.0, -1.0]


def test_what_is_missing_in_one_column_is_missing_in_the_combination(catalogue_of: Build) -> None:
    catalogue = catalogue_of({"a": pa.array([1.0, None]), "b": pa.array([None, 2.0])})
    assert np.isnan(values(catalogue, Feature("", ("a", "b"), "add"))).all()


def test_values_read_as_missing_are_missing_before_they_are_combined(catalogue_of: Build) -> None:
    catalogue = catalogue_of({"a": pa.array([-9999.0, 1.0]), "b": pa.array([1.0, 1.0])})
    sql = feature_sql(Feature("a+b", ("a", "b"), "add"), catalogue, {"a": (-9999.0,)})
    found = next(catalogue.number_batches([sql]))[0]
    assert np.isnan(found[0])
    assert found[1] == 2.0


def test_a_catalogue_column_called_like_a_combination_stays_what_it_is(
    catalogue_of: Build,
) -> None:
    catalogue = catalogue_of({"g": pa.array([5.0]), "r": pa.array([3.0]), "g-r": pa.array([77.0])})
    chosen = Features(("g", "r", "g-r"), (Combination("subtract", 2),))
    by_name = {feature.name: feature for feature in list_features(chosen)}
    assert by_name["g-r"] == Feature("g-r", ("g-r",))
    assert values(catalogue, by_name["g-r"]).tolist() == [77.0]


def test_an_axis_is_a_feature_or_else_a_plain_column() -> None:
    chosen = Features(("g", "r"), (Combination("subtract", 2),))
    assert axis_feature("g-r", chosen) == Feature("g-r", ("g", "r"), "subtract")
    assert axis_feature("redshift", chosen) == Feature("redshift", ("redshift",))


def test_a_feature_needs_a_numeric_column_that_is_there(survey: Catalogue) -> None:
    with pytest.raises(UnknownColumnError, match="'q'"):
        feature_sql(Feature("q", ("q",)), survey, {})
    with pytest.raises(UnsuitableColumnError, match="'class' holds text"):
        feature_sql(Feature("class", ("class",)), survey, {})
