"""Spectra and light curves on the card: drawn to be zoomed, with lines at a redshift."""

import streamlit as st

from al_engine.session import LabellingSession
from al_engine.showing.curves import ShownCurve, curves_of, lines_at, redshift_of
from pages.components import state as tab
from pages.components.guard import guard
from pages.components.picture_row import Plate, picture_row
from pages.components.words import plain

HEIGHT_PX = 260
MOST_REDSHIFT = 8.0


@st.fragment
def curves(session: LabellingSession, row: int) -> None:
    """Every curve of the object, as it comes; what has none says so in a line."""
    if not (tab.is_project_there() and tab.is_project_open()):
        return  # the page around them says so
    with guard():
        for shown in curves_of(session, row):
            if shown.is_coming:
                _place(session, row, shown)
            elif shown.curve is None:
                st.caption(f"{plain(shown.name)}: {plain(shown.sentence)}")
            else:
                _curve(session, row, shown)


def _place(session: LabellingSession, row: int, shown: ShownCurve) -> None:
    """Where a curve will be: the place looks again, as a picture's does, until it is there."""
    slug = session.project.slug
    picture_row(
        f"curve-to-come-{slug}-{shown.name}",
        [Plate(shown.name, shown.name)],
        of=f"{slug} {row}",
        has_marks=False,
        on_event=lambda event: None,
    )


def _curve(session: LabellingSession, row: int, shown: ShownCurve) -> None:
    curve = shown.curve
    assert curve is not None, "only what was read is drawn"
    st.caption(plain(shown.name))
    lines = []
    if curve.kind == "spectrum":
        known = redshift_of(session, row) or 0.0
        redshift = st.slider(
            "Redshift of the lines",
            min(0.0, known),
            max(MOST_REDSHIFT, known),
            known,
            step=0.001,
            format="%.3f",
            key=f"redshift-{session.project.slug}-{row}-{shown.name}",
            help="Begins at the object's own redshift where a column holds one, else at 0. Drag "
            "it until the lines fit; nothing is kept of it.",
        )
        lines = lines_at(curve, redshift)
    trace = {
        "type": "scattergl",
        "mode": "lines" if curve.kind == "spectrum" else "markers",
        "x": curve.x.tolist(),
        "y": curve.y.tolist(),
        "line": {"width": 1},
        "marker": {"size": 4},
        "hovertemplate": "%{x:.6g}, %{y:.4g}<extra></extra>",
    }
    if curve.error is not None and curve.kind == "light curve":
        trace["error_y"] = {"array": curve.error.tolist(), "thickness": 1, "width": 0}
    layout = {
        "height": HEIGHT_PX,
        "margin": {"l": 55, "r": 10, "t": 8, "b": 40},
        "showlegend": False,
        "xaxis": {"title": {"text": curve.x_title}},
        "yaxis": {"title": {"text": curve.y_title}},
        # The zoom stays while lines are dragged.
        "uirevision": f"{row}-{shown.name}",
        "shapes": [
            {
                "type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper",
                "line": {"width": 1, "dash": "dot", "color": "#D55E00"},
            }
            for _, at in lines
        ],
        "annotations": [
            {
                "x": at, "y": 1, "yref": "paper", "yanchor": "top", "xanchor": "right",
                "textangle": -90, "text": name,
                "showarrow": False, "font": {"size": 10},
            }
            for name, at in lines
        ],
    }  # fmt: skip
    st.plotly_chart(
        {"data": [trace], "layout": layout},
        key=f"curve-{shown.name}",
        config={"displaylogo": False, "scrollZoom": True},
    )
