"""The question, its answer buttons and all keys of a page.

An event carries the object that was on the screen, so that a key pressed twice never answers
an object nobody has seen.  Knows nothing of sessions or learners.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from pages.components.events import last_nonce, reported, take
from pages.components.mounting import component

Action = Literal["answer", "unsure", "later", "undo", "queried", "key"]

_mount = component(
    "answer_bar",
    Path(__file__).parent,
    "answer_bar_panels.js",
    "finder.js",
    "keyboard.js",
    "keyboard.css",
)


@dataclass(frozen=True)
class Choice:
    """One possible answer."""

    value: int | str
    name: str
    colour: str = ""
    help: str = ""


@dataclass(frozen=True)
class Accept:
    """An answer that Enter gives: the choice's value, its name, and why it is offered."""

    value: int | str
    name: str
    why: str
    verb: str = "Accept"


@dataclass(frozen=True)
class Opens:
    """A key that presses the menu whose Streamlit key begins so; a letter, in upper case."""

    key: str
    name: str
    menu: str


@dataclass(frozen=True)
class BarEvent:
    """What the person chose.

    ``label`` is the choice's value for an answer, the key for a ``key`` of the page's own, else
    None.  ``seconds`` counts from when the object was first shown, without time in which the
    browser tab was hidden; None where nobody looked at it to answer.  ``confidence`` is from 1 to
    3, or None where nobody said.
    """

    action: Action
    label: int | str | None
    object_id: str
    token: str
    seconds: float | None
    confidence: int | None = None


def assign_keys(choices: Sequence[Choice]) -> list[str]:
    """The key of each choice; "" for those that are found by typing their name.

    A choice whose name or value is a single digit has that digit; the others take what is left
    of 1 to 9 and 0, in order.

    >>> assign_keys([Choice("a", "Star"), Choice("b", "1"), Choice("c", "QSO")])
    ['2', '1', '3']
    """
    keys = [""] * len(choices)
    free = list("1234567890")
    for i, choice in enumerate(choices):
        own = next((text for text in (choice.name, str(choice.value)) if text in free), "")
        if own:
            keys[i] = own
            free.remove(own)
    for i, key in enumerate(keys):
        if not key and free:
            keys[i] = free.pop(0)
    return keys


def answer_bar(
    key: str,
    *,
    question: str,
    object_id: str,
    token: str,
    choices: Sequence[Choice],
    can_undo: bool,
    why: str = "",
    corrects: bool = False,
    said: int | str | None = None,
    back: str = "",
    accept: Accept | None = None,
    confirmation: str = "",
    busy: bool = False,
    asks: bool = True,
    extra_keys: Mapping[str, str] | None = None,
    opens: Sequence[Opens] = (),
    fixed: Sequence[Action] = ("unsure", "later", "undo"),
    confidence: bool = False,
    on_event: Callable[[BarEvent], None] | None = None,
) -> BarEvent | None:
    """Draw the question; what the person chose, once.

    Parameters
    ----------
    key : fixed for as long as the page stands
    question : one line, such as "Is it a QSO?"
    object_id : the object that the answer is about
    token : changes with every question; buttons pressed stay disabled until it does, or until
        Python has dealt with the event and asks the same again
    choices : the labels; from the eleventh on they are found by typing
    why : one line on how the object came up
    corrects : whether an answer changes what one is measured by, which is not to be overlooked
    said : the choice that was made about this object before
    back : the name of a button that leads back from what one looks at to what is asked
    accept : an answer that is offered; it is given only by Enter or its button
    confirmation : what the last answer did, shown quietly beside the question
    busy : nothing is taken now
    asks : False where nothing is left to ask, and only the last answer can be taken back
    extra_keys : keys of the page's own (as browsers name them, such as "ArrowLeft"; letters in
        upper case, pressed in either) and what they do; they come back as ``BarEvent("key", ...)``
    opens : keys that open a menu of the page and put the cursor into it
    fixed : which of Unsure, Later and Undo there are
    confidence : whether a key says how sure one is, before an answer
    on_event : called with the event before the page runs again (one run where a returned
        event takes two); nothing is returned then
    """

    def before_the_run() -> None:
        event = _bar_event(take(key, reported(key, "event")))
        if event and on_event:
            on_event(event)
        elif event:
            st.session_state[f"{key}:waiting"] = event

    waiting: BarEvent | None = st.session_state.pop(f"{key}:waiting", None)
    # A returned event is not dealt with yet when the bar is drawn: it must stay disabled.
    handled = st.session_state.get(f"{key}:handled") if waiting else last_nonce(key)
    st.session_state[f"{key}:handled"] = handled
    result = _mount(
        key=key,
        data={
            "question": question,
            "object_id": object_id,
            "token": token,
            "choices": [
                {**asdict(choice), "key": shortcut}
                for choice, shortcut in zip(choices, assign_keys(choices), strict=True)
            ],
            "can_undo": can_undo,
            "why": why,
            "corrects": corrects,
            "said": said,
            "back": back,
            "accept": asdict(accept) if accept else None,
            "confirmation": confirmation,
            "busy": busy,
            "asks": asks,
            "extra_keys": dict(extra_keys or {}),
            "opens": [asdict(each) for each in opens],
            "fixed": list(fixed),
            "confidence": confidence,
            "handled": handled,
        },
        on_event_change=before_the_run,
    )
    event = _bar_event(take(key, result.event))
    if event and on_event:
        on_event(event)
        return None
    return event or waiting


def _bar_event(sent: Mapping[str, Any] | None) -> BarEvent | None:
    if sent is None:
        return None
    return BarEvent(
        action=sent["action"],
        label=sent["label"],
        object_id=sent["object_id"],
        token=sent["token"],
        seconds=float(sent["seconds"]),
        confidence=sent.get("confidence"),
    )
