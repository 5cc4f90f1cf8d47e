"""Bytes by http and https: the one way in which Sextant asks a server for anything.

Owns the limits of time and size, the second try and the mirror, redirects, which hosts an address
out of a catalogue may reach, and the switch of the server's owner.  Must not know what is fetched.
"""

import contextlib
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from al_engine.errors import ServiceError
from al_engine.public import is_public

SWITCH = "SEXTANT_NETWORK"
MOST_BYTES = 10_000_000
TIME_LIMIT_S = 10.0  # of one try, from the look-up of its host to its last byte
AT_ONCE = 4
MOST_REDIRECTS = 4
AGAIN_AFTER_S = 0.5

_CHUNK_BYTES = 65_536
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 as IPv6-only networks reach it
# Of no host of the internet either, which not every Python knows.
_SET_APART = [
    ipaddress.ip_network(text)
    for text in ("192.88.99.0/24", "64:ff9b:1::/48", "3fff::/20", "5f00::/16", "fec0::/10")
]
_AGENT = "Sextant (labelling of astronomical catalogues)"
_slots = threading.BoundedSemaphore(AT_ONCE)

Network = Literal["all", "services", "none"]


@dataclass(frozen=True)
class Request:
    """What to ask for: an address and its mirrors; a form is sent by POST.

    ``is_trusted`` is an address of our own or of the settings, which may be of this machine or its
    network; one out of a catalogue never is.
    """

    addresses: tuple[str, ...]
    form: Mapping[str, str] = field(default_factory=dict)
    is_trusted: bool = False


@dataclass(frozen=True)
class Reply:
    """What a server answered, whatever it is: a status of 200 says little."""

    status: int
    kind: str
    body: bytes


def network() -> Network:
    """What the server's owner lets out: everything, requests to known services, or nothing.

    A public server asks no address out of a stranger's catalogue unless its owner says so.
    """
    said = os.environ.get(SWITCH, "").strip().lower()
    if not said:
        return "services" if is_public() else "all"
    return cast(Network, said) if said in ("all", "services") else "none"


def is_web_address(text: str) -> bool:
    """Is this an address of http or https with a host in it?"""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_let_out(request: Request) -> bool:
    """Does the server's owner let this be asked?"""
    return network() == "all" or (network() == "services" and request.is_trusted)


def fetch(request: Request, is_wanted: Callable[[], bool] = lambda: True) -> Reply:
    """Ask for something, at most four at once: a second time where it fails, then the mirrors.

    Raises
    ------
    ServiceError : nothing may be sent, nobody answers, or more than MOST_BYTES are answered
    """
    if not is_let_out(request):
        raise ServiceError("The network is switched off for it.", f"{SWITCH} says so.")
    first, *mirrors = request.addresses
    reply, failed = None, ServiceError("There is no address to ask.")
    for i, address in enumerate((first, first, *mirrors)):
        if i == 1:
            time.sleep(AGAIN_AFTER_S)
        if not is_wanted():
            raise ServiceError("It is no longer wanted.")
        try:
            with _slots:
                reply = _try(replace(request, addresses=(address,)))
        except _Refused as error:
            raise ServiceError(error.message, error.hint) from error
        except ServiceError as error:
            failed = error
            continue
        if reply.status < 500 and reply.status != 429:
            return reply
    if reply is None:
        raise failed
    return reply


class _Refused(ServiceError):
    """What will be refused again however often it is tried."""


def _try(request: Request) -> Reply:
    """One try, with its redirects, within the limit of time."""
    address, form, trusted = request.addresses[0], dict(request.form), request.is_trusted
    host = _whole_host(address)
    deadline = time.monotonic() + TIME_LIMIT_S
    with requests.Session() as asking, _Line(trusted, deadline) as line:
        asking.trust_env = False  # which would send passwords out of a .netrc
        asking.mount("http://", line)
        asking.mount("https://", line)
        for _ in range(MOST_REDIRECTS + 1):
            if not is_web_address(address):
                raise _Refused(f"'{_brief(address)}' is no address of http or https.")
            # A redirect leads where another server says: what is not its own host is not trusted.
            line.may_be_local = trusted and _whole_host(address) == host
            try:
                with _cut_off(line):
                    answer, body = _ask(asking, address, form, line.may_be_local)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                raise ServiceError(_why(error, address, deadline)) from error
            if answer.status_code not in (301, 302, 303, 307, 308):
                kind = answer.headers.get("Content-Type", "")
                return Reply(answer.status_code, kind, body)
            address = urljoin(address, answer.headers.get("Location", ""))
            form = form if answer.status_code in (307, 308) else {}
    raise _Refused(f"'{_host(address)}' redirects without end.")


