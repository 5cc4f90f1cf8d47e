"""Whether further labels are worth giving, by the rounds of a classifier so far.

Owns which rounds and which scores count for that; what they say is ``learning.stopping``'s.  Must
not know pages.
"""

from al_engine.learning.metrics import Score
from al_engine.learning.stopping import Advice, Past, advise, from_text
from al_engine.loop.best import comparable, validation_of
from al_engine.loop.scores import RoundScores
from al_engine.session import LabellingSession, State


def advice_on(session: LabellingSession, state: State) -> Advice:
    """What the rounds up to a state say.

    Models are compared over one sample at every round.  Scores are those by which the best round
    is chosen, and of the rounds that can be compared with the last one: a slope through others
    would be that of their objects.
    """
    n_watched = len(session.project.prepare(state.config).watched)
    scored = {each.number: _score(state, each.scores) for each in comparable(state.rounds)}
    rounds = [
        Past(
            each.labelled.n_labelled,
            from_text(each.watched, n_watched) if each.watched else None,
            scored.get(each.number),
        )
        for each in state.rounds
    ]
    n_elsewhere = sum(
        validation_of(each.scores) is not None and each.number not in scored
        for each in state.rounds
    )
    return advise(rounds, n_elsewhere)


def _score(state: State, scores: RoundScores | None) -> float | None:
    validation = validation_of(scores)
    found: Score | None = getattr(validation, state.setup.best_by, None)
    return None if found is None else found.value
