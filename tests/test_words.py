"""Texts become features that know the training texts alone."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from al_engine.errors import SettingsError
from al_engine.learning.words import clean, count_terms, learn_vocabulary

TEXTS = [
    "A fine film, a very fine film.",
    "Not a fine film at all",
    "A dull film<br /><br />and not fine at all",
    "Dull, dull, dull &amp; long",
    "",
    "Very long and very dull",
]


def test_the_features_are_those_of_scikit_learn_s_vectoriser_fitted_on_the_training_texts():
    rows = np.array([0, 1, 2, 5])
    counts = count_terms(TEXTS)

    vocabulary, words = learn_vocabulary(counts, rows)

    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"\w+")
    theirs.fit([clean(TEXTS[row]) for row in rows])
    assert vocabulary.terms.tolist() == theirs.get_feature_names_out().tolist()
    expected = theirs.transform([clean(text) for text in TEXTS]).toarray()
    np.testing.assert_allclose(words.toarray(), expected, rtol=1e-6)
    assert words.dtype == np.float32


def test_a_text_that_nobody_counted_is_weighed_as_one_that_was():
    vocabulary, words = learn_vocabulary(count_terms(TEXTS), np.arange(len(TEXTS)))

    np.testing.assert_array_equal(vocabulary.weigh(TEXTS).toarray(), words.toarray())


def test_what_stands_in_other_texts_alone_is_no_feature():
    counts = count_terms([*TEXTS, "zebra crossing", "zebra crossing"])

    vocabulary, words = learn_vocabulary(counts, np.arange(len(TEXTS)))

    assert "zebra" in counts.terms
    assert "zebra" not in vocabulary.terms
    assert words[len(TEXTS) :].nnz == 0


def test_words_of_one_letter_and_marks_of_feeling_count():
    counts = count_terms(["I don't know!!", "i don't know !!"])

    assert counts.terms.tolist() == ["!!", "don't", "don't know", "i", "i don't", "know", "know !!"]


def test_tags_and_entities_are_no_words():
    assert clean('<a href="http://x">Up</a>&lt;up&gt;').split() == ["up", "<up>"]
    assert clean("<" * 20_000 + "x") == "<" * 20_000 + "x"


@pytest.mark.parametrize("texts", [[], ["", ""], ["one two", "three four"]])
def test_texts_without_a_word_in_common_are_refused_in_a_sentence(texts):
    with pytest.raises(SettingsError, match="No word stands in two"):
        count_terms(texts)


def test_training_texts_without_a_word_in_common_are_refused_in_a_sentence():
    counts = count_terms(["same words", "same words", "others"])

    with pytest.raises(SettingsError, match="in 2 of the 1 training texts"):
        learn_vocabulary(counts, np.array([2]))
