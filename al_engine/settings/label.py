"""The labels of a project: what each is called, and which values mean it.

Owns what may stand in one, and what may not stand beside it.  Must not know the other settings.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from al_engine.errors import SettingsError

MAX_LABELS = 1000  # those merged into others included
MAX_DEFINITION = 200
# The classifier that tells all labels apart stands under this name wherever one is named by its
# label; no label may be called so.
ALL_LABELS, ALL_LABELS_TITLE = "(all labels)", "All labels"
MAX_TOLD_APART = 250  # by one classifier: a code of one byte stands for each object's


@dataclass(frozen=True)
class MergedLabel:
    """A label that was merged into another: as it was, so that it can be one again."""

    value: str
    name: str
    colour: str
    definition: str = ""
    in_catalogue: bool = True


@dataclass(frozen=True)
class Label:
    """A label a person may give: its value in the catalogue, its name, its colour (``#rrggbb``).

    ``definition`` says in one line when to give it.  What the catalogue, or an answer, calls by
    the value of a ``merged`` one is of this label.  One that is not ``in_catalogue`` was added:
    no object has it but by answers.
    """

    value: str
    name: str
    colour: str
    definition: str = ""
    merged: tuple[MergedLabel, ...] = ()
    in_catalogue: bool = True

    @property
    def with_merged(self) -> "tuple[Label | MergedLabel, ...]":
        """The label itself, then those that were merged into it."""
        return self, *self.merged

    @property
    def values(self) -> tuple[str, ...]:
        """Every value that means this label, its own first."""
        return tuple(each.value for each in self.with_merged)


def side_of(classifier: str, label: str | None) -> str | bool | None:
    """What an answer is to a classifier: yes or no, or the label where it tells all apart."""
    return label if classifier == ALL_LABELS else label == classifier


def check_labels(labels: Sequence[Label], unknown: Sequence[str], trained: Sequence[str]) -> None:
    """Raise SettingsError where two labels cannot be told apart, or one cannot be shown.

    Parameters
    ----------
    unknown : the catalogue's values for objects whose label is not known
    trained : the values of the labels that have a classifier, and ALL_LABELS for one over all
    """
    values = [value for label in labels for value in label.values]
    if len(values) > MAX_LABELS:
        raise SettingsError(f"There are {len(values):,} labels.", f"Use up to {MAX_LABELS}.")
    seen: set[str] = set()
    for label in labels:
        if label.name in seen:
            raise SettingsError(f"Two labels are named '{label.name}'.", "Give each its own name.")
        for each in label.with_merged:
            if each.value == ALL_LABELS:
                raise SettingsError(
                    f"'{ALL_LABELS}' cannot be a label: the classifier over all labels is called "
                    "so.",
                    "Write that label otherwise in the catalogue.",
                )
            if each.value in unknown:
                raise SettingsError(
                    f"'{each.value}' is both a label and a value for unknown.",
                    "Make it one of them.",
                )
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", each.colour):
                raise SettingsError(
                    f"The colour of '{each.name}' is '{each.colour[:20]}'.", "Write it as #rrggbb."
                )
            if len(each.definition) > MAX_DEFINITION or not each.definition.isprintable():
                raise SettingsError(
                    f"The definition of '{each.name}' is no single line, or too long.",
                    f"Use one line of up to {MAX_DEFINITION} letters.",
                )
        if not label.name.strip():
            raise SettingsError(f"The label '{label.value}' has an empty name.", "Name it.")
        seen.add(label.name)
    for listed in (values, trained):
        for value, n in Counter(listed).items():
            if n > 1:
                raise SettingsError(f"The label '{value}' stands twice.", "Keep one of the two.")
    own = {label.value for label in labels}
    if ALL_LABELS in trained and ALL_LABELS_TITLE in seen:
        raise SettingsError(
            f"A label is named '{ALL_LABELS_TITLE}', and so is the classifier over all labels.",
            "Rename the label.",
        )
    for value in trained:
        if value not in own and value != ALL_LABELS:
            raise SettingsError(
                f"'{value}' is to have a classifier but is not one of the labels.",
                f"The labels are {', '.join(sorted(own)) or 'not set yet'}.",
            )
