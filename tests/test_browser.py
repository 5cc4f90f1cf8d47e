"""The app as a person uses it: a real server, a real Chromium, a real catalogue."""

import csv
import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest
from browser import (
    App,
    answer,
    answer_some,
    answerable,
    bar,
    chart,
    clicks,
    download,
    find,
    go_to,
    key_of,
    map_canvas,
    n_labels,
    new_tab,
    object_shown,
    open_by_path,
    place_of_bar,
    press,
    set_up_as_guessed,
    settled,
)
from playwright.sync_api import Browser, Locator, Page, expect

from al_engine.data.history import fold
from al_engine.data.splits import VALIDATION
from al_engine.projects.project import Project

pytestmark = pytest.mark.browser

BANDS = ("u", "g", "r", "i", "z")
PREDICT = """
import sys, joblib, numpy
predicted = joblib.load(sys.argv[1]).predict(numpy.load(sys.argv[2]))
assert "al_engine" not in sys.modules
numpy.save(sys.argv[3], predicted)
"""


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("browser")
    app = App(folder / "home", folder / "server.log")
    yield app
    app.kill()


@pytest.fixture
def app(server: App) -> App:
    """The one server, up again if a test has killed it."""
    if server.process is None:
        server.start()
    return server


def start_demo(page: Page, name: str) -> None:
    """From Home to the first question, as a newcomer goes."""
    press(page.locator(f".st-key-demo-{name} button"))
    press(page.get_by_role("button", name="Start training"))
    answerable(page)


def start_demo_with_two_classifiers(page: Page) -> Locator:
    """From Home to the Training page of the sky survey, with Star the one looked at; its tabs."""
    start_demo(page, "sky_survey")
    go_to(page, "Settings")
    press(page.get_by_role("radio", name="4 Classifiers"), force=True)
    press(page.get_by_role("combobox", name="A classifier for each of"))
    press(page.get_by_role("option", name="Star"))
    settled(page)
    page.keyboard.press("Escape")
    go_to(page, "Training")
    tabs = page.get_by_role("tab")
    press(tabs.nth(1))
    press(page.get_by_role("button", name="Start training"))
    answerable(page)
    return tabs


# -- the main job --------------------------------------------------------------------------------


