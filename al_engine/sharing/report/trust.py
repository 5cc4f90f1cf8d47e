"""What a report says beside the scores: what probabilities are worth, when to stop, what is far.

Owns the words and tables; what is in them was worked out for the pages.
"""

from al_engine.exchange.report.blocks import Block, Items, Paragraph, Section, Table, Text, number
from al_engine.learning.coverage import FAR
from al_engine.learning.stopping import (
    CHANGED,
    COMPARED,
    MORE,
    PER,
    PLATEAU_LABELS,
    RISE,
    STABLE_KAPPA,
    STEP,
    Advice,
    Gain,
    Sign,
)
from al_engine.loop.calibrating import ENOUGH_OF_A_SIDE, FOLDS
from al_engine.loop.state import State
from al_engine.loop.truth import ENOUGH_TO_VALIDATE
from al_engine.settings.config import ALL_LABELS
from al_engine.sharing.report.subject import Subject, Told
from al_engine.sharing.report.wording import Words, counted, in_brackets
from al_engine.showing.targets import Approach

METHODS_SAID = {
    "sigmoid": Words("a sigmoid", ("platt1999",)),
    "isotonic": Words("isotonic regression", ("zadrozny2002",)),
    "temperature": Words("a temperature", ("guo2017",)),
}
_SAYS = {True: "enough", False: "go on", None: "not known"}


def calibration(told: Told, state: State) -> Section | None:
    """How far probabilities are to be believed, and what the threshold gives; None unscored."""
    found, setup = told.calibrated, state.setup
    if found is None:
        return None
    title = "Calibration and threshold"
    if found.stated is None:
        too_few = (
            f"{counted(found.n, 'validation object')} with a known label, {found.n_positive:,} of "
            f"them positive, are too few to tell what probabilities are worth: it takes "
            f"{ENOUGH_TO_VALIDATE}, {ENOUGH_OF_A_SIDE} of each side."
        )
        return Section(title, (Paragraph(too_few),))
    is_of_many = told.classifier == ALL_LABELS
    what = "the probability of the label predicted" if is_of_many else "its probability"
    text: list[Text] = [
        (
            f"Over {counted(found.n, 'validation object')} the expected calibration error of "
            f"{what} is {found.stated.ece:.3f}",
        )
    ]
    if found.mended is not None:
        text.append(
            (
                "; calibrated by ",
                *METHODS_SAID.get(setup.calibration, Words(setup.calibration)).text,
                f", each object by one that was fitted without its fold ({FOLDS} folds), it is "
                f"{found.mended.ece:.3f}",
            )
        )
    text.append(".")
    if found.at is not None and not is_of_many:
        scores = found.at.scores
        kind = "probability" if setup.calibration == "none" else "calibrated probability"
        text.append(
            f" The saved model and exported predictions call {told.name} what has a {kind} above "
            f"{found.at.threshold:.2f}. There, over the same objects, purity is "
            f"{number(scores.precision)}, completeness {number(scores.recall)} and F1 "
            f"{number(scores.f1)}."
        )
        if setup.calibration != "none" or setup.threshold != 0.5:
            text.append(
                " All other scores here are at one half, uncalibrated. A threshold that was chosen "
                "over validation is flattered by it: a test set or an audit tells."
            )
    shown = found.mended or found.stated
    rows = [
        (f"{each.stated:.3f}", f"{each.observed.n:,}", number(each.observed)) for each in shown.bins
    ]
    observed = "Share predicted rightly" if is_of_many else f"Share that is {told.name}"
    head = ("Probability said, mean", "Objects", observed)
    said = "Reliability on validation" + (", calibrated" if found.mended is not None else "")
    joined = tuple(part for each in text for part in ([each] if isinstance(each, str) else each))
    return Section(title, (Paragraph(joined), Table(head, tuple(rows), said, n_texts=0)))


def stopping(told: Told) -> Section | None:
    """The signs that more labels change little, and what they cannot see; None without rounds."""
    advice = told.advice
    if advice is None:
        return None
    by = "accuracy" if told.state is not None and told.state.setup.best_by == "accuracy" else "F1"
    blocks: list[Block] = [Paragraph(_verdict(advice))]
    if told.target is not None:
        blocks.append(Paragraph(_target(told.target)))
    head = ("Sign", "Now", "Over", "Enough", "Says")
    stable, unchanged, level = advice.signs
    rows = (
        ("Models agree", _kappa(stable), _over(stable), f"from {STABLE_KAPPA}", _SAYS[stable.says]),
        (
            "Classes change",
            "–" if unchanged.value is None else f"{unchanged.value:.1%} of objects",
            _over(unchanged),
            f"under {CHANGED:.1%}",
            _SAYS[unchanged.says],
        ),
        (
            "Score levels off",
            "–" if level.value is None else f"{by} {_change(level)} in {PER} labels",
            counted(level.n, "round") if level.n else "–",
            f"upper end under {RISE:+.2f}",
            _SAYS[level.says],
        ),
    )
    blocks.append(Table(head, rows, n_texts=5))
    notes: list[Text] = [
        f"{row[0]}: {sign.reason}"
        for row, sign in zip(rows, advice.signs, strict=True)
        if sign.reason
    ]
    gain = advice.gain
    notes.append(
        f"{MORE} labels more: not known. {gain.reason}"
        if gain.value is None
        else f"{MORE} labels more: {by} {_change(gain)} on validation, by "
        f"{counted(gain.n, 'round')}."
    )
    if (far := told.uncovered) is not None and far.value is not None:
        notes.append(
            f"No training data near: a share of {number(far)} of the pool, from "
            f"{counted(far.n, 'object')} of it drawn at random."
        )
    blocks.append(Items(tuple(notes)))
    return Section("When to stop", tuple(blocks))


