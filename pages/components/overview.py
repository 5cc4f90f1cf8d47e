"""All classifiers side by side: labels, scores, what each asks next, and what they say together."""

from collections.abc import Iterable
from typing import TypeVar

import streamlit as st

from al_engine.learning.metrics import Score
from al_engine.loop.calibrating import ENOUGH_OF_A_SIDE
from al_engine.loop.combined import Combined
from al_engine.loop.scores import RoundScores
from al_engine.loop.truth import ENOUGH_TO_VALIDATE
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig
from al_engine.showing.overview import Standing
from pages.components import state as tab
from pages.components.guard import guard
from pages.components.words import counted, plain

TITLE = ":material/table_rows: All"  # no label is called so: theirs have no icon
T = TypeVar("T")

_LISTED = 8  # labels of a classifier, the most frequent first
_WIDTHS = [1.4, 3, 3.1, 1.5, 2.8, 1.1]


def draw(session: LabellingSession, tabs: str, names: dict[str, str]) -> None:
    """A line for each classifier, then the combined prediction.

    Parameters
    ----------
    tabs : the key of the tabs, of which each classifier's is ``names[classifier]``
    """
    _head(session)
    for number, classifier in enumerate(names):
        with st.spinner(f"Looking at {names[classifier]}", show_time=True):
            standing = tab.overview().standing(classifier)
        with st.container(key=f"standing-{number}"):
            _line(session.config, standing, tabs, names[classifier], number)
    st.subheader("All together", anchor=False, help=_TOGETHER_HELP)
    with guard():
        _together(session)


def _head(session: LabellingSession) -> None:
    shared = session.config.asking.shared
    counts = "An answer counts in all tabs." if shared else "Each tab has only its own answers."
    st.caption(f"{counts} That is a choice in Settings, step 4.")
    columns = st.columns(_WIDTHS, gap="small")
    for column, (title, help_text) in zip(columns, _TITLES.items(), strict=False):
        column.caption(f"**{title}**", help=help_text)


_TITLES = {
    "Classifier": "Each asks of an object: is it this, or anything else? One over all labels asks "
    "which of them it is.",
    "Trained on": "The labels that train it, the catalogue's first ones included. While people "
    "answer blind the number is of everybody's; by label only yours and the catalogue's are shown.",
    "Last scores": "Each with its 95% interval and n, the objects it is a share of: those with a "
    "known label for accuracy; those that are of the label, or are said to be, for F1. A macro F1 "
    "is the mean over n labels.",
    "Scored over": "Validation, or by cross-validation the labelled set, while fewer than "
    f"{ENOUGH_TO_VALIDATE} validation objects have a known label.",
    "Asks next": "The object that it is going to ask about, and how likely it takes it to be its "
    "own label, or the likeliest of all.",
}  # fmt: skip


def _line(config: ProjectConfig, standing: Standing, tabs: str, name: str, number: int) -> None:
    name_, labels_, scores_, over_, asks_, open_ = st.columns(
        _WIDTHS, gap="small", vertical_alignment="center"
    )
    name_.markdown(f"**{name}**")
    if not standing.is_started:
        labels_.caption("Not started.")
    elif standing.fault is not None:
        labels_.caption(f"Cannot be trained now: {plain(standing.fault.message)}")
    else:
        labels_.markdown(_labels(config, standing))
        scores_.markdown(_scores(standing.scores))
        over_.markdown("cross-validated" if _is_by_folds(standing) else "validation")
        asks_.markdown(_asks(standing, plain(config.label_name(standing.likely))))
    open_.button(
        "Open" if standing.is_started else "Start",
        key=f"open-tab-{number}",
        help=f"Go to the tab {name}",
        on_click=tab.open_tab,
        args=(tabs, name),
    )


def _labels(config: ProjectConfig, standing: Standing) -> str:
    shown, hidden = standing.n_by_label[:_LISTED], standing.n_by_label[_LISTED:]
    said = [f"{n:,} {plain(config.label_name(label))}" for label, n in shown]
    if hidden:
        said.append(f"{sum(n for _, n in hidden):,} of {counted(len(hidden), 'other label')}")
    others = [
        f"{standing.n_given:,} from the catalogue" if standing.n_given else "",
        f"{standing.n_unsure:,} unsure" if standing.n_unsure else "",
        f"{standing.n_validating:,} random, for validation" if standing.n_validating else "",
    ]
    small = "; ".join(filter(None, others))
    by_label = " · ".join(said)
    if config.people.is_blind and standing.n_trained:
        small = "; ".join(filter(None, [f"in your sight: {by_label or 'none'}", small]))
        by_label = f"{counted(standing.n_trained, 'label')}, of everybody"
    return (by_label or "No label yet") + (f"  \n:small[{small}]" if small else "")


def _scores(scores: RoundScores | None) -> str:
    found = scores.validation if scores else None
    if found is None:
        return plain(scores.reason) if scores else "None yet: they come with the first label."
    title = "Macro F1" if found.classes else "F1"
    return f"{title} {_score(found.f1)}  \nAccuracy {_score(found.accuracy)}"


