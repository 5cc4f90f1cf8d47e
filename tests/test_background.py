"""What is done in the background is done once, in the end, and its failure is told."""

import subprocess
import sys
import threading
import weakref
from functools import partial

import pytest
from conftest import ROOT

from al_engine.background import Background
from al_engine.errors import ProjectError


def test_of_two_pieces_under_one_name_the_newer_is_done() -> None:
    background, done = Background(), []
    background.do("project", "model", lambda: done.append(1))
    background.do("project", "model", lambda: done.append(2))
    background.do("project", "other", lambda: done.append(3))
    background.wait("project")
    assert sorted(done) == [2, 3]


def test_work_that_is_replaced_again_and_again_is_done_at_its_first_time() -> None:
    background, done = Background(), threading.Event()
    for _ in range(40):
        background.do("project", "model", done.set, after_s=0.1)
        if done.wait(0.05):
            break
    assert done.is_set()


def test_whoever_waits_waits_for_work_under_way_too() -> None:
    background, begun, go_on, done = Background(), threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        go_on.wait(5)
        done.append(1)

    background.do("project", "model", work, after_s=0.0)
    assert begun.wait(5)
    threading.Timer(0.05, go_on.set).start()
    background.wait("project")
    assert done == [1]


def test_an_owner_does_not_wait_for_another_ones_work() -> None:
    background = Background()
    background.do("one", "model", lambda: None, after_s=3600)
    background.wait("two")
    background.wait("one")


def test_what_went_wrong_is_told_once_to_whom_it_concerns() -> None:
    background = Background()

    def fail() -> None:
        raise ProjectError("The disk is full.", "Make room.")

    background.do("one", "model", fail)
    background.do("two", "model", lambda: None)
    background.wait("one")
    background.wait("two")
    assert str(background.failure("one")).startswith("The disk is full")
    assert background.failure("one") is None
    assert background.failure("two") is None


def test_a_bug_is_told_as_well_and_the_next_work_is_done() -> None:
    background, done = Background(), []
    background.do("one", "model", lambda: 1 / 0)
    background.do("one", "scores", lambda: done.append(1))
    background.wait("one")
    assert "ZeroDivisionError" in str(background.failure("one"))
    assert done == [1]


def test_work_that_is_forgotten_is_never_done() -> None:
    background, done = Background(), []
    background.do("one", "model", lambda: done.append(1), after_s=3600)
    background.do("two", "model", lambda: done.append(2), after_s=3600)
    background.drop("one")
    background.wait()
    assert done == [2]


def test_a_failure_keeps_nothing_alive_that_the_work_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("al_engine.background._LOG.disabled", True)  # pytest keeps what is logged

    class Large:
        pass

    background, large = Background(), Large()
    gone = weakref.ref(large)

    def fail(held: Large) -> None:
        raise ProjectError("The disk is full.", "Make room.")

    background.do("one", "model", partial(fail, large))
    background.wait("one")
    del large
    assert gone() is None
    assert background.failure("one") is not None


def test_a_process_that_ends_does_what_is_due_first() -> None:
    program = (
        "from al_engine.background import BACKGROUND\n"
        "BACKGROUND.do('project', 'model', lambda: print('done'), after_s=3600)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "done\n"
