"""Where there is no training data: an unlabelled cluster is flagged, the rest mostly is not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import answer, begin, make_table, small_setup
from scipy import sparse

from al_engine.data.splits import TRAIN
from al_engine.errors import NotEnoughLabelsError, WorkCancelled
from al_engine.learning.coverage import (
    ENOUGH,
    FAR,
    distances,
    in_chunks,
    nearest,
    reach_of,
    with_more,
)
from al_engine.projects.creating import create_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import (
    Columns,
    Features,
    Label,
    People,
    ProjectConfig,
    Splits,
)
from al_engine.settings.panels import Panel
from al_engine.showing.covering import (
    NAMES,
    begin_measuring,
    far_from_labels,
    is_quick,
    pool_without,
    share_as_far,
    shares,
)
from al_engine.showing.drawn import Drawn, drawn_of
from al_engine.showing.objects import object_card
from al_engine.showing.plotting import Plotting

PLANTED = 60
Open = Callable[[Path], Project]


def clusters(n: int, n_features: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labelled objects of three clusters, others of the same three, and a cluster of its own."""
    rng = np.random.default_rng(seed)
    centres = 4 * rng.normal(size=(3, n_features))
    labelled, others = (
        np.concatenate([c + rng.normal(size=(m, n_features)) for c in centres]) for m in (n, 300)
    )
    away = rng.normal(size=n_features)
    apart = centres.mean(axis=0) + 20 * away / np.linalg.norm(away)
    return labelled, others, apart + rng.normal(size=(300, n_features))


@pytest.mark.parametrize(("n", "n_features"), [(10, 2), (20, 10), (70, 5)])
def test_an_unlabelled_cluster_is_flagged_and_5_percent_of_the_others(
    n: int, n_features: int
) -> None:
    false = []
    for seed in range(6):
        labelled, others, planted = clusters(n, n_features, seed)
        reach = reach_of(labelled)
        assert reach is not None
        assert (reach.share_as_far(distances(planted, labelled)) < FAR).mean() > 0.9
        false.append(float((reach.share_as_far(distances(others, labelled)) < FAR).mean()))
    assert np.mean(false) < 0.07
    assert max(false) < 0.15


def test_texts_are_as_far_as_their_words_differ_whatever_their_length() -> None:
    rng = np.random.default_rng(1)

    def texts(words: range, n: int) -> sparse.csr_matrix:
        counts = np.zeros((n, 60))
        for row in counts:
            row[rng.choice(words, rng.integers(4, 20))] += rng.integers(1, 9)
        return sparse.csr_matrix(counts.astype(np.float32))

    labelled, others = texts(range(30), 60), texts(range(30), 200)
    reach = reach_of(labelled)
    assert reach is not None
    of_other_words = reach.share_as_far(distances(texts(range(30, 60), 50), labelled))
    assert (of_other_words < FAR).all()
    assert (reach.share_as_far(distances(others, labelled)) < FAR).mean() < 0.12


def test_under_20_labelled_objects_nothing_is_said() -> None:
    assert reach_of(np.zeros((ENOUGH - 1, 2))) is None
    assert reach_of(np.random.default_rng(0).normal(size=(ENOUGH, 2))) is not None


def test_the_share_counts_each_object_as_one_of_the_labelled() -> None:
    reach = reach_of(np.arange(20.0)[:, None])
    assert reach is not None
    assert reach.share_as_far(np.array([1e9], np.float32)).tolist() == pytest.approx([1 / 21])
    assert reach.share_as_far(np.array([0.0], np.float32)).tolist() == pytest.approx([1.0])


def test_labels_that_come_are_added_to_what_was_measured() -> None:
    rng = np.random.default_rng(2)
    rows, labelled = rng.normal(size=(500, 4)), rng.normal(size=(30, 4))
    whole = nearest(rows, labelled)
    for n in (1, 2, 3, 10):
        found = with_more(nearest(rows, labelled[:-n]), nearest(rows, labelled[-n:]))
        np.testing.assert_allclose(found, whole, rtol=1e-5)
    np.testing.assert_allclose(in_chunks(lambda at: rows[at], 500, labelled), whole, rtol=1e-5)
    assert in_chunks(lambda at: rows[at], 500, labelled, lambda n_done: False) is None


def test_objects_in_one_place_with_a_labelled_one_are_not_far_even_where_all_are() -> None:
    labelled = np.repeat(np.arange(5.0), 10)[:, None]
    reach = reach_of(labelled)
    assert reach is not None
    assert reach.share_as_far(distances(labelled, labelled)).tolist() == [1.0] * 50


# -- in a project ----------------------------------------------------------------------------------


@pytest.fixture
def planted(tmp_path: Path, opened: Open) -> LabellingSession:
    """Three clusters whose labels are known, 40 of them labelled, and 60 objects far from them."""
    rng = np.random.default_rng(4)
    centres = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]], 100, axis=0)
    places = np.concatenate([centres, np.full((PLANTED, 2), 30.0)])
    places = places + rng.normal(size=places.shape)
    names = [*np.repeat(["A", "B", "C"], 100), *[None] * PLANTED]
    values = {
        "id": pa.array([f"o{i}" for i in range(len(names))]),
        "class": pa.array(names),
        "x": pa.array(places[:, 0]),
        "y": pa.array(places[:, 1]),
    }
    config = ProjectConfig(
        labels=tuple(Label(value, value, "#0072B2") for value in "ABC"),
        columns=Columns(id="id", label="class"),
        features=Features(("x", "y")),
        train_labels=("A",),
        splits=Splits(),
        x_axis="x",
        y_axis="y",
    )
    folder, _ = create_project(tmp_path / "home", "Planted", make_table(values), config)
    session = LabellingSession(opened(folder), "Ada")
    session.start("A", small_setup(n_initial=40))
    return session


