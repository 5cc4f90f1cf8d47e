"""When to stop: three signs side by side, what more labels may bring, and what they may miss."""

import streamlit as st

from al_engine.learning.coverage import FAR
from al_engine.learning.stopping import (
    CHANGED,
    COMPARED,
    MORE,
    PER,
    PLATEAU_LABELS,
    RISE,
    STABLE_KAPPA,
    STEP,
    Advice,
    Gain,
    Sign,
)
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ALL_LABELS
from al_engine.showing.advice import advice_on
from al_engine.showing.covering import pool_without
from pages.components.charts import TITLES
from pages.components.page import link
from pages.components.targets import announce_target, is_target_reached, target_form
from pages.components.words import counted

EXPLORE = "pages/5_Explore.py"
_SAYS = {True: ":green-badge[enough]", False: ":gray-badge[go on]", None: ":gray-badge[not known]"}


def when_to_stop(session: LabellingSession, state: State) -> None:
    """The panel, whose name says so quietly once the target is reached or two signs agree."""
    advice = advice_on(session, state)
    announce_target(session, state)
    title = f"Enough? {advice.n_saying} of 3" if advice.is_to_stop else "When to stop"
    if is_target_reached(session, state):
        title = "Target reached"
    with st.popover(title, key=f"stop-{state.classifier}", on_change="rerun") as menu:
        if menu.open:
            target_form(session, state)
            title = TITLES[state.setup.best_by]
            if state.classifier == ALL_LABELS and state.setup.best_by == "f1":
                title = f"Macro {title}"
            _signs(advice, title)
            _gain(advice.gain, title)
            _unseen(session, state)


def _signs(advice: Advice, score: str) -> None:
    if advice.is_to_stop:
        st.markdown(f"**{advice.n_saying} of 3 signs say that more labels change little.**")
    elif advice.is_too_early:
        n_known = sum(sign.says is not None for sign in advice.signs)
        st.markdown(f"**Too early to tell**: {n_known or 'none'} of 3 signs can be worked out yet.")
    elif advice.n_saying > 1:
        st.markdown("**Go on**: models agree, and the score is still expected to rise.")
    else:
        st.markdown("**Go on**: fewer than two of three signs say that more labels change little.")
    st.caption("Advice, never a lock.")
    _sign(
        "Models agree",
        "" if advice.stable.value is None else f"kappa {advice.stable.value:.3f}",
        advice.stable,
        f"Do successive models say the same, beyond chance? Enough from {STABLE_KAPPA}.",
        f"Mean of Cohen's kappa over the last {COMPARED} pairs of models {STEP} labels apart, on "
        f"{_objects(advice.stable)} drawn at random from the training set once and for all "
        "(Bloodgood and Vijay-Shanker 2009).",
    )
    _sign(
        "Classes change",
        "" if advice.unchanged.value is None else _share(advice.unchanged),
        advice.unchanged,
        f"How many objects did the last {STEP} labels move to another class? Enough under "
        f"{CHANGED:.1%}.",
        f"Over the same {_objects(advice.unchanged)}: the share to which the present model gives "
        f"another class than the one {STEP} labels before (Zhu et al. 2010), with its 95% interval "
        "(Wilson).",
    )
    _sign(
        "Score levels off",
        "" if advice.level.value is None else f"{score} {_between(advice.level)} in {PER} labels",
        advice.level,
        f"Does {score} still rise? Enough where even the upper end is under {RISE:+.2f}.",
        f"Slope of validation's {score} over the rounds of the last {PLATEAU_LABELS} labels that "
        "were scored over nearly the same objects, with its 95% interval (Student's t), widened "
        "because successive rounds are alike. It is how sure the slope is; what the score itself "
        "is sure of stands beside it.",
    )


def _share(sign: Sign) -> str:
    return f"{sign.value or 0:.1%} ({100 * (sign.low or 0):.1f} to {sign.high or 0:.1%}) of objects"


def _objects(sign: Sign) -> str:
    return counted(sign.n, "object") if sign.n else "the objects"


def _sign(name: str, now: str, sign: Sign, sentence: str, over: str) -> None:
    st.markdown(f"**{name}** {_SAYS[sign.says]} {now}", help=over)
    st.caption(f"{sentence} {sign.reason}".strip())


def _gain(gain: Gain, score: str) -> None:
    said = "not known" if gain.value is None else f"{score} {_between(gain)}"
    st.markdown(
        f"**{MORE} labels more** {said}",
        help=f"What validation's {score} may gain, if it goes on as over the later half of the "
        f"labels ({counted(gain.n, 'round')}), rising alike at each doubling. The 95% interval is "
        "that of the trend: it knows nothing of a bend to come. Curves flatten: rather less than "
        "more.",
    )
    if gain.reason:
        st.caption(gain.reason)


def _between(found: Sign | Gain) -> str:
    """A change with its interval."""
    return f"{found.value or 0:+.3f} ({found.low or 0:+.3f} to {found.high or 0:+.3f})"


def _unseen(session: LabellingSession, state: State) -> None:
    """What no sign can see: models may agree about what none of them was taught."""
    share = pool_without(session, state)
    if share is None or share.value is None:
        return
    st.markdown(
        f"**No training data near** {share.value:.1%} of the pool "
        f"({100 * (share.low or 0):.1f} to {share.high or 0:.1%})",
        help=f"Of {counted(share.n, 'object')} of the pool drawn at random, those further from the "
        f"labelled ones than {1 - FAR:.0%} of these are from each other, with the 95% interval "
        "(Wilson). What the model says there is a guess, and no sign above sees it.",
    )
    link(EXPLORE, "Selections on Explore finds them", icon=":material/scatter_plot:")
