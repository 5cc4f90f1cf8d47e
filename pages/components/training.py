"""One classifier's tab: set up once, then four maps, scores and the question."""

from dataclasses import replace
from itertools import pairwise

import streamlit as st

from al_engine.errors import AlEngineError
from al_engine.learning.metrics import Score, Scores
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import STRATEGIES, strategy_in_force
from al_engine.session import LabellingSession, State
from al_engine.showing.maps import Shown
from al_engine.views.palette import NEUTRAL, colour_table
from pages.components import loop
from pages.components import state as tab
from pages.components.charts import METRICS, TITLES, confusion_matrix, is_break, score_plot
from pages.components.page import draw_again, link, view
from pages.components.scatter_map import LegendEntry
from pages.components.setup import set_up, setup_form
from pages.components.words import counted, plain

SETTINGS = "pages/1_Settings.py"
# Two maps share the height of the window that the rest of the page leaves over.
MAP_HEIGHT_PX, FILL = 214, (0.5, 360)
NOTE_HEIGHT_PX = 74


def draw(session: LabellingSession, label: str) -> None:
    """The set-up while there is none, else the training view."""
    if session.is_started(label):
        training_view(session, label)
    else:
        set_up(session, label)


@view
def training_view(session: LabellingSession, label: str) -> None:
    """Maps and scores of this round, and the question; drawn again by itself at each answer."""
    fault = session.fault(label)
    if fault is not None:
        _repair(session, label, fault)
        return
    state = loop.current(session, label)
    _top_line(session, state)
    left, middle, right = st.columns([5, 5, 4.4], gap="small")
    shown = tab.shown(label)
    legend = loop.correctness_legend(state, shown)
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
            group=group, legend=_metric_legend(state),
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
        n_points = len(history.trained)
        if state.config.people.is_blind and state.fit is not None:
            n_points = state.fit.n_labelled  # of which only one's own are in sight
        parts = [
            f"**{counted(n_points, 'point')} trained on**"
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
        with st.popover("Show"):
            _show_menu(label)
        # Its key counts the set-ups used: with a new key it stands closed again.
        used = f"setup-used-{label}"
        with st.popover("Set-up", key=f"{used}-{tab.clicks(used)}"):
            if _change_setup(session, state):
                tab.count_click(used)
                draw_again()
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


_TRAINING_SET = (
    "The training set is the pool plus the points trained on: every object that may be asked "
    "about or has been. Validation and test objects never train."
)


def _show_menu(label: str) -> None:
    shown = tab.shown(label)
    key = f"show-{tab.project_slug()}-{label}"
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


def _change_setup(session: LabellingSession, state: State) -> bool:
    """The set-up in force, to be changed; True once another is used."""
    setup = state.setup
    pairs = [
        f"{MODELS[m.model].title} with {STRATEGIES[m.strategy].title.lower()}"
        if len(setup.members) == 1
        else MODELS[m.model].title
        for m in setup.members
    ]
    st.markdown(plain(" + ".join(pairs)))
    return _set_up_anew(session, state.classifier)


def _set_up_anew(session: LabellingSession, label: str) -> bool:
    """The form of another set-up; True once it is used."""
    edited = setup_form(session, label, session.config.setups[label], begun=True)
    if st.button(
        "Use this set-up",
        key=f"change-{label}",
        type="primary",
        help="Trains on all labels given so far; earlier rounds of other models are not shown.",
    ):
        with st.spinner("Training on all labels so far"):
            changed = session.start(label, edited)
        n = len(edited.members)
        models = f"a committee of {n}" if n > 1 else MODELS[edited.members[0].model].title
        labels = counted(len(changed.history.trained), "label")
        tab.note(label, f"Trained {models} on {labels}")
        return True
    return False


def _repair(session: LabellingSession, label: str, fault: AlEngineError) -> None:
    """Why there is no round, and the set-up, which may be what has to be changed."""
    name = plain(session.config.label_name(label))
    st.subheader(f"The classifier for {name} cannot be trained now", anchor=False)
    st.error(plain(fault), icon=":material/error:")
    st.markdown("Every label is kept. Choose another set-up here, or other features in Settings.")
    link(SETTINGS, "Go to Settings", icon=":material/tune:")
    if _set_up_anew(session, label):
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
    if not st.button("Show the test results of this round", key=f"test-{state.classifier}"):
        return
    found = {
        title: scores
        for title, among in _test_sets(session, state).items()
        if (scores := session.test_scores(state.classifier, among)) is not None
    }
    if not found:
        st.caption("No object with a known label is in the test set.")
        return
    with st.container(key="scores-test"):
        table = _table({title: (scores, None) for title, scores in found.items()})
        st.markdown(table, help=_SCORES_HELP)
    for title, scores in found.items():
        (tn, fp), (fn, tp) = scores.confusion
        st.caption(f"{title}: true positives {tp:,}, false positives {fp:,}, false negatives "
                   f"{fn:,}, true negatives {tn:,}. {_TEST_SETS[title]}")  # fmt: skip


_TEST_SETS = {
    "Test set": "",
    "Audit sample": "Drawn from the whole catalogue, so these hold for all of it.",
    "Chosen objects": "Drawn by criteria, chosen or from a file, so these hold only for objects "
    "like them, not for the catalogue.",
}


def _test_sets(session: LabellingSession, state: State) -> dict[str, frozenset[int] | None]:
    """What is scored apart, because it tells of other objects; None for the whole test set."""
    if not state.config.splits.curated:
        return {"Test set": None}
    curated = session.project.curated()
    labelled = frozenset(curated.labels)
    return {
        "Audit sample": labelled & curated.audit,
        "Chosen objects": labelled - curated.audit,
    }


def _title(state: State, name: str) -> str:
    cell = tab.shown(state.classifier).cell
    wanted = "training" if name == "Training set" else "validation"
    return f"{name}: one cell of its matrix" if cell and cell[0] == wanted else name


def _metric_name(state: State) -> str:
    if state.fit is None:
        return "none yet"
    found = strategy_in_force(state.fit.strategy)
    # One that chooses by itself gives no number to the others.
    return plain(found.title.lower()) if found.from_proba is not None else "uncertainty"


def _metric_legend(state: State) -> tuple[LegendEntry, ...]:
    low, high = tab.maps().metric_range(state)
    if state.fit is None:
        return (LegendEntry("no model yet", NEUTRAL),)
    table = colour_table(loop.value_colours())
    leave, ask = ("#" + bytes(table[end]).hex() for end in (0, -1))
    return (LegendEntry(f"{low:.2g} ask last", leave), LegendEntry(f"{high:.2g} ask first", ask))


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
    solid = "cross-validated" if state.scores and state.scores.by_folds else "validation"
    rounds = session.state(label).rounds
    scored = [r for r in rounds if r.scores is not None]
    gaps = any(is_break(*pair) for pair in pairwise(scored))
    asked = "gaps: another test set" if gaps else "click a point"  # one line holds no more
    st.caption(f"Solid {solid}, dotted training; {asked}.")
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
        ("Cross-validated" if state.scores.by_folds else "Validation"): (
            state.scores.validation,
            before.validation if before else None,
        ),
    }
    with st.container(key="scores"):
        st.markdown(_table(columns), help=_SCORES_HELP)
    # Of one height, whichever stands there: what is below must not move.
    with st.container(height=NOTE_HEIGHT_PX, border=False, key="scores-note"):
        cell = tab.shown(state.classifier).cell
        if cell is not None:
            _cell_list(session, state, cell, name)
        else:
            st.caption(_about_scores(state))
    for part, scores, former in (
        ("training", state.scores.training, before.training if before else None),
        ("validation", state.scores.validation, before.validation if before else None),
    ):
        if scores is None or (part == "validation" and state.scores.by_folds):
            continue
        _matrix(state, part, scores, former, name)


