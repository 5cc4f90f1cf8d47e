"""Several arrays that are made together, in one mapped file.

Owns how they lie in it.  A file is whole or not there, as every file of the ``matrix`` folder; must
not know what the arrays mean.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_engine.data.mapped import Array, New, Room, Sort, find_mapped, open_mapped

Arrays: TypeAlias = dict[str, Array]

_ALIGNED = 64
_KINDS = ("float32", "int32", "int64", "uint8")


def find_bundled(folder: Path, sort: Sort, made_of: Sequence[str]) -> Arrays | None:
    """Map the arrays of one making, or None where there is no file of them that is whole."""
    held = find_mapped(folder, sort, made_of, _is_sound)
    return None if held is None else _unpacked(held)


def keep_bundled(
    folder: Path,
    sort: Sort,
    made_of: Sequence[str],
    arrays: Mapping[str, Array],
    room: Room = lambda n_bytes: None,
) -> Arrays:
    """Write arrays that were made together, and map them.

    Parameters
    ----------
    sort : of ``uint8``
    arrays : of one dimension, of float32, int32, int64 or uint8, by name

    Returns
    -------
    read-only ndarrays of shape (n,), by name
    """

    def write(new: New) -> None:
        places, at = {}, 0
        for name, array in arrays.items():
            places[name] = (str(array.dtype), at, len(array))
            at = _next_place(at + array.nbytes)
        head = json.dumps(places).encode()
        first = _next_place(8 + len(head))
        to = new((first + at,))
        to[:8] = np.frombuffer(len(head).to_bytes(8, "little"), np.uint8)
        to[8 : 8 + len(head)] = np.frombuffer(head, np.uint8)
        for name, array in arrays.items():
            start = first + places[name][1]
            to[start : start + array.nbytes] = np.ascontiguousarray(array).view(np.uint8)

    held = _unpacked(open_mapped(folder, sort, made_of, _is_sound, write, room))
    assert held is not None, "what was mapped is sound"
    return held


def _is_sound(held: Array) -> bool:
    return _unpacked(held) is not None


def _next_place(n_bytes: int) -> int:
    return -(-n_bytes // _ALIGNED) * _ALIGNED


def _unpacked(held: npt.NDArray[Any]) -> Arrays | None:
    """The arrays in a file, or None where it does not hold what it says."""
    try:
        n_head = int.from_bytes(held[:8].tobytes(), "little")
        places = json.loads(held[8 : 8 + n_head].tobytes())
        first = _next_place(8 + n_head)
        arrays = {}
        for name, (kind, at, n) in places.items():
            if kind not in _KINDS or at < 0 or n < 0:
                return None
            n_bytes = n * np.dtype(kind).itemsize
            if first + at + n_bytes > len(held):
                return None
            arrays[str(name)] = held[first + at : first + at + n_bytes].view(kind)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return arrays
