"""A server for strangers: each sees their own projects only, and takes no more than is lent."""

import gzip
import os
import subprocess
import sys
import time
import weakref
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, answer, begin, make_table, survey_config, survey_values
from paging import LABELLING, PAGES, SHARE, bar, fine, read
from PIL import Image
from streamlit.config import get_option, set_option
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest
from test_pages import press

from al_engine import public
from al_engine.background import BACKGROUND
from al_engine.curating.models import checkpoint
from al_engine.errors import (
    ConfigurationError,
    ProjectError,
    PublicServerError,
    UnreadableFileError,
)
from al_engine.exchange.strict_json import read_json
from al_engine.home import find_project, list_projects
from al_engine.projects import opening
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project, sweep_visitors
from al_engine.services.cache import PictureCache
from al_engine.session import LabellingSession
from al_engine.sharing.exporting import bundles_of, write_model
from al_engine.sharing.packing import pack, packed, remove_packed
from al_engine.showing.objects import object_card
from al_engine.simulating.kept import simulations_of
from al_engine.starting import import_file, list_tables, start_demo
from pages.components import page as page_module


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of a public server."""
    folder = tmp_path / "root"
    folder.mkdir()
    monkeypatch.setenv("SEXTANT_PUBLIC", "1")
    monkeypatch.setenv("SEXTANT_HOME", str(folder))
    monkeypatch.setattr(ContextProxy, "cookies", {})
    page_module._look_after_visitors.clear()
    most = get_option("server.maxUploadSize")
    yield folder
    set_option("server.maxUploadSize", most)
    for path in list(opening._OPEN):
        close_project(path)


@pytest.fixture
def key(root: Path) -> str:
    return public.new_key()


@pytest.fixture
def visitor(root: Path, key: str) -> Path:
    """The home of one visitor."""
    return public.visitor_folder(root, key)


def survey(home: Path, name: str = "Survey", **changes: object) -> Path:
    config = replace(survey_config(), x_axis="g", y_axis="r")
    folder, _ = create_project(home, name, make_table(survey_values()), config, **changes)  # type: ignore[arg-type]
    return folder


# -- whose folder --------------------------------------------------------------------------------


def test_keys_are_long_and_never_alike():
    keys = {public.new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(public.is_key(key) for key in keys)


TRICKS = ["", "..", "../..", "/etc", "a" * 31, "a" * 33, "a" * 31 + "/", "a" * 31 + "\0", "é" * 32]


@pytest.mark.parametrize("key", TRICKS)
def test_what_cannot_be_a_key_names_no_folder(root, key):
    assert not public.is_key(key)
    with pytest.raises(PublicServerError):
        public.visitor_folder(root, key)


def test_a_folder_s_name_tells_nothing_of_the_key(root, key):
    folder = public.visitor_folder(root, key)
    assert folder.parent == root / "visitors"
    assert key not in str(folder)
    assert not public.is_key(folder.name)


def test_a_folder_goes_once_nobody_came_for_hours(root, visitor):
    folder = survey(visitor)
    open_project(folder)
    there = public.visitor_folder(root, public.new_key())
    survey(there)
    long_ago = time.time() - 3600 * public.limits().idle_hours - 60
    os.utime(visitor, (long_ago, long_ago))
    public.note_visit(there)
    sweep_visitors(root)
    assert not visitor.exists()
    assert there.is_dir()
    with pytest.raises(ProjectError, match="There is no project"):
        open_project(folder)


# -- how much --------------------------------------------------------------------------------------


def test_limits_can_be_set_and_a_wrong_one_is_named(root, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC_ROWS", "7")
    assert public.limits().rows == 7
    for wrong in ("-1", "0", "many", "1e5", "٣", "9" * 400):
        monkeypatch.setenv("SEXTANT_PUBLIC_ROWS", wrong)
        with pytest.raises(PublicServerError, match="SEXTANT_PUBLIC_ROWS"):
            public.limits()


@pytest.mark.parametrize(
    ("said", "is_meant"),
    [("", False), ("0", False), (" ", False), ("1", True), ("true", True), ("yes", True),
     ("TRUE", True), ("no idea", True)],
)  # fmt: skip
def test_whatever_the_variable_says_but_0_means_a_public_server(monkeypatch, said, is_meant):
    monkeypatch.setenv("SEXTANT_PUBLIC", said)
    assert public.is_public() is is_meant


def test_a_server_of_one_s_own_has_no_limits(monkeypatch, tmp_path):
    monkeypatch.delenv("SEXTANT_PUBLIC", raising=False)
    public.refuse_size(10**9, 10**6)
    public.refuse_upload(tmp_path, 10**15)
    public.refuse_server_file(tmp_path, Path("/etc/passwd"))
    assert public.most_unpacked_bytes() is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ROWS", "299", "more objects"),
        ("COLUMNS", "8", "more columns"),
        ("VISITOR_MB", "1", "disk"),
    ],
)
@pytest.mark.parametrize("knows_its_length", [True, False])
def test_a_catalogue_past_a_limit_costs_a_sentence_and_leaves_nothing(
    visitor, monkeypatch, name, value, said, knows_its_length
):
    monkeypatch.setenv(f"SEXTANT_PUBLIC_{name}", value)
    table = make_table(survey_values())
    if not knows_its_length:
        table = replace(table, n_rows=None)
    with pytest.raises(PublicServerError, match=said):
        create_project(visitor, "Survey", table, survey_config())
    assert not visitor.exists()


def test_all_visitors_together_take_no_more_than_the_server_has(root, visitor, monkeypatch):
    survey(public.visitor_folder(root, public.new_key()))
    monkeypatch.setenv("SEXTANT_PUBLIC_TOTAL_MB", "2")
    with pytest.raises(PublicServerError, match="All visitors' projects together"):
        survey(visitor)
    assert list_projects(visitor) == []


def test_pictures_are_kept_only_where_there_is_room(visitor, monkeypatch):
    project = open_project(survey(visitor))
    most = -(-public.used_bytes(visitor) // 1_000_000)
    monkeypatch.setenv("SEXTANT_PUBLIC_VISITOR_MB", str(most))
    (visitor / "x").write_bytes(bytes(1_000_000))
    pictures = PictureCache(project.folder / "pictures")
    pictures.keep("a", bytes(2_000))
    assert pictures.get("a") is None
    monkeypatch.delenv("SEXTANT_PUBLIC_VISITOR_MB")
    pictures = PictureCache(project.folder / "pictures")
    pictures.keep("a", bytes(2_000))
    assert pictures.get("a") is not None


@pytest.mark.parametrize("limit", ["VISITOR", "TOTAL"])
def test_pictures_go_before_anything_is_refused(visitor, monkeypatch, limit):
    project = open_project(survey(visitor))
    (project.folder / "images").mkdir()
    (project.folder / "images" / "mine.png").write_bytes(b"mine")
    pictures = PictureCache(project.folder / "pictures")
    for key in "abcd":
        pictures.keep(key, bytes(1_000_000))
    most = public.used_bytes(visitor) // 1_000_000 - 2
    monkeypatch.setenv(f"SEXTANT_PUBLIC_{limit}_MB", str(most))
    public.refuse_overuse(visitor)
    assert [pictures.get(key) for key in "abcd"] == [None] * 4
    assert pictures.n_bytes == 0
    assert (project.folder / "images" / "mine.png").exists()
    with pytest.raises(PublicServerError, match="disk"):
        public.refuse_overuse(visitor, 9_000_000)


def test_a_project_is_not_packed_where_there_is_no_room(visitor, monkeypatch):
    project = open_project(survey(visitor))
    monkeypatch.setenv("SEXTANT_PUBLIC_VISITOR_MB", "1")
    with pytest.raises(PublicServerError, match="disk"):
        pack(project)
    assert not (project.folder / "whole").exists()


def test_a_full_server_lets_everybody_take_their_work_away(root, visitor, monkeypatch):
    project = open_project(survey(visitor))
    other = public.visitor_folder(root, public.new_key())
    other.mkdir(parents=True)
    (other / "x").write_bytes(bytes(4_000_000))
    monkeypatch.setenv("SEXTANT_PUBLIC_TOTAL_MB", "3")
    with pytest.raises(PublicServerError):
        public.refuse_overuse(visitor)
    # Nor does the file before count beside the one that takes its place.
    first = pack(project)
    with first.open("ab") as file:
        file.write(bytes(2_000_000))
    most = -(-public.used_bytes(visitor) // 1_500_000) - 1
    monkeypatch.setenv("SEXTANT_PUBLIC_VISITOR_MB", str(most))
    with pytest.raises(PublicServerError):
        public.refuse_packing(visitor)
    assert pack(project) == first
    remove_packed(project)
    assert packed(project) is None


def test_disk_is_counted_in_blocks(tmp_path):
    for i in range(300):
        (tmp_path / f"{i}.png").write_bytes(b"x")
    blocks = (tmp_path / "0.png").stat().st_blocks * 512
    assert public.used_bytes(tmp_path) >= 300 * max(blocks, 1)


def test_arrays_and_checkpoints_past_the_disk_s_limit_are_refused(begun, visitor, monkeypatch):
    answer(begun)
    BACKGROUND.wait(begun.project)
    used = -(-public.used_bytes(visitor) // 1_000_000)
    monkeypatch.setenv("SEXTANT_PUBLIC_VISITOR_MB", str(used))
    (visitor / "x").write_bytes(bytes(1_000_000))
    config = begun.config
    features = replace(config.features, base=config.features.base[:2])
    with pytest.raises(PublicServerError, match="disk"):
        begun.project.prepare(replace(config, features=features))
    with pytest.raises(PublicServerError, match="disk"):
        checkpoint(begun, "QSO")
    with pytest.raises(PublicServerError, match="disk"):
        write_model(begun, bundles_of(begun)[0])


def test_a_file_too_large_is_refused_before_it_is_written(visitor):
    public.refuse_upload(visitor, 50_000_000)
    with pytest.raises(PublicServerError, match="takes 50 MB"):
        public.refuse_upload(visitor, 50_000_001)


def test_a_compressed_file_that_holds_too_much_is_refused(visitor, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC_UNPACKED_MB", "1")
    uploads = visitor / ".uploads-1"
    uploads.mkdir(parents=True)
    path = uploads / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000))
    with pytest.raises(Exception, match="more than the 1 MB"):
        import_file(visitor, path)
    assert list_projects(visitor) == []


def test_a_parquet_file_that_holds_too_much_is_refused(visitor, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC_UNPACKED_MB", "1")
    uploads = visitor / ".uploads-1"
    uploads.mkdir(parents=True)
    pq.write_table(pa.table({"t": ["x" * 10_000] * 300}), uploads / "bomb.parquet")
    with pytest.raises(UnreadableFileError, match="more than the 1 MB"):
        import_file(visitor, uploads / "bomb.parquet")
    assert list_projects(visitor) == []


def test_a_whole_project_of_countless_pictures_is_refused(visitor, monkeypatch):
    path = pack(open_project(survey(visitor)))
    uploads = visitor / ".uploads-1"
    uploads.mkdir(parents=True)
    full = uploads / "full.zip"
    full.write_bytes(path.read_bytes())
    with zipfile.ZipFile(full, "a") as archive:
        for i in range(20):
            archive.writestr(f"images/{i}.png", b"x")
    import_file(visitor, full)
    monkeypatch.setenv("SEXTANT_PUBLIC_MEMBERS", "20")
    with pytest.raises(UnreadableFileError, match="holds 24 files, and 20 are taken"):
        import_file(visitor, full)


def test_a_database_holds_no_more_memory_than_is_lent(visitor, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC_MEMORY_MB", "123")
    project = open_project(survey(visitor))
    for connection in (project.catalogue._connection, project.log._connection):
        (held,) = connection.execute("SELECT current_setting('memory_limit')").fetchone()
        assert held.startswith("117.3")  # MiB
    close_project(project.folder)
    monkeypatch.delenv("SEXTANT_PUBLIC")
    (held,) = (
        open_project(project.folder)
        .catalogue._connection.execute("SELECT current_setting('memory_limit')")
        .fetchone()
    )
    assert not held.startswith("117.3")


def test_no_error_names_the_server_s_disk(root, visitor, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(root / "secret"))

    uploads = visitor / ".uploads-1"
    uploads.mkdir(parents=True)
    (uploads / "a.csv").write_text("id,class,g\n1,A,2\n2,B,3\n")
    said = []
    for what, raised in (
        ("al_engine.starting.create_project", full),
        ("al_engine.projects.creating.import_table", duckdb_error),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(what, raised)
            with pytest.raises(ProjectError) as caught:
                import_file(visitor, uploads / "a.csv")
            said.append(str(caught.value))
    assert not [text for text in said if str(root) in text]
    assert "No space left on device" in said[0]
    assert "IO Error: Could not write file a file: full" in said[1]
    monkeypatch.delenv("SEXTANT_PUBLIC")
    monkeypatch.setattr("al_engine.starting.create_project", full)
    with pytest.raises(ProjectError, match="in '/"):
        import_file(visitor, uploads / "a.csv")


def duckdb_error(_: object, path: Path, *__: object) -> None:
    raise duckdb.IOException(f'IO Error: Could not write file "{path}": full')


@pytest.mark.parametrize("slug", ["a\0b", "x" * 300, "é" * 200, "a\nb", "\ud800", ".", "a/b"])
def test_what_can_be_no_folder_s_name_is_no_project_s(visitor, slug):
    with pytest.raises(ProjectError, match="no project's name"):
        find_project(visitor, slug)


def test_what_people_call_their_projects_is_a_project_s_name(visitor):
    for slug in ("survey", "My Survey (2)", "Übersicht", "x" * 255):
        assert find_project(visitor, slug) == visitor / slug


def test_a_configuration_is_no_longer_than_a_public_server_reads(root, monkeypatch):
    long = b"[" + b"[]," * 2_000_000 + b"[]]"
    with pytest.raises(ConfigurationError, match="5 MB are read at most"):
        read_json(long)
    monkeypatch.delenv("SEXTANT_PUBLIC")
    assert len(read_json(long)) == 2_000_001


def test_no_path_on_the_server_s_disk_is_opened(root, visitor, tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("a,b\n1,2\n")
    visitor.mkdir(parents=True)
    (visitor / "link.csv").symlink_to(path)
    for tried in (path, visitor / "link.csv", visitor / ".." / ".." / ".." / "secret.csv"):
        for refused in (import_file, list_tables):
            with pytest.raises(PublicServerError, match="Upload the file"):
                refused(visitor, tried)
    assert list_projects(visitor) == []


def test_the_server_s_own_pictures_are_not_shown(visitor, tmp_path, monkeypatch):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("L", (2, 2)).save(folder / "a.png")
    monkeypatch.setenv("SEXTANT_IMAGES", str(folder))
    values = survey_values()
    values["image"] = pa.array(["a.png"] * len(values["g"]))
    config = survey_config()
    config = replace(config, columns=replace(config.columns, images=("image",)))
    made, _ = create_project(visitor, "Pictures", make_table(values), config)
    session = begin(open_project(made))

    def shown() -> Path | None:
        return object_card(session, session.state("QSO"), 0).pictures[0].path

    assert shown() is None
    monkeypatch.delenv("SEXTANT_PUBLIC")
    assert shown() == folder / "a.png"


# -- memory ----------------------------------------------------------------------------------------


def test_what_was_used_longest_ago_is_closed_for_another_and_its_memory_given_back(
    visitor, monkeypatch
):
    monkeypatch.setenv("SEXTANT_PUBLIC_OPEN_PROJECTS", "2")
    monkeypatch.setattr(opening, "AT_WORK_S", 0.0)
    first, second, third = (survey(visitor, name) for name in ("A", "B", "C"))
    session = begin(open_project(first))
    state = answer(session)
    held = weakref.ref(session.project.dataset())
    assert session.learners
    open_project(second)
    open_project(third)
    assert session.project.is_closed
    assert not session.learners
    del state
    assert held() is None
    assert not open_project(third).is_closed
    again = LabellingSession(open_project(first), "Ada")
    assert open_project(second).is_closed is False
    assert len(again.state("QSO").history.trained) == 6


def test_while_all_are_at_work_another_is_told_to_wait(visitor, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC_OPEN_PROJECTS", "1")
    first, second = survey(visitor, "A"), survey(visitor, "B")
    at_work = open_project(first)
    with pytest.raises(PublicServerError, match="1 projects open"):
        open_project(second)
    assert open_project(first) is at_work
    assert not at_work.is_closed


def test_a_project_that_somebody_takes_away_is_not_closed_for_another(visitor, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC_OPEN_PROJECTS", "2")
    monkeypatch.setattr(opening, "AT_WORK_S", 0.0)
    folders = [survey(visitor, name) for name in ("A", "B", "C")]
    first, second = map(open_project, folders[:2])
    with first.at_work():
        open_project(folders[2])
        assert (first.is_closed, second.is_closed) == (False, True)
        with open_project(folders[2]).at_work(), pytest.raises(PublicServerError):
            open_project(folders[1])
    open_project(folders[1])
    assert first.is_closed or open_project(folders[0]) is first


def test_a_project_whose_simulation_runs_is_not_closed_for_another(visitor, monkeypatch):
    monkeypatch.setenv("SEXTANT_PUBLIC_OPEN_PROJECTS", "2")
    monkeypatch.setattr(opening, "AT_WORK_S", 0.0)
    folders = [survey(visitor, name) for name in ("A", "B", "C")]
    first, second = map(open_project, folders[:2])
    simulations = simulations_of(first)
    running = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    simulations._running["one"] = running
    open_project(folders[2])
    assert (first.is_closed, second.is_closed) == (False, True)
    assert running.poll() is None
    simulations.stop("one")
    open_project(folders[1])
    assert first.is_closed, "it was used longest ago, and nothing runs any more"


# -- pages -----------------------------------------------------------------------------------------


def visit(key: str = "", page: str = "", slug: str = "") -> AppTest:
    """Open a page in a browser of its own, by its address."""
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    for name, value in (("key", key), ("project", slug)):
        if value:
            at.query_params[name] = value
    at.run()
    fine(at)
    return at.switch_page(page).run() if page else at


def key_of(at: AppTest) -> str:
    found = at.query_params.get("key", "")
    return found if isinstance(found, str) else found[0]


@pytest.fixture
def begun(visitor: Path) -> LabellingSession:
    """One visitor's project, its first classifier started."""
    return begin(open_project(survey(visitor)))


