"""Sentence encoders: a model's folder on this disk as a function from texts to numbers.

Owns which package reads which folder, and that nothing is fetched, unpickled or run of it.  The
packages may be absent: each is imported where it is used.  Must not know tables.
"""

import importlib.util
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import SettingsError, UnusableModelError

# Takes n texts, gives float32 of shape (n, n_dimensions).
Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]

# Older ones take the code that stands in a folder on this disk for trusted.
FIRST_SAFE = 6
_THEIR_OWN = re.compile(r"sentence_transformers(\.\w+)+")
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


def open_encoder(folder: Path) -> Encode:
    """Open a model of model2vec or sentence-transformers.

    Raises
    ------
    SettingsError : the folder is none, or the package that reads it is not installed
    UnusableModelError : it is damaged, or would have code run or a pickle read
    """
    by_model2vec = _is_static(folder)
    package = "model2vec" if by_model2vec else "sentence_transformers"
    name = package.replace("_", "-")
    if importlib.util.find_spec(package) is None:
        raise SettingsError(
            f"The model in '{folder.name}' is read by {name}, which is not installed.",
            f"Install it: pip install {name}",
        )
    if not by_model2vec:
        _refuse_risks(folder)
    try:
        with _offline():
            encode = _model2vec(folder) if by_model2vec else _sentence_transformers(folder)
            made = encode(["one"])
    except Exception as error:  # whatever a folder that is not whole may cost
        said = " ".join(str(error).split())[:160] or type(error).__name__
        raise UnusableModelError(
            f"The model in '{folder.name}' cannot be loaded: {said}.",
            "Copy the folder again, whole.",
        ) from error
    if made.ndim != 2 or made.shape[0] != 1 or not made.shape[1]:
        raise UnusableModelError(
            f"The model in '{folder.name}' gives no vector for a text.", "Choose another model."
        )
    return encode


def _is_static(folder: Path) -> bool:
    """Whether a model is one of model2vec, whose words each have one vector, wherever they stand.

    sentence-transformers reads such a folder too, but counts unknown words: one folder, one reader.

    Raises
    ------
    SettingsError, UnusableModelError
    """
    if not folder.is_dir():
        raise SettingsError(
            f"There is no folder '{folder}'.",
            "Put a model of model2vec or sentence-transformers there; none is downloaded.",
        )
    listed = _read_json(folder / "modules.json")
    if listed is None:
        about = _read_json(folder / "config.json")
        if isinstance(about, Mapping) and about.get("model_type") == "model2vec":
            return True  # saved before a list of parts was
        raise SettingsError(
            f"'{folder.name}' holds no model of model2vec or sentence-transformers: there is no "
            "modules.json in it.",
            "Name the folder that such a model was saved to.",
        )
    held = listed if isinstance(listed, list) and listed else [None]
    parts = [each.get("type") if isinstance(each, Mapping) else None for each in held]
    for part in parts:
        if not (isinstance(part, str) and _THEIR_OWN.fullmatch(part)):
            raise UnusableModelError(
                f"The model in '{folder.name}' is made of {ascii(part)[:80]}, which is no part of "
                "sentence-transformers.",
                "Code that comes with a model is not run; choose another.",
            )
    named = {str(part).rsplit(".", 1)[-1] for part in parts}
    return named <= {"StaticEmbedding", "Normalize"} and (folder / "config.json").is_file()


def _read_json(path: Path) -> Any:
    """What a file says, None where it is not there."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableModelError(
            f"'{path.parent.name}/{path.name}' cannot be read.", "Copy the folder again, whole."
        ) from error


def _refuse_risks(folder: Path) -> None:
    """Raise where a model would be read by an old package, or from a pickle."""
    found = version("sentence-transformers")
    if int(found.split(".")[0]) < FIRST_SAFE:
        raise SettingsError(
            f"sentence-transformers {found} may run code that stands in a model's folder.",
            f'Install a newer one: pip install "sentence-transformers>={FIRST_SAFE}"',
        )
    for pickled in folder.rglob("pytorch_model*.bin"):
        if not any(pickled.parent.glob("*.safetensors")):
            raise UnusableModelError(
                f"The model in '{folder.name}' keeps its weights in a pickle, "
                f"{pickled.relative_to(folder)}, which may hold code.",
                "Choose one with model.safetensors.",
            )


@contextmanager
def _offline() -> Iterator[None]:
    """Keep what loads models from asking anybody for one."""
    before = {name: os.environ.get(name) for name in _OFFLINE}
    os.environ.update(_OFFLINE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _model2vec(folder: Path) -> Encode:
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(str(folder.resolve()))
    return lambda texts: np.asarray(model.encode(list(texts)), dtype=np.float32)


def _sentence_transformers(folder: Path) -> Encode:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(folder.resolve()), trust_remote_code=False, local_files_only=True
    )
    return lambda texts: np.asarray(
        model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True),
        dtype=np.float32,
    )
