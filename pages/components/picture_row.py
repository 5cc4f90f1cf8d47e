"""Pictures side by side, each in a place of a fixed size that is filled once it is there.

The browser draws marks, asks again after what is not there yet, and says when a field is to change.
Knows nothing of objects, services or caches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pages.components.events import reported, take
from pages.components.mounting import component
from pages.components.pictures_sent import Sent

_mount = component("picture_row", Path(__file__).parent, "pictures_sent.js")


@dataclass(frozen=True)
class Plate:
    """A picture in its place: its bytes, or the sentence why there are none, or neither yet.

    ``field_arcsec`` is the side of the sky on it, None where it shows no sky; ``dots`` are places
    on it, in arcsec to the east and to the north of its centre.
    """

    name: str
    title: str
    image: bytes = b""
    sentence: str = ""
    help: str = ""
    field_arcsec: float | None = None
    can_zoom_in: bool = False
    can_zoom_out: bool = False
    dots: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class RowEvent:
    """What the browser asks for: another look at what is there, or another field of a plate.

    ``step`` is 1 for more of the sky and -1 for less; ``name`` is the plate's.
    """

    kind: Literal["look", "zoom"]
    name: str = ""
    step: int = 0


def picture_row(
    key: str,
    plates: Sequence[Plate],
    *,
    of: str,
    has_marks: bool,
    on_event: Callable[[RowEvent], None],
) -> None:
    """Draw pictures in a row, or in several where there is no room.

    Parameters
    ----------
    key : fixed for as long as the page stands
    of : the object they are of; what is left of another one's is never shown for it
    has_marks : draw crosshair, scale and dots
    on_event : called before the page runs again
    """
    sent = Sent()
    heads = [
        {
            "name": plate.name,
            "title": plate.title,
            "help": plate.help,
            "sentence": plate.sentence,
            "field": plate.field_arcsec,
            "in": plate.can_zoom_in,
            "out": plate.can_zoom_out,
            "dots": [[round(east, 2), round(north, 2)] for east, north in plate.dots],
            "image": sent.add(plate.image),
        }
        for plate in plates
    ]

    def before_the_run() -> None:
        event = _event(take(key, reported(key, "event")))
        if event is not None:
            on_event(event)

    result = _mount(
        key=key,
        data=sent.packed({"of": of, "marks": has_marks, "plates": heads}),
        on_event_change=before_the_run,
    )
    event = _event(take(key, result.event))
    if event is not None:
        on_event(event)


def _event(sent: Mapping[str, Any] | None) -> RowEvent | None:
    if sent is None:
        return None
    return RowEvent(sent["kind"], str(sent.get("name", "")), 1 if sent.get("step", 0) > 0 else -1)
