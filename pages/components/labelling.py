"""The object's card, the same on every page, and the plots of extensions that it is marked in."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from PIL import Image

from al_engine.session import LabellingSession
from al_engine.showing.objects import ObjectCard, Picture, Value, find_object, object_card
from al_engine.showing.plots import draw_plot
from al_engine.views.plots import PLOTS
from pages.components import loop
from pages.components import state as tab
from pages.components.guard import guard
from pages.components.page import draw_again
from pages.components.panels.spot import Spot
from pages.components.words import plain

PIXELS_WIDTH_PX = 288


def card_panel(spot: Spot) -> None:
    """Everything known of the object on the screen."""
    if spot.row is None:
        st.caption(loop.NOTHING_LEFT if spot.state is not None else "No object is selected.")
        return
    card = object_card(spot.session, spot.state, spot.row)
    with st.container(horizontal=True, vertical_alignment="center", key="card-top"):
        st.subheader(plain(card.object_id), anchor=False)
        key = f"find-{spot.session.project.slug}-{spot.classifier}"
        find(spot.session, key, lambda row: tab.select(spot.classifier, row))
    card_body(card)


def plot_panel(spot: Spot) -> None:
    """A plot of an extension, in which the object on the screen is marked."""
    name = spot.panel.of
    if name not in PLOTS:
        st.caption(f"The plot '{plain(name[:60])}' is of an extension that is not here.")
        return
    if spot.state is None or spot.row is None:
        st.caption("No object is selected.")
        return
    figure = draw_plot(spot.session, spot.state, name, spot.row)
    layout = {
        "height": spot.least_px,
        "margin": {"l": 50, "r": 10, "t": 40, "b": 45},
        "legend": {"orientation": "h", "y": 1.12},
    }
    figure["layout"] = layout | figure.get("layout", {})
    st.plotly_chart(figure, key=f"plot-{name}", config={"displaylogo": False})
    if PLOTS[name].help:
        st.caption(plain(PLOTS[name].help))


def find(session: LabellingSession, key: str, select: Callable[[int], None]) -> None:
    """A way to any object by its id."""
    # Its key counts the objects found: with a new key it stands closed, and its field empty.
    found = tab.clicks(key)
    with (
        st.popover(
            "Find", icon=":material/search:", help="Show an object by its id.", key=f"{key}-{found}"
        ),
        st.form(f"{key}-form-{found}", border=False),
    ):
        wanted = st.text_input("Id", key=f"{key}-id-{found}", placeholder="its id in full")
        if st.form_submit_button("Show it") and wanted.strip():
            with guard():
                select(find_object(session, wanted))
                tab.count_click(key)
                draw_again()


def card_body(card: ObjectCard) -> None:
    """All of a card but its head."""
    if card.position is not None:
        with st.container(key="position", horizontal=True):
            st.code(card.position.degrees, language=None, width="content")
            st.code(card.position.sexagesimal, language=None, width="content")
    if card.is_kept_back:
        st.caption(
            "Others labelled it: what they said, and the models, are not shown before you did."
        )
    for name, p in card.probabilities:
        said = f"{p:.2f}" if p is not None else f"not scored: it is in the {card.part} set"
        st.progress(p or 0.0, text=f"P({plain(name)}) {said}")
    if card.pictures:
        for column, picture in zip(st.columns(len(card.pictures)), card.pictures, strict=True):
            with column:
                _picture(picture)
    known = []
    if card.catalogue_label is not None:
        known.append(f"catalogue says {plain(card.catalogue_label)}")
    if card.verified_label is not None:
        said = "you said" if card.is_own else "what counts is"
        known.append(f"{said} **{plain(card.verified_label)}**")
    # The catalogue's label beside the question would be copied, not checked.  The button is there
    # where nothing is known too, so that nothing below it moves from object to object.
    with st.popover("What is known of its label"):
        st.markdown("; ".join(known) + "." if known else "Nothing is known of it.")
    _values((*card.info, *card.features))


def _picture(picture: Picture) -> None:
    if picture.pixels is not None:
        st.image(_enlarged(picture), width=PIXELS_WIDTH_PX, caption=picture.name)
    elif picture.path is not None:
        if _opens(picture.path):
            st.image(str(picture.path), width="stretch", caption=plain(picture.name))
        else:
            st.caption(f"{plain(picture.name)}: '{plain(picture.path.name)}' is no whole picture.")
    elif picture.address:
        st.image(picture.address, width="stretch", caption=plain(picture.name))
    else:
        st.caption(f"{plain(picture.name)}: {plain(picture.sentence)}")


def _opens(path: Path) -> bool:
    """Can the file be drawn?  It may have been cut short, or changed since it was found."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True


def _enlarged(picture: Picture) -> object:
    """Each pixel as a square: a browser would blur a small picture."""
    assert picture.pixels is not None, "only pixels are enlarged"
    times = max(1, PIXELS_WIDTH_PX // max(picture.pixels.shape))
    return picture.pixels.repeat(times, axis=0).repeat(times, axis=1)


def _values(values: tuple[Value, ...]) -> None:
    """The extra columns, then the features, with units and meaning."""
    if not values:
        st.caption("No columns are shown here: choose some in Settings.")
        return
    measured = any(value.unit for value in values)
    described = any(value.description for value in values)
    st.dataframe(
        [
            {"column": v.name, "value": v.text}
            | ({"unit": v.unit} if measured else {})
            | ({"meaning": v.description} if described else {})
            for v in values
        ],
        hide_index=True,
        row_height=26,
        height=38 + 26 * len(values),
        column_config={
            "column": st.column_config.TextColumn(width=105 if measured else 240),
            "value": st.column_config.TextColumn(width=85),
            "unit": st.column_config.TextColumn(width=125),
        },
    )
