"""Colours: for labels, for correct and incorrect, and tables for values.

Chosen so that colour-blind readers tell them apart, on light and on dark ground alike.
Knows nothing of pictures; colours are strings ``#rrggbb``.
"""

import colorsys
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

# Okabe and Ito (2008) without their black, which vanishes on a dark ground; grey is what has no
# label.
NEUTRAL: Final = "#999999"
OKABE_ITO: Final = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
)


@dataclass(frozen=True)
class Correctness:
    """The colours of a map of right and wrong predictions."""

    correct: str
    incorrect: str
    mixed: str  # of a pixel that holds both


CORRECTNESS: Final[dict[str, Correctness]] = {
    "blue_orange": Correctness(correct="#0072B2", incorrect="#D55E00", mixed="#CC79A7"),
    "red_green": Correctness(correct="#2CA02C", incorrect="#D62728", mixed="#E0B000"),
}

_VIRIDIS: Final = (
    *("#440154", "#481669", "#472a79", "#433c84", "#3c4e8a", "#355e8d"),
    *("#2e6d8e", "#287b8e", "#23898e", "#1f978b", "#20a586", "#2eb37c"),
    *("#46c06f", "#65cc5e", "#89d548", "#b0dd2e", "#d8e319", "#fee724"),
)
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "viridis": _VIRIDIS,
    "viridis_on_dark": _VIRIDIS[6:],
    "viridis_on_light": _VIRIDIS[10::-1],
}


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of ``#rrggbb``.

    >>> rgb("#0072B2")
    (0, 114, 178)
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def label_colours(n: int) -> list[str]:
    """``n`` different colours: the seven of Okabe and Ito, then hues a golden angle apart."""
    extra = (
        colorsys.hls_to_rgb((0.11 + 0.618034 * i) % 1, (0.42, 0.62, 0.52)[i % 3], 0.65)
        for i in range(max(n - len(OKABE_ITO), 0))
    )
    made = ["#" + bytes(round(255 * part) for part in parts).hex().upper() for parts in extra]
    return [*OKABE_ITO[:n], *made]


def colour_table(name: str) -> npt.NDArray[np.uint8]:
    """256 colours, low to high: uint8, shape (256, 3).

    ``viridis``, and what of it can be seen on a ground (contrast of 3 and more), high values
    furthest from the ground's own: ``viridis_on_dark``, ``viridis_on_light``.
    """
    stops = np.array([rgb(stop) for stop in _VALUES[name]], dtype=np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    columns = [np.interp(at, np.arange(len(stops)), stops[:, i]) for i in range(3)]
    return np.rint(np.stack(columns, axis=1)).astype(np.uint8)
