"""A whole project as one file: a ZIP of Parquet and JSON, with nothing in it that could run.

Owns the format and its writing; ``whole_reading`` reads it.  Must not know projects, settings or
learners: it is handed a catalogue and a log.
"""

import dataclasses
import itertools
import json
import os
import secrets
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from al_engine.data.catalogue import Catalogue
from al_engine.data.importing import column_checksum, fingerprint_of
from al_engine.data.labels import AnswerLog, Event, KeptRound
from al_engine.data.selections import Saved, list_selections, load_selection
from al_engine.errors import WorkCancelled
from al_engine.exchange.archive import is_archive_with
from al_engine.files import whole_file
from al_engine.jobs import Cancelled
from al_engine.settings.typed import plain

FORMAT, VERSION = "Sextant project", 1
CATALOGUE, EVENTS, ROUNDS, ABOUT = MEMBERS = (
    "catalogue.parquet",
    "events.jsonl",
    "rounds.jsonl",
    "project.json",
)
# Not of every project, nor of older files: what was selected, how its pages are arranged, and what
# was simulated.
SELECTIONS, LAYOUT, SIMULATIONS = BESIDE = (
    "selections.jsonl",
    "layout.json",
    "simulations.jsonl",
)
ROWS_A_LINE = 100_000  # a selection has as many lines as it needs
IMAGES = "images/"
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".fits", ".fit", ".fts", ".fits.gz")


@dataclass(frozen=True)
class Name:
    """What a project calls itself."""

    name: str
    source: str
    notice: str


def is_whole(path: Path) -> bool:
    """Does a file claim to be a whole project?  Judged by its contents."""
    return path.is_file() and is_archive_with(path, CATALOGUE)


def lets_in(name: str) -> bool:
    """Is it a part of a project: one of ours, or a picture by a plain relative path?

    Spectra and light curves are among the pictures.
    """
    if name in (*MEMBERS, *BESIDE):
        return True
    path, forbidden = name.removeprefix(IMAGES), "\\\x7f" + (':*?"<>|' if os.name == "nt" else "")
    return (
        path != name
        and path.lower().endswith(PICTURES)
        and len(name.encode(errors="replace")) <= 1000
        and not any(ord(letter) < 32 or letter in forbidden for letter in path)
        and all(part.strip(". ") and len(part.encode()) <= 200 for part in path.split("/"))
    )


