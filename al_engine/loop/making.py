"""Makes rounds: each once, from what is at hand, or from what was made ahead.

Owns the fits and scores of the last rounds of one session, and what is worth making while a
person looks at the question.  What a round is stands in ``rounds``; must not write to the log.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, MutableMapping, Sequence
from dataclasses import replace
from functools import partial

from al_engine.data.history import History, LabelledSet
from al_engine.data.labels import Event
from al_engine.data.people import again_every
from al_engine.data.selections import load_selection
from al_engine.errors import SettingsError
from al_engine.extensions.used import hashes
from al_engine.lookahead import LOOKAHEAD, Overtaken, Work, is_on
from al_engine.loop.answering import answer_event
from al_engine.loop.fitting import Fit, RoundScores, Rows, learner_spec
from al_engine.loop.rounds import Plan, Question, Round, initial_rows, make_round, random_every
from al_engine.projects.dataset import Dataset
from al_engine.projects.project import Project
from al_engine.settings.config import ProjectConfig, round_key

FITS_KEPT = 4
BYTES_KEPT = 400_000_000  # of those fits, but always the last
# A fit holds, for every object, a probability, a prediction and one utility or two.
BYTES_AN_OBJECT = 13


class RoundMaker:
    """The rounds of one session on one project.

    ``learners`` holds the present fit of each classifier; a cache, which may be emptied.
    """

    def __init__(self, project: Project, learners: MutableMapping[str, Fit]) -> None:
        self.learners = learners
        self._project = project
        self._former: OrderedDict[tuple[str, str, str], Fit] = OrderedDict()
        # By classifier: the round's key, what else scores depend on, and the scores.
        self._scores: dict[str, tuple[str, Hashable, RoundScores]] = {}
        self._initial: dict[str, tuple[ProjectConfig, Rows]] = {}
        self._begun: dict[str, Hashable] = {}
        self._among: tuple[str, Rows] | None = None
        self._owners: set[Hashable] = set()
        weakref.finalize(self, _drop, self._owners)

    def put_away(self) -> None:
        """Forget every fit and all that was made ahead."""
        for held in (self.learners, self._former, self._scores, self._initial, self._begun):
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
        return [f"{settings}-{labelled.key}" for labelled in sets]

    def settings_key(self, classifier: str, config: ProjectConfig) -> str:
        """Names all but the labels that a model depends on, files of extensions included."""
        played = (config.columns.id, config.columns.label, *config.features.base)
        fingerprint = self._project.catalogue.fingerprint_with(filter(None, played))
        return round_key(config, classifier, fingerprint, hashes(config, classifier))

    def make(
        self,
        classifier: str,
        config: ProjectConfig,
        history: History,
        *,
        is_past: bool = False,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Round:
        """The round of a history: at hand, made ahead, or made now.

        What is made ahead is for the present: looking at a past round leaves it be.  ``is_wanted``
        is asked now and then; Overtaken is raised once it says no.
        """
        plan = self._plan(classifier, config, self._project.prepare(config))
        key = self.key(classifier, config, history.sets[-1]) if history.sets else ""
        strategy = plan.spec.strategy
        made: Round | None = None
        if not is_past:
            self._begun.pop(classifier, None)
            made = LOOKAHEAD.take(self._owner(classifier), _standing(classifier, config, history))
        if made is None:
            present = self.learners.get(classifier)
            fit, scores, folded = self._at_hand(classifier, key, strategy, history, present)
            made = make_round(
                plan, history, fit=fit, scores=scores, folded=folded, is_wanted=is_wanted
            )
        made = _named(made, key)
        if made.fit is not None:
            self._keep(classifier, key, strategy, history, made)
        return made

    def _keep(
        self, classifier: str, key: str, strategy: str, history: History, made: Round
    ) -> None:
        if made.fit is None or made.scores is None:
            return
        self._former[classifier, key, strategy] = made.fit
        self._former.move_to_end((classifier, key, strategy))
        most = BYTES_KEPT // (BYTES_AN_OBJECT * len(made.fit.proba))
        while len(self._former) > max(1, min(FITS_KEPT, most)):
            self._former.popitem(last=False)
        self._scores[classifier] = (key, _measured(history), made.scores)

    def _owner(self, classifier: str) -> Hashable:
        owner = (id(self), classifier)
        self._owners.add(owner)
        return owner

    def _at_hand(
        self, classifier: str, key: str, strategy: str, history: History, present: Fit | None
    ) -> tuple[Fit | None, RoundScores | None, RoundScores | None]:
        """The fit for these labels, its scores on the truth of the moment, and of another."""
        fit = present
        # Another strategy keeps the round and its scores; what to ask next has to be made again.
        if fit is None or (fit.key, fit.strategy) != (key, strategy):
            fit = self._former.get((classifier, key, strategy))
        held = self._scores.get(classifier)
        # Unsure and Later change neither labels nor truth.
        if held is None or held[0] != key:
            return fit, None, None
        return fit, held[2] if held[1] == _measured(history) else None, held[2]

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
        moment = (last_seq, self._project.moment(classifier)[1], config, who)
        if not is_on() or self._begun.get(classifier) == moment:
            return  # a page is drawn many times for one question
        self._begun[classifier] = moment
        dataset, present = self._project.prepare(config), self.learners.get(classifier)
        n_sides = config.asking.ahead_mb * 1_000_000 // (BYTES_AN_OBJECT * dataset.n_rows)
        if not n_sides:
            return
        plan = self._plan(classifier, config, dataset)
        own = [label.value for label in config.labels_in_use if label.value == classifier]
        other = [label.value for label in config.labels_in_use if label.value != classifier][:1]
        # All labels of one side train the same model.
        likely = present is None or present.predicted[question.row]
        labels = ([*own, *other] if likely else [*other, *own])[:n_sides]
        passed = answer_event(
            self._project, config, classifier, question.row, "later", None, token, who
        )
        passed = replace(passed, seq=last_seq + 1)
        answers = [replace(passed, kind="answer", label=label) for label in labels]
        owner = self._owner(classifier)

        def begin(is_wanted: Callable[[], bool]) -> None:
            rounds: list[tuple[Hashable, Work]] = []
            afterwards: list[tuple[Hashable, Work]] = []
            for event in (*answers, replace(passed, kind="unsure"), passed):
                if not is_wanted():
                    raise Overtaken
                history = self._project.fold([*events, event], who)
                key = self.key(classifier, config, history.sets[-1]) if history.sets else ""
                strategy = plan.spec.strategy
                fit, scores, folded = self._at_hand(classifier, key, strategy, history, present)
                make = partial(
                    make_round, plan, history, fit=fit, scores=scores, folded=folded, n_threads=1
                )
                ahead = _Ahead(make, key, history, expect)
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


def _measured(history: History) -> Hashable:
    """What scores of a model depend on: the truth that is known, and which set it is in."""
    truth = frozenset(history.verified.items())
    return truth, frozenset(history.validated), frozenset(history.curated)


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
        key: str,
        history: History,
        expect: Callable[[int], None],
    ) -> None:
        self._make, self._key, self._history, self._expect = make, key, history, expect
        self._made: Round | None = None

    def make(self, is_wanted: Callable[[], bool]) -> Round:
        self._made = _named(self._make(is_wanted=is_wanted), self._key)
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

    def sides(answers: dict[int, str]) -> frozenset[tuple[int, bool]]:
        return frozenset((row, label == classifier) for row, label in answers.items())

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
        history.disputed,
        history.unheard,
        history.n_again,
        tuple(history.repeatable.items()) if config.asking.repeat_every else (),
    )
