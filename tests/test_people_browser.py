"""Two people in two browsers on one project, in a real Chromium before a real server."""

import re

import pytest
from browser import answerable, bar, go_to, new_tab, object_shown, press, settled
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def give_name(page: Page, name: str) -> None:
    """Say who one is, where a page asks."""
    expect(page.get_by_text("give the name that your answers are signed by")).to_be_visible()
    page.get_by_role("textbox", name="Your name").fill(name)
    press(page.get_by_role("button", name="Go on"))
    expect(page.get_by_role("button", name=f"Signed {name}")).to_be_visible()
    settled(page)


def answer(page: Page, key: str) -> str:
    """Answer the question by a key; the object that it was about."""
    answerable(page)
    shown = object_shown(page)
    page.keyboard.press(key)
    expect(page.locator(".st-key-card h3")).not_to_have_text(shown)
    settled(page)
    return shown


def saved(page: Page) -> None:
    """Wait until a widget's change, which looks done at once, has been dealt with."""
    page.wait_for_timeout(500)
    settled(page)


def points(page: Page) -> int:
    """How many objects the classifier is trained on by now."""
    go_to(page, "Settings")  # a link to the page one is on shows what was there before
    go_to(page, "Training")
    said = page.get_by_text(re.compile(r"^[\d,]+ labels trained on")).inner_text()
    found = re.search(r"([\d,]+) labels", said)
    assert found
    return int(found[1].replace(",", ""))


def test_two_browsers_label_one_project_blind_and_settle_what_they_differ_about(browser, app):
    with new_tab(browser, app) as (ada, seen_a), new_tab(browser, app) as (ben, seen_b):
        ada.goto(app.address)
        press(ada.locator(".st-key-demo-digits button"))
        ada.get_by_role("textbox", name="Your name").fill("Ada")
        ada.get_by_role("textbox", name="Your name").press("Tab")
        settled(ada)
        press(ada.get_by_role("button", name="Start training"))
        answerable(ada)
        go_to(ada, "People")
        press(ada.get_by_role("button", name="Several people answer here"))
        expect(ada.get_by_role("button", name="How people work together")).to_be_visible()
        settled(ada)
        press(ada.get_by_role("button", name="How people work together"))
        press(ada.get_by_text("Blind", exact=True))
        expect(ada.get_by_role("switch", name="Blind")).to_be_checked()
        saved(ada)
        every = ada.get_by_role("spinbutton")
        every.fill("2")
        every.press("Enter")
        saved(ada)
        ada.keyboard.press("Escape")

        # Ada labels, one after the other, what Ben cannot see.
        go_to(ada, "Labelling")
        by_ada = [answer(ada, "5") for _ in range(4)]
        ben.goto(ada.url)
        give_name(ben, "Ben")
        asked = [answer(ben, "6") for _ in range(4)]
        assert [name in by_ada for name in asked] == [False, True, False, True]
        n_points = [points(page) for page in (ada, ben)]
        assert n_points[0] == n_points[1]

        # Each sees what the other said of the two that both labelled, here and of no other.
        for page in (ada, ben):
            go_to(page, "People")
            expect(page.get_by_text("2 to settle")).to_be_visible()
            expect(page.get_by_text(re.compile("^Ada: 5 · Ben: 6$"))).to_be_visible()
        settle_key = bar(ben).get_by_role("button", name="5", exact=True)
        expect(settle_key).to_be_enabled()
        ben.keyboard.press("5")
        expect(ben.get_by_text("1 to settle")).to_be_visible()
        expect(bar(ben)).to_contain_text("settled as 5; undo Z")

        # Both are trained on it from now on; taken back, neither is.
        assert [points(page) for page in (ada, ben)] == [n_points[0] + 1] * 2
        go_to(ben, "People")
        expect(bar(ben).get_by_role("button", name="Undo")).to_be_enabled()
        ben.keyboard.press("z")
        expect(ben.get_by_text("2 to settle")).to_be_visible()
        assert [points(page) for page in (ada, ben)] == n_points
        assert (seen_a.errors, seen_b.errors) == ([], [])


def test_a_tab_that_was_open_before_several_people_answered_asks_for_a_name(browser, app):
    with new_tab(browser, app) as (ada, seen_a), new_tab(browser, app) as (ben, seen_b):
        ada.goto(app.address)
        press(ada.locator(".st-key-demo-digits button"))
        press(ada.get_by_role("button", name="Start training"))
        answerable(ada)
        ben.goto(ada.url)
        go_to(ben, "Labelling")
        answerable(ben)
        shown = object_shown(ben)
        go_to(ada, "People")
        press(ada.get_by_role("button", name="Several people answer here"))
        settled(ada)
        ben.keyboard.press("1")
        give_name(ben, "Ben")
        answerable(ben)
        assert object_shown(ben) == shown, "what was pressed without a name is no answer"
        assert (seen_a.errors, seen_b.errors) == ([], [])
