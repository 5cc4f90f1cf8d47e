"""What the steps of the settings share: the button that saves and goes on, and small choices.

Each step gathers a new configuration and saves it when it is left; what would be lost by it is
said before, and asked where the way does not lead by the button.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from al_engine.config import ProjectConfig
from al_engine.errors import SettingsError
from al_engine.session import LabellingSession
from pages.components import state, unsaved
from pages.components.words import plain

TRAINING = "pages/2_Training.py"
NONE = "(none)"


@dataclass(frozen=True)
class Way:
    """Where one is among the steps, and the step that was just chosen in place of it."""

    at: int
    to: int | None = None


def go_on(
    session: LabellingSession,
    edited: ProjectConfig,
    way: Way,
    check: Callable[[], object] = lambda: None,
    *,
    ready: bool = True,
    last: bool = False,
    shortcut: str = "",
) -> None:
    """What a change would cost, and the button that saves it and goes on.

    ``check`` raises where the edits cannot be saved; they are not ``ready`` where something above
    says so already.
    """
    lost = unsaved.what_is_lost(session, edited)
    if lost:
        st.warning(lost, icon=":material/info:")
    title = "Save and train" if last else "Next"
    with st.container(horizontal=True, vertical_alignment="center"):
        by_button = st.button(title, key=f"next-{way.at}", type="primary", disabled=not ready)
        skip = bool(shortcut) and st.button("Train with the guesses", key="accept-guesses")
        if shortcut:
            st.caption(plain(shortcut))
    if not ready:
        return
    unsaved.hold(session, edited, check)
    to = way.at + 1 if way.to is None else way.to
    if way.to is not None and lost:
        state.keep_draft("leaving", to)
    leaving = state.draft("leaving")
    if leaving is not None:
        unsaved.ask(session, lost, lambda: _leave_for(leaving), lambda: _leave_for(way.at))
    elif way.to is not None:
        unsaved.save(session)
        _leave_for(to)
    elif by_button or skip:
        check()
        unsaved.save(session)
        if last or skip:
            slug = session.project.slug
            st.switch_page(TRAINING, query_params={state.PROJECT_IN_ADDRESS: slug})
        _leave_for(to)


def _leave_for(step: int) -> None:
    state.keep_draft("leaving", None)
    state.go_to_step(step)
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
