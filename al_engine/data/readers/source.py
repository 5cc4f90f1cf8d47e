"""What every reader shares: a look at a file's first bytes, its parts, and the boundary.

Owns the turning of anything a hostile or damaged file can provoke into one sentence.  Must
not know any single format.
"""

import gzip
import lzma
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast
from xml.parsers.expat import ExpatError

import pyarrow as pa
from astropy.io.fits import VerifyError
from astropy.table.meta import YamlParseError

from al_engine.data.table import Table
from al_engine.errors import UnreadableFileError, WorkCancelled, disk_said
from al_engine.jobs import Cancelled

HEAD_BYTES = 65_536
_BINARY = re.compile(rb"[\x00-\x08]")

# What astropy, pyarrow and the standard library have been seen to raise on damaged bytes.
# UnboundLocalError and AssertionError are slips of theirs that bad input can reach.
_PROVOKED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ExpatError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    UnboundLocalError,
    ValueError,
    VerifyError,
    YamlParseError,
    pa.ArrowException,
    struct.error,
)
_CUT_SHORT = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
DOWNLOAD_AGAIN = "Download or copy the file again."


@dataclass(frozen=True)
class Part:
    """One of several tables in a file; ``name`` is what ``open_table(part=...)`` takes."""

    name: str
    n_rows: int | None
    n_columns: int
    description: str = ""


@dataclass(frozen=True)
class Head:
    """The first bytes of a file, taken out of gzip."""

    bytes: bytes
    compressed: bool

    @cached_property
    def text(self) -> str:
        """The first bytes as text; empty where they are not text."""
        if self.bytes.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.bytes.decode("utf-16", errors="replace").lstrip("\ufeff")
        if _BINARY.search(self.bytes):
            return ""
        # Undecodable bytes become marks, not errors: a character may be cut at the end.
        return self.bytes.decode("utf-8-sig", errors="replace")


@dataclass(frozen=True)
class Reader:
    """A family of files: how to know one, open it, and list the tables in it.

    ``title`` is the bare name, without an article; ``matches`` judges the content alone;
    ``open`` asks between blocks whether it is cancelled where it runs through the whole file;
    ``list_tables`` gives nothing for formats that hold one table a file; ``refuse_unpacked``
    refuses a file that unpacks to more bytes than it is told, where the format packs.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    matches: Callable[[Head], bool]
    open: Callable[[Path, str | None, Cancelled], Table]
    list_tables: Callable[[Path], list[Part]] = lambda path: []
    refuse_unpacked: Callable[[Path, int, Cancelled], None] = lambda path, most, cancelled: None


def go_on(cancelled: Cancelled) -> None:
    """Raise WorkCancelled where the person has stopped the import."""
    if cancelled():
        raise WorkCancelled("The import was cancelled.", "Nothing of it was kept.")


def is_gzipped(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading bytes, out of gzip where it is compressed."""
    if is_gzipped(path):
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def peek(path: Path) -> Head:
    """Read the first bytes; what is left of a gzip file that is cut short is enough."""
    compressed = is_gzipped(path)
    pieces: list[bytes] = []
    with open_bytes(path) as stream:
        try:
            while sum(map(len, pieces)) < HEAD_BYTES and (piece := stream.read(4096)):
                pieces.append(piece)
        except _CUT_SHORT:
            if not pieces:
                raise
    return Head(b"".join(pieces)[:HEAD_BYTES], compressed)


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Give a whole file as text, and a note where it is not in UTF-8."""
    with open_bytes(path) as stream:
        content = stream.read()
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return content.decode("latin-1"), (LATIN_1_NOTE,)


LATIN_1_NOTE = "The text is not UTF-8; it was read as Latin-1."


def refusal(path: Path, what: str, hint: str = "") -> UnreadableFileError:
    """Say in one sentence what is wrong with a file, by its name."""
    return UnreadableFileError(f"{path.name or path} {what}.", hint)


def a_or_an(title: str) -> str:
    """Put the article before the title of a reader that takes one.

    >>> [a_or_an(title) for title in ("FITS table", "IPAC table", "VOTable", "Parquet")]
    ['a FITS table', 'an IPAC table', 'a VOTable', 'Parquet']
    """
    if not title.lower().endswith("table"):
        return title
    return f"{'an' if title[0] in 'AEIOU' else 'a'} {title}"


@contextmanager
def boundary(path: Path, title: str) -> Iterator[None]:
    """Turn whatever a file provokes into an UnreadableFileError; keep libraries quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except FileNotFoundError as error:
            raise refusal(path, "is not there", "Check the name and the folder.") from error
        except PermissionError as error:
            raise refusal(path, "may not be read", "Check its permissions.") from error
        except _CUT_SHORT as error:
            raise refusal(
                path, "is compressed, and is cut short or damaged", DOWNLOAD_AGAIN
            ) from error
        except _PROVOKED as error:
            if isinstance(error, OSError) and error.errno:
                raise refusal(path, f"cannot be read: {disk_said(error).lower()}") from error
            raise refusal(
                path,
                f"is damaged, or is not {a_or_an(title)} after all ({in_brief(str(error))})",
                DOWNLOAD_AGAIN,
            ) from error


def guarded(
    path: Path, title: str, batches: Callable[[], Iterator[pa.RecordBatch]]
) -> Callable[[], Iterator[pa.RecordBatch]]:
    """Put a stream of batches behind the boundary, one batch at a time.

    The boundary is entered anew for each batch, because the filter on warnings belongs to the
    whole process and must not stay while others work.
    """

    def stream() -> Iterator[pa.RecordBatch]:
        with boundary(path, title):
            iterator = batches()
        while True:
            with boundary(path, title):
                batch = next(iterator, None)
            if batch is None:
                return
            yield batch

    return stream


def in_brief(text: str, limit: int = 160) -> str:
    r"""Give the first line of a text, without a full stop, cut to a readable length.

    >>> in_brief("line one.\nline two")
    'line one'
    """
    lines = [" ".join(line.split()) for line in text.splitlines()]
    first = next((line for line in lines if line), "no reason given").rstrip(".")
    return first if len(first) <= limit else first[: limit - 1] + "…"
