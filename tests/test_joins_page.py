"""Step 1 of the settings: another table joined, what is said of it, and the undo."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import N_ROWS, answer, small_setup, survey_values
from paging import SETTINGS, SHARE, click, fine, read, show
from streamlit.testing.v1 import AppTest

from al_engine.curating.joining import join, open_to_join
from al_engine.data.joined import JoinedTable
from al_engine.loop.recording import change_layout
from al_engine.projects.opening import open_project
from al_engine.session import LabellingSession
from al_engine.settings.criteria import Criterion, Group, Search
from al_engine.settings.panels import Arrangement, Panel
from al_engine.starting import import_file


@pytest.fixture
def wise(tmp_path: Path) -> Path:
    """A file with a row for every other object, by id, and a name that is taken."""
    names = survey_values()["name"].to_pylist()[::2]
    path = tmp_path / "wise.parquet"
    rows = {"name": names, "w1": [float(i) for i in range(len(names))], "g": [1.5] * len(names)}
    pq.write_table(pa.table(rows), path)
    return path


def offer(at: AppTest, path: Path) -> AppTest:
    field = next(each for each in at.text_input if each.label == "Path of a table")
    return fine(field.set_value(str(path)).run())


def test_a_table_is_joined_by_id_and_its_columns_are_shown(
    ready: LabellingSession, wise: Path
) -> None:
    at = offer(show(SETTINGS, "survey"), wise)
    assert "3 columns" in read(at)
    click(at, "join-now")
    (joined,) = ready.project.catalogue.joined
    assert joined.columns == ("w1", "wise_g", "wise_ambiguous")
    assert (joined.ours, joined.theirs, joined.source) == (("name",), ("name",), "wise.parquet")
    assert f"150 of {N_ROWS} objects (50%)" in read(at)
    assert ready.config.columns.info[:1] == ("w1",)
    assert not [each for each in at.button if each.key == "join-now"]
    click(at, f"undo-join-{joined.key}")
    assert "no longer joined" in "".join(each.value for each in at.success)
    assert ready.project.catalogue.names() == list(survey_values())
    at = fine(at.switch_page(SHARE).run().switch_page(SETTINGS).run())
    assert "no longer joined" not in "".join(each.value for each in at.success)


def test_a_join_that_finds_nothing_is_refused_and_can_be_mended(
    ready: LabellingSession, wise: Path
) -> None:
    at = offer(show(SETTINGS, "survey"), wise)
    theirs = next(each for each in at.selectbox if each.label == "Id of the table")
    theirs.set_value("w1").run()
    click(at, "join-now")
    assert "No object has a counterpart in 'wise' by name" in at.error[0].value
    next(each for each in at.selectbox if each.label == "Id of the table").set_value("name").run()
    click(at, "join-now")
    assert len(ready.project.catalogue.joined) == 1


def test_panels_and_criteria_that_use_a_join_are_counted_before_it_is_undone(
    ready: LabellingSession, wise: Path
) -> None:
    table = open_to_join(ready.project.folder.parent, wise).table
    join(ready, table, JoinedTable("wise", ("name",), ("name",), ("w1",)))
    search = Search((Group((Criterion("w1", ">", ("1",)),)),))
    curation = replace(ready.config.curation, search=search)
    ready.change_settings(replace(ready.config, curation=curation))
    held = Arrangement(((Panel("histogram", x="w1"), Panel("plot", x="g", y="r")),))
    change_layout(ready.project, panels={"Explore": held})
    said = read(show(SETTINGS, "survey"))
    assert "Taken out of the test set's search: 1 criterion." in said
    assert "Without its columns: 1 panel" in said


def test_a_feature_in_use_is_named_before_it_is_left_out(
    ready: LabellingSession, wise: Path
) -> None:
    table = open_to_join(ready.project.folder.parent, wise).table
    joined = join(ready, table, JoinedTable("wise", ("name",), ("name",), ("w1",)))
    features = replace(ready.config.features, base=("g", "w1"))
    ready.change_settings(replace(ready.config, features=features))
    ready.start("QSO", small_setup())
    answer(ready)
    at = show(SETTINGS, "survey")
    assert "Left out of the features: **w1**" in read(at)
    assert "rounds become incomparable" in read(at)
    click(at, f"undo-join-{joined.key}")
    assert ready.config.features.base == ("g",)
    assert ready.state("QSO").fit is not None


def test_a_file_that_is_no_table_is_refused_once(ready: LabellingSession, tmp_path: Path) -> None:
    path = tmp_path / "page.fits"
    path.write_text("<html><title>Sorry</title></html>")
    at = offer(show(SETTINGS, "survey"), path)
    assert "is a web page" in at.error[0].value
    assert not fine(at.run()).error


def test_the_form_offers_positions_where_both_sides_have_them(home: Path, tmp_path: Path) -> None:
    for name, shift in (("sky", 0.0), ("radio", 1e-3)):
        rows = {"ra": [10.0 + shift, 20.0], "dec": [5.0, 6.0], name: [1.0, 2.0]}
        pq.write_table(pa.table(rows), tmp_path / f"{name}.parquet")
    folder, _ = import_file(home, tmp_path / "sky.parquet")
    at = offer(show(SETTINGS, folder.name), tmp_path / "radio.parquet")
    next(each for each in at.number_input if each.label == "Within, arcsec").set_value(0.5).run()
    click(at, "join-now")
    catalogue = open_project(folder).catalogue
    assert catalogue.joined[0].within_arcsec == 0.5
    assert "1 of 2 objects (50%); none ambiguous" in read(at)
    assert catalogue.names()[-3:] == ["radio", "radio_separation", "radio_ambiguous"]


@pytest.mark.parametrize("is_begun", [False, True])
def test_all_columns_of_a_joined_table_are_ticked_by_one_button(
    ready: LabellingSession, tmp_path: Path, is_begun: bool
) -> None:
    names = survey_values()["name"].to_pylist()
    rng = np.random.default_rng(0)
    numbers = {f"note_{i}": rng.normal(size=len(names)) for i in range(1, 21)}
    path = tmp_path / "notes.parquet"
    pq.write_table(pa.table({"name": names, **numbers}), path)
    ready.change_settings(
        replace(ready.config, features=replace(ready.config.features, base=("g",), combinations=()))
    )
    joined = join(
        ready,
        open_to_join(ready.project.folder.parent, path).table,
        JoinedTable("notes", ("name",), ("name",), tuple(numbers)),
    )
    if is_begun:
        ready.start("QSO", small_setup())
        answer(ready)
    at = show(SETTINGS, "survey")
    at.query_params["step"] = "3"
    fine(at.run())
    button = f"tick-survey-{joined.key}"
    assert at.button(key=button).label == "Tick all 20 columns of notes"
    click(at, button)
    if is_begun:
        assert ready.config.features.base == ("g",)
        click(at, "next-2")
        assert set(ready.config.features.base) == {"g", *numbers}
        return
    assert set(ready.config.features.base) == {"g", *numbers}
    assert "21 features" in read(at)
    assert at.button(key=button).label == "Untick all 20 columns of notes"
    click(at, button)
    assert ready.config.features.base == ("g",)
