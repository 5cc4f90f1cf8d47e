"""A data set that stays where it lies, in partitions: the same as an import of it gives.

The first part does the work in this process, the second on two Dask workers.
"""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import HOSTILE, SMALL_FOREST, small_setup

from al_engine.curating.relabelling import merged
from al_engine.data import partitions
from al_engine.data.history import History, fold
from al_engine.data.labels import Event
from al_engine.data.parquet_rows import cut
from al_engine.data.partitions import MOST_RETURNED, Run, Workers, connect, in_process
from al_engine.data.readers.columnar import look_over
from al_engine.data.splits import PART_NAMES, TEST, TRAIN, VALIDATION
from al_engine.errors import (
    ClusterError,
    SettingsError,
    UnreadableFileError,
    UnsuitableColumnError,
)
from al_engine.learning import kernels
from al_engine.learning.learners import Preparation
from al_engine.lookahead import Overtaken
from al_engine.loop.asking import random_every
from al_engine.loop.firsts import initial_rows
from al_engine.loop.fitting import learner_spec
from al_engine.loop.partitioned import initial, layout, maps, reading, rounds
from al_engine.loop.partitioned.rounds import PartitionedPlan, PartitionedRound
from al_engine.loop.rounds import Plan, Round, make_round
from al_engine.loop.truth import parts_in_force, truth_in_force
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.settings.config import (
    Asking,
    ClassifierSetup,
    Combination,
    Features,
    MemberSetup,
    Splits,
)
from al_engine.showing.maps import CORRECT, INCORRECT, UNLABELLED
from al_engine.starting import import_file
from al_engine.views import raster

N_FILES, ROWS_A_FILE = 3, 1500
ROWS_AT_ONCE = 1100  # of row groups of 400: partitions of 800 and of 700 rows
AXES = ("g", HOSTILE)


@dataclass(frozen=True)
class Sky:
    """One data set twice: where it lies, and imported."""

    folder: Path
    project: Project
    truth: list[str]


@pytest.fixture(scope="session")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sky]:
    """Awkward columns in files of different column order, of which a third have no label."""
    home = tmp_path_factory.mktemp("sky")
    rng = np.random.default_rng(8)
    n = N_FILES * ROWS_A_FILE
    truth = rng.choice(["GALAXY", "QSO", "STAR"], n, p=[0.5, 0.1, 0.4])
    known = np.where(rng.random(n) < 0.3, rng.choice([None, "", "Unknown"], n), truth)

    def numbers(decimals: int) -> np.ndarray:
        values = rng.normal(size=n) + 1.5 * (truth == "QSO") - (truth == "STAR")
        values = np.round(values, decimals)
        values[rng.random(n) < 0.02] = np.nan
        values[rng.random(n) < 0.01] = -9999.0
        values[rng.random(n) < 0.001] = np.inf
        return values

    columns = {
        "id": pa.array(rng.permutation(n).astype(np.uint64) + np.uint64(2**63)),
        "class": pa.array(known.tolist()).dictionary_encode(),
        "g": pa.array(numbers(1)),
        "r": pa.array(numbers(3).astype(np.float32)),
        HOSTILE: pa.array(rng.integers(-3, 4, n)),
        "empty": pa.nulls(n, pa.float64()),
        "note": pa.array(["unused"] * n),
    }
    (home / "set").mkdir()
    for i in range(N_FILES):
        table = pa.table(columns).slice(i * ROWS_A_FILE, ROWS_A_FILE)
        names = sorted(columns, reverse=bool(i % 2))
        pq.write_table(table.select(names), home / "set" / f"{i}.parquet", row_group_size=400)
    folder, _ = import_file(home, home / "set", id_column="id", label_column="class")
    project = open_project(folder)
    config = project.config
    columns_ = replace(config.columns, missing={"g": (-9999.0,), "r": (-9999.0,)})
    features = Features(("g", "r", HOSTILE, "empty"), (Combination("subtract", 2),))
    project.save_config(
        replace(config, columns=columns_, features=features, train_labels=("QSO", "STAR")), "Ada"
    )
    yield Sky(home / "set", project, truth.tolist())
    close_project(folder)


