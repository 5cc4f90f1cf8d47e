"""What the objects of a panel are coloured by: a category or a value for each of them.

Owns which object has which colour, and what the legend says of it.  Must not know where objects
lie, nor pages.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue
from al_engine.data.features import axis_feature
from al_engine.data.history import History
from al_engine.data.profile import label_counts
from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.loop.truth import OTHER, named, truth_in_force
from al_engine.projects.project import Project
from al_engine.session import State
from al_engine.settings.panels import Panel
from al_engine.showing.drawn import ARRAYS_KEPT, Drawn
from al_engine.showing.maps import (
    CORRECT,
    INCORRECT,
    UNLABELLED,
    certainty_of,
    class_colours,
    least_certainty,
    standing_of,
)
from al_engine.views.palette import CORRECTNESS, NEUTRAL, label_colours
from al_engine.views.raster import Range

Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

MOST_CATEGORIES = 20  # where there are no more, each has its colour
FREQUENT = 7  # of more, these: colours that anybody tells apart, and are painted quickly
FEW = 12  # different whole numbers are categories, more of them are values
RANGE_FROM = 100_000


@dataclass(frozen=True)
class Colouring:
    """A category of each object, or a value.

    ``codes`` are positions in ``names`` and ``colours``; of the last of these, which stands for
    what has no such category, a pixel shows nothing where it holds another (``is_ground``).
    ``mixed`` is the colour of a pixel with both of the first two.  ``ends`` are the values of the
    colour table's ends.  Arrays have shape (n_rows,); ``of`` tells one colouring from another.
    """

    of: Hashable
    title: str
    names: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    codes: Codes | None = None
    is_ground: bool = False
    mixed: str | None = None
    values: Floats | None = None
    ends: Range = (0.0, 1.0)


def colouring_of(
    project: Project, drawn: Drawn, panel: Panel, state: State | None, colours: str
) -> Colouring:
    """The colouring that a panel asks for; that by coverage is ``covering``'s.

    Parameters
    ----------
    state : of the classifier that is looked at, None before the first
    colours : the name of the colours of right and wrong

    Raises
    ------
    NotEnoughLabelsError : it is of a model, and there is none
    UnknownColumnError, SettingsError : it is by a column that is not there, or by none
    """
    match panel.colour:
        case "label":
            return _by_label(project, drawn, state)
        case "verified":
            return _by_verified(project, drawn, state)
        case "column":
            return _by_column(project, drawn, panel.colour_column)
        case _:
            return _by_model(project, drawn, panel.colour, state, colours)


def categories(catalogue: Catalogue, name: str) -> list[str] | None:
    """The values of a column that are coloured each for itself, the most frequent first.

    None for a column of many numbers, whose objects are coloured by value.
    """
    column = catalogue.column(name)
    if column.kind == "real":
        return None
    counts = label_counts(catalogue, name, FEW + 2 if column.kind == "integer" else 200)
    values = [value for value, _ in counts if value is not None and value.strip()]
    if column.kind == "integer" and len(values) > FEW:
        return None
    kept = values if len(values) <= MOST_CATEGORIES else values[:FREQUENT]
    return sorted(kept, key=_natural)


def _natural(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return np.inf, text


def _by_label(project: Project, drawn: Drawn, state: State | None) -> Colouring:
    """The label in force: a person's, else the catalogue's."""
    return _labels(project, drawn, _verified(state), "label", with_catalogue=True)


def _by_verified(project: Project, drawn: Drawn, state: State | None) -> Colouring:
    return _labels(project, drawn, _verified(state), "verified label", with_catalogue=False)


def _verified(state: State | None) -> dict[int, str]:
    return (state.history if state is not None else History()).verified


def _labels(
    project: Project, drawn: Drawn, verified: dict[int, str], title: str, *, with_catalogue: bool
) -> Colouring:
    config = project.config
    # Where there are more labels than colours, the first in the settings' order have their own.
    shown = config.labels[:200]
    place = {label.value: i for i, label in enumerate(shown)}
    n = len(shown)
    before_of = (title, _told_by(project, config.columns.label), tuple(config.labels))

    def of_the_catalogue() -> Codes:
        codes = np.full(project.catalogue.n_rows, n, np.uint8)
        if with_catalogue and config.columns.label:
            values = config.catalogue_values
            known = project.catalogue.label_codes(config.columns.label, [v for v, _ in values])
            label_of = [min(at, n) for _, at in values]  # merged ones count as what they are now
            codes = np.array([*label_of, n], np.uint8)[known]
        return codes

    # Read once: each answer makes another colouring, but where it says what was known before.
    before = drawn.once(drawn.arrays, ARRAYS_KEPT, (*before_of, "alone"), of_the_catalogue)
    rows = np.fromiter(verified, np.intp, len(verified))
    given = np.fromiter((place.get(label, n) for label in verified.values()), np.uint8, len(rows))
    is_other = before[rows] != given
    others = frozenset(zip(rows[is_other].tolist(), given[is_other].tolist(), strict=True))
    of = (*before_of, others)

    def make() -> Codes:
        if not others:
            return before
        codes = before.copy()
        codes[rows] = given
        return codes

    return Colouring(
        of,
        title,
        (*(label.name for label in shown), "unknown" if with_catalogue else "not verified"),
        (*(label.colour for label in shown), NEUTRAL),
        drawn.once(drawn.arrays, ARRAYS_KEPT, of, make),
        is_ground=not with_catalogue,
    )


def _by_column(project: Project, drawn: Drawn, name: str) -> Colouring:
    if not name:
        raise SettingsError("No column is chosen for the colours.", "Choose one.")
    config, catalogue = project.config, project.catalogue
    of = ("column", *_told_by(project, name), repr(config.columns.missing), repr(config.features))
    listed = None
    if name in catalogue.names():
        found: list[list[str] | None] = drawn.once(
            drawn.facts, 64, ("categories", *of), lambda: [categories(catalogue, name)]
        )
        listed = found[0]
    if listed is None:
        values = project.axis(name, config)
        return Colouring(of, name, values=values, ends=_ends(values))
    n = len(listed)

    def make() -> Codes:
        codes = catalogue.label_codes(name, listed)
        return np.where(codes < 0, n, codes).astype(np.uint8)

    return Colouring(
        of,
        name,
        (*listed, "other or missing"),
        (*label_colours(n), NEUTRAL),
        drawn.once(drawn.arrays, ARRAYS_KEPT, of, make),
        is_ground=True,
    )


def _told_by(project: Project, name: str | None) -> tuple[str | None, str]:
    """A column and what tells its values from others of its name, which a joined table may have."""
    made_of = axis_feature(name, project.config.features).columns if name else ()
    return name, project.catalogue.fingerprint_with(made_of)


def _by_model(
    project: Project, drawn: Drawn, colour: str, state: State | None, colours: str
) -> Colouring:
    if state is None or state.fit is None:
        raise NotEnoughLabelsError(
            f"There is no model yet, and so no {colour}.", "Start a classifier, and label."
        )
    fit = state.fit
    name = state.config.label_name(state.classifier)
    untold = sorted(state.untold)
    of = (colour, repr(state.config), standing_of(state, project.prepare(state.config)))
    if colour == "predicted":
        return _by_predicted(drawn, state, of)
    if colour == "probability" or colour == "confidence":
        is_over_all = bool(named(fit.classes))

        def scored() -> Floats:
            if colour == "confidence":
                return certainty_of(state)
            made = np.array(fit.proba)
            made[untold] = np.nan
            return made

        values = drawn.once(drawn.arrays, ARRAYS_KEPT, of, scored)
        if colour == "confidence":
            return Colouring(of, "confidence", values=values, ends=(least_certainty(fit), 1.0))
        title = "P(label predicted)" if is_over_all else f"P({name})"
        return Colouring(of, title, values=values, ends=(0.0, 1.0))
    return _correctness(project, drawn, state, of, colours)


def _by_predicted(drawn: Drawn, state: State, of: Hashable) -> Colouring:
    """The class that the model predicts."""
    fit, config = state.fit, state.config
    assert fit is not None, "asked for with a model only"
    n = len(fit.classes)
    own = config.label_name(state.classifier)

    def make() -> Codes:
        codes = fit.predicted.copy()
        codes[np.isnan(fit.proba)] = n
        codes[sorted(state.untold)] = n
        return codes

    return Colouring(
        of,
        "predicted label",
        (
            *(config.label_name(v) if v != OTHER else f"not {own}" for v in fit.classes),
            "not judged",
        ),
        (*class_colours(config, fit.classes), NEUTRAL),
        drawn.once(drawn.arrays, ARRAYS_KEPT, of, make),
        is_ground=True,
    )


def _correctness(
    project: Project, drawn: Drawn, state: State, of: Hashable, colours: str
) -> Colouring:
    fit, learned, scheme = state.fit, state.learned, CORRECTNESS[colours]
    assert fit is not None, "asked for with a model only"

    def make() -> Codes:
        truth = truth_in_force(project.prepare(state.config), learned, state.classifier)
        codes = np.where(truth == fit.predicted, CORRECT, INCORRECT).astype(np.uint8)
        unscored = (truth < 0) | ~np.isfinite(fit.proba)
        unscored[sorted(state.untold)] = True
        codes[unscored] = UNLABELLED
        return codes

    return Colouring(
        of,
        "correctness",
        ("correct", "incorrect", "no label, or not judged"),
        (scheme.correct, scheme.incorrect, NEUTRAL),
        drawn.once(drawn.arrays, ARRAYS_KEPT, of, make),
        is_ground=True,
        mixed=scheme.mixed,
    )


def _ends(values: Floats) -> Range:
    """The values of the colour table's ends: nearly all lie between."""
    sample = values[:: max(1, len(values) // RANGE_FROM)]
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return 0.0, 1.0
    low, high = (float(end) for end in np.percentile(sample, [1, 99]))
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))
