"""The labelling loop as pages share it: the question, its keys, and what an answer does.

Every page that asks draws the same bar and hands its events here.
"""

from functools import partial
from typing import Any, cast

import streamlit as st

from al_engine.curating.answers import Answer, own_answer
from al_engine.data.labels import SUREST, Event
from al_engine.loop.answering import DONE, answered_rows, labels_offered, offer
from al_engine.loop.truth import part_of
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ALL_LABELS
from al_engine.settings.panels import holds, panel_at
from al_engine.showing.maps import Kind, Maps, Shown
from al_engine.views.palette import CORRECTNESS
from al_engine.views.raster import View, is_warm
from pages.components import pictures
from pages.components import state as tab
from pages.components.answer_bar import Accept, BarEvent, Choice, Opens, answer_bar
from pages.components.looking import Looking, Posted
from pages.components.scatter_map import (
    LegendEntry,
    MapEvent,
    Overlay,
    entries,
    scatter_map,
    view_to_draw,
)
from pages.components.taking import take_first
from pages.components.words import counted, with_article

PAGES_THAT_ASK = ("Training", "Labelling")  # at their foot; Explore where it has the panel
NOTHING_LEFT = "Nothing is left to ask."


def current(session: LabellingSession, label: str) -> State:
    """The state to draw: the present, or the earlier round that is being looked at."""
    present = session.state(label)
    row, past = tab.selected(label), tab.past_round(label)
    if row is not None and row >= session.project.catalogue.n_rows:
        tab.select(label, None)
    if past is None:
        return present
    # Answers taken back in another tab take their rounds with them.
    if past >= len(present.history.sets) - 1:
        tab.look_at_round(label, None)
        return present
    return session.past_state(label, past)


def state_of(session: LabellingSession, label: str) -> State | None:
    """The state to draw of a classifier, None where it is not started or cannot be trained now."""
    if not label or not session.is_started(label) or session.fault(label) is not None:
        return None
    return current(session, label)


def on_screen(state: State) -> int | None:
    """The row that is shown and would be answered: the selected object, else the queried one."""
    row = tab.selected(state.classifier)
    if row is not None:
        return row
    return state.question.row if state.question is not None else None


def deal_with_first(queue: list[Posted]) -> None:
    """Do the first thing that was asked for, and take it out of the queue."""
    posted = queue[0]
    if posted.kind == "bar" and posted.event.action in ("answer", "unsure", "later", "undo"):
        say = partial(_say, posted.classifier)
        take_first(queue, _pages_that_ask(), partial(_give, posted), say)
        return
    queue.pop(0)
    # A look at something is worth nothing where something else is looked at by now.
    if posted.page != tab.page() or posted.slug != tab.project_slug():
        return
    session = tab.session()
    if session is None or not session.is_started(posted.classifier):
        return
    if posted.kind != "bar":
        _select_on_map(session, posted)
    elif posted.event.action == "queried":
        tab.select(posted.classifier, None)
        tab.look_at_round(posted.classifier, None)
    else:
        _walk(session, posted.classifier, -1 if posted.event.label == "ArrowLeft" else 1)


def _pages_that_ask() -> tuple[str, ...]:
    """The pages on which a question is drawn now."""
    held, full = tab.arrangement("Explore"), tab.exploring().full.get("Explore")
    alone = None if full is None else panel_at(held, full)
    is_asked = holds(held, "question") if alone is None else alone.kind == "question"
    return (*PAGES_THAT_ASK, "Explore") if is_asked else PAGES_THAT_ASK


def _give(posted: Posted, session: LabellingSession, looking: Looking) -> None:
    event: BarEvent = posted.event
    _, label, row, moment = split_token(event.token)
    looking.past.pop(label, None)
    looking.notice[label] = ""
    selected = looking.selected.pop(label, None)
    if event.action == "undo":
        undone, n = session.state(label).history.last, len(session.last_act(label))
        session.undo(label, token=moment)
        if undone is not None:
            looking.notice[label] = taken_back(session, label, undone, n)
            is_seen = not looking.aside.view  # from elsewhere nobody asked to look at it
            if is_seen and undone.how == "click" and undone.row_number is not None:
                looking.selected[label] = undone.row_number
    elif row:
        kind: Any = event.action
        value = str(event.label) if kind == "answer" else None
        before = answered_rows(session.project, label, session.who)
        state = session.answer(
            label,
            int(row),
            kind,
            value,
            token=moment,
            seconds=event.seconds,
            confidence=event.confidence,
        )
        looking.notice[label] = _confirmation(session, state, kind, value)
        # Clicked meanwhile; or mended on the way through what was answered, which goes on there.
        if selected is not None and (selected != int(row) or selected in before):
            looking.selected[label] = selected


def _say(label: str, looking: Looking, refusal: str) -> None:
    looking.notice[label] = refusal


