"""scikit-learn's published run on digits, as one click begins it."""

from pathlib import Path

import pytest

from al_engine.data.demo import PUBLISHED
from al_engine.errors import PublicServerError
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.showing.simulated import by_labels
from al_engine.simulating.gathering import gather
from al_engine.simulating.performing import perform, settled
from al_engine.simulating.published import ASKED, NOT_ASKED, begin_published
from al_engine.simulating.summary import summarise
from al_engine.starting import start_demo


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory):
    folder = start_demo(tmp_path_factory.mktemp("home"), PUBLISHED.name)
    yield open_project(folder)
    close_project(folder)


def numbers(project: Project, plan):
    plan, material = settled(plan, gather(project))
    return summarise(plan, material, list(perform(plan, material)))


def test_the_accuracies_are_the_published_ones_and_the_page_lists_them(project):
    found = by_labels(ASKED, numbers(project, ASKED), "accuracy")
    assert [(row["Labels"], row["Entropy"]) for row in found] == [
        ("40", "0.869"), ("45", "0.902"), ("50", "0.921"), ("55", "0.949"), ("60", "0.956"),
    ]  # fmt: skip


def test_sixty_labels_that_nobody_asked_for_give_the_published_accuracy(project):
    assert by_labels(NOT_ASKED, numbers(project, NOT_ASKED), "accuracy") == [
        {"Labels": "60", "Random": "0.900"}
    ]


def test_it_is_begun_with_what_it_is_held_against_before_it(tmp_path: Path, monkeypatch):
    begun = []
    monkeypatch.setattr(
        "al_engine.simulating.kept.Simulations.begin",
        lambda self, project, plan, name: begun.append((project.about.source, plan)),
    )
    folder = begin_published(tmp_path)
    close_project(folder)
    source = f"demo:{PUBLISHED.name}"
    assert begun == [(source, NOT_ASKED), (source, ASKED)]


def test_a_server_that_is_busy_leaves_no_project_behind(tmp_path: Path, monkeypatch):
    def busy(*_):
        raise PublicServerError("This public server is busy with another simulation.", "")

    monkeypatch.setattr("al_engine.simulating.kept.Simulations.begin", busy)
    with pytest.raises(PublicServerError):
        begin_published(tmp_path)
    assert [f for f in tmp_path.iterdir() if not f.name.startswith(".")] == []
