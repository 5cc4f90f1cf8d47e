"""A saved model of texts: the same features in scikit-learn's own terms, and nothing of ours."""

import io
import subprocess
import sys

import joblib
import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import Pipeline

from al_engine.learning.mixed import Reader
from al_engine.learning.plain_texts import plain_reader, reader_in
from al_engine.learning.preparation import Preparation, fit_preparation
from al_engine.learning.words import count_terms, learn_vocabulary

TEXTS = [
    "A <b>fine</b> film.<br /><br />Not dull &amp; not long!!",
    "a fine film; NOT dull\u00e9 at all &lt;b&gt; 1 < 2 and 3 > 2",
    "\U0001f600 \U0001f600 d\u00e9j\u00e0 vu, don't you think?! \U0001f600",
    "",
    "<<<>>> &#x1f600; &nbsp; \ufeff \u0000 d\u00e9j\u00e0 vu don't",
    "long " * 20_000 + "STRASSE stra\u00dfe \u0130stanbul",
    "long \u65e5\u672c\u8a9e \u65e5\u672c\u8a9e 1 < 2 <a\nb> and not at all",
]
NUMBERS = np.array([[1, np.nan, 3, 4, 5, 6, 7], [0, 0, 9, 0, 0, np.nan, 1]], dtype=np.float32)


def reader_of(n_numbers: int = 0, *, scale: bool = True, n_texts: int = 1) -> Reader:
    vocabulary, _ = learn_vocabulary(count_terms([*TEXTS, *TEXTS]), np.arange(2 * len(TEXTS)))
    numbers = NUMBERS[:n_numbers].T
    preparation = fit_preparation(numbers, scale=scale) if n_numbers else Preparation(None, None, 0)
    return Reader(vocabulary, preparation, n_texts)


def rows_of(n_numbers: int, *columns: list) -> np.ndarray:
    cells = [NUMBERS[i].astype(object) for i in range(n_numbers)]
    return np.array([*cells, *(np.array(c, dtype=object) for c in columns)], dtype=object).T


def loaded(step):
    file = io.BytesIO()
    joblib.dump(step, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("n_numbers", [0, 2])
@pytest.mark.parametrize("scale", [True, False])
def test_it_gives_the_features_that_the_project_learned_from(n_numbers: int, scale: bool):
    reader = reader_of(n_numbers, scale=scale)
    ours = reader.mixed(NUMBERS[:n_numbers], TEXTS).take(np.arange(len(TEXTS)))
    for step in (plain_reader(reader), loaded(plain_reader(reader))):
        theirs = step.transform(rows_of(n_numbers, TEXTS))
        assert issparse(theirs)
        np.testing.assert_allclose(theirs.toarray(), ours.toarray(), rtol=2e-6, atol=1e-7)


def test_what_is_missing_is_no_word_and_several_texts_are_read_as_one():
    step = plain_reader(reader_of(n_texts=2))
    some = np.array([["a fine", None], [None, float("nan")], ["a fine", "film"]], dtype=object)
    found = step.transform(some).toarray()
    one = plain_reader(reader_of()).transform(np.array([["a fine"], [""], ["a fine film"]], object))
    np.testing.assert_array_equal(found, one.toarray())
    assert found[1].sum() == 0


def test_a_saved_one_is_read_by_what_scores_quickly():
    reader = reader_of(2)
    found = reader_in(loaded(plain_reader(reader)))
    assert found is not None
    assert found.vocabulary.terms.tolist() == reader.vocabulary.terms.tolist()
    some = [found.mixed(NUMBERS, TEXTS), reader.mixed(NUMBERS, TEXTS)]
    a, b = (each.take(np.arange(len(TEXTS))).toarray() for each in some)
    np.testing.assert_array_equal(a, b)
    assert reader_in(reader) is reader
    assert reader_in(ComplementNB()) is None


def test_it_is_loaded_and_predicts_where_sextant_is_not(tmp_path):
    reader = reader_of(1)
    rows = rows_of(1, TEXTS)
    step = plain_reader(reader)
    model = ComplementNB().fit(abs(step.transform(rows)), [0, 1, 0, 1, 0, 1, 0])
    joblib.dump(Pipeline([("reader", step), ("model", model)]), tmp_path / "m.joblib")
    joblib.dump(rows, tmp_path / "rows.joblib")
    said = subprocess.run(
        [
            sys.executable, "-I", "-c",
            "import sys, joblib\n"
            "model = joblib.load('m.joblib')\n"
            "print(model.predict_proba(joblib.load('rows.joblib')).tolist())\n"
            "print([name for name in sys.modules if name.startswith('al_engine')])",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    here = Pipeline([("reader", step), ("model", model)]).predict_proba(rows)
    assert said == [str(here.tolist()), "[]"]


def test_nothing_of_ours_is_named_in_the_file():
    file = io.BytesIO()
    joblib.dump(plain_reader(reader_of(2)), file)
    assert b"al_engine" not in file.getvalue()
