"""What of a classifier's state is saved as a model, and when a saved one is still true.

Owns the step from a state to model files; their format is ``exchange.models``'.  Must not know
sessions or how a state came about.
"""

import platform
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import joblib
import numpy as np
import sklearn
from sklearn.pipeline import Pipeline

from al_engine.background import BACKGROUND
from al_engine.data.history import History
from al_engine.errors import (
    NotEnoughLabelsError,
    ProjectError,
    SettingsError,
    disk_said,
)
from al_engine.exchange.models import (
    best_stem,
    checkpoint_stem,
    find_models,
    is_intact,
    model_bytes,
    model_stem,
    save_model,
)
from al_engine.exchange.saved import FORMAT, FORMAT_OF_MANY
from al_engine.extensions.used import used_by
from al_engine.learning.learners import LearnerSpec, pipelines
from al_engine.loop.calibrating import line_in_force
from al_engine.loop.fitting import Fit, learner_spec
from al_engine.loop.state import State
from al_engine.loop.truth import labelled_set
from al_engine.projects.dataset import Dataset
from al_engine.projects.project import Project
from al_engine.projects.texts import TextMatrix
from al_engine.public import refuse_overuse
from al_engine.settings.config import ALL_LABELS, ProjectConfig

# By the name of a model: the settings and the last event of the newest that was to be saved.
_NEWEST: WeakKeyDictionary[Project, dict[str, tuple[ProjectConfig | None, int]]] = (
    WeakKeyDictionary()
)


