"""Loading a configuration: told first in what the data differ, then all of it or nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from conftest import (
    ROOT,
    SMALL_FOREST,
    TRUTH,
    Open,
    answer,
    begin,
    known,
    make_table,
    small_setup,
    survey_config,
    survey_values,
)

from al_engine.background import BACKGROUND
from al_engine.curating.agreeing import disputes, settle
from al_engine.curating.relabelling import add_label, edit_label, merge_labels
from al_engine.data.history import count_answers
from al_engine.data.selections import save_selection
from al_engine.data.splits import VALIDATION
from al_engine.errors import (
    AlEngineError,
    ConfigurationError,
    ContractError,
    SettingsError,
    UnknownColumnError,
    WorkCancelled,
)
from al_engine.exchange.configuration import (
    Configuration,
    private,
    read_configuration,
    write_configuration,
)
from al_engine.exchange.models import find_models
from al_engine.loop.answering import answered_rows
from al_engine.loop.making import RoundMaker
from al_engine.loop.recording import record
from al_engine.loop.rounds import Round
from al_engine.projects.creating import create_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import (
    Columns,
    Features,
    Label,
    MemberSetup,
    People,
    ProjectConfig,
    Splits,
)
from al_engine.sharing.prospect import look
from al_engine.sharing.replay import Replayed, cost_of_settings, load_layout, load_settings, replay

Make = Callable[..., Project]


@pytest.fixture
def fresh(tmp_path: Path, opened: Open) -> Make:
    """Import the small catalogue anew, changed or not, under settings of nobody's choice."""

    def make(values: dict[str, pa.Array] | None = None, config: Any = None) -> Project:
        table = make_table(values or survey_values())
        folder, _ = create_project(tmp_path / "again", "Again", table, config or ProjectConfig())
        return opened(folder)

    return make


def saved(session: LabellingSession) -> Configuration:
    """The configuration of a session's project, from the text of its file."""
    text = write_configuration(record(session.project, session.moment()))
    return read_configuration(text.encode())


def lived(project: Project, **changes: Any) -> LabellingSession:
    """A session in which settings, set-up and answers of every kind followed one another."""
    session = begin(project, **changes)
    for kind in ("answer", "answer", "unsure", "answer", "later", "answer"):
        answer(session, kind=kind)
    session.undo("QSO", token=session.state("QSO").token)
    session.undo("QSO", token=session.state("QSO").token)
    session.start("STAR", small_setup(n_initial=4))
    answer(session, "STAR")
    session.change_settings(replace(session.config, splits=Splits(seed=3)))
    answer(session)
    answer(session, row=next(known(session, VALIDATION)))
    answer(session, "STAR")
    committee = small_setup(members=(SMALL_FOREST, MemberSetup("extra_trees", "margin")))
    session.start("QSO", committee)
    for _ in range(3):
        answer(session)
    return session


def outcome(state: State) -> Any:
    """All that a person sees of a classifier, without when it was."""
    history = state.history
    return (
        state.question,
        state.scores,
        [(past.labelled.key, past.labelled.n_labelled, past.scores) for past in state.rounds],
        (history.trained, history.validated, history.corrected, history.given, history.unsure),
        (history.later, history.n_passed, history.n_questions),
        state.fit and (state.fit.key, state.fit.proba.tobytes(), state.fit.utility.tobytes()),
    )


def untouched(project: Project) -> bool:
    """Is a freshly imported project as it was?"""
    BACKGROUND.wait(project)
    return (
        [event.kind for event in project.log.events()] == ["settings"]
        and not (project.folder / "models").exists()
        and project.config == ProjectConfig()
    )


# -- the replay ----------------------------------------------------------------------------------


def test_a_replay_gives_the_same_rounds_scores_models_and_next_query(
    project: Project, fresh: Make
) -> None:
    session = lived(project)
    again = fresh()
    made = replay(again, saved(session), "Bob")
    n_scored = sum(r.scores is not None for c in ("QSO", "STAR") for r in session.state(c).rounds)
    n_answers = count_answers(project.log.events())
    assert made == Replayed(len(project.log.events()), n_answers, n_scored, "", ())
    assert n_scored > 5
    replayed = LabellingSession(again, "Bob")
    assert replayed.config == session.config
    for classifier in ("QSO", "STAR"):
        assert outcome(replayed.state(classifier)) == outcome(session.state(classifier))
    then = [(e.kind, e.who, e.happened_at, e.how, e.seconds) for e in project.log.events()]
    now = [(e.kind, e.who, e.happened_at, e.how, e.seconds) for e in again.log.events()[1:]]
    assert now == then, "who gave which answer, and when, is kept"


