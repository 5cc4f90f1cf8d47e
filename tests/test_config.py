"""Settings: JSON both ways, and a sentence for every value that is not allowed."""

import json
from dataclasses import replace
from typing import Any

import pytest
from conftest import survey_config

from al_engine.errors import SettingsError
from al_engine.settings.config import (
    Asking,
    ClassifierSetup,
    Columns,
    Combination,
    Curation,
    Features,
    Label,
    MemberSetup,
    People,
    ProjectConfig,
    Splits,
)
from al_engine.settings.criteria import Criterion, Group, Search
from al_engine.settings.keys import round_key
from al_engine.settings.quantities import Band, Quantities, Quantity

EVERYTHING = ProjectConfig(
    curation=Curation(Search((Group((Criterion("z", ">", ("1",)),), "or"),), "and"), "audit", 20),
    labels=(Label("0", "Star", "#112233"), Label("1", "Quasar ☄", "#445566")),
    columns=Columns(
        id="id",
        label="class",
        unknown=("", "-1"),
        ra="alpha",
        dec="delta",
        info=("z", 'a"b'),
        images=("url",),
        texts=("review",),
        curves=("spectrum",),
        redshift="z",
        pixels=("p0", "p1"),
        image_width_px=8,
        missing={"z": (-9999.0, 99.0)},
    ),
    features=Features(("g", "G"), (Combination("divide", 2), Combination("add", 5)), scale=False),
    splits=Splits("counts", 100, 20, 30, "balanced", seed=7),
    asking=Asking(
        random_every=7, start="random", ahead_mb=0, shared=True, among="the wedge", among_key="f00d"
    ),
    people=People(True, True, "latest", 4),
    quantities=Quantities(
        {"w1": Quantity("W1", "magnitude", 309.5)},
        (Band("g", "g", 0.48, "e_g", "flux", 1e-6),),
    ),
    train_labels=("1",),
    leave_out_other_labels=True,
    leave_out_unknown=True,
    x_axis="g-G",
    y_axis="G",
    pictures=False,
    setups={
        "1": ClassifierSetup(
            (MemberSetup("svm", "margin", {"C": 2.0}), MemberSetup("knn", "entropy")),
            "consensus_entropy",
            9,
            "ask",
        )
    },
    author="Ada",
    doi="10.5281/zenodo.1",
    none_below=0.25,
)


def test_every_setting_survives_json() -> None:
    default, changed = ProjectConfig().to_dict(), EVERYTHING.to_dict()
    same = [name for name in default if name != "version" and default[name] == changed[name]]
    assert same == [], "the example has to differ from the defaults in every field"
    assert ProjectConfig.from_dict(json.loads(json.dumps(changed))) == EVERYTHING


def test_what_is_absent_has_its_default() -> None:
    assert ProjectConfig.from_dict({}) == ProjectConfig()


LABEL = {"value": "1", "name": "Star", "colour": "#000000"}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"version": "one"}, "settings.version"),
        ({"splits": {"train": "sixty"}}, "settings.splits.train"),
        ({"splits": {"train": float("nan")}}, "settings.splits.train"),
        ({"splits": {"train": float("inf")}}, "settings.splits.train"),
        ({"splits": {"seed": 1.5}}, "settings.splits.seed"),
        ({"splits": {"seed": True}}, "settings.splits.seed"),
        ({"splits": {"seed": 2**63}}, "settings.splits.seed"),
        ({"splits": {"seed": -1}}, "splits.seed is -1"),
        ({"splits": {"seed": 2**31}}, "splits.seed is 2.14748e+09"),
        ({"splits": {"train": 1e200, "mode": "counts"}}, "splits.train is 1e+200"),
        ({"splits": {"mode": "halves"}}, "settings.splits.mode"),
        ({"splits": {"test": -1}}, "splits.test"),
        ({"splits": []}, "settings.splits"),
        ({"features": {"base": "g"}}, "settings.features.base"),
        ({"features": {"base": ["g", 3]}}, "settings.features.base[1]"),
        ({"features": {"scale": 1}}, "settings.features.scale"),
        (
            {"features": {"combinations": [{"operation": 3}]}},
            "settings.features.combinations[0].operation",
        ),
        (
            {"features": {"combinations": [{"operation": "a) OR (b"}]}},
            "settings.features.combinations",
        ),
        ({"features": {"combinations": [{"n": 2}]}}, "operation"),
        ({"features": {"combinations": [{"operation": "add", "n": 6}]}}, "features.combinations"),
        ({"features": {"combinations": [{"operation": "add", "n": 1}]}}, "features.combinations"),
        ({"columns": {"missing": {"z": [None]}}}, "settings.columns.missing.z[0]"),
        ({"columns": {"missing": {"z": [float("nan")]}}}, "settings.columns.missing.z[0]"),
        ({"columns": {"id": 3}}, "settings.columns.id"),
        ({"asking": {"random_every": -1}}, "asking.random_every"),
        ({"asking": {"ahead_mb": -1}}, "asking.ahead_mb"),
        ({"asking": {"ahead_mb": 10**9}}, "asking.ahead_mb is 1e+09"),
        ({"curation": {"target": 0}}, "curation.target is 0"),
        ({"curation": {"target": 10**9}}, "curation.target is 1e+09"),
        ({"columns": {"image_width_px": -3}}, "columns.image_width_px is -3"),
        ({"setups": ["QSO"]}, "settings.setups"),
        ({"setups": {"QSO": {"n_initial": "5"}}}, "settings.setups.QSO.n_initial"),
        ({"setups": {"QSO": {"n_initial": 0}}}, "'QSO'"),
        ({"setups": {"QSO": {"members": []}}}, "'QSO'"),
        ({"labels": [{"value": "1", "name": "Star"}]}, "'colour'"),
        ({"train_labels": ["QSO"]}, "'QSO'"),
        ({"labels": [LABEL], "train_labels": ["1", "1"]}, "'1' stands twice"),
        ({"labels": [{**LABEL, "name": str(i)} for i in range(1001)]}, "1,001 labels"),
        ({"zoom": 3}, "'zoom'"),
        ({"splits": {"zoom": 3}}, "settings.splits: 'zoom'"),
        ([], "settings"),
    ],
)
def test_a_bad_value_is_refused_by_name(data: Any, key: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        ProjectConfig.from_dict(data)
    assert key in refusal.value.message
    assert refusal.value.hint


def test_settings_of_a_newer_version_are_refused() -> None:
    with pytest.raises(SettingsError, match="version 99; this Sextant reads up to 1"):
        ProjectConfig.from_dict({"version": 99, "unheard_of": True})


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((("0", "Star"), ("1", "Star")), "Two labels are named 'Star'"),
        ((("0", "Star"), ("1", " ")), "'1' has an empty name"),
        ((("0", "Star"), ("0", "Dwarf")), "'0' stands twice"),
    ],
)
def test_labels_must_be_told_apart(names: tuple[tuple[str, str], ...], sentence: str) -> None:
    labels = [{"value": value, "name": name, "colour": "#000000"} for value, name in names]
    with pytest.raises(SettingsError, match=sentence):
        ProjectConfig.from_dict({"labels": labels})


