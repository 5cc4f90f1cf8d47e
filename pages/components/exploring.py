"""The Explore page: panels, what is selected together, and what can be done with that."""

from dataclasses import replace

import streamlit as st

from al_engine.curating.together import begin_answer_all
from al_engine.data.selections import (
    Saved,
    list_selections,
    load_selection,
    remove_selection,
    save_selection,
)
from al_engine.exchange.writers import FORMATS
from al_engine.learning.coverage import ENOUGH
from al_engine.loop.together import MOST_AT_ONCE, at_once
from al_engine.session import LabellingSession, State
from al_engine.sharing import exporting
from al_engine.showing.covering import begin_measuring
from al_engine.showing.maps import drawn_of
from al_engine.showing.selecting import Summary, summary
from pages.components import loop
from pages.components import state as tab
from pages.components.classifiers import choose_classifier, lead_on
from pages.components.guard import guard
from pages.components.looking import Selected
from pages.components.page import draw_again, view
from pages.components.panels.board import board, panels_menu
from pages.components.share.exports import download
from pages.components.waiting import finished
from pages.components.words import counted, plain

TITLE = "Explore"
TAKEN_PX = 50  # of the window's height: the lines on top


@view
def explore_view(session: LabellingSession, started: tuple[str, ...]) -> None:
    """Panels over the whole catalogue, linked by what is selected; drawn again by itself."""
    for each in started:
        lead_on(session, each)
    exploring = tab.exploring()
    with st.container(horizontal=True, vertical_alignment="center", key="explore-top"):
        label = choose_classifier(session, started, "explore") if started else ""
        panels_menu(TITLE)
        _saved_menu(session, label)
        if session.config.asking.among:
            st.badge(f"asks only about {plain(session.config.asking.among)}", color="orange")
        if exploring.notice:
            st.caption(plain(exploring.notice))
        _offer_written(session)
    with guard():
        _finish_labelling(session)
    with guard():
        _finish_measuring(session)
    if label:
        tab.look_at_round(label, None)
    state = loop.state_of(session, label)
    fault = session.fault(label) if label else None
    if fault is not None:
        st.error(plain(fault), icon=":material/error:")
    with guard():
        _finish_export(session)
    with st.container(horizontal=True, vertical_alignment="center", key="selection"):
        _selection(session, state)
    board(session, state, TITLE, TAKEN_PX)


# -- what is selected together -------------------------------------------------------------------


def _selection(session: LabellingSession, state: State | None) -> None:
    exploring = tab.exploring()
    together = exploring.together
    if together is None:
        st.caption(
            "Click an object to select it in every panel; ▭ and ◌ over a plot select many at once."
        )
        return
    st.markdown(f"**{counted(together.n, 'object')}** selected {plain(together.how)}")
    number = f"{together.number}-{tab.clicks('selection')}"
    with _popover("Compare", "compare_arrows", f"compare-{number}") as menu:
        if menu.open:
            with st.spinner("Comparing", show_time=True):
                found = summary(session, drawn_of(session.project), state, together.rows)
            _comparison(found)
    with _popover("Label all", "label", f"label-{number}", disabled=state is None) as menu:
        if menu.open and state is not None:
            _label_all(session, state, together)
    with _popover("Save", "bookmark", f"keep-{number}") as menu:
        if menu.open:
            _keep(session, together)
    with _popover("Export", "download", f"export-{number}") as menu:
        if menu.open:
            _export(session, together)
    if st.button("Clear", icon=":material/close:", key=f"clear-{number}", type="tertiary"):
        tab.select_together((), "")
        draw_again()
    last = None if state is None else state.history.last
    # Where something else was answered since, that is taken back where it was answered.
    if state is not None and last is not None and last.how == "selection" and exploring.labelled:
        _undo(session, state, f"undo-{number}")


def _undo(session: LabellingSession, state: State, key: str) -> None:
    n = len(session.last_act(state.classifier))
    said = f"Take back the labels of {counted(n, 'object')}."
    if st.button("Undo", icon=":material/undo:", key=key, help=said):
        with guard(), st.spinner("Taking back", show_time=True):
            session.undo(state.classifier, token=state.token)
            tab.exploring().labelled = False
            tab.exploring().notice = f"Taken back: the labels of {counted(n, 'object')}."
            draw_again()


def _popover(title: str, icon: str, key: str, *, disabled: bool = False):  # type: ignore[no-untyped-def]
    return st.popover(
        title, icon=f":material/{icon}:", key=key, on_change="rerun", disabled=disabled
    )


