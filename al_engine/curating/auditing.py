"""Labels to look at again: those most at odds with models that did not learn from them.

Owns who may see which of them, and the events by which a label is confirmed; a correction is an
answer like any other.  The order is ``learning.label_audit``'s.  Must not know pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from al_engine.data.history import History, in_effect
from al_engine.data.labels import Event
from al_engine.data.merging import as_written
from al_engine.data.people import counted
from al_engine.data.splits import VALIDATION
from al_engine.errors import AnswerRefusedError, NotEnoughLabelsError, WorkCancelled
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.learning.label_audit import judged, n_fits, normalized_margin
from al_engine.learning.scoring import FloatArray, consensus, member_probabilities
from al_engine.loop.fitting import blaming_extensions, learner_spec, pool_features
from al_engine.loop.state import seen_by
from al_engine.loop.together import undoing
from al_engine.loop.truth import Rows, labelled_set, parts_in_force
from al_engine.session import LabellingSession, State

CONFIRMED: Final = "confirmed"


@dataclass(frozen=True)
class Audited:
    """What models say of labelled objects that they did not learn from.

    ``place`` maps rows to the rows of ``proba``, of shape (n, n_classes), whose columns are
    ``classes``: labels, "" for all others together.  ``seq`` is the last event that it knows of.
    """

    classifier: str
    classes: tuple[str, ...]
    place: Mapping[int, int]
    proba: FloatArray
    round_key: str
    n_labelled: int
    seq: int


@dataclass(frozen=True)
class Suspect:
    """A label to look at again.

    ``who`` gave it, "" the catalogue.  ``p_given`` is what a model that did not learn from it gives
    to the label's class, ``says`` the class it finds likeliest ("" for any other label), with
    ``p_says``; ``margin`` is how far the label is ahead, under 0 behind.
    """

    row: int
    label: str
    who: str
    p_given: float
    says: str
    p_says: float
    margin: float
    is_own: bool
    trains: bool

    @property
    def is_at_odds(self) -> bool:
        """Does the model find another class likelier?"""
        return self.margin < 0


# -- what models say ---------------------------------------------------------------------------


def begin_audit(session: LabellingSession, classifier: str) -> Job[Audited]:
    """Begin to have every label judged by models that did not learn from it.

    Labels that train are judged by cross-validation, those that validate by the present model.  The
    test set is not looked at.
    """
    state = session.whole_state(classifier)  # models learn from everybody's labels

    def work(progress: Progress, cancelled: Cancelled) -> Audited:
        with session.project.at_work():
            return _audit(session, state, progress, cancelled)

    return Job(work)


def _audit(
    session: LabellingSession, state: State, progress: Progress, cancelled: Cancelled
) -> Audited:
    if state.fit is None:
        raise NotEnoughLabelsError("There is no model yet.", "Label an object first.")
    dataset, history = session.project.prepare(state.config), state.history
    classes = state.fit.classes
    codes = np.arange(len(classes))
    spec = learner_spec(state.setup, state.config.splits.seed)
    rows, y = labelled_set(dataset, history, state.classifier)

    def is_wanted(n_done: int) -> bool:
        progress(n_done, n_fits(y))
        return not cancelled()

    with blaming_extensions(spec):
        X_pool = pool_features(dataset, history, spec, rows)
        proba = judged(spec, dataset.rows(rows), y, dataset.preparation, codes, is_wanted, X_pool)
        if proba is None:
            raise WorkCancelled("The audit was cancelled.", "No label was changed.")
        checking = _checking(session, history, state)
        if len(checking):
            seen = member_probabilities(state.fit.learner, dataset.rows(checking), codes)
            proba = np.concatenate([proba, consensus(seen)])
    place = {int(row): i for i, row in enumerate([*rows, *checking])}
    return Audited(
        state.classifier,
        classes,
        place,
        proba,
        state.fit.key,
        state.fit.n_labelled,
        history.last_seq,
    )


def _checking(session: LabellingSession, history: History, state: State) -> Rows:
    """The objects with a person's label that validate, and so never trained."""
    dataset = session.project.prepare(state.config)
    parts = parts_in_force(dataset, history)
    labelled = history.verified.keys() - history.trained.keys() - history.curated.keys()
    return np.array(sorted(r for r in labelled if parts[r] == VALIDATION), dtype=np.intp)


# -- the queue ---------------------------------------------------------------------------------


def is_stale(state: State, audited: Audited) -> bool:
    """Were labels given or changed since, so that models would say something else by now?"""
    return state.fit is None or state.fit.key != audited.round_key


