"""What classifiers make of every object of a catalogue, as a table in the catalogue's order.

Owns the columns of that table and its stream, some rows at a time.  Takes functions that score
rows; must not know models or sessions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from al_engine.data.catalogue import Catalogue
from al_engine.data.readers.arrays import unique_names
from al_engine.data.splits import PART_NAMES, Parts
from al_engine.data.table import Column
from al_engine.exchange.carried import Carried, carried
from al_engine.exchange.writers.outgoing import Outgoing
from al_engine.learning.thresholds import Line
from al_engine.settings.config import ProjectConfig

ROWS_AT_ONCE = 65_536

Numbers: TypeAlias = npt.NDArray[np.floating[Any]]
Score: TypeAlias = Callable[[int, int], tuple[Numbers, npt.NDArray[np.integer[Any]]]]
PLAIN = Line()
SET_NAMES = np.array([{"out": "left out"}.get(name, name) for name in PART_NAMES])


@dataclass(frozen=True)
class Class:
    """A label that a classifier tells from others, by its value and its name."""

    value: str
    name: str


@dataclass(frozen=True)
class Predictor:
    """A classifier as the table has it.

    ``score`` gives, from one row up to another, the probability of its label, shape (n,), and 1
    where it is over one half; of one over all labels that of each of its ``classes``, shape
    (n, n_classes), and the place of the likeliest.  ``parts`` is the set of every object,
    ``labels`` the labels in force by row.  Of the rows ``kept_back`` nothing is told that the
    classifier makes of them.  ``line`` is how its probabilities are written.
    """

    label: str
    name: str
    score: Score
    parts: Parts
    labels: Mapping[int, str]
    kept_back: frozenset[int] = frozenset()
    classes: tuple[Class, ...] = ()
    line: Line = PLAIN


@dataclass(frozen=True)
class Together:
    """The combined prediction of some of the predictors, by their positions ``of``.

    ``predict`` makes of their probabilities the calibrated ones and, as a position in ``of``, which
    label is predicted; -1 for none.  ``is_calibrated`` says of which there is a calibration.
    """

    of: Sequence[int]
    is_calibrated: Sequence[bool]
    none_below: float
    predict: Callable[
        [Sequence[Any]],
        tuple[list[npt.NDArray[np.float32]], npt.NDArray[np.int16]],
    ]

    def columns(self, predictors: Sequence[Predictor]) -> list[Column]:
        """The calibrated probabilities, and the one label predicted."""
        made = []
        for i, is_calibrated in zip(self.of, self.is_calibrated, strict=True):
            how = "calibrated on validation by a sigmoid" if is_calibrated else "not calibrated"
            title = f"Probability of {predictors[i].name}, {how}"
            made.append(Column(f"calibrated_{predictors[i].label}", pa.float32(), "", title))
        said = f"Likeliest label; empty where all are under {self.none_below:g}"
        return [*made, Column("predicted", pa.string(), "", said)]

    def arrays(
        self,
        predictors: Sequence[Predictor],
        probas: Sequence[Numbers],
        hidden: Sequence[npt.NDArray[np.bool_]],
    ) -> list[pa.Array]:
        """What stands in those columns for some objects; ``hidden`` is kept back of each."""
        calibrated, predicted = self.predict([probas[i] for i in self.of])
        labels = np.array([*(predictors[i].label for i in self.of), None], dtype=object)
        masks = [hidden[i] for i in self.of]
        return [
            *(
                pa.array(proba, pa.float32(), mask=mask)
                for proba, mask in zip(calibrated, masks, strict=True)
            ),
            pa.array(labels[predicted], pa.string(), mask=np.logical_or.reduce(masks)),
        ]


ALL = "all_labels"  # in the names of columns, where parentheses would have to be quoted


def columns_of(
    label: str, name: str, classes: Sequence[Class] = (), line: Line = PLAIN
) -> list[Column]:
    """Probability and prediction, as every table of predictions calls them.

    Over all labels: the label predicted, its probability, and that of each class.
    """
    how = f", calibrated on validation ({line.method})" if line.method else ""
    if not classes:
        said = f"Whether {name} is likelier than not"
        if not line.is_plain:
            said = f"Whether the probability of {name} is over {line.threshold:g}"
        return [
            Column(f"probability_{label}", pa.float32(), "", f"Probability of {name}{how}"),
            Column(f"predicted_{label}", pa.bool_(), "", said),
        ]
    return [
        Column(f"predicted_{ALL}", pa.string(), "", "Likeliest of all labels"),
        Column(
            f"probability_{ALL}",
            pa.float32(),
            "",
            f"Probability of the likeliest of all labels{how}",
        ),
        *(
            Column(
                f"probability_{ALL}_{c.value}",
                pa.float32(),
                "",
                f"{c.name} among all labels{how}",
            )
            for c in classes
        ),
    ]


def arrays_of(
    proba: Numbers,
    predicted: npt.NDArray[np.integer[Any]],
    classes: Sequence[Class] = (),
    mask: npt.NDArray[np.bool_] | None = None,
    line: Line = PLAIN,
) -> list[pa.Array]:
    """What stands in those columns; ``mask`` says of which objects nothing is told."""
    proba = proba.astype(np.float32)
    if not classes:
        # The model's own word is from before rounding.
        written, said = (proba, predicted == 1) if line.is_plain else line(proba)
        return [pa.array(written, mask=mask), pa.array(said, mask=mask)]
    proba, predicted = line.of_many(proba, predicted)
    values = np.array([c.value for c in classes], dtype=object)
    own = np.take_along_axis(proba, predicted[:, None].astype(np.intp), axis=1)[:, 0]
    return [
        pa.array(values[predicted], pa.string(), mask=mask),
        *(pa.array(column, mask=mask) for column in (own, *np.ascontiguousarray(proba.T))),
    ]


def predictions_table(
    catalogue: Catalogue,
    config: ProjectConfig,
    predictors: Sequence[Predictor],
    extra: Sequence[str] = (),
    about: Mapping[str, str] | None = None,
    together: Together | None = None,
) -> Outgoing:
    """Every object with what each classifier makes of it, and all of them together where they can.

    Raises
    ------
    UnknownColumnError : an extra column that is not there
    """
    ours: list[Column] = []
    for predictor in predictors:
        label, name = ALL if predictor.classes else predictor.label, predictor.name
        ours += [
            *columns_of(label, name, predictor.classes, predictor.line),
            Column(f"set_{label}", pa.string(), "", f"Set of the object for {name}"),
            Column(f"label_{label}", pa.string(), "", f"Label given to the object for {name}"),
        ]
    ours += together.columns(predictors) if together else []
    # A label may be called as another column's end is.
    names, _ = unique_names([column.name for column in ours])
    ours = [replace(column, name=name) for column, name in zip(ours, names, strict=True)]
    objects = carried(catalogue, config, extra, [column.name for column in ours])
    return Outgoing(
        "predictions",
        (*objects.columns, *ours),
        _batches(catalogue, objects, predictors, together, (*objects.columns, *ours)),
        about or {},
        objects.ucds,
        catalogue.n_rows,
    )


def _batches(
    catalogue: Catalogue,
    objects: Carried,
    predictors: Sequence[Predictor],
    together: Together | None,
    columns: Sequence[Column],
) -> Iterator[pa.RecordBatch]:
    labelled = [np.array(sorted(predictor.labels), dtype=np.int64) for predictor in predictors]
    kept_back = [np.array(sorted(predictor.kept_back), dtype=np.int64) for predictor in predictors]
    for start in range(0, catalogue.n_rows, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, catalogue.n_rows)
        arrays = objects.records(catalogue, start, stop)
        probas, hidden = [], []
        for predictor, rows, unsaid in zip(predictors, labelled, kept_back, strict=True):
            proba, predicted = predictor.score(start, stop)
            probas.append(proba)
            mask = np.zeros(stop - start, dtype=np.bool_)
            mask[unsaid[slice(*np.searchsorted(unsaid, [start, stop]))] - start] = True
            hidden.append(mask)
            given = np.full(stop - start, None, dtype=object)
            for row in rows[slice(*np.searchsorted(rows, [start, stop]))].tolist():
                given[row - start] = predictor.labels[row]
            arrays += [
                *arrays_of(proba, predicted, predictor.classes, mask, predictor.line),
                pa.array(SET_NAMES[predictor.parts[start:stop]], pa.string()),
                pa.array(given, pa.string()),
            ]
        if together:
            arrays += together.arrays(predictors, probas, hidden)
        yield pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])
