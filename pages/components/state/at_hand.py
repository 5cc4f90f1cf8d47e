"""The session that a tab opened last, and whether its project is still what it was."""

from al_engine.session import LabellingSession
from pages.components.state.keys import get


def session_at_hand() -> LabellingSession | None:
    """The session last opened, whatever the address names by now."""
    held: LabellingSession | None = get("session")
    return held


def is_project_there() -> bool:
    """Is the project at hand still on disk?  Another tab may have deleted it."""
    at_hand = session_at_hand()
    return at_hand is None or at_hand.project.folder.is_dir()


def is_project_open() -> bool:
    """Is the project at hand still open?  A public server closes what was not used for a while."""
    at_hand = session_at_hand()
    return at_hand is None or not at_hand.project.is_closed
