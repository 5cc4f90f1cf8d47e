"""What a person just did, for the next run to deal with, and what is said of it."""

from contextlib import AbstractContextManager
from threading import RLock
from typing import Any

from pages.components.looking import Posted
from pages.components.state.keys import get, put
from pages.components.state.view import looking, page


def post(kind: str, slug: str, classifier: str, event: Any) -> None:
    """Keep an event that came before a run, so that the page's own frame deals with it."""
    posted().append(Posted(kind, page(), slug, classifier, event))


def posted() -> list[Posted]:
    """The list itself: whoever has dealt with an event takes it out, and is ``dealing``."""
    held: list[Posted] | None = get("posted")
    if held is None:
        held = []
        put("posted", held)
    return held


def dealing() -> AbstractContextManager[object]:
    """Held by the run that deals with what was posted.

    Streamlit begins the next run of a tab while the one before still gives an answer to the engine:
    both would take the same answer, and the next one out of the list.
    """
    held: AbstractContextManager[object] | None = get("dealing")
    if held is None:
        held = RLock()
        put("dealing", held)
    return held


def notice(classifier: str) -> str:
    """The quiet confirmation of the last answer."""
    return looking().notice.get(classifier, "")


def note(classifier: str, text: str) -> None:
    looking().notice[classifier] = text


def clicks(key: str) -> int:
    """How many clicks a chart has had: part of its key, so that the same spot counts again."""
    return int(get("clicks", {}).get(key, 0))


def count_click(key: str) -> None:
    put("clicks", {**get("clicks", {}), key: clicks(key) + 1})
