"""Maps show every object once, in the category that the engine's own arrays give it."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from conftest import HOSTILE, small_setup
from PIL import Image

from al_engine.data.splits import OUT, TRAIN, VALIDATION
from al_engine.loop.truth import parts_in_force, truth_in_force
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import ClassifierSetup, MemberSetup
from al_engine.showing.maps import Drawn, Maps, Shown, drawn_of
from al_engine.views.palette import CORRECTNESS, NEUTRAL, rgb
from al_engine.views.raster import HIDDEN, View, category_counts, paint_categories


@pytest.fixture
def begun(project: Project) -> tuple[LabellingSession, State, Maps]:
    project.save_config(replace(project.config, x_axis="g", y_axis="r"), "Ada")
    session = LabellingSession(project, "Ada")
    state = session.start("QSO", small_setup())
    return session, state, Maps(session)


def colours_in(png: bytes) -> set[tuple[int, int, int]]:
    """The colours of a picture's opaque pixels, its shades folded into the nearest full colour."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).reshape(-1, 4)
    return {tuple(int(v) for v in p[:3]) for p in pixels[pixels[:, 3] > 0]}


def test_the_home_view_holds_what_was_trained_on_and_what_is_asked(begun) -> None:
    session, state, maps = begun
    home = maps.home(state, 400, 300)
    rows = [*state.history.trained, state.question.row]
    x, y = session.project.axis("g")[rows], session.project.axis("r")[rows]
    assert (home.width_px, home.height_px) == (400, 300)
    assert home.x_range[0] < x.min() <= x.max() < home.x_range[1]
    assert home.y_range[0] < y.min() <= y.max() < home.y_range[1]


def test_what_was_being_made_while_all_was_put_away_is_not_kept() -> None:
    drawn = Drawn()

    def make() -> np.ndarray:
        drawn.put_away()  # as another thread would, once columns are others
        return np.zeros(3)

    assert drawn.once(drawn.arrays, 12, "column", make).tolist() == [0, 0, 0]
    assert not drawn.arrays
    assert drawn.once(drawn.arrays, 12, "column", lambda: np.ones(3)).tolist() == [1, 1, 1]
    assert list(drawn.arrays) == ["column"]


def test_a_click_finds_the_object_that_lies_there_in_the_set_that_is_drawn(begun) -> None:
    session, state, maps = begun
    home = maps.home(state, 400, 300)
    parts = parts_in_force(session.project.dataset(), state.history)
    for kind, part in (("training", TRAIN), ("validation", VALIDATION)):
        for row in np.flatnonzero(parts == part)[:10]:
            (x,), (y,) = maps.place([row])
            found = maps.nearest_row(kind, state, x, y, home, Shown())
            assert found is not None
            assert parts[found] == part
            assert maps.place([found]) == maps.place([row])


def test_a_click_far_from_everything_finds_nothing(begun) -> None:
    _, state, maps = begun
    far = View((1000.0, 1001.0), (1000.0, 1001.0), 400, 300)
    assert maps.nearest_row("training", state, 1000.5, 1000.5, far, Shown()) is None


def test_hidden_objects_are_neither_drawn_nor_clicked(begun) -> None:
    session, state, maps = begun
    home = maps.home(state, 400, 300)
    dataset = session.project.dataset()
    truth = truth_in_force(dataset, state.history, "QSO")
    wrong = (state.fit.predicted != (truth == 1)) & (truth >= 0)
    row = int(np.flatnonzero(wrong & (dataset.parts == TRAIN))[0])
    (x,), (y,) = maps.place([row])
    found = maps.nearest_row("training", state, x, y, home, Shown(incorrect=False))
    assert found is None or not wrong[found]
    scheme = CORRECTNESS["blue_orange"]
    drawn = colours_in(maps.picture("training", state, home, Shown(incorrect=False)))
    orange = np.array(rgb(scheme.incorrect))
    assert all(np.abs(np.array(c) - orange).sum() > 40 for c in drawn)
    assert colours_in(maps.picture("training", state, home, Shown(False, False, False))) == set()


