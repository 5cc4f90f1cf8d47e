"""Texts as a table of numbers: by a stand-in for a model, and by a real one where it is there."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, small_setup

from al_engine import embedding
from al_engine.__main__ import main
from al_engine.curating.joining import join, open_to_join, propose
from al_engine.data.demo import DEMOS
from al_engine.embedding import embed_file
from al_engine.errors import AlEngineError, SettingsError, UnusableModelError
from al_engine.exchange import encoders
from al_engine.exchange.encoders import open_encoder
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Features
from al_engine.starting import import_file

Open = Callable[[Path], Project]
TEXTS = ["A <b>fine</b> night", "", None, "clouds &amp; rain", "<br/> ", "unheard-of"]


class Counting:
    """In place of a model: how many letters and words a text has, and whether it speaks of rain."""

    def __init__(self) -> None:
        self.heard: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.heard.append(list(texts))
        made = [[len(text), len(text.split()), "rain" in text] for text in texts]
        known = [[0 if text == "unheard-of" else 1] for text in texts]
        return (np.array(made) * np.array(known)).astype(np.float32)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.parquet"
    ids = [f"n{i}" for i in (5, 3, 9, 1, 2, 7)]
    pq.write_table(pa.table({"x": [1.0] * 6, "id": ids, "note": TEXTS}), path)
    return path


def test_each_object_has_its_numbers_under_its_id_in_the_order_of_the_catalogue(notes: Path):
    out = notes.with_name("out.parquet")
    encode = Counting()
    made = embed_file(notes, out, encode, text="note", model_name="counting")
    assert (made.n_rows, made.n_empty, made.n_dimensions) == (6, 4, 3)
    table = pq.read_table(out)
    assert table.column_names == ["id", "note_1", "note_2", "note_3"]
    assert table.schema.types[1:] == [pa.float32()] * 3
    assert table["id"].to_pylist() == ["n5", "n3", "n9", "n1", "n2", "n7"]
    assert table["note_1"].to_pylist() == [len("A  fine  night"), None, None, 13.0, None, None]
    assert table["note_3"].to_pylist() == [0.0, None, None, 1.0, None, None]


def test_a_model_reads_texts_without_tags_and_with_their_capitals_and_no_empty_ones(notes: Path):
    encode = Counting()
    embed_file(notes, notes.with_name("out.parquet"), encode, text="note")
    assert encode.heard[-1] == ["A  fine  night", "clouds & rain", "unheard-of"]


def test_a_number_as_an_id_stays_one_and_no_name_stands_twice(tmp_path: Path):
    path, out = tmp_path / "a.parquet", tmp_path / "out.parquet"
    ids = [2**53 + 1, 2**53 + 2, 7]
    pq.write_table(pa.table({"note_2": ids, "note": ["a", "b c", "d"]}), path)
    embed_file(path, out, Counting(), text="note", id_column="note_2")
    table = pq.read_table(out)
    assert table["note_2"].to_pylist() == ids
    assert len(set(table.column_names)) == 4


def test_many_texts_go_through_a_model_some_at_a_time(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(embedding, "ROWS_AT_ONCE", 40)
    monkeypatch.setattr(embedding, "TEXTS_AT_ONCE", 15)
    monkeypatch.setattr(embedding, "_EVERY_S", -1.0)
    path, out, encode = tmp_path / "a.csv", tmp_path / "out.parquet", Counting()
    rows = [f"{i},{'x' * (i + 1)} y" for i in range(100)]
    path.write_text("\n".join(["objid,note", *rows]) + "\n")
    said: list[str] = []
    embed_file(path, out, encode, text="note", say=said.append)
    table = pq.read_table(out)
    assert table["objid"].to_pylist() == list(range(100))
    assert table["note_1"].to_pylist() == [i + 3 for i in range(100)]
    assert max(map(len, encode.heard)) == 15
    assert said[0] == "Reading a.csv."
    assert said[1] == "15 of 100 texts."
    assert said[-1] == "100 of 100 texts."


def test_the_suffix_says_the_format(notes: Path):
    out = notes.with_name("out.csv")
    assert embed_file(notes, out, Counting(), text="note").n_empty == 4
    _, first, second, *_ = (line.split(",") for line in out.read_text().splitlines())
    assert (first[0], [float(cell) for cell in first[1:]]) == ('"n5"', [14, 3, 0])
    assert second == ['"n3"', "", "", ""]
    assert embed_file(notes, notes.with_name("out.fits"), Counting(), text="note").n_empty == 4


def failing(error: BaseException) -> Callable[[Sequence[str]], np.ndarray]:
    def encode(texts: Sequence[str]) -> np.ndarray:
        if texts != ["one"]:
            raise error
        return np.ones((1, 2), dtype=np.float32)

    return encode


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of\nmemory")])
def test_what_goes_wrong_half_way_leaves_nothing_and_the_old_file(notes: Path, error):
    out = notes.with_name("out.parquet")
    out.write_bytes(b"old")
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else UnusableModelError
    with pytest.raises(expected) as caught:
        embed_file(notes, out, failing(error), text="note")
    if expected is UnusableModelError:
        assert str(caught.value).startswith("The model fails on a text: out of memory.")
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in notes.parent.iterdir()) == ["notes.parquet", "out.parquet"]


REFUSED = {
    "no such text": ({"text": "notee"}, "notee"),
    "numbers as text": ({"text": "x"}, "'x' holds real where a text is needed"),
    "no such id": ({"text": "note", "id_column": "idd"}, "idd"),
    "an id that repeats": ({"text": "note", "id_column": "x"}, "`x` repeats"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_column_that_does_not_serve_is_refused(case: str, notes: Path):
    options, said = REFUSED[case]
    with pytest.raises(AlEngineError, match=said):
        embed_file(notes, notes.with_name("out.parquet"), Counting(), **options)
    assert [path.name for path in notes.parent.iterdir()] == ["notes.parquet"]


def test_a_catalogue_without_an_id_is_refused_and_the_catalogue_is_never_written_over(
    tmp_path: Path,
):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"note": ["a", "b"], "id": [1, 1]}), path)
    with pytest.raises(SettingsError, match=r"No column of 'a\.parquet' is called like an id"):
        embed_file(path, tmp_path / "out.parquet", Counting(), text="note")
    with pytest.raises(SettingsError, match="is the catalogue itself"):
        embed_file(path, path, Counting(), text="note", id_column="note")


# -- folders of models ---------------------------------------------------------------------------


def folder_of(folder: Path, *parts: object, **about: object) -> Path:
    folder.mkdir(parents=True)
    if parts:
        (folder / "modules.json").write_text(json.dumps([{"type": part} for part in parts]))
    if about:
        (folder / "config.json").write_text(json.dumps(about))
    return folder


NORMALIZE = "sentence_transformers.models.Normalize"
STATIC = "sentence_transformers.models.StaticEmbedding"
WHOLE = "sentence_transformers.models.Transformer"


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in packages else found(name)
    )


@pytest.mark.parametrize(
    ("parts", "about", "package"),
    [
        ((STATIC, NORMALIZE), {"normalize": True}, "model2vec"),
        ((STATIC,), {}, "sentence-transformers"),
        ((), {"model_type": "model2vec"}, "model2vec"),
        ((WHOLE,), {"model_type": "bert"}, "sentence-transformers"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_how_to_install_it(
    tmp_path: Path, monkeypatch, parts, about, package
):
    without(monkeypatch, "model2vec", "sentence_transformers")
    with pytest.raises(SettingsError, match=rf"not installed\. .*pip install {package}$"):
        open_encoder(folder_of(tmp_path / "model", *parts, **about))


def test_what_is_no_folder_of_a_model_is_said_to_be_none(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"no folder '.*lost'\. .*none is downloaded"):
        open_encoder(tmp_path / "lost")
    with pytest.raises(SettingsError, match=r"holds no model .* no modules\.json in it"):
        open_encoder(folder_of(tmp_path / "bert", model_type="bert"))
    for i, nonsense in enumerate(("5", "[]", "{}", "[1]", "null")):
        folder = folder_of(tmp_path / f"nonsense{i}")
        (folder / "modules.json").write_text(nonsense)
        with pytest.raises(AlEngineError):
            open_encoder(folder)
    broken = folder_of(tmp_path / "broken")
    (broken / "modules.json").write_text("{")
    with pytest.raises(UnusableModelError, match=r"'broken/modules\.json' cannot be read"):
        open_encoder(broken)


@pytest.mark.parametrize("part", ["custom_st.Transformer", "os.system", "sentence_transformers", 1])
def test_a_model_made_of_code_of_its_own_is_refused_unread(tmp_path: Path, part):
    folder = folder_of(tmp_path / "model", WHOLE, part)
    with pytest.raises(UnusableModelError, match="Code that comes with a model is not run"):
        open_encoder(folder)


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said_version: str) -> None:
    """A package in place of sentence-transformers, which keeps what it was asked with."""
    package = tmp_path / "packages" / "sentence_transformers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import os, numpy as np\n"
        "class SentenceTransformer:\n"
        "    def __init__(self, folder, **options):\n"
        "        type(self).asked = (folder, options, os.environ.get('HF_HUB_OFFLINE'))\n"
        "    def encode(self, texts, **options):\n"
        "        return np.array([[len(text), 1.0] for text in texts])\n"
    )
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.delitem(sys.modules, "sentence_transformers", raising=False)
    monkeypatch.setattr(encoders, "version", lambda name: said_version)


def test_sentence_transformers_may_run_no_code_and_ask_nobody(tmp_path: Path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "6.2.0")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    folder = folder_of(tmp_path / "model", WHOLE)
    encode = open_encoder(folder)
    made = encode(["abc", "d"])
    assert made.dtype == np.float32
    assert made.tolist() == [[3, 1], [1, 1]]
    asked = sys.modules["sentence_transformers"].SentenceTransformer.asked
    assert asked == (str(folder), {"trust_remote_code": False, "local_files_only": True}, "1")
    assert "HF_HUB_OFFLINE" not in os.environ
    monkeypatch.delitem(sys.modules, "sentence_transformers")


def test_an_old_package_and_a_pickle_are_refused(tmp_path: Path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "5.1.0")
    folder = folder_of(tmp_path / "model", WHOLE)
    with pytest.raises(SettingsError, match=r"5\.1\.0 may run code .*sentence-transformers>=6"):
        open_encoder(folder)
    monkeypatch.setattr(encoders, "version", lambda name: "6.0.0")
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UnusableModelError, match=r"in a pickle, 2_Dense/pytorch_model\.bin"):
        open_encoder(folder)
    assert "sentence_transformers" not in sys.modules


def test_no_package_is_loaded_before_a_model_is_opened():
    code = "import sys, al_engine.exchange.encoders; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"model2vec", "sentence_transformers", "torch"} & set(done.stdout.split())


# -- the command ---------------------------------------------------------------------------------


def test_the_command_refuses_in_one_sentence(notes: Path, capsys: pytest.CaptureFixture[str]):
    command = ["embed", "--catalogue", str(notes), "--text", "note", "--model", "lost"]
    assert main(command) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("There is no folder 'lost'.")


def test_the_command_writes_beside_the_catalogue(notes: Path, monkeypatch, capsys):
    monkeypatch.setattr(encoders, "open_encoder", lambda folder: Counting())
    assert main(["embed", "--catalogue", str(notes), "--text", "note", "--model", "m"]) == 0
    told = capsys.readouterr()
    out = notes.with_name("notes_embedding.parquet")
    line = {"rows": 6, "dimensions": 3, "without_numbers": 4, "out": str(out)}
    assert json.loads(told.out) == line
    assert "4 of 6 texts have no numbers" in told.err
    assert pq.read_table(out).num_rows == 6


# -- a real model --------------------------------------------------------------------------------


def real_model(folder: Path) -> Path:
    """A model of model2vec of the words of the demo's reviews, 16 numbers each, drawn at random."""
    model2vec = pytest.importorskip("model2vec")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    texts = reviews()["review"].to_pylist()
    words = sorted({word for text in texts for word in text.lower().split() if word.isalpha()})
    places = {word: i for i, word in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(WordLevel(places, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    vectors = np.random.default_rng(0).normal(size=(len(places), 16)).astype(np.float32)
    model2vec.StaticModel(vectors, tokenizer, normalize=True).save_pretrained(folder)
    return folder


def reviews() -> pa.Table:
    table = DEMOS["reviews"].open()
    return pa.Table.from_batches(list(table.batches()))


def test_reviews_embedded_by_model2vec_are_joined_and_learned_from(tmp_path: Path, opened: Open):
    model = real_model(tmp_path / "tiny")
    file = tmp_path / "reviews.parquet"
    table = reviews()
    pq.write_table(table, file)
    command = ["embed", "--catalogue", str(file), "--text", "review", "--model", str(model)]
    assert main(command) == 0
    made = pq.read_table(tmp_path / "reviews_embedding.parquet")
    assert (made.num_rows, made.num_columns) == (table.num_rows, 17)
    numbers = np.array(made.drop_columns(made.column_names[0]).to_pandas())
    assert np.allclose(np.linalg.norm(numbers, axis=1), 1, atol=1e-5)

    folder, _ = import_file(tmp_path / "home", file)
    project = opened(folder)
    session = LabellingSession(project, "Ada")
    opened_table = open_to_join(tmp_path / "home", tmp_path / "reviews_embedding.parquet")
    joined = join(session, opened_table.table, propose(session, opened_table, by_position=False))
    assert joined.n_matched == table.num_rows
    features = Features(base=joined.columns[:16])
    session.change_settings(replace(session.config, features=features))
    classifier = session.config.train_labels[0]
    session.start(classifier, small_setup())
    assert session.state(classifier).fit is not None
