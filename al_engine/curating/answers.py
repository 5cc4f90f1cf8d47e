"""Every answer there is, as a list: filtered, summed up, and corrected by another answer.

Owns what one person may see of it, and what it comes to: how many a minute, how often Unsure, how
far one agrees with oneself.  Must not know pages.
"""

import math
import weakref
from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Literal

from al_engine.data.history import in_effect
from al_engine.data.labels import CURATED, SUREST, Event
from al_engine.data.notes import Note, notes_in_force
from al_engine.data.people import events_shown_to
from al_engine.learning.agreement import Agreement, agreement
from al_engine.learning.metrics import Score, share
from al_engine.loop.asking import is_repeat
from al_engine.loop.fitting import Fit
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, ProjectConfig

PAUSE_S = 120.0  # an object looked at for longer was not looked at all that time
Only = Literal["catalogue", "model", "doubted", "noted"]
SINCE: dict[str, timedelta | None] = {
    "any time": None,
    "the last hour": timedelta(hours=1),
    "the last day": timedelta(days=1),
    "the last week": timedelta(days=7),
}


@dataclass(frozen=True)
class Answer:
    """One answer; ``label`` is None for Unsure, ``classifier`` for the curated test set.

    ``how``, ``part`` and ``confidence`` are as in the log, ``answered_at`` in UTC.  ``stands`` says
    that no later answer of the same person has taken its place, ``is_own`` that it may be
    corrected.
    """

    seq: int
    classifier: str | None
    row: int
    object_id: str
    label: str | None
    who: str
    how: str
    part: str
    seconds: float | None
    answered_at: datetime
    stands: bool
    is_own: bool
    confidence: int | None = None


@dataclass(frozen=True)
class Wanted:
    """Which answers are listed; None and "" for all.

    ``label`` "" wants Unsure.  ``former`` are wanted too: those that others took the place of.
    """

    classifier: str | None = None
    label: str | None = None
    who: str | None = None
    how: str | None = None
    part: str | None = None
    since: timedelta | None = None
    former: bool = False

    def holds(self, answer: Answer, now: datetime) -> bool:
        """Is an answer one of those that are wanted?"""
        asked = (self.classifier, self.label, self.who, self.how, self.part)
        found = (
            answer.classifier or CURATED, answer.label or "", answer.who, answer.how, answer.part
        )  # fmt: skip
        return (
            (answer.stands or self.former)
            and all(a is None or a == f for a, f in zip(asked, found, strict=True))
            and (self.since is None or answer.answered_at >= now - self.since)
        )


@dataclass(frozen=True)
class Figures:
    """What some answers come to.

    ``by_label`` counts labels by value, the most frequent first; ``unsure`` is the share of all
    answers; ``a_minute`` and ``median_s`` are over the ``n_timed`` answers whose time is known and
    was no pause, None without any.
    """

    n: int
    by_label: tuple[tuple[str, int], ...]
    unsure: Score
    a_minute: float | None
    median_s: float | None
    n_timed: int


@dataclass(frozen=True)
class Repeats:
    """What a person said of objects that were asked twice; Unsure is no label."""

    found: Agreement
    n_unsure: int


def answers(session: LabellingSession) -> list[Answer]:
    """Every answer that this person may see, the latest first; what was taken back is none.

    Blind, those are their own.  Else others' too, but for objects that this person is being asked
    about just now.  Of what is being asked for the second time, none.
    """
    config, again = session.config, _asked_again(session)
    of = (
        session.project.log.last_seq, session.who, config.people, config.asking.shared,
        *config.merged_into.items(), *map(frozenset, again),
    )  # fmt: skip
    held = _LISTED.get(session)
    if held is None or held[0] != of:
        held = _LISTED[session] = of, _list(session, *again)
    return list(held[1])


# A page is drawn again and again, and the list is the same until somebody answers.
_LISTED: weakref.WeakKeyDictionary[LabellingSession, tuple[Hashable, list[Answer]]] = (
    weakref.WeakKeyDictionary()
)


def _list(session: LabellingSession, unheard: set[int], repeated: set[int]) -> list[Answer]:
    """Every answer but those about some rows: of others, and of anybody."""
    config = session.config
    several = config.people.several
    found = [e for e in _seen(session, unheard, repeated) if e.row_number is not None]
    last: dict[tuple[str, str | None, int | None], int] = {}
    for event in found:
        last[_whose(event, config)] = event.seq
    listed = [
        Answer(
            event.seq,
            event.classifier,
            event.row_number or 0,
            event.object_id or "",
            event.label,
            event.who,
            event.how or "query",
            event.part or "train",
            event.seconds,
            event.happened_at,
            last[_whose(event, config)] == event.seq,
            event.part != CURATED and (not several or event.who == session.who),
            event.confidence,
        )
        for event in found
    ]
    return listed[::-1]


def own_answers(session: LabellingSession, classifier: str) -> list[Answer]:
    """What this person's answers in force for one classifier are, the latest first."""
    whose = None if session.config.asking.shared else classifier
    found = listed(answers(session), Wanted(classifier=whose, who=session.who))
    return [answer for answer in found if answer.classifier is not None]


