"""Some objects of the catalogue as lines of a table, and one object's spectral energy distribution.

Owns which columns such a line has.  Must not know pages.
"""

from collections.abc import Sequence
from typing import Any

from al_engine.session import LabellingSession, State
from al_engine.showing.objects import show_number
from al_engine.showing.quantities import quantities_of
from al_engine.views.diagrams import SedPoint, sed

MOST_COLUMNS = 30


def records(
    session: LabellingSession, state: State | None, rows: Sequence[int]
) -> list[dict[str, Any]]:
    """A line for each object: its id, its verified label, extra columns and base features.

    Values are as the catalogue has them, and text where they cannot be shown as numbers.
    """
    config, catalogue = session.config, session.project.catalogue
    verified = {} if state is None else state.history.verified
    named = [n for n in (config.columns.label, *config.columns.info, *config.features.base) if n]
    names = list(dict.fromkeys(named))[:MOST_COLUMNS]
    ids = catalogue.object_ids(config.columns.id, rows)
    columns = [array.to_pylist() for array in catalogue.picked(names, rows)] if names else []
    lines = []
    for i, row in enumerate(rows):
        label = verified.get(row)
        # In front of the catalogue's own names, which may be the same.
        line: dict[str, Any] = {"id": ids[i]}
        line["verified"] = "" if label is None else config.label_name(label)
        for name, values in zip(names, columns, strict=True):
            line[name if name not in line else f"{name} (column)"] = _shown(values[i])
        lines.append(line)
    return lines


def _shown(value: Any) -> Any:
    """A number as itself where a browser can hold it, else text."""
    if isinstance(value, bool):
        return show_number(value)
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if value is None or (isinstance(value, int) and abs(value) < 2**53):
        return value
    return str(value)


def sed_of(session: LabellingSession, row: int) -> list[SedPoint]:
    """The bands in which an object has a flux, by wavelength."""
    bands = quantities_of(session.project).bands
    columns = [name for band in bands for name in (band.column, band.error) if name]
    known = set(session.project.catalogue.names())
    wanted = [name for name in dict.fromkeys(columns) if name in known]
    missing = session.config.columns.missing
    found = session.project.catalogue.values(row, wanted)
    values = {
        name: None if value in missing.get(name, ()) else value for name, value in found.items()
    }
    return sed(bands, values)
