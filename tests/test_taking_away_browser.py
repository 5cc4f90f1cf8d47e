"""From a real catalogue to a curated test set in use, and what is taken away from there.

A real server and a real Chromium; the files are opened without Sextant's own code.
"""

import csv
import gzip
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import QTable, Table
from browser import (
    App,
    Watched,
    answer,
    answerable,
    chromium,
    download,
    find,
    go_to,
    n_labels,
    new_tab,
    object_shown,
    open_by_path,
    press,
    set_up_as_guessed,
    settled,
)
from conftest import ROOT
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

N_GIVEN, N_TESTED, N_ANSWERED = 5, 20, 16
NAME = "QSO-RandomForest_Uncertainty"


@dataclass
class Work:
    """A project of sdss17 with a curated test set in use, as a browser shows it.

    ``tested`` are the ids of the test set and ``answered`` those answered about to train, both in
    order; the first of ``tested`` was trained on, for as long as the test set was not in use.
    ``found`` are the ids that the criteria find, ``n_labels`` how many labels trained: before that
    one was answered about, with it, and once the test set was in use.
    """

    page: Page
    watched: Watched
    project: Path
    rows: list[dict[str, str]]
    truth: dict[str, str]
    found: set[str]
    tested: list[str]
    answered: list[str]
    n_labels: tuple[int, int, int]


