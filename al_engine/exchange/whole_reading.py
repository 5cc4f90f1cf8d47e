"""Reads a whole project's file, which a stranger may have made, and checks all that it says.

Owns what such a file may hold; ``whole`` owns the format.  Must not know projects, settings or
learners: it gives back plain data.
"""

import contextlib
import itertools
import re
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from al_engine.data.curated import curated_fault
from al_engine.data.history import act_fault
from al_engine.data.joined import JoinedTable
from al_engine.data.labels import CURATED, SUREST, Event, KeptRound
from al_engine.data.notes import note_fault
from al_engine.data.readers.arrays import slices, value_bytes
from al_engine.data.readers.packed import counted_batches, too_much
from al_engine.data.readers.source import DOWNLOAD_AGAIN, go_on, refusal
from al_engine.data.selections import MAX_NAME
from al_engine.data.table import Column, SetAside, Table
from al_engine.errors import SettingsError
from al_engine.exchange.archive import Archive, open_archive, zip_boundary
from al_engine.exchange.said import Said
from al_engine.exchange.simulations import FOLDER, unpack_simulations
from al_engine.exchange.whole import (
    ABOUT,
    CATALOGUE,
    EVENTS,
    FORMAT,
    IMAGES,
    LAYOUT,
    MEMBERS,
    ROUNDS,
    ROWS_A_LINE,
    SELECTIONS,
    SIMULATIONS,
    VERSION,
    Name,
    lets_in,
)
from al_engine.jobs import Cancelled
from al_engine.settings.typed import read_as

MAX_ROWS = 2**31 - 1
# Nobody gives so many answers: who writes more wants memory.
EVENTS_PER_ROW, EVENTS_BESIDE = 10, 100_000
MAX_HOW = 300
_NAMED = {"name": 200, "source": 300, "notice": 1000}


@dataclass(frozen=True)
class Selected:
    """A saved selection: its name, what it was selected by, and its rows in order."""

    name: str
    how: str
    rows: npt.NDArray[np.int64]


@dataclass(frozen=True)
class WholeProject:
    """What a file held, checked; the rows are still to be streamed.

    ``images`` is the folder that its pictures were unpacked to, ``layout`` the file with how its
    pages are arranged, each there if it held any; what the layout says is not checked.
    ``simulations`` is the folder of what was simulated; their plans and rounds are checked by those
    who read them.
    """

    name: Name
    table: Table
    events: tuple[Event, ...]
    rounds: tuple[KeptRound, ...]
    selections: tuple[Selected, ...]
    images: Path
    layout: Path
    simulations: Path


def read_whole(
    path: Path,
    work: Path,
    most_bytes: int,
    cancelled: Cancelled = lambda: False,
    most_members: int | None = None,
) -> WholeProject:
    """Read and check all of a whole project's file but its rows, which are streamed later.

    Parameters
    ----------
    work : an empty folder for what is unpacked, to be removed by the caller
    most_bytes : how much the file, and the values of its rows, may unpack to
    most_members : how many files it may hold

    Raises
    ------
    UnreadableFileError : it is no such file, or damaged, or holds what it must not; raised by the
        table's ``batches`` as well
    """
    with open_archive(path, lets_in, most_bytes, most_members) as archive:
        for name in MEMBERS:
            if name not in archive.names:
                raise refusal(path, f"has no '{name}'", DOWNLOAD_AGAIN)
        about = Said(path, ABOUT, archive.read(ABOUT))
        _refuse_other_formats(about)
        n_rows = about.number("n_rows", 1, MAX_ROWS)
        events = _events(archive, n_rows, cancelled)
        rounds = tuple(
            _round(line) for line in _lines(archive, ROUNDS, _most_lines(n_rows), cancelled)
        )
        archive.extract(CATALOGUE, work / CATALOGUE, cancelled)
        for name in archive.names:
            if name.startswith(IMAGES):
                to = work / name
                to.parent.mkdir(parents=True, exist_ok=True)
                archive.extract(name, to, cancelled)
        if LAYOUT in archive.names:
            archive.extract(LAYOUT, work / LAYOUT, cancelled)
        selections = tuple(_selections(archive, n_rows, cancelled))
        if SIMULATIONS in archive.names:
            lines = _lines(archive, SIMULATIONS, _most_lines(n_rows), cancelled)
            unpack_simulations(lines, work / FOLDER, n_rows)
        table = _table(about, work / CATALOGUE, n_rows, most_bytes)
    named = Name(*(about.text(key)[:most] for key, most in _NAMED.items()))
    files = work / IMAGES, work / LAYOUT, work / FOLDER
    return WholeProject(named, table, events, rounds, selections, *files)


