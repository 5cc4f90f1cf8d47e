"""Good guesses at new catalogues: shown to the person, so they had better be good."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import N_ROWS, survey_values

from al_engine.data.catalogue import Catalogue
from al_engine.data.profile import summarise
from al_engine.errors import UnsuitableColumnError
from al_engine.guesses import (
    guess_axes,
    guess_config,
    guess_id,
    guess_label,
    guess_position,
    label_choices,
    make_labels,
)
from al_engine.projects.opening import close_project, open_project
from al_engine.settings.config import Combination, Features, ProjectConfig
from al_engine.starting import import_file

Build = Callable[..., Catalogue]
rng = np.random.default_rng(3)


def numbers(n: int = 40) -> pa.Array:
    return pa.array(rng.normal(size=n))


def of_columns(catalogue_of: Build, *names: str, **given: Sequence[object]) -> Catalogue:
    columns = {name: numbers() for name in names}
    return catalogue_of({**columns, **{name: pa.array(v) for name, v in given.items()}})


def test_a_whole_catalogue_is_guessed(catalogue_of: Build) -> None:
    values = {**survey_values(), "ra": pa.array(rng.uniform(0, 360, N_ROWS)),
              "dec": pa.array(rng.uniform(-90, 90, N_ROWS))}  # fmt: skip
    config = guess_config(catalogue_of(values))
    assert config.columns.id == "name"
    assert config.columns.label == "class"
    assert config.columns.unknown == ("Unknown",)
    assert [label.value for label in config.labels] == ["GALAXY", "QSO", "STAR"]
    assert (config.columns.ra, config.columns.dec) == ("ra", "dec")
    assert config.features.base == ("g", "G", "r", "z")
    assert config.features.combinations == (Combination("subtract", 2),)
    assert (config.x_axis, config.y_axis) == ("g-G", "G-r")
    assert config.columns.missing == {"z": (-9999.0,)}
    assert len(config.train_labels) == 1
    assert ProjectConfig.from_dict(config.to_dict()) == config


def test_given_columns_outrank_guesses(catalogue_of: Build) -> None:
    catalogue = of_columns(
        catalogue_of, "g", "r", "i", id=list(range(40)), own=list(range(40)),
        type=["a", "b"] * 20, kind=["x", "y"] * 20,
    )  # fmt: skip
    guessed = guess_config(catalogue)
    assert (guessed.columns.id, guessed.columns.label) == ("id", "type")
    given = guess_config(catalogue, id_column="own", label_column="kind")
    assert (given.columns.id, given.columns.label) == ("own", "kind")
    assert [label.value for label in given.labels] == ["x", "y"]


def test_an_id_that_repeats_or_is_missing_is_no_id(catalogue_of: Build) -> None:
    ids: list[object] = list(range(40))
    catalogue = of_columns(
        catalogue_of, "g", objid=[1, *ids[1:-1], 1], spec_id=[None, *ids[1:]], row_id=ids
    )
    assert guess_id(catalogue) == "row_id"
    assert guess_id(of_columns(catalogue_of, "g", objid=[1] * 40)) is None


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("ra", "dec"),
        ("RA", "DEC"),
        ("alpha", "delta"),
        ("RAJ2000", "DEJ2000"),
        ("_RAJ2000", "_DEJ2000"),
        ("ALPHA_J2000", "DELTA_J2000"),
        ("RA_ICRS", "DE_ICRS"),
        ("RAdeg", "DEdeg"),
        ("ra_deg", "dec_deg"),
    ],
)
def test_positions_are_recognised(catalogue_of: Build, ra: str, dec: str) -> None:
    assert guess_position(of_columns(catalogue_of, "g", ra, dec)) == (ra, dec)
    assert guess_position(of_columns(catalogue_of, "g", ra)) == (None, None)


def test_text_positions_are_not_numbers(catalogue_of: Build) -> None:
    catalogue = of_columns(catalogue_of, "g", ra=["12h"] * 40, dec=["+3d"] * 40)
    assert guess_position(catalogue) == (None, None)


def test_labels_need_few_values(catalogue_of: Build) -> None:
    assert guess_label(of_columns(catalogue_of, "g", **{"class": list(range(40))})) is None
    assert guess_label(of_columns(catalogue_of, "g", **{"class": [3, 4] * 20})) == "class"
    assert guess_label(of_columns(catalogue_of, "g", morphology=["E", "S"] * 20)) == "morphology"
    assert guess_label(of_columns(catalogue_of, "g", "r")) is None


def test_a_catalogue_without_labels_is_welcome(catalogue_of: Build) -> None:
    config = guess_config(of_columns(catalogue_of, "flux", "width"))
    assert (config.columns.label, config.columns.id) == (None, None)
    assert (config.labels, config.train_labels) == ((), ())
    assert config.features.base == ("flux", "width")
    assert (config.x_axis, config.y_axis) == ("flux", "width")


@pytest.mark.parametrize(
    ("values", "labels", "unknown"),
    [
        ([0, 1, -1, None], ["0", "1"], ("-1",)),
        ([10, 9, 2, 2], ["2", "9", "10"], ("-1", "Unknown")),
        (["b", "a", "UNKNOWN", "?"], ["a", "b"], ("?", "UNKNOWN")),
        ([1.0, 0.0, None, -1.0], ["0", "1"], ("-1",)),
        ([True, False, None, True], ["false", "true"], ("-1", "Unknown")),
    ],
)
def test_unknown_is_told_from_labels(
    catalogue_of: Build, values: list[object], labels: list[str], unknown: tuple[str, ...]
) -> None:
    found, not_known = label_choices(catalogue_of({"label": pa.array(values)}), "label")
    assert [label.value for label in found] == labels
    assert tuple(sorted(not_known)) == unknown


@pytest.mark.parametrize(("n", "said"), [(101, "101"), (600, "600"), (11_000, "more than 10,000")])
def test_a_chosen_label_column_with_too_many_values_is_refused(
    catalogue_of: Build, n: int, said: str
) -> None:
    catalogue = catalogue_of({"class": pa.array([0.5 + i for i in range(n)] + [None])})
    assert guess_label(catalogue) is None
    for choose in (label_choices, lambda c, label: guess_config(c, label_column=label)):
        with pytest.raises(UnsuitableColumnError, match=f"has {said} different values.* 100 at"):
            choose(catalogue, "class")


def test_a_hundred_labels_are_allowed(catalogue_of: Build) -> None:
    catalogue = catalogue_of({"class": pa.array([*list(range(100)) * 3, None])})
    assert len(label_choices(catalogue, "class")[0]) == 100


def test_labels_are_named_and_coloured_apart() -> None:
    labels = make_labels(["a", " b ", " "])
    assert [label.name for label in labels] == ["a", "b", "' '"]
    assert len({label.colour for label in labels}) == 3
    assert len(make_labels([str(i) for i in range(40)])) == 40


def test_labels_that_look_alike_without_their_spaces_get_names_of_their_own(
    catalogue_of: Build,
) -> None:
    catalogue = of_columns(catalogue_of, "g", "r", **{"class": ["a", "a "] * 20})
    names = [label.name for label in guess_config(catalogue).labels]
    assert len(set(names)) == 2
    config = guess_config(catalogue)
    assert ProjectConfig.from_dict(config.to_dict()) == config


def test_the_sdss_catalogue_is_guessed_right(shared_data: Path, tmp_path: Path) -> None:
    folder, imported = import_file(tmp_path, shared_data / "sdss17" / "sdss17.csv.gz")
    project = open_project(folder)
    try:
        config = project.config
        assert (config.columns.id, config.columns.label) == ("row_id", "class")
        assert {label.value for label in config.labels} == {"GALAXY", "QSO", "STAR"}
        assert (config.columns.ra, config.columns.dec) == ("alpha", "delta")
        assert config.features.base == ("u", "g", "r", "i", "z")
        assert len(project.dataset().features) == 15
        assert config.train_labels == ("QSO",)
        assert all(config.columns.missing[name] == (-9999.0,) for name in ("u", "g", "z"))
        assert imported.n_rows == project.catalogue.n_rows
    finally:
        close_project(folder)


def test_a_column_of_one_value_is_no_feature_and_no_axis(catalogue_of: Build) -> None:
    catalogue = of_columns(
        catalogue_of, "width", "depth", corner=[0.0] * 40, empty=[None] * 39 + [float("nan")],
        stand_in=[-9999.0, 7.0] * 20, one_known=[None, 5.0] * 20, count=list(range(40)),
    )  # fmt: skip
    config = guess_config(catalogue)
    assert config.columns.missing == {"stand_in": (-9999.0,)}
    assert config.features.base == ("width", "depth", "count")
    assert (config.x_axis, config.y_axis) == ("width", "depth")


def test_a_magnitude_of_one_value_is_none(catalogue_of: Build) -> None:
    config = guess_config(of_columns(catalogue_of, "g", "r", "i", z=[20.0] * 40))
    assert config.features.base == ("g", "r", "i")


def test_a_catalogue_in_which_nothing_varies_has_no_features(catalogue_of: Build) -> None:
    config = guess_config(of_columns(catalogue_of, a=[1.0] * 40, b=[2] * 40))
    assert config.features.base == ()
    assert (config.x_axis, config.y_axis) == ("", "")


def test_the_axes_are_the_features_that_spread_most_in_their_order(catalogue_of: Build) -> None:
    periods = {"a": 3, "b": 400, "c": 2, "d": 200}
    spread = {name: [i % n / 2 for i in range(400)] for name, n in periods.items()}
    config = guess_config(of_columns(catalogue_of, **spread))
    assert config.features.base == ("a", "b", "c", "d")
    assert (config.x_axis, config.y_axis) == ("b", "d")


def test_axes_without_counts_are_the_first_features() -> None:
    assert guess_axes(Features(("a", "b", "c")), False) == ("a", "b")
    counts = {"a": 1, "b": 9, "c": 5}
    assert guess_axes(Features(("a", "b", "c")), False, counts) == ("b", "c")
    assert guess_axes(Features(("a",)), False, counts) == ("a", "a")


def test_of_very_many_columns_those_that_spread_most_are_features(catalogue_of: Build) -> None:
    dull = {f"a{i}": pa.array(np.arange(400) % 2 * 0.5) for i in range(50)}
    rich = {f"b{i}": pa.array(np.arange(400) % 100 * 0.5) for i in range(60)}
    assert guess_config(catalogue_of({**dull, **rich})).features.base == tuple(rich)


def test_integers_of_many_values_are_measurements_and_codes_are_not(catalogue_of: Build) -> None:
    many: list[object] = list(range(40))
    catalogue = of_columns(
        catalogue_of, "rate", "share", src_bytes=many, logged_in=[0, 1] * 20, objid=many,
        flags=many, tile_index=many, bitmask=many, HIP=many, healpix_29=many, _healpix_29=many,
        **{"Unnamed: 0": many},
    )  # fmt: skip
    assert guess_config(catalogue).features.base == ("rate", "share", "src_bytes")


@pytest.mark.parametrize(
    "name",
    ["ID", "Identifier", "oid", "uid", "objid", "obj_id", "main_id", "source_id", "id_gaia",
     "object_identifier", "Name", "designation", "OBJECT", "source_name", "ObjName", "main_name",
     "iau_name", "catalog_name", "HIP", "TIC", "KIC", "recno", "idx", "key", "Index"],
)  # fmt: skip
def test_ids_are_recognised(catalogue_of: Build, name: str) -> None:
    assert guess_id(of_columns(catalogue_of, "g", **{name: [f"J{i}" for i in range(40)]})) == name


def test_an_id_is_no_label_however_few_objects_there_are(catalogue_of: Build) -> None:
    assert guess_label(of_columns(catalogue_of, name=["Canopus", "Rigil Kent", "Sirius"])) is None
    assert guess_label(of_columns(catalogue_of, remark=["a", "b", "c"])) is None


def digits(n: int) -> list[object]:
    return [i % n for i in range(400)]


def pixels(*numbers: int) -> dict[str, list[object]]:
    values: list[object] = [int(value) for value in rng.integers(0, 256, 400)]
    return {f"column_{i}": values for i in numbers}


@pytest.mark.parametrize("first", [True, False])
def test_a_label_without_a_name_is_found_at_either_end(catalogue_of: Build, first: bool) -> None:
    corner: dict[str, list[object]] = {"column_2": [0] * 400, "column_3": [0, 3, 14, 0] * 100}
    others = {**corner, **pixels(4, 5, 6, 7)}
    own = {"column_1": digits(10)} if first else {"column_9": digits(10)}
    catalogue = of_columns(catalogue_of, **({**own, **others} if first else {**others, **own}))
    config = guess_config(catalogue)
    assert config.columns.label == next(iter(own))
    assert [label.value for label in config.labels] == [str(i) for i in range(10)]
    assert config.columns.label not in config.features.base


@pytest.mark.parametrize(
    "columns",
    [
        {"column_1": digits(10), **pixels(2, 3), "column_4": digits(2)},
        {**pixels(1, 2), "column_3": digits(10), **pixels(4)},
        {**pixels(1, 2), "column_3": digits(21)},
        {**pixels(1, 2), "column_3": [0, 3, 14, 0] * 100},
        {**pixels(1, 2), "column_3": [4] * 400},
        {"column_1": digits(3), "column_2": digits(4), "column_3": digits(3)},
        {"column_1": [5, 6] * 5, "column_2": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]},
    ],
    ids=["both ends", "the middle", "many", "no run", "one", "all alike", "few rows"],
)
def test_a_column_that_does_not_stand_out_is_no_label(
    catalogue_of: Build, columns: dict[str, list[object]]
) -> None:
    assert guess_label(of_columns(catalogue_of, **columns)) is None


@pytest.mark.parametrize(
    ("last", "label"),
    [("Outcome", "Outcome"), ("Species", "Species"), ("flag", None), ("quarter", None),
     ("detector", None), ("n_images", None), ("sector", None), ("grade", None)],
)  # fmt: skip
def test_a_last_column_with_a_name_is_a_label_only_where_the_name_says_so(
    catalogue_of: Build, last: str, label: str | None
) -> None:
    measured = {"age": list(range(400)), "weight": [i / 3 for i in range(400)]}
    assert guess_label(of_columns(catalogue_of, **measured, **{last: digits(2)})) == label


@pytest.mark.parametrize(
    "name", ["expnum", "tract", "visit", "obsnum", "hpix", "unixtime", "n_obs", "specobj"]
)
def test_a_running_number_or_a_time_is_no_feature(catalogue_of: Build, name: str) -> None:
    reals = {"flux": [i / 3 for i in range(400)], "fwhm": [i / 7 for i in range(400)]}
    config = guess_config(of_columns(catalogue_of, **reals, **{name: list(range(400))}))
    assert config.features.base == ("flux", "fwhm")


def test_a_measured_column_is_no_id_whatever_it_is_called(catalogue_of: Build) -> None:
    reals = {name: [i / k for i in range(400)] for k, name in enumerate(("Neck", "Hip"), 3)}
    assert guess_config(of_columns(catalogue_of, **reals)).features.base == ("Neck", "Hip")


def test_unlabelled_rows_of_a_label_without_a_name_are_unknown(catalogue_of: Build) -> None:
    config = guess_config(of_columns(catalogue_of, **pixels(1, 2), column_3=[-1, 0, 1, None] * 100))
    assert config.columns.label == "column_3"
    assert [label.value for label in config.labels] == ["0", "1"]
    assert config.columns.unknown == ("-1",)


def test_the_digits_are_guessed_right(shared_data: Path, tmp_path: Path) -> None:
    folder, _ = import_file(tmp_path, shared_data / "mnist" / "mnist_5k.csv.gz")
    project = open_project(folder)
    try:
        config = project.config
        assert config.columns.label == "column_785"
        assert [label.value for label in config.labels] == [str(i) for i in range(10)]
        assert len(config.features.base) == 60
        seen = summarise(project.catalogue, [config.x_axis, config.y_axis], {})
        assert all(s.low == 0 and (s.high or 0) > 200 for s in seen)
        assert config.x_axis != config.y_axis
    finally:
        close_project(folder)


def test_the_byte_counts_of_network_records_are_features(shared_data: Path, tmp_path: Path) -> None:
    folder, _ = import_file(tmp_path, shared_data / "kddcup99" / "kddcup99_805k.parquet")
    project = open_project(folder)
    try:
        config = project.config
        assert (config.columns.id, config.columns.label) == ("row_id", "label")
        assert {"f4", "f5", "f24"} <= set(config.features.base)
        assert (config.x_axis, config.y_axis) == ("f4", "f5")
    finally:
        close_project(folder)
