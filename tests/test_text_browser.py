"""Texts as a person reads them: reviews out of a file, a real Chromium."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import (
    Watched,
    answer,
    answerable,
    go_to,
    n_labels,
    object_shown,
    open_by_path,
    press,
    settled,
)
from playwright.sync_api import Page, expect

from al_engine.data.demo_reviews import review_values

pytestmark = pytest.mark.browser

N, N_ANSWERS = 400, 10
HOSTILE = "<img src=x onerror=alert(1)> <script>document.title='taken'</script> A fine film. "
LONG = "<br /><br />" + "It goes on, as reviews do, for more lines than a window has. " * 20


def test_ten_reviews_are_read_and_answered_by_key_and_the_model_learns_from_their_words(
    tmp_path: Path, tab: tuple[Page, Watched]
):
    page, watched = tab
    values = review_values()
    ids = [f"r{number}" for number in values["review_id"][:N]]
    reviews = [HOSTILE + str(text) + LONG for text in values["review"][:N]]
    sentiments = [str(sentiment) for sentiment in values["sentiment"][:N]]
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"id": ids, "review": reviews, "sentiment": sentiments}), path)
    said, truth = (dict(zip(ids, each, strict=True)) for each in (reviews, sentiments))

    open_by_path(page, path)
    expect(page.get_by_text("the words of review")).to_be_visible()
    press(page.get_by_role("button", name="Train with the guesses"))
    press(page.get_by_role("button", name="Start training"))
    answerable(page)
    go_to(page, "Labelling")
    before = n_labels(page)
    for _ in range(N_ANSWERS):
        answer(page, truth[object_shown(page)], by_key=True)
    assert n_labels(page) == before + N_ANSWERS

    text = said[object_shown(page)]
    frame = page.locator(".reader .frame")
    expect(frame.locator("p").first).to_contain_text("<script>document.title='taken'</script>")
    shown = re.sub(r"\s+", " ", " ".join(frame.locator("p").all_inner_texts()))
    wanted = re.sub(r"<br\s*/?>|\s+", " ", text)
    assert re.sub(r"\s+", " ", shown).strip() == re.sub(r"\s+", " ", wanted).strip()
    mark = frame.locator("mark").first
    expect(mark).to_have_attribute("title", re.compile("speaks (for|against)"))
    assert "underline" in mark.evaluate("each => getComputedStyle(each).textDecorationLine")
    assert "taken" not in page.title()
    assert frame.locator("img, script, b").count() == 0

    page.set_viewport_size({"width": 1280, "height": 420})
    settled(page)
    asked = object_shown(page)
    page.keyboard.press("PageDown")
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some("
        "each => each.shadowRoot?.querySelector('.frame')?.scrollTop > 0)"
    )
    assert object_shown(page) == asked
    assert (watched.errors, watched.elsewhere) == ([], [])
