"""One classifier's tab: set up once, then its maps, its scores and the question."""

import streamlit as st

from al_engine.curating.models import checkpoint, is_checkpointed
from al_engine.errors import AlEngineError
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import STRATEGIES
from al_engine.session import LabellingSession, State
from al_engine.showing.maps import Shown
from pages.components import loop
from pages.components import state as tab
from pages.components.charts import TITLES
from pages.components.classifiers import is_replaying, lead_on
from pages.components.page import draw_again, link, view
from pages.components.panels.board import board, panels_menu
from pages.components.scores import draw_test_results, say_patience
from pages.components.setup import set_up, setup_form
from pages.components.stopping import when_to_stop
from pages.components.words import counted, plain

SETTINGS = "pages/1_Settings.py"
TAKEN_PX = 150  # of the window's height: the tabs, the line over the maps, the edges


def draw(session: LabellingSession, label: str) -> None:
    """The set-up while there is none, else the training view."""
    if session.is_started(label):
        training_view(session, label)
    elif not is_replaying(session):
        set_up(session, label)


@view
def training_view(session: LabellingSession, label: str) -> None:
    """Maps and scores of this round, and the question; drawn again by itself at each answer."""
    lead_on(session, label)
    fault = session.fault(label)
    if fault is not None:
        _repair(session, label, fault)
        return
    state = loop.current(session, label)
    _top_line(session, state)
    board(session, state, tab.panels(), TAKEN_PX)
    loop.ask(session, state)


def _top_line(session: LabellingSession, state: State) -> None:
    label = state.classifier
    with st.container(horizontal=True, vertical_alignment="center", key="top-line"):
        history = state.counted
        given = len(history.given)
        parts = [f"**{counted(state.n_trained, 'label')} trained on**"]
        parts += [so_far] if (so_far := loop.batch_so_far(state)) else []
        best = session.state(label).best
        if best is not None and best.n_compared > 1:
            by = TITLES[state.setup.best_by]
            parts.append(f"best round {best.number}, {by} {best.value:.3f}")
        parts.append(f"{state.n_pool:,} in the pool")
        if history.unsure:
            parts.append(f"{len(history.unsure)} unsure")
        if history.validated:
            parts.append(f"{len(history.validated)} random, for validation")
        known = f" {counted(given, 'label')} it began with, of the catalogue's." if given else ""
        # In a small window its end is cut: in the help it stands in full.
        line = " · ".join(parts)
        st.markdown(line, help=f"{line}. {_TRAINING_SET}{known}")
        if state.past is not None:
            st.badge(f"round {state.past}", color="orange")
        say_patience(session.state(label))
        if state.config.asking.among:
            st.badge(f"asks only about {plain(state.config.asking.among)}", color="orange")
        with st.popover("Show"):
            _show_menu(label)
        # Its key counts the set-ups used: with a new key it stands closed again.
        used = f"setup-used-{label}"
        with st.popover("Set-up", key=f"{used}-{tab.clicks(used)}"):
            if _change_setup(session, state):
                tab.count_click(used)
                draw_again()
        saved = is_checkpointed(session, state)
        if st.button(
            "Checkpointed" if saved else "Checkpoint",
            key=f"checkpoint-{label}",
            disabled=saved or state.fit is None or state.past is not None,
            help="Keep the model of this round beside the later ones; once a round.",
        ):
            path = checkpoint(session, label)
            tab.note(label, f"Saved {path.name}")
            draw_again()
        if state.past is None:
            when_to_stop(session, state)
        with st.popover("Test results"):
            draw_test_results(session, state)
        panels_menu(tab.panels())


_TRAINING_SET = (
    "The training set is the pool plus the objects trained on: every object that may be asked "
    "about or has been. Validation and test objects never train. The best round is the first with "
    "the highest score on the validation set, among the rounds scored over nearly the objects that "
    "validate now."
)


def _show_menu(label: str) -> None:
    shown = tab.shown(label)
    key = f"show-{tab.project_slug()}-{label}"
    new = Shown(
        st.checkbox("Correct", shown.correct, key=f"{key}-correct"),
        st.checkbox("Incorrect", shown.incorrect, key=f"{key}-incorrect"),
        st.checkbox("No label", shown.unlabelled, key=f"{key}-unlabelled"),
        st.checkbox("Trained on", shown.trained_on, key=f"{key}-trained"),
        st.checkbox("Queried", shown.queried, key=f"{key}-queried"),
        shown.cell,
    )
    schemes = {"blue_orange": "Blue and orange", "red_green": "Green and red"}
    colours = st.radio(
        "Colours",
        list(schemes),
        list(schemes).index(tab.colours()),
        format_func=lambda name: schemes[name],
        key=f"{key}-colours",
        help="Blue and orange are told apart by colour-blind readers.",
    )
    if new != shown or colours != tab.colours():
        tab.show(label, new)
        tab.choose_colours(colours)
        draw_again()


def _change_setup(session: LabellingSession, state: State) -> bool:
    """The set-up in force, to be changed; True once another is used."""
    setup = state.setup
    pairs = [
        f"{MODELS[m.model].title} with {STRATEGIES[m.strategy].title.lower()}"
        if len(setup.members) == 1
        else MODELS[m.model].title
        for m in setup.members
    ]
    st.markdown(plain(" + ".join(pairs)))
    return _set_up_anew(session, state.classifier)


def _set_up_anew(session: LabellingSession, label: str) -> bool:
    """The form of another set-up; True once it is used."""
    edited = setup_form(session, label, session.config.setups[label], begun=True)
    if st.button(
        "Use this set-up",
        key=f"change-{label}",
        type="primary",
        help="Trains on all labels given so far; earlier rounds of other models are not shown.",
    ):
        with st.spinner("Training on all labels so far"):
            changed = session.start(label, edited)
        n = len(edited.members)
        models = f"a committee of {n}" if n > 1 else MODELS[edited.members[0].model].title
        labels = counted(changed.n_trained, "label")
        tab.note(label, f"Trained {models} on {labels}")
        return True
    return False


def _repair(session: LabellingSession, label: str, fault: AlEngineError) -> None:
    """Why there is no round, and the set-up, which may be what has to be changed."""
    name = plain(session.config.label_name(label))
    st.subheader(f"The classifier for {name} cannot be trained now", anchor=False)
    st.error(plain(fault), icon=":material/error:")
    st.markdown("Every label is kept. Choose another set-up here, or other features in Settings.")
    link(SETTINGS, "Go to Settings", icon=":material/tune:")
    if _set_up_anew(session, label):
        draw_again()
