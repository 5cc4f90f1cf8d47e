"""A classifier's target: set, how far it still is, and said once when it is reached."""

import streamlit as st

from al_engine.session import LabellingSession, State
from al_engine.settings.config import ALL_LABELS, TargetOver
from al_engine.settings.target import METRICS, Metric, Target
from al_engine.showing.targets import Approach, approach, newly_reached, set_target
from pages.components import state as tab
from pages.components.charts import TITLES
from pages.components.guard import guard
from pages.components.page import draw_again
from pages.components.words import counted

OVER: dict[TargetOver, str] = {"validation": "validation", "audit": "the audit sample"}
TARGET_HELP = (
    "Reached once the lower end of the score's 95% interval is there (Wilson; of F1 through "
    "TP/(TP+FP+FN)), for the score alone may be there by luck, and until the score itself is under "
    "it. It is said once, and again only after it fell. Nothing is stopped."
)
_AUDIT_HELP = (
    "The audit sample is then looked at in every round. No model learns from it, but whoever stops "
    "where it looks best flatters it a little: for a paper, draw another."
)
_NONE = "none"
_LEAST, _MOST = 0.001, 0.999  # no interval reaches 1


def announce_target(session: LabellingSession, state: State) -> None:
    """In the round that reaches the target, once: add that to what stands at the question."""
    found = newly_reached(session, state)
    if found is not None:
        before = tab.notice(state.classifier)
        said = f"{before} · " if before else ""
        score = f"{_title(found, state)} {_interval(found)} on {OVER[found.over]}"
        tab.note(state.classifier, f"{said}target reached: {score}")


def is_target_reached(session: LabellingSession, state: State) -> bool:
    found = approach(session, state)
    return found is not None and found.is_reached


def target_badge(session: LabellingSession, state: State) -> None:
    """A badge for as long as the target is reached."""
    found = approach(session, state)
    if found is not None and found.is_reached:
        st.badge("target reached", color="green", help=f"{in_words(found, state)}. {TARGET_HELP}")


def target_line(found: Approach, state: State, legend: str) -> None:
    """The target in one line over the plot of scores, whose own line is its help meanwhile."""
    on = "" if found.over == "validation" else " on audit"
    wanted = f"Target {_title(found, state)} {found.target.value:.3g}{on}"
    said = "not known"
    if (score := found.score) is not None:
        low, high = (f"{end or 0:.3f}".removeprefix("0") for end in (score.low, score.high))
        n = found.n_reached
        since = "not yet" if n is None else f"since {counted(n, 'label')}"
        said = f"{score.value or 0:.3f} ({low}–{high}), {since}"
    st.caption(f"{wanted}: {said}", help=f"{in_words(found, state)}. {legend} {TARGET_HELP}")


def in_words(found: Approach, state: State) -> str:
    """The target, where the score is, and whether that is enough."""
    wanted = f"Target {_title(found, state)} {found.target.value:.3g} on {OVER[found.over]}"
    if found.score is None:
        return f"{wanted}: not known, {found.reason}"
    n = found.n_reached
    done = "not yet" if n is None else f"reached at {counted(n, 'label')}"
    return f"{wanted}: {_interval(found)}: {done}"


def target_form(session: LabellingSession, state: State) -> None:
    """What is wanted, and on which objects; in force as soon as it is set."""
    held, over_held = state.setup.target, state.setup.target_over
    # Named after what is in force: another tab may have changed it.
    key = f"target-{session.project.slug}-{state.classifier}-{held}-{over_held}"
    st.markdown("**Target**", help=TARGET_HELP)
    metric_, value_, over_ = st.columns([3, 2, 4], vertical_alignment="bottom")
    metric: Metric | str = metric_.selectbox(
        "Score", [_NONE, *METRICS],
        0 if held is None else 1 + METRICS.index(held.metric),
        format_func=lambda name: "No target" if name == _NONE else _name(name, state),
        key=f"{key}-metric", label_visibility="collapsed",
    )  # fmt: skip
    value = value_.number_input(
        "Value", _LEAST, _MOST, 0.9 if held is None else min(_MOST, max(_LEAST, held.value)), 0.01,
        format="%.3g", key=f"{key}-value", disabled=metric == _NONE, label_visibility="collapsed",
    )  # fmt: skip
    over: TargetOver = over_.selectbox(
        "On", list(OVER), list(OVER).index(over_held),
        format_func=lambda name: f"on {OVER[name]}", key=f"{key}-over",
        disabled=metric == _NONE, label_visibility="collapsed",
    )  # fmt: skip
    if metric != _NONE and over == "audit":
        st.caption(_AUDIT_HELP)
    wanted = next((Target(m, float(value)) for m in METRICS if m == metric), None)
    if (wanted, over if wanted else None) != (held, over_held if held else None):
        if st.button("Set the target" if wanted else "Take the target away", key=f"{key}-set"):
            with guard():
                set_target(session, state.classifier, wanted, over)
                draw_again()
        return
    found = approach(session, state)
    if found is not None:
        st.caption(f"{in_words(found, state)}.")


def _title(found: Approach, state: State) -> str:
    return _name(found.target.metric, state)


def _name(metric: str, state: State) -> str:
    """A score's name; over all labels those but accuracy are macro means."""
    title = TITLES[metric]
    return f"Macro {title}" if state.classifier == ALL_LABELS and metric != "accuracy" else title


def _interval(found: Approach) -> str:
    assert found.score is not None, "only a score that there is is written"
    score = found.score
    return f"{score.value or 0:.3f} ({score.low or 0:.3f} to {score.high or 0:.3f})"
