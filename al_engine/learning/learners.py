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
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from al_engine.errors import NotEnoughLabelsError, SettingsError
from al_engine.learning.models import MODELS, Model, check_params, find_model
from al_engine.learning.params import Param, Params, complete
from al_engine.learning.strategies import find_committee_strategy, find_strategy

__all__ = [
    "MODELS",
    "Learner",
    "LearnerSpec",
    "Member",
    "Model",
    "Param",
    "Params",
    "Preparation",
    "build_pipeline",
    "check_params",
    "fit_learner",
    "fit_preparation",
    "pipelines",
]

Learner: TypeAlias = ActiveLearner | Committee


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


@dataclass(frozen=True)
class Preparation:
    """Steps fitted once on the training set: median imputer and, if wanted, robust scaler."""

    imputer: SimpleImputer
    scaler: RobustScaler | None

    def transform(self, X: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Fill in what is missing and, if so fitted, scale."""
        prepared: NDArray[np.floating[Any]] = self.imputer.transform(X)
        return prepared if self.scaler is None else self.scaler.transform(prepared)


def fit_preparation(X_train: NDArray[np.floating[Any]], *, scale: bool) -> Preparation:
    """Learn medians and scales from the training set, labelled or not.

    Parameters
    ----------
    X_train : ndarray of shape (n, n_features), NaN where missing
    scale : whether features are centred on their median and divided by their quartile range
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that is missing everywhere
        imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(X_train)
        if not scale:
            return Preparation(imputer, None)
        scaler = RobustScaler().fit(X_train)
    scaler.center_ = np.nan_to_num(scaler.center_, nan=0.0)
    scaler.scale_ = np.nan_to_num(scaler.scale_, nan=1.0)
    return Preparation(imputer, scaler)


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
    estimator = model.build(settings, seed)
    return prepared_pipeline(estimator, preparation, impute=not model.takes_missing)


def prepared_pipeline(estimator: Any, preparation: Preparation, *, impute: bool) -> Pipeline:
    """Put the fitted preparation before any scikit-learn estimator."""
    steps: list[tuple[str, Any]] = []
    if impute:
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
) -> Learner:
    """Train on all labelled rows, in the order given (callers sort them by row).

    With one class among the labels the prediction is that class everywhere.

    Parameters
    ----------
    X : ndarray of shape (n_labelled, n_features), NaN where missing
    y : ndarray of shape (n_labelled,), values of ``classes`` (integers for a committee)
    classes : ndarray of shape (n_classes,), every class there is, known yet or not

    Returns
    -------
    modAL ActiveLearner, or Committee for two members and more

    Raises
    ------
    NotEnoughLabelsError : no row
    SettingsError : a label that is none of the classes
    """
    classes = np.asarray(classes)
    strange = np.setdiff1d(y, classes)
    if len(strange):
        raise SettingsError(
            f"The label {strange.tolist()[0]!r} is none of the classes {classes.tolist()}.",
            "Add it to the classes, or leave its objects out.",
        )
    learners = [
        fit_pipeline(
            build_pipeline(member.model, member.params, spec.seed + i, preparation, len(y)),
            X,
            y,
            find_strategy(member.strategy).function,
            balance=_weighs_rows(member),
        )
        for i, member in enumerate(spec.members)
    ]
    if not spec.is_committee:
        return learners[0]
    return Committee(learners, find_committee_strategy(spec.committee_strategy).function)


def _weighs_rows(member: Member) -> bool:
    """Are classes to count alike for an estimator that can only be told so row by row?"""
    return MODELS[member.model].weighs_rows and member.params["class_weight"] == "balanced"


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
    """The fitted scikit-learn pipelines, one a member."""
    members = learner.learner_list if isinstance(learner, Committee) else [learner]
    return [member.estimator for member in members]