def test_a_newcomer_gets_a_key_of_their_own_and_an_empty_home(root, begun):
    keys = []
    for _ in range(2):
        at = visit()
        assert "None yet" in read(at)
        assert "Bookmark this page" in read(at)
        keys.append(key_of(at))
    assert len({*keys}) == 2
    assert all(map(public.is_key, keys))


def test_a_visitor_comes_back_by_the_address_and_goes_on(key, begun):
    at = visit(key, LABELLING, "survey")
    fine(at)
    press(at, "answer", "STAR")
    assert len(begun.state("QSO").history.trained) == 6
    assert key_of(at) == key
    assert "**Survey**" in read(visit(key))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_the_disk_is_temporary_and_links_keep_the_key(key, begun, page):
    at = visit(key, page, "survey")
    fine(at)
    assert "disk is temporary" in read(at)
    links = [each.proto for each in at.get("page_link")]
    assert "Download it" in [link.label for link in links]
    assert all(f"key={key}" in link.query_string for link in links)


def test_share_begins_with_the_whole_project_to_take_along(key, begun):
    at = visit(key, SHARE, "survey")
    assert at.subheader[0].value == "The whole project, as one file"
    assert "in the project's folder" not in read(at), "which nobody reaches"


def test_home_opens_no_server_path_and_says_how_much_it_takes(root):
    at = visit()
    assert not [each.key for each in at.text_input if each.key.endswith("path")]
    assert "200,000 objects" in read(at)
    uploaders = at.get("file_uploader")
    assert [each.proto.max_upload_size_mb for each in uploaders] == [50, 5]
    assert get_option("server.maxUploadSize") == 50


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "slug", ["survey", "../{folder}/survey", "visitors/{folder}/survey", "..", "/", "."]
)
def test_another_visitor_s_project_is_not_there(root, begun, page, slug):
    at = visit("", page, slug.format(folder=begun.project.folder.parent.name))
    fine(at)
    assert at.error
    assert "300 objects" not in read(at)
    assert not at.get("bidi_component")


