"""Readers: what opens, what it means, and what is refused in one sentence."""

import gzip
import json
import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn
from astropy.table import Table as AstropyTable
from loader_manifest import MANIFEST, Expected, Refused

from al_engine.data.readers import READERS, columnar, list_parts, open_table, recognise
from al_engine.data.table import Table
from al_engine.errors import UnreadableFileError
from al_engine.starting import import_file

OBJID = 1237668296598749280


def read(path: Path, **options: Any) -> pa.Table:
    return whole(open_table(path, **options))


def whole(table: Table) -> pa.Table:
    return pa.Table.from_batches(table.batches(), schema=table.schema)


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read(path, **options)
    message = caught.value.message
    assert path.name in message
    assert str(path.parent) not in message
    assert message.endswith(".")
    assert "\n" not in message
    return str(caught.value)


def outcome(path: Path) -> pa.Table | UnreadableFileError:
    try:
        return read(path)
    except UnreadableFileError as error:
        return error


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Every registered reader opens what the format's own library writes.


def _catalogue() -> AstropyTable:
    table = AstropyTable()
    table["id"] = np.array([OBJID, OBJID + 1, OBJID + 2])
    table["ra"] = np.array([1.5, np.nan, 3.5])
    table["ra"].unit = "deg"
    table["name"] = ["a", "", "c"]
    return table


def _write(reader: str, folder: Path) -> Path:
    table = _catalogue()
    path = folder / f"small{READERS[reader].suffixes[0]}"
    columns = {"id": table["id"].tolist(), "ra": [1.5, None, 3.5], "name": ["a", "", "c"]}
    if reader == "parquet":
        pq.write_table(pa.table(columns), path)
    elif reader == "arrow":
        feather.write_feather(pa.table(columns), path)
    elif reader == "jsonl":
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif reader == "csv":
        table.write(path, format="ascii.csv")
    else:
        form = {
            "ecsv": "ascii.ecsv",
            "cds": "ascii.mrt",
            "ipac": "ascii.ipac",
            "ascii": "ascii.commented_header",
        }.get(reader, reader)
        if reader in ("ipac", "cds"):
            table["name"] = MaskedColumn(["a", "-", "c"], mask=[False, True, False])
            table["ra"] = MaskedColumn(table["ra"], mask=[False, True, False], unit="deg")
        table.write(path, format=form)
    return path


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("suffix", [None, ".csv", ".anything"])
def test_every_format_is_known_by_its_content_and_read_exactly(
    reader: str, suffix: str | None, tmp_path: Path
) -> None:
    path = _write(reader, tmp_path)
    if suffix:
        path = path.rename(path.with_suffix(suffix))
    before = path.read_bytes()
    table = open_table(path)
    rows = whole(table)
    assert recognise(path).name == table.reader == reader
    assert rows.to_pydict() == {
        "id": [OBJID, OBJID + 1, OBJID + 2],
        "ra": [1.5, None, 3.5],
        "name": ["a", None, "c"],
    }
    assert rows.schema.types == [pa.int64(), pa.float64(), pa.string()]
    assert table.n_rows == 3
    assert whole(table).equals(rows), "a second stream starts from the first row"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path], "nothing is written beside the file"


@pytest.mark.parametrize("reader", ["fits", "votable", "ecsv", "csv", "ascii", "jsonl"])
def test_gzipped_files_read_the_same(reader: str, tmp_path: Path) -> None:
    plain = _write(reader, tmp_path)
    packed = written(tmp_path / f"{plain.name}.gz", gzip.compress(plain.read_bytes()))
    assert read(packed).equals(read(plain))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_file_cut_anywhere_never_gives_a_traceback(
    reader: str, share: float, tmp_path: Path
) -> None:
    content = _write(reader, tmp_path).read_bytes()
    path = written(
        tmp_path / f"cut{READERS[reader].suffixes[0]}", content[: int(len(content) * share)]
    )
    result = outcome(path)
    if isinstance(result, UnreadableFileError):
        assert path.name in result.message
    else:
        # Only texts without a declared end, and padding, can be cut and still be whole.
        assert reader in ("csv", "ascii", "jsonl", "ecsv", "cds", "ipac", "fits")
        assert result.num_rows <= 3


# The real files.


@pytest.mark.parametrize("name", MANIFEST)
def test_a_real_file_opens_as_the_manifest_says(name: str, shared_data: Path) -> None:
    path = shared_data / "loader_files" / name
    expected = MANIFEST[name]
    if isinstance(expected, Refused):
        assert expected.fragment in refusal(path)
        return
    table = open_table(path)
    rows = whole(table)
    found = Expected(
        table.reader,
        rows.num_rows,
        rows.num_columns,
        sum(column.null_count for column in rows.columns),
        tuple(column.name for column in table.set_aside),
    )
    assert found == expected
    assert table.n_rows == expected.n_rows


def test_the_manifest_names_every_real_file(shared_data: Path) -> None:
    folder = shared_data / "loader_files"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == set(MANIFEST)
    assert len(files) == 36


