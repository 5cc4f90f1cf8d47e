"""Keys in a real Chromium: which of them answer, and where the focus must be for that."""

from collections.abc import Callable, Iterator

import pytest
from browser import (
    App,
    add_panel,
    answerable,
    bar,
    go_to,
    map_canvas,
    n_labels,
    new_tab,
    press,
    settled,
)
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser
SED = ".st-key-panel-labelling-1-1"


@pytest.fixture(scope="module")
def page(browser: Browser, app: App) -> Iterator[Page]:
    """The question of the demo survey, with an SED that asks for its bands beside it."""
    with new_tab(browser, app) as (page, watched):
        page.goto(app.address)
        press(page.locator(".st-key-demo-sky_survey button"))
        press(page.get_by_role("button", name="Start training"))
        answerable(page)
        go_to(page, "Labelling")
        add_panel(page, "2", "SED")
        open_menu(page)
        press(page.get_by_role("button", name="Which column is which"))
        settled(page)
        yield page
        assert watched.errors == []


def open_menu(page: Page) -> Locator:
    press(page.locator(".st-key-panelmenu-labelling-1-1 button").first)
    menu = page.locator("[data-testid=stPopoverBody]")
    expect(menu).to_be_visible()
    return menu


def click_cell(page: Page, where: str, x: int, y: int) -> None:
    settled(page)
    table = page.locator(f"{where} [data-testid=stDataFrame]").first
    table.click(position={"x": x, "y": y})
    expect(table.locator(":focus")).to_have_count(1)  # the table takes it a moment later


def a_table(page: Page) -> None:
    click_cell(page, ".st-key-card", 60, 60)


def a_column_s_menu(page: Page) -> None:
    settled(page)
    table = page.locator(".st-key-card [data-testid=stDataFrame]").first
    table.hover(position={"x": 96, "y": 18})
    table.click(position={"x": 96, "y": 18})


def a_table_that_is_edited(page: Page) -> None:
    click_cell(page, SED, 300, 50)


def a_cell_that_is_edited(page: Page) -> None:
    click_cell(page, SED, 300, 50)
    page.keyboard.press("Enter")


def a_list_to_choose_from(page: Page) -> None:
    settled(page)
    page.locator(SED).get_by_role("combobox").first.click()


def a_panel_s_menu(page: Page) -> None:
    open_menu(page).get_by_role("button", name="Full page").focus()


def a_panel_s_menu_that_was_drawn_again(page: Page) -> None:
    press(open_menu(page).get_by_role("radio", name="3", exact=True))
    settled(page)
    expect(page.locator("[data-testid=stPopoverBody]")).to_be_visible()


def a_note(page: Page) -> None:
    press(page.get_by_role("button", name="Note"))
    page.get_by_role("textbox", name="Note").click()


def the_place_for_an_id(page: Page) -> None:
    press(page.get_by_role("button", name="Find"))
    page.get_by_role("textbox", name="Id").click()


def what_is_known(page: Page) -> None:
    press(page.get_by_role("button", name="What is known of its label"))


@pytest.mark.parametrize(
    "go",
    [
        a_table,
        a_column_s_menu,
        a_table_that_is_edited,
        a_cell_that_is_edited,
        a_list_to_choose_from,
        a_panel_s_menu,
        a_panel_s_menu_that_was_drawn_again,
        a_note,
        the_place_for_an_id,
        what_is_known,
    ],
)
def test_no_key_answers_while_the_focus_is_in(page: Page, go: Callable[[Page], None]) -> None:
    answerable(page)
    n = n_labels(page)
    go(page)
    for key in ("2", ".", "u"):
        page.keyboard.press(key)
    settled(page)
    answerable(page)
    assert n_labels(page) == n
    expect(bar(page).locator("button[data-sent=undo]")).to_be_disabled()
    expect(bar(page).locator("button.sure .name")).to_have_text("○○○")

    for _ in range(2):  # a list that is open is closed first, then what it stands in
        page.keyboard.press("Escape")
    press(bar(page).locator(".question"))


def test_keys_answer_again_once_the_focus_is_back_on_the_page(page: Page) -> None:
    a_table(page)
    press(map_canvas(page), position={"x": 4, "y": 4})  # beside the plot, where nothing is selected
    n = n_labels(page)
    page.keyboard.press("2")
    expect(page.locator(".st-key-status")).to_contain_text(f"{n + 1} labels")


def test_the_keys_are_about_the_line_of_the_audit_that_was_clicked(page: Page) -> None:
    page.keyboard.press("Escape")
    press(bar(page).locator(".question"))  # closes whatever menu is open
    answerable(page)
    settled(page)
    n = n_labels(page)
    page.keyboard.press("2")
    expect(page.locator(".st-key-status")).to_contain_text(f"{n + 1} labels")
    settled(page)
    press(page.get_by_role("button", name="Check labels", exact=True))
    press(page.get_by_role("button", name="Judge the labels"))
    shown = page.locator(".st-key-audit-card h3")
    expect(shown).to_be_visible()
    settled(page)
    first = shown.inner_text()
    click_cell(page, ".st-key-audit-list", 14, 100)
    expect(shown).not_to_have_text(first)
    settled(page)
    chosen = shown.inner_text()
    page.keyboard.press("y")
    expect(bar(page).locator("[role=status]")).to_contain_text(f"{chosen}: ")
    expect(bar(page).locator("[role=status]")).to_contain_text("confirmed")
