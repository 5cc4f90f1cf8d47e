"""One work that is cited: what it is called in a sentence, in a list, and in BibTeX."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Reference:
    """A work: ``authors`` as BibTeX has them, ``short`` as it is cited in a sentence."""

    key: str
    short: str
    authors: str
    year: int
    title: str
    venue: str
    volume: str = ""
    pages: str = ""
    doi: str = ""
    url: str = ""
    kind: Literal["article", "inproceedings", "book", "misc"] = "article"

    @property
    def address(self) -> str:
        """Where it is found, "" where it has no address."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def text(self) -> str:
        """The work in one line, without its address."""
        where = " ".join(filter(None, [self.venue, self.volume]))
        names = self.authors.strip("{}").split(" and ")
        if names[-1] == "others":
            names[-1] = "et al."
        said = f"{'; '.join(names)} ({self.year}). {self.title}. {where}"
        return said + (f", {self.pages}." if self.pages else ".")

    @property
    def bibtex(self) -> str:
        """The entry for a list of references."""
        venue = {"article": "journal", "inproceedings": "booktitle", "book": "publisher"}
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            venue.get(self.kind, "howpublished"): self.venue,
            "volume": self.volume,
            "pages": self.pages.replace("–", "--"),
            "year": str(self.year),
            "doi": self.doi,
            "url": "" if self.doi else self.url,
        }
        plain = {"doi", "url"}  # a sign is itself there
        lines = [
            f"  {name} = {{{value if name in plain else value.replace('&', chr(92) + '&')}}},"
            for name, value in fields.items()
            if value
        ]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])
