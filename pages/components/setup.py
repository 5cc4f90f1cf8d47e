"""A classifier's set-up: models, query strategies, how to begin.

The same form serves before training and, later, to change what is set.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.data.people import NAME_CHARS
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.session import LabellingSession
from al_engine.settings.config import ClassifierSetup, MemberSetup
from pages.components import extensions
from pages.components import state as tab
from pages.components.words import plain


def set_up(session: LabellingSession, label: str) -> None:
    """Choose models and strategies, and how to begin."""
    name = session.config.label_name(label)
    st.subheader(f"A classifier for {plain(name)} against the rest", anchor=False)
    setup = setup_form(session, label, ClassifierSetup())
    who = ""
    if not tab.name_given():
        who = st.text_input(
            "Your name", session.who, NAME_CHARS, key=f"who-{label}",
            help="Stands beside each of your answers; kept in this browser.",
        )  # fmt: skip
    if st.button("Start training", key=f"start-{label}", type="primary"):
        tab.give_name(session, who)
        # Three seconds were measured at 800,000 objects of 41 columns.
        n_rows = session.project.catalogue.n_rows
        time = "about a second" if n_rows < 200_000 else "some seconds"
        with st.spinner(f"Training on the first objects, {time}"):
            session.start(label, setup)
        st.rerun()


def setup_form(
    session: LabellingSession, label: str, held: ClassifierSetup, *, begun: bool = False
) -> ClassifierSetup:
    """The form of a set-up; how to begin is asked only before the classifier has ``begun``."""
    extensions.faults("model", "query strategy")
    key = f"setup-{session.project.slug}-{label}"
    members: list[MemberSetup] = tab.draft(key, list(held.members))
    for i, member in enumerate(members):
        members[i] = _member_row(members, i, member, key)
    if st.button(
        "Add a model",
        key=f"{key}-add-{len(members)}",
        icon=":material/add:",
        help="Two or more models make a committee.",
    ):
        tab.keep_draft(key, [*members, MemberSetup(_another_model(members))])
        st.rerun()
    committee = held.committee_strategy
    if len(members) > 1:
        committee = _choose(
            "The committee asks by", COMMITTEE_STRATEGIES, committee, f"{key}-committee"
        )
        st.caption(
            "A committee asks by its own strategy: those of its members are not used. It predicts "
            "by the mean of their probabilities."
        )
    else:
        st.caption(
            "For two classes, uncertainty, margin and entropy ask about the same objects; random "
            "is the yardstick."
        )
    if begun:
        return replace(held, members=tuple(members), committee_strategy=committee)
    n_, labels_ = st.columns(2)
    n_initial = n_.number_input(
        "Initial points", 1, 1000, held.n_initial, key=f"{key}-n", help="Labelled before the loop."
    )
    if session.config.columns.label is None:
        labels_.caption("The catalogue has no labels: you are asked for the first ones.")
        return ClassifierSetup(tuple(members), committee, int(n_initial), "ask")
    initial: Any = labels_.radio(
        "Their labels",
        ["catalogue", "ask"],
        ["catalogue", "ask"].index(held.initial_labels),
        format_func=lambda n: {"catalogue": "from the catalogue", "ask": "ask me"}[n],
        horizontal=True,
        key=f"{key}-initial",
        help="Drawn at random, with at least one of each side where labels are known. Where the "
        "catalogue has no labels you are asked.",
    )
    return ClassifierSetup(tuple(members), committee, int(n_initial), initial)


def _another_model(members: list[MemberSetup]) -> str:
    """A model for a new member: models that err alike make no committee."""
    taken = {member.model for member in members}
    return next((name for name in ("logistic_regression", *MODELS) if name not in taken), "knn")


def _member_row(members: list[MemberSetup], i: int, member: MemberSetup, key: str) -> MemberSetup:
    """One pair of model and strategy, with its hyperparameters."""
    row = f"{key}-{len(members)}-{i}"
    model_, strategy_, params_, remove_ = st.columns([5, 4, 1.3, 1], vertical_alignment="bottom")
    with model_:
        model = _choose("Model", MODELS, member.model, f"{row}-model")
    with strategy_:
        strategy = _choose(
            "Query strategy", STRATEGIES, member.strategy, f"{row}-strategy",
            disabled=len(members) > 1,
        )  # fmt: skip
    params: dict[str, Any] = {}
    menu = params_.popover(
        "", icon=":material/tune:", width="stretch", help="Hyperparameters", key=f"{row}-params"
    )
    with menu:
        settings = MODELS[model].params if model in MODELS else ()
        for param in settings:
            default = member.params.get(param.name, param.default)
            params[param.name] = _param(param, default, f"{row}-{model}-{param.name}")
        if not settings:
            st.caption("None to set.")
    if len(members) > 1 and remove_.button(
        "", key=f"{row}-remove", icon=":material/close:", help="Remove this model"
    ):
        tab.keep_draft(key, members[:i] + members[i + 1 :])
        st.rerun()
    changed = {k: v for k, v in params.items() if v != _default(model, k)}
    return MemberSetup(model, strategy, changed)


def _choose(
    title: str, registry: Mapping[str, Any], held: str, key: str, *, disabled: bool = False
) -> str:
    """An entry of a registry by its title, with the help of the one that is held.

    One that is held and not there, with its extension absent, stands among them as that.
    """

    def entry_title(name: str) -> str:
        return extensions.offered(registry[name])

    absent = [] if held in registry else [held]
    names = [*absent, *registry]
    chosen: str = st.selectbox(
        title,
        names,
        names.index(held),
        format_func=lambda name: f"{name} (not there)" if name in absent else entry_title(name),
        key=key,
        disabled=disabled,
        help=(registry[held].help or None) if held in registry else None,
    )
    return chosen


def _default(model: str, name: str) -> Any:
    return next(param.default for param in MODELS[model].params if param.name == name)


def _param(param: Any, value: Any, key: str) -> Any:
    if param.choices:
        choices = list(param.choices)
        return st.selectbox(
            param.title, choices, choices.index(value), key=key, help=param.help or None
        )
    whole = isinstance(param.default, int)
    kind = int if whole else float
    return st.number_input(
        param.title,
        None if param.minimum is None else kind(param.minimum),
        None if param.maximum is None else kind(param.maximum),
        kind(value),
        step=1 if whole else None,
        format=None if whole else "%.5g",
        key=key,
        help=param.help or None,
    )
