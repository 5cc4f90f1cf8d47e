"""Tables as files: each opens in other people's tools and says what went in."""

import gc
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.io import votable
from astropy.table import Table
from conftest import HOSTILE

from al_engine.data.readers import open_table
from al_engine.data.table import Column
from al_engine.errors import ProjectError, SettingsError, WorkCancelled
from al_engine.exchange.writers import FORMATS, Outgoing, fits, format_of, write_table

ASTROPY = {"fits": "fits", "votable": "votable", "ecsv": "ascii.ecsv", "csv": "ascii.csv",
           "parquet": "parquet"}  # fmt: skip
VALUES: dict[str, pa.Array] = {
    "id": pa.array([1, 2**62 + 1, -5, 2**63 - 1], pa.int64()),
    "g": pa.array([1.5, None, 0.1, -1e300]),
    "G": pa.array([1.5, None, 0.1, 2.0], pa.float32()),
    HOSTILE: pa.array([1, None, 3, 4], pa.int32()),
    "log(x/y) <&> 'q'": pa.array([0.25, 1e-12, 2.0, 3.0]),
    "name": pa.array(['é<b>&"', "two\nlines, 'q'", None, "日本 #x"]),
    "huge": pa.array([2**64 - 1, 0, 5, 7], pa.uint64()),
    "huge or none": pa.array([2**64 - 1, None, 5, 7], pa.uint64()),
    "byte": pa.array([0, 255, 3, None], pa.uint8()),
    "short": pa.array([-32768, 32767, None, 1], pa.int16()),
    "yes": pa.array([True, False, False, True]),
    "maybe": pa.array([True, None, False, True]),
    "when": pa.array([datetime(2026, 1, 2, 3, 4, 5, 678), None, datetime(2026, 1, 2),
                      datetime(1999, 12, 31)], pa.timestamp("us")),
    "long": pa.array(["x" * 5000, None, "#y", '"']),
}  # fmt: skip
COLUMNS = tuple(
    Column(name, values.type, {"g": "mag", "G": "erg / (s cm2)"}.get(name, ""), f"about {name}")
    for name, values in VALUES.items()
)


def outgoing(**changes: Any) -> Outgoing:
    batch = pa.RecordBatch.from_arrays(list(VALUES.values()), names=list(VALUES))
    made = {
        "name": "my <table>",
        "columns": COLUMNS,
        "batches": [batch.slice(0, 3), batch.slice(3)],
        "about": {"CREATOR": "Sextant", "PROJECT": "é & <b>"},
        "ucds": {"g": "phot.mag"},
    }
    return Outgoing(**{**made, **changes})


def write(folder: Path, form: str, table: Outgoing | None = None) -> Path:
    path = folder / f"table{FORMATS[form].suffixes[0]}"
    write_table(path, outgoing() if table is None else table, FORMATS[form])
    return path


def expected(name: str) -> list[Any]:
    values = VALUES[name]
    if pa.types.is_temporal(values.type):
        return [None if v is None else v.isoformat(timespec="microseconds")
                for v in values.to_pylist()]  # fmt: skip
    return list(values.to_pylist())


def as_said(value: Any) -> Any:
    """A value as any reader may hand it over: masked is None, bytes are text."""
    if value is np.ma.masked or value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value


def same(name: str, read: list[Any], meant: list[Any]) -> bool:
    """Equal, where a number and a truth may be read as text."""
    for one, other in zip(read, meant, strict=True):
        one, other = as_said(one), as_said(other)
        if VALUES[name].type == pa.float32() and None not in (one, other):
            one, other = np.float32(one), np.float32(other)
        # A missing text is an empty text to VOTable.
        if (one in (None, "") and other is None) or one == other:
            continue
        if str(one) != str(other):
            return False
    return True


@pytest.mark.parametrize("form", ["fits", "votable", "ecsv", "csv"])
def test_a_file_opens_with_astropy_and_says_what_went_in(form: str, tmp_path: Path) -> None:
    path = write(tmp_path, form)
    if form == "votable":
        parsed = votable.parse_single_table(path)
        assert [field.name for field in parsed.fields] == list(VALUES)
        read = {field.name: parsed.array[field.ID] for field in parsed.fields}
    else:
        table = Table.read(path, format=ASTROPY[form])
        assert table.colnames == list(VALUES)
        read = {name: table[name] for name in table.colnames}
    for name, column in read.items():
        assert same(name, list(column), expected(name)), (name, list(column))


@pytest.mark.parametrize("form", ["fits", "votable"])
def test_units_that_people_write_are_units_to_astropy(form: str, tmp_path: Path) -> None:
    said = ["Å", "µm", "cm²", "erg / (s cm2)", "furlongs"]
    columns = tuple(Column(f"c{i}", pa.float64(), unit) for i, unit in enumerate(said))
    batch = pa.RecordBatch.from_arrays([pa.array([1.0])] * 5, [c.name for c in columns])
    path = write(tmp_path, form, Outgoing("t", columns, [batch]))
    read = Table.read(path, format=ASTROPY[form])
    meant = [units.AA, units.um, units.cm**2, units.erg / units.s / units.cm**2]
    assert [read[f"c{i}"].unit for i in range(4)] == meant
    assert str(read["c4"].unit) == "furlongs"


