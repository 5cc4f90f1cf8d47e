"""What a report is about: a project at one moment, as its sections look at it.

Owns what of everybody's answers one person's report may count.  Must not know words or files.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from al_engine.curating.agreeing import Compared, Person, agreements, people_of
from al_engine.curating.answers import repeats
from al_engine.curating.models import scores_of_test_set
from al_engine.data.history import SIZE, History, in_effect
from al_engine.data.labels import Event
from al_engine.data.people import events_shown_to
from al_engine.data.sight import in_sight
from al_engine.errors import AlEngineError, NotEnoughLabelsError, WorkCancelled
from al_engine.exchange.configuration import Layout
from al_engine.jobs import Cancelled, Progress
from al_engine.learning.agreement import Agreement
from al_engine.learning.metrics import Score, Scores
from al_engine.learning.stopping import Advice
from al_engine.loop.calibrating import Calibrated
from al_engine.loop.combined import Combined, combined
from al_engine.projects.dataset import Dataset, SplitSizes
from al_engine.projects.project import Project
from al_engine.projects.texts import TextMatrix
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ALL_LABELS, ProjectConfig
from al_engine.showing.advice import advice_on
from al_engine.showing.covering import pool_without
from al_engine.showing.targets import Approach, approach
from al_engine.simulating.kept import Kept, simulations_of

# How an object came up for the first label that counts; what the catalogue gave is "given".
# Answers that are shared may have been given for another classifier: "elsewhere".
GIVEN, INITIAL, QUERY, CLICK, SELECTION, AGAIN, ELSEWHERE = (
    "given", "initial", "query", "click", "selection", "again", "elsewhere",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One classifier.

    ``state`` is None where it cannot be made, for which ``fault`` is the reason.  ``came`` counts
    the labels that train by how their objects came up, ``strategies`` those that were asked about
    by the strategy that chose them.  ``n_trained`` are everybody's labels, in sight or not.
    ``tested`` are scores over the test set, by which part of it; empty unless they were asked for.
    ``batches`` counts the labels that the strategy asked for by the size of their batch, 1 where
    the model learned after each.  ``uncovered`` is the share of the pool without training data
    near, None where too few are labelled to tell.  ``target`` is None without one, and where it is
    measured on an audit sample that is not looked at.
    """

    classifier: str
    name: str
    state: State | None
    fault: AlEngineError | None
    came: Mapping[str, int]
    strategies: Mapping[str, int]
    answered: tuple[date, date] | None
    people: tuple[Person, ...]
    agreement: Agreement | None
    pairs: tuple[Compared, ...]
    tested: Mapping[str, Scores]
    batches: Mapping[int, int] = field(default_factory=dict)
    advice: Advice | None = None
    uncovered: Score | None = None
    calibrated: Calibrated | None = None
    target: Approach | None = None

    @property
    def counted(self) -> History:
        """The labels that may be counted; none where there is no state."""
        return History() if self.state is None else self.state.counted

    @property
    def n_trained(self) -> int:
        return 0 if self.state is None else self.state.n_trained