@pytest.mark.parametrize(
    ("name", "n_rows", "n_columns"),
    [
        ("sdss17/sdss17.csv.gz", 35_183, 16),
        ("sdss_dr14/sdss_dr14_10k.csv", 10_000, 18),
        ("hipparcos/hipparcos_99999.csv.gz", 99_999, 7),
        ("mnist/mnist_5k.csv.gz", 5_000, 785),
        ("imdb/imdb_50k.parquet", 50_000, 5),
        ("kddcup99/kddcup99_805k.parquet", 805_050, 44),
        ("astronomical_form/sdss_3000.fits", 3_000, 11),
    ],
)
def test_a_real_catalogue_has_all_its_rows(
    name: str, n_rows: int, n_columns: int, shared_data: Path
) -> None:
    table = open_table(shared_data / name)
    assert sum(batch.num_rows for batch in table.batches()) == n_rows == table.n_rows
    assert len(table.columns) == n_columns


def test_sdss17_has_integers_decimals_and_text_where_they_belong(shared_data: Path) -> None:
    rows = read(shared_data / "sdss17" / "sdss17.csv.gz")
    kinds = dict(zip(rows.column_names, rows.schema.types, strict=True))
    assert kinds["row_id"] == pa.int64()
    assert kinds["alpha"] == pa.float64()
    assert kinds["class"] == pa.string()
    counts = {item["values"]: item["counts"] for item in rows["class"].value_counts().to_pylist()}
    assert counts == {"GALAXY": 21_031, "STAR": 7_471, "QSO": 6_681}
    assert pc.min(rows["u"]).as_py() == -9999.0


def test_rounded_ids_of_sdss_dr14_stay_the_numbers_that_the_file_writes(shared_data: Path) -> None:
    rows = read(shared_data / "sdss_dr14" / "sdss_dr14_10k.csv")
    assert rows["objid"].unique().to_pylist() == [1.24e18]


def test_mnist_has_no_header_and_its_columns_are_numbered(shared_data: Path) -> None:
    table = open_table(shared_data / "mnist" / "mnist_5k.csv.gz")
    assert [table.columns[0].name, table.columns[-1].name] == ["column_1", "column_785"]
    assert "column_1 to column_785" in table.notes[0]


# CSV.


def test_csv_ids_of_64_bits_stay_exact_beside_missing_ones(tmp_path: Path) -> None:
    big = 2**63 + 5
    path = written(tmp_path / "a.csv", f"id,long,far\n{OBJID},{big},{10**25}\n,N/A,1\n")
    rows = read(path)
    assert rows.to_pydict() == {"id": [OBJID, None], "long": [big, None], "far": [str(10**25), "1"]}
    assert rows.schema.types == [pa.int64(), pa.uint64(), pa.string()]


def test_csv_integers_too_long_for_a_float_never_become_one(tmp_path: Path) -> None:
    table = open_table(written(tmp_path / "a.csv", f"id,b\n{OBJID},1\n1.5,2\n"))
    assert whole(table)["id"].to_pylist() == [str(OBJID), "1.5"]
    assert "id" in table.notes[0]


@pytest.mark.parametrize(
    ("late", "kind", "first"),
    [
        ("unknown", pa.string(), "1"),
        ("2.5", pa.float64(), 1.0),
        (str(2**63), pa.uint64(), 1),
        ("-", pa.int64(), 1),
        ("+7", pa.int64(), 1),
    ],
)
def test_csv_types_hold_when_the_last_row_differs(
    late: str, kind: pa.DataType, first: Any, tmp_path: Path
) -> None:
    # Longer than one block, so that the first block alone would mislead.
    body = "1,some text that takes its room in every row\n" * 200_000
    table = open_table(written(tmp_path / "a.csv", "a,b\n" + body + f"{late},end\n"))
    assert table.columns[0].type == kind
    values = whole(table)["a"]
    assert len(values) == 200_001
    assert values[0].as_py() == first
    assert max(batch.num_rows for batch in table.batches()) <= 65_536


def test_csv_words_for_missing_count_in_numeric_columns_only(tmp_path: Path) -> None:
    words = ["-", "N/A", "NULL", "nan", "null", "None", ""]
    body = "".join(f"{word},{word},{word}x\n" for word in words)
    rows = read(written(tmp_path / "a.csv", "n,text,other\n1.5,abc,x\n" + body))
    assert rows["n"].to_pylist() == [1.5] + [None] * 7
    assert rows["text"].to_pylist() == ["abc", *words[:-1], None]


def test_csv_blank_text_is_missing_and_stray_spaces_are_dropped(tmp_path: Path) -> None:
    rows = read(written(tmp_path / "a.csv", 'a, b\n1, QSO\n2,"   "\n 3,STAR \n'))
    assert rows.to_pydict() == {"a": [1, 2, 3], "b": ["QSO", None, "STAR"]}


def test_csv_booleans_and_dates_are_kept(tmp_path: Path) -> None:
    content = "f,d,t\nTrue,2020-01-31,2020-01-31 12:00:00\nfalse,2021-02-28,2021-02-28T01:02:03.5\n"
    kinds = read(written(tmp_path / "a.csv", content)).schema.types
    assert kinds == [pa.bool_(), pa.date32(), pa.timestamp("us")]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_csv_delimiters_are_found(delimiter: str, tmp_path: Path) -> None:
    content = f'a,b\n1,"x{delimiter}\ny"\n2,z\n'.replace(",", delimiter)
    rows = read(written(tmp_path / "a.csv", content))
    assert rows.to_pydict() == {"a": [1, 2], "b": [f"x{delimiter}\ny", "z"]}


