"""What each map shows of a classifier's state, and its picture.

Owns which objects a map draws and in which category.  Takes a session's state, gives PNG bytes;
must not know the browser or Streamlit.  Several threads may ask at once.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from al_engine.data.history import History
from al_engine.data.splits import OUT, TRAIN, VALIDATION
from al_engine.loop.fitting import Fit
from al_engine.loop.truth import Rows, named, parts_in_force, truth_in_force
from al_engine.projects.dataset import Dataset, Truth
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ProjectConfig
from al_engine.settings.label import side_of
from al_engine.showing.drawn import ARRAYS_KEPT, KEPT, Drawn
from al_engine.views.palette import CORRECTNESS, NEUTRAL
from al_engine.views.raster import (
    HIDDEN,
    NEAR_PX,
    Range,
    View,
    around,
    category_counts,
    default_range,
    nearest,
    paint_categories,
    paint_values,
)

Kind = Literal["training", "metric", "validation", "labels", "predicted", "certainty"]
Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

CORRECT, INCORRECT, UNLABELLED = 0, 1, 2
RANGE_FROM = 100_000  # objects are enough to tell where nearly all lie
# A click looks close by first: in a crowd the nearest object is near.
REACHES_PX = (1.0, 6.0, NEAR_PX)
# Where a view holds a larger share of the objects, reading all in their order is quicker than
# picking; by the bytes read of each.
MOST_PICKED = {1: 0.75, 4: 0.45}

# Set of an object, and whether it is correct, incorrect or of unknown truth, in one number.
STANDINGS = 4 * 3


def standing_codes(parts: Codes, truth: Truth, predicted: Any) -> Codes:
    """The standing of each object; all arrays have shape (n_rows,)."""
    category = np.asarray(truth != predicted, np.uint8)
    category[truth < 0] = UNLABELLED
    return np.asarray(parts * 3 + category, np.uint8)


@dataclass(frozen=True)
class Shown:
    """What of a map is shown; ``cell`` keeps one cell of a matrix only: set, actual, predicted."""

    correct: bool = True
    incorrect: bool = True
    unlabelled: bool = True
    trained_on: bool = True
    queried: bool = True
    cell: tuple[str, int, int] | None = None


class Maps:
    """The maps of one session.

    Parameters
    ----------
    drawn : where pictures are kept; its own where None
    """

    def __init__(self, session: LabellingSession, drawn: Drawn | None = None) -> None:
        self._session = session
        self._drawn = drawn or Drawn()
        # By classifier: of which moment, and of each kind of map the view (None for home), the
        # view's size, and the look.
        self._looks: dict[str, tuple[str, dict[Kind, tuple[View | None, View, Any]]]] = {}

    def home(self, state: State, width_px: int, height_px: int) -> View:
        """The view that shows nearly everything, and all that was trained on or is asked."""
        keep = list(state.history.trained)
        if state.question is not None:
            keep.append(state.question.row)

        def sample() -> tuple[Floats, Floats]:
            rows = np.flatnonzero(self._dataset(state).parts != OUT)
            rows = rows[:: max(1, len(rows) // RANGE_FROM)]
            return x[rows], y[rows]

        def ranges() -> tuple[Range, Range]:
            key = ("sample", repr(state.config))
            some_x, some_y = self._drawn.once(self._drawn.facts, KEPT, key, sample)
            return default_range(some_x, x[keep]), default_range(some_y, y[keep])

        x, y = self._coordinates(state.config)
        key = ("home", repr(state.config), tuple(keep))
        x_range, y_range = self._drawn.once(self._drawn.facts, KEPT, key, ranges)
        return View(x_range, y_range, width_px, height_px)

    def picture(
        self,
        kind: Kind,
        state: State,
        view: View,
        shown: Shown,
        colours: str = "blue_orange",
        value_colours: str = "viridis",
    ) -> bytes:
        """A PNG of one map with transparent ground, ``view.width_px`` by ``view.height_px``."""
        draw: dict[Kind, Callable[[], bytes]] = {
            "training": lambda: self._correctness(state, view, shown, colours, TRAIN),
            "validation": lambda: self._correctness(state, view, shown, colours, VALIDATION),
            "metric": lambda: self._metric(state, view, value_colours),
            "labels": lambda: self._labels(state, view),
            "predicted": lambda: self._predicted(state, view),
            "certainty": lambda: self._certainty(state, view, value_colours),
        }
        look = (view, shown, colours, value_colours)
        key = (kind, repr(state.config), self.subject(kind, state), look)
        return self._drawn.once(self._drawn.pictures, KEPT, key, draw[kind])

    def show(self, kind: Kind, state: State, view: View, *look: Any) -> bytes:
        """As ``picture``, for somebody who looks at it: ``draw_ahead`` then knows what to draw."""
        at_home = view == self.home(state, view.width_px, view.height_px)
        with self._drawn.lock:
            moment, looks = self._looks.get(state.classifier, ("", {}))
            if moment != state.token:
                looks = {}
            looks[kind] = (None if at_home else view, view, look)
            self._looks[state.classifier] = (state.token, looks)
        return self.picture(kind, state, view, *look)

    def draw_ahead(self, state: State, is_wanted: Callable[[], bool]) -> None:
        """Draw for a state that may come what is being looked at now, for as long as it may."""
        with self._drawn.lock:
            looks = dict(self._looks.get(state.classifier, ("", {}))[1])
        for kind, (fixed, last, look) in looks.items():
            if is_wanted():
                view = fixed or self.home(state, last.width_px, last.height_px)
                self.picture(kind, state, view, *look)

    def metric_range(self, state: State) -> tuple[float, float]:
        """Lowest and highest utility in the training set; (0, 0) where there is none."""
        if state.fit is None:
            return 0.0, 0.0
        utility = _utility(state)

        def ends() -> tuple[float, float]:
            values = utility[np.isfinite(utility)]
            return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)

        key = ("metric range", repr(state.config), self.subject("metric", state))
        made: tuple[float, float] = self._drawn.once(self._drawn.facts, KEPT, key, ends)
        return made

    def has_unlabelled(self, state: State) -> bool:
        """Does the training set hold objects whose label nobody knows?"""
        table = _categories(TRAIN, Shown(), has_fit=state.fit is not None)

        def look() -> bool:
            return bool((table == UNLABELLED)[self.standing(state)].any())

        key = ("unlabelled", repr(state.config), self.subject("training", state))
        made: bool = self._drawn.once(self._drawn.facts, KEPT, key, look)
        return made

    def nearest_row(
        self, kind: Kind, state: State, x: float, y: float, view: View, shown: Shown
    ) -> int | None:
        """The object that a click on a map means: the nearest one drawn there, or None.

        Of objects that are equally near it is the one of the lowest row.
        """
        grid = self._session.project.grid(state.config)
        for reach_px in REACHES_PX:
            # A pixel more, so that rounding leaves none out that lies just within reach.
            places = grid.within(*around(x, y, view, reach_px + 1))
            drawn = np.flatnonzero(self._is_drawn(kind, state, shown, places.rows))
            drawn = drawn[np.argsort(places.rows[drawn], kind="stable")]
            found = nearest(places.x[drawn], places.y[drawn], x, y, view, reach_px)
            if found is not None:
                return int(places.rows[drawn[found]])
        return None

    def place(self, rows: Rows | list[int]) -> tuple[list[float], list[float]]:
        """Where some objects lie on the axes."""
        x, y = self._coordinates(self._session.config)
        return [float(v) for v in x[rows]], [float(v) for v in y[rows]]

    def cell_rows(self, state: State, cell: tuple[str, int, int]) -> Rows:
        """The objects of one cell of a confusion matrix: set, actual, predicted.

        Without those of which no model speaks, which the matrix counts.
        """
        assert state.fit is not None, "a matrix is only shown once there is a model"
        part = TRAIN if cell[0] == "training" else VALIDATION
        table = _categories(part, Shown(), has_fit=True)
        return np.flatnonzero(table[self._in_cell(state, Shown(cell=cell), part)] != HIDDEN)

    # -- which objects, in which category --

    def standing(self, state: State) -> Codes:
        """Set, truth and prediction of every object, as ``standing_codes`` gives them.

        What no model speaks of stands as unlabelled: neither right nor wrong.
        """

        def make() -> Codes:
            dataset = self._dataset(state)
            parts = parts_in_force(dataset, state.learned)
            truth = truth_in_force(dataset, state.learned, state.classifier)
            made = standing_codes(parts, truth, state.fit.predicted if state.fit else np.uint8(0))
            hidden = sorted(state.untold)
            made[hidden] = standing_codes(parts[hidden], np.full(len(hidden), -1, np.int8), 0)
            return made

        key = ("standing", repr(state.config), self.subject("training", state))
        return self._drawn.once(self._drawn.arrays, ARRAYS_KEPT, key, make)

    def _in_cell(self, state: State, shown: Shown, part: int) -> Codes:
        """The standings, in which what is not in the cell that is shown of a set is in no set."""
        cell, fit = shown.cell, state.fit
        if cell is None or fit is None or (cell[0] == "training") != (part == TRAIN):
            return self.standing(state)

        def make() -> Codes:
            truth = truth_in_force(self._dataset(state), state.learned, state.classifier)
            is_in = (truth == cell[1]) & (fit.predicted == cell[2])
            is_in[sorted(state.untold)] = False
            return np.where(is_in, self.standing(state), np.uint8(OUT * 3 + UNLABELLED))

        key = ("cell", cell, repr(state.config), self.subject("training", state))
        return self._drawn.once(self._drawn.arrays, ARRAYS_KEPT, key, make)

    def _class_codes(self, state: State) -> Codes:
        """The class predicted of every object that the model speaks of; HIDDEN for others."""

        def make() -> Codes:
            assert state.fit is not None, "asked for with a model only"
            codes = state.fit.predicted.copy()
            codes[np.isnan(state.fit.proba)] = HIDDEN
            codes[sorted(state.untold)] = HIDDEN
            return codes

        key = ("predicted", repr(state.config), self.subject("predicted", state))
        return self._drawn.once(self._drawn.arrays, ARRAYS_KEPT, key, make)

    def _label_codes(self, state: State) -> Codes:
        """The label of every object that takes part, the unknown ones last; HIDDEN for others."""

        history = state.history

        def make() -> Codes:
            dataset = self._dataset(state)
            codes = np.where(dataset.codes < 0, len(dataset.values), dataset.codes)
            codes = codes.astype(np.uint8)
            for row, label in history.verified.items():
                if label in dataset.values:
                    codes[row] = dataset.values.index(label)
            codes[parts_in_force(dataset, history) == OUT] = HIDDEN
            return codes

        key = ("labels", repr(state.config), _labels_in(history))
        return self._drawn.once(self._drawn.arrays, ARRAYS_KEPT, key, make)

    def _is_drawn(
        self, kind: Kind, state: State, shown: Shown, rows: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.bool_]:
        """Which of some objects a map draws."""
        if kind == "labels":
            return np.asarray(self._label_codes(state)[rows] != HIDDEN)
        if kind == "metric" and state.fit is not None:
            return np.asarray(np.isfinite(_utility(state)[rows]))
        if kind in ("predicted", "certainty") and state.fit is not None:
            return np.asarray(self._class_codes(state)[rows] != HIDDEN)
        part = VALIDATION if kind == "validation" else TRAIN
        wanted = shown if kind in ("training", "validation") else Shown()
        table = _categories(part, wanted, has_fit=state.fit is not None)
        return np.asarray(table[self._in_cell(state, wanted, part)[rows]] != HIDDEN)

    # -- the pictures --

    def _correctness(
        self, state: State, view: View, shown: Shown, colours: str, part: int
    ) -> bytes:
        scheme = CORRECTNESS[colours]
        x, y, standing = self._in_view(state, view, self._in_cell(state, shown, part))
        codes = _categories(part, shown, has_fit=state.fit is not None)[standing]
        return paint_categories(
            category_counts(x, y, codes, 3, view),
            (scheme.correct, scheme.incorrect, NEUTRAL),
            mixed=None if state.fit is None else scheme.mixed,
        )

    def _metric(self, state: State, view: View, value_colours: str) -> bytes:
        if state.fit is None:
            return self._correctness(state, view, Shown(), "blue_orange", TRAIN)
        x, y, utility = self._in_view(state, view, _utility(state))
        low, high = self.metric_range(state)
        ends = (low, high if high > low else low + 1.0)
        return paint_values(x, y, utility, view, value_colours, ends)

    def _predicted(self, state: State, view: View) -> bytes:
        """Every object that the model speaks of, in the colour of the class predicted."""
        if state.fit is None:
            return self._correctness(state, view, Shown(), "blue_orange", TRAIN)
        colours = class_colours(state.config, state.fit.classes)
        x, y, codes = self._in_view(state, view, self._class_codes(state))
        return paint_categories(category_counts(x, y, codes, len(colours), view), colours)

    def _certainty(self, state: State, view: View, value_colours: str) -> bytes:
        """Every object that the model speaks of, by the probability of the class predicted."""
        if state.fit is None:
            return self._correctness(state, view, Shown(), "blue_orange", TRAIN)
        x, y, certainty = self._in_view(state, view, certainty_of(state))
        ends = (least_certainty(state.fit), 1.0)
        return paint_values(x, y, certainty, view, value_colours, ends)

    def _labels(self, state: State, view: View) -> bytes:
        """Every object that takes part, in the colour of its label; unknown ones neutral."""
        colours = [label.colour for label in state.config.labels] + [NEUTRAL]
        x, y, codes = self._in_view(state, view, self._label_codes(state))
        return paint_categories(category_counts(x, y, codes, len(colours), view), colours)

    def _in_view(
        self, state: State, view: View, values: npt.NDArray[Any]
    ) -> tuple[Floats, Floats, npt.NDArray[Any]]:
        """Coordinates and values of all objects in view, and perhaps of others."""
        grid = self._session.project.grid(state.config)
        if grid.count(view.x_range, view.y_range) > MOST_PICKED[values.itemsize] * len(values):
            return *self._coordinates(state.config), values
        places = grid.within(view.x_range, view.y_range)
        return places.x, places.y, values[places.rows]

    def _dataset(self, state: State) -> Dataset:
        return self._session.project.prepare(state.config)

    def _coordinates(self, config: ProjectConfig) -> tuple[Floats, Floats]:
        project = self._session.project
        return project.axis(config.x_axis, config), project.axis(config.y_axis, config)

    def subject(self, kind: Kind, state: State) -> Hashable:
        """All of a state that a map of this kind shows, however the state was reached."""
        if kind == "labels":
            return _labels_in(state.history)
        return standing_of(state, self._dataset(state))


def standing_of(state: State, dataset: Dataset) -> Hashable:
    """All of a state that its standings and its model's numbers show, however it was reached."""
    # A model, and what of it is right or wrong, go by the side of the question that an answer
    # is on; a label left out takes no part.
    left_out, history = dataset.left_out, state.learned
    sides = frozenset(
        (row, side_of(state.classifier, label), label in left_out)
        for row, label in {**history.trained, **history.verified}.items()
    )
    # Where others' labels are not in sight, models differ that seem to have the same labels.
    fit: Hashable = state.fit is not None
    if state.fit is not None and history.own is not None:
        fit = state.fit.key
    return (
        state.classifier,
        fit,
        sides,
        state.untold,
        history.differing,
        *map(frozenset, (history.trained, history.validated, history.curated)),
    )


