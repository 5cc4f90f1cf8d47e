"""Where one classifier stands, as plain data, and the token that names a moment of it.

Owns what pages draw of a classifier.  Must not know how a state is made or kept.
"""

from dataclasses import dataclass, replace

from al_engine.data.history import History, LabelledSet, as_learned
from al_engine.data.people import shown_to, without_former
from al_engine.loop.asking import Question, is_repeat
from al_engine.loop.best import Best, best_of
from al_engine.loop.fitting import Fit
from al_engine.loop.rounds import Round
from al_engine.loop.scores import RoundScores
from al_engine.settings.config import ClassifierSetup, ProjectConfig

WATCHED = "watched"  # beside a round's scores: what its model said of the fixed sample
HOW = ("query", "random", "initial", "again")  # how a question comes up


@dataclass(frozen=True)
class ScoredRound:
    """One point of the score plot; ``scores`` is None where that round was never scored.

    ``watched`` are the classes that its model gave the data set's fixed sample, as text; "" where
    that was not kept.
    """

    number: int
    labelled: LabelledSet
    scores: RoundScores | None
    watched: str = ""


@dataclass(frozen=True)
class State:
    """Where one classifier stands: what pages draw.

    ``config`` are the settings that it was made under.  ``fit`` is None before the first label;
    ``question`` is None when the pool is empty.  ``trained_share`` is the part of the training
    set's known labels that the model learned from.  ``before`` are the scores of the round before,
    where they are over the same objects.
    ``counted`` is the history as it is counted, with what is held back of the question alone:
    numbers that fell when a question comes up would tell what was answered before.
    ``learned`` is the history with those labels alone that the model learned from: without what was
    answered since in a batch that goes on.  Scores, and maps of right and wrong, are over it.
    ``past`` is the number of an earlier round that is being looked at, None for the present.
    """

    classifier: str
    config: ProjectConfig
    history: History
    counted: History
    learned: History
    fit: Fit | None
    scores: RoundScores | None
    before: RoundScores | None
    rounds: tuple[ScoredRound, ...]
    question: Question | None
    n_pool: int
    trained_share: float
    past: int | None = None

    @property
    def setup(self) -> ClassifierSetup:
        """How the classifier learns."""
        return self.config.setups[self.classifier]

    @property
    def best(self) -> Best | None:
        """The best of the rounds by validation, None while they cannot be compared."""
        return best_of(self.rounds, self.setup.best_by)

    @property
    def n_trained(self) -> int:
        """How many labels the model learned from, whoever gave them, in sight or not."""
        return 0 if self.fit is None else self.fit.n_labelled

    @property
    def untold(self) -> frozenset[int]:
        """Rows of which nothing is shown that a model makes of them.

        Those of the curated test set, those kept back, and where some questions are asked twice
        the one that is asked about: what a model makes of it would tell what was answered before.
        """
        asked = {self.question.row} if self.question and self.config.asking.repeat_every else set()
        return frozenset({*self.history.curated, *self.history.kept_back, *asked})

    @property
    def token(self) -> str:
        """Names this moment: an answer that carries it was given to what was shown then.

        The last event there was, the row asked about and how it came up; of a batch the last event
        there was when it was made, how many objects it has, and the rows of those that are left.
        """
        asked = f"{self.question.row}:{self.question.how}" if self.question else ":"
        token = f"{self.history.last_seq}:{asked}"
        if self.question is None or not self.question.batch:
            return token
        left, n_objects = ",".join(map(str, self.batch)), len(self.question.batch)
        return f"{token}:{self.batch_made_at}:{n_objects}:{left}"

    @property
    def batch(self) -> tuple[int, ...]:
        """The rows of the batch that is asked about which are left, in their order."""
        if self.question is None or not self.question.batch:
            return ()
        rows = self.question.batch
        # Others may have gone since: they were answered elsewhere, or test by now.
        closed = {*self.history.asked, *self.history.later, *self.history.curated}
        return (self.question.row, *(r for r in rows if r != self.question.row and r not in closed))

    @property
    def batch_made_at(self) -> int:
        """The last event there was when the batch was made that is asked about."""
        made_at = None if self.question is None else self.question.made_at
        return self.history.last_seq if made_at is None else made_at


def made_state(
    classifier: str,
    config: ProjectConfig,
    history: History,
    made: Round,
    rounds: tuple[ScoredRound, ...],
    past: int | None = None,
) -> State:
    """What a round comes to for one person, who sees what the history shows them."""
    before = rounds[-2].scores if len(rounds) > 1 else None
    learned = as_learned(history, made.trained)
    # In mid-batch there is no round yet of what was answered since it was made.
    history = replace(history, sets=made.sets)
    shown = _shown(history, config, made.question)
    if config.people.is_blind:
        seen = zip(rounds, shown.sets, strict=False)  # what is made ahead has a set more
        rounds = tuple(replace(each, labelled=labelled) for each, labelled in seen)
    if before and made.scores and before.over != made.scores.over:
        before = None  # over other objects: what lies between is no change
    return State(
        classifier,
        config,
        shown,
        shown_to(history, config.people, ()),
        _shown(learned, config, made.question),
        made.fit,
        made.scores,
        before,
        rounds,
        made.question,
        made.n_pool,
        made.trained_share,
        past,
    )


def _shown(history: History, config: ProjectConfig, question: Question | None) -> History:
    """What of a history the person may see while they look at a question."""
    shown = shown_to(history, config.people, () if question is None else (question.row,))
    if question is None or not is_repeat(history, question):
        return shown
    return without_former(shown, question.row)


def seen_by(token: str) -> int:
    """The last event that there was when a token was made; -1 for no token of ours."""
    seq = _parts(token)[0]
    return int(seq) if _is_number(seq) else -1


def how_shown(token: str, row: int) -> str:
    """How an object came up when a token was made: as the question, in its batch, or by a click."""
    _, asked, how, *_ = _parts(token)
    if asked == str(row) and how in HOW:
        return how
    return "click" if batch_shown(token, row) is None else "query"


def batch_shown(token: str, row: int) -> tuple[int, int] | None:
    """The batch that an object was asked about with: the last event when it was made, its size."""
    *_, made_at, n_objects, rows = _parts(token)
    if not (_is_number(made_at) and _is_number(n_objects) and str(row) in rows.split(",")):
        return None
    return int(made_at), int(n_objects)


def _parts(token: str) -> list[str]:
    return [*token.split(":"), "", "", "", "", ""][:6]


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 20
