"""How far a classifier is from its target, and that it is said once when it gets there.

Owns over which objects a target is measured in a project, and when it counts as reached: from when
the lower end of the score's 95% interval is there until the score itself is under it.  (A
simulation knows what comes after a round: there the score has to be reached, and held.)  Must not
know pages.
"""

from dataclasses import dataclass, replace

import numpy as np

from al_engine.exchange.configuration import Reached
from al_engine.learning.metrics import Score, Scores
from al_engine.loop.best import validation_of
from al_engine.loop.fitting import learner_spec
from al_engine.loop.recording import change_layout
from al_engine.loop.scores import scores_of_few
from al_engine.loop.truth import ENOUGH_TO_VALIDATE
from al_engine.session import LabellingSession, State
from al_engine.settings.config import TargetOver
from al_engine.settings.target import Target
from al_engine.showing.drawn import KEPT, drawn_of


@dataclass(frozen=True)
class Approach:
    """Where a classifier stands towards its target.

    ``score`` is None where there is none to compare, for the ``reason`` given.  ``n_reached`` is
    with how many labels the target was reached, without having fallen since; None while it is not.
    """

    target: Target
    over: TargetOver
    score: Score | None
    reason: str
    n_reached: int | None

    @property
    def is_reached(self) -> bool:
        return self.n_reached is not None


def approach(session: LabellingSession, state: State) -> Approach | None:
    """How far the present round is from the target in force; None without one."""
    target, over = state.setup.target, state.setup.target_over
    if target is None or state.past is not None:
        return None
    scores = _audited(session, state) if over == "audit" else validation_of(state.scores)
    score: Score | None = getattr(scores, target.metric, None)
    if score is None or score.value is None:
        return Approach(target, over, None, _why_none(state, scores), None)
    if over == "validation":
        return Approach(target, over, score, "", _reached_with(state, target))
    held = _held(session, state, target)  # of the audit sample no round but this has scores
    n = (
        held.n_labelled
        if held is not None
        else state.n_trained
        if _is_there(score, target)
        else None
    )
    return Approach(target, over, score, "", None if _is_under(score, target) else n)


def newly_reached(session: LabellingSession, state: State) -> Approach | None:
    """The target that is to be said to be reached; None from the second time on.

    It is said again after the score was under it with as many labels as then, or more: what an undo
    takes back has not fallen.
    """
    found = approach(session, state)
    if found is None or found.score is None:
        return None
    held = _held(session, state, found.target)
    if held is not None:
        if _is_under(found.score, found.target) and state.n_trained >= held.n_labelled:
            _hold(session, state.classifier, None)
        return None
    if found.n_reached is None:
        return None
    _hold(session, state.classifier, Reached(found.target, found.over, found.n_reached))
    return found


def set_target(
    session: LabellingSession, classifier: str, target: Target | None, over: TargetOver
) -> None:
    """Put a target in force, or None; no round depends on it.

    Raises
    ------
    SettingsError : no score can be so
    """
    config = session.config
    setup = replace(config.setups[classifier], target=target, target_over=over)
    setups = {**config.setups, classifier: setup}
    session.change_settings(replace(config, setups=setups), made_from=config)


def _is_there(score: Score, target: Target) -> bool:
    return score.low is not None and score.low >= target.value


def _is_under(score: Score, target: Target) -> bool:
    """Has it fallen?  The lower end alone comes and goes with every few labels."""
    return score.value is not None and score.value < target.value


def _reached_with(state: State, target: Target) -> int | None:
    """With how many labels it was reached, as the rounds over validation came; None if it is not.

    Rounds that were never scored, or not over validation, say nothing.
    """
    n = None
    for each in state.rounds:
        score: Score | None = getattr(validation_of(each.scores), target.metric, None)
        if score is None:
            continue
        if _is_under(score, target):
            n = None
        elif n is None and _is_there(score, target):
            n = each.labelled.n_labelled
    return n


def _why_none(state: State, scores: Scores | None) -> str:
    if scores is not None:
        return "it is undefined over these objects"
    if state.scores is None:
        return "scores come with the first label"
    if state.setup.target_over == "validation":
        return f"validation holds fewer than {ENOUGH_TO_VALIDATE} objects with a known label"
    return "there is no labelled audit sample in use: draw one on the page Test set"


def _audited(session: LabellingSession, state: State) -> Scores | None:
    """The scores of a round over the audit sample, where it tests."""
    fit, curated = state.fit, session.project.curated()
    if fit is None or not state.config.splits.curated:
        return None
    rows = np.array(sorted(curated.audit & curated.labels.keys()), dtype=np.intp)
    drawn, dataset = drawn_of(session.project), session.project.prepare(state.config)
    whole = session.whole_state(state.classifier)
    spec = learner_spec(state.setup, state.config.splits.seed)
    made: list[Scores | None] = drawn.once(
        drawn.facts,
        KEPT,
        ("audit", state.classifier, fit.key, fit.beside, curated.last_seq),
        lambda: [scores_of_few(dataset, whole.history, state.classifier, spec, fit, rows)],
    )
    return made[0]


# -- what was said -----------------------------------------------------------------------------


def _held(session: LabellingSession, state: State, target: Target) -> Reached | None:
    """What was said of this very target."""
    held = session.layout.reached.get(state.classifier)
    is_of_it = held is not None and (held.target, held.over) == (target, state.setup.target_over)
    return held if is_of_it else None


def _hold(session: LabellingSession, classifier: str, reached: Reached | None) -> None:
    others = {c: each for c, each in session.layout.reached.items() if c != classifier}
    kept = others if reached is None else {**others, classifier: reached}
    change_layout(session.project, reached=kept)