def _about_scores(state: State) -> str:
    """What has to be known to read the scores rightly."""
    if state.fit is not None and state.fit.is_constant:
        return (
            f"All {counted(state.fit.n_labelled, 'label')} are on one side of the question: the "
            "classifier says the same of every object until both sides are labelled."
        )
    if state.scores is not None and state.scores.by_folds:
        return plain(state.scores.reason) or (
            "Validation holds under 30 objects: these are cross-validated over the labelled set, "
            "which was chosen by the model and so is not a fair sample."
        )
    if state.chosen_share > 0.5:
        return "Training scores are biased: most of its labels were chosen by the model."
    return "Training includes the points trained on, which flatters it; validation never."


_SCORES_HELP = (
    "Beside each score stands its change since the round before; below it its 95% interval "
    "(Wilson; for F1 through TP/(TP+FP+FN)) and n, the objects it is a share of: those with a "
    "known label for accuracy, the predicted ones for precision, the actual ones for recall, "
    "either for F1. A label you gave outranks the catalogue's. The training set is the pool plus "
    "the points trained on."
)


def _matrix(state: State, part: str, scores: Scores, former: Scores | None, name: str) -> None:
    label = state.classifier
    shown = tab.shown(label)
    chosen = shown.cell[1:] if shown.cell is not None and shown.cell[0] == part else None
    cell = confusion_matrix(scores, former, name, part, f"matrix-{part}-{label}", chosen)
    if cell is not None:
        same = shown.cell == (part, *cell)
        tab.show(label, replace(shown, cell=None if same else (part, *cell)))
        draw_again()


def _cell_list(
    session: LabellingSession, state: State, cell: tuple[str, int, int], name: str
) -> None:
    """The objects of the chosen cell; one can be picked from the list."""
    label = state.classifier
    rows = tab.maps().cell_rows(state, cell)
    actual, predicted = (plain(name) if side else "other" for side in cell[1:])
    st.caption(f"{counted(len(rows), 'object')}: {actual}, predicted {predicted}")
    pick, close = st.columns([5, 1], gap="small")
    ids = dict(zip(session.object_ids(rows[:200]), rows[:200].tolist(), strict=True))
    picked = pick.selectbox(
        "Pick one", list(ids), None, key=f"cell-{label}-{cell}-{len(rows)}", disabled=not ids,
        placeholder="Pick an object" + (" (first 200)" if len(rows) > 200 else ""),
        label_visibility="collapsed",
    )  # fmt: skip
    if picked is not None and tab.draft("picked") != (cell, picked):
        tab.keep_draft("picked", (cell, picked))
        tab.select(label, ids[picked])
        draw_again()
    if close.button(
        "", key=f"all-{label}-{cell}", icon=":material/close:", help="Show all objects again"
    ):
        tab.show(label, replace(tab.shown(label), cell=None))
        draw_again()


def _table(columns: dict[str, tuple[Scores | None, Scores | None]]) -> str:
    """Scores as a small table: value and change; below them the interval and n."""
    lines = ["| |" + "|".join(f" {title} " for title in columns) + "|"]
    lines.append("|---|" + "--:|" * len(columns))
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
    text = f"**{score.value:.3f}**"
    if before is not None and before.value is not None:
        # Adding 0 turns the -0.0 of a loss too small to show into 0.0.
        text += f" {round(score.value - before.value, 3) + 0.0:+.3f}"
    return f"{text} :small[{_short(score.low)}–{_short(score.high)} n {score.n:,}]"


def _short(share: float) -> str:
    return f"{share:.3f}".removeprefix("0")
