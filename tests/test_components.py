"""The map and the answer bar, from the Python side; what the browser sends is injected."""

import math
import re

import pytest
from streamlit.testing.v1 import AppTest

from al_engine.views.raster import View
from pages.components.answer_bar import Choice, assign_keys
from pages.components.scatter_map import MapEvent
from pages.components.words import plain

VIEWPORT = {
    "kind": "viewport",
    "x": [0.2, 0.4],
    "y": [1.0, 2.0],
    "width_px": 640,
    "height_px": 480,
    "fit": False,
    "axes": ["g-r", "u-g"],
    "moved": True,
    "nonce": 5,
}
CLICK = {
    "kind": "click",
    "at_x": 0.3,
    "at_y": 1.5,
    "x": [0.2, 0.4],
    "y": [1.0, 2.0],
    "width_px": 640,
    "height_px": 480,
    "nonce": 6,
}
BAR = {
    "action": "answer",
    "label": 1,
    "object_id": "1237648720693755918",
    "token": "t1",
    "seconds": 2.5,
    "nonce": 9,
}


def map_page() -> None:
    import streamlit as st

    from al_engine.views.raster import View
    from pages.components.scatter_map import Overlay, scatter_map, view_to_draw

    home = View((0.0, 1.0), (0.0, 3.0), 300, 200)
    axes = ("g-r", "u-g")
    st.session_state["drawn"] = view_to_draw("map", home, axes, "maps")
    st.session_state["other"] = view_to_draw("map2", home, axes, "maps")
    st.session_state["other_axes"] = view_to_draw("map", home, ("g-r", "z"), "maps")
    queried = Overlay("star", "queried", [0.5, float("nan")], [1.0, 2.0])
    event = scatter_map(
        "map",
        png=b"\x89PNG",
        view=home,
        x_title="g-r",
        y_title="u-g",
        group="maps",
        overlays=[queried],
    )
    st.session_state.setdefault("events", []).append(event)


def bar_page() -> None:
    import streamlit as st

    from pages.components.answer_bar import Choice, answer_bar

    called = st.session_state.setdefault("called", [])
    event = answer_bar(
        "bar",
        question="Is it a QSO?",
        object_id="1237648720693755918",
        token="t1",
        choices=[Choice(0, "Star"), Choice(1, "QSO", "#0072B2")],
        can_undo=False,
        on_event=called.append if st.session_state.get("by_callback") else None,
    )
    st.session_state.setdefault("events", []).append(event)


def names(*texts: str) -> list[Choice]:
    return [Choice(f"value of {text}", text) for text in texts]


@pytest.mark.parametrize(
    ("choices", "keys"),
    [
        ([], []),
        (names("Star", "Galaxy", "QSO"), ["1", "2", "3"]),
        (names(*"0123456789"), list("0123456789")),
        ([Choice(3, "Elliptical"), Choice(7, "Spiral")], ["3", "7"]),
        (names("Star", "1", "QSO"), ["2", "1", "3"]),
        ([Choice(1, "2"), Choice(2, "1")], ["2", "1"]),
        (names("10", "-1", "Q"), ["1", "2", "3"]),
        ([Choice(4, "a"), Choice("b", "4")], ["4", "1"]),
        (names(*"abcdefghijkl"), [*"1234567890", "", ""]),
        (names(*"abcdefghijk", "5"), [*"123467890", "", "", "5"]),
    ],
)
def test_a_digit_keeps_its_own_key_and_the_others_take_what_is_left(choices, keys):
    assert assign_keys(choices) == keys


def test_no_label_gets_a_letter():
    keys = assign_keys(names("C", "R", "U", "L", "Z", "N", *map(str, range(30))))
    assert set(keys) <= {*"0123456789", ""}


@pytest.mark.parametrize("page", [map_page, bar_page])
def test_a_component_is_mounted_once_and_reports_nothing_at_first(page):
    at = AppTest.from_function(page).run()
    assert not at.exception
    (mounted,) = at.get("bidi_component")
    assert "export default" in mounted.proto.js_content
    assert at.session_state["events"] == [None]


def test_the_map_keeps_its_identity_when_its_data_change():
    at = AppTest.from_function(map_page).run()
    before = at.get("bidi_component")[0].proto
    at.session_state["map"] = {"viewport": VIEWPORT}
    after = at.run().get("bidi_component")[0].proto
    assert before.id == after.id


