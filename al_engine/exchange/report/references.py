"""The works that Sextant cites: in a report, on its pages, in its documentation and its code.

Owns the one list of them; ``docs/references.md`` is written from it.  Which of them a report cites
is decided where it says what was done.
"""

from collections.abc import Sequence

from al_engine.exchange.report.reference import Reference
from al_engine.exchange.report.works_of_learning import OF_LEARNING
from al_engine.exchange.report.works_of_the_sky import OF_THE_SKY

REFERENCES: dict[str, Reference] = {each.key: each for each in (*OF_LEARNING, *OF_THE_SKY)}


def as_bibtex(keys: Sequence[str]) -> str:
    """Some works as BibTeX, in order of their keys."""
    return "\n\n".join(REFERENCES[key].bibtex for key in sorted(keys))


def as_list() -> str:
    """All works as Markdown, in order of their authors: ``docs/references.md``."""
    lines = []
    for each in sorted(REFERENCES.values(), key=lambda e: (e.authors.strip("{").lower(), e.year)):
        link = f" <{each.address}>" if each.address else ""
        lines.append(f"- {each.text}{link}")
    return "\n".join(["# References", "", *lines, ""])
