"""Choosing a configuration: an upload or a path, read at once, and what it says of itself."""

from pathlib import Path

import streamlit as st

from al_engine.exchange.configuration import Configuration, read_configuration
from al_engine.exchange.strict_json import file_bytes
from al_engine.home import About, list_projects
from al_engine.public import is_public, limits, refuse_server_file
from al_engine.starting import source_title
from pages.components import state
from pages.components.guard import guard
from pages.components.looking import Chosen
from pages.components.opening import SHARE, go
from pages.components.words import counted, plain

_OFFERED = "configuration-offered"


def choose_file() -> None:
    """Take a file; once it is read, ``state.chosen_configuration`` holds it."""
    key = f"configuration-{state.clicks('configuration')}"
    if is_public():
        _upload(key, limits().configuration_mb)
    else:
        uploaded, on_disk = st.tabs(["Upload", "From this computer's disk"])
        with uploaded:
            _upload(key, None)
        with on_disk:
            st.text_input(
                "Path of a configuration",
                key=f"{key}-path",
                placeholder="/data/survey/configuration.json",
                help="A path on the computer that Sextant runs on; Enter opens it.",
                on_change=lambda: state.keep_draft(
                    _OFFERED, st.session_state[f"{key}-path"].strip()
                ),
            )
    offered = state.draft(_OFFERED)
    if not offered:
        return
    state.keep_draft(_OFFERED, None)  # what is refused is not tried again by itself
    with guard():
        path = Path(offered).expanduser() if isinstance(offered, str) else None
        if path:
            refuse_server_file(state.home(), path)
        data = file_bytes(path) if path else offered.getvalue()
        name = path.name if path else offered.name
        state.choose_configuration(Chosen(name, read_configuration(data)))
        st.rerun()


def _upload(key: str, most_mb: int | None) -> None:
    st.file_uploader(
        "A configuration",
        key=f"{key}-upload",
        label_visibility="collapsed",
        max_upload_size=most_mb,
        on_change=lambda: state.keep_draft(_OFFERED, st.session_state[f"{key}-upload"]),
    )


def put_away() -> None:
    """Forget the chosen configuration, and the file that was uploaded."""
    state.choose_configuration(None)
    state.count_click("configuration")


def describe(chosen: Chosen) -> None:
    """What a configuration says of itself, in a few lines."""
    held = chosen.configuration
    facts = [f"**{plain(chosen.name)}**"]
    if held.origin != "Sextant":
        facts.append(f"in {held.origin}'s form")
    if held.saved_at:
        facts.append(f"saved {plain(held.saved_at[:16].replace('T', ' '))} UTC")
    if held.settings.author:
        facts.append(f"by {plain(held.settings.author)}")
    if held.settings.doi:
        facts.append(f"doi {plain(held.settings.doi)}")
    st.markdown(" · ".join(facts))
    st.caption(plain(_contents(held)))


def _contents(held: Configuration) -> str:
    settings, data = held.settings, held.data
    source = source_title(data.source) if data.source else "a catalogue that it does not name"
    on = f"Made on {source}"
    if data.n_rows is not None:
        on += f" ({counted(data.n_rows, 'object')}, {counted(len(data.columns), 'column')})"
    names = [settings.label_name(value) for value in settings.setups]
    classifiers = f"classifiers for {', '.join(names)}" if names else "no classifier set up"
    answers = "no answers" if not held.n_answers else counted(held.n_answers, "answer")
    return f"{on}; {classifiers}; {answers}."


# -- on Home -----------------------------------------------------------------------------------


def open_on_home() -> None:
    """Choose a configuration, and the project of its catalogue to load it into."""
    chosen = state.chosen_configuration()
    with st.expander("Open a configuration", expanded=chosen is not None, key="open-configuration"):
        if chosen is None:
            st.markdown(
                "Sextant's or AstronomicAL's: settings, and labels to be replayed on their "
                "catalogue. Nothing changes before you have seen in what the data differ."
            )
            choose_file()
            return
        describe(chosen)
        projects = list_projects(state.home())
        if projects:
            _choose_project(chosen, projects)
        source = chosen.configuration.data.source
        catalogue = f"'{plain(source_title(source))}'" if source else "its catalogue"
        st.caption(
            f"{'Or open' if projects else 'Open'} {catalogue} above: this is loaded into it next, "
            "once you have seen what there is."
        )
        if st.button("Put it away", key="put-configuration-away"):
            put_away()
            st.rerun()


def _choose_project(chosen: Chosen, projects: list[About]) -> None:
    source, n_rows = chosen.configuration.data.source, chosen.configuration.data.n_rows
    # Most alike first; of those alike the one last used.
    projects = sorted(
        projects,
        key=lambda about: (about.source != source, about.n_objects != n_rows, about.n_answers > 0),
    )
    pick, load = st.columns([5, 1], vertical_alignment="bottom")
    with pick:
        picked = st.selectbox(
            "Load it into",
            range(len(projects)),
            format_func=lambda i: _line(projects[i]),
            key=f"configuration-into-{state.clicks('configuration')}",
            help="A project of the catalogue that the configuration was made on.",
        )
    if load.button("Go on", key="configuration-go-on", type="primary", width="stretch"):
        go(state.home() / projects[picked].slug, SHARE)


def _line(about: About) -> str:
    answers = f"{counted(about.n_answers, 'answer')} given"
    return f"{about.name}: {counted(about.n_objects, 'object')}, {answers}"
