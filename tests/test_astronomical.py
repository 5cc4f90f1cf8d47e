"""AstronomicAL's configurations: read with their labels, written in their form."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Open, make_table

from al_engine.curating.test_set import Curator
from al_engine.errors import ConfigurationError
from al_engine.exchange.configuration import Configuration, read_configuration
from al_engine.loop.recording import in_their_form
from al_engine.projects.creating import create_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Combination, Label, MemberSetup, ProjectConfig
from al_engine.sharing.prospect import look, most_trees
from al_engine.sharing.replay import load_settings, replay
from al_engine.starting import import_file

Make = Callable[..., Project]


def small_file(model: str = "DTree") -> dict[str, Any]:
    """A file in their form about thirty objects with whole numbers for ids."""
    return {
        "Author": "Ada",
        "doi": "10.1/x",
        "dataset_filepath": "data/../small.csv",
        "optimise_data": True,
        "layout": {"0": {"x": 0, "y": 0, "w": 6, "h": 4, "contents": "Active Learning"}},
        "id_col": "id",
        "label_col": "kind",
        "default_vars": ["a-b", "b"],
        "labels": [0, 1],
        "label_colours": {"0": "#ff7f0e", "1": "#2ca02c", "-1": "#1f77b4"},
        "labels_to_strings": {"0": "Star", "1": "Galaxy", "-1": "Unknown"},
        "strings_to_labels": {"Unknown": -1, "Star": 0, "Galaxy": 1},
        "extra_info_cols": ["note"],
        "extra_image_cols": [],
        "labels_to_train": ["Galaxy"],
        "features_for_training": ["a", "b"],
        "exclude_labels": False,
        "exclude_unknown_labels": True,
        "unclassified_labels": ["Star"],
        "scale_data": True,
        "feature_generation": [["subtract (a-b)", 2]],
        "test_set_file": False,
        "classifiers": {
            "1": {
                "classifier": [model, "KNN"],
                "query": ["Margin Sampling", "Entropy Sampling"],
                "id": [3, 4, 11, 12],
                "y": [0, 1, -1, 1],
            }
        },
    }


def read(file: Any) -> Configuration:
    return read_configuration(json.dumps(file).encode())


@pytest.fixture
def small(tmp_path: Path, opened: Open) -> Make:
    """Thirty objects with labels 0, 1 and -1, and ids that are whole numbers from 1."""

    def make(**changes: pa.Array) -> Project:
        values = {
            "id": pa.array(range(1, 31)),
            "kind": pa.array([-1 if i % 10 == 9 else i % 2 for i in range(30)]),
            "a": pa.array([float(i % 2) + i / 100 for i in range(30)]),
            "b": pa.array([i / 30 for i in range(30)]),
        }
        folder, _ = create_project(
            tmp_path,
            "Small",
            make_table({**values, **changes}),
            ProjectConfig(),
            source="small.csv",
        )
        return opened(folder)

    return make


# -- reading -------------------------------------------------------------------------------------


def test_every_setting_of_theirs_that_has_a_counterpart_is_read() -> None:
    found = read(small_file("RForest"))
    settings = found.settings
    assert found.origin == "AstronomicAL"
    assert found.data.source == "small.csv"
    assert settings.labels == (Label("0", "Star", "#ff7f0e"), Label("1", "Galaxy", "#2ca02c"))
    assert (settings.columns.id, settings.columns.label) == ("id", "kind")
    assert settings.columns.unknown == ("-1",)
    assert settings.features.base == ("a", "b")
    assert settings.features.combinations == (Combination("subtract", 2),)
    assert settings.train_labels == ("1",)
    assert (settings.leave_out_other_labels, settings.leave_out_unknown) == (False, True)
    assert (settings.x_axis, settings.y_axis) == ("a-b", "b")
    assert (settings.author, settings.doi) == ("Ada", "10.1/x")
    assert settings.setups["1"].members == (
        MemberSetup("random_forest", "margin", {"n_estimators": 1000}),
        MemberSetup("knn", "entropy", {"n_neighbors": 3}),
    )
    assert [(e.kind, e.object_id, e.label) for e in found.events[1:]] == [
        ("answer", "3", "0"),
        ("answer", "4", "1"),
        ("unsure", "11", None),
        ("answer", "12", "1"),
    ]


def test_how_long_a_round_takes_is_known_by_its_trees() -> None:
    file = small_file()
    file["classifiers"]["1"]["classifier"][0] = "RForest"
    assert most_trees(read(file).settings) == 1000
    assert most_trees(ProjectConfig()) == 0


def test_what_has_no_counterpart_is_listed() -> None:
    file = {**small_file(), "sed_file": "x.json", "test_set_file": True}
    file["feature_generation"].append(["log (a)", 2])
    file["classifiers"]["1"]["classifier"][1] = "ResNet9"
    file["classifiers"]["1"]["query"][0] = "BADGE"
    said = "\n".join(read(file).untranslated)
    for word in ("sed_file", "layout", "optimise_data", "test_set", "log (a)", "ResNet9", "BADGE"):
        assert word in said
    assert len(read(file).settings.setups["1"].members) == 1


def test_integer_ids_find_their_objects(small: Make) -> None:
    # The incumbent fails here: JSON has made texts of the ids that its table holds as integers.
    for ids in ([3, 4, 11, 12], ["3", "4", "11", "12"], [3.0, 4.0, 11.0, 12.0]):
        file = small_file()
        file["classifiers"]["1"]["id"] = ids
        project = small()
        made = replay(project, read(file), "Ada")
        assert made.absent == ()
        history = project.history("1")
        assert history.trained == {2: "0", 3: "1", 11: "1"}
        assert history.unsure == {10}


def test_an_id_that_is_not_there_is_named_and_not_fatal(small: Make) -> None:
    file = small_file()
    file["classifiers"]["1"]["id"][1] = 999
    project = small()
    assert look(project, read(file)).differs[-1] == (
        "Not here, and left out with their answers: 1 object (999)."
    )
    assert replay(project, read(file), "Ada").absent == ("999",)
    assert project.history("1").trained == {2: "0", 11: "1"}


def test_objects_that_our_draw_would_test_with_train_all_the_same(small: Make) -> None:
    # The incumbent fails here, with an id that is no longer in the training split.
    file = small_file()
    file["classifiers"]["1"] |= {"id": list(range(1, 29)), "y": [i % 2 for i in range(28)]}
    file["classifiers"]["1"] |= {"classifier": ["DTree"], "query": ["Margin Sampling"]}
    project = small()
    replay(project, read(file), "Ada")
    assert len(project.history("1").trained) == 28
    state = LabellingSession(project, "Ada").state("1")
    assert all(past.scores is not None for past in state.rounds)
    assert len(state.rounds) == 28, "the score history is there, which theirs loses"


def test_settings_alone_and_a_file_without_classifiers_begin_anew(small: Make) -> None:
    file = small_file()
    project = small()
    load_settings(LabellingSession(project, "Ada"), read(file))
    assert {e.kind for e in project.log.events("1")} == {"given"}
    del file["classifiers"]
    other = small()
    assert "holds no labels" in str(look(other, read(file)).refused["labels"])
    load_settings(LabellingSession(other, "Ada"), read(file))
    assert other.config.train_labels == ("1",)


def test_columns_for_show_that_the_catalogue_has_not_are_left_out(small: Make) -> None:
    project = small()
    assert "note" in look(project, read(small_file())).differs[-1]
    load_settings(LabellingSession(project, "Ada"), read(small_file()))
    assert project.config.columns.info == ()


# -- writing -------------------------------------------------------------------------------------


def test_what_came_in_their_form_goes_out_in_it(small: Make) -> None:
    project = small(note=pa.array(["x"] * 30))
    replay(project, read(small_file()), "Ada")
    text, unsaid = in_their_form(project, project.config)
    file, written = small_file(), json.loads(text)
    changed = {name for name in file if written[name] != file[name]}
    assert changed == {"layout", "optimise_data", "dataset_filepath", "label_colours"}
    assert written["label_colours"].items() >= {"0": "#ff7f0e", "1": "#2ca02c"}.items()
    assert written.keys() == file.keys()
    assert unsaid == ()


def test_what_they_cannot_say_is_listed(small: Make) -> None:
    project = small()
    file = small_file()
    file["classifiers"]["1"] |= {"classifier": ["DTree"], "query": ["Margin Sampling"]}
    replay(project, read(file), "Ada")
    session = LabellingSession(project, "Ada")
    config = session.config
    setup = config.setups["1"]
    members = (MemberSetup("svm", "random"), MemberSetup("knn", params={"n_neighbors": 5}))
    changed = replace(
        config,
        setups={"1": replace(setup, members=members, batch_size=5)},
        splits=replace(config.splits, seed=4),
    )
    session.change_settings(changed)
    said = "\n".join(in_their_form(project, session.config)[1])
    for word in ("svm", "random", "KNN has fixed settings", "draw of the sets", "5 objects at"):
        assert word in said


def test_labels_that_are_words_cannot_be_written_in_their_form(project: Project) -> None:
    with pytest.raises(ConfigurationError, match="whole numbers as labels; 'GALAXY'"):
        in_their_form(project, project.config)


def test_a_label_that_is_minus_one_cannot_be_written_in_their_form(small: Make) -> None:
    project = small()
    replay(project, read(small_file()), "Ada")
    config = project.config
    labels = (*config.labels, Label("-1", "no", "#000000"))
    columns = replace(config.columns, unknown=("",))
    edited = replace(config, labels=labels, columns=columns)
    with pytest.raises(ConfigurationError, match="takes -1 for unknown and unsure"):
        in_their_form(project, edited)


def test_that_the_curated_test_set_is_left_out_is_said(small: Make) -> None:
    project = small()
    replay(project, read(small_file()), "Ada")
    assert "curated" not in "".join(in_their_form(project, project.config)[1])
    curator = Curator(LabellingSession(project, "Ada"))
    shown = curator.next_object("audit", None)
    assert shown is not None
    curator.answer(shown.row, "answer", "1", token=shown.token)
    assert "The curated test set" in in_their_form(project, project.config)[1][-1]


def test_a_classifier_is_for_the_label_that_is_called_so_whatever_the_others_are_worth() -> None:
    file = small_file()
    file["labels_to_strings"] = {"0": "1", "1": "0", "-1": "Unknown"}
    file["strings_to_labels"] = {"1": 0, "0": 1, "Unknown": -1}
    file["labels_to_train"] = ["0"]
    assert read(file).settings.train_labels == ("1",)
    file["labels_to_strings"], file["strings_to_labels"] = {}, {}
    file["labels_to_train"] = ["1"]
    assert read(file).settings.train_labels == ("1",), "by its value, where it has no name"


# -- a real one ----------------------------------------------------------------------------------


def test_a_real_file_of_theirs_loads_with_its_labels(
    shared_data: Path, tmp_path: Path, opened: Open
) -> None:
    form = shared_data / "astronomical_form"
    folder, _ = import_file(tmp_path, form / "sdss_3000.fits")
    project = opened(folder)
    theirs = json.loads((form / "config.json").read_text())
    for model in ("0", "2"):
        theirs["classifiers"][model]["classifier"][0] = "DTree"  # a thousand trees take their time
    configuration = read(theirs)
    prospect = look(project, configuration)
    assert prospect.refused == {}
    made = replay(project, configuration, "Ada")
    assert made.absent == ()
    session = LabellingSession(project, "Ada")
    for value, classifier in theirs["classifiers"].items():
        history = project.history(value)
        ids = dict(zip(classifier["id"], classifier["y"], strict=True))
        rows = session.object_ids([*history.trained])
        assert dict(zip(rows, map(int, history.trained.values()), strict=True)) == {
            name: y for name, y in ids.items() if y != -1
        }
        unsure = [name for name, y in ids.items() if y == -1]
        assert set(session.object_ids(list(history.unsure))) == set(unsure)
        assert session.state(value).question is not None
    assert (project.config.columns.ra, project.config.columns.dec) == ("RA", "DEC")
    assert project.config.columns.images == ("spectrum_png",)
    assert (project.config.x_axis, project.config.y_axis) == ("g-r", "u-g")
    written = json.loads(in_their_form(project, project.config)[0])
    assert written["classifiers"] == theirs["classifiers"]
