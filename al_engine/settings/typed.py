"""JSON as annotated types, and back: dataclasses whose fields say what may stand in a file.

Owns the sentence for a key that holds what it must not hold.  Must not know what the keys mean.
"""

import contextlib
import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from al_engine.errors import SettingsError


def plain(value: Any) -> Any:
    """Dataclasses, tuples and mappings as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def read_as(kind: Any, value: Any, path: str) -> Any:
    """Turn JSON into the annotated type, or say which key holds what it must not hold."""
    if kind is Any:
        return value
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read_dataclass(kind, value, path)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return read_as(next(a for a in args if a is not type(None)), value, path)
    if origin is Literal:
        if value not in args:
            raise _wrong(path, value, f"one of {', '.join(map(repr, args))}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong(path, value, "a list")
        return tuple(read_as(args[0], item, f"{path}[{i}]") for i, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(path, value, "an object of names and values")
        return {str(key): read_as(args[1], item, f"{path}.{key}") for key, item in value.items()}
    return _read_one(kind, value, path)


def _read_dataclass(kind: type, value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise _wrong(path, value, "an object of names and values")
    hints = _type_hints(kind)
    unknown = sorted(set(map(str, value)) - set(hints))
    if unknown:
        raise SettingsError(
            f"{path}: '{unknown[0]}' is not a setting.", f"Known: {', '.join(hints)}."
        )
    required = {
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    for name in sorted(required - set(value)):
        raise SettingsError(f"{path}: '{name}' is missing.", "Add it.")
    return kind(**{str(k): read_as(hints[str(k)], v, f"{path}.{k}") for k, v in value.items()})


_type_hints = functools.cache(typing.get_type_hints)


def _read_one(kind: type, value: Any, path: str) -> Any:
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < 2**63:
            return value
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        # NaN and infinity pass json.loads; neither is a setting.
        if abs(value) < 1e300:
            return float(value)
    elif kind is str and isinstance(value, str):
        return value
    elif kind is datetime and isinstance(value, str):
        # A time that is none, or lies before the year 1 in UTC, is refused below.
        with contextlib.suppress(ValueError, OverflowError):
            return _without_zone(datetime.fromisoformat(value))
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        datetime: "a time such as 2026-01-31T12:00:00",
    }
    raise _wrong(path, value, names.get(kind, str(kind)))


def _without_zone(moment: datetime) -> datetime:
    """UTC, without saying so; what says nothing is UTC already."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _wrong(path: str, value: Any, allowed: str) -> SettingsError:
    shown = repr(value)
    return SettingsError(
        f"{path} is {shown[:60] + '…' if len(shown) > 60 else shown}.", f"It must be {allowed}."
    )