def test_the_main_job_from_a_file_to_a_saved_model_survives_refresh_and_kill(
    shared_data, app, tab, tmp_path
):
    page, watched = tab
    source = shared_data / "sdss17" / "sdss17.csv.gz"
    with gzip.open(source, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    truth = {row["row_id"]: row["class"] for row in rows}

    import_and_set_up(page, source)
    assert clicks(page) <= 6

    go_to(page, "Labelling")
    assert n_labels(page) == 5
    answer_some(page, truth, 4)
    pass_with_unsure_and_later(page)
    take_one_back(page, truth)
    look_at_another_on_the_map(page)
    click_charts_and_answer(page, truth)
    answer_some(page, truth, 20 - n_labels(page))
    assert n_labels(page) == 20

    go_to(page, "Training")
    press(page.get_by_role("button", name="Checkpoint", exact=True))
    expect(page.get_by_role("button", name="Checkpointed", exact=True)).to_be_disabled()
    scores = scores_shown(page)
    go_to(page, "Labelling")
    asked = object_shown(page)

    page.reload()
    answerable(page)
    assert (object_shown(page), n_labels(page)) == (asked, 20)
    assert watched.errors == []

    app.kill()
    a_key_without_a_server_says_so(page)
    app.start()
    page.reload()
    answerable(page)
    assert (object_shown(page), n_labels(page)) == (asked, 20)
    watched.errors.clear()  # of the connection that was cut
    go_to(page, "Training")
    assert scores_shown(page) == scores
    assert watched.errors == []

    app.kill()
    page.goto("about:blank")
    watched.errors.clear()
    folder = app.home / "sdss17"
    assert_log_holds_it_all(folder, truth)
    stem = "QSO-RandomForest_Uncertainty"
    (checkpoint,) = (folder / "models").glob(f"{stem}-*.joblib")
    assert re.fullmatch(rf"{stem}-20-\d+-\d{{8}}_\d\d.\d\d.\d\d\.joblib", checkpoint.name)
    for model in (folder / "models" / f"{stem}.joblib", checkpoint):
        accuracy = accuracy_by_hand(model, rows, folder, tmp_path)
        assert scores["Accuracy"][1].split()[0] == f"{accuracy:.3f}"


def import_and_set_up(page: Page, source: Path) -> None:
    """From Home to the first question with every guess as it is, the guesses being right."""
    open_by_path(page, source)
    expect(page.get_by_text("35,183 objects · 16 columns")).to_be_visible()
    press(page.locator(".st-key-next-0 button"))
    for name, column in {"Id": "row_id", "Label": "class"}.items():
        expect(page.get_by_role("combobox", name=name, exact=True)).to_have_value(column)
    press(page.locator(".st-key-next-1 button"))
    expect(page.get_by_text("15 features: 5 columns + 10 by subtract")).to_be_visible()
    press(page.locator(".st-key-next-2 button"))
    expect(page.locator(".st-key-train-sdss17")).to_contain_text("QSO")
    press(page.locator(".st-key-next-3 button"))
    press(page.get_by_role("button", name="Start training"))
    answerable(page)
    expect(bar(page).locator(".question")).to_have_text("Is it a QSO?")


def pass_with_unsure_and_later(page: Page) -> None:
    before = n_labels(page)
    passed = [object_shown(page)]
    answer(page, "Unsure", by_key=True)
    passed.append(object_shown(page))
    answer(page, "Later", by_key=False)
    assert n_labels(page) == before
    assert object_shown(page) not in passed


def take_one_back(page: Page, truth: dict[str, str]) -> None:
    before, shown = n_labels(page), object_shown(page)
    answer(page, truth[shown], by_key=True)
    assert n_labels(page) == before + 1
    answer(page, "Undo", by_key=True)
    assert (object_shown(page), n_labels(page)) == (shown, before)


def look_at_another_on_the_map(page: Page) -> None:
    asked = object_shown(page)
    back = bar(page).get_by_role("button", name="Back to the queried object")
    expect(back).to_be_hidden()
    map_canvas(page).click(position={"x": 200, "y": 200})
    expect(back).to_be_visible()
    assert object_shown(page) != asked
    press(back)
    expect(page.locator(".st-key-card h3")).to_have_text(asked)
    expect(back).to_be_hidden()


def click_charts_and_answer(page: Page, truth: dict[str, str]) -> None:
    """A cell of a matrix and back, a round of the score plot and back; keys work after each."""
    labels = n_labels(page)
    for click_and_back in (click_a_cell, click_a_round):
        label = truth[object_shown(page)]
        go_to(page, "Training")
        answerable(page)
        trained_on = page.get_by_text(f"{labels} labels trained on")
        expect(trained_on).to_be_visible()
        click_and_back(page, trained_on)
        page.keyboard.press(key_of(page, label))
        labels += 1
        expect(page.get_by_text(f"{labels} labels trained on")).to_be_visible()
        answerable(page)
        go_to(page, "Labelling")
        assert n_labels(page) == labels


def click_a_cell(page: Page, _: object) -> None:
    said = page.get_by_text("objects: QSO, predicted other")
    place = place_of_bar(page)
    for shown in (True, False, True):  # the same cell again hides them again
        plot = chart(page, "Validation: click a cell").locator("rect.nsewdrag")
        size = plot.bounding_box()
        assert size is not None
        plot.click(position={"x": size["width"] / 4, "y": size["height"] / 4}, force=True)
        expect(said).to_be_visible(visible=shown)
        settled(page)
        assert place_of_bar(page) == place


def click_a_round(page: Page, trained_on: object) -> None:
    place = place_of_bar(page)
    chart(page, "labels trained on").locator("path.point").first.click(force=True)
    back = page.get_by_role("button", name="Back to the present")
    expect(back).to_be_visible()
    expect(page.get_by_text("5 labels trained on", exact=False).first).to_be_visible()
    assert place_of_bar(page) == place
    page.keyboard.press("n")
    expect(back).to_be_hidden()
    expect(trained_on).to_be_visible()
    answerable(page)


def a_key_without_a_server_says_so(page: Page) -> None:
    expect(page.locator("[data-testid=stApp]")).not_to_have_attribute(
        "data-test-connection-state", "CONNECTED"
    )
    page.keyboard.press("1")
    said = bar(page).locator(".confirmation")
    expect(said).to_have_text(re.compile("Not confirmed: no connection"))
    expect(bar(page)).to_have_attribute("aria-busy", "false")


def scores_shown(page: Page) -> dict[str, list[str]]:
    """The score table by row: what stands under training and under validation."""
    answerable(page)
    rows = page.locator(".st-key-scores tr").all_inner_texts()
    return {title: cells for title, *cells in (row.split("\t") for row in rows[1:])}


def assert_log_holds_it_all(folder: Path, truth: dict[str, str]) -> None:
    project = Project(folder)
    try:
        events = project.log.events("QSO")
        history = fold(events)
    finally:
        project.close()
    counted = Counter(event.kind for event in events)
    assert counted == {"given": 5, "answer": 16, "unsure": 1, "later": 1, "undo": 1}
    assert len(history.trained) == 20
    assert all(truth[str(e.object_id)] == e.label for e in events if e.kind == "answer")
    assert all(e.seconds is not None for e in events if e.kind == "answer")


def accuracy_by_hand(model: Path, rows: list[dict], folder: Path, tmp_path: Path) -> float:
    """Validation accuracy of a model file, from the catalogue's text and joblib alone."""
    band = {name: np.array([float(row[name]) for row in rows]) for name in BANDS}
    for values in band.values():
        values[values == -9999] = np.nan
    X = np.column_stack(
        [*band.values(), *(band[a] - band[b] for a, b in combinations(BANDS, 2))]
    ).astype(np.float32)
    about = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    assert [f["name"] for f in about["features"]] == [
        *BANDS,
        *(f"{a}-{b}" for a, b in combinations(BANDS, 2)),
    ]
    np.save(tmp_path / "X.npy", X)
    subprocess.run(
        [sys.executable, "-I", "-c", PREDICT, str(model), "X.npy", "predicted.npy"],
        cwd=tmp_path,
        check=True,
    )
    predicted = np.load(tmp_path / "predicted.npy")
    project = Project(folder)
    try:
        dataset = project.dataset()
    finally:
        project.close()
    # Ids of this file are its row numbers.
    assert [row["row_id"] for row in rows] == [str(i) for i in range(len(rows))]
    validation = dataset.parts == VALIDATION
    is_qso = np.array([row["class"] == "QSO" for row in rows])
    assert validation.sum() == about["scores"]["validation"]["n"]
    return float(np.mean(predicted[validation] == is_qso[validation]))


# -- the demo ------------------------------------------------------------------------------------


def test_a_newcomer_reaches_the_first_question_by_two_clicks(tab):
    page, _ = tab
    start_demo(page, "sky_survey")
    expect(bar(page).locator(".question")).to_have_text(re.compile("Is it an? .*"))
    assert clicks(page) == 2


def test_a_key_pressed_twice_gives_one_answer_and_none_while_one_types(tab):
    page, _ = tab
    start_demo(page, "digits")
    go_to(page, "Labelling")
    answerable(page)
    first, before = object_shown(page), n_labels(page)

    press(page.get_by_role("button", name=re.compile("Find")))
    field = page.get_by_role("textbox", name="Id")
    field.press_sequentially("3u7lz")
    assert field.input_value() == "3u7lz"
    page.keyboard.press("Escape")
    settled(page)
    answerable(page)
    expect(bar(page).get_by_role("button", name="Undo")).to_be_disabled()
    assert (object_shown(page), n_labels(page)) == (first, before)

    place = place_of_bar(page)
    press(bar(page).locator(".question"))
    page.keyboard.press("?")
    expect(bar(page).get_by_text("back to what is asked")).to_be_visible()
    assert place_of_bar(page) == place
    page.keyboard.press("?")
    page.keyboard.press("3")
    page.keyboard.press("3")
    expect(page.locator(".st-key-card h3")).not_to_have_text(first)
    answerable(page)
    assert n_labels(page) == before + 1
    page.keyboard.press("z")
    expect(page.locator(".st-key-card h3")).to_have_text(first)
    answerable(page)
    assert n_labels(page) == before
    expect(bar(page).get_by_role("button", name="Undo")).to_be_disabled()


def test_the_question_stands_at_one_place_and_a_name_is_asked_once(tab):
    page, _ = tab
    start_demo(page, "sky_survey")
    name = page.locator("[data-testid=stSidebar]").get_by_role("button", name=re.compile("Signed"))
    press(name)
    page.get_by_role("textbox", name="Your name").fill("Ada Löve; 2")
    page.get_by_role("textbox", name="Your name").press("Enter")
    expect(name).to_contain_text("Ada Löve; 2")
    place = place_of_bar(page)
    go_to(page, "Labelling")
    answerable(page)
    assert place_of_bar(page) == place
    page.set_viewport_size({"width": 1280, "height": 500})
    below = place_of_bar(page)
    page.locator("[data-testid=stMain]").evaluate("m => { m.scrollTop = 1e6 }")
    assert place_of_bar(page) == below
    # Nothing that can be reached lies under it for good.
    table = page.locator(".st-key-card").bounding_box()
    assert table is not None
    assert table["y"] + table["height"] <= below["y"]

    another = page.context.new_page()
    another.goto(page.url)
    answerable(another)
    side = another.locator("[data-testid=stSidebar]")
    expect(side.get_by_role("button", name=re.compile("Signed"))).to_contain_text("Ada Löve; 2")


def test_each_click_on_a_classifier_s_tab_shows_it(tab):
    page, _ = tab
    tabs = start_demo_with_two_classifiers(page)
    for _ in range(3):
        for number, name in enumerate(("Quasar", "Star")):
            press(tabs.nth(number))
            expect(bar(page).locator(".question")).to_have_text(f"Is it a {name}?")
            answerable(page)


def test_an_object_answered_in_one_tab_is_accepted_in_another_with_enter(tab):
    page, _ = tab
    tabs = start_demo_with_two_classifiers(page)

    go_to(page, "Labelling")
    question, accept = bar(page).locator(".question"), bar(page).get_by_text("Accept Galaxy")
    expect(question).to_have_text("Is it a Star?")
    asked = object_shown(page)
    page.keyboard.press("Enter")  # nothing is offered, so nothing happens
    press(page.get_by_role("radio", name="Quasar"), force=True)
    expect(question).to_have_text("Is it a Quasar?")
    find(page, asked)
    page.keyboard.press(key_of(page, "Galaxy"))
    expect(page.locator(".st-key-status")).to_contain_text("6 labels")
    expect(accept).to_be_hidden()

    press(page.get_by_role("radio", name="Star"), force=True)
    expect(question).to_have_text("Is it a Star?")
    expect(bar(page)).to_contain_text("You called it Galaxy in the tab Quasar.")
    answerable(page)
    page.wait_for_timeout(500)
    assert (object_shown(page), n_labels(page)) == (asked, 5), "it is never accepted by itself"
    page.keyboard.press("Enter")  # the focus is on the choice of the classifier
    expect(page.locator(".st-key-status")).to_contain_text("6 labels")
    expect(bar(page)).to_contain_text("Galaxy, 6 labels")

    go_to(page, "Training")
    press(tabs.nth(2))
    expect(page.get_by_text("Each tab has only its own answers.")).to_be_visible()
    expect(page.locator(".st-key-predicted-matrix table")).to_be_visible()
    expect(bar(page)).to_be_hidden()
    press(page.get_by_role("button", name="Open", exact=True).nth(0))
    expect(question).to_have_text("Is it a Quasar?")


def test_a_key_for_a_project_that_another_tab_deleted_leads_home(tab):
    page, _ = tab
    start_demo(page, "digits")
    slug = page.url.split("project=")[1]
    go_to(page, "Labelling")
    answerable(page)
    another = page.context.new_page()
    another.goto(page.url.split("/Labelling")[0])
    press(another.locator(f".st-key-ask-delete-{slug} button"))
    press(another.locator(f".st-key-delete-{slug} button"))
    expect(another.locator(f".st-key-open-{slug}")).to_be_hidden()
    page.keyboard.press("3")
    expect(page.get_by_role("link", name="Go to Home")).to_be_visible()
    side = page.locator("[data-testid=stSidebar]")
    expect(side.get_by_role("link", name="Labelling", exact=True)).to_be_hidden()


# Zooms out at once by as much as was zoomed in, and counts what is painted on the way.
ZOOM_OUT = """async (canvas, steps) => {
  const { left, top } = canvas.getBoundingClientRect();
  for (let i = 0; i < steps; i++) {
    const [clientX, clientY] = [left + 200, top + 150];
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: 300, clientX, clientY }));
  }
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const { width, height } = canvas;
  const plot = canvas.getContext("2d").getImageData(60, 12, width - 75, height - 56).data;
  return plot.filter((value, i) => i % 4 === 3 && value > 0).length;
}"""


def test_a_map_zoomed_out_shows_what_it_has_until_the_sharp_picture_comes(tab):
    page, _ = tab
    start_demo(page, "sky_survey")
    go_to(page, "Labelling")
    answerable(page)
    canvas, drawn = map_canvas(page), page.locator(".map").first
    expect(drawn).to_have_attribute("data-painted", re.compile(r"\d+"))
    settled(page)
    whole = canvas.evaluate(ZOOM_OUT, 0)
    painted = str(drawn.get_attribute("data-painted"))
    canvas.hover(position={"x": 200, "y": 150})
    for _ in range(5):
        page.mouse.wheel(0, -300)
    expect(drawn).not_to_have_attribute("data-painted", painted)
    settled(page)
    assert canvas.evaluate(ZOOM_OUT, 5) > whole / 2


def test_the_wheel_zooms_a_map_without_scrolling_the_page_or_making_the_map_anew(tab):
    page, _ = tab
    page.set_viewport_size({"width": 1280, "height": 500})
    start_demo(page, "sky_survey")
    go_to(page, "Labelling")
    answerable(page)
    canvas, drawn = map_canvas(page), page.locator(".map").first
    expect(drawn).to_have_attribute("data-painted", re.compile(r"\d+"))
    settled(page)
    canvas.scroll_into_view_if_needed()
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("m => m.scrollHeight > m.clientHeight")
    canvas.evaluate("c => { c.isTheSame = true }")
    scrolled = main.evaluate("m => m.scrollTop")
    before, painted = canvas.evaluate("c => c.toDataURL()"), drawn.get_attribute("data-painted")

    canvas.hover(position={"x": 220, "y": 150})
    page.mouse.wheel(0, -400)
    expect(drawn).not_to_have_attribute("data-painted", str(painted))
    settled(page)
    assert canvas.evaluate("c => c.toDataURL()") != before
    assert canvas.evaluate("c => c.isTheSame === true")
    assert main.evaluate("m => m.scrollTop") == scrolled

    canvas.hover(position={"x": 221, "y": 151})
    press(page.get_by_role("button", name="Fit: show everything").first)
    expect(drawn).not_to_have_attribute("data-painted", str(painted))
    answerable(page)


def test_eight_hundred_thousand_real_records_are_labelled_one_after_the_other(
    shared_data, app, tab
):
    page, _ = tab
    source = shared_data / "kddcup99" / "kddcup99_805k.parquet"
    records = pq.read_table(source, columns=["row_id", "label"]).to_pydict()
    truth = {str(i): label for i, label in zip(*records.values(), strict=True)}
    open_by_path(page, source)
    expect(page.get_by_text("805,050 objects · 44 columns")).to_be_visible()
    set_up_as_guessed(page)
    expect(bar(page).locator(".question")).to_have_text("Is it 'normal'?")
    go_to(page, "Labelling")
    answerable(page)
    given = {}
    for i in range(10):
        asked = object_shown(page)
        assert asked not in given, "each answer leads to another object"
        # Of forty labels only some have a button: any that is not the classifier's own will do.
        other = bar(page).locator(".choice .name").nth(1).inner_text()
        given[asked] = "normal" if truth[asked] == "normal" else other
        answer(page, given[asked], by_key=i % 2 == 0)

    app.kill()
    page.goto("about:blank")
    project = Project(app.home / "kddcup99-805k")
    try:
        events = [e for e in project.log.events("normal") if e.kind == "answer"]
        assert {event.object_id: event.label for event in events} == given
    finally:
        project.close()


def test_the_last_answer_of_a_pool_is_taken_back_by_its_key(tab, tmp_path):
    page, _ = tab
    source = tmp_path / "a-dozen.csv"
    rows = [f"{n},{n % 5}.5,{n % 7}.25,{'QSO' if n % 2 else 'STAR'}" for n in range(12)]
    source.write_text("\n".join(["id,u,g,class", *rows]), encoding="utf-8")
    open_by_path(page, source)
    set_up_as_guessed(page)
    go_to(page, "Labelling")
    question = bar(page).locator(".question")
    asked = []
    while question.inner_text() != "Nothing is left to ask.":
        answerable(page)
        asked.append(object_shown(page))
        page.keyboard.press("1")
        settled(page)
        expect(page.locator(".st-key-card").get_by_text(asked[-1], exact=True)).to_have_count(0)
    assert asked
    expect(bar(page).get_by_role("button", name="Unsure")).to_be_disabled()
    answerable(page)
    page.keyboard.press("z")
    expect(page.locator(".st-key-card h3")).to_have_text(asked[-1])
    answerable(page)


def test_an_answer_right_after_the_link_of_the_page_one_is_on_is_taken(tab):
    page, _ = tab
    start_demo(page, "digits")
    go_to(page, "Labelling")
    answerable(page)
    before = n_labels(page)
    go_to(page, "Labelling")
    answer(page, "3", by_key=True)
    assert n_labels(page) == before + 1


def test_a_deleted_project_comes_back_from_its_configuration(shared_data, app, tab, tmp_path):
    page, _ = tab
    source = tmp_path / "two_thousand.csv"
    with gzip.open(shared_data / "sdss17" / "sdss17.csv.gz", "rt", encoding="utf-8") as file:
        source.write_text("".join(next(file) for _ in range(2001)), encoding="utf-8")
    with source.open(encoding="utf-8") as file:
        truth = {row["row_id"]: row["class"] for row in csv.DictReader(file)}
    open_by_path(page, source)
    set_up_as_guessed(page)
    go_to(page, "Labelling")
    answer_some(page, truth, 3)
    pass_with_unsure_and_later(page)
    take_one_back(page, truth)
    asked, labels = object_shown(page), n_labels(page)
    go_to(page, "Training")
    scores = scores_shown(page)
    go_to(page, "Share")
    taken = download(page.get_by_role("button", name="Download", exact=True), tmp_path)

    press(page.locator("[data-testid=stSidebar]").get_by_role("link", name="Sextant"))
    settled(page)
    press(page.locator(".st-key-ask-delete-two-thousand button"))
    press(page.locator(".st-key-delete-two-thousand button"))
    expect(page.locator(".st-key-ask-delete-two-thousand")).to_have_count(0)
    assert not (app.home / "two-thousand").exists()

    open_configuration(page, taken)
    open_by_path(page, source, "Share")
    expect(page.get_by_text("These are the very data it was made on.")).to_be_visible()
    load_it(page)
    expect(page.get_by_text("the same scores, and the same question is next.")).to_be_visible()
    go_to(page, "Training")
    answerable(page)
    assert scores_shown(page) == scores
    go_to(page, "Labelling")
    answerable(page)
    assert (object_shown(page), n_labels(page)) == (asked, labels)


def open_configuration(page: Page, path: Path) -> None:
    """Give Home a configuration, which then waits for its catalogue."""
    opener = page.locator(".st-key-open-configuration")
    press(opener.get_by_text("Open a configuration"))
    opener.locator("input[type=file]").set_input_files(path)
    expect(opener.get_by_text(path.name)).to_be_visible()
    settled(page)


def load_it(page: Page) -> None:
    settled(page)
    press(page.get_by_role("button", name="Load", exact=True))


def test_a_configuration_of_astronomical_s_is_loaded_with_its_labels(shared_data, tab, tmp_path):
    page, _ = tab
    form = shared_data / "astronomical_form"
    theirs = json.loads((form / "config.json").read_text())
    n_answers = 0
    for classifier in theirs["classifiers"].values():
        classifier["classifier"][0] = "DTree"  # a thousand trees take their time
        n_answers += sum(y != -1 for y in classifier["y"])  # -1 is unsure
    (tmp_path / "config.json").write_text(json.dumps(theirs))
    open_configuration(page, tmp_path / "config.json")
    open_by_path(page, form / "sdss_3000.fits", "Share")
    expect(page.get_by_text("in AstronomicAL's form")).to_be_visible()
    load_it(page)
    expect(page.get_by_text(f"{n_answers} answers replayed.")).to_be_visible()
    press(page.get_by_role("link", name="Go to Training"))
    answerable(page)
    expect(page.get_by_text("38 labels trained on")).to_be_visible()
    expect(bar(page).locator(".question")).to_have_text("Is it a Star?")


# -- a server for strangers ------------------------------------------------------------------------


@pytest.fixture
def public_app(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A server of its own that strangers share."""
    monkeypatch.setenv("SEXTANT_PUBLIC", "1")
    app = App(tmp_path / "home", tmp_path / "server.log")
    app.start()
    yield app
    app.kill()


def key_in(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["key"][0]


def test_of_two_browsers_neither_reaches_the_other_s_project_pictures_or_exports(
    browser, public_app, tmp_path
):
    with new_tab(browser, public_app) as (ada, watched), new_tab(browser, public_app) as (eve, _):
        served: list[str] = []
        ada.on("response", lambda reply: served.append(reply.url))
        ada.goto(public_app.address)
        expect(ada.get_by_text("disk is temporary")).to_be_visible()
        expect(ada.get_by_text("From this computer's disk")).to_have_count(0)
        start_demo(ada, "digits")
        go_to(ada, "Labelling")
        shown = object_shown(ada)
        ada.keyboard.press("1")
        expect(ada.locator(".st-key-card h3")).not_to_have_text(shown)
        answerable(ada)
        key, slug = key_in(ada), parse_qs(urlsplit(ada.url).query)["project"][0]

        go_to(ada, "Share")
        press(ada.get_by_role("button", name="Write the labels"))
        expect(ada.get_by_text("Written: ")).to_be_visible()
        settled(ada)
        press(ada.get_by_role("button", name="Make the file"))
        file = download(ada.get_by_role("button", name=re.compile("^Download .*zip")), tmp_path)
        assert watched.errors == []

        # Eve knows the server, the project's name and how Sextant keeps its folders.
        eve.goto(public_app.address)
        expect(eve.get_by_text("None yet")).to_be_visible()
        own = key_in(eve)
        assert own != key
        (folder,) = (public_app.home / "visitors").iterdir()
        for tried in (own, folder.name, f"../visitors/{folder.name}", "%2e%2e", key[:-1]):
            for name in (slug, f"../{folder.name}/{slug}", f"visitors/{folder.name}/{slug}"):
                eve.goto(f"{public_app.address}/Labelling?key={tried}&project={name}")
                expect(eve.get_by_role("alert")).to_be_visible()
                settled(eve)
                assert bar(eve).count() == 0
                assert key_in(eve) != key
        # No address on the server's disk is served, whatever lies there.
        lying = [path for path in folder.rglob("*") if path.is_file()]
        kinds = {path.relative_to(folder / slug).parts[0] for path in lying}
        assert {"whole", "exports", "models", "catalogue.duckdb", "answers.duckdb"} <= kinds
        for path in lying:
            there = path.relative_to(public_app.home).as_posix()
            for tried in (
                there,
                f"media/{path.name}",
                f"app/static/{there}",
                f"media/..%2f..%2f{quote(there, safe='')}",
                f"static/..%2f..%2f..%2f{quote(there, safe='')}",
                f"component/{there}",
            ):
                reply = eve.request.get(f"{public_app.address}/{tried}")
                # Streamlit answers an address that it does not know with its own empty page.
                assert reply.status != 200 or b"<html" in reply.body(), tried
        # What the server does hand out goes by its contents, not by anything that can be guessed.
        paths = [urlsplit(url).path for url in served]
        handed = {path.rsplit("/", 1)[1] for path in paths if path.startswith("/media/")}
        assert [name for name in handed if name.endswith((".png", ".jpg"))]
        assert [name for name in handed if not re.match(r"[0-9a-f]{32,}\.", name)] == []

        # The file is what Ada takes elsewhere: as a stranger she opens it again.
        eve.goto(public_app.address)
        eve.locator("input[type=file]").first.set_input_files(file)
        expect(eve).to_have_title("Training · Sextant")
        answerable(eve)
        assert len(list((public_app.home / "visitors").iterdir())) == 2
        assert key_in(eve) != key
