"""Step 2: which column plays which part, and what the labels are called."""

from dataclasses import replace

import streamlit as st

from al_engine.data.profile import label_counts
from al_engine.guesses import guess_classifiers, label_choices, make_labels
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, Columns, Label
from pages.components.guard import guard
from pages.components.settings.form import Way, choose_column, field, go_on, present
from pages.components.words import counted, plain

COLOURS_HEIGHT_PX = 260
_FIRST_ONES = "Training begins by asking you for the first ones."


def draw(session: LabellingSession, way: Way) -> None:
    catalogue, config = session.project.catalogue, session.config
    columns, slug = config.columns, session.project.slug
    names, numeric = catalogue.names(), catalogue.names(numeric=True)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("What each column is", anchor=False)
        id_column = choose_column(
            "Id", names, columns.id, f"id-{slug}", "Tells objects apart; none numbers the rows."
        )
        chosen_id, id_column = id_column, columns.id
        with guard():
            if chosen_id is not None:
                catalogue.check_id(chosen_id)
            # One that repeats is refused here, and keeps nothing else from being saved.
            id_column = chosen_id
        ra, dec = st.columns(2)
        with ra:
            ra_column = choose_column(
                "RA in degrees", numeric, columns.ra, f"ra-{slug}", "Optional."
            )
        with dec:
            dec_column = choose_column("Dec, deg", numeric, columns.dec, f"dec-{slug}", "Optional.")
        info = st.multiselect(
            "Shown beside each object",
            names,
            present(columns.info, names),
            **field(f"info-{slug}"),
            help="Extra columns to read while you answer; they never train.",
        )
        texts = st.multiselect(
            "Texts to read",
            [c.name for c in catalogue.columns if c.kind == "text"],
            present(columns.texts, names),
            **field(f"texts-{slug}"),
            help="Shown beside each object in full, in lines, above the other columns.",
        )
        curves = st.multiselect(
            "Spectra and light curves",
            [c.name for c in catalogue.columns if c.kind == "text"],
            present(columns.curves, names),
            **field(f"curves-{slug}"),
            help="Columns that hold the path of a FITS file in the image folder.",
        )
        redshift = columns.redshift
        if curves:
            redshift = choose_column(
                "Redshift", numeric, redshift, f"redshift-{slug}", "Where lines are marked first."
            )
        images = st.multiselect(
            "Pictures",
            names,
            present(columns.images, names),
            **field(f"images-{slug}"),
            help="Columns that hold the address of a picture, or its path in the image folder.",
        )
    with right:
        st.subheader("Labels", anchor=False)
        label = choose_column(
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
        tuple(texts),
        tuple(curves),
        redshift,
    )
    values = [choice.value for choice in labels]
    values = [*values, ALL_LABELS] if len(values) > 1 else values
    train = tuple(value for value in config.train_labels if value in values)
    go_on(
        session,
        replace(
            config,
            columns=edited,
            labels=labels,
            train_labels=train or guess_classifiers(catalogue, label, labels),
        ),
        way,
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
            **field(f"typed-labels-{slug}"),
            placeholder="STAR, GALAXY, QSO",
        )
        typed = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
        # Shown by name; what is typed anew may also be the value behind a name.
        known = {label.value: label for label in config.labels}
        known |= {label.name: label for label in config.labels}
        chosen = {}
        for word, label in zip(typed, make_labels(typed), strict=True):
            found = known.get(word, label)
            chosen.setdefault(found.value, found)
        made = []
        # Of one height from the start: the button below must not move away under a click.
        with st.container(height=COLOURS_HEIGHT_PX, border=False):
            for held in chosen.values():
                picked = st.color_picker(
                    plain(held.name), held.colour, **field(f"typed-colour-{slug}-{held.value}")
                )
                made.append(replace(held, colour=picked))
        st.caption(f"No object has a known label. {_FIRST_ONES}")
        return tuple(made), config.columns.unknown
    counts = label_counts(session.project.catalogue, column, 200)
    guessed, guessed_unknown = label_choices(session.project.catalogue, column)
    same = column == config.columns.label
    held = {label.value: label for label in (*guessed, *(config.labels if same else ()))}
    into = config.merged_into
    unknown_before = config.columns.unknown if same else guessed_unknown
    labels, unknown = [], []
    with st.container(height=min(80 + 58 * len(counts), 420), border=False):
        for value, n in counts:
            if value is None:
                st.caption(f"{counted(n, 'object')} without a value: unknown.")
                continue
            if same and value in into:
                kept_as = plain(config.label_name(into[value]))
                st.caption(f"{plain(value)}: {counted(n, 'object')}, merged into {kept_as}.")
                continue
            fallback = make_labels([value])[0]
            label = held.get(value, fallback)
            colour, name, is_unknown = st.columns([1, 5, 3], vertical_alignment="bottom")
            key = f"{slug}-{column}-{value}"
            with is_unknown:
                means_unknown = st.checkbox(
                    "unknown", value in unknown_before, **field(f"unknown-{key}")
                )
            with colour:
                picked = st.color_picker(
                    "Colour", label.colour, **field(f"colour-{key}"), label_visibility="collapsed"
                )
            with name:
                typed_name = st.text_input(
                    f"{plain(value)}: {counted(n, 'object')}",
                    label.name,
                    **field(f"name-{key}"),
                    max_chars=60,
                    disabled=means_unknown,
                )
            if means_unknown:
                unknown.append(value)
            else:
                labels.append(replace(label, name=typed_name.strip(), colour=picked))
    # What was added, or has others merged into it, stays though no object has its own value.
    listed = {value for value, _ in counts}
    labels += [
        label
        for label in (config.labels if same else ())
        if label.value not in listed and (label.merged or not label.in_catalogue)
    ]
    values = {value for label in labels for value in label.values}
    n_known = sum(n for value, n in counts if value in values)
    n_unknown = session.project.catalogue.n_rows - n_known
    said = f"{counted(n_known, 'object')} with a known label, {n_unknown:,} unknown."
    st.caption(said if n_known else f"{said} {_FIRST_ONES}")
    # In the order they have, so that a look at this step changes nothing.
    order = {label.value: i for i, label in enumerate(guessed)}
    if same:
        order = {label.value: i for i, label in enumerate(config.labels)}
    labels.sort(key=lambda label: order.get(label.value, len(order)))
    # Values that do not occur stay listed: dropping them would look like a change.
    kept = [value for value in unknown_before if value in unknown or value not in listed]
    return tuple(labels), (*kept, *(value for value in unknown if value not in kept))