def test_a_replay_in_mid_batch_goes_on_with_that_batch(project: Project, fresh: Make) -> None:
    member = replace(SMALL_FOREST, strategy="margin_clusters")
    session = begin(project, members=(member,), batch_size=3)
    for _ in range(5):
        answer(session)
    again = fresh()
    assert replay(again, saved(session), "Bob").difference == ""
    then, now = session.state("QSO"), LabellingSession(again, "Bob").state("QSO")
    assert now.batch == then.batch
    assert outcome(now)[1:] == outcome(then)[1:]
    assert now.question is not None
    assert then.question is not None
    assert now.question.made_at != then.question.made_at, "events have other numbers there"


def test_what_several_people_said_and_settled_is_replayed_for_each(
    project: Project, fresh: Make
) -> None:
    ada, ben = begin(project), LabellingSession(project, "Ben")
    people = People(several=True, blind=True, again_every=3)
    ada.change_settings(replace(ada.config, people=people))
    for _ in range(8):
        answer(ada)
        asked = ben.state("QSO").question
        assert asked is not None
        other = {"QSO": "STAR"}.get(TRUTH[asked.row], "QSO")
        answer(ben, label=other if asked.how == "again" else None)
    answer(ben, kind="unsure")
    (dispute, *_), _ = disputes(ben, "QSO")
    settle(ben, "QSO", dispute.row, "STAR", token=dispute.token)
    ada.undo("QSO", token=ada.state("QSO").token)
    again = fresh()
    made = replay(again, saved(ben), "Bob")
    assert made.difference == ""
    assert made.n_compared > 8
    assert again.config.people == people
    for who in ("Ada", "Ben", "Cy"):
        now, then = (LabellingSession(each, who) for each in (again, project))
        assert outcome(now.state("QSO")) == outcome(then.state("QSO"))
        assert len(disputes(now, "QSO")[0]) == len(disputes(then, "QSO")[0])


def test_rounds_of_former_settings_come_back_with_those_settings(
    project: Project, fresh: Make
) -> None:
    session = lived(project)
    again = fresh()
    replay(again, saved(session), "Bob")
    replayed = LabellingSession(again, "Bob")
    for each in (session, replayed):
        config = each.config
        setups = {**config.setups, "QSO": small_setup()}
        each.change_settings(replace(config, splits=Splits(), setups=setups))
    assert outcome(replayed.state("QSO")) == outcome(session.state("QSO"))
    assert sum(r.scores is not None for r in replayed.state("QSO").rounds) > 3


def test_what_was_replayed_is_on_disk_with_its_models_and_its_configuration(
    project: Project, fresh: Make
) -> None:
    again = fresh()
    replay(again, saved(lived(project)), "Bob")
    BACKGROUND.wait(again)
    assert find_models(again.folder / "models", "STAR-RandomForest_Uncertainty") is not None
    assert again.about.n_answers > 5
    session = LabellingSession(again, "Bob")
    answer(session)
    BACKGROUND.wait(again)
    text = (again.folder / "configuration.json").read_bytes()
    assert read_configuration(text).n_answers == saved(session).n_answers


def test_a_replayed_project_can_be_taken_away_and_replayed_again(
    project: Project, fresh: Make
) -> None:
    first = saved(lived(project))
    again = fresh()
    replay(again, first, "Bob")
    second = saved(LabellingSession(again, "Bob"))
    assert second.rounds == first.rounds
    assert second.next == first.next


REPLAY = """
import sys
from pathlib import Path
from al_engine.exchange.configuration import read_configuration
from al_engine.projects.opening import open_project
from al_engine.sharing.replay import replay
made = replay(
    open_project(Path(sys.argv[1])), read_configuration(Path(sys.argv[2]).read_bytes()), "Bob"
)
print(made.n_compared, made.difference)
"""


