"""Pictures in a real Chromium: they come, fail and are refused while labelling goes on."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from browser import (
    Watched,
    add_panel,
    answerable,
    bar,
    new_tab,
    object_shown,
    press,
    running,
    settled,
)
from conftest import N_ROWS, make_table, small_setup, survey_config, survey_values
from playwright.sync_api import Browser, Locator, Page, expect
from server_with_elsewhere import ELSEWHERE
from stand_in import Answer, StandIn, fits_image, jpeg, stand_in, urls

from al_engine.background import BACKGROUND
from al_engine.loop.recording import change_layout
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project
from al_engine.session import LabellingSession
from al_engine.settings.sky import Cutout, Sky

pytestmark = pytest.mark.browser

REFUSED = "private or local host"


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Stand-ins for three services: one slow, one that covers nothing, one that fails."""
    answers = {
        "sdss": Answer(jpeg(side=200), after_s=0.7),
        "first": Answer(b"<PRE>no image there</PRE>", kind="text/html"),
        "hips": Answer(b'{"title": "Unknown HiPS"}', 400, "application/json"),
        "legacy": Answer(fits_image()),
    }
    with stand_in(**answers) as made:
        monkeypatch.setenv("SEXTANT_NETWORK", "all")
        for place in answers:
            monkeypatch.setenv(f"SEXTANT_ADDRESS_{place.upper()}", f"{made.address}/{place}")
        yield made


@pytest.fixture
def elsewhere(sky: StandIn) -> Iterator[StandIn]:
    """A host out there, which has a picture, and leads whoever asks for another to this machine."""
    answers = {
        "there": Answer(jpeg(side=100)),
        "moved": Answer(status=302, location=f"{sky.address}/private.jpg"),
    }
    with stand_in(ELSEWHERE, **answers) as made:
        yield made


@pytest.fixture
def page(browser: Browser, sky: StandIn, elsewhere: StandIn, tmp_path: Path) -> Iterator[Page]:
    """The Labelling page of a small survey on the sky, whose image column names this machine."""
    home = tmp_path / "home"
    values = survey_values()
    values["ra"], values["dec"] = pa.array(150 + np.arange(N_ROWS) / 60), pa.array([0.0] * N_ROWS)
    values["image"] = pa.array([f"{sky.address}/private.jpg"] * N_ROWS)
    values["moved"] = pa.array([f"{elsewhere.address}/moved"] * N_ROWS)
    values["there"] = pa.array([f"{elsewhere.address}/there"] * N_ROWS)
    config = survey_config(x_axis="g", y_axis="r")
    columns = replace(config.columns, ra="ra", dec="dec", images=("image", "moved", "there"))
    three = (
        Cutout("sdss", 30.0),
        Cutout("first", 150.0),
        Cutout("hips2fits", 60.0, "CDS/P/DSS2/color"),
    )
    config = replace(config, columns=columns)
    folder, _ = create_project(home, "Sky", make_table(values), config)
    session = LabellingSession(open_project(folder), "Ada")
    session.start("QSO", small_setup())
    change_layout(session.project, sky=Sky(three))
    BACKGROUND.wait()
    close_project(folder)
    serving = running(tmp_path, runs=("tests/server_with_elsewhere.py",))
    with serving as app, new_tab(browser, app) as (tab, watched):
        tab.goto(f"{app.address}/Labelling?project={folder.name}")
        answerable(tab)
        yield tab
        assert watched == Watched()


def plate(page: Page, title: str) -> Locator:
    """The place of a picture, by what stands over it."""
    return page.locator("figure.plate", has=page.locator(".title", has_text=re.compile(title)))


def is_there(page: Page, title: str) -> None:
    image = plate(page, title).locator("img")
    expect(image).to_have_attribute("src", re.compile("^blob:"))
    page.wait_for_function("image => image.naturalWidth > 0", arg=image.element_handle())


