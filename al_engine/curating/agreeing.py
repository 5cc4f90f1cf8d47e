"""Several people on one classifier: who said what, how far they agree, and settling the rest.

Owns what one person may see of the others' answers, and the events that settle.  What counts is
``data.people``'s, the numbers ``learning.agreement``'s.  Must not know pages.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from weakref import WeakKeyDictionary

from al_engine.data.history import in_effect
from al_engine.data.labels import BY_HAND, CURATED, Event
from al_engine.data.merging import as_written
from al_engine.data.people import (
    NAME_CHARS,
    Said,
    clean_name,
    fault_of_name,
    is_alike,
    what_was_said,
)
from al_engine.data.splits import OUT, PART_NAMES, TRAIN
from al_engine.errors import AnswerRefusedError, SettingsError
from al_engine.learning.agreement import Agreement, agreement, agreement_of_many
from al_engine.loop.answering import refuse_unknown
from al_engine.loop.state import seen_by
from al_engine.loop.truth import part_in_force
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State


@dataclass(frozen=True)
class Person:
    """How much one person did in a classifier; labels and Unsure in force."""

    name: str
    n_labels: int
    n_unsure: int


@dataclass(frozen=True)
class Compared:
    """Two people, and how far they agree over what both labelled."""

    one: str
    other: str
    found: Agreement


@dataclass(frozen=True)
class Dispute:
    """An object that people differ about; ``labels`` by person, ``counts`` the one in force.

    ``settled_by`` is who settled it, "" where it is open; ``token`` names this moment.
    """

    row: int
    labels: Mapping[str, str]
    counts: str | None
    settled_by: str
    token: str


# -- who, and how far they agree ---------------------------------------------------------------


def people_of(session: LabellingSession, classifier: str) -> list[Person]:
    """Everybody who answered, in order of their names."""
    last: dict[tuple[str, int | None], Event] = {}
    for event in in_effect(session.project.events(classifier)):
        if event.kind in ("answer", "unsure"):
            last[event.who, event.row_number] = event
    kinds = [(event.who, event.kind) for event in last.values()]
    names = sorted({who for who, _ in kinds}, key=str.casefold)
    return [
        Person(who, kinds.count((who, "answer")), kinds.count((who, "unsure"))) for who in names
    ]


def names_of(session: LabellingSession) -> list[str]:
    """All names that answers in force are signed by, whatever the classifier."""
    events = in_effect(session.project.all_events())
    names = {e.who for e in events if e.kind in BY_HAND and e.part != CURATED}
    return sorted(names, key=str.casefold)


def checked_name(session: LabellingSession, text: str) -> str:
    """The name to sign answers by, for what somebody typed.

    Raises
    ------
    SettingsError : it cannot be a name, or is hardly told from one that answers are signed by
    """
    name, known = clean_name(text), names_of(session)
    if fault := fault_of_name(name):
        raise SettingsError(fault, f"Give letters and spaces, up to {NAME_CHARS}.")
    if name in known:
        return name
    for other in known:
        if clean_name(other) == name:
            return other  # signed before names were cleaned
        if is_alike(name, other):
            raise SettingsError(
                f"'{name}' can hardly be told from '{other}', who answers here.",
                f"Give '{other}' if that is you, else another name.",
            )
    return name


def agreements(session: LabellingSession, classifier: str) -> tuple[Agreement, list[Compared]]:
    """How far all agree, and every two of them, Unsure aside.

    By the labels from before two people had answered: what one corrects after that may be what the
    other said.  Compared once for each moment: a page is drawn many times, and this takes seconds
    for many people.
    """
    project = session.project
    moment = (project.log.last_seq, project.config.asking.shared)
    known = _COMPARED.setdefault(project, {})
    if classifier not in known or known[classifier][0] != moment:
        known[classifier] = (moment, _compared(session, classifier))
    return known[classifier][1]


_COMPARED: WeakKeyDictionary[
    Project, dict[str, tuple[Hashable, tuple[Agreement, list[Compared]]]]
] = WeakKeyDictionary()


def _compared(session: LabellingSession, classifier: str) -> tuple[Agreement, list[Compared]]:
    said = [each.at_first for each in _said(session, classifier).values()]
    names = sorted({who for labels in said for who in labels}, key=str.casefold)
    shared = [labels for labels in said if len(labels) > 1]
    over_all = agreement_of_many([[labels.get(who) for labels in shared] for who in names])
    pairs = []
    for one, other in combinations(names, 2):
        both = [labels for labels in shared if one in labels and other in labels]
        found = agreement([labels[one] for labels in both], [labels[other] for labels in both])
        pairs.append(Compared(one, other, found))
    return over_all, pairs


def _said(session: LabellingSession, classifier: str) -> dict[int, Said]:
    return what_was_said(session.project.events(classifier))


# -- where they differ -------------------------------------------------------------------------


def disputes(session: LabellingSession, classifier: str) -> tuple[list[Dispute], int]:
    """What this person may settle or has seen settled, the open ones first, the oldest first.

    Blind, that is what they labelled themselves: who was not asked yet is not told.

    Returns
    -------
    disputes : those in sight
    n_hidden : how many open ones are not
    """
    project, people = session.project, session.config.people
    with project.log.lock:
        said, last_seq = _said(session, classifier), project.log.last_seq
        curated = project.history(classifier, session.who).curated
    found, n_hidden = [], 0
    for row, each in said.items():
        if not (each.is_disputed or each.settled) or row in curated:
            continue
        is_by_me = each.settled is not None and each.settled.who == session.who
        if people.is_blind and session.who not in each.answers and not is_by_me:
            n_hidden += each.settled is None
            continue
        by = each.settled.who if each.settled else ""
        token = f"{last_seq}:{row}:settling"
        found.append(Dispute(row, each.labels, each.label(people.counting), by, token))
    return sorted(found, key=lambda dispute: bool(dispute.settled_by)), n_hidden


def settle(
    session: LabellingSession, classifier: str, row: int, label: str, *, token: str
) -> State:
    """Settle what an object is; on disk when this returns, and everybody's next round has it.

    Parameters
    ----------
    token : ``Dispute.token`` of what was on the screen

    Raises
    ------
    AnswerRefusedError : nothing to settle here, or not by this person; it changed since; no label
    """
    project = session.project
    dataset = project.prepare(session.config)
    with project.log.lock:
        refuse_unknown(label, project.config.labels_in_use)
        if not project.config.people.several:
            raise AnswerRefusedError(
                "One person answers here, so that nothing is to settle.",
                "Switch on that several people answer, or answer about the object again.",
            )
        seen, _ = disputes(session, classifier)
        if row not in [dispute.row for dispute in seen]:
            raise AnswerRefusedError(
                f"There is nothing to settle in row {row}.", "Settle one of those that are listed."
            )
        object_id = session.object_id(row)
        if any(e.row_number == row and e.seq > seen_by(token) for e in _acts(session, classifier)):
            raise AnswerRefusedError(
                f"Something was said of {object_id} meanwhile.", "Look, then settle it."
            )
        history = project.history(classifier)
        part = part_in_force(dataset, history, row)
        event = Event("settled", session.who, classifier, row, object_id, label, how="settled")
        part_name = PART_NAMES[TRAIN if part == OUT else part]
        project.log.append(replace(event, part=part_name, round_number=len(history.sets)))
    return session.follow(classifier)


def last_settled(session: LabellingSession, classifier: str) -> Event | None:
    """What this person settled last and can take back."""
    events = in_effect(session.project.events(classifier))
    own = [e for e in events if e.kind == "settled" and e.who == session.who]
    return own[-1] if own else None


def unsettle(session: LabellingSession, classifier: str, *, token: str) -> State:
    """Take back what this person settled last; the log keeps both.

    Raises
    ------
    AnswerRefusedError : there is nothing of theirs, or it changed since
    """
    project = session.project
    with project.log.lock:
        last = last_settled(session, classifier)
        if last is None:
            raise AnswerRefusedError("There is nothing to undo.", "You have settled nothing yet.")
        mine = [e for e in _acts(session, classifier) if e.who == session.who]
        if mine[-1].seq > seen_by(token):
            raise AnswerRefusedError(
                "You did something in another tab meanwhile.", "Look, then undo again."
            )
        last = as_written(last)
        undo = Event("undo", session.who, last.classifier, last.row_number, last.object_id)
        project.log.append(replace(undo, undoes=last.seq))
    return session.follow(classifier)


def _acts(session: LabellingSession, classifier: str) -> list[Event]:
    return session.project.events(classifier)
