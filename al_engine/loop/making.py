"""Makes rounds: each once, from what is at hand, or from what was made ahead.

Owns the fits and scores of the last rounds of one session, and what is worth making while a
person looks at the question.  What a round is stands in ``rounds``; must not write to the log.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, MutableMapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from al_engine.data.history import History, LabelledSet, as_learned
from al_engine.data.labels import Event
from al_engine.data.people import again_every
from al_engine.data.selections import load_selection
from al_engine.errors import SettingsError
from al_engine.extensions.used import hashes
from al_engine.lookahead import LOOKAHEAD, Overtaken, Work, is_on
from al_engine.loop.answering import answer_event
from al_engine.loop.asking import Question, random_every
from al_engine.loop.firsts import initial_rows
from al_engine.loop.fitting import Fit, beside, class_probabilities, learner_spec
from al_engine.loop.rounds import AtHand, Begun, Plan, Round, goes_back_to, make_round
from al_engine.loop.scores import RoundScores
from al_engine.loop.truth import Rows
from al_engine.projects.dataset import Dataset
from al_engine.projects.project import Project
from al_engine.settings.config import ALL_LABELS, ProjectConfig
from al_engine.settings.keys import round_key
from al_engine.settings.label import side_of

FITS_KEPT = 4
BYTES_KEPT = 400_000_000  # of those fits, but always the last
# A fit holds, for every object, a probability, a prediction and one utility or two.
BYTES_AN_OBJECT = 13
MOST_AHEAD = 10  # answers, of which each trains a model; an unlikely one is waited for


class RoundMaker:
    """The rounds of one session on one project.

    ``learners`` holds the present fit of each classifier; a cache, which may be emptied.
    """

    def __init__(self, project: Project, learners: MutableMapping[str, Fit]) -> None:
        self.learners = learners
        self._project = project
        self._former: OrderedDict[tuple[str, str, str, str], Fit] = OrderedDict()
        # By classifier: what folds depend on, what else scores do, and the scores.
        self._scores: dict[str, tuple[Hashable, Hashable, RoundScores]] = {}
        self._initial: dict[str, tuple[ProjectConfig, Rows]] = {}
        # By classifier: what the person's last batch was made of, and its rows.
        self._batches: dict[str, tuple[Hashable, Rows]] = {}
        self._begun: dict[str, Hashable] = {}
        self._among: tuple[str, Rows] | None = None
        self._owners: set[Hashable] = set()
        weakref.finalize(self, _drop, self._owners)

    def put_away(self) -> None:
        """Forget every fit and all that was made ahead."""
        held_by_classifier = (self._scores, self._initial, self._begun, self._batches)
        for held in (self.learners, self._former, *held_by_classifier):
            held.clear()
        _drop(self._owners)

    def key(self, classifier: str, config: ProjectConfig, labelled: LabelledSet) -> str:
        """Names a round by all that its model depends on."""
        return self.keys(classifier, config, (labelled,))[0]

    def keys(
        self, classifier: str, config: ProjectConfig, sets: Sequence[LabelledSet]
    ) -> list[str]:
        """The names of many rounds: what is the same for all of them is worked out once."""
        settings = self.settings_key(classifier, config)
        return [_key(settings, labelled) for labelled in sets]

    def settings_key(self, classifier: str, config: ProjectConfig) -> str:
        """Names all but the labels that a model depends on, files of extensions included."""
        played = (config.columns.id, config.columns.label, *config.features.columns)
        fingerprint = self._project.catalogue.fingerprint_with(filter(None, played))
        return round_key(config, classifier, fingerprint, hashes(config, classifier))

    def make(
        self,
        classifier: str,
        config: ProjectConfig,
        history: History,
        *,
        history_at: Callable[[int], History] | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Round:
        """The round of a history: at hand, made ahead, or made now.

        What is made ahead is for the present, and so is a batch that goes on: looking at a past
        round leaves them be.

        Parameters
        ----------
        history_at : the history up to some event; None for a past round
        is_wanted : asked now and then; Overtaken is raised once it says no
        """
        plan = self._plan(classifier, config, self._project.prepare(config))
        is_past = history_at is None
        if is_past:
            plan = replace(plan, batch_size=1)
        made: Round | None = None
        if not is_past:
            self._begun.pop(classifier, None)
            made = LOOKAHEAD.take(self._owner(classifier), _standing(classifier, config, history))
            if made is not None and (made.question is None or made.question.made_at is None):
                made = replace(made, trained=history)  # by the numbers that events have now
        if made is None:
            made_at = goes_back_to(plan, history)
            former = history_at(made_at) if history_at and made_at is not None else None
            present = self.learners.get(classifier)
            made = self._making(plan, config, history, former, present)(is_wanted=is_wanted)
        key = self._key_of(classifier, config, made.trained)
        made = _named(made, key)
        if made.fit is not None:
            self._keep(plan, key, as_learned(history, made.trained), made)
        asked = made.question
        if asked is not None and asked.batch and not is_past:
            seq = history.last_seq if asked.made_at is None else asked.made_at
            rows = np.array(asked.batch, dtype=np.intp)
            self._batches[classifier] = ((seq, config, history.curated_seq), rows)
        return made

    def _making(
        self,
        plan: Plan,
        config: ProjectConfig,
        history: History,
        former: History | None,
        present: Fit | None,
    ) -> Callable[..., Round]:
        """A function that makes the round of a history, with whatever of it is at hand."""
        begun = None
        if former is not None and history.batch is not None:
            made_of = (history.batch.made_at, config, history.curated_seq)
            held = self._batches.get(plan.classifier)
            rows = held[1] if held is not None and held[0] == made_of else None
            learned = as_learned(history, former)
            begun = Begun(former, rows, self._at_hand(plan, config, learned, former, present))
        at_hand = self._at_hand(plan, config, history, history, present)
        return partial(make_round, plan, history, begun=begun, at_hand=at_hand)

    def _key_of(self, classifier: str, config: ProjectConfig, trained: History) -> str:
        return _key_under(self.settings_key(classifier, config), trained)

    def _keep(self, plan: Plan, key: str, learned: History, made: Round) -> None:
        if made.fit is None or made.scores is None:
            return
        name = (plan.classifier, key, plan.spec.strategy, made.fit.beside)
        self._former[name] = made.fit
        self._former.move_to_end(name)
        most = BYTES_KEPT // (BYTES_AN_OBJECT * len(made.fit.proba))
        while len(self._former) > max(1, min(FITS_KEPT, most)):
            self._former.popitem(last=False)
        of = (key, plan.classes, made.fit.beside, beside(learned, plan.spec))
        self._scores[plan.classifier] = (of, _measured(learned), made.scores)

    def _owner(self, classifier: str) -> Hashable:
        owner = (id(self), classifier)
        self._owners.add(owner)
        return owner

    def _at_hand(
        self,
        plan: Plan,
        config: ProjectConfig,
        learned: History,
        trained: History,
        present: Fit | None,
    ) -> AtHand:
        """The fit of a history, its scores on the truth of ``learned``, and on another."""
        key = self._key_of(plan.classifier, config, trained)
        fit, strategy = present, plan.spec.strategy
        taken = beside(trained, plan.spec)
        # Another strategy keeps the round and its scores; what to ask next has to be made again.
        if fit is None or (fit.key, fit.strategy, fit.beside) != (key, strategy, taken):
            fit = self._former.get((plan.classifier, key, strategy, taken))
        if fit is not None and fit.classes != plan.classes:
            fit = None  # a label was added: the same model, but its codes may be others
        held = self._scores.get(plan.classifier)
        of = (key, plan.classes, taken, beside(learned, plan.spec))
        # Unsure and Later change neither labels nor truth.
        if held is None or held[0] != of:
            return AtHand(fit)
        return AtHand(fit, held[2] if held[1] == _measured(learned) else None, held[2])

    def _plan(self, classifier: str, config: ProjectConfig, dataset: Dataset) -> Plan:
        setup, seed = config.setups[classifier], config.splits.seed
        held = self._initial.get(classifier)
        if held is None or held[0] != config:
            rows = initial_rows(dataset, classifier, setup, config.asking.start, seed)
            self._initial[classifier] = held = (config, rows)
        return Plan(
            dataset,
            classifier,
            learner_spec(setup, seed),
            config.label_name(classifier),
            held[1],
            setup.n_initial,
            random_every(dataset.n_validation, config.asking.random_every),
            again_every(config.people),
            self._asked_about(config),
            config.asking.repeat_every,
            setup.batch_size,
            setup.strategy_params,
            {label.value: label.name for label in config.labels},
        )

    def _asked_about(self, config: ProjectConfig) -> Rows | None:
        """The objects that are asked about, None for the whole pool."""
        name, key = config.asking.among, config.asking.among_key
        if not name:
            return None
        if self._among is None or self._among[0] != key:
            folder, n_rows = self._project.folder, self._project.catalogue.n_rows
            try:
                self._among = (key, load_selection(folder, name, n_rows, key=key))
            except SettingsError as error:
                raise SettingsError(
                    f"Only the selection '{name}' is asked about, and it is not there as it was.",
                    "Ask about the whole pool again: Selections on the Explore page.",
                ) from error
        return self._among[1]

    # -- ahead --

    def look_ahead(
        self,
        classifier: str,
        config: ProjectConfig,
        events: Sequence[Event],
        question: Question,
        token: str,
        who: str,
        then: Callable[[History, Round, Callable[[], bool]], None],
        expect: Callable[[int], None],
    ) -> None:
        """Begin to make the round that each possible answer of a person leads to, likeliest first.

        ``then`` is called in another thread with each of them, once all are made, and ``expect``
        with the row that each asks about as soon as it is made.  What the answers amount to is
        worked out there too: of ten thousand it takes a while.
        """
        last_seq = events[-1].seq if events else 0
        moment = (last_seq, self._project.histories.moment(classifier)[1], config, who)
        if not is_on() or self._begun.get(classifier) == moment:
            return  # a page is drawn many times for one question
        self._begun[classifier] = moment
        dataset, present = self._project.prepare(config), self.learners.get(classifier)
        n_sides = config.asking.ahead_mb * 1_000_000 // (BYTES_AN_OBJECT * dataset.n_rows)
        if not n_sides:
            return
        plan = self._plan(classifier, config, dataset)
        labels = _likeliest(dataset, classifier, config, question.row, present)[:n_sides]
        passed = answer_event(
            self._project, config, classifier, question.row, "later", None, token, who
        )
        passed = replace(passed, seq=last_seq + 1)
        answers = [replace(passed, kind="answer", label=label) for label in labels]
        owner = self._owner(classifier)
        # Without this object, which work that is still held must not keep.
        key_of = partial(_key_under, self.settings_key(classifier, config))

        def begin(is_wanted: Callable[[], bool]) -> None:
            rounds: list[tuple[Hashable, Work]] = []
            afterwards: list[tuple[Hashable, Work]] = []
            # To pass an object trains nothing, so that it is ready before what is less likely.
            first, others = answers[:2], answers[2:]
            for event in (*first, replace(passed, kind="unsure"), passed, *others):
                if not is_wanted():
                    raise Overtaken
                history = self._project.histories.fold([*events, event], who)
                made_at = goes_back_to(plan, history)
                former = None
                if made_at is not None:
                    before = [each for each in events if each.seq <= made_at]
                    former = self._project.histories.fold(before, who)
                make = partial(self._making(plan, config, history, former, present), n_threads=1)
                ahead = _Ahead(make, key_of, history, expect)
                standing = _standing(classifier, config, history)
                rounds.append((standing, ahead.make))
                afterwards.append((("afterwards", standing), partial(ahead.hand_on, then)))
            LOOKAHEAD.go_on(owner, is_wanted, rounds, afterwards)

        LOOKAHEAD.begin(owner, [(("begin", moment), begin)])

    def initial_rows(self, classifier: str, config: ProjectConfig) -> Rows:
        """The objects that a classifier begins with."""
        return self._plan(classifier, config, self._project.prepare(config)).initial

    def wait(self, classifier: str) -> None:
        """Wait until all that was begun ahead is done."""
        LOOKAHEAD.wait(self._owner(classifier))


def _likeliest(
    dataset: Dataset, classifier: str, config: ProjectConfig, row: int, fit: Fit | None
) -> list[str]:
    """Answers that lead to different models, one for each of these, likeliest first."""
    values = [label.value for label in config.labels_in_use]
    if classifier == ALL_LABELS:
        if fit is None or fit.classes != dataset.told_apart:
            return values[:MOST_AHEAD]
        (proba,) = class_probabilities(dataset, fit, np.array([row]))
        order = np.argsort(-proba, kind="stable")[:MOST_AHEAD]
        return [fit.classes[code] for code in order]
    # All labels of one side train the same model.
    own = [value for value in values if value == classifier]
    other = [value for value in values if value != classifier][:1]
    is_own = fit is None or bool(fit.predicted[row])
    return [*own, *other] if is_own else [*other, *own]


def _key(settings: str, labelled: LabelledSet) -> str:
    return f"{settings}-{labelled.key}"


def _key_under(settings: str, trained: History) -> str:
    """The name of the round that a history was trained on, "" before the first."""
    return _key(settings, trained.sets[-1]) if trained.sets else ""


def _measured(learned: History) -> Hashable:
    """What scores of a model depend on: the truth that is known, and which set it is in."""
    truth = frozenset(learned.verified.items())
    return truth, learned.differing, frozenset(learned.validated), frozenset(learned.curated)


def _named(made: Round, key: str) -> Round:
    """The same round with its fit under the name by which it is found again."""
    if made.fit is None or made.fit.key == key:
        return made
    return replace(made, fit=replace(made.fit, key=key))


class _Ahead:
    """A round that is made ahead, and then handed on, each in a piece of work of its own."""

    def __init__(
        self,
        make: Callable[..., Round],
        key_of: Callable[[History], str],
        history: History,
        expect: Callable[[int], None],
    ) -> None:
        self._make, self._key_of, self._history, self._expect = make, key_of, history, expect
        self._made: Round | None = None

    def make(self, is_wanted: Callable[[], bool]) -> Round:
        made = self._make(is_wanted=is_wanted)
        self._made = _named(made, self._key_of(made.trained))
        if self._made.question is not None:
            self._expect(self._made.question.row)
        return self._made

    def hand_on(
        self,
        then: Callable[[History, Round, Callable[[], bool]], None],
        is_wanted: Callable[[], bool],
    ) -> None:
        if self._made is not None:
            then(self._history, self._made, is_wanted)


def _drop(owners: set[Hashable]) -> None:
    LOOKAHEAD.drop_soon(owners)


def _standing(classifier: str, config: ProjectConfig, history: History) -> Hashable:
    """All that tells a round from another: labels by the side they are on, and what was passed."""

    def sides(answers: dict[int, str]) -> frozenset[tuple[int, str | bool | None]]:
        return frozenset((row, side_of(classifier, label)) for row, label in answers.items())

    used = {label.value for label in config.labels_in_use}
    left_out = frozenset(row for row, label in history.verified.items() if label not in used)
    return (
        classifier,
        repr(config),
        sides(history.trained),
        sides(history.validated),
        sides(history.corrected),
        sides(dict(history.curated)),
        left_out,
        history.unsure,
        frozenset((row, put_off.due, put_off.how) for row, put_off in history.later.items()),
        history.n_passed,
        history.n_questions,
        len(history.sets),
        history.differing,
        history.unheard,
        history.n_again,
        history.batch,
        tuple(history.repeatable.items()) if config.asking.repeat_every else (),
    )
