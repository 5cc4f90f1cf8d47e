"""Learners: what is to be trained, its preparation, and one fit from all labels.

Holds modAL's ``ActiveLearner`` and ``Committee``, always built afresh: a learner depends on
which rows are labelled and on nothing else.  Takes arrays; knows no files and no catalogue.
"""

import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from modAL.models import ActiveLearner, Committee
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.learning.models import (
    MODELS,
    Beside,
    Model,
    check_params,
    find_model,
    refuse_unfit,
)
from al_engine.learning.params import Param, Params, complete
from al_engine.learning.preparation import Preparation, fit_preparation
from al_engine.learning.selection import tie_keys
from al_engine.learning.spreading import Transductive
from al_engine.learning.stepwise import Epochs, epochs_of
from al_engine.learning.strategies import find_committee_strategy, find_strategy

__all__ = [
    "MODELS",
    "Beside",
    "Epochs",
    "Learner",
    "LearnerSpec",
    "Member",
    "Model",
    "Param",
    "Params",
    "Preparation",
    "build_pipeline",
    "check_params",
    "epochs_by_member",
    "fit_learner",
    "fit_preparation",
    "pipelines",
    "pool_taking_part",
]

Learner: TypeAlias = ActiveLearner | Committee
NOTHING_BESIDE = Beside()
_DRAWN = 0x50  # draws of different purposes must not be the same draw


@dataclass(frozen=True)
class Member:
    """One pair of model and query strategy, by registry names."""

    model: str
    params: Params = field(default_factory=dict)
    strategy: str = "uncertainty"

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", check_params(self.model, self.params))
        find_strategy(self.strategy)


@dataclass(frozen=True)
class LearnerSpec:
    """What is to be trained: one member, or a committee of several."""

    members: tuple[Member, ...]
    committee_strategy: str = "vote_entropy"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.members:
            raise SettingsError("A classifier needs at least one model.", "Add a model.")
        find_committee_strategy(self.committee_strategy)

    @property
    def is_committee(self) -> bool:
        """Whether several models vote."""
        return len(self.members) > 1

    @property
    def strategy(self) -> str:
        """The strategy in force: the committee's, else the one member's own."""
        return self.committee_strategy if self.is_committee else self.members[0].strategy

    @property
    def needs_pool(self) -> bool:
        """Does the unlabelled pool take part in a fit?"""
        return any(MODELS[member.model].needs_pool for member in self.members)

    @property
    def learns_in_steps(self) -> bool:
        """Does a member stop by what it is worth on validation?"""
        return any(MODELS[member.model].learns_in_steps for member in self.members)

    @property
    def models(self) -> tuple[Model, ...]:
        """Every model that takes part, those that another goes around included."""
        around = [MODELS.get(str(member.params.get("base", ""))) for member in self.members]
        return tuple(m for m in (*(MODELS[o.model] for o in self.members), *around) if m)


def build_pipeline(
    model: str, params: Params, seed: int, preparation: Preparation, n_labelled: int
) -> Pipeline:
    """The unfitted pipeline of a registry model; its preparation is fitted and stays so."""
    return pipeline_of(find_model(model), params, seed, preparation, n_labelled)


def pipeline_of(
    model: Model, params: Params, seed: int, preparation: Preparation, n_labelled: int
) -> Pipeline:
    """As ``build_pipeline``, of a model that need not be registered."""
    settings = model.adapt(complete(model.title, model.params, params), n_labelled)
    has_texts = preparation.imputer is None
    build = (model.build_for_texts if has_texts else None) or model.build
    estimator = build(settings, seed)
    return prepared_pipeline(estimator, preparation, impute=not model.takes_missing)


def prepared_pipeline(estimator: Any, preparation: Preparation, *, impute: bool) -> Pipeline:
    """Put the fitted preparation before any scikit-learn estimator."""
    steps: list[tuple[str, Any]] = []
    if impute and preparation.imputer is not None:
        steps.append(("imputer", FrozenEstimator(preparation.imputer)))
    if preparation.scaler is not None:
        steps.append(("scaler", FrozenEstimator(preparation.scaler)))
    return Pipeline([*steps, ("model", estimator)])


