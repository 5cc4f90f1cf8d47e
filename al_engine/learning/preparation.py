"""What is done to features before a model sees them, fitted once on the training set.

Takes arrays; knows no models.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import RobustScaler


@dataclass(frozen=True)
class Preparation:
    """Steps fitted once on the training set: median imputer and, if wanted, robust scaler.

    Without an imputer rows come prepared, which those of texts do: then the first ``n_numbers``
    features are numbers, and the others words.
    """

    imputer: SimpleImputer | None
    scaler: RobustScaler | None
    n_numbers: int = 0

    def transform(self, X: Any) -> Any:
        """Fill in what is missing and, if so fitted, scale."""
        prepared = X if self.imputer is None else self.imputer.transform(X)
        return prepared if self.scaler is None else self.scaler.transform(prepared)


NOTHING_TO_PREPARE = Preparation(None, None)


def fit_preparation(X_train: NDArray[np.floating[Any]], *, scale: bool) -> Preparation:
    """Learn medians and scales from the training set, labelled or not.

    Parameters
    ----------
    X_train : ndarray of shape (n, n_features), NaN where missing
    scale : whether features are centred on their median and divided by their quartile range
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that is missing everywhere
        imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(X_train)
        if not scale:
            return Preparation(imputer, None, X_train.shape[1])
        scaler = RobustScaler().fit(X_train)
    scaler.center_ = np.nan_to_num(scaler.center_, nan=0.0)
    scaler.scale_ = np.nan_to_num(scaler.scale_, nan=1.0)
    return Preparation(imputer, scaler, X_train.shape[1])
