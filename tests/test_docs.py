"""The pages of ``docs/``: what they name is there, and what is cited is in the one list."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT

from al_engine.exchange.report.references import REFERENCES, as_list

PAGE = (ROOT / "docs" / "astronomical.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
SAID = ("Absent", "Not yet", "not yet", "TODO-")


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def written_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_section_of_features_and_of_flaws_stands_there():
    numbered = [title.split(".")[0] for title in SECTIONS if title[0].isdecimal()]
    assert numbered == [str(i) for i in range(1, 11)]
    flaws = [[cells[0] for cells in rows(title)] for title in SECTIONS if title[0] == "W"]
    assert flaws == [[str(i) for i in range(1, 18)], [str(i) for i in range(1, 10)]]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_names_tests_that_exist_or_says_why_there_is_none(section):
    assert rows(section)
    for cells in rows(section):
        *told, shown = cells
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", shown)
        assert named or told[-1].startswith(SAID), told
        left = re.sub(r"`test_\w+\.py::test_\w+`,?\s*", "", shown)
        assert left in ("", "TODO-BOTH", "TODO-PEOPLE"), left
        missing = [f"{file}::{test}" for file, test in named if test not in written_in(file)]
        assert missing == []


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name
)
def test_every_link_between_pages_leads_to_a_file(path: Path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", re.sub(r"```.*?```", "", text, flags=re.S))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (path.parent / target).is_file()] == []


# A work as it is cited in a sentence: names and a year, in brackets or not.
CITED = re.compile(
    r"([A-Z][\w'-]+)(?:(?:,? (?:and|&) |, )[A-Z][\w'-]+)*(?: et al\.)?,? \(?((?:18|19|20)\d\d)\b"
)
CITING = [
    path
    for folder in ("docs", "pages", "al_engine", "bench")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".md", ".py") and not path.name.startswith(("works_of_", "references."))
]


def test_the_list_of_references_is_that_of_the_reports():
    assert (ROOT / "docs" / "references.md").read_text(encoding="utf-8") == as_list()


def test_every_work_that_is_cited_by_name_is_in_the_list():
    listed = {
        (each.authors.strip("{}").split(",")[0].split()[-1], str(each.year))
        for each in REFERENCES.values()
    }
    unlisted = [
        f"{path.relative_to(ROOT)}: {name} {year}"
        for path in [ROOT / "README.md", *CITING]
        for name, year in CITED.findall(path.read_text(encoding="utf-8"))
        if (name, year) not in listed
    ]
    assert unlisted == []


def test_what_stands_in_italics_with_a_capital_is_a_word_of_the_app():
    files = [path for folder in ("pages", "al_engine") for path in (ROOT / folder).rglob("*.py")]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    words = re.sub(r'"\s*\n\s*f?"', "", sources)  # a sentence may stand on several lines
    unknown = [
        f"{path.name}: {name}"
        for path in sorted((ROOT / "docs").glob("*.md"))
        for name in re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", path.read_text(encoding="utf-8"))
        if name.strip(".:") not in words
    ]
    assert unknown == []


def test_nothing_is_left_to_be_filled_in():
    pages = (ROOT / "docs").glob("*.md")
    left = {path.name: re.findall(r"@[A-Z]+@", path.read_text(encoding="utf-8")) for path in pages}
    assert [name for name, found in left.items() if found] == []


def test_every_variable_that_is_told_of_is_read():
    told = {
        name
        for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for name in re.findall(r"SEXTANT_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    read = {
        name
        for folder in ("al_engine", "pages", "bench", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'"(SEXTANT[A-Z_]*)', path.read_text(encoding="utf-8"))
    }
    begun = tuple(name for name in read if name.endswith("_"))  # the rest is put to it
    assert told
    assert sorted(name for name in told - read if not name.startswith(begun)) == []
