"""The People page of one classifier: what is to settle, numbers, and one's own answers."""

from functools import partial
from urllib.parse import urlencode

import streamlit as st

from al_engine.curating.agreeing import Compared, Dispute, agreements, last_settled, people_of
from al_engine.curating.answers import own_answers
from al_engine.learning.agreement import Agreement, Kappa
from al_engine.learning.metrics import Score
from al_engine.loop.answering import labels_offered
from al_engine.session import LabellingSession
from al_engine.showing.objects import object_card
from pages.components import pictures
from pages.components import state as tab
from pages.components.answer_bar import BarEvent, Choice, answer_bar
from pages.components.answers import HOW
from pages.components.classifiers import lead_on
from pages.components.labelling import card_body, find
from pages.components.loop import make_token
from pages.components.notes import note_menu
from pages.components.page import link, view
from pages.components.people.dealing import BAR, on_screen, show
from pages.components.words import counted, plain

LABELLING = "pages/3_Labelling.py"
_SHARE = (
    "Of the objects that both labelled, the share with the same label, with its 95% interval "
    "(Wilson). Unsure is no label."
)
_SHARE_OF_MANY = (
    "Of all pairs of labels that two people gave one object, the share that is the same, with a "
    "95% interval by a bootstrap over objects. Unsure is no label."
)
_KAPPA = (
    "Cohen's kappa: agreement beyond what chance would give. 1 is full agreement, 0 no better "
    "than chance, below 0 worse. With its 95% interval, by the large-sample standard error of "
    "Fleiss, Cohen and Everitt (1969)."
)
_KAPPA_OF_MANY = (
    " Over more than two people it is the mean of the pairs' kappas, each weighted by its number "
    "of objects (Light 1971), with a bootstrap interval over objects."
)


@view
def people_view(session: LabellingSession, label: str) -> None:
    """What is to settle on the left, how far people agree on the right."""
    lead_on(session, label)
    found, n_hidden, at = on_screen(session, label)
    left, right = st.columns([1, 1], gap="medium")
    with left, st.container(height=520, border=False, key="card"):
        _dispute(session, label, found, n_hidden, at)
    with right, st.container(height=520, border=False, key="people-numbers"):
        _numbers(session, label)
        _own(session, label)
    _ask(session, label, None if at is None else found[at])


# -- what is to settle -------------------------------------------------------------------------


def _dispute(
    session: LabellingSession, label: str, found: list[Dispute], n_hidden: int, at: int | None
) -> None:
    n_open = sum(not dispute.settled_by for dispute in found)
    said = [f"**{n_open:,} to settle**", f"{len(found) - n_open:,} settled"]
    if n_hidden:
        said.append(f"{n_hidden:,} between others")
    st.markdown(
        " · ".join(said),
        help="Objects that people gave different labels to. The arrow keys go from one to the "
        "next, settled ones last. Blind, only those that you labelled too are shown; others are "
        "for those who did.",
    )
    _walk(session, label, len(found), at)
    if at is None:
        st.caption("Nothing is to settle now." if not n_open else "")
        _next_step(session, label)
        return
    dispute = found[at]
    state = session.state(label)
    card = object_card(session, state, dispute.row)
    with st.container(horizontal=True, vertical_alignment="center", key="card-top"):
        st.subheader(plain(card.object_id), anchor=False)
        st.caption(f"{at + 1:,} of {len(found):,}")
        key = f"find-people-{session.project.slug}-{label}"
        find(session, key, partial(show, session, label))
        note_menu(session, card.row, card.object_id, is_untold=card.is_untold)
    name = session.config.label_name
    st.markdown(" · ".join(f"{plain(w)}: **{plain(name(v))}**" for w, v in dispute.labels.items()))
    if dispute.counts is None:
        st.caption("Neither counts, and it trains nothing, until it is settled.")
    else:
        by = f", as {plain(dispute.settled_by)} settled it" if dispute.settled_by else ""
        st.caption(f"What counts: {plain(name(dispute.counts))}{by}.")
    card_body(session, card)


def _walk(session: LabellingSession, label: str, n: int, at: int | None) -> None:
    """Buttons that do what the arrow keys do; dealt with before the view is drawn."""
    if not n:
        return
    steps = (
        ("previous", ":material/chevron_left:", "The one before (←)", "ArrowLeft", at == 0),
        ("next", ":material/chevron_right:", "The next one (→)", "ArrowRight", at == n - 1),
    )
    with st.container(horizontal=True, vertical_alignment="center", key="card-walk"):
        for name, icon, help_text, key, disabled in steps:
            event = BarEvent("key", key, "", "", 0.0)
            st.button(
                "", key=f"settle-{name}", icon=icon, help=help_text, disabled=disabled,
                on_click=tab.post, args=(BAR, session.project.slug, label, event),
            )  # fmt: skip


def _next_step(session: LabellingSession, label: str) -> None:
    """What to do while there is nothing to settle."""
    if len(people_of(session, label)) < 2:
        st.markdown(
            "Fewer than two people have answered so far. The others open this address, give "
            "their names, and answer on the Labelling page; what they differ about comes here."
        )
        if address := st.context.url:
            query = urlencode(tab.address())
            st.code(f"{address.split('?')[0]}?{query}", language=None, wrap_lines=True)
    link(LABELLING, "Go to Labelling", icon=":material/label:")


