"""What the steps of the settings share: saving, the button that goes on, and small choices.

Each step gathers a new configuration.  What costs nothing is saved at once, so that it stays
whichever way the step is left; what would cost rounds is said, and waits for the button.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from al_engine.curating.costs import cost_of
from al_engine.errors import SettingsError
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig
from pages.components import state
from pages.components.costs import said
from pages.components.guard import guard
from pages.components.words import plain

TRAINING = "pages/2_Training.py"
HOME = "app.py"
NONE = "(none)"


@dataclass(frozen=True)
class Way:
    """Where one is among the steps, and the step that was just chosen in place of it."""

    at: int
    to: int | None = None


@dataclass(frozen=True)
class _Editing:
    """A step from when it is opened: the settings then, and those its fields show unedited."""

    step: int
    opened: ProjectConfig
    shown: ProjectConfig


def opened_with(session: LabellingSession, way: Way) -> ProjectConfig:
    """The settings with which this tab opened the step."""
    return _editing(session, way).opened


def _editing(session: LabellingSession, way: Way) -> _Editing:
    held: _Editing | None = state.draft(state.EDITING)
    if held is None or held.step != way.at:
        held = _Editing(way.at, session.config, session.config)
        state.keep_draft(state.EDITING, held)
    return held


def go_on(
    session: LabellingSession,
    edited: ProjectConfig,
    way: Way,
    check: Callable[[], object] = lambda: None,
    *,
    last: bool = False,
    shortcut: str = "",
) -> None:
    """Save what was edited, or say what it would cost; and the button that goes on.

    ``check`` raises where the step cannot be saved as it stands.
    """
    editing = _editing(session, way)
    back_to = state.forget_unsaved()
    # Only what was edited here: the rest may have changed in another tab since.
    changes = {
        field.name: getattr(edited, field.name)
        for field in fields(edited)
        if getattr(edited, field.name) != getattr(editing.shown, field.name)
    }
    now = session.config
    wanted = replace(now, **changes)
    cost = cost_of(session, wanted)
    # A tab that is closed here is no news to who closes it.
    lost = cost.rounds or cost.moved
    saved = not changes
    if lost:
        kept = "They are saved by the button below; left another way, the step stays as it was."
        st.warning(f"{said(session, replace(cost, closed=()))} {kept}", icon=":material/info:")
    elif changes:
        with guard():
            check()
            session.change_settings(wanted, made_from=now)
            state.keep_draft(state.EDITING, replace(editing, shown=edited))
            saved = True
    if back_to and saved:
        st.switch_page(back_to, query_params=state.address(project=back_to != HOME))
    title = "Save and train" if last else "Save and go on" if lost else "Next"
    with st.container(horizontal=True, vertical_alignment="center"):
        by_button = st.button(title, key=f"next-{way.at}", type="primary")
        skip = bool(shortcut) and st.button("Train with the guesses", key="accept-guesses")
        if shortcut:
            st.caption(plain(shortcut))
    if way.to is not None and (saved or lost):
        _leave_for(way.to)
    if not (by_button or skip) or not (saved or lost):
        return
    check()
    if lost:
        session.change_settings(wanted, made_from=now)
    if last or skip:
        slug = session.project.slug
        st.switch_page(TRAINING, query_params={state.PROJECT_IN_ADDRESS: slug})
    _leave_for(way.at + 1)


def _leave_for(step: int) -> None:
    state.go_to_step(step)
    st.rerun()


def field(key: str) -> dict[str, Any]:
    """The key of a field of a step, whose last value is saved though the page is left at once."""
    return {"key": key, "on_change": state.note_edit, "args": (key,)}


def choose_column(
    title: str, options: Sequence[str], held: str | None, key: str, help_text: str
) -> str | None:
    """A column, or none."""
    listed = [NONE, *options]
    index = listed.index(held) if held in listed else 0
    chosen = st.selectbox(
        title,
        range(len(listed)),
        index,
        format_func=lambda i: listed[i],
        **field(key),
        help=help_text,
    )
    return None if chosen == 0 else listed[chosen]


def present(wanted: Sequence[str], options: Sequence[str]) -> list[str]:
    return [value for value in wanted if value in options]


def index_of(options: Sequence[Any], value: Any) -> int:
    return list(options).index(value) if value in options else 0


def need(chosen: Sequence[Any], message: str, hint: str) -> None:
    if not chosen:
        raise SettingsError(message, hint)
