"""How good a round's model is: on what it trained on, on validation, and on the test set.

Owns which objects each score is over, and what takes the place of a validation set that is too
small.  The arithmetic is ``learning.metrics``'; must not know files, DuckDB or pages.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.splits import TEST, TRAIN, VALIDATION
from al_engine.learning.cross_validation import cross_validated_scores
from al_engine.learning.learners import LearnerSpec
from al_engine.learning.metrics import (
    Scores,
    confusion_of,
    scores_of_confusion,
    scores_of_matrix,
)
from al_engine.learning.scoring import column_scorer
from al_engine.loop.fitting import (
    Codes,
    Fit,
    at_once,
    blaming_extensions,
    in_chunks,
    pool_features,
    told,
)
from al_engine.loop.truth import (
    ENOUGH_TO_VALIDATE,
    Rows,
    labelled_set,
    named,
    parts_in_force,
    truth_in_force,
)
from al_engine.projects.dataset import Dataset, Truth


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
    The labels that train in ``history`` are those that the fit is of.
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
        spec,
        dataset.rows(rows),
        y,
        dataset.preparation,
        np.arange(len(fit.classes)),
        names=named(fit.classes),
        X_pool=pool_features(dataset, history, spec, rows),
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


def scores_of_few(
    dataset: Dataset,
    history: History,
    classifier: str,
    spec: LearnerSpec,
    fit: Fit,
    rows: Rows,
) -> Scores | None:
    """The same over a few test objects by their rows, for whoever looks at every round."""
    truth, parts = truth_in_force(dataset, history, classifier), parts_in_force(dataset, history)
    rows = rows[(parts[rows] == TEST) & (truth[rows] >= 0)]
    if not len(rows):
        return None
    score = column_scorer(fit.learner, np.arange(len(fit.classes)))
    with blaming_extensions(spec):
        made = score(dataset.X.columns, dataset.X.place_of[rows].astype(np.intp))
    predicted = told(made, fit.classes)[1]
    return _scores(np.ones(len(rows), dtype=np.bool_), truth[rows], predicted, fit.classes)


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
