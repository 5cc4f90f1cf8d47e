"""Pictures come behind the page's back, are kept within bounds, and are asked for no oftener."""

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from stand_in import jpeg, png

from al_engine.errors import ServiceError
from al_engine.services import cache as caching
from al_engine.services import fetching, gallery
from al_engine.services.cache import Kept, PictureCache, most_bytes
from al_engine.services.cutouts import judge_first, judge_hips, judge_picture, judge_sky
from al_engine.services.fetching import Reply, Request
from al_engine.services.gallery import Gallery, Look, Shown, Wanted, wait_for_pictures

LOOK = Look()
GOOD = Reply(200, "", jpeg())


def wanted(number: int, *, trusted: bool = True) -> Wanted:
    return Wanted(judge_sky, Request((f"http://a.example/{number}",), is_trusted=trusted))


class Service:
    """Answers in the process, and counts."""

    def __init__(self, answer: Callable[[Request], Reply] = lambda request: GOOD) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, request: Request, is_wanted: Callable[[], bool]) -> Reply:
        self.asked.append(request.addresses[0].rsplit("/", 1)[1])
        return self.answer(request)


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(fetching.SWITCH, "all")
    yield
    wait_for_pictures()


def shown(of: Gallery, what: Wanted, look: Look = LOOK) -> Shown:
    """What there is of a picture in the end."""
    of.show(what, look)
    wait_for_pictures()
    return of.show(what, look)


# -- the cache -------------------------------------------------------------------------------------


def test_the_folder_stays_within_its_size_and_what_was_looked_at_stays_longest(
    tmp_path: Path,
) -> None:
    cache = PictureCache(tmp_path / "p", most=5 * 4096)
    for i in range(5):
        cache.keep(f"{i}", b"x" * 4000)
    assert cache.get("0") == Kept(b"x" * 4000)
    cache.keep("5", b"y" * 4000)
    assert cache.get("1") is None
    assert cache.get("0") is not None
    assert cache.n_bytes == sum(4096 for _ in (tmp_path / "p").iterdir()) == 5 * 4096
    cache.keep("large", b"z" * 6 * 4096)
    assert cache.get("large") is None


def test_what_is_kept_is_known_after_a_restart_in_the_same_order(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "p", most=3 * 4096)
    for i, key in enumerate("abc"):
        cache.keep(key, key.encode())
        os.utime(tmp_path / "p" / f"{key}.picture", (i, i))
    (tmp_path / "p" / ".cut.part").write_bytes(b"half")
    (tmp_path / "p" / "notes.txt").write_text("mine")
    again = PictureCache(tmp_path / "p", most=3 * 4096)
    again.keep("d", b"d")
    assert [again.get(key) is not None for key in "abcd"] == [False, True, True, True]
    assert sorted(p.name for p in (tmp_path / "p").iterdir()) == [
        "b.picture", "c.picture", "d.picture", "notes.txt",
    ]  # fmt: skip


