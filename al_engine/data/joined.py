"""Further tables whose columns joined the catalogue: what each was, and what came of it.

Owns the record that the catalogue's file, a configuration and a whole project keep of one.  Must
not know how rows are matched, nor DuckDB.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

MAX_NAME = 40
MAX_ARCSEC = 3600.0


@dataclass(frozen=True)
class JoinedTable:
    """A table that was joined, or is to be: by position within a radius, or by an id.

    ``ours`` and ``theirs`` are the columns that are compared, of the catalogue and of the table:
    right ascension and declination where there is a radius, else one column each.  ``taken`` are
    the table's columns that join under the names ``columns``, behind which stand those that the
    join itself adds.  ``key`` stands for all that their values depend on.

    ``n_several`` objects have more than one counterpart, of which the nearest (by id the first)
    was taken; ``n_shared`` have one that is another object's too, counted by position alone.
    """

    name: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    taken: tuple[str, ...]
    within_arcsec: float | None = None
    source: str = ""
    part: str | None = None
    columns: tuple[str, ...] = ()
    n_rows: int = 0
    n_matched: int = 0
    n_several: int = 0
    n_shared: int = 0
    fingerprint: str = ""
    key: str = ""
    who: str = ""
    joined_at: str = ""

    @property
    def how(self) -> str:
        """How objects are told to be the same, in words."""
        if self.within_arcsec is None:
            return f"by {' = '.join((*self.ours[:1], *self.theirs[:1]))}"
        return f"by position within {self.within_arcsec:g} arcsec"

    @property
    def added(self) -> tuple[tuple[str, str, str], ...]:
        """The columns that a join itself adds: name, unit and description."""
        if self.within_arcsec is None:
            said = f"more than one row of {self.name} has its id"
            return ((f"{self.name}_ambiguous", "", said),)
        said = f"more than one of {self.name} lies within {self.within_arcsec:g} arcsec, or its own"
        return (
            (f"{self.name}_separation", "arcsec", f"to the counterpart in {self.name}"),
            (f"{self.name}_ambiguous", "", f"{said} is another object's too"),
        )


def joined_names(table: JoinedTable, known: Collection[str]) -> tuple[str, ...]:
    """Names for the columns that join: their own, or the table's in front where one is taken.

    >>> table = JoinedTable("wise", ("id",), ("id",), ("w1", "ra"))
    >>> joined_names(table, {"id", "ra"})
    ('w1', 'wise_ra', 'wise_ambiguous')
    """
    taken, names = set(known), []
    for wanted in (*table.taken, *(name for name, _, _ in table.added)):
        name = wanted if wanted not in taken else f"{table.name}_{wanted}"
        n = 2
        while name in taken:
            name, n = f"{table.name}_{wanted}_{n}", n + 1
        taken.add(name)
        names.append(name)
    return tuple(names)


def key_of(parts: Sequence[object]) -> str:
    """Twelve hexadecimal digits for all that joined values depend on."""
    return hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:12]


def is_same(one: JoinedTable, other: JoinedTable) -> bool:
    """Did two joins give the same columns, by the same names, from the same values?

    Compared alike and from the same table: how the catalogue keeps its own is not in it.
    """
    return _of_the_data(one) == _of_the_data(other)


def _of_the_data(table: JoinedTable) -> tuple[object, ...]:
    compared = (table.ours, table.theirs, table.within_arcsec)
    return (table.fingerprint, compared, table.taken, table.columns)
