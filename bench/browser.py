"""How long a person waits: a real server, a real Chromium of 1280 by 800, from input to paint.

The processor time beside a wait is the server's, from the input until it is idle again, look-ahead
included.  Needs Linux, for what it says of processes.  How a wait is measured: driving.py.
Usage: python bench/browser.py --rows 1000000 --data /folder/of/real/data
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from driving import (
    SOON_MS,
    TWO_FRAMES,
    Waits,
    answerable,
    answers,
    chromium,
    clicks_on_map,
    go_to,
    hasty_answers,
    installed_chromium,
    open_on,
    painted,
    pid_of,
    served,
    server_cpu_s,
    until_idle,
    zooms,
)
from playwright.sync_api import Browser, Page, expect
from results import ROOT, Results, anonymous_mb
from rounds import write_survey

DATA = Path(os.environ.get("SEXTANT_TEST_DATA", ROOT.parent / "shared" / "data"))
REAL = Path("kddcup99") / "kddcup99_805k.parquet"
N_REAL_ANSWERS = 30
ANSWERS_BEFORE_MEMORY = 10

WARM_UP = """
import time
from al_engine.data import nearness
from al_engine.learning import kernels
from al_engine.views import raster
cpu, clock = time.process_time(), time.perf_counter()
nearness.warm_up()
raster.warm_up()
kernels.warm_up()
print(time.process_time() - cpu, time.perf_counter() - clock)
"""


# -- one figure after the other ------------------------------------------------------------------


class Bench:
    """The browser and what is measured in it, of one catalogue."""

    def __init__(self, browser: Browser, folder: Path, results: Results, shots: Path | None):
        self.browser, self.folder, self.results, self.shots = browser, folder, results, shots
        self.rows = 0

    def note(self, what: str, clock_s: list[float], cpu_s: list[float] | None = None) -> None:
        self.results.note(what, self.rows, clock_s=clock_s, cpu_s=cpu_s or [])

    def note_answers(self, what: str, found: list[Waits]) -> None:
        asked_s = [asked(each) for each in found]
        self.note(what, asked_s, [each["cpu"] for each in found if "cpu" in each])

    def shoot(self, page: Page, name: str) -> None:
        if self.shots is not None:
            page.screenshot(path=self.shots / f"{self.rows}-{name}.png")

    def warm_ups(self, n: int) -> None:
        """What a server compiles beside its first page; the first time it makes the cache."""
        cpu_s, clock_s = [], []
        for _ in range(n + 1):
            said = subprocess.run(
                [sys.executable, "-c", WARM_UP], cwd=ROOT, capture_output=True, check=True
            ).stdout.split()
            cpu_s.append(float(said[0]))
            clock_s.append(float(said[1]))
        self.note("warm-up of kernels, their cache in place", clock_s[1:], cpu_s[1:])

    def imports(self, source: Path, truth: Mapping[str, str], n: int) -> tuple[Path, str]:
        """From the path typed in to the first question, with no time to think; home and project."""
        ready_s, asked_s, ready_cpu_s, asked_cpu_s = [], [], [], []
        for i in range(n):
            home = self.folder / f"home-{self.rows}-{i}"
            with served(self.browser, home) as (app, page):
                app.start()
                page.goto(app.address)
                painted(page, "h1")
                until_idle(app)
                page.get_by_role("tab", name="From this computer's disk").click()
                path = page.get_by_role("textbox", name="Path of a file")
                path.fill(str(source))
                cpu, start = server_cpu_s(app), time.perf_counter()
                path.press("Enter")
                for step in range(4):
                    page.locator(f".st-key-next-{step} button").click()
                begin = page.get_by_role("button", name="Start training")
                expect(begin).to_be_visible()
                page.evaluate(TWO_FRAMES)
                ready_s.append(time.perf_counter() - start)
                ready_cpu_s.append(server_cpu_s(app) - cpu)
                self.shoot(page, "set-up")
                until_idle(app)
                cpu, start = server_cpu_s(app), time.perf_counter()
                begin.click()
                answerable(page)
                page.evaluate(TWO_FRAMES)
                asked_s.append(time.perf_counter() - start)
                until_idle(app)
                asked_cpu_s.append(server_cpu_s(app) - cpu)
                slug = page.url.split("project=")[1].split("&")[0]
                answers(app, page, truth, 1)  # a project with an answer opens on Training
            if i < n - 1:
                shutil.rmtree(home)
        self.note("Parquet to ready to train, by hand", ready_s, ready_cpu_s)
        self.note("Start training to the first question painted", asked_s, asked_cpu_s)
        return home, slug

    def openings(self, home: Path, slug: str, n: int) -> None:
        """From nothing to Home, and once the server is warm from there to a map."""
        started_s, opened_s = [], []
        for _ in range(n):
            with served(self.browser, home) as (app, page):
                start = time.perf_counter()
                app.start()
                page.goto(app.address)
                painted(page, f".st-key-open-{slug}")
                started_s.append(time.perf_counter() - start)
                until_idle(app)
                start = time.perf_counter()
                page.locator(f".st-key-open-{slug} button").click()
                painted(page, ".map[data-painted]")
                opened_s.append(time.perf_counter() - start)
        self.note("start of the server to Home painted", started_s)
        self.note("opening a project to its first map painted, on a warm server", opened_s)

    def work(self, home: Path, slug: str, truth: Mapping[str, str], n: int) -> None:
        """All that is done on the two pages that ask."""
        with served(self.browser, home) as (app, page):
            open_on(app, page, "Labelling", slug)
            found = answers(app, page, truth, max(n, ANSWERS_BEFORE_MEMORY))
            mb = anonymous_mb(pid_of(app))
            for name in ("Labelling", "Training"):
                if name == "Training":
                    go_to(page, name)
                    found = answers(app, page, truth, n)
                self.shoot(page, name)
                self.note_answers(f"{name}, answer to next object painted, looked ahead", found)
                self.note_answers(
                    f"{name}, the same {SOON_MS / 1000} s after the last paint",
                    hasty_answers(app, page, truth, n),
                )
                found = zooms(app, page, n)
                self.note(
                    f"{name}, zoom to sharp pictures, 120 ms of it at rest",
                    [each["maps"] for each in found], [each["cpu"] for each in found],
                )  # fmt: skip
                if name == "Labelling":
                    found = clicks_on_map(app, page, n)
                    self.note(
                        "Labelling, a click on the map to the object's card",
                        [each["card"] for each in found], [each["cpu"] for each in found],
                    )  # fmt: skip
            self.results.note(
                "memory of the server without mapped files, after 10 answers", self.rows, mb=mb
            )
        with served(self.browser, home, SEXTANT_LOOKAHEAD="0") as (app, page):
            open_on(app, page, "Labelling", slug)
            self.note_answers(
                "Labelling, the same with look-ahead off", answers(app, page, truth, n)
            )

    def long_work(self, home: Path, slug: str, truth: Mapping[str, str], n: int) -> None:
        """Many answers on each page: the typical, the slow, and the slowest."""
        with served(self.browser, home) as (app, page):
            open_on(app, page, "Labelling", slug)
            for name in ("Labelling", "Training"):
                go_to(page, name)
                found = answers(app, page, truth, n)
                self.shoot(page, name)
                what = f"kddcup99, {name}, {n} answers to next object painted"
                self.note_answers(what, found)
                asked_s = [asked(each) for each in found]
                self.note(f"{what}: 95th percentile", [float(np.percentile(asked_s, 95))])
                self.note(f"{what}: worst", [max(asked_s)])


def asked(waits: Waits) -> float:
    """When all of the next object was painted: the question, its card and the maps."""
    return max(seconds for name, seconds in waits.items() if name != "cpu")


def truth_of(source: Path, id_column: str, label_column: str) -> dict[str, str]:
    table = pq.read_table(source, columns=[id_column, label_column])
    ids, labels = (column.to_pylist() for column in table.columns)
    return {str(i): str(label) for i, label in zip(ids, labels, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real data")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each page driven")
    arguments = parser.parse_args()
    if not (os.environ.get("SEXTANT_CHROMIUM") or installed_chromium()):
        print("No Chromium: nothing is measured in a browser. Name one in SEXTANT_CHROMIUM.")
        return
    if arguments.pictures is not None:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    results = Results()
    with (
        tempfile.TemporaryDirectory(prefix="sextant-bench-") as made,
        chromium() as browser,
    ):
        folder = Path(made)
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder / "kernels"))
        bench = Bench(browser, folder, results, arguments.pictures)
        bench.warm_ups(arguments.repeats)
        for n_rows in arguments.rows:
            source = folder / "survey.parquet"
            write_survey(source, n_rows)
            truth = truth_of(source, "row_id", "class")
            bench.rows = n_rows
            home, slug = bench.imports(source, truth, arguments.repeats)
            bench.openings(home, slug, arguments.repeats)
            bench.work(home, slug, truth, arguments.repeats)
            shutil.rmtree(home)
        source = arguments.data / REAL
        if source.is_file():
            truth = truth_of(source, "row_id", "label")
            bench.rows = len(truth)
            home, slug = bench.imports(source, truth, 1)
            bench.long_work(home, slug, truth, N_REAL_ANSWERS)
        else:
            print(f"No real data: {source} is not there (set SEXTANT_TEST_DATA or --data).")
    results.keep()


if __name__ == "__main__":
    main()
