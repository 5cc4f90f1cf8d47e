"""scikit-learn's example of active learning on its digits, beside what was published of it.

Label spreading over 330 images, 40 of them labelled, the five of highest entropy asked about at a
time; and 60 labels that nobody asked for.  Usage: python bench/digits.py
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from al_engine.data.demo import PUBLISHED as IMAGES  # noqa: E402 - the project is run from its folder
from al_engine.projects.opening import close_project, open_project  # noqa: E402
from al_engine.simulating.gathering import gather  # noqa: E402
from al_engine.simulating.performing import perform, settled  # noqa: E402
from al_engine.simulating.published import ASKED, NOT_ASKED  # noqa: E402
from al_engine.simulating.summary import summarise  # noqa: E402
from al_engine.starting import start_demo  # noqa: E402

PUBLISHED = {
    "entropy": (ASKED, [0.869, 0.902, 0.921, 0.949, 0.956]),
    "random": (NOT_ASKED, [0.900]),
}


def main() -> int:
    """Print both runs; 1 if an accuracy is another than that published, to three decimals."""
    with tempfile.TemporaryDirectory() as home:
        project = open_project(start_demo(Path(home), IMAGES.name))
        try:
            material = gather(project)
        finally:
            close_project(project.folder)
    is_same = True
    for strategy, (plan, published) in PUBLISHED.items():
        whole, known = settled(plan, material)
        made = summarise(whole, known, list(perform(whole, known)))
        (curve,) = (each for each in made["curves"] if each["strategy"] == strategy)
        accuracies = [round(value, 3) for value in curve["accuracy"]]
        for n, ours, theirs in zip(curve["n_labelled"], accuracies, published, strict=True):
            print(f"{n} labels, {strategy}: accuracy {ours:.3f}, published {theirs:.3f}")
        is_same = is_same and accuracies == published
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
