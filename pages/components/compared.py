"""Objects to compare with, as a grid of small pictures, each with its label and id.

A click says which one it was on.  Knows nothing of sessions, classifiers or pictures' origins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages.components.events import reported, take
from pages.components.mounting import component
from pages.components.pictures_sent import Sent

_mount = component("compared", Path(__file__).parent, "pictures_sent.js")


@dataclass(frozen=True)
class Cell:
    """An object in its place: a picture, a sentence in place of it, or neither while it comes.

    Where objects have no pictures, ``values`` are what is told of it.
    """

    row: int
    object_id: str
    label: str
    colour: str
    help: str
    image: bytes = b""
    sentence: str = ""
    values: Sequence[str] = ()


@dataclass(frozen=True)
class Group:
    """Objects side by side, under a title; ``note`` stands there where it has none."""

    title: str
    cells: Sequence[Cell]
    help: str = ""
    colour: str = ""
    note: str = ""


def compared(
    key: str,
    groups: Sequence[Group],
    *,
    of: str,
    on_click: Callable[[int], None],
    beside: bool = False,
) -> None:
    """Draw groups of objects to compare with.

    Parameters
    ----------
    key : fixed for as long as the page stands
    of : the object that they are compared with
    on_click : called with the row of an object before the page runs again
    beside : whether groups share the width alike; else the first has a line of its own
    """
    sent = Sent()
    rows = {cell.row for group in groups for cell in group.cells}
    heads = [
        {
            "title": group.title,
            "help": group.help,
            "colour": group.colour,
            "note": group.note,
            "cells": [
                {
                    "row": cell.row,
                    "id": cell.object_id,
                    "label": cell.label,
                    "colour": cell.colour,
                    "help": cell.help,
                    "sentence": cell.sentence,
                    "values": list(cell.values),
                    "image": sent.add(cell.image),
                }
                for cell in group.cells
            ],
        }
        for group in groups
    ]

    def deal_with(event: Mapping[str, Any] | None) -> None:
        if event is not None and event["kind"] == "click" and event["row"] in rows:
            on_click(int(event["row"]))

    result = _mount(
        key=key,
        data=sent.packed({"of": of, "beside": beside, "groups": heads}),
        on_event_change=lambda: deal_with(take(key, reported(key, "event"))),
    )
    deal_with(take(key, result.event))
