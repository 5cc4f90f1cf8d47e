"""The Simulation page: the simulations of a project, and one of them or the form of a new one."""

import time
from typing import Any

import streamlit as st

from al_engine.session import LabellingSession
from al_engine.simulating.gathering import FEWEST_KNOWN, labels_known
from al_engine.simulating.kept import (
    Kept,
    Simulations,
    Unshown,
    begin_simulation,
    simulations_of,
)
from pages.components import state
from pages.components.guard import guard
from pages.components.page import link
from pages.components.simulation import results
from pages.components.simulation.form import form, said_of
from pages.components.waiting import finished
from pages.components.words import counted, plain

TITLE = "Simulation"
_WRITING = "Writing down what it runs on"
CHOSEN = "simulation"  # the draft that holds which one is looked at, "" for a new one
_LOOK_EVERY_S, _DRAW_EVERY_S = 0.3, 4.0
_CAME_ALONG = "It came with the project's file, without what it runs on: it cannot go on here."
_STATES = {"running": "running", "stopped": "stopped", "finished": "", "failed": "stopped"}


def simulation_view(session: LabellingSession) -> None:
    """Choose one, do something with it, and see what came of it."""
    kept = simulations_of(session.project)
    found, unshown = kept.listed()
    chosen = _top_line(session, kept, found)
    with st.container():
        for one in unshown:
            _say_why(kept, one)
    # Each has a place of its own, and that of the other is emptied: while a simulation runs the run
    # of the page does not end, and what it does not draw over would stay.
    with st.container() if chosen is None else st.empty():
        if chosen is None:
            _new(session, is_first=not found)
    if chosen is not None:
        _one(session, kept, chosen)


def _top_line(session: LabellingSession, kept: Simulations, found: list[Kept]) -> Kept | None:
    """The list, and what can be done with the one that is looked at; None for a new one."""
    by_key = {each.key: each for each in found}
    key = state.draft(CHOSEN, found[0].key if found else "")
    if key not in by_key:
        key = ""
    if not found:
        st.title(TITLE)
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", key="simulation-line"):
        picked = st.selectbox(
            "Simulation",
            [*by_key, ""],
            [*by_key, ""].index(key),
            format_func=lambda name: _told(by_key[name]) if name else "New simulation",
            # What is chosen elsewhere, as by beginning one, is shown by another key.
            # So is what has come to its end: the browser keeps the words of the option.
            key=f"simulation-{session.project.slug}-{key}-{'-'.join(each.state for each in found)}",
            label_visibility="collapsed",
        )
        if picked != key:
            state.keep_draft(CHOSEN, picked)
            st.rerun()
        if not key:
            return None
        one = by_key[key]
        _actions(kept, one)
    return one


def _say_why(kept: Simulations, one: Unshown) -> None:
    """A simulation that cannot be shown, which hides none of the others."""
    said_, delete_ = st.columns([9, 1], vertical_alignment="center")
    said_.warning(plain(one.why), icon=":material/error:")
    if delete_.button("Delete", key=f"delete-unshown-{one.key}"):
        with guard():
            kept.delete(one.key)
            st.rerun()


def _told(one: Kept) -> str:
    """One of the list in a line."""
    when = f"{one.made.astimezone():%d %b %Y, %H:%M}"
    return " · ".join(part for part in (one.name, when, _STATES[one.state]) if part)


def _actions(kept: Simulations, one: Kept) -> None:
    if (
        one.state in ("stopped", "failed")
        and one.can_go_on
        and st.button(
            "Resume", key=f"resume-{one.key}", type="primary", help="From the last finished round."
        )
    ):
        with guard():
            kept.resume(one.key)
            st.rerun()
    if one.state == "finished":
        st.download_button(
            "JSON",
            lambda: kept.result(one.key) or "",
            file_name=f"simulation-{one.key}.json",
            mime="application/json",
            icon=":material/download:",
            key=f"json-{one.key}",
            on_click="ignore",
            help="All numbers, as `python -m al_engine simulate` writes them.",
        )
    if st.button("New", key="new-simulation", icon=":material/add:"):
        state.keep_draft(CHOSEN, "")
        st.rerun()
    with st.popover("Delete", key=f"ask-delete-{one.key}"):
        st.markdown(f"Delete **{plain(one.name)}** with its numbers? This cannot be undone.")
        if st.button("Delete for good", key=f"delete-{one.key}", type="primary"):
            with guard():
                kept.delete(one.key)
                state.keep_draft(CHOSEN, None)
                st.rerun()


