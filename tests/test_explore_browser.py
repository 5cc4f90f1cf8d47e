"""Panels in a real Chromium: diagrams beside the question, a lasso labelled and undone."""

import math
import re
from collections.abc import Iterator

import pytest
from browser import (
    App,
    Watched,
    add_panel,
    answerable,
    bar,
    go_to,
    key_of,
    map_canvas,
    n_labels,
    new_tab,
    object_shown,
    place_of_bar,
    press,
    settled,
)
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def survey(browser: Browser, app: App) -> Iterator[tuple[Page, Watched]]:
    """The demo survey with its first classifier started, for all that follows."""
    with new_tab(browser, app) as (page, watched):
        page.goto(app.address)
        press(page.locator(".st-key-demo-sky_survey button"))
        press(page.get_by_role("button", name="Start training"))
        answerable(page)
        yield page, watched


def painted(page: Page, number: int) -> None:
    """Wait until a map has drawn what it was sent."""
    expect(page.locator(".map").nth(number)).to_have_attribute("data-painted", re.compile(r"\d+"))


def lasso(page: Page, number: int, x: float, y: float, radius_px: int) -> None:
    """Draw a circle around a place of a map, given by its shares of width and height."""
    press(page.get_by_role("button", name="Select with a lasso").nth(number))
    box = map_canvas(page, number).bounding_box()
    assert box is not None
    across, along = box["x"] + x * box["width"], box["y"] + y * box["height"]
    page.mouse.move(across + radius_px, along)
    page.mouse.down()
    for step in range(1, 33):
        angle = 2 * math.pi * step / 32
        page.mouse.move(across + radius_px * math.cos(angle), along + radius_px * math.sin(angle))
    page.mouse.up()
    settled(page)


def n_selected(page: Page) -> int:
    found = re.search(r"([\d,]+) objects? selected", page.locator(".st-key-selection").inner_text())
    assert found, "nothing is selected together"
    return int(found[1].replace(",", ""))


def test_bpt_and_mateos_diagrams_stand_beside_the_question_and_stay(survey):
    page, watched = survey
    go_to(page, "Labelling")
    answerable(page)
    stood = place_of_bar(page)
    for title in ("BPT: [N II]", "Mateos 2012 wedge"):
        add_panel(page, "2", title)
    expect(page.locator("canvas.plot")).to_have_count(3)
    for number, title in enumerate(("Catalogue, by label", "BPT: [N II]", "Mateos 2012 wedge")):
        painted(page, number)
        expect(page.locator(".map .title").nth(number)).to_have_text(title)
    assert place_of_bar(page) == stood, "the question has moved"

    shown, n = object_shown(page), n_labels(page)
    page.keyboard.press(key_of(page, "Star"))
    expect(page.locator(".st-key-card h3")).not_to_have_text(shown)
    assert n_labels(page) == n + 1

    page.reload()
    answerable(page)
    expect(page.locator(".map .title").nth(2)).to_have_text("Mateos 2012 wedge")
    expect(page.locator("canvas.plot")).to_have_count(3)

    press(map_canvas(page, 2), position={"x": 260, "y": 110})
    settled(page)
    here = object_shown(page)
    go_to(page, "Training")
    expect(bar(page)).to_contain_text(here)
    go_to(page, "Labelling")
    assert object_shown(page) == here
    menu = page.get_by_role("button", name="Menu of panel 3 in column 2")
    press(menu)
    for name in ("Left", "Right", "Up", "Down", "Narrower", "Wider"):
        expect(page.get_by_role("button", name=name, exact=True).first).to_be_attached()
    press(page.get_by_role("button", name="Full page"))
    expect(page.locator("canvas.plot")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("canvas.plot")).to_have_count(3)
    assert watched.errors == []
    assert watched.elsewhere == []


def test_a_note_is_written_without_a_hand_off_the_keys(survey):
    page, watched = survey
    go_to(page, "Labelling")
    answerable(page)
    here, n = object_shown(page), n_labels(page)
    settled(page)
    page.keyboard.press("t")
    note = page.get_by_role("textbox", name="Note")
    expect(note).to_be_focused()
    page.keyboard.type("two 1 nuclei")
    page.keyboard.press("Tab")
    page.keyboard.type("merger, odd")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Noted")).to_be_visible()
    settled(page)
    expect(page.locator(".st-key-card")).to_contain_text("two 1 nuclei")
    assert (object_shown(page), n_labels(page)) == (here, n), "what is typed answers nothing"
    page.keyboard.press("f")
    expect(page.get_by_role("textbox", name="Id or position")).to_be_focused()
    page.keyboard.press("Escape")
    assert watched.errors == []


def test_a_lasso_selection_is_labelled_and_undone(survey):
    page, watched = survey
    go_to(page, "Labelling")
    n = n_labels(page)
    go_to(page, "Explore")
    painted(page, 0)
    lasso(page, 0, 0.35, 0.5, 45)
    n_chosen = n_selected(page)
    assert n_chosen > 20

    press(page.get_by_role("button", name="Label all"))
    settled(page)
    page.get_by_role("radio", name="Galaxy").click()
    settled(page)
    button = page.get_by_role("button", name=re.compile(r"Label [\d,]+ objects as Galaxy"))
    found = re.search(r"Label ([\d,]+) objects", button.inner_text())
    assert found
    n_stated = int(found[1].replace(",", ""))
    assert 0 < n_stated <= n_chosen
    press(button)
    settled(page)
    expect(page.locator(".st-key-explore-top")).to_contain_text(
        f"{n_stated:,} objects labelled Galaxy."
    )
    go_to(page, "Labelling")
    assert n < n_labels(page) <= n + n_stated
    go_to(page, "Explore")
    press(page.get_by_role("button", name="Undo", exact=True))
    settled(page)
    expect(page.locator(".st-key-explore-top")).to_contain_text("Taken back")
    go_to(page, "Labelling")
    assert n_labels(page) == n
    assert watched.errors == []


def test_the_question_is_answered_by_keys_in_a_panel_of_explore(survey):
    page, watched = survey
    go_to(page, "Labelling")
    n = n_labels(page)
    go_to(page, "Explore")
    painted(page, 0)
    add_panel(page, "new", "The question")
    answerable(page)
    asked = bar(page).locator(".why").inner_text()
    page.keyboard.press(key_of(page, "Star"))
    expect(bar(page).locator(".confirmation")).to_contain_text("undo Z")
    expect(bar(page).locator(".why")).not_to_have_text(asked)
    page.keyboard.press("?")
    box = bar(page).locator(".keys").bounding_box()
    assert box is not None
    assert box["y"] >= 0, "the list of keys would be cut off above the page"
    page.keyboard.press("Escape")
    widths = bar(page).evaluate("bar => [bar.scrollWidth, bar.clientWidth]")
    assert widths[0] <= widths[1], "a button stands outside the panel"
    settled(page)
    page.keyboard.press("z")
    expect(bar(page).locator(".confirmation")).to_contain_text("Taken back")
    go_to(page, "Labelling")
    assert n_labels(page) == n
    assert watched.errors == []
