"""What a person settled on the People page, dealt with before a page is drawn.

Knows the engine's part for several people and where one looks; draws nothing.
"""

from pathlib import Path

from al_engine.agreeing import Dispute, disputes, last_settled, settle, unsettle
from al_engine.errors import AnswerRefusedError
from al_engine.session import LabellingSession
from pages.components import state as tab
from pages.components.answer_bar import BarEvent
from pages.components.loop import split_token
from pages.components.state import Looking, Posted

TITLE = "People"
BAR = "people: bar"
KINDS = (BAR,)


def deal_with_first(queue: list[Posted]) -> None:
    """Do the first thing that was asked for, and take it out of the queue."""
    posted = queue[0]
    if posted.event.action in ("answer", "undo"):
        is_seen = tab.page() == TITLE and posted.slug == tab.project_slug()
        at_hand, home = tab.session_at_hand(), tab.home()
        _settle(queue, home, at_hand, tab.looking(), tab.name_given(), is_seen)
        return
    queue.pop(0)
    session = tab.session() if posted.slug == tab.project_slug() else None
    if session is None or posted.page != tab.page():
        return
    _walk(session, posted.classifier, -1 if posted.event.label == "ArrowLeft" else 1)


def _settle(
    queue: list[Posted],
    home: Path,
    at_hand: LabellingSession | None,
    looking: Looking,
    who: str,
    is_seen: bool,
) -> None:
    """Settle what the first event of the queue says, or take the last back.

    Nothing in here calls Streamlit, which may break off a run at any of its calls: the event
    leaves the queue only once the engine has taken or refused it.
    """
    event: BarEvent = queue[0].event
    slug, label, row, moment = split_token(event.token)
    elsewhere = at_hand is None or at_hand.project.folder.name != slug
    if elsewhere:
        looking = Looking()  # nothing that is on the screen follows from it
    try:
        session = tab.session_for(home, slug, at_hand, who)
        looking.settling_notice[label] = _done(session, label, row, moment, event, looking)
    except AnswerRefusedError as refused:
        # In the bar, where the eye is; the page's frame says it where no bar is drawn.
        if elsewhere or not is_seen:
            raise
        looking.settling_notice[label] = str(refused)
    finally:
        queue.pop(0)


def _done(
    session: LabellingSession, label: str, row: str, moment: str, event: BarEvent, looking: Looking
) -> str:
    looking.settling_notice[label] = ""
    if event.action == "undo":
        undone = last_settled(session, label)
        unsettle(session, label, token=moment)
        assert undone is not None, "without one, it was refused"
        if undone.row_number is not None:
            looking.settling[label] = undone.row_number
        return f"Taken back: {undone.object_id}"
    looking.settling.pop(label, None)
    value = str(event.label)
    settle(session, label, int(row), value, token=moment)
    return f"{event.object_id} settled as {session.config.label_name(value)}; undo Z"


def on_screen(session: LabellingSession, classifier: str) -> tuple[list[Dispute], int, int | None]:
    """What is to settle, how much of it is hidden, and which of it is shown."""
    found, n_hidden = disputes(session, classifier)
    rows = [dispute.row for dispute in found]
    selected = tab.looking().settling.get(classifier)
    if selected in rows:
        return found, n_hidden, rows.index(selected)
    return found, n_hidden, 0 if found and not found[0].settled_by else None


def _walk(session: LabellingSession, classifier: str, step: int) -> None:
    """Move through what is to settle, and on through what was settled."""
    found, _, at = on_screen(session, classifier)
    if found:
        to = (0 if step > 0 else -1) if at is None else max(0, min(len(found) - 1, at + step))
        tab.looking().settling[classifier] = found[to].row
