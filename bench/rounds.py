"""How long a round takes, beside the plain way in the same run.

A simulated survey of 10 magnitudes with 300 labelled objects, 60/20/20.  The plain way is modAL and
scikit-learn called one after the other: fit, query the pool, predict training, validation and
test set, scikit-learn's metrics, three Datashader pictures.  Prints a table and writes
bench/results/<date>.json, a list of what, rows, cpu_s, clock_s, plain_cpu_s and ratio.
Usage: python bench/rounds.py --rows 1000000 10000000
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from modAL.disagreement import vote_entropy_sampling
from modAL.models import ActiveLearner, Committee
from modAL.uncertainty import uncertainty_sampling
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

from al_engine.config import ClassifierSetup, Features, MemberSetup  # noqa: E402
from al_engine.data.demo_survey import simulate_survey  # noqa: E402
from al_engine.data.history import History, LabelledSet  # noqa: E402
from al_engine.data.splits import TEST, TRAIN, VALIDATION  # noqa: E402
from al_engine.dataset import Dataset  # noqa: E402
from al_engine.fitting import learner_spec, truth_in_force  # noqa: E402
from al_engine.learning import kernels  # noqa: E402
from al_engine.maps import Maps, Shown  # noqa: E402
from al_engine.project import close_project, open_project  # noqa: E402
from al_engine.rounds import Plan, make_round  # noqa: E402
from al_engine.session import LabellingSession  # noqa: E402
from al_engine.starting import import_file  # noqa: E402
from al_engine.views import raster  # noqa: E402

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


class Timed:
    """Processor and clock time of what was done, each time."""

    def __init__(self) -> None:
        self.cpu_s: list[float] = []
        self.clock_s: list[float] = []

    @contextmanager
    def once(self) -> Iterator[None]:
        cpu, clock = time.process_time(), time.perf_counter()
        yield
        self.cpu_s.append(time.process_time() - cpu)
        self.clock_s.append(time.perf_counter() - clock)

    @property
    def median(self) -> tuple[float, float]:
        return float(np.median(self.cpu_s)), float(np.median(self.clock_s))


def timed(n: int, do: Callable[[], object]) -> Timed:
    times = Timed()
    for _ in range(n):
        with times.once():
            do()
    return times


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


def measure(n_rows: int, repeats: int, plain_repeats: int, folder: Path) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []

    def note(what: str, times: Timed, plain: Timed | None = None) -> None:
        cpu_s, clock_s = times.median
        plain_cpu_s = plain.median[0] if plain else None
        ratio = plain_cpu_s / cpu_s if plain_cpu_s else None
        results.append(
            {
                "what": what, "rows": n_rows, "cpu_s": cpu_s, "clock_s": clock_s,
                "plain_cpu_s": plain_cpu_s, "ratio": ratio,
            }
        )  # fmt: skip
        plainly = f"{plain_cpu_s:>9.2f} {ratio:>7.1f}" if plain_cpu_s and ratio else ""
        print(f"{what:<46}{n_rows:>12,} {cpu_s:>9.3f} {clock_s:>9.3f} {plainly}", flush=True)

    source = folder / "survey.parquet"
    write_survey(source, n_rows)
    times = Timed()
    with times.once():
        made, _ = import_file(folder / "home", source)
        project = open_project(made)
        project.save_config(
            replace(project.config, features=Features(FEATURES), x_axis="g", y_axis="r"), "bench"
        )
        dataset = project.dataset()
    note("Parquet to ready to train", times)

    rng = np.random.default_rng(0)
    known = np.flatnonzero((dataset.parts == TRAIN) & (dataset.codes >= 0))
    chosen = np.sort(rng.choice(known, N_LABELLED, replace=False))
    trained = {int(row): dataset.values[dataset.codes[row]] for row in chosen}
    history = History(trained, sets=(LabelledSet("bench", N_LABELLED, 1),))
    truth = truth_in_force(dataset, History(), "QSO").astype(np.int64)
    labelled = (dataset.rows(chosen), truth[chosen])
    parts = parts_of(dataset, truth, (project.axis("g"), project.axis("r")))
    session = LabellingSession(project, "bench")
    session.start("QSO", ClassifierSetup((MemberSetup("random_forest"),)))
    maps = Maps(session)
    state = session.state("QSO")
    view = maps.home(state, WIDTH_PX, HEIGHT_PX)

    for name, (members, models) in SETUPS.items():
        plan = Plan(
            dataset, "QSO", learner_spec(ClassifierSetup(members), 0), "QSO",
            chosen[:5], 5, 0,
        )  # fmt: skip

        def a_round(plan: Plan = plan) -> None:
            made = make_round(plan, history)
            shown = replace(state, history=history, fit=made.fit, question=made.question)
            maps._kept.clear()
            for kind in ("training", "validation", "metric"):
                maps.picture(kind, shown, view, Shown())  # type: ignore[arg-type]

        def plainly(models: tuple = models) -> None:
            plain_round(models, parts, labelled)

        a_round()
        note(f"a round, {name}", timed(repeats, a_round), timed(plain_repeats, plainly))

    answered, labels = Timed(), ("QSO", "STAR")
    for i in range(max(repeats, 5)):
        session.look_ahead("QSO")
        session._maker.wait("QSO")
        state = session.state("QSO")
        with answered.once():
            session.answer("QSO", state.question.row, "answer", labels[i % 2], token=state.token)
    note("an answer, looked ahead, durable, next round", answered)

    def picture() -> None:
        maps._kept.clear()
        maps.picture("training", session.state("QSO"), view, Shown())

    note("a picture of a whole map", timed(repeats, picture))
    where = (view.x_range[0] + view.x_range[1]) / 2, (view.y_range[0] + view.y_range[1]) / 2
    state = session.state("QSO")
    note(
        "a click, to the nearest object",
        timed(repeats, lambda: maps.nearest_row("training", state, *where, view, Shown())),
    )
    close_project(made)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--plain-repeats", type=int, default=5)
    arguments = parser.parse_args()
    kernels.warm_up()
    raster.warm_up()
    print(f"{'':<46}{'rows':>12} {'cpu s':>9} {'clock s':>9} {'plain':>9} {'ratio':>7}")
    results = []
    for n_rows in arguments.rows:
        folder = Path(tempfile.mkdtemp(prefix="sextant-bench-"))
        try:
            results += measure(n_rows, arguments.repeats, arguments.plain_repeats, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    kept = ROOT / "bench" / "results"
    kept.mkdir(exist_ok=True)
    file = kept / f"{date.today().isoformat()}.json"
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"Written to {file.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
