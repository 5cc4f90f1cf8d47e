"""Whatever a server does, asking it ends soon, in bytes or in one sentence."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stand_in import Answer, StandIn, jpeg, stand_in, urls

from al_engine.errors import ServiceError
from al_engine.services import fetching
from al_engine.services.fetching import Request, fetch, is_global, is_web_address, network

OUTSIDE = "127.0.0.2"  # stands for a host of the internet, where a test says so


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fetching.SWITCH, "all")
    monkeypatch.setattr(fetching, "AGAIN_AFTER_S", 0.0)
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("HTTP_PROXY", raising=False)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as made:
        yield made


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A server that catalogues may name: on this machine, but taken for one of the internet."""
    really = fetching.is_global
    monkeypatch.setattr(fetching, "is_global", lambda host: host == OUTSIDE or really(host))
    with stand_in(OUTSIDE) as made:
        yield made


def server_port(server: StandIn) -> int:
    return int(server.address.rsplit(":", 1)[1])


def trusted(*addresses: str) -> Request:
    return Request(addresses, is_trusted=True)


def test_what_a_server_sends_comes_with_its_status_and_kind(server: StandIn) -> None:
    server.answers = {"/a": Answer(b"one", kind="text/x"), "/b": Answer(b"no", 404)}
    reply = fetch(trusted(f"{server.address}/a"))
    assert (reply.status, reply.kind, reply.body) == (200, "text/x", b"one")
    assert fetch(trusted(f"{server.address}/b")).status == 404
    assert urls(server) == ["/a", "/b"], "what is answered is not asked again"


def test_a_form_is_posted(server: StandIn) -> None:
    server.answers = {"/": Answer(b"ok")}
    fetch(Request((f"{server.address}/f",), {"RA": "1 2 3 +4"}, is_trusted=True))
    assert server.asked == [("/f", b"RA=1+2+3+%2B4")]


def test_what_fails_is_asked_a_second_time_and_then_of_the_mirror(server: StandIn) -> None:
    server.answers = {"/a": Answer(b"down", 503), "/mirror": Answer(b"up")}
    reply = fetch(trusted(f"{server.address}/a", f"{server.address}/mirror"))
    assert (reply.body, urls(server)) == (b"up", ["/a", "/a", "/mirror"])
    assert fetch(trusted(f"{server.address}/a")).status == 503


def test_nobody_there_is_one_sentence_and_the_mirror_is_asked(server: StandIn) -> None:
    server.answers = {"/": Answer(b"up")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}/"
    assert fetch(trusted(nobody, f"{server.address}/")).body == b"up"
    with pytest.raises(ServiceError, match=r"^No network, or '127\.0\.0\.1' does not answer\.$"):
        fetch(trusted(nobody))
    with pytest.raises(ServiceError, match=r"^No network, or no host 'nowhere\.invalid'\.$"):
        fetch(Request(("http://nowhere.invalid/",)))


