"""What panels draw: where objects lie, what they are coloured by, and which one a click means."""

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from conftest import CLASSES, HOSTILE, N_ROWS, TRUTH, answer, begin, make_table
from PIL import Image

from al_engine.background import BACKGROUND
from al_engine.curating.relabelling import merge_labels
from al_engine.data.demo import DEMOS
from al_engine.errors import AlEngineError, NotEnoughLabelsError, PublicServerError
from al_engine.projects.creating import create_project
from al_engine.projects.opening import open_project
from al_engine.session import LabellingSession
from al_engine.settings.config import ProjectConfig
from al_engine.settings.panels import Panel
from al_engine.showing.colouring import FREQUENT
from al_engine.showing.drawn import Drawn
from al_engine.showing.maps import Maps, Shown
from al_engine.showing.planes import inside_outline
from al_engine.showing.plotting import Look, Plotting, kept_in_view
from al_engine.showing.quantities import lacking, quantities_of
from al_engine.showing.selecting import summary
from al_engine.views.diagrams import DIAGRAMS
from al_engine.views.raster import View


def n_painted(png: bytes) -> int:
    return int((np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[:, :, 3] > 0).sum())


def painted(plots: Plotting, panel: Panel, state=None) -> int:
    plane = plots.plane(panel)
    colouring = None if panel.kind == "density" else plots.colouring(panel, state, "blue_orange")
    view = plots.home(plane, 60, 50, [])
    return n_painted(plots.picture(plane, colouring, view, "viridis"))


@pytest.fixture
def plots(project) -> Plotting:
    return Plotting(LabellingSession(project, "Ada"), Drawn())


