"""Where one looks in a browser tab, and what was just done there: plain data.

``state`` keeps it.  Plain, so that what follows from an answer is noted without a call at which
Streamlit might break off and run the page anew.
"""

from dataclasses import dataclass, field
from typing import Any

from al_engine.curating.auditing import Audited
from al_engine.exchange.configuration import Configuration
from al_engine.settings.criteria import Search
from al_engine.settings.panels import Arrangement, Place
from al_engine.showing.maps import Shown


@dataclass
class Curating:
    """Where one looks on the Test set page.

    ``search`` is as far as it is typed, None while it is the project's.
    """

    selected: int | None = None
    notice: str = ""
    search: Search | None = None


@dataclass(frozen=True)
class Selected:
    """Objects that were selected together, by row, and how, in words.

    ``number`` tells this selection from those before it.
    """

    rows: Any
    how: str
    number: int

    @property
    def n(self) -> int:
        return len(self.rows)


@dataclass
class Exploring:
    """Panels by page, the one that has the whole page, and what is selected together."""

    panels: dict[str, Arrangement] = field(default_factory=dict)
    full: dict[str, Place] = field(default_factory=dict)
    together: Selected | None = None
    n_selections: int = 0
    notice: str = ""
    labelled: bool = False
    written: str = ""


@dataclass
class Aside:
    """What is looked at on Labelling in place of the question: "" for the question itself.

    ``answer`` is the chosen one by classifier, row and who gave it, ``label`` the chosen one.
    """

    view: str = ""
    answer: tuple[str | None, int, str] | None = None
    label: str = ""


@dataclass
class Looking:
    """Where one looks in the open project, by classifier."""

    selected: dict[str, int] = field(default_factory=dict)
    past: dict[str, int] = field(default_factory=dict)
    notice: dict[str, str] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    curating: Curating = field(default_factory=Curating)
    exploring: Exploring = field(default_factory=Exploring)
    aside: Aside = field(default_factory=Aside)
    audits: dict[str, Audited] = field(default_factory=dict)
    auditing: dict[str, int] = field(default_factory=dict)
    settling: dict[str, int] = field(default_factory=dict)
    settling_notice: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """A configuration that was opened and is not loaded yet, by the name of its file."""

    name: str
    configuration: Configuration


@dataclass(frozen=True)
class Posted:
    """Something a person did, until it is dealt with.

    ``kind`` is "bar", or of the map that it was done on; ``page`` the title of the page.
    """

    kind: str
    page: str
    slug: str
    classifier: str
    event: Any