def test_csv_comments_above_the_table_are_left_out(tmp_path: Path) -> None:
    rows = read(written(tmp_path / "a.csv", "#Table1\na,b\n1,2\n"))
    assert rows.to_pydict() == {"a": [1], "b": [2]}
    rows = read(written(tmp_path / "b.csv", "# made today\n# a,b\n1,2\n"))
    assert rows.to_pydict() == {"a": [1], "b": [2]}


def test_csv_names_of_pandas_without_names_are_a_header(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.csv", "0,1\n5.5,6.5\n")).to_pydict() == {
        "0": [5.5],
        "1": [6.5],
    }


def test_csv_with_a_byte_order_mark_or_in_latin_1_is_read(tmp_path: Path) -> None:
    marked = written(tmp_path / "a.csv", b"\xef\xbb\xbfname,b\nx,1\n")
    assert read(marked).column_names == ["name", "b"]
    table = open_table(written(tmp_path / "b.csv", "name,b\nBoötes,1\n".encode("latin-1")))
    assert whole(table)["name"].to_pylist() == ["Boötes"]
    assert "Latin-1" in table.notes[0]
    wide = written(tmp_path / "c.csv", "name,b\nBoötes,1\n".encode("utf-16"))
    assert read(wide)["name"].to_pylist() == ["Boötes"]


def test_names_that_repeat_are_numbered_and_hostile_names_survive(tmp_path: Path) -> None:
    content = 'ra,ra,RA,ra_2,"a""b; drop table",\n1,2,3,4,5,6\n'
    table = open_table(written(tmp_path / "a.csv", content))
    assert [column.name for column in table.columns] == [
        *("ra", "ra_3", "RA", "ra_2", 'a"b; drop table', "column_6")
    ]
    assert whole(table).to_pylist()[0]["ra_3"] == 2
    assert "ra became ra_3" in table.notes[0]


SHORT = 'a,b,c\n1\n4,5,6\n7,"x\ny"\n8,9,10\n'


def test_csv_rows_that_end_early_are_filled_up_and_counted(tmp_path: Path) -> None:
    table = open_table(written(tmp_path / "a.csv", "# c\n" + SHORT))
    expected = {"a": [1, 4, 7, 8], "b": [None, "5", "x\ny", "9"], "c": [None, 6, None, 10]}
    assert whole(table).to_pydict() == expected
    assert table.n_rows == 4
    assert table.notes == (
        "2 rows are shorter than the header; their last columns are missing: the first is line 3.",
    )
    late = open_table(written(tmp_path / "b.csv", 'a,b\n"1\n2",3\n\n4\n5,6'))
    assert late.notes == (
        "1 row is shorter than the header; its last columns are missing: it is line 5.",
    )
    assert whole(late)["b"].to_pylist() == [3, None, 6]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_short_csv_rows_are_filled_up_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    content = '"name",b\nBoötes,1\nLyra\n'.encode(encoding)
    expected = {"name": ["Boötes", "Lyra"], "b": [1, None]}
    assert read(written(tmp_path / "a.csv", content)).to_pydict() == expected
    assert read(written(tmp_path / "a.csv.gz", gzip.compress(content))).to_pydict() == expected


def test_filled_up_rows_agree_with_the_same_rows_in_full(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = [[f"{value:.6f}" for value in row] for row in rng.normal(size=(3_000, 5))]
    n_kept = rng.integers(1, 6, 3_000)
    full = "".join(
        ",".join(row[:n]) + "," * (5 - n) + "\n" for row, n in zip(rows, n_kept, strict=True)
    )
    short = "".join(",".join(row[:n]) + "\n" for row, n in zip(rows, n_kept, strict=True))
    table = open_table(written(tmp_path / "short.csv", "a,b,c,d,e\n" + short))
    assert whole(table).equals(read(written(tmp_path / "full.csv", "a,b,c,d,e\n" + full)))
    assert f"{sum(n_kept < 5):,} rows" in table.notes[0]


@pytest.mark.parametrize(
    ("end", "fragment"),
    [
        ("11", "has 1 value in line 7, where 3 belong"),
        ("11,12", "has 2 values in line 7, where 3 belong"),
        ('11,"12\n', "has 2 values in line 7, where 3 belong"),
        ("1,2,3,4\n", "has 4 values in line 7, where 3 belong"),
        ("# the end\n", "has 1 value in line 7, where 3 belong"),
        ('11,"' + "12,13\n" * 30_000, "from line 7 on"),
    ],
)
def test_a_csv_cut_short_or_with_rows_too_long_is_refused_with_its_line(
    end: str, fragment: str, tmp_path: Path
) -> None:
    assert fragment in refusal(written(tmp_path / "a.csv", SHORT + end))


def test_a_csv_without_one_whole_row_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "Made by me, today, in haste\nra,dec\n1,2\n")
    assert "has 2 values in line 2, where 3 belong" in refusal(path)
    path = written(tmp_path / "b.csv", b"a,b\n1,\xff\n3,4,5\n")
    assert "has 3 values in line 3, where 2 belong" in refusal(path)