def test_another_process_with_other_threads_and_hashes_replays_the_same(
    project: Project, tmp_path: Path
) -> None:
    session = lived(project)
    path = tmp_path / "configuration.json"
    path.write_text(write_configuration(record(project, session.moment())), encoding="utf-8")
    folder, _ = create_project(
        tmp_path / "there", "There", make_table(survey_values(), batch_rows=7), ProjectConfig()
    )
    done = subprocess.run(
        [sys.executable, "-c", REPLAY, str(folder), str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    n_compared, _, difference = done.stdout.strip().partition(" ")
    assert int(n_compared) > 5
    assert difference == ""


def test_ids_and_not_row_numbers_tie_labels_to_objects(project: Project, fresh: Make) -> None:
    session = lived(project)
    order = np.random.default_rng(1).permutation(300)
    shuffled = {name: array.take(pa.array(order)) for name, array in survey_values().items()}
    again = fresh(shuffled)
    configuration = saved(session)
    assert "their values or order differ" in look(again, configuration).differs[0]
    replay(again, configuration, "Bob")
    theirs, ours = LabellingSession(again, "Bob").state("QSO"), session.state("QSO")
    assert {int(order[row]): label for row, label in theirs.history.trained.items()} == (
        ours.history.trained
    )


def test_the_first_round_that_differs_is_named(project: Project, fresh: Make) -> None:
    session = lived(project)
    file = json.loads(write_configuration(record(project, session.moment())))
    scored = [r for r in file["rounds"] if r["classifier"] == "QSO" and r["scores"]]
    for changed in scored[2:]:
        changed["scores"]["validation"]["f1"]["value"] = 0.123
    made = replay(fresh(), read_configuration(json.dumps(file).encode()), "Bob")
    assert f"Round {scored[2]['number']} of Qso has another F1: it was 0.123" in made.difference


def test_another_next_query_is_named(project: Project, fresh: Make) -> None:
    configuration = saved(lived(project))
    other = replace(configuration.next["QSO"], object_id="J000")
    changed = replace(configuration, next={**configuration.next, "QSO": other})
    made = replay(fresh(), changed, "Bob")
    assert made.difference.startswith("Qso asked about J000 next; here about J")


def test_a_cancelled_replay_changes_nothing(project: Project, fresh: Make) -> None:
    configuration, again = saved(lived(project)), fresh()
    heard: list[int] = []
    with pytest.raises(WorkCancelled):
        replay(again, configuration, "Bob", lambda n, of: heard.append(n), lambda: len(heard) > 6)
    assert heard[:7] == list(range(7))
    assert untouched(again)
    assert replay(again, configuration, "Bob").difference == "", "and it can be begun again"


def test_a_replay_that_fails_half_way_changes_nothing(
    project: Project, fresh: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration, again = saved(lived(project)), fresh()
    calls: list[int] = []

    def fail(self: LabellingSession, classifier: str) -> State:
        calls.append(1)
        if len(calls) > 5:
            raise SettingsError("No.", "Never.")
        return state(self, classifier)

    state = LabellingSession.state
    monkeypatch.setattr(LabellingSession, "state", fail)
    with pytest.raises(SettingsError):
        replay(again, configuration, "Bob")
    monkeypatch.undo()
    assert untouched(again)


# -- other data ----------------------------------------------------------------------------------


def test_the_very_same_data_differ_in_nothing(project: Project, fresh: Make) -> None:
    prospect = look(fresh(), saved(lived(project)))
    assert (prospect.differs, prospect.versions) == ((), ())
    assert (prospect.disputed, prospect.refused) == ((), {})


def test_selections_that_a_configuration_knows_of_and_cannot_bring_are_named(
    project: Project, fresh: Make
) -> None:
    session = lived(project)
    for name in ("bright", "red"):
        save_selection(project.folder, name, np.arange(200), "by hand")
    session.change_settings(
        replace(session.config, asking=replace(session.config.asking, among="red"))
    )
    configuration, again = saved(session), fresh()
    assert look(project, configuration).differs == ()
    assert look(again, configuration).differs == (
        "Selections that are not here: bright, red. A configuration holds no selections; the "
        "whole project does.",
        "Only 'red' was asked about; here the whole pool is.",
    )
    assert look(again, private(configuration)).differs == (), "names may tell what is private"


def test_other_rows_columns_and_ids_are_named_before_anything_changes(
    project: Project, fresh: Make
) -> None:
    session = lived(project)
    gone = session.object_id(answered_rows(session.project, "QSO", session.who)[0])
    names = survey_values()["name"].to_pylist()
    keep = pa.array([name != gone for name in names])
    values = {name: array.filter(keep) for name, array in survey_values().items()}
    values["extra"] = values["g"]
    values["huge"] = values["huge"].cast(pa.string())
    del values["note"]
    again = fresh(values)
    prospect = look(again, saved(session))
    assert untouched(again)
    assert prospect.differs == (
        "It has 299 rows; 300 when the configuration was saved.",
        "Columns that are no longer there: note.",
        "Columns that are new: extra.",
        "Column 'huge' holds text; it held integer.",
        f"Not here, and left out with their answers: 1 object ({gone}).",
    )
    made = replay(again, saved(session), "Bob")
    assert made.absent == (gone,)
    assert made.difference
    replayed = LabellingSession(again, "Bob").state("QSO")
    assert len(replayed.history.trained) == len(session.state("QSO").history.trained) - 1


def test_an_undo_of_an_answer_about_a_missing_object_is_left_out_with_it(
    project: Project, fresh: Make
) -> None:
    session = begin(project)
    shown = session.state("QSO").question
    assert shown is not None
    answer(session)
    session.undo("QSO", token=session.state("QSO").token)
    answer(session, row=next(known(session, VALIDATION)))
    gone = session.object_id(shown.row)
    keep = pa.array([name != gone for name in survey_values()["name"].to_pylist()])
    again = fresh({name: array.filter(keep) for name, array in survey_values().items()})
    assert replay(again, saved(session), "Bob").absent == (gone,)
    kinds = [event.kind for event in again.log.events()]
    assert "undo" not in kinds
    assert kinds.count("answer") == 1


def test_an_object_with_two_labels_is_named_and_each_classifier_keeps_its_own(
    project: Project, fresh: Make
) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    question = session.state("STAR").question
    assert question is not None
    answer(session, "STAR", question.row, "STAR")
    answer(session, "QSO", question.row, "QSO")
    again = fresh()
    assert look(again, saved(session)).disputed == (session.object_id(question.row),)
    replay(again, saved(session), "Bob")
    both = {c: again.history(c).trained[question.row] for c in ("STAR", "QSO")}
    assert both == {"STAR": "STAR", "QSO": "QSO"}


def test_packages_of_other_versions_are_named(project: Project, fresh: Make) -> None:
    configuration = saved(begin(project))
    other = replace(configuration, versions={**configuration.versions, "scikit-learn": "0.1"})
    (said,) = look(fresh(), other).versions
    assert said.startswith("scikit-learn 0.1, here ")


def without(*names: str) -> dict[str, pa.Array]:
    return {name: array for name, array in survey_values().items() if name not in names}


def all_others() -> dict[str, pa.Array]:
    names = pa.array([f"K{i}" for i in range(300)])
    return {**survey_values(), "name": names}


def repeated() -> dict[str, pa.Array]:
    return {**survey_values(), "name": pa.array([f"J{i // 2:03d}" for i in range(300)])}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (without("g"), "Column 'g' is not in the catalogue"),
        (without("class"), "Column 'class' is not in the catalogue"),
        (without("name"), "Column 'name' is not in the catalogue"),
        ({**survey_values(), "g": survey_values()["class"]}, "Column 'g' holds text"),
        (repeated(), "`name` repeats"),
        (all_others(), "objects with answers is in this catalogue"),
    ],
    ids=["a feature", "the label", "the id", "text for a number", "ids twice", "other ids"],
)
def test_data_that_cannot_carry_the_labels_are_refused_and_stay_as_they_are(
    project: Project, fresh: Make, values: dict[str, pa.Array], said: str
) -> None:
    configuration, again = saved(lived(project)), fresh(values)
    assert said in str(look(again, configuration).refused["labels"])
    with pytest.raises(AlEngineError):
        replay(again, configuration, "Bob")
    assert untouched(again)


def test_rows_alone_tie_no_label_to_other_data(project: Project, fresh: Make) -> None:
    columns = replace(project.config.columns, id=None)
    project.save_config(replace(project.config, columns=columns), "Ada")
    configuration = saved(lived(project))
    assert look(fresh(), configuration).refused == {}
    other = fresh({**survey_values(), "g": survey_values()["r"]})
    assert "told apart by row alone" in str(look(other, configuration).refused["labels"])


def test_the_id_column_that_was_chosen_last_ties_the_earlier_answers_too(
    project: Project, fresh: Make
) -> None:
    columns = project.config.columns
    project.save_config(replace(project.config, columns=replace(columns, id=None)), "Ada")
    session = begin(project)
    answer(session)
    session.change_settings(replace(session.config, columns=columns))
    answer(session)
    again = fresh({name: array[::-1] for name, array in without("note").items()})
    replay(again, saved(session), "Bob")
    trained = LabellingSession(again, "Bob").state("QSO").history.trained
    assert {299 - row: label for row, label in trained.items()} == (
        session.state("QSO").history.trained
    )


def test_a_project_with_answers_takes_no_others(project: Project) -> None:
    session = lived(project)
    configuration, n_events = saved(session), len(project.log.events())
    assert "answers of its own" in str(look(project, configuration).refused["labels"])
    assert "settings" not in look(project, configuration).refused
    with pytest.raises(ConfigurationError):
        replay(project, configuration, "Bob")
    assert len(project.log.events()) == n_events


def test_answers_given_in_another_tab_during_a_replay_are_kept(
    project: Project, fresh: Make
) -> None:
    configuration, again = saved(lived(project)), fresh(config=survey_config())

    def meanwhile(n: int, of: int) -> None:
        if n == 5:
            begin(again)

    with pytest.raises(ConfigurationError, match="answers of its own"):
        replay(again, configuration, "Bob", meanwhile)
    assert {e.kind for e in again.log.events()} == {"settings", "given"}


def test_what_was_saved_without_labels_offers_only_the_rest(project: Project, fresh: Make) -> None:
    again = fresh()
    prospect = look(again, private(saved(lived(project))))
    assert prospect.refused.keys() == {"labels"}
    assert "saved without them" in str(prospect.refused["labels"])


def test_a_model_or_value_that_is_not_known_here_is_named(project: Project, fresh: Make) -> None:
    configuration = saved(begin(project))
    for member, said in (
        (MemberSetup("oracle"), "no model 'oracle'"),
        (MemberSetup("knn", "psychic"), "no query strategy 'psychic'"),
        (MemberSetup("knn", params={"n_neighbors": "os.system"}), "n_neighbors"),
    ):
        setups = {"QSO": small_setup(members=(member,))}
        changed = replace(configuration, settings=replace(configuration.settings, setups=setups))
        again = fresh()
        assert said in str(look(again, changed).refused["settings"])
        with pytest.raises(SettingsError):
            load_settings(LabellingSession(again, "Bob"), changed)
        assert untouched(again)


def test_settings_that_were_edited_by_hand_are_in_force_in_the_end(
    project: Project, fresh: Make
) -> None:
    configuration = saved(lived(project))
    edited = replace(configuration.settings, pictures=False, author="Ada")
    again = fresh()
    replay(again, replace(configuration, settings=edited), "Bob")
    assert again.config == edited


# -- settings and layout alone -------------------------------------------------------------------


def test_settings_alone_begin_with_the_very_first_objects(project: Project, fresh: Make) -> None:
    session = begin(project)
    first = session.state("QSO")
    for _ in range(3):
        answer(session)
    again = LabellingSession(fresh(), "Bob")
    load_settings(again, saved(session))
    assert again.config == session.config
    begun = again.state("QSO")
    assert begun.history.trained == first.history.trained
    assert (begun.question, begun.scores) == (first.question, first.scores)


def test_settings_over_answers_keep_them_and_say_which_rounds_they_cost(project: Project) -> None:
    session = begin(project)
    before = saved(session)
    for _ in range(3):
        answer(session)
    session.change_settings(replace(session.config, splits=Splits(seed=9)))
    trained = session.state("QSO").history.trained
    assert cost_of_settings(session, before).rounds == {"QSO": 4}
    load_settings(session, before)
    assert session.config == before.settings
    assert session.state("QSO").history.trained == trained


def test_labels_that_answers_have_here_stay_when_settings_are_loaded(project: Project) -> None:
    session = begin(project)
    before = saved(session)
    for name in ("Lens", "Blazar", "Nova"):
        add_label(session, name)
    for label in ("Lens", "Blazar"):
        answer(session, label=label)
    merge_labels(session, "Blazar", "QSO")
    load_settings(session, before)
    assert [label.values for label in session.config.labels] == [
        ("GALAXY",), ("QSO", "Blazar"), ("STAR",), ("Lens",),
    ]  # fmt: skip
    assert {"QSO", "Lens"} <= set(session.state("QSO").history.trained.values())


def test_a_label_that_is_named_like_another_is_told_apart_when_settings_are_loaded(
    project: Project,
) -> None:
    session = begin(project)
    add_label(session, "Lens")
    answer(session, label="Lens")
    edit_label(session, "Lens", name="Arc", colour="#112233", definition="")
    theirs = saved(session)
    labels = theirs.settings.labels
    named = replace(theirs, settings=replace(theirs.settings, labels=(
        replace(labels[0], name="Arc"), *labels[1:3],
    )))  # fmt: skip
    load_settings(session, named)
    assert [label.name for label in session.config.labels] == ["Arc", "Qso", "Star", "Arc (Lens)"]


def test_settings_changed_while_others_are_loaded_are_not_lost(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    before = saved(session)
    make = RoundMaker.make

    def slowly(maker: RoundMaker, *args: Any, **options: Any) -> Round:
        monkeypatch.undo()
        project.save_config(replace(project.config, author="Ben"), "Ben")
        return make(maker, *args, **options)

    monkeypatch.setattr(RoundMaker, "make", slowly)
    with pytest.raises(SettingsError, match="settings were changed meanwhile"):
        load_settings(session, before)
    assert project.config.author == "Ben"


def test_settings_that_fit_no_data_leave_those_in_force(project: Project, fresh: Make) -> None:
    again = LabellingSession(fresh(without("g")), "Bob")
    with pytest.raises(UnknownColumnError):
        load_settings(again, saved(begin(project)))
    assert untouched(again.project)


def test_settings_with_a_classifier_that_cannot_begin_change_nothing(
    project: Project, fresh: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(project)
    session.start("STAR", small_setup())
    make = RoundMaker.make

    def fail(maker: RoundMaker, classifier: str, *args: Any, **options: Any) -> Round:
        if classifier == "STAR":
            raise ContractError("The model of an extension failed.", "Mend it.")
        return make(maker, classifier, *args, **options)

    configuration, again = saved(session), LabellingSession(fresh(), "Bob")
    monkeypatch.setattr(RoundMaker, "make", fail)
    with pytest.raises(ContractError):
        load_settings(again, configuration)
    assert untouched(again.project)
    monkeypatch.undo()
    load_settings(again, configuration)
    assert again.config == session.config
    for classifier in ("QSO", "STAR"):
        assert outcome(again.state(classifier)) == outcome(session.state(classifier))
    BACKGROUND.wait(again.project)
    assert find_models(again.project.folder / "models", "STAR-RandomForest_Uncertainty")


def test_layout_alone_changes_nothing_that_is_learned(project: Project, fresh: Make) -> None:
    session = begin(project)
    session.change_settings(
        replace(
            session.config,
            x_axis="g-r",
            y_axis="z",
            labels=tuple(
                replace(b, name=b.name + "s", colour="#112233") for b in session.config.labels
            ),
            columns=replace(session.config.columns, info=("note", "huge")),
            pictures=False,
        )
    )
    ours = survey_config(features=Features(("r", "G")), x_axis="G", y_axis="r")
    ours = replace(ours, labels=(*ours.labels, Label("LENS", "Lens", "#000000")))
    again = LabellingSession(fresh(without("note"), ours), "Bob")
    assert load_layout(again, saved(session)) == ("g-r", "note")
    shown = replace(
        again.config,
        x_axis=ours.x_axis,
        y_axis=ours.y_axis,
        labels=ours.labels,
        columns=replace(again.config.columns, info=()),
        pictures=True,
    )
    assert shown == ours
    assert (again.config.x_axis, again.config.y_axis) == ("G", "z")
    assert [label.name for label in again.config.labels] == ["Galaxys", "Qsos", "Stars", "Lens"]
    assert again.config.columns.info == ("huge",)
    assert again.config.pictures is False


def test_columns_for_show_that_are_not_there_are_left_out_and_named(
    project: Project, fresh: Make
) -> None:
    session = begin(project)
    columns = replace(session.config.columns, info=("note", "huge"), ra="z", dec="g")
    session.change_settings(replace(session.config, columns=columns, x_axis="z", y_axis="g"))
    again = fresh(without("note", "z"))
    configuration = saved(session)
    assert look(again, configuration).differs[-1] == (
        "Not shown, for there are no such columns: note, z."
    )
    load_settings(LabellingSession(again, "Bob"), configuration)
    assert again.config.columns == Columns(id="name", label="class", info=("huge",))
    assert again.config.x_axis in ("g", "r", "G", "g-r")


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    BACKGROUND.wait()
