"""Reviews of films (IMDB): how far labels go on text, beside published figures.

Maas et al. 2011, 50,000 reviews, shared out anew for each seed: 40,000 for training, 5,000 for
validation, 5,000 for the test, balanced, no text in two sets; words are learned of the training
texts.  The figures to meet are of Keras's tutorial "Review Classification using Active Learning"
(a network that reaches 0.858 on the test set with 30,000 labels).

Usage: python bench/imdb.py [full] [labels] [ratio] [--seeds N]
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine.settings.config import Splits  # noqa: E402 - the project is run from its folder
from al_engine.simulating.gathering import read_material  # noqa: E402
from al_engine.simulating.material import Material  # noqa: E402
from al_engine.simulating.performing import Finished, perform, settled  # noqa: E402
from al_engine.simulating.settings import (  # noqa: E402
    PlannedMember,
    PlannedModel,
    SimulationPlan,
    Target,
)
from al_engine.simulating.summary import summarise  # noqa: E402

DATA = Path(os.environ.get("SEXTANT_TEST_DATA", ROOT.parent / "shared" / "data"))
SPLITS = Splits("counts", 40_000, 5_000, 5_000, "balanced")
TUTORIAL = Target("accuracy", 0.858)


def model(name: str, **params: object) -> PlannedModel:
    """One model with its settings."""
    return PlannedModel((PlannedMember(name, params),))


# Chosen on validation sets, over two seeds.
LOGISTIC = model("logistic_regression", C=10.0)
SELF_TRAINED = model(
    "self_training", threshold=0.0, most=20_000, shares="equal", weight=0.1, iterations=1
)
BAYES = model("bayes_linear", C=30.0, alpha=0.1)


def run(material: Material, plan: SimulationPlan) -> tuple[dict, list[Finished]]:
    """What a simulation comes to, and its rounds; a line for each curve as it ends."""
    plan, material = settled(plan, material)
    finished, began = [], time.perf_counter()
    for each in perform(plan, material):
        finished.append(each)
        if each.round.is_last:
            right = sum(n for actual, said, n in each.round.tested.cells if actual == said)
            print(
                f"  seed {each.seed} {each.model} {each.strategy or 'full supervision'}: "
                f"{each.round.n_labelled:,} labels, accuracy {right / each.round.tested.n:.4f} "
                f"({time.perf_counter() - began:.0f} s)",
                flush=True,
            )
    return summarise(plan, material, finished), finished


def full(material: Material, n_seeds: int) -> None:
    """Every label of the training set."""
    models = (LOGISTIC, model("linear_svm", C=1.0), BAYES)
    plan = SimulationPlan(
        models, (), n_initial=100, budget=0, n_seeds=n_seeds, splits=SPLITS, positive="positive"
    )
    made, _ = run(material, plan)
    scores = defaultdict(list)
    for each in made["full"]:
        scores[each["model"]].append(each["accuracy"])
    for name, values in scores.items():
        print(f"full supervision, {name}: test accuracy {np.mean(values):.4f} (mean of {n_seeds})")


def labels(material: Material, n_seeds: int) -> None:
    """Labels to the tutorial's 0.858, held for two more batches."""
    for planned, budget in ((LOGISTIC, 2_900), (SELF_TRAINED, 1_400)):
        plan = SimulationPlan(
            (planned,), ("margin",), batch_size=100, n_initial=100, budget=budget,
            n_seeds=n_seeds, splits=SPLITS, positive="positive", target=TUTORIAL,
            stops_at_target=True,
        )  # fmt: skip
        made, _ = run(material, plan)
        for name, numbers in made["summary"].items():
            reached = numbers["labels_to_target"]
            seeds = ", ".join("not reached" if n is None else f"{n:,}" for n in reached["by_seed"])
            mean = "" if reached["n_without"] else f"mean {reached['mean']:,.0f}; "
            print(f"{planned.name}, {name}: labels to 0.858: {mean}by seed {seeds}")


def ratio(material: Material, n_seeds: int) -> None:
    """Ratio sampling from 15,000 labels in three batches of 5,000, in both modes."""
    plan = SimulationPlan(
        (LOGISTIC,), ("ratio_tutorial", "ratio"), batch_size=5_000, n_initial=15_000,
        budget=15_000, n_seeds=n_seeds, splits=SPLITS, positive="positive",
    )  # fmt: skip
    made, _ = run(material, plan)
    ends = defaultdict(list)
    for curve in made["curves"]:
        ends[curve["strategy"]].append(
            (curve["false_positives"][-1], curve["false_negatives"][-1], curve["accuracy"][-1])
        )
    for name, values in ends.items():
        fp, fn, accuracy = np.mean(values, axis=0)
        print(f"{name}, 30,000 labels: FP {fp:.0f}, FN {fn:.0f}, accuracy {accuracy:.4f}")


PARTS = {"full": full, "labels": labels, "ratio": ratio}


def main() -> None:
    """Run the parts named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    began = time.perf_counter()
    material = read_material(DATA / "imdb" / "imdb_50k.parquet", "sentiment", text="review")
    print(f"{material.n_objects:,} reviews read in {time.perf_counter() - began:.0f} s", flush=True)
    for name in options.parts or PARTS:
        PARTS[name](material, options.seeds)


if __name__ == "__main__":
    main()
