"""Taking a project's work away: labels, predictions and models as files in its ``exports`` folder.

Owns what is exported under which name, and the job beside the page that waits for it.  What stands
in a file is ``exchange``'s.  Must not know pages.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from al_engine.background import BACKGROUND
from al_engine.curating.models import keep_best
from al_engine.data.history import History
from al_engine.data.labels import Event
from al_engine.data.people import events_shown_to, refuse_while_blind, shown_to
from al_engine.data.splits import Parts
from al_engine.errors import (
    NotEnoughLabelsError,
    ProjectError,
    UnusableModelError,
    disk_said,
)
from al_engine.exchange.bundles import write_bundle
from al_engine.exchange.carried import carried
from al_engine.exchange.labels import answers_in_force, labels_table
from al_engine.exchange.models import best_stem, model_bytes, model_stem, safe_name
from al_engine.exchange.predictions import (
    SET_NAMES,
    Class,
    Predictor,
    Score,
    Together,
    predictions_table,
)
from al_engine.exchange.writers import FORMATS, Format, Outgoing, write_table
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.learning.scoring import column_scorer, consensus
from al_engine.loop.calibrating import line_in_force
from al_engine.loop.combined import combined, takes_part
from al_engine.loop.fitting import Fit, at_once, learner_spec, told
from al_engine.loop.truth import Rows, named, parts_in_force
from al_engine.projects.dataset import Dataset
from al_engine.projects.project import Project
from al_engine.public import refuse_overuse
from al_engine.services import samp
from al_engine.services.samp import Program
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ALL_LABELS

FOLDER = "exports"


@dataclass(frozen=True)
class Exported:
    """A file that was taken away."""

    path: Path
    n_bytes: int
    made_at: datetime


def exported(session: LabellingSession) -> list[Exported]:
    """The files in the project's ``exports`` folder, the newest first."""
    found = []
    folder = folder_of(session)
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and not path.name.startswith("."):
            stat = path.stat()
            made_at = datetime.fromtimestamp(stat.st_mtime, UTC)
            found.append(Exported(path, stat.st_size, made_at))
    return sorted(found, key=lambda file: (file.made_at, file.path.name), reverse=True)


def labels_of(session: LabellingSession, extra: Sequence[str] = ()) -> Outgoing:
    """Every answer in force of a project, one row an object and classifier.

    Of several people it is the label that counts; blind, one's own.

    Raises
    ------
    NotEnoughLabelsError : nothing has been answered
    """
    project = session.project
    events = _told(session)
    return labels_table(
        project.catalogue, session.config, events, _set_of(session), extra, _about(session)
    )


def _set_of(session: LabellingSession) -> Callable[[Event], str]:
    """The set that an answer's object is in by now, in the words of the predictions."""
    dataset = session.project.dataset()
    parts: dict[str, Parts] = {}

    def set_of(event: Event) -> str:
        if event.classifier is None:  # about the curated test set
            return "test" if session.config.splits.curated else "test set, not in use"
        if event.classifier not in parts:
            parts[event.classifier] = parts_in_force(dataset, _history(session, event.classifier))
        return str(SET_NAMES[parts[event.classifier][event.row_number]])

    return set_of


def _history(session: LabellingSession, classifier: str) -> History:
    """What may be told of a classifier's answers to who takes them away.

    Not the state's: of an object that is asked again that has no label, unless one is blind.
    """
    history = session.project.history(classifier, session.who)
    return shown_to(history, session.config.people, ())


def n_answers(session: LabellingSession) -> int:
    """How many answers ``labels_of`` would write; counted anew once something has happened."""
    moment = (session.project.log.last_seq, session.who)
    known = _COUNTED.get(session.project)
    if known is None or known[0] != moment:
        answers = answers_in_force(_told(session), shared=session.config.asking.shared)
        known = _COUNTED[session.project] = (moment, len(answers))
    return known[1]


_COUNTED: WeakKeyDictionary[Project, tuple[tuple[int, str], int]] = WeakKeyDictionary()


def _told(session: LabellingSession) -> list[Event]:
    events = session.project.all_events()
    config = session.config
    return events_shown_to(events, session.who, config.people, shared=config.asking.shared)


