"""What a plot of an extension shows of a project: some of its objects, and the one on the screen.

Owns which objects a plot is given.  Must not know pages, nor how a figure is drawn.
"""

import json
from typing import Any

import numpy as np

from al_engine.session import LabellingSession, State
from al_engine.views.palette import NEUTRAL
from al_engine.views.plots import PLOTS, figure_json

SHOWN = 5_000  # objects, as evenly through the catalogue as may be


def draw_plot(session: LabellingSession, state: State, name: str, row: int) -> dict[str, Any]:
    """A registered plot with one object marked in it, in plotly's own form.

    Traces that are called as a label is, or "unknown", have its colour unless they have their own.

    Raises
    ------
    UnknownColumnError, UnsuitableColumnError : the catalogue has no such column or feature
    ContractError : the plot fails
    """
    plot, config, project = PLOTS[name], state.config, session.project
    dataset = project.prepare(config)
    rows = np.arange(0, dataset.n_rows, max(1, -(-dataset.n_rows // SHOWN)))
    columns = {name: project.axis(name, config) for name in plot.columns}
    # Of objects, not text: an array of text would cut a longer name.
    names = np.array([*(config.label_name(value) for value in dataset.values), ""], dtype=object)
    labels = names[dataset.codes[rows]]  # -1, the last, where it is unknown
    for i in np.flatnonzero(np.isin(rows, list(state.history.verified))):
        labels[i] = config.label_name(state.history.verified[int(rows[i])])
    drawn = figure_json(
        plot,
        {name: values[rows].astype(np.float64) for name, values in columns.items()},
        labels,
        {name: float(values[row]) for name, values in columns.items()},
    )
    figure: dict[str, Any] = json.loads(drawn)
    colours = {label.name: label.colour for label in config.labels} | {"unknown": NEUTRAL}
    for trace in figure["data"]:
        if trace.get("name") in colours:
            trace.setdefault("marker", {}).setdefault("color", colours[trace["name"]])
    return figure
