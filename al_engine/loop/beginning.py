"""Beginning a classifier: the labels that it starts with, where they are the catalogue's.

Must not know learners: the labels are drawn before there is one.
"""

from al_engine.data.labels import Event
from al_engine.loop.firsts import initial_rows
from al_engine.projects.project import Project
from al_engine.settings.config import ClassifierSetup, ProjectConfig


def given_labels(
    project: Project, classifier: str, config: ProjectConfig, setup: ClassifierSetup
) -> list[Event]:
    """The labels that a classifier begins with; none where the person is asked for them."""
    if setup.initial_labels == "ask":
        return []
    dataset = project.prepare(config)
    tested = project.histories.tested(config)
    rows = initial_rows(dataset, classifier, setup, config.asking.start, config.splits.seed, tested)
    known = rows[dataset.codes[rows] >= 0]
    ids = project.catalogue.object_ids(config.columns.id, known.tolist())
    return [
        Event(
            "given",
            "catalogue",
            classifier,
            int(row),
            object_id,
            dataset.values[dataset.codes[row]],
            how="initial",
            part="train",
        )
        for row, object_id in zip(known, ids, strict=True)
    ]


def first_labels(project: Project, config: ProjectConfig) -> list[Event]:
    """The labels that the classifiers of some settings would begin with, where nothing was said."""
    return [
        event
        for classifier, setup in config.setups.items()
        if not project.histories.has_begun(classifier)
        for event in given_labels(project, classifier, config, setup)
    ]