def own_answer(session: LabellingSession, classifier: str, row: int) -> Answer | None:
    """What this person answered last about one object; None where that is nothing."""
    whose = None if session.config.asking.shared else classifier
    found = listed(answers(session), Wanted(classifier=whose))
    return next((a for a in found if a.row == row and a.is_own), None)


def listed(found: Sequence[Answer], wanted: Wanted) -> list[Answer]:
    """Those answers that are wanted, in their order."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return [answer for answer in found if wanted.holds(answer, now)]


def only(session: LabellingSession, found: Sequence[Answer], what: Only) -> list[Answer]:
    """Those answers with which something is the matter, in their order.

    Their label is not the "catalogue"'s; the "model" of their classifier gives more to the other
    side; they were "doubted", with less than full confidence; or their object is "noted" by this
    person.
    """
    if what == "noted":
        notes = own_notes(session)
        return [answer for answer in found if answer.row in notes]
    if what == "doubted":
        return [answer for answer in found if (answer.confidence or SUREST) < SUREST]
    if what == "catalogue":
        dataset = session.project.dataset()
        codes = [int(dataset.codes[answer.row]) for answer in found]
        known = [dataset.values[code] if code >= 0 else None for code in codes]
        return [
            answer
            for answer, label in zip(found, known, strict=True)
            if None not in (label, answer.label) and label != answer.label
        ]
    fits = _fits(session, {answer.classifier for answer in found})
    return [answer for answer in found if _is_against(fits.get(answer.classifier), answer)]


def own_notes(session: LabellingSession) -> dict[int, Note]:
    """All that this person noted, by row."""
    events = [event for event in session.project.log.events() if event.classifier is None]
    found = notes_in_force(events).items()
    return {row: note for (row, who), note in found if who == session.who and not note.is_empty}


def figures(found: Sequence[Answer]) -> Figures:
    """Sum some answers up.

    >>> figures([]).unsure.value is None
    True
    """
    n_unsure = sum(answer.label is None for answer in found)
    counts = Counter(answer.label for answer in found if answer.label is not None)
    times = [a.seconds for a in found if a.seconds is not None and a.seconds <= PAUSE_S]
    spent = sum(times)
    return Figures(
        len(found),
        tuple(counts.most_common()),
        share(n_unsure, len(found)),
        60 * len(times) / spent if spent > 0 else None,
        median(times) if times else None,
        len(times),
    )


def repeats(session: LabellingSession) -> Repeats:
    """How far this person said the same of objects that were asked twice, without being told."""
    config, several = session.config, session.config.people.several
    first: list[str] = []
    second: list[str] = []
    n_unsure = 0
    said: dict[tuple[str, str | None, int | None], str] = {}
    for event in _answered(session.project.all_events()):
        if several and event.who != session.who:
            continue
        whose = _whose(event, config)
        before = said.pop(whose, None)
        if event.how == "again" and before is not None:
            n_unsure += event.label is None
            if event.label is not None:
                first.append(before)
                second.append(event.label)
        if event.label is not None:
            said[whose] = event.label
    return Repeats(agreement(first, second), n_unsure)


def _fits(
    session: LabellingSession, classifiers: Collection[str | None]
) -> dict[str | None, Fit | None]:
    """The models of those classifiers that can be trained now."""
    config = session.config
    return {
        classifier: session.state(classifier).fit
        for classifier in config.setups
        if classifier in classifiers
        and classifier in config.train_labels
        and session.fault(classifier) is None
    }


def _is_against(fit: Fit | None, answer: Answer) -> bool:
    """Does a model give more to the other side than the answer's?  Test objects have no score."""
    if fit is None or answer.label is None:
        return False
    p = float(fit.proba[answer.row])
    if answer.classifier == ALL_LABELS:
        return not math.isnan(p) and fit.classes[int(fit.predicted[answer.row])] != answer.label
    return not math.isnan(p) and (p >= 0.5) != (answer.label == answer.classifier)


def _answered(events: Sequence[Event]) -> list[Event]:
    return [event for event in in_effect(events) if event.kind in ("answer", "unsure")]


def _seen(session: LabellingSession, unheard: set[int], repeated: set[int]) -> list[Event]:
    """The answers that this person may see."""
    config, events = session.config, session.project.all_events()
    if config.people.is_blind:
        events = events_shown_to(events, session.who, config.people)
    return [
        event
        for event in _answered(events)
        if event.row_number not in repeated
        and (event.who == session.who or event.row_number not in unheard)
    ]


def _asked_again(session: LabellingSession) -> tuple[set[int], set[int]]:
    """The rows asked about just now that others labelled, and those that this person did."""
    config = session.config
    if not config.people.several and not config.asking.repeat_every:
        return set(), set()
    asked = [
        (state.question, state.history)
        for classifier in config.setups
        if classifier in config.train_labels and session.fault(classifier) is None
        for state in [session.state(classifier)]
        if state.question is not None
    ]
    return (
        {question.row for question, history in asked if question.row in history.unheard},
        {question.row for question, history in asked if is_repeat(history, question)},
    )


def _whose(event: Event, config: ProjectConfig) -> tuple[str, str | None, int | None]:
    """What an answer is about, and whose: the next one about the same takes its place."""
    of = "" if config.asking.shared and event.classifier is not None else event.classifier
    return (event.who if config.people.several else "", of, event.row_number)
