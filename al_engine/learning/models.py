"""The registry of models: what each is called, its few settings, and how it is built.

A new model is one function and one entry in ``MODELS``; extensions add entries of their own.
Those that take more than a ``fit`` have modules of their own.  Knows scikit-learn only.
"""

from collections.abc import Callable
from typing import Any

from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from al_engine.errors import SettingsError
from al_engine.learning.bayes_weights import BAYES_WEIGHTED
from al_engine.learning.model import Beside, Model
from al_engine.learning.params import Param, Params, Value, complete
from al_engine.learning.self_training import self_training
from al_engine.learning.spreading import GRAPH_MODELS
from al_engine.learning.stepwise import STEP_MODELS
from al_engine.origin import named_instead
from al_engine.settings.config import Features

__all__ = [
    "MODELS",
    "Beside",
    "Model",
    "check_params",
    "find_model",
    "refuse_unfit",
    "seeded",
    "suits",
    "takes",
]


def check_params(model: str, params: Params) -> dict[str, Value]:
    """Complete and check the settings of a model.

    Raises
    ------
    SettingsError : an unknown model or setting, or a value outside what is allowed
    """
    found = find_model(model)
    return complete(found.title, found.params, params)


def find_model(name: str) -> Model:
    """Look a model up by its registry name; a SettingsError names the closest ones."""
    if name not in MODELS:
        raise SettingsError(f"There is no model '{name}'.", named_instead(str(name), MODELS))
    return MODELS[name]


def takes(model: Model, *, n_numbers: int, has_texts: bool) -> bool:
    """Can a model learn from so many numeric features, with texts or without?"""
    if not has_texts:
        return model.takes_numbers
    return model.takes_sparse and (model.takes_both or not n_numbers)


def suits(model: Model, features: Features) -> bool:
    """Is a model for such features?"""
    n_numbers, has_texts = len(features.base), bool(features.texts)
    return takes(model, n_numbers=n_numbers, has_texts=has_texts)


def refuse_unfit(model: Model, *, n_numbers: int, has_texts: bool) -> None:
    """Raise SettingsError, naming models that can, where one cannot learn from such features."""
    if takes(model, n_numbers=n_numbers, has_texts=has_texts):
        return
    others = [
        other.title
        for other in MODELS.values()
        if takes(other, n_numbers=n_numbers, has_texts=has_texts)
    ]
    what = f"{model.title} cannot learn from texts."
    if not has_texts:
        what = f"{model.title} learns from texts alone, and no text is among the features."
    elif model.takes_sparse:
        what = f"{model.title} cannot learn from texts and numbers together."
    raise SettingsError(what, f"Choose one of {', '.join(others)}.")


def seeded(estimator: Any, seed: int) -> Any:
    """An unfitted copy of an estimator, its ``random_state`` set wherever it was not."""
    fresh = clone(estimator)
    unset = {
        name: seed
        for name, value in fresh.get_params().items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    return fresh.set_params(**unset)


def _class_weight(params: Params) -> str | None:
    return "balanced" if params["class_weight"] == "balanced" else None


def _knn(params: Params, seed: int) -> Any:
    return KNeighborsClassifier(n_neighbors=params["n_neighbors"], weights=params["weights"])


def _knn_adapt(params: Params, n_labelled: int) -> Params:
    return {**params, "n_neighbors": max(1, min(int(params["n_neighbors"]), n_labelled))}


def _tree_settings(params: Params, seed: int) -> dict[str, Any]:
    return {
        "max_depth": params["max_depth"] or None,
        "min_samples_leaf": params["min_samples_leaf"],
        "class_weight": _class_weight(params),
        "random_state": seed,
    }


def _decision_tree(params: Params, seed: int) -> Any:
    return DecisionTreeClassifier(**_tree_settings(params, seed))


def _forest(
    kind: type[RandomForestClassifier] | type[ExtraTreesClassifier],
) -> Callable[[Params, int], Any]:
    def build(params: Params, seed: int) -> Any:
        settings = _tree_settings(params, seed)
        return kind(n_estimators=params["n_estimators"], n_jobs=1, **settings)

    return build


def _adaboost(params: Params, seed: int) -> Any:
    return AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=params["max_depth"]),
        n_estimators=params["n_estimators"],
        learning_rate=params["learning_rate"],
        random_state=seed,
    )


