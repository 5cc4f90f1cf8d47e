"""The reading of texts in scikit-learn's own terms, so that a saved model needs nothing of ours.

Owns the first step of a saved model of texts: cleaned, split and weighed as ``words`` does it, by
what scikit-learn, NumPy and Python bring, and the way back from it.  Takes what was fitted.
"""

import html
from functools import partial
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from al_engine.learning.mixed import Reader
from al_engine.learning.preparation import Preparation
from al_engine.learning.words import TAG, WORD, Vocabulary


def plain_reader(reader: Reader) -> ColumnTransformer:
    """What a reader does as a fitted transformer, of which every part is somebody else's.

    It takes rows of numbers (NaN where missing) and then of texts (None or NaN where missing), as
    an array of objects of shape (n_rows, n_numbers + n_texts), and gives CSR of shape
    (n_rows, n_numbers + n_terms).
    """
    n = reader.n_numbers
    parts = [("texts", FrozenEstimator(_texts(reader)), slice(n, n + reader.n_texts))]
    if n:
        parts.insert(0, ("numbers", FrozenEstimator(_numbers(reader.preparation)), slice(0, n)))
    nothing = np.array([[0.0] * n + [""] * reader.n_texts], dtype=object)
    return ColumnTransformer(parts, sparse_threshold=1.0).fit(nothing)


def reader_in(step: Any) -> Reader | None:
    """The reader that a saved model's first step is, ours or in scikit-learn's terms, or None."""
    if isinstance(step, Reader):
        return step  # as models were saved before
    if not isinstance(step, ColumnTransformer):
        return None
    parts = {name: part for name, part, _ in step.transformers_}
    if not isinstance(parts.get("texts"), FrozenEstimator):
        return None
    words = parts["texts"].estimator.steps[-1][1]
    terms = np.array(list(words.vocabulary_), dtype=np.object_)
    vocabulary = Vocabulary(terms, np.asarray(words.idf_, dtype=np.float32))
    preparation, n = Preparation(None, None), 0
    if "numbers" in parts:
        steps = parts["numbers"].estimator.named_steps
        n = steps["imputer"].n_features_in_
        preparation = Preparation(steps["imputer"], steps.get("scaler"), n)
    return Reader(vocabulary, preparation, step.n_features_in_ - n)


def _numbers(preparation: Preparation) -> Pipeline:
    steps = [("single", FunctionTransformer(np.asarray, kw_args={"dtype": np.float32}))]
    steps.append(("imputer", preparation.imputer))
    if preparation.scaler is not None:
        steps.append(("scaler", preparation.scaler))
    return Pipeline(steps)


def _texts(reader: Reader) -> Pipeline:
    terms = reader.vocabulary.terms
    words = TfidfVectorizer(
        token_pattern=WORD.pattern, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32
    )
    words.vocabulary_ = _Places(zip(terms, range(len(terms)), strict=True))
    words.idf_ = reader.vocabulary.idf
    return Pipeline(
        [
            ("objects", FunctionTransformer(np.asarray, kw_args={"dtype": object})),
            ("nan", _blank(np.nan, reader.n_texts)),
            ("none", _blank(None, reader.n_texts)),
            ("one_text", FunctionTransformer(partial(map, "\n".join))),
            ("without_tags", FunctionTransformer(partial(map, partial(TAG.sub, " ")))),
            ("entities", FunctionTransformer(partial(map, html.unescape))),
            ("words", words),
        ]
    )


def _blank(missing: Any, n_texts: int) -> SimpleImputer:
    """What puts no text where one is missing."""
    blank = SimpleImputer(missing_values=missing, strategy="constant", fill_value="")
    return blank.fit(np.full((1, n_texts), "", dtype=object))


class _Places(dict[str, int]):
    """The place of each term, in order; saved as a plain dict, by calls of Python's own.

    Written entry by entry, hundreds of thousands of terms would hold up every answer.
    """

    def __reduce__(self) -> Any:
        terms = _Call(str.split, "\n".join(self), "\n")
        return dict, (_Call(zip, terms, range(len(self))),)


class _Call:
    """What is saved as a call, and is what the call gives once it is loaded."""

    def __init__(self, *call: Any) -> None:
        self._call = call

    def __reduce__(self) -> Any:
        function, *arguments = self._call
        return function, tuple(arguments)
