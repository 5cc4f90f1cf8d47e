"""Pages with pictures: where they stand, what is asked of them, and the switch in view."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import N_ROWS, make_table, small_setup, survey_config, survey_values
from paging import LABELLING, TEST_SET, TRAINING, bar, fine, pressed, read, show
from stand_in import Answer, StandIn, jpeg, stand_in
from streamlit.testing.v1 import AppTest

from al_engine.projects.creating import create_project
from al_engine.projects.opening import open_project
from al_engine.services.gallery import wait_for_pictures
from al_engine.session import LabellingSession
from al_engine.settings.panels import Arrangement, Panel


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with stand_in(sdss=Answer(jpeg()), first=Answer(b"<PRE>no</PRE>")) as made:
        monkeypatch.setenv("SEXTANT_NETWORK", "all")
        monkeypatch.setenv("SEXTANT_ADDRESS_SDSS", f"{made.address}/sdss")
        monkeypatch.setenv("SEXTANT_ADDRESS_FIRST", f"{made.address}/first")
        yield made
        wait_for_pictures()


@pytest.fixture
def placed(home: Path) -> LabellingSession:
    """The small survey with places on the sky, its QSO classifier started."""
    values = survey_values()
    values["ra"], values["dec"] = pa.array(150 + np.arange(N_ROWS) / 60), pa.array([0.0] * N_ROWS)
    config = survey_config(x_axis="g", y_axis="r")
    config = replace(config, columns=replace(config.columns, ra="ra", dec="dec"))
    folder, _ = create_project(home, "Sky", make_table(values), config)
    session = LabellingSession(open_project(folder), "Ada")
    session.start("QSO", small_setup())
    return session


def plates(at: AppTest) -> list[dict]:
    """What the row of pictures was given to show."""
    for sent in (each.proto.bytes for each in at.get("bidi_component") if each.proto.bytes):
        head = json.loads(sent[4 : 4 + int.from_bytes(sent[:4], "little")])
        if "plates" in head:
            return list(head["plates"])
    return []


@pytest.mark.parametrize("page", [LABELLING, TEST_SET])
def test_the_pictures_of_the_object_stand_on_its_card(placed, sky, page: str) -> None:
    at = fine(show(page, placed.project.slug))
    assert [each["title"] for each in plates(at)] == ["SDSS", "FIRST"]
    wait_for_pictures()
    first, second = plates(fine(at.run()))
    assert first["image"] is not None
    assert (second["image"], second["sentence"]) == (None, "FIRST does not cover it.")
    assert {"+", "-"} <= set(bar(at)["extra_keys"])


def named(widgets, label: str):
    return next(each for each in widgets if each.label == label)


def test_pages_without_a_card_have_no_keys_for_pictures(placed, sky) -> None:
    at = fine(show(TRAINING, placed.project.slug))
    assert plates(at) == []
    assert "+" not in bar(at)["extra_keys"]
    placed.change_settings(replace(placed.config, pictures=False))
    at = fine(show(LABELLING, placed.project.slug))
    assert plates(at) == []
    assert "+" not in bar(at)["extra_keys"]


@pytest.mark.parametrize("page", [TRAINING, LABELLING])
def test_keys_for_pictures_are_where_a_card_is_among_the_panels(placed, sky, page: str) -> None:
    at = show(page, placed.project.slug)
    name = at.session_state["sextant.page"]
    held = at.session_state["sextant.looking"].exploring
    for panels, has_card in (
        ((Panel("plot"),), False),
        ((Panel("plot"), Panel("card")), True),
    ):
        held.panels[name] = Arrangement((panels,), (3,))
        assert ("+" in bar(fine(at.run()))["extra_keys"]) == has_card
    held.full[name] = (0, 0)  # the plot alone
    assert "+" not in bar(fine(at.run()))["extra_keys"]


def test_a_key_changes_the_field_and_no_label(placed, sky) -> None:
    slug = placed.project.slug
    at = show(LABELLING, slug)
    n_events = len(placed.project.log.events())
    at.session_state[f"answers-{slug}-QSO"] = {"event": pressed(at, "key", "-")}
    fine(at.run().run())
    assert [each["field"] for each in plates(at)] == [45.0, 180.0]
    assert len(placed.project.log.events()) == n_events
    assert [cutout.field_arcsec for cutout in placed.layout.sky.cutouts[:2]] == [45.0, 180.0]


def test_pictures_are_chosen_and_shown_otherwise(placed, sky) -> None:
    at = show(LABELLING, placed.project.slug)
    wait_for_pictures()
    named(at.checkbox, "Invert").check().run()
    named(at.selectbox, "Stretch").select("log").run()
    choices = named(at.multiselect, "Of the sky")
    assert "Pan-STARRS" in choices.options
    choices.set_value(["first"]).run()
    fine(at)
    assert [each["title"] for each in plates(at)] == ["FIRST"]
    sky_now = placed.layout.sky
    assert (sky_now.inverted, sky_now.stretch) == (True, "log")


def test_how_pictures_are_shown_is_what_another_tab_chose_last(placed, sky) -> None:
    at, other = (show(LABELLING, placed.project.slug) for _ in range(2))
    wait_for_pictures()
    named(at.checkbox, "Invert").check().run()
    named(at.selectbox, "Stretch").select("log").run()
    named(at.multiselect, "Of the sky").set_value(["first"]).run()
    fine(other.run())
    assert named(other.checkbox, "Invert").value is True
    assert named(other.selectbox, "Stretch").value == "log"
    assert named(other.multiselect, "Of the sky").value == ["first"]
    named(other.checkbox, "Invert").uncheck().run()
    fine(at.run())
    assert named(at.checkbox, "Invert").value is False


def test_the_switch_of_the_network_is_in_view_and_is_kept(
    placed, sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = show(LABELLING, placed.project.slug)
    wait_for_pictures()
    (switch,) = [each for each in at.toggle if each.label == "Network"]
    assert switch.value is True
    fine(switch.set_value(False).run())
    assert not placed.project.is_online
    again = show(LABELLING, placed.project.slug)
    assert [each.value for each in again.toggle if each.label == "Network"] == [False]
    monkeypatch.setenv("SEXTANT_NETWORK", "none")
    assert "Network: off" in read(fine(again.run()))
