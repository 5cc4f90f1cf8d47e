"""Questions about objects and columns, asked of a real DuckDB file."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import HOSTILE, N_ROWS, survey_values

from al_engine.data.catalogue import Catalogue
from al_engine.data.profile import label_counts, n_distinct, summarise, suspects
from al_engine.errors import (
    ProjectError,
    ProjectInUseError,
    UnknownColumnError,
    UnsuitableColumnError,
)

Build = Callable[..., Catalogue]
REPAIR = "Choose another column, or number the rows."


def test_a_repeated_id_is_named_with_its_count(catalogue_of: Build) -> None:
    ids = np.arange(10_100, dtype=np.float64)
    ids[50:10_050] = 1.24e18
    catalogue = catalogue_of({"objid": pa.array(ids)}, batch_rows=20_000)
    with pytest.raises(UnsuitableColumnError) as refusal:
        catalogue.check_id("objid")
    assert str(refusal.value) == f"`objid` repeats: 1.24E+18 stands 10,000 times. {REPAIR}"


def test_a_repeated_id_of_text_or_integers_is_shown_as_it_stands(catalogue_of: Build) -> None:
    catalogue = catalogue_of(
        {"text": pa.array(["a", "b", "b"]), "whole": pa.array([2**60 + 1, 2**60 + 1, 7])}
    )
    with pytest.raises(UnsuitableColumnError, match="`text` repeats: b stands 2 times"):
        catalogue.check_id("text")
    with pytest.raises(UnsuitableColumnError, match=f"`whole` repeats: {2**60 + 1} stands 2"):
        catalogue.check_id("whole")


def test_a_missing_id_is_refused_and_a_good_one_is_not(catalogue_of: Build) -> None:
    catalogue = catalogue_of({"a": pa.array([1, None, None]), "b": pa.array([1, None, 3]),
                              "c": pa.array([3, 1, 2])})  # fmt: skip
    with pytest.raises(UnsuitableColumnError, match="`a` is missing in 2 rows"):
        catalogue.check_id("a")
    with pytest.raises(UnsuitableColumnError, match="`b` is missing in 1 row\\."):
        catalogue.check_id("b")
    catalogue.check_id("c")


def test_a_column_that_is_not_there_names_the_closest(survey: Catalogue) -> None:
    with pytest.raises(
        UnknownColumnError, match=r"'clas' is not in the catalogue\. Closest: class"
    ):
        survey.column("clas")


def test_text_where_a_number_is_needed_is_refused(survey: Catalogue) -> None:
    with pytest.raises(UnsuitableColumnError, match="'note' holds text where a number is needed"):
        survey.numbers("note", {})


def test_objects_are_found_by_their_id(survey: Catalogue) -> None:
    names = survey_values()["name"].to_pylist()
    assert survey.find_row("name", names[123]) == 123
    assert survey.find_row("name", "no such object") is None
    assert survey.find_row("name", "x' OR '1'='1") is None
    assert survey.object_ids("name", [200, 3, 3]) == [names[200], names[3], names[3]]


def test_numbered_rows_are_found_by_number(survey: Catalogue) -> None:
    assert survey.find_row(None, "299") == 299
    assert survey.find_row(None, str(N_ROWS)) is None
    assert survey.find_row(None, "-1") is None
    assert survey.find_row(None, "1.0") is None
    assert survey.object_ids(None, [5, 0]) == ["5", "0"]


def test_whole_numbers_kept_as_reals_read_as_whole_numbers(catalogue_of: Build) -> None:
    catalogue = catalogue_of(
        {"label": pa.array([1.0, 0.0, None, -1.0, 2.5, float("inf"), float("nan")])}
    )
    codes = catalogue.label_codes("label", ("0", "1", "2.5"))
    assert codes.tolist() == [1, 0, -1, -1, 2, -1, -1]
    assert catalogue.find_row("label", "-1") == 3


@pytest.mark.parametrize(
    ("values", "known", "codes"),
    [
        (["a", None, "b", "c"], ("b", "a"), [1, -1, 0, -1]),
        ([3, -1, None, 3], ("3",), [0, -1, -1, 0]),
        ([True, False, None], ("false", "true"), [1, 0, -1]),
        (["it's", 'a"b', "; --"], ('a"b', "it's"), [1, 0, -1]),
        (["a", "b"], (), [-1, -1]),
    ],
)
def test_labels_become_positions(
    catalogue_of: Build, values: list[object], known: tuple[str, ...], codes: list[int]
) -> None:
    found = catalogue_of({"label": pa.array(values)}).label_codes("label", known)
    assert found.tolist() == codes
    assert found.dtype == np.int16


def test_label_counts_come_most_frequent_first(survey: Catalogue) -> None:
    assert label_counts(survey, "class") == [
        ("GALAXY", 90),
        ("QSO", 90),
        ("STAR", 90),
        ("Unknown", 15),
        (None, 15),
    ]


def test_object_keys_go_by_id_and_not_by_row(catalogue_of: Build) -> None:
    forward = catalogue_of({"id": pa.array(["a", "b", "c"])}).object_keys("id")
    backward = catalogue_of({"id": pa.array(["c", "b", "a"])}).object_keys("id")
    assert forward.tolist() == backward.tolist()[::-1]
    assert len(set(forward.tolist())) == 3


def test_an_integer_id_has_the_key_of_its_text(catalogue_of: Build) -> None:
    numbers = catalogue_of({"id": pa.array([10, 2**60])}).object_keys("id")
    texts = catalogue_of({"id": pa.array(["10", str(2**60)])}).object_keys("id")
    np.testing.assert_array_equal(numbers, texts)


def test_values_that_stand_for_missing_are_not_numbers(survey: Catalogue) -> None:
    z = survey_values()["z"].to_numpy()
    read = survey.numbers("z", {"z": (-9999.0,)})
    assert np.isnan(read[z == -9999]).all()
    np.testing.assert_array_equal(read[z != -9999], z[z != -9999])
    np.testing.assert_array_equal(survey.numbers("z", {}), z)


def test_a_typed_value_matches_what_a_32_bit_column_made_of_it(catalogue_of: Build) -> None:
    catalogue = catalogue_of({"mag": pa.array([-99.9, 20.5], pa.float32())})
    read = catalogue.numbers("mag", {"mag": (-99.9,)})
    assert np.isnan(read[0])
    assert read[1] == 20.5


def test_summaries_give_range_missing_and_histogram(catalogue_of: Build) -> None:
    values = [*range(100), None, float("nan"), float("inf"), -9999.0]
    catalogue = catalogue_of(
        {"v": pa.array(values, pa.float64()), "none": pa.nulls(104, pa.int64())}
    )
    v, none = summarise(catalogue, ["v", "none"], {"v": (-9999.0,)})
    assert (v.low, v.high, v.n_missing) == (0.0, 99.0, 4)
    assert len(v.histogram) == 24
    assert 90 <= sum(v.histogram) <= 100
    assert (none.low, none.high, none.n_missing, none.histogram) == (None, None, 104, ())
    assert summarise(catalogue, [], {}) == []


def test_values_far_outside_a_column_are_pointed_out(catalogue_of: Build) -> None:
    rng = np.random.default_rng(0)
    mag = rng.normal(20, 1, 1000)
    both, faint, whole = mag.copy(), mag.copy(), np.arange(1000)
    both[:20], both[20:30], faint[:5], whole[0] = -9999.0, 99.0, 99.0, -9999
    catalogue = catalogue_of(
        {
            "both": pa.array(both),
            "faint": pa.array(faint),
            "whole": pa.array(whole),
            "real32": pa.array(np.where(mag > 21, -99.9, mag), pa.float32()),
            "fine": pa.array(mag),
            "to_99": pa.array(np.arange(1000) % 100),
            "all_99": pa.array([99.0] * 1000),
            "empty": pa.nulls(1000, pa.float64()),
            "outlier": pa.array(np.where(np.arange(1000) == 1, 4321.5, mag)),
        }
    )
    assert suspects(catalogue, catalogue.names()) == {
        "both": (-9999.0, 99.0),
        "faint": (99.0,),
        "whole": (-9999.0,),
        "real32": (-99.9,),
    }


def test_several_stand_ins_on_one_side_are_all_pointed_out(catalogue_of: Build) -> None:
    mag = np.random.default_rng(0).normal(20, 1, 1000)
    mag[:20], mag[20:40] = -9999.0, -99.0
    assert suspects(catalogue_of({"mag": pa.array(mag)}), ["mag"]) == {"mag": (-9999.0, -99.0)}


def test_values_come_as_python_knows_them(survey: Catalogue) -> None:
    found = survey.values(3, ["G", HOSTILE, "note"])
    assert found == {"G": None, HOSTILE: 3, "note": "same"}
    assert survey.values(3, []) == {}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    # The word "lock" in the path must not make it look like a file in use.
    folder = tmp_path / "clock"
    folder.mkdir()
    path = folder / "catalogue.duckdb"
    path.write_bytes(b"not a database " * 1000)
    with pytest.raises(
        ProjectError, match=r"'clock' has a damaged file: catalogue\.duckdb"
    ) as found:
        Catalogue(path)
    assert not isinstance(found.value, ProjectInUseError)


def test_an_empty_file_is_damaged_too(tmp_path: Path) -> None:
    path = tmp_path / "empty" / "catalogue.duckdb"
    path.parent.mkdir()
    path.touch()
    with pytest.raises(ProjectError, match="'empty' has a damaged file"):
        Catalogue(path)


def test_distinct_values_are_counted_exactly_up_to_one(catalogue_of: Build) -> None:
    whole = {f"w{i}": pa.array([i, i + 9] * 20) for i in range(400)}
    catalogue = catalogue_of(
        {
            **whole,
            "none": pa.nulls(40, pa.float64()),
            "one": pa.array([None, 4.5] * 20),
            "infinite": pa.array([4.5, float("inf")] * 20),
            "stand_in": pa.array([-9999, 3] * 20),
            "text": pa.array(["a", None] * 20),
            "yes": pa.array([True, False] * 20),
        }
    )
    # Of 400 columns of two values the approximation alone takes some for constant.
    assert min(n_distinct(catalogue, list(whole)).values()) == 2
    others = ["none", "one", "infinite", "stand_in", "text", "yes"]
    counts = n_distinct(catalogue, others, {"stand_in": (-9999.0,)})
    assert counts == {"none": 0, "one": 1, "infinite": 1, "stand_in": 1, "text": 1, "yes": 2}
    assert n_distinct(catalogue, ["stand_in"]) == {"stand_in": 2}


def test_a_catalogue_is_closed_while_it_is_asked_and_whoever_asked_hears_so(
    catalogue_of: Build,
) -> None:
    catalogue = catalogue_of({"x": pa.array(np.arange(3000.0))})
    heard: list[BaseException] = []
    begun = threading.Event()

    def ask() -> None:
        begun.set()
        try:
            catalogue.fetch(
                "SELECT sum(a.x * b.x * c.x) FROM catalogue a, catalogue b, catalogue c"
            )
        except ProjectError as error:
            heard.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    begun.wait()
    time.sleep(0.1)
    catalogue.close()
    asking.join()
    assert [str(error) for error in heard] == [
        "The project was closed or deleted. Choose one on the Home page."
    ]
