"""Whether further labels are worth giving, by the rounds of a classifier so far.

Owns which rounds and which scores count for that; what they say is ``learning.stopping``'s.  Must
not know pages.
"""

from al_engine.learning.stopping import Advice, Past, advise, from_text
from al_engine.loop.scores import RoundScores
from al_engine.session import LabellingSession, State


def advice_on(session: LabellingSession, state: State) -> Advice:
    """What the rounds up to a state say."""
    n_watched = len(session.project.prepare(state.config).watched)
    over = state.scores.over if state.scores is not None else ""
    return advise(
        [
            Past(
                each.labelled.n_labelled,
                from_text(each.watched, n_watched) if each.watched else None,
                _score(each.scores, over),
            )
            for each in state.rounds
        ]
    )


def _score(scores: RoundScores | None, over: str) -> float | None:
    """The F1 of a round over validation, where that is the same set as now.

    Cross-validated scores are over the labelled set, which is another one at each round.
    """
    if scores is None or scores.validation is None or scores.by_folds or scores.over != over:
        return None
    return scores.validation.f1.value
