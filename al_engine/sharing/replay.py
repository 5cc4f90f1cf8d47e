"""Loading a configuration into a project: its layout, its settings, or all that happened.

Owns the replay: every event is lived through again on the project's own catalogue, out of sight,
and kept in one go.  What is compared before is ``prospect``'s.  Must not know files or pages.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from al_engine.background import BACKGROUND
from al_engine.curating.costs import Cost, cost_of
from al_engine.data.features import plottable
from al_engine.data.history import count_answers
from al_engine.data.labels import AnswerLog
from al_engine.data.people import labels_given
from al_engine.errors import WorkCancelled
from al_engine.exchange.configuration import Configuration, PastRound
from al_engine.lookahead import LOOKAHEAD
from al_engine.loop.beginning import first_labels
from al_engine.loop.state import WATCHED, State
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Label, ProjectConfig
from al_engine.sharing.prospect import events_here, fitting_settings, refuse_begun

# By classifier and key of a round, its scores whenever it was scored.
Found: TypeAlias = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Replayed:
    """What a replay came to.

    ``n_answers`` are the labels of people that stand after all ``n_events``; ``n_compared`` rounds
    had scores over the same objects to compare; ``difference`` names the first round that differs,
    else what is asked next where that does, else is "".  ``absent`` are ids with answers that no
    object has.
    """

    n_events: int
    n_answers: int
    n_compared: int
    difference: str
    absent: tuple[str, ...]


def load_layout(session: LabellingSession, configuration: Configuration) -> tuple[str, ...]:
    """Put in force only how things are shown; returns what this project cannot show."""
    theirs, ours = configuration.settings, session.config
    catalogue = session.project.catalogue
    known = set(catalogue.names())
    drawable = set(plottable(ours.features))
    drawable |= set(catalogue.names(numeric=True))
    looks = {label.value: label for label in theirs.labels}
    columns = replace(
        ours.columns,
        info=tuple(name for name in theirs.columns.info if name in known),
        images=tuple(name for name in theirs.columns.images if name in known),
        texts=tuple(name for name in theirs.columns.texts if name in known),
        curves=tuple(name for name in theirs.columns.curves if name in known),
        redshift=theirs.columns.redshift if theirs.columns.redshift in known else None,
    )
    session.change_settings(
        replace(
            ours,
            columns=columns,
            labels=tuple(_looking_like(label, looks.get(label.value)) for label in ours.labels),
            x_axis=theirs.x_axis if theirs.x_axis in drawable else ours.x_axis,
            y_axis=theirs.y_axis if theirs.y_axis in drawable else ours.y_axis,
            pictures=theirs.pictures,
        ),
        made_from=ours,
    )
    shown = theirs.columns
    wanted = (theirs.x_axis, theirs.y_axis, *shown.info, *shown.images, *shown.texts)
    return tuple(dict.fromkeys(n for n in wanted if n and n not in known | drawable))


def _looking_like(label: Label, other: Label | None) -> Label:
    """A label with the name, colour and definition of another; what counts as it stays."""
    if other is None:
        return label
    return replace(label, name=other.name, colour=other.colour, definition=other.definition)


def load_settings(session: LabellingSession, configuration: Configuration) -> None:
    """Put settings in force; each classifier that was set up begins with its first objects.

    Labels that were given here stay, and count.  All is tried out of sight first: where one
    classifier cannot begin, none does, and the settings stay as they are.
    """
    project, ours = session.project, session.config
    settings = _settings_with_ours(project, ours, configuration)
    with _rehearsal(project) as stage, LOOKAHEAD.paused():
        stage.take_over(project.log.events())
        trial = LabellingSession(stage, session.who)
        given = first_labels(stage, settings)
        stage.save_config(settings, session.who, *given)
        for classifier in settings.setups:
            trial.state(classifier)
    session.learners.update(trial.learners)  # the same labels give the same fits
    session.take_on(settings, ours, given)


def cost_of_settings(session: LabellingSession, configuration: Configuration) -> Cost:
    """What loading its settings would cost."""
    ours = session.config
    return cost_of(session, _settings_with_ours(session.project, ours, configuration))


def _settings_with_ours(
    project: Project, ours: ProjectConfig, configuration: Configuration
) -> ProjectConfig:
    """Its settings as they fit here, with what only stands here and is needed.

    That is set-ups of its classifiers, and labels that answers have.
    """
    settings = fitting_settings(project, configuration, configuration.settings)
    setups = {**ours.setups, **settings.setups}
    return replace(
        settings,
        labels=_labels_with_ours(project, ours, settings.labels),
        setups={c: s for c, s in setups.items() if c in settings.train_labels},
    )


def _labels_with_ours(
    project: Project, ours: ProjectConfig, labels: Sequence[Label]
) -> tuple[Label, ...]:
    """Labels with those of ours that answers have: merged into the same ones, or by themselves."""
    known = {value for label in labels for value in label.values}
    used = {value for _, value in labels_given(project.log.events(), ours.people)} - known
    made = list(labels)
    for label in ours.labels:
        merged = tuple(each for each in label.merged if each.value in used)
        at = next((i for i, each in enumerate(made) if label.value in each.values), None)
        if at is not None:
            made[at] = replace(made[at], merged=(*made[at].merged, *merged))
        elif merged or label.value in used:
            names = {each.name for each in made}
            name = f"{label.name} ({label.value})" if label.name in names else label.name
            made.append(replace(label, name=name, merged=merged))
    return tuple(made)


def replay(
    project: Project,
    configuration: Configuration,
    who: str,
    progress: Callable[[int, int], None] = lambda n_events, of: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Replayed:
    """Live through every event again, and keep settings, labels and rounds in one go.

    Parameters
    ----------
    who : whose session it is; answers keep the names they were signed with

    Raises
    ------
    ConfigurationError : what ``look`` refuses
    WorkCancelled : ``cancelled`` said so, and nothing is changed
    """
    events, absent = events_here(project, configuration)
    made: dict[tuple[str, str], list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    with _rehearsal(project) as stage, LOOKAHEAD.paused():
        session = LabellingSession(stage, who)
        for i, event in enumerate(events):
            if cancelled():
                raise WorkCancelled("The replay was cancelled.", "Nothing was changed.")
            progress(i, len(events))
            stage.take_over([event])
            # Labels taken from the catalogue came in one go with the set-up before them.
            if i + 1 == len(events) or events[i + 1].kind != "given":
                for classifier in _started(stage.config):
                    state = session.state(classifier)
                    if state.fit is not None and state.scores is not None:
                        measured = (state.fit.n_labelled, state.scores.to_dict())
                        scored = made[classifier, state.fit.key]
                        if measured in scored:
                            scored.remove(measured)
                        scored.append(measured)
        found = {key: [scores for _, scores in listed] for key, listed in made.items()}
        n_compared, difference = _compare(session, configuration, found)
        known = {classifier: stage.log.rounds(classifier) for classifier, _ in made}
    with project.log.lock:
        refuse_begun(project)
        project.take_over(events)
    for (classifier, key), listed in made.items():
        n_labelled, scores = listed[-1]
        said = known[classifier].get(key, {}).get(WATCHED, "")
        project.keep_round(classifier, key, n_labelled, {**scores, WATCHED: said})
    # The last fits serve on: the same labels give the same ones.
    LabellingSession(project, who, session.learners).restore_models()
    BACKGROUND.wait(project)  # who is told that all is replayed finds the models there
    project.touch()
    return Replayed(len(events), count_answers(events), n_compared, difference, absent)


@contextmanager
def _rehearsal(project: Project) -> Iterator[Project]:
    """The same catalogue under an empty log in memory: nothing of it is kept."""
    log = AnswerLog(Path(":memory:"))
    stage = Project(project.folder, (project.catalogue, log))
    try:
        yield stage
    finally:
        BACKGROUND.drop(stage)
        stage.is_closed = True
        log.close()


def _started(config: ProjectConfig) -> list[str]:
    return [classifier for classifier in config.setups if classifier in config.train_labels]


def _compare(
    session: LabellingSession, configuration: Configuration, found: Found
) -> tuple[int, str]:
    """How many rounds have scores to compare, and the first thing that is not as it was."""
    states = {classifier: session.state(classifier) for classifier in _started(session.config)}
    differences = []
    n_compared = 0
    for past in configuration.rounds:
        state = states.get(past.classifier)
        if state is None or past.scores is None or not _is_over_the_same(state, past):
            continue
        n_compared += 1
        said = _round_difference(session, state, past, found)
        if said:
            differences.append((past.number, said))
    if differences:
        return n_compared, min(differences)[1]
    for classifier, state in states.items():
        before = configuration.next.get(classifier)
        if before is None:
            continue
        if before.who not in ("", session.who):  # each is asked for themselves
            state = LabellingSession(session.project, before.who).state(classifier)
        now = state.question
        asked = None if now is None else session.object_id(now.row)
        if asked != before.object_id:
            name = session.config.label_name(classifier)
            return n_compared, f"{name} asked about {before.object_id} next; here about {asked}."
    return n_compared, ""


def _is_over_the_same(state: State, past: PastRound) -> bool:
    """Can a round's scores be compared, or were others in the test set when they were made?"""
    here = state.rounds[past.number].scores if 0 <= past.number < len(state.rounds) else None
    return here is None or here.over == (past.scores or {}).get("over", "")


