"""Every cutout service asks by a whole address, and takes nothing but a picture for one."""

from urllib.parse import parse_qs, urlsplit

import pytest
from stand_in import fits_image, jpeg, png

from al_engine.errors import ContractError, ServiceError
from al_engine.services.cutouts import (
    ADDRESSES,
    CUTOUTS,
    SPECOBJID,
    CutoutService,
    check_cutout,
    judge_sky,
)
from al_engine.services.fetching import Reply, Request

M87 = (187.70593, 12.39112)
SPECTRUM = {SPECOBJID: "299489677444933632"}


def asked(name: str, ra: float = M87[0], dec: float = M87[1], **options: str) -> Request:
    service = CUTOUTS[name]
    return service.ask(ra, dec, 60.0, 400, {**SPECTRUM, **options})


def query(request: Request) -> dict[str, str]:
    return {
        name: found[0] for name, found in parse_qs(urlsplit(request.addresses[0]).query).items()
    }


@pytest.mark.parametrize("name", CUTOUTS)
def test_every_service_keeps_the_contract(name: str) -> None:
    service = CUTOUTS[name]
    check_cutout(service)
    assert service.name == name
    assert service.help
    picture = service.judge(Reply(200, "text/plain", jpeg()))
    assert picture[:3] in (b"\xff\xd8\xff", b"\x89PN"), "the picture counts, not what it is called"
    assert asked(name).is_trusted


@pytest.mark.parametrize("place", ADDRESSES)
def test_every_address_can_be_set_with_mirrors(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SEXTANT_ADDRESS_{place.upper()}", "http://127.0.0.1:9/x/ http://b.org")
    of = {"hips": "hips2fits", "legacy": "legacy_survey"}.get(place, place)
    first, second = asked(of).addresses
    assert first.startswith("http://127.0.0.1:9/x")
    assert second.startswith("http://b.org")
    monkeypatch.setenv(f"SEXTANT_ADDRESS_{place.upper()}", "elsewhere")
    with pytest.raises(ServiceError, match=r"is 'elsewhere'\."):
        asked(of)


def test_the_field_and_the_place_are_in_the_units_of_each() -> None:
    found = query(asked("sdss"))
    assert (found["ra"], found["dec"]) == ("187.705930", "12.391120")
    assert float(found["scale"]) * int(found["width"]) == pytest.approx(60)
    assert float(query(asked("hips2fits"))["fov"]) == pytest.approx(60 / 3600, rel=1e-5)
    found = query(asked("legacy_survey"))
    assert float(found["pixscale"]) * int(found["size"]) == pytest.approx(60)


@pytest.mark.parametrize(
    ("place", "written"),
    [
        (M87, "12 30 49.423 +12 23 28.03"),
        ((0.0, -0.5), "00 00 00.000 -00 30 00.00"),
        ((359.9999999, 89.9999999), "00 00 00.000 +90 00 00.00"),
    ],
)
def test_first_is_asked_in_hours_by_a_form(place: tuple[float, float], written: str) -> None:
    request = asked("first", *place)
    assert request.form["RA"] == written
    assert request.form["ImageSize"] == "1.0000"


def test_hips2fits_has_a_mirror_and_any_survey() -> None:
    request = asked("hips2fits", survey="A/P/any&width=1 &#")
    assert len(request.addresses) == 2
    assert query(request)["hips"] == "A/P/any&width=1 &#"
    assert query(request)["width"] == "400"


@pytest.mark.parametrize("number", ["", "0", "-1", "1e18", "1.0", "12 34", "9" * 21, "１"])
def test_a_spectrum_is_asked_for_by_a_whole_number_alone(number: str) -> None:
    with pytest.raises(ServiceError, match="no spectrum"):
        asked("sdss_spectrum", **{SPECOBJID: number})


@pytest.mark.parametrize(
    ("name", "reply", "said"),
    [
        ("hips2fits", Reply(400, "", b'{"title": "Unknown HiPS", "description": "x"}'), "Unknown"),
        ("hips2fits", Reply(400, "", b'{"description": "Too\\n large."}'), "Too large"),
        ("hips2fits", Reply(500, "", b'{"tit'), "no reason given"),
        ("hips2fits", Reply(500, "", b'{"title": ' + b"[" * 100_000), "no reason given"),
        ("hips2fits", Reply(502, "", b"<html>"), "status 502"),
        ("first", Reply(200, "", b"<PRE>No image</PRE>"), "FIRST does not cover it"),
        ("first", Reply(200, "", fits_image()[:2900]), "damaged"),
        ("sdss", Reply(200, "", png((0, 0, 0))), "All black"),
        ("legacy_survey", Reply(200, "", png((36, 36, 36))), "Blank"),
        ("legacy_survey", Reply(404, "", b"no"), "status 404"),
        ("sdss_spectrum", Reply(200, "", b"<html>not found"), "web page"),
    ],
)
def test_each_way_to_fail_is_a_sentence_of_its_own(name: str, reply: Reply, said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        CUTOUTS[name].judge(reply)


@pytest.mark.parametrize(
    ("ask", "judge", "said"),
    [
        (lambda *of: 1 / 0, judge_sky, "division by zero"),
        (lambda *of: "http://a/b", judge_sky, "makes no request"),
        (lambda *of: Request(()), judge_sky, "makes no request"),
        (lambda *of: Request(("file:///etc/passwd",)), judge_sky, "asks at 'file"),
        (lambda *of: Request(("http://a/b",)), lambda reply: reply.body, "for a picture"),
        (lambda *of: Request(("http://a/b",)), lambda reply: reply.body[99], "index out of range"),
    ],
)
def test_a_service_that_breaks_the_contract_is_told_how(ask, judge, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        check_cutout(CutoutService("odd", "Odd", ask, judge))
    with pytest.raises(ContractError, match="within its own limits"):
        check_cutout(CutoutService("odd", "Odd", ask, judge, 9.0, (10.0, 20.0)))
