"""How far a classifier is from its target, and that it is said once when it gets there.

Owns over which objects a target is measured in a project, and when it counts as reached: when the
lower end of the score's 95% interval does, for a round in hand is all that a person has.  (A
simulation knows what came after: there the score itself has to be reached, and held.)  Must not
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
from al_engine.showing.maps import KEPT, drawn_of


@dataclass(frozen=True)
class Approach:
    """Where a classifier stands towards its target.

    ``score`` is None where there is none to compare, for the ``reason`` given.  ``n_reached`` is
    with how many labels the target was reached, to be so in every round since; None while it is
    not.
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
    if not _is_passed(score, target):
        return Approach(target, over, score, "", None)
    if over == "validation":
        return Approach(target, over, score, "", _reached_with(state, target))
    held = _held(session, state, target)
    return Approach(target, over, score, "", state.n_trained if held is None else held.n_labelled)


def newly_reached(session: LabellingSession, state: State) -> Approach | None:
    """The target that is to be said to be reached; None from the second time on.

    It is said again once it was not reached with as many labels as then, or more: what an undo
    takes back has not fallen.
    """
    found = approach(session, state)
    if found is None or found.score is None:
        return None
    held = _held(session, state, found.target)
    if not found.is_reached:
        if held is not None and state.n_trained >= held.n_labelled:
            _hold(session, state.classifier, None)
        return None
    if held is not None:
        return None
    n_labelled = state.n_trained if found.n_reached is None else found.n_reached
    _hold(session, state.classifier, Reached(found.target, found.over, n_labelled))
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


def _is_passed(score: Score, target: Target) -> bool:
    return score.low is not None and score.low >= target.value


def _reached_with(state: State, target: Target) -> int:
    """With how many labels the unbroken run of rounds began in which it is reached."""
    n = state.n_trained
    for each in reversed(state.rounds):
        if each.scores is None:
            continue  # nobody looked
        score: Score | None = getattr(validation_of(each.scores), target.metric, None)
        if score is None or not _is_passed(score, target):
            break
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
        ("audit", state.classifier, fit.key, curated.last_seq),
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