def _gradient_boosting(params: Params, seed: int) -> Any:
    return GradientBoostingClassifier(
        n_estimators=params["n_estimators"],
        learning_rate=params["learning_rate"],
        max_depth=params["max_depth"],
        random_state=seed,
    )


def _hist_gradient_boosting(params: Params, seed: int) -> Any:
    return HistGradientBoostingClassifier(
        max_iter=params["max_iter"],
        learning_rate=params["learning_rate"],
        min_samples_leaf=params["min_samples_leaf"],
        class_weight=_class_weight(params),
        early_stopping=False,
        random_state=seed,
    )


def _hist_gradient_boosting_adapt(params: Params, n_labelled: int) -> Params:
    # A leaf of 20 leaves nothing to split below 40 labels; a tenth of the labels always does.
    leaf = max(1, min(int(params["min_samples_leaf"]), n_labelled // 10))
    return {**params, "min_samples_leaf": leaf}


def _logistic_regression(params: Params, seed: int) -> Any:
    return LogisticRegression(
        C=params["C"], class_weight=_class_weight(params), max_iter=1000, random_state=seed
    )


def _logistic_regression_of_texts(params: Params, seed: int) -> Any:
    # The dual problem has as many unknowns as there are labels, not terms: 20 ms for 1,000 texts
    # where the other solvers take three seconds.  It tells one class at a time from the others.
    return OneVsRestClassifier(
        LogisticRegression(
            C=params["C"],
            class_weight=_class_weight(params),
            max_iter=1000,
            random_state=seed,
            solver="liblinear",
            dual=True,
        )
    )


def _linear_svm(params: Params, seed: int) -> Any:
    return LinearSVC(
        C=params["C"], class_weight=_class_weight(params), max_iter=5000, random_state=seed
    )


def _naive_bayes_of_texts(params: Params, seed: int) -> Any:
    # Learned from all other classes, which a class with more labels does not outweigh.
    return ComplementNB(alpha=params["alpha"])


def _svm(params: Params, seed: int) -> Any:
    return SVC(
        kernel="rbf",
        C=params["C"],
        gamma=params["gamma"],
        class_weight=_class_weight(params),
        random_state=seed,
    )


def _mlp(params: Params, seed: int) -> Any:
    # lbfgs: on a few hundred points it is both surer and faster than the stochastic solvers.
    return MLPClassifier(
        hidden_layer_sizes=(params["hidden_units"],),
        alpha=params["alpha"],
        max_iter=params["max_iter"],
        solver="lbfgs",
        random_state=seed,
    )


def _naive_bayes(params: Params, seed: int) -> Any:
    return GaussianNB(var_smoothing=params["var_smoothing"])


def _n_trees(default: int) -> Param:
    return Param("n_estimators", "Trees", default, 1, 5000)


def _rate(default: float) -> Param:
    return Param("learning_rate", "Learning rate", default, 0.001, 10.0)


_CLASS_WEIGHT = Param(
    "class_weight",
    "Class weights",
    "none",
    choices=("none", "balanced"),
    help="Balanced: each class counts alike, however few of its objects are labelled.",
)
_DEPTH = Param("max_depth", "Depth of a tree", 0, 0, 100, help="0: no limit.")
_LEAF = Param("min_samples_leaf", "Smallest leaf", 1, 1, 1000)

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "knn",
            "k-nearest neighbours",
            "KNN",
            _knn,
            (
                Param("n_neighbors", "Neighbours", 3, 1, 1000),
                Param("weights", "Weights", "uniform", choices=("uniform", "distance")),
            ),
            takes_sparse=True,
            for_texts={"n_neighbors": 15},
            help="The classes of the nearest labelled objects. Sensitive to scale. Of texts the "
            "slowest: seconds a round for 50,000.",
            adapt=_knn_adapt,
        ),
        Model(
            "decision_tree",
            "Decision tree",
            "DecisionTree",
            _decision_tree,
            (_DEPTH, _LEAF, _CLASS_WEIGHT),
            takes_missing=True,
            help="One tree of yes-or-no questions: quick, easily explained, overconfident.",
        ),
        Model(
            "random_forest",
            "Random forest",
            "RandomForest",
            _forest(RandomForestClassifier),
            (_n_trees(100), _DEPTH, _LEAF, _CLASS_WEIGHT),
            takes_missing=True,
            help="Many trees on resampled objects: a good first choice for catalogues.",
        ),
        Model(
            "extra_trees",
            "Extra trees",
            "ExtraTrees",
            _forest(ExtraTreesClassifier),
            (_n_trees(100), _DEPTH, _LEAF, _CLASS_WEIGHT),
            takes_missing=True,
            help="A forest with random thresholds: smoother than a random forest.",
        ),
        Model(
            "adaboost",
            "AdaBoost",
            "AdaBoost",
            _adaboost,
            (
                _n_trees(50),
                _rate(1.0),
                Param("max_depth", "Depth of a tree", 1, 1, 20),
                _CLASS_WEIGHT,
            ),
            weighs_rows=True,
            help="Small trees, each minding the objects the last ones got wrong.",
        ),
        Model(
            "gradient_boosting",
            "Gradient-boosted trees",
            "GradientBoosting",
            _gradient_boosting,
            (
                _n_trees(100),
                _rate(0.1),
                Param("max_depth", "Depth of a tree", 3, 1, 20),
                _CLASS_WEIGHT,
            ),
            weighs_rows=True,
            help="Small trees, each mending the error left by the last ones.",
        ),
        Model(
            "hist_gradient_boosting",
            "Histogram gradient boosting",
            "HistGradientBoosting",
            _hist_gradient_boosting,
            (
                Param("max_iter", "Trees", 100, 1, 5000),
                _rate(0.1),
                Param(
                    "min_samples_leaf",
                    "Smallest leaf",
                    20,
                    1,
                    1000,
                    help="At most a tenth of the labelled objects is used.",
                ),
                _CLASS_WEIGHT,
            ),
            takes_missing=True,
            help="Gradient boosting on binned features: for many labels and missing values.",
            adapt=_hist_gradient_boosting_adapt,
        ),
        Model(
            "logistic_regression",
            "Logistic regression",
            "LogisticRegression",
            _logistic_regression,
            (Param("C", "Inverse regularisation (C)", 1.0, 1e-6, 1e6), _CLASS_WEIGHT),
            takes_sparse=True,
            for_texts={"C": 10.0},
            build_for_texts=_logistic_regression_of_texts,
            help="A flat boundary with calibrated probabilities. Wants scaled features. A good "
            "first choice for texts.",
        ),
        Model(
            "linear_svm",
            "Linear support vector machine",
            "LinearSVM",
            _linear_svm,
            (Param("C", "Inverse regularisation (C)", 1.0, 1e-6, 1e6), _CLASS_WEIGHT),
            takes_sparse=True,
            help="A flat boundary with the widest margin, the quickest for texts. Has no "
            "probabilities: the logistic of its decision function stands in for them. Wants "
            "scaled features.",
        ),
        Model(
            "svm",
            "Support vector machine",
            "SVM",
            _svm,
            (
                Param("C", "Inverse regularisation (C)", 1.0, 1e-6, 1e6),
                Param("gamma", "Kernel width (gamma)", "scale", choices=("scale", "auto")),
                _CLASS_WEIGHT,
            ),
            help="A smooth boundary by RBF kernel. Has no probabilities: the logistic of its "
            "decision function stands in for them. Wants scaled features.",
        ),
        Model(
            "mlp",
            "Multi-layer perceptron",
            "MLP",
            _mlp,
            (
                Param("hidden_units", "Hidden units", 100, 1, 2000),
                Param("alpha", "Regularisation (alpha)", 1e-4, 0.0, 1e3),
                Param("max_iter", "Iterations", 500, 1, 10000),
            ),
            help="A small neural network. Wants scaled features.",
        ),
        Model(
            "naive_bayes",
            "Naive Bayes",
            "NaiveBayes",
            _naive_bayes,
            (
                Param(
                    "var_smoothing", "Smoothing of variances", 1e-9, 0.0, 1.0, help="Of numbers."
                ),
                Param("alpha", "Smoothing of words", 1.0, 1e-3, 100.0, help="Of texts."),
                _CLASS_WEIGHT,
            ),
            weighs_rows=True,
            takes_sparse=True,
            takes_both=False,
            build_for_texts=_naive_bayes_of_texts,
            help="One Gaussian a feature and class; of texts, how often each word stands in each "
            "class. Learns from very few labels, and is overconfident.",
        ),
        BAYES_WEIGHTED,
        *STEP_MODELS,
        *GRAPH_MODELS,
    )
}
# Around any of the others, those of extensions included.
MODELS["self_training"] = self_training(MODELS)
