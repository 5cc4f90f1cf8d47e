"""What models, strategies and services are called in a sentence, and whom to cite for each.

A new model or strategy is one entry here beside that of its registry; without one it goes by its
title, as those of extensions do.
"""

from dataclasses import dataclass

from al_engine.exchange.report.blocks import Cite, Link, Part
from al_engine.learning.models import MODELS, find_model
from al_engine.learning.params import Param, Params, Value
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.settings.config import ClassifierSetup, MemberSetup, Splits

# Settings that a sentence tells whatever they are; those that count things are told as counts.
ALWAYS = {"n_estimators", "n_neighbors", "C", "kernel", "gamma", "base", "hidden_units"}
_COUNTS = {"Trees": "trees", "Neighbours": "neighbours", "Hidden units": "hidden units"}
_NOT_OF_GRAPH = {
    "knn": "gamma",
    "rbf": "n_neighbors",
}  # settings that a kind of graph has no use of
_NO_LIMIT = {"max_depth"}  # settings of which 0 says so


@dataclass(frozen=True)
class Words:
    """What something is called in a sentence; ``cites`` are keys of references."""

    words: str
    cites: tuple[str, ...] = ()

    @property
    def text(self) -> tuple[Part, ...]:
        """The words, and in brackets who is cited for them."""
        return (self.words, *in_brackets(self.cites))


def in_brackets(cites: tuple[str, ...]) -> tuple[Part, ...]:
    """Some citations in brackets, with a blank before; nothing where there is none."""
    if not cites:
        return ()
    parts: list[Part] = [" ("]
    for i, key in enumerate(cites):
        parts += ["; "] * bool(i) + [Cite(key)]
    return (*parts, ")")


# With the article that a sentence needs.
MODELS_SAID: dict[str, Words] = {
    "knn": Words("a k-nearest-neighbour classifier", ("cover1967",)),
    "decision_tree": Words("a decision tree", ("breiman1984",)),
    "random_forest": Words("a random forest", ("breiman2001",)),
    "extra_trees": Words("a forest of extremely randomised trees", ("geurts2006",)),
    "adaboost": Words("AdaBoost over decision trees", ("freund1997",)),
    "gradient_boosting": Words("gradient-boosted trees", ("friedman2001",)),
    "hist_gradient_boosting": Words(
        "gradient-boosted trees over histograms", ("friedman2001", "ke2017")
    ),
    "logistic_regression": Words("a logistic regression", ("cox1958",)),
    "svm": Words("a support vector machine with a radial kernel", ("cortes1995",)),
    "linear_svm": Words("a linear support vector machine", ("cortes1995", "fan2008")),
    "bayes_linear": Words(
        "a logistic regression on words weighed by naive Bayes' ratios", ("wang2012", "fan2008")
    ),
    "mlp": Words("a multi-layer perceptron", ("rumelhart1986",)),
    "mlp_steps": Words(
        "a multi-layer perceptron trained in steps", ("rumelhart1986", "kingma2014")
    ),
    "sgd": Words("a linear model by stochastic gradient descent", ("bottou2010",)),
    "naive_bayes": Words("a Gaussian naive Bayes classifier", ("hand2001",)),
    "label_spreading": Words("label spreading", ("zhou2004",)),
    "label_propagation": Words("label propagation", ("zhu2002",)),
    "self_training": Words("self-training", ("yarowsky1995", "nigam2000")),
}

# What a model is where texts are among the features.
MODELS_SAID_OF_TEXTS: dict[str, Words] = {
    "naive_bayes": Words("a complement naive Bayes classifier", ("rennie2003",)),
}

# As in "objects chosen ...".
STRATEGIES_SAID: dict[str, Words] = {
    "uncertainty": Words("by uncertainty sampling", ("lewis1994",)),
    "margin": Words("by margin sampling", ("scheffer2001",)),
    "entropy": Words("by the entropy of their probabilities", ("settles2012",)),
    "random": Words("at random"),
    "vote_entropy": Words("by vote entropy", ("seung1992", "dagan1995")),
    "consensus_entropy": Words(
        "by the entropy of the committee's mean probabilities", ("seung1992", "settles2012")
    ),
    "max_disagreement": Words(
        "by the largest divergence of a member from the committee's mean",
        ("seung1992", "mccallum1998"),
    ),
    "margin_clusters": Words(
        "by margin sampling spread over clusters", ("scheffer2001", "zhdanov2019")
    ),
    "margin_power": Words(
        "at random, the closer the margin the likelier", ("scheffer2001", "kirsch2023")
    ),
    "ranked_batch": Words("by ranked batches", ("cardoso2017",)),
    "typical_start": Words(
        "by typicality while labels were few, then by margin", ("hacohen2022", "scheffer2001")
    ),
    "spread_start": Words(
        "amid clusters while labels were few, then by margin", ("kang2004", "scheffer2001")
    ),
    "density": Words("by margin weighted with density", ("scheffer2001", "settles2008")),
    "entropy_threshold": Words("by an entropy above a threshold", ("settles2012",)),
    "relevant": Words("by the probability of the wanted label", ("vandeschoot2021",)),
    "ratio": Words("by the ratio of errors in validation"),
    "ratio_tutorial": Words("by the ratio of errors on the test set", ("deshpande2021",)),
    "vote_clusters": Words(
        "by vote entropy spread over clusters", ("seung1992", "dagan1995", "zhdanov2019")
    ),
}


