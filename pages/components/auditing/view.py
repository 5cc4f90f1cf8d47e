"""Labels to look at again, in place of the question: confirmed or corrected one by one."""

import streamlit as st

from al_engine.curating.auditing import Audited, Suspect, begin_audit, is_stale, last_done
from al_engine.loop.answering import labels_offered
from al_engine.session import LabellingSession, State
from al_engine.showing.objects import object_card
from pages.components import loop, pictures
from pages.components import state as tab
from pages.components.answer_bar import Accept, Choice, answer_bar
from pages.components.auditing.dealing import BAR, CONFIRM_KEY, on_screen
from pages.components.guard import guard
from pages.components.labelling import card_body
from pages.components.loop import make_token
from pages.components.notes import note_menu
from pages.components.page import draw_again
from pages.components.waiting import finished
from pages.components.words import counted, plain

SHOWN = 500  # lines
AHEAD = 2
_ORDER = (
    "Each label is judged by a model that was trained without it. First come those that it is most "
    "at odds with: the probability of the label less that of the likeliest other (normalised "
    "margin, Northcutt et al. 2021). Objects that were asked about are hard by choice, so that "
    "many of them are at odds and right."
)


def draw(session: LabellingSession, label: str) -> None:
    """The list on the left, the object on the right, and the keys below."""
    state = loop.state_of(session, label)
    with st.container(horizontal=True, vertical_alignment="center", key="audit-top"):
        st.button(
            "Back to the question", key="from-audit", icon=":material/arrow_back:",
            on_click=tab.look_aside, args=("",),
        )  # fmt: skip
        st.markdown("**Labels to look at again**", help=_ORDER)
        audited = tab.looking().audits.get(label)
        if state is not None and audited is not None:
            _freshness(session, state, audited)
    if state is None:
        st.caption("This classifier cannot be trained now: there is no model to judge by.")
        return
    with guard():
        _finish(session, label)
    if audited is None:
        _offer(session, state)
        return
    found, at = on_screen(session, label)
    if at is None:
        st.caption("Every label was looked at again.")
    else:
        left, right = st.columns([5, 4], gap="medium")
        with left, st.container(height=590, border=False, key="audit-list"):
            _list(session, label, found, at)
        with right, st.container(height=590, border=False, key="audit-card"):
            _object(session, state, found[at])
        tab.album().fetch_soon([each.row for each in found[at + 1 : at + 1 + AHEAD]])
    _ask(session, state, None if at is None else found[at])


# -- how it is made ----------------------------------------------------------------------------


def _name(session: LabellingSession, label: str) -> str:
    return f"audit-{session.project.slug}-{label}"


def _begin(session: LabellingSession, label: str) -> None:
    with guard():
        tab.keep_job(_name(session, label), begin_audit(session, label))
        draw_again()


def _finish(session: LabellingSession, label: str) -> None:
    """Wait for the models that judge, with a way to stop them."""
    job = finished(_name(session, label), "Training", before="Training the first", unit="model")
    if job is not None:
        tab.looking().audits[label] = job.result()
        tab.looking().auditing.pop(label, None)
        draw_again()


def _offer(session: LabellingSession, state: State) -> None:
    name = plain(session.config.label_name(state.classifier))
    n = counted(state.n_trained, "label")
    st.markdown(
        f"Up to ten models, each trained without a part of the {n} for {name}, say what they make "
        "of that part. Labels that they contradict come first: a slip of the key, or an object "
        "harder than it looked. Nothing is changed unless you change it."
    )
    if st.button("Judge the labels", key="audit-begin", type="primary", disabled=state.fit is None):
        _begin(session, state.classifier)


def _freshness(session: LabellingSession, state: State, audited: Audited) -> None:
    """Of how many labels it is, and whether those are still the ones."""
    n = counted(audited.n_labelled, "label")
    if not is_stale(state, audited):
        st.caption(f"{n} judged, those of the present round")
        return
    st.caption(f":orange-badge[labels changed since] {n} judged; {state.n_trained:,} now")
    if st.button(
        "Judge again", key="audit-again", icon=":material/refresh:",
        help="What was answered since this was made is not in the list.",
    ):  # fmt: skip
        _begin(session, state.classifier)


# -- which ones --------------------------------------------------------------------------------


