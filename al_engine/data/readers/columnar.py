"""Parquet (a file or a folder of files) and Arrow IPC, which Feather is.

Owns the joining of files whose columns differ in order or width, and in nothing else.  Rows
are streamed; nothing but the footers is read before.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
from astropy.table import meta

from al_engine.data.readers.arrays import (
    BATCH_ROWS,
    Arranged,
    Found,
    arrange,
    is_bytes,
    reason_against,
    settled_type,
    slices,
)
from al_engine.data.readers.packed import footer_bytes, rows_at_once
from al_engine.data.readers.source import Head, boundary, refusal
from al_engine.data.table import Table
from al_engine.errors import UnreadableFileError
from al_engine.jobs import Cancelled

ROWS_READ_AHEAD = 262_144
PARQUET_SUFFIXES = (".parquet", ".parq", ".pq")


def is_parquet(head: Head) -> bool:
    return head.bytes.startswith(b"PAR1") and not head.compressed


def is_arrow(head: Head) -> bool:
    is_stream = head.bytes.startswith(b"\xff\xff\xff\xff") and len(head.bytes) > 8
    return (head.bytes.startswith(b"ARROW1") or is_stream) and not head.compressed


def parquet_files(folder: Path) -> list[Path]:
    """Find the Parquet files of a data set, in order, leaving out hidden and side files."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PARQUET_SUFFIXES
        and path.is_file()
        and not any(name.startswith(("_", ".")) for name in path.relative_to(folder).parts)
    ]


def open_parquet(path: Path, part: str | None, cancelled: Cancelled) -> Table:
    """Open a Parquet file, or all those in a folder as one table, by column names."""
    found = look_over(path)

    def batches() -> Iterator[pa.RecordBatch]:
        for file, sizes in zip(found.files, found.row_groups, strict=True):
            with pq.ParquetFile(file) as opened:
                # What is read ahead is kept until all that was asked for has been read.
                for run in runs(sizes, ROWS_READ_AHEAD):
                    yield from parquet_batches(opened, found.arranged, found.names, run)

    return Table(
        reader="parquet",
        columns=found.arranged.columns,
        batches=batches,
        n_rows=sum(sum(groups) for groups in found.row_groups),
        set_aside=found.arranged.set_aside,
        notes=found.arranged.notes,
    )


@dataclass(frozen=True)
class ParquetSet:
    """Parquet files as one table: in order, with the rows of each file's row groups.

    ``names`` are the usable columns' as the files have them.
    """

    files: tuple[Path, ...]
    row_groups: tuple[tuple[int, ...], ...]
    arranged: Arranged
    names: tuple[str, ...]


def look_over(path: Path) -> ParquetSet:
    """Read the footers of a Parquet file, or of all those in a folder, and fit them together.

    Raises
    ------
    UnreadableFileError : damaged, without rows, or files that do not fit together
    """
    files = parquet_files(path) if path.is_dir() else [path]
    schemas, row_groups = [], []
    for file in files:
        with boundary(file, "Parquet"), pq.ParquetFile(file) as opened:
            schemas.append(opened.schema_arrow)
            footer = opened.metadata
            row_groups.append(
                tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups))
            )
    if not any(map(sum, row_groups)):
        raise refusal(path, "has no rows", "Choose a table with at least one row.")
    schema = _joined(path, files, schemas)
    arranged = arrange(path, _found(schema, lambda: _first(files)))
    names = tuple(schema.field(i).name for i in arranged.kept)
    return ParquetSet(tuple(files), tuple(row_groups), arranged, names)


def runs(sizes: Sequence[int], rows_at_once: int) -> list[list[int]]:
    """Row groups that follow each other, by their numbers, of about so many rows together."""
    found: list[list[int]] = []
    n_rows = 0
    for group, size in enumerate(sizes):
        if not found or n_rows + size > rows_at_once:
            found.append([])
            n_rows = 0
        found[-1].append(group)
        n_rows += size
    return found


