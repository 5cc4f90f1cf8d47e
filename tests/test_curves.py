"""Spectra and light curves from FITS files: what is read, what is refused, where lines lie."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from conftest import N_ROWS, make_table, small_setup, survey_config, survey_values
from paging import LABELLING, drawn_maps, fine, show
from stand_in import Answer, StandIn, jpeg, stand_in, urls
from streamlit.testing.v1 import AppTest

from al_engine import fits_headers
from al_engine.data import curves
from al_engine.data.curves import MAX_POINTS, Curve, packed, read_curve, unpacked
from al_engine.projects.creating import create_project
from al_engine.projects.opening import open_project
from al_engine.services import cache, fetching
from al_engine.services.gallery import OFF, wait_for_pictures
from al_engine.session import LabellingSession
from al_engine.showing.album import Album
from al_engine.showing.curves import ShownCurve, curves_of, lines_at, redshift_of
from al_engine.showing.galleries import FOLDER

WAVE = np.linspace(3800, 9200, 500)
FLUX = np.sin(WAVE / 200)


def table(path: Path, **columns: tuple[np.ndarray, str]) -> Path:
    made = [
        fits.Column(name, "D", unit=unit or None, array=values)
        for name, (values, unit) in columns.items()
    ]
    fits.BinTableHDU.from_columns(made).writeto(path)
    return path


def curve(path: Path) -> Curve:
    found = read_curve(path)
    assert isinstance(found, Curve), found
    return found


def test_a_spectrum_is_read_from_a_table_in_angstrom(tmp_path: Path) -> None:
    path = table(tmp_path / "a.fits", flux=(FLUX, "Jy"), wavelength=(WAVE / 10, "nm"))
    found = curve(path)
    assert (found.kind, found.x_title, found.y_title) == (
        "spectrum", "wavelength (angstrom)", "flux (Jy)",
    )  # fmt: skip
    np.testing.assert_allclose(found.x, WAVE)
    np.testing.assert_array_equal(found.y, FLUX)


def test_a_spectrum_in_log_wavelength_has_errors_from_inverse_variance(tmp_path: Path) -> None:
    ivar = np.full(500, 4.0)
    path = table(tmp_path / "a.fits", flux=(FLUX, ""), loglam=(np.log10(WAVE), ""), ivar=(ivar, ""))
    found = curve(path)
    np.testing.assert_allclose(found.x, WAVE)
    assert found.error is not None
    assert set(found.error) == {0.5}


def test_a_spectrum_is_read_from_an_image_with_its_scale(tmp_path: Path) -> None:
    hdu = fits.PrimaryHDU(FLUX)
    hdu.header.update({"CRVAL1": 3800.0, "CRPIX1": 1.0, "CDELT1": 2.0})
    hdu.writeto(tmp_path / "a.fits")
    assert curve(tmp_path / "a.fits").x[:3].tolist() == [3800, 3802, 3804]


def test_a_light_curve_is_read_without_what_is_missing(tmp_path: Path) -> None:
    flux = np.where(np.arange(500) % 5, FLUX, np.nan)
    path = table(
        tmp_path / "a.fits", TIME=(np.arange(500.0), "d"), SAP_FLUX=(FLUX, ""),
        PDCSAP_FLUX=(flux, "e-/s"), PDCSAP_FLUX_ERR=(np.ones(500), ""),
    )  # fmt: skip
    found = curve(path)
    assert (found.kind, len(found.x), found.x_title) == ("light curve", 400, "time (d)")
    assert found.y_title == "pdcsap_flux (e-/s)"


def test_a_long_curve_is_thinned_out(tmp_path: Path) -> None:
    n = 3 * MAX_POINTS + 1
    path = table(tmp_path / "a.fits", time=(np.arange(float(n)), ""), flux=(np.ones(n), ""))
    assert MAX_POINTS // 2 < len(curve(path).x) <= MAX_POINTS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a FITS file"),
        (b"\x1f\x8b\x08" + b"x" * 3000, "is not a FITS file"),
        (b"SIMPLE  =                    T" + b"\xff" * 5000, "is damaged"),
    ],
)
def test_what_is_no_curve_is_said_in_a_few_words(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    assert str(read_curve(path)).startswith(said)


def test_a_table_of_something_else_holds_no_curve(tmp_path: Path) -> None:
    path = table(tmp_path / "a.fits", ra=(WAVE, "deg"), dec=(WAVE, "deg"))
    assert read_curve(path) == "holds no spectrum and no light curve that is known"


def test_a_spectrum_compressed_in_tiles_is_not_unpacked(tmp_path: Path) -> None:
    packed = fits.CompImageHDU(np.ones(5000, np.float32), compression_type="GZIP_1")
    packed.header.update({"CRVAL1": 3800.0, "CDELT1": 2.0})
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(tmp_path / "a.fits")
    assert read_curve(tmp_path / "a.fits") == "holds no spectrum and no light curve that is known"


def test_more_points_than_any_spectrum_has_are_not_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(curves, "MOST_READ", 400)
    image = fits.PrimaryHDU(FLUX)
    image.header.update({"CRVAL1": 3800.0, "CDELT1": 2.0})
    image.writeto(tmp_path / "image.fits")
    table(tmp_path / "table.fits", flux=(FLUX, ""), wavelength=(WAVE, ""))
    vectors = [fits.Column(name, "500D", array=[FLUX]) for name in ("flux", "wave")]
    fits.BinTableHDU.from_columns(vectors).writeto(tmp_path / "vectors.fits")
    for name in ("image", "table", "vectors"):
        assert read_curve(tmp_path / f"{name}.fits") == "holds more than 400 points"


def test_a_header_that_goes_on_and_on_is_not_read(tmp_path: Path) -> None:
    table(tmp_path / "a.fits", flux=(FLUX, ""), wavelength=(WAVE, ""))
    start = (tmp_path / "a.fits").read_bytes()
    words = start[:2880].replace(b"END".ljust(80), b"COMMENT".ljust(80))
    more = b"COMMENT".ljust(80) * 36 * fits_headers.MOST_BLOCKS
    (tmp_path / "b.fits").write_bytes(words + more + start[2880:])
    assert read_curve(tmp_path / "b.fits") == "has too long a header"


def test_a_file_is_read_again_only_once_it_has_changed(tmp_path: Path, monkeypatch) -> None:
    path = table(tmp_path / "a.fits", flux=(FLUX, ""), wavelength=(WAVE, ""))
    before = curve(path)
    n_read = []
    really = curves.fits.open
    monkeypatch.setattr(
        curves.fits, "open", lambda *a, **named: n_read.append(1) or really(*a, **named)
    )
    assert read_curve(path) is before
    assert n_read == []
    path.unlink()
    table(path, flux=(FLUX[:100], ""), wavelength=(WAVE[:100], ""))
    assert len(curve(path).x) == 100
    path.unlink()
    assert read_curve(path) == "cannot be read"
    assert len(n_read) == 1


def test_lines_lie_where_the_redshift_puts_them(tmp_path: Path) -> None:
    found = curve(table(tmp_path / "a.fits", flux=(FLUX, ""), wavelength=(WAVE, "Angstrom")))
    at_rest, shifted = dict(lines_at(found, 0.0)), dict(lines_at(found, 2.0))
    assert at_rest["Hα"] == 6564.61
    assert "Lyα" not in at_rest
    assert shifted["C IV"] == pytest.approx(4647.18)
    assert "Hα" not in shifted


@pytest.fixture
def with_spectra(home: Path) -> LabellingSession:
    """The small project with a column of paths, of which the first object's is a spectrum."""
    paths = ["a.fits", "../a.fits", "none.fits", "https://example.org/a.fits", None]
    values = {
        **survey_values(),
        "spectrum": pa.array([paths[i % 5] for i in range(N_ROWS)]),
        "redshift": pa.array(np.where(np.arange(N_ROWS) % 2, np.nan, 0.5)),
    }
    config = survey_config(x_axis="g", y_axis="r")
    columns = replace(config.columns, curves=("spectrum",), redshift="redshift")
    folder, _ = create_project(home, "Survey", make_table(values), replace(config, columns=columns))
    (folder / "images").mkdir()
    table(folder / "images" / "a.fits", flux=(FLUX, ""), wavelength=(WAVE, ""))
    table(folder / "a.fits", flux=(FLUX, ""), wavelength=(WAVE, ""))
    return LabellingSession(open_project(folder), "Ada")


