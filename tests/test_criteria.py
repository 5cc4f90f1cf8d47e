"""A search: what each operation means for each kind of column, worked out by hand."""

import datetime
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from conftest import HOSTILE

from al_engine.data.catalogue import Catalogue
from al_engine.data.search import Searched, faults, search_sql
from al_engine.errors import SettingsError, UnknownColumnError
from al_engine.settings.config import Combination, Curation, Features, ProjectConfig, read_search
from al_engine.settings.criteria import (
    MAX_CRITERIA,
    VALUES_TAKEN,
    Criterion,
    Group,
    Join,
    Search,
    completed,
)

BIG = 2**60
NAMES = (
    "Log10(x/y)",
    'say "what"',
    "; DROP TABLE catalogue; --",
    "a'b",
    "?",
    "$1",
    "100%",
    "ü µ",
    "",
)
VALUES: dict[str, pa.Array] = {
    "real": pa.array([1.5, 2.5, None, float("nan"), float("inf"), -9999.0]),
    "single": pa.array([18.3, 18.4, 18.3, None, 17.0, 18.25], pa.float32()),
    "whole": pa.array([BIG, BIG + 1, BIG + 2, None, 3, -4]),
    "text": pa.array(["alpha", "Beta, b", "", None, "  ", "it's"]),
    "flag": pa.array([True, False, True, None, False, True]),
    "day": pa.array([datetime.date(2020, 1, day) for day in range(1, 6)] + [None]),
    HOSTILE: pa.array([0, 1, 2, 3, 4, 5]),
}
MISSING = {"real": (-9999.0,)}


@pytest.fixture
def searched(catalogue_of: Callable[..., Catalogue]) -> Searched:
    features = Features(("real", HOSTILE), (Combination("divide", 2),))
    return Searched(catalogue_of(VALUES), features, MISSING)


def rows(searched: Searched, *groups: Group, join: Join = "or") -> list[int]:
    """The rows that a search of these groups finds."""
    condition, values = search_sql(Search(groups, join), searched)
    assert isinstance(searched.columns, Catalogue)
    return np.flatnonzero(searched.columns.rows_where(condition, values)).tolist()


def one(column: str, operation: Any, *values: str) -> Group:
    return Group((Criterion(column, operation, values),))


@pytest.mark.parametrize(
    ("column", "operation", "values", "expected"),
    [
        ("real", ">", ["1.5"], [1]),
        ("real", ">=", ["1.5"], [0, 1]),
        ("real", "==", ["1.50"], [0]),
        ("real", "!=", ["1.5"], [1]),
        ("real", "<", ["1e10"], [0, 1]),
        ("real", "between", ["1.5", "2.5"], [0, 1]),
        ("real", "one of", ["2.5", "7", "-9999"], [1]),
        ("real", "missing", [], [2, 3, 4, 5]),
        ("real", "not missing", [], [0, 1]),
        ("real", "contains", ["2."], [1]),
        ("single", "==", ["18.3"], [0, 2]),
        ("single", ">=", ["18.3"], [0, 1, 2]),
        ("single", ">", ["18.3"], [1]),
        ("single", "<=", ["18.3"], [0, 2, 4, 5]),
        ("single", "!=", ["18.3"], [1, 4, 5]),
        ("single", "one of", ["18.3", "17"], [0, 2, 4]),
        ("single", "<", ["1e300"], [0, 1, 2, 4, 5]),
        ("whole", "==", [str(BIG + 1)], [1]),
        ("whole", ">", [str(BIG)], [1, 2]),
        ("whole", "one of", [str(BIG), str(BIG + 2)], [0, 2]),
        ("whole", "<=", ["3.5"], [4, 5]),
        ("whole", "==", ["1e40"], []),
        ("whole", "contains", ["4"], [0, 1, 2, 5]),
        ("whole", "missing", [], [3]),
        ("text", "==", ["alpha"], [0]),
        ("text", "==", [" alpha "], [0]),
        ("text", "==", ["it's"], [5]),
        ("text", "!=", ["alpha"], [1, 5]),
        ("text", "contains", ["ALPH"], [0]),
        ("text", "contains", ["%"], []),
        ("text", "contains", ["' OR 1=1 --"], []),
        ("text", "one of", ["alpha", "Beta, b"], [0, 1]),
        ("text", "missing", [], [2, 3, 4]),
        ("text", ">", ["a"], [0, 5]),
        ("flag", "==", ["true"], [0, 2, 5]),
        ("flag", "!=", ["1"], [1, 4]),
        ("day", ">=", ["2020-01-04"], [3, 4]),
        ("day", "between", ["2020-01-02", "2020-01-03"], [1, 2]),
        (HOSTILE, ">=", ["4"], [4, 5]),
        (f"real/{HOSTILE}", ">", ["2"], [1]),
        (f"real/{HOSTILE}", "missing", [], [0, 2, 3, 4, 5]),
        (f"real/{HOSTILE}", "contains", ["2.5"], [1]),
    ],
)
def test_an_operation_means_what_it_says(
    searched: Searched, column: str, operation: Any, values: list[str], expected: list[int]
) -> None:
    assert rows(searched, one(column, operation, *values)) == expected


