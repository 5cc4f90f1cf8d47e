"""How far a classifier's probabilities are to be believed, and from which one on they count.

Owns the panel; what stands in it is tried until it is put in force for the saved model.
"""

from dataclasses import replace

import streamlit as st

from al_engine.learning.metrics import Score
from al_engine.learning.thresholds import best
from al_engine.loop.calibrating import ENOUGH_OF_A_SIDE, Calibrated
from al_engine.loop.truth import ENOUGH_TO_VALIDATE
from al_engine.settings.config import ALL_LABELS, ClassifierSetup
from pages.components import state as tab
from pages.components.charts import reliability_plot, threshold_plot
from pages.components.page import draw_again
from pages.components.panels.spot import Spot
from pages.components.words import plain

_METHODS = {"none": "As the model says", "sigmoid": "Sigmoid", "isotonic": "Isotonic"}
_LEAST = (0.5, 0.8, 0.9, 0.95, 0.99)
_RULES = {
    "Highest F1": ("f1", "", 0.0),
    **{f"Purity at least {p:.0%}": ("recall", "precision", p) for p in _LEAST[2:]},
    **{f"Completeness at least {c:.0%}": ("precision", "recall", c) for c in _LEAST[1:]},
}


def calibration_panel(spot: Spot) -> None:
    """Reliability, a calibration, and purity and completeness against the threshold."""
    state = spot.state
    if state is None:
        return
    if state.past is not None:
        st.caption("Calibration and threshold are of the present round.")
        return
    draft = f"threshold-{spot.session.project.slug}-{spot.classifier}"
    tried: ClassifierSetup = tab.draft(draft, state.setup)
    tried = replace(state.setup, calibration=tried.calibration, threshold=tried.threshold)
    found = spot.session.calibrated(spot.classifier, tried)
    if found is None:
        st.caption("No model yet: label an object first.")
        return
    if not found.is_enough:
        _say_too_few(found)
        return
    if spot.classifier == ALL_LABELS:
        _reliability(spot, found)
        return
    chosen = _choose(spot, tried, found)
    if chosen != tried:
        tab.keep_draft(draft, chosen)
        draw_again()
    _put_in_force(spot, state.setup, tried)


def _say_too_few(found: Calibrated) -> None:
    st.caption(
        f"Calibration needs {ENOUGH_TO_VALIDATE} validation objects with a known label, "
        f"{ENOUGH_OF_A_SIDE} of each side; there are {found.n:,}, {found.n_positive:,} of them "
        "positive. Random questions and a larger validation share bring more."
    )


def _choose(spot: Spot, tried: ClassifierSetup, found: Calibrated) -> ClassifierSetup:
    """The set-up with what was chosen now."""
    method = st.segmented_control(
        "Calibration",
        list(_METHODS),
        default=tried.calibration,
        format_func=lambda name: _METHODS[name],
        required=True,
        key=f"{spot.key}-method-{tried.calibration}",
        help="Learned from validation. A sigmoid has two numbers and serves for few objects; "
        "isotonic follows any rising shape and wants a thousand.",
    )
    left, right = st.columns(2) if spot.panel.height > 1 else (st.container(), st.container())
    with left:
        _reliability(spot, found)
    with right:
        clicked = threshold_plot(found.curve, tried.threshold, f"{spot.key}-curve")
    threshold = _threshold(spot, tried, found)
    if clicked is not None:
        threshold = min(1.0, max(0.0, clicked))
    return replace(tried, calibration=method, threshold=threshold)


def _reliability(spot: Spot, found: Calibrated) -> None:
    assert found.stated is not None, "there are enough objects"
    said = f"ECE {found.stated.ece:.3f} as the model says"
    if found.mended is not None:
        said += f", {found.mended.ece:.3f} calibrated"
    st.caption(
        f"{said}; over {found.n:,} validation objects.",
        help="Expected calibration error: how far the probability said and the share that is are "
        "apart, in the mean over objects, by tenths of probability. Each object is calibrated by "
        "the others. Bars are 95% intervals.",
    )
    reliability_plot(found.stated, found.mended, f"{spot.key}-reliability")


def _threshold(spot: Spot, tried: ClassifierSetup, found: Calibrated) -> float:
    number_, rule_ = st.columns([2, 3])
    key = f"{spot.key}-threshold-{tried.threshold}-{tried.calibration}"
    used = f"{spot.key}-rule"  # a rule that was followed stands there no longer
    threshold: float = number_.number_input(
        "Threshold", 0.0, 1.0, tried.threshold, 0.01, key=key,
        help="What is more probable than this is predicted to have the label.",
    )  # fmt: skip
    rule = rule_.selectbox(
        "Choose it for", list(_RULES), None, key=f"{key}-rule-{tab.clicks(used)}",
        placeholder="A rule",
        help="Over validation: the threshold is then chosen by the very objects that judge it, so "
        "check it on an audit sample. Purity is precision, completeness is recall.",
    )  # fmt: skip
    if rule is not None:
        tab.count_click(used)
        point = best(found.curve, *_RULES[rule])
        if point is None:
            rule_.caption(f"No threshold gives that: {rule.lower()}.")
        else:
            threshold = point.threshold
    if found.at is not None:
        scores = found.at.scores
        st.markdown(
            f"Above {found.at.threshold:.2f}: purity {_written(scores.precision)}, completeness "
            f"{_written(scores.recall)}, F1 {_written(scores.f1)}",
            help=f"Over {found.n:,} validation objects, with 95% intervals. The scores of rounds "
            "are at one half, uncalibrated.",
        )
    return threshold


def _written(score: Score) -> str:
    if score.value is None or score.low is None or score.high is None:
        return "undefined"
    return f"**{score.value:.3f}** :small[{score.low:.3f}–{score.high:.3f}]"


def _put_in_force(spot: Spot, held: ClassifierSetup, tried: ClassifierSetup) -> None:
    name = plain(spot.session.config.label_name(spot.classifier))
    if (held.calibration, held.threshold) == (tried.calibration, tried.threshold):
        method = _METHODS[held.calibration].lower()
        st.caption(f"The saved model of {name} predicts above {held.threshold:.2f}, {method}.")
    elif st.button(
        "Use for the saved model",
        key=f"{spot.key}-use",
        help="Goes along with the model, its bundle, and exported predictions. It trains nothing "
        "anew and asks nothing else.",
    ):
        spot.session.choose_threshold(spot.classifier, tried)
        tab.note(spot.classifier, f"Saved with the threshold {tried.threshold:.2f}")
        draw_again()
