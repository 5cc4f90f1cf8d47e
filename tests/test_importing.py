"""Import: every value as it was, in the order it had, and all or nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import HOSTILE, HUGE, N_ROWS, make_table, survey_values

from al_engine.data.catalogue import Catalogue
from al_engine.data.importing import column_checksum, import_table, stored_names
from al_engine.data.readers import open_table
from al_engine.data.table import SetAside, Table
from al_engine.errors import UnreadableFileError, WorkCancelled

Build = Callable[..., Catalogue]


def test_rows_keep_their_order_over_many_batches(catalogue_of: Build) -> None:
    values = survey_values()
    catalogue = catalogue_of(values, batch_rows=7)
    assert catalogue.n_rows == N_ROWS
    assert catalogue.object_ids("name", range(N_ROWS)) == values["name"].to_pylist()
    np.testing.assert_array_equal(catalogue.numbers("g", {}), values["g"].to_numpy())


def test_64_bit_integers_stay_exact(catalogue_of: Build) -> None:
    signed = [-(2**63), 2**63 - 1, 2**53 + 1]
    unsigned = [2**64 - 1, 2**53 + 1, 0]
    catalogue = catalogue_of(
        {"signed": pa.array(signed, pa.int64()), "unsigned": pa.array(unsigned, pa.uint64())}
    )
    for row in range(3):
        assert catalogue.values(row, ["signed", "unsigned"]) == {
            "signed": signed[row],
            "unsigned": unsigned[row],
        }
    assert catalogue.object_ids("unsigned", [0, 1]) == ["18446744073709551615", "9007199254740993"]
    assert catalogue.find_row("signed", "9007199254740993") == 2


def test_what_is_missing_stays_missing(catalogue_of: Build) -> None:
    catalogue = catalogue_of(
        {
            "number": pa.array([1.5, None]),
            "whole": pa.array([None, 2], pa.int64()),
            "text": pa.array(["", None]),
        }
    )
    assert catalogue.values(0, ["number", "whole", "text"]) == {
        "number": 1.5,
        "whole": None,
        "text": "",
    }
    assert catalogue.values(1, ["number", "whole", "text"]) == {
        "number": None,
        "whole": 2,
        "text": None,
    }
    assert np.isnan(catalogue.numbers("whole", {})[0])


def test_units_descriptions_and_kinds_are_kept(catalogue_of: Build) -> None:
    catalogue = catalogue_of(
        {
            "flux": pa.array([1.0], pa.float32()),
            "n": pa.array([1], pa.int16()),
            "is_star": pa.array([True]),
            "seen": pa.array([0], pa.timestamp("s")),
            "name": pa.array(["a"]),
        },
        units={"flux": "erg / (s cm2)"},
    )
    assert [column.kind for column in catalogue.columns] == [
        "real",
        "integer",
        "boolean",
        "time",
        "text",
    ]
    assert catalogue.column("flux").unit == "erg / (s cm2)"
    assert catalogue.column("flux").description == "about flux"
    assert catalogue.column("n").unit == ""
    assert catalogue.values(0, ["seen"]) == {"seen": "1970-01-01 00:00:00"}


def test_columns_that_are_set_aside_are_named(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.duckdb"
    table = make_table({"a": pa.array([1])}, set_aside=[SetAside("spectrum", "4000 values a row")])
    imported = import_table(table, path)
    assert imported.set_aside == ("spectrum: 4000 values a row",)
    catalogue = Catalogue(path)
    assert catalogue.set_aside == imported.set_aside
    catalogue.close()


def test_hostile_names_and_names_that_differ_in_case_only(catalogue_of: Build) -> None:
    catalogue = catalogue_of(survey_values())
    values = survey_values()
    assert catalogue.names() == list(values)
    for name in (HOSTILE, "g", "G"):
        np.testing.assert_array_equal(
            catalogue.numbers(name, {}),
            values[name].to_numpy(zero_copy_only=False).astype(np.float64),
        )
    assert catalogue.values(3, ["huge", HOSTILE]) == {"huge": HUGE + 3, HOSTILE: 3}


def test_stored_names_can_be_told_apart_whatever_their_case() -> None:
    stored = stored_names(["g", "G", "G_2", "g_2", "sextant_row", ""])
    assert len({name.lower() for name in stored}) == 6
    assert "sextant_row" not in stored
    assert stored[0] == "g"


def fingerprint(catalogue_of: Build, batch_rows: int = 128, **changed: pa.Array) -> str:
    return catalogue_of({**survey_values(), **changed}, batch_rows=batch_rows).fingerprint


def test_the_fingerprint_is_of_the_data_and_not_of_the_batches(catalogue_of: Build) -> None:
    whole = fingerprint(catalogue_of)
    assert fingerprint(catalogue_of, batch_rows=1) == whole
    assert fingerprint(catalogue_of, batch_rows=300) == whole


@pytest.mark.parametrize("name", ["class", "g", "G", "r", "huge", HOSTILE])
def test_one_changed_value_changes_the_fingerprint(catalogue_of: Build, name: str) -> None:
    column = survey_values()[name]
    values = column.to_pylist()
    values[5] = "STAR?" if name == "class" else values[5] + 1
    assert fingerprint(catalogue_of, **{name: pa.array(values, column.type)}) != fingerprint(
        catalogue_of
    )


def test_exchanged_rows_and_a_lost_value_change_the_fingerprint(catalogue_of: Build) -> None:
    g = survey_values()["g"].to_pylist()
    exchanged, lost = [g[1], g[0], *g[2:]], [None, *g[1:]]
    prints = {fingerprint(catalogue_of, g=pa.array(v)) for v in (g, exchanged, lost)}
    assert len(prints) == 3


@pytest.mark.parametrize(
    "values",
    [
        [1, None, 3],
        [1.5, None, float("nan")],
        [True, None, False],
        ["a", None, ""],
        [b"a", None, b"c"],
    ],
)
def test_checksums_add_up_over_batches(values: list[object]) -> None:
    whole = pa.array(values)
    parts = sum(column_checksum(whole.slice(i, 1), 10 + i) for i in range(3)) % 2**64
    assert column_checksum(whole, 10) == parts
    assert column_checksum(whole, 11) != parts


def test_progress_hears_the_rows_written(tmp_path: Path) -> None:
    heard: list[int] = []
    table = make_table({"a": pa.array(range(10))}, batch_rows=4)
    imported = import_table(table, tmp_path / "catalogue.duckdb", heard.append)
    assert heard == [4, 8, 10]
    assert (imported.n_rows, imported.n_columns) == (10, 1)


def test_a_cancelled_import_stops_at_the_next_batch(tmp_path: Path) -> None:
    heard: list[int] = []
    table = make_table({"a": pa.array(range(10))}, batch_rows=2)
    with pytest.raises(WorkCancelled):
        import_table(
            table,
            tmp_path / "catalogue.duckdb",
            heard.append,
            lambda: bool(heard and heard[-1] > 3),
        )
    assert heard == [2, 4]


def test_a_table_of_no_rows_or_no_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no rows"):
        import_table(make_table({"a": pa.array([], pa.int64())}), tmp_path / "rows.duckdb")
    with pytest.raises(UnreadableFileError, match="no column"):
        import_table(Table("made", (), lambda: iter(())), tmp_path / "columns.duckdb")


def test_a_source_that_breaks_half_way_is_passed_on(tmp_path: Path) -> None:
    table = make_table({"a": pa.array(range(10))}, batch_rows=5)

    def broken() -> Iterator[pa.RecordBatch]:
        yield next(table.batches())
        raise UnreadableFileError("It ends early.")

    with pytest.raises(UnreadableFileError, match="ends early"):
        import_table(Table("made", table.columns, broken), tmp_path / "catalogue.duckdb")


@pytest.mark.parametrize(
    ("name", "row"),
    [("a.csv", "{i},{i}.5\n"), ("short.csv", "{i}\n"), ("a.jsonl", '{{"a": {i}}}\n'),
     ("a.asc", "{i} {i}.5\n")],
)  # fmt: skip
def test_a_text_can_be_cancelled_while_its_types_are_being_found(
    tmp_path: Path, name: str, row: str
) -> None:
    header = {"a.csv": "a,b\n", "short.csv": "a,b\n", "a.asc": "a b\n"}.get(name, "")
    path = tmp_path / name
    path.write_text(header + "".join(row.format(i=i) for i in range(100)))
    with pytest.raises(WorkCancelled):
        open_table(path, cancelled=lambda: True)