@pytest.fixture
def odd(tmp_path, opened) -> Plotting:
    """A catalogue of columns that are awkward to draw."""
    n = 5000
    values = {
        "constant": pa.array([7.5] * n),
        "empty": pa.array([None] * n, pa.float64()),
        "signed": pa.array(np.linspace(-10, 10, n)),
        "wide": pa.array(np.logspace(-8, 8, n)),
        "infinite": pa.array(np.where(np.arange(n) % 2, np.inf, np.arange(n))),
        "whole": pa.array(np.arange(n) % 7),
        "many": pa.array([f"kind {i}" for i in range(n)]),
        "few": pa.array(["a", "b", None, ""] * (n // 4)),
        "labelled": pa.array([f"L{i % 3}" for i in range(n)]),
    }
    folder, _ = create_project(
        tmp_path, "Odd", make_table(values), ProjectConfig(x_axis="signed", y_axis="wide")
    )
    return Plotting(LabellingSession(opened(folder), "Ada"), Drawn())


# -- planes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plot", "density"])
def test_a_plot_of_any_two_columns_is_painted(plots, kind):
    assert painted(plots, Panel(kind, x="g", y=HOSTILE)) > 20


@pytest.mark.parametrize("column", ["constant", "signed", "wide", "infinite", "whole"])
@pytest.mark.parametrize("is_log", [False, True])
def test_awkward_columns_are_painted_on_either_scale(odd, column, is_log):
    assert painted(odd, Panel("plot", x=column, y=column, x_log=is_log, y_log=is_log)) > 0


def test_a_column_without_values_makes_an_empty_picture_and_no_fault(odd):
    assert painted(odd, Panel("plot", x="empty", y="signed")) == 0
    assert painted(odd, Panel("density", x="empty", y="empty", x_log=True)) == 0
    assert odd.histogram(Panel("histogram", x="empty"), None).highest == 0


def test_a_log_axis_leaves_out_what_is_not_above_zero_and_keeps_every_click_on_its_object(odd):
    plane = odd.plane(Panel("plot", x="signed", y="wide", x_log=True, y_log=True))
    x, y = plane.at(slice(None))
    assert int(np.isfinite(x).sum()) == int((np.linspace(-10, 10, 5000) > 0).sum())
    view = odd.home(plane, 300, 200, [])
    row = 4000
    assert odd.nearest_row(plane, None, float(x[row]), float(y[row]), view) == row


@pytest.mark.parametrize("is_log", [False, True])
def test_what_lies_inside_an_outline_is_what_a_look_at_each_object_says(odd, is_log):
    plane = odd.plane(Panel("plot", x="signed", y="wide", x_log=is_log, y_log=True))
    x, y = plane.at(slice(None))
    box = [(0.1, -3.0), (0.9, -3.0), (0.9, 5.0), (0.1, 5.0)]
    expected = np.flatnonzero((x > 0.1) & (x < 0.9) & (y > -3) & (y < 5))
    np.testing.assert_array_equal(plane.rows_inside(box), expected)
    assert len(expected)


def test_a_plane_shows_the_same_before_and_after_its_index_is_made(odd):
    panel = Panel("plot", x="signed", y="wide", y_log=True)
    box = [(-3.0, -4.0), (4.0, -3.0), (3.0, 6.0)]

    def seen(plane) -> tuple:
        home = odd.home(plane, 90, 70, [])
        near = View((-1.0, 1.0), (-1.0, 1.0), 90, 70)
        pictures = [
            Plotting(odd._session, Drawn()).picture(plane, None, v, "viridis") for v in (home, near)
        ]
        return (
            pictures,
            plane.rows_inside(box).tolist(),
            odd.nearest_row(plane, None, 0.01, 0.02, near),
        )

    plane = odd.plane(panel)
    assert plane.index() is None, "nobody waits for it"
    before = seen(plane)
    BACKGROUND.wait()
    assert plane.index() is not None
    assert seen(plane) == before


def test_a_plane_whose_index_has_no_room_is_looked_through(odd, monkeypatch):
    def refuse(*_):
        raise PublicServerError("There is no room.", "Delete something.")

    monkeypatch.setattr("al_engine.projects.arrays.open_grid", refuse)
    plane = odd.plane(Panel("plot", x="signed", y="wide"))
    for _ in range(2):
        assert plane.index() is None
        BACKGROUND.wait()
    assert odd._session.trouble() is None
    assert len(plane.rows_inside([(-9.0, 0.0), (9.0, 0.0), (0.0, 1e8)])) > 0


def test_a_concave_outline_leaves_its_notch_out():
    outline = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0)]
    x = np.array([2.0, 1.0, 2.0, 5.0, np.nan], np.float32)
    y = np.array([0.5, 1.0, 3.0, 1.0, 1.0], np.float32)
    assert inside_outline(x, y, outline).tolist() == [True, True, False, False, False]


def test_a_line_or_a_dot_encloses_nothing(plots):
    plane = plots.plane(Panel("plot", x="g", y="r"))
    assert len(plane.rows_inside([])) == 0
    assert len(plane.rows_inside([(0.0, 0.0), (1.0, 1.0)])) == 0


@pytest.mark.parametrize(
    "panel",
    [
        Panel("plot", x="nowhere", y="g"),
        Panel("plot", x="name", y="g"),
        Panel("plot"),
        Panel("sky"),
        Panel("diagram", "bpt_nii"),
        Panel("diagram", "nonsense"),
    ],
)
def test_a_plane_that_cannot_be_drawn_says_what_to_do(plots, panel):
    with pytest.raises(AlEngineError) as error:
        plots.plane(panel)
    assert error.value.hint


# -- colours -------------------------------------------------------------------------------------


def test_a_label_of_a_person_outranks_the_catalogue_and_alone_counts_as_verified(project):
    session = begin(project)
    state = answer(session, row=session.state("QSO").question.row, label="STAR")
    (row,) = state.history.verified
    plots = Plotting(session, Drawn())
    by_label = plots.colouring(Panel(colour="label"), state, "blue_orange")
    verified = plots.colouring(Panel(colour="verified"), state, "blue_orange")
    assert by_label.names == (*(name.title() for name in CLASSES), "unknown")
    assert by_label.codes[row] == verified.codes[row] == CLASSES.index("STAR")
    assert np.count_nonzero(verified.codes != len(CLASSES)) == 1
    assert np.count_nonzero(by_label.codes != len(CLASSES)) > N_ROWS / 2


