"""Further tables: their columns join the catalogue, serve as its own, and go again."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import HOSTILE, N_ROWS, answer, begin, make_table, small_setup, survey_values

from al_engine.curating.joining import features_of, join, open_to_join, propose, undo_join
from al_engine.curating.test_set import Curator
from al_engine.data import joining as data_joining
from al_engine.data.catalogue import Catalogue
from al_engine.data.joined import JoinedTable
from al_engine.data.table import Table
from al_engine.errors import (
    ProjectError,
    SettingsError,
    UnknownColumnError,
    UnsuitableColumnError,
    WorkCancelled,
)
from al_engine.exchange.configuration import read_configuration, write_configuration
from al_engine.loop.recording import as_file, record
from al_engine.projects.creating import create_project
from al_engine.projects.opening import close_project
from al_engine.projects.project import Project
from al_engine.session import LabellingSession
from al_engine.settings.config import Columns, Features, ProjectConfig
from al_engine.settings.criteria import Criterion, Group, Search
from al_engine.settings.panels import Panel
from al_engine.settings.quantities import Quantities, Quantity
from al_engine.sharing.packing import pack
from al_engine.sharing.prospect import look
from al_engine.sharing.replay import replay
from al_engine.showing.drawn import drawn_of
from al_engine.showing.match_map import MatchMap
from al_engine.showing.objects import object_card
from al_engine.showing.plotting import Plotting
from al_engine.starting import import_file
from al_engine.views.raster import View

Open = Callable[[Path], Project]
ARCSEC = 1 / 3600
BY_ID = JoinedTable("wise", ("name",), ("source",), ("w1", "r", "kind"))
BY_POSITION = JoinedTable("radio", ("ra", "dec"), ("RA", "DE"), ("flux",), 2.0)


def wise(scale: float = 1.0) -> Table:
    """A table of every other object, in another order, one id twice; it too has a column r."""
    names = [each.as_py() for each in survey_values()["name"]][::2][::-1]
    names.append(names[0])
    n = len(names)
    return make_table(
        {
            "source": pa.array(names),
            "w1": pa.array(scale * np.arange(n, dtype=float)),
            "r": pa.array(np.full(n, 5.0)),
            "kind": pa.array([f"kind {i % 3}" for i in range(n)]),
        },
        units={"w1": "mag"},
    )


def sky(*positions: tuple[float, float], **others: list[float]) -> Table:
    ra, dec = (pa.array([each[i] for each in positions], pa.float64()) for i in (0, 1))
    return make_table({"RA": ra, "DE": dec, **{k: pa.array(v) for k, v in others.items()}})


@pytest.fixture
def on_the_sky(tmp_path: Path, opened: Open) -> LabellingSession:
    """Five objects: two across RA 0, one at the pole, one without a position, one alone."""
    table = make_table(
        {
            "ra": pa.array([359.9999, 0.0001, 120.0, None, 50.0]),
            "dec": pa.array([0.0, 0.0, 89.9999, 3.0, 10.0]),
            "g": pa.array([1.0, 2, 3, 4, 5]),
        }
    )
    config = ProjectConfig(columns=Columns(ra="ra", dec="dec"))
    folder, _ = create_project(tmp_path / "home", "Sky", table, config)
    return LabellingSession(opened(folder), "Ada")


def column(catalogue: Catalogue, name: str) -> list:
    return [each.as_py() for each in catalogue.records([name], 0, catalogue.n_rows)[0]]


# -- what is joined ------------------------------------------------------------------------------


def test_by_id_every_object_has_its_row_or_nothing(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    joined = join(session, wise(), BY_ID)
    assert joined.columns == ("w1", "wise_r", "kind", "wise_ambiguous")
    assert (joined.n_rows, joined.n_matched, joined.n_several) == (151, 150, 1)
    assert project.catalogue.joined == (joined,)
    w1 = column(project.catalogue, "w1")
    assert w1[::2] == [float(149 - i) if i != 149 else 0.0 for i in range(150)]
    assert w1[1::2] == [None] * 150
    assert project.catalogue.column("w1").unit == "mag"
    assert column(project.catalogue, "r") == survey_values()["r"].to_pylist()
    assert [i for i, is_it in enumerate(column(project.catalogue, "wise_ambiguous")) if is_it] == [
        298
    ]


def test_by_position_the_nearest_joins_with_its_separation(on_the_sky: LabellingSession) -> None:
    catalogue = on_the_sky.project.catalogue
    table = sky(
        (0.0, 0.0), (300.0, 89.9999), (50.0, 10 + ARCSEC), (50.0, 10 - 1.5 * ARCSEC),
        flux=[1.0, 2.0, 3.0, 4.0],
    )  # fmt: skip
    joined = join(on_the_sky, table, BY_POSITION)
    assert joined.columns == ("flux", "radio_separation", "radio_ambiguous")
    assert (joined.n_matched, joined.n_several, joined.n_shared) == (4, 1, 2)
    assert column(catalogue, "flux") == [1.0, 1.0, 2.0, None, 3.0]
    assert column(catalogue, "radio_separation") == pytest.approx(
        [0.36, 0.36, 0.72, None, 1.0], abs=1e-4
    )
    assert column(catalogue, "radio_ambiguous") == [True, True, False, None, True]
    assert catalogue.column("radio_separation").unit == "arcsec"


def test_two_tables_join_one_after_the_other(on_the_sky: LabellingSession) -> None:
    first, second = sky((50.0, 10.0), flux=[1.0]), sky((120.0, 89.9999), flux=[7.0])
    join(on_the_sky, first, BY_POSITION)
    joined = join(on_the_sky, second, replace(BY_POSITION, name="deep"))
    assert joined.columns == ("deep_flux", "deep_separation", "deep_ambiguous")
    with pytest.raises(SettingsError, match="A table 'deep' is joined already"):
        join(on_the_sky, second, replace(BY_POSITION, name="deep"))


def test_values_that_stand_for_missing_are_no_positions(on_the_sky: LabellingSession) -> None:
    columns = replace(on_the_sky.config.columns, missing={"dec": (10.0,)})
    on_the_sky.change_settings(replace(on_the_sky.config, columns=columns))
    with pytest.raises(SettingsError, match="No object has a counterpart in 'radio' by position"):
        join(on_the_sky, sky((50.0, 10.0), flux=[1.0]), BY_POSITION)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"theirs": ("nope",)}, UnknownColumnError, "Column 'nope' is not in the table 'wise'"),
        ({"taken": ("nope",)}, UnknownColumnError, "Column 'nope' is not in the table 'wise'"),
        ({"ours": ("nope",)}, UnknownColumnError, "Column 'nope' is not in the catalogue"),
        ({"ours": ()}, SettingsError, "not said which columns"),
        ({"name": " "}, SettingsError, "to be called"),
        ({"theirs": ("kind",)}, SettingsError, "No object has a counterpart in 'wise' by name"),
        ({"within_arcsec": 0.0}, SettingsError, "The radius is 0 arcsec"),
        (
            {"within_arcsec": 1.0, "ours": ("g", "r"), "theirs": ("w1", "kind")},
            UnsuitableColumnError,
            "Column 'kind' holds no numbers",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_and_changes_nothing(
    project: Project, changes: dict, error: type, said: str
) -> None:
    before = project.catalogue.columns
    with pytest.raises(error, match=said):
        join(LabellingSession(project, "Ada"), wise(), replace(BY_ID, **changes))
    assert (project.catalogue.columns, project.catalogue.joined) == (before, ())
    assert project.catalogue.fetch("SELECT table_name FROM duckdb_tables() ORDER BY 1") == [
        (name,)
        for name in ("catalogue", "catalogue_column", "catalogue_fact", "joined_table",
                     "schema_step")
    ]  # fmt: skip


def test_a_cancelled_join_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    session, asked = LabellingSession(project, "Ada"), iter([False, False, True, True])
    before = project.catalogue.columns
    with pytest.raises(WorkCancelled):
        join(session, wise(), BY_ID, cancelled=lambda: next(asked))
    assert project.catalogue.columns == before
    monkeypatch.setattr(data_joining, "UPDATED_AT_ONCE", 100)
    heard = []
    join(session, wise(), BY_ID, progress=lambda n, of: heard.append((n, of)))
    assert heard[-1] == (151 + 2 * N_ROWS, 151 + 2 * N_ROWS)
    assert column(project.catalogue, "w1")[298] == 0.0


def test_hostile_names_join_as_themselves(project: Project) -> None:
    values = {HOSTILE: survey_values()["name"], 'x"; DROP TABLE t; --': pa.array(range(N_ROWS))}
    wanted = JoinedTable("a'b\"c", ("name",), (HOSTILE,), tuple(values))
    joined = join(LabellingSession(project, "Ada"), make_table(values), wanted)
    assert joined.columns[:2] == (f"a'b\"c_{HOSTILE}", 'x"; DROP TABLE t; --')
    assert column(project.catalogue, joined.columns[1]) == list(range(N_ROWS))


# -- columns of a joined table do all that the catalogue's own do ----------------------------------


@pytest.fixture
def with_wise(project: Project) -> LabellingSession:
    """The small project with a joined table whose columns are features, in a combination too."""
    session = LabellingSession(project, "Ada")
    join(session, wise(), BY_ID, is_shown=True)
    features = replace(session.config.features, base=("g", "w1", "r"))
    session.change_settings(replace(session.config, features=features, x_axis="g-w1", y_axis="w1"))
    return session


def test_joined_columns_are_features_axes_criteria_and_on_the_card(
    with_wise: LabellingSession,
) -> None:
    project = with_wise.project
    with_wise.start("QSO", small_setup())
    state = answer(with_wise)
    assert state.fit is not None
    assert [f.name for f in project.dataset().features][:4] == ["g", "w1", "r", "g-w1"]
    assert project.axis("w1")[0] == 149.0
    assert np.isnan(project.axis("g-w1")[1])
    search = Search((Group((Criterion("w1", ">", ("140",)), Criterion("kind", "missing"))),))
    assert Curator(with_wise).found(search).n == 0
    search = Search((Group((Criterion("w1", ">=", ("140",)),)),))
    assert Curator(with_wise).found(search).n == 10
    card = object_card(with_wise, state, 0)
    assert {v.name: v.text for v in (*card.info, *card.features)}["kind"] == "kind 2"


def test_a_join_costs_no_round(project: Project) -> None:
    session = begin(project)
    before = [scored.scores for scored in answer(session).rounds]
    question = session.state("QSO").question
    join(session, wise(), BY_ID, is_shown=True)
    assert session.state("QSO").question == question
    assert [scored.scores for scored in session.state("QSO").rounds] == before
    assert session.config.columns.info == ("w1", "wise_r", "kind", "wise_ambiguous")


def test_the_same_name_with_other_values_is_another_round(with_wise: LabellingSession) -> None:
    with_wise.start("QSO", small_setup())
    labelled = with_wise.project.history("QSO").sets[-1]
    config = with_wise.config
    key, w1 = with_wise.round_key("QSO", labelled), with_wise.project.axis("w1")[0]
    undo_join(with_wise, "wise", leave_out=True)
    join(with_wise, wise(scale=2.0), BY_ID)
    with_wise.change_settings(config)
    assert with_wise.round_key("QSO", labelled) != key
    assert with_wise.project.axis("w1")[0] == 2 * w1
    X = with_wise.project.dataset().rows(np.array([0]))
    assert X[0, 1] == 2 * w1
    undo_join(with_wise, "wise", leave_out=True)
    join(with_wise, wise(), BY_ID)
    with_wise.change_settings(config)
    assert with_wise.round_key("QSO", labelled) == key


def numbered(factor: float) -> Table:
    """A table with a number for every object: its row, times a factor."""
    names = survey_values()["name"]
    return make_table({"source": names, "w1": pa.array(factor * np.arange(float(len(names))))})


@pytest.mark.parametrize(
    "panel", [Panel("plot", x="w1", y="g"), Panel("diagram", of="mateos")], ids=["plot", "diagram"]
)
def test_what_lies_in_a_plot_are_objects_of_the_table_that_is_joined_now(
    project: Project, panel: Panel
) -> None:
    session = LabellingSession(project, "Ada")
    of_bands = {"w1": "w1", "w2": "r", "w3": "g"}
    known = {band: Quantity(column, "log", 1.0) for band, column in of_bands.items()}
    session.change_settings(replace(session.config, quantities=Quantities(known)))
    for factor in (1.0, -1.0):
        join(session, numbered(factor), JoinedTable("wise", ("name",), ("source",), ("w1",)))
        plane = Plotting(session, drawn_of(project)).plane(panel)
        x, y = plane.at(slice(None))
        expected = np.flatnonzero((x > -30.5) & (x < 99.5) & (y > -99) & (y < 99))
        box = [(-30.5, -99.0), (99.5, -99.0), (99.5, 99.0), (-30.5, 99.0)]
        np.testing.assert_array_equal(plane.rows_inside(box), expected)
        assert 0 < len(expected) < N_ROWS
        undo_join(session, "wise")


def test_the_map_of_matches_is_of_the_table_that_is_joined_now(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    matches, shown = Curator(session).found(Search()), MatchMap(project)
    view, seen = View((-400.0, 400.0), (-5.0, 5.0), 60, 40), set()
    for factor in (1.0, -1.0):
        join(session, numbered(factor), JoinedTable("wise", ("name",), ("source",), ("w1",)))
        session.change_settings(replace(session.config, x_axis="w1", y_axis="g"))
        seen.add(shown.picture(matches, project.curated(), view, "#888888"))
        undo_join(session, "wise")
    assert len(seen) == 2


# -- undone --------------------------------------------------------------------------------------


def test_a_feature_in_use_stops_the_undo_and_is_named(with_wise: LabellingSession) -> None:
    with pytest.raises(SettingsError, match="The table 'wise' is in use: w1 is a feature"):
        undo_join(with_wise, "wise")
    assert with_wise.project.catalogue.joined


def test_an_undo_takes_the_columns_from_the_settings_too(with_wise: LabellingSession) -> None:
    config = with_wise.config
    search = Search((Group((Criterion("w1", ">", ("1",)), Criterion("g", ">", ("1",)))),))
    with_wise.change_settings(
        replace(
            config,
            columns=replace(config.columns, missing={"w1": (-99.0,), "z": (-9999.0,)}),
            curation=replace(config.curation, search=search),
        )
    )
    with_wise.start("QSO", small_setup())
    answer(with_wise)
    joined = with_wise.project.catalogue.joined[0]
    assert features_of(with_wise.config, joined) == ("w1",)
    undo_join(with_wise, "wise", leave_out=True)
    config = with_wise.config
    assert with_wise.project.catalogue.names() == list(survey_values())
    assert config.features.base == ("g", "r")
    assert config.columns.info == ()
    assert set(config.columns.missing) == {"z"}
    assert [c.column for g in config.curation.search.groups for c in g.criteria] == ["g"]
    assert {config.x_axis, config.y_axis} <= {"g", "r", "g-r"}
    assert answer(with_wise).fit is not None


def test_an_undo_that_fails_leaves_the_table_and_the_settings(
    with_wise: LabellingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue, config = with_wise.project.catalogue, with_wise.config
    names, n = catalogue.names(), with_wise.project.log.n_events
    with catalogue.changing(), pytest.raises(ProjectError, match="being joined"):
        undo_join(with_wise, "wise", leave_out=True)
    assert (with_wise.config, with_wise.project.log.n_events) == (config, n)

    def full(*events: object) -> None:
        raise ProjectError("The disk is full.")

    monkeypatch.setattr(with_wise.project.log, "append", full)
    with pytest.raises(ProjectError, match="full"):
        undo_join(with_wise, "wise", leave_out=True)
    assert with_wise.config == config
    assert catalogue.names() == names
    assert [joined.name for joined in catalogue.joined] == ["wise"]
    assert np.isfinite(with_wise.project.axis("w1")).any()
    monkeypatch.undo()
    undo_join(with_wise, "wise", leave_out=True)
    assert not catalogue.joined


def test_what_stands_on_a_joined_column_stops_the_undo(with_wise: LabellingSession) -> None:
    labels = with_wise.config.columns
    columns = replace(with_wise.config.columns, label="kind")
    with_wise.change_settings(replace(with_wise.config, columns=columns))
    with pytest.raises(SettingsError, match="'kind' of the table 'wise' is the label"):
        undo_join(with_wise, "wise", leave_out=True)
    with_wise.change_settings(replace(with_wise.config, columns=labels))
    kinds = make_table({"k": pa.array(["kind 0", "kind 1"]), "v": pa.array([1, 2])})
    join(with_wise, kinds, JoinedTable("kinds", ("kind",), ("k",), ("v",)))
    with pytest.raises(SettingsError, match="'kinds' was joined by 'kind' of 'wise'"):
        undo_join(with_wise, "wise", leave_out=True)
    undo_join(with_wise, "kinds")
    features = Features(("w1",))
    with_wise.change_settings(replace(with_wise.config, features=features))
    with_wise.start("QSO", small_setup())
    with pytest.raises(SettingsError, match="Every feature is a column of the table 'wise'"):
        undo_join(with_wise, "wise", leave_out=True)


def test_an_undo_of_a_table_that_is_not_joined_is_refused(project: Project) -> None:
    with pytest.raises(SettingsError, match="No table 'wise' is joined"):
        undo_join(LabellingSession(project, "Ada"), "wise")


# -- kept, taken away, restored ------------------------------------------------------------------


def test_a_join_outlives_the_process(with_wise: LabellingSession, opened: Open) -> None:
    project = with_wise.project
    columns, joined = project.catalogue.columns, project.catalogue.joined
    close_project(project.folder)
    again = opened(project.folder)
    assert (again.catalogue.columns, again.catalogue.joined) == (columns, joined)


def test_a_whole_project_carries_its_joins(
    with_wise: LabellingSession, tmp_path: Path, opened: Open
) -> None:
    with_wise.start("QSO", small_setup())
    state = answer(with_wise)
    folder, _ = import_file(tmp_path / "elsewhere", pack(with_wise.project))
    project = opened(folder)
    assert project.catalogue.columns == with_wise.project.catalogue.columns
    assert project.catalogue.joined == with_wise.project.catalogue.joined
    session = LabellingSession(project, "Ada")
    assert session.state("QSO").rounds == state.rounds
    assert session.state("QSO").question == state.question
    undo_join(session, "wise", leave_out=True)
    assert project.catalogue.names() == list(survey_values())


def test_a_configuration_says_which_tables_were_joined(
    with_wise: LabellingSession, survey_template: Path, tmp_path: Path, opened: Open
) -> None:
    with_wise.start("QSO", small_setup())
    answer(with_wise)
    configuration = read_configuration(
        as_file(with_wise.project, with_wise.moment(), is_private=False).encode()
    )
    assert configuration.data.joined == with_wise.project.catalogue.joined
    assert read_configuration(write_configuration(configuration).encode()) == configuration
    assert look(with_wise.project, configuration).differs == ()
    other = opened(Path(shutil.copytree(survey_template, tmp_path / "home" / "other")))
    prospect = look(other, configuration)
    assert prospect.differs == (
        "The table 'wise' (a file), joined by name = source, is not joined.",
    )
    assert "Column 'w1' came with the table 'wise'" in str(prospect.refused["labels"])
    session = LabellingSession(other, "Ada")
    join(session, wise(scale=2.0), configuration.data.joined[0])
    assert look(other, configuration).differs == (
        "The table 'wise' (a file), joined by name = source, is another here.",
    )
    undo_join(session, "wise")
    join(session, wise(), configuration.data.joined[0])
    prospect = look(other, configuration)
    assert (prospect.differs, dict(prospect.refused)) == ((), {})


@pytest.mark.parametrize("base", [("g", "r", "w1"), ("w1",)])
def test_what_happened_before_a_join_was_undone_is_replayed_without_its_columns(
    with_wise: LabellingSession,
    survey_template: Path,
    tmp_path: Path,
    opened: Open,
    base: tuple[str, ...],
) -> None:
    config = with_wise.config
    with_wise.change_settings(replace(config, features=Features(base)))
    with_wise.start("QSO", small_setup())
    answer(with_wise)
    with_wise.change_settings(replace(with_wise.config, features=Features(("g", "r", "w1"))))
    undo_join(with_wise, "wise", leave_out=True)
    state = answer(with_wise)
    text = as_file(with_wise.project, with_wise.moment(), is_private=False)
    configuration = read_configuration(text.encode())
    other = opened(Path(shutil.copytree(survey_template, tmp_path / "home" / "other")))
    prospect = look(other, configuration)
    assert dict(prospect.refused) == {}
    assert (prospect.differs, prospect.gone) == ((), ("w1",))
    assert replay(other, configuration, "Ada").difference == ""
    assert LabellingSession(other, "Ada").state("QSO").history.trained == state.history.trained


def test_the_settings_that_were_in_force_last_need_their_columns(
    with_wise: LabellingSession, survey_template: Path, tmp_path: Path, opened: Open
) -> None:
    with_wise.start("QSO", small_setup())
    text = as_file(with_wise.project, with_wise.moment(), is_private=False)
    other = opened(Path(shutil.copytree(survey_template, tmp_path / "home" / "other")))
    before = other.log.events()
    with pytest.raises(UnknownColumnError, match="Column 'w1' came with the table 'wise'"):
        replay(other, read_configuration(text.encode()), "Ada")
    assert other.log.events() == before


def test_an_edited_joined_table_in_a_configuration_is_refused(project: Project) -> None:
    session = LabellingSession(project, "Ada")
    join(session, wise(), BY_ID)
    said = json.loads(write_configuration(record(project, session.moment())))
    said["data"]["joined"][0]["ours"] = 5
    with pytest.raises(SettingsError, match=r"joined\[0\]\.ours is 5"):
        read_configuration(json.dumps(said).encode())


# -- from a file ---------------------------------------------------------------------------------


def test_the_columns_to_compare_are_proposed(on_the_sky: LabellingSession, tmp_path: Path) -> None:
    path = tmp_path / "My radio-survey.parquet"
    table = {"RAJ2000": [50.0], "DEJ2000": [10.0], "source_id": [4], "flux": [1.5]}
    pq.write_table(pa.table(table), path)
    opened = open_to_join(tmp_path, path)
    by_position = propose(on_the_sky, opened, by_position=True)
    assert by_position.name == "My_radio_survey"
    assert (by_position.ours, by_position.theirs) == (("ra", "dec"), ("RAJ2000", "DEJ2000"))
    assert (by_position.taken, by_position.within_arcsec) == (("source_id", "flux"), 1.0)
    joined = join(on_the_sky, opened.table, by_position)
    assert joined.source == path.name
    assert column(on_the_sky.project.catalogue, "flux")[4] == 1.5
    assert propose(on_the_sky, opened, by_position=False).theirs == ("source_id",)
