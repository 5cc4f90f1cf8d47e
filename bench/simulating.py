"""How long an answer takes while a simulation runs beside, and how long it takes without.

The simulated sky survey of 20,000 objects, a random forest of 100 trees, a second's look at each
object; blocks with and without take turns.  Usage: python bench/simulating.py
"""

import argparse
import sys
import tempfile
import time
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


def wait_until_busy(kept: Simulations, key: str) -> None:
    """Starting a process is no part of what is measured, rounds are."""
    before = kept.look(key).n_done
    while kept.look(key).n_done < before + 2:
        time.sleep(0.1)


def main() -> None:
    """Print both, and the ratio at the 95th percentile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=20, help="in each block")
    parser.add_argument("--blocks", type=int, default=3)
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
        answer_times(session, 5, options.look)
        times: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(options.blocks):
            times["without"] += answer_times(session, options.answers, options.look)
            kept.resume(key)
            wait_until_busy(kept, key)
            times["with"] += answer_times(session, options.answers, options.look)
            n_rounds = kept.look(key).n_done
            kept.stop(key)
        close_project(folder)
    high = {name: float(np.percentile(taken, 95)) for name, taken in times.items()}
    for name, taken in times.items():
        print(f"{name:8s} median {np.median(taken) * 1e3:5.0f} ms, 95% {high[name] * 1e3:5.0f} ms")
    print(f"ratio at the 95th percentile {high['with'] / high['without']:.2f}", flush=True)
    print(f"rounds simulated meanwhile {n_rounds:,}")


if __name__ == "__main__":
    main()
