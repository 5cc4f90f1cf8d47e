"""What a configuration would meet in a project: compared and told before anything changes.

Owns how settings and events of elsewhere are fitted to a project's own catalogue: objects are
found by their ids.  Changes nothing; must not know sessions or files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from al_engine.data.catalogue import Catalogue
from al_engine.data.curated import renumbered
from al_engine.data.features import plottable
from al_engine.data.history import COUNTED, in_effect
from al_engine.data.joined import JoinedTable, is_same
from al_engine.data.labels import Event
from al_engine.data.selections import list_selections
from al_engine.errors import AlEngineError, ConfigurationError, UnknownColumnError
from al_engine.exchange.configuration import Configuration
from al_engine.guesses import guess_axes, guess_position
from al_engine.learning.models import check_params
from al_engine.loop.fitting import learner_spec
from al_engine.loop.saving import versions
from al_engine.projects.project import Project
from al_engine.settings.config import ProjectConfig

Level = Literal["layout", "settings", "labels"]
NAMED = 5  # ids or columns that a sentence names


@dataclass(frozen=True)
class Prospect:
    """What loading would meet, told before anything changes.

    ``differs`` says in what the data are not those of the configuration, ``versions`` which
    packages are of another version; ``disputed`` are ids with one label for one classifier and
    another for the next; ``refused`` maps a level to why it cannot be loaded; ``gone`` are columns
    that only former settings needed, which are replayed without them.
    """

    differs: tuple[str, ...]
    versions: tuple[str, ...]
    disputed: tuple[str, ...]
    refused: Mapping[Level, AlEngineError]
    gone: tuple[str, ...] = ()


def look(project: Project, configuration: Configuration) -> Prospect:
    """Compare a configuration with a project's data; nothing is changed."""
    catalogue, data = project.catalogue, configuration.data
    differs = _differing_shape(catalogue, configuration)
    is_same = data.fingerprint == catalogue.fingerprint
    if data.fingerprint and not is_same and not differs:
        differs.append(
            "Rows and columns are as many and named alike, but their values or order differ."
        )
    refused: dict[Level, AlEngineError] = {}
    gone: tuple[str, ...] = ()
    try:
        settings = fitting_settings(project, configuration, configuration.settings)
    except AlEngineError as error:
        refused["settings"] = refused["labels"] = error
    else:
        unshown = _columns_shown(configuration.settings) - _columns_shown(settings)
        unshown -= set(catalogue.names())
        if unshown:
            differs.append(f"Not shown, for there are no such columns: {named(sorted(unshown))}.")
        differs += _absent_selections(project, configuration)
        try:
            _, absent = events_here(project, configuration)
        except AlEngineError as error:
            refused["labels"] = error
        else:
            if absent:
                n = f"{len(absent):,} object{'s' * (len(absent) != 1)}"
                differs.append(f"Not here, and left out with their answers: {n} ({named(absent)}).")
            gone = _gone(catalogue, configuration)
    here = versions()
    others = tuple(
        f"{name} {there}, here {here[name]}"
        for name, there in configuration.versions.items()
        if name in here and here[name] != there
    )
    return Prospect(tuple(differs), others, _disputed(configuration.events), refused, gone)


def _disputed(events: Sequence[Event]) -> tuple[str, ...]:
    labels: dict[str, dict[str | None, str]] = {}
    for event in in_effect(events):
        if event.object_id is not None and event.label is not None:
            labels.setdefault(event.object_id, {})[event.classifier] = event.label
    return tuple(text for text, given in labels.items() if len(set(given.values())) > 1)


def _differing_shape(catalogue: Catalogue, configuration: Configuration) -> list[str]:
    """In what rows and columns differ."""
    data, differs = configuration.data, []
    if data.n_rows not in (None, catalogue.n_rows):
        before = f"{data.n_rows:,} when the configuration was saved"
        differs.append(f"It has {catalogue.n_rows:,} rows; {before}.")
    absent = absent_tables(catalogue, configuration)
    differs += [
        f"The table '{table.name}' ({table.source or 'a file'}), joined {table.how}, is "
        + ("another here." if table.name in {t.name for t in catalogue.joined} else "not joined.")
        for table in absent
    ]
    if not data.columns:
        return differs
    told = {name for table in absent for name in table.columns}
    there = {column.name: column.kind for column in data.columns if column.name not in told}
    here = {column.name: column.kind for column in catalogue.columns if column.name not in told}
    if gone := [name for name in there if name not in here]:
        differs.append(f"Columns that are no longer there: {named(gone)}.")
    if new := [name for name in here if name not in there]:
        differs.append(f"Columns that are new: {named(new)}.")
    for name in here.keys() & there.keys():
        if here[name] != there[name]:
            differs.append(f"Column '{name}' holds {here[name]}; it held {there[name]}.")
    return differs


