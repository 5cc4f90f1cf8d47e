"""What a JSON object in a stranger's file says, each field taken out by the type it must have.

Owns the sentence for a field that breaks a rule.  Must not know what the fields mean.
"""

import json
import math
import types
import typing
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from al_engine.data.readers.source import DOWNLOAD_AGAIN, refusal
from al_engine.errors import UnreadableFileError


class Said:
    """The fields of one JSON object in a file, each taken out by the type that it must have."""

    def __init__(self, path: Path, where: str, content: bytes | dict[str, Any]) -> None:
        self.path, self.where = path, where
        if isinstance(content, bytes):
            try:
                content = json.loads(content.decode())
            except (ValueError, RecursionError) as error:
                raise refusal(path, f"has a damaged '{where}'", DOWNLOAD_AGAIN) from error
        if not isinstance(content, dict):
            raise refusal(path, f"has a damaged '{where}': no object", DOWNLOAD_AGAIN)
        self.found = content

    def wrong(self, name: str, rule: str) -> UnreadableFileError:
        """What to raise where a field breaks a rule."""
        value = ascii(self.found.get(name))
        shown = value if len(value) <= 60 else f"{value[:60]}…"
        return refusal(
            self.path,
            f"is damaged: in {self.where}, {ascii(name)[1:-1][:40]} is {shown}, but {rule}",
        )

    def text(self, name: str) -> str:
        return cast(str, self.value(name, str))

    def texts(self, name: str) -> tuple[str, ...]:
        listed = self.found.get(name)
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise self.wrong(name, "must be a list of texts")
        return tuple(listed)

    def number(self, name: str, low: int, high: int) -> int:
        found = self.value(name, int)
        if not low <= found <= high:
            raise self.wrong(name, f"must be from {low:,} to {high:,}")
        return cast(int, found)

    def value(self, name: str, kind: Any) -> Any:
        """A field of an annotated type: plain, optional, a choice of texts, a time, an object."""
        found = self.found.get(name)
        if typing.get_origin(kind) in (typing.Union, types.UnionType):
            if found is None:
                return None
            kind = next(each for each in typing.get_args(kind) if each is not type(None))
        if typing.get_origin(kind) is typing.Literal:
            if found not in typing.get_args(kind):
                raise self.wrong(name, f"must be one of {', '.join(typing.get_args(kind))}")
            return found
        read = {str: _text, int: _whole, float: _real, datetime: _time}.get(kind, _object)
        try:
            return read(found)
        except (TypeError, ValueError, OverflowError) as error:
            raise self.wrong(name, f"must be {_WANTED[read]}") from error


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError
    found.encode()  # half a character is none
    return found


def _whole(found: Any) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or abs(found) >= 2**31:
        raise TypeError
    return found


def _real(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise TypeError
    return float(found)


def _time(found: Any) -> datetime:
    read = datetime.fromisoformat(_text(found))
    if read.tzinfo is not None:
        raise ValueError
    return read


def _object(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise TypeError
    # As the database keeps it: NaN, half characters and bottomless depths are none of JSON's.
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    return found


_WANTED = {
    _text: "text",
    _whole: "a whole number of 31 bits",
    _real: "a number",
    _time: "a moment in UTC",
    _object: "an object of names and values",
}
