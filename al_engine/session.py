"""Conducts the loop: takes an answer, puts it on disk, makes the next round, asks again.

Owns the order of things; what each step does lives in ``rounds``, ``data`` and ``exchange``.
Pages talk to this and to nothing below it.  Must not know Streamlit.
"""

import math
from collections.abc import Callable, Hashable, MutableMapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from al_engine.background import BACKGROUND
from al_engine.data.history import History, LabelledSet, as_learned, given_with, in_effect
from al_engine.data.labels import SUREST, Event
from al_engine.errors import (
    AlEngineError,
    AnswerRefusedError,
    ContractError,
    SettingsError,
    WorkCancelled,
)
from al_engine.exchange.configuration import Layout
from al_engine.exchange.models import model_stem
from al_engine.jobs import Cancelled
from al_engine.lookahead import Overtaken
from al_engine.loop.answering import (
    acts_of,
    answer_event,
    answer_events,
    refuse_stale,
    refuse_unknown,
)
from al_engine.loop.beginning import given_labels
from al_engine.loop.calibrating import Calibrated, calibrated
from al_engine.loop.fitting import Fit, learner_spec, refuse_pool
from al_engine.loop.making import BYTES_AN_OBJECT, MOST_AHEAD, RoundMaker
from al_engine.loop.recording import Moment, layout_of, moment, record_soon
from al_engine.loop.saving import SavedModels
from al_engine.loop.state import ScoredRound, State, seen_by
from al_engine.loop.states import Standing, States, started_config
from al_engine.loop.together import as_one_act, undoing
from al_engine.loop.truth import Rows
from al_engine.projects.project import Project
from al_engine.settings.config import ALL_LABELS, ClassifierSetup, ProjectConfig

__all__ = ["LabellingSession", "ScoredRound", "State"]


