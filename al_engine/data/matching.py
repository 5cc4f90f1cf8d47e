"""Which object of one table is which of another, by their places on the sky.

Owns the geometry.  Takes arrays; must not know columns, files or DuckDB.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.coordinates import angular_separation
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

AT_ONCE = 100_000  # objects; after so many it is asked whether to go on


@dataclass(frozen=True)
class Places:
    """Positions in degrees, each array of shape (n,); NaN where one is missing."""

    ra_deg: Floats
    dec_deg: Floats

    def known(self) -> Rows:
        """Which of them are positions: right ascensions of any turn, declinations of -90 to 90."""
        is_known = np.isfinite(self.ra_deg) & (np.abs(self.dec_deg) <= 90)
        return np.flatnonzero(is_known).astype(np.int64)

    def vectors(self, rows: Rows) -> Floats:
        """Unit vectors towards some of them, shape (n, 3)."""
        ra, dec = np.radians(self.ra_deg[rows] % 360), np.radians(self.dec_deg[rows])
        return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


@dataclass(frozen=True)
class Matches:
    """The objects with a counterpart, each with the nearest; every array has shape (n_matched,).

    ``has_several`` says that more than one lies within the radius, ``is_shared`` that the
    counterpart is also another object's.
    """

    rows: Rows
    theirs: Rows
    separation_arcsec: Floats
    has_several: npt.NDArray[np.bool_]
    is_shared: npt.NDArray[np.bool_]


def match_positions(
    ours: Places,
    theirs: Places,
    within_arcsec: float,
    heard: Callable[[int], None] = lambda n_done: None,
) -> Matches:
    """Find for each object the nearest of another table within a radius.

    As astropy's ``match_to_catalog_sky``, by a tree of unit vectors: right across RA 0 and at the
    poles.  What has no position has no counterpart.

    Parameters
    ----------
    heard : called with the number of objects done so far; what it raises ends the work
    """
    our_rows, their_rows = ours.known(), theirs.known()
    # In the order of the sky the tree is walked where it was walked just before: three times as
    # fast as in the order of the rows.
    by_sky = np.lexsort((ours.dec_deg[our_rows], np.floor(ours.ra_deg[our_rows] % 360)))
    our_rows = our_rows[by_sky]
    tree = cKDTree(theirs.vectors(their_rows))
    # A little further than asked: what counts is the angle, not the chord.
    chord = 2 * np.sin(np.radians(within_arcsec / 3600) / 2) * (1 + 1e-9) + 1e-15

    def separation(rows: Rows, found: Rows) -> Floats:
        """In arcsec; infinite where the tree found none, for which it gives the number of rows."""
        arcsec, is_there = np.full(len(rows), np.inf), found < len(their_rows)
        rows, found = rows[is_there], their_rows[found[is_there]]
        angle = angular_separation(
            *np.radians([ours.ra_deg[rows], ours.dec_deg[rows]]),
            *np.radians([theirs.ra_deg[found], theirs.dec_deg[found]]),
        )
        arcsec[is_there] = np.degrees(angle) * 3600
        return arcsec

    parts: list[tuple[Rows, Rows, Floats, npt.NDArray[np.bool_]]] = []
    for start in range(0, len(our_rows), AT_ONCE):
        rows = our_rows[start : start + AT_ONCE]
        _, found = tree.query(ours.vectors(rows), k=2, distance_upper_bound=chord)
        first, second = separation(rows, found[:, 0]), separation(rows, found[:, 1])
        near = first <= within_arcsec
        parts.append((rows[near], found[near, 0], first[near], second[near] <= within_arcsec))
        heard(start + len(rows))
    if not parts:
        none = np.empty(0, np.int64)
        return Matches(none, none, none.astype(float), none.astype(bool), none.astype(bool))
    rows, found, arcsec, several = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(rows)
    rows, found, arcsec, several = rows[order], found[order], arcsec[order], several[order]
    is_shared = np.bincount(found, minlength=len(their_rows))[found] > 1
    return Matches(rows, their_rows[found], arcsec, several, is_shared)