def _ask(session: LabellingSession, label: str, dispute: Dispute | None) -> None:
    """The question with its keys, at the place it has on every page."""
    slug = session.project.slug
    row = None if dispute is None else dispute.row
    moment = dispute.token if dispute is not None else f"{session.project.log.last_seq}::"
    is_settled = dispute is not None and dispute.settled_by
    with st.container(key="answer-bar"):
        answer_bar(
            f"settle-{slug}-{label}",
            question="Nothing is to settle." if row is None else "What is it?",
            object_id="" if row is None else session.object_id(row),
            token=make_token(slug, label, row, moment),
            choices=[
                Choice(c.value, c.name, c.colour, c.definition)
                for c in labels_offered(session.project.dataset(), session.config, label)
            ],
            can_undo=last_settled(session, label) is not None,
            why=""
            if row is None
            else "It is settled; another label takes its place."
            if is_settled
            else "The label that counts from now on, in everybody's next round.",
            confirmation=tab.looking().settling_notice.get(label, ""),
            asks=row is not None,
            extra_keys={
                "ArrowLeft": "the one before",
                "ArrowRight": "the next one",
                **pictures.keys(),
            },
            fixed=("undo",),
            on_event=lambda event: tab.post(BAR, slug, label, event),
        )


# -- numbers -----------------------------------------------------------------------------------


def _numbers(session: LabellingSession, label: str) -> None:
    """Who answered, and how far they agree."""
    people = people_of(session, label)
    if not people:
        st.markdown("**Agreement**")
        st.caption("Nobody has answered yet.")
        return
    over_all, pairs = agreements(session, label)
    n = over_all.kappa.n
    many = len(people) > 2
    st.markdown(
        f"**Agreement** over {counted(n, 'object')} that two or more people labelled",
        help="By the label that each person gave before they could see that others differ: what "
        "was changed or settled after that is not counted.",
    )
    if n:
        share, kappa = st.columns(2)
        share.metric(
            "Same label",
            "–" if over_all.share.value is None else f"{over_all.share.value:.0%}",
            help=_SHARE_OF_MANY if many else _SHARE,
        )
        kappa.metric(
            "Cohen's kappa",
            "–" if over_all.kappa.value is None else _two(over_all.kappa.value),
            help=_KAPPA + _KAPPA_OF_MANY,
        )
        share.caption(f"{_between(over_all.share)} (95% interval)")
        kappa.caption(_interval(over_all.kappa))
        if many:
            _pairs(pairs)
    st.dataframe(
        [{"person": p.name, "labels": p.n_labels, "unsure": p.n_unsure} for p in people],
        hide_index=True,
        row_height=26,
        height=min(38 + 26 * len(people), 170),
        column_config={
            "labels": st.column_config.NumberColumn(
                help="Objects that this person labelled for this classifier, answers in force"
            ),
            "unsure": st.column_config.NumberColumn(help="Objects passed as unsure, in force"),
        },
    )


def _pairs(pairs: list[Compared]) -> None:
    st.dataframe(
        [
            {
                "people": f"{pair.one}, {pair.other}",
                "objects": pair.found.share.n,
                "same label": _same(pair.found),
                "kappa": _kappa(pair.found),
            }
            for pair in pairs
        ],
        hide_index=True,
        row_height=26,
        height=min(38 + 26 * len(pairs), 170),
        column_config={
            "people": st.column_config.TextColumn(width=160),
            "objects": st.column_config.NumberColumn(width=65, help="Objects that both labelled"),
            "same label": st.column_config.TextColumn(width=115, help=_SHARE),
            "kappa": st.column_config.TextColumn(width=140, help=_KAPPA),
        },
    )


def _between(share: Score) -> str:
    """The interval of a share.

    >>> _between(Score(0.8, 0.4902, 0.9433, 10)), _between(Score(None, None, None, 0))
    ('49 to 94%', '–')
    """
    if share.low is None or share.high is None:
        return "–"
    return f"{100 * share.low:.0f} to {share.high:.0%}"


def _same(found: Agreement) -> str:
    share = found.share
    return "–" if share.value is None else f"{share.value:.0%} ({_between(share)})"


def _kappa(found: Agreement) -> str:
    kappa = found.kappa
    if kappa.value is None:
        return "–"
    return _two(kappa.value) + (f" ({_ends(kappa)})" if kappa.low is not None else "")


def _interval(kappa: Kappa) -> str:
    if kappa.low is None:
        return kappa.reason
    return f"{_ends(kappa)} (95% interval)"


def _ends(kappa: Kappa) -> str:
    return f"{_two(kappa.low or 0.0)} to {_two(kappa.high or 0.0)}"


def _two(value: float) -> str:
    """Two decimals, and no zero below zero.

    >>> _two(-0.001), _two(-0.25)
    ('0.00', '-0.25')
    """
    return f"{round(value, 2) + 0.0:.2f}"


# -- one's own answers -------------------------------------------------------------------------


def _own(session: LabellingSession, label: str) -> None:
    answers = own_answers(session, label)
    st.markdown(
        f"**Your answers** · {len(answers):,}",
        help="In force, the latest first: yours alone. Choose one to look at it again.",
    )
    if not answers:
        st.caption("None yet.")
        return
    name = session.config.label_name
    chosen = st.dataframe(
        [
            {
                "object": answer.object_id,
                "label": "Unsure" if answer.label is None else name(answer.label),
                "came up": HOW.get(answer.how, answer.how),
                "at (UTC)": f"{answer.answered_at:%d %b, %H:%M}",
            }
            for answer in answers
        ],
        hide_index=True,
        row_height=26,
        height=min(38 + 26 * len(answers), 220),
        on_select="rerun",
        selection_mode="single-row",
        key=f"own-{session.project.slug}-{label}-{len(answers)}",
    )
    rows = chosen["selection"]["rows"]
    if rows and rows[0] < len(answers):
        tab.select(label, answers[rows[0]].row)
        link(LABELLING, f"Show {plain(answers[rows[0]].object_id)}", icon=":material/label:")
