"""Configurations in the form of AstronomicAL (https://doi.org/10.21105/joss.03635), both ways.

Owns which of its settings mean which of ours, and the list of what has no counterpart.  Its models,
strategies and operations are known by the names that stand in its files.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from al_engine.config import (
    ClassifierSetup,
    Columns,
    Combination,
    Features,
    Label,
    MemberSetup,
    ProjectConfig,
    check,
)
from al_engine.data.labels import Event
from al_engine.errors import ConfigurationError
from al_engine.learning.models import check_params
from al_engine.typed import read_as
from al_engine.views.palette import label_colours

UNKNOWN, UNSURE = -1, -1
# A label as its files have them: a whole number, which reads back as the same text.
WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")

# Its models with the settings that it fixes.
MODELS: dict[str, MemberSetup] = {
    "KNN": MemberSetup("knn", params={"n_neighbors": 3}),
    "DTree": MemberSetup("decision_tree"),
    "RForest": MemberSetup("random_forest", params={"n_estimators": 1000}),
    "AdaBoost": MemberSetup("adaboost", params={"n_estimators": 500}),
    "GBTrees": MemberSetup("gradient_boosting", params={"n_estimators": 1000}),
}
STRATEGIES = {
    "Uncertainty Sampling": "uncertainty",
    "Margin Sampling": "margin",
    "Entropy Sampling": "entropy",
}
OPERATIONS = {
    "subtract (a-b)": "subtract",
    "add (a+b)": "add",
    "multiply (a*b)": "multiply",
    "divide (a/b)": "divide",
}
_PANELS = (
    ("Active Learning", 0, 0, 6, 4),
    ("Selected Source Info", 6, 0, 6, 4),
    ("Menu", 0, 4, 3, 3),
    ("Menu", 3, 4, 3, 3),
    ("Menu", 6, 4, 3, 3),
    ("Menu", 9, 4, 3, 3),
)


@dataclass(frozen=True)
class _Classifier:
    """Pairs of model and strategy, and the objects answered about in order; -1 is unsure."""

    classifier: tuple[str, ...]
    query: tuple[str, ...]
    id: tuple[Any, ...] = ()
    y: tuple[int, ...] = ()


@dataclass(frozen=True)
class _File:
    """The keys of a file, under their own names."""

    id_col: str
    label_col: str
    labels: tuple[int, ...]
    labels_to_train: tuple[str, ...]
    features_for_training: tuple[str, ...]
    strings_to_labels: Mapping[str, int] = field(default_factory=dict)
    labels_to_strings: Mapping[str, str] = field(default_factory=dict)
    label_colours: Mapping[str, str] = field(default_factory=dict)
    default_vars: tuple[str, ...] = ()
    extra_info_cols: tuple[str, ...] = ()
    extra_image_cols: tuple[str, ...] = ()
    exclude_labels: bool = False
    exclude_unknown_labels: bool = True
    unclassified_labels: tuple[str, ...] = ()
    scale_data: bool = False
    feature_generation: tuple[Any, ...] = ()
    test_set_file: bool = False
    optimise_data: bool = True
    layout: Mapping[str, Any] = field(default_factory=dict)
    dataset_filepath: str = ""
    Author: str = ""
    doi: str = ""
    classifiers: Mapping[str, _Classifier] = field(default_factory=dict)


@dataclass(frozen=True)
class Translated:
    """A file of theirs in our words."""

    settings: ProjectConfig
    events: tuple[Event, ...]
    source: str
    untranslated: tuple[str, ...]


def is_theirs(found: Mapping[str, Any]) -> bool:
    """Does JSON look like a file of AstronomicAL's?"""
    return {"id_col", "features_for_training"} <= found.keys() and "format" not in found


# -- reading -----------------------------------------------------------------------------------


