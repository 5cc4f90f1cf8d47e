"""What a model and a person's answers make of a data set in partitions, a chunk at a time.

Owns parts and truths in force, and the scoring of rows where they lie: ``truth`` and ``fitting``
say the same of arrays over all rows.  Must not know what comes of it, a question or a map.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.parquet_rows import Partition
from al_engine.data.splits import OUT, TRAIN, VALIDATION, Parts
from al_engine.learning.learners import Learner
from al_engine.learning.scoring import column_scorer, consensus
from al_engine.learning.strategies import utilities
from al_engine.loop.fitting import Floats32
from al_engine.loop.partitioned.layout import Layout
from al_engine.loop.partitioned.reading import Chunk, Reading, chunks
from al_engine.loop.truth import BINARY, Rows
from al_engine.projects.dataset import Truth

_KEEP = -2  # where answers leave a part, a truth or a label as the data set has it


@dataclass(frozen=True)
class Answers:
    """What a history changes, by row in ascending order; all arrays are of shape (n,).

    ``parts``, ``truth`` and ``codes`` hold _KEEP where nothing changes; ``asked`` rows are not in
    the pool, and those put off for ``later`` are, but not to be asked now.
    """

    rows: Rows
    parts: npt.NDArray[np.int16]
    truth: npt.NDArray[np.int16]
    codes: npt.NDArray[np.int16]
    asked: npt.NDArray[np.bool_]
    later: npt.NDArray[np.bool_]

    def here(self, chunk: Chunk) -> tuple[Rows, slice]:
        """Places in a chunk, and which of the answers they have."""
        ends = [chunk.first_row, chunk.first_row + len(chunk.keys)]
        start, stop = np.searchsorted(self.rows, ends)
        return self.rows[start:stop] - chunk.first_row, slice(int(start), int(stop))


def answers_of(layout: Layout, history: History, classifier: str) -> Answers:
    """What a history changes of parts, truths and labels."""
    verified = history.verified
    rows = sorted({*history.asked, *history.later, *verified})
    parts, truth, codes = np.full((3, len(rows)), _KEEP, dtype=np.int16)
    for i, row in enumerate(rows):
        label = verified.get(row)
        if row in history.trained:
            parts[i] = TRAIN
        if row in history.validated:
            parts[i] = VALIDATION
        if label in layout.left_out:
            parts[i] = OUT
        if label is not None:
            truth[i] = label == classifier
        if label in layout.values:
            codes[i] = layout.values.index(label)
    return Answers(
        np.array(rows, dtype=np.intp),
        parts,
        truth,
        codes,
        np.isin(rows, list(history.asked)),
        np.isin(rows, list(history.later)),
    )


@dataclass(frozen=True)
class Scoring:
    """What a worker needs to score rows: a model, if there is one, and what answers change.

    ``own`` is the place of the classifier's label among the values.
    """

    reading: Reading
    answers: Answers
    own: int
    learner: Learner | None
    strategy: str


@dataclass(frozen=True)
class ScoredChunk:
    """A chunk with what is in force of its rows, and what the model makes of them.

    Arrays are those of ``Fit``, of shape (n,): NaN where a row was not scored.
    """

    chunk: Chunk
    codes: npt.NDArray[np.int16]
    parts: Parts
    truth: Truth
    in_pool: npt.NDArray[np.bool_]
    is_open: npt.NDArray[np.bool_]
    proba: Floats32
    predicted: npt.NDArray[np.bool_]
    utility: Floats32
    secondary: Floats32


def scored_chunks(partition: Partition, scoring: Scoring) -> Iterator[ScoredChunk]:
    """Stream a partition with all that is in force, scored where there is a model."""
    answers = scoring.answers
    score = None if scoring.learner is None else column_scorer(scoring.learner, BINARY)
    for chunk in chunks(partition, scoring.reading):
        n = len(chunk.keys)
        parts, codes = chunk.parts.copy(), chunk.codes.copy()
        truth = np.where(codes < 0, -1, codes == scoring.own).astype(np.int8)
        places, which = answers.here(chunk)
        for values, changed in (
            (parts, answers.parts),
            (truth, answers.truth),
            (codes, answers.codes),
        ):
            changes = changed[which] != _KEEP
            values[places[changes]] = changed[which][changes]
        in_pool = parts == TRAIN
        in_pool[places[answers.asked[which]]] = False
        is_open = in_pool.copy()
        is_open[places[answers.later[which]]] = False
        proba, utility, secondary = (np.full(n, np.nan, dtype=np.float32) for _ in range(3))
        predicted = np.zeros(n, dtype=np.bool_)
        rows = np.flatnonzero((parts == TRAIN) | (parts == VALIDATION))
        if score is not None and len(rows):
            made = score(chunk.X, rows)
            positive = consensus(made.members)[:, 1]
            proba[rows] = made.by_row(positive.astype(np.float32))
            predicted[rows] = made.by_row(positive > 0.5)
            in_training = (parts[rows] == TRAIN) | (chunk.parts[rows] == TRAIN)
            useful = zip((utility, secondary), utilities(scoring.strategy, made), strict=True)
            for into, of_made in useful:
                if of_made is not None:
                    own = made.by_row(of_made.astype(np.float32))
                    into[rows[in_training]] = own[in_training]
        yield ScoredChunk(
            chunk, codes, parts, truth, in_pool, is_open, proba, predicted, utility, secondary
        )
