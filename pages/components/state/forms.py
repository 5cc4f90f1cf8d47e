"""What a person is in the middle of: jobs, drafts, files that were handed in, and steps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from al_engine.jobs import Job
from pages.components.looking import Chosen
from pages.components.state.keys import get, put

STEP_IN_ADDRESS = "step"
EDITING = "editing"  # the draft of a step of the settings, for as long as it is open
JOINED = "joined"  # what came of a join, for as long as the page is open


def job(name: str) -> Job[Any] | None:
    """The job that is waited for under a name; what is of one project has its slug in it."""
    held: Job[Any] | None = get("jobs", {}).get(name)
    return held


def replay_name(slug: str) -> str:
    """The name under which a replay into a project is waited for."""
    return f"replay-{slug}"


def keep_job(name: str, begun: Job[Any] | None) -> None:
    others = {key: job for key, job in get("jobs", {}).items() if key != name}
    put("jobs", others if begun is None else {**others, name: begun})


def chosen_configuration() -> Chosen | None:
    """The configuration that was opened, until it is loaded or put away."""
    held: Chosen | None = get("configuration")
    return held


def choose_configuration(chosen: Chosen | None) -> None:
    put("configuration", chosen)


def export_note() -> str:
    """What became of the last export."""
    return str(get("export_note", ""))


def note_export(text: str) -> None:
    put("export_note", text)


def upload() -> tuple[str, Path] | None:
    """The upload that was written to disk, by its id, until it is imported or refused."""
    held: tuple[str, Path] | None = get("upload")
    return held


def keep_upload(written: tuple[str, Path] | None) -> None:
    put("upload", written)


def step(n_steps: int) -> int:
    """The step of the settings, from 0, that the address names; else the first."""
    named = st.query_params.get(STEP_IN_ADDRESS, "")
    number = int(named) if named.isascii() and named.isdecimal() and len(named) < 3 else 1
    return number - 1 if 1 <= number <= n_steps else 0


def go_to_step(number: int) -> None:
    st.query_params[STEP_IN_ADDRESS] = str(number + 1)


def draft(key: str, default: Any = None) -> Any:
    """Something being put together in a form, before it is saved."""
    return get("drafts", {}).get(key, default)


def keep_draft(key: str, value: Any) -> None:
    put("drafts", {**get("drafts", {}), key: value})


def drop_drafts() -> None:
    put("drafts", {})


# -- edits of the settings: a page that is left is cut short, and would not come to saving them --


@dataclass(frozen=True)
class Unsaved:
    """What was edited in a step of the settings since that was saved last, by the fields' keys.

    ``back_to`` is the page that was gone to meanwhile, once it was gone back for.
    """

    slug: str
    step: int
    values: Mapping[str, Any]
    back_to: str = ""

    @property
    def can_be_put_back(self) -> bool:
        """Are they all values?  The edits of a table cannot be made again."""
        return not any(isinstance(value, dict) for value in self.values.values())


def note_edit(key: str) -> None:
    """Note the value of a field, as it changes: before the page, which saves it, is drawn."""
    slug, number = get("edited", ("", 0))
    held = unsaved()
    before = {} if held is None or (held.slug, held.step) != (slug, number) else held.values
    put("unsaved", Unsaved(slug, number, {**before, key: st.session_state[key]}))


def unsaved() -> Unsaved | None:
    """What was edited and is not saved."""
    held: Unsaved | None = get("unsaved")
    return held


def forget_unsaved() -> str:
    """It is being saved, or cannot be; the page that was gone to meanwhile, "" for none."""
    held = unsaved()
    put("unsaved", None)
    return "" if held is None else held.back_to


def go_back_for_unsaved(back_to: str) -> Mapping[str, str]:
    """Note which page was gone to meanwhile; the step's place in the address."""
    held = unsaved()
    assert held is not None, "asked for where something is not saved"
    put("unsaved", replace(held, back_to=back_to))
    return {STEP_IN_ADDRESS: str(held.step + 1)}


def put_back(slug: str, number: int) -> int:
    """Whose settings are edited from now on, and in which step: in that which is not saved yet.

    Its fields have the values again that they had, where they were left meanwhile.
    """
    held = unsaved()
    if held is not None and held.slug == slug and held.can_be_put_back:
        if number != held.step:
            number = held.step
            go_to_step(number)
        for key, value in held.values.items():
            if key not in st.session_state:
                st.session_state[key] = value
    put("edited", (slug, number))
    return number
