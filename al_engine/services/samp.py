"""SAMP: handing a table to TOPCAT, Aladin and others on this machine.

Owns the conversation with a hub, which must be on this machine as well: the address in the hub's
own file is looked at before anything is opened.  Must not know projects.
"""

import importlib
import ipaddress
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from al_engine.errors import ServiceError

LOAD_TABLE = "table.load.votable"
ANSWER_S = 5.0
MOST_BYTES = 100_000  # of the hub's file, which has some lines

_START = "Start TOPCAT or Aladin, then send again."

T = TypeVar("T")


@dataclass(frozen=True)
class Program:
    """A program at the hub, by the name it gives itself."""

    id: str
    name: str


def programs() -> list[Program]:
    """The programs at the hub that load tables, by name; none where there is no hub.

    Raises
    ------
    ServiceError : the hub is on another machine, or does not answer
    """
    params = _hub()
    if params is None:
        return []

    def ask() -> list[Program]:
        with _client(params) as client:
            return _subscribed(client)

    return _in_time(ask)


def send_table(path: Path, name: str, to: Program | None = None) -> list[str]:
    """Have programs load a VOTable file, which they read from the disk; the names of those asked.

    Parameters
    ----------
    name : what they call the table
    to : one program; None for all that load tables

    Raises
    ------
    ServiceError : no hub, nobody there, or no answer
    """
    params = _hub()
    if params is None:
        raise ServiceError("No SAMP hub is running.", _START)
    address = path.resolve().as_uri()
    message = {
        "samp.mtype": LOAD_TABLE,
        "samp.params": {"url": address, "table-id": address, "name": name},
    }

    def send() -> list[str]:
        with _client(params) as client:
            asked = [each for each in _subscribed(client) if to is None or each.id == to.id]
            if not asked:
                who = "No program" if to is None else f"'{to.name}' is gone: no program"
                raise ServiceError(f"{who} at the SAMP hub takes tables from Sextant.", _START)
            for each in asked:
                client.notify(each.id, message)
            return [each.name for each in asked]

    return _in_time(send)


def _subscribed(client: Any) -> list[Program]:
    found = []
    for each in client.get_subscribed_clients(LOAD_TABLE):
        name = str(client.get_metadata(each).get("samp.name", each))
        found.append(Program(str(each), _in_brief(name, 60)))
    return sorted(found, key=lambda program: program.name.lower())


@contextmanager
def _client(params: Mapping[str, str]) -> Iterator[Any]:
    """A client that only speaks: nobody can call it, so it opens no port."""
    client = _library().SAMPIntegratedClient(
        name="Sextant", description="Labels of a catalogue", callable=False, addr="127.0.0.1"
    )
    client.connect(hub_params=dict(params), pool_size=1)
    try:
        yield client
    finally:
        # Its own disconnect takes a client that cannot be called for one that is gone already.
        client.client.unregister()
        client.hub.disconnect()


def _library() -> ModuleType:
    """SAMP as the installed versions have it: it is moving from astropy to pyvo."""
    for name in ("pyvo.samp", "astropy.samp"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                samp = importlib.import_module(name)
            except ImportError:
                continue
        # Older pyvo has a module of that name which does less.
        if hasattr(samp, "SAMPIntegratedClient") and hasattr(samp, "conf"):
            # The library would ask a server of the internet whether there is one.
            samp.conf.use_internet = False
            return samp
    raise ServiceError("SAMP is not installed.", "Install the package pyvo (pip install pyvo).")


def _in_time(do: Callable[[], T]) -> T:
    """Talk to the hub, but not for ever; what it does not answer in time is left to itself."""
    made: list[T] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            made.append(do())
        except Exception as error:  # whatever the library makes of a hub that is gone or mad
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True, name="samp")
    thread.start()
    thread.join(ANSWER_S)
    if made:
        return made[0]
    if failed and isinstance(failed[0], ServiceError):
        raise failed[0]
    if failed:
        raise ServiceError(
            f"The SAMP hub does not answer ({_in_brief(str(failed[0]))}).", _START
        ) from failed[0]
    raise ServiceError(
        f"The SAMP hub has not answered for {ANSWER_S:.0f} seconds.",
        "Restart the program that runs it: TOPCAT or Aladin.",
    )


def _in_brief(text: str, limit: int = 120) -> str:
    """What another program says, on one line of a readable length, without a full stop."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _lockfile() -> Path:
    """Where a hub of the standard profile says how to reach it."""
    named = os.environ.get("SAMP_HUB", "")
    if not named:
        return Path.home() / ".samp"
    address = urlsplit(named.removeprefix("std-lockurl:"))
    if not named.startswith("std-lockurl:") or address.scheme != "file":
        raise ServiceError(
            f"SAMP_HUB is '{_in_brief(named, 60)}', which is no file of this machine.",
            "Unset it, or name a file: std-lockurl:file:///path.",
        )
    return Path(unquote(address.path))


def _hub() -> dict[str, str] | None:
    """How to reach the hub, or None where there is none.

    Raises
    ------
    ServiceError : the hub is on another machine
    """
    path = _lockfile()
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(MOST_BYTES)
    except OSError:
        return None
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    params = {key.strip(): value.strip() for key, value in pairs}
    address = params.get("samp.hub.xmlrpc.url", "").replace("\\", "")
    if not address or "samp.secret" not in params:
        return None
    if not _is_here(address):
        raise ServiceError(
            f"The SAMP hub is at '{_in_brief(address, 60)}', not on this machine.",
            "Start TOPCAT or Aladin here.",
        )
    return params


def _is_here(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        return parts.scheme == "http" and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False