def _comparison(found: Summary) -> None:
    """Labels and features of the selection beside those of all others."""
    st.caption(
        f"The {counted(found.n, 'selected object')} beside the other {found.n_others:,}. Shift: "
        "the difference of the medians, in interquartile ranges of the others."
    )
    lines = ["| label | selected | share | others | share |", "|---|--:|--:|--:|--:|"]
    for each in found.labels[:30]:
        here = 100 * each.n_selected / max(1, found.n)
        there = 100 * each.n_others / max(1, found.n_others)
        lines.append(
            f"| {plain(each.name)} | {each.n_selected:,} | {here:.1f}% "
            f"| {each.n_others:,} | {there:.1f}% |"
        )
    st.markdown("\n".join(lines))
    if not found.features:
        return
    lines = ["| feature | median | quartiles | others' median | shift |", "|---|--:|--:|--:|--:|"]
    for feature in found.features[:15]:
        low, high = map(_number, feature.quartiles or (None, None))
        others, shift = _number(feature.median_others), _number(feature.shift, "+.2f")
        lines.append(
            f"| {plain(feature.name)} | {_number(feature.median)} | {low} to {high} "
            f"| {others} | {shift} |"
        )
    st.markdown("\n".join(lines))


def _number(value: float | None, form: str = ".4g") -> str:
    return "–" if value is None else format(value, form)


def _label_all(session: LabellingSession, state: State, together: Selected) -> None:
    """One label for all of it, after a word on how many that are."""
    config = session.config
    history = session.project.history(state.classifier, session.who)
    found = at_once(session.project, history, together.rows)
    names = {label.value: plain(label.name) for label in config.labels_in_use}
    st.markdown("Label the selection as")
    chosen = st.segmented_control(
        "Label",
        list(names),
        format_func=lambda value: names[value],
        key=f"together-{together.number}",
        label_visibility="collapsed",
    )
    n_checking = len(found.rows) - found.n_training
    # A region's label is a guess about each object: what one is measured by is not to be guessed.
    corrects = n_checking > 0 and st.toggle(
        "Correct validation and test too",
        key=f"together-corrects-{together.number}",
        help=f"{counted(n_checking, 'object')} of the selection validate or test. What a "
        "classifier is measured by is best changed one object at a time.",
    )
    rows = found.rows if corrects else found.training
    n = len(rows)
    said = [f"{found.n_training:,} train"]
    if n_checking:
        does = "correct validation or test" if corrects else "validate or test, and are passed over"
        said.append(f"{n_checking:,} {does}")
    for count, what in (
        (found.n_answered, "have an answer already and keep it"),
        (found.n_curated, "are in the curated test set and stay as they are"),
        (found.n_left_out, "are left out by the settings"),
    ):
        if count:
            said.append(f"{count:,} {what}")
    st.caption("; ".join(said) + ". It is one act: one undo takes all of it back.")
    if n > MOST_AT_ONCE:
        st.caption(f"At most {MOST_AT_ONCE:,} can be labelled at once.")
    name = names.get(chosen or "", "…")
    if st.button(
        f"Label {counted(n, 'object')} as {name}",
        key=f"together-do-{together.number}",
        type="primary",
        disabled=chosen is None or not 0 < n <= MOST_AT_ONCE,
    ):
        with guard():
            begun = begin_answer_all(
                session, state.classifier, rows, str(chosen), token=state.token
            )
            tab.keep_job(_labelling_of(session), begun)
            tab.count_click("selection")
            draw_again()


def _finish_labelling(session: LabellingSession) -> None:
    """Wait for the training on labels of a selection, with a way to stop it."""
    job = finished(_labelling_of(session), "Training", before="Training on the labels")
    if job is None:
        return
    state: State = job.result()
    last, n = state.history.last, len(session.last_act(state.classifier))
    name = session.config.label_name(last.label) if last is not None and last.label else ""
    tab.exploring().notice = f"{counted(n, 'object')} labelled {name}."
    tab.exploring().labelled = True
    draw_again()


def _labelling_of(session: LabellingSession) -> str:
    return f"label-selection-{session.project.slug}"


def _keep(session: LabellingSession, together: Selected) -> None:
    with st.form(f"keep-form-{together.number}", border=False):
        name = st.text_input("Name", key=f"keep-name-{together.number}", max_chars=80)
        if st.form_submit_button("Save the selection") and name.strip():
            with guard():
                saved = save_selection(session.project.folder, name, together.rows, together.how)
                tab.exploring().notice = f"Saved as {saved.name}."
                tab.count_click("selection")
                draw_again()