def taken_back(session: LabellingSession, label: str, undone: Event, n: int) -> str:
    """What an undo took back: what was said of which object, and in which tab if not in this."""
    name = session.config.label_name
    said = name(undone.label) if undone.label else DONE[undone.kind]
    elsewhere = f" in the tab {name(undone.classifier)}" if undone.classifier != label else ""
    return f"Taken back: {said}{elsewhere}, {counted(n, 'object') if n > 1 else undone.object_id}"


def make_token(slug: str, label: str, row: int | None, moment: str) -> str:
    """What an answer is about: project, classifier, row ("" for none) and moment."""
    return f"{slug}|{label}|{'' if row is None else row}|{moment}"


def split_token(token: str) -> tuple[str, str, str, str]:
    """The parts of a token; of them only the classifier may hold a bar.

    >>> split_token("survey|a|b|7|12")
    ('survey', 'a|b', '7', '12')
    """
    slug, rest = token.split("|", 1)
    label, row, moment = rest.rsplit("|", 2)
    return slug, label, row, moment


def batch_so_far(state: State) -> str:
    """How far a batch is that has been begun, of which the model has learned nothing yet."""
    asked = state.question
    n_done = 0 if asked is None or not asked.batch else len(asked.batch) - len(state.batch)
    return f"{n_done} of {len(asked.batch)} in the batch" if asked and n_done else ""


def _confirmation(session: LabellingSession, state: State, action: str, value: str | None) -> str:
    if action == "unsure":
        return "Unsure: out of the pool; undo Z"
    if action == "later":
        return "Later: asked again after ten others; undo Z"
    name = session.config.label_name(value or "")
    last = state.history.last
    if last is not None and last.row_number in state.history.disputed:
        return f"{name}; others say otherwise: settle it under People; undo Z"
    if last is not None and last.row_number in state.history.trained:
        come_to = batch_so_far(state) or counted(state.n_trained, "label")
        return f"{name}, {come_to}; undo Z"
    if last is not None and last.how == "click":
        return f"{name}: corrects the {last.part} set; undo Z"
    return f"{name}, kept for checking; undo Z"


def _walk(session: LabellingSession, label: str, step: int) -> None:
    """Move through the objects answered, oldest to newest, the queried one at the end."""
    rows = answered_rows(session.project, label, session.who)
    here = tab.selected(label)
    at = rows.index(here) if here in rows else len(rows)
    to = max(0, at + step)
    tab.select(label, rows[to] if to < len(rows) else None)


def beside(session: LabellingSession, label: str) -> list[int]:
    """The objects to which the arrow keys lead from the one on the screen."""
    rows = answered_rows(session.project, label, session.who)
    here = tab.selected(label)
    at = rows.index(here) if here in rows else len(rows)
    return [*rows[max(0, at - 1) : at], *rows[at + 1 : at + 2]]


def _select_on_map(session: LabellingSession, posted: Posted) -> None:
    event: MapEvent = posted.event
    if event.kind != "click":
        return
    label, kind = posted.classifier, cast(Kind, posted.kind)
    state = current(session, label)
    row = tab.maps().nearest_row(kind, state, event.x, event.y, event.view, tab.shown(label))
    if row is not None:
        tab.select(label, row)


def ask(session: LabellingSession, state: State, *, in_panel: bool = False) -> None:
    """The question with its buttons and keys: at the foot of a page, or where its panel stands."""
    config, label, asked = session.config, state.classifier, state.question
    slug = session.project.folder.name
    row = on_screen(state)
    asks = f"Is it {with_article(config.label_name(label))}?"
    question = NOTHING_LEFT if row is None else "What is it?" if label == ALL_LABELS else asks
    object_id = "" if row is None else session.object_id(row)
    why = f"{object_id} is queried: {asked.why}" if asked is not None else _nothing_left(state)
    back, corrects = "", False
    said: Answer | None = None
    if row is not None and asked is not None and asked.row != row:
        said = own_answer(session, label, row)
        use, corrects = _use_of_an_answer(session, state, row)
        why = f"{object_id} is selected by you, not the queried object."
        if said is not None:
            why = f"{object_id}: you said {_said(session, said)}."
        why += use
        back = "Back to the queried object"
    if state.past is not None:
        why = f"Round {state.past} is being looked at; answers are given in the present."
        back, corrects = "Back to the present", False
    with st.container(key="question" if in_panel else "answer-bar"):
        answer_bar(
            f"answers-{slug}-{label}",
            question=question,
            object_id=object_id,
            token=make_token(slug, label, row, state.token),
            choices=[
                Choice(c.value, c.name, c.colour, c.definition)
                for c in labels_offered(session.project.dataset(), config, label)
            ],
            can_undo=state.history.last is not None,
            why=why,
            corrects=corrects,
            said=None if said is None else said.label,
            back=back,
            accept=None if row is None or state.past is not None else _offer(session, state, row),
            confirmation=tab.notice(label),
            busy=state.past is not None,
            asks=row is not None,
            confidence=True,
            extra_keys={
                "ArrowLeft": "the object before",
                "ArrowRight": "the next object",
                **pictures.keys(),
            },
            opens=(
                Opens("T", "a note, and tags", f"note-{slug}-"),
                Opens("F", "find an object", f"find-{slug}-"),
            ),
            on_event=lambda event: tab.post("bar", slug, label, event),
        )
    if state.past is None:
        draws = (tab.maps().draw_ahead, tab.plotting().draw_ahead)
        ahead = tab.comparing() if tab.compares() else tab.album()
        session.look_ahead(label, draws, ahead.fetch_ahead)


