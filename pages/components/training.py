"""One classifier's tab: set up once, then four maps, scores and the question."""

from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.config import ClassifierSetup, MemberSetup
from al_engine.learning.metrics import Score, Scores
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.maps import Shown
from al_engine.session import LabellingSession, State
from al_engine.views.palette import NEUTRAL
from pages.components import loop
from pages.components import state as tab
from pages.components.charts import METRICS, TITLES, confusion_matrix, score_plot
from pages.components.page import draw_again, guard, plain, view
from pages.components.scatter_map import LegendEntry

# Two maps share the height of the window that the rest of the page leaves over.
MAP_HEIGHT_PX, FILL = 214, (0.66, 476)


def draw(session: LabellingSession, label: str) -> None:
    """The set-up while there is none, else the training view."""
    if session.is_started(label):
        training_view(session, label)
    else:
        set_up(session, label)


# -- set-up --


def set_up(session: LabellingSession, label: str) -> None:
    """Choose models and strategies, and how to begin."""
    name = session.config.label_name(label)
    st.subheader(f"A classifier for {plain(name)} against the rest", anchor=False)
    setup = _setup_form(session, label, ClassifierSetup())
    who = st.text_input(
        "Your name", session.who, key=f"who-{label}", max_chars=60, help="Stands beside answers."
    )
    if st.button("Start training", key=f"start-{label}", type="primary"):
        session.who = who.strip() or session.who
        with st.spinner("Training on the first objects, about a second"):
            session.start(label, setup)
        st.rerun()


