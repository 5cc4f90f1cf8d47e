"""How several people work on a project: the settings of it, saved as they are changed."""

from dataclasses import replace
from typing import get_args

import streamlit as st

from al_engine.curating.agreeing import names_of
from al_engine.data.people import again_every
from al_engine.session import LabellingSession
from al_engine.settings.config import WITHIN, Counting, People
from pages.components.words import plain

_COUNTING: dict[Counting, str] = {
    "majority": "the majority's label",
    "latest": "the latest label",
}


def switch(session: LabellingSession) -> None:
    """The one question where a person works alone so far."""
    st.markdown(
        "When several people answer in a project, each has their own questions, undo, Unsure and "
        "Later, and the models learn from all. Some objects are asked of two people, which tells "
        "how far they agree; where they differ it is settled here. Everybody gives a name first: "
        "it is a courtesy, and no password."
    )
    if names := names_of(session):
        st.caption(f"Answers so far are signed {plain(', '.join(names))}, and stay so.")
    if st.button("Several people answer here", key="people-several", type="primary"):
        _save(session, replace(session.config.people, several=True))


def rules(session: LabellingSession) -> None:
    """All that is set about working together."""
    people, slug = session.config.people, session.project.slug

    def key(name: str) -> str:
        # Named after the value: another person may change it too.
        return f"people-{name}-{slug}-{getattr(people, name)}"

    several = st.toggle(
        "Several people answer here",
        people.several,
        key=key("several"),
        help="Off, names say nothing: whatever was answered counts as one person's, the latest "
        "first. No answer is lost either way.",
    )
    blind = st.toggle(
        "Blind",
        people.blind,
        key=key("blind"),
        help="Nobody sees what another answered: not on cards, maps, lists, nor in what they take "
        "away. Only objects that you labelled too, and differ about, show it, here. The models "
        "learn from all labels.",
    )
    counting = st.radio(
        "Where people differ, what counts is",
        get_args(Counting),
        get_args(Counting).index(people.counting),
        format_func=lambda name: _COUNTING[name],
        key=key("counting"),
        horizontal=True,
        help="What was settled comes before either. Without a majority, two against two, nothing "
        "counts, and the object trains nothing until it is settled.",
    )
    every = again_every(replace(people, several=True))
    again = st.number_input(
        "Ask what others labelled, every … questions",
        *WITHIN["people.again_every"],
        every,
        key=f"{key('again_every')}-{every}",
        help="So often your question is an object that somebody else labelled, without their "
        "answer. Without such objects nobody's agreement can be told. 0: never.",
    )
    chosen = replace(people, several=several, blind=blind, counting=counting)
    if again != every:
        chosen = replace(chosen, again_every=int(again))
    if chosen != people:
        _save(session, chosen)


def _save(session: LabellingSession, people: People) -> None:
    config = session.config
    session.change_settings(replace(config, people=people), made_from=config)
    st.rerun()
