"""What a report says, as plain data: sections of blocks, in the order in which they are read.

Owns the few kinds of blocks that both renderers know.  Every text in them may come from a
stranger's file; making it harmless is for the renderers.  Must not know projects.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from al_engine.learning.metrics import Score


@dataclass(frozen=True)
class Cite:
    """A reference where it is cited: the key of one of ``references``."""

    key: str


@dataclass(frozen=True)
class Link:
    """A link of the report's own; nothing from data is an address here."""

    text: str
    address: str


Part: TypeAlias = str | Cite | Link
Text: TypeAlias = str | tuple[Part, ...]


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: Text


@dataclass(frozen=True)
class Items:
    """A list without an order; ``keys``, where there are any, are what citations lead to."""

    items: tuple[Text, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Names, each with what there is to say of it."""

    rows: tuple[tuple[str, Text], ...]


@dataclass(frozen=True)
class Table:
    """A table whose rows are as long as its head; ``n_texts`` columns stand left, numbers right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    n_texts: int = 1


@dataclass(frozen=True)
class PlotRow:
    """The values of all curves at one place; ``is_break`` where they do not go on from before."""

    x: int
    values: tuple[Score | None, ...]
    is_break: bool = False


@dataclass(frozen=True)
class Plot:
    """Curves over numbers of labels, the first ``n_bands`` with their intervals.

    ``levels`` are values that do not depend on the number of labels; ``note`` says over what.
    """

    title: str
    x_title: str
    curves: tuple[str, ...]
    rows: tuple[PlotRow, ...]
    note: str = ""
    n_bands: int = 1
    levels: tuple[tuple[str, Score], ...] = ()


@dataclass(frozen=True)
class Verbatim:
    """Text that keeps its lines, to be copied."""

    text: str


Block: TypeAlias = Paragraph | Items | Facts | Table | Plot | Verbatim


@dataclass(frozen=True)
class Section:
    """A title, what stands under it, and the sections below."""

    title: str
    blocks: tuple[Block, ...]
    sections: "tuple[Section, ...]" = ()


@dataclass(frozen=True)
class Report:
    """A whole report; ``subtitle`` says of what and when."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def joined(texts: Iterable[Text], between: str = " ") -> tuple[Part, ...]:
    """Texts one after the other.

    >>> joined(["One", ("two", Cite("three"))])
    ('One', ' ', 'two', Cite(key='three'))
    """
    parts: list[Part] = []
    for text in texts:
        parts += [between] if parts else []
        parts += [text] if isinstance(text, str) else text
    return tuple(parts)


def cited(sections: Sequence[Section]) -> list[str]:
    """The keys of all references that some sections cite, each once, in order."""
    found = (part.key for text in _texts(sections) for part in text if isinstance(part, Cite))
    return list(dict.fromkeys(found))


def _texts(sections: Sequence[Section]) -> Iterator[tuple[Part, ...]]:
    for section in sections:
        for block in section.blocks:
            texts: tuple[Text, ...] = ()
            if isinstance(block, Paragraph):
                texts = (block.text,)
            elif isinstance(block, Items):
                texts = block.items
            elif isinstance(block, Facts):
                texts = tuple(text for _, text in block.rows)
            yield from (text for text in texts if not isinstance(text, str))
        yield from _texts(section.sections)


def number(score: Score | None) -> str:
    """A share with its 95% interval, where it has one; a dash where there is no score at all.

    >>> number(Score(0.8, 0.4902, 0.9433, 10)), number(Score(None, None, None, 0)), number(None)
    ('0.800 (0.490–0.943)', 'undefined', '–')
    """
    if score is None:
        return "–"
    if score.value is None:
        return "undefined"
    if score.low is None or score.high is None:
        return f"{score.value:.3f}"
    return f"{score.value:.3f} ({score.low:.3f}–{score.high:.3f})"