def _use_of_an_answer(session: LabellingSession, state: State, row: int) -> tuple[str, bool]:
    """What an answer about a selected object is not used for, and if it changes what measures."""
    if row in state.history.curated:
        return " It is in the curated test set: its label is given on the Test set page.", False
    part = part_of(session.project.dataset(), state.history, row)
    if part == "training":
        return "", False
    return f" An answer corrects the {part} set, and never trains.", True


def _said(session: LabellingSession, answer: Answer) -> str:
    name = "Unsure" if answer.label is None else session.config.label_name(answer.label)
    sure = answer.confidence
    return f"{name} {'●' * sure}{'○' * (SUREST - sure)}" if sure else name


def _offer(session: LabellingSession, state: State, row: int) -> Accept | None:
    """What the person called this object in another tab, to be accepted with one key."""
    found = offer(session.project, state.history, state.classifier, row, session.who)
    # What one is asked twice is not to be taken from what one said before.
    asked = state.question
    is_again = asked is not None and (asked.row, asked.how) == (row, "again")
    if found is None or is_again:
        return None
    name, tab_name = map(session.config.label_name, (found.label, found.classifier))
    return Accept(found.label, name, f"You called it {name} in the tab {tab_name}.")


def _nothing_left(state: State) -> str:
    n_unsure = len(state.history.unsure)
    if not n_unsure:
        return ""
    return f"Passed as unsure: {counted(n_unsure, 'object')}. Find shows an object by its id."


def draw_map(
    session: LabellingSession,
    state: State,
    kind: Kind,
    title: str,
    height_px: int,
    fill: tuple[float, int],
    *,
    group: str = "",
    legend: tuple[LegendEntry, ...] = (),
    aside_px: int = 0,
) -> None:
    """One map with its marks, which its legend names; clicks on it select."""
    maps: Maps = tab.maps()
    slug, label = session.project.folder.name, state.classifier
    key = f"map-{kind}-{slug}-{label}-{group}"
    x_axis, y_axis = state.config.x_axis, state.config.y_axis
    home = maps.home(state, 480, height_px)
    view: View = view_to_draw(key, home, (x_axis, y_axis), group)
    shown: Shown = tab.shown(label)
    png = None
    if is_warm():
        png = maps.show(kind, state, view, shown, tab.colours(), value_colours())
    marks = _marks(state, kind)
    names = entries(marks, (x_axis, y_axis))
    scatter_map(
        key,
        png=png,
        of=f"{state.token} {state.past} {shown} {tab.colours()} {value_colours()}",
        view=view,
        home=home,
        x_title=x_axis,
        y_title=y_axis,
        overlays=marks,
        legend=(*legend, *names) if legend else (),
        height_px=height_px,
        fill=fill,
        group=group,
        title=title,
        aside_px=aside_px,
        is_coming=png is None,
        on_event=lambda event: tab.post(kind, slug, label, event),
    )


def value_colours() -> str:
    """The table of colours in which high values stand out from the page's ground."""
    return "viridis_on_dark" if st.context.theme.type == "dark" else "viridis_on_light"


def _marks(state: State, kind: Kind) -> list[Overlay]:
    maps: Maps = tab.maps()
    marks = []
    shown = tab.shown(state.classifier)
    if kind in ("training", "labels") and state.learned.trained and shown.trained_on:
        rows = list(state.learned.trained)[-2000:]
        x, y = maps.place(rows)
        marks.append(Overlay("ring", "trained on", x, y, "", 9))
    if state.question is not None and shown.queried:
        x, y = maps.place([state.question.row])
        marks.append(Overlay("star", "queried", x, y, "", 16, True))
    row = tab.selected(state.classifier)
    if row is not None and (state.question is None or row != state.question.row):
        x, y = maps.place([row])
        marks.append(Overlay("bracket", "selected", x, y, "", 18))
    return marks


def correctness_legend(state: State, shown: Shown) -> tuple[LegendEntry, ...]:
    """What the colours of a map of right and wrong mean."""
    scheme = CORRECTNESS[tab.colours()]
    entries = [
        LegendEntry("correct", scheme.correct) if shown.correct else None,
        LegendEntry("incorrect", scheme.incorrect) if shown.incorrect else None,
        LegendEntry("both", scheme.mixed) if shown.correct and shown.incorrect else None,
    ]
    return tuple(entry for entry in entries if entry is not None)
