"""The feature matrix: one contiguous float32 column for each feature, mapped from disk.

Owns the ``matrix`` folder of a project.  A file's name is the hash of the data and the SQL that
made it, so a stale one is never read; must not know labels or learners.
"""

import contextlib
import hashlib
import os
import tokenize
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from al_engine.data.catalogue import Catalogue

Matrix = npt.NDArray[np.float32]

FILES_KEPT = 16  # of features and axes that were used last


def open_matrix(folder: Path, catalogue: Catalogue, expressions: Sequence[str]) -> Matrix:
    """Map the matrix of these SQL expressions, making its file first where there is none.

    Returns
    -------
    X : read-only ndarray of shape (n_features, n_rows), float32; NaN where there is no finite
        value (missing, divided by zero, beyond float32)
    """
    text = "\n".join([catalogue.fingerprint, *expressions])
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.npy"
    shape = (len(expressions), catalogue.n_rows)
    found = _map(path, shape)
    if found is not None:
        os.utime(path)
        return found
    folder.mkdir(parents=True, exist_ok=True)
    # A project is open in one process at a time: what is half written here was left by a dead one.
    for left_behind in folder.glob("*.part"):
        left_behind.unlink()
    stale = sorted(folder.glob("*.npy"), key=lambda file: file.stat().st_mtime)[:-FILES_KEPT]
    for file in stale:
        # Where a file that is mapped cannot be removed, it goes another time.
        with contextlib.suppress(OSError):
            file.unlink()
    partial = path.with_suffix(f".{os.getpid()}.part")
    matrix = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=shape)
    row = 0
    for batch in catalogue.number_batches(expressions) if expressions else ():
        n = len(batch[0])
        for i, values in enumerate(batch):
            with np.errstate(over="ignore"):
                column = values.astype(np.float32)
            column[~np.isfinite(column)] = np.nan
            matrix[i, row : row + n] = column
        row += n
    matrix.flush()
    del matrix
    os.replace(partial, path)
    made = _map(path, shape)
    assert made is not None, "a matrix file that was just written can be read"
    return made


def _map(path: Path, shape: tuple[int, int]) -> Matrix | None:
    """Map a matrix file, or None where it is absent, cut short or of another shape."""
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, tokenize.TokenError):
        # What NumPy makes of a torn header depends on where it is torn.
        return None
    return matrix if matrix.shape == shape and matrix.dtype == np.float32 else None