def _score(score: Score) -> str:
    if score.value is None:
        return "undefined"
    return f"**{score.value:.3f}** :small[{_interval(score)}]"


def _is_by_folds(standing: Standing) -> bool:
    return standing.scores is not None and standing.scores.by_folds


def _interval(score: Score) -> str:
    return f"{score.low or 0:.3f}–{score.high or 0:.3f}, n {score.n:,}"


def _asks(standing: Standing, name: str) -> str:
    if standing.asks is None:
        return "Nothing is left to ask."
    if standing.probability is None:
        return plain(standing.asks)
    return f"{plain(standing.asks)}  \n:small[{standing.probability:.2f} likely {name}]"


# -- the combined prediction --

_TOGETHER_HELP = (
    "One label for each object, from all classifiers that have labels of both sides; one over all "
    "labels predicts by itself, and takes no part. Each one's "
    "probability is first calibrated: a sigmoid (Platt's) is fitted to its validation labels. "
    f"Fewer than {ENOUGH_TO_VALIDATE} of them, or than {ENOUGH_OF_A_SIDE} of either side, are too "
    "few for that: its probability then stands as it is."
)


def _together(session: LabellingSession) -> None:
    config = session.config
    with st.spinner("Combining the classifiers", show_time=True):
        lacking = tab.overview().lacking()
    if lacking is not None:
        st.caption(plain(lacking))
        return
    made = tab.overview().combined()
    names = [*(plain(config.label_name(c)) for c in made.classifiers), "none of these"]
    st.markdown(
        "The label whose calibrated probability is highest is predicted; of equals the first in "
        f"the order of Settings. {_none_rule(config, made)}"
    )
    counts_, matrix_ = st.columns([2, 5], gap="medium")
    with counts_, st.container(key="predicted-counts"):
        st.markdown(_counts(made, names), help=_COUNTS_HELP)
    with matrix_, st.container(key="predicted-matrix"):
        st.markdown(_matrix(made, names), help=_MATRIX_HELP)
        if made.accuracy.value is not None:
            said = (
                f"Accuracy **{made.accuracy.value:.3f}** ({_interval(made.accuracy)}, validation)"
            )
            st.markdown(said)
    st.caption(" ".join(_notes(config, made)))


def _none_rule(config: ProjectConfig, made: Combined) -> str:
    if made.none_below > 0:
        return f"Where all are under {made.none_below:g}: none of these."
    why = "every label has a classifier" if config.none_below is None else "the settings say so"
    return f"One is always predicted: {why}."


_COUNTS_HELP = (
    "Of all objects of the training and validation sets; the test set and what is left out are in "
    "the exported predictions alone."
)
_MATRIX_HELP = (
    "Over the objects with a known label that validate for every classifier: rows are what they "
    "are, columns what is predicted, and none of these is right for an object of any other label. "
    "Each object is predicted by sigmoids that were fitted without it (five folds)."
)


def _counts(made: Combined, names: list[str]) -> str:
    total = max(1, sum(made.n_predicted))
    lines = ["| predicted | objects | share |", "|---|--:|--:|"]
    for name, n in _shown(made, zip(names, made.n_predicted, strict=True)):
        lines.append(f"| {name} | {n:,} | {100 * n / total:.1f}% |")
    return "\n".join(lines)


def _matrix(made: Combined, names: list[str]) -> str:
    if made.accuracy.value is None:
        return "No object with a known label validates for every classifier: there is no score."
    said = _shown(made, names)
    lines = ["| is | " + " | ".join(f"said {name}" for name in said) + " |"]
    lines.append("|---|" + "--:|" * len(said))
    for name, row in _shown(made, zip([*names[:-1], "any other"], made.confusion, strict=True)):
        lines.append(f"| {name} |" + "".join(f" {n:,} |" for n in _shown(made, row)))
    return "\n".join(lines)


def _shown(made: Combined, each: Iterable[T]) -> list[T]:
    """What is said of each label, and of none of these only where that can come about."""
    listed = list(each)
    never = not (made.n_predicted[-1] or any(made.confusion[-1]))
    return listed[:-1] if never and made.none_below == 0 else listed


def _notes(config: ProjectConfig, made: Combined) -> list[str]:
    """On what each is calibrated, and what is missing."""
    notes = []
    for classifier, of in zip(made.classifiers, made.calibrations, strict=True):
        name = plain(config.label_name(classifier))
        known = f"{counted(of.n, 'validation label')}, {of.n_positive:,} of them {name}"
        if of.sigmoid is None:
            notes.append(f"{name} is not calibrated: it has {known}.")
        else:
            notes.append(f"{name} is calibrated on {known}.")
    absent = ", ".join(plain(config.label_name(classifier)) for classifier in made.absent)
    if absent:
        notes.append(f"Not part of it, with labels of one side at most: {absent}.")
    if made.n_disputed:
        notes.append(
            f"{counted(made.n_disputed, 'object')} with different answers, in two tabs or by two "
            "people, left out of the score."
        )
    return notes
