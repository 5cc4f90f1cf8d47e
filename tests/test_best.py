"""The best round by validation: which it is, how it is kept, and when patience is at an end."""

import json
from dataclasses import dataclass, replace

import joblib
import pytest
from conftest import answer, begin
from paging import LABELLING, TRAINING, read, show

from al_engine.background import BACKGROUND
from al_engine.curating.models import keep_best
from al_engine.data.splits import VALIDATION
from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.learning.metrics import scores_of_confusion
from al_engine.loop.best import Best, best_of, is_out_of_patience
from al_engine.loop.scores import RoundScores
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig, Splits
from al_engine.sharing.exporting import bundles_of, write_model


@dataclass
class Made:
    number: int
    scores: RoundScores | None


def rounds(*right: int | None, n: int = 100, **more) -> list[Made]:
    """Rounds of so many right out of n, half of the objects on each side."""
    return [
        Made(
            i,
            None
            if tp is None
            else RoundScores(None, scores_of_confusion(n // 2, 0, n // 2 - tp, tp), **more),
        )
        for i, tp in enumerate(right)
    ]


def test_the_first_round_of_the_highest_score_is_the_best() -> None:
    found = best_of(rounds(10, 40, None, 30, 40, 20), "accuracy")
    assert found == Best(1, 0.9, 100, 5, 3)
    assert best_of(rounds(40), "f1").n_since == 0  # type: ignore[union-attr]
    assert best_of([], "f1") is None


def test_by_f1_and_by_accuracy_it_may_be_another() -> None:
    many_found = RoundScores(None, scores_of_confusion(40, 50, 0, 10))
    none_found = RoundScores(None, scores_of_confusion(90, 0, 9, 1))
    made = [Made(0, many_found), Made(1, none_found)]
    assert best_of(made, "f1").number == 0  # type: ignore[union-attr]
    assert best_of(made, "accuracy").number == 1  # type: ignore[union-attr]


def test_rounds_over_other_objects_or_by_folds_are_not_compared() -> None:
    elsewhere, here = rounds(49, 48, over="others"), rounds(0, 0, 30, 20)[2:]
    assert best_of([*elsewhere, *here], "f1").number == 2  # type: ignore[union-attr]
    grown = [*rounds(29, n=60), *rounds(0, 30, n=100)[1:], *rounds(0, 0, 31, n=108)[2:]]
    found = best_of(grown, "accuracy")
    assert (found.number, found.n_compared) == (1, 2)  # type: ignore[union-attr]
    assert best_of([*rounds(40), *rounds(0, 40, by_folds=True)[1:]], "f1") is None
    assert best_of([*rounds(40), Made(1, None)], "f1") is None


def test_patience_ends_after_as_many_rounds_and_none_of_it_never_does() -> None:
    best = Best(3, 0.9, 100, 9, 5)
    assert [is_out_of_patience(best, n) for n in (0, 4, 5, 6)] == [False, True, True, False]
    assert not is_out_of_patience(None, 1)


def test_settings_hold_it_and_refuse_what_is_no_number_of_rounds(project: Project) -> None:
    session = begin(project, best_by="accuracy", patience=7)
    read_back = ProjectConfig.from_dict(json.loads(json.dumps(session.config.to_dict())))
    assert read_back == session.config
    setup = session.config.setups["QSO"]
    for wrong in ({"patience": -1}, {"best_by": "luck"}):
        data = session.config.to_dict()
        data["setups"]["QSO"] |= wrong
        with pytest.raises(SettingsError):
            ProjectConfig.from_dict(data)
    key = session.state("QSO").fit.key  # type: ignore[union-attr]
    session.start("QSO", replace(setup, best_by="f1", patience=0))
    assert session.state("QSO").fit.key == key, "no model depends on it"  # type: ignore[union-attr]


def worse_later(project: Project) -> LabellingSession:
    """A session whose best round is not its last: it is told lies for a while."""
    session = begin(project)
    for _ in range(12):
        state = session.state("QSO")
        if state.best is not None and state.best.n_since:
            break
        row = state.question.row  # type: ignore[union-attr]
        answer(session, label=("STAR", "QSO")[row % 3 != 1])
    return session


def test_the_best_model_is_the_one_of_its_round(project: Project) -> None:
    session = worse_later(project)
    best = session.state("QSO").best
    assert best is not None
    assert best.n_since > 0
    there = session.past_state("QSO", best.number)
    path = keep_best(session, "QSO")
    assert path.name == "QSO-RandomForest_Uncertainty-best.joblib"
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["n_labelled"] == there.fit.n_labelled  # type: ignore[union-attr]
    assert about["scores"]["validation"]["f1"]["value"] == pytest.approx(best.value)
    dataset = project.dataset()
    rows = (dataset.parts == VALIDATION).nonzero()[0]
    said = joblib.load(path).predict_proba(dataset.rows(rows))[:, 1]
    assert said == pytest.approx(there.fit.proba[rows], abs=1e-6)  # type: ignore[union-attr]


def test_it_is_offered_and_made_when_it_is_taken_away(project: Project) -> None:
    session = worse_later(project)
    BACKGROUND.wait(project)
    stems = [f"QSO-RandomForest_Uncertainty{end}" for end in ("", "-best")]
    assert bundles_of(session) == stems
    assert write_model(session, stems[1]).name == f"{stems[1]}.zip"
    assert bundles_of(session) == stems, "once"


def test_where_validation_is_too_small_to_compare_there_is_no_best_model(project: Project) -> None:
    small = Splits(train=90, validation=2, test=8)
    project.save_config(replace(project.config, splits=small), "Ada")
    session = begin(project)
    assert session.state("QSO").best is None
    with pytest.raises(NotEnoughLabelsError, match="too few objects to compare"):
        keep_best(session, "QSO")


def test_pages_name_the_best_round_and_say_when_patience_is_at_an_end(survey_begun) -> None:
    session = survey_begun
    for _ in range(12):
        best = session.state("QSO").best
        if best is not None and best.n_since > 1:
            break
        row = session.state("QSO").question.row
        answer(session, label=("STAR", "QSO")[row % 3 != 1])
    best = session.state("QSO").best
    said = read(show(TRAINING, "survey"))
    assert f"best round {best.number}, F1 {best.value:.3f}" in said
    assert "dotted training, ★ best; click a point." in said
    assert "no better" not in said
    session.start("QSO", replace(session.config.setups["QSO"], patience=1))
    for page in (TRAINING, LABELLING):
        assert f"no better F1 for {best.n_since} rounds" in read(show(page, "survey"))
