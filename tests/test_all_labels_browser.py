"""One classifier over ten digits, from the demo to a cell of its matrix, in a real Chromium."""

import pytest
from browser import (
    answer,
    answerable,
    bar,
    chart,
    go_to,
    n_labels,
    object_shown,
    press,
)
from playwright.sync_api import Page, expect
from sklearn.datasets import load_digits

pytestmark = pytest.mark.browser
OVER_ALL = "One classifier over all labels"


def test_ten_digits_are_told_apart_by_one_classifier(page: Page) -> None:
    truth = load_digits().target
    press(page.locator(".st-key-demo-digits button"))
    go_to(page, "Settings")
    press(page.get_by_text("4 Classifiers").first)
    press(page.get_by_text(OVER_ALL))
    expect(page.get_by_role("switch", name=OVER_ALL)).to_be_checked()
    go_to(page, "Training")
    press(page.get_by_role("tab", name="All labels"))
    press(page.get_by_role("button", name="Start training"))
    go_to(page, "Labelling")
    answerable(page)
    expect(bar(page)).to_contain_text("What is it?")
    before = n_labels(page)
    for i in range(3):
        answer(page, str(truth[int(object_shown(page))]), by_key=i % 2 == 0)
    assert n_labels(page) == before + 3
    go_to(page, "Training")
    answerable(page)
    matrix = chart(page, "predicted by column")
    box = matrix.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.05, box["y"] + box["height"] * 0.05)
    expect(page.locator(".st-key-scores-note")).to_contain_text("0, predicted 0")
