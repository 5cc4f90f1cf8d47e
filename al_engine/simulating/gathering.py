"""Objects with a known label, out of a project or straight out of a catalogue's file.

Owns the step from a catalogue to the arrays of a simulation, which then goes on without it.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_engine.data.features import list_features
from al_engine.data.profile import label_counts
from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.guesses import make_labels
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.projects.texts import TextMatrix
from al_engine.settings.config import Features, ProjectConfig
from al_engine.simulating.material import Material
from al_engine.starting import import_file

FEWEST_KNOWN = 10


def known_labels(project: Project) -> NDArray[np.int16]:
    """The place of each object's label among the project's, -1 where unknown, shape (n_rows,).

    What a person said outranks the catalogue; where people differ nothing is known.  Labels that
    the settings leave out are unknown.
    """
    config, catalogue = project.config, project.catalogue
    places = [place for _, place in config.catalogue_values]
    codes = np.full(catalogue.n_rows, -1, dtype=np.int16)
    if config.columns.label and places:
        values = tuple(value for value, _ in config.catalogue_values)
        found = catalogue.label_codes(config.columns.label, values)
        codes = np.array([*places, -1], dtype=np.int16)[found]
    known = {label.value: place for place, label in enumerate(config.labels)}
    for classifier in config.setups:
        history = project.history(classifier)
        for row, value in history.verified.items():
            codes[row] = known.get(value, -1)
        codes[list(history.disputed)] = -1
    used = {label.value for label in config.labels_in_use}
    unused = [place for value, place in known.items() if value not in used]
    codes[np.isin(codes, unused)] = -1
    return codes


def labels_known(project: Project) -> dict[str, int]:
    """How many objects have each label, of those labels that some object has; the order is theirs.

    Counted in the catalogue where that is enough, else with what people said.
    """
    config = project.config
    used = {label.value for label in config.labels_in_use}

    def present(counts: Sequence[int]) -> dict[str, int]:
        pairs = zip(config.labels, counts, strict=True)
        return {label.value: int(n) for label, n in pairs if n and label.value in used}

    if config.features.base or config.features.texts:
        found = present(project.dataset().n_by_value)
        if len(found) > 1 and sum(found.values()) >= FEWEST_KNOWN:
            return found
    codes = known_labels(project)
    return present(np.bincount(codes[codes >= 0], minlength=len(config.labels)).tolist())


def gather(project: Project, text: str | None = None) -> Material:
    """Features and known labels of a project by the settings in force.

    Parameters
    ----------
    text : the column whose words are the features, in place of the project's own

    Raises
    ------
    NotEnoughLabelsError : too few labels are known, or all are one
    UnknownColumnError : there is no such column of text
    """
    config, catalogue = project.config, project.catalogue
    codes = known_labels(project)
    rows = np.flatnonzero(codes >= 0)
    present, y = np.unique(codes[rows], return_inverse=True)
    if len(rows) < FEWEST_KNOWN or len(present) < 2:
        raise NotEnoughLabelsError(
            f"{len(rows):,} objects have a known label, of {len(present)} different ones.",
            f"A simulation needs {FEWEST_KNOWN} objects and two labels at least.",
        )
    names = [] if text is not None else [f.name for f in list_features(config.features)]
    columns = config.features.texts if text is None else (text,)
    for name in columns:
        catalogue.column(name)
    X = _numbers(project, rows) if names else None
    texts = _texts(project, columns, rows) if columns else None
    classes = tuple(config.labels[place].value for place in present)
    about: dict[str, Any] = {
        "label": config.columns.label,
        "features": names,
        "text": ", ".join(columns) or None,
        "fingerprint": catalogue.fingerprint,
        "n_objects": len(rows),
        "n_by_label": dict(zip(classes, np.bincount(y).tolist(), strict=True)),
    }
    keys = catalogue.object_keys(config.columns.id)[rows]
    return Material(classes, y.astype(np.int64), keys, rows.astype(np.int64), X, texts, about)


def _numbers(project: Project, rows: NDArray[np.intp]) -> Any:
    """The features that are numbers, of some rows, as they are before anything is learned."""
    X = project.dataset().X
    return (X.numbers if isinstance(X, TextMatrix) else X).take(rows)


def _texts(project: Project, columns: Sequence[str], rows: NDArray[np.intp]) -> tuple[str, ...]:
    """The texts of some rows, several columns as one text."""
    found: list[str] = []
    start = 0
    for texts in project.catalogue.text_batches(columns):
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(texts))]
        found.extend(texts[row - start] for row in here.tolist())
        start += len(texts)
    return tuple(found)


def read_material(
    path: Path,
    label: str,
    *,
    id_column: str | None = None,
    features: Sequence[str] = (),
    text: str | None = None,
    part: str | None = None,
) -> Material:
    """The same of a catalogue in a file, through a project that is gone afterwards.

    Parameters
    ----------
    label : the column of labels
    features : columns of numbers; guessed, with their differences where they are magnitudes, where
        none is named
    part : which HDU or table, where the file holds several

    Raises
    ------
    AlEngineError : the file cannot be read, a column is not there, or too few labels are known
    """
    with tempfile.TemporaryDirectory(prefix="sextant-") as temporary:
        home = Path(temporary)
        folder, _ = import_file(
            home, path, part=part, name="simulation", id_column=id_column, label_column=label
        )
        project = open_project(folder)
        try:
            config = _config(project, features, text)
            if config != project.config:
                project.save_config(config, "")
            material = gather(project, text)
        finally:
            close_project(folder)
    return replace(material, about={"file": path.name, **material.about})


def _config(project: Project, features: Sequence[str], text: str | None) -> ProjectConfig:
    config = project.config
    if len(config.labels) < 2 and config.columns.label:
        # What is called like an unknown label is one here: -1 beside 1.
        counts = label_counts(project.catalogue, config.columns.label, 1000)
        found = sorted(value for value, _ in counts if value is not None)
        if len(found) > 1:
            config = replace(config, labels=make_labels(found), train_labels=())
    if features:
        for name in features:
            project.catalogue.column(name)
            if name == config.columns.label:
                raise SettingsError(
                    f"Column '{name}' is the label, which no model may see.",
                    "Leave it out of the features.",
                )
        config = replace(config, features=Features(base=tuple(features)))
    elif text is None and not config.features.base:
        raise SettingsError(
            "No column of this catalogue looks like a feature.",
            "Name columns of numbers with --features, or one of text with --text.",
        )
    return config