def _setup_form(session: LabellingSession, label: str, held: ClassifierSetup) -> ClassifierSetup:
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
        tab.keep_draft(key, [*members, MemberSetup("logistic_regression")])
        st.rerun()
    committee = held.committee_strategy
    if len(members) > 1:
        names = list(COMMITTEE_STRATEGIES)
        committee = st.selectbox(
            "The committee asks by",
            names,
            names.index(held.committee_strategy),
            format_func=lambda n: COMMITTEE_STRATEGIES[n].title,
            key=f"{key}-committee",
            help=COMMITTEE_STRATEGIES[held.committee_strategy].help,
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


def _member_row(members: list[MemberSetup], i: int, member: MemberSetup, key: str) -> MemberSetup:
    """One pair of model and strategy, with its hyperparameters."""
    row = f"{key}-{len(members)}-{i}"
    model_, strategy_, params_, remove_ = st.columns([4, 3, 2, 1], vertical_alignment="bottom")
    models, strategies = list(MODELS), list(STRATEGIES)
    model = model_.selectbox(
        "Model",
        models,
        models.index(member.model),
        format_func=lambda name: MODELS[name].title,
        key=f"{row}-model",
        help=MODELS[member.model].help,
    )
    strategy = strategy_.selectbox(
        "Query strategy",
        strategies,
        strategies.index(member.strategy),
        format_func=lambda name: STRATEGIES[name].title,
        key=f"{row}-strategy",
        disabled=len(members) > 1,
        help=STRATEGIES[member.strategy].help,
    )
    params: dict[str, Any] = {}
    with params_, st.popover("Hyperparameters", width="stretch"):
        for param in MODELS[model].params:
            default = member.params.get(param.name, param.default)
            params[param.name] = _param(param, default, f"{row}-{model}-{param.name}")
        if not MODELS[model].params:
            st.caption("None to set.")
    if len(members) > 1 and remove_.button(
        "", key=f"{row}-remove", icon=":material/close:", help="Remove this model"
    ):
        tab.keep_draft(key, members[:i] + members[i + 1 :])
        st.rerun()
    changed = {k: v for k, v in params.items() if v != _default(model, k)}
    return MemberSetup(model, strategy, changed)


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


# -- the training view --


@view
def training_view(session: LabellingSession, label: str) -> None:
    """Maps and scores of this round, and the question; drawn again by itself at each answer."""
    with guard():
        loop.deal_with_events(session, label)
    state = loop.current(session, label)
    _top_line(session, state)
    left, middle, right = st.columns([5, 5, 4.4], gap="small")
    shown = tab.shown(label)
    legend = loop.correctness_legend(state, shown)
    marks = (LegendEntry("trained on", "", "ring"), LegendEntry("queried", loop.QUERIED, "star"))
    some_unlabelled = shown.unlabelled and tab.maps().has_unlabelled(state)
    unlabelled = (LegendEntry("no label", NEUTRAL),) if some_unlabelled else ()
    group = f"training-{session.project.slug}-{label}"
    with left:
        loop.draw_map(
            session, state, "training", _title(state, "Training set"), MAP_HEIGHT_PX, FILL,
            group=group, legend=(*legend, *unlabelled),
        )  # fmt: skip
        loop.draw_map(
            session, state, "validation", _title(state, "Validation set"), MAP_HEIGHT_PX, FILL,
            group=group,
        )  # fmt: skip
    with middle:
        loop.draw_map(
            session, state, "metric", f"Metric: {_metric_name(state)}", MAP_HEIGHT_PX, FILL,
            group=group, legend=(*_metric_legend(state), *marks),
        )  # fmt: skip
        _score_plot(session, state)
    with right:
        _scores(session, state)
    loop.ask(session, state)


def _top_line(session: LabellingSession, state: State) -> None:
    label = state.classifier
    with st.container(horizontal=True, vertical_alignment="center", key="top-line"):
        history = state.history
        given = len(history.given)
        parts = [
            f"**{len(history.trained)} points trained on**"
            + (f" ({given} from the catalogue)" if given else ""),
            f"{state.n_pool:,} in the pool",
        ]
        if history.unsure:
            parts.append(f"{len(history.unsure)} unsure")
        if history.validated:
            parts.append(f"{len(history.validated)} random, for validation")
        st.markdown(" · ".join(parts), help=_TRAINING_SET)
        if state.past is not None:
            st.badge(f"round {state.past}", color="orange")
            if st.button("Back to the present", key=f"present-{label}"):
                tab.look_at_round(label, None)
                draw_again()
        with st.popover("Show"):
            _show_menu(label)
        with st.popover("Set-up"):
            _change_setup(session, state)
        saved = session.is_checkpointed(state)
        if st.button(
            "Checkpointed" if saved else "Checkpoint",
            key=f"checkpoint-{label}",
            disabled=saved or state.fit is None or state.past is not None,
            help="Keep the model of this round beside the later ones; once a round.",
        ):
            path = session.checkpoint(label)
            tab.note(label, f"Saved {path.name}")
            draw_again()
        with st.popover("Test results"):
            _test_results(session, state)
    if state.fit is not None and state.fit.is_constant:
        st.warning(
            f"All {state.fit.n_labelled} labels are on one side of the question, so the classifier "
            "says the same of every object. It learns once both sides are labelled.",
            icon=":material/info:",
        )


_TRAINING_SET = (
    "The training set is the pool plus the points trained on: every object that may be asked "
    "about or has been. Validation and test objects never train."
)


def _show_menu(label: str) -> None:
    shown = tab.shown(label)
    key = f"show-{label}"
    new = Shown(
        st.checkbox("Correct", shown.correct, key=f"{key}-correct"),
        st.checkbox("Incorrect", shown.incorrect, key=f"{key}-incorrect"),
        st.checkbox("No label", shown.unlabelled, key=f"{key}-unlabelled"),
        st.checkbox("Trained on", shown.trained_on, key=f"{key}-trained"),
        st.checkbox("Queried", shown.queried, key=f"{key}-queried"),
        shown.cell,
    )
    schemes = {"blue_orange": "Blue and orange", "red_green": "Green and red"}
    colours = st.radio(
        "Colours",
        list(schemes),
        list(schemes).index(tab.colours()),
        format_func=lambda name: schemes[name],
        key=f"{key}-colours",
        help="Blue and orange are told apart by colour-blind readers.",
    )
    if new != shown or colours != tab.colours():
        tab.show(label, new)
        tab.choose_colours(colours)
        draw_again()


def _change_setup(session: LabellingSession, state: State) -> None:
    setup = state.setup
    pairs = [
        f"{MODELS[m.model].title} with {STRATEGIES[m.strategy].title.lower()}"
        if len(setup.members) == 1
        else MODELS[m.model].title
        for m in setup.members
    ]
    st.markdown(" + ".join(pairs))
    edited = _setup_form(session, state.classifier, setup)
    if st.button(
        "Use this set-up",
        key=f"change-{state.classifier}",
        type="primary",
        help="Trains on all labels given so far; earlier rounds of other models are not shown.",
    ):
        session.start(state.classifier, edited)
        draw_again()


def _test_results(session: LabellingSession, state: State) -> None:
    """Test scores behind one deliberate step."""
    st.markdown(
        "The test set is for the end: every look at it while you still choose makes its scores "
        "less worth. Until then, use validation."
    )
    if state.fit is None or state.past is not None:
        st.caption("There is no present model to test.")
        return
    if st.button("Show the test results of this round", key=f"test-{state.classifier}"):
        scores = session.test_scores(state.classifier)
        if scores is None:
            st.caption("No object with a known label is in the test set.")
        else:
            st.markdown(_table({"Test set": (scores, None)}))
            (tn, fp), (fn, tp) = scores.confusion
            st.caption(f"True positives {tp:,}, false positives {fp:,}, false negatives {fn:,}, "
                       f"true negatives {tn:,}.")  # fmt: skip


def _title(state: State, name: str) -> str:
    cell = tab.shown(state.classifier).cell
    wanted = "training" if name == "Training set" else "validation"
    return f"{name}: one cell of its matrix" if cell and cell[0] == wanted else name


def _metric_name(state: State) -> str:
    if state.fit is None:
        return "none yet"
    name = state.fit.strategy
    found = COMMITTEE_STRATEGIES.get(name) or STRATEGIES.get(name)
    return found.title.lower() if found else name


def _metric_legend(state: State) -> tuple[LegendEntry, ...]:
    low, high = tab.maps().metric_range(state)
    if state.fit is None:
        return ()
    dark, bright = "#440154", "#FDE725"
    leave, ask = (dark, bright) if loop.value_colours() == "viridis" else (bright, dark)
    return (LegendEntry(f"{low:.2g} leave", leave), LegendEntry(f"{high:.2g} ask", ask))


def _score_plot(session: LabellingSession, state: State) -> None:
    label = state.classifier
    with st.container(key="scores-drawn"):
        chosen = st.pills(
            "Scores drawn",
            METRICS,
            selection_mode="multi",
            default=["f1", "accuracy"],
            format_func=lambda name: TITLES[name],
            key=f"metrics-{label}",
            label_visibility="collapsed",
        )
    st.caption("Solid validation, dotted training; click a point.")
    rounds = session.state(label).rounds
    number = score_plot(rounds, chosen or ["f1"], f"scores-{label}", state.past)
    if number is not None:
        tab.look_at_round(label, None if number == len(rounds) - 1 else number)
        draw_again()


def _scores(session: LabellingSession, state: State) -> None:
    if state.scores is None:
        st.caption("No scores yet: they come with the first label.")
        return
    name = session.config.label_name(state.classifier)
    before = state.before
    columns = {
        ("Training, biased" if state.chosen_share > 0.5 else "Training"): (
            state.scores.training,
            before.training if before else None,
        ),
        ("By folds" if state.scores.by_folds else "Validation"): (
            state.scores.validation,
            before.validation if before else None,
        ),
    }
    with st.container(key="scores"):
        st.markdown(_table(columns), help=_SCORES_HELP)
    if state.scores.by_folds:
        st.caption(
            plain(state.scores.reason)
            or "Validation holds under 30 objects: these are cross-validated over the labelled "
            "set, which was chosen by the model and so is not a fair sample."
        )
    elif state.chosen_share > 0.5:
        st.caption("Training scores are biased: most of its labels were chosen by the model.")
    else:
        st.caption("Training includes the points trained on, which flatters it; validation never.")
    for part, scores in (
        ("training", state.scores.training),
        ("validation", state.scores.validation),
    ):
        if scores is None or (part == "validation" and state.scores.by_folds):
            continue
        _matrix(state, part, scores, name)


_SCORES_HELP = (
    "n is the number of objects with a known label; a label you gave outranks the catalogue's. "
    "± is half of the 95% interval (Wilson; for F1 through TP/(TP+FP+FN)); then comes the change "
    "since the round before. The training set is the pool plus the points trained on."
)


def _matrix(state: State, part: str, scores: Scores, name: str) -> None:
    label = state.classifier
    shown = tab.shown(label)
    chosen = shown.cell[1:] if shown.cell is not None and shown.cell[0] == part else None
    cell = confusion_matrix(scores, name, part, f"matrix-{part}-{label}", chosen)
    if cell is not None:
        same = shown.cell == (part, *cell)
        tab.show(label, replace(shown, cell=None if same else (part, *cell)))
        draw_again()
    if chosen is not None:
        _cell_list(state, (part, *chosen), name)


def _cell_list(state: State, cell: tuple[str, int, int], name: str) -> None:
    """The objects of the chosen cell; one can be picked from the list."""
    label = state.classifier
    rows = tab.maps().cell_rows(state, cell)
    actual, predicted = (plain(name) if side else "other" for side in cell[1:])
    st.markdown(f"{len(rows):,} objects: {actual}, predicted {predicted}")
    session = tab.session()
    if session is not None and len(rows):
        ids = dict(zip(session.object_ids(rows[:200]), rows[:200].tolist(), strict=True))
        picked = st.selectbox(
            "Pick one", list(ids), None, key=f"cell-{label}-{cell}-{len(rows)}",
            placeholder="Pick an object" + (" (first 200)" if len(rows) > 200 else ""),
            label_visibility="collapsed",
        )  # fmt: skip
        if picked is not None and tab.draft("picked") != (cell, picked):
            tab.keep_draft("picked", (cell, picked))
            tab.select(label, ids[picked])
            draw_again()
    if st.button("Show all objects again", key=f"all-{label}-{cell}"):
        tab.show(label, replace(tab.shown(label), cell=None))
        draw_again()


def _table(columns: dict[str, tuple[Scores | None, Scores | None]]) -> str:
    """Scores as a small table: value, half of the interval, change since the round before."""
    lines = ["| |" + "|".join(f" {title} " for title in columns) + "|"]
    lines.append("|---|" + "--:|" * len(columns))
    counts = [f"{scores.n:,}" if scores else "–" for scores, _ in columns.values()]
    lines.append("| n |" + "|".join(counts) + "|")
    for metric in METRICS:
        cells = [
            _cell(
                getattr(scores, metric) if scores else None,
                getattr(before, metric) if before else None,
            )
            for scores, before in columns.values()
        ]
        lines.append(f"| {TITLES[metric]} |" + "|".join(cells) + "|")
    return "\n".join(lines)


def _cell(score: Score | None, before: Score | None) -> str:
    if score is None or score.value is None or score.low is None or score.high is None:
        return "undefined"
    text = f"**{score.value:.3f}** ±{(score.high - score.low) / 2:.3f}".replace("±0.", "±.")
    if before is not None and before.value is not None:
        text += f" {score.value - before.value:+.3f}"
    return text