def test_a_mark_without_a_place_is_not_sent_to_the_browser():
    data = AppTest.from_function(map_page).run().get("bidi_component")[0].proto.bytes
    assert b'"x": [0.5], "y": [1.0]' in data
    assert b"NaN" not in data
    assert data.endswith(b"\x89PNG")


def test_a_click_on_the_map_comes_out_once_in_data_coordinates():
    at = AppTest.from_function(map_page).run()
    at.session_state["map"] = {"event": CLICK}
    at.run()
    click = MapEvent("click", 0.3, 1.5, (0.2, 0.4), (1.0, 2.0), 640, 480, 6)
    assert at.session_state["events"][-1] == click
    assert click.view == View((0.2, 0.4), (1.0, 2.0), 640, 480)
    at.run()
    assert at.session_state["events"][-1] is None


def test_a_second_click_on_the_same_spot_comes_out_too():
    at = AppTest.from_function(map_page).run()
    for nonce in (6, 7):
        at.session_state["map"] = {"event": {**CLICK, "nonce": nonce}}
        at.run()
        assert at.session_state["events"][-1].nonce == nonce


def test_a_zoom_is_what_the_whole_group_draws_next_each_at_its_own_size():
    at = AppTest.from_function(map_page).run()
    assert at.session_state["drawn"] == View((0.0, 1.0), (0.0, 3.0), 300, 200)
    at.session_state["map"] = {"viewport": VIEWPORT}
    assert at.run().session_state["events"][-1].kind == "viewport"
    at.run()
    assert at.session_state["events"][-1] is None
    assert at.session_state["drawn"] == View((0.2, 0.4), (1.0, 2.0), 640, 480)
    assert at.session_state["other"] == View((0.2, 0.4), (1.0, 2.0), 300, 200)


@pytest.mark.parametrize("change", [{"fit": True}, {"moved": False}])
def test_a_map_that_was_fitted_or_only_resized_draws_home_at_its_new_size(change):
    at = AppTest.from_function(map_page).run()
    at.session_state["map"] = {"viewport": {**VIEWPORT, **change}}
    at.run().run()
    assert at.session_state["drawn"] == View((0.0, 1.0), (0.0, 3.0), 640, 480)


def test_new_axes_are_drawn_from_home_whatever_the_zoom_was():
    at = AppTest.from_function(map_page).run()
    at.session_state["map"] = {"viewport": VIEWPORT}
    at.run().run()
    assert at.session_state["other_axes"] == View((0.0, 1.0), (0.0, 3.0), 640, 480)


def test_an_answer_comes_out_once_with_the_object_that_was_on_the_screen():
    at = AppTest.from_function(bar_page).run()
    at.session_state["bar"] = {"event": BAR}
    event = at.run().session_state["events"][-1]
    assert (event.action, event.label, event.token) == ("answer", 1, "t1")
    assert event.object_id == "1237648720693755918"
    assert math.isclose(event.seconds, 2.5)
    assert at.run().session_state["events"][-1] is None


def test_an_answer_goes_to_the_callback_in_place_of_the_return_value():
    at = AppTest.from_function(bar_page)
    at.session_state["by_callback"] = True
    at.run()
    at.session_state["bar"] = {"event": BAR}
    at.run().run()
    assert [event.label for event in at.session_state["called"]] == [1]
    assert at.session_state["events"] == [None, None, None]


def test_the_browser_learns_which_event_was_dealt_with():
    at = AppTest.from_function(bar_page).run()
    assert '"handled": null' in at.get("bidi_component")[0].proto.json
    at.session_state["bar"] = {"event": BAR}
    at.run().run()
    assert '"handled": 9' in at.get("bidi_component")[0].proto.json


@pytest.mark.parametrize(
    "text",
    [
        "![p](http://127.0.0.1:9/x.png)",
        "HTTPS://example.org/a",
        "see www.example.org or WWW.example.org",
        "ask a.b+c@example.org",
    ],
)
def test_an_address_in_data_is_text_and_no_link(text):
    shown = re.sub(r"\\(.)", r"\1", plain(text))
    # What GitHub's Markdown makes links of, once it has taken signs for themselves.
    links = r"https?://|www\.|[-.\w+]@[-\w]"
    assert re.search(links, text, re.IGNORECASE)
    assert not re.search(links, shown, re.IGNORECASE)
    assert shown.replace("\u2060", "") == text
