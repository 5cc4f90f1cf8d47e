"""The loop with models whose fit takes more than labels: the pool, or the validation set."""

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from conftest import TRUTH, Open, answer, begin, known, small_setup
from test_curation import label_some, use
from test_session import seen

from al_engine.background import BACKGROUND
from al_engine.curating.models import checkpoint, is_checkpointed, scores_of_test_set
from al_engine.curating.test_set import Curator
from al_engine.data.splits import TRAIN, VALIDATION
from al_engine.errors import SettingsError
from al_engine.learning import spreading
from al_engine.learning.learners import LearnerSpec, Member, epochs_by_member, pipelines
from al_engine.loop.partitioned.reading import refuse_what_takes_more
from al_engine.loop.truth import labelled_set
from al_engine.projects.opening import close_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Asking, MemberSetup, Splits
from al_engine.settings.target import Target
from al_engine.showing.targets import approach, set_target

QUICK = {
    "label_spreading": MemberSetup("label_spreading", "entropy"),
    "self_training": MemberSetup("self_training", "margin", {"iterations": 2}),
    "sgd": MemberSetup("sgd", "margin", {"epochs": 10, "patience": 3}),
}


@pytest.mark.parametrize("name", QUICK)
def test_rounds_are_the_same_after_a_restart_and_made_ahead(
    project: Project, opened: Open, name: str
) -> None:
    session = begin(project, members=(QUICK[name],))
    for _ in range(3):
        session.look_ahead("QSO")
        session._maker.wait("QSO")
        answer(session)
    before = seen(session.state("QSO"))
    folder = project.folder
    close_project(folder)
    again = LabellingSession(opened(folder), "Ada")
    assert seen(again.state("QSO")) == before


def test_objects_of_the_pool_have_what_the_spreading_ended_with(project: Project) -> None:
    session = begin(project, members=(QUICK["label_spreading"],))
    state, dataset = session.state("QSO"), project.dataset()
    assert state.fit is not None
    rows, _ = labelled_set(dataset, state.history, "QSO")
    pool = np.setdiff1d(np.flatnonzero(dataset.parts == TRAIN), rows)
    plain = pipelines(state.fit.learner)[0].steps[-1][1]
    assert len(plain.X_) == len(rows) + len(pool), "all of the pool takes part"
    np.testing.assert_allclose(
        state.fit.proba[pool], spreading.shares(plain.label_distributions_)[len(rows) :, 1],
        atol=1e-6,
    )  # fmt: skip


def test_what_validates_or_tests_by_now_takes_no_part_in_the_spreading(project: Project) -> None:
    member, asking = QUICK["label_spreading"], Asking(random_every=2)
    session = LabellingSession(project, "Ada")
    splits = Splits("counts", 200, 10, 10)  # too few validate: folds take the pool as well
    session.change_settings(replace(session.config, asking=asking, splits=splits))
    session.start("QSO", small_setup(members=(member,)))

    def n_taking_part() -> int:
        state, again = session.state("QSO"), LabellingSession(project, "Ada").state("QSO")
        assert state.fit is not None
        assert seen(state) == seen(again)
        return len(pipelines(state.fit.learner)[0].steps[-1][1].X_)

    n_before = n_taking_part()
    for _ in range(4):
        before = seen(session.state("QSO"))
        state = answer(session)
        n_taking_part()
    assert len(state.history.validated) == 2
    assert n_taking_part() == n_before - 2
    session.undo("QSO", token=state.token)
    assert seen(session.state("QSO")) == before
    curator = Curator(session)
    rows = label_some(curator, 20, "audit")
    n_before = n_taking_part()
    use(session)
    n_moved = np.count_nonzero(project.dataset().parts[rows] == TRAIN)
    assert n_moved
    assert n_taking_part() == n_before - n_moved


