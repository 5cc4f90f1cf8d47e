"""Which columns of a catalogue hold what diagrams need: as set, else as their names and units say.

Owns that guess.  A guess is taken as it is only where nothing about it can be wrong; all others
are put before the person.
"""

import re
from collections.abc import Mapping

from al_engine.data.columns import CatalogueColumn, CatalogueColumns
from al_engine.projects.project import Project
from al_engine.settings.quantities import AB_JY, Band, Quantities, Quantity, Scale
from al_engine.views.diagrams import DIAGRAMS, NEEDED

# Of Vega magnitude 0, in Jy: WISE Explanatory Supplement, section IV.4.h.
VEGA_JY: Mapping[str, float] = {"w1": 309.54, "w2": 171.787, "w3": 31.674, "w4": 8.363}

# Middles of common bands, in micrometres.
_WAVELENGTH_UM = {
    "fuv": 0.154, "nuv": 0.232, "u": 0.354, "g": 0.475, "r": 0.622, "i": 0.763, "z": 0.905,
    "y": 0.963, "j": 1.25, "h": 1.65, "k": 2.16, "ks": 2.16, "w1": 3.35, "w2": 4.60, "w3": 11.6,
    "w4": 22.1,
}  # fmt: skip
_ERRORS = ("err_{}", "{}_err", "{}err", "e_{}", "sigma_{}", "sig{}", "{}_error")


def quantities_of(project: Project) -> Quantities:
    """The quantities that can be drawn: those that are set, and those that go without saying."""
    config, catalogue = project.config, project.catalogue
    held = config.quantities
    guessed, sure = guess_quantities(catalogue)
    # A column that the settings name may be gone: another catalogue has others.
    there = set(catalogue.names(numeric=True)) | set(config.features.base)
    known = {name: q for name, q in held.known.items() if q.column in there}
    known = {name: q for name, q in guessed.items() if name in sure} | known
    bands = tuple(band for band in held.bands if band.column in there)
    return Quantities(known, bands or guess_bands(catalogue))


def lacking(project: Project, diagram: str) -> list[str]:
    """The quantities of a diagram whose columns have to be asked for."""
    known = quantities_of(project).known
    return [name for name in DIAGRAMS[diagram].quantities if name not in known]


def guess_quantities(catalogue: CatalogueColumns) -> tuple[dict[str, Quantity], set[str]]:
    """The likeliest column of each quantity, and which of them go without saying.

    A magnitude does where its description says AB; a flux where its name says which.
    """
    by_name = _by_name(catalogue)
    found: dict[str, Quantity] = {}
    sure: set[str] = set()
    for quantity, needed in NEEDED.items():
        column = next((by_name[name] for name in needed.names if name in by_name), None)
        if column is None:
            continue
        scale = _scale_of(column)
        is_ab = _says_ab(column)
        jy = 1.0
        if scale == "magnitude":
            jy = AB_JY if is_ab else VEGA_JY.get(quantity, AB_JY)
        found[quantity] = Quantity(column.name, scale, jy)
        if is_ab or (scale == "flux" and column.unit and quantity not in VEGA_JY):
            sure.add(quantity)
    return found, sure


def guess_bands(catalogue: CatalogueColumns) -> tuple[Band, ...]:
    """Bands whose columns say that they are AB magnitudes, with their errors."""
    by_name = _by_name(catalogue)
    bands = []
    for name, wavelength in _WAVELENGTH_UM.items():
        column = by_name.get(name)
        if column is None or not _says_ab(column):
            continue
        errors = (by_name.get(form.format(name)) for form in _ERRORS)
        error = next((each.name for each in errors if each is not None), None)
        bands.append(Band(column.name, column.name, wavelength, error))
    return tuple(bands)


def likely_band(catalogue: CatalogueColumns, name: str) -> Band:
    """A band of a column that a person named, as far as its name tells."""
    column = catalogue.column(name)
    scale = _scale_of(column)
    stem = re.sub(r"_?(mag|flux|ab)$|^(psf|model|cmodel|petro)?mag_", "", name.lower())
    jy = (AB_JY if _says_ab(column) else VEGA_JY.get(stem, AB_JY)) if scale == "magnitude" else 1.0
    by_name = _by_name(catalogue)
    errors = (by_name.get(form.format(name.lower())) for form in _ERRORS)
    error = next((each.name for each in errors if each is not None), None)
    return Band(name, name, _WAVELENGTH_UM.get(stem, 1.0), error, scale, jy)


def _by_name(catalogue: CatalogueColumns) -> dict[str, CatalogueColumn]:
    """Numeric columns by their names in small letters, the first of those that are alike."""
    found: dict[str, CatalogueColumn] = {}
    for column in catalogue.columns:
        if column.is_numeric:
            found.setdefault(column.name.lower(), column)
    return found


def _scale_of(column: CatalogueColumn) -> Scale:
    if column.unit.lower() in ("mag", "magnitude", "abmag") or "mag" in column.name.lower():
        return "magnitude"
    if column.unit.lower().startswith("dex") or column.name.lower().startswith("log"):
        return "log"
    is_bare_band = column.name.lower() in _WAVELENGTH_UM and not column.unit
    return "magnitude" if is_bare_band else "flux"


def _says_ab(column: CatalogueColumn) -> bool:
    is_magnitude = _scale_of(column) == "magnitude"
    return is_magnitude and re.search(r"\bAB\b", f"{column.description} {column.unit}") is not None
