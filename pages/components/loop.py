"""The labelling loop as pages share it: the question, its keys, and what an answer does.

Every page that asks draws the same bar and hands its events here.
"""

from typing import Any

import streamlit as st

from al_engine.maps import Kind, Maps, Shown
from al_engine.session import LabellingSession, State
from al_engine.views.palette import CORRECTNESS
from al_engine.views.raster import View
from pages.components import state as tab
from pages.components.answer_bar import BarEvent, Choice, answer_bar
from pages.components.scatter_map import LegendEntry, MapEvent, Overlay, scatter_map, view_to_draw

TRAINED_ON, QUERIED, SELECTED = "#555B61", "#D55E00", "#000000"


def current(session: LabellingSession, label: str) -> State:
    """The state to draw: the present, or the earlier round that is being looked at."""
    past = tab.past_round(label)
    return session.state(label) if past is None else session.past_state(label, past)


def on_screen(state: State) -> int | None:
    """The row that is shown and would be answered: the selected object, else the queried one."""
    row = tab.selected(state.classifier)
    if row is not None:
        return row
    return state.question.row if state.question is not None else None


def deal_with_events(session: LabellingSession, label: str) -> None:
    """Do what was asked for since the page was last drawn."""
    for kind, event in tab.take_posted():
        if kind == "bar":
            _deal_with_bar(session, label, event)
        elif kind.startswith("map:"):
            _deal_with_map(session, label, kind.removeprefix("map:"), event)


def _deal_with_bar(session: LabellingSession, label: str, event: BarEvent) -> None:
    if event.action == "queried":
        tab.select(label, None)
        return
    if event.action == "key":
        _walk(session, label, -1 if event.label == "ArrowLeft" else 1)
        return
    # The token names classifier, row and moment: an answer belongs to what was on the screen.
    shown_label, row, moment = event.token.rsplit("|", 2)
    if shown_label != label or not row:
        return
    tab.look_at_round(label, None)
    tab.select(label, None)
    if event.action == "undo":
        undone = session.state(label).history.last
        session.undo(label, token=moment)
        what = undone.object_id if undone is not None else ""
        tab.note(label, f"Taken back: {what}")
        if undone is not None and undone.how == "click":
            tab.select(label, undone.row_number)
        return
    value = str(event.label) if event.action == "answer" else None
    tab.note(label, "")
    state = session.answer(
        label, int(row), event.action, value, token=moment, seconds=event.seconds
    )
    tab.note(label, _confirmation(session, state, event.action, value))


def _confirmation(session: LabellingSession, state: State, action: str, value: str | None) -> str:
    if action == "unsure":
        return "Unsure: out of the pool; undo Z"
    if action == "later":
        return "Later: asked again after ten others; undo Z"
    name = session.config.label_name(value or "")
    last = state.history.last
    if last is not None and last.row_number in state.history.trained:
        return f"{name}, {len(state.history.trained)} labels; undo Z"
    return f"{name}, kept for checking; undo Z"


def _walk(session: LabellingSession, label: str, step: int) -> None:
    """Move through the objects answered, oldest to newest, the queried one at the end."""
    rows = session.answered_rows(label)
    here = tab.selected(label)
    at = rows.index(here) if here in rows else len(rows)
    to = max(0, at + step)
    tab.select(label, rows[to] if to < len(rows) else None)


def _deal_with_map(session: LabellingSession, label: str, kind: Any, event: MapEvent) -> None:
    if event.kind != "click":
        return
    state = current(session, label)
    row = tab.maps().nearest_row(kind, state, event.x, event.y, event.view, tab.shown(label))
    if row is not None:
        tab.select(label, row)


def ask(session: LabellingSession, state: State) -> None:
    """The question with its buttons and keys, always in the same place."""
    config, label, asked = session.config, state.classifier, state.question
    row = on_screen(state)
    queried = asked is not None and asked.row == row
    why = f"Queried: {asked.why}" if asked is not None else "The pool is empty."
    if row is None:
        question = "Every object of the pool is answered."
    else:
        question = f"Is it {_article(config.label_name(label))}?"
        if not queried:
            why = "Selected by you; it is not the queried object."
    if state.past is not None:
        why = f"Round {state.past} is being looked at; answers are given in the present."
    with st.container(key="answer-bar"):
        answer_bar(
            f"answers-{session.project.slug}-{label}",
            question=question,
            object_id="" if row is None else session.object_id(row),
            token=f"{label}|{'' if row is None else row}|{state.token}",
            choices=[Choice(c.value, c.name, c.colour) for c in config.labels_in_use],
            can_undo=state.history.last is not None,
            why=why,
            queried=queried or asked is None,
            confirmation=tab.notice(label),
            busy=row is None or state.past is not None,
            extra_keys={"ArrowLeft": "the object before", "ArrowRight": "the next object"},
            on_event=lambda event: tab.post("bar", event),
        )


def _article(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeio" else f"a {name}"


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
) -> None:
    """One map with its marks; clicks on it select."""
    maps: Maps = tab.maps()
    key = f"map-{kind}-{session.project.slug}-{state.classifier}-{group}"
    x_axis, y_axis = maps.axes
    home = maps.home(state, 480, height_px)
    view: View = view_to_draw(key, home, (x_axis, y_axis), group)
    shown: Shown = tab.shown(state.classifier)
    scatter_map(
        key,
        png=maps.picture(kind, state, view, shown, tab.colours(), value_colours()),
        view=view,
        home=home,
        x_title=x_axis,
        y_title=y_axis,
        overlays=_marks(session, state, kind),
        legend=legend,
        height_px=height_px,
        fill=fill,
        group=group,
        title=title,
        on_event=lambda event: tab.post(f"map:{kind}", event),
    )


def value_colours() -> str:
    """The table of colours in which high values stand out from the page's ground."""
    return "viridis" if st.context.theme.type == "dark" else "viridis_r"


def _marks(session: LabellingSession, state: State, kind: Kind) -> list[Overlay]:
    maps: Maps = tab.maps()
    marks = []
    shown = tab.shown(state.classifier)
    if kind in ("training", "labels") and state.history.trained and shown.trained_on:
        rows = list(state.history.trained)[-2000:]
        x, y = maps.place(rows)
        marks.append(Overlay("ring", "trained on", x, y, "", 9))
    if state.question is not None and shown.queried:
        x, y = maps.place([state.question.row])
        marks.append(Overlay("star", "queried", x, y, QUERIED, 15, True))
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
