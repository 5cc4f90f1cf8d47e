"""The registry of plots: figures of some columns, in which the object on the screen is marked.

Owns what a plot is given and what it must give back, plotly's own form as JSON.  Sextant brings
none: extensions do.  Takes arrays; knows no catalogue and no page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import ContractError
from al_engine.origin import Origin, in_words

Columns: TypeAlias = Mapping[str, NDArray[np.float64]]
Selected: TypeAlias = Mapping[str, float]

MAX_BYTES = 5_000_000


@dataclass(frozen=True)
class Plot:
    """A figure of some columns or features of the catalogue.

    ``function(columns, labels, selected)`` is given ``columns`` by name, each of shape (n,), NaN
    where missing; ``labels``, the names of their labels, shape (n,), "" where unknown; and
    ``selected``, the values of the object on the screen.  It returns a plotly Figure, or the dict
    of one.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    function: Callable[[Columns, NDArray[Any], Selected], Any]
    origin: Origin
    help: str = ""


PLOTS: dict[str, Plot] = {}


def figure_json(plot: Plot, columns: Columns, labels: NDArray[Any], selected: Selected) -> str:
    """What a plot draws, as plotly's JSON.

    Raises
    ------
    ContractError : it fails, or gives anything but a figure, or one of over MAX_BYTES
    """
    import plotly.io

    with plot.origin.blamed(f"The plot {plot.title}", "Mend it and start Sextant again."):
        made = plot.function(columns, labels, selected)
    try:
        drawn = str(plotly.io.to_json(made, validate=True))
    except Exception as error:
        raise ContractError(
            f"The plot {plot.title} ({plot.origin.file}) returned a {type(made).__name__} that "
            f"plotly does not draw: {in_words(error)}.",
            "Return a plotly Figure, or a dict of its data and layout.",
        ) from error
    if len(drawn) > MAX_BYTES:
        raise ContractError(
            f"The plot {plot.title} ({plot.origin.file}) came to {len(drawn) / 1e6:.1f} MB.",
            f"Draw less: up to {MAX_BYTES // 1_000_000} MB.",
        )
    return drawn


def check_plot(plot: Plot) -> None:
    """Draw a plot of ordinary values, of missing ones and of no object at all.

    Raises
    ------
    ContractError : what it does that a plot must not
    """
    if not plot.columns or not all(isinstance(name, str) and name for name in plot.columns):
        raise ContractError(
            f"The plot {plot.title} names no columns.", "Name those that it is to be given."
        )
    rng = np.random.default_rng(5)
    for n, value in ((200, 18.0), (200, np.nan), (0, 18.0)):
        columns = {name: rng.normal(18, 2, n) for name in plot.columns}
        for column in columns.values():
            column[: n // 10] = np.nan
        labels = np.array(["", "star", "galaxy"])[np.arange(n) % 3]
        figure_json(plot, columns, labels, dict.fromkeys(plot.columns, value))
