"""How long an answer takes while a simulation runs beside, and how long it takes without.

The simulated sky survey of 20,000 objects, a random forest of 100 trees, a second's look at each
object.  Blocks with and without take turns within one run, and which comes first takes turns too:
labels grow, and so does what an answer takes.  What else the machine does is in both.
Usage: python bench/simulating.py
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine.projects.opening import close_project, open_project  # noqa: E402
from al_engine.session import LabellingSession  # noqa: E402
from al_engine.settings.config import ClassifierSetup, MemberSetup  # noqa: E402
from al_engine.simulating.kept import Simulations, simulations_of  # noqa: E402
from al_engine.simulating.settings import SimulationPlan  # noqa: E402
from al_engine.starting import start_demo  # noqa: E402

CLASSIFIER = "QSO"


def answer_times(session: LabellingSession, n: int, look_s: float) -> list[float]:
    """Seconds from each answer to the next question."""
    dataset, taken = session.project.dataset(), []
    for _ in range(n):
        state = session.state(CLASSIFIER)
        session.look_ahead(CLASSIFIER)
        time.sleep(look_s)
        row = state.question.row
        label = dataset.values[max(0, dataset.codes[row])]
        start = time.perf_counter()
        session.answer(CLASSIFIER, row, "answer", label, token=state.token, seconds=look_s)
        session.state(CLASSIFIER)
        taken.append(time.perf_counter() - start)
    return taken


@dataclass
class Beside:
    """A simulation beside the answers: how low it runs, what it takes, and what it gets done."""

    kept: Simulations
    key: str
    nice: int = 0
    n_rounds: int = 0
    processor_s: float = 0.0
    clock_s: float = 0.0

    def answer_times(self, session: LabellingSession, n: int, look_s: float) -> list[float]:
        self.kept.resume(self.key)
        before = self.kept.look(self.key).n_done
        # Starting a process is no part of what is measured, rounds are.
        while self.kept.look(self.key).n_done < before + 2:
            time.sleep(0.1)
        pid = self.kept._running[self.key].pid
        self.nice = os.getpriority(os.PRIO_PROCESS, pid)
        begun, used, done = time.monotonic(), processor_s(pid), self.kept.look(self.key).n_done
        taken = answer_times(session, n, look_s)
        now = self.kept.look(self.key)
        if now.state != "running":
            raise SystemExit(f"The simulation was {now.state} before the answers were given.")
        self.processor_s += processor_s(pid) - used
        self.clock_s += time.monotonic() - begun
        self.n_rounds += now.n_done - done
        self.kept.stop(self.key)
        return taken


def processor_s(pid: int) -> float:
    """Processor time that a process has taken, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print both, and the ratio at the 95th percentile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=20, help="in each block")
    parser.add_argument("--blocks", type=int, default=6, help="of each kind")
    parser.add_argument("--look", type=float, default=1.0, help="seconds at each object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = start_demo(Path(home), "sky_survey")
        project = open_project(folder)
        session = LabellingSession(project, "bench")
        session.start(CLASSIFIER, ClassifierSetup((MemberSetup("random_forest", "margin"),)))
        kept = simulations_of(project)
        plan = SimulationPlan(batch_size=1, budget=5_000, positive=CLASSIFIER)
        key = kept.begin(project, plan, "beside")
        kept.stop(key)
        beside = Beside(kept, key)
        answer_times(session, 5, options.look)
        taken: dict[str, list[list[float]]] = {"without": [], "with": []}
        for block in range(options.blocks):
            for name in ("without", "with") if block % 2 == 0 else ("with", "without"):
                ask = answer_times if name == "without" else beside.answer_times
                taken[name].append(ask(session, options.answers, options.look))
        close_project(folder)
    high = {name: float(np.percentile(np.concatenate(t), 95)) for name, t in taken.items()}
    for name, blocks in taken.items():
        median = np.median(np.concatenate(blocks)) * 1e3
        print(f"{name:8s} median {median:5.0f} ms, 95% {high[name] * 1e3:5.0f} ms")
    pairs = zip(taken["with"], taken["without"], strict=True)
    ratios = [np.percentile(a, 95) / np.percentile(b, 95) for a, b in pairs]
    print(
        f"ratio at the 95th percentile {high['with'] / high['without']:.2f}; by pairs of blocks "
        f"{min(ratios):.2f} to {max(ratios):.2f}; 2 is too much"
    )
    print(
        f"the simulation: nice {beside.nice}, {beside.processor_s / beside.clock_s:.2f} "
        f"processors, {beside.n_rounds:,} rounds in {beside.clock_s:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
