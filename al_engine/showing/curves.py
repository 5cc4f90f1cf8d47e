"""Spectra and light curves of an object, and where known lines lie in them.

Owns the list of lines, and what to say where there is no curve.  Must not know pages, and never
waits: a curve at an address comes as pictures do, by the project's gallery.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from al_engine.data.columns import stand_ins
from al_engine.data.curves import SUFFIXES, Curve, packed, read_curve, unpacked
from al_engine.errors import NotThereError, ServiceError
from al_engine.public import is_public
from al_engine.services.fetching import Reply, Request, is_web_address
from al_engine.services.gallery import Look, Wanted
from al_engine.session import LabellingSession
from al_engine.showing.galleries import gallery_of
from al_engine.showing.objects import columns_shown, file_inside

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


_WEB = ("http://", "https://")


@dataclass(frozen=True)
class ShownCurve:
    """A curve of an object by its column; else why there is none; or neither: it comes."""

    name: str
    curve: Curve | None = None
    sentence: str = ""

    @property
    def is_coming(self) -> bool:
        return self.curve is None and not self.sentence


def curves_of(session: LabellingSession, row: int) -> tuple[ShownCurve, ...]:
    """The curve of each column that names one, in the order of the settings."""
    names = session.config.columns.curves
    found = session.project.catalogue.values(row, list(names))
    return tuple(_shown(session, name, found.get(name)) for name in names)


def fetch_curves_ahead(session: LabellingSession, row: int) -> None:
    """Have the curves of an object fetched that may be looked at soon."""
    names = session.config.columns.curves
    found = session.project.catalogue.values(row, columns_shown(session)) if names else {}
    wanted = [_wanted(text) for text in map(_as_text, map(found.get, names)) if _is_address(text)]
    gallery_of(session.project).fetch_ahead(wanted, Look())


def redshift_of(session: LabellingSession, row: int) -> float | None:
    """The redshift of an object, where a column is said to hold one and it is known."""
    columns, catalogue = session.config.columns, session.project.catalogue
    if columns.redshift is None:
        return None
    value = catalogue.values(row, [columns.redshift])[columns.redshift]
    is_number = isinstance(value, int | float) and -1 < value < 1000
    is_missing = value in stand_ins(columns.missing, columns.redshift)
    return float(value) if is_number and not is_missing else None


def lines_at(curve: Curve, redshift: float) -> list[tuple[str, float]]:
    """The known lines that fall into a spectrum at a redshift, by name and observed wavelength."""
    if curve.kind != "spectrum":
        return []
    placed = [(name, rest * (1 + redshift)) for name, rest in LINES]
    return [(name, at) for name, at in placed if curve.x[0] <= at <= curve.x[-1]]


def _shown(session: LabellingSession, name: str, value: Any) -> ShownCurve:
    text = _as_text(value)
    if not text:
        return ShownCurve(name, sentence="No file in the catalogue.")
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:60])
    if _is_address(text):
        there = gallery_of(session.project).show(_wanted(text), Look())
        return ShownCurve(name, unpacked(there.image) if there.image else None, there.sentence)
    if text.lower().startswith(_WEB):
        return ShownCurve(name, sentence=f"'{shown}' is not a whole address.")
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


# -- at an address ---------------------------------------------------------------------------------


def _as_text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _is_address(text: str) -> bool:
    return text.lower().startswith(_WEB) and is_web_address(text)


def _wanted(address: str) -> Wanted:
    """A curve at an address of the catalogue; never one of this machine's network."""
    return Wanted(_judge, Request((address,)), kind="curve", draw=_as_kept)


def _judge(reply: Reply) -> bytes:
    """What is kept of an answer: the curve, and nothing else of the file."""
    if reply.status == 404:
        raise NotThereError("The server has no such file (status 404).")
    if reply.status != 200:
        raise ServiceError(f"The server answers with an error (status {reply.status}).")
    read = read_curve(reply.body)
    if isinstance(read, str):
        raise ServiceError(f"What the server sent {read}.")
    return packed(read)


def _as_kept(kept: bytes, look: Look) -> bytes:
    try:
        unpacked(kept)
    except ValueError as error:
        raise ServiceError("It is damaged.") from error
    return kept
