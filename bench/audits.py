"""Do the 95% intervals of an audit hold the truth as often as they say?

Draws audits of 200 objects from populations whose scores are known and counts how often each
interval holds the known score: Wilson for accuracy, precision and recall, and for F1 Wilson on
J = TP / (TP + FP + FN) mapped by 2J / (1 + J).  Beside it stands the percentile bootstrap of F1
that is often used instead.  Usage: python bench/audits.py [--audits N]
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine.learning.metrics import Score, Scores, scores_of_confusion  # noqa: E402

OBJECTS = 200
PREVALENCES = (0.5, 0.1, 0.02)
F1S = (0.65, 0.75, 0.85, 0.95)
METRICS = ("accuracy", "precision", "recall", "f1")
BOOTSTRAPS = 400


def population(prevalence: float, f1: float, lean: float) -> tuple[float, float, float, float]:
    """Shares of tn, fp, fn and tp where F1 is known; ``lean`` is precision less recall.

    >>> tn, fp, fn, tp = population(0.5, 0.8, 0.0)
    >>> round(2 * tp / (2 * tp + fp + fn), 6)
    0.8
    """
    # Of a sum s of precision and recall F1 = 2 p r / s, with p, r = (s +- lean) / 2.
    total = f1 + np.sqrt(f1**2 + lean**2)
    precision, recall = (total + lean) / 2, (total - lean) / 2
    tp = prevalence * recall
    fp, fn = tp * (1 / precision - 1), prevalence - tp
    return 1 - tp - fp - fn, fp, fn, tp


def coverage(
    shares: tuple[float, float, float, float], n_audits: int, rng: np.random.Generator
) -> dict[str, tuple[float, int]]:
    """Of each score, how often its interval held the truth, and over how many audits it was."""
    tn, fp, fn, tp = shares
    truth = {
        "accuracy": tp + tn,
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
    }
    held, defined = Counter[str](), Counter[str]()
    drawn, times = np.unique(rng.multinomial(OBJECTS, shares, n_audits), axis=0, return_counts=True)
    for counts, n in zip(drawn.tolist(), times.tolist(), strict=True):
        scores: Scores = scores_of_confusion(*counts)
        for metric in METRICS:
            score: Score = getattr(scores, metric)
            if score.low is None or score.high is None:
                continue
            defined[metric] += n
            held[metric] += n * (score.low <= truth[metric] <= score.high)
    found = {metric: (held[metric] / defined[metric], defined[metric]) for metric in METRICS}
    return found | {"bootstrap of f1": bootstrap_coverage(shares, truth["f1"], n_audits // 10, rng)}


def bootstrap_coverage(
    shares: tuple[float, float, float, float], truth: float, n_audits: int, rng: np.random.Generator
) -> tuple[float, int]:
    """The same of the percentile bootstrap of F1, over fewer audits: it is slow."""
    held = 0
    audits = rng.multinomial(OBJECTS, shares, n_audits)
    for counts in audits:
        _, fp, fn, tp = rng.multinomial(OBJECTS, counts / OBJECTS, BOOTSTRAPS).T
        counted = 2 * tp + fp + fn
        if counted.any():  # an audit without a positive object has no interval at all
            f1 = 2 * tp[counted > 0] / counted[counted > 0]
            low, high = np.percentile(f1, (2.5, 97.5))
            held += bool(low <= truth <= high)
    return held / n_audits, n_audits


def main() -> None:
    """Print the coverage of each kind of population, in percent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=10_000)
    n_audits = parser.parse_args().audits
    rng = np.random.default_rng(0)
    print(f"{n_audits:,} audits of {OBJECTS} objects; percent of 95% intervals that hold the truth")
    print("prevalence  true F1  precision-recall  " + "  ".join(METRICS) + "  bootstrap of F1")
    lowest: dict[float, float] = {}
    highest: dict[float, float] = {}
    for prevalence in PREVALENCES:
        for f1 in F1S:
            for lean in (0.0, 0.1, -0.1) if f1 < 0.9 else (0.0,):
                found = coverage(population(prevalence, f1, lean), n_audits, rng)
                cells = "  ".join(f"{100 * share:6.1f}" for share, _ in found.values())
                print(f"{prevalence:10.2f}  {f1:7.2f}  {lean:16.1f}  {cells}", flush=True)
                shares = [found[metric][0] for metric in METRICS]
                lowest[prevalence] = min(lowest.get(prevalence, 1.0), *shares)
                highest[prevalence] = max(highest.get(prevalence, 0.0), *shares)
    for prevalence in PREVALENCES:
        print(
            f"prevalence {prevalence:.0%}: from {100 * lowest[prevalence]:.1f}% "
            f"to {100 * highest[prevalence]:.1f}%"
        )


if __name__ == "__main__":
    main()
