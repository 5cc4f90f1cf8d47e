"""What a packed file holds, found out before a table is made of it.

Owns the limit on what Parquet, Arrow and gzip unpack to: a few bytes can stand for any number.
Must not know where the limit comes from.
"""

import struct
from collections.abc import Generator, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from al_engine.data.readers.arrays import BATCH_BYTES, BATCH_ROWS, is_texty, value_bytes
from al_engine.data.readers.source import go_on, open_bytes, refusal
from al_engine.errors import UnreadableFileError
from al_engine.jobs import Cancelled

READ_AHEAD_BYTES = 65_536  # of each column
_AT_ONCE_BYTES = 1 << 20
_MB = 1_000_000
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "BYTE_ARRAY": 4, "INT96": 12}
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3  # as Arrow numbers its messages
_FOOTER_TAIL = 10  # the length of an Arrow file's footer, and its mark


def too_much(path: Path, most_bytes: int) -> UnreadableFileError:
    return refusal(
        path,
        f"holds more than the {most_bytes / _MB:,.0f} MB that there is room for",
        "Make room, or choose a smaller one.",
    )


def refuse_gzip(path: Path, most_bytes: int, cancelled: Cancelled) -> None:
    """Refuse a gzip file that unpacks to more, by unpacking it to nowhere."""
    n_bytes = 0
    with open_bytes(path) as stream:
        while piece := stream.read(_AT_ONCE_BYTES):
            go_on(cancelled)
            n_bytes += len(piece)
            if n_bytes > most_bytes:
                raise too_much(path, most_bytes)


# -- Parquet ---------------------------------------------------------------------------------------


def refuse_parquet(path: Path, most_bytes: int, cancelled: Cancelled) -> None:
    """Refuse a Parquet file whose values take more, by its footer and then by counting them."""
    n_bytes = 0
    for batch in counted_batches(path, most_bytes):
        go_on(cancelled)
        n_bytes += sum(map(value_bytes, batch.columns))
        if n_bytes > most_bytes:
            raise too_much(path, most_bytes)


def counted_batches(path: Path, most_bytes: int) -> Generator[pa.RecordBatch]:
    """Stream a Parquet file a little at a time, texts as dictionaries until somebody counts them.

    Raises
    ------
    UnreadableFileError : its footer says that it holds more
    """
    # A buffer reads on as rows are wanted; without one all of the file is read ahead.
    with pq.ParquetFile(path, buffer_size=READ_AHEAD_BYTES, pre_buffer=False) as opened:
        n_rows, schema = opened.metadata.num_rows, opened.schema_arrow
        n_bytes = footer_bytes(opened.metadata)
    if n_bytes > most_bytes:
        raise too_much(path, most_bytes)
    with pq.ParquetFile(
        path,
        read_dictionary=[field.name for field in schema if is_texty(field.type)],
        buffer_size=READ_AHEAD_BYTES,
        pre_buffer=False,
    ) as opened:
        yield from opened.iter_batches(rows_at_once(n_rows, n_bytes), use_threads=False)


def footer_bytes(footer: pq.FileMetaData) -> int:
    """What the values of a Parquet file take by its own word."""
    n_bytes = 0
    for i in range(footer.num_row_groups):
        group = footer.row_group(i)
        for j in range(group.num_columns):
            chunk, kind = group.column(j), footer.schema.column(j)
            width = kind.length if kind.length > 0 else _WIDTHS.get(chunk.physical_type, 8)
            n_bytes += max(chunk.total_uncompressed_size, chunk.num_values * width)
    return n_bytes


def rows_at_once(n_rows: int, n_bytes: int) -> int:
    """How many rows of a table make a batch that memory holds several times."""
    return max(1, min(BATCH_ROWS, n_rows * BATCH_BYTES // max(1, n_bytes)))


# -- Arrow -----------------------------------------------------------------------------------------


def refuse_arrow(path: Path, most_bytes: int, cancelled: Cancelled) -> None:
    """Refuse an Arrow file whose values take more: what it declares, then what it refers to.

    A packed buffer begins with the length that it unpacks to, and is refused where that is untrue.
    """
    declared = n_bytes = 0
    with pa.memory_map(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        for message in _messages(source) if is_file else ipc.MessageReader.open_stream(source):
            go_on(cancelled)
            declared += _declared_bytes(path, message)
            if declared > most_bytes:
                raise too_much(path, most_bytes)
        source.seek(0)
        if is_file:
            reader = ipc.open_file(source)
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            batches = iter(ipc.open_stream(source))
        for batch in batches:
            go_on(cancelled)
            batch.validate(full=True)
            n_bytes += sum(map(value_bytes, batch.columns))
            if n_bytes > most_bytes:
                raise too_much(path, most_bytes)


def _messages(source: pa.MemoryMappedFile) -> Iterator[ipc.Message]:
    """The messages that the footer of an Arrow file points to: dictionaries, then batches."""
    size = source.size()
    source.seek(size - _FOOTER_TAIL)
    (length,) = struct.unpack("<i", source.read(4))
    source.seek(size - _FOOTER_TAIL - length)
    footer = source.read(length)
    root = _number(footer, 0, "<I")
    for field in (2, 3):
        for block in _vector(footer, _field(footer, root, field), 24):
            source.seek(_number(footer, block, "<q"))
            yield ipc.read_message(source)


def _declared_bytes(path: Path, message: ipc.Message) -> int:
    """What the buffers of a message unpack to; none is unpacked for that."""
    data, body = message.metadata.to_pybytes(), message.body
    if b"ARROW:experimental_compression" in data:
        raise refusal(path, "is packed as Arrow did before its version 1", "Write it again.")
    root = _number(data, 0, "<I")
    kind = _field(data, root, 1)
    at = _field(data, root, 2)
    if not kind or not at or data[kind] not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return 0
    batch = _follow(data, at)
    if data[kind] == _DICTIONARY_BATCH:
        batch = _follow(data, _field(data, batch, 1))
    is_packed = _field(data, batch, 3) != 0
    n_bytes = 0
    for buffer in _vector(data, _field(data, batch, 2), 16):
        start, length = _number(data, buffer, "<q"), _number(data, buffer + 8, "<q")
        declared = length
        if is_packed and length >= 8:
            declared = max(length, _number(body.slice(start, 8).to_pybytes(), 0, "<q"))
        n_bytes += declared
    return n_bytes


# Arrow describes itself in FlatBuffers: a table's fields stand where its own small table says.


def _number(data: bytes, at: int, form: str) -> int:
    return int(struct.unpack_from(form, data, at)[0])


def _field(data: bytes, table: int, n: int) -> int:
    """Where the field of that number stands, or 0 where the table has none."""
    places = table - _number(data, table, "<i")
    is_there = 4 + 2 * n < _number(data, places, "<H")
    offset = _number(data, places + 4 + 2 * n, "<H") if is_there else 0
    return table + offset if offset else 0


def _follow(data: bytes, at: int) -> int:
    return at + _number(data, at, "<I")


def _vector(data: bytes, at: int, width: int) -> range:
    """Where the items of a vector stand."""
    if not at:
        return range(0)
    start = _follow(data, at)
    return range(start + 4, start + 4 + width * _number(data, start, "<I"), width)
