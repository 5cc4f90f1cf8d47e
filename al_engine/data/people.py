"""Several people's answers about the same objects: which label counts, and what each may see.

Owns the step from the events of all people to those that count, before ``history`` folds them, and
what of a history is kept from one person.  Takes events, gives plain data; must not know DuckDB,
arrays or learners.  A name is a courtesy, and no password.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from al_engine.data.history import History, LabelledSet, fold, in_effect, within_batches
from al_engine.data.labels import BY_HAND, CURATED, Event
from al_engine.errors import ProjectError
from al_engine.settings.config import Counting, People

AGAIN_EVERY = 10
NAME_CHARS = 60
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_SAYING = ("answer", "unsure", "settled")


@dataclass
class Said:
    """What people said of one object.

    ``answers`` are each person's answer in force, the latest last; ``settled`` is the event that
    settled what it is, if one did; ``came`` the event with which it first came up, and ``at_first``
    each person's label from before they could see that others differ, for as long as anything
    stands.
    """

    answers: dict[str, Event] = field(default_factory=dict)
    settled: Event | None = None
    came: Event | None = None
    at_first: dict[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """Each person's label."""
        return {who: event.label or "" for who, event in self.answers.items()}

    @property
    def is_disputed(self) -> bool:
        """Did people give different labels?"""
        return len(set(self.labels.values())) > 1

    def label(self, counting: Counting) -> str | None:
        """The label that counts; None where nobody gave one, or a majority is wanted and missing.

        What was settled comes before all else.
        """
        if self.settled is not None:
            return self.settled.label
        labels = [event.label or "" for event in self.answers.values()]
        if not labels:
            return None
        if counting == "latest" or len(labels) == 1:
            return labels[-1]
        (label, n), *others = Counter(labels).most_common(2)
        return None if others and others[0][1] == n else label

    def hear(self, event: Event) -> None:
        """Take an event about this object into account."""
        if event.kind == "settled":
            self.settled = event
        else:
            self.answers.pop(event.who, None)
            if event.kind == "answer":
                self.answers[event.who] = event
            self._compare(event)
        if not self.answers and self.settled is None:
            self.came = None
            self.at_first.clear()
        elif self.came is None:
            self.came = event

    def _compare(self, event: Event) -> None:
        """Note a label unless its person could know by then what somebody else had said."""
        if event.who in self.at_first and len(self.at_first) > 1:
            return
        self.at_first.pop(event.who, None)
        if event.kind == "answer":
            self.at_first[event.who] = event.label or ""


def what_was_said(events: Sequence[Event]) -> dict[int, Said]:
    """What people said of each object that anybody labelled, the first one first.

    Unsure says nothing, and takes one's own label back.
    """
    said: dict[int, Said] = {}
    for event in in_effect(events):
        if event.row_number is not None and event.kind in _SAYING:
            said.setdefault(event.row_number, Said()).hear(event)
    return {row: each for row, each in said.items() if each.came is not None}


def labels_given(events: Sequence[Event], people: People) -> set[tuple[int | None, str]]:
    """Each object with each label that an answer in force gives it, whatever the classifier.

    Where several people answer, each one's answer stands; else the latest of all.
    """
    given: dict[tuple[str | None, int | None, str], str | None] = {}
    for event in in_effect(events):
        if event.kind in _SAYING:
            is_ones_own = people.several and event.kind != "settled" and event.part != CURATED
            who = event.who if is_ones_own else ""
            given[event.classifier, event.row_number, who] = event.label
    return {(row, label) for (_, row, _), label in given.items() if label is not None}


def counted(events: Sequence[Event], counting: Counting) -> list[Event]:
    """The events of one classifier as if one person had given the labels that count.

    Each is signed by those whose label it is.  An object nobody's label counts of is ``settled`` on
    None for as long as people disagree.  How the object came up is how it did first.  Where the
    only one who had labelled an object passes it as unsure, the catalogue's label stands again if
    there was one; the Unsure of one who had said nothing leaves everybody else's labels be.
    """
    said: dict[int, Said] = {}
    given: dict[int, Event] = {}
    made = []
    for event in in_effect(events):
        row = event.row_number
        if row is None:
            continue
        if event.kind == "given":
            given[row] = event
            made.append(event)
        elif event.kind in _SAYING:
            now = said.setdefault(row, Said())
            was_labelled = now.came is not None
            now.hear(event)
            if now.came is not None:
                made.append(_as_counted(event, now, now.came, counting))
            elif row not in given:
                made.append(event)
            elif was_labelled:
                made.append(replace(given[row], seq=event.seq))
    return made


def _as_counted(event: Event, now: Said, came: Event, counting: Counting) -> Event:
    """An event with what counts after it."""
    label = now.label(counting)
    if now.settled is not None:
        source, names = now.settled, {now.settled.who}
    else:
        agreeing = [each for each in now.answers.values() if label in (None, each.label)]
        source, names = agreeing[-1], {each.who for each in agreeing}
    is_plain = now.settled is None and label is not None
    return replace(
        source,
        kind="answer" if is_plain else "settled",
        who=", ".join(sorted(names)),
        label=label,
        how=came.how,
        part=came.part if event.how == "random" else event.part,
        seq=event.seq,
    )