def test_what_a_label_took_in_is_drawn_and_counted_as_that_label(project):
    session = begin(project)
    plots, rows = Plotting(session, Drawn()), np.arange(50)
    stars, galaxies = (
        np.array([truth == value for truth in TRUTH]) & (project.dataset().codes >= 0)
        for value in ("STAR", "GALAXY")
    )
    merge_labels(session, "STAR", "GALAXY")
    by_label = plots.colouring(Panel(colour="label"), None, "blue_orange")
    galaxy = by_label.names.index("Galaxy")
    assert "Star" not in by_label.names
    np.testing.assert_array_equal(by_label.codes == galaxy, stars | galaxies)
    counts = {each.name: each.n_selected for each in summary(session, Drawn(), None, rows).labels}
    assert counts["Galaxy"] == int((stars | galaxies)[rows].sum())


def test_correctness_and_probability_are_of_the_model_and_say_nothing_of_test_objects(project):
    session = begin(project)
    state = answer(session)
    plots = Plotting(session, Drawn())
    right = plots.colouring(Panel(colour="correctness"), state, "blue_orange")
    p = plots.colouring(Panel(colour="probability"), state, "blue_orange")
    sure = plots.colouring(Panel(colour="confidence"), state, "blue_orange")
    np.testing.assert_array_equal(right.codes[~np.isfinite(state.fit.proba)], 2)
    assert set(np.unique(right.codes)) >= {0, 2}
    np.testing.assert_array_equal(p.values, state.fit.proba)
    assert np.nanmin(sure.values) >= 0.5
    for colour in ("correctness", "probability", "confidence", "verified"):
        assert painted(plots, Panel("plot", x="g", y="r", colour=colour), state) > 0


def test_while_some_questions_are_asked_twice_no_colour_tells_what_a_model_makes_of_the_question(
    project,
):
    session = begin(project)
    asking = replace(session.config.asking, repeat_every=50)
    session.change_settings(replace(session.config, asking=asking, x_axis="g", y_axis="r"))
    state = answer(session)
    row = state.question.row
    plots, maps = Plotting(session, Drawn()), Maps(session)
    for colour in ("probability", "confidence"):
        values = plots.colouring(Panel(colour=colour), state, "blue_orange").values
        assert np.isnan(values[row])
        assert np.isfinite(values).sum() == np.isfinite(state.fit.proba).sum() - 1
    right = plots.colouring(Panel(colour="correctness"), state, "blue_orange")
    assert right.codes[row] == len(right.names) - 1
    x, y = maps.place([row])
    near = View((x[0] - 1e-4, x[0] + 1e-4), (y[0] - 1e-4, y[0] + 1e-4), 20, 20)
    assert maps.nearest_row("metric", state, x[0], y[0], near, Shown()) is None
    assert maps.nearest_row("training", state, x[0], y[0], near, Shown(unlabelled=False)) is None
    assert maps.nearest_row("training", state, x[0], y[0], near, Shown()) == row


@pytest.mark.parametrize("colour", ["correctness", "probability", "confidence"])
def test_a_colour_of_a_model_is_refused_while_there_is_none(plots, colour):
    with pytest.raises(NotEnoughLabelsError):
        plots.colouring(Panel(colour=colour), None, "blue_orange")


def test_of_thousands_of_categories_the_frequent_ones_have_colours(odd):
    many = odd.colouring(Panel(colour="column", colour_column="many"), None, "blue_orange")
    assert len(many.names) == FREQUENT + 1
    assert len(set(many.colours)) == FREQUENT + 1
    few = odd.colouring(Panel(colour="column", colour_column="few"), None, "blue_orange")
    assert few.names == ("a", "b", "other or missing")
    assert few.codes[:4].tolist() == [0, 1, 2, 2]


