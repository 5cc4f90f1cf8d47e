"""The exports of the Share page: what a person reads there, and the files that come of it."""

import zipfile
from pathlib import Path

import pytest
from astropy.table import Table
from browser import App, answerable, chromium, download, go_to, new_tab, press, settled
from conftest import N_ROWS, answer, small_setup
from paging import SHARE, click, fine, show
from paging import read as read_escaped
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest
from test_samp import Receiver, hub, loaded, lockfile, topcat  # noqa: F401 the fixtures

from al_engine.jobs import Job
from al_engine.session import LabellingSession
from al_engine.sharing import exporting
from al_engine.starting import start_demo
from pages.components.share import exports as exports_page


@pytest.fixture
def session(ready: LabellingSession) -> LabellingSession:
    """The small project, set up and not started."""
    return ready


def read(at: AppTest) -> str:
    """Everything that the page says, as a browser shows it."""
    return read_escaped(at).replace("\\", "")


def names(session: LabellingSession) -> list[str]:
    return sorted(file.path.name for file in exporting.exported(session))


def test_a_project_without_labels_says_what_to_do(session: LabellingSession) -> None:
    at = show(SHARE, session.project.slug)
    fine(at)
    assert "No labels or models to take away yet: label some objects first." in read(at)
    assert not [button.key for button in at.button if str(button.key).startswith("share-")]


def test_labels_predictions_and_models_are_written_and_listed(session: LabellingSession) -> None:
    session.start("QSO", small_setup())
    answer(session)
    at = show(SHARE, session.project.slug)
    fine(at)
    assert "6 rows, one for each answer in force" in read(at)
    click(at, "share-Write the labels")
    assert "Written: survey-labels.fits" in read(at)
    at.segmented_control(key="share-format").set_value("parquet").run()
    at.multiselect(key="share-columns-survey").set_value(["huge"]).run()
    click(at, "share-Write the predictions")
    click(at, "share-model-write")
    assert names(session) == [
        "QSO-RandomForest_Uncertainty.zip", "survey-labels.fits", "survey-predictions.parquet",
    ]  # fmt: skip
    folder = session.project.folder / "exports"
    assert len(Table.read(folder / "survey-labels.fits")) == 6
    predicted = Table.read(folder / "survey-predictions.parquet")
    assert (len(predicted), predicted.colnames[:2]) == (N_ROWS, ["name", "huge"])
    assert zipfile.is_zipfile(folder / "QSO-RandomForest_Uncertainty.zip")
    assert f"In the folder {folder}" in read(at)
    downloads = [each.key for each in at.get("download_button")]
    assert set(downloads) >= {f"download-{name}" for name in names(session)}


def test_a_file_that_is_removed_is_gone_from_disk_and_list(session: LabellingSession) -> None:
    session.start("QSO", small_setup())
    at = click(show(SHARE, session.project.slug), "share-Write the labels")
    click(at, "remove-survey-labels.fits")
    assert names(session) == []
    assert "Removed: survey-labels.fits" in read(at)


def test_an_export_that_takes_longer_shows_how_far_it_is(
    session: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.start("QSO", small_setup())
    waits: list[float] = []
    wait = Job.wait

    def not_yet(job: Job, seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) > 2 and wait(job, 30)

    monkeypatch.setattr(Job, "wait", not_yet)
    at = click(show(SHARE, session.project.slug), "share-Write the predictions")
    assert len(waits) == 3
    assert "Written: survey-predictions.fits" in read(at)


def test_what_cannot_be_written_is_a_sentence_on_the_page(session: LabellingSession) -> None:
    session.start("QSO", small_setup())
    (session.project.folder / "exports").write_text("in the way")
    at = click(show(SHARE, session.project.slug), "share-Write the labels")
    assert [error.value.replace("\\", "") for error in at.error] == [
        "The folder 'exports' could not be made: File exists. See to the free space and the "
        "permissions of the project's folder."
    ]


def test_a_page_from_elsewhere_offers_no_programs_of_this_machine(
    session: LabellingSession,
) -> None:
    session.start("QSO", small_setup())
    at = show(SHARE, session.project.slug)
    shown = [each.value for each in at.subheader]
    assert shown[:3] == ["Labels and predictions", "Models", "Files"]
    assert "TOPCAT and Aladin" not in shown


def test_the_hub_is_asked_when_somebody_looks_and_not_at_every_drawing(
    session: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(exports_page, "_is_here", lambda: True)
    monkeypatch.setattr(exporting, "programs", lambda: asked.append(1) or [])
    session.start("QSO", small_setup())
    at = show(SHARE, session.project.slug)
    fine(at)
    assert asked == []
    click(at, "share-look")
    assert "None is running here" in read(at)
    at.run()
    assert asked == [1]


@pytest.mark.browser
def test_files_are_downloaded_and_tables_reach_topcat(
    tmp_path: Path,
    topcat: Receiver,  # noqa: F811
) -> None:
    app = App(tmp_path / "home", tmp_path / "server.log")
    start_demo(app.home, "sky_survey")
    with chromium() as browser:
        app.start()
        try:
            with new_tab(browser, app) as (page, watched):
                page.goto(app.address)
                press(page.get_by_role("button", name="Open", exact=True))
                press(page.get_by_role("button", name="Start training").first)
                answerable(page)
                go_to(page, "Share")
                press(page.get_by_role("button", name="Write the predictions"))
                expect(page.get_by_text("Written: ")).to_be_visible()
                settled(page)
                kept = download(page.get_by_role("button", name="Download").first, tmp_path)
                expect(page.get_by_role("button", name="Send the labels")).to_have_count(0)
                press(page.get_by_role("button", name="Look for programs"))
                press(page.get_by_role("button", name="Send the labels"))
                expect(page.get_by_text("Sent to TOPCAT")).to_be_visible()
                assert len(loaded(topcat.wait())) == 5
                assert watched.errors == []
                assert watched.elsewhere == []
        finally:
            app.kill()
    table = Table.read(kept)
    assert [name for name in table.colnames if name.startswith("probability_")]