def history_of(*answers: tuple[str, int, str | None, str, str]) -> History:
    """A history of kind, row, label, how and part."""
    return fold(
        [
            Event(kind, row_number=row, label=label, how=how, part=part, seq=i)  # type: ignore[arg-type]
            for i, (kind, row, label, how, part) in enumerate(answers, start=1)
        ]
    )


def walk(sky: Sky, plan: Plan, n: int) -> list[tuple[History, Round]]:
    """The histories of n answers of every kind, and the rounds they lead to by the arrays."""
    dataset = plan.dataset
    answers: list[tuple[str, int, str | None, str, str]] = [
        ("answer", int(row), sky.truth[row], "click", PART_NAMES[dataset.parts[row]])
        for part in (VALIDATION, TEST)
        for row in np.flatnonzero(dataset.parts == part)[:2]
    ]
    met = []
    for i in range(n):
        history = history_of(*answers)
        met.append((history, make_round(plan, history)))
        question = met[-1][1].question
        assert question is not None
        row, how = question.row, question.how
        part = (
            "validation" if how == "random" else PART_NAMES[parts_in_force(dataset, history)[row]]
        )
        kind = {4: "later", 7: "unsure"}.get(i, "answer")
        label = "GALAXY" if i == 9 else sky.truth[row]  # once not what the catalogue says
        answers.append((kind, row, label if kind == "answer" else None, how, part))
    return met


def plans(
    sky: Sky, run: Run, setup: ClassifierSetup, every: int | None = None, **changes: Any
) -> tuple[Plan, PartitionedPlan]:
    """The same plan for the imported data set and for the one in partitions."""
    config = replace(sky.project.config, **changes)
    dataset = sky.project.prepare(config)
    laid_out = layout.lay_out(run, sky.folder, config, ROWS_AT_ONCE)
    spec = learner_spec(setup, 3)
    here = initial_rows(dataset, "QSO", setup, "random", 3)
    there = initial.initial_rows(run, laid_out, "QSO", setup, "random", 3)
    np.testing.assert_array_equal(there, here)
    assert laid_out.n_validation == dataset.n_validation
    every = random_every(dataset.n_validation, every)
    return (
        Plan(dataset, "QSO", spec, "Quasar", here, setup.n_initial, every),
        PartitionedPlan(laid_out, "QSO", spec, "Quasar", there, setup.n_initial, every, {}),
    )


def assert_same_round(there: PartitionedRound, here: Round, plan: Plan, history: History) -> None:
    assert there.question == here.question
    assert there.scores == here.scores
    assert (there.n_pool, there.trained_share) == (here.n_pool, here.trained_share)
    if here.fit is None:
        assert there.learner is None
        return
    fit = here.fit
    best = there.best.rows
    np.testing.assert_array_equal(there.best.utility, fit.utility[best])
    np.testing.assert_array_equal(there.best.proba, fit.proba[best])
    np.testing.assert_array_equal(there.best.X, plan.dataset.rows(best))
    closed = [*history.asked, *history.later]
    assert not set(best.tolist()) & set(closed)
    utility = fit.utility[np.isfinite(fit.utility)]
    assert there.utility_range == (utility.min(), utility.max())
    ends, counts = there.utility_histogram
    assert counts.sum() == len(utility)
    to_eight_bits = np.trunc(np.ldexp(np.frexp(utility)[0], 8))
    expected = np.unique(np.ldexp(to_eight_bits, np.frexp(utility)[1] - 8), return_counts=True)
    np.testing.assert_array_equal((ends, counts), expected)


def assert_same_preparation(there: Preparation, here: Preparation) -> None:
    np.testing.assert_array_equal(there.imputer.statistics_, here.imputer.statistics_)
    assert here.scaler is not None
    assert there.scaler is not None
    np.testing.assert_array_equal(there.scaler.center_, here.scaler.center_)
    np.testing.assert_array_equal(there.scaler.scale_, here.scaler.scale_)


