"""What a simulation is run on: the objects whose label is known, as arrays, and their files.

Owns the step from these to what a model sees under one split.  Whatever is learned of features,
as scales and words are, is learned of the training set alone.  Must not know DuckDB or projects.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from al_engine.errors import ProjectError, SettingsError
from al_engine.exchange.simulations import ABOUT, ROWS
from al_engine.learning.learners import LearnerSpec, fit_learner, pool_taking_part
from al_engine.learning.mixed import joined
from al_engine.learning.preparation import NOTHING_TO_PREPARE, Preparation, fit_preparation
from al_engine.learning.scoring import column_scorer, consensus, member_probabilities, predict
from al_engine.learning.selection import IntArray
from al_engine.learning.stepwise import MOST_JUDGING
from al_engine.learning.words import Counts, clean, count_terms, learn_vocabulary
from al_engine.mixing import Keys
from al_engine.simulating.running import Learning, Predicted, Split

PREPARED_FROM = 100_000  # objects of a training set are enough to tell medians and quartiles


@dataclass(frozen=True)
class Material:
    """Objects with a known label, in the catalogue's order.

    ``y`` holds places in ``classes``; ``rows`` are the catalogue's.  Features are numbers, ``X``,
    words of ``texts``, which are learned for each split, or both.  ``about`` says of what they were
    made, for the record.
    """

    classes: tuple[str, ...]
    y: NDArray[np.int64]
    keys: Keys
    rows: IntArray
    X: Any = None
    texts: tuple[str, ...] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_objects(self) -> int:
        return len(self.y)

    def against_the_rest(self, positive: str) -> "Material":
        """The same with two classes: all others (0), and ``positive`` (1)."""
        if positive not in self.classes:
            raise SettingsError(
                f"'{positive}' is none of the labels.",
                f"There are {', '.join(self.classes[:20])}.",
            )
        y = (self.y == self.classes.index(positive)).astype(np.int64)
        return replace(self, classes=(f"not {positive}", positive), y=y)


@dataclass(frozen=True)
class Seen:
    """What models see under one split."""

    X: Any
    preparation: Preparation


class Features:
    """Features of a material under any split; texts are counted once, at the first."""

    def __init__(self, material: Material, scale: bool) -> None:
        self._material, self._scale = material, scale
        self._counts: Counts | None = None
        self.groups: IntArray | None = None
        if material.texts is not None:
            cleaned = [" ".join(clean(text).split()) for text in material.texts]
            self.groups = np.unique(np.array(cleaned, dtype=object), return_inverse=True)[1]

    def under(self, split: Split) -> Seen:
        """What models see, all of it learned from the training set alone."""
        X, texts = self._material.X, self._material.texts
        preparation = NOTHING_TO_PREPARE
        if X is not None:
            train = split.train[:: -(-len(split.train) // PREPARED_FROM)]
            preparation = fit_preparation(X[train], scale=self._scale)
        if texts is None:
            return Seen(X, preparation)
        if self._counts is None:
            self._counts = count_terms(texts)
        _, words = learn_vocabulary(self._counts, split.train)
        numbers = None if X is None else preparation.transform(X)
        prepared = replace(NOTHING_TO_PREPARE, n_numbers=preparation.n_numbers)
        return Seen(joined(numbers, words), prepared)


def learning(
    spec: LearnerSpec,
    seen: Seen,
    y: NDArray[np.int64],
    classes: NDArray[np.int64],
    judging: IntArray,
    *,
    carries_on: bool = False,
) -> Learning:
    """How one model, or a committee, learns from what it sees.

    Parameters
    ----------
    judging : the validation set, by which models that learn in steps know when to stop
    carries_on : whether these go on from the weights of the round before
    """
    X = seen.X
    columns = None if scipy.sparse.issparse(X) else np.ascontiguousarray(X.T)
    judging = judging[: MOST_JUDGING if spec.learns_in_steps else 0]
    validation = (X[judging], y[judging]) if len(judging) else None

    def fit(labelled: IntArray, pool: IntArray, before: Any) -> Any:
        taking_part = pool_taking_part(spec, pool, len(labelled))
        return fit_learner(
            spec,
            X[labelled],
            y[labelled],
            seen.preparation,
            classes,
            X_pool=X[taking_part] if spec.needs_pool else None,
            validation=validation,
            before=before,
        )

    def look(learner: Any, rows: IntArray) -> Predicted:
        if columns is None:
            proba = member_probabilities(learner, X[rows], classes)
        else:
            made = column_scorer(learner, classes)(columns, rows.astype(np.intp))
            proba = made.members if made.of is None else made.members[:, made.of]
        return predict(consensus(proba), classes), proba

    return Learning(fit, look, carries_on=carries_on and spec.learns_in_steps)


# -- files -------------------------------------------------------------------------------------


def save_material(folder: Path, material: Material) -> None:
    """Write all of it into a folder that is there; numbers as numbers, texts as text."""
    for name, values in ((ROWS, material.rows), ("y.npy", material.y), ("keys.npy", material.keys)):
        np.save(folder / name, values, allow_pickle=False)
    if material.texts is not None:
        (folder / "texts.json").write_text(json.dumps(material.texts), encoding="utf-8")
    if material.X is not None:
        np.save(folder / "X.npy", material.X, allow_pickle=False)
    about = {"classes": material.classes, "about": material.about}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def is_there(folder: Path) -> bool:
    """Is all of it still there to be run on?  It is given back at the end, and never travels."""
    return (folder / "y.npy").is_file()


def load_material(folder: Path) -> Material:
    """Map what was written.

    Raises
    ------
    ProjectError : it is not there, or damaged
    """
    with _refusing():
        outline = _load_outline(folder)
        y, keys = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("y", "keys"))
        X, texts = None, None
        if (folder / "texts.json").is_file():
            texts = tuple(json.loads((folder / "texts.json").read_text(encoding="utf-8")))
        if texts is None or (folder / "X.npy").is_file():
            X = np.load(folder / "X.npy", mmap_mode="r", allow_pickle=False)
        return replace(outline, y=y, keys=keys, X=X, texts=texts)


def load_outline(folder: Path) -> Material:
    """Of what was written only what its numbers are told with: classes, rows, and of what it is.

    Raises
    ------
    ProjectError : it is not there, or damaged
    """
    with _refusing():
        return _load_outline(folder)


def drop_material(folder: Path) -> None:
    """Give back the disk that it takes; its outline stays."""
    for name in ("y.npy", "keys.npy", "X.npy", "texts.json"):
        (folder / name).unlink(missing_ok=True)


def _load_outline(folder: Path) -> Material:
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    rows = np.load(folder / ROWS, mmap_mode="r", allow_pickle=False)
    none = np.zeros(0, dtype=np.int64)
    classes = tuple(str(value) for value in about["classes"])
    return Material(classes, none, none.astype(np.uint64), rows, about=dict(about["about"]))


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ProjectError(
            "What the simulation was to run on is not there any more.", "Begin another one."
        ) from error