def test_pictures_come_fail_and_are_refused_while_labelling_goes_on(
    page: Page, sky: StandIn, elsewhere: StandIn
) -> None:
    expect(plate(page, "image").locator(".said")).to_contain_text(REFUSED)
    is_there(page, "^there$")
    expect(plate(page, "moved").locator(".said")).to_contain_text(REFUSED)
    expect(plate(page, "FIRST").locator(".said")).to_have_text("FIRST does not cover it.")
    expect(plate(page, "DSS2").locator(".said")).to_contain_text("Unknown HiPS")
    is_there(page, "^SDSS$")
    settled(page)
    places = [each.bounding_box() for each in page.locator("figure.plate").all()]

    sky.answers["/sdss"] = Answer(jpeg(side=200), after_s=4.0)
    answered = []
    for _ in range(4):
        answerable(page)
        shown = object_shown(page)
        answered.append(shown)
        page.wait_for_timeout(350)
        page.keyboard.press("2")
        expect(page.locator(".st-key-card h3")).not_to_have_text(shown)
    assert len(set(answered)) == 4, "each object was answered once"
    # Nothing has moved, though pictures are still to come.
    settled(page)
    assert [each.bounding_box() for each in page.locator("figure.plate").all()] == places
    assert page.locator(".st-key-card").evaluate("card => card.scrollTop") == 0
    is_there(page, "^SDSS$")
    assert "/private.jpg" not in urls(sky)
    assert "/moved" in urls(elsewhere), "it led here, and was not followed"
    assert sky.most_at_once <= 4


def test_the_field_is_changed_by_keys_and_buttons_and_remembered(page, sky) -> None:
    field = plate(page, "^SDSS$").locator(".field")
    expect(field).to_have_text("30″")
    is_there(page, "^SDSS$")
    page.keyboard.press("+")
    expect(field).to_have_text("20″")
    expect(plate(page, "FIRST").locator(".field")).to_have_text("2′")
    plate(page, "^SDSS$").get_by_role("button", name="More sky").click()
    expect(field).to_have_text("30″")
    page.keyboard.press("-")
    expect(field).to_have_text("45″")
    is_there(page, "^SDSS$")

    def fields_asked_for() -> set[float]:
        asked = [re.search(r"scale=([\d.]+)", path) for path, _ in sky.asked]
        return {float(found[1]) * 400 for found in asked if found}

    for _ in range(100):  # the picture that stands there may still be the one before
        if len(fields_asked_for()) == 3:
            break
        page.wait_for_timeout(100)
    assert fields_asked_for() == {20.0, 30.0, 45.0}
    settled(page)
    page.reload()
    answerable(page)
    expect(field).to_have_text("45″")


def test_one_switch_stops_every_request_and_stands_in_view(page, sky) -> None:
    is_there(page, "^SDSS$")
    expect(page.get_by_text("Network", exact=True)).to_be_visible()
    settled(page)
    page.get_by_text("Network", exact=True).click()
    settled(page)
    is_there(page, "^SDSS$")  # what is here already is shown
    page.wait_for_timeout(1000)
    n_asked = len(sky.asked)
    for _ in range(3):
        page.keyboard.press("-")
        page.wait_for_timeout(300)
    expect(plate(page, "^SDSS$").locator(".said")).to_have_text("The network is switched off.")
    assert len(sky.asked) == n_asked
    page.reload()
    answerable(page)
    expect(plate(page, "^SDSS$").locator(".said")).to_have_text("The network is switched off.")
    expect(bar(page)).to_be_visible()


def test_reference_objects_stand_beside_with_their_pictures_and_are_looked_at(page, sky) -> None:
    cells = page.locator("button.cell")
    is_there(page, "^SDSS$")
    expect(page.locator(".st-key-references")).to_be_visible()
    add_panel(page, "2", "To compare with")
    expect(cells).to_have_count(14)
    expect(page.locator(".st-key-references")).to_have_count(0)
    # The addresses of the catalogue are refused: the sky stands in.
    expect(page.locator("button.cell img[src^='blob:']")).to_have_count(14)
    asked = object_shown(page)
    wanted = cells.nth(1).locator(".id").inner_text()
    press(cells.nth(1))
    expect(page.locator(".st-key-card h3")).to_have_text(wanted)
    page.keyboard.press("n")
    expect(page.locator(".st-key-card h3")).to_have_text(asked)
    page.keyboard.press("2")
    expect(page.locator(".st-key-card h3")).not_to_have_text(asked)
    answerable(page)
    expect(page.locator("button.cell img[src^='blob:']")).to_have_count(14)
