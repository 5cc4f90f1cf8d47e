"""Edits of the settings from when they are made until they are saved.

They are saved when the step that made them is left, whichever way that is; where rounds would be
lost by it, the person is asked first.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.config import ProjectConfig
from al_engine.session import LabellingSession
from pages.components import state
from pages.components.guard import guard
from pages.components.words import plain

_HELD = "unsaved"


def what_is_lost(session: LabellingSession, edited: ProjectConfig) -> str:
    """What the edits would cost, "" for nothing."""
    rounds = session.rounds_lost(edited)
    if not rounds:
        return ""
    name = session.config.label_name
    listed = ", ".join(f"{n} of {plain(name(classifier))}" for classifier, n in rounds.items())
    return (
        f"These changes make earlier rounds incomparable ({listed}): their scores leave the score "
        "plot. Every label is kept, and the next round is trained on all of them."
    )


def hold(session: LabellingSession, edited: ProjectConfig, check: Callable[[], object]) -> None:
    """Keep what a step holds by now, for when it is left by a link to another page."""
    state.keep_draft(_HELD, (edited, check) if edited != session.config else None)


def drop() -> None:
    state.keep_draft(_HELD, None)


def save(session: LabellingSession) -> None:
    """Put the edits held in force, if there are any.

    They are no longer held after that, even where they are refused: a page that is opened says so
    once.
    """
    held = state.draft(_HELD)
    drop()
    if held is not None:
        edited, check = held
        check()
        # Steps edit no set-up: a classifier may have been started meanwhile.
        session.change_settings(replace(edited, setups=session.config.setups))


def save_or_ask(session: LabellingSession) -> None:
    """On another page: save what the settings were left with, or ask where it has a price."""
    held: Any = state.draft(_HELD)
    if held is None:
        return
    lost = what_is_lost(session, held[0])
    if lost:
        ask(session, lost, st.rerun)
    else:
        save(session)


def ask(
    session: LabellingSession,
    lost: str,
    then: Callable[[], object],
    stay: Callable[[], object] | None = None,
) -> None:
    """Ask whether the edits held are worth what they cost; then go on, or stay where one can."""

    @st.dialog("Save the changed settings?", dismissible=False)
    def question() -> None:
        st.markdown(lost)
        with guard(), st.container(horizontal=True):
            if st.button("Save them", type="primary", key="save-edits"):
                save(session)
                then()
            if st.button("Drop them", key="drop-edits"):
                state.drop_drafts()
                then()
            if stay is not None and st.button("Keep editing", key="stay"):
                stay()

    question()
