"""Which objects of the catalogue lie near a place on the sky.

Owns the search in spherical coordinates, at the poles and across RA 0.  Must not know pictures, nor
how positions are written.
"""

import math
from dataclasses import dataclass

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import ROW, Missing


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


def neighbours(
    catalogue: Catalogue,
    ra_column: str,
    dec_column: str,
    missing: Missing,
    place: tuple[float, float],
    half_side_arcsec: float,
    most: int = 200,
) -> tuple[Neighbour, ...]:
    """The objects in a square around a place (RA, Dec in degrees), the nearest first.

    The square is one of the tangent plane, as in a picture; up to 30 degrees from its centre.
    """
    ra0, dec0 = place
    reach = min(math.degrees(math.atan(math.radians(half_side_arcsec / 3600) * math.sqrt(2))), 30.0)
    top = max(abs(dec0 - reach), abs(dec0 + reach))
    # Where a pole is in the picture, every right ascension is.
    sine = math.sin(math.radians(reach)) / math.cos(math.radians(dec0)) if top < 90 else 1.0
    d_ra = math.degrees(math.asin(sine)) if sine < 1 else 180.0
    ra, dec = (catalogue.number_sql(name, missing) for name in (ra_column, dec_column))
    # From -180 to 180, whichever way round the catalogue counts.
    off = f"(({ra} - ?) % 360 + 540) % 360 - 180"
    away = f"pow(({off}) * cos(radians({dec})), 2) + pow({dec} - ?, 2)"
    found = catalogue.fetch(
        f"SELECT {ROW}, {ra}, {dec} FROM catalogue WHERE {dec} BETWEEN ? AND ? "
        f"AND abs({off}) <= ? ORDER BY {away}, {ROW} LIMIT ?",
        [dec0 - reach, dec0 + reach, ra0, d_ra, ra0, dec0, most],
    )
    listed = []
    for row, its_ra, its_dec in found:
        plane = _on_plane(its_ra, its_dec, ra0, dec0)
        if plane is not None and max(map(abs, plane)) <= half_side_arcsec:
            listed.append(Neighbour(int(row), *plane))
    return tuple(listed)


def _on_plane(ra: float, dec: float, ra0: float, dec0: float) -> tuple[float, float] | None:
    """East and north on the plane that touches the sky at a place, in arcsec."""
    d_ra, dec, dec0 = (math.radians(angle) for angle in (ra - ra0, dec, dec0))
    along = math.sin(dec) * math.sin(dec0) + math.cos(dec) * math.cos(dec0) * math.cos(d_ra)
    if along <= 0:
        return None
    east = math.cos(dec) * math.sin(d_ra) / along
    north = math.sin(dec) * math.cos(dec0) - math.cos(dec) * math.sin(dec0) * math.cos(d_ra)
    return math.degrees(east) * 3600, math.degrees(north / along) * 3600
