"""The pictures beside each object, as plain data: whose, of how much sky, and how they are shown.

Owns what may be set of them.  Must not know services: whether one of that name is there is for
``services.cutouts``.
"""

from dataclasses import dataclass, replace
from typing import Literal

from al_engine.errors import SettingsError

MOST_CUTOUTS = 8
LEAST_ARCSEC, MOST_ARCSEC = 4.0, 36_000.0  # the side of a cutout
MOST_SURVEY_CHARS = 120
PERCENTS = (50.0, 100.0)  # the least and the most of a picture's pixels that are not cut off
# What + and - go through, in arcsec.
FIELDS = (
    6.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 150.0, 180.0, 240.0, 300.0, 450.0,
    600.0, 900.0, 1200.0, 1800.0, 3600.0, 7200.0, 18_000.0, 36_000.0,
)  # fmt: skip


@dataclass(frozen=True)
class Cutout:
    """A picture of the sky: who sends it, of which survey, and how much of the sky.

    ``survey`` "" is the service's first; ``field_arcsec`` is the side of the square.
    """

    service: str
    field_arcsec: float = 60.0
    survey: str = ""


@dataclass(frozen=True)
class Sky:
    """The pictures of an object, and how they are shown.

    ``stretch`` "auto" leaves pictures as they are sent, and shows FITS by asinh; ``percent`` of a
    FITS picture's pixels are not cut off.  ``marks`` are the crosshair and the objects of the
    catalogue nearby.
    """

    cutouts: tuple[Cutout, ...] = (
        Cutout("sdss", 30.0),
        Cutout("first", 150.0),
        Cutout("sdss_spectrum"),
    )
    stretch: Literal["auto", "linear", "asinh", "log"] = "auto"
    percent: float = 99.5
    inverted: bool = False
    marks: bool = True


def next_field(arcsec: float, step: int, within: tuple[float, float]) -> float:
    """The next larger (``step`` 1) or smaller (-1) field; the same where there is none within.

    >>> next_field(30.0, 1, (6.0, 40.0)), next_field(30.0, -1, (6.0, 40.0))
    (30.0, 20.0)
    """
    allowed = [field for field in FIELDS if within[0] <= field <= within[1]]
    if step > 0:
        return min((field for field in allowed if field > arcsec), default=arcsec)
    return max((field for field in allowed if field < arcsec), default=arcsec)


def check_sky(sky: Sky) -> None:
    """Raise SettingsError where pictures are asked for that nobody could send."""
    least, most = PERCENTS
    if not least <= sky.percent <= most:
        raise SettingsError(
            f"sky.percent is {sky.percent:g}.", f"Use a number from {least:g} to {most:g}."
        )
    if len(sky.cutouts) > MOST_CUTOUTS:
        raise SettingsError(
            f"sky.cutouts: there are {len(sky.cutouts)} pictures.", f"Use up to {MOST_CUTOUTS}."
        )
    for cutout in sky.cutouts:
        if (fault := _fault(cutout)) is not None:
            raise fault
        if not LEAST_ARCSEC <= cutout.field_arcsec <= MOST_ARCSEC:
            raise SettingsError(
                f"sky.cutouts: the field of '{cutout.service}' is {cutout.field_arcsec:g} arcsec.",
                f"Use {LEAST_ARCSEC:g} to {MOST_ARCSEC:,.0f}.",
            )


def sound(sky: Sky) -> Sky:
    """The same within what can be shown: pictures that somebody could send, and numbers in range.

    For what is read from a file; what a person chooses is refused instead (``check_sky``).
    """
    cutouts = tuple(
        replace(each, field_arcsec=min(max(each.field_arcsec, LEAST_ARCSEC), MOST_ARCSEC))
        for each in sky.cutouts
        if _fault(each) is None
    )
    percent = min(max(sky.percent, PERCENTS[0]), PERCENTS[1])
    return replace(sky, cutouts=cutouts[:MOST_CUTOUTS], percent=percent)


def _fault(cutout: Cutout) -> SettingsError | None:
    """Why nobody could send a picture, whatever its field, or None."""
    if not 0 < len(cutout.service) <= 40:
        return SettingsError(
            f"sky.cutouts: '{cutout.service[:60]}' names no service.",
            "A name has 1 to 40 characters.",
        )
    if len(cutout.survey) > MOST_SURVEY_CHARS or not cutout.survey.isprintable():
        return SettingsError(
            f"sky.cutouts: '{cutout.survey[:40]}' names no survey.",
            f"Use up to {MOST_SURVEY_CHARS} characters.",
        )
    return None