@dataclass(frozen=True)
class Survey:
    """Whom pictures of the sky come from: who is cited, and where they say how to thank them."""

    name: str
    cites: tuple[str, ...]
    thanks: Link | None = None


_SDSS = Link("sdss.org", "https://www.sdss.org/collaboration/citing-sdss/")
SURVEYS: dict[str, Survey] = {
    "sdss": Survey("the Sloan Digital Sky Survey", ("york2000",), _SDSS),
    "sdss_spectrum": Survey("the Sloan Digital Sky Survey", ("york2000",), _SDSS),
    "first": Survey("the FIRST survey", ("becker1995",)),
    "hips2fits": Survey(
        "hips2fits of the Centre de Données astronomiques de Strasbourg",
        ("fernique2015",),
        Link("hips2fits", "https://alasky.cds.unistra.fr/hips-image-services/hips2fits"),
    ),
    "legacy_survey": Survey(
        "the DESI Legacy Imaging Surveys",
        ("dey2019",),
        Link("legacysurvey.org", "https://www.legacysurvey.org/acknowledgment/"),
    ),
}


def model_name(member: MemberSetup, *, of_texts: bool = False) -> tuple[Part, ...]:
    """A model, and who is cited for it; one that is not there any more goes by its name."""
    model = MODELS.get(member.model)
    if model is None:
        return (f"the model {member.model}",)
    words = MODELS_SAID_OF_TEXTS.get(model.name) if of_texts else None
    if words is None and model.origin is None:
        words = MODELS_SAID.get(model.name)
    return (words or Words(f"the model {model.title}")).text


def model_words(member: MemberSetup, *, of_texts: bool = False) -> tuple[Part, ...]:
    """A model with the settings that everybody wants to know, and those that are not the usual."""
    model = find_model(member.model)
    values = settings_of(member)
    idle = _NOT_OF_GRAPH.get(str(values.get("kernel", "")))
    other = [
        f"{_value(param, values[param.name])} {_COUNTS[param.title]}"
        if param.title in _COUNTS
        else f"{begun_small(param.title)}{_of(param)} {_value(param, values[param.name])}"
        for param in model.params
        if param.name != idle
        and (param.name in ALWAYS or param.title in _COUNTS or values[param.name] != param.default)
    ]
    name = model_name(member, of_texts=of_texts)
    return (*name, *([f" with {listed(other)}"] if other else []))


def settings_of(member: MemberSetup) -> Params:
    """All settings of a model, those that were left as they are too."""
    model = find_model(member.model)
    return {param.name: member.params.get(param.name, param.default) for param in model.params}


def settings_words(member: MemberSetup) -> str:
    """All settings of a model in one line."""
    if member.model not in MODELS:
        return "not known, for it is not there any more"
    values = settings_of(member)
    params = MODELS[member.model].params
    said = [f"{param.title}: {_value(param, values[param.name])}" for param in params]
    return "; ".join(said) or "none"


def strategy_settings(setup: ClassifierSetup) -> str:
    """The settings of the strategy in force in one line, "" where it has none."""
    name = strategy_of(setup)
    found = COMMITTEE_STRATEGIES.get(name) or STRATEGIES.get(name)
    params = () if found is None else found.params
    values = setup.strategy_params
    said = [
        f"{param.title}: {_value(param, values.get(param.name, param.default))}" for param in params
    ]
    return "; ".join(said)


def strategy_words(name: str) -> tuple[Part, ...]:
    """How objects are chosen by a strategy; one that is not there any more goes by its name."""
    found = COMMITTEE_STRATEGIES.get(name) or STRATEGIES.get(name)
    if found is not None and found.origin is None and name in STRATEGIES_SAID:
        return STRATEGIES_SAID[name].text
    return (f"by the strategy {found.title if found is not None else name or 'in force'}",)


def strategy_of(setup: ClassifierSetup) -> str:
    """The name of the strategy in force."""
    return setup.committee_strategy if len(setup.members) > 1 else setup.members[0].strategy


def _value(param: Param, value: Value) -> str:
    if param.name in _NO_LIMIT and value == 0:
        return "no limit"
    if param.choices:
        return param.name_of(value)
    return f"{value:g}" if isinstance(value, float) else f"{value:,}"


def _of(param: Param) -> str:
    return "" if param.choices else " of"


def share_words(splits: Splits) -> str:
    """How much of the objects each set is given.

    >>> share_words(Splits())
    '60% training, 20% validation and 20% test'
    """
    unit = "%" if splits.mode == "shares" else " objects"
    numbers = (splits.train, splits.validation, splits.test)
    parts = zip(numbers, ("training", "validation", "test"), strict=True)
    return listed([f"{number:,g}{unit} {part}" for number, part in parts])


def drawn_how(splits: Splits) -> str:
    """By what rule the sets are drawn."""
    return "stratified by label" if splits.draw == "stratified" else "equally many of each label"


def begun_small(text: str) -> str:
    """A text within a sentence.

    >>> begun_small("Inverse regularisation (C)"), begun_small("QSO")
    ('inverse regularisation (C)', 'QSO')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def listed(words: list[str]) -> str:
    """Words with commas and a last "and".

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(n: int, thing: str) -> str:
    """A number of things in words.

    >>> counted(1, "label"), counted(12000, "label")
    ('1 label', '12,000 labels')
    """
    return f"{n:,} {thing}" + ("" if n == 1 else "s")
