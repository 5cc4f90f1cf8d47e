"""The choice among several tables in one file.

Owns which table is taken when none was named, and the words for it.  Must not know formats.
"""

from collections.abc import Sequence
from pathlib import Path

from al_engine.data.readers.source import Part, refusal


def choose(
    path: Path, parts: Sequence[Part], numbers: Sequence[str], part: str | None
) -> tuple[int, tuple[str, ...]]:
    """Find the table to open among ``parts``, by name or by number.

    Without a name it is the first that has rows and usable columns (``n_rows`` None may have
    rows), else simply the first.

    Returns
    -------
    index : position in ``parts``
    notes : names the other usable tables where there was a choice

    Raises
    ------
    UnreadableFileError : there is no such table
    """
    if part is not None:
        for labels in ([item.name for item in parts], numbers):
            if part in labels:
                return labels.index(part), ()
        raise refusal(
            path,
            f"has no table {part!r}; it has {', '.join(item.name for item in parts)}",
            "Choose one of these.",
        )
    usable = [i for i, item in enumerate(parts) if item.n_rows != 0 and item.n_columns > 0]
    if not usable:
        return 0, ()
    others = [f"{parts[i].name} ({_size(parts[i])})" for i in usable[1:]]
    if not others:
        return usable[0], ()
    more = f" and {len(others) - 8} more" if len(others) > 8 else ""
    listed = ", ".join(others[:8]) + more
    return usable[0], (f"Table {parts[usable[0]].name} was taken; there are also {listed}.",)


def _size(part: Part) -> str:
    rows = "" if part.n_rows is None else f"{part.n_rows:,} x "
    return f"{rows}{part.n_columns} column{'s' * (part.n_columns != 1)}"
