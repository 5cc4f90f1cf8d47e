"""scikit-learn's published run on digits, as one click begins it."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from al_engine.data.demo import PUBLISHED
from al_engine.errors import PublicServerError
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.sharing.report.simulations import _BEGUN, simulations
from al_engine.sharing.report.subject import gather as gather_report
from al_engine.showing.simulated import Band, by_labels
from al_engine.simulating import process
from al_engine.simulating.gathering import gather
from al_engine.simulating.kept import Simulations
from al_engine.simulating.performing import perform, settled
from al_engine.simulating.published import ASKED, NOT_ASKED, begin_published
from al_engine.simulating.settings import Initial
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


def test_the_accuracies_are_the_published_ones(project):
    (found,) = (c for c in numbers(project, ASKED)["curves"] if c["strategy"] == "entropy")
    assert found["n_labelled"] == [40, 45, 50, 55, 60]
    accuracies = [round(accuracy, 3) for accuracy in found["accuracy"]]
    assert accuracies == [0.869, 0.902, 0.921, 0.949, 0.956]


def test_sixty_labels_that_nobody_asked_for_give_the_published_accuracy(project):
    (found,) = numbers(project, NOT_ASKED)["curves"]
    assert (found["n_labelled"], round(found["accuracy"][0], 3)) == ([60], 0.900)


def test_means_are_listed_by_their_number_of_labels():
    some = Band("a", "#000000", (10, 15), (0.5, 0.25), (None,) * 2, (None,) * 2, 1)
    more = replace(some, name="b", n_labelled=(15, 1000), mean=(None, 1.0))
    assert by_labels([some, more]) == [
        {"Labels": "10", "a": "0.500", "b": ""},
        {"Labels": "15", "a": "0.250", "b": ""},
        {"Labels": "1,000", "a": "", "b": "1.000"},
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


def test_its_report_says_how_each_run_began(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(Simulations, "_start", lambda self, folder: process._run(folder))
    folder = begin_published(tmp_path)
    session = LabellingSession(open_project(folder), "Ada")
    subject = gather_report(session, date(2026, 1, 31), with_test=False)
    text = str(simulations(subject))
    close_project(folder)
    for n in (40, 60):
        assert f"{n}, the first of the training set, as the catalogue has them" in text


def test_a_report_tells_of_every_way_to_begin():
    assert set(_BEGUN) == set(get_args(Initial))


def test_a_server_that_is_busy_leaves_no_project_behind(tmp_path: Path, monkeypatch):
    def busy(*_):
        raise PublicServerError("This public server is busy with another simulation.", "")

    monkeypatch.setattr("al_engine.simulating.kept.Simulations.begin", busy)
    with pytest.raises(PublicServerError):
        begin_published(tmp_path)
    assert [f for f in tmp_path.iterdir() if not f.name.startswith(".")] == []