# -- the same, in this process -----------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"splits": Splits("counts", 600, 200, 100, "balanced", 5)},
        {"splits": Splits("shares", 50, 0, 20, seed=2)},
        {"leave_out_other_labels": True, "leave_out_unknown": True},
    ],
    ids=["shares", "counts", "some-left-over", "left-out"],
)
def test_a_partition_gives_the_arrays_of_an_import(sky: Sky, changes: dict[str, Any]) -> None:
    config = replace(sky.project.config, **changes)
    dataset = sky.project.prepare(config)
    found = layout.lay_out(in_process, sky.folder, config, ROWS_AT_ONCE)
    chunks = [c for p in found.partitions for c in reading.chunks(p, found.reading(*AXES))]
    assert [c.first_row for c in chunks] == np.cumsum(
        [0, *(len(c.keys) for c in chunks[:-1])]
    ).tolist()
    for name in ("codes", "keys", "parts"):
        together = np.concatenate([getattr(c, name) for c in chunks])
        np.testing.assert_array_equal(together, getattr(dataset, name))
    X = np.concatenate([c.X for c in chunks], axis=1)
    np.testing.assert_array_equal(X.T, dataset.rows(np.arange(dataset.n_rows)))
    for i, axis in enumerate(AXES):
        np.testing.assert_array_equal(
            np.concatenate([c.others[i] for c in chunks]), sky.project.axis(axis)
        )
    assert_same_preparation(found.preparation, dataset.preparation)
    assert found.n_training == np.count_nonzero(dataset.parts == TRAIN)
    assert list(found.n_by_value) == dataset.n_by_value
    assert found.left_out == dataset.left_out


COMMITTEE = ClassifierSetup(
    (SMALL_FOREST, MemberSetup("logistic_regression"), MemberSetup("knn", "margin")),
    "consensus_entropy",
    n_initial=4,
)


@pytest.mark.parametrize(
    ("setup", "changes"),
    [
        (small_setup(n_initial=4), {}),
        (COMMITTEE, {"leave_out_other_labels": True}),
        (
            ClassifierSetup((MemberSetup("svm", "entropy"),), n_initial=4),
            {"splits": Splits("counts", 1000, 20, 100)},
        ),
    ],
    ids=["forest", "committee", "few-to-validate"],
)
def test_each_round_is_that_of_the_import(
    sky: Sky, setup: ClassifierSetup, changes: dict[str, Any]
) -> None:
    here, there = plans(sky, in_process, setup, every=6, **changes)
    for history, expected in walk(sky, here, 11):
        found = rounds.make_round(in_process, there, history)
        assert_same_round(found, expected, here, history)


def test_the_last_objects_are_asked_about_and_then_none(sky: Sky) -> None:
    here, there = plans(sky, in_process, small_setup(), splits=Splits("counts", 3, 20, 100),
                        leave_out_unknown=True)  # fmt: skip
    pool = np.flatnonzero(here.dataset.parts == 0).tolist()
    assert len(pool) == 3
    first = [("answer", row, sky.truth[row], "query", "train") for row in pool[:2]]
    for last in (("later", pool[2], None, "query", "train"),
                 ("unsure", pool[2], None, "query", "train")):  # fmt: skip
        history = history_of(*first, last)
        found = rounds.make_round(in_process, there, history)
        assert_same_round(found, make_round(here, history), here, history)
    assert found.question is None


def test_a_round_reads_no_labelled_row_again(sky: Sky) -> None:
    here, there = plans(sky, in_process, small_setup(n_initial=4))
    tasks: list[str] = []

    def noting(task: Callable[..., Any], *rest: Any) -> Iterator[Any]:
        tasks.append(task.__name__)
        return in_process(task, *rest)

    for history, _ in walk(sky, here, 8)[6:]:
        rounds.make_round(noting, there, history)
    assert tasks == ["_read_rows", "look_through", "look_through"]