def fit_learner(
    spec: LearnerSpec,
    X: NDArray[np.floating[Any]],
    y: NDArray[Any],
    preparation: Preparation,
    classes: NDArray[Any],
    *,
    X_pool: NDArray[np.floating[Any]] | None = None,
    validation: tuple[NDArray[np.floating[Any]], NDArray[Any]] | None = None,
    before: Learner | None = None,
) -> Learner:
    """Train on all labelled rows, in the order given (callers sort them by row).

    With one class among the labels the prediction is that class everywhere.

    Parameters
    ----------
    X : ndarray of shape (n_labelled, n_features), NaN where missing; a prepared CSR matrix where
        there are texts
    y : ndarray of shape (n_labelled,), values of ``classes`` (integers for a committee)
    classes : ndarray of shape (n_classes,), every class there is, known yet or not
    X_pool : unlabelled rows, those of ``pool_taking_part``; only semi-supervised models look
    validation : rows and labels by which models that learn in steps know when to stop
    before : the learner of the round before, where such models go on from its weights

    Returns
    -------
    modAL ActiveLearner, or Committee for two members and more

    Raises
    ------
    NotEnoughLabelsError : no row
    SettingsError : a label that is none of the classes, more rows than a model takes, or features
        that it cannot learn from
    """
    classes = np.asarray(classes)
    strange = np.setdiff1d(y, classes)
    if len(strange):
        raise SettingsError(
            f"The label {strange.tolist()[0]!r} is none of the classes {classes.tolist()}.",
            "Add it to the classes, or leave its objects out.",
        )
    for member in spec.members:
        refuse_unfit(
            find_model(member.model), n_numbers=preparation.n_numbers, has_texts=issparse(X)
        )
    refuse_large_pool(spec, X.shape[0] + (0 if X_pool is None else X_pool.shape[0]))
    former = [None] * len(spec.members) if before is None else _estimators(before)
    learners = [
        fit_model(
            MODELS[member.model],
            member.params,
            spec.seed + i,
            preparation,
            X,
            y,
            find_strategy(member.strategy).function,
            Beside(X_pool, validation, former[i] if i < len(former) else None),
        )
        for i, member in enumerate(spec.members)
    ]
    if not spec.is_committee:
        return learners[0]
    return Committee(learners, find_committee_strategy(spec.committee_strategy).function)