def padded(n_rows: int, n_bytes: int) -> Outgoing:
    """A table in which one text is much longer than the others."""
    batch = pa.RecordBatch.from_arrays([pa.array(["x" * n_bytes, *["y"] * (n_rows - 1)])], ["t"])
    return Outgoing("t", (Column("t", pa.string()),), [batch])


def test_a_long_text_that_would_fill_fits_with_blanks_is_refused_by_its_column(
    tmp_path: Path,
) -> None:
    with pytest.raises(SettingsError, match=r"'t' has 5,000 bytes.*each of the 30,000 rows"):
        write(tmp_path, "fits", padded(30_000, 5_000))
    assert list(tmp_path.iterdir()) == []
    write(tmp_path, "votable", padded(30_000, 5_000))
    write(tmp_path, "fits", padded(300, 5_000))


def test_fits_is_refused_by_its_size_before_it_is_written(tmp_path: Path) -> None:
    asked: list[int] = []

    def refuse(n_bytes: int) -> None:
        asked.append(n_bytes)
        raise ProjectError("There is no room.")

    path = tmp_path / "t.fits"
    with pytest.raises(ProjectError, match="no room"):
        write_table(path, padded(300, 5_000), FORMATS["fits"], refuse_size=refuse)
    assert asked == [1_500_000]
    assert list(tmp_path.iterdir()) == []


def test_both_times_that_fits_goes_through_its_rows_can_be_followed_and_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits, "_AT_ONCE_BYTES", 100)
    path, heard = tmp_path / "t.fits", []
    write_table(path, padded(40, 10), FORMATS["fits"], heard.append)
    assert heard == [20, 20, 25, 30, 35, 40]
    assert list(Table.read(path)["t"])[-1] == "y"
    before = path.read_bytes()
    for n_done in (20, 30):
        heard.clear()
        with pytest.raises(WorkCancelled):
            write_table(
                path, padded(40, 10), FORMATS["fits"], heard.append, lambda n=n_done: n in heard
            )
        assert heard[-1] == n_done
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["t.fits"]


def test_long_integers_keep_their_type_where_the_format_has_one(tmp_path: Path) -> None:
    for form in ("fits", "ecsv"):
        table = Table.read(write(tmp_path, form), format=ASTROPY[form])
        assert table["id"].dtype.kind == "i"
        assert table["huge"].dtype.newbyteorder("=") == np.uint64
        assert int(table["huge"][0]) == 2**64 - 1
    assert Table.read(write(tmp_path, "votable"))["id"].dtype == np.int64


def test_parquet_opens_with_pyarrow_exactly_and_with_astropy(tmp_path: Path) -> None:
    path = write(tmp_path, "parquet")
    read = pq.read_table(path)
    assert read.schema.names == list(VALUES)
    for name, values in VALUES.items():
        assert read[name].combine_chunks().equals(values), name
    table = Table.read(path, format="parquet")
    assert table["id"].tolist() == VALUES["id"].to_pylist()
    assert (str(table["g"].unit), table["g"].description) == ("mag", "about g")
    assert pq.ParquetFile(path).num_row_groups == 2
    assert pq.ParquetFile(path).metadata.metadata[b"PROJECT"] == "é & <b>".encode()


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_opens_again_in_sextant_with_units(form: str, tmp_path: Path) -> None:
    table = open_table(write(tmp_path, form))
    assert [column.name for column in table.columns][:5] == list(VALUES)[:5]
    batch = pa.Table.from_batches(list(table.batches()))
    assert batch["id"].to_pylist() == VALUES["id"].to_pylist()
    assert batch["g"].to_pylist() == VALUES["g"].to_pylist()
    assert batch["name"].to_pylist() == VALUES["name"].to_pylist()
    if form != "csv":
        described = {column.name: column for column in table.columns}
        assert described["g"].unit == "mag"
        assert described["G"].unit.replace(" ", "").startswith("erg")
        assert described["id"].description == "about id"


def test_units_meanings_and_origin_stand_in_the_header(tmp_path: Path) -> None:
    fits = Table.read(write(tmp_path, "fits"))
    assert str(fits["g"].unit) == "mag"
    assert fits.meta["TUCD2"] == "phot.mag"
    assert fits.meta["CREATOR"] == "Sextant"
    text = write(tmp_path, "votable").read_text(encoding="utf-8")
    assert 'ucd="phot.mag"' in text
    assert '<INFO name="PROJECT" value="é &amp; &lt;b&gt;"/>' in text
    ecsv = Table.read(write(tmp_path, "ecsv"), format="ascii.ecsv")
    assert str(ecsv["g"].unit) == "mag"
    assert ecsv["g"].description == "about g"
    assert ecsv.meta["PROJECT"] == "é & <b>"


NAMES = ("Hα", "Hβ", "a\nb", "a b", "end  ", "'", "x" * 200, "]]>", "-->", "SELECT *", "..", "#c")


