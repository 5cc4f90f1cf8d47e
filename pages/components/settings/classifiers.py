"""Step 4: which classifiers, on which axes, over which sets, with which questions."""

from dataclasses import replace
from typing import Any

import streamlit as st

from al_engine.data.features import features_there, plottable
from al_engine.loop.asking import REPEAT_AFTER, REPEAT_EVERY
from al_engine.session import LabellingSession
from al_engine.settings.config import ALL_LABELS, WITHIN, ProjectConfig
from pages.components.guard import guard
from pages.components.settings.form import Way, field, go_on, index_of, need, present
from pages.components.words import plain


def draw(session: LabellingSession, way: Way) -> None:
    config, slug = session.config, session.project.slug
    values = [label.value for label in config.labels]
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Classifiers", anchor=False)
        if not values:
            st.info("There is no label yet: type or choose the labels in step 2, Columns.")
        over_all = st.toggle(
            "One classifier over all labels",
            ALL_LABELS in config.train_labels,
            **field(f"over-all-{slug}"),
            disabled=len(values) < 2,
            help="It asks: which of the labels is it?",
        )
        train = st.multiselect(
            "A classifier for each of",
            values,
            present(config.train_labels, values),
            format_func=lambda value: config.label_name(value),
            **field(f"train-{slug}"),
            help="Each asks: is it this, or anything else?",
        )
        st.caption(
            "Take one over all labels where each object has just one of them and you want them all "
            "told apart; one for a label where that label is what you look for, above all a rare "
            "one, or where objects may be none of these. Both stand side by side."
        )
        leave_out = st.toggle(
            "Leave out objects with the other labels",
            config.leave_out_other_labels,
            **field(f"leave-out-{slug}"),
            disabled=len(train) < 2,
            help="Objects whose label has no classifier take no part in training and scores.",
        )
        leave_unknown = st.toggle(
            "Leave unknown objects out of the pool",
            config.leave_out_unknown,
            **field(f"leave-unknown-{slug}"),
            help="Unknown objects are never scored; in the pool, they may be asked about.",
        )
        shared = st.toggle(
            "An answer counts for all of them",
            config.asking.shared,
            **field(f"shared-{slug}"),
            help="What is said of an object in one classifier's tab, Unsure included, counts for "
            "every other; what came up at random checks all of them and trains none. Later stays "
            "its own. Switched off, each has only its own answers.",
        )
        none_below = st.number_input(
            "All together predict none of these under",
            0.0,
            1.0,
            config.none_below,
            0.05,
            **field(f"none-below-{slug}"),
            disabled=len(train) < 2,
            placeholder="by itself",
            help="Where every classifier's calibrated probability is under this, all of them "
            "together predict none of their labels. By itself: 0.5, or 0 where every label has a "
            "classifier, so that the likeliest is always predicted.",
        )
        st.subheader("Axes of the maps", anchor=False)
        axes = plottable(features_there(config.features))
        axes += [n for n in session.project.catalogue.names(numeric=True) if n not in axes]
        x_, y_ = st.columns(2)
        x_axis = x_.selectbox("x", axes, index_of(axes, config.x_axis), **field(f"x-{slug}"))
        y_axis = y_.selectbox("y", axes, index_of(axes, config.y_axis), **field(f"y-{slug}"))
    with right:
        splits = _splits(session)
        asking = _asking(session)
    chosen = (*((ALL_LABELS,) if over_all and len(values) > 1 else ()), *train)
    edited = replace(
        config,
        train_labels=chosen,
        leave_out_other_labels=leave_out and len(train) >= 2,
        leave_out_unknown=leave_unknown,
        x_axis=x_axis or "",
        y_axis=y_axis or "",
        splits=splits,
        asking=replace(asking, shared=shared),
        none_below=none_below,
    )
    with guard():
        _split_table(session, edited)
    go_on(
        session,
        edited,
        way,
        lambda: need(
            chosen, "No classifier is chosen.", "Choose at least one label, or one over all."
        ),
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
        **field(f"mode-{slug}"),
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
                **field(f"split-{name}-{mode}-{slug}"),
            )
        )
    if splits.curated:
        st.caption("The curated test set is in use, so what is drawn for testing here validates.")
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
        **field(f"draw-{slug}"),
        help="Balanced takes as many objects of each label as of the rarest; the others are left "
        "out.",
    )
    seed = seed_.number_input(
        "Seed",
        *WITHIN["splits.seed"],
        splits.seed,
        **field(f"seed-{slug}"),
        help="The same seed, the same draw.",
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
    # Not None: a choice that is None counts as none chosen.
    how_often = ["where needed", 0, 2, 3, 5, 10, 20]
    chosen: Any = every_.selectbox(
        "A random question",
        how_often,
        index_of(how_often, asking.random_every),
        format_func=_every,
        **field(f"every-{slug}"),
        help="Its answer is kept for validation and never trains. By itself: every fifth while "
        "the catalogue's labels leave fewer than 30 validation objects.",
    )
    start: Any = start_.selectbox(
        "First objects, where no label is known",
        ["spread", "random"],
        ["spread", "random"].index(asking.start),
        format_func=lambda name: {"spread": "spread out (k-means)", "random": "random"}[name],
        **field(f"start-{slug}"),
    )
    ahead_mb = st.number_input(
        "Memory for working ahead (MB)",
        *WITHIN["asking.ahead_mb"],
        asking.ahead_mb,
        100,
        **field(f"ahead-{slug}"),
        help="While you look at an object, the round that each answer leads to is made already. "
        f"That takes up to {session.ahead_mb_needed:,} MB for this catalogue. 0 switches it off; "
        "no result depends on it.",
    )
    twice = st.toggle(
        "Ask some objects twice, without saying so",
        asking.repeat_every > 0,
        **field(f"twice-{slug}"),
        help=f"Every {REPEAT_EVERY}th question (2%) is an object that you labelled at least "
        f"{REPEAT_AFTER} questions ago. How far you agree with yourself is told under Labelling, "
        "Answers. So that no repeat is known by it, what the models say of an object is shown "
        "of none that you are asked about. The second answer is the one that counts.",
    )
    repeat_every = 0 if not twice else asking.repeat_every or REPEAT_EVERY
    every = None if chosen == how_often[0] else int(chosen)
    return replace(
        asking,
        random_every=every,
        start=start,
        ahead_mb=int(ahead_mb),
        repeat_every=repeat_every,
    )


def _every(number: int | str) -> str:
    if isinstance(number, str):
        return f"by itself, {number}"
    return "never" if number == 0 else f"every {number} questions"
