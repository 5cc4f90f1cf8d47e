"""Explore, and panels on every page that asks: added, arranged, linked, and what is selected."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from conftest import N_ROWS, answer
from paging import EXPLORE, LABELLING, TRAINING, bar, drawn_maps, fine, pressed, read, show

from al_engine.data.selections import list_selections
from al_engine.loop.together import at_once
from al_engine.projects.opening import close_project, open_project
from al_engine.session import LabellingSession
from al_engine.settings.panels import DEFAULTS, Arrangement, Panel
from al_engine.settings.quantities import Band
from al_engine.views.raster import is_warm, warm_up
from pages.components.looking import Posted
from pages.components.scatter_map import MapEvent

_nonces = itertools.count(10**6)


@pytest.fixture(scope="module", autouse=True)
def _warm():
    if not is_warm():
        warm_up()


def arranged(at, page: str, *columns: tuple[Panel, ...]):
    """The page with panels in place of those it begins with."""
    held = Arrangement(columns, (3,) * len(columns))
    at.session_state["sextant.looking"].exploring.panels[page] = held
    return fine(at.run())


def exploring(at):
    return at.session_state["sextant.looking"].exploring


def post(at, panel: Panel, **event):
    """Have the page deal with an event of a panel."""
    given = {"x": 0.0, "y": 0.0, "x_range": (-4.0, 6.0), "y_range": (-4.0, 6.0)}
    made = MapEvent(**{**given, "width_px": 400, "height_px": 300, "nonce": next(_nonces), **event})
    session = at.session_state["sextant.session"]
    label = "QSO" if session.is_started("QSO") else ""
    page = at.session_state["sextant.page"]
    if "sextant.posted" not in at.session_state:
        at.session_state["sextant.posted"] = []
    at.session_state["sextant.posted"].append(
        Posted("panel", page, session.project.slug, label, ((0, 0), panel, made))
    )
    return fine(at.run())


AROUND = ((-10.0, -10.0), (10.0, -10.0), (10.0, 10.0), (-10.0, 10.0))
PLOT = Panel("plot", x="g", y="r")


def test_explore_opens_before_any_classifier_is_started(ready):
    at = fine(show(EXPLORE, "survey"))
    assert [each.value for each in at.error] == []
    titles = [head["title"] for head, _ in drawn_maps(at)]
    assert titles == ["Basic plot, by label", "Histogram: g"]


@pytest.mark.parametrize("page", [TRAINING, LABELLING])
def test_a_page_begins_with_the_panels_it_always_had(survey_begun, page):
    at = fine(show(page, "survey"))
    titles = [head["title"] for head, _ in drawn_maps(at)]
    expected = {
        TRAINING: ["Training set", "Validation set", "Metric: uncertainty"],
        LABELLING: ["Catalogue, by label"],
    }
    assert titles == expected[page]


@pytest.mark.parametrize("page", ["Training", "Labelling", "Explore"])
def test_every_kind_of_panel_is_drawn_on_every_page_or_says_what_it_lacks(survey_begun, page):
    answer(survey_begun)
    files = {"Training": TRAINING, "Labelling": LABELLING, "Explore": EXPLORE}
    at = show(files[page], "survey")
    arranged(
        at,
        page,
        (Panel(), PLOT, Panel("density", x="g", y="r", x_log=True), Panel("sky")),
        (Panel("histogram", x="g", colour="correctness"), Panel("diagram", "mateos"), Panel("sed")),
        (Panel("card"), Panel("records"), Panel("map", "training"), Panel("extension", "gone")),
        (Panel("scores"), Panel("rounds"), Panel("plot", x="nowhere", y="g")),
        (Panel("compare"), Panel("question")),
    )
    said = read(at)
    assert "No columns of positions are set" in said
    assert "which column is which" in said
    assert "which columns are its bands" in said
    assert "is of an extension that is not here" in said
    assert "Column not here now: nowhere" in said, "a quiet line: a table may be joined again"
    assert len(at.error) == 1


def test_panels_are_there_again_when_the_project_is_opened_anew(ready):
    close_project(ready.project.folder)
    (ready.project.folder / "layout.json").write_text(
        '{"panels": {"Explore": {"columns": [[{"kind": "density", "x": "r", "y": "g"}]],'
        ' "widths": [9]}}}'
    )
    again = fine(show(EXPLORE, "survey"))
    assert [head["title"] for head, _ in drawn_maps(again)] == ["Density"]


def test_a_layout_that_is_damaged_gives_the_panels_of_the_beginning(ready):
    close_project(ready.project.folder)
    (ready.project.folder / "layout.json").write_text('{"panels": {"Explore": 5}}')
    at = fine(show(EXPLORE, "survey"))
    assert len(drawn_maps(at)) == 2


def test_a_click_in_a_panel_selects_the_object_on_every_page(survey_begun):
    at = fine(show(EXPLORE, "survey"))
    g, r = (survey_begun.project.axis(name) for name in "gr")
    row = 100
    post(at, PLOT, kind="click", x=float(g[row]), y=float(r[row]))
    chosen = at.session_state["sextant.looking"].selected["QSO"]
    assert (g[chosen], r[chosen]) == (g[row], r[row])
    assert survey_begun.object_id(chosen) in [each.value for each in at.subheader]
    at.switch_page(LABELLING).run()
    assert survey_begun.object_id(chosen) in [each.value for each in at.subheader]


def test_a_lasso_selects_and_its_objects_are_counted_listed_and_cleared(survey_begun):
    at = fine(show(EXPLORE, "survey"))
    post(at, PLOT, kind="area", outline=AROUND)
    assert f"**{N_ROWS} objects** selected" in read(at)
    post(at, PLOT, kind="area", outline=((90.0, 90.0), (91.0, 90.0), (91.0, 91.0)))
    assert exploring(at).together is None
    assert "No object lies inside" in read(at)


def test_a_range_of_a_histogram_selects_what_it_counts(survey_begun):
    at = fine(show(EXPLORE, "survey"))
    outline = ((0.0, 0.0), (1.0, 0.0), (1.0, 9.0), (0.0, 9.0))
    post(at, Panel("histogram", x="g"), kind="area", outline=outline)
    g = survey_begun.project.axis("g")
    assert exploring(at).together.n == int(((g >= 0) & (g <= 1)).sum())


def test_an_sed_of_an_object_without_flux_asks_for_no_picture(survey_begun):
    band = Band("g", "g", 0.5, scale="flux")
    quantities = replace(survey_begun.config.quantities, bands=(band,))
    survey_begun.change_settings(replace(survey_begun.config, quantities=quantities))
    at = show(LABELLING, "survey")
    none = int((survey_begun.project.axis("g") < 0).argmax())
    at.session_state["sextant.looking"].selected["QSO"] = none
    arranged(at, "Labelling", (Panel("card"),), (Panel("sed"),))
    (head,) = [head for head, _ in drawn_maps(at)]
    assert head["note"] == "This object has no flux in any band."
    assert not head["is_coming"]


def test_an_event_of_another_page_is_worth_nothing(survey_begun):
    at = fine(show(EXPLORE, "survey"))
    post(at, PLOT, kind="area", outline=AROUND)
    number = exploring(at).together.number
    at.switch_page(LABELLING).run()
    at.session_state["sextant.page"] = "Explore"
    post(at, PLOT, kind="area", outline=AROUND)
    assert exploring(at).together.number == number


QUESTION = Panel("question")


def n_bars(at) -> int:
    return sum('"question"' in (e.proto.json or "") for e in at.get("bidi_component"))


def test_the_question_is_a_panel_of_explore_and_answered_there(survey_begun):
    at = fine(show(EXPLORE, "survey"))
    assert n_bars(at) == 0
    arranged(at, "Explore", (PLOT,), (QUESTION, Panel("card")))
    assert n_bars(at) == 1
    shown, n = bar(at)["object_id"], survey_begun.state("QSO").n_trained
    at.session_state["answers-survey-QSO"] = {"event": pressed(at, "answer", "STAR")}
    fine(at.run().run())
    assert survey_begun.state("QSO").n_trained == n + 1
    assert bar(at)["object_id"] != shown
    assert "undo Z" in bar(at)["confirmation"]


def test_an_answer_that_is_refused_is_said_in_the_question_s_panel(survey_begun):
    at = show(EXPLORE, "survey")
    arranged(at, "Explore", (QUESTION, PLOT))
    event = pressed(at, "answer", "STAR")
    answer(survey_begun)
    at.session_state["answers-survey-QSO"] = {"event": event}
    fine(at.run().run())
    assert [each.value for each in at.error] == []
    assert "answered" in bar(at)["confirmation"]


def test_only_explore_has_the_question_as_a_panel(survey_begun):
    pages = {"Explore": EXPLORE, "Labelling": LABELLING}
    offered = {}
    for name, page in pages.items():
        at = arranged(show(page, "survey"), name, (Panel(), PLOT))
        (box,) = [each for each in at.selectbox if each.label == "Choose plot type"]
        offered[name] = box.options
        assert n_bars(at) == (name == "Labelling")
    assert set(offered["Explore"]) - set(offered["Labelling"]) == {"The question"}
    arranged(at, "Labelling", (QUESTION, PLOT))
    assert n_bars(at) == 1
    assert "The question is at the foot of this page." in read(at)


def test_columns_of_a_diagram_are_asked_once_and_remembered(survey_begun):
    at = show(EXPLORE, "survey")
    arranged(at, "Explore", (Panel("diagram", "mateos"),))
    for box, name in zip(
        [b for b in at.selectbox if b.key.endswith("-column")], ("G", "g", "r"), strict=True
    ):
        box.set_value(name)
    (button,) = [b for b in at.button if b.label == "Draw it"]
    button.click().run()
    fine(at)
    assert [head["title"] for head, _ in drawn_maps(at)] == ["Mateos 2012 wedge"]
    (head,) = [head for head, _ in drawn_maps(at)]
    assert len(head["lines"]) == 1
    again = LabellingSession(open_project(survey_begun.project.folder), "Bo")
    assert {q.column for q in again.config.quantities.known.values()} == {"G", "g", "r"}


# -- menus ---------------------------------------------------------------------------------------


def opened(at, key: str):
    """The page with a menu open."""
    at.session_state[key] = True
    return fine(at.run())


def test_a_panel_s_menu_changes_axes_scale_and_colours_and_they_are_kept(survey_begun):
    at = opened(show(EXPLORE, "survey"), "menu-Explore-0-0-0")
    boxes = {box.label: box for box in at.selectbox}
    boxes["X"].set_value("G").run()
    boxes = {box.label: box for box in at.selectbox}
    assert set(boxes) >= {"Choose plot type", "X", "Y", "Coloured by"}
    boxes["Coloured by"].set_value("probability").run()
    next(box for box in at.checkbox if box.label == "Log").check().run()
    fine(at)
    panel = exploring(at).panels["Explore"].columns[0][0]
    assert (panel.x, panel.colour, panel.x_log) == ("G", "probability", True)
    again = fine(show(EXPLORE, "survey"))
    head = next(head for head, _ in drawn_maps(again))
    assert head["axes"][0] == "G (log)"
    assert head["title"] == "Basic plot, by P(Qso)"


def test_a_panel_is_removed_and_the_page_is_as_at_first_again(survey_begun):
    at = opened(show(EXPLORE, "survey"), "menu-Explore-1-1-0")
    next(button for button in at.button if button.label == "Remove").click().run()
    fine(at)
    assert [len(column) for column in exploring(at).panels["Explore"].columns] == [2, 1]
    at = opened(at, "panels-Explore-1")
    next(button for button in at.button if button.label == "As at first").click().run()
    fine(at)
    assert exploring(at).panels["Explore"] == DEFAULTS["Explore"]


def test_a_panel_is_added_with_what_it_shows_in_one_step(survey_begun):
    at = opened(show(EXPLORE, "survey"), "panels-Explore-0")
    (add,) = [box for box in at.selectbox if box.label == "Add"]
    fine(add.set_value(("density", "")).run())
    assert Panel("density") in [p for c in exploring(at).panels["Explore"].columns for p in c]


def test_without_room_no_panel_is_offered(survey_begun):
    at = arranged(show(EXPLORE, "survey"), "Explore", *[(Panel(),) * 6] * 4)
    at = opened(at, "panels-Explore-0")
    assert "There is room for no more panels" in read(at)
    assert [box for box in at.selectbox if box.label == "Add"] == []


def test_from_a_panel_on_the_whole_page_there_is_a_way_back_in_view(survey_begun):
    at = opened(show(EXPLORE, "survey"), "menu-Explore-0-0-0")
    next(button for button in at.button if button.label == "Full page").click().run()
    assert len(drawn_maps(fine(at))) == 1
    next(button for button in at.button if button.label == "Back to all panels").click().run()
    assert len(drawn_maps(fine(at))) == 2


def test_it_is_said_on_a_plot_what_an_object_lacks_to_be_on_it(survey_begun):
    at = arranged(show(EXPLORE, "survey"), "Explore", (Panel("plot", x="g", y="r", x_log=True),))
    row = int((survey_begun.project.axis("g") <= 0).argmax())
    at.session_state["sextant.looking"].selected["QSO"] = row
    (head,) = [head for head, _ in drawn_maps(fine(at.run()))]
    names = [each["name"] for each in head["legend"]]
    assert "selected: not on this plot, no g (log)" in names


def test_a_selection_is_compared_kept_found_again_and_asked_about(survey_begun):
    at = show(EXPLORE, "survey")
    post(at, PLOT, kind="area", outline=((0.0, 0.0), (3.0, 0.0), (3.0, 3.0), (0.0, 3.0)))
    n = exploring(at).together.n
    opened(at, "compare-1-0")
    assert "Shift" in read(at)
    opened(at, "keep-1-0")
    assert "Save" in [each.proto.popover.label for each in at.get("popover")]
    at.text_input(key="keep-name-1").set_value("corner")
    next(button for button in at.button if button.label == "Save the selection").click().run()
    fine(at)
    assert [(s.name, s.n) for s in list_selections(survey_begun.project.folder)] == [("corner", n)]
    opened(at, "saved-0")
    at.button(key="saved-ask-0").click().run()
    fine(at)
    assert survey_begun.config.asking.among == "corner"
    opened(at, "saved-1")
    at.button(key="ask-all").click().run()
    fine(at)
    assert survey_begun.config.asking.among == ""


def test_a_selection_is_written_as_a_file(survey_begun):
    at = show(EXPLORE, "survey")
    post(at, PLOT, kind="area", outline=AROUND)
    opened(at, "export-1-0")
    at.button(key="export-do-1").click().run()
    fine(at.run())
    (path,) = (survey_begun.project.folder / "exports").glob("*objects.fits")
    assert path.stat().st_size > 2880
    assert [each.proto.label for each in at.get("download_button")] == ["Download"]


def test_what_is_selected_together_is_marked_in_histograms_and_unmarked_on_any_page(survey_begun):
    at = arranged(show(EXPLORE, "survey"), "Explore", (Panel("histogram", x="g"),))
    post(at, PLOT, kind="area", outline=((0.0, -90.0), (1.0, -90.0), (1.0, 90.0), (0.0, 90.0)))
    (head,) = [head for head, _ in drawn_maps(at)]
    assert head["legend"][-1]["name"] == "selected together"
    assert sum(head["bars"][-1]["high"]) == exploring(at).together.n > 0
    at.switch_page(LABELLING).run()
    at = opened(at, "panels-Labelling-0")
    next(b for b in at.button if b.label == "Select nothing together").click().run()
    assert exploring(fine(at)).together is None


def test_labelling_all_of_a_selection_leaves_validation_and_test_unless_asked_to(survey_begun):
    at = show(EXPLORE, "survey")
    post(at, PLOT, kind="area", outline=AROUND)
    opened(at, "label-1-0")
    at.session_state["together-1"] = "STAR"
    at.run()
    (toggle,) = [each for each in at.toggle if each.label.startswith("Correct validation")]
    assert not toggle.value
    found = at_once(survey_begun.project, survey_begun.project.history("QSO"), np.arange(N_ROWS))
    assert 0 < found.n_training < len(found.rows)
    (button,) = [each.label for each in at.button if each.label.endswith("as Star")]
    assert button == f"Label {found.n_training} objects as Star"
    toggle.set_value(True).run()
    (button,) = [each.label for each in at.button if each.label.endswith("as Star")]
    assert button == f"Label {len(found.rows)} objects as Star"
    toggle.set_value(False).run()
    fine(at.button(key="together-do-1").click().run())
    fine(at.run())
    history = survey_begun.project.history("QSO")
    assert set(found.training.tolist()) <= set(history.trained)
    assert not history.corrected


def test_undo_is_offered_for_a_selection_and_not_for_what_was_answered_since(survey_begun):
    at = show(EXPLORE, "survey")
    post(at, PLOT, kind="area", outline=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    opened(at, "label-1-0")
    at.session_state["together-1"] = "STAR"
    at.run()
    at.button(key="together-do-1").click().run()
    fine(at)
    assert "labelled Star" in read(at)
    assert [button.label for button in at.button if button.label == "Undo"] == ["Undo"]
    answer(survey_begun)
    fine(at.run())
    assert [button.label for button in at.button if button.label == "Undo"] == []
