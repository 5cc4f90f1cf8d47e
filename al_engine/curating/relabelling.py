"""The labels themselves: added, renamed, recoloured, defined and merged, and each of that undone.

Owns what every change makes of the settings, and the way back.  A change is an event of the log;
values in the catalogue and answers stay as they are, and are read by what their labels are by now.
Must not know pages.
"""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

from al_engine.data.labels import Event
from al_engine.data.people import events_shown_to, labels_given
from al_engine.errors import ContractError, SettingsError
from al_engine.exchange.astronomical import UNKNOWN, WHOLE_NUMBER
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.session import LabellingSession
from al_engine.settings.config import Label, MergedLabel, ProjectConfig
from al_engine.views.palette import label_colours

CHANGED = "labels"  # the ``how`` of settings that were changed here

_MERGED_FIELDS = [field.name for field in fields(MergedLabel)]


@dataclass(frozen=True)
class Change:
    """A change of the labels that can be taken back: its event, and what it did in a few words."""

    seq: int
    said: str


@dataclass(frozen=True)
class Use:
    """How much a label is used: objects of the catalogue, and objects with such an answer."""

    n_catalogue: int
    n_answers: int


# -- what changes ------------------------------------------------------------------------------


def add_label(session: LabellingSession, name: str, colour: str = "", definition: str = "") -> None:
    """Add a label that answers may give from now on.

    Raises
    ------
    SettingsError : the name is empty or taken, or the definition is no short line
    """
    config, name = session.config, name.strip()
    _refuse_name(config, name)
    taken = {value for label in config.labels for value in label.values}
    taken |= set(config.columns.unknown)
    value = _new_value(taken, name)
    column = session.project.config.columns.label
    found = column is not None and bool(
        (session.project.catalogue.label_codes(column, [value]) >= 0).any()
    )
    colour = colour or next_colour(config)
    label = Label(value, name, colour, definition.strip(), in_catalogue=found)
    labels = (*config.labels, label)
    session.change_settings(replace(config, labels=labels), made_from=config, how=CHANGED)


def edit_label(
    session: LabellingSession, value: str, *, name: str, colour: str, definition: str
) -> None:
    """Rename, recolour and define a label; models and rounds stay as they are.

    Raises
    ------
    SettingsError : no such label, or the name is empty or taken
    """
    config = session.config
    held, name = _label(config, value), name.strip()
    if name != held.name:
        _refuse_name(config, name)
    edited = replace(held, name=name, colour=colour, definition=definition.strip())
    if edited != held:
        labels = tuple(edited if label.value == value else label for label in config.labels)
        session.change_settings(replace(config, labels=labels), made_from=config, how=CHANGED)


def merge_labels(session: LabellingSession, value: str, into: str) -> None:
    """Make one label count as another: its objects, its answers and its classifier with them.

    The classifier of the other goes on, with the answers of both; where it has none, that of the
    merged label goes on under its name.

    Raises
    ------
    SettingsError : no such labels, one and the same, or no others are left
    """
    config = session.config
    session.change_settings(merged(config, value, into), made_from=config, how=CHANGED)


def begin_merge(session: LabellingSession, value: str, into: str) -> Job[None]:
    """Begin ``merge_labels``; cancelled while it trains, nothing was merged."""
    edited = merged(session.config, value, into)

    def work(progress: Progress, cancelled: Cancelled) -> None:
        _make_before(session, edited, progress, cancelled)
        merge_labels(session, value, into)

    return Job(work)


def merged(config: ProjectConfig, value: str, into: str) -> ProjectConfig:
    """The settings in which one label counts as another."""
    gone, kept = _label(config, value), _label(config, into)
    if value == into:
        raise SettingsError(f"{gone.name} cannot be merged into itself.", "Choose another label.")
    if len(config.labels) < 3:
        raise SettingsError(
            f"{gone.name} and {kept.name} are the only labels: merged, there is one.",
            "Add another label first.",
        )
    as_it_was = MergedLabel(**{name: getattr(gone, name) for name in _MERGED_FIELDS})
    kept = replace(kept, merged=(*kept.merged, as_it_was, *gone.merged))
    labels = tuple(
        kept if label.value == into else label for label in config.labels if label.value != value
    )
    train = config.train_labels
    if into in train:
        train = tuple(each for each in train if each != value)
    else:
        train = tuple(into if each == value else each for each in train)
    setups = dict(config.setups)
    if value in setups:
        goes_on = setups.pop(value)
        setups.setdefault(into, goes_on)
    return replace(config, labels=labels, train_labels=train, setups=setups)


