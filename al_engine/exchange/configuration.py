"""A configuration: one JSON file with everything that makes a project but its catalogue.

Owns the file's form, both ways, and the words for one that was edited wrongly.  What is read is
data: nothing in it is run.  Must not know projects; ids, and never row numbers, stand for objects.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Literal

from al_engine.data.curated import curated_fault
from al_engine.data.history import COUNTED, act_fault, count_answers
from al_engine.data.joined import JoinedTable
from al_engine.data.labels import CURATED, SUREST, Event
from al_engine.data.notes import note_fault
from al_engine.errors import ConfigurationError, SettingsError
from al_engine.exchange import astronomical
from al_engine.exchange.strict_json import read_json
from al_engine.settings.config import ALL_LABELS, ProjectConfig, TargetOver
from al_engine.settings.criteria import Search
from al_engine.settings.panels import DEFAULTS, Arrangement
from al_engine.settings.panels import sound as sound_panels
from al_engine.settings.sky import Sky
from al_engine.settings.sky import sound as sound_sky
from al_engine.settings.target import Target
from al_engine.settings.typed import read_as

FORMAT, VERSION = "Sextant configuration", 1
MAX_ROUNDS = 2**31  # more cannot be kept
_CITED = ("author", "doi")  # settings that stand at the head of the file


@dataclass(frozen=True)
class DataColumn:
    """A column of the catalogue, by name and kind."""

    name: str
    kind: str


@dataclass(frozen=True)
class Data:
    """The catalogue a configuration was made on, as far as it can be told apart from another.

    ``source`` is the name of its file; ``n_rows`` None and ``fingerprint`` "" are not known.
    ``joined`` are further tables whose columns joined it, ``selections`` the names of those saved:
    what there was, not what it held.
    """

    source: str = ""
    n_rows: int | None = None
    fingerprint: str = ""
    columns: tuple[DataColumn, ...] = ()
    joined: tuple[JoinedTable, ...] = ()
    selections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reached:
    """A target that was said to be reached, and with how many labels that was."""

    target: Target
    over: TargetOver
    n_labelled: int


@dataclass(frozen=True)
class Layout:
    """How a project is looked at: its colours, the marks on maps, panels by page, the sky.

    ``reached`` are the targets that were said to be reached, by classifier.
    Nothing of it is a setting: no round, label or score depends on it.
    """

    colours: Literal["blue_orange", "red_green"] = "blue_orange"
    marks: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    panels: Mapping[str, Arrangement] = field(default_factory=dict)
    sky: Sky = field(default_factory=Sky)
    reached: Mapping[str, Reached] = field(default_factory=dict)


def sound_layout(layout: Layout) -> Layout:
    """The same within what pages can show: a file may hold anything."""
    known = {name: panels for name, panels in layout.panels.items() if name in DEFAULTS}
    return replace(
        layout,
        panels={name: sound_panels(panels) for name, panels in known.items()},
        sky=sound_sky(layout.sky),
    )


@dataclass(frozen=True)
class PastRound:
    """A round of a classifier as it was; ``scores`` None where it was not scored."""

    classifier: str
    number: int
    n_labelled: int
    scores: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Next:
    """What a classifier was about to ask, how that came up, and whom, where several answer."""

    object_id: str
    how: str
    who: str = ""


@dataclass(frozen=True)
class Configuration:
    """A project without its catalogue.

    ``settings`` are those in force, ``events`` all there were, in order; the row numbers of those
    mean nothing.  ``is_private`` says that ids, labels and notes were left out.
    ``untranslated`` lists what another program's file said that means nothing here.
    """

    settings: ProjectConfig = field(default_factory=ProjectConfig)
    data: Data = Data()
    layout: Layout = Layout()
    events: tuple[Event, ...] = ()
    rounds: tuple[PastRound, ...] = ()
    next: Mapping[str, Next] = field(default_factory=dict)
    is_private: bool = False
    origin: Literal["Sextant", "AstronomicAL"] = "Sextant"
    saved_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    untranslated: tuple[str, ...] = ()

    @property
    def n_answers(self) -> int:
        """How many labels people gave that stand."""
        return count_answers(self.events)


# -- writing -----------------------------------------------------------------------------------


def write_configuration(configuration: Configuration) -> str:
    """The file's text: an event a line, so that two files can be compared line by line."""
    plain = asdict(replace(configuration, settings=ProjectConfig(), events=()))
    settings = configuration.settings.to_dict()
    head = {"format": FORMAT, "version": VERSION}
    head |= {name: settings.pop(name) for name in _CITED}
    written = {**head, **plain, "settings": settings, "events": _plain_events(configuration.events)}
    return "{\n" + ",\n".join(f"{_text(k)}: {_spread(v)}" for k, v in written.items()) + "\n}\n"


