"""What models and strategies of a simulation are called wherever a person reads of them.

Owns the mark of what leaks labels: no name of such a strategy stands without it.
"""

from al_engine.learning.models import MODELS
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.simulating.settings import PlannedModel, SimulationPlan

LEAKS = "leaks labels"


def leaks(strategy: str) -> bool:
    """Does a strategy look at labels that nobody has?"""
    found = STRATEGIES.get(strategy) or COMMITTEE_STRATEGIES.get(strategy)
    return found is not None and found.leaks


def strategy_title(strategy: str) -> str:
    """A strategy's title with its mark; its name where its extension is not there.

    >>> strategy_title("margin"), strategy_title("ratio_tutorial")
    ('Margin', 'Ratio of errors, as in the tutorial (leaks labels)')
    """
    found = STRATEGIES.get(strategy) or COMMITTEE_STRATEGIES.get(strategy)
    title = strategy if found is None else found.title
    return f"{title} ({LEAKS})" if leaks(strategy) else title


def model_title(model: PlannedModel) -> str:
    """A model's title, or those of a committee's members.

    >>> from al_engine.simulating.settings import PlannedMember
    >>> model_title(PlannedModel((PlannedMember("knn"), PlannedMember("nobody_s"))))
    'k-nearest neighbours + nobody_s'
    """
    names = [member.model for member in model.members]
    return " + ".join(MODELS[name].title if name in MODELS else name for name in names)


def model_titles(plan: SimulationPlan) -> dict[str, str]:
    """By name, what each model of a plan is called."""
    return {model.name: model_title(model) for model in plan.models}


def pair_title(plan: SimulationPlan, model: str, strategy: str) -> str:
    """What a pair is called: by its strategy alone where there is one model."""
    title = strategy_title(strategy)
    return title if len(plan.models) == 1 else f"{model_titles(plan)[model]}, {title}"
