"""The four steps of the settings, each a form that starts from what is set or guessed."""

from collections.abc import Callable
from dataclasses import dataclass

from al_engine.session import LabellingSession
from pages.components.settings import catalogue, classifiers, columns, features
from pages.components.settings.form import Way


@dataclass(frozen=True)
class Step:
    """A step by its title, and what draws it."""

    title: str
    draw: Callable[[LabellingSession, Way], None]


STEPS = (
    Step("Catalogue", catalogue.draw),
    Step("Columns", columns.draw),
    Step("Features", features.draw),
    Step("Classifiers", classifiers.draw),
)
