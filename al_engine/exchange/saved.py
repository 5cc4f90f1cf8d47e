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
import sklearn

from al_engine.data.columns import Missing
from al_engine.data.features import Feature
from al_engine.data.operations import OPERATIONS
from al_engine.data.readers.source import in_brief
from al_engine.errors import UnusableModelError, disk_said
from al_engine.settings.config import OPERATION_SIGNS

FORMAT = "Sextant model 1"
WARNING = "Loading a model runs code from that file: load only models from people you trust."
CLASSES = np.array([0, 1])
MOST_JSON_BYTES = 100_000_000
_SUFFIXES = (".joblib", ".json", ".zip")


@dataclass(frozen=True)
class SavedModel:
    """A model whose files are what its JSON says; ``files`` hold their contents, one a member."""

    stem: str
    label: str
    name: str
    features: tuple[Feature, ...]
    missing: Missing
    files: Mapping[str, bytes]
    hashes: Mapping[str, str]
    scikit_learn: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its features are made of."""
        return tuple(dict.fromkeys(name for f in self.features for name in f.columns))


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
    if not isinstance(about, dict) or about.get("format") != FORMAT:
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
        missing = {
            str(name): tuple(float(value) for value in values)
            for name, values in about["values_read_as_missing"].items()
        }
        label, name = str(about["label"]), str(about["classes"]["1"])
        scikit_learn = str(about["versions"]["scikit-learn"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise wrong(f"does not say what it must ({in_brief(str(error))})") from error
    if not features:
        raise wrong("lists no features")
    return SavedModel(stem, label, name, features, missing, files, hashes, scikit_learn)


def _is_hash(name: str, sha256: Any) -> bool:
    """Is it a plain file's name with a SHA-256, and no path out of the model's folder?"""
    is_plain = not re.search(r"[/\\\0]|^[A-Za-z]:|^\.*$", name)
    return is_plain and isinstance(sha256, str) and bool(re.fullmatch(r"[0-9a-f]{64}", sha256))


def _place(name: str) -> tuple[int, str]:
    """Members in their order: their files begin with a number."""
    number = re.match(r"\d{1,6}(?=-)", name)
    return (int(number[0]) if number else 0, name)


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
            n_features = int(getattr(estimator, "n_features_in_", len(saved.features)))
            known = set(np.asarray(estimator.classes_).tolist()) <= set(CLASSES.tolist())
        except Exception as error:  # whatever an unpickled file may raise
            raise UnusableModelError(
                f"The model '{name}' cannot be loaded: {in_brief(str(error))}.",
                f"It was saved with scikit-learn {saved.scikit_learn}; "
                f"this is {sklearn.__version__}.",
            ) from error
        if n_features != len(saved.features) or not known:
            raise UnusableModelError(
                f"The model '{name}' is not of the {len(saved.features)} features that its JSON "
                "lists.",
                "Use the files as Sextant saved them.",
            )
        estimators.append(estimator)
    return estimators
