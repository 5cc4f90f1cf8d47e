"""What the events of one classifier amount to: a fold, and nothing else.

Owns the meaning of answers, undo, Unsure and Later.  Takes events, gives plain data; must not
know DuckDB, arrays of features, or learners.  The same events give the same history anywhere.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from al_engine.data.labels import BY_HAND, Event
from al_engine.data.merging import as_written

LATER_AFTER = 10
COUNTED = ("given", "answer", "unsure", "later", "settled")
Use = Literal["trains", "validates", "corrects"]  # what a person's label is for
# In the payload of answers that one act gave to many objects: its name, and to how many.
TOGETHER, OF = "together", "of"
# In the payload of answers about a batch: the last event when it was made, how many objects were
# wanted, and how many it has.
BATCH, SIZE, OBJECTS = "batch", "size", "objects"
MAX_ACT = 64


@dataclass(frozen=True)
class Postponed:
    """An object to be asked again once ``due`` questions have been passed, as it was first."""

    due: int
    how: str


@dataclass(frozen=True)
class LastBatch:
    """The batch that a person was asked about last.

    ``made_at`` is the last event there was when it was made, ``size`` how many objects were wanted,
    ``n_objects`` how many it has, and ``n_passed`` how many of them were answered, passed as unsure
    or put off: all there are once something else was asked about.  ``n_random`` and ``n_again``
    count random questions, and those about objects labelled before, that came since.
    """

    made_at: int
    size: int
    strategy: str
    n_passed: int
    n_objects: int
    n_random: int = 0
    n_again: int = 0


@dataclass(frozen=True)
class LabelledSet:
    """What a model was trained on after some event: the rows that count, in short."""

    key: str
    n_labelled: int
    seq: int


@dataclass(frozen=True)
class History:
    """One classifier's answers as they stand.

    ``trained`` maps rows to labels that train; ``validated`` those of random questions, which
    only validate; ``corrected`` answers about validation or test objects; ``given`` are the rows of
    ``trained`` whose label is the catalogue's.  ``sets`` lists every labelled set there has been,
    oldest first: one for each round.  ``curated`` are the labels of the curated test set where that
    is in use, by its last event ``curated_seq``: those objects are in none of the others.

    Where several people answer, it is one person's: ``disputed`` are objects of which nobody's
    label counts, ``held`` says what those were labelled for, ``unheard`` those that others labelled
    and this person did not, and ``own`` what this person's events and the catalogue's labels alone
    amount to.  ``kept_back`` are those unheard of which nothing is shown that another said, or that
    a model would tell of it.  ``repeatable`` are objects that the person labelled and was not asked
    about again, each with how many questions had been passed by then.

    ``batch`` is the person's last one, None where there was none.  Its labels make one labelled set
    together, which is the last of ``sets`` before the batch is over: whether it is, only the rounds
    can tell.
    """

    trained: dict[int, str] = field(default_factory=dict)
    validated: dict[int, str] = field(default_factory=dict)
    corrected: dict[int, str] = field(default_factory=dict)
    given: frozenset[int] = frozenset()
    unsure: frozenset[int] = frozenset()
    later: dict[int, Postponed] = field(default_factory=dict)
    n_passed: int = 0
    n_questions: int = 0
    n_by_hand: int = 0
    last: Event | None = None
    last_seq: int = 0
    sets: tuple[LabelledSet, ...] = ()
    curated: Mapping[int, str] = field(default_factory=dict)
    curated_seq: int = 0
    disputed: frozenset[int] = frozenset()
    held: Mapping[int, Use] = field(default_factory=dict)
    unheard: frozenset[int] = frozenset()
    kept_back: frozenset[int] = frozenset()
    n_again: int = 0
    n_given_tested: int = 0
    repeatable: Mapping[int, int] = field(default_factory=dict)
    own: "History | None" = None
    n_random: int = 0
    batch: LastBatch | None = None

    @property
    def verified(self) -> dict[int, str]:
        """Every label in force that is not merely the catalogue's, whatever it is used for."""
        by_hand = {row: label for row, label in self.trained.items() if row not in self.given}
        return {**self.corrected, **self.validated, **by_hand, **self.curated}

    @property
    def differing(self) -> frozenset[tuple[int, Use | None]]:
        """The disputed objects, each with what it was labelled for: their truth and their set."""
        return frozenset((row, self.held.get(row)) for row in self.disputed)

    @property
    def n_begun(self) -> int:
        """How many labels there are, with those it began with that the curated test set has now."""
        return len(self.trained) + self.n_given_tested

    @property
    def asked(self) -> set[int]:
        """Rows that are not to be asked about: answered, or passed as unsure."""
        return {*self.trained, *self.validated, *self.corrected, *self.unsure, *self.disputed}


def in_effect(events: Sequence[Event]) -> list[Event]:
    """The events that count, in order: without those taken back, and without the undos."""
    undone = {event.undoes for event in events if event.kind == "undo"}
    return [e for e in events if e.kind in COUNTED and e.seq not in undone]


