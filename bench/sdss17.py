"""How far a few labels go on SDSS DR17 photometry: margin sampling with a random forest.

u g r i z and their ten differences, one class against the rest, 5 initial objects, a
stratified 60/20/20 split a seed; accuracy on the test set.  Usage: python bench/sdss17.py
"""

import argparse
import itertools
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine import simulate  # noqa: E402 - the project is run from its folder

DATA = Path(os.environ.get("SEXTANT_TEST_DATA", ROOT.parent / "shared" / "data"))
BANDS = ("u", "g", "r", "i", "z")
INITIAL = 5


class Split(NamedTuple):
    """Training and test set of one seed; validation (a fifth) is not looked at here."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """15 features, and the class, of every object but the one of magnitude -9999."""
    table = pd.read_csv(folder / "sdss17" / "sdss17.csv.gz", usecols=[*BANDS, "class"])
    table = table[(table[list(BANDS)] > -9999).all(axis=1)]
    columns = [table[band] for band in BANDS]
    columns += [table[a] - table[b] for a, b in itertools.combinations(BANDS, 2)]
    return np.column_stack(columns).astype(np.float32), table["class"].to_numpy(dtype=str)


def split(X: np.ndarray, y: np.ndarray, label: str, seed: int) -> Split:
    """60% for training and 20% for the test, stratified; labels are 1 for ``label``, else 0."""
    target = (y == label).astype(int)
    train, rest = train_test_split(np.arange(len(y)), train_size=0.6, stratify=y, random_state=seed)
    _, test = train_test_split(rest, train_size=0.5, stratify=y[rest], random_state=seed)
    return Split(X[train], target[train], X[test], target[test])


def accuracy(data: Split, labels: int, seed: int, strategy: str = "margin") -> float:
    """Test accuracy once ``labels`` objects are labelled."""
    asked = labels - INITIAL
    simulation = simulate(
        *data,
        initial=INITIAL,
        model="random_forest",
        strategy=strategy,
        batch_size=asked if strategy == "random" else 1,  # random needs no fits on the way
        budget=asked,
        seed=seed,
    )
    return float(simulation.scores["accuracy"].iloc[-1])


def full_supervision(data: Split, seed: int) -> float:
    """Test accuracy of the same forest trained on every label of the training set."""
    forest = RandomForestClassifier(100, random_state=seed).fit(data.X_train, data.y_train)
    return float(forest.score(data.X_test, data.y_test))


def one_seed(X: np.ndarray, y: np.ndarray, labels: int, seed: int) -> dict[str, float]:
    """All figures of one seed."""
    qso = split(X, y, "QSO", seed)
    return {
        "margin": accuracy(qso, labels, seed),
        "random": accuracy(qso, labels, seed, "random"),
        "full": full_supervision(qso, seed),
        "star_30": accuracy(split(X, y, "STAR", seed), 30, seed),
    }


def main() -> None:
    """Print a line a seed, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    start = time.perf_counter()
    X, y = load(DATA)
    jobs = (joblib.delayed(one_seed)(X, y, options.labels, seed) for seed in range(options.seeds))
    results = []
    runs = joblib.Parallel(n_jobs=options.jobs, return_as="generator")(jobs)
    for seed, result in enumerate(runs):
        figures = "  ".join(f"{name} {value:.4f}" for name, value in result.items())
        print(f"seed {seed:2d}  {figures}  ({time.perf_counter() - start:.0f} s)", flush=True)
        results.append(result)
    table = pd.DataFrame(results)
    median = table.median()
    print(f"\nQSO against the rest, {options.labels} labels, {options.seeds} seeds:")
    print(f"  margin sampling   median {median['margin']:.4f}, worst {table['margin'].min():.4f}")
    print(f"  seeds under 0.90  {(table['margin'] < 0.90).sum()}")
    print(f"  random choice     median {median['random']:.4f}")
    print(f"  all {int(0.6 * len(y)):,} labels  median {median['full']:.4f}")
    print(f"STAR against the rest, 30 labels: median {median['star_30']:.4f}")


if __name__ == "__main__":
    main()
