"""Saved models: plain scikit-learn pipelines with a JSON file that says what they are.

Owns the ``models`` folder of a project: file names, and that files are there whole or not at
all.  Must not know sessions; what stands in the JSON is handed in.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import Pipeline

from al_engine.files import left_behind, partial_beside
from al_engine.learning.learners import LearnerSpec
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import STRATEGIES

# File systems take 255 bytes; a checkpoint's name adds 60 to the stem.
MAX_STEM_BYTES = 150
_LEFT_BEHIND_S = 3600


def model_stem(label: str, spec: LearnerSpec) -> str:
    """``<label>-<Classifier>_<QueryStrategy>``, every pair of a committee in turn.

    A long one is cut and ends in a hash of the whole; the JSON lists every pair.
    """
    pairs = [
        f"{MODELS[member.model].file_name}_{STRATEGIES[member.strategy].file_name}"
        for member in spec.members
    ]
    stem = f"{safe_name(label)}-{'_'.join(pairs)}"
    if len(stem) <= MAX_STEM_BYTES:
        return stem
    return f"{stem[:MAX_STEM_BYTES]}~{hashlib.sha256(stem.encode()).hexdigest()[:12]}"


def checkpoint_stem(stem: str, n_labelled: int, f1_percent: int | None, when: datetime) -> str:
    """``<stem>-<labels trained on>-<validation F1, whole percent>-<YYYYMMDD_HH:MM:SS>``."""
    moment = when.strftime("%Y%m%d_%H:%M:%S")
    if os.name == "nt":
        moment = moment.replace(":", "-")
    return f"{stem}-{n_labelled}-{'na' if f1_percent is None else f1_percent}-{moment}"


def best_stem(stem: str) -> str:
    """``<stem>-best``, of the round that did best on validation."""
    return f"{stem}-best"


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
    _sweep(folder)
    is_committee = len(members) > 1
    path = folder / (stem if is_committee else f"{stem}.joblib")
    beside = folder / f"{stem}.json"
    with _partial(path) as model, _partial(beside) as note:
        if is_committee:
            model.mkdir()
            for i, (name, pipeline) in enumerate(members):
                joblib.dump(pipeline, model / f"{i}-{name}.joblib")
            hashes = {file.name: _sha256(file) for file in sorted(model.iterdir())}
        else:
            joblib.dump(members[0][1], model)
            hashes = {path.name: _sha256(model)}
        text = json.dumps({**about, "sha256": hashes}, indent=1, allow_nan=False)
        note.write_text(text, encoding="utf-8")
        # The JSON goes first: killed in between, a JSON without its model (or beside an older
        # one, which its hashes give away) counts as no model and is made again, whereas a
        # model without its JSON would stand for good with nobody knowing what it is.
        os.replace(note, beside)
        if is_committee:
            _replace_folder(model, path)
        else:
            os.replace(model, path)
    return path


def find_models(folder: Path, stem: str) -> tuple[Path, dict[str, Any]] | None:
    """The saved model of that stem with its JSON, or None where either is missing or damaged."""
    path = next((p for p in (folder / f"{stem}.joblib", folder / stem) if p.exists()), None)
    try:
        about = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return (path, about) if path is not None and isinstance(about, dict) else None


def model_bytes(folder: Path, stem: str) -> int:
    """How much a saved model takes on the disk; 0 where there is none."""
    found = find_models(folder, stem)
    if found is None:
        return 0
    path, _ = found
    files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def is_intact(path: Path, about: Mapping[str, Any]) -> bool:
    """Does every file of a saved model hold what its JSON says was written?"""
    folder = path if path.is_dir() else path.parent
    try:
        return all(_sha256(folder / name) == sha256 for name, sha256 in about["sha256"].items())
    except (OSError, KeyError, AttributeError):
        return False


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write under; whatever is still there in the end is removed."""
    partial = partial_beside(path)
    try:
        yield partial
    finally:
        _remove(partial)


def _sweep(folder: Path) -> None:
    """Remove the partial files that a killed process left; no save takes as long as an hour."""
    for path in left_behind(folder):
        # One that is gone by now was another save's, which has just ended.
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_BEHIND_S:
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


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
