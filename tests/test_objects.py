"""An object's card says what the catalogue, the answers and the classifiers say, and no more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import HOSTILE, HUGE, N_ROWS, small_setup, survey_values
from PIL import Image

from al_engine.errors import AnswerRefusedError
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.showing.objects import _text, object_card, show_number
from al_engine.showing.places import Position, find_object, position_of, read_position


def card_of(project: Project, row: int, **columns):
    config = project.config
    project.save_config(replace(config, columns=replace(config.columns, **columns)), "Ada")
    session = LabellingSession(project, "Ada")
    state = session.start("QSO", small_setup())
    return session, state, object_card(session, state, row)


def test_values_are_shown_in_full_with_a_dash_for_what_is_missing(project: Project) -> None:
    row = 3  # its G is missing
    _, _, card = card_of(project, row, info=("huge", "note"))
    values = {v.name: v.text for v in (*card.info, *card.features)}
    assert values["huge"] == str(HUGE + row)
    assert values["note"] == "same"
    assert values["G"] == "–"
    assert values[HOSTILE] == str(row % 5)
    assert float(values["g"]) == pytest.approx(survey_values()["g"][row].as_py(), rel=1e-6)


def test_catalogue_label_and_verified_label_stand_apart(project: Project) -> None:
    session, state, _ = card_of(project, 0)
    row = int(np.flatnonzero(session.project.dataset().codes == 0)[0])
    assert object_card(session, state, row).catalogue_label == "Galaxy"
    state = session.answer("QSO", row, "answer", "QSO", token=state.token)
    card = object_card(session, state, row)
    assert (card.catalogue_label, card.verified_label) == ("Galaxy", "Qso")


def test_probabilities_are_those_of_each_started_classifier(project: Project) -> None:
    session, state, card = card_of(project, 5)
    assert [name for name, _ in card.probabilities] == ["Qso"]
    session.start("STAR", small_setup())
    listed = dict(object_card(session, state, 5).probabilities)
    assert set(listed) == {"Qso", "Star"}
    for name, label in (("Qso", "QSO"), ("Star", "STAR")):
        p = float(session.state(label).fit.proba[5])
        assert listed[name] == (None if np.isnan(p) else p)


def test_a_position_reads_in_degrees_and_in_hours() -> None:
    position = Position(187.70593, 12.39112)
    assert position.degrees == "187.705930 +12.391120"
    assert position.sexagesimal == "12:30:49.42 +12:23:28.0"
    assert Position(359.9999999, -0.00001).sexagesimal == "00:00:00.00 -00:00:00.0"


def test_objects_without_a_place_on_the_sky_have_no_position(project: Project) -> None:
    _, _, card = card_of(project, 3, ra="G", dec="r")
    assert card.position is None
    _, _, card = card_of(project, 4, ra="g", dec="huge")
    assert card.position is None


def test_values_that_stand_for_missing_are_no_position(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    columns = session.config.columns
    # As a person types what a column of 32-bit reals rounds.
    found = {"ra": float(np.float32(-99.9)), "dec": 10.0}
    placed = replace(columns, ra="ra", dec="dec")
    assert position_of(placed, found) == Position(found["ra"], 10.0)
    for missing in ({"ra": (-99.9,)}, {"dec": (0.0, 10.0)}):
        assert position_of(replace(placed, missing=missing), found) is None
    assert position_of(replace(placed, missing={"g": (10.0,)}), found) is not None
    assert position_of(replace(placed, dec=None), found) is None


def test_an_object_is_found_by_its_id_and_another_id_is_a_sentence(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    assert find_object(session, " J919 ") == 1
    with pytest.raises(AnswerRefusedError, match="No object has the id 'J1'"):
        find_object(session, "J1")


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("188.5212 +0.9401", "188.521200 +0.940100"),
        (" 188.5212,-0.9401 ", "188.521200 -0.940100"),
        ("12:34:05.1 -00:56:24", "188.521250 -0.940000"),
        ("12 34 05.1 +00 56 24", "188.521250 +0.940000"),
        ("12h34m05.1s −0d56m24s", "188.521250 -0.940000"),
    ],
)
def test_a_position_is_read_as_people_write_it(text: str, degrees: str) -> None:
    position = read_position(text)
    assert position is not None
    assert position.degrees == degrees


@pytest.mark.parametrize("text", ["", "J919", "188.5", "10 95", "1 2 3 4", "12:34 +1", "nan nan"])
def test_what_is_no_position_is_not_taken_for_one(text: str) -> None:
    assert read_position(text) is None


def test_an_object_is_found_by_a_position_near_it(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    columns = replace(session.config.columns, ra="g", dec="r")
    session.change_settings(replace(session.config, columns=columns))
    values = project.catalogue.values(17, ["g", "r"])
    assert find_object(session, f"{values['g'] + 2 / 3600:.8f} {values['r']:.8f}") == 17
    assert find_object(session, "J919") == 1
    with pytest.raises(AnswerRefusedError, match=r"The nearest, J\d+, is .* degrees away"):
        find_object(session, "200 -60")


def test_a_place_links_to_what_others_know_of_it() -> None:
    links = dict(Position(-10.5, 3.25).links)
    assert list(links) == ["SIMBAD", "NED", "SDSS", "Legacy Survey"]
    assert all("349.500000" in address for address in links.values())
    assert all(address.startswith("https://") for address in links.values())


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (1237668296598749280, "1237668296598749280"),
     (0.1 + 0.2, "0.3"), (-9999.0, "-9999"), ("a", "a"), (True, "True")],
)  # fmt: skip
def test_numbers_read_as_a_person_writes_them(value, text) -> None:
    assert show_number(value) == text


def test_pictures_are_addresses_or_files_of_the_image_folder_and_nothing_else(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session, state, _ = card_of(project, 0, images=("note",))
    folder = project.folder / "images"
    folder.mkdir()
    for path in (folder / "same.png", project.folder / "secret.png"):
        Image.new("L", (2, 2)).save(path)
    (folder / "circle.png").symlink_to(folder / "circle.png")
    found = project.catalogue.values(0, project.catalogue.names())
    for text, attribute in (
        ("https://example.org/a.jpg", "address"),
        ("same.png", "path"),
        ("../secret.png", "sentence"),
        ("/etc/passwd", "sentence"),
        ("file:///etc/passwd", "sentence"),
        ("javascript:alert(1)", "sentence"),
        ("", "sentence"),
        ("http://[broken", "sentence"),
        ("a\0b.png", "sentence"),
        ("a" * 300 + ".png", "sentence"),
        ("circle.png", "sentence"),
        ("http://", "sentence"),
        ("ftp://example.org/a.png", "sentence"),
    ):
        monkeypatch.setattr(
            project.catalogue, "id_and_values", lambda *of, t=text: ("a", {**found, "note": t})
        )
        (picture,) = object_card(session, state, 0).pictures
        filled = [a for a in ("address", "path", "sentence") if getattr(picture, a)]
        assert filled == [attribute], text


def test_pixels_become_a_picture_of_their_shape(project: Project) -> None:
    names = ("g", "r", "z", HOSTILE)
    _, _, card = card_of(project, 7, pixels=names, image_width_px=2)
    (picture,) = card.pictures
    assert picture.pixels is not None
    assert picture.pixels.shape == (2, 2)
    values = [survey_values()[name][7].as_py() for name in names]
    assert picture.pixels.flatten().argmax() == int(np.argmax(values))
    assert (int(picture.pixels.min()), int(picture.pixels.max())) == (0, 255)


@pytest.mark.parametrize("row", [-1, N_ROWS])
def test_a_row_outside_the_catalogue_is_refused(project: Project, row: int) -> None:
    session, state, _ = card_of(project, 0)
    with pytest.raises(AnswerRefusedError, match=r"no object in row .*from 0 to 299"):
        object_card(session, state, row)


def test_texts_are_shown_in_full_line_by_line(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    columns = replace(session.config.columns, texts=("note", "class"))
    session.change_settings(replace(session.config, columns=columns))
    card = object_card(session, None, 7)
    assert [(text.name, text.lines) for text in card.texts] == [("note", ("same",)), ("class", ())]
    made = _text("review", "A <b>fine</b> film.<br /><br />Too long.\n")
    assert made.lines == ("A <b>fine</b> film.", "Too long.")
    assert (_text("x", "y" * 60_000).is_cut, len(_text("x", "y" * 60_000).lines[0])) == (
        True,
        50_000,
    )
