"""Compiled loops over many rows: trees, nearest neighbours, linear models.

Rows are taken from feature columns as they lie on disk (float32, one column a feature), a block
at a time: a node of a tree is tested on the whole block at once, which a processor does for many
rows in one step, and where the ends of the block decide, not at all.  Functions stand at the
level of the module and are cached on disk: compiling them takes seconds, once a machine.  Knows
arrays only.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 1024  # rows tested together; measured best of 128 to 2048
TEST, LEAF, NOTHING = 0, 1, 2  # NOTHING is a leaf that adds nothing


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def in_preorder(
    first: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], Any]:
    """Order the nodes of trees so that the left child of each is the next one.

    Parameters
    ----------
    first : where the nodes of each tree begin, and at the end how many there are in all
    left, right : position of each node's children within its tree, -1 for a leaf

    Returns
    -------
    node, right : for each place of the new order, the node, and the place of its right child
    deepest : int
    """
    n = left.size
    node, to_right = np.empty(n, np.int64), np.full(n, -1)
    stack = np.empty((n + 1, 3), np.int64)
    place = deepest = 0
    for tree in range(first.size - 1):
        start = first[tree]
        stack[0, 0], stack[0, 1], stack[0, 2] = start, -1, 0
        waiting = 1
        while waiting:
            waiting -= 1
            here, parent, depth = stack[waiting]
            node[place] = here
            if parent >= 0:
                to_right[parent] = place
            deepest = max(deepest, depth)
            if left[here] >= 0:
                stack[waiting, 0], stack[waiting, 1] = start + right[here], place
                stack[waiting + 1, 0], stack[waiting + 1, 1] = start + left[here], -1
                stack[waiting, 2] = stack[waiting + 1, 2] = depth + 1
                waiting += 2
            place += 1
    return node, to_right, deepest


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def raw_thresholds(
    feature: NDArray[np.int64],
    threshold: NDArray[np.float64],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> NDArray[np.float32]:
    """The largest raw value that still goes left, for trees that see ``(x - centre) / scale``.

    What a tree sees is rounded to float32 once it is scaled; the rounding never turns two values
    round, so that a search between all float32 there are finds the exact edge.
    """
    edges = np.empty(feature.size, np.float32)
    for i in range(feature.size):
        f = feature[i]
        if f < 0:
            edges[i] = np.float32(0)
            continue
        # Places of float32 in their order: below all finite ones, above all finite ones.
        low, high = -0x7F800000, 0x7F800000
        while high - low > 1:
            middle = (low + high) // 2
            seen = np.float32((np.float64(_float_at(middle)) - centre[f]) / scale[f])
            if seen <= threshold[i]:
                low = middle
            else:
                high = middle
        edges[i] = _float_at(low)
    return edges


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _float_at(place: int) -> Any:
    """The float32 at a place of their order; 0 is at 0, negative ones below."""
    bits = np.empty(1, np.int32)
    bits[0] = np.int32(abs(place))
    value = bits.view(np.float32)[0]
    return -value if place < 0 else value


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gather(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    block: NDArray[np.float32],
    least: NDArray[np.float32],
    most: NDArray[np.float32],
) -> bool:
    """Copy a block of some columns, and find the ends of each, once for each side of what misses.

    Parameters
    ----------
    block : out, shape (2, n_columns, BLOCK); a missing value is least in the first half, most in
        the second
    least, most : out, shape (2, n_columns)

    Returns
    -------
    whether one is missing; where none is, the second half is left as it was
    """
    n = rows.size
    missing = False
    for i in range(columns.size):
        column, into = X[columns[i]], block[0, i]
        for j in range(n):
            into[j] = column[rows[j]]
        low, high, holes = into[0], into[0], 0
        for j in range(n):
            low, high = min(low, into[j]), max(high, into[j])
            holes += into[j] != into[j]
        least[0, i], most[0, i] = low, high
        missing = missing or holes > 0
    if missing:
        for i in range(columns.size):
            first, second = block[0, i], block[1, i]
            for j in range(n):
                hole = first[j] != first[j]
                second[j] = np.float32(np.inf) if hole else first[j]
                first[j] = np.float32(-np.inf) if hole else first[j]
            for half in range(2):
                least[half, i], most[half, i] = block[half, i, :n].min(), block[half, i, :n].max()
    return missing


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sum_leaves(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    first: NDArray[np.int64],
    feature: NDArray[np.int64],
    edge: NDArray[np.float32],
    missing_left: NDArray[np.bool_],
    right: NDArray[np.int64],
    deepest: int,
    kind: NDArray[np.int8],
    value: NDArray[Any],
    sums: NDArray[Any],
) -> None:
    """The sum over all trees of what their leaves hold, tree after tree.

    A test that comes out the same for a whole block, by the ends of its column, is not made row
    by row: its other side is not even looked at.  What a row gets does not depend on its block.

    Parameters
    ----------
    X : columns, shape (n_features, n_rows)
    rows : those wanted, at best with near ones together
    columns : the features that trees use; ``feature`` counts within these
    first : where each tree begins; places are in preorder
    feature, edge, missing_left, right : of the test at each place
    kind : TEST, LEAF, or NOTHING where a leaf holds zeros
    value : shape (n_outputs, n_places), of the kind of ``sums``
    sums : out, shape (n_outputs, len(rows)); what stands there is added to
    """
    number = sums.dtype.type
    block = np.empty((2, columns.size, BLOCK), np.float32)
    least = np.empty((2, columns.size), np.float32)
    most = np.empty((2, columns.size), np.float32)
    mask = np.ones((deepest + 1, BLOCK), np.uint8)
    total = np.zeros((value.shape[0], BLOCK), sums.dtype)
    later = np.empty((deepest + 1, 2), np.int64)
    for start in range(0, rows.size, BLOCK):
        n = min(BLOCK, rows.size - start)
        some_missing = gather(X, rows[start : start + n], columns, block, least, most)
        for k in range(value.shape[0]):
            total[k, :n] = sums[k, start : start + n]
        for tree in range(first.size):
            i, depth, waiting = first[tree], 0, 0
            while True:
                if kind[i] == TEST:
                    f, t = feature[i], edge[i]
                    half = 1 if some_missing and not missing_left[i] else 0
                    if most[half, f] <= t:
                        i += 1
                        continue
                    if least[half, f] > t:
                        i = right[i]
                        continue
                    column, above, here = block[half, f], mask[depth], mask[depth + 1]
                    depth += 1
                    if kind[i + 1] == NOTHING:
                        for j in range(BLOCK):
                            here[j] = above[j] & np.uint8(column[j] > t)
                        i = right[i]
                        continue
                    for j in range(BLOCK):
                        here[j] = above[j] & np.uint8(column[j] <= t)
                    if kind[right[i]] != NOTHING:
                        later[waiting, 0], later[waiting, 1] = right[i], depth
                        waiting += 1
                    i += 1
                    continue
                if kind[i] == LEAF:
                    here = mask[depth]
                    for k in range(value.shape[0]):
                        v, into = value[k, i], total[k]
                        if v != 0 and depth == 0:
                            for j in range(BLOCK):
                                into[j] += v
                        elif v != 0:
                            for j in range(BLOCK):
                                into[j] += v * number(here[j])
                if waiting == 0:
                    break
                waiting -= 1
                i, depth = later[waiting, 0], later[waiting, 1]
                above, here = mask[depth - 1], mask[depth]
                for j in range(BLOCK):
                    here[j] ^= above[j]  # what did not go left
        for k in range(value.shape[0]):
            sums[k, start : start + n] = total[k, :n]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sum_nearest(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    fill: NDArray[np.float64],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    trained: NDArray[np.float64],
    label: NDArray[np.int64],
    k: int,
    by_distance: bool,
    sums: NDArray[np.float64],
    tied: NDArray[np.bool_],
) -> None:
    """Weights of the k nearest labelled points, by class.

    Parameters
    ----------
    fill, centre, scale : what stands for a missing value, and how features are scaled
    trained, label : the labelled points as the model sees them, (n_labelled, n_features)
    by_distance : whether a point weighs one over its distance; those at 0 then leave no others
    sums : out, shape (n_classes, len(rows))
    tied : out, shape (len(rows),); where one more point lies just as near as the last of the k
    """
    n_features, n_labelled = X.shape[0], label.size
    here = np.empty((n_features, BLOCK), np.float64)
    distance = np.empty(BLOCK, np.float64)
    best, of = np.empty((k + 1, BLOCK), np.float64), np.empty((k + 1, BLOCK), np.int64)
    nearest, furthest = np.empty(n_labelled), np.empty(n_labelled)
    for start in range(0, rows.size, BLOCK):
        n = min(BLOCK, rows.size - start)
        nearest[:], furthest[:] = 0.0, 0.0
        for f in range(n_features):
            column, into = X[f], here[f]
            for j in range(n):
                x = np.float64(column[rows[start + j]])
                into[j] = ((fill[f] if x != x else x) - centre[f]) / scale[f]
            low, high = into[:n].min(), into[:n].max()
            for p in range(n_labelled):
                below, above = low - trained[p, f], trained[p, f] - high
                nearest[p] += max(below, above, 0.0) ** 2
                furthest[p] += max(-below, -above) ** 2
        # The k + 1 nearest of any row of the block lie within this; most points lie beyond.
        within = np.partition(furthest, k)[k] * (1 + 1e-9) if n_labelled > k else np.inf
        best[:] = np.inf
        of[:] = 0
        for p in np.argsort(furthest):  # likely ones first: the others then displace few
            if nearest[p] > within:
                continue
            distance[:] = 0.0
            for f in range(n_features):
                at, column = trained[p, f], here[f]
                for j in range(BLOCK):
                    distance[j] += (column[j] - at) ** 2
            worst, n_near = best[k], 0
            for j in range(n):
                n_near += distance[j] < worst[j]
            if n_near == 0:
                continue
            for j in range(n):
                d = distance[j]
                if d < worst[j]:
                    i = k
                    while i > 0 and d < best[i - 1, j]:
                        best[i, j], of[i, j] = best[i - 1, j], of[i - 1, j]
                        i -= 1
                    best[i, j], of[i, j] = d, label[p]
        for j in range(n):
            on_it = by_distance and best[0, j] == 0.0
            tied[start + j] = best[k, j] * (1 - 1e-12) <= best[k - 1, j]
            for i in range(k):
                weight = 1.0
                if on_it:
                    weight = 1.0 if best[i, j] == 0.0 else 0.0
                elif by_distance:
                    weight = 1.0 / np.sqrt(best[i, j])
                sums[of[i, j], start + j] += weight


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def decide_linear(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    fill: NDArray[np.float64],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    weight: NDArray[np.float64],
    intercept: NDArray[np.float64],
    decision: NDArray[np.float64],
) -> None:
    """The decision of a linear model.

    Parameters
    ----------
    weight : shape (n_outputs, n_features), of the features as the model sees them
    decision : out, shape (n_outputs, len(rows))
    """
    for out in range(weight.shape[0]):
        decision[out] = intercept[out]
    seen = np.empty(BLOCK, np.float64)
    for start in range(0, rows.size, BLOCK):
        n = min(BLOCK, rows.size - start)
        for f in range(X.shape[0]):
            column = X[f]
            for j in range(n):
                x = np.float64(column[rows[start + j]])
                seen[j] = ((fill[f] if x != x else x) - centre[f]) / scale[f]
            for out in range(weight.shape[0]):
                w, into = weight[out, f], decision[out, start : start + n]
                for j in range(n):
                    into[j] += w * seen[j]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def decide_words(
    ends: NDArray[np.int32],
    places: NDArray[np.int32],
    values: NDArray[np.float32],
    rows: NDArray[np.int64],
    weight: NDArray[np.float64],
    decision: NDArray[np.float64],
) -> None:
    """Add what words say to the decision of a linear model, without laying them out.

    Parameters
    ----------
    ends, places, values : the parts of a CSR matrix (its ``indptr``, ``indices`` and ``data``)
    weight : shape (n_outputs, n_terms)
    decision : added to, shape (n_outputs, len(rows))
    """
    for out in range(weight.shape[0]):
        of_terms = weight[out]
        for j in range(rows.size):
            start, end = ends[rows[j]], ends[rows[j] + 1]
            here, times = places[start:end], values[start:end]
            total = 0.0
            for k in range(here.size):
                # Unsigned: a place that might be negative would be looked at twice.
                total += of_terms[np.uint32(here[k])] * np.float64(times[k])
            decision[out, j] += total


def warm_up() -> None:
    """Compile everything here, or load it from the cache on disk; takes seconds the first time."""
    X, rows = np.zeros((1, 1), np.float32), np.zeros(1, np.intp)
    X.flags.writeable = False  # as what is mapped from disk: another kind to the compiler
    one, zero = np.ones(1), np.zeros(1)
    node = np.zeros(1, np.int64)
    edges = raw_thresholds(node, zero, zero, one)
    in_preorder(np.array([0, 1]), node - 1, node - 1)
    kind = np.ones(1, np.int8)
    tests = (node, node, node, edges, np.zeros(1, np.bool_), node - 1, 0, kind)
    for number in (np.uint16, np.float64):
        sum_leaves(X, rows, *tests, np.ones((1, 1), number), np.zeros((1, 1), number))
    tied = np.zeros(1, np.bool_)
    sum_nearest(X, rows, zero, zero, one, np.ones((1, 1)), node, 1, False, np.zeros((1, 1)), tied)
    decide_linear(X, rows, zero, zero, one, np.ones((1, 1)), zero, np.zeros((1, 1)))
    places, values = np.zeros(1, np.int32), np.zeros(1, np.float32)
    places.flags.writeable = values.flags.writeable = False
    ends = np.array([0, 1], np.int32)
    decide_words(ends, places, values, rows, np.ones((1, 1)), np.zeros((1, 1)))
