"""Rows that have texts: columns of numbers, and the words of a text beside them.

Owns how both become the one sparse matrix that a model sees, numbers first, in a project as for
texts that nobody counted.  Takes arrays; knows no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from al_engine.learning.preparation import Preparation
from al_engine.learning.words import Vocabulary, Words

Columns: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class Mixed:
    """Numbers and words of the same rows, as a scorer takes them.

    ``numbers`` has shape (n_numbers, n_places), as it is before ``preparation``; ``words`` has
    shape (n_rows, n_terms).  The place p of the numbers is row ``row_at[p]`` of the words.
    """

    numbers: Columns
    words: Words
    row_at: NDArray[np.integer[Any]]
    preparation: Preparation

    def take(self, places: Rows) -> csr_matrix:
        """What a model sees of some places, shape (n, n_numbers + n_terms), float32."""
        return joined(
            self.preparation.transform(self.numbers[:, places].T) if len(self.numbers) else None,
            self.words[self.row_at[places]],
        )


def joined(numbers: NDArray[np.floating[Any]] | None, words: Words) -> csr_matrix:
    """Prepared numbers, shape (n, n_numbers), before words."""
    if numbers is None:
        return csr_matrix(words)
    dense = csr_matrix(np.asarray(numbers, dtype=np.float32))
    return csr_matrix(hstack([dense, words], format="csr", dtype=np.float32))


@dataclass(frozen=True)
class Reader:
    """What makes of numbers and texts that are in no project what its models see.

    ``n_texts`` columns are read as one text.
    """

    vocabulary: Vocabulary
    preparation: Preparation
    n_texts: int

    @property
    def n_numbers(self) -> int:
        return self.preparation.n_numbers

    @property
    def n_features_in_(self) -> int:
        return self.n_numbers + self.n_texts

    def mixed(self, numbers: Columns, texts: Sequence[str]) -> Mixed:
        """Columns of numbers, shape (n_numbers, n_rows), and a text for each row."""
        words = self.vocabulary.weigh(texts)
        return Mixed(numbers, words, np.arange(len(texts), dtype=np.int32), self.preparation)
