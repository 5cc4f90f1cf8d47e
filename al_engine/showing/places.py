"""Places on the sky: as text, from text, as links to what others know, the object nearest.

Owns their forms.  Opens no connection: a link is for the person to follow.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from astropy import units as u
from astropy.coordinates import Angle

from al_engine.data.columns import stand_ins
from al_engine.data.nearby import nearest_object
from al_engine.errors import AnswerRefusedError
from al_engine.session import LabellingSession
from al_engine.settings.config import Columns

FOUND_WITHIN_ARCSEC = 60.0

_NUMBER = r"[+-]?\d+(?:\.\d*)?|[+-]?\.\d+"
_DEGREES = re.compile(rf"({_NUMBER})[d°]?[\s,;]+({_NUMBER})[d°]?")
_PARTS = re.compile(
    r"(\d+)[\s:h]+(\d+)[\s:m]+(\d+(?:\.\d*)?)s?[\s,;]*([+-]?\d+)[\s:d°]+(\d+)[\s:m'′]+(\d+(?:\.\d*)?)[s\"″]?"
)


@dataclass(frozen=True)
class Position:
    """A place on the sky, in degrees and in hours, minutes and seconds."""

    ra_deg: float
    dec_deg: float

    @property
    def degrees(self) -> str:
        return f"{self.ra_deg:.6f} {self.dec_deg:+.6f}"

    @property
    def sexagesimal(self) -> str:
        # Rounded before it is wrapped, so that 23:59:59.999 does not read 24:00:00.00.
        hours = round(self.ra_deg * 240, 2) % 86_400 / 3600
        ra = Angle(hours, u.hourangle).to_string(u.hourangle, sep=":", precision=2, pad=True)
        dec = Angle(self.dec_deg, u.deg).to_string(
            u.deg, sep=":", precision=1, pad=True, alwayssign=True
        )
        return f"{ra} {dec}"

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """What others know of the place: the name of each service, and its address."""
        ra, dec = f"{self.ra_deg % 360:.6f}", f"{self.dec_deg:.6f}"
        place = quote(f"{ra} {self.dec_deg:+.6f}")
        return (
            (
                "SIMBAD",
                "https://simbad.cds.unistra.fr/simbad/sim-coo"
                f"?Coord={place}&CooFrame=ICRS&Radius=5&Radius.unit=arcsec",
            ),
            (
                "NED",
                "https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search"
                f"&in_csys=Equatorial&in_equinox=J2000&ra={ra}d&dec={dec}d&radius=0.1",
            ),
            (
                "SDSS",
                f"https://skyserver.sdss.org/dr18/VisualTools/explore/summary?ra={ra}&dec={dec}",
            ),
            (
                "Legacy Survey",
                f"https://www.legacysurvey.org/viewer?ra={ra}&dec={dec}&zoom=16&mark={ra},{dec}",
            ),
        )


def read_position(text: str) -> Position | None:
    """A position as people write it, in degrees or in hours, minutes and seconds; else None.

    >>> read_position("188.5212 +0.9401")
    Position(ra_deg=188.5212, dec_deg=0.9401)
    >>> read_position("12:34:05.1 -00:56:24").degrees
    '188.521250 -0.940000'
    """
    text = text.strip().replace("−", "-")
    if found := _DEGREES.fullmatch(text):
        ra, dec = (float(each) for each in found.groups())
    elif found := _PARTS.fullmatch(text):
        hours, minutes, seconds, degrees, arcmin, arcsec = found.groups()
        ra = 15 * (int(hours) + int(minutes) / 60 + float(seconds) / 3600)
        dec = abs(int(degrees)) + int(arcmin) / 60 + float(arcsec) / 3600
        dec = -dec if degrees.startswith("-") else dec
    else:
        return None
    return Position(ra, dec) if -360 <= ra <= 360 and -90 <= dec <= 90 else None


def find_object(session: LabellingSession, text: str) -> int:
    """The row of the object with that id, else of the one nearest to that position.

    Raises
    ------
    AnswerRefusedError : there is none
    """
    text, columns = text.strip(), session.config.columns
    row = session.project.catalogue.find_row(columns.id, text)
    if row is not None:
        return row
    position = read_position(text)
    if position is None or not (columns.ra and columns.dec):
        raise AnswerRefusedError(
            f"No object has the id '{text[:60]}'.",
            "Ids must be given in full; a position as 188.5212 +0.9401 or 12:34:05.1 +00:56:24."
            if columns.ra and columns.dec
            else "Ids must be given in full.",
        )
    found = nearest_object(
        session.project.catalogue,
        columns.ra,
        columns.dec,
        columns.missing,
        (position.ra_deg, position.dec_deg),
    )
    if found is None:
        raise AnswerRefusedError("No object has a position.", "Look for it by its id.")
    row, arcsec = found
    if arcsec > FOUND_WITHIN_ARCSEC:
        away = f"{arcsec / 60:.3g} arcmin" if arcsec < 3600 else f"{arcsec / 3600:.3g} degrees"
        raise AnswerRefusedError(
            f"No object lies within {FOUND_WITHIN_ARCSEC:g} arcsec of {position.degrees}.",
            f"The nearest, {session.object_id(row)}, is {away} away.",
        )
    return row


def position_of(columns: Columns, found: Mapping[str, object]) -> Position | None:
    """The position of an object by its values, or None where they are none."""
    numbers: list[float] = []
    for name in filter(None, (columns.ra, columns.dec)):
        value = found.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            numbers += [value] if value not in stand_ins(columns.missing, name) else []
    if len(numbers) < 2 or not -90 <= numbers[1] <= 90:
        return None
    return Position(float(numbers[0]), float(numbers[1]))
