"""How good a classifier is: its scores over the rounds, in a table, and over the test set."""

from dataclasses import replace
from itertools import pairwise

import streamlit as st

from al_engine.curating.models import scores_of_test_set
from al_engine.learning.metrics import Score, Scores
from al_engine.loop.best import is_out_of_patience
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ALL_LABELS
from al_engine.settings.target import METRICS
from al_engine.showing.targets import approach
from pages.components import state as tab
from pages.components.charts import TITLES, confusion_matrix, is_break, score_plot
from pages.components.page import draw_again
from pages.components.targets import target_line
from pages.components.words import counted, plain

NOTE_HEIGHT_PX = 74
FEW = 10  # objects of a label, under which its scores say little


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
    present = session.state(label)
    rounds, best = present.rounds, present.best
    scored = [r for r in rounds if r.scores is not None]
    gaps = any(is_break(*pair) for pair in pairwise(scored))
    asked = "gaps: another test set" if gaps else "click a point"  # one line holds no more
    means = "macro means, " if label == ALL_LABELS else ""
    by = present.setup.best_by
    starred = ", ★ best" if best is not None and by in (chosen or ["f1"]) else ""
    legend = f"Solid {solid}, dotted training{starred}; {means}{asked}."
    if (found := approach(session, present)) is not None:
        target_line(found, present, legend)  # one line holds no more, and two push the plot down
    else:
        st.caption(legend)
    number = score_plot(
        rounds, chosen or ["f1"], f"scores-{label}", state.past,
        None if best is None else (best.number, by),
        present.setup.target,
    )  # fmt: skip
    if number is not None:
        tab.look_at_round(label, None if number == len(rounds) - 1 else number)
        draw_again()


def say_patience(state: State) -> None:
    """Where the set-up's patience is at an end: for how long no round was better."""
    best, patience = state.best, state.setup.patience
    if best is None or not is_out_of_patience(best, patience):
        return
    by = TITLES[state.setup.best_by]
    st.badge(
        f"no better {by} for {counted(best.n_since, 'round')}",
        color="orange",
        help=f"The best was round {best.number} with {by} {best.value:.3f} on validation, over "
        f"{counted(best.n_objects, 'object')}; {best.n_compared:,} rounds were compared. Your "
        f"patience is {counted(patience, 'round')}, in the set-up. You may stop here or go on: "
        "nothing is stopped.",
    )


def draw_scores(session: LabellingSession, state: State) -> None:
    if state.scores is None:
        st.caption("No scores yet: they come with the first label.")
        return
    before = state.before
    columns = {
        ("Training, biased" if state.trained_share > 0.5 else "Training"): (
            state.scores.training,
            before.training if before else None,
        ),
        ("Cross-validated" if state.scores.by_folds else "Validation"): (
            state.scores.validation,
            before.validation if before else None,
        ),
    }
    is_over_all = state.classifier == ALL_LABELS
    table = st.container()  # above the choice of what it shows
    looked_at = _class_looked_at(session) if is_over_all else None
    if looked_at is not None:
        columns = {
            title: (_of_class(scores, looked_at), _of_class(former, looked_at))
            for title, (scores, former) in columns.items()
        }
    with table, st.container(key="scores"):
        is_macro = is_over_all and looked_at is None
        st.markdown(_table(columns), help=_MACRO_HELP if is_macro else _SCORES_HELP)
    # Of one height, whichever stands there: what is below must not move.
    with st.container(height=NOTE_HEIGHT_PX, border=False, key="scores-note"):
        cell = tab.shown(state.classifier).cell
        if cell is not None:
            _cell_list(session, state, cell)
        else:
            st.caption(_about_scores(state))
    sets = {
        "training": (state.scores.training, before.training if before else None),
        "validation": (state.scores.validation, before.validation if before else None),
    }
    if state.scores.by_folds:
        del sets["validation"]
    sets = {part: found for part, found in sets.items() if found[0] is not None}
    if is_over_all and len(sets) > 1:
        # They are large: one at a time.
        part = st.segmented_control(
            "Matrix of", list(sets), default="validation", required=True,
            format_func=lambda name: f"{name.capitalize()} set",
            key=f"matrix-of-{session.project.slug}", label_visibility="collapsed",
        )  # fmt: skip
        sets = {part: sets[part]}
    for part, (scores, former) in sets.items():
        if scores is not None:
            _matrix(session, state, part, scores, former)


def _class_looked_at(session: LabellingSession) -> str | None:
    """The label whose own scores are shown, None for those of all."""
    values = [label.value for label in session.config.labels_in_use]
    return st.selectbox(
        "Scores of",
        values,
        None,
        format_func=lambda value: plain(session.config.label_name(value)),
        key=f"class-{session.project.slug}",
        placeholder="Macro means of all labels; or choose one",
        label_visibility="collapsed",
    )


def _of_class(scores: Scores | None, value: str) -> Scores | None:
    """The scores of one label against all others."""
    if scores is None or value not in scores.classes:
        return None
    return scores.of_class(scores.classes.index(value))


def _about_scores(state: State) -> str:
    """What has to be known to read the scores rightly."""
    if state.fit is not None and state.fit.is_constant and state.classifier == ALL_LABELS:
        return (
            f"All {counted(state.fit.n_labelled, 'label')} are the same one: the classifier says "
            "it of every object until another is given."
        )
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
    if rare := _n_rare(state):
        return (
            f"{counted(rare, 'label')} with fewer than {FEW} objects in validation: they weigh as "
            "much as any other in macro means, whose intervals may be too narrow then."
        )
    if state.trained_share > 0.5:
        return (
            "Training scores are biased: the model learned from most of the labels that they are "
            f"over ({state.trained_share:.0%})."
        )
    return "Training includes the labels trained on, which flatters it; validation never."


