"""What was asked last of single objects: a page asks the same of one object many times over.

Owns how much is held.  Must not know where values come from.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from typing import Any

ROWS_HELD = 64
MOST_LETTERS = 20_000  # a text that is longer is asked for again


class Recent:
    """Values by row and name, of the objects that were asked about last; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[int, dict[Hashable, Any]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, row: int, names: Collection[Hashable]) -> dict[Any, Any] | None:
        """The values of an object under these names, where all of them are held."""
        with self._lock:
            held = self._rows.get(row)
            if held is None or any(name not in held for name in names):
                return None
            self._rows.move_to_end(row)
            return {name: held[name] for name in names}

    def keep(self, row: int, found: Mapping[Any, Any]) -> None:
        """Hold these values too, in place of those of the object asked about longest ago."""
        with self._lock:
            held = self._rows.setdefault(row, {})
            self._rows.move_to_end(row)
            for name, value in found.items():
                if not (isinstance(value, str | bytes) and len(value) > MOST_LETTERS):
                    held[name] = value
            while len(self._rows) > ROWS_HELD:
                self._rows.popitem(last=False)