def count_answers(events: Iterable[Event]) -> int:
    """How many labels people gave that stand: of each person one for an object and a classifier."""
    given = (e for e in in_effect(list(events)) if e.kind == "answer")
    return len({(e.classifier, e.object_id, e.who) for e in given})


def fold(
    events: Sequence[Event],
    curated: Mapping[int, str] | None = None,
    curated_seq: int = 0,
    within: Collection[int] | None = None,
) -> History:
    """Fold one classifier's events, oldest first, into what they amount to.

    ``curated`` objects test: whatever was answered about them, and whenever, never trains.
    ``within`` is what ``within_batches`` makes of the events, where it is of several people's.
    """
    curated = curated or {}
    trained: dict[int, str] = {}
    validated: dict[int, str] = {}
    corrected: dict[int, str] = {}
    named: dict[int, str] = {}  # what trained is called in the log, merged or not
    given: set[int] = set()
    unsure: set[int] = set()
    disputed: set[int] = set()
    used: dict[int, Use] = {}
    given_before: set[int | None] = set()
    repeatable: dict[int, int] = {}
    repeated: set[int] = set()
    later: dict[int, Postponed] = {}
    sets: list[LabelledSet] = []
    n_passed = n_questions = n_again = n_by_hand = n_random = 0
    batch: LastBatch | None = None
    asked_for: str | None = None  # the classifier of that batch
    passed_of_batch: set[int] = set()
    fingerprint = 0
    is_changed = False
    in_force = in_effect(events)
    # Of what came together nothing is left that tests: the last of it ends the round.
    counted = [
        e
        for e in in_force
        if e.row_number not in curated or (e.kind != "given" and _selection(e) is None)
    ]
    within = within_batches(in_force, curated) if within is None else within
    tested = {e.row_number for e in in_force if e.kind == "given" and e.row_number in curated}
    for i, event in enumerate(counted):
        row = event.row_number
        if row is None:
            continue
        how = event.how or "query"
        by_hand = event.kind != "given"
        if event.kind in BY_HAND:
            n_passed += _selection(event) is None  # nobody was asked about what was selected
            n_questions += how in ("query", "random")
            n_random += how == "random"
            n_again += how == "again"
            made_at = batch_of(event)
            if made_at is not None:
                if batch is None or batch.made_at != made_at:
                    passed_of_batch = set()
                passed_of_batch.add(row)
                batch = _batch(event, made_at, len(passed_of_batch))
                asked_for = event.classifier
            elif batch is not None and _is_asked_alone(event, asked_for):
                batch = replace(batch, n_objects=batch.n_passed)
            elif batch is not None and how == "random":
                batch = replace(batch, n_random=batch.n_random + 1)
            elif batch is not None and how == "again":
                batch = replace(batch, n_again=batch.n_again + 1)
        if row in curated:
            continue  # asked and passed all the same: what comes up next goes by the count
        if event.kind == "later":
            later[row] = Postponed(n_passed + LATER_AFTER, how)
            continue
        later.pop(row, None)
        unsure.discard(row)
        disputed.discard(row)
        for answers in (trained, validated, corrected):
            answers.pop(row, None)
        given.discard(row)
        use = used.pop(row, None)
        labelled_before = repeatable.pop(row, None) is not None
        if event.kind == "answer":
            if labelled_before and how == "again":
                repeated.add(row)
            if row not in repeated and _selection(event) is None:
                repeatable[row] = n_passed
        if event.kind == "unsure":
            unsure.add(row)
        elif event.kind == "given":
            given.add(row)
            given_before.add(row)
            trained[row] = event.label or ""
        else:
            used[row] = use = _use(event, use)
            n_by_hand += event.kind == "answer"
            if event.kind == "settled" and event.label is None:
                disputed.add(row)
            else:
                into = {"trains": trained, "validates": validated, "corrects": corrected}[use]
                into[row] = event.label or ""
        # By what the log says: a round stays the same one whatever was merged since.
        before = named.pop(row, None)
        if row in trained:
            named[row] = as_written(event).label or ""
        after = named.get(row)
        if before != after:
            fingerprint ^= _mark(row, before) ^ _mark(row, after)
            is_changed = True
        # Labels taken from the catalogue arrive together and make one round, not five.  One that
        # stands again has a round of its own.  Those that one act gave to many make one round too.
        follows = counted[i + 1] if i + 1 < len(counted) else None
        together = event.seq in within or (
            follows is not None
            and (
                _selection(event) == _selection(follows) is not None
                if by_hand
                else follows.kind == "given" and follows.row_number not in given_before
            )
        )
        if is_changed and trained and not together:
            sets.append(LabelledSet(f"{fingerprint:016x}", len(trained), event.seq))
            is_changed = False
    # What one of several people settled counts too: who works alone now can take it back.
    said = (e for e in reversed(in_force) if e.kind != "given" and e.row_number is not None)
    return History(
        trained,
        validated,
        corrected,
        frozenset(given),
        frozenset(unsure),
        later,
        n_passed,
        n_questions,
        n_by_hand,
        next(said, None),
        events[-1].seq if events else 0,
        tuple(sets),
        curated,
        curated_seq,
        frozenset(disputed),
        {row: used[row] for row in disputed},
        n_again=n_again,
        n_given_tested=len(tested),
        repeatable=repeatable,
        n_random=n_random,
        batch=batch,
    )


