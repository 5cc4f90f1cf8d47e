"""What a step costs, by counting: how often objects are scored, models fitted, pictures drawn.

The costs that grow with the pool in tools of this kind are not to come back unseen.  Nothing here
looks at a clock.
"""

import gc
import re
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from conftest import Open, answer, begin, known, make_table, small_setup, survey_config
from PIL import Image
from test_people import together

from al_engine.curating.costs import cost_of
from al_engine.curating.models import scores_of_test_set
from al_engine.data.catalogue import Catalogue
from al_engine.data.splits import TEST, TRAIN, VALIDATION
from al_engine.learning import learners
from al_engine.learning.scoring import Scored
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES, utilities
from al_engine.lookahead import LOOKAHEAD
from al_engine.loop import fitting, scores
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import Columns, Combination, Features, MemberSetup, round_key
from al_engine.showing import maps
from al_engine.showing.maps import Maps, Shown
from al_engine.showing.objects import object_card
from al_engine.showing.places import find_object

# The three maps of the Training page and the one of the Labelling page.
KINDS = ("training", "validation", "metric", "labels")
COMMITTEE = tuple(
    MemberSetup(model, "uncertainty", params)
    for model, params in (("random_forest", {"n_estimators": 10}), ("knn", {}))
)


@dataclass
class Done:
    """What was done since: places scored, models fitted, pictures drawn, whole columns read.

    ``passes`` are those over the numbers of the catalogue: how many expressions each was for.
    """

    scored: list[int] = field(default_factory=list)
    n_fitted: int = 0
    n_drawn: int = 0
    n_arrays_read: int = 0
    passes: list[int] = field(default_factory=list)

    def clear(self) -> None:
        self.scored.clear()
        self.passes.clear()
        self.n_fitted = self.n_drawn = self.n_arrays_read = 0

    def is_nothing(self) -> bool:
        return self == Done()


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Done:
    """Counts from the lowest functions that everything has to go through."""
    since = Done()
    column_scorer, fit_pipeline = fitting.column_scorer, learners.fit_pipeline
    save, fetch_arrays = Image.Image.save, Catalogue.fetch_arrays
    number_batches = Catalogue.number_batches

    def noting_scorer(*args: Any) -> Callable[..., Scored]:
        score = column_scorer(*args)

        def scored(X: Any, places: Any) -> Scored:
            since.scored.extend(int(place) for place in places)
            return score(X, places)

        return scored

    def fitted(*args: Any, **options: Any) -> Any:
        since.n_fitted += 1
        return fit_pipeline(*args, **options)

    def drawn(*args: Any, **options: Any) -> None:
        since.n_drawn += 1
        save(*args, **options)

    def array_read(*args: Any) -> Any:
        since.n_arrays_read += 1
        return fetch_arrays(*args)

    def numbers_read(catalogue: Catalogue, expressions: Any) -> Any:
        since.passes.append(len(expressions))
        return number_batches(catalogue, expressions)

    for scoring in (fitting, scores):
        monkeypatch.setattr(scoring, "column_scorer", noting_scorer)
    monkeypatch.setattr(learners, "fit_pipeline", fitted)
    monkeypatch.setattr(Image.Image, "save", drawn)
    monkeypatch.setattr(Catalogue, "fetch_arrays", array_read)
    monkeypatch.setattr(Catalogue, "number_batches", numbers_read)
    return since


@pytest.fixture
def begun(project: Project) -> tuple[LabellingSession, Maps]:
    """A session whose maps have axes, begun before anything is counted."""
    project.save_config(replace(project.config, x_axis="g", y_axis="r"), "Ada")
    session = begin(project)
    return session, Maps(session)


def draw(session: LabellingSession, drawing: Maps, selected: int | None = None) -> None:
    """Ask for all that the pages show of the present, as they do at each event."""
    state = session.state("QSO")
    assert state.question is not None
    row = state.question.row if selected is None else selected
    object_card(session, state, row)
    view = drawing.home(state, 200, 120)
    for kind in KINDS:
        drawing.picture(kind, state, view, Shown())  # type: ignore[arg-type]
    drawing.place([*state.history.trained, row])
    drawing.metric_range(state)
    drawing.has_unlabelled(state)


