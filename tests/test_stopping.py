"""When to stop: announced soon after a planted plateau begins, and not while the curve rises."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import answer, begin
from sklearn.datasets import load_digits, make_blobs

from al_engine.data.history import LabelledSet
from al_engine.learning.learners import LearnerSpec, Member, fit_learner, fit_preparation
from al_engine.learning.metrics import binary_scores, macro_scores, scores_of_confusion
from al_engine.learning.scoring import consensus, member_probabilities
from al_engine.learning.stopping import (
    GAIN_ROUNDS,
    Past,
    advise,
    as_text,
    changing,
    expected_gain,
    from_text,
    plateau,
    stabilising,
)
from al_engine.loop.scores import RoundScores
from al_engine.loop.state import WATCHED, ScoredRound, State
from al_engine.projects.project import Project
from al_engine.showing.advice import advice_on

WITHIN = 50  # labels


def planted(begins: int, until: int, seed: int, *, n_classes: int = 2, step: int = 1) -> list[Past]:
    """Rounds of a model whose errors fall evenly from 40 to 8% until a plateau begins.

    The score wanders a little from round to round; so do a few objects near the boundary.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, 1000).astype(np.uint8)
    hard = rng.permutation(1000)
    rounds, wander = [], 0.0
    for n in range(10, until + 1, step):
        share = 0.08 + 0.32 * max(0.0, (begins - n) / (begins - 10))
        codes = truth.copy()
        wrong = hard[: round(1000 * share)]
        codes[wrong] = (truth[wrong] + 1) % n_classes
        near = rng.choice(1000, 1)
        codes[near] = (codes[near] + 1) % n_classes
        wander = 0.5 * wander + rng.normal(0, 0.003)
        rounds.append(Past(n, codes, 1 - share + wander))
    return rounds


def announced(rounds: list[Past]) -> list[int]:
    """The numbers of labels at which two of three signs said to stop."""
    return [rounds[i].n_labelled for i in range(len(rounds)) if advise(rounds[: i + 1]).is_to_stop]


@pytest.mark.parametrize(
    ("begins", "n_classes", "step"), [(80, 2, 1), (200, 4, 1), (150, 2, 10), (100, 2, 3)]
)
def test_a_plateau_is_announced_within_50_labels_of_where_it_begins_and_not_before(
    begins: int, n_classes: int, step: int
) -> None:
    for seed in range(3):
        rounds = planted(begins, begins + 80, seed, n_classes=n_classes, step=step)
        told = announced(rounds)
        assert begins <= told[0] <= begins + WITHIN
        assert told[-1] == rounds[-1].n_labelled


