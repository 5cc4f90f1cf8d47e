"""One round of a data set in partitions: the model, its scores, and what is asked next.

Owns what a worker sends back of a partition, which is little, and how that comes together: question
and scores are those that ``rounds`` and ``fitting`` give for an imported catalogue.  Must not know
Dask, nor files.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, fields
from functools import reduce

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.parquet_rows import Partition
from al_engine.data.partitions import IsWanted, Run
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import SettingsError
from al_engine.learning.cross_validation import cross_validated_scores
from al_engine.learning.learners import Learner, LearnerSpec, fit_learner
from al_engine.learning.metrics import Scores, scores_of_confusion
from al_engine.learning.selection import pick, tie_keys
from al_engine.learning.strategies import strategy_in_force
from al_engine.loop.asking import Question, decide, order_of, why_queried
from al_engine.loop.fitting import Floats32
from al_engine.loop.partitioned.layout import Layout, features_of
from al_engine.loop.partitioned.reading import refuse_extensions, refuse_what_takes_more
from al_engine.loop.partitioned.scoring import ScoredChunk, Scoring, answers_of, scored_chunks
from al_engine.loop.scores import RoundScores
from al_engine.loop.truth import BINARY, ENOUGH_TO_VALIDATE, Rows
from al_engine.mixing import Keys

CANDIDATES = 16

HOW = ("query", "random", "initial")

# The sign, the exponent and seven bits of a single-precision number.
_EIGHT_BITS = np.uint32(0xFFFF0000)

# By how an object comes up: what ``tie_keys`` takes besides it.
Orders = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Candidates:
    """Objects that may be asked about, the most useful first: arrays of length n.

    ``X`` are their features, shape (n, n_features).
    """

    rows: Rows
    utility: Floats32
    secondary: Floats32
    keys: Keys
    proba: Floats32
    X: Floats32


@dataclass(frozen=True)
class Found:
    """What a worker sends back of a partition, or what all partitions come to.

    ``first`` are candidates by how they come up: the most useful for "query", those of the draw
    for "random" and "initial"; ``confusion`` counts by set (training, validation), truth and
    prediction, shape (2, 2, 2); ``levels`` are the utilities of the training set to eight
    significant bits, and ``level_counts`` how often each occurs; ``parts`` are those in force of
    rows that the question may depend on.
    """

    first: Mapping[str, Candidates]
    n_pool: int
    n_open: int
    n_known: int
    confusion: npt.NDArray[np.int64]
    utility: tuple[float, float]
    levels: Floats32
    level_counts: npt.NDArray[np.int64]
    parts: dict[int, int]


@dataclass(frozen=True)
class PartitionedRound:
    """Where a history leaves a classifier: ``rounds.Round``, without arrays over all rows.

    ``best`` are the first of the pool; ``utility_range`` and ``utility_histogram`` (the ends nearer
    to zero, counts) are those of the training set, (0, 0) and empty where there is no model.
    """

    learner: Learner | None
    scores: RoundScores | None
    question: Question | None
    n_pool: int
    trained_share: float
    best: Candidates
    utility_range: tuple[float, float]
    utility_histogram: tuple[Floats32, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class PartitionedPlan:
    """What ``rounds.Plan`` is for a catalogue.

    ``seen`` keeps features of rows that were labelled or may be next, so that a round reads none
    of them again; it may be emptied at any time.
    """

    layout: Layout
    classifier: str
    spec: LearnerSpec
    name: str
    initial: Rows
    n_initial: int
    every: int
    seen: MutableMapping[int, Floats32]

    def __post_init__(self) -> None:
        refuse_extensions(self.spec.models)
        refuse_what_takes_more(self.spec.models)
        found = strategy_in_force(self.spec.strategy)
        refuse_extensions([found])
        if found.choose is not None:
            raise SettingsError(
                f"The query strategy {found.title} looks at objects together, and a data set in "
                "partitions is looked at piece by piece.",
                "Import it, or choose uncertainty, margin, entropy or random.",
            )

    @property
    def own(self) -> int:
        return self.layout.values.index(self.classifier)


def make_round(
    run: Run, plan: PartitionedPlan, history: History, is_wanted: IsWanted = lambda: True
) -> PartitionedRound:
    """Make a round: the same as ``rounds.make_round`` makes of the same data, imported.

    Raises
    ------
    ClusterError : the workers do not finish it
    Overtaken : it is no longer wanted
    """
    layout, spec = plan.layout, plan.spec
    rows, y = labelled_set(layout, history, plan.classifier)
    learner = X = None
    if len(rows):
        X = _features(run, plan, rows, is_wanted)
        learner = fit_learner(spec, X, y, layout.preparation, BINARY)
    scoring = Scoring(
        layout.reading(),
        answers_of(layout, history, plan.classifier),
        plan.own,
        learner,
        spec.strategy,
    )
    orders = {how: order_of(how, history, spec.seed) for how in HOW}
    watched = frozenset({*history.later, *(int(row) for row in plan.initial)})
    found = reduce(
        _together, run(look_through, layout.partitions, (scoring, orders, watched), is_wanted)
    )
    scores = None
    if X is not None:
        training, validation = (_scores(counts) for counts in found.confusion)
        if validation is not None and validation.n >= ENOUGH_TO_VALIDATE:
            scores = RoundScores(training, validation)
        else:
            folded, reason = cross_validated_scores(spec, X, y, layout.preparation, BINARY)
            scores = RoundScores(training, folded, by_folds=True, reason=reason)
    for candidates in found.first.values():
        plan.seen.update(zip(candidates.rows.tolist(), candidates.X, strict=True))
    best = found.first["query"]

    def say_why(row: int, n_pool: int) -> str:
        likely, is_constant = f"{best.proba[0]:.2f} likely {plan.name}", int(y.sum()) in (0, len(y))
        return why_queried(likely, n_pool, spec.strategy, spec.is_committee, is_constant)

    question = decide(
        history,
        found.parts,
        plan.initial,
        found.n_open,
        lambda how: int(found.first[how].rows[0]),
        None if learner is None else say_why,
        plan.n_initial,
        plan.every,
    )
    low, high = found.utility
    return PartitionedRound(
        learner,
        scores,
        question,
        found.n_pool,
        len(rows) / max(1, found.n_known),
        best,
        (low, high) if low <= high else (0.0, 0.0),
        (found.levels, found.level_counts),
    )


def labelled_set(
    layout: Layout, history: History, classifier: str
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Rows in ascending order, and 1 for the classifier's label."""
    trained = {r: label for r, label in history.trained.items() if label not in layout.left_out}
    rows = np.array(sorted(trained), dtype=np.intp)
    return rows, np.array([int(trained[int(row)] == classifier) for row in rows], dtype=np.int64)


