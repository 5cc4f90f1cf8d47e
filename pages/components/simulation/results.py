"""What a simulation came to, or has come to so far."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from al_engine.session import LabellingSession
from al_engine.showing.simulated import (
    asked,
    bands,
    by_labels,
    curve_of,
    full_supervision,
    ground,
    levels,
    table,
    verdicts,
)
from al_engine.simulating.kept import Kept
from pages.components.charts import METRICS, TITLES
from pages.components.simulation.figures import (
    CONFIG,
    HEIGHT_PX,
    curves_figure,
    matrix_figure,
    queries_figure,
)
from pages.components.words import plain

_COUNTS = {"false_positives": "False positives", "false_negatives": "False negatives"}
_AREA = (
    "The mean of the score over the labels of the budget: the area under the curve, over its "
    "width. Mean over seeds with its 95% interval."
)
_LABELS = (
    "Labels until the score reaches this and is still there after two more batches. Mean over the "
    "seeds that get there, with its 95% interval; how many do, where not all."
)
_SAVED = (
    "How many labels fewer than random choice, seed by seed on the same objects: the mean with its "
    "95% interval. 'None shown' where the interval holds 0 or less. ≥ where random choice did not "
    "get there within the budget in some seed, and ≤ where the strategy did not."
)


def choose_score(kept: Kept) -> str:
    """The score that everything is counted by."""
    chosen: str = st.segmented_control(
        "Score",
        METRICS,
        default=kept.plan.metric,
        required=True,
        format_func=lambda name: TITLES[name],
        key=f"score-{kept.key}",
        label_visibility="collapsed",
        help="Curves, areas and labels are counted by this score.",
    )
    return chosen


def curves(kept: Kept, numbers: Mapping[str, Any], score: str) -> None:
    """The learning curves, with full supervision across."""
    found = bands(numbers, score, is_running=kept.state == "running")
    if not found:
        st.caption("The first curve is on its way.")
        return
    over = "test set" if numbers["full"] else "objects not labelled yet"
    figure = curves_figure(found, full_supervision(numbers, score), f"{TITLES[score]}, {over}")
    st.plotly_chart(figure, config=CONFIG)


def savings(kept: Kept, numbers: Mapping[str, Any], score: str) -> str:
    """How many labels are saved, in sentences; the level that was chosen, "" for none."""
    known = levels(numbers)
    if not known:
        st.caption(
            "Without a test set there is no full supervision to compare with. "
            f"{TITLES[score]} over the objects not labelled yet, by number of labels:"
        )
        found = bands(numbers, score, is_running=kept.state == "running")
        st.dataframe(by_labels(found), hide_index=True)
        return ""
    usual = "labels_to_target" if "labels_to_target" in known else "labels_to_95"
    level: str = st.segmented_control(
        "On the way to",
        list(known),
        default=usual,
        required=True,
        format_func=lambda name: known[name].replace(" of full supervision", ""),
        key=f"level-{kept.key}",
        help="Shares are of the score of full supervision, of the same model and seed.",
    )
    for sentence in verdicts(numbers, level):
        st.markdown(plain(sentence[:1].upper() + sentence[1:]))
    return level


def numbers_table(numbers: Mapping[str, Any], level: str) -> None:
    """A row for each strategy."""
    rows = table(numbers)
    if not rows:
        return
    columns = {"strategy": "Strategy", "area": "Area under the curve"}
    helps = {"area": _AREA}
    if level:
        to = levels(numbers)[level].replace(" of full supervision", "")
        saved = f"saved_{level}"
        columns |= {level: f"Labels to {to}", saved: "Saved over random"}
        helps |= {level: _LABELS, saved: _SAVED}
    columns |= {name: f"{title} at the end" for name, title in _COUNTS.items()}
    for name, title in _COUNTS.items():
        helps[name] = f"{title} once the budget is spent: mean over seeds, 95% interval."
    st.dataframe(
        [{title: row.get(name, "") for name, title in columns.items()} for row in rows],
        hide_index=True,
        column_config={
            title: st.column_config.TextColumn(title, help=helps.get(name))
            for name, title in columns.items()
        },
    )


def one_curve(session: LabellingSession, kept: Kept, numbers: Mapping[str, Any]) -> None:
    """Where one curve asked, round by round, and what its model took for what at the end."""
    names = list(numbers["summary"])
    if not names:
        return
    seeds = sorted({curve["seed"] for curve in numbers["curves"]})
    pair_, seed_, round_ = st.columns([3, 1, 4], vertical_alignment="bottom")
    name = pair_.selectbox(
        "Where it asked", names, min(1, len(names) - 1), key=f"asked-{kept.key}",
        help="One strategy and one seed: the objects it asked about, on the project's axes.",
    )  # fmt: skip
    seed = seed_.selectbox("Seed", seeds, format_func=lambda n: str(n + 1), key=f"seed-{kept.key}")
    curve = curve_of(numbers, name, seed)
    if curve is None:
        st.caption("This seed has not come to it yet.")
        return
    n_rounds = len(curve["n_labelled"])
    last = n_rounds - 1
    if n_rounds > 1:
        last = round_.slider(
            "Up to batch", 0, n_rounds - 1, n_rounds - 1, key=f"round-{kept.key}-{name}-{seed}",
            help="Batch 0 is what was labelled to begin with. The last one shown is ringed.",
        )  # fmt: skip
    map_, matrix_ = st.columns([3, 2])
    drawn = ground(session.project, 900, 2 * HEIGHT_PX)
    with map_:
        if drawn is None:
            st.caption("Choose two axes in Settings to see where it asked.")
        else:
            found = asked(session.project, curve["queried"], last)
            st.plotly_chart(queries_figure(drawn, found, last), config=CONFIG)
    with matrix_:
        config = session.config
        shown = [_class_name(config, value) for value in numbers["settings"]["classes"]]
        st.plotly_chart(matrix_figure(curve["confusion"], shown), config=CONFIG)
        over = "the test set" if numbers["full"] else "what was not labelled"
        st.caption(f"At the end of the curve, {curve['n_labelled'][-1]:,} labels: over {over}.")


def _class_name(config: Any, value: str) -> str:
    if value.startswith("not "):
        return f"not {config.label_name(value.removeprefix('not '))}"
    return str(config.label_name(value))