def trained(
    X: np.ndarray, y: np.ndarray, model: str, seed: int, budget: int, batch: int
) -> list[Past]:
    """Rounds of a real model that is asked about what it is least sure of."""
    order = np.random.default_rng(seed).permutation(len(y))
    pool, held = order[: 2 * len(y) // 3], order[2 * len(y) // 3 :]
    classes, preparation = np.unique(y), fit_preparation(X[pool], scale=True)
    spec = LearnerSpec((Member(model),), seed=seed)
    labelled, rounds = [*pool[:20]], []
    while len(labelled) <= budget:
        learner = fit_learner(spec, X[labelled], y[labelled], preparation, classes)
        proba, at = (consensus(member_probabilities(learner, X[r], classes)) for r in (pool, held))
        said = classes[at.argmax(axis=1)]
        score = (
            binary_scores(y[held], said).f1.value
            if len(classes) == 2
            else macro_scores(y[held], said, classes)["f1"]
        )
        codes = proba[:1000].argmax(axis=1).astype(np.uint8)
        rounds.append(Past(len(labelled), codes, score))
        margin = np.diff(np.sort(proba, axis=1)[:, -2:], axis=1)[:, 0]
        open_ = [i for i in np.argsort(margin) if pool[i] not in set(labelled)]
        labelled += [pool[i] for i in open_[:batch]]
    return rounds


def test_a_trained_model_is_called_done_where_its_own_curve_has_flattened() -> None:
    for seed in range(3):
        X, truth = make_blobs(
            1500, centers=[[0, 0], [3, 3], [0, 5], [5, 0]], random_state=seed, cluster_std=0.9
        )
        rounds = trained(X, truth % 2, "svm", seed, 150, 4)
        score = np.array([each.score for each in rounds])
        below = np.flatnonzero(score < score[-8:].mean() - 0.01)
        begins = rounds[below[-1] + 1].n_labelled if len(below) else rounds[0].n_labelled
        told = announced(rounds)
        assert told
        assert told[0] <= max(begins, 40) + WITHIN
        assert score[[each.n_labelled for each in rounds].index(told[0])] > score[-8:].mean() - 0.03


def test_nothing_is_announced_while_a_trained_model_still_learns() -> None:
    digits = load_digits()
    rounds = trained(digits.data, digits.target, "svm", 0, 140, 6)
    assert rounds[-1].score > rounds[-12].score + 0.03
    assert announced(rounds) == []


def test_models_that_say_the_same_of_everything_are_no_sign() -> None:
    rounds = [Past(n, np.zeros(200, np.uint8), 0.5) for n in range(5, 60)]
    found = advise(rounds)
    assert (found.stable.says, found.unchanged.says) == (None, None)
    assert "the same of every object" in found.stable.reason
    assert found.level.says
    assert not found.is_to_stop


def test_kappa_and_the_share_that_changed_are_those_of_the_textbook() -> None:
    one = np.array([0] * 50 + [1] * 50, np.uint8)
    other = np.array([0] * 45 + [1] * 55, np.uint8)
    assert stabilising([one, other]).value == pytest.approx(0.9)
    assert changing([one, other]).value == pytest.approx(0.05)
    assert stabilising([one, one, one, one]).says
    assert changing([one, one]).says


def test_too_few_rounds_give_no_number_and_say_how_many_it_takes() -> None:
    for rounds in ([], planted(200, 18, 0)):
        found = advise(rounds)
        assert [sign.says for sign in found.signs] == [None] * 3
        assert all(sign.value is None and sign.reason for sign in found.signs)
        assert found.gain.value is None
        assert str(GAIN_ROUNDS) in found.gain.reason


def test_rounds_made_before_predictions_were_kept_are_said_to_be_unknown() -> None:
    rounds = [Past(each.n_labelled, None, each.score) for each in planted(80, 150, 0)]
    found = advise(rounds)
    assert "made before" in found.stable.reason
    assert found.level.value is not None


@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_the_interval_of_the_expected_gain_covers_what_comes_in_95_percent(alike: float) -> None:
    rng = np.random.default_rng(5)
    n = np.arange(20.0, 181.0)
    truth, covered, levelled = 0.04 * np.log(280 / 180), 0, 0
    for _ in range(200):
        noise = rng.normal(0, 0.008, len(n))
        for i in range(1, len(n)):
            noise[i] += alike * noise[i - 1]
        scores = 0.5 + 0.04 * np.log(n) + noise
        found = expected_gain(n, scores)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
        levelled += plateau(n, scores).says is True
    assert covered >= 0.92 * 200
    assert levelled <= 0.05 * 200  # it rises by 0.012 in 50 labels


def test_no_gain_is_promised_that_would_take_a_score_past_one() -> None:
    n = np.arange(20.0, 60.0)
    found = expected_gain(n, 0.02 * (n - 10))
    assert found.high is not None
    assert found.high == pytest.approx(1 - 0.02 * 49)


def test_predictions_are_kept_as_text_and_anything_else_is_none() -> None:
    codes = np.random.default_rng(0).integers(0, 7, 1000).astype(np.uint8)
    text = as_text(codes)
    assert np.array_equal(from_text(text, 1000), codes)  # type: ignore[arg-type]
    assert len(as_text(codes % 2)) < 400
    for strange in ("", "!", "AAAA", text[: len(text) // 2]):
        assert from_text(strange, 1000) is None
    assert from_text(text, 999) is None
    assert from_text(as_text(np.zeros(10_000_000, np.uint8)), 1000) is None


# -- in a project ----------------------------------------------------------------------------------


def test_what_each_round_said_of_the_fixed_sample_is_kept_with_the_project(
    project: Project,
) -> None:
    session = begin(project)
    for _ in range(3):
        answer(session)
    state = session.state("QSO")
    sample = project.dataset().watched
    said = [from_text(each.watched, len(sample)) for each in state.rounds]
    assert all(each is not None for each in said)
    assert state.fit is not None
    assert np.array_equal(said[-1], state.fit.predicted[sample])  # type: ignore[arg-type]
    kept = project.log.rounds("QSO")[state.fit.key]
    assert kept[WATCHED] == state.rounds[-1].watched


def with_scores(state: State, sizes: list[int], right: list[float], **more: str) -> State:
    """A state of as many rounds, three labels apart, with scores over so many objects."""
    rounds = []
    for i, (n, share) in enumerate(zip(sizes, right, strict=True)):
        wrong = round(n * (1 - share))
        scores = scores_of_confusion(n // 2 - wrong // 2, wrong // 2, wrong - wrong // 2, n // 2)
        over = more.get("over", "") if i < len(sizes) // 2 else ""
        rounds.append(
            ScoredRound(i, LabelledSet(str(i), 10 + 3 * i, i), RoundScores(None, scores, over=over))
        )
    return replace(state, rounds=tuple(rounds))


def test_rounds_scored_over_other_validation_objects_are_in_no_slope_as_in_no_best_round(
    project: Project,
) -> None:
    session = begin(project)
    state = session.state("QSO")
    # Validation grew by half in between, by objects that are easier: the score jumped by that.
    sizes, right = [200] * 20 + [300] * 20, [0.7] * 20 + [0.85] * 20
    grown = with_scores(state, sizes, right)
    found = advice_on(session, grown)
    assert grown.best is not None
    assert grown.best.n_compared == 20
    assert found.level.n <= 20
    assert found.level.value == pytest.approx(0, abs=1e-9)
    assert (found.gain.n, found.gain.value) == (20, pytest.approx(0, abs=1e-9))
    # Others test: of too few rounds that are left it is said why the earlier ones do not count.
    other = with_scores(state, [200] * 14, [0.7] * 14, over="elsewhere")
    found = advice_on(session, other)
    assert found.level.says is None
    assert "7 earlier rounds were scored over other objects" in found.level.reason
    assert "7 earlier rounds" in found.gain.reason


def test_the_slope_is_of_the_score_by_which_the_best_round_is_chosen(project: Project) -> None:
    session = begin(project, best_by="accuracy")
    state = session.state("QSO")
    rounds = []
    for i in range(20):
        scores = scores_of_confusion(100 + i, 100 - i, 20, 20)  # only the negatives improve
        rounds.append(ScoredRound(i, LabelledSet(str(i), 10 + 3 * i, i), RoundScores(None, scores)))
    found = advice_on(session, replace(state, rounds=tuple(rounds)))
    assert found.level.value == pytest.approx(50 / 3 / 240)


def test_with_few_rounds_it_is_too_early_to_tell() -> None:
    assert advise([]).is_too_early
    assert advise(planted(80, 18, 0)).is_too_early
    assert not advise(planted(80, 160, 0)).is_too_early


def test_the_advice_of_a_project_says_what_it_lacks_until_there_are_rounds_enough(
    project: Project,
) -> None:
    session = begin(project)
    found = advice_on(session, answer(session))
    assert not found.is_to_stop
    assert all(sign.says is None for sign in found.signs)