def test_that_there_is_none_is_known_for_a_while(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(caching, "_SENTENCES_KEPT", 2)
    cache = PictureCache(tmp_path / "p")
    for key in "abc":
        cache.keep_none(key, f"No {key}.", 60.0)
    assert [cache.get(key) for key in "abc"] == [
        None,
        Kept(sentence="No b."),
        Kept(sentence="No c."),
    ]
    cache.keep("b", b"after all")
    now = time.monotonic()
    monkeypatch.setattr(caching.time, "monotonic", lambda: now + 61)
    assert [cache.get(key) for key in "bc"] == [Kept(b"after all"), None]


def test_a_folder_that_is_gone_or_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    gone = PictureCache(tmp_path / "deleted" / "p")
    gone.keep("a", b"a")
    assert gone.get("a") is None
    assert not (tmp_path / "deleted").exists()
    (tmp_path / "file").write_text("in the way")
    PictureCache(tmp_path / "file").keep("a", b"a")
    cache = PictureCache(tmp_path / "p")
    cache.keep("a", b"a")
    (tmp_path / "p" / "a.picture").unlink()
    assert cache.get("a") is None
    assert cache.n_bytes == 0


def test_many_threads_keep_and_ask_at_once(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "p", most=20 * 4096)
    wrong = []

    def work(number: int) -> None:
        for i in range(60):
            key = f"{(number * 7 + i) % 40}"
            cache.keep(key, key.encode() * 100)
            kept = cache.get(key)
            if kept is not None and kept.picture != key.encode() * 100:
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.n_bytes == 4096 * len(list((tmp_path / "p").iterdir())) <= 20 * 4096


def test_how_much_it_may_take_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(caching.MOST_MB, "3")
    assert most_bytes() == 3_000_000
    for said in ("", "-1", "much"):
        monkeypatch.setenv(caching.MOST_MB, said)
        monkeypatch.setenv("SEXTANT_PUBLIC", "0")
        usual = most_bytes()
        monkeypatch.setenv("SEXTANT_PUBLIC", "1")
        assert most_bytes() < usual


# -- the gallery -----------------------------------------------------------------------------------


def test_a_picture_is_coming_until_it_is_there_and_is_asked_for_once(tmp_path: Path) -> None:
    may_answer = threading.Event()

    def answer(request: Request) -> Reply:
        may_answer.wait(20)
        return GOOD

    service = Service(answer)
    of = Gallery(tmp_path / "p", get=service)
    assert all(of.show(wanted(1), LOOK).is_coming for _ in range(5))
    may_answer.set()
    wait_for_pictures()
    assert of.show(wanted(1), LOOK).image[:4] == b"\x89PNG"
    assert Gallery(tmp_path / "p", get=service).show(wanted(1), LOOK).image, "from the disk"
    assert service.asked == ["1"]


def test_another_stretch_asks_nobody(tmp_path: Path) -> None:
    service = Service()
    of = Gallery(tmp_path / "p", get=service)
    plain = shown(of, wanted(1))
    other = of.show(wanted(1), Look("log", is_inverted=True))
    assert other.image
    assert other.image != plain.image
    assert service.asked == ["1"]


def test_a_place_that_is_not_covered_is_not_asked_for_again_but_a_failure_is_in_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Request) -> Reply:
        number = int(request.addresses[0][-1])
        if number == 2:
            raise ServiceError("Nobody is there.", "A hint.")
        return Reply(503, "", b"") if number == 3 else Reply(200, "", png((0, 0, 0)))

    service = Service(answer)
    of = Gallery(tmp_path / "p", get=service)
    said = [shown(of, wanted(n)).sentence for n in (1, 2, 3)]
    assert [text[:9] for text in said] == ["All black", "Nobody is", "The serve"]
    assert [of.show(wanted(n), LOOK).sentence for n in (1, 2, 3)] == said
    now = time.monotonic()
    monkeypatch.setattr(caching.time, "monotonic", lambda: now + gallery.FAILED_FOR_S + 1)
    assert [of.show(wanted(n), LOOK).is_coming for n in (1, 2, 3)] == [False, True, True]
    wait_for_pictures()
    assert sorted(service.asked) == ["1", "2", "2", "3", "3"]


@pytest.mark.parametrize(
    ("judge", "reply", "is_asked_again"),
    [
        (judge_sky, Reply(404, "", b"no"), False),
        (judge_sky, Reply(200, "", png((36, 36, 36))), False),
        (judge_first, Reply(200, "", b"<PRE>outside"), False),
        (judge_sky, Reply(200, "text/html", b"<html>Log in to the hotel's network"), True),
        (judge_first, Reply(200, "text/html", b"<html>Down for maintenance"), True),
        (judge_hips, Reply(400, "", b'{"title": "Try later"}'), True),
        (judge_picture, Reply(403, "", b"no"), True),
    ],
)
def test_only_what_was_looked_for_and_is_not_there_is_believed_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judge, reply: Reply, is_asked_again: bool
) -> None:
    of = Gallery(tmp_path / "p", get=Service(lambda request: reply))
    what = Wanted(judge, Request(("http://a.example/1",), is_trusted=True))
    assert shown(of, what).sentence
    now = time.monotonic()
    monkeypatch.setattr(caching.time, "monotonic", lambda: now + gallery.FAILED_FOR_S + 1)
    assert of.show(what, LOOK).is_coming == is_asked_again


def test_what_is_looked_at_goes_before_what_is_only_likely(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "_COUNTER", gallery._Counter())
    monkeypatch.setattr(gallery, "AT_ONCE", 1)  # so that the order is theirs
    may_answer = threading.Event()

    def answer(request: Request) -> Reply:
        may_answer.wait(20)
        return GOOD

    service = Service(answer)
    of = Gallery(tmp_path / "p", get=service)
    of.fetch_ahead([wanted(n) for n in range(10, 20)], LOOK)
    while not service.asked:
        time.sleep(0.001)
    of.show(wanted(1), LOOK)
    of.show(wanted(2), LOOK)
    may_answer.set()
    gallery.wait_for_pictures()
    assert service.asked[1:3] == ["2", "1"]
    assert len(service.asked) == 12