def test_a_gzipped_csv_with_short_rows_is_refused_where_it_is_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    packed = gzip.compress(("a,b\n1\n" + "".join(f"{x},1\n" for x in rng.random(5_000))).encode())
    for n_bytes in (len(packed) // 3, len(packed) // 2, len(packed) - 9, len(packed) - 1):
        assert "cut short" in refusal(written(tmp_path / "a.csv.gz", packed[:n_bytes]))


def test_csv_lines_that_are_blank_are_no_rows(tmp_path: Path) -> None:
    rows = read(written(tmp_path / "a.csv", "\n \na,b\n\n1,2\n  \n3,4\n\n"))
    assert rows.to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_text_without_any_delimiter_is_one_column_or_refused(tmp_path: Path) -> None:
    assert "no comma" in refusal(written(tmp_path / "a.txt", "name\nNGC 1\nM 31\n"))
    assert read(written(tmp_path / "b.csv", "redshift\n0.5\n1.5\n"))["redshift"].to_pylist() == [
        0.5,
        1.5,
    ]


# Blanks between the values.


@pytest.mark.parametrize(
    "content",
    [
        'id  ra name\n{id} 1.5 a\n 2\tnan  "b c"  \n',
        '# made today\n# id ra name\n\n{id} 1.5 a\n# aside\n2 - "b c"',
        '#\nid ra name\r\n{id} 1.5 a\r\n2 "" "b c"\r\n',
    ],
)
def test_text_with_blanks_between_its_values_is_read_exactly(content: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dat", content.format(id=OBJID))
    assert recognise(path).name == open_table(path).reader == "ascii"
    assert read(path).to_pydict() == {"id": [OBJID, 2], "ra": [1.5, None], "name": ["a", "b c"]}


@pytest.mark.parametrize(
    ("end", "fragment"),
    [
        ("1 2", "has 2 values in line 52, where 3 belong"),
        ("1 2 3 4\n", "has 4 values in line 52, where 3 belong"),
        ('1 2 "3\n', "quotation mark in line 52"),
    ],
)
def test_text_with_blanks_is_refused_at_the_first_line_that_does_not_fit(
    end: str, fragment: str, tmp_path: Path
) -> None:
    assert fragment in refusal(written(tmp_path / "a.dat", "a b c\n" + "1 2 3\n" * 50 + end))


@pytest.mark.parametrize(
    "content",
    [
        "1 2\n3 4\n",
        "a a\n1 2\n",
        "a b\ndeg deg\n1 2\n",
        "a b c\n1 2\n3 4\n",
        "a, b,c\n1, 2\n3, 4\n",
        "two words\nand more\n",
    ],
)
def test_text_with_blanks_is_no_table_where_a_line_contradicts(
    content: str, tmp_path: Path
) -> None:
    assert "a.data" in refusal(written(tmp_path / "a.data", content))


# FITS.


def fits_file(path: Path, *columns: fits.Column, name: str = "") -> Path:
    fits.BinTableHDU.from_columns(columns, name=name).writeto(path)
    return path


def test_fits_integers_are_exact_signed_and_unsigned(tmp_path: Path) -> None:
    edges = np.array([0, 2**63 + 1, 2**64 - 1], np.uint64)
    path = fits_file(
        tmp_path / "a.fits",
        fits.Column("id", "K", array=[OBJID, -1, 2**53 + 1]),
        fits.Column("u8", "K", bzero=2**63, array=edges),
        fits.Column("u4", "J", bzero=2**31, array=np.array([0, 1, 2**32 - 1], np.uint32)),
        fits.Column("u2", "I", bzero=2**15, array=np.array([0, 1, 2**16 - 1], np.uint16)),
        fits.Column("i1", "B", bzero=-128, array=np.array([-128, 0, 127], np.int8)),
    )
    rows = read(path)
    assert rows.to_pydict() == {
        "id": [OBJID, -1, 2**53 + 1],
        "u8": edges.tolist(),
        "u4": [0, 1, 2**32 - 1],
        "u2": [0, 1, 2**16 - 1],
        "i1": [-128, 0, 127],
    }
    assert rows.schema.types == [pa.int64(), pa.uint64(), pa.uint32(), pa.uint16(), pa.int8()]


def test_fits_missing_values_scales_units_and_comments(tmp_path: Path) -> None:
    path = fits_file(
        tmp_path / "a.fits",
        fits.Column("n", "J", null=-99, unit="adu", array=[1, -99, 3]),
        fits.Column("z", "E", array=[0.5, np.nan, -99]),
        fits.Column("flag", "L", array=[True, False, True]),
        fits.Column("name", "6A", array=[b"M 31  ", b"", b"Bo\xf6te"]),
        fits.Column("scaled", "I", array=[0, 1, 2]),
    )
    fits.setval(path, "TSCAL5", value=0.5, ext=1)
    fits.setval(path, "TZERO5", value=10, ext=1)
    with fits.open(path, mode="update") as hdus:
        hdus[1].header.comments["TTYPE1"] = "counts in the aperture"
        hdus[1].header.comments["TTYPE2"] = "label for field   2"
    table = open_table(path)
    assert whole(table).to_pydict() == {
        "n": [1, None, 3],
        "z": [0.5, None, -99.0],
        "flag": [True, False, True],
        "name": ["M 31", None, "Boöte"],
        "scaled": [10.0, 10.5, 11.0],
    }
    assert table.columns[0].unit == "adu"
    assert [column.description for column in table.columns[:2]] == ["counts in the aperture", ""]


def test_fits_columns_of_several_values_are_set_aside_with_the_reason(tmp_path: Path) -> None:
    path = fits_file(
        tmp_path / "a.fits",
        fits.Column("id", "J", array=[1, 2]),
        fits.Column("coeff", "3D", array=np.ones((2, 3))),
        fits.Column("image", "4E", dim="(2,2)", array=np.ones((2, 2, 2))),
        fits.Column("var", "PJ()", array=np.array([[1], [1, 2]], object)),
        fits.Column("vis", "C", array=np.array([1j, 2j])),
        fits.Column("after", "K", array=[OBJID, OBJID]),
    )
    table = open_table(path)
    assert [(column.name, column.reason) for column in table.set_aside] == [
        ("coeff", "multi-dimensional (3 values a row)"),
        ("image", "multi-dimensional (2 x 2)"),
        ("var", "variable length"),
        ("vis", "complex numbers"),
    ]
    assert whole(table)["after"].to_pylist() == [OBJID, OBJID]


def test_fits_tables_are_listed_and_chosen_by_name_or_number(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    empty = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[])], name="EMPTY")
    stars = fits.BinTableHDU.from_columns([fits.Column("s", "J", array=[1, 2])], name="STARS")
    quasars = fits.BinTableHDU.from_columns([fits.Column("q", "J", array=[3])], name="QSOS")
    image = fits.ImageHDU(np.zeros((2, 2)), name="PICTURE")
    fits.HDUList([fits.PrimaryHDU(), image, empty, stars, quasars]).writeto(path)
    assert [(part.name, part.n_rows) for part in list_parts(path)] == [
        *(("EMPTY", 0), ("STARS", 2), ("QSOS", 1))
    ]
    first = open_table(path)
    assert first.part == "STARS"
    assert "QSOS" in first.notes[0]
    assert read(path, part="QSOS").to_pydict() == read(path, part="4").to_pydict() == {"q": [3]}
    assert "no rows" in refusal(path, part="EMPTY")
    assert "it has EMPTY, STARS, QSOS" in refusal(path, part="NONE")


