"""A simulation in a real Chromium: begun, left alone, come back to, and killed with the server."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import WAIT_MS, App, answerable, chromium, new_tab, press, settled
from conftest import small_setup
from playwright.sync_api import Browser, expect

from al_engine.projects.opening import close_project, open_project
from al_engine.session import LabellingSession
from al_engine.simulating.folder import read_rounds
from al_engine.starting import start_demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def app(browser: Browser, tmp_path: Path) -> Iterator[App]:
    home = tmp_path / "home"
    folder = start_demo(home, "digits")
    LabellingSession(open_project(folder), "Ada").start("3", small_setup())
    close_project(folder)
    app = App(home, tmp_path / "server.log")
    app.start()
    yield app
    app.kill()


def test_a_simulation_outlives_its_page_and_its_server(browser, app):
    (folder,) = (f for f in app.home.iterdir() if (f / "catalogue.duckdb").is_file())
    with new_tab(browser, app) as (page, _):
        page.goto(f"{app.address}/Simulation?project={folder.name}")
        seeds = page.get_by_role("spinbutton", name="Seeds")
        seeds.fill("200")
        seeds.press("Enter")
        settled(page)
        press(page.get_by_role("button", name="Begin", exact=True))
        expect(page.get_by_text("of about 8,600 rounds").first).to_be_visible()
        # The page waits with what runs, and is never still: it is pressed on as it is.
        page.get_by_role("link", name="Labelling").click()
        answerable(page)
    app.kill()
    (simulation,) = (folder / "simulations").iterdir()
    before = read_rounds(simulation)
    app.start()
    with new_tab(browser, app) as (page, _):
        page.goto(f"{app.address}/Simulation?project={folder.name}")
        resume = page.get_by_role("button", name="Resume")
        press(resume)
        expect(page.get_by_text("of about 8,600 rounds, ").first).to_be_visible()
        until = time.monotonic() + 60
        while len(read_rounds(simulation)) == len(before) and time.monotonic() < until:
            page.wait_for_timeout(200)
        page.wait_for_timeout(1000)  # the page that was paused is still giving way to this one
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Resume goes on from there")).to_be_visible()
        settled(page)
        expect(page.locator(".stPlotlyChart")).to_have_count(3)
        went_on = read_rounds(simulation)
        assert went_on[: len(before)] == before
        assert len(went_on) > len(before)


def test_the_published_run_is_one_click_from_home(browser, app):
    with new_tab(browser, app) as (page, watched):
        page.goto(app.address)
        press(page.get_by_role("button", name="Published run"))
        expect(page).to_have_title("Simulation · Sextant")
        # A process of its own has to start first.
        expect(page.get_by_role("button", name="JSON")).to_be_visible(timeout=3 * WAIT_MS)
        settled(page)
        cells = page.locator("[data-testid=stDataFrame] [role=gridcell]")
        said = [text.strip() for text in cells.all_text_contents()]
        for accuracy in ("0.869", "0.902", "0.921", "0.949", "0.956"):
            assert accuracy in said
        expect(page.get_by_text("40 labels to begin with")).to_be_visible()
        assert watched.errors == []
