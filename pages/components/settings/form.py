"""What the steps of the settings share: the button that saves and goes on, and small choices.

Each step gathers a new configuration and saves it at *Next*; what follows from it stands below.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from al_engine.config import ProjectConfig
from al_engine.errors import SettingsError
from al_engine.session import LabellingSession
from pages.components import state
from pages.components.page import plain

TRAINING = "pages/2_Training.py"
NONE = "(none)"


def go_on(
    session: LabellingSession,
    edited: ProjectConfig,
    check: Callable[[], object] = lambda: None,
    last: bool = False,
    shortcut: str = "",
) -> None:
    """What a change would cost, and the button that saves it and goes on."""
    rounds = session.rounds_lost(edited)
    if rounds:
        listed = ", ".join(
            f"{n} of {plain(session.config.label_name(c))}" for c, n in rounds.items()
        )
        st.warning(
            f"These changes make earlier rounds incomparable ({listed}): their scores leave the "
            "score plot. Every label is kept, and the next round is trained on all of them.",
            icon=":material/info:",
        )
    title = "Save and train" if last else "Next"
    with st.container(horizontal=True, vertical_alignment="center"):
        go_on = st.button(title, key=f"next-{state.step()}", type="primary")
        skip = bool(shortcut) and st.button("Train with the guesses", key="accept-guesses")
        if shortcut:
            st.caption(plain(shortcut))
    if go_on or skip:
        check()
        session.change_settings(edited)
        if last or skip:
            slug = session.project.slug
            st.switch_page(TRAINING, query_params={state.PROJECT_IN_ADDRESS: slug})
        state.go_to_step(state.step() + 1)
        st.rerun()


def choose_column(
    title: str, options: Sequence[str], held: str | None, key: str, help_text: str
) -> str | None:
    """A column, or none."""
    listed = [NONE, *options]
    index = listed.index(held) if held in listed else 0
    chosen = st.selectbox(
        title, range(len(listed)), index, format_func=lambda i: listed[i], key=key, help=help_text
    )
    return None if chosen == 0 else listed[chosen]


def present(wanted: Sequence[str], options: Sequence[str]) -> list[str]:
    return [value for value in wanted if value in options]


def index_of(options: Sequence[Any], value: Any) -> int:
    return list(options).index(value) if value in options else 0


def need(chosen: Sequence[Any], message: str, hint: str) -> None:
    if not chosen:
        raise SettingsError(message, hint)
