"""Parquet (a file or a folder of files) and Arrow IPC, which Feather is.

Owns the joining of files whose columns differ in order or width.  Rows are streamed; nothing
but the footers is read before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
from astropy.table import meta

from al_engine.data.readers.arrays import (
    BATCH_ROWS,
    Found,
    arrange,
    is_bytes,
    reason_against,
    settled_type,
    slices,
)
from al_engine.data.readers.source import Cancelled, Head, boundary, refusal
from al_engine.data.table import Table

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
    files = parquet_files(path) if path.is_dir() else [path]
    schemas, n_rows = [], 0
    for file in files:
        with boundary(file, "Parquet"), pq.ParquetFile(file) as opened:
            schemas.append(opened.schema_arrow)
            n_rows += opened.metadata.num_rows
    if n_rows == 0:
        raise refusal(path, "has no rows", "Choose a table with at least one row.")
    schema = _joined(path, files, schemas)
    arranged = arrange(
        path, _found(schema, lambda: _first(files)), _differences(files, schemas, schema)
    )
    names = [schema.field(i).name for i in arranged.kept]

    def batches() -> Iterator[pa.RecordBatch]:
        for file in files:
            with pq.ParquetFile(file) as opened:
                own = opened.schema_arrow.names
                positions = [own.index(name) if name in own else None for name in names]
                # Repeated names cannot be asked for by name: such a file is read whole.
                wanted = [name for name in names if name in own]
                chosen = wanted if len(set(own)) == len(own) else None
                for batch in opened.iter_batches(BATCH_ROWS, columns=chosen):
                    if chosen is None:
                        arrays = [batch.column(arranged.kept[i]) for i in range(len(names))]
                    else:
                        arrays = [
                            pa.nulls(batch.num_rows) if at is None else batch.column(name)
                            for name, at in zip(names, positions, strict=True)
                        ]
                    yield arranged.batch(arrays)

    return Table(
        reader="parquet",
        columns=arranged.columns,
        batches=batches,
        n_rows=n_rows,
        set_aside=arranged.set_aside,
        notes=arranged.notes,
    )


def _joined(path: Path, files: Sequence[Path], schemas: Sequence[pa.Schema]) -> pa.Schema:
    joined = schemas[0]
    for file, schema in zip(files[1:], schemas[1:], strict=True):
        if schema.equals(joined):
            continue
        try:
            joined = pa.unify_schemas([joined, schema], promote_options="permissive")
        except pa.ArrowException as error:
            raise refusal(
                path,
                f"holds files that do not fit together: {file.name} has other columns or types "
                f"than {files[0].name}",
                "Choose a folder whose files are parts of one table.",
            ) from error
    return joined


def _differences(
    files: Sequence[Path], schemas: Sequence[pa.Schema], joined: pa.Schema
) -> tuple[str, ...]:
    missing = [
        file.name
        for file, schema in zip(files, schemas, strict=True)
        if set(joined.names) - set(schema.names)
    ]
    if not missing:
        return ()
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return (f"Some columns are missing, and empty, in {', '.join(missing[:3])}{more}.",)


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
