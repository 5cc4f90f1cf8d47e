"""What a person settled on the People page, dealt with before a page is drawn.

Knows the engine's part for several people and where one looks; draws nothing.
"""

from functools import partial

from al_engine.curating.agreeing import Dispute, disputes, last_settled, settle, unsettle
from al_engine.errors import AnswerRefusedError
from al_engine.session import LabellingSession
from pages.components import state as tab
from pages.components.answer_bar import BarEvent
from pages.components.looking import Looking, Posted
from pages.components.loop import split_token
from pages.components.taking import take_first

TITLE = "People"
BAR = "people: bar"
KINDS = (BAR,)


def deal_with_first(queue: list[Posted]) -> None:
    """Do the first thing that was asked for, and take it out of the queue."""
    posted = queue[0]
    if posted.event.action in ("answer", "undo"):
        say = partial(_say, posted.classifier)
        take_first(queue, (TITLE,), partial(_give, posted), say)
        return
    queue.pop(0)
    session = tab.session() if posted.slug == tab.project_slug() else None
    if session is None or posted.page != tab.page():
        return
    _walk(session, posted.classifier, -1 if posted.event.label == "ArrowLeft" else 1)


def _give(posted: Posted, session: LabellingSession, looking: Looking) -> None:
    event: BarEvent = posted.event
    _, label, row, moment = split_token(event.token)
    looking.settling_notice[label] = ""
    if event.action == "undo":
        undone = last_settled(session, label)
        unsettle(session, label, token=moment)
        assert undone is not None, "without one, it was refused"
        if undone.row_number is not None:
            looking.settling[label] = undone.row_number
        looking.settling_notice[label] = f"Taken back: {undone.object_id}"
        return
    looking.settling.pop(label, None)
    value = str(event.label)
    settle(session, label, int(row), value, token=moment)
    said = f"{event.object_id} settled as {session.config.label_name(value)}; undo Z"
    looking.settling_notice[label] = said


def _say(label: str, looking: Looking, refusal: str) -> None:
    looking.settling_notice[label] = refusal


def on_screen(session: LabellingSession, classifier: str) -> tuple[list[Dispute], int, int | None]:
    """What is to settle, how much of it is hidden, and which of it is shown."""
    found, n_hidden = disputes(session, classifier)
    rows = [dispute.row for dispute in found]
    selected = tab.looking().settling.get(classifier)
    if selected in rows:
        return found, n_hidden, rows.index(selected)
    return found, n_hidden, 0 if found and not found[0].settled_by else None


def show(session: LabellingSession, classifier: str, row: int) -> None:
    """Show one of the objects that people differ about.

    Raises
    ------
    AnswerRefusedError : it is none of them, as far as this person may know
    """
    found, _, _ = on_screen(session, classifier)
    if row not in [dispute.row for dispute in found]:
        raise AnswerRefusedError(
            f"{session.object_id(row)} is none of the objects listed here.",
            "Find it on the Labelling page.",
        )
    tab.looking().settling[classifier] = row


def _walk(session: LabellingSession, classifier: str, step: int) -> None:
    """Move through what is to settle, and on through what was settled."""
    found, _, at = on_screen(session, classifier)
    if found:
        to = (0 if step > 0 else -1) if at is None else max(0, min(len(found) - 1, at + step))
        tab.looking().settling[classifier] = found[to].row
