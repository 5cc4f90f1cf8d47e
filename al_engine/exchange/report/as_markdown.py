"""A report as Markdown for notes, whose tables are those of GitHub.

Owns that no text from data is taken for Markdown, HTML or a link; plots are tables of some rounds.
"""

import re
from collections.abc import Sequence

from al_engine.exchange.report.blocks import (
    Block,
    Cite,
    Facts,
    Items,
    Link,
    Paragraph,
    Part,
    Plot,
    PlotRow,
    Report,
    Section,
    Table,
    Text,
    Verbatim,
    number,
)
from al_engine.exchange.report.references import REFERENCES

SAMPLED = 12  # rounds of a curve that are written down

_SIGNS = re.compile(r"([\\`*_{}\[\]<>|~$&^#])")
# Readers make links of addresses whether their signs are escaped or not.
_ADDRESSES = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)|(?<=mailto)(?=:)", re.IGNORECASE)
_BEGINS_A_BLOCK = re.compile(r"[-+=:]|\d+(?=[.)](\s|$))")
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS_NO_LINE = "\u2060"


def as_markdown(report: Report) -> str:
    """The whole file."""
    lines = [f"# {escaped(report.title)}", "", at_start(report.subtitle)]
    for section in report.sections:
        lines += _section(section, 2)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    r"""Text on one line that says in Markdown what it says, but where a line begins.

    >>> print(escaped("a|b*c\n# <i>"))
    a\|b\*c \# \<i\>
    """
    text = _UNSEEN.sub("\ufffd", " ".join(text.split()))
    return _SIGNS.sub(r"\\\1", _ADDRESSES.sub(_BREAKS_NO_LINE, text))


def at_start(text: str) -> str:
    r"""The same where a line begins, which is none of a list.

    >>> print(at_start("1. x"), at_start("- y"), at_start("0.5"))
    1\. x \- y 0.5
    """
    text = escaped(text)
    begins = _BEGINS_A_BLOCK.match(text)
    if begins is None:
        return text
    at = begins.end() if text[0].isdigit() else 0
    return f"{text[:at]}\\{text[at:]}"


def _section(section: Section, level: int) -> list[str]:
    lines = ["", f"{'#' * level} {escaped(section.title)}"]
    for block in section.blocks:
        lines += ["", *_block(block)]
    for below in section.sections:
        lines += _section(below, level + 1)
    return lines


def _block(block: Block) -> list[str]:
    match block:
        case Paragraph(text):
            return [_text(text)]
        case Items(items):
            return [f"- {_text(each)}" for each in items]
        case Facts(rows):
            return [f"- **{escaped(name)}**: {_text(text)}" for name, text in rows]
        case Table():
            head = [*([_bold(block.title), ""] if block.title else [])]
            return [*head, *_table(block.head, block.rows, block.n_texts)]
        case Plot():
            written = [
                (f"{row.x:,}", *(number(value) for value in row.values))
                for row in sampled(block.rows)
            ]
            table = _table((block.x_title, *block.curves), written, 0)
            some = "Some of the rounds. " if len(block.rows) > SAMPLED else ""
            levels = [f"{name}: {number(level)}. " for name, level in block.levels]
            note = f"{some}In brackets 95% intervals. {escaped(''.join(levels) + block.note)}"
            return [_bold(block.title), "", *table, "", note.rstrip()]
        case Verbatim(text):
            longest = max((len(run) for run in re.findall("`+", text)), default=0)
            fence = "`" * max(3, longest + 1)
            return [fence, *_UNSEEN.sub("\ufffd", text).split("\n"), fence]


def _bold(title: str) -> str:
    return f"**{escaped(title)}**"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], n_texts: int) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(escaped(cell) for cell in cells)} |"

    under = ["---" if i < n_texts else "--:" for i in range(len(head))]
    return [line(head), f"| {' | '.join(under)} |", *(line(row) for row in rows)]


def _text(text: Text) -> str:
    parts = [text] if isinstance(text, str) else list(text)
    return "".join(_part(part, is_first=not i) for i, part in enumerate(parts))


def _part(part: Part, *, is_first: bool) -> str:
    match part:
        case Cite(key):
            return escaped(REFERENCES[key].short)
        case Link(text, address):
            return f"[{escaped(text)}](<{address}>)"
        case _:
            said = at_start(part) if is_first else escaped(part)
            before = " " if part[:1].isspace() and not is_first else ""
            return before + said + (" " if said and part[-1:].isspace() else "")


def sampled(rows: Sequence[PlotRow], most: int = SAMPLED) -> list[PlotRow]:
    """Some rounds, the first and the last among them.

    >>> [row.x for row in sampled([PlotRow(x, ()) for x in range(100)], 4)]
    [0, 33, 66, 99]
    """
    if len(rows) <= most:
        return list(rows)
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(i * step)] for i in range(most)]
