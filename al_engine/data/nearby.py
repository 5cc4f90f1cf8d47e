"""Which objects of the catalogue lie near a place on the sky.

Owns the search in spherical coordinates, at the poles and across RA 0, and the order of all objects
by declination that makes it short.  Must not know pictures, nor how positions are written.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import ROW, Missing
from al_engine.data.mapped import New, Room, Sort, open_mapped

Floats = npt.NDArray[np.float64]

MOST = 200  # more circles than that no picture shows apart
_SKIES = Sort(".sky", np.float64, 2)
_FORM = "1"  # of the file; another one gets other names


@dataclass(frozen=True)
class Neighbour:
    """An object near a place: its row, and how far to the east and to the north (arcsec)."""

    row: int
    east_arcsec: float
    north_arcsec: float


def nearest_object(
    catalogue: Catalogue,
    ra_column: str,
    dec_column: str,
    missing: Missing,
    place: tuple[float, float],
) -> tuple[int, float] | None:
    """The object nearest to a place (RA, Dec in degrees), and how far it is, in arcsec."""
    columns = (ra_column, dec_column)
    ra, dec = (f"radians({catalogue.number_sql(name, missing)})" for name in columns)
    # The haversine, which tells the smallest angles apart.
    found = catalogue.fetch(
        f"SELECT {ROW}, 2 * asin(sqrt(least(1, sin(({dec} - radians($2)) / 2) ** 2 "
        f"+ cos({dec}) * cos(radians($2)) * sin(({ra} - radians($1)) / 2) ** 2))) AS away "
        f"FROM catalogue WHERE isfinite(away) AND abs({dec}) <= pi() / 2 "
        f"ORDER BY away, {ROW} LIMIT 1",
        list(place),
    )
    return (int(found[0][0]), math.degrees(found[0][1]) * 3600) if found else None


@dataclass(frozen=True)
class SkyOrder:
    """All objects that have a position (degrees), from south to north; arrays of shape (n,).

    An object is found by its declination: what lies in a band is looked at, and nothing else.
    """

    rows: Floats
    ra: Floats
    dec: Floats

    def neighbours(
        self, place: tuple[float, float], half_side_arcsec: float, most: int = MOST
    ) -> tuple[Neighbour, ...]:
        """What the function of that name finds, without a look at the whole catalogue."""
        (ra0, dec0), (reach, d_ra) = place, _reach(place[1], half_side_arcsec)
        south = np.searchsorted(self.dec, dec0 - reach, "left")
        north = np.searchsorted(self.dec, dec0 + reach, "right")
        band = slice(int(south), int(north))
        off = (self.ra[band] - ra0 + 540) % 360 - 180
        near = np.flatnonzero(np.abs(off) <= d_ra) + band.start
        rows, ra, dec = self.rows[near], self.ra[near], self.dec[near]
        away = (off[near - band.start] * np.cos(np.radians(dec))) ** 2 + (dec - dec0) ** 2
        first = np.lexsort((rows, away))[:most]
        return _inside(rows[first], ra[first], dec[first], place, half_side_arcsec)


def open_sky_order(
    folder: Path,
    catalogue: Catalogue,
    ra_column: str,
    dec_column: str,
    missing: Missing,
    room: Room = lambda n_bytes: None,
) -> SkyOrder:
    """Map the order of all objects by declination, making its file first where there is none."""
    sqls = [catalogue.number_sql(name, missing) for name in (ra_column, dec_column)]
    array = open_mapped(
        folder,
        _SKIES,
        (_FORM, catalogue.fingerprint, *sqls),
        lambda a: a.ndim == 2 and len(a) == 3 and a.shape[1] <= catalogue.n_rows,
        lambda new: _write(new, catalogue, sqls),
        room,
    )
    return SkyOrder(*np.asarray(array))


def _write(new: New, catalogue: Catalogue, sqls: Sequence[str]) -> None:
    parts = zip(*catalogue.number_batches(sqls), strict=True)
    ra, dec = (np.concatenate(part) for part in parts)
    rows = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    rows = rows[np.argsort(dec[rows], kind="stable")]
    array = new((3, len(rows)))
    array[0], array[1], array[2] = rows, ra[rows], dec[rows]


def neighbours(
    catalogue: Catalogue,
    ra_column: str,
    dec_column: str,
    missing: Missing,
    place: tuple[float, float],
    half_side_arcsec: float,
    most: int = MOST,
) -> tuple[Neighbour, ...]:
    """The objects in a square around a place (RA, Dec in degrees), the nearest first.

    The square is one of the tangent plane, as in a picture; up to 30 degrees from its centre.
    """
    (ra0, dec0), (reach, d_ra) = place, _reach(place[1], half_side_arcsec)
    ra, dec = (catalogue.number_sql(name, missing) for name in (ra_column, dec_column))
    # From -180 to 180, whichever way round the catalogue counts.
    off = f"(({ra} - ?) % 360 + 540) % 360 - 180"
    away = f"pow(({off}) * cos(radians({dec})), 2) + pow({dec} - ?, 2)"
    found = catalogue.fetch(
        f"SELECT {ROW}, {ra}, {dec} FROM catalogue WHERE {dec} BETWEEN ? AND ? "
        f"AND abs({off}) <= ? ORDER BY {away}, {ROW} LIMIT ?",
        [dec0 - reach, dec0 + reach, ra0, d_ra, ra0, dec0, most],
    )
    rows, its_ra, its_dec = np.array(found, dtype=np.float64).reshape(-1, 3).T
    return _inside(rows, its_ra, its_dec, place, half_side_arcsec)


def _reach(dec0: float, half_side_arcsec: float) -> tuple[float, float]:
    """How far a square's corners may lie from its centre, and in right ascension (degrees)."""
    reach = min(math.degrees(math.atan(math.radians(half_side_arcsec / 3600) * math.sqrt(2))), 30.0)
    top = max(abs(dec0 - reach), abs(dec0 + reach))
    # Where a pole is in the picture, every right ascension is.
    sine = math.sin(math.radians(reach)) / math.cos(math.radians(dec0)) if top < 90 else 1.0
    return reach, math.degrees(math.asin(sine)) if sine < 1 else 180.0


def _inside(
    rows: Floats, ra: Floats, dec: Floats, place: tuple[float, float], half_side_arcsec: float
) -> tuple[Neighbour, ...]:
    """Of objects with their positions (degrees) those that lie in the square."""
    d_ra, dec = np.radians(ra - place[0]), np.radians(dec)
    dec0 = math.radians(place[1])
    # On the plane that touches the sky at the place; what is behind it has no place there.
    along = np.sin(dec) * math.sin(dec0) + np.cos(dec) * math.cos(dec0) * np.cos(d_ra)
    ahead = along > 0
    rows, d_ra, dec, along = rows[ahead], d_ra[ahead], dec[ahead], along[ahead]
    to_east = np.cos(dec) * np.sin(d_ra) / along
    to_north = (np.sin(dec) * math.cos(dec0) - np.cos(dec) * math.sin(dec0) * np.cos(d_ra)) / along
    arcsec = np.degrees([to_east, to_north]) * 3600
    inside = np.abs(arcsec).max(axis=0, initial=0.0) <= half_side_arcsec
    found = zip(rows[inside], *arcsec[:, inside].tolist(), strict=True)
    return tuple(Neighbour(int(row), east, north) for row, east, north in found)
