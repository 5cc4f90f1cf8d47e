"""What other settings would cost, in words: the same on every page that changes them."""

from collections.abc import Iterable

from al_engine.curating.costs import Cost
from al_engine.session import LabellingSession
from pages.components.words import counted, plain


def said(session: LabellingSession, cost: Cost) -> str:
    """A cost as sentences, which end in what is kept."""

    def names(classifiers: Iterable[str]) -> str:
        return ", ".join(plain(session.config.label_name(c)) for c in classifiers)

    lines = []
    if cost.closed:
        lines.append(f"The tabs of these classifiers go: {names(cost.closed)}.")
    if cost.moved:
        listed = "; ".join(
            f"{names([c])}: {counted(then, 'label')} in place of {now:,}"
            for c, (now, then) in cost.moved.items()
        )
        lines.append(f"Other labels count, and another question may be next ({listed}).")
    if cost.rounds:
        listed = ", ".join(f"{n} of {names([c])}" for c, n in cost.rounds.items())
        lines.append(
            f"Earlier rounds become incomparable ({listed}): their scores leave the score plot."
        )
    return " ".join([*lines, "Every label is kept."])