def _round_difference(
    session: LabellingSession, state: State, past: PastRound, found: Found
) -> str:
    """In what a round differs from what it was, or "".

    The same model may have been scored more than once, while validation grew: where answers are
    shared that goes on while one works at another classifier, and no one looks.
    """
    where = f"Round {past.number} of {state.config.label_name(state.classifier)}"
    if not 0 <= past.number < len(state.rounds):
        return f"{where} does not come about here."
    here = state.rounds[past.number]
    if here.labelled.n_labelled != past.n_labelled:
        return f"{where} trained on {past.n_labelled} labels; here on {here.labelled.n_labelled}."
    scores = here.scores.to_dict() if here.scores else None
    labelled = session.project.history(state.classifier).sets[past.number]
    key = session.round_key(state.classifier, labelled)
    if past.scores in (scores, *found.get((state.classifier, key), ())):
        return ""
    was, now = _f1(past.scores), _f1(scores)
    if was != now:
        return f"{where} has another F1: it was {was}, and is {now} here."
    return f"{where} has other scores."


def _f1(scores: Mapping[str, Any] | None) -> str:
    """The F1 that a round shows first, as text; a file edited by hand may hold anything."""
    part = (scores or {}).get("validation") or (scores or {}).get("training")
    f1 = part.get("f1") if isinstance(part, Mapping) else None
    value = f1.get("value") if isinstance(f1, Mapping) else None
    return f"{value:.3f}" if isinstance(value, int | float) else "undefined"