def _make_before(
    session: LabellingSession, edited: ProjectConfig, progress: Progress, cancelled: Cancelled
) -> None:
    """Make what settings lead to before they are in force: then they are so at once.

    Raises
    ------
    WorkCancelled : ``cancelled`` said so, and everything is as it was
    """
    started = [c for c in edited.setups if c in edited.train_labels]
    progress(0, 1 + len(started))
    session.project.prepare(edited)
    for i, classifier in enumerate(started):
        progress(1 + i, 1 + len(started))
        # What cannot be trained says so where it is looked at.
        with contextlib.suppress(ContractError, SettingsError):
            history = session.project.history_under(edited, classifier)
            session.make_before(classifier, edited, history, cancelled)


# -- and back ----------------------------------------------------------------------------------


def last_change(session: LabellingSession) -> Change | None:
    """The last change of the labels that was not taken back."""
    found = _last(session.project.log.events())
    if found is None:
        return None
    _, before, after = found
    return Change(found[0], _said(before, after))


def begin_undo(session: LabellingSession, seq: int) -> Job[None]:
    """Begin ``undo_change``; cancelled while it trains, nothing was taken back."""
    edited = _without(session, session.config, seq)

    def work(progress: Progress, cancelled: Cancelled) -> None:
        _make_before(session, edited, progress, cancelled)
        undo_change(session, seq)

    return Job(work)


def undo_change(session: LabellingSession, seq: int) -> None:
    """Take back the last change of the labels; the log keeps both.

    Parameters
    ----------
    seq : ``Change.seq`` of what was on the screen

    Raises
    ------
    SettingsError : labels were changed since, or a label that was added is in use
    """
    config = session.config
    undone = _without(session, config, seq)
    session.change_settings(undone, made_from=config, how=CHANGED, undoes=seq)


def _without(session: LabellingSession, config: ProjectConfig, seq: int) -> ProjectConfig:
    """Some settings without the last change of the labels."""
    found = _last(session.project.log.events())
    if found is None or found[0] != seq:
        raise SettingsError(
            "The labels were changed in another tab meanwhile.", "Look, then undo again."
        )
    return _undone(config, found[1], found[2])


def _last(events: Sequence[Event]) -> tuple[int, ProjectConfig, ProjectConfig] | None:
    """The last change that stands: its event, and the settings before it and after it."""
    settings = [event for event in events if event.kind == "settings"]
    undone = {event.undoes for event in settings if event.undoes is not None}
    for before, event in reversed(list(pairwise(settings))):
        if event.how == CHANGED and event.undoes is None and event.seq not in undone:
            first, second = (ProjectConfig.from_dict(e.payload or {}) for e in (before, event))
            return event.seq, first, second
    return None


def _undone(config: ProjectConfig, before: ProjectConfig, after: ProjectConfig) -> ProjectConfig:
    """The settings in force without what one change did; others since then stay."""
    was, became, now = ({label.value: label for label in c.labels} for c in (before, after, config))
    touched = [v for v in {**was, **became} if was.get(v) != became.get(v)]
    if any(now.get(value) != became.get(value) for value in touched):
        raise SettingsError(
            "The labels were changed in the settings since.", "Change them there, or here anew."
        )
    for value in touched:
        if value not in was and value in config.train_labels:
            raise SettingsError(
                f"{became[value].name} has a classifier by now.",
                "Remove that in Settings, step 4, first.",
            )
    order = list(was)
    kept = {value: label for value, label in now.items() if value not in touched or value in was}
    labels = [was[v] if v in touched else kept[v] for v in order if v in touched or v in kept]
    labels += [label for value, label in kept.items() if value not in was]
    train = _undone_classifiers(config, before, after)
    setups = {c: s for c, s in config.setups.items() if c in before.setups or c not in after.setups}
    setups |= {c: s for c, s in before.setups.items() if c not in after.setups}
    return replace(config, labels=tuple(labels), train_labels=train, setups=setups)


