"""Which objects lie far from everything labelled, for a card, for a map and for the whole pool.

Owns what of that is kept from round to round, and for whom.  Distances are ``learning.coverage``'s.
What a person may not see of others' labels is not in them: they go by the labels in sight.  Must
not know pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from al_engine.data.splits import TRAIN
from al_engine.errors import NotEnoughLabelsError, WorkCancelled
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.learning.coverage import (
    ENOUGH,
    FAR,
    Reach,
    distances,
    in_chunks,
    reach_of,
    with_more,
)
from al_engine.learning.metrics import Score, share
from al_engine.loop.truth import Rows, parts_in_force
from al_engine.projects.arrays import of_the_data
from al_engine.projects.dataset import Dataset
from al_engine.session import LabellingSession, State
from al_engine.showing.colouring import Colouring
from al_engine.showing.drawn import ARRAYS_KEPT, KEPT, Drawn, drawn_of
from al_engine.views.palette import NEUTRAL

LITTLE = 0.2
NAMES = ("no training data here", "little training data near", "near enough")
COLOURS = ("#D55E00", "#56B4E9", NEUTRAL)
AT_ONCE = 20_000_000  # distances that nobody notices waiting for
BYTES_HELD = 200_000_000

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Held:
    """The nearest labelled objects' distances of every object, as they were at some moment."""

    labelled: frozenset[int]
    nearest: Floats


def labelled_rows(dataset: Dataset, state: State) -> Rows:
    """The objects that a state's model learned from, as far as their labels are in sight."""
    trained = state.learned.trained.items()
    return np.array(sorted(r for r, v in trained if v not in dataset.left_out), dtype=np.intp)


def reach(session: LabellingSession, state: State) -> Reach | None:
    """How far labelled objects lie from each other; None where they are too few to tell."""
    dataset, drawn = session.project.prepare(state.config), drawn_of(session.project)
    rows = labelled_rows(dataset, state)
    if len(rows) < ENOUGH:
        return None
    made: list[Reach | None] = drawn.once(
        drawn.facts,
        KEPT,
        ("reach", *_of(state, rows)),
        lambda: [reach_of(_prepared(dataset, rows))],
    )
    return made[0]


def share_as_far(session: LabellingSession, state: State, row: int) -> float | None:
    """The share of labelled objects that lie as far from the next ones as an object does.

    None where too few are labelled.  Its own label is no matter, so that it tells nothing of it.
    """
    found = reach(session, state)
    if found is None:
        return None
    dataset = session.project.prepare(state.config)
    others = np.flatnonzero(labelled_rows(dataset, state) != row)
    away = distances(_prepared(dataset, np.array([row])), found.labelled[others])
    return float(found.share_as_far(away)[0])


def pool_without(session: LabellingSession, state: State) -> Score | None:
    """The share of the pool with no training data near, from a fixed random sample of it."""
    found = reach(session, state)
    if found is None:
        return None
    dataset = session.project.prepare(state.config)
    rows = dataset.watched
    rows = rows[_in_pool(dataset, state)[rows]]
    if not len(rows):
        return None
    far = found.share_as_far(distances(_prepared(dataset, rows), found.labelled)) < FAR
    return share(int(np.count_nonzero(far)), len(rows))


# -- of every object ---------------------------------------------------------------------------


def is_quick(session: LabellingSession, state: State) -> bool:
    """Is what ``shares`` gives at hand, or so quickly made that nobody notices?"""
    dataset, drawn = session.project.prepare(state.config), drawn_of(session.project)
    rows = labelled_rows(dataset, state)
    if len(rows) < ENOUGH or ("shares", *_of(state, rows)) in drawn.arrays:
        return True
    held = _nearest_held(drawn, state, rows)
    n_new = len(rows) - (len(held.labelled) if held is not None else 0)
    return n_new * dataset.n_rows <= AT_ONCE


def shares(
    session: LabellingSession,
    state: State,
    is_wanted: Callable[[int], bool] = lambda n_done: True,
) -> Floats:
    """``share_as_far`` of every object, shape (n_rows,).

    Raises
    ------
    NotEnoughLabelsError : too few objects are labelled
    WorkCancelled : ``is_wanted``, asked with how many are done, said no
    """
    found = reach(session, state)
    if found is None:
        raise NotEnoughLabelsError(
            f"What is far from training data takes {ENOUGH} labelled objects to tell.",
            "Label more, or choose another colour.",
        )
    drawn, dataset = drawn_of(session.project), session.project.prepare(state.config)
    rows = labelled_rows(dataset, state)

    def make() -> Floats:
        away = _nearest(drawn, dataset, state, rows, is_wanted).mean(axis=1)
        # What is labelled is no neighbour of itself.
        away[rows] = distances(found.labelled, found.labelled, without_itself=True)
        return found.share_as_far(away)

    return drawn.once(drawn.arrays, ARRAYS_KEPT, ("shares", *_of(state, rows)), make)