@pytest.mark.parametrize(
    "slow", [Answer(b"late", after_s=5), Answer(b"x" * 1000, drip_s=0.05)], ids=["late", "drip"]
)
def test_whoever_is_slow_is_not_waited_for(
    server: StandIn, slow: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIME_LIMIT_S", 0.3)
    server.answers = {"/": slow}
    with pytest.raises(ServiceError, match="has not answered within 0 seconds"):
        fetch(trusted(f"{server.address}/"))


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(fetching, "TIME_LIMIT_S", 0.3)
    return 0.3


def test_a_host_whose_addresses_are_dead_has_no_longer_for_it(
    server: StandIn, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Line(socket.socket):
        def connect(self, place: Any) -> None:
            if place[0] != "127.0.0.1":
                time.sleep(self.gettimeout() or 0)
                raise TimeoutError
            super().connect(place)

    monkeypatch.setattr(socket, "socket", Line)
    server.answers = {"/": Answer(b"too late")}
    places = [("127.0.0.9", 80)] * 3 + [("127.0.0.1", server_port(server))]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *a, **how: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", at) for at in places],
    )
    with pytest.raises(ServiceError, match="has not answered within 0 seconds"):
        fetch(trusted("http://many.example/"))
    assert server.asked == []


def test_a_connection_made_at_the_last_moment_is_cut_all_the_same(
    server: StandIn, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Line(socket.socket):
        def connect(self, place: Any) -> None:
            super().connect(place)
            time.sleep(2 * limit)

    monkeypatch.setattr(socket, "socket", Line)
    server.answers = {"/": Answer(b"x" * 20, drip_s=0.05)}
    with pytest.raises(ServiceError, match="has not answered within 0 seconds"):
        fetch(trusted(f"{server.address}/"))


def test_nobody_waits_for_a_look_up_that_takes_longer(
    server: StandIn, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    really: Callable[..., Any] = socket.getaddrinfo

    def slow(*of: Any, **how: Any) -> Any:
        time.sleep(2 * limit)
        return really(*of, **how)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    server.answers = {"/": Answer(b"too late")}
    with pytest.raises(ServiceError, match="has not answered within 0 seconds"):
        fetch(trusted(f"{server.address}/"))
    assert server.asked == []


def test_what_is_too_large_is_read_no_further_and_not_asked_again(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetching.MOST_BYTES == 10_000_000
    server.answers = {"/": Answer(b"x" * 100_000, repeats=101)}
    with pytest.raises(ServiceError, match="more than 10 MB"):
        fetch(trusted(f"{server.address}/"))
    assert len(server.asked) == 1


def test_redirects_are_followed_but_not_for_ever(server: StandIn) -> None:
    server.answers = {
        "/": Answer(status=302, location="/there"),
        "/there": Answer(b"here"),
        "/round": Answer(status=302, location="/round"),
        "/file": Answer(status=302, location="file:///etc/passwd"),
        "/nowhere": Answer(status=302),
    }
    assert fetch(trusted(f"{server.address}/")).body == b"here"
    circles = ("round", "without end"), ("file", "no address of http"), ("nowhere", "without end")
    for path, said in circles:
        with pytest.raises(ServiceError, match=said):
            fetch(trusted(f"{server.address}/{path}"))


def test_at_most_four_are_asked_at_once(server: StandIn) -> None:
    server.answers = {"/": Answer(b"x", after_s=0.1)}
    asking = [
        threading.Thread(target=fetch, args=(trusted(f"{server.address}/{i}"),)) for i in range(12)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert (len(server.asked), server.most_at_once) == (12, 4)


# -- addresses out of a catalogue ------------------------------------------------------------------


def local(address: str) -> list[str]:
    """Ways to write the address of a server of this machine."""
    port = address.rsplit(":", 1)[1]
    hosts = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "a@127.0.0.1")
    return [f"http://{host}:{port}/a.jpg" for host in hosts]


def test_an_address_of_a_catalogue_never_reaches_this_machine(server: StandIn) -> None:
    server.answers = {"/": Answer(jpeg())}
    for address in local(server.address):
        with pytest.raises(ServiceError, match="private or local host"):
            fetch(Request((address,)))
    assert server.asked == []


def test_nor_by_a_redirect(server: StandIn, outside: StandIn) -> None:
    server.answers = outside.answers = {"/": Answer(jpeg())}
    assert fetch(Request((f"{outside.address}/a",))).status == 200
    for address in local(server.address):
        outside.answers = {"/": Answer(status=302, location=address)}
        with pytest.raises(ServiceError, match="private or local host"):
            fetch(Request((f"{outside.address}/a",)))
    assert server.asked == []


def test_nor_does_a_redirect_to_a_host_whose_name_only_begins_like_that_of_a_service(
    server: StandIn, outside: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    really: Callable[..., Any] = socket.getaddrinfo
    service, other = (f"{'a' * 60}.{end}.example" for end in ("one", "two"))
    places = {service: "127.0.0.2", other: "127.0.0.1"}
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **how: really(places[host], port, **how)
    )
    server.answers = {"/": Answer(jpeg())}
    outside.answers = {"/": Answer(status=302, location=f"http://{other}:{server_port(server)}/a")}
    with pytest.raises(ServiceError, match="private or local host"):
        fetch(trusted(f"http://{service}:{server_port(outside)}/a"))
    assert server.asked == []


def test_nor_does_a_redirect_of_a_service_to_another_host(
    server: StandIn, outside: StandIn
) -> None:
    server.answers = {"/": Answer(jpeg())}
    outside.answers = {"/": Answer(status=307, location=f"{server.address}/a")}
    with pytest.raises(ServiceError, match="private or local host"):
        fetch(trusted(f"{outside.address}/a"))
    assert server.asked == []


def test_the_host_that_was_looked_at_is_the_one_that_is_asked(
    server: StandIn, outside: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere each time it is looked up leads nowhere else here."""
    really: Callable[..., Any] = socket.getaddrinfo
    ports = [server_port(each) for each in (outside, server)]
    looked_up = []

    def changing(host: str, port: int, **how: Any) -> Any:
        if host != "turncoat.example":
            return really(host, port, **how)
        looked_up.append(host)
        place = ("127.0.0.2", ports[0]) if len(looked_up) == 1 else ("127.0.0.1", ports[1])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    outside.answers = {"/": Answer(b"the first")}
    assert fetch(Request((f"http://turncoat.example:{ports[0]}/",))).body == b"the first"
    assert looked_up == ["turncoat.example"]
    with pytest.raises(ServiceError, match="private or local host"):
        fetch(Request((f"http://turncoat.example:{ports[0]}/",)))
    assert server.asked == []


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1",
     "::127.0.0.1", "::ffff:192.168.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "fec0::1",
     "3fff::1", "2001:db8::1", "192.88.99.1", "64:ff9b:1::a00:1", "not an address"],
)  # fmt: skip
def test_networks_of_one_s_own_are_not_the_internet(address: str) -> None:
    assert not is_global(address)


def test_hosts_of_the_internet_are() -> None:
    assert all(map(is_global, ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808")))


@pytest.mark.parametrize(
    "text", ["", "file:///a", "ftp://a/b", "http://", "http:///a", "http://[a", "//a/b", "a.png",
             "javascript:alert(1)", "http://a:99999999/"],
)  # fmt: skip
def test_only_http_and_https_are_addresses(text: str) -> None:
    assert not is_web_address(text)
    with pytest.raises(ServiceError):
        fetch(Request((text,)))


# -- the switch ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "public", "meant"),
    [("", "0", "all"), ("", "1", "services"), ("all", "1", "all"), ("none", "0", "none"),
     ("off", "0", "none"), ("0", "0", "none"), ("services", "0", "services")],
)  # fmt: skip
def test_the_owner_s_word_is_all_services_or_none(
    said: str, public: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(fetching.SWITCH, said)
    monkeypatch.setenv("SEXTANT_PUBLIC", public)
    assert network() == meant


def test_switched_off_nothing_leaves(
    server: StandIn, outside: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = outside.answers = {"/": Answer(b"ok")}
    monkeypatch.setenv(fetching.SWITCH, "services")
    assert fetch(trusted(f"{server.address}/")).body == b"ok"
    with pytest.raises(ServiceError, match="switched off"):
        fetch(Request((f"{outside.address}/",)))
    monkeypatch.setenv(fetching.SWITCH, "none")
    with pytest.raises(ServiceError, match="switched off"):
        fetch(trusted(f"{server.address}/"))
    assert (len(server.asked), len(outside.asked)) == (1, 0)
