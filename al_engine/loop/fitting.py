"""A model of one round: what is trained on, what it makes of every object, how good it is.

Owns the step from a data set and a history to a fit and its scores, as pure functions: the same
labels give the same fit, whoever asks and in whatever order they came.  Must not know files,
DuckDB, pages, or what is asked next.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.matrix import Matrix
from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION, Parts
from al_engine.errors import AlEngineError, ContractError
from al_engine.learning.learners import Learner, LearnerSpec, Member, fit_learner
from al_engine.learning.metrics import Scores, cross_validated_scores, scores_of_confusion
from al_engine.learning.models import find_model
from al_engine.learning.scoring import column_scorer, consensus
from al_engine.learning.strategies import utilities
from al_engine.lookahead import Overtaken
from al_engine.origin import in_words, line_of
from al_engine.projects.dataset import Dataset
from al_engine.settings.config import ClassifierSetup

Rows = npt.NDArray[np.intp]
Floats32 = npt.NDArray[np.float32]
Truth = npt.NDArray[np.int8]

BINARY = np.array([0, 1])
ENOUGH_TO_VALIDATE = 30
SCORED_AT_ONCE = 65_536


@dataclass(frozen=True)
class Fit:
    """A trained model and what it makes of every object.

    ``proba`` is the probability of the classifier's own label, shape (n_rows,), NaN for objects
    that were not scored (test set, left out; what is curated may be, and no score uses it);
    ``predicted`` whether it is over one half, before rounding to float32; ``utility`` is what the
    strategy in force gives each object that is in the training set or was drawn into it, NaN
    elsewhere; ``secondary`` orders equal utilities.
    """

    key: str
    learner: Learner
    strategy: str
    proba: Floats32
    predicted: npt.NDArray[np.bool_]
    utility: Floats32
    secondary: Floats32 | None
    n_labelled: int
    n_positive: int

    @property
    def is_constant(self) -> bool:
        """Is only one side of the question labelled, so that nothing can be learned yet?"""
        return self.n_positive in (0, self.n_labelled)


@dataclass(frozen=True)
class RoundScores:
    """Scores of one round.

    ``by_folds`` says that validation was too small to use and cross-validation over the labelled
    set took its place; ``reason`` why there are no such scores.  ``over`` names the curated objects
    that tested then, and so are in no score, "" where none did: scores that say otherwise are over
    other objects.
    """

    training: Scores | None
    validation: Scores | None
    by_folds: bool = False
    reason: str = ""
    over: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain JSON values."""
        return {
            "training": self.training.to_dict() if self.training else None,
            "validation": self.validation.to_dict() if self.validation else None,
            "by_folds": self.by_folds,
            "reason": self.reason,
            **({"over": self.over} if self.over else {}),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RoundScores":
        training, validation = (
            Scores.from_dict(data[name]) if data[name] else None
            for name in ("training", "validation")
        )
        over = str(data.get("over", ""))
        return cls(training, validation, bool(data["by_folds"]), str(data["reason"]), over)


def learner_spec(setup: ClassifierSetup, seed: int) -> LearnerSpec:
    """What the learning package needs of a classifier's set-up."""
    members = tuple(Member(m.model, dict(m.params), m.strategy) for m in setup.members)
    return LearnerSpec(members, setup.committee_strategy, seed)


@contextmanager
def blaming_extensions(spec: LearnerSpec) -> Iterator[None]:
    """Turn what a model of an extension raises into a sentence with its file and line."""
    try:
        yield
    except (AlEngineError, Overtaken):
        raise
    except Exception as error:
        theirs = [
            (model.title, model.origin)
            for model in (find_model(member.model) for member in spec.members)
            if model.origin is not None
        ]
        if not theirs:
            raise
        # The one whose file the error passed through, where it passed through one.
        through = [each for each in theirs if line_of(error, each[1].path) is not None]
        title, origin = (through or theirs)[0]
        raise ContractError(
            f"The model {title} ({origin.place(error)}) failed: {in_words(error)}.",
            "Mend it and start Sextant again, or choose another model; no label is lost.",
        ) from error


# -- objects: which set, which truth --

_USES: dict[str, int] = {"trains": TRAIN, "validates": VALIDATION}


def parts_in_force(dataset: Dataset, history: History) -> Parts:
    """Each object's set once answers are counted.

    What has trained stays in the training set and what came up at random stays in validation,
    even when later settings would draw otherwise and while people differ about it: a chosen object
    must never score.  What is curated, where that is in use, tests.
    """
    parts = dataset.parts.copy()
    parts[list(history.trained)] = TRAIN
    parts[list(history.validated)] = VALIDATION
    for row in history.disputed:
        parts[row] = _USES.get(history.held.get(row, ""), parts[row])
    parts[list(history.curated)] = TEST
    for row, label in history.verified.items():
        if label in dataset.left_out:
            parts[row] = OUT
    return parts


def part_in_force(dataset: Dataset, history: History, row: int) -> int:
    """The same of one object, without a look at the others."""
    if history.verified.get(row) in dataset.left_out:
        return OUT
    if row in history.curated:
        return TEST
    if row in history.disputed and (use := history.held.get(row, "")) in _USES:
        return _USES[use]
    if row in history.validated:
        return VALIDATION
    return TRAIN if row in history.trained else int(dataset.parts[row])


def part_of(dataset: Dataset, history: History, row: int) -> str:
    """The set of one object once answers are counted, in a word."""
    part = part_in_force(dataset, history, row)
    return {TRAIN: "training", VALIDATION: "validation", TEST: "test"}.get(part, "left-out")


def truth_in_force(dataset: Dataset, history: History, classifier: str) -> Truth:
    """1 where an object has the classifier's label, 0 where another, -1 where unknown.

    A verified label outranks the catalogue's; where people differ it is unknown.
    """
    truth = dataset.truth(classifier).copy()
    truth[list(history.disputed)] = -1
    for row, label in history.verified.items():
        truth[row] = label == classifier
    return truth


# -- the model --


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
    learner = fit_learner(spec, dataset.rows(rows), y, dataset.preparation, BINARY)
    parts = parts_in_force(dataset, history)
    is_scored = (parts == TRAIN) | (parts == VALIDATION)
    # What was curated since is still in, as is what a random question moved to validation: an undo
    # moves it back, and a fit must not depend on when it was made.
    curated = list(history.curated)
    is_scored[curated] = dataset.parts[curated] != OUT
    in_training = (parts == TRAIN) | (dataset.parts == TRAIN)
    proba = np.full(dataset.n_rows, np.nan, dtype=np.float32)
    predicted = np.zeros(dataset.n_rows, dtype=np.bool_)
    utility = np.full(dataset.n_rows, np.nan, dtype=np.float32)
    secondary = utility.copy() if spec.is_committee else None
    score = column_scorer(learner, BINARY)

    def score_some(places: Rows, rows: Rows) -> None:
        made = score(dataset.X.columns, places)
        positive = consensus(made.members)[:, 1]
        proba[rows] = made.by_row(positive.astype(np.float32))
        predicted[rows] = made.by_row(positive > 0.5)
        missing = np.where(in_training[rows], np.float32(0), np.float32(np.nan))
        for into, values in zip((utility, secondary), utilities(spec.strategy, made), strict=True):
            if into is not None and values is not None:
                into[rows] = made.by_row(values.astype(np.float32)) + missing

    in_chunks(score_some, dataset.X, is_scored, n_threads, is_wanted)
    return Fit(
        history.sets[-1].key,
        learner,
        spec.strategy,
        proba,
        predicted,
        utility,
        secondary,
        len(rows),
        int(y.sum()),
    )


def in_chunks(
    do: Callable[[Rows, Rows], None],
    X: Matrix,
    chosen: npt.NDArray[np.bool_],
    n_threads: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Do something for all chosen rows, some at a time, on as many threads as processors.

    Parameters
    ----------
    do : takes places of the matrix and the rows of the catalogue that stand there
    chosen : ndarray of shape (n_rows,), in the catalogue's order

    Raises
    ------
    Overtaken : it is no longer wanted
    """

    def do_some(start: int) -> None:
        if not is_wanted():
            raise Overtaken
        rows = X.row_at[start : start + SCORED_AT_ONCE]
        places = np.flatnonzero(chosen[rows])
        if len(places):
            do(start + places, rows[places].astype(np.intp))

    starts = range(0, len(chosen), SCORED_AT_ONCE)
    n_threads = min(len(starts), n_threads or os.cpu_count() or 1)
    if n_threads < 2:
        for start in starts:
            do_some(start)
        return
    with ThreadPoolExecutor(n_threads, thread_name_prefix="scoring") as pool:
        for _ in pool.map(do_some, starts):
            pass  # what went wrong in a thread is raised here


def labelled_set(
    dataset: Dataset, history: History, classifier: str
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Rows in ascending order, and 1 for the classifier's label: order of answers is no matter.

    Objects whose label the settings leave out have been answered about, but do not train.
    """
    trained = {r: label for r, label in history.trained.items() if label not in dataset.left_out}
    rows = np.array(sorted(trained), dtype=np.intp)
    y = np.array([int(trained[int(row)] == classifier) for row in rows], dtype=np.int64)
    return rows, y


# -- scores --


def score_round(
    dataset: Dataset,
    history: History,
    classifier: str,
    spec: LearnerSpec,
    fit: Fit,
    folded: RoundScores | None = None,
) -> RoundScores:
    """Score a fit on what is known of the training set and of validation.

    While validation holds fewer than 30 objects its place is taken by cross-validation over the
    labelled set, and marked so; what is ``folded`` over this labelled set already serves again.
    """
    over = _over(dataset, history)
    parts = parts_in_force(dataset, history)
    truth = truth_in_force(dataset, history, classifier)
    training = scores_over((parts == TRAIN) & (truth >= 0), truth, fit)
    in_validation = (parts == VALIDATION) & (truth >= 0)
    if int(in_validation.sum()) >= ENOUGH_TO_VALIDATE:
        return RoundScores(training, scores_over(in_validation, truth, fit), over=over)
    if folded is not None and folded.by_folds:
        return replace(folded, training=training, over=over)
    rows, y = labelled_set(dataset, history, classifier)
    found, reason = cross_validated_scores(
        spec, dataset.rows(rows), y, dataset.preparation, BINARY, spec.seed
    )
    return RoundScores(training, found, by_folds=True, reason=reason, over=over)


def _over(dataset: Dataset, history: History) -> str:
    """Names the curated objects that test, wherever their rows are."""
    if not history.curated:
        return ""
    keys = np.sort(dataset.keys[list(history.curated)])
    return hashlib.blake2b(keys.tobytes(), digest_size=8).hexdigest()


def scores_over(chosen: npt.NDArray[np.bool_], truth: Truth, fit: Fit) -> Scores | None:
    """Scores over the chosen objects that the model has seen, or None where there are none."""
    return _scores(chosen & np.isfinite(fit.proba), truth, fit.predicted)


def test_round(
    dataset: Dataset,
    history: History,
    classifier: str,
    spec: LearnerSpec,
    fit: Fit,
    among: Collection[int] | None,
) -> Scores | None:
    """Scores over the test set, which no round looks at; computed only when asked for.

    ``among`` are the rows that count, where not all of the test set do.
    """
    truth = truth_in_force(dataset, history, classifier)
    chosen = (parts_in_force(dataset, history) == TEST) & (truth >= 0)
    if among is not None:
        count = np.zeros(dataset.n_rows, dtype=np.bool_)
        count[list(among)] = True
        chosen &= count
    predicted = np.zeros(dataset.n_rows, dtype=np.bool_)
    score = column_scorer(fit.learner, BINARY)

    def score_some(places: Rows, rows: Rows) -> None:
        made = score(dataset.X.columns, places)
        predicted[rows] = made.by_row(consensus(made.members)[:, 1] > 0.5)

    with blaming_extensions(spec):
        in_chunks(score_some, dataset.X, chosen)
    return _scores(chosen, truth, predicted)


def _scores(
    chosen: npt.NDArray[np.bool_], truth: Truth, predicted: npt.NDArray[np.bool_]
) -> Scores | None:
    """Scores over chosen objects, all of known truth, without a copy of them."""
    yes, said = chosen & (truth == 1), chosen & predicted
    n, n_yes, n_said, tp = (int(np.count_nonzero(a)) for a in (chosen, yes, said, yes & said))
    if not n:
        return None
    fp, fn = n_said - tp, n_yes - tp
    return scores_of_confusion(n - tp - fp - fn, fp, fn, tp)