def by_coverage(session: LabellingSession, state: State | None) -> Colouring:
    """The colouring in which what has no training data near stands out.

    Raises
    ------
    NotEnoughLabelsError : as ``shares``, and without a classifier
    """
    if state is None:
        raise NotEnoughLabelsError("No classifier is started yet.", "Start one, and label.")
    drawn, dataset = drawn_of(session.project), session.project.prepare(state.config)
    of = ("coverage", *_of(state, labelled_rows(dataset, state)))

    def make() -> npt.NDArray[np.uint8]:
        found = shares(session, state)
        codes = np.where(found < LITTLE, 1, 2).astype(np.uint8)
        codes[found < FAR] = 0
        return codes

    codes = drawn.once(drawn.arrays, ARRAYS_KEPT, of, make)
    return Colouring(of, "training data near", NAMES, COLOURS, codes, is_ground=True)


def begin_measuring(session: LabellingSession, state: State) -> Job[Rows]:
    """Begin ``far_from_labels``; ``shares`` are at hand then."""
    n_rows = session.project.catalogue.n_rows

    def work(progress: Progress, cancelled: Cancelled) -> Rows:
        def is_wanted(n_done: int) -> bool:
            progress(n_done, n_rows)
            return not cancelled()

        with session.project.at_work():
            return far_from_labels(session, state, is_wanted)

    return Job(work)


def far_from_labels(
    session: LabellingSession,
    state: State,
    is_wanted: Callable[[int], bool] = lambda n_done: True,
) -> Rows:
    """The objects of the pool that have no training data near, in order; raises as ``shares``."""
    dataset = session.project.prepare(state.config)
    return np.flatnonzero(_in_pool(dataset, state) & (shares(session, state, is_wanted) < FAR))


def _in_pool(dataset: Dataset, state: State) -> npt.NDArray[np.bool_]:
    """Which objects may be asked about, as far as the person may know."""
    open_: npt.NDArray[np.bool_] = parts_in_force(dataset, state.history) == TRAIN
    open_[list(state.history.asked | state.untold)] = False
    return open_


def _nearest(
    drawn: Drawn,
    dataset: Dataset,
    state: State,
    rows: Rows,
    is_wanted: Callable[[int], bool],
) -> Floats:
    """The distances of every object to the nearest labelled: of labels that came, theirs alone."""
    held, labelled = _nearest_held(drawn, state, rows), frozenset(rows.tolist())
    new = rows if held is None else np.array(sorted(labelled - held.labelled), dtype=np.intp)
    found = held.nearest if held is not None else None
    if len(new):
        take = partial(_prepared, dataset)
        further = in_chunks(take, dataset.n_rows, take(new), is_wanted)
        if further is None:
            raise WorkCancelled("It was cancelled.", "It is measured where it is asked for again.")
        found = further if found is None else with_more(found, further)
    assert found is not None, "without any held, all are new"
    with drawn.lock:
        key = _key(state)
        kept = [each for each in drawn.facts.get(key, ()) if each.labelled != labelled]
        most = max(1, BYTES_HELD // max(1, found.nbytes))
        drawn.facts[key] = [*kept, _Held(labelled, found)][-min(2, most) :]
        drawn.facts.move_to_end(key)
    return found


def _nearest_held(drawn: Drawn, state: State, rows: Rows) -> _Held | None:
    """Of the moments that are held, the latest of which all labels still stand."""
    labelled = frozenset(rows.tolist())
    with drawn.lock:
        fitting = [e for e in drawn.facts.get(_key(state), ()) if e.labelled <= labelled]
    return max(fitting, key=lambda each: len(each.labelled), default=None)


def _key(state: State) -> tuple[str, ...]:
    return "nearest", state.classifier, _distances_of(state)


def _of(state: State, rows: Rows) -> tuple[str, bytes]:
    return _distances_of(state), rows.tobytes()


def _distances_of(state: State) -> str:
    """What distances depend on: no target, name or threshold is in it."""
    return repr(of_the_data(state.config))


def _prepared(dataset: Dataset, rows: Rows) -> Any:
    """Features as the models get them."""
    return dataset.preparation.transform(dataset.rows(rows))
