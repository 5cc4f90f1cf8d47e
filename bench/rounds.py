"""How long a round takes, beside the plain way in the same run.

A simulated survey of 10 magnitudes with 300 labelled objects, 60/20/20.  The plain way is modAL and
scikit-learn called one after the other: fit, query the pool, predict training, validation and
test set, scikit-learn's metrics, three Datashader pictures.  Beside the rounds: imports, answers,
pictures and memory.  Usage: python bench/rounds.py --rows 1000000 10000000
"""

import argparse
import itertools
import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table
from modAL.disagreement import vote_entropy_sampling
from modAL.models import ActiveLearner, Committee
from modAL.uncertainty import uncertainty_sampling
from results import Results, Timed, anonymous_mb, timed
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine.data import nearness  # noqa: E402
from al_engine.data.demo_survey import simulate_survey  # noqa: E402
from al_engine.data.history import History, LabelledSet  # noqa: E402
from al_engine.data.splits import TEST, TRAIN, VALIDATION  # noqa: E402
from al_engine.learning import kernels  # noqa: E402
from al_engine.loop.fitting import learner_spec  # noqa: E402
from al_engine.loop.rounds import Plan, make_round  # noqa: E402
from al_engine.loop.truth import truth_in_force  # noqa: E402
from al_engine.projects.dataset import Dataset  # noqa: E402
from al_engine.projects.opening import close_project, delete_project, open_project  # noqa: E402
from al_engine.projects.project import Project  # noqa: E402
from al_engine.session import LabellingSession  # noqa: E402
from al_engine.settings.config import ClassifierSetup, Features, MemberSetup  # noqa: E402
from al_engine.showing.maps import Maps, Shown  # noqa: E402
from al_engine.starting import import_file  # noqa: E402
from al_engine.views import raster  # noqa: E402
from al_engine.views.raster import View  # noqa: E402

FEATURES = ("u", "g", "r", "i", "z", "y", "J", "H", "K", "W1")
N_LABELLED, MADE_AT_ONCE = 300, 1_000_000
WIDTH_PX, HEIGHT_PX = 900, 520

SETUPS: dict[str, tuple[tuple[MemberSetup, ...], tuple[Callable[[], Any], ...]]] = {
    "RF100": (
        (MemberSetup("random_forest"),),
        (lambda: RandomForestClassifier(100, random_state=0),),
    ),
    "RF100 + logistic + 3-NN": (
        (MemberSetup("random_forest"), MemberSetup("logistic_regression"), MemberSetup("knn")),
        (
            lambda: RandomForestClassifier(100, random_state=0),
            lambda: LogisticRegression(max_iter=1000),
            lambda: KNeighborsClassifier(3),
        ),
    ),
    "GB100": (
        (MemberSetup("gradient_boosting"),),
        (lambda: GradientBoostingClassifier(random_state=0),),
    ),
    "Ada500": (
        (MemberSetup("adaboost", params={"n_estimators": 500}),),
        (lambda: AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=500),),
    ),
}


def write_survey(path: Path, n_rows: int) -> None:
    """The survey as Parquet; magnitudes that were not measured are filled, for the plain way."""
    writer = None
    for start in range(0, n_rows, MADE_AT_ONCE):
        n = min(MADE_AT_ONCE, n_rows - start)
        values, _ = simulate_survey(n, seed=start)
        columns = {"row_id": np.arange(start, start + n), "class": values["class"].astype(str)}
        for name in FEATURES:
            band = np.asarray(values[name], dtype=np.float32)
            columns[name] = np.where(np.isnan(band), np.float32(25), band)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None, "there is at least one row"
    writer.close()


def plain_round(
    models: tuple[Callable[[], Any], ...], parts: dict[int, tuple[Any, Any, Any]], labelled: Any
) -> None:
    """One iteration as a dashboard does it that calls the libraries one after the other."""
    X, y = labelled
    strategy = uncertainty_sampling if len(models) == 1 else vote_entropy_sampling
    learners = [ActiveLearner(make(), uncertainty_sampling, X, y) for make in models]
    learner = learners[0] if len(models) == 1 else Committee(learners, vote_entropy_sampling)
    strategy(learner, parts[TRAIN][0])
    proba = learner.predict_proba(parts[TRAIN][0])
    said = {TRAIN: proba.argmax(axis=1)}
    for part, (rows, truth, _) in parts.items():
        if part != TRAIN:
            said[part] = learner.predict(rows)
        known = truth >= 0
        for metric in (accuracy_score, precision_score, recall_score, f1_score):
            metric(truth[known], said[part][known])
    canvas = ds.Canvas(WIDTH_PX, HEIGHT_PX)
    for part, shown in ((TRAIN, "said"), (VALIDATION, "said"), (TRAIN, "metric")):
        frame = parts[part][2]
        if shown == "metric":
            tf.shade(canvas.points(frame.assign(m=1 - proba.max(axis=1)), "x", "y", ds.max("m")))
        else:
            right = pd.Categorical(said[part] == parts[part][1])
            tf.shade(canvas.points(frame.assign(right=right), "x", "y", ds.count_cat("right")))