def _ask(
    asking: requests.Session, address: str, form: Mapping[str, str], may_use_proxy: bool
) -> tuple[requests.Response, bytes]:
    answer = asking.request(
        "POST" if form else "GET",
        address,
        data=form or None,
        # Packed answers could be bombs, and pictures are packed already.
        headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
        # A proxy would look up the host itself, unseen by us.
        proxies=get_environ_proxies(address) if may_use_proxy else {},
        timeout=TIME_LIMIT_S,
        allow_redirects=False,
        stream=True,
    )
    body = bytearray()
    for chunk in answer.raw.stream(_CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > MOST_BYTES:
            raise _Refused(
                f"'{_host(address)}' sends more than {MOST_BYTES // 1_000_000} MB: too large."
            )
    return answer, bytes(body)


def _why(error: Exception, address: str, deadline: float) -> str:
    host = _host(address)
    if time.monotonic() >= deadline or isinstance(error, requests.Timeout):
        return f"'{host}' has not answered within {TIME_LIMIT_S:.0f} seconds."
    text = repr(error)
    if "gaierror" in text or "NameResolution" in text:
        return f"No network, or no host '{host}'."
    if isinstance(error, requests.exceptions.SSLError):
        return f"'{host}' cannot prove that it is '{host}'."
    return f"No network, or '{host}' does not answer."


def _host(address: str) -> str:
    """The host of an address, for a sentence."""
    return _brief(_whole_host(address))


def _whole_host(address: str) -> str:
    try:
        return urlsplit(address).hostname or address
    except ValueError:
        return address


def _brief(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:60])


# -- connections whose other end is looked at ----------------------------------------------------


class _Line(HTTPAdapter):
    """Connects only where it may and in time, to the very address that was looked at."""

    def __init__(self, may_be_local: bool, deadline: float) -> None:
        self.may_be_local = may_be_local
        self.deadline = deadline
        self._is_cut = False
        self._opened: list[socket.socket] = []
        super().__init__()

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        for opened in self._opened:
            opened.close()

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *given: Any, **named: Any) -> Any:
        return self._watch(super().proxy_manager_for(*given, **named))

    def _watch(self, manager: Any) -> Any:
        line = self

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return line._connect(self._dns_host, self.port)

        class Secured(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return line._connect(self._dns_host, self.port)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecuredPool(HTTPSConnectionPool):
            ConnectionCls = Secured

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecuredPool}
        return manager

    def _connect(self, host: str, port: int) -> socket.socket:
        """A socket to one of a host's addresses; the host is looked up only here."""
        failed: OSError | None = None
        is_refused = False
        found = _look_up(host, port, self._left())
        for family, kind, protocol, _, place in found:
            if not (self.may_be_local or is_global(str(place[0]))):
                is_refused = True
                continue
            left = self._left()
            made = socket.socket(family, kind, protocol)
            made.settimeout(left)
            try:
                made.connect(place)
            except OSError as error:
                made.close()
                failed = error
                continue
            # Another handle on the same connection: encryption takes the first one over.
            self._opened.append(made.dup())
            if self._is_cut:
                self.cut()
            return made
        if is_refused and failed is None:
            raise _Refused(
                f"'{_brief(host)}' is a private or local host: no address of a catalogue may lead "
                "there."
            )
        raise failed or OSError("the host has no address")

    def _left(self) -> float:
        """How many seconds there are; TimeoutError where there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def cut(self) -> None:
        """End whatever is being sent or received, from now on."""
        self._is_cut = True
        for opened in self._opened:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


def _look_up(host: str, port: int, seconds: float) -> list[tuple[Any, ...]]:
    """The addresses of a host; nobody waits longer for them, as nothing ends a look-up."""
    found: list[list[tuple[Any, ...]]] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            found.append(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:  # a thread's would vanish: raised again where one waits
            failed.append(error)

    asking = threading.Thread(target=ask, daemon=True, name="look-up")
    asking.start()
    asking.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found[0]


@contextlib.contextmanager
def _cut_off(line: _Line) -> Iterator[None]:
    """Whoever sends a byte now and then does not get round the limit of time."""
    timer = threading.Timer(max(0.0, line.deadline - time.monotonic()), line.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_global(address: str) -> bool:
    """Is this the address of a host of the internet, and of no network of one's own?

    >>> [is_global(a) for a in ("8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254")]
    [True, False, False, False]
    """
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inside is None and ip in _TRANSLATED:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_global(str(inside))
    if any(ip in network for network in _SET_APART):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
