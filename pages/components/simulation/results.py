"""What a simulation came to, or has come to so far."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from al_engine.session import LabellingSession
from al_engine.settings.target import METRICS
from al_engine.showing.simulated import (
    asked,
    bands,
    by_labels,
    curve_of,
    ends_differ,
    full_supervision,
    gains,
    ground,
    levels,
    pairs,
    range_compared,
    table,
    verdicts,
)
from al_engine.simulating.kept import Kept
from al_engine.simulating.titles import pair_title
from pages.components import charts
from pages.components.charts import TITLES
from pages.components.simulation.figures import (
    CONFIG,
    HEIGHT_PX,
    curves_traces,
    matrix_figure,
    queries_figure,
)
from pages.components.words import plain

_COUNTS = {"false_positives": "False positives", "false_negatives": "False negatives"}
_AREA = (
    "The mean of the score over the labels that all curves go through ({0}): the area under the "
    "curve, over its width. Mean over seeds with its 95% interval."
)
_GAIN = (
    "The difference of the areas under both curves, over their width, seed by seed on the same "
    "objects: it counts every label, whether the score of full supervision is reached or not."
)
_LABELS = (
    "Labels until the score reaches this and is still there after two more batches: the mean over "
    "seeds with its 95% interval. Where some seeds do not get there, what that mean is at least, "
    "and how many do."
)
_SAVED = (
    "How many labels fewer than random choice, seed by seed on the same objects: the mean with its "
    "95% interval. ≥ where random choice does not get there in some seed, ≤ where the strategy "
    "does not; 'in 3 of 5' is of the seeds where both do. 'None shown' where the interval is not "
    "above 0."
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
    found = bands(kept.plan, numbers, score)
    if not found:
        st.caption("The first curve is on its way.")
        return
    over = "test set" if numbers["full"] else "objects not labelled yet"
    full = full_supervision(kept.plan, numbers, score)
    charts.curves(
        curves_traces(found, full),
        ("labels trained on", f"{TITLES[score]}, {over}"),
        f"curves-{kept.key}-{score}",
        HEIGHT_PX,
    )
    if ends_differ(numbers):
        st.caption("Curves end at different labels: each line goes as far as all of its seeds.")


def savings(kept: Kept, numbers: Mapping[str, Any], score: str) -> str:
    """How many labels are saved, in sentences; the level that was chosen, "" for none."""
    known = levels(numbers)
    if not known:
        st.caption(
            "Without a test set there is no full supervision to compare with. "
            f"{TITLES[score]} over the objects not labelled yet, by number of labels:"
        )
        st.dataframe(by_labels(bands(kept.plan, numbers, score)), hide_index=True)
        _say_gains(numbers, score)
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
        st.markdown(plain(sentence))
    _say_gains(numbers, score)
    return level


def _say_gains(numbers: Mapping[str, Any], score: str) -> None:
    for sentence in gains(numbers, TITLES[score] if score == "f1" else score):
        st.caption(plain(sentence), help=_GAIN)


def numbers_table(numbers: Mapping[str, Any], level: str) -> None:
    """A row for each strategy."""
    rows = table(numbers)
    if not rows:
        return
    columns = {"strategy": "Strategy", "area": "Area under the curve"}
    ends = range_compared(numbers)
    helps = {"area": _AREA.format(f"{ends[0]:,} to {ends[1]:,}" if ends else "none yet")}
    if level:
        to = levels(numbers)[level].replace(" of full supervision", "")
        saved = f"saved_{level}"
        columns |= {level: f"Labels to {to}", saved: "Saved over random"}
        helps |= {level: _LABELS, saved: _SAVED}
    if ends_differ(numbers):
        columns["n_labelled"] = "Labels at the end"
        helps["n_labelled"] = "Where curves ended: mean over seeds, 95% interval."
    # Of all labels at once every wrong prediction is one of each kind.
    counts = _COUNTS if numbers["settings"]["positive"] else {"false_negatives": "Wrong"}
    columns |= {name: f"{title} at the end" for name, title in counts.items()}
    for name, title in counts.items():
        helps[name] = f"{title} in the last round of a curve: mean over seeds, 95% interval."
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
    every = pairs(kept.plan)
    pair_, seed_, round_ = st.columns([3, 1, 4], vertical_alignment="bottom")
    pair = pair_.selectbox(
        "Where it asked", every, min(1, len(every) - 1), key=f"asked-{kept.key}",
        format_func=lambda each: pair_title(kept.plan, *each),
        help="One strategy and one seed: the objects it asked about, on the project's axes.",
    )  # fmt: skip
    seed = seed_.selectbox(
        "Seed", range(kept.plan.n_seeds), format_func=lambda n: str(n + 1), key=f"seed-{kept.key}"
    )
    # Of curves that are over alone: one that grew would put the slider back at every batch.
    curve = curve_of(numbers, pair, seed)
    if curve is None:
        st.caption("This curve is not through yet.")
        return
    n_rounds = len(curve["n_labelled"])
    last = n_rounds - 1
    if n_rounds > 1:
        last = round_.slider(
            "Up to batch", 0, n_rounds - 1, n_rounds - 1,
            key=f"round-{kept.key}-{every.index(pair)}-{seed}",
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