def parts_of(dataset: Dataset, truth: Any, axes: tuple[Any, Any]) -> dict[int, tuple]:
    made = {}
    for part in (TRAIN, VALIDATION, TEST):
        rows = np.flatnonzero(dataset.parts == part)
        frame = pd.DataFrame({"x": axes[0][rows], "y": axes[1][rows]})
        made[part] = (dataset.rows(rows), truth[rows], frame)
    return made


def import_survey(source: Path, home: Path) -> Project:
    """From a file to arrays that a classifier can be trained on."""
    made, _ = import_file(home, source)
    project = open_project(made)
    project.save_config(
        replace(project.config, features=Features(FEATURES), x_axis="g", y_axis="r"), "bench"
    )
    project.dataset()
    return project


def begin(project: Project) -> LabellingSession:
    session = LabellingSession(project, "bench")
    session.start("QSO", ClassifierSetup((MemberSetup("random_forest"),)))
    return session


def answer(session: LabellingSession, number: int) -> None:
    state = session.state("QSO")
    assert state.question is not None, "the pool is larger than the bench"
    label = ("QSO", "STAR")[number % 2]
    session.answer("QSO", state.question.row, "answer", label, token=state.token)


def panned(view: View) -> Iterator[View]:
    """The view, moved a little each time: no picture of it is at hand."""
    across, along = (ends[1] - ends[0] for ends in (view.x_range, view.y_range))
    for step in itertools.count():
        x, y = step * across / 1000, step * along / 1000
        yield replace(
            view,
            x_range=(view.x_range[0] + x, view.x_range[1] + x),
            y_range=(view.y_range[0] + y, view.y_range[1] + y),
        )


def zoomed(view: View, share: float, at: tuple[float, float]) -> View:
    """A part of the view, ``share`` of its width and height, around a place."""

    def part(ends: tuple[float, float], middle: float) -> tuple[float, float]:
        half = share * (ends[1] - ends[0]) / 2
        return middle - half, middle + half

    return replace(view, x_range=part(view.x_range, at[0]), y_range=part(view.y_range, at[1]))


def measure(n_rows: int, repeats: int, plain_repeats: int, folder: Path, results: Results) -> None:
    source = folder / "survey.parquet"
    write_survey(source, n_rows)
    project = measure_imports(source, n_rows, repeats, folder, results)
    measure_memory(source, n_rows, folder, results)
    session = begin(project)
    measure_rounds(session, n_rows, repeats, plain_repeats, results)
    measure_answers(session, n_rows, max(repeats, 5), results)
    measure_pictures(session, n_rows, repeats, results)
    close_project(project.folder)


def measure_imports(
    source: Path, n_rows: int, repeats: int, folder: Path, results: Results
) -> Project:
    """Import the survey again and again; the last project is kept."""
    project = None
    as_fits = source.with_suffix(".fits")
    Table.from_pandas(pd.read_parquet(source)).write(as_fits)
    for name, file in (("FITS", as_fits), ("Parquet", source)):
        times = Timed()
        for _ in range(repeats):
            if project is not None:
                delete_project(project.folder)
            with times.once():
                project = import_survey(file, folder / "home")
        results.note(f"{name} to ready to train", n_rows, cpu_s=times.cpu_s, clock_s=times.clock_s)
    as_fits.unlink()
    assert project is not None, "it is imported at least once"
    return project


def measure_memory(source: Path, n_rows: int, folder: Path, results: Results) -> None:
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        held = process.submit(memory_of_a_labeller, source, folder / "memory").result()
    for what, mb in held.items():
        if mb is not None:
            results.note(f"memory without mapped files, {what}", n_rows, mb=mb)


def warm_up() -> None:
    for module in (nearness, raster, kernels):
        module.warm_up()


def memory_of_a_labeller(source: Path, home: Path) -> dict[str, float | None]:
    """Memory at each stage, for a process that has done nothing else."""
    warm_up()
    held = {"warmed up": anonymous_mb()}
    project = import_survey(source, home)
    held["imported"] = anonymous_mb()
    session = begin(project)
    maps = Maps(session)
    for number in range(10):
        session.look_ahead("QSO")
        session._maker.wait("QSO")
        answer(session, number)
        state = session.state("QSO")
        view = maps.home(state, WIDTH_PX, HEIGHT_PX)
        for kind in ("training", "validation", "metric"):
            maps.picture(kind, state, view, Shown())  # type: ignore[arg-type]
    held["after 10 answers"] = anonymous_mb()
    close_project(project.folder)
    return held


