"""A linear model on words weighed by naive Bayes' ratios, kept as a plain one."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from al_engine.errors import SettingsError
from al_engine.learning.bayes_weights import BAYES_WEIGHTED, BayesWeights
from al_engine.learning.model import Beside
from al_engine.learning.models import refuse_unfit, takes


def words(n: int = 200, seed: int = 0) -> tuple[csr_matrix, np.ndarray]:
    """Texts of 300 words, of which twenty stand oftener in class 1 and twenty in class 0."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    share = np.full((n, 300), 0.03)
    share[y == 1, :20] = share[y == 0, 20:40] = 0.12
    return csr_matrix((rng.random((n, 300)) < share).astype(np.float64)), y


def trained(X: csr_matrix, y: np.ndarray, alpha: float = 0.1):
    return BAYES_WEIGHTED.train({"C": 30.0, "alpha": alpha}, 0, X, y, Beside())


def test_a_word_weighs_the_logarithm_of_how_much_oftener_it_stands_in_one_class():
    X = csr_matrix([[3.0, 0.0], [1.0, 0.0], [0.0, 4.0]])

    weights = BayesWeights(1.0).fit(X, np.array([1, 1, 0])).weights_

    expected = np.log([(5 / 6) / (1 / 6), (1 / 6) / (5 / 6)])
    np.testing.assert_allclose(weights, expected)


def test_the_plain_model_that_is_kept_says_what_the_weighed_one_says():
    X, y = words()
    weights = BayesWeights(0.1).fit(X, y)
    linear = LogisticRegression(
        C=30.0, max_iter=1000, random_state=0, solver="liblinear", dual=True
    )
    linear.fit(weights.transform(X), y)

    made = trained(X, y)

    expected = linear.decision_function(weights.transform(X))
    np.testing.assert_allclose(made.decision_function(X), expected, rtol=1e-9)
    assert [type(each) for each in made.estimators_] == [LogisticRegression]


def test_three_classes_are_told_apart():
    X, y = words(300)
    y = np.where((y == 1) & (np.arange(300) % 4 == 1), 2, y)

    made = trained(X, y)

    assert made.classes_.tolist() == [0, 1, 2]
    np.testing.assert_allclose(made.predict_proba(X).sum(axis=1), 1)


def test_it_is_offered_for_texts_alone():
    assert takes(BAYES_WEIGHTED, n_numbers=0, has_texts=True)
    assert not takes(BAYES_WEIGHTED, n_numbers=2, has_texts=True)
    with pytest.raises(SettingsError, match="learns from texts alone"):
        refuse_unfit(BAYES_WEIGHTED, n_numbers=2, has_texts=False)
