"""How good a classifier is: its scores over the rounds, in a table, and over the test set."""

from dataclasses import replace
from itertools import pairwise

import streamlit as st

from al_engine.learning.metrics import Score, Scores
from al_engine.session import LabellingSession, State
from pages.components import state as tab
from pages.components.charts import METRICS, TITLES, confusion_matrix, is_break, score_plot
from pages.components.page import draw_again
from pages.components.words import counted, plain

NOTE_HEIGHT_PX = 74


def draw_score_plot(session: LabellingSession, state: State) -> None:
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


def draw_scores(session: LabellingSession, state: State) -> None:
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
    n_hidden = len(state.history.kept_back)
    others = f"; {n_hidden:,} that others labelled, of all cells, not listed" if n_hidden else ""
    st.caption(f"{counted(len(rows), 'object')}: {actual}, predicted {predicted}{others}")
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


def draw_test_results(session: LabellingSession, state: State) -> None:
    """Test scores behind one deliberate step."""
    st.markdown(
        "The test set is for the end: every look at it while you still choose makes its scores "
        "worth less. Until then, use validation."
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
