"""What a search asks of objects, as plain data: criteria in groups, joined by AND and OR.

Owns which operations there are and how many values each takes.  Must not know columns: whether one
is there, and what is compared with it, is for ``data.search``.
"""

from dataclasses import dataclass, replace
from typing import Literal

from al_engine.errors import SettingsError

Operation = Literal[
    "==", "!=", ">", ">=", "<", "<=",
    "between", "contains", "one of", "missing", "not missing",
]  # fmt: skip
Join = Literal["and", "or"]

# How many values each operation takes, at least and at most.
VALUES_TAKEN: dict[Operation, tuple[int, int]] = {
    "==": (1, 1),
    "!=": (1, 1),
    ">": (1, 1),
    ">=": (1, 1),
    "<": (1, 1),
    "<=": (1, 1),
    "between": (2, 2),
    "contains": (1, 1),
    "one of": (1, 1000),
    "missing": (0, 0),
    "not missing": (0, 0),
}
MAX_CRITERIA = 50


@dataclass(frozen=True)
class Criterion:
    """One thing asked of an object; ``column`` names a column or a feature, values are as typed."""

    column: str
    operation: Operation
    values: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Is it all there, and not half typed?"""
        least, _ = VALUES_TAKEN[self.operation]
        typed = all(value.strip() for value in self.values)
        return bool(self.column) and least <= len(self.values) and typed

    def refuse_too_many(self) -> None:
        """Raise SettingsError where it has more values than its operation takes."""
        _, most = VALUES_TAKEN[self.operation]
        if len(self.values) > most:
            raise SettingsError(
                f"'{self.column}' is compared with {len(self.values):,} values; "
                f"{self.operation} takes {most:,} at most.",
                "Remove some.",
            )


@dataclass(frozen=True)
class Group:
    """Criteria of which all ("and") or any ("or") must hold."""

    criteria: tuple[Criterion, ...] = ()
    join: Join = "and"


@dataclass(frozen=True)
class Search:
    """Groups of which all or any must hold; a search without criteria finds every object."""

    groups: tuple[Group, ...] = ()
    join: Join = "or"

    @property
    def n_criteria(self) -> int:
        return sum(len(group.criteria) for group in self.groups)


def unfinished(search: Search) -> list[tuple[int, int]]:
    """Which criteria are half typed, by the place of the group and the place in it."""
    return [
        (i, j)
        for i, group in enumerate(search.groups)
        for j, criterion in enumerate(group.criteria)
        if not criterion.is_complete
    ]


def completed(search: Search) -> Search:
    """The part of a search that can be carried out: without what is half typed."""
    groups = (
        replace(group, criteria=tuple(c for c in group.criteria if c.is_complete))
        for group in search.groups
    )
    return replace(search, groups=tuple(group for group in groups if group.criteria))


def check_search(search: Search) -> None:
    """Raise SettingsError where a search cannot be carried out on any catalogue."""
    if search.n_criteria > MAX_CRITERIA:
        raise SettingsError(
            f"The search has {search.n_criteria} criteria.", f"Use {MAX_CRITERIA} or fewer."
        )
    for group in search.groups:
        for criterion in group.criteria:
            if not criterion.is_complete:
                raise SettingsError(
                    f"The criterion on '{criterion.column}' is not complete: "
                    f"{criterion.operation} {', '.join(criterion.values)}".rstrip()
                    + ".",
                    "Give it its values, or remove it.",
                )
            criterion.refuse_too_many()


def in_words(search: Search) -> str:
    """A search as one reads it.

    >>> bright = Group((Criterion("g", "<", ("18",)), Criterion("class", "missing")))
    >>> in_words(Search((bright, Group((Criterion("note", "one of", ("a", "b")),)))))
    '(g < 18 and class is missing) or note is one of a, b'
    """
    groups = []
    for group in search.groups:
        joined = f" {group.join} ".join(_criterion_in_words(c) for c in group.criteria)
        alone = len(group.criteria) == 1 or len(search.groups) == 1
        groups.append(joined if alone else f"({joined})")
    return f" {search.join} ".join(groups)


def _criterion_in_words(criterion: Criterion) -> str:
    said = criterion.operation
    if said in ("between", "one of", "missing", "not missing"):
        said = f"is {said}"  # type: ignore[assignment]
    values = (" and " if criterion.operation == "between" else ", ").join(criterion.values)
    return f"{criterion.column} {said} {values}".rstrip()
