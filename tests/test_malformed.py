"""Malformed configurations, test sets and extensions: one sentence each, and nothing is changed.

Each goes through the functions that pages call, on a project with answers; the folder's bytes and
the log are compared before and after.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import answer, begin, make_table, survey_config, survey_values
from test_astronomical import small_file
from test_extensions import CONTRAST, FAR, IMPORTS, LDA, REGISTRIES

from al_engine.background import BACKGROUND
from al_engine.curating.test_set import Curator
from al_engine.errors import AlEngineError, ConfigurationError, UnreadableFileError
from al_engine.exchange.configuration import read_configuration, write_configuration
from al_engine.exchange.strict_json import file_bytes
from al_engine.extensions import loading
from al_engine.home import EXTENSIONS as FOLDER
from al_engine.loop.recording import record
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.sharing.prospect import look
from al_engine.sharing.replay import load_settings


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabellingSession]:
    """A session with answers, one taken back; nothing here changes it, so one serves all."""
    home = tmp_path_factory.mktemp("home")
    folder, _ = create_project(home, "Survey", make_table(survey_values()), survey_config())
    session = begin(open_project(folder))
    for kind in ("answer", "unsure", "answer", "later"):
        answer(session, kind=kind)
    session.undo("QSO", token=session.state("QSO").token)
    curator = Curator(session)
    shown = curator.next_object("audit", session.config.curation.search)
    assert shown is not None
    curator.answer(shown.row, "answer", "QSO", token=shown.token)
    BACKGROUND.wait(session.project)
    yield session
    close_project(folder)


@pytest.fixture(scope="module")
def file_text(begun: LabellingSession) -> str:
    """Its configuration, whole and right."""
    return write_configuration(record(begun.project, begun.moment()))


def standing(project: Project) -> tuple[Any, ...]:
    """All that could have been changed: every file's bytes, the log, the settings."""
    BACKGROUND.wait(project)
    files = {
        str(path): hashlib.sha256(path.read_bytes()).digest()
        for path in project.folder.parent.rglob("*")
        if path.is_file() and FOLDER not in path.parts
    }
    return files, project.log.events(), project.config, project.about


def refused(session: LabellingSession, do: Callable[[], object]) -> AlEngineError:
    """What an attempt was refused with, once it is seen that nothing was changed."""
    before = standing(session.project)
    with pytest.raises(AlEngineError) as caught:
        do()
    error = caught.value
    assert "\n" not in str(error)
    assert "Traceback" not in str(error)
    assert error.message.endswith((".", ")"))
    assert error.hint, "it says what to do"
    assert len(str(error)) < 500
    assert standing(session.project) == before
    return error


def load(session: LabellingSession, path: Path) -> None:
    """What the Share page does with the path of a configuration, from the field to the button."""
    configuration = read_configuration(file_bytes(path))
    found = look(session.project, configuration)
    if error := found.refused.get("settings"):
        raise error
    load_settings(session, configuration)


def test_the_very_same_configuration_can_be_loaded(begun: LabellingSession, file_text: str) -> None:
    # Else every refusal below might be for another reason.
    assert "settings" not in look(begun.project, read_configuration(file_text.encode())).refused


# -- configurations ------------------------------------------------------------------------------

Edit = Callable[[dict[str, Any]], Any]


def at(*path: Any, to: Any) -> Edit:
    def edit(file: dict[str, Any]) -> None:
        held: Any = file
        for step in path[:-1]:
            held = held[step]
        held[path[-1]] = to

    return edit


def lose(*path: Any) -> Edit:
    def edit(file: dict[str, Any]) -> None:
        held: Any = file
        for step in path[:-1]:
            held = held[step]
        del held[path[-1]]

    return edit


