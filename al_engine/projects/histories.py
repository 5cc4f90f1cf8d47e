"""What the events of an open project amount to: for a classifier, for a person, for the test set.

Owns which of it is kept, and by what it is found again; what events mean is ``data.history``'s and
``data.people``'.  Must not know the catalogue, arrays or learners.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence

from al_engine.data.curated import CuratedSet, fold_curated
from al_engine.data.history import History
from al_engine.data.labels import AnswerLog, Event
from al_engine.data.merging import as_merged
from al_engine.data.people import history_of
from al_engine.data.sight import in_sight
from al_engine.settings.config import ProjectConfig


class Histories:
    """The histories of one log, under the settings that ``config`` says are in force.

    The log's lock rules both.
    """

    def __init__(self, log: AnswerLog, config: Callable[[], ProjectConfig]) -> None:
        self._log = log
        self._config = config
        self._histories: dict[tuple[str, str], tuple[Hashable, History]] = {}
        self._formers: dict[tuple[str, str], tuple[object, History]] = {}
        self._curated: tuple[Hashable, CuratedSet] = (None, CuratedSet())
        self._merged: tuple[dict[str, str], list[Event]] = ({}, [])

    def put_away(self) -> None:
        """Give back the memory."""
        self._histories.clear()
        self._formers.clear()

    def history(self, classifier: str, who: str = "") -> History:
        """What the events of a classifier amount to by now, for one person or for nobody."""
        with self._log.lock:
            events, config = self.events(classifier), self._config()
            key = (classifier, who if config.people.several else "")
            last_seq = events[-1].seq if events else 0
            moment = (
                last_seq,
                self._curated_in_use().last_seq,
                config.people,
                config.asking.shared,
                tuple(config.merged_into.items()),
            )
            held = self._histories.get(key)
            if held is None or held[0] != moment:
                held = self._histories[key] = (moment, self.fold(events, who))
            return held[1]

    def history_at(self, classifier: str, who: str, seq: int) -> History:
        """What the events of a classifier amounted to for one person once ``seq`` had happened.

        The settings and the curated test set are those in force now.
        """
        with self._log.lock:
            now = self.history(classifier, who)
            config = self._config()
            key = (classifier, who if config.people.several else "")
            moment = (seq, now.curated_seq, config.people, config.asking, config.merged_into)
            held = self._formers.get(key)
            if held is None or held[0] != moment:
                events = [event for event in self.events(classifier) if event.seq <= seq]
                held = self._formers[key] = (moment, self.fold(events, who))
            return held[1]

    def history_under(self, config: ProjectConfig, classifier: str) -> History:
        """What the events of a classifier would amount to under some settings, for nobody."""
        with self._log.lock:
            merged = as_merged(self._log.events(), config.merged_into)
            events = in_sight(merged, classifier, shared=config.asking.shared)
            curated = self._curated_under(config)
            return history_of(events, "", config.people, curated.labels, curated.last_seq)

    def moment(self, classifier: str) -> tuple[int, int]:
        """The last events that a classifier's history goes by: its own, and the test set's."""
        with self._log.lock:
            events = self.events(classifier)
            return events[-1].seq if events else 0, self._curated_in_use().last_seq

    def fold(
        self, events: Sequence[Event], who: str = "", *, testing: int | None = None
    ) -> History:
        """What some events of a classifier amount to for one person, beside the test set.

        ``testing`` is the row of an object that is taken to test as well.
        """
        curated = self._curated_in_use()
        labels = curated.labels if testing is None else {**curated.labels, testing: ""}
        return history_of(events, who, self._config().people, labels, curated.last_seq)

    def has_begun(self, classifier: str) -> bool:
        """Was anything said for a classifier, whatever counts for it besides?"""
        return any(event.classifier == classifier for event in self.all_events())

    def events(self, classifier: str) -> list[Event]:
        """The events that count for a classifier by the settings in force, in order."""
        with self._log.lock:
            return in_sight(self.all_events(), classifier, shared=self._config().asking.shared)

    def all_events(self) -> list[Event]:
        """The events of the log by the labels in force: what is merged counts as one.

        For what is to be read, not for what is to be written again.
        """
        with self._log.lock:
            into, n = self._config().merged_into, self._log.n_events
            if not into:
                return self._log.events()
            # Undo and events to come leave those before as they are.
            held_into, held = self._merged
            if held_into != into or len(held) > n:
                held = []
            held = [*held, *as_merged(self._log.events()[len(held) :], into)]
            self._merged = (into, held)
            return list(held)

    def curated(self) -> CuratedSet:
        """The curated test set by now, in use or not."""
        with self._log.lock:
            events, into = self._log.curated_events(), self._config().merged_into
            moment = (events[-1].seq if events else 0, tuple(into.items()))
            if self._curated[0] != moment:
                self._curated = moment, fold_curated(as_merged(events, into))
            return self._curated[1]

    def tested(self, config: ProjectConfig) -> Mapping[int, str]:
        """The labels of the curated test set by row, where some settings use it."""
        return self._curated_under(config).labels

    def _curated_in_use(self) -> CuratedSet:
        return self._curated_under(self._config())

    def _curated_under(self, config: ProjectConfig) -> CuratedSet:
        return self.curated() if config.splits.curated else CuratedSet()