def measure_rounds(
    session: LabellingSession, n_rows: int, repeats: int, plain_repeats: int, results: Results
) -> None:
    project = session.project
    dataset = project.dataset()
    rng = np.random.default_rng(0)
    known = np.flatnonzero((dataset.parts == TRAIN) & (dataset.codes >= 0))
    chosen = np.sort(rng.choice(known, N_LABELLED, replace=False))
    trained = {int(row): dataset.values[dataset.codes[row]] for row in chosen}
    history = History(trained, sets=(LabelledSet("bench", N_LABELLED, 1),))
    truth = truth_in_force(dataset, History(), "QSO").astype(np.int64)
    labelled = (dataset.rows(chosen), truth[chosen])
    # Copies of all features: only where the plain way is measured too.
    axes = (project.axis("g"), project.axis("r"))
    parts = parts_of(dataset, truth, axes) if plain_repeats else {}
    state = session.state("QSO")
    views = panned(Maps(session).home(state, WIDTH_PX, HEIGHT_PX))

    for name, (members, models) in SETUPS.items():
        plan = Plan(
            dataset, "QSO", learner_spec(ClassifierSetup(members), 0), "QSO",
            chosen[:5], 5, 0,
        )  # fmt: skip

        def a_round(plan: Plan = plan) -> None:
            made = make_round(plan, history)
            shown = replace(state, history=history, fit=made.fit, question=made.question)
            maps, view = Maps(session), next(views)  # which have drawn nothing yet
            for kind in ("training", "validation", "metric"):
                maps.picture(kind, shown, view, Shown())  # type: ignore[arg-type]

        def plainly(models: tuple = models) -> None:
            plain_round(models, parts, labelled)

        a_round()
        # Its pictures are compiled before they are timed, as ours are.
        few = {part: tuple(held[:1000] for held in of) for part, of in parts.items()}
        if few:
            plain_round(models, few, labelled)
        times, plain = timed(repeats, a_round), timed(plain_repeats, plainly)
        results.note(
            f"a round, {name}", n_rows,
            cpu_s=times.cpu_s, clock_s=times.clock_s, plain_cpu_s=plain.cpu_s,
        )  # fmt: skip


def measure_answers(session: LabellingSession, n_rows: int, n: int, results: Results) -> None:
    ahead, at_once = Timed(), Timed()
    for number in range(n):
        session.look_ahead("QSO")
        session._maker.wait("QSO")
        with ahead.once():
            answer(session, number)
    for number in range(n):
        with at_once.once():
            answer(session, number)
    for what, times in (
        ("an answer, looked ahead, durable, next round", ahead),
        ("an answer at once, nothing made ahead, durable, next round", at_once),
    ):
        results.note(what, n_rows, cpu_s=times.cpu_s, clock_s=times.clock_s)


def measure_pictures(
    session: LabellingSession, n_rows: int, repeats: int, results: Results
) -> None:
    maps, state = Maps(session), session.state("QSO")
    home = maps.home(state, WIDTH_PX, HEIGHT_PX)
    # Where objects are many: in the middle of all of them.
    x, y = (float(np.nanmedian(session.project.axis(name))) for name in ("g", "r"))
    for name, share in (("whole map", 1.0), ("tenth of a map", 0.1), ("deep zoom", 0.001)):
        views = panned(home if share == 1.0 else zoomed(home, share, (x, y)))

        def pictures(views: Iterator[View] = views) -> None:
            maps.picture("training", state, next(views), Shown())

        pictures()
        times = timed(repeats, pictures)
        results.note(
            f"a picture of a {name}, panned", n_rows, cpu_s=times.cpu_s, clock_s=times.clock_s
        )
    times = timed(repeats, lambda: maps.nearest_row("training", state, x, y, home, Shown()))
    results.note("a click, to the nearest object", n_rows, cpu_s=times.cpu_s, clock_s=times.clock_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--plain-repeats", type=int, default=5)
    arguments = parser.parse_args()
    warm_up()
    results = Results()
    for n_rows in arguments.rows:
        folder = Path(tempfile.mkdtemp(prefix="sextant-bench-"))
        try:
            measure(n_rows, arguments.repeats, arguments.plain_repeats, folder, results)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    results.keep()


if __name__ == "__main__":
    main()