EDITED: dict[str, tuple[Edit, str]] = {
    "another format": (at("format", to="Sextant model"), "neither"),
    "no format": (lose("format"), "neither"),
    "a newer version": (at("version", to=2), "version 2"),
    "a version that is text": (at("version", to="1"), "version is '1'"),
    "an unknown key": (at("colour", to="red"), "'colour' is not a setting"),
    "an unknown setting": (at("settings", "speed", to=3), "'speed' is not a setting"),
    "settings that are a list": (at("settings", to=[]), "settings is []"),
    "an author that is a number": (at("author", to=7), "settings.author is 7"),
    "a share that is text": (at("settings", "splits", "train", to="all"), "splits.train is 'all'"),
    "shares beyond all": (at("settings", "splits", "train", to=90), "add up to 130%"),
    "a huge seed": (at("settings", "splits", "seed", to=10**30), "31 digits"),
    "a number of 5000 digits": (at("data", "n_rows", to="HUGE"), "thousands of digits"),
    "a number beyond doubles": (at("data", "n_rows", to="1e999"), "1e999 is too large"),
    "a part of a row": (at("data", "n_rows", to=0.5), "data.n_rows is 0.5"),
    "not a number": (at("settings", "splits", "train", to=float("nan")), "NaN is no number"),
    "infinity": (at("rounds", 0, "scores", to=float("inf")), "Infinity is no number"),
    "deep nesting": (at("events", 0, "payload", to="DEEP"), "40 levels"),
    "a colour that is code": (
        at("settings", "labels", 0, "colour", to="red;background:url(//x)"), "Write it as #rrggbb"
    ),
    "a colour scheme": (at("layout", "colours", to="pink"), "layout.colours is 'pink'"),
    "an event of no kind": (at("events", 3, "kind", to="delete"), "events[3].kind is 'delete'"),
    "an event without a kind": (lose("events", 3, "kind"), "'kind' is missing"),
    "an act that is none": (
        at("events", 7, "payload", to={"together": 5}), "'together' must be a text of up to 64"
    ),
    "an act of nobody": (at("events", 7, "payload", to={"of": 0}), "a whole number from 1"),
    "an event that is text": (at("events", 3, to="QSO"), "events[3] is 'QSO'"),
    "a label there is not": (at("events", 3, "label", to="QS0"), "events[3].label is 'QS0'"),
    "an answer without a label": (lose("events", 3, "label"), "events[3].label is missing"),
    "an answer without an object": (lose("events", 3, "object_id"), "object_id is missing"),
    "an id that is a number": (at("events", 3, "object_id", to=7), "events[3].object_id is 7"),
    "an event twice": (at("events", 3, "seq", to=3), "events[3].seq is 3 after 3"),
    "a round beyond counting": (
        at("events", 8, "round_number", to=2**62), "events[8].round_number is"
    ),
    "a round before the first": (at("events", 8, "round_number", to=-1), "round_number is -1"),
    "an undo of what comes": (at("events", -2, "undoes", to=99), "undoes is 99"),
    "a time that is none": (at("events", 3, "happened_at", to="noon"), "happened_at is 'noon'"),
    "former settings": (
        at("events", 0, "payload", to={"splits": {"train": -1}}), "events[0].payload"
    ),
    "half a letter": (at("events", 3, "who", to="\ud800"), "events[3].who holds characters"),
    "a zero byte": (at("events", 3, "object_id", to="J\x00"), "object_id holds characters"),
    "events that are one": (at("events", to={"kind": "answer"}), "events is {"),
    "a model there is not": (at("settings", "setups", to={"QSO": {"members": []}}), "no model"),
    "a model there never was": (
        at("settings", "setups", "QSO", "members", 0, "model", to="oracle"), "no model 'oracle'"
    ),
    "trees without end": (
        at("settings", "setups", "QSO", "members", 0, "params", to={"n_estimators": 10**15}),
        "n_estimators) is 1000000000000000",
    ),
    "a feature there is not": (at("settings", "features", "base", to=["g", "x"]), "Column 'x'"),
    "a feature of text": (at("settings", "features", "base", to=["g", "note"]), "'note'"),
    "an id that repeats": (at("settings", "columns", "id", to="note"), "`note` repeats"),
    "a column for an attack": (
        at("settings", "columns", "id", to='g"; DROP TABLE catalogue; --'), "is not in"
    ),
    "a seed below 0": (at("settings", "splits", "seed", to=-7), "splits.seed is -7"),
    "a target of a billion": (at("settings", "curation", "target", to=10**9), "target is 1e+09"),
    "a picture of no width": (
        at("settings", "columns", "image_width_px", to=-3), "image_width_px is -3"
    ),
    "a classifier twice": (at("settings", "train_labels", to=["QSO", "QSO"]), "'QSO' stands twice"),
    "100,000 labels": (at("settings", "labels", to="LABELS"), "100,000 labels"),
    "a search without its value": (
        at("settings", "curation", "search", "groups",
           to=[{"criteria": [{"column": "g", "operation": ">"}]}]), "is not complete",
    ),
    "a name as long as a book": (at("author", to="x" * 1_000_000), "1,000,000 characters"),
    "50 MB of one letter": (at("author", to="50 MB"), "50,000,000 characters"),
    "a key as long as a book": (at("k" * 1_000_000, to=1), "1,000,000 characters"),
    "one name of two lines twice": (
        at("settings", "labels", to=[{"value": v, "name": "a\nb", "colour": "#000000"}
                                     for v in ("QSO", "STAR")]), "Two labels are named 'a b'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITED)
def test_a_configuration_edited_wrongly_is_refused_by_the_key(
    begun: LabellingSession, file_text: str, tmp_path: Path, name: str
) -> None:
    edit, said = EDITED[name]
    file = json.loads(file_text)
    edit(file)
    text = json.dumps(file)
    label = '{"value": "%d", "name": "%d", "colour": "#000000"}'
    for word, stands_for in {
        '"HUGE"': "9" * 5000,
        '"1e999"': "1e999",
        '"DEEP"': "[" * 60 + "]" * 60,
        '"LABELS"': f"[{','.join(label % (i, i) for i in range(100_000))}]",
        "50 MB": "x" * 50_000_000,
    }.items():
        text = text.replace(word, stands_for)
    path = tmp_path / "edited.json"
    path.write_text(text)
    assert said in str(refused(begun, lambda: load(begun, path)))


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda whole: b"", "no whole JSON"),
    "cut short": (lambda whole: whole[: len(whole) // 2], "no whole JSON: line"),
    "Latin-1": (lambda whole: whole.replace(b'"author": ""', b'"author": "\xe9"'), "UTF-8"),
    "UTF-16 cut short": (lambda whole: whole.decode().encode("utf-16")[:-1], "UTF-8"),
    "a list": (lambda whole: b"[1, 2]", "neither"),
    "a pickle": (lambda whole: b"\x80\x04\x95cos\nsystem\n(S'x'\ntR.", "UTF-8"),
    "a web page": (lambda whole: b"<html>no</html>", "no whole JSON: line 1, column 1"),
    "one key twice": (lambda whole: b'{"format": 1, "format": 2}', "'format' stands twice"),
    "the last of many keys twice": (
        lambda whole: b"{" + b",".join(b'"%d":0' % (i % 99_999) for i in range(100_000)) + b"}",
        "'0' stands twice",
    ),
    "100,000 brackets": (lambda whole: b"[" * 100_000, "40 levels"),
    "50 MB of brackets": (lambda whole: b"[" * 50_000_000, "40 levels"),
    "50 MB and not the end": (lambda whole: whole + b" " * 50_000_000 + b"x", "no whole JSON"),
    "65 MB": (lambda whole: b" " * 65_000_000, "64 MB are read at most"),
    "only a number": (lambda whole: b"7", "neither"),
}


@pytest.mark.parametrize("name", BYTES)
def test_what_is_no_configuration_is_refused(
    begun: LabellingSession, file_text: str, tmp_path: Path, name: str
) -> None:
    make, said = BYTES[name]
    path = tmp_path / "made.json"
    path.write_bytes(make(file_text.encode()))
    error = refused(begun, lambda: load(begun, path))
    assert isinstance(error, ConfigurationError)
    assert said in str(error)


PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "is not there"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "is not there"),
    "a link to itself": (lambda path: path.symlink_to(path), "is not there"),
    "a link to a folder": (lambda path: path.symlink_to("/"), "is a folder"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "is no file"),
    "a pipe": (lambda path: os.mkfifo(path), "is no file"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_path_without_a_file_is_refused(
    begun: LabellingSession, tmp_path: Path, name: str
) -> None:
    make, said = PLACES[name]
    make(tmp_path / "x.json")
    assert said in str(refused(begun, lambda: load(begun, tmp_path / "x.json")))


@pytest.mark.parametrize("path", ["a\x00b", "x" * 5000, "a\ud800b"])
def test_what_is_no_path_is_refused(begun: LabellingSession, path: str) -> None:
    refused(begun, lambda: load(begun, Path(path)))


# -- configurations of AstronomicAL's ------------------------------------------------------------

THEIRS: dict[str, tuple[dict[str, Any], str]] = {
    "no id column": ({"id_col": None}, "id_col is None"),
    "labels that are text": ({"labels": ["0", "1"]}, "labels[0] is '0'"),
    "labels beyond numbers": ({"labels": [10**19]}, "labels[0] is 1000"),
    "one label twice": ({"labels": [0, 0, 1]}, "named 'Star'"),
    "two of one name": ({"labels_to_strings": {"0": "Star", "1": "Star"}}, "named 'Star'"),
    "a classifier for nobody": ({"labels_to_train": ["Quasar"]}, "'Quasar'"),
    "features that are one": ({"features_for_training": "a"}, "features_for_training is 'a'"),
    "a switch that is a word": ({"scale_data": "yes"}, "scale_data is 'yes'"),
    "an operation alone": ({"feature_generation": ["subtract (a-b)"]}, "feature_generation[0]"),
    "nine features at once": ({"feature_generation": [["add (a+b)", 9]]}, "9 features"),
    "a colour by name": ({"label_colours": {"0": "red"}}, "'red'"),
    "classifiers in a list": ({"classifiers": []}, "classifiers is []"),
    "another label's classifier": ({"classifiers": {"0": {}}}, "'classifier' is missing"),
    "a classifier that is not trained": (
        {"classifiers": {"0": {"classifier": [], "query": []}}}, "classifiers.0",
    ),
    "a column that is not there": ({}, "Column 'id' is not in"),
}  # fmt: skip
THEIR_CLASSIFIER: dict[str, tuple[dict[str, Any], str]] = {
    "too few labels": ({"y": [0]}, "4 ids and 1 labels"),
    "one id twice": ({"id": [3, 3, 4, 5]}, "has '3' twice"),
    "a label there is not": ({"y": [0, 1, 7, 1]}, "y[2] is 7"),
    "a label that is text": ({"y": [0, 1, "1", 1]}, "y[2] is '1'"),
    "an id that is nothing": ({"id": [3, None, 4, 5]}, "id[1] is 'None'"),
    "an id that is a list": ({"id": [3, [4], 11, 12]}, "id[1] is"),
    "more models than strategies": ({"query": []}, "2 models and 0 strategies"),
    "an unknown key": ({"pool": []}, "'pool' is not a setting"),
}


@pytest.mark.parametrize("name", [*THEIRS, *THEIR_CLASSIFIER])
def test_a_file_of_astronomical_s_edited_wrongly_is_refused_by_the_key(
    begun: LabellingSession, tmp_path: Path, name: str
) -> None:
    file = small_file()
    changes, said = (THEIRS | THEIR_CLASSIFIER)[name]
    (file if name in THEIRS else file["classifiers"]["1"]).update(changes)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(file))
    assert said in str(refused(begun, lambda: load(begun, path)))


# -- test sets -----------------------------------------------------------------------------------

TEST_SETS: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n\t ",
    "cut short": b'{"a": 1, "b"',
    "a list": b'["a", "b"]',
    "a number": b"3",
    "a text": b'"a"',
    "null": b"null",
    "nobody": b"{}",
    "not text": b"\xff\xfe\x00\x01{",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a nested label": b'{"a": 1, "b": {"label": 2}}',
    "a list for a label": b'{"a": [1]}',
    "true for a label": b'{"a": 1, "b": true}',
    "null for a label": b'{"a": null}',
    "half a label": b'{"a": 1.5}',
    "no number for a label": b'{"a": NaN}',
    "an endless label": b'{"a": Infinity}',
    "an empty label": b'{"a": "  "}',
    "a huge label": b'{"a": ' + b"9" * 30 + b"}",
    "a label of too many digits": b'{"a": ' + b"9" * 5000 + b"}",
    "too deep": b'{"a": ' + b"[" * 100_000,
    "a pickle": b"\x80\x04\x95\x10\x00",
    "two objects": b'{"a": 1}{"b": 2}',
    "a comma too many": b'{"a": 1,}',
    "Latin-1": '{"a": "caf\u00e9"}'.encode("latin-1"),
    "UTF-16 cut short": '{"a": 1}'.encode("utf-16")[:-3],
    "an id as long as a book": b'{"' + b"x" * 20_000 + b'": 1}',
    "50 MB of one letter": b'{"a": "50 MB"}',
    "50 MB of blanks": b"\n\t50 MB",
    "half a letter for a label": b'{"a": {"\\ud800": 1}}',
}


