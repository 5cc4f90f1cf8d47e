"""Every answer in a table, in place of the question: found, opened, corrected, summed up."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from al_engine.curating.answers import (
    PAUSE_S,
    SINCE,
    Answer,
    Only,
    Wanted,
    answers,
    figures,
    listed,
    only,
    own_notes,
    repeats,
)
from al_engine.curating.noting import Note
from al_engine.data.labels import CURATED
from al_engine.learning.metrics import Score
from al_engine.loop.answering import labels_offered
from al_engine.session import LabellingSession
from al_engine.showing.objects import object_card
from pages.components import state as tab
from pages.components.answer_bar import Action, BarEvent
from pages.components.labelling import card_body
from pages.components.loop import make_token
from pages.components.paged import paged
from pages.components.words import counted, plain

ANSWERS = "Answers"
UNSURE = ""
SHOWN = 500  # lines at a time
ALL = "all"
HOW = {
    "query": "queried", "random": "at random", "initial": "to begin with", "click": "chosen",
    "again": "asked twice", "criteria": "by criteria", "audit": "by the audit",
    "file": "from a file",
}  # fmt: skip
_ONLY: dict[Only | None, str] = {
    None: ALL, "catalogue": "against the catalogue", "model": "against the model",
    "doubted": "not fully sure", "noted": "noted or tagged",
}  # fmt: skip
_PARTS = {CURATED: "curated test set", "train": "training"}
_AGREEMENT = (
    "Of the objects that you were asked about twice without being told, and labelled both times, "
    "the share with the same label, with its 95% interval (Wilson); kappa is agreement beyond what "
    "chance would give (Cohen 1960)."
)


def draw(session: LabellingSession, label: str) -> None:
    """The list on the left; the chosen answer, and what all of them come to, on the right."""
    with st.container(horizontal=True, vertical_alignment="center", key="answers-top"):
        st.button(
            "Back to the question", key="from-answers", icon=":material/arrow_back:",
            on_click=tab.look_aside, args=("",),
        )  # fmt: skip
        st.markdown("**Answers**" if session.config.people.several else "**My answers**")
    found = answers(session)
    if not found:
        st.caption("There is no answer yet. Each one you give is listed here, and can be mended.")
        return
    wanted, matter = _wanted(session, found)
    shown = listed(found, wanted)
    if matter is not None:
        with st.spinner("Comparing", show_time=True):
            shown = only(session, shown, matter)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        _table(session, shown)
    with right, st.container(height=560, border=False, key="answers-side"):
        chosen = _chosen(session, found)
        if chosen is not None:
            with st.expander("The object", expanded=True, icon=":material/visibility:"):
                _object(session, chosen)
        _figures(session, shown)


# -- which ones --------------------------------------------------------------------------------


def _wanted(session: LabellingSession, found: Sequence[Answer]) -> tuple[Wanted, Only | None]:
    config, several = session.config, session.config.people.several
    name = config.label_name
    classifier_, label_, how_, part_, since_, only_, *who_ = st.columns(7 if several else 6)
    classifiers = {
        **{c: name(c) for c in dict.fromkeys(a.classifier for a in found) if c is not None},
        **({CURATED: "curated test set"} if any(a.classifier is None for a in found) else {}),
    }
    labels = {
        **{v: name(v) for v in dict.fromkeys(a.label for a in found) if v is not None},
        UNSURE: "Unsure",
    }
    hows = {how: HOW.get(how, how) for how in dict.fromkeys(a.how for a in found)}
    parts = {part: _PARTS.get(part, part) for part in dict.fromkeys(a.part for a in found)}
    with classifier_:
        classifier = _choose(session, "Given for", classifiers, "The classifier, or the test set.")
    with label_:
        label = _choose(session, "Label", labels, "What was answered.")
    with how_:
        how = _choose(session, "Came up", hows, "How the object came before you.")
    with part_:
        part = _choose(session, "Set", parts, "The set the object was in when it was answered.")
    since = since_.selectbox("Since", list(SINCE), key=f"answers-since-{session.project.slug}")
    matter: Only | None = only_.selectbox(
        "Only those",
        list(_ONLY),
        format_func=lambda name: _ONLY[name],
        key=f"answers-only-{session.project.slug}",
        help="Against the model: it gives more to the other side; test objects have no score.",
    )
    who = None
    if who_:
        names = {a.who: a.who for a in sorted(found, key=lambda a: a.who.casefold())}
        with who_[0]:
            who = _choose(session, "Who", names, "Blind, your own answers alone are listed.")
    former = st.toggle(
        "Former answers too",
        key=f"answers-former-{session.project.slug}",
        help="Those that a later answer of the same person took the place of.",
    )
    return Wanted(classifier, label, who, how, part, SINCE[since], former), matter


def _choose(
    session: LabellingSession, title: str, options: Mapping[str, str], said: str
) -> str | None:
    """One of some, or all of them."""
    # Named after what there is: a choice that is gone would stand there, and mean nothing.
    key = f"answers-{title}-{session.project.slug}-{'|'.join(options)}"
    places = [None, *options]
    at: int = st.selectbox(
        title,
        range(len(places)),
        format_func=lambda i: ALL if i == 0 else [*options.values()][i - 1],
        key=key,
        help=said,
    )
    return places[at]


def _table(session: LabellingSession, shown: Sequence[Answer]) -> None:
    name, several = session.config.label_name, session.config.people.several
    if not shown:
        st.caption("No answer is like that.")
        return
    n_listed = len(shown)
    if n_listed > SHOWN:
        with st.container(horizontal=True, vertical_alignment="center", key="answers-pages"):
            shown = shown[paged(f"answers-{session.project.slug}", n_listed, SHOWN, "answer")]
    notes = own_notes(session)
    columns: dict[str, Callable[[Answer], Any]] = {
        "object": lambda a: a.object_id,
        "label": lambda a: "Unsure" if a.label is None else name(a.label),
        "given for": lambda a: "test set" if a.classifier is None else name(a.classifier),
        "came up": lambda a: HOW.get(a.how, a.how),
        "set": lambda a: _PARTS.get(a.part, a.part),
        "sure": lambda a: "●" * (a.confidence or 0),
        "note": lambda a: _in_brief(notes.get(a.row)),
        "s": lambda a: a.seconds,
        "at (UTC)": lambda a: a.answered_at,
    }
    if several:
        columns["who"] = lambda a: a.who
    if any(not answer.stands for answer in shown):
        columns["in force"] = lambda a: a.stands
    chosen = st.dataframe(
        {title: [of(answer) for answer in shown] for title, of in columns.items()},
        hide_index=True,
        row_height=26,
        height=min(40 + 26 * len(shown), 520),
        on_select="rerun",
        selection_mode="single-row",
        # Named after what is listed: a row is no longer the same answer where the list is another.
        key=f"answers-{session.project.slug}-{n_listed}-{shown[0].seq}-{shown[-1].seq}",
        column_config={
            "object": st.column_config.TextColumn(width=140),
            "label": st.column_config.TextColumn(width=100),
            "given for": st.column_config.TextColumn(width=100),
            "s": st.column_config.NumberColumn(
                format="%.1f", width=50, help="Seconds from the showing of the object to the answer"
            ),
            "sure": st.column_config.TextColumn(width=50, help="The confidence given, of three"),
            "note": st.column_config.TextColumn(width=120, help="Your tags, and what you noted"),
            "at (UTC)": st.column_config.DatetimeColumn(format="D MMM, HH:mm:ss"),
        },
    )
    rows = chosen["selection"]["rows"]
    if rows and rows[0] < len(shown):
        answer = shown[rows[0]]
        tab.aside().answer = (answer.classifier, answer.row, answer.who)


def _in_brief(note: Note | None) -> str:
    if note is None:
        return ""
    return " ".join([*(f"[{tag}]" for tag in note.tags), note.text])


# -- the chosen one ----------------------------------------------------------------------------


def _chosen(session: LabellingSession, found: Sequence[Answer]) -> Answer | None:
    """What was said of one object, with the ways to look at it again and to say otherwise."""
    held = tab.aside().answer
    chosen = next((a for a in found if (a.classifier, a.row, a.who) == held and a.stands), None)
    if chosen is None:
        st.caption("Choose an answer in the list to look at the object again, or to correct it.")
        return None
    name = session.config.label_name
    said = "Unsure" if chosen.label is None else name(chosen.label)
    st.markdown(f"**{plain(chosen.object_id)}** · {plain(said)}")
    if chosen.classifier is None:
        st.caption("It is in the curated test set: its label is given on the Test set page.")
        return chosen
    if not session.is_started(chosen.classifier) or (
        chosen.classifier not in session.config.train_labels
    ):
        st.caption(f"There is no classifier for {plain(name(chosen.classifier))} now.")
        return chosen
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if chosen.is_own:
            _correct(session, chosen, chosen.classifier)
        st.button(
            "Open", key="open-answer", icon=":material/visibility:",
            help="Show the object with all that is known of it, beside the question.",
            on_click=_open, args=(session, chosen.classifier, chosen.row),
        )  # fmt: skip
    notice = tab.notice(chosen.classifier)
    if notice:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(notice.replace("; undo Z", "")))
            if session.state(chosen.classifier).history.last is not None:
                st.button(
                    "Undo", key="undo-answer", icon=":material/undo:",
                    on_click=tab.post, args=_event(session, chosen.classifier, None, "undo"),
                )  # fmt: skip
    return chosen


def _object(session: LabellingSession, chosen: Answer) -> None:
    """All that is known of the object, as beside the question."""
    label = chosen.classifier or ""
    is_trained = label in session.config.train_labels and session.is_started(label)
    state = session.state(label) if is_trained and session.fault(label) is None else None
    card_body(session, object_card(session, state, chosen.row))


def _correct(session: LabellingSession, chosen: Answer, classifier: str) -> None:
    offered = labels_offered(session.project.dataset(), session.config, classifier)
    labels = {**{label.value: label.name for label in offered}, UNSURE: "Unsure"}
    values = list(labels)
    now = chosen.label if chosen.label is not None else UNSURE
    value: str = st.selectbox(
        "It is",
        values,
        values.index(now) if now in values else 0,
        format_func=labels.__getitem__,
        key=f"correct-{session.project.slug}-{chosen.seq}",
    )
    st.button(
        "Correct",
        key="correct-answer",
        type="primary",
        disabled=value == now,
        help="A new answer in place of this one; rounds follow, and it can be undone.",
        on_click=tab.post,
        args=_event(
            session, classifier, chosen.row, "unsure" if value == UNSURE else "answer",
            value or None, chosen.object_id,
        ),
    )  # fmt: skip


def _event(
    session: LabellingSession,
    classifier: str,
    row: int | None,
    action: Action,
    value: str | None = None,
    object_id: str = "",
) -> tuple[str, str, str, BarEvent]:
    """What ``tab.post`` takes, of this moment: what was said since is not answered unseen."""
    slug = session.project.slug
    token = make_token(slug, classifier, row, f"{session.project.log.last_seq}::")
    return "bar", slug, classifier, BarEvent(action, value, object_id, token, None)


def _open(session: LabellingSession, classifier: str, row: int) -> None:
    tab.choose_classifier(classifier)
    tab.open_tab(f"labelling-{session.project.slug}", classifier)
    tab.select(classifier, row)
    tab.look_aside("")


# -- what they come to -------------------------------------------------------------------------


def _figures(session: LabellingSession, shown: Sequence[Answer]) -> None:
    found = figures(shown)
    st.markdown(f"**{counted(found.n, 'answer')} listed**")
    if found.a_minute is not None:
        st.markdown(
            f"**{found.a_minute:.1f}** objects a minute, median {found.median_s:.1f} s",
            help=f"Over the {found.n_timed:,} listed answers whose time is known; objects looked "
            f"at for more than {PAUSE_S / 60:g} minutes are pauses, and left out.",
        )
    if found.n:
        st.markdown(
            f"**{_percent(found.unsure)}** Unsure ({_between(found.unsure)})",
            help=f"Of the {found.n:,} listed answers, with the 95% interval (Wilson).",
        )
    if found.by_label:
        lines = ["| label | answers | share |", "|---|--:|--:|"]
        for value, n in found.by_label[:12]:
            name = plain(session.config.label_name(value))
            lines.append(f"| {name} | {n:,} | {100 * n / found.n:.0f}% |")
        n_others = len(found.by_label) - 12
        if n_others > 0:
            lines.append(f"| {counted(n_others, 'other label')} | | |")
        st.markdown("\n".join(lines), help="Of the answers listed, Unsure among them.")
    _repeats(session)


def _repeats(session: LabellingSession) -> None:
    twice = repeats(session)
    share, kappa = twice.found.share, twice.found.kappa
    if share.n == 0 and not twice.n_unsure:
        if session.config.asking.repeat_every:
            st.caption("Nothing was asked twice yet: how far you agree with yourself comes here.")
        return
    said = f"**Asked twice**: {counted(share.n, 'object')}"
    if share.value is not None:
        said += f", {_percent(share)} the same ({_between(share)})"
    if kappa.value is not None:
        ends = "" if kappa.low is None else f" ({kappa.low:.2f} to {kappa.high:.2f})"
        said += f"; kappa {kappa.value:.2f}{ends}"
    unsure = f"; {twice.n_unsure:,} Unsure the second time" if twice.n_unsure else ""
    st.markdown(f"{said}{unsure}.", help=_AGREEMENT)


def _percent(share: Score) -> str:
    return "–" if share.value is None else f"{share.value:.0%}"


def _between(share: Score) -> str:
    if share.low is None or share.high is None:
        return "–"
    return f"{100 * share.low:.0f} to {share.high:.0%}"
