"""The texts of a project as features: counted once, weighed by its training texts, kept on disk.

Owns the files of counts and features, and the two axes along which texts differ most.  Nothing is
counted before it is needed, so that settings can be tried without waiting for it; must not know
labels or learners.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import ArpackError
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA

from al_engine.data.bundled import find_bundled, keep_bundled
from al_engine.data.catalogue import Catalogue
from al_engine.data.mapped import Array, New, Room, Sort, find_mapped, is_mapped, open_mapped
from al_engine.data.matrix import Matrix
from al_engine.errors import WorkCancelled
from al_engine.jobs import Cancelled, Progress
from al_engine.learning.mixed import Mixed, Reader
from al_engine.learning.plain_texts import plain_reader
from al_engine.learning.preparation import Preparation
from al_engine.learning.words import Counts, Vocabulary, Words, count_terms, learn_vocabulary

_COUNTS = Sort(".counts", np.uint8, 2)
_WORDS = Sort(".words", np.uint8, 2)
_AXES = Sort(".textaxes", np.float32, 2)
AXES_FROM = 10_000  # texts, evenly through the catalogue, tell along which axes they differ


class Texts:
    """Some columns of a catalogue, read as one text; whoever needs what is counted waits for it.

    ``making`` is held while a file is written.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        columns: Sequence[str],
        folder: Path,
        room: Room = lambda n_bytes: None,
        making: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self._catalogue, self._folder, self._room = catalogue, folder, room
        self._made_of = ("texts", catalogue.fingerprint, catalogue.whole_text_sql(columns))
        # Whoever holds the first may take the second, and nobody the other way round.
        self._lock, self._making = threading.RLock(), making or threading.RLock()

    @property
    def is_counted(self) -> bool:
        return is_mapped(self._folder, _COUNTS, self._made_of)

    def count(
        self,
        progress: Progress = lambda n_done, of: None,
        cancelled: Cancelled = lambda: False,
    ) -> Counts:
        """Count all terms, or map what was counted; WorkCancelled leaves nothing behind.

        Raises
        ------
        SettingsError : no word stands in two texts
        """
        with self._lock:
            held = find_bundled(self._folder, _COUNTS, self._made_of)
            if held is None:
                counts = count_terms(self._texts(progress, cancelled))
                _stop_where(cancelled)
                held = self._keep(_COUNTS, (), _taken_apart(counts.matrix, counts.terms))
            return Counts(_matrix(held), _terms(held))

    def weigh(self, rows: npt.NDArray[np.intp]) -> tuple[Vocabulary, Words]:
        """The vocabulary of the texts in some rows, and the features of all texts by it.

        The features have shape (n_rows, n_terms): read-only float32, mapped from disk.

        Raises
        ------
        SettingsError : no word stands in two of them
        """
        of = hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).hexdigest()
        with self._lock:
            held = find_bundled(self._folder, _WORDS, (*self._made_of, of))
            if held is None:
                vocabulary, words = learn_vocabulary(self.count(), rows)
                made = _taken_apart(words, vocabulary.terms)
                held = self._keep(_WORDS, (of,), {**made, "idf": vocabulary.idf})
            return Vocabulary(_terms(held), held["idf"]), _matrix(held)

    def axes(self) -> Array:
        """Where each text lies along the two axes in which texts differ most, (2, n_rows).

        They are for looking at alone: texts of every set are in them.
        """
        shape = (2, self._catalogue.n_rows)

        def fits(held: Array) -> bool:
            return held.shape == shape

        with self._lock:
            held = find_mapped(self._folder, _AXES, self._made_of, fits)
            if held is not None:
                return held
            along = _principal(self.count())

            def write(new: New) -> None:
                new(shape)[:] = along

            with self._making:
                return open_mapped(self._folder, _AXES, self._made_of, fits, write, self._room)

    def _keep(self, sort: Sort, more: Sequence[str], arrays: Mapping[str, Array]) -> Any:
        with self._making:
            made_of = (*self._made_of, *more)
            return keep_bundled(self._folder, sort, made_of, arrays, self._room)

    def _texts(self, progress: Progress, cancelled: Cancelled) -> Iterator[str]:
        n_done = 0
        for texts in self._catalogue.text_batches(self.columns):
            _stop_where(cancelled)
            yield from texts
            n_done += len(texts)
            progress(n_done, self._catalogue.n_rows)


