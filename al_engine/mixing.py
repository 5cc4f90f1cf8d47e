"""One vectorised 64-bit mixer: the same number from the same input on every machine.

Owns what stands behind tie-breaking, seeded draws and data fingerprints, so that none of them
depends on the order of work, on chunks, or on a library's version.
"""

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]


def mix64(values: Keys) -> Keys:
    """Map each 64-bit number to another that looks random (splitmix64's finaliser).

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA.
    """
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
