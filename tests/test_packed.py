"""Files that unpack to more than there is room for: refused before they are read as tables."""

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from al_engine.data.readers import arrays, open_table, packed, refuse_unpacked
from al_engine.errors import UnreadableFileError, WorkCancelled

LONG = pa.table({"id": range(300), "t": ["x" * 10_000] * 300})


def packed_as(path, texts, **options):
    """300 texts of 10 kB that take some kB on the disk."""
    table = LONG.set_column(1, "t", LONG["t"].cast(texts))
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="zstd", **options)
    else:
        new = ipc.new_stream if path.suffix == ".arrows" else ipc.new_file
        with new(str(path), table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
            writer.write_table(table)
    assert path.stat().st_size < 20_000
    return path


@pytest.mark.parametrize(
    ("name", "texts", "options"),
    [
        ("plain.parquet", pa.string(), {"use_dictionary": False}),
        ("dictionary.parquet", pa.string(), {"use_dictionary": True}),
        ("binary.parquet", pa.large_binary(), {"use_dictionary": True}),
        ("zstd.arrow", pa.string(), {"compression": "zstd"}),
        ("lz4.arrows", pa.string_view(), {"compression": "lz4"}),
        ("dictionary.arrow", pa.dictionary(pa.int32(), pa.string()), {}),
        ("dictionary.arrows", pa.dictionary(pa.int8(), pa.string()), {"compression": "zstd"}),
    ],
)
def test_a_packed_file_is_refused_for_what_its_values_take(tmp_path, name, texts, options):
    path = packed_as(tmp_path / name, texts, **options)
    with pytest.raises(UnreadableFileError, match=r"more than the 1 MB"):
        refuse_unpacked(path, 1_000_000)
    refuse_unpacked(path, 4_000_000)
    with pytest.raises(WorkCancelled):
        refuse_unpacked(path, 4_000_000, lambda: True)
    assert sum(batch.num_rows for batch in open_table(path).batches()) == 300


def test_an_arrow_buffer_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = packed_as(tmp_path / "t.arrow", pa.string(), compression="zstd")
    monkeypatch.setattr(packed, "value_bytes", lambda column: pytest.fail("was unpacked"))
    with pytest.raises(UnreadableFileError, match="more than"):
        refuse_unpacked(path, 1_000_000)


def test_rows_of_long_texts_come_in_short_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "BATCH_BYTES", 100_000)
    for name in ("t.parquet", "t.arrow"):
        options = {"compression": "zstd"} if name == "t.arrow" else {}
        path = packed_as(tmp_path / name, pa.string(), **options)
        assert max(batch.num_rows for batch in open_table(path).batches()) < 20


def votable_of(path, arraysize, nrows=1):
    path.write_text(
        f'<VOTABLE version="1.4"><RESOURCE><TABLE nrows="{nrows}">'
        f'<FIELD name="a" datatype="double"/>'
        f'<FIELD name="b" datatype="float" arraysize="{arraysize}"/>'
        "<DATA><TABLEDATA><TR><TD>1</TD><TD>1</TD></TR></TABLEDATA></DATA>"
        "</TABLE></RESOURCE></VOTABLE>"
    )
    return path


@pytest.mark.parametrize("arraysize", ["20000000", "1000x2000", "4000x4000*", "9" * 400])
def test_a_votable_column_of_countless_values_a_row_is_refused(tmp_path, arraysize):
    path = votable_of(tmp_path / "t.xml", arraysize)
    with pytest.raises(UnreadableFileError, match=r"'b' of more than 1,000,000 values"):
        open_table(path)


def test_a_votable_is_refused_for_the_room_that_its_rows_declare(tmp_path):
    refuse_unpacked(votable_of(tmp_path / "t.xml", "100x100"), 1_000_000)
    for arraysize, nrows in (("1000x1000", 1), ("*", 10**9)):
        with pytest.raises(UnreadableFileError, match="more than the 1 MB"):
            refuse_unpacked(votable_of(tmp_path / "t.xml", arraysize, nrows), 1_000_000)


def test_the_reading_of_a_votable_can_be_cancelled(tmp_path):
    with pytest.raises(WorkCancelled):
        open_table(votable_of(tmp_path / "t.xml", "2"), cancelled=lambda: True)
