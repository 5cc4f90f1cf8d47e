"""Step 1: what was imported, which values stand for missing, and what further tables add."""

from dataclasses import replace

import streamlit as st

from al_engine.data.features import features_there, list_features
from al_engine.data.profile import suspects
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig
from pages.components import state
from pages.components.settings import joins
from pages.components.settings.form import Way, go_on
from pages.components.words import counted, plain


def draw(session: LabellingSession, way: Way) -> None:
    joins.deal_with_done(session)
    catalogue, config = session.project.catalogue, session.config
    st.title(plain(session.project.name))
    if session.project.about.notice:
        st.info(plain(session.project.about.notice))
    facts = [counted(catalogue.n_rows, "object"), counted(len(catalogue.columns), "column")]
    st.markdown(" · ".join(facts))
    for note in catalogue.notes:
        if note != session.project.about.notice:
            st.caption(plain(note))
    if catalogue.set_aside:
        with st.expander(f"Set aside: {counted(len(catalogue.set_aside), 'column')}"):
            for line in catalogue.set_aside:
                st.markdown(f"- {plain(line)}")
    missing = _missing_values(session)
    st.caption("The first rows:")
    # Named after its columns: a table that keeps its name keeps the columns it had.
    key = f"preview-{len(catalogue.columns)}"
    st.dataframe(catalogue.preview(50), height=300, hide_index=True, key=key, placeholder="–")
    joins.draw(session)
    edited = replace(config, columns=replace(config.columns, missing=missing))
    go_on(session, edited, way, shortcut=_guessed(config))


def _guessed(config: ProjectConfig) -> str:
    """The settings so far in one line, where they are enough to train; else nothing."""
    if config.setups or not (config.train_labels and config.features.columns):
        return ""
    base, texts = config.features.base, config.features.texts
    n_features = len(list_features(features_there(config.features)))
    made_of = []
    if base:
        listed = ", ".join(base[:8]) + (", …" if len(base) > 8 else "")
        made_of.append(f"{counted(n_features, 'feature')} from {listed}")
    if texts:
        made_of.append(f"the words of {', '.join(texts)}")
    asked = ", ".join(config.label_name(value) for value in config.train_labels)
    return (
        f"Guessed: {f'id {config.columns.id}' if config.columns.id else 'rows numbered'}; "
        f"label {config.columns.label or 'none'}; "
        f"{' and '.join(made_of)}; a classifier for {asked}."
    )


def _missing_values(session: LabellingSession) -> dict[str, tuple[float, ...]]:
    """Point out values far outside their column, with a switch to read them as missing."""
    held = session.config.columns.missing
    switches: dict[tuple[float, bool], list[str]] = {}
    for name, values in _suspects(session).items():
        for value in values:
            # What is set and what is not never share a switch: untouched, it changes nothing.
            switches.setdefault((value, value in held.get(name, ())), []).append(name)
    missing = {name: list(values) for name, values in held.items()}
    for (value, is_set), names in sorted(switches.items()):
        listed = plain(", ".join(names[:8]) + (", …" if len(names) > 8 else ""))
        wanted = st.toggle(
            f"Read {value:g} as missing in {listed}",
            is_set,
            key=f"missing-{session.project.slug}-{value}-{is_set}-{'|'.join(names)}",
            help="This value lies far outside the rest of the column.",
        )
        for name in names if wanted != is_set else ():
            change = missing.setdefault(name, [])
            (change.append if wanted else change.remove)(value)
    return {name: tuple(values) for name, values in missing.items() if values}


def _suspects(session: LabellingSession) -> dict[str, tuple[float, ...]]:
    """Values that may stand for missing, by column: those that look so, and those set."""
    catalogue, columns = session.project.catalogue, session.config.columns
    taken = {columns.id, columns.label, columns.ra, columns.dec}
    names = [name for name in catalogue.names(numeric=True) if name not in taken]
    key = f"suspects-{session.project.slug}-{names}"
    found: dict[str, tuple[float, ...]] | None = state.draft(key)
    if found is None:
        found = suspects(catalogue, names)
        state.keep_draft(key, found)
    columns_met = dict.fromkeys([*found, *columns.missing])
    return {
        name: tuple(dict.fromkeys((*found.get(name, ()), *columns.missing.get(name, ()))))
        for name in columns_met
    }
