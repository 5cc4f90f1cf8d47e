"""The object's card, the same on every page, and the plots of extensions that it is marked in."""

from collections.abc import Callable

import streamlit as st

from al_engine.learning.coverage import FAR, NEIGHBOURS
from al_engine.session import LabellingSession
from al_engine.showing.objects import ObjectCard, Picture, Value, object_card
from al_engine.showing.places import find_object
from al_engine.showing.plots import draw_plot
from al_engine.views.palette import NEUTRAL
from al_engine.views.plots import PLOTS
from pages.components import loop
from pages.components import state as tab
from pages.components.curves import curves
from pages.components.guard import guard
from pages.components.notes import note_menu, noted, told
from pages.components.page import draw_again
from pages.components.panels.spot import Spot
from pages.components.pictures import pictures
from pages.components.reader import reader
from pages.components.words import plain

PIXELS_WIDTH_PX = 288
WITH_A_BAR = 2  # of the labels that an object may have


def card_panel(spot: Spot) -> None:
    """Everything known of the object on the screen."""
    if spot.row is None:
        st.caption(loop.NOTHING_LEFT if spot.state is not None else "No object is selected.")
        _find(spot)
        return
    card = object_card(spot.session, spot.state, spot.row)
    with st.container(horizontal=True, vertical_alignment="center", key="card-top"):
        st.subheader(plain(card.object_id), anchor=False)
        _find(spot)
        note_menu(spot.session, card.row, card.object_id, is_untold=card.is_untold)
    card_body(spot.session, card)
    if spot.classifier:
        tab.album().fetch_soon(loop.beside(spot.session, spot.classifier))


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
    """A way to any object by its id, or by its position."""
    # Its key counts the objects found: with a new key it stands closed, and its field empty.
    found = tab.clicks(key)
    with (
        st.popover(
            "Find",
            icon=":material/search:",
            help="Show an object by its id, or by its position.",
            key=f"{key}-{found}",
        ),
        st.form(f"{key}-form-{found}", border=False),
    ):
        by_position = session.config.columns.ra is not None
        wanted = st.text_input(
            "Id or position" if by_position else "Id",
            key=f"{key}-id-{found}",
            placeholder="its id in full" + (", or 188.5212 +0.9401" if by_position else ""),
            help="A position in degrees, or as 12:34:05.1 +00:56:24, shows the object nearest to "
            "it, within an arcmin."
            if by_position
            else None,
        )
        if st.form_submit_button("Show it") and wanted.strip():
            with guard():
                select(find_object(session, wanted))
                tab.count_click(key)
                draw_again()


def _find(spot: Spot) -> None:
    key = f"find-{spot.session.project.slug}-{spot.classifier}"
    find(spot.session, key, lambda row: tab.select(spot.classifier, row))


def card_body(session: LabellingSession, card: ObjectCard) -> None:
    """All of a card but its head."""
    if card.position is not None:
        with st.container(key="position", horizontal=True):
            st.code(card.position.degrees, language=None, width="content")
            st.code(card.position.sexagesimal, language=None, width="content")
        links = " · ".join(f"[{name}]({address})" for name, address in card.position.links)
        st.caption(links, help="What others know of this place; opens in another tab.")
    for note in card.notes:
        noted(note)
    if card.is_kept_back:
        st.caption(
            "Others labelled it: what they said, and the models, are not shown before you did."
        )
    if card.is_untold:
        st.caption("What the models say is not shown: some questions are asked twice.")
    for name, p in card.probabilities:
        said = f"{p:.2f}" if p is not None else f"not scored: it is in the {card.part} set"
        st.progress(p or 0.0, text=f"P({plain(name)}) {said}")
    for name, p in card.likeliest[:WITH_A_BAR]:
        among = " of all labels" if card.probabilities else ""
        st.progress(min(1.0, p), text=f"P({plain(name)}) {p:.2f}{among}")
    if card.likeliest:
        st.caption(_less_likely(card))
    if card.texts:
        _texts(session, card)
    if card.as_far is not None:
        _coverage(card.as_far)
    for picture in card.pictures:
        if picture.pixels is not None:
            st.image(_enlarged(picture), width=PIXELS_WIDTH_PX, caption=plain(picture.name))
    if tab.album().has_pictures:
        pictures(session, card.row)
    known = []
    if card.catalogue_label is not None:
        known.append(f"catalogue says {plain(card.catalogue_label)}")
    if card.verified_label is not None:
        said = "you said" if card.is_own else "what counts is"
        known.append(f"{said} **{plain(card.verified_label)}**")
    # The catalogue's label beside the question would be copied, not checked.  The button is there
    # where nothing is known too, so that nothing below it moves from object to object.
    with st.popover(
        "What is known of its label",
        help="Kept closed, so that you judge the object itself; maps still colour each by it.",
    ):
        st.markdown("; ".join(known) + "." if known else "Nothing is known of it.")
        told(card.told)
    if session.config.columns.curves:
        curves(session, card.row)
    _values((*card.info, *card.features))


def _less_likely(card: ObjectCard) -> str:
    """The labels after the likeliest in one line, and what is left for all others."""
    after = [f"P({plain(name)}) {p:.2f}" for name, p in card.likeliest[WITH_A_BAR:]]
    rest = max(0.0, 1 - sum(p for _, p in card.likeliest))
    return ", ".join([*after, f"all others {rest:.2f}"])


def _coverage(as_far: float) -> None:
    """How near training data is, in a line that stands on every card."""
    none = ":orange-badge[no training data here] " if as_far < FAR else ""
    st.caption(
        f"{none}Nearness to training data {as_far:.2f}",
        help="The share of labelled objects that lie as far from their "
        f"{NEIGHBOURS} nearest labelled ones as this object does from its own, in the features as "
        f"the models see them. Under {FAR} the model has seen nothing like it: what it says there "
        "is a guess.",
    )


def _texts(session: LabellingSession, card: ObjectCard) -> None:
    """Texts in full; what is marked in them has the colour of the label that it speaks for."""
    config = session.config
    colours = {label.value: label.colour for label in config.labels_in_use}
    own = colours.pop(card.classifier, NEUTRAL)
    other = next(iter(colours.values())) if len(colours) == 1 else NEUTRAL
    reader(f"reader-{session.project.slug}", card.texts, of=card.row, colours=(own, other))


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
            "value": st.column_config.TextColumn(width=115),
            "unit": st.column_config.TextColumn(width=125),
        },
    )
