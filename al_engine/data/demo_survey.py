"""A simulated sky survey: 20,000 stars, galaxies and quasars with the troubles of a real one.

Owns how objects are drawn, the noise and the missing values.  Must not know how a demo is opened,
stored or shown.

The colours come from ``demo_loci``.  Line ratios lie about the curves of Kauffmann et al. 2003
(MNRAS 346, 1055) and Kewley et al. 2006 (MNRAS 372, 961).
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from al_engine.data.demo_loci import (
    GALAXIES,
    GALAXY_REDSHIFTS,
    QUASAR_COUNTS,
    QUASARS,
    STARS,
    WHITE_DWARFS,
)
from al_engine.data.table import Column

Array = NDArray[np.float64]

BANDS = ("u", "g", "r", "i", "z", "y", "J", "H", "K", "W1", "W2", "W3", "W4")
LINES = ("h_alpha", "h_beta", "oiii_5007", "nii_6584", "sii_6717_6731", "oi_6300")

_R = BANDS.index("r")
_WAVELENGTH_UM = np.array(
    [0.354, 0.475, 0.622, 0.763, 0.905, 0.963, 1.25, 1.65, 2.16, 3.35, 4.60, 11.6, 22.1]
)
# Magnitude at which a source stands five standard deviations above the sky (AB).
_LIMIT_MAG = np.array(
    [23.7, 24.2, 23.8, 23.3, 22.2, 21.5, 20.4, 20.1, 20.0, 19.5, 19.0, 16.8, 14.8]
)
_CALIBRATION = 0.02  # floor of the error, as a share of the flux
_DETECTED = 2.0  # standard deviations a flux needs to become a magnitude


def columns() -> tuple[Column, ...]:
    """Return the survey's columns, in order, with units and one line on each."""
    mag = [
        Column(band, pa.float32(), "mag", f"{band} magnitude, AB; missing where not detected")
        for band in BANDS
    ]
    err = [
        Column(f"err_{band}", pa.float32(), "mag", f"standard error of {band}") for band in BANDS
    ]
    lines = [
        Column(line, pa.float32(), "1e-17 erg / (s cm2)", f"flux of {name}; missing below 3 sigma")
        for line, name in zip(
            LINES,
            ("H-alpha", "H-beta", "[O III] 5007", "[N II] 6584", "[S II] 6717+6731", "[O I] 6300"),
            strict=True,
        )
    ]
    return (
        Column("object_id", pa.string(), "", "name, made from the position (J2000)"),
        Column("ra", pa.float64(), "deg", "right ascension (J2000)"),
        Column("dec", pa.float64(), "deg", "declination (J2000)"),
        Column("class", pa.string(), "", "STAR, GALAXY or QSO; Unknown for one in ten"),
        *mag,
        *err,
        Column("redshift", pa.float32(), "", "spectroscopic redshift; missing where it failed"),
        Column("log_lx", pa.float32(), "dex(erg / s)", "log10 of the 0.5-10 keV luminosity"),
        *lines,
    )


