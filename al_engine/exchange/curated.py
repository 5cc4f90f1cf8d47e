"""The curated test set as a file: AstronomicAL's ``test_set.json``, read and written.

Owns the form ``{"<id>": label}``, in which -1 stands for Unsure, and the wording of what is wrong
with a file.  Must not know projects: what is in the catalogue is handed in.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_engine.errors import SettingsError, UnreadableFileError
from al_engine.exchange.astronomical import UNSURE, WHOLE_NUMBER
from al_engine.settings.config import ProjectConfig

MAX_BYTES = 100_000_000
MAX_TEXT = 10_000  # characters of an id or a label

_TOO_LARGE = 10**18  # no label is a number of so many digits


@dataclass(frozen=True)
class CuratedFile:
    """What a file says, as far as it can be used: labels by row, and ``unsure`` rows.

    ``not_found`` are ids that no object has, ``repeated`` those that stand several times (the last
    one counts), ``unknown`` ids with a label that the project does not have, and that label.
    """

    labels: dict[int, str]
    unsure: frozenset[int]
    not_found: tuple[str, ...]
    repeated: tuple[str, ...]
    unknown: tuple[tuple[str, str], ...]

    @property
    def n_read(self) -> int:
        return len(self.labels) + len(self.unsure)


def read_test_set(
    content: bytes,
    config: ProjectConfig,
    find_rows: Callable[[Sequence[str]], Mapping[str, int]],
) -> CuratedFile:
    """Read a file whole, or refuse it whole.

    Parameters
    ----------
    find_rows : from ids to the rows of those that are in the catalogue

    Raises
    ------
    UnreadableFileError : it is not a JSON object of ids and labels
    """
    pairs = _pairs(content)
    names = {label.name: label.value for label in config.labels}
    values = {value: label.value for label in config.labels for value in label.values}
    rows = find_rows(list(dict.fromkeys(object_id for object_id, _ in pairs)))
    labels: dict[int, str] = {}
    unsure: set[int] = set()
    not_found, repeated, unknown = [], [], []
    for object_id, label in pairs:
        row = rows.get(object_id)
        text = str(label)
        value = values.get(text, names.get(text))
        if text == str(UNSURE):
            value = None  # whatever label there is
        if row is None:
            not_found.append(object_id)
            continue
        if value is None and text not in (str(UNSURE), *config.columns.unknown):
            unknown.append((object_id, text))
            continue
        if row in labels or row in unsure:
            repeated.append(object_id)
        labels.pop(row, None)
        unsure.discard(row)
        if value is None:
            unsure.add(row)
        else:
            labels[row] = value
    lists = (tuple(dict.fromkeys(ids)) for ids in (not_found, repeated, unknown))
    return CuratedFile(labels, frozenset(unsure), *lists)  # type: ignore[arg-type]


def write_test_set(labels: Sequence[tuple[str, str | None]]) -> bytes:
    """The file of ids and labels, None for Unsure; labels that are whole numbers as numbers.

    Raises SettingsError where a label cannot be told from Unsure.

    >>> print(write_test_set([("a", "2"), ("b", "QSO"), ("c", None)]).decode())
    {
     "a": 2,
     "b": "QSO",
     "c": -1
    }
    """
    check_labels(label for _, label in labels if label is not None)
    return json.dumps(
        {object_id: _written(label) for object_id, label in labels}, indent=1
    ).encode()


def check_labels(values: Iterable[str]) -> None:
    """Raise SettingsError where one of some labels has no place in such a file."""
    if str(UNSURE) in values:
        raise SettingsError(
            f"In a test_set.json {UNSURE} stands for Unsure; here it is a label.",
            "Give the catalogue's objects of that label another number to write one.",
        )


def _written(label: str | None) -> int | str:
    if label is None:
        return UNSURE
    return int(label) if WHOLE_NUMBER.fullmatch(label) else label


def _pairs(content: bytes) -> list[tuple[str, int | str]]:
    """Ids and labels in the order of the file."""
    if len(content) > MAX_BYTES:
        raise _refused(f"is larger than {MAX_BYTES // 1_000_000} MB")
    if not content.strip():
        raise _refused("is empty")
    try:
        # Kept as pairs: a dict would forget an id that stands twice.
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except UnicodeDecodeError as error:
        raise _refused("is not text in UTF-8") from error
    except json.JSONDecodeError as error:
        raise _refused(f"is not JSON: line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise _refused("is not JSON that can be read") from error
    if not isinstance(found, _Pairs):
        raise _refused("holds no object of ids and labels, but something else")
    if not found:
        raise _refused("names no object")
    for text in (text for pair in found for text in pair if isinstance(text, str)):
        if len(text) > MAX_TEXT:
            raise _refused(f"holds an id or a label of {len(text):,} characters")
    return [(_sound(object_id), _label(object_id, label)) for object_id, label in found]


class _Pairs(list[tuple[str, Any]]):
    """The names and values of a JSON object; a list of the file is a plain one."""


def _sound(text: str) -> str:
    """A text as UTF-8 has it: JSON may name halves of characters, which nobody can write down."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _label(object_id: str, label: Any) -> int | str:
    if isinstance(label, float) and label.is_integer() and abs(label) < _TOO_LARGE:
        label = int(label)
    if isinstance(label, str) and label.strip():
        return _sound(label.strip())
    if isinstance(label, int) and not isinstance(label, bool) and abs(label) < _TOO_LARGE:
        return label
    object_id = _sound(object_id)[:40]
    shown = "{…}" if isinstance(label, _Pairs) else json.dumps(label)[:40]
    raise _refused(f"gives {object_id!r} the label {shown}")


def _refused(fault: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"The file {fault}.", 'A test set is JSON of ids and labels: {"id": 1, "other id": "QSO"}.'
    )