def test_few_whole_numbers_are_categories_and_reals_are_values(odd):
    whole = odd.colouring(Panel(colour="column", colour_column="whole"), None, "blue_orange")
    assert whole.names[:7] == tuple("0123456")
    real = odd.colouring(Panel(colour="column", colour_column="infinite"), None, "blue_orange")
    assert real.codes is None
    assert all(map(np.isfinite, real.ends))
    flat = odd.colouring(Panel(colour="column", colour_column="constant"), None, "blue_orange")
    assert flat.ends[1] > flat.ends[0] == 7.5


# -- histograms ----------------------------------------------------------------------------------


def test_a_histogram_counts_every_object_once_in_its_own_category(odd):
    panel = Panel("histogram", x="whole", colour="column", colour_column="few")
    bars = odd.histogram(panel, odd.colouring(panel, None, "blue_orange"))
    assert len(bars.edges) == 8
    assert sum(map(sum, bars.counts)) + bars.n_outside == 5000
    assert bars.highest == max(np.bincount(np.arange(5000) % 7))


@pytest.mark.parametrize("column", ["constant", "signed", "wide", "infinite"])
@pytest.mark.parametrize("is_log", [False, True])
def test_a_histogram_of_awkward_values_loses_none(odd, column, is_log):
    bars = odd.histogram(Panel("histogram", x=column, x_log=is_log), None)
    axis, values = odd._values(Panel("histogram", x=column, x_log=is_log))
    assert sum(bars.counts[0]) + bars.n_outside == np.isfinite(axis.drawn(values)).sum()


def test_the_objects_of_a_bar_are_those_it_counts(odd):
    panel = Panel("histogram", x="signed")
    bars = odd.histogram(panel, None)
    rows = odd.rows_between(panel, bars.edges[3], bars.edges[4])
    assert abs(len(rows) - bars.counts[0][3]) <= 1  # on an edge, both count it


# -- diagrams of the demo survey -----------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo")
    folder, _ = create_project(home, "Sky", DEMOS["sky_survey"].open(), ProjectConfig())
    project = open_project(folder)
    yield project
    project.close()


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_columns_of_the_demo_survey_go_without_saying(demo, name):
    assert lacking(demo, name) == []
    plots = Plotting(LabellingSession(demo, "Ada"), Drawn())
    plane = plots.plane(Panel("diagram", name))
    view = plots.home(plane, 200, 150, [])
    assert n_painted(plots.picture(plane, None, view, "viridis")) > 100
    x, y = plane.at(slice(None))
    inside = (x > view.x_range[0]) & (x < view.x_range[1])
    inside &= (y > view.y_range[0]) & (y < view.y_range[1])
    assert inside.sum() > 0.9 * np.isfinite(x + y).sum()


def test_the_demo_survey_has_an_sed_of_thirteen_bands_with_errors(demo):
    bands = quantities_of(demo).bands
    assert len(bands) == 13
    assert {band.scale for band in bands} == {"magnitude"}
    assert [band.error for band in bands if band.name == "W1"] == ["err_W1"]


def test_the_wedge_tells_quasars_from_stars(demo):
    plots = Plotting(LabellingSession(demo, "Ada"), Drawn())
    plane = plots.plane(Panel("diagram", "mateos"))
    (wedge,) = plane.lines
    rows = plane.rows_inside(list(zip(wedge.x, wedge.y, strict=True)))
    found = demo.catalogue.picked(["class"], rows.tolist())[0].to_pylist()
    assert found.count("QSO") > 10 * found.count("STAR")


