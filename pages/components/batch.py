"""The batch that is asked about, in place of the question: a grid that is answered by keys."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from al_engine.loop.answering import DONE, labels_offered
from al_engine.session import LabellingSession, State
from al_engine.settings.label import ALL_LABELS
from al_engine.showing.batch import in_batch
from pages.components import state as tab
from pages.components.answer_bar import Choice
from pages.components.batch_grid import Act, Tile, batch_grid
from pages.components.guard import guard
from pages.components.looking import Looking, Posted
from pages.components.loop import make_token, split_token
from pages.components.taking import take_first
from pages.components.words import counted, plain, with_article

Say = Callable[[LabellingSession, State], None]

BATCH = "Batch"
KINDS = ("batch",)
_ASKED_ON = ("Labelling",)
_HELP = (
    "Arrow keys move, the keys of the labels answer. A click or the space bar selects; with some "
    "selected, one key answers all of them, and one Undo takes that back. The model learns once "
    "the whole batch is done."
)


def draw(session: LabellingSession, state: State, say_progress: Say) -> None:
    """The objects of the batch, those answered already in their places.

    ``say_progress`` adds what is said of the rounds beside the question too.
    """
    label, config = state.classifier, state.config
    rows = state.question.batch if state.question is not None else ()
    with st.container(horizontal=True, vertical_alignment="center", key="batch-top"):
        st.button(
            "Back to the question", key="from-batch", icon=":material/arrow_back:",
            on_click=tab.look_aside, args=("",),
        )  # fmt: skip
        asked = f"Is it {with_article(config.label_name(label))}?"
        if label == ALL_LABELS:
            asked = "What is it?"
        if rows:
            st.markdown(f"**{plain(asked)}** {len(state.batch)} of {len(rows)} left", help=_HELP)
        say_progress(session, state)
    if not rows or state.question is None:
        why = "Nothing is left to ask." if state.question is None else plain(state.question.why)
        st.info(f"No batch is asked about now. {why}")
        st.caption("Go back to the question; the next batch comes after it.")
        return
    _, is_told, how = state.question.why.rpartition(" of a batch")
    st.caption(plain(f"A batch{how}" if is_told else how))
    _grid(session, state)
    session.look_ahead(label)


def _grid(session: LabellingSession, state: State) -> None:
    with guard():
        album, label = tab.album(), state.classifier
        found = in_batch(session, state, has_pictures=album.has_pictures)
        pictures = album.small(each.row for each in found)
        tiles = []
        for each in found:
            shown = pictures.get(each.row)
            tiles.append(
                Tile(
                    each.row,
                    each.object_id,
                    each.said,
                    each.colour,
                    each.guess,
                    each.text,
                    shown.image if shown else b"",
                    shown.sentence if shown else "",
                )
            )
        slug = session.project.folder.name
        batch_grid(
            f"batch-{slug}-{label}",
            tiles,
            [
                Choice(c.value, c.name, c.colour, c.definition)
                for c in labels_offered(session.project.dataset(), state.config, label)
            ],
            of=f"{slug} {label} {state.batch_made_at}",
            token=make_token(slug, label, None, state.token),
            has_pictures=album.has_pictures,
            can_undo=state.history.last is not None,
            confirmation=tab.notice(label),
            on_act=lambda act: tab.post("batch", slug, label, act),
        )


def deal_with_first(queue: list[Posted]) -> None:
    """Take the first answer about objects of a batch, and out of the queue."""
    posted = queue[0]

    def say(looking: Looking, refusal: str) -> None:
        looking.notice[posted.classifier] = refusal

    take_first(queue, _ASKED_ON, partial(_give, posted), say)


def _give(posted: Posted, session: LabellingSession, looking: Looking) -> None:
    act: Act = posted.event
    _, label, _, moment = split_token(act.token)
    looking.notice[label] = ""
    name = session.config.label_name
    if act.action == "undo":
        undone = session.last_act(label)
        session.undo(label, token=moment)
        last = undone[-1]
        said = name(last.label) if last.label else DONE[last.kind]
        looking.notice[label] = f"Taken back: {said}, {_objects(len(undone))}"
        return
    kind: Any = act.action
    value = str(act.label) if kind == "answer" else None
    session.answer_some(label, act.rows, kind, value, token=moment, seconds=act.seconds)
    said = name(value) if value is not None else DONE[kind].capitalize()
    looking.notice[label] = f"{said}: {_objects(len(act.rows))}; undo Z"


def _objects(n: int) -> str:
    return counted(n, "object")