def test_fits_rows_come_in_batches_and_a_cut_file_says_how_many_are_there(tmp_path: Path) -> None:
    path = fits_file(tmp_path / "a.fits", fits.Column("id", "K", array=np.arange(150_000)))
    table = open_table(path)
    assert [batch.num_rows for batch in table.batches()] == [65_536, 65_536, 18_928]
    assert pc.sum(whole(table)["id"]).as_py() == sum(range(150_000))
    with path.open("r+b") as stream:
        stream.truncate(5_760 + 8 * 100_000)
    assert "100,000 of the 150,000 rows" in refusal(path)


def test_a_file_cut_after_it_was_opened_is_refused_while_streaming(tmp_path: Path) -> None:
    path = fits_file(tmp_path / "a.fits", fits.Column("id", "K", array=np.arange(150_000)))
    table = open_table(path)
    path.write_bytes(path.read_bytes()[:700_000])
    with pytest.raises(UnreadableFileError, match="is cut short"):
        list(table.batches())
    path.unlink()
    with pytest.raises(UnreadableFileError, match="is not there"):
        list(table.batches())


def test_a_fits_header_of_negative_size_is_refused_and_not_walked_for_ever(tmp_path: Path) -> None:
    path = fits_file(tmp_path / "a.fits", fits.Column("id", "K", array=np.arange(1_000)))
    size = b"NAXIS2  =                 1000"
    content = path.read_bytes()
    assert size in content
    written(path, content.replace(size, b"NAXIS2  =                -1000"))
    assert "negative size, [8, -1000]" in refusal(path)


