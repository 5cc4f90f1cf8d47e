"""One round of a data set in partitions: the model, its scores, and what is asked next.

Owns what a worker sends back of a partition, which is little, and how that comes together: question
and scores are those that ``rounds`` and ``fitting`` give for an imported catalogue.  Must not know
Dask, nor files.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.parquet_rows import Partition
from al_engine.data.partitions import IsWanted, Run
from al_engine.data.ranks import ordered_keys, ordered_values
from al_engine.data.splits import OUT, TRAIN, VALIDATION
from al_engine.fitting import BINARY, ENOUGH_TO_VALIDATE, Floats32, RoundScores, Rows
from al_engine.learning.learners import Learner, LearnerSpec, fit_learner
from al_engine.learning.metrics import Scores, cross_validated_scores, scores_of_confusion
from al_engine.learning.strategies import pick, tie_keys
from al_engine.mixing import Keys
from al_engine.partitioned.layout import Layout, features_of
from al_engine.partitioned.scoring import ScoredChunk, Scoring, answers_of, scored_chunks
from al_engine.rounds import _RANDOM_QUESTION, Question

CANDIDATES = 16

# A tie's order: a seed, and the number of a round or of a question.
Salt = tuple[int, int]


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

    ``best`` are candidates by utility, under the first salt, and ``drawn`` by the others' order
    alone; ``confusion`` counts by set (training, validation), truth and prediction, shape
    (2, 2, 2); ``utility_keys`` stand for the utilities of the training set, to eight significant
    bits, and ``utility_counts`` for how often each occurs; ``parts`` are those in force of rows
    that the question may depend on.
    """

    best: Candidates
    drawn: tuple[Candidates, ...]
    n_pool: int
    n_open: int
    n_known: int
    confusion: npt.NDArray[np.int64]
    utility: tuple[float, float]
    utility_keys: Keys
    utility_counts: npt.NDArray[np.int64]
    parts: dict[int, int]


@dataclass(frozen=True)
class PartitionedRound:
    """Where a history leaves a classifier: ``rounds.Round``, without arrays over all rows.

    ``best`` are the first of the pool; ``utility_range`` and ``utility_histogram`` (lower ends,
    counts) are those of the training set, (0, 0) and empty where there is no model.
    """

    learner: Learner | None
    scores: RoundScores | None
    question: Question | None
    n_pool: int
    chosen_share: float
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

    @property
    def own(self) -> int:
        return self.layout.values.index(self.classifier)


def random_every(layout: Layout, setting: int | None) -> int:
    """How often a question is a random one; 0 means never."""
    if setting is not None:
        return setting
    return 5 if layout.n_validation < ENOUGH_TO_VALIDATE else 0


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
    salts: tuple[Salt, ...] = (
        (spec.seed, len(history.sets)),
        (spec.seed ^ _RANDOM_QUESTION, history.n_questions),
        (spec.seed, 0),
    )
    watched = frozenset({*history.later, *(int(row) for row in plan.initial)})
    found = _come_together(
        list(run(look_through, layout.partitions, (scoring, salts, watched), is_wanted))
    )
    scores = None
    if X is not None:
        training, validation = (_scores(counts) for counts in found.confusion)
        if validation is not None and validation.n >= ENOUGH_TO_VALIDATE:
            scores = RoundScores(training, validation)
        else:
            folded, reason = cross_validated_scores(
                spec, X, y, layout.preparation, BINARY, spec.seed
            )
            scores = RoundScores(training, folded, by_folds=True, reason=reason)
    for candidates in (found.best, *found.drawn):
        plan.seen.update(zip(candidates.rows.tolist(), candidates.X, strict=True))
    is_constant = learner is None or int(y.sum()) in (0, len(y))
    low, high = found.utility
    return PartitionedRound(
        learner,
        scores,
        _next_question(plan, history, found, has_model=X is not None, is_constant=is_constant),
        found.n_pool,
        len(history.trained) / max(1, found.n_known),
        found.best,
        (low, high) if low <= high else (0.0, 0.0),
        (ordered_values(found.utility_keys << np.uint64(16)), found.utility_counts),
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
    partition: Partition, job: tuple[Scoring, Sequence[Salt], frozenset[int]]
) -> Found:
    """Score a partition and keep the best: candidates, counts, a histogram."""
    scoring, salts, watched = job
    total: Found | None = None
    for scored in scored_chunks(partition, scoring):
        chunk, parts, truth = scored.chunk, scored.parts, scored.truth
        confusion = np.zeros((2, 2, 2), dtype=np.int64)
        seen = (truth >= 0) & np.isfinite(scored.proba)
        for i, part in enumerate((TRAIN, VALIDATION)):
            here = seen & (parts == part)
            cells = 2 * truth[here] + scored.predicted[here]
            confusion[i] = np.bincount(cells, minlength=4).reshape(2, 2)
        pool = np.flatnonzero(scored.is_open)
        values = scored.utility[np.isfinite(scored.utility)]
        keys, counts = np.unique(ordered_keys(values) >> np.uint64(16), return_counts=True)

        draw = partial(_candidates, scored, pool)
        equal = np.zeros(len(pool), dtype=np.float32)
        useful, second = equal, equal
        if scoring.learner is not None:
            useful, second = scored.utility[pool], np.nan_to_num(scored.secondary[pool])
        last = chunk.first_row + len(parts)
        found = Found(
            draw(salts[0], CANDIDATES, useful, second),
            tuple(draw(salt, 1, equal, equal) for salt in salts[1:]),
            int(scored.in_pool.sum()),
            len(pool),
            int(((parts == TRAIN) & (truth >= 0)).sum()),
            confusion,
            (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf),
            keys,
            counts.astype(np.int64),
            {
                row: int(parts[row - chunk.first_row])
                for row in watched
                if chunk.first_row <= row < last
            },
        )
        total = found if total is None else _come_together([total, found])
    assert total is not None, "a partition has rows"
    return total


