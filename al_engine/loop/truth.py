"""Which set each object is in and what is known of it, once answers are counted.

Owns how answers, corrections, disputes and the curated test set outrank the draw and the catalogue.
Arrays over all objects out of a data set and a history; must not know models, files or pages.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.splits import OUT, TEST, TRAIN, VALIDATION, Parts
from al_engine.projects.dataset import Dataset, Truth
from al_engine.settings.config import ALL_LABELS

Rows = npt.NDArray[np.intp]

BINARY = np.array([0, 1])
OTHER = ""  # the class of whatever is not the classifier's own label
ENOUGH_TO_VALIDATE = 30  # objects of known label, for scores over them to say something

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


def named(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes by name where there are others than the two sides of a question."""
    return () if classes[0] == OTHER else classes


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