def predictions_of(session: LabellingSession, extra: Sequence[str] = ()) -> Outgoing:
    """What every trained classifier makes of every object, the test set's and those left out too.

    Blind, nothing of those that others labelled and this person did not: a model would tell.

    Raises
    ------
    NotEnoughLabelsError : no classifier has a model
    """
    config, dataset = session.config, session.project.dataset()
    states = [session.state(c) for c in config.train_labels if session.is_started(c)]
    trained = [(state, state.fit) for state in states if state.fit is not None]
    if not trained:
        raise NotEnoughLabelsError("No classifier has a model yet.", "Label at least one object.")
    about = _about(session)
    for i, (state, fit) in enumerate(trained, start=1):
        about[f"MODEL{i}"] = f"{state.classifier}: {fit.n_labelled} labels"
        if not config.people.is_blind:  # from the keys of two rounds the label between can be told
            about[f"MODEL{i}"] += f", round {fit.key}"
    predictors = [_predictor(session, state, fit, dataset) for state, fit in trained]
    together = _together(dataset, [session.whole_state(state.classifier) for state, _ in trained])
    return predictions_table(session.project.catalogue, config, predictors, extra, about, together)


def _together(dataset: Dataset, states: Sequence[State]) -> Together | None:
    """The combined prediction, where two classifiers can take part."""
    taking = [
        i for i, state in enumerate(states) if takes_part(state) and state.classifier != ALL_LABELS
    ]
    if len(taking) < 2:
        return None
    made = combined(dataset, [state for state in states if state.classifier != ALL_LABELS])
    calibrated = [calibration.sigmoid is not None for calibration in made.calibrations]
    return Together(taking, calibrated, made.none_below, made.predicts)


def _predictor(session: LabellingSession, state: State, fit: Fit, dataset: Dataset) -> Predictor:
    history = _history(session, state.classifier)
    return Predictor(
        state.classifier,
        state.config.label_name(state.classifier),
        _scorer(dataset, fit),
        parts_in_force(dataset, history),
        {**history.trained, **history.verified},
        history.kept_back,
        tuple(Class(value, state.config.label_name(value)) for value in named(fit.classes)),
        line_in_force(dataset, session.whole_state(state.classifier)),
    )


def _scorer(dataset: Dataset, fit: Fit) -> Score:
    """What the page shows, and the same model's word on what no round looks at."""
    score = column_scorer(fit.learner, np.arange(len(fit.classes)))

    def every_class(
        start: int, stop: int
    ) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.integer[Any]]]:
        n, k = stop - start, len(fit.classes)
        proba, predicted = np.empty((n, k), dtype=np.float32), np.empty(n, dtype=np.uint8)
        for at in range(0, n, at_once(k)):
            some = slice(at, min(at + at_once(k), n))
            places = dataset.X.place_of[start + at : start + some.stop].astype(np.intp)
            made = score(dataset.X.columns, places)
            proba[some] = made.by_row(consensus(made.members))
            predicted[some] = told(made, fit.classes)[1]
        return proba, predicted

    def two_sides(
        start: int, stop: int
    ) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.integer[Any]]]:
        proba, predicted = fit.proba[start:stop].copy(), fit.predicted[start:stop].copy()
        unseen = np.flatnonzero(np.isnan(proba))
        if len(unseen):
            places: Rows = dataset.X.place_of[start + unseen].astype(np.intp)
            proba[unseen], predicted[unseen] = told(score(dataset.X.columns, places), fit.classes)
        return proba, predicted

    return every_class if named(fit.classes) else two_sides


def _about(session: LabellingSession) -> dict[str, str]:
    """Where a file comes from, in words that fit a FITS header."""
    project = session.project
    return {
        "CREATOR": "Sextant",
        "DATE": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",  # UTC, as FITS has it
        "PROJECT": project.name,
        "CATALOG": project.about.source,
        "DATAHASH": project.catalogue.fingerprint,
    }


def objects_of(session: LabellingSession, rows: Sequence[int]) -> Outgoing:
    """Some objects with all that the catalogue says of them."""
    catalogue = session.project.catalogue
    every = carried(catalogue, session.config, catalogue.names(), [])
    names = [column.name for column in every.columns]
    batch = pa.RecordBatch.from_arrays(every.picked(catalogue, rows), names=names)
    return Outgoing("objects", every.columns, [batch], _about(session), every.ucds, len(rows))


def bundles_of(session: LabellingSession) -> list[str]:
    """The saved models of a project: those of the present rounds first, then checkpoints.

    After the present ones come those of the best rounds, which are saved once they are asked for.
    """
    folder = session.project.folder / "models"
    present = [_stem(session, c) for c in session.config.train_labels if session.is_started(c)]
    best = list(_best(session))
    saved = sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []
    there = set(saved)
    first = [s for s in present if s in there] + best
    return first + [s for s in saved if s not in (*present, *best)]


