"""Which object of a catalogue lies where on the sky.

Owns the SQL of angles.  Must not know how positions are written, nor settings.
"""

import math

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import ROW, Missing


def nearest_object(
    catalogue: Catalogue, ra: str, dec: str, missing: Missing, ra_deg: float, dec_deg: float
) -> tuple[int, float] | None:
    """The object nearest to a place on the sky, and how far it is, in arcsec.

    Parameters
    ----------
    ra, dec : the columns of positions, in degrees
    ra_deg, dec_deg : the place
    """
    at_ra, at_dec = (f"radians({catalogue.number_sql(name, missing)})" for name in (ra, dec))
    # The haversine, which tells the smallest angles apart.
    found = catalogue.fetch(
        f"SELECT {ROW}, 2 * asin(sqrt(least(1, sin(({at_dec} - radians($2)) / 2) ** 2 "
        f"+ cos({at_dec}) * cos(radians($2)) * sin(({at_ra} - radians($1)) / 2) ** 2))) AS away "
        f"FROM catalogue WHERE isfinite(away) AND abs({at_dec}) <= pi() / 2 "
        f"ORDER BY away, {ROW} LIMIT 1",
        [ra_deg, dec_deg],
    )
    return (int(found[0][0]), math.degrees(found[0][1]) * 3600) if found else None