def test_shares_beyond_the_whole_are_refused_and_less_is_allowed() -> None:
    with pytest.raises(SettingsError, match="add up to 101%"):
        ProjectConfig.from_dict({"splits": {"train": 61}})
    assert ProjectConfig.from_dict({"splits": {"train": 10}}).splits.train == 10


@pytest.mark.parametrize(
    "changes",
    [
        {"x_axis": "r", "pictures": False},
        {"labels": tuple(replace(label, name=label.value) for label in survey_config().labels)},
        {"columns": replace(survey_config().columns, info=("z",), ra="g", dec="r")},
        {"train_labels": ("QSO",)},
    ],
)
def test_rounds_outlast_settings_that_change_no_model(changes: dict[str, Any]) -> None:
    before, after = survey_config(), survey_config(**changes)
    assert round_key(before, "QSO", "data") == round_key(after, "QSO", "data")


@pytest.mark.parametrize(
    "changes",
    [
        {"splits": Splits(seed=1)},
        {"features": Features(("g", "r"))},
        {"leave_out_other_labels": True},
        {"leave_out_unknown": True},
        {"columns": replace(survey_config().columns, missing={})},
        {"setups": {"QSO": ClassifierSetup((MemberSetup("knn"),))}},
        {"setups": {"QSO": ClassifierSetup((MemberSetup("random_forest", params={"x": 1}),))}},
    ],
)
def test_rounds_end_with_settings_that_change_a_model(changes: dict[str, Any]) -> None:
    before, after = survey_config(), survey_config(**changes)
    assert round_key(before, "QSO", "data") != round_key(after, "QSO", "data")
    assert round_key(before, "QSO", "data") != round_key(before, "QSO", "other data")


def test_a_label_without_a_name_is_called_by_its_value() -> None:
    assert EVERYTHING.label_name("1") == "Quasar ☄"
    assert EVERYTHING.label_name("7") == "7"


def test_every_setting_that_changes_arrays_is_in_the_key_of_a_round() -> None:
    base = ProjectConfig(
        labels=(Label("a", "A", "#000000"), Label("b", "B", "#ffffff")),
        columns=Columns(id="name", label="class"),
        features=Features(("g", "r")),
        train_labels=("a",),
    )
    key = round_key(base, "a", "data")
    columns, splits = base.columns, base.splits
    changed = [
        replace(base, columns=replace(columns, id=None)),
        replace(base, columns=replace(columns, label="type")),
        replace(base, columns=replace(columns, missing={"g": (99.0,)})),
        replace(base, labels=base.labels[:1]),
        replace(base, features=replace(base.features, scale=False)),
        replace(base, features=replace(base.features, base=("r", "g"))),
        replace(base, splits=replace(splits, seed=1)),
        replace(base, splits=replace(splits, draw="balanced")),
        replace(base, leave_out_other_labels=True),
        replace(base, leave_out_unknown=True),
    ]
    keys = [round_key(config, "a", "data") for config in changed]
    assert key not in keys
    assert len(set(keys)) == len(keys)
    assert round_key(base, "a", "other data") != key
    named = replace(base, labels=(Label("a", "Other", "#111111"), base.labels[1]))
    assert round_key(named, "a", "data") == key