def _refuse_other_formats(about: Said) -> None:
    version = about.number("version", 1, 10**6)
    if about.text("format") != FORMAT:
        raise about.wrong("format", f"must be '{FORMAT}'")
    if version > VERSION:
        raise refusal(
            about.path,
            f"has version {version} of the format; this Sextant reads up to {VERSION}",
            "Open it with a newer Sextant.",
        )


def _most_lines(n_rows: int) -> int:
    return EVENTS_PER_ROW * n_rows + EVENTS_BESIDE


def _lines(archive: Archive, name: str, most: int, cancelled: Cancelled) -> Iterator[Said]:
    for number, line in enumerate(archive.lines(name), start=1):
        go_on(cancelled)
        if number > most:
            raise refusal(
                archive.path,
                f"holds a '{name}' of more than {most:,} lines",
                "Choose a file that Sextant wrote, as it was written.",
            )
        yield Said(archive.path, f"{name}, line {number}", line)


def _events(archive: Archive, n_rows: int, cancelled: Cancelled) -> tuple[Event, ...]:
    events: list[Event] = []
    for line in _lines(archive, EVENTS, _most_lines(n_rows), cancelled):
        event = _event(line, n_rows)
        if event.seq <= (events[-1].seq if events else 0):
            raise line.wrong("seq", "must grow from line to line")
        events.append(event)
    return tuple(events)


def _event(line: Said, n_rows: int) -> Event:
    known = typing.get_type_hints(Event)
    for name in line.found:
        if name not in known:
            raise line.wrong(name, "is not known; a newer Sextant may have written it")
    values = {name: line.value(name, kind) for name, kind in known.items() if name in line.found}
    for name in ("kind", "seq", "happened_at"):
        if name not in values:
            raise line.wrong(name, "must be there")
    event = Event(**values)
    if event.row_number is not None and not 0 <= event.row_number < n_rows:
        raise line.wrong("row_number", f"must be one of the {n_rows:,} rows, counted from 0")
    if event.part == CURATED and (fault := curated_fault(event)) is not None:
        raise line.wrong(*fault)
    if event.confidence is not None and not 1 <= event.confidence <= SUREST:
        raise line.wrong("confidence", f"must be from 1 to {SUREST}")
    if event.kind == "note" and (fault := note_fault(event)) is not None:
        raise line.wrong(*fault)
    if (fault := act_fault(event)) is not None:
        raise line.wrong(*fault)
    return event


def _round(line: Said) -> KeptRound:
    known = typing.get_type_hints(KeptRound)
    return KeptRound(**{name: line.value(name, kind) for name, kind in known.items()})


def _selections(archive: Archive, n_rows: int, cancelled: Cancelled) -> Iterator[Selected]:
    if SELECTIONS not in archive.names:
        return
    names: set[str] = set()
    lines = _lines(archive, SELECTIONS, _most_lines(n_rows), cancelled)
    for name, of_one in itertools.groupby(lines, lambda line: line.text("name")):
        first, *others = of_one
        if name in names or name != " ".join(name.split()) or not 0 < len(name) <= MAX_NAME:
            raise first.wrong("name", f"must be of one selection, with 1 to {MAX_NAME} letters")
        names.add(name)
        rows = np.concatenate([_rows_of(line, n_rows) for line in (first, *others)])
        if np.any(np.diff(rows) <= 0):
            raise first.wrong("rows", "must grow")
        yield Selected(name, first.text("how")[:MAX_HOW], rows)


