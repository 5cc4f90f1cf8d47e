"""One label for many objects at once: which of them get it, and that it is one act.

Owns the refusals and what is left out.  Each object has its own line in the log, so that whatever
reads labels finds it there; all of them are written, and taken back, together.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from al_engine.data.history import OF, TOGETHER, History, batch_of
from al_engine.data.labels import Event
from al_engine.data.merging import as_written
from al_engine.data.splits import OUT, PART_NAMES, TRAIN
from al_engine.errors import AnswerRefusedError
from al_engine.loop.answering import refuse_unknown
from al_engine.loop.fitting import learner_spec
from al_engine.loop.truth import Rows, parts_in_force
from al_engine.projects.project import Project
from al_engine.settings.config import ProjectConfig

MOST_AT_ONCE = 20_000  # the whole log is folded at each answer


@dataclass(frozen=True)
class AtOnce:
    """What labelling a selection would do: ``rows`` get the label, the others are left as they are.

    Of ``rows``, those of ``training`` are in the training set; the others correct validation and
    test.
    """

    rows: Rows
    training: Rows
    n_answered: int
    n_curated: int
    n_left_out: int

    @property
    def n_training(self) -> int:
        return len(self.training)


def at_once(project: Project, history: History, rows: Rows) -> AtOnce:
    """Which objects of a selection get a label that is given to all of it.

    Not those that have a person's answer, are in the curated test set or are left out.
    """
    dataset = project.dataset()
    rows = np.unique(np.asarray(rows, dtype=np.intp))
    rows = rows[(rows >= 0) & (rows < dataset.n_rows)]
    parts = parts_in_force(dataset, history)
    curated = np.isin(rows, list(history.curated))
    by_hand = (history.asked - history.given) | history.unheard
    answered = np.isin(rows, list(by_hand)) & ~curated
    left_out = (parts[rows] == OUT) & ~curated & ~answered
    taken = rows[~(curated | answered | left_out)]
    return AtOnce(
        taken,
        taken[parts[taken] == TRAIN],
        int(answered.sum()),
        int(curated.sum()),
        int(left_out.sum()),
    )


def events_at_once(
    project: Project, config: ProjectConfig, classifier: str, rows: Rows, label: str, who: str
) -> list[Event]:
    """The events of one label for many objects.

    Raises
    ------
    AnswerRefusedError : no such label, nothing to label, or too much at once
    """
    refuse_unknown(label, config.labels_in_use)
    if not len(rows):
        raise AnswerRefusedError(
            "None of these objects can be labelled: all have an answer, test, or are left out.",
            "Select others.",
        )
    if len(rows) > MOST_AT_ONCE:
        raise AnswerRefusedError(
            f"{len(rows):,} objects are too many to label at once.",
            f"Select {MOST_AT_ONCE:,} or fewer.",
        )
    history = project.history(classifier, who)
    parts = parts_in_force(project.prepare(config), history)
    ids = project.catalogue.object_ids(config.columns.id, [int(row) for row in rows])
    strategy = learner_spec(config.setups[classifier], config.splits.seed).strategy
    act = {TOGETHER: secrets.token_hex(8), OF: len(rows)}
    return [
        Event(
            "answer",
            who,
            classifier=classifier,
            row_number=int(row),
            object_id=object_id,
            label=label,
            how="selection",
            part=PART_NAMES[int(parts[row])],
            strategy=strategy,
            round_number=len(history.sets),
            payload=act,
        )
        for row, object_id in zip(rows.tolist(), ids, strict=True)
    ]


def as_one_act(given: Sequence[Event]) -> list[Event]:
    """Answers about objects of a batch, to be taken back together.

    Raises
    ------
    AnswerRefusedError : none, or one that is about no object of the batch
    """
    if not given:
        raise AnswerRefusedError("No object was chosen.", "Choose some of the batch.")
    strange = next((event for event in given if batch_of(event) is None), None)
    if strange is not None:
        raise AnswerRefusedError(
            f"{strange.object_id} is not of the batch that is asked about.",
            "Answer it by itself.",
        )
    if len(given) == 1:
        return [*given]
    act = {TOGETHER: secrets.token_hex(8), OF: len(given)}
    return [replace(event, payload={**(event.payload or {}), **act}) for event in given]


def undoing(who: str, undone: Sequence[Event]) -> list[Event]:
    """The events that take others back."""
    return [
        Event("undo", who, e.classifier, e.row_number, e.object_id, undoes=e.seq)
        for e in map(as_written, undone)
    ]
