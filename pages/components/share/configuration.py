"""The configuration of a project: taken away as a file, and another one loaded."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from al_engine.exchange.astronomical import TEST_SET_APART
from al_engine.exchange.configuration import Configuration
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.loop.recording import as_file, in_their_form, not_in_their_form
from al_engine.public import is_public
from al_engine.session import LabellingSession
from al_engine.settings.config import looks_like_a_doi
from al_engine.sharing.prospect import Level, Prospect, look, most_trees, named
from al_engine.sharing.replay import Replayed, cost_of_settings, load_layout, load_settings, replay
from pages.components import state
from pages.components.costs import said
from pages.components.guard import guard
from pages.components.looking import Chosen
from pages.components.page import link
from pages.components.share.choosing import choose_file, describe, put_away
from pages.components.waiting import finished
from pages.components.words import counted, plain

_DONE, _BEFORE = "configuration-done", "configuration-before"
SWITCH_OFF = "Take it away once that is switched off on the People page."
FORMS = {
    "whole": "Everything",
    "private": "Without ids, labels and notes",
    "astronomical": "For AstronomicAL",
}
MANY_TREES = 500  # from which on a round takes about a second
LEVELS: dict[Level, tuple[str, str]] = {
    "labels": ("Settings and labels", "every answer is replayed, round by round"),
    "settings": ("Settings", "a classifier that has no labels here begins with its first objects"),
    "layout": ("Layout", "axes, columns shown, names and colours; nothing that is learned"),
}


def comes_first() -> bool:
    """Is one waiting to be loaded, or was one just loaded?"""
    return state.chosen_configuration() is not None or bool(state.draft(_DONE, []))


def draw(session: LabellingSession) -> None:
    """Taking it away on the left, loading one on the right."""
    st.subheader("Configuration", anchor=False)
    take, load = st.columns(2, gap="large")
    with take, guard():
        _take_away(session)
    # Of one piece: nothing of it stands on, greyed, while a replay is waited for.
    with load, st.empty().container(), guard():
        _load(session)


# -- taking it away ----------------------------------------------------------------------------


def _take_away(session: LabellingSession) -> None:
    slug, config = session.project.slug, session.config
    st.markdown(
        "One JSON file: settings, layout, models, and every answer in order. It names objects by "
        "their ids and holds no values of their features."
    )
    # Named after what they hold: a configuration that is loaded brings others.
    key = f"{slug}-{config.author}-{config.doi}"
    author_, doi_ = st.columns(2)
    author = author_.text_input(
        "Author", config.author, 200, key=f"author-{key}", help="Whom to cite; stands in the file."
    )
    doi = doi_.text_input(
        "DOI", config.doi, 200, key=f"doi-{key}", help="Of the paper or data this belongs to.",
        placeholder="10.1234/abcd",
    )  # fmt: skip
    if (author.strip(), doi.strip()) != (config.author, config.doi):
        cited = replace(config, author=author.strip(), doi=doi.strip())
        session.change_settings(cited, made_from=config)
        st.rerun()  # or the next edit would be of fields that are gone
    if doi.strip() and not looks_like_a_doi(doi):
        st.caption(f"'{plain(doi.strip()[:60])}' does not look like a DOI: these begin with 10.")
    refused = not_in_their_form(config)
    form = st.radio(
        "What stands in it",
        [name for name in FORMS if name != "astronomical" or refused is None],
        format_func=lambda name: FORMS[name],
        key=f"configuration-form-{slug}",
        horizontal=True,
        help="Without ids, labels and notes: what may be shown where the data are private. "
        "For AstronomicAL: its own form, with the labels that train.",
    )
    if refused is not None:
        st.caption(f"Not for AstronomicAL: {plain(refused)}")
    if form == "astronomical":
        _in_their_form(session)
        return
    if form == "whole" and config.people.is_blind:
        st.caption("It holds everybody's answers, and people answer blind here. " + SWITCH_OFF)
        return
    is_private = form == "private"
    make = partial(as_file, session.project, session.moment(), is_private=is_private)
    _download(session, make, "configuration-without-labels" if is_private else "configuration")
    if is_private:
        st.caption("Labels have their names in it, as settings; which object has which has not.")
    elif not is_public():  # where nobody reaches the folder
        st.caption("Kept at each round as configuration.json in the project's folder too, whole.")


def _in_their_form(session: LabellingSession) -> None:
    text, unsaid = in_their_form(session.project, session.config)
    _download(session, lambda: text, "astronomical-config")
    if unsaid:
        st.caption("What has no counterpart there:")
        st.markdown("\n".join(f"- {plain(line)}" for line in unsaid))


def _download(session: LabellingSession, make: Callable[[], str], name: str) -> None:
    slug = session.project.slug
    st.download_button(
        "Download",
        make,
        f"{slug}-{name}.json",
        "application/json",
        key=f"download-{name}-{slug}",
        type="primary",
        on_click="ignore",
    )


# -- loading one -------------------------------------------------------------------------------


def _load(session: LabellingSession) -> None:
    slug = session.project.slug
    _finish(session)
    chosen = state.chosen_configuration()
    if chosen is None:
        _tell_done(session, state.draft(_DONE, []))
        st.markdown("Load a configuration of Sextant's or of AstronomicAL's into this project.")
        choose_file()
        return
    describe(chosen)
    prospect = _prospect(session, chosen.configuration)
    _tell(session, chosen.configuration, prospect)
    levels = [level for level in LEVELS if level not in prospect.refused]
    level: Level = st.radio(
        "Load",
        levels,
        format_func=lambda name: LEVELS[name][0],
        captions=[LEVELS[name][1] for name in levels],
        key=f"level-{slug}-{len(levels)}-{state.clicks('configuration')}",
    )
    if level == "labels" and (trees := most_trees(chosen.configuration.settings)) >= MANY_TREES:
        st.caption(
            f"Its largest model has {trees:,} trees: about a second or more for each of the "
            f"{counted(chosen.configuration.n_answers, 'answer')}. It can be cancelled."
        )
    if level == "settings" and (cost := cost_of_settings(session, chosen.configuration)):
        st.warning(said(session, cost), icon=":material/info:")
    with st.container(horizontal=True):
        if st.button("Load", key=f"load-{slug}", type="primary"):
            _load_now(session, chosen, level)
        if st.button("Put it away", key="put-configuration-away"):
            put_away()
            st.rerun()


def _tell_done(session: LabellingSession, lines: list[str]) -> None:
    """What was loaded last, and where to go on from there, or back."""
    if not lines:
        return
    st.success(" ".join(lines), icon=":material/check:")
    before, loaded = state.draft(_BEFORE, (None, None))
    with st.container(horizontal=True, vertical_alignment="center"):
        link("pages/2_Training.py", "Go to Training", icon=":material/model_training:")
        # Once something else is changed, going back would take that too.
        if loaded is not None and session.config == loaded != before and st.button(
            "Back to the settings before", key=f"settings-before-{session.project.slug}",
            icon=":material/undo:", help="As they were when you loaded these; every label stays.",
        ):  # fmt: skip
            with st.spinner("Training again"):
                session.take_on(before, loaded, ())
            _say_done("The settings are as they were before.")
            st.rerun()


def _prospect(session: LabellingSession, configuration: Configuration) -> Prospect:
    """What loading would meet, looked at once for each state of the project."""
    seen = (session.project.slug, session.project.log.last_seq, state.clicks("configuration"))
    held: tuple[object, Prospect] | None = state.draft("prospect")
    if held is None or held[0] != seen:
        with st.spinner("Comparing it with the catalogue"):
            held = (seen, look(session.project, configuration))
        state.keep_draft("prospect", held)
    return held[1]


def _tell(session: LabellingSession, configuration: Configuration, prospect: Prospect) -> None:
    """Say before anything changes what is not as it was."""
    if prospect.differs:
        listed = "\n".join(f"- {plain(line)}" for line in prospect.differs)
        is_same = configuration.data.fingerprint == session.project.catalogue.fingerprint
        said = "Not all is here that was there" if is_same else "Here are other data than there"
        st.warning(f"{said}:\n{listed}", icon=":material/info:")
    elif configuration.data.fingerprint:
        st.caption("These are the very data it was made on.")
    if prospect.versions:
        st.caption(f"Other versions: {plain('; '.join(prospect.versions))}. Scores may differ.")
    if prospect.disputed:
        n = counted(len(prospect.disputed), "object")
        listed = plain(named(prospect.disputed))
        st.caption(f"Labelled one way for one classifier, another for the next: {n} ({listed}).")
    if prospect.gone:
        listed = plain(named(prospect.gone))
        st.caption(f"Former settings are replayed without columns that are gone: {listed}.")
    if configuration.untranslated:
        with st.expander(f"No counterpart here: {len(configuration.untranslated)}"):
            st.markdown("\n".join(f"- {plain(line)}" for line in configuration.untranslated))
    for level in LEVELS:
        error = prospect.refused.get(level)
        # What holds for both is said once.
        if error is not None and error is not prospect.refused.get("settings"):
            st.caption(f"{LEVELS[level][0]} cannot be loaded: {plain(error)}")
    if error := prospect.refused.get("settings"):
        st.caption(f"Only its layout can be loaded: {plain(error)}")


def _load_now(session: LabellingSession, chosen: Chosen, level: Level) -> None:
    configuration = chosen.configuration
    if level == "labels":
        project, who = session.project, session.who

        def work(progress: Progress, cancelled: Cancelled) -> Replayed:
            with project.at_work():
                return replay(project, configuration, who, progress, cancelled)

        state.keep_job(_job_of(session), Job(work))
        st.rerun()
    before = session.config
    if level == "settings":
        with st.spinner("Beginning to train"):
            load_settings(session, configuration)
        _say_done("Settings loaded.")
    else:
        unshown = load_layout(session, configuration)
        _say_done(
            "Layout loaded.",
            *([f"Not in this project: {plain(', '.join(unshown))}."] if unshown else []),
        )
    state.keep_draft(_BEFORE, (before, session.config))
    state.take_layout(configuration.layout)
    st.rerun()


def _say_done(*lines: str) -> None:
    put_away()
    state.keep_draft(_DONE, list(lines))
    state.keep_draft(_BEFORE, (None, None))


def _job_of(session: LabellingSession) -> str:
    return state.replay_name(session.project.slug)


def _finish(session: LabellingSession) -> None:
    """Show how far a replay is, and what it came to once it is done."""
    job = finished(_job_of(session), "Replaying", unit="event")
    if job is None:
        return
    made = job.result()
    chosen = state.chosen_configuration()
    lines = _outcome(made)
    if chosen is not None:
        state.take_layout(chosen.configuration.layout)
        if TEST_SET_APART in chosen.configuration.untranslated:
            lines.append("Its test set is a file of its own: read it on Test set, under File.")
    _say_done(*lines)
    st.rerun()


def _outcome(made: Replayed) -> list[str]:
    lines = [f"{counted(made.n_answers, 'answer')} replayed."]
    if made.difference:
        lines.append(f"Not all is as it was: {plain(made.difference)}")
    elif made.n_compared:
        rounds = counted(made.n_compared, "round")
        lines.append(f"{rounds} compared: the same scores, and the same question is next.")
    if made.absent:
        lines.append(f"Left out, for they are not here: {counted(len(made.absent), 'object')}.")
    return lines
