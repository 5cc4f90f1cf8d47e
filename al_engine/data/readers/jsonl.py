"""JSON lines: one object a line, its keys the columns.

Owns the types of the columns, found in a first pass over all lines.  Numbers are read by
Python, so that integers of any length stay exact.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from al_engine.data.readers.arrays import BATCH_ROWS, Found, arrange
from al_engine.data.readers.source import Head, go_on, open_bytes, refusal
from al_engine.data.table import Table
from al_engine.jobs import Cancelled

_EXACT_IN_FLOAT = 2**53


@dataclass
class _Seen:
    """What kinds of values a key has held so far."""

    nested: bool = False
    text: bool = False
    boolean: bool = False
    real: bool = False
    integer: bool = False
    low: int = 0
    high: int = 0

    def take(self, value: Any) -> None:
        if isinstance(value, bool):
            self.boolean = True
        elif isinstance(value, int):
            self.integer = True
            self.low, self.high = min(self.low, value), max(self.high, value)
        elif isinstance(value, float):
            self.real = True
        elif isinstance(value, str):
            self.text = True
        elif value is not None:
            self.nested = True

    @property
    def type(self) -> pa.DataType | None:
        if self.nested:
            return None
        numeric = self.integer or self.real
        if self.text or (self.boolean and numeric):
            return pa.string()
        if self.boolean:
            return pa.bool_()
        if self.real:
            long = max(-self.low, self.high) > _EXACT_IN_FLOAT
            return pa.string() if long else pa.float64()
        if self.integer:
            if self.low >= -(2**63) and self.high < 2**63:
                return pa.int64()
            return pa.uint64() if self.low >= 0 and self.high < 2**64 else pa.string()
        return pa.string()


def matches(head: Head) -> bool:
    return head.text.lstrip().startswith("{")


def open_jsonl(path: Path, part: str | None, cancelled: Cancelled) -> Table:
    """Open JSON lines; keys that a line lacks are NULL in its row."""
    seen: dict[str, _Seen] = {}
    n_rows = 0
    for row in _rows(path):
        if n_rows % BATCH_ROWS == 0:
            go_on(cancelled)
        n_rows += 1
        for key, value in row.items():
            if key not in seen:
                seen[key] = _Seen()
            seen[key].take(value)
    if n_rows == 0:
        raise refusal(path, "has no rows", "Choose a file with at least one line.")
    found = [
        Found(key, kinds.type, reason="nested (list or object)" if kinds.nested else "")
        for key, kinds in seen.items()
    ]
    arranged = arrange(path, found)
    kept = [(found[i].name, found[i].type) for i in arranged.kept]

    def batches() -> Iterator[pa.RecordBatch]:
        rows: list[dict[str, Any]] = []
        for row in _rows(path):
            rows.append(row)
            if len(rows) == BATCH_ROWS:
                yield arranged.batch([_values(rows, key, kind) for key, kind in kept])
                rows = []
        if rows:
            yield arranged.batch([_values(rows, key, kind) for key, kind in kept])

    return Table(
        reader="jsonl",
        columns=arranged.columns,
        batches=batches,
        n_rows=n_rows,
        set_aside=arranged.set_aside,
        notes=arranged.notes,
    )


def _values(rows: list[dict[str, Any]], key: str, kind: pa.DataType) -> pa.Array:
    values = [row.get(key) for row in rows]
    if pa.types.is_string(kind):
        values = [
            value if value is None or isinstance(value, str) else json.dumps(value)
            for value in values
        ]
    return pa.array(values, kind)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with open_bytes(path) as stream:
        for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8-sig"), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise _not_an_object(path, number, line) from error
            if not isinstance(row, dict):
                raise _not_an_object(path, number, line)
            yield row


def _not_an_object(path: Path, number: int, line: str) -> Exception:
    start = line.strip()[:40]
    return refusal(
        path,
        f"has no whole JSON object in line {number}, which begins {start!r}",
        "Write one object a line; a file that ends there was cut short.",
    )
