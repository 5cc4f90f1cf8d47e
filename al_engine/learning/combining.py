"""One prediction of several calibrated one-vs-rest classifiers.

Takes arrays of probabilities; knows no catalogue, and nothing of which objects may be used.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from al_engine.learning.calibration import Floats32

NONE = -1


def combine(calibrated: Sequence[Floats32], none_below: float) -> npt.NDArray[np.int16]:
    """The classifier whose label is likeliest, for each object.

    Of equals the first; NONE where every probability lies under ``none_below``.

    Parameters
    ----------
    calibrated : the probabilities of each classifier's label, each of shape (n,)

    Returns
    -------
    predicted : shape (n,), positions in ``calibrated``

    Examples
    --------
    >>> ours = [np.float32([0.9, 0.6, 0.2]), np.float32([0.1, 0.6, 0.3])]
    >>> combine(ours, 0.5).tolist()
    [0, 0, -1]
    """
    together = np.stack(calibrated)
    predicted: npt.NDArray[np.int16] = together.argmax(axis=0).astype(np.int16)
    predicted[together.max(axis=0) < none_below] = NONE
    return predicted
