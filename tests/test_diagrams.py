"""Diagrams: where published objects and lines lie, and what is missing has no place."""

import math

import numpy as np
import pytest

from al_engine.errors import SettingsError
from al_engine.settings.config import ProjectConfig
from al_engine.settings.quantities import Band, Quantities, Quantity
from al_engine.views.diagrams import DIAGRAMS, NEEDED, log_flux, log_ratio, sed


@pytest.mark.parametrize("diagram", DIAGRAMS.values(), ids=list(DIAGRAMS))
def test_the_diagram_names_quantities_that_can_be_asked_for_and_draws_its_lines(diagram):
    assert set(diagram.quantities) <= set(NEEDED)
    assert diagram.lines
    assert diagram.help
    assert diagram.title
    for line in diagram.lines:
        assert len(line.x) == len(line.y) >= 2
        assert all(map(math.isfinite, (*line.x, *line.y)))
        (left, right), (low, high) = diagram.x_range, diagram.y_range
        assert any(left < x < right and low < y < high for x, y in zip(line.x, line.y, strict=True))


def test_the_lines_pass_where_the_papers_say():
    def at(line, x):
        order = np.argsort(line.x)
        return float(np.interp(x, np.array(line.x)[order], np.array(line.y)[order]))

    kewley, kauffmann = DIAGRAMS["bpt_nii"].lines
    assert at(kewley, -0.5) == pytest.approx(0.61 / (-0.97) + 1.19, abs=1e-3)
    assert at(kauffmann, -0.5) == pytest.approx(0.61 / (-0.55) + 1.3, abs=1e-3)
    assert at(DIAGRAMS["bpt_sii"].lines[1], 0.0) == pytest.approx(0.76, abs=1e-3)
    assert at(DIAGRAMS["bpt_oi"].lines[1], -0.5) == pytest.approx(1.18 * -0.5 + 1.30, abs=1e-3)


def test_the_corners_of_the_wedge_lie_on_its_three_lines():
    (wedge,) = DIAGRAMS["mateos"].lines
    (_, top, foot, _) = zip(wedge.x, wedge.y, strict=True)
    assert top[1] == pytest.approx(0.315 * top[0] + 0.297)
    assert foot[1] == pytest.approx(0.315 * foot[0] - 0.110)
    for corner in (top, foot):
        assert corner[1] == pytest.approx(-3.172 * corner[0] + 0.436)


def test_a_flux_is_the_same_from_a_magnitude_and_from_its_logarithm():
    jy = np.array([1e-3, 5.0])
    ab = -2.5 * np.log10(jy / 3631)
    for values, scale, zero in ((jy, "flux", 1.0), (ab, "magnitude", 3631.0), (jy, "flux", 1.0)):
        np.testing.assert_allclose(log_flux(values, scale, zero), np.log10(jy), atol=1e-5)
    np.testing.assert_allclose(log_flux(np.log10(jy), "log", 1.0), np.log10(jy), atol=1e-5)


def test_a_flux_that_is_none_has_no_ratio():
    over = log_flux(np.array([0.0, -2.0, np.nan, 10.0]), "flux", 1.0)
    ratio = log_ratio(over, log_flux(np.ones(4), "flux", 1.0))
    assert np.isnan(ratio[:3]).all()
    assert ratio[3] == pytest.approx(1.0)


BANDS = (
    Band("W1", "W1", 3.4, "e_W1"),
    Band("g", "g", 0.48, "e_g"),
    Band("radio", "S", 2e5, "e_S", "flux", 1e-3),
)


def test_an_sed_is_by_wavelength_with_the_reach_of_its_errors():
    g, w1, radio = sed(BANDS, {"W1": 18.0, "e_W1": 0.1, "g": 20, "S": 2.0, "e_S": 3.0})
    assert [point.band for point in (g, w1, radio)] == ["g", "W1", "radio"]
    assert g.ab == pytest.approx(20)
    assert (g.jy_low, g.jy_high) == (None, None)
    assert w1.jy_low < w1.jy < w1.jy_high
    assert -2.5 * math.log10(w1.jy_low / 3631) == pytest.approx(18.1)
    assert (radio.jy, radio.jy_low, radio.jy_high) == pytest.approx((2e-3, None, 5e-3))


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -5.0, 0.0, "text"])
def test_a_band_without_a_flux_is_left_out_of_an_sed(value):
    assert sed(BANDS[2:], {"S": value}) == []


@pytest.mark.parametrize(
    "quantities",
    [
        Quantities(bands=(Band("g", "g", 0.0),)),
        Quantities(bands=(Band("g", "g", 1.0), Band("g", "r", 2.0))),
        Quantities({"w1": Quantity("W1", "magnitude", -1.0)}),
        Quantities(bands=tuple(Band(str(i), "g", 1.0) for i in range(101))),
    ],
)
def test_quantities_that_cannot_be_drawn_are_refused(quantities):
    with pytest.raises(SettingsError):
        ProjectConfig.from_dict(ProjectConfig(quantities=quantities).to_dict())
