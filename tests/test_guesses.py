"""Good guesses at new catalogues: shown to the person, so they had better be good."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import N_ROWS, survey_values

from al_engine.config import Combination, ProjectConfig
from al_engine.data.catalogue import Catalogue
from al_engine.errors import UnsuitableColumnError
from al_engine.guesses import (
    guess_config,
    guess_id,
    guess_label,
    guess_position,
    label_choices,
    make_labels,
)
from al_engine.project import close_project, open_project
from al_engine.starting import import_file

Build = Callable[..., Catalogue]
rng = np.random.default_rng(3)


def numbers(n: int = 40) -> pa.Array:
    return pa.array(rng.normal(size=n))


def of_columns(catalogue_of: Build, *names: str, **given: list[object]) -> Catalogue:
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
