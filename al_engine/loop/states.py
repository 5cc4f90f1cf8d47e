"""The state of each classifier for one person: made from the project, and held while it is true.

Owns what is at hand of the present, how the past is made again, and what is begun ahead.  What a
state is stands in ``state``, how its round is made in ``making``.  Writes no event: it keeps what
is measured of a round, and nothing that a person did.
"""

import weakref
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from al_engine.data.history import History, in_effect
from al_engine.errors import SettingsError
from al_engine.learning.stopping import as_text
from al_engine.loop.fitting import Fit
from al_engine.loop.making import RoundMaker
from al_engine.loop.rounds import Round
from al_engine.loop.saving import SavedModels
from al_engine.loop.scores import RoundScores
from al_engine.loop.state import WATCHED, ScoredRound, State, made_state
from al_engine.projects.project import Project
from al_engine.settings.config import ProjectConfig


@dataclass(frozen=True)
class Standing:
    """A state, and what it was made of.

    ``moment`` names all that it depends on.  ``whole`` is everybody's history, of which ``state``
    has what the person may see; ``trained`` is that which its model is of: in mid-batch an earlier
    one.
    """

    moment: Hashable
    state: State
    whole: History
    trained: History


class States:
    """Where the classifiers of one project stand, for one person.

    Parameters
    ----------
    who : the person, whose name stands beside each answer
    maker : makes their rounds, and keeps the present fit of each
    """

    def __init__(self, project: Project, who: str, maker: RoundMaker) -> None:
        self.who = who
        self._project = project
        self._maker = maker
        self._saved = SavedModels(project)
        self._held: dict[str, Standing] = {}

    def at_hand(self, classifier: str) -> Standing | None:
        """What was made last, whether or not it is still true."""
        return self._held.get(classifier)

    def all_at_hand(self) -> Collection[Standing]:
        """What was made last of every classifier, whether or not it is still true."""
        return self._held.values()

    def drop(self, classifier: str) -> None:
        """Forget a classifier that is no more; it is made again if it comes back."""
        self._maker.learners.pop(classifier, None)
        self._held.pop(classifier, None)

    def put_away(self) -> None:
        """Give back the memory."""
        self._held.clear()
        self._maker.put_away()

    def present(self, classifier: str) -> Standing:
        """The present, made from the project where it is not at hand.

        Everything is from one look at the settings: another tab may change them meanwhile.
        """
        config = started_config(self._project, classifier)
        history = self._project.history(classifier, self.who)
        moment = (history.last_seq, history.curated_seq, config, self.who)
        before, learners = self._held.get(classifier), self._maker.learners
        if before is not None and before.moment == moment and classifier in learners:
            return before
        made = self._maker.make(
            classifier,
            config,
            history,
            history_at=partial(self._project.history_at, classifier, self.who),
        )
        if made.fit is not None and made.scores is not None:
            self._keep_round(classifier, config, made.fit, made.scores)
        rounds = self.rounds(classifier, config, made.trained)
        state = made_state(classifier, config, history, made, rounds)
        held = self._held[classifier] = Standing(moment, state, history, made.trained)
        if before is not None and config.asking.shared and state.fit is not before.state.fit:
            self._saved.save(state, made.trained)  # an answer for another classifier led to it
        if state.fit is not None:
            learners[classifier] = state.fit
        else:
            learners.pop(classifier, None)
        return held

    def past(self, classifier: str, number: int) -> Standing:
        """An earlier round (0 is the first), trained again."""
        present = self.present(classifier).state
        if not 0 <= number < len(present.history.sets):
            raise SettingsError(
                f"There is no round {number}.", f"Rounds go from 0 to {len(present.rounds) - 1}."
            )
        last = present.history.sets[number].seq
        events = in_effect(self._project.events(classifier))
        history = self._project.fold([event for event in events if event.seq <= last], self.who)
        config = started_config(self._project, classifier)
        made = self._maker.make(classifier, config, history)
        rounds = self.rounds(classifier, config, made.trained)
        state = made_state(classifier, config, history, made, rounds, number)
        return Standing(("past", number), state, history, made.trained)

    def rounds(
        self, classifier: str, config: ProjectConfig, history: History
    ) -> tuple[ScoredRound, ...]:
        """Every round of a history with what was measured of it."""
        kept = self._project.log.rounds(classifier)
        found = [kept.get(key) for key in self._maker.keys(classifier, config, history.sets)]
        return tuple(
            ScoredRound(
                i,
                labelled,
                RoundScores.from_dict(scores) if scores else None,
                str(scores.get(WATCHED, "")) if scores else "",
            )
            for i, (labelled, scores) in enumerate(zip(history.sets, found, strict=True))
        )

    def _keep_round(
        self, classifier: str, config: ProjectConfig, fit: Fit, scores: RoundScores
    ) -> None:
        """Keep what is measured of a round, and what its model says of the fixed sample."""
        kept = self._project.log.rounds(classifier).get(fit.key)
        said = as_text(fit.predicted[self._project.prepare(config).watched])
        measured = {**scores.to_dict(), WATCHED: said}
        if kept != measured:
            self._project.keep_round(classifier, fit.key, fit.n_labelled, measured)

    def look_ahead(
        self,
        classifier: str,
        draws: Sequence[Callable[[State, Callable[[], bool]], None]] = (),
        expect: Callable[[int], None] | None = None,
    ) -> None:
        """Begin to make what each possible answer to the present question leads to.

        It changes no result; an answer that comes before it is ready is dealt with as without it.

        Parameters
        ----------
        draws : methods that are called in another thread with each state that is ready, whose
            ``rounds`` are those of the present, and with a function that says whether it is still
            wanted; their objects are not kept for that
        expect : such a method too, called with the row of each question that may come next, as
            soon as that is known
        """
        state = self.present(classifier).state
        config = state.config
        if state.question is None:
            return

        drawing = [weakref.WeakMethod(draw) for draw in draws]
        expecting = None if expect is None else weakref.WeakMethod(expect)

        def draw_it(history: History, made: Round, is_wanted: Callable[[], bool]) -> None:
            to_come = made_state(classifier, config, history, made, state.rounds)
            for draw in drawing:
                if (still_there := draw()) is not None:
                    still_there(to_come, is_wanted)

        def expect_it(row: int) -> None:
            still_there = expecting and expecting()
            if still_there:
                still_there(row)

        events = self._project.events(classifier)
        self._maker.look_ahead(
            classifier, config, events, state.question, state.token, self.who, draw_it, expect_it
        )


def started_config(project: Project, classifier: str) -> ProjectConfig:
    """The settings in force, in which the classifier is set up."""
    config = project.config
    name = config.label_name(classifier)
    if classifier not in config.train_labels:
        raise SettingsError(f"There is no classifier for '{name}'.", "Add it in the settings.")
    if classifier not in config.setups:
        raise SettingsError(
            f"The classifier for '{name}' is not set up yet.",
            "Choose its model on the Training page.",
        )
    return config
