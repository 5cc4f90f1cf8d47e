"""Compiled loops over many rows: trees, nearest neighbours, linear models.

Rows are taken from feature columns as they lie on disk (float32, one column a feature), a block
at a time; every node of every tree is tested on the whole block at once, which a processor does
for many rows in one step.  Functions stand at the level of the module and are cached on disk:
compiling them takes seconds, once a machine.  The loops over a block are written out in both
functions of trees: shared, even inlined, they took half as long again.  Knows arrays only.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 1024  # rows tested together; measured best of 128 to 2048
# REST is a right side whose left side was worked out before it: all that did not go left.
ROOT, LEFT, RIGHT, REST = 0, 1, 2, 3


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def in_preorder(
    first: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8], NDArray[np.int64], Any]:
    """Order the nodes of trees so that each follows its parent, the left side first.

    Parameters
    ----------
    first : where the nodes of each tree begin, and at the end how many there are in all
    left, right : position of each node's children within its tree, -1 for a leaf

    Returns
    -------
    node, parent, side, depth : for each place of the new order
    deepest : int
    """
    n = left.size
    node, parent = np.empty(n, np.int64), np.empty(n, np.int64)
    side, depth = np.empty(n, np.int8), np.empty(n, np.int64)
    stack = np.empty((n + 1, 4), np.int64)
    place = deepest = 0
    for tree in range(first.size - 1):
        start = first[tree]
        stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = start, start, ROOT, 0
        waiting = 1
        while waiting:
            waiting -= 1
            here, above = stack[waiting, 0], stack[waiting, 1]
            node[place], parent[place] = here, above
            side[place], depth[place] = stack[waiting, 2], stack[waiting, 3]
            below = depth[place] + 1
            deepest = max(deepest, depth[place])
            place += 1
            if left[here] >= 0:
                stack[waiting, 0], stack[waiting, 1] = start + right[here], here
                stack[waiting, 2], stack[waiting, 3] = RIGHT, below
                waiting += 1
                stack[waiting, 0], stack[waiting, 1] = start + left[here], here
                stack[waiting, 2], stack[waiting, 3] = LEFT, below
                waiting += 1
    return node[:place], parent[:place], side[:place], depth[:place], deepest


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
    low: NDArray[np.float32],
    high: NDArray[np.float32],
) -> bool:
    """Copy a block of some columns; a missing value is least in ``low``, greatest in ``high``.

    Returns whether one is missing; where none is, ``high`` is left as it was.
    """
    missing = False
    for i in range(columns.size):
        column, into = X[columns[i]], low[i]
        for j in range(rows.size):
            into[j] = column[rows[j]]
        holes = 0
        for j in range(rows.size):
            holes += into[j] != into[j]
        missing = missing or holes > 0
    if missing:
        for i in range(columns.size):
            for j in range(rows.size):
                hole = low[i, j] != low[i, j]
                high[i, j] = np.float32(np.inf) if hole else low[i, j]
                low[i, j] = np.float32(-np.inf) if hole else low[i, j]
    return missing


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mark_rest(
    side: NDArray[np.int8], depth: NDArray[np.int64], deepest: int, wanted: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """The sides of a preorder, with REST where only nodes that are ``wanted`` are worked out."""
    marked = side.copy()
    is_left_known = np.zeros(deepest + 1, np.bool_)
    for i in range(side.size):
        if side[i] == LEFT:
            is_left_known[depth[i]] = wanted[i]
        elif side[i] == RIGHT and is_left_known[depth[i]]:
            marked[i] = REST
    return marked


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_votes(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    feature: NDArray[np.int64],
    edge: NDArray[np.float32],
    missing_left: NDArray[np.bool_],
    side: NDArray[np.int8],
    depth: NDArray[np.int64],
    deepest: int,
    vote: NDArray[np.int8],
    votes: NDArray[np.uint16],
) -> None:
    """How many trees of pure leaves say yes.

    Parameters
    ----------
    X : columns, shape (n_features, n_rows)
    rows : those wanted
    columns : the features that trees use; ``feature`` counts within these
    feature, edge, missing_left : of the test above each place of the preorder
    vote : 1 at a leaf that says yes, 0 at one that says no, -1 where there is a test
    votes : out, shape (len(rows),)
    """
    low = np.empty((columns.size, BLOCK), np.float32)
    high = np.empty((columns.size, BLOCK), np.float32)
    mask = np.ones((deepest + 1, BLOCK), np.uint8)
    count = np.empty(BLOCK, np.uint16)
    for start in range(0, rows.size, BLOCK):
        n = min(BLOCK, rows.size - start)
        some_missing = gather(X, rows[start : start + n], columns, low, high)
        count[:] = 0
        for i in range(vote.size):
            if vote[i] == 0:
                continue
            if side[i] == ROOT:
                if vote[i] == 1:
                    count += np.uint16(1)
                continue
            left = missing_left[i] or not some_missing
            column = low[feature[i]] if left else high[feature[i]]
            above, here, t = mask[depth[i] - 1], mask[depth[i]], edge[i]
            if side[i] == LEFT:
                for j in range(BLOCK):
                    here[j] = above[j] & np.uint8(column[j] <= t)
            elif side[i] == RIGHT:
                for j in range(BLOCK):
                    here[j] = above[j] & np.uint8(column[j] > t)
            else:
                for j in range(BLOCK):
                    here[j] ^= above[j]
            if vote[i] == 1:
                for j in range(BLOCK):
                    count[j] += np.uint16(here[j])
        for j in range(n):
            votes[start + j] = count[j]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sum_leaves(
    X: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    feature: NDArray[np.int64],
    edge: NDArray[np.float32],
    missing_left: NDArray[np.bool_],
    side: NDArray[np.int8],
    depth: NDArray[np.int64],
    deepest: int,
    wanted: NDArray[np.bool_],
    leaf: NDArray[np.bool_],
    value: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """The sum over all trees of what their leaves hold, tree after tree.

    Parameters
    ----------
    wanted : where there is a test, or a leaf that holds more than zeros
    value : shape (n_outputs, n_places)
    sums : out, shape (n_outputs, len(rows)); what stands there is added to
    """
    low = np.empty((columns.size, BLOCK), np.float32)
    high = np.empty((columns.size, BLOCK), np.float32)
    mask = np.ones((deepest + 1, BLOCK), np.uint8)
    total = np.empty((value.shape[0], BLOCK), np.float64)
    for start in range(0, rows.size, BLOCK):
        n = min(BLOCK, rows.size - start)
        some_missing = gather(X, rows[start : start + n], columns, low, high)
        total[:] = 0.0
        for k in range(value.shape[0]):
            total[k, :n] = sums[k, start : start + n]
        for i in range(leaf.size):
            if not wanted[i]:
                continue
            here = mask[depth[i]]
            if side[i] != ROOT:
                left = missing_left[i] or not some_missing
                column = low[feature[i]] if left else high[feature[i]]
                above, t = mask[depth[i] - 1], edge[i]
                if side[i] == LEFT:
                    for j in range(BLOCK):
                        here[j] = above[j] & np.uint8(column[j] <= t)
                elif side[i] == RIGHT:
                    for j in range(BLOCK):
                        here[j] = above[j] & np.uint8(column[j] > t)
                else:
                    for j in range(BLOCK):
                        here[j] ^= above[j]
            if leaf[i]:
                for k in range(value.shape[0]):
                    v = value[k, i]
                    if v != 0.0:
                        into = total[k]
                        for j in range(BLOCK):
                            into[j] += v * np.float64(here[j])
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
    n_features = X.shape[0]
    here = np.empty((n_features, BLOCK), np.float64)
    distance = np.empty(BLOCK, np.float64)
    best, of = np.empty((k + 1, BLOCK), np.float64), np.empty((k + 1, BLOCK), np.int64)
    for start in range(0, rows.size, BLOCK):
        n = min(BLOCK, rows.size - start)
        for f in range(n_features):
            column, into = X[f], here[f]
            for j in range(n):
                x = np.float64(column[rows[start + j]])
                into[j] = ((fill[f] if x != x else x) - centre[f]) / scale[f]
        best[:] = np.inf
        of[:] = 0
        for p in range(label.size):
            distance[:] = 0.0
            for f in range(n_features):
                at, column = trained[p, f], here[f]
                for j in range(BLOCK):
                    distance[j] += (column[j] - at) ** 2
            worst = best[k]
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


def warm_up() -> None:
    """Compile everything here, or load it from the cache on disk; takes seconds the first time."""
    X, rows = np.zeros((1, 1), np.float32), np.zeros(1, np.intp)
    X.flags.writeable = False  # as what is mapped from disk: another kind to the compiler
    one, zero = np.ones(1), np.zeros(1)
    node = np.zeros(1, np.int64)
    edges = raw_thresholds(node, zero, zero, one)
    in_preorder(np.array([0, 1]), node - 1, node - 1)
    tests = (node, node, edges, np.zeros(1, np.bool_), np.zeros(1, np.int8), node, 0)
    yes = np.ones(1, np.bool_)
    mark_rest(np.zeros(1, np.int8), node, 0, yes)
    count_votes(X, rows, *tests, np.ones(1, np.int8), np.zeros(1, np.uint16))
    sum_leaves(X, rows, *tests, yes, yes, np.ones((1, 1)), np.zeros((1, 1)))
    tied = np.zeros(1, np.bool_)
    sum_nearest(X, rows, zero, zero, one, np.ones((1, 1)), node, 1, False, np.zeros((1, 1)), tied)
    decide_linear(X, rows, zero, zero, one, np.ones((1, 1)), zero, np.zeros((1, 1)))
