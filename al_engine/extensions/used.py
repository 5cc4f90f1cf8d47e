"""What a project's settings use of extensions.

Owns the step from the names in settings to the files that brought what they name.  Must not know
how those came to be there.
"""

from typing import Any

from al_engine.data.operations import OPERATIONS
from al_engine.extensions.loading import Entry
from al_engine.learning.models import MODELS
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES
from al_engine.settings.config import ProjectConfig


def used_by(config: ProjectConfig, classifier: str) -> tuple[Entry, ...]:
    """What the settings of a classifier use of extensions that are there."""
    setup = config.setups.get(classifier)
    members = setup.members if setup is not None else ()
    strategies = [STRATEGIES.get(member.strategy) for member in members[:1]]
    if setup is not None and len(members) > 1:
        strategies = [COMMITTEE_STRATEGIES.get(setup.committee_strategy)]  # type: ignore[list-item]
    named: list[tuple[str, Any]] = [
        *(("model", MODELS.get(member.model)) for member in members),
        # A model that goes around another is of that one's file too.
        *(("model", MODELS.get(str(member.params.get("base", "")))) for member in members),
        *(("query strategy", strategy) for strategy in strategies),
        *(("operation", OPERATIONS.get(c.operation)) for c in config.features.combinations),
    ]
    found = [
        Entry(kind, entry.name, entry.title, entry.origin)
        for kind, entry in named
        if entry is not None and entry.origin is not None
    ]
    return tuple(dict.fromkeys(found))


def hashes(config: ProjectConfig, classifier: str) -> dict[str, str]:
    """The hash of each file that a classifier's models and scores depend on, by what it brings."""
    return {
        f"{entry.kind} {entry.name}": entry.origin.sha256
        for entry in used_by(config, classifier)
        if entry.kind != "query strategy"
    }
