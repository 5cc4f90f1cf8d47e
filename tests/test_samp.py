"""Tables handed to other programs, through a real hub on this machine."""

import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from astropy.table import Table
from conftest import N_ROWS, answer, begin

from al_engine.errors import ServiceError
from al_engine.projects.project import Project
from al_engine.services import samp
from al_engine.services.samp import Program
from al_engine.sharing import exporting

library: Any = samp._library()


@pytest.fixture
def lockfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a hub says how to reach it, away from the one of whoever runs the tests."""
    path = tmp_path / "samp lock"
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{path.as_uri()}")
    return path


@pytest.fixture
def hub(lockfile: Path) -> Iterator[Path]:
    """A real hub; the path of its file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = library.SAMPHubServer(web_profile=False, mode="multiple", addr="127.0.0.1")
        server.start()
    lines = [f"{key}={value}" for key, value in server.params.items()]
    lockfile.write_text("\n".join(["# SAMP", *lines]))
    yield lockfile
    server.stop()


class Receiver:
    """A program at the hub that loads tables, as TOPCAT does."""

    def __init__(self, hub: Path, name: str) -> None:
        self.heard: list[dict[str, str]] = []
        self._told = threading.Event()
        self.client = library.SAMPIntegratedClient(name=name, addr="127.0.0.1")
        self.client.connect(hub_params=samp._hub())
        self.client.bind_receive_notification(samp.LOAD_TABLE, self._hear)

    def _hear(self, key: str, sender: str, mtype: str, params: Any, extra: Any) -> None:
        self.heard.append(params)
        self._told.set()

    def wait(self) -> dict[str, str]:
        assert self._told.wait(10)
        return self.heard[-1]


@pytest.fixture
def topcat(hub: Path) -> Iterator[Receiver]:
    receiver = Receiver(hub, "TOPCAT")
    yield receiver
    receiver.client.disconnect()


def loaded(message: dict[str, str]) -> Table:
    """The table that a message names, read as a receiver would."""
    address = urlsplit(message["url"])
    assert address.scheme == "file"
    return Table.read(unquote(address.path), format="votable")


def test_the_labelled_set_reaches_a_program_at_a_real_hub(
    project: Project, topcat: Receiver
) -> None:
    session = begin(project)
    answer(session)
    assert exporting.send(session, exporting.labels_of(session), None) == ["TOPCAT"]
    heard = topcat.wait()
    assert heard["name"] == "Survey, labels"
    assert len(loaded(heard)) == 6


def test_a_selection_reaches_the_one_program_that_was_chosen(
    project: Project, hub: Path, topcat: Receiver
) -> None:
    aladin = Receiver(hub, "Aladin")
    try:
        first, second = exporting.programs()
        assert (first.name, second.name) == ("Aladin", "TOPCAT")
        rows = [N_ROWS - 1, 0, 7]
        assert exporting.send(
            begin(project), exporting.objects_of(begin(project), rows), first
        ) == ["Aladin"]
        table = loaded(aladin.wait())
        assert table["huge"].tolist() == [str(2**64 - 1 - N_ROWS + row) for row in rows]
        assert topcat.heard == []
    finally:
        aladin.client.disconnect()


def test_a_program_that_left_is_named(hub: Path, topcat: Receiver, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="'Aladin' is gone: no program"):
        samp.send_table(tmp_path / "t.vot", "t", Program("c9", "Aladin"))


def test_sextant_leaves_no_trace_at_the_hub(hub: Path, topcat: Receiver) -> None:
    before = topcat.client.get_registered_clients()
    exporting.programs()
    assert topcat.client.get_registered_clients() == before


def test_without_a_hub_there_is_nobody(lockfile: Path, tmp_path: Path) -> None:
    assert samp.programs() == []
    with pytest.raises(ServiceError, match="No SAMP hub is running"):
        samp.send_table(tmp_path / "t.vot", "t")


def test_a_hub_without_programs_takes_nothing(hub: Path, tmp_path: Path) -> None:
    assert samp.programs() == []
    with pytest.raises(ServiceError, match="No program at the SAMP hub takes tables"):
        samp.send_table(tmp_path / "t.vot", "t")


@pytest.mark.parametrize(
    "address",
    ["http://203.0.113.7:21012/xmlrpc", "http://hub.example/xmlrpc", "file:///etc/passwd",
     "http://127.0.0.1.example/", "https://127.0.0.1/"],
)  # fmt: skip
def test_a_hub_elsewhere_is_never_called(
    address: str, lockfile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lockfile.write_text(f"samp.secret=x\nsamp.hub.xmlrpc.url={address}\n")
    monkeypatch.setattr(samp, "_library", lambda: pytest.fail("a connection was tried"))
    with pytest.raises(ServiceError, match="not on this machine"):
        samp.programs()


@pytest.mark.parametrize("text", ["", "\x00\xff", "=\n==", "samp.secret=x\n", "# only a comment"])
def test_a_damaged_file_of_a_hub_is_no_hub(text: str, lockfile: Path) -> None:
    lockfile.write_text(text)
    assert samp.programs() == []


def test_a_hub_that_died_is_one_sentence(hub: Path, lockfile: Path) -> None:
    lockfile.write_text("samp.secret=x\nsamp.hub.xmlrpc.url=http://127.0.0.1:9/xmlrpc\n")
    with pytest.raises(ServiceError, match="The SAMP hub does not answer"):
        samp.programs()


def test_a_hub_named_at_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMP_HUB", "std-lockurl:http://hub.example/.samp")
    with pytest.raises(ServiceError, match="which is no file of this machine"):
        samp.programs()