@pytest.mark.parametrize("n", [1, 900])
def test_medians_and_quartiles_come_from_the_same_objects_of_a_large_training_set(
    sky: Sky, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("al_engine.projects.dataset.PREPARED_FROM", n)
    monkeypatch.setattr(layout, "PREPARED_FROM", n)
    monkeypatch.setattr(reading, "MOST_RETURNED", 10_000)  # so that they come in pieces
    # Other settings than before: a project keeps what it prepared.
    config = replace(sky.project.config, splits=Splits("shares", 61, 20, 19, seed=n))
    found = layout.lay_out(in_process, sky.folder, config, ROWS_AT_ONCE)
    assert_same_preparation(found.preparation, sky.project.prepare(config).preparation)


@pytest.mark.parametrize("at_most", [50_000, 900])
def test_the_first_objects_are_spread_as_in_an_import(
    sky: Sky, at_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("al_engine.loop.firsts.SPREAD_OVER", at_most)
    monkeypatch.setattr(initial, "SPREAD_OVER", at_most)
    config = replace(sky.project.config, columns=replace(sky.project.config.columns, label=None))
    found = layout.lay_out(in_process, sky.folder, config, ROWS_AT_ONCE)
    expected = initial_rows(sky.project.prepare(config), "QSO", small_setup(), "spread", 1)
    drawn = initial.initial_rows(in_process, found, "QSO", small_setup(), "spread", 1)
    np.testing.assert_array_equal(drawn, expected)


def test_row_groups_are_cut_into_runs_that_follow_each_other(sky: Sky) -> None:
    found = look_over(sky.folder)
    for at_once, n in ((100, 12), (800, 6), (10**6, 3)):
        runs = cut(found, at_once)
        assert len(runs) == n
        assert [p.first_row for p in runs] == np.cumsum(
            [0, *(p.n_rows for p in runs[:-1])]
        ).tolist()
        assert sum(p.n_rows for p in runs) == N_FILES * ROWS_A_FILE


def test_work_that_is_no_longer_wanted_is_given_up(sky: Sky) -> None:
    with pytest.raises(Overtaken):
        layout.lay_out(in_process, sky.folder, sky.project.config, is_wanted=lambda: False)


NOT_IN_PARTITIONS = {
    "a curated test set": (lambda c: replace(c, splits=Splits(curated=True)), "splits.curated"),
    "merged labels": (lambda c: merged(c, "GALAXY", "QSO"), "Labels are merged"),
    "a selection": (lambda c: replace(c, asking=Asking(among="a", among_key="b")), "selection 'a'"),
    "repeats": (lambda c: replace(c, asking=Asking(repeat_every=20)), "repeat_every is 20"),
    "batches": (
        lambda c: replace(c, setups={"QSO": ClassifierSetup(batch_size=5)}),
        "'QSO' asks about 5 objects at a time",
    ),
}


@pytest.mark.parametrize("what", NOT_IN_PARTITIONS)
def test_what_a_data_set_in_partitions_cannot_have_is_refused(sky: Sky, what: str) -> None:
    change, said = NOT_IN_PARTITIONS[what]
    with pytest.raises(SettingsError, match=said):
        layout.lay_out(in_process, sky.folder, change(sky.project.config))


def test_a_file_that_changed_meanwhile_is_refused(sky: Sky, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(sky.folder, tmp_path / "set"))
    found = layout.lay_out(in_process, copy, sky.project.config)
    shutil.copy(copy / "1.parquet", copy / "0.parquet")
    with pytest.raises(UnreadableFileError, match=r"0\.parquet has changed since"):
        layout.features_of(in_process, found, [0])
    (copy / "0.parquet").unlink()
    with pytest.raises(UnreadableFileError, match=r"0\.parquet is not there"):
        layout.features_of(in_process, found, [0])


def test_settings_that_fit_no_data_are_refused(sky: Sky) -> None:
    config = sky.project.config

    def refused(error: type[Exception], match: str, **changes: Any) -> None:
        with pytest.raises(error, match=match):
            layout.lay_out(in_process, sky.folder, replace(config, **changes))

    refused(SettingsError, "No feature", features=Features())
    refused(SettingsError, "ask for 9,000 objects", splits=Splits("counts", 8000, 500, 500))
    refused(UnsuitableColumnError, "needed", features=Features(("note",)))
    nobody = {"leave_out_other_labels": True, "leave_out_unknown": True, "train_labels": ()}
    refused(SettingsError, "no object to train on", **nobody)
    repeated = replace(config.columns, id="note")
    refused(UnsuitableColumnError, "same value in several rows", columns=repeated)


def test_without_dask_only_asking_for_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = "al_engine.loop.partitioned.maps, al_engine.loop.partitioned.initial"
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[1])  # fmt: skip
    assert not {"dask", "distributed"} & set(done.stdout.split())
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"Dask is not installed\. .*requirements-dask\.txt"):
        connect("tcp://127.0.0.1:1")


