"""What a model of the registry is: a name, settings, and how it is built and trained.

Knows no model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from al_engine.learning.params import Param, Params
from al_engine.origin import Origin


@dataclass(frozen=True)
class Beside:
    """What may take part in a fit beside the labelled rows, prepared as they are.

    ``X_pool`` are unlabelled rows, ndarray or CSR of shape (n_pool, n_features); ``validation``
    rows and labels by which models that learn in steps are judged; ``before`` the estimator of the
    round before, whose weights such a model goes on from.
    """

    X_pool: Any = None
    validation: tuple[Any, NDArray[Any]] | None = None
    before: Any = None


@dataclass(frozen=True)
class Pool:
    """What a model takes of the unlabelled pool: ``most`` objects, of complete params.

    The labelled ones count among them.  Of a larger pool so many are drawn where it ``is_drawn``;
    else the model cannot be had, and ``beyond`` says what to choose.
    """

    most: Callable[[Params], int]
    is_drawn: bool = False
    beyond: str = ""


@dataclass(frozen=True)
class Model:
    """A kind of classifier.

    ``build(params, seed)`` makes the unfitted scikit-learn estimator from complete params;
    ``adapt(params, n_labelled)`` shrinks what a handful of labels cannot support.  Where the
    estimator itself knows no class weights, ``weighs_rows`` says that its ``fit`` takes a weight
    for each row in their place.  ``takes_sparse`` says that it can learn from texts, which come as
    CSR matrices; ``for_texts`` are the settings to begin with there, where others suit them better,
    ``build_for_texts`` makes the estimator where another does, and without ``takes_both`` it learns
    from texts or numbers, not from both; without ``takes_numbers`` from texts alone.  ``origin`` is
    the file of an extension.

    Where training is more than the estimator's ``fit``, ``train(params, seed, X, y, beside)`` does
    it and returns the fitted estimator.  Of those, one with a ``pool`` learns from unlabelled rows
    too, and one that ``learns_in_steps`` is judged by validation as it learns.
    """

    name: str
    title: str
    file_name: str
    build: Callable[[Params, int], Any]
    params: tuple[Param, ...] = ()
    takes_missing: bool = False
    takes_numbers: bool = True
    takes_sparse: bool = False
    takes_both: bool = True
    for_texts: Params = field(default_factory=dict)
    build_for_texts: Callable[[Params, int], Any] | None = None
    weighs_rows: bool = False
    help: str = ""
    adapt: Callable[[Params, int], Params] = lambda params, n_labelled: params
    origin: Origin | None = None
    train: Callable[[Params, int, Any, NDArray[Any], Beside], Any] | None = None
    pool: Pool | None = None
    learns_in_steps: bool = False

    @property
    def needs_pool(self) -> bool:
        """Does the unlabelled pool take part in the fit?"""
        return self.pool is not None
