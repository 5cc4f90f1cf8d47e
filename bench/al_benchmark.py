"""Meet the published per-seed results of uncertainty sampling on three small data sets.

Protocol: Lu, Li and Lin 2023, "Re-Benchmarking Pool-Based Active Learning for Binary
Classification".  Usage: python bench/al_benchmark.py
"""

import csv
import os
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine import simulate  # noqa: E402 - the project is run from its folder

DATA = Path(os.environ.get("SEXTANT_TEST_DATA", ROOT.parent / "shared" / "data"))
NAMES = ("appendicitis", "sonar", "heart")


def load(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, dict[int, float]]:
    """Features, labels and the published area under the budget curve of each seed."""
    X, y = load_svmlight_file(str(folder / "al_benchmark" / f"{name}-svmstyle.txt"))
    results = folder / "al_benchmark" / "results" / f"{name}_margin_rbf_svm_aubc_per_seed.csv"
    with results.open(newline="") as file:
        published = {
            int(row["res_expno"]): float(row["res_tst_score"]) for row in csv.DictReader(file)
        }
    return np.asarray(X.todense()), y, published


def area_under_budget_curve(X, y, seed, strategy="margin") -> float:
    """One run of the protocol: trapezoid over accuracy after each query, over their number."""
    rows = np.arange(len(y))
    np.random.default_rng(seed).shuffle(rows)
    n_train = int(0.6 * len(y))
    train, test = rows[:n_train].copy(), rows[n_train:]
    np.random.default_rng(seed).shuffle(train)
    scaler = StandardScaler().fit(X[train])
    simulation = simulate(
        scaler.transform(X[train]),
        y[train],
        scaler.transform(X[test]),
        y[test],
        initial=range(20),
        model=SVC(kernel="rbf", C=1, gamma="auto"),
        strategy=strategy,
    )
    accuracy = simulation.scores["accuracy"].to_numpy()[1:]
    return float(np.trapezoid(accuracy) / len(accuracy))


def main() -> None:
    """Run all 90 and print the largest difference from what was published."""
    start, largest = time.perf_counter(), 0.0
    for name in NAMES:
        X, y, published = load(DATA, name)
        differences = [
            abs(area_under_budget_curve(X, y, seed) - published[seed]) for seed in range(30)
        ]
        largest = max(largest, *differences)
        met = sum(difference <= 2e-4 for difference in differences)
        print(f"{name}: {met} of 30 within 2e-4, largest difference {max(differences):.1e}")
    print(f"largest of 90: {largest:.1e} ({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
