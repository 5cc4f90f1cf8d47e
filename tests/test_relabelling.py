"""Labels that change: added, renamed, recoloured, defined, merged, and each of that undone."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TRUTH, answer, begin, known, small_setup

from al_engine.background import BACKGROUND
from al_engine.curating.relabelling import (
    CHANGED,
    add_label,
    begin_merge,
    begin_undo,
    edit_label,
    last_change,
    merge_labels,
    merged,
    undo_change,
    use_of,
)
from al_engine.curating.test_set import Curator
from al_engine.data.history import fold
from al_engine.data.labels import AnswerLog, Event
from al_engine.data.merging import as_merged, as_written
from al_engine.data.splits import TRAIN
from al_engine.errors import SettingsError, WorkCancelled
from al_engine.exchange.configuration import read_configuration
from al_engine.exchange.models import find_models
from al_engine.loop import rounds
from al_engine.loop.beginning import given_labels
from al_engine.loop.recording import as_file, in_their_form
from al_engine.projects.dataset import Dataset
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Label, People, ProjectConfig, Splits
from al_engine.settings.criteria import Criterion, Group, Search
from al_engine.sharing.exporting import labels_of, predictions_of
from al_engine.sharing.packing import pack
from al_engine.sharing.replay import load_layout, replay
from al_engine.showing.objects import object_card
from al_engine.starting import import_file


def names(config: ProjectConfig) -> list[str]:
    return [label.name for label in config.labels]


def undo(session: LabellingSession) -> None:
    change = last_change(session)
    assert change is not None
    undo_change(session, change.seq)


def some_rounds(session: LabellingSession, n: int = 4, classifier: str = "QSO") -> None:
    for _ in range(n):
        answer(session, classifier)


# -- adding, renaming, recolouring, defining -----------------------------------------------------


def test_an_added_label_can_be_given_at_once_and_costs_no_round(project: Project) -> None:
    session = begin(project)
    some_rounds(session)
    before = session.state("QSO")
    add_label(session, "Lens", definition="Two images of one source")
    after = session.state("QSO")
    assert after.fit is not None
    assert before.fit is not None
    assert [r.labelled.key for r in after.rounds] == [r.labelled.key for r in before.rounds]
    assert [r.scores for r in after.rounds] == [r.scores for r in before.rounds]
    assert after.fit.key == before.fit.key
    state = answer(session, label="Lens")
    assert "Lens" in state.history.trained.values()
    assert session.config.labels[-1].colour not in {c.colour for c in session.config.labels[:-1]}


def test_an_added_label_that_the_catalogue_has_names_its_objects(project: Project) -> None:
    project.save_config(replace(project.config, labels=project.config.labels[1:]), "Ada")
    session = begin(project)
    galaxies = int(np.count_nonzero(project.dataset().codes >= 0))
    add_label(session, "GALAXY")
    assert session.config.labels[-1].in_catalogue
    assert int(np.count_nonzero(project.dataset().codes >= 0)) > galaxies


def test_a_label_is_renamed_recoloured_and_defined_without_another_model(project: Project) -> None:
    session = begin(project)
    some_rounds(session)
    fit = session.state("QSO").fit
    edit_label(session, "QSO", name="Quasar", colour="#112233", definition="Broad lines")
    assert session.config.labels[1] == Label("QSO", "Quasar", "#112233", "Broad lines")
    assert session.state("QSO").fit is fit
    undo(session)
    assert session.config.labels[1] == Label("QSO", "Qso", "#0072B2")


@pytest.mark.parametrize("name", ["", "  ", "Star", "a\nb", "x" * 61])
def test_a_name_that_cannot_be_is_refused_in_a_sentence(project: Project, name: str) -> None:
    session = begin(project)
    with pytest.raises(SettingsError):
        add_label(session, name)
    with pytest.raises(SettingsError):
        edit_label(session, "QSO", name=name, colour="#112233", definition="")
    assert names(session.config) == ["Galaxy", "Qso", "Star"]


def test_a_definition_is_one_short_line(project: Project) -> None:
    session = begin(project)
    for definition in ("two\nlines", "x" * 201):
        with pytest.raises(SettingsError, match="definition"):
            edit_label(session, "QSO", name="Qso", colour="#112233", definition=definition)


def test_a_new_label_among_numbers_is_a_number_as_astronomical_wants_it(project: Project) -> None:
    numbered = tuple(Label(str(i), f"n{i}", "#0072B2") for i in range(3))
    config = replace(project.config, labels=numbered, train_labels=(), setups={})
    project.save_config(config, "Ada")
    session = LabellingSession(project, "Ada")
    add_label(session, "Lens")
    assert session.config.labels[-1].value == "3"


def between(project: Project, monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something while the next change of the settings is being prepared."""
    prepare = project.prepare

    def slowly(config: ProjectConfig) -> Dataset:
        monkeypatch.undo()
        do()
        return prepare(config)

    monkeypatch.setattr(project, "prepare", slowly)


