"""Conducts the loop: takes an answer, puts it on disk, makes the next round, asks again.

Owns the order of things; what each step does lives in ``rounds``, ``data`` and ``exchange``.
Pages talk to this and to nothing below it.  Must not know Streamlit.
"""

from collections import OrderedDict
from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from al_engine.answering import answer_event, refuse_stale
from al_engine.config import ClassifierSetup, ProjectConfig, round_key
from al_engine.data.history import History, LabelledSet, fold, in_effect
from al_engine.data.labels import Event
from al_engine.data.splits import TRAIN
from al_engine.dataset import Dataset
from al_engine.errors import AnswerRefusedError, NotEnoughLabelsError, SettingsError
from al_engine.exchange.models import model_stem
from al_engine.learning.metrics import Scores
from al_engine.project import Project
from al_engine.rounds import (
    Fit,
    RoundScores,
    Rows,
    fit_round,
    initial_rows,
    labelled_set,
    learner_spec,
    next_question,
    parts_in_force,
    random_every,
    score_round,
    test_round,
    truth_in_force,
)
from al_engine.saving import SavedModels
from al_engine.state import ScoredRound, State, seen_by

__all__ = ["LabellingSession", "ScoredRound", "State"]

FITS_KEPT = 4


class LabellingSession:
    """One person's work on one project.

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
        self.who = who
        self._saved = SavedModels(project)
        self.learners: MutableMapping[str, Fit] = {} if learners is None else learners
        self._former: OrderedDict[tuple[str, str, str], Fit] = OrderedDict()
        self._states: dict[str, tuple[tuple[int, ProjectConfig], State]] = {}
        self._scores: dict[str, tuple[str, dict[int, str], RoundScores]] = {}
        self._initial: dict[str, tuple[ProjectConfig, Rows]] = {}

    @property
    def config(self) -> ProjectConfig:
        return self.project.config

    def is_started(self, classifier: str) -> bool:
        return classifier in self.config.setups

    # -- where things stand --

    def state(self, classifier: str) -> State:
        """The present state of a classifier, made from the project where it is not at hand."""
        config = self._started_config(classifier)
        events = self.project.log.events(classifier)
        moment = (events[-1].seq if events else 0, config)
        held = self._states.get(classifier)
        if held is not None and held[0] == moment and classifier in self.learners:
            return held[1]
        state = self._make_state(classifier, config, fold(events), None)
        self._states[classifier] = (moment, state)
        if state.fit is not None:
            self.learners[classifier] = state.fit
        else:
            self.learners.pop(classifier, None)
        return state

    def past_state(self, classifier: str, number: int) -> State:
        """The state as it was in an earlier round (0 is the first), trained again."""
        present = self.state(classifier)
        if not 0 <= number < len(present.history.sets):
            raise SettingsError(
                f"There is no round {number}.", f"Rounds go from 0 to {len(present.rounds) - 1}."
            )
        last = present.history.sets[number].seq
        events = in_effect(self.project.log.events(classifier))
        history = fold([event for event in events if event.seq <= last])
        return self._make_state(classifier, self._started_config(classifier), history, number)

    def _make_state(
        self, classifier: str, config: ProjectConfig, history: History, past: int | None
    ) -> State:
        """Everything from one look at the settings: another tab may change them meanwhile."""
        dataset, setup = self.project.prepare(config), config.setups[classifier]
        fit = self._fit(classifier, config, dataset, history)
        scores = None
        if fit is not None:
            scores = self._score(classifier, config, dataset, history, fit)
            if past is None:
                self._keep_round(classifier, fit, scores)
        rounds = self._rounds(classifier, config, history)
        in_training = parts_in_force(dataset, history) == TRAIN
        known = in_training & (truth_in_force(dataset, history, classifier) >= 0)
        in_pool = in_training.copy()
        in_pool[list(history.asked)] = False
        question = next_question(
            dataset,
            history,
            fit,
            initial=self._initial_rows(classifier, config, dataset),
            n_initial=setup.n_initial,
            every=random_every(dataset, config.asking.random_every),
            seed=config.splits.seed,
            name=config.label_name(classifier),
        )
        return State(
            classifier,
            setup,
            history,
            fit,
            scores,
            rounds[-2].scores if len(rounds) > 1 else None,
            rounds,
            question,
            int(in_pool.sum()),
            len(history.trained) / max(1, int(known.sum())),
            past,
        )

    def _fit(
        self, classifier: str, config: ProjectConfig, dataset: Dataset, history: History
    ) -> Fit | None:
        """The fit for these labels: at hand, kept from a moment ago, or trained now."""
        if not len(labelled_set(dataset, history, classifier)[0]):
            return None
        key = self._key(classifier, config, history.sets[-1])
        spec = learner_spec(config.setups[classifier], config.splits.seed)
        present = self.learners.get(classifier)
        # Another strategy keeps the round and its scores; what to ask next has to be made again.
        if present is not None and (present.key, present.strategy) == (key, spec.strategy):
            return present
        wanted = (classifier, key, spec.strategy)
        if wanted not in self._former:
            made = fit_round(dataset, history, classifier, spec)
            self._former[wanted] = replace(made, key=key)
            while len(self._former) > FITS_KEPT:
                self._former.popitem(last=False)
        return self._former[wanted]

    def _score(
        self,
        classifier: str,
        config: ProjectConfig,
        dataset: Dataset,
        history: History,
        fit: Fit,
    ) -> RoundScores:
        """Scores of a fit against the truth of the moment; Unsure and Later change neither."""
        held = self._scores.get(classifier)
        if held is None or held[0] != fit.key or held[1] != history.verified:
            spec = learner_spec(config.setups[classifier], config.splits.seed)
            scores = score_round(dataset, history, classifier, spec, fit)
            self._scores[classifier] = held = (fit.key, history.verified, scores)
        return held[2]

    def _key(self, classifier: str, config: ProjectConfig, labelled: LabelledSet) -> str:
        settings = round_key(config, classifier, self.project.catalogue.fingerprint)
        return f"{settings}-{labelled.key}"

    def _rounds(
        self, classifier: str, config: ProjectConfig, history: History
    ) -> tuple[ScoredRound, ...]:
        kept = self.project.log.rounds(classifier)
        found = [kept.get(self._key(classifier, config, labelled)) for labelled in history.sets]
        return tuple(
            ScoredRound(i, labelled, RoundScores.from_dict(scores) if scores else None)
            for i, (labelled, scores) in enumerate(zip(history.sets, found, strict=True))
        )

    def _initial_rows(self, classifier: str, config: ProjectConfig, dataset: Dataset) -> Rows:
        held = self._initial.get(classifier)
        if held is None or held[0] != config:
            setup, seed = config.setups[classifier], config.splits.seed
            rows = initial_rows(dataset, classifier, setup, config.asking.start, seed)
            self._initial[classifier] = held = (config, rows)
        return held[1]

    def object_id(self, row: int) -> str:
        """The id of an object, as text."""
        return self.object_ids([row])[0]

    def object_ids(self, rows: Sequence[int] | Rows) -> list[str]:
        """The ids of some objects, as text, in the order asked."""
        return self.project.catalogue.object_ids(self.config.columns.id, [int(r) for r in rows])

    def answered_rows(self, classifier: str) -> list[int]:
        """Objects that were answered about or passed as unsure, the first one first."""
        events = in_effect(self.project.log.events(classifier))
        rows = [e.row_number for e in events if e.kind != "later" and e.row_number is not None]
        return list(dict.fromkeys(rows))

    # -- settings --

    def rounds_lost(self, edited: ProjectConfig) -> dict[str, int]:
        """For each classifier how many rounds could not be compared under other settings."""
        fingerprint = self.project.catalogue.fingerprint
        lost = {}
        for classifier in self.config.setups:
            before, after = (round_key(c, classifier, fingerprint) for c in (self.config, edited))
            n_rounds = len(fold(self.project.log.events(classifier)).sets)
            if before != after and n_rounds:
                lost[classifier] = n_rounds
        return lost

    def change_settings(self, edited: ProjectConfig) -> None:
        """Put settings in force; labels stay, and models are made again where they must be.

        Settings that fit no data or no model are refused before they are in force.
        """
        lost = self.rounds_lost(edited)
        for classifier, setup in edited.setups.items():
            model_stem(classifier, learner_spec(setup, edited.splits.seed))
        if edited.setups:
            self.project.prepare(edited)
        self.project.save_config(edited, self.who)
        if lost:
            self.restore_models()

    # -- what a person does --

    def start(self, classifier: str, setup: ClassifierSetup) -> State:
        """Begin to train a classifier, or go on with it under another set-up."""
        config = self.config
        if classifier not in config.train_labels:
            raise SettingsError(
                f"There is no classifier for '{classifier}'.", "Add it in the settings."
            )
        learner_spec(setup, config.splits.seed)
        given = self._given(classifier, config, setup)
        with self.project.log.lock:
            # Two tabs may start at once: the first one's objects are the ones to start with.
            begun = bool(self.project.log.events(classifier))
            config = self.config
            self.project.save_config(
                replace(config, setups={**config.setups, classifier: setup}),
                self.who,
                *(() if begun else given),
            )
        state = self.state(classifier)
        self._saved.save(state)
        self.project.touch()
        return state

    def _given(self, classifier: str, config: ProjectConfig, setup: ClassifierSetup) -> list[Event]:
        """The labels to start with, where they are the catalogue's."""
        if setup.initial_labels == "ask":
            return []
        dataset = self.project.prepare(config)
        rows = initial_rows(dataset, classifier, setup, config.asking.start, config.splits.seed)
        known = rows[dataset.codes[rows] >= 0]
        ids = self.project.catalogue.object_ids(config.columns.id, known.tolist())
        return [
            Event(
                "given",
                "catalogue",
                classifier,
                int(row),
                object_id,
                dataset.values[dataset.codes[row]],
                how="initial",
                part="train",
            )
            for row, object_id in zip(known, ids, strict=True)
        ]

    def answer(
        self,
        classifier: str,
        row: int,
        kind: Literal["answer", "unsure", "later"],
        label: str | None = None,
        *,
        token: str,
        seconds: float | None = None,
    ) -> State:
        """Take an answer about one object; it is on disk before anything is computed from it.

        Parameters
        ----------
        row : the object that was on the screen
        label : one of the project's labels, for an ``answer``
        token : ``State.token`` of what was on the screen

        Raises
        ------
        AnswerRefusedError : the object was answered since (in another tab, or by a key pressed
            twice), is left out by the settings, or the label is not one of the project's
        """
        config = self._started_config(classifier)
        event = answer_event(self.project, config, classifier, row, kind, label, token)
        event = replace(
            event, who=self.who, probability=self._probability(classifier, row), seconds=seconds
        )
        before = self._states.get(classifier)
        with self.project.log.lock:
            refuse_stale(self.project, classifier, row, token)
            self.project.log.append(event)
        return self._after(classifier, before[1] if before else None)

    def undo(self, classifier: str, *, token: str) -> State:
        """Take back the last answer, Unsure or Later of this classifier; the log keeps both."""
        self._started_config(classifier)
        before = self._states.get(classifier)
        with self.project.log.lock:
            history = fold(self.project.log.events(classifier))
            last = history.last
            if last is None:
                raise AnswerRefusedError("There is nothing to undo.", "Answer a question first.")
            if seen_by(token) != history.last_seq:
                raise AnswerRefusedError(
                    "Something was answered in another tab meanwhile.", "Look, then undo again."
                )
            undo = Event("undo", self.who, classifier, last.row_number, last.object_id)
            self.project.log.append(replace(undo, undoes=last.seq))
        return self._after(classifier, before[1] if before else None)

    def _probability(self, classifier: str, row: int) -> float | None:
        """What the classifier gives to an object now, where that is at hand without training."""
        config, fit = self.config, self.learners.get(classifier)
        sets = fold(self.project.log.events(classifier)).sets
        if fit is None or not sets or fit.key != self._key(classifier, config, sets[-1]):
            return None
        p = float(fit.proba[row])
        return None if np.isnan(p) else p

    def _after(self, classifier: str, before: State | None) -> State:
        """What follows from what was just written: the next round, its files, the note."""
        state = self.state(classifier)
        if before is None or state.fit is not before.fit or state.scores != before.scores:
            self._saved.save(state)
        self.project.touch()
        return state

    # -- models and scores that are asked for --

    def checkpoint(self, classifier: str) -> Path:
        """Save the model of this round beside the earlier ones, once a round."""
        return self._saved.checkpoint(self.state(classifier))

    def is_checkpointed(self, state: State) -> bool:
        """Has this very round a checkpoint already?"""
        return self._saved.is_checkpointed(state)

    def restore_models(self) -> None:
        """Remake the model of each started classifier whose file is missing or of another round."""
        for classifier in self.config.setups:
            if classifier in self.config.train_labels:
                state = self.state(classifier)
                if not self._saved.is_current(state):
                    self._saved.save(state)

    def test_scores(self, classifier: str) -> Scores | None:
        """Scores over the test set; a deliberate step, so they are computed only here."""
        state = self.state(classifier)
        if state.fit is None:
            raise NotEnoughLabelsError("There is no model yet.", "Label an object first.")
        return test_round(self.project.dataset(), state.history, classifier, state.fit)

    def _keep_round(self, classifier: str, fit: Fit, scores: RoundScores) -> None:
        kept = self.project.log.rounds(classifier).get(fit.key)
        if kept != scores.to_dict():
            self.project.log.save_round(classifier, fit.key, fit.n_labelled, scores.to_dict())

    def _started_config(self, classifier: str) -> ProjectConfig:
        """The settings in force, in which the classifier is set up."""
        config = self.config
        name = config.label_name(classifier)
        if classifier not in config.train_labels:
            raise SettingsError(f"There is no classifier for '{name}'.", "Add it in the settings.")
        if classifier not in config.setups:
            raise SettingsError(
                f"The classifier for '{name}' is not set up yet.",
                "Choose its model on the Training page.",
            )
        return config
