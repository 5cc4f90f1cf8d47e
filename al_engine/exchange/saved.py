"""A saved model as somebody else finds it: checked against its JSON before anything is loaded.

Owns what has to be right before a byte of a joblib file is run.  Must not know projects: a model
may come from anywhere, and nothing in its JSON is taken on trust.
"""

import hashlib
import io
import json
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.pipeline import Pipeline

from al_engine.data.columns import Missing
from al_engine.data.features import Feature
from al_engine.data.operations import OPERATIONS
from al_engine.data.readers.source import in_brief
from al_engine.errors import SettingsError, UnusableModelError, disk_said
from al_engine.exchange.predictions import PLAIN, Class
from al_engine.learning.mixed import Reader
from al_engine.learning.plain_texts import reader_in
from al_engine.learning.thresholds import Line
from al_engine.settings.config import OPERATION_SIGNS
from al_engine.settings.label import MAX_LABELS

FORMAT = "Sextant model 1"
FORMAT_OF_MANY = "Sextant model 2"  # which a Sextant that knows two sides alone must not read
WARNING = "Loading a model runs code from that file: load only models from people you trust."
MOST_JSON_BYTES = 100_000_000
_SUFFIXES = (".joblib", ".json", ".zip")


@dataclass(frozen=True)
class SavedModel:
    """A model whose files are what its JSON says; ``files`` hold their contents, one a member.

    ``classes`` are those that a model over all labels tells apart, by their codes; empty where it
    tells its ``label`` from all else.  ``line`` is how its probabilities are to be written.
    """

    stem: str
    label: str
    name: str
    features: tuple[Feature, ...]
    texts: tuple[str, ...]
    missing: Missing
    files: Mapping[str, bytes]
    hashes: Mapping[str, str]
    scikit_learn: str
    classes: tuple[Class, ...] = ()
    line: Line = PLAIN

    @property
    def codes(self) -> npt.NDArray[np.intp]:
        """The codes of its classes."""
        return np.arange(len(self.classes) or 2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its features are made of."""
        of_numbers = (name for f in self.features for name in f.columns)
        return tuple(dict.fromkeys((*of_numbers, *self.texts)))

    @property
    def n_features(self) -> int:
        """How many features it sees, a column of texts being one."""
        return len(self.features) + len(self.texts)


def open_saved(path: Path) -> SavedModel:
    """Read a model's files and check them, without loading it.

    Parameters
    ----------
    path : a ``.joblib`` file with its ``.json`` beside it, a committee's folder with its ``.json``
        beside it, either one's ``.json``, or a bundle (``.zip``)

    Raises
    ------
    UnusableModelError : no JSON, no hash, another hash, or a JSON that says nonsense
    """
    try:
        return _open_bundle(path) if path.suffix == ".zip" else _open_beside(path)
    # zipfile's own: a packing it does not know, a member that is locked, one that is not there.
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError) as error:
        has_path = isinstance(error, OSError) and error.errno
        reason = disk_said(error) if has_path else in_brief(str(error))  # type: ignore[arg-type]
        raise UnusableModelError(
            f"The model '{path.name}' cannot be read: {reason}.",
            "Give its .joblib file, its folder or its .zip.",
        ) from error


def _open_beside(path: Path) -> SavedModel:
    stem = path.stem if path.suffix in _SUFFIXES and not path.is_dir() else path.name
    beside = path.with_name(f"{stem}.json")
    if not path.exists():
        raise UnusableModelError(f"There is no model '{path.name}'.", "Check name and folder.")
    if not beside.is_file():
        raise UnusableModelError(
            f"The model '{path.name}' has no '{beside.name}' beside it, which says what it is.",
            "Keep the two together, as they were saved.",
        )
    # The present folder of a committee holds its members; a single model lies beside its JSON.
    folder = path.with_name(stem)
    return _checked(
        stem,
        _limited(beside.stat().st_size, beside.read_bytes),
        lambda name: (folder if folder.is_dir() else path.parent).joinpath(name).read_bytes(),
    )


def _open_bundle(path: Path) -> SavedModel:
    with zipfile.ZipFile(path) as bundle:
        found = [i for i in bundle.infolist() if re.fullmatch(r"[^/\\]+\.json", i.filename)]
        if len(found) != 1:
            raise UnusableModelError(
                f"The file '{path.name}' is no bundle of a model: it holds {len(found)} JSON files "
                "beside its model, not one.",
                "Make it on the Share page.",
            )
        stem = found[0].filename.removesuffix(".json")
        inside = {info.filename for info in bundle.infolist()}

        def read(name: str) -> bytes:
            return bundle.read(name if name in inside else f"{stem}/{name}")

        size = found[0].file_size
        return _checked(stem, _limited(size, lambda: bundle.read(found[0])), read)


def _limited(size: int, read: Callable[[], bytes]) -> bytes:
    if size > MOST_JSON_BYTES:
        raise UnusableModelError(
            f"The model's JSON has {size:,} bytes.", f"At most {MOST_JSON_BYTES:,} are read."
        )
    return read()


def _checked(stem: str, text: bytes, read: Callable[[str], bytes]) -> SavedModel:
    def wrong(what: str) -> UnusableModelError:
        return UnusableModelError(
            f"The JSON of the model '{stem}' {what}.", "Use the files as Sextant saved them."
        )

    try:
        about: Any = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise wrong("is damaged") from error
    if not isinstance(about, dict) or about.get("format") not in (FORMAT, FORMAT_OF_MANY):
        raise wrong(f"is not of the format '{FORMAT}'")
    hashes = about.get("sha256")
    if (
        not isinstance(hashes, dict)
        or not hashes
        or not all(_is_hash(name, sha256) for name, sha256 in hashes.items())
    ):
        raise wrong("holds no SHA-256 of the model's files")
    files = {name: read(name) for name in sorted(hashes, key=_place)}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != hashes[name]:
            raise UnusableModelError(
                f"The file '{name}' is not the one that was saved: its SHA-256 is not the one in "
                "the JSON.",
                "Get the model again; it was not loaded.",
            )
    try:
        extensions = about.get("extensions", [])
        features = tuple(_feature(stem, each, extensions) for each in about["features"])
        texts = tuple(_column(name) for name in about.get("texts", []))
        missing = {
            str(name): tuple(float(value) for value in values)
            for name, values in about["values_read_as_missing"].items()
        }
        is_of_many = about["format"] == FORMAT_OF_MANY
        classes = _classes(about["classes"], about["label_values"]) if is_of_many else ()
        label = str(about["label"])
        name = ", ".join(c.name for c in classes) or str(about["classes"]["1"])
        scikit_learn = str(about["versions"]["scikit-learn"])
        line = Line.from_dict(about)
        if not line.suits(len(classes)):
            raise ValueError(f"calibration by {line.method or 'none'} above {line.threshold:g}")
    except (KeyError, TypeError, ValueError, AttributeError, SettingsError) as error:
        raise wrong(f"does not say what it must ({in_brief(str(error))})") from error
    if not (features or texts):
        raise wrong("lists no features")
    return SavedModel(
        stem, label, name, features, texts, missing, files, hashes, scikit_learn, classes, line
    )


def _classes(names: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Class, ...]:
    """The classes by their codes, which are 0, 1, 2 and so on."""
    if not 2 <= len(names) <= MAX_LABELS:
        raise ValueError(f"{len(names)} classes")
    found = tuple(Class(values[c][0], names[c]) for c in map(str, range(len(names))))
    if not all(isinstance(text, str) for c in found for text in (c.value, c.name)):
        raise ValueError("the names of its classes")
    return found


def _is_hash(name: str, sha256: Any) -> bool:
    """Is it a plain file's name with a SHA-256, and no path out of the model's folder?"""
    is_plain = not re.search(r"[/\\\0]|^[A-Za-z]:|^\.*$", name)
    return is_plain and isinstance(sha256, str) and bool(re.fullmatch(r"[0-9a-f]{64}", sha256))


def _place(name: str) -> tuple[int, str]:
    """Members in their order: their files begin with a number."""
    number = re.match(r"\d{1,6}(?=-)", name)
    return (int(number[0]) if number else 0, name)


def _column(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueError(f"column {name!r}")
    return name


def _feature(stem: str, said: Mapping[str, Any], extensions: Sequence[Any]) -> Feature:
    name, columns, operation = said["name"], said["columns"], said["operation"]
    if not isinstance(name, str) or not isinstance(columns, list) or not columns:
        raise ValueError(f"feature {name!r}")
    if not all(isinstance(column, str) for column in columns):
        raise ValueError(f"columns of {name!r}")
    brought = [e for e in extensions if (e["kind"], e["name"]) == ("operation", operation)]
    if brought:
        _refuse_other_operation(stem, operation, str(brought[0]["file"]), brought[0]["sha256"])
        known = OPERATIONS[operation]
        if not known.fewest <= len(columns) <= known.most:
            raise ValueError(f"columns of {name!r}")
    elif operation not in (OPERATION_SIGNS if len(columns) > 1 else ("",)):
        raise ValueError(f"operation of {name!r}")
    return Feature(name, tuple(columns), operation)


def _refuse_other_operation(stem: str, operation: str, file: str, sha256: str) -> None:
    """Refuse a feature of an extension that is not here, or is another than at the time."""
    file = Path(file.replace("\\", "/")).name
    origin = OPERATIONS[operation].origin if operation in OPERATIONS else None
    if origin is None:
        raise UnusableModelError(
            f"The model '{stem}' uses '{operation}' of the extension {in_brief(file, 60)}, which "
            "is not loaded here.",
            "Put that file among your extensions and set SEXTANT_EXTENSIONS=1.",
        )
    if origin.sha256 != sha256:
        raise UnusableModelError(
            f"The model '{stem}' uses '{operation}' of the extension {in_brief(file, 60)}, which "
            "is another here than when it was trained.",
            "Use the extension as it was, or train the model again.",
        )


def reader_of(estimator: Any) -> Reader | None:
    """What reads the texts for a loaded model; None where it sees none."""
    return reader_in(estimator.steps[0][1]) if isinstance(estimator, Pipeline) else None


def load(saved: SavedModel) -> list[Any]:
    """Load the estimators of a checked model, in order; this runs code from its files.

    Raises
    ------
    UnusableModelError : they cannot be loaded here, or are no models of these features
    """
    estimators = []
    for name, content in saved.files.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that versions differ is said by those who load
                estimator = joblib.load(io.BytesIO(content))
            n_features = int(getattr(estimator, "n_features_in_", saved.n_features))
            known = set(np.asarray(estimator.classes_).tolist()) <= set(saved.codes.tolist())
        except Exception as error:  # whatever an unpickled file may raise
            raise UnusableModelError(
                f"The model '{name}' cannot be loaded: {in_brief(str(error))}.",
                f"It was saved with scikit-learn {saved.scikit_learn}; "
                f"this is {sklearn.__version__}.",
            ) from error
        reader = reader_of(estimator)
        if n_features != saved.n_features or not known or (reader is None) == bool(saved.texts):
            raise UnusableModelError(
                f"The model '{name}' is not of the {saved.n_features} features that its JSON "
                "lists.",
                "Use the files as Sextant saved them.",
            )
        estimators.append(estimator)
    return estimators
