"""What a panel is drawn with: whose it is, where it stands, how much room it has.

Knows nothing of what panels show.
"""

from dataclasses import dataclass

from al_engine.session import LabellingSession, State
from al_engine.settings.panels import Panel, Place
from pages.components import state as tab


@dataclass(frozen=True)
class Spot:
    """A panel on a page; ``state`` is None where no classifier is started.

    It is at least ``least_px`` high; where the window has more room, the share ``fill[0]`` of its
    height less ``fill[1]`` pixels.  ``key`` is like no other's on any page of the project.
    """

    session: LabellingSession
    state: State | None
    page: str
    place: Place
    panel: Panel
    least_px: int
    fill: tuple[float, int]

    @property
    def classifier(self) -> str:
        """The classifier that is looked at; "" for none."""
        return "" if self.state is None else self.state.classifier

    @property
    def key(self) -> str:
        column, row = self.place
        slug = self.session.project.slug
        return f"panel-{self.page}-{column}-{row}-{self.panel.kind}-{slug}-{self.classifier}"

    @property
    def row(self) -> int | None:
        """The object on the screen: the selected one, else the one that is asked about."""
        selected = tab.selected(self.classifier)
        if selected is not None:
            return selected if selected < self.session.project.catalogue.n_rows else None
        asked = None if self.state is None else self.state.question
        return None if asked is None else asked.row