def _rows_of(line: Said, n_rows: int) -> npt.NDArray[np.int64]:
    listed = line.found.get("rows")
    if (
        not isinstance(listed, list)
        or len(listed) > ROWS_A_LINE
        or not all(type(row) is int and 0 <= row < n_rows for row in listed)
    ):
        raise line.wrong("rows", f"must be up to {ROWS_A_LINE:,} of the {n_rows:,} rows")
    return np.array(listed, dtype=np.int64)


def _table(about: Said, file: Path, n_rows: int, most_bytes: int) -> Table:
    described = about.found.get("columns")
    if not isinstance(described, list) or not all(isinstance(each, dict) for each in described):
        raise about.wrong("columns", "must be a list of columns")
    parts = [Said(about.path, f"{ABOUT}, column {i + 1}", each) for i, each in enumerate(described)]
    with pq.ParquetFile(file) as opened:
        schema, n_found = opened.schema_arrow, opened.metadata.num_rows
    names = [part.text("name") for part in parts]
    if schema.names != names or len(set(names)) != len(names) or not names:
        raise about.wrong("columns", f"must be those of {CATALOGUE}, each by a name of its own")
    if n_found != n_rows:
        raise about.wrong("n_rows", f"must be the number of rows of {CATALOGUE}, {n_found:,}")
    for field in schema:
        if not _is_plain(field.type):
            raise refusal(
                about.path,
                f"has a column '{field.name[:60]}' of type {str(field.type)[:60]}",
                "Columns hold one number, text, time, or true or false a row.",
            )
    return Table(
        about.text("reader"),
        tuple(
            Column(field.name, field.type, part.text("unit"), part.text("description"))
            for field, part in zip(schema, parts, strict=True)
        ),
        lambda: _rows(about.path, file, schema, most_bytes),
        n_rows,
        tuple(SetAside(*_split(each)) for each in about.texts("set_aside")),
        notes=about.texts("notes"),
        copy_of=(about.text("checksum"), about.text("fingerprint")),
        joined=_joined(about, names),
    )


def _joined(about: Said, names: Sequence[str]) -> tuple[JoinedTable, ...]:
    """The joined tables that some columns came from; older files know none."""
    try:
        joined = read_as(tuple[JoinedTable, ...], about.found.get("joined", []), "joined")
    except SettingsError as error:
        raise about.wrong("joined", f"must be a list of tables: {error.message}") from error
    of_them = [name for table in joined for name in table.columns]
    if len(set(of_them)) != len(of_them) or not set(of_them) < set(names):
        raise about.wrong("joined", "each column must be one of the catalogue's, and of one table")
    if len({table.name for table in joined}) != len(joined) or not all(
        re.fullmatch(r"[0-9a-f]{12}", table.key) for table in joined
    ):
        raise about.wrong("joined", "each table must have a name and a key of its own")
    return tuple(joined)


def _split(said: str) -> tuple[str, str]:
    name, _, reason = said.partition(": ")
    return name, reason


def _is_plain(kind: pa.DataType) -> bool:
    """Is it one of the types that a catalogue is kept in?"""
    return bool(
        pa.types.is_integer(kind)
        or kind in (pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.date32())
        or pa.types.is_timestamp(kind)
    )


def _rows(path: Path, file: Path, schema: pa.Schema, most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Stream the rows, as long as their values are not more than there is room for."""
    n_bytes = 0
    with contextlib.closing(counted_batches(file, most_bytes)) as batches:
        while True:
            with zip_boundary(path):
                batch = next(batches, None)
                if batch is None:
                    return
                n_bytes += sum(map(value_bytes, batch.columns))
                if n_bytes > most_bytes:
                    raise too_much(path, most_bytes)
            for piece in slices(batch):
                with zip_boundary(path):
                    rows = _plain_rows(piece, schema)
                yield rows


def _plain_rows(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=schema.remove_metadata())
    rows.validate(full=True)
    return rows