def _stop_where(cancelled: Cancelled) -> None:
    if cancelled():
        raise WorkCancelled("The texts were not counted: you stopped it.")


class TextMatrix:
    """The features of all objects where texts are among them: numbers as before, words beside them.

    What the texts of the ``training`` rows tell is learned when it is first asked for.
    """

    def __init__(
        self,
        numbers: Matrix,
        texts: Texts,
        training: npt.NDArray[np.intp],
        preparation: Preparation,
    ) -> None:
        self.numbers, self.texts, self.preparation = numbers, texts, preparation
        self.row_at, self.place_of = numbers.row_at, numbers.place_of
        self._training = training
        self._lock = threading.Lock()
        self._weighed: tuple[Vocabulary, Words] | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        return self._learned()[0]

    @property
    def words(self) -> Words:
        """The words of all texts, in the catalogue's order, shape (n_rows, n_terms)."""
        return self._learned()[1]

    def _learned(self) -> tuple[Vocabulary, Words]:
        with self._lock:
            if self._weighed is None:
                self._weighed = self.texts.weigh(self._training)
            return self._weighed

    @property
    def columns(self) -> Mixed:
        """What a scorer takes, in the order of places."""
        return Mixed(self.numbers.columns, self.words, self.row_at, self.preparation)

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> csr_matrix:
        """What a model sees of some rows of the catalogue, (n, n_numbers + n_terms), float32."""
        return self.columns.take(self.place_of[rows].astype(np.intp))

    @cached_property
    def reader(self) -> ColumnTransformer:
        """What makes the same of rows of numbers and texts that are in no catalogue.

        Kept: it is saved with every round, and half a million terms take a sixth of a second.
        """
        return plain_reader(Reader(self.vocabulary, self.preparation, len(self.texts.columns)))


def _taken_apart(matrix: csr_matrix, terms: Iterable[str]) -> dict[str, Array]:
    written = "\n".join(terms).encode()
    return {
        "ends": np.asarray(matrix.indptr, dtype=np.int64),
        "places": np.asarray(matrix.indices, dtype=np.int32),
        "values": np.asarray(matrix.data, dtype=np.float32),
        "terms": np.frombuffer(written, dtype=np.uint8),
    }


def _terms(held: Mapping[str, Array]) -> npt.NDArray[np.object_]:
    return np.array(held["terms"].tobytes().decode().split("\n"), dtype=np.object_)


def _matrix(held: Mapping[str, Array]) -> csr_matrix:
    n_terms = int(np.count_nonzero(held["terms"] == ord("\n"))) + 1
    shape = (len(held["ends"]) - 1, n_terms)
    # Its two kinds of numbers have to be of one kind: where there are few, of the small one.
    ends = held["ends"]
    if len(held["places"]) <= np.iinfo(np.int32).max:
        ends = ends.astype(np.int32)
    made = csr_matrix(shape, dtype=np.float32)
    made.data, made.indices, made.indptr = held["values"], held["places"], ends
    return made


def _principal(counts: Counts) -> npt.NDArray[np.float32]:
    """Texts along the first two principal components of their features, shape (2, n_texts)."""
    n_texts = counts.matrix.shape[0]
    _, words = learn_vocabulary(counts, np.arange(n_texts), 1)
    some = words[:: -(-n_texts // AXES_FROM)]
    if min(some.shape) < 3:
        return np.zeros((2, n_texts), dtype=np.float32)
    # Centred without being filled in; the signs of its components are settled by scikit-learn.
    try:
        fitted = PCA(2, svd_solver="arpack", random_state=0).fit(some)
    except ArpackError:  # texts that are all alike differ along no axis
        return np.zeros((2, n_texts), dtype=np.float32)
    along = words @ fitted.components_.T - fitted.mean_ @ fitted.components_.T
    return np.ascontiguousarray(along.T, dtype=np.float32)