def _features(run: Run, plan: PartitionedPlan, rows: Rows, is_wanted: IsWanted) -> Floats32:
    strange = [row for row in rows.tolist() if row not in plan.seen]
    if strange:
        plan.seen.update(features_of(run, plan.layout, strange, is_wanted))
    return np.stack([plan.seen[row] for row in rows.tolist()])


def _scores(counts: npt.NDArray[np.int64]) -> Scores | None:
    (tn, fp), (fn, tp) = counts.tolist()
    return scores_of_confusion(tn, fp, fn, tp) if tn + fp + fn + tp else None


# -- on a worker -------------------------------------------------------------------------------


def look_through(
    partition: Partition, job: tuple[Scoring, Orders, frozenset[int]]
) -> Iterator[Found]:
    """Score a partition and keep the best: candidates, counts, a histogram."""
    scoring, orders, watched = job
    yield reduce(
        _together,
        (_look_at(scored, orders, watched) for scored in scored_chunks(partition, scoring)),
    )


def _look_at(scored: ScoredChunk, orders: Orders, watched: frozenset[int]) -> Found:
    parts, truth, first_row = scored.parts, scored.truth, scored.chunk.first_row
    confusion = np.zeros((2, 2, 2), dtype=np.int64)
    seen = (truth >= 0) & np.isfinite(scored.proba)
    for i, part in enumerate((TRAIN, VALIDATION)):
        here = seen & (parts == part)
        cells = 2 * truth[here] + scored.predicted[here]
        confusion[i] = np.bincount(cells, minlength=4).reshape(2, 2)
    values = scored.utility[np.isfinite(scored.utility)]
    levels, counts = np.unique(
        (values.view(np.uint32) & _EIGHT_BITS).view(np.float32), return_counts=True
    )
    return Found(
        {how: _candidates(scored, how, order) for how, order in orders.items()},
        int(np.count_nonzero(scored.in_pool)),
        int(np.count_nonzero(scored.is_open)),
        int(np.count_nonzero((parts == TRAIN) & (truth >= 0))),
        confusion,
        (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf),
        levels,
        counts.astype(np.int64),
        {
            row: int(parts[row - first_row])
            for row in watched
            if first_row <= row < first_row + len(parts)
        },
    )


def _candidates(scored: ScoredChunk, how: str, order: tuple[int, int]) -> Candidates:
    """The first of the pool; to a draw all are equally useful."""
    pool = np.flatnonzero(scored.is_open)
    utility = secondary = np.zeros(len(pool), dtype=np.float32)
    if how == "query":
        utility, secondary = scored.utility[pool], scored.secondary[pool]
    keys = tie_keys(scored.chunk.keys[pool], *order)
    chosen = _first(utility, secondary, keys)
    rows = pool[chosen]
    return Candidates(
        rows + scored.chunk.first_row,
        utility[chosen],
        secondary[chosen],
        keys[chosen],
        scored.proba[rows],
        np.ascontiguousarray(scored.chunk.X[:, rows].T),
    )


def _first(utility: Floats32, secondary: Floats32, keys: Keys) -> Rows:
    n = min(CANDIDATES, len(keys))
    return pick(utility, n, keys, secondary) if n else np.empty(0, dtype=np.intp)


def _together(one: Found, other: Found) -> Found:
    """What two parts of a data set come to; their order is no matter."""
    levels, places = np.unique(np.concatenate([one.levels, other.levels]), return_inverse=True)
    counts = np.zeros(len(levels), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([one.level_counts, other.level_counts]))
    return Found(
        {how: _best_of(one.first[how], other.first[how]) for how in one.first},
        one.n_pool + other.n_pool,
        one.n_open + other.n_open,
        one.n_known + other.n_known,
        one.confusion + other.confusion,
        (min(one.utility[0], other.utility[0]), max(one.utility[1], other.utility[1])),
        levels,
        counts,
        {**one.parts, **other.parts},
    )


def _best_of(one: Candidates, other: Candidates) -> Candidates:
    joined = {
        field.name: np.concatenate([getattr(one, field.name), getattr(other, field.name)])
        for field in fields(Candidates)
    }
    chosen = _first(joined["utility"], joined["secondary"], joined["keys"])
    return Candidates(**{name: values[chosen] for name, values in joined.items()})
