"""Writing configurations in the form of AstronomicAL, as ``astronomical`` reads them.

Owns what is said in that form, and the list of what cannot be.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from al_engine.errors import ConfigurationError
from al_engine.exchange.astronomical import (
    MODELS,
    OPERATIONS,
    STRATEGIES,
    UNKNOWN,
    UNSURE,
    WHOLE_NUMBER,
)
from al_engine.learning.models import check_params
from al_engine.settings.config import (
    ALL_LABELS,
    ClassifierSetup,
    Label,
    MergedLabel,
    ProjectConfig,
)

_PANELS = (
    ("Active Learning", 0, 0, 6, 4),
    ("Selected Source Info", 6, 0, 6, 4),
    ("Menu", 0, 4, 3, 3),
    ("Menu", 3, 4, 3, 3),
    ("Menu", 6, 4, 3, 3),
    ("Menu", 9, 4, 3, 3),
)


def check_theirs(settings: ProjectConfig) -> None:
    """Raise ConfigurationError where that form cannot say settings at all.

    Its labels are whole numbers, and its objects have ids.
    """
    columns = settings.columns
    if columns.id is None or columns.label is None:
        missing = "an id column" if columns.id is None else "a label column"
        raise ConfigurationError(
            f"AstronomicAL needs {missing}, and none is set.", "Choose one in the settings."
        )
    for label in _unmerged(settings):
        if label.value == str(UNKNOWN):
            raise ConfigurationError(
                f"AstronomicAL takes {UNKNOWN} for unknown and unsure; here it is a label.",
                "Give the catalogue's objects of that label another number.",
            )
        if not WHOLE_NUMBER.fullmatch(label.value):
            raise ConfigurationError(
                f"AstronomicAL knows only whole numbers as labels; '{label.value}' is none.",
                "Give the catalogue a column of numbered labels.",
            )


def write_theirs(
    settings: ProjectConfig,
    answers: Mapping[str, Sequence[tuple[str | int, str | None]]],
    source: str,
) -> tuple[str, tuple[str, ...]]:
    """A configuration in AstronomicAL's form, and a list of what has no counterpart in it.

    Parameters
    ----------
    answers : for each classifier the ids that train or are unsure (None), in order

    Raises
    ------
    ConfigurationError : as :func:`check_theirs`
    """
    check_theirs(settings)
    columns, labels = settings.columns, _unmerged(settings)
    notes = _unsaid(settings)
    names = {label.value: label.name for label in labels}
    written = {
        "Author": settings.author,
        "doi": settings.doi,
        "dataset_filepath": f"data/{source}",
        "optimise_data": False,
        "layout": {
            str(i): {"x": x, "y": y, "w": w, "h": h, "contents": contents}
            for i, (contents, x, y, w, h) in enumerate(_PANELS)
        },
        "id_col": columns.id,
        "label_col": columns.label,
        "default_vars": [settings.x_axis, settings.y_axis],
        "labels": [int(value) for value in names],
        "label_colours": {
            **{label.value: label.colour for label in labels},
            str(UNKNOWN): "#999999",
        },
        "labels_to_strings": {**names, str(UNKNOWN): "Unknown"},
        "strings_to_labels": {
            "Unknown": UNKNOWN,
            **{name: int(value) for value, name in names.items()},
        },
        "extra_info_cols": list(columns.info),
        "extra_image_cols": list(columns.images),
        "labels_to_train": [names[value] for value in settings.train_labels if value in names],
        "features_for_training": list(settings.features.base),
        "exclude_labels": settings.leave_out_other_labels,
        "exclude_unknown_labels": settings.leave_out_unknown,
        "unclassified_labels": [
            name for value, name in names.items() if value not in settings.train_labels
        ],
        "scale_data": settings.features.scale,
        "feature_generation": [
            [theirs, made.n]
            for made in settings.features.combinations
            for theirs, ours in OPERATIONS.items()
            if ours == made.operation
        ],
        "test_set_file": False,
        "classifiers": {
            value: _their_classifier(names[value], setup, answers.get(value, ()), notes)
            for value, setup in settings.setups.items()
            if value in settings.train_labels and value in names
        },
    }
    return json.dumps(written, indent=1, allow_nan=False, ensure_ascii=False), tuple(notes)


def _unmerged(settings: ProjectConfig) -> list[Label | MergedLabel]:
    """All labels, merged ones too, for in that form each value has a name of its own."""
    listed: list[Label | MergedLabel] = list(settings.labels)
    taken = {label.name for label in settings.labels}
    for merged in (each for label in settings.labels for each in label.merged):
        name = merged.name if merged.name not in taken else f"{merged.name} ({merged.value})"
        taken.add(name)
        listed.append(replace(merged, name=name))
    return listed


def _their_classifier(
    name: str,
    setup: ClassifierSetup,
    answers: Sequence[tuple[str | int, str | None]],
    notes: list[str],
) -> dict[str, Any]:
    models, queries = [], []
    for member in setup.members:
        model = next((key for key, ours in MODELS.items() if ours.model == member.model), None)
        query = next((key for key, ours in STRATEGIES.items() if ours == member.strategy), None)
        if model is None:
            notes.append(f"{name}: the model '{member.model}' becomes RForest.")
        elif check_params(member.model, member.params) != check_params(
            member.model, MODELS[model].params
        ):
            notes.append(f"{name}: {model} has fixed settings there, others than here.")
        if query is None:
            notes.append(f"{name}: the strategy '{member.strategy}' becomes Uncertainty Sampling.")
        models.append(model or "RForest")
        queries.append(query or "Uncertainty Sampling")
    if setup.batch_size > 1:
        notes.append(f"{name}: it asks about {setup.batch_size} objects at a time, and one there.")
    return {
        "classifier": models,
        "query": queries,
        "id": [object_id for object_id, _ in answers],
        "y": [UNSURE if label is None else int(label) for _, label in answers],
    }


def _unsaid(settings: ProjectConfig) -> list[str]:
    """Settings that are not at their defaults and cannot be said in that form."""
    default, columns = ProjectConfig(), settings.columns
    unsaid = {
        "The shares and the draw of the sets": settings.splits != default.splits,
        "How objects are put before you": settings.asking != default.asking,
        "Values read as missing": bool(columns.missing),
        "The columns of the position": bool(columns.ra or columns.dec),
        "Texts among the features": bool(settings.features.texts),
        "Columns that hold pixels": bool(columns.pixels),
        "The classifier over all labels, with its answers": ALL_LABELS in settings.train_labels,
        "Definitions of labels": any(label.definition for label in settings.labels),
        "Merged labels, which are labels of their own there": bool(settings.merged_into),
        "Values for unknown other than -1": any(value != "-1" for value in columns.unknown),
    }
    return [f"{what}." for what, is_set in unsaid.items() if is_set]
