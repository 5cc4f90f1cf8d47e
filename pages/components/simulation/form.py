"""What a simulation is to do, asked with good defaults."""

import itertools
from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.learning.models import MODELS, suits
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES, strategy_in_force
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, ProjectConfig, Splits
from al_engine.settings.target import METRICS, Target
from al_engine.simulating.drawing import usual_number
from al_engine.simulating.running import RANDOM
from al_engine.simulating.settings import (
    MOST_SEEDS,
    PlannedMember,
    PlannedModel,
    SimulationPlan,
)
from al_engine.simulating.titles import model_title, strategy_title
from al_engine.simulating.usual import fitting, models_at_hand, usual_plan
from pages.components import extensions, state
from pages.components.charts import TITLES
from pages.components.setup import param_input
from pages.components.words import plain

ALL = ""  # stands for all labels at once
_STARTS = {
    "random": "at random",
    "balanced": "as many of each label",
    "kmeans": "spread by k-means",
    "first": "as the catalogue has them",
}


def form(
    session: LabellingSession, n_by_label: dict[str, int]
) -> tuple[SimulationPlan, str] | None:
    """Ask what to do; the plan and its name once it is to begin."""
    config, key = session.config, f"simulate-{session.project.slug}"
    n_known = sum(n_by_label.values())
    with st.container(border=True):
        what_, models_, strategies_ = st.columns([2, 3, 3])
        labels = [value for value in config.train_labels if n_by_label.get(value)]
        labels += [v for v, n in n_by_label.items() if n and v not in labels]
        which: str = what_.selectbox(
            "What is told apart",
            [*labels, ALL],
            _in_use(config, labels),
            format_func=lambda v: (
                f"{config.label_name(v)} and the rest" if v else "All labels at once"
            ),
            key=f"{key}-which",
            help="One label against all others, as its classifier does, or every label by itself "
            "with scores that are means over labels.",
        )
        usual = usual_plan(config, which or None, n_known)
        key = f"{key}-{which}"  # another label has another set-up, and its own defaults
        models = _models(session, models_, usual, key)
        strategies = _strategies(strategies_, models, usual, key)
        plan = replace(usual, models=models, strategies=strategies)
        plan = _amounts(plan, len(n_by_label) if not which else 2, key)
        plan = _splits(plan, n_known, key)
        plan = replace(plan, strategy_params=_strategy_settings(plan, usual, key))
        with st.expander("Target, best model, patience"):
            plan = _ends(plan, key)
        name_, begin_ = st.columns([5, 1], vertical_alignment="bottom")
        label = config.label_name(which) if which else "All labels"
        names = " / ".join(strategy_title(name) for name in plan.strategies) or "random alone"
        name = name_.text_input(
            "Name", f"{label}: {names}"[:80], max_chars=80, key=f"{key}-name-{names}"
        )
        if begin_.button("Begin", key="begin-simulation", type="primary", width="stretch"):
            return plan, name
    return None


def _in_use(config: ProjectConfig, labels: list[str]) -> int:
    """The place of what the classifier last looked at tells apart, all labels being the last."""
    in_use = state.classifier(config.train_labels) if config.train_labels else None
    if in_use == ALL_LABELS:
        return len(labels)
    return labels.index(in_use) if in_use in labels else 0


def _models(
    session: LabellingSession, column: Any, usual: SimulationPlan, key: str
) -> tuple[PlannedModel, ...]:
    features = session.config.features
    suiting = [name for name, model in MODELS.items() if suits(model, features)]
    single = {name: PlannedModel((PlannedMember(name),)) for name in suiting}
    choices = {**single, **models_at_hand(session.config)}
    choices[usual.models[0].name] = usual.models[0]
    chosen = column.multiselect(
        "Models",
        list(choices),
        [usual.models[0].name],
        format_func=lambda name: _model_offered(choices[name]),
        key=f"{key}-models",
        help="Where a classifier of this project has a model, its settings are used; else those "
        "that the model begins with. Each model is compared with itself under random choice.",
    )
    return tuple(choices[name] for name in chosen)


