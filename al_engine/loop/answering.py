"""What may be answered: from a button on a page to the event that is written.

Owns the refusals.  Looks at the log, the settings and the sets; must not know learners, so that
an answer never waits for one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from al_engine.data.history import BATCH, OBJECTS, SIZE, History, in_effect
from al_engine.data.labels import Event
from al_engine.data.splits import OUT, PART_NAMES, TRAIN
from al_engine.errors import AnswerRefusedError
from al_engine.loop.fitting import learner_spec
from al_engine.loop.state import batch_shown, how_shown, seen_by
from al_engine.loop.truth import part_in_force
from al_engine.projects.dataset import Dataset
from al_engine.projects.project import Project
from al_engine.settings.config import ClassifierSetup, Label, ProjectConfig

MAX_KEYS = 10
DONE = {"unsure": "unsure", "later": "later", "settled": "settled", "undo": "taken back"}


def labels_offered(dataset: Dataset, config: ProjectConfig, classifier: str) -> list[Label]:
    """The labels an answer may give, in the order in which they get keys.

    As in the settings; where there are more than keys the classifier's own comes first, then
    those that most objects of the catalogue have.
    """
    offered = list(config.labels_in_use)
    if len(offered) > MAX_KEYS:
        n_objects = dict(zip(dataset.values, dataset.n_by_value, strict=True))
        offered.sort(key=lambda c: (c.value != classifier, -n_objects.get(c.value, 0)))
    return offered


def refuse_unknown(label: str | None, allowed: Sequence[Label]) -> None:
    """Refuse a label that is none of those that may be given here."""
    known = [choice.value for choice in allowed]
    if label not in known:
        raise AnswerRefusedError(
            f"'{label}' is not a label that takes part.", f"Use one of {', '.join(known)}."
        )


def answer_event(
    project: Project,
    config: ProjectConfig,
    classifier: str,
    row: int,
    kind: Literal["answer", "unsure", "later"],
    label: str | None,
    token: str,
    who: str,
) -> Event:
    """The event of a person's answer, as ``answer_events`` makes it."""
    (event,) = answer_events(project, config, classifier, [row], kind, label, token, who)
    return event


def answer_events(
    project: Project,
    config: ProjectConfig,
    classifier: str,
    rows: Sequence[int],
    kind: Literal["answer", "unsure", "later"],
    label: str | None,
    token: str,
    who: str,
) -> list[Event]:
    """The events of a person's answer to some objects, in their order.

    Raises
    ------
    AnswerRefusedError : no such object or label, or left out by the settings
    """
    dataset = project.prepare(config)
    if kind == "answer":
        refuse_unknown(label, config.labels_in_use)
    for row in rows:
        if not 0 <= row < dataset.n_rows:
            raise AnswerRefusedError(
                f"There is no object in row {row}.", f"Rows go from 0 to {dataset.n_rows - 1}."
            )
    history = project.history(classifier, who)
    setup = config.setups[classifier]
    strategy = learner_spec(setup, config.splits.seed).strategy
    ids = project.catalogue.object_ids(config.columns.id, list(rows))
    label = label if kind == "answer" else None
    base = Event(kind, who, classifier=classifier, label=label, strategy=strategy)
    return [
        _about(base, dataset, history, setup, row, object_id, token)
        for row, object_id in zip(rows, ids, strict=True)
    ]


def _about(
    event: Event,
    dataset: Dataset,
    history: History,
    setup: ClassifierSetup,
    row: int,
    object_id: str,
    token: str,
) -> Event:
    """The same answer about one object, refused where that takes none."""
    part = part_in_force(dataset, history, row)
    if row in history.curated:
        raise AnswerRefusedError(
            f"{object_id} is in the curated test set.", "Change its label on the Test set page."
        )
    if part == OUT and row not in history.trained:
        raise AnswerRefusedError(
            f"{object_id} is left out by the settings.", "Ask about another, or change them."
        )
    how = how_shown(token, row)
    if how == "click" and row in history.validated:
        part = int(dataset.parts[row])  # it validates for as long as the random answer stands
    n_rounds, payload = len(history.sets), None
    batch = batch_shown(token, row)
    if how == "query" and batch is not None:
        made_at, n_objects = batch
        payload = {BATCH: made_at, SIZE: setup.batch_size, OBJECTS: n_objects}
        n_rounds = sum(labelled.seq <= made_at for labelled in history.sets)
    return replace(
        event,
        row_number=row,
        object_id=object_id,
        how=how,
        part="validation" if how == "random" else PART_NAMES[TRAIN if part == OUT else part],
        round_number=n_rounds,
        payload=payload,
    )


@dataclass(frozen=True)
class Offer:
    """What the same person called an object before, for another ``classifier``."""

    label: str
    classifier: str


def offer(project: Project, history: History, classifier: str, row: int, who: str) -> Offer | None:
    """The answer to offer about an object, or None.

    It is the last that this person gave for another classifier and that stands; nobody is shown
    the answer of somebody else here.  Where the last was Unsure, or the label takes no part by now,
    there is none; nor where the object has its answer for this classifier.
    """
    if row in history.asked or row in history.curated:
        return None
    for event in reversed(in_effect(project.all_events())):
        is_answer = event.kind in ("answer", "unsure") and event.row_number == row
        is_answer = is_answer and event.who == who
        if not is_answer or event.classifier in (None, classifier):
            continue
        if event.label in {label.value for label in project.config.labels_in_use}:
            return Offer(str(event.label), str(event.classifier))
        return None
    return None


def refuse_stale(
    project: Project, classifier: str, rows: Collection[int], token: str, who: str
) -> None:
    """Refuse an answer about objects of which one was answered since their token was made.

    Another tab, or a key pressed twice: nobody has seen what it would be about now.  Where several
    people answer, another's answer takes nobody's away.
    """
    seen = seen_by(token)
    for event in acts_of(project, classifier, who):
        if event.seq > seen and event.row_number in rows:
            did = project.config.label_name(event.label) if event.label else DONE[event.kind]
            raise AnswerRefusedError(
                f"{event.object_id} was answered meanwhile ({did}).", "Here is what comes next."
            )


def acts_of(project: Project, classifier: str, who: str) -> list[Event]:
    """What one person did in a classifier, undos included; all of it where one works alone."""
    events = project.events(classifier)
    if not project.config.people.several:
        return events
    return [event for event in events if event.who == who and event.kind != "settled"]


def answered_rows(project: Project, classifier: str, who: str) -> list[int]:
    """Objects that a person answered about or passed as unsure, the first one first."""
    events, several = in_effect(project.events(classifier)), project.config.people.several
    if several:
        events = [e for e in events if e.kind == "given" or e.who == who]
    rows = [e.row_number for e in events if e.kind != "later" and e.row_number is not None]
    return list(dict.fromkeys(rows))
