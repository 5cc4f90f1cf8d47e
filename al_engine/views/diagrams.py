"""The registry of diagrams: two log ratios of measured quantities, and the lines that divide them.

Owns the quantities each diagram needs, its lines as published, and the points of a spectral energy
distribution.  Takes arrays, gives arrays; knows no catalogue and no page.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_engine.settings.quantities import AB_JY, Band, Scale

Floats = NDArray[np.float32]
Range = tuple[float, float]


@dataclass(frozen=True)
class Needed:
    """A quantity that a diagram needs; ``names`` are those that catalogues use for its column."""

    title: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Ratio:
    """log10 of one quantity over another, each by its name in ``NEEDED``."""

    over: str
    under: str
    title: str


@dataclass(frozen=True)
class Line:
    """A dividing line as points from one end to the other; ``source`` is the paper's."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    source: str
    is_dashed: bool = False


@dataclass(frozen=True)
class Diagram:
    """A diagram of two ratios; the ranges are those of its home view."""

    name: str
    title: str
    x: Ratio
    y: Ratio
    x_range: Range
    y_range: Range
    lines: tuple[Line, ...]
    help: str

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names of what it needs, each once."""
        asked = (self.x.over, self.x.under, self.y.over, self.y.under)
        return tuple(dict.fromkeys(asked))


NEEDED: dict[str, Needed] = {
    "w1": Needed("WISE W1 (3.4 µm)", ("w1", "w1mag", "w1mpro", "w1_flux", "w1flux")),
    "w2": Needed("WISE W2 (4.6 µm)", ("w2", "w2mag", "w2mpro", "w2_flux", "w2flux")),
    "w3": Needed("WISE W3 (12 µm)", ("w3", "w3mag", "w3mpro", "w3_flux", "w3flux")),
    "h_alpha": Needed("H α flux", ("h_alpha", "halpha", "h_alpha_flux", "ha_flux")),
    "h_beta": Needed("H β flux", ("h_beta", "hbeta", "h_beta_flux", "hb_flux")),
    "oiii": Needed("[O III] 5007 flux", ("oiii_5007", "oiii_5007_flux", "oiii_flux", "oiii")),
    "nii": Needed("[N II] 6584 flux", ("nii_6584", "nii_6584_flux", "nii_flux", "nii")),
    "sii": Needed(
        "[S II] 6717+6731 flux", ("sii_6717_6731", "sii_6717_6731_flux", "sii_flux", "sii")
    ),
    "oi": Needed("[O I] 6300 flux", ("oi_6300", "oi_6300_flux", "oi_flux", "oi")),
}


def _curve(
    name: str, source: str, y_of: Callable[[float], float], ends: Range, *, is_dashed: bool = False
) -> Line:
    x = [ends[0] + (ends[1] - ends[0]) * i / 99 for i in range(100)]
    return Line(name, tuple(x), tuple(map(y_of, x)), source, is_dashed)


_KEWLEY_2001 = "Kewley et al. 2001, ApJ 556, 121"
_KAUFFMANN = "Kauffmann et al. 2003, MNRAS 346, 1055"
_KEWLEY_2006 = "Kewley et al. 2006, MNRAS 372, 961"
_MATEOS = "Mateos et al. 2012, MNRAS 426, 3271"


def _crossing(slope: float, at_0: float, other: float, other_at_0: float) -> tuple[float, float]:
    """Where two straight lines meet."""
    x = (other_at_0 - at_0) / (slope - other)
    return x, slope * x + at_0


def _wedge() -> Line:
    """The three-band wedge, open towards large x: its upper side, its end, its lower side."""
    upper, lower, end = (0.315, 0.297), (0.315, -0.110), (-3.172, 0.436)
    corners = [_crossing(*upper, *end), _crossing(*lower, *end)]
    far = 3.0
    points = [(far, upper[0] * far + upper[1]), *corners, (far, lower[0] * far + lower[1])]
    x, y = zip(*points, strict=True)
    return Line("AGN wedge", x, y, _MATEOS)


_OIII = Ratio("oiii", "h_beta", "log [O III] / H β")

DIAGRAMS: dict[str, Diagram] = {
    d.name: d
    for d in (
        Diagram(
            "bpt_nii",
            "BPT: [N II]",
            Ratio("nii", "h_alpha", "log [N II] / H α"),
            _OIII,
            (-1.8, 1.0),
            (-2.2, 1.25),
            (
                _curve("Kewley 2001", _KEWLEY_2001, lambda x: 0.61 / (x - 0.47) + 1.19, (-2, 0.29)),
                _curve(
                    "Kauffmann 2003",
                    _KAUFFMANN,
                    lambda x: 0.61 / (x - 0.05) + 1.3,
                    (-1.28, -0.12),  # further left it would cross the other
                    is_dashed=True,
                ),
            ),
            "Below the dashed line star formation, above the full one an active nucleus, "
            "between them both (Baldwin, Phillips and Terlevich 1981; lines of Kewley et al. 2001 "
            "and Kauffmann et al. 2003).",
        ),
        Diagram(
            "bpt_sii",
            "BPT: [S II]",
            Ratio("sii", "h_alpha", "log [S II] / H α"),
            _OIII,
            (-2.1, 0.9),
            (-2.1, 1.2),
            (
                _curve("Kewley 2001", _KEWLEY_2001, lambda x: 0.72 / (x - 0.32) + 1.30, (-2, 0.1)),
                _curve(
                    "Seyfert / LINER",
                    _KEWLEY_2006,
                    lambda x: 1.89 * x + 0.76,
                    (-0.31, 0.5),
                    is_dashed=True,
                ),
            ),
            "Below the curve star formation; above it Seyfert nuclei lie over the dashed line and "
            "LINERs under it (Kewley et al. 2001, 2006).",
        ),
        Diagram(
            "bpt_oi",
            "BPT: [O I]",
            Ratio("oi", "h_alpha", "log [O I] / H α"),
            _OIII,
            (-3.3, 1.65),
            (-2.3, 1.25),
            (
                _curve("Kewley 2001", _KEWLEY_2001, lambda x: 0.73 / (x + 0.59) + 1.33, (-3, -0.8)),
                _curve(
                    "Seyfert / LINER",
                    _KEWLEY_2006,
                    lambda x: 1.18 * x + 1.30,
                    (-1.13, 0.0),
                    is_dashed=True,
                ),
            ),
            "Below the curve star formation; above it Seyfert nuclei lie over the dashed line and "
            "LINERs under it (Kewley et al. 2001, 2006).",
        ),
        Diagram(
            "mateos",
            "Mateos 2012 wedge",
            Ratio("w3", "w2", "log F(12 µm) / F(4.6 µm)"),
            Ratio("w2", "w1", "log F(4.6 µm) / F(3.4 µm)"),
            (-0.8, 1.6),
            (-0.7, 0.9),
            (_wedge(),),
            "Luminous active nuclei lie inside the wedge (Mateos et al. 2012, three bands).",
        ),
    )
}


def log_flux(values: NDArray[Any], scale: Scale, jy: float) -> Floats:
    """log10 of a flux in Jy (or in whatever ``jy`` is of), NaN where there is none.

    >>> log_flux(np.array([0.0, 2.5, -1.0]), "flux", 1.0)[1].round(3)
    np.float32(0.398)
    """
    values = np.asarray(values, np.float32)
    if scale == "log":
        made = values + np.float32(math.log10(jy))
    elif scale == "magnitude":
        made = np.float32(math.log10(jy)) - np.float32(0.4) * values
    else:
        made = log10(values) + np.float32(math.log10(jy))
    return np.asarray(made, np.float32)


def log10(values: NDArray[Any]) -> Floats:
    """log10, NaN for what is not above 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        made = np.log10(np.asarray(values, np.float32))
    made[~np.isfinite(made)] = np.nan
    return made