def _saved_menu(session: LabellingSession, label: str) -> None:
    """The selections that were saved: to be selected again, or forgotten."""
    folder = session.project.folder
    with _popover("Selections", "bookmarks", f"saved-{tab.clicks('saved')}") as menu:
        if not menu.open:
            return
        _offer_far(session, label)
        saved = list_selections(folder)
        if not saved:
            st.caption("No selection is saved yet: select objects, then Save.")
        for i, each in enumerate(saved):
            with st.container(horizontal=True, vertical_alignment="center", key=f"saved-line-{i}"):
                _saved_line(session, each, i)
        among = session.config.asking.among
        if among and st.button("Ask about the whole pool again", key="ask-all", width="stretch"):
            _ask_among(session)


def _offer_far(session: LabellingSession, label: str) -> None:
    """The way to what lies far from everything labelled."""
    state = loop.state_of(session, label)
    n_labelled = 0 if state is None else len(state.history.trained)
    if st.button(
        "No training data near", key="select-far", icon=":material/explore_off:", width="stretch",
        disabled=n_labelled < ENOUGH,
        help="Select what of the pool lies further from the labelled objects than 95% of these "
        f"from each other; from {ENOUGH} labels on. Once saved, it can be all that is asked about.",
    ) and state is not None:  # fmt: skip
        tab.keep_job(_measuring_of(session), begin_measuring(session, state))
        tab.count_click("saved")
        draw_again()


def _finish_measuring(session: LabellingSession) -> None:
    """Wait for how far all objects lie from the labelled ones, with a way to stop it."""
    job = finished(_measuring_of(session), "Measuring", unit="object")
    if job is None:
        return
    rows = job.result()
    tab.select_together(rows, "with no training data near")
    if not len(rows):
        tab.exploring().notice = "Training data is near everywhere in the pool."
    draw_again()


def _measuring_of(session: LabellingSession) -> str:
    return f"far-{session.project.slug}"


def _saved_line(session: LabellingSession, saved: Saved, i: int) -> None:
    folder, is_asked = session.project.folder, saved.name == session.config.asking.among
    if st.button(plain(saved.name), key=f"saved-open-{i}", help=f"Selected {plain(saved.how)}"):
        with guard():
            rows = load_selection(folder, saved.name, session.project.catalogue.n_rows)
            tab.select_together(rows, f"as {saved.name}")
            tab.count_click("saved")
            draw_again()
    st.caption(counted(saved.n, "object"))
    if st.button(
        "Asked about" if is_asked else "Ask only about these",
        key=f"saved-ask-{i}",
        disabled=is_asked,
        help="Restrict the pool to this selection, for all classifiers. Random questions, which "
        "measure a classifier, are still of the whole pool.",
    ):
        _ask_among(session, saved.name, saved.key)
    if st.button(
        "Forget", key=f"saved-remove-{i}", type="tertiary", disabled=is_asked,
        help=f"Forget {plain(saved.name)}; its objects stay.",
    ):  # fmt: skip
        with guard():
            remove_selection(folder, saved.name)
            tab.count_click("saved")
            draw_again()


def _ask_among(session: LabellingSession, name: str = "", key: str = "") -> None:
    with guard(), st.spinner("Changing the pool", show_time=True):
        config = session.config
        asking = replace(config.asking, among=name, among_key=key)
        session.change_settings(replace(config, asking=asking), made_from=config)
        tab.exploring().notice = f"Only {name} is asked about." if name else "All is asked about."
        tab.count_click("saved")
        draw_again()


def _export(session: LabellingSession, together: Selected) -> None:
    form = st.segmented_control(
        "Format",
        list(FORMATS),
        default="fits",
        required=True,
        format_func=lambda name: FORMATS[name].title,
        key=f"export-format-{together.number}",
        label_visibility="collapsed",
    )
    st.caption("All columns of the selected objects. The file stays on the Share page.")
    if st.button(f"Write {counted(together.n, 'object')}", key=f"export-do-{together.number}"):
        with guard():
            table = exporting.objects_of(session, together.rows.tolist())
            job = exporting.begin_export(session, table, FORMATS[form])
            tab.keep_job(_job_of(session), job)
            tab.count_click("selection")
            draw_again()


def _finish_export(session: LabellingSession) -> None:
    job = finished(_job_of(session), "Writing the selection")
    if job is not None:
        path = job.result()
        tab.exploring().notice = f"Written: {path.name}."
        tab.exploring().written = path.name
        draw_again()


def _offer_written(session: LabellingSession) -> None:
    """The way to the file of the last export; it stays on the Share page."""
    written = tab.exploring().written
    found = [each for each in exporting.exported(session) if each.path.name == written]
    if written and found:
        download(found[0], f"explore-{written}")


def _job_of(session: LabellingSession) -> str:
    return f"export-selection-{session.project.slug}"
