"""The log of answers: appended, on disk at once, whole or not at all."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT

from al_engine.data.labels import AnswerLog, Event, KeptRound
from al_engine.errors import ProjectError, ProjectInUseError

EVENT = Event(
    "answer",
    "Ada",
    "QSO",
    2**40,
    "1237648703521095984",
    "QSO",
    "query",
    "train",
    "margin",
    3,
    0.125,
    2.5,
    payload={"note": ["ü", 1, None]},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder / "answers.duckdb"


def test_events_are_there_again_after_closing(path: Path) -> None:
    log = AnswerLog(path)
    written = log.append(EVENT, Event("undo", "Ada", "QSO", 5, undoes=1))
    log.close()
    log = AnswerLog(path)
    assert log.events() == written
    assert [event.seq for event in written] == [1, 2]
    assert log.append(Event("unsure"))[0].seq == 3
    log.close()
    age = datetime.now(UTC).replace(tzinfo=None) - written[0].happened_at
    assert timedelta(0) <= age < timedelta(minutes=5)


def test_events_of_one_classifier(path: Path) -> None:
    log = AnswerLog(path)
    log.append(Event("answer", classifier="A"), Event("settings"), Event("answer", classifier="B"))
    assert [event.seq for event in log.events("A")] == [1]
    assert log.n_events == 3
    log.close()


def test_events_that_belong_together_are_all_there_or_none(path: Path) -> None:
    log = AnswerLog(path)
    with pytest.raises((TypeError, duckdb.Error)):
        log.append(EVENT, Event("answer", row_number="not a row"))  # type: ignore[arg-type]
    assert log.events() == []
    log.append(EVENT)
    log.close()
    log = AnswerLog(path)
    assert [event.seq for event in log.events()] == [1]
    log.close()


def test_an_event_is_on_disk_when_append_returns(path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from al_engine.data.labels import AnswerLog, Event, KeptRound
log = AnswerLog(Path({str(path)!r}))
log.append(Event("answer", "Ada", "QSO", 7, label="QSO"))
log.append(Event("unsure", "Ada", "QSO", 8))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -9
    log = AnswerLog(path)
    assert [(event.kind, event.row_number) for event in log.events()] == [
        ("answer", 7),
        ("unsure", 8),
    ]
    log.close()


def test_a_log_that_another_process_holds_is_named(path: Path) -> None:
    log = AnswerLog(path)
    script = f"""
from pathlib import Path
from al_engine.data.labels import AnswerLog
from al_engine.errors import ProjectInUseError
try:
    AnswerLog(Path({str(path)!r}))
except ProjectInUseError as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("The project 'project' is open in another program.")
    log.close()


def test_a_damaged_log_is_named_and_left_alone(path: Path) -> None:
    path.write_bytes(b"labels that may yet be rescued" * 1000)
    content = path.read_bytes()
    with pytest.raises(ProjectError, match=r"damaged file: answers\.duckdb") as found:
        AnswerLog(path)
    assert not isinstance(found.value, ProjectInUseError)
    assert path.read_bytes() == content


def test_many_threads_may_append(path: Path) -> None:
    log = AnswerLog(path)
    threads = [
        threading.Thread(target=lambda: [log.append(Event("later")) for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in log.events()] == list(range(1, 41))
    log.close()


def test_scores_are_found_by_what_they_were_measured_on(path: Path) -> None:
    log = AnswerLog(path)
    scores = {"training": {"f1": 1 / 3}, "reason": ""}
    log.save_round("QSO", "key", 5, {"training": None})
    log.save_round("QSO", "key", 5, scores)
    log.save_round("STAR", "key", 5, {})
    log.close()
    log = AnswerLog(path)
    assert log.rounds("QSO") == {"key": json.loads(json.dumps(scores))}
    assert log.rounds("GALAXY") == {}
    log.close()


def test_scores_that_are_written_late_do_not_hide_newer_ones(path: Path) -> None:
    log = AnswerLog(path)
    log.note_round("QSO", "key", {"reason": "older"})
    log.note_round("QSO", "key", {"reason": "newer"})
    log.save_round("QSO", "key", 5, {"reason": "older"})
    assert log.rounds("QSO") == {"key": {"reason": "newer"}}
    log.close()


def test_many_events_are_written_as_each_alone_would_be_and_all_or_none(
    path: Path, tmp_path: Path
) -> None:
    said = {"file": "a", "n": [1, None]}
    full = Event(
        "answer", "Ada", "QSO", 3, "J'3", "QSO", "query", "train", "margin", 2, 0.25, 1.5,
        None, said,
    )  # fmt: skip
    events = [full, Event("unsure"), Event("undo", undoes=2)] * 40
    many, singly = AnswerLog(path), AnswerLog(tmp_path / "singly.duckdb")
    written = many.append(*events)
    for event in written:
        singly.append(event)
    for log in (many, singly):
        log.close()
    many, singly = AnswerLog(path), AnswerLog(tmp_path / "singly.duckdb")
    assert many.events() == singly.events() == written
    many.close()
    singly.close()


def test_a_log_is_filled_whole_with_the_last_scores_of_each_round(path: Path) -> None:
    now = datetime(2026, 11, 21, 12)
    events = [Event("answer", seq=i, happened_at=now) for i in range(1, 101)]
    rounds = [KeptRound("QSO", f"key {i % 60}", now, i, {"reason": str(i)}) for i in range(100)]
    log = AnswerLog(path)
    with pytest.raises(duckdb.Error):
        log.restore([*events, events[0]], rounds)
    assert log.events() == []
    log.restore(events, rounds)
    log.close()
    log = AnswerLog(path)
    assert log.events() == events
    assert log.rounds("QSO")["key 39"] == {"reason": "99"}
    assert len(log.kept_rounds()) == 60
    log.close()
