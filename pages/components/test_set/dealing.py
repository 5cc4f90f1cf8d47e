"""What a person did on the Test set page, dealt with before a page is drawn.

Knows the curator and where one looks; draws nothing.
"""

from dataclasses import replace
from functools import partial

from al_engine.curating.test_set import Curator
from al_engine.data.search import faults
from al_engine.session import LabellingSession
from al_engine.settings.config import read_search
from al_engine.settings.criteria import Search, completed
from pages.components import state as tab
from pages.components.answer_bar import BarEvent
from pages.components.looking import Curating, Looking, Posted
from pages.components.scatter_map import MapEvent
from pages.components.taking import take_first
from pages.components.test_set.criteria_editor import SearchEvent
from pages.components.words import counted

TITLE = "Test set"
BAR, MAP, SEARCH, DRAW = KINDS = (
    "test set: bar", "test set: map", "test set: search", "test set: draw",
)  # fmt: skip


def deal_with_first(queue: list[Posted]) -> None:
    """Do the first thing that was asked for, and take it out of the queue."""
    posted = queue[0]
    if posted.kind == BAR and posted.event.action in ("answer", "unsure", "undo"):
        take_first(queue, (TITLE,), partial(_give, posted), _say)
        return
    queue.pop(0)
    session = tab.session() if posted.slug == tab.project_slug() else None
    if session is None:
        return
    looking = tab.looking().curating
    if posted.kind == SEARCH:
        _take_search(session, looking, posted.event)
    elif posted.kind == DRAW:
        _save(session, draw=posted.event)
        looking.selected = None
    elif posted.page == tab.page() and posted.kind == MAP:
        _select_on_map(tab.curator(), looking, posted.event)
    elif posted.page == tab.page():
        _walk(tab.curator(), looking, posted.event)


def make_token(slug: str, row: int | None, moment: str) -> str:
    """What an answer is about: project, row ("" for none) and moment."""
    return f"{slug}|{'' if row is None else row}|{moment}"


def _give(posted: Posted, session: LabellingSession, looking: Looking) -> None:
    event: BarEvent = posted.event
    curator, curating = Curator(session), looking.curating
    _, row, moment = event.token.split("|", 2)
    curating.notice = ""
    if event.action == "undo":
        undone = curator.undo(token=moment)
        last, n = undone[-1], len(undone)
        said = last.object_id if n == 1 else f"{counted(n, 'answer')} from the file"
        curating.notice = f"Taken back: {said}"
        is_drawn = last.how in ("criteria", "audit") and last.row_number not in curator.curated.how
        curating.selected = None if n > 1 or is_drawn else last.row_number
        return
    if not row:
        return
    shown, was_there = int(row), int(row) in curator.curated.how
    kind = "unsure" if event.action == "unsure" else "answer"
    value = str(event.label) if kind == "answer" else None
    search = usable(curator, curating)
    curated = curator.answer(shown, kind, value, token=moment, search=search, seconds=event.seconds)
    name = "Unsure" if value is None else curator.session.config.label_name(value)
    curating.notice = f"{name}, {len(curated.labels):,} in the test set; undo Z"
    # Whoever looks through what was answered stays there; whoever goes on gets the next one.
    if curating.selected == shown and not was_there:
        curating.selected = None


def _say(looking: Looking, refusal: str) -> None:
    looking.curating.notice = refusal


def typed(curator: Curator, curating: Curating) -> Search:
    """The criteria as they stand in this tab, half typed ones included."""
    held = curator.session.config.curation.search
    return held if curating.search is None else curating.search


def usable(curator: Curator, curating: Curating) -> Search | None:
    """The criteria without what is half typed, None while one is at fault; an audit has none."""
    if curator.session.config.curation.draw == "audit":
        return Search()
    search = typed(curator, curating)
    return None if faults(search, curator.searched()) else completed(search)


def _take_search(session: LabellingSession, looking: Curating, event: SearchEvent) -> None:
    search = read_search(event.sent)
    looking.search = search
    looking.selected = None
    if event.is_done and not faults(search, tab.curator().searched()):
        _save(session, search=completed(search))


def _save(session: LabellingSession, **changes: object) -> None:
    config = session.config
    curation = replace(config.curation, **changes)  # type: ignore[arg-type]
    if curation != config.curation:
        session.change_settings(replace(config, curation=curation), made_from=config)


def _walk(curator: Curator, looking: Curating, event: BarEvent) -> None:
    """Move through the objects answered about, oldest to newest, a new one at the end."""
    rows = curator.curated.rows
    here = rows.index(looking.selected) if looking.selected in rows else len(rows)
    if event.action == "queried":
        to = len(rows)
    elif event.label == "Home":
        to = 0
    else:
        to = max(0, here + (-1 if event.label == "ArrowLeft" else 1))
    looking.selected = rows[to] if to < len(rows) else None


def _select_on_map(curator: Curator, looking: Curating, event: MapEvent) -> None:
    if event.kind != "click":
        return
    matches = curator.found(usable(curator, looking))
    row = tab.match_map().nearest_row(matches, event.x, event.y, event.view)
    if row is not None:
        looking.selected = row
