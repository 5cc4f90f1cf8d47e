"""The registry of cutout services: who sends a picture of a place on the sky, asked how.

Owns what each is asked and how its answers are told from errors.  Must not know catalogues, caches
or pages; asks nobody itself.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlencode

from astropy import units as u
from astropy.coordinates import Angle

from al_engine.errors import ContractError, NotThereError, ServiceError
from al_engine.origin import Origin, in_words
from al_engine.services.fetching import Reply, Request, is_web_address
from al_engine.services.images import checked
from al_engine.settings.sky import LEAST_ARCSEC, MOST_ARCSEC

Options: TypeAlias = Mapping[str, str]
# (ra, dec, side of the field in arcsec, side in pixels, options) -> what to ask
Ask: TypeAlias = Callable[[float, float, float, int, Options], Request]
Judge: TypeAlias = Callable[[Reply], bytes]

SURVEY, SPECOBJID = "survey", "specobjid"


@dataclass(frozen=True)
class CutoutService:
    """Somebody who sends pictures of the sky, north up and east left.

    ``ask`` makes the request, ``judge`` a picture of the answer, or raises ServiceError; where the
    answer is that nothing is there, and will not be in a while, NotThereError.
    ``surveys`` are those to choose from, by what the service calls them; with ``takes_any``
    another may be typed.  ``field_arcsec`` is the side of the field to begin with, which may lie
    within ``within_arcsec``.  ``needs`` names an option besides the survey that an object must
    have; with one, the picture is of the object and not of the sky.
    """

    name: str
    title: str
    ask: Ask
    judge: Judge
    field_arcsec: float = 60.0
    within_arcsec: tuple[float, float] = (LEAST_ARCSEC, MOST_ARCSEC)
    surveys: Mapping[str, str] = field(default_factory=dict)
    takes_any: bool = False
    needs: str = ""
    help: str = ""
    origin: Origin | None = None

    @property
    def is_sky(self) -> bool:
        return not self.needs


# -- how answers are judged ------------------------------------------------------------------------


def judge_sky(reply: Reply) -> bytes:
    """A picture of the sky: an empty one means that the survey has nothing there."""
    _refuse_error(reply)
    return checked(reply.body, may_be_black=False)


def judge_picture(reply: Reply) -> bytes:
    """Any picture."""
    _refuse_error(reply)
    return checked(reply.body)


def judge_hips(reply: Reply) -> bytes:
    """hips2fits says in JSON what is wrong."""
    if reply.status != 200 and reply.body[:1] == b"{":
        try:
            said = json.loads(reply.body)
            text = str(said.get("title") or said.get("description") or "no reason given")
        except (ValueError, RecursionError, AttributeError):
            text = "no reason given"
        text = " ".join(text.split())[:120].rstrip(".")
        raise ServiceError(f"hips2fits answers with an error: {text}.")
    return judge_sky(reply)


def judge_first(reply: Reply) -> bytes:
    """FIRST says with status 200, in a text, that it has not looked there."""
    if reply.body.lstrip()[:5].upper() == b"<PRE>":
        raise NotThereError("FIRST does not cover it.")
    return judge_sky(reply)


def _refuse_error(reply: Reply) -> None:
    if reply.status == 404:
        raise NotThereError("The server has no such picture (status 404).")
    if reply.status != 200:
        raise ServiceError(f"The server answers with an error (status {reply.status}).")


# -- what each is asked ----------------------------------------------------------------------------

# Where the services are; SEXTANT_ADDRESS_SDSS and so on name another place, with mirrors after it,
# separated by blanks.
ADDRESSES: Mapping[str, str] = {
    "sdss": "https://skyserver.sdss.org/dr18",
    "hips": "https://alasky.cds.unistra.fr/hips-image-services/hips2fits "
    "https://alaskybis.cds.unistra.fr/hips-image-services/hips2fits",
    "legacy": "https://www.legacysurvey.org/viewer",
    "first": "https://sundog.stsci.edu/cgi-bin/firstcutout",
}


def addresses(place: str) -> tuple[str, ...]:
    """Where a service is, and its mirrors."""
    named = os.environ.get(f"SEXTANT_ADDRESS_{place.upper()}", "").split()
    found = tuple(text.rstrip("/") for text in named or ADDRESSES[place].split())
    for text in found:
        if not is_web_address(text):
            raise ServiceError(
                f"SEXTANT_ADDRESS_{place.upper()} is '{text[:60]}'.",
                "Set it to an address of http or https.",
            )
    return found


def _get(place: str, below: str, values: Mapping[str, object]) -> Request:
    query = urlencode({name: str(value) for name, value in values.items()})
    return Request(
        tuple(f"{address}{below}?{query}" for address in addresses(place)), is_trusted=True
    )


def _sdss(ra: float, dec: float, arcsec: float, px: int, options: Options) -> Request:
    side = min(max(px, 64), 2048)
    asked = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "scale": f"{arcsec / side:.5f}"}
    return _get("sdss", "/SkyServerWS/ImgCutout/getjpeg", {**asked, "width": side, "height": side})


def _sdss_spectrum(ra: float, dec: float, arcsec: float, px: int, options: Options) -> Request:
    number = options.get(SPECOBJID, "")
    # Sent as text: as a float it would lose its last digits.
    if not (number.isascii() and number.isdecimal() and len(number) <= 20 and int(number)):
        raise ServiceError("It has no spectrum: its specobjid is empty.")
    return _get("sdss", "/en/get/SpecById.ashx", {"id": number})


def _hips(ra: float, dec: float, arcsec: float, px: int, options: Options) -> Request:
    asked = {
        "hips": options.get(SURVEY, "CDS/P/DSS2/color"),
        "ra": f"{ra:.6f}",
        "dec": f"{dec:.6f}",
        "fov": f"{arcsec / 3600:.7f}",
        "width": px,
        "height": px,
        "projection": "TAN",
        "coordsys": "icrs",
        "format": "jpg",
    }
    return _get("hips", "", asked)


def _legacy(ra: float, dec: float, arcsec: float, px: int, options: Options) -> Request:
    asked = {
        "ra": f"{ra:.6f}",
        "dec": f"{dec:.6f}",
        "layer": options.get(SURVEY, "ls-dr10"),
        "pixscale": f"{arcsec / px:.5f}",
        "size": px,
    }
    return _get("legacy", "/jpeg-cutout", asked)


def _first(ra: float, dec: float, arcsec: float, px: int, options: Options) -> Request:
    # Rounded before it is wrapped, so that no hour reads 24.
    turned = round(ra * 240, 3) % 86_400 / 3600
    hours = Angle(turned, u.hourangle).to_string(u.hourangle, sep=" ", precision=3, pad=True)
    degrees = Angle(dec, u.deg).to_string(u.deg, sep=" ", precision=2, pad=True, alwayssign=True)
    form = {
        "RA": f"{hours} {degrees}",
        "Equinox": "J2000",
        "ImageSize": f"{arcsec / 60:.4f}",
        "ImageType": "FITS File",
        "MaxImSize": "1024",
    }
    return Request(addresses("first"), form, is_trusted=True)


# -- the registry ----------------------------------------------------------------------------------

CUTOUTS: dict[str, CutoutService] = {
    service.name: service
    for service in (
        CutoutService(
            "sdss",
            "SDSS",
            _sdss,
            judge_sky,
            30.0,
            (6.0, 3600.0),
            help="Optical, in the colours of g, r and i; a third of the sky, mostly northern.",
        ),
        CutoutService(
            "first",
            "FIRST",
            _first,
            judge_first,
            150.0,
            (30.0, 1800.0),
            help="Radio at 1.4 GHz, 5 arcsec beam; the part of the sky that SDSS covers.",
        ),
        CutoutService(
            "hips2fits",
            "HiPS",
            _hips,
            judge_hips,
            60.0,
            surveys={
                "CDS/P/SDSS9/color": "SDSS DR9",
                "CDS/P/PanSTARRS/DR1/color-z-zg-g": "Pan-STARRS",
                "CDS/P/DESI-Legacy-Surveys/DR10/color": "DESI Legacy",
                "CDS/P/DSS2/color": "DSS2",
                "CDS/P/2MASS/color": "2MASS",
                "CDS/P/allWISE/color": "AllWISE",
                "CDS/P/NVSS": "NVSS",
                "NRAO/P/VLASS-Quicklook-MedianStack": "VLASS",
            },
            takes_any=True,
            help="Any survey as a HiPS, by hips2fits of the CDS, Strasbourg.",
        ),
        CutoutService(
            "legacy_survey",
            "Legacy Survey",
            _legacy,
            judge_sky,
            60.0,
            (6.0, 3600.0),
            surveys={"ls-dr10": "DR10", "ls-dr9": "DR9", "unwise-neo7": "unWISE"},
            help="Deep optical, by the viewer of legacysurvey.org.",
        ),
        CutoutService(
            "sdss_spectrum",
            "SDSS spectrum",
            _sdss_spectrum,
            judge_picture,
            needs=SPECOBJID,
            help="The spectrum as SDSS draws it, by the column specobjid.",
        ),
    )
}


def check_cutout(service: CutoutService) -> None:
    """Hold a service to what each must do: ask by http(s) for whatever place, and judge any answer.

    Raises
    ------
    ContractError : what it does that a service must not
    """
    low, high = service.within_arcsec
    if not 0 < low <= service.field_arcsec <= high:
        raise ContractError(
            f"The cutout service '{service.name}' begins with {service.field_arcsec:g} arcsec.",
            f"Begin within its own limits, {low:g} to {high:g}.",
        )
    options = {SPECOBJID: "299489677444933632"} if service.needs == SPECOBJID else {}
    if service.surveys:
        options[SURVEY] = next(iter(service.surveys))
    for ra, dec in ((0.0, 0.0), (359.9999999, -90.0), (187.7, 12.4)):
        try:
            asked = service.ask(ra, dec, service.field_arcsec, 300, options)
        except Exception as error:
            raise ContractError(
                f"The cutout service '{service.name}' fails for {ra:g}, {dec:g}: {in_words(error)}."
            ) from error
        if not isinstance(asked, Request) or not asked.addresses:
            raise ContractError(f"The cutout service '{service.name}' makes no request.")
        for address in asked.addresses:
            if not is_web_address(address):
                raise ContractError(
                    f"The cutout service '{service.name}' asks at '{address[:60]}'.",
                    "Use an address of http or https.",
                )
    for status, body in ((200, b""), (200, b"<html>"), (404, b"{}"), (500, b"no"), (200, b"<PRE>")):
        try:
            service.judge(Reply(status, "", body))
        except ServiceError:
            continue
        except Exception as error:
            raise ContractError(
                f"The cutout service '{service.name}' fails on an answer that is no picture: "
                f"{in_words(error)}."
            ) from error
        raise ContractError(
            f"The cutout service '{service.name}' takes {body[:6]!r} for a picture."
        )
