"""Matching by position: as astropy does it, everywhere on the sky."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from al_engine.data.matching import Places, match_positions
from al_engine.errors import WorkCancelled


def places(*positions: tuple[float, float]) -> Places:
    ra, dec = zip(*positions, strict=True)
    return Places(np.array(ra, float), np.array(dec, float))


def test_the_nearest_within_the_radius_is_the_counterpart():
    found = match_positions(
        places((10, 20), (50, 0)), places((10, 20 + 3 / 3600), (10, 20 + 1 / 3600)), 2.0
    )
    assert found.rows.tolist() == [0]
    assert found.theirs.tolist() == [1]
    assert found.separation_arcsec == pytest.approx([1.0], abs=1e-6)


def test_a_match_crosses_ra_0_and_the_poles():
    tiny = 0.5 / 3600
    ours = places((360 - tiny, 0), (0, 90 - tiny), (90, -90 + tiny), (-tiny, 5))
    theirs = places((tiny, 0), (180, 90 - tiny), (270, -90 + tiny), (359.9999, 5))
    found = match_positions(ours, theirs, 1.5)
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert found.theirs.tolist() == [0, 1, 2, 3]
    assert found.separation_arcsec[:3] == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)


def test_what_has_no_position_has_no_counterpart():
    ours = places((np.nan, 0), (1, 1), (1, 91), (np.inf, 0))
    found = match_positions(ours, places((1, 1), (np.nan, 1), (1, np.nan)), 1.0)
    assert (found.rows.tolist(), found.theirs.tolist()) == ([1], [0])
    assert not match_positions(ours, places((np.nan, 1)), 1.0).rows.size


def test_several_within_the_radius_and_a_shared_counterpart_are_told():
    arcsec = 1 / 3600
    ours = places((10, 0), (20, 0), (20, arcsec), (30, 0))
    theirs = places((10, arcsec), (10, -1.5 * arcsec), (20, 0.4 * arcsec), (30, 0))
    found = match_positions(ours, theirs, 2.0)
    assert found.theirs.tolist() == [0, 2, 2, 3]
    assert found.has_several.tolist() == [True, False, False, False]
    assert found.is_shared.tolist() == [False, True, True, False]


@pytest.mark.parametrize("dec_range", [(-90, -89.99), (-0.01, 0.01), (89.99, 90)])
def test_matches_are_those_of_astropy(dec_range):
    rng = np.random.default_rng(3)
    ours, theirs = (
        Places(rng.uniform(-0.01, 0.01, n) % 360, rng.uniform(*dec_range, n)) for n in (500, 700)
    )
    sky = [SkyCoord(p.ra_deg, p.dec_deg, unit="deg") for p in (ours, theirs)]
    nearest, separation, _ = sky[0].match_to_catalog_sky(sky[1])
    near = separation.to_value(u.arcsec) <= 1.0
    found = match_positions(ours, theirs, 1.0)
    assert found.rows.tolist() == np.flatnonzero(near).tolist()
    assert found.theirs.tolist() == nearest[near].tolist()
    assert found.separation_arcsec == pytest.approx(separation.to_value(u.arcsec)[near], abs=1e-6)


def test_a_match_can_be_stopped_between_its_parts():
    def stop(n_done: int) -> None:
        raise WorkCancelled(f"Stopped after {n_done}.")

    with pytest.raises(WorkCancelled):
        match_positions(places((1, 1)), places((1, 1)), 1.0, stop)