def _candidates(
    scored: ScoredChunk, pool: Rows, salt: Salt, n: int, utility: Floats32, secondary: Floats32
) -> Candidates:
    """The first n of the pool; utilities are the pool's, in its order."""
    order = tie_keys(scored.chunk.keys[pool], *salt)
    chosen = _first(n, utility, secondary, order)
    rows = pool[chosen]
    return Candidates(
        rows + scored.chunk.first_row,
        utility[chosen],
        secondary[chosen],
        order[chosen],
        scored.proba[rows],
        np.ascontiguousarray(scored.chunk.X[:, rows].T),
    )


def _first(n: int, utility: Floats32, secondary: Floats32, keys: Keys) -> Rows:
    n = min(n, len(keys))
    return pick(utility, n, keys, secondary) if n else np.empty(0, dtype=np.intp)


def _come_together(found: Sequence[Found]) -> Found:
    """What several parts of a data set come to; their order is no matter."""
    values, places = np.unique(
        np.concatenate([one.utility_keys for one in found]), return_inverse=True
    )
    counts = np.zeros(len(values), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([one.utility_counts for one in found]))
    return Found(
        _best_of([one.best for one in found], CANDIDATES),
        tuple(_best_of(drawn, 1) for drawn in zip(*(one.drawn for one in found), strict=True)),
        sum(one.n_pool for one in found),
        sum(one.n_open for one in found),
        sum(one.n_known for one in found),
        np.sum([one.confusion for one in found], axis=0),
        (min(one.utility[0] for one in found), max(one.utility[1] for one in found)),
        values,
        counts,
        {row: part for one in found for row, part in one.parts.items()},
    )


def _best_of(several: Sequence[Candidates], n: int) -> Candidates:
    joined = {
        field.name: np.concatenate([getattr(one, field.name) for one in several])
        for field in fields(Candidates)
    }
    chosen = _first(n, joined["utility"], joined["secondary"], joined["keys"])
    return Candidates(**{name: values[chosen] for name, values in joined.items()})


# -- the next question -------------------------------------------------------------------------


def _next_question(
    plan: PartitionedPlan, history: History, found: Found, *, has_model: bool, is_constant: bool
) -> Question | None:
    """``rounds.next_question``, from what the partitions sent back."""
    put_off = sorted((p.due, row) for row, p in history.later.items() if found.parts[row] != OUT)
    if put_off and put_off[0][0] <= history.n_passed:
        row = put_off[0][1]
        return Question(row, history.later[row].how, "You put this one off; ten others are done.")
    if not found.n_open:
        if not put_off:
            return None
        row = put_off[0][1]
        return Question(row, history.later[row].how, "You put this one off; no other is left.")
    random, fallback = (int(drawn.rows[0]) for drawn in found.drawn)
    if not has_model or len(history.trained) < plan.n_initial:
        closed = history.asked | history.later.keys()
        waiting = [
            row
            for row in (int(r) for r in plan.initial)
            if found.parts[row] == TRAIN and row not in closed
        ]
        done = f"{len(history.trained)} of {plan.n_initial}"
        why = f"One of the first objects to label: {done} are done."
        return Question(waiting[0] if waiting else fallback, "initial", why)
    if plan.every and (history.n_questions + 1) % plan.every == 0:
        why = "A random object: its answer is kept to check the classifier, and never trains it."
        return Question(random, "random", why)
    likely = f"{found.best.proba[0]:.2f} likely {plan.name}"
    among = f"of {found.n_open + len(put_off):,} in the pool"
    if is_constant:
        why = f"Drawn at random {among}: all labels so far are on one side."
    elif plan.spec.strategy == "random":
        why = f"{likely}; drawn at random {among}."
    elif plan.spec.is_committee:
        why = f"{likely}; {among}, the one the models disagree on most."
    else:
        why = f"{likely}; {among}, the one the model is least sure of."
    return Question(int(found.best.rows[0]), "query", why)