def as_learned(history: History, trained: History) -> History:
    """A history with those labels alone that its model learned from.

    ``trained`` is the one that the model is of: in mid-batch an earlier one.  What was said
    meanwhile of objects that do not train counts all the same.
    """
    if trained is history:
        return history
    own = None
    if history.own is not None and trained.own is not None:
        own = as_learned(history.own, trained.own)
    return replace(
        history, trained=trained.trained, given=trained.given, sets=trained.sets, own=own
    )


def _use(event: Event, before: Use | None) -> Use:
    """What a person's label of an object is for, beside what their labels of it were for before.

    What was chosen never validates, whoever comes upon it at random later, and what came up at
    random never trains.  What was asked about was in the pool, and its part may say otherwise only
    because somebody else was asked about it too; what somebody labelled at random is drawn again at
    random.
    """
    if before in ("trains", "validates"):
        return before
    if event.how in ("query", "initial"):
        return "trains"
    is_drawn = event.how == "random" or (event.how == "again" and event.part == "validation")
    if is_drawn and before is None:
        return "validates"
    return "corrects" if event.part in ("validation", "test") else "trains"


def _act(event: Event) -> str | None:
    """The act that gave an answer to many objects, None for an answer to one."""
    return None if event.payload is None else event.payload.get(TOGETHER)


def _selection(event: Event) -> str | None:
    """The act that labelled a selection, of whose objects nobody was asked; None of all else."""
    return _act(event) if batch_of(event) is None else None


def batch_of(event: Event) -> int | None:
    """The batch that an answer is about: the last event there was when it was made."""
    return None if event.payload is None else event.payload.get(BATCH)


def _batch(event: Event, made_at: int, n_passed: int) -> LastBatch:
    payload = event.payload or {}
    size = int(payload.get(SIZE, 1))
    n_objects = int(payload.get(OBJECTS, size))
    return LastBatch(made_at, size, event.strategy or "", n_passed, n_objects)


def _is_asked_alone(event: Event, classifier: str | None) -> bool:
    """Is it an answer to a classifier's query that is of no batch, so that none goes on after it?

    Where answers are shared there are those for others too.
    """
    is_query = event.kind in BY_HAND and event.how == "query" and batch_of(event) is None
    return is_query and event.classifier == classifier


def within_batches(
    in_force: Sequence[Event], curated: Mapping[int, str], *, by_person: bool = False
) -> frozenset[int]:
    """The events after which the batch goes on that the same person was asked about last.

    No labelled set ends with them, whatever they are about.
    """
    ahead: dict[str, tuple[int, str | None]] = {}  # and the classifier that it is of
    goes_on: dict[int, int | None] = {}
    for event in reversed(in_force):
        who = event.who if by_person else ""
        to_come, asked_for = ahead.get(who, (None, None))
        goes_on[event.seq] = to_come
        made_at = batch_of(event)
        # What is put off, or tests by now, ends no labelled set.
        if made_at is not None and event.kind != "later" and event.row_number not in curated:
            ahead[who] = made_at, event.classifier
        elif _is_asked_alone(event, asked_for):
            ahead.pop(who, None)
    latest: dict[str, int] = {}
    within = set()
    for event in in_force:
        who = event.who if by_person else ""
        made_at = batch_of(event)
        if made_at is not None:
            latest[who] = made_at
        if who in latest and goes_on[event.seq] == latest[who]:
            within.add(event.seq)
    return frozenset(within)


def act_fault(event: Event) -> tuple[str, str] | None:
    """The field of an event that cannot tell of an act so, and what it must be; or None.

    Whoever reads events of elsewhere asks: what folds them takes them as they are.
    """
    payload = (event.payload if event.kind in BY_HAND else None) or {}
    name = payload.get(TOGETHER, "")
    if not isinstance(name, str) or len(name) > MAX_ACT:
        return "payload", f"its '{TOGETHER}' must be a text of up to {MAX_ACT} letters"
    for field_, least in ((OF, 1), (BATCH, 0), (SIZE, 1), (OBJECTS, 1)):
        number = payload.get(field_, least)
        is_whole = isinstance(number, int) and not isinstance(number, bool)
        if not is_whole or not least <= number < 2**63:
            return "payload", f"its '{field_}' must be a whole number from {least}"
    return None


def given_with(events: Sequence[Event], last: Event) -> list[Event]:
    """The events of the act that an event is part of: itself alone, or an answer to many objects.

    ``events`` are those in effect.
    """
    act = _act(last)
    if act is None:
        return [last]
    return [event for event in events if _act(event) == act and event.who == last.who]


def _mark(row: int, label: str | None) -> int:
    """64 bits for a labelled object; their exclusive or stands for a labelled set."""
    if label is None:
        return 0
    digest = hashlib.blake2b(f"{row}\x00{label}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