@pytest.fixture(scope="module")
def work(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    source = shared_data / "sdss17" / "sdss17.csv.gz"
    with gzip.open(source, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    truth = {row["row_id"]: row["class"] for row in rows}
    folder = tmp_path_factory.mktemp("taking_away")
    app = App(folder / "home", folder / "server.log")
    with chromium() as browser, new_tab(browser, app) as (page, watched):
        try:
            app.start()
            page.goto(app.address)
            open_by_path(page, source)
            set_up_as_guessed(page)

            go_to(page, "Test set")
            found = {row["row_id"] for row in rows if is_found(row)}
            type_criteria(page, f"{len(found):,} of {len(rows):,} objects match.")
            tested = [answer_next(page, truth, by_key=i % 2 == 0) for i in range(N_TESTED)]

            go_to(page, "Labelling")
            answerable(page)
            before = n_labels(page)
            find(page, tested[0])
            answer(page, truth[tested[0]], by_key=True)
            with_it = n_labels(page)
            use_test_set(page)
            go_to(page, "Labelling")
            answerable(page)
            n_trained = (before, with_it, n_labels(page))
            answered = [answer_next(page, truth, by_key=i % 2 == 0) for i in range(N_ANSWERED)]
            folder = app.home / "sdss17"
            yield Work(page, watched, folder, rows, truth, found, tested, answered, n_trained)
        finally:
            app.kill()


def is_found(row: dict[str, str]) -> bool:
    """Do the criteria find it, by the catalogue's own text?  -9999 is no magnitude."""
    u, g = Decimal(row["u"]), Decimal(row["g"])
    return Decimal(row["redshift"]) >= 2 or (-9999 not in (u, g) and u - g < Decimal("0.3"))


def type_criteria(page: Page, found: str) -> None:
    """Search by a redshift or a colour, with mouse and keys, until the page says what is found."""
    editor = page.get_by_role("group", name="Criteria", exact=True)
    press(editor.get_by_role("button", name="Add a criterion", exact=True))
    typed = (("redshift", ">=", "2"), ("u-g", "<", "0.3"))
    for i, (column, comparison, value) in enumerate(typed):
        if i:
            press(editor.get_by_role("button", name="Add a criterion to this group"))
        editor.get_by_label("Column").nth(i).select_option(column)
        editor.get_by_label("Comparison").nth(i).select_option(comparison)
        editor.get_by_label("Value").nth(i).click()
        page.keyboard.type(value)
        page.keyboard.press("Enter")
    settled(page)
    editor.get_by_label("Join in this group").select_option("or")
    expect(editor.get_by_role("status")).to_have_text(found)
    settled(page)


def answer_next(page: Page, truth: dict[str, str], by_key: bool) -> str:
    """Give the object that is shown its true label; which it was."""
    answerable(page)
    shown = object_shown(page)
    answer(page, truth[shown], by_key)
    return shown


def use_test_set(page: Page) -> None:
    go_to(page, "Test set")
    press(page.get_by_role("button", name="Use as test set"))
    press(page.get_by_role("button", name=f"Use {N_TESTED} objects as the test set"))
    expect(page.get_by_role("button", name="In use")).to_be_visible()
    settled(page)


def scores_on_test_set(page: Page) -> dict[str, str]:
    """What the Training page says of the test set, by score."""
    go_to(page, "Training")
    answerable(page)
    press(page.get_by_role("button", name="Test results"))
    press(page.get_by_role("button", name="Show the test results of this round"))
    table = page.locator(".st-key-scores-test")
    expect(table).to_be_visible()
    settled(page)
    lines = [line.split("\t") for line in table.locator("tr").all_inner_texts()]
    assert [cell.strip() for cell in lines[0]] == ["", "Chosen objects"]
    page.keyboard.press("Escape")
    return dict(lines[1:])


def test_twenty_objects_that_either_of_two_criteria_finds_test_and_never_train(work):
    page = work.page
    assert len(set(work.tested)) == N_TESTED
    assert set(work.tested) <= work.found
    assert work.n_labels == (N_GIVEN, N_GIVEN + 1, N_GIVEN)

    before = scores_on_test_set(page)
    assert before["Accuracy"].endswith(f"n {N_TESTED}")
    n_qso = sum(work.truth[name] == "QSO" for name in work.tested)
    assert before["Recall"].endswith(f"n {n_qso}")
    n_trained = N_GIVEN + N_ANSWERED
    expect(page.get_by_text(f"{n_trained} labels trained on")).to_be_visible()
    press(page.get_by_role("button", name="Checkpoint", exact=True))
    expect(page.get_by_role("button", name="Checkpointed", exact=True)).to_be_disabled()
    (checkpoint,) = (work.project / "models").glob(f"{NAME}-*.json")
    about = json.loads(checkpoint.read_text(encoding="utf-8"))
    trained = {used["id"] for used in about["labels_used"]}
    assert (len(trained), trained & set(work.tested)) == (n_trained, set())
    assert set(work.answered) <= trained

    page.reload()
    answerable(page)
    assert scores_on_test_set(page) == before
    expect(page.get_by_text(f"{n_trained} labels trained on")).to_be_visible()
    go_to(page, "Test set")
    expect(page.get_by_text(f"{N_TESTED} of 500 labelled")).to_be_visible()
    expect(page.get_by_role("button", name="In use")).to_be_visible()
    assert work.watched == Watched()


def test_the_labels_open_in_astropy_with_units_and_where_they_come_from(work, tmp_path):
    page, truth = work.page, work.truth
    go_to(page, "Share")
    # The object that trained for a while has two: that answer, and the one about the test set.
    n = N_GIVEN + 1 + N_ANSWERED + N_TESTED
    expect(page.get_by_text(f"{n} rows, one for each answer in force")).to_be_visible()
    press(page.get_by_role("button", name="Write the labels"))
    expect(page.get_by_text("Written: sdss17-labels.fits")).to_be_visible()
    file = download(page.locator(".st-key-download-sdss17-labels-fits button"), tmp_path)
    assert file.name == "sdss17-labels.fits"

    table = QTable.read(file)
    assert len(table) == n
    assert table["alpha"].unit == table["delta"].unit == units.deg
    assert table["seconds"].unit == units.s
    about = table.meta
    assert (about["CREATOR"], about["PROJECT"]) == ("Sextant", "sdss17")
    assert about["CATALOG"] == "sdss17.csv.gz"
    assert re.fullmatch(r"[0-9a-f]{32}", about["DATAHASH"])
    header = fits.getheader(file, 1)
    numbers = range(1, header["TFIELDS"] + 1)
    meant = {header[f"TTYPE{i}"]: header.get(f"TCOMM{i}") for i in numbers}
    assert meant["answered_at"] == "When, in UTC"
    for column in ("status", "how", "set"):
        assert [value for value in set(table[column]) if value not in meant[column]] == []

    ids = [str(number) for number in table["row_id"]]
    assert ids[N_GIVEN:] == [*work.tested, work.tested[0], *work.answered]
    assert list(table["label"]) == [truth[name] for name in ids]
    assert set(table["status"][:N_GIVEN]) == {"catalogue"}
    assert set(table["status"][N_GIVEN:]) == {"verified"}
    assert len(set(table["who"][N_GIVEN:])) == 1
    is_tested = np.isin(ids, work.tested)
    assert set(table["set"][is_tested]) == {"test"}
    assert set(table["set"][~is_tested]) == {"train"}
    about_test_set = table["classifier"].mask
    assert [ids[i] for i in np.flatnonzero(about_test_set)] == work.tested
    assert set(table["how"][about_test_set]) == {"criteria"}
    by_id = {row["row_id"]: row for row in work.rows}
    for column in ("alpha", "delta"):
        given = [float(by_id[name][column]) for name in ids]
        assert table[column].to_value(units.deg).tolist() == given
    assert work.watched == Watched()


def test_a_model_taken_away_finds_the_quasars_of_another_catalogue_once_it_knows_its_columns(
    work, shared_data, tmp_path
):
    page = work.page
    go_to(page, "Share")
    press(page.get_by_role("button", name="Write the bundle"))
    expect(page.get_by_text(f"Written: {NAME}.zip")).to_be_visible()
    bundle = download(page.locator(f".st-key-download-{NAME}-zip button"), tmp_path)
    with zipfile.ZipFile(bundle) as members:
        about = json.loads(members.read(f"{NAME}.json"))
    assert about["n_labelled"] == N_GIVEN + N_ANSWERED
    assert not {used["id"] for used in about["labels_used"]} & set(work.tested)

    catalogue = shared_data / "sdss_dr14" / "sdss_dr14_10k.csv"
    out = tmp_path / "scored.fits"
    done = score(bundle, catalogue, out)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {"rows": 10_000, "out": str(out), "probability_of": "QSO"}
    scored = Table.read(out)
    assert len(scored) == 10_000
    probability = np.asarray(scored["probability_QSO"])
    assert np.all((probability >= 0) & (probability <= 1))
    predicted = np.asarray(scored["predicted_QSO"], dtype=bool)
    assert predicted.tolist() == (probability > 0.5).tolist()
    with catalogue.open(encoding="utf-8") as file:
        is_qso = np.array([row["class"] == "QSO" for row in csv.DictReader(file)])
    # Whoever never says QSO is right about 91.5%, which chance moves by 0.3% among 10,000 objects:
    # five times that above it is no accident.  And most of each kind must be told apart, since
    # finding the easiest few quasars would do for that.
    never = 1 - is_qso.mean()
    by_chance = never + 5 * np.sqrt(never * (1 - never) / len(is_qso))
    assert (predicted == is_qso).mean() > by_chance
    assert predicted[is_qso].mean() > 0.5
    assert predicted[~is_qso].mean() < 0.5

    # Columns of other names: refused by name, then mapped to the same numbers.
    renamed, out = tmp_path / "renamed.csv", tmp_path / "mapped.fits"
    head, rest = catalogue.read_text(encoding="utf-8").split("\n", 1)
    names = head.replace(",g,r,", ",gmag,rmag,")
    renamed.write_text(f"{names}\n{rest}", encoding="utf-8")
    refused = score(bundle, renamed, out)
    assert (refused.returncode, refused.stdout, out.exists()) == (2, "", False)
    assert refused.stderr.startswith("The catalogue 'renamed.csv' has no columns `g`, `r`. Say ")
    assert refused.stderr.count("\n") == 1
    done = score(bundle, renamed, out, "--map", "g=gmag,r=rmag")
    assert done.returncode == 0, done.stderr
    assert np.asarray(Table.read(out)["probability_QSO"]).tolist() == probability.tolist()
    assert work.watched == Watched()


def score(
    model: Path, catalogue: Path, out: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    named = ["--catalogue", str(catalogue), "--out", str(out)]
    command = [sys.executable, "-m", "al_engine", "score", str(model), *named, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
