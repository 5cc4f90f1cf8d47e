"""A report as one HTML file that needs nothing else: no script, no picture or font from elsewhere.

Owns that every text is escaped, and the policy that forbids a browser whatever slipped through.
"""

import base64
import hashlib
import html
import re
from pathlib import Path

from al_engine.exchange.report.blocks import (
    Block,
    Cite,
    Facts,
    Items,
    Link,
    Paragraph,
    Part,
    Plot,
    Report,
    Section,
    Table,
    Text,
    Verbatim,
)
from al_engine.exchange.report.plot import as_svg
from al_engine.exchange.report.references import REFERENCES

# Unseen letters that no file may hold, and those that turn the direction of reading round.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MOST_ON_A_PAGE = 16  # rows of a table that is printed on one page
_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def as_html(report: Report) -> str:
    """The whole file."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    sections = [_section(each, 2, f"s{i}") for i, each in enumerate(report.sections)]
    listed = "\n".join(
        f'<a href="#s{i}">{escaped(each.title)}</a>' for i, each in enumerate(report.sections)
    )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escaped(report.title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{escaped(report.title)}</h1>",
            f'<p class="subtitle">{escaped(report.subtitle)}</p>',
            f"<nav>\n{listed}\n</nav>",
            *sections,
            "</body>",
            "</html>",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Text that says in HTML what it says, whatever it holds.

    >>> escaped('<b title="x">&')
    '&lt;b title=&quot;x&quot;&gt;&amp;'
    """
    return html.escape(_UNSEEN.sub("\ufffd", text))


def _section(section: Section, level: int, name: str) -> str:
    below = [_section(s, level + 1, f"{name}-{i}") for i, s in enumerate(section.sections)]
    return "\n".join(
        [
            f'<section id="{name}">',
            f"<h{level}>{escaped(section.title)}</h{level}>",
            *(_block(block) for block in section.blocks),
            *below,
            "</section>",
        ]
    )


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{_text(text)}</p>"
        case Items(items, keys):
            names = [f' id="ref-{escaped(key)}"' for key in keys] or [""] * len(items)
            lines = [f"<li{n}>{_text(each)}</li>" for n, each in zip(names, items, strict=True)]
            return "\n".join(["<ul>", *lines, "</ul>"])
        case Facts(rows):
            lines = [f"<dt>{escaped(name)}</dt><dd>{_text(text)}</dd>" for name, text in rows]
            return "\n".join(["<dl>", *lines, "</dl>"])
        case Table():
            return _table(block)
        case Plot():
            title, note = escaped(block.title), escaped(block.note)
            band = f"The band is the 95% interval of the first curve, {escaped(block.curves[0])}."
            bands = band if block.n_bands == 1 else "Bands are 95% intervals."
            said = f"<figcaption>{title}. {bands} {note}</figcaption>"
            return f"<figure>\n{as_svg(block, escaped)}\n{said}\n</figure>"
        case Verbatim(text):
            return f"<pre>{escaped(text)}</pre>"


def _table(table: Table) -> str:
    def cells(row: tuple[str, ...], kind: str, more: str = "") -> str:
        is_text = [' class="text"' if i < table.n_texts else "" for i in range(len(row))]
        made = [
            f"<{kind}{more}{how}>{escaped(cell)}</{kind}>"
            for cell, how in zip(row, is_text, strict=True)
        ]
        return f"<tr>{''.join(made)}</tr>"

    scope = ' scope="col"'
    is_short = len(table.rows) <= MOST_ON_A_PAGE
    return "\n".join(
        [
            f'<div class="scrolls{" whole" * is_short}"><table>',
            *([f"<caption>{escaped(table.title)}</caption>"] if table.title else []),
            f"<thead>{cells(table.head, 'th', scope)}</thead>",
            "<tbody>",
            *(cells(row, "td") for row in table.rows),
            "</tbody>",
            "</table></div>",
        ]
    )


def _text(text: Text) -> str:
    return "".join(_part(part) for part in ([text] if isinstance(text, str) else text))


def _part(part: Part) -> str:
    match part:
        case Cite(key):
            return f'<a href="#ref-{escaped(key)}">{escaped(REFERENCES[key].short)}</a>'
        case Link(text, address):
            return f'<a href="{escaped(address)}" rel="noreferrer">{escaped(text)}</a>'
        case _:
            return escaped(part)