def _best(session: LabellingSession) -> dict[str, str]:
    """By the stem of each best round's model its classifier, where a round before the last is."""
    started = [c for c in session.config.train_labels if session.is_started(c)]
    found = {}
    for classifier in started:
        state = session.state(classifier) if session.fault(classifier) is None else None
        if state is not None and state.best is not None and state.best.n_since:
            found[best_stem(_stem(session, classifier))] = classifier
    return found


def bundle_title(session: LabellingSession, stem: str) -> str:
    """A saved model as it is listed: by the name of its label too, where that is another."""
    written = stem.split("-", 1)[0]  # no label's part of a stem holds a hyphen
    if written == safe_name(ALL_LABELS):
        return f"{session.config.label_name(ALL_LABELS)}: {stem}"
    for label in session.config.labels:
        if safe_name(label.value) == written and label.name != label.value:
            return f"{label.name}: {stem}"
    return stem


def _stem(session: LabellingSession, classifier: str) -> str:
    config = session.config
    return model_stem(classifier, learner_spec(config.setups[classifier], config.splits.seed))


# -- the work itself, which may be waited for --


def write_export(
    session: LabellingSession,
    table: Outgoing,
    form: Format,
    progress: Callable[[int], None] = lambda n_rows: None,
    cancelled: Cancelled = lambda: False,
) -> Path:
    """Write a table into the project's ``exports`` folder, in place of the last of its kind."""
    home = session.project.folder.parent

    def heard(n_rows: int) -> None:
        refuse_overuse(home)
        progress(n_rows)

    refuse_overuse(home)
    path = make_folder(session) / f"{session.project.slug}-{table.name}{form.suffixes[0]}"
    write_table(path, table, form, heard, cancelled, lambda n_bytes: refuse_overuse(home, n_bytes))
    return path


def write_model(session: LabellingSession, stem: str) -> Path:
    """Write a saved model as a bundle into the project's ``exports`` folder.

    Raises
    ------
    UnusableModelError : there is no such model
    ProjectError : people answer blind, and it holds the labels of all
    """
    project = session.project
    refuse_while_blind(session.config.people, "A model with the labels it was trained on")
    if stem not in bundles_of(session):
        raise UnusableModelError(f"There is no saved model '{stem}'.", "Choose one of the list.")
    refuse_overuse(project.folder.parent, model_bytes(project.folder / "models", stem))
    if stem in (best := _best(session)):
        keep_best(session, best[stem])
    session.restore_models()  # an answer for another classifier may have led to a round since
    BACKGROUND.wait(project)  # the last round's files may still be due
    with project.files_lock:
        return write_bundle(make_folder(session) / f"{stem}.zip", project.folder / "models", stem)


def remove(session: LabellingSession, file: Exported) -> None:
    """Remove a file from the project's ``exports`` folder."""
    try:
        (folder_of(session) / file.path.name).unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"'{file.path.name}' could not be removed: {disk_said(error)}.",
            "See to the permissions of the project's folder.",
        ) from error


def programs() -> list[Program]:
    """The programs of this machine that a table can be sent to.

    Raises
    ------
    ServiceError : there is a hub, but it does not answer
    """
    return samp.programs()


def send(session: LabellingSession, table: Outgoing, to: Program | None) -> list[str]:
    """Have one program, or all, load a table; the names of those asked.

    Raises
    ------
    ServiceError : nobody is there
    """
    path = write_export(session, table, FORMATS["votable"])
    return samp.send_table(path, f"{session.project.name}, {table.name}", to)


def make_folder(session: LabellingSession) -> Path:
    """Where files go, there from now on."""
    folder = folder_of(session)
    try:
        # Not the project's own folder: that one may have been deleted meanwhile.
        for each in (session.project.folder / FOLDER, folder):
            each.mkdir(exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"The folder '{FOLDER}' could not be made: {disk_said(error)}.",
            "See to the free space and the permissions of the project's folder.",
        ) from error
    return folder


def folder_of(session: LabellingSession) -> Path:
    """Where files go; those of people who answer blind apart from each other."""
    folder = session.project.folder / FOLDER
    if not session.config.people.is_blind:
        return folder
    return folder / hashlib.blake2b(session.who.encode(), digest_size=8).hexdigest()


def begin_export(session: LabellingSession, table: Outgoing, form: Format) -> Job[Path]:
    """Write an export beside the page that waits for it."""

    def work(progress: Progress, cancelled: Cancelled) -> Path:
        with session.project.at_work():
            return write_export(
                session, table, form, lambda n_rows: progress(n_rows, table.n_rows), cancelled
            )

    return Job(work)
