"""A project's settings: frozen dataclasses, and JSON both ways.

Owns what can be set, what is allowed, and the wording of what is not.  Must not know files,
DuckDB or learners: whether a column exists or a model is known is checked by those who own it.
"""

import functools
import re
import typing
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from al_engine.errors import SettingsError
from al_engine.settings.criteria import Search, check_search
from al_engine.settings.label import ALL_LABELS as ALL_LABELS
from al_engine.settings.label import ALL_LABELS_TITLE, MAX_TOLD_APART, check_labels
from al_engine.settings.label import Label as Label
from al_engine.settings.label import MergedLabel as MergedLabel
from al_engine.settings.quantities import Quantities, check_quantities
from al_engine.settings.target import Target, check_target
from al_engine.settings.typed import plain, read_as

CONFIG_VERSION = 1

OPERATION_SIGNS: dict[str, str] = {"subtract": "-", "add": "+", "multiply": "*", "divide": "/"}
REGISTERED_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MAX_COMBINED = 5
MAX_PATIENCE = 1_000_000
MAX_BATCH = 200  # objects: more would wait too long for a model that learns from them
_DOI = re.compile(r"(?i:(https?://)?(dx\.)?doi\.org/|doi:\s*)?10(\.\d+)+/\S+")
MAX_SEED = 2**31 - 1  # scikit-learn takes no negative ones, and members add theirs to it
# What the pages can show, and the engine can count.
WITHIN: Mapping[str, tuple[int, int]] = {
    "splits.train": (0, 10**12),
    "splits.validation": (0, 10**12),
    "splits.test": (0, 10**12),
    "splits.seed": (0, MAX_SEED),
    "asking.random_every": (0, 10**6),
    "asking.ahead_mb": (0, 10**6),
    "asking.repeat_every": (0, 10**6),
    "people.again_every": (0, 1000),
    "none_below": (0, 1),
    "curation.target": (1, 10**6),
    "columns.image_width_px": (0, 10**5),
}

Counting = Literal["majority", "latest"]
BestBy = Literal["f1", "accuracy"]
Calibration = Literal["none", "sigmoid", "isotonic", "temperature"]
TargetOver = Literal["validation", "audit"]


@dataclass(frozen=True)
class Columns:
    """Which column plays which part; ``id`` None numbers the rows from 0.

    ``texts`` are shown in full, to be read; ``curves`` name FITS files of spectra and light curves,
    in which lines are marked at ``redshift``.
    """

    id: str | None = None
    label: str | None = None
    unknown: tuple[str, ...] = ("-1", "Unknown")
    ra: str | None = None
    dec: str | None = None
    info: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    pixels: tuple[str, ...] = ()
    image_width_px: int = 0
    missing: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    redshift: str | None = None


@dataclass(frozen=True)
class Combination:
    """Combine every ``n`` of the base features, in order, by one operation.

    Those of extensions are known to ``data.operations`` alone, and may take single features.
    """

    operation: str
    n: int = 2