def _model_offered(model: PlannedModel) -> str:
    """A model's title, or those of a committee's members, each marked where it is the user's."""
    titles = [
        extensions.offered(MODELS[member.model]) if member.model in MODELS else member.model
        for member in model.members
    ]
    return " + ".join(titles)


def _strategies(
    column: Any, models: tuple[PlannedModel, ...], usual: SimulationPlan, key: str
) -> tuple[str, ...]:
    every = {**STRATEGIES, **COMMITTEE_STRATEGIES}
    offered = [name for name in every if name != RANDOM and fitting(models, name)]
    chosen = column.multiselect(
        "Query strategies",
        offered,
        [name for name in usual.strategies if name in offered],
        format_func=_strategy_offered,
        # Its key knows what is offered: a committee's own strategies come and go.
        key=f"{key}-strategies-{len(offered)}",
        help="Random choice is always run beside them, on the same objects. "
        + " ".join(f"**{every[n].title}**: {every[n].help}" for n in offered),
    )
    return tuple(chosen)


def _strategy_offered(name: str) -> str:
    """A strategy's title, marked where it is the user's own and where it leaks."""
    found = STRATEGIES.get(name) or COMMITTEE_STRATEGIES.get(name)
    if found is None or found.origin is None:
        return strategy_title(name)
    return extensions.offered(found)


def _strategy_settings(
    plan: SimulationPlan, usual: SimulationPlan, key: str
) -> dict[str, dict[str, Any]]:
    """What is set of the strategies that are compared, where it is not the default."""
    having = [n for n in plan.strategies if n in {**STRATEGIES, **COMMITTEE_STRATEGIES}]
    having = [name for name in having if strategy_in_force(name).params]
    if not having:
        return {}
    changed: dict[str, dict[str, Any]] = {}
    places = itertools.cycle(st.columns(3))
    for name in having:
        held = usual.strategy_params.get(name, {})
        for param in strategy_in_force(name).params:
            titled = replace(param, title=f"{strategy_title(name)}: {param.title}")
            before = held.get(param.name, param.default)
            with next(places):
                value = param_input(titled, before, f"{key}-{name}-{param.name}")
            if value != param.default:
                changed.setdefault(name, {})[param.name] = value
    return changed


def _amounts(plan: SimulationPlan, n_classes: int, key: str) -> SimulationPlan:
    n_, start_, batch_, budget_, seeds_ = st.columns([2, 3, 2, 2, 2])
    n_initial = n_.number_input(
        "Labels to begin with", 1, 10**6, usual_number(n_classes), key=f"{key}-n",
        help="Objects of the training set that are labelled before the first question.",
    )  # fmt: skip
    start: Any = start_.selectbox(
        "Drawn", list(_STARTS), list(_STARTS).index(plan.initial),
        format_func=lambda name: _STARTS[name], key=f"{key}-start",
        help="At random has one of each label at least. k-means and the catalogue's order look at "
        "no label. All strategies of a seed begin with the same objects.",
    )  # fmt: skip
    batch = batch_.number_input(
        "Batch", 1, 10**6, plan.batch_size, key=f"{key}-batch",
        help="Objects labelled between two trainings.",
    )  # fmt: skip
    budget = budget_.number_input(
        "Budget", 1, 10**7, plan.budget, key=f"{key}-budget",
        help="Objects labelled beyond those to begin with, in each curve.",
    )  # fmt: skip
    seeds = seeds_.number_input(
        "Seeds", 1, MOST_SEEDS, plan.n_seeds, key=f"{key}-seeds",
        help="Each seed draws a split of its own. Intervals are over seeds: with one there is "
        "none.",
    )  # fmt: skip
    return replace(
        plan, n_initial=int(n_initial), initial=start, batch_size=int(batch), budget=int(budget),
        n_seeds=int(seeds),
    )  # fmt: skip