@pytest.mark.parametrize("name", TEST_SETS)
def test_a_malformed_test_set_is_refused_whole(begun: LabellingSession, name: str) -> None:
    object_id = begun.object_id(5)
    content = TEST_SETS[name].replace(b'"a"', f'"{object_id}"'.encode())
    content = content.replace(b"50 MB", b"x" * 50_000_000 if b"{" in content else b" " * 50_000_000)
    error = refused(begun, lambda: Curator(begun).read_file(content, "bad.json"))
    assert isinstance(error, UnreadableFileError)
    assert error.message.startswith("The file ")
    assert "JSON of ids and labels" in error.hint


# -- extensions ----------------------------------------------------------------------------------

EXTENSIONS: dict[str, tuple[str | bytes, int | None]] = {
    "cut_short": (LDA[:-10], 4),
    "nothing": (b"", None),
    "registers_nothing": ("x = 1\n", None),
    "no_python": ("%PDF-1.4 \x01\x02", 1),
    "null_bytes": (LDA.encode() + b"\0", None),
    "utf16": (LDA.encode("utf-16"), None),
    "latin1": (LDA.replace("'Discriminant'", "'\xe9t\xe9'").encode("latin-1"), 4),
    "unknown_encoding": ("# coding: klingon\n" + LDA, None),
    "deep": ("x = " + "(" * 5000 + ")" * 5000 + "\n", 1),
    "deeper": ("x = " + "-" * 200_000 + "1\n", None),
    "endless_line": (b"x = '" + b"a" * 2_000_000 + b"'", None),
    "exits": ("import sys\nsys.exit(0)\n", 2),
    "no_module": ("import not_a_module_of_anybody\n", 1),
    "wrong_call": (IMPORTS + "register_model()\n", 3),
    "unknown_key": (IMPORTS + "register_feature('f', abs, colour='red')\n", 3),
    "number_as_model": (IMPORTS + "register_model('m', 3)\n", 3),
    "class_as_model": (LDA.replace("Lda()", "Lda.fit"), 4),
    "no_estimator": (IMPORTS + "register_model('m', lambda params, seed: 3)\n", 3),
    "regressor": (
        IMPORTS + "from sklearn.svm import SVR\nregister_model('m', SVR())\n", 4,
    ),
    "nan_limit": (
        IMPORTS + "p = Param('k', 'K', 1, 0, float('nan'))\n"
        "register_model('m', lambda params, seed: 1/0, params=[p])\n", 4,
    ),
    "huge_default": (
        IMPORTS + "p = Param('k', 'K', 10**400, 0, 9)\n"
        "register_model('m', lambda params, seed: 1/0, params=[p])\n", 4,
    ),
    "not_a_param": (IMPORTS + "register_model('m', lambda p, s: 1/0, params=[7])\n", 3),
    "draws": (
        IMPORTS + "from sklearn.ensemble import RandomForestClassifier as F\n"
        "import itertools\nn = itertools.count()\n"
        "register_model('m', lambda params, seed: F(5, random_state=next(n)))\n", 6,
    ),
    "path_as_name": (LDA.replace("'lda'", "'../../lda'"), 4),
    "markup_as_name": (LDA.replace("'lda'", "'<b>'"), 4),
    "long_title": (LDA.replace("'Discriminant'", "'x' * 1000"), 4),
    "ours": (LDA.replace("'lda'", "'knn'"), 4),
    "twice": (LDA + "register_model('lda', Lda())\n", 5),
    "both_forms": (IMPORTS + "register_strategy('s', abs, from_proba=abs)\n", 3),
    "nan_utility": (
        IMPORTS + "register_strategy('s', from_proba=lambda p: p[:, 0] * np.nan)\n", 3,
    ),
    "compares_rows": (
        IMPORTS + "register_strategy('s', from_proba=lambda p: p[:, 0] - p[:, 0].mean())\n", 3,
    ),
    "asks_twice": (
        FAR.replace("np.argsort(-side, kind='stable')[:n_instances]", "[3] * n_instances"), 6,
    ),
    "asks_elsewhere": (
        FAR.replace("np.argsort(-side, kind='stable')[:n_instances]", "[10**9]"), 6,
    ),
    "changes_its_mind": (
        FAR.replace("np.argsort(-side, kind='stable')[:n_instances]",
                    "np.random.permutation(len(X))[:n_instances]"), 6,
    ),
    "one_utility": (IMPORTS + "register_strategy('s', from_proba=lambda p: p.max())\n", 3),
    "one_number": (IMPORTS + "register_feature('f', lambda a, b: 3.0)\n", 3),
    "a_text": (IMPORTS + "register_feature('f', lambda a, b: 'abc')\n", 3),
    "writes_on_input": (
        CONTRAST.replace("    return", "    a[0] = 3\n    return").replace("'contrast'", "'b'"), 4,
    ),
    "mean_of_batch": (IMPORTS + "register_feature('f', lambda a: a - np.nanmean(a))\n", 3),
    "no_figure": (
        IMPORTS + "register_plot('p', lambda c, l, s: 'abc', columns=['g'])\n", 3,
    ),
    "no_columns": (IMPORTS + "register_plot('p', lambda c, l, s: {}, columns=[])\n", 3),
    "strange_figure": (
        IMPORTS + "register_plot('p', lambda c, l, s: {'data': [{'z': 1}]}, columns=['g'])\n", 3,
    ),
    "endless_figure": (
        IMPORTS + "register_plot('p', lambda c, l, s: "
        "{'data': [{'x': list(range(10**6))}]}, columns=['g'])\n", 3,
    ),
    "six_columns": (IMPORTS + "register_feature('f', lambda a, b, c, d, e, f: a)\n", 3),
    "large": (b"# 50 MB", None),
}  # fmt: skip


