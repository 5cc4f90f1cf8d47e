"""Step 3: what the classifiers see."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from al_engine.data.features import (
    feature_name,
    features_there,
    list_features,
    n_combined,
    plottable,
)
from al_engine.data.operations import OPERATIONS
from al_engine.data.profile import n_distinct, summarise
from al_engine.guesses import guess_axes, guess_texts
from al_engine.session import LabellingSession
from al_engine.settings.config import Combination, Features, ProjectConfig
from pages.components import extensions, state
from pages.components.settings.form import Way, field, go_on, need, opened_with, present
from pages.components.words import counted, plain

MANY = 8  # columns of a joined table, from which on they can be ticked together


def draw(session: LabellingSession, way: Way) -> None:
    catalogue, config = session.project.catalogue, session.config
    slug, features = session.project.slug, config.features
    st.subheader("What the classifiers see", anchor=False)
    taken = {config.columns.id, config.columns.label}
    numeric = [name for name in catalogue.names(numeric=True) if name not in taken]
    base = _feature_table(session, numeric, way) if numeric else []
    texts = _texts(session, taken)
    combinations = _combinations(session, len(base)) if numeric else ()
    extensions.faults("operation")
    scale = st.toggle(
        "Scale the features",
        features.scale,
        **field(f"scale-{slug}"),
        help="Centre each on its median and divide by its quartile range, both taken from the "
        "training set; saved inside the model.",
    )
    edited = Features(tuple(base), combinations, scale, tuple(texts))
    there = features_there(edited)
    made = list_features(there) if base else []
    n_all = len(made)
    parts = [f"the words of **{plain(', '.join(texts))}**"] if texts else []
    if base or not texts:
        parts.insert(
            0,
            f"**{counted(n_all, 'feature')}**: {counted(len(base), 'column')}"
            + "".join(
                f" + {n_combined(len(base), c)} by {c.operation}" for c in there.combinations
            ),
        )
    said = ", and ".join(parts)
    st.markdown(f"{said[0].upper()}{said[1:]}.")
    st.caption(
        "Where a value is missing, tree models take it as missing; other models see the median of "
        "the training set in its place. A division by zero counts as missing."
    )
    changed = replace(config, features=edited)
    known = [*(plottable(there) if base or texts else ()), *numeric]
    if config.x_axis not in known or config.y_axis not in known:
        distinct = n_distinct(catalogue, base, config.columns.missing)
        x_axis, y_axis = guess_axes(there, bool(combinations), distinct)
        changed = replace(changed, x_axis=x_axis, y_axis=y_axis)
    go_on(session, changed, way, lambda: _check(edited))


def _check(edited: Features) -> None:
    need(edited.columns, "No feature is chosen.", "Tick a column, or choose one of texts.")
    list_features(edited)


def _texts(session: LabellingSession, taken: Set[str | None]) -> list[str]:
    """The columns of text whose words are features; what else is no number is only named."""
    catalogue, held = session.project.catalogue, session.config.features.texts
    of_text = [c.name for c in catalogue.columns if c.kind == "text" and c.name not in taken]
    texts: list[str] = []
    if of_text:
        texts = st.multiselect(
            "Texts whose words are features",
            of_text,
            present(held, of_text),
            **field(f"text-features-{session.project.slug}"),
            help="Every word, and every two words side by side, weighed by how rare they are among "
            "the training texts (TF-IDF); several columns are read as one text. The words are "
            "counted once, on the first page after Settings. Linear models, naive Bayes and "
            "nearest neighbours learn from texts; trees do not.",
        )
        likely = [name for name in _likely(session) if name in of_text and name not in texts]
        if likely:
            st.caption(f"Long enough to be read: {plain(', '.join(likely))}.")
    known = {*catalogue.names(numeric=True), *taken, *of_text}
    others = [name for name in catalogue.names() if name not in known]
    if others:
        listed = ", ".join(others[:12]) + (", …" if len(others) > 12 else "")
        st.caption(f"Neither numbers nor texts, so not listed: {plain(listed)}.")
    return texts


def _likely(session: LabellingSession) -> tuple[str, ...]:
    key = f"likely-texts-{session.project.slug}-{len(session.project.catalogue.columns)}"
    found: tuple[str, ...] | None = state.draft(key)
    if found is None:
        found = guess_texts(session.project.catalogue)
        state.keep_draft(key, found)
    return found


def _feature_table(session: LabellingSession, numeric: Sequence[str], way: Way) -> list[str]:
    """Numeric columns with range, missing share and histogram; returns those ticked, in order."""
    catalogue, config = session.project.catalogue, session.config
    key = f"summaries-{session.project.slug}-{numeric}-{sorted(config.columns.missing.items())}"
    summaries = state.draft(key)
    if summaries is None:
        with st.spinner(
            f"Looking at {counted(len(numeric), 'column')} of {counted(catalogue.n_rows, 'object')}"
        ):
            summaries = summarise(catalogue, numeric, config.columns.missing)
        state.keep_draft(key, summaries)
    opened = opened_with(session, way)
    ticked = _ticked(session, opened)
    chosen = set(config.features.base if ticked is None else ticked.names)
    table = [
        {
            "use": s.name in chosen,
            "column": s.name,
            "unit": catalogue.column(s.name).unit,
            "low": s.low,
            "high": s.high,
            "missing": 100 * s.n_missing / catalogue.n_rows,
            "histogram": list(s.histogram),
        }
        for s in summaries
        if s.name in numeric
    ]
    # Ticked columns first, in the order in which they were ticked before: combinations follow it.
    # Not those ticked since: a row must not move under the hand.
    order = {name: i for i, name in enumerate(opened.features.base)}
    table.sort(key=lambda row: order.get(str(row["column"]), len(order)))
    edited: Any = st.data_editor(
        table,
        **field(f"features-{session.project.slug}-{len(table)}{f'-{ticked.n}' if ticked else ''}"),
        hide_index=True,
        height=min(38 + 35 * len(table), 380),
        disabled=["column", "unit", "low", "high", "missing", "histogram"],
        column_config={
            "use": st.column_config.CheckboxColumn("Use", width="small"),
            "column": "Column",
            "unit": st.column_config.TextColumn("Unit", width="small"),
            # Wide enough for an id of 19 digits.
            "low": st.column_config.NumberColumn("Lowest", format="%.5g", width=165),
            "high": st.column_config.NumberColumn("Highest", format="%.5g", width=165),
            "missing": st.column_config.NumberColumn("Missing", format="%.2f%%", width="small"),
            "histogram": st.column_config.BarChartColumn("Values (middle 99%)"),
        },
    )
    names = [str(row["column"]) for row in edited if row["use"]]
    _tick_joined(session, numeric, names, opened)
    return names


@dataclass(frozen=True)
class _Ticked:
    """What is ticked since a button did so, the ``n``-th time: the table begins anew with it."""

    opened: ProjectConfig
    n: int
    names: tuple[str, ...]


def _ticked(session: LabellingSession, opened: ProjectConfig) -> _Ticked | None:
    held: _Ticked | None = state.draft(f"ticked-{session.project.slug}")
    return held if held is not None and held.opened is opened else None


def _tick_joined(
    session: LabellingSession, numeric: Sequence[str], names: Sequence[str], opened: ProjectConfig
) -> None:
    """A button for each joined table of many columns: embeddings have hundreds."""
    held = _ticked(session, opened)
    for joined in session.project.catalogue.joined:
        theirs = [name for name in joined.columns[: len(joined.taken)] if name in numeric]
        if len(theirs) < MANY:
            continue
        left = [name for name in theirs if name not in names]
        title = f"{'Tick' if left else 'Untick'} all {len(theirs)} columns of {joined.name}"
        if st.button(plain(title), key=f"tick-{session.project.slug}-{joined.key}"):
            others = [name for name in names if name not in theirs]
            wanted = (*names, *left) if left else tuple(others)
            n = 1 if held is None else held.n + 1
            state.keep_draft(f"ticked-{session.project.slug}", _Ticked(opened, n, tuple(wanted)))
            st.rerun()


def _combinations(session: LabellingSession, n_base: int) -> tuple[Combination, ...]:
    """Rows of operation and number of features, added and removed."""
    key = f"combinations-{session.project.slug}"
    rows: list[Combination] = state.draft(key, list(session.config.features.combinations))
    st.markdown("**Combinations** of the ticked columns")
    for i, row in enumerate(rows):
        text, remove = st.columns([6, 1], vertical_alignment="center")
        shown, n_made = feature_name(row.operation, "abcde"[: row.n]), n_combined(n_base, row)
        there = counted(n_made, "feature") if row.operation in OPERATIONS else "it is not there"
        text.markdown(f"{plain(row.operation)} every {row.n} ({plain(shown)}): {there}")
        if remove.button("Remove", key=f"{key}-remove-{i}"):
            state.keep_draft(key, rows[:i] + rows[i + 1 :])
            st.rerun()
    operation_, n_, add = st.columns([3, 2, 2], vertical_alignment="bottom")
    operation: Any = operation_.selectbox(
        "Operation",
        list(OPERATIONS),
        format_func=lambda name: extensions.offered(OPERATIONS[name]),
        key=f"{key}-operation",
    )
    chosen = OPERATIONS[operation]
    fewest, most = chosen.fewest, chosen.most
    n = n_.number_input(
        "How many at a time",
        fewest,
        most,
        min(max(2, fewest), most),
        key=f"{key}-n-{fewest}-{most}",
        disabled=fewest == most,
        help=chosen.help or None,
    )
    made = Combination(operation, int(n))
    if add.button(
        f"Add {counted(n_combined(n_base, made), 'feature')}", key=f"{key}-add", disabled=n_base < n
    ):
        if made not in rows:
            state.keep_draft(key, [*rows, made])
        st.rerun()
    return tuple(rows)
