"""What the columns of a catalogue look like: ranges, shapes, and values that mean "no value".

Owns how a column is summed up, and which numbers look like stand-ins.  Must not know settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import ROW, Missing
from al_engine.data.schema import quote


@dataclass(frozen=True)
class ColumnSummary:
    """What is shown of a numeric column; ``histogram`` counts 24 bins from low to high."""

    name: str
    low: float | None
    high: float | None
    n_missing: int
    histogram: tuple[int, ...]


def summarise(catalogue: Catalogue, names: Sequence[str], missing: Missing) -> list[ColumnSummary]:
    """Range, missing values and histogram of numeric columns (histogram from a sample)."""
    if not names:
        return []
    sqls = [catalogue.number_sql(name, missing) for name in names]
    listed = ", ".join(
        f"min(CASE WHEN isfinite({s}) THEN {s} END), max(CASE WHEN isfinite({s}) THEN {s} END),"
        f" count(CASE WHEN isfinite({s}) THEN 1 END)"
        for s in sqls
    )
    facts = catalogue.fetch(f"SELECT {listed} FROM catalogue")[0]
    step = max(1, catalogue.n_rows // 50_000)
    sampled = catalogue.fetch_arrays(
        f"SELECT {', '.join(f'{s} AS e{i}' for i, s in enumerate(sqls))} FROM catalogue "
        f"WHERE {ROW} % {step} = 0"
    )
    made = []
    for i, name in enumerate(names):
        low, high, n = facts[3 * i : 3 * i + 3]
        values = np.ma.filled(np.ma.asarray(sampled[f"e{i}"], dtype=np.float64), np.nan)
        values = values[np.isfinite(values)]
        counts: tuple[int, ...] = ()
        if len(values):
            counts = _histogram(values)
        made.append(ColumnSummary(name, low, high, catalogue.n_rows - int(n), counts))
    return made


def suspects(catalogue: Catalogue, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Values such as -9999 or 99 that stand far outside the rest of their column."""
    found: dict[str, tuple[float, ...]] = {}
    look = list(names)
    # One stand-in hides another: what is found is set aside, and the rest looked at again.
    while look:
        more = {}
        for summary in summarise(catalogue, look, found):
            known = found.get(summary.name, ())
            values = {
                _as_typed(value)
                for value in (summary.low, summary.high)
                if value is not None
                and _looks_like_a_stand_in(value)
                and _is_far_out(catalogue, summary.name, value, known)
            }
            if values:
                more[summary.name] = tuple(sorted({*known, *values}))
        found.update(more)
        look = list(more)
    return found


def _is_far_out(catalogue: Catalogue, name: str, value: float, known: Sequence[float]) -> bool:
    number = catalogue.number_sql(name, {name: (value, *known)})
    low, high, nearest = catalogue.fetch(
        f"SELECT approx_quantile(v, 0.01), approx_quantile(v, 0.99), min(abs(v - ?)) "
        f"FROM (SELECT {number} AS v FROM catalogue) WHERE isfinite(v)",
        [value],
    )[0]
    return nearest is not None and nearest > max(high - low, abs(high) * 1e-9)


def _histogram(values: npt.NDArray[np.float64], n_bins: int = 24) -> tuple[int, ...]:
    """Counts over the middle 99% of the values."""
    low, high = (float(edge) for edge in np.percentile(values, [0.5, 99.5]))
    # Ids near 2**63 may lie closer together than floats of that size can tell apart.
    finest = n_bins * float(np.spacing(max(abs(low), abs(high))))
    if high - low <= finest:
        low, high = low - max(finest, 0.5), high + max(finest, 0.5)
    return tuple(int(count) for count in np.histogram(values, n_bins, (low, high))[0])


def _looks_like_a_stand_in(value: float) -> bool:
    """Is it a round number that pipelines write for "no value": nines, or +-1e20 and beyond?"""
    digits = f"{abs(_as_typed(value)):.10g}".replace(".", "").rstrip("0")
    return (set(digits) == {"9"} and abs(value) >= 9) or abs(value) >= 1e20


def _as_typed(value: float) -> float:
    """The short number that a 32-bit real came from: -99.9 of -99.90000152587890625."""
    if abs(value) >= 1e38:
        return value
    short = float(str(np.float32(value)))
    return short if float(np.float32(short)) == value else value


def label_counts(catalogue: Catalogue, name: str, limit: int = 50) -> list[tuple[str | None, int]]:
    """The values of a column with how often each stands, most frequent first."""
    found = catalogue.fetch(
        f"SELECT {catalogue.text_sql(name)} AS value, count(*) AS n FROM catalogue "
        f"GROUP BY value ORDER BY n DESC, value LIMIT {int(limit)}"
    )
    return [(value, int(n)) for value, n in found]


def n_distinct(
    catalogue: Catalogue, names: Sequence[str], missing: Missing | None = None
) -> dict[str, int]:
    """Numbers of distinct finite values: approximate, but 0 and 1 are exact."""
    if not names:
        return {}
    sqls = [_known_sql(catalogue, name, missing or {}) for name in names]
    listed = ", ".join(f"approx_count_distinct({s}), min({s}), max({s})" for s in sqls)
    found = catalogue.fetch(f"SELECT {listed} FROM catalogue")[0]
    facts = zip(names, found[::3], found[1::3], found[2::3], strict=True)
    # The approximation takes some columns of two values for constant.
    return {
        name: max(int(n), 2) if low != high else int(low is not None)
        for name, n, low, high in facts
    }


def n_words(catalogue: Catalogue, names: Sequence[str], n_rows: int = 2000) -> dict[str, float]:
    """How many words columns of text have on average, by the first rows; 0 where all miss."""
    if not names:
        return {}
    stored = [quote(catalogue.column(name).stored_as) for name in names]
    listed = ", ".join(
        f"avg(length(regexp_split_to_array(trim(CAST({s} AS VARCHAR)), '\\s+')))" for s in stored
    )
    found = catalogue.fetch(f"SELECT {listed} FROM (FROM catalogue WHERE {ROW} < {int(n_rows)})")[0]
    return {name: float(n or 0) for name, n in zip(names, found, strict=True)}


def _known_sql(catalogue: Catalogue, name: str, missing: Missing) -> str:
    """SQL for a column's own values, NULL where one is not finite or stands for missing."""
    column = catalogue.column(name)
    # As DOUBLE, long integers would run together.
    if column.kind != "real" and name not in missing:
        return quote(column.stored_as)
    number = catalogue.number_sql(name, missing)
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def is_unique(catalogue: Catalogue, name: str) -> bool:
    stored = quote(catalogue.column(name).stored_as)
    found = catalogue.fetch(f"SELECT count(DISTINCT {stored}) FROM catalogue")
    return int(found[0][0]) == catalogue.n_rows