def rows_scored(session: LabellingSession, done: Done) -> list[int]:
    """The catalogue's rows of all that was scored."""
    row_at = session.project.dataset().X.row_at
    return [int(row) for row in row_at[done.scored]]


# -- a round -------------------------------------------------------------------------------------


def test_an_answer_and_all_that_is_drawn_of_it_score_each_object_once(begun, done) -> None:
    session, drawing = begun
    answer(session)
    draw(session, drawing)
    parts = session.project.dataset().parts
    wanted = np.flatnonzero((parts == TRAIN) | (parts == VALIDATION))
    assert sorted(rows_scored(session, done)) == wanted.tolist()
    assert done.n_fitted == 1


def test_a_committee_scores_each_object_once_for_its_vote_its_scores_and_its_maps(
    project: Project, done: Done
) -> None:
    project.save_config(replace(project.config, x_axis="g", y_axis="r"), "Ada")
    session = begin(project, members=COMMITTEE)
    done.clear()
    answer(session)
    draw(session, Maps(session))
    assert len(done.scored) == len(set(done.scored)) > 0
    assert done.n_fitted == len(COMMITTEE)


def test_an_answer_looked_ahead_scores_and_fits_nothing(begun, done) -> None:
    session, _ = begun
    session.look_ahead("QSO")
    session._maker.wait("QSO")
    assert done.n_fitted == 2, "one model for each side of the question"
    done.clear()
    answer(session)
    assert done.is_nothing()


def test_to_pass_an_object_scores_and_fits_nothing(begun, done) -> None:
    session, _ = begun
    answer(session, kind="unsure")
    answer(session, kind="later")
    assert done.is_nothing()


def test_a_correction_outside_the_training_set_scores_and_fits_nothing(begun, done) -> None:
    session, _ = begun
    answer(session, row=next(known(session, VALIDATION, "QSO")), label="STAR")
    assert done.is_nothing()


def test_the_test_set_is_scored_only_when_asked_for(begun, done) -> None:
    session, drawing = begun
    parts = session.project.dataset().parts
    for _ in range(3):
        answer(session)
        draw(session, drawing)
    assert done.scored
    assert not (parts[rows_scored(session, done)] == TEST).any()
    done.clear()
    assert scores_of_test_set(session, "QSO") is not None
    assert len(done.scored) == len(set(done.scored)) > 0
    assert (parts[rows_scored(session, done)] == TEST).all()
    assert done.n_fitted == 0


def test_an_answer_to_one_classifier_makes_nothing_of_another(begun, done) -> None:
    session, drawing = begun
    session.start("STAR", small_setup())
    done.clear()
    answer(session)
    draw(session, drawing)  # its card shows what both make of the object
    assert done.n_fitted == 1


@pytest.mark.parametrize("name", [*STRATEGIES, *COMMITTEE_STRATEGIES])
def test_no_strategy_goes_through_the_objects_one_by_one(name: str) -> None:
    rng = np.random.default_rng(3)

    def steps(n_rows: int) -> int:
        """How many functions are called to give so many objects their utility."""
        n_members = 3 if name in COMMITTEE_STRATEGIES else 1
        positive = rng.random((n_members, n_rows))
        scored = Scored(np.stack([1 - positive, positive], axis=2), None)
        called = 0

        def count(frame: Any, event: str, arg: Any) -> None:
            nonlocal called
            called += event in ("call", "c_call")

        held = sys.getprofile()
        sys.setprofile(count)
        try:
            utilities(name, scored)
        finally:
            sys.setprofile(held)
        return called

    steps(10)  # what is imported or made at the first call
    assert 0 < steps(20_000) <= steps(200) + 20


# -- memory --------------------------------------------------------------------------------------

N_MANY, N_WIDE = 400_000, 12


