"""Which column holds which measured quantity, and how: what diagrams and spectra are drawn of.

Owns the settings of it and what is allowed in them.  Must not know which diagrams there are, nor
whether a column exists.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from al_engine.errors import SettingsError

AB_JY = 3631.0  # of magnitude 0 (Oke and Gunn 1983)
MAX_BANDS = 100

Scale = Literal["flux", "magnitude", "log"]


@dataclass(frozen=True)
class Quantity:
    """A column of fluxes, of magnitudes, or of log10 fluxes.

    ``jy`` is what a flux of 1, or a magnitude of 0, is in Jy; where fluxes are only divided by
    each other, any unit will do as long as it is the same.
    """

    column: str
    scale: Scale = "flux"
    jy: float = 1.0


@dataclass(frozen=True)
class Band:
    """A band of a spectral energy distribution: its column, its wavelength in micrometres.

    ``error`` is the column of standard errors, in the unit of ``column``, or None.
    """

    name: str
    column: str
    wavelength_um: float
    error: str | None = None
    scale: Scale = "magnitude"
    jy: float = AB_JY


@dataclass(frozen=True)
class Quantities:
    """What is known of a catalogue's columns: diagrams' quantities by name, bands by wavelength."""

    known: Mapping[str, Quantity] = field(default_factory=dict)
    bands: tuple[Band, ...] = ()


def check_quantities(quantities: Quantities) -> None:
    """Raise SettingsError where quantities or bands cannot be drawn on any catalogue."""
    if len(quantities.bands) > MAX_BANDS:
        raise SettingsError(
            f"There are {len(quantities.bands):,} bands.", f"Use {MAX_BANDS} or fewer."
        )
    for name, n in Counter(band.name for band in quantities.bands).items():
        if n > 1:
            raise SettingsError(f"The band '{name}' stands twice.", "Give each its own name.")
    for band in quantities.bands:
        if not (math.isfinite(band.wavelength_um) and band.wavelength_um > 0):
            raise SettingsError(
                f"The band '{band.name}' has the wavelength {band.wavelength_um:g} µm.",
                "Use a number above 0.",
            )
    units = {name: quantity.jy for name, quantity in quantities.known.items()}
    units |= {band.name: band.jy for band in quantities.bands}
    for name, jy in units.items():
        if not (math.isfinite(jy) and jy > 0):
            raise SettingsError(
                f"The zero point of '{name}' is {jy:g} Jy.", "Use a number above 0."
            )