def _n_rare(state: State) -> int:
    """How many of many labels validation hardly knows."""
    found = state.scores.validation if state.scores else None
    if found is None or not found.classes:
        return 0
    return sum(0 < sum(row) < FEW for row in found.confusion)


_MACRO_HELP = (
    "Accuracy is the share of objects that are predicted rightly, with its Wilson interval; n "
    "counts those with a known label. Precision (purity), recall (completeness) and F1 are macro "
    "means: each label weighs the same, however rare. n counts the labels that occur or are "
    "predicted, for recall those that occur; one that is never predicted counts with precision 0. "
    "Their 95% intervals come of those of the labels (Zou and Donner 2008). Beside each score "
    "stands its change since the round before. A label you gave outranks the catalogue's."
)
_SCORES_HELP = (
    "Beside each score stands its change since the round before; below it its 95% interval "
    "(Wilson; for F1 through TP/(TP+FP+FN)) and n, the objects it is a share of: those with a "
    "known label for accuracy, the predicted ones for precision, the actual ones for recall, "
    "either for F1. A label you gave outranks the catalogue's. The training set is the pool plus "
    "the objects trained on."
)


def _matrix(
    session: LabellingSession, state: State, part: str, scores: Scores, former: Scores | None
) -> None:
    label = state.classifier
    shown = tab.shown(label)
    chosen = shown.cell[1:] if shown.cell is not None and shown.cell[0] == part else None
    names = _class_names(session, state, scores)
    cell = confusion_matrix(scores, former, names, part, f"matrix-{part}-{label}", chosen)
    if len(names) > 2:
        cell = _mistake(session, scores, names, part) or cell
    if cell is not None:
        same = shown.cell == (part, *cell)
        tab.show(label, replace(shown, cell=None if same else (part, *cell)))
        draw_again()


def _class_names(session: LabellingSession, state: State, scores: Scores) -> list[str]:
    """The classes of a matrix in words."""
    if scores.classes:
        return [session.config.label_name(value) for value in scores.classes]
    return ["other", session.config.label_name(state.classifier)]


def _mistake(
    session: LabellingSession, scores: Scores, names: list[str], part: str
) -> tuple[int, int] | None:
    """A cell chosen from a list of the mistakes, the most frequent first; every one is there."""
    found = [
        (n, actual, predicted)
        for actual, row in enumerate(scores.confusion)
        for predicted, n in enumerate(row)
        if n and actual != predicted
    ]
    said = {
        f"{names[actual]} taken for {names[predicted]}: {n:,}": (actual, predicted)
        for n, actual, predicted in sorted(found, key=lambda each: -each[0])
    }
    key = f"mistake-{session.project.slug}-{part}"
    chosen = st.selectbox(
        "Mistakes",
        list(said),
        None,
        format_func=plain,
        # With a new key it is empty again: the same one may be chosen once more.
        key=f"{key}-{tab.clicks(key)}",
        placeholder=f"Mistakes by number ({len(said):,} kinds)" if said else "No mistakes",
        disabled=not said,
        label_visibility="collapsed",
    )
    if chosen is None:
        return None
    tab.count_click(key)
    return said[chosen]


def _cell_list(session: LabellingSession, state: State, cell: tuple[str, int, int]) -> None:
    """The objects of the chosen cell; one can be picked from the list."""
    label = state.classifier
    found = state.scores.training if state.scores else None
    names = [] if found is None else _class_names(session, state, found)
    if max(cell[1:]) >= len(names):
        return  # a label was taken away since
    rows = tab.maps().cell_rows(state, cell)
    actual, predicted = (plain(names[code]) for code in cell[1:])
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
        if (scores := scores_of_test_set(session, state.classifier, among)) is not None
    }
    if not found:
        st.caption("No object with a known label is in the test set.")
        return
    with st.container(key="scores-test"):
        is_over_all = state.classifier == ALL_LABELS
        table = _table({title: (scores, None) for title, scores in found.items()})
        st.markdown(table, help=_MACRO_HELP if is_over_all else _SCORES_HELP)
    for title, scores in found.items():
        if scores.classes:
            st.caption(f"{title}: macro means above, each label below. {_TEST_SETS[title]}")
            _by_class(session, scores)
            continue
        (tn, fp), (fn, tp) = scores.confusion
        st.caption(f"{title}: true positives {tp:,}, false positives {fp:,}, false negatives "
                   f"{fn:,}, true negatives {tn:,}. {_TEST_SETS[title]}")  # fmt: skip


def _by_class(session: LabellingSession, scores: Scores) -> None:
    """Purity, completeness and F1 of every label that there is anything to say of."""
    listed = []
    for code, value in enumerate(scores.classes):
        own = scores.of_class(code)
        n = own.recall.n
        if n or own.precision.n:
            line = {"label": session.config.label_name(value), "objects": n}
            shares = {"purity": own.precision, "completeness": own.recall, "F1": own.f1}
            listed.append(line | {title: _in_text(share) for title, share in shares.items()})
    st.dataframe(listed, hide_index=True, row_height=26, height=38 + 26 * min(len(listed), 14))


def _in_text(score: Score) -> str:
    if score.value is None or score.low is None or score.high is None:
        return "undefined"
    return f"{score.value:.3f} ({_short(score.low)}–{_short(score.high)})"


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