def read_theirs(found: Mapping[str, Any]) -> Translated:
    """Translate a file; its labels become answers, in its order.

    Raises
    ------
    ConfigurationError, SettingsError : what is wrong, with its key, its value, what is allowed
    """
    known = {f.name for f in dataclasses.fields(_File)}
    strange = [f"'{name}' is no key that is known." for name in found if name not in known]
    file: _File = read_as(_File, {k: v for k, v in found.items() if k in known}, "configuration")
    notes = [*strange]
    settings = ProjectConfig(
        labels=_labels(file),
        columns=Columns(
            id=file.id_col,
            label=file.label_col,
            unknown=(str(UNKNOWN),),
            info=file.extra_info_cols,
            images=file.extra_image_cols,
        ),
        features=Features(file.features_for_training, _combinations(file, notes), file.scale_data),
        train_labels=tuple(_value_of(name, file) for name in file.labels_to_train),
        leave_out_other_labels=file.exclude_labels,
        leave_out_unknown=file.exclude_unknown_labels,
        x_axis=file.default_vars[0] if file.default_vars else "",
        y_axis=file.default_vars[-1] if file.default_vars else "",
        author=file.Author,
        doi=file.doi,
    )
    setups, answers = {}, []
    for value, theirs in file.classifiers.items():
        path = f"configuration.classifiers.{value}"
        if value not in settings.train_labels:
            raise ConfigurationError(
                f"{path} is for a label that has no classifier.",
                f"It must be one of {', '.join(settings.train_labels) or 'labels_to_train'}.",
            )
        setups[value] = _setup(theirs, path, notes)
        answers += _answers(value, theirs, path, file)
    settings = dataclasses.replace(settings, setups=setups)
    check(settings)
    began = Event("settings", "AstronomicAL", payload=settings.to_dict())
    events = tuple(
        dataclasses.replace(event, seq=i)
        for i, event in enumerate([began, *answers] if answers else [], start=1)
    )
    return Translated(settings, events, file.dataset_filepath, (*notes, *_no_counterpart(file)))


def _labels(file: _File) -> tuple[Label, ...]:
    values = [value for value in file.labels if value != UNKNOWN]
    return tuple(
        Label(
            str(value),
            file.labels_to_strings.get(str(value), str(value)),
            file.label_colours.get(str(value), colour),
        )
        for value, colour in zip(values, label_colours(len(values)), strict=True)
    )


def _value_of(name: str, file: _File) -> str:
    """The value of a label that is called by its name, or by its value where none is called so."""
    named = {file.labels_to_strings.get(str(value)): str(value) for value in file.labels}
    if name in named:
        return named[name]
    if name in file.strings_to_labels:
        return str(file.strings_to_labels[name])
    if name in map(str, file.labels):
        return name
    raise ConfigurationError(
        f"configuration.labels_to_train has '{name[:60]}', which is no label's name.",
        f"The names are {', '.join(file.labels_to_strings.values()) or 'not given'}.",
    )


def _combinations(file: _File, notes: list[str]) -> tuple[Combination, ...]:
    made = []
    for i, pair in enumerate(file.feature_generation):
        path = f"configuration.feature_generation[{i}]"
        if not isinstance(pair, list) or len(pair) != 2:
            raise ConfigurationError(
                f"{path} is {str(pair)[:60]}.", 'It must be a pair such as ["subtract (a-b)", 2].'
            )
        operation = read_as(str, pair[0], f"{path}[0]")
        n = read_as(int, pair[1], f"{path}[1]")
        if operation in OPERATIONS:
            made.append(Combination(OPERATIONS[operation], n))
        else:
            notes.append(f"The feature operation '{operation}' is an extension of its own.")
    return tuple(made)


