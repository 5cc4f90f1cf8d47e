"""The four steps of the settings, each a form that starts from what is set or guessed.

Each step gathers a new configuration and saves it at *Next*; what follows from it stands below.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from al_engine.config import (
    MAX_COMBINED,
    OPERATION_SIGNS,
    Columns,
    Combination,
    Features,
    Label,
    ProjectConfig,
)
from al_engine.data.features import list_features, n_combined
from al_engine.errors import SettingsError
from al_engine.guesses import guess_axes, guess_classifiers, label_choices, make_labels
from al_engine.session import LabellingSession
from pages.components import state
from pages.components.page import guard, plain

TRAINING = "pages/2_Training.py"
NONE = "(none)"


@dataclass(frozen=True)
class Step:
    title: str
    draw: Callable[[LabellingSession], None]


# -- 1 Catalogue --


def _catalogue(session: LabellingSession) -> None:
    catalogue, config = session.project.catalogue, session.config
    st.title(plain(session.project.name))
    if session.project.about.notice:
        st.info(plain(session.project.about.notice))
    facts = [f"{catalogue.n_rows:,} objects", f"{len(catalogue.columns)} columns"]
    st.markdown(" · ".join(facts))
    for note in catalogue.notes:
        if note != session.project.about.notice:
            st.caption(plain(note))
    if catalogue.set_aside:
        with st.expander(f"{len(catalogue.set_aside)} columns were set aside"):
            for line in catalogue.set_aside:
                st.markdown(f"- {plain(line)}")
    missing = _missing_values(session)
    st.caption("The first rows:")
    st.dataframe(catalogue.preview(50), height=300, hide_index=True, key="preview")
    edited = replace(config, columns=replace(config.columns, missing=missing))
    _next(session, edited, shortcut=_guessed(config))


def _guessed(config: ProjectConfig) -> str:
    """The settings so far in one line, where they are enough to train; else nothing."""
    if config.setups or not (config.train_labels and config.features.base):
        return ""
    n_features = len(list_features(config.features))
    asked = ", ".join(config.label_name(value) for value in config.train_labels)
    return (
        f"Guessed: id {config.columns.id or 'by row'}; label {config.columns.label or 'none'}; "
        f"{n_features} features from {', '.join(config.features.base[:8])}"
        f"{', …' if len(config.features.base) > 8 else ''}; a classifier for {asked}."
    )


def _missing_values(session: LabellingSession) -> dict[str, tuple[float, ...]]:
    """Point out values far outside their column, with a switch to read them as missing."""
    catalogue, config = session.project.catalogue, session.config
    key = f"suspects-{session.project.slug}"
    suspects = state.draft(key)
    if suspects is None:
        suspects = catalogue.suspects(catalogue.names(numeric=True))
        state.keep_draft(key, suspects)
    by_value: dict[float, list[str]] = {}
    for name, values in {**suspects, **config.columns.missing}.items():
        for value in values:
            by_value.setdefault(value, []).append(name)
    missing: dict[str, list[float]] = {}
    for value, names in sorted(by_value.items()):
        is_set = any(value in config.columns.missing.get(name, ()) for name in names)
        listed = plain(", ".join(names[:8]) + (", …" if len(names) > 8 else ""))
        if st.toggle(
            f"Read {value:g} as missing in {listed}",
            is_set,
            key=f"missing-{session.project.slug}-{value}",
            help="This value lies far outside the rest of the column.",
        ):
            for name in names:
                missing.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in missing.items()}


# -- 2 Columns --


def _columns(session: LabellingSession) -> None:
    catalogue, config = session.project.catalogue, session.config
    columns, slug = config.columns, session.project.slug
    names, numeric = catalogue.names(), catalogue.names(numeric=True)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("What each column is", anchor=False)
        id_column = _choose(
            "Id", names, columns.id, f"id-{slug}", "Tells objects apart; none numbers the rows."
        )
        with guard():
            if id_column is not None:
                catalogue.check_id(id_column)
        ra, dec = st.columns(2)
        with ra:
            ra_column = _choose("RA in degrees", numeric, columns.ra, f"ra-{slug}", "Optional.")
        with dec:
            dec_column = _choose("Dec in degrees", numeric, columns.dec, f"dec-{slug}", "Optional.")
        info = st.multiselect(
            "Shown beside each object",
            names,
            _present(columns.info, names),
            key=f"info-{slug}",
            help="Extra columns to read while you answer; they never train.",
        )
        images = st.multiselect(
            "Pictures",
            names,
            _present(columns.images, names),
            key=f"images-{slug}",
            help="Columns that hold the address of a picture, or its path in the image folder.",
        )
    with right:
        st.subheader("Labels", anchor=False)
        label = _choose(
            "Label",
            names,
            columns.label,
            f"label-{slug}",
            "What is known already; none starts without any.",
        )
        labels, unknown = _labels(session, label)
    edited = Columns(
        id_column,
        label,
        unknown,
        ra_column,
        dec_column,
        tuple(info),
        tuple(images),
        columns.pixels,
        columns.image_width_px,
        columns.missing,
    )
    values = [choice.value for choice in labels]
    train = tuple(value for value in config.train_labels if value in values)
    _next(
        session,
        replace(
            config,
            columns=edited,
            labels=labels,
            train_labels=train or guess_classifiers(catalogue, label, labels),
        ),
        check=lambda: catalogue.check_id(id_column) if id_column else None,
    )


def _labels(
    session: LabellingSession, column: str | None
) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """A name and a colour for each label; which values mean unknown."""
    config, slug = session.config, session.project.slug
    if column is None:
        text = st.text_input(
            "The labels you will give, separated by commas",
            ", ".join(label.name for label in config.labels),
            key=f"typed-labels-{slug}",
            placeholder="STAR, GALAXY, QSO",
        )
        typed = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
        known = {label.value: label for label in config.labels}
        made = []
        for label in make_labels(typed):
            held = known.get(label.value, label)
            picked = st.color_picker(
                plain(held.name), held.colour, key=f"typed-colour-{slug}-{label.value}"
            )
            made.append(Label(held.value, held.name, picked))
        return tuple(made), config.columns.unknown
    counts = session.project.catalogue.label_counts(column, 200)
    guessed, guessed_unknown = label_choices(session.project.catalogue, column)
    same = column == config.columns.label
    held = {label.value: label for label in (*guessed, *(config.labels if same else ()))}
    unknown_before = config.columns.unknown if same else guessed_unknown
    if len(counts) > 100:
        raise SettingsError(
            f"`{column}` has more than 100 different values.",
            "Choose a column with fewer, or none.",
        )
    labels, unknown = [], []
    with st.container(height=min(80 + 58 * len(counts), 420), border=False):
        for value, n in counts:
            if value is None:
                st.caption(f"{n:,} objects have no value: unknown.")
                continue
            fallback = make_labels([value])[0]
            label = held.get(value, fallback)
            colour, name, is_unknown = st.columns([1, 5, 3], vertical_alignment="bottom")
            key = f"{slug}-{column}-{value}"
            with is_unknown:
                means_unknown = st.checkbox(
                    "unknown", value in unknown_before, key=f"unknown-{key}"
                )
            with colour:
                picked = st.color_picker(
                    "Colour", label.colour, key=f"colour-{key}", label_visibility="collapsed"
                )
            with name:
                typed_name = st.text_input(
                    f"{plain(value)}: {n:,} objects",
                    label.name,
                    key=f"name-{key}",
                    max_chars=60,
                    disabled=means_unknown,
                )
            if means_unknown:
                unknown.append(value)
            else:
                labels.append(Label(value, typed_name.strip(), picked))
    order = {label.value: i for i, label in enumerate(guessed)}
    labels.sort(key=lambda label: order.get(label.value, len(order)))
    # Values that do not occur stay listed: dropping them would look like a change.
    listed = {value for value, _ in counts}
    kept = [value for value in unknown_before if value in unknown or value not in listed]
    return tuple(labels), (*kept, *(value for value in unknown if value not in kept))


# -- 3 Features --


def _features(session: LabellingSession) -> None:
    catalogue, config = session.project.catalogue, session.config
    slug, features = session.project.slug, config.features
    st.subheader("What the classifiers see", anchor=False)
    taken = {config.columns.id, config.columns.label}
    numeric = [name for name in catalogue.names(numeric=True) if name not in taken]
    base = _feature_table(session, numeric)
    combinations = _combinations(session, len(base))
    scale = st.toggle(
        "Scale the features",
        features.scale,
        key=f"scale-{slug}",
        help="Centre each on its median and divide by its quartile range, both taken from the "
        "training set; saved inside the model.",
    )
    edited = Features(tuple(base), combinations, scale)
    n_all = len(list_features(edited)) if base else 0
    st.markdown(
        f"**{n_all} features**: {len(base)} columns"
        + "".join(f" + {n_combined(len(base), c)} by {c.operation}" for c in combinations)
        + "."
    )
    st.caption(
        "Where a value is missing, tree models take it as missing; other models see the median of "
        "the training set in its place. A division by zero counts as missing."
    )
    changed = replace(config, features=edited)
    names = [feature.name for feature in list_features(edited)] if base else []
    known = [*names, *numeric]
    if config.x_axis not in known or config.y_axis not in known:
        x_axis, y_axis = guess_axes(edited, bool(combinations))
        changed = replace(changed, x_axis=x_axis, y_axis=y_axis)
    _next(
        session, changed, check=lambda: _need(base, "No feature is chosen.", "Tick at least one.")
    )


def _feature_table(session: LabellingSession, numeric: Sequence[str]) -> list[str]:
    """Numeric columns with range, missing share and histogram; returns those ticked, in order."""
    catalogue, config = session.project.catalogue, session.config
    key = f"summaries-{session.project.slug}-{sorted(config.columns.missing.items())}"
    summaries = state.draft(key)
    if summaries is None:
        with st.spinner(f"Looking at {len(numeric)} columns of {catalogue.n_rows:,} objects"):
            summaries = catalogue.summaries(numeric, config.columns.missing)
        state.keep_draft(key, summaries)
    chosen = set(config.features.base)
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
    order = {name: i for i, name in enumerate(config.features.base)}
    table.sort(key=lambda row: order.get(str(row["column"]), len(order)))
    edited: Any = st.data_editor(
        table,
        key=f"features-{session.project.slug}-{len(table)}",
        hide_index=True,
        height=min(38 + 35 * len(table), 380),
        disabled=["column", "unit", "low", "high", "missing", "histogram"],
        column_config={
            "use": st.column_config.CheckboxColumn("Use", width="small"),
            "column": "Column",
            "unit": "Unit",
            "low": st.column_config.NumberColumn("Lowest", format="%.5g"),
            "high": st.column_config.NumberColumn("Highest", format="%.5g"),
            "missing": st.column_config.NumberColumn("Missing", format="%.2f%%"),
            "histogram": st.column_config.BarChartColumn("Values (middle 99%)"),
        },
    )
    return [str(row["column"]) for row in edited if row["use"]]


def _combinations(session: LabellingSession, n_base: int) -> tuple[Combination, ...]:
    """Rows of operation and number of features, added and removed."""
    key = f"combinations-{session.project.slug}"
    rows: list[Combination] = state.draft(key, list(session.config.features.combinations))
    st.markdown("**Combinations** of the ticked columns")
    for i, row in enumerate(rows):
        sign = OPERATION_SIGNS[row.operation]
        text, remove = st.columns([6, 1], vertical_alignment="center")
        shown = sign.join("abcde"[: row.n])
        text.markdown(
            f"{row.operation} every {row.n} ({plain(shown)}): {n_combined(n_base, row)} features"
        )
        if remove.button("Remove", key=f"{key}-remove-{i}"):
            state.keep_draft(key, rows[:i] + rows[i + 1 :])
            st.rerun()
    operation_, n_, add = st.columns([3, 2, 2], vertical_alignment="bottom")
    operation: Any = operation_.selectbox(
        "Operation",
        list(OPERATION_SIGNS),
        format_func=lambda name: f"{name} (a {OPERATION_SIGNS[name]} b)",
        key=f"{key}-operation",
    )
    n = n_.number_input("How many at a time", 2, MAX_COMBINED, 2, key=f"{key}-n")
    made = Combination(operation, int(n))
    if add.button(
        f"Add {n_combined(n_base, made)} features", key=f"{key}-add", disabled=n_base < n
    ):
        if made not in rows:
            state.keep_draft(key, [*rows, made])
        st.rerun()
    return tuple(rows)


# -- 4 Classifiers --


def _classifiers(session: LabellingSession) -> None:
    config, slug = session.config, session.project.slug
    values = [label.value for label in config.labels]
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Classifiers", anchor=False)
        train = st.multiselect(
            "A classifier for each of",
            values,
            _present(config.train_labels, values),
            format_func=lambda value: config.label_name(value),
            key=f"train-{slug}",
            help="Each asks: is it this, or anything else?",
        )
        leave_out = st.toggle(
            "Leave out objects with the other labels",
            config.leave_out_other_labels,
            key=f"leave-out-{slug}",
            disabled=len(train) < 2,
            help="Objects whose label has no classifier take no part in training and scores.",
        )
        leave_unknown = st.toggle(
            "Leave unknown objects out of the pool",
            config.leave_out_unknown,
            key=f"leave-unknown-{slug}",
            help="Unknown objects are never scored; in the pool, they may be asked about.",
        )
        st.subheader("Axes of the maps", anchor=False)
        axes = [f.name for f in list_features(config.features)]
        axes += [n for n in session.project.catalogue.names(numeric=True) if n not in axes]
        x_, y_ = st.columns(2)
        x_axis = x_.selectbox("x", axes, _index(axes, config.x_axis), key=f"x-{slug}")
        y_axis = y_.selectbox("y", axes, _index(axes, config.y_axis), key=f"y-{slug}")
    with right:
        splits = _splits(session)
        asking = _asking(session)
    edited = replace(
        config,
        train_labels=tuple(train),
        leave_out_other_labels=leave_out and len(train) >= 2,
        leave_out_unknown=leave_unknown,
        x_axis=x_axis or "",
        y_axis=y_axis or "",
        splits=splits,
        asking=asking,
    )
    with guard():
        _split_table(session, edited)
    _next(
        session,
        edited,
        check=lambda: _need(train, "No classifier is chosen.", "Choose at least one label."),
        last=True,
    )


def _split_table(session: LabellingSession, edited: ProjectConfig) -> None:
    """What follows: how many objects of each label every set holds."""
    sizes = session.project.split_sizes(edited)
    names = {label.value: label.name for label in edited.labels}
    rows = [(names.get(value, value), counts) for value, counts in sizes.by_label]
    rows.append(("unknown", sizes.unknown))
    lines = ["| | training | validation | test | left out |", "|---|--:|--:|--:|--:|"]
    for name, counts in rows[:30]:
        if sum(counts):
            lines.append(f"| {plain(name)} |" + "".join(f" {n:,} |" for n in counts))
    st.markdown("\n".join(lines), help="Unknown objects are asked about, and in no score.")


def _splits(session: LabellingSession) -> Any:
    splits, slug = session.config.splits, session.project.slug
    st.subheader("Training, validation and test set", anchor=False)
    mode: Any = st.radio(
        "Split by",
        ["shares", "counts"],
        ["shares", "counts"].index(splits.mode),
        horizontal=True,
        key=f"mode-{slug}",
        help="Only objects with a known label are split; unknown ones are in the pool.",
    )
    by_share = mode == "shares"
    held = splits if mode == splits.mode else None
    defaults = (60.0, 20.0, 20.0) if by_share else (1000.0, 1000.0, 1000.0)
    unit = "%" if by_share else "objects"
    numbers = []
    for column, name, title, fallback in zip(
        st.columns(3),
        ("train", "validation", "test"),
        ("Training", "Validation", "Test"),
        defaults,
        strict=True,
    ):
        value = float(getattr(held, name)) if held else fallback
        numbers.append(
            column.number_input(
                f"{title}, {unit}",
                0.0,
                100.0 if by_share else None,
                value,
                step=5.0 if by_share else 100.0,
                format="%g" if by_share else "%.0f",
                key=f"split-{name}-{mode}-{slug}",
            )
        )
    draw_, seed_ = st.columns(2)
    draws = ["stratified", "balanced"]
    draw: Any = draw_.selectbox(
        "Labels in each set",
        draws,
        draws.index(splits.draw),
        format_func=lambda name: {
            "stratified": "as in the catalogue (stratified)",
            "balanced": "equally many (balanced)",
        }[name],
        key=f"draw-{slug}",
        help="Balanced takes as many objects of each label as of the rarest; the others are left "
        "out.",
    )
    seed = seed_.number_input(
        "Seed", 0, 2**31 - 1, splits.seed, key=f"seed-{slug}", help="The same seed, the same draw."
    )
    return replace(
        splits,
        mode=mode,
        train=numbers[0],
        validation=numbers[1],
        test=numbers[2],
        draw=draw,
        seed=int(seed),
    )


def _asking(session: LabellingSession) -> Any:
    asking, slug = session.config.asking, session.project.slug
    st.subheader("Questions", anchor=False)
    every_, start_ = st.columns(2)
    every = every_.selectbox(
        "A random question",
        [None, 0, 2, 3, 5, 10, 20],
        _index([None, 0, 2, 3, 5, 10, 20], asking.random_every),
        format_func=_every,
        key=f"every-{slug}",
        help="Its answer is kept for validation and never trains. By itself: every fifth while "
        "the catalogue's labels leave fewer than 30 validation objects.",
    )
    start: Any = start_.selectbox(
        "First objects, where no label is known",
        ["spread", "random"],
        ["spread", "random"].index(asking.start),
        format_func=lambda name: {"spread": "spread out (k-means)", "random": "random"}[name],
        key=f"start-{slug}",
    )
    return replace(asking, random_every=every, start=start)


def _every(number: int | None) -> str:
    if number is None:
        return "by itself, where needed"
    return "never" if number == 0 else f"every {number} questions"


# -- what steps share --


def _next(
    session: LabellingSession,
    edited: ProjectConfig,
    check: Callable[[], object] = lambda: None,
    last: bool = False,
    shortcut: str = "",
) -> None:
    """What a change would cost, and the button that saves it and goes on."""
    rounds = session.rounds_lost(edited)
    if rounds:
        listed = ", ".join(
            f"{n} of {plain(session.config.label_name(c))}" for c, n in rounds.items()
        )
        st.warning(
            f"These changes make earlier rounds incomparable ({listed}): their scores leave the "
            "score plot. Every label is kept, and the next round is trained on all of them.",
            icon=":material/info:",
        )
    title = "Save and train" if last else "Next"
    with st.container(horizontal=True, vertical_alignment="center"):
        go_on = st.button(title, key=f"next-{state.step()}", type="primary")
        skip = bool(shortcut) and st.button("Train with the guesses", key="accept-guesses")
        if shortcut:
            st.caption(plain(shortcut))
    if go_on or skip:
        check()
        session.change_settings(edited)
        if last or skip:
            slug = session.project.slug
            st.switch_page(TRAINING, query_params={state.PROJECT_IN_ADDRESS: slug})
        state.go_to_step(state.step() + 1)
        st.rerun()


def _choose(
    title: str, options: Sequence[str], held: str | None, key: str, help_text: str
) -> str | None:
    """A column, or none."""
    listed = [NONE, *options]
    index = listed.index(held) if held in listed else 0
    chosen = st.selectbox(
        title, range(len(listed)), index, format_func=lambda i: listed[i], key=key, help=help_text
    )
    return None if chosen == 0 else listed[chosen]


def _present(wanted: Sequence[str], options: Sequence[str]) -> list[str]:
    return [value for value in wanted if value in options]


def _index(options: Sequence[Any], value: Any) -> int:
    return list(options).index(value) if value in options else 0


def _need(chosen: Sequence[Any], message: str, hint: str) -> None:
    if not chosen:
        raise SettingsError(message, hint)


STEPS = (
    Step("Catalogue", _catalogue),
    Step("Columns", _columns),
    Step("Features", _features),
    Step("Classifiers", _classifiers),
)
