"""Which objects of a catalogue a search finds: SQL with bound values.

Owns what an operation means for a column of numbers, of text or of times.  Must not open anything;
names are quoted by those who own them, and values never become SQL.
"""

import math
from dataclasses import dataclass
from typing import Any

from al_engine.data.columns import CatalogueColumns, Missing
from al_engine.data.features import Feature, feature_sql, list_features
from al_engine.data.schema import quote
from al_engine.errors import AlEngineError, SettingsError
from al_engine.settings.config import Features
from al_engine.settings.criteria import Criterion, Search

_COMPARED = {"==": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_LARGEST = 2**127  # that DuckDB's widest whole numbers hold
_TRUTHS = {"true": "1", "false": "0", "yes": "1", "no": "0"}


@dataclass(frozen=True)
class Searched:
    """What can be searched: columns and features, and the values that stand for missing."""

    columns: CatalogueColumns
    features: Features
    missing: Missing

    def names(self) -> list[str]:
        """Every column, then the features that are not columns."""
        names = self.columns.names()
        known = set(names)
        return names + [f.name for f in list_features(self.features) if f.name not in known]

    def feature(self, name: str) -> Feature | None:
        """The feature of that name that is made of columns, or None."""
        return next((f for f in list_features(self.features) if f.name == name), None)


def search_sql(search: Search, searched: Searched) -> tuple[str, list[Any]]:
    """A condition for the objects that a search finds, and the values to be bound.

    A value that is missing (absent, not finite, standing for missing, empty text) meets no
    criterion but "missing".

    Raises
    ------
    UnknownColumnError : a column that is not there
    SettingsError : a value that cannot be compared with its column
    """
    values: list[Any] = []
    groups = []
    for group in search.groups:
        conditions = []
        for criterion in group.criteria:
            sql, bound = _criterion_sql(criterion, searched)
            conditions.append(f"({sql})")
            values += bound
        if conditions:
            groups.append(f"({f' {group.join.upper()} '.join(conditions)})")
    return f" {search.join.upper()} ".join(groups) or "true", values


def faults(search: Search, searched: Searched) -> dict[tuple[int, int], str]:
    """What is wrong with complete criteria, by the place of the group and the place in it."""
    found = {}
    for i, group in enumerate(search.groups):
        for j, criterion in enumerate(group.criteria):
            if criterion.is_complete:
                try:
                    _criterion_sql(criterion, searched)
                except AlEngineError as error:
                    found[i, j] = error.message
    return found


def _criterion_sql(criterion: Criterion, searched: Searched) -> tuple[str, list[Any]]:
    criterion.refuse_too_many()
    columns, name = searched.columns, criterion.column
    # A column in the file stays what it is, though a feature may be called the same.
    feature = None if name in columns.names() else searched.feature(name)
    if criterion.operation == "contains":
        number = feature and feature_sql(feature, columns, searched.missing)
        text = f"CAST({number} AS VARCHAR)" if number else columns.text_sql(name)
        return f"contains(lower({text}), lower(?))", [criterion.values[0].strip()]
    if feature is not None:
        return _numbers_sql(criterion, feature_sql(feature, columns, searched.missing), "?")
    column = columns.column(name)
    if not column.is_numeric:
        known, values = f"nullif(trim({columns.text_sql(name)}), '')", criterion.values
        return _condition(criterion, known, "?"), [value.strip() for value in values]
    stored, number = quote(column.stored_as), columns.number_sql(name, searched.missing)
    if column.kind == "integer":
        # As they are: in double precision, long ids would run together.
        known = f"CASE WHEN {number} IS NOT NULL THEN {stored} END"
        return _numbers_sql(criterion, known, "?", whole=True)
    # What was typed, as a column of 32-bit reals would hold it: 18.3 there is 18.299999.
    single = f"CASE WHEN typeof({stored}) = 'FLOAT' THEN CAST(TRY_CAST(? AS FLOAT) AS DOUBLE) END"
    return _numbers_sql(criterion, number, f"coalesce({single}, ?)", n_bound=2)


def _numbers_sql(
    criterion: Criterion, number: str, place: str, *, n_bound: int = 1, whole: bool = False
) -> tuple[str, list[Any]]:
    """A criterion on numbers; ``place`` takes each value ``n_bound`` times."""
    known = f"({number})" if whole else f"(CASE WHEN isfinite({number}) THEN {number} END)"
    values = [_number(text, criterion.column, whole=whole) for text in criterion.values]
    if criterion.operation == "between" and values[0] > values[1]:
        raise SettingsError(
            f"'{criterion.column}' cannot be between {criterion.values[0]} and "
            f"{criterion.values[1]}: the first is the larger.",
            "Put the smaller one first.",
        )
    bound = [value for value in values for _ in range(n_bound)]
    return _condition(criterion, known, place), bound


def _condition(criterion: Criterion, known: str, place: str) -> str:
    """The SQL of an operation; ``known`` is NULL where a value is missing."""
    operation = criterion.operation
    if operation == "missing":
        return f"{known} IS NULL"
    if operation == "not missing":
        return f"{known} IS NOT NULL"
    if operation == "between":
        return f"{known} BETWEEN {place} AND {place}"
    if operation == "one of":
        return f"{known} IN ({', '.join([place] * len(criterion.values))})"
    return f"{known} {_COMPARED[operation]} {place}"


def _number(text: str, column: str, *, whole: bool) -> int | float:
    """A number as it was typed; of a column of whole numbers exactly, however long."""
    typed = text.strip()
    typed = _TRUTHS.get(typed.lower(), typed)
    try:
        # Python would read 1_000 too, which nobody means by it.
        number = float("nan") if "_" in typed else float(typed)
        if whole and abs(number) < _LARGEST and number == math.floor(number):
            return int(typed) if typed.lstrip("+-").isdecimal() else int(number)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise SettingsError(
            f"'{text.strip()[:40]}' is no number, and '{column}' holds numbers.",
            "Write a number such as 18.5 or 1e-3.",
        )
    return number