@pytest.mark.parametrize(
    "tried", ["{folder}", "../visitors/{folder}", ".", "..", "%2e%2e", "{key}x", "{half}", "a" * 32]
)
def test_no_trick_with_the_key_reaches_another_s_projects(root, begun, key, tried):
    tried = tried.format(folder=begun.project.folder.parent.name, key=key, half=key[:16])
    at = visit(tried)
    assert key_of(at) != tried
    assert public.is_key(key_of(at))
    assert "None yet" in read(at)


def test_a_project_that_was_closed_for_another_goes_on_where_it_was(key, begun, monkeypatch):
    at = visit(key, LABELLING, "survey")
    before = bar(at)
    close_project(begun.project.folder)
    at.run()
    fine(at)
    assert {name: bar(at)[name] for name in ("object_id", "token")} == {
        name: before[name] for name in ("object_id", "token")
    }
    close_project(begun.project.folder)
    press(at, "answer", "STAR")
    session = at.session_state["sextant.session"]
    assert len(session.state("QSO").history.trained) == 6


def test_a_visitor_takes_the_project_along_and_opens_it_in_a_new_home(root, key, begun):
    at = visit(key, SHARE, "survey")
    at.button(key="pack").click().run()
    fine(at)
    assert not at.error
    [download] = [b for b in at.get("download_button") if b.key == "download-whole"]
    assert "Download survey" in download.proto.label
    assert str(root) not in read(at)
    assert not at.code
    other = public.visitor_folder(root, public.new_key())
    uploads = other / ".uploads-1"
    uploads.mkdir(parents=True)
    (uploads / "survey.zip").write_bytes(
        (begun.project.folder / "whole" / "survey.zip").read_bytes()
    )
    at.button(key="unpack").click().run()
    fine(at)
    assert "download-whole" not in [b.key for b in at.get("download_button")]
    assert not (begun.project.folder / "whole" / "survey.zip").exists()
    folder, _ = import_file(other, uploads / "survey.zip")
    assert LabellingSession(open_project(folder), "B").state("QSO").question == (
        begun.state("QSO").question
    )


def test_a_demo_starts_within_the_limits_of_a_visitor(visitor):
    folder = start_demo(visitor, "digits")
    assert folder.parent == visitor
    assert public.used_bytes(visitor) < 50_000_000


def test_no_page_finds_projects_but_through_whose_they_are():
    # home_folder() is the server's, with the extensions of who started it; pages ask
    # state.home(), which knows the visitor.
    components = ROOT / "pages" / "components"
    own = {components / name for name in ("state/project.py", "page.py", "extensions.py")}
    named = [
        path.name
        for path in (ROOT / "pages").rglob("*.py")
        if "home_folder" in path.read_text(encoding="utf-8") and path not in own
    ]
    assert named == []
