"""The criteria of a search, edited in the browser and sent while they are typed.

Knows columns by name, and nothing of catalogues or what is found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from al_engine.settings.criteria import VALUES_TAKEN, Operation, Search
from pages.components.events import last_nonce, reported, take
from pages.components.mounting import component

_mount = component("criteria_editor", Path(__file__).parent)

_TITLES: dict[Operation, str] = {
    "==": "=",
    "!=": "≠",
    ">": ">",
    ">=": "≥",
    "<": "<",
    "<=": "≤",
    "between": "between",
    "contains": "contains",
    "one of": "is one of",
    "missing": "is missing",
    "not missing": "is not missing",
}
_MANY = -1  # values in one field


@dataclass(frozen=True)
class SearchEvent:
    """What the criteria are by now, as the browser sent them for ``config.read_search``.

    ``is_done`` once a value is no longer being typed.
    """

    sent: Any
    is_done: bool


def criteria_editor(
    key: str,
    *,
    search: Search,
    columns: Sequence[str],
    faults: Mapping[tuple[int, int], str],
    said: str,
    on_event: Callable[[SearchEvent], None],
) -> None:
    """Draw the criteria; ``on_event`` is called before the page runs again.

    Parameters
    ----------
    faults : what is wrong with some criteria, by the place of the group and the place in it
    said : what the search finds, in words
    """

    def hand_on(sent: Mapping[str, Any] | None) -> None:
        if (found := take(key, sent)) is not None:
            on_event(SearchEvent(found["search"], bool(found["is_done"])))

    result = _mount(
        key=key,
        data={
            "search": asdict(search),
            "columns": [[name, name] for name in columns],
            "first": columns[0] if columns else "",
            "operations": [
                {"value": name, "title": title, "n": _n_fields(name)}
                for name, title in _TITLES.items()
            ],
            "faults": {f"{i}.{j}": text for (i, j), text in faults.items()},
            "said": said,
            "handled": last_nonce(key),
        },
        on_search_change=lambda: hand_on(reported(key, "search")),
    )
    hand_on(result.search)


def _n_fields(operation: Operation) -> int:
    _, most = VALUES_TAKEN[operation]
    return most if most <= 2 else _MANY