@pytest.fixture(scope="module")
def many_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of many objects with many features: 12 columns and their 66 differences."""
    rng = np.random.default_rng(8)
    names = [f"f{i}" for i in range(N_WIDE)]
    values = {"id": pa.array([f"o{i}" for i in range(N_MANY)])}
    values |= {name: pa.array(rng.random(N_MANY, dtype=np.float32)) for name in names}
    values["class"] = pa.array(np.where(values["f0"].to_numpy() > 0.5, "QSO", "STAR"))
    config = survey_config(
        columns=Columns(id="id", label="class"),
        features=Features(tuple(names), (Combination("subtract", 2),)),
        train_labels=("QSO", "STAR"),
        x_axis="f0",
        y_axis="f1",
    )
    home = tmp_path_factory.mktemp("many")
    folder, _ = create_project(home, "Many", make_table(values, batch_rows=100_000), config)
    return folder


@pytest.fixture(scope="module")
def many(many_template: Path) -> Iterator[LabellingSession]:
    """The project of many objects, its QSO classifier begun; tests may answer, and no more."""
    session = begin(open_project(many_template))
    yield session
    close_project(many_template)


def peak_bytes(do: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_round_and_its_pictures_copy_no_part_of_the_pool(many: LabellingSession) -> None:
    drawing = Maps(many)
    draw(many, drawing)
    dataset = many.project.dataset()
    n_training = int((dataset.parts == TRAIN).sum())

    def answer_and_draw() -> None:
        answer(many, label="QSO")
        draw(many, drawing)

    # A few numbers an object are made: probability, utility, where it is drawn.
    n_features = len(dataset.X.columns)
    assert n_features > 70
    assert peak_bytes(answer_and_draw) < n_training * 4 * n_features / 2


def test_the_features_are_one_read_only_map_for_all_classifiers_and_sessions(
    project: Project,
) -> None:
    session = begin(project)
    held = session.project.dataset().X.columns
    session.start("STAR", small_setup())
    answer(session)
    other = LabellingSession(project, "Bea")
    answer(other, classifier="STAR")
    for each in (session, other):
        assert np.shares_memory(each.project.dataset().X.columns, held)
    assert isinstance(held, np.memmap)
    assert not held.flags.writeable


def test_features_and_their_combinations_are_made_in_one_pass(project: Project, done) -> None:
    columns = project.catalogue.names()
    features = Features(("g", "r", "G"), (Combination("subtract", 2), Combination("add", 3)))
    project.save_config(replace(project.config, features=features), "Ada")
    project.dataset()
    assert done.passes == [3 + 3 + 1]
    close_project(project.folder)
    assert open_project(project.folder).catalogue.names() == columns, "none was added to it"


# -- what is shown -------------------------------------------------------------------------------


def test_selecting_an_object_scores_fits_draws_and_reads_nothing_but_its_card(begun, done) -> None:
    session, drawing = begun
    draw(session, drawing)
    state = session.state("QSO")
    view = drawing.home(state, 200, 120)
    done.clear()
    for row in list(known(session, TRAIN))[:5]:
        (x,), (y,) = drawing.place([row])
        selected = drawing.nearest_row("training", state, x, y, view, Shown())
        assert selected is not None
        draw(session, drawing, selected)
    assert done.is_nothing()


def test_each_map_is_drawn_once_a_round(begun, done) -> None:
    session, drawing = begun
    draw(session, drawing)
    for _ in range(3):
        answer(session)
        done.clear()
        for _ in range(3):
            draw(session, drawing)
        assert 0 < done.n_drawn <= len(KINDS)


def test_a_map_that_is_not_shown_is_not_drawn(begun, done) -> None:
    session, drawing = begun
    state = session.state("QSO")
    drawing.picture("labels", state, drawing.home(state, 200, 120), Shown())
    assert done.n_drawn == 1


def test_a_view_drawn_again_measures_no_range_anew(begun, monkeypatch) -> None:
    session, drawing = begun
    measured: list[int] = []
    default_range = maps.default_range

    def noted(values: Any, *args: Any) -> Any:
        measured.append(len(values))
        return default_range(values, *args)

    monkeypatch.setattr(maps, "default_range", noted)
    draw(session, drawing)
    assert len(measured) == 2, "of both axes"
    draw(session, drawing)
    draw(session, drawing, selected=7)
    assert len(measured) == 2


def test_a_session_that_is_gone_leaves_nothing_behind(project: Project) -> None:
    session = begin(project)
    gc.collect()
    before = len(LOOKAHEAD._tasks)
    gone = []
    for _ in range(5):
        another = LabellingSession(project, "Bea")
        drawing = Maps(another)
        another.look_ahead("QSO")
        another._maker.wait("QSO")
        gone += [weakref.ref(another), weakref.ref(drawing)]
        del another, drawing
        gc.collect()
    assert [ref() for ref in gone] == [None] * len(gone)
    LOOKAHEAD.drop("nobody")  # as at the next step of anybody, what is gone is forgotten
    assert len(LOOKAHEAD._tasks) == before
    assert session.state("QSO").question is not None


# -- reading -------------------------------------------------------------------------------------


@pytest.fixture
def rows_looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows DuckDB went through for each question since."""
    looked_at: list[int] = []
    fetch = Catalogue.fetch

    def explained(catalogue: Catalogue, sql: str, values: Any = ()) -> Any:
        ((_, plan),) = fetch(catalogue, f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        counts = re.findall(r'"(?:operator_)?rows_scanned":\s*(\d+)', plan)
        assert counts, "DuckDB says how many rows it went through"
        looked_at.append(max(int(count) for count in counts))
        return fetch(catalogue, sql, values)

    monkeypatch.setattr(Catalogue, "fetch", explained)
    return looked_at


def test_a_card_looks_at_the_object_s_own_block_of_the_catalogue(
    many: LabellingSession, done: Done, rows_looked_at: list[int]
) -> None:
    row = N_MANY - 5
    card = object_card(many, many.state("QSO"), row)
    assert card.object_id == f"o{row}"
    assert done.is_nothing()
    assert rows_looked_at
    assert max(rows_looked_at) < N_MANY / 2
    # The one search through all ids is the one that a person asks for.
    rows_looked_at.clear()
    assert find_object(many, f"o{row}") == row
    assert len(rows_looked_at) == 1


def test_a_file_is_read_once_to_be_imported_and_not_again(
    tmp_path: Path, opened: Open, done: Done
) -> None:
    table = make_table({"name": pa.array(["a", "b", "c"] * 40), "g": pa.array(np.arange(120.0))})
    read: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            read.append(batch.num_rows)
            yield batch

    config = survey_config(columns=Columns(), features=Features(("g",)), x_axis="g", y_axis="g")
    folder, _ = create_project(tmp_path, "Once", replace(table, batches=batches), config)
    assert sum(read) == 120
    begin(opened(folder))
    assert sum(read) == 120


def test_a_project_opened_again_reads_no_feature_from_the_catalogue(
    survey_folder: Path, opened: Open, done: Done
) -> None:
    session = begin(opened(survey_folder))
    n_features = len(session.project.dataset().X.columns)
    assert done.passes == [n_features]
    asked = session.state("QSO").question
    close_project(survey_folder)
    done.clear()
    again: State = LabellingSession(opened(survey_folder), "Ada").state("QSO")
    assert again.question == asked
    assert done.passes == []


def test_what_answers_amount_to_is_worked_out_once_an_answer_and_ahead_in_another_thread(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = together(project)
    answer(ben)
    ada.state("QSO")
    folded_in: list[str] = []
    fold = Project.fold

    def noted(self: Project, *events, **options):
        folded_in.append(threading.current_thread().name)
        return fold(self, *events, **options)

    monkeypatch.setattr(Project, "fold", noted)
    answer(ada)
    assert len(folded_in) == 1
    folded_in.clear()
    ada.look_ahead("QSO")
    assert threading.current_thread().name not in folded_in
    ada._maker.wait("QSO")
    assert set(folded_in) == {"look-ahead"}


def test_the_settings_of_all_rounds_are_named_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    for _ in range(4):
        state = answer(session)
    named = []
    monkeypatch.setattr(
        "al_engine.loop.making.round_key", lambda *of: named.append(of) or round_key(*of)
    )
    rounds = session._states.rounds("QSO", session.config, state.history)
    assert rounds == state.rounds
    assert len(rounds) == 5
    assert len(named) == 1


def test_settings_that_move_no_label_fold_no_answer_to_say_what_they_cost(
    many: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    many.project.history("QSO")
    monkeypatch.setattr("al_engine.projects.project.history_of", None)
    assert not cost_of(many, replace(many.config, author="Ada"))
    monkeypatch.undo()
    asking = replace(many.config.asking, shared=True)
    assert not cost_of(many, replace(many.config, asking=asking)), "there is one classifier"
