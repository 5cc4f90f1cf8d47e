"""What of the catalogue goes with every export: the id, the position, and columns chosen besides.

Owns their names beside the export's own, and what the Virtual Observatory calls them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from al_engine.data.catalogue import Catalogue
from al_engine.data.readers.arrays import unique_names
from al_engine.data.table import Column
from al_engine.settings.config import ProjectConfig

ROW_NAME = "row"


@dataclass(frozen=True)
class Carried:
    """Columns of a catalogue, and their names in the export.

    Where no column tells objects apart (``is_numbered``), the first one is the row's number.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    ucds: dict[str, str]
    is_numbered: bool

    def records(self, catalogue: Catalogue, start: int, stop: int) -> list[pa.Array]:
        """Their values from one row up to another."""
        number = [pa.array(np.arange(start, stop))] if self.is_numbered else []
        return [*number, *(catalogue.records(self.names, start, stop) if self.names else [])]

    def picked(self, catalogue: Catalogue, rows: Sequence[int]) -> list[pa.Array]:
        """Their values in some rows, in the order asked."""
        number = [pa.array(rows, pa.int64())] if self.is_numbered else []
        return [*number, *(catalogue.picked(self.names, rows) if self.names else [])]


def carried(
    catalogue: Catalogue, config: ProjectConfig, extra: Sequence[str], ours: Sequence[str]
) -> Carried:
    """The id, the position and some columns besides; ``ours`` are names that are taken.

    Raises
    ------
    UnknownColumnError : an extra column that is not there
    """
    played = config.columns
    asked = [played.id, played.ra, played.dec, *extra]
    names = tuple(dict.fromkeys(name for name in asked if name is not None))
    columns = [
        replace(c, unit=c.unit or "deg") if c.name in (played.ra, played.dec) else c
        for c in (catalogue.outgoing(names) if names else ())
    ]
    if played.id is None:
        columns.insert(0, Column(ROW_NAME, pa.int64(), "", "Row of the catalogue, from 0"))
    taken, _ = unique_names([*ours, *(column.name for column in columns)])
    meant = {
        played.id or ROW_NAME: "meta.id;meta.main",
        played.ra: "pos.eq.ra;meta.main",
        played.dec: "pos.eq.dec;meta.main",
    }
    named, ucds = [], {}
    for column, name in zip(columns, taken[len(ours) :], strict=True):
        named.append(replace(column, name=name))
        if column.name in meant:
            ucds[name] = meant[column.name]
    return Carried(names, tuple(named), ucds, played.id is None)