def test_a_path_is_looked_for_in_the_image_folder_alone(
    with_spectra: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(fetching.SWITCH, "none")
    found = [curves_of(with_spectra, row)[0] for row in range(5)]
    assert found[0].curve is not None
    assert [each.curve for each in found[1:]] == [None] * 4
    assert "is not a FITS file in the project's image folder" in found[1].sentence
    assert found[3].sentence == OFF
    assert found[4].sentence == "No file in the catalogue."
    assert [redshift_of(with_spectra, row) for row in (0, 1)] == [0.5, None]


def lines_drawn(at: AppTest) -> list[str]:
    """The names of the lines that the spectrum on the page is drawn with."""
    (drawn,) = [json.loads(each.proto.spec) for each in at.get("plotly_chart")]
    return [each["text"] for each in drawn["layout"]["annotations"]]


def test_a_spectrum_is_drawn_with_lines_at_the_objects_redshift(
    with_spectra: LabellingSession,
) -> None:
    with_spectra.start("QSO", small_setup())
    at = show(LABELLING, "survey")
    wanted = with_spectra.object_id(0)
    next(each for each in at.text_input if each.label == "Id").set_value(wanted)
    at = fine(next(each for each in at.button if each.label == "Show it").click().run())
    (slider,) = [each for each in at.slider if each.label == "Redshift of the lines"]
    assert slider.value == 0.5
    assert "Mg II" in lines_drawn(at)
    assert "Hα" not in lines_drawn(at)
    fine(slider.set_value(0.1).run())
    assert "Hα" in lines_drawn(at)


# -- at an address ---------------------------------------------------------------------------------


def spectrum_file(path: Path) -> bytes:
    return table(path, flux=(FLUX, "Jy"), wavelength=(WAVE, "Angstrom")).read_bytes()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A server of the internet, as far as anybody here can tell."""
    really = fetching.is_global
    monkeypatch.setenv(fetching.SWITCH, "all")
    monkeypatch.setattr(fetching, "AGAIN_AFTER_S", 0.0)
    monkeypatch.setattr(fetching, "is_global", lambda host: host == "127.0.0.2" or really(host))
    with stand_in("127.0.0.2", good=Answer(spectrum_file(tmp_path / "good.fits"))) as made:
        yield made
        wait_for_pictures()


def session_at(home: Path, addresses: list[str], images: bool = False) -> LabellingSession:
    """The small project with a column of these addresses, over and over."""
    listed = [addresses[i % len(addresses)] for i in range(N_ROWS)]
    values = {**survey_values(), "spectrum": pa.array(listed)}
    config = survey_config(x_axis="g", y_axis="r")
    columns = replace(config.columns, curves=("spectrum",), images=("spectrum",) if images else ())
    folder, _ = create_project(
        home, "Spectra", make_table(values), replace(config, columns=columns)
    )
    return LabellingSession(open_project(folder), "Ada")


def in_the_end(session: LabellingSession, row: int) -> ShownCurve:
    curves_of(session, row)
    wait_for_pictures()
    return curves_of(session, row)[0]


def test_a_curve_is_the_same_after_it_was_kept(tmp_path: Path) -> None:
    for error in ({}, {"err": (np.full(500, np.nan), "")}):
        path = table(tmp_path / f"{len(error)}.fits", time=(WAVE, "d"), flux=(FLUX, ""), **error)
        before = curve(path)
        after = unpacked(packed(before))
        assert (before.kind, before.x_title, before.y_title) == (
            after.kind, after.x_title, after.y_title,
        )  # fmt: skip
        np.testing.assert_array_equal(before.x, after.x)
        np.testing.assert_array_equal(before.y, after.y)
        assert (before.error is None) == (after.error is None)
    for damaged in (b"", b"{}", b"[]\n", b"null\n12345678", packed(before)[:-3], jpeg()):
        with pytest.raises(ValueError, match="no curve"):
            unpacked(damaged)


def test_a_spectrum_comes_from_its_address_and_nobody_waits(home: Path, outside) -> None:
    outside.answers["/good"] = replace(outside.answers["/good"], after_s=0.3)
    session = session_at(home, [f"{outside.address}/good.fits"])
    (first,) = curves_of(session, 0)
    assert first.is_coming
    found = in_the_end(session, 0)
    assert found.curve is not None
    assert found.curve.y_title == "flux (Jy)"
    np.testing.assert_allclose(found.curve.y, FLUX)
    in_the_end(session, 1)
    again = LabellingSession(session.project, "Ben")
    assert curves_of(again, 2)[0].curve is not None
    assert urls(outside) == ["/good.fits"], "it was kept"


def test_what_is_no_spectrum_is_said_in_one_sentence(home: Path, outside, monkeypatch) -> None:
    monkeypatch.setattr(fetching, "TIME_LIMIT_S", 0.4)
    page = b"<html>Not here</html>"
    outside.answers |= {
        "/gone": Answer(b"no", 404),
        "/broken": Answer(b"no", 500),
        "/page": Answer(page, kind="text/html"),
        "/image": Answer(jpeg()),
        "/cut": Answer(b"SIMPLE  =                    T" + b"\xff" * 5000),
        "/large": Answer(b"SIMPLE" + bytes(1_000_000), repeats=11),
        "/late": Answer(b"", after_s=1.0),
        "/drip": Answer(b"SIMPLE" * 99, drip_s=0.1),
        "/away": Answer(status=302, location="http://127.0.0.1:9/a.fits"),
    }
    names = ["gone", "broken", "page", "image", "cut", "large", "late", "drip", "away"]
    addresses = [*(f"{outside.address}/{name}" for name in names), "http://127.0.0.1:9/a.fits"]
    session = session_at(home, [*addresses, "http://"])
    for row in range(len(addresses)):
        curves_of(session, row)
    wait_for_pictures()
    said = [curves_of(session, row)[0].sentence for row in range(len(addresses) + 1)]
    assert said == [
        "The server has no such file (status 404).",
        "The server answers with an error (status 500).",
        "What the server sent is not a FITS file.",
        "What the server sent is not a FITS file.",
        "What the server sent is damaged, or is not a FITS file.",
        "'127.0.0.2' sends more than 10 MB: too large.",
        "'127.0.0.2' has not answered within 0 seconds.",
        "'127.0.0.2' has not answered within 0 seconds.",
        "'127.0.0.1' is a private or local host: no address of a catalogue may lead there.",
        "'127.0.0.1' is a private or local host: no address of a catalogue may lead there.",
        "'http://' is not a whole address.",
    ]


def test_the_switch_of_the_network_holds_for_spectra_too(home: Path, outside) -> None:
    session = session_at(home, [f"{outside.address}/good{i}.fits" for i in range(4)])
    assert in_the_end(session, 0).curve is not None
    session.project.switch_network(False)
    Album(session).fetch_ahead(2)
    assert in_the_end(session, 0).curve is not None, "it is here already"
    assert in_the_end(session, 1).sentence == OFF
    session.project.switch_network(True)
    assert in_the_end(session, 1).curve is not None
    assert urls(outside) == ["/good0.fits", "/good1.fits"]


def test_a_spectrum_is_fetched_ahead_and_counts_to_the_pictures_that_are_kept(
    home: Path, outside, monkeypatch
) -> None:
    monkeypatch.setenv(cache.MOST_MB, "1")
    session = session_at(home, [f"{outside.address}/good{i}.fits" for i in range(200)])
    album = Album(session)
    for row in range(200):
        album.fetch_ahead(row)
        wait_for_pictures() if row % 20 == 0 else None
    wait_for_pictures()
    assert curves_of(session, 199)[0].curve is not None
    n_bytes = sum(path.stat().st_size for path in (session.project.folder / FOLDER).iterdir())
    assert 500_000 < n_bytes <= 1_000_000


def test_one_address_may_be_a_picture_and_a_spectrum(home: Path, outside) -> None:
    session = session_at(home, [f"{outside.address}/good.fits"], images=True)
    album = Album(session)
    album.frames(0)
    wait_for_pictures()
    assert album.frames(0)[0].shown.sentence == "The FITS file holds no image."
    assert in_the_end(session, 0).curve is not None


def test_the_page_has_a_place_for_a_spectrum_until_it_is_there(home: Path, outside) -> None:
    outside.answers["/good"] = replace(outside.answers["/good"], after_s=0.5)
    addresses = [f"{outside.address}/good{i}.fits" for i in range(N_ROWS)]
    session = session_at(home, addresses)
    session.start("QSO", small_setup())
    at = fine(show(LABELLING, "spectra"))
    (place,) = [head["plates"] for head, _ in drawn_maps(at) if "plates" in head]
    assert [(each["title"], each["image"], each["sentence"]) for each in place] == [
        ("spectrum", None, ""),
    ]  # fmt: skip
    wait_for_pictures()
    at = fine(at.run())
    assert [head for head, _ in drawn_maps(at) if "plates" in head] == []
    assert len(at.get("plotly_chart")) == 1
