"""Which classifier is looked at, where several are started."""

import streamlit as st

from al_engine.session import LabellingSession
from pages.components import state
from pages.components.page import link
from pages.components.words import plain


def started_classifiers(session: LabellingSession) -> tuple[str, ...]:
    return tuple(c for c in session.config.train_labels if session.is_started(c))


def is_replaying(session: LabellingSession) -> bool:
    """Is a replay going on that will start classifiers?  If so, say it, with the way there."""
    job = state.job(state.replay_name(session.project.slug))
    if job is None or job.is_done:
        return False
    st.info("A configuration is being replayed: its classifiers are here once that is done.")
    link("pages/7_Share.py", "See how far it is", icon=":material/ios_share:")
    return True


def lead_to_training(session: LabellingSession) -> None:
    """Say that no classifier is started, and how one is."""
    if is_replaying(session):
        return
    st.info("Start training a classifier first: it decides what to ask.")
    link("pages/2_Training.py", "Go to Training", icon=":material/model_training:")


def choose_classifier(session: LabellingSession, started: tuple[str, ...], page: str) -> str:
    """The started classifier that is looked at, on this page and on the next."""
    label = started[0]
    if len(started) > 1:
        label = st.segmented_control(
            "Classifier",
            started,
            default=state.classifier(started),
            required=True,
            format_func=lambda value: plain(session.config.label_name(value)),
            key=f"{page}-{session.project.slug}",
            label_visibility="collapsed",
        )
    state.choose_classifier(label)
    return label


def lead_on(session: LabellingSession, label: str) -> None:
    """Draw the whole page anew where there is no such classifier any more.

    Another tab may have merged it away: the one that it goes on in says so.
    """
    config = session.config
    if label in config.train_labels and session.is_started(label):
        return
    into = config.merged_into.get(label)
    if into is not None:
        name = next(m.name for each in config.labels for m in each.merged if m.value == label)
        state.choose_classifier(into)
        state.note(into, f"{name} was merged into {config.label_name(into)}.")
    st.rerun()