@pytest.mark.parametrize("inner", ["a.fits", "a.csv", "a.vot"])
def test_a_gzip_cut_short_is_refused(inner: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    plain = tmp_path / inner
    form = {"a.fits": "fits", "a.csv": "ascii.csv", "a.vot": "votable"}[inner]
    AstropyTable({"a": rng.random(5_000), "b": rng.random(5_000)}).write(plain, format=form)
    packed = gzip.compress(plain.read_bytes())
    path = written(tmp_path / f"{inner}.gz", packed[: len(packed) // 2])
    assert "cut short" in refusal(path)


# VOTable.

VOTABLE = """<?xml version="1.0"?>
<VOTABLE version="1.3"><RESOURCE type="results">{info}<TABLE name="{name}">
<FIELD name="id" datatype="long"><VALUES null="-1"/></FIELD>
<FIELD name="ra" datatype="double" unit="deg"><DESCRIPTION>Right  ascension</DESCRIPTION></FIELD>
<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>"""
TABLEDATA = f"""<TABLEDATA><TR><TD>{OBJID}</TD><TD>1.5</TD></TR>
<TR><TD>-1</TD><TD>NaN</TD></TR></TABLEDATA>"""


def test_votable_keeps_ids_units_and_descriptions(tmp_path: Path) -> None:
    path = written(tmp_path / "a.vot", VOTABLE.format(info="", name="stars", data=TABLEDATA))
    table = open_table(path, part="stars")
    assert whole(table).to_pydict() == {"id": [OBJID, None], "ra": [1.5, None]}
    assert table.columns[1].unit == "deg"
    assert table.columns[1].description == "Right ascension"
    assert [(part.name, part.n_rows, part.n_columns) for part in list_parts(path)] == [
        ("stars", 2, 2)
    ]
    assert "it has stars" in refusal(path, part="galaxies")


def test_votable_with_an_error_is_quoted_and_an_overflow_is_noted(tmp_path: Path) -> None:
    info = '<INFO name="QUERY_STATUS" value="ERROR">Unknown column: redshit</INFO>'
    path = written(tmp_path / "a.vot", VOTABLE.format(info=info, name="t", data=""))
    assert "'Unknown column: redshit'" in refusal(path)
    info = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>'
    path = written(tmp_path / "b.vot", VOTABLE.format(info=info, name="t", data=TABLEDATA))
    assert "OVERFLOW" in open_table(path).notes[0]


@pytest.mark.parametrize("place", ["http://127.0.0.1:{port}/rows", "file:///etc/hostname"])
def test_votable_rows_outside_the_file_are_refused_and_never_fetched(
    place: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        href = place.format(port=server.getsockname()[1])
        data = f'<BINARY><STREAM href="{href}"/></BINARY>'
        path = written(tmp_path / "a.vot", VOTABLE.format(info="", name="t", data=data))
        assert href in refusal(path)
        with pytest.raises(TimeoutError):
            server.accept()


# Parquet, Arrow, JSON lines.


def folder_of(folder: Path, **files: pa.Table) -> Path:
    folder.mkdir()
    for name, table in files.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def test_a_folder_of_parquet_is_one_table_by_column_names(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "survey", a=pa.table({"id": [1, 2], "z": [0.5, 1.5]}))
    (folder / "Norder=0").mkdir()
    pq.write_table(
        pa.table({"z": pa.array([2.5], pa.float32()), "id": pa.array([3], pa.int32())}),
        folder / "Norder=0" / "b.parquet",
    )
    written(folder / "_metadata", b"not a table")
    table = open_table(folder)
    rows = whole(table).sort_by("id")
    assert rows.to_pydict() == {"id": [1, 2, 3], "z": [0.5, 1.5, 2.5]}
    assert table.n_rows == 3
    assert table.notes == ()


@pytest.mark.parametrize(
    ("first", "second", "settled"),
    [
        (pa.array([1], pa.int16()), pa.array([OBJID + 1]), pa.int64()),
        (pa.array([OBJID + 1]), pa.array([1], pa.uint8()), pa.int64()),
        (pa.array([0.1], pa.float32()), pa.array([0.1]), pa.float64()),
        (pa.array(["a"]), pa.array(["b"]).dictionary_encode(), pa.string()),
        (pa.array([b"a"]), pa.array(["b"], pa.large_string()), pa.string()),
        (pa.nulls(1), pa.array([OBJID + 1]), pa.int64()),
        (pa.array([0.5]), pa.nulls(1), pa.float64()),
        (pa.array([7], pa.timestamp("s")), pa.array([7], pa.timestamp("ms")), pa.timestamp("ms")),
        (pa.array([[1]]), pa.array([["a"]]), None),
    ],
)
def test_kinds_that_differ_in_width_alone_are_joined_exactly(
    tmp_path: Path, first: pa.Array, second: pa.Array, settled: pa.DataType | None
) -> None:
    folder = folder_of(
        tmp_path / "survey",
        a=pa.table({"id": [1], "v": first}),
        b=pa.table({"id": [2], "v": second}),
    )
    rows = read(folder)
    if settled is None:
        assert rows.column_names == ["id"]
        return
    assert rows.schema.field("v").type == settled
    values = [first[0].as_py(), second[0].as_py()]
    assert rows["v"].to_pylist() == [v.decode() if isinstance(v, bytes) else v for v in values]


@pytest.mark.parametrize(
    ("third", "said"),
    [
        ({"id": [3], "z": ["x"]}, "`z` is string in c.parquet, but double in"),
        ({"id": [3.0], "z": [1.0]}, "`id` is double in c.parquet, but int64 in"),
        ({"id": [[3]], "z": [1.0]}, "`id` is list<element: int64> in c.parquet, but int64 in"),
        ({"id": [3], "z": [True]}, "`z` is bool in c.parquet, but double in"),
        (
            {"id": pa.array([3], pa.uint64()), "z": [1.0]},
            "`id` is uint64 in c.parquet, but int64 in",
        ),
        ({"id": [3]}, "`z` is missing in c.parquet, but stands in"),
        ({"id": [3], "z": [1.0], "Z": [1.0]}, "`Z` is in c.parquet, but not in"),
    ],
)
def test_a_folder_whose_files_differ_is_refused_before_anything_is_made(
    tmp_path: Path, third: dict[str, Any], said: str
) -> None:
    fitting, other = pa.table({"id": [1], "z": [0.5]}), pa.table(third)
    empty = pa.table({"id": [1], "z": pa.nulls(1)})
    folder = folder_of(tmp_path / "survey", a=empty, b=fitting, c=other, d=other)
    message = refusal(folder)
    assert f"holds files that do not fit together: column {said} the files before it." in message
    assert "Choose a folder whose files have the same columns" in message
    two = folder_of(tmp_path / "two", a=fitting, c=other)
    assert f"column {said} a.parquet." in refusal(two)
    home = tmp_path / "home"
    with pytest.raises(UnreadableFileError):
        import_file(home, folder)
    assert not home.exists()


def test_files_that_repeat_a_name_are_joined_only_where_their_columns_agree(
    tmp_path: Path,
) -> None:
    def repeating(*names: str) -> pa.Table:
        return pa.Table.from_arrays([pa.array([i]) for i in range(len(names))], names=list(names))

    same = folder_of(tmp_path / "same", a=repeating("z", "y", "z"), b=repeating("z", "y", "z"))
    assert read(same).to_pydict() == {"z": [0, 0], "y": [1, 1], "z_2": [2, 2]}
    other = folder_of(tmp_path / "other", a=repeating("z", "y"), b=repeating("z", "y", "z"))
    assert "column `z` stands more than once in b.parquet" in refusal(other)
    moved = folder_of(tmp_path / "moved", a=repeating("z", "y", "z"), b=repeating("y", "z", "z"))
    assert "column `z` stands more than once in b.parquet" in refusal(moved)


def test_a_folder_whose_files_are_damaged_or_no_parquet_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "survey")
    assert "without Parquet files" in refusal(folder)
    pq.write_table(pa.table({"id": [1]}), folder / "a.parquet")
    written(folder / "b.parquet", (folder / "a.parquet").read_bytes()[:-20])
    with pytest.raises(UnreadableFileError, match=r"^b\.parquet is damaged"):
        open_table(folder)


@pytest.mark.parametrize("form", ["parquet", "feather", "stream"])
def test_arrow_types_are_settled_and_what_does_not_fit_is_set_aside(
    form: str, tmp_path: Path
) -> None:
    unit = pa.field("mag", pa.float32(), metadata={"unit": "mag", "description": "brightness"})
    given = pa.table(
        {
            "mag": pa.array([1.5, np.nan], pa.float32()),
            "big": pa.array(["a", " "], pa.large_string()),
            "band": pa.array(["g", "r"]).dictionary_encode(),
            "price": pa.array([Decimal("1.25"), None]),
            "half": pa.array(np.array([0.5, 1], np.float16)),
            "raw": pa.array([b"x ", b"\xe9"], pa.binary()),
            "blob": pa.array([b"\0\1\2", b"\xff\xfe"], pa.binary()),
            "day": pa.array([0, 1], pa.date32()),
            "when": pa.array([0, 1], pa.timestamp("ms")),
            "nested.list": [[1], [2]],
            "dotted.name": pa.array([2**64 - 1, 0], pa.uint64()),
            "nothing": pa.nulls(2),
            "pair": [{"a": 1}, {"a": 2}],
        }
    )
    given = given.cast(pa.schema([unit, *list(given.schema)[1:]]))
    path = tmp_path / "a.data"
    if form == "parquet":
        pq.write_table(given, path)
    elif form == "feather":
        feather.write_feather(given, path)
    else:
        with ipc.new_stream(path, given.schema) as writer:
            writer.write_table(given)
    table = open_table(path)
    rows = whole(table)
    assert [column.name for column in table.set_aside] == ["raw", "blob", "nested.list", "pair"]
    assert rows.drop_columns(["day", "when"]).to_pydict() == {
        "mag": [1.5, None],
        "big": ["a", None],
        "band": ["g", "r"],
        "price": [1.25, None],
        "half": [0.5, 1.0],
        "dotted.name": [2**64 - 1, 0],
        "nothing": [None, None],
    }
    assert (table.columns[0].unit, table.columns[0].description) == ("mag", "brightness")
    kinds = dict(zip(rows.column_names, rows.schema.types, strict=True))
    assert kinds["big"] == kinds["band"] == kinds["nothing"] == pa.string()
    assert kinds["price"] == pa.float64()
    assert kinds["half"] == pa.float32()
    assert kinds["day"] == pa.date32()


def test_bytes_that_are_text_become_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"name": pa.array([b"M 31 \0", "Boötes".encode(), b""])}), path)
    assert read(path)["name"].to_pylist() == ["M 31", "Boötes", None]


