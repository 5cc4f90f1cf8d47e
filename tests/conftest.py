"""Fixtures that every test module may use."""

import functools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.context import ContextProxy

from al_engine.background import BACKGROUND
from al_engine.data.catalogue import Catalogue
from al_engine.data.importing import import_table
from al_engine.data.table import Column, SetAside, Table
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession, State
from al_engine.settings.config import (
    ClassifierSetup,
    Columns,
    Combination,
    Features,
    Label,
    MemberSetup,
    ProjectConfig,
)

if TYPE_CHECKING:  # who has no Playwright runs all other tests
    from browser import App, Watched
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
# No test asks a server of the internet; those of pictures bring one of their own.
os.environ["SEXTANT_NETWORK"] = "none"
# Each run of a page under test looks through all installed packages for components: once is enough,
# and saves two fifths of the time.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data that is not part of the project; tests skip without it."""
    folder = Path(os.environ.get("SEXTANT_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not there (set SEXTANT_TEST_DATA)")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of projects that the pages use."""
    folder = tmp_path / "home"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("SEXTANT_HOME", str(folder))
    monkeypatch.setattr(ContextProxy, "cookies", {})
    yield folder
    BACKGROUND.wait()
    for each in folder.iterdir():
        close_project(each)


# -- a small catalogue with everything awkward in it ---------------------------------------------

HOSTILE = 'a"b; DROP TABLE catalogue'
N_ROWS = 300
CLASSES = ("GALAXY", "QSO", "STAR")
HUGE = 2**64 - 1 - N_ROWS


def make_table(
    values: Mapping[str, pa.Array],
    *,
    batch_rows: int = 128,
    units: Mapping[str, str] | None = None,
    set_aside: Sequence[SetAside] = (),
) -> Table:
    """A table of these columns, as a reader would hand it over."""
    units = units or {}
    columns = tuple(
        Column(name, array.type, units.get(name, ""), f"about {name}" if name in units else "")
        for name, array in values.items()
    )
    whole = pa.Table.from_arrays(
        list(values.values()), schema=pa.schema([(c.name, c.type) for c in columns])
    )

    def batches() -> Iterator[pa.RecordBatch]:
        yield from whole.to_batches(max_chunksize=batch_rows)

    return Table("made", columns, batches, whole.num_rows, tuple(set_aside))


def survey_values() -> dict[str, pa.Array]:
    """300 objects: three labels that overlap a little, 30 unknown, some values missing."""
    rng = np.random.default_rng(20)
    truth = np.array(CLASSES)[np.arange(N_ROWS) % 3]
    centre = {"GALAXY": (0.0, 0.0), "QSO": (2.5, 1.5), "STAR": (0.0, 2.5)}
    g, r = (np.array([centre[t][k] for t in truth]) + rng.normal(size=N_ROWS) for k in (0, 1))
    labels = [
        None if i % 20 == 7 else "Unknown" if i % 20 == 13 else str(t) for i, t in enumerate(truth)
    ]
    big_g = rng.normal(20, 1, N_ROWS)
    missing = np.arange(N_ROWS) % 50 == 3
    return {
        "name": pa.array([f"J{(i * 7919) % 1000:03d}" for i in range(N_ROWS)]),
        "class": pa.array(labels),
        "g": pa.array(g),
        "G": pa.array(big_g, mask=missing),
        "r": pa.array(r.astype(np.float32)),
        "z": pa.array(np.where(np.arange(N_ROWS) % 60 == 1, -9999.0, rng.normal(1, 0.2, N_ROWS))),
        HOSTILE: pa.array(np.arange(N_ROWS) % 5, pa.int64()),
        "huge": pa.array([HUGE + i for i in range(N_ROWS)], pa.uint64()),
        "note": pa.array(["same"] * N_ROWS),
    }


def survey_config(**changes: Any) -> ProjectConfig:
    """Settings for ``survey_values``: three labels, classifiers for QSO and STAR."""
    config = ProjectConfig(
        labels=tuple(Label(value, value.title(), "#0072B2") for value in CLASSES),
        columns=Columns(id="name", label="class", missing={"z": (-9999.0,)}),
        features=Features(("g", "r", "G", HOSTILE), (Combination("subtract", 2),)),
        train_labels=("QSO", "STAR"),
    )
    return replace(config, **changes)


SMALL_FOREST = MemberSetup("random_forest", "uncertainty", {"n_estimators": 10})


def small_setup(**changes: Any) -> ClassifierSetup:
    """A quick random forest, five labels to begin with from the catalogue."""
    return replace(ClassifierSetup((SMALL_FOREST,)), **changes)


@pytest.fixture
def catalogue_of(tmp_path: Path) -> Iterator[Callable[..., Catalogue]]:
    """Import columns into a real catalogue file and open it."""
    opened: list[Catalogue] = []

    def build(values: Mapping[str, pa.Array], **options: Any) -> Catalogue:
        path = tmp_path / f"catalogue-{len(opened)}.duckdb"
        import_table(make_table(values, **options), path)
        opened.append(Catalogue(path))
        return opened[-1]

    yield build
    for catalogue in opened:
        catalogue.close()


@pytest.fixture(scope="session")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """The small catalogue, open for reading; shared, since nothing writes to a catalogue."""
    path = tmp_path_factory.mktemp("survey") / "catalogue.duckdb"
    import_table(make_table(survey_values()), path)
    catalogue = Catalogue(path)
    yield catalogue
    catalogue.close()


@pytest.fixture(scope="session")
def survey_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the small catalogue that was never opened: only to be copied."""
    home = tmp_path_factory.mktemp("template")
    folder, _ = create_project(home, "Survey", make_table(survey_values()), survey_config())
    return folder


@pytest.fixture
def survey_folder(survey_template: Path, tmp_path: Path) -> Path:
    """A fresh copy of the small project's folder."""
    return Path(shutil.copytree(survey_template, tmp_path / "home" / "survey"))


@pytest.fixture
def opened() -> Iterator[Callable[[Path], Project]]:
    """Open projects that are closed when the test is over."""
    folders: list[Path] = []

    def open_folder(folder: Path) -> Project:
        folders.append(folder)
        return open_project(folder)

    yield open_folder
    for folder in folders:
        close_project(folder)


@pytest.fixture
def project(survey_folder: Path, opened: Callable[[Path], Project]) -> Project:
    """The small project, open."""
    return opened(survey_folder)


# -- a session on it -----------------------------------------------------------------------------

Open = Callable[[Path], Project]
TRUTH = [CLASSES[i % 3] for i in range(N_ROWS)]


def begin(project: Project, classifier: str = "QSO", **changes: Any) -> LabellingSession:
    session = LabellingSession(project, "Ada")
    session.start(classifier, small_setup(**changes))
    return session


def answer(
    session: LabellingSession,
    classifier: str = "QSO",
    row: int | None = None,
    label: str | None = None,
    kind: Any = "answer",
    confidence: int | None = None,
) -> State:
    """Answer the question asked, or about another row, truthfully unless a label is given."""
    state = session.state(classifier)
    if row is None:
        assert state.question is not None
        row = state.question.row
    label = (label or TRUTH[row]) if kind == "answer" else None
    return session.answer(
        classifier, row, kind, label, token=state.token, seconds=1.5, confidence=confidence
    )


def known(session: LabellingSession, part: int, label: str | None = None) -> Iterator[int]:
    """Rows of a part whose label the catalogue knows."""
    dataset = session.project.dataset()
    for row in np.flatnonzero((dataset.parts == part) & (dataset.codes >= 0)):
        if label is None or TRUTH[row] == label:
            yield int(row)


# -- the small project on pages -------------------------------------------------------------------


@pytest.fixture
def ready(home: Path, survey_folder: Path) -> LabellingSession:
    """The small project, set up and not started."""
    session = LabellingSession(open_project(survey_folder), "Ada")
    session.change_settings(replace(session.config, x_axis="g", y_axis="r"))
    return session


@pytest.fixture
def survey_begun(ready: LabellingSession) -> LabellingSession:
    """The small project with its QSO classifier started."""
    ready.start("QSO", small_setup())
    return ready


# -- in a real browser ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A Chromium for the tests of one file: its loop stands in the way of other files' own."""
    from browser import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def app(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator["App"]:
    """A server with an empty home, for the tests of one file."""
    from browser import running

    with running(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture
def tab(browser: "Browser", app: "App") -> Iterator[tuple["Page", "Watched"]]:
    """A new window at Home, in which nothing may go wrong unseen."""
    from browser import new_tab

    with new_tab(browser, app) as (page, watched):
        page.goto(app.address)
        yield page, watched
        assert watched.errors == []
        assert watched.elsewhere == []


@pytest.fixture
def page(tab: tuple["Page", "Watched"]) -> "Page":
    """The page of such a window."""
    return tab[0]
