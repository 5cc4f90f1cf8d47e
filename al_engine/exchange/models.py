"""Saved models: plain scikit-learn pipelines with a JSON file that says what they are.

Owns the ``models`` folder of a project: file names, and that files are there whole or not at
all.  Must not know sessions; what stands in the JSON is handed in.
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import Pipeline

from al_engine.learning.learners import LearnerSpec
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import STRATEGIES


def model_stem(label: str, spec: LearnerSpec) -> str:
    """``<label>-<Classifier>_<QueryStrategy>``, every pair of a committee in turn."""
    pairs = [
        f"{MODELS[member.model].file_name}_{STRATEGIES[member.strategy].file_name}"
        for member in spec.members
    ]
    return f"{safe_name(label)}-{'_'.join(pairs)}"


def checkpoint_stem(stem: str, n_labelled: int, f1_percent: int | None, when: datetime) -> str:
    """``<stem>-<points trained on>-<validation F1, whole percent>-<YYYYMMDD_HH:MM:SS>``."""
    time = when.strftime("%Y%m%d_%H:%M:%S")
    if os.name == "nt":
        time = time.replace(":", "-")
    return f"{stem}-{n_labelled}-{'na' if f1_percent is None else f1_percent}-{time}"


def safe_name(label: str) -> str:
    """A label's value as part of a file name; two labels never share one."""
    safe = re.sub(r"[^A-Za-z0-9._+]", "_", label)[:60].strip(".")
    if safe and safe == label:
        return safe
    # Different labels may look alike once made safe: the hash keeps their files apart.
    return f"{safe or 'label'}~{hashlib.sha256(label.encode()).hexdigest()[:6]}"


def save_model(
    folder: Path, stem: str, members: Sequence[tuple[str, Pipeline]], about: Mapping[str, Any]
) -> Path:
    """Write one pipeline as ``<stem>.joblib``, or several as a folder ``<stem>``, and its JSON.

    Parameters
    ----------
    members : names (for the files of a committee) and fitted pipelines
    about : what the JSON beside the model says; each file's SHA-256 is added to it

    Returns
    -------
    path : the model file, or the committee's folder
    """
    folder.mkdir(parents=True, exist_ok=True)
    if len(members) == 1:
        path = folder / f"{stem}.joblib"
        with _partial(path) as partial:
            joblib.dump(members[0][1], partial)
            hashes = {path.name: _sha256(partial)}
            os.replace(partial, path)
    else:
        path = folder / stem
        with _partial(path) as partial:
            partial.mkdir()
            for i, (name, pipeline) in enumerate(members):
                joblib.dump(pipeline, partial / f"{i}-{name}.joblib")
            hashes = {file.name: _sha256(file) for file in sorted(partial.iterdir())}
            _replace_folder(partial, path)
    beside = folder / f"{stem}.json"
    with _partial(beside) as partial:
        text = json.dumps({**about, "sha256": hashes}, indent=1, allow_nan=False)
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, beside)
    return path


def find_models(folder: Path, stem: str) -> tuple[Path, dict[str, Any]] | None:
    """The saved model of that stem with its JSON, or None where either is missing or damaged."""
    path = next((p for p in (folder / f"{stem}.joblib", folder / stem) if p.exists()), None)
    try:
        about = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return (path, about) if path is not None and isinstance(about, dict) else None


def is_whole(path: Path, about: Mapping[str, Any]) -> bool:
    """Does every file of a saved model hold what its JSON says was written?"""
    folder = path if path.is_dir() else path.parent
    try:
        return all(_sha256(folder / name) == sha256 for name, sha256 in about["sha256"].items())
    except (OSError, KeyError, AttributeError):
        return False


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write under; whatever is still there in the end is removed."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield partial
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def _replace_folder(new: Path, path: Path) -> None:
    """Put a folder in another's place; at no moment is a half-written one under its name."""
    with _partial(path) as old:
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
