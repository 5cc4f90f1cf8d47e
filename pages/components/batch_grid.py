"""A batch as a grid: its objects side by side, answered one by one by key or several at once.

What was answered is sent in acts, each with the objects that it is about and the moment that was on
the screen.  Knows nothing of sessions, classifiers or pictures' origins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pages.components.answer_bar import Choice, assign_keys
from pages.components.events import last_nonce, not_taken, reported, take
from pages.components.mounting import component
from pages.components.pictures_sent import Sent

_mount = component(
    "batch_grid",
    Path(__file__).parent,
    "batch_grid_cells.js",
    "finder.js",
    "keyboard.js",
    "keyboard.css",
    "pictures_sent.js",
)


@dataclass(frozen=True)
class Tile:
    """An object in its place; ``said`` is what was answered, "" while it is left to ask.

    ``sentence`` stands in place of a picture; neither of them means that it is still to come, where
    objects have pictures.
    """

    row: int
    object_id: str
    said: str
    colour: str
    guess: str
    text: str
    image: bytes = b""
    sentence: str = ""


@dataclass(frozen=True)
class Act:
    """What the person did, about which objects; ``label`` is the choice's value for an answer."""

    action: Literal["answer", "unsure", "later", "undo"]
    label: int | str | None
    rows: tuple[int, ...]
    token: str
    seconds: float | None


def batch_grid(
    key: str,
    tiles: Sequence[Tile],
    choices: Sequence[Choice],
    *,
    of: str,
    token: str,
    has_pictures: bool,
    can_undo: bool,
    confirmation: str,
    on_act: Callable[[Act], None],
) -> None:
    """Draw a batch.

    Parameters
    ----------
    key : fixed for as long as the page stands
    of : names the batch: with another nothing of this one is kept
    token : names the moment; it stands in what is answered now
    confirmation : what the last answer did
    on_act : called with each act before the page runs again
    """
    sent = Sent()

    def deal_with(event: Mapping[str, Any] | None) -> None:
        for act in _acts(key, event):
            on_act(act)

    def before_the_run() -> None:
        deal_with(take(key, reported(key, "event")))

    head = {
        "of": of,
        "token": token,
        "pictures": has_pictures,
        "can_undo": can_undo,
        "confirmation": confirmation,
        "handled": last_nonce(key),
        "choices": [
            {**asdict(choice), "key": shortcut}
            for choice, shortcut in zip(choices, assign_keys(choices), strict=True)
        ],
        "tiles": [
            {
                "row": tile.row,
                "id": tile.object_id,
                "said": tile.said,
                "colour": tile.colour,
                "guess": tile.guess,
                "text": tile.text,
                "sentence": tile.sentence,
                "image": sent.add(tile.image),
            }
            for tile in tiles
        ],
    }
    result = _mount(key=key, data=sent.packed(head), on_event_change=before_the_run)
    deal_with(take(key, result.event))


def _acts(key: str, event: Mapping[str, Any] | None) -> list[Act]:
    """What was done; on the way to elsewhere it may have been sent before, for it to be kept."""
    if event is None or event["kind"] != "acts":
        return []
    return [
        Act(
            each["action"],
            each["label"],
            tuple(int(row) for row in each["rows"]),
            str(each["token"]),
            each["seconds"],
        )
        for each in not_taken(f"{key}:acts", event["acts"])
    ]