def test_the_planted_cluster_is_what_is_flagged_on_map_card_and_in_the_selection(
    planted: LabellingSession,
) -> None:
    state = planted.state("A")
    found = shares(planted, state)
    is_planted = np.arange(len(found)) >= 300
    assert (found[is_planted] < FAR).mean() > 0.9
    assert (found[~is_planted] < FAR).mean() < 0.15
    parts = planted.project.dataset().parts
    rows = far_from_labels(planted, state)
    assert set(rows) <= set(np.flatnonzero((parts == TRAIN) & (found < FAR)))
    assert not set(rows) & set(state.history.trained)
    pool = pool_without(planted, state)
    assert pool is not None
    assert pool.value == pytest.approx(len(rows) / state.n_pool)  # the sample is all of so few
    row = int(rows[-1])
    assert object_card(planted, state, row).as_far == pytest.approx(float(found[row]))
    by = Plotting(planted, Drawn()).colouring(Panel(colour="coverage"), state, "blue_orange")
    assert by.names == NAMES
    np.testing.assert_array_equal(by.codes == 0, found < FAR)


def test_an_answer_there_makes_the_cluster_known_and_undo_unknown_again(
    planted: LabellingSession,
) -> None:
    state = planted.state("A")
    before = shares(planted, state)
    rows = [int(row) for row in far_from_labels(planted, state) if row >= 300][:4]
    for row in rows:
        after = answer(planted, "A", row, "B")
    found = shares(planted, after)
    assert (found[300:] >= FAR).mean() > 0.5
    drawn_of(planted.project).put_away()
    np.testing.assert_allclose(shares(planted, after), found, rtol=1e-4)
    for _ in rows:
        state = planted.undo("A", token=planted.state("A").token)
    np.testing.assert_allclose(shares(planted, state), before, rtol=1e-4)
    one = [share_as_far(planted, state, row) for row in range(0, 360, 40)]
    np.testing.assert_allclose(one, before[::40], rtol=1e-4)


def test_what_takes_long_is_measured_by_a_job_that_can_be_cancelled(
    planted: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = planted.state("A")
    assert is_quick(planted, state)
    monkeypatch.setattr("al_engine.showing.covering.AT_ONCE", 1000)
    assert not is_quick(planted, state)
    with pytest.raises(WorkCancelled):
        shares(planted, state, lambda n_done: False)
    job = begin_measuring(planted, state)
    job.wait(20)
    np.testing.assert_array_equal(job.result(), far_from_labels(planted, state))
    assert job.of == 360
    assert is_quick(planted, state)
    assert is_quick(planted, answer(planted, "A", 150, "B"))  # one label more


def test_what_was_measured_stays_where_a_label_is_renamed_and_goes_with_other_features(
    planted: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares(planted, planted.state("A"))
    monkeypatch.setattr("al_engine.showing.covering.AT_ONCE", 1000)
    config = planted.config
    renamed = replace(config.labels[0], name="Another name")
    planted.change_settings(replace(config, labels=(renamed, *config.labels[1:])))
    assert is_quick(planted, planted.state("A"))
    planted.change_settings(replace(planted.config, features=Features(("x",))))
    assert not is_quick(planted, planted.state("A"))


def test_few_labels_say_nothing_and_the_colour_says_how_many_it_takes(project: Project) -> None:
    session = begin(project)
    state = answer(session)
    assert object_card(session, state, 0).as_far is None
    assert pool_without(session, state) is None
    with pytest.raises(NotEnoughLabelsError, match=str(ENOUGH)):
        Plotting(session, Drawn()).colouring(Panel(colour="coverage"), state, "blue_orange")
    with pytest.raises(NotEnoughLabelsError):
        Plotting(session, Drawn()).colouring(Panel(colour="coverage"), None, "blue_orange")


def test_blind_what_others_labelled_makes_nothing_nearer(planted: LabellingSession) -> None:
    planted.change_settings(replace(planted.config, people=People(several=True, blind=True)))
    ben = LabellingSession(planted.project, "Ben")
    before = shares(ben, ben.state("A"))
    for row in far_from_labels(planted, planted.state("A"))[:4]:
        answer(planted, "A", int(row), "B")
    np.testing.assert_array_equal(shares(ben, ben.state("A")), before)
    assert (shares(planted, planted.state("A"))[300:] >= FAR).any()


def test_an_object_is_as_far_whether_it_is_labelled_itself_or_not(
    planted: LabellingSession,
) -> None:
    row = int(far_from_labels(planted, planted.state("A"))[-1])
    before = object_card(planted, planted.state("A"), row).as_far
    state = answer(planted, "A", row, "B")
    after = object_card(planted, state, row).as_far
    assert before == pytest.approx(1 / 41)
    assert after == pytest.approx(2 / 42)  # it is the furthest of those labelled now
