"""How long a data set in partitions takes, in this process and on two Dask workers.

The survey of bench/rounds.py, with its 300 labelled objects, in files of a million rows and row
groups of 250,000.  Prints processor seconds (of the workers together), clock seconds, and the most
memory that one process has had meanwhile.
Usage: python bench/partitions.py --rows 1000000 10000000
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine.data.demo_survey import simulate_survey  # noqa: E402
from al_engine.data.history import History, LabelledSet  # noqa: E402
from al_engine.data.partitions import Run, Workers, connect, in_process  # noqa: E402
from al_engine.learning import kernels  # noqa: E402
from al_engine.loop.fitting import learner_spec  # noqa: E402
from al_engine.loop.partitioned.layout import lay_out  # noqa: E402
from al_engine.loop.partitioned.maps import category_counts  # noqa: E402
from al_engine.loop.partitioned.reading import chunks  # noqa: E402
from al_engine.loop.partitioned.rounds import PartitionedPlan, make_round  # noqa: E402
from al_engine.projects.opening import close_project, open_project  # noqa: E402
from al_engine.settings.config import ClassifierSetup, Features, MemberSetup  # noqa: E402
from al_engine.starting import import_file  # noqa: E402
from al_engine.views.raster import View  # noqa: E402

FEATURES = ("u", "g", "r", "i", "z", "y", "J", "H", "K", "W1")
N_LABELLED, ROWS_A_FILE, ROWS_A_GROUP = 300, 1_000_000, 250_000


def write_set(folder: Path, n_rows: int) -> None:
    folder.mkdir()
    for start in range(0, n_rows, ROWS_A_FILE):
        n = min(ROWS_A_FILE, n_rows - start)
        values, _ = simulate_survey(n, seed=start)
        columns = {"row_id": np.arange(start, start + n), "class": values["class"].astype(str)}
        columns |= {name: np.asarray(values[name], dtype=np.float32) for name in FEATURES}
        file = folder / f"{start // ROWS_A_FILE:05}.parquet"
        pq.write_table(pa.table(columns), file, row_group_size=ROWS_A_GROUP)


def spent() -> float:
    return time.process_time()


def peak() -> float:
    """The most memory this process has had since it was last asked, in GB (Linux only)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1e6


def measure(folder: Path, n_rows: int, repeats: int, workers: Workers | None) -> None:
    source = folder / "set"
    run: Run = in_process if workers is None else workers.run

    def of_all(ask: Callable[[], float]) -> list[float]:
        return [ask()] if workers is None else list(workers._client.run(ask).values())

    def note(what: str, n: int, do: Callable[[], Any]) -> Any:
        cpu_s, clock_s = [], []
        of_all(peak)
        for _ in range(n):
            cpu, clock = sum(of_all(spent)), time.perf_counter()
            made = do()
            clock_s.append(time.perf_counter() - clock)
            cpu_s.append(sum(of_all(spent)) - cpu)
        where = "two workers" if workers else "in process"
        times = f"{np.median(cpu_s):>9.2f} {np.median(clock_s):>9.2f} {max(of_all(peak)):>9.2f}"
        print(f"{what:<32}{where:<14}{n_rows:>12,} {times}", flush=True)
        return made

    # Settings are those that an import of the first file would begin with.
    made, _ = import_file(folder / "home", source / "00000.parquet", folder_name="guess")
    config = replace(open_project(made).config, features=Features(FEATURES), x_axis="g")
    close_project(made)
    shutil.rmtree(folder / "home")
    layout = note("draw, medians and quartiles", 1, lambda: lay_out(run, source, config))
    rng, trained = np.random.default_rng(0), dict[int, str]()
    for chunk in chunks(layout.partitions[0], layout.reading()):
        for i in rng.permutation(np.flatnonzero((chunk.parts == 0) & (chunk.codes >= 0))):
            trained[int(chunk.first_row + i)] = layout.values[chunk.codes[i]]
        break
    trained = dict(list(trained.items())[:N_LABELLED])
    history = History(trained, sets=(LabelledSet("bench", N_LABELLED, 1),))
    spec = learner_spec(ClassifierSetup((MemberSetup("random_forest"),)), 0)
    plan = PartitionedPlan(layout, "QSO", spec, "QSO", np.arange(0), 0, 0, {})
    found = note("the first round", 1, lambda: make_round(run, plan, history))
    found = note("a round, RF100", repeats, lambda: make_round(run, plan, history))
    if workers is not None:
        view = View((14.0, 26.0), (14.0, 26.0), 900, 520)

        def draw() -> Any:
            axes = ("g", "r")
            return category_counts(workers, plan, history, found.learner, "training", axes, view)

        draw()
        note("a map of training", repeats, draw)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    from distributed import LocalCluster

    kernels.warm_up()
    print(f"{'':<46}{'rows':>12} {'cpu s':>9} {'clock s':>9} {'peak GB':>9}")
    for n_rows in arguments.rows:
        folder = Path(tempfile.mkdtemp(prefix="sextant-bench-"))
        try:
            write_set(folder / "set", n_rows)
            measure(folder, n_rows, arguments.repeats, None)
            options = {"threads_per_worker": 1, "memory_limit": "1GB", "host": "127.0.0.1"}
            with (
                LocalCluster(n_workers=2, dashboard_address="127.0.0.1:0", **options) as cluster,
                connect(cluster.scheduler_address) as workers,
            ):
                measure(folder, n_rows, arguments.repeats, workers)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
