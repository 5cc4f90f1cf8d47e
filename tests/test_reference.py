"""Objects to compare with: the labelled ones most alike, and typical ones of each label."""

from dataclasses import replace

import numpy as np
from conftest import TRUTH, answer, begin, known

from al_engine.data.splits import TRAIN
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Features, People
from al_engine.showing.reference import NEAREST, TYPICAL, references


def plane(project: Project) -> LabellingSession:
    """A session whose features are two plain columns."""
    session = LabellingSession(project, "Ada")
    session.change_settings(replace(session.config, features=Features(("g", "r"))))
    return begin(project)


def test_the_nearest_labelled_objects_come_first(project: Project) -> None:
    session = plane(project)
    for _ in range(6):
        answer(session)
    state = session.state("QSO")
    row = state.question.row
    found = references(session, state, row)
    X = project.dataset().preparation.transform(project.dataset().rows(np.arange(300)))
    labelled = np.array(sorted(state.history.trained))
    away = np.hypot(*(X[labelled] - X[row]).T)
    assert [each.row for each in found.nearest] == labelled[np.argsort(away)][:NEAREST].tolist()
    assert all(each.label == TRUTH[each.row].title() for each in found.nearest)
    assert {each.is_given for each in found.nearest} <= {True, False}


def test_the_object_itself_is_no_reference(project: Project) -> None:
    session = plane(project)
    state = session.state("QSO")
    row = next(iter(state.history.trained))
    found = references(session, state, row)
    assert row not in [each.row for each in (*found.nearest, *sum(found.typical, ()))]


def test_typical_objects_are_near_the_middle_of_their_label(project: Project) -> None:
    session = plane(project)
    found = references(session, session.state("QSO"), 0)
    assert [len(listed) for listed in found.typical] == [TYPICAL] * 3
    assert sorted(listed[0].label for listed in found.typical) == ["Galaxy", "Qso", "Star"]
    dataset = project.dataset()
    for listed in found.typical:
        assert {each.label for each in listed} == {listed[0].label}
        rows = list(known(session, TRAIN, listed[0].label.upper()))
        X = dataset.preparation.transform(dataset.rows(np.array(rows)))
        typical = dataset.preparation.transform(dataset.rows(np.array([listed[0].row])))
        middle = np.median(X, axis=0)
        assert np.hypot(*(typical[0] - middle)) < np.median(np.hypot(*(X - middle).T))


def test_labels_that_others_gave_are_no_reference_where_people_answer_blind(
    project: Project,
) -> None:
    ada = plane(project)
    people = People(several=True, blind=True)
    ada.change_settings(replace(ada.config, people=people))
    for _ in range(4):
        answer(ada)
    ben = LabellingSession(project, "Ben")
    state = ben.state("QSO")
    told = {each.row for each in references(ben, state, 0).nearest if not each.is_given}
    assert told == set()
    assert {e.row for e in references(ada, ada.state("QSO"), 0).nearest if not e.is_given}


def test_what_was_found_before_another_answer_is_not_found_after_it(project: Project) -> None:
    session = plane(project)
    for _ in range(8):
        state = session.state("QSO")
        row = state.question.row
        found = references(session, state, row)
        X = project.dataset().preparation.transform(project.dataset().rows(np.arange(300)))
        rows = np.array(sorted({**state.history.trained, **state.history.verified}))
        away = np.hypot(*(X[rows] - X[row]).T)
        assert [each.row for each in found.nearest] == rows[np.argsort(away)][:NEAREST].tolist()
        given = {**state.history.trained, **state.history.verified}
        for listed in found.typical:
            assert all(
                given.get(each.row, each.label.upper()) == each.label.upper() for each in listed
            )
        answer(session)
