"""What other settings would cost, told before they are in force.

Owns what is counted as a cost.  Changes nothing; must not know pages.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig


@dataclass(frozen=True)
class Cost:
    """What settings would take from classifiers, by their labels.

    ``rounds`` is how many earlier rounds could not be compared, ``moved`` how many labels (those
    that train and those that validate) count now and would then, where it is not the same ones;
    ``closed`` are started classifiers that would have no tab.
    """

    rounds: Mapping[str, int] = field(default_factory=dict)
    moved: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    closed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rounds or self.moved or self.closed)


def cost_of(session: LabellingSession, edited: ProjectConfig) -> Cost:
    """What it would cost to put other settings in force."""
    config, project = session.config, session.project
    started = [c for c in config.setups if c in config.train_labels]
    closed = tuple(c for c in started if c not in edited.train_labels)
    lost = session.rounds_lost(edited)
    moved = {}
    # A page asks whenever it is drawn; other settings than these leave every label as it is.
    for classifier in started if _counting(edited) != _counting(config) else ():
        now, then = project.history(classifier), project.histories.history_under(edited, classifier)
        if (now.trained, now.validated) != (then.trained, then.validated):
            moved[classifier] = (
                len(now.trained) + len(now.validated),
                len(then.trained) + len(then.validated),
            )
    return Cost(
        {c: n for c, n in lost.items() if c not in closed},
        {c: numbers for c, numbers in moved.items() if c not in closed},
        closed,
    )


def _counting(config: ProjectConfig) -> Hashable:
    """The settings that say which labels count, and for what."""
    return config.people, config.asking.shared, config.splits.curated