def test_an_empty_view_is_an_empty_picture(plots):
    plane = plots.plane(Panel("plot", x="g", y="r"))
    view = View((900.0, 901.0), (900.0, 901.0), 40, 30)
    assert n_painted(plots.picture(plane, None, view, "viridis")) == 0


# -- drawn ahead ---------------------------------------------------------------------------------


def looked_at(plots: Plotting, panels: list[Panel], state) -> list:
    """Each panel's picture, or its bars, as a page shows it."""
    shown = []
    for panel in panels:
        by = None if panel.kind == "density" else plots.colouring(panel, state, "blue_orange")
        plots.look(state, Look(panel, None, (60, 50), "blue_orange", "viridis"))
        if panel.kind == "histogram":
            shown.append(plots.histogram(panel, by))
            continue
        plane = plots.plane(panel)
        view = plots.home(plane, 60, 50, kept_in_view(state))
        shown.append(plots.picture(plane, by, view, "viridis"))
    return shown


def test_panels_that_are_looked_at_are_drawn_ahead_for_each_answer(project, monkeypatch):
    session = begin(project)
    plots = Plotting(session, Drawn())
    coloured = [Panel("plot", x="g", y="r", colour=c) for c in ("label", "correctness")]
    valued = Panel("plot", x="g", y="r", colour="probability")
    panels = [*coloured, valued, Panel("density", x="g", y="r"), Panel("histogram", x="g")]
    for label in ("QSO", "GALAXY", None):
        state = session.state("QSO")
        looked_at(plots, panels, state)
        session.look_ahead("QSO", [plots.draw_ahead])
        session._maker.wait("QSO")
        with monkeypatch.context() as patch:
            for drawn in ("_painted", "_bars"):
                patch.setattr(f"al_engine.showing.plotting.{drawn}", None)
            kind = "answer" if label else "unsure"
            state = session.answer("QSO", state.question.row, kind, label, token=state.token)
            ahead = looked_at(plots, panels, state)
        assert ahead == looked_at(Plotting(session, Drawn()), panels, state)


def test_a_panel_that_cannot_be_drawn_costs_nothing_that_is_made_ahead(project):
    session = begin(project)
    plots, state = Plotting(session, Drawn()), session.state("QSO")
    plots.look(state, Look(Panel("plot", x="gone", y="g"), None, (60, 50), "blue_orange", ""))
    plots.draw_ahead(state, lambda: True)


def test_an_answer_that_says_what_the_catalogue_says_draws_nothing_anew(project, monkeypatch):
    session = begin(project)
    plots, panel = Plotting(session, Drawn()), Panel("plot", x="g", y="r")
    state = session.state("QSO")
    plane = plots.plane(panel)
    view = plots.home(plane, 60, 50, [])
    before = plots.picture(plane, plots.colouring(panel, state, "blue_orange"), view, "viridis")
    row = next(row for row in range(N_ROWS) if row not in state.history.asked and TRUTH[row])
    monkeypatch.setattr("al_engine.showing.plotting._painted", None)
    after = session.answer("QSO", row, "answer", TRUTH[row], token=state.token)
    assert row in after.history.verified
    by = plots.colouring(panel, after, "blue_orange")
    assert plots.picture(plane, by, view, "viridis") == before
    other = next(label for label in CLASSES if label != TRUTH[row])
    again = session.answer("QSO", row, "answer", other, token=after.token)
    assert plots.colouring(panel, again, "blue_orange").of != by.of


def test_a_merged_label_has_the_colour_of_what_it_counts_as(project):
    session = begin(project)
    panel = Panel("plot", x="g", y="r")
    before = Plotting(session, Drawn()).colouring(panel, None, "blue_orange")
    merge_labels(session, "GALAXY", "STAR")
    by = Plotting(session, Drawn()).colouring(panel, None, "blue_orange")
    merged = [before.names[code] for code in before.codes]
    now = [by.names[code] for code in by.codes]
    assert now == [{"Galaxy": "Star"}.get(name, name) for name in merged]
