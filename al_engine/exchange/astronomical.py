"""Reading configurations in the form of AstronomicAL (https://doi.org/10.21105/joss.03635).

Owns which of its settings mean which of ours, and the list of what has no counterpart.  Its models,
strategies and operations are known by the names that stand in its files.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from al_engine.data.labels import Event
from al_engine.errors import ConfigurationError
from al_engine.settings.config import (
    ClassifierSetup,
    Columns,
    Combination,
    Features,
    Label,
    MemberSetup,
    ProjectConfig,
    check,
)
from al_engine.settings.typed import read_as
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

TEST_SET_APART = (
    "test_set_file: the curated test set is a file of its own, test_set.json. Read it on the Test "
    "set page under File, then press Use as test set."
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
        listed.append("layout: panels stand as every project begins; arrange them on each page.")
    if file.optimise_data:
        listed.append("optimise_data: columns always keep the precision of their file.")
    if file.test_set_file:
        listed.append(TEST_SET_APART)
    listed.append(
        "Its draw of the training, validation and test sets: objects are shared out by their ids, "
        "in the same shares."
    )
    if any(theirs.id for theirs in file.classifiers.values()):
        listed.append(
            "Which labels it had taken from the catalogue to begin with: all count as answers."
        )
    return listed
