"""Texts to be read, in full, with words marked; every letter of them is only a letter.

Knows nothing of sessions or models.
"""

from collections.abc import Sequence
from pathlib import Path

from al_engine.showing.objects import Text
from pages.components.mounting import component

_mount = component("reader", Path(__file__).parent, "keyboard.js")


def reader(key: str, texts: Sequence[Text], *, of: int, colours: tuple[str, str]) -> None:
    """Draw the texts of an object in a frame of their own, which PageUp and PageDown move.

    Parameters
    ----------
    key : fixed for as long as the page stands
    of : the object, whose text is read from its beginning
    colours : of words that speak for, and of those that speak against
    """
    _mount(
        key=key,
        data={
            "of": of,
            "colours": list(colours),
            "texts": [
                {
                    "name": text.name,
                    "lines": [
                        {
                            "text": line,
                            "marks": [
                                {"from": m.start, "to": m.end, "weight": m.weight, "said": m.said}
                                for m in text.marks
                                if m.line == number
                            ],
                        }
                        for number, line in enumerate(text.lines)
                    ],
                    "towards": text.towards,
                    "is_cut": text.is_cut,
                    "note": text.note,
                }
                for text in texts
            ],
        },
    )
