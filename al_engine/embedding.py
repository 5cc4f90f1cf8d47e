"""A catalogue's texts as a table of numbers, to be joined to it by id.

Owns which texts are embedded, and what the table says.  Must not know which package makes numbers
of texts, nor projects.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from al_engine.data.catalogue import Catalogue
from al_engine.data.columns import CatalogueColumn, CatalogueColumns
from al_engine.data.importing import import_table, kind_of
from al_engine.data.readers import open_table
from al_engine.data.readers.arrays import unique_names
from al_engine.data.table import Column, Table
from al_engine.errors import SettingsError, UnusableModelError
from al_engine.exchange.encoders import Encode
from al_engine.exchange.writers import Outgoing, format_of, write_table
from al_engine.guesses import guess_id, is_id
from al_engine.learning.words import without_tags

ROWS_AT_ONCE = 10_000  # written together, so that a file of a million rows is not all headers
TEXTS_AT_ONCE = 500  # encoded together; a slow model needs some seconds for them
_EVERY_S = 5.0


@dataclass(frozen=True)
class Embedded:
    """What was written: so many rows, of which some have no numbers, and columns of numbers."""

    n_rows: int
    n_empty: int
    n_dimensions: int


def embed_file(
    file: Path,
    out: Path,
    encode: Encode,
    *,
    text: str,
    id_column: str | None = None,
    part: str | None = None,
    model_name: str = "",
    say: Callable[[str], None] = lambda sentence: None,
) -> Embedded:
    """Write a catalogue's ids beside the embedding of a column of its texts, row by row.

    A text that is missing or empty, or of which the model knows nothing (zeros), has NULL in all
    columns.  Memory does not grow with the number of texts.

    Parameters
    ----------
    file : any file that ``open_table`` reads
    out : its suffix says the format
    encode : makes numbers of texts, from which tags are gone
    id_column : guessed where None
    part : which table of a file that holds several
    model_name : what the columns say they were made by
    say : hears how far it is

    Raises
    ------
    SettingsError : no column tells objects apart
    UnknownColumnError, UnsuitableColumnError : a column that is not there, or does not serve
    UnusableModelError : the model fails on some text
    UnreadableFileError, ProjectError : the file, or the disk
    """
    form = format_of(out)
    if out.exists() and file.exists() and out.samefile(file):
        raise SettingsError(f"'{out.name}' is the catalogue itself.", "Write to another file.")
    say(f"Reading {file.name}.")
    table = open_table(file, part=part)
    with tempfile.TemporaryDirectory(prefix="sextant-") as temporary:
        kept = Path(temporary) / "catalogue.duckdb"
        import_table(_narrowed(table, text, id_column), kept)
        with closing(Catalogue(kept)) as catalogue:
            embedding = _Embedding(catalogue, text, encode, say)
            id_column = _checked_id(catalogue, id_column, file.name)
            columns = _columns(catalogue, id_column, text, embedding.n_dimensions, model_name)
            about = {
                "CREATOR": "Sextant",
                "DATE": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",  # UTC, as FITS has it
                "MODEL": model_name,
                "CATALOG": file.name,
            }
            rows = embedding.batches(id_column, [column.name for column in columns])
            outgoing = Outgoing("embedding", columns, rows, about, n_rows=catalogue.n_rows)
            n_rows = write_table(out, outgoing, form)
    return Embedded(n_rows, embedding.n_empty, embedding.n_dimensions)


def _narrowed(table: Table, text: str, id_column: str | None) -> Table:
    """A table of its texts and what may be their ids alone; a column that is not there raises."""
    there = CatalogueColumns(
        CatalogueColumn(c.name, c.name, kind_of(c.type), c.unit, c.description)
        for c in table.columns
    )
    there.whole_text_sql([text])
    ids = [c.name for c in there.columns if is_id(c)]
    taken = {text, *(ids if id_column is None else [there.column(id_column).name])}
    at = [i for i, column in enumerate(table.columns) if column.name in taken]
    columns = tuple(table.columns[i] for i in at)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            yield pa.RecordBatch.from_arrays(
                [batch.column(i) for i in at], names=[column.name for column in columns]
            )

    # No longer the whole of what Sextant may have written.
    return replace(table, columns=columns, batches=batches, copy_of=None, joined=())


def _checked_id(catalogue: Catalogue, id_column: str | None, file: str) -> str:
    if id_column is not None:
        catalogue.check_id(id_column)
        return id_column
    guessed = guess_id(catalogue)
    if guessed is None:
        raise SettingsError(
            f"No column of '{file}' is called like an id and tells all objects apart.",
            "Name one with --id; by it the table is joined.",
        )
    return guessed


def _columns(
    catalogue: Catalogue, id_column: str, text: str, n_dimensions: int, model_name: str
) -> tuple[Column, ...]:
    (key,) = catalogue.outgoing([id_column])
    numbered = [f"{text}_{i}" for i in range(1, n_dimensions + 1)]
    names, _ = unique_names([key.name, *numbered])
    by = f" by {model_name}" if model_name else ""
    return (
        replace(key, name=names[0]),
        *(
            Column(name, pa.float32(), "", f"dimension {i} of the embedding of {text}{by}")
            for i, name in enumerate(names[1:], 1)
        ),
    )


class _Embedding:
    """The texts of a catalogue on their way to numbers; ``n_empty`` have had none so far."""

    def __init__(
        self, catalogue: Catalogue, text: str, encode: Encode, say: Callable[[str], None]
    ) -> None:
        self._catalogue, self._text, self._encode, self._say = catalogue, text, encode, say
        self.n_dimensions = encode(["one"]).shape[1]
        self.n_empty = 0

    def batches(self, id_column: str, names: list[str]) -> Iterator[pa.RecordBatch]:
        said_at = time.monotonic()
        n_rows = self._catalogue.n_rows
        for start in range(0, n_rows, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, n_rows)
            ids, texts = self._catalogue.records([id_column, self._text], start, stop)
            read = [without_tags(text or "").strip() for text in texts.to_pylist()]
            made = np.empty((len(read), self.n_dimensions), dtype=np.float32)
            for first in range(0, len(read), TEXTS_AT_ONCE):
                here = slice(first, first + TEXTS_AT_ONCE)
                made[here] = self._encoded(read[here])
                if time.monotonic() - said_at > _EVERY_S:
                    n_done = start + min(here.stop, len(read))
                    self._say(f"{n_done:,} of {n_rows:,} texts.")
                    said_at = time.monotonic()
            is_none = ~np.isfinite(made).all(axis=1) | ~made.any(axis=1)
            self.n_empty += int(is_none.sum())
            arrays = [pa.array(made[:, i], mask=is_none) for i in range(self.n_dimensions)]
            yield pa.RecordBatch.from_arrays([ids, *arrays], names=names)

    def _encoded(self, texts: list[str]) -> NDArray[np.float32]:
        """The numbers of texts, shape (n, n_dimensions); zeros of empty ones."""
        made = np.zeros((len(texts), self.n_dimensions), dtype=np.float32)
        filled = [i for i, text in enumerate(texts) if text]
        if filled:
            try:
                made[filled] = self._encode([texts[i] for i in filled])
            except Exception as error:  # whatever a model's own code may raise
                said = " ".join(str(error).split())[:160] or type(error).__name__
                raise UnusableModelError(
                    f"The model fails on a text: {said}.", "Choose another model."
                ) from error
        return made
