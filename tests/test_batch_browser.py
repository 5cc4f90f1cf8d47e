"""A batch side by side in a real Chromium: pictures, keys, several at once, one undo."""

import re

import pytest
from browser import App, answerable, go_to, press, settled
from playwright.sync_api import Locator, Page, expect

from al_engine.data.history import BATCH, TOGETHER
from al_engine.projects.project import Project

pytestmark = pytest.mark.browser


def cells(page: Page, kind: str = "") -> Locator:
    return page.locator(f".batch .cell{kind}")


def test_a_batch_of_digits_is_answered_side_by_side(tab, app: App) -> None:
    page, _ = tab
    press(page.locator(".st-key-demo-digits button"))
    size = page.get_by_role("spinbutton", name="Batch size")
    size.fill("12")
    size.press("Enter")
    settled(page)
    expect(page.get_by_role("combobox", name=re.compile("Query strategy"))).to_have_value(
        re.compile("Margin, clustered")
    )
    press(page.get_by_role("button", name="Start training"))
    answerable(page)
    expect(page.get_by_text("1 of a batch of 12")).to_be_visible()
    go_to(page, "Labelling")
    answerable(page)
    press(page.get_by_role("button", name="Batch", exact=True))
    expect(cells(page)).to_have_count(12)
    expect(cells(page).nth(11).locator("img")).to_have_attribute("src", re.compile("blob:"))
    expect(cells(page).first.locator(".guess")).to_have_text(re.compile(r"^[01]\.\d\d \d$"))
    settled(page)

    # One by one, faster than the server deals with them.
    for key in ("3", "ArrowRight", "3", "7"):
        page.keyboard.press(key)
    expect(cells(page, ".done:not(.sent)")).to_have_count(3)
    expect(cells(page).nth(1)).not_to_have_class(re.compile("done"))
    expect(page.locator(".batch .confirmation")).to_have_text("7: 1 object; undo Z")

    # Several at once, by the mouse and the space bar.
    for i in (5, 6):
        cells(page).nth(i).click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(page.locator(".batch .about")).to_have_text("3 selected:")
    # Firefox presses the button again as the key comes up, unless that is prevented.
    is_pressed_again = """cell => cell.dispatchEvent(
        new KeyboardEvent("keyup", { key: " ", bubbles: true, cancelable: true }))"""
    assert not cells(page).nth(7).evaluate(is_pressed_again)
    page.keyboard.press("5")
    expect(cells(page, ".done:not(.sent)")).to_have_count(6)
    page.keyboard.press("z")
    expect(page.locator(".batch .confirmation")).to_have_text("Taken back: 5, 3 objects")
    expect(cells(page, ".done")).to_have_count(3)

    # To the end: the next batch stands there, and one model has learned from all twelve.
    for i in range(12):
        if not cells(page).nth(i).evaluate("cell => cell.classList.contains('done')"):
            cells(page).nth(i).click()
    page.keyboard.press("u")
    expect(page.get_by_text("12 of 12 left")).to_be_visible()
    expect(cells(page, ".done")).to_have_count(0)

    # While the next batch is on its way there is nothing to undo in it yet: what led to it is.
    for i in range(12):
        cells(page).nth(i).click()
    page.keyboard.press("u")
    page.keyboard.press("z")
    expect(page.locator(".batch .confirmation")).to_have_text("Undo…")
    expect(page.locator(".batch .confirmation")).to_have_text("Taken back: unsure, 12 objects")
    expect(page.get_by_text("12 of 12 left")).to_be_visible()

    # What waits for the server as one goes away is given all the same.
    settled(page)
    page.keyboard.press("3")
    page.keyboard.press("4")
    page.keyboard.press("5")
    page.get_by_role("button", name="Back to the question").click()
    answerable(page)
    expect(page.get_by_text("4 of a batch of 12")).to_be_visible()
    press(page.get_by_role("button", name="Batch", exact=True))
    expect(cells(page, ".done")).to_have_count(3)
    settled(page)
    for key in ("6", "7", "8"):
        page.keyboard.press(key)
    side = page.locator("[data-testid=stSidebar]")
    side.get_by_role("link", name="Training", exact=True).click()
    expect(page.get_by_text("7 of a batch of 12")).to_be_visible()
    app.kill()

    project = Project(next(path.parent for path in app.home.glob("*/answers.duckdb")))
    given = [event for event in project.log.events() if event.payload and BATCH in event.payload]
    history = project.history(str(given[0].classifier))
    assert len(history.unsure) == 9
    assert [each.n_labelled for each in history.sets[:2]] == [5, 8]
    assert list(history.trained.values())[8:] == ["3", "4", "5", "6", "7", "8"]
    assert len([event for event in given if TOGETHER in (event.payload or {})]) == 3 + 9 + 12
    project.close()