def faults_of(
    session: LabellingSession,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    make: Callable[[Path], Any],
) -> list[loading.Fault]:
    """Start again with one file of extensions, and see that nothing is changed by it."""
    home = session.project.folder.parent
    path = home / FOLDER / name
    path.parent.mkdir(exist_ok=True)
    before, held = standing(session.project), [dict(registry) for registry in REGISTRIES]
    make(path)
    monkeypatch.setenv("SEXTANT_EXTENSIONS", "1")
    loading._loaded.clear()
    try:
        found = loading.load_extensions(home)
    finally:
        loading._loaded.clear()
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    assert found.entries == ()
    assert list(REGISTRIES) == held
    assert f"sextant_extension_{path.stem}" not in sys.modules
    assert standing(session.project) == before
    for fault in found.faults:
        assert fault.message.endswith((".", ")"))
        assert "\n" not in str(fault)
        assert len(str(fault)) < 600
    return list(found.faults)


@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_malformed_extension_is_left_out_by_file_and_line(
    begun: LabellingSession, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content, line = EXTENSIONS[name]
    content = content.encode() if isinstance(content, str) else content
    content = content.replace(b"50 MB", b"x" * 50_000_000)
    (fault,) = faults_of(begun, monkeypatch, f"{name}.py", lambda path: path.write_bytes(content))
    assert (fault.file, fault.line) == (f"{name}.py", line)


NO_FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a folder": ("folder.py", lambda path: path.mkdir(), "It is no file."),
    "a link to nothing": ("a.py", lambda path: path.symlink_to("nowhere"), "It is no file."),
    "a link to a device": ("b.py", lambda path: path.symlink_to("/dev/zero"), "It is no file."),
    "a pipe": ("c.py", lambda path: os.mkfifo(path), "It is no file."),
    "no module's name": ("my-model.py", lambda path: path.write_text(LDA), "No module of Python"),
}


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_or_no_module_is_left_out(
    begun: LabellingSession, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    name, make, said = NO_FILES[what]
    (fault,) = faults_of(begun, monkeypatch, name, make)
    assert fault.message.startswith(said)
