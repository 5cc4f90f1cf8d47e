"""A saved model applied to another catalogue, row by row, into a file.

Owns the way from a file's columns to the model's features, and the columns that are written.  Must
not know projects.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sklearn
from sklearn.pipeline import Pipeline

from al_engine.data.columns import CatalogueColumn, CatalogueColumns
from al_engine.data.computed import compute
from al_engine.data.features import feature_sql
from al_engine.data.importing import kind_of, stored_names
from al_engine.data.matrix import single
from al_engine.data.readers import open_table
from al_engine.data.readers.arrays import unique_names
from al_engine.data.table import Column, Table
from al_engine.errors import SettingsError, UnknownColumnError
from al_engine.exchange.predictions import arrays_of, columns_of
from al_engine.exchange.saved import WARNING, SavedModel, load, reader_of
from al_engine.exchange.writers import Outgoing, format_of, write_table
from al_engine.learning.compiled import Columns
from al_engine.learning.scoring import Scored, consensus, estimator_scorer


def apply_model(
    saved: SavedModel,
    catalogue: Path,
    out: Path,
    *,
    renamed: Mapping[str, str] | None = None,
    keep: Sequence[str] | None = None,
    part: str | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> int:
    """Write a catalogue with the probability and the prediction of a saved model; how many rows.

    Parameters
    ----------
    saved : a model that ``open_saved`` has checked
    catalogue : any file that ``open_table`` reads
    out : its suffix says the format
    renamed : a column of the model to the column of the catalogue that is to serve as it
    keep : the catalogue's columns to write; all where None
    part : which table of a file that holds several
    say : hears what a person should know

    Raises
    ------
    UnusableModelError : the model cannot be loaded, or is not of its features
    UnknownColumnError : columns that the catalogue lacks, named
    UnsuitableColumnError : a column of text where the model needs a number
    UnreadableFileError, SettingsError, ProjectError
    """
    form = format_of(out)
    if out.exists() and catalogue.exists() and out.samefile(catalogue):
        raise SettingsError(f"'{out.name}' is the catalogue itself.", "Write to another file.")
    table = open_table(catalogue, part=part)
    columns = _as_the_model_calls_them(saved, table, catalogue.name, renamed or {})
    expressions = [feature_sql(feature, columns, saved.missing) for feature in saved.features]
    kept = _kept(table, catalogue.name, keep)
    say(WARNING)
    if saved.scikit_learn != sklearn.__version__:
        say(
            f"The model was saved with scikit-learn {saved.scikit_learn}; this is "
            f"{sklearn.__version__}, which may answer differently."
        )
    score = _scorer(load(saved), saved.codes)
    texts_sql = [columns.whole_text_sql(saved.texts)] if saved.texts else []
    ours = columns_of(saved.label, saved.name, saved.classes, saved.line)
    carried = [table.columns[i] for i in kept]
    names, _ = unique_names([c.name for c in (*ours, *carried)])
    # The model's own columns come first to their names, and stand last.
    all_named = [_named(c, name) for c, name in zip((*ours, *carried), names, strict=True)]
    written = (*all_named[len(ours) :], *all_named[: len(ours)])
    stored = stored_names([column.name for column in table.columns])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            rows = pa.Table.from_arrays(batch.columns, names=stored)
            X = np.empty((len(expressions), batch.num_rows), dtype=np.float32)
            computed = compute(rows, [*expressions, *texts_sql])
            for into, numbers in zip(X, computed, strict=False):
                into[:] = single(numbers.astype(np.float64))
            X.flags.writeable = False  # as what a project maps from disk: one compilation serves
            made = score(X, computed[len(expressions) :])
            proba = consensus(made.members)
            told = proba if saved.classes else proba[:, 1]
            said = proba.argmax(axis=1) if saved.classes else proba[:, 1] > 0.5
            arrays = [
                *(batch.column(i) for i in kept),
                *arrays_of(made.by_row(told), made.by_row(said), saved.classes, line=saved.line),
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=[c.name for c in written])

    about = {
        "CREATOR": "Sextant",
        "DATE": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",  # UTC, as FITS has it
        "MODEL": saved.stem,
        "SHA256": " ".join(saved.hashes.values()),
        "CATALOG": catalogue.name,
    }
    return write_table(out, Outgoing("predictions", written, batches(), about), form)


def _scorer(
    estimators: Sequence[Any], codes: npt.NDArray[np.intp]
) -> Callable[[Columns, Sequence[Any]], Scored]:
    """A function of columns of numbers, and of one of texts where the model reads them."""
    reader = reader_of(estimators[0])
    if reader is not None:
        estimators = [Pipeline(estimator.steps[1:]) for estimator in estimators]
    score = estimator_scorer(estimators, codes)

    def scored(X: Columns, texts: Sequence[Any]) -> Scored:
        rows = np.arange(X.shape[1], dtype=np.intp)
        return score(X if reader is None else reader.mixed(X, texts[0]), rows)

    return scored


def parse_renamed(text: str, saved_columns: Sequence[str]) -> dict[str, str]:
    """Read ``OURS=THEIRS,...``, where names may hold a sign of equality themselves.

    Raises
    ------
    SettingsError : a pair without a column of the model before its sign
    """
    renamed = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        pieces = pair.split("=")
        tried = [("=".join(pieces[:i]), "=".join(pieces[i:])) for i in range(1, len(pieces))]
        found = next(((ours, theirs) for ours, theirs in tried if ours in saved_columns), None)
        if found is None:
            raise SettingsError(
                f"'{pair}' names no column of the model before its '='.",
                f"They are {', '.join(saved_columns)}.",
            )
        renamed[found[0]] = found[1]
    return renamed


def _as_the_model_calls_them(
    saved: SavedModel, table: Table, file: str, renamed: Mapping[str, str]
) -> CatalogueColumns:
    """The columns that the model needs, under its own names, wherever they come from."""
    stored = stored_names([column.name for column in table.columns])
    there = {column.name: i for i, column in enumerate(table.columns)}
    wanted = {ours: renamed.get(ours, ours) for ours in saved.columns}
    _refuse_missing([theirs for theirs in wanted.values() if theirs not in there], there, file)
    return CatalogueColumns(
        CatalogueColumn(ours, stored[i], kind_of(table.columns[i].type), "", "")
        for ours, i in ((ours, there[theirs]) for ours, theirs in wanted.items())
    )


def _kept(table: Table, file: str, keep: Sequence[str] | None) -> list[int]:
    there = {column.name: i for i, column in enumerate(table.columns)}
    if keep is None:
        return list(there.values())
    _refuse_missing([name for name in keep if name not in there], there, file)
    return [there[name] for name in dict.fromkeys(keep)]


def _refuse_missing(missing: Sequence[str], there: Mapping[str, int], file: str) -> None:
    if not missing:
        return
    named = ", ".join(f"`{name}`" for name in missing)
    close = {c for name in missing for c in difflib.get_close_matches(name, there, n=2, cutoff=0.5)}
    nearest = f" Closest: {', '.join(sorted(close))}." if close else ""
    raise UnknownColumnError(
        f"The catalogue '{file}' has no column{'s' * (len(missing) > 1)} {named}.",
        f"Say which of its columns to take with --map OURS=THEIRS.{nearest}",
    )


def _named(column: Column, name: str) -> Column:
    return Column(name, column.type, column.unit, column.description)