def test_a_label_added_while_another_is_being_added_is_not_lost(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = begin(project), LabellingSession(project, "Ben")

    def add_and_give() -> None:
        add_label(other, "Lens")
        answer(other, label="Lens")

    between(project, monkeypatch, add_and_give)
    with pytest.raises(SettingsError, match="settings were changed meanwhile"):
        add_label(session, "Blazar")
    assert names(session.config) == ["Galaxy", "Qso", "Star", "Lens"]
    add_label(session, "Blazar")
    assert names(session.config) == ["Galaxy", "Qso", "Star", "Lens", "Blazar"]


def test_a_label_given_while_its_adding_is_being_undone_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = begin(project), LabellingSession(project, "Ben")
    add_label(session, "Lens")
    between(project, monkeypatch, lambda: answer(other, label="Lens"))
    with pytest.raises(SettingsError, match="Lens cannot be left out"):
        undo(session)
    assert names(session.config)[-1] == "Lens"


def test_settings_without_a_label_that_answers_have_are_refused(project: Project) -> None:
    session = begin(project)
    add_label(session, "Lens")
    answer(session, label="Lens")
    without = replace(session.config, labels=session.config.labels[:-1])
    with pytest.raises(SettingsError, match="Lens cannot be left out: 1 object has that answer"):
        session.change_settings(without)
    merge_labels(session, "Lens", "QSO")
    apart = tuple(replace(label, merged=()) for label in session.config.labels)
    with pytest.raises(SettingsError, match="Lens cannot be left out"):
        session.change_settings(replace(session.config, labels=apart))


def of_three(project: Project, **changes: bool) -> list[LabellingSession]:
    """Ada and Cyd say that an object is a lens, and Ben that it is a star."""
    ada = begin(project)
    ada.change_settings(replace(ada.config, people=People(several=True, **changes)))
    ben, cyd = LabellingSession(project, "Ben"), LabellingSession(project, "Cyd")
    add_label(ada, "Lens")
    row = next(row for row in known(ada, TRAIN) if row not in ada.state("QSO").history.trained)
    for who, label in ((ada, "Lens"), (cyd, "Lens"), (ben, "STAR")):
        answer(who, row=row, label=label)
    return [ada, ben, cyd]


def test_the_answers_of_a_label_are_those_of_each_person(project: Project) -> None:
    ada, _, _ = of_three(project)
    use = use_of(ada)
    assert (use["Lens"].n_answers, use["STAR"].n_answers) == (1, 1)
    with pytest.raises(SettingsError, match="Lens cannot be left out: 1 object has that answer"):
        undo(ada)


def test_the_answers_of_a_label_are_ones_own_where_people_answer_blind(project: Project) -> None:
    ada, ben, _ = of_three(project, blind=True)
    assert [use_of(who)["Lens"].n_answers for who in (ada, ben)] == [1, 0]
    assert [use_of(who)["STAR"].n_answers for who in (ada, ben)] == [0, 1]
    with pytest.raises(SettingsError) as refused:
        undo(ben)
    assert "object" not in refused.value.message


def test_adding_is_undone_unless_answers_have_the_label(project: Project) -> None:
    session = begin(project)
    add_label(session, "Lens")
    state = answer(session, label="Lens")
    with pytest.raises(SettingsError, match="Lens cannot be left out: 1 object has that answer"):
        undo(session)
    session.undo("QSO", token=state.token)
    undo(session)
    assert names(session.config) == ["Galaxy", "Qso", "Star"]


# -- merging -------------------------------------------------------------------------------------


def test_merging_trains_on_the_answers_of_both_and_changes_no_event(project: Project) -> None:
    session = begin(project)
    some_rounds(session, 6)
    rows = [next(known(session, TRAIN, "GALAXY"))]
    answer(session, row=rows[0], label="GALAXY")
    written = project.log.events()
    merge_labels(session, "GALAXY", "QSO")
    assert project.log.events()[: len(written)] == written
    state = session.state("QSO")
    assert state.history.trained[rows[0]] == "QSO"
    assert state.fit is not None
    n_positive = sum(label == "QSO" for label in state.history.trained.values())
    assert state.fit.n_of_class[1] == n_positive
    assert "GALAXY" not in state.history.trained.values()
    dataset = project.dataset()
    assert dataset.values == ("QSO", "STAR")
    is_positive = dataset.truth("QSO")
    assert all(is_positive[r] == 1 for r in known(session, TRAIN) if TRUTH[r] != "STAR")


def test_merging_that_is_begun_trains_once_and_so_does_taking_it_back(
    project: Project, monkeypatch
) -> None:
    session = begin(project)
    some_rounds(session, 6)
    answer(session, row=next(known(session, TRAIN, "GALAXY")), label="GALAXY")
    before = session.state("QSO")
    trained = []
    fit_round = rounds.fit_round
    monkeypatch.setattr(
        rounds, "fit_round", lambda *a, **k: trained.append(1) or fit_round(*a, **k)
    )
    begin_merge(session, "GALAXY", "QSO").wait(60)
    assert session.state("QSO").fit.key != before.fit.key
    assert len(trained) == 1
    job = begin_undo(session, last_change(session).seq)
    job.wait(60)
    job.result()
    assert session.state("QSO").fit.key == before.fit.key
    assert len(trained) == 1, "what was there before is still at hand"


def test_merging_that_is_cancelled_while_it_trains_merges_nothing(
    project: Project, monkeypatch
) -> None:
    session = begin(project)
    some_rounds(session, 6)
    before, written = session.config, project.log.events()
    is_training, go_on = threading.Event(), threading.Event()
    fit_round = rounds.fit_round

    def slowly(*arguments: Any, **named: Any) -> Any:
        is_training.set()
        go_on.wait(60)
        return fit_round(*arguments, **named)

    monkeypatch.setattr(rounds, "fit_round", slowly)
    job = begin_merge(session, "GALAXY", "QSO")
    assert is_training.wait(60)
    job.cancel()
    go_on.set()
    job.wait(60)
    with pytest.raises(WorkCancelled):
        job.result()
    assert (session.config, project.log.events()) == (before, written)
    answer(session)


def test_merging_moves_no_object_from_one_set_to_another(project: Project) -> None:
    for draw in ("stratified", "balanced"):
        config = replace(project.config, splits=Splits(draw=draw))  # type: ignore[arg-type]
        project.save_config(config, "Ada")
        session = LabellingSession(project, "Ada")
        before = project.dataset().parts.copy()
        merge_labels(session, "GALAXY", "QSO")
        assert np.array_equal(project.dataset().parts, before)
        undo(session)


def test_rounds_of_a_classifier_that_merging_does_not_touch_stay_as_they_are(
    project: Project,
) -> None:
    session = begin(project, "STAR")
    some_rounds(session, 6, "STAR")
    before = session.state("STAR")
    merge_labels(session, "GALAXY", "QSO")
    after = session.state("STAR")
    assert [r.labelled.key for r in after.rounds] == [r.labelled.key for r in before.rounds]
    assert all(r.scores is not None for r in after.rounds)
    assert after.fit is not None
    assert before.fit is not None
    assert np.array_equal(after.fit.proba, before.fit.proba, equal_nan=True)


def test_so_do_those_in_which_an_object_went_from_one_of_the_merged_labels_to_the_other(
    project: Project,
) -> None:
    session = begin(project, "STAR")
    some_rounds(session, 3, "STAR")
    row = next(iter(session.state("STAR").history.verified))
    for label in ("GALAXY", "QSO"):
        session.answer("STAR", row, "answer", label, token=session.state("STAR").token)
    answer(session, "STAR")
    before = session.state("STAR")
    edited = merged(session.config, "QSO", "GALAXY")
    assert session.rounds_lost(edited) == {}
    merge_labels(session, "QSO", "GALAXY")
    after = session.state("STAR")
    assert [r.labelled.key for r in after.rounds] == [r.labelled.key for r in before.rounds]
    assert [r.scores for r in after.rounds] == [r.scores for r in before.rounds]
    assert after.fit.key == before.fit.key


def test_merging_two_classifiers_makes_one_that_both_taught(project: Project) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    some_rounds(session, 5)
    some_rounds(session, 5, "STAR")
    qso, star = (dict(session.state(c).history.trained) for c in ("QSO", "STAR"))
    merge_labels(session, "QSO", "STAR")
    assert session.config.train_labels == ("STAR",)
    assert set(session.config.setups) == {"STAR"}
    state = session.state("STAR")
    assert state.history.trained.keys() == qso.keys() | star.keys()
    assert "QSO" not in session.learners or session.config.setups.keys() == {"STAR"}
    undo(session)
    assert session.config.train_labels == ("QSO", "STAR")
    assert dict(session.state("QSO").history.trained) == qso
    assert dict(session.state("STAR").history.trained) == star


def test_a_merged_classifier_takes_no_label_of_the_catalogue_over_a_person_s(
    project: Project,
) -> None:
    session = begin(project)
    setup = small_setup(n_initial=20)
    taken = given_labels(project, "STAR", session.config, setup)
    begun = session.state("QSO").history.trained
    row = next(event.row_number for event in taken if event.row_number not in begun)
    session.answer("QSO", row, "answer", "GALAXY", token=session.state("QSO").token)
    session.start("STAR", setup)
    merge_labels(session, "STAR", "QSO")
    history = session.state("QSO").history
    assert history.trained[row] == history.verified[row] == "GALAXY"


def test_a_classifier_goes_on_under_the_label_that_its_own_is_merged_into(
    project: Project,
) -> None:
    session = begin(project)
    some_rounds(session, 5)
    trained = dict(session.state("QSO").history.trained)
    merge_labels(session, "QSO", "GALAXY")
    assert session.config.train_labels == ("GALAXY", "STAR")
    state = answer(session, "GALAXY", label="STAR")
    assert len(state.history.trained) == len(trained) + 1
    BACKGROUND.wait(project)
    models = project.folder / "models"
    assert any(
        find_models(models, path.stem)[1]["label_values"] == ["GALAXY", "QSO"]  # type: ignore[index]
        for path in models.glob("GALAXY*.json")
    )
    undo(session)
    assert dict(session.state("QSO").history.trained) == trained


def test_an_answer_from_before_a_merging_is_undone_after_it(project: Project) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    some_rounds(session, 3, "STAR")
    n = len(session.state("STAR").history.trained)
    merge_labels(session, "STAR", "QSO")
    session.undo("QSO", token=session.state("QSO").token)
    read_configuration(as_file(project, session.moment(), is_private=False).encode())
    undo(session)
    assert len(session.state("STAR").history.trained) == n - 1


def test_merging_back_and_forth_gives_the_rounds_there_were(project: Project) -> None:
    session = begin(project)
    some_rounds(session, 6)
    before = session.state("QSO")
    merge_labels(session, "GALAXY", "QSO")
    answer(session, label="QSO")
    answer(session, label="STAR")
    undo(session)
    after = session.state("QSO")
    n = len(before.rounds)
    assert [r.labelled.key for r in after.rounds[:n]] == [r.labelled.key for r in before.rounds]
    assert [r.scores for r in after.rounds[:n]] == [r.scores for r in before.rounds]


@pytest.mark.parametrize("written", [5, ["STAR", "STAR", {"written": 5}]])
def test_nothing_that_an_answer_carries_says_how_it_was_before_a_merging(written: object) -> None:
    answered = Event("answer", "Ada", "QSO", 3, label="QSO", seq=1)
    forged = replace(answered, payload={"written": written})
    for into in ({}, {"QSO": "STAR"}):
        plain, odd = (fold(as_merged([event], into)) for event in (answered, forged))
        assert odd.trained == plain.trained
        assert odd.sets == plain.sets
        assert as_written(as_merged([forged], into)[0]) == forged


def test_labels_that_would_leave_one_are_not_merged(project: Project) -> None:
    session = begin(project)
    merge_labels(session, "GALAXY", "STAR")
    with pytest.raises(SettingsError, match="only labels"):
        merge_labels(session, "QSO", "STAR")
    with pytest.raises(SettingsError, match="itself"):
        merge_labels(session, "QSO", "QSO")
    with pytest.raises(SettingsError, match="no label of this project"):
        merge_labels(session, "GALAXY", "QSO")


def test_the_curated_test_set_counts_merged_labels_as_one(project: Project) -> None:
    session = begin(project)
    curator = Curator(session)
    row = next(known(session, TRAIN, "GALAXY"))
    curator.answer(row, "answer", "GALAXY", token=f"0:{row}:chosen")
    merge_labels(session, "GALAXY", "QSO")
    assert project.curated().labels == {row: "QSO"}
    undo(session)
    assert project.curated().labels == {row: "GALAXY"}


def test_changes_are_undone_one_after_the_other_and_what_came_between_stays(
    project: Project,
) -> None:
    session = begin(project)
    edit_label(session, "QSO", name="Quasar", colour="#112233", definition="")
    merge_labels(session, "GALAXY", "STAR")
    session.change_settings(replace(session.config, x_axis="g", y_axis="r"))
    add_label(session, "Lens")
    said = []
    while (change := last_change(session)) is not None:
        said.append(change.said)
        undo_change(session, change.seq)
    assert said == ["Lens added", "Galaxy merged into Star", "Qso renamed Quasar"]
    assert names(session.config) == ["Galaxy", "Qso", "Star"]
    assert session.config.x_axis == "g"
    assert [e.how for e in project.log.events() if e.how == CHANGED] == [CHANGED] * 6


def test_an_undo_from_an_old_screen_is_refused(project: Project) -> None:
    session = begin(project)
    add_label(session, "Lens")
    change = last_change(session)
    assert change is not None
    add_label(session, "Arc")
    with pytest.raises(SettingsError, match="another tab"):
        undo_change(session, change.seq)


def test_use_counts_objects_of_the_catalogue_and_of_answers(project: Project) -> None:
    session = begin(project)
    row = next(known(session, TRAIN, "GALAXY"))
    answer(session, row=row, label="STAR")
    n = use_of(session)
    assert n["STAR"].n_answers == 1
    merge_labels(session, "STAR", "GALAXY")
    assert use_of(session)["GALAXY"].n_answers == 1
    assert use_of(session)["GALAXY"].n_catalogue == n["GALAXY"].n_catalogue + n["STAR"].n_catalogue


# -- where labels are carried to -----------------------------------------------------------------


def test_exported_labels_are_those_in_force(project: Project) -> None:
    session = begin(project)
    answer(session, row=next(known(session, TRAIN, "GALAXY")), label="GALAXY")
    merge_labels(session, "GALAXY", "QSO")
    table = labels_of(session)
    found = {v for batch in table.batches for v in batch.column("label").to_pylist()}
    assert "GALAXY" not in found


def test_a_configuration_carries_definitions_merges_and_their_undoing(
    project: Project, tmp_path: Path
) -> None:
    session = begin(project)
    some_rounds(session, 5)
    edit_label(session, "QSO", name="Quasar", colour="#112233", definition="Broad lines")
    merge_labels(session, "GALAXY", "STAR")
    answer(session, label="QSO")
    answer(session, label="STAR")
    undo(session)
    merge_labels(session, "GALAXY", "QSO")
    add_label(session, "Lens")
    answer(session, label="Lens")
    text = as_file(project, session.moment(), is_private=False)
    read = read_configuration(text.encode())
    assert read.settings == session.config
    assert [e.undoes for e in read.events] == [e.undoes for e in project.log.events()]
    state = session.state("QSO")
    BACKGROUND.wait()
    other = Path(shutil.copytree(project.folder, tmp_path / "other" / "survey"))
    (other / "answers.duckdb").unlink()
    AnswerLog(other / "answers.duckdb").close()
    opened = open_project(other)
    try:
        found = replay(opened, read, "Ada")
        assert found.difference == ""
        again = LabellingSession(opened, "Ada").state("QSO")
        assert again.history.trained == state.history.trained
        assert again.question == state.question
    finally:
        close_project(other)


def test_a_whole_project_comes_back_with_its_merged_labels_and_the_way_back(
    project: Project, tmp_path: Path
) -> None:
    session = begin(project)
    some_rounds(session, 4)
    merge_labels(session, "GALAXY", "QSO")
    add_label(session, "Lens")
    answer(session, label="Lens")
    undo_refused = last_change(session)
    state = session.state("QSO")
    BACKGROUND.wait(project)
    folder, _ = import_file(tmp_path / "elsewhere", pack(project))
    opened = open_project(folder)
    try:
        again = LabellingSession(opened, "Ada")
        assert again.config == session.config
        assert again.state("QSO").history.trained == state.history.trained
        assert again.state("QSO").question == state.question
        assert last_change(again) == undo_refused
    finally:
        close_project(folder)


def test_predictions_say_the_labels_in_force(project: Project) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    some_rounds(session, 3)
    edit_label(session, "STAR", name="Point source", colour="#112233", definition="")
    merge_labels(session, "GALAXY", "QSO")
    made = predictions_of(session)
    said = " ".join(str(column.description) for column in made.columns)
    assert "Point source" in said
    truth = project.dataset()
    assert truth.values == ("QSO", "STAR")


def test_a_label_column_read_again_keeps_what_was_merged(project: Project) -> None:
    session = begin(project)
    row = next(known(session, TRAIN, "GALAXY"))
    merge_labels(session, "GALAXY", "QSO")
    card = object_card(session, session.state("QSO"), row)
    assert card.catalogue_label == "Qso"


def test_what_is_searched_for_is_the_catalogue_s_value_whatever_it_is_merged_into(
    project: Project,
) -> None:
    session = begin(project)
    search = Search((Group((Criterion("class", "==", ("GALAXY",)),)),))
    n = Curator(session).found(search).n
    assert n > 0
    merge_labels(session, "GALAXY", "QSO")
    assert Curator(session).found(search).n == n


def test_a_layout_changes_how_labels_look_and_not_what_counts_as_them(project: Project) -> None:
    session = begin(project)
    edit_label(session, "QSO", name="Quasar", colour="#112233", definition="Broad lines")
    configuration = read_configuration(as_file(project, session.moment(), is_private=True).encode())
    edit_label(session, "QSO", name="Other", colour="#445566", definition="")
    merge_labels(session, "GALAXY", "QSO")
    load_layout(session, configuration)
    kept = session.config.labels[0]
    assert (kept.name, kept.colour, kept.definition) == ("Quasar", "#112233", "Broad lines")
    assert kept.values == ("QSO", "GALAXY")


def test_astronomicals_form_has_merged_labels_apart_and_says_so(project: Project) -> None:
    numbered = tuple(
        Label(str(i), value.title(), "#0072B2") for i, value in enumerate(("A", "B", "C"))
    )
    config = replace(
        project.config, labels=numbered, train_labels=("0",), setups={"0": small_setup()}
    )
    project.save_config(config, "Ada")
    session = LabellingSession(project, "Ada")
    merge_labels(session, "1", "0")
    text, notes = in_their_form(project, session.config)
    assert any("Merged" in note for note in notes)
    theirs = read_configuration(text.encode())
    assert [label.value for label in theirs.settings.labels] == ["0", "2", "1"]
