"""Curating the test set: what a search finds, which object comes next, and what is answered.

Owns the order of a draw and the refusals; what the answers amount to is ``data.curated``'s.  Must
not know pages, nor what a classifier makes of the objects: nobody is to be led by it.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from al_engine.data.curated import MET, CuratedSet, How
from al_engine.data.history import History, in_effect
from al_engine.data.labels import CURATED, Event
from al_engine.data.people import shown_to
from al_engine.data.search import Searched, search_sql
from al_engine.errors import AnswerRefusedError
from al_engine.exchange.curated import CuratedFile, read_test_set, write_test_set
from al_engine.learning.metrics import share
from al_engine.learning.selection import tie_keys
from al_engine.loop.answering import refuse_unknown
from al_engine.loop.state import seen_by
from al_engine.loop.truth import Rows
from al_engine.mixing import Keys
from al_engine.session import LabellingSession
from al_engine.settings.criteria import Search

Draw = Literal["criteria", "audit"]

# Draws of different purposes must not be the same draw.
_ORDERS: dict[Draw, int] = {"criteria": 0x54, "audit": 0x55}
_LIKELY_RIGHT = 0.9  # the share at which it is said how well so many objects tell it
FOUND_KEPT = 4


@dataclass(frozen=True)
class Matches:
    """The objects that a search finds: which, shape (n_rows,), and how many; ``of`` names it."""

    of: Hashable
    is_match: npt.NDArray[np.bool_]
    n: int


@dataclass(frozen=True)
class Shown:
    """The object on the screen, how it came there, and the moment it did."""

    row: int
    how: How
    token: str


class Curator:
    """One person's curating of a project's test set."""

    def __init__(self, session: LabellingSession) -> None:
        self.session = session
        self._project = session.project
        self._found: OrderedDict[Hashable, Matches] = OrderedDict()
        self._next: tuple[Hashable, int | None] | None = None

    @property
    def curated(self) -> CuratedSet:
        """The test set as it stands."""
        return self._project.curated()

    # -- searching --

    def searched(self) -> Searched:
        """What can be searched."""
        config = self.session.config
        return Searched(self._project.catalogue, config.features, config.columns.missing)

    def found(self, search: Search | None) -> Matches:
        """All objects that a search finds; nobody where there is none that can be carried out.

        Raises
        ------
        UnknownColumnError, SettingsError : it cannot be carried out on this catalogue
        """
        condition, values = "false", list[Any]()
        if search is not None:
            condition, values = search_sql(search, self.searched())
        key = (condition, tuple(values))
        if key not in self._found:
            is_match = self._project.catalogue.rows_where(condition, values)
            self._found[key] = Matches(key, is_match, int(np.count_nonzero(is_match)))
            while len(self._found) > FOUND_KEPT:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        return self._found[key]

    # -- drawing --

    def next_object(
        self, draw: Draw, search: Search | None, selected: int | None = None
    ) -> Shown | None:
        """The object to answer about: the selected one, else the first of the draw.

        None where nobody is left, or nothing can be searched.  Drawn by criteria, an object is
        neither in the test set, nor trained on, nor labelled by a person; an audit leaves out
        nobody but those that were answered about already.
        """
        curated = self.curated
        if selected is not None:
            return Shown(selected, "chosen", f"{curated.last_seq}:{selected}:chosen")
        if search is None and draw == "criteria":
            return None
        config = self.session.config
        histories = [self._project.history(classifier) for classifier in config.setups]
        matches = self.found(search if search is not None and draw == "criteria" else Search())
        # A page is drawn many times for one draw.
        drawn_from = (
            draw, matches.of, curated.last_seq, tuple(h.last_seq for h in histories), repr(config),
        )  # fmt: skip
        if self._next is None or self._next[0] != drawn_from:
            if draw == "audit":
                row = self._audited(curated)
            else:
                row = self._drawn(curated, matches, histories)
            self._next = drawn_from, row
        row = self._next[1]
        return None if row is None else Shown(row, draw, f"{curated.last_seq}:{row}:{draw}")

    def _drawn(
        self, curated: CuratedSet, matches: Matches, histories: Sequence[History]
    ) -> int | None:
        open_ = matches.is_match.copy()
        open_[list(curated.how)] = False
        for history in histories:
            open_[list(history.trained.keys() | history.verified.keys())] = False
        rows = np.flatnonzero(open_)
        return int(rows[self._order("criteria", rows).argmin()]) if len(rows) else None

    def _audited(self, curated: CuratedSet) -> int | None:
        keys = self._order("audit").copy()
        answered = list(curated.how)
        if len(answered) >= len(keys):
            return None
        keys[answered] = np.iinfo(np.uint64).max
        return int(keys.argmin())

    def _order(self, draw: Draw, rows: Rows | None = None) -> Keys:
        """In which order objects are drawn, lowest first: all of them, or some.

        An audit goes on in the order in which it began, whatever the seed is by now.
        """
        seed = self.session.config.splits.seed
        if draw == "audit":
            begun = (e.payload for e in self._project.log.curated_events() if e.how == "audit")
            seed = next((int(p["seed"]) for p in begun if p and "seed" in p), seed)
        keys = self._project.dataset().keys
        return tie_keys(keys if rows is None else keys[rows], seed, _ORDERS[draw])

    # -- answering --

    def answer(
        self,
        row: int,
        kind: Literal["answer", "unsure"],
        label: str | None = None,
        *,
        token: str,
        search: Search | None = None,
        seconds: float | None = None,
    ) -> CuratedSet:
        """Take an answer about one object; it is on disk when this returns.

        Parameters
        ----------
        token : ``Shown.token`` of what was on the screen
        search : what the object was drawn from, where it was drawn by criteria; one that does not
            find it is not kept with it

        Raises
        ------
        AnswerRefusedError : no such object or label, or it was answered about since
        """
        if not 0 <= row < self._project.catalogue.n_rows:
            raise AnswerRefusedError(
                f"There is no object in row {row}.",
                f"Rows go from 0 to {self._project.catalogue.n_rows - 1}.",
            )
        how = _how_of(token, row)
        if how == "criteria" and not self.found(search).is_match[row]:
            how = "chosen"  # drawn from other criteria than those that would be kept with it
        with self._writing():
            self._refuse_stale(row, token)
            if kind == "answer":
                refuse_unknown(label, self.session.config.labels)
            event = Event(
                kind,
                self.session.who,
                row_number=row,
                object_id=self.session.object_id(row),
                label=label if kind == "answer" else None,
                how=how,
                part=CURATED,
                seconds=seconds,
                payload=self._drawn_from(row, how, search),
            )
            self._project.log.append(event)
        return self.curated

    def trains(self, row: int) -> tuple[str, ...]:
        """The classifiers that an object trains; blind, none that it trains by others' labels."""
        config, who, found = self.session.config, self.session.who, []
        for classifier in config.setups:
            history = self._project.history(classifier, who)
            kept_back = shown_to(history, config.people, ()).kept_back
            if row in history.trained and row not in kept_back:
                found.append(classifier)
        return tuple(found)

    def rounds_lost(self, row: int) -> dict[str, int]:
        """For each classifier that an object trains how many rounds it is in; none out of use.

        They were made with it, and so do not compare with rounds that it tests.
        """
        lost: dict[str, int] = {}
        if not self.session.config.splits.curated:
            return lost
        for classifier in self.trains(row):
            events, sets = self._project.events(classifier), self._project.history(classifier).sets
            kept = {labelled.key for labelled in self._project.fold(events, testing=row).sets}
            lost[classifier] = sum(labelled.key not in kept for labelled in sets)
        return lost

    def _drawn_from(self, row: int, how: How, search: Search | None) -> dict[str, Any] | None:
        """What is kept of a draw: enough to tell later what it was a sample of."""
        config, curated = self.session.config, self.curated
        if how == "criteria":
            assert search is not None, "it has found the object"
            return {"seed": config.splits.seed, "search": asdict(search)}
        if how != "audit":
            return None
        # Those that it met before, and passed because they had an answer, are in the sample too:
        # else it would hold too few of what the criteria drew.
        order = self._order("audit")
        answered = {e.row_number: e.seq for e in in_effect(self._project.log.curated_events())}
        met = [answered[r] for r in curated.how if r not in curated.audit and order[r] < order[row]]
        begun = any(e.how == "audit" for e in self._project.log.curated_events())
        return {MET: met} | ({} if begun else {"seed": config.splits.seed})

    def _refuse_stale(self, row: int, token: str) -> None:
        for event in self._project.log.curated_events():
            if event.seq > seen_by(token) and event.row_number == row:
                raise AnswerRefusedError(
                    f"{event.object_id} was answered about meanwhile.", "Here is what comes next."
                )

    def undo(self, *, token: str) -> tuple[Event, ...]:
        """Take back the last answer, or all that was read from the last file; the log keeps both.

        Returns
        -------
        the events that were taken back

        Raises
        ------
        AnswerRefusedError : there is nothing, or another tab has answered since ``token``
        """
        with self._writing():
            curated = self.curated
            if not curated.last:
                raise AnswerRefusedError("There is nothing to undo.", "Answer about one first.")
            if seen_by(token) != curated.last_seq:
                raise AnswerRefusedError(
                    "Something was answered in another tab meanwhile.", "Look, then undo again."
                )
            who = self.session.who
            undos = [
                Event(
                    "undo",
                    who,
                    row_number=event.row_number,
                    object_id=event.object_id,
                    part=CURATED,
                    undoes=event.seq,
                )
                for event in curated.last
            ]
            self._project.log.append(*undos)
        return curated.last

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Look at the log and write to it in one step.

        Models and scores without what tests by then are made after it: what is being saved in the
        background looks at the log too.
        """
        with self._project.log.lock:
            yield
        self._project.touch()
        self.session.follow_test_set()

    # -- the file --

    def read_file(self, content: bytes, name: str) -> tuple[CuratedFile, int]:
        """Add what a ``test_set.json`` says; what it says otherwise than before is changed.

        Returns
        -------
        read : what the file says, with what of it could not be used
        n_changed : how many objects have another answer now

        Raises
        ------
        UnreadableFileError : the file is malformed; nothing is changed
        """
        config, catalogue = self.session.config, self._project.catalogue
        id_column = config.columns.id
        read = read_test_set(content, config, lambda ids: catalogue.find_rows(id_column, ids))
        with self._writing():
            curated = self.curated
            answers: dict[int, str | None] = {**read.labels, **dict.fromkeys(read.unsure)}
            changed = [
                row
                for row, label in answers.items()
                if (
                    row not in curated.unsure if label is None else curated.labels.get(row) != label
                )
            ]
            ids = self.session.object_ids(changed)
            events = [
                Event(
                    "unsure" if answers[row] is None else "answer",
                    self.session.who,
                    row_number=row,
                    object_id=object_id,
                    label=answers[row],
                    how="file",
                    part=CURATED,
                    payload={"file": name},
                )
                for row, object_id in zip(changed, ids, strict=True)
            ]
            self._project.log.append(*events)
        return read, len(changed)

    def file(self) -> bytes:
        """The test set as a ``test_set.json``."""
        curated = self.curated
        ids = self.session.object_ids(curated.rows)
        labels = (curated.labels.get(row) for row in curated.rows)
        return write_test_set(list(zip(ids, labels, strict=True)))


def known_to_within(n: int) -> float:
    """Half the 95% interval of an accuracy of 0.9 that is measured on so many objects.

    >>> round(known_to_within(500), 3)
    0.026
    """
    accuracy = share(round(_LIKELY_RIGHT * n), n)
    return 1.0 if accuracy.high is None else (accuracy.high - (accuracy.low or 0.0)) / 2


def _how_of(token: str, row: int) -> How:
    """How an object came up when a token was made."""
    _, _, shown = token.partition(":")
    asked, _, how = shown.partition(":")
    return how if asked == str(row) and how in get_args(How) else "chosen"  # type: ignore[return-value]