def _utility(state: State) -> Floats:
    """The utility of every object, NaN where there is none, or no model speaks of it."""
    assert state.fit is not None, "only a model finds objects useful"
    if not state.untold:
        return state.fit.utility
    utility = state.fit.utility.copy()
    utility[sorted(state.untold)] = np.nan
    return utility


def certainty_of(state: State) -> Floats:
    """The probability of the class predicted of every object, NaN where no model speaks of it."""
    assert state.fit is not None, "asked for with a model only"
    proba = state.fit.proba
    made = np.array(proba) if named(state.fit.classes) else np.maximum(proba, 1 - proba)
    made[sorted(state.untold)] = np.nan
    return made


def least_certainty(fit: Fit) -> float:
    """The probability that a class that is predicted has at least."""
    return 1 / max(2, sum(n > 0 for n in fit.n_of_class))


def class_colours(config: ProjectConfig, classes: Sequence[str]) -> list[str]:
    """The colour of each class: its label's, neutral for whatever is not a classifier's own."""
    colours = {label.value: label.colour for label in config.labels}
    return [colours.get(value, NEUTRAL) for value in classes]


def _labels_in(history: History) -> Hashable:
    """What answers make of labels and sets."""
    verified = frozenset(history.verified.items())
    return (verified, *map(frozenset, (history.trained, history.validated, history.curated)))


def _categories(part: int, shown: Shown, *, has_fit: bool) -> Codes:
    """The category that a map of one set draws each standing in, HIDDEN for those it leaves out.

    Without a model every object counts as unlabelled.
    """
    part_of, category = np.divmod(np.arange(STANDINGS), 3)
    category = category if has_fit else np.full(STANDINGS, UNLABELLED)
    wanted = np.array([shown.correct, shown.incorrect, shown.unlabelled])[category]
    wanted &= part_of == part
    return np.where(wanted, category, HIDDEN).astype(np.uint8)
