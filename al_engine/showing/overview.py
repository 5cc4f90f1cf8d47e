"""All classifiers of a project side by side, and what they predict together.

Owns what is shown of each in one line.  Must not know pages.
"""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from al_engine.errors import AlEngineError, NotEnoughLabelsError
from al_engine.loop.combined import Combined, combined
from al_engine.loop.scores import RoundScores
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS


@dataclass(frozen=True)
class Standing:
    """Where one classifier stands.

    ``n_trained`` is how many labels train it; ``n_by_label`` counts them by label, the most
    frequent first, blind only those in sight; ``validating`` those that only check it.  ``asks`` is
    the id of the object that it would ask about next, and ``probability`` that of ``likely`` for
    that, its own label or, over all labels, the likeliest; None without a model, or where it is
    kept back or not told.  ``fault`` is why it has no state, where it has none; one that was not
    started has neither.
    """

    classifier: str
    is_started: bool
    fault: AlEngineError | None = None
    n_trained: int = 0
    n_by_label: tuple[tuple[str, int], ...] = ()
    n_given: int = 0
    n_unsure: int = 0
    n_validating: int = 0
    scores: RoundScores | None = None
    asks: str | None = None
    probability: float | None = None
    likely: str = ""


class Overview:
    """What is shown of all classifiers of one session; made again when something was answered."""

    def __init__(self, session: LabellingSession) -> None:
        self._session = session
        self._combined: tuple[Hashable, Combined] | None = None

    def standing(self, classifier: str) -> Standing:
        """Where a classifier stands; it is trained where its model is not at hand."""
        session = self._session
        if not session.is_started(classifier):
            return Standing(classifier, is_started=False)
        fault = session.fault(classifier)
        if fault is not None:
            return Standing(classifier, is_started=True, fault=fault)
        state = session.state(classifier)
        counted, asked = state.counted, state.question
        p, likely = np.nan, classifier
        # Where some questions are asked twice it would tell which.
        is_told = asked is not None and not state.config.asking.repeat_every
        if (
            state.fit is not None
            and asked is not None
            and is_told
            and (asked.row not in state.history.kept_back)
        ):
            p = float(state.fit.proba[asked.row])
            if classifier == ALL_LABELS:
                likely = state.fit.classes[int(state.fit.predicted[asked.row])]
        return Standing(
            classifier,
            is_started=True,
            n_trained=state.n_trained,
            n_by_label=tuple(Counter(counted.trained.values()).most_common()),
            n_given=len(counted.given),
            n_unsure=len(counted.unsure),
            n_validating=len(counted.validated),
            scores=state.scores,
            asks=None if asked is None else session.object_id(asked.row),
            probability=None if np.isnan(p) else p,
            likely=likely,
        )

    def lacking(self) -> NotEnoughLabelsError | None:
        """Why there is no combined prediction yet."""
        try:
            self.combined()
        except NotEnoughLabelsError as error:
            return error
        return None

    def combined(self) -> Combined:
        """What the classifiers predict together; the one over all labels predicts by itself.

        Raises
        ------
        NotEnoughLabelsError : fewer than two classifiers have labels of both sides
        """
        session, config = self._session, self._session.config
        started = [c for c in config.train_labels if session.is_started(c) and c != ALL_LABELS]
        # Everybody's answers, and not what one may see of them: what trained scores nothing.
        states = [session.whole_state(c) for c in started if session.fault(c) is None]
        seen = [(s.classifier, s.history.last_seq, s.history.curated_seq) for s in states]
        moment = (repr(config), *seen)
        if self._combined is None or self._combined[0] != moment:
            dataset = session.project.prepare(config)
            self._combined = moment, combined(dataset, states)
        return self._combined[1]
