"""The loop seen from the object: its card, its pictures, its place on the map, the question."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from PIL import Image

from al_engine.loop.answering import labels_offered
from al_engine.session import LabellingSession, State
from al_engine.showing.objects import ObjectCard, Picture, Value, find_object, object_card
from al_engine.showing.plots import draw_plot
from al_engine.views.palette import NEUTRAL
from al_engine.views.plots import PLOTS
from pages.components import answers, extensions, labels, loop
from pages.components import state as tab
from pages.components.answers import ANSWERS
from pages.components.guard import guard
from pages.components.labels import LABELS
from pages.components.page import draw_again, link, view
from pages.components.scatter_map import LegendEntry
from pages.components.words import counted, plain

TRAINING = "pages/2_Training.py"
MAP_HEIGHT_PX, FILL = 430, (1.0, 244)
PIXELS_WIDTH_PX = 288
_BESIDE = (
    (ANSWERS, "Every answer: find one, correct it, and what they come to."),
    (LABELS, "Add, rename, define, recolour and merge labels."),
)
MAP = "map itself"  # among names of plots, none of which has a space


@view
def labelling_view(session: LabellingSession, label: str) -> None:
    """Everything known of the object on the screen, and the answer; drawn again by itself."""
    beside = {ANSWERS: answers.draw, LABELS: labels.draw}.get(tab.aside().view)
    if beside is not None:
        beside(session, label)
        return
    tab.look_at_round(label, None)
    fault = session.fault(label)
    if fault is not None:
        st.error(plain(fault), icon=":material/error:")
        st.markdown("Every label is kept. Choose another set-up, and go on from here.")
        link(TRAINING, "Go to Training", icon=":material/model_training:")
        return
    state = loop.current(session, label)
    row = loop.on_screen(state)
    left, right = st.columns([1, 1], gap="medium")
    with left, st.container(height=520, border=False, key="card"):
        if row is None:
            st.caption(loop.NOTHING_LEFT)
        else:
            _card(session, state, object_card(session, state, row))
    with right:
        _status(state)
        plot = _which_plot(session) if PLOTS else MAP
        if plot == MAP or row is None:
            _map(session, state)
        else:
            with guard(), st.container(height=MAP_HEIGHT_PX + 40, border=False, key="plot"):
                _plot(session, state, plot, row)
    loop.ask(session, state)


def _map(session: LabellingSession, state: State) -> None:
    # Where there are many, the frequent ones.
    offered = labels_offered(session.project.dataset(), session.config, state.classifier)
    legend = [LegendEntry(item.name, item.colour) for item in offered[:12]]
    legend.append(LegendEntry("unknown", NEUTRAL))
    loop.draw_map(
        session, state, "labels", "Catalogue, by label", MAP_HEIGHT_PX, FILL, legend=tuple(legend)
    )


def _which_plot(session: LabellingSession) -> str:
    """The map, or one of the user's own plots in its place."""
    chosen: str = st.segmented_control(
        "Beside the object",
        [MAP, *PLOTS],
        default=MAP,
        required=True,
        format_func=lambda name: "Map" if name == MAP else extensions.offered(PLOTS[name]),
        key=f"beside-{session.project.slug}",
        label_visibility="collapsed",
    )
    return chosen


def _plot(session: LabellingSession, state: State, name: str, row: int) -> None:
    """A plot of an extension, in which the object on the screen is marked."""
    figure = draw_plot(session, state, name, row)
    layout = {
        "height": MAP_HEIGHT_PX,
        "margin": {"l": 50, "r": 10, "t": 40, "b": 45},
        "legend": {"orientation": "h", "y": 1.12},
    }
    figure["layout"] = layout | figure.get("layout", {})
    st.plotly_chart(figure, key=f"plot-{name}", config={"displaylogo": False})
    if PLOTS[name].help:
        st.caption(plain(PLOTS[name].help))


def _status(state: State) -> None:
    """How far, how good, and that it is safe."""
    with st.container(horizontal=True, vertical_alignment="center", key="status"):
        parts = [f"**{counted(state.history.n_trained, 'label')}**"]
        if state.history.own is not None:
            parts.append(f"{len(state.history.own.verified):,} yours")
        validation = state.scores.validation if state.scores else None
        if validation is not None and validation.f1.value is not None:
            score = validation.f1
            over = "cross-validated" if state.scores and state.scores.by_folds else "validation"
            ends = f"{score.low or 0:.2f}–{score.high or 0:.2f}"
            parts.append(f"F1 {score.value:.2f} ({ends}; {over}, n={score.n:,})")
        parts.append("saved")
        st.markdown(
            " · ".join(parts), help="Each answer is on disk before the next object is shown."
        )
        for view_name, said in _BESIDE:
            st.button(
                view_name, key=f"to-{view_name}", type="tertiary", help=said,
                on_click=tab.look_aside, args=(view_name,),
            )  # fmt: skip


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


def _card(session: LabellingSession, state: State, card: ObjectCard) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="card-top"):
        st.subheader(plain(card.object_id), anchor=False)
        key = f"find-{session.project.slug}-{state.classifier}"
        find(session, key, lambda row: tab.select(state.classifier, row))
    card_body(card)


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
    if card.is_untold:
        st.caption("What the models say is not shown: some questions are asked twice.")
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
