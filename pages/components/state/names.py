"""The name that a person gave, with which their answers are signed."""

import getpass
from typing import Any

from al_engine.curating.agreeing import checked_name
from al_engine.public import is_public
from al_engine.session import LabellingSession
from pages.components.remember import remembered_name
from pages.components.state.keys import get, put


def name_given() -> str:
    """The name a person gave, in this tab or this browser before; "" until then."""
    return str(get("name", "")) or remembered_name()


def was_name_given_here() -> bool:
    """Was the name given in this tab, and not by the browser?"""
    return bool(get("name", ""))


def give_name(session: LabellingSession, name: str) -> None:
    """Sign answers with a name from now on; an empty one keeps the name there is.

    Raises
    ------
    SettingsError : it cannot be a name, or can hardly be told from another's
    """
    session.who = checked_name(session, name) if name.strip() else session.who
    put("name", session.who)


def last_name(events: Any) -> str:
    """Who answered last in this project, else the name of the account Sextant runs under."""
    for event in reversed(events):
        if event.who and event.kind in ("answer", "unsure", "later"):
            return str(event.who)
    try:
        return "visitor" if is_public() else getpass.getuser()
    except OSError:
        return "me"
