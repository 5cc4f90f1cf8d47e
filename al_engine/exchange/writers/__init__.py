"""Writers: a table as a file that other people's tools open, streamed, whole or not at all.

Owns the registry of formats.  Must not know catalogues, sessions or models: a table comes as
columns and a stream of record batches, of which no writer keeps one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from al_engine.data.importing import give_back_memory
from al_engine.errors import SettingsError, WorkCancelled
from al_engine.exchange.writers import fits, parquet, text, votable
from al_engine.exchange.writers.outgoing import Meanwhile, Outgoing
from al_engine.files import whole_file

__all__ = ["FORMATS", "Format", "Outgoing", "format_of", "write_table"]


@dataclass(frozen=True)
class Format:
    """A format that tables are written in, by a writer that goes through the rows so often."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    write: Callable[[Path, Outgoing, Meanwhile], None]
    help: str
    n_passes: int = 1


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "fits",
            "FITS",
            (".fits", ".fit", ".fts"),
            fits.write,
            "A binary table with units. Text is UTF-8; names beyond ASCII are spelled out.",
            n_passes=2,
        ),
        Format(
            "votable",
            "VOTable",
            (".vot", ".votable", ".xml"),
            votable.write,
            "XML with units, descriptions and UCDs, for TOPCAT, Aladin and the archives.",
        ),
        Format(
            "ecsv", "ECSV", (".ecsv",), text.write_ecsv, "Text with units, for astropy and people."
        ),
        Format("csv", "CSV", (".csv",), text.write_csv, "Text for any program; it keeps no units."),
        Format(
            "parquet",
            "Parquet",
            (".parquet", ".parq", ".pq"),
            parquet.write,
            "Compressed columns with units: the smallest and quickest.",
        ),
    )
}


def format_of(path: Path) -> Format:
    """The format that a file's suffix stands for.

    Raises
    ------
    SettingsError : no such format
    """
    for form in FORMATS.values():
        if path.suffix.lower() in form.suffixes:
            return form
    known = ", ".join(form.suffixes[0] for form in FORMATS.values())
    raise SettingsError(
        f"'{path.name}' ends in no format that can be written.", f"Use one of {known}."
    )


def write_table(
    path: Path,
    table: Outgoing,
    form: Format,
    progress: Callable[[int], None] = lambda n_rows: None,
    cancelled: Callable[[], bool] = lambda: False,
    refuse_size: Callable[[int], None] = lambda n_bytes: None,
) -> int:
    """Write a table in place of whatever stands at ``path``; how many rows it has.

    Parameters
    ----------
    progress : hears the number of rows done so far after each batch; one that has to be gone
        through twice is half done after the first time
    cancelled : asked before each batch
    refuse_size : raises where there is no room for so many bytes; asked where they are known before

    Raises
    ------
    WorkCancelled : ``cancelled`` said so
    SettingsError : the format cannot hold such a table
    ProjectError : the disk is full, or may not be written to
    """
    n_rows = 0

    def go_on() -> None:
        if cancelled():
            raise WorkCancelled("The export was cancelled.", "No file was written.")

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal n_rows
        for batch in table.batches:
            go_on()
            yield batch
            n_rows += batch.num_rows
            progress(n_rows // form.n_passes)
        go_on()

    def wrote(n_again: int) -> None:
        go_on()
        progress((n_rows + n_again) // form.n_passes)

    with whole_file(path) as partial:
        form.write(partial, replace(table, batches=batches()), Meanwhile(wrote, refuse_size))
    give_back_memory()
    return n_rows