def test_units_that_astropy_writes_into_parquet_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    _catalogue().write(path)
    assert [column.unit for column in open_table(path).columns] == ["", "deg", ""]


def test_json_lines_find_types_over_all_lines(tmp_path: Path) -> None:
    rows = [
        {"id": OBJID, "n": 1, "mix": 1, "flag": True, "tags": [1]},
        {"id": None, "n": 2.5, "mix": "x", "flag": None, "late": 2**63},
        {"id": 5, "n": float("nan"), "mix": None, "flag": False},
    ]
    path = written(tmp_path / "a.jsonl", "\n".join(json.dumps(row) for row in rows))
    table = open_table(path)
    assert whole(table).to_pydict() == {
        "id": [OBJID, None, 5],
        "n": [1.0, 2.5, None],
        "mix": ["1", "x", None],
        "flag": [True, None, False],
        "late": [None, 2**63, None],
    }
    assert [column.name for column in table.set_aside] == ["tags"]
    assert "line 2" in refusal(written(tmp_path / "b.jsonl", '{"a": 1}\n{"a": \n'))


# What is refused, whatever the format.


@pytest.mark.parametrize(
    ("name", "content", "fragment"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n \n", "is empty"),
        ("header.csv", b"a,b\n", "has no rows"),
        ("page.csv", b"<!DOCTYPE html>\n<html><title>Login\nneeded</title>", "'Login needed'"),
        ("error.fits", b"<PRE>no image</PRE>", "is a web page"),
        ("table.xlsx", b"PK\x03\x04" + bytes(50), "ZIP archive"),
        ("data.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
        ("data.db", b"SQLite format 3\0" + bytes(50), "an SQLite database"),
        ("data.csv", bytes(range(256)), "format that is not known"),
        ("header.fits", b"SIMPLE  =                    T", "is damaged"),
        ("array.json", b'[{"a": 1}]', "format that is not known"),
        ("many.ecsv", b"# %ECSV 1.0\n# ---\n# datatype: !!python/name:os.system\na\n1\n", "yaml"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(
    name: str, content: bytes, fragment: str, tmp_path: Path
) -> None:
    assert fragment in refusal(written(tmp_path / name, content))


def test_a_missing_file_and_a_needless_part_are_refused(tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "nowhere.csv")
    path = written(tmp_path / "a.csv", "a,b\n1,2\n")
    assert "no part 'x'" in refusal(path, part="x")
    assert list_parts(path) == []


@pytest.mark.parametrize("reader", ["fits", "votable", "ecsv", "parquet", "arrow"])
def test_tables_of_no_rows_are_refused(reader: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{READERS[reader].suffixes[0]}"
    if reader == "arrow":
        feather.write_feather(pa.table({"a": pa.array([], pa.int64())}), path)
    else:
        form = "ascii.ecsv" if reader == "ecsv" else reader
        AstropyTable({"a": np.array([], np.int64)}).write(path, format=form)
    assert "has no rows" in refusal(path)


def test_damaged_bytes_never_give_a_traceback_or_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    rng = np.random.default_rng(7)
    for reader in READERS:
        content = np.frombuffer(_write(reader, tmp_path).read_bytes(), np.uint8)
        for _ in range(40):
            damaged = content.copy()
            places = rng.integers(0, min(len(damaged), 3_000), 4)
            damaged[places] = rng.integers(0, 256, 4)
            path = written(tmp_path / "damaged.bin", damaged.tobytes())
            result = outcome(path)
            if isinstance(result, UnreadableFileError):
                assert "damaged.bin" in result.message
    assert not recwarn.list


# Counts of one.


def test_counts_of_one_are_singular(tmp_path: Path) -> None:
    columns = [fits.Column(name, "K", array=np.array([1])) for name in "ab"]
    path = fits_file(tmp_path / "a.fits", *columns)
    hdus = fits.HDUList(
        [fits.PrimaryHDU(), *(fits.BinTableHDU.from_columns([c], name=c.name) for c in columns)]
    )
    hdus.writeto(tmp_path / "two.fits")
    assert "there are also B (1 x 1 column)." in open_table(tmp_path / "two.fits").notes[0]
    with path.open("r+b") as stream:
        stream.truncate(5_768)
    assert "0 of the 1 row of table 1 is there" in refusal(path)
    table = open_table(written(tmp_path / "one.csv", "1\n2\n"))
    assert table.notes == (
        "The first row holds a value, not a name: the column is called column_1.",
    )
    bits = fits.Column("bits", "1X", array=np.array([[True]]))
    with_bit = open_table(fits_file(tmp_path / "bits.fits", columns[0], bits))
    assert with_bit.set_aside[0].reason == "multi-dimensional (1 bit)"
    lists = pa.array([[1.0]], pa.list_(pa.float64(), 1))
    pq.write_table(pa.table({"id": [1], "v": lists}), tmp_path / "a.parquet")
    found = open_table(tmp_path / "a.parquet").set_aside[0]
    assert found.reason == "multi-dimensional (1 value a row)"
    assert "has 2 values in line 3, where 1 belongs" in refusal(
        written(tmp_path / "b.csv", "a\n1\n1,2\n")
    )


def test_parquet_is_asked_for_a_few_row_groups_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is read ahead stays in memory until all that was asked for at once has been read.
    asked: list[object] = []
    read = columnar.parquet_batches

    def listening(opened, arranged, names, row_groups):
        asked.append(row_groups)
        return read(opened, arranged, names, row_groups)

    monkeypatch.setattr(columnar, "parquet_batches", listening)
    monkeypatch.setattr(columnar, "ROWS_READ_AHEAD", 250)
    table = pa.table({"a": list(range(1000))})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=100)
    read_again = pa.Table.from_batches(list(open_table(tmp_path / "t.parquet").batches()))
    assert read_again["a"].to_pylist() == list(range(1000))
    assert asked == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