def log_ratio(over: Floats, under: Floats) -> Floats:
    """log10 of a ratio of what :func:`log_flux` gave."""
    return np.asarray(over - under, np.float32)


# -- one object's spectral energy distribution ---------------------------------------------------


@dataclass(frozen=True)
class SedPoint:
    """A band of one object: its flux density in Jy and AB magnitude, with an error's reach.

    ``low`` and ``high`` are the ends of one standard error, None where no error is known; of a
    flux that is no larger than its error, ``low`` of the flux is None as well.
    """

    band: str
    wavelength_um: float
    jy: float
    jy_low: float | None
    jy_high: float | None

    @property
    def ab(self) -> float:
        return ab_magnitude(self.jy)


def ab_magnitude(jy: float) -> float:
    """The AB magnitude of a flux density.

    >>> round(ab_magnitude(3631e-8), 6)
    20.0
    """
    return -2.5 * math.log10(jy / AB_JY)


def sed(bands: Sequence[Band], values: Mapping[str, Any]) -> list[SedPoint]:
    """The bands in which an object has a flux above 0, by wavelength.

    Parameters
    ----------
    values : what each column of the bands holds for the object; None or NaN where missing
    """
    points = []
    for band in sorted(bands, key=lambda band: band.wavelength_um):
        value, error = _real(values.get(band.column)), _real(values.get(band.error or ""))
        if value is None:
            continue
        ends = [value] if error is None or error < 0 else [value, value - error, value + error]
        fluxes = [_jy(end, band) for end in ends]
        if fluxes[0] is None:
            continue
        low, high = (None, None) if len(ends) == 1 else (fluxes[1], fluxes[2])
        if band.scale == "magnitude":
            low, high = high, low  # a larger magnitude is a smaller flux
        points.append(SedPoint(band.name, band.wavelength_um, fluxes[0], low, high))
    return points


def _real(value: Any) -> float | None:
    if value is None or isinstance(value, str):
        return None
    return float(value) if math.isfinite(value) else None


def _jy(value: float, band: Band) -> float | None:
    """A flux density in Jy, None where it is none that can be drawn."""
    if band.scale == "flux":
        made = value * band.jy
    else:
        exponent = value if band.scale == "log" else -0.4 * value
        made = band.jy * 10.0**exponent if abs(exponent) < 200 else 0.0
    return made if math.isfinite(made) and made > 0 else None