def test_a_saved_model_is_scikit_learns_own(project: Project) -> None:
    begin(project, members=(QUICK["label_spreading"],))
    BACKGROUND.wait(project)
    (path,) = (project.folder / "models").glob("*.joblib")
    model = joblib.load(path).steps[-1][1]
    assert type(model).__module__.startswith("sklearn.")


def test_an_undo_of_a_validation_label_gives_the_fit_of_before(project: Project) -> None:
    session = begin(project, members=(QUICK["sgd"],))
    before = seen(session.state("QSO"))
    row = next(known(session, VALIDATION, "QSO"))
    wrong = answer(session, row=row, label="STAR")
    assert wrong.fit is not None
    (epochs,) = epochs_by_member(wrong.fit.learner)
    assert epochs is not None
    assert epochs.judged_on == "the validation set"
    assert wrong.fit.beside != session.past_state("QSO", 0).fit.beside  # type: ignore[union-attr]
    session.undo("QSO", token=wrong.token)
    assert seen(session.state("QSO")) == before


def test_a_checkpoint_is_of_the_validation_labels_that_its_steps_ended_by(
    project: Project, opened: Open
) -> None:
    session = begin(project, members=(QUICK["sgd"],))
    checkpoint(session, "QSO")
    wrong = answer(session, row=next(known(session, VALIDATION, "QSO")), label="STAR")
    assert not is_checkpointed(session, wrong)
    checkpoint(session, "QSO")
    assert is_checkpointed(session, session.undo("QSO", token=wrong.token))
    folder = project.folder
    close_project(folder)
    again = LabellingSession(opened(folder), "Ada")
    assert is_checkpointed(again, again.state("QSO"))


def test_the_audit_score_of_a_target_is_of_the_model_that_there_is(project: Project) -> None:
    session = begin(project, members=(QUICK["sgd"],), n_initial=20)
    set_target(session, "QSO", Target("accuracy", 0.5), "audit")
    curator = Curator(session)
    label_some(curator, 40, "audit")
    use(session)
    before = approach(session, session.state("QSO"))
    judging = (r for r in known(session, VALIDATION) if r not in curator.curated.labels)
    for row in judging:
        state = answer(session, row=row, label="STAR" if TRUTH[row] == "QSO" else "QSO")
    after = approach(session, state)
    expected = scores_of_test_set(session, "QSO", curator.curated.audit)
    assert before is not None
    assert after is not None
    assert expected is not None
    assert after.score == expected.accuracy
    assert after.score != before.score


def test_a_pool_too_large_is_refused_before_a_set_up_is_in_force(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    config = session.config
    monkeypatch.setattr(spreading, "MOST_NEIGHBOURS", 50)
    members = (QUICK["label_spreading"],)
    with pytest.raises(SettingsError, match="takes up to 50 objects"):
        session.start("QSO", replace(config.setups["QSO"], members=members))
    setups = {"QSO": replace(config.setups["QSO"], members=members)}
    with pytest.raises(SettingsError, match="takes up to 50 objects"):
        session.change_settings(replace(config, setups=setups))
    assert session.config == config


@pytest.mark.parametrize("name", QUICK)
def test_a_data_set_in_partitions_refuses_them(name: str) -> None:
    spec = LearnerSpec((Member(name),))
    with pytest.raises(SettingsError, match=r"learns from more than the labelled objects"):
        refuse_what_takes_more(spec.models)
    refuse_what_takes_more(LearnerSpec((Member("random_forest"),)).models)


def test_a_project_without_labels_can_begin_with_such_models(
    survey_folder: Path, opened: Open
) -> None:
    project = opened(survey_folder)
    columns = replace(project.config.columns, label=None)
    project.save_config(
        replace(project.config, columns=columns, asking=Asking(random_every=4)), "Ada"
    )
    session = begin(project, members=(QUICK["label_spreading"], QUICK["sgd"]), initial_labels="ask")
    for _ in range(12):
        state = answer(session)
    assert state.scores is not None
    assert state.scores.by_folds
    assert state.history.validated
