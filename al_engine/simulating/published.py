"""scikit-learn's example of active learning on its digits, as a project with its simulations.

Owns what was published: which images, which model, how many labels.  Must not know pages.
"""

from dataclasses import replace
from pathlib import Path

from al_engine.data.demo import PUBLISHED
from al_engine.errors import AlEngineError
from al_engine.projects.opening import delete_project, open_project
from al_engine.public import is_public
from al_engine.settings.config import Splits
from al_engine.simulating.kept import simulations_of
from al_engine.simulating.settings import PlannedMember, PlannedModel, SimulationPlan
from al_engine.starting import start_demo

SPREADING = PlannedModel(
    (PlannedMember("label_spreading", {"kernel": "rbf", "gamma": 0.25, "max_iter": 20}),)
)
ASKED = SimulationPlan(
    models=(SPREADING,),
    strategies=("entropy",),
    batch_size=5,
    initial="first",
    n_initial=40,
    budget=20,
    n_seeds=1,
    splits=Splits("shares", 100, 0, 0),
    scale=False,
)
NOT_ASKED = replace(ASKED, strategies=(), n_initial=60, budget=0)


def begin_published(home: Path) -> Path:
    """Make a project of the published images and begin what was run on them; returns its folder.

    Before the run itself stands what it is held against: the first 60 labels, and no question.  A
    public server, which runs few simulations at a time, does without.

    Raises
    ------
    ProjectError, PublicServerError : and then nothing is left behind
    """
    folder = start_demo(home, PUBLISHED.name)
    try:
        project = open_project(folder)
        kept = simulations_of(project)
        if not is_public():
            kept.begin(project, NOT_ASKED, "60 labels, none asked for")
        kept.begin(project, ASKED, "40 labels, then 20 asked for by entropy")
    except AlEngineError:
        delete_project(folder)
        raise
    return folder