@dataclass(frozen=True)
class Features:
    """What the classifiers see.

    ``base`` are numeric columns; ``texts`` are read as one text, whose words and pairs of words are
    the features.  Combinations are of ``base`` alone.
    """

    base: tuple[str, ...] = ()
    combinations: tuple[Combination, ...] = ()
    scale: bool = True
    texts: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that a feature is made of."""
        return (*self.base, *self.texts)


@dataclass(frozen=True)
class Splits:
    """How objects with a known label are shared out; counts are numbers of objects.

    ``stratified`` keeps each label's share in every set; ``balanced`` takes as many objects of
    each label as of the rarest, and leaves the others out.  ``curated`` makes the curated objects
    the test set; the share drawn for it then validates.
    """

    mode: Literal["shares", "counts"] = "shares"
    train: float = 60.0
    validation: float = 20.0
    test: float = 20.0
    draw: Literal["stratified", "balanced"] = "stratified"
    seed: int = 0
    curated: bool = False


@dataclass(frozen=True)
class Asking:
    """How objects are put before the person.

    ``random_every`` None means: every fifth question where the catalogue's own labels leave
    fewer than 30 validation objects, else never; 0 means never.  ``ahead_mb`` bounds the memory
    (MB, a session and classifier) of what is made before it is asked for; 0 switches that off.
    ``shared`` makes an answer that was given for one classifier count for all.  ``among`` is the
    saved selection that is asked about, "" for the whole pool; random questions are of all of it.
    ``among_key`` tells that selection from another of the same name.
    Every ``repeat_every``-th question is an object that the person labelled before, who is not
    told; 0 means never.
    """

    random_every: int | None = None
    start: Literal["spread", "random"] = "spread"
    ahead_mb: int = 1000
    shared: bool = False
    among: str = ""
    among_key: str = ""
    repeat_every: int = 0


@dataclass(frozen=True)
class Curation:
    """How objects of the curated test set are drawn, and how many there should be.

    ``draw`` is from what ``search`` finds, or by an audit of the whole catalogue.
    """

    search: Search = field(default_factory=Search)
    draw: Literal["criteria", "audit"] = "criteria"
    target: int = 500


@dataclass(frozen=True)
class People:
    """How several people work on one project; where one works alone, names say nothing.

    ``counting`` says which label counts where people differ and nothing was settled: that of more
    people than any other, or the latest.  ``blind`` keeps everybody's answers from the others.
    Every ``again_every``-th question is an object that somebody else labelled; None means every
    tenth, 0 never.
    """

    several: bool = False
    blind: bool = False
    counting: Counting = "majority"
    again_every: int | None = None

    @property
    def is_blind(self) -> bool:
        """Are answers kept from others?  One person alone has none to keep them from."""
        return self.several and self.blind


@dataclass(frozen=True)
class MemberSetup:
    """A model with its query strategy and its hyperparameters."""

    model: str = "random_forest"
    strategy: str = "uncertainty"
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassifierSetup:
    """How one classifier learns; two or more members make a committee.

    The ``n_initial`` objects to begin with are drawn where labels are known: at random with one of
    each side at least, or ``balanced``, as many of each.
    ``best_by`` is the validation score by which one of its rounds is the best; after ``patience``
    rounds without a better one that is said, 0 never.
    ``calibration`` and ``threshold`` are of what is written with its model: they change neither
    what it learns nor what is asked.  What is more probable than the threshold, once calibrated,
    is predicted to have its label.  Over all labels the calibration is a temperature, isotonic or
    none, and the likeliest label is predicted.
    ``target`` is a score that is wanted, ``target_over`` over which objects: validation, or the
    audit sample of the curated test set.
    ``batch_size`` objects are asked about between two fits; ``strategy_params`` are the settings of
    the query strategy in force.
    """

    members: tuple[MemberSetup, ...] = (MemberSetup(),)
    committee_strategy: str = "vote_entropy"
    n_initial: int = 5
    initial_labels: Literal["catalogue", "ask"] = "catalogue"
    initial_draw: Literal["random", "balanced"] = "random"
    best_by: BestBy = "f1"
    patience: int = 0
    calibration: Calibration = "none"
    threshold: float = 0.5
    target: Target | None = None
    target_over: TargetOver = "validation"
    batch_size: int = 1
    strategy_params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProjectConfig:
    """Everything that is set about a project; nothing that was answered in it.

    ``train_labels`` are the labels with a classifier of their own, and ALL_LABELS among them where
    one classifier tells all labels in use apart.
    ``none_below`` is of the combined prediction: where every classifier's calibrated probability
    lies under it, none of their labels is predicted.  None means one half, or 0 where every label
    in use takes part, so that an object can be nothing else.
    """

    version: int = CONFIG_VERSION
    labels: tuple[Label, ...] = ()
    columns: Columns = Columns()
    features: Features = Features()
    splits: Splits = Splits()
    asking: Asking = Asking()
    curation: Curation = Curation()
    quantities: Quantities = field(default_factory=Quantities)
    people: People = People()
    train_labels: tuple[str, ...] = ()
    leave_out_other_labels: bool = False
    leave_out_unknown: bool = False
    x_axis: str = ""
    y_axis: str = ""
    pictures: bool = True
    setups: Mapping[str, ClassifierSetup] = field(default_factory=dict)
    author: str = ""
    doi: str = ""
    none_below: float | None = None

    @property
    def labels_in_use(self) -> tuple[Label, ...]:
        """The labels that an answer may give: all, or those whose objects are not left out."""
        if not self.leave_out_other_labels or self.train_labels == (ALL_LABELS,):
            return self.labels
        return tuple(label for label in self.labels if label.value in self.train_labels)

    @property
    def catalogue_values(self) -> tuple[tuple[str, int], ...]:
        """The label column's values, each with the place of its label; none is merged away."""
        return tuple(
            (each.value, place)
            for place, label in enumerate(self.labels)
            for each in label.with_merged
            if each.in_catalogue
        )

    @property
    def merged_into(self) -> dict[str, str]:
        """The value of the label that each merged one counts as."""
        return {m.value: label.value for label in self.labels for m in label.merged}

    def label_name(self, value: str) -> str:
        """The name of a label, or its value where it has none; also of a classifier."""
        if value == ALL_LABELS:
            return ALL_LABELS_TITLE
        return next((label.name for label in self.labels if label.value == value), value)

    def to_dict(self) -> dict[str, Any]:
        return typing.cast(dict[str, Any], plain(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ProjectConfig":
        """Read a configuration; a bad one costs a SettingsError that names key and value."""
        version = data.get("version", CONFIG_VERSION) if isinstance(data, Mapping) else None
        if isinstance(version, int) and version < 1:
            raise SettingsError(f"The settings have version {version}.", "Versions begin with 1.")
        if isinstance(version, int) and version > CONFIG_VERSION:
            raise SettingsError(
                f"The settings have version {version}; this Sextant reads up to {CONFIG_VERSION}.",
                "Open them with a newer Sextant.",
            )
        config = typing.cast(ProjectConfig, read_as(cls, data, "settings"))
        check(config)
        return config


def read_search(data: Any) -> Search:
    """Read a search alone; a bad one costs a SettingsError that names key and value."""
    return typing.cast(Search, read_as(Search, data, "search"))


def looks_like_a_doi(text: str) -> bool:
    """May it be one?  Whether it is, only who gave it knows.

    >>> looks_like_a_doi("https://doi.org/10.21105/joss.03635"), looks_like_a_doi("not a doi")
    (True, False)
    """
    return bool(_DOI.fullmatch(text.strip()))


def check(config: ProjectConfig) -> None:
    """Raise SettingsError where settings contradict themselves."""
    for combination in config.features.combinations:
        if not REGISTERED_NAME.fullmatch(combination.operation):
            raise SettingsError(
                f"settings.features.combinations: '{combination.operation[:60]}' names no "
                "operation.",
                f"There are {', '.join(OPERATION_SIGNS)}, and those of extensions.",
            )
        fewest = 2 if combination.operation in OPERATION_SIGNS else 1
        if not fewest <= combination.n <= MAX_COMBINED:
            raise SettingsError(
                f"features.combinations: {combination.n} features cannot be combined.",
                f"Combine {fewest} to {MAX_COMBINED}.",
            )
    twice = [name for name, n in Counter(config.features.columns).items() if n > 1]
    if twice:
        raise SettingsError(
            f"settings.features: the column '{twice[0][:60]}' is named twice.",
            "Name it once, as a number or as a text.",
        )
    for path, (least, most) in WITHIN.items():
        number: Any = functools.reduce(getattr, path.split("."), config)
        if number is not None and not least <= number <= most:
            raise SettingsError(f"{path} is {number:g}.", f"Use a number from {least} to {most:,}.")
    splits = config.splits
    if splits.train <= 0:
        raise SettingsError("The training share is 0.", "Leave some objects to train on.")
    if splits.mode == "shares" and splits.train + splits.validation + splits.test > 100.0 + 1e-6:
        total = splits.train + splits.validation + splits.test
        raise SettingsError(f"The shares add up to {total:g}%.", "Make them 100% or less.")
    check_search(config.curation.search)
    check_quantities(config.quantities)
    check_labels(config.labels, config.columns.unknown, config.train_labels)
    n = len(config.labels_in_use)
    if ALL_LABELS in config.train_labels and not 2 <= n <= MAX_TOLD_APART:
        raise SettingsError(
            f"The classifier over all labels has {n or 'no'} label{'' if n == 1 else 's'} to tell "
            "apart.",
            f"It needs 2 to {MAX_TOLD_APART} that are not left out.",
        )
    for value, setup in config.setups.items():
        if not setup.members:
            raise SettingsError(f"The classifier for '{value}' has no model.", "Add one.")
        if setup.n_initial < 1:
            raise SettingsError(
                f"The classifier for '{value}' starts with {setup.n_initial} points.",
                "Use 1 or more.",
            )
        if not 0 <= setup.patience <= MAX_PATIENCE:
            raise SettingsError(
                f"The classifier for '{value}' has patience for {setup.patience} rounds.",
                f"Use 0 for no end of it, or up to {MAX_PATIENCE:,}.",
            )
        if not 0 <= setup.threshold <= 1:
            raise SettingsError(
                f"The classifier for '{value}' has the threshold {setup.threshold:g}.",
                "Use a number from 0 to 1.",
            )
        if setup.calibration == ("sigmoid" if value == ALL_LABELS else "temperature"):
            other = "temperature" if value == ALL_LABELS else "sigmoid"
            raise SettingsError(
                f"The calibration of the classifier for '{value}' is {setup.calibration}.",
                f"Use none, {other} or isotonic.",
            )
        if setup.target is not None:
            check_target(setup.target)
        if not 1 <= setup.batch_size <= MAX_BATCH:
            raise SettingsError(
                f"The classifier for '{value}' asks about {setup.batch_size} objects at a time.",
                f"Use a number from 1 to {MAX_BATCH}.",
            )
