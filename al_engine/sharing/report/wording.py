"""What models, strategies and services are called in a sentence, and whom to cite for each.

A new model or strategy is one entry here beside that of its registry; without one it goes by its
title, as those of extensions do.
"""

from dataclasses import dataclass

from al_engine.exchange.report.blocks import Cite, Link, Part
from al_engine.learning.models import find_model
from al_engine.learning.params import Params
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.settings.config import ClassifierSetup, MemberSetup

TREES = "Trees"  # the title of the setting of which everybody wants to know


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
    "multinomial_nb": Words("a multinomial naive Bayes classifier", ("hand2001",)),
    "label_spreading": Words("label spreading", ("zhou2004",)),
    "label_propagation": Words("label propagation", ("zhu2002",)),
    "self_training": Words("self-training", ("yarowsky1995",)),
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
    "margin_clusters": Words("by margin in clusters", ("scheffer2001", "zhdanov2019")),
    "margin_power": Words("at random with weights by margin", ("scheffer2001", "kirsch2021")),
    "ranked_batch": Words("by ranked batches", ("cardoso2017",)),
    "typical_start": Words("by typicality, then by margin", ("hacohen2022", "scheffer2001")),
    "spread_start": Words("amid clusters, then by margin", ("kang2004", "scheffer2001")),
    "density": Words("by margin weighted with density", ("scheffer2001", "settles2008")),
    "entropy_threshold": Words("by an entropy above a threshold", ("settles2012",)),
    "relevant": Words("by the probability of the wanted label"),
    "ratio": Words("by the ratio of errors in validation"),
    "ratio_tutorial": Words("by the ratio of errors on the test set"),
    "vote_clusters": Words(
        "by vote entropy in clusters", ("seung1992", "dagan1995", "zhdanov2019")
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


def model_name(member: MemberSetup) -> tuple[Part, ...]:
    """A model, and who is cited for it."""
    model = find_model(member.model)
    words = MODELS_SAID.get(model.name) if model.origin is None else None
    return (words or Words(f"the model {model.title}")).text


def model_words(member: MemberSetup) -> tuple[Part, ...]:
    """A model with its number of trees, and those of its settings that are not the usual ones."""
    model = find_model(member.model)
    usual = {param.name: param.default for param in model.params}
    titles = {param.name: param.title for param in model.params}
    other = [
        f"{value} trees"
        if titles[name] == TREES
        else f"{begun_small(titles[name])} {_value(value)}"
        for name, value in settings_of(member).items()
        if value != usual.get(name) or titles[name] == TREES
    ]
    return (*model_name(member), *([f" with {listed(other)}"] if other else []))


def settings_of(member: MemberSetup) -> Params:
    """All settings of a model, those that were left as they are too."""
    model = find_model(member.model)
    return {param.name: member.params.get(param.name, param.default) for param in model.params}


def settings_words(member: MemberSetup) -> str:
    """All settings of a model in one line."""
    titles = {param.name: param.title for param in find_model(member.model).params}
    said = [f"{titles[name]}: {_value(value)}" for name, value in settings_of(member).items()]
    return "; ".join(said) or "none"


def strategy_words(name: str) -> tuple[Part, ...]:
    """How objects are chosen by a strategy; one that is not there any more goes by its name."""
    found = COMMITTEE_STRATEGIES.get(name) or STRATEGIES.get(name)
    if found is not None and found.origin is None and name in STRATEGIES_SAID:
        return STRATEGIES_SAID[name].text
    return (f"by the strategy {found.title if found is not None else name or 'in force'}",)


def strategy_of(setup: ClassifierSetup) -> str:
    """The name of the strategy in force."""
    return setup.committee_strategy if len(setup.members) > 1 else setup.members[0].strategy


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


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
