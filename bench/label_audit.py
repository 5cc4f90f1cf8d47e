"""How many wrong labels stand in the first tenth of the audit's queue.

300 labels, 5% of them flipped; the share of those in the first tenth, by model and seed.  Of random
objects, of a made-up survey and of SDSS DR17 (QSO against the rest); and, as the hard case, of
objects that the model itself asked about.  Usage: python bench/label_audit.py
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.datasets import make_blobs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import sdss17  # noqa: E402 - the neighbour, which reads the same file

from al_engine.learning.label_audit import judged, normalized_margin  # noqa: E402
from al_engine.learning.learners import (  # noqa: E402
    LearnerSpec,
    Member,
    Preparation,
    fit_learner,
    fit_preparation,
)
from al_engine.learning.scoring import consensus, member_probabilities  # noqa: E402

DATA = Path(os.environ.get("SEXTANT_TEST_DATA", ROOT.parent / "shared" / "data"))
MODELS = ("random_forest", "extra_trees", "svm", "logistic_regression")
BINARY = np.array([0, 1])
POOL = 5000

Labelled = tuple[np.ndarray, np.ndarray, Preparation]


def made_up(n: int, seed: int) -> Labelled:
    """Two classes of two round clusters each, crosswise."""
    X, cluster = make_blobs(
        n, centers=[[0, 0], [4, 4], [0, 6], [6, 0]], cluster_std=1.0, random_state=seed
    )
    return X, cluster % 2, fit_preparation(X, scale=True)


def found(X: np.ndarray, y: np.ndarray, preparation: Preparation, model: str, seed: int) -> float:
    """The share of flipped labels in the first tenth of the queue."""
    rng = np.random.default_rng(1000 + seed)
    flipped = rng.choice(len(y), round(0.05 * len(y)), replace=False)
    given = y.copy()
    given[flipped] = 1 - given[flipped]
    spec = LearnerSpec((Member(model),), seed=seed)
    proba = judged(spec, X, given, preparation, BINARY)
    assert proba is not None, "it was wanted all the time"
    queue = np.argsort(normalized_margin(proba, given), kind="stable")
    return float(np.isin(flipped, queue[: len(y) // 10]).mean())


def asked_about(X: np.ndarray, y: np.ndarray, n: int, model: str, seed: int) -> Labelled:
    """Objects that a model asked about, ten at a time, where it was least sure."""
    pool = np.random.default_rng(seed).choice(len(y), POOL, replace=False)
    preparation = fit_preparation(X[pool], scale=True)
    spec = LearnerSpec((Member(model),), seed=seed)
    labelled = list(pool[:20])
    while len(labelled) < n:
        learner = fit_learner(spec, X[labelled], y[labelled], preparation, BINARY)
        p = consensus(member_probabilities(learner, X[pool], BINARY))[:, 1]
        known = set(labelled)
        labelled += [row for row in pool[np.argsort(np.abs(p - 0.5))] if row not in known][:10]
    rows = np.array(labelled[:n])
    return X[rows], y[rows], preparation


def main() -> None:
    """Print a line for each kind of labels and each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", type=int, default=300)
    options = parser.parse_args()
    X, names = sdss17.load(DATA)
    qso = (names == "QSO").astype(int)

    def drawn(n: int, seed: int) -> Labelled:
        rows = np.random.default_rng(seed).choice(len(qso), n, replace=False)
        return X[rows], qso[rows], fit_preparation(X[rows], scale=True)

    kinds: dict[str, Callable[[str, int], Labelled]] = {
        "made-up, random": lambda model, seed: made_up(options.labels, seed),
        "SDSS DR17, random": lambda model, seed: drawn(options.labels, seed),
        "SDSS DR17, asked about": lambda model, seed: asked_about(
            X, qso, options.labels, model, seed
        ),
    }
    print(f"{options.labels} labels, 5% flipped: share of those in the queue's first tenth")
    for kind, of in kinds.items():
        for model in MODELS:
            shares = [found(*of(model, seed), model, seed) for seed in range(options.seeds)]
            each = " ".join(f"{share:.2f}" for share in shares)
            print(f"  {kind:24s} {model:20s} mean {np.mean(shares):.2f}   ({each})", flush=True)


if __name__ == "__main__":
    main()
