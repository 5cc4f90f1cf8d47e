"""A user's own models, strategies and features: what they may do, and what a bad file costs."""

import csv
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SMALL_FOREST, answer, small_setup, survey_config
from paging import SETTINGS, TRAINING, bar, drawn_maps, pressed
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from al_engine.__main__ import main
from al_engine.background import BACKGROUND
from al_engine.data.features import list_features
from al_engine.data.operations import OPERATIONS
from al_engine.errors import AlEngineError, ContractError, SettingsError, UnknownColumnError
from al_engine.extensions import loading, register_model
from al_engine.extensions.loading import Loaded, load_extensions
from al_engine.home import free_slug, home_folder
from al_engine.learning.models import MODELS, takes
from al_engine.learning.strategies import COMMITTEE_STRATEGIES, STRATEGIES, find_strategy
from al_engine.loop.partitioned.reading import refuse_extensions
from al_engine.projects.opening import close_project, open_project
from al_engine.projects.project import Project
from al_engine.services.cutouts import CUTOUTS
from al_engine.session import LabellingSession
from al_engine.settings.config import Combination, Features, MemberSetup, ProjectConfig
from al_engine.settings.panels import DEFAULTS, Panel, with_panel
from al_engine.sharing import exporting
from al_engine.showing.plots import draw_plot
from al_engine.starting import start_demo
from al_engine.views.plots import PLOTS
from pages.components.panels.kinds import choices, title

REGISTRIES: tuple[dict, ...] = (
    MODELS, STRATEGIES, COMMITTEE_STRATEGIES, OPERATIONS, PLOTS, CUTOUTS,
)  # fmt: skip
Load = Callable[..., Loaded]

IMPORTS = "from al_engine.extensions import *\nimport numpy as np\n"
LDA = IMPORTS + (
    "from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as Lda\n"
    "register_model('lda', Lda(), title='Discriminant')\n"
)
CONTRAST = IMPORTS + (
    "def contrast(a, b):\n    return (a - b) / (a + b)\nregister_feature('contrast', contrast)\n"
)
FAR = IMPORTS + (
    "def far(classifier, X, n_instances=1):\n"
    "    side = classifier.predict_proba(X)[:, 0]\n"
    "    return np.argsort(-side, kind='stable')[:n_instances]\n"
    "register_strategy('far', far, title='Farthest')\n"
)


