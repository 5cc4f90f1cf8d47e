"""A model of one round: what is trained on, and what it makes of every object.

Owns the step from a data set and a history to a fit, as a pure function: the same labels give the
same fit, whoever asks and in whatever order they came.  Must not know files, DuckDB, pages, how
good it is, or what is asked next.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.matrix import Matrix
from al_engine.data.splits import OUT, TRAIN, VALIDATION, Parts
from al_engine.errors import AlEngineError, ContractError, SettingsError
from al_engine.learning.learners import (
    Learner,
    LearnerSpec,
    Member,
    fit_learner,
    pool_taking_part,
    refuse_large_pool,
)
from al_engine.learning.params import complete
from al_engine.learning.scoring import FloatArray, Scored, column_scorer, consensus
from al_engine.learning.selection import tie_keys
from al_engine.learning.stepwise import MOST_JUDGING
from al_engine.learning.strategies import strategy_in_force, utilities
from al_engine.lookahead import Overtaken
from al_engine.loop.truth import (
    ENOUGH_TO_VALIDATE,
    OTHER,
    Rows,
    classes_of,
    labelled_set,
    parts_in_force,
    truth_in_force,
)
from al_engine.origin import in_words, line_of
from al_engine.projects.dataset import Dataset, Truth
from al_engine.projects.texts import TextMatrix
from al_engine.settings.config import ClassifierSetup

Floats32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]

_JUDGING = 0x4A  # draws of different purposes must not be the same draw
SCORED_AT_ONCE = 65_536
CLASSES_AT_ONCE = 8  # with so many rows at once; of more classes, fewer rows


@dataclass(frozen=True)
class Fit:
    """A trained model and what it makes of every object.

    ``classes`` are labels: OTHER and the classifier's own, or all that it tells apart.
    ``predicted`` is the place among them of the class predicted, shape (n_rows,): of two sides the
    own where its probability is over one half, before rounding to float32; over all labels the
    likeliest.  ``proba`` is the probability of the own label, over all labels that of the predicted
    one, shape (n_rows,), NaN for objects that were not scored (test set, left out; what is curated
    may be, and no score uses it).  ``utility`` is what the strategy in force gives each object that
    is in the training set or was drawn into it, NaN elsewhere; ``secondary`` orders equal
    utilities.  ``n_of_class`` counts the labels of each class.  ``beside`` is that of its
    history.
    """

    key: str
    learner: Learner
    strategy: str
    classes: tuple[str, ...]
    proba: Floats32
    predicted: Codes
    utility: Floats32
    secondary: Floats32 | None
    n_labelled: int
    n_of_class: tuple[int, ...]
    beside: str = ""

    @property
    def is_constant(self) -> bool:
        """Is only one class labelled, so that nothing can be learned yet?"""
        return max(self.n_of_class) == self.n_labelled


def learner_spec(setup: ClassifierSetup, seed: int) -> LearnerSpec:
    """What the learning package needs of a classifier's set-up.

    Raises
    ------
    SettingsError : an unknown name or a setting out of bounds, or a strategy that has to know the
        labels it asks for
    """
    members = tuple(Member(m.model, dict(m.params), m.strategy) for m in setup.members)
    spec = LearnerSpec(members, setup.committee_strategy, seed)
    found = strategy_in_force(spec.strategy)
    if found.leaks:
        raise SettingsError(
            f"The query strategy {found.title} looks at labels that nobody has given yet.",
            "It is for simulations; choose another.",
        )
    complete(found.title, found.params, setup.strategy_params)
    return spec


@contextmanager
def blaming_extensions(spec: LearnerSpec) -> Iterator[None]:
    """Turn what a model of an extension raises into a sentence with its file and line."""
    try:
        yield
    except (AlEngineError, Overtaken):
        raise
    except Exception as error:
        theirs = [(model.title, model.origin) for model in spec.models if model.origin is not None]
        if not theirs:
            raise
        # The one whose file the error passed through, where it passed through one.
        through = [each for each in theirs if line_of(error, each[1].path) is not None]
        title, origin = (through or theirs)[0]
        raise ContractError(
            f"The model {title} ({origin.place(error)}) failed: {in_words(error)}.",
            "Mend it and start Sextant again, or choose another model; no label is lost.",
        ) from error


def fit_round(
    dataset: Dataset,
    history: History,
    classifier: str,
    spec: LearnerSpec,
    n_threads: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Fit:
    """Train on all labels at once and score every object of training and validation once."""
    rows, y = labelled_set(dataset, history, classifier)
    classes = classes_of(dataset, classifier)
    codes = np.arange(len(classes))
    parts = parts_in_force(dataset, history)
    learner = fit_learner(
        spec,
        dataset.rows(rows),
        y,
        dataset.preparation,
        codes,
        X_pool=pool_features(dataset, history, spec, rows),
        validation=_judging(dataset, history, classifier, spec, parts),
    )
    is_scored = (parts == TRAIN) | (parts == VALIDATION)
    # What was curated since is still in, as is what a random question moved to validation: an undo
    # moves it back, and a fit must not depend on when it was made.
    curated = list(history.curated)
    is_scored[curated] = dataset.parts[curated] != OUT
    in_training = (parts == TRAIN) | (dataset.parts == TRAIN)
    proba = np.full(dataset.n_rows, np.nan, dtype=np.float32)
    predicted = np.zeros(dataset.n_rows, dtype=np.uint8)
    utility = np.full(dataset.n_rows, np.nan, dtype=np.float32)
    secondary = utility.copy() if spec.is_committee else None
    score = column_scorer(learner, codes)

    def score_some(places: Rows, rows: Rows) -> None:
        made = score(dataset.X.columns, places)
        proba[rows], predicted[rows] = told(made, classes)
        missing = np.where(in_training[rows], np.float32(0), np.float32(np.nan))
        for into, values in zip((utility, secondary), utilities(spec.strategy, made), strict=True):
            if into is not None and values is not None:
                into[rows] = made.by_row(values.astype(np.float32)) + missing

    in_chunks(score_some, dataset.X, is_scored, n_threads, is_wanted, at_once(len(classes)))
    return Fit(
        history.sets[-1].key,
        learner,
        spec.strategy,
        classes,
        proba,
        predicted,
        utility,
        secondary,
        len(rows),
        tuple(np.bincount(y, minlength=len(classes)).tolist()),
        beside(history, spec),
    )


def at_once(n_classes: int) -> int:
    """How many rows are scored at once: their probabilities of all classes are held meanwhile."""
    return max(1024, SCORED_AT_ONCE * CLASSES_AT_ONCE // max(CLASSES_AT_ONCE, n_classes))


def told(made: Scored, classes: tuple[str, ...]) -> tuple[Floats32, Codes]:
    """Probability and class of some rows, as ``Fit`` has them, each of shape (n_rows,)."""
    proba = consensus(made.members)
    if classes[0] == OTHER:
        positive = proba[:, 1]
        said = positive > 0.5
    else:
        # Of equals the first class; two columns are compared many times quicker than rows of two.
        said = proba[:, 1] > proba[:, 0] if len(classes) == 2 else proba.argmax(axis=1)
        positive = np.take_along_axis(proba, said[:, None].astype(np.intp), axis=1)[:, 0]
    return made.by_row(positive.astype(np.float32)), made.by_row(said.astype(np.uint8))


def class_probabilities(dataset: Dataset, fit: Fit, rows: Rows) -> FloatArray:
    """What a fit gives to each class for a few objects, shape (n, n_classes)."""
    score = column_scorer(fit.learner, np.arange(len(fit.classes)))
    made = score(dataset.X.columns, dataset.X.place_of[rows].astype(np.intp))
    return np.asarray(made.by_row(consensus(made.members)))


def pool_features(dataset: Dataset, history: History, spec: LearnerSpec, labelled: Rows) -> Any:
    """Features of the unlabelled objects that take part in a fit; None where no model looks.

    They are all that settings put into the training set but what tests or validates by now: of
    those a model would say what it remembers, which no other object has of it.
    """
    if not spec.needs_pool:
        return None
    is_open = dataset.parts == TRAIN
    is_open[labelled] = False
    is_open[_measuring(history)] = False
    return dataset.rows(pool_taking_part(spec, np.flatnonzero(is_open), len(labelled)))


def _measuring(history: History) -> list[int]:
    """The rows by which models are measured, wherever settings put them."""
    differing = (row for row, use in history.differing if use == "validates")
    return sorted({*history.validated, *history.curated, *differing})


def refuse_pool(dataset: Dataset, spec: LearnerSpec) -> None:
    """Refuse models that cannot take all of a training set in their fit."""
    refuse_large_pool(spec, int(np.count_nonzero(dataset.parts == TRAIN)))


def _judging(
    dataset: Dataset, history: History, classifier: str, spec: LearnerSpec, parts: Parts
) -> tuple[Any, Truth] | None:
    """The validation objects, and a draw of them where they are many, by which steps end."""
    if not spec.learns_in_steps:
        return None
    truth = truth_in_force(dataset, history, classifier)
    rows = np.flatnonzero((parts == VALIDATION) & (truth >= 0))
    if len(rows) < ENOUGH_TO_VALIDATE:
        return None
    if len(rows) > MOST_JUDGING:
        keys = tie_keys(dataset.keys[rows], spec.seed, _JUDGING)
        rows = np.sort(rows[np.argpartition(keys, MOST_JUDGING)[:MOST_JUDGING]])
    return dataset.rows(rows), truth[rows]


def beside(history: History, spec: LearnerSpec) -> str:
    """Names what of a history a fit takes beside the labelled set; "" where no model takes any.

    That is the truth by which steps end, and what is left of the pool.  Of two histories of one
    labelled set and one such name the fits are the same.
    """
    taken: list[object] = []
    if spec.learns_in_steps:
        taken += [sorted(each.items()) for each in (history.validated, history.corrected)]
        taken += [sorted(history.curated), sorted(history.differing, key=repr)]
    if spec.needs_pool:
        taken += [_measuring(history)]
    if not taken:
        return ""
    return hashlib.sha256(repr(taken).encode()).hexdigest()[:16]


def in_chunks(
    do: Callable[[Rows, Rows], None],
    X: Matrix | TextMatrix,
    chosen: npt.NDArray[np.bool_],
    n_threads: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
    n_at_once: int = SCORED_AT_ONCE,
) -> None:
    """Do something for all chosen rows, some at a time, on as many threads as processors.

    Parameters
    ----------
    do : takes places of the matrix and the rows of the catalogue that stand there
    chosen : ndarray of shape (n_rows,), in the catalogue's order
    n_at_once : how many places at a time

    Raises
    ------
    Overtaken : it is no longer wanted
    """

    def do_some(start: int) -> None:
        if not is_wanted():
            raise Overtaken
        rows = X.row_at[start : start + n_at_once]
        places = np.flatnonzero(chosen[rows])
        if len(places):
            do(start + places, rows[places].astype(np.intp))

    starts = range(0, len(chosen), n_at_once)
    n_threads = min(len(starts), n_threads or os.cpu_count() or 1)
    if n_threads < 2:
        for start in starts:
            do_some(start)
        return
    with ThreadPoolExecutor(n_threads, thread_name_prefix="scoring") as pool:
        for _ in pool.map(do_some, starts):
            pass  # what went wrong in a thread is raised here