class LabellingSession:
    """One person's work on one project.

    What a state holds of other people's answers is what that person may see.

    Parameters
    ----------
    project : shared with every other session of the process
    who : the name that stands beside each answer
    learners : where the present fit of each classifier is kept; a cache, rebuilt when emptied
    """

    def __init__(
        self, project: Project, who: str, learners: MutableMapping[str, Fit] | None = None
    ) -> None:
        self.project = project
        self._saved = SavedModels(project)
        self._maker = RoundMaker(project, {} if learners is None else learners)
        self._states = States(project, who, self._maker)
        self._calibrated: dict[str, tuple[Hashable, Calibrated | None]] = {}
        project.at_forget(self.put_away)

    def put_away(self) -> None:
        """Give back the memory; all of it is made again where it is wanted."""
        self._states.put_away()
        self._calibrated.clear()

    @property
    def who(self) -> str:
        """The name that stands beside each answer."""
        return self._states.who

    @who.setter
    def who(self, name: str) -> None:
        self._states.who = name

    @property
    def learners(self) -> MutableMapping[str, Fit]:
        """Where the present fit of each classifier is kept."""
        return self._maker.learners

    @learners.setter
    def learners(self, learners: MutableMapping[str, Fit]) -> None:
        self._maker.learners = learners

    @property
    def config(self) -> ProjectConfig:
        return self.project.config

    @property
    def layout(self) -> Layout:
        """How the project is looked at; no round depends on it."""
        return layout_of(self.project)

    def is_started(self, classifier: str) -> bool:
        return classifier in self.config.setups

    # -- where things stand --

    def state(self, classifier: str) -> State:
        """The present state of a classifier, made from the project where it is not at hand."""
        return self.standing(classifier).state

    def whole_state(self, classifier: str) -> State:
        """The present state with everybody's answers, for numbers over many objects.

        Nothing of a single object may be shown from it: people may answer blind.
        """
        present = self.standing(classifier)
        learned = as_learned(present.whole, present.trained)
        return replace(present.state, history=present.whole, learned=learned)

    def fault(self, classifier: str) -> AlEngineError | None:
        """Why a classifier has no state: its settings name what is not there, or what fails."""
        try:
            self.state(classifier)
        except (ContractError, SettingsError) as error:
            return error
        return None

    def past_state(self, classifier: str, number: int) -> State:
        """The state as it was in an earlier round (0 is the first), trained again."""
        return self.standing(classifier, number).state

    def standing(self, classifier: str, past: int | None = None) -> Standing:
        """The present state, or one of the past, with all that it was made of.

        That is everybody's answers: nothing of a single object may be shown from it.
        """
        if past is None:
            return self._states.present(classifier)
        return self._states.past(classifier, past)

    def look_ahead(
        self,
        classifier: str,
        draws: Sequence[Callable[[State, Callable[[], bool]], None]] = (),
        expect: Callable[[int], None] | None = None,
    ) -> None:
        """Begin to make what each possible answer leads to, as ``States.look_ahead`` says."""
        self._states.look_ahead(classifier, draws, expect)

    def round_key(self, classifier: str, labelled: LabelledSet) -> str:
        """Names the round of a labelled set under the settings in force."""
        return self._maker.key(classifier, self.config, labelled)

    def trouble(self) -> AlEngineError | None:
        """What went wrong with writing a model or scores since this was asked last."""
        return BACKGROUND.failure(self.project)

    @property
    def ahead_mb_needed(self) -> int:
        """The memory (MB) that making the answers to a question ahead takes."""
        is_over_all = ALL_LABELS in self.config.train_labels
        n = min(len(self.config.labels_in_use), MOST_AHEAD) if is_over_all else 2
        return math.ceil(n * BYTES_AN_OBJECT * self.project.catalogue.n_rows / 1e6)

    def object_id(self, row: int) -> str:
        """The id of an object, as text."""
        return self.object_ids([row])[0]

    def object_ids(self, rows: Sequence[int] | Rows) -> list[str]:
        """The ids of some objects, as text, in the order asked."""
        return self.project.catalogue.object_ids(self.config.columns.id, [int(r) for r in rows])

    # -- settings --

    def rounds_lost(self, edited: ProjectConfig) -> dict[str, int]:
        """For each classifier how many rounds could not be compared under other settings."""
        lost = {}
        for classifier in self.config.setups:
            before, after = (self._maker.settings_key(classifier, c) for c in (self.config, edited))
            n_rounds = len(self.project.history(classifier).sets)
            if before != after and n_rounds:
                lost[classifier] = n_rounds
        return lost

    def change_settings(
        self,
        edited: ProjectConfig,
        *,
        made_from: ProjectConfig | None = None,
        how: str | None = None,
        undoes: int | None = None,
    ) -> None:
        """Put settings in force; labels stay, and models are made again where they must be.

        Settings that fit no data or no model are refused before they are in force, and so are
        those ``made_from`` others than are in force by then; None are those of this moment.
        ``how`` and ``undoes`` are those of their event in the log.
        """
        was = made_from or self.config
        lost = self.rounds_lost(edited)
        specs = {c: learner_spec(setup, edited.splits.seed) for c, setup in edited.setups.items()}
        for classifier, spec in specs.items():
            model_stem(classifier, spec)
            refuse_pool(self.project.prepare(edited), spec)
        self.project.change_config(edited, was, self.who, how=how, undoes=undoes)
        for classifier in was.setups.keys() - edited.setups.keys():
            self._states.drop(classifier)
        if lost or _whose(edited) != _whose(was) or _lines(edited) != _lines(was):
            self.restore_models()
        self.record_soon()

    # -- what a person does --

    def start(self, classifier: str, setup: ClassifierSetup) -> State:
        """Begin to train a classifier, or go on with it under another set-up."""
        config = self.config
        if classifier not in config.train_labels:
            raise SettingsError(
                f"There is no classifier for '{classifier}'.", "Add it in the settings."
            )
        refuse_pool(self.project.prepare(config), learner_spec(setup, config.splits.seed))
        given = given_labels(self.project, classifier, config, setup)
        with self.project.log.lock:
            # Two tabs may start at once: the first one's objects are the ones to start with.
            # Its own events: what was answered for another leaves it without first labels.
            begun = self.project.histories.has_begun(classifier)
            config = self.config
            self.project.save_config(
                replace(config, setups={**config.setups, classifier: setup}),
                self.who,
                *(() if begun else given),
            )
        present = self.standing(classifier)
        state = present.state
        self._saved.save(state, present.trained)
        self.record_soon()
        self.project.touch()
        return state

    def take_on(
        self, edited: ProjectConfig, made_from: ProjectConfig, first_labels: Sequence[Event]
    ) -> None:
        """Put settings in force, and begin with their classifiers, in one go.

        Raises
        ------
        SettingsError : as ``change_settings`` does for those ``made_from`` others
        """
        with self.project.log.lock:
            begun = {c for c in edited.setups if self.project.histories.has_begun(c)}
            first_labels = [event for event in first_labels if event.classifier not in begun]
            self.project.change_config(edited, made_from, self.who, *first_labels)
        self.restore_models()
        self.record_soon()
        self.project.touch()

    def answer(
        self,
        classifier: str,
        row: int,
        kind: Literal["answer", "unsure", "later"],
        label: str | None = None,
        *,
        token: str,
        seconds: float | None = None,
        confidence: int | None = None,
    ) -> State:
        """Take an answer about one object; it is on disk before anything is computed from it.

        Parameters
        ----------
        row : the object that was on the screen
        label : one of the project's labels, for an ``answer``
        token : ``State.token`` of what was on the screen
        confidence : how sure the person is of an ``answer``, from 1 to 3, where they say so

        Raises
        ------
        AnswerRefusedError : the object was answered since (in another tab, or by a key pressed
            twice), is left out by the settings, or the label is not one of the project's
        """
        if confidence is not None and not (kind == "answer" and 1 <= confidence <= SUREST):
            raise AnswerRefusedError(
                f"The confidence is {confidence}.",
                f"An answer has one from 1 to {SUREST}, or none.",
            )
        config = started_config(self.project, classifier)
        event = answer_event(self.project, config, classifier, row, kind, label, token, self.who)
        event = replace(
            event,
            probability=self._probabilities(classifier, [row])[0],
            seconds=seconds,
            confidence=confidence,
        )
        before = self._states.at_hand(classifier)
        with self.project.log.lock:
            refuse_stale(self.project, classifier, {row}, token, self.who)
            if kind == "answer":
                refuse_unknown(label, self.config.labels_in_use)  # left out meanwhile
            self.project.log.append(event)
        return self._after(classifier, before.state if before else None)

    def answer_some(
        self,
        classifier: str,
        rows: Sequence[int],
        kind: Literal["answer", "unsure", "later"],
        label: str | None = None,
        *,
        token: str,
        seconds: float | None = None,
    ) -> State:
        """Take the same answer about several objects of the batch, as one act: as ``answer`` does.

        Parameters
        ----------
        seconds : that the person took for all of them
        """
        config = started_config(self.project, classifier)
        rows = list(dict.fromkeys(rows))
        events = answer_events(self.project, config, classifier, rows, kind, label, token, self.who)
        given = [
            replace(event, probability=p, seconds=None if seconds is None else seconds / len(rows))
            for event, p in zip(events, self._probabilities(classifier, rows), strict=True)
        ]
        before = self._states.at_hand(classifier)
        with self.project.log.lock:
            refuse_stale(self.project, classifier, set(rows), token, self.who)
            if kind == "answer":
                refuse_unknown(label, self.config.labels_in_use)  # left out meanwhile
            self.project.log.append(*as_one_act(given))
        return self._after(classifier, before.state if before else None)

    def make_before(
        self, classifier: str, config: ProjectConfig, history: History, cancelled: Cancelled
    ) -> None:
        """Make the round of a history that is to come, to be found at hand by then.

        Raises
        ------
        WorkCancelled : ``cancelled`` said so, and everything is as it was
        """
        try:
            if not cancelled():
                self._maker.make(classifier, config, history, is_wanted=lambda: not cancelled())
        except Overtaken:
            pass
        if cancelled():
            raise WorkCancelled("It was cancelled: everything is as it was.", "")

    def undo(self, classifier: str, *, token: str) -> State:
        """Take back the last answer, Unsure or Later of this classifier; the log keeps both.

        Where several people answer, the last of one's own; where answers are shared, the last
        that counts here, for whichever it was given.
        """
        started_config(self.project, classifier)
        before = self._states.at_hand(classifier)
        with self.project.log.lock:
            last = self.project.history(classifier, self.who).last
            if last is None:
                raise AnswerRefusedError("There is nothing to undo.", "Answer a question first.")
            if acts_of(self.project, classifier, self.who)[-1].seq > seen_by(token):
                raise AnswerRefusedError(
                    "Something was answered in another tab meanwhile.", "Look, then undo again."
                )
            self.project.log.append(*undoing(self.who, self.last_act(classifier)))
        return self._after(classifier, before.state if before else None)

    def last_act(self, classifier: str) -> list[Event]:
        """What an undo takes back: one answer, or those that were given together."""
        last = self.project.history(classifier, self.who).last
        return [] if last is None else given_with(in_effect(self.project.events(classifier)), last)

    def _probabilities(self, classifier: str, rows: Sequence[int]) -> list[float | None]:
        """What the classifier gives to objects now, where that is at hand without training."""
        config, fit = self.config, self.learners.get(classifier)
        history = self.project.history(classifier, self.who)
        sets, held = history.sets, self._states.at_hand(classifier)
        if held is not None and held.state.batch:  # of the model before the batch
            sets = held.trained.sets
        if fit is None or not sets or fit.key != self._maker.key(classifier, config, sets[-1]):
            return [None] * len(rows)
        return [None if np.isnan(p) else float(p) for p in fit.proba[list(rows)]]

    def follow(self, classifier: str) -> State:
        """Make what follows from an event that another than this has written."""
        before = self._states.at_hand(classifier)
        return self._after(classifier, before.state if before else None)

    def _after(self, classifier: str, before: State | None) -> State:
        """What follows from what was just written: the next round, its files, the note."""
        present = self.standing(classifier)
        state = present.state
        if before is None or state.fit is not before.fit or state.scores != before.scores:
            self._saved.save(state, present.trained)
        self.record_soon()
        self.project.touch()
        return state

    def follow_test_set(self) -> None:
        """Make what follows from another test set: rounds and files without its objects."""
        started = [c for c in self.config.setups if c in self.config.train_labels]
        for classifier in started if self.config.splits.curated else ():
            before = self._states.at_hand(classifier)
            if self.fault(classifier) is None:
                self._after(classifier, before.state if before else None)
        self.record_soon()

    # -- models, and what is written beside them --

    def restore_models(self) -> None:
        """Remake the model of each started classifier whose file is missing or of another round.

        One that cannot be made now keeps no other from it, nor the project from being opened.
        Where texts are not counted yet nothing is made: that is waited for where it can be seen.
        """
        if not self.project.is_counted:
            return
        for classifier in self.config.setups:
            if classifier in self.config.train_labels and self.fault(classifier) is None:
                present = self.standing(classifier)
                if not self._saved.is_current(present.state):
                    self._saved.save(present.state, present.trained)

    def calibrated(self, classifier: str, setup: ClassifierSetup) -> Calibrated | None:
        """What a set-up's calibration and threshold would do on validation; None without a model.

        ``setup`` may be one that is only tried.
        """
        state = self.whole_state(classifier)
        if state.fit is None:
            return None
        key = (state.fit, setup, state.history.last_seq, state.history.curated_seq)
        held = self._calibrated.get(classifier)
        if held is None or held[0] != key:
            made = calibrated(self.project.prepare(state.config), state, setup)
            self._calibrated[classifier] = held = (key, made)
        return held[1]

    def choose_threshold(self, classifier: str, setup: ClassifierSetup) -> State:
        """Write the calibration and the threshold of a set-up with the classifier's models.

        Neither makes another model; the saved one is written anew.
        """
        config = started_config(self.project, classifier)
        chosen = replace(
            config.setups[classifier], calibration=setup.calibration, threshold=setup.threshold
        )
        self.change_settings(replace(config, setups={**config.setups, classifier: chosen}))
        present = self.standing(classifier)
        state = present.state
        self._saved.save(state, present.trained)
        return state

    def moment(self) -> Moment:
        """The present moment, of which a configuration is made."""
        started = [c for c in self.config.setups if c in self.config.train_labels]
        sound = [c for c in started if self.fault(c) is None]
        return moment(self.project, [self.state(c) for c in sound], self.layout, self.who)

    def record_soon(self) -> None:
        """Have the configuration in the project's folder written anew, beside the work."""
        at_hand = [held.state for held in self._states.all_at_hand()]
        record_soon(self.project, moment(self.project, at_hand, self.layout, self.who))


def _lines(config: ProjectConfig) -> Hashable:
    """What of settings is written with models and changes none."""
    setups = config.setups.items()
    return frozenset((value, setup.calibration, setup.threshold) for value, setup in setups)


def _whose(config: ProjectConfig) -> Hashable:
    """What of settings decides which answers count for which classifier."""
    into = tuple(config.merged_into.items())
    return config.people, config.asking.shared, into, frozenset(config.setups)