def private(configuration: Configuration) -> Configuration:
    """The same without ids, labels and notes: what may be shown where the data may not."""
    # What was searched may name an object too.
    settings = configuration.settings
    settings = replace(settings, curation=replace(settings.curation, search=Search()))
    settings = replace(settings, asking=replace(settings.asking, among=""))
    data = replace(configuration.data, selections=())
    return replace(
        configuration, settings=settings, data=data, events=(), rounds=(), next={}, is_private=True
    )


def _plain_events(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Every field that says something, whatever fields there come to be, but the row number."""
    listed = []
    for event in events:
        found = {f.name: getattr(event, f.name) for f in fields(event) if f.name != "row_number"}
        happened_at = found.pop("happened_at")
        if happened_at > datetime.min:
            found["happened_at"] = happened_at.isoformat()
        said = {name: value for name, value in found.items() if value is not None}
        listed.append({"seq": said.pop("seq"), **said})
    return listed


def _spread(value: Any) -> str:
    """Lists and objects with each item on a line of its own, and no further."""
    if isinstance(value, Mapping) and value:
        return "{\n" + ",\n".join(f" {_text(k)}: {_text(v)}" for k, v in value.items()) + "\n}"
    if isinstance(value, list | tuple) and value:
        return "[\n" + ",\n".join(f" {_text(item)}" for item in value) + "\n]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


# -- reading -----------------------------------------------------------------------------------


def read_configuration(data: bytes) -> Configuration:
    """Read a configuration of Sextant's or of AstronomicAL's.

    Raises
    ------
    ConfigurationError, SettingsError : what is wrong, with its key, its value, what is allowed
    """
    found = read_json(data)
    if isinstance(found, Mapping) and astronomical.is_theirs(found):
        theirs = astronomical.read_theirs(found)
        return Configuration(
            theirs.settings,
            Data(source=_file_name(theirs.source)),
            events=theirs.events,
            origin="AstronomicAL",
            untranslated=theirs.untranslated,
        )
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        raise ConfigurationError(
            "The file is neither a configuration of Sextant's nor of AstronomicAL's.",
            f'Sextant\'s says "format": "{FORMAT}".',
        )
    version = read_as(int, found.get("version"), "version")
    if not 1 <= version <= VERSION:
        raise ConfigurationError(
            f"The configuration has version {version}; this Sextant reads 1 to {VERSION}.",
            "Open it with a newer Sextant.",
        )
    settings = found.get("settings", {})
    if isinstance(settings, Mapping):
        settings = {**settings, **{name: found[name] for name in _CITED if name in found}}
    rest = {k: v for k, v in found.items() if k not in ("format", "version", "settings", *_CITED)}
    configuration: Configuration = replace(
        read_as(Configuration, rest, "configuration"), settings=ProjectConfig.from_dict(settings)
    )
    _check_events(configuration)
    return replace(
        configuration,
        data=_without_folders(configuration.data),
        layout=sound_layout(configuration.layout),
    )


def _without_folders(data: Data) -> Data:
    joined = tuple(replace(table, source=_file_name(table.source)) for table in data.joined)
    return replace(data, source=_file_name(data.source), joined=joined)


def _file_name(path: str) -> str:
    """The last part of a path: where a file lay on another computer says nothing here."""
    return PurePosixPath(path.replace("\\", "/")).name[:200]


def _check_events(configuration: Configuration) -> None:
    """Raise where events do not follow from each other, or give labels that there never were."""
    labels = _values_of(configuration.settings)
    seen: dict[int, Event] = {}
    last = 0
    for i, event in enumerate(configuration.events):
        key = f"events[{i}]"
        if event.seq <= last:
            raise ConfigurationError(
                f"{key}.seq is {event.seq} after {last}.", "Events are numbered upwards from 1."
            )
        last = event.seq
        if event.kind == "settings":
            labels |= _labels_of(event, key)
        elif event.label is not None and event.label not in labels:
            raise ConfigurationError(
                f"{key}.label is '{event.label[:60]}'.",
                f"It must be one of {', '.join(sorted(labels)) or 'the labels of the settings'}.",
            )
        if event.kind in ("given", "answer", "settled", "confirmed") and event.label is None:
            raise ConfigurationError(f"{key}.label is missing.", "An answer has a label.")
        if event.kind in (*COUNTED, "confirmed") and not event.object_id:
            raise ConfigurationError(f"{key}.object_id is missing.", "An answer has an object.")
        if event.confidence is not None and not 1 <= event.confidence <= SUREST:
            raise ConfigurationError(
                f"{key}.confidence is {event.confidence}.", f"It must be from 1 to {SUREST}."
            )
        if not 0 <= (event.round_number or 0) < MAX_ROUNDS:
            raise ConfigurationError(
                f"{key}.round_number is {event.round_number}.", "It counts rounds from 0."
            )
        _check_whose(event, key, labels)
        if event.kind == "note" and not event.object_id:
            raise ConfigurationError(f"{key}.object_id is missing.", "A note is about an object.")
        undone = seen.get(event.undoes) if event.undoes is not None else None
        if event.kind == "undo" and (undone is None or _of(undone) != _of(event)):
            raise ConfigurationError(
                f"{key}.undoes is {event.undoes}.",
                "It must be the seq of an earlier event of the same classifier.",
            )
        seen[event.seq] = event


def _of(event: Event) -> tuple[str | None, bool]:
    """What an event is about: a classifier, or the curated test set."""
    return event.classifier, event.part == CURATED


def _check_whose(event: Event, key: str, labels: Collection[str]) -> None:
    """Raise where an event is of no classifier that there was, nor rightly of the test set."""
    is_of_one = event.part != CURATED and event.kind != "note"
    fault_of = act_fault if is_of_one else note_fault if event.kind == "note" else curated_fault
    if (fault := fault_of(event)) is not None:
        field_, rule = fault
        value = _text(getattr(event, field_))
        raise ConfigurationError(
            f"{key}.{field_} is {value[:60]}.", f"{rule[:1].upper()}{rule[1:]}."
        )
    is_told = event.kind in (*COUNTED, "confirmed")
    if is_of_one and is_told and event.classifier not in {*labels, ALL_LABELS}:
        raise ConfigurationError(
            f"{key}.classifier is {_text(event.classifier)[:60]}.",
            f"It must be one of {', '.join(sorted(labels)) or 'the labels of the settings'}.",
        )


def _labels_of(event: Event, key: str) -> set[str]:
    try:
        settings = ProjectConfig.from_dict(event.payload or {})
    except SettingsError as error:
        raise SettingsError(f"{key}.payload: {error.message}", error.hint) from error
    return _values_of(settings)


def _values_of(settings: ProjectConfig) -> set[str]:
    """Every label that an event may give: an answer keeps its own when labels are merged."""
    return {value for label in settings.labels for value in label.values}
