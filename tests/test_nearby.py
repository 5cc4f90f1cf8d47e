"""Neighbours on the sky are those that astropy finds, at the poles and across RA 0 too."""

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from al_engine.data.nearby import neighbours, open_sky_order

HALF = 1800.0  # arcsec


@pytest.mark.parametrize(
    "place",
    [(180.0, 0.0), (0.001, 40.0), (359.999, -40.0), (12.0, 89.9), (200.0, -90.0), (5.0, 90.0)],
)
@pytest.mark.parametrize("counted_from", [0, -180])
def test_they_are_those_of_astropy(catalogue_of, tmp_path, place, counted_from: int) -> None:
    rng = np.random.default_rng(3)
    here = SkyCoord(*place, unit="deg")
    around = here.directional_offset_by(
        rng.uniform(0, 360, 300) * u.deg, rng.uniform(0, 2 * HALF, 300) * u.arcsec
    )
    sines = rng.uniform(-1, 1, 500)
    far = SkyCoord(rng.uniform(0, 360, 500), np.degrees(np.arcsin(sines)), unit="deg")
    ra = np.concatenate([around.ra.deg, far.ra.deg, [np.nan, place[0]]])
    dec = np.concatenate([around.dec.deg, far.dec.deg, [place[1], np.nan]])
    if counted_from:
        ra = np.where(ra > 180, ra - 360, ra)
    catalogue = catalogue_of({"ra": pa.array(ra), "de'c": pa.array(dec)})

    listed = neighbours(catalogue, "ra", "de'c", {}, place, HALF, most=1000)
    found = {n.row: n for n in listed}
    for _ in range(2):  # made, then mapped
        order = open_sky_order(tmp_path / "matrix", catalogue, "ra", "de'c", {})
        again = order.neighbours(place, HALF, most=1000)
        assert [n.row for n in again] == [n.row for n in listed]
        for one, other in zip(again, listed, strict=True):
            assert one.east_arcsec == pytest.approx(other.east_arcsec)
            assert one.north_arcsec == pytest.approx(other.north_arcsec)

    there = SkyCoord(np.nan_to_num(ra), np.nan_to_num(dec), unit="deg")
    offset = there.transform_to(here.skyoffset_frame())
    east, north = offset.lon.wrap_at(180 * u.deg).rad, offset.lat.rad
    x = np.degrees(np.tan(east)) * 3600
    y = np.degrees(np.tan(north) / np.cos(east)) * 3600
    inside = (np.abs(east) < 1) & (np.abs(x) <= HALF) & (np.abs(y) <= HALF)
    inside &= np.isfinite(ra) & np.isfinite(dec)
    assert set(found) == set(np.flatnonzero(inside))
    assert len(found) > 100
    for row, each in found.items():
        assert (each.east_arcsec, each.north_arcsec) == pytest.approx((x[row], y[row]), abs=0.01)


def test_the_nearest_come_first_and_no_more_than_asked(catalogue_of, tmp_path) -> None:
    catalogue = catalogue_of(
        {"ra": pa.array(10 + np.arange(50) / 3600), "dec": pa.array(np.zeros(50))}
    )
    found = neighbours(catalogue, "ra", "dec", {}, (10.0, 0.0), 60.0, most=7)
    assert [each.row for each in found] == list(range(7))
    assert found[3].east_arcsec == pytest.approx(3.0)
    order = open_sky_order(tmp_path / "matrix", catalogue, "ra", "dec", {})
    assert order.neighbours((10.0, 0.0), 60.0, most=7) == found