def fit_model(
    model: Model,
    params: Params,
    seed: int,
    preparation: Preparation,
    X: NDArray[np.floating[Any]],
    y: NDArray[Any],
    query_strategy: Any,
    beside: Beside = NOTHING_BESIDE,
) -> ActiveLearner:
    """Fit one model, registered or not, inside a modAL learner; ``beside`` is not prepared yet."""
    pipeline = pipeline_of(model, params, seed, preparation, len(y))
    settings = complete(model.title, model.params, params)
    if model.train is None or len(y) == 0 or np.all(y == y[0]):
        balance = model.weighs_rows and settings["class_weight"] == "balanced"
        return fit_pipeline(pipeline, X, y, query_strategy, balance=balance)
    _leave_processors_to_rows()
    steps = pipeline.steps[:-1]

    def prepared(rows: Any) -> Any:
        rows = rows.astype(np.float64)
        return Pipeline(steps).transform(rows) if steps else rows

    pool, judging = beside.X_pool, beside.validation
    given = Beside(
        prepared(pool) if model.needs_pool and pool is not None and pool.shape[0] else None,
        (prepared(judging[0]), judging[1])
        if model.learns_in_steps and judging is not None and len(judging[1])
        else None,
        beside.before,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        adapted = model.adapt(settings, len(y))
        fitted = model.train(adapted, seed, prepared(X), y, given)
    learner = ActiveLearner(
        Pipeline([*steps, ("model", fitted)]), query_strategy, on_transformed=True
    )
    learner.X_training, learner.y_training = X.astype(np.float64), y
    return learner


def pool_taking_part(spec: LearnerSpec, pool: NDArray[np.intp], n_labelled: int) -> Any:
    """The rows of a pool that take part in a fit: none, all, or those that a seed draws.

    Parameters
    ----------
    pool : ndarray of int, shape (n_pool,), the unlabelled rows

    Raises
    ------
    SettingsError : they are more than a model takes
    """
    if not spec.needs_pool:
        return pool[:0]
    refuse_large_pool(spec, n_labelled + len(pool))
    most = min(
        model.pool.most(member.params)
        for member in spec.members
        if (model := MODELS[member.model]).pool is not None
    )
    if len(pool) <= most:
        return pool
    # By the rows themselves, so that a label more leaves the others drawn.
    keys = tie_keys(pool.astype(np.uint64), spec.seed, _DRAWN)
    return np.sort(pool[np.argpartition(keys, most)[:most]])


def refuse_large_pool(spec: LearnerSpec, n_rows: int) -> None:
    """Refuse a pool, with what is labelled, of which all would take part and which is too large."""
    for member in spec.members:
        model = MODELS[member.model]
        if model.pool is None or model.pool.is_drawn:
            continue
        most = model.pool.most(member.params)
        if n_rows > most:
            raise SettingsError(
                f"{model.title} takes up to {most:,} objects in its fit with these settings; "
                f"pool and labelled objects are {n_rows:,}.",
                model.pool.beyond,
            )


def fit_pipeline(
    pipeline: Pipeline,
    X: NDArray[np.floating[Any]],
    y: NDArray[Any],
    query_strategy: Any,
    *,
    balance: bool = False,
) -> ActiveLearner:
    """Fit one pipeline inside a modAL learner; a constant predictor where y has one class.

    With ``balance`` rows are weighted so that each class counts alike.
    """
    if len(y) == 0:
        raise NotEnoughLabelsError("No object is labelled yet.", "Label at least one object.")
    _leave_processors_to_rows()
    weights: dict[str, NDArray[np.float64]] = {}
    if np.all(y == y[0]):
        pipeline = Pipeline(
            [*pipeline.steps[:-1], ("model", DummyClassifier(strategy="most_frequent"))]
        )
    elif balance:
        last_step = pipeline.steps[-1][0]
        weights = {f"{last_step}__sample_weight": compute_sample_weight("balanced", y)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        # Of many labels few objects each are labelled at first: they are classes all the same.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        # The constructor fits; teach() and fit() fail on current scikit-learn.  Strategies
        # that measure distances get them in the prepared space (on_transformed).
        # Double precision: on float32 rows some models fit, and answer, in single.
        return ActiveLearner(
            pipeline,
            query_strategy,
            X_training=X.astype(np.float64),
            y_training=y,
            on_transformed=True,
            **weights,
        )


@cache
def _leave_processors_to_rows() -> None:
    """Have linear algebra use one thread, from the first fit on.

    A labelled set is small, and rows are scored in chunks on threads: more of them only wait for
    each other (a logistic fit of 300 rows took 4 ms with one, up to 100 ms with two).  Sums then
    round alike whatever else is running.  It holds for the whole process.
    """
    threadpool_limits(1, user_api="blas")


def pipelines(learner: Learner) -> list[Pipeline]:
    """The fitted scikit-learn pipelines, one a member, of nothing but scikit-learn's own."""
    plain = []
    for pipeline in _pipelines(learner):
        *steps, (name, model) = pipeline.steps
        is_plain = not isinstance(model, Transductive)
        plain.append(pipeline if is_plain else Pipeline([*steps, (name, model.plain)]))
    return plain


def epochs_by_member(learner: Learner) -> list[Epochs | None]:
    """The curves of each member that learned in steps, None of one that did not."""
    return [epochs_of(estimator) for estimator in _estimators(learner)]


def _pipelines(learner: Learner) -> list[Pipeline]:
    members = learner.learner_list if isinstance(learner, Committee) else [learner]
    return [member.estimator for member in members]


def _estimators(learner: Learner) -> list[Any]:
    return [pipeline.steps[-1][1] for pipeline in _pipelines(learner)]
