"""The forms that ask which column is which: once for a diagram, and for the bands of an SED.

What was said is kept in the settings of the project.
"""

from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.session import LabellingSession
from al_engine.settings.quantities import AB_JY, Band, Quantities, Quantity
from al_engine.showing.quantities import guess_quantities, lacking, likely_band, quantities_of
from al_engine.views.diagrams import DIAGRAMS, NEEDED
from pages.components import state as tab
from pages.components.guard import guard
from pages.components.page import draw_again
from pages.components.panels.spot import Spot
from pages.components.words import plain

_SCALES = {"flux": "flux", "magnitude": "magnitude", "log": "log10 of a flux"}
_JY_HELP = (
    "What magnitude 0, or a flux of 1, is in Jy: 3631 for AB; of WISE's Vega magnitudes 309.54 "
    "(W1), 171.79 (W2) and 31.67 (W3). Of line fluxes any unit will do, if all have the same."
)


def lacks_columns(spot: Spot) -> bool:
    """Does the diagram need columns that are not known, or are to be chosen anew?"""
    asked = tab.draft(_asking(spot), False)
    return spot.panel.of in DIAGRAMS and bool(asked or lacking(spot.session.project, spot.panel.of))


def ask_anew(spot: Spot) -> None:
    """Have the form of this panel's columns drawn, filled in as it stands."""
    tab.keep_draft(_asking(spot), True)


def _asking(spot: Spot) -> str:
    return f"columns-of-{spot.panel.kind}-{spot.panel.of}"


def ask_for_columns(spot: Spot) -> None:
    """One line for each quantity of a diagram: its column, and what it holds."""
    diagram, session = DIAGRAMS[spot.panel.of], spot.session
    st.markdown(f"**{diagram.title}**: which column is which?")
    known = {
        **guess_quantities(session.project.catalogue)[0],
        **quantities_of(session.project).known,
    }
    numeric = session.project.catalogue.names(numeric=True)
    chosen: dict[str, Quantity | None] = {}
    with st.form(f"{spot.key}-form", border=False):
        for name in diagram.quantities:
            held = known.get(name)
            key = f"{spot.key}-{name}"
            column_, scale_, jy_ = st.columns([3, 2, 2], vertical_alignment="bottom")
            column = column_.selectbox(
                NEEDED[name].title,
                numeric,
                numeric.index(held.column) if held and held.column in numeric else None,
                key=f"{key}-column",
                placeholder="Column",
            )
            scale = scale_.selectbox(
                "holds a",
                list(_SCALES),
                list(_SCALES).index(held.scale) if held else 0,
                format_func=lambda value: _SCALES[value],
                key=f"{key}-scale",
            )
            jy = jy_.number_input(
                "zero point (Jy)",
                value=held.jy if held else 1.0,
                format="%g",
                key=f"{key}-jy",
                help=_JY_HELP,
            )
            chosen[name] = Quantity(column, scale, float(jy)) if column else None
        done = st.form_submit_button("Draw it", type="primary")
    if not done:
        return
    missing = [NEEDED[name].title for name, quantity in chosen.items() if quantity is None]
    if missing:
        st.error(f"Choose a column for {plain(', '.join(missing))}.", icon=":material/error:")
        return
    with guard():
        held_now = session.config.quantities
        said = {name: quantity for name, quantity in chosen.items() if quantity is not None}
        _keep(session, replace(held_now, known={**held_now.known, **said}))
        tab.keep_draft(_asking(spot), False)
        draw_again()


def ask_for_bands(spot: Spot) -> bool:
    """The table of an SED's bands, where it is wanted or there are none; was it drawn?"""
    session = spot.session
    bands = quantities_of(session.project).bands
    if bands and not tab.draft(_asking(spot), False):
        return False
    st.markdown("**SED**: which columns are its bands?")
    numeric = session.project.catalogue.names(numeric=True)
    picked = st.multiselect(
        "Columns",
        numeric,
        [band.column for band in bands if band.column in numeric],
        key=f"{spot.key}-bands",
        placeholder="Fluxes or magnitudes",
    )
    held = {band.column: band for band in bands}
    rows = [held.get(name) or likely_band(session.project.catalogue, name) for name in picked]
    edited = st.data_editor(
        [_as_row(band) for band in rows],
        hide_index=True,
        key=f"{spot.key}-table-{'|'.join(picked)}",
        disabled=["column"],
        column_config={
            "wavelength (µm)": st.column_config.NumberColumn(min_value=0.0, format="%g"),
            "error": st.column_config.SelectboxColumn(options=numeric),
            "holds a": st.column_config.SelectboxColumn(options=list(_SCALES), required=True),
            "zero point (Jy)": st.column_config.NumberColumn(format="%g", help=_JY_HELP),
        },
    )
    if st.button("Draw it", key=f"{spot.key}-done", type="primary", disabled=not picked):
        with guard():
            made = tuple(_as_band(row) for row in edited)
            _keep(session, replace(session.config.quantities, bands=made))
            tab.keep_draft(_asking(spot), False)
            draw_again()
    return True


def _as_row(band: Band) -> dict[str, Any]:
    return {
        "column": band.column,
        "band": band.name,
        "wavelength (µm)": band.wavelength_um,
        "error": band.error,
        "holds a": band.scale,
        "zero point (Jy)": band.jy,
    }


def _as_band(row: dict[str, Any]) -> Band:
    return Band(
        str(row["band"] or row["column"]),
        str(row["column"]),
        float(row["wavelength (µm)"] or 0.0),
        row["error"] or None,
        row["holds a"] or "magnitude",
        float(row["zero point (Jy)"] or AB_JY),
    )


def _keep(session: LabellingSession, quantities: Quantities) -> None:
    config = session.config
    session.change_settings(replace(config, quantities=quantities), made_from=config)