def _setup(theirs: _Classifier, path: str, notes: list[str]) -> ClassifierSetup:
    if len(theirs.classifier) != len(theirs.query):
        raise ConfigurationError(
            f"{path} has {len(theirs.classifier)} models and {len(theirs.query)} strategies.",
            "Each model in 'classifier' goes with one strategy in 'query'.",
        )
    members = []
    for model, query in zip(theirs.classifier, theirs.query, strict=True):
        strategy = STRATEGIES.get(query, "uncertainty")
        if query not in STRATEGIES:
            notes.append(f"The strategy '{query}' is an extension of its own: uncertainty instead.")
        if model in MODELS:
            members.append(dataclasses.replace(MODELS[model], strategy=strategy))
        else:
            notes.append(f"The model '{model}' is an extension of its own, and left out.")
    return ClassifierSetup(tuple(members) or (MemberSetup(),))


def _answers(value: str, theirs: _Classifier, path: str, file: _File) -> list[Event]:
    if len(theirs.id) != len(theirs.y):
        raise ConfigurationError(
            f"{path} has {len(theirs.id)} ids and {len(theirs.y)} labels.",
            "Each id in 'id' goes with one label in 'y'.",
        )
    known = {*file.labels, UNSURE}
    made, seen = [], set()
    for i, (given_id, y) in enumerate(zip(theirs.id, theirs.y, strict=True)):
        object_id = _id_text(given_id, f"{path}.id[{i}]")
        if object_id in seen:
            raise ConfigurationError(f"{path}.id has '{object_id[:60]}' twice.", "Keep one.")
        seen.add(object_id)
        if y not in known:
            raise ConfigurationError(
                f"{path}.y[{i}] is {y}.",
                f"It must be one of {', '.join(map(str, sorted(known)))}; -1 is unsure.",
            )
        answer = Event("unsure", "AstronomicAL", value, object_id=object_id, how="query")
        if y != UNSURE:
            answer = dataclasses.replace(answer, kind="answer", label=str(y))
        made.append(dataclasses.replace(answer, part="train"))
    return made


def _id_text(value: Any, path: str) -> str:
    """An id as text; JSON may hold it as a number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise ConfigurationError(
            f"{path} is {str(value)[:60]!r}.", "An id must be text or a number."
        )
    return str(value)


def _no_counterpart(file: _File) -> list[str]:
    """What such a file says, or means, that has no meaning here."""
    listed = []
    if file.layout:
        listed.append("layout: pages stand where they stand; panels have no places of their own.")
    if file.optimise_data:
        listed.append("optimise_data: columns always keep the precision of their file.")
    if file.test_set_file:
        listed.append("test_set_file: the curated test set is a file of its own, test_set.json.")
    listed.append(
        "Its draw of the training, validation and test sets: objects are shared out by their ids, "
        "in the same shares."
    )
    if any(theirs.id for theirs in file.classifiers.values()):
        listed.append(
            "Which labels it had taken from the catalogue to begin with: all count as answers."
        )
    return listed


# -- writing -----------------------------------------------------------------------------------


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
    ConfigurationError : it cannot say this at all: labels that are no whole numbers, no id column
    """
    columns = settings.columns
    if columns.id is None or columns.label is None:
        missing = "an id column" if columns.id is None else "a label column"
        raise ConfigurationError(
            f"AstronomicAL needs {missing}, and none is set.", "Choose one in the settings."
        )
    for label in settings.labels:
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
    notes = _unsaid(settings)
    names = {label.value: label.name for label in settings.labels}
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
            **{label.value: label.colour for label in settings.labels},
            str(UNKNOWN): "#999999",
        },
        "labels_to_strings": {**names, str(UNKNOWN): "Unknown"},
        "strings_to_labels": {
            "Unknown": UNKNOWN,
            **{name: int(value) for value, name in names.items()},
        },
        "extra_info_cols": list(columns.info),
        "extra_image_cols": list(columns.images),
        "labels_to_train": [names[value] for value in settings.train_labels],
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
            if value in settings.train_labels
        },
    }
    return json.dumps(written, indent=1, allow_nan=False, ensure_ascii=False), tuple(notes)


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
        "Columns that hold pixels": bool(columns.pixels),
        "Values for unknown other than -1": any(value != "-1" for value in columns.unknown),
    }
    return [f"{what}." for what, is_set in unsaid.items() if is_set]