def write_whole(
    path: Path,
    name: Name,
    catalogue: Catalogue,
    log: AnswerLog,
    folder: Path,
    versions: Mapping[str, str],
    progress: Callable[[int], None] = lambda n_rows: None,
    cancelled: Cancelled = lambda: False,
    simulations: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Write a whole project to ``path``, or nothing.

    Rows are streamed: memory does not grow with the catalogue.

    Parameters
    ----------
    folder : the project's; its pictures, selections and layout go along, where it has any
    versions : of the packages in use, for the record
    progress : hears the number of rows written so far
    simulations : the lines of what was simulated in it

    Raises
    ------
    ProjectError : the disk would not have it, or the project was closed meanwhile
    WorkCancelled : ``cancelled`` said so
    """
    events = log.events()
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(CATALOGUE, "w", force_zip64=True) as member:
            checksum = _write_rows(member, catalogue, progress, cancelled)
        _write_lines(archive, EVENTS, map(_event_fields, events))
        _write_lines(archive, ROUNDS, map(_round_fields, log.kept_rounds()))
        images = folder / IMAGES
        for picture in _pictures(images):
            _go_on(cancelled)
            archive.write(picture, f"{IMAGES}{picture.relative_to(images).as_posix()}")
        if saved := list_selections(folder):
            _write_lines(archive, SELECTIONS, _selected(folder, saved, catalogue.n_rows))
        if (layout := folder / LAYOUT).is_file():
            archive.write(layout, LAYOUT)
        simulated = iter(simulations)
        if (first := next(simulated, None)) is not None:
            _write_lines(archive, SIMULATIONS, itertools.chain([first], simulated), cancelled)
        about = {
            "format": FORMAT,
            "version": VERSION,
            **dataclasses.asdict(name),
            "n_rows": catalogue.n_rows,
            "fingerprint": catalogue.fingerprint,
            "checksum": checksum,
            "reader": catalogue.reader,
            "set_aside": list(catalogue.set_aside),
            "notes": list(catalogue.notes),
            "columns": [
                {"name": c.name, "unit": c.unit, "description": c.description}
                for c in catalogue.columns
            ],
            "joined": plain(catalogue.joined),
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": dict(versions),
            # Servers name a download by its contents: no two files are alike.
            "nonce": secrets.token_hex(16),
        }
        _deflated(archive, ABOUT, json.dumps(about, indent=1).encode())


def _go_on(cancelled: Cancelled) -> None:
    if cancelled():
        raise WorkCancelled("The file was not written: it was cancelled.", "Ask for it again.")


def _write_rows(
    member: IO[bytes], catalogue: Catalogue, progress: Callable[[int], None], cancelled: Cancelled
) -> str:
    """Write the catalogue as Parquet; return the fingerprint that its values have there."""
    checksums, n_rows = [0] * len(catalogue.columns), 0
    writer: pq.ParquetWriter | None = None
    try:
        for stored in catalogue.rows():
            _go_on(cancelled)
            batch = _portable(stored)
            if writer is None:
                writer = pq.ParquetWriter(member, _described(batch, catalogue), compression="zstd")
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=writer.schema))
            for i, column in enumerate(batch.columns):
                checksums[i] = (checksums[i] + column_checksum(column, n_rows)) % 2**64
            n_rows += batch.num_rows
            progress(n_rows)
    finally:
        if writer is not None:
            writer.close()
    return fingerprint_of(n_rows, catalogue.names(), checksums)


def _portable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same values in types that come out of Parquet as they went in: it knows no seconds."""
    columns = []
    for column in batch.columns:
        kind = column.type
        if pa.types.is_timestamp(kind) and kind.unit == "s":
            column = column.cast(pa.timestamp("ms", kind.tz))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _described(batch: pa.RecordBatch, catalogue: Catalogue) -> pa.Schema:
    """The schema with units and descriptions where other programs look for them."""
    described = []
    for field, column in zip(batch.schema, catalogue.columns, strict=True):
        said = {"unit": column.unit, "description": column.description, "kind": column.kind}
        described.append(field.with_metadata({k: v for k, v in said.items() if v}))
    return pa.schema(described)


def _pictures(folder: Path) -> list[Path]:
    """The pictures of a project: what lies below its folder in truth too."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.resolve().is_relative_to(folder.resolve())
        and lets_in(f"{IMAGES}{path.relative_to(folder).as_posix()}")
    ]


def _write_lines(
    archive: zipfile.ZipFile,
    name: str,
    lines: Iterator[Mapping[str, Any]],
    cancelled: Cancelled = lambda: False,
) -> None:
    member = zipfile.ZipInfo(name, time.localtime()[:6])
    member.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(member, "w", force_zip64=True) as file:
        for line in lines:
            _go_on(cancelled)
            file.write(json.dumps(line).encode() + b"\n")


def _selected(folder: Path, saved: Sequence[Saved], n_rows: int) -> Iterator[Mapping[str, Any]]:
    """The saved selections, one after the other, so many rows of one a line."""
    for each in saved:
        rows = np.unique(load_selection(folder, each.name, n_rows)).tolist()
        for i in range(0, max(1, len(rows)), ROWS_A_LINE):
            yield {"name": each.name, "how": each.how, "rows": rows[i : i + ROWS_A_LINE]}


def _deflated(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(name, content, zipfile.ZIP_DEFLATED)


def _event_fields(event: Event) -> dict[str, Any]:
    found = {f.name: getattr(event, f.name) for f in dataclasses.fields(event)}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found.items()
        if value is not None
    }


def _round_fields(kept: KeptRound) -> dict[str, Any]:
    return {**dataclasses.asdict(kept), "happened_at": kept.happened_at.isoformat()}
