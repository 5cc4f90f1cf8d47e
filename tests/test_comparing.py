"""What a person compares with: reference objects with their pictures, in a panel or in one line."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import N_ROWS, answer, make_table, small_setup, survey_config, survey_values
from paging import EXPLORE, LABELLING, TRAINING, drawn_maps, fine, read, show
from stand_in import Answer, StandIn, fits_image, jpeg, stand_in

from al_engine.background import BACKGROUND
from al_engine.projects.creating import create_project
from al_engine.projects.opening import open_project
from al_engine.services import fetching
from al_engine.services.gallery import OFF, wait_for_pictures
from al_engine.session import LabellingSession
from al_engine.settings.config import People
from al_engine.settings.panels import Arrangement, Panel
from al_engine.showing.album import SMALL_PX, Album
from al_engine.showing.comparing import Comparing
from al_engine.showing.reference import NEAREST, TYPICAL

_nonces = itertools.count(5 * 10**6)


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with stand_in(sdss=Answer(jpeg(side=300)), first=Answer(fits_image())) as made:
        monkeypatch.setenv(fetching.SWITCH, "all")
        monkeypatch.setenv("SEXTANT_ADDRESS_SDSS", f"{made.address}/sdss")
        monkeypatch.setenv("SEXTANT_ADDRESS_FIRST", f"{made.address}/first")
        yield made
        wait_for_pictures()


def session_of(home: Path, extra: dict | None = None, **columns) -> LabellingSession:
    """The small survey, placed on the sky unless its columns say otherwise, begun."""
    values = survey_values()
    values["ra"], values["dec"] = pa.array(150 + np.arange(N_ROWS) / 60), pa.array([0.0] * N_ROWS)
    values |= {name: pa.array(made) for name, made in (extra or {}).items()}
    config = survey_config(x_axis="g", y_axis="r")
    named = {"ra": "ra", "dec": "dec", **columns}
    config = replace(config, columns=replace(config.columns, **named))
    folder, _ = create_project(home, "Sky", make_table(values), config)
    session = LabellingSession(open_project(folder), "Ada")
    session.start("QSO", small_setup())
    return session


def comparing_of(session: LabellingSession) -> Comparing:
    return Comparing(session, Album(session))


def asked_about(session: LabellingSession) -> int:
    question = session.state("QSO").question
    assert question is not None
    return question.row


def n_requests(sky: StandIn) -> int:
    return len(sky.asked)


# -- the engine ------------------------------------------------------------------------------------


def test_each_reference_has_the_first_picture_of_its_card_small(home, sky) -> None:
    session = session_of(home)
    comparing = comparing_of(session)
    found = comparing.references(session.state("QSO"), asked_about(session))
    listed = [*found.nearest, *itertools.chain(*found.typical)]
    assert (len(found.nearest), len(found.typical)) == (NEAREST, 3)
    assert all(shown.is_coming for shown in comparing.pictures(found.rows).values())
    wait_for_pictures()
    pictures = comparing.pictures(found.rows)
    assert set(pictures) == {each.row for each in listed}
    assert all(shown.image for shown in pictures.values())
    assert {path[:5] for path, _ in sky.asked} == {"/sdss"}, "the first, and no other"
    assert max(len(shown.image) for shown in pictures.values()) < 10 * SMALL_PX**2 // 8


def test_an_image_column_goes_before_the_sky_and_an_empty_one_does_not(home, sky) -> None:
    names = ["a.png" if i % 2 else None for i in range(N_ROWS)]
    session = session_of(home, {"image": names}, images=("image",))
    (session.project.folder / "images").mkdir()
    (session.project.folder / "images" / "a.png").write_bytes(jpeg((200, 0, 0)))
    album = Album(session)
    album.small([0, 1])
    wait_for_pictures()
    even, odd = album.small([0, 1]).values()
    assert even.image
    assert odd.image
    assert even.image != odd.image
    assert n_requests(sky) == 1


def test_where_the_catalogue_s_picture_fails_the_sky_stands_in(home, sky) -> None:
    session = session_of(home, {"image": [f"{sky.address}/sdss"] * N_ROWS}, images=("image",))
    album = Album(session)
    for _ in range(2):
        assert album.small([0])[0].is_coming, "first the one, then the other"
        wait_for_pictures()
    assert album.small([0])[0].image
    assert n_requests(sky) == 1, "an address of the catalogue never leads to this machine"


def test_pixels_of_columns_are_a_picture_that_nobody_is_asked_for(home, sky) -> None:
    session = session_of(home, pixels=("g", "r", "G", "z"), image_width_px=2, ra=None, dec=None)
    shown = Album(session).small([0, 1])
    assert all(each.image[:4] == b"\x89PNG" for each in shown.values())
    assert n_requests(sky) == 0


def test_what_has_no_picture_says_so_and_without_any_there_are_values(home, sky) -> None:
    dec = [None if i == 7 else 0.0 for i in range(N_ROWS)]
    session = session_of(home, {"dec": dec})
    assert Album(session).small([7])[7].sentence == "It has no picture."
    session.project.switch_network(False)
    assert Album(session).small([8])[8].sentence == OFF
    session.change_settings(replace(session.config, pictures=False))
    comparing = comparing_of(session)
    found = comparing.references(session.state("QSO"), asked_about(session))
    assert comparing.pictures(found.rows) == {}
    values = comparing.values(found.rows)
    g = session.project.axis("g")
    for each in found.nearest:
        assert values[each.row][0] == f"g {g[each.row]:.4g}"


def test_references_are_chosen_once_for_a_question_and_anew_after_an_answer(home, sky) -> None:
    session = session_of(home)
    comparing = comparing_of(session)
    state, row = session.state("QSO"), asked_about(session)
    found = comparing.references(state, row)
    assert comparing.references(session.state("QSO"), row) is found
    answer(session)
    after = comparing.references(session.state("QSO"), row)
    assert after is not found


def test_their_pictures_are_fetched_ahead_for_the_questions_that_may_come(home, sky) -> None:
    session = session_of(home)
    comparing = comparing_of(session)
    comparing.references(session.state("QSO"), asked_about(session))
    session.look_ahead("QSO", expect=comparing.fetch_ahead)
    session._maker.wait("QSO")
    BACKGROUND.wait()
    wait_for_pictures()
    answer(session)
    found = comparing.references(session.state("QSO"), asked_about(session))
    before = n_requests(sky)
    shown = comparing.pictures(found.rows)
    just_answered = {each.row for each in found.nearest if not each.is_given}
    assert all(each.image for row, each in shown.items() if row not in just_answered)
    wait_for_pictures()
    assert n_requests(sky) - before <= len(just_answered)


def test_nothing_is_shown_of_labels_that_others_gave_blind(home, sky) -> None:
    ada = session_of(home)
    ada.change_settings(replace(ada.config, people=People(several=True, blind=True)))
    for _ in range(4):
        answer(ada)
    ben = LabellingSession(ada.project, "Ben")
    comparing = comparing_of(ben)
    found = comparing.references(ben.state("QSO"), asked_about(ben))
    theirs = set(ada.state("QSO").history.verified) - set(ada.state("QSO").history.given)
    assert theirs
    assert not theirs & {each.row for each in found.nearest}
    comparing.fetch_ahead(asked_about(ben))
    BACKGROUND.wait()
    # Typical ones may be of the catalogue's: then it is the catalogue that says so.
    told = {each.row for each in itertools.chain(*found.typical) if not each.is_given}
    assert not theirs & told


# -- pages -----------------------------------------------------------------------------------------

COMPARE = Panel("compare")


def grid(at) -> dict | None:
    """What the grid was given to show."""
    heads = [head for head, _ in drawn_maps(at) if "groups" in head]
    return heads[0] if heads else None


def with_panel(at, page: str):
    held = Arrangement(((COMPARE,), (Panel("card"),)), (3, 3))
    at.session_state["sextant.looking"].exploring.panels[page] = held
    return fine(at.run())


@pytest.mark.parametrize(
    ("name", "page"), [("Labelling", LABELLING), ("Training", TRAINING), ("Explore", EXPLORE)]
)
def test_the_panel_stands_on_each_page_and_pictures_come_into_it(home, sky, name, page) -> None:
    session_of(home)
    at = with_panel(show(page, "sky"), name)
    head = grid(at)
    assert head is not None
    assert [group["title"] for group in head["groups"]] == [
        "To compare with: most alike", "Galaxy", "Qso", "Star",
    ]  # fmt: skip
    cells = [cell for group in head["groups"] for cell in group["cells"]]
    assert len(cells) == NEAREST + 3 * TYPICAL
    assert all(cell["id"] and cell["colour"] for cell in cells)
    assert all(cell["label"] for cell in head["groups"][0]["cells"])
    wait_for_pictures()
    cells = [cell for group in grid(fine(at.run()))["groups"] for cell in group["cells"]]
    assert all(cell["image"] and not cell["values"] for cell in cells)
    assert "Most alike" not in read(at), "the line is not there beside the panel"


def test_the_line_stays_where_the_panel_is_not(home, sky) -> None:
    session_of(home)
    at = fine(show(LABELLING, "sky"))
    assert grid(at) is None
    assert "Most alike" in read(at)


def test_a_click_shows_the_object_in_place_of_the_question(home, sky) -> None:
    session = session_of(home)
    at = with_panel(show(LABELLING, "sky"), "Labelling")
    cell = grid(at)["groups"][0]["cells"][2]
    event = {"kind": "click", "row": cell["row"], "nonce": next(_nonces)}
    at.session_state["compared-sky"] = {"event": event}
    fine(at.run().run())
    assert session.object_id(cell["row"]) in [each.value for each in at.subheader]
    assert cell["row"] not in [c["row"] for group in grid(at)["groups"] for c in group["cells"]]
    at.session_state["compared-sky"] = {"event": {**event, "row": 10**9, "nonce": next(_nonces)}}
    fine(at.run())
    assert session.object_id(cell["row"]) in [each.value for each in at.subheader]


def test_without_pictures_the_panel_lists_what_there_is(home, sky) -> None:
    session_of(home, ra=None, dec=None)
    at = with_panel(show(LABELLING, "sky"), "Labelling")
    cells = [cell for group in grid(at)["groups"] for cell in group["cells"]]
    assert all(len(cell["values"]) == 2 and cell["image"] is None for cell in cells)
    assert cells[0]["values"][0].startswith("g ")
    assert n_requests(sky) == 0


def test_before_a_classifier_is_started_the_panel_says_so(home, ready) -> None:
    at = with_panel(show(EXPLORE, "survey"), "Explore")
    assert grid(at) is None
    assert "This panel is of a classifier" in read(at)
