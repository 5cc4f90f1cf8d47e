"""A second table joined by position, learned from and undone, in a real Chromium."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import answerable, go_to, new_tab, press, settled
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

N = 400


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """A catalogue across RA 0, and the radio sources of three quarters of it, 0.4 arcsec off."""
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(-1, 1, N) % 360, rng.uniform(80, 81, N)
    kind = np.arange(N) % 2
    catalogue = {
        "objid": np.arange(N) + 10**6, "ra": ra, "dec": dec, "g": rng.normal(20, 1, N),
        "r": rng.normal(19, 1, N) + kind, "i": rng.normal(18, 1, N),
        "class": np.array(["STAR", "QSO"])[kind],
    }  # fmt: skip
    some = rng.permutation(N)[: 3 * N // 4]
    radio = {
        "RAJ2000": ra[some], "DEJ2000": dec[some] + 0.4 / 3600,
        "flux_mjy": 10.0 ** (kind[some] + rng.normal(0, 0.2, len(some))),
    }  # fmt: skip
    paths = tmp_path / "survey.parquet", tmp_path / "radio.parquet"
    for path, columns in zip(paths, (catalogue, radio), strict=True):
        pq.write_table(pa.table(columns), path)
    return paths


def open_path(page: Page, field: str, path: Path) -> None:
    box = page.get_by_role("textbox", name=field)
    box.fill(str(path))
    box.press("Enter")


def test_a_table_joined_by_position_is_read_searched_and_undone(browser, app, tables):
    with new_tab(browser, app) as (page, watched):
        page.goto(app.address)
        press(page.get_by_role("tab", name="From this computer's disk").first)
        open_path(page, "Path of a file", tables[0])
        expect(page).to_have_title("Settings · Sextant")
        expect(page.get_by_text("400 objects · 7 columns")).to_be_visible()
        press(page.get_by_text("Join another table"))
        open_path(page, "Path of a table", tables[1])
        expect(page.get_by_text("radio.parquet")).to_be_visible()
        for name, column in {"RA of the table": "RAJ2000", "Dec of the catalogue": "dec"}.items():
            chosen = page.get_by_role("combobox", name=f"{name}, degrees")
            expect(chosen).to_have_value(column)
        press(page.locator(".st-key-join-now button"))
        said = "300 of 400 objects (75%); none ambiguous"
        expect(page.get_by_text(said).first).to_be_visible()
        expect(page.get_by_text("400 objects · 10 columns")).to_be_visible()
        press(page.locator(".st-key-accept-guesses button"))
        press(page.get_by_role("button", name="Start training"))
        answerable(page)
        go_to(page, "Labelling")
        table = page.locator(".st-key-card [data-testid=stDataFrame]")
        expect(table.get_by_text(re.compile("radio_separation")).first).to_be_attached()
        go_to(page, "Settings")
        press(page.get_by_role("button", name="Undo"))
        press(page.get_by_role("button", name="Undo the join"))
        expect(page.get_by_text("radio is no longer joined.")).to_be_visible()
        expect(page.get_by_text("400 objects · 7 columns")).to_be_visible()
        settled(page)
        assert watched.errors == []
        assert watched.elsewhere == []