@pytest.mark.parametrize("form", FORMATS)
def test_names_of_any_characters_are_kept_apart(form: str, tmp_path: Path) -> None:
    columns = tuple(Column(name, pa.int64()) for name in NAMES)
    batch = pa.RecordBatch.from_arrays(
        [pa.array([i, -i]) for i in range(len(NAMES))], names=list(NAMES)
    )
    path = write(tmp_path, form, Outgoing("names", columns, [batch]))
    table = open_table(path)
    (read,) = table.batches()
    assert [column.to_pylist() for column in read.columns] == [[i, -i] for i in range(len(NAMES))]
    assert len({column.name for column in table.columns}) == len(NAMES)


def test_what_xml_may_not_hold_is_replaced(tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["a\x00b\x1f", "c\rd"])], names=["t\x01"])
    columns = (Column("t\x01", pa.string(), "m\x02", "\x03"),)
    path = write(tmp_path, "votable", Outgoing("\x04", columns, [batch]))
    (column,) = votable.parse_single_table(path).array.dtype.names
    assert list(votable.parse_single_table(path).array[column]) == ["a\ufffdb\ufffd", "c\rd"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_table_without_rows_is_a_table(form: str, tmp_path: Path) -> None:
    columns = (Column("id", pa.int64()), Column("t", pa.string()))
    path = write(tmp_path, form, Outgoing("none", columns, []))
    table = Table.read(path, format=ASTROPY[form])
    assert (len(table), table.colnames) == (0, ["id", "t"])


# -- streamed --------------------------------------------------------------------------------------


def counted_batches(n: int, most: list[int]) -> Iterator[pa.RecordBatch]:
    """Batches of which none is held here; ``most`` hears how many are alive at once."""
    alive: list[weakref.ref[pa.RecordBatch]] = []
    for i in range(n):
        batch = pa.RecordBatch.from_arrays(
            [pa.array(np.arange(100) + 100 * i), pa.array(["some text"] * 100)], names=["id", "t"]
        )
        alive.append(weakref.ref(batch))
        yield batch
        del batch
        gc.collect()
        most.append(sum(each() is not None for each in alive))


@pytest.mark.parametrize("form", FORMATS)
def test_no_writer_keeps_what_it_has_written(form: str, tmp_path: Path) -> None:
    most: list[int] = []
    columns = (Column("id", pa.int64()), Column("t", pa.string()))
    path = write(tmp_path, form, Outgoing("many", columns, counted_batches(60, most)))
    assert max(most) <= 2
    (read,) = [pa.Table.from_batches(list(open_table(path).batches()))]
    assert read["id"].to_pylist() == list(range(6000))


def test_a_wide_table_is_put_into_text_a_few_rows_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    from al_engine.exchange.writers import outgoing as module
    from al_engine.exchange.writers import text

    def listening(cells: Any, *parts: str) -> bytes:
        sizes.append(len(cells[0]))
        return module.lines(cells, *parts)

    monkeypatch.setattr(text, "lines", listening)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 40_000)
    columns = tuple(Column(f"c{i}", pa.int64()) for i in range(20))
    batch = pa.RecordBatch.from_arrays(
        [pa.array(np.arange(5000))] * 20, names=[column.name for column in columns]
    )
    write(tmp_path, "csv", Outgoing("wide", columns, [batch]))
    assert sum(sizes) == 5000
    assert max(sizes) == 2000


# -- whole or not at all ---------------------------------------------------------------------------


def broken(error: BaseException) -> Callable[[], Iterator[pa.RecordBatch]]:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from outgoing().batches
        raise error

    return batches


@pytest.mark.parametrize("form", FORMATS)
def test_what_breaks_off_leaves_the_former_file(form: str, tmp_path: Path) -> None:
    path = write(tmp_path, form)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, form, outgoing(batches=broken(KeyboardInterrupt())()))
    with pytest.raises(ProjectError, match="could not be written: No space left"):
        write(tmp_path, form, outgoing(batches=broken(OSError(28, "No space left"))()))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("form", FORMATS)
def test_a_cancelled_export_leaves_nothing(form: str, tmp_path: Path) -> None:
    seen: list[int] = []
    path = tmp_path / f"t{FORMATS[form].suffixes[0]}"
    with pytest.raises(WorkCancelled):
        write_table(path, outgoing(), FORMATS[form], seen.append, lambda: len(seen) > 0)
    assert seen == [3 // FORMATS[form].n_passes]
    assert not list(tmp_path.iterdir())


def test_a_format_is_known_by_its_suffix(tmp_path: Path) -> None:
    assert [format_of(Path(name)).name for name in ("a.FITS", "b.vot", "c.pq")] == [
        "fits", "votable", "parquet",
    ]  # fmt: skip
    with pytest.raises(SettingsError, match=r"'a.xlsx' ends in no format .* Use one of .fits"):
        format_of(Path("a.xlsx"))


def test_fits_refuses_more_columns_than_it_can_number(tmp_path: Path) -> None:
    columns = tuple(Column(f"c{i}", pa.int64()) for i in range(1000))
    with pytest.raises(SettingsError, match="1,000 columns, and FITS takes 999"):
        write(tmp_path, "fits", Outgoing("wide", columns, []))
    assert not list(tmp_path.iterdir())