@dataclass(frozen=True)
class Simulated:
    """A simulation of the project and its numbers, as ``simulating.summary`` gives them."""

    kept: Kept
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A project at one moment, for the one who takes the report."""

    project: Project
    config: ProjectConfig
    layout: Layout
    who: str
    made_on: date
    with_test: bool
    dataset: Dataset
    sizes: SplitSizes
    classifiers: tuple[Told, ...]
    together: Combined | None
    repeated: Agreement
    simulated: tuple[Simulated, ...]

    @property
    def n_terms(self) -> int:
        """How many words and pairs of words are features; 0 without texts."""
        X = self.dataset.X
        return len(X.vocabulary.terms) if isinstance(X, TextMatrix) else 0

    @property
    def trained(self) -> list[Told]:
        """The classifiers that have a model."""
        return [each for each in self.classifiers if each.n_trained]

    def name(self, label: str) -> str:
        return self.config.label_name(label)


def gather(
    session: LabellingSession,
    made_on: date,
    *,
    with_test: bool,
    progress: Progress = lambda n_done, of: None,
    cancelled: Cancelled = lambda: False,
) -> Subject:
    """Look at a project; classifiers whose model is not at hand are trained.

    Raises
    ------
    AlEngineError : the settings in force name what is not there
    WorkCancelled : ``cancelled`` said so
    """
    project, config = session.project, session.config
    dataset, sizes = project.dataset(), project.split_sizes(config)
    started = [c for c in config.train_labels if session.is_started(c)]
    told = []
    for i, classifier in enumerate(started):
        progress(i, len(started))
        if cancelled():
            raise WorkCancelled("The report was cancelled: none was written.", "")
        told.append(_told(session, classifier, with_test=with_test))
    progress(len(started), len(started))
    return Subject(
        project,
        config,
        session.layout,
        session.who,
        made_on,
        with_test,
        dataset,
        sizes,
        tuple(told),
        _together(
            session,
            dataset,
            [each.classifier for each in told if each.n_trained and each.classifier != ALL_LABELS],
        ),
        repeats(session).found,
        _simulated(project),
    )


def _simulated(project: Project) -> tuple[Simulated, ...]:
    """The simulations that have numbers, the first that was made first."""
    held, found = simulations_of(project), []
    for kept in reversed(held.kept()):
        try:
            numbers = held.numbers(kept.key)
        except AlEngineError:
            continue  # it was deleted meanwhile, or its page says what is wrong with it
        if numbers["curves"]:
            found.append(Simulated(kept, numbers))
    return tuple(found)


def _told(session: LabellingSession, classifier: str, *, with_test: bool) -> Told:
    config = session.config
    name, fault = config.label_name(classifier), session.fault(classifier)
    if fault is not None:
        return Told(classifier, name, None, fault, {}, {}, None, (), None, (), {})
    state = session.state(classifier)
    firsts, answered = _first_answers(session, classifier)
    counted, left_out = state.counted, session.project.prepare(config).left_out
    came: Counter[str] = Counter()
    strategies: Counter[str] = Counter()
    batches: Counter[int] = Counter()
    for row, label in counted.trained.items():
        if label in left_out:
            continue
        first = firsts.get(row)
        how = GIVEN
        if row not in counted.given and first is not None:
            how = first.how or QUERY if first.classifier == classifier else ELSEWHERE
        came[how] += 1
        if how == QUERY and first is not None:
            strategies[first.strategy or ""] += 1
            batches[(first.payload or {}).get(SIZE, 1)] += 1
    several = config.people.several
    found = agreements(session, classifier) if several else (None, [])
    return Told(
        classifier,
        name,
        state,
        None,
        came,
        strategies,
        answered,
        tuple(people_of(session, classifier)) if several else (),
        found[0],
        tuple(found[1]),
        _tested(session, state) if with_test and state.fit is not None else {},
        batches,
        advice_on(session, state),
        pool_without(session, state),
        session.calibrated(classifier, state.setup),
        approach(session, state) if with_test or state.setup.target_over != "audit" else None,
    )


def _first_answers(
    session: LabellingSession, classifier: str
) -> tuple[dict[int, Event], tuple[date, date] | None]:
    """By row the answer with which it was first labelled, and the first and last day of all."""
    config, shared = session.config, session.config.asking.shared
    events = session.project.all_events()
    shown = events_shown_to(events, session.who, config.people, shared=shared)
    answers = [
        event
        for event in in_effect(in_sight(shown, classifier, shared=shared))
        if event.kind in ("answer", "settled") and event.row_number is not None
    ]
    firsts: dict[int, Event] = {}
    for event in answers:
        firsts.setdefault(event.row_number or 0, event)
    days = [event.happened_at.date() for event in answers]
    return firsts, (min(days), max(days)) if days else None


AUDIT, CHOSEN, TEST = "Audit sample", "Chosen objects of the test set", "Test set"


def _tested(session: LabellingSession, state: State) -> dict[str, Scores]:
    """Scores over the test set, those apart that tell of other objects."""
    parts: dict[str, Collection[int] | None] = {TEST: None}
    if state.config.splits.curated:
        curated = session.project.curated()
        labelled = frozenset(curated.labels)
        parts = {AUDIT: labelled & curated.audit, CHOSEN: labelled - curated.audit}
    found = {
        part: scores_of_test_set(session, state.classifier, among) for part, among in parts.items()
    }
    return {part: scores for part, scores in found.items() if scores is not None}


def _together(
    session: LabellingSession, dataset: Dataset, classifiers: list[str]
) -> Combined | None:
    """What the classifiers predict together, where two of them can; one over all needs no other."""
    taking = [c for c in classifiers if c != ALL_LABELS]
    try:
        return combined(dataset, [session.whole_state(c) for c in taking])
    except NotEnoughLabelsError:
        return None
