"""The curated test set in another project: by ids and not by rows, and nothing but what it is."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from conftest import TRUTH, Open, answer, begin, make_table, survey_values

from al_engine.background import BACKGROUND
from al_engine.curating.models import scores_of_test_set
from al_engine.curating.test_set import Curator
from al_engine.data.labels import CURATED
from al_engine.errors import AlEngineError, UnreadableFileError
from al_engine.exchange.configuration import (
    Configuration,
    read_configuration,
    write_configuration,
)
from al_engine.exchange.said import Said
from al_engine.exchange.whole_reading import _event
from al_engine.loop.recording import record
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig
from al_engine.settings.criteria import Search
from al_engine.sharing.replay import replay

Make = Callable[..., Project]


@pytest.fixture
def fresh(tmp_path: Path, opened: Open) -> Make:
    """Import the small catalogue anew, its rows in another order where one is given."""

    def make(order: Any = None) -> Project:
        values = survey_values()
        if order is not None:
            values = {name: array.take(pa.array(order)) for name, array in values.items()}
        folder, _ = create_project(tmp_path / "again", "A", make_table(values), ProjectConfig())
        return opened(folder)

    return make


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    BACKGROUND.wait()


def curate(curator: Curator, draw: Any, n: int) -> None:
    for _ in range(n):
        shown = curator.next_object(draw, Search())
        assert shown is not None
        curator.answer(
            shown.row, "answer", TRUTH[shown.row], token=shown.token, search=Search(), seconds=1.0
        )


def text_of(session: LabellingSession) -> str:
    return write_configuration(record(session.project, session.moment()))


def read(text: str) -> Configuration:
    return read_configuration(text.encode())


# -- rows are others there -----------------------------------------------------------------------


def test_an_audit_is_of_the_same_objects_where_rows_stand_in_another_order(
    project: Project, fresh: Make
) -> None:
    session = begin(project)
    curator = Curator(session)
    curate(curator, "criteria", 60)
    curate(curator, "audit", 20)
    audit = curator.curated.audit
    assert len(audit) > 20, "it met some of those that the criteria drew"
    order = np.random.default_rng(4).permutation(300)
    again = fresh(order)
    replay(again, read(text_of(session)), "Eve")
    there = Curator(LabellingSession(again, "Eve"))
    assert {int(order[row]) for row in there.curated.audit} == audit
    curate_next = [c.next_object("audit", Search()) for c in (curator, there)]
    assert curate_next[0] is not None
    assert curate_next[1] is not None
    assert int(order[curate_next[1].row]) == curate_next[0].row, "and it goes on as it was"


def test_an_audit_without_an_object_that_is_not_there_is_of_the_others(
    project: Project, fresh: Make
) -> None:
    session = begin(project)
    curator = Curator(session)
    curate(curator, "criteria", 60)
    curate(curator, "audit", 20)
    audit = sorted(curator.curated.audit)
    met = next(row for row in audit if curator.curated.how[row] == "criteria")
    there = fresh([row for row in range(300) if row != met])
    made = replay(there, read(text_of(session)), "Eve")
    assert made.absent == (session.object_id(met),)
    ids = LabellingSession(there, "Eve").object_ids(sorted(there.curated().audit))
    assert set(ids) == set(session.object_ids([row for row in audit if row != met]))


def use(session: LabellingSession) -> None:
    splits = replace(session.config.splits, curated=True)
    session.change_settings(replace(session.config, splits=splits))


def test_a_replay_with_the_test_set_in_use_is_the_same(project: Project, fresh: Make) -> None:
    session = begin(project)
    for _ in range(3):
        answer(session)
    curator = Curator(session)
    curate(curator, "criteria", 12)
    use(session)
    for _ in range(2):
        curate(curator, "audit", 3)
        answer(session)
    again = fresh()
    made = replay(again, read(text_of(session)), "Eve")
    assert made.difference == ""
    assert made.n_compared > 0
    there = LabellingSession(again, "Eve")
    scores = [each.state("QSO").scores for each in (session, there)]
    assert scores[0] == scores[1]
    assert scores[0] is not None
    assert scores[0].over
    assert scores_of_test_set(session, "QSO") == scores_of_test_set(there, "QSO")


def test_rounds_scored_before_others_came_into_the_test_set_are_not_compared(
    project: Project, fresh: Make
) -> None:
    session = begin(project)
    answer(session)
    curator = Curator(session)
    curate(curator, "criteria", 1)
    use(session)
    shown = session.state("QSO")
    # Another tab curates on, and knows nothing of the rounds of this one.
    other = LabellingSession(project, "Ben")
    other.follow_test_set = lambda: None  # type: ignore[method-assign]
    curate(Curator(other), "audit", 20)
    assert shown.question is not None
    row = shown.question.row
    assert row not in project.curated().labels
    session.answer("QSO", row, "answer", TRUTH[row], token=shown.token)
    configuration = read(text_of(session))
    made = replay(fresh(), configuration, "Eve")
    assert made.difference == ""
    scored = [past for past in configuration.rounds if past.scores]
    assert 0 < made.n_compared < len(scored)


# -- what was edited by hand ---------------------------------------------------------------------

EDITED: dict[str, tuple[dict[str, Any], str]] = {
    "met is a number": ({"payload": {"met": 5}}, "payload is"),
    "met is a list of lists": ({"payload": {"met": [[1]]}}, "'met' must be a list of events"),
    "met is text": ({"payload": {"met": "12"}}, "'met' must be a list of events"),
    "met is true": ({"payload": {"met": [True]}}, "'met' must be a list of events"),
    "a seed that is text": ({"payload": {"seed": "x"}}, "'seed' must be a whole number"),
    "a seed that is a part": ({"payload": {"seed": 0.5}}, "'seed' must be a whole number"),
    "an unknown way to come": ({"how": "foo"}, "how is "),
    "a classifier's way to come": ({"how": "query"}, "one of criteria, audit, chosen, file"),
    "no way to come": ({"how": None}, "how is "),
    "put off": ({"kind": "later", "label": None}, "kind is "),
    "given": ({"kind": "given"}, "kind is "),
    "of a classifier": ({"classifier": "QSO"}, "classifier is "),
    "a label for Unsure": ({"kind": "unsure"}, "label is "),
}


@pytest.fixture(scope="module")
def curated_text(survey_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The configuration of a project with an audit, made once."""
    folder = Path(shutil.copytree(survey_template, tmp_path_factory.mktemp("made") / "survey"))
    session = begin(open_project(folder))
    curate(Curator(session), "criteria", 3)
    curate(Curator(session), "audit", 3)
    text = text_of(session)
    close_project(folder)
    return text