def _new(session: LabellingSession, *, is_first: bool) -> None:
    n_by_label = labels_known(session.project)
    n_known = sum(n_by_label.values())
    if n_known < FEWEST_KNOWN or len(n_by_label) < 2:
        if not is_first:
            st.title(TITLE)
        st.info(
            f"A simulation needs objects whose label is known: {FEWEST_KNOWN} at least, of two "
            f"labels. Here {counted(n_known, 'object')} of {counted(len(n_by_label), 'label')} "
            "can be used. Choose a column of labels in Settings, or label some objects first."
        )
        link("pages/1_Settings.py", "Go to Settings", icon=":material/tune:")
        return
    features = session.config.features
    if not (features.base or features.texts):
        st.info("Choose features first: they are what a model sees.")
        link("pages/1_Settings.py", "Go to Settings", icon=":material/tune:")
        return
    st.markdown(
        f"The loop on the **{n_known:,} objects whose label is known**, with those labels for "
        "answers: how many labels would a query strategy have saved over random choice, and how "
        "near does it come to training on all of them? It runs beside your work."
    )
    # Before the form: pressed again meanwhile, "Begin" begins no second one.
    beginning = f"begin-simulation-{session.project.slug}"
    with guard():
        job = finished(beginning, _WRITING, before=_WRITING)
        if job is not None:
            state.keep_draft(CHOSEN, job.result())
            st.rerun()
    with guard():
        asked = form(session, n_by_label)
        if asked is not None:
            state.keep_job(beginning, begin_simulation(session.project, *asked))
            st.rerun()


def _one(session: LabellingSession, kept: Simulations, one: Kept) -> None:
    """One simulation; while it runs, the run of the page waits with it."""
    st.caption(said_of(one.plan))
    progress = None
    with st.container():  # whatever stands here, what comes after keeps its place
        if one.state == "running":
            progress = _running_line(kept, one)
        elif one.failure:
            st.warning(plain(one.failure), icon=":material/error:")
        elif one.state == "stopped":
            st.info(
                f"Stopped after {one.n_done:,} of about {one.of:,} rounds. "
                + ("Resume goes on from there." if one.can_go_on else _CAME_ALONG),
                icon=":material/pause_circle:",
            )
    with guard():
        _numbers(session, kept, one)
    if progress is not None:
        _wait(kept, one, progress)


def _numbers(session: LabellingSession, kept: Simulations, one: Kept) -> None:
    score = results.choose_score(one)
    numbers = kept.numbers(one.key, score)
    left, right = st.columns([13, 7], gap="medium")
    with left:
        results.curves(one, numbers, score)
    with right:
        level = results.savings(one, numbers, score)
    results.numbers_table(numbers, level)
    results.one_curve(session, one, numbers)


def _running_line(kept: Simulations, one: Kept) -> Any:
    """How far it is, with the way to end it for now; returns the place of the bar.

    Pause has a place of its own: in that of Resume its first press is lost by the browser's part.
    """
    bar_, pause_ = st.columns([9, 1], vertical_alignment="center")
    with pause_:
        if st.button("Pause", key=f"pause-{one.key}", help="What is finished stays; resume later."):
            with guard():
                kept.stop(one.key)
            st.rerun()
    progress = bar_.empty()
    _progress(progress, one)
    return progress


def _wait(kept: Simulations, one: Kept, progress: Any) -> None:
    """Show how far it is until there is more to draw; whoever does anything ends this run."""
    drawn_at = time.monotonic()
    while True:
        time.sleep(_LOOK_EVERY_S)
        now = kept.look(one.key)
        has_more = now.n_done != one.n_done and time.monotonic() - drawn_at > _DRAW_EVERY_S
        if now.state != "running" or has_more:
            st.rerun()  # charts that have not changed stay as they are
        _progress(progress, now)


def _progress(place: Any, one: Kept) -> None:
    said = f"{one.n_done:,} of about {one.of:,} rounds"
    if one.left_s is not None:
        said += f", about {_duration(one.left_s)} left"
    elif one.n_done:
        said += "; how long it takes is known after the first seed"
    else:
        said = "Starting a process of its own, a few seconds"
    place.progress(min(1.0, one.n_done / one.of) if one.of else 0.0, said)


def _duration(seconds: float) -> str:
    """A time to wait, in words.

    >>> _duration(20), _duration(130), _duration(9000)
    ('half a minute', '2 minutes', '2.5 hours')
    """
    if seconds < 45:
        return "half a minute"
    if seconds < 5400:
        minutes = max(1, round(seconds / 60))
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{seconds / 3600:.1f} hours"
