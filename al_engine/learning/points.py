"""Objects as points between which distances mean something, and groups of such points.

Takes features as they are: dense with NaN where missing, or sparse.  Knows no catalogue, no model.
"""

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize
from threadpoolctl import ThreadpoolController

Features: TypeAlias = Any  # ndarray of shape (n, n_features), or scipy.sparse CSR of that shape
Points: TypeAlias = NDArray[np.float64]

# Beyond this many quartile ranges from the median an outlier draws a centre to itself alone.
CLIP = 5.0
SPARSE_DIMENSIONS = 50


def points(X: Features) -> Points:
    """Rows as points, shape (n, n_dimensions).

    Dense features are centred on their median and divided by their quartile range, missing values
    at the median and outliers drawn nearer; sparse rows are brought to length 1, and many columns
    to the 50 directions in which they differ most.
    """
    if sparse.issparse(X):
        rows = normalize(sparse.csr_matrix(X, dtype=np.float64))
        n_dimensions = min(SPARSE_DIMENSIONS, *rows.shape)
        if n_dimensions == rows.shape[1]:
            return np.asarray(rows.toarray())
        with np.errstate(all="ignore"):  # rows that are all alike have no variance to explain
            return np.asarray(TruncatedSVD(n_dimensions, random_state=0).fit_transform(rows))
    X = np.asarray(X, dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that is missing everywhere
        low, middle, high = np.nanpercentile(X, [25, 50, 75], axis=0)
    spread = high - low
    spread[~(spread > 0)] = 1
    scaled = (X - np.nan_to_num(middle)) / spread
    return np.asarray(np.clip(np.nan_to_num(scaled), -CLIP, CLIP))


def stacked(parts: Sequence[Features]) -> Features:
    """The rows of several tables of features, one below the other."""
    if any(sparse.issparse(part) for part in parts):
        return sparse.vstack([sparse.csr_matrix(part) for part in parts], format="csr")
    return np.concatenate([np.asarray(part) for part in parts])


def groups_of(
    at: Points, n: int, seed: int, weights: NDArray[np.float64] | None = None, n_tries: int = 1
) -> tuple[NDArray[np.int64], Points]:
    """The k-means group of each point, (n_points,), and the groups' centres, (n, n_dimensions)."""
    # Threads add up in the order in which they come, and round otherwise each time.
    with _threads().limit(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than centres
        found = KMeans(n, n_init=n_tries, random_state=seed).fit(at, sample_weight=weights)
    return found.labels_.astype(np.int64), found.cluster_centers_


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()
