"""Labels that change while one labels, and an answer that is mended, in a real Chromium."""

import pytest
from browser import (
    answerable,
    bar,
    go_to,
    n_labels,
    object_shown,
    press,
    settled,
)
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
HEAD_PX, ROW_PX = 36, 26  # of the tables


def choices(page: Page) -> list[str]:
    return bar(page).locator("button.choice .name").all_inner_texts()


def choose_row(page: Page, number: int, row_px: int = ROW_PX) -> None:
    """Click on the box before a row of the table."""
    settled(page)
    box = page.locator("[data-testid=stDataFrame]").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 14, box["y"] + HEAD_PX + row_px * number + row_px / 2)
    settled(page)


def test_labels_are_renamed_merged_and_undone_and_an_answer_is_corrected(page: Page) -> None:
    press(page.locator(".st-key-demo-sky_survey button"))
    press(page.get_by_role("button", name="Start training"))
    answerable(page)
    go_to(page, "Labelling")
    answerable(page)
    asked = object_shown(page)
    page.keyboard.press("1")
    expect(page.locator(".st-key-card h3")).not_to_have_text(asked)
    answerable(page)
    assert (choices(page), n_labels(page)) == (["Galaxy", "Quasar", "Star"], 6)

    # A name and a definition, which stands over the button.
    to_labels = page.get_by_role("button", name="Labels", exact=True)
    back = page.get_by_role("button", name="Back to the question")
    press(to_labels)
    choose_row(page, 1, 28)
    name = page.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_have_value("Quasar")
    name.fill("QSO")
    page.get_by_role("textbox", name="Definition").fill("Broad lines at any redshift")
    press(page.get_by_role("button", name="Save label"))
    expect(page.get_by_role("button", name="Undo: Quasar renamed QSO")).to_be_visible()
    page.keyboard.press("2")  # nothing is asked here, so nothing is answered
    press(back)
    answerable(page)
    assert (choices(page), n_labels(page)) == (["Galaxy", "QSO", "Star"], 6)
    expect(bar(page).locator(".question")).to_have_text("Is it a QSO?")
    bar(page).get_by_role("button", name="QSO").hover()
    expect(bar(page).locator(".defined")).to_contain_text("Broad lines at any redshift")
    bar(page).locator(".question").hover()
    expect(bar(page).locator(".defined")).to_be_hidden()

    # Merged, and back.
    press(to_labels)
    choose_row(page, 2, 28)
    press(page.get_by_role("button", name="Merge Star into another"))
    expect(page.get_by_text("no object moves to another set")).to_be_visible()
    press(page.get_by_role("button", name="Merge", exact=True))
    press(page.get_by_role("button", name="Undo: Star merged into Galaxy"), trial=True)
    press(back)
    answerable(page)
    assert choices(page) == ["Galaxy", "QSO"]
    page.keyboard.press("1")
    expect(page.locator(".st-key-status")).to_contain_text("7 labels")
    answerable(page)
    press(to_labels)
    press(page.get_by_role("button", name="Undo: Star merged into Galaxy"))
    expect(page.get_by_role("button", name="Undo: Quasar renamed QSO")).to_be_visible()
    press(back)
    answerable(page)
    assert (choices(page), n_labels(page)) == (["Galaxy", "QSO", "Star"], 7)

    # An answer, corrected in the list and taken back there.
    press(page.get_by_role("button", name="Answers", exact=True))
    expect(page.get_by_text("2 answers listed")).to_be_visible()
    choose_row(page, 1)
    expect(page.locator(".st-key-answers-side")).to_contain_text(f"{asked} · Galaxy")
    press(page.get_by_role("combobox", name="It is"))
    press(page.get_by_role("option", name="QSO"))
    press(page.get_by_role("button", name="Correct", exact=True))
    expect(page.locator(".st-key-answers-side")).to_contain_text(f"{asked} · QSO")
    press(page.get_by_role("button", name="Undo", exact=True))
    expect(page.locator(".st-key-answers-side")).to_contain_text(f"{asked} · Galaxy")
    press(page.locator(".st-key-open-answer").get_by_role("button"))
    expect(page.locator(".st-key-card h3")).to_have_text(asked)
    page.reload()
    answerable(page)
    assert (choices(page), n_labels(page)) == (["Galaxy", "QSO", "Star"], 7)


def test_a_classifier_that_another_tab_merged_away_leads_to_the_one_it_goes_on_in(
    page: Page,
) -> None:
    press(page.locator(".st-key-demo-sky_survey button"))
    press(page.get_by_role("button", name="Start training"))
    answerable(page)
    go_to(page, "Labelling")
    answerable(page)
    other = page.context.new_page()
    other.goto(page.url)
    answerable(other)
    press(other.get_by_role("button", name="Labels", exact=True))
    choose_row(other, 1, 28)
    press(other.get_by_role("button", name="Merge Quasar into another"))
    press(other.get_by_role("button", name="Merge", exact=True))
    expect(other.get_by_role("button", name="Undo: Quasar merged into Galaxy")).to_be_visible()

    page.bring_to_front()
    page.keyboard.press("1")
    expect(bar(page).locator(".question")).to_have_text("Is it a Galaxy?")
    expect(bar(page)).to_contain_text("Quasar was merged into Galaxy")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert choices(page) == ["Galaxy", "Star"]
    page.keyboard.press("1")
    expect(bar(page)).to_contain_text("6 labels")
