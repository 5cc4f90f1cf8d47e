"""Handwritten digits, 8 by 8 pixels: the demo in which objects are looked at as images.

Owns the shape in which scikit-learn's digits become a catalogue.  Must not know how a demo is
opened, stored or shown.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from al_engine.data.table import Column

IMAGE_SHAPE = (8, 8)
N_PUBLISHED = 330
PIXELS = tuple(f"p{row}{column}" for row in range(8) for column in range(8))


def columns() -> tuple[Column, ...]:
    """Return the columns, in order, with one line on each."""
    pixels = [
        Column(name, pa.float32(), "", f"ink, 0 to 16, in row {name[1]}, column {name[2]}")
        for name in PIXELS
    ]
    return (
        Column("image_id", pa.int64(), "", "number of the image, from 0"),
        Column("digit", pa.int64(), "", "the digit that was written"),
        *pixels,
        Column("pca_1", pa.float32(), "", "first principal component of the pixels"),
        Column("pca_2", pa.float32(), "", "second principal component of the pixels"),
    )


def digit_values() -> dict[str, NDArray[np.generic]]:
    """Return one array of 1,797 entries per column."""
    images, digit = load_digits(return_X_y=True)
    values: dict[str, NDArray[np.generic]] = {
        "image_id": np.arange(len(digit)),
        "digit": digit.astype(np.int64),
    }
    values |= {name: images[:, k] for k, name in enumerate(PIXELS)}
    values["pca_1"], values["pca_2"] = _principal_components(images, 2).T
    return values


def published_values() -> dict[str, NDArray[np.generic]]:
    """The same of the 330 images of scikit-learn's example, in its order: its first are labelled.

    References
    ----------
    scikit-learn's "Label Propagation digits: Active learning", by C. Feng and Z. Lu
    """
    values = digit_values()
    order = np.arange(len(values["digit"]))
    np.random.RandomState(0).shuffle(order)
    return {name: column[order[:N_PUBLISHED]] for name, column in values.items()}


def _principal_components(X: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    centred = X - X.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:n]
    # A direction is known up to its sign: the largest of its entries is made positive.
    largest = directions[np.arange(n), np.abs(directions).argmax(axis=1)]
    scores: NDArray[np.float64] = centred @ (directions * np.sign(largest)[:, None]).T
    return scores
