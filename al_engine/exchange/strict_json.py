"""JSON that somebody else wrote: read whole and plain, or refused in one sentence.

Owns what any JSON from elsewhere must keep to, whatever it holds.  Must not know configurations.
"""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

from al_engine.errors import ConfigurationError, disk_said
from al_engine.public import most_configuration_bytes

MAX_BYTES = 64_000_000
MAX_DEPTH = 40
MAX_TEXT = 10_000  # characters; no name, id or label is a book
MOST = 2**64  # ids are as long as that, and no longer


def file_bytes(path: Path) -> bytes:
    """What stands in a file, if it is not too long to be read as JSON."""
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no file" if path.exists() else "not there"
            raise ConfigurationError(f"'{_short(str(path))}' is {what}.", "Check the path.")
        _refuse_long(path.stat().st_size)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = disk_said(error) if isinstance(error, OSError) else "it is no path"
        raise ConfigurationError(
            f"'{_short(str(path))}' cannot be read: {reason}.", "See to its permissions."
        ) from error


def read_json(data: bytes) -> Any:
    """Read JSON, in UTF-8, UTF-16 or UTF-32.

    Raises
    ------
    ConfigurationError : too long or too deep, cut short, another encoding, a name that stands
        twice, a number that is none, text that no file can hold
    """
    _refuse_long(len(data))
    try:
        value = json.loads(
            data,
            object_pairs_hook=_named_once,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The file is no text in UTF-8: byte {error.start + 1:,} is none.", "Save it as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"The file is no whole JSON: line {error.lineno:,}, column {error.colno:,}: "
            f"{error.msg[:1].lower()}{error.msg[1:]}.",
            "It may be cut short, or a comma or quote is missing.",
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise ConfigurationError(
            "A number in the file has thousands of digits.", "Write numbers in full, but shorter."
        ) from error
    _check(value, None, 0)
    return value


def _refuse_long(n_bytes: int) -> None:
    most = min(MAX_BYTES, most_configuration_bytes() or MAX_BYTES)
    if n_bytes > most:
        raise ConfigurationError(
            f"The file has {n_bytes / 1e6:,.0f} MB; {most // 10**6} MB are read at most.",
            "Choose a configuration that Sextant wrote.",
        )


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ConfigurationError(f"'{_short(twice)}' stands twice in one place.", "Keep one.")
    return found


def _refuse_constant(name: str) -> Any:
    raise ConfigurationError(f"{name} is no number that can be kept.", "Write null or a number.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ConfigurationError(f"{_short(text)} is too large a number.", "Write a smaller one.")
    return number


# Where a value stands: what it is in, and its name or number there; put into words for an error
# only, since a file may hold millions of values.
_Place: TypeAlias = tuple[Any, str | int] | None


def _spelled(place: _Place) -> str:
    path = ""
    while place is not None:
        place, step = place
        before = "" if place is None else "."
        path = f"[{step}]{path}" if isinstance(step, int) else f"{before}{step}{path}"
    return path


def _check(value: Any, path: _Place, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        for name, item in value.items():
            _check(name, path, depth)
            _check(item, (path, name), depth + 1)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check(item, (path, i), depth + 1)
    elif isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ConfigurationError(
                f"{_short(_spelled(path)) or 'The file'} holds a text of {len(value):,} "
                "characters.",
                f"Use up to {MAX_TEXT:,}.",
            )
        if "\x00" in value or not _can_be_written(value):
            raise ConfigurationError(
                f"{_short(_spelled(path)) or 'The file'} holds characters that are no text.",
                "Remove them.",
            )
    elif isinstance(value, int) and abs(value) >= MOST:
        raise ConfigurationError(
            f"{_short(_spelled(path))} is a number of {len(str(abs(value)))} digits.",
            "Write a smaller one.",
        )


def _can_be_written(text: str) -> bool:
    """Half a surrogate pair can stand in JSON, but in no file."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _too_deep() -> ConfigurationError:
    return ConfigurationError(
        f"The file is nested more than {MAX_DEPTH} levels deep.",
        "Choose the file that Sextant wrote.",
    )


def _short(text: str, limit: int = 60) -> str:
    # Shown in a sentence: what cannot be written is shown as an escape.
    shown = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\0")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
