"""Spectra and light curves of an object, and where known lines lie in them.

Owns the list of lines, and what to say where there is no curve.  Must not know pages, and opens no
connection: a curve at an address is for who fetches.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from al_engine.data.curves import SUFFIXES, Curve, read_curve
from al_engine.public import is_public
from al_engine.session import LabellingSession
from al_engine.showing.objects import file_inside

# Name and wavelength at rest, angstrom in vacuum (NIST; Vanden Berk et al. 2001 for blends).
LINES = (
    ("Lyα", 1215.67),
    ("C IV", 1549.06),
    ("C III]", 1908.73),
    ("Mg II", 2798.75),
    ("[O II]", 3728.48),
    ("Ca K", 3934.78),
    ("Ca H", 3969.59),
    ("Hβ", 4862.68),
    ("[O III]", 5008.24),
    ("Mg b", 5176.63),
    ("Na D", 5895.60),
    ("Hα", 6564.61),
    ("[S II]", 6725.48),
    ("Ca II", 8544.44),
)


@dataclass(frozen=True)
class ShownCurve:
    """A curve of an object by its column; else an address, or a sentence why there is none."""

    name: str
    curve: Curve | None = None
    address: str = ""
    sentence: str = ""


def curves_of(session: LabellingSession, row: int) -> tuple[ShownCurve, ...]:
    """The curve of each column that names one, in the order of the settings."""
    names = session.config.columns.curves
    found = session.project.catalogue.values(row, list(names))
    return tuple(_shown(session, name, found.get(name)) for name in names)


def redshift_of(session: LabellingSession, row: int) -> float | None:
    """The redshift of an object, where a column is said to hold one and it is known."""
    columns, catalogue = session.config.columns, session.project.catalogue
    if columns.redshift is None:
        return None
    value = catalogue.values(row, [columns.redshift])[columns.redshift]
    is_number = isinstance(value, int | float) and -1 < value < 1000
    is_missing = value in columns.missing.get(columns.redshift, ())
    return float(value) if is_number and not is_missing else None


def lines_at(curve: Curve, redshift: float) -> list[tuple[str, float]]:
    """The known lines that fall into a spectrum at a redshift, by name and observed wavelength."""
    if curve.kind != "spectrum":
        return []
    placed = [(name, rest * (1 + redshift)) for name, rest in LINES]
    return [(name, at) for name, at in placed if curve.x[0] <= at <= curve.x[-1]]


def _shown(session: LabellingSession, name: str, value: Any) -> ShownCurve:
    text = "" if value is None else str(value).strip()
    if not text:
        return ShownCurve(name, sentence="No file in the catalogue.")
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:60])
    if text.startswith(("http://", "https://")):
        return ShownCurve(name, address=text, sentence=f"'{shown}' is an address: open it there.")
    folders = [session.project.folder / "images"]
    if os.environ.get("SEXTANT_IMAGES") and not is_public():
        folders.append(Path(os.environ["SEXTANT_IMAGES"]).expanduser())
    for folder in folders:
        path = file_inside(folder, text, SUFFIXES)
        if path is not None:
            read = read_curve(path)
            if isinstance(read, Curve):
                return ShownCurve(name, read)
            return ShownCurve(name, sentence=f"'{shown}' {read}.")
    return ShownCurve(name, sentence=f"'{shown}' is not a FITS file in the project's image folder.")