def parquet_batches(
    opened: pq.ParquetFile,
    arranged: Arranged,
    names: Sequence[str],
    row_groups: Sequence[int] | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Stream the arranged columns of a file, which go by ``names`` there, or of its row groups."""
    own = opened.schema_arrow.names
    # Repeated names cannot be asked for by name: such a file is read whole.
    chosen = list(names) if len(set(own)) == len(own) else None
    footer = opened.metadata
    most_rows = min(batch_rows, rows_at_once(footer.num_rows, footer_bytes(footer)))
    asked = chosen or arranged.kept
    for whole in opened.iter_batches(most_rows, row_groups, chosen):
        for batch in slices(whole):
            yield arranged.batch([batch.column(column) for column in asked])


def _joined(folder: Path, files: Sequence[Path], schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Give the first file's columns in types that hold the values of every file exactly.

    Raises
    ------
    UnreadableFileError : a file has other columns, or other kinds, than the files before it
    """
    joined = schemas[0]
    before = _within(folder, files[0])
    for file, schema in zip(files[1:], schemas[1:], strict=True):
        this = _within(folder, file)
        if schema.names != joined.names:
            _check_names(folder, joined.names, schema.names, this, before)
            schema = pa.schema([schema.field(name) for name in joined.names])
        fields = []
        for one, other in zip(joined, schema, strict=True):
            kind = _common_type(one.type, other.type)
            if kind is None:
                what = f"`{one.name}` is {other.type} in {this}, but {one.type} in {before}"
                raise _misfit(folder, what)
            fields.append(one.with_type(kind))
        joined = pa.schema(fields, joined.metadata)
        before = "the files before it"
    return joined


def _within(folder: Path, file: Path) -> str:
    return file.relative_to(folder).as_posix()


def _misfit(folder: Path, what: str) -> UnreadableFileError:
    return refusal(
        folder,
        f"holds files that do not fit together: column {what}",
        "Choose a folder whose files have the same columns, or one of its files.",
    )


def _check_names(
    folder: Path, known: Sequence[str], names: Sequence[str], this: str, before: str
) -> None:
    """Refuse other names, and another order where a name that repeats hides which is which."""
    there, here = Counter(known), Counter(names)
    for name in there:
        if name not in here:
            raise _misfit(folder, f"`{name}` is missing in {this}, but stands in {before}")
    for name in here:
        if name not in there:
            raise _misfit(folder, f"`{name}` is in {this}, but not in {before}")
        if max(here[name], there[name]) > 1:
            where = this if here[name] > 1 else before
            raise _misfit(folder, f"`{name}` stands more than once in {where}")


def _common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Give the type that holds the values of both exactly, or None where there is none."""
    if one == other:
        return one
    if pa.types.is_null(one) or pa.types.is_null(other):
        return other if pa.types.is_null(one) else one
    first, second = settled_type(one), settled_type(other)
    if first == second:
        return one
    if first is None or second is None:
        return None
    for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_timestamp):
        if is_kind(first) and is_kind(second):
            return _wider(first, second)
    return None


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    try:
        schemas = [pa.schema([("", one)]), pa.schema([("", other)])]
        kind = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return None
    # pyarrow makes int64 of int64 and uint64, which does not hold the longest.
    return None if pa.uint64() in (one, other) and kind != pa.uint64() else kind


def _first(files: Sequence[Path]) -> pa.RecordBatch | None:
    for file in files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(1000):
                return batch
    return None


def open_arrow(path: Path, part: str | None, cancelled: Cancelled) -> Table:
    """Open an Arrow IPC file (Feather) or stream."""
    with pa.memory_map(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
    schema, n_rows = _ipc_outline(path, is_file)
    if n_rows == 0:
        raise refusal(path, "has no rows", "Choose a table with at least one row.")
    arranged = arrange(
        path, _found(schema, lambda: next((b for b in _ipc(path, is_file) if b.num_rows), None))
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for whole in _ipc(path, is_file):
            for batch in slices(whole):
                yield arranged.batch([batch.column(i) for i in arranged.kept])

    return Table(
        reader="arrow",
        columns=arranged.columns,
        batches=batches,
        n_rows=n_rows,
        set_aside=arranged.set_aside,
        notes=arranged.notes,
    )


def _ipc_outline(path: Path, is_file: bool) -> tuple[pa.Schema, int]:
    """Find schema and length, walking through every batch: an IPC footer has no row count."""
    with pa.memory_map(str(path)) as source:
        reader = ipc.open_file(source) if is_file else ipc.open_stream(source)
        schema = reader.schema
    return schema, sum(batch.num_rows for batch in _ipc(path, is_file))


def _ipc(path: Path, is_file: bool) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as source:
        if is_file:
            reader = ipc.open_file(source)
            read: Iterator[Any] = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            read = iter(ipc.open_stream(source))
        for batch in read:
            # Offsets in a damaged file may point anywhere; look before anything follows them.
            batch.validate(full=True)
            yield batch


def _found(schema: pa.Schema, first: Callable[[], pa.RecordBatch | None]) -> list[Found]:
    """Judge the columns of a schema; bytes are judged by the first values of the column."""
    sample = first() if any(is_bytes(_plain(field.type)) for field in schema) else None
    written = _astropy_columns(schema)
    found = []
    for position, field in enumerate(schema):
        labels = {
            key.decode("utf-8", "replace").lower(): value.decode("utf-8", "replace")
            for key, value in (field.metadata or {}).items()
        }
        beside = written.get(field.name, {})
        unit = labels.get("unit") or labels.get("units") or str(beside.get("unit") or "")
        description = (
            labels.get("description")
            or labels.get("comment")
            or str(beside.get("description") or "")
        )
        kind = settled_type(field.type)
        column = Found(field.name, kind, unit, description)
        if kind is None:
            column = replace(column, reason=reason_against(field.type))
        elif is_bytes(_plain(field.type)) and not _reads_as_text(sample, field.name, position):
            column = replace(column, type=None, reason="bytes that are not text")
        found.append(column)
    return found


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _reads_as_text(sample: pa.RecordBatch | None, name: str, position: int) -> bool:
    if sample is None or name not in sample.schema.names:
        return True
    names = sample.schema.names
    values = sample.column(position if names.count(name) > 1 else names.index(name))
    for item in values.slice(0, 1000).to_pylist():
        if item is None:
            continue
        try:
            text = item.rstrip(b"\0 ").decode("utf-8")
        except UnicodeDecodeError:
            return False
        if any(ord(character) < 9 for character in text):
            return False
    return True


def _astropy_columns(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Read the units that astropy writes beside a table, in the form of an ECSV header."""
    header = (schema.metadata or {}).get(b"table_meta_yaml")
    if header is None:
        return {}
    try:
        columns = meta.get_header_from_yaml(header.decode("utf-8", "replace").splitlines())
        return {column["name"]: column for column in columns["datatype"]}
    except (meta.YamlParseError, LookupError, TypeError, ValueError, AttributeError):
        # Units are a help, not a condition: the rows themselves are sound.
        return {}
