"""A classifier's maps as panels: training set, validation set, metric, and the catalogue by label.

Owns their titles and legends.  Which objects they draw is the engine's.
"""

from typing import cast

from al_engine.learning.strategies import strategy_in_force
from al_engine.loop.answering import labels_offered
from al_engine.session import State
from al_engine.showing.maps import Kind, class_colours, least_certainty
from al_engine.views.palette import NEUTRAL, colour_table
from pages.components import loop
from pages.components import state as tab
from pages.components.panels.spot import Spot
from pages.components.scatter_map import LegendEntry

MOST_NAMED = 12  # labels in a legend


def map_panel(spot: Spot, state: State) -> None:
    """One map; those of a page share their zoom."""
    kind = cast(Kind, spot.panel.of)
    # On Labelling the one map that stands there at first is in no group.
    group = "" if spot.page == "Labelling" else f"{spot.page.lower()}-{spot.session.project.slug}-"
    loop.draw_map(
        spot.session,
        state,
        kind,
        _title(state, kind),
        spot.least_px,
        spot.fill,
        group=f"{group}{state.classifier}" if group else "",
        legend=_legend(spot, state, kind),
        aside_px=30,
    )


def _title(state: State, kind: Kind) -> str:
    if kind == "labels":
        return "Catalogue, by label"
    if kind == "metric":
        return f"Metric: {_metric_name(state)}"
    if kind == "predicted":
        return "Predicted label"
    if kind == "certainty":
        return "Certainty of the prediction"
    name = "Training set" if kind == "training" else "Validation set"
    cell = tab.shown(state.classifier).cell
    return f"{name}: one cell of its matrix" if cell and cell[0] == kind else name


def _legend(spot: Spot, state: State, kind: Kind) -> tuple[LegendEntry, ...]:
    if kind == "labels":
        # Where there are many, the frequent ones.
        dataset = spot.session.project.dataset()
        labels = labels_offered(dataset, spot.session.config, state.classifier)
        named = [LegendEntry(item.name, item.colour) for item in labels[:MOST_NAMED]]
        return (*named, LegendEntry("unknown", NEUTRAL))
    if kind == "metric":
        return _metric_legend(state)
    if kind == "predicted":
        return _predicted_legend(state)
    if kind == "certainty":
        return _certainty_legend(state)
    if kind == "validation":
        return ()
    shown = tab.shown(state.classifier)
    some_unlabelled = shown.unlabelled and tab.maps().has_unlabelled(state)
    unlabelled = (LegendEntry("no label", NEUTRAL),) if some_unlabelled else ()
    return (*loop.correctness_legend(state, shown), *unlabelled)


def _predicted_legend(state: State) -> tuple[LegendEntry, ...]:
    """The classes predicted by colour; where there are many, those with most labels."""
    if state.fit is None:
        return (LegendEntry("no model yet", NEUTRAL),)
    name, fit = state.config.label_name, state.fit
    colours = class_colours(state.config, fit.classes)
    most = sorted(range(len(colours)), key=lambda code: -fit.n_of_class[code])[:MOST_NAMED]
    titles = [name(value) if value else "other" for value in fit.classes]
    return tuple(LegendEntry(titles[code], colours[code]) for code in sorted(most))


def _certainty_legend(state: State) -> tuple[LegendEntry, ...]:
    if state.fit is None:
        return (LegendEntry("no model yet", NEUTRAL),)
    table = colour_table(loop.value_colours())
    least, most = ("#" + bytes(table[end]).hex() for end in (0, -1))
    return (
        LegendEntry(f"{least_certainty(state.fit):.2g} likely", least),
        LegendEntry("1 certain", most),
    )


def _metric_name(state: State) -> str:
    if state.fit is None:
        return "none yet"
    found = strategy_in_force(state.fit.strategy)
    if found.from_proba is not None:
        return found.title.lower()
    # One that chooses by itself gives no number to the others.
    return f"uncertainty ({found.title} asks by itself)"


def _metric_legend(state: State) -> tuple[LegendEntry, ...]:
    low, high = tab.maps().metric_range(state)
    if state.fit is None:
        return (LegendEntry("no model yet", NEUTRAL),)
    table = colour_table(loop.value_colours())
    leave, ask = ("#" + bytes(table[end]).hex() for end in (0, -1))
    asks = strategy_in_force(state.fit.strategy).from_proba is not None
    last, first = ("ask last", "ask first") if asks else ("surest", "least sure")
    return (LegendEntry(f"{low:.2g} {last}", leave), LegendEntry(f"{high:.2g} {first}", ask))
