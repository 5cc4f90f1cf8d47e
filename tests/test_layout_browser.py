"""Where things stand in a real Chromium: the question in view, and nothing under its bar."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from browser import add_panel, answerable, bar, new_tab, press, running, settled
from conftest import N_ROWS, make_table, small_setup, survey_config, survey_values
from playwright.sync_api import Browser, Locator, Page, expect

from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project
from al_engine.session import LabellingSession
from al_engine.settings.config import Label

pytestmark = pytest.mark.browser
WINDOWS = ((1280, 800), (1920, 1080))
NUMBERS = (2, 12, 60)  # of labels


def named(i: int) -> str:
    return f"Peculiar object {i} with a name that no button has room for"


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A window before a server with a project of few, of more and of many labels."""
    folder = tmp_path_factory.mktemp("layout")
    for n in NUMBERS:
        begin(folder / "home", n)
    with running(folder) as app, new_tab(browser, app) as (page, watched):
        page.goto(app.address)
        yield page
        assert watched.errors == []


def begin(home: Path, n: int) -> None:
    """A project of ``n`` labels with long names, and objects with long ids."""
    home.mkdir(exist_ok=True)
    values = survey_values()
    values["class"] = pa.array([named(i % n) for i in range(N_ROWS)])
    values["name"] = pa.array(
        [f"J{i:03d} of a long name, in full" + " again" * 25 for i in range(N_ROWS)]
    )
    values["small"] = pa.array(np.full(N_ROWS, -0.0002848213))
    labels = tuple(Label(named(i), named(i), "#0072B2", "Broad lines.") for i in range(n))
    config = survey_config(labels=labels, train_labels=(named(0),), x_axis="g", y_axis="r")
    config = replace(config, columns=replace(config.columns, info=("small",)))
    table = make_table(values, units={"g": "1e-17 erg / (s cm2)"})
    folder, _ = create_project(home, f"Labels {n}", table, config)
    project = open_project(folder)
    LabellingSession(project, "Ada").start(named(0), small_setup())
    close_project(folder)


def open_question(page: Page, n: int) -> None:
    page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/')[2]}/Labelling?project=labels-{n}")
    answerable(page)
    settled(page)


def foot(found: Locator) -> float:
    box = found.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def is_whole(found: Locator) -> bool:
    """Is nothing of a text cut off?"""
    return bool(found.evaluate("e => e.scrollWidth <= e.clientWidth"))


@pytest.mark.parametrize("n", NUMBERS)
def test_all_of_labelling_stands_above_the_question_without_scrolling(page: Page, n: int) -> None:
    open_question(page, n)
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        top = page.locator("[data-testid=stLayoutWrapper]:has(> .st-key-answer-bar)").bounding_box()
        assert top is not None
        assert top["y"] + top["height"] == height
        for part in (".st-key-card", ".st-key-panel-labelling-1-0", ".st-key-references"):
            assert foot(page.locator(part)) <= top["y"], part
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("m => m.scrollHeight <= m.clientHeight")


def test_long_names_and_ids_leave_all_else_in_view(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    open_question(page, 12)
    status = page.locator(".st-key-status p").first
    expect(status).to_contain_text("Saved")
    assert is_whole(status)
    head = page.locator(".st-key-card h3").bounding_box()
    note = page.get_by_role("button", name="Note").bounding_box()
    assert head is not None
    assert note is not None
    assert head["height"] < 60
    assert note["y"] < head["y"] + head["height"]

    bar(page).get_by_role("button", name=named(3)).hover()
    told = bar(page).locator(".defined b")
    expect(told).to_have_text(named(3))
    assert is_whole(told)


def test_a_panel_s_menu_can_be_used_without_scrolling_in_it(page: Page) -> None:
    open_question(page, 2)
    add_panel(page, "2", "Basic plot")
    press(page.locator(".st-key-panelmenu-labelling-1-1 button").first)
    settled(page)
    for name in ("Full page", "Remove"):
        assert foot(page.get_by_role("button", name=name)) < 800
