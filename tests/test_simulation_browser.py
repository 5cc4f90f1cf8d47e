"""A simulation in a real Chromium: begun, left alone, come back to, and killed with the server."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import WAIT_MS, App, answerable, new_tab, press, running, settled
from conftest import small_setup
from playwright.sync_api import expect

from al_engine.projects.opening import close_project, open_project
from al_engine.session import LabellingSession
from al_engine.simulating.folder import read_rounds
from al_engine.starting import start_demo

pytestmark = pytest.mark.browser


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    home = tmp_path / "home"
    folder = start_demo(home, "digits")
    LabellingSession(open_project(folder), "Ada").start("3", small_setup())
    close_project(folder)
    with running(tmp_path) as served:
        yield served


def fill(page, **values):
    """Type numbers into the form, by what its fields are called."""
    for name, value in values.items():
        field = page.get_by_role("spinbutton", name=name)
        field.fill(str(value))
        field.press("Enter")
        settled(page)


def test_slider_and_zoom_stay_while_rounds_come_in(browser, app):
    (folder,) = (f for f in app.home.iterdir() if (f / "catalogue.duckdb").is_file())
    with new_tab(browser, app) as (page, _):
        page.goto(f"{app.address}/Simulation?project={folder.name}")
        fill(page, Seeds=100, Budget=16)  # so many that it goes on meanwhile
        press(page.get_by_role("button", name="Begin", exact=True))
        slider = page.get_by_test_id("stSlider")
        expect(slider).to_be_visible(timeout=60_000)
        # Nothing of the form is left, though the run of the page goes on.
        expect(page.get_by_role("button", name="Begin", exact=True)).to_have_count(0)
        slider.get_by_role("slider").focus()
        page.keyboard.press("ArrowLeft")
        expect(slider).to_contain_text("15")
        chart = page.locator("iframe[title*=plotly]").first
        ticks = page.frame_locator("iframe[title*=plotly]").first.locator(".xtick text")
        expect(ticks.first).to_be_visible()
        before = ticks.all_text_contents()
        at = chart.bounding_box()
        page.mouse.move(at["x"] + 150, at["y"] + 100)
        page.mouse.down()
        page.mouse.move(at["x"] + 350, at["y"] + 200, steps=5)
        page.mouse.up()
        expect(ticks).not_to_have_text(before)
        zoomed = sorted(ticks.all_text_contents())
        chart.evaluate("frame => { frame.dataset.same = 'yes'; }")
        rounds = page.get_by_test_id("stProgress")
        drawn_at = int(rounds.inner_text().partition(" ")[0].replace(",", ""))
        expect(rounds).not_to_contain_text(f"{drawn_at} of")
        page.wait_for_timeout(6000)  # it is drawn again every four seconds
        expect(slider).to_contain_text("15")
        assert sorted(ticks.all_text_contents()) == zoomed
        expect(chart).to_have_attribute("data-same", "yes")


def test_a_simulation_outlives_its_page_and_its_server(browser, app):
    (folder,) = (f for f in app.home.iterdir() if (f / "catalogue.duckdb").is_file())
    with new_tab(browser, app) as (page, _):
        page.goto(f"{app.address}/Simulation?project={folder.name}")
        fill(page, Seeds=200, Batch=10)
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
        # Full supervision and both curves of the first seed: then there is a map.
        wanted = max(len(before) + 1, 1 + 2 * 21)
        while len(read_rounds(simulation)) < wanted and time.monotonic() < until:
            page.wait_for_timeout(200)
        page.wait_for_timeout(1000)  # the page that was paused is still giving way to this one
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Resume goes on from there")).to_be_visible()
        settled(page)
        expect(page.locator(".stPlotlyChart")).to_have_count(2)
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