def edited(text: str, changes: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The first curated event with some fields changed, and the file that holds it."""
    file = json.loads(text)
    event = next(e for e in file["events"] if e.get("part") == CURATED)
    event.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del event[name]
    return event, json.dumps(file)


@pytest.mark.parametrize("name", EDITED)
def test_an_event_of_the_test_set_that_cannot_be_is_refused_in_a_sentence(
    curated_text: str, name: str
) -> None:
    changes, said = EDITED[name]
    event, text = edited(curated_text, changes)
    with pytest.raises(AlEngineError) as caught:
        read(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("events[")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    del event["object_id"]
    line = Said(Path("project.zip"), "events.jsonl, line 9", {**event, "row_number": 1})
    with pytest.raises(UnreadableFileError, match=said.split()[0]):
        _event(line, 300)


def test_an_event_of_the_test_set_as_it_was_written_is_read(curated_text: str) -> None:
    event, text = edited(curated_text, {})
    assert [e.how for e in read(text).events if e.part == CURATED] == [
        "criteria", "criteria", "criteria", "audit", "audit", "audit",
    ]  # fmt: skip
    line = Said(Path("project.zip"), "events.jsonl, line 9", event)
    assert _event(line, 300).payload == event["payload"]


def test_an_undo_of_the_test_set_takes_back_nothing_else(curated_text: str) -> None:
    file = json.loads(curated_text)
    last = file["events"][-1]["seq"]
    undo = {"seq": last + 1, "kind": "undo", "part": CURATED, "undoes": 1}
    with pytest.raises(AlEngineError, match="undoes is 1"):
        read(json.dumps({**file, "events": [*file["events"], undo]}))
    right = {**undo, "undoes": last}
    assert read(json.dumps({**file, "events": [*file["events"], right]})).events[-1].undoes == last


@pytest.mark.parametrize("classifier", [None, "nobody"])
def test_an_answer_for_no_classifier_there_is_is_refused(
    curated_text: str, classifier: str | None
) -> None:
    file = json.loads(curated_text)
    event = next(e for e in file["events"] if e["kind"] == "given")
    if classifier is None:
        del event["classifier"]
    else:
        event["classifier"] = classifier
    with pytest.raises(AlEngineError, match=r"classifier is (null|.nobody.)\. It must be one of"):
        read(json.dumps(file))