def test_the_cells_of_a_matrix_hold_as_many_objects_as_it_says(begun) -> None:
    _, state, maps = begun
    for part, scores in (
        ("training", state.scores.training),
        ("validation", state.scores.validation),
    ):
        for actual in (0, 1):
            for predicted in (0, 1):
                rows = maps.cell_rows(state, (part, actual, predicted))
                assert len(rows) == scores.confusion[actual][predicted]


def test_a_chosen_cell_filters_the_map_of_its_own_set_only(begun) -> None:
    _, state, maps = begun
    home = maps.home(state, 400, 300)
    cell = ("training", 0, 0)
    shown = Shown(cell=cell)
    everything = Shown()
    training = maps.picture("training", state, home, shown)
    assert training != maps.picture("training", state, home, everything)
    assert maps.picture("validation", state, home, shown) == maps.picture(
        "validation", state, home, everything
    )


def test_pictures_are_of_the_size_asked_and_change_with_the_round(begun) -> None:
    session, state, maps = begun
    home = maps.home(state, 320, 200)
    before = {}
    for kind in ("training", "metric", "validation", "labels"):
        before[kind] = maps.picture(kind, state, home, Shown())
        assert Image.open(io.BytesIO(before[kind])).size == (320, 200)
    after = session.answer("QSO", state.question.row, "answer", "QSO", token=state.token)
    assert maps.picture("metric", after, home, Shown()) != before["metric"]
    assert maps.picture("metric", state, home, Shown()) == before["metric"]


def test_before_the_first_label_every_object_is_drawn_as_unlabelled(project: Project) -> None:
    project.save_config(replace(project.config, x_axis="g", y_axis="r"), "Ada")
    session = LabellingSession(project, "Ada")
    state = session.start("QSO", small_setup(initial_labels="ask"))
    maps = Maps(session)
    home = maps.home(state, 320, 200)
    assert state.fit is None
    assert maps.metric_range(state) == (0.0, 0.0)
    assert maps.has_unlabelled(state)
    grey = np.array(rgb(NEUTRAL))
    drawn = colours_in(maps.picture("training", state, home, Shown()))
    assert drawn
    assert all(np.abs(np.array(c) - grey).sum() < 40 for c in drawn)


def test_a_verified_label_takes_its_colour_on_the_map_of_labels(begun) -> None:
    session, state, maps = begun
    row = int(np.flatnonzero(session.project.dataset().codes == -1)[0])
    (x,), (y,) = maps.place([row])
    close = View((x - 1e-4, x + 1e-4), (y - 1e-4, y + 1e-4), 20, 20)
    grey = colours_in(maps.picture("labels", state, close, Shown()))
    state = session.answer("QSO", row, "answer", "STAR", token=state.token)
    star = colours_in(maps.picture("labels", state, close, Shown()))
    assert grey != star


def test_left_out_objects_are_on_no_map(project: Project) -> None:
    config = replace(project.config, x_axis="g", y_axis="r", leave_out_other_labels=True)
    project.save_config(config, "Ada")
    session = LabellingSession(project, "Ada")
    state = session.start("QSO", small_setup())
    maps = Maps(session)
    row = int(np.flatnonzero(session.project.dataset().parts == OUT)[0])
    (x,), (y,) = maps.place([row])
    close = View((x - 1e-4, x + 1e-4), (y - 1e-4, y + 1e-4), 20, 20)
    for kind in ("training", "metric", "validation", "labels"):
        assert maps.nearest_row(kind, state, x, y, close, Shown()) is None


def drawn_on(session: LabellingSession, state: State, kind: str) -> np.ndarray:
    """The rows that a map draws, in the plainest words."""
    dataset = session.project.dataset()
    parts = parts_in_force(dataset, state.history)
    drawn = {
        "training": parts == TRAIN,
        "validation": parts == VALIDATION,
        "metric": np.isfinite(state.fit.utility),
        "labels": parts != OUT,
    }
    return np.flatnonzero(drawn[kind])