class SavedModels:
    """The ``models`` folder of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    @property
    def _folder(self) -> Path:
        return self._project.folder / "models"

    def save(self, state: State, history: History) -> None:
        """Have the model of a state saved, if it has one, in place of the round before.

        ``history`` is all that it was trained on, whoever may see it.
        It is written in the background: of several rounds of a classifier the last one is, also
        where somebody else's session was done with an earlier one later.
        """
        if state.fit is None:
            return
        stem = model_stem(state.classifier, self._spec(state))
        with self._project.files_lock:
            newest = _NEWEST.setdefault(self._project, {})
            config, seq = newest.get(stem, (None, 0))
            if config == state.config and history.last_seq < seq:
                return
            newest[stem] = (state.config, history.last_seq)
            BACKGROUND.do(self._project, stem, partial(self._write, state, history, stem))

    def is_current(self, state: State) -> bool:
        """Is the saved model there, whole, of this very round, its scores and its threshold?

        True where none is due.
        """
        if state.fit is None:
            return True
        BACKGROUND.wait(self._project)
        found = find_models(self._folder, model_stem(state.classifier, self._spec(state)))
        scores = state.scores.to_dict() if state.scores else None
        if found is None or not _is_of(found[1], state.fit) or found[1].get("scores") != scores:
            return False
        return _is_line(found[1], self._project.prepare(state.config), state) and is_intact(*found)

    def checkpoint(self, state: State, history: History) -> Path:
        """Save the model of a state beside the earlier ones.

        Raises
        ------
        NotEnoughLabelsError : there is no model yet
        SettingsError : this round has a checkpoint
        PublicServerError : there is no room
        """
        if state.fit is None:
            raise NotEnoughLabelsError("There is no model yet.", "Label an object first.")
        if self.is_checkpointed(state):
            raise SettingsError("This round has a checkpoint already.", "Answer another question.")
        present = model_stem(state.classifier, self._spec(state))
        refuse_overuse(self._project.folder.parent, model_bytes(self._folder, present))
        validation = state.scores.validation if state.scores else None
        by_folds = state.scores is not None and state.scores.by_folds
        f1 = None if validation is None or by_folds else validation.f1.value
        stem = checkpoint_stem(
            present,
            state.fit.n_labelled,
            None if f1 is None else round(100 * f1),
            datetime.now(),
        )
        return self._write(state, history, stem)

    def keep_best(self, state: State, history: History) -> Path:
        """Save the model of the best round beside that of the present one.

        Raises
        ------
        PublicServerError : there is no room
        """
        present = model_stem(state.classifier, self._spec(state))
        stem = best_stem(present)
        n_more = model_bytes(self._folder, present) - model_bytes(self._folder, stem)
        refuse_overuse(self._project.folder.parent, max(0, n_more))
        return self._write(state, history, stem)

    def is_checkpointed(self, state: State) -> bool:
        """Has this very round a checkpoint already?"""
        if state.fit is None:
            return False
        stem = model_stem(state.classifier, self._spec(state))
        for file in self._folder.glob("*.json"):
            if file.stem.startswith(f"{stem}-{state.fit.n_labelled}-"):
                found = find_models(self._folder, file.stem)
                if found is not None and _is_of(found[1], state.fit):
                    return True
        return False

    def _spec(self, state: State) -> LearnerSpec:
        return learner_spec(state.setup, state.config.splits.seed)

    def _write(self, state: State, history: History, stem: str) -> Path:
        assert state.fit is not None, "only a trained classifier is saved"
        names = [member.model for member in state.setup.members]
        members = list(zip(names, self._whole_pipelines(state), strict=True))
        if self._project.is_closed:
            raise ProjectError("The project was deleted meanwhile.", "Choose one on the Home page.")
        about = self._about(state, history)
        try:
            # Two tabs may finish a round at once: a model and its JSON are of one of them.
            with self._project.files_lock:
                return save_model(self._folder, stem, members, about)
        except OSError as error:
            raise ProjectError(
                f"The model '{stem}' could not be saved: {disk_said(error)}.",
                "See to the free space and the permissions of the project's folder.",
            ) from error

    def _whole_pipelines(self, state: State) -> list[Pipeline]:
        """The fitted pipelines, which read texts themselves where they are of texts."""
        assert state.fit is not None, "only a trained classifier is saved"
        made = pipelines(state.fit.learner)
        X = self._project.prepare(state.config).X
        if not isinstance(X, TextMatrix):
            return made
        return [Pipeline([("reader", X.reader), *pipeline.steps]) for pipeline in made]

    def _about(self, state: State, history: History) -> dict[str, Any]:
        """What stands in the JSON beside a model."""
        config, dataset = state.config, self._project.prepare(state.config)
        assert state.fit is not None, "only a trained classifier is described"
        rows, _ = labelled_set(dataset, history, state.classifier)
        ids = self._project.catalogue.object_ids(config.columns.id, rows.tolist())
        return {
            **_classes(config, state.classifier, state.fit),
            "features": [
                {
                    "name": f.name,
                    "formula": f.formula,
                    "columns": list(f.columns),
                    "operation": f.operation,
                }
                for f in dataset.features
            ],
            "texts": list(config.features.texts),
            "values_read_as_missing": {k: list(v) for k, v in config.columns.missing.items()},
            "members": [
                {"model": m.model, "strategy": m.strategy, "params": dict(m.params)}
                for m in state.setup.members
            ],
            "extensions": [
                {"kind": e.kind, "name": e.name, "file": e.origin.file, "sha256": e.origin.sha256}
                for e in used_by(config, state.classifier)
            ],
            **line_in_force(dataset, replace(state, history=history)).to_dict(),
            "committee_strategy": state.setup.committee_strategy,
            "combination": "mean of the members' probabilities",
            "scores": state.scores.to_dict() if state.scores else None,
            "n_labelled": state.fit.n_labelled,
            "labels_used": [
                {"id": object_id, "label": history.trained[int(row)]}
                for row, object_id in zip(rows, ids, strict=True)
            ],
            "seed": config.splits.seed,
            "round_key": state.fit.key,
            "taken_beside": state.fit.beside,
            "saved_at": datetime.now().astimezone().isoformat(timespec="seconds"),
            "versions": versions(),
            "data_fingerprint": self._project.catalogue.fingerprint,
        }


def _is_of(about: dict[str, Any], fit: Fit) -> bool:
    """Is a saved model this very fit: of its labels, and of what it takes beside them?"""
    # Those saved before that was said were of labels alone, or are saved again.
    return (about.get("round_key"), about.get("taken_beside", "")) == (fit.key, fit.beside)


def _is_line(about: dict[str, Any], dataset: Dataset, state: State) -> bool:
    """Does a saved model draw the line, and calibrate in the way, that is set?"""
    line, calibration = line_in_force(dataset, state), about.get("calibration", {})
    method = calibration.get("method") if isinstance(calibration, dict) else None
    return (about.get("threshold", 0.5), method or "none") == (
        line.threshold,
        line.method or "none",
    )


def _classes(config: ProjectConfig, classifier: str, fit: Fit) -> dict[str, Any]:
    """What the codes of a model's classes mean."""
    values = {label.value: list(label.values) for label in config.labels}
    name = config.label_name(classifier)
    if classifier != ALL_LABELS:
        return {
            "format": FORMAT,
            "classes": {"0": f"not {name}", "1": name},
            "label": classifier,
            "label_values": values[classifier],
        }
    return {
        "format": FORMAT_OF_MANY,
        "classes": {str(code): config.label_name(v) for code, v in enumerate(fit.classes)},
        "label": classifier,
        "label_values": {str(code): values[v] for code, v in enumerate(fit.classes)},
    }


def versions() -> dict[str, str]:
    """The versions that a saved model depends on."""
    return {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "joblib": joblib.__version__,
    }