def history_of(
    events: Sequence[Event],
    who: str,
    people: People,
    curated: Mapping[int, str] | None = None,
    curated_seq: int = 0,
) -> History:
    """What the events of a classifier amount to for one person.

    Labels and rounds are everybody's; what was asked, passed as unsure and put off is one's own.
    Where one person works alone, names say nothing, and all of it is theirs.
    """
    if not people.several:
        return fold(events, curated, curated_seq)
    in_force = in_effect(events)
    within = within_batches(in_force, curated or {}, by_person=True)
    shared = fold(counted(events, people.counting), curated, curated_seq, within)
    # What the catalogue gave is everybody's to see, whatever another said of it since.
    theirs = [e for e in in_force if e.kind == "given" or (e.who == who and e.kind in BY_HAND)]
    own = fold(theirs, curated, curated_seq)
    said = what_was_said(in_force).keys() - own.verified.keys() - (curated or {}).keys()
    return replace(
        shared,
        unsure=own.unsure,
        later=own.later,
        n_passed=own.n_passed,
        n_questions=own.n_questions,
        n_again=own.n_again,
        n_random=own.n_random,
        batch=own.batch,
        repeatable=own.repeatable,
        n_by_hand=own.n_by_hand,
        last=own.last,
        last_seq=events[-1].seq if events else 0,
        unheard=frozenset(said),
        own=own,
    )


def again_every(people: People) -> int:
    """How often a question is about an object that somebody else answered; 0 means never."""
    if not people.several:
        return 0
    return AGAIN_EVERY if people.again_every is None else people.again_every


# -- names -------------------------------------------------------------------------------------


def clean_name(text: str) -> str:
    """A name as it is kept: each letter composed in one way, and single spaces between words."""
    spaced = "".join(" " if unicodedata.category(each) == "Zs" else each for each in text)
    return unicodedata.normalize("NFC", " ".join(filter(None, spaced.split(" "))))


def fault_of_name(name: str) -> str:
    """Why a cleaned name cannot be one, in a sentence; "" where it can."""
    if not _seen(name):
        return "A name must not be empty."
    if len(name) > NAME_CHARS:
        return f"A name has {len(name)} letters, and {NAME_CHARS} are the most."
    if any(unicodedata.category(letter) in _UNSEEN for letter in _seen(name)):
        return f"The name {name!a} has letters in it that nobody can see."
    if "," in name:
        return f"The name '{name}' has a comma in it, which stands between people's names."
    if name.casefold() == "catalogue":
        return f"'{name}' is what the catalogue's own labels are signed by."
    return ""


def is_alike(name: str, other: str) -> bool:
    """Would a reader take two names for one?  They differ in case, width or joiners of letters."""
    one, two = (unicodedata.normalize("NFKC", _seen(each)).casefold() for each in (name, other))
    return one == two


def _seen(name: str) -> str:
    """A name without what joins letters, which some scripts are written with."""
    return name.replace("\u200c", "").replace("\u200d", "")


# -- what one person may see -------------------------------------------------------------------


def shown_to(history: History, people: People, asked: Collection[int]) -> History:
    """A history without what is kept from the person it is of.

    Blind, that is every answer of another's; else what others said of the objects ``asked`` again.
    The keys of its rounds go too: from two of them the label that lies between can be told.
    The one place that says of which objects that is: whatever shows, lists or writes objects
    goes by ``History.kept_back``.
    """
    own = history.own
    if own is None:
        return history
    kept_back = history.unheard if people.is_blind else history.unheard.intersection(asked)
    if people.is_blind:
        return replace(
            history,
            trained=own.trained,
            validated=own.validated,
            corrected=own.corrected,
            given=own.given,
            sets=tuple(LabelledSet("", each.n_labelled, each.seq) for each in history.sets),
            disputed=frozenset(),
            kept_back=kept_back,
        )

    def without(labels: dict[int, str]) -> dict[int, str]:
        return {row: label for row, label in labels.items() if row not in kept_back}

    if not kept_back:
        return history
    return replace(
        history,
        trained=without(history.trained),
        validated=without(history.validated),
        corrected=without(history.corrected),
        kept_back=kept_back,
    )


def without_former(history: History, row: int) -> History:
    """A history without what the person said of an object that they are asked about once more."""

    def others(labels: dict[int, str]) -> dict[int, str]:
        return {other: label for other, label in labels.items() if other != row}

    return replace(
        history,
        trained=others(history.trained),
        validated=others(history.validated),
        corrected=others(history.corrected),
        given=history.given - {row},
        own=None if history.own is None else without_former(history.own, row),
    )


def events_shown_to(
    events: Sequence[Event], who: str, people: People, *, shared: bool = False
) -> list[Event]:
    """The events of a log as one person may take them away, one answer an object and classifier.

    Blind, that is one's own; else those that count: of all classifiers together where their answers
    are ``shared``.  The curated test set is everybody's.
    """
    if not people.several:
        return list(events)
    if people.is_blind:
        # By the kind, not by the name that the catalogue's labels are signed with: who gave
        # themselves that name would be handed to everybody.
        return [
            e for e in in_effect(events) if e.who == who or e.kind == "given" or e.part == CURATED
        ]
    by_classifier: dict[str | None, list[Event]] = {}
    for event in in_effect(events):
        together = "" if shared and event.classifier is not None else event.classifier
        by_classifier.setdefault(together, []).append(event)
    found = by_classifier.pop(None, [])
    for of_one in by_classifier.values():
        found += counted(of_one, people.counting)
    return sorted(found, key=lambda event: event.seq)


def refuse_while_blind(people: People, what: str) -> None:
    """Refuse to hand out what holds the answers of all."""
    if people.is_blind:
        raise ProjectError(
            f"{what} would show what others answered, and people answer blind here.",
            "Take it away once that is switched off on the People page.",
        )
