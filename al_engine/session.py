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

from al_engine.config import ClassifierSetup, ProjectConfig, round_key
from al_engine.data.history import History, LabelledSet, fold, in_effect
from al_engine.data.labels import Event
from al_engine.data.splits import OUT, PART_NAMES, TRAIN
from al_engine.errors import AnswerRefusedError, NotEnoughLabelsError, SettingsError
from al_engine.learning.metrics import Scores
from al_engine.project import Project
from al_engine.rounds import (
    Fit,
    Question,
    RoundScores,
    Rows,
    fit_round,
    initial_rows,
    learner_spec,
    next_question,
    parts_in_force,
    random_every,
    score_round,
    test_round,
    truth_in_force,
)
from al_engine.saving import SavedModels, ScoredRound, State

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
        self._check_started(classifier)
        events = self.project.log.events(classifier)
        moment = (events[-1].seq if events else 0, self.config)
        held = self._states.get(classifier)
        if held is not None and held[0] == moment and classifier in self.learners:
            return held[1]
        state = self._make_state(classifier, fold(events), None)
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
        return self._make_state(classifier, history, number)

    def _make_state(self, classifier: str, history: History, past: int | None) -> State:
        dataset, setup = self.project.dataset(), self.config.setups[classifier]
        fit = self._fit(classifier, history)
        scores = self._score(classifier, history, fit) if fit is not None else None
        if fit is not None and scores is not None and past is None:
            self._keep_round(classifier, fit, scores)
        rounds = self._rounds(classifier, history)
        in_training = parts_in_force(dataset, history) == TRAIN
        known = in_training & (truth_in_force(dataset, history, classifier) >= 0)
        in_pool = in_training.copy()
        in_pool[list(history.asked)] = False
        return State(
            classifier,
            setup,
            history,
            fit,
            scores,
            rounds[-2].scores if len(rounds) > 1 else None,
            rounds,
            self._question(classifier, history, fit),
            int(in_pool.sum()),
            len(history.trained) / max(1, int(known.sum())),
            past,
        )

    def _fit(self, classifier: str, history: History) -> Fit | None:
        """The fit for these labels: at hand, kept from a moment ago, or trained now."""
        if not history.trained:
            return None
        key = self._key(classifier, history.sets[-1])
        spec = learner_spec(self.config.setups[classifier], self.config.splits.seed)
        present = self.learners.get(classifier)
        # Another strategy keeps the round and its scores; what to ask next has to be made again.
        if present is not None and (present.key, present.strategy) == (key, spec.strategy):
            return present
        wanted = (classifier, key, spec.strategy)
        if wanted not in self._former:
            made = fit_round(self.project.dataset(), history, classifier, spec)
            self._former[wanted] = replace(made, key=key)
            while len(self._former) > FITS_KEPT:
                self._former.popitem(last=False)
        return self._former[wanted]

    def _score(self, classifier: str, history: History, fit: Fit) -> RoundScores:
        """Scores of a fit against the truth of the moment; Unsure and Later change neither."""
        held = self._scores.get(classifier)
        if held is None or held[0] != fit.key or held[1] != history.verified:
            spec = learner_spec(self.config.setups[classifier], self.config.splits.seed)
            scores = score_round(self.project.dataset(), history, classifier, spec, fit)
            self._scores[classifier] = held = (fit.key, history.verified, scores)
        return held[2]

    def _key(self, classifier: str, labelled: LabelledSet) -> str:
        settings = round_key(self.config, classifier, self.project.catalogue.fingerprint)
        return f"{settings}-{labelled.key}"

    def _rounds(self, classifier: str, history: History) -> tuple[ScoredRound, ...]:
        kept = self.project.log.rounds(classifier)
        found = [kept.get(self._key(classifier, labelled)) for labelled in history.sets]
        return tuple(
            ScoredRound(i, labelled, RoundScores.from_dict(scores) if scores else None)
            for i, (labelled, scores) in enumerate(zip(history.sets, found, strict=True))
        )

    def _question(self, classifier: str, history: History, fit: Fit | None) -> Question | None:
        dataset, config = self.project.dataset(), self.config
        setup = config.setups[classifier]
        return next_question(
            dataset,
            history,
            fit,
            initial=self._initial_rows(classifier),
            n_initial=setup.n_initial,
            every=random_every(dataset, config.asking.random_every),
            seed=config.splits.seed,
            name=config.label_name(classifier),
        )

    def _initial_rows(self, classifier: str) -> Rows:
        held = self._initial.get(classifier)
        if held is None or held[0] != self.config:
            rows = initial_rows(
                self.project.dataset(),
                classifier,
                self.config.setups[classifier],
                self.config.asking.start,
                self.config.splits.seed,
            )
            self._initial[classifier] = held = (self.config, rows)
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
        """Put settings in force; labels stay, and models are made again where they must be."""
        lost = self.rounds_lost(edited)
        if edited.setups:
            # Settings that fit no data are refused before they are in force.
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
        dataset = self.project.dataset()
        begun = bool(self.project.log.events(classifier))
        given: list[Event] = []
        if setup.initial_labels == "catalogue" and not begun:
            rows = initial_rows(dataset, classifier, setup, config.asking.start, config.splits.seed)
            known = rows[dataset.codes[rows] >= 0]
            ids = self.project.catalogue.object_ids(config.columns.id, known.tolist())
            given = [
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
        self.project.save_config(
            replace(config, setups={**config.setups, classifier: setup}), self.who, *given
        )
        state = self.state(classifier)
        self._saved.save(state)
        self.project.touch()
        return state

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
        before = self.state(classifier)
        with self.project.log.lock:
            self._refuse_stale(classifier, row, token)
            event = self._event(before, row, kind, label, seconds)
            self.project.log.append(event)
        state = self.state(classifier)
        self._after(before, state)
        return state

    def undo(self, classifier: str, *, token: str) -> State:
        """Take back the last answer, Unsure or Later of this classifier; the log keeps both."""
        before = self.state(classifier)
        with self.project.log.lock:
            last = fold(self.project.log.events(classifier)).last
            if last is None:
                raise AnswerRefusedError("There is nothing to undo.", "Answer a question first.")
            if token != before.token or before.history.last != last:
                raise AnswerRefusedError(
                    "Something was answered in another tab meanwhile.", "Look, then undo again."
                )
            self.project.log.append(
                Event(
                    "undo",
                    self.who,
                    classifier,
                    last.row_number,
                    last.object_id,
                    undoes=last.seq,
                )
            )
        state = self.state(classifier)
        self._after(before, state)
        return state

    def _refuse_stale(self, classifier: str, row: int, token: str) -> None:
        seen = int(token) if token.isdecimal() else -1
        for event in self.project.log.events(classifier):
            if event.seq > seen and event.row_number == row:
                label = self.config.label_name(event.label) if event.label else event.kind
                raise AnswerRefusedError(
                    f"{event.object_id} was answered meanwhile ({label}).",
                    "Here is what comes next.",
                )

    def _event(
        self,
        state: State,
        row: int,
        kind: Literal["answer", "unsure", "later"],
        label: str | None,
        seconds: float | None,
    ) -> Event:
        config, dataset = self.config, self.project.dataset()
        known = [choice.value for choice in config.labels_in_use]
        if kind == "answer" and label not in known:
            raise AnswerRefusedError(
                f"'{label}' is not a label that takes part.", f"Use one of {', '.join(known)}."
            )
        if not 0 <= row < dataset.n_rows:
            raise AnswerRefusedError(
                f"There is no object in row {row}.", f"Rows go from 0 to {dataset.n_rows - 1}."
            )
        part = int(parts_in_force(dataset, state.history)[row])
        object_id = self.project.catalogue.object_ids(config.columns.id, [row])[0]
        if part == OUT:
            raise AnswerRefusedError(
                f"{object_id} is left out by the settings.", "Ask about another, or change them."
            )
        asked = state.question is not None and state.question.row == row
        how = state.question.how if asked and state.question else "click"
        p = float(state.fit.proba[row]) if state.fit is not None else float("nan")
        return Event(
            kind,
            self.who,
            state.classifier,
            row,
            object_id,
            label if kind == "answer" else None,
            how,
            "validation" if how == "random" else PART_NAMES[part],
            learner_spec(state.setup, config.splits.seed).strategy,
            len(state.history.sets),
            None if np.isnan(p) else p,
            seconds,
        )

    def _after(self, before: State, state: State) -> None:
        if state.fit is not before.fit or state.scores != before.scores:
            self._saved.save(state)
        answered = {
            (event.classifier, event.row_number)
            for event in in_effect(self.project.log.events())
            if event.kind == "answer"
        }
        self.project.touch(len(answered))

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

    def _check_started(self, classifier: str) -> None:
        if classifier not in self.config.train_labels:
            raise SettingsError(
                f"There is no classifier for '{self.config.label_name(classifier)}'.",
                "Add it in the settings.",
            )
        if classifier not in self.config.setups:
            raise SettingsError(
                f"The classifier for '{self.config.label_name(classifier)}' is not set up yet.",
                "Choose its model on the Training page.",
            )
