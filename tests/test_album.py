"""The pictures of an object: which there are, where, and that they never keep anybody waiting."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import Open, answer, make_table, small_setup, survey_config, survey_values
from PIL import Image
from stand_in import Answer, StandIn, fits_image, jpeg, stand_in, urls

from al_engine.background import BACKGROUND
from al_engine.curating.joining import join, undo_join
from al_engine.data import recent
from al_engine.data.catalogue import Catalogue
from al_engine.data.joined import JoinedTable
from al_engine.data.table import Table
from al_engine.exchange.configuration import read_configuration
from al_engine.loop.recording import as_file, change_layout
from al_engine.origin import named_instead
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project
from al_engine.services import cache, fetching
from al_engine.services.cutouts import CUTOUTS
from al_engine.services.fetching import Reply, Request
from al_engine.services.gallery import OFF, Gallery, wait_for_pictures
from al_engine.session import LabellingSession
from al_engine.settings.sky import Cutout, Sky
from al_engine.sharing.replay import load_settings
from al_engine.showing import album as albums
from al_engine.showing.album import Album, Frame
from al_engine.showing.curves import redshift_of
from al_engine.showing.galleries import FOLDER
from al_engine.showing.objects import object_card


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Servers for every service."""
    with stand_in(sdss=Answer(jpeg()), first=Answer(fits_image()), hips=Answer(jpeg())) as made:
        monkeypatch.setenv(fetching.SWITCH, "all")
        monkeypatch.setattr(fetching, "AGAIN_AFTER_S", 0.0)
        for place in ("sdss", "first", "hips", "legacy"):
            monkeypatch.setenv(f"SEXTANT_ADDRESS_{place.upper()}", f"{made.address}/{place}")
        yield made
        wait_for_pictures()


def session_of(
    tmp_path: Path, opened: Open, extra: dict | None = None, **columns
) -> LabellingSession:
    """The small survey with places on the sky, an arcminute apart, and columns besides."""
    values = survey_values()
    n = len(values["g"])
    values["ra"] = pa.array(150 + np.arange(n) / 60)
    values["dec"] = pa.array(np.zeros(n), mask=np.arange(n) == 5)
    values |= {name: pa.array(made) for name, made in (extra or {}).items()}
    config = survey_config()
    placed = {"ra": "ra", "dec": "dec", **columns}
    config = replace(config, columns=replace(config.columns, **placed))
    folder, _ = create_project(tmp_path / "home", "Sky", make_table(values), config)
    return LabellingSession(opened(folder), "Ada")


def frames(album: Album, row: int = 0) -> tuple[Frame, ...]:
    """The pictures of an object in the end."""
    album.frames(row)
    wait_for_pictures()
    return album.frames(row)


def said(album: Album, row: int = 0) -> list[str]:
    return [frame.shown.sentence for frame in frames(album, row)]


def test_sdss_and_first_stand_side_by_side_to_begin_with(tmp_path, opened, sky) -> None:
    album = Album(session_of(tmp_path, opened))
    assert [frame.shown.is_coming for frame in album.frames(0)] == [True, True]
    found = frames(album)
    assert [frame.title for frame in found] == ["SDSS", "FIRST"]
    assert [frame.field_arcsec for frame in found] == [30.0, 150.0]
    assert all(frame.shown.image for frame in found)