def test_no_address_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEXTANT_DASK", raising=False)
    with pytest.raises(ClusterError, match="SEXTANT_DASK"):
        connect()


def test_a_task_that_would_send_back_more_than_a_megabyte_is_refused(sky: Sky) -> None:
    [first, *_] = cut(look_over(sky.folder))

    def much(partition: object, job: int) -> Iterator[bytes]:
        yield from (bytes(job), bytes(job))

    assert [len(piece) for piece in partitions._pieces(much, first, 900_000)] == [900_000] * 2
    with pytest.raises(ClusterError, match="1,000,000 are allowed"):
        partitions._pieces(much, first, 1_000_000)


# -- on two workers ----------------------------------------------------------------------------


@dataclass
class Cluster:
    """Two workers, and how much they sent back: bytes, for each thing sent."""

    local: Any
    workers: Workers
    sent: list[int]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    distributed = pytest.importorskip("distributed")
    kernels.warm_up()  # compiling takes a worker more memory than it has; it finds what was made
    sent: list[int] = []

    class Weighing(Workers):
        def _results(self, *arguments: Any, **options: Any) -> Iterator[Any]:
            for result in super()._results(*arguments, **options):
                sent.append(len(pickle.dumps(result)))
                yield result

    with pytest.MonkeyPatch.context() as patched:
        # A worker begins by importing the program that starts it.  After a test of pages that is a
        # page, as Streamlit has it, and the whole app would take the worker's memory.
        patched.setitem(sys.modules, "__main__", ModuleType("__main__"))
        local = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            # None: a worker that is short of memory is paused, and how much it needs to begin with
            # is the machine's affair.  The test that is about memory looks at how much it grew.
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # bound even where nothing is drawn there
        )
        patched.setattr(partitions, "Workers", Weighing)
        patched.setenv("SEXTANT_DASK", local.scheduler_address)
        with local, connect() as workers:
            yield Cluster(local, workers, sent)


