"""Query strategies of others: functions in modAL's call form, called once and not believed.

Owns the call, and the check of what comes back.  Must not know Sextant's own strategies.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from al_engine.errors import AlEngineError, SettingsError
from al_engine.learning.scoring import FloatArray
from al_engine.learning.selection import IntArray
from al_engine.origin import in_words

QueryFunction: TypeAlias = Callable[..., Any]


def call_strategy(
    function: QueryFunction, learner: Any, X_pool: NDArray[np.floating[Any]], n: int
) -> tuple[IntArray, FloatArray]:
    """Rows and utilities that a function chooses, as ``strategies.run_strategy`` returns them.

    Raises
    ------
    SettingsError : it fails, or answers with no such rows
    """
    name = name_of(function)
    wanted = {"n_instances": n} if takes_n(function) else {}
    try:
        # Called here and once: modAL's own query() calls a failing strategy a second time.
        answer = function(learner, X_pool, **wanted)
    except AlEngineError:
        raise
    except Exception as error:
        raise SettingsError(
            f"The query strategy {name} failed: {in_words(error)}",
            "It is called as f(classifier, X, n_instances=1).",
        ) from error
    return _parse(name, answer, X_pool.shape[0], n)


def name_of(function: QueryFunction) -> str:
    """What a function is called in a sentence."""
    return str(getattr(function, "__name__", type(function).__name__))


def takes_n(function: QueryFunction) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some compiled functions have no signature
        return True
    return any(p.name == "n_instances" or p.kind is p.VAR_KEYWORD for p in parameters)


def _parse(name: str, answer: Any, n_pool: int, n: int) -> tuple[IntArray, FloatArray]:
    """Indices and utilities of what a function returned: a pair, or indices alone."""
    returned, metric = answer, None
    # Two plain integers where two rows were asked for are the rows, not a row and its metric.
    two_rows = n == 2 and isinstance(answer, tuple) and all(np.ndim(part) == 0 for part in answer)
    if isinstance(answer, tuple) and len(answer) == 2 and not two_rows:
        returned, metric = answer
    hint = f"It has to return {n} different rows from 0 to {n_pool - 1}, or those with utilities."
    try:
        indices = np.atleast_1d(np.asarray(returned)).ravel()
    except ValueError:
        indices = np.empty(0)
    if indices.dtype.kind not in "iu":
        raise SettingsError(f"The query strategy {name} returned {_short(answer)}.", hint)
    if len(indices) != n or len(np.unique(indices)) != n:
        raise SettingsError(
            f"The query strategy {name} returned the rows {_short(indices.tolist())}.", hint
        )
    if indices.min() < 0 or indices.max() >= n_pool:
        raise SettingsError(
            f"The query strategy {name} returned the rows {_short(indices.tolist())}, "
            f"but the pool has {n_pool}.",
            hint,
        )
    return indices.astype(np.int64), _metric(metric, n)


def _metric(metric: Any, n: int) -> FloatArray:
    """The utilities a function gave, or NaN: some return the queried rows in their place."""
    values = np.atleast_1d(np.asarray(metric, dtype=object)).ravel()
    if metric is None or len(values) != n:
        return np.full(n, np.nan)
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        return np.full(n, np.nan)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