@pytest.mark.parametrize("kind", ["training", "validation", "metric", "labels"])
def test_a_click_anywhere_means_the_nearest_of_all_objects_drawn(begun, kind: str) -> None:
    session, state, maps = begun
    home = maps.home(state, 300, 200)
    rows = drawn_on(session, state, kind)
    x, y = (session.project.axis(name).astype(float) for name in ("g", "r"))
    rng = np.random.default_rng(5)
    (left, right), (low, high) = home.x_range, home.y_range
    n_found = 0
    for at_x, at_y in zip(rng.uniform(left, right, 60), rng.uniform(low, high, 60), strict=True):
        across = (x[rows] - at_x) * 300 / (right - left)
        distance = np.hypot(across, (y[rows] - at_y) * 200 / (high - low))
        expected = int(rows[distance.argmin()]) if distance.min() <= 24 else None
        assert maps.nearest_row(kind, state, at_x, at_y, home, Shown()) == expected
        n_found += expected is not None
    assert 0 < n_found < 60, "some clicks are near an object and some are not"


def test_of_objects_in_one_place_a_click_means_the_first(begun) -> None:
    session, _, maps = begun
    config = replace(session.config, x_axis=HOSTILE, y_axis=HOSTILE)  # the numbers 0 to 4
    session.project.save_config(config, "Ada")
    state = session.state("QSO")
    home = maps.home(state, 400, 300)
    rows = drawn_on(session, state, "training")
    values = session.project.axis(HOSTILE)[rows]
    for value in range(5):
        found = maps.nearest_row("training", state, value, value, home, Shown())
        assert found == rows[values == value][0]


def test_a_zoomed_picture_shows_what_lies_there(begun) -> None:
    session, state, maps = begun
    home = maps.home(state, 40, 30)
    (left, right), (low, high) = home.x_range, home.y_range
    close = View((left, left + (right - left) / 4), (low, low + (high - low) / 3), 40, 30)
    x, y = session.project.axis("g"), session.project.axis("r")
    codes = np.full(len(x), HIDDEN, np.uint8)
    codes[drawn_on(session, state, "training")] = 0
    there = category_counts(x, y, codes, 1, close)
    picture = maps.picture("training", state, close, Shown())
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))
    assert there.sum() > 0
    np.testing.assert_array_equal(pixels[:, :, 3] > 0, painted(there))


def painted(counts: np.ndarray) -> np.ndarray:
    png = paint_categories(counts, ("#000000",))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[:, :, 3] > 0


def test_the_same_standing_reached_another_way_is_not_drawn_again(begun) -> None:
    session, state, maps = begun
    home = maps.home(state, 320, 200)
    kinds = ("training", "metric", "validation", "labels")
    before = {kind: maps.picture(kind, state, home, Shown()) for kind in kinds}
    after = session.answer("QSO", state.question.row, "answer", "QSO", token=state.token)
    assert maps.picture("training", after, home, Shown()) != before["training"]
    undone = session.undo("QSO", token=after.token)
    passed = session.answer("QSO", undone.question.row, "unsure", token=undone.token)
    for kind in kinds:
        assert maps.picture(kind, undone, home, Shown()) is before[kind]
        assert maps.picture(kind, passed, home, Shown()) is before[kind], "it is in the pool still"


def test_threads_that_ask_for_one_picture_get_the_same_one(begun) -> None:
    _, state, maps = begun
    home = maps.home(state, 320, 200)
    together = threading.Barrier(4)

    def ask(kind: str) -> bytes:
        together.wait()
        return maps.picture(kind, state, home, Shown())

    with ThreadPoolExecutor(4) as pool:
        one, two, three, four = pool.map(ask, ["training", "training", "metric", "metric"])
    assert one is two
    assert three is four


def test_without_a_model_a_click_on_the_metric_map_means_what_it_draws(project: Project) -> None:
    project.save_config(replace(project.config, x_axis="g", y_axis="r"), "Ada")
    session = LabellingSession(project, "Ada")
    state = session.start("QSO", small_setup(initial_labels="ask"))
    maps = Maps(session)
    parts = project.dataset().parts
    for row in np.flatnonzero(parts == VALIDATION)[:10]:
        (x,), (y,) = maps.place([row])
        close = View((x - 1e-4, x + 1e-4), (y - 1e-4, y + 1e-4), 20, 20)
        found = maps.nearest_row("metric", state, x, y, close, Shown())
        assert found is None or parts[found] == TRAIN