def _splits(plan: SimulationPlan, n_known: int, key: str) -> SimulationPlan:
    mode_, train_, validation_, test_, draw_ = st.columns([2, 2, 2, 2, 3])
    usual = plan.splits
    mode: Any = mode_.segmented_control(
        "Sets by", ["shares", "counts"], default=usual.mode, required=True, key=f"{key}-mode",
        help=f"Of the {n_known:,} objects with a known label.",
    )  # fmt: skip
    is_usual = mode == usual.mode
    begin = (usual.train, usual.validation, usual.test) if is_usual else (60.0, 20.0, 20.0)
    if mode == "counts" and not is_usual:
        begin = tuple(float(int(share * n_known / 100)) for share in begin)
    most, unit = (100.0, "%") if mode == "shares" else (float(n_known), "objects")
    helps = (
        "The pool: what may be labelled, and all of it is for full supervision.",
        "Tells the best model and when patience is out; 0 where neither is used.",
        "Scores are over these. With 0 they are over what is not labelled yet, and there is no "
        "full supervision to compare with.",
    )
    sizes = [
        column.number_input(
            f"{title}, {unit}", 0.0, most, min(value, most), step=1.0, format="%g", help=help_text,
            key=f"{key}-{mode}-{title}",
        )
        for column, title, value, help_text in zip(
            (train_, validation_, test_), ("Training", "Validation", "Test"), begin, helps,
            strict=True,
        )
    ]  # fmt: skip
    draw: Any = draw_.segmented_control(
        "Labels in each", ["stratified", "balanced"], default=usual.draw, required=True,
        key=f"{key}-draw",
        help="Stratified keeps each label's share. Balanced takes as many of each as of the "
        "rarest, and leaves the others out.",
    )  # fmt: skip
    return replace(plan, splits=Splits(mode, *sizes, draw))


def _ends(plan: SimulationPlan, key: str) -> SimulationPlan:
    metric_, target_, stop_, best_, patience_ = st.columns(
        [2, 2, 2, 2, 2], vertical_alignment="bottom"
    )
    metric = metric_.selectbox(
        "Labels counted by", METRICS, format_func=lambda name: TITLES[name], key=f"{key}-metric",
        help="The score by which labels are counted and the area is taken; it can be changed "
        "once numbers are there.",
    )  # fmt: skip
    value = target_.number_input(
        "Target", 0.0, 1.0, None, step=0.01, key=f"{key}-target", placeholder="none",
        help="A value of that score on the test set: how many labels it takes to reach it.",
    )  # fmt: skip
    stops = stop_.checkbox(
        "Stop there", key=f"{key}-stop", disabled=not value,
        help="A curve ends once the target is reached and held for two more batches.",
    )  # fmt: skip
    best = best_.checkbox(
        "Keep the best model", key=f"{key}-best",
        help="Each round is scored by the best model so far, as validation tells.",
    )  # fmt: skip
    patience = patience_.number_input(
        "Patience, rounds", 0, 10**6, 0, key=f"{key}-patience",
        help="A curve ends after so many rounds that are not better on validation; 0 never.",
    )  # fmt: skip
    carries = False
    if any(model.spec(0).learns_in_steps for model in plan.models):
        carries = st.checkbox(
            "Carry weights on", key=f"{key}-weights",
            help="Models that learn in steps go on from the weights of the round before; else they "
            "begin afresh in each.",
        )  # fmt: skip
    target = Target(metric, float(value)) if value else None
    return replace(
        plan, metric=metric, target=target, stops_at_target=bool(stops and target),
        keep_best=best, patience=int(patience), weights="carried" if carries else "fresh",
    )  # fmt: skip


def said_of(plan: SimulationPlan) -> str:
    """A plan in a line, for a person who comes back to it."""
    parts = [
        " / ".join(model_title(model) for model in plan.models),
        " / ".join(strategy_title(name) for name in plan.compared),
        f"{plan.n_initial} labels to begin with, {_STARTS[plan.initial]}",
        f"batches of {plan.batch_size:,}",
        f"{plan.budget:,} asked" if plan.budget is not None else "until the pool is empty",
        f"{plan.n_seeds} seed{'s' if plan.n_seeds > 1 else ''}",
    ]
    sizes = [plan.splits.train, plan.splits.validation, plan.splits.test]
    unit = "%" if plan.splits.mode == "shares" else ""
    parts.append("/".join(f"{size:,g}" for size in sizes) + unit + f", {plan.splits.draw}")
    return plain(" · ".join(parts))
