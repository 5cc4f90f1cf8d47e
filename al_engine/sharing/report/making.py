"""A report on a project: which sections it has, and its two files in the ``exports`` folder.

A section more is one function here or in a module beside it, and one entry in ``SECTIONS``; one
that has nothing to say gives None.  Must not know pages.
"""

import importlib.metadata
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeAlias

from al_engine import __version__
from al_engine.exchange.report.as_html import as_html
from al_engine.exchange.report.as_markdown import as_markdown
from al_engine.exchange.report.blocks import (
    Facts,
    Items,
    Link,
    Paragraph,
    Report,
    Section,
    Text,
    Verbatim,
    cited,
)
from al_engine.exchange.report.references import REFERENCES, as_bibtex
from al_engine.extensions.used import used_by
from al_engine.files import whole_file
from al_engine.jobs import Cancelled, Job, Progress
from al_engine.public import refuse_overuse
from al_engine.session import LabellingSession
from al_engine.sharing import exporting
from al_engine.sharing.report.classifiers import classifier, repeated, together
from al_engine.sharing.report.data import data, features, labels, sets, source_of
from al_engine.sharing.report.methods import methods
from al_engine.sharing.report.simulations import simulations
from al_engine.sharing.report.subject import Subject, gather
from al_engine.sharing.report.trust import definitions
from al_engine.sharing.report.wording import SURVEYS, in_brackets

PACKAGES = (
    "scikit-learn", "modAL-python", "numpy", "scipy", "numba", "duckdb", "pyarrow", "pandas",
    "astropy", "joblib", "streamlit",
)  # fmt: skip


def _classifiers(subject: Subject) -> Section | None:
    told = tuple(classifier(subject, each) for each in subject.classifiers)
    if not told:
        return Section("Classifiers", (Paragraph("No classifier was started."),))
    meant = definitions(subject)
    return Section("Classifiers", (), (*told, meant) if meant is not None else told)


def _pictures(subject: Subject) -> Section | None:
    """Who is to be thanked for pictures of the sky, where any were to be shown."""
    config = subject.config
    is_on = config.pictures and config.columns.ra and config.columns.dec
    if not is_on or not subject.project.is_online:
        return None
    asked = [cutout.service for cutout in subject.layout.sky.cutouts]
    surveys = dict.fromkeys(SURVEYS[name] for name in asked if name in SURVEYS)
    items: list[Text] = []
    for survey in surveys:
        thanks: Text = ("; how to acknowledge it: ", survey.thanks) if survey.thanks else ""
        items.append((survey.name, *in_brackets(survey.cites), *thanks))
    if not items:
        return None
    said = "Pictures of the objects were set to be shown while labelling, if there were any, from:"
    return Section("Pictures of the sky", (Paragraph(said), Items(tuple(items))))


def _software(subject: Subject) -> Section:
    rows = [("Sextant", __version__), ("Python", platform.python_version())]
    rows += [(name, importlib.metadata.version(name)) for name in PACKAGES]
    used = {
        each for told in subject.classifiers for each in used_by(subject.config, told.classifier)
    }
    for each in sorted(used, key=lambda entry: (entry.kind, entry.name)):
        digest = f"{each.origin.file}, SHA-256 {each.origin.sha256}"
        rows.append((f"Extension: {each.kind} {each.title}", digest))
    return Section("Software", (Facts(tuple(rows)),))


Making: TypeAlias = Callable[[Subject], Section | None]
SECTIONS: tuple[Making, ...] = (
    methods,
    data,
    labels,
    sets,
    features,
    _classifiers,
    together,
    repeated,
    simulations,
    _pictures,
    _software,
)


def describe(subject: Subject) -> Report:
    """All that a report says: the same for the same subject."""
    made = [section for make in SECTIONS if (section := make(subject)) is not None]
    day = subject.made_on.isoformat()
    subtitle = f"Report of {day} on the catalogue '{source_of(subject)}', by Sextant {__version__}"
    return Report(subject.project.name, subtitle, (*made, _references(made)))


def _references(sections: list[Section]) -> Section:
    """The works that the sections cite, in order of their authors."""
    keys = sorted(cited(sections))
    items: list[Text] = []
    for reference in (REFERENCES[key] for key in keys):
        name = f"doi:{reference.doi}" if reference.doi else reference.url
        link = (" ", Link(name, reference.address)) if reference.address else ()
        items.append((reference.text, *link))
    bibtex = Section("BibTeX", (Verbatim(as_bibtex(keys)),))
    return Section("References", (Items(tuple(items), tuple(keys)),), (bibtex,))


# -- files -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """The report that lies there; ``n_newer`` events happened since, answers or settings."""

    html: Path
    markdown: Path
    made_at: datetime
    n_newer: int


def report_of(session: LabellingSession) -> Made | None:
    """The report that was made last, or None."""
    html, markdown = _paths(session)
    try:
        made_at = datetime.fromtimestamp(html.stat().st_mtime, UTC)
    except OSError:
        return None
    if not markdown.is_file():
        return None
    events = session.project.log.events()
    n_newer = sum(event.happened_at > made_at.replace(tzinfo=None) for event in events)
    return Made(html, markdown, made_at, n_newer)


def begin_report(session: LabellingSession, *, with_test: bool) -> Job[Made]:
    """Make the report beside the page that waits for it."""

    def work(progress: Progress, cancelled: Cancelled) -> Made:
        with session.project.at_work():
            return write_report(
                session,
                datetime.now(UTC).date(),
                with_test=with_test,
                progress=progress,
                cancelled=cancelled,
            )

    return Job(work)


def write_report(
    session: LabellingSession,
    made_on: date,
    *,
    with_test: bool = False,
    progress: Progress = lambda n_done, of: None,
    cancelled: Cancelled = lambda: False,
) -> Made:
    """Write both files into the ``exports`` folder, in place of those before.

    Parameters
    ----------
    with_test : whether the scores over the test set are looked at, which is for the end

    Raises
    ------
    ProjectError, PublicServerError : there is no room
    WorkCancelled : ``cancelled`` said so; nothing was written
    """
    began_at = datetime.now(UTC).timestamp()
    subject = gather(session, made_on, with_test=with_test, progress=progress, cancelled=cancelled)
    report = describe(subject)
    written = [text(report).encode() for text in (as_html, as_markdown)]
    refuse_overuse(session.project.folder.parent, sum(map(len, written)))
    exporting.make_folder(session)
    for path, content in zip(_paths(session), written, strict=True):
        with whole_file(path) as file:
            file.write_bytes(content)
        os.utime(path, (began_at, began_at))  # what happens meanwhile is not in it
    made = report_of(session)
    assert made is not None, "it was written just now"
    return made


def _paths(session: LabellingSession) -> tuple[Path, Path]:
    folder, name = exporting.folder_of(session), f"{session.project.slug}-report"
    return folder / f"{name}.html", folder / f"{name}.md"
