"""A linear model of texts whose words are first weighed by what they say of a class.

Owns the weighing by naive Bayes' ratios, and the model's entry in the registry.  What is kept is a
plain linear model: the weights are folded into its coefficients.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from al_engine.learning.model import Beside, Model
from al_engine.learning.params import Param, Params


class BayesWeights(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Each word times the logarithm of how much more of it one class has than the other.

    ``weights_`` has shape (n_terms,).  It is only there while a model is trained.

    References
    ----------
    Wang and Manning 2012, "Baselines and Bigrams", ACL, 90
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def fit(self, X: csr_matrix, y: NDArray[np.integer[Any]]) -> "BayesWeights":
        """Learn the weights from texts, (n, n_terms) and not under 0, of class 1 and of class 0."""
        shares = []
        for side in (1, 0):
            total = self.alpha + np.asarray(X[y == side].sum(axis=0), dtype=np.float64).ravel()
            shares.append(np.log(total / total.sum()))
        self.weights_ = shares[0] - shares[1]
        return self

    def transform(self, X: csr_matrix) -> csr_matrix:
        """The same rows with every word weighed."""
        weighed = csr_matrix(X, copy=True)
        weighed.data = weighed.data * self.weights_[weighed.indices]
        return weighed


def _linear(params: Params, seed: int) -> LogisticRegression:
    # The dual problem has as many unknowns as there are labels, not terms.
    return LogisticRegression(
        C=params["C"], max_iter=1000, random_state=seed, solver="liblinear", dual=True
    )


def _build(params: Params, seed: int) -> OneVsRestClassifier:
    return OneVsRestClassifier(_linear(params, seed))


def _train(
    params: Params, seed: int, X: Any, y: NDArray[Any], beside: Beside
) -> OneVsRestClassifier:
    linear = _linear(params, seed)
    steps = [("weights", BayesWeights(float(params["alpha"]))), ("linear", linear)]
    made = OneVsRestClassifier(Pipeline(steps)).fit(X, y)
    made.estimator = linear
    made.estimators_ = [_folded(pipeline) for pipeline in made.estimators_]
    return made


def _folded(pipeline: Pipeline) -> LogisticRegression:
    """The fitted linear model that takes rows as they are."""
    weights, linear = (step for _, step in pipeline.steps)
    linear.coef_ = linear.coef_ * weights.weights_
    return linear


BAYES_WEIGHTED = Model(
    "bayes_linear",
    "Linear, on Bayes weights",
    "BayesLinear",
    _build,
    (
        Param("C", "Inverse regularisation (C)", 30.0, 1e-6, 1e6),
        Param("alpha", "Smoothing of words", 0.1, 1e-6, 100.0),
    ),
    takes_numbers=False,
    takes_sparse=True,
    takes_both=False,
    help="Logistic regression on words weighed by how much oftener they stand in one class. For "
    "tens of thousands of labelled texts; with fewer, plain logistic regression does as well.",
    train=_train,
)