def queue(session: LabellingSession, state: State, audited: Audited) -> list[Suspect]:
    """The labels that this person may see and has not looked at since, most at odds first.

    Blind, those are their own and the catalogue's.  What was answered since the audit is out of it,
    and what they confirmed for as long as it has that label.  Of what is asked about just now, and
    may have been asked before, nothing is told.
    """
    history = state.history
    held = {**history.trained, **history.verified}
    confirmed = confirmed_labels(session, state.classifier)
    signed, since = _signed(session, state.classifier, audited.seq)
    rows = [
        row
        for row, label in held.items()
        if row in audited.place
        and row not in state.untold
        and row not in since
        and confirmed.get(row) != label
    ]
    if not rows:
        return []
    given = np.array([_class_of(audited, held[row]) for row in rows], dtype=np.intp)
    proba = audited.proba[[audited.place[row] for row in rows]]
    margins = normalized_margin(proba, given)
    found = [
        Suspect(
            row,
            held[row],
            signed.get(row, ""),
            float(p[mine]),
            audited.classes[int(p.argmax())],
            float(p.max()),
            float(margin),
            not session.config.people.several or signed.get(row) == session.who,
            row in history.trained,
        )
        for row, mine, p, margin in zip(rows, given, proba, margins, strict=True)
    ]
    return sorted(found, key=lambda suspect: (suspect.margin, suspect.row))


def _class_of(audited: Audited, label: str) -> int:
    """The place of a label among the classes."""
    return audited.classes.index(label) if label in audited.classes else 0


def _signed(
    session: LabellingSession, classifier: str, seq: int
) -> tuple[dict[int, str], set[int]]:
    """Who gave each object's label, "" the catalogue, and what was answered after an event."""
    people = session.config.people
    events = in_effect(session.project.events(classifier))
    if people.is_blind:
        events = [e for e in events if e.kind == "given" or e.who == session.who]
    since = {e.row_number for e in events if e.seq > seq and e.kind != "later"}
    if people.several and not people.is_blind:
        events = counted(events, people.counting)
    signed = {
        e.row_number: "" if e.kind == "given" else e.who
        for e in events
        if e.row_number is not None and e.label is not None
    }
    return signed, {row for row in since if row is not None}


# -- confirmed, and back -----------------------------------------------------------------------


def confirmed_labels(session: LabellingSession, classifier: str) -> dict[int, str]:
    """The labels that this person looked at again and found right, by row, as they were then."""
    return {
        event.row_number: event.label
        for event in _confirmations(session, classifier)
        if event.row_number is not None and event.label is not None
    }


def _confirmations(session: LabellingSession, classifier: str) -> list[Event]:
    events = session.project.all_events()
    undone = {event.undoes for event in events if event.kind == "undo"}
    several = session.config.people.several
    return [
        event
        for event in events
        if event.kind == CONFIRMED
        and event.classifier == classifier
        and event.seq not in undone
        and (event.who == session.who or not several)
    ]


def confirm(session: LabellingSession, classifier: str, row: int, *, token: str) -> str:
    """Note that an object's label was looked at again and is right; nothing is learned from it.

    Parameters
    ----------
    token : of what was on the screen

    Returns
    -------
    The label

    Raises
    ------
    AnswerRefusedError : it has no label, or something was said of it since
    """
    project = session.project
    with project.log.lock:
        history = session.state(classifier).history
        label = {**history.trained, **history.verified}.get(row)
        object_id = session.object_id(row)
        if label is None:
            raise AnswerRefusedError(f"{object_id} has no label to confirm.", "Answer about it.")
        said = [e for e in project.events(classifier) if e.row_number == row]
        if any(event.seq > seen_by(token) for event in said):
            raise AnswerRefusedError(
                f"Something was said of {object_id} meanwhile.", "Look, then confirm it."
            )
        project.log.append(Event(CONFIRMED, session.who, classifier, row, object_id, label))
    session.record_soon()
    return label


def last_done(session: LabellingSession, classifier: str) -> Event | None:
    """What an undo takes back here: the last confirmation, or the last answer, of this person."""
    last = session.state(classifier).history.last
    confirmed = _confirmations(session, classifier)
    if confirmed and (last is None or confirmed[-1].seq > last.seq):
        return confirmed[-1]
    return last


def undo_last(session: LabellingSession, classifier: str, *, token: str) -> Event:
    """Take back what ``last_done`` says; the log keeps both.

    Raises
    ------
    AnswerRefusedError : there is nothing to take back, or something was done in another tab since
    """
    with session.project.log.lock:
        last = last_done(session, classifier)
        if last is None:
            raise AnswerRefusedError("There is nothing to undo.", "Confirm or correct a label.")
        if last.kind != CONFIRMED:
            session.undo(classifier, token=token)
            return last
        if last.seq > seen_by(token):
            raise AnswerRefusedError(
                "Something was done in another tab meanwhile.", "Look, then undo again."
            )
        session.project.log.append(*undoing(session.who, [as_written(last)]))
    session.record_soon()
    return last