def _undone_classifiers(
    config: ProjectConfig, before: ProjectConfig, after: ProjectConfig
) -> tuple[str, ...]:
    came = set(after.train_labels) - set(before.train_labels)
    went = set(before.train_labels) - set(after.train_labels)
    if not came and not went:
        return config.train_labels
    kept = (set(config.train_labels) - came) | went
    return (
        *(value for value in before.train_labels if value in kept),
        *(v for v in config.train_labels if v in kept and v not in before.train_labels),
    )


# -- what is shown of them ---------------------------------------------------------------------


def use_of(session: LabellingSession) -> dict[str, Use]:
    """By the value of each label how much it is used; answers in force, each object once.

    Where people answer blind, of the answers one's own.
    """
    config, project = session.config, session.project
    n_catalogue = Counter[str]()
    if config.features.columns:
        dataset = project.dataset()
        n_catalogue.update(dict(zip(dataset.values, dataset.n_by_value, strict=True)))
    events, people = project.all_events(), config.people
    if people.is_blind:
        events = events_shown_to(events, session.who, people)
    n_answers = Counter(label for _, label in labels_given(events, people))
    return {
        label.value: Use(n_catalogue[label.value], n_answers[label.value])
        for label in config.labels
    }


def next_colour(config: ProjectConfig) -> str:
    """A colour for another label that none has yet, where there is one."""
    used = {label.colour.lower() for label in config.labels}
    colours = label_colours(len(used) + 1)
    return next((colour for colour in colours if colour.lower() not in used), colours[-1])


def _said(before: ProjectConfig, after: ProjectConfig) -> str:
    was = {label.value: label for label in before.labels}
    for label in after.labels:
        held = was.get(label.value)
        if held is None:
            return f"{label.name} added"
        if len(label.merged) > len(held.merged):
            new = label.merged[len(held.merged)]
            return f"{new.name} merged into {label.name}"
        if label.name != held.name:
            return f"{held.name} renamed {label.name}"
        if label.colour != held.colour:
            return f"{label.name} recoloured"
        if label.definition != held.definition:
            return f"{label.name} defined"
    return "the labels changed"


# -- small checks ------------------------------------------------------------------------------


def _label(config: ProjectConfig, value: str) -> Label:
    found = next((label for label in config.labels if label.value == value), None)
    if found is None:
        raise SettingsError(
            f"'{value[:60]}' is no label of this project.", "Look at the list: it may have changed."
        )
    return found


def _refuse_name(config: ProjectConfig, name: str) -> None:
    if not name:
        raise SettingsError("The label has no name.", "Type one.")
    if len(name) > 60 or not name.isprintable():
        raise SettingsError("The name is no line of up to 60 letters.", "Shorten it.")
    if config.columns.label is None and "," in name:
        raise SettingsError("There is a comma in the name.", "In Settings commas part the labels.")
    if name in {label.name for label in config.labels}:
        raise SettingsError(f"There is a label named '{name}'.", "Choose another name.")


def _new_value(taken: set[str], name: str) -> str:
    """The value of a new label: its name, or the next number where all labels are numbers.

    AstronomicAL's form knows no other labels than whole numbers.
    """
    numbers = [int(v) for v in taken if WHOLE_NUMBER.fullmatch(v) and int(v) != UNKNOWN]
    if numbers and len(numbers) >= len(taken - {str(UNKNOWN), "Unknown"}):
        wanted = name if WHOLE_NUMBER.fullmatch(name) else str(max(numbers) + 1)
    else:
        wanted = name
    value, n = wanted, 2
    while value in taken:
        value, n = f"{wanted} {n}", n + 1
    return value
