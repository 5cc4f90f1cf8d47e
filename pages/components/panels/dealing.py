"""What a person did on a panel, dealt with before a page is drawn: one object, or many, selected.

Draws nothing.
"""

from al_engine.session import LabellingSession
from al_engine.settings.panels import Panel
from pages.components import loop
from pages.components import state as tab
from pages.components.looking import Posted
from pages.components.scatter_map import MapEvent

POSTED = "panel"
KINDS = (POSTED,)


def deal_with_first(queue: list[Posted]) -> None:
    """Do the first thing that was asked for, and take it out of the queue."""
    posted = queue.pop(0)
    # A look at something is worth nothing where something else is looked at by now.
    if posted.page != tab.page() or posted.slug != tab.project_slug():
        return
    session = tab.session()
    if session is None:
        return
    panel: Panel = posted.event[1]
    event: MapEvent = posted.event[2]
    if event.kind == "click":
        _select(session, posted.classifier, panel, event)
    elif event.kind == "area":
        _select_many(session, panel, event)


def _select(session: LabellingSession, classifier: str, panel: Panel, event: MapEvent) -> None:
    if panel.kind in ("histogram", "sed"):
        return
    plots = tab.plotting()
    state = loop.state_of(session, classifier)
    by = None if panel.kind == "density" else plots.colouring(panel, state, tab.colours())
    row = plots.nearest_row(plots.plane(panel), by, event.x, event.y, event.view)
    if row is not None:
        tab.select(classifier, row)


def _select_many(session: LabellingSession, panel: Panel, event: MapEvent) -> None:
    plots = tab.plotting()
    if panel.kind == "histogram":
        along = [x for x, _ in event.outline]
        rows = plots.rows_between(panel, min(along), max(along))
        tab.select_together(rows, f"by a range of {panel.x or session.config.x_axis}")
        return
    plane = plots.plane(panel)
    rows = plane.rows_inside(list(event.outline))
    how = f"{plane.y_axis.title} over {plane.x_axis.title}"
    tab.select_together(rows, f"on {how}")
    if not len(rows):
        tab.exploring().notice = "No object lies inside."
