"""What a person asks of a classifier's model: to keep it, and how good it is on the test set.

Each is a deliberate step; the model of the present round is saved without anybody asking.
Must not know how a model is made or written.
"""

from collections.abc import Collection
from pathlib import Path

from al_engine.errors import NotEnoughLabelsError
from al_engine.learning.metrics import Scores
from al_engine.loop.fitting import learner_spec
from al_engine.loop.saving import SavedModels
from al_engine.loop.scores import test_round
from al_engine.loop.state import State
from al_engine.session import LabellingSession


def checkpoint(session: LabellingSession, classifier: str) -> Path:
    """Save the model of this round beside the earlier ones, once a round."""
    present = session.standing(classifier)
    return SavedModels(session.project).checkpoint(present.state, present.trained)


def is_checkpointed(session: LabellingSession, state: State) -> bool:
    """Has this very round a checkpoint already?"""
    return SavedModels(session.project).is_checkpointed(state)


def keep_best(session: LabellingSession, classifier: str) -> Path:
    """Save the model of the best round so far, trained again, in place of the last such.

    Raises
    ------
    NotEnoughLabelsError : rounds cannot be compared yet
    """
    best = session.state(classifier).best
    if best is None:
        raise NotEnoughLabelsError(
            "There is no best round yet: validation holds too few objects to compare rounds.",
            "Label more objects, or give validation a larger share in Settings.",
        )
    past = session.standing(classifier, best.number)
    return SavedModels(session.project).keep_best(past.state, past.trained)


def scores_of_test_set(
    session: LabellingSession, classifier: str, among: Collection[int] | None = None
) -> Scores | None:
    """Scores over the test set, which are computed only here.

    ``among`` are the rows that count, where not all of the test set do.
    """
    state = session.whole_state(classifier)
    if state.fit is None:
        raise NotEnoughLabelsError("There is no model yet.", "Label an object first.")
    spec = learner_spec(state.setup, state.config.splits.seed)
    dataset = session.project.dataset()
    return test_round(dataset, state.history, classifier, spec, state.fit, among)