def test_without_a_place_there_is_no_picture_of_it(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    assert Album(session).frames(5) == ()
    session.change_settings(replace(session.config, pictures=False))
    assert Album(session).frames(0) == ()
    columns = replace(session.config.columns, ra=None)
    session.change_settings(replace(session.config, pictures=True, columns=columns))
    assert Album(session).frames(0) == ()
    assert not Album(session).has_pictures
    wait_for_pictures()
    assert sky.asked == []


def test_nor_is_there_one_of_a_value_that_stands_for_missing(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    album = Album(session)
    assert len(frames(album, 3)) == 2
    assert sorted(each.row for each in album.frames(4)[1].neighbours) == [3]
    missing = {**session.config.columns.missing, "ra": (150 + 3 / 60,)}
    columns = replace(session.config.columns, missing=missing)
    session.change_settings(replace(session.config, columns=columns))
    assert object_card(session, None, 3).position is None
    assert album.frames(3) == ()
    assert album.frames(4)[1].neighbours == ()


def test_each_way_to_fail_is_said_and_takes_no_other_picture_away(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    album = Album(session)
    surveys = tuple(Cutout("hips2fits", 60.0, s) for s in ("CDS/P/DSS2/color", "a/P/typed"))
    album.change(replace(Sky(), cutouts=(*Sky().cutouts[:2], *surveys, Cutout("gone"))))
    black = np.zeros((64, 64, 3), np.uint8)
    Image.fromarray(black).save(tmp_path / "black.png")
    sky.answers |= {
        "/sdss": Answer((tmp_path / "black.png").read_bytes()),
        "/first": Answer(b"<PRE>nothing</PRE>", kind="text/html"),
        "/hips?hips=a": Answer(b'{"title": "Unknown HiPS"}', 400, "application/json"),
    }
    assert said(album) == [
        "All black: the survey does not cover it.",
        "FIRST does not cover it.",
        "",
        "hips2fits answers with an error: Unknown HiPS.",
        f"No service 'gone' is there. {named_instead('gone', CUTOUTS)}",
    ]


def test_a_spectrum_is_there_where_the_column_is_and_has_kept_its_digits(
    tmp_path, opened, sky
) -> None:
    numbers = ["299489677444933632", "0", None] + ["299489677444933632"] * 297
    session = session_of(tmp_path, opened, {"specObjID": numbers})
    album = Album(session)
    assert frames(album)[2].title == "SDSS spectrum"
    assert frames(album)[2].field_arcsec is None
    assert any(path.endswith("?id=299489677444933632") for path, _ in sky.asked)
    for row in (1, 2):
        assert said(album, row)[2] == "It has no spectrum: its specobjid is empty."


def test_a_spectrum_alone_is_fetched_ahead_and_has_no_neighbours(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened, {"specobjid": ["299489677444933632"] * 300})
    album = Album(session)
    album.change(replace(Sky(), cutouts=(Cutout("sdss_spectrum"),)))
    album.fetch_ahead(100)
    wait_for_pictures()
    (frame,) = album.frames(100)
    assert frame.shown.image
    assert frame.neighbours == ()


def test_a_specobjid_that_is_a_real_number_is_no_longer_one(tmp_path, opened, sky) -> None:
    album = Album(session_of(tmp_path, opened, {"specobjid": np.full(300, 2.994896774449336e17)}))
    assert "whole numbers or text" in said(album)[2]


def test_zooming_goes_through_the_fields_of_one_picture_or_of_all(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    album = Album(session)

    def fields() -> list[float]:
        return [cutout.field_arcsec for cutout in album.sky.cutouts[:2]]

    album.zoom(1)
    assert fields() == [45.0, 180.0]
    album.zoom(-1, 0)
    assert fields() == [30.0, 180.0]
    for _ in range(30):
        album.zoom(-1)
    assert fields() == [6.0, 30.0]
    assert [frame.can_zoom_in for frame in album.frames(0)] == [False, False]
    again = LabellingSession(session.project, "Ben")
    assert Album(again).sky.cutouts[0].field_arcsec == 6.0


def test_another_look_at_the_sky_makes_no_round_again(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    state = session.start("QSO", small_setup())
    Album(session).zoom(1)
    assert session.state("QSO") is state
    after = answer(session)
    assert len(after.history.trained) == len(state.history.trained) + 1


def test_which_pictures_there_are_is_chosen_by_name_and_fields_are_kept(
    tmp_path, opened, sky
) -> None:
    session = session_of(tmp_path, opened)
    album = Album(session)
    offered = album.offered()
    assert [name for name in offered if offered[name].is_chosen] == ["sdss", "first"]
    assert {"hips2fits CDS/P/VLASS", "sdss_spectrum"}.isdisjoint(offered)
    titles = [offer.title for offer in offered.values()]
    for title in ("SDSS", "Pan-STARRS", "DESI Legacy", "DSS2", "2MASS", "AllWISE", "NVSS", "VLASS"):
        assert title in titles
    album.zoom(1, 1)
    album.change(album.chosen(["hips2fits CDS/P/NVSS", "first", " A/P/own "]))
    assert album.sky.cutouts == (
        Cutout("hips2fits", 60.0, "CDS/P/NVSS"),
        Cutout("first", 180.0),
        Cutout("hips2fits", 60.0, "A/P/own"),
        Cutout("sdss_spectrum"),
    )
    assert [frame.title for frame in album.frames(0)] == ["NVSS", "FIRST", "A/P/own"]
    assert album.chosen(list(album.offered())[:3]) == album.sky


def test_neighbours_are_marked_where_they_are_and_the_object_is_none(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    album = Album(session)
    near, wide = album.frames(100)
    assert near.neighbours == ()
    assert sorted(each.row for each in wide.neighbours) == [99, 101]
    assert {round(each.east_arcsec) for each in wide.neighbours} == {-60, 60}
    album.change(replace(album.sky, marks=False))
    assert album.frames(100)[1].neighbours == ()


def test_switched_off_nothing_is_asked_of_anybody(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    album = Album(session)
    frames(album, 0)
    n_asked = len(sky.asked)
    album.switch_network(False)
    album.fetch_ahead(2)
    assert said(album, 1) == [OFF, OFF]
    assert said(album, 0) == ["", ""]
    assert len(sky.asked) == n_asked
    album.switch_network(True)
    assert said(album, 1) == ["", ""]


def test_the_network_stays_off_whatever_another_session_does(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    session.start("QSO", small_setup())
    other = LabellingSession(session.project, "Ben")
    taken = read_configuration(
        as_file(session.project, session.moment(), is_private=False).encode()
    )
    edited = replace(session.config, author="Ada")
    Album(other).switch_network(False)
    session.change_settings(edited)
    load_settings(session, taken)
    change_layout(session.project, **vars(taken.layout))
    Album(session).zoom(1)
    assert not session.project.is_online
    assert said(Album(session), 1) == [OFF, OFF]
    folder = session.project.folder
    close_project(folder)
    assert not opened(folder).is_online
    assert sky.asked == []


def test_what_may_be_asked_next_is_there_before_it_is(tmp_path, opened, sky) -> None:
    session = session_of(tmp_path, opened)
    session.start("QSO", small_setup())
    album = Album(session)
    session.look_ahead("QSO", expect=album.fetch_ahead)
    session._maker.wait("QSO")
    wait_for_pictures()
    state = answer(session)
    assert state.question is not None
    assert all(frame.shown.image for frame in album.frames(state.question.row))
    album.fetch_soon([200, 201])
    BACKGROUND.wait()
    wait_for_pictures()
    assert all(frame.shown.image for frame in album.frames(201))


# -- pictures that the catalogue names -------------------------------------------------------------


def test_an_address_of_the_catalogue_to_this_machine_is_refused_directly_and_by_a_redirect(
    tmp_path, opened, sky, monkeypatch
) -> None:
    really = fetching.is_global
    monkeypatch.setattr(fetching, "is_global", lambda host: host == "127.0.0.2" or really(host))
    with stand_in("127.0.0.2", ok=Answer(jpeg())) as outside:
        outside.answers["/away"] = Answer(status=302, location=f"{sky.address}/sdss")
        ways = [f"{outside.address}/ok", f"{outside.address}/away", f"{sky.address}/sdss"]
        session = session_of(
            tmp_path, opened, {"image": ways + [""] * 297}, images=("image",), ra=None
        )
        album = Album(session)
        refused = (
            "'127.0.0.1' is a private or local host: no address of a catalogue may lead there."
        )
        assert [said(album, row) for row in range(4)] == [
            [""], [refused], [refused], ["No picture in the catalogue."],
        ]  # fmt: skip
        assert urls(outside) == ["/ok", "/away"]
    assert sky.asked == []


def test_files_of_the_image_folder_are_shown_fits_too(tmp_path, opened, sky) -> None:
    names = ["a.png", "a.fits", "words.png", "wide.png"] + [None] * 296
    session = session_of(tmp_path, opened, {"image": names}, images=("image",), ra=None)
    folder = session.project.folder / "images"
    folder.mkdir()
    Image.new("RGB", (3, 3), (9, 9, 9)).save(folder / "a.png")
    (folder / "a.fits").write_bytes(fits_image())
    (folder / "words.png").write_text("words")
    Image.new("1", (10_000, 6_000)).save(folder / "wide.png")
    album = Album(session)
    assert [said(album, row)[0] for row in range(4)] == [
        "", "", "It is not a picture.", "It would be 10,000 x 6,000 pixels: too large.",
    ]  # fmt: skip
    log = replace(album.sky, stretch="log")
    before = frames(album, 1)[0].shown.image
    album.change(log)
    assert frames(album, 1)[0].shown.image not in (b"", before)
    assert not (session.project.folder / FOLDER).exists(), "what is on the disk is not copied"


def joined_at(name: str, ra: float) -> Table:
    """A table to join by id: where one object lies, and its picture."""
    return make_table(
        {"of": pa.array([name]), "there": pa.array([ra]), "file": pa.array([f"{ra:g}.png"])}
    )


def test_pictures_come_after_a_join_was_undone_and_are_of_the_table_joined_now(
    tmp_path, opened, sky
) -> None:
    session = session_of(tmp_path, opened)
    folder = session.project.folder / "images"
    folder.mkdir()
    Image.new("RGB", (3, 3), (9, 9, 9)).save(folder / "20.png")
    album = Album(session)
    by_id = JoinedTable("places", ("name",), ("of",), ("there", "file"))
    kept = session.config
    for ra in (10.0, 20.0):
        join(session, joined_at(session.object_id(0), ra), by_id)
        columns = replace(session.config.columns, ra="there", images=("file",))
        session.change_settings(replace(session.config, columns=columns))
        file, optical, _ = frames(album)
        assert bool(file.shown.image) == (ra == 20.0)
        assert optical.shown.image
        assert any(f"ra={ra:.6f}" in path for path, _ in sky.asked)
        session.change_settings(kept)
        undo_join(session, "places")


# -- at length -------------------------------------------------------------------------------------


def test_a_deleted_project_gets_no_folder_of_pictures_again(tmp_path, opened, sky) -> None:
    sky.answers["/sdss"] = Answer(jpeg(), after_s=0.2)
    session = session_of(tmp_path, opened)
    Album(session).frames(0)
    close_project(session.project.folder)
    session.project.folder.rename(tmp_path / "away")
    wait_for_pictures()
    assert not session.project.folder.exists()


def test_a_service_of_an_extension_that_fails_is_said(tmp_path, opened, sky, monkeypatch) -> None:
    def ask(*of: object) -> Request:
        raise ZeroDivisionError("of mine")

    broken = replace(CUTOUTS["sdss"], name="mine", title="Mine", ask=ask)
    monkeypatch.setitem(CUTOUTS, "mine", broken)
    album = Album(session_of(tmp_path, opened))
    album.change(replace(Sky(), cutouts=(Cutout("mine"), Cutout("sdss"))))
    assert said(album)[0].startswith("Mine cannot be asked: ")
    assert said(album)[1] == ""


def test_many_objects_leave_memory_and_cache_bounded(tmp_path, opened, monkeypatch) -> None:
    """Card, pictures and neighbours, through a service that answers in the process."""
    n, most = 2_500, 1_000_000  # ten times more pictures than there is room for
    monkeypatch.setenv(fetching.SWITCH, "all")
    monkeypatch.setenv(cache.MOST_MB, str(most // 1_000_000))
    monkeypatch.setattr("al_engine.services.gallery.SHOWN_BYTES", 75_000)
    kinds = [jpeg(side=16), b"<PRE>", jpeg((9, 99, 9), 16), jpeg(side=16)[:200]]
    rng = np.random.default_rng(5)
    values = {
        "id": pa.array([f"J{i:05d}" for i in range(n)]),
        "class": pa.array([("STAR", "QSO", "GALAXY")[i % 3] for i in range(n)]),
        "g": pa.array(np.arange(n) % 3 + rng.normal(0, 0.1, n)),
        "ra": pa.array(rng.uniform(0, 1, n)),
        "dec": pa.array(rng.uniform(-0.5, 0.5, n)),
    }
    config = survey_config(x_axis="g", y_axis="g")
    columns = replace(config.columns, id="id", ra="ra", dec="dec", missing={})
    features = replace(config.features, base=("g",), combinations=())
    config = replace(config, columns=columns, features=features)
    folder, _ = create_project(tmp_path / "home", "Many", make_table(values), config)
    session = LabellingSession(opened(folder), "Ada")
    state = session.start("QSO", small_setup())
    album = Album(session)
    asked, marked = [], 0

    def get(request: Request, is_wanted: object) -> Reply:
        asked.append(request)
        return Reply(200, "", kinds[len(asked) % len(kinds)])

    gallery = Gallery(folder / FOLDER, get=get)
    monkeypatch.setattr(album, "_gallery", gallery)
    for i, row in enumerate(rng.permutation(n).tolist()):
        assert object_card(session, state, row).object_id == f"J{row:05d}"
        found = album.frames(row)
        assert len(found) == 2
        marked += len(found[1].neighbours)
        if i % 20 == 19:
            wait_for_pictures()
            assert not any(frame.shown.is_coming for frame in album.frames(row))
    wait_for_pictures()
    assert marked > n
    assert len(asked) == 2 * n
    on_disk = [path.stat().st_size for path in (folder / FOLDER).iterdir()]
    assert gallery.cache.n_bytes == sum(-(-size // 4096) * 4096 for size in on_disk)
    assert most / 2 < gallery.cache.n_bytes <= most
    assert 0 < gallery.shown_bytes <= 75_000
    assert len(album._places) == len(album._near) == albums.ROWS_KEPT
    assert len(session.project.catalogue._recent) == recent.ROWS_HELD


def test_a_card_and_its_pictures_ask_the_catalogue_once(tmp_path, opened, sky, monkeypatch) -> None:
    session = session_of(tmp_path, opened, redshift="z")
    state = session.start("QSO", small_setup())
    album = Album(session)
    album.frames(0)
    BACKGROUND.wait()
    asked = []
    fetch = Catalogue.fetch
    monkeypatch.setattr(Catalogue, "fetch", lambda *of: asked.append(of) or fetch(*of))
    for _ in range(2):
        object_card(session, state, 100)
        album.frames(100)
        redshift_of(session, 100)
    assert len(asked) == 1