def simulate_survey(
    n: int = 20_000, seed: int = 20260
) -> tuple[dict[str, NDArray[np.generic]], NDArray[np.str_]]:
    """Draw the survey.

    Returns
    -------
    values : one array of n entries per column; NaN where a number is missing
    kind : (n,) the truth behind each object: star, white dwarf, passive, star-forming,
        active (a galaxy with a narrow-line nucleus) or quasar
    """
    rng = np.random.default_rng(seed)
    n_galaxies, n_stars = round(0.45 * n), round(0.35 * n)
    parts = [
        _galaxies(rng, n_galaxies),
        _stars(rng, n_stars),
        _quasars(rng, n - n_galaxies - n_stars),
    ]
    order = rng.permutation(n)
    true_mag = np.vstack([part[0] for part in parts])[order]
    redshift = np.concatenate([part[1] for part in parts])[order]
    kind = np.concatenate([part[2] for part in parts])[order]

    ra = rng.uniform(150, 210, n)
    dec = np.degrees(np.arcsin(rng.uniform(np.sin(np.radians(-5)), np.sin(np.radians(15)), n)))
    # WISE sees 6 arcsec wide: one source in ten takes in light of a neighbour.
    blended = np.where(rng.random(n) < 0.10, rng.exponential(0.4, n), 0.0)
    seen_mag = true_mag - blended[:, None] * np.array([0] * 9 + [1.0, 1.0, 0.6, 0.4])
    mag, err = _observe(rng, seen_mag)
    failed = rng.random(n) < 0.02 + 0.10 * (true_mag[:, _R] > 21.5)
    measured = redshift + rng.normal(0, 2e-4, n) * (1 + redshift)

    names = np.array(["GALAXY", "STAR", "QSO"])
    label = np.repeat(names, [len(part[1]) for part in parts])[order].astype(object)
    label[rng.choice(n, n // 10, replace=False)] = "Unknown"

    values: dict[str, NDArray[np.generic]] = {
        "object_id": _position_names(ra, dec),
        "ra": ra,
        "dec": dec,
        "class": label,
    }
    values |= {band: mag[:, k] for k, band in enumerate(BANDS)}
    values |= {f"err_{band}": err[:, k] for k, band in enumerate(BANDS)}
    values["redshift"] = np.where(failed, np.nan, measured)
    values["log_lx"] = _x_ray(rng, kind, redshift)
    values |= _line_fluxes(rng, kind, redshift, true_mag[:, _R])
    return values, kind


def _interpolate(x: Array, knots: Array, table: Array) -> Array:
    """Interpolate every column of ``table`` (one row a knot) at ``x``."""
    return np.column_stack([np.interp(x, knots, column) for column in table.T])


def _magnitudes(r: Array, colours: Array) -> Array:
    """Turn r magnitudes and the twelve neighbouring colours into all thirteen magnitudes."""
    below_u = np.column_stack([np.zeros(len(r)), np.cumsum(colours, axis=1)])
    return r[:, None] + below_u[:, [_R]] - below_u


def _stars(rng: np.random.Generator, n: int) -> tuple[Array, Array, NDArray[np.str_]]:
    # Counts peak at the halo's turn-off and again among the M dwarfs (g-i near 0.5 and 2.5).
    g_i = np.select(
        [(pick := rng.random(n)) < 0.50, pick < 0.93],
        [rng.gamma(3.0, 0.16, n) + 0.18, rng.normal(2.1, 0.6, n)],
        rng.uniform(-0.75, 0.4, n),
    )
    colours = _interpolate(g_i, STARS[:, 1] + STARS[:, 2], STARS)
    dwarf = rng.random(n) < 0.06
    stage = np.linspace(0, 1, len(WHITE_DWARFS))
    colours[dwarf] = _interpolate(rng.beta(2.2, 1.6, int(dwarf.sum())), stage, WHITE_DWARFS)
    colours += rng.normal(0, 0.04, colours.shape)
    colours[:, 0] += rng.normal(0, 0.12, n)  # u-g follows the metallicity
    r = 15.5 + 6.6 * rng.random(n) ** 0.6
    redshift = rng.normal(0, 3e-4, n)
    return _magnitudes(r, colours), redshift, np.where(dwarf, "white dwarf", "star")


def _galaxies(rng: np.random.Generator, n: int) -> tuple[Array, Array, NDArray[np.str_]]:
    # More than needed are drawn, and the survey's magnitude limit picks among them: near ones
    # of every luminosity, far ones only if luminous.
    n_drawn = 6 * n
    early = rng.random(n_drawn) < 0.45
    shape = np.where(early, np.abs(rng.normal(0, 0.3, n_drawn)), rng.uniform(0.6, 2.0, n_drawn))
    redshift = 0.01 + 0.99 * rng.beta(1.5, 1.8, n_drawn)
    distance_mpc = 4283 * redshift * (1 + 0.55 * redshift)
    absolute = np.where(early, -21.9, -20.8) + rng.normal(0, 0.9, n_drawn)
    r = absolute + 25 + 5 * np.log10(distance_mpc) + redshift * np.where(early, 1.6, 0.6)
    inside = np.flatnonzero((r > 15) & (r < 22.2))[:n]
    shape, redshift, r = shape[inside], redshift[inside], r[inside]

    tracks = [_interpolate(redshift, GALAXY_REDSHIFTS, table) for table in GALAXIES]
    late = np.clip(shape, 0, 2)[:, None]
    colours = np.where(
        late < 1,
        (1 - late) * tracks[0] + late * tracks[1],
        (2 - late) * tracks[1] + (late - 1) * tracks[2],
    )
    colours += rng.normal(0, 0.06, colours.shape)
    mag = _magnitudes(r, colours)

    active = rng.random(n) < 0.16
    kind = np.where(active, "active", np.where(shape < 0.5, "passive", "star-forming"))
    # Warm dust of an active nucleus, or of a starburst, brightens the infrared and brings these
    # galaxies to where quasars lie.
    dusty = active & (rng.random(n) < 0.7) | (rng.random(n) < 0.05)
    warmth = np.where(dusty, rng.gamma(2.0, 0.5, n), 0.0)
    mag += warmth[:, None] * np.array([0] * 8 + [-0.10, -0.40, -0.95, -1.2, -1.3])
    return mag, redshift, kind


def _quasars(rng: np.random.Generator, n: int) -> tuple[Array, Array, NDArray[np.str_]]:
    grid = np.linspace(QUASAR_COUNTS[0, 0], QUASAR_COUNTS[-1, 0], 500)
    share = np.cumsum(np.interp(grid, *QUASAR_COUNTS.T))
    redshift = np.interp(rng.random(n), share / share[-1], grid)
    colours = _interpolate(redshift, QUASARS[:, 0], QUASARS[:, 1:])
    colours += rng.normal(0, 0.06, colours.shape)
    r = 17.2 + 5.0 * rng.random(n) ** 0.5
    mag = _magnitudes(r, colours)

    # Spectral slopes differ (sigma 0.3), the forest of absorbers differs from sight line to
    # sight line, and a tail is reddened as by dust of the Small Magellanic Cloud.
    slope = rng.normal(0, 0.3, n)
    mag -= 2.5 * slope[:, None] * np.log10(_WAVELENGTH_UM / _WAVELENGTH_UM[_R])
    mag[:, 0] += rng.normal(0, 0.25, n) * (redshift > 2.3)
    reddening = np.where(rng.random(n) < 0.15, rng.exponential(0.10, n), 0.0)
    rest_um = _WAVELENGTH_UM / (1 + redshift[:, None])
    dimming = np.minimum(1.39 * rest_um**-1.2, 15.0)
    mag += reddening[:, None] * (dimming - dimming[:, [_R]])
    # At low redshift the host galaxy shines through, mostly in the infrared's shorter bands.
    host = np.where(redshift < 1.0, rng.exponential(0.35, n), 0.0) * (1.0 - redshift)
    mag += host[:, None] * np.array(
        [0.6, 0.4, 0, -0.2, -0.3, -0.35, -0.4, -0.45, -0.4, -0.2, 0.1, 0.1, 0.1]
    )
    return mag, redshift, np.full(n, "quasar")


def _observe(rng: np.random.Generator, true_mag: Array) -> tuple[Array, Array]:
    """Add noise in flux, so that errors grow with magnitude and the faintest are not detected."""
    flux = 10 ** (-0.4 * (true_mag - _LIMIT_MAG))
    sigma = np.hypot(0.2, _CALIBRATION * flux)
    flux = flux + rng.normal(0, 1, flux.shape) * sigma
    detected = np.where(flux > _DETECTED * sigma, flux, np.nan)
    return _LIMIT_MAG - 2.5 * np.log10(detected), 2.5 / np.log(10) * sigma / detected


def _x_ray(rng: np.random.Generator, kind: NDArray[np.str_], redshift: Array) -> Array:
    """Give one object in ten an X-ray luminosity, quasars and active galaxies first."""
    # kind: how readily it is detected, its typical log10 luminosity in erg/s, and the scatter
    habits = {
        "quasar": (10.0, 44.2, 0.45),
        "active": (5.0, 42.5, 0.5),
        "star-forming": (0.5, 40.5, 0.5),
        "passive": (0.5, 41.0, 0.5),
        "star": (0.7, 28.8, 0.7),
        "white dwarf": (0.3, 30.5, 0.6),
    }
    weight, typical, scatter = np.array([habits[name] for name in kind.tolist()]).T
    luminosity = typical + rng.normal(0, 1, len(kind)) * scatter
    luminosity += np.where(kind == "quasar", 1.2 * np.log10(1 + redshift) - 0.3, 0.0)
    # The largest of log(weight) + Gumbel noise: a weighted draw without replacement.
    rank = np.argsort(-(np.log(weight) + rng.gumbel(size=len(kind))))
    seen = rank[: len(kind) // 10]
    log_lx = np.full(len(kind), np.nan)
    log_lx[seen] = luminosity[seen]
    return log_lx


def _line_fluxes(
    rng: np.random.Generator, kind: NDArray[np.str_], redshift: Array, r: Array
) -> dict[str, NDArray[np.generic]]:
    """Draw narrow-line fluxes: a star-forming sequence and an active branch."""
    n = len(kind)
    forming = kind == "star-forming"
    active = (kind == "active") | (kind == "quasar")
    retired = (kind == "passive") & (rng.random(n) < 0.15)  # weak lines of an old population

    metal = np.clip(rng.normal(-0.55, 0.22, n), -1.4, -0.22)
    climb = np.where(kind == "quasar", rng.beta(4, 1.5, n), rng.beta(1.6, 1.4, n))
    climb = np.where(retired, 0.35 * climb, climb)
    nii = np.where(forming, metal, -0.22 + 0.25 * climb + rng.normal(0, 0.09, n))
    oiii = np.where(
        forming,
        0.61 / (metal + 0.02) + 1.05 + rng.normal(0, 0.07, n),
        -0.05 + 1.05 * climb + rng.normal(0, 0.12, n),
    )
    sii = np.where(forming, -0.45 - 0.25 * np.clip(oiii, -0.3, 1), -0.10 - 0.12 * climb)
    oi = np.where(forming, -1.60 - 0.15 * oiii, -0.85 - 0.10 * climb)
    sii, oi = sii + rng.normal(0, 0.08, n), oi + rng.normal(0, 0.12, n)

    width = np.where(forming, 22.0, np.where(retired, 2.0, 14.0)) * 10 ** rng.normal(0, 0.35, n)
    h_alpha = 2.8 * 10 ** (-0.4 * (r - 20)) * width * (1 + redshift)  # r = 20 is 2.8e-17 per A
    h_beta = h_alpha / (2.86 * 10 ** np.abs(rng.normal(0.10, 0.08, n)))
    forbidden = (h_beta * 10**oiii, h_alpha * 10**nii, h_alpha * 10**sii, h_alpha * 10**oi)
    flux = np.column_stack([h_alpha, h_beta, *forbidden])
    noise = np.array([1.2, 1.2, 1.2, 1.2, 1.5, 1.0])
    observed = flux + rng.normal(0, 1, flux.shape) * np.hypot(noise, 0.04 * flux)
    wavelength_a = np.array([6563, 4861, 5007, 6584, 6724, 6300]) * (1 + redshift[:, None])
    kept = (forming | active | retired)[:, None] & (wavelength_a < 9200) & (observed > 3 * noise)
    return {line: np.where(kept[:, k], observed[:, k], np.nan) for k, line in enumerate(LINES)}


def _position_names(ra_deg: Array, dec_deg: Array) -> NDArray[np.object_]:
    """Name objects as the IAU asks: position in hours and degrees, cut off and not rounded."""
    centiseconds = (ra_deg * 24000).astype(np.int64)  # of time
    tenths = (np.abs(dec_deg) * 36000).astype(np.int64)  # of an arcsecond
    signs = np.where(dec_deg < 0, "-", "+").tolist()
    names = [
        f"SKY J{c // 360000:02d}{c // 6000 % 60:02d}{c // 100 % 60:02d}.{c % 100:02d}"
        f"{s}{t // 36000:02d}{t // 600 % 60:02d}{t // 10 % 60:02d}.{t % 10}"
        for c, s, t in zip(centiseconds.tolist(), signs, tenths.tolist(), strict=True)
    ]
    return np.array(names, dtype=object)