@pytest.fixture
def fresh() -> Iterator[Callable[[], None]]:
    """Registries of Sextant's own alone, now, after the test, and whenever it is called."""
    own = [dict(registry) for registry in REGISTRIES]

    def forget() -> None:
        for registry, entries in zip(REGISTRIES, own, strict=True):
            registry.clear()
            registry.update(entries)
        loading._loaded.clear()
        for name in [name for name in sys.modules if name.startswith("sextant_extension_")]:
            del sys.modules[name]

    yield forget
    forget()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Callable[[], None]) -> Load:
    """Start again with these files, by name, as the extensions."""

    def start(is_on: bool = True, **files: str | bytes) -> Loaded:
        fresh()
        monkeypatch.setenv("SEXTANT_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("SEXTANT_EXTENSIONS", "1" if is_on else "0")
        folder = tmp_path / "home" / "extensions"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.py"):
            old.unlink()
        for name, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            (folder / f"{name}.py").write_bytes(content)
        return load_extensions(tmp_path / "home")

    return start


def fine(loaded: Loaded) -> Loaded:
    assert [str(fault) for fault in loaded.faults] == []
    return loaded


def registered() -> list[str]:
    """The names that are not Sextant's own."""
    return [
        entry.name
        for registry in REGISTRIES
        for entry in registry.values()
        if entry.origin is not None
    ]


# -- a file, kept whole or left out ----------------------------------------------------------------


def test_nothing_is_run_unless_whoever_starts_sextant_asks_for_it(load: Load) -> None:
    loaded = load(is_on=False, mine="raise SystemExit(3)")
    assert (loaded.is_on, loaded.n_files, loaded.faults) == (False, 1, ())
    assert registered() == []


def test_files_are_run_once_in_the_order_of_their_names(load: Load, tmp_path: Path) -> None:
    noting = f"with open({str(tmp_path / 'ran')!r}, 'a') as f: f.write(__name__ + ' ')\n"
    fine(load(b=CONTRAST + noting, a=LDA + noting, _helper="1/0"))
    load_extensions(tmp_path / "home")
    assert (tmp_path / "ran").read_text() == "sextant_extension_a sextant_extension_b "
    assert registered() == ["lda", "contrast"]


def test_a_file_that_fails_at_its_end_has_registered_nothing(load: Load) -> None:
    loaded = load(a=LDA + "1 / 0\n", b=CONTRAST)
    (fault,) = loaded.faults
    assert str(fault) == "a.py, line 5: ZeroDivisionError: division by zero."
    assert registered() == ["contrast"]


def test_a_name_that_another_file_has_is_refused(load: Load) -> None:
    loaded = load(a=LDA, b=LDA)
    (fault,) = loaded.faults
    assert str(fault) == (
        "b.py, line 4: The model 'lda' is there already, from a.py. Give it another name."
    )


def test_nothing_is_registered_but_by_files_of_the_folder() -> None:
    with pytest.raises(ContractError, match="while Sextant starts"):
        register_model("m", None)


def test_no_project_is_put_in_the_place_of_the_folder(tmp_path: Path) -> None:
    assert free_slug(tmp_path, "Extensions") == "extensions-2"


# -- in a project --------------------------------------------------------------------------------


def config_of(*, model: str = "lda", strategy: str = "margin", **changes: object) -> ProjectConfig:
    """The small project with a classifier for QSO."""
    setup = small_setup(members=(MemberSetup(model, strategy),))
    return survey_config(setups={"QSO": setup}, x_axis="g", y_axis="r", **changes)


CONTRASTED = Features(("g", "r", "G"), (Combination("contrast", 2),))


def begun(project: Project, config: ProjectConfig) -> LabellingSession:
    session = LabellingSession(project, "Ada")
    session.change_settings(replace(config, setups={}))
    session.start("QSO", config.setups["QSO"])
    return session


def test_a_model_a_strategy_and_a_feature_go_through_a_round(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    fine(load(mine=LDA, far=FAR, features=CONTRAST))
    project = opened(survey_folder)
    session = begun(project, config_of(strategy="far", features=CONTRASTED))
    state = answer(session)
    assert state.fit is not None
    assert state.question is not None
    assert state.question.why.endswith("in the pool, the one that Farthest asks for.")
    in_pool = np.isfinite(state.fit.utility)
    in_pool[list(state.history.asked)] = False
    lowest = state.fit.proba[in_pool].min()
    assert state.fit.proba[state.question.row] == pytest.approx(lowest, abs=1e-12)
    names = [f.name for f in project.dataset().features]
    assert names == ["g", "r", "G", "contrast(g,r)", "contrast(g,G)", "contrast(r,G)"]
    rows = np.arange(50)
    g, r, made = project.dataset().rows(rows)[:, [0, 1, 3]].T.astype(np.float64)
    np.testing.assert_allclose(made, (g - r) / (g + r), rtol=1e-4)
    np.testing.assert_array_equal(project.axis("contrast(g,r)")[rows], made.astype(np.float32))


def test_a_saved_model_names_the_files_that_it_was_made_with(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project], tmp_path: Path
) -> None:
    loaded = fine(load(mine=LDA, far=FAR, features=CONTRAST))
    project = opened(survey_folder)
    begun(project, config_of(strategy="far", features=CONTRASTED))
    BACKGROUND.wait(project)
    about = json.loads((project.folder / "models" / "QSO-Lda_Far.json").read_text())
    hashes = {entry.name: entry.origin.sha256 for entry in loaded.entries}
    assert about["extensions"] == [
        {"kind": "model", "name": "lda", "file": "mine.py", "sha256": hashes["lda"]},
        {"kind": "query strategy", "name": "far", "file": "far.py", "sha256": hashes["far"]},
        {
            "kind": "operation", "name": "contrast", "file": "features.py",
            "sha256": hashes["contrast"],
        },
    ]  # fmt: skip
    assert about["features"][3] == {
        "name": "contrast(g,r)", "formula": "contrast(g, r)", "columns": ["g", "r"],
        "operation": "contrast",
    }  # fmt: skip


def test_a_bundle_with_a_feature_of_an_extension_scores_where_that_is_and_nowhere_else(
    load: Load,
    survey_folder: Path,
    opened: Callable[[Path], Project],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fine(load(features=CONTRAST))
    project = opened(survey_folder)
    config = survey_config(
        setups={"QSO": small_setup()}, features=CONTRASTED, x_axis="g", y_axis="r"
    )
    session = begun(project, config)
    BACKGROUND.wait(project)
    bundle = exporting.write_model(session, exporting.bundles_of(session)[0])
    with zipfile.ZipFile(bundle) as packed:
        readme = packed.read("README.md").decode()
    assert "`features.py`" in readme, "what else it takes"
    assert "for the operation `contrast`" in readme
    objects = exporting.objects_of(session, range(50))
    catalogue = exporting.write_export(session, objects, exporting.FORMATS["parquet"])
    score = ["score", str(bundle), "--catalogue", str(catalogue), "--out", str(tmp_path / "o.csv")]
    assert main(score) == 0
    with (tmp_path / "o.csv").open() as file:
        found = [float(row["probability_QSO"]) for row in csv.DictReader(file)]
    fit = session.state("QSO").fit
    assert fit is not None
    shown = fit.proba[:50]
    np.testing.assert_allclose(np.array(found)[~np.isnan(shown)], shown[~np.isnan(shown)], 1e-5)
    capsys.readouterr()
    for files, said in (
        ({}, "of the extension features.py, which is not loaded here"),
        ({"features": CONTRAST + "# since changed\n"}, "which is another here than when"),
    ):
        load(**files)
        assert main(score) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("raised", ["SystemExit(2)", "BaseException('odd')", "GeneratorExit"])
def test_whatever_an_extension_raises_it_is_left_out(load: Load, raised: str) -> None:
    loaded = load(features=CONTRAST, odd=f"raise {raised}\n")
    assert [fault.file for fault in loaded.faults] == ["odd.py"]
    assert "contrast" in OPERATIONS


def test_another_file_of_the_same_name_is_another_model_and_another_feature(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    config = config_of(features=CONTRASTED)
    keys, values = [], []
    for sign in "+-":
        fine(load(mine=LDA, features=CONTRAST.replace("(a - b)", f"(a {sign} b)")))
        project = opened(survey_folder)
        session = LabellingSession(project, "Ada")
        if not session.is_started("QSO"):
            session = begun(project, config)
        state = session.state("QSO")
        assert state.fit is not None
        keys.append(state.fit.key)
        values.append(project.dataset().rows(np.arange(20))[:, 3])
        close_project(survey_folder)
    assert keys[0] != keys[1]
    assert not np.array_equal(*values)


def test_settings_that_use_no_extension_keep_the_key_of_their_rounds(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    keys = []
    for files in ({}, {"mine": LDA}):
        fine(load(**files))
        session = begun(opened(survey_folder), config_of(model="knn"))
        keys.append(session._maker.settings_key("QSO", session.config))
        close_project(survey_folder)
    assert keys[0] == keys[1]


def test_a_committee_of_yours_votes_as_yours_does(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    spread = "register_strategy('spread', from_proba=lambda p: np.ptp(p[:, :, 1], axis=0), "
    fine(load(mine=LDA + spread + "committee=True)\n"))
    setup = small_setup(members=(SMALL_FOREST, MemberSetup("lda")), committee_strategy="spread")
    session = begun(opened(survey_folder), survey_config(setups={"QSO": setup}))
    state = answer(session)
    assert state.question is not None
    assert state.question.why.endswith("the one that Spread asks for.")


ABSENT = {
    "model": (config_of(), "There is no model 'lda'."),
    "strategy": (config_of(model="knn", strategy="far"), "There is no query strategy 'far'."),
    "feature": (
        config_of(model="knn", features=CONTRASTED),
        "There is no operation 'contrast' to make features by.",
    ),
}


@pytest.mark.parametrize("kind", ABSENT)
def test_a_project_whose_extension_is_absent_opens_with_every_label(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project], kind: str
) -> None:
    config, sentence = ABSENT[kind]
    fine(load(mine=LDA, far=FAR, features=CONTRAST))
    with_them = answer(begun(opened(survey_folder), config))
    close_project(survey_folder)

    load()
    session = LabellingSession(opened(survey_folder), "Ada")
    session.restore_models()
    fault = session.fault("QSO")
    assert isinstance(fault, AlEngineError)
    assert fault.message == sentence
    assert "start Sextant with the extension" in fault.hint
    assert session.project.history("QSO").trained == with_them.history.trained
    if kind == "feature":
        session.change_settings(replace(session.config, features=survey_config().features))
    else:
        session.start("QSO", small_setup())
    assert session.fault("QSO") is None
    assert session.state("QSO").history.trained == with_them.history.trained


FRAIL = """
from sklearn.naive_bayes import GaussianNB

class Frail(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        if X.shape[1] == 10:
            raise ValueError("not today")
        return super().fit(X, y)

register_model("frail", Frail())
"""


def test_a_model_that_fails_later_is_named_with_its_line_and_costs_no_label(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    fine(load(frail=IMPORTS + FRAIL))
    session = begun(opened(survey_folder), config_of(model="knn"))
    n = len(answer(session).history.trained)
    with pytest.raises(ContractError, match=r"Frail \(frail.py, line 9\) failed: ValueError: not"):
        session.start("QSO", config_of(model="frail").setups["QSO"])
    assert isinstance(session.fault("QSO"), ContractError)
    assert len(session.project.history("QSO").trained) == n


def test_a_feature_that_fails_later_is_named_with_its_line(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    small = "    if np.nanmax(np.abs(a)) < 10:\n        raise KeyError('z')\n    return"
    fine(load(features=CONTRAST.replace("    return", small)))
    project = opened(survey_folder)
    with pytest.raises(ContractError, match=r"Contrast \(features.py, line 5\) failed: KeyError"):
        project.prepare(config_of(model="knn", features=CONTRASTED))


def test_an_operation_takes_as_many_features_as_it_has_arguments(load: Load) -> None:
    logs = "register_feature('log', lambda a: np.log10(a))\n"
    any_ = "register_feature('mean', lambda *columns: np.nanmean(columns, axis=0))\n"
    fine(load(features=CONTRAST + logs + any_))
    assert (OPERATIONS["log"].fewest, OPERATIONS["log"].most) == (1, 1)
    assert (OPERATIONS["mean"].fewest, OPERATIONS["mean"].most) == (1, 5)
    named = Features(("g", "r"), (Combination("log", 1), Combination("mean", 2)))
    names = [feature.name for feature in list_features(named)]
    assert names == ["g", "r", "log(g)", "log(r)", "mean(g,r)"]
    with pytest.raises(SettingsError, match="Contrast does not take 3 features"):
        list_features(Features(("g", "r", "z"), (Combination("contrast", 3),)))


def test_a_data_set_in_partitions_refuses_them_by_name(load: Load) -> None:
    fine(load(mine=LDA))
    with pytest.raises(SettingsError, match=r"Discriminant \(mine.py\) is an extension's"):
        refuse_extensions([MODELS["knn"], MODELS["lda"]])


def test_a_plot_is_given_some_objects_and_the_one_on_the_screen(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    plot = (
        "def plot(columns, labels, selected):\n"
        "    x = [len(labels), *columns['g-r'][:2], selected['z']]\n"
        "    return {'data': [{'x': x, 'text': list(labels[:8])}, {'name': 'Star'},\n"
        "                     {'name': 'Qso', 'marker': {'color': 'red'}}]}\n"
        "register_plot('mine', plot, columns=['g-r', 'z'])\n"
    )
    fine(load(plot=IMPORTS + plot))
    project = opened(survey_folder)
    session = begun(project, config_of(model="knn"))
    state = answer(session, row=5, label="GALAXY")
    trace, star, own = draw_plot(session, state, "mine", 4)["data"]
    assert trace["x"][0] == 300
    np.testing.assert_allclose(
        trace["x"][1:], [*project.axis("g-r")[:2], project.axis("z")[4]], rtol=1e-6
    )
    assert trace["text"] == ["Galaxy", "Qso", "Star", "Galaxy", "Qso", "Galaxy", "Galaxy", ""]
    assert star["marker"] == {"color": "#0072B2"}
    assert own["marker"] == {"color": "red"}


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("'file:///etc/passwd'", "asks at 'file:///etc/passwd'"),
        ("7", "it returned a int for an address"),
        ("1 / 0", "division by zero"),
    ],
)
def test_a_cutout_service_that_asks_nowhere_is_left_out(
    load: Load, returned: str, said: str
) -> None:
    file = f"register_cutout('mine', lambda ra, dec, field, px, options: {returned})\n"
    (fault,) = load(mine=IMPORTS + file).faults
    assert said in str(fault)
    assert "mine" not in CUTOUTS


def test_a_cutout_service_of_yours_is_asked_for_the_survey_chosen(load: Load) -> None:
    fine(load(unwise=examples()["unwise"]))
    (address,) = CUTOUTS["unwise"].ask(10.0, -5.0, 180.0, 400, {"survey": "unwise-neo7"}).addresses
    assert address.endswith(
        "?ra=10.000000&dec=-5.000000&layer=unwise-neo7&pixscale=0.4500&size=400"
    )


def test_a_plot_of_a_column_that_is_not_there_names_it(
    load: Load, survey_folder: Path, opened: Callable[[Path], Project]
) -> None:
    fine(load(plot=IMPORTS + "register_plot('p', lambda c, l, s: {}, columns=['g', 'W1_Flux'])\n"))
    session = begun(opened(survey_folder), config_of(model="knn"))
    with pytest.raises(UnknownColumnError, match="'W1_Flux'"):
        draw_plot(session, session.state("QSO"), "p", 4)


# -- the examples of docs/extending.md -------------------------------------------------------------


def examples() -> dict[str, str]:
    """The files of the page, by name."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n(# (\w+)\.py\n.*?)```", page, re.DOTALL)
    return {name: content for content, name in found}


def test_every_example_of_the_documentation_goes_through_a_round(load: Load) -> None:
    loaded = fine(load(**examples()))
    by_kind: dict[str, list[str]] = {}
    for entry in loaded.entries:
        by_kind.setdefault(entry.kind, []).append(entry.name)
    assert set(by_kind) == {"model", "query strategy", "operation", "plot", "cutout service"}
    folder = start_demo(home_folder(), "sky_survey")
    session = LabellingSession(open_project(folder), "Ada")
    try:
        combined = tuple(
            Combination(name, OPERATIONS[name].fewest) for name in by_kind["operation"]
        )
        features = replace(session.config.features, combinations=combined)
        session.change_settings(replace(session.config, features=features))
        label = session.config.train_labels[0]
        for model in by_kind["model"]:
            for strategy in by_kind["query strategy"]:
                state = session.start(label, small_setup(members=(MemberSetup(model, strategy),)))
                assert state.question is not None
                token = state.token
                state = session.answer(label, state.question.row, "answer", label, token=token)
                assert state.question is not None
                for plot in by_kind["plot"]:
                    assert draw_plot(session, state, plot, state.question.row)["data"]
        assert len(state.history.trained) == 5 + len(by_kind["model"]) * len(
            by_kind["query strategy"]
        )
    finally:
        close_project(folder)


# -- from a terminal -----------------------------------------------------------------------------


def test_a_command_tells_of_a_file_that_was_left_out_and_does_its_work(
    load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(bad="x = (\n")
    (tmp_path / "objects.csv").write_text("id,g\na,1.5\nb,2.5\n")
    project = tmp_path / "made"
    assert main(["import", str(tmp_path / "objects.csv"), "--project", str(project)]) == 0
    assert project.is_dir()
    assert capsys.readouterr().err.startswith("Left out: bad.py, line 1: SyntaxError")


# -- on pages ------------------------------------------------------------------------------------


def show(page: str = "", slug: str = "") -> AppTest:
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    if slug:
        at.query_params["project"] = slug
    at = at.switch_page(page).run() if page else at
    assert [each.message for each in at.exception] == []
    return at


@pytest.fixture
def on_pages(monkeypatch: pytest.MonkeyPatch, survey_folder: Path) -> Iterator[Path]:
    monkeypatch.setattr(ContextProxy, "cookies", {})
    yield survey_folder
    close_project(survey_folder)


def test_home_lists_what_extensions_offer_and_what_was_left_out(load: Load, on_pages: Path) -> None:
    load(mine=LDA, bad="x = (\n")
    at = show()
    said = [each.value for each in at.caption]
    assert r"**Models:** Discriminant (mine\.py)" in said
    (warning,) = at.warning
    assert warning.value.startswith(r"**Left out:** bad\.py, line 1")


def test_a_file_left_out_is_told_where_what_it_would_have_offered_is_chosen(
    load: Load, on_pages: Path
) -> None:
    failing = FAR.replace("classifier.predict_proba(X)", "X.nosuch")
    (fault,) = load(far=failing).faults
    assert fault.kinds == {"query strategy"}
    assert str(fault).endswith("Mend it and start Sextant again.")
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    at.query_params.update({"project": "survey", "step": "3"})
    at = at.switch_page(SETTINGS).run()
    assert not [c.value for c in at.caption if "Left out" in c.value], "no place for strategies"
    at = show(TRAINING, "survey")
    assert [c.value for c in at.caption if "Left out" in c.value]


def test_a_map_of_a_strategy_that_gives_no_numbers_says_what_it_shows(
    load: Load, on_pages: Path
) -> None:
    fine(load(far=FAR))
    project = open_project(on_pages)
    setup = small_setup(members=(replace(SMALL_FOREST, strategy="far"),))
    begun(project, survey_config(setups={"QSO": setup}, x_axis="g", y_axis="r"))
    drawn = [head for head, _ in drawn_maps(show(TRAINING, "survey"))]
    (metric,) = [head for head in drawn if head["title"].startswith("Metric")]
    assert metric["title"] == "Metric: uncertainty (Farthest asks by itself)"
    names = [entry["name"] for entry in metric["legend"][:2]]
    assert [name.split(" ", 1)[1] for name in names] == ["surest", "least sure"]


def test_a_name_like_no_other_is_answered_with_all_there_are() -> None:
    with pytest.raises(SettingsError, match=r"There are uncertainty, margin"):
        find_strategy("xyz")
    with pytest.raises(SettingsError, match=r"Closest: entropy;"):
        find_strategy("entrop")


def test_home_says_when_extensions_wait_to_be_switched_on(load: Load, on_pages: Path) -> None:
    load(is_on=False, mine=LDA)
    captions = [each.value for each in show().caption]
    assert any("1 file" in text and "SEXTANT_EXTENSIONS=1" in text for text in captions)


def test_a_server_for_strangers_has_none_whatever_was_asked_for(
    load: Load, on_pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEXTANT_PUBLIC", "1")
    assert load(mine="raise SystemExit\n") == Loaded(False, 1)
    assert "extension" not in " ".join(each.value for each in show().caption).lower()


def test_the_set_up_offers_yours_beside_ours(load: Load, on_pages: Path) -> None:
    fine(load(mine=LDA, far=FAR))
    at = show("pages/2_Training.py", "survey")
    boxes = {box.label: box.options for box in at.selectbox}
    assert "Discriminant (yours)" in boxes["Model"]
    assert "Farthest (yours)" in boxes["Query strategy"]


def test_a_panel_beside_the_question_can_be_a_plot_of_yours(load: Load, on_pages: Path) -> None:
    plot = (
        "def plot(columns, labels, selected):\n"
        "    return {'data': [{'x': list(columns['g']), 'y': list(columns['r'])}]}\n"
        "register_plot('mine', plot, columns=['g', 'r'], title='Mine')\n"
    )
    fine(load(plot=IMPORTS + plot))
    begun(open_project(on_pages), config_of(model="knn"))
    at = show("pages/3_Labelling.py", "survey")
    assert at.get("plotly_chart") == []
    session = at.session_state["sextant.session"]
    panels = DEFAULTS["Labelling"]
    assert ("extension", "mine") in choices(session, "Labelling", panels, Panel(), has_state=True)
    assert title(("extension", "mine")) == "Mine (yours)"
    panels = with_panel(panels, (1, 0), Panel("extension", "mine"))
    at.session_state["sextant.looking"].exploring.panels["Labelling"] = panels
    at.run()
    assert [each.message for each in at.exception] == []
    (drawn,) = at.get("plotly_chart")
    assert len(json.loads(drawn.proto.spec)["data"][0]["x"]) == 300


def test_features_are_combined_by_yours(load: Load, on_pages: Path) -> None:
    fine(load(features=CONTRAST))
    at = show("pages/1_Settings.py", "survey")
    at.query_params["step"] = "3"
    at.run()
    at.selectbox(key="combinations-survey-operation").set_value("contrast").run()
    assert [box.disabled for box in at.number_input] == [True]
    at.button(key="combinations-survey-add").click().run()
    assert [each.message for each in at.exception] == []
    combined = open_project(on_pages).config.features.combinations
    assert Combination("contrast", 2) in combined


def test_training_says_what_is_absent_and_takes_another_set_up(load: Load, on_pages: Path) -> None:
    fine(load(mine=LDA))
    session = begun(open_project(on_pages), config_of())
    n = len(answer(session).history.trained)
    close_project(on_pages)
    load()
    at = show("pages/2_Training.py", "survey")
    (error,) = at.error
    assert error.value.startswith("There is no model 'lda'")
    (box,) = [box for box in at.selectbox if box.label == "Model"]
    assert box.value == "lda"
    labelling = show("pages/3_Labelling.py", "survey")
    (told,) = labelling.error
    assert told.value == error.value
    assert "Go to Training" in [each.proto.label for each in labelling.main.get("page_link")]
    box.set_value("knn").run()
    at.button(key="change-QSO").click().run()
    assert [each.value for each in at.error] == []
    again = LabellingSession(open_project(on_pages), "Ada").state("QSO")
    assert (again.setup.members[0].model, len(again.history.trained)) == ("knn", n)


def test_settings_show_a_feature_whose_extension_is_absent_and_remove_it(
    load: Load, on_pages: Path
) -> None:
    fine(load(features=CONTRAST))
    begun(open_project(on_pages), config_of(model="knn", features=CONTRASTED))
    close_project(on_pages)
    load()
    for step in ("1", "2", "4"):
        at = show("pages/1_Settings.py", "survey")
        at.query_params["step"] = step
        at.run()
        assert [each.message for each in at.exception] == []
    at.query_params["step"] = "3"
    at.run()
    assert any("it is not there" in each.value for each in at.markdown)
    at.button(key="combinations-survey-remove-0").click().run()
    at.button(key="next-2").click().run()
    assert open_project(on_pages).config.features.combinations == ()


def test_labels_and_the_project_can_be_taken_away_though_an_extension_is_absent(
    load: Load, on_pages: Path
) -> None:
    fine(load(mine=LDA, features=CONTRAST))
    session = begun(open_project(on_pages), config_of(features=CONTRASTED))
    answer(session)
    close_project(on_pages)
    load()
    at = show("pages/7_Share.py", "survey")
    assert [each.message for each in at.exception] == []
    titles = [each.value for each in at.subheader]
    assert {"Models", "Files", "Configuration"} <= set(titles)
    assert at.button(key="pack").label == "Make the file"


def test_a_test_set_needs_no_model(load: Load, on_pages: Path) -> None:
    fine(load(mine=LDA))
    begun(open_project(on_pages), config_of())
    close_project(on_pages)
    load()
    at = show("pages/4_Test_set.py", "survey")
    assert [each.message for each in at.exception] == []
    assert [each.value for each in at.error] == []
    assert bar(at)["question"] == "What is it?"
    at.session_state["answers-test-survey"] = {"event": pressed(at, "answer", "QSO")}
    at.run().run()
    assert [each.value for each in at.error] == []
    assert len(open_project(on_pages).curated().labels) == 1


def test_the_test_set_page_says_what_feature_is_absent_and_leads_to_the_settings(
    load: Load, on_pages: Path
) -> None:
    fine(load(features=CONTRAST))
    begun(open_project(on_pages), config_of(model="knn", features=CONTRASTED))
    close_project(on_pages)
    load()
    at = show("pages/4_Test_set.py", "survey")
    assert [each.message for each in at.exception] == []
    (error,) = at.error
    assert "contrast" in error.value
    assert "Go to Settings" in [each.proto.label for each in at.main.get("page_link")]


OF_TEXTS = """
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier

register_model("of_texts", {}, takes_sparse=True)
"""


def test_a_model_that_takes_texts_is_tried_out_on_some(load: Load) -> None:
    fine(load(ridge=IMPORTS + OF_TEXTS.format("RidgeClassifier()")))
    assert takes(MODELS["of_texts"], n_numbers=1, has_texts=True)


def test_a_model_that_fails_on_texts_is_not_offered(load: Load) -> None:
    loaded = load(lda=IMPORTS + OF_TEXTS.format("LinearDiscriminantAnalysis()"))
    (fault,) = loaded.faults
    assert "failed with 6 labelled texts" in str(fault)
    assert "of_texts" not in MODELS
