"""A catalogue's columns: which there are, and the SQL that makes numbers and texts of them.

Owns what a missing value, a label and an object's key are in SQL, so that rows read alike wherever
they are kept.  Must not know where they are kept, nor open anything.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from al_engine.data.schema import quote
from al_engine.errors import UnknownColumnError, UnsuitableColumnError

ROW = "sextant_row"  # the column that numbers a catalogue's rows, from 0

Missing = Mapping[str, tuple[float, ...]]

NUMERIC = ("integer", "real", "boolean")


def stand_ins(missing: Missing, name: str) -> tuple[float, ...]:
    """What stands for missing in a column: as a person types it, and as 32-bit reals round it."""
    typed = [float(value) for value in missing.get(name, ())]
    rounded = (float(np.float32(value)) for value in typed if abs(value) < 1e38)
    return tuple(dict.fromkeys([*typed, *rounded]))


@dataclass(frozen=True)
class CatalogueColumn:
    """A column: its name in the file, its name in DuckDB, kind, unit, description."""

    name: str
    stored_as: str
    kind: str
    unit: str
    description: str

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC


class CatalogueColumns:
    """The columns of a catalogue, by name."""

    def __init__(self, columns: Iterable[CatalogueColumn]) -> None:
        self.columns = tuple(columns)
        self._by_name = {column.name: column for column in self.columns}

    def column(self, name: str) -> CatalogueColumn:
        """The column of that name; UnknownColumnError names the closest ones."""
        if name in self._by_name:
            return self._by_name[name]
        close = difflib.get_close_matches(name, self._by_name, n=3)
        raise UnknownColumnError(
            f"Column '{name}' is not in the catalogue.",
            f"Closest: {', '.join(close)}." if close else "Choose one of its columns.",
        )

    def names(self, *, numeric: bool = False) -> list[str]:
        return [c.name for c in self.columns if c.is_numeric or not numeric]

    def number_sql(self, name: str, missing: Missing) -> str:
        """SQL for a column as DOUBLE, with the values that stand for missing made NULL."""
        column = self.column(name)
        if not column.is_numeric:
            raise UnsuitableColumnError(
                f"Column '{name}' holds {column.kind} where a number is needed.",
                "Choose a numeric column.",
            )
        number = f"CAST({quote(column.stored_as)} AS DOUBLE)"
        values = stand_ins(missing, name)
        if not values:
            return number
        listed = ", ".join(f"CAST({value!r} AS DOUBLE)" for value in values)
        return f"CASE WHEN {number} IN ({listed}) THEN NULL ELSE {number} END"

    def text_sql(self, name: str) -> str:
        """SQL for a column as the text under which a label or an id is known.

        Whole numbers that a file could only keep as reals (because some are missing) read as
        whole numbers.
        """
        column = self.column(name)
        stored = quote(column.stored_as)
        if column.kind == "real":
            whole = f"{stored} = floor({stored}) AND abs({stored}) < 1e15"
            return (
                f"CASE WHEN {whole} THEN CAST(CAST({stored} AS BIGINT) AS VARCHAR) "
                f"ELSE CAST({stored} AS VARCHAR) END"
            )
        return f"CAST({stored} AS VARCHAR)"

    def whole_text_sql(self, names: Sequence[str]) -> str:
        """SQL for columns of text as one, each from a line of its own; what is missing is empty."""
        for name in names:
            if self.column(name).kind != "text":
                raise UnsuitableColumnError(
                    f"Column '{name}' holds {self.column(name).kind} where a text is needed.",
                    "Choose a column of texts, or use it as a number.",
                )
        stored = (f"CAST({quote(self.column(name).stored_as)} AS VARCHAR)" for name in names)
        return f"concat_ws(chr(10), {', '.join(stored)})"

    def label_sql(self, name: str, values: Sequence[str]) -> str:
        """SQL for a label's position in ``values``, which are to be bound; -1 for any other."""
        cases = " ".join(f"WHEN ? THEN {i}" for i in range(len(values)))
        sql = f"CASE {self.text_sql(name)} {cases} ELSE -1 END" if values else "-1"
        return f"CAST({sql} AS SMALLINT)"

    def key_sql(self, id_column: str | None) -> str:
        """SQL for a 64-bit number from an object's id alone: what draws and ties go by."""
        sql = self.text_sql(id_column) if id_column else f"CAST({ROW} AS VARCHAR)"
        return f"md5_number_lower(coalesce({sql}, ''))"