def _list(session: LabellingSession, label: str, found: list[Suspect], at: int) -> None:
    n_at_odds = sum(suspect.is_at_odds for suspect in found)
    st.markdown(
        f"**{n_at_odds:,} at odds** with the model · {counted(len(found) - n_at_odds, 'other')} "
        "after them",
        help="At odds: the model finds another class likelier than the label. Labels that you "
        "confirm leave the list for as long as they stay what they are.",
    )
    first = at // SHOWN * SHOWN
    shown = found[first : first + SHOWN]
    ids = session.object_ids([suspect.row for suspect in shown])
    rows = [suspect.row for suspect in shown]
    # Named after what is listed: a line is no longer the same object where the list is another.
    key = f"audit-list-{session.project.slug}-{label}-{hash(tuple(rows)):x}"

    def select() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if chosen:
            tab.looking().auditing[label] = rows[chosen[0]]

    st.dataframe(
        {
            "": ["▸" if first + i == at else "" for i in range(len(shown))],
            "object": ids,
            "label": [session.config.label_name(each.label) for each in shown],
            "by": [each.who or "the catalogue" for each in shown],
            "model says": [_class_name(session, label, each.says) for each in shown],
            "P(label)": [each.p_given for each in shown],
        },
        hide_index=True,
        row_height=26,
        height="stretch",
        on_select=select,
        selection_mode="single-row",
        key=key,
        column_config={
            "": st.column_config.TextColumn(width=24),
            "object": st.column_config.TextColumn(width=165),
            "label": st.column_config.TextColumn(width=75),
            "by": st.column_config.TextColumn(width=70),
            "model says": st.column_config.TextColumn(
                width=95, help="What a model that did not learn from this label finds likeliest"
            ),
            "P(label)": st.column_config.NumberColumn(
                format="%.2f", width=65,
                help="What that model gives to the side of the question that the label is on",
            ),
        },
    )  # fmt: skip


def _class_name(session: LabellingSession, classifier: str, value: str) -> str:
    name = session.config.label_name
    return name(value) if value else f"not {name(classifier)}"


# -- the one on the screen ---------------------------------------------------------------------


def _object(session: LabellingSession, state: State, suspect: Suspect) -> None:
    card = object_card(session, state, suspect.row)
    with st.container(horizontal=True, vertical_alignment="center", key="audit-card-top"):
        st.subheader(plain(card.object_id), anchor=False)
        note_menu(session, card.row, card.object_id, is_untold=card.is_untold)
    name = plain(session.config.label_name(suspect.label))
    who = f"by {plain(suspect.who)}" if suspect.who else "by the catalogue"
    does = "" if suspect.trains else "; it validates, and never trained"
    st.markdown(
        f"Labelled **{name}** {who}{does}. Without it the model says "
        f"**{plain(_class_name(session, state.classifier, suspect.says))}**, {suspect.p_says:.2f}."
    )
    card_body(session, card)


def _ask(session: LabellingSession, state: State, suspect: Suspect | None) -> None:
    """The label with its keys, at the place that the question has on every page."""
    slug, label = session.project.slug, state.classifier
    row = None if suspect is None else suspect.row
    name = "" if suspect is None else session.config.label_name(suspect.label)
    offered = labels_offered(session.project.dataset(), session.config, label)
    is_offered = suspect is not None and suspect.label in [each.value for each in offered]
    accept = None
    if suspect is not None and is_offered:
        accept = Accept(suspect.label, name, "", "Confirm")
    with st.container(key="answer-bar"):
        answer_bar(
            f"audit-bar-{slug}-{label}",
            question="Nothing is left." if suspect is None else f"Is {name} right?",
            object_id="" if row is None else session.object_id(row),
            token=make_token(slug, label, row, f"{session.project.log.last_seq}::"),
            choices=[Choice(c.value, c.name, c.colour, c.definition) for c in offered],
            can_undo=last_done(session, label) is not None,
            why=""
            if suspect is None
            else f"or {CONFIRM_KEY}; another label corrects it"
            + ("." if suspect.trains else ", and what is measured."),
            corrects=suspect is not None and not suspect.trains,
            said=None if suspect is None else suspect.label,
            accept=accept,
            confirmation=tab.notice(label),
            asks=row is not None,
            confidence=True,
            extra_keys={
                CONFIRM_KEY: "the label is right",
                "ArrowLeft": "the one before",
                "ArrowRight": "the next one",
                **pictures.keys(),
            },
            fixed=("unsure", "undo"),
            on_event=lambda event: tab.post(BAR, slug, label, event),
        )
