"""The loop seen from the object: the panels that stand beside the question, and the question."""

import streamlit as st

from al_engine.session import LabellingSession, State
from pages.components import answers, batch, labels, loop
from pages.components import state as tab
from pages.components.answers import ANSWERS
from pages.components.auditing import view as auditing
from pages.components.auditing.dealing import AUDIT
from pages.components.batch import BATCH
from pages.components.classifiers import lead_on
from pages.components.comparing import compare
from pages.components.guard import guard
from pages.components.labels import LABELS
from pages.components.page import link, view
from pages.components.panels.board import board, panels_menu
from pages.components.scores import say_patience
from pages.components.targets import announce_target, target_badge
from pages.components.words import counted, plain

TRAINING = "pages/2_Training.py"
# Of the window's height: the line over the panels and the edges, and what to compare in one line.
TAKEN_PX, COMPARING_PX = 86, 40

_BATCH = (BATCH, "The batch that is asked about, side by side.")
_BESIDE = (
    (ANSWERS, "Every answer: find one, correct it, and what they come to."),
    (AUDIT, "Labels most at odds with the model, to confirm or correct."),
    (LABELS, "Add, rename, define, recolour and merge labels."),
)


@view
def labelling_view(session: LabellingSession, label: str) -> None:
    """Everything known of the object on the screen, and the answer; drawn again by itself."""
    lead_on(session, label)
    beside = {ANSWERS: answers.draw, AUDIT: auditing.draw, LABELS: labels.draw}.get(
        tab.aside().view
    )
    if beside is not None:
        beside(session, label)
        return
    tab.look_at_round(label, None)
    fault = session.fault(label)
    if fault is not None:
        st.error(plain(fault), icon=":material/error:")
        st.markdown("Every label is kept. Choose another set-up, and go on from here.")
        link(TRAINING, "Go to Training", icon=":material/model_training:")
        _ways_aside()
        return
    state = loop.current(session, label)
    if tab.aside().view == BATCH:
        batch.draw(session, state, _say_progress)
        return
    _status(session, state)
    row = None if tab.compares() else loop.on_screen(state)  # a panel compares, or a line does
    board(session, state, "Labelling", TAKEN_PX + (COMPARING_PX if row is not None else 0))
    if row is not None:
        with guard():
            compare(state, row)
    loop.ask(session, state)


def _status(session: LabellingSession, state: State) -> None:
    """That it is safe, how far, and how good."""
    with st.container(horizontal=True, vertical_alignment="center", key="status"):
        n_labels = counted(state.n_trained, "label")
        parts = ["Saved", f"**{n_labels}**"]
        said = f"{n_labels} trained on. Each answer is on disk before the next object is shown."
        if so_far := loop.batch_so_far(state):
            parts.append(so_far)
            said += " The model learns from a batch once all of it is done."
        own = state.counted.own
        if own is not None:  # the curated test set is everybody's
            parts.append(f"{len(own.verified) - len(own.curated):,} yours")
        validation = state.scores.validation if state.scores else None
        if validation is not None and validation.f1.value is not None:
            score = validation.f1
            by_folds = state.scores is not None and state.scores.by_folds
            title = "Macro F1" if validation.classes else "F1"
            # Over labels that the model chose: no fair sample, and it must not look like one.
            parts.append(f"{title} {score.value:.2f}{', cross-validated' if by_folds else ''}")
            over = "labelled ones, cross-validated" if by_folds else "the validation set"
            n = validation.n if validation.classes else score.n
            said += (
                f" {title} is over {counted(n, 'object')}: {over}; its 95% interval is "
                f"{score.low or 0:.2f}–{score.high or 0:.2f}."
            )
        st.markdown(" · ".join(parts), help=said)
        _say_progress(session, state)
        if state.config.asking.among:
            st.badge(f"asks only about {plain(state.config.asking.among)}", color="orange")
        _ways_aside(has_batch=bool(state.batch))
        panels_menu("Labelling")


def _say_progress(session: LabellingSession, state: State) -> None:
    """Whether the rounds still come to something, and to what they were to come."""
    say_patience(state)
    announce_target(session, state)
    target_badge(session, state)


def _ways_aside(*, has_batch: bool = False) -> None:
    """To what is looked at in place of the question."""
    for name, said in (*([_BATCH] if has_batch else []), *_BESIDE):
        st.button(
            name, key=f"to-{name}", type="tertiary", help=said, on_click=tab.look_aside,
            args=(name,),
        )  # fmt: skip