def definitions(subject: Subject) -> Section | None:
    """How the numbers of all classifiers are meant, told once."""
    scored = [t.state.scores for t in subject.trained if t.state is not None and t.state.scores]
    if not scored:
        return None
    items: list[Text] = [
        (
            "Intervals are 95% intervals, Wilson's",
            *in_brackets(("wilson1927",)),
            ". Precision (purity) is a share of the objects predicted to be of the label, recall "
            "(completeness) of those that are; F1 is mapped from TP/(TP+FP+FN).",
        )
    ]
    if any(told.classifier == ALL_LABELS for told in subject.trained):
        items.append(
            (
                "Over all labels precision, recall and F1 are unweighted means of the labels', "
                "with intervals from those of each",
                *in_brackets(("zou2008",)),
                ".",
            )
        )
    items.append("The best round is the highest of many, and so a little lucky.")
    if any(told.calibrated is not None and told.calibrated.is_enough for told in subject.trained):
        items.append(
            (
                "The expected calibration error is how far the probability said and the share that "
                "is are apart, in the mean over objects, by tenths of probability",
                *in_brackets(("naeini2015",)),
                ".",
            )
        )
    items += _signs()
    if any(told.uncovered is not None for told in subject.trained):
        items.append(
            (
                f"No training data near: further from what is labelled than {1 - FAR:.0%} of "
                "labelled objects from each other, by the mean distance to the three nearest",
                *in_brackets(("laxhammar2010",)),
                ". What a model says there is a guess, and no sign of when to stop sees it.",
            )
        )
    return Section("What the numbers mean", (Items(tuple(items)),))


def _signs() -> list[Text]:
    """How the signs of when to stop are worked out."""
    return [
        (
            f"Models agree: mean of Cohen's kappa over the last {COMPARED} pairs of models {STEP} "
            "labels apart, on a fixed random sample of the training set",
            *in_brackets(("bloodgood2009",)),
            ".",
        ),
        (
            f"Classes change: the share of that sample to which the last {STEP} labels gave "
            "another class",
            *in_brackets(("zhu2010",)),
            ".",
        ),
        (
            "Score levels off: slope of validation's score over the rounds of the last "
            f"{PLATEAU_LABELS} labels, its interval widened for successive rounds that are alike",
            *in_brackets(("bartlett1935",)),
            ".",
        ),
        (
            f"{MORE} labels more: what the score may gain if it goes on as over the later half of "
            "the labels, rising alike at each doubling; learning curves flatten",
            *in_brackets(("viering2023",)),
            ", so rather less.",
        ),
    ]


def _target(found: Approach) -> str:
    """The target, where the score is, and since when that is enough."""
    name = "F1" if found.target.metric == "f1" else found.target.metric
    on = "the audit sample" if found.over == "audit" else "validation"
    said = f"Target: {name} {found.target.value:.3g} on {on}, reached once the lower end of the "
    said += "score's 95% interval is there. "
    if found.score is None:
        return f"{said}Not known: {found.reason}."
    n = found.n_reached
    since = "not reached" if n is None else f"reached with {counted(n, 'label')}"
    return f"{said}Now {number(found.score)}, over {counted(found.score.n, 'object')}: {since}."


def _verdict(advice: Advice) -> str:
    if advice.is_to_stop:
        return f"{advice.n_saying} of 3 signs say that more labels change little."
    if advice.n_saying > 1:
        return "Models agree, and the score is still expected to rise."
    return "Fewer than two of three signs say that more labels change little."


def _kappa(sign: Sign) -> str:
    return "–" if sign.value is None else f"kappa {sign.value:.3f}"


def _over(sign: Sign) -> str:
    return counted(sign.n, "object") if sign.n else "–"


def _change(found: Sign | Gain) -> str:
    return f"{found.value or 0:+.3f} ({found.low or 0:+.3f} to {found.high or 0:+.3f})"