def test_what_stands_beside_comes_after_what_may_be_looked_at_next(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "_COUNTER", gallery._Counter())
    monkeypatch.setattr(gallery, "AT_ONCE", 1)  # so that the order is theirs
    may_answer = threading.Event()

    def answer(request: Request) -> Reply:
        may_answer.wait(20)
        return GOOD

    service = Service(answer)
    of = Gallery(tmp_path / "p", get=service)
    of.show(wanted(99), LOOK)
    while not service.asked:
        time.sleep(0.001)
    for n in range(10, 18):
        assert of.show(wanted(n), LOOK, "beside").is_coming
    of.fetch_ahead([wanted(n) for n in range(20, 28)], LOOK)
    of.show(wanted(20), LOOK, "beside")  # is fetched before already, and stays where it was
    of.fetch_ahead([wanted(10)], LOOK)
    of.show(wanted(11), LOOK)
    may_answer.set()
    gallery.wait_for_pictures()
    later = [int(name) for name in service.asked[1:]]
    assert later[:2] == [11, 10]
    assert set(later[2:10]) == set(range(20, 28))
    assert set(later[10:]) == set(range(12, 18))


def test_a_small_picture_is_made_of_the_one_that_was_kept(tmp_path: Path) -> None:
    service = Service(lambda request: Reply(200, "", jpeg(side=300)))
    of = Gallery(tmp_path / "p", get=service)
    whole = shown(of, wanted(1)).image
    small = of.show(wanted(1), Look(side_px=80)).image
    assert max(Image.open(io.BytesIO(small)).size) == 80
    assert len(small) < len(whole)
    assert service.asked == ["1"]


def test_switched_off_nothing_is_asked_and_what_is_there_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    online = [True]
    service = Service()
    of = Gallery(tmp_path / "p", lambda: online[0], service)
    shown(of, wanted(1))
    online[0] = False
    of.fetch_ahead([wanted(3)], LOOK)
    assert of.show(wanted(1), LOOK).image
    assert of.show(wanted(2), LOOK).sentence == gallery.OFF
    online[0] = True
    monkeypatch.setenv(fetching.SWITCH, "services")
    assert shown(of, wanted(2)).image, "that it was off is not remembered"
    assert shown(of, wanted(4, trusted=False)).sentence == gallery.OFF
    monkeypatch.setenv(fetching.SWITCH, "none")
    assert of.show(wanted(5), LOOK).sentence == gallery.OFF
    assert service.asked == ["1", "2"]


def test_what_was_changed_on_the_disk_is_fetched_again(tmp_path: Path) -> None:
    service = Service()
    of = Gallery(tmp_path / "p", get=service)
    shown(of, wanted(1))
    (path,) = (tmp_path / "p").iterdir()
    path.write_bytes(b"words")
    again = Gallery(tmp_path / "p", get=service)
    look = Look(is_inverted=True)
    assert again.show(wanted(1), look).is_coming
    assert shown(again, wanted(1), look).image
    assert service.asked == ["1", "1"]


def test_a_file_is_read_as_it_is_now_and_not_copied(tmp_path: Path) -> None:
    of = Gallery(tmp_path / "p")
    path = tmp_path / "a.png"
    path.write_bytes(png((200, 0, 0)))
    before = shown(of, Wanted(judge_picture, path=path)).image
    path.write_bytes(png((0, 200, 0), side=65))
    assert shown(of, Wanted(judge_picture, path=path)).image not in (b"", before)
    path.write_bytes(b"words")
    assert shown(of, Wanted(judge_picture, path=path)).sentence == "It is not a picture."
    path.unlink()
    assert "cannot be read" in shown(of, Wanted(judge_picture, path=path)).sentence
    with path.open("wb") as file:
        file.truncate(gallery.MOST_FILE_BYTES + 1)
    assert "larger than 50 MB" in shown(of, Wanted(judge_picture, path=path)).sentence
    assert not (tmp_path / "p").exists()


def test_a_judge_that_fails_keeps_no_other_picture_from_coming(tmp_path: Path) -> None:
    def judge(reply: Reply) -> bytes:
        raise ZeroDivisionError

    of = Gallery(tmp_path / "p", get=Service())
    bad = Wanted(judge, Request(("http://a.example/bad",), is_trusted=True))
    assert shown(of, bad).sentence == "It could not be drawn."
    assert shown(of, wanted(1)).image


def test_closed_it_asks_for_nothing_more_and_makes_no_folder_anew(tmp_path: Path) -> None:
    may_answer = threading.Event()

    def answer(request: Request) -> Reply:
        may_answer.wait(20)
        return GOOD

    service = Service(answer)
    of = Gallery(tmp_path / "p", get=service)
    for n in range(20):
        of.show(wanted(n), LOOK)
    of.close()
    may_answer.set()
    wait_for_pictures()
    assert len(service.asked) <= fetching.AT_ONCE
    assert of.shown_bytes == 0
    assert not (tmp_path / "p").exists()
