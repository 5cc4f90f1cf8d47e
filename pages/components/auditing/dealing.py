"""What a person said of a label they looked at again, dealt with before a page is drawn.

Knows the engine's part for the audit and where one looks; draws nothing.
"""

from functools import partial

from al_engine.curating.auditing import CONFIRMED, Suspect, confirm, queue, undo_last
from al_engine.session import LabellingSession
from pages.components import loop
from pages.components import state as tab
from pages.components.answer_bar import BarEvent
from pages.components.looking import Looking, Posted
from pages.components.loop import split_token, taken_back
from pages.components.taking import take_first

TITLE = "Labelling"  # the page that it is on
AUDIT = "Check labels"
BAR = "audit: bar"
KINDS = (BAR,)
CONFIRM_KEY = "Y"


def deal_with_first(queue: list[Posted]) -> None:
    """Do the first thing that was asked for, and take it out of the queue."""
    posted = queue[0]
    event: BarEvent = posted.event
    if event.action in ("answer", "unsure", "undo") or event.label == CONFIRM_KEY:
        take_first(queue, (TITLE,), partial(_give, posted), partial(_say, posted.classifier))
        return
    queue.pop(0)
    session = tab.session() if posted.slug == tab.project_slug() else None
    if session is None or posted.page != tab.page():
        return
    if event.action == "queried":
        tab.look_aside("")
    elif event.action == "key":
        _walk(session, posted.classifier, -1 if event.label == "ArrowLeft" else 1)


def _give(posted: Posted, session: LabellingSession, looking: Looking) -> None:
    event: BarEvent = posted.event
    _, label, row_text, moment = split_token(event.token)
    looking.notice[label] = ""
    if event.action == "undo":
        n = len(session.last_act(label))
        undone = undo_last(session, label, token=moment)
        if undone.row_number is not None:
            looking.auditing[label] = undone.row_number
        looking.notice[label] = taken_back(session, label, undone, n)
        if undone.kind == CONFIRMED:
            name = session.config.label_name(undone.label or "")
            looking.notice[label] = f"Taken back: {name} confirmed, {undone.object_id}"
        return
    if not row_text:
        return
    row = int(row_text)
    audited = looking.audits.get(label)
    state = session.state(label)
    rows = [each.row for each in queue(session, state, audited)] if audited is not None else []
    held = {**state.history.trained, **state.history.verified}.get(row)
    value = None if event.action == "unsure" else str(event.label)
    if event.action == "key" or (event.action == "answer" and value == held):
        kept = confirm(session, label, row, token=moment)
        said = f"{event.object_id}: {session.config.label_name(kept)} confirmed"
    else:
        kind = "unsure" if event.action == "unsure" else "answer"
        session.answer(
            label,
            row,
            kind,
            value,
            token=moment,
            seconds=event.seconds,
            confidence=event.confidence,
        )
        name = "Unsure" if value is None else session.config.label_name(value)
        said = f"{event.object_id}: corrected, {name}"
    looking.notice[label] = f"{said}; undo Z"
    _go_on(looking, label, rows, row)


def _go_on(looking: Looking, label: str, rows: list[int], row: int) -> None:
    """Show what came after an object in the queue, which it has left."""
    looking.auditing.pop(label, None)
    if row in rows[:-1]:
        looking.auditing[label] = rows[rows.index(row) + 1]


def _say(label: str, looking: Looking, refusal: str) -> None:
    looking.notice[label] = refusal


def on_screen(session: LabellingSession, classifier: str) -> tuple[list[Suspect], int | None]:
    """What is to look at again, and which of it is shown."""
    audited = tab.looking().audits.get(classifier)
    state = loop.state_of(session, classifier)
    if audited is None or state is None:
        return [], None
    found = queue(session, state, audited)
    rows = [suspect.row for suspect in found]
    selected = tab.looking().auditing.get(classifier)
    if selected in rows:
        return found, rows.index(selected)
    return found, 0 if found else None


def _walk(session: LabellingSession, classifier: str, step: int) -> None:
    found, at = on_screen(session, classifier)
    if at is not None:
        to = max(0, min(len(found) - 1, at + step))
        tab.looking().auditing[classifier] = found[to].row
