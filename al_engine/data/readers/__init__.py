"""Readers: any file people keep catalogues in, as one kind of table.

Owns the registry and the choice of a reader, by content first and by suffix second.  Knows
nothing of DuckDB; the file itself is only ever read.
"""

import re
from dataclasses import replace
from pathlib import Path

from al_engine.data.readers import ascii, columnar, fits, jsonl, packed, spaced, text, votable
from al_engine.data.readers.source import (
    Head,
    Part,
    Reader,
    a_or_an,
    boundary,
    guarded,
    is_gzipped,
    peek,
    refusal,
)
from al_engine.data.table import Table
from al_engine.jobs import Cancelled

__all__ = ["READERS", "Part", "Reader", "list_parts", "open_table", "recognise", "refuse_unpacked"]

# In the order in which contents are tried: what is surest comes first.
READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader(
            "fits",
            "FITS table",
            (".fits", ".fit", ".fts"),
            fits.matches,
            fits.open_fits,
            fits.list_tables,
        ),
        Reader(
            "parquet",
            "Parquet",
            columnar.PARQUET_SUFFIXES,
            columnar.is_parquet,
            columnar.open_parquet,
            refuse_unpacked=packed.refuse_parquet,
        ),
        Reader(
            "arrow",
            "Feather or Arrow",
            (".feather", ".arrow", ".ipc", ".arrows"),
            columnar.is_arrow,
            columnar.open_arrow,
            refuse_unpacked=packed.refuse_arrow,
        ),
        Reader(
            "votable",
            "VOTable",
            (".vot", ".votable", ".xml"),
            votable.matches,
            votable.open_votable,
            votable.list_tables,
            votable.refuse_unpacked,
        ),
        Reader("ecsv", "ECSV", (".ecsv",), ascii.is_ecsv, ascii.open_ecsv),
        Reader("cds", "CDS table", (".mrt", ".cds"), ascii.is_cds, ascii.open_cds),
        Reader("ipac", "IPAC table", (".tbl", ".ipac"), ascii.is_ipac, ascii.open_ipac),
        Reader("jsonl", "JSON lines", (".jsonl", ".ndjson"), jsonl.matches, jsonl.open_jsonl),
        Reader(
            "csv",
            "CSV or TSV",
            (".csv", ".tsv", ".txt", ".dat", ".tab", ".psv"),
            text.matches,
            text.open_csv,
        ),
        Reader(
            "ascii",
            "plain ASCII table",
            (".asc", ".ascii"),
            spaced.matches,
            spaced.open_spaced,
        ),
    )
}

_WEB_PAGE = re.compile(
    r"^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|pre\b)", re.I | re.S
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.I | re.S)
_NOT_READ = {
    b"\x89HDF\r\n": "an HDF5 file",
    b"SQLite format 3\0": "an SQLite database",
    b"PK\x03\x04": "a ZIP archive (or an Excel workbook)",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"(\xb5/\xfd": "compressed with zstd",
}


def open_table(
    path: Path | str, *, part: str | None = None, cancelled: Cancelled = lambda: False
) -> Table:
    """Open a file, or a folder of Parquet files, as a table that is ready to be streamed.

    Parameters
    ----------
    path : where the file is; it is only read
    part : which table of a file that holds several, as ``list_parts`` names them
    cancelled : asked between blocks where a text has to be read through for the types of columns

    Raises
    ------
    UnreadableFileError : the file is no table, or is damaged; raised by ``batches`` as well
    WorkCancelled : ``cancelled`` said so
    """
    path = Path(path)
    reader = recognise(path)
    if part is not None and reader.name not in ("fits", "votable"):
        raise refusal(
            path, f"is {a_or_an(reader.title)} and holds one table, so that it has no part {part!r}"
        )
    with boundary(path, reader.title):
        table = reader.open(path, part, cancelled)
    return replace(table, batches=guarded(path, reader.title, table.batches))


def list_parts(path: Path | str) -> list[Part]:
    """List the tables of a file that may hold several; empty for formats that hold one."""
    path = Path(path)
    reader = recognise(path)
    with boundary(path, reader.title):
        return reader.list_tables(path)


def refuse_unpacked(path: Path, most_bytes: int, cancelled: Cancelled = lambda: False) -> None:
    """Refuse a file that would unpack to more, before any of it is read as a table.

    Raises
    ------
    UnreadableFileError : it holds more, or is damaged
    WorkCancelled : ``cancelled`` said so
    """
    reader = recognise(path)
    with boundary(path, reader.title):
        if is_gzipped(path):
            packed.refuse_gzip(path, most_bytes, cancelled)
        reader.refuse_unpacked(path, most_bytes, cancelled)


def recognise(path: Path | str) -> Reader:
    """Find the reader for a file by its content, else by its suffix.

    Raises
    ------
    UnreadableFileError : not there, empty, or of no known format
    """
    path = Path(path)
    with boundary(path, "table"):
        if path.is_dir():
            return _recognise_folder(path)
        if not path.exists():
            raise refusal(path, "is not there", "Check the name and the folder.")
        if not path.is_file():
            raise refusal(path, "is not a file", "Choose a file that holds a table.")
        if path.stat().st_size == 0:
            raise refusal(path, "is empty", "Download or copy the file again.")
        head = peek(path)
    if not head.bytes.strip():
        raise refusal(path, "is empty", "Download or copy the file again.")
    _refuse_strangers(path, head)
    for reader in READERS.values():
        if reader.matches(head):
            return reader
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    for reader in READERS.values():
        if suffixes and suffixes[-1] in reader.suffixes:
            if reader.name == "csv" and not head.text:
                break
            return reader
    raise refusal(path, "is in a format that is not known", f"Known are {_known()}.")


def _recognise_folder(path: Path) -> Reader:
    if columnar.parquet_files(path):
        return READERS["parquet"]
    raise refusal(
        path,
        "is a folder without Parquet files",
        "Choose a single file, or a folder of Parquet files.",
    )


def _refuse_strangers(path: Path, head: Head) -> None:
    """Name what is certainly something else, whatever its suffix claims."""
    if _WEB_PAGE.match(head.text):
        title = _TITLE.search(head.text)
        named = " ".join(title[1].split())[:80] if title else ""
        raise refusal(
            path,
            "is a web page, not a table" + (f": {named!r}" if named else ""),
            "The server may have sent an error or a login page; download the table again.",
        )
    if head.bytes[257:262] == b"ustar":
        raise refusal(path, "is a tar archive, not a table", "Unpack it and choose a file in it.")
    for magic, what in _NOT_READ.items():
        if head.bytes.startswith(magic):
            raise refusal(
                path,
                f"is {what}, not a table",
                "Unpack it, or save the table as FITS, Parquet or CSV.",
            )


def _known() -> str:
    return ", ".join(reader.title for reader in READERS.values())
