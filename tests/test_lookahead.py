"""Work that is done before it is asked for: ready, waited for, given up, and never depended on."""

import threading
import time
from collections.abc import Iterator

import pytest

from al_engine.lookahead import Lookahead, Overtaken


@pytest.fixture
def ahead() -> Iterator[Lookahead]:
    made = Lookahead()
    yield made
    made.drop("me")
    made.drop("you")


class Slow:
    """Work that lasts until it is let go, and notes whether it was given up."""

    def __init__(self) -> None:
        self.begun, self.go, self.overtaken = (threading.Event() for _ in range(3))

    def __call__(self, is_wanted) -> str:
        self.begun.set()
        while not self.go.wait(0.005):
            if not is_wanted():
                self.overtaken.set()
                raise Overtaken
        return "slow"


def test_what_is_done_is_ready(ahead):
    ahead.begin("me", [("a", lambda wanted: 1), ("b", lambda wanted: 2)], after_s=0)
    ahead.wait("me")
    assert ahead.take("me", "b") == 2
    assert ahead.take("me", "a") is None  # it was for another answer


def test_what_is_under_way_is_waited_for_and_the_rest_given_up(ahead):
    slow, later = Slow(), Slow()
    ahead.begin("me", [("a", slow), ("b", later)], after_s=0)
    assert slow.begun.wait(5)
    threading.Timer(0.05, slow.go.set).start()
    assert ahead.take("me", "a") == "slow"
    assert not later.begun.is_set()


def test_what_is_not_begun_is_left_to_who_wants_it_and_what_runs_is_given_up(ahead, caplog):
    slow = Slow()
    ahead.begin("me", [("a", slow), ("b", lambda wanted: 2)], after_s=0)
    assert slow.begun.wait(5)
    assert ahead.take("me", "b") is None
    assert slow.overtaken.wait(5)
    assert caplog.records == []


def test_an_early_answer_does_not_wait_for_the_beginning(ahead):
    ahead.begin("me", [("a", lambda wanted: 1)], after_s=60)
    start = time.monotonic()
    assert ahead.take("me", "a") is None
    assert time.monotonic() - start < 30


def test_what_fails_is_left_to_who_wants_it_and_the_next_is_done(ahead, caplog):
    ahead.begin("me", [("a", lambda wanted: 1 / 0), ("b", lambda wanted: 2)], after_s=0)
    ahead.wait("me")
    assert ahead.take("me", "a") is None
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]
    ahead.begin("me", [("b", lambda wanted: 2)], after_s=0)
    ahead.wait("me")
    assert ahead.take("me", "b") == 2


def test_the_same_work_again_goes_on_and_other_work_takes_its_place(ahead):
    slow, again = Slow(), Slow()
    ahead.begin("me", [("a", slow)], after_s=0)
    assert slow.begun.wait(5)
    ahead.begin("me", [("a", again)], after_s=0)
    assert not slow.overtaken.is_set()
    ahead.begin("me", [("b", lambda wanted: 2)], after_s=0)
    assert slow.overtaken.wait(5)
    ahead.wait("me")
    assert ahead.take("me", "a") is None


def test_nobody_gets_or_gives_up_another_s_work(ahead):
    ahead.begin("me", [("a", lambda wanted: "mine")], after_s=0)
    ahead.begin("you", [("a", lambda wanted: "yours")], after_s=0)
    ahead.wait("me")
    ahead.wait("you")
    assert ahead.take("me", "a") == "mine"
    assert ahead.take("you", "a") == "yours"


def test_nothing_is_begun_while_it_is_paused(ahead):
    done = threading.Event()
    with ahead.paused():
        ahead.begin("me", [("a", lambda wanted: done.set())], after_s=0)
        assert not done.wait(0.1)
    assert done.wait(5)


def test_a_dropped_owner_leaves_nothing_behind(ahead):
    ahead.begin("me", [("a", lambda wanted: 1)], after_s=0)
    ahead.wait("me")
    ahead.drop("me")
    assert ahead.take("me", "a") is None
