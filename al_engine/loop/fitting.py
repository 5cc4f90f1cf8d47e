"""A model of one round: what is trained on, what it makes of every object, how good it is.

Owns the step from a data set and a history to a fit and its scores, as pure functions: the same
labels give the same fit, whoever asks and in whatever order they came.  Must not know files,
DuckDB, pages, or what is asked next.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.matrix import Matrix
from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION, Parts
from al_engine.errors import AlEngineError, ContractError, SettingsError
from al_engine.learning.learners import (
    Learner,
    LearnerSpec,
    Member,
    fit_learner,
    pool_taking_part,
    refuse_large_pool,
)
from al_engine.learning.metrics import (
    Scores,
    confusion_of,
    cross_validated_scores,
    scores_of_confusion,
    scores_of_matrix,
)
from al_engine.learning.params import complete
from al_engine.learning.scoring import FloatArray, Scored, column_scorer, consensus
from al_engine.learning.selection import tie_keys
from al_engine.learning.stepwise import MOST_JUDGING
from al_engine.learning.strategies import strategy_in_force, utilities
from al_engine.lookahead import Overtaken
from al_engine.origin import in_words, line_of
from al_engine.projects.dataset import Dataset, Truth
from al_engine.projects.texts import TextMatrix
from al_engine.settings.config import ALL_LABELS, ClassifierSetup

Rows = npt.NDArray[np.intp]
Floats32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]

BINARY = np.array([0, 1])
OTHER = ""  # the class of whatever is not the classifier's own label
ENOUGH_TO_VALIDATE = 30
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
    utilities.  ``n_of_class`` counts the labels of each class.  ``judged_by`` names the validation
    truth by which a model that learns in steps stopped, None where none does.
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
    judged_by: Hashable = None

    @property
    def is_constant(self) -> bool:
        """Is only one class labelled, so that nothing can be learned yet?"""
        return max(self.n_of_class) == self.n_labelled


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

    Over all labels it is the place of the object's among the classes.  A verified label outranks
    the catalogue's; where people differ it is unknown.
    """
    truth: Truth = dataset.truth(classifier).copy()
    truth[list(history.disputed)] = -1
    code_of = codes_of(dataset, classifier)
    for row, label in history.verified.items():
        truth[row] = code_of(label)
    return truth


def classes_of(dataset: Dataset, classifier: str) -> tuple[str, ...]:
    """The classes of a classifier, as ``Fit`` has them."""
    return dataset.told_apart if classifier == ALL_LABELS else (OTHER, classifier)


def codes_of(dataset: Dataset, classifier: str) -> Callable[[str], int]:
    """From a label to its class's code; -1 where it is none of those told apart."""
    if classifier != ALL_LABELS:
        return lambda label: int(label == classifier)
    places = {label: code for code, label in enumerate(dataset.told_apart)}
    return lambda label: places.get(label, -1)


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
    classes = classes_of(dataset, classifier)
    codes = np.arange(len(classes))
    parts = parts_in_force(dataset, history)
    learner = fit_learner(
        spec,
        dataset.rows(rows),
        y,
        dataset.preparation,
        codes,
        X_pool=pool_features(dataset, spec, rows),
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
        judged_by(history, spec),
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


def pool_features(dataset: Dataset, spec: LearnerSpec, labelled: Rows) -> Any:
    """Features of the unlabelled objects that take part in a fit; None where no model looks.

    They are all that settings put into the training set, whatever was answered about them: a fit
    must not depend on what else was passed, or drawn for validation, by then.
    """
    if not spec.needs_pool:
        return None
    is_open = dataset.parts == TRAIN
    is_open[labelled] = False
    return dataset.rows(pool_taking_part(spec, np.flatnonzero(is_open), len(labelled)))


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


def judged_by(history: History, spec: LearnerSpec) -> Hashable:
    """Names the truth by which steps end, beside the labelled set; None where no model takes any.

    Of two histories of one labelled set and one such name the fits are the same.
    """
    if not spec.learns_in_steps:
        return None
    answers = (frozenset(each.items()) for each in (history.validated, history.corrected))
    return (*answers, frozenset(history.curated), history.disputed)


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


def labelled_set(
    dataset: Dataset, history: History, classifier: str
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Rows in ascending order, and the code of each one's class: order of answers is no matter.

    Objects whose label the settings leave out have been answered about, but do not train.
    """
    code_of = codes_of(dataset, classifier)
    coded = {r: code_of(v) for r, v in history.trained.items() if v not in dataset.left_out}
    trained = sorted((row, code) for row, code in coded.items() if code >= 0)
    rows = np.array([row for row, _ in trained], dtype=np.intp)
    return rows, np.array([code for _, code in trained], dtype=np.int64)


# -- scores --


def score_round(
    dataset: Dataset,
    history: History,
    classifier: str,
    spec: LearnerSpec,
    fit: Fit,
    folded: RoundScores | None = None,
    trained: History | None = None,
) -> RoundScores:
    """Score a fit on what is known of the training set and of validation.

    While validation holds fewer than 30 objects its place is taken by cross-validation over the
    labelled set, and marked so; what is ``folded`` over this labelled set already serves again.
    ``trained`` is the history that the fit is of, where that is not the present one.
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
    rows, y = labelled_set(dataset, trained or history, classifier)
    found, reason = cross_validated_scores(
        spec,
        dataset.rows(rows),
        y,
        dataset.preparation,
        np.arange(len(fit.classes)),
        spec.seed,
        names=named(fit.classes),
        X_pool=pool_features(dataset, spec, rows),
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
    return _scores(chosen & np.isfinite(fit.proba), truth, fit.predicted, fit.classes)


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
    n_classes = len(fit.classes)
    predicted = np.zeros(dataset.n_rows, dtype=np.uint8)
    score = column_scorer(fit.learner, np.arange(n_classes))

    def score_some(places: Rows, rows: Rows) -> None:
        predicted[rows] = told(score(dataset.X.columns, places), fit.classes)[1]

    with blaming_extensions(spec):
        in_chunks(score_some, dataset.X, chosen, n_at_once=at_once(n_classes))
    return _scores(chosen, truth, predicted, fit.classes)


def named(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes by name where there are others than the two sides of a question."""
    return () if classes[0] == OTHER else classes


def _scores(
    chosen: npt.NDArray[np.bool_], truth: Truth, predicted: Codes, classes: tuple[str, ...]
) -> Scores | None:
    """Scores over chosen objects, all of known truth."""
    if named(classes):
        matrix = confusion_of(truth[chosen], predicted[chosen], len(classes))
        return scores_of_matrix(matrix, classes) if matrix.any() else None
    # Two sides are counted without a copy of the objects.
    yes, said = chosen & (truth == 1), chosen & (predicted == 1)
    n, n_yes, n_said, tp = (int(np.count_nonzero(a)) for a in (chosen, yes, said, yes & said))
    if not n:
        return None
    fp, fn = n_said - tp, n_yes - tp
    return scores_of_confusion(n - tp - fp - fn, fp, fn, tp)
