"""A classifier's set-up: models, query strategies, how to begin.

The same form serves before training and, later, to change what is set.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.data.people import NAME_CHARS
from al_engine.guesses import guess_setup
from al_engine.learning.models import MODELS, Model, suits
from al_engine.learning.strategies import (
    COMMITTEE_STRATEGIES,
    STRATEGIES,
    default_strategy,
    strategy_in_force,
)
from al_engine.session import LabellingSession
from al_engine.settings.config import (
    ALL_LABELS,
    MAX_BATCH,
    MAX_PATIENCE,
    ClassifierSetup,
    Features,
    MemberSetup,
)
from pages.components import extensions
from pages.components import state as tab
from pages.components.words import plain

MOST_FIRST = 50  # objects to begin with, of themselves, however many labels there are


def set_up(session: LabellingSession, label: str) -> None:
    """Choose models and strategies, and how to begin."""
    name = session.config.label_name(label)
    title = f"A classifier for {plain(name)} against the rest"
    first = guess_setup(session.config.features)
    if label == ALL_LABELS:
        n = len(session.config.labels_in_use)
        title = f"One classifier over all {n} labels"
        first = replace(first, n_initial=min(MOST_FIRST, max(first.n_initial, n)))
    st.subheader(title, anchor=False)
    setup = setup_form(session, label, first)
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
    features = session.config.features
    there = {name: model for name, model in MODELS.items() if suits(model, features)}
    of_members = st.container()
    size = _batch_size(held, key)
    in_batches = "-batch" if size > 1 else ""
    with of_members:
        for i, member in enumerate(members):
            fitting = replace(member, strategy=_fitting(member.strategy, held, size))
            members[i] = _member_row(
                members, i, fitting, key, size, there, has_texts=bool(features.texts)
            )
    if st.button(
        "Add a model",
        key=f"{key}-add-{len(members)}",
        icon=":material/add:",
        help="Two or more models make a committee.",
    ):
        tab.keep_draft(key, [*members, _another_member(members, there, features)])
        st.rerun()
    committee = held.committee_strategy
    if len(members) > 1:
        committee = _choose(
            "The committee asks by",
            COMMITTEE_STRATEGIES,
            _fitting(committee, held, size, is_committee=True),
            f"{key}-committee{in_batches}",
            size,
        )
        st.caption(
            "A committee asks by its own strategy: those of its members are not used. It predicts "
            "by the mean of their probabilities."
        )
    elif size == 1:
        st.caption(_THREE_ALIKE if _n_classes(session, label) == 2 else _THREE_APART)
    else:
        st.caption(
            "The most uncertain objects are often alike: a strategy for batches asks about "
            "different ones. Labelling shows a batch side by side."
        )
    asks = committee if len(members) > 1 else members[0].strategy
    held = replace(
        _best_and_patience(held, key),
        members=tuple(members),
        committee_strategy=committee,
        batch_size=size,
        strategy_params=_strategy_params(asks, held, key),
    )
    if begun:
        return held
    n_, draw_, labels_ = st.columns([2, 3, 4])
    n_initial = n_.number_input(
        "Labels to begin with",
        1,
        1000,
        held.n_initial,
        key=f"{key}-n",
        help="Objects that are labelled before the first question.",
    )
    if session.config.columns.label is None:
        labels_.caption("The catalogue has no labels: you are asked for the first ones.")
        return replace(held, n_initial=int(n_initial), initial_labels="ask")
    side = "label" if label == ALL_LABELS else "side"
    drawn: Any = draw_.radio(
        "Drawn",
        ["random", "balanced"],
        ["random", "balanced"].index(held.initial_draw),
        format_func=lambda n: {"random": "at random", "balanced": f"as many of each {side}"}[n],
        horizontal=True,
        key=f"{key}-drawn",
        help=f"Where labels are known. At random has one of each {side} at least.",
    )
    initial: Any = labels_.radio(
        "Their labels",
        ["catalogue", "ask"],
        ["catalogue", "ask"].index(held.initial_labels),
        format_func=lambda n: {"catalogue": "from the catalogue", "ask": "ask me"}[n],
        horizontal=True,
        key=f"{key}-initial",
        help="Where the catalogue has no label you are asked.",
    )
    return replace(held, n_initial=int(n_initial), initial_labels=initial, initial_draw=drawn)


def _batch_size(held: ClassifierSetup, key: str) -> int:
    """How many objects are asked about between two fits."""
    size = st.number_input(
        "Batch size", 1, MAX_BATCH, held.batch_size, key=f"{key}-batch", width=200,
        help="Objects that are asked about before the model learns from their answers. With 1 it "
        "learns from each, which takes fewest labels; with more nobody waits in between, and they "
        "can be answered side by side.",
    )  # fmt: skip
    return int(size)


def _fitting(strategy: str, held: ClassifierSetup, size: int, *, is_committee: bool = False) -> str:
    """The strategy to offer first for batches of a size, where one is held for those before.

    Whoever chose none has the one that goes with the size, and so has whose does not serve it.
    """
    registry: Mapping[str, Any] = COMMITTEE_STRATEGIES if is_committee else STRATEGIES
    wanted = default_strategy(size, is_committee=is_committee)
    if strategy == default_strategy(held.batch_size, is_committee=is_committee) != wanted:
        return wanted
    does_serve = strategy not in registry or _is_offered(registry[strategy], size)
    return strategy if does_serve else wanted


def _strategy_params(strategy: str, held: ClassifierSetup, key: str) -> dict[str, Any]:
    """The settings of the query strategy in force; only those that are not the default."""
    if strategy not in {**STRATEGIES, **COMMITTEE_STRATEGIES}:
        return {}  # its extension is not there
    changed = {}
    for param in strategy_in_force(strategy).params:
        before = held.strategy_params.get(param.name, param.default)
        value = param_input(param, before, f"{key}-{strategy}-{param.name}")
        if value != param.default:
            changed[param.name] = value
    return changed


def _best_and_patience(held: ClassifierSetup, key: str) -> ClassifierSetup:
    """By what a round is the best, and when to say that none was better for long."""
    best_, patience_ = st.columns(2)
    by = best_.selectbox(
        "Best round by",
        ["f1", "accuracy"],
        ["f1", "accuracy"].index(held.best_by),
        format_func=lambda name: {"f1": "F1", "accuracy": "Accuracy"}[name],
        key=f"{key}-best",
        help="On the validation set. The best round is marked on the score plot, and its model can "
        "be taken away on the Share page.",
    )
    patience = patience_.number_input(
        "Patience (rounds)",
        0,
        MAX_PATIENCE,
        held.patience,
        key=f"{key}-patience",
        help="After so many rounds without a better one it is said. Nothing is stopped. 0: never.",
    )
    return replace(held, best_by=by, patience=int(patience))


_THREE_ALIKE = (
    "For two classes, uncertainty, margin and entropy ask about the same objects; random is the "
    "yardstick."
)
_THREE_APART = (
    "Uncertainty asks where the likeliest label is least likely, margin where the two likeliest "
    "are closest, entropy where the probabilities are spread most; random is the yardstick."
)


def _n_classes(session: LabellingSession, label: str) -> int:
    return len(session.config.labels_in_use) if label == ALL_LABELS else 2


def _another_member(
    members: list[MemberSetup], there: Mapping[str, Model], features: Features
) -> MemberSetup:
    """A new member of another model: models that err alike make no committee."""
    taken = {member.model for member in members}
    model = next((name for name in ("logistic_regression", *there) if name not in taken), "knn")
    return MemberSetup(model, params=there[model].for_texts if features.texts else {})


def _member_row(
    members: list[MemberSetup],
    i: int,
    member: MemberSetup,
    key: str,
    size: int,
    there: Mapping[str, Model],
    *,
    has_texts: bool,
) -> MemberSetup:
    """One pair of model and strategy, with its hyperparameters."""
    row, in_batches = f"{key}-{len(members)}-{i}", "-batch" if size > 1 else ""
    model_, strategy_, params_, remove_ = st.columns([5, 4, 1.3, 1], vertical_alignment="bottom")
    with model_:
        lacks = "not for these features" if member.model in MODELS else "not there"
        model = _choose("Model", there, member.model, f"{row}-model", lacks=lacks)
    with strategy_:
        strategy = _choose(
            "Query strategy", STRATEGIES, member.strategy, f"{row}-strategy{in_batches}", size,
            disabled=len(members) > 1,
        )  # fmt: skip
    params: dict[str, Any] = {}
    menu = params_.popover(
        "", icon=":material/tune:", width="stretch", help="Hyperparameters", key=f"{row}-params"
    )
    with menu:
        settings = MODELS[model].params if model in MODELS else ()
        begin = MODELS[model].for_texts if has_texts and model != member.model else {}
        for param in settings:
            default = member.params.get(param.name, begin.get(param.name, param.default))
            params[param.name] = param_input(param, default, f"{row}-{model}-{param.name}")
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
    title: str,
    registry: Mapping[str, Any],
    held: str,
    key: str,
    size: int = MAX_BATCH,
    *,
    disabled: bool = False,
    lacks: str = "not there",
) -> str:
    """An entry of a registry by its title, with the help of the one that is held.

    One that is held and not among them, with its extension absent, stands there as what it
    ``lacks``.  Offered are those that serve batches of a size.
    """

    def entry_title(name: str) -> str:
        return extensions.offered(registry[name])

    absent = [] if held in registry else [held]
    names = [*absent, *(name for name in registry if _is_offered(registry[name], size))]
    chosen: str = st.selectbox(
        title,
        names,
        names.index(held),
        format_func=lambda name: f"{name} ({lacks})" if name in absent else entry_title(name),
        key=key,
        disabled=disabled,
        help=(registry[held].help or None) if held in registry else None,
    )
    return chosen


def _is_offered(entry: Any, size: int) -> bool:
    """Does it serve batches of a size, with what is known when one asks?"""
    return getattr(entry, "least", 1) <= size and not getattr(entry, "leaks", False)


def _default(model: str, name: str) -> Any:
    return next(param.default for param in MODELS[model].params if param.name == name)


def param_input(param: Any, value: Any, key: str) -> Any:
    """Ask for one setting of a model or a strategy."""
    if param.choices:
        choices = list(param.choices)
        value = value if value in choices else param.default  # a model that is no longer there
        return st.selectbox(
            param.title,
            choices,
            choices.index(value),
            format_func=param.name_of,
            key=key,
            help=param.help or None,
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