def _absent_selections(project: Project, configuration: Configuration) -> list[str]:
    """Saved selections that there were, and which of them was asked about; none is in the file."""
    here = {saved.name for saved in list_selections(project.folder)}
    among = configuration.settings.asking.among
    there = dict.fromkeys([*configuration.data.selections, *([among] if among else [])])
    gone = [name for name in there if name not in here]
    said = []
    if gone:
        said.append(
            f"Selections that are not here: {named(gone)}. A configuration holds no selections; "
            "the whole project does."
        )
    if among in gone:
        said.append(f"Only '{among}' was asked about; here the whole pool is.")
    return said


def absent_tables(catalogue: Catalogue, configuration: Configuration) -> list[JoinedTable]:
    """The tables that were joined where a configuration was saved, and are not here."""
    here, there = catalogue.joined, configuration.data.joined
    return [table for table in there if not any(is_same(table, each) for each in here)]


def named(listed: Sequence[str]) -> str:
    """Some names in a sentence, and how many more there are.

    >>> named(["a", "b"]), named(list("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = len(listed) - NAMED
    return ", ".join(listed[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def most_trees(settings: ProjectConfig) -> int:
    """How many trees the largest model of some settings has, which says how long a round takes."""
    members = [member for setup in settings.setups.values() for member in setup.members]
    given = [check_params(member.model, member.params) for member in members]
    return max([int(params.get("n_estimators", 0)) for params in given], default=0)


def fitting_settings(
    project: Project, configuration: Configuration, settings: ProjectConfig
) -> ProjectConfig:
    """Settings as this catalogue can have them: without columns for show that it has not.

    Raises
    ------
    UnknownColumnError, UnsuitableColumnError : a column that is needed is not there, or unfit
    SettingsError : a model or strategy that is not known here
    """
    catalogue, columns = project.catalogue, settings.columns
    for name in _needed(settings):
        for table in absent_tables(catalogue, configuration):
            if name in table.columns and name not in catalogue.names():
                raise UnknownColumnError(
                    f"Column '{name}' came with the table '{table.name}' "
                    f"({table.source or 'a file'}), joined {table.how}.",
                    "Join that table in Settings, step 1, then load the configuration.",
                )
        catalogue.column(name)
    for name in settings.features.base:
        catalogue.number_sql(name, columns.missing)
    catalogue.whole_text_sql(settings.features.texts)
    if columns.id is not None:
        catalogue.check_id(columns.id)
    for setup in settings.setups.values():
        learner_spec(setup, settings.splits.seed)
    known = set(catalogue.names())
    ra, dec = columns.ra, columns.dec
    if configuration.origin == "AstronomicAL":
        ra, dec = guess_position(catalogue)
    if ra not in known or dec not in known:
        ra = dec = None
    columns = replace(
        columns,
        ra=ra,
        dec=dec,
        info=tuple(name for name in columns.info if name in known),
        images=tuple(name for name in columns.images if name in known),
        texts=tuple(name for name in columns.texts if name in known),
        curves=tuple(name for name in columns.curves if name in known),
        redshift=columns.redshift if columns.redshift in known else None,
        pixels=columns.pixels if known.issuperset(columns.pixels) else (),
        missing={name: values for name, values in columns.missing.items() if name in known},
    )
    drawable = set(plottable(settings.features))
    drawable |= set(catalogue.names(numeric=True))
    x_axis, y_axis = settings.x_axis, settings.y_axis
    if (x_axis or y_axis) and not {x_axis, y_axis} <= drawable:
        x_axis, y_axis = guess_axes(settings.features, bool(settings.features.combinations))
    asking = settings.asking
    there = {(saved.name, saved.key) for saved in list_selections(project.folder)}
    if (asking.among, asking.among_key) not in there:
        asking = replace(asking, among="", among_key="")
    return replace(settings, columns=columns, asking=asking, x_axis=x_axis, y_axis=y_axis)


def _columns_shown(settings: ProjectConfig) -> set[str]:
    columns = settings.columns
    named = {columns.ra, columns.dec, columns.redshift, settings.x_axis, settings.y_axis}
    shown = (*columns.info, *columns.images, *columns.texts, *columns.curves, *columns.pixels)
    return {name for name in (*named, *shown) if name}


def events_here(
    project: Project, configuration: Configuration
) -> tuple[list[Event], tuple[str, ...]]:
    """The events on the rows of this catalogue, numbered from 1, and the ids that it has not.

    What happened to an object that is not there is left out.

    Raises
    ------
    ConfigurationError : there are no answers in it, or none that can be tied to these objects
    """
    if not any(event.kind != "settings" for event in configuration.events):
        raise ConfigurationError(
            "The configuration holds no labels.",
            "It was saved without them." if configuration.is_private else "Load its settings.",
        )
    refuse_begun(project)
    id_column = configuration.settings.columns.id
    if id_column is None and configuration.data.fingerprint != project.catalogue.fingerprint:
        raise ConfigurationError(
            "Objects are told apart by row alone, and the data are not the same.",
            "Import the file that the configuration was made on.",
        )
    ids = list(dict.fromkeys(e.object_id for e in configuration.events if e.object_id is not None))
    rows = project.catalogue.find_rows(id_column, ids)
    if ids and not rows:
        raise ConfigurationError(
            f"None of the {len(ids):,} objects with answers is in this catalogue: {named(ids)}.",
            "Choose the catalogue that the configuration was made on.",
        )
    numbers: dict[int, int] = {}
    events = []
    is_set = False
    for event in configuration.events:
        is_gone = event.object_id is not None and event.object_id not in rows
        if is_gone or (event.undoes is not None and event.undoes not in numbers):
            continue
        if event.kind == "settings":
            was = ProjectConfig.from_dict(event.payload or {})
            former = _without_gone(project.catalogue, configuration, was)
            event = _settings_event(project, configuration, former, event)
            is_set = True
        elif not is_set:
            now = configuration.settings
            events.append(_settings_event(project, configuration, now, Event("settings", seq=1)))
            is_set = True
        numbers[event.seq] = len(events) + 1
        row = None if event.object_id is None else rows[event.object_id]
        event = replace(renumbered(event, numbers.get), seq=len(events) + 1, row_number=row)
        events.append(event)
    # Settings that were edited by hand are in force in the end.
    last = [event for event in events if event.kind == "settings"][-1]
    closing = _settings_event(project, configuration, configuration.settings, Event("settings"))
    if closing.payload != last.payload:
        events.append(replace(closing, seq=len(events) + 1))
    return events, tuple(text for text in ids if text not in rows)


def _settings_event(
    project: Project, configuration: Configuration, settings: ProjectConfig, event: Event
) -> Event:
    fitting = fitting_settings(project, configuration, settings)
    return replace(event, payload=fitting.to_dict())


def _without_gone(
    catalogue: Catalogue, configuration: Configuration, former: ProjectConfig
) -> ProjectConfig:
    """Former settings without the columns that are gone; those in force last are held to theirs.

    A table may have been joined, used, and taken away again.  Where no feature is left, those of
    the last settings stand for them.
    """
    known, numeric = set(catalogue.names()), set(catalogue.names(numeric=True))
    columns, features = former.columns, former.features
    base = tuple(name for name in features.base if name in numeric)
    texts = tuple(name for name in features.texts if name in known)
    if (base, texts) != (features.base, features.texts):
        made = tuple(each for each in features.combinations if each.n <= len(base))
        features = replace(features, base=base, combinations=made, texts=texts)
        features = features if features.columns else configuration.settings.features
    columns = replace(
        columns,
        id=columns.id if columns.id in known else None,
        label=columns.label if columns.label in known else None,
    )
    return replace(former, columns=columns, features=features)


def _gone(catalogue: Catalogue, configuration: Configuration) -> tuple[str, ...]:
    """The columns that former settings needed, and that are not here."""
    gone: dict[str, None] = {}
    for event in configuration.events:
        if event.kind == "settings":
            was = ProjectConfig.from_dict(event.payload or {})
            left = _without_gone(catalogue, configuration, was)
            gone |= dict.fromkeys(n for n in _needed(was) if n not in _needed(left))
    return tuple(gone)


def _needed(settings: ProjectConfig) -> list[str]:
    """The columns without which settings would be others."""
    columns = settings.columns
    return [name for name in (columns.id, columns.label, *settings.features.columns) if name]


def refuse_begun(project: Project) -> None:
    """Raise where a project has answers: what happened elsewhere cannot come after them."""
    if any(event.kind in COUNTED for event in project.log.events()):
        raise ConfigurationError(
            f"'{project.name}' has answers of its own already.",
            "Import the catalogue once more, and load the labels there.",
        )