@pytest.mark.parametrize("operation", VALUES_TAKEN)
@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_any_name_can_be_searched(
    catalogue_of: Callable[..., Catalogue], name: str, operation: Any
) -> None:
    if not name:
        name = " "
    values = {name: pa.array([1.0, 2.0, None]), "other": pa.array(["1", "2", "3"])}
    searched = Searched(catalogue_of(values), Features(), {})
    least, most = VALUES_TAKEN[operation]
    typed = ["1", "2"][: min(most, 2)] if most > 1 else ["1"] * least
    expected = {
        "==": [0], "!=": [1], ">": [1], ">=": [0, 1], "<": [], "<=": [0], "between": [0, 1],
        "contains": [0], "one of": [0, 1], "missing": [2], "not missing": [0, 1],
    }  # fmt: skip
    assert rows(searched, one(name, operation, *typed)) == expected[operation]


def test_groups_are_joined_by_and_and_or(searched: Searched) -> None:
    low, high = Criterion(HOSTILE, "<", ("2",)), Criterion(HOSTILE, ">", ("3",))
    text = Criterion("text", "missing")
    assert rows(searched, Group((low, high))) == []
    assert rows(searched, Group((low, high), "or")) == [0, 1, 4, 5]
    both = (Group((low, high), "or"), Group((text,)))
    assert rows(searched, *both) == [0, 1, 2, 3, 4, 5]
    assert rows(searched, *both, join="and") == [4]


def test_a_search_without_criteria_finds_every_object(searched: Searched) -> None:
    assert rows(searched) == [0, 1, 2, 3, 4, 5]
    assert rows(searched, Group()) == [0, 1, 2, 3, 4, 5]


def test_a_column_named_like_a_feature_stays_what_it_is(
    catalogue_of: Callable[..., Catalogue],
) -> None:
    values = {"g": pa.array([1.0, 2.0]), "r": pa.array([1.0, 1.0]), "g-r": pa.array([7.0, 8.0])}
    features = Features(("g", "r"), (Combination("subtract", 2),))
    searched = Searched(catalogue_of(values), features, {})
    assert searched.names() == ["g", "r", "g-r"]
    assert rows(searched, one("g-r", "==", "8")) == [1]


@pytest.mark.parametrize(
    "typed", ["abc", "nan", "inf", "-inf", "1_000", "0x10", "1,5", "--1", "1e999"]
)
@pytest.mark.parametrize("column", ["real", "whole", f"real/{HOSTILE}"])
def test_what_is_no_number_is_said_in_a_sentence(
    searched: Searched, column: str, typed: str
) -> None:
    search = Search((one(column, ">", typed), one("text", "missing")))
    with pytest.raises(SettingsError, match="is no number") as caught:
        search_sql(search, searched)
    assert typed in str(caught.value)
    assert column in str(caught.value)
    assert faults(search, searched) == {(0, 0): caught.value.message}


def test_a_column_that_is_not_there_and_ends_the_wrong_way_round_are_said(
    searched: Searched,
) -> None:
    with pytest.raises(UnknownColumnError, match="'reel' is not in the catalogue"):
        search_sql(Search((one("reel", ">", "1"),)), searched)
    with pytest.raises(SettingsError, match="the first is the larger"):
        search_sql(Search((one("real", "between", "3", "1"),)), searched)


def test_too_many_values_are_said_and_not_passed_over(searched: Searched) -> None:
    most = VALUES_TAKEN["one of"][1]
    within = Search((one("text", "one of", *(f"J{i}" for i in range(most - 1)), "alpha"),))
    assert rows(searched, *within.groups) == [0]
    beyond = Search((one("text", "one of", *(f"J{i}" for i in range(most + 3))),))
    assert completed(beyond) == beyond
    said = "'text' is compared with 1,003 values; one of takes 1,000 at most."
    assert faults(beyond, searched) == {(0, 0): said}
    with pytest.raises(SettingsError, match="1,003 values"):
        search_sql(beyond, searched)
    with pytest.raises(SettingsError, match="1,003 values"):
        ProjectConfig.from_dict({"curation": {"search": asdict(beyond)}})


def test_what_is_half_typed_is_left_out(searched: Searched) -> None:
    typed = Search(
        (
            Group((Criterion("real", ">", ("",)), Criterion("text", "missing"))),
            Group((Criterion("real", "between", ("1", " ")), Criterion("", "missing"))),
            Group((Criterion("real", "one of"),)),
        )
    )
    assert completed(typed) == Search((one("text", "missing"),))
    assert faults(typed, searched) == {}


def test_a_search_is_kept_in_the_settings_and_read_back(searched: Searched) -> None:
    search = Search(
        (one("text", "one of", 'a, "b"', "ü"), Group((Criterion("real", "missing"),), "or")), "and"
    )
    config = ProjectConfig(curation=Curation(search, "audit", 700))
    assert ProjectConfig.from_dict(config.to_dict()) == config
    assert read_search(asdict(search)) == search


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"groups": [{"criteria": [{"column": "g", "operation": "=="}]}]}, "is not complete"),
        ({"groups": [{"criteria": [{"column": "g", "operation": "like"}]}]}, "must be one of"),
        ({"groups": [{"criteria": [{"column": 3, "operation": "missing"}]}]}, "must be text"),
        ({"join": "xor"}, "must be one of"),
        ({"groups": "g > 1"}, "must be a list"),
        (
            {
                "groups": [
                    {"criteria": [{"column": "g", "operation": "missing"}] * (MAX_CRITERIA + 1)}
                ]
            },
            "or fewer",
        ),
    ],
)
def test_settings_with_a_bad_search_are_refused(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        ProjectConfig.from_dict({"curation": {"search": bad}})