@pytest.fixture
def little_sent(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, whose workers must not send back more than a megabyte at a time."""
    cluster.local.wait_for_workers(2, timeout=120)
    cluster.sent.clear()
    yield cluster
    assert cluster.sent
    assert max(cluster.sent) <= MOST_RETURNED


def test_two_workers_make_the_rounds_of_the_import(sky: Sky, little_sent: Cluster) -> None:
    here, there = plans(sky, little_sent.workers.run, COMMITTEE, every=6)
    for history, expected in walk(sky, here, 12)[::3]:
        found = rounds.make_round(little_sent.workers.run, there, history)
        assert_same_round(found, expected, here, history)


def test_maps_on_dask_frames_are_those_of_the_import(sky: Sky, little_sent: Cluster) -> None:
    here, there = plans(sky, in_process, small_setup(n_initial=4))
    history, local = walk(sky, here, 9)[-1]
    learner = rounds.make_round(in_process, there, history).learner
    x, y = (sky.project.axis(name) for name in AXES)
    # As large a picture as a large screen asks for: it is more than one band.
    view = raster.View((-3.0, 3.0), (-2.5, 3.5), 900, 700)
    parts, fit = parts_in_force(here.dataset, history), local.fit
    assert fit is not None
    truth = truth_in_force(here.dataset, history, "QSO")
    judged = np.where(fit.predicted == (truth == 1), CORRECT, INCORRECT)
    for kind, part in (("training", 0), ("validation", 1)):
        codes = np.where(truth < 0, UNLABELLED, judged).astype(np.uint8)
        codes[parts != part] = raster.HIDDEN
        counts = maps.category_counts(
            little_sent.workers, there, history, learner, kind, AXES, view
        )
        np.testing.assert_array_equal(counts, raster.category_counts(x, y, codes, 3, view))
        assert counts.sum() > 100
    codes = np.where(here.dataset.codes < 0, 3, here.dataset.codes).astype(np.uint8)
    for row, label in history.verified.items():
        codes[row] = here.dataset.values.index(label)
    counts = maps.category_counts(little_sent.workers, there, history, None, "labels", AXES, view)
    np.testing.assert_array_equal(counts, raster.category_counts(x, y, codes, 4, view))
    assert learner is not None
    highest = maps.highest_utility(little_sent.workers, there, history, learner, AXES, view)
    drawn = np.flatnonzero(np.isfinite(fit.utility))
    expected = raster._highest(x[drawn], y[drawn], fit.utility[drawn], view)
    np.testing.assert_array_equal(highest, expected)


def test_a_worker_that_is_killed_in_mid_round_changes_nothing(
    sky: Sky, little_sent: Cluster
) -> None:
    here, there = plans(sky, in_process, small_setup(n_initial=4))
    history, expected = walk(sky, here, 7)[-1]
    rounds.make_round(in_process, there, history)
    killed: list[int] = []

    def kill_once() -> bool:
        nannies = [n for n in little_sent.local.workers.values() if n.process is not None]
        busy = little_sent.workers._client.processing()
        at_work = [n.process.pid for n in nannies if busy.get(n.worker_address)]
        if not killed and at_work:
            killed.append(at_work[0])
            os.kill(at_work[0], signal.SIGKILL)
        return True

    found = rounds.make_round(little_sent.workers.run, there, history, kill_once)
    assert killed
    assert_same_round(found, expected, here, history)


def _highest_memory_bytes() -> int:
    # Not getrusage's: that begins with what the program had that started this one.
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory was used")
def test_a_partition_may_be_larger_than_a_workers_memory(
    little_sent: Cluster, tmp_path: Path
) -> None:
    little_sent.workers._client.restart()
    n, names = 2_050_000, [f"f{i:02}" for i in range(40)]
    rng = np.random.default_rng(1)
    base = rng.integers(0, 100, n)
    columns = {name: ((base * (i + 1)) % 101).astype(np.float64) for i, name in enumerate(names)}
    columns["kind"] = pa.array(np.array(["a", "b"])[(base % 7 > 3).astype(int)])
    table = pa.table(columns)
    pq.write_table(table, tmp_path / "large.parquet", row_group_size=n, write_statistics=False)
    pq.write_table(table.slice(0, 1000), tmp_path / "small.parquet")
    folder, _ = import_file(tmp_path, tmp_path / "small.parquet", label_column="kind")
    config = replace(open_project(folder).config, features=Features(tuple(names)))
    close_project(folder)
    # Draw and preparation are a small catalogue's: what is asked here is the round alone.
    found = look_over(tmp_path / "large.parquet")
    small = layout.lay_out(in_process, tmp_path / "small.parquet", config)
    large = replace(small, found=found, partitions=cut(found))
    assert len(large.partitions) == 1
    spec = learner_spec(small_setup(), 0)
    plan = PartitionedPlan(large, "a", spec, "A", np.arange(0), 0, 0, {})
    labels = table["kind"][:30].to_pylist()
    history = history_of(*(("answer", row, labels[row], "query", "train") for row in range(30)))
    before = little_sent.workers._client.run(_highest_memory_bytes)
    there = rounds.make_round(little_sent.workers.run, plan, history)
    [whole] = large.partitions
    parts = np.concatenate([c.parts for c in reading.chunks(whole, large.reading_of_keys())])
    assert there.n_pool == np.count_nonzero(parts[30:] == TRAIN)
    assert there.question is not None
    after = little_sent.workers._client.run(_highest_memory_bytes)
    grown = [after[worker] - before[worker] for worker in before]
    assert 0 < max(grown) < table.nbytes / 3


def test_what_a_worker_cannot_read_is_said_as_here(sky: Sky, cluster: Cluster) -> None:
    found = layout.lay_out(in_process, sky.folder, sky.project.config)
    lost = replace(found.partitions[0], file=str(sky.folder / "gone.parquet"))
    with pytest.raises(UnreadableFileError, match=r"gone\.parquet is not there"):
        layout.features_of(cluster.workers.run, replace(found, partitions=(lost,)), [0])


def _fail(partition: object, job: object) -> Iterator[None]:
    raise ValueError("nothing\nof it")


def _sleep(partition: object, job: float) -> Iterator[None]:
    time.sleep(job)
    yield None


def test_a_task_that_fails_is_told_in_one_sentence(sky: Sky, cluster: Cluster) -> None:
    [first, *_] = cut(look_over(sky.folder))
    with pytest.raises(ClusterError, match=r"failed: ValueError: nothing\."):
        list(cluster.workers.run(_fail, [first], None))


def test_work_on_workers_is_given_up_once_it_is_not_wanted(sky: Sky, cluster: Cluster) -> None:
    runs = cut(look_over(sky.folder))
    begun = time.monotonic()
    with pytest.raises(Overtaken):
        list(cluster.workers.run(_sleep, runs, 2.0, lambda: time.monotonic() < begun + 0.2))
    deadline = time.monotonic() + 20
    while any(cluster.workers._client.processing().values()):
        assert time.monotonic() < deadline, "cancelled work is still under way"
        time.sleep(0.1)


def test_workers_with_other_versions_are_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    partitions.versions.cache_clear()
    monkeypatch.setattr(partitions, "version", lambda name: "0.1")
    with pytest.raises(ClusterError, match=r"has numpy [\d.]+, but here it is 0\.1\."):
        connect()
    partitions.versions.cache_clear()


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(partitions, "CONNECT_S", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(ClusterError, match=f"No Dask scheduler answers at {address}"):
            connect(address)


def test_a_cluster_that_goes_away_is_told_in_one_sentence(
    sky: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    runs = cut(look_over(sky.folder))
    monkeypatch.setattr(partitions, "WITHOUT_WORKERS_S", 0.2)
    monkeypatch.setattr(partitions, "_LOOK_EVERY_S", 0.1)
    options = {"processes": False, "dashboard_address": "127.0.0.1:0", "threads_per_worker": 1,
               "memory_limit": 0}  # fmt: skip
    with distributed.LocalCluster(n_workers=0, **options) as local:
        with pytest.raises(ClusterError, match="has no worker"):
            connect(local.scheduler_address)
        local.scale(1)
        local.wait_for_workers(1, timeout=10)
        with connect(local.scheduler_address) as workers:
            [worker] = local.workers.values()

            async def set_status(status: Any) -> None:
                worker.status = status

            # As Dask does with a worker that is short of memory.
            local.sync(set_status, distributed.Status.paused)
            no_worker = r"has had no worker that takes work for 0\.2 s"
            with pytest.raises(ClusterError, match=no_worker):
                list(workers.run(_sleep, runs, 0.2))
            local.sync(set_status, distributed.Status.running)
            threading.Timer(0.3, local.scale, [0]).start()
            with pytest.raises(ClusterError, match=no_worker):
                list(workers.run(_sleep, runs, 0.2))
            threading.Timer(0.3, local.close).start()
            with pytest.raises(ClusterError, match="The Dask cluster at"):
                list(workers.run(_sleep, runs, 0.2))