def test_the_metric_map_follows_the_strategy_in_force(begun) -> None:
    session, state, maps = begun
    home = maps.home(state, 320, 200)
    before = maps.picture("metric", state, home, Shown())
    forest = replace(small_setup().members[0], strategy="random")
    after = session.start("QSO", small_setup(members=(forest,)))
    assert after.fit.key == state.fit.key, "the model is the same"
    assert maps.picture("metric", after, home, Shown()) != before


def test_what_is_looked_at_is_drawn_ahead_for_each_answer(begun, monkeypatch) -> None:
    session, state, maps = begun
    for label in ("QSO", "STAR", None):
        for kind in ("training", "metric"):
            maps.show(kind, state, maps.home(state, 400, 300), Shown())
        session.look_ahead("QSO", [maps.draw_ahead])
        session._maker.wait("QSO")
        with monkeypatch.context() as patch:
            for drawn in ("paint_categories", "paint_values"):
                patch.setattr(f"al_engine.showing.maps.{drawn}", None)
            kind = "answer" if label else "unsure"
            state = session.answer("QSO", state.question.row, kind, label, token=state.token)
            ahead = [
                maps.show(k, state, maps.home(state, 400, 300), Shown())
                for k in ("training", "metric")
            ]
        fresh = Maps(session)
        assert ahead == [
            fresh.picture(k, state, fresh.home(state, 400, 300), Shown())
            for k in ("training", "metric")
        ]


def test_a_part_that_was_zoomed_to_stays_the_part_that_is_drawn_ahead(begun, monkeypatch) -> None:
    session, state, maps = begun
    home = maps.home(state, 400, 300)
    part = View((home.x_range[0], sum(home.x_range) / 2), home.y_range, 400, 300)
    maps.show("training", state, part, Shown(unlabelled=False))
    session.look_ahead("QSO", [maps.draw_ahead])
    session._maker.wait("QSO")
    monkeypatch.setattr("al_engine.showing.maps.paint_categories", None)
    state = session.answer("QSO", state.question.row, "answer", "QSO", token=state.token)
    maps.show("training", state, part, Shown(unlabelled=False))


def test_a_second_session_on_a_project_gets_the_pictures_of_the_first(begun, monkeypatch) -> None:
    session, state, _ = begun
    first = Maps(session, drawn_of(session.project))
    view = first.home(state, 400, 300)
    expected = [first.picture(kind, state, view, Shown()) for kind in ("training", "metric")]
    for drawn in ("paint_categories", "paint_values"):
        monkeypatch.setattr(f"al_engine.showing.maps.{drawn}", None)
    other = LabellingSession(session.project, "Bea")
    second = Maps(other, drawn_of(other.project))
    there = other.state("QSO")
    assert [second.picture(k, there, view, Shown()) for k in ("training", "metric")] == expected


def test_a_state_is_drawn_under_the_settings_it_was_made_under(begun) -> None:
    session, old, maps = begun
    home = maps.home(old, 400, 300)
    stump = MemberSetup("decision_tree", "uncertainty", {"max_depth": 1})
    LabellingSession(session.project, "Bea").start("QSO", ClassifierSetup((stump,)))
    maps.picture("training", old, home, Shown())  # after the settings have changed
    new = session.state("QSO")
    fresh = Maps(session)
    assert maps.picture("training", new, home, Shown()) == fresh.picture(
        "training", new, home, Shown()
    )
    for actual in (0, 1):
        for predicted in (0, 1):
            n = len(maps.cell_rows(new, ("training", actual, predicted)))
            assert n == new.scores.training.confusion[actual][predicted]


def test_pictures_that_nobody_wants_any_more_are_not_drawn_ahead(begun, monkeypatch) -> None:
    _, state, maps = begun
    maps.show("training", state, maps.home(state, 400, 300), Shown())
    monkeypatch.setattr(maps, "picture", None)
    maps.draw_ahead(state, lambda: False)
