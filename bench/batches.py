"""How long a batch of 20 takes out of a pool of a million, once the pool is scored.

Each strategy is timed beside plain uncertainty, in one run.  Usage: python bench/batches.py
"""

import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine.learning.learners import (  # noqa: E402 - the project is run from its folder
    LearnerSpec,
    Member,
    fit_learner,
    fit_preparation,
)
from al_engine.learning.pools import Told, pool_of  # noqa: E402
from al_engine.learning.scoring import Scored, consensus, member_probabilities  # noqa: E402
from al_engine.learning.selection import tie_keys  # noqa: E402
from al_engine.learning.strategies import (  # noqa: E402
    COMMITTEE_STRATEGIES,
    STRATEGIES,
    choose_batch,
    utilities,
)

N_POOL, N_FEATURES, N_LABELLED, N = 1_000_000, 10, 300, 20
BINARY = np.array([0, 1])
LIMIT_S = 1.0


def main() -> int:
    """Time every strategy; 1 if one takes longer than a second."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_POOL, N_FEATURES)).astype(np.float32)
    y = (X[:, 0] + 0.5 * rng.normal(size=N_POOL) > 1).astype(np.int64)
    keys = tie_keys(np.arange(N_POOL, dtype=np.uint64), 0, 1)
    preparation = fit_preparation(X[:10_000], scale=True)
    print(f"A batch of {N} out of {N_POOL:,} with {N_LABELLED} labels, best and worst of 5 (s)")
    plain = slowest = 0.0
    for name, found in {**STRATEGIES, **COMMITTEE_STRATEGIES}.items():
        models = ["logistic_regression"] * (2 if name in COMMITTEE_STRATEGIES else 1)
        spec = LearnerSpec(tuple(Member(model) for model in models))
        # A start is timed where it is one: with few labels.
        n_labelled = 8 if name.endswith("_start") else N_LABELLED
        learner = fit_learner(spec, X[:n_labelled], y[:n_labelled], preparation, BINARY)
        proba = member_probabilities(learner, X, BINARY)
        useful = utilities(name, Scored(proba))
        told = Told(missed=[40, 60], known=y if found.leaks else None)
        pool = pool_of(learner, X, BINARY, useful, consensus(proba), keys, told)
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            choose_batch(name, pool, N)
            seconds.append(time.perf_counter() - start)
        plain = min(seconds) if name == "uncertainty" else plain
        slowest = max(slowest, *seconds)
        ratio = min(seconds) / plain
        print(f"{found.title:<38}{min(seconds):8.3f}{max(seconds):8.3f}{ratio:8.1f} x uncertainty")
    print(f"slowest {slowest:.3f} s; the limit is {LIMIT_S:g} s")
    return int(slowest >= LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
